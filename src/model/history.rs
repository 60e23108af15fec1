//! A bounded past: the newest so many points of a series.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::Span;
use crate::domain::health::Verdict;

/// One probe in the past of a door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beat {
    /// When.
    pub at: Timestamp,
    /// How long the whole probe took.
    pub took: Span,
    /// What it said; `None` when the probe could not be made.
    pub verdict: Option<Verdict>,
}

/// The newest points of a series.
#[derive(Clone, PartialEq, Debug)]
pub struct History<T> {
    points: VecDeque<T>,
    keep: usize,
}

impl<T> History<T> {
    /// Keeps at most `keep` points.
    pub fn new(keep: usize) -> Self {
        Self {
            points: VecDeque::new(),
            keep,
        }
    }
    /// One more; the oldest goes.
    pub fn push(&mut self, point: T) {
        self.points.push_back(point);
        if self.points.len() > self.keep {
            self.points.pop_front();
        }
    }
    /// The points, newest first, to be completed by what is learned of them later.
    pub(super) fn newest_first(&mut self) -> impl Iterator<Item = &mut T> {
        self.points.iter_mut().rev()
    }
    /// The points, oldest first.
    pub fn points(&self) -> &VecDeque<T> {
        &self.points
    }
}
