//! The conversation: sends a line, collects what the server says until it answers that line. Built on async-imap's
//! client, below its own commands: those keep a response code only inside an error's text and drop `[ALERT]`s.
//! What must outlive a time-out (alerts, what the server said it waits for) is kept in the [`Log`].

use std::fmt::Write as _;
use std::io;

use async_imap::Client;
use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response};
use tokio::io::AsyncWriteExt;

use super::super::lines::Broken;
use super::guard::{Guard, Refused};
use super::said::{Capabilities, Said, Status};
use crate::domain::Text;
use crate::reach::dial::{Stream, os_words};

/// The most alerts and warnings that are kept of one probe.
const MAX_KEPT: usize = 8;
/// The most challenges that are answered in one login.
const MAX_CHALLENGES: usize = 4;

/// Why a phase of the conversation did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The server said so.
    Said(Said),
    /// It said that it waits for its own authentication process, and that did not come.
    WaitsForAuth(Text),
    /// It forbids LOGIN and offers no AUTHENTICATE PLAIN.
    LoginDisabled,
    /// Something else than an answer came, or nothing.
    Broken(Broken),
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// What is kept of everything that was said.
#[derive(Debug, Default)]
pub struct Log {
    /// `[ALERT]` texts, word for word.
    pub alerts: Vec<Text>,
    /// Warnings and other words worth passing on.
    pub notes: Vec<Text>,
    /// Words about waiting for the authentication process.
    pub waits: Option<Text>,
    /// The first `[OVERQUOTA]`.
    pub overquota: Option<Said>,
    /// The newest capabilities.
    pub capabilities: Option<Capabilities>,
    /// The newest count of messages.
    pub exists: Option<u32>,
    /// How many envelopes came.
    pub envelopes: usize,
}

/// The conversation with one server.
#[derive(Debug)]
pub struct Talk {
    client: Client<Guard<Stream>>,
    tags: u32,
    /// What is kept.
    pub log: Log,
}

/// What a response means for the command that waits.
enum Heard {
    Done(String, Said),
    Condition(Said),
    Challenge(Vec<u8>),
    Data,
}

impl Talk {
    /// Begins over a fresh stream.
    pub fn new(stream: Stream) -> Self {
        Self {
            client: Client::new(Guard::new(stream)),
            tags: 0,
            log: Log::default(),
        }
    }
    /// Goes on over another stream, after STARTTLS: capabilities must be learnt anew (RFC 9051 6.2.1), the rest is kept.
    pub fn go_on(stream: Stream, log: Log) -> Self {
        Self {
            log: Log {
                capabilities: None,
                ..log
            },
            ..Self::new(stream)
        }
    }
    /// The guard, to ask it.
    pub fn guard(&self) -> &Guard<Stream> {
        self.client.get_ref()
    }
    /// Ends the conversation and hands the stream out.
    pub fn into_parts(self) -> (Guard<Stream>, Log) {
        (self.client.into_inner(), self.log)
    }
    /// A new phase begins.
    pub fn begin_phase(&mut self) {
        self.log.waits = None;
        self.client.get_mut().begin_phase();
    }

    /// The server's first status line. What it says about waiting for its authentication process is no greeting.
    pub async fn greeting(&mut self) -> Result<Said, Fault> {
        loop {
            match self.next().await? {
                Heard::Condition(said) if said.status == Status::Ok && waits_for_auth(&said) => {}
                Heard::Condition(said) if said.status == Status::Ok => return Ok(said),
                Heard::Condition(said) | Heard::Done(_, said) => return Err(Fault::Said(said)),
                Heard::Challenge(_) => return Err(Broken::Strange("a continuation for a greeting".into()).into()),
                Heard::Data => {}
            }
        }
    }

    /// Sends a command and waits for its OK.
    pub async fn command(&mut self, command: &str) -> Result<Said, Fault> {
        self.exchange(command, |_| "*".to_owned()).await
    }

    /// As [`Talk::command`], answering each challenge with a line. A lone `*` cancels (RFC 9051 6.2.2).
    pub async fn exchange(&mut self, command: &str, mut answer: impl FnMut(&[u8]) -> String) -> Result<Said, Fault> {
        self.tags += 1;
        let tag = format!("M{}", self.tags);
        self.send(&format!("{tag} {command}\r\n")).await?;
        let mut challenges = 0;
        loop {
            match self.next().await? {
                Heard::Done(of, said) if of == tag && said.status == Status::Ok => return Ok(said),
                Heard::Done(of, said) if of == tag => return Err(Fault::Said(said)),
                Heard::Condition(said) if said.status == Status::Bye => return Err(Fault::Said(said)),
                Heard::Challenge(text) => {
                    challenges += 1;
                    if challenges > MAX_CHALLENGES {
                        return Err(Broken::TooMuch("challenge after challenge".to_owned()).into());
                    }
                    self.send(&format!("{}\r\n", answer(&text))).await?;
                }
                Heard::Condition(_) | Heard::Done(..) | Heard::Data => {}
            }
        }
    }

    /// Sends a line in one write. The commands of async-imap write tag, command and line end apart, and log them at
    /// trace level with the password in them.
    pub async fn send(&mut self, line: &str) -> Result<(), Fault> {
        let guard = self.client.get_mut();
        let sent = async {
            guard.write_all(line.as_bytes()).await?;
            guard.flush().await
        };
        sent.await.map_err(|e| fault_of(&e))
    }

