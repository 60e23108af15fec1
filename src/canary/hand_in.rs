//! Handing a letter in: over SMTP with lettre's client, over LMTP by hand, which lettre does not speak. What matters in the
//! end is one of three: it was taken, it was not, or the letter was said and no answer came.

use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::opening::{self, Greeted, Open, patience};
use super::{Letter, Way};
use crate::domain::door::{Protocol, Speaks};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::probe::lines::{Broken, Lines};
use crate::probe::sasl::{NotSendable, Sasl};
use crate::reach::dial::Stream;

/// A letter that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    /// The server's words.
    pub said: Text,
    /// What it calls the letter in its queue, where it says so.
    pub queue_id: Option<Text>,
}

/// A letter that was not known to be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Untaken {
    /// It was not.
    No(Missed),
    /// All of it was said, and no answer came: it may have been (RFC 5321 6.1).
    Unanswered(Text),
}

/// Hands a letter in.
pub async fn hand_in(way: Way<'_>, letter: &Letter) -> Result<Taken, Untaken> {
    let given = match &way.door.speaks {
        Speaks::Smtp(e) | Speaks::Submission(e) | Speaks::Lmtp(e) => e.helo.clone(),
        _ => None,
    };
    // The greeting before STARTTLS needs a name before our address is known.
    let hello = given.clone().unwrap_or_else(|| "[127.0.0.1]".to_owned());
    let open = opening::open(way, &hello).await.map_err(Untaken::No)?;
    let hello = match (given, open.from) {
        (Some(name), _) => ClientId::Domain(name),
        (None, Some(IpAddr::V4(ip))) => ClientId::Ipv4(ip),
        (None, Some(IpAddr::V6(ip))) => ClientId::Ipv6(ip),
        (None, None) => ClientId::Domain("localhost".to_owned()),
    };
    if way.door.protocol() == Protocol::Lmtp {
        return by_lmtp(way, open, &hello.to_string(), letter).await;
    }
    by_smtp(way, open, &hello, letter).await
}

/// One step of lettre's client, bounded.
async fn step<T>(
    way: Way<'_>,
    what: &str,
    limit: Span,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Missed> {
    let tried = || Text::from(format!("{what} on {}", way.door.url()));
    match timeout(limit.to_std(), work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(e)) => {
            let kind = if e.status().is_some() || e.is_response() {
                Miss::BadAnswer
            } else {
                Miss::Unreachable
            };
            Err(Missed::new(kind, tried(), e.to_string()))
        }
        Err(_) => Err(Missed::new(
            Miss::TimedOut,
            tried(),
            format!("no answer within {limit}"),
        )),
    }
}

async fn by_smtp(way: Way<'_>, open: Open, hello: &ClientId, letter: &Letter) -> Result<Taken, Untaken> {
    let limit = way.door.timeout;
    let stream = Box::new(Ready::of(open));
    let connect = AsyncSmtpConnection::connect_with_transport(stream, hello);
    // The greeting may be held back on purpose.
    let mut client = step(way, "greeting and EHLO", patience(way.door), connect)
        .await
        .map_err(Untaken::No)?;
    let said = async {
        login(way, &mut client).await?;
        let mail = Mail::new(Some(letter.from.clone()), vec![]);
        step(way, "MAIL", limit, client.command(mail)).await?;
        let rcpt = Rcpt::new(letter.to.clone(), vec![]);
        step(way, "RCPT", limit, client.command(rcpt)).await?;
        step(way, "DATA", limit, client.command(Data)).await
    };
    if let Err(missed) = said.await {
        let _ = timeout(limit.to_std(), client.abort()).await;
        return Err(Untaken::No(missed));
    }
    let limit = patience(way.door);
    let answer = match timeout(limit.to_std(), client.message(&letter.message)).await {
        Ok(Ok(response)) => Ok(taken(&response)),
        // With a code it is the server's no.
        Ok(Err(e)) if e.status().is_some() => {
            Err(Untaken::No(Missed::new(Miss::BadAnswer, way.door.url(), e.to_string())))
        }
        Ok(Err(e)) => Err(Untaken::Unanswered(e.to_string().into())),
        Err(_) => Err(Untaken::Unanswered(format!("no answer within {limit}").into())),
    };
    let _ = timeout(way.door.timeout.to_std(), client.quit()).await;
    answer
}

/// AUTH (RFC 4954), by the door's mechanism.
async fn login(way: Way<'_>, client: &mut AsyncSmtpConnection) -> Result<(), Missed> {
    let (Some(user), Some(secret)) = (&way.door.user, way.secret) else {
        return Ok(());
    };
    let denied = |why: String| Missed::new(Miss::Denied, format!("AUTH on {}", way.door.url()), why);
    let sasl = Sasl::new(way.door, user, secret)
        .map_err(|NotSendable(what)| denied(format!("{what} cannot be sent: it holds a NUL byte")))?;
    let line = format!("AUTH {} {}\r\n", sasl.mechanism, sasl.response);
    let said = step(way, "AUTH", way.door.timeout, client.command(Secretly(&line))).await;
    match said {
        Ok(r) if r.has_code(235) => Ok(()),
        // A challenge that tells of an error; the no comes when it is acknowledged.
        Ok(_) => {
            let line = format!("{}\r\n", sasl.acknowledge);
            let no = step(way, "AUTH", way.door.timeout, client.command(line)).await;
            Err(no
                .err()
                .unwrap_or_else(|| denied("a challenge that was not expected".to_owned())))
        }
        Err(missed) => Err(Missed {
            kind: Miss::Denied,
            ..missed
        }),
    }
}

