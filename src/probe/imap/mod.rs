//! The IMAP probe: name, tcp, tls, greeting, login, EXAMINE, FETCH of one envelope, LOGOUT; each timed and with a
//! time-out of its own. It reads and changes nothing (EXAMINE, never SELECT), uses one connection, and ends at the first
//! phase that fails. What a failure means is decided in `class`; what may come back at all in `guard`.

mod class;
mod guard;
mod login;
mod said;
mod talk;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::timeout;

use self::talk::{Fault, Talk, mailbox};
use crate::domain::door::{ImapDoor, Secret, Security};
use crate::domain::health::{Failure, Phase, PhaseTime, ProbeReport, TlsSeen};
use crate::domain::{Span, Text};
use crate::reach::dial::{Connector, Dialer, Seen, Stream, TlsError, Watched, tcp};

/// How long a greeting is waited for once the handshake held. A server that could do TLS is alive; Dovecot says after ten
/// seconds that it waits for its authentication process, and that names the layer where silence would not.
const DOVECOT_SPEAKS: Span = Span::from_millis(10_500);
/// How long the answer to a login is waited for at least. After a refusal, Dovecot holds the next login from the same
/// address back: two seconds for the failure and four for the address, six as measured. With less patience a wrong
/// password would look like a dead backend from its second probe on.
const TARPIT: Span = Span::from_secs(8);
/// How long reading a CA bundle may take.
const CONNECTOR_LIMIT: Duration = Duration::from_secs(10);
/// How long sending LOGOUT may take. It is a courtesy.
const LOGOUT_LIMIT: Duration = Duration::from_millis(500);

/// Probes a door once.
pub async fn probe(dialer: &Dialer, door: &ImapDoor, secret: Option<&Secret>, now: Timestamp) -> ProbeReport {
    let mut run = Run::new(door, now);
    // How far it came stands in the report.
    let _ = run.all(dialer, secret).await;
    run.report
}

/// The probe ended early; the report says why.
struct Stopped;

/// A connector, or why there is none.
type Ready = Result<Connector, TlsError>;

struct Run<'a> {
    door: &'a ImapDoor,
    now: Timestamp,
    report: ProbeReport,
}

impl<'a> Run<'a> {
    fn new(door: &'a ImapDoor, now: Timestamp) -> Self {
        let goal = if door.user.is_some() {
            Phase::Fetch
        } else {
            Phase::Greeting
        };
        Self {
            door,
            now,
            report: ProbeReport {
                url: door.url(),
                peer: None,
                phases: Vec::with_capacity(8),
                proved: None,
                goal,
                failure: None,
                tls: None,
                greeting: None,
                alerts: Vec::new(),
                notes: Vec::new(),
            },
        }
    }

    async fn all(&mut self, dialer: &Dialer, secret: Option<&Secret>) -> Result<(), Stopped> {
        // Made before the connection is opened, which would otherwise stand idle meanwhile.
        let connector = match self.door.security {
            Security::Plain => None,
            _ => Some(self.connector(dialer).await),
        };
        let tcp = self.connect(dialer).await?;
        let mut talk = self.greeted(connector, tcp).await?;
        let held = self.as_user(&mut talk, secret).await;
        self.take_words(&mut talk);
        held?;
        let _ = timeout(LOGOUT_LIMIT, talk.send("M0 LOGOUT\r\n")).await;
        Ok(())
    }

    /// Name and TCP.
    async fn connect(&mut self, dialer: &Dialer) -> Result<Watched, Stopped> {
        let door = self.door;
        let started = Instant::now();
        let addresses = dialer.names.addresses(&door.host, door.timeout).await;
        let addresses: Vec<IpAddr> = self.held(Phase::Name, started, addresses.map_err(|e| class::name(&e)))?;
        let started = Instant::now();
        let reached = tcp::connect(&addresses, door.port, door.timeout).await;
        let (tcp, at) = self.held(Phase::Tcp, started, reached.map_err(|e| class::tcp(&e)))?;
        self.report.peer = Some(at.to_string().into());
        Ok(tcp)
    }

