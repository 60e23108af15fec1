//! The probe of POP3 (RFC 1939): name, tcp, tls (or STLS, RFC 2595), greeting, USER and PASS (or AUTH, RFC 5034), STAT, QUIT.
//! It retrieves nothing and deletes nothing. What a refusal means is decided in `class`.

mod class;

use std::time::{Duration, Instant};

use tokio::time::timeout;

use self::class::{Fault, Said};
use super::lines::{Broken, Lines};
use super::run::{Means, Ready, Run, Stopped};
use super::sasl::{NotSendable, Sasl};
use super::{DOVECOT_SPEAKS, TARPIT};
use crate::domain::Span;
use crate::domain::door::{Door, Mechanism, Secret, Security};
use crate::domain::health::{Phase, ProbeReport};
use crate::reach::dial::{Seen, Stream, Watched};

/// How long QUIT may take. It lets go of the mailbox's lock, so its answer is waited for a little.
const GOODBYE: Duration = Duration::from_millis(500);
/// The most challenges that are answered in one login.
const MAX_CHALLENGES: usize = 4;

/// Probes a door once.
pub async fn probe(means: Means<'_>, door: &Door, secret: Option<&Secret>) -> ProbeReport {
    let behind: &[Phase] = match door.user {
        Some(_) => &[Phase::Login, Phase::Stat],
        None => &[],
    };
    let mut run = Run::new(door, behind, means.now);
    // How far it came stands in the report.
    let _ = all(&mut run, means, secret).await;
    run.report
}

async fn all(run: &mut Run<'_>, means: Means<'_>, secret: Option<&Secret>) -> Result<(), Stopped> {
    let connector = run.connector(means.dialer).await;
    let wire = run.connect(means).await?;
    let mut lines = greeted(run, connector, wire).await?;
    let door = run.door;
    let Some((user, secret)) = run.credentials(secret) else {
        return goodbye(&mut lines).await;
    };
    step(run, &mut lines, Phase::Login, door.timeout.max(TARPIT), async |l| {
        login(l, door, user, secret).await
    })
    .await?;
    step(run, &mut lines, Phase::Stat, door.timeout, async |l| {
        let said = asked(l, "STAT").await?;
        let first = said.text.split(' ').next().unwrap_or_default();
        match first.parse::<u64>() {
            Ok(_) => Ok(()),
            Err(_) => Err(Broken::Strange(said.text).into()),
        }
    })
    .await?;
    goodbye(&mut lines).await
}

async fn goodbye(lines: &mut Lines) -> Result<(), Stopped> {
    let _ = timeout(GOODBYE, asked(lines, "QUIT")).await;
    Ok(())
}

/// TLS and greeting, in the order that the door has.
async fn greeted(run: &mut Run<'_>, connector: Option<Ready>, wire: Watched) -> Result<Lines, Stopped> {
    let limit = run.door.timeout;
    match (run.door.security, connector) {
        (Security::Tls, Some(connector)) => {
            let stream = run.implicit_tls(connector, wire).await?;
            let mut lines = Lines::new(stream);
            greeting(run, &mut lines, limit.max(DOVECOT_SPEAKS)).await?;
            Ok(lines)
        }
        (_, connector) => {
            let seen = wire.seen();
            let mut lines = Lines::new(Stream::Plain(wire));
            greeting(run, &mut lines, limit).await?;
            match connector {
                Some(connector) => start_tls(run, connector, lines, &seen).await,
                None => Ok(lines),
            }
        }
    }
}

async fn greeting(run: &mut Run<'_>, lines: &mut Lines, limit: Span) -> Result<(), Stopped> {
    let said = step(run, lines, Phase::Greeting, limit, answer).await?;
    run.report.greeting = Some(said.text);
    Ok(())
}

/// STLS and the handshake are one phase.
async fn start_tls(run: &mut Run<'_>, connector: Ready, mut lines: Lines, seen: &Seen) -> Result<Lines, Stopped> {
    let limit = run.door.timeout;
    let started = Instant::now();
    lines.begin_phase();
    let asked = timeout(limit.to_std(), asked(&mut lines, "STLS")).await;
    if let Err(fault) = asked.unwrap_or(Err(Broken::TimedOut(limit).into())) {
        let failure = class::fault(run.door, Phase::Tls, &fault);
        return run.held(Phase::Tls, started, Err(failure));
    }
    let secured = match (lines.behind(), lines.into_stream()) {
        (0, Stream::Plain(wire)) => {
            let left = (limit - started.elapsed().into()).max(Span::from_millis(1));
            run.secure(connector, wire, seen, left).await
        }
        (n, _) => Err(class::fault(run.door, Phase::Tls, &Broken::Injected(n).into())),
    };
    let stream = run.held(Phase::Tls, started, secured)?;
    Ok(Lines::new(stream))
}

/// By USER and PASS; by AUTH where a mechanism is wanted or the password cannot stand in a line.
async fn login(lines: &mut Lines, door: &Door, user: &str, secret: &Secret) -> Result<(), Fault> {
    let spaced = user.contains(' ') || user.is_empty();
    if door.mechanism == Mechanism::Password && !spaced {
        asked(lines, &format!("USER {user}")).await?;
        return asked(lines, &format!("PASS {}", secret.reveal())).await.map(|_| ());
    }
    let sasl = Sasl::new(door, user, secret).map_err(|NotSendable(what)| Broken::NotSendable(what))?;
    // Without the response in the command, so that no line is longer than 255 bytes before the server has said yes (RFC 5034 4).
    lines.send(&format!("AUTH {}", sasl.mechanism)).await?;
    let mut waiting = Some(sasl.response);
    for _ in 0..=MAX_CHALLENGES {
        let line = lines.line().await?;
        if !line.starts_with(b"+ ") && line != b"+" {
            return class::read(&line)?.yes().map(|_| ());
        }
        let answer = waiting.take().unwrap_or_else(|| sasl.acknowledge.to_owned());
        lines.send(&answer).await?;
    }
    Err(Broken::TooMuch("challenge after challenge".to_owned()).into())
}

/// Sends a command and takes its one line of answer, where that is a yes.
async fn asked(lines: &mut Lines, command: &str) -> Result<Said, Fault> {
    lines.send(command).await?;
    answer(lines).await
}

async fn answer(lines: &mut Lines) -> Result<Said, Fault> {
    let line = lines.line().await?;
    class::read(&line)?.yes()
}

/// One phase of the conversation.
async fn step<T>(
    run: &mut Run<'_>,
    lines: &mut Lines,
    phase: Phase,
    limit: Span,
    work: impl AsyncFnOnce(&mut Lines) -> Result<T, Fault>,
) -> Result<T, Stopped> {
    lines.begin_phase();
    run.step(phase, limit, work(lines), class::fault).await
}
