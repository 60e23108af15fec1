//! Incidents from the record: what follows from probes and queues, what is told of them, and that a clock which is set changes
//! nothing.

use super::*;
use crate::domain::action::{Choices, Confirmation};
use crate::domain::incident::clocks::clocks;
use crate::domain::incident::debt::Cadence;
use crate::domain::incident::evidence::Whose;
use crate::domain::incident::fact::{BacklogIs, Noted, StateSet};
use crate::domain::incident::moment::ClockStepped;
use crate::domain::incident::opening::Rules;
use crate::domain::incident::{self as inc, Entry, IncidentId};
use crate::model::incident::named;
use crate::model::timeline::{Line, SourceKind};

pub(super) fn rules() -> Rules {
    Rules::default()
}
pub(super) fn probe(m: &mut Model, server: &str, failure: Option<Layer>, from: i64, to: i64) {
    for s in (from..to).step_by(10) {
        m.apply(&event(s, door(server), probed(9, failure)));
        record(m, s);
    }
}
pub(super) fn read(m: &mut Model, server: &str, at: i64, n: u64) {
    m.apply(&event(at, queue(server), depth(n)));
    record(m, at);
}
/// Puts on record what follows, as the desk does.
pub(super) fn record(m: &mut Model, at: i64) {
    // What is opened has a backlog at once, of what was read before.
    for _ in 0..2 {
        for (n, c) in m.conclusions(&rules(), t(at)).into_iter().enumerate() {
            let incident = c.id.unwrap_or_else(|| IncidentId::new(t(at), n as u16));
            m.apply(&event(
                at,
                Subject::Incident { incident },
                Fact::Incident(Box::new(c.entry)),
            ));
        }
    }
    assert!(m.conclusions(&rules(), t(at)).is_empty(), "once is enough");
}
pub(super) fn say(m: &mut Model, at: i64, entry: Entry) {
    let incident = m.incidents().next().unwrap().id.clone();
    m.apply(&event(
        at,
        Subject::Incident { incident },
        Fact::Incident(Box::new(entry)),
    ));
}
pub(super) fn one(m: &Model) -> &inc::Incident {
    let mut all = m.incidents();
    let one = all.next().unwrap();
    assert!(all.next().is_none(), "there is one");
    one
}
fn told(m: &Model, at: i64) -> Vec<String> {
    let when = |at: Timestamp| format!("{}", at.as_second() - t(0).as_second());
    let line = |l: Line| format!("{} {}: {}", when(l.at.at), l.source.words(), l.words(&when));
    m.timeline(one(m), t(at)).into_iter().map(line).collect()
}
/// Down from 100 s on, seen good again from 1,000 s on.
fn outage() -> Model {
    let mut m = watching(&["a"]);
    read(&mut m, "a", 5, 10);
    probe(&mut m, "a", None, 0, 100);
    probe(&mut m, "a", Some(Layer::Store), 100, 1_000);
    probe(&mut m, "a", None, 1_000, 1_300);
    m
}

#[test]
fn an_outage_is_one_incident_with_the_probes_on_either_side_of_its_start() {
    let m = outage();
    let i = one(&m);
    assert_eq!(i.start().probes, Some((Some(t(90)), t(100))));
    assert_eq!((i.noticed.at, i.layer()), (t(160), Some(Layer::Store)));
    assert_eq!(i.opened.stood_before, Some(10));
    assert_eq!(i.restored(), None, "not good for long enough");
}

#[test]
fn its_end_is_proposed_when_service_is_good_and_the_backlog_goes() {
    let mut m = outage();
    probe(&mut m, "a", None, 1_300, 2_000);
    assert_eq!(one(&m).restored(), None, "the queue has not been read for long");
    assert_eq!(m.backlog_is(one(&m), t(2_000)), BacklogIs::Unknown);
    for s in 0..30 {
        read(&mut m, "a", 2_000 + s * 10, 10);
    }
    let i = one(&m);
    assert_eq!(i.restored().map(|r| r.at), Some(t(1_000)));
    assert_eq!(i.end.as_ref().unwrap().1.last_bad, t(990));
    assert!(!i.is_resolved(), "that is for a person to say");
    assert_eq!(clocks(i).outage.lasted(m.moment(t(9_999))), Span::from_secs(900));
    probe(&mut m, "a", Some(Layer::Store), 2_300, 2_330);
    assert_eq!(one(&m).restored(), None, "it fails again");
}

#[test]
fn two_servers_that_fail_together_are_one_and_flapping_is_one() {
    let mut m = watching(&["a", "b"]);
    for s in (0..3_000).step_by(10) {
        let up = (s / 300) % 2 == 0;
        let failure = (!up).then_some(Layer::Network);
        m.apply(&event(s, door("a"), probed(9, failure)));
        m.apply(&event(s + 1, door("b"), probed(9, failure)));
        record(&mut m, s + 1);
    }
    assert_eq!(one(&m).servers.len(), 2);
}

