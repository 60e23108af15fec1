//! The state of the console and what each message does to it. Pure: `update` returns effects as data; the engine runs
//! them and answers with messages. No await, no I/O, no clock: the moment comes in as an argument.

mod act;
mod acting;
mod action;
mod batch;
mod fleet;
mod incident;
mod keys;
mod measured;
mod messages;
mod msg;
mod options;
mod outage;
mod overlays;
mod palette;
mod past;
mod pick;
mod server;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::action::ActionId;
use crate::domain::effect::{Answer, Effect, Recording, Role, Toggle};
use crate::domain::event::Event;
use crate::domain::incident::{IncidentId, Terms};
use crate::domain::{Name, Span, Text};
use crate::model::{Model, Row};

use super::keymap::Place;

pub use action::{ActionDialog, Durations, Field, Stage, Step, StepState, Tried, Way, steps};
pub use batch::{BatchDialog, Hands};
pub use fleet::Fleet;
pub use incident::{
    DeskPane, Draft, DraftEditor, Drafting, Due, IncidentDialog, IncidentView, IncidentsView, Owed, PostBy, Posting,
    Reach, What, Which, next_at, servers_of,
};
pub use messages::{Asked, MessagesView, left};
pub use msg::Msg;
pub use options::{Access, AppOptions, Pace};
pub use outage::{FORMS, OutageDialog, since};
pub use palette::Palette;
pub use past::{FORMS as MOMENTS, GoTo, Play, SPEED as REPLAY_SPEED, Seen, Shown, Travel, moment as moment_of};
pub use pick::{Pick, PickMany};
pub use server::{Pane, ServerView};
pub use status::Status;

/// Answers to keys and notices of the engine that are kept.
const KEEP_NOTICES: usize = 50;

/// What fills the screen.
#[derive(Clone, Debug)]
pub enum Screen {
    /// All servers.
    Fleet,
    /// One of them.
    Server(ServerView),
    /// Messages of one of its queues.
    Messages(Box<MessagesView>),
    /// Incidents.
    Incidents(IncidentsView),
    /// One of them.
    Incident(IncidentView),
}

/// What stands before it.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// Help for the screen, scrolled by so many lines.
    Help(usize),
    /// Notices in full, scrolled by so many lines.
    Notices(usize),
    /// The certificates of the fleet, scrolled by so many lines.
    Certificates(usize),
    /// The page for the person who takes over, scrolled by so many lines.
    Handover(usize),
    /// Every command by name.
    Palette(Palette),
    /// The filter being typed.
    Filter,
    /// Which of several jobs.
    Pick(Pick),
    /// Which of the jobs of several servers.
    PickMany(PickMany),
    /// Since when a server's senders could not deliver.
    Outage(OutageDialog),
    /// A moment of the past to go to.
    GoTo(GoTo),
    /// Something that is said of an incident.
    Incident(Box<IncidentDialog>),
    /// Which of several incidents.
    Which(Which),
    /// The words of an update being edited.
    Words(Box<DraftEditor>),
    /// A line of a timeline in full, scrolled by so many lines.
    Entry(Box<crate::model::timeline::Line>, usize),
    /// An action.
    Action(Box<ActionDialog>),
    /// An action on several servers.
    Batch(Box<BatchDialog>),
    /// Whether to leave while an action runs; what stood there before.
    Question(Option<Box<Overlay>>),
}

/// The console.
#[derive(Clone, Debug)]
pub struct App {
    /// As started; theme and glyphs may change by command.
    pub options: AppOptions,
    /// The fleet as known.
    pub model: Model,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What fills the screen.
    pub screen: Screen,
    /// What stands before it.
    pub overlay: Option<Overlay>,
    /// The cursor and the filter of the fleet.
    pub fleet: Fleet,
    /// Whether the mouse is ours.
    pub mouse: Toggle,
    /// Who probes.
    pub role: Role,
    /// Whether what is seen is recorded.
    pub recording: Recording,
    /// Where the past is shown.
    pub past: Option<Travel>,
    /// The number of the last question to the record.
    asked: u64,
    /// What the clock had when the last message came.
    clock: Timestamp,
    said: Option<Text>,
    notices: Vec<(Timestamp, Text)>,
    mine: Vec<acting::Started>,
    measured: BTreeSet<(ActionId, Name)>,
    drafts: BTreeMap<IncidentId, Drafting>,
    /// The draft that the user's own editor has, and its words before.
    edits: Option<(IncidentId, String)>,
    /// Updates that a program has: no second one is handed out meanwhile.
    publishing: BTreeSet<IncidentId>,
    /// Whether an incident that is opened here is on its way onto the record.
    opening: bool,
    reminded: BTreeSet<incident::Told>,
    /// Whether it was said that leaving loses an edited draft.
    warned: bool,
}

