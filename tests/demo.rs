//! The demo as a program: its weekend, headless, is on the record as the script has it; and its console comes up.
#![allow(clippy::unwrap_used)]

mod lab;

use std::process::Command;

use jiff::Timestamp;
use mailtop::demo::Script;
use mailtop::domain::Span;
use mailtop::domain::event::{Event, Fact, Subject};
use mailtop::domain::forecast::{Drain, Forecast};
use mailtop::domain::health::Layer;
use mailtop::journal::{Record, Sqlite};
use mailtop::model::Model;

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
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && !said.contains("was not seen in time"), "{said}");
    let events = events(&journal);
    let script = Script::weekend_before(events[0].at);
    one_incident_has_the_clocks_of_the_script(&events, &script);
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

/// The clock stands at the turns of the script until they were looked at, at any speed.
fn one_incident_has_the_clocks_of_the_script(events: &[Event], script: &Script) {
    let mut model = Model::new(None);
    model.apply_all(events);
    let all: Vec<_> = model.incidents().collect();
    let [one] = all.as_slice() else {
        panic!("{} incidents", all.len())
    };
    let restored = one.restored().unwrap();
    assert_eq!((one.start().at.at, restored.at), (script.failed_at, script.restored_at));
    assert_eq!(one.start().at.until(restored), Span::from_hours(35));
    assert!(one.noticed.at > script.failed_at && one.noticed.at < Span::from_hours(6).after(script.failed_at));
}

/// At twenty minutes a second, so that there are looks enough to forecast from.
#[test]
fn the_weekend_grows_passes_senders_by_has_its_wave_and_clears_inside_a_band() {
    let events = events(&lab::weekend::journal());
    let script = Script::weekend_before(events[0].at);
    one_incident_has_the_clocks_of_the_script(&events, &script);
    let mut model = Model::new(None);
    let mut seen: Vec<Seen> = Vec::new();
    for e in &events {
        model.apply(e);
        let mbox1 = |e: &Event| e.about.server().is_some_and(|s| s.as_str() == "mbox1");
        let (Fact::QueueSeen(q), true) = (&e.what, mbox1(e)) else {
            continue;
        };
        let server = model.server("mbox1").unwrap();
        let queue = server.queues.values().next().unwrap();
        let forecast = queue.forecast(e.at, server.every());
        let gave_up = model
            .remote_horizon(server, e.at)
            .map_or(0, |h| h.given_up(e.at).count());
        seen.push(Seen {
            at: e.at,
            depth: q.depth.total(),
            forecast,
            clears: queue.clears(e.at, server.every()),
            gave_up,
        });
    }
    let told = || {
        let line = |s: &Seen| {
            format!(
                "{} {} {:?} {:?} {}",
                s.at, s.depth, s.forecast.drain, s.forecast.in_per_min, s.gave_up
            )
        };
        seen.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let during: Vec<&Seen> = seen.iter().filter(|s| script.store_failed(s.at)).collect();
    let growing = during
        .iter()
        .filter(|s| matches!(s.forecast.drain, Drain::Growing { .. }));
    assert!(
        growing.count() * 2 > during.len(),
        "it grows while the store is failed:\n{}",
        told()
    );
    assert!(during.iter().all(|s| s.clears.is_none()), "{}", told());
    let passed = |s: &&&Seen| s.gave_up;
    let most = during.iter().max_by_key(passed).unwrap().gave_up;
    assert!(
        during[0].gave_up == 0 && most >= 2,
        "senders are passed by:\n{}",
        told()
    );
    // Who was turned away comes back: more comes in than while the store was failed.
    let after: Vec<&Seen> = seen.iter().filter(|s| s.at > script.restored_at).collect();
    let come = |looks: &[&Seen]| {
        let rates: Vec<f64> = looks.iter().filter_map(|s| s.forecast.in_per_min).collect();
        rates.iter().sum::<f64>() / rates.len() as f64
    };
    assert!(come(&after) > 2.0 * come(&during), "a wave comes:\n{}", told());
    // It is clear when hardly anything of what waited is left.
    let peak = seen.iter().map(|s| s.depth).max().unwrap();
    let end = after.iter().find(|s| s.depth < peak / 200);
    let end = end.unwrap_or_else(|| panic!("it clears:\n{}", told())).at;
    let bands: Vec<[Timestamp; 3]> = after.iter().filter(|s| s.at < end).filter_map(|s| s.clears).collect();
    assert!(
        bands.iter().any(|[p10, _, p90]| (*p10..=*p90).contains(&end)),
        "a band contains the end, {end}: {bands:?}\n{}",
        told()
    );
}

/// What was known at a look at mbox1.
struct Seen {
    at: Timestamp,
    depth: u64,
    forecast: Forecast,
    clears: Option<[Timestamp; 3]>,
    gave_up: usize,
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
