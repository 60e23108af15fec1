//! What `check` found, made from the model; as JSON it is a promise to programs. How it is said to people and to Nagios is
//! in `words`.

mod fleet;
mod perf;
mod words;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::{self, Config};
use crate::domain::Text;
use crate::domain::door::{Protocol, Role};
use crate::domain::forecast::Forecast;
use crate::domain::health::{Failure, HostSeen, Layer, Limits, ProbeReport, Trouble, Verdict};
use crate::domain::job::State;
use crate::domain::queue::Depth;
use crate::domain::reading::Reading;
use crate::model::{Door, Model, Queue, Server};

use super::forecast::{Eta, rounded, told};

/// The result of one round.
#[derive(Debug, Serialize)]
pub struct Report {
    checked_at: String,
    /// The worst of all servers.
    pub verdict: Verdict,
    servers: Vec<ServerReport>,
    /// The questions about the doors of domains that got no answer: doors may be missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unanswered: Vec<Text>,
    #[serde(flatten)]
    fleet: fleet::Fleet,
}

#[derive(Debug, Serialize)]
struct ServerReport {
    name: String,
    verdict: Verdict,
    /// Its doors, by protocol; one without doors is left out, but for `imap`, which is always there.
    #[serde(flatten)]
    doors: Doors,
    queues: Vec<QueueReport>,
    jobs: Vec<JobReport>,
}

/// The doors of one server, in the order of the config.
#[derive(Debug)]
struct Doors(Vec<DoorReport>);

impl Serialize for Doors {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let by_protocol = Protocol::ALL.map(|p| (p, self.0.iter().filter(|d| d.protocol == p).collect::<Vec<_>>()));
        let told = by_protocol
            .iter()
            .filter(|(p, doors)| *p == Protocol::Imap || !doors.is_empty());
        to.collect_map(told.map(|(p, doors)| (p.word(), doors)))
    }
}

#[derive(Debug, Serialize)]
struct DoorReport {
    /// Tells the doors of one server apart in the words; programs have the URL.
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    protocol: Protocol,
    url: String,
    role: &'static str,
    verdict: Verdict,
    proved: Option<&'static str>,
    layer: Option<&'static str>,
    phases: Vec<PhaseReport>,
    failure: Option<FailureReport>,
    /// What failed beside the road, which those who use the door pass by.
    aside: Vec<FailureReport>,
    tls: Option<TlsReport>,
    peer: Option<Text>,
    alerts: Vec<Text>,
    notes: Vec<Text>,
    /// The hosts behind the door of a domain, in the order in which others try them; left out elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<HostReport>,
    /// Why there is no probe, when there is none.
    missed: Option<String>,
    /// What was left unproved on purpose: "ok as far as …".
    #[serde(skip)]
    as_far_as: Option<&'static str>,
    /// What is not as it should be although nothing failed, in words.
    #[serde(skip)]
    troubles: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PhaseReport {
    name: &'static str,
    ms: f64,
    ok: bool,
}

#[derive(Debug, Serialize)]
struct HostReport {
    host: Text,
    preference: u16,
    verdict: Verdict,
    peer: Option<Text>,
    ms: f64,
    failure: Option<FailureReport>,
}

#[derive(Debug, Serialize)]
struct FailureReport {
    layer: &'static str,
    phase: &'static str,
    code: Option<Text>,
    text: Text,
    hint: Option<Text>,
}

#[derive(Debug, Serialize)]
struct TlsReport {
    version: Option<Text>,
    days_left: Option<i64>,
}

#[derive(Debug, Serialize)]
struct QueueReport {
    kind: &'static str,
    name: String,
    verdict: Verdict,
    /// `null` when it could not be read: not known is not zero.
    depth: Option<DepthReport>,
    oldest_s: Option<i64>,
    complete: bool,
    /// Whether it drains, and when it is clear.
    forecast: ForecastReport,
    /// Up to how many messages reach the end of their lifetime before it is clear; `null` where no clear time or no lifetime
    /// is known.
    expire_before_clear: Option<ExpireReport>,
    /// What the mail system said beside its listing.
    said: Option<Text>,
    /// Why it is partial or not there.
    missed: Option<String>,
}

/// As `mailtop forecast` prints it. After one look it is not known yet.
#[derive(Debug, Serialize)]
struct ForecastReport {
    verdict: &'static str,
    eta_s: Option<Eta>,
    net_per_min: Option<f64>,
    in_per_min: Option<f64>,
    out_per_min: Option<f64>,
    why: Option<String>,
}

/// By the middle of the clear time's band, and by its late end.
#[derive(Debug, Serialize)]
struct ExpireReport {
    p50: u64,
    p90: u64,
}

impl ForecastReport {
    /// `doubt` is said beside a clear time.
    fn new(f: Forecast, doubt: Option<&str>) -> Self {
        let (verdict, eta_s, why) = told(f.drain);
        let why = why.or_else(|| doubt.filter(|_| eta_s.is_some()).map(str::to_owned));
        Self {
            verdict,
            eta_s,
            net_per_min: rounded(f.net_per_min),
            in_per_min: rounded(f.in_per_min),
            out_per_min: rounded(f.out_per_min),
            why,
        }
    }
}

#[derive(Debug, Serialize)]
struct DepthReport {
    #[serde(flatten)]
    by_queue: Depth,
    total: u64,
}

#[derive(Debug, Serialize)]
struct JobReport {
    name: String,
    state: State,
    progress: Option<f64>,
    detail: Option<Text>,
    missed: Option<String>,
}

impl Report {
    /// From the model, in the order of the config.
    pub fn new(model: &Model, config: &Config, now: Timestamp) -> Self {
        let servers: Vec<ServerReport> = config
            .servers
            .iter()
            .filter_map(|s| Some((s, model.server(&s.name)?)))
            .map(|(configured, seen)| server(configured, seen, now))
            .collect();
        let verdict = Verdict::worst(servers.iter().map(|s| s.verdict));
        Self {
            checked_at: now.to_string(),
            verdict,
            servers,
            unanswered: Vec::new(),
            fleet: fleet::Fleet::of(model, now, crate::engine::look::LISTING_TIMEOUT),
        }
    }

