//! The IMAP probe: name, tcp, tls, greeting, login, EXAMINE, FETCH of one envelope, LOGOUT; each timed and with a
//! time-out of its own. It reads and changes nothing (EXAMINE, never SELECT), uses one connection, and ends at the first
//! phase that fails. What a failure means is decided in `class`; what may come back at all in `guard`.

mod class;
mod guard;
mod login;
mod said;
mod talk;

use std::time::{Duration, Instant};

use tokio::time::timeout;

pub use self::said::Capabilities;
pub use self::talk::mailbox;
use self::talk::{Fault, Talk};
use super::lines::Broken;
use super::run::{Means, Ready, Run, Stopped};
use super::{DOVECOT_SPEAKS, TARPIT};
use crate::domain::Span;
use crate::domain::door::{Door, Secret, Security};
use crate::domain::health::{Failure, Layer, Phase, ProbeReport};
use crate::reach::dial::{Seen, Stream, Watched};

/// How long sending LOGOUT may take. It is a courtesy.
const LOGOUT_LIMIT: Duration = Duration::from_millis(500);

/// Probes a door once.
pub async fn probe(means: Means<'_>, door: &Door, folder: &str, secret: Option<&Secret>) -> ProbeReport {
    let behind: &[Phase] = match door.user {
        Some(_) => &[Phase::Login, Phase::Examine, Phase::Fetch],
        None => &[],
    };
    let mut run = Run::new(door, behind, means.now);
    // How far it came stands in the report.
    let _ = all(&mut run, means, folder, secret).await;
    run.report
}

async fn all(run: &mut Run<'_>, means: Means<'_>, folder: &str, secret: Option<&Secret>) -> Result<(), Stopped> {
    let connector = run.connector(means.dialer).await;
    let wire = run.connect(means).await?;
    let mut talk = greeted(run, connector, wire).await?;
    let held = as_user(run, &mut talk, folder, secret).await;
    take_words(run, &mut talk);
    held?;
    let _ = timeout(LOGOUT_LIMIT, talk.send("M0 LOGOUT\r\n")).await;
    Ok(())
}

/// A session for those who stay: connected, secured and logged in as a probe does it, with what the server offers then. No
/// mailbox is open yet.
pub async fn session(
    means: Means<'_>,
    door: &Door,
    secret: Option<&Secret>,
) -> Result<(Stream, Capabilities), Failure> {
    let mut run = Run::new(door, &[Phase::Login], means.now);
    match enter(&mut run, means, secret).await {
        Ok(Some(session)) => Ok(session),
        Ok(None) | Err(Stopped) => Err(run.report.failure.unwrap_or_else(|| {
            let words = "no user and password are given, or the server does not say what it offers";
            super::class::failure(Layer::Credential, Phase::Login, words, None)
        })),
    }
}

async fn enter(
    run: &mut Run<'_>,
    means: Means<'_>,
    secret: Option<&Secret>,
) -> Result<Option<(Stream, Capabilities)>, Stopped> {
    let connector = run.connector(means.dialer).await;
    let wire = run.connect(means).await?;
    let mut talk = greeted(run, connector, wire).await?;
    let door = run.door;
    let (Some(user), Some(secret)) = (&door.user, secret) else {
        return Ok(None);
    };
    step(run, &mut talk, Phase::Login, door.timeout.max(TARPIT), async |t| {
        login::login(t, door, user, secret).await?;
        // More is offered to those who are logged in.
        t.command("CAPABILITY").await.map(|_| ())
    })
    .await?;
    let (guard, log) = talk.into_parts();
    Ok(log.capabilities.map(|c| (guard.into_inner(), c)))
}

/// TLS and greeting, in the order that the door has.
async fn greeted(run: &mut Run<'_>, connector: Option<Ready>, wire: Watched) -> Result<Talk, Stopped> {
    let limit = run.door.timeout;
    match (run.door.security, connector) {
        (Security::Tls, Some(connector)) => {
            let stream = run.implicit_tls(connector, wire).await?;
            let mut talk = Talk::new(stream);
            greeting(run, &mut talk, limit.max(DOVECOT_SPEAKS)).await?;
            Ok(talk)
        }
        (_, connector) => {
            let seen = wire.seen();
            let mut talk = Talk::new(Stream::Plain(wire));
            greeting(run, &mut talk, limit).await?;
            match connector {
                Some(connector) => start_tls(run, connector, talk, &seen).await,
                None => Ok(talk),
            }
        }
    }
}

