//! What a failure means: phase, response code and words together name the layer. Pure; the table is RFC 9051 7.1,
//! RFC 5530 and what Dovecot, Exchange and others are known to say. A code alone is ambiguous: `[UNAVAILABLE]` at login
//! is the authentication backend, unless the words are those of a mail process that could not open the mailbox.

use super::super::class::{failure, layer_of};
use super::said::{Said, Status};
use super::talk::Fault;
use crate::domain::Text;
use crate::domain::door::{Door, Security, Speaks};
use crate::domain::health::{Failure, Layer, Phase};

/// A phase of the conversation that did not hold.
pub fn fault(door: &Door, phase: Phase, fault: &Fault) -> Failure {
    match fault {
        Fault::Said(said) => said_so(door, phase, said),
        Fault::WaitsForAuth(words) => failure(
            Layer::Auth,
            phase,
            words.clone(),
            Some("the front end is alive and waits for the authentication process"),
        ),
        Fault::LoginDisabled => failure(
            Layer::Tls,
            phase,
            "the server forbids LOGIN (LOGINDISABLED)",
            Some(if door.security == Security::Plain {
                "it wants TLS first: use starttls or imaps"
            } else {
                "it takes this connection for an unsecured one, or wants another mechanism"
            }),
        ),
        Fault::Broken(broken) => super::super::class::broken(door, phase, broken),
    }
}

const LOCKED: &str = "lock contention: maintenance on this store is the first suspect";
const ALIVE: &str =
    "the server is alive and refuses this account; a second probe account tells the account from the backend";

/// The server's own NO, BAD, BYE or PREAUTH.
fn said_so(door: &Door, phase: Phase, said: &Said) -> Failure {
    let (layer, hint) = meaning(door, phase, said);
    Failure {
        layer,
        phase,
        code: said.code.clone(),
        text: match (said.status, said.text.is_empty()) {
            // A goodbye or a welcome would read as anything but a failure without its word.
            (Status::Bye, _) => format!("BYE {}", said.text).trim_end().into(),
            (Status::PreAuth, _) => format!("PREAUTH {}", said.text).trim_end().into(),
            (_, false) => said.text.clone(),
            (_, true) => "refused without a word".into(),
        },
        hint: hint.map(Text::from),
    }
}

fn meaning(door: &Door, phase: Phase, said: &Said) -> (Layer, Option<&'static str>) {
    if said.status == Status::PreAuth {
        return (
            Layer::FrontEnd,
            Some("the server takes us for logged in already: a misconfiguration; nothing was proved"),
        );
    }
    let words = said.text.to_ascii_lowercase();
    let has = |any: &[&str]| any.iter().any(|w| words.contains(w));
    let logged_in = matches!(phase, Phase::Examine | Phase::Fetch | Phase::Logout);
    let internal = has(&["internal error occurred", "internal error"]);

    if has(&["shutting down", "server shutdown", "going down"]) {
        return (Layer::FrontEnd, None);
    }
    match said.code.as_deref().unwrap_or_default() {
        "SERVERBUG" if logged_in || phase == Phase::Login => (Layer::Store, None),
        "UNAVAILABLE" if logged_in || (phase == Phase::Login && internal) => (Layer::Store, None),
        "UNAVAILABLE" if phase == Phase::Login => (
            Layer::Auth,
            Some("the authentication backend is down; every account is refused"),
        ),
        "AUTHENTICATIONFAILED" => (Layer::Credential, Some(ALIVE)),
        "AUTHORIZATIONFAILED" => (
            Layer::Credential,
            Some("the password is right, the account may not act as this user"),
        ),
        "EXPIRED" => (Layer::Credential, Some("the password or the account has expired")),
        "CONTACTADMIN" => (
            Layer::Credential,
            Some("the account is blocked for an administrator to look at"),
        ),
        "PRIVACYREQUIRED" => (Layer::Tls, Some("it wants TLS first: use starttls or imaps")),
        "INUSE" => (Layer::Store, Some(LOCKED)),
        "CORRUPTION" => (
            Layer::Store,
            Some("stop maintenance on this store before anything else"),
        ),
        "OVERQUOTA" => (Layer::Quota, Some("the probe's mailbox is full; the server is alive")),
        "LIMIT" => (
            Layer::Limit,
            Some("perhaps by our own probe: compare mail_max_userip_connections with the consoles that watch"),
        ),
        "NONEXISTENT" | "NOPERM" | "TRYCREATE" if logged_in => missing_mailbox(door),
        "" if logged_in && has(&["doesn't exist", "does not exist", "no such mailbox", "unknown mailbox"]) => {
            missing_mailbox(door)
        }
        "CLIENTBUG" => (layer_of(phase), Some("the server blames the probe's own command")),
        _ => by_words(phase, said, &has),
    }
}

fn missing_mailbox(door: &Door) -> (Layer, Option<&'static str>) {
    if matches!(&door.speaks, Speaks::Imap { mailbox } if mailbox.eq_ignore_ascii_case("INBOX")) {
        (
            Layer::Store,
            Some("an account without an INBOX: its storage may not be mounted"),
        )
    } else {
        (
            Layer::Credential,
            Some("check the mailbox in the config; the server is alive"),
        )
    }
}

fn by_words(phase: Phase, said: &Said, has: &dyn Fn(&[&str]) -> bool) -> (Layer, Option<&'static str>) {
    if has(&[
        "temporary authentication failure",
        "authentication process",
        "auth process",
        "authentication server",
    ]) {
        return (Layer::Auth, None);
    }
    if has(&[
        "number of connections",
        "too many connections",
        "too many simultaneous",
        "connection limit",
        "too many sessions",
    ]) {
        return (Layer::Limit, Some("perhaps by our own probe"));
    }
    if has(&["timeout while waiting for lock", "mailbox is locked", "mailbox in use"]) {
        return (Layer::Store, Some(LOCKED));
    }
    // Exchange, when the login held and the mailbox server behind it did not answer.
    if has(&["authenticated but not connected"]) {
        return (Layer::Store, None);
    }
    if has(&[
        "plaintext authentication disallowed",
        "plaintext authentication disabled",
        "must issue a starttls",
    ]) {
        return (Layer::Tls, Some("it wants TLS first: use starttls or imaps"));
    }
    if matches!(phase, Phase::Examine | Phase::Fetch) && has(&["quota exceeded", "over quota"]) {
        return (Layer::Quota, None);
    }
    match (phase, said.status) {
        (Phase::Login | Phase::Examine | Phase::Fetch, _) if has(&["internal error"]) => (Layer::Store, None),
        // Without a code, NO to a login is what RFC 3501 6.2.3 says: user name or password rejected.
        (Phase::Login, Status::No) => (Layer::Credential, Some(ALIVE)),
        (_, Status::Bye) if phase != Phase::Tls => (Layer::FrontEnd, None),
        _ => (layer_of(phase), None),
    }
}

/// What stands beside a success: the mailbox works and is over its quota.
pub fn over_quota(phase: Phase, said: &Said) -> Failure {
    Failure {
        layer: Layer::Quota,
        phase,
        code: said.code.clone(),
        text: said.text.clone(),
        hint: Some("the probe's mailbox is full; the server is alive".into()),
    }
}

#[cfg(test)]
#[path = "class_tests.rs"]
mod tests;
