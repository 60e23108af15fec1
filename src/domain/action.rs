//! An action is a plan first: plan → shown → confirmed → run → read back → journalled. What is shown is made from what
//! will run, and what cannot be read back says so.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::job::{JobState, State};
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
    /// Give a pause that holds another end, counted from now. What is paused is not touched.
    Extend,
    /// Try everything that waits in a queue now.
    Flush,
}

impl Verb {
    /// `pause`, `resume`, `extend`, `flush`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Extend => "extend",
            Self::Flush => "flush",
        }
    }
    /// `paused`, `resumed`, `extended`, `flushed`.
    pub const fn past(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Extend => "extended",
            Self::Flush => "flushed",
        }
    }
    /// Whether it leaves the job paused, for a time that has to be given.
    pub const fn lasts(self) -> bool {
        matches!(self, Self::Pause | Self::Extend)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a person chose beside the verb. All of it goes on record with the plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// What to do where the end of a pause cannot be armed on the server.
    pub unarmed: Unarmed,
    /// How held mail is let go.
    pub release: Release,
}

/// What to do where the end of a pause cannot be armed on the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unarmed {
    /// Do not pause.
    #[default]
    Refused,
    /// Pause all the same: a person has to end it.
    Allowed,
}

/// How held mail is let go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// As it is: what is past its lifetime bounces at once.
    #[default]
    AsItIs,
    /// Into new queue files, with a new lifetime.
    Requeued,
}

/// What has to be given before a plan runs, beside the reason.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirmation {
    /// Enter.
    #[default]
    Enter,
    /// The server's name, typed: what is touched is larger than the configured size.
    Name,
}

/// Another way to do the same, which a person may choose in place of the one that is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Offer {
    /// What to choose.
    pub choices: Choices,
    /// What it does otherwise, in a few words: `requeue: 412 would bounce at once`.
    pub words: Text,
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
    /// For how long, for a pause. One without an end is a cancel: see [`Plan::is_cancel`].
    pub lasts: Option<Span>,
    /// What was chosen beside the verb.
    #[serde(default)]
    pub choices: Choices,
    /// Why nothing on the server ends this pause, where a person chose to go on without.
    #[serde(default)]
    pub unarmed: Option<Text>,
    /// Messages that it touches, counted now; `None` where it touches none or they could not be counted.
    #[serde(default)]
    pub messages: Option<u64>,
    /// What has to be given before it runs.
    #[serde(default)]
    pub confirmation: Confirmation,
    /// Other ways to do it.
    #[serde(default)]
    pub offers: Vec<Offer>,
    /// Why; required before it runs.
    pub reason: Text,
    /// Who: `login@host`, and the user before sudo where there is one.
    pub by: Text,
}

impl Plan {
    /// Whether this pause has no end because nothing can be resumed after it: what it stops is started again by hand.
    pub fn is_cancel(&self) -> bool {
        self.verb == Verb::Pause && self.lasts.is_none() && self.unarmed.is_none()
    }
    /// What it is called before a person: `pause`, `resume`, `cancel`.
    pub fn word(&self) -> &'static str {
        if self.is_cancel() { "cancel" } else { self.verb.word() }
    }
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

/// A pause that is over, as it was seen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PauseEnded {
    /// The action that began it.
    pub id: ActionId,
    /// How it ended.
    pub how: Ending,
    /// How the job was found.
    pub found: JobState,
}

/// How a pause ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Its time was over, and the server ended it by itself.
    Expired,
    /// What was paused ended by itself meanwhile, or was ended: there is nothing left to resume.
    Gone,
}

/// A job that is not as it was last made to be, and nobody here did that: a timer, a restart, another person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Drift {
    /// The action after which it was otherwise.
    pub id: ActionId,
    /// How it should be.
    pub expected: State,
    /// In what it is otherwise.
    #[serde(default)]
    pub how: Otherwise,
    /// How it was found.
    pub found: JobState,
}

/// In what a job is otherwise than it was last made to be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// Its state is another.
    #[default]
    State,
    /// It is paused, and what was armed on the server to end that is gone before its time.
    NoEnd,
    /// The end of its pause has come on the server, and did not end it.
    NotEnded,
    /// It is paused, and some of the mail that was held was let go.
    LetGo,
}

impl Otherwise {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::NoEnd => "no-end",
            Self::NotEnded => "not-ended",
            Self::LetGo => "let-go",
        }
    }
}

/// An action whose end nobody saw: who ran it died in between. What the server says is read back at once.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Lost {
    /// Which.
    pub id: ActionId,
    /// How that is known.
    pub why: Text,
}

/// What a login may not do for a job, as a harmless check found (`sudo -n -l`).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rights {
    /// What is missing; empty when nothing is.
    pub lacks: Vec<Lack>,
}

/// One command that a verb needs and that the login may not run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lack {
    /// For which verb.
    pub verb: Verb,
    /// The command, as in a sudoers rule.
    pub rule: Text,
}
