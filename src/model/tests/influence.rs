//! What an action did, from events: the readings of its queue around it, what is settled once, what ends its windows.

use super::*;
use crate::domain::action::{Ran, Verb};
use crate::domain::flow::{FlowCounts, FlowSeen, FlowSource};
use crate::domain::influence::{Kind, Measured};

fn flow(source: FlowSource, from: i64, delivered: u64) -> Fact {
    Fact::FlowSeen(FlowSeen {
        source,
        from: t(from),
        counts: FlowCounts {
            delivered,
            ..FlowCounts::default()
        },
        partial: None,
        behind: 0,
        log_age: None,
        took: Span::ZERO,
        cpu: None,
    })
}
/// Readings of ten seconds by the log.
fn flows(m: &mut Model, from: i64, to: i64, delivered: u64) {
    for s in (from..to).step_by(10) {
        let uneven = delivered + u64::from(s % 20 == 0);
        m.apply(&event(s + 10, queue("a"), flow(FlowSource::Log, s, uneven)));
    }
}
fn plan(id: &str, verb: Verb, lasts: Option<i64>) -> Plan {
    Plan {
        id: ActionId(id.into()),
        verb,
        server: "a".into(),
        job: "compact".into(),
        runs: vec![],
        touches: vec![],
        beware: vec![],
        undo: "".into(),
        armed_on_server: true,
        choices: crate::domain::action::Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: crate::domain::action::Confirmation::Enter,
        offers: vec![],
        lasts: lasts.map(Span::from_mins),
        reason: "drain".into(),
        by: "lin".into(),
    }
}
fn act(m: &mut Model, at: i64, plan: Plan, truth: Truth) {
    let id = plan.id.clone();
    m.apply(&event(at, job("a"), Fact::ActionPlanned(Box::new(plan))));
    m.apply(&event(at + 2, job("a"), Fact::ActionReadBack(ReadBack { id, truth })));
}
fn confirmed(at: i64) -> Truth {
    Truth::Confirmed { at: t(at) }
}
fn one(m: &Model, id: &str, now: i64) -> Influence {
    let action = m.action(&ActionId(id.into())).unwrap();
    let mut all = m.influence(action, t(now));
    assert_eq!(all.len(), 1);
    all.remove(0).1
}
fn settled(m: &Model, id: &str, now: i64) -> Vec<Measured> {
    m.settled(m.action(&ActionId(id.into())).unwrap(), t(now))
}

#[test]
fn a_pause_that_sets_exits_free_is_measured_settled_once_and_kept_as_it_was_put_on_record() {
    let mut m = watching(&["a"]);
    flows(&mut m, 0, 1_000, 31);
    act(&mut m, 1_001, plan("1", Verb::Pause, Some(30)), confirmed(1_003));
    assert!(matches!(one(&m, "1", 1_010), Influence::TooEarly { .. }));
    flows(&mut m, 1_000, 1_300, 98);
    let Influence::Changed { ratio: Some(r), .. } = one(&m, "1", 1_300) else {
        panic!("{:?}", one(&m, "1", 1_300))
    };
    assert!((r.times - 3.13).abs() < 0.1, "{r:?}");
    assert_eq!(settled(&m, "1", 1_300), [], "less than ten minutes were seen");
    flows(&mut m, 1_300, 1_640, 98);
    let all = settled(&m, "1", 1_640);
    assert_eq!(all.len(), 1);
    m.apply(&event(1_640, job("a"), Fact::ActionMeasured(all[0].clone())));
    assert_eq!(settled(&m, "1", 1_640), [], "it is on record");
    flows(&mut m, 1_640, 1_900, 5);
    assert_eq!(one(&m, "1", 1_900), all[0].influence);
}

