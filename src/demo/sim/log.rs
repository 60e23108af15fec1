//! What a host's mail log would hold of its letters: one entry when a letter comes in and one when it leaves, numbered, and
//! bounded as a log that is rotated is.

use std::collections::VecDeque;

use super::letter::Letter;

/// The most entries that are kept.
const KEEP: usize = 30_000;

/// One entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When, in seconds of the Unix epoch.
    pub at: i64,
    /// Whose.
    pub letter: Letter,
    /// What happened.
    pub what: Logged,
}

/// What happened to a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Logged {
    /// It came in.
    Came,
    /// It was handed on.
    Delivered,
    /// It was refused for good.
    Bounced,
    /// It was given up.
    Expired,
}

/// The log of one host.
#[derive(Clone, Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    /// Entries before the first that is kept.
    gone: u64,
}

/// A place in a log that is no longer kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

impl Log {
    pub(super) fn write(&mut self, at: i64, letter: Letter, what: Logged) {
        self.entries.push_back(Entry { at, letter, what });
        if self.entries.len() > KEEP {
            self.entries.pop_front();
            self.gone += 1;
        }
    }
    /// The number of the next entry.
    pub fn end(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }
    /// The entries from that number on.
    pub fn since(&self, number: u64) -> Result<impl Iterator<Item = &Entry>, Gone> {
        let skip = number.checked_sub(self.gone).ok_or(Gone)?;
        Ok(self.entries.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)))
    }
}
