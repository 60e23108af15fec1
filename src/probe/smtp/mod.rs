//! The probe of SMTP, submission and LMTP: name, tcp, tls, greeting, EHLO or LHLO, login, MAIL, RCPT; each timed and with
//! a time-out of its own. After the answer to RCPT come RSET and QUIT: no letter is sent. What a reply means is decided in
//! `class`.

mod class;
mod login;
mod reply;

use std::time::{Duration, Instant};

use tokio::time::timeout;

use self::class::Fault;
use self::reply::Reply;
use super::lines::{Broken, Lines};
use super::run::{Means, Ready, Run, Stopped};
use crate::domain::Span;
use crate::domain::door::{Door, Envelope, Protocol, Secret, Security};
use crate::domain::health::{Failure, Phase, PhaseTime, ProbeReport};
use crate::reach::dial::{Stream, Watched};

/// How long the rest of a greeting is waited for once its first line came: postscreen waits six seconds before the second
/// by default (`postscreen_greet_wait`), others longer.
const GREET_PATIENCE: Span = Span::from_secs(30);
/// How long an answer behind the greeting is waited for at least: servers hold strangers back on purpose, for one
/// `smtpd_error_sleep_time`, and senders wait for five minutes (RFC 5321 4.5.3.2).
const PATIENCE: Span = Span::from_secs(20);
/// How long RSET and QUIT may take. They are a courtesy.
const GOODBYE: Duration = Duration::from_millis(500);

/// Probes a door once.
pub async fn probe(means: Means<'_>, door: &Door, envelope: &Envelope, secret: Option<&Secret>) -> ProbeReport {
    let mut behind = vec![Phase::Ehlo];
    behind.extend(door.user.as_ref().map(|_| Phase::Login));
    if envelope.to.is_some() {
        behind.extend([Phase::Mail, Phase::Rcpt]);
    }
    let mut run = Run::new(door, &behind, means.now);
    // How far it came stands in the report.
    let _ = all(&mut run, means, envelope, secret).await;
    run.report
}

async fn all(run: &mut Run<'_>, means: Means<'_>, envelope: &Envelope, secret: Option<&Secret>) -> Result<(), Stopped> {
    let connector = run.connector(means.dialer).await;
    let wire = run.connect(means).await?;
    let mut talk = opened(run, means, envelope, connector, wire).await?;
    if run.door.user.is_some() {
        let Some((user, secret)) = run.credentials(secret) else {
            return goodbye(&mut talk).await;
        };
        let (door, offers) = (run.door, talk.offers.clone());
        step(run, &mut talk, Phase::Login, async |t| {
            login::login(&mut t.lines, door, user, secret, &offers).await
        })
        .await?;
    }
    if let Some(to) = &envelope.to {
        let from = sender(run.door, envelope);
        step(run, &mut talk, Phase::Mail, async |t| {
            t.asked(&format!("MAIL FROM:<{from}>")).await
        })
        .await?;
        step(run, &mut talk, Phase::Rcpt, async |t| {
            t.asked(&format!("RCPT TO:<{to}>")).await
        })
        .await?;
        let _ = timeout(GOODBYE, talk.asked("RSET")).await;
    }
    goodbye(&mut talk).await
}

async fn goodbye(talk: &mut Talk) -> Result<(), Stopped> {
    let _ = timeout(GOODBYE, talk.lines.send("QUIT")).await;
    Ok(())
}

/// Of users, their own address is expected; of servers, the null sender is refused by nobody (RFC 5321 4.5.5).
fn sender<'e>(door: &'e Door, envelope: &'e Envelope) -> &'e str {
    match &door.user {
        Some(user) if envelope.from.is_empty() && door.protocol() == Protocol::Submission && user.contains('@') => user,
        _ => &envelope.from,
    }
}

/// The conversation, with what the server offers.
struct Talk {
    lines: Lines,
    offers: Vec<String>,
}

impl Talk {
    /// Sends a command and takes a yes.
    async fn asked(&mut self, command: &str) -> Result<Reply, Fault> {
        self.lines.send(command).await?;
        let reply = Reply::read(&mut self.lines).await?;
        if reply.is_yes() {
            Ok(reply)
        } else {
            Err(Fault::Said(reply))
        }
    }

