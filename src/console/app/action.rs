//! One action in its dialog: planned, shown, confirmed, run, read back. It runs nothing: it asks for effects, and learns
//! from the record what became of them.

use jiff::Timestamp;
use tui_input::Input;

use crate::domain::action::{ActionId, Plan, Truth, Verb};
use crate::domain::effect::Effect;
use crate::domain::reading::Missed;
use crate::domain::{Name, Span, Text};
use crate::model::{Action, Model};

use super::{App, Overlay};

/// How long a pause may last.
pub const DURATIONS: [Span; 6] = [
    Span::from_mins(5),
    Span::from_mins(10),
    Span::from_mins(30),
    Span::from_hours(1),
    Span::from_hours(2),
    Span::from_hours(4),
];
/// Half an hour, unless another is chosen.
const USUAL: usize = 2;

/// How far the dialog is.
#[derive(Clone, PartialEq, Debug)]
pub enum Stage {
    /// The engine works the plan out; the one before, if the duration was changed.
    Planning {
        /// What was shown before.
        before: Option<Box<Plan>>,
    },
    /// Shown, not confirmed.
    Shown(Box<Plan>),
    /// There is no plan.
    NotPlanned(Missed),
    /// Confirmed: what the record says of it is shown.
    Running {
        /// Which.
        plan: Box<Plan>,
        /// Confirmed when.
        since: Timestamp,
    },
    /// Confirmed, but not run.
    NotRun {
        /// Which.
        plan: Box<Plan>,
        /// Why.
        why: Text,
    },
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct ActionDialog {
    /// The server.
    pub server: Name,
    /// The job.
    pub job: Name,
    /// What is to be done.
    pub verb: Verb,
    /// Which of [`DURATIONS`].
    pub duration: usize,
    /// Why.
    pub reason: Input,
    /// What is missing, said after a key.
    pub said: Option<&'static str>,
    /// How far it is.
    pub stage: Stage,
    /// Lines scrolled.
    pub scroll: usize,
}

impl ActionDialog {
    fn new(server: Name, job: Name, verb: Verb) -> Self {
        Self {
            server,
            job,
            verb,
            duration: USUAL,
            reason: Input::default(),
            said: None,
            stage: Stage::Planning { before: None },
            scroll: 0,
        }
    }
    /// For how long, for a pause.
    pub fn lasts(&self) -> Option<Span> {
        (self.verb == Verb::Pause).then(|| DURATIONS[self.duration.min(DURATIONS.len() - 1)])
    }
    /// The plan that is shown, or was shown before the duration changed.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.stage {
            Stage::Planning { before } => before.as_deref(),
            Stage::Shown(plan) | Stage::Running { plan, .. } | Stage::NotRun { plan, .. } => Some(plan),
            Stage::NotPlanned(_) => None,
        }
    }
    fn ask(&self) -> Effect {
        Effect::Plan {
            server: self.server.clone(),
            job: self.job.clone(),
            verb: self.verb,
            lasts: self.lasts(),
        }
    }
    /// Another duration: the plan is worked out anew.
    pub(super) fn change(&mut self, by: isize) -> Vec<Effect> {
        if self.verb != Verb::Pause || matches!(self.stage, Stage::Running { .. } | Stage::NotRun { .. }) {
            return Vec::new();
        }
        let to = self.duration.saturating_add_signed(by).min(DURATIONS.len() - 1);
        if to == self.duration {
            return Vec::new();
        }
        self.duration = to;
        self.said = None;
        self.stage = Stage::Planning {
            before: self.plan().cloned().map(Box::new),
        };
        vec![self.ask()]
    }
    /// Whether this plan is the one that was last asked for: an answer to an earlier duration is not.
    fn wanted(&self, plan: &Plan) -> bool {
        self.server == plan.server && self.job == plan.job && self.verb == plan.verb && self.lasts() == plan.lasts
    }
    /// The steps of a confirmed action, from the record.
    pub fn steps(&self, model: &Model) -> Vec<Step> {
        let Some(plan) = self.plan() else { return Vec::new() };
        steps(plan, model.action(&plan.id))
    }
}

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

fn steps(plan: &Plan, action: Option<&Action>) -> Vec<Step> {
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
    let armed = plan.verb == Verb::Pause && plan.armed_on_server;
    let run = Step {
        name: if armed { "armed and ran" } else { "ran" },
        state: match ran {
            Some(r) if r.failed.is_some() => StepState::Bad,
            Some(_) => StepState::Good,
            None if action.is_some() => StepState::Working,
            None => StepState::Waiting,
        },
        words: ran.map_or_else(String::new, |r| match &r.failed {
            Some(why) => why.to_string(),
            None => format!("in {}", r.took),
        }),
    };
    let back = action.and_then(|a| a.read_back.as_ref()).map(|(b, _)| &b.truth);
    let (state, words) = match back {
        Some(Truth::Confirmed { .. }) => (StepState::Good, "confirmed".to_owned()),
        Some(Truth::Contradicted { found }) => (StepState::Bad, format!("contradicted: found {}", found.state)),
        Some(Truth::Unverifiable { why }) => (StepState::Unproved, format!("cannot be verified: {why}")),
        Some(Truth::Requested) | None if ran.is_some() => (StepState::Working, String::new()),
        Some(Truth::Requested) | None => (StepState::Waiting, String::new()),
    };
    let read = Step {
        name: "read back",
        state,
        words,
    };
    vec![recorded, run, read]
}

