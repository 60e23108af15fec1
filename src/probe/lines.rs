//! The wire of the protocols that speak in lines: sends a line, reads a line, and bounds what may come back. Bytes behind
//! a line stay here, so that what was slipped in behind a STARTTLS answer is seen.

use std::io;

use memchr::memchr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::domain::{Span, Text};
use crate::reach::dial::{Stream, os_words};

/// The longest line that is read. RFC 5321 4.5.3.1.5 allows 512 bytes for a reply; servers are known to say more.
const MAX_LINE: usize = 8 * 1024;
/// The most bytes of one phase.
const PHASE_BYTES: usize = 64 * 1024;

/// Why a phase of the conversation did not hold, where it was not the server that said so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Broken {
    /// The connection ended; how.
    HungUp(String),
    /// No answer within this time.
    TimedOut(Span),
    /// It says more than a probe will read.
    TooMuch(String),
    /// It speaks something else; what it said.
    Strange(Text),
    /// Bytes stood behind its answer to STARTTLS, before TLS began; how many.
    Injected(usize),
    /// It does not offer to begin TLS.
    NoStartTls,
    /// It does not offer the mechanism that is configured; the ones that it does.
    NotOffered {
        /// What is configured.
        wanted: &'static str,
        /// What there is.
        offered: Text,
    },
    /// A word of the config cannot be put into a command.
    NotSendable(&'static str),
}

/// Why a phase of the conversation did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault<S> {
    /// The server said so.
    Said(S),
    /// Something else than an answer came, or nothing.
    Broken(Broken),
}

impl<S> From<Broken> for Fault<S> {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// A conversation in lines.
#[derive(Debug)]
pub struct Lines {
    stream: Stream,
    raw: Vec<u8>,
    left: usize,
}

impl Lines {
    /// Begins over a fresh stream.
    pub const fn new(stream: Stream) -> Self {
        Self {
            stream,
            raw: Vec::new(),
            left: PHASE_BYTES,
        }
    }
    /// A new phase begins: its bytes are counted from zero.
    pub const fn begin_phase(&mut self) {
        self.left = PHASE_BYTES;
    }
    /// How many bytes were read and not handed on.
    pub const fn behind(&self) -> usize {
        self.raw.len()
    }
    /// The stream itself. What was read and not handed on is lost.
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    /// The next line, without its end. A line ends with LF; a CR before it is dropped.
    pub async fn line(&mut self) -> Result<Vec<u8>, Broken> {
        let mut looked = 0;
        loop {
            if let Some(offset) = memchr(b'\n', &self.raw[looked..]) {
                let rest = self.raw.split_off(looked + offset + 1);
                let mut line = std::mem::replace(&mut self.raw, rest);
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            looked = self.raw.len();
            if looked > MAX_LINE {
                return Err(Broken::TooMuch(format!("a line of more than {MAX_LINE} bytes")));
            }
            self.more().await?;
        }
    }

    /// Exactly so many bytes, as a literal has them.
    pub async fn exactly(&mut self, n: usize) -> Result<Vec<u8>, Broken> {
        while self.raw.len() < n {
            self.more().await?;
        }
        let rest = self.raw.split_off(n);
        Ok(std::mem::replace(&mut self.raw, rest))
    }

    async fn more(&mut self) -> Result<(), Broken> {
        let mut chunk = [0; 4096];
        let room = chunk.len().min(self.left);
        if room == 0 {
            let what = format!("more than {} KiB in answer to one command", PHASE_BYTES / 1024);
            return Err(Broken::TooMuch(what));
        }
        let n = self.stream.read(&mut chunk[..room]).await.map_err(|e| hung_up(&e))?;
        if n == 0 {
            return Err(Broken::HungUp("the server closed the connection".to_owned()));
        }
        self.left -= n;
        self.raw.extend_from_slice(&chunk[..n]);
        Ok(())
    }

    /// Sends a line in one write; its end is added. What must not stand in one is refused: it could smuggle in a second
    /// command.
    pub async fn send(&mut self, line: &str) -> Result<(), Broken> {
        if line.contains(['\r', '\n', '\0']) {
            return Err(Broken::NotSendable("a word of the config"));
        }
        let sent = async {
            self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|e| hung_up(&e))
    }
}

fn hung_up(e: &io::Error) -> Broken {
    Broken::HungUp(os_words(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::dial::Watched;
    use tokio::net::{TcpListener, TcpStream};

    async fn against(says: Vec<Vec<u8>>) -> Lines {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            for piece in says {
                if peer.write_all(&piece).await.is_err() {
                    return;
                }
            }
        });
        Lines::new(Stream::Plain(Watched::new(TcpStream::connect(at).await.unwrap())))
    }

    #[tokio::test]
    async fn lines_come_in_pieces_and_what_stands_behind_one_stays() {
        let mut lines = against(vec![b"220 m".to_vec(), b"x\r".to_vec(), b"\n250 ok\nrest".to_vec()]).await;
        assert_eq!(lines.line().await.unwrap(), b"220 mx");
        assert_eq!(lines.line().await.unwrap(), b"250 ok");
        assert_eq!(lines.exactly(2).await.unwrap(), b"re");
        assert!(matches!(lines.line().await, Err(Broken::HungUp(_))));
        assert_eq!(lines.behind(), 2);
    }

    #[tokio::test]
    async fn a_line_without_an_end_and_a_phase_without_one_are_cut_off() {
        let mut lines = against(vec![vec![b'x'; 10 * 1024 * 1024]]).await;
        assert!(matches!(lines.line().await, Err(Broken::TooMuch(_))));
        let mut lines = against(vec![b"250-more\r\n".repeat(1_000_000)]).await;
        let ended = async {
            loop {
                if let Err(e) = lines.line().await {
                    return e;
                }
            }
        };
        assert!(matches!(ended.await, Broken::TooMuch(_)));
    }

    #[tokio::test]
    async fn a_line_end_within_a_line_is_not_sent() {
        let mut lines = against(vec![]).await;
        let sent = lines.send("RCPT TO:<a@b>\r\nDATA").await;
        assert!(matches!(sent, Err(Broken::NotSendable(_))));
    }
}