    /// With the questions about the doors of domains that got no answer: what is not looked at is not ok.
    pub fn unanswered(mut self, questions: Vec<Text>) -> Self {
        if !questions.is_empty() {
            self.verdict = self.verdict.max(Verdict::Unknown);
        }
        self.unanswered = questions;
        self
    }

    /// One object, indented, with a newline at its end.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}")) + "\n"
    }
}

/// Doors, queues and jobs stand in the order of the config, as servers do: that is where the reader knows them from.
fn server(configured: &config::Server, s: &Server, now: Timestamp) -> ServerReport {
    let (limits, good_for) = (s.limits(), s.good_for().max(crate::engine::look::LISTING_TIMEOUT));
    let door = |d: &Door| {
        let mut r = DoorReport::of(d.probe.last(), now);
        r.url = d.watched.as_ref().map(|w| w.url.to_string()).unwrap_or_default();
        r.verdict = d.verdict(limits, now, good_for);
        r.missed = missed(&d.probe.reading(now, good_for));
        r.name = d.name.to_string();
        if let Some(w) = &d.watched {
            (r.protocol, r.role) = (w.protocol, w.role.word());
        }
        r.troubles = d.probe.last().map_or_else(Vec::new, |p| troubles(p, limits, now));
        r
    };
    let queue = |q: &Queue| {
        let reading = q.reading(now, good_for);
        let seen = reading.fresh();
        QueueReport {
            kind: q.watched.as_ref().map_or("", |w| w.kind.word()),
            name: q.name.to_string(),
            verdict: q.verdict(limits, now, good_for),
            depth: seen.map(|s| DepthReport {
                by_queue: s.depth,
                total: s.depth.total(),
            }),
            oldest_s: seen
                .and_then(|s| s.listing.as_ref()?.oldest)
                .map(|o| now.as_second() - o.as_second()),
            complete: seen.is_some_and(|s| s.complete()),
            forecast: ForecastReport::new(q.forecast(now, s.every()), q.told_by(now).doubt()),
            expire_before_clear: q
                .local_horizon(now, s.every())
                .and_then(|h| h.before_clear)
                .map(|(p50, p90)| ExpireReport { p50, p90 }),
            said: seen.and_then(|s| s.said.clone()),
            missed: missed(&reading).or_else(|| seen.and_then(|s| s.partial.as_ref()).map(ToString::to_string)),
        }
    };
    let watched = configured.jobs.iter().filter_map(|j| s.jobs.get(&j.name));
    let jobs = watched.map(|j| {
        let reading = j.state.reading(now, good_for);
        let seen = reading.fresh();
        JobReport {
            name: j.name.to_string(),
            state: seen.map_or(State::Unknown, |j| j.state),
            progress: seen.and_then(|j| j.progress),
            detail: seen.map(|j| j.detail.clone()),
            missed: missed(&reading),
        }
    });
    let (doors, queues): (Vec<DoorReport>, Vec<QueueReport>) = (
        configured
            .doors
            .iter()
            .filter_map(|i| s.doors.get(&i.door.name))
            .map(door)
            .collect(),
        configured
            .queues
            .iter()
            .filter_map(|q| s.queues.get(&q.name))
            .map(queue)
            .collect(),
    );
    let jobs_verdict = s.jobs.values().map(|j| j.verdict(now, good_for));
    let verdict = Verdict::worst(
        doors
            .iter()
            .map(|d| d.verdict)
            .chain(queues.iter().map(|q| q.verdict))
            .chain(jobs_verdict),
    );
    ServerReport {
        name: s.name.to_string(),
        verdict,
        doors: Doors(doors),
        queues,
        jobs: jobs.collect(),
    }
}