    async fn next(&mut self) -> Result<Heard, Fault> {
        let response = match self.client.read_response().await {
            Ok(Some(response)) => response,
            Ok(None) => return Err(Broken::HungUp("the server closed the connection".to_owned()).into()),
            Err(e) => return Err(fault_of(&e)),
        };
        Ok(match response.parsed() {
            Response::Done { tag, status, outcome } => {
                let said = Said::new(status, outcome);
                self.log.capabilities = Capabilities::of(outcome).or(self.log.capabilities.take());
                self.keep(&said);
                Heard::Done(tag.0.clone(), said)
            }
            Response::Data { status, outcome } => {
                let said = Said::new(status, outcome);
                self.log.capabilities = Capabilities::of(outcome).or(self.log.capabilities.take());
                self.keep(&said);
                if matches!(said.status, Status::No | Status::Bad) && !said.has("ALERT") {
                    self.note(format!("the server warns: {}", said.text).into());
                }
                Heard::Condition(said)
            }
            Response::Continue(outcome) => {
                Heard::Challenge(outcome.information.as_deref().unwrap_or_default().as_bytes().to_vec())
            }
            Response::Capabilities(list) => {
                self.log.capabilities = Some(Capabilities::new(list));
                Heard::Data
            }
            Response::MailboxData(MailboxDatum::Exists(n)) => {
                self.log.exists = Some(*n);
                Heard::Data
            }
            // Flags may come unasked; they are kept in memory and prove nothing.
            Response::Fetch(_, data) if data.iter().any(|d| matches!(d, AttributeValue::Envelope(_))) => {
                self.log.envelopes += 1;
                Heard::Data
            }
            _ => Heard::Data,
        })
    }

    fn keep(&mut self, said: &Said) {
        if said.has("ALERT") && self.log.alerts.len() < MAX_KEPT && !self.log.alerts.contains(&said.text) {
            self.log.alerts.push(said.text.clone());
        }
        if said.has("OVERQUOTA") && self.log.overquota.is_none() {
            self.log.overquota = Some(said.clone());
        }
        if waits_for_auth(said) {
            self.log.waits = Some(said.text.clone());
        }
    }

    /// Keeps a note, if there is room.
    pub fn note(&mut self, note: Text) {
        if self.log.notes.len() < MAX_KEPT && !self.log.notes.contains(&note) {
            self.log.notes.push(note);
        }
    }
}

/// Dovecot says this, untagged, after ten seconds without its authentication process.
fn waits_for_auth(said: &Said) -> bool {
    said.text
        .to_ascii_lowercase()
        .contains("waiting for authentication process")
}

fn fault_of(e: &io::Error) -> Fault {
    let broken = match e.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()) {
        Some(Refused::TooMuch) => Broken::TooMuch(Refused::TooMuch.to_string()),
        Some(Refused::NotImap(words)) => Broken::Strange(words.clone()),
        None => Broken::HungUp(os_words(e)),
    };
    broken.into()
}

/// A quoted string (RFC 9051 4.3). What must not stand in one is refused: it could smuggle in a second command.
pub fn quoted(s: &str, what: &'static str) -> Result<String, Fault> {
    if s.contains(['\r', '\n', '\0']) {
        return Err(Broken::NotSendable(what).into());
    }
    Ok(format!("\"{}\"", s.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A mailbox name in the encoding of IMAP4rev1 (RFC 3501 5.1.3): runs beyond ASCII in base64 of UTF-16, between `&` and `-`.
pub fn mailbox(name: &str) -> Result<String, Fault> {
    let mut out = String::with_capacity(name.len());
    let mut run: Vec<u8> = Vec::new();
    for c in name.chars().map(Some).chain([None]) {
        if let Some(c) = c.filter(|c| !(' '..='~').contains(c)) {
            let mut units = [0; 2];
            run.extend(c.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()));
            continue;
        }
        if !run.is_empty() {
            let base64 = openssl::base64::encode_block(&run);
            let _ = write!(out, "&{}-", base64.trim_end_matches('=').replace('/', ","));
            run.clear();
        }
        match c {
            Some('&') => out.push_str("&-"),
            Some(c) => out.push(c),
            None => {}
        }
    }
    quoted(&out, "the mailbox name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped_and_line_ends_are_refused() {
        assert_eq!(quoted(r#"a"b\c"#, "x").unwrap(), r#""a\"b\\c""#);
        for bad in ["a\r\nB LOGOUT", "a\0", "\n"] {
            assert_eq!(
                quoted(bad, "the password"),
                Err(Broken::NotSendable("the password").into())
            );
        }
    }

    #[test]
    fn a_mailbox_name_beyond_ascii_is_sent_in_modified_utf7() {
        for (name, wire) in [
            ("INBOX", "\"INBOX\""),
            ("Entw\u{fc}rfe", "\"Entw&APw-rfe\""),
            (
                "~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}",
                "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\"",
            ),
            ("R&D", "\"R&-D\""),
            ("\u{1f4ec}", "\"&2D3c7A-\""),
        ] {
            assert_eq!(mailbox(name).unwrap(), wire);
        }
        assert_eq!(mailbox("a\nb").unwrap(), "\"a&AAo-b\"");
    }
}