impl App {
    /// A console that shows this model.
    pub fn new(options: AppOptions, model: Model) -> Self {
        Self {
            options,
            model,
            size: (80, 24),
            screen: Screen::Fleet,
            overlay: None,
            fleet: Fleet::default(),
            mouse: Toggle::Off,
            role: Role::Probing,
            recording: Recording::Yes,
            past: None,
            asked: 0,
            clock: Timestamp::UNIX_EPOCH,
            said: None,
            notices: Vec::new(),
            mine: Vec::new(),
            measured: BTreeSet::new(),
            drafts: BTreeMap::new(),
            edits: None,
            publishing: BTreeSet::new(),
            opening: false,
            reminded: BTreeSet::new(),
            warned: false,
        }
    }

    /// Takes in one message and says what is to be done. `now` is by the clock, whatever is shown.
    pub fn update(&mut self, msg: Msg, now: Timestamp) -> Vec<Effect> {
        self.clock = now;
        let shown = self.moment(now);
        let learns = matches!(msg, Msg::Events(_));
        let mut effects = match msg {
            Msg::Key(key) => self.key(key, shown),
            Msg::Paste(text) => self.paste(&text, shown),
            Msg::Mouse(mouse) => self.mouse_moved(mouse, shown),
            Msg::Resize(w, h) => {
                self.size = (w, h);
                Vec::new()
            }
            Msg::Events(events) => {
                self.learned(&events, now);
                self.of_now(|me| me.measure(now))
            }
            Msg::Answer(answer) => self.answered(answer, now),
            Msg::Past(number, seen) => {
                self.looked_back(number, seen, now);
                Vec::new()
            }
            Msg::Copied(what) => {
                self.copied(what, now);
                Vec::new()
            }
            Msg::Edited(words) => {
                self.edited_elsewhere(words, now);
                Vec::new()
            }
            Msg::Tick => {
                let mut effects = self.play_on(now);
                effects.extend(self.of_now(|me| me.measure(now)));
                effects
            }
        };
        effects.extend(self.of_now(|me| me.remind(now)));
        effects.extend(self.advance(now));
        let shown = self.moment(now);
        if self.is_past() {
            effects.retain(fits_the_past);
        }
        self.settle(shown);
        // What is learned only adds to an incident: what it takes to hold a cursor inside is spent on what a person does.
        if !learns {
            self.settle_incident(shown);
        }
        effects
    }

    fn learned(&mut self, events: &[Event], now: Timestamp) {
        if self.is_past() {
            if let Some(live) = self.live() {
                live.apply_all(events);
            }
            self.opening = false;
            return self.of_now(|me| {
                me.learned_of_incidents(events);
                me.forget_finished(now);
            });
        }
        let before = self.fleet.selected().and_then(|name| self.position(name, now));
        self.model.apply_all(events);
        self.learned_of_incidents(events);
        self.fit(before, "is no longer watched", now);
        self.forget_finished(now);
    }

    /// Takes in that the fleet is another one. A server that is not in it takes its cursor with it, and says so: a key must not
    /// fall on another one unnoticed.
    fn fit(&mut self, before: Option<usize>, gone: &str, now: Timestamp) {
        self.go_with(before, gone, now);
        let model = &self.model;
        self.fleet.keep_marks(|name| model.server(name).is_some());
    }

    /// The same for a fleet that is only looked at: what is marked stays so.
    fn go_with(&mut self, before: Option<usize>, gone: &str, now: Timestamp) {
        if let (Some(name), Some(at)) = (self.fleet.selected().cloned(), before)
            && self.model.server(&name).is_none()
        {
            let rows = self.rows(now);
            let next = rows.get(at).or(rows.last()).map(|r| r.server.name.clone());
            self.fleet.select(next);
            self.say(format!("{name} {gone}"));
        }
        if let Some(name) = self.open_server().cloned()
            && self.model.server(&name).is_none()
        {
            self.say(format!("{name} {gone}"));
            self.screen = Screen::Fleet;
        }
    }

    fn answered(&mut self, answer: Answer, now: Timestamp) -> Vec<Effect> {
        match answer {
            Answer::Role(role) => self.role = role,
            Answer::Recording(recording) => self.recording = recording,
            Answer::Notice(text) => {
                // What was begun has its answer.
                if self.said.as_deref() == Some(keys::READING) {
                    self.said = None;
                }
                self.notice(now, text);
            }
            Answer::Terms(terms) => self.take_terms(*terms, now),
            Answer::Published { incident } => self.published(&incident, Ok(()), now),
            Answer::NotPublished { incident, went, why } => self.published(&incident, Err((went, why)), now),
            Answer::Planned(plan) => self.planned(plan),
            Answer::NotPlanned { server, job, verb, why } => self.not_planned(&server, &job, verb, why),
            Answer::Checked { id, checks } => self.checked(&id, checks),
            Answer::NotRun { id, why } => self.not_run(&id, why, now),
            Answer::Messages {
                server,
                queue,
                pick,
                page,
            } => self.messages_answered(&server, &queue, &pick, page, now),
        }
        Vec::new()
    }

    fn notice(&mut self, now: Timestamp, text: impl Into<Text>) {
        self.notices.push((now, text.into()));
        if self.notices.len() > KEEP_NOTICES {
            self.notices.remove(0);
        }
    }

