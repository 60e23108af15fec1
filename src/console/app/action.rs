//! One action in its dialog: planned, shown, confirmed, run, read back. It runs nothing: it asks for effects, and learns
//! from the record what became of them.

mod steps;

use jiff::Timestamp;
use tui_input::Input;

use crate::domain::action::{Choices, Confirmation, Plan, Release, Unarmed, Verb};
use crate::domain::effect::{Check, Effect};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Span, Text};
use crate::model::Model;

pub use steps::{Step, StepState};

/// How long a pause may last, beside what is usual here.
const DURATIONS: [Span; 6] = [
    Span::from_mins(5),
    Span::from_mins(10),
    Span::from_mins(30),
    Span::from_hours(1),
    Span::from_hours(2),
    Span::from_hours(4),
];

/// How long a pause may last, and which of these is chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Durations {
    /// All, the shortest first.
    pub all: Vec<Span>,
    /// The chosen one's place.
    pub at: usize,
}

impl Durations {
    /// With the usual one chosen.
    pub(super) fn usual(usual: Span) -> Self {
        let mut all = DURATIONS.to_vec();
        let at = all.partition_point(|d| *d < usual);
        if all.get(at) != Some(&usual) {
            all.insert(at, usual);
        }
        Self { all, at }
    }
    /// The chosen one.
    pub fn chosen(&self) -> Span {
        self.all.get(self.at).copied().unwrap_or(Span::ZERO)
    }
    /// Chooses the one so many further, and no further than the ends; whether that is another.
    pub(super) fn move_by(&mut self, by: isize) -> bool {
        let to = self.at.saturating_add_signed(by).min(self.all.len() - 1);
        std::mem::replace(&mut self.at, to) != to
    }
}

/// How far the dialog is.
#[derive(Clone, PartialEq, Debug)]
pub enum Stage {
    /// The engine works the plan out; the one before, if something was chosen otherwise.
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

/// Which input the keys are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Field {
    /// Why.
    #[default]
    Reason,
    /// The server's name, where it has to be typed.
    Name,
}

/// What trying the plan showed.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Tried {
    /// It was not tried.
    #[default]
    Not,
    /// It is being tried.
    Asked,
    /// One line for each thing.
    Done(Vec<Check>),
}

/// One way to do it, where there are several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    /// What it chooses.
    pub choices: Choices,
    /// In a few words.
    pub words: Text,
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
    /// For how long.
    pub durations: Durations,
    /// What was chosen beside the verb.
    pub choices: Choices,
    /// The ways that were offered, the first one first.
    pub ways: Vec<Way>,
    /// Why.
    pub reason: Input,
    /// The server's name as typed.
    pub name: Input,
    /// Which of the two the keys are for.
    pub field: Field,
    /// What trying the plan showed.
    pub tried: Tried,
    /// What is missing, said after a key.
    pub said: Option<String>,
    /// How far it is.
    pub stage: Stage,
    /// Lines scrolled.
    pub scroll: usize,
}

