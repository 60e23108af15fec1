//! The fold, the clocks, and what is owed.

use super::debt::{Cadence, Debt, Word, debt};
use super::fact::*;
use super::*;
use crate::domain::Span;
use crate::domain::door::Role;
use crate::domain::health::Layer;
use proptest::prelude::*;

pub(super) fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}
pub(super) fn m(s: i64) -> Moment {
    Moment::plain(t(s))
}
pub(super) fn failed(server: &str, first_bad: i64) -> Failed {
    Failed {
        server: server.into(),
        door: "imap".into(),
        role: Role::Mailbox,
        layer: Layer::Store,
        first_bad: t(first_bad),
        last_good: Some(t(first_bad - 10)),
    }
}
pub(super) fn incident(server: &str, first_bad: i64, noticed: i64) -> Incident {
    let opened = Opened {
        name: "mailbox store down on mbox1".into(),
        how: How::Rule,
        by: None,
        number: None,
        layer: Some(Layer::Store),
        servers: vec![server.into()],
        doors: vec![failed(server, first_bad)],
        started: t(first_bad),
        last_good: Some(t(first_bad - 10)),
        lasted: Some(Span::from_secs(noticed - first_bad)),
        stood_before: Some(0),
    };
    Incident::new(IncidentId::new(t(first_bad), 7), opened, m(noticed))
}
pub(super) fn state(to: State) -> Entry {
    Entry::State(StateSet {
        to,
        by: Some("lin".into()),
        why: None,
    })
}
fn posted(next: Option<i64>) -> Entry {
    Entry::UpdatePosted(Posted {
        lines: lines("we look into it"),
        by: "lin".into(),
        next_at: next.map(t),
        out: Out::ByHand,
        of: None,
    })
}
pub(super) fn proposed(last_bad: i64, first_good: i64, at: i64) -> Entry {
    Entry::EndProposed(EndProposed {
        restored: Some(Restored {
            last_bad: t(last_bad),
            first_good: t(first_good),
            ago: Span::from_secs(at - first_good),
            backlog: BacklogIs::Cleared,
        }),
    })
}
const ACK: fn() -> Entry = || Entry::Acknowledged(Acknowledged { by: "lin".into() });

#[test]
fn the_clocks_of_the_weekend_are_what_its_script_says_with_both_events_named() {
    let mut i = incident("mbox1", 50, 120);
    i.take(&ACK(), m(300));
    i.take(&proposed(126_000, 126_010, 126_700), m(126_700));
    let c = clocks::clocks(&i);
    let now = m(200_000);
    assert_eq!(c.detected.lasted(now), Span::from_secs(70));
    assert_eq!(c.acknowledged.lasted(now), Span::from_secs(180));
    assert_eq!(c.restored.lasted(now), Span::from_secs(126_010 - 120));
    assert_eq!(c.outage.lasted(now), Span::from_secs(126_010 - 50));
    assert_eq!(c.detected.from.what.as_str(), "first bad probe of imap on mbox1");
    assert_eq!(c.detected.to.unwrap().what.as_str(), "opened by the rules");
    assert!(!c.outage.runs());
}

#[test]
fn a_clock_that_nobody_stopped_runs_and_one_of_an_unread_queue_is_not_there() {
    let c = clocks::clocks(&incident("mbox1", 0, 60));
    assert!(c.acknowledged.runs() && c.restored.runs());
    assert_eq!(c.outage.lasted(m(600)), Span::from_mins(10));
    assert_eq!((c.peak, c.cleared, c.mail_minutes), (None, None, None));
}

