//! The stretch of time that a chart draws, and how it is cut into columns.

use jiff::Timestamp;

use super::COLUMNS;
use crate::domain::Span;

/// The stretch of time that is drawn, cut into columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
}

impl Range {
    fn length(self) -> i64 {
        Span::between(self.from, self.until).micros().max(1)
    }
    /// How far into it a moment is, from 0 to 1 inside.
    pub fn share(self, at: Timestamp) -> f64 {
        Span::between(self.from, at).micros() as f64 / self.length() as f64
    }
    /// How long a column is.
    pub fn column(self) -> Span {
        Span::from_micros(self.length() / COLUMNS as i64)
    }
    /// Whether a moment is inside.
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at <= self.until
    }
    /// Whether a moment belongs to it: its end is the first moment after it.
    pub(super) fn counts(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
    pub(super) fn index(self, at: Timestamp) -> usize {
        let place = i128::from(Span::between(self.from, at).micros()) * COLUMNS as i128 / i128::from(self.length());
        usize::try_from(place).unwrap_or(0).min(COLUMNS - 1)
    }
    /// When a column begins.
    pub fn begins(self, column: usize) -> Timestamp {
        let micros = i128::from(self.length()) * column as i128 / COLUMNS as i128;
        Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)).after(self.from)
    }
}
