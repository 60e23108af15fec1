//! `mailtop check` of a server with every kind of door, in every format.

use std::collections::BTreeSet;

use mailtop::domain::door::{Place, Protocol, Security};
use serde_json::json;

use super::home::{Done, Home};
use super::lab::doors::{House, RCPT};
use super::lab::dovecot::{PASSWORD, USER};

/// A config of this server's doors; mail in is asked for as far as RCPT unless this says otherwise.
fn config(house: &House, recipients: bool) -> String {
    let ca = house.dovecot.path("ca.pem").display().to_string();
    let mut out = vec!["[defaults]\nslow = \"60s\"\n[[server]]\nname = \"mail\"\n".to_owned()];
    for (protocol, security, url) in [
        (Protocol::Smtp, Security::May, "smtp://"),
        (Protocol::Submission, Security::Tls, "submissions://"),
        (Protocol::Lmtp, Security::Plain, "lmtp://"),
        (Protocol::Imap, Security::Tls, "imaps://"),
        (Protocol::Pop3, Security::Tls, "pop3s://"),
        (Protocol::Sieve, Security::StartTls, "sieve://"),
    ] {
        let door = house.door(protocol, security);
        let Place::Tcp { port, .. } = door.at else {
            unreachable!()
        };
        let user = door.user.as_ref().map_or(String::new(), |_| format!("{USER}@"));
        out.push(format!(
            "[[server.{protocol}]]\nurl = \"{url}{user}127.0.0.1:{port}\"\n"
        ));
        if security != Security::Plain {
            out.push(format!("ca_file = \"{ca}\"\n"));
        }
        if door.user.is_some() {
            out.push("password_env = \"PROBE_PASSWORD\"\n".to_owned());
        }
        if recipients && matches!(protocol, Protocol::Smtp | Protocol::Lmtp) {
            out.push(format!("rcpt = \"{RCPT}\"\n"));
        }
    }
    out.concat()
}

fn check(home: &Home, format: &str) -> Done {
    let mut command = home.command(&["check", "--format", format]);
    Done::from(command.env("PROBE_PASSWORD", PASSWORD).output().unwrap())
}

#[test]
fn six_doors_are_told_by_role_and_by_label_and_none_claims_more_than_was_proved() {
    let Some(house) = House::start() else { return };
    let home = Home::new();
    home.configure(&config(&house, true));
    let report = check(&home, "json").exits(0).json();
    let role = |role: &str, verdict: &str, doors: usize, down: usize| json!({"role": role, "verdict": verdict, "doors": doors, "down": down, "unknown": 0, "stopped": 0, "as_far_as": null});
    let good = [
        role("inbound", "ok", 2, 0),
        role("mailbox", "ok", 3, 0),
        role("outbound", "ok", 1, 0),
    ];
    assert_eq!(report["roles"], json!(good), "{report:#}");
    let certificates = report["certificates"].as_array().unwrap();
    let doors: BTreeSet<&str> = certificates.iter().map(|c| c["door"].as_str().unwrap()).collect();
    assert_eq!(doors, BTreeSet::from(["imap", "pop3", "sieve", "smtp", "submission"]));
    assert!(
        certificates
            .iter()
            .all(|c| c["days_left"] == 30 && c["server"] == "mail"),
        "{report:#}"
    );
    let text = check(&home, "text").exits(0).out;
    assert!(
        text.ends_with("✔ ok\ninbound ✔ ok · mailboxes ✔ ok · outbound ✔ ok\n"),
        "{text}"
    );

    let line = check(&home, "nagios").exits(0).out;
    let (said, perf) = line.trim_end().split_once('|').unwrap();
    assert_eq!(said, "MAILTOP OK - 1 ok");
    let labels: Vec<&str> = perf.split('\'').skip(1).step_by(2).collect();
    let unique: BTreeSet<&str> = labels.iter().copied().collect();
    assert_eq!(unique.len(), labels.len(), "{line}");
    for label in [
        "mail smtp rcpt",
        "mail submission login",
        "mail lmtp rcpt",
        "mail imap login",
        "mail pop3 login",
        "mail sieve scripts",
    ] {
        assert!(unique.contains(label), "{label}: {line}");
    }
    assert!(perf.split(' ').all(|p| !p.contains('=') || p.ends_with("ms")), "{line}");

    // Without a recipient, mail in is good only as far as EHLO, beside doors that are good to their end.
    home.configure(&config(&house, false));
    let text = check(&home, "text").exits(0).out;
    let short = "✔ mail    ok, smtp and lmtp only as far as EHLO\n";
    assert!(text.starts_with(short), "{text}");
    assert!(
        text.ends_with("inbound ✔ ok to EHLO · mailboxes ✔ ok · outbound ✔ ok\n"),
        "{text}"
    );
    let line = check(&home, "nagios").exits(0).out;
    assert!(
        line.starts_with("MAILTOP OK - 1 ok, smtp and lmtp only as far as EHLO|"),
        "{line}"
    );

    // Postfix ends: mail comes in no more, by LMTP alone, and none can be handed in; mailboxes are read.
    house.postfix.stop();
    let report = check(&home, "json").exits(2).json();
    let verdicts: Vec<_> = report["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (&r["verdict"], &r["down"]))
        .collect();
    let want = [
        (json!("warn"), json!(1)),
        (json!("ok"), json!(0)),
        (json!("down"), json!(1)),
    ];
    assert_eq!(
        verdicts,
        want.iter().map(|(v, d)| (v, d)).collect::<Vec<_>>(),
        "{report:#}"
    );
    let text = check(&home, "text").exits(2).out;
    assert!(
        text.ends_with("✖ down\ninbound ▲ 1 of 2 down · mailboxes ✔ ok · outbound ✖ down\n"),
        "{text}"
    );
    let line = check(&home, "nagios").exits(2).out;
    assert!(
        line.starts_with("MAILTOP CRITICAL - mail down: smtp network") && line.contains("submission network"),
        "{line}"
    );
}
