//! Holds forecasts against what then happened in simulated drains, beside two naive rules.

use std::ops::Range;

use mailtop::domain::Span;
use mailtop::domain::forecast::{Drain as Verdict, Sample, forecast};

use super::dice::Dice;
use super::drains::{self, Arrivals, Counting, Drain, Outage, STEP, Seen};

/// Seeds never looked at while the forecast was made.
pub const HELD_OUT: Range<u64> = 2_000_000..2_002_400;
/// How far a drain has come at each look, in percent of its peak.
pub const LOOKS: [u32; 4] = [10, 25, 50, 75];
/// In place of that at looks before the peak, and how many of them there are at each drain.
pub const ON_THE_WAY_UP: u32 = 0;
const WAY_UP: usize = 3;
const MIN: usize = 60 / STEP;

/// One forecast and what came of it.
#[derive(Clone, Debug)]
pub struct Look {
    pub percent: u32,
    pub kind: Kind,
    /// Seconds to the true end; infinite where it never comes.
    pub truth: f64,
    pub verdict: Verdict,
    pub wrong: bool,
    /// Whether the watcher had just missed something, a gap or a clock step: by the rule of the house nothing is said then.
    pub blind: bool,
    /// Whether the queue fell in the five minutes before and falls in the five minutes to come, by a hundredth or more.
    pub falls: bool,
    /// The naive rule: depth over the net rate between the last two samples, in seconds; `None` when it does not fall.
    pub naive: Option<f64>,
    /// Its peer: depth over the slope of the last five minutes, by least squares.
    pub slope: Option<f64>,
}

/// What drain it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    pub outage: Outage,
    pub arrivals: Arrivals,
    pub seen: Seen,
    /// More than half of the capacity is taken on an ordinary day.
    pub busy: bool,
    /// The outage was longer than eight hours.
    pub long: bool,
}

impl Look {
    /// Seconds, where a time is given.
    pub fn p50(&self) -> Option<f64> {
        match self.verdict {
            Verdict::Clears { p50, .. } => Some(p50.secs_f64()),
            Verdict::Empty => Some(0.0),
            _ => None,
        }
    }
    pub fn clears(&self) -> bool {
        matches!(self.verdict, Verdict::Clears { .. })
    }
    /// Where the truth lies: below p10 (-1), inside (0), above p90 (1).
    pub fn side(&self) -> Option<i32> {
        let Verdict::Clears { p10, p90, .. } = self.verdict else {
            return None;
        };
        let step = STEP as f64; // the truth is known to a step
        Some(if self.truth + step < p10.secs_f64() {
            -1
        } else {
            i32::from(self.truth - step > p90.secs_f64())
        })
    }
    /// p90 over p10: how wide the answer is.
    pub fn width(&self) -> Option<f64> {
        let Verdict::Clears { p10, p90, .. } = self.verdict else {
            return None;
        };
        Some(p90.secs_f64() / p10.secs_f64().max(1.0))
    }
}

/// The looks at the drains of `seeds`.
pub fn all_looks(seeds: Range<u64>, counting: Counting) -> Vec<Look> {
    seeds
        .flat_map(|seed| looks(seed, &drains::drain(seed, counting)))
        .collect()
}

/// The looks at one drain: at each share of the way, a little later than the first passage (which by itself would favour
/// moments at which the depth has just been low); and at moments before the peak, at which a clear time would be wrong.
/// A drain that never clears has its looks, too.
fn looks(seed: u64, d: &Drain) -> Vec<Look> {
    let mut dice = Dice::new(seed ^ 0xdead);
    let end = d.clear.unwrap_or(d.waiting.len());
    // The first sample at or after a moment, so that the answer is as of a sample.
    let sample = |moment: usize, before: usize| {
        let n = d.steps.partition_point(|s| *s < moment);
        (n < d.steps.len() && d.steps[n] < before).then_some(n)
    };
    let mut all = Vec::new();
    for _ in 0..WAY_UP {
        let moment = dice.between((10 * MIN) as f64, d.peak as f64) as usize;
        if let Some(n) = sample(moment, d.peak).filter(|n| d.waiting[d.steps[*n]] >= d.waiting[d.peak] / 10) {
            all.push(look(d, n, ON_THE_WAY_UP));
        }
    }
    for percent in LOOKS {
        let level = d.waiting[d.peak] as f64 * (1.0 - f64::from(percent) / 100.0);
        let Some(passed) = (d.peak..end).find(|s| d.waiting[*s] as f64 <= level) else {
            continue;
        };
        let moment = passed + (dice.between(0.0, 0.04) * (end - passed) as f64) as usize;
        all.extend(sample(moment, end).map(|n| look(d, n, percent)));
    }
    all
}