    /// TLS and greeting, in the order that the door has.
    async fn greeted(&mut self, connector: Option<Ready>, tcp: Watched) -> Result<Talk, Stopped> {
        let door = self.door;
        match (door.security, connector) {
            (Security::Tls, Some(connector)) => {
                let stream = self.implicit_tls(connector, tcp).await?;
                let mut talk = Talk::new(stream);
                self.greeting(&mut talk, door.timeout.max(DOVECOT_SPEAKS)).await?;
                Ok(talk)
            }
            (_, connector) => {
                let seen = tcp.seen();
                let mut talk = Talk::new(Stream::Plain(tcp));
                self.greeting(&mut talk, door.timeout).await?;
                match connector {
                    Some(connector) => self.start_tls(connector, talk, &seen).await,
                    None => Ok(talk),
                }
            }
        }
    }

    async fn implicit_tls(&mut self, connector: Ready, tcp: Watched) -> Result<Stream, Stopped> {
        let door = self.door;
        let seen = tcp.seen();
        let started = Instant::now();
        let secured = match connector {
            Ok(connector) => connector.secure(tcp, &door.host, door.timeout).await,
            Err(e) => Err(e),
        };
        self.saw_tls(&seen, secured.as_ref().ok().and_then(|s| s.not_after));
        let secured = secured.map_err(|e| self.tls_failure(&e));
        Ok(self.held(Phase::Tls, started, secured)?.stream)
    }

    /// STARTTLS and the handshake are one phase.
    async fn start_tls(&mut self, connector: Ready, mut talk: Talk, seen: &Seen) -> Result<Talk, Stopped> {
        let door = self.door;
        let started = Instant::now();
        let answered = timeout(door.timeout.to_std(), ask_for_tls(&mut talk)).await;
        if let Err(fault) = answered.unwrap_or(Err(Fault::TimedOut(door.timeout))) {
            self.take_words(&mut talk);
            let failure = class::fault(door, Phase::Tls, &fault);
            return self.held(Phase::Tls, started, Err(failure));
        }
        // What was said before TLS is kept, whatever comes of the handshake.
        self.take_words(&mut talk);
        let (guard, log) = talk.into_parts();
        let secured = match (guard.behind().len(), guard.into_inner(), connector) {
            (0, Stream::Plain(tcp), Ok(connector)) => {
                let left = door.timeout - started.elapsed().into();
                let secured = connector.secure(tcp, &door.host, left).await;
                self.saw_tls(seen, secured.as_ref().ok().and_then(|s| s.not_after));
                secured.map_err(|e| self.tls_failure(&e))
            }
            (0, _, Err(e)) => Err(self.tls_failure(&e)),
            (n, ..) => Err(class::fault(door, Phase::Tls, &Fault::Injected(n))),
        };
        let secured = self.held(Phase::Tls, started, secured)?;
        Ok(Talk::go_on(secured.stream, log))
    }

    /// The connector's first build is our own work and no time of the server's. A CA file may be on a share that hangs.
    async fn connector(&self, dialer: &Dialer) -> Ready {
        let prepared = timeout(CONNECTOR_LIMIT, dialer.trusts.prepare(self.door.ca_file.as_deref())).await;
        prepared.unwrap_or_else(|_| {
            Err(TlsError::Trust(format!(
                "the CA bundle could not be read in {CONNECTOR_LIMIT:?}"
            )))
        })
    }

    fn saw_tls(&mut self, seen: &Seen, not_after: Option<Timestamp>) {
        let version = seen.tls_version().map(Text::from);
        if version.is_some() || not_after.is_some() {
            self.report.tls = Some(TlsSeen { version, not_after });
        }
    }

    fn tls_failure(&self, e: &TlsError) -> Failure {
        let mut failure = class::tls(e, self.door.security);
        if matches!(e, TlsError::Expired | TlsError::NotYetValid) {
            let hint = failure.hint.as_deref().unwrap_or_default();
            failure.hint = Some(format!("{hint}; the clock here says {:.0}", self.now).into());
        }
        failure
    }

    async fn greeting(&mut self, talk: &mut Talk, limit: Span) -> Result<(), Stopped> {
        let said = self.step(talk, Phase::Greeting, limit, Talk::greeting).await?;
        self.report.greeting = Some(said.text);
        Ok(())
    }

