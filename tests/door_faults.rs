//! What servers of mail do that real ones cannot be talked into: answers in pieces, without an end, out of order, with a
//! command slipped in. Against a fake that plays a script.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod lab;

use jiff::Timestamp;
use lab::fake_imap::Step::{Drip, Flood, Read, Reset, Say, Silent, Tls};
use lab::fake_imap::{Fake, Step, say};
use mailtop::domain::Span;
use mailtop::domain::door::{Door, Envelope, Protocol, Secret, Security, Speaks};
use mailtop::domain::health::{Layer, Limits, Phase, ProbeReport, Verdict};
use mailtop::probe::Prober;

fn door(fake: &Fake, protocol: Protocol, security: Security) -> Door {
    let envelope = || Envelope {
        helo: Some("probe.test".to_owned()),
        from: String::new(),
        to: Some("u1@lab.test".to_owned()),
    };
    let logs_in = !matches!(protocol, Protocol::Mx | Protocol::Smtp | Protocol::Lmtp);
    Door {
        speaks: match protocol {
            Protocol::Mx => Speaks::Mx {
                envelope: envelope(),
                resolvers: Vec::new(),
            },
            Protocol::Smtp => Speaks::Smtp(envelope()),
            Protocol::Submission => Speaks::Submission(envelope()),
            Protocol::Lmtp => Speaks::Lmtp(envelope()),
            Protocol::Imap => Speaks::imap(),
            Protocol::Pop3 => Speaks::Pop3,
            Protocol::Sieve => Speaks::Sieve,
        },
        role: protocol.role(),
        user: logs_in.then(|| "u1".to_owned()),
        timeout: Span::from_millis(700),
        ..fake.door(security)
    }
}

async fn probe(fake: &Fake, protocol: Protocol, security: Security) -> ProbeReport {
    let door = door(fake, protocol, security);
    Prober::new()
        .probe(&door, Some(&Secret::new("hunter2")), None, Timestamp::now())
        .await
}

async fn plain(protocol: Protocol, script: impl IntoIterator<Item = Step>) -> ProbeReport {
    probe(&Fake::play(script).await, protocol, Security::Plain).await
}

fn failed(report: &ProbeReport) -> (Layer, Phase) {
    let f = report.failure.as_ref().unwrap_or_else(|| panic!("{report:?}"));
    (f.layer, f.phase)
}

/// A good conversation of SMTP or LMTP.
fn talk() -> Vec<Step> {
    let mut script = vec![say("220 mx.test ESMTP")];
    for reply in ["250-mx.test\r\n250 SIZE 1", "250 ok", "250 ok", "250 reset", "221 bye"] {
        script.extend([Read, say(reply)]);
    }
    script
}

#[tokio::test]
async fn answers_in_single_bytes_are_read_as_any_other() {
    let mut script = Vec::new();
    for step in talk() {
        script.push(match step {
            Say(bytes) => Drip(bytes),
            other => other,
        });
    }
    let report = plain(Protocol::Smtp, script).await;
    assert_eq!(
        (report.failure.as_ref(), report.proved),
        (None, Some(Phase::Rcpt)),
        "{report:?}"
    );
}

#[tokio::test]
async fn no_letter_is_sent_and_the_dialogue_is_ended_in_good_order() {
    let fake = Fake::play(talk()).await;
    let report = probe(&fake, Protocol::Lmtp, Security::Plain).await;
    assert_eq!(report.failure, None, "{report:?}");
    fake.until_idle().await;
    assert_eq!(
        fake.heard(),
        [
            "LHLO probe.test",
            "MAIL FROM:<>",
            "RCPT TO:<u1@lab.test>",
            "RSET",
            "QUIT"
        ]
    );
}

