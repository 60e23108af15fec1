//! What the journal holds: one event for each thing learned or done. Append-only, versioned, one line of JSON each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action::{Plan, Ran, ReadBack};
use super::health::ProbeReport;
use super::job::JobState;
use super::queue::QueueSnapshot;
use super::reading::Missed;
use super::roster::Roster;
use super::{Name, Span, Text};

/// The version of the event format that this build writes.
pub const VERSION: u32 = 1;

/// Who saw it: `login@host:pid`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObserverId(pub Name);

/// What an event is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "lowercase")]
pub enum Subject {
    /// The observer itself.
    Observer,
    /// A whole server.
    Server {
        /// Which.
        server: Name,
    },
    /// A door of a server.
    Door {
        /// The server.
        server: Name,
        /// The door.
        door: Name,
    },
    /// A queue of a server.
    Queue {
        /// The server.
        server: Name,
        /// The queue.
        queue: Name,
    },
    /// A maintenance job on a server.
    Job {
        /// The server.
        server: Name,
        /// The job.
        job: Name,
    },
}

impl Subject {
    /// The server that it belongs to.
    pub const fn server(&self) -> Option<&Name> {
        match self {
            Self::Observer => None,
            Self::Server { server }
            | Self::Door { server, .. }
            | Self::Queue { server, .. }
            | Self::Job { server, .. } => Some(server),
        }
    }
}

/// One thing learned or done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// When, by the observer's clock.
    pub at: Timestamp,
    /// Who saw it.
    pub seen_by: ObserverId,
    /// What it is about.
    pub about: Subject,
    /// What was learned.
    pub what: Fact,
}

/// What was learned or done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "fact", content = "data", rename_all = "kebab-case")]
pub enum Fact {
    /// A door was probed, with whatever result.
    Probed(Box<ProbeReport>),
    /// A probe could not be made (the reason is ours, not the server's).
    ProbeMissed(Missed),
    /// A queue was read.
    QueueSeen(QueueSnapshot),
    /// A queue could not be read.
    QueueMissed(Missed),
    /// A job was read.
    JobSeen(JobState),
    /// A job could not be read.
    JobMissed(Missed),
    /// Commands can reach the server; how long it took to get there.
    Reached(Span),
    /// Commands cannot reach the server.
    ReachLost(Missed),
    /// An action is about to run. On disk before it does.
    ActionPlanned(Box<Plan>),
    /// Its commands ended.
    ActionRan(Ran),
    /// It was read back.
    ActionReadBack(ReadBack),
    /// An observer began to watch.
    ObserverStarted {
        /// Of mailtop.
        version: Text,
    },
    /// What it watches, at the start and after each reload.
    Watching(Roster),
    /// An observer ended in good order. Its absence is a gap on the record.
    ObserverStopped,
    /// Something that mailtop has to say of itself: a damaged journal moved aside, a bad config kept out.
    Notice(Text),
}
