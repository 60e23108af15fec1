//! What is put on record of an incident, each with who said it; when is the event's own. Everything that a later version may
//! add has a default, so that old and new read each other's records.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;
use crate::domain::door::Role;
use crate::domain::health::Layer;
use crate::domain::{Name, Span, Text};

/// One entry about an incident.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// It began.
    Opened(Box<Opened>),
    /// More servers belong to it.
    Joined(Joined),
    /// It is this far now.
    State(StateSet),
    /// A person takes it.
    Acknowledged(Acknowledged),
    /// A person wrote something down.
    Noted(Noted),
    /// The public was told.
    UpdatePosted(Posted),
    /// A ticket belongs to it.
    TicketLinked(Ticket),
    /// A person said when it began.
    StartCorrected(StartCorrected),
    /// Its end is proposed, or the proposal is taken back.
    EndProposed(EndProposed),
    /// What its backlog came to.
    BacklogSeen(BacklogSeen),
}

/// A door that failed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Failed {
    /// The server.
    pub server: Name,
    /// The door.
    pub door: Name,
    /// What it is for.
    #[serde(default)]
    pub role: Role,
    /// Where it fails.
    pub layer: Layer,
    /// The first probe that failed.
    pub first_bad: Timestamp,
    /// The last one before it that did not, when there is one on record.
    #[serde(default)]
    pub last_good: Option<Timestamp>,
}

/// How an incident came to be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// By the rules, from what probes say.
    #[default]
    Rule,
    /// By a person.
    Hand,
}

/// It began.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Opened {
    /// A short name: `store down on mbox1`.
    pub name: Text,
    /// How it came to be.
    #[serde(default)]
    pub how: How,
    /// Who opened it, where a person did.
    #[serde(default)]
    pub by: Option<Text>,
    /// The operator's own number.
    #[serde(default)]
    pub number: Option<Text>,
    /// Where it fails; `None` where a person opened it and did not say.
    #[serde(default)]
    pub layer: Option<Layer>,
    /// The servers.
    #[serde(default)]
    pub servers: Vec<Name>,
    /// The doors that showed it.
    #[serde(default)]
    pub doors: Vec<Failed>,
    /// When it began: the first bad probe, or the moment that a person gave.
    pub started: Timestamp,
    /// The last good probe before that.
    #[serde(default)]
    pub last_good: Option<Timestamp>,
    /// How long it had lasted when it was opened, as counted then: the two stamps may stand on either side of a clock step.
    #[serde(default)]
    pub lasted: Option<Span>,
    /// How many messages stood in the queues of its servers when it began; `None` where that is not known.
    #[serde(default)]
    pub stood_before: Option<u64>,
}

/// More servers belong to it: same layer, same time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Joined {
    /// The doors that showed it.
    pub doors: Vec<Failed>,
    /// How many messages stood in the queues of the servers that are new to it when it began; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood_before: Option<u64>,
}

/// It is this far now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StateSet {
    /// How far.
    pub to: State,
    /// Who said so; `None` where a rule did: only failing again opens one by rule.
    #[serde(default)]
    pub by: Option<Text>,
    /// Why, where something was said.
    #[serde(default)]
    pub why: Option<Text>,
}

/// A person takes it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who.
    pub by: Text,
}

/// A person wrote something down.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Noted {
    /// What.
    pub text: Text,
    /// Who.
    pub by: Text,
    /// Of when it speaks, where that is not when it was written.
    #[serde(default)]
    pub of: Option<Timestamp>,
}

/// How an update got out.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Out {
    /// Somebody posted it and says so.
    #[default]
    ByHand,
    /// The configured program took it.
    Hook {
        /// The program, as one would type it.
        command: Text,
    },
}

/// The public was told.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Posted {
    /// The words, line by line.
    pub lines: Vec<Text>,
    /// Who posted it.
    pub by: Text,
    /// When the next one was promised.
    #[serde(default)]
    pub next_at: Option<Timestamp>,
    /// How it got out.
    #[serde(default)]
    pub out: Out,
    /// When it was posted, where that is not when it was put on record.
    #[serde(default)]
    pub of: Option<Timestamp>,
}

/// A ticket, and who is affected by its word.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// The ticket.
    pub ticket: Text,
    /// Who it names as affected.
    #[serde(default)]
    pub affected: Vec<Text>,
    /// Whether it is the operator's own number of the incident.
    #[serde(default)]
    pub is: TicketIs,
    /// Who linked it.
    pub by: Text,
}

/// What a ticket is to an incident.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TicketIs {
    /// One of those who are affected wrote it.
    #[default]
    Report,
    /// The operator's own number of the incident.
    Number,
}

/// A person said when it began.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StartCorrected {
    /// When; `None` takes a correction back.
    pub at: Option<Timestamp>,
    /// Who said so.
    pub by: Text,
}

/// Its end is proposed, or that is taken back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EndProposed {
    /// When service was good again; `None` takes the proposal back: it fails again.
    pub restored: Option<Restored>,
}

/// Service was seen good again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Restored {
    /// The last bad probe of any of its doors.
    pub last_bad: Timestamp,
    /// The first good probe of the door that came back last.
    pub first_good: Timestamp,
    /// How long that was before this was put on record, as counted then.
    pub ago: Span,
    /// What is known of the backlog.
    pub backlog: BacklogIs,
}

/// What is known of a backlog when an end is proposed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BacklogIs {
    /// There is none.
    Cleared,
    /// It gets smaller, and a clear time is known.
    Clearing,
    /// No queue of these servers is watched.
    NotWatched,
    /// It grows or stands.
    Stands,
    /// The queues are not known now.
    Unknown,
}

impl BacklogIs {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Cleared => "the backlog is cleared",
            Self::Clearing => "the backlog is clearing",
            Self::NotWatched => "no queue is watched there",
            Self::Stands => "the backlog stands",
            Self::Unknown => "the backlog is not known",
        }
    }
}

/// What the backlog of the incident's servers came to so far: put on record now and then, because readings of queues are let
/// go with age.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BacklogSeen {
    /// The most messages that waited at one time.
    pub peak: u64,
    /// When.
    pub peak_at: Timestamp,
    /// When it was cleared after that, if it was.
    #[serde(default)]
    pub cleared_at: Option<Timestamp>,
    /// Minutes that messages waited, summed over all of them; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_minutes: Option<u64>,
    /// How much of the time the queues were not seen: no mail-minutes are counted in it.
    #[serde(default)]
    pub unseen: Span,
}
