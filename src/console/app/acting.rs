//! What is under way: dialogs opened, plans confirmed and given to the engine, and how each ended by the record.

use jiff::Timestamp;

use crate::domain::action::{ActionId, Plan, Truth, Verb};
use crate::domain::effect::{Check, Effect};
use crate::domain::reading::Missed;
use crate::domain::{Name, Text};

use super::action::{ActionDialog, Stage, Tried};
use super::{App, Overlay};

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
        let mut dialog = ActionDialog::new(server, job, verb, self.options.pause_for);
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

    /// Enter in the dialog: runs what is shown, once all is given.
    pub(super) fn confirm(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::Action(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        let Stage::Shown(plan) = &dialog.stage else {
            dialog.said = match dialog.stage {
                Stage::Planning { .. } => Some("not yet: the plan is still being worked out".to_owned()),
                _ => None,
            };
            return Vec::new();
        };
        if let Some(missing) = dialog.missing() {
            dialog.said = Some(missing);
            return Vec::new();
        }
        let plan = Box::new(Plan {
            reason: Text::from(dialog.reason.value().trim()),
            ..(**plan).clone()
        });
        dialog.stage = Stage::Running {
            plan: plan.clone(),
            since: now,
        };
        (dialog.said, dialog.scroll) = (None, 0);
        vec![self.run(plan, now)]
    }

    /// A confirmed plan goes to the engine, and is followed to its end.
    pub(super) fn run(&mut self, plan: Box<Plan>, now: Timestamp) -> Effect {
        self.mine.push(Started {
            id: plan.id.clone(),
            server: plan.server.clone(),
            job: plan.job.clone(),
            verb: plan.verb,
            at: now,
            plan: plan.clone(),
        });
        let reason = plan.reason.clone();
        Effect::Run { plan, reason }
    }

    pub(super) fn planned(&mut self, plan: Box<Plan>) {
        match &mut self.overlay {
            Some(Overlay::Action(dialog)) => dialog.planned(plan),
            _ => {
                if let Some(dialog) = self.several() {
                    dialog.batch.planned(plan);
                }
            }
        }
    }

    pub(super) fn not_planned(&mut self, server: &Name, job: &Name, verb: Verb, why: Missed) {
        match &mut self.overlay {
            Some(Overlay::Action(dialog))
                if matches!(dialog.stage, Stage::Planning { .. })
                    && (&dialog.server, &dialog.job, dialog.verb) == (server, job, verb) =>
            {
                dialog.stage = Stage::NotPlanned(why);
            }
            Some(Overlay::Action(_)) => {}
            _ => {
                if let Some(dialog) = self.several() {
                    dialog.batch.not_planned(server, job, verb, why);
                }
            }
        }
    }

    pub(super) fn checked(&mut self, id: &ActionId, checks: Vec<Check>) {
        if let Some(Overlay::Action(dialog)) = &mut self.overlay
            && matches!(&dialog.stage, Stage::Shown(plan) if plan.id == *id)
        {
            // What came of it stands at the end, which may be out of sight.
            (dialog.tried, dialog.scroll) = (Tried::Done(checks), 10_000);
        }
    }

    pub(super) fn not_run(&mut self, id: &ActionId, why: Text, now: Timestamp) {
        self.mine.retain(|s| s.id != *id);
        if let Some(Overlay::Action(dialog)) = &mut self.overlay
            && let Some(plan) = dialog.plan().filter(|p| p.id == *id).cloned()
        {
            dialog.stage = Stage::NotRun {
                plan: Box::new(plan),
                why,
            };
            return;
        }
        if let Some(dialog) = self.several().filter(|d| d.holds(id)) {
            dialog.batch.refused(id, &why);
            return;
        }
        self.notices
            .push((now, format!("the action did not run: {why}").into()));
    }

    /// Lets go of actions that the record says have ended, and tells what became of those whose dialog was closed.
    pub(super) fn forget_finished(&mut self, now: Timestamp) {
        let mut left = Vec::new();
        for s in std::mem::take(&mut self.mine) {
            match self.model.action(&s.id).and_then(ended) {
                Some(_) if self.shows(&s.id) => {}
                Some(word) => {
                    let text = format!("{} {} on {}: {word}", s.verb, s.job, s.server);
                    self.notices.push((now, text.into()));
                }
                None => left.push(s),
            }
        }
        self.mine = left;
    }

    fn shows(&mut self, id: &ActionId) -> bool {
        match &self.overlay {
            Some(Overlay::Action(d)) => d.plan().is_some_and(|p| p.id == *id),
            _ => self.several().is_some_and(|d| d.holds(id)),
        }
    }
}

/// How an action ended, in a word, once it has.
fn ended(action: &crate::model::Action) -> Option<&'static str> {
    let failed = action.ran.as_ref().is_some_and(|(r, _)| r.failed.is_some());
    match action.truth() {
        Truth::Requested if failed => Some("failed"),
        Truth::Requested if action.lost.is_some() => Some("outcome unknown"),
        truth => action.read_back.as_ref().map(|_| truth.word()),
    }
}
