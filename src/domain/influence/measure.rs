//! How the effect of an action is measured.
//!
//! 1. *Windows.* Readings of up to [`BEFORE`] until the action, and of up to [`AFTER`] from its read-back, less the first (the
//!    flow settles). Neither reaches across another action or a gap in the readings.
//! 2. *Spread.* Exits come in bursts, so theirs is not that of a Poisson process: each window is cut into at most [`BLOCKS`]
//!    blocks, and the spread of their rates gives the variance of the window's mean (batch means: Law, Simulation Modeling and
//!    Analysis, 9.5), never less than Poisson. [`DRIFT`] is added for what a window cannot show of itself.
//! 3. *Ratio.* Compared as a logarithm, its variance by the delta method, with the degrees of freedom of Welch (1947) and
//!    Student's t: nine of ten for the interval, [`SURE`] for calling it a change. A rate that rises or falls within the windows
//!    would have moved without the action, too: as far as that goes from the middle of one to the middle of the other
//!    (`trend`), no change is called, and the interval is so much wider.
//! 4. *Zero.* With nothing counted on one side there is no ratio; there is a change when blocks as idle as on the other side
//!    would seldom make that side up.
//! 5. *Net.* With depth alone, means are compared in the same way, as a difference.
//!
//! Measured by the test beside this on 36 simulated worlds (bursts, rates that wander by up to 20% with a memory of ten minutes,
//! trends of up to 2% a minute): a change is called where there is none in 0% to 5% of comparisons, and at any look within the
//! first ten minutes in up to 8% of actions; one of ×3 is found within five minutes in 95% and more; the true ratio lies in
//! the interval in 87% (much wander) to 95% (none), over all in 90%.
//!
//! Left out: a queue that runs empty within the window has fewer exits for that reason.

use jiff::Timestamp;

use super::{Influence, Kind, Ratio};
use crate::domain::{Span, Text};

/// The longest window before an action.
pub const BEFORE: Span = Span::from_mins(15);
/// The longest window after it.
pub const AFTER: Span = Span::from_mins(30);
/// A window after the action that is so long is enough to say that there is no visible effect, and to put it on record.
pub const ENOUGH: Span = Span::from_mins(10);
/// A window that is shorter tells nothing.
const LEAST: Span = Span::from_mins(2);
/// The most and the fewest blocks of a window.
const BLOCKS: usize = 10;
const FEWEST: usize = 3;
/// A change is only said when chance alone makes one like it in at most so many comparisons, both ways together.
const SURE: f64 = 0.02;
/// Readings further apart than this have a gap between them.
const SEAM: Span = Span::from_secs(2);
/// By how much the mean rate of a window wanders from that of the next for no reason that we see, as a share of itself.
const DRIFT: f64 = 0.05;

/// One reading: so many between two moments. Signed, because the net change of a queue may be either way.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Counted {
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// How many.
    pub count: f64,
}

/// Readings that follow each other, oldest first, and what they count.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Series<'a> {
    /// What is counted.
    pub kind: Kind,
    /// The readings.
    pub readings: &'a [Counted],
}

/// An action among others, as moments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Around {
    /// When it was about to run.
    pub at: Timestamp,
    /// When it was read back: it holds from here on.
    pub holds: Timestamp,
    /// When the action before it was read back.
    pub not_before: Option<Timestamp>,
    /// When the next action came, or when this one ends by its own plan.
    pub not_after: Option<Timestamp>,
}

impl Around {
    /// When the window after it ends at the latest.
    pub fn ends(&self) -> Timestamp {
        let most = AFTER.after(self.holds);
        self.not_after.map_or(most, |n| n.min(most))
    }
}

/// How long the window after the action is that the readings cover without a gap.
pub fn watched(readings: &[Counted], around: &Around) -> Span {
    windows(readings, around).map_or(Span::ZERO, |w| length(w.after))
}

/// What the action did to what `series` counts, as far as can be said at `now`.
pub fn measure(series: Series<'_>, around: &Around, now: Timestamp) -> Influence {
    let windows = match windows(series.readings, around) {
        Ok(windows) => windows,
        Err(why) => return Influence::Unknown { why },
    };
    let seen = length(windows.after);
    let Some(before) = Window::of(windows.before, series.kind, around.at) else {
        let had = length(windows.before);
        let why = format!("only {had} were seen before it, too little to compare with");
        return Influence::Unknown { why: why.into() };
    };
    let after = Window::of(windows.after, series.kind, around.at);
    if let Some(changed) = after.as_ref().and_then(|after| compare(series.kind, &before, after)) {
        return changed;
    }
    if let Some(after) = after.as_ref().filter(|_| seen >= ENOUGH) {
        return Influence::NotVisible {
            of: series.kind,
            before_per_min: before.mean,
            after_per_min: after.mean,
        };
    }
    if let Some(why) = windows.ended(around, now) {
        let why = format!("{why} when {seen} had been seen after it, too little to tell");
        return Influence::Unknown { why: why.into() };
    }
    let wanted = match after {
        Some(_) => ENOUGH,
        None => LEAST.max(windows.usual() * (FEWEST as i64 + 1)),
    };
    Influence::TooEarly {
        // One reading is left out, and one is under way.
        wait: (wanted - Span::between(around.holds, now)).max(windows.usual()),
    }
}

