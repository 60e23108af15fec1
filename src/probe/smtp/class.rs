//! What a reply of SMTP or LMTP means: phase, codes and words together name the layer. Pure. The table is RFC 5321 4.2.3,
//! RFC 3463 and what Postfix, Exim, Dovecot and others are known to say. A server that makes strangers wait, come again
//! or come more slowly works: that is a limit and not an outage.

use super::super::class;
use super::super::lines::{self, Broken};
use super::reply::Reply;
use crate::domain::Text;
use crate::domain::door::{Door, Protocol};
use crate::domain::health::{Failure, Layer, Phase};

/// Why a phase of the conversation did not hold.
pub type Fault = lines::Fault<Reply>;

/// A phase of the conversation that did not hold.
pub fn fault(door: &Door, phase: Phase, fault: &Fault) -> Failure {
    match fault {
        Fault::Said(reply) => said(door, phase, reply),
        // An smtpd that cannot do its work ends without a word, before its greeting or in the middle of the dialogue.
        Fault::Broken(Broken::HungUp(how)) if door.protocol() == Protocol::Submission && phase < Phase::Login => {
            class::failure(
                Layer::FrontEnd,
                phase,
                format!("{how} before any login"),
                Some(
                    "accepted and dropped: (Postfix) an smtpd that cannot go on, for one because its SASL socket is gone; or a proxy without a backend",
                ),
            )
        }
        Fault::Broken(broken) => class::broken(door, phase, broken),
    }
}

fn said(door: &Door, phase: Phase, reply: &Reply) -> Failure {
    let (layer, hint) = meaning(door, phase, reply);
    Failure {
        layer,
        phase,
        code: Some(reply.codes()),
        text: if reply.text.is_empty() {
            "refused without a word".into()
        } else {
            reply.text.clone()
        },
        hint: hint.map(Text::from),
    }
}

const GREYLISTED: &str = "greylisting: it makes strangers come again, and takes the mail then; the server works";
const SLOWER: &str = "a limit on who comes how often, perhaps reached by our own probe; the server works";
const MAPS: &str = "what it looks addresses up in does not answer: maps, database, directory, policy service";

fn meaning(door: &Door, phase: Phase, reply: &Reply) -> (Layer, Option<&'static str>) {
    let words = reply.text.to_ascii_lowercase();
    let has = |any: &[&str]| any.iter().any(|w| words.contains(w));
    if has(&[
        "starttls first",
        "must issue a starttls",
        "encryption required",
        "tls required",
    ]) || reply.code == 538
    {
        return (Layer::Tls, Some("it wants TLS first: write starttls = true"));
    }
    if has(&["greylist", "graylist", "postgrey", "greylisting"]) {
        return (Layer::Limit, Some(GREYLISTED));
    }
    if has(&[
        "too many connections",
        "too many concurrent",
        "too much mail",
        "rate limit",
        "ratelimit",
        "rate exceeded",
        "too fast",
        "too many errors",
        "too many messages",
        "too many recipients",
        "all server ports are busy",
        "connection rate",
        "connection limit",
        "throttl",
    ]) || reply.about(7, Some(28))
    {
        return (Layer::Limit, Some(SLOWER));
    }
    if reply.code == 421 {
        return closing(reply, &has);
    }
    match phase {
        Phase::Greeting | Phase::Ehlo => turned_away(reply, &has),
        Phase::Tls => (
            Layer::Tls,
            Some("it offers STARTTLS and refuses it: key or certificate on the server"),
        ),
        Phase::Login => login(reply, &has),
        _ => address(door, phase, reply, &has),
    }
}

type Has<'a> = &'a dyn Fn(&[&str]) -> bool;

/// 421: it ends the connection (RFC 5321 3.8).
fn closing(reply: &Reply, has: Has<'_>) -> (Layer, Option<&'static str>) {
    if has(&["temporary authentication", "user lookup", "auth"]) {
        return (Layer::Auth, None);
    }
    if reply.about(7, None) || has(&["try again later", "try later", "busy", "load"]) {
        return (Layer::Limit, Some(SLOWER));
    }
    (
        Layer::FrontEnd,
        Some("it ends the connection: shutting down, or unable to serve; see its own log"),
    )
}

