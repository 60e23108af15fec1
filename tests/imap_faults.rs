//! The IMAP probe against faults that a real server cannot be talked into, played by a fake.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod lab;

use jiff::Timestamp;
use lab::fake_imap::Step::{Answer, Drip, Flood, Read, Reset, Say, Silent, Tls};
use lab::fake_imap::{Fake, Step, answer, say};
use mailtop::domain::Span;
use mailtop::domain::door::{Door, Mechanism, Place, Secret, Security};
use mailtop::domain::health::{Failure, Layer, Limits, Phase, ProbeReport, Verdict};
use mailtop::probe::Prober;
use native_tls::Protocol;

const READY: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER] ready";
const ENVELOPE: &str = r#"* 1 FETCH (ENVELOPE (NIL "hi" NIL NIL NIL NIL NIL NIL NIL "<1@x>"))"#;

async fn probe(door: &Door) -> ProbeReport {
    Prober::new()
        .probe(door, Some(&Secret::new("hunter2")), None, Timestamp::now())
        .await
}
/// Plays the script on a plain door and probes it.
async fn plain(script: impl IntoIterator<Item = Step>) -> ProbeReport {
    let fake = Fake::play(script).await;
    probe(&fake.door(Security::Plain)).await
}
/// Plays it, with a short time-out for faults that end in one.
async fn impatient(script: impl IntoIterator<Item = Step>) -> ProbeReport {
    let fake = Fake::play(script).await;
    probe(&Door {
        timeout: Span::from_millis(300),
        ..fake.door(Security::Plain)
    })
    .await
}
fn failed(report: &ProbeReport, layer: Layer, phase: Phase) -> &Failure {
    let f = report
        .failure
        .as_ref()
        .unwrap_or_else(|| panic!("nothing failed: {report:#?}"));
    assert_eq!((f.layer, f.phase), (layer, phase), "{report:#?}");
    assert!(!report.phases.last().unwrap().ok);
    f
}
fn verdict(report: &ProbeReport) -> Verdict {
    report.verdict(Limits::default(), Timestamp::now())
}
/// A login and what comes after it.
fn logged_in(then: impl IntoIterator<Item = Step>) -> Vec<Step> {
    [say(READY)].into_iter().chain(answer("OK in")).chain(then).collect()
}
/// A mailbox with one message, opened, and what comes after it.
fn examined(then: impl IntoIterator<Item = Step>) -> Vec<Step> {
    logged_in(
        [Read, say("* 1 EXISTS"), Answer("OK [READ-ONLY] open".to_owned())]
            .into_iter()
            .chain(then),
    )
}
fn whole() -> Vec<Step> {
    examined([Read, say(ENVELOPE), Answer("OK done".to_owned()), Read])
}

