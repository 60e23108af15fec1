//! The maintenance job `db-compact` on mbox1: it works, it can be paused, and its progress is kept while it rests.

use jiff::Timestamp;

use crate::demo::script::Script;
use crate::domain::Span;
use crate::domain::job::State;

/// The job's name.
pub const JOB: &str = "db-compact";

/// The job as it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    starts: Timestamp,
    work: Span,
    worked: Span,
    begun: Begun,
    paused: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begun {
    NotYet,
    Working,
    Done,
}

/// A pause or resume that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{JOB} is not running")]
pub struct NotRunning;

impl Job {
    /// The job before its start.
    pub const fn new(script: &Script) -> Self {
        Self {
            starts: script.job_starts,
            work: script.job_work,
            worked: Span::ZERO,
            begun: Begun::NotYet,
            paused: None,
        }
    }

    /// A tick passes that ends at `now`.
    pub fn pass(&mut self, tick: Span, now: Timestamp) {
        if self.begun == Begun::NotYet && now >= self.starts {
            self.begun = Begun::Working;
        }
        if self.state() == State::Running {
            self.worked = (self.worked + tick).min(self.work);
            if self.worked == self.work {
                self.begun = Begun::Done;
            }
        }
    }

    /// Pauses it; pausing twice is as pausing once.
    pub fn pause(&mut self, now: Timestamp) -> Result<(), NotRunning> {
        match self.state() {
            State::Running => self.paused = Some(now),
            State::Paused => {}
            _ => return Err(NotRunning),
        }
        Ok(())
    }

    /// Resumes it; resuming twice is as resuming once.
    pub fn resume(&mut self) -> Result<(), NotRunning> {
        match self.state() {
            State::Running | State::Paused => self.paused = None,
            _ => return Err(NotRunning),
        }
        Ok(())
    }

    /// What it is doing.
    pub const fn state(&self) -> State {
        match (self.begun, self.paused) {
            (Begun::Working, None) => State::Running,
            (Begun::Working, Some(_)) => State::Paused,
            _ => State::Idle,
        }
    }

    /// How far it is, in percent.
    pub fn progress(&self) -> f64 {
        self.worked.secs_f64() / self.work.secs_f64() * 100.0
    }

    /// What a status command prints: a word of [`State`], then detail.
    pub fn status(&self, now: Timestamp) -> String {
        let word = self.state().word();
        let done = format!("{:.1}% compacted", self.progress());
        match (self.begun, self.paused) {
            (Begun::NotYet, _) => format!("{word} next run at {}", self.starts),
            (Begun::Done, _) => format!("{word} finished, {done} in {}", self.worked),
            (_, Some(at)) => format!("{word} for {}, {done}", Span::between(at, now)),
            (_, None) => format!("{word} for {}, {done}", Span::between(self.starts, now)),
        }
    }
}