#[test]
fn a_step_of_the_wall_clock_by_an_hour_leaves_every_clock_right() {
    for step in [-3_600, 3_600, 86_400] {
        let after = |s: i64| Moment::new(t(s + step), Span::from_secs(step));
        let mut i = incident("mbox1", 0, 60);
        i.take(&ACK(), after(600));
        let restored = Entry::EndProposed(EndProposed {
            restored: Some(Restored {
                last_bad: t(1_190 + step),
                first_good: t(1_200 + step),
                ago: Span::from_secs(600),
                backlog: BacklogIs::Clearing,
            }),
        });
        i.take(&restored, after(1_800));
        let c = clocks::clocks(&i);
        assert_eq!(c.acknowledged.lasted(after(9_999)), Span::from_secs(540), "{step}");
        assert_eq!(c.outage.lasted(after(9_999)), Span::from_secs(1_200), "{step}");
        let owed = debt(&i, Cadence::default(), after(1_800)).unwrap();
        assert_eq!(owed.left, Span::from_secs(300 - 1_740), "{step}");
    }
}

#[test]
fn a_step_between_the_first_bad_probe_and_the_opening_is_taken_out_too() {
    let mut i = incident("mbox1", 0, 60);
    // The clock went forward by an hour while it was watched for a minute.
    i.noticed = Moment::new(t(3_660), Span::from_hours(1));
    assert_eq!(i.start().at, m(0));
    assert_eq!(clocks::clocks(&i).detected.lasted(m(0)), Span::from_secs(60));
}

#[test]
fn both_starts_are_kept_and_a_correction_can_be_taken_back() {
    let mut i = incident("mbox1", 50, 120);
    let correct = |at: Option<i64>| {
        Entry::StartCorrected(StartCorrected {
            at: at.map(t),
            by: "lin".into(),
        })
    };
    // Before all that the journal knows.
    i.take(&correct(Some(-900_000)), m(400));
    let s = i.start();
    assert_eq!((s.at.at, s.by.as_deref()), (t(-900_000), Some("lin")));
    assert_eq!(s.probes, Some((Some(t(40)), t(50))));
    assert_eq!(
        clocks::clocks(&i).outage.from.what.as_str(),
        "start as corrected by lin"
    );
    assert_eq!(clocks::clocks(&i).detected.lasted(m(0)), Span::from_secs(900_120));
    i.take(&correct(None), m(500));
    assert_eq!((i.start().at, i.start().by), (m(50), None));
}

#[test]
fn a_server_that_failed_earlier_and_joined_later_moves_the_derived_start() {
    let mut i = incident("mbox1", 50, 120);
    let doors = vec![failed("mbox2", 20)];
    i.take(
        &Entry::Joined(Joined {
            doors,
            stood_before: None,
        }),
        m(130),
    );
    assert_eq!(i.start().at.at, t(20));
    assert_eq!(i.servers.len(), 2);
}

#[test]
fn states_go_by_hand_and_a_resolved_one_that_opens_again_is_not_over() {
    let mut i = incident("mbox1", 0, 60);
    for to in State::ALL {
        i.take(&state(to), m(600));
    }
    assert_eq!(i.resolved(), Some(m(600)));
    i.take(&proposed(500, 510, 650), m(650));
    i.take(&state(State::Investigating), m(700));
    assert_eq!((i.resolved(), i.restored()), (None, None));
}

#[test]
fn only_the_first_who_takes_it_stops_the_clock_and_the_newest_number_counts() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&ACK(), m(100));
    i.take(&Entry::Acknowledged(Acknowledged { by: "kim".into() }), m(200));
    assert_eq!(i.acknowledged, Some(("lin".into(), m(100))));
    assert_eq!(i.called(), i.id.0.as_str());
    let ticket = |is, ticket: &str| {
        Entry::TicketLinked(Ticket {
            ticket: ticket.into(),
            affected: vec!["a@example.com".into()],
            is,
            by: "lin".into(),
        })
    };
    i.take(&ticket(TicketIs::Number, "INC267603"), m(300));
    i.take(&ticket(TicketIs::Report, "T-1"), m(300));
    assert_eq!((i.called(), i.tickets.len()), ("INC267603", 2));
}

#[test]
fn of_a_hundred_thousand_notes_a_bounded_number_is_kept_the_newest() {
    let mut i = incident("mbox1", 0, 60);
    for n in 0..100_000i64 {
        let note = Noted {
            text: format!("{n}").into(),
            by: "lin".into(),
            of: None,
        };
        i.take(&Entry::Noted(note), m(n));
    }
    assert!(i.notes.len() <= 500);
    assert_eq!(i.notes.last().unwrap().1.text.as_str(), "99999");
}

