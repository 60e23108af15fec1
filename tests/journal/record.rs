//! What goes in comes out, in order, and what cannot be read is counted.

use mailtop::domain::event::{Event, Fact, Subject};
use mailtop::domain::job::State;
use mailtop::domain::{Span, Text, Timestamp};
use mailtop::journal::{Cursor, Durability, Record, Sqlite};

use crate::support::*;

#[test]
fn every_kind_of_event_comes_back_as_it_was_and_in_commit_order() {
    let room = Room::new();
    let mut db = room.sqlite();
    let events = one_of_each();
    db.append(&events[..5], Durability::Process).unwrap();
    db.append(&events[5..], Durability::PowerCut).unwrap();
    assert_eq!(all(&mut db), events);
    let first = db.since(Cursor::START, 3).unwrap();
    assert_eq!(first.events.len(), 3);
    let rest = db.since(first.next, 100).unwrap();
    assert_eq!(rest.events.first().map(|(_, e)| e), Some(&events[3]));
    assert_eq!(db.since(rest.next, 100).unwrap().next, rest.next);
    assert_eq!(db.end().unwrap(), rest.next);
}

#[test]
fn another_connection_sees_what_was_committed_and_that_it_was() {
    let room = Room::new();
    let (mut one, mut two) = (room.sqlite(), room.sqlite());
    let before = two.foreign_version().unwrap();
    one.append(&[numbered(1)], Durability::Process).unwrap();
    assert_ne!(two.foreign_version().unwrap(), before);
    two.append(&[numbered(2)], Durability::Process).unwrap();
    assert_eq!(all(&mut one), [numbered(1), numbered(2)]);
    assert_eq!(all(&mut two), all(&mut one));
}

#[test]
fn rows_that_cannot_be_read_are_passed_over_and_counted() {
    let events: Vec<Event> = one_of_each();
    let room = Room::with(&events);
    let raw = room.raw();
    for harm in [
        "UPDATE shape SET format = 99 WHERE id = (SELECT shape FROM event WHERE id = 1)",
        "UPDATE shape SET text = '{\"fact\":\"from-the-future\",\"data\":#}' WHERE id = (SELECT shape FROM event WHERE id = 2)",
        "UPDATE event SET numbers = numbers || ' 7' WHERE id = 3",
        "UPDATE event SET observer = 4711 WHERE id = 4",
        "UPDATE subject SET part = 'moon' WHERE part = 'queue'",
        "UPDATE event SET at = 9223372036854775807 WHERE id = 9",
        "UPDATE event SET shape = 4711 WHERE id = 11",
        "UPDATE shape SET text = CAST(x'fffe' AS TEXT) WHERE id = (SELECT shape FROM event WHERE id = 16)",
    ] {
        assert!(raw.execute(harm, []).unwrap() > 0, "{harm}");
    }
    let mut db = room.sqlite();
    let batch = db.since(Cursor::START, 100).unwrap();
    assert_eq!((batch.skipped, batch.events.len()), (10, 8));
    assert_eq!(batch.next, db.end().unwrap());
    let start = db.start_from(t(-1)).unwrap();
    assert_eq!((start.skipped, start.events.len()), (10, 8));
}

#[test]
fn hostile_text_is_made_safe_on_its_way_in_and_again_on_its_way_out() {
    let hostile = event(
        t(0),
        Subject::Observer,
        Fact::Notice(Text::from_bytes(b"\x1b]0;owned\x07 \x9b31m")),
    );
    let room = Room::with(&[hostile]);
    let raw = room.raw();
    let file = std::fs::read(room.path()).unwrap();
    assert!(!file.windows(3).any(|w| w == b"\x1b]0"));
    raw.execute(
        r#"UPDATE shape SET text = '{"fact":"notice","data":"\u001b[2J\u009b"}'"#,
        [],
    )
    .unwrap();
    let Fact::Notice(text) = &all(&mut room.sqlite())[0].what else {
        panic!()
    };
    assert_eq!(text.as_str(), "␛[2J\\u{9b}");
}

#[test]
fn probes_of_one_door_take_little_room() {
    let probes: Vec<Event> = (0..5_000).map(|n| probed(t(10 * n), 5 + n % 40)).collect();
    let json = serde_json::to_string(&probes[0]).unwrap().len();
    let room = Room::with(&probes);
    let per_event = std::fs::metadata(room.path()).unwrap().len() / 5_000;
    println!("{per_event} bytes an event on disk, {json} as JSON");
    assert!(per_event < 130, "{per_event} bytes an event");
    assert!(json > 700, "{json} bytes of JSON");
}

