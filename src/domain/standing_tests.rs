//! What is expected after actions, and what readings say of it. Seconds count from the plan's record; the pauses last 600.

use super::*;
use crate::domain::action::{Choices, Confirmation, Ran};
use crate::domain::argv::Argv;
use crate::domain::job::{Armed, Keeper};
use crate::domain::queue::Sudo;
use crate::domain::{Name, Text};

fn t(secs: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + secs).unwrap()
}

fn systemd(how: SystemdPause, timer: Option<&str>) -> JobKind {
    JobKind::Systemd {
        unit: "w.service".into(),
        how,
        timer: timer.map(str::to_owned),
        sudo: Sudo::No,
    }
}

fn freeze() -> JobKind {
    systemd(SystemdPause::Freeze, None)
}

fn id(name: &str) -> ActionId {
    ActionId(Name::new(name))
}

fn plan(name: &str, verb: Verb) -> Plan {
    Plan {
        id: id(name),
        verb,
        server: "mx1".into(),
        job: "w".into(),
        runs: vec![],
        touches: vec![],
        beware: vec![],
        undo: "".into(),
        armed_on_server: verb.lasts(),
        lasts: verb.lasts().then_some(Span::from_secs(600)),
        choices: Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: Confirmation::Enter,
        offers: vec![],
        reason: "because".into(),
        by: "lin@desk".into(),
    }
}

fn planned(name: &str, verb: Verb) -> Fact {
    Fact::ActionPlanned(Box::new(plan(name, verb)))
}

fn back(name: &str, truth: Truth) -> Fact {
    Fact::ActionReadBack(ReadBack { id: id(name), truth })
}

fn confirmed(name: &str) -> Fact {
    back(name, Truth::Confirmed { at: t(1) })
}

fn unclear(name: &str) -> Fact {
    let why = Text::from("it did not answer");
    back(name, Truth::Unverifiable { why })
}

/// A reading with the leases of these actions, each with what is left of it.
fn found(state: State, armed: &[(&str, i64)]) -> JobState {
    let lease = |(name, left): &(&str, i64)| Armed {
        id: id(name),
        keeper: Keeper::Timer,
        fires_in: Some(Span::from_secs(*left)),
        by: None,
        why: None,
    };
    JobState {
        armed: armed.iter().map(lease).collect(),
        ..JobState::of(state, "as read")
    }
}

/// A standing after these, all of the first second.
fn after(kind: &JobKind, facts: impl IntoIterator<Item = Fact>) -> Standing {
    let mut standing = Standing::new(kind);
    for fact in facts {
        standing.take(&fact, t(0));
    }
    standing
}

fn paused(kind: &JobKind) -> Standing {
    after(kind, [planned("p", Verb::Pause), confirmed("p")])
}