    /// EHLO or LHLO; what comes back behind the first line is what the server offers.
    async fn hello(&mut self, door: &Door, name: &str) -> Result<(), Fault> {
        let verb = if door.protocol() == Protocol::Lmtp {
            "LHLO"
        } else {
            "EHLO"
        };
        let reply = self.asked(&format!("{verb} {name}")).await?;
        self.offers = reply
            .lines
            .iter()
            .skip(1)
            .map(|l| l.trim().to_ascii_uppercase())
            .collect();
        Ok(())
    }

    fn offers_tls(&self) -> bool {
        self.offers.iter().any(|o| o == "STARTTLS")
    }
}

/// Greeting, EHLO and TLS, in the order that the door has.
async fn opened(
    run: &mut Run<'_>,
    means: Means<'_>,
    envelope: &Envelope,
    connector: Option<Ready>,
    wire: Watched,
) -> Result<Talk, Stopped> {
    let name = envelope.helo.clone().unwrap_or_else(|| own_name(&wire));
    let door = run.door;
    match (door.security, connector) {
        (Security::Tls, Some(connector)) => {
            let stream = run.implicit_tls(connector, wire).await?;
            let mut talk = Talk::new(stream);
            greeting(run, &mut talk).await?;
            step(run, &mut talk, Phase::Ehlo, async |t| t.hello(door, &name).await).await?;
            Ok(talk)
        }
        (_, connector) => {
            let seen = wire.seen();
            let mut talk = Talk::new(Stream::Plain(wire));
            greeting(run, &mut talk).await?;
            step(run, &mut talk, Phase::Ehlo, async |t| t.hello(door, &name).await).await?;
            let Some(connector) = connector else { return Ok(talk) };
            let started = Instant::now();
            let failure = match secured(run, connector, talk, &seen, &name).await {
                Ok(talk) => {
                    run.held(Phase::Tls, started, Ok(()))?;
                    return Ok(talk);
                }
                Err(failure) => failure,
            };
            if door.security != Security::May {
                return run.held(Phase::Tls, started, Err(failure));
            }
            pass_by(run, failure, started);
            again_in_the_clear(run, means, &name).await
        }
    }
}

impl Talk {
    const fn new(stream: Stream) -> Self {
        Self {
            lines: Lines::new(stream),
            offers: Vec::new(),
        }
    }
}

/// STARTTLS, the handshake, and EHLO anew: what was said before TLS no longer holds (RFC 3207 4.2).
async fn secured(
    run: &mut Run<'_>,
    connector: Ready,
    mut talk: Talk,
    seen: &crate::reach::dial::Seen,
    name: &str,
) -> Result<Talk, Failure> {
    let door = run.door;
    let class = |fault: &Fault| class::fault(door, Phase::Tls, fault);
    if !talk.offers_tls() {
        let mut failure = class(&Broken::NoStartTls.into());
        if door.security == Security::May {
            failure.hint = Some("switched off, or stripped on the way; starttls = false takes it as it is".into());
        }
        return Err(failure);
    }
    let started = Instant::now();
    let limit = door.timeout.max(PATIENCE);
    talk.lines.begin_phase();
    timeout(limit.to_std(), talk.asked("STARTTLS"))
        .await
        .unwrap_or(Err(Broken::TimedOut(limit).into()))
        .map_err(|fault| class(&fault))?;
    let stream = match (talk.lines.behind(), talk.lines.into_stream()) {
        (0, Stream::Plain(wire)) => {
            let left = (door.timeout - started.elapsed().into()).max(Span::from_millis(1));
            run.secure(connector, wire, seen, left).await?
        }
        (n, _) => return Err(class(&Broken::Injected(n).into())),
    };
    let mut talk = Talk::new(stream);
    timeout(limit.to_std(), talk.hello(door, name))
        .await
        .unwrap_or(Err(Broken::TimedOut(limit).into()))
        .map_err(|fault| class::fault(door, Phase::Ehlo, &fault))?;
    Ok(talk)
}

/// Other servers would go on without TLS, so the probe does: with the trouble told.
fn pass_by(run: &mut Run<'_>, failure: Failure, started: Instant) {
    run.report.phases.push(PhaseTime {
        phase: Phase::Tls,
        took: started.elapsed().into(),
        ok: false,
    });
    run.report.aside.push(failure);
}