#[test]
fn an_entry_reads_back_as_it_was_and_an_old_one_without_the_newer_fields_too() {
    let mut all = vec![ACK(), posted(Some(9)), state(State::Monitoring), proposed(1, 2, 3)];
    all.push(Entry::Opened(Box::new(incident("a", 0, 1).opened)));
    for entry in all {
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry, "{json}");
    }
    let old = r#"{"entry":"opened","name":"x\u001b[2J","started":"2026-11-21T10:58:50Z"}"#;
    let Entry::Opened(opened) = serde_json::from_str(old).unwrap() else {
        panic!("{old}")
    };
    assert_eq!(
        (opened.name.as_str(), opened.how, opened.layer),
        ("x␛[2J", How::Rule, None)
    );
}

fn backlog(minutes: &str) -> Entry {
    let json = format!(r#"{{"entry":"backlog-seen","peak":500,"peak_at":"2027-01-15T08:00:00Z"{minutes}}}"#);
    serde_json::from_str(&json).unwrap()
}

#[test]
fn mail_minutes_that_are_not_known_stay_so_through_the_record() {
    let by_hand = || {
        let mut i = incident("mbox1", 0, 60);
        (i.opened.stood_before, i.backlog.stood) = (None, None);
        i
    };
    let unknown = backlog("");
    assert!(
        !serde_json::to_string(&unknown).unwrap().contains("mail_minutes"),
        "older versions read it"
    );
    let mut i = by_hand();
    i.take(&unknown, m(100));
    assert_eq!((i.backlog.mail_minutes, i.backlog.peak.unwrap().0), (None, 500));
    i.take(&backlog(r#","mail_minutes":0"#), m(200));
    assert_eq!(
        i.backlog.mail_minutes, None,
        "an older version wrote that of what it did not know"
    );
    i.take(&backlog(r#","mail_minutes":7"#), m(300));
    i.take(&unknown, m(400));
    assert_eq!(i.backlog.mail_minutes, Some(7));
    let mut known = incident("mbox1", 0, 60);
    known.take(&backlog(r#","mail_minutes":0"#), m(200));
    assert_eq!(known.backlog.mail_minutes, Some(0));
}

#[test]
fn what_stands_in_the_queues_of_a_server_that_joins_is_no_mail_that_waits() {
    let joins = |stood_before| {
        let mut i = incident("mbox1", 0, 60);
        i.backlog.mail_minutes = Some(9);
        let doors = vec![failed("mbox2", 20)];
        i.take(&Entry::Joined(Joined { doors, stood_before }), m(130));
        (i.backlog.stood, i.backlog.mail_minutes)
    };
    assert_eq!(joins(Some(5_000)), (Some(5_000), Some(9)));
    assert_eq!(joins(None), (None, None), "not known, and so the sum is not");
    let old: Entry = serde_json::from_str(r#"{"entry":"joined","doors":[]}"#).unwrap();
    assert!(matches!(old, Entry::Joined(j) if j.stood_before.is_none()));
}

#[test]
fn words_of_many_lines_are_bounded_and_made_safe() {
    assert_eq!(lines("a\nb\u{202e}c\n\n"), [Text::from("a"), Text::from("b\u{202e}c")]);
    let many = lines(&"x\n".repeat(1_000));
    assert_eq!(many.len(), MAX_LINES + 1);
    assert_eq!(many[MAX_LINES].as_str(), "… 800 more lines are not kept");
}

// What is owed.

fn owed(i: &Incident, at: i64) -> Option<(Word, i64)> {
    debt(i, Cadence::default(), m(at)).map(|d: Debt| (d.word, d.left.secs()))
}

#[test]
fn the_first_word_is_owed_within_five_minutes_and_then_one_every_twenty_for_two_hours() {
    let mut i = incident("mbox1", 0, 60);
    assert_eq!(owed(&i, 60), Some((Word::First, 300)));
    assert_eq!(owed(&i, 960), Some((Word::First, -600)));
    i.take(&posted(None), m(1_000));
    assert_eq!(owed(&i, 1_000), Some((Word::Next, 1_200)));
    i.take(&posted(None), m(60 + 7_199));
    assert_eq!(owed(&i, 60 + 7_199), Some((Word::Next, 1_200)));
    i.take(&posted(None), m(60 + 7_200));
    assert_eq!(owed(&i, 60 + 7_200), Some((Word::Next, 3_600)));
}

#[test]
fn a_promise_that_is_sooner_than_the_cadence_counts_and_one_that_is_later_does_not() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&posted(Some(1_300)), m(1_000));
    assert_eq!(owed(&i, 1_000), Some((Word::Next, 300)));
    i.take(&posted(Some(9_000)), m(1_300));
    assert_eq!(owed(&i, 1_300), Some((Word::Next, 1_200)));
}

#[test]
fn a_resolved_incident_owes_one_last_word_and_then_nothing() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&posted(None), m(100));
    i.take(&state(State::Resolved), m(1_000));
    assert_eq!(owed(&i, 1_100), Some((Word::Last, 200)));
    assert_eq!(owed(&i, 1_000 + 86_401), None);
    i.take(&posted(None), m(1_200));
    assert_eq!(owed(&i, 1_300), None);
}

fn posted_of(of: i64, next: Option<i64>) -> Entry {
    let Entry::UpdatePosted(mut p) = posted(next) else {
        panic!()
    };
    p.of = Some(t(of));
    Entry::UpdatePosted(p)
}

#[test]
fn an_update_that_is_put_on_record_later_counts_from_when_it_was_posted() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&posted(None), m(5_000));
    i.take(&posted_of(1_000, Some(1_600)), m(5_060));
    assert_eq!(
        owed(&i, 5_060),
        Some((Word::Next, 1_140)),
        "the newest is the first one"
    );
    i.take(&posted_of(5_500, None), m(5_900));
    assert_eq!(owed(&i, 6_000), Some((Word::Next, 700)));
    assert_eq!(
        debt(&i, Cadence::default(), m(6_000)).unwrap().since,
        Some(Span::from_secs(500))
    );
    i.take(&posted_of(99_000, None), m(6_100));
    assert_eq!(owed(&i, 6_100), Some((Word::Next, 1_200)), "not after it is on record");
}

#[test]
fn an_update_of_before_the_end_is_no_closing_word_however_late_it_is_put_on_record() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&state(State::Resolved), m(1_000));
    i.take(&posted_of(900, None), m(1_100));
    assert_eq!(owed(&i, 1_100), Some((Word::Last, 200)));
    i.take(&posted_of(1_050, None), m(1_200));
    assert_eq!(owed(&i, 1_200), None);
}

#[test]
fn a_debt_says_when_it_is_due_and_by_how_much_it_is_late() {
    let d = |left: i64| Debt {
        word: Word::Next,
        left: Span::from_secs(left),
        since: None,
    };
    assert_eq!(d(-7_920).words(), "public update OVERDUE by 2h12m");
    assert_eq!(d(180).words(), "public update due in 3m");
    assert!(d(0).is_due() && !d(0).is_overdue() && !d(301).is_due());
}

proptest! {
    #[test]
    fn what_is_owed_only_shrinks_while_time_goes_on_and_nobody_posts(
        posts in prop::collection::vec((0i64..20_000, prop::option::of(0i64..40_000)), 0..8), a in 0i64..40_000, d in 0i64..40_000
    ) {
        let mut i = incident("mbox1", 0, 60);
        let mut posts = posts;
        posts.sort_unstable();
        for (at, next) in &posts {
            i.take(&posted(*next), m(*at));
        }
        let now = posts.last().map_or(60, |p| p.0) + a;
        let (x, y) = (owed(&i, now).unwrap().1, owed(&i, now + d).unwrap().1);
        prop_assert_eq!(x - y, d);
    }
}
