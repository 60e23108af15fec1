//! What the journal tells of incidents: everything to who asks for it, and to a model that starts late what still matters.

use mailtop::domain::Span;
use mailtop::domain::event::{Event, Fact, Subject};
use mailtop::domain::incident::fact::{Acknowledged, Noted, StateSet};
use mailtop::domain::incident::moment::ClockStepped;
use mailtop::domain::incident::{Entry, IncidentId, State};
use mailtop::journal::{Durability, Record, Sqlite};
use mailtop::model::Model;

use crate::support::{Room, event, t};

fn about(id: &str, at: i64, entry: Entry) -> Event {
    let incident = IncidentId(id.into());
    event(t(at), Subject::Incident { incident }, Fact::Incident(Box::new(entry)))
}
fn opened(id: &str, at: i64) -> Event {
    let json = serde_json::json!({"entry": "opened", "name": "store down", "started": t(at).to_string()});
    about(id, at, serde_json::from_value(json).unwrap())
}
fn note(id: &str, at: i64, text: &str) -> Event {
    let noted = Noted {
        text: text.into(),
        by: "lin".into(),
        of: None,
    };
    about(id, at, Entry::Noted(noted))
}

#[test]
fn who_asks_gets_all_entries_in_order_with_the_steps_of_the_clock_between_them() {
    let room = Room::new();
    let step = event(
        t(5),
        Subject::Observer,
        Fact::ClockStepped(ClockStepped {
            by: Span::from_hours(1),
        }),
    );
    let all = [
        opened("i1", 1),
        step,
        note("i1", 9, "ESC \u{1b}[2J, \u{202e}rtl and 🚒"),
        opened("i2", 10),
    ];
    let mut db = room.sqlite();
    db.append(
        &[&all[..], &[crate::support::depth(t(3), 31, None)]].concat(),
        Durability::Process,
    )
    .unwrap();
    let read = Sqlite::read_only(&room.path()).unwrap().incidents().unwrap();
    assert_eq!(read, all);
}

#[test]
fn a_model_that_starts_late_knows_an_incident_with_its_opening_and_its_newest_notes() {
    const DAY: i64 = 86_400;
    let room = Room::new();
    let mut db = room.sqlite();
    let mut all = vec![opened("old", 0), opened("i1", 20 * DAY)];
    all.extend((0..1_500).map(|n| note("i1", 20 * DAY + 1 + n, &format!("{n}"))));
    db.append(&all, Durability::Process).unwrap();
    let start = db.start_from(t(21 * DAY)).unwrap();
    let mut model = Model::new(None);
    model.apply_all(&start.events);
    let known: Vec<_> = model.incidents().collect();
    assert_eq!(known.len(), 1, "of the old one nothing was said for twenty days");
    assert_eq!(known[0].notes.last().unwrap().1.text.as_str(), "1499");
    assert!(start.events.len() < 1_010, "{}", start.events.len());
}

#[test]
fn what_a_backlog_came_to_and_a_flood_of_notes_push_out_nothing_that_was_decided() {
    const DAY: i64 = 86_400;
    let room = Room::new();
    let mut db = room.sqlite();
    let entry = |at: i64, entry: Entry| about("i1", at, entry);
    let seen = |n: i64| {
        entry(
            20 * DAY + 10 + n,
            Entry::BacklogSeen(
                serde_json::from_value(
                    serde_json::json!({"peak": n, "peak_at": t(20 * DAY).to_string(), "mail_minutes": n}),
                )
                .unwrap(),
            ),
        )
    };
    let by = || "lin@desk".into();
    let mut all = vec![
        opened("i1", 20 * DAY),
        entry(20 * DAY + 1, Entry::Acknowledged(Acknowledged { by: by() })),
        entry(
            20 * DAY + 2,
            Entry::State(StateSet {
                to: State::Resolved,
                by: Some(by()),
                why: None,
            }),
        ),
    ];
    all.extend((0..1_500).map(seen));
    // Words that look like an entry are none.
    all.extend((0..1_500).map(|n| note("i1", 20 * DAY + 1_600 + n, "\"entry\":\"backlog-seen\"")));
    db.append(&all, Durability::Process).unwrap();
    let start = db.start_from(t(21 * DAY)).unwrap();
    let mut model = Model::new(None);
    model.apply_all(&start.events);
    let one = model.incidents().next().unwrap();
    assert!(one.is_resolved() && one.acknowledged.is_some(), "{one:?}");
    assert_eq!((one.backlog.peak.map(|p| p.0), one.notes.len()), (Some(1_499), 500));
    assert!(start.events.len() < 1_020, "{}", start.events.len());
}
