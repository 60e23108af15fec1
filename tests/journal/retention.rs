//! What becomes of old samples.

use mailtop::domain::Span;
use mailtop::domain::event::{Event, Fact, Subject};
use mailtop::domain::health::Verdict;
use mailtop::domain::job::State;
use mailtop::journal::{Depths, Durability, Grain, Keep, ProbeRoll, Pruned, QueueRoll, Record, Sqlite, Took};

use crate::support::*;

const KEEP: Keep = Keep {
    raw: Span::from_hours(1),
    minutes: Span::from_hours(24),
};
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn prune_all(db: &mut Sqlite, at: i64) -> usize {
    let mut slices = 1;
    while db.prune(KEEP, t(at)).unwrap() == Pruned::More {
        slices += 1;
    }
    slices
}

#[test]
fn a_part_of_a_queue_is_counted_as_missed_and_is_no_depth() {
    let mut db = Sqlite::memory().unwrap();
    let mut part = depth(t(10), 3, None);
    let Fact::QueueSeen(snapshot) = &mut part.what else {
        panic!("no depth")
    };
    snapshot.partial = Some("the listing ended after 2s, there may be more".into());
    db.append(&[depth(t(0), 700, None), part], Durability::Process).unwrap();
    prune_all(&mut db, 2 * HOUR);
    let rolls = db.queue_rolls(&queue(), Grain::Minute, t(0), t(DAY)).unwrap();
    let [roll] = &rolls[..] else { panic!("{rolls:?}") };
    let d = roll.depth.unwrap();
    assert_eq!(
        (roll.readings, roll.missed, d.least, d.most, d.last),
        (1, 1, 700, 700, 700)
    );
}

/// What [`report`] takes with so many milliseconds for its last phase.
fn total(ms: i64) -> Span {
    report(ms).total()
}

#[test]
fn old_samples_become_a_line_a_minute_and_then_a_line_an_hour() {
    // t(0) is the beginning of an hour.
    let mut db = Sqlite::memory().unwrap();
    let mut events = vec![
        probed(t(0), 10),
        probed(t(10), 30),
        probed(t(20), 20),
        failed(t(30)),
        event(t(40), door(), Fact::ProbeMissed(missed())),
        probed(t(60), 50),
        depth(t(0), 100, None),
        depth(t(30), 700, Some(listing())),
        depth(t(59), 300, None),
        event(t(59), queue(), Fact::QueueMissed(missed())),
        depth(t(70), 200, None),
        event(t(1), job("compact"), Fact::JobSeen(job_state(State::Idle))),
    ];
    events.extend(one_of_each().into_iter().filter(|e| e.at >= t(12)));
    db.append(&events, Durability::Process).unwrap();
    let young = probed(t(2 * HOUR), 1);
    db.append(std::slice::from_ref(&young), Durability::Process).unwrap();

    prune_all(&mut db, 2 * HOUR + 60);
    let left = all(&mut db);
    assert_eq!(left.len(), 7, "what was done and said, and what is young: {left:?}");
    assert!(left.contains(&young) && left.iter().any(|e| matches!(e.what, Fact::ActionPlanned(_))));

    let probes = db.probe_rolls(&door(), Grain::Minute, t(0), t(DAY)).unwrap();
    let took = |of, least, median, most| {
        Some(Took {
            of,
            least: total(least),
            median: total(median),
            most: total(most),
        })
    };
    let first = ProbeRoll {
        start: t(0),
        probes: 4,
        failed: 1,
        missed: 1,
        worst: Verdict::Down,
        took: took(3, 10, 20, 30),
    };
    let second = ProbeRoll {
        start: t(60),
        probes: 1,
        failed: 0,
        missed: 0,
        worst: Verdict::Ok,
        took: took(1, 50, 50, 50),
    };
    assert_eq!(probes, [first, second]);
    let depths = |least, most, last, at| {
        Some(Depths {
            least,
            most,
            last,
            last_at: t(at),
        })
    };
    let queues = db.queue_rolls(&queue(), Grain::Minute, t(0), t(DAY)).unwrap();
    let line = |start, readings, missed, depth| QueueRoll {
        start: t(start),
        readings,
        missed,
        depth,
    };
    assert_eq!(
        queues,
        [
            line(0, 3, 1, depths(100, 700, 300, 59)),
            line(60, 1, 0, depths(200, 200, 200, 70))
        ]
    );

    prune_all(&mut db, 2 * DAY);
    assert_eq!(db.probe_rolls(&door(), Grain::Minute, t(0), t(HOUR)).unwrap(), []);
    let hour = db.probe_rolls(&door(), Grain::Hour, t(0), t(HOUR)).unwrap();
    assert_eq!(
        hour,
        [ProbeRoll {
            start: t(0),
            probes: 5,
            failed: 1,
            missed: 1,
            worst: Verdict::Down,
            took: took(4, 10, 20, 50)
        }]
    );
    let hour = db.queue_rolls(&queue(), Grain::Hour, t(0), t(HOUR)).unwrap();
    assert_eq!(hour, [line(0, 4, 1, depths(100, 700, 200, 70))]);
    assert_eq!(prune_all(&mut db, 2 * DAY), 1, "nothing is left to do");
}

