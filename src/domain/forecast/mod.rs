//! Will a queue drain, and when: from samples to a verdict with an honest interval. Pure; nothing here is random.
//!
//! **Method.**
//! 1. *Steps* (`read`). Samples become changes between neighbouring looks, only where both looks can be believed. A gap,
//!    equal times, a clock set back or a counter that restarted give no rate. One reading that departs from both its
//!    neighbours is dropped (after Hampel 1974), and a newest one that jumps is set aside until the next confirms it. Held
//!    mail is taken off the depth: it does not drain.
//! 2. *Regimes* (`line`). Where a rate steps (maintenance paused, service back) the past is cut and the forecast starts
//!    afresh: means before and after each moment are compared, as a likelihood-ratio test does it (Page 1954; Basseville
//!    and Nikiforov, Detection of Abrupt Changes, 1993), against noise, against the rate and against how much it wanders.
//! 3. *Direction.* The shortest stretch since the last cut whose net change is beyond noise says whether the queue falls or
//!    grows. A queue that does not fall has no clear time.
//! 4. *Ahead* (`ahead`). The queue is a fluid (Newell, Applications of Queueing Theory, 1982): it is clear when exits less
//!    arrivals have carried off what waits. Exits return to the mean of their regime. Arrivals after an outage are senders'
//!    retries (RFC 5321 4.5.4.1: intervals of minutes to hours): they go on falling at their rate of decay, which is damped
//!    (Gardner and McKenzie 1985). The further ahead, the longer the look back. With depth alone the net rate is treated so.
//! 5. *Interval.* p10 and p90 are p50 times measured factors, as in split conformal prediction (Papadopoulos 2002): quantile
//!    regression of how far off the forecast was on simulated drains, on what is known at the time: how far the look goes
//!    beyond the regime seen, noise, wandering, and whether the pace is still changing. tests/backtest.rs holds them
//!    against drains that they were not made from.

mod ahead;
mod line;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use super::{Span, Timestamp, flow};
use line::{Line, Stretch};
use read::{Past, Step};

/// Mail that waits no longer than this is passing through and not waiting (Little 1961: depth = rate x wait).
const PASSING_MIN: f64 = 10.0 / 60.0;
/// The most messages that can be taken for passing through by their turning over alone.
const FEW_MESSAGES: f64 = 30.0;
/// A clear time further away than this says that the queue does not move.
const NEVER_MIN: f64 = 14.0 * 24.0 * 60.0;
/// Steps that must have been seen since a gap or the beginning.
const FEW: usize = 3;

/// How many of the newest samples a forecast looks at.
pub const LOOKS_BACK: usize = read::MOST;

/// One look at a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Messages in all queues, held ones too.
    pub depth: u64,
    /// Of those, held by an operator; `None` when not known.
    pub held: Option<u64>,
    /// Messages taken in, cumulative since any moment; `None` when not counted.
    pub arrivals: Option<u64>,
    /// Messages gone, cumulative since any moment; `None` when not counted.
    pub exits: Option<u64>,
}

impl From<flow::Sample> for Sample {
    fn from(s: flow::Sample) -> Self {
        Self {
            at: s.at,
            depth: s.depth,
            held: None,
            arrivals: None,
            exits: None,
        }
    }
}

/// What becomes of a queue.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Drain {
    /// Nothing waits: no mail, or only mail that passes through.
    Empty,
    /// It clears, counted from the newest sample: in four of five cases between `p10` and `p90`.
    Clears {
        /// One in ten is faster.
        p10: Span,
        /// The middle.
        p50: Span,
        /// One in ten is slower.
        p90: Span,
    },
    /// Mail waits, and its amount does not change.
    Stalled,
    /// More comes in than goes out.
    Growing {
        /// Net messages a minute.
        per_min: f64,
    },
    /// Not known.
    Unknown {
        /// Why not.
        why: Why,
    },
}

/// Why nothing is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// There are no samples, or too few in a row.
    TooFew,
    /// The newest sample is old.
    Stale,
    /// Nobody looked for a while, and too little has been seen since.
    Gap,
    /// The clock was set back, and too little has been seen since.
    ClockStep,
    /// The changes so far are within noise.
    Noise,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TooFew => "too few samples in a row yet",
            Self::Stale => "the newest sample is old",
            Self::Gap => "a gap in the samples, and too few since",
            Self::ClockStep => "the clock was set back, and too few samples since",
            Self::Noise => "what changed so far is within noise",
        })
    }
}

/// How far arrivals and exits could be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counts {
    /// Not counted lately: only the net is known.
    None,
    /// Used.
    Used,
    /// Counted, but arrivals less exits is not the change of depth: not used.
    Disagree,
}

/// What is expected of a queue, and the rates now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Forecast {
    /// The verdict.
    pub drain: Drain,
    /// Net messages a minute.
    pub net_per_min: Option<f64>,
    /// Arrivals a minute, where counted.
    pub in_per_min: Option<f64>,
    /// Exits a minute, where counted.
    pub out_per_min: Option<f64>,
    /// How far counts could be used.
    pub counts: Counts,
    /// How long ago the present regime began, as far as the samples reach back.
    pub regime: Option<Span>,
}

