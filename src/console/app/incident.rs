//! The screens of incidents: the list of them, and one with its timeline, its clocks and the drafted update. What a person
//! says of one goes to the engine as an effect, and is shown once it has come back from the record.

mod dialog;
mod draft;
mod posting;
mod remind;
mod saying;

use jiff::Timestamp;
use tui_input::Input;

use crate::console::keymap::Command;
use crate::console::view;
use crate::domain::effect::{CopyTo, Effect};
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::incident::fact::How;
use crate::domain::incident::{Entry, Incident, IncidentId, State};
use crate::model::timeline::{Line, SourceKind};

use super::{App, Overlay, Screen};

pub use dialog::{IncidentDialog, What, Which};
pub use draft::{Draft, DraftEditor, Drafting};
pub use posting::{Posting, Reach, Way as PostBy, next_at};
pub(super) use remind::Told;
pub use remind::{Due, Owed};
pub use saying::servers_of;

/// A pane of an incident's screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeskPane {
    /// What happened, newest first.
    Timeline,
    /// Its clocks and what else is known.
    Clocks,
    /// The update as it could be told now.
    Draft,
}

impl DeskPane {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Timeline, Self::Clocks, Self::Draft];

    /// Its place among them.
    pub const fn index(self) -> usize {
        match self {
            Self::Timeline => 0,
            Self::Clocks => 1,
            Self::Draft => 2,
        }
    }
    /// The pane so many further, round and round.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        Self::ALL[(self.index() + by) % Self::ALL.len()]
    }
    /// `1 timeline`, `2 clocks`, `3 draft`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Timeline => "1 timeline",
            Self::Clocks => "2 clocks",
            Self::Draft => "3 draft",
        }
    }
}

/// The screen of one incident.
#[derive(Clone, Debug)]
pub struct IncidentView {
    /// Which.
    pub id: IncidentId,
    /// The pane that has the hands.
    pub pane: DeskPane,
    /// The line of the timeline under the cursor; the newest is 0.
    pub at: usize,
    /// The first line that is shown.
    pub top: usize,
    /// Only lines from this kind of source.
    pub source: Option<SourceKind>,
    /// Lines scrolled: of the clocks, of the draft.
    pub scroll: [usize; 2],
    /// The screen to go back to.
    pub back: Box<Screen>,
}

/// The list of incidents.
#[derive(Clone, Debug)]
pub struct IncidentsView {
    /// The one under the cursor; the first when `None`.
    pub chosen: Option<IncidentId>,
    /// The screen to go back to.
    pub back: Box<Screen>,
}

impl IncidentView {
    fn new(id: IncidentId, back: Screen) -> Self {
        Self {
            id,
            pane: DeskPane::Timeline,
            at: 0,
            top: 0,
            source: None,
            scroll: [0; 2],
            back: Box::new(back),
        }
    }
    /// How far a pane is scrolled.
    pub const fn scrolled(&self, pane: DeskPane) -> usize {
        match pane {
            DeskPane::Timeline => self.top,
            DeskPane::Clocks => self.scroll[0],
            DeskPane::Draft => self.scroll[1],
        }
    }
    fn step(&mut self, by: isize) {
        let place = match self.pane {
            DeskPane::Timeline => &mut self.at,
            DeskPane::Clocks => &mut self.scroll[0],
            DeskPane::Draft => &mut self.scroll[1],
        };
        *place = place.saturating_add_signed(by);
    }
    /// The next kind of source of which there are lines; all of them after the last.
    fn next_source(&mut self, has: impl Fn(SourceKind) -> bool) {
        let after = self
            .source
            .and_then(|s| SourceKind::ALL.iter().position(|k| *k == s))
            .map_or(0, |i| i + 1);
        self.source = SourceKind::ALL[after..].iter().copied().find(|k| has(*k));
        (self.at, self.top) = (0, 0);
    }
}

