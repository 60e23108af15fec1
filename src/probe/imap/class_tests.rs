use super::super::super::lines::Broken;
use super::*;
use crate::domain::Span;
use crate::domain::door::{Mechanism, Place, Role};
use Layer::*;

fn door(security: Security, mailbox: &str) -> Door {
    Door {
        name: "imap".into(),
        role: Role::Mailbox,
        at: Place::tcp("mx.test", 993),
        security,
        user: Some("probe".to_owned()),
        mechanism: Mechanism::Password,
        speaks: Speaks::Imap {
            mailbox: mailbox.to_owned(),
        },
        ca_file: None,
        timeout: Span::from_secs(5),
    }
}

/// A status line as it stands on the wire, without its tag.
fn said(line: &str) -> Said {
    let wire = format!("* {line}\r\n");
    match imap_proto::Response::parse(wire.as_bytes()).unwrap().1 {
        imap_proto::Response::Data { status, outcome } => Said::new(&status, &outcome),
        other => panic!("{other:?}"),
    }
}

#[test]
fn phase_code_and_words_together_name_the_layer() {
    use Phase::*;
    let rows: &[(Phase, &str, Layer)] = &[
        (Greeting, "BYE", FrontEnd),
        (Greeting, "BYE [UNAVAILABLE] Service not available", FrontEnd),
        (Greeting, "BYE Server shutting down.", FrontEnd),
        (Greeting, "BYE Auth process broken", Auth),
        (Greeting, "BYE [ALERT] Too many connections from your host", Limit),
        (Greeting, "PREAUTH logged in as root", FrontEnd),
        (Greeting, "BAD what", FrontEnd),
        (
            Tls,
            "NO [UNAVAILABLE] TLS not available due to temporary reason",
            Layer::Tls,
        ),
        (Tls, "BAD TLS support isn't enabled.", Layer::Tls),
        (
            Login,
            "NO [UNAVAILABLE] Temporary authentication failure. [mx1:2026-11-22 18:36:04]",
            Auth,
        ),
        (Login, "NO Temporary authentication failure.", Auth),
        (Login, "BYE Auth process broken", Auth),
        (Login, "NO [AUTHENTICATIONFAILED] Authentication failed.", Credential),
        (Login, "NO LOGIN failed.", Credential),
        (Login, "NO [ALERT] Invalid credentials (Failure)", Credential),
        (Login, "NO [AUTHORIZATIONFAILED] no such user to act for", Credential),
        (Login, "NO [EXPIRED] Password expired", Credential),
        (Login, "NO [CONTACTADMIN] Account is locked", Credential),
        (
            Login,
            "NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.",
            Layer::Tls,
        ),
        (
            Login,
            "NO [UNAVAILABLE] Internal error occurred. Refer to server log for more information.",
            Store,
        ),
        (
            Login,
            "BYE [UNAVAILABLE] Internal error occurred. Refer to server log for more information.",
            Store,
        ),
        (Login, "NO [SERVERBUG] Internal error occurred", Store),
        (Login, "BAD User is authenticated but not connected.", Store),
        (
            Login,
            "NO [LIMIT] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
            Limit,
        ),
        (Login, "NO Maximum number of connections from user+IP exceeded", Limit),
        (Login, "BYE Server shutting down.", FrontEnd),
        (Login, "NO [INUSE] Mailbox locked by POP3", Store),
        (Login, "BAD Unknown command", Auth),
        (
            Examine,
            "NO [SERVERBUG] Internal error occurred. Refer to server log for more information. [2026-11-22 18:36:04]",
            Store,
        ),
        (Examine, "NO [UNAVAILABLE] backend gone", Store),
        (Examine, "NO [INUSE] Mailbox in use", Store),
        (Examine, "NO Timeout while waiting for lock", Store),
        (Examine, "NO [CORRUPTION] index damaged", Store),
        (
            Examine,
            "NO [OVERQUOTA] Quota exceeded (mailbox for user is full)",
            Quota,
        ),
        (Examine, "NO [LIMIT] slow down", Limit),
        (Examine, "NO [NONEXISTENT] Mailbox doesn't exist: INBOX", Store),
        (Examine, "BYE Server shutting down.", FrontEnd),
        (Examine, "BYE [UNAVAILABLE] Internal error occurred.", Store),
        (Examine, "BYE Disconnected for inactivity.", FrontEnd),
        (Fetch, "NO [SERVERBUG] Internal error occurred.", Store),
        (Fetch, "BAD Error in IMAP command FETCH: Invalid messageset", Store),
    ];
    let door = door(Security::Tls, "INBOX");
    for (phase, line, layer) in rows {
        let f = fault(&door, *phase, &Fault::Said(said(line)));
        assert_eq!(f.layer, *layer, "{phase}: {line}");
        assert_eq!(f.phase, *phase);
    }
}

#[test]
fn the_servers_words_and_code_are_kept_as_they_were() {
    let line =
        "NO [SERVERBUG] Internal error occurred. Refer to server log for more information. [2026-11-22 18:36:04]";
    let f = fault(&door(Security::Tls, "INBOX"), Phase::Examine, &Fault::Said(said(line)));
    assert_eq!(f.code.as_deref(), Some("SERVERBUG"));
    assert_eq!(
        f.text.as_str(),
        "Internal error occurred. Refer to server log for more information. [2026-11-22 18:36:04]"
    );
}

#[test]
fn a_mailbox_that_is_not_there_is_the_configs_fault_unless_it_is_the_inbox() {
    for line in [
        "NO [NONEXISTENT] Mailbox doesn't exist: Probe",
        "NO Mailbox doesn't exist: Probe (0.002 + 0.000 + 0.001 secs).",
    ] {
        for (mailbox, layer) in [("Probe", Credential), ("inbox", Store)] {
            let f = fault(&door(Security::Tls, mailbox), Phase::Examine, &Fault::Said(said(line)));
            assert_eq!(f.layer, layer, "{mailbox}: {line}");
        }
    }
}

#[test]
fn silence_names_the_layer_of_the_phase_and_lost_connections_before_a_greeting_the_network() {
    let door = door(Security::Tls, "INBOX");
    let waited = Fault::Broken(Broken::TimedOut(Span::from_secs(5)));
    let gone = Fault::Broken(Broken::HungUp("connection reset by peer".to_owned()));
    for (phase, silent, lost) in [
        (Phase::Greeting, FrontEnd, Network),
        (Phase::Tls, Layer::Tls, Layer::Tls),
        (Phase::Login, Auth, Auth),
        (Phase::Examine, Store, Store),
        (Phase::Fetch, Store, Store),
    ] {
        assert_eq!(fault(&door, phase, &waited).layer, silent, "{phase}");
        assert_eq!(fault(&door, phase, &gone).layer, lost, "{phase}");
    }
    let waits = Fault::WaitsForAuth("Waiting for authentication process to respond..".into());
    assert_eq!(fault(&door, Phase::Greeting, &waits).layer, Auth);
}
