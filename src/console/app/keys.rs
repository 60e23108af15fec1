//! What a key, a paste and the mouse do. Keys become commands by the table in `keymap`; what is left over is text for
//! the input that is open.

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use jiff::Timestamp;

use crate::console::keymap::{self, Command, Place};
use crate::console::view;
use crate::console::widget::input::{self, Typed};
use crate::domain::Name;
use crate::domain::action::Verb;
use crate::domain::effect::{Effect, Toggle};
use crate::domain::message::PickBy;

use super::{App, Overlay, Palette, Pane, Screen, ServerView};

/// Said until the config was read.
pub(super) const READING: &str = "reading the config again";

impl App {
    pub(super) fn key(&mut self, key: KeyEvent, now: Timestamp) -> Vec<Effect> {
        if !view::fits(self.size) {
            return self.key_unseen(key, now);
        }
        self.said = None;
        let place = self.place();
        if place == self.ground()
            && let Some(command) = keymap::find(self.when(), key)
        {
            return self.on_past(command);
        }
        let command = keymap::find(place, key);
        self.warned &= matches!(command, Some(Command::Quit | Command::Interrupt));
        if let Some(command) = command {
            return self.command(command, place, now);
        }
        let columns = (
            view::incident::dialog::note_columns(self),
            view::incident::editor::room(self).0,
        );
        match &mut self.overlay {
            Some(Overlay::Incident(dialog)) => dialog.key(key, columns.0),
            Some(Overlay::Words(words)) => {
                words.editor.key(key, columns.1);
            }
            _ => self.typed(|i| input::key(i, key), now),
        }
        Vec::new()
    }