#[test]
fn the_timeline_tells_each_change_once_with_its_source() {
    let mut m = outage();
    say(
        &mut m,
        400,
        Entry::Noted(Noted {
            text: "disk is full".into(),
            by: "lin".into(),
            of: None,
        }),
    );
    let lines = told(&m, 1_300);
    assert_eq!(
        lines,
        [
            "100 imap on a: down: store: examine failed: [SERVERBUG] x",
            "160 rules: opened: mailbox store down on a (last good 90, first bad 100)",
            "400 lin: disk is full",
            "1000 imap on a: ok again, after 15m",
        ]
    );
}

#[test]
fn one_that_two_observers_open_at_once_is_one_and_is_told_once() {
    let mut m = outage();
    let before = one(&m).clone();
    say(&mut m, 1_300, Entry::Opened(Box::new(before.opened.clone())));
    assert_eq!((one(&m).noticed, &one(&m).doors), (before.noticed, &before.doors));
    let opened = |m: &Model| told(m, 1_400).iter().filter(|l| l.contains("opened")).count();
    assert_eq!(opened(&m), 1);
    let mut more = before.opened.clone();
    more.doors[0].door = "lmtp".into();
    say(&mut m, 1_310, Entry::Opened(Box::new(more)));
    assert_eq!(opened(&m), 1);
    assert_eq!(told(&m, 1_400).last().unwrap(), "1310 rules: joined: lmtp on a (store)");
}

#[test]
fn a_queue_that_turns_a_job_that_is_paused_and_a_gap_are_lines_and_senders_give_up() {
    let mut m = watching(&["a"]);
    let mut watched = roster(&["a"]);
    watched.senders = vec![crate::domain::horizon::Patience {
        sender: "Mailgun".into(),
        gives_up_after: Span::from_hours(8),
        at_least: None,
        tries: None,
        source: "its help centre".into(),
    }];
    m.apply(&event(0, Subject::Observer, Fact::Watching(watched)));
    probe(&mut m, "a", Some(Layer::Store), 0, 100);
    read(&mut m, "a", 110, 10);
    read(&mut m, "a", 120, 5_000);
    let plan = Plan {
        id: ActionId("x1".into()),
        verb: Verb::Pause,
        server: "a".into(),
        job: "compact".into(),
        runs: vec![],
        touches: vec![],
        beware: vec![],
        undo: "thaw".into(),
        armed_on_server: true,
        lasts: Some(Span::from_mins(30)),
        choices: Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: Confirmation::Enter,
        offers: vec![],
        reason: "drain first".into(),
        by: "lin".into(),
    };
    m.apply(&event(130, job("a"), Fact::ActionPlanned(Box::new(plan))));
    let back = ReadBack {
        id: ActionId("x1".into()),
        truth: Truth::Confirmed { at: t(131) },
    };
    m.apply(&event(131, job("a"), Fact::ActionReadBack(back)));
    probe(&mut m, "a", Some(Layer::Store), 30_000, 30_010);
    let lines = told(&m, 30_010);
    assert_eq!(
        lines[2..],
        [
            "120 postfix on a: grows: 10 → 5000",
            "130 compact on a: pause for 30m, by lin: drain first",
            "131 compact on a: pause confirmed",
            "28800 senders: Mailgun gives up mail of the first minute (8h00m), by its documentation",
            "30000 mailtop: nobody was watching 120–30000",
        ],
        "{lines:#?}"
    );
    let kinds: Vec<SourceKind> = m.timeline(one(&m), t(30_010)).iter().map(|l| l.source.kind()).collect();
    assert!(kinds.contains(&SourceKind::Observer) && kinds.contains(&SourceKind::Job));
}

#[test]
fn a_clock_that_is_set_by_an_hour_during_an_incident_leaves_its_clocks_right_and_is_a_line() {
    for step in [-3_600, 3_600] {
        let mut m = watching(&["a"]);
        probe(&mut m, "a", None, 0, 100);
        probe(&mut m, "a", Some(Layer::Store), 100, 500);
        let by = Span::from_secs(step);
        m.apply(&event(
            500 + step,
            Subject::Observer,
            Fact::ClockStepped(ClockStepped { by }),
        ));
        probe(&mut m, "a", Some(Layer::Store), 500 + step, 1_000 + step);
        probe(&mut m, "a", None, 1_000 + step, 1_700 + step);
        for s in 0..30 {
            read(&mut m, "a", 1_700 + step + s * 10, 10);
        }
        let now = m.moment(t(9_000 + step));
        let c = clocks(one(&m));
        assert_eq!(c.outage.lasted(now), Span::from_secs(900), "{step}");
        assert_eq!(c.detected.lasted(now), Span::from_secs(60), "{step}");
        let lines = told(&m, 2_000 + step);
        let set = lines.iter().position(|l| l.contains("the clock was set")).unwrap();
        let good = lines.iter().position(|l| l.contains("ok again, after 15m")).unwrap();
        assert!(set < good, "{lines:#?}");
    }
}