/// The forecast as of the newest of `samples`, which come oldest first in the order they were taken. Of a long past only
/// the newest few thousand samples are read. `now` tells how old the newest one is.
pub fn forecast<'a, I>(samples: I, now: Timestamp) -> Forecast
where
    I: IntoIterator<Item = &'a Sample>,
    I::IntoIter: DoubleEndedIterator + ExactSizeIterator,
{
    let past = read::read(samples.into_iter());
    let unknown = |why| Forecast {
        drain: Drain::Unknown { why },
        net_per_min: None,
        in_per_min: None,
        out_per_min: None,
        counts: if past.counts_disagree {
            Counts::Disagree
        } else {
            Counts::None
        },
        regime: None,
    };
    let Some(newest) = past.newest else {
        return unknown(Why::TooFew);
    };
    if past.every > 0.0 && Span::between(newest, now).mins_f64() > read::GAP * past.every {
        return unknown(Why::Stale);
    }
    let mut forecast = if past.since_gap >= FEW {
        moving(&past, unknown(Why::Noise))
    } else if past.clock_stepped && !past.gap {
        unknown(Why::ClockStep)
    } else {
        unknown(if past.gap { Why::Gap } else { Why::TooFew })
    };
    if past.waiting <= 0.0 {
        forecast.drain = Drain::Empty;
    }
    forecast
}

/// The forecast from steps that reach up to now.
fn moving(past: &Past, mut known: Forecast) -> Forecast {
    let counted = past.counted();
    let steps = if counted > 0 {
        &past.steps[past.steps.len() - counted..]
    } else {
        &past.steps[..]
    };
    let flows = |s: &Step| s.flows.unwrap_or_default();
    let net = Line::new(steps, |s| if counted > 0 { flows(s).0 - flows(s).1 } else { s.net });
    let cuts = net.cuts(line::NET);
    let cut = cuts.last().copied().unwrap_or(0);
    let direction = net.direction(cut);
    // The rates now: over the stretch that tells the direction, else over the newest minutes of this regime.
    let now = direction.unwrap_or_else(|| net.newest(5.0, cut.max(steps.len() - past.since_gap.min(steps.len()))));
    known.net_per_min = Some(net.mean(now));
    known.regime = Some(Span::from_secs_f64(net.minutes(net.newest(f64::INFINITY, cut)) * 60.0));
    let counts = (counted > 0).then(|| (Line::new(steps, |s| flows(s).0), Line::new(steps, |s| flows(s).1)));
    if let Some((ins, outs)) = &counts {
        known.counts = Counts::Used;
        known.in_per_min = Some(ins.mean(now));
        known.out_per_min = Some(outs.mean(now));
    }
    known.drain = match direction {
        _ if passes_through(past.waiting, known.in_per_min, &net, direction) => Drain::Empty,
        Some(s) if net.sum(s) > 0.0 => Drain::Growing { per_min: net.mean(s) },
        Some(s) => {
            let exits = counts.as_ref().map(|(ins, outs)| ahead::Flows { ins, outs });
            clears(past, &ahead::Outlook::new(&net, cut, s, exits))
        }
        None => undecided(past.waiting, &net, cut),
    };
    known
}

fn clears(past: &Past, outlook: &ahead::Outlook<'_>) -> Drain {
    let Some(times) = outlook.clear(past.waiting, past.every).filter(|t| t.p50 < NEVER_MIN) else {
        return Drain::Stalled;
    };
    // A newest sample that was set aside leaves the forecast as of the one before it.
    let span = |minutes: f64| Span::from_secs_f64((minutes - past.set_aside).max(0.0) * 60.0);
    Drain::Clears {
        p10: span(times.p10),
        p50: span(times.p50),
        p90: span(times.p90),
    }
}

/// No direction yet: stalled when even a change hidden in the noise would not come to much in half an hour.
fn undecided(waiting: f64, net: &Line, cut: usize) -> Drain {
    let seen = net.newest(f64::INFINITY, cut);
    let hidden = net.mean(seen).abs() + 2.0 * (net.noise_at(net.mean(seen)) / net.minutes(seen)).sqrt();
    if hidden * 30.0 < 0.5 * waiting {
        Drain::Stalled
    } else {
        Drain::Unknown { why: Why::Noise }
    }
}

/// Whether what is in the queue is on its way and not waiting: by Little's law where arrivals are known; else by its
/// turning over, since mail that is new at each look makes the depth jump by its own square root.
fn passes_through(waiting: f64, in_per_min: Option<f64>, net: &Line, direction: Option<Stretch>) -> bool {
    match in_per_min {
        Some(rate) => waiting <= rate * PASSING_MIN,
        None => {
            waiting <= FEW_MESSAGES
                && direction.is_none()
                && net.turnover(30).is_some_and(|jumps| jumps >= 1.5 * waiting)
        }
    }
}
