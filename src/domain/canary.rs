//! Canary letters: a small letter goes in by one door of the service and has to come out in a mailbox behind another. What
//! is configured, and what is put on record of each letter. `stamp` says how a letter proves that it is ours, `tally` what
//! became of all of them. Pure: no letter is sent here.

pub mod stamp;
pub mod tally;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Name, Span, Text};

pub use stamp::{Found, Stamp};
pub use tally::{Counts, Tally};

/// A door of a server: `mx1/smtp`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct End {
    /// The server.
    pub server: Name,
    /// The door there.
    pub door: Name,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.server, self.door))
    }
}

/// Whether letters stop while a valve of the mail system is closed by an action on record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WhilePaused {
    /// None is sent: it would only lie in the queue that somebody keeps shut.
    #[default]
    Stop,
    /// They go on.
    Send,
}

/// A pair of doors that letters go through, as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CanarySpec {
    /// Unique; of letters, digits, `.`, `_` and `-`, because it stands in a header.
    pub name: Name,
    /// Where letters go in.
    pub way_in: End,
    /// Where they have to come out.
    pub way_out: End,
    /// The recipient.
    pub to: String,
    /// The sender.
    pub from: String,
    /// One letter each.
    pub every: Span,
    /// A letter that takes longer is late.
    pub late: Span,
    /// A letter that has not come after so long may be called lost.
    pub lost: Span,
    /// The mailbox that is watched.
    pub mailbox: String,
    /// What a closed valve does to it.
    pub while_paused: WhilePaused,
}

/// One run of the thing that sends letters: the moment of its start and some dice, in hexadecimal. Later runs are greater.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Run(Name);

impl Run {
    /// A run that began at `at`; `dice` tell two of one moment apart.
    pub fn new(at: Timestamp, dice: u32) -> Self {
        let micros = at.as_microsecond().max(0);
        Self(Name::new(&format!("{micros:016x}{dice:08x}")))
    }
    /// As it stands in a stamp; `None` when it is none of ours.
    pub fn read(word: &str) -> Option<Self> {
        let hex = word.len() == 24 && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        hex.then(|| Self(Name::new(word)))
    }
    /// The word itself.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A letter was handed in. The event's moment is the one at which handing it in began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// The run.
    pub run: Run,
    /// Its number in the run, from 1 on.
    pub seq: u64,
    /// How long it took until it was accepted; `None` when the letter was said and no answer came: then it may come or not.
    pub accepted: Option<Span>,
    /// What the server calls it, where it says so.
    pub queue_id: Option<Text>,
    /// The server's answer, or why there is none.
    pub said: Text,
}

/// A message in a mailbox: its UID and the mailbox's UIDVALIDITY. UIDs rise in the order in which messages came (RFC 9051
/// 2.3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Place {
    /// UIDVALIDITY.
    pub validity: u32,
    /// UID.
    pub uid: u32,
}

/// In what state a letter came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it was sent.
    Whole,
    /// With another body.
    Altered,
}

/// A letter of this run was seen in the mailbox. The event's moment is the one at which it was noticed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Arrival {
    /// The run.
    pub run: Run,
    /// Its number.
    pub seq: u64,
    /// When it was sent, by our own clock.
    pub sent: Timestamp,
    /// How long it was on its way, from the moment at which it was handed in.
    pub round_trip: Span,
    /// How much of that it was on its way behind the answer of the door that took it.
    pub queued: Option<Span>,
    /// Where it lies.
    pub place: Place,
    /// In what state.
    pub state: State,
}

/// Why a message that looks like a letter is none that is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrayWhy {
    /// Its stamp does not verify: it was made up, or bent.
    Forged,
    /// It is of another run: an old letter that comes late, or one that somebody plays back.
    OtherRun,
}

/// Something that looks like a letter and is left where it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stray {
    /// The run that looked.
    pub run: Run,
    /// Why it is not counted.
    pub why: StrayWhy,
    /// Where it lies.
    pub place: Place,
}

/// By what a letter is known to be lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Evidence {
    /// The server's queues were listed to their end and do not know it, and afterwards the mailbox did not have it.
    NotInQueue {
        /// When the listing ended.
        listed: Timestamp,
    },
    /// Only its time is over: there is no queue that could be asked.
    Time {
        /// Why not.
        why: Text,
    },
}

/// A letter is given up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lost {
    /// The run.
    pub run: Run,
    /// Its number.
    pub seq: u64,
    /// When it was sent.
    pub sent: Timestamp,
    /// What the server called it.
    pub queue_id: Option<Text>,
    /// By what.
    pub evidence: Evidence,
}

/// How a mailbox is watched.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Watching {
    /// The run.
    pub run: Run,
    /// How news come.
    pub how: How,
    /// Whether letters are taken away again.
    pub cleans: Cleans,
}

/// How news of a mailbox come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", content = "every", rename_all = "lowercase")]
pub enum How {
    /// The server tells (IDLE, RFC 2177).
    Idle,
    /// It is asked this often.
    Poll(Span),
}

/// Whether letters are taken away again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cleans {
    /// Each by itself (UID EXPUNGE, RFC 4315).
    Yes,
    /// They are flagged as deleted and stay: without UIDPLUS only EXPUNGE would take them away, and with them whatever
    /// somebody else has flagged.
    FlagsOnly,
    /// The mailbox is open for reading only.
    No,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInQueue { .. } => f.pad("neither queue nor mailbox knows it"),
            Self::Time { why } => f.pad(&format!("its time is over; {why}")),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.pad("told by IDLE"),
            Self::Poll(every) => f.pad(&format!("asked each {every}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_runs_are_greater_and_a_word_that_is_no_run_is_refused() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let (a, b) = (Run::new(at(1_800_000_000), 9), Run::new(at(1_800_000_001), 1));
        assert!(a < b);
        assert_eq!(Run::read(a.as_str()), Some(a));
        for bad in [
            "",
            "xyz",
            "0123456789ABCDEF01234567",
            "0123456789abcdef0123456",
            "0123456789abcdef012345678",
        ] {
            assert_eq!(Run::read(bad), None, "{bad}");
        }
    }
}
