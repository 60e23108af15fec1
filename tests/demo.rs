//! The demo as a program: its weekend, headless, is on the record as the script has it; and its console comes up.
#![allow(clippy::unwrap_used)]

mod lab;

use std::process::Command;

use jiff::Timestamp;
use mailtop::demo::Script;
use mailtop::domain::Span;
use mailtop::domain::event::{Event, Fact, Subject};
use mailtop::domain::health::Layer;
use mailtop::journal::{Record, Sqlite};

use lab::term::Term;

#[test]
fn the_weekend_is_on_the_record_as_the_script_has_it() {
    let home = tempfile::tempdir().unwrap();
    let journal = home.path().join("journal.db");
    let out = Command::new(env!("CARGO_BIN_EXE_mailtop"))
        .args(["demo", "--headless", "--speed", "3600", "--journal"])
        .arg(&journal)
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let events = events(&journal);
    let script = Script::weekend_before(events[0].at);
    // At an hour a second a look comes each hour or two.
    let (failed, restored) = (script.failed_at, script.restored_at);
    let slack = Span::from_hours(3);
    let inside = |e: &&Event| e.at > slack.after(failed) && e.at < (Span::ZERO - slack).after(restored);
    let probes = |e: &&Event| matches!(&e.about, Subject::Door { server, .. } if server.as_str() == "mbox1");
    let layer = |e: &Event| match &e.what {
        Fact::Probed(r) => r.failure.as_ref().map(|f| f.layer),
        other => panic!("{other:?}"),
    };
    let during: Vec<_> = events.iter().filter(probes).filter(inside).map(layer).collect();
    assert!(
        during.len() > 5 && during.iter().all(|l| *l == Some(Layer::Store)),
        "{during:?}"
    );
    let after: Vec<_> = events
        .iter()
        .filter(probes)
        .filter(|e| e.at > slack.after(restored))
        .map(layer)
        .collect();
    assert!(after.len() > 1 && after.iter().all(Option::is_none), "{after:?}");

    let depths: Vec<(Timestamp, u64)> = events
        .iter()
        .filter(|e| e.about.server().is_some_and(|s| s.as_str() == "mbox1"))
        .filter_map(|e| match &e.what {
            Fact::QueueSeen(q) => Some((e.at, q.depth.total())),
            _ => None,
        })
        .collect();
    let (peak_at, peak) = *depths.iter().max_by_key(|(_, d)| *d).unwrap();
    assert!(peak > 10_000 && peak_at > failed, "a backlog grew: {peak} at {peak_at}");
    let last = depths.last().unwrap().1;
    assert!(
        last < peak / 4,
        "and drained after the store came back: {last} of {peak}"
    );
}

#[test]
fn its_console_shows_the_fleet_and_pauses_the_job() {
    let home = tempfile::tempdir().unwrap();
    let mut t = Term::start(&["demo"], home.path(), (80, 24));
    t.wait("the store to fail and the job to run", |s| {
        s.contains("store SERVERBUG") && s.contains('▶')
    });
    t.send("p");
    t.wait_for("Enter pause for 30m");
    t.send("drain the backlog first\r");
    t.wait_for("confirmed");
    t.send("\x1b");
    t.wait("the job to stand paused in its line", |s| {
        s.lines().any(|l| l.contains("mbox1") && l.contains('‖'))
    });
    t.send("q");
    assert_eq!(t.wait_end(), 0);
}

fn events(journal: &std::path::Path) -> Vec<Event> {
    let (mut db, _) = Sqlite::open(journal, Timestamp::now())
        .map_err(|t| format!("{t:?}"))
        .unwrap();
    let mut lines = Vec::new();
    db.export_jsonl(Timestamp::MIN, Timestamp::MAX, &mut lines)
        .map_err(|t| format!("{t:?}"))
        .unwrap();
    String::from_utf8(lines)
        .unwrap()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}
