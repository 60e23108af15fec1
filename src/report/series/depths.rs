//! The depth of a queue over time: a column has the least and the most that was read in it.

use jiff::Timestamp;

use super::{COLUMNS, Range};
use crate::domain::Span;
use crate::domain::queue::QueueSnapshot;

/// A queue whose looks are set further apart than this is unseen in between.
const LONGEST_STEP: Span = Span::from_mins(30);

/// Readings of a depth in one column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// The first.
    pub first: u64,
    /// The least.
    pub least: u64,
    /// The most.
    pub most: u64,
    /// The last.
    pub last: u64,
    /// Whether the reading before the first one still held: else there is a gap before it.
    pub joined: bool,
}

/// The depth of a queue.
#[derive(Clone, PartialEq, Debug)]
pub struct Depths {
    /// By column.
    pub columns: Vec<Option<Column>>,
    /// The most that was read, and when first.
    pub peak: Option<(u64, Timestamp)>,
    /// The first reading.
    pub first: Option<(u64, Timestamp)>,
    /// The last reading.
    pub last: Option<(u64, Timestamp)>,
    /// Whole readings.
    pub readings: u64,
    /// Readings that failed or were not of all of it.
    pub missed: u64,
    /// Time between readings in which the earlier one did not hold any more.
    pub unseen: Span,
    holds_until: Option<Timestamp>,
}

impl Depths {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            columns: vec![None; COLUMNS],
            peak: None,
            first: None,
            last: None,
            readings: 0,
            missed: 0,
            unseen: Span::ZERO,
            holds_until: None,
        }
    }

    pub(super) fn read(&mut self, read: &QueueSnapshot, at: Timestamp, good_for: Span, range: Range) {
        if !read.complete() {
            self.missed += 1;
            return;
        }
        let depth = read.depth.total();
        let joined = self.holds_until.is_some_and(|until| at <= until);
        let since = self.last.map_or(range.from, |(_, at)| at);
        if !joined && (self.last.is_some() || Span::between(since, at) > good_for) {
            self.unseen = self.unseen + Span::between(since, at);
        }
        let next = read.next_look.unwrap_or_default().min(LONGEST_STEP);
        let holds = if next * 2 <= good_for {
            good_for
        } else {
            next + good_for
        };
        self.holds_until = Some(holds.after(at));
        self.readings += 1;
        self.first.get_or_insert((depth, at));
        self.last = Some((depth, at));
        if self.peak.is_none_or(|(peak, _)| depth > peak) {
            self.peak = Some((depth, at));
        }
        let column = &mut self.columns[range.index(at)];
        match column {
            Some(c) => {
                (c.least, c.most, c.last) = (c.least.min(depth), c.most.max(depth), depth);
            }
            None => {
                *column = Some(Column {
                    first: depth,
                    least: depth,
                    most: depth,
                    last: depth,
                    joined,
                });
            }
        }
    }
}
