//! What a person says of an incident, being typed: a note, a ticket, that it is taken, how far it is, when it began, that one
//! began. Nothing is on record before Enter; `--read-only` takes none of it away, because it changes no server.

use jiff::Timestamp;
use tui_input::Input;

use crate::console::app::{App, Overlay, Screen};
use crate::console::keymap::{Command, Place};
use crate::console::view;
use crate::console::widget::editor::{Editor, Move};
use crate::console::widget::input::{self, Typed};
use crate::domain::effect::{Effect, Recording};
use crate::domain::incident::{IncidentId, State};

use super::posting::Posting;
use super::saying;

/// What is being said.
#[derive(Clone, Debug)]
pub enum What {
    /// A note.
    Note(Editor),
    /// A ticket, and who it names as affected.
    Ticket {
        /// The ticket.
        ticket: Input,
        /// Names, with commas between them.
        affected: Input,
    },
    /// That somebody takes it.
    Acknowledge,
    /// How far it is, and why.
    State {
        /// How far.
        to: State,
        /// Why: has to be said of one that is over.
        why: Input,
    },
    /// When it began.
    Start {
        /// A time, or `-`.
        input: Input,
        /// Whether Enter was pressed on something that is no time.
        tried: bool,
    },
    /// That one began.
    Open {
        /// What it is called.
        name: Input,
        /// Its servers, with blanks or commas between them.
        servers: Input,
        /// When it began; now when empty.
        since: Input,
    },
    /// That the public was told, or is to be.
    Post(Box<Posting>),
}

impl What {
    /// A ticket, nothing typed yet.
    pub fn ticket() -> Self {
        Self::Ticket {
            ticket: Input::default(),
            affected: Input::default(),
        }
    }
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct IncidentDialog {
    /// Of which incident; `None` for one that is being opened.
    pub incident: Option<IncidentId>,
    /// What.
    pub what: What,
    /// Which of its inputs has the hands.
    pub field: usize,
    /// Why Enter did nothing.
    pub said: Option<String>,
    /// Lines scrolled.
    pub scroll: usize,
}

impl IncidentDialog {
    pub(super) const fn new(incident: Option<IncidentId>, what: What) -> Self {
        Self {
            incident,
            what,
            field: 0,
            said: None,
            scroll: 0,
        }
    }
    /// Where the hands are.
    pub const fn place(&self) -> Place {
        match &self.what {
            What::Note(_) | What::Acknowledge | What::Start { .. } => Place::Saying,
            What::Ticket { .. } | What::Open { .. } => Place::Fields,
            What::State { .. } => Place::Choosing,
            What::Post(posting) => posting.place(),
        }
    }
    fn inputs(&mut self) -> Vec<&mut Input> {
        match &mut self.what {
            What::Note(_) | What::Acknowledge => Vec::new(),
            What::Ticket { ticket, affected } => vec![ticket, affected],
            What::State { why, .. } => vec![why],
            What::Start { input, .. } => vec![input],
            What::Open { name, servers, since } => vec![name, servers, since],
            What::Post(posting) => posting.input().into_iter().collect(),
        }
    }
    fn step_field(&mut self, by: usize) {
        let n = self.inputs().len().max(1);
        self.field = (self.field + by) % n;
    }
    /// Gives a key or a paste to the input that has the hands.
    fn give(&mut self, give: impl FnOnce(&mut Input) -> Typed) {
        let field = self.field;
        if let Some(input) = self.inputs().into_iter().nth(field)
            && give(input) == Typed::Changed
        {
            self.said = None;
        }
    }
    pub(in crate::console::app) fn key(&mut self, key: crossterm::event::KeyEvent, columns: usize) {
        match &mut self.what {
            What::Note(editor) => {
                if editor.key(key, columns) == Typed::Changed {
                    self.said = None;
                }
            }
            _ => self.give(|i| input::key(i, key)),
        }
    }
    pub(in crate::console::app) fn paste(&mut self, text: &str) {
        match &mut self.what {
            // A note is one line on the record.
            What::Note(editor) => {
                editor.insert(&text.trim_end().replace(['\n', '\r'], " "));
            }
            _ => self.give(|i| input::paste(i, text)),
        }
    }
}

/// Which of several incidents a note is meant for.
#[derive(Clone, PartialEq, Debug)]
pub struct Which {
    /// Those that are open.
    pub incidents: Vec<IncidentId>,
    /// The cursor.
    pub at: usize,
}

impl App {
    pub(super) fn say_of(&mut self, id: IncidentId, what: What) {
        self.overlay = Some(Overlay::Incident(Box::new(IncidentDialog::new(Some(id), what))));
    }

    /// `n`, from anywhere: to the incident that is shown, else to the open one.
    pub(in crate::console::app) fn note(&mut self) {
        let note = || What::Note(Editor::new(""));
        if let Screen::Incident(view) = &self.screen {
            let id = view.id.clone();
            return self.say_of(id, note());
        }
        if let (Screen::Incidents(_), Some(i)) = (&self.screen, self.incident_meant()) {
            let id = i.id.clone();
            return self.say_of(id, note());
        }
        let open = self.model.incidents().filter(|i| !i.is_resolved());
        let incidents: Vec<IncidentId> = open.map(|i| i.id.clone()).collect();
        match incidents.as_slice() {
            [] => self.say("no incident is open: i shows those that are over, O there opens one by hand"),
            [one] => self.say_of(one.clone(), note()),
            _ => self.overlay = Some(Overlay::Which(Which { incidents, at: 0 })),
        }
    }

