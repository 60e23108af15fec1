//! What is being watched: the names, kinds and intervals that the model needs in order to tell "not seen yet" from "not
//! watched". It is itself an event, so that a replay and a second console know it too. It carries no secret.

use serde::{Deserialize, Serialize};

use super::canary::End;
use super::door::{Protocol, Role};
use super::health::Limits;
use super::horizon::Patience;
use super::queue::QueueKind;
use super::{Name, Span, Text};

/// Everything watched by one observer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Roster {
    /// The servers, in the order of the config.
    pub servers: Vec<Watched>,
    /// When the servers that send mail to them give up, as the observer has it.
    #[serde(default)]
    pub senders: Vec<Patience>,
    /// Canary letters.
    #[serde(default)]
    pub canaries: Vec<WatchedCanary>,
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
    /// Whether both look at the same thing in the same way, so that what one sees is true for the other.
    pub fn sees_as(&self, other: &Self) -> bool {
        self.as_seen() == other.as_seen()
    }
    /// What is looked at and how: without what does not matter for that, whether actions are taken away and how often
    /// reading comes.
    #[must_use]
    pub fn as_seen(&self) -> Self {
        let mut plain = self.clone();
        plain.read_only = false;
        for q in &mut plain.queues {
            q.budget_permille = 0;
        }
        plain
    }
}

/// One door.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WatchedDoor {
    /// Its name: unique on the server.
    pub name: Name,
    /// Its URL, without secrets.
    pub url: Text,
    /// What is spoken behind it.
    #[serde(default)]
    pub protocol: Protocol,
    /// What it is for.
    #[serde(default)]
    pub role: Role,
    /// No user: no login is tried.
    pub anonymous: bool,
}

/// One queue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WatchedQueue {
    /// Its name: unique on the server.
    pub name: Name,
    /// Which mail system.
    pub kind: QueueKind,
    /// The share of one core of the mail host that reading it may take, in thousandths. Each observer's own.
    #[serde(default)]
    pub budget_permille: u32,
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

/// Letters through a pair of doors.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WatchedCanary {
    /// Its name: unique.
    pub name: Name,
    /// Where they go in.
    pub way_in: End,
    /// Where they have to come out.
    pub way_out: End,
    /// To whom.
    pub to: Text,
    /// The mailbox that is watched.
    pub mailbox: Text,
    /// One letter each.
    pub every: Span,
    /// A letter that takes longer is late.
    pub late: Span,
    /// A letter that has not come after so long may be called lost.
    pub lost: Span,
}
