//! A maintenance job on a server: what it is doing now, as read back from the server.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::argv::Argv;
use super::queue::Sudo;
use super::{Name, Span, Text};

/// A maintenance job, as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobSpec {
    /// Unique on its server.
    pub name: Name,
    /// How it is read and steered.
    pub kind: JobKind,
    /// The longest that one of its commands may take.
    pub timeout: Span,
}

impl JobSpec {
    /// What it stands for: the unit, or the status command.
    pub fn about(&self) -> Text {
        match &self.kind {
            JobKind::Systemd { unit, .. } => unit.as_str().into(),
            JobKind::Command { status, .. } => status.quoted().into(),
        }
    }
}

/// How a job is read and steered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobKind {
    /// A systemd unit.
    Systemd {
        /// The unit, with its suffix: `mail-db-compact.service`.
        unit: String,
        /// How it is paused.
        how: SystemdPause,
        /// The timer that starts it, stopped with it.
        timer: Option<String>,
        /// Whether commands go through `sudo -n`.
        sudo: Sudo,
    },
    /// The operator's own commands. `status` prints a word of [`State`] first; the rest of its first line is detail.
    Command {
        /// Prints the state.
        status: Argv,
        /// Pauses.
        pause: Argv,
        /// Resumes.
        resume: Argv,
        /// Prints a percentage, 0 to 100.
        progress: Option<Argv>,
    },
}

impl JobKind {
    /// The word in config and JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Systemd { .. } => "systemd",
            Self::Command { .. } => "command",
        }
    }
}

/// How a systemd unit is paused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SystemdPause {
    /// `systemctl freeze` and `thaw`: keeps progress, needs cgroup v2.
    Freeze,
    /// `systemctl stop` and `start`: the run's progress is lost.
    Stop,
}

/// What a job is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Working.
    Running,
    /// Stopped in a way that can be resumed.
    Paused,
    /// Not running, and nothing wrong.
    Idle,
    /// Ended in failure.
    Failed,
    /// Not known.
    Unknown,
}

impl State {
    /// The word in JSON, on screen, and as a `command` job's `status` prints it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Idle => "idle",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
    /// From that word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Idle, Self::Failed, Self::Unknown]
            .into_iter()
            .find(|s| s.word().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One reading of a job.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JobState {
    /// What it is doing.
    pub state: State,
    /// How far it is, 0 to 100, where the job tells it.
    pub progress: Option<f64>,
    /// For how long it has been in this run, where known.
    pub running_for: Option<Span>,
    /// What was read, in the server's words: `active (running), freezer frozen`.
    pub detail: Text,
}
