//! What a probe found: its phases, the layer that failed, and the verdict. The first failing layer, bottom to top,
//! names the outage. Failures are classed elsewhere (`probe/…`), from phase, response code and text together.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Span, Text};

/// Where it broke, bottom to top.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The name does not resolve, or no resolver answers.
    Name,
    /// No connection, or it ended before a greeting.
    Network,
    /// Handshake, certificate, STARTTLS.
    Tls,
    /// The listening process: accepted and silent, `BYE` for a greeting, no backend.
    FrontEnd,
    /// The authentication backend.
    Auth,
    /// This account only: the server is alive.
    Credential,
    /// The mailbox store behind a good login.
    Store,
    /// The mailbox is over its quota.
    Quota,
    /// A connection or rate limit, perhaps reached by the probe itself.
    Limit,
    /// A letter through the service.
    Delivery,
}

impl Layer {
    /// All of them, bottom to top.
    pub const ALL: [Self; 10] = [
        Self::Name,
        Self::Network,
        Self::Tls,
        Self::FrontEnd,
        Self::Auth,
        Self::Credential,
        Self::Store,
        Self::Quota,
        Self::Limit,
        Self::Delivery,
    ];

    /// The word used in JSON and on screen, in kebab-case.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Network => "network",
            Self::Tls => "tls",
            Self::FrontEnd => "front-end",
            Self::Auth => "auth",
            Self::Credential => "credential",
            Self::Store => "store",
            Self::Quota => "quota",
            Self::Limit => "limit",
            Self::Delivery => "delivery",
        }
    }

    /// What a failure at this layer says of the service: account and limit trouble is never "down".
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Credential | Self::Quota | Self::Limit => Verdict::Warn,
            _ => Verdict::Down,
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A step of a probe, timed by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Name to addresses.
    Name,
    /// TCP connect.
    Tcp,
    /// TLS handshake; with STARTTLS the command is part of it, and it comes after the greeting.
    Tls,
    /// Connect to a unix socket on the server.
    Socket,
    /// The server's first line.
    Greeting,
    /// `EHLO` or `LHLO` (RFC 5321 4.1.1.1): what the server offers.
    Ehlo,
    /// Authentication.
    Login,
    /// `EXAMINE` (RFC 9051 6.3.3): opens the mailbox without changing it.
    Examine,
    /// `FETCH` of one small envelope: the store is proved by reading.
    Fetch,
    /// `STAT` (RFC 1939 5): how many messages the mailbox holds.
    Stat,
    /// `LISTSCRIPTS` (RFC 5804 2.7): the script store is proved by reading.
    Scripts,
    /// `MAIL FROM` (RFC 5321 4.1.1.2).
    Mail,
    /// `RCPT TO` (RFC 5321 4.1.1.3); `RSET` follows, and no letter.
    Rcpt,
    /// `LOGOUT` or `QUIT`: sent, not waited for.
    Logout,
}

impl Phase {
    /// The word used in JSON and on screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Socket => "socket",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::Login => "login",
            Self::Examine => "examine",
            Self::Fetch => "fetch",
            Self::Stat => "stat",
            Self::Scripts => "scripts",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Logout => "logout",
        }
    }
    /// What a probe whose goal this is leaves unproved: it says "ok as far as …". Behind a login or an answer to RCPT
    /// nothing is left.
    pub const fn as_far_as(self) -> Option<&'static str> {
        match self {
            Self::Name | Self::Tcp | Self::Tls | Self::Socket | Self::Greeting => Some("the greeting"),
            Self::Ehlo => Some("EHLO"),
            Self::Mail => Some("MAIL FROM"),
            _ => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What we can say of a server, a door, a queue. Ordered by how much it wants attention:
/// `Ok < Unknown < Warn < Down`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Seen to work, just now.
    Ok,
    /// Not known now. Never drawn as good.
    Unknown,
    /// Works with trouble.
    Warn,
    /// Does not work.
    Down,
}

impl Verdict {
    /// The word used in JSON and on screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Down => "down",
        }
    }
    /// The one that wants the most attention; of nothing, nothing is known.
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max().unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One phase and how long it took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PhaseTime {
    /// Which.
    pub phase: Phase,
    /// How long, also when it failed.
    pub took: Span,
    /// Whether it held.
    pub ok: bool,
}

/// A failure, classed by layer, with the server's own words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The layer that it names.
    pub layer: Layer,
    /// The phase in which it showed.
    pub phase: Phase,
    /// The response code, without brackets: `SERVERBUG`, `UNAVAILABLE`.
    pub code: Option<Text>,
    /// The server's or the system's words.
    pub text: Text,
    /// What we add: a stated possibility, advice.
    pub hint: Option<Text>,
}

/// How a handshake says that the certificate has ended.
pub const CERT_ENDED: &str = "the certificate has expired";
/// How it says that the certificate has not begun.
pub const CERT_NOT_BEGUN: &str = "the certificate is not valid yet";

