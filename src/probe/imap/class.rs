//! What a failure means: phase, response code and words together name the layer. Pure; the table is RFC 9051 7.1,
//! RFC 5530 and what Dovecot, Exchange and others are known to say. A code alone is ambiguous: `[UNAVAILABLE]` at login
//! is the authentication backend, unless the words are those of a mail process that could not open the mailbox.

use super::said::{Said, Status};
use super::talk::Fault;
use crate::domain::Text;
use crate::domain::door::{ImapDoor, Security};
use crate::domain::health::{Failure, Layer, Phase};
use crate::reach::dial::{ConnectError, NameError, TlsError};

/// The layer that a phase proves: it is named when nothing else is known, for example by a time-out.
const fn layer_of(phase: Phase) -> Layer {
    match phase {
        Phase::Name => Layer::Name,
        Phase::Tcp => Layer::Network,
        Phase::Tls => Layer::Tls,
        Phase::Greeting => Layer::FrontEnd,
        Phase::Login => Layer::Auth,
        Phase::Examine | Phase::Fetch | Phase::Logout => Layer::Store,
    }
}

fn failure(layer: Layer, phase: Phase, text: impl Into<Text>, hint: Option<&str>) -> Failure {
    Failure {
        layer,
        phase,
        code: None,
        text: text.into(),
        hint: hint.map(Text::from),
    }
}

/// A name that did not resolve.
pub fn name(e: &NameError) -> Failure {
    let hint = match e {
        NameError::NotAName(_) => "check the host in the config",
        NameError::NoSuchName(_) => "the name is gone from DNS or misspelt; the server itself was not asked",
        NameError::NoAddress(_) => "the name has other records only; the server itself was not asked",
        NameError::NoAnswer { .. } => "DNS is silent as seen from here; the server itself was not asked",
    };
    failure(Layer::Name, Phase::Name, e.to_string(), Some(hint))
}

/// A connection that did not come about.
pub fn tcp(e: &ConnectError) -> Failure {
    let refused = e
        .tried
        .iter()
        .any(|(_, why)| why.as_deref() == Some("connection refused"));
    let hint = if e.silent() {
        Some("nothing answers: host down, route gone, or a firewall that drops")
    } else if refused {
        Some("the host answers, but nothing listens on this port")
    } else {
        None
    };
    let text = if e.silent() {
        format!("{e} within {}", e.waited)
    } else {
        e.to_string()
    };
    failure(Layer::Network, Phase::Tcp, text, hint)
}

/// A handshake that did not hold. Not one byte back means that nobody serves the connection, which is not TLS's fault.
pub fn tls(e: &TlsError, security: Security) -> Failure {
    let (layer, hint) = match e {
        TlsError::TimedOut { received: 0, .. } if security == Security::Tls => (
            Layer::FrontEnd,
            "the kernel accepts and no process serves the connection: it hangs, is stopped, or has no worker free",
        ),
        TlsError::HungUp { received: 0, .. } if security == Security::Tls => (
            Layer::Network,
            "accepted and closed without a byte: a proxy without a backend, or a server that turns us away",
        ),
        TlsError::Trust(_) => (Layer::Tls, "this is the config here; the server was not judged"),
        TlsError::Expired => (
            Layer::Tls,
            "renew it and reload the server; check that the renewed file is the one it serves",
        ),
        TlsError::NotYetValid => (Layer::Tls, "check the clock here and on the server"),
        TlsError::WrongName(_) => (
            Layer::Tls,
            "the server serves another name's certificate, or the host in the config is an alias",
        ),
        TlsError::UnknownIssuer(_) => (
            Layer::Tls,
            "an intermediate certificate is missing on the server, or ca_file must name its root",
        ),
        TlsError::NotTls(_) => (Layer::Tls, "is this a STARTTLS or plain port? STARTTLS is usual on 143"),
        _ => (Layer::Tls, ""),
    };
    failure(layer, Phase::Tls, e.to_string(), Some(hint).filter(|h| !h.is_empty()))
}

/// A phase of the conversation that did not hold.
pub fn fault(door: &ImapDoor, phase: Phase, fault: &Fault) -> Failure {
    let own = layer_of(phase);
    match fault {
        Fault::Said(said) => said_so(door, phase, said),
        Fault::WaitsForAuth(words) => failure(
            Layer::Auth,
            phase,
            words.clone(),
            Some("the front end is alive and waits for the authentication process"),
        ),
        Fault::TimedOut(waited) => failure(own, phase, format!("no answer within {waited}"), silent_hint(phase)),
        Fault::HungUp(how) if phase == Phase::Greeting => failure(
            Layer::Network,
            phase,
            format!("{how} before a greeting"),
            Some("accepted and closed: a proxy without a backend, or a server that turns us away"),
        ),
        Fault::HungUp(how) => failure(
            own,
            phase,
            format!("{how} instead of an answer"),
            Some("the front end was alive a moment ago: see the server's log for what died behind it"),
        ),
        Fault::TooMuch(what) => failure(
            own,
            phase,
            what.clone(),
            Some("reading was stopped; the answer makes no sense for a probe"),
        ),
        Fault::NotImap(words) => failure(
            own,
            phase,
            format!("not IMAP: {words}"),
            Some("is this the right port?"),
        ),
        Fault::NoStartTls => failure(
            Layer::Tls,
            phase,
            "the server does not offer STARTTLS",
            Some("switched off, or stripped on the way; no password was sent"),
        ),
        Fault::Injected(n) => failure(
            Layer::Tls,
            phase,
            format!("{n} bytes stood in the clear behind the answer to STARTTLS"),
            Some("a fault of the server or somebody in between; they were thrown away and no password was sent"),
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
        Fault::NotOffered { wanted, offered } => failure(
            Layer::Credential,
            phase,
            format!("the server does not offer {wanted}; it offers {offered}"),
            Some("change the mechanism in the config; the server is alive"),
        ),
        Fault::NotSendable(what) => failure(
            Layer::Credential,
            phase,
            format!("{what} holds a line end or NUL and cannot be sent"),
            Some("correct it in the config; the server is alive"),
        ),
    }
}

fn silent_hint(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Greeting => Some(
            "accepted and silent: the front end hangs, or (Dovecot) its authentication process is gone; see whether other doors of the server answer",
        ),
        Phase::Login => Some(
            "the front end is alive; the authentication backend is not answering, or a tarpit is longer than the time-out",
        ),
        Phase::Examine | Phase::Fetch => Some("the login held; the store hangs: locks, disk, or maintenance"),
        _ => None,
    }
}

const LOCKED: &str = "lock contention: maintenance on this store is the first suspect";
const ALIVE: &str =
    "the server is alive and refuses this account; a second probe account tells the account from the backend";

/// The server's own NO, BAD, BYE or PREAUTH.
fn said_so(door: &ImapDoor, phase: Phase, said: &Said) -> Failure {
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

fn meaning(door: &ImapDoor, phase: Phase, said: &Said) -> (Layer, Option<&'static str>) {
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

fn missing_mailbox(door: &ImapDoor) -> (Layer, Option<&'static str>) {
    if door.mailbox.eq_ignore_ascii_case("INBOX") {
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
