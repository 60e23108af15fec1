//! What `-ERR` means: phase, response code (RFC 2449 8, RFC 3206) and words together name the layer. Pure.

use super::super::class;
use super::super::lines::{self, Broken};
use crate::domain::Text;
use crate::domain::door::Door;
use crate::domain::health::{Failure, Layer, Phase};

/// A status line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Whether it is `+OK`.
    good: Good,
    /// The response code without brackets: `SYS/TEMP`.
    pub code: Option<Text>,
    /// The words after it.
    pub text: Text,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Good {
    Yes,
    No,
}

/// Why a phase of the conversation did not hold.
pub type Fault = lines::Fault<Said>;

impl Said {
    /// Itself, where it is a yes.
    pub fn yes(self) -> Result<Self, Fault> {
        match self.good {
            Good::Yes => Ok(self),
            Good::No => Err(Fault::Said(self)),
        }
    }
}

/// Reads a status line.
pub fn read(line: &[u8]) -> Result<Said, Broken> {
    let (good, rest) = if let Some(rest) = line.strip_prefix(b"+OK") {
        (Good::Yes, rest)
    } else if let Some(rest) = line.strip_prefix(b"-ERR") {
        (Good::No, rest)
    } else {
        return Err(Broken::Strange(Text::bounded(line.trim_ascii_end(), 200)));
    };
    let rest = rest.trim_ascii();
    let coded = || {
        let inside = rest.strip_prefix(b"[")?;
        let end = inside.iter().position(|b| *b == b']')?;
        let word = &inside[..end];
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/-_".contains(b);
        (!word.is_empty() && word.iter().all(plain)).then_some((word, inside[end + 1..].trim_ascii()))
    };
    let (code, words) = match coded() {
        Some((code, words)) => (Some(Text::bounded(&code.to_ascii_uppercase(), 64)), words),
        None => (None, rest),
    };
    Ok(Said {
        good,
        code,
        text: Text::bounded(words, 400),
    })
}

/// A phase of the conversation that did not hold.
pub fn fault(door: &Door, phase: Phase, fault: &Fault) -> Failure {
    match fault {
        Fault::Broken(broken) => class::broken(door, phase, broken),
        Fault::Said(said) => {
            let (layer, hint) = meaning(phase, said);
            Failure {
                layer,
                phase,
                code: said.code.clone(),
                text: if said.text.is_empty() {
                    "refused without a word".into()
                } else {
                    said.text.clone()
                },
                hint: hint.map(Text::from),
            }
        }
    }
}

fn meaning(phase: Phase, said: &Said) -> (Layer, Option<&'static str>) {
    let words = said.text.to_ascii_lowercase();
    let has = |any: &[&str]| any.iter().any(|w| words.contains(w));
    if has(&[
        "too many connections",
        "number of connections",
        "login-delay",
        "connection limit",
    ]) {
        return (Layer::Limit, Some("perhaps by our own probe"));
    }
    let temporary = has(&[
        "temporary authentication",
        "authentication process",
        "auth process",
        "authentication server",
    ]);
    match said.code.as_deref().unwrap_or_default() {
        "IN-USE" => (
            Layer::Store,
            Some("the mailbox is locked: by another session of the probe's account, or by maintenance"),
        ),
        "LOGIN-DELAY" => (
            Layer::Limit,
            Some("logins come too soon after one another: probe this door less often"),
        ),
        "SYS/TEMP" | "SYS/PERM" if phase == Phase::Login && temporary => (
            Layer::Auth,
            Some("the authentication backend is down; every account is refused"),
        ),
        "SYS/TEMP" | "SYS/PERM" => (Layer::Store, None),
        "AUTH" => (
            Layer::Credential,
            Some(
                "the server is alive and refuses this account; a second probe account tells the account from the backend",
            ),
        ),
        _ if temporary => (Layer::Auth, None),
        _ if has(&["shutting down", "server shutdown"]) => (Layer::FrontEnd, None),
        _ if has(&[
            "plaintext authentication disallowed",
            "plaintext authentication disabled",
            "must issue a stls",
        ]) =>
        {
            (Layer::Tls, Some("it wants TLS first: use STLS or pop3s"))
        }
        _ => match phase {
            Phase::Greeting => (Layer::FrontEnd, None),
            Phase::Tls => (
                Layer::Tls,
                Some("it does not take STLS: switched off, or stripped on the way; no password was sent"),
            ),
            Phase::Login if has(&["internal error", "mailbox", "maildrop"]) => (Layer::Store, None),
            Phase::Login => (
                Layer::Credential,
                Some(
                    "the server is alive and refuses this account; a second probe account tells the account from the backend",
                ),
            ),
            _ => (Layer::Store, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Layer::{Auth, Credential, FrontEnd, Limit, Store, Tls};
    use proptest::prelude::*;

    #[test]
    fn phase_code_and_words_together_name_the_layer() {
        use Phase::{Greeting, Login, Stat};
        for (phase, wire, layer) in [
            (Greeting, "-ERR [SYS/TEMP] server shutting down", Store),
            (Greeting, "-ERR Server shutting down.", FrontEnd),
            (Phase::Tls, "-ERR TLS support isn't enabled.", Tls),
            (Login, "-ERR [AUTH] Authentication failed.", Credential),
            (
                Login,
                "-ERR [SYS/TEMP] Temporary authentication failure. [mx:2026]",
                Auth,
            ),
            (
                Login,
                "-ERR [SYS/TEMP] Internal error occurred. Refer to server log",
                Store,
            ),
            (Login, "-ERR [IN-USE] Couldn't lock mailbox", Store),
            (Login, "-ERR [LOGIN-DELAY] minimum time between mail checks", Limit),
            (
                Login,
                "-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.",
                Credential,
            ),
            (Login, "-ERR Plaintext authentication disallowed", Tls),
            (Login, "-ERR no", Credential),
            (Stat, "-ERR no", Store),
        ] {
            assert_eq!(
                meaning(phase, &read(wire.as_bytes()).unwrap()).0,
                layer,
                "{phase} {wire}"
            );
        }
    }

    #[test]
    fn codes_are_taken_off_the_words_and_brackets_that_are_none_stay() {
        let said = read(b"-ERR [sys/temp] later").unwrap();
        assert_eq!((said.code.as_deref(), said.text.as_str()), (Some("SYS/TEMP"), "later"));
        let said = read(b"+OK [a b] <1.2@x>").unwrap();
        assert_eq!((said.code.as_deref(), said.text.as_str()), (None, "[a b] <1.2@x>"));
        assert!(read(b"* OK imap").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&line);
            let _ = read(&[b"-ERR ".to_vec(), line].concat());
        }
    }
}
