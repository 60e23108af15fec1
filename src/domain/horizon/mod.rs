//! When mail is given up. Local: the messages of a queue reach the end of their lifetime. Remote: the servers that hold
//! mail for us give up, each kind after its own time. Here the values of both; the rules are in `local` and `remote`.

mod local;
mod remote;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use local::{LocalHorizon, Waiting, local};
pub use remote::{LIMIT, Outage, OutageStart, Patience, RemoteHorizon, remote};

use super::{Span, Text};

/// How a mail system treats mail that waits, as read from it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QueueRules {
    /// How long a message may wait before it is returned to its sender. Zero: it is tried once (postconf(5),
    /// `maximal_queue_lifetime`).
    pub lifetime: Span,
    /// The same for a bounce, which is then thrown away.
    pub bounce_lifetime: Span,
    /// The least and the most time between two tries; `None` when the system does not tell.
    pub retry: Option<(Span, Span)>,
    /// When a sender is told that its mail is late; `None` for never.
    pub delay_notice: Option<Span>,
}

/// Messages that arrived within one hour, held ones left out (held mail does not expire).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HourOfArrivals {
    /// The beginning of the hour.
    pub from: Timestamp,
    /// Messages with a sender.
    pub messages: u64,
    /// Bounces (`<>`), which have a lifetime of their own.
    #[serde(default)]
    pub bounces: u64,
}

/// Since when senders could not deliver, as a person corrected it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutageCorrected {
    /// The start; `None` takes a correction back.
    pub since: Option<Timestamp>,
    /// Who said so: `login@host`.
    pub by: Text,
}
