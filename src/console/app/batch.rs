//! One verb on every marked server: which job of each, one reason, one duration, a plan each; then their progress. What
//! runs when is decided by [`crate::domain::batch`]; this is its dialog, and what the record says to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tui_input::Input;

use crate::console::keymap::{Command, Place};
use crate::domain::action::{ActionId, Choices, Truth, Verb};
use crate::domain::batch::{Batch, End, MOST, OnFailure, Order, Phase, Seen, opposite};
use crate::domain::effect::Effect;
use crate::domain::{Name, Span, Text};
use crate::model::{Model, Server};

use super::act::eligible;
use super::action::Durations;
use super::{App, Overlay, PickMany};

/// What the keys are for before anything runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hands {
    /// Why.
    #[default]
    Reason,
    /// The name of the first server.
    Name,
    /// The list of servers.
    Rows,
}

/// The dialog of an action on several servers.
#[derive(Clone, Debug)]
pub struct BatchDialog {
    /// Who, what, how far.
    pub batch: Batch,
    /// For how long.
    pub durations: Durations,
    /// Why.
    pub reason: Input,
    /// The name of the first server as typed.
    pub name: Input,
    /// What the keys are for.
    pub hands: Hands,
    /// The row of the cursor.
    pub at: usize,
    /// Lines scrolled of that row's plan, where it is open in full.
    pub open: Option<usize>,
    /// What is missing, said after a key.
    pub said: Option<String>,
    /// Since when the first is to be looked at, or since the last Enter that came too early for that.
    looking: Option<Timestamp>,
}

/// The rest runs by an Enter that cannot have been meant for something else, as one pressed again or held down is.
const LOOK: Span = Span::from_secs(1);

impl BatchDialog {
    /// For these servers, as they are known.
    pub(super) fn new(verb: Verb, job: Name, servers: Vec<(Name, Result<(), Text>)>, usual: Span) -> Self {
        let lasts = verb.lasts().then_some(usual);
        Self {
            batch: Batch::new(verb, job, lasts, servers),
            durations: Durations::usual(usual),
            reason: Input::default(),
            name: Input::default(),
            hands: Hands::Reason,
            at: 0,
            open: None,
            said: None,
            looking: None,
        }
    }
    /// Where the hands are.
    pub const fn place(&self) -> Place {
        match (self.open, self.batch.phase, self.hands) {
            (Some(_), ..) => Place::BatchPlan,
            (None, Phase::Planning, Hands::Rows) => Place::BatchRows,
            (None, Phase::Planning, _) => Place::Batch,
            (None, ..) => Place::BatchRun,
        }
    }
    /// Whether one of its plans has this name.
    pub(super) fn holds(&self, id: &ActionId) -> bool {
        self.batch.rows.iter().any(|r| r.plan().is_some_and(|p| p.id == *id))
    }
    /// The input that the keys are for, if they are for one.
    pub(super) fn input(&mut self) -> Option<&mut Input> {
        match self.place() {
            Place::Batch if self.hands == Hands::Name && self.batch.needs_name() => Some(&mut self.name),
            Place::Batch => Some(&mut self.reason),
            _ => None,
        }
    }
    fn ask(&self, servers: Vec<Name>) -> Vec<Effect> {
        let one = |server| Effect::Plan {
            server,
            job: self.batch.job.clone(),
            verb: self.batch.verb,
            lasts: self.batch.lasts,
            choices: Choices::default(),
        };
        servers.into_iter().map(one).collect()
    }
    fn change(&mut self, by: isize) -> Vec<Effect> {
        if !self.batch.verb.lasts() || !self.durations.move_by(by) {
            return Vec::new();
        }
        let servers = self.batch.again(Some(self.durations.chosen()));
        self.ask(servers)
    }
    fn other_field(&mut self, forward: bool) {
        let all: &[Hands] = if self.batch.needs_name() {
            &[Hands::Reason, Hands::Name, Hands::Rows]
        } else {
            &[Hands::Reason, Hands::Rows]
        };
        let at = all.iter().position(|h| *h == self.hands).unwrap_or(0);
        let by = if forward { 1 } else { all.len() - 1 };
        self.hands = all[(at + by) % all.len()];
    }
    /// What is missing before it may run.
    fn missing(&self) -> Option<String> {
        let batch = &self.batch;
        let planning = batch.planning().count();
        if planning > 0 {
            return Some(format!("not yet: {planning} of the plans are still being worked out"));
        }
        if batch.ready().next().is_none() {
            return Some("there is no plan to run: Tab, then Enter on a server says why".to_owned());
        }
        if self.reason.value().trim().is_empty() {
            return Some("a reason is required: it goes on record with your name".to_owned());
        }
        let first = batch.first()?;
        (batch.needs_name() && self.name.value() != first.as_str())
            .then(|| format!("type the first server's name, {first}, to confirm"))
    }
    /// Enter after the first: the rest may run.
    fn go(&mut self, now: Timestamp) {
        let since = self.looking.replace(now).unwrap_or(now);
        if Span::between(since, now) < LOOK {
            self.said = Some("the first has just ended: look at it, then Enter".to_owned());
        } else {
            self.batch.go();
        }
    }
    fn step(&mut self, by: isize) {
        let last = self.batch.rows.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }
}