impl Failure {
    /// Whether it is that a certificate has ended.
    pub fn cert_ended(&self) -> bool {
        self.layer == Layer::Tls && self.text.as_str() == CERT_ENDED
    }
    /// Whether it is that a certificate begins later: the server's clock is wrong, or ours.
    pub fn cert_not_begun(&self) -> bool {
        self.layer == Layer::Tls && self.text.as_str() == CERT_NOT_BEGUN
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: ", self.phase)?;
        if let Some(code) = &self.code {
            write!(f, "[{code}] ")?;
        }
        write!(f, "{}", self.text)
    }
}

/// What the TLS handshake showed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TlsSeen {
    /// As negotiated, for example `TLSv1.3`.
    pub version: Option<Text>,
    /// When the server's own certificate ends.
    pub not_after: Option<Timestamp>,
}

impl TlsSeen {
    /// Whole days until the certificate ends, negative once it has (`-1` from the first second after the end).
    pub fn days_left(&self, now: Timestamp) -> Option<i64> {
        self.not_after
            .map(|end| (end.as_second() - now.as_second()).div_euclid(86_400))
    }
}

/// One host of several behind a door: an MX host of a domain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HostSeen {
    /// Its name.
    pub host: Text,
    /// The lower it is, the sooner others try it.
    pub preference: u16,
    /// The address that was reached.
    pub peer: Option<Text>,
    /// How long its probe took.
    pub took: Span,
    /// The last phase that held.
    pub proved: Option<Phase>,
    /// What failed.
    pub failure: Option<Failure>,
}

impl HostSeen {
    /// What it alone would say of the service.
    pub fn verdict(&self) -> Verdict {
        match (&self.failure, self.proved) {
            (Some(f), _) => f.layer.verdict(),
            (None, Some(_)) => Verdict::Ok,
            (None, None) => Verdict::Unknown,
        }
    }
}

/// One probe of one door.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProbeReport {
    /// The door, as a URL without secrets.
    pub url: Text,
    /// The address that was reached.
    pub peer: Option<Text>,
    /// The phases tried, in the order in which they ran. Phases that were not reached are absent.
    pub phases: Vec<PhaseTime>,
    /// The last phase that held.
    pub proved: Option<Phase>,
    /// The phase that it set out to prove: `greeting` for an anonymous target.
    pub goal: Phase,
    /// The phases that it set out to go through, in their order.
    #[serde(default)]
    pub plan: Vec<Phase>,
    /// What failed, or what was reported beside success (over quota).
    pub failure: Option<Failure>,
    /// What failed beside the road to the goal, which those who use the door pass by: TLS that other servers would do
    /// without.
    #[serde(default)]
    pub aside: Vec<Failure>,
    /// How long the server made the probe wait on purpose (a greet pause, a tarpit): no slowness.
    #[serde(default)]
    pub held_back: Span,
    /// What TLS showed.
    pub tls: Option<TlsSeen>,
    /// The server's greeting.
    pub greeting: Option<Text>,
    /// `[ALERT]` texts, word for word (RFC 9051 7.1: must be shown).
    pub alerts: Vec<Text>,
    /// What else a reader should know, for example that the mailbox was empty and only EXAMINE proved the store.
    pub notes: Vec<Text>,
    /// The hosts behind it, where the door is those of a domain; phases, peer and greeting are then those of the best one.
    #[serde(default)]
    pub hosts: Vec<HostSeen>,
}

/// Where "works" turns into "works with trouble".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// A probe that takes longer is slow.
    pub slow: Span,
    /// A certificate with fewer days left is a warning.
    pub cert_days: i64,
    /// A queue with more messages is a warning.
    pub queue_depth: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            slow: Span::from_secs(1),
            cert_days: 14,
            queue_depth: 1_000,
        }
    }
}

/// Why a door is not simply ok, in the order in which it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// It failed at this layer.
    Failed(Layer),
    /// Something failed at this layer that is passed by.
    Aside(Layer),
    /// The probe took longer than the limit.
    Slow(Span),
    /// The certificate ends in so many days.
    CertEnds(i64),
    /// The server said something that must be shown.
    Alert,
}

