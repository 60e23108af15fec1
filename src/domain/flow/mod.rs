//! How a queue's depth changes. `counts` holds what happened in an interval: arrivals, and exits by what became of the
//! mail. Here: samples of depth with those counts beside them. The rates that they give are the forecast's.

mod counts;

use jiff::Timestamp;

pub use counts::{FlowCounts, FlowSeen, FlowSource};

/// One look at a queue, with what was counted by then. Counts are cumulative since any moment; a count that is lower than
/// the one before began anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Messages in all queues, held ones too.
    pub depth: u64,
    /// Of those, held by an operator; `None` when not known.
    pub held: Option<u64>,
    /// Messages taken in; `None` when not counted.
    pub arrivals: Option<u64>,
    /// Messages worked off, whatever the answer was; `None` when not counted.
    pub exits: Option<u64>,
    /// Messages gone without being worked off: expired, or removed by an operator. Not a drain. `None` when not counted.
    pub otherwise: Option<u64>,
}
