//! A service of a real Dovecot as a job: kept from starting, seen to be so by what asks for it, opened again by anybody's
//! reload. Needs root and Debian's `dovecot-imapd`; elsewhere it says what it left out.

#![allow(clippy::unwrap_used)] // Not every function of a test program is a test.
#![allow(dead_code)] // The lab serves other tests too.

#[path = "lab/mod.rs"]
mod lab;

use std::os::unix::process::CommandExt;
use std::process::Command;

use jiff::Timestamp;
use lab::dovecot::{Dovecot, Options, USER};
use mailtop::domain::action::{ActionId, Choices, Truth, Verb};
use mailtop::domain::job::{DovecotService, JobKind, JobSpec, State};
use mailtop::domain::queue::Sudo;
use mailtop::domain::reading::Miss;
use mailtop::domain::{Name, Span};
use mailtop::jobs::{self, Planned, Wanted};
use mailtop::reach::Runner;

fn spec(dovecot: &Dovecot, service: &str) -> JobSpec {
    JobSpec {
        name: "indexer".into(),
        kind: JobKind::Dovecot(DovecotService {
            service: service.into(),
            config_file: Some(dovecot.path("dovecot.conf").display().to_string()),
            sudo: Sudo::No,
        }),
        timeout: Span::from_secs(20),
    }
}

async fn plan(spec: &JobSpec, verb: Verb) -> Planned {
    let wanted = Wanted {
        id: ActionId(Name::new(&format!("a{}", Timestamp::now().as_microsecond()))),
        verb,
        server: "mbox1".into(),
        // The watcher that ends it waits on this machine: not for long, should the test fail.
        lasts: (verb == Verb::Pause).then_some(Span::from_mins(2)),
        choices: Choices::default(),
        armed_for: None,
        pause_ran: vec![],
        by: "ops@here".into(),
    };
    jobs::plan(spec, &Runner::local(), wanted, Timestamp::now())
        .await
        .unwrap()
}

async fn done(spec: &JobSpec, verb: Verb) -> Truth {
    let planned = plan(spec, verb).await;
    let ran = jobs::act(&planned, &Runner::local()).await;
    assert_eq!(ran.failed, None, "{planned:?}");
    jobs::read_back_planned(&planned, spec, &Runner::local(), Timestamp::now).await
}

fn doveadm(dovecot: &Dovecot, words: &[&str]) -> std::process::Output {
    Command::new("doveadm")
        .arg("-c")
        .arg(dovecot.path("dovecot.conf"))
        .args(words)
        .output()
        .unwrap()
}

/// Asks the indexer to index a mailbox (`-q`: to queue it, which is the server's part).
fn indexes(dovecot: &Dovecot) -> bool {
    doveadm(dovecot, &["index", "-q", "-u", USER, "INBOX"]).status.success()
}

#[tokio::test]
async fn a_stopped_service_is_paused_until_somebody_reloads() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let spec = spec(&dovecot, "indexer");
    assert!(indexes(&dovecot));
    let read = async || jobs::read(&spec, &Runner::local(), Timestamp::now()).await.unwrap();
    assert_eq!(read().await.state, State::Running, "{:?}", read().await);

    let planned = plan(&spec, Verb::Pause).await;
    let said = format!("{:?}", planned.plan);
    assert!(
        said.contains("service stop indexer") && said.contains("opens it again"),
        "{said}"
    );
    assert!(matches!(done(&spec, Verb::Pause).await, Truth::Confirmed { .. }));
    assert!(!indexes(&dovecot), "what is stopped takes nothing");
    assert!(read().await.beware[0].contains("reload"));

    // Another person.
    assert!(doveadm(&dovecot, &["reload"]).status.success());
    let begun = std::time::Instant::now();
    while read().await.state == State::Paused {
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(20),
            "the drift is not seen"
        );
    }
    assert!(indexes(&dovecot));

    assert!(matches!(done(&spec, Verb::Pause).await, Truth::Confirmed { .. }));
    assert_eq!(read().await.armed.len(), 1);
    assert!(matches!(done(&spec, Verb::Resume).await, Truth::Confirmed { .. }));
    assert!(indexes(&dovecot));
    assert_eq!(read().await.armed, [], "resuming early takes the armed end away");
    let wanted = Wanted {
        id: ActionId(Name::new("a2")),
        verb: Verb::Resume,
        server: "mbox1".into(),
        lasts: None,
        choices: Choices::default(),
        armed_for: None,
        pause_ran: vec![],
        by: "ops@here".into(),
    };
    let missed = jobs::plan(&spec, &Runner::local(), wanted, Timestamp::now())
        .await
        .unwrap_err();
    assert!(missed.why.contains("not stopped"), "{missed}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_a_miss_with_what_to_do() {
    let Some(mut dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let ask = async |spec: &JobSpec| jobs::read(spec, &Runner::local(), Timestamp::now()).await.unwrap_err();
    let missed = ask(&spec(&dovecot, "nosuch")).await;
    assert_eq!(missed.kind, Miss::NotFound, "{missed}");

    // As another user sees it.
    let conf = dovecot.path("dovecot.conf");
    let out = Command::new("doveadm")
        .arg("-c")
        .arg(&conf)
        .args(["service", "status", "indexer"])
        .uid(65_534)
        .gid(65_534)
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&out.stderr).contains("Permission denied"),
        "{out:?}"
    );

    dovecot.stop();
    let missed = ask(&spec(&dovecot, "indexer")).await;
    assert_eq!(missed.kind, Miss::BadAnswer, "{missed}");
    assert!(missed.fix.as_ref().is_some_and(|f| f.contains("running")), "{missed}");
}
