//! Reads the queue of a real Postfix. Needs root and Debian's `postfix`; elsewhere it says what it left out.
#![allow(clippy::expect_used)] // A failure here ends the run, with its words.

#[path = "lab/postfix.rs"]
mod lab;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use lab::{Postfix, missing};
use mailtop::domain::argv::Argv;
use mailtop::domain::flow::{FlowCounts, FlowSeen};
use mailtop::domain::health::{Limits, Verdict};
use mailtop::domain::horizon::QueueRules;
use mailtop::domain::message::{Pick, PickBy};
use mailtop::domain::queue::{How, LogSource, QueueKind, QueueSnapshot, QueueSource, Sudo, SystemState};
use mailtop::domain::reading::Miss;
use mailtop::domain::{Span, Timestamp};
use mailtop::queue::{self, Census};
use mailtop::reach::Runner;

const TIMEOUT: Span = Span::from_secs(60);

/// The lab, or the word that it was left out: which is a failure where everything must run.
fn lab() -> Option<Postfix> {
    let Some(why) = missing() else {
        return Some(Postfix::start());
    };
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "nothing may be left out with CI=true: {why}"
    );
    eprintln!("left out: {why}");
    None
}

fn source(postfix: &Postfix) -> QueueSource {
    QueueSource {
        name: "lab".into(),
        kind: QueueKind::Postfix,
        config_dir: Some(postfix.conf().display().to_string()),
        list: None,
        count: None,
        sudo: Sudo::No,
        log: LogSource::Auto,
        lifetime: None,
        budget_permille: 20,
    }
}

/// A listing with what happened since the one before.
async fn next(src: &QueueSource, census: &mut Census) -> Option<FlowSeen> {
    queue::list(src, &Runner::Local, Some(census), Timestamp::now(), TIMEOUT)
        .await
        .expect("a listing")
        .flow
}

fn superuser(postfix: &Postfix, verb: &str, ids: &[String]) {
    for id in ids {
        let done = postfix.command("postsuper").args([verb, id]).status();
        assert!(done.expect("postsuper").success(), "{verb} {id}");
    }
}

async fn list(src: &QueueSource) -> QueueSnapshot {
    queue::list(src, &Runner::Local, None, Timestamp::now(), TIMEOUT)
        .await
        .expect("a listing")
        .snapshot
}