impl App {
    /// Incidents as the list has them: those that go on first, each the newest first.
    pub fn listed(&self) -> Vec<&Incident> {
        let mut all: Vec<&Incident> = self.model.incidents().rev().collect();
        all.sort_by_key(|i| i.is_resolved());
        all
    }

    /// The lines of an incident's timeline that its screen shows, newest first.
    pub fn told(&self, view: &IncidentView, now: Timestamp) -> Vec<Line> {
        let Some(incident) = self.model.incident(&view.id) else {
            return Vec::new();
        };
        let mut lines = self.model.timeline(incident, now);
        lines.retain(|l| view.source.is_none_or(|s| l.source.kind() == s));
        lines.reverse();
        lines
    }

    /// The incident whose screen is open, or that is under the cursor of the list.
    pub fn incident_meant(&self) -> Option<&Incident> {
        match &self.screen {
            Screen::Incident(view) => self.model.incident(&view.id),
            Screen::Incidents(view) => {
                let chosen = view.chosen.as_ref().and_then(|id| self.model.incident(id));
                chosen.or_else(|| self.listed().first().copied())
            }
            _ => None,
        }
    }

    /// `i`: the one that is open, else the list.
    pub(super) fn open_incidents(&mut self) {
        let open: Vec<IncidentId> = self
            .model
            .incidents()
            .filter(|i| !i.is_resolved())
            .map(|i| i.id.clone())
            .collect();
        let here = std::mem::replace(&mut self.screen, Screen::Fleet);
        self.screen = match (here, open.as_slice()) {
            (Screen::Incident(view), _) => {
                let back = match *view.back {
                    Screen::Incidents(list) => list.back,
                    other => Box::new(other),
                };
                let chosen = Some(view.id);
                Screen::Incidents(IncidentsView { chosen, back })
            }
            (list @ Screen::Incidents(_), _) => list,
            (here, [one]) => Screen::Incident(IncidentView::new(one.clone(), here)),
            (here, _) => Screen::Incidents(IncidentsView {
                chosen: None,
                back: Box::new(here),
            }),
        };
    }

    fn back_to(&mut self, screen: Screen) {
        self.screen = match screen {
            Screen::Server(view) if self.model.server(&view.name).is_none() => Screen::Fleet,
            Screen::Messages(view) if self.model.server(&view.back.name).is_none() => Screen::Fleet,
            other => other,
        };
    }

    /// What a command does on the list.
    pub(super) fn on_incidents(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let page = view::incident::list::page(self) as isize;
        let step = match command {
            Command::Up => -1,
            Command::Down => 1,
            Command::PageUp => -page,
            Command::PageDown => page,
            Command::Home => isize::MIN,
            Command::End => isize::MAX,
            _ => 0,
        };
        let meant = self.incident_meant().map(|i| i.id.clone());
        if step != 0 {
            let all = self.listed();
            let at = all.iter().position(|i| Some(&i.id) == meant.as_ref()).unwrap_or(0);
            let to = at.saturating_add_signed(step).min(all.len().saturating_sub(1));
            let chosen = all.get(to).map(|i| i.id.clone());
            if let Screen::Incidents(view) = &mut self.screen {
                view.chosen = chosen;
            }
            return Vec::new();
        }
        match command {
            Command::Open => {
                if let Some(id) = meant {
                    let list = std::mem::replace(&mut self.screen, Screen::Fleet);
                    self.screen = Screen::Incident(IncidentView::new(id, list));
                }
            }
            Command::Back => {
                if let Screen::Incidents(view) = &self.screen {
                    let back = (*view.back).clone();
                    self.back_to(back);
                }
            }
            other => return self.on_either(other, now),
        }
        Vec::new()
    }