#[test]
fn a_resume_ends_the_window_of_the_pause_and_begins_its_own() {
    let mut m = watching(&["a"]);
    flows(&mut m, 0, 1_000, 31);
    act(&mut m, 1_001, plan("1", Verb::Pause, Some(30)), confirmed(1_003));
    flows(&mut m, 1_000, 1_400, 98);
    act(&mut m, 1_401, plan("2", Verb::Resume, None), confirmed(1_403));
    flows(&mut m, 1_400, 2_100, 30);
    let rates = |id| match one(&m, id, 2_100) {
        Influence::Changed {
            before_per_min,
            after_per_min,
            ..
        } => (
            (before_per_min / 6.0 + 0.01) as i64,
            (after_per_min / 6.0 + 0.01) as i64,
        ),
        other => panic!("{other:?}"),
    };
    assert_eq!((rates("1"), rates("2")), ((31, 98), (98, 30)));
    assert_eq!(settled(&m, "1", 1_410), [], "readings may still come in");
    assert_eq!(settled(&m, "1", 2_100).len(), 1, "its window has ended");
    assert_eq!(settled(&m, "1", 10_000), [], "too late: readings are let go");
}

#[test]
fn the_planned_end_of_a_pause_ends_its_window() {
    let mut m = watching(&["a"]);
    flows(&mut m, 0, 1_000, 31);
    act(&mut m, 1_001, plan("1", Verb::Pause, Some(1)), confirmed(1_003));
    flows(&mut m, 1_000, 1_700, 98);
    assert!(
        matches!(one(&m, "1", 1_700), Influence::Unknown { .. }),
        "{:?}",
        one(&m, "1", 1_700)
    );
    assert_eq!(settled(&m, "1", 1_700).len(), 1);
}

#[test]
fn an_action_that_failed_or_did_not_take_hold_is_not_measured() {
    let mut m = watching(&["a"]);
    flows(&mut m, 0, 1_000, 31);
    let found = JobState {
        state: State::Running,
        progress: None,
        running_for: None,
        began: None,
        held: None,
        detail: "".into(),
        armed: vec![],
        armed_unread: false,
        beware: vec![],
    };
    act(
        &mut m,
        1_001,
        plan("1", Verb::Pause, None),
        Truth::Contradicted { found },
    );
    act(&mut m, 1_100, plan("2", Verb::Pause, None), confirmed(1_102));
    let ran = Ran {
        id: ActionId("2".into()),
        exit: Some(1),
        output: "".into(),
        took: Span::ZERO,
        failed: Some("no".into()),
    };
    m.apply(&event(1_103, job("a"), Fact::ActionRan(ran)));
    flows(&mut m, 1_000, 2_000, 98);
    let why = |id| match one(&m, id, 2_000) {
        Influence::Unknown { why } => why.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(why("1"), "it did not take hold: it was read back as running");
    assert_eq!(why("2"), "its commands failed");
}

#[test]
fn with_depth_alone_the_net_rate_is_compared_and_never_called_exits() {
    let mut m = watching(&["a"]);
    let mut n = 50_000;
    for s in (0..1_000).step_by(10) {
        n += 20 + u64::from(s % 30 == 0);
        m.apply(&event(s, queue("a"), depth(n)));
    }
    act(&mut m, 1_001, plan("1", Verb::Pause, None), confirmed(1_003));
    for s in (1_000..1_700).step_by(10) {
        n -= 30 + u64::from(s % 30 == 0);
        m.apply(&event(s, queue("a"), depth(n)));
    }
    assert!(
        matches!(one(&m, "1", 1_690), Influence::NetChanged { .. }),
        "{:?}",
        one(&m, "1", 1_690)
    );
}

#[test]
fn a_queue_of_which_nothing_is_read_is_unknown_and_listings_serve_where_there_is_no_log() {
    let mut m = watching(&["a"]);
    act(&mut m, 1_001, plan("1", Verb::Pause, None), confirmed(1_003));
    let Influence::Unknown { why } = one(&m, "1", 1_300) else {
        panic!()
    };
    assert_eq!(why.as_str(), "nothing was counted just before it");
    for s in (0..1_900).step_by(100) {
        m.apply(&event(
            s + 100,
            queue("a"),
            flow(FlowSource::Listings, s, 300 + s as u64 % 300),
        ));
    }
    let told = one(&m, "1", 1_900);
    assert!(
        matches!(told, Influence::NotVisible { of: Kind::Exits, .. }),
        "{told:?}"
    );
}