/// The distinct queue IDs that postqueue prints, told by another reader than ours.
fn ids(postfix: &Postfix) -> BTreeSet<String> {
    let text = postfix.listing().stdout;
    text.split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| {
            serde_json::from_slice::<serde_json::Value>(l).expect("JSON")["queue_id"]
                .as_str()
                .expect("an id")
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn depth_destinations_and_reasons_of_a_real_queue_are_told_as_they_are() {
    let Some(postfix) = lab() else { return };
    let src = source(&postfix);
    let empty = list(&src).await;
    let count = queue::count(&src, &Runner::Local, TIMEOUT).await.expect("a count");
    assert_eq!(
        (empty.system, count.system),
        (SystemState::Unknown, SystemState::Unknown)
    );
    assert_eq!(empty.verdict(Limits::default()), Verdict::Ok);
    assert_eq!(
        (empty.said.as_deref(), count.verdict(Limits::default())),
        (None, Verdict::Ok)
    );
    assert_eq!((empty.depth.total(), empty.complete()), (0, true));
    assert_eq!(
        queue::count(&src, &Runner::Local, TIMEOUT)
            .await
            .expect("a count")
            .depth
            .total(),
        0
    );

    postfix.fill(1_500, "a@x.test", "u1@far.test");
    postfix.fill(500, "b@x.test", "u2@Near.Test");
    // While it moves, a message may be listed twice, and must not be counted twice.
    assert!(list(&src).await.depth.total() <= 2_000);
    postfix.settled(2_000);

    let s = list(&src).await;
    assert_eq!(s.depth.total(), ids(&postfix).len() as u64);
    assert_eq!(
        (s.how, s.depth.total(), s.depth.deferred, s.skipped_lines),
        (How::Listed, 2_000, 2_000, 0)
    );
    assert!(s.complete() && s.took > Span::ZERO && s.next_listing.expect("a pace") > s.took);
    let l = s.listing.expect("detail");
    let destinations: Vec<_> = l.destinations.iter().map(|d| (&*d.domain, d.messages)).collect();
    assert_eq!(destinations, [("far.test", 1_500), ("near.test", 500)]);
    assert_eq!(l.ages.iter().sum::<u64>(), 2_000);
    assert_eq!(l.ages[0], 2_000);
    // Two at most: with and without "delivery temporarily suspended".
    assert!((1..=2).contains(&l.reasons.len()), "{:?}", l.reasons);
    assert!(
        l.reasons
            .iter()
            .all(|r| r.reason.ends_with("connect to …[…]: Connection refused")),
        "{:?}",
        l.reasons
    );
    assert_eq!(l.reasons.iter().map(|r| r.messages).sum::<u64>(), 2_000);
    let senders: Vec<_> = l.senders.iter().map(|s| (&*s.sender, s.messages)).collect();
    assert_eq!(senders, [("a@x.test", 1_500), ("b@x.test", 500)]);
    assert!(l.bytes > 2_000 * 100);

    let counted = queue::count(&src, &Runner::Local, TIMEOUT).await.expect("a count");
    assert_eq!(
        (counted.how, counted.depth, counted.complete()),
        (How::Counted, s.depth, true)
    );

    // Holding is done by the queue's owner, and read back by us.
    let some: Vec<String> = ids(&postfix).into_iter().take(7).collect();
    superuser(&postfix, "-h", &some);
    let held = list(&src).await;
    assert_eq!((held.depth.hold, held.depth.deferred), (7, 1_993));
    let by: BTreeMap<String, u64> = held
        .listing
        .expect("detail")
        .by_queue
        .iter()
        .map(|(q, n)| (q.to_string(), *n))
        .collect();
    assert_eq!(
        by,
        BTreeMap::from([("deferred".to_owned(), 1_993), ("hold".to_owned(), 7)])
    );
    let counted = queue::count(&src, &Runner::Local, TIMEOUT).await.expect("a count");
    assert_eq!(counted.depth, held.depth);

    // A stopped Postfix still has its queue: root reads it all the same, and nothing is called empty.
    postfix.stop();
    // Its showq may outlive the master for a moment, and is cut off while it answers.
    postfix.wait_for("its showq to be gone", || {
        String::from_utf8_lossy(&postfix.listing().stderr).contains("Mail system is down")
    });
    let stopped = list(&src).await;
    assert_eq!(stopped.depth, held.depth);
    let counted = queue::count(&src, &Runner::Local, TIMEOUT).await.expect("a count");
    assert_eq!(counted.depth, held.depth);
    // And it is called down by both, however short the queue is.
    let said = stopped.said.as_deref().unwrap_or_default();
    assert!(said.contains("Mail system is down"), "{said}");
    for s in [stopped, counted] {
        assert_eq!(
            (s.system, s.verdict(Limits::default()), s.complete()),
            (SystemState::Stopped, Verdict::Down, true),
            "{:?}",
            s.how
        );
    }
}

#[tokio::test]
async fn who_came_who_left_and_who_was_held_released_or_expired_is_told_between_listings() {
    let Some(postfix) = lab() else { return };
    let src = source(&postfix);
    let mut census = Census::default();
    postfix.fill(30, "a@x.test", "u1@far.test");
    postfix.settled(30);
    assert_eq!(next(&src, &mut census).await, None);

    let all: Vec<String> = ids(&postfix).into_iter().collect();
    superuser(&postfix, "-h", &all[..5]);
    superuser(&postfix, "-d", &all[5..12]);
    postfix.fill(11, "b@x.test", "u2@near.test");
    postfix.settled(34);
    let flow = next(&src, &mut census).await.expect("a flow");
    let want = FlowCounts {
        arrived: 11,
        unexplained: 7,
        held: 5,
        ..FlowCounts::default()
    };
    assert_eq!(flow.counts, want);

    // What an operator expires leaves at the next try, and comes back to its sender as a bounce.
    superuser(&postfix, "-H", &all[..2]);
    superuser(&postfix, "-e", &all[12..15]);
    let flow = next(&src, &mut census).await.expect("a flow");
    assert_eq!((flow.counts.released, flow.counts.net()), (2, 0));
    assert!(
        postfix
            .command("postqueue")
            .arg("-f")
            .status()
            .expect("postqueue")
            .success()
    );
    postfix.wait_for("three messages to expire and their bounces to be deferred", || {
        postfix.log().matches("status=force-expired").count() + postfix.log().matches("status=expired").count() >= 3
            && String::from_utf8_lossy(&postfix.listing().stdout)
                .matches("MAILER-DAEMON")
                .count()
                == 3
    });
    postfix.settled(34);
    let flow = next(&src, &mut census).await.expect("a flow");
    let want = FlowCounts {
        arrived: 3,
        expired: 3,
        ..FlowCounts::default()
    };
    assert_eq!(flow.counts, want);
    let hours = list(&src).await.listing.expect("detail").hours;
    let sum = hours.iter().fold((0, 0), |(m, b), h| (m + h.messages, b + h.bounces));
    assert_eq!(sum, (28, 3), "three are held: {hours:?}");
}

#[tokio::test]
async fn the_messages_behind_a_row_are_found_in_a_real_queue() {
    let Some(postfix) = lab() else { return };
    let src = source(&postfix);
    postfix.fill(20, "a@x.test", "u1@Far.test");
    postfix.fill(5, "b@x.test", "u2@near.test");
    postfix.settled(25);
    let page = |by: PickBy, text: &str| {
        let (src, text) = (&src, text.to_owned());
        async move {
            let pick = Pick { by, text, skip: 0 };
            queue::messages(src, &Runner::Local, &pick, Timestamp::now(), TIMEOUT)
                .await
                .expect("a page")
        }
    };
    let listing = list(&src).await.listing.expect("detail");
    for d in &listing.destinations {
        assert_eq!(page(PickBy::Destination(d.domain.clone()), "").await.fit, d.messages);
    }
    for r in &listing.reasons {
        assert_eq!(page(PickBy::Reason(r.reason.clone()), "").await.fit, r.messages);
    }
    let one = ids(&postfix).into_iter().next_back().expect("an id");
    let found = page(PickBy::All, &one.to_lowercase()).await;
    assert_eq!((found.fit, found.partial.as_deref()), (1, None));
    let m = &found.messages[0];
    assert_eq!((&*m.id, &*m.queue, m.recipient_count), (&*one, "deferred", 1));
    let reason = m.recipients[0].reason.as_deref().expect("a reason");
    assert!(reason.ends_with("Connection refused"), "{reason}");
    assert_eq!(page(PickBy::Sender("b@x.test".into()), "U2@near").await.fit, 5);
}

#[tokio::test]
async fn lifetimes_and_retries_are_read_from_postfix_with_its_own_units() {
    let Some(postfix) = lab() else { return };
    let src = source(&postfix);
    let rules = || queue::rules(&src, &Runner::Local, TIMEOUT);
    let five_days = Span::from_hours(120);
    let defaults = QueueRules {
        lifetime: five_days,
        bounce_lifetime: five_days,
        retry: Some((Span::from_secs(300), Span::from_secs(4_000))),
        delay_notice: None,
    };
    assert_eq!(rules().await.expect("rules"), defaults);
    let set = [
        "maximal_queue_lifetime=2",
        "bounce_queue_lifetime=$maximal_queue_lifetime",
        "maximal_backoff_time=1h",
        "delay_warning_time=4",
    ];
    assert!(
        postfix
            .command("postconf")
            .arg("-e")
            .args(set)
            .status()
            .expect("postconf")
            .success()
    );
    let changed = QueueRules {
        lifetime: Span::from_hours(48),
        bounce_lifetime: Span::from_hours(48),
        retry: Some((Span::from_secs(300), Span::from_hours(1))),
        delay_notice: Some(Span::from_hours(4)),
    };
    assert_eq!(rules().await.expect("rules"), changed);

    let nowhere = QueueSource {
        config_dir: Some("/nonexistent/postfix".into()),
        ..src.clone()
    };
    assert!(queue::rules(&nowhere, &Runner::Local, TIMEOUT).await.is_err());
}

#[tokio::test]
async fn addresses_with_escapes_and_stray_bytes_come_out_visible_and_counted() {
    let Some(postfix) = lab() else { return };
    let hostile: [&[u8]; 3] = [
        b"u\x1b]0;pwned\x07@hostile.test",
        "ü@münchen.test".as_bytes(),
        b"x\xff@bin.test",
    ];
    for to in hostile {
        postfix.submit(OsStr::from_bytes(b"s\x1b[2J@x.test"), &[OsStr::from_bytes(to)]);
    }
    postfix.submit(OsStr::from_bytes(b""), &[OsStr::from_bytes(b"root@near.test")]);
    postfix.wait_for("the mail to be deferred", || {
        !ids(&postfix).is_empty() && postfix.log().contains("near.test")
    });
    postfix.wait_for("the queue to be at rest", || {
        let text = postfix.listing().stdout;
        !String::from_utf8_lossy(&text).contains("\"active\"")
            && !String::from_utf8_lossy(&text).contains("\"incoming\"")
    });
    let s = list(&source(&postfix)).await;
    assert_eq!((s.depth.total(), s.skipped_lines), (ids(&postfix).len() as u64, 0));
    let l = s.listing.as_ref().expect("detail");
    assert!(l.senders.iter().any(|s| &*s.sender == "<>"), "{:?}", l.senders);
    let all = serde_json::to_string(&s).expect("JSON");
    assert!(!all.contains("\\u00") && !all.chars().any(char::is_control), "{all}");
}

#[tokio::test]
async fn what_a_login_without_rights_may_not_read_is_said_and_is_never_zero() {
    let Some(postfix) = lab() else { return };
    let src = source(&postfix);
    let as_nobody = |argv: &[&str]| {
        let command = argv
            .iter()
            .map(|a| mailtop::domain::argv::quote(a))
            .collect::<Vec<_>>()
            .join(" ");
        Argv::new("su", ["nobody", "-s", "/bin/sh", "-c", &command])
    };
    let conf = src.config_dir.clone().expect("a directory");
    let listed = QueueSource {
        list: Some(as_nobody(&["/usr/sbin/postqueue", "-c", &conf, "-j"])),
        ..src.clone()
    };
    let missed = queue::list(&listed, &Runner::Local, None, Timestamp::now(), TIMEOUT)
        .await
        .expect_err("no rights");
    assert_eq!(missed.kind, Miss::Denied, "{missed}");
    assert!(missed.fix.expect("advice").contains("alternate_config_directories"));

    let counted = QueueSource {
        count: Some(as_nobody(&["sh", "-c", queue::COUNT_FILES, "count", &conf])),
        ..src.clone()
    };
    let missed = queue::count(&counted, &Runner::Local, TIMEOUT)
        .await
        .expect_err("no rights");
    assert_eq!(missed.kind, Miss::Denied, "{missed}");

    let nowhere = QueueSource {
        config_dir: Some("/nonexistent/postfix".into()),
        ..src
    };
    assert!(
        queue::list(&nowhere, &Runner::Local, None, Timestamp::now(), TIMEOUT)
            .await
            .is_err()
    );
    assert!(queue::count(&nowhere, &Runner::Local, TIMEOUT).await.is_err());
}
