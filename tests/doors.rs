//! Every door of a real mail service, good and broken in each way: what is broken, and what the probe makes of it. The
//! tables here are the documentation of that.

#![allow(clippy::unwrap_used)] // a test may stop at what it cannot do

mod lab;

use std::process::{Child, Command, Stdio};

use jiff::Timestamp;
use lab::certs::Certificate;
use lab::doors::{House, RCPT};
use lab::dovecot::{PASSWORD, free_port};
use mailtop::domain::Span;
use mailtop::domain::door::{Door, Envelope, Place, Protocol, Secret, Security, Speaks};
use mailtop::domain::health::{Layer, Limits, Phase, ProbeReport, Verdict};
use mailtop::probe::Prober;
use mailtop::reach::Runner;

async fn probe(door: &Door) -> ProbeReport {
    probe_with(door, PASSWORD).await
}
async fn probe_with(door: &Door, password: &str) -> ProbeReport {
    let runner = Runner::local();
    let secret = Secret::new(password);
    Prober::new()
        .probe(door, Some(&secret), Some(&runner), Timestamp::now())
        .await
}
fn phases(report: &ProbeReport) -> Vec<Phase> {
    report.phases.iter().map(|p| p.phase).collect()
}
/// On a machine that does other things too, nothing is slow.
fn verdict(report: &ProbeReport) -> Verdict {
    let limits = Limits {
        slow: Span::from_secs(60),
        ..Limits::default()
    };
    report.verdict(limits, Timestamp::now())
}
/// Where it failed and what that says of the service.
fn outcome(report: &ProbeReport) -> Option<(Layer, Phase, Verdict)> {
    let f = report.failure.as_ref()?;
    Some((f.layer, f.phase, verdict(report)))
}

#[tokio::test]
async fn every_door_is_good_to_its_end_with_each_phase_timed() {
    use Phase::*;
    let Some(house) = House::start() else { return };
    for door in house.doors() {
        let want: &[Phase] = match (door.protocol(), door.security) {
            (Protocol::Smtp, Security::Plain) | (Protocol::Lmtp, _) => &[Name, Tcp, Greeting, Ehlo, Mail, Rcpt],
            (Protocol::Smtp | Protocol::Mx, _) => &[Name, Tcp, Greeting, Ehlo, Tls, Mail, Rcpt],
            (Protocol::Submission, Security::Tls) => &[Name, Tcp, Tls, Greeting, Ehlo, Login, Mail, Rcpt],
            (Protocol::Submission, _) => &[Name, Tcp, Greeting, Ehlo, Tls, Login, Mail, Rcpt],
            (Protocol::Imap, Security::Tls) => &[Name, Tcp, Tls, Greeting, Login, Examine, Fetch],
            (Protocol::Imap, _) => &[Name, Tcp, Greeting, Tls, Login, Examine, Fetch],
            (Protocol::Pop3, Security::Tls) => &[Name, Tcp, Tls, Greeting, Login, Stat],
            (Protocol::Pop3, _) => &[Name, Tcp, Greeting, Tls, Login, Stat],
            (Protocol::Sieve, _) => &[Name, Tcp, Greeting, Tls, Login, Scripts],
        };
        let report = probe(&door).await;
        let url = door.url();
        assert_eq!(
            report.failure,
            None,
            "{url} {:?}\n{}",
            door.security,
            house.dovecot.log()
        );
        assert_eq!(
            (phases(&report).as_slice(), report.plan.as_slice()),
            (want, want),
            "{url}"
        );
        assert!(
            report.phases.iter().all(|p| p.ok && p.took > Span::ZERO),
            "{url}: {report:?}"
        );
        assert_eq!(
            (verdict(&report), report.proved),
            (Verdict::Ok, want.last().copied()),
            "{url}: {report:?}"
        );
        assert!(report.greeting.is_some() && report.peer.is_some());
        let secured = !matches!(door.security, Security::Plain);
        assert_eq!(report.tls.is_some(), secured, "{url}");
    }
    // Nothing was sent: the queue is empty, and the log knows no message.
    assert!(house.postfix.listing().stdout.is_empty());
    assert!(!house.postfix.log().contains("message-id="), "{}", house.postfix.log());
}

