//! Which moment stands in which column of a chart: as much of the past as there is room for, and beyond now as much as the
//! forecast needs, but never more than of the past.

use jiff::Timestamp;

use crate::domain::Span;

use super::Chart;

/// Widths of a column in seconds that read well.
const STEPS: [i64; 13] = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400];
/// The shortest past that is shown.
const LEAST: Span = Span::from_mins(10);
/// With a forecast, a past so many times as long as what lies ahead is enough: more would squeeze the band to nothing.
const PAST_TO_AHEAD: i64 = 4;
/// And so much is shown in any case.
const PAST_ENOUGH: Span = Span::from_hours(1);

/// The columns of a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Time in one column.
    pub(super) step: Span,
    /// Columns up to and with the one that holds now.
    pub(super) past: usize,
    /// Columns beyond it.
    pub(super) future: usize,
    /// Where the first column begins.
    pub(super) from: Timestamp,
    /// Where the last one ends.
    pub(super) to: Timestamp,
}

impl Scale {
    /// The smallest step in which everything that is to be shown fits `count` columns.
    pub(super) fn of(c: &Chart<'_>, count: usize) -> Self {
        let first = c.samples.iter().map(|s| s.at).filter(|at| *at <= c.now).min();
        let known = first.map_or(Span::ZERO, |at| Span::between(at, c.now));
        let mut past = known.max(LEAST);
        let mut ahead = Span::ZERO;
        if let Some(a) = &c.ahead {
            ahead = Span::between(c.now, a.clears[2]).max(Span::ZERO);
            past = past.min((ahead * PAST_TO_AHEAD).max(PAST_ENOUGH));
        }
        let columns = |s: Span, step: i64| (s.secs() as usize).div_ceil(step as usize);
        // Never more than of the past; and a column for the end of the band that rounding would cut off.
        let future = |step: i64| match ahead {
            Span::ZERO => 0,
            _ => (columns(ahead, step) + 1).min(count / 2),
        };
        let wanted = |step: i64| columns(past, step) + future(step).min(columns(past, step));
        let fits = |step: &&i64| wanted(**step) <= count;
        let step = *STEPS.iter().find(fits).unwrap_or(&STEPS[STEPS.len() - 1]);
        let (future, step) = (future(step), Span::from_secs(step));
        let here = c.now.as_microsecond().div_euclid(step.micros());
        let moment = |n: i64| Span::from_micros(n.saturating_mul(step.micros())).after(Timestamp::UNIX_EPOCH);
        let past = count - future;
        Self {
            step,
            past,
            future,
            from: moment(here + 1 - past as i64),
            to: moment(here + 1 + future as i64),
        }
    }

    /// All columns.
    pub(super) const fn columns(&self) -> usize {
        self.past + self.future
    }
    /// The column of a moment, if it is shown.
    pub(super) fn column_of(&self, at: Timestamp) -> Option<usize> {
        let n = Span::between(self.from, at).micros().div_euclid(self.step.micros());
        usize::try_from(n).ok().filter(|n| *n < self.columns())
    }
    /// The middle of a column.
    pub(super) fn middle(&self, column: usize) -> Timestamp {
        Span::from_micros(self.step.micros() * column as i64 + self.step.micros() / 2).after(self.from)
    }
}
