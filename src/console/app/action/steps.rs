//! The steps of a confirmed action as the record tells them: on record, ran, read back.

use crate::domain::action::{Plan, Truth, Verb};
use crate::model::Action;

/// One step of a confirmed action.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// What.
    pub name: &'static str,
    /// How it went.
    pub state: StepState,
    /// What came of it.
    pub words: String,
}

/// How a step went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Under way.
    Working,
    /// Done.
    Good,
    /// Done, but not proved.
    Unproved,
    /// Failed, or found otherwise.
    Bad,
}

pub(super) fn steps(plan: &Plan, action: Option<&Action>) -> Vec<Step> {
    let recorded = Step {
        name: "on record",
        state: if action.is_some() {
            StepState::Good
        } else {
            StepState::Working
        },
        words: String::new(),
    };
    let ran = action.and_then(|a| a.ran.as_ref()).map(|(r, _)| r);
    let lost = action.and_then(|a| a.lost.as_ref()).map(|(l, _)| l);
    let run = Step {
        name: match plan.verb {
            Verb::Pause if plan.armed_on_server => "armed and ran",
            Verb::Extend if plan.armed_on_server => "armed anew",
            _ => "ran",
        },
        state: match ran {
            Some(r) if r.failed.is_some() => StepState::Bad,
            Some(_) => StepState::Good,
            None if lost.is_some() => StepState::Unproved,
            None if action.is_some() => StepState::Working,
            None => StepState::Waiting,
        },
        words: match (ran, lost) {
            (Some(r), _) => match &r.failed {
                Some(why) => why.to_string(),
                None => format!("in {}", r.took),
            },
            (None, Some(lost)) => format!("outcome unknown: {}", lost.why),
            (None, None) => String::new(),
        },
    };
    let back = action.and_then(|a| a.read_back.as_ref()).map(|(b, _)| &b.truth);
    let (state, words) = match back {
        Some(Truth::Confirmed { .. }) => (StepState::Good, "confirmed".to_owned()),
        Some(Truth::Contradicted { found }) => (StepState::Bad, format!("contradicted: found {}", found.state)),
        Some(Truth::Unverifiable { why }) => (StepState::Unproved, format!("cannot be verified: {why}")),
        Some(Truth::Requested) | None if ran.is_some() || lost.is_some() => (StepState::Working, String::new()),
        Some(Truth::Requested) | None => (StepState::Waiting, String::new()),
    };
    let read = Step {
        name: "read back",
        state,
        words,
    };
    vec![recorded, run, read]
}