/// What the record says of an action.
fn seen(model: &Model, id: &ActionId) -> Seen {
    let Some(a) = model.action(id) else {
        return Seen::Nothing;
    };
    let left = a.read_back.as_ref().map(|(b, _)| b.truth.clone());
    if let Some(why) = a.ran.as_ref().and_then(|(r, _)| r.failed.clone()) {
        return Seen::Ended(End::Failed { why, left });
    }
    if let Some((lost, _)) = &a.lost {
        let why = lost.why.clone();
        return Seen::Ended(End::Lost { why, left });
    }
    match left {
        Some(Truth::Confirmed { .. }) => Seen::Ended(End::Confirmed),
        Some(Truth::Contradicted { found }) => Seen::Ended(End::Contradicted { found: found.state }),
        Some(Truth::Unverifiable { why }) => Seen::Ended(End::Unverifiable { why }),
        Some(Truth::Requested) | None if a.ran.is_some() => Seen::Ran,
        Some(Truth::Requested) | None => Seen::OnRecord,
    }
}

/// Whether a server takes part in a verb on a job, and why not.
fn part(server: Option<&Server>, job: &Name, verb: Verb, now: Timestamp) -> Result<(), Text> {
    let Some(server) = server else {
        return Err("no longer watched".into());
    };
    if server.read_only() {
        return Err("read-only in the config".into());
    }
    let Some(job) = server.jobs.get(job) else {
        return Err(format!("has no job {job}").into());
    };
    eligible(server, job, verb, now).map_err(Text::from)
}

impl App {
    /// The dialog of several servers, where it is open or waits behind the question before leaving.
    pub(super) fn several(&mut self) -> Option<&mut BatchDialog> {
        match &mut self.overlay {
            Some(Overlay::Batch(dialog)) => Some(dialog),
            Some(Overlay::Question(Some(before))) => match &mut **before {
                Overlay::Batch(dialog) => Some(dialog),
                _ => None,
            },
            _ => None,
        }
    }

    /// A verb on the marked servers: asks which job where they have several, or opens the dialog.
    pub(super) fn act_on_several(&mut self, verb: Verb, marked: &[Name], now: Timestamp) -> Vec<Effect> {
        if marked.len() > MOST {
            let n = marked.len();
            self.say(format!("{n} servers are marked: at most {MOST} at a time"));
            return Vec::new();
        }
        let mut jobs: BTreeMap<Name, usize> = BTreeMap::new();
        for server in marked.iter().filter_map(|n| self.model.server(n)) {
            for j in server.jobs.values() {
                let flushes = j.watched.as_ref().is_some_and(|w| &*w.kind == "postfix");
                if verb != Verb::Flush || flushes {
                    *jobs.entry(j.name.clone()).or_default() += 1;
                }
            }
        }
        let jobs: Vec<(Name, usize)> = jobs.into_iter().collect();
        match &jobs[..] {
            [] => {
                let of = if verb == Verb::Flush { " of kind postfix" } else { "" };
                self.say(format!("no marked server has a job{of} to {verb}"));
                Vec::new()
            }
            [(job, _)] => self.open_batch(verb, job.clone(), marked.to_vec(), now),
            _ => {
                self.overlay = Some(Overlay::PickMany(PickMany {
                    verb,
                    servers: marked.to_vec(),
                    jobs,
                    at: 0,
                }));
                Vec::new()
            }
        }
    }

    /// Opens the dialog for one job of several servers and asks for a plan for each that takes part.
    pub(super) fn open_batch(&mut self, verb: Verb, job: Name, servers: Vec<Name>, now: Timestamp) -> Vec<Effect> {
        let rows = servers
            .into_iter()
            .map(|name| {
                let takes = part(self.model.server(&name), &job, verb, now);
                (name, takes)
            })
            .collect();
        let dialog = BatchDialog::new(verb, job, rows, self.options.pause_for);
        let asked = dialog.ask(dialog.batch.planning().cloned().collect());
        self.overlay = Some(Overlay::Batch(Box::new(dialog)));
        asked
    }