/// STARTTLS and the handshake are one phase.
async fn start_tls(run: &mut Run<'_>, connector: Ready, mut talk: Talk, seen: &Seen) -> Result<Talk, Stopped> {
    let limit = run.door.timeout;
    let started = Instant::now();
    let answered = timeout(limit.to_std(), ask_for_tls(&mut talk)).await;
    if let Err(fault) = answered.unwrap_or(Err(Broken::TimedOut(limit).into())) {
        take_words(run, &mut talk);
        let failure = class::fault(run.door, Phase::Tls, &fault);
        return run.held(Phase::Tls, started, Err(failure));
    }
    // What was said before TLS is kept, whatever comes of the handshake.
    take_words(run, &mut talk);
    let (guard, log) = talk.into_parts();
    let secured = match (guard.behind().len(), guard.into_inner()) {
        (0, Stream::Plain(wire)) => {
            run.secure(connector, wire, seen, limit - started.elapsed().into())
                .await
        }
        (n, _) => Err(class::fault(run.door, Phase::Tls, &Broken::Injected(n).into())),
    };
    let stream = run.held(Phase::Tls, started, secured)?;
    Ok(Talk::go_on(stream, log))
}

async fn greeting(run: &mut Run<'_>, talk: &mut Talk, limit: Span) -> Result<(), Stopped> {
    let said = step(run, talk, Phase::Greeting, limit, Talk::greeting).await?;
    run.report.greeting = Some(said.text);
    Ok(())
}

/// Everything that needs a user.
async fn as_user(run: &mut Run<'_>, talk: &mut Talk, folder: &str, secret: Option<&Secret>) -> Result<(), Stopped> {
    let door = run.door;
    let Some((user, secret)) = run.credentials(secret) else {
        return Ok(());
    };
    step(run, talk, Phase::Login, door.timeout.max(TARPIT), async |t| {
        login::login(t, door, user, secret).await
    })
    .await?;
    step(run, talk, Phase::Examine, door.timeout, async |t| {
        let name = mailbox(folder)?;
        t.command(&format!("EXAMINE {name}")).await.map(|_| ())
    })
    .await?;
    let read = match talk.log.exists {
        Some(0) => Read::Nothing("mailbox empty: the store is proved by EXAMINE alone"),
        None => Read::Nothing("EXAMINE told no count of messages: the store is proved by EXAMINE alone"),
        Some(_) => step(run, talk, Phase::Fetch, door.timeout, fetch).await?,
    };
    match read {
        Read::Envelope => {}
        Read::Odd(note) => talk.note(note.into()),
        Read::Nothing(note) => {
            run.report.proved = Some(Phase::Examine);
            run.report.goal = Phase::Examine;
            run.report.plan.retain(|p| *p != Phase::Fetch);
            talk.note(note.into());
        }
    }
    if let (None, Some(said)) = (&run.report.failure, &talk.log.overquota) {
        run.report.failure = Some(class::over_quota(Phase::Examine, said));
    }
    Ok(())
}

/// One phase of the conversation.
async fn step<T>(
    run: &mut Run<'_>,
    talk: &mut Talk,
    phase: Phase,
    limit: Span,
    work: impl AsyncFnOnce(&mut Talk) -> Result<T, Fault>,
) -> Result<T, Stopped> {
    talk.begin_phase();
    let started = Instant::now();
    let done = timeout(limit.to_std(), work(talk))
        .await
        .unwrap_or(Err(Broken::TimedOut(limit).into()));
    let done = done.map_err(|fault| {
        let fault = match (fault, talk.log.waits.take()) {
            (Fault::Broken(Broken::TimedOut(_) | Broken::HungUp(_)), Some(words)) => Fault::WaitsForAuth(words),
            (fault, _) => fault,
        };
        class::fault(run.door, phase, &fault)
    });
    if done.is_err() {
        take_words(run, talk);
    }
    run.held(phase, started, done)
}

fn take_words(run: &mut Run<'_>, talk: &mut Talk) {
    run.report.alerts.append(&mut talk.log.alerts);
    run.report.notes.append(&mut talk.log.notes);
}

async fn ask_for_tls(talk: &mut Talk) -> Result<(), Fault> {
    talk.begin_phase();
    if talk.log.capabilities.as_ref().is_some_and(|c| !c.has("STARTTLS")) {
        return Err(Broken::NoStartTls.into());
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
        Err(Fault::Broken(Broken::TooMuch(_))) if talk.guard().spared_data() => Ok(Read::Odd(
            "the first message's envelope is too large and was read in part",
        )),
        Err(fault) => Err(fault),
    }
}