#[test]
fn a_sample_that_comes_late_is_added_to_its_line() {
    let mut db = Sqlite::memory().unwrap();
    for events in [
        [probed(t(0), 10), depth(t(1), 7, None)],
        [failed(t(5)), depth(t(0), 3, None)],
    ] {
        db.append(&events, Durability::Process).unwrap();
        prune_all(&mut db, DAY);
    }
    let probes = db.probe_rolls(&door(), Grain::Minute, t(0), t(60)).unwrap();
    assert_eq!(
        (probes[0].probes, probes[0].failed, probes[0].worst),
        (2, 1, Verdict::Down)
    );
    assert_eq!(probes[0].took.map(|t| (t.of, t.median)), Some((1, total(10))));
    let depth = db.queue_rolls(&queue(), Grain::Minute, t(0), t(60)).unwrap()[0]
        .depth
        .unwrap();
    assert_eq!((depth.least, depth.most, depth.last, depth.last_at), (3, 7, 7, t(1)));
}

#[test]
fn a_long_absence_is_made_up_for_in_slices_and_the_file_shrinks() {
    let room = Room::new();
    let mut db = room.sqlite();
    // Twelve hours of a door; each greeting is its own, so that shapes are let go, too.
    let probe = |n: i64| {
        let mut event = probed(t(10 * n), n % 90);
        if let Fact::Probed(report) = &mut event.what {
            report.greeting = Some(format!("* OK ready [{n}]").into());
        }
        event
    };
    let probes: Vec<Event> = (0..4_320).map(probe).collect();
    db.append(&probes, Durability::Process).unwrap();
    drop(db);
    let before = std::fs::metadata(room.path()).unwrap().len();
    let mut db = room.sqlite();
    let slices = prune_all(&mut db, 2 * DAY);
    assert!(slices > 3, "{slices} slices");
    let lines = db.probe_rolls(&door(), Grain::Hour, t(0), t(DAY)).unwrap();
    assert_eq!(lines.iter().map(|l| l.probes).sum::<u64>(), 4_320);
    assert_eq!(lines.len(), 12);
    drop(db);
    let after = std::fs::metadata(room.path()).unwrap().len();
    assert!(after < before / 2, "{before} to {after} bytes");
    let shapes: i64 = room
        .raw()
        .query_row("SELECT count(*) FROM shape", [], |r| r.get(0))
        .unwrap();
    assert_eq!(shapes, 0);
}

#[test]
fn a_shape_that_a_younger_event_has_is_kept() {
    let mut db = Sqlite::memory().unwrap();
    let young = probed(t(DAY), 8);
    db.append(&[probed(t(0), 7), probed(t(1), 7), young.clone()], Durability::Process)
        .unwrap();
    prune_all(&mut db, DAY);
    assert_eq!(all(&mut db), [young]);
}

#[test]
fn samples_that_cannot_be_read_go_with_the_rest() {
    let room = Room::with(&[
        probed(t(0), 1),
        probed(t(1), 2),
        event(t(2), Subject::Observer, Fact::ObserverStopped),
    ]);
    room.raw()
        .execute("UPDATE event SET numbers = 'x' WHERE id = 1", [])
        .unwrap();
    let mut db = room.sqlite();
    prune_all(&mut db, DAY);
    assert_eq!(all(&mut db).len(), 1);
    assert_eq!(
        db.probe_rolls(&door(), Grain::Minute, t(0), t(60)).unwrap()[0].probes,
        1
    );
}
