//! The handover: what it says while things go on, when all is over, and when nobody looks any more.

use mailtop::domain::event::Event;
use mailtop::domain::incident::debt::Cadence;
use mailtop::report::handover::Handover;
use serde_json::json;

use super::world::{HOSTILE, model, record, said, t, times};

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
