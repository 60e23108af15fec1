//! A mailbox that is open: the few commands that watching it takes, each bounded in time and bytes. It deletes single
//! messages by UID and never gives a plain EXPUNGE, which would also remove what somebody else has flagged.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::timeout;

use super::answer::{self, Means, Response};
use crate::domain::canary::{Cleans, Place};
use crate::domain::{Span, Text};
use crate::probe::imap::{Capabilities, mailbox};
use crate::probe::lines::{Broken, Lines};
use crate::reach::dial::Stream;

/// The most bytes of a message that are read: a letter has two thousand and what the way adds.
const MOST: usize = 40 * 1024;

/// Why a mailbox can be watched no longer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The server said so.
    Said(Text),
    /// The connection did not hold.
    Broken(Broken),
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// What opening a mailbox told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opened {
    /// Where the next message will lie.
    pub next: Place,
    /// What can be done about letters that were read.
    pub cleans: Cleans,
}

/// What came in answer to one command.
#[derive(Debug, Default)]
struct Heard {
    found: Vec<u32>,
    messages: Vec<(u32, Vec<u8>)>,
    validity: Option<u32>,
    next: Option<u32>,
    read_only: bool,
}

/// A connection with an open mailbox.
#[derive(Debug)]
pub struct Mailbox {
    lines: Lines,
    capabilities: Capabilities,
    limit: Span,
    tags: u32,
    /// A response of which the end has not come: a wait that is given up must not lose its beginning.
    begun: Response,
    /// Whether the server spoke of messages since this was last set to false.
    pub news: bool,
}

impl Mailbox {
    /// Over a session that is logged in.
    pub fn over(stream: Stream, capabilities: Capabilities, limit: Span) -> Self {
        Self {
            lines: Lines::new(stream),
            capabilities,
            limit,
            tags: 0,
            begun: Response::default(),
            news: false,
        }
    }

    /// Whether the server tells of news by itself (IDLE, RFC 2177).
    pub fn idles(&self) -> bool {
        self.capabilities.has("IDLE") || self.capabilities.has("IMAP4REV2")
    }

    /// Opens a mailbox for reading and writing.
    pub async fn open(&mut self, name: &str) -> Result<Opened, Trouble> {
        let name = mailbox(name).map_err(|_| Broken::NotSendable("the mailbox name"))?;
        let heard = self.command(&format!("SELECT {name}")).await?;
        let uidplus = self.capabilities.has("UIDPLUS") || self.capabilities.has("IMAP4REV2");
        let cleans = match (heard.read_only, uidplus) {
            (true, _) => Cleans::No,
            (false, true) => Cleans::Yes,
            (false, false) => Cleans::FlagsOnly,
        };
        let Some(validity) = heard.validity else {
            return Err(Trouble::Said("no UIDVALIDITY: messages cannot be told apart".into()));
        };
        let next = Place {
            validity,
            uid: heard.next.unwrap_or(1),
        };
        Ok(Opened { next, cleans })
    }

