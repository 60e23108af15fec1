//! The fold, the clocks, what is owed, and the rules by which incidents open and end.

use std::collections::BTreeSet;

use super::debt::{Cadence, Debt, Word, debt};
use super::fact::*;
use super::opening::{Conclusion, DoorNow, Is, Rules, conclude, lot};
use super::*;
use crate::domain::Span;
use crate::domain::door::Role;
use crate::domain::health::Layer;
use proptest::prelude::*;

fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}
fn m(s: i64) -> Moment {
    Moment::plain(t(s))
}
fn failed(server: &str, first_bad: i64) -> Failed {
    Failed {
        server: server.into(),
        door: "imap".into(),
        role: Role::Mailbox,
        layer: Layer::Store,
        first_bad: t(first_bad),
        last_good: Some(t(first_bad - 10)),
    }
}
fn incident(server: &str, first_bad: i64, noticed: i64) -> Incident {
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
fn state(to: State) -> Entry {
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
fn proposed(last_bad: i64, first_good: i64, at: i64) -> Entry {
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

// Opening and ending.

fn bad(server: &str, first_bad: i64, last_bad: i64) -> DoorNow {
    DoorNow {
        failed: failed(server, first_bad),
        first_bad: m(first_bad),
        last_bad: m(last_bad),
        is: Is::Bad(9),
    }
}
fn good(server: &str, last_bad: i64, since: i64, last: i64) -> DoorNow {
    DoorNow {
        is: Is::Good(m(since), m(last)),
        ..bad(server, 0, last_bad)
    }
}
fn concluded(doors: &[DoorNow], incidents: &[&Incident], now: i64) -> Vec<Conclusion> {
    conclude(&Rules::default(), doors, incidents, |_| BacklogIs::Cleared, m(now))
}
fn opens(doors: &[DoorNow]) -> Vec<Vec<String>> {
    let servers = |c: Conclusion| match c.entry {
        Entry::Opened(o) => o.servers.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    };
    concluded(doors, &[], 1_000).into_iter().map(servers).collect()
}

#[test]
fn an_incident_opens_after_so_long_so_many_probes_and_at_the_layers_that_count() {
    assert_eq!(opens(&[bad("mbox1", 0, 60)]), [["mbox1"]]);
    assert!(opens(&[bad("mbox1", 0, 59)]).is_empty(), "not for long enough");
    let is = |is| DoorNow {
        is,
        ..bad("mbox1", 0, 600)
    };
    assert!(opens(&[is(Is::Bad(2))]).is_empty(), "not often enough");
    assert!(opens(&[is(Is::Unclear)]).is_empty());
    let mut account = bad("mbox1", 0, 600);
    account.failed.layer = Layer::Credential;
    assert!(opens(&[account]).is_empty(), "an account is no outage");
}

#[test]
fn several_servers_of_one_layer_and_one_time_are_one_incident() {
    let mut other_layer = bad("mx1", 0, 600);
    other_layer.failed.layer = Layer::Network;
    let doors = [
        bad("mbox1", 0, 600),
        bad("mbox2", 200, 600),
        other_layer,
        bad("mbox3", 800, 900),
    ];
    let all = opens(&doors);
    assert_eq!(all, [vec!["mbox1", "mbox2"], vec!["mx1"], vec!["mbox3"]]);
    let Entry::Opened(first) = concluded(&doors, &[], 1_000).remove(0).entry else {
        panic!()
    };
    assert_eq!(first.name.as_str(), "mailbox store down on mbox1 and mbox2");
    assert_eq!((first.started, first.last_good), (t(0), Some(t(-10))));
    assert_eq!(first.lasted, Some(Span::from_secs(1_000)));
}

#[test]
fn what_fails_later_joins_by_its_server_or_by_layer_and_time_and_only_once() {
    let i = incident("mbox1", 0, 60);
    assert!(concluded(&[bad("mbox1", 0, 600)], &[&i], 700).is_empty());
    let joined = |door| match concluded(&[door], &[&i], 2_000).as_slice() {
        [
            Conclusion {
                id: Some(id),
                entry: Entry::Joined(j),
            },
        ] => {
            assert_eq!(*id, i.id);
            j.doors.len()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(joined(bad("mbox2", 250, 900)), 1);
    let mut changed = bad("mbox1", 0, 900);
    changed.failed.layer = Layer::Network;
    assert_eq!(joined(changed), 1);
    assert!(matches!(
        concluded(&[bad("mbox2", 500, 900)], &[&i], 2_000)[0].entry,
        Entry::Opened(_)
    ));
}

#[test]
fn an_end_is_proposed_once_service_was_good_for_long_enough_and_the_backlog_goes() {
    let i = incident("mbox1", 0, 60);
    let doors = [good("mbox1", 990, 1_000, 1_600)];
    let all = concluded(&doors, &[&i], 1_605);
    let [
        Conclusion {
            entry: Entry::EndProposed(EndProposed { restored: Some(r) }),
            ..
        },
    ] = all.as_slice()
    else {
        panic!("{all:?}")
    };
    assert_eq!(
        (r.last_bad, r.first_good, r.ago),
        (t(990), t(1_000), Span::from_secs(605))
    );
    assert!(
        concluded(&[good("mbox1", 990, 1_000, 1_599)], &[&i], 1_605).is_empty(),
        "too soon"
    );
    for stands in [BacklogIs::Stands, BacklogIs::Unknown] {
        assert!(conclude(&Rules::default(), &doors, &[&i], |_| stands, m(1_605)).is_empty());
    }
    let mut two = i.clone();
    let doors2 = vec![failed("mbox2", 0)];
    two.take(
        &Entry::Joined(Joined {
            doors: doors2,
            stood_before: None,
        }),
        m(100),
    );
    assert!(
        concluded(&doors, &[&two], 1_605).is_empty(),
        "one of its doors is not known to be good"
    );
}

#[test]
fn a_proposal_is_made_once_and_taken_back_when_it_fails_again() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&proposed(990, 1_000, 1_600), m(1_600));
    assert!(concluded(&[good("mbox1", 990, 1_000, 3_000)], &[&i], 3_000).is_empty());
    let all = concluded(&[bad("mbox1", 3_000, 3_010)], &[&i], 3_010);
    assert!(matches!(
        &all[..],
        [Conclusion {
            entry: Entry::EndProposed(EndProposed { restored: None }),
            ..
        }]
    ));
}

#[test]
fn a_flapping_service_is_one_incident_and_one_that_fails_much_later_is_another() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&proposed(990, 1_000, 1_600), m(1_600));
    i.take(&state(State::Resolved), m(1_700));
    let again = concluded(&[bad("mbox1", 2_000, 2_100)], &[&i], 2_100);
    assert!(matches!(
        &again[..],
        [Conclusion {
            id: Some(_),
            entry: Entry::State(StateSet {
                to: State::Investigating,
                by: None,
                ..
            })
        }]
    ));
    let later = concluded(&[bad("mbox1", 1_700 + 1_801, 9_000)], &[&i], 9_000);
    assert!(matches!(later[0].entry, Entry::Opened(_)), "{later:?}");
}

#[test]
fn one_whose_end_was_proposed_long_before_does_not_swallow_what_fails_later() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&proposed(990, 1_000, 1_600), m(1_600));
    let soon = concluded(&[bad("mbox1", 1_600 + 1_800, 4_000)], &[&i], 4_000);
    assert!(
        matches!(
            &soon[..],
            [Conclusion {
                entry: Entry::EndProposed(_),
                ..
            }]
        ),
        "{soon:?}"
    );
    let later = [bad("mbox1", 250_000, 250_100)];
    let all = concluded(&later, &[&i], 250_100);
    let [
        Conclusion {
            id: None,
            entry: Entry::Opened(o),
        },
    ] = &all[..]
    else {
        panic!("{all:?}")
    };
    assert_eq!(o.started, t(250_000));
    let new = Incident::new(IncidentId::new(o.started, 1), (**o).clone(), m(250_100));
    assert!(
        concluded(&later, &[&i, &new], 250_200).is_empty(),
        "the end of the old one stays proposed"
    );
}

