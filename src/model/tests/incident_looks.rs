//! What was not seen, in incidents: no end is proposed while nobody looks, and no depth is taken for one that was not read.

use super::incident::{one, probe, read, record, rules, say};
use super::*;
use crate::domain::incident::fact::{BacklogSeen, StateSet};
use crate::domain::incident::{self as inc, Entry, IncidentId};

/// A probe and a reading of the queue every ten seconds.
fn watched(m: &mut Model, failure: Option<Layer>, depth: u64, from: i64, to: i64) {
    for s in (from..to).step_by(10) {
        probe(m, "a", failure, s, s + 1);
        read(m, "a", s + 1, depth);
    }
}
/// Down from 100 s until 1,000 s.
fn outage() -> Model {
    let mut m = watching(&["a"]);
    watched(&mut m, None, 10, 0, 100);
    watched(&mut m, Some(Layer::Store), 10, 100, 1_000);
    m
}
fn restored(m: &Model) -> Option<Timestamp> {
    one(m).restored().map(|r| r.at)
}
fn set(to: inc::State) -> Entry {
    Entry::State(StateSet {
        to,
        by: Some("lin".into()),
        why: None,
    })
}
fn opened(m: &mut Model, at: i64, started: i64, servers: &[&str]) {
    let json = serde_json::json!({
        "entry": "opened", "name": "x", "how": "hand", "by": "lin", "started": t(started).to_string(), "servers": servers,
    });
    let incident = IncidentId::new(t(started), 1);
    let entry = serde_json::from_value(json).unwrap();
    m.apply(&event(
        at,
        Subject::Incident { incident },
        Fact::Incident(Box::new(entry)),
    ));
}

#[test]
fn good_probes_on_either_side_of_a_time_without_any_are_not_good_for_all_of_it() {
    let mut m = outage();
    watched(&mut m, None, 10, 1_000, 1_020);
    // The observer is away for almost two hours.
    watched(&mut m, None, 10, 8_000, 8_010);
    assert_eq!(restored(&m), None);
    watched(&mut m, None, 10, 8_010, 8_600);
    assert_eq!(restored(&m), None, "a minute too soon");
    watched(&mut m, None, 10, 8_600, 8_620);
    assert_eq!(restored(&m), Some(t(8_000)));
}

#[test]
fn an_end_is_not_proposed_on_what_was_good_before_probes_could_no_more_be_made() {
    let mut m = outage();
    watched(&mut m, None, 5_000, 1_000, 1_700);
    assert_eq!(restored(&m), None, "mail waits");
    for s in (1_700..9_000).step_by(10) {
        m.apply(&event(s, door("a"), Fact::ProbeMissed(missed())));
        read(&mut m, "a", s + 1, if s < 1_800 { 5_000 } else { 10 });
    }
    assert_eq!(restored(&m), None);
    watched(&mut m, None, 10, 9_000, 9_700);
    assert_eq!(restored(&m), Some(t(9_000)));
}

#[test]
fn a_service_that_refuses_every_login_is_not_good_again() {
    let mut m = outage();
    watched(&mut m, None, 10, 1_000, 1_300);
    watched(&mut m, Some(Layer::Credential), 10, 1_300, 4_000);
    assert_eq!(restored(&m), None);
    watched(&mut m, None, 10, 4_000, 4_700);
    assert_eq!(restored(&m), Some(t(4_000)));
}

#[test]
fn bad_probes_on_either_side_of_a_time_without_any_do_not_date_an_outage_to_before_it() {
    let mut m = watching(&["a"]);
    probe(&mut m, "a", None, 0, 100);
    probe(&mut m, "a", Some(Layer::Store), 100, 120);
    probe(&mut m, "a", Some(Layer::Store), 9_000, 9_050);
    assert_eq!(m.incidents().count(), 0);
    probe(&mut m, "a", Some(Layer::Store), 9_050, 9_100);
    assert_eq!(one(&m).start().probes, Some((Some(t(90)), t(9_000))));
}

#[test]
fn nothing_is_opened_of_probes_that_are_old() {
    let mut m = watching(&["a"]);
    for s in (100..200).step_by(10) {
        m.apply(&event(s, door("a"), probed(9, Some(Layer::Store))));
    }
    assert!(m.conclusions(&rules(), t(9_000)).is_empty());
    assert_eq!(m.conclusions(&rules(), t(200)).len(), 1);
}

#[test]
fn probes_that_end_by_their_time_outs_come_late_and_are_an_outage_all_the_same() {
    let mut m = watching(&["a"]);
    for s in (100..400).step_by(50) {
        probe(&mut m, "a", Some(Layer::Network), s, s + 1);
    }
    assert_eq!(one(&m).start().at.at, t(100));
}

#[test]
fn a_door_that_fails_two_times_of_three_is_an_outage() {
    let mut m = watching(&["a"]);
    for s in (100..400).step_by(10) {
        let failure = (s % 30 != 0).then_some(Layer::Store);
        probe(&mut m, "a", failure, s, s + 1);
    }
    assert_eq!(one(&m).start().at.at, t(100));
}