    /// How incidents are kept from now on; what is wrong with the user's own templates is said.
    pub fn take_terms(&mut self, terms: Terms, now: Timestamp) {
        for wrong in &terms.templates.wrong {
            self.notice(now, format!("{wrong}; the built-in template is used"));
        }
        self.options.terms = terms;
    }

    /// The lines of the fleet that are to be shown: those that match the filter, and the selected one.
    pub fn rows(&self, now: Timestamp) -> Vec<Row<'_>> {
        let mut rows = crate::model::rows(&self.model, now);
        self.fleet.retain(&mut rows);
        rows
    }

    fn position(&self, name: &Name, now: Timestamp) -> Option<usize> {
        self.rows(now).iter().position(|r| r.server.name == *name)
    }

    /// The server that a key falls on: the one shown, or the selected one. Until the hands have chosen, that is the
    /// worst.
    pub fn current(&self, now: Timestamp) -> Option<Name> {
        self.open_server()
            .or(self.fleet.selected())
            .cloned()
            .or_else(|| self.rows(now).first().map(|r| r.server.name.clone()))
    }

    /// The server whose screen is open.
    fn open_server(&self) -> Option<&Name> {
        match &self.screen {
            Screen::Fleet | Screen::Incidents(_) | Screen::Incident(_) => None,
            Screen::Server(view) => Some(&view.name),
            Screen::Messages(view) => Some(&view.back.name),
        }
    }

    /// Where the hands are.
    pub const fn place(&self) -> Place {
        match &self.overlay {
            Some(
                Overlay::Help(_)
                | Overlay::Notices(_)
                | Overlay::Certificates(_)
                | Overlay::Handover(_)
                | Overlay::Entry(..),
            ) => Place::Page,
            Some(Overlay::Palette(_)) => Place::Palette,
            Some(Overlay::Filter) => Place::Filter,
            Some(Overlay::Pick(_) | Overlay::PickMany(_) | Overlay::Which(_)) => Place::Pick,
            Some(Overlay::Incident(dialog)) => dialog.place(),
            Some(Overlay::Words(_)) => Place::Words,
            Some(Overlay::Batch(dialog)) => dialog.place(),
            Some(Overlay::Outage(_)) => Place::Outage,
            Some(Overlay::GoTo(_)) => Place::GoTo,
            Some(Overlay::Question(_)) => Place::Question,
            Some(Overlay::Action(dialog)) => match dialog.stage {
                Stage::Running { .. } | Stage::NotRun { .. } => Place::Progress,
                _ => Place::Plan,
            },
            None => match &self.screen {
                Screen::Messages(view) if view.search.is_some() => Place::Search,
                _ => self.ground(),
            },
        }
    }
    /// Where the hands are when nothing stands before the screen.
    pub const fn ground(&self) -> Place {
        match &self.screen {
            Screen::Fleet => Place::Fleet,
            Screen::Server(_) => Place::Server,
            Screen::Messages(view) if view.open.is_some() => Place::Message,
            Screen::Messages(_) => Place::Messages,
            Screen::Incidents(_) => Place::Incidents,
            Screen::Incident(_) => Place::Incident,
        }
    }

    /// How often the picture changes by itself: with an age on it every second, with only the clock every minute.
    pub fn tick_every(&self) -> Span {
        match &self.past {
            Some(Travel { play: Some(_), .. }) => return past::PICTURE,
            // Time stands still, but for what goes on behind it.
            Some(Travel { shown: Some(_), .. }) => return Span::from_secs(5),
            _ => {}
        }
        let aged = self.model.servers().next().is_some()
            || self.model.open_incident().is_some()
            || matches!(self.overlay, Some(Overlay::Action(_) | Overlay::Batch(_)));
        match (aged, self.options.pace) {
            (true, Pace::Normal) => Span::from_secs(1),
            (true, Pace::Slow) => Span::from_secs(5),
            (false, _) => Span::from_mins(1),
        }
    }

    /// Whether the clock shows seconds: only where something else counts in them too.
    pub fn clock_has_seconds(&self) -> bool {
        self.is_past() || self.tick_every() == Span::from_secs(1)
    }

    /// Says something in answer to a key; the next key clears it.
    pub(super) fn say(&mut self, text: impl Into<Text>) {
        self.said = Some(text.into());
    }

    /// Holds scroll positions inside what there is to show.
    fn settle(&mut self, now: Timestamp) {
        if let Screen::Server(view) = &self.screen {
            let mut view = view.clone();
            view.settle(self, now);
            self.screen = Screen::Server(view);
        }
        self.settle_messages(now);
        self.settle_overlay(now);
    }
}

/// Whether an effect asks no server and does nothing, but for what is due now whatever is shown.
const fn fits_the_past(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Past(..)
            | Effect::Quit
            | Effect::Mouse(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Copy { .. }
            | Effect::Remind { .. }
            | Effect::Measured { .. }
    )
}

#[cfg(test)]
mod tests;
