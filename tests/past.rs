//! Looking back into a record: the fleet of a moment is what a console that had watched until then would have shown, the lines
//! of the timeline are found in both directions, and a bundle shows what the journal does.
#![allow(clippy::unwrap_used)]

#[path = "lab/long_record.rs"]
mod long_record;
#[path = "lab/screens.rs"]
mod screens;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use long_record::Weekend;
use mailtop::domain::effect::Back;
use mailtop::domain::event::{Event, Fact, ObserverId, Subject};
use mailtop::domain::roster::Roster;
use mailtop::domain::{Span, Timestamp};
use mailtop::engine::past::{self, Depth, Of, Way};
use mailtop::journal::{Durability, Record, Sqlite, bundle};
use mailtop::model::Model;
use mailtop::model::timeline::What;
use screens::{at, back, live, open};

const SMALL: Weekend = Weekend {
    servers: 3,
    hours: 6,
    every: Span::from_secs(30),
};

fn of(path: &Path) -> Of {
    Of {
        journal: path.to_owned(),
        ..Of::default()
    }
}

fn append(path: &Path, events: &[Event], now: Timestamp) {
    let (mut db, _) = Sqlite::open(path, now).map_err(|t| format!("{t:?}")).unwrap();
    for some in events.chunks(2_000) {
        db.append(some, Durability::Process)
            .map_err(|t| format!("{t:?}"))
            .unwrap();
    }
}

fn written(weekend: &Weekend, path: &Path) -> Vec<Event> {
    let events: Vec<Event> = weekend.events().collect();
    append(path, &events, weekend.ends());
    events
}

/// What the fleet shows of each server.
fn told(m: &Model, at: Timestamp) -> Vec<(String, String, Option<Timestamp>)> {
    let row = |r: &mailtop::model::Row<'_>| (r.server.name.to_string(), format!("{:?}", r.headline), r.since);
    mailtop::model::rows(m, at).iter().map(row).collect()
}

/// Twenty moments over the whole of it, in an order in which steps go both ways.
fn moments(weekend: &Weekend) -> Vec<Timestamp> {
    let length = Span::between(Weekend::begins(), weekend.ends()).secs();
    (0..20i64)
        .map(|n| Weekend::at((n * 7 % 20 + 1) * (length / 21) - 17))
        .collect()
}

#[test]
fn a_moment_of_the_past_shows_what_a_console_showed_then() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.db");
    let events = written(&SMALL, &file);
    let mut past = open(&file);
    let mut differ = 0;
    for moment in moments(&SMALL) {
        let was = live(&events, moment);
        assert_eq!(back(at(&mut past, moment, Depth::Whole)), was, "at {moment}");
        // A step back from there, by what was kept on the way.
        let before = Span::from_secs(-60).after(moment);
        let then = live(&events, before);
        assert_eq!(back(at(&mut past, before, Depth::Whole)), then, "at {before}");
        differ += usize::from(then != was);
    }
    assert!(differ > 15, "a minute changes what is shown: {differ}");
}

/// More than is read behind a moment, with another observer who looks at something else for a while, and a clock that is set back.
#[test]
fn what_lies_long_before_a_moment_is_known_at_it_and_an_observer_of_one_server_takes_nothing_away() {
    const LONG: Weekend = Weekend {
        servers: 6,
        hours: 6,
        every: Span::from_secs(5),
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.db");
    let mut events: Vec<Event> = LONG.events().collect();
    assert!(events.len() > 50_000, "{}", events.len());
    let other = |at, name: &str, servers: &[&str]| Event {
        at,
        seen_by: ObserverId(name.into()),
        about: Subject::Observer,
        what: Fact::Watching(Roster {
            servers: Weekend::watched(servers),
            ..Roster::default()
        }),
    };
    let mid = events.iter().position(|e| e.at >= Weekend::at(3 * 3_600)).unwrap();
    events.insert(mid, other(Weekend::at(3 * 3_600), "mira@desk:9", &["test"]));
    append(&file, &events, LONG.ends());
    let mut past = open(&file);
    for minutes in [200, 355, 90, 290, 181, 240] {
        let moment = Weekend::at(minutes * 60 + 2);
        let seen = at(&mut past, moment, Depth::Whole);
        let mut model = Model::new(Some(ObserverId("lin@bastion:4711".into())));
        model.apply_all(events.iter().filter(|e| e.at <= moment));
        assert_eq!(told(&seen.model, moment), told(&model, moment), "at {moment}");
        let (was, is) = (model.open_incident().unwrap(), seen.model.open_incident().unwrap());
        assert_eq!(
            (&is.id, is.state, &is.servers, is.start()),
            (&was.id, was.state, &was.servers, was.start())
        );
        assert_eq!(is.notes.len(), was.notes.len(), "at {moment}");
        let absent = |m: &Model, i| {
            let lines = m.timeline(i, moment);
            lines.into_iter().filter(|l| matches!(l.what, What::Absent(_))).count()
        };
        assert_eq!(
            (absent(&seen.model, is), absent(&model, was)),
            (0, 0),
            "somebody watched all the time"
        );
    }
}

#[test]
fn a_clock_that_is_set_back_loses_nothing_that_was_known_before() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.db");
    let half = Weekend::at(2 * 3_600);
    let set_back = |mut e: Event| {
        if e.at >= half {
            e.at = Span::from_hours(-1).after(e.at);
        }
        e
    };
    let events: Vec<Event> = SMALL.events().map(set_back).collect();
    append(&file, &events, SMALL.ends());
    let mut past = open(&file);
    // Before and after the hour that came twice.
    for minutes in [70, 130, 200, 280] {
        let view = at(&mut past, Weekend::at(minutes * 60 + 5), Depth::Whole);
        assert!(view.model.open_incident().is_some(), "after {minutes} minutes");
        assert_eq!(view.model.servers().count(), SMALL.servers);
    }
}

