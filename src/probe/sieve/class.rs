//! What `NO` and `BYE` mean: phase, response code (RFC 5804 1.3) and words together name the layer. Pure.

use super::super::class;
use super::super::lines;
use super::answer::{Answer, Status};
use crate::domain::Text;
use crate::domain::door::Door;
use crate::domain::health::{Failure, Layer, Phase};

/// Why a phase of the conversation did not hold.
pub type Fault = lines::Fault<Answer>;

/// A phase of the conversation that did not hold.
pub fn fault(door: &Door, phase: Phase, fault: &Fault) -> Failure {
    match fault {
        Fault::Broken(broken) => class::broken(door, phase, broken),
        Fault::Said(answer) => {
            let (layer, hint) = meaning(phase, answer.status, answer.code.as_deref(), &answer.text);
            Failure {
                layer,
                phase,
                code: answer.code.clone(),
                text: if answer.text.is_empty() {
                    "refused without a word".into()
                } else {
                    answer.text.clone()
                },
                hint: hint.map(Text::from),
            }
        }
    }
}

fn meaning(phase: Phase, status: Status, code: Option<&str>, text: &str) -> (Layer, Option<&'static str>) {
    let words = text.to_ascii_lowercase();
    let has = |any: &[&str]| any.iter().any(|w| words.contains(w));
    if has(&["too many connections", "number of connections"]) {
        return (Layer::Limit, Some("perhaps by our own probe"));
    }
    if has(&[
        "temporary authentication",
        "authentication process",
        "auth process",
        "authentication server",
    ]) {
        return (
            Layer::Auth,
            Some("the authentication backend is down; every account is refused"),
        );
    }
    match (code.unwrap_or_default(), phase) {
        ("ENCRYPT-NEEDED", _) => (Layer::Tls, Some("it wants TLS first: take out starttls = false")),
        ("AUTH-TOO-WEAK" | "TRANSITION-NEEDED", _) => {
            (Layer::Credential, Some("it wants another mechanism for this account"))
        }
        ("REFERRAL", _) => (Layer::Credential, Some("the account lives on another server")),
        ("TRYLATER", Phase::Login) => (Layer::Auth, None),
        ("TRYLATER", Phase::Scripts) => (Layer::Store, None),
        ("TRYLATER", _) => (Layer::FrontEnd, None),
        ("QUOTA" | "QUOTA/MAXSIZE" | "QUOTA/MAXSCRIPTS", _) => (Layer::Quota, None),
        (_, Phase::Scripts) => (Layer::Store, Some("the login held; the scripts cannot be read")),
        (_, Phase::Login) if has(&["internal error"]) => (Layer::Store, None),
        (_, Phase::Login) if status == Status::No => (
            Layer::Credential,
            Some(
                "the server is alive and refuses this account; a second probe account tells the account from the backend",
            ),
        ),
        (_, Phase::Login) => (Layer::Auth, None),
        (_, Phase::Tls) => (
            Layer::Tls,
            Some("it offers STARTTLS and refuses it: key or certificate on the server"),
        ),
        _ => (Layer::FrontEnd, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phase_code_and_words_together_name_the_layer() {
        use Layer::{Auth, Credential, FrontEnd, Limit, Store, Tls};
        use Phase::{Greeting, Login, Scripts};
        for (phase, status, code, text, layer) in [
            (Greeting, Status::Bye, None, "Server shutting down.", FrontEnd),
            (Greeting, Status::Bye, Some("TRYLATER"), "", FrontEnd),
            (Login, Status::No, None, "Authentication failed.", Credential),
            (
                Login,
                Status::No,
                Some("TRYLATER"),
                "Temporary authentication failure.",
                Auth,
            ),
            (Login, Status::No, Some("ENCRYPT-NEEDED"), "x", Tls),
            (Login, Status::Bye, None, "Too many connections", Limit),
            (Login, Status::No, None, "Internal error occurred.", Store),
            (Scripts, Status::No, None, "no", Store),
        ] {
            assert_eq!(meaning(phase, status, code, text).0, layer, "{phase} {code:?} {text}");
        }
    }
}
