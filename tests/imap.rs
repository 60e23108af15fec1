//! The IMAP probe against a real Dovecot: each way in which it can break, and what the probe says then.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod lab;

use jiff::Timestamp;
use lab::certs::Certificate;
use lab::dovecot::{Dovecot, Options, PASSWORD};
use mailtop::domain::door::{Door, Mechanism, Place, Secret, Speaks};
use mailtop::domain::health::{Layer, Limits, Phase, ProbeReport, Verdict};
use mailtop::probe::Prober;

async fn probe_with(door: &Door, password: &str) -> ProbeReport {
    let (door, secret) = (door.clone(), Secret::new(password));
    // On another task, as the engine does it.
    let probe = async move { Prober::new().probe(&door, Some(&secret), None, Timestamp::now()).await };
    tokio::spawn(probe).await.unwrap()
}
async fn probe(door: &Door) -> ProbeReport {
    probe_with(door, PASSWORD).await
}
fn phases(report: &ProbeReport) -> Vec<Phase> {
    report.phases.iter().map(|p| p.phase).collect()
}
fn verdict(report: &ProbeReport) -> Verdict {
    report.verdict(Limits::default(), Timestamp::now())
}
/// Fails unless the probe failed at this layer, in this phase, with all phases before it held; gives the words.
fn failed(report: &ProbeReport, layer: Layer, phase: Phase) -> String {
    let f = report
        .failure
        .as_ref()
        .unwrap_or_else(|| panic!("nothing failed: {report:#?}"));
    assert_eq!((f.layer, f.phase), (layer, phase), "{report:#?}");
    let (last, before) = report.phases.split_last().unwrap();
    assert_eq!((last.phase, last.ok), (phase, false), "{report:#?}");
    assert!(
        before.iter().all(|p| p.ok && (p.phase == Name || p.took.micros() > 0)),
        "{report:#?}"
    );
    f.text.to_string()
}

use Phase::{Examine, Fetch, Greeting, Login, Name, Tcp, Tls};

#[tokio::test]
async fn a_healthy_server_holds_in_every_phase() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let report = probe(&dovecot.door()).await;
    assert_eq!(report.failure, None);
    assert_eq!(phases(&report), [Name, Tcp, Tls, Greeting, Login, Examine, Fetch]);
    assert!(report.phases.iter().all(|p| p.ok));
    assert!(
        report.phases.iter().skip(1).all(|p| p.took.micros() > 0),
        "{:?}",
        report.phases
    );
    assert_eq!((report.proved, report.goal), (Some(Fetch), Fetch));
    assert_eq!(verdict(&report), Verdict::Ok, "{report:#?}");
    let tls = report.tls.unwrap();
    assert_eq!(tls.version.as_deref(), Some("TLSv1.3"));
    assert_eq!(tls.days_left(Timestamp::now()), Some(30));
    assert_eq!(
        report.peer.as_deref(),
        Some(format!("127.0.0.1:{}", dovecot.imaps).as_str())
    );
    assert!(report.greeting.unwrap().contains("ready"));
    // Every step ended in good order on the server's side too, with nothing changed and nothing asked twice.
    assert!(!dovecot.log().contains("Error"), "{}", dovecot.log());
}

#[tokio::test]
async fn starttls_holds_too_with_the_handshake_after_the_greeting() {
    let Some(dovecot) = Dovecot::start(&Options {
        extra: "ssl_min_protocol = TLSv1.2\nssl_cipher_list = ECDHE+AESGCM",
        ..Options::default()
    }) else {
        return;
    };
    let report = probe(&dovecot.starttls_door()).await;
    assert_eq!(report.failure, None);
    assert_eq!(phases(&report), [Name, Tcp, Greeting, Tls, Login, Examine, Fetch]);
    assert_eq!(report.tls.as_ref().unwrap().version.as_deref(), Some("TLSv1.3"));
    assert_eq!(verdict(&report), Verdict::Ok);
}