/// What a reading says: `drift`, `expired`, `gone`, or nothing.
fn says(standing: &Standing, found: &JobState, at: i64) -> &'static str {
    match &*standing.judge(found, t(at)) {
        [] => "",
        [Fact::Drifted(drift)] => match drift.how {
            Otherwise::State => "drift",
            other => other.word(),
        },
        [
            Fact::PauseEnded(PauseEnded {
                how: Ending::Expired, ..
            }),
        ] => "expired",
        [Fact::PauseEnded(PauseEnded { how: Ending::Gone, .. })] => "gone",
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pause_is_judged_by_its_lease_and_then_by_the_time_of_its_plan() {
    use State::{Failed, Idle, Paused, Running, Unknown};
    let standing = paused(&freeze());
    for (state, armed, at, want) in [
        (Paused, &[("p", 500)][..], 100, ""),
        (Running, &[("p", 500)], 100, "drift"),
        // Somebody resumed it in good order elsewhere, and took the lease away.
        (Running, &[], 100, "drift"),
        (Idle, &[("p", 500)], 100, "gone"),
        (Idle, &[], 100, "gone"),
        (Failed, &[("p", 500)], 100, "gone"),
        (Unknown, &[], 100, ""),
        // Armed a little after the plan, by a timer with an accuracy of a second.
        (Running, &[], 598, "expired"),
        (Running, &[], 601, "expired"),
        (Idle, &[], 605, "expired"),
        (Running, &[("p", 1)], 600, ""),
        // Nobody can say that it expired while its lease is there.
        (Running, &[("p", 30)], 601, "drift"),
        // Its end is gone before its time: a restart of the host, or somebody took it away.
        (Paused, &[], 100, "no-end"),
        // Another pause holds it, and ends it.
        (Paused, &[("theirs", 900)], 100, ""),
        // What is to end it may be at work.
        (Paused, &[], 700, ""),
        // Another one's lease does not explain why it runs.
        (Running, &[("theirs", 900)], 100, "drift"),
    ] {
        let found = found(state, armed);
        assert_eq!(says(&standing, &found, at), want, "{state} {armed:?} at {at}");
    }
}

#[test]
fn what_idle_means_depends_on_how_the_job_is_paused() {
    let stop = systemd(SystemdPause::Stop, None);
    let stop_timer = systemd(SystemdPause::Stop, Some("w.timer"));
    for (kind, armed, began, at, want) in [
        // A stopped service is idle; without its lease, and with its time over, it was started and was done at once.
        (&stop, &[("p", 500)][..], None, 100, ""),
        (&stop, &[], None, 100, "no-end"),
        (&stop, &[], Some(3), 605, "expired"),
        // Its newest run is the one that was stopped.
        (&stop, &[], Some(4_000), 605, ""),
        (&stop, &[], None, 605, ""),
        // With a timer, idle means that the timer runs again.
        (&stop_timer, &[("p", 500)], None, 100, "drift"),
        (&stop_timer, &[], None, 601, "expired"),
    ] {
        let mut found = found(State::Idle, armed);
        found.began = began.map(Span::from_secs);
        assert_eq!(says(&paused(kind), &found, at), want, "{kind:?} {armed:?} at {at}");
    }
}

#[test]
fn an_end_that_came_and_did_not_end_it_is_told_at_the_second_look_and_once() {
    let stop = systemd(SystemdPause::Stop, None);
    for (kind, state) in [
        (freeze(), State::Paused),
        (stop.clone(), State::Paused),
        (stop, State::Idle),
    ] {
        let mut standing = paused(&kind);
        let still = found(state, &[]);
        assert_eq!(says(&standing, &still, 605), "", "what ends it may be at work");
        standing.take(&Fact::JobSeen(still.clone()), t(605));
        let facts = standing.judge(&still, t(610));
        let [Fact::Drifted(drift)] = &*facts else {
            panic!("{facts:?}")
        };
        assert_eq!((drift.how, drift.expected), (Otherwise::NotEnded, State::Running));
        standing.take(&Fact::JobSeen(still.clone()), t(610));
        standing.take(&facts[0], t(610));
        assert_eq!(says(&standing, &still, 620), "");
        assert_eq!(
            says(&standing, &found(State::Running, &[]), 630),
            "expired",
            "by whomever"
        );
    }
}

#[test]
fn a_pause_whose_end_is_gone_is_told_once_and_again_when_its_time_is_over() {
    let mut standing = paused(&freeze());
    let still = found(State::Paused, &[]);
    let facts = standing.judge(&still, t(100));
    standing.take(&Fact::JobSeen(still.clone()), t(100));
    standing.take(&facts[0], t(100));
    standing.take(&Fact::JobSeen(still.clone()), t(110));
    assert_eq!(says(&standing, &still, 120), "");
    // Whether one is armed cannot be read: that is no return of it.
    let unread = JobState {
        armed_unread: true,
        ..still.clone()
    };
    standing.take(&Fact::JobSeen(unread.clone()), t(130));
    assert_eq!((says(&standing, &unread, 130), says(&standing, &still, 140)), ("", ""));
    // That it runs then is another thing, and so is that its time is over.
    assert_eq!(says(&standing, &found(State::Running, &[]), 150), "drift");
    standing.take(&Fact::JobSeen(still.clone()), t(605));
    assert_eq!(says(&standing, &still, 610), "not-ended");
}

#[test]
fn held_mail_that_is_gone_from_hold_between_two_looks_is_told_each_time() {
    let kind = JobKind::Postfix(Box::new(crate::domain::job::Valve {
        config_dir: None,
        what: crate::domain::job::ValveKind::Hold,
        sudo: Sudo::No,
    }));
    let mut standing = paused(&kind);
    let holding = |n: Option<u64>| JobState {
        held: n,
        ..found(State::Paused, &[("p", 500)])
    };
    for (n, want) in [
        (Some(7), ""),
        (Some(9), ""),
        (None, ""),
        (Some(8), "let-go"),
        (Some(8), ""),
        (Some(0), "let-go"),
    ] {
        assert_eq!(says(&standing, &holding(n), 100), want, "{n:?}");
        for fact in [vec![Fact::JobSeen(holding(n))], standing.judge(&holding(n), t(100))].concat() {
            standing.take(&fact, t(100));
        }
    }
    // A new pause counts from the start.
    let mut standing = paused(&kind);
    standing.take(&Fact::JobSeen(holding(Some(9))), t(10));
    standing.take(&planned("q", Verb::Pause), t(20));
    standing.take(&confirmed("q"), t(21));
    let fewer = JobState {
        held: Some(1),
        ..found(State::Paused, &[("q", 500)])
    };
    assert_eq!(says(&standing, &fewer, 30), "");
}

#[test]
fn a_departure_is_told_once_and_again_only_after_it_was_back() {
    let mut standing = paused(&freeze());
    let running = found(State::Running, &[("p", 500)]);
    let facts = standing.judge(&running, t(10));
    standing.take(&Fact::JobSeen(running.clone()), t(10));
    standing.take(&facts[0], t(10));
    assert_eq!(says(&standing, &running, 20), "");
    assert_eq!(
        says(&standing, &found(State::Running, &[]), 601),
        "expired",
        "its time is over, whoever ended it before"
    );
    // What is unknown in between is no return.
    standing.take(&Fact::JobSeen(found(State::Unknown, &[])), t(25));
    assert_eq!(says(&standing, &running, 26), "");
    standing.take(&Fact::JobSeen(found(State::Paused, &[("p", 470)])), t(30));
    assert_eq!(says(&standing, &running, 40), "drift");
}

#[test]
fn a_pause_that_ended_is_over_for_good() {
    let mut standing = paused(&freeze());
    let ended = standing.judge(&found(State::Running, &[]), t(601));
    standing.take(&ended[0], t(601));
    for state in [State::Running, State::Paused, State::Idle] {
        assert_eq!(says(&standing, &found(state, &[]), 700), "");
    }
}

#[test]
fn after_a_resume_only_a_pause_that_nobody_has_a_lease_for_is_drift() {
    let resumed = after(
        &freeze(),
        [
            planned("p", Verb::Pause),
            confirmed("p"),
            planned("r", Verb::Resume),
            confirmed("r"),
        ],
    );
    for (state, armed, want) in [
        (State::Running, &[][..], ""),
        (State::Idle, &[], ""),
        (State::Failed, &[], ""),
        (State::Unknown, &[], ""),
        (State::Paused, &[], "drift"),
        (State::Paused, &[("theirs", 900)], ""),
    ] {
        assert_eq!(says(&resumed, &found(state, armed), 5_000), want, "{state} {armed:?}");
    }
    let mut departed = resumed;
    departed.take(&departed.judge(&found(State::Paused, &[]), t(9))[0], t(9));
    assert_eq!(says(&departed, &found(State::Paused, &[]), 19), "");
    departed.take(&Fact::JobSeen(found(State::Idle, &[])), t(29));
    assert_eq!(says(&departed, &found(State::Paused, &[]), 39), "drift");
}

#[test]
fn nothing_is_judged_while_an_action_is_on_its_way() {
    let mut standing = paused(&freeze());
    standing.take(&planned("r", Verb::Resume), t(50));
    assert_eq!(says(&standing, &found(State::Running, &[]), 51), "");
    assert_eq!(standing.open().len(), 1);
    standing.take(&confirmed("r"), t(52));
    assert!(standing.open().is_empty());
    assert_eq!(says(&standing, &found(State::Running, &[]), 53), "");
}

#[test]
fn an_extension_moves_the_end_and_has_a_lease_of_its_own() {
    let mut standing = paused(&freeze());
    standing.take(&planned("x", Verb::Extend), t(300));
    standing.take(&confirmed("x"), t(301));
    assert_eq!(says(&standing, &found(State::Paused, &[("x", 300)]), 600), "");
    assert_eq!(says(&standing, &found(State::Running, &[("x", 300)]), 600), "drift");
    assert_eq!(says(&standing, &found(State::Running, &[]), 600), "drift");
    assert_eq!(says(&standing, &found(State::Running, &[]), 900), "expired");
}

#[test]
fn what_failed_leaves_what_was_so_before() {
    let failed = |id: &str| {
        Fact::ActionRan(Ran {
            id: self::id(id),
            exit: Some(1),
            output: "".into(),
            took: Span::ZERO,
            failed: Some("no".into()),
        })
    };
    // Its own lease was taken back; the one before still counts.
    let mut standing = paused(&freeze());
    for fact in [planned("x", Verb::Extend), failed("x"), confirmed("x")] {
        standing.take(&fact, t(300));
    }
    assert_eq!(says(&standing, &found(State::Running, &[]), 601), "expired");
    // A resume that did nothing.
    let mut standing = paused(&freeze());
    let still = back(
        "r",
        Truth::Contradicted {
            found: found(State::Paused, &[("p", 300)]),
        },
    );
    for fact in [planned("r", Verb::Resume), still] {
        standing.take(&fact, t(300));
    }
    assert_eq!(says(&standing, &found(State::Running, &[("p", 200)]), 400), "drift");
    assert_eq!(says(&standing, &found(State::Running, &[]), 601), "expired");
}

#[test]
fn what_could_not_be_verified_is_expected_only_once_it_was_seen() {
    let mut standing = after(&freeze(), [planned("p", Verb::Pause), unclear("p")]);
    assert_eq!(says(&standing, &found(State::Running, &[]), 100), "");
    assert_eq!(
        says(&standing, &found(State::Running, &[]), 601),
        "",
        "it may never have been paused"
    );
    // Paused, but by whom is not known.
    standing.take(&Fact::JobSeen(found(State::Paused, &[])), t(110));
    assert_eq!(says(&standing, &found(State::Running, &[]), 120), "");
    standing.take(&Fact::JobSeen(found(State::Paused, &[("p", 480)])), t(130));
    assert_eq!(says(&standing, &found(State::Running, &[("p", 470)]), 140), "drift");
    assert_eq!(says(&standing, &found(State::Running, &[]), 601), "expired");
    // A resume of which nothing is known leaves nothing to expect.
    let unknown = after(
        &freeze(),
        [
            planned("p", Verb::Pause),
            confirmed("p"),
            planned("r", Verb::Resume),
            unclear("r"),
        ],
    );
    assert_eq!(says(&unknown, &found(State::Running, &[]), 100), "");
    assert_eq!(says(&unknown, &found(State::Paused, &[]), 100), "");
}

#[test]
fn a_pause_without_a_lease_is_over_by_its_plan() {
    let mut unarmed = plan("p", Verb::Pause);
    unarmed.armed_on_server = false;
    let command = JobKind::Command {
        status: Argv::new("s", [""; 0]),
        pause: Argv::new("p", [""; 0]),
        resume: Argv::new("r", [""; 0]),
        progress: None,
    };
    let standing = after(&command, [Fact::ActionPlanned(Box::new(unarmed)), confirmed("p")]);
    assert_eq!(says(&standing, &found(State::Running, &[]), 100), "drift");
    assert_eq!(says(&standing, &found(State::Idle, &[]), 100), "gone");
    assert_eq!(
        says(&standing, &found(State::Running, &[]), 601),
        "",
        "whoever did that, it was due"
    );
}

#[test]
fn an_action_that_is_read_back_after_a_later_one_says_nothing_of_now() {
    let lost = [
        planned("r", Verb::Resume),
        planned("p", Verb::Pause),
        confirmed("p"),
        confirmed("r"),
    ];
    let standing = after(&freeze(), lost);
    assert_eq!(says(&standing, &found(State::Paused, &[("p", 500)]), 100), "");
    assert_eq!(says(&standing, &found(State::Running, &[("p", 500)]), 100), "drift");
}

#[test]
fn a_flush_changes_nothing_of_what_is_expected() {
    let mut standing = paused(&freeze());
    standing.take(&planned("f", Verb::Flush), t(10));
    standing.take(&confirmed("f"), t(11));
    assert_eq!(says(&standing, &found(State::Running, &[("p", 500)]), 100), "drift");
    assert_eq!(standing.newest().unwrap().plan.verb, Verb::Flush);
}

#[test]
fn what_was_cancelled_and_comes_back_is_told_once_and_only_for_some_time() {
    let mut cancel = plan("c", Verb::Pause);
    (cancel.lasts, cancel.armed_on_server) = (None, false);
    let mut standing = after(&freeze(), [Fact::ActionPlanned(Box::new(cancel)), confirmed("c")]);
    for (state, at, want) in [
        (State::Idle, 100, ""),
        (State::Failed, 100, ""),
        (State::Running, 100, "drift"),
        // It may well be due again.
        (State::Running, 3_700, ""),
    ] {
        assert_eq!(says(&standing, &found(state, &[]), at), want, "{state} at {at}");
    }
    let back = standing.judge(&found(State::Running, &[]), t(100));
    standing.take(&back[0], t(100));
    standing.take(&Fact::JobSeen(found(State::Idle, &[])), t(110));
    assert_eq!(says(&standing, &found(State::Running, &[]), 120), "");
}
