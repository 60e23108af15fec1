//! What came into a queue and went out of it over time: counts are spread over the columns that their interval covers, and a
//! rate stands only for what was counted.

use jiff::Timestamp;

use super::{COLUMNS, Range};
use crate::domain::Span;
use crate::domain::flow::{FlowCounts, FlowSeen, FlowSource};

/// Of a column, in percent, that has to be counted before a rate stands for it.
const COUNTED: i64 = 20;

/// What came in and went out in one column, as far as it was counted.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Flow {
    /// Messages taken in.
    pub arrived: f64,
    /// Messages worked off.
    pub worked_off: f64,
    /// Messages that expired or were removed.
    pub otherwise: f64,
    /// How much of the column was counted.
    pub counted: Span,
}

/// What came in and went out of a queue, by one source.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowsOf {
    /// Which.
    pub source: FlowSource,
    /// By column.
    pub columns: Vec<Flow>,
    /// In all.
    pub total: FlowCounts,
    /// In how much time.
    pub counted: Span,
    /// A reading of the log that has not come to its end.
    pending: Option<(Timestamp, FlowCounts)>,
}

impl FlowsOf {
    pub(super) fn new(source: FlowSource) -> Self {
        Self {
            source,
            columns: vec![Flow::default(); COLUMNS],
            total: FlowCounts::default(),
            counted: Span::ZERO,
            pending: None,
        }
    }

    pub(super) fn seen(&mut self, seen: &FlowSeen, at: Timestamp, range: Range) {
        // A log that is caught up with in several bites is one reading: the later bites hold what happened in the first.
        let (from, mut counts) = self.pending.take().unwrap_or((seen.from, FlowCounts::default()));
        counts += seen.counts;
        if seen.behind > 0 {
            self.pending = Some((from, counts));
            return;
        }
        let (begin, end) = (from.max(range.from), at.min(range.until));
        let (whole, inside) = (Span::between(from, at), Span::between(begin, end));
        if inside <= Span::ZERO {
            return;
        }
        self.total += counts;
        self.counted = self.counted + inside;
        for column in range.index(begin)..=range.index(end) {
            let (a, b) = (begin.max(range.begins(column)), end.min(range.begins(column + 1)));
            let part = Span::between(a, b);
            if part <= Span::ZERO {
                continue;
            }
            let share = part.secs_f64() / whole.secs_f64();
            let c = &mut self.columns[column];
            c.arrived += counts.arrived as f64 * share;
            c.worked_off += counts.exits() as f64 * share;
            c.otherwise += counts.otherwise() as f64 * share;
            c.counted = c.counted + part;
        }
    }

    /// What came in, was worked off, and went otherwise in a column, each a minute; `None` where too little of it was counted.
    pub fn rates(&self, column: usize, range: Range) -> Option<[f64; 3]> {
        let c = self.columns.get(column)?;
        let mins = c.counted.mins_f64();
        let enough = c.counted.micros().saturating_mul(100) >= range.column().micros().saturating_mul(COUNTED);
        (enough && mins > 0.0).then(|| [c.arrived, c.worked_off, c.otherwise].map(|n| n / mins))
    }
}