#[test]
fn a_server_whose_doors_fail_at_two_layers_is_in_one_incident_and_named_for_what_was_seen() {
    let at = |server, name: &str, layer| {
        let mut d = bad(server, 0, 600);
        (d.failed.door, d.failed.layer) = (name.into(), layer);
        d
    };
    let doors = [
        at("mbox1", "imap", Layer::Store),
        at("mx1", "a", Layer::Network),
        at("mx1", "b", Layer::Store),
    ];
    let all = concluded(&doors, &[], 1_000);
    let [
        Conclusion {
            entry: Entry::Opened(o),
            ..
        },
    ] = &all[..]
    else {
        panic!("{all:?}")
    };
    assert_eq!((o.servers.len(), o.doors.len()), (2, 3));
    assert_eq!(&*o.name, "network down on mx1", "nobody saw that of mbox1");
}

#[test]
fn what_the_rules_open_has_an_id_that_follows_from_what_was_seen() {
    let opened = |doors: &[DoorNow], now| match concluded(doors, &[], now).remove(0).entry {
        Entry::Opened(o) => *o,
        other => panic!("{other:?}"),
    };
    let (a, b) = (bad("mbox1", 0, 600), bad("mbox2", 30, 600));
    let one = lot(&opened(&[a.clone(), b.clone()], 700));
    assert_eq!(one, lot(&opened(&[b.clone(), a.clone()], 900)));
    assert_eq!(one, lot(&opened(&[a], 700)), "whoever failed with it later");
    assert_ne!(one, lot(&opened(&[b], 700)));
    assert_ne!(one, lot(&opened(&[bad("mbox1", 1, 600)], 700)));
}