    /// What a command does on the screen of one.
    pub(super) fn on_incident(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let page = isize::from(self.size.1 as i16 / 2).max(1);
        let kinds: Vec<SourceKind> = match (command, &self.screen) {
            (Command::Source, Screen::Incident(view)) => {
                let all = IncidentView {
                    source: None,
                    ..view.clone()
                };
                self.told(&all, now).iter().map(|l| l.source.kind()).collect()
            }
            _ => Vec::new(),
        };
        let Screen::Incident(view) = &mut self.screen else {
            return Vec::new();
        };
        let id = view.id.clone();
        match command {
            Command::Up => view.step(-1),
            Command::Down => view.step(1),
            Command::PageUp => view.step(-page),
            Command::PageDown => view.step(page),
            Command::Home => view.step(isize::MIN),
            Command::End => view.step(1_000_000),
            Command::NextPane => view.pane = view.pane.step(1),
            Command::PreviousPane => view.pane = view.pane.step(DeskPane::ALL.len() - 1),
            Command::TimelinePane => view.pane = DeskPane::Timeline,
            Command::ClocksPane => view.pane = DeskPane::Clocks,
            Command::DraftPane => view.pane = DeskPane::Draft,
            Command::Source => view.next_source(|k| kinds.contains(&k)),
            Command::Back => {
                let back = (*view.back).clone();
                self.back_to(back);
            }
            Command::Open => self.open_entry(now),
            Command::Left => self.other_stage(&id, -1),
            Command::Right => self.other_stage(&id, 1),
            Command::Whom => self.other_readers(&id),
            Command::Ticket => self.say_of(id, What::ticket()),
            Command::Acknowledge => self.acknowledge(id),
            Command::NextState => self.ask_state(&id, None),
            Command::Resolve => self.ask_state(&id, Some(State::Resolved)),
            Command::Start => self.say_of(
                id,
                What::Start {
                    input: Input::default(),
                    tried: false,
                },
            ),
            Command::Post => self.post(&id, now),
            Command::Copy => return self.copy(&id, CopyTo::Clipboard, now),
            Command::ToFile => return self.copy(&id, CopyTo::File, now),
            Command::Edit => self.edit(&id, now),
            Command::Editor => return self.edit_elsewhere(&id, now),
            Command::Unedit => self.unedit(&id),
            other => return self.on_either(other, now),
        }
        Vec::new()
    }

    /// Enter: the line of the timeline under the cursor in full.
    fn open_entry(&mut self, now: Timestamp) {
        let Screen::Incident(view) = &self.screen else { return };
        if view.pane != DeskPane::Timeline {
            return self.say("Enter shows a line of the timeline in full (1, then ↑↓)");
        }
        if let Some(line) = self.told(view, now).into_iter().nth(view.at) {
            self.overlay = Some(Overlay::Entry(Box::new(line), 0));
        }
    }

    /// What came back from the record: one that was opened here is shown, and an edited draft that was posted is done with.
    pub(super) fn learned_of_incidents(&mut self, events: &[Event]) {
        for e in events {
            let (Subject::Incident { incident }, Fact::Incident(entry)) = (&e.about, &e.what) else {
                continue;
            };
            let ours = self.options.me.as_ref() == Some(&e.seen_by);
            match &**entry {
                Entry::Opened(o) if ours && o.how == How::Hand && self.opening => {
                    self.opening = false;
                    let here = std::mem::replace(&mut self.screen, Screen::Fleet);
                    self.screen = Screen::Incident(IncidentView::new(incident.clone(), here));
                }
                Entry::UpdatePosted(posted) => self.draft_posted(incident, &posted.lines),
                _ => {}
            }
        }
    }

    /// Holds cursor and scrolls inside what there is.
    pub(super) fn settle_incident(&mut self, now: Timestamp) {
        let Screen::Incident(view) = &self.screen else { return };
        let Some(incident) = self.model.incident(&view.id) else {
            let back = (*view.back).clone();
            self.say(if self.is_past() {
                "that incident was not open yet"
            } else {
                "that incident is no longer kept here: mailtop incident show has it"
            });
            return self.back_to(back);
        };
        let mut view = view.clone();
        view::incident::settle(self, &mut view, incident, now);
        self.screen = Screen::Incident(view);
    }
}