#[tokio::test]
async fn lmtp_is_reached_by_its_socket_too_and_one_that_nobody_serves_is_the_front_end() {
    let Some(mut house) = House::start() else { return };
    let door = Door {
        at: Place::Socket(house.dovecot.path("run/lmtp").display().to_string()),
        ..house.door(Protocol::Lmtp, Security::Plain)
    };
    let report = probe(&door).await;
    assert_eq!(report.failure, None);
    assert_eq!(
        phases(&report),
        [Phase::Socket, Phase::Greeting, Phase::Ehlo, Phase::Mail, Phase::Rcpt]
    );
    house.dovecot.stop();
    let gone = probe(&door).await;
    assert_eq!(outcome(&gone), Some((Layer::FrontEnd, Phase::Socket, Verdict::Down)));
    let unreached = Prober::new().probe(&door, None, None, Timestamp::now()).await;
    assert_eq!(
        outcome(&unreached),
        Some((Layer::Network, Phase::Socket, Verdict::Down))
    );
}

#[tokio::test]
async fn without_a_user_or_a_recipient_a_door_is_good_as_far_as_it_was_asked() {
    let Some(house) = House::start() else { return };
    for door in house.doors() {
        let nothing = Envelope::default();
        let short = Door {
            user: None,
            speaks: match door.speaks {
                Speaks::Smtp(_) => Speaks::Smtp(nothing),
                Speaks::Submission(_) => Speaks::Submission(nothing),
                Speaks::Lmtp(_) => Speaks::Lmtp(nothing),
                other => other,
            },
            ..door
        };
        let report = probe(&short).await;
        let goal = match short.protocol() {
            Protocol::Smtp | Protocol::Submission | Protocol::Lmtp => Phase::Ehlo,
            _ => Phase::Greeting,
        };
        assert_eq!(
            (report.failure.as_ref(), report.goal, report.proved),
            (None, goal, Some(goal))
        );
        assert_eq!(verdict(&report), Verdict::Ok, "{}", short.url());
        assert!(report.goal.as_far_as().is_some());
    }
}

#[tokio::test]
async fn a_wrong_password_is_the_account_and_never_the_service() {
    let Some(house) = House::start() else { return };
    for door in house.doors().into_iter().filter(|d| d.user.is_some()) {
        let report = probe_with(&door, "wrong").await;
        assert_eq!(
            outcome(&report),
            Some((Layer::Credential, Phase::Login, Verdict::Warn)),
            "{}: {report:?}",
            door.url()
        );
    }
}

#[tokio::test]
async fn a_service_that_is_stopped_is_the_network() {
    let Some(mut house) = House::start() else { return };
    let doors = house.doors();
    house.dovecot.stop();
    house.postfix.stop();
    for door in doors {
        let report = probe(&door).await;
        let url = door.url();
        assert_eq!(
            outcome(&report),
            Some((Layer::Network, Phase::Tcp, Verdict::Down)),
            "{url}: {report:?}"
        );
    }
}

#[tokio::test]
async fn a_dovecot_that_hangs_is_the_front_end_at_each_of_its_doors() {
    let Some(house) = House::start() else { return };
    house.dovecot.freeze();
    for door in house.doors() {
        if matches!(door.protocol(), Protocol::Smtp | Protocol::Submission) {
            continue;
        }
        let report = probe(&Door {
            timeout: Span::from_millis(700),
            ..door.clone()
        })
        .await;
        let phase = if door.security == Security::Tls {
            Phase::Tls
        } else {
            Phase::Greeting
        };
        assert_eq!(
            outcome(&report),
            Some((Layer::FrontEnd, phase, Verdict::Down)),
            "{}: {report:?}",
            door.url()
        );
    }
    house.dovecot.thaw();
}

#[tokio::test]
async fn a_postfix_that_hangs_is_the_front_end() {
    let Some(house) = House::start() else { return };
    house.postfix.freeze();
    for (protocol, security) in [
        (Protocol::Smtp, Security::May),
        (Protocol::Submission, Security::StartTls),
        (Protocol::Submission, Security::Tls),
    ] {
        let report = probe(&Door {
            timeout: Span::from_millis(700),
            ..house.door(protocol, security)
        })
        .await;
        let phase = if security == Security::Tls {
            Phase::Tls
        } else {
            Phase::Greeting
        };
        assert_eq!(
            outcome(&report),
            Some((Layer::FrontEnd, phase, Verdict::Down)),
            "{protocol}: {report:?}"
        );
    }
    house.postfix.thaw();
}