    /// Everything that needs a user.
    async fn as_user(&mut self, talk: &mut Talk, secret: Option<&Secret>) -> Result<(), Stopped> {
        let door = self.door;
        let (Some(user), Some(secret)) = (&door.user, secret) else {
            let why = if door.user.is_some() {
                "no password or token"
            } else {
                "no user"
            };
            talk.note(format!("login not tried: {why} given").into());
            return Ok(());
        };
        self.step(talk, Phase::Login, door.timeout.max(TARPIT), async |t| {
            login::login(t, door, user, secret).await
        })
        .await?;
        self.step(talk, Phase::Examine, door.timeout, async |t| {
            let name = mailbox(&door.mailbox)?;
            t.command(&format!("EXAMINE {name}")).await.map(|_| ())
        })
        .await?;
        let read = match talk.log.exists {
            Some(0) => Read::Nothing("mailbox empty: the store is proved by EXAMINE alone"),
            None => Read::Nothing("EXAMINE told no count of messages: the store is proved by EXAMINE alone"),
            Some(_) => self.step(talk, Phase::Fetch, door.timeout, fetch).await?,
        };
        match read {
            Read::Envelope => {}
            Read::Odd(note) => talk.note(note.into()),
            Read::Nothing(note) => {
                self.report.proved = Some(Phase::Examine);
                self.report.goal = Phase::Examine;
                talk.note(note.into());
            }
        }
        if let (None, Some(said)) = (&self.report.failure, &talk.log.overquota) {
            self.report.failure = Some(class::over_quota(Phase::Examine, said));
        }
        Ok(())
    }

    /// One phase of the conversation.
    async fn step<T>(
        &mut self,
        talk: &mut Talk,
        phase: Phase,
        limit: Span,
        work: impl AsyncFnOnce(&mut Talk) -> Result<T, Fault>,
    ) -> Result<T, Stopped> {
        talk.begin_phase();
        let started = Instant::now();
        let done = timeout(limit.to_std(), work(talk))
            .await
            .unwrap_or(Err(Fault::TimedOut(limit)));
        let done = done.map_err(|fault| {
            let fault = match (fault, talk.log.waits.take()) {
                (Fault::TimedOut(_) | Fault::HungUp(_), Some(words)) => Fault::WaitsForAuth(words),
                (fault, _) => fault,
            };
            class::fault(self.door, phase, &fault)
        });
        if done.is_err() {
            self.take_words(talk);
        }
        self.held(phase, started, done)
    }

    /// Closes a phase: its time, whether it held, and why not.
    fn held<T>(&mut self, phase: Phase, started: Instant, done: Result<T, Failure>) -> Result<T, Stopped> {
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

    fn take_words(&mut self, talk: &mut Talk) {
        self.report.alerts.append(&mut talk.log.alerts);
        self.report.notes.append(&mut talk.log.notes);
    }
}

async fn ask_for_tls(talk: &mut Talk) -> Result<(), Fault> {
    talk.begin_phase();
    if talk.log.capabilities.as_ref().is_some_and(|c| !c.has("STARTTLS")) {
        return Err(Fault::NoStartTls);
    }
    talk.command("STARTTLS").await.map(|_| ())
}

/// What was read from the store.
enum Read {
    /// An envelope.
    Envelope,
    /// Data that shows that the store delivers, but not as an envelope that is read here.
    Odd(&'static str),
    /// Nothing, and that is no fault: why.
    Nothing(&'static str),
}

/// One small read from the store. A message may be expunged by others between EXAMINE and FETCH (RFC 5530 3,
/// EXPUNGEISSUED), and an envelope may be larger than a probe will read: neither says that the store is down.
async fn fetch(talk: &mut Talk) -> Result<Read, Fault> {
    let before = talk.log.envelopes;
    match talk.command("FETCH 1 (ENVELOPE)").await {
        Ok(_) if talk.log.envelopes > before => Ok(Read::Envelope),
        Ok(_) if talk.guard().spared_data() => Ok(Read::Odd(
            "the first message's envelope came in a form that is not read",
        )),
        Ok(_) => Ok(Read::Nothing(
            "FETCH was answered without data, as for a message that was just removed: the store is proved by EXAMINE alone",
        )),
        Err(Fault::Said(said)) if said.has("EXPUNGEISSUED") => Ok(Read::Nothing(
            "the first message was just removed by another session: the store is proved by EXAMINE alone",
        )),
        Err(Fault::TooMuch(_)) if talk.guard().spared_data() => Ok(Read::Odd(
            "the first message's envelope is too large and was read in part",
        )),
        Err(fault) => Err(fault),
    }
}