impl ActionDialog {
    pub(super) fn new(server: Name, job: Name, verb: Verb, usual: Span) -> Self {
        Self {
            server,
            job,
            verb,
            durations: Durations::usual(usual),
            choices: Choices::default(),
            ways: Vec::new(),
            reason: Input::default(),
            name: Input::default(),
            field: Field::Reason,
            tried: Tried::Not,
            said: None,
            stage: Stage::Planning { before: None },
            scroll: 0,
        }
    }
    /// For how long, for what leaves the job paused.
    pub fn lasts(&self) -> Option<Span> {
        self.verb.lasts().then(|| self.durations.chosen())
    }
    /// The plan that is shown, or was shown before something was chosen otherwise.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.stage {
            Stage::Planning { before } => before.as_deref(),
            Stage::Shown(plan) | Stage::Running { plan, .. } | Stage::NotRun { plan, .. } => Some(plan),
            Stage::NotPlanned(_) => None,
        }
    }
    /// Whether the server's name has to be typed.
    pub fn wants_name(&self) -> bool {
        let open = matches!(self.stage, Stage::Planning { .. } | Stage::Shown(_));
        open && self.plan().is_some_and(|p| p.confirmation == Confirmation::Name)
    }
    /// Whether the pause may be chosen although nothing on the server would end it.
    pub fn offers_unarmed(&self) -> bool {
        let missed = matches!(&self.stage, Stage::NotPlanned(why) if why.kind == Miss::NotArmed);
        missed && self.verb.lasts() && self.choices.unarmed == Unarmed::Refused
    }
    /// The input that the keys are for.
    pub(super) fn input(&mut self) -> &mut Input {
        match self.field {
            Field::Name if self.wants_name() => &mut self.name,
            _ => &mut self.reason,
        }
    }
    /// The other input, where there are two.
    pub(super) fn other_field(&mut self) {
        self.field = match self.field {
            Field::Reason if self.wants_name() => Field::Name,
            _ => Field::Reason,
        };
    }

    pub(super) fn ask(&self) -> Effect {
        Effect::Plan {
            server: self.server.clone(),
            job: self.job.clone(),
            verb: self.verb,
            lasts: self.lasts(),
            choices: self.choices,
        }
    }
    /// The plan is worked out anew.
    fn again(&mut self) -> Vec<Effect> {
        (self.said, self.tried) = (None, Tried::Not);
        self.stage = Stage::Planning {
            before: self.plan().cloned().map(Box::new),
        };
        vec![self.ask()]
    }
    const fn is_confirmed(&self) -> bool {
        matches!(self.stage, Stage::Running { .. } | Stage::NotRun { .. })
    }
    /// `←→`: another duration, or another way for what has none.
    pub(super) fn change(&mut self, by: isize) -> Vec<Effect> {
        if self.is_confirmed() {
            return Vec::new();
        }
        if !self.verb.lasts() {
            return self.other_way(by);
        }
        if !self.durations.move_by(by) {
            return Vec::new();
        }
        self.again()
    }
    /// Another of the ways that were offered, round and round.
    pub(super) fn other_way(&mut self, by: isize) -> Vec<Effect> {
        if self.is_confirmed() || self.ways.len() < 2 {
            return Vec::new();
        }
        let at = self.ways.iter().position(|w| w.choices == self.choices).unwrap_or(0);
        let to = (at as isize + by).rem_euclid(self.ways.len() as isize) as usize;
        self.choices = self.ways[to].choices;
        self.again()
    }
    /// Pause although no end can be armed: what is shown then says so, and it goes on record.
    pub(super) fn unarmed(&mut self) -> Vec<Effect> {
        if !self.offers_unarmed() {
            return Vec::new();
        }
        self.choices.unarmed = Unarmed::Allowed;
        self.again()
    }
    /// Try what is shown without changing anything.
    pub(super) fn check(&mut self) -> Vec<Effect> {
        let Stage::Shown(plan) = &self.stage else {
            if matches!(self.stage, Stage::Planning { .. }) {
                self.said = Some("not yet: the plan is still being worked out".to_owned());
            }
            return Vec::new();
        };
        if self.tried == Tried::Asked {
            return Vec::new();
        }
        let id = plan.id.clone();
        (self.tried, self.said) = (Tried::Asked, None);
        vec![Effect::Check { id }]
    }

    /// A plan has come; whether it is the one that was asked for last. An answer to an earlier choice is not.
    pub(super) fn planned(&mut self, plan: Box<Plan>) {
        let open = matches!(self.stage, Stage::Planning { .. } | Stage::NotPlanned(_));
        let lasts = plan.is_cancel() || self.lasts() == plan.lasts;
        let wanted = self.server == plan.server
            && self.job == plan.job
            && (self.verb, self.choices) == (plan.verb, plan.choices);
        if !(open && wanted && lasts) {
            return;
        }
        if self.ways.is_empty() && !plan.offers.is_empty() {
            self.ways.push(Way {
                choices: self.choices,
                words: way(self.choices).into(),
            });
        }
        for offer in &plan.offers {
            if self.ways.iter().all(|w| w.choices != offer.choices) {
                self.ways.push(Way {
                    choices: offer.choices,
                    words: offer.words.clone(),
                });
            }
        }
        (self.said, self.tried) = (None, Tried::Not);
        self.stage = Stage::Shown(plan);
    }
    /// What is missing before what is shown may run.
    pub(super) fn missing(&self) -> Option<String> {
        if self.reason.value().trim().is_empty() {
            return Some("a reason is required: it goes on record with your name".to_owned());
        }
        if self.wants_name() && self.name.value() != self.server.as_str() {
            return Some(format!(
                "type the server's name, {}, to confirm: this is large",
                self.server
            ));
        }
        None
    }
    /// The steps of a confirmed action, from the record.
    pub fn steps(&self, model: &Model) -> Vec<Step> {
        let Some(plan) = self.plan() else { return Vec::new() };
        steps(plan, model)
    }
}

/// The steps of a confirmed plan, from the record.
pub fn steps(plan: &Plan, model: &Model) -> Vec<Step> {
    steps::steps(plan, model.action(&plan.id))
}

/// What was chosen, in a few words.
const fn way(choices: Choices) -> &'static str {
    match (choices.release, choices.unarmed) {
        (Release::AsItIs, Unarmed::Refused) => "as it is",
        (Release::AsItIs, Unarmed::Allowed) => "as it is, with no armed end",
        (Release::Requeued, _) => "requeued",
    }
}
