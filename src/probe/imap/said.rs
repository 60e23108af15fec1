//! What a server said, in our own words: a status line taken apart into status, response code and text, and the
//! capabilities that came with it. Everything here is sanitised and bounded already.

use imap_proto::{Capability, Outcome, ResponseCode};

use crate::domain::Text;

/// The kind of a status line (RFC 9051 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// `OK`
    Ok,
    /// `NO`
    No,
    /// `BAD`
    Bad,
    /// `BYE`
    Bye,
    /// `PREAUTH`
    PreAuth,
}

/// One status line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Its kind.
    pub status: Status,
    /// The response code's first word in capitals, without brackets: `UNAVAILABLE`.
    pub code: Option<Text>,
    /// The words after it.
    pub text: Text,
}

impl Said {
    /// Takes a parsed status line apart. The parser knows some response codes and leaves the others in the text.
    pub fn new(status: &imap_proto::Status, outcome: &Outcome<'_>) -> Self {
        let words = outcome.information.as_deref().unwrap_or_default();
        let (code, text) = match &outcome.code {
            Some(known) => (Some(word_of(known)), words),
            None => split(words),
        };
        Self {
            status: match status {
                imap_proto::Status::Ok => Status::Ok,
                imap_proto::Status::No => Status::No,
                imap_proto::Status::Bad => Status::Bad,
                imap_proto::Status::Bye => Status::Bye,
                imap_proto::Status::PreAuth => Status::PreAuth,
            },
            code: code.map(|c| Text::bounded(c.to_ascii_uppercase().as_bytes(), 64)),
            text: text.trim().into(),
        }
    }
    /// Whether the response code is this one.
    pub fn has(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

/// `[CODE arguments] words` into `CODE` and `words`.
fn split(words: &str) -> (Option<&str>, &str) {
    let Some((inside, rest)) = words.strip_prefix('[').and_then(|w| w.split_once(']')) else {
        return (None, words);
    };
    let code = inside.split(' ').next().unwrap_or_default();
    if code.is_empty() {
        (None, words)
    } else {
        (Some(code), rest)
    }
}

fn word_of(code: &ResponseCode<'_>) -> &'static str {
    match code {
        ResponseCode::Alert => "ALERT",
        ResponseCode::BadCharset(_) => "BADCHARSET",
        ResponseCode::Capabilities(_) => "CAPABILITY",
        ResponseCode::HighestModSeq(_) => "HIGHESTMODSEQ",
        ResponseCode::Parse => "PARSE",
        ResponseCode::PermanentFlags(_) => "PERMANENTFLAGS",
        ResponseCode::ReadOnly => "READ-ONLY",
        ResponseCode::ReadWrite => "READ-WRITE",
        ResponseCode::TryCreate => "TRYCREATE",
        ResponseCode::UidNext(_) => "UIDNEXT",
        ResponseCode::UidValidity(_) => "UIDVALIDITY",
        ResponseCode::Unseen(_) => "UNSEEN",
        _ => "OTHER",
    }
}

/// What a server can do, as it said itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capabilities(Vec<String>);

impl Capabilities {
    /// From a parsed list.
    pub fn new(list: &[Capability<'_>]) -> Self {
        Self(
            list.iter()
                .map(|c| match c {
                    Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
                    Capability::Auth(mechanism) => format!("AUTH={}", mechanism.to_ascii_uppercase()),
                    Capability::Atom(atom) => atom.to_ascii_uppercase(),
                })
                .collect(),
        )
    }
    /// Those that ride on a status line, where they do.
    pub fn of(outcome: &Outcome<'_>) -> Option<Self> {
        match (&outcome.code, outcome.information.as_deref()) {
            (Some(ResponseCode::Capabilities(list)), _) => Some(Self::new(list)),
            // The parser takes only lists that name IMAP4rev1.
            (None, Some(words)) => {
                let (inside, _) = words.strip_prefix('[')?.split_once(']')?;
                let mut all = inside.split(' ').map(str::to_ascii_uppercase);
                (all.next()? == "CAPABILITY").then(|| Self(all.collect()))
            }
            _ => None,
        }
    }
    /// Whether it is one of them. In capitals.
    pub fn has(&self, capability: &str) -> bool {
        self.0.iter().any(|c| c == capability)
    }
    /// The ways to authenticate, for a message.
    pub fn mechanisms(&self) -> String {
        let all: Vec<&str> = self.0.iter().filter_map(|c| c.strip_prefix("AUTH=")).collect();
        if all.is_empty() {
            "none".to_owned()
        } else {
            all.join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imap_proto::Response;

    fn read(line: &str) -> (Said, Option<Capabilities>) {
        let line = format!("{line}\r\n");
        match Response::parse(line.as_bytes()).unwrap().1 {
            Response::Data { status, outcome } | Response::Done { status, outcome, .. } => {
                (Said::new(&status, &outcome), Capabilities::of(&outcome))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn codes_that_the_parser_knows_and_those_that_it_does_not_are_both_taken_off_the_text() {
        for (line, code, text) in [
            (
                "a1 NO [UNAVAILABLE] Temporary authentication failure.",
                Some("UNAVAILABLE"),
                "Temporary authentication failure.",
            ),
            (
                "* OK [ALERT] Down for repair at 22:00",
                Some("ALERT"),
                "Down for repair at 22:00",
            ),
            ("* BYE [unavailable] busy", Some("UNAVAILABLE"), "busy"),
            (
                "* NO [REFERRAL imap://a/;AUTH=*] elsewhere",
                Some("REFERRAL"),
                "elsewhere",
            ),
            ("* OK plain words", None, "plain words"),
            ("* OK [half a code", None, "[half a code"),
            ("* OK []x", None, "[]x"),
            ("a1 OK", None, ""),
        ] {
            let (said, _) = read(line);
            assert_eq!((said.code.as_deref(), said.text.as_str()), (code, text), "{line}");
        }
    }

    #[test]
    fn capabilities_are_read_with_and_without_the_old_revision_among_them() {
        let (_, old) = read("* OK [CAPABILITY IMAP4rev1 sasl-ir AUTH=plain] hi");
        let old = old.unwrap();
        assert!(old.has("SASL-IR") && old.has("AUTH=PLAIN") && !old.has("STARTTLS"));
        let (said, new) = read("* OK [CAPABILITY IMAP4rev2 LOGINDISABLED] hi");
        assert!(new.unwrap().has("LOGINDISABLED"));
        assert_eq!((said.code.as_deref(), said.text.as_str()), (Some("CAPABILITY"), "hi"));
        assert_eq!(read("* OK hi").1, None);
    }
}