#[test]
fn an_incident_is_found_by_its_number_its_id_and_the_beginning_of_that() {
    let mut m = watching(&["a"]);
    let open = |m: &mut Model, at: i64, lot: u16, number: Option<&str>| {
        let json = serde_json::json!({"entry": "opened", "name": "x", "number": number, "started": t(at).to_string()});
        let incident = IncidentId::new(t(at), lot);
        let entry: Entry = serde_json::from_value(json).unwrap();
        m.apply(&event(
            at,
            Subject::Incident {
                incident: incident.clone(),
            },
            Fact::Incident(Box::new(entry)),
        ));
        incident
    };
    let first = open(&mut m, 0, 1, Some("INC267603"));
    let second = open(&mut m, 0, 2, None);
    assert_eq!(named(m.incidents(), "inc267603").unwrap().id, first);
    assert_eq!(named(m.incidents(), second.0.as_str()).unwrap().id, second);
    let both = &second.0.as_str()[..13];
    assert!(
        named(m.incidents(), both)
            .unwrap_err()
            .contains("means several incidents")
    );
    for none in ["", "INC1", "\u{1b}[2J"] {
        assert!(named(m.incidents(), none).unwrap_err().contains("there is no incident"));
    }
}

#[test]
fn a_hundred_thousand_entries_leave_a_bounded_timeline_that_says_how_many_are_not_there() {
    let mut m = outage();
    for n in 0..100_000 {
        say(
            &mut m,
            1_300 + n,
            Entry::Noted(Noted {
                text: "x".into(),
                by: "lin".into(),
                of: None,
            }),
        );
    }
    assert!(m.timeline(one(&m), t(200_000)).len() <= 4_001);
    assert!(m.lines_left_out() > 95_000);
}

#[test]
fn an_entry_whose_incident_is_not_known_is_no_incident_and_overlapping_ones_keep_their_own_lines() {
    let mut m = outage();
    let other = IncidentId::new(t(0), 999);
    let set = |why: &str| {
        Entry::State(StateSet {
            to: inc::State::Identified,
            by: None,
            why: Some(why.into()),
        })
    };
    m.apply(&event(
        500,
        Subject::Incident { incident: other },
        Fact::Incident(Box::new(set("other"))),
    ));
    say(&mut m, 600, set("mine"));
    assert_eq!(one(&m).state, inc::State::Identified);
    let lines = told(&m, 1_300);
    assert!(lines.iter().any(|l| l.contains("mine")) && !lines.iter().any(|l| l.contains("other")));
}

#[test]
fn senders_were_kept_out_for_as_long_as_the_way_in_was_down_and_no_longer_than_the_incident() {
    let mut m = outage();
    let out = m.kept_out(one(&m), t(1_300)).unwrap();
    assert_eq!((out.since.at, out.until.at, out.over), (t(100), t(1_000), true));
    // The same failure where another door is the way in, and that one works.
    let mut watched = roster(&["a"]);
    let mut smtp = watched.servers[0].doors[0].clone();
    (smtp.name, smtp.role, smtp.protocol) = ("smtp".into(), Role::Inbound, Protocol::Smtp);
    watched.servers[0].doors.push(smtp);
    let mut other = Model::new(Some(me()));
    other.apply(&event(0, Subject::Observer, Fact::Watching(watched)));
    probe(&mut other, "a", None, 0, 100);
    probe(&mut other, "a", Some(Layer::Store), 100, 1_000);
    assert_eq!(other.kept_out(one(&other), t(1_000)), None);
    // One that a person calls over ends there.
    m = watching(&["a"]);
    probe(&mut m, "a", Some(Layer::Store), 0, 600);
    let over = StateSet {
        to: inc::State::Resolved,
        by: Some("lin".into()),
        why: None,
    };
    say(&mut m, 600, Entry::State(over));
    let out = m.kept_out(one(&m), t(90_000)).unwrap();
    assert_eq!((out.since.at, out.until.at), (t(0), t(600)));
}

