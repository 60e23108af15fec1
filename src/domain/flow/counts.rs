//! What happened to a queue's messages in an interval: how many came, and what became of those that went.

use std::ops::AddAssign;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Span, Text};

/// Messages (queue files) by what happened to them. A message with many recipients counts once, when its file goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowCounts {
    /// Taken in; mail that was refused on the way in is not. Notices of non-delivery are mail, too.
    pub arrived: u64,
    /// Gone, delivered to every recipient that was left.
    pub delivered: u64,
    /// Gone, and at least one recipient was refused for good and returned to its sender.
    pub bounced: u64,
    /// Gone because it waited longer than its lifetime (or an operator expired it), and returned to its sender.
    pub expired: u64,
    /// Gone by an operator's hand.
    pub removed: u64,
    /// Thrown away by configuration (`discard`), or a probe of an address: worked off, and nobody has it.
    pub discarded: u64,
    /// Handed on to another hop that put it into this same queue again, or to where an alias leads: it is in `arrived` a
    /// second time, and not delivered.
    pub passed_on: u64,
    /// Gone, and nothing says why: identities between two listings, without a log; a file that could not be read; in a log
    /// whose part about it is lost.
    pub unexplained: u64,
    /// Put into the queue again under a new name by an operator: neither an arrival nor an exit.
    pub requeued: u64,
    /// Put on hold.
    pub held: u64,
    /// Released from hold.
    pub released: u64,
    /// Recipients that got their mail (a message with three recipients counts three times).
    pub recipients: u64,
}

impl FlowCounts {
    /// Messages worked off: this is what drains a queue.
    pub const fn exits(&self) -> u64 {
        self.delivered + self.bounced + self.discarded + self.passed_on + self.unexplained
    }
    /// Messages gone without being worked off.
    pub const fn otherwise(&self) -> u64 {
        self.expired + self.removed
    }
    /// By how much the depth should have changed.
    pub const fn net(&self) -> i64 {
        self.arrived.cast_signed() - self.exits().cast_signed() - self.otherwise().cast_signed()
    }
}

impl AddAssign for FlowCounts {
    fn add_assign(&mut self, o: Self) {
        let add = |a: &mut u64, b: u64| *a = a.saturating_add(b);
        add(&mut self.arrived, o.arrived);
        add(&mut self.delivered, o.delivered);
        add(&mut self.bounced, o.bounced);
        add(&mut self.expired, o.expired);
        add(&mut self.removed, o.removed);
        add(&mut self.discarded, o.discarded);
        add(&mut self.passed_on, o.passed_on);
        add(&mut self.unexplained, o.unexplained);
        add(&mut self.requeued, o.requeued);
        add(&mut self.held, o.held);
        add(&mut self.released, o.released);
        add(&mut self.recipients, o.recipients);
    }
}

/// Where counts come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowSource {
    /// The mail log, which is exact and says why.
    Log,
    /// Message identities in two listings: who came and who left. What came and went between them is not seen.
    Listings,
}

/// What happened from `from` until the moment of the event that carries it. Two of one source that follow each other
/// without a gap have `from` at the moment of the one before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FlowSeen {
    /// Where the counts come from.
    pub source: FlowSource,
    /// Since when, by the observer's clock.
    pub from: Timestamp,
    /// What happened.
    pub counts: FlowCounts,
    /// Why it may not be all: part of the log is gone, lines could not be read, a listing was partial.
    pub partial: Option<Text>,
    /// Bytes of the log that are still to be read, at least: what happened in them is not counted yet, so another reading
    /// may follow at once. 1 where the log does not tell how much is left.
    #[serde(default)]
    pub behind: u64,
    /// How old the newest line of the log was, by the mail host's own clock; `None` when there is none. Negative when the
    /// line is ahead of that clock.
    #[serde(default)]
    pub log_age: Option<Span>,
    /// How long reading it kept the mail host busy, as measured from here.
    pub took: Span,
    /// Processor time of the reading on the mail host, where it tells.
    #[serde(default)]
    pub cpu: Option<Span>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_net_is_arrivals_less_all_that_went_and_moves_do_not_count() {
        let c = FlowCounts {
            arrived: 10,
            delivered: 3,
            bounced: 1,
            expired: 20,
            removed: 5,
            requeued: 100,
            held: 7,
            released: 2,
            ..FlowCounts::default()
        };
        assert_eq!((c.exits(), c.otherwise(), c.net()), (4, 25, -19));
    }

    #[test]
    fn counts_of_an_older_version_are_read() {
        let c: FlowCounts = serde_json::from_str(r#"{"arrived":2,"delivered":1}"#).unwrap();
        assert_eq!((c.arrived, c.delivered, c.net()), (2, 1, 1));
    }
}