#[test]
fn one_that_was_called_over_while_it_fails_goes_on() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&state(State::Resolved), m(500));
    let all = concluded(&[bad("mbox1", 0, 600)], &[&i], 600);
    assert!(matches!(all[0].entry, Entry::State(_)), "{all:?}");
    assert!(
        concluded(&[bad("mbox1", 0, 490)], &[&i], 600).is_empty(),
        "it was not seen to fail since"
    );
}

proptest! {
    /// Whatever doors do, what is concluded and put on record leaves nothing more to conclude, and no server is in two open
    /// incidents.
    #[test]
    fn what_is_put_on_record_is_concluded_once(
        doors in prop::collection::vec((0usize..4, 0usize..3, 0i64..2_000, 60i64..4_000, 0usize..3), 1..10)
    ) {
        let layers = [Layer::Store, Layer::Network, Layer::Auth];
        let mut seen = BTreeSet::new();
        let doors: Vec<DoorNow> = doors.into_iter().filter(|d| seen.insert((d.0, d.1))).map(|(s, door, first, lasted, layer)| {
            let mut d = bad(&format!("s{s}"), first, first + lasted);
            (d.failed.door, d.failed.layer) = (format!("d{door}").as_str().into(), layers[layer]);
            d
        }).collect();
        let mut incidents: Vec<Incident> = Vec::new();
        for round in 0..2 {
            let borrowed: Vec<&Incident> = incidents.iter().collect();
            let all = concluded(&doors, &borrowed, 6_000);
            prop_assert!(round == 0 || all.is_empty(), "{:?}", all);
            for (n, c) in all.into_iter().enumerate() {
                match (c.id, c.entry) {
                    (None, Entry::Opened(o)) => {
                        incidents.push(Incident::new(IncidentId::new(o.started, n as u16), *o, m(6_000)));
                    }
                    (Some(id), entry) => incidents.iter_mut().find(|i| i.id == id).unwrap().take(&entry, m(6_000)),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
        let mut servers = BTreeSet::new();
        for s in incidents.iter().flat_map(|i| &i.servers) {
            prop_assert!(servers.insert(s), "{s} is in two");
        }
    }
}