impl ProbeReport {
    /// Of a probe of the door at `url` that sets out to go through these phases: nothing was tried yet.
    pub fn begun(url: Text, plan: Vec<Phase>) -> Self {
        Self {
            url,
            peer: None,
            phases: Vec::with_capacity(plan.len() + 1),
            proved: None,
            goal: plan.iter().copied().max().unwrap_or(Phase::Greeting),
            plan,
            failure: None,
            aside: Vec::new(),
            held_back: Span::ZERO,
            tls: None,
            greeting: None,
            alerts: Vec::new(),
            notes: Vec::new(),
            hosts: Vec::new(),
        }
    }
    /// How long the whole probe took, without LOGOUT.
    pub fn total(&self) -> Span {
        self.phases
            .iter()
            .filter(|p| p.phase != Phase::Logout)
            .fold(Span::ZERO, |sum, p| sum + p.took)
    }
    /// The time of one phase.
    pub fn phase(&self, phase: Phase) -> Option<PhaseTime> {
        self.phases.iter().copied().find(|p| p.phase == phase)
    }
    /// Everything that is not as it should be at `now`, worst first.
    pub fn troubles(&self, limits: Limits, now: Timestamp) -> Vec<Trouble> {
        let mut all = Vec::new();
        if let Some(f) = &self.failure {
            all.push(Trouble::Failed(f.layer));
        }
        all.extend(self.aside.iter().map(|f| Trouble::Aside(f.layer)));
        let days = self.tls.as_ref().and_then(|t| t.days_left(now));
        all.extend(days.filter(|d| *d < limits.cert_days).map(Trouble::CertEnds));
        let worked = (self.total() - self.held_back).max(Span::ZERO);
        if self.failure.is_none() && worked > limits.slow {
            all.push(Trouble::Slow(worked));
        }
        if !self.alerts.is_empty() {
            all.push(Trouble::Alert);
        }
        all
    }
    /// The verdict at `now`. `Ok` only when everything that it set out to prove was proved.
    pub fn verdict(&self, limits: Limits, now: Timestamp) -> Verdict {
        if let Some(f) = &self.failure {
            return f.layer.verdict();
        }
        if self.proved.is_none_or(|p| p < self.goal) {
            return Verdict::Unknown;
        }
        if self.troubles(limits, now).is_empty() {
            Verdict::Ok
        } else {
            Verdict::Warn
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> ProbeReport {
        ProbeReport {
            phases: vec![PhaseTime {
                phase: Phase::Fetch,
                took: Span::from_millis(5),
                ok: true,
            }],
            proved: Some(Phase::Fetch),
            ..ProbeReport::begun("imaps://u@h".into(), vec![Phase::Fetch])
        }
    }
    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }
    fn failed(layer: Layer) -> ProbeReport {
        let failure = Failure {
            layer,
            phase: Phase::Login,
            code: None,
            text: "no".into(),
            hint: None,
        };
        ProbeReport {
            failure: Some(failure),
            proved: Some(Phase::Greeting),
            ..report()
        }
    }

    #[test]
    fn account_and_limit_trouble_is_a_warning_and_every_other_layer_is_down() {
        use Layer::*;
        for layer in [Name, Network, Tls, FrontEnd, Auth, Store, Delivery] {
            assert_eq!(
                failed(layer).verdict(Limits::default(), now()),
                Verdict::Down,
                "{layer}"
            );
        }
        for layer in [Credential, Quota, Limit] {
            assert_eq!(
                failed(layer).verdict(Limits::default(), now()),
                Verdict::Warn,
                "{layer}"
            );
        }
    }

    #[test]
    fn a_probe_that_stopped_short_of_its_goal_without_a_failure_is_not_ok() {
        let r = ProbeReport {
            proved: Some(Phase::Login),
            ..report()
        };
        assert_eq!(r.verdict(Limits::default(), now()), Verdict::Unknown);
        assert_eq!(report().verdict(Limits::default(), now()), Verdict::Ok);
    }

    #[test]
    fn a_certificate_counts_down_in_whole_days_and_below_zero_after_its_end() {
        let tls = |s: i64| TlsSeen {
            version: None,
            not_after: Some(Span::from_secs(s).after(now())),
        };
        assert_eq!(tls(86_400 * 3 - 1).days_left(now()), Some(2));
        assert_eq!(tls(0).days_left(now()), Some(0));
        assert_eq!(tls(-1).days_left(now()), Some(-1));
        let r = ProbeReport {
            tls: Some(tls(86_400 * 13)),
            ..report()
        };
        assert_eq!(r.verdict(Limits::default(), now()), Verdict::Warn);
    }

    #[test]
    fn what_is_passed_by_is_a_warning_and_a_wait_on_purpose_is_no_slowness() {
        let passed_by = ProbeReport {
            aside: failed(Layer::Tls).failure.into_iter().collect(),
            ..report()
        };
        assert_eq!(passed_by.verdict(Limits::default(), now()), Verdict::Warn);
        let took = |held_back| ProbeReport {
            phases: vec![PhaseTime {
                phase: Phase::Fetch,
                took: Span::from_secs(6),
                ok: true,
            }],
            held_back,
            ..report()
        };
        assert_eq!(took(Span::ZERO).verdict(Limits::default(), now()), Verdict::Warn);
        assert_eq!(took(Span::from_secs(6)).verdict(Limits::default(), now()), Verdict::Ok);
    }

    #[test]
    fn nothing_known_is_not_ok() {
        assert_eq!(Verdict::worst([]), Verdict::Unknown);
        assert_eq!(Verdict::worst([Verdict::Ok, Verdict::Unknown]), Verdict::Unknown);
        assert_eq!(
            Verdict::worst([Verdict::Unknown, Verdict::Warn, Verdict::Ok]),
            Verdict::Warn
        );
    }
}
