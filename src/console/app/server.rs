//! The screen of one server: which pane has the hands, which door, queue and job is meant, how far each is scrolled.

use jiff::Timestamp;

use crate::console::view;
use crate::domain::Name;
use crate::domain::effect::Effect;
use crate::domain::message::PickBy;
use crate::model::{Queue, Server};

use super::{App, Screen};

/// A pane of the server screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pane {
    /// The probe of a door.
    Probe,
    /// A queue: over time, by age and destination, by reason.
    Queue,
    /// The maintenance jobs.
    Jobs,
    /// When the senders out there give up.
    Senders,
}

impl Pane {
    /// All, in their order.
    pub const ALL: [Self; 4] = [Self::Probe, Self::Queue, Self::Jobs, Self::Senders];

    /// Its place among them.
    pub const fn index(self) -> usize {
        match self {
            Self::Probe => 0,
            Self::Queue => 1,
            Self::Jobs => 2,
            Self::Senders => 3,
        }
    }
    /// The pane so many further, round and round.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        Self::ALL[(self.index() + by) % Self::ALL.len()]
    }
    /// `1 probe`, `2 queue`, `3 jobs`, `4 senders`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Probe => "1 probe",
            Self::Queue => "2 queue",
            Self::Jobs => "3 jobs",
            Self::Senders => "4 senders",
        }
    }
}

/// The screen of one server.
#[derive(Clone, Debug)]
pub struct ServerView {
    /// The server.
    pub name: Name,
    /// The pane that has the hands.
    pub pane: Pane,
    /// By pane: which door, queue, job.
    pub part: [usize; 4],
    /// By pane: lines scrolled.
    pub scroll: [usize; 4],
    /// The destination or reason in the queue's pane that a key falls on, held on to by its name; `None` until the hands
    /// have chosen.
    pub cursor: Option<PickBy>,
}

impl ServerView {
    /// Opens at the probe.
    pub const fn new(name: Name) -> Self {
        Self {
            name,
            pane: Pane::Probe,
            part: [0; 4],
            scroll: [0; 4],
            cursor: None,
        }
    }
    /// Which part of this pane is meant.
    pub const fn part(&self, pane: Pane) -> usize {
        self.part[pane.index()]
    }
    /// How far this pane is scrolled.
    pub const fn scrolled(&self, pane: Pane) -> usize {
        self.scroll[pane.index()]
    }
    /// How many parts a pane has on this server.
    pub fn parts(server: &Server, pane: Pane) -> usize {
        match pane {
            Pane::Probe => server.doors.len(),
            Pane::Queue => server.queues.len(),
            Pane::Jobs => server.jobs.len(),
            Pane::Senders => 1,
        }
    }
    /// Another part of the pane that has the hands; it starts at its top.
    pub fn step_part(&mut self, by: isize) {
        let i = self.pane.index();
        self.part[i] = self.part[i].saturating_add_signed(by);
        if self.pane != Pane::Jobs {
            self.scroll[i] = 0;
            self.cursor = None;
        }
    }
    /// Scrolls the pane that has the hands.
    pub fn step_scroll(&mut self, by: isize) {
        let i = self.pane.index();
        self.scroll[i] = self.scroll[i].saturating_add_signed(by);
    }
    /// Holds parts and scrolls inside what there is.
    pub(super) fn settle(&mut self, app: &App, now: Timestamp) {
        let Some(server) = app.model.server(&self.name) else {
            return;
        };
        for pane in Pane::ALL {
            let i = pane.index();
            self.part[i] = self.part[i].min(Self::parts(server, pane).saturating_sub(1));
        }
        for pane in Pane::ALL {
            let i = pane.index();
            let hidden = view::server::hidden_lines(app, self, server, pane, now);
            self.scroll[i] = self.scroll[i].min(hidden);
        }
    }
    /// The queue that is shown.
    pub fn queue<'a>(&self, server: &'a Server) -> Option<&'a Queue> {
        server.queues.values().nth(self.part(Pane::Queue))
    }
    /// The job that is meant, when the hands are among the jobs.
    pub fn job<'a>(&self, server: &'a Server) -> Option<&'a Name> {
        server.jobs.keys().nth(self.part(Pane::Jobs))
    }
}

impl App {
    /// Moves the cursor among the rows of the queue that can be opened; where the next one is out of sight, the pane
    /// scrolls by a line instead, so that nothing between two rows is jumped over.
    pub(super) fn step_row(&mut self, by: isize, now: Timestamp) {
        let Some((rows, height)) = self.queue_rows(now) else {
            return;
        };
        let Screen::Server(view) = &mut self.screen else {
            return;
        };
        let top = view.scrolled(Pane::Queue);
        let seen = |top: usize, line: usize| (top..top + height).contains(&line);
        let here = rows
            .iter()
            .position(|(line, by)| Some(by) == view.cursor.as_ref() && seen(top, *line));
        let next = match here {
            Some(i) => i.checked_add_signed(by).and_then(|i| rows.get(i)),
            None if by > 0 => rows.iter().find(|(line, _)| seen(top, *line)),
            None => rows.iter().rfind(|(line, _)| seen(top, *line)),
        };
        let scrolled = top.saturating_add_signed(by);
        match next {
            Some((line, row)) if seen(top, *line) => view.cursor = Some(row.clone()),
            Some((line, row)) if seen(scrolled, *line) => {
                view.cursor = Some(row.clone());
                view.step_scroll(by);
            }
            _ => view.step_scroll(by),
        }
    }

    /// Enter on the server's screen: the messages behind the row that the cursor is on, if it can be seen.
    pub(super) fn open_row(&mut self, now: Timestamp) -> Vec<Effect> {
        let Screen::Server(view) = &self.screen else {
            return Vec::new();
        };
        let top = view.scrolled(Pane::Queue);
        let chosen = view.cursor.clone().filter(|_| view.pane == Pane::Queue);
        let seen = self.queue_rows(now).is_some_and(|(rows, height)| {
            rows.iter()
                .any(|(line, by)| Some(by) == chosen.as_ref() && (top..top + height).contains(line))
        });
        if let Some(by) = chosen.filter(|_| seen) {
            return self.open_messages(by, now);
        }
        self.say("choose a destination or a reason in the queue's pane first (2, then ↑↓); M lists all messages");
        Vec::new()
    }

    /// The rows of the queue's pane that can be opened, by line, and how many lines the pane shows.
    fn queue_rows(&self, now: Timestamp) -> Option<(Vec<(usize, PickBy)>, usize)> {
        let Screen::Server(view) = &self.screen else {
            return None;
        };
        view::server::queue_rows(self, view, self.model.server(&view.name)?, now)
    }
}