/// A connection of its own, as other servers make it after a handshake that failed. Its phases were timed already.
async fn again_in_the_clear(run: &mut Run<'_>, means: Means<'_>, name: &str) -> Result<Talk, Stopped> {
    let door = run.door;
    let mut again = Run::new(door, &[], means.now);
    let opened = async {
        let wire = again.connect(means).await?;
        let mut talk = Talk::new(Stream::Plain(wire));
        greeting(&mut again, &mut talk).await?;
        step(&mut again, &mut talk, Phase::Ehlo, async |t| t.hello(door, name).await).await?;
        Ok(talk)
    };
    let opened: Result<Talk, Stopped> = opened.await;
    run.report.held_back = run.report.held_back + again.report.held_back;
    opened.inspect_err(|_| run.report.failure = again.report.failure.take())
}

/// The name for EHLO: this host's where it has a domain, else its address (RFC 5321 4.1.3).
fn own_name(wire: &Watched) -> String {
    if let Some(host) = whoami::hostname().ok().filter(|h| h.contains('.')) {
        return host;
    }
    match wire.from() {
        Some(std::net::IpAddr::V4(ip)) => format!("[{ip}]"),
        Some(std::net::IpAddr::V6(ip)) => format!("[IPv6:{ip}]"),
        None => "localhost".to_owned(),
    }
}

/// The greeting may come in pieces with a pause between them, by which a server tells who speaks out of turn.
async fn greeting(run: &mut Run<'_>, talk: &mut Talk) -> Result<(), Stopped> {
    let limit = run.door.timeout;
    let started = Instant::now();
    talk.lines.begin_phase();
    let first = timeout(limit.to_std(), Reply::begun(&mut talk.lines))
        .await
        .unwrap_or(Err(Broken::TimedOut(limit)));
    let teaser = Instant::now();
    let whole = match first {
        Ok(begun) if begun.more => {
            let whole = timeout(GREET_PATIENCE.to_std(), begun.whole(&mut talk.lines)).await;
            let paused: Span = teaser.elapsed().into();
            if paused > Span::from_secs(1) {
                run.report.held_back = run.report.held_back + paused;
                run.note(format!(
                    "it paused for {paused} within its greeting, to see who speaks out of turn"
                ));
            }
            whole.unwrap_or(Err(Broken::TimedOut(GREET_PATIENCE)))
        }
        Ok(begun) => begun.whole(&mut talk.lines).await,
        Err(broken) => Err(broken),
    };
    let done = match whole {
        Ok(reply) if reply.is_yes() => Ok(reply),
        Ok(reply) => Err(Fault::Said(reply)),
        Err(broken) => Err(broken.into()),
    };
    let done = done.map_err(|fault| class::fault(run.door, Phase::Greeting, &fault));
    let reply = run.held(Phase::Greeting, started, done)?;
    run.report.greeting = Some(reply.text);
    Ok(())
}

/// One phase of the conversation. What takes longer than the time-out and comes all the same was held back.
async fn step<T>(
    run: &mut Run<'_>,
    talk: &mut Talk,
    phase: Phase,
    work: impl AsyncFnOnce(&mut Talk) -> Result<T, Fault>,
) -> Result<T, Stopped> {
    talk.lines.begin_phase();
    let limit = run.door.timeout.max(PATIENCE);
    let started = Instant::now();
    let done = timeout(limit.to_std(), work(talk))
        .await
        .unwrap_or(Err(Broken::TimedOut(limit).into()));
    let took: Span = started.elapsed().into();
    if took > run.door.timeout && !matches!(done, Err(Fault::Broken(_))) {
        run.report.held_back = run.report.held_back + took;
        run.note(format!(
            "it held the answer to {} back for {took}: a tarpit, or it is slow",
            phase.word().to_uppercase()
        ));
    }
    let said = matches!(done, Err(Fault::Said(_)));
    let done = done.map_err(|fault| class::fault(run.door, phase, &fault));
    let held = run.held(phase, started, done);
    if said {
        let _ = goodbye(talk).await;
    }
    held
}
