//! The screen of one server: which pane has the hands, which door, queue and job is meant, how far each is scrolled.

use jiff::Timestamp;

use crate::console::view;
use crate::domain::Name;
use crate::model::Server;

use super::App;

/// A pane of the server screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pane {
    /// The probe of a door.
    Probe,
    /// A queue: over time, by age and destination, by reason.
    Queue,
    /// The maintenance jobs.
    Jobs,
}

impl Pane {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Probe, Self::Queue, Self::Jobs];

    /// Its place among them.
    pub const fn index(self) -> usize {
        match self {
            Self::Probe => 0,
            Self::Queue => 1,
            Self::Jobs => 2,
        }
    }
    /// The pane so many further, round and round.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        Self::ALL[(self.index() + by) % 3]
    }
    /// `1 probe`, `2 queue`, `3 jobs`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Probe => "1 probe",
            Self::Queue => "2 queue",
            Self::Jobs => "3 jobs",
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
    pub part: [usize; 3],
    /// By pane: lines scrolled.
    pub scroll: [usize; 3],
}

impl ServerView {
    /// Opens at the probe.
    pub const fn new(name: Name) -> Self {
        Self {
            name,
            pane: Pane::Probe,
            part: [0; 3],
            scroll: [0; 3],
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
        }
    }
    /// Another part of the pane that has the hands; it starts at its top.
    pub fn step_part(&mut self, by: isize) {
        let i = self.pane.index();
        self.part[i] = self.part[i].saturating_add_signed(by);
        if self.pane != Pane::Jobs {
            self.scroll[i] = 0;
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
    /// The job that is meant, when the hands are among the jobs.
    pub fn job<'a>(&self, server: &'a Server) -> Option<&'a Name> {
        server.jobs.keys().nth(self.part(Pane::Jobs))
    }
}
