//! Which of several jobs an action is meant for: on one server, or on all that are marked.

use crate::domain::Name;
use crate::domain::action::Verb;

/// The jobs of one server and the cursor among them.
#[derive(Clone, PartialEq, Debug)]
pub struct Pick {
    /// The server.
    pub server: Name,
    /// What is to be done.
    pub verb: Verb,
    /// The jobs.
    pub jobs: Vec<Name>,
    /// The cursor.
    pub at: usize,
}

impl Pick {
    /// The job under the cursor.
    pub fn job(&self) -> Option<&Name> {
        self.jobs.get(self.at)
    }
    /// Moves the cursor by so many, and stops at the ends.
    pub fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.jobs.len().saturating_sub(1));
    }
}

/// The names of the jobs of several servers, and the cursor among them.
#[derive(Clone, PartialEq, Debug)]
pub struct PickMany {
    /// What is to be done.
    pub verb: Verb,
    /// The servers.
    pub servers: Vec<Name>,
    /// The names, each with how many of the servers have it.
    pub jobs: Vec<(Name, usize)>,
    /// The cursor.
    pub at: usize,
}

impl PickMany {
    /// The name under the cursor.
    pub fn job(&self) -> Option<&Name> {
        self.jobs.get(self.at).map(|(job, _)| job)
    }
    /// Moves the cursor by so many, and stops at the ends.
    pub fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.jobs.len().saturating_sub(1));
    }
}
