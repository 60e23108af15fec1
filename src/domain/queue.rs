//! What is in a mail queue: counts by queue, and from a full listing also bytes, ages, destinations and reasons.
//! A listing is a sample, not a census: Postfix may show a message twice or miss one while it lists.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::argv::Argv;
use super::horizon::HourOfArrivals;
use super::{Name, Span, Text};
use crate::domain::health::{Limits, Verdict};

/// The mail system that a queue belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueueKind {
    /// Postfix, read with `postqueue -j`.
    Postfix,
}

impl QueueKind {
    /// The word in config and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Postfix => "postfix",
        }
    }
}

/// A queue to read, as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueSource {
    /// Unique on its server.
    pub name: Name,
    /// Which mail system.
    pub kind: QueueKind,
    /// The instance's configuration directory (`postqueue -c DIR`); the default instance when `None`.
    pub config_dir: Option<String>,
    /// A command that prints the listing in place of the mail system's own.
    pub list: Option<Argv>,
    /// A command that prints `QUEUE COUNT` lines in place of counting files.
    pub count: Option<Argv>,
    /// Whether commands go through `sudo -n`.
    pub sudo: Sudo,
    /// Where the mail log is read.
    pub log: LogSource,
    /// How long a message may wait, where the mail system cannot be asked for it.
    pub lifetime: Option<Span>,
    /// The share of one core of the mail host that reading may take, in thousandths: 20 is 2%.
    pub budget_permille: u32,
}

/// Where the log of a mail system is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum LogSource {
    /// Found out on the mail host: the mail system's own file, the usual files, the systemd journal.
    #[default]
    Auto,
    /// This file on the mail host.
    File(String),
    /// The systemd journal.
    Journal,
    /// A command that gets the cursor of its last answer as one more argument (an empty one at first), prints what was
    /// logged since, and ends with a line `-- cursor: CURSOR`.
    Command(Argv),
    /// It is not read.
    Off,
}

/// Whether a command goes through `sudo -n`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Sudo {
    /// As the login is.
    #[default]
    No,
    /// `sudo -n COMMAND`.
    Yes,
}

/// How many messages are in each queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Depth {
    /// Dropped by local programs, not picked up yet.
    #[serde(default)]
    pub maildrop: u64,
    /// Taken in, not yet seen by the queue manager.
    pub incoming: u64,
    /// Being delivered.
    pub active: u64,
    /// Tried, waiting for another try.
    pub deferred: u64,
    /// Held by an operator: does not drain.
    pub hold: u64,
    /// In a queue of a name that we do not know.
    #[serde(default)]
    pub other: u64,
}

impl Depth {
    /// All messages, held ones too.
    pub const fn total(&self) -> u64 {
        self.maildrop + self.incoming + self.active + self.deferred + self.hold + self.other
    }
    /// The count of the queue with this name; unknown names share one.
    pub fn slot(&mut self, name: &str) -> &mut u64 {
        match name {
            "maildrop" => &mut self.maildrop,
            "incoming" => &mut self.incoming,
            "active" => &mut self.active,
            "deferred" => &mut self.deferred,
            "hold" => &mut self.hold,
            _ => &mut self.other,
        }
    }
}

/// Upper bounds of the age columns, in minutes, as `qshape(1)` draws them; a last column holds everything older.
pub const AGE_BOUNDS_MIN: [i64; 9] = [5, 10, 20, 40, 80, 160, 320, 640, 1280];

/// Messages by age: one count a column of [`AGE_BOUNDS_MIN`], and the rest in the last.
pub type Ages = [u64; AGE_BOUNDS_MIN.len() + 1];

/// The age column for an age. A negative age (clock step) counts as new.
pub fn age_column(age: Span) -> usize {
    AGE_BOUNDS_MIN
        .iter()
        .position(|b| age < Span::from_mins(*b))
        .unwrap_or(AGE_BOUNDS_MIN.len())
}

/// How the depth was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Files counted in the queue directories: cheap, no detail.
    Counted,
    /// Every message listed.
    Listed,
}

/// One recipient domain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Destination {
    /// The domain, lower-cased; `(none)` where an address has none.
    pub domain: Text,
    /// Messages with at least one recipient there.
    pub messages: u64,
    /// The same, by age.
    pub ages: Ages,
}

/// One deferral reason, addresses and identifiers masked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// The masked text.
    pub reason: Text,
    /// Messages with at least one recipient deferred for it.
    pub messages: u64,
}

/// One envelope sender's domain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sender {
    /// The envelope sender; `<>` for bounces.
    pub sender: Text,
    /// Messages.
    pub messages: u64,
}