/// What the model would hold by sample `n`: eight hours at ten seconds.
pub fn history(d: &Drain, n: usize) -> &[Sample] {
    &d.samples[(n + 1).saturating_sub(2_880)..=n]
}

fn look(d: &Drain, n: usize, percent: u32) -> Look {
    let samples = history(d, n);
    let at = samples[samples.len() - 1].at;
    let step = d.steps[n];
    let verdict = forecast(samples, at).drain;
    let depth = |s: usize| d.waiting[s.min(d.waiting.len() - 1)] as f64;
    let less = -0.01 * depth(step);
    Look {
        percent,
        kind: Kind {
            outage: d.outage,
            arrivals: d.arrivals,
            seen: d.seen,
            busy: d.load > 0.5,
            long: d.outage_hours > 8.0,
        },
        truth: d.clear.map_or(f64::INFINITY, |c| ((c - step) * STEP) as f64),
        wrong: wrong(d, step, n, &verdict),
        blind: blind(d, step, n),
        falls: depth(step) - depth(step.saturating_sub(5 * MIN)) <= less && depth(step + 5 * MIN) - depth(step) <= less,
        verdict,
        naive: by_hand(&samples[samples.len().saturating_sub(2)..]),
        slope: by_hand(last(samples, Span::from_mins(5))),
    }
}

fn last(samples: &[Sample], window: Span) -> &[Sample] {
    let newest = samples[samples.len() - 1].at;
    let n = samples
        .iter()
        .rev()
        .take_while(|s| (Span::ZERO..=window).contains(&Span::between(s.at, newest)))
        .count();
    &samples[samples.len() - n.max(2).min(samples.len())..]
}

/// Depth over the net rate, as one would do by hand.
fn by_hand(samples: &[Sample]) -> Option<f64> {
    let newest = samples.last()?;
    let depth = |s: &Sample| (s.depth - s.held.unwrap_or(0).min(s.depth)) as f64;
    let points: Vec<(f64, f64)> = samples
        .iter()
        .map(|s| (Span::between(newest.at, s.at).secs_f64(), depth(s)))
        .collect();
    let n = points.len() as f64;
    let (mx, my) = (
        points.iter().map(|p| p.0).sum::<f64>() / n,
        points.iter().map(|p| p.1).sum::<f64>() / n,
    );
    let var: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let slope = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / var;
    (slope < 0.0).then(|| depth(newest) / -slope)
}

/// Whether a verdict is neither what the queue does around this moment nor what becomes of it.
fn wrong(d: &Drain, step: usize, n: usize, verdict: &Verdict) -> bool {
    // Behind its end a run is taken to stay as it was: clear, or as it never clears.
    let at = |s: usize| d.waiting[s.min(d.waiting.len() - 1)] as f64;
    let before = at(step) - at(step.saturating_sub(3 * MIN));
    let after = at(step + 5 * MIN) - at(step);
    let still = |change: f64| change.abs() <= (0.01 * at(step)).max(10.0);
    match verdict {
        // It never clears; or it says so of a queue that falls neither before nor after, for a quarter of the time that it
        // gives in either direction.
        Verdict::Clears { p50, .. } => {
            let w = ((p50.secs_f64() / 4.0) as usize / STEP).max(5 * MIN);
            d.clear.is_none() || (at(step) >= at(step.saturating_sub(w)) && at(step + w) >= at(step))
        }
        Verdict::Empty => d.clear.is_none_or(|c| c > step + 3 * MIN),
        Verdict::Growing { .. } => before <= 0.0 && after <= 0.0,
        Verdict::Stalled => !still(before) && !still(after),
        // Not to know is right only just after something could not be seen.
        Verdict::Unknown { .. } => !blind(d, step, n),
    }
}

/// Within five samples of something that could not be seen.
fn blind(d: &Drain, step: usize, n: usize) -> bool {
    let five_samples_ago = d.steps[n.saturating_sub(5)];
    d.blind.iter().any(|b| (five_samples_ago..=step).contains(b))
}