/// The readings before and after an action.
struct Windows<'a> {
    before: &'a [Counted],
    after: &'a [Counted],
    /// The end of the last reading of all that follow each other.
    last: Timestamp,
    /// Readings go on later, after a gap.
    gap: bool,
}

impl Windows<'_> {
    /// How long a reading usually is.
    fn usual(&self) -> Span {
        let n = i64::try_from(self.before.len()).unwrap_or(i64::MAX).max(1);
        Span::from_micros(length(self.before).micros() / n)
    }
    /// Why no reading will be added to the window after the action; `None` when some may.
    fn ended(&self, around: &Around, now: Timestamp) -> Option<&'static str> {
        let quiet = Span::between(self.last.max(around.holds), now);
        if self.gap {
            Some("a gap in the readings came")
        } else if now >= around.ends() {
            Some(match around.not_after {
                Some(_) => "the next action, or its own end, came",
                None => "its time was over",
            })
        } else if quiet > LEAST.max(self.usual() * 6) {
            Some("the readings ended")
        } else {
            None
        }
    }
}

fn windows<'a>(readings: &'a [Counted], around: &Around) -> Result<Windows<'a>, Text> {
    let earliest = (Span::ZERO - BEFORE).after(around.at);
    let earliest = around.not_before.map_or(earliest, |n| n.max(earliest));
    let gap = |i: usize| Span::between(readings[i - 1].to, readings[i].from).micros().abs() > SEAM.micros();
    let end = readings.partition_point(|r| r.to <= around.at);
    let mut start = end;
    while start > 0 && readings[start - 1].from >= earliest && (start == end || !gap(start)) {
        start -= 1;
    }
    if start == end {
        return Err("nothing was counted just before it".into());
    }
    let held = (end..readings.len()).find(|i| readings[*i].from >= around.holds);
    if (end..held.map_or(readings.len(), |h| h + 1)).any(gap) {
        return Err("there is a gap in the readings over it".into());
    }
    // The first reading is left out: what was under way settles.
    let from = held.map_or(readings.len(), |h| h + 1).min(readings.len());
    let ends = around.ends();
    let mut to = from;
    while to < readings.len() && readings[to].to <= ends && !gap(to) {
        to += 1;
    }
    Ok(Windows {
        before: &readings[start..end],
        after: &readings[from..to],
        last: readings[to - 1].to,
        gap: to < readings.len() && gap(to),
    })
}

fn length(readings: &[Counted]) -> Span {
    match (readings.first(), readings.last()) {
        (Some(first), Some(last)) => Span::between(first.from, last.to),
        _ => Span::ZERO,
    }
}

/// A part of a window.
struct Block {
    count: f64,
    minutes: f64,
    /// In minutes since the action.
    middle: f64,
}

impl Block {
    fn of(readings: &[Counted], action: Timestamp) -> Self {
        let minutes = length(readings).mins_f64();
        let from = readings
            .first()
            .map_or(0.0, |r| Span::between(action, r.from).mins_f64());
        Self {
            count: readings.iter().map(|r| r.count).sum(),
            minutes,
            middle: from + minutes / 2.0,
        }
    }
    fn rate(&self) -> f64 {
        self.count / self.minutes
    }
}

/// By how much the rate would have moved from the middle of one window to that of the other as it moves within them: a
/// line through both with a step between, by least squares, each window's rates as a share of its `unit`.
fn trend(before: (&Window, f64), after: (&Window, f64)) -> f64 {
    let (b, a) = (before.0, after.0);
    let slope = (b.slope.0 / before.1 + a.slope.0 / after.1) / (b.slope.1 + a.slope.1);
    (slope * (a.middle - b.middle)).abs()
}

/// A window, summed up.
struct Window {
    /// A minute.
    mean: f64,
    /// Of the mean.
    variance: f64,
    /// Degrees of freedom of that variance.
    freedom: f64,
    /// The middle of it, in minutes since the action.
    middle: f64,
    /// For the slope within it: the sum over blocks of time from the middle times rate, and of that time squared, both
    /// weighted by length.
    slope: (f64, f64),
    blocks: usize,
    /// Blocks in which nothing was counted.
    idle: usize,
}