/// No to the connection itself.
fn turned_away(reply: &Reply, has: Has<'_>) -> (Layer, Option<&'static str>) {
    let policy = has(&[
        "block",
        "blacklist",
        "denylist",
        "dnsbl",
        "rbl",
        "reputation",
        "spamhaus",
        "banned",
    ]);
    if policy || reply.about(7, None) {
        return (
            Layer::Limit,
            Some("it turns this address of ours away by policy; others may be let in"),
        );
    }
    if reply.is_not_now() {
        return (Layer::FrontEnd, Some("it does not serve anybody now; see its own log"));
    }
    (Layer::FrontEnd, Some("it turns the connection away"))
}

fn login(reply: &Reply, has: Has<'_>) -> (Layer, Option<&'static str>) {
    // RFC 4954 6: 454 is the backend, 535 the account, 534 and 432 want another way in.
    if reply.code == 454 || (reply.is_not_now() && has(&["auth", "temporary"])) {
        return (
            Layer::Auth,
            Some("the authentication backend is down; every account is refused"),
        );
    }
    if reply.is_not_now() {
        return (Layer::Auth, None);
    }
    match reply.code {
        503 | 502 | 500 => (
            Layer::Credential,
            Some("it takes no login here: is this the submission port, and is TLS on?"),
        ),
        534 | 432 => (Layer::Credential, Some("it wants another mechanism for this account")),
        _ => (
            Layer::Credential,
            Some(
                "the server is alive and refuses this account; a second probe account tells the account from the backend",
            ),
        ),
    }
}

/// No to the sender or the recipient.
fn address(door: &Door, phase: Phase, reply: &Reply, has: Has<'_>) -> (Layer, Option<&'static str>) {
    let lmtp = door.protocol() == Protocol::Lmtp;
    if has(&["user lookup", "userdb", "authentication", "auth server"]) && reply.is_not_now() {
        return (Layer::Auth, Some("the user database does not answer"));
    }
    if reply.code == 452 && reply.about(3, Some(1)) || has(&["insufficient system storage", "disk full", "no space"]) {
        return (Layer::Store, Some("no room for mail on the server"));
    }
    if reply.about(2, Some(2)) || has(&["over quota", "quota exceeded", "mailbox is full", "mailbox full"]) {
        return (Layer::Quota, Some("the probe's mailbox is full; the server is alive"));
    }
    if reply.code == 530 {
        return (
            Layer::Credential,
            Some("it wants a login before mail: give the door a user"),
        );
    }
    if reply.is_not_now() {
        if has(&[
            "lookup",
            "database",
            "server configuration",
            "policy",
            "internal error",
            "local data error",
        ]) {
            return (Layer::Delivery, Some(MAPS));
        }
        if reply.about(1, None) || has(&["domain not found", "host not found", "cannot find your hostname"]) {
            return (
                Layer::Credential,
                Some("it does not find the domain of an address of the probe's, or its own DNS does not answer"),
            );
        }
        if reply.about(3, Some(2)) && phase == Phase::Rcpt {
            return (
                Layer::Limit,
                Some("(Postfix) postscreen tests strangers and lets them in the next time; the server works"),
            );
        }
        if reply.about(7, None) || reply.about(2, Some(0)) || (reply.code == 450 && !reply.about(3, None)) {
            return (Layer::Limit, Some(GREYLISTED));
        }
        if lmtp && reply.about(2, None) {
            return (Layer::Store, None);
        }
        return (
            Layer::Delivery,
            Some("it takes no mail now; senders keep theirs and come again"),
        );
    }
    if reply.about(1, None)
        || has(&[
            "user unknown",
            "unknown user",
            "no such user",
            "doesn't exist",
            "does not exist",
        ])
    {
        return (
            Layer::Credential,
            Some("check rcpt and mail_from in the config; the server is alive"),
        );
    }
    if has(&["relay", "not permitted"]) {
        return (
            Layer::Credential,
            Some("it does not take mail for this domain: check rcpt in the config"),
        );
    }
    if reply.about(7, None) {
        return (
            Layer::Limit,
            Some("refused by policy: the address of ours, the sender, or the name given with EHLO"),
        );
    }
    (
        Layer::Credential,
        Some("the server is alive and refuses the probe's addresses"),
    )
}

#[cfg(test)]
#[path = "class_tests.rs"]
mod tests;