/// An action that was confirmed here and has not ended.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Started {
    pub(super) id: ActionId,
    pub(super) server: Name,
    pub(super) job: Name,
    pub(super) verb: Verb,
    pub(super) at: Timestamp,
    plan: Box<Plan>,
}

impl App {
    /// Whether an action that was confirmed here has not ended.
    pub fn acting(&self) -> bool {
        !self.mine.is_empty()
    }

    /// Opens the dialog for one job; one that is under way is shown as it is.
    pub(super) fn open_action(&mut self, server: Name, job: Name, verb: Verb) -> Vec<Effect> {
        let mut dialog = ActionDialog::new(server, job, verb);
        let running = self
            .mine
            .iter()
            .find(|s| s.server == dialog.server && s.job == dialog.job);
        let effects = if let Some(s) = running {
            dialog.verb = s.verb;
            dialog.stage = Stage::Running {
                plan: s.plan.clone(),
                since: s.at,
            };
            Vec::new()
        } else {
            vec![dialog.ask()]
        };
        self.overlay = Some(Overlay::Action(Box::new(dialog)));
        effects
    }

    /// Enter in the dialog: runs what is shown, if there is a reason.
    pub(super) fn confirm(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::Action(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        let Stage::Shown(plan) = &dialog.stage else {
            dialog.said = match dialog.stage {
                Stage::Planning { .. } => Some("not yet: the plan is still being worked out"),
                _ => None,
            };
            return Vec::new();
        };
        let reason = dialog.reason.value().trim();
        if reason.is_empty() {
            dialog.said = Some("a reason is required: it goes on record with your name");
            return Vec::new();
        }
        let reason = Text::from(reason);
        let plan = Box::new(Plan {
            reason: reason.clone(),
            ..(**plan).clone()
        });
        dialog.stage = Stage::Running {
            plan: plan.clone(),
            since: now,
        };
        (dialog.said, dialog.scroll) = (None, 0);
        self.mine.push(Started {
            id: plan.id.clone(),
            server: plan.server.clone(),
            job: plan.job.clone(),
            verb: plan.verb,
            at: now,
            plan: plan.clone(),
        });
        vec![Effect::Run { plan, reason }]
    }

    pub(super) fn planned(&mut self, plan: Box<Plan>) {
        if let Some(Overlay::Action(dialog)) = &mut self.overlay
            && matches!(dialog.stage, Stage::Planning { .. })
            && dialog.wanted(&plan)
        {
            dialog.stage = Stage::Shown(plan);
            dialog.said = None;
        }
    }

    pub(super) fn not_planned(&mut self, server: &Name, job: &Name, verb: Verb, why: Missed) {
        if let Some(Overlay::Action(dialog)) = &mut self.overlay
            && matches!(dialog.stage, Stage::Planning { .. })
            && (&dialog.server, &dialog.job, dialog.verb) == (server, job, verb)
        {
            dialog.stage = Stage::NotPlanned(why);
        }
    }

    pub(super) fn not_run(&mut self, id: &ActionId, why: Text, now: Timestamp) {
        self.mine.retain(|s| s.id != *id);
        match &mut self.overlay {
            Some(Overlay::Action(dialog)) if dialog.plan().is_some_and(|p| p.id == *id) => {
                if let Some(plan) = dialog.plan().cloned() {
                    dialog.stage = Stage::NotRun {
                        plan: Box::new(plan),
                        why,
                    };
                }
            }
            _ => self
                .notices
                .push((now, format!("the action did not run: {why}").into())),
        }
    }

    /// Lets go of actions that the record says have ended, and tells what became of those whose dialog was closed.
    pub(super) fn forget_finished(&mut self, now: Timestamp) {
        let ended = |s: &Started| {
            let action = self.model.action(&s.id)?;
            let failed = action.ran.as_ref().is_some_and(|(r, _)| r.failed.is_some());
            (action.read_back.is_some() || failed).then(|| match action.truth() {
                Truth::Requested => "failed",
                truth => truth.word(),
            })
        };
        let shown = match &self.overlay {
            Some(Overlay::Action(d)) => d.plan().map(|p| p.id.clone()),
            _ => None,
        };
        let mut words = Vec::new();
        let (done, left): (Vec<_>, Vec<_>) = self.mine.drain(..).partition(|s| {
            ended(s).is_some_and(|word| {
                words.push(word);
                true
            })
        });
        self.mine = left;
        for (s, word) in done.iter().zip(words) {
            if shown.as_ref() != Some(&s.id) {
                let text = format!("{} {} on {}: {word}", s.verb, s.job, s.server);
                self.notices.push((now, text.into()));
            }
        }
    }
}