    pub(in crate::console::app) fn in_which(&mut self, command: Command) {
        let Some(Overlay::Which(which)) = &mut self.overlay else {
            return;
        };
        let last = which.incidents.len().saturating_sub(1);
        match command {
            Command::Up => which.at = which.at.saturating_sub(1),
            Command::Down => which.at = (which.at + 1).min(last),
            Command::PageUp | Command::Home => which.at = 0,
            Command::PageDown | Command::End => which.at = last,
            Command::Open => {
                let id = which.incidents.get(which.at).cloned();
                self.overlay = None;
                if let Some(id) = id {
                    self.say_of(id, What::Note(Editor::new("")));
                }
            }
            Command::Back => self.overlay = None,
            _ => {}
        }
    }

    /// `O`: one that no rule opened; the server that is meant is its first guess.
    pub(in crate::console::app) fn open_by_hand(&mut self) {
        let server = self.fleet.selected().map(ToString::to_string).unwrap_or_default();
        let what = What::Open {
            name: Input::default(),
            servers: Input::new(server),
            since: Input::default(),
        };
        self.overlay = Some(Overlay::Incident(Box::new(IncidentDialog::new(None, what))));
    }

    pub(super) fn acknowledge(&mut self, id: IncidentId) {
        let taken = self.model.incident(&id).and_then(|i| i.acknowledged.clone());
        match taken {
            Some((by, at)) => {
                let at = crate::console::when::clock(at.at, &self.options.zone);
                self.say(format!("{by} took it already, at {at}"));
            }
            None => self.say_of(id, What::Acknowledge),
        }
    }

    /// Asks how far it is; `to` is what is offered first, the state that usually follows unless given.
    pub(super) fn ask_state(&mut self, id: &IncidentId, to: Option<State>) {
        let Some(state) = self.model.incident(id).map(|i| i.state) else {
            return;
        };
        if to == Some(state) {
            return self.say("it is over already; s takes it up again");
        }
        let to = to.or(state.next()).unwrap_or(State::Investigating);
        let why = Input::default();
        self.say_of(id.clone(), What::State { to, why });
    }

    pub(in crate::console::app) fn in_saying(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let columns = view::incident::dialog::note_columns(self);
        let Some(Overlay::Incident(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        match (command, &mut dialog.what) {
            (Command::Open, _) => return self.said_it(now),
            (Command::Back, _) => return self.leave_dialog(),
            (Command::NextPane, _) => dialog.step_field(1),
            (Command::PreviousPane, _) => {
                let n = dialog.inputs().len().max(1);
                dialog.step_field(n - 1);
            }
            (Command::Left, What::Note(editor)) => editor.go(Move::Left, columns),
            (Command::Right, What::Note(editor)) => editor.go(Move::Right, columns),
            (Command::Up, What::Note(editor)) => editor.go(Move::Rows(-1), columns),
            (Command::Down, What::Note(editor)) => editor.go(Move::Rows(1), columns),
            (Command::Left | Command::Up, What::State { to, .. }) => *to = step_state(*to, -1),
            (Command::Right | Command::Down, What::State { to, .. }) => *to = step_state(*to, 1),
            (Command::Left | Command::Right, What::Post(posting)) if posting.has_program() => posting.other_way(),
            (Command::Left | Command::Right, What::Post(_)) => {
                dialog.said = Some("no program posts updates: set publish in [incident] of the config".to_owned());
            }
            (Command::Up, _) => dialog.scroll = dialog.scroll.saturating_sub(1),
            (Command::Down, _) => dialog.scroll += 1,
            (Command::PageUp, _) => dialog.scroll = dialog.scroll.saturating_sub(5),
            (Command::PageDown, _) => dialog.scroll += 5,
            _ => {}
        }
        Vec::new()
    }

    fn leave_dialog(&mut self) -> Vec<Effect> {
        self.overlay = None;
        Vec::new()
    }

    /// Enter: puts it on record, once all is given.
    fn said_it(&mut self, now: Timestamp) -> Vec<Effect> {
        if let Some(Overlay::Incident(dialog)) = &self.overlay
            && let What::Post(_) = dialog.what
        {
            return self.confirm_post(now);
        }
        let Some(Overlay::Incident(dialog)) = &self.overlay else {
            return Vec::new();
        };
        let of = dialog.incident.as_ref().and_then(|id| self.model.incident(id));
        // What cannot be kept is not said to be on record: it would be gone with this console.
        let said = match &self.recording {
            Recording::Yes => saying::said(&dialog.what, self, of, now),
            Recording::No { why } => Err(format!("nothing can be put on record now: {why}")),
        };
        let incident = dialog.incident.clone();
        match said {
            Ok(said) => {
                self.overlay = None;
                self.opening |= incident.is_none();
                self.say(saying::on_record(
                    &said,
                    incident.as_ref().and_then(|id| self.model.incident(id)),
                ));
                vec![Effect::Said { incident, said }]
            }
            Err(why) => {
                if let Some(Overlay::Incident(dialog)) = &mut self.overlay {
                    if let What::Start { tried, .. } = &mut dialog.what {
                        *tried = true;
                    }
                    dialog.said = Some(why);
                }
                Vec::new()
            }
        }
    }
}

fn step_state(state: State, by: isize) -> State {
    let at = State::ALL.iter().position(|s| *s == state).unwrap_or(0);
    State::ALL[at.saturating_add_signed(by).min(State::ALL.len() - 1)]
}
