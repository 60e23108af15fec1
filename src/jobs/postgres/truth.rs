//! Reading back what was asked of a database's maintenance. A cancel is confirmed when nothing is at it any more; a session
//! that goes on and one that has come anew are both contradictions, told apart by who they are. Settings are confirmed by what
//! the running server answers, and only when nothing is at it in spite of them.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Backend, Job, Seen};
use crate::domain::Text;
use crate::domain::action::{Truth, Verb};
use crate::domain::job::{JobSpec, JobState, PostgresPause, State};
use crate::reach::Runner;

/// Between two looks: each is a session of its own on the server.
const LOOKS: Duration = Duration::from_millis(500);

/// How a reading compares with what was asked.
enum Match {
    Yes,
    No(JobState),
    Unclear(Text),
}

/// Looks until it is as asked, for `settle` at most. `cancelled` are those that were cancelled, where that is known.
pub(in super::super) async fn read_back(
    spec: &JobSpec,
    runner: &Runner,
    verb: Verb,
    cancelled: &[Backend],
    settle: Duration,
    clock: impl Fn() -> Timestamp,
) -> Truth {
    let until = Instant::now() + settle;
    loop {
        let job = match Job::of(spec) {
            Ok(job) => job,
            Err(missed) => return unverifiable(missed.to_string()),
        };
        let matched = match job.ask(runner).await {
            Ok(seen) => compare(&job.db.pause, verb, cancelled, &seen),
            Err(missed) => Match::Unclear(missed.to_string().into()),
        };
        let over = Instant::now() + LOOKS >= until;
        match matched {
            Match::Yes => return Truth::Confirmed { at: clock() },
            Match::No(found) if over => return Truth::Contradicted { found },
            Match::Unclear(why) if over => return unverifiable(why),
            _ => tokio::time::sleep(LOOKS).await,
        }
    }
}

fn unverifiable(why: impl Into<Text>) -> Truth {
    Truth::Unverifiable { why: why.into() }
}

fn compare(pause: &PostgresPause, verb: Verb, cancelled: &[Backend], seen: &Seen<'_>) -> Match {
    let found = seen.state();
    match (pause, verb, found.state) {
        (PostgresPause::Settings { .. }, Verb::Resume, _) if !seen.holds() => Match::Yes,
        (PostgresPause::Settings { .. }, Verb::Resume, _) => Match::No(found),
        (PostgresPause::Cancel, Verb::Resume, _) => {
            Match::Unclear("what was cancelled is not resumed: it is started again by hand".into())
        }
        (_, Verb::Pause | Verb::Extend, State::Unknown) => {
            Match::Unclear(format!("its state is unknown: {}", found.detail).into())
        }
        (PostgresPause::Settings { .. }, Verb::Pause | Verb::Extend, State::Paused)
        | (PostgresPause::Cancel, Verb::Pause, State::Idle) => Match::Yes,
        // Whoever extends lets what is at it go on.
        (PostgresPause::Settings { .. }, Verb::Extend, State::Running) if seen.holds() => Match::Yes,
        (PostgresPause::Settings { .. }, Verb::Pause, State::Running) if seen.holds() && cancelled.is_empty() => {
            Match::Unclear(found.detail)
        }
        (_, Verb::Pause | Verb::Extend | Verb::Flush, _) => Match::No(with_origin(found, cancelled, seen)),
    }
}

/// Says of those that are at it whether they are the cancelled ones.
fn with_origin(found: JobState, cancelled: &[Backend], seen: &Seen<'_>) -> JobState {
    let work = &seen.told.work;
    if cancelled.is_empty() || work.is_empty() {
        return found;
    }
    let goes_on = work
        .iter()
        .filter_map(super::Work::backend)
        .any(|b| cancelled.contains(&b));
    let words = if goes_on {
        "asked to cancel, but still at it"
    } else {
        "what was cancelled is gone, but something new has begun"
    };
    JobState {
        detail: format!("{words}: {}", found.detail).into(),
        ..found
    }
}
