//! What is being watched: the names, kinds and intervals that the model needs in order to tell "not seen yet" from "not
//! watched". It is itself an event, so that a replay and a second console know it too. It carries no secret.

use serde::{Deserialize, Serialize};

use super::health::Limits;
use super::queue::QueueKind;
use super::{Name, Span, Text};

/// Everything watched by one observer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Roster {
    /// The servers, in the order of the config.
    pub servers: Vec<Watched>,
}

/// One server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Watched {
    /// Its name.
    pub name: Name,
    /// How commands get there: `local`, `ssh:mx1`; `None` when only its doors are watched.
    pub reach: Option<Text>,
    /// Whether actions are taken away.
    pub read_only: bool,
    /// How often each thing is looked at.
    pub every: Span,
    /// Where trouble begins.
    pub limits: Limits,
    /// Doors.
    pub doors: Vec<WatchedDoor>,
    /// Queues.
    pub queues: Vec<WatchedQueue>,
    /// Maintenance jobs.
    pub jobs: Vec<WatchedJob>,
}

impl Watched {
    /// Whether both look at the same thing in the same way, so that what one sees is true for the other. Whether actions
    /// are taken away does not matter for that.
    pub fn sees_as(&self, other: &Self) -> bool {
        let plain = |w: &Self| Self {
            read_only: false,
            ..w.clone()
        };
        plain(self) == plain(other)
    }
}

/// One door.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WatchedDoor {
    /// Its name: unique on the server.
    pub name: Name,
    /// Its URL, without secrets.
    pub url: Text,
    /// No user: proved as far as the greeting only.
    pub anonymous: bool,
}

/// One queue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WatchedQueue {
    /// Its name: unique on the server.
    pub name: Name,
    /// Which mail system.
    pub kind: QueueKind,
}

/// One job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WatchedJob {
    /// Its name: unique on the server.
    pub name: Name,
    /// `systemd` or `command`.
    pub kind: Text,
    /// What it stands for, for example the unit.
    pub about: Text,
}