#[tokio::test]
async fn lines_and_replies_without_an_end_are_cut_off_at_every_protocol() {
    for (protocol, begin, flood) in [
        (Protocol::Smtp, "220 mx.test", "250-more\r\n"),
        (
            Protocol::Smtp,
            "220 mx.test",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
        (Protocol::Lmtp, "220 mx.test", "250-more\r\n"),
        (Protocol::Sieve, "\"SASL\" \"PLAIN\"\r\nOK \"hi\"", "\"x\" \"y\"\r\n"),
        (Protocol::Pop3, "+OK hi", "+OK "),
    ] {
        let report = plain(protocol, [say(begin), Read, Flood(flood.as_bytes().to_vec())]).await;
        let failure = report
            .failure
            .clone()
            .unwrap_or_else(|| panic!("{protocol}: {report:?}"));
        assert!(
            failure.text.contains("a line of more than") || failure.text.contains("KiB"),
            "{protocol}: {failure:?}"
        );
        assert_eq!(report.verdict(Limits::default(), Timestamp::now()), Verdict::Down);
    }
    // Ten megabytes for a greeting.
    for protocol in [Protocol::Smtp, Protocol::Pop3, Protocol::Sieve] {
        let report = plain(protocol, [Say(vec![b'x'; 10 << 20]), Silent]).await;
        assert_eq!(failed(&report), (Layer::FrontEnd, Phase::Greeting), "{protocol}");
    }
}

#[tokio::test]
async fn another_protocol_behind_the_port_is_named() {
    for (protocol, greeting) in [
        (Protocol::Smtp, "* OK IMAP4rev1 ready"),
        (Protocol::Pop3, "220 mx.test ESMTP"),
        (Protocol::Sieve, "+OK POP3"),
    ] {
        let report = plain(protocol, [say(greeting), Silent]).await;
        assert_eq!(failed(&report), (Layer::FrontEnd, Phase::Greeting), "{protocol}");
        let failure = report.failure.unwrap();
        assert!(
            failure.text.contains(greeting) && failure.text.contains("not "),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn codes_that_change_within_a_reply_and_answers_to_nothing_are_no_yes() {
    let report = plain(Protocol::Smtp, [say("220 mx"), Read, say("250-mx\r\n451 no")]).await;
    assert_eq!(failed(&report), (Layer::FrontEnd, Phase::Ehlo));
    // A yes of the wrong kind, in the middle of a login.
    let report = plain(
        Protocol::Submission,
        [say("220 mx"), Read, say("250 AUTH PLAIN"), Read, say("250 ok")],
    )
    .await;
    assert_eq!(failed(&report).1, Phase::Login, "{report:?}");
    let report = plain(Protocol::Smtp, [say("354 go on")]).await;
    assert_eq!(failed(&report), (Layer::FrontEnd, Phase::Greeting));
    // A server that drops the connection in the middle.
    let report = plain(Protocol::Smtp, [say("220 mx"), Read, say("250 mx"), Read, Reset]).await;
    assert_eq!(failed(&report), (Layer::Delivery, Phase::Mail));
}

#[tokio::test]
async fn what_stands_behind_an_answer_to_starttls_is_thrown_away_and_told() {
    for (protocol, before, yes) in [
        (
            Protocol::Submission,
            vec![
                say("220 mx"),
                Read,
                say("250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS"),
                Read,
            ],
            "220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n",
        ),
        (
            Protocol::Pop3,
            vec![say("+OK hi"), Read],
            "+OK go\r\n+OK slipped in\r\n",
        ),
        (
            Protocol::Sieve,
            vec![say("\"SASL\" \"PLAIN\"\r\n\"STARTTLS\"\r\nOK"), Read],
            "OK\r\nOK \"slipped in\"\r\n",
        ),
    ] {
        let script = [before, vec![Say(yes.as_bytes().to_vec()), Silent]].concat();
        let fake = Fake::play(script).await;
        let report = probe(&fake, protocol, Security::StartTls).await;
        assert_eq!(failed(&report), (Layer::Tls, Phase::Tls), "{protocol}: {report:?}");
        let failure = report.failure.unwrap();
        assert!(
            failure.text.contains("stood in the clear behind"),
            "{protocol}: {failure:?}"
        );
        assert!(!fake.heard().concat().contains("hunter2"));
    }
}

#[tokio::test]
async fn a_server_that_offers_no_tls_gets_no_password() {
    for (protocol, script) in [
        (
            Protocol::Submission,
            vec![say("220 mx"), Read, say("250 AUTH PLAIN"), Read, say("235 ok")],
        ),
        (
            Protocol::Pop3,
            vec![say("+OK hi"), Read, say("-ERR unknown command"), Read, say("+OK")],
        ),
        (Protocol::Sieve, vec![say("\"SASL\" \"PLAIN\"\r\nOK"), Read, say("OK")]),
    ] {
        let fake = Fake::play(script).await;
        let report = probe(&fake, protocol, Security::StartTls).await;
        assert_eq!(failed(&report), (Layer::Tls, Phase::Tls), "{protocol}: {report:?}");
        let heard = fake.heard().concat();
        assert!(
            !heard.contains("AUTH") && !heard.contains("PASS") && !heard.contains("USER"),
            "{heard}"
        );
    }
    // Between servers the mail goes all the same, and that is a warning.
    let report = probe(&Fake::play(talk()).await, Protocol::Smtp, Security::May).await;
    assert_eq!(
        (report.failure.as_ref(), report.proved),
        (None, Some(Phase::Rcpt)),
        "{report:?}"
    );
    assert_eq!(report.aside[0].layer, Layer::Tls);
    assert_eq!(report.verdict(Limits::default(), Timestamp::now()), Verdict::Warn);
}

#[tokio::test]
async fn an_answer_that_is_held_back_is_a_tarpit_and_not_an_outage() {
    // Longer than the time-out, as a real one of five seconds with a time-out of four would be.
    let held_back = |text: &str| Step::After(Span::from_millis(900), format!("{text}\r\n").into_bytes());
    let report = plain(
        Protocol::Smtp,
        [
            say("220 mx"),
            Read,
            say("250 mx"),
            Read,
            say("250 ok"),
            Read,
            held_back("250 ok"),
            Read,
            say("250 reset"),
        ],
    )
    .await;
    assert_eq!(
        (report.failure.as_ref(), report.proved),
        (None, Some(Phase::Rcpt)),
        "{report:?}"
    );
    assert!(report.held_back >= Span::from_millis(900));
    assert!(report.notes.iter().any(|n| n.contains("tarpit")), "{report:?}");
    assert_eq!(report.verdict(Limits::default(), Timestamp::now()), Verdict::Ok);
}

#[tokio::test]
async fn words_with_escapes_reach_the_report_visible_only() {
    let report = plain(Protocol::Smtp, [Say(b"554 \x1b]0;owned\x07 no\r\n".to_vec())]).await;
    let text = report.failure.unwrap().text;
    assert!(!text.contains('\x1b') && text.contains("owned"), "{text}");
}

#[tokio::test]
async fn an_old_version_of_tls_is_refused() {
    let script = [
        say("220 mx"),
        Read,
        say("250-mx\r\n250 STARTTLS"),
        Read,
        say("220 go"),
        Tls(Some(native_tls::Protocol::Tlsv11)),
    ];
    let report = probe(&Fake::play(script).await, Protocol::Submission, Security::StartTls).await;
    assert_eq!(failed(&report), (Layer::Tls, Phase::Tls), "{report:?}");
}