    /// The UIDs, from `next` on, of messages with a stamp that holds `words`; of none, any stamp (RFC 9051 6.4.4: an empty
    /// string fits all).
    pub async fn stamped(&mut self, next: u32, words: &str) -> Result<Vec<u32>, Trouble> {
        let header = crate::domain::canary::stamp::HEADER;
        let heard = self
            .command(&format!("UID SEARCH UID {next}:* HEADER {header} \"{words}\""))
            .await?;
        // `n:*` holds the last message also when it lies before n.
        let mut uids: Vec<u32> = heard.found.into_iter().filter(|uid| *uid >= next).collect();
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    /// A message, without marking it as read; `None` when it is gone.
    pub async fn message(&mut self, uid: u32) -> Result<Option<Vec<u8>>, Trouble> {
        let heard = self
            .command(&format!("UID FETCH {uid} (UID BODY.PEEK[]<0.{MOST}>)"))
            .await?;
        Ok(heard.messages.into_iter().find(|(u, _)| *u == uid).map(|(_, m)| m))
    }

    /// Takes these messages away, as far as that can be done without touching others.
    pub async fn remove(&mut self, uids: &[u32], cleans: Cleans) -> Result<(), Trouble> {
        if uids.is_empty() || cleans == Cleans::No {
            return Ok(());
        }
        let set = set_of(uids);
        self.command(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"))
            .await?;
        if cleans == Cleans::Yes {
            // RFC 4315 2.1: of the messages flagged as deleted, only those with these UIDs.
            self.command(&format!("UID EXPUNGE {set}")).await?;
        }
        Ok(())
    }

    /// Asks for news.
    pub async fn ask(&mut self) -> Result<(), Trouble> {
        self.command("NOOP").await.map(|_| ())
    }

    /// Waits for news, for `most` at the longest (RFC 2177).
    pub async fn idle(&mut self, most: Duration) -> Result<(), Trouble> {
        let tag = self.send("IDLE").await?;
        self.until_idling(&tag).await?;
        let told = timeout(most, async {
            while !self.news {
                self.lines.begin_phase();
                match self.next().await? {
                    Means::Bye(words) | Means::Done { done: Err(words), .. } => return Err(Trouble::Said(words)),
                    _ => {}
                }
            }
            Ok(())
        });
        told.await.unwrap_or(Ok(()))?;
        self.lines.begin_phase();
        self.lines.send("DONE").await?;
        self.until_done(&tag).await.map(|_| ())
    }

    async fn until_idling(&mut self, tag: &str) -> Result<(), Trouble> {
        let limit = self.limit;
        let idling = async {
            loop {
                match self.next().await? {
                    Means::Continue => return Ok(()),
                    Means::Bye(words) => return Err(Trouble::Said(words)),
                    Means::Done { tag: of, done, .. } if of == tag => {
                        return Err(Trouble::Said(done.err().unwrap_or_else(|| "IDLE ended at once".into())));
                    }
                    _ => {}
                }
            }
        };
        timeout(limit.to_std(), idling)
            .await
            .unwrap_or(Err(Broken::TimedOut(limit).into()))
    }

    async fn command(&mut self, words: &str) -> Result<Heard, Trouble> {
        let tag = self.send(words).await?;
        self.until_done(&tag).await
    }

    async fn send(&mut self, words: &str) -> Result<String, Trouble> {
        self.tags += 1;
        let tag = format!("K{}", self.tags);
        self.lines.begin_phase();
        self.lines.send(&format!("{tag} {words}")).await?;
        Ok(tag)
    }

    async fn until_done(&mut self, tag: &str) -> Result<Heard, Trouble> {
        let limit = self.limit;
        let answered = async {
            let mut heard = Heard::default();
            loop {
                match self.next().await? {
                    Means::Search(uids) => heard.found.extend(uids),
                    Means::Message(uid, bytes) => heard.messages.push((uid, bytes)),
                    Means::Validity(n) => heard.validity = Some(n),
                    Means::Next(n) => heard.next = Some(n),
                    Means::Bye(words) => return Err(Trouble::Said(words)),
                    Means::Done {
                        tag: of,
                        done,
                        read_only,
                    } if of == tag => {
                        heard.read_only = read_only;
                        return done.map(|()| heard).map_err(Trouble::Said);
                    }
                    Means::Exists | Means::Continue | Means::Done { .. } | Means::Other => {}
                }
            }
        };
        timeout(limit.to_std(), answered)
            .await
            .unwrap_or(Err(Broken::TimedOut(limit).into()))
    }

    /// The next whole response. May be given up and called again.
    async fn next(&mut self) -> Result<Means, Trouble> {
        loop {
            if let Some(n) = answer::literal(&self.begun.line) {
                let bytes = self.lines.exactly(n).await?;
                self.begun.literals.push(bytes);
                // So that the same literal is not read again, whatever the line goes on with.
                self.begun.line.push(b' ');
            }
            let line = self.lines.line().await?;
            self.begun.line.extend_from_slice(&line);
            if answer::literal(&self.begun.line).is_none() {
                break;
            }
        }
        let means = answer::read(std::mem::take(&mut self.begun));
        self.news |= means == Means::Exists;
        Ok(means)
    }
}

/// A set of UIDs (RFC 9051 9, `sequence-set`), runs drawn together.
fn set_of(uids: &[u32]) -> String {
    let mut out = String::new();
    let mut rest = uids;
    while let Some(first) = rest.first() {
        let run = rest
            .iter()
            .zip(u64::from(*first)..)
            .take_while(|(a, b)| u64::from(**a) == *b)
            .count();
        let last = rest[run - 1];
        let comma = if out.is_empty() { "" } else { "," };
        let _ = match run {
            1 => write!(out, "{comma}{first}"),
            _ => write!(out, "{comma}{first}:{last}"),
        };
        rest = &rest[run..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_uids_draws_runs_together() {
        for (uids, set) in [
            (&[7][..], "7"),
            (&[7, 8, 9], "7:9"),
            (&[1, 3, 4, 9], "1,3:4,9"),
            (&[u32::MAX], "4294967295"),
        ] {
            assert_eq!(set_of(uids), set);
        }
    }
}
