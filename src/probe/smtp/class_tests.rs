use super::*;
use crate::domain::Span;
use crate::domain::door::{Envelope, Mechanism, Place, Role, Security, Speaks};
use Layer::*;

fn door(speaks: Speaks) -> Door {
    Door {
        name: "smtp".into(),
        role: Role::Inbound,
        at: Place::tcp("mx.test", 25),
        security: Security::May,
        user: None,
        mechanism: Mechanism::Password,
        speaks,
        ca_file: None,
        timeout: Span::from_secs(5),
    }
}

/// A reply as it stands on the wire.
fn reply(wire: &str) -> Reply {
    let (code, rest) = wire.split_at(3);
    let rest = rest.trim_start();
    let first = rest.split(' ').next().unwrap_or_default();
    let parts: Vec<u16> = first.split('.').filter_map(|p| p.parse().ok()).collect();
    let enhanced = <[u16; 3]>::try_from(parts).ok();
    let text = if enhanced.is_some() {
        rest.split_once(' ').map_or("", |(_, t)| t)
    } else {
        rest
    };
    Reply {
        code: code.parse().unwrap(),
        enhanced,
        text: text.into(),
        lines: vec![],
    }
}

#[test]
fn phase_codes_and_words_together_name_the_layer() {
    use Phase::{Ehlo, Greeting, Login, Mail, Rcpt};
    let smtp = door(Speaks::Smtp(Envelope::default()));
    for (phase, wire, layer) in [
        (Greeting, "421 4.3.2 All server ports are busy", Limit),
        (
            Greeting,
            "421 4.7.0 mx.test Error: too many connections from 192.0.2.1",
            Limit,
        ),
        (Greeting, "421 mx.test: Too much load; please try again later", Limit),
        (Greeting, "421 4.3.2 Service shutting down", FrontEnd),
        (Greeting, "421 4.3.0 Server local data error", FrontEnd),
        (
            Greeting,
            "554 5.7.1 Service unavailable; client blocked using zen.spamhaus.org",
            Limit,
        ),
        (Greeting, "554 no SMTP service here", FrontEnd),
        (Ehlo, "450 4.7.1 <x>: Helo command rejected", Limit),
        (Phase::Tls, "454 4.7.0 TLS not available due to local problem", Tls),
        (Mail, "530 5.7.0 Must issue a STARTTLS command first", Tls),
        (Mail, "452 4.3.1 Insufficient system storage", Store),
        (
            Mail,
            "450 4.1.8 <a@x>: Sender address rejected: Domain not found",
            Credential,
        ),
        (
            Rcpt,
            "450 4.2.0 <u@x>: Recipient address rejected: Greylisted, see http://x",
            Limit,
        ),
        (Rcpt, "451 4.7.1 Greylisting in action, please come back later", Limit),
        (Rcpt, "450 4.7.1 try again", Limit),
        (Rcpt, "450 please try later", Limit),
        (Rcpt, "450 4.3.2 Service currently unavailable", Limit),
        (Rcpt, "452 4.5.3 Error: too many recipients", Limit),
        (Rcpt, "451 4.3.0 <u@x>: Temporary lookup failure", Delivery),
        (Rcpt, "451 4.3.5 Server configuration problem", Delivery),
        (Rcpt, "451 temporary failure", Delivery),
        (Rcpt, "452 4.2.2 mailbox full", Quota),
        (Rcpt, "552 5.2.2 over quota", Quota),
        (
            Rcpt,
            "550 5.1.1 <u@x>: Recipient address rejected: User unknown",
            Credential,
        ),
        (Rcpt, "554 5.7.1 <u@x>: Relay access denied", Credential),
        (Rcpt, "550 5.7.1 rejected by policy", Limit),
        (Rcpt, "530 5.7.1 Authentication required", Credential),
        (
            Login,
            "535 5.7.8 Error: authentication failed: authentication failure",
            Credential,
        ),
        (
            Login,
            "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
            Auth,
        ),
        (Login, "503 5.5.1 Error: authentication not enabled", Credential),
        (
            Login,
            "538 5.7.11 Encryption required for requested authentication mechanism",
            Tls,
        ),
    ] {
        assert_eq!(
            fault(&smtp, phase, &Fault::Said(reply(wire))).layer,
            layer,
            "{phase} {wire}"
        );
    }
    let lmtp = door(Speaks::Lmtp(Envelope::default()));
    for (wire, layer) in [
        ("451 4.3.0 <u@x> Temporary user lookup failure", Auth),
        ("451 4.2.0 <u@x> Failed to open mailbox", Limit),
        ("451 4.2.1 <u@x> mailbox not usable", Store),
        ("550 5.1.1 <u@x> User doesn't exist: u@x", Credential),
    ] {
        assert_eq!(fault(&lmtp, Rcpt, &Fault::Said(reply(wire))).layer, layer, "{wire}");
    }
}

#[test]
fn the_codes_are_kept_beside_the_words() {
    let smtp = door(Speaks::Smtp(Envelope::default()));
    let f = fault(&smtp, Phase::Rcpt, &Fault::Said(reply("450 4.7.1 later")));
    assert_eq!((f.code.as_deref(), f.text.as_str()), (Some("450 4.7.1"), "later"));
}
