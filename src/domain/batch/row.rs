//! One server of a batch: how far it is, and how it ended.

use crate::domain::action::{Plan, Truth, Verb};
use crate::domain::job::State;
use crate::domain::reading::Missed;
use crate::domain::{Name, Text};

/// What the record says of an action.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    /// Nothing yet.
    Nothing,
    /// Its plan is on record.
    OnRecord,
    /// Its commands ended well; it is being read back.
    Ran,
    /// It is over.
    Ended(End),
}

/// How one ended.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// Read back, and it is so.
    Confirmed,
    /// Read back, and it is not so.
    Contradicted {
        /// What was found instead.
        found: State,
    },
    /// It ran and cannot be read back.
    Unverifiable {
        /// Why.
        why: Text,
    },
    /// A command failed.
    Failed {
        /// What came of it.
        why: Text,
        /// What was read back after it.
        left: Option<Truth>,
    },
    /// Nobody saw its end.
    Lost {
        /// How that is known.
        why: Text,
        /// What was read back after it.
        left: Option<Truth>,
    },
}

/// How far one server is.
#[derive(Clone, PartialEq, Debug)]
pub enum RowState {
    /// It takes no part.
    LeftOut(Text),
    /// Its plan was asked for.
    Planning,
    /// It has no plan.
    Cannot(Missed),
    /// Its plan is shown.
    Ready(Box<Plan>),
    /// Confirmed; its turn has not come.
    Waiting(Box<Plan>),
    /// Given to the engine, with what the record says since.
    Running(Box<Plan>, Seen),
    /// Over.
    Ended(Box<Plan>, End),
    /// The engine did not run it.
    Refused(Box<Plan>, Text),
    /// Its turn never came.
    NotRun(Box<Plan>, Text),
}

/// One server of a batch.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The server.
    pub server: Name,
    /// How far it is.
    pub state: RowState,
}

/// Whether it is paused by a plan that was to pause it, whatever else was otherwise than planned.
fn is_paused(plan: &Plan, found: State) -> bool {
    plan.verb == Verb::Pause && found == State::Paused
}

impl Row {
    /// Its plan, where it has one.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.state {
            RowState::LeftOut(_) | RowState::Planning | RowState::Cannot(_) => None,
            RowState::Ready(p)
            | RowState::Waiting(p)
            | RowState::Running(p, _)
            | RowState::Ended(p, _)
            | RowState::Refused(p, _)
            | RowState::NotRun(p, _) => Some(p),
        }
    }
    /// Whether the state that was asked for holds there now, as far as can be known, so that it wants undoing: also after a
    /// command that failed and left it behind, and where it ran and cannot be read back. Nothing undoes a cancel.
    pub(super) fn took_hold(&self) -> bool {
        let RowState::Ended(plan, end) = &self.state else {
            return false;
        };
        let held = match end {
            End::Confirmed | End::Unverifiable { .. } => true,
            // Paused without its end: all the more it wants undoing.
            End::Failed { left, .. } | End::Lost { left, .. } => match left {
                Some(Truth::Confirmed { .. }) => true,
                Some(Truth::Contradicted { found }) => is_paused(plan, found.state),
                _ => false,
            },
            End::Contradicted { found } => is_paused(plan, *found),
        };
        held && !plan.is_cancel()
    }
    /// What went wrong with it, in a few words.
    pub(super) fn trouble(&self) -> Option<String> {
        let server = &self.server;
        match &self.state {
            RowState::Ended(_, End::Contradicted { found }) => {
                Some(format!("{server} was contradicted: found {found}"))
            }
            RowState::Ended(_, End::Failed { .. }) => Some(format!("{server} failed")),
            RowState::Ended(_, End::Lost { .. }) => Some(format!("the outcome on {server} is unknown")),
            RowState::Refused(..) => Some(format!("{server} did not run")),
            _ => None,
        }
    }
}
