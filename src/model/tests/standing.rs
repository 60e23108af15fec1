//! What a server says of its own pauses, and what the record says of a job that nobody here touched.

use super::*;
use crate::domain::action::{ActionId, Drift, Otherwise, Plan};
use crate::domain::job::{Armed, Keeper};

fn armed(id: &str, fires_in: Option<i64>) -> Armed {
    Armed {
        id: ActionId(id.into()),
        keeper: Keeper::Timer,
        fires_in: fires_in.map(Span::from_secs),
        by: None,
        why: None,
    }
}
fn paused(armed: Vec<Armed>) -> Fact {
    let mut state = JobState::of(State::Paused, "frozen");
    state.armed = armed;
    Fact::JobSeen(state)
}
fn pause(lasts: Span) -> Plan {
    Plan {
        id: ActionId("1".into()),
        verb: Verb::Pause,
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
        lasts: Some(lasts),
        reason: "drain".into(),
        by: "lin".into(),
    }
}
fn line(m: &Model, s: i64) -> (Option<Span>, bool) {
    let job = rows(m, t(s))[0].job.clone().unwrap();
    (job.pause_left, job.leased)
}

#[test]
fn the_servers_own_word_tells_how_long_a_pause_still_is_and_counts_from_its_reading() {
    let mut m = watching(&["a"]);
    all_well(&mut m, "a", 0);
    // Nothing of this pause is on our record.
    let both = vec![armed("x", None), armed("late", Some(600)), armed("soon", Some(90))];
    m.apply(&event(1, job("a"), paused(both)));
    assert_eq!(
        line(&m, 1),
        (Some(Span::from_secs(90)), true),
        "the first to fire ends it"
    );
    assert_eq!(line(&m, 11), (Some(Span::from_secs(80)), true));
    let leases = m.server("a").unwrap().jobs.values().next().unwrap();
    assert_eq!(leases.leases(t(1), Span::from_secs(30)).unwrap()[2].1, None);
    assert!(
        leases.leases(t(60), Span::from_secs(30)).is_none(),
        "an old reading tells nothing of now"
    );
    m.apply(&event(2, job("a"), paused(vec![armed("x", None)])));
    assert_eq!(
        line(&m, 3),
        (None, true),
        "what the server does not tell is not made up"
    );
    m.apply(&event(3, job("a"), paused(vec![])));
    assert_eq!(line(&m, 4), (None, false));
}

#[test]
fn a_pause_that_the_server_will_end_is_not_overdue_whatever_our_plan_said() {
    let mut m = watching(&["a"]);
    all_well(&mut m, "a", 90);
    m.apply(&event(
        1,
        job("a"),
        Fact::ActionPlanned(Box::new(pause(Span::from_secs(30)))),
    ));
    m.apply(&event(90, job("a"), paused(vec![armed("kim", Some(600))])));
    let row = &rows(&m, t(91))[0];
    assert_eq!((row.verdict, row.headline.clone()), (Verdict::Ok, Headline::Ok));
    m.apply(&event(92, job("a"), paused(vec![])));
    let row = &rows(&m, t(93))[0];
    assert_eq!(
        (row.verdict, row.headline.clone()),
        (Verdict::Warn, Headline::PauseOverdue)
    );
}

#[test]
fn a_job_that_drifted_is_a_warning_until_it_is_as_it_should_be() {
    let mut m = watching(&["a"]);
    all_well(&mut m, "a", 0);
    m.apply(&event(
        1,
        job("a"),
        Fact::ActionPlanned(Box::new(pause(Span::from_mins(30)))),
    ));
    let drift = Drift {
        id: ActionId("1".into()),
        expected: State::Paused,
        how: Otherwise::State,
        found: JobState::of(State::Running, "active"),
    };
    m.apply(&event(2, job("a"), state(State::Running)));
    m.apply(&event(2, job("a"), Fact::Drifted(drift)));
    let row = &rows(&m, t(3))[0];
    assert_eq!((row.verdict, row.headline.clone()), (Verdict::Warn, Headline::Drift));
    assert_eq!(row.headline.to_string(), "drift");
    m.apply(&event(4, job("a"), paused(vec![armed("1", Some(9))])));
    assert_eq!(rows(&m, t(4))[0].verdict, Verdict::Ok);
}

#[test]
fn each_way_to_be_otherwise_is_a_warning_until_that_is_mended() {
    let armed_now = || paused(vec![armed("2", Some(9))]);
    let unarmed = || paused(vec![]);
    for (how, expected, still, mended) in [
        (Otherwise::NoEnd, State::Paused, unarmed(), Some(armed_now())),
        (
            Otherwise::NotEnded,
            State::Running,
            unarmed(),
            Some(state(State::Running)),
        ),
        (
            Otherwise::NotEnded,
            State::Running,
            state(State::Idle),
            Some(state(State::Running)),
        ),
        // What was let go does not come back.
        (Otherwise::LetGo, State::Paused, armed_now(), None),
    ] {
        let mut m = watching(&["a"]);
        all_well(&mut m, "a", 0);
        let drift = Drift {
            id: ActionId("1".into()),
            expected,
            how,
            found: JobState::of(State::Paused, "as read"),
        };
        m.apply(&event(2, job("a"), Fact::Drifted(drift)));
        m.apply(&event(3, job("a"), still));
        assert_eq!(rows(&m, t(3))[0].headline, Headline::Drift, "{how:?}");
        if let Some(mended) = mended {
            m.apply(&event(4, job("a"), mended));
            assert_eq!(rows(&m, t(4))[0].verdict, Verdict::Ok, "{how:?}");
        }
    }
}
