//! The probe of ManageSieve (RFC 5804): name, tcp, greeting with its capabilities, STARTTLS, AUTHENTICATE, LISTSCRIPTS,
//! LOGOUT. It reads the names of scripts and changes none. How answers are read is in `answer`, what a refusal means in
//! `class`.

mod answer;
mod class;

use std::time::{Duration, Instant};

use tokio::time::timeout;

use self::answer::{Answer, Status};
use self::class::Fault;
use super::lines::{Broken, Lines};
use super::run::{Means, Ready, Run, Stopped};
use super::sasl::{NotSendable, Sasl};
use super::{DOVECOT_SPEAKS, TARPIT};
use crate::domain::door::{Door, Secret, Security};
use crate::domain::health::{Failure, Phase, ProbeReport};
use crate::domain::{Span, Text};
use crate::reach::dial::{Seen, Stream, Watched};

/// How long sending LOGOUT may take. It is a courtesy.
const GOODBYE: Duration = Duration::from_millis(500);

/// Probes a door once.
pub async fn probe(means: Means<'_>, door: &Door, secret: Option<&Secret>) -> ProbeReport {
    let behind: &[Phase] = match door.user {
        Some(_) => &[Phase::Login, Phase::Scripts],
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
    let (mut lines, offers) = greeted(run, connector, wire).await?;
    let door = run.door;
    let Some((user, secret)) = run.credentials(secret) else {
        return goodbye(&mut lines).await;
    };
    step(run, &mut lines, Phase::Login, door.timeout.max(TARPIT), async |l| {
        login(l, door, user, secret, &offers).await
    })
    .await?;
    step(run, &mut lines, Phase::Scripts, door.timeout, async |l| {
        asked(l, "LISTSCRIPTS").await
    })
    .await?;
    goodbye(&mut lines).await
}

async fn goodbye(lines: &mut Lines) -> Result<(), Stopped> {
    let _ = timeout(GOODBYE, lines.send("LOGOUT")).await;
    Ok(())
}

/// TLS and greeting, in the order that the door has; and what the server offers now.
async fn greeted(run: &mut Run<'_>, connector: Option<Ready>, wire: Watched) -> Result<(Lines, Answer), Stopped> {
    let limit = run.door.timeout;
    match (run.door.security, connector) {
        (Security::Tls, Some(connector)) => {
            let stream = run.implicit_tls(connector, wire).await?;
            let mut lines = Lines::new(stream);
            let offers = greeting(run, &mut lines, limit.max(DOVECOT_SPEAKS)).await?;
            Ok((lines, offers))
        }
        (_, connector) => {
            let seen = wire.seen();
            let mut lines = Lines::new(Stream::Plain(wire));
            let offers = greeting(run, &mut lines, limit).await?;
            match connector {
                Some(connector) => {
                    let started = Instant::now();
                    let secured = start_tls(run, connector, lines, &offers, &seen, started).await;
                    run.held(Phase::Tls, started, secured)
                }
                None => Ok((lines, offers)),
            }
        }
    }
}

async fn greeting(run: &mut Run<'_>, lines: &mut Lines, limit: Span) -> Result<Answer, Stopped> {
    let said = step(run, lines, Phase::Greeting, limit, yes).await?;
    let name = said.capability("IMPLEMENTATION").map(Text::from);
    run.report.greeting = Some(name.unwrap_or_else(|| said.text.clone()));
    Ok(said)
}

/// STARTTLS, the handshake, and the capabilities that the server then tells anew (RFC 5804 2.2).
async fn start_tls(
    run: &mut Run<'_>,
    connector: Ready,
    mut lines: Lines,
    offers: &Answer,
    seen: &Seen,
    started: Instant,
) -> Result<(Lines, Answer), Failure> {
    let door = run.door;
    let class = |fault: &Fault| class::fault(door, Phase::Tls, fault);
    if offers.capability("STARTTLS").is_none() {
        return Err(class(&Broken::NoStartTls.into()));
    }
    let limit = door.timeout;
    let left = || (limit - started.elapsed().into()).max(Span::from_millis(1));
    lines.begin_phase();
    timeout(limit.to_std(), asked(&mut lines, "STARTTLS"))
        .await
        .unwrap_or(Err(Broken::TimedOut(limit).into()))
        .map_err(|fault| class(&fault))?;
    let stream = match (lines.behind(), lines.into_stream()) {
        (0, Stream::Plain(wire)) => run.secure(connector, wire, seen, left()).await?,
        (n, _) => return Err(class(&Broken::Injected(n).into())),
    };
    let mut lines = Lines::new(stream);
    let told = timeout(left().to_std(), yes(&mut lines))
        .await
        .unwrap_or(Err(Broken::TimedOut(limit).into()))
        .map_err(|fault| class(&fault))?;
    Ok((lines, told))
}

async fn login(lines: &mut Lines, door: &Door, user: &str, secret: &Secret, offers: &Answer) -> Result<(), Fault> {
    let wanted = Sasl::name(door.mechanism);
    let offered = offers.capability("SASL").unwrap_or_default().to_ascii_uppercase();
    if !offered.split(' ').any(|m| m == wanted) {
        let offered = if offered.is_empty() {
            "no login at all".into()
        } else {
            Text::from(offered)
        };
        return Err(Broken::NotOffered { wanted, offered }.into());
    }
    let sasl = Sasl::new(door, user, secret).map_err(|NotSendable(what)| Broken::NotSendable(what))?;
    let command = format!("AUTHENTICATE \"{}\" \"{}\"", sasl.mechanism, sasl.response);
    lines.send(&command).await?;
    // A challenge is a string on a line of its own (RFC 5804 2.1); only a refusal of a token comes as one.
    let answer = Answer::read(lines, |_| Some(format!("\"{}\"", sasl.acknowledge))).await?;
    taken(answer).map(|_| ())
}

/// Sends a command and takes a yes.
async fn asked(lines: &mut Lines, command: &str) -> Result<Answer, Fault> {
    lines.send(command).await?;
    yes(lines).await
}

async fn yes(lines: &mut Lines) -> Result<Answer, Fault> {
    taken(Answer::read(lines, |_| None).await?)
}

fn taken(answer: Answer) -> Result<Answer, Fault> {
    match answer.status {
        Status::Ok => Ok(answer),
        Status::No | Status::Bye => Err(Fault::Said(answer)),
    }
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
