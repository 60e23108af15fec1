//! The handover: what it says while things go on, when all is over, and when nobody looks any more.

use mailtop::domain::event::Event;
use mailtop::domain::incident::debt::Cadence;
use mailtop::report::handover::Handover;
use serde_json::json;

use super::world::{HOSTILE, event, job, job_seen, model, record, said, t, times};

fn page(events: &[Event], min: i64) -> String {
    Handover::of(&model(events, min), Cadence::default(), &times(), t(min)).text(&times())
}

#[test]
fn in_the_middle_of_it_the_page_says_what_is_wrong_paused_due_open_and_tried() {
    insta::assert_snapshot!(page(&record(), 99));
}

#[test]
fn after_it_the_page_says_that_all_is_well_and_what_stays_open() {
    insta::assert_snapshot!(page(&record(), 239));
}

#[test]
fn once_nobody_looks_nothing_is_wrong_and_nothing_is_good() {
    let text = page(&record(), 600);
    assert!(text.contains("the newest thing on record is 6h01m old"), "{text}");
    assert!(text.contains("servers: 2 not known"), "{text}");
    assert!(!text.contains(" ok"), "{text}");
    assert!(
        text.contains("mbox1, out1: nothing is known now, last seen 6h01m ago"),
        "{text}"
    );
}

#[test]
fn a_pause_that_cannot_be_read_any_more_is_not_told_as_one() {
    let text = page(&record(), 104);
    assert!(
        text.contains("db-compact on mbox1: not known now, it was paused when it was read last, 5m"),
        "{text}"
    );
    assert!(
        text.contains("whether an end is armed there is not known now"),
        "{text}"
    );
}

#[test]
fn a_pause_whose_end_is_armed_says_where_by_what_and_for_how_long_still() {
    let armed = |keeper: &str| json!([{"id": "a1", "keeper": keeper, "fires_in": 720_000_000, "by": "lin@bastion", "why": "drain first"}]);
    let with = |min: i64, armed: serde_json::Value| {
        let mut all: Vec<Event> = record().into_iter().filter(|e| e.at < t(98)).collect();
        all.push(job_seen(98, "paused", armed));
        page(&all, min)
    };
    let text = with(99, armed("timer"));
    assert!(
        text.contains("until 11:50 (in 11m): the end is armed on mbox1 by a timer"),
        "{text}"
    );
    assert!(
        text.contains("11:50  the pause of db-compact on mbox1 ends, armed there"),
        "{text}"
    );
    let text = with(99, armed("watcher"));
    assert!(text.contains("by a waiting process, which"), "{text}");
    // Once that cannot be read any more it is not claimed.
    let text = with(110, armed("timer"));
    assert!(
        !text.contains("is armed on mbox1") && text.contains("is not known now"),
        "{text}"
    );
}

#[test]
fn what_nobody_knows_and_nobody_decided_is_a_question() {
    let mut all: Vec<Event> = record().into_iter().filter(|e| e.at <= t(170)).collect();
    let found = json!({"state": "idle", "progress": null, "running_for": null, "detail": "idle", "armed": []});
    all.push(event(165, job(), "action-planned", json!({
        "id": "a3", "verb": "pause", "server": "mbox1", "job": "db-compact", "runs": [], "touches": [], "beware": [], "undo": "",
        "armed_on_server": true, "lasts": 1_800_000_000, "reason": "once more", "by": "kim@bastion",
    })));
    all.push(event(
        165,
        job(),
        "action-read-back",
        json!({"id": "a3", "truth": {"truth": "contradicted", "found": found}}),
    ));
    all.push(event(
        166,
        job(),
        "drifted",
        json!({"id": "a2", "expected": "running", "found": found}),
    ));
    let text = page(&all, 170);
    for part in [
        "INC267603: its end was proposed at 12:40; is it over?",
        "12:45  pause db-compact on mbox1: contradicted: found idle",
        "12:46  db-compact on mbox1: found idle, should be running; who did that?",
        "11:52  resume db-compact on mbox1: cannot be verified: no answer in 5s",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn nothing_on_record_is_nothing_known() {
    let text = page(&[], 0);
    assert!(
        text.contains("nothing is on record") && text.contains("Nothing is known: no server is on record."),
        "{text}"
    );
}

#[test]
fn a_terminal_of_80_columns_holds_every_line_and_no_word_of_a_stranger_acts_on_it() {
    let mut all = record();
    all.push(said(
        98,
        json!({"entry": "noted", "text": HOSTILE.repeat(8), "by": HOSTILE}),
    ));
    let text = page(&all, 99);
    assert!(text.contains("␛[2J"));
    for line in text.lines() {
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
        let long_word = line.trim().split(' ').count() < 3;
        assert!(long_word || unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
    let handover = Handover::of(&model(&all, 99), Cadence::default(), &times(), t(99));
    let md = handover.md(&times());
    assert!(md.contains("\\<img src=x onerror=alert(1)\\>"), "{md}");
    assert!(!md.replace("\\<img", "").contains("<img"), "{md}");
    assert!(
        md.starts_with(
            "# Handover 2026-11-21 11:39:00 UTC\n\nThe newest thing on record is 0s old.\n\n## Wrong now\n\n- "
        ),
        "{md}"
    );
}