    /// A key on a screen that is too small to show what it would fall on: only those that leave, stop or redraw. The
    /// rest does nothing, so that no plan is asked for, given a reason or confirmed that nobody could read.
    fn key_unseen(&mut self, key: KeyEvent, now: Timestamp) -> Vec<Effect> {
        let place = match self.place() {
            // It is said even there, so its keys hold.
            Place::Question => Place::Question,
            // `q` leaves, also where it would be a letter of an input that is hidden now.
            _ => self.ground(),
        };
        match keymap::find(place, key) {
            Some(Command::Quit) => self.quit(),
            Some(command @ (Command::Interrupt | Command::Suspend | Command::Redraw)) => {
                self.command(command, place, now)
            }
            Some(command) if place == Place::Question && matches!(key.code, KeyCode::Char('c' | 'q')) => {
                self.command(command, place, now)
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn paste(&mut self, text: &str, now: Timestamp) -> Vec<Effect> {
        if !view::fits(self.size) {
            return Vec::new();
        }
        match &mut self.overlay {
            Some(Overlay::Incident(dialog)) => dialog.paste(text),
            Some(Overlay::Words(words)) => {
                words.editor.insert(text);
            }
            _ => self.typed(|i| input::paste(i, text), now),
        }
        Vec::new()
    }

    /// Gives a key or a paste to the input that is open.
    fn typed(&mut self, give: impl FnOnce(&mut tui_input::Input) -> Typed, now: Timestamp) {
        let typed = match &mut self.overlay {
            Some(Overlay::Action(dialog)) if self_typing(dialog) => {
                give(dialog.input());
                dialog.said = None;
                return;
            }
            Some(Overlay::Batch(dialog)) => {
                if let Some(input) = dialog.input() {
                    give(input);
                    dialog.said = None;
                }
                return;
            }
            Some(Overlay::Palette(palette)) => give(&mut palette.input),
            Some(Overlay::Filter) => give(&mut self.fleet.filter),
            Some(Overlay::Outage(dialog)) => {
                give(&mut dialog.input);
                return;
            }
            Some(Overlay::GoTo(dialog)) => {
                give(&mut dialog.input);
                return;
            }
            None => {
                if let Screen::Messages(view) = &mut self.screen
                    && let Some(search) = &mut view.search
                    && give(search) == Typed::Changed
                {
                    view.at = 0;
                }
                return;
            }
            _ => return,
        };
        match &mut self.overlay {
            _ if typed == Typed::Same => {}
            Some(Overlay::Palette(palette)) => palette.at = 0,
            _ => self.select_first_match(now),
        }
    }

    /// A filter that was typed chooses its first match, unless the cursor is on a match already. It is chosen by name:
    /// the rows may re-sort under the hands.
    fn select_first_match(&mut self, now: Timestamp) {
        let matching = self.matching(now);
        let still = self.fleet.selected().is_some_and(|s| matching.contains(s));
        if !still && let Some(first) = matching.into_iter().next() {
            self.fleet.select(Some(first));
        }
    }

    /// The servers that the filter matches, in the order of their rows.
    fn matching(&self, now: Timestamp) -> Vec<Name> {
        let rows = crate::model::rows(&self.model, now);
        let matching = rows.iter().filter(|r| self.fleet.matches(r));
        matching.map(|r| r.server.name.clone()).collect()
    }

    pub(super) fn command(&mut self, command: Command, place: Place, now: Timestamp) -> Vec<Effect> {
        match command {
            Command::Redraw => return vec![Effect::Redraw],
            Command::Suspend => return vec![Effect::Suspend],
            Command::Interrupt => return self.quit(),
            _ if place != self.ground() => {}
            _ if self.is_past() && (command.is_of_now() || (command, place) == (Command::Open, Place::Server)) => {
                self.say(self.not_in_the_past());
                return Vec::new();
            }
            // Who does something before the record has answered means now.
            _ if command.is_of_now() => self.past = None,
            _ if keymap::is_of_time(command) => return self.on_past(command),
            _ => {}
        }
        match place {
            Place::Fleet => self.on_fleet(command, now),
            Place::Server => self.on_server(command, now),
            Place::Messages => self.on_messages(command, now),
            Place::Message => self.on_message(command, now),
            Place::Search => self.in_search(command, now),
            Place::Outage => self.in_outage(command, now),
            Place::GoTo => self.in_go_to(command, now),
            Place::Now | Place::Past => self.on_past(command),
            Place::Plan | Place::Progress => self.in_dialog(command, now),
            Place::Incidents => self.on_incidents(command, now),
            Place::Incident => self.on_incident(command, now),
            Place::Saying | Place::Fields | Place::Choosing | Place::Posting | Place::Publishing | Place::NotPosted => {
                self.in_saying(command, now)
            }
            Place::Words => self.in_words(command, now),
            Place::Pick => self.in_pick(command, now),
            Place::Batch | Place::BatchRows | Place::BatchRun | Place::BatchPlan => self.in_batch(command, place, now),
            Place::Palette => self.in_palette(command, now),
            Place::Filter => self.in_filter(command, now),
            Place::Page => {
                self.in_page(command);
                Vec::new()
            }
            Place::Question => {
                if command == Command::Open {
                    return vec![Effect::Quit];
                }
                if let Some(Overlay::Question(before)) = self.overlay.take() {
                    self.overlay = before.map(|b| *b);
                }
                Vec::new()
            }
        }
    }

    /// What all screens know.
    pub(super) fn on_either(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        match command {
            Command::Pause => return self.act(Verb::Pause, now),
            Command::Resume => return self.act(Verb::Resume, now),
            Command::Extend => return self.act(Verb::Extend, now),
            Command::Flush => return self.act(Verb::Flush, now),
            Command::Help => self.overlay = Some(Overlay::Help(0)),
            Command::Notices => self.overlay = Some(Overlay::Notices(0)),
            Command::Handover => self.overlay = Some(Overlay::Handover(0)),
            Command::Certificates => self.overlay = Some(Overlay::Certificates(0)),
            Command::Palette => self.overlay = Some(Overlay::Palette(Palette::new(self.ground(), self.when()))),
            Command::Outage => self.open_outage("", now),
            Command::Incidents => self.open_incidents(),
            Command::Note => self.note(),
            Command::OpenByHand => self.open_by_hand(),
            Command::Refresh => {
                let server = self.open_server().cloned();
                self.say(server.as_ref().map_or("looking now, at every server".to_owned(), |s| {
                    format!("looking now, at {s}")
                }));
                return vec![Effect::Refresh { server }];
            }
            Command::Reload => {
                self.say(READING);
                return vec![Effect::Reload];
            }
            Command::Mouse => {
                let (to, word) = match self.mouse {
                    Toggle::Off => (Toggle::On, "mouse on: click and wheel; m gives it back to the terminal"),
                    Toggle::On => (Toggle::Off, "mouse off: the terminal selects text again"),
                };
                self.mouse = to;
                self.say(word);
                return vec![Effect::Mouse(to)];
            }
            Command::Ascii => self.options.glyphs = self.options.glyphs.other(),
            Command::Redraw => return vec![Effect::Redraw],
            Command::Suspend => return vec![Effect::Suspend],
            Command::Quit | Command::Interrupt => return self.quit(),
            _ => {}
        }
        Vec::new()
    }

    fn quit(&mut self) -> Vec<Effect> {
        if self.acting() || !self.publishing.is_empty() {
            self.overlay = Some(Overlay::Question(self.overlay.take().map(Box::new)));
            return Vec::new();
        }
        if self.loses_a_draft() && !std::mem::replace(&mut self.warned, true) {
            return Vec::new();
        }
        vec![Effect::Quit]
    }

    fn on_fleet(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let page = view::fleet::page(self) as isize;
        match command {
            Command::Up => self.move_cursor(-1, now),
            Command::Down => self.move_cursor(1, now),
            Command::PageUp => self.move_cursor(-page, now),
            Command::PageDown => self.move_cursor(page, now),
            Command::Home => self.move_cursor(isize::MIN, now),
            Command::End => self.move_cursor(isize::MAX, now),
            Command::Open => {
                if let Some(name) = self.current(now) {
                    self.fleet.select(Some(name.clone()));
                    let mut view = ServerView::new(name);
                    view.part[Pane::Probe.index()] = self.worst_door(&view.name, now);
                    self.screen = Screen::Server(view);
                }
            }
            Command::Back if self.fleet.marked().next().is_some() => self.fleet.unmark(),
            Command::Back => self.fleet.clear_filter(),
            Command::Mark => {
                if let Some(name) = self.current(now) {
                    self.fleet.mark(name);
                    self.move_cursor(1, now);
                }
            }
            Command::MarkAll => {
                let names: Vec<Name> = self.matching(now);
                self.fleet.mark_all(names);
            }
            Command::Filter => {
                self.fleet.begin_filter();
                self.overlay = Some(Overlay::Filter);
            }
            other => return self.on_either(other, now),
        }
        Vec::new()
    }

    /// The place among the doors of a server of the one that its line speaks of.
    fn worst_door(&self, server: &Name, now: Timestamp) -> usize {
        let rows = self.rows(now);
        let row = rows.iter().find(|r| r.server.name == *server);
        let door = row.and_then(|r| Some((r.server, r.door?)));
        door.and_then(|(s, d)| s.doors.keys().position(|n| *n == d.name))
            .unwrap_or(0)
    }

    /// Moves the cursor by rows as they stand now, and takes hold of the server that it comes to.
    pub(super) fn move_cursor(&mut self, by: isize, now: Timestamp) {
        let rows = self.rows(now);
        let at = self
            .current(now)
            .and_then(|name| rows.iter().position(|r| r.server.name == name))
            .unwrap_or(0);
        let to = at.saturating_add_signed(by).min(rows.len().saturating_sub(1));
        let name = rows.get(to).map(|r| r.server.name.clone());
        if name.is_some() {
            self.fleet.select(name);
        }
    }

    fn on_server(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let page = isize::from(self.size.1 as i16 / 2).max(1);
        let doors = self
            .open_server()
            .and_then(|n| self.model.server(n))
            .map_or(0, |s| s.doors.len());
        let Screen::Server(view) = &mut self.screen else {
            return Vec::new();
        };
        let vertical = |view: &mut ServerView, by: isize| match view.pane {
            // Among jobs the cursor moves, because a key acts on the job under it; among doors, because they are a list.
            Pane::Jobs => view.step_part(by),
            Pane::Probe if doors > 1 => view.step_part(by),
            Pane::Probe | Pane::Queue | Pane::Senders => view.step_scroll(by),
        };
        match command {
            Command::Up if view.pane == Pane::Queue => self.step_row(-1, now),
            Command::Down if view.pane == Pane::Queue => self.step_row(1, now),
            Command::Up => vertical(view, -1),
            Command::Down => vertical(view, 1),
            Command::PageUp => view.step_scroll(-page),
            Command::PageDown => view.step_scroll(page),
            Command::Home => vertical(view, isize::MIN),
            Command::End => vertical(view, 10_000),
            Command::Left => view.step_part(-1),
            Command::Right => view.step_part(1),
            Command::NextPane => view.pane = view.pane.step(1),
            Command::PreviousPane => view.pane = view.pane.step(Pane::ALL.len() - 1),
            Command::ProbePane => view.pane = Pane::Probe,
            Command::QueuePane => view.pane = Pane::Queue,
            Command::JobsPane => view.pane = Pane::Jobs,
            Command::SendersPane => view.pane = Pane::Senders,
            Command::Open => return self.open_row(now),
            Command::Messages => return self.open_messages(PickBy::All, now),
            Command::Back => self.screen = Screen::Fleet,
            other => return self.on_either(other, now),
        }
        Vec::new()
    }

    pub(super) fn mouse_moved(&mut self, mouse: MouseEvent, now: Timestamp) -> Vec<Effect> {
        if !view::fits(self.size) {
            return Vec::new();
        }
        let place = self.place();
        let wheel = match mouse.kind {
            MouseEventKind::ScrollUp => Some(Command::Up),
            MouseEventKind::ScrollDown => Some(Command::Down),
            _ => None,
        };
        if let Some(command) = wheel {
            self.said = None;
            return self.command(command, place, now);
        }
        if mouse.kind != MouseEventKind::Down(MouseButton::Left) || place != Place::Fleet {
            return Vec::new();
        }
        self.said = None;
        let Some(name) = view::fleet::server_at(self, mouse.row, now) else {
            return Vec::new();
        };
        if self.fleet.selected() == Some(&name) {
            return self.command(Command::Open, place, now);
        }
        self.fleet.select(Some(name));
        Vec::new()
    }
}

/// Whether keys are text for an input: not once it was confirmed.
const fn self_typing(dialog: &super::ActionDialog) -> bool {
    !matches!(
        dialog.stage,
        super::Stage::Running { .. } | super::Stage::NotRun { .. } | super::Stage::NotPlanned(_)
    )
}
