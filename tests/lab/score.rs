//! Holds forecasts against what then happened in a simulated drain, beside two naive rules, and makes the table.

use std::fmt::Write as _;

use mailtop::domain::Span;
use mailtop::domain::forecast::{Drain as Verdict, Sample, forecast};

use super::dice::Dice;
use super::drains::{Drain, STEP, Seen};

/// How far a drain has come at each look, in percent of its peak.
pub const LOOKS: [u32; 4] = [10, 25, 50, 75];
const MIN: usize = 60 / STEP;

/// One forecast and what came of it.
#[derive(Clone, Debug)]
pub struct Look {
    pub percent: u32,
    pub seen: Seen,
    /// Seconds to the true end.
    pub truth: f64,
    pub verdict: Verdict,
    pub wrong: bool,
    /// Depth over the net rate between the last two samples, in seconds; `None` when it does not fall.
    pub naive: Option<f64>,
    /// The same over the last five minutes by least squares.
    pub naive_5min: Option<f64>,
}

impl Look {
    pub fn p50(&self) -> Option<f64> {
        match self.verdict {
            Verdict::Clears { p50, .. } => Some(p50.secs_f64()),
            Verdict::Empty => Some(0.0),
            _ => None,
        }
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

/// The looks at one drain: at each share of the way, a little later than the first passage (which by itself would favour
/// moments at which the depth has just been low).
pub fn looks(seed: u64, d: &Drain) -> Vec<Look> {
    let mut dice = Dice::new(seed ^ 0xdead);
    let Some(clear) = d.clear else { return Vec::new() };
    let mut all = Vec::new();
    for percent in LOOKS {
        let level = d.waiting[d.peak] as f64 * (1.0 - f64::from(percent) / 100.0);
        let Some(passed) = (d.peak..clear).find(|s| d.waiting[*s] as f64 <= level) else {
            continue;
        };
        let moment = passed + (dice.between(0.0, 0.04) * (clear - passed) as f64) as usize;
        // The first sample at or after that moment, so that the answer is as of a sample.
        let n = d.steps.partition_point(|s| *s < moment);
        if n >= d.steps.len() || d.steps[n] >= clear {
            continue;
        }
        all.push(look(d, n, percent));
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
    Look {
        percent,
        seen: d.seen,
        truth: d.clear.map_or(f64::INFINITY, |c| ((c - step) * STEP) as f64),
        wrong: wrong(d, step, n, &verdict),
        verdict,
        naive: naive(&samples[samples.len().saturating_sub(2)..]),
        naive_5min: naive(last(samples, Span::from_mins(5))),
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
fn naive(samples: &[Sample]) -> Option<f64> {
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
    let at = |s: usize| d.waiting[s.min(d.waiting.len() - 1)] as f64;
    let before = at(step) - at(step.saturating_sub(3 * MIN));
    let after = at(step + 5 * MIN) - at(step);
    let still = |change: f64| change.abs() <= (0.01 * at(step)).max(10.0);
    match verdict {
        Verdict::Clears { .. } => d.clear.is_none(),
        Verdict::Empty => d.clear.is_none_or(|c| c > step + 3 * MIN),
        Verdict::Growing { .. } => before <= 0.0 && after <= 0.0,
        Verdict::Stalled => !still(before) && !still(after),
        // Not to know is right only just after something could not be seen.
        Verdict::Unknown { .. } => {
            let five_samples_ago = d.steps[n.saturating_sub(5)];
            !d.blind.iter().any(|b| (five_samples_ago..=step).contains(b))
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub looks: usize,
    pub coverage: f64,
    pub below: f64,
    pub above: f64,
    pub error_min: f64,
    pub error_rel: f64,
    pub naive_min: f64,
    pub naive_rel: f64,
    pub naive5_min: f64,
    pub naive5_rel: f64,
    pub wrong: f64,
    pub no_time: f64,
    pub width: f64,
}

/// Sums up looks. Errors are over the looks at which the forecast gives a time (`no_time` is the share that has none); there
/// a naive rule without an answer counts as infinitely wrong.
pub fn line(looks: &[&Look]) -> Line {
    let share = |n: usize, of: usize| {
        if of == 0 {
            f64::NAN
        } else {
            100.0 * n as f64 / of as f64
        }
    };
    let sides: Vec<i32> = looks.iter().filter_map(|l| l.side()).collect();
    let of = |side: i32| share(sides.iter().filter(|s| **s == side).count(), sides.len());
    let error = |by: &dyn Fn(&Look) -> Option<f64>| {
        let timed: Vec<&Look> = looks.iter().copied().filter(|l| l.p50().is_some()).collect();
        let abs = |l: &&Look| by(l).map_or(f64::INFINITY, |t| (t - l.truth).abs());
        (
            median(timed.iter().map(|l| abs(l) / 60.0)),
            100.0 * median(timed.iter().map(|l| abs(l) / l.truth.max(STEP as f64))),
        )
    };
    let (error_min, error_rel) = error(&Look::p50);
    let (naive_min, naive_rel) = error(&|l| l.naive);
    let (naive5_min, naive5_rel) = error(&|l| l.naive_5min);
    Line {
        looks: looks.len(),
        coverage: of(0),
        below: of(-1),
        above: of(1),
        error_min,
        error_rel,
        naive_min,
        naive_rel,
        naive5_min,
        naive5_rel,
        wrong: share(looks.iter().filter(|l| l.wrong).count(), looks.len()),
        no_time: share(looks.iter().filter(|l| l.p50().is_none()).count(), looks.len()),
        width: median(looks.iter().filter_map(|l| l.width())),
    }
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut v: Vec<f64> = values.collect();
    v.sort_by(f64::total_cmp);
    v.get(v.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The table by how far the drain has come.
pub fn table(looks: &[Look]) -> String {
    let mut out = String::from(
        "drained  looks  in p10-p90  below  above  p90/p10   error of p50    naive, 2 samples    naive, 5 min   wrong  no time\n",
    );
    for percent in LOOKS {
        row(
            &mut out,
            &format!("{percent}%"),
            &looks.iter().filter(|l| l.percent == percent).collect::<Vec<_>>(),
        );
    }
    out
}

pub fn row(out: &mut String, name: &str, looks: &[&Look]) {
    let l = line(looks);
    let pair = |min: f64, rel: f64| format!("{min:.1} min {rel:>3.0}%");
    let _ = writeln!(
        out,
        "{name:>7}  {:>5}  {:>9.1}%  {:>4.1}%  {:>4.1}%  {:>7.2}  {:>14}  {:>18}  {:>14}  {:>4.1}%  {:>6.1}%",
        l.looks,
        l.coverage,
        l.below,
        l.above,
        l.width,
        pair(l.error_min, l.error_rel),
        pair(l.naive_min, l.naive_rel),
        pair(l.naive5_min, l.naive5_rel),
        l.wrong,
        l.no_time,
    );
}
