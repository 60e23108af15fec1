//! Maintenance jobs: reading what they do (`systemd`, `command`, `process`, `postgres`, `postfix`, `dovecot`), planning what a pause or a resume would run (`plan`),
//! running it (`act`) and reading back what became of it (`truth`). Everything goes through a [`Runner`]; nothing here
//! knows how that gets to the server. The rule: what was shown is what runs, and what was not read back is not claimed.

mod act;
mod armed;
mod command;
mod dovecot;
mod plan;
mod postfix;
mod postgres;
mod process;
pub mod rights;
mod systemd;
mod truth;

use jiff::Timestamp;

pub use self::act::{act, act_while};
pub use self::plan::{Planned, Step, StepKind, Wanted, plan};
pub use self::truth::{read_back, read_back_planned, read_back_recorded};
use crate::domain::Span;
use crate::domain::job::{JobKind, JobSpec, JobState};
use crate::domain::reading::Missed;
use crate::reach::{RunLimits, Runner};

/// Reads what a job does now. `now` is for how long it has been at it.
pub async fn read(spec: &JobSpec, runner: &Runner, now: Timestamp) -> Result<JobState, Missed> {
    let mut state = look(spec, runner, now).await?.state;
    // A unit is read with what is armed for it.
    if !matches!(spec.kind, JobKind::Systemd { .. }) {
        // That this cannot be read does not make the state unknown.
        match armed::ask(spec, runner, armed::Depth::State).await {
            Ok(leases) => {
                state.armed = leases.all.into_iter().map(|l| l.armed).collect();
                state.armed_unread = !leases.beware.is_empty();
                state.beware.extend(leases.beware);
            }
            Err(missed) => {
                let why = format!("the resumes that are armed there could not be read: {missed}");
                state.armed_unread = true;
                state.beware.push(why.into());
            }
        }
    }
    Ok(state)
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
            let seen = unit.ask(runner, armed::Depth::State).await?;
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
        JobKind::Postgres(_) => Ok(Looked {
            state: postgres::Job::of(spec)?.ask(runner).await?.state(),
            motion: Motion::Settled,
            last_run: LastRun::Other,
        }),
        JobKind::Postfix(_) => postfix::look(spec, runner).await,
        JobKind::Dovecot(_) => Ok(Looked {
            state: dovecot::Job::of(spec)?.ask(runner).await?,
            motion: Motion::Settled,
            last_run: LastRun::Other,
        }),
        JobKind::Process { .. } => {
            let job = process::Job::of(spec)?;
            Ok(job.ask(runner, process::Depth::State).await?.looked())
        }
    }
}

/// What one command of a job may take: they print a few lines.
fn limits(timeout: Span) -> RunLimits {
    RunLimits {
        timeout,
        max_output: 64 << 10,
    }
}
