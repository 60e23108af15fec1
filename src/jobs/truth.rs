//! Reading back: whether a job is as it was asked to be. Confirmed is what was read, never what a command's exit claims.

mod lease;

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use self::lease::Due;
use super::plan::Planned;
use super::postgres::Backend;
use super::{LastRun, Looked, Motion, look, postfix, postgres};
use crate::domain::action::{Plan, Truth, Verb};
use crate::domain::job::{JobKind, JobSpec, State, SystemdPause};
use crate::reach::Runner;

/// A unit that freezes, thaws or starts is given this long to get there before it is contradicted.
const SETTLE: Duration = Duration::from_secs(3);
/// Between two looks while it settles.
const LOOKS: Duration = Duration::from_millis(200);

/// How a state compares with what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Match {
    /// It is what was asked.
    Yes,
    /// It would do, but what was asked may still be on its way.
    AtLast,
    /// It is something else.
    No,
    /// It does not say.
    Unclear,
}

/// Reads back what a plan was to do. It knows what was there before, so that it can tell what goes on from what is new; and a
/// pause is confirmed only with its end, where one was to be armed.
pub async fn read_back_planned(
    planned: &Planned,
    spec: &JobSpec,
    runner: &Runner,
    clock: impl Fn() -> Timestamp,
) -> Truth {
    let verb = planned.plan.verb;
    let truth = of_state(spec, runner, (verb, &planned.cancels, planned.plan.messages), &clock).await;
    match Due::of(&planned.plan) {
        Some(due) => lease::proved(truth, due, spec, runner, &clock).await,
        None => truth,
    }
}

/// The same of a plan that is only on record, by who made it or another.
pub async fn read_back_recorded(plan: &Plan, spec: &JobSpec, runner: &Runner, clock: impl Fn() -> Timestamp) -> Truth {
    let truth = of_state(spec, runner, (plan.verb, &[], plan.messages), &clock).await;
    match Due::of(plan) {
        Some(due) => lease::proved(truth, due, spec, runner, &clock).await,
        None => truth,
    }
}

/// Reads the job until it is as asked, for three seconds at most, and says what was found. Which end a pause was to have is
/// not known here; after a resume none is.
pub async fn read_back(spec: &JobSpec, runner: &Runner, verb: Verb, clock: impl Fn() -> Timestamp) -> Truth {
    let truth = of_state(spec, runner, (verb, &[], None), &clock).await;
    match verb {
        Verb::Resume => lease::proved(truth, Due::Nothing, spec, runner, &clock).await,
        Verb::Pause | Verb::Extend | Verb::Flush => truth,
    }
}

/// The state alone.
async fn of_state(
    spec: &JobSpec,
    runner: &Runner,
    (verb, cancels, messages): (Verb, &[Backend], Option<u64>),
    clock: &impl Fn() -> Timestamp,
) -> Truth {
    if let JobKind::Postgres(_) = spec.kind {
        return postgres::read_back(spec, runner, verb, cancels, SETTLE, clock).await;
    }
    if let JobKind::Postfix(_) = spec.kind {
        return postfix::read_back(spec, runner, verb, messages, SETTLE, clock).await;
    }
    let until = Instant::now() + SETTLE;
    loop {
        let found = look(spec, runner, clock()).await;
        let matched = found.as_ref().map_or(Match::Unclear, |f| compare(&spec.kind, verb, f));
        let over = Instant::now() + LOOKS >= until;
        match (matched, found) {
            (Match::Yes, _) => return Truth::Confirmed { at: clock() },
            (Match::AtLast, _) if over => return Truth::Confirmed { at: clock() },
            (Match::No, Ok(found)) if over => return Truth::Contradicted { found: found.state },
            (_, Ok(found)) if over => {
                let why = match found.motion {
                    Motion::Changing => format!(
                        "after {}s it is still on its way: {}",
                        SETTLE.as_secs(),
                        found.state.detail
                    ),
                    Motion::Settled => format!("its state is unknown: {}", found.state.detail),
                };
                return Truth::Unverifiable { why: why.into() };
            }
            (_, Err(missed)) if over => {
                let why = missed.to_string();
                return Truth::Unverifiable { why: why.into() };
            }
            _ => tokio::time::sleep(LOOKS).await,
        }
    }
}

