//! Maintenance jobs: reading what they do (`systemd`, `command`), planning what a pause or a resume would run (`plan`),
//! running it (`act`) and reading back what became of it (`truth`). Everything goes through a [`Runner`]; nothing here
//! knows how that gets to the server. The rule: what was shown is what runs, and what was not read back is not claimed.

mod act;
mod armed;
mod command;
mod plan;
mod systemd;
mod truth;

use jiff::Timestamp;

pub use self::act::act;
pub use self::plan::{Planned, Step, StepKind, Wanted, plan};
pub use self::truth::read_back;
use crate::domain::Span;
use crate::domain::job::{JobKind, JobSpec, JobState};
use crate::domain::reading::Missed;
use crate::reach::{RunLimits, Runner};

/// Reads what a job does now. `now` is for how long it has been at it.
pub async fn read(spec: &JobSpec, runner: &Runner, now: Timestamp) -> Result<JobState, Missed> {
    look(spec, runner, now).await.map(|looked| looked.state)
}

/// A reading with what only the read-back needs to know.
struct Looked {
    state: JobState,
    motion: Motion,
    last_run: LastRun,
}

/// Whether the state is on its way to another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Motion {
    Settled,
    Changing,
}

/// How the run before this moment ended, for a job that does not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LastRun {
    /// By itself and well.
    Finished,
    /// In another way, not yet, or it is not known.
    Other,
}

async fn look(spec: &JobSpec, runner: &Runner, now: Timestamp) -> Result<Looked, Missed> {
    match &spec.kind {
        JobKind::Systemd { .. } => {
            let unit = systemd::Job::of(spec)?;
            let seen = unit.ask(runner, spec.timeout).await?;
            Ok(Looked {
                state: seen.state(&unit, now),
                motion: seen.motion(),
                last_run: seen.last_run(),
            })
        }
        JobKind::Command { status, progress, .. } => Ok(Looked {
            state: command::ask(status, progress.as_ref(), runner, spec.timeout).await?,
            motion: Motion::Settled,
            last_run: LastRun::Other,
        }),
    }
}

/// What one command of a job may take: they print a few lines.
fn limits(timeout: Span) -> RunLimits {
    RunLimits {
        timeout,
        max_output: 64 << 10,
    }
}