fn missed<T>(reading: &Reading<T>) -> Option<String> {
    reading.why().map(ToString::to_string)
}

impl FailureReport {
    fn of(f: &Failure) -> Self {
        Self {
            layer: f.layer.word(),
            phase: f.phase.word(),
            code: f.code.clone(),
            text: f.text.clone(),
            hint: f.hint.clone(),
        }
    }
}

impl HostReport {
    fn of(h: &HostSeen) -> Self {
        Self {
            host: h.host.clone(),
            preference: h.preference,
            verdict: h.verdict(),
            peer: h.peer.clone(),
            ms: h.took.millis_f64(),
            failure: h.failure.as_ref().map(FailureReport::of),
        }
    }
}

impl DoorReport {
    fn of(report: Option<&ProbeReport>, now: Timestamp) -> Self {
        let failure = report.and_then(|r| r.failure.as_ref());
        Self {
            name: String::new(),
            protocol: Protocol::default(),
            url: String::new(),
            role: Role::default().word(),
            verdict: Verdict::Unknown,
            proved: report
                .and_then(|r| r.proved)
                .map(super::super::domain::health::Phase::word),
            layer: failure.map(|f| f.layer).map(Layer::word),
            phases: report
                .map(|r| r.phases.iter())
                .into_iter()
                .flatten()
                .map(|p| PhaseReport {
                    name: p.phase.word(),
                    ms: p.took.millis_f64(),
                    ok: p.ok,
                })
                .collect(),
            failure: failure.map(FailureReport::of),
            aside: report
                .map(|r| r.aside.iter().map(FailureReport::of).collect())
                .unwrap_or_default(),
            tls: report.and_then(|r| r.tls.as_ref()).map(|t| TlsReport {
                version: t.version.clone(),
                days_left: t.days_left(now),
            }),
            peer: report.and_then(|r| r.peer.clone()),
            alerts: report.map(|r| r.alerts.clone()).unwrap_or_default(),
            notes: report.map(|r| r.notes.clone()).unwrap_or_default(),
            hosts: report
                .map(|r| r.hosts.iter().map(HostReport::of).collect())
                .unwrap_or_default(),
            missed: None,
            as_far_as: report.and_then(|r| r.goal.as_far_as()),
            troubles: Vec::new(),
        }
    }
}

/// Why a door that did not fail is a warning. Alerts are said word for word elsewhere.
fn troubles(report: &ProbeReport, limits: Limits, now: Timestamp) -> Vec<String> {
    let all = report.troubles(limits, now).into_iter();
    let mut words: Vec<String> = all
        .filter_map(|t| match t {
            Trouble::Slow(took) => Some(format!("slow, {took} in all")),
            Trouble::CertEnds(days) => Some(format!("certificate ends in {days} days")),
            Trouble::Alert => Some("the server alerts".to_owned()),
            Trouble::Aside(layer) => Some(format!("{layer} trouble beside it")),
            Trouble::Failed(_) => None,
        })
        .collect();
    words.dedup();
    words
}