    /// Takes in what the record says, and runs what is to run next. While it is asked whether to leave, nothing begins.
    pub(super) fn advance(&mut self, now: Timestamp) -> Vec<Effect> {
        let holds = matches!(self.overlay, Some(Overlay::Question(_)));
        if self.several().is_none() {
            return Vec::new();
        }
        let model = std::mem::take(&mut self.model);
        let mut plans = Vec::new();
        if let Some(dialog) = self.several() {
            dialog
                .batch
                .learn(|id| seen(&model, id), |name| model.server(name).is_some());
            if !holds {
                plans = dialog.batch.next_to_run();
            }
            if dialog.batch.phase == Phase::Looking {
                dialog.looking.get_or_insert(now);
            }
        }
        self.model = model;
        plans.into_iter().map(|plan| self.run(plan, now)).collect()
    }

    pub(super) fn in_batch(&mut self, command: Command, place: Place, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::Batch(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        dialog.said = None;
        if let Some(scroll) = &mut dialog.open {
            match command {
                Command::Up => *scroll = scroll.saturating_sub(1),
                Command::Down => *scroll += 1,
                Command::PageUp => *scroll = scroll.saturating_sub(5),
                Command::PageDown => *scroll += 5,
                Command::Back => dialog.open = None,
                _ => {}
            }
            return Vec::new();
        }
        match (command, place) {
            (Command::Up, _) => dialog.step(-1),
            (Command::Down, _) => dialog.step(1),
            (Command::Left, _) => return dialog.change(-1),
            (Command::Right, Place::Batch | Place::BatchRows) => return dialog.change(1),
            (Command::NextPane, _) => dialog.other_field(true),
            (Command::PreviousPane, _) => dialog.other_field(false),
            (Command::Order, _) => {
                dialog.batch.order = match dialog.batch.order {
                    Order::Canary => Order::Straight,
                    Order::Straight => Order::Canary,
                }
            }
            (Command::GoOn, _) => {
                dialog.batch.on_failure = match dialog.batch.on_failure {
                    OnFailure::Stop => OnFailure::GoOn,
                    OnFailure::GoOn => OnFailure::Stop,
                }
            }
            (Command::Open, Place::Batch) => match dialog.missing() {
                Some(missing) => dialog.said = Some(missing),
                None => dialog.batch.confirm(&dialog.reason.value().trim().into()),
            },
            (Command::Open, Place::BatchRun) if dialog.batch.phase == Phase::Looking => dialog.go(now),
            (Command::Open, Place::BatchRun) if dialog.batch.phase != Phase::Over => {}
            (Command::Open | Command::Right, _) => dialog.open = Some(0),
            (Command::Undo, _) => return self.undo(now),
            (Command::Back, _) => self.leave_batch(),
            _ => {}
        }
        Vec::new()
    }

    /// `u`: the opposite verb on exactly the servers where it took hold. Everything is planned and confirmed anew.
    fn undo(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::Batch(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        if dialog.batch.phase != Phase::Over {
            dialog.said = Some("not yet: Esc stops here, then u takes back what took hold".to_owned());
            return Vec::new();
        }
        if let Some((verb, servers)) = dialog.batch.undo() {
            let job = dialog.batch.job.clone();
            return self.open_batch(verb, job, servers, now);
        }
        dialog.said = Some(match opposite(dialog.batch.verb) {
            Some(_) => "there is nothing to take back: it took hold nowhere".to_owned(),
            None => format!("nothing takes back what was {}", dialog.batch.verb.past()),
        });
        Vec::new()
    }

    /// Esc: after the first it stops there; else it closes. What runs goes on, and what waits does not run.
    fn leave_batch(&mut self) {
        let Some(Overlay::Batch(dialog)) = &mut self.overlay else {
            return;
        };
        let batch = &mut dialog.batch;
        if batch.phase == Phase::Looking {
            batch.stop(&"stopped after the first".into());
            return;
        }
        let (running, waiting) = (batch.running(), batch.waiting());
        self.overlay = None;
        if running + waiting > 0 {
            self.say(format!(
                "closed: {running} under way go on, {waiting} that had not begun do not run"
            ));
        }
    }

    /// Holds the scroll of the open plan inside what there is.
    pub(super) fn settle_batch(&mut self, hidden: usize) {
        if let Some(Overlay::Batch(dialog)) = &mut self.overlay
            && let Some(scroll) = &mut dialog.open
        {
            *scroll = (*scroll).min(hidden);
        }
    }
}