#[test]
fn a_start_has_the_last_state_before_and_everything_after() {
    let old_roster = event(
        t(1),
        Subject::Observer,
        Fact::Watching(mailtop::domain::roster::Roster::default()),
    );
    let new_roster = event(t(2), Subject::Observer, Fact::Watching(roster()));
    let history = vec![
        old_roster,
        new_roster.clone(),
        probed(t(3), 5),
        probed(t(4), 6),
        depth(t(5), 10, Some(listing())),
        depth(t(6), 11, None),
        depth(t(7), 12, None),
        event(t(8), job("compact"), Fact::JobSeen(job_state(State::Running))),
        event(t(9), job("compact"), Fact::JobSeen(job_state(State::Paused))),
        // Over, and not the last one on its job.
        planned(t(10), "a1", "compact"),
        ran(t(11), "a1", "compact"),
        read_back(t(12), "a1", "compact"),
        // Not read back.
        planned(t(13), "a2", "compact"),
        ran(t(14), "a2", "compact"),
        // Over, and the last one on its job.
        planned(t(15), "a3", "compact"),
        ran(t(16), "a3", "compact"),
        read_back(t(17), "a3", "compact"),
        numbered(1),
        probed(t(100), 7),
        read_back(t(101), "a2", "compact"),
    ];
    let wanted = [1, 3, 4, 6, 8, 12, 13, 14, 15, 16, 18, 19].map(|i: usize| history[i].clone());
    let room = Room::with(&history);
    let mut db = room.sqlite();
    let start = db.start_from(t(100)).unwrap();
    assert_eq!(start.events, wanted);
    assert_eq!((start.skipped, start.left_out, start.next), (0, 0, db.end().unwrap()));
}

#[test]
fn an_event_seen_in_the_first_instant_is_after_and_not_before() {
    let room = Room::with(&[probed(t(99), 1), probed(t(100), 2)]);
    let start = room.sqlite().start_from(t(100)).unwrap();
    assert_eq!(start.events, [probed(t(99), 1), probed(t(100), 2)]);
}

#[test]
fn an_export_is_a_line_of_json_each_with_its_version() {
    let room = Room::with(&one_of_each());
    let mut out = Vec::new();
    let skipped = room.sqlite().export_jsonl(t(2), t(15), &mut out).unwrap();
    let lines: Vec<serde_json::Value> = out
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    assert_eq!((lines.len(), skipped), (13, 0));
    assert!(lines.iter().all(|l| l["v"] == 1));
    let events: Vec<Event> = lines.into_iter().map(|l| serde_json::from_value(l).unwrap()).collect();
    assert_eq!(events, one_of_each()[2..15]);
}

#[test]
fn a_range_that_spans_many_pages_is_shown_whole_and_nothing_beside_it() {
    let room = Room::with(&(0..3_000).map(|n| probed(t(n), n)).collect::<Vec<_>>());
    let mut seen = Vec::new();
    let skipped = room
        .sqlite()
        .between(t(400), t(2_400), &mut |e| {
            seen.push(e.at);
            Ok(())
        })
        .unwrap();
    assert_eq!(
        (seen.len(), seen[0], seen[1_999], skipped),
        (2_000, t(400), t(2_399), 0)
    );
}

#[test]
fn the_edges_of_time_can_be_recorded_and_asked_for() {
    let mut db = Sqlite::memory().unwrap();
    let (min, max) = (
        Timestamp::MIN,
        Timestamp::from_second(Timestamp::MAX.as_second()).unwrap(),
    );
    let edge = |at: Timestamp| event(at, server(), Fact::Reached(Span::from_micros(i64::MIN)));
    db.append(&[edge(min), edge(max)], Durability::Process).unwrap();
    assert_eq!(all(&mut db).len(), 2);
    assert_eq!(db.start_from(max).unwrap().events.len(), 2);
    db.export_jsonl(min, max, &mut std::io::sink()).unwrap();
    db.prune(mailtop::journal::Keep::default(), max).unwrap();
    db.prune(mailtop::journal::Keep::default(), min).unwrap();
}

#[test]
fn nobody_else_can_read_the_file_or_its_folder() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new();
    let mut db = room.sqlite();
    db.append(&[numbered(1)], Durability::Process).unwrap();
    let mode = |p: &std::path::Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(room.path().parent().unwrap()), 0o700);
    assert_eq!(room.names(), ["journal.db", "journal.db-shm", "journal.db-wal"]);
    for name in room.names() {
        assert_eq!(mode(&room.path().with_file_name(name)), 0o600);
    }
}

#[test]
fn a_model_that_starts_later_knows_the_outages_of_five_days_as_one_that_saw_all_does() {
    use mailtop::model::Model;
    let h = 3_600;
    let down = |s: i64| (10 * h..45 * h).contains(&s) || (60 * h..61 * h).contains(&s) || (80 * h..).contains(&s);
    // One good probe in the middle of an outage is not its end.
    let alone = 20 * h;
    let history: Vec<Event> = (0..96 * h)
        .step_by(60)
        .map(|s| match s {
            s if s != alone && down(s) => failed(t(s)),
            _ => probed(t(s), 5),
        })
        .collect();
    let room = Room::with(&history);
    let mut db = room.sqlite();
    let told = |events: &[Event], now: i64| {
        let mut model = Model::new(None);
        model.apply_all(events);
        model.remote_horizon(model.server("mx1").unwrap(), t(now))
    };
    for from in [12, 30, 47, 70, 79, 90] {
        let start = db.start_from(t(from * h)).unwrap();
        let before = start.events.iter().filter(|e| e.at < t(from * h)).count();
        assert!(before < 40, "{before} probes of before {from}h");
        let until =
            |hours: i64| -> Vec<Event> { start.events.iter().filter(|e| e.at <= t(hours * h)).cloned().collect() };
        let all = |hours: i64| &history[..=usize::try_from(hours * 60).unwrap()];
        for now in [from, from + 1, 95] {
            let expected = told(all(now), now * h);
            assert!(expected.is_some());
            assert_eq!(told(&until(now), now * h), expected, "from {from}h at {now}h");
        }
    }
}