#[tokio::test]
async fn authenticate_plain_and_a_name_with_two_families_hold() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let door = Door {
        mechanism: Mechanism::Plain,
        at: Place::tcp("localhost", dovecot.imaps),
        ..dovecot.door()
    };
    let report = probe(&door).await;
    // Dovecot listens on 127.0.0.1 only: ::1 is refused and passed over.
    assert_eq!((report.failure, report.proved), (None, Some(Fetch)));
    assert!(report.peer.unwrap().starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn a_token_is_accepted_and_refused_over_both_mechanisms() {
    let extra = "auth_mechanisms = plain xoauth2 oauthbearer";
    let Some(dovecot) = Dovecot::start(&Options {
        extra,
        ..Options::default()
    }) else {
        return;
    };
    for mechanism in [Mechanism::XOauth2, Mechanism::OauthBearer] {
        let door = Door {
            mechanism,
            ..dovecot.door()
        };
        let report = probe_with(&door, PASSWORD).await;
        assert_eq!((report.failure, report.proved), (None, Some(Fetch)), "{mechanism:?}");
        let report = probe_with(&door, "stale-token").await;
        failed(&report, Layer::Credential, Login);
        assert_eq!(verdict(&report), Verdict::Warn);
    }
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_named_and_nothing_is_sent() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let report = probe(&Door {
        mechanism: Mechanism::XOauth2,
        ..dovecot.door()
    })
    .await;
    assert_eq!(
        failed(&report, Layer::Credential, Login),
        "the server does not offer XOAUTH2; it offers PLAIN"
    );
}

#[tokio::test]
async fn without_a_user_it_ends_after_the_greeting_and_says_so() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    for door in [dovecot.door(), dovecot.starttls_door()] {
        let door = Door { user: None, ..door };
        let report = Prober::new().probe(&door, None, None, Timestamp::now()).await;
        assert_eq!(report.failure, None);
        assert_eq!((report.proved, report.goal), (Some(Greeting), Greeting));
        assert_eq!(verdict(&report), Verdict::Ok);
        assert_eq!(report.notes, ["login not tried: no user given".into()]);
        assert!(report.tls.is_some());
    }
}

#[tokio::test]
async fn a_user_without_a_secret_is_not_tried_and_not_called_ok() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let report = Prober::new().probe(&dovecot.door(), None, None, Timestamp::now()).await;
    assert_eq!((report.failure.as_ref(), report.proved), (None, Some(Greeting)));
    assert_eq!(verdict(&report), Verdict::Unknown);
}

#[tokio::test]
async fn an_empty_mailbox_is_proved_by_examine_alone() {
    let Some(dovecot) = Dovecot::start(&Options {
        messages: 0,
        ..Options::default()
    }) else {
        return;
    };
    let report = probe(&dovecot.door()).await;
    assert_eq!(
        (report.failure.as_ref(), report.proved, report.goal),
        (None, Some(Examine), Examine)
    );
    assert_eq!(verdict(&report), Verdict::Ok);
    assert_eq!(
        report.notes,
        ["mailbox empty: the store is proved by EXAMINE alone".into()]
    );
}

#[tokio::test]
async fn a_wrong_password_is_the_accounts_trouble_and_a_warning() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let report = probe_with(&dovecot.door(), "wrong").await;
    assert_eq!(failed(&report, Layer::Credential, Login), "Authentication failed.");
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.code.as_deref(), Some("AUTHENTICATIONFAILED"));
    assert!(failure.hint.as_ref().unwrap().contains("the server is alive"));
    assert_eq!(verdict(&report), Verdict::Warn);
}

#[tokio::test]
async fn an_authentication_backend_that_is_broken_is_auth() {
    let passdb = "driver = checkpassword\n  args = /nonexistent/checkpassword";
    let Some(dovecot) = Dovecot::start(&Options {
        passdb,
        ..Options::default()
    }) else {
        return;
    };
    let report = probe(&dovecot.door()).await;
    failed(&report, Layer::Auth, Login);
    assert_eq!(report.failure.as_ref().unwrap().code.as_deref(), Some("UNAVAILABLE"));
    assert_eq!(verdict(&report), Verdict::Down);
}

#[tokio::test]
async fn an_auth_socket_that_is_gone_is_auth_in_the_servers_own_words() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    dovecot.remove_auth_socket();
    let report = probe(&dovecot.door()).await;
    let words = failed(&report, Layer::Auth, Greeting);
    assert!(
        words.starts_with("Waiting for authentication process to respond"),
        "{words}"
    );
    assert_eq!(verdict(&report), Verdict::Down);
}

#[tokio::test]
async fn the_master_auth_socket_gone_is_auth_too() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    std::fs::remove_file(dovecot.path("run/auth-master")).unwrap();
    let report = probe(&dovecot.door()).await;
    failed(&report, Layer::Auth, Login);
    assert_eq!(verdict(&report), Verdict::Down);
}

#[tokio::test]
async fn an_authentication_process_that_hangs_is_auth() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    assert_eq!(probe(&dovecot.door()).await.failure, None);
    dovecot.freeze_auth();
    let report = probe(&dovecot.door()).await;
    failed(&report, Layer::Auth, Greeting);
}

#[tokio::test]
async fn unreadable_mail_is_the_store() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    dovecot.lock_mail();
    let report = probe(&dovecot.door()).await;
    let words = failed(&report, Layer::Store, Examine);
    assert!(words.starts_with("Internal error occurred."), "{words}");
    assert_eq!(report.failure.as_ref().unwrap().code.as_deref(), Some("SERVERBUG"));
    assert_eq!(verdict(&report), Verdict::Down);
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_no_outage() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let report = probe(&Door {
        speaks: Speaks::Imap {
            mailbox: "Späm".to_owned(),
        },
        ..dovecot.door()
    })
    .await;
    let words = failed(&report, Layer::Credential, Examine);
    assert!(
        words.contains("Mailbox doesn't exist: Späm") || words.contains("Sp&AOQ-m"),
        "{words}"
    );
}