#[test]
fn a_bundle_shows_elsewhere_what_the_journal_shows_here() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (dir.path().join("journal.db"), dir.path().join("elsewhere.db"));
    let events = written(&SMALL, &here);
    let mut model = Model::new(None);
    model.apply_all(&events);
    let stretch = bundle::Stretch::of(model.incident(&Weekend::id()).unwrap(), SMALL.ends());
    let file = dir.path().join("incident.mailtop");
    let (mut db, _) = Sqlite::open(&here, SMALL.ends()).map_err(|t| format!("{t:?}")).unwrap();
    let mut out = std::fs::File::create(&file).unwrap();
    bundle::write(&mut db, &stretch, &mut out)
        .map_err(|t| format!("{t:?}"))
        .unwrap();
    let read = bundle::read(&file).map_err(|t| format!("{t:?}")).unwrap();
    let (mut other, _) = Sqlite::open(&there, SMALL.ends())
        .map_err(|t| format!("{t:?}"))
        .unwrap();
    other
        .append(&read.events, Durability::Process)
        .map_err(|t| format!("{t:?}"))
        .unwrap();
    let (mut past, mut elsewhere) = (open(&here), open(&there));
    for moment in moments(&SMALL) {
        let was = back(at(&mut past, moment, Depth::Whole));
        assert_eq!(back(at(&mut elsewhere, moment, Depth::Whole)), was, "at {moment}");
    }
}

#[test]
fn what_is_shown_at_first_has_the_same_state_and_only_less_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.db");
    let events = written(&SMALL, &file);
    let moment = Weekend::at(3 * 3_600 + 5);
    let view = at(&mut open(&file), moment, Depth::AtFirst);
    assert!(!view.whole);
    let mut model = Model::new(None);
    model.apply_all(
        &events
            .iter()
            .take_while(|e| e.at <= moment)
            .cloned()
            .collect::<Vec<_>>(),
    );
    assert_eq!(told(&view.model, moment), told(&model, moment));
    assert!(view.model.open_incident().is_some());
}

#[test]
fn the_lines_of_the_timeline_are_found_both_ways_and_there_are_ends() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.db");
    written(&SMALL, &file);
    let mut past = open(&file);
    let mut line = |from, which| past.line(from, which, || false).map_err(|t| format!("{t:?}")).unwrap();
    let note = |h: i64| Weekend::at(h * 3_600 + 1_800);
    assert_eq!(line(Weekend::at(3 * 3_600), Way::After), Some(note(3)));
    assert_eq!(line(note(3), Way::After), Some(note(4)));
    assert_eq!(line(note(3), Way::Before), Some(note(2)));
    let mut all = vec![];
    let mut here = SMALL.ends();
    while let Some(before) = line(here, Way::Before) {
        assert!(before < here);
        all.push(before);
        here = before;
    }
    // The notes, the doors that fail and come back, the end that a person said.
    assert!(all.contains(&note(1)) && all.contains(&Weekend::at(3_600)), "{all:?}");
    let mut onward = vec![];
    while let Some(next) = line(here, Way::After) {
        onward.push(next);
        here = next;
    }
    onward.reverse();
    all.pop();
    assert_eq!(onward, all, "the way there is the way back");
}

#[test]
fn of_questions_that_wait_the_last_is_answered_and_first_from_little() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.db");
    written(&SMALL, &file);
    let (ask, asks) = mpsc::channel();
    for n in 1..=50 {
        ask.send((n, Back::To(Weekend::at(n as i64 * 60)))).unwrap();
    }
    let (tell, told) = mpsc::channel();
    past::start(of(&file), asks, move |number, view| tell.send((number, view)).is_ok());
    let next = || told.recv_timeout(Duration::from_secs(60)).unwrap();
    let view = || {
        let (number, view) = next();
        view.map(|v| (number, v.at, v.whole))
            .map_err(|why| (number, why.to_string()))
    };
    assert_eq!(view(), Ok((50, Weekend::at(3_000), false)));
    assert_eq!(view(), Ok((50, Weekend::at(3_000), true)));
    ask.send((51, Back::To(Weekend::at(3_060)))).unwrap();
    assert_eq!(view(), Ok((51, Weekend::at(3_060), true)), "one step is answered once");
    ask.send((52, Back::After(SMALL.ends()))).unwrap();
    let none = "nothing happened in the day after this, as far as is on record";
    assert_eq!(view(), Err((52, none.to_owned())));
    drop(ask);
    assert!(
        told.recv_timeout(Duration::from_secs(60)).is_err(),
        "who looked back is gone"
    );
}

#[test]
fn a_record_that_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (ask, asks) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    past::start(of(&dir.path().join("none.db")), asks, move |_, view| {
        tell.send(view).is_ok()
    });
    ask.send((1, Back::To(Weekend::at(0)))).unwrap();
    let why = told.recv_timeout(Duration::from_secs(60)).unwrap().unwrap_err();
    assert!(why.contains("none.db cannot be read"), "{why}");
}