#[tokio::test]
async fn an_expired_certificate_is_tls_and_between_servers_only_a_warning() {
    let Some(house) = House::start_with(Certificate::Expired) else {
        return;
    };
    for door in house.doors().into_iter().filter(|d| d.security != Security::Plain) {
        let report = probe(&door).await;
        let url = door.url();
        if door.security == Security::May {
            assert_eq!(
                (report.failure.as_ref(), report.proved),
                (None, Some(Phase::Rcpt)),
                "{url}"
            );
            assert_eq!((report.aside[0].layer, report.aside[0].phase), (Layer::Tls, Phase::Tls));
            assert!(report.aside[0].text.contains("expired"));
            assert_eq!(verdict(&report), Verdict::Warn);
        } else {
            assert_eq!(
                outcome(&report),
                Some((Layer::Tls, Phase::Tls, Verdict::Down)),
                "{url}: {report:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_authentication_that_is_gone_is_told_from_a_wrong_password_at_each_door() {
    let Some(house) = House::start() else { return };
    // Postfix asks Dovecot by a socket of its own.
    std::fs::remove_file(house.dovecot.path("run/sasl")).unwrap();
    for security in [Security::StartTls, Security::Tls] {
        let report = probe(&house.door(Protocol::Submission, security)).await;
        let (layer, _, verdict) = outcome(&report).unwrap();
        assert_eq!((layer, verdict), (Layer::FrontEnd, Verdict::Down), "{report:?}");
        let hint = report.failure.clone().unwrap().hint.unwrap();
        assert!(hint.contains("SASL socket"), "{report:?}");
    }
    // Mail between servers does not need it.
    assert_eq!(probe(&house.door(Protocol::Smtp, Security::May)).await.failure, None);
    house.dovecot.freeze_auth();
    for (protocol, security) in [(Protocol::Pop3, Security::Tls), (Protocol::Sieve, Security::StartTls)] {
        let report = probe(&house.door(protocol, security)).await;
        let (layer, _, verdict) = outcome(&report).unwrap();
        assert!(matches!(layer, Layer::Auth | Layer::FrontEnd), "{protocol}: {report:?}");
        assert_eq!(verdict, Verdict::Down);
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_the_store_and_delivery_does_not_say_so() {
    let Some(house) = House::start() else { return };
    house.dovecot.lock_mail();
    for (protocol, phase) in [(Protocol::Imap, Phase::Examine), (Protocol::Pop3, Phase::Stat)] {
        let report = probe(&house.door(protocol, Security::Tls)).await;
        assert_eq!(
            outcome(&report),
            Some((Layer::Store, phase, Verdict::Down)),
            "{protocol}: {report:?}"
        );
    }
}

#[tokio::test]
async fn a_recipient_that_is_refused_is_the_probes_own_and_a_lookup_that_fails_is_delivery() {
    let Some(house) = House::start() else { return };
    let smtp = house.door(Protocol::Smtp, Security::Plain);
    for (setting, want) in [
        // Nobody of that name.
        (
            "smtpd_recipient_restrictions=check_recipient_access static:{550 5.1.1 User unknown},reject",
            (Layer::Credential, Phase::Rcpt, Verdict::Warn),
        ),
        // Not a domain of theirs.
        (
            "smtpd_recipient_restrictions=reject_unauth_destination",
            (Layer::Credential, Phase::Rcpt, Verdict::Warn),
        ),
        // The table that it looks in is not there.
        (
            "smtpd_recipient_restrictions=check_recipient_access hash:/nowhere/at-all,permit",
            (Layer::Delivery, Phase::Rcpt, Verdict::Down),
        ),
        // Nor the service that it asks.
        (
            "smtpd_recipient_restrictions=check_policy_service unix:private/nobody,permit",
            (Layer::Delivery, Phase::Rcpt, Verdict::Down),
        ),
        // No room.
        (
            "queue_minfree=999999999999999",
            (Layer::Store, Phase::Mail, Verdict::Down),
        ),
        // An smtpd that finds its own settings impossible ends at once, and the master starts no other for a minute.
        (
            "smtpd_relay_restrictions=permit",
            (Layer::FrontEnd, Phase::Greeting, Verdict::Down),
        ),
    ] {
        house
            .postfix
            .set(&["smtpd_recipient_restrictions=permit", "queue_minfree=0", setting]);
        let report = probe(&smtp).await;
        assert_eq!(outcome(&report), Some(want), "{setting}: {report:?}");
    }
}

#[tokio::test]
async fn a_limit_on_connections_is_a_limit() {
    let Some(house) = House::start() else { return };
    house.postfix.set(&[
        "smtpd_client_connection_rate_limit=1",
        "smtpd_client_event_limit_exceptions=",
    ]);
    let smtp = house.door(Protocol::Smtp, Security::Plain);
    let mut last = probe(&smtp).await;
    // The first ones may still be counted to the time before.
    for _ in 0..5 {
        if last.failure.is_some() {
            break;
        }
        last = probe(&smtp).await;
    }
    assert_eq!(
        outcome(&last),
        Some((Layer::Limit, Phase::Greeting, Verdict::Warn)),
        "{last:?}"
    );
    assert!(last.failure.unwrap().code.unwrap().starts_with("421"));
}

#[tokio::test]
async fn greylisting_is_a_limit_and_the_recipient_is_taken_the_next_time() {
    let Some(house) = House::start() else { return };
    let port = free_port();
    let _postgrey = Postgrey::start(port, &house.dovecot.path("grey"));
    house.postfix.set(&[&format!(
        "smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:{port},permit"
    )]);
    let smtp = house.door(Protocol::Smtp, Security::May);
    let first = probe(&smtp).await;
    assert_eq!(
        outcome(&first),
        Some((Layer::Limit, Phase::Rcpt, Verdict::Warn)),
        "{first:?}"
    );
    let failure = first.failure.unwrap();
    assert!(failure.text.contains("Greylisted"), "{failure:?}");
    assert!(failure.hint.unwrap().contains("greylisting"));
    // Its delay is a second: the same probe is no stranger any more.
    house.postfix.wait_for("the recipient to be taken", || {
        let door = smtp.clone();
        let again = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(probe(&door))
        });
        again.join().unwrap().failure.is_none()
    });
}

#[tokio::test]
async fn postscreens_pause_is_no_slowness_and_its_tests_are_a_limit() {
    let Some(house) = House::start() else { return };
    let port = free_port();
    house.postfix.set(&[
        "postscreen_access_list=",
        "postscreen_greet_wait=2s",
        "postscreen_greet_action=enforce",
        "postscreen_cache_map=",
        "postscreen_greet_banner=$smtpd_banner",
    ]);
    house.postfix.add_services(&format!(
        "127.0.0.1:{port} inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\ndnsblog unix - - n - 0 dnsblog\n\
         tlsproxy unix - - n - 0 tlsproxy\n"
    ));
    house.postfix.wait_for("postscreen to listen", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    let door = house.at(Protocol::Smtp, Security::May, port);
    let report = probe(&door).await;
    assert_eq!(
        (outcome(&report), report.proved),
        (None, Some(Phase::Rcpt)),
        "{report:?}"
    );
    assert!(report.held_back > Span::from_millis(1_500), "{report:?}");
    assert!(report.notes.iter().any(|n| n.contains("paused")), "{report:?}");
    assert_eq!(verdict(&report), Verdict::Ok);

    // Its tests of the dialogue end with 450 for all who come for the first time.
    house.postfix.set(&[
        "postscreen_bare_newline_enable=yes",
        "postscreen_bare_newline_action=enforce",
    ]);
    let tested = probe(&door).await;
    assert_eq!(
        outcome(&tested),
        Some((Layer::Limit, Phase::Rcpt, Verdict::Warn)),
        "{tested:?}"
    );
}

#[tokio::test]
async fn a_user_that_dovecot_does_not_know_is_the_probes_own_at_lmtp() {
    let Some(house) = House::start() else { return };
    let door = Door {
        speaks: Speaks::Lmtp(Envelope {
            to: Some("nobody at all@lab.test".replace(' ', "-")),
            ..Envelope::default()
        }),
        ..house.door(Protocol::Lmtp, Security::Plain)
    };
    // The lab's user database knows everybody, so this one is taken; that is what the answer to RCPT proves.
    assert_eq!(probe(&door).await.failure, None);
    house.dovecot.freeze_auth();
    let report = probe(&Door {
        timeout: Span::from_secs(1),
        ..house.door(Protocol::Lmtp, Security::Plain)
    })
    .await;
    let (layer, phase, verdict) = outcome(&report).unwrap();
    assert_eq!((phase, verdict), (Phase::Rcpt, Verdict::Down), "{report:?}");
    assert!(matches!(layer, Layer::Auth | Layer::Delivery), "{report:?}");
    assert!(RCPT.contains('@'));
}

/// Debian's postgrey, a policy service that greylists.
struct Postgrey(Child);

impl Postgrey {
    fn start(port: u16, dir: &std::path::Path) -> Self {
        std::fs::create_dir(dir).unwrap();
        let owned = Command::new("chown").arg("postgrey").arg(dir).status().unwrap();
        assert!(owned.success());
        let child = Command::new("/usr/sbin/postgrey")
            .args([&format!("--inet=127.0.0.1:{port}"), "--delay=1"])
            .arg(format!("--dbdir={}", dir.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let it = Self(child);
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return it;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("postgrey does not listen");
    }
}

impl Drop for Postgrey {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