fn compare(kind: &JobKind, verb: Verb, found: &Looked) -> Match {
    let stopped = match kind {
        JobKind::Systemd {
            how: SystemdPause::Stop,
            timer,
            ..
        } => Some(timer.is_some()),
        _ => None,
    };
    match (verb, found.state.state) {
        (_, State::Unknown) => Match::Unclear,
        (Verb::Pause | Verb::Extend, State::Paused) | (Verb::Resume, State::Running) => Match::Yes,
        // A stopped service leaves no trace that tells it from one that has nothing to do; with a timer it would.
        (Verb::Pause | Verb::Extend, State::Idle) if stopped == Some(false) => Match::Yes,
        // It went on and was done, or something ended it while it was stopped: nothing there tells which.
        (Verb::Resume, State::Idle) if matches!(kind, JobKind::Process { .. }) => Match::No,
        // Thawed, and it was done at once; or the operator's own word that it is not held.
        (Verb::Resume, State::Idle) if stopped.is_none() => Match::Yes,
        // Started without waiting for it. With a timer, idle means that its timer will start it.
        (Verb::Resume, State::Idle) if stopped == Some(true) || found.last_run == LastRun::Finished => Match::AtLast,
        _ if found.motion == Motion::Changing => Match::Unclear,
        _ => Match::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::argv::Argv;
    use crate::domain::job::JobState;
    use crate::domain::queue::Sudo;

    fn systemd(how: SystemdPause, timer: Option<&str>) -> JobKind {
        JobKind::Systemd {
            unit: "w.service".into(),
            how,
            timer: timer.map(str::to_owned),
            sudo: Sudo::No,
        }
    }

    fn found(state: State, last_run: LastRun) -> Looked {
        Looked {
            state: JobState {
                state,
                progress: None,
                running_for: None,
                began: None,
                held: None,
                detail: "".into(),
                armed: vec![],
                armed_unread: false,
                beware: vec![],
            },
            motion: Motion::Settled,
            last_run,
        }
    }

    #[test]
    fn only_what_was_asked_counts_as_confirmed() {
        use SystemdPause::{Freeze, Stop};
        use Verb::{Pause, Resume};
        for (kind, verb, state, last_run, want) in [
            (systemd(Freeze, None), Pause, State::Paused, LastRun::Other, Match::Yes),
            (systemd(Freeze, None), Pause, State::Running, LastRun::Other, Match::No),
            (systemd(Freeze, None), Pause, State::Idle, LastRun::Finished, Match::No),
            (
                systemd(Freeze, None),
                Pause,
                State::Unknown,
                LastRun::Other,
                Match::Unclear,
            ),
            (systemd(Stop, None), Pause, State::Idle, LastRun::Other, Match::Yes),
            (
                systemd(Stop, Some("w.timer")),
                Pause,
                State::Idle,
                LastRun::Other,
                Match::No,
            ),
            (systemd(Stop, None), Pause, State::Failed, LastRun::Other, Match::No),
            (
                systemd(Freeze, None),
                Resume,
                State::Running,
                LastRun::Other,
                Match::Yes,
            ),
            (systemd(Freeze, None), Resume, State::Paused, LastRun::Other, Match::No),
            (
                systemd(Freeze, None),
                Resume,
                State::Idle,
                LastRun::Finished,
                Match::Yes,
            ),
            (systemd(Freeze, None), Resume, State::Failed, LastRun::Other, Match::No),
            (
                systemd(Stop, None),
                Resume,
                State::Idle,
                LastRun::Finished,
                Match::AtLast,
            ),
            (systemd(Stop, None), Resume, State::Idle, LastRun::Other, Match::No),
            (
                systemd(Stop, Some("w.timer")),
                Resume,
                State::Idle,
                LastRun::Other,
                Match::AtLast,
            ),
        ] {
            assert_eq!(
                compare(&kind, verb, &found(state, last_run)),
                want,
                "{kind:?} {verb} {state}"
            );
        }
    }

    #[test]
    fn a_unit_that_is_still_on_its_way_is_not_contradicted() {
        let mut freezing = found(State::Running, LastRun::Other);
        freezing.motion = Motion::Changing;
        let kind = systemd(SystemdPause::Freeze, None);
        assert_eq!(compare(&kind, Verb::Pause, &freezing), Match::Unclear);
        assert_eq!(compare(&kind, Verb::Resume, &freezing), Match::Yes);
    }

    /// A job whose commands are shell scripts on this host.
    fn command(status: &str) -> JobSpec {
        let sh = |script: &str| Argv::new("sh", ["-c", script]);
        JobSpec {
            name: "j".into(),
            kind: JobKind::Command {
                status: sh(status),
                pause: sh("true"),
                resume: sh("true"),
                progress: None,
            },
            timeout: Span::from_secs(20),
        }
    }

    #[tokio::test]
    async fn a_pause_that_comes_a_moment_later_is_confirmed_and_one_that_lies_is_contradicted() {
        let dir = tempfile::tempdir().unwrap();
        let seen = dir.path().join("seen").display().to_string();
        let late = command(&format!("[ -e {seen} ] && echo paused || echo running; : > {seen}"));
        let runner = Runner::local();
        let truth = read_back(&late, &runner, Verb::Pause, Timestamp::now).await;
        assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
        let truth = read_back(&command("echo running 3 of 9"), &runner, Verb::Pause, Timestamp::now).await;
        let Truth::Contradicted { found } = truth else {
            panic!("{truth:?}")
        };
        assert_eq!((found.state, &*found.detail), (State::Running, "3 of 9"));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_neither_confirmed_nor_contradicted() {
        let runner = Runner::local();
        for (status, words) in [("echo who knows", "who knows"), ("exit 1", "it ended with status 1")] {
            let truth = read_back(&command(status), &runner, Verb::Pause, Timestamp::now).await;
            let Truth::Unverifiable { why } = truth else {
                panic!("{truth:?}")
            };
            assert!(why.contains(words), "{why}");
        }
    }
}
