//! The way into a door that takes mail, up to where the letter is spoken of: connection, and STARTTLS as the door has it.
//! TLS is made here and not by the mail library, so that a door is trusted and timed in one way whoever goes through it.

use std::time::Instant;

use tokio::time::timeout;

use super::Way;
use crate::domain::Span;
use crate::domain::door::{Door, Protocol, Security};
use crate::domain::health::{Failure, Layer, Phase};
use crate::domain::reading::Missed;
use crate::probe::class;
use crate::probe::lines::{Broken, Lines};
use crate::probe::run::{Run, Stopped};
use crate::reach::dial::Stream;

/// A door that is open.
#[derive(Debug)]
pub struct Open {
    /// The stream, secured as the door wants it.
    pub stream: Stream,
    /// Whether the greeting was read: after STARTTLS there is no second one.
    pub greeted: Greeted,
    /// Our own address, for those who give no name.
    pub from: Option<std::net::IpAddr>,
}

/// Whether the server's greeting was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greeted {
    /// It was.
    Yes,
    /// It is still to come.
    No,
}

/// Opens the door. Where TLS may be gone without (RFC 3207 4.1), its trouble is passed by, as other servers do.
pub async fn open(way: Way<'_>, hello: &str) -> Result<Open, Missed> {
    match open_as(way, way.door, hello).await {
        Err(failure) if way.door.security == Security::May && failure.layer == Layer::Tls => {
            let plain = Door {
                security: Security::Plain,
                ..way.door.clone()
            };
            open_as(way, &plain, hello).await
        }
        opened => opened,
    }
    .map_err(|f| way.missed(&f))
}

async fn open_as(way: Way<'_>, door: &Door, hello: &str) -> Result<Open, Failure> {
    let mut run = Run::new(door, &[Phase::Ehlo], way.now);
    match through(&mut run, way, hello).await {
        Ok(open) => Ok(open),
        Err(Stopped) => Err(run
            .report
            .failure
            .unwrap_or_else(|| class::failure(Layer::FrontEnd, Phase::Greeting, "the door did not open", None))),
    }
}

async fn through(run: &mut Run<'_>, way: Way<'_>, hello: &str) -> Result<Open, Stopped> {
    let (door, means) = (run.door, way.means());
    let connector = run.connector(means.dialer).await;
    let wire = run.connect(means).await?;
    let (from, seen) = (wire.from(), wire.seen());
    let open = |stream, greeted| Open { stream, greeted, from };
    match (door.security, connector) {
        (Security::Tls, Some(connector)) => {
            let stream = run.implicit_tls(connector, wire).await?;
            Ok(open(stream, Greeted::No))
        }
        (Security::StartTls | Security::May, Some(connector)) => {
            let started = Instant::now();
            let mut lines = Lines::new(Stream::Plain(wire));
            let asked = timeout(door.timeout.to_std(), ask_for_tls(&mut lines, door, hello)).await;
            let asked = asked.unwrap_or(Err(Broken::TimedOut(door.timeout)));
            let agreed = run.held(
                Phase::Ehlo,
                started,
                asked.map_err(|b| class::broken(door, Phase::Ehlo, &b)),
            )?;
            if agreed == Agreed::No {
                return Ok(open(lines.into_stream(), Greeted::Yes));
            }
            let started = Instant::now();
            let behind = lines.behind();
            let secured = match (behind, lines.into_stream()) {
                (0, Stream::Plain(wire)) => run.secure(connector, wire, &seen, door.timeout).await,
                (n, _) => Err(class::broken(door, Phase::Tls, &Broken::Injected(n))),
            };
            let stream = run.held(Phase::Tls, started, secured)?;
            Ok(open(stream, Greeted::Yes))
        }
        _ => Ok(open(Stream::Plain(wire), Greeted::No)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Agreed {
    Yes,
    No,
}

/// Greeting, EHLO, STARTTLS (RFC 3207).
async fn ask_for_tls(lines: &mut Lines, door: &Door, hello: &str) -> Result<Agreed, Broken> {
    lines.begin_phase();
    answer(lines).await?.expected(2)?;
    lines.send(&format!("{} {hello}", verb(door.protocol()))).await?;
    let offers = answer(lines).await?;
    offers.expected(2)?;
    let offered = offers
        .words
        .iter()
        .skip(1)
        .any(|w| w.trim().eq_ignore_ascii_case("STARTTLS"));
    match (offered, door.security) {
        (false, Security::May) => return Ok(Agreed::No),
        (false, _) => return Err(Broken::NoStartTls),
        (true, _) => {}
    }
    lines.send("STARTTLS").await?;
    let said = answer(lines).await?;
    if said.code / 100 != 2 && door.security == Security::May {
        return Ok(Agreed::No);
    }
    said.expected(2)?;
    Ok(Agreed::Yes)
}

/// How a client says who it is (RFC 5321 4.1.1.1, RFC 2033 4.1).
pub const fn verb(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Lmtp => "LHLO",
        _ => "EHLO",
    }
}

/// A reply (RFC 5321 4.2): its code and its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The text of each line.
    pub words: Vec<String>,
}

impl Reply {
    /// Whether it is of this class: 2 done, 3 go on, 4 not now, 5 no.
    pub fn expected(&self, class: u16) -> Result<(), Broken> {
        if self.code / 100 == class {
            return Ok(());
        }
        Err(Broken::Strange(self.said().into()))
    }
    /// Code and words on one line.
    pub fn said(&self) -> String {
        format!("{} {}", self.code, self.words.join(" "))
    }
}

/// Reads one reply.
pub async fn answer(lines: &mut Lines) -> Result<Reply, Broken> {
    let mut words = Vec::new();
    loop {
        let line = lines.line().await?;
        let text = String::from_utf8_lossy(&line).into_owned();
        let code = text.get(..3).filter(|c| c.bytes().all(|b| b.is_ascii_digit()));
        let Some(code) = code.and_then(|c| c.parse().ok()) else {
            return Err(Broken::Strange(crate::domain::Text::bounded(&line, 200)));
        };
        words.push(text.get(4..).unwrap_or_default().to_owned());
        if !text[3..].starts_with('-') {
            return Ok(Reply { code, words });
        }
    }
}

/// The longest that the answer to a whole letter is waited for: the server may look at it first (RFC 5321 4.5.3.2.6 grants
/// it ten minutes; a probe has less time).
pub fn patience(door: &Door) -> Span {
    (door.timeout * 4).max(Span::from_secs(20))
}