#[test]
fn an_incident_that_is_over_is_not_rewritten_by_what_waits_later() {
    let mut m = outage();
    watched(&mut m, None, 10, 1_000, 1_700);
    say(&mut m, 1_700, set(inc::State::Resolved));
    read(&mut m, "a", 1_710, 300);
    let peak = |m: &Model| m.incidents().next().unwrap().backlog.peak.unwrap().0;
    assert_eq!(peak(&m), 300, "soon after, it is its own");
    // Without an incident, and then with another.
    read(&mut m, "a", 1_700 + 3_601, 40_000);
    watched(&mut m, Some(Layer::Store), 48_000, 1_000_000, 1_000_200);
    assert_eq!(m.incidents().count(), 2);
    let before = m.incidents().next().unwrap().touched;
    watched(&mut m, Some(Layer::Store), 48_000, 1_000_200, 1_001_000);
    assert_eq!(peak(&m), 300);
    assert_eq!(
        m.incidents().next().unwrap().touched,
        before,
        "nothing of it is put on record"
    );
    assert_eq!(m.incidents().nth(1).unwrap().backlog.peak.unwrap().0, 48_000);
}

#[test]
fn one_that_nobody_called_over_is_left_alone_by_the_next_outage() {
    let mut m = outage();
    watched(&mut m, None, 10, 1_000, 1_700);
    assert!(restored(&m).is_some());
    watched(&mut m, Some(Layer::Store), 48_000, 200_000, 201_000);
    let all: Vec<&inc::Incident> = m.incidents().collect();
    assert_eq!(all.len(), 2);
    assert_eq!(
        all[0].restored().map(|r| r.at),
        Some(t(1_000)),
        "its end is proposed still"
    );
    assert_eq!(all[0].backlog.peak.unwrap().0, 10);
    assert_eq!(m.open_incident().map(|i| &i.id), Some(&all[1].id));
}

#[test]
fn a_backlog_is_not_cleared_by_the_first_of_two_queues_that_is_read() {
    let mut m = watching(&["a", "b"]);
    opened(&mut m, 100, 50, &["a", "b"]);
    let seen = BacklogSeen {
        peak: 31_000,
        peak_at: t(60),
        cleared_at: None,
        mail_minutes: None,
        unseen: Span::ZERO,
    };
    say(&mut m, 110, Entry::BacklogSeen(seen));
    read(&mut m, "a", 120, 10);
    assert_eq!(one(&m).backlog.cleared, None, "the other holds it perhaps");
    read(&mut m, "b", 125, 10);
    assert_eq!(one(&m).backlog.cleared.map(|c| c.at), Some(t(125)));
}

#[test]
fn mail_minutes_of_what_is_opened_by_hand_with_nothing_read_before_stay_unknown_on_record() {
    let mut m = watching(&["a"]);
    opened(&mut m, 100, 50, &["a"]);
    for s in (110..1_000).step_by(10) {
        read(&mut m, "a", s, 500);
    }
    assert_eq!(one(&m).backlog.peak.unwrap().0, 500);
    assert_eq!(one(&m).backlog.mail_minutes, None);
}

#[test]
fn what_stood_on_a_server_of_which_nothing_is_known_is_not_zero() {
    let mut m = watching(&["a"]);
    read(&mut m, "a", 40, 10);
    opened(&mut m, 100, 50, &["a", "elsewhere"]);
    assert_eq!(one(&m).backlog.stood, None);
    let mut replayed = Model::new(None);
    opened(&mut replayed, 100, 50, &["a"]);
    read(&mut replayed, "a", 110, 500);
    read(&mut replayed, "a", 120, 500);
    assert_eq!(one(&replayed).backlog.mail_minutes, None);
}

#[test]
fn what_waited_before_an_incident_was_opened_by_hand_is_its_own() {
    let mut m = watching(&["a"]);
    for s in (50..1_000).step_by(10) {
        let n = match s {
            ..100 => 40,
            100..700 => 48_000,
            _ => 300,
        };
        read(&mut m, "a", s, n);
    }
    opened(&mut m, 1_000, 95, &["a"]);
    let b = &one(&m).backlog;
    assert_eq!(
        (b.stood, b.peak.map(|(n, at)| (n, at.at))),
        (Some(40), Some((48_000, t(100))))
    );
    // Ten minutes of 47,960, then 290 s of 260.
    assert_eq!(b.mail_minutes, Some(479_600 + 1_256));
    assert_eq!(b.unseen, Span::ZERO);
}

#[test]
fn what_always_stands_on_a_server_that_joins_is_no_mail_that_waits() {
    let mut m = watching(&["a", "b"]);
    for s in (0..600).step_by(10) {
        let fails = |from: i64| (s >= from).then_some(Layer::Store);
        probe(&mut m, "a", fails(100), s, s + 1);
        probe(&mut m, "b", fails(130), s + 1, s + 2);
        read(&mut m, "a", s + 2, 10);
        read(&mut m, "b", s + 3, 5_000);
    }
    let i = one(&m);
    assert_eq!(i.servers.len(), 2);
    assert_eq!((i.opened.stood_before, i.backlog.stood), (Some(10), Some(5_010)));
    assert_eq!(i.backlog.mail_minutes, Some(0));
    record(&mut m, 600);
}
