//! What probes of a door said over time: a column has the worst, and what was said last holds for as long as it may be called
//! true.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{COLUMNS, Range};
use crate::domain::Span;
use crate::domain::door::{Protocol, Role};
use crate::domain::health::{Layer, Limits, ProbeReport, Verdict};

/// What a probe said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Said {
    /// It works.
    Good,
    /// It works, with trouble.
    Warn,
    /// It fails here.
    Down(Layer),
}

/// The probes of a door.
#[derive(Clone, PartialEq, Debug)]
pub struct Door {
    /// What it is for.
    pub role: Role,
    /// What is spoken behind it.
    pub protocol: Protocol,
    /// By column, the worst that was said.
    pub columns: Vec<Option<Said>>,
    /// While the incident lasted: probes that found it down,
    pub down: u64,
    /// with trouble,
    pub warned: u64,
    /// good,
    pub good: u64,
    /// of these, those that proved all that it is for,
    pub proved: u64,
    /// and those that could not be made.
    pub missed: u64,
    /// While it lasted, the first and the last that found it down.
    pub bad: Option<(Timestamp, Timestamp)>,
    /// While it lasted, the first and the last that proved it good.
    pub seen_good: Option<(Timestamp, Timestamp)>,
    /// Where it failed, how often.
    pub layers: BTreeMap<Layer, u64>,
    last: Option<(Said, Timestamp)>,
}

impl Door {
    /// Nothing yet.
    pub(super) fn new(role: Role, protocol: Protocol) -> Self {
        Self {
            role,
            protocol,
            columns: vec![None; COLUMNS],
            down: 0,
            warned: 0,
            good: 0,
            proved: 0,
            missed: 0,
            bad: None,
            seen_good: None,
            layers: BTreeMap::new(),
            last: None,
        }
    }

    /// It was probed.
    pub(super) fn probed(&mut self, report: &ProbeReport, limits: Limits, at: Timestamp, range: Range, during: Range) {
        let layer = report.failure.as_ref().map(|f| f.layer);
        let said = match (report.verdict(limits, at), layer) {
            (Verdict::Down, Some(layer)) => Said::Down(layer),
            (Verdict::Unknown, _) | (Verdict::Down, None) => return,
            (Verdict::Warn, _) => Said::Warn,
            (Verdict::Ok, _) => Said::Good,
        };
        self.say(said, range.index(at));
        self.last = Some((said, at));
        if !during.counts(at) {
            return;
        }
        match said {
            Said::Down(layer) => {
                self.down += 1;
                *self.layers.entry(layer).or_default() += 1;
                self.bad = Some((self.bad.map_or(at, |b| b.0), at));
            }
            Said::Warn => self.warned += 1,
            Said::Good => self.good += 1,
        }
        let works = layer.is_none();
        if works && report.goal.as_far_as().is_none() {
            self.proved += 1;
            self.seen_good = Some((self.seen_good.map_or(at, |g| g.0), at));
        }
    }

    /// What was said last holds until `at`, but no longer than it may.
    pub(super) fn hold(&mut self, at: Timestamp, good_for: Span, range: Range) {
        let Some((said, since)) = self.last else { return };
        let until = good_for.after(since).min(at).min(range.until);
        if until < since {
            return;
        }
        for column in range.index(since)..=range.index(until) {
            self.say(said, column);
        }
    }
    fn say(&mut self, said: Said, column: usize) {
        let c = &mut self.columns[column];
        *c = Some(c.map_or(said, |before| before.max(said)));
    }
    /// Stretches of columns in which the same was said: the first, the one after the last, and what.
    pub fn runs(&self) -> Vec<(usize, usize, Said)> {
        let mut runs: Vec<(usize, usize, Said)> = Vec::new();
        for (n, said) in self.columns.iter().enumerate() {
            let Some(said) = *said else { continue };
            match runs.last_mut() {
                Some(run) if run.1 == n && run.2 == said => run.1 = n + 1,
                _ => runs.push((n, n + 1, said)),
            }
        }
        runs
    }
    /// Probes that said anything while it lasted.
    pub const fn probes(&self) -> u64 {
        self.down + self.warned + self.good
    }
}