impl Window {
    /// `None` when it is too short to tell anything.
    fn of(readings: &[Counted], kind: Kind, action: Timestamp) -> Option<Self> {
        if length(readings) < LEAST || readings.len() < FEWEST {
            return None;
        }
        let size = readings.len().div_ceil(BLOCKS);
        let blocks: Vec<Block> = readings.chunks(size).map(|c| Block::of(c, action)).collect();
        let sum = |of: &dyn Fn(&Block) -> f64| blocks.iter().map(of).sum::<f64>();
        let (count, minutes) = (sum(&|b| b.count), sum(&|b| b.minutes));
        let mean = count / minutes;
        let middle = sum(&|b| b.minutes * b.middle) / minutes;
        let freedom = blocks.len() as f64 - 1.0;
        // The variance of a block's rate goes with one over its length.
        let spread = sum(&|b| b.minutes * (b.rate() - mean).powi(2)) / freedom;
        let least = match kind {
            Kind::Exits => count,
            Kind::Net => count.abs() + 1.0,
        };
        let wander = (DRIFT * mean).powi(2);
        Some(Self {
            mean,
            variance: (spread / minutes).max(least / minutes.powi(2)) + wander,
            freedom,
            middle,
            slope: (
                sum(&|b| b.minutes * (b.middle - middle) * (b.rate() - mean)),
                sum(&|b| b.minutes * (b.middle - middle).powi(2)),
            ),
            blocks: blocks.len(),
            idle: blocks.iter().filter(|b| b.count == 0.0).count(),
        })
    }
}

/// What changed beyond chance; `None` when nothing did.
fn compare(kind: Kind, before: &Window, after: &Window) -> Option<Influence> {
    match kind {
        Kind::Exits if before.mean == 0.0 || after.mean == 0.0 => {
            let (idle, other) = if before.mean == 0.0 {
                (before, after)
            } else {
                (after, before)
            };
            // If it went on as in the other window, each block would be idle by chance about so often (Laplace's rule).
            let chance = (other.idle as f64 + 1.0) / (other.blocks as f64 + 2.0);
            let by_chance = chance.powf(idle.blocks as f64);
            (by_chance < SURE / 2.0).then_some(Influence::Changed {
                before_per_min: before.mean,
                after_per_min: after.mean,
                ratio: None,
            })
        }
        Kind::Exits => {
            let relative = |w: &Window| w.variance / w.mean.powi(2);
            let (b, a) = (relative(before), relative(after));
            let freedom = welch((b, before.freedom), (a, after.freedom));
            let (log, error) = ((after.mean / before.mean).ln(), (a + b).sqrt());
            let trend = trend((before, before.mean), (after, after.mean));
            if log.abs() <= student(&T99, freedom) * error + trend {
                return None;
            }
            let times = log.exp();
            // Half of the interval, which is even as a logarithm.
            let uncertainty = times * (student(&T95, freedom) * error + trend).sinh();
            Some(Influence::Changed {
                before_per_min: before.mean,
                after_per_min: after.mean,
                ratio: (uncertainty < times).then_some(Ratio { times, uncertainty }),
            })
        }
        Kind::Net => {
            let freedom = welch((before.variance, before.freedom), (after.variance, after.freedom));
            let error = (before.variance + after.variance).sqrt();
            let trend = trend((before, 1.0), (after, 1.0));
            let sure = (after.mean - before.mean).abs() > student(&T99, freedom) * error + trend;
            sure.then_some(Influence::NetChanged {
                before_per_min: before.mean,
                after_per_min: after.mean,
                uncertainty_per_min: student(&T95, freedom) * error + trend,
            })
        }
    }
}

/// The degrees of freedom of a sum of variances (Welch 1947), each with its own.
fn welch(a: (f64, f64), b: (f64, f64)) -> f64 {
    let parts = a.0.powi(2) / a.1 + b.0.powi(2) / b.1;
    if parts > 0.0 {
        (a.0 + b.0).powi(2) / parts
    } else {
        f64::INFINITY
    }
}

/// Quantiles of Student's t: degrees of freedom, quantile.
type Table = [(f64, f64); 12];
/// 95%: both ways together, nine of ten.
const T95: Table = [
    (1.0, 6.314),
    (2.0, 2.920),
    (3.0, 2.353),
    (4.0, 2.132),
    (5.0, 2.015),
    (6.0, 1.943),
    (8.0, 1.860),
    (10.0, 1.812),
    (15.0, 1.753),
    (20.0, 1.725),
    (30.0, 1.697),
    (f64::INFINITY, 1.645),
];
/// 99%: both ways together, [`SURE`].
const T99: Table = [
    (1.0, 31.821),
    (2.0, 6.965),
    (3.0, 4.541),
    (4.0, 3.747),
    (5.0, 3.365),
    (6.0, 3.143),
    (8.0, 2.896),
    (10.0, 2.764),
    (15.0, 2.602),
    (20.0, 2.528),
    (30.0, 2.457),
    (f64::INFINITY, 2.326),
];

/// A quantile, between the lines of a table by one over the degrees of freedom, in which it is nearly straight.
fn student(table: &Table, freedom: f64) -> f64 {
    let x = 1.0 / freedom.max(1.0);
    let found = table.windows(2).find(|w| x >= 1.0 / w[1].0);
    found.map_or(table[0].1, |w| {
        let (near, far) = (1.0 / w[1].0, 1.0 / w[0].0);
        w[1].1 + (w[0].1 - w[1].1) * (x - near) / (far - near)
    })
}
