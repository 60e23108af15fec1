//! One probe under way, whatever is spoken: name, connection and TLS as phases, each timed, and the report that they are
//! written into. What is asked over the stream is each protocol's own.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::timeout;

use super::class::{self, PassedOver};
use super::lines::Broken;
use crate::domain::door::{Door, Place, Secret, Security};
use crate::domain::health::{Failure, Phase, PhaseTime, ProbeReport, TlsSeen};
use crate::domain::{Span, Text};
use crate::reach::Runner;
use crate::reach::dial::{Connector, Dialer, Secured, Seen, Stream, TlsError, Watched, socket, tcp};

/// How long reading a CA bundle may take.
const CONNECTOR_LIMIT: Duration = Duration::from_secs(10);

/// The probe ended early; the report says why.
pub struct Stopped;

/// A connector, or why there is none.
pub type Ready = Result<Connector, TlsError>;

/// What every probe needs from outside.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Names, connections, TLS.
    pub dialer: &'a Dialer,
    /// How commands get to the door's server, for sockets there; none where they do not.
    pub runner: Option<&'a Runner>,
    /// Now, to say how a certificate's dates look from here.
    pub now: Timestamp,
}

/// A probe under way.
pub struct Run<'a> {
    /// The door.
    pub door: &'a Door,
    /// What has come of it so far.
    pub report: ProbeReport,
    now: Timestamp,
}

impl<'a> Run<'a> {
    /// Nothing was done yet. `behind` are the phases that the protocol sets out for behind the greeting, without TLS.
    pub fn new(door: &'a Door, behind: &[Phase], now: Timestamp) -> Self {
        let mut plan = match &door.at {
            Place::Tcp { .. } => vec![Phase::Name, Phase::Tcp],
            Place::Socket(_) => vec![Phase::Socket],
        };
        match door.security {
            Security::Tls => plan.extend([Phase::Tls, Phase::Greeting]),
            _ => plan.push(Phase::Greeting),
        }
        // STARTTLS comes when the server has told what it offers.
        let (before, after) = behind.split_at(usize::from(behind.first() == Some(&Phase::Ehlo)));
        plan.extend(before);
        if matches!(door.security, Security::StartTls | Security::May) {
            plan.push(Phase::Tls);
        }
        plan.extend(after);
        Self {
            door,
            report: ProbeReport::begun(door.url(), plan),
            now,
        }
    }

    /// The connector, made before the connection is opened, which would otherwise stand idle meanwhile. Its first build is
    /// our own work and no time of the server's. A CA file may be on a share that hangs.
    pub async fn connector(&self, dialer: &Dialer) -> Option<Ready> {
        if self.door.security == Security::Plain {
            return None;
        }
        let prepared = timeout(CONNECTOR_LIMIT, dialer.trusts.prepare(self.door.ca_file.as_deref())).await;
        Some(prepared.unwrap_or_else(|_| {
            Err(TlsError::Trust(format!(
                "the CA bundle could not be read in {CONNECTOR_LIMIT:?}"
            )))
        }))
    }

    /// Name and TCP, or the socket.
    pub async fn connect(&mut self, means: Means<'_>) -> Result<Watched, Stopped> {
        let limit = self.door.timeout;
        let started = Instant::now();
        let (host, port) = match &self.door.at {
            Place::Tcp { host, port } => (host, *port),
            Place::Socket(path) => {
                let reached = socket::connect(path, means.runner, limit).await;
                let at = self.held(Phase::Socket, started, reached.map_err(|e| class::socket(path, &e)))?;
                self.report.peer = Some(path.as_str().into());
                return Ok(at);
            }
        };
        let addresses = means.dialer.names.addresses(host, limit).await;
        let addresses: Vec<IpAddr> = self.held(Phase::Name, started, addresses.map_err(|e| class::name(&e)))?;
        let started = Instant::now();
        let reached = tcp::connect(&addresses, port, limit).await;
        let (tcp, at, passed) = self.held(Phase::Tcp, started, reached.map_err(|e| class::tcp(&e)))?;
        self.report.peer = Some(at.to_string().into());
        match class::passed_over(at, &passed) {
            Some(PassedOver::Broken(failure)) => self.report.aside.push(failure),
            Some(PassedOver::NotJudged(note)) => self.note(note),
            None => {}
        }
        Ok(tcp)
    }

    /// TLS from the first byte.
    pub async fn implicit_tls(&mut self, connector: Ready, tcp: Watched) -> Result<Stream, Stopped> {
        let started = Instant::now();
        let seen = tcp.seen();
        let secured = self.secure(connector, tcp, &seen, self.door.timeout).await;
        self.held(Phase::Tls, started, secured)
    }

    /// The handshake, outside of any phase.
    pub async fn secure(
        &mut self,
        connector: Ready,
        tcp: Watched,
        seen: &Seen,
        limit: Span,
    ) -> Result<Stream, Failure> {
        let secured: Result<Secured, TlsError> = match connector {
            Ok(connector) => connector.secure(tcp, self.door.at.host(), limit).await,
            Err(e) => Err(e),
        };
        let version = seen.tls_version().map(Text::from);
        let not_after = secured.as_ref().ok().and_then(|s| s.not_after);
        if version.is_some() || not_after.is_some() {
            self.report.tls = Some(TlsSeen { version, not_after });
        }
        secured.map(|s| s.stream).map_err(|e| self.tls_failure(&e))
    }

    fn tls_failure(&self, e: &TlsError) -> Failure {
        let mut failure = class::tls(e, self.door);
        if matches!(e, TlsError::Expired | TlsError::NotYetValid) {
            let hint = failure.hint.as_deref().unwrap_or_default();
            failure.hint = Some(format!("{hint}; the clock here says {:.0}", self.now).into());
        }
        failure
    }

    /// One phase of a conversation, which has `limit` for itself. `class` says what it means that it did not hold.
    pub async fn step<T, E: From<Broken>>(
        &mut self,
        phase: Phase,
        limit: Span,
        work: impl Future<Output = Result<T, E>>,
        class: impl FnOnce(&Door, Phase, &E) -> Failure,
    ) -> Result<T, Stopped> {
        let started = Instant::now();
        let done = timeout(limit.to_std(), work)
            .await
            .unwrap_or(Err(Broken::TimedOut(limit).into()));
        let done = done.map_err(|fault| class(self.door, phase, &fault));
        self.held(phase, started, done)
    }

    /// Who logs in and with what; where nobody can, that is noted.
    pub fn credentials<'s>(&mut self, secret: Option<&'s Secret>) -> Option<(&'a str, &'s Secret)> {
        let why = match (&self.door.user, secret) {
            (Some(user), Some(secret)) => return Some((user, secret)),
            (Some(_), None) => "no password or token",
            (None, _) => "no user",
        };
        self.note(format!("login not tried: {why} given"));
        None
    }

    /// Closes a phase: its time, whether it held, and why not.
    pub fn held<T>(&mut self, phase: Phase, started: Instant, done: Result<T, Failure>) -> Result<T, Stopped> {
        self.report.phases.push(PhaseTime {
            phase,
            took: started.elapsed().into(),
            ok: done.is_ok(),
        });
        done.inspect(|_| self.report.proved = self.report.proved.max(Some(phase)))
            .map_err(|failure| {
                self.report.failure = Some(failure);
                Stopped
            })
    }

    /// What else a reader should know.
    pub fn note(&mut self, note: impl Into<Text>) {
        let note = note.into();
        if !self.report.notes.contains(&note) {
            self.report.notes.push(note);
        }
    }
}
