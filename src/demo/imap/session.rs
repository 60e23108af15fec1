//! One IMAP session of the demo world: as much of RFC 9051 as a probe or a curious person needs, read-only. There is one
//! user and one mailbox with one letter in it.

use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::wire::{Command, Unread, read_command, read_line};
use super::{Keeper, PASSWORD, USER};
use crate::demo::listing::log_moment;
use crate::demo::sim::Store;

/// An idle client is shown out after this long. Real time.
const IDLE: Duration = Duration::from_secs(120);
/// After this many commands that were none, a client is shown out.
const MAX_BAD: u32 = 10;
const CAPABILITIES: &str = "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID AUTH=PLAIN";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    Greeted,
    LoggedIn,
    Selected,
}

/// What to do after a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    Leave,
}

struct Session<'a, S> {
    stream: S,
    keeper: &'a Keeper,
    stage: Stage,
    bad: u32,
}

/// Serves one client until it leaves or breaks off.
pub async fn serve<S: AsyncBufRead + AsyncWrite + Unpin>(stream: S, keeper: &Keeper) {
    let mut session = Session {
        stream,
        keeper,
        stage: Stage::Greeted,
        bad: 0,
    };
    if session.converse().await.is_ok() {
        // TLS says goodbye too; a client that has closed already does not mind.
        let _ = session.stream.shutdown().await;
    }
}

impl<S: AsyncBufRead + AsyncWrite + Unpin> Session<'_, S> {
    async fn converse(&mut self) -> std::io::Result<()> {
        let host = self.keeper.host();
        self.say(&format!(
            "* OK [CAPABILITY {CAPABILITIES}] {host} ready. This is mailtop demo: a mail world that does not exist."
        ))
        .await?;
        loop {
            match timeout(IDLE, read_command(&mut self.stream)).await {
                Err(_) => return self.say("* BYE Disconnected for inactivity.").await,
                Ok(Err(Unread::Gone)) => return Ok(()),
                Ok(Err(Unread::TooLong)) => return self.say("* BYE Command too long.").await,
                Ok(Err(Unread::Malformed)) => {
                    let answer = self.refuse("*", "Error in IMAP command received by server.");
                    self.say(&answer).await?;
                }
                Ok(Ok(command)) => {
                    if self.obey(&command).await? == Next::Leave {
                        return Ok(());
                    }
                }
            }
            if self.bad >= MAX_BAD {
                return self.say("* BYE Too many invalid IMAP commands.").await;
            }
        }
    }

    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }

    async fn obey(&mut self, c: &Command) -> std::io::Result<Next> {
        let tag = &c.tag;
        let answer = match (c.verb.as_str(), self.stage) {
            ("LOGOUT", _) => {
                self.say(&format!("* BYE Logging out\r\n{tag} OK Logout completed."))
                    .await?;
                return Ok(Next::Leave);
            }
            ("CAPABILITY", _) => format!("* CAPABILITY {CAPABILITIES}\r\n{tag} OK Capability completed."),
            ("NOOP" | "CHECK", _) => format!("{tag} OK {} completed.", c.verb),
            ("ID", _) => format!("* ID (\"name\" \"mailtop demo\")\r\n{tag} OK ID completed."),
            ("LOGIN", Stage::Greeted) => match c.words.as_slice() {
                [user, password] => self.log_in(tag, user, password),
                _ => self.refuse(tag, "Wrong number of arguments."),
            },
            ("AUTHENTICATE", Stage::Greeted) => self.authenticate(c).await?,
            ("EXAMINE" | "SELECT", Stage::LoggedIn | Stage::Selected) => self.examine(c).await,
            ("FETCH", Stage::Selected) => self.fetch(c).await,
            ("CLOSE" | "UNSELECT", Stage::Selected) => {
                self.stage = Stage::LoggedIn;
                format!("{tag} OK {} completed.", c.verb)
            }
            _ => self.refuse(tag, "Unknown command, or not in this state."),
        };
        self.say(&answer).await?;
        Ok(Next::Go)
    }

    fn refuse(&mut self, tag: &str, why: &str) -> String {
        self.bad += 1;
        format!("{tag} BAD {why}")
    }

    fn log_in(&mut self, tag: &str, user: &[u8], password: &[u8]) -> String {
        if user == USER.as_bytes() && password == PASSWORD.as_bytes() {
            self.stage = Stage::LoggedIn;
            format!("{tag} OK [CAPABILITY {CAPABILITIES}] Logged in")
        } else {
            format!("{tag} NO [AUTHENTICATIONFAILED] Authentication failed.")
        }
    }

    /// AUTHENTICATE PLAIN (RFC 4616), with or without an initial response (RFC 4959).
    async fn authenticate(&mut self, c: &Command) -> std::io::Result<String> {
        let response = match c.words.as_slice() {
            [mechanism, initial] if mechanism.eq_ignore_ascii_case(b"PLAIN") => initial.clone(),
            [mechanism] if mechanism.eq_ignore_ascii_case(b"PLAIN") => {
                self.say("+ ").await?;
                match timeout(IDLE, read_line(&mut self.stream)).await {
                    Ok(Ok(line)) => line,
                    _ => return Ok(self.refuse(&c.tag, "No response came.")),
                }
            }
            _ => return Ok(format!("{} NO [CANNOT] Unsupported authentication mechanism.", c.tag)),
        };
        let text = String::from_utf8_lossy(&response).into_owned();
        let Ok(decoded) = openssl::base64::decode_block(text.trim()) else {
            return Ok(self.refuse(&c.tag, "Invalid base64 data in a response."));
        };
        let fields: Vec<&[u8]> = decoded.split(|b| *b == 0).collect();
        Ok(match fields.as_slice() {
            [_, user, password] => self.log_in(&c.tag, user, password),
            _ => format!("{} NO [AUTHENTICATIONFAILED] Authentication failed.", c.tag),
        })
    }

    async fn examine(&mut self, c: &Command) -> String {
        let tag = &c.tag;
        // Whatever comes of it, the mailbox that was open is closed (RFC 9051 6.3.2).
        self.stage = Stage::LoggedIn;
        if !c.words.first().is_some_and(|w| w.eq_ignore_ascii_case(b"INBOX")) {
            return format!("{tag} NO [NONEXISTENT] Mailbox doesn't exist.");
        }
        match self.keeper.look() {
            (Store::Serves { examine, .. }, _) => sleep(examine.to_std()).await,
            (Store::Fails, at) => return internal_error(tag, at),
        }
        self.stage = Stage::Selected;
        format!(
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n\
             * OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n\
             * 1 EXISTS\r\n\
             * 0 RECENT\r\n\
             * OK [UIDVALIDITY 1795255200] UIDs valid\r\n\
             * OK [UIDNEXT 2] Predicted next UID\r\n\
             {tag} OK [READ-ONLY] {} completed.",
            c.verb
        )
    }

    async fn fetch(&mut self, c: &Command) -> String {
        let tag = &c.tag;
        let [set, items] = c.words.as_slice() else {
            return self.refuse(tag, "Error in IMAP command FETCH: Wrong number of arguments.");
        };
        if !matches!(set.as_slice(), b"1" | b"*" | b"1:*" | b"1:1") {
            return self.refuse(tag, "Error in IMAP command FETCH: Invalid messageset");
        }
        let Some(data) = items_of_the_letter(items) else {
            return self.refuse(tag, "Error in IMAP command FETCH: Unknown item");
        };
        match self.keeper.look() {
            (Store::Serves { fetch, .. }, _) => sleep(fetch.to_std()).await,
            (Store::Fails, at) => return internal_error(tag, at),
        }
        format!("* 1 FETCH ({data})\r\n{tag} OK Fetch completed.")
    }
}

