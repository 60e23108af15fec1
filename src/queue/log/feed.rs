//! Lines on their way into the counts. Here it is told which of them are of no known form, which one is the newest, and
//! which are older than where the last reading ended, which matters only where a log does not go on where it ended.

use jiff::Timestamp;

use super::count::Count;
use super::line::{HostClock, Line};

/// A longer line is of no program that we count; syslog's own bound is far below.
const LONGEST: usize = 16 << 10;

/// What one reading's lines came to.
#[derive(Debug)]
pub(super) struct Feed<'c> {
    count: &'c mut Count,
    clock: HostClock,
    /// Lines of this instance's programs, as far as one can tell, that were not understood.
    pub(super) unknown: u64,
    newest: Option<Timestamp>,
}

impl<'c> Feed<'c> {
    pub(super) fn new(count: &'c mut Count, clock: HostClock) -> Self {
        Self {
            count,
            clock,
            unknown: 0,
            newest: None,
        }
    }

    /// Takes whole lines, each with its newline; those older than `since` are passed over.
    pub(super) fn lines(&mut self, text: &[u8], since: Option<Timestamp>) {
        let mut last = None;
        for line in text.split(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(parsed) = (line.len() <= LONGEST).then(|| Line::parse(line)).flatten() else {
                // Lines of other programs go on over several lines at times; ours do not.
                if line.len() > LONGEST || memchr::memmem::find(line, b"postfix/").is_some() {
                    self.unknown += 1;
                }
                continue;
            };
            if let Some(since) = since
                && self.clock.moment(parsed.stamp).is_some_and(|at| at < since)
            {
                continue;
            }
            self.count.line(&parsed);
            last = Some(parsed.stamp);
        }
        self.newest = last.and_then(|stamp| self.clock.moment(stamp)).or(self.newest);
    }

    /// When the line was written that was read last.
    pub(super) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }
}
