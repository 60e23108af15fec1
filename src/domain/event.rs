//! What the journal holds: one event for each thing learned or done. Append-only, versioned, one line of JSON each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action::{Drift, Lost, PauseEnded, Plan, Ran, ReadBack, Rights};
use super::canary;
use super::flow::FlowSeen;
use super::health::ProbeReport;
use super::horizon::{OutageCorrected, QueueRules};
use super::incident::moment::ClockStepped;
use super::incident::{Entry, IncidentId};
use super::influence::Measured;
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
    /// A canary: letters through the service.
    Canary {
        /// The server by which they go in.
        server: Name,
        /// The canary.
        canary: Name,
    },
    /// An incident.
    Incident {
        /// Which.
        incident: IncidentId,
    },
}

impl Subject {
    /// The server that it belongs to.
    pub const fn server(&self) -> Option<&Name> {
        match self {
            Self::Observer | Self::Incident { .. } => None,
            Self::Server { server }
            | Self::Door { server, .. }
            | Self::Queue { server, .. }
            | Self::Job { server, .. }
            | Self::Canary { server, .. } => Some(server),
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
    /// What happened to a queue's messages since the reading before.
    FlowSeen(FlowSeen),
    /// What happened to a queue's messages could not be read.
    FlowMissed(Missed),
    /// How a queue's mail system treats mail that waits.
    RulesSeen(QueueRules),
    /// Single messages of a queue were listed for a person, or that was given up: how long it kept the host busy.
    MessagesListed(Span),
    /// A person said since when a server's senders could not deliver.
    OutageCorrected(OutageCorrected),
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
    /// What it did to the flow of a queue.
    ActionMeasured(Measured),
    /// An action whose end nobody saw.
    ActionLost(Lost),
    /// A pause is over.
    PauseEnded(PauseEnded),
    /// A job is not as it was last made to be.
    Drifted(Drift),
    /// What the login there may not do for a job.
    RightsSeen(Rights),
    /// A letter was handed in.
    CanarySent(canary::Sent),
    /// A letter could not be handed in, or was refused.
    CanaryUnsent(Missed),
    /// No letters are sent for now; why.
    CanaryHeld(Text),
    /// A letter came.
    CanaryArrived(canary::Arrival),
    /// Something came that looks like a letter and is none of this run.
    CanaryStray(canary::Stray),
    /// A letter is given up.
    CanaryLost(canary::Lost),
    /// The mailbox is being watched.
    CanaryWatching(canary::Watching),
    /// The mailbox cannot be watched.
    CanaryBlind(Missed),
    /// Something was learned, said or done about an incident.
    Incident(Box<Entry>),
    /// The wall clock was set.
    ClockStepped(ClockStepped),
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