#[tokio::test]
async fn one_probe_is_one_connection_and_five_commands() {
    let fake = Fake::play(whole()).await;
    let report = probe(&fake.door(Security::Plain)).await;
    assert_eq!((report.failure.as_ref(), verdict(&report)), (None, Verdict::Ok));
    let heard = fake.heard();
    let commands: Vec<&str> = heard.iter().map(|l| l.split_once(' ').unwrap().1).collect();
    assert_eq!(
        commands[..3],
        ["LOGIN \"u1\" \"hunter2\"", "EXAMINE \"INBOX\"", "FETCH 1 (ENVELOPE)"]
    );
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn bytes_that_come_one_at_a_time_are_read() {
    let script = whole().into_iter().map(|s| if let Say(b) = s { Drip(b) } else { s });
    assert_eq!(plain(script).await.failure, None);
}

#[tokio::test]
async fn capabilities_are_asked_for_only_when_the_greeting_does_not_tell_them() {
    let asked = [
        say("* OK hi"),
        Read,
        say("* CAPABILITY IMAP4rev1 LOGINDISABLED"),
        Answer("OK".to_owned()),
    ];
    let fake = Fake::play(asked).await;
    let report = probe(&fake.door(Security::Plain)).await;
    failed(&report, Layer::Tls, Phase::Login);
    assert_eq!(fake.heard(), ["M1 CAPABILITY"], "no password where LOGIN is forbidden");
}

#[tokio::test]
async fn accepted_and_silent_is_the_front_end_and_closed_is_the_network() {
    let f = impatient([Silent]).await;
    assert!(
        failed(&f, Layer::FrontEnd, Phase::Greeting)
            .hint
            .as_ref()
            .unwrap()
            .contains("authentication process")
    );
    failed(&plain([]).await, Layer::Network, Phase::Greeting);
    let reset = plain([Say(b"* OK half a li".to_vec()), Reset]).await;
    failed(&reset, Layer::Network, Phase::Greeting);
}

#[tokio::test]
async fn over_tls_not_one_byte_is_the_front_end_and_another_protocol_is_tls() {
    let fake = Fake::play([Silent]).await;
    let report = probe(&Door {
        timeout: Span::from_millis(300),
        ..fake.door(Security::Tls)
    })
    .await;
    failed(&report, Layer::FrontEnd, Phase::Tls);
    let fake = Fake::play([say("* OK not under tls"), Silent]).await;
    let report = probe(&fake.door(Security::Tls)).await;
    let f = failed(&report, Layer::Tls, Phase::Tls);
    assert!(f.text.starts_with("the answer is not TLS"), "{}", f.text);
    let fake = Fake::play([]).await;
    failed(&probe(&fake.door(Security::Tls)).await, Layer::Network, Phase::Tls);
}

#[tokio::test]
async fn a_tls_front_that_closes_before_its_greeting_is_the_network() {
    let fake = Fake::play([Tls(None)]).await;
    let report = probe(&fake.door(Security::Tls)).await;
    failed(&report, Layer::Network, Phase::Greeting);
    assert!(report.tls.is_some());
}

#[tokio::test]
async fn goodbyes_preauth_and_other_protocols_for_a_greeting_are_the_front_end() {
    for line in [
        "* BYE busy",
        "* BYE [UNAVAILABLE] later",
        "* PREAUTH welcome",
        "220 mx ESMTP",
        "* BAD no",
        "\x1b[2J\x07",
    ] {
        let report = plain([say(line), Silent]).await;
        let f = failed(&report, Layer::FrontEnd, Phase::Greeting);
        assert!(f.text.chars().all(|c| !c.is_control()), "{f}");
        assert_eq!(report.proved, Some(Phase::Tcp));
    }
}

#[tokio::test]
async fn an_endless_line_and_endless_lines_end_at_the_bound() {
    let line = plain([Say(b"* OK ".to_vec()), Flood(vec![b'x'; 8192])]).await;
    assert!(
        failed(&line, Layer::FrontEnd, Phase::Greeting)
            .text
            .contains("more than 256 KiB")
    );
    let lines = plain(logged_in([Read, Flood(b"* 1 EXISTS\r\n".to_vec())])).await;
    failed(&lines, Layer::Store, Phase::Examine);
    let literal = plain(examined([
        Read,
        say("* 1 FETCH (ENVELOPE (NIL {10000000}"),
        Flood(vec![b'x'; 8192]),
    ]))
    .await;
    // The store does deliver: that envelope is only more than a probe will read.
    assert_eq!((literal.failure, literal.proved), (None, Some(Phase::Fetch)));
    assert!(literal.notes[0].contains("too large"), "{:?}", literal.notes);
}

#[tokio::test]
async fn silence_keeps_the_good_timings_of_the_phases_before_it() {
    let login = impatient([say(READY), Silent]).await;
    failed(&login, Layer::Auth, Phase::Login);
    let examine = impatient(logged_in([Silent])).await;
    failed(&examine, Layer::Store, Phase::Examine);
    let fetch = impatient(examined([Silent])).await;
    failed(&fetch, Layer::Store, Phase::Fetch);
    let ok: Vec<bool> = fetch.phases.iter().map(|p| p.ok).collect();
    assert_eq!(ok, [true, true, true, true, true, false]);
    assert!(fetch.phases.last().unwrap().took >= Span::from_millis(300));
}

#[tokio::test]
async fn words_about_waiting_turn_silence_into_auth() {
    let waits = say("* OK Waiting for authentication process to respond..");
    failed(&impatient([waits.clone(), Silent]).await, Layer::Auth, Phase::Greeting);
    failed(
        &impatient([say(READY), Read, waits.clone(), Silent]).await,
        Layer::Auth,
        Phase::Login,
    );
    // And when it comes after all, the words are no greeting.
    let late = plain([waits].into_iter().chain(whole())).await;
    assert_eq!((late.failure.as_ref(), late.greeting.as_deref()), (None, Some("ready")));
}

#[tokio::test]
async fn a_connection_that_ends_midway_names_the_layer_of_its_phase() {
    failed(&plain([say(READY), Read]).await, Layer::Auth, Phase::Login);
    failed(&plain(logged_in([Read, Reset])).await, Layer::Store, Phase::Examine);
    failed(
        &plain(examined([Read, say("* BYE Server shutting down.")])).await,
        Layer::FrontEnd,
        Phase::Fetch,
    );
}

#[tokio::test]
async fn what_is_slipped_in_behind_starttls_is_thrown_away_and_no_password_follows() {
    let injected = [
        say("* OK hi"),
        Read,
        Say(b"M1 OK go\r\nM2 OK [CAPABILITY IMAP4rev1] you are in\r\n".to_vec()),
        Silent,
    ];
    let fake = Fake::play(injected).await;
    let report = probe(&fake.door(Security::StartTls)).await;
    let f = failed(&report, Layer::Tls, Phase::Tls);
    assert!(f.text.starts_with("41 bytes stood in the clear"), "{}", f.text);
    assert_eq!(fake.heard(), ["M1 STARTTLS"]);
}

#[tokio::test]
async fn starttls_that_is_refused_or_not_offered_is_tls_and_no_password_follows() {
    for (script, heard) in [
        (
            vec![say("* OK hi"), Read, Answer("BAD unknown".to_owned()), Silent],
            vec!["M1 STARTTLS"],
        ),
        (vec![say(READY), Silent], vec![]),
    ] {
        let fake = Fake::play(script).await;
        failed(&probe(&fake.door(Security::StartTls)).await, Layer::Tls, Phase::Tls);
        assert_eq!(fake.heard(), heard);
    }
}

#[tokio::test]
async fn capabilities_from_before_starttls_are_forgotten() {
    let before = say("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi");
    let after = [Tls(None), Read, say("* CAPABILITY IMAP4rev1"), Answer("OK".to_owned())];
    let rest = whole().into_iter().skip(1);
    let script = [before].into_iter().chain(answer("OK begin")).chain(after).chain(rest);
    let fake = Fake::play(script).await;
    let report = probe(&fake.door(Security::StartTls)).await;
    assert_eq!((report.failure.as_ref(), verdict(&report)), (None, Verdict::Ok));
    let phases: Vec<Phase> = report.phases.iter().map(|p| p.phase).collect();
    assert_eq!(phases[2..5], [Phase::Greeting, Phase::Tls, Phase::Login]);
}

#[tokio::test]
async fn a_token_that_is_refused_by_a_challenge_is_acknowledged_and_its_reason_kept() {
    for (mechanism, acknowledged) in [(Mechanism::XOauth2, ""), (Mechanism::OauthBearer, "AQ==")] {
        let script = [say(READY), Read, say("+ eyJzdGF0dXMiOiI0MDAifQ==")];
        // The second line is the acknowledgement and has no tag: the answer goes to the first.
        let fake = Fake::play(
            script
                .into_iter()
                .chain([Read, say("M1 NO [AUTHENTICATIONFAILED] Invalid credentials")]),
        )
        .await;
        let report = probe(&Door {
            mechanism,
            ..fake.door(Security::Plain)
        })
        .await;
        failed(&report, Layer::Credential, Phase::Login);
        assert_eq!(fake.heard()[1], acknowledged);
        assert!(report.notes[0].contains(r#"{"status":"400"}"#), "{:?}", report.notes);
    }
}

#[tokio::test]
async fn alerts_are_kept_word_for_word_and_made_harmless() {
    let script = [
        say("* OK [ALERT] Repair\x1b]0;pwned\x07 at 22:00 \u{202e}txt"),
        Read,
        say("* CAPABILITY IMAP4rev1"),
        Answer("OK".to_owned()),
    ];
    let report = plain(script.into_iter().chain(whole().into_iter().skip(1))).await;
    assert_eq!(report.failure, None);
    assert_eq!(report.alerts, ["Repair␛]0;pwned␇ at 22:00 \\u{202e}txt".into()]);
    assert_eq!(verdict(&report), Verdict::Warn);
    let said: Vec<_> = report
        .greeting
        .iter()
        .chain(&report.alerts)
        .chain(&report.notes)
        .collect();
    assert!(said.iter().all(|t| t.chars().all(|c| !c.is_control())));
}

#[tokio::test]
async fn over_quota_beside_a_success_is_a_warning_that_keeps_the_proof() {
    let script = logged_in([
        Read,
        say("* 1 EXISTS"),
        say("* NO [OVERQUOTA] Mailbox is 104% full"),
        Answer("OK open".to_owned()),
        Read,
        say(ENVELOPE),
        Answer("OK done".to_owned()),
    ]);
    let report = plain(script).await;
    assert_eq!(report.failure.as_ref().map(|f| f.layer), Some(Layer::Quota));
    assert_eq!((report.proved, verdict(&report)), (Some(Phase::Fetch), Verdict::Warn));
    assert!(report.phases.iter().all(|p| p.ok));
    let refused = plain(logged_in(answer("NO [OVERQUOTA] full"))).await;
    failed(&refused, Layer::Quota, Phase::Examine);
}

#[tokio::test]
async fn a_message_that_was_just_removed_is_no_outage_and_no_proof_by_reading() {
    let flags = [Read, say("* 1 FETCH (FLAGS (\\Seen))"), Answer("OK done".to_owned())];
    for script in [
        examined(answer("NO [EXPUNGEISSUED] gone")),
        examined(answer("OK done")),
        examined(flags),
    ] {
        let report = plain(script).await;
        assert_eq!((report.failure.as_ref(), verdict(&report)), (None, Verdict::Ok));
        assert_eq!((report.proved, report.goal), (Some(Phase::Examine), Phase::Examine));
        assert!(report.notes[0].contains("removed"), "{:?}", report.notes);
    }
}

#[tokio::test]
async fn a_probe_that_is_dropped_closes_its_connection() {
    let fake = Fake::play([Silent]).await;
    let door = fake.door(Security::Plain);
    let secret = Secret::new("x");
    let prober = Prober::new();
    let probe = prober.probe(&door, Some(&secret), None, Timestamp::now());
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(200), probe)
            .await
            .is_err()
    );
    fake.until_idle().await;
}

#[tokio::test]
async fn names_that_do_not_exist_are_told_from_addresses_that_do_not_answer() {
    let fake = Fake::play([Silent]).await;
    let report = probe(&Door {
        at: Place::tcp("not a name", 143),
        ..fake.door(Security::Plain)
    })
    .await;
    failed(&report, Layer::Name, Phase::Name);
    assert_eq!((report.peer, report.proved), (None, None));
}

#[tokio::test]
async fn an_older_version_is_read_off_the_wire_too() {
    // TLS 1.3 is what the tests against a real Dovecot see.
    let start: Vec<Step> = [say("* OK hi")].into_iter().chain(answer("OK go")).collect();
    for (security, before) in [(Security::Tls, vec![]), (Security::StartTls, start)] {
        let after = [Tls(Some(Protocol::Tlsv12)), say("* BYE that is all")];
        let fake = Fake::play(before.into_iter().chain(after)).await;
        let tls = probe(&fake.door(security)).await.tls.unwrap();
        assert_eq!(tls.version.as_deref(), Some("TLSv1.2"));
        assert_eq!(tls.days_left(Timestamp::now()), Some(30));
    }
}

#[tokio::test]
async fn a_server_that_knows_only_old_protocols_is_tls() {
    let fake = Fake::play([Tls(Some(Protocol::Tlsv11))]).await;
    let report = probe(&fake.door(Security::Tls)).await;
    let f = failed(&report, Layer::Tls, Phase::Tls);
    assert!(f.text.starts_with("no common TLS protocol"), "{}", f.text);
}

#[tokio::test]
async fn a_goodbye_in_the_middle_of_a_login_keeps_its_word() {
    let report = plain([
        say(READY),
        Read,
        say("* BYE [UNAVAILABLE] Internal error occurred. Refer to server log."),
    ])
    .await;
    let f = failed(&report, Layer::Store, Phase::Login);
    assert_eq!(
        f.to_string(),
        "login failed: [UNAVAILABLE] BYE Internal error occurred. Refer to server log."
    );
}

#[tokio::test]
async fn two_hundred_silent_doors_at_once_all_end_in_a_report() {
    let fake = Fake::play([Silent]).await;
    let door = Door {
        timeout: Span::from_millis(500),
        ..fake.door(Security::Tls)
    };
    let prober = Prober::new();
    let secret = Secret::new("x");
    let probes = (0..200).map(|_| prober.probe(&door, Some(&secret), None, Timestamp::now()));
    for report in futures::future::join_all(probes).await {
        failed(&report, Layer::FrontEnd, Phase::Tls);
    }
    fake.until_idle().await;
}