#[tokio::test]
async fn too_many_connections_are_a_limit() {
    let Some(dovecot) = Dovecot::start(&Options {
        extra: "mail_max_userip_connections = 1",
        ..Options::default()
    }) else {
        return;
    };
    let door = dovecot.door();
    let prober = Prober::new();
    let secret = Secret::new(PASSWORD);
    let now = Timestamp::now();
    // Somebody else keeps the one connection that is allowed.
    let mut held = lab::dovecot::logged_in(&dovecot).await;
    let report = prober.probe(&door, Some(&secret), None, now).await;
    failed(&report, Layer::Limit, Login);
    assert_eq!(verdict(&report), Verdict::Warn);
    held.close().await;
}

#[tokio::test]
async fn a_stopped_server_is_the_network_and_works_again_after_a_start() {
    let Some(mut dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    dovecot.stop();
    let report = probe(&dovecot.door()).await;
    let words = failed(&report, Layer::Network, Tcp);
    assert_eq!(words, format!("127.0.0.1:{} connection refused", dovecot.imaps));
    assert_eq!(verdict(&report), Verdict::Down);
}

#[tokio::test]
async fn a_frozen_server_is_the_front_end_within_the_time_out_and_works_again_when_thawed() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    dovecot.freeze();
    let door = Door {
        timeout: mailtop::domain::Span::from_millis(700),
        ..dovecot.door()
    };
    let report = probe(&door).await;
    failed(&report, Layer::FrontEnd, Tls);
    assert_eq!(phases(&report), [Name, Tcp, Tls]);
    assert_eq!(verdict(&report), Verdict::Down);
    let plain = probe(&Door {
        timeout: door.timeout,
        ..dovecot.starttls_door()
    })
    .await;
    failed(&plain, Layer::FrontEnd, Greeting);
    dovecot.thaw();
    assert_eq!(probe(&dovecot.door()).await.failure, None);
}

#[tokio::test]
async fn each_fault_of_a_certificate_is_tls_in_words_of_its_own() {
    for (certificate, words) in [
        (Certificate::Expired, "the certificate has expired"),
        (Certificate::NotYetValid, "the certificate is not valid yet"),
        (Certificate::WrongName, "the certificate is not for 127.0.0.1"),
    ] {
        let Some(dovecot) = Dovecot::start(&Options {
            certificate,
            ..Options::default()
        }) else {
            return;
        };
        let report = probe(&dovecot.door()).await;
        assert_eq!(failed(&report, Layer::Tls, Tls), words);
        assert_eq!(verdict(&report), Verdict::Down);
        let report = probe(&Door {
            at: Place::tcp("localhost", dovecot.imap),
            ..dovecot.starttls_door()
        })
        .await;
        assert_eq!(
            failed(&report, Layer::Tls, Tls),
            words.replace("127.0.0.1", "localhost")
        );
    }
}

#[tokio::test]
async fn a_certificate_that_ends_soon_works_and_warns() {
    let Some(dovecot) = Dovecot::start(&Options {
        certificate: Certificate::EndsSoon,
        ..Options::default()
    }) else {
        return;
    };
    let report = probe(&dovecot.door()).await;
    assert_eq!((report.failure.as_ref(), report.proved), (None, Some(Fetch)));
    assert_eq!(report.tls.as_ref().unwrap().days_left(Timestamp::now()), Some(3));
    assert_eq!(verdict(&report), Verdict::Warn);
}

#[tokio::test]
async fn an_issuer_that_is_not_trusted_and_a_bundle_that_cannot_be_read_are_tls() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let report = probe(&Door {
        ca_file: None,
        ..dovecot.door()
    })
    .await;
    assert!(failed(&report, Layer::Tls, Tls).starts_with("the certificate's issuer is not trusted"));
    let report = probe(&Door {
        ca_file: Some(dovecot.path("nothing.pem")),
        ..dovecot.door()
    })
    .await;
    assert!(failed(&report, Layer::Tls, Tls).ends_with("nothing.pem: no such file or directory"));
}

#[tokio::test]
async fn a_new_ca_bundle_under_the_same_name_is_read_again() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let (right, other) = (dovecot.path("ca.pem"), dovecot.path("other.pem"));
    std::fs::write(&other, lab::certs::Certs::new(Certificate::Good).ca).unwrap();
    let door = Door {
        ca_file: Some(other.clone()),
        ..dovecot.door()
    };
    let prober = Prober::new();
    let secret = Secret::new(PASSWORD);
    let report = prober.probe(&door, Some(&secret), None, Timestamp::now()).await;
    failed(&report, Layer::Tls, Tls);
    let pem = [std::fs::read(right).unwrap(), b"\n# renewed\n".to_vec()].concat();
    std::fs::write(&other, pem).unwrap();
    assert_eq!(
        prober.probe(&door, Some(&secret), None, Timestamp::now()).await.failure,
        None
    );
}