/// What a full listing shows. The lists are the largest entries, most first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Listing {
    /// Sum of message sizes.
    pub bytes: u64,
    /// Arrival of the oldest message.
    pub oldest: Option<Timestamp>,
    /// All messages by age at the time of listing.
    pub ages: Ages,
    /// The largest destinations.
    pub destinations: Vec<Destination>,
    /// How many destinations there are in all.
    pub destination_count: u64,
    /// The most frequent deferral reasons.
    pub reasons: Vec<Reason>,
    /// The most frequent senders.
    pub senders: Vec<Sender>,
    /// Messages by the hour in which they arrived, oldest first; held ones left out.
    #[serde(default)]
    pub hours: Vec<HourOfArrivals>,
    /// Messages by the queue's own name for itself, unknown names included.
    pub by_queue: BTreeMap<Text, u64>,
}

/// What a reading showed of the mail system that the queue belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SystemState {
    /// The reading does not tell.
    #[default]
    Unknown,
    /// It is stopped: its queue can be read, and nothing in it is delivered.
    Stopped,
}

/// One reading of one queue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QueueSnapshot {
    /// Which system.
    pub kind: QueueKind,
    /// How it was read.
    pub how: How,
    /// The counts.
    pub depth: Depth,
    /// Why the reading is partial, when it is: lines skipped, listing cut off.
    pub partial: Option<Text>,
    /// Lines that were not understood.
    pub skipped_lines: u64,
    /// The detail, from a full listing.
    pub listing: Option<Box<Listing>>,
    /// How long the reading kept the mail host busy, as measured from here: an upper bound of its CPU time.
    pub took: Span,
    /// When the next full listing fits into the load budget, counted from this reading.
    pub next_listing: Option<Span>,
    /// When the next look of any kind comes, as the load budget has it, counted from this reading.
    #[serde(default)]
    pub next_look: Option<Span>,
    /// What the mail system said beside a reading that came to its end: its warnings, the first lines of them.
    #[serde(default)]
    pub said: Option<Text>,
    /// Whether mail moves at all.
    #[serde(default)]
    pub system: SystemState,
    /// Processor time of the reading on the mail host, where it tells.
    #[serde(default)]
    pub cpu: Option<Span>,
}

impl QueueSnapshot {
    /// Whether the reading covers the whole queue.
    pub const fn complete(&self) -> bool {
        self.partial.is_none()
    }
    /// The verdict on what was read: a queue that nothing works off is down however short it is, a warning is one, and
    /// a partial reading is not known to be good.
    pub fn verdict(&self, limits: Limits) -> Verdict {
        if self.system == SystemState::Stopped {
            Verdict::Down
        } else if self.depth.total() > limits.queue_depth || self.said.as_ref().is_some_and(|s| !s.trim().is_empty()) {
            Verdict::Warn
        } else if self.complete() {
            Verdict::Ok
        } else {
            Verdict::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_fall_into_the_columns_that_qshape_prints() {
        assert_eq!(age_column(Span::from_secs(-10)), 0);
        assert_eq!(age_column(Span::from_secs(299)), 0);
        assert_eq!(age_column(Span::from_mins(5)), 1);
        assert_eq!(age_column(Span::from_mins(1279)), 8);
        assert_eq!(age_column(Span::from_hours(100)), 9);
    }

    #[test]
    fn held_mail_and_unknown_queues_count_into_the_total() {
        let mut d = Depth::default();
        for q in ["maildrop", "incoming", "active", "deferred", "hold", "corrupt?"] {
            *d.slot(q) += 1;
        }
        assert_eq!((d.total(), d.other), (6, 1));
    }

    #[test]
    fn a_partial_reading_is_never_ok() {
        let mut s = QueueSnapshot {
            kind: QueueKind::Postfix,
            how: How::Listed,
            depth: Depth::default(),
            partial: None,
            skipped_lines: 0,
            listing: None,
            took: Span::ZERO,
            next_listing: None,
            next_look: None,
            said: None,
            system: SystemState::Unknown,
            cpu: None,
        };
        assert_eq!(s.verdict(Limits::default()), Verdict::Ok);
        s.partial = Some("3 lines skipped".into());
        assert_eq!(s.verdict(Limits::default()), Verdict::Unknown);
        s.said = Some("postqueue: warning: main.cf, line 3: overriding earlier entry".into());
        assert_eq!(s.verdict(Limits::default()), Verdict::Warn);
        (s.said, s.partial, s.system) = (None, None, SystemState::Stopped);
        assert_eq!(s.verdict(Limits::default()), Verdict::Down);
    }

    #[test]
    fn a_reading_written_before_there_was_a_state_of_the_system_is_read() {
        let old = r#"{"kind":"postfix","how":"counted","depth":{"incoming":0,"active":0,"deferred":1,"hold":0},"partial":null,
            "skipped_lines":0,"listing":null,"took":5,"next_listing":null}"#;
        let s: QueueSnapshot = serde_json::from_str(old).unwrap();
        assert_eq!((s.said, s.system, s.cpu), (None, SystemState::Unknown, None));
    }
}