#[test]
fn good_again_is_said_with_its_age_and_only_while_probes_say_so() {
    let m = outage();
    assert_eq!(m.seen_good(one(&m), t(1_300)), Some(t(1_290)));
    assert_eq!(m.seen_good(one(&m), t(5_000)), None, "nobody looked for an hour");
    let mut again = m;
    probe(&mut again, "a", Some(Layer::Store), 1_300, 1_310);
    assert_eq!(again.seen_good(again.incidents().next().unwrap(), t(1_301)), None);
}

#[test]
fn a_server_that_fails_on_another_incident_is_not_taken_for_one_of_this() {
    let mut m = watching(&["a", "b"]);
    probe(&mut m, "a", Some(Layer::Store), 0, 200);
    let whose = |m: &Model| {
        let e = m.evidence(m.incidents().next().unwrap(), Cadence::default(), t(400));
        e.roles[1]
            .seen
            .iter()
            .map(|d| (d.server.to_string(), d.whose.clone()))
            .collect::<Vec<_>>()
    };
    m.apply(&event(395, door("a"), probed(9, Some(Layer::Store))));
    m.apply(&event(395, door("b"), probed(9, Some(Layer::Store))));
    assert_eq!(whose(&m), [("a".into(), Whose::This), ("b".into(), Whose::Nobody)]);
    let opened = inc::Said::Opened {
        name: "another".into(),
        servers: vec!["b".into()],
        started: t(300),
    };
    let incident = IncidentId::new(t(300), 7);
    m.apply(&event(
        396,
        Subject::Incident {
            incident: incident.clone(),
        },
        Fact::Incident(Box::new(opened.entry(&"lin".into()))),
    ));
    assert_eq!(whose(&m)[1].1, Whose::Another(incident.to_string().into()));
    let from = |m: &Model| {
        m.evidence(m.incidents().next().unwrap(), Cadence::default(), t(400))
            .from
    };
    assert_eq!(from(&m).as_deref(), Some("bastion"));
    let mut other = event(397, door("b"), probed(9, Some(Layer::Store)));
    other.seen_by = ObserverId("lin@mx1:1".into());
    m.apply(&other);
    assert_eq!(from(&m), None, "two hosts look: it is neither");
}

#[test]
fn a_look_at_the_record_keeps_every_incident_and_a_console_the_newest() {
    let kept = |mut m: Model| {
        for n in 0..70 {
            let opened = inc::Said::Opened {
                name: format!("the {n}th"),
                servers: vec![],
                started: t(n * 60),
            };
            m.apply(&event(
                n * 60,
                Subject::Incident {
                    incident: IncidentId::new(t(n * 60), n as u16),
                },
                Fact::Incident(Box::new(opened.entry(&"lin".into()))),
            ));
        }
        (
            m.incidents().count(),
            m.incidents().next().map(|i| i.name().to_string()),
        )
    };
    assert_eq!(kept(Model::new(None)), (64, Some("the 6th".into())));
    assert_eq!(
        kept(Model::new(None).keeping_all_incidents()),
        (70, Some("the 0th".into()))
    );
}

#[test]
fn what_may_be_said_of_a_role_is_what_a_fresh_probe_that_went_all_the_way_says() {
    let mut watched = roster(&["a", "out"]);
    watched.servers[1].doors[0].role = Role::Outbound;
    watched.servers[1].doors[0].protocol = Protocol::Submission;
    let start = |m: &mut Model| {
        m.apply(&event(0, Subject::Observer, Fact::Watching(watched.clone())));
        probe(m, "a", Some(Layer::Store), 0, 100);
    };
    let outbound = |m: &Model, at: i64| {
        let e = m.evidence(one(m), Cadence::default(), t(at));
        let mailbox = &e.roles[1].seen;
        assert_eq!(
            (mailbox.len(), mailbox[0].fails, mailbox[0].since),
            (1, Some(Layer::Store), Some(t(0)))
        );
        assert!(
            e.roles[0].seen.is_empty() && e.roles[0].unclear == 0,
            "nothing looks at inbound"
        );
        (
            e.roles[2].seen.iter().map(|d| d.fails).collect::<Vec<_>>(),
            e.roles[2].unclear,
        )
    };
    let mut m = Model::new(Some(me()));
    start(&mut m);
    assert_eq!(outbound(&m, 100), (vec![], 1), "never seen");
    m.apply(&event(95, door("out"), probed(9, None)));
    assert_eq!(outbound(&m, 100), (vec![None], 0));
    probe(&mut m, "a", Some(Layer::Store), 100, 200);
    assert_eq!(outbound(&m, 200), (vec![], 1), "too long ago");
    let Fact::Probed(mut report) = probed(9, None) else {
        panic!()
    };
    report.goal = Phase::Greeting;
    m.apply(&event(195, door("out"), Fact::Probed(report)));
    assert_eq!(outbound(&m, 200), (vec![], 1), "a greeting is no sending");
}