/// The words of Dovecot when the index or the mail files cannot be read.
fn internal_error(tag: &str, unix: i64) -> String {
    let at = log_moment(unix);
    format!("{tag} NO [SERVERBUG] Internal error occurred. Refer to server log for more information. [{at}]")
}

/// The asked items of the one letter.
fn items_of_the_letter(items: &[u8]) -> Option<String> {
    let items = std::str::from_utf8(items).ok()?;
    let items = items.trim_start_matches('(').trim_end_matches(')').to_ascii_uppercase();
    let data = items
        .split_ascii_whitespace()
        .map(|item| {
            Some(match item {
                "ENVELOPE" => {
                    "ENVELOPE (\"Sat, 21 Nov 2026 09:00:00 +0000\" \"A letter for the probe\" \
                     ((\"mailtop demo\" NIL \"demo\" \"demo.test\")) ((\"mailtop demo\" NIL \"demo\" \"demo.test\")) \
                     ((\"mailtop demo\" NIL \"demo\" \"demo.test\")) ((NIL NIL \"probe\" \"demo.test\")) NIL NIL NIL \
                     \"<1@demo.test>\")"
                }
                "UID" => "UID 1",
                "FLAGS" => "FLAGS (\\Seen)",
                "RFC822.SIZE" => "RFC822.SIZE 412",
                "INTERNALDATE" => "INTERNALDATE \"21-Nov-2026 09:00:00 +0000\"",
                _ => return None,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    (!data.is_empty()).then(|| data.join(" "))
}