/// A line that is written and not shown.
struct Secretly<'a>(&'a str);

impl Display for Secretly<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

fn taken(response: &Response) -> Taken {
    let words: Vec<&str> = response.message().collect();
    let words = words.join(" ");
    Taken {
        queue_id: queue_id(&words).map(Text::from),
        said: format!("{} {words}", response.code()).into(),
    }
}

/// The queue's name for a letter: Postfix says `queued as ID`, Exim `id=ID`, Sendmail `ID Message accepted`.
fn queue_id(words: &str) -> Option<&str> {
    let after = |mark: &str| words.split_once(mark)?.1.split_ascii_whitespace().next();
    let id = after("queued as ").or_else(|| after("id=")).or_else(|| {
        let (before, _) = words.split_once(" Message accepted")?;
        before.split_ascii_whitespace().next_back()
    })?;
    let plain = |id: &&str| (4..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    Some(id.trim_end_matches(['.', ',', ';', ')'])).filter(plain)
}

/// LMTP (RFC 2033): one answer to the letter for each recipient, and there is one.
async fn by_lmtp(way: Way<'_>, open: Open, hello: &str, letter: &Letter) -> Result<Taken, Untaken> {
    let limit = way.door.timeout;
    let mut lines = Lines::new(open.stream);
    let missed = |what: &str, broken: &Broken| {
        let (kind, why) = match broken {
            Broken::TimedOut(waited) => (Miss::TimedOut, format!("no answer within {waited}")),
            Broken::HungUp(how) => (Miss::Unreachable, how.clone()),
            Broken::Strange(words) => (Miss::BadAnswer, words.to_string()),
            Broken::TooMuch(what) => (Miss::BadAnswer, what.clone()),
            _ => (Miss::BadAnswer, "it cannot be said".to_owned()),
        };
        Untaken::No(Missed::new(kind, format!("{what} on {}", way.door.url()), why))
    };
    let (from, to) = (&letter.from, &letter.to);
    let talk = [
        ("greeting", None, 2),
        ("LHLO", Some(format!("LHLO {hello}")), 2),
        ("MAIL", Some(format!("MAIL FROM:<{from}>")), 2),
        ("RCPT", Some(format!("RCPT TO:<{to}>")), 2),
        ("DATA", Some("DATA".to_owned()), 3),
    ];
    for (what, command, class) in talk {
        if what == "greeting" && open.greeted == Greeted::Yes {
            continue;
        }
        let said = async {
            lines.begin_phase();
            if let Some(command) = command {
                lines.send(&command).await?;
            }
            opening::answer(&mut lines).await?.expected(class)
        };
        let said = timeout(limit.to_std(), said)
            .await
            .unwrap_or(Err(Broken::TimedOut(limit)));
        said.map_err(|b| missed(what, &b))?;
    }
    let limit = patience(way.door);
    let answered = async {
        lines.begin_phase();
        for line in String::from_utf8_lossy(&letter.message).lines() {
            // RFC 5321 4.5.2.
            let dot = if line.starts_with('.') { "." } else { "" };
            lines.send(&format!("{dot}{line}")).await?;
        }
        lines.send(".").await?;
        opening::answer(&mut lines).await
    };
    let answer = match timeout(limit.to_std(), answered).await {
        Ok(Ok(reply)) if reply.code / 100 == 2 => Ok(Taken {
            queue_id: None,
            said: reply.said().into(),
        }),
        Ok(Ok(reply)) => Err(missed("the letter", &Broken::Strange(reply.said().into()))),
        Ok(Err(_)) => Err(Untaken::Unanswered("the connection ended".into())),
        Err(_) => Err(Untaken::Unanswered(format!("no answer within {limit}").into())),
    };
    let _ = timeout(way.door.timeout.to_std(), lines.send("QUIT")).await;
    answer
}

/// A stream as lettre wants it: one that begins with a greeting. Where the greeting was read already, before STARTTLS, one is
/// said again.
#[derive(Debug)]
struct Ready {
    before: &'static [u8],
    stream: Stream,
}

impl Ready {
    fn of(open: Open) -> Self {
        Self {
            before: match open.greeted {
                Greeted::Yes => b"220 TLS\r\n",
                Greeted::No => b"",
            },
            stream: open.stream,
        }
    }
}

impl AsyncRead for Ready {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.before.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let (now, later) = self.before.split_at(self.before.len().min(buf.remaining()));
        buf.put_slice(now);
        self.before = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Ready {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Ready {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        // It is only told to callers, and nobody asks.
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_s_name_for_a_letter_is_found_where_it_stands() {
        for (said, id) in [
            ("2.0.0 Ok: queued as 4d2XyZ1abcz9Qw", Some("4d2XyZ1abcz9Qw")),
            ("2.0.0 Ok: queued as 0123456789", Some("0123456789")),
            ("OK id=1tXyZ0-000000001Ab-2cDe", Some("1tXyZ0-000000001Ab-2cDe")),
            (
                "2.0.0 51A2b3C4012345 Message accepted for delivery",
                Some("51A2b3C4012345"),
            ),
            ("2.6.0 Queued mail for delivery", None),
            ("queued as \u{1b}[2J", None),
            ("queued as x", None),
            ("", None),
        ] {
            assert_eq!(queue_id(said), id, "{said}");
        }
    }
}
