//! An action is a plan first: plan → shown → confirmed → run → read back → journalled. What is shown is made from what
//! will run, and what cannot be read back says so.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::job::JobState;
use super::{Name, Span, Text};

/// Which action; unique on this machine, ordered by time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionId(pub Name);

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an action does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Stop a job in a way that can be resumed.
    Pause,
    /// Let it go on.
    Resume,
}

impl Verb {
    /// `pause`, `resume`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What will be done, shown before it is done and on disk before it runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Which.
    pub id: ActionId,
    /// What.
    pub verb: Verb,
    /// Where.
    pub server: Name,
    /// On what.
    pub job: Name,
    /// The exact commands in the order in which they run, as one would type them, host included.
    pub runs: Vec<Text>,
    /// What it touches, as read just now.
    pub touches: Vec<Text>,
    /// What it may break.
    pub beware: Vec<Text>,
    /// How it is undone.
    pub undo: Text,
    /// Whether the end of the pause is armed on the server itself, so that it comes without us.
    pub armed_on_server: bool,
    /// For how long, for a pause.
    pub lasts: Option<Span>,
    /// Why; required before it runs.
    pub reason: Text,
    /// Who: `login@host`, and the user before sudo where there is one.
    pub by: Text,
}

/// What became of the commands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ran {
    /// Which action.
    pub id: ActionId,
    /// The exit status of the last command; `None` when it did not end by itself or was not started.
    pub exit: Option<i32>,
    /// What it printed, sanitised and bounded.
    pub output: Text,
    /// How long it took.
    pub took: Span,
    /// Set when it failed: what was tried and what came of it.
    pub failed: Option<Text>,
}

/// What we know of a requested state, from the weakest to the strongest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "truth", rename_all = "lowercase")]
pub enum Truth {
    /// Asked for, not yet read back.
    Requested,
    /// Read back, and it is so.
    Confirmed {
        /// When it was read.
        at: Timestamp,
    },
    /// Read back, and it is not so.
    Contradicted {
        /// What was found instead.
        found: JobState,
    },
    /// Cannot be read back.
    Unverifiable {
        /// Why.
        why: Text,
    },
}

impl Truth {
    /// `confirmed`, `contradicted`, `cannot be verified`, `requested`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Confirmed { .. } => "confirmed",
            Self::Contradicted { .. } => "contradicted",
            Self::Unverifiable { .. } => "cannot be verified",
        }
    }
}

/// The read-back of an action.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReadBack {
    /// Which action.
    pub id: ActionId,
    /// What was found.
    pub truth: Truth,
}
