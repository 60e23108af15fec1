//! Will a queue drain, and when: from samples to a verdict with an honest interval. Pure; nothing here is random.
//!
//! **Method.**
//! 1. *Steps* (`read`). Samples become changes between neighbouring looks, only where both looks can be believed. A gap,
//!    equal times, a clock set back or a counter that restarted give no rate. One reading that departs from both its
//!    neighbours is dropped (after Hampel 1974), and a newest one that jumps is set aside until the next confirms it. Held
//!    mail is taken off the depth: it does not drain.
//!    Where arrivals and exits are counted, the net is their difference: mail that expires or is removed makes the depth
//!    fall and is no drain, and the depth is held against all counts together. Mail that goes and that nobody counts is
//!    never taken for a drain, unless the depth is all there is: then a slow removal looks as a drain does, and nobody
//!    could tell. Mail put on hold or released is no flow either.
//! 2. *Regimes* (`line`). Where a rate steps (maintenance paused, service back) the past is cut and the forecast starts
//!    afresh: means before and after each moment are compared, as a likelihood-ratio test does it (Page 1954; Basseville
//!    and Nikiforov, Detection of Abrupt Changes, 1993), against noise, against the rate and against how much it wanders.
//! 3. *Direction.* The shortest stretch since the last cut whose net change is beyond noise says whether the queue falls or
//!    grows. A queue that does not fall has no clear time.
//! 4. *Ahead* (`ahead`). The queue is a fluid (Newell, Applications of Queueing Theory, 1982): it is clear when exits less
//!    arrivals have carried off what waits. Exits return to the mean of their regime. Arrivals after an outage are senders'
//!    retries (RFC 5321 4.5.4.1: intervals of minutes to hours): they go on falling at their rate of decay, which is damped
//!    (Gardner and McKenzie 1985). The further ahead, the longer the look back. With depth alone the net rate is treated so.
//!    p50 and p90 say when all that waits is worked off: how much of it expires before is counted against them
//!    (the local horizon), so that it must not be in them. p10 lets what expires now go on.
//! 5. *Interval.* p10 and p90 are p50 times measured factors, as in split conformal prediction (Papadopoulos 2002): quantile
//!    regression of how far off the forecast was on simulated drains, on what is known at the time: how far the look goes
//!    beyond the regime seen, noise, wandering, and whether the pace is still changing. tests/backtest.rs holds them
//!    against drains that they were not made from.

mod ahead;
mod line;
mod point;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

pub use super::flow::Sample;
use super::{Span, Timestamp};
use line::{Line, Stretch};
use point::Flows;
use read::{Check, Past, Step};

/// Mail that waits no longer than this is passing through and not waiting (Little 1961: depth = rate x wait).
const PASSING_MIN: f64 = 10.0 / 60.0;
/// The most messages that can be taken for passing through by their turning over alone.
const FEW_MESSAGES: f64 = 30.0;
/// A clear time further away than this says that the queue does not move.
const NEVER_MIN: f64 = 14.0 * 24.0 * 60.0;
/// A queue that does not show a direction yet is not called still when it would lose half of itself in so long.
const FALLS_MIN: f64 = 4.0 * 60.0;
/// Steps that must have been seen since a gap or the beginning.
const FEW: usize = 3;
/// A gap of at most so many minutes is looked over where the depth behind it is what the regime before it leads to: within
/// this share of the change, and so many standard deviations.
const OVERLOOKED_MIN: f64 = 15.0;
const OVERLOOKED: (f64, f64) = (0.35, 3.0);

/// How many of the newest samples a forecast looks at.
pub const LOOKS_BACK: usize = point::MOST;

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
    /// Mail waits, and it is not worked off. Its amount may still fall, as far as mail expires or is removed.
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
    /// The depth falls, or grows by far less than was counted: mail goes that nobody counts, and it may be a drain or not.
    Disagree,
    /// What happens is counted from a log, and the log was not read for a while: what goes meanwhile may be a drain or not.
    LogIsOld,
    /// Only the depth is known, and mail is past its lifetime: what goes may be that.
    MayExpire,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TooFew => "too few samples in a row yet",
            Self::Stale => "the newest sample is old",
            Self::Gap => "a gap in the samples, and too few since",
            Self::ClockStep => "the clock was set back, and too few samples since",
            Self::Noise => "what changed so far is within noise",
            Self::Disagree => "the depth and what was counted do not agree",
            Self::LogIsOld => "the mail log was not read lately, so that nobody knows why mail goes",
            Self::MayExpire => "by depth alone, and mail is past its lifetime: what goes may have expired",
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
    /// Counted, but arrivals less all that went is not the change of depth. Of the two, what drains slower is used.
    Disagree,
}

/// What is expected of a queue, and the rates now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Forecast {
    /// The verdict.
    pub drain: Drain,
    /// Net messages a minute: arrivals less exits where counted, else the change of depth without what is held.
    pub net_per_min: Option<f64>,
    /// Arrivals a minute, where counted.
    pub in_per_min: Option<f64>,
    /// Exits a minute (messages worked off), where counted.
    pub out_per_min: Option<f64>,
    /// Messages a minute that expire or are removed, where counted. They are in no other rate.
    pub otherwise_per_min: Option<f64>,
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
        otherwise_per_min: None,
        counts: if past.check == Check::Agree {
            Counts::None
        } else {
            Counts::Disagree
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
    } else if goes_on(&past) {
        // That it goes on is known, and how fast it goes now is not yet.
        Forecast {
            net_per_min: None,
            in_per_min: None,
            out_per_min: None,
            otherwise_per_min: None,
            ..moving(&past, unknown(Why::Noise))
        }
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

/// Whether the queue goes on behind the newest gap as it did before it. The gap itself gives no rate: it is only asked whether
/// the depth at its end is where the rate of the minutes before would have brought it.
fn goes_on(past: &Past) -> bool {
    let Some(across) = past.across.filter(|a| a.minutes <= OVERLOOKED_MIN) else {
        return false;
    };
    let before = &past.steps[..past.steps.len() - past.since_gap];
    if before.len() < 2 * FEW {
        return false;
    }
    let net = Line::new(before, |s| s.net);
    let seen = net.newest(across.minutes.max(5.0), 0);
    let expected = net.mean(seen) * across.minutes;
    let noise = net.noise_at(net.mean(seen)) * across.minutes * (1.0 + across.minutes / net.minutes(seen));
    (across.change - expected).abs() <= OVERLOOKED.0 * expected.abs() + OVERLOOKED.1 * noise.sqrt()
}

/// The forecast from steps that reach up to now.
fn moving(past: &Past, mut known: Forecast) -> Forecast {
    let counted = past.counted();
    let steps = if counted > 0 {
        &past.steps[past.steps.len() - counted..]
    } else {
        &past.steps[..]
    };
    let net = Line::new(steps, Step::drain);
    let cuts = net.cuts(line::NET);
    let cut = cuts.last().copied().unwrap_or(0);
    let direction = net.direction(cut).or_else(|| {
        let since = net.newest(f64::INFINITY, cut);
        net.direction(0).filter(|s| net.sum(*s) * net.sum(since) > 0.0)
    });
    // The rates now: over the stretch that tells the direction, else over the newest minutes of this regime.
    let now = direction.unwrap_or_else(|| net.newest(5.0, cut.max(steps.len() - past.since_gap.min(steps.len()))));
    let over_now = |value: &dyn Fn(&Step) -> f64| steps[now.from..now.to].iter().map(value).sum::<f64>();
    known.net_per_min = Some(net.mean(now));
    known.regime = Some(Span::from_secs_f64(net.minutes(net.newest(f64::INFINITY, cut)) * 60.0));
    let flow = |value: fn(&Flows) -> f64| Line::new(steps, move |s| s.flows.as_ref().map_or(0.0, value));
    let counts = (counted > 0).then(|| (flow(|f| f.came), flow(|f| f.worked)));
    let gone = |s: &Step| s.flows.and_then(|f| f.otherwise).unwrap_or(0.0);
    if let Some((ins, outs)) = &counts {
        if known.counts == Counts::None {
            known.counts = Counts::Used;
        }
        known.in_per_min = Some(ins.mean(now));
        known.out_per_min = Some(outs.mean(now));
        known.otherwise_per_min = steps[steps.len() - 1]
            .flows
            .and_then(|f| f.otherwise)
            .map(|_| over_now(&gone) / net.minutes(now));
    }
    let arrivals = known.in_per_min.filter(|_| past.check == Check::Agree);
    known.drain = match direction {
        _ if passes_through(past.waiting, arrivals, &net, direction) => Drain::Empty,
        // More comes in than is worked off, and yet the queue does not grow: the rest expires or is removed.
        Some(s) if net.sum(s) > 0.0 && net.sum(s) <= over_now(&gone) => Drain::Stalled,
        Some(s) if net.sum(s) > 0.0 => Drain::Growing { per_min: net.mean(s) },
        Some(s) => {
            let exits = counts.as_ref().map(|(ins, outs)| ahead::Flows { ins, outs });
            clears(past, &ahead::Outlook::new(&net, cut, s, exits), lasting(steps, gone))
        }
        None => undecided(past.waiting, net.mean(now), &net, cut),
    };
    // What was counted would make it stand or grow, and the depth says otherwise: nobody knows which to believe.
    let seen = over_now(&|s| s.net);
    let denied = match known.drain {
        Drain::Stalled => seen < 0.0,
        Drain::Growing { .. } => seen < 0.5 * over_now(&Step::drain),
        _ => false,
    };
    if past.check == Check::Vanishes && denied {
        return Forecast {
            drain: Drain::Unknown { why: Why::Disagree },
            net_per_min: None,
            in_per_min: None,
            out_per_min: None,
            otherwise_per_min: None,
            ..known
        };
    }
    known
}

/// What goes otherwise, a minute, over the newest half hour, without the one largest step: that may be one command.
fn lasting(steps: &[Step], gone: impl Fn(&Step) -> f64) -> f64 {
    let (mut minutes, mut sum, mut largest) = (0.0, 0.0, 0.0);
    for s in steps.iter().rev() {
        if minutes >= 30.0 {
            break;
        }
        minutes += s.took;
        sum += gone(s);
        largest = f64::max(largest, gone(s));
    }
    (sum - largest) / f64::max(minutes, 1e-9)
}

fn clears(past: &Past, outlook: &ahead::Outlook<'_>, gone: f64) -> Drain {
    let Some(times) = outlook
        .clear(past.waiting, past.every, gone)
        .filter(|t| t.p50 < NEVER_MIN)
    else {
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
fn undecided(waiting: f64, now_per_min: f64, net: &Line, cut: usize) -> Drain {
    let seen = net.newest(f64::INFINITY, cut);
    let hidden = net.mean(seen).abs() + 2.0 * (net.noise_at(net.mean(seen)) / net.minutes(seen)).sqrt();
    let falls = waiting > FEW_MESSAGES && -now_per_min * FALLS_MIN > 0.5 * waiting;
    if !falls && hidden * 30.0 < 0.5 * waiting {
        Drain::Stalled
    } else {
        Drain::Unknown { why: Why::Noise }
    }
}

/// Whether what is in the queue is on its way and not waiting: by Little's law where arrivals are known; else by its
/// turning over, since mail that is new at each look makes the depth jump by its own square root.
fn passes_through(waiting: f64, in_per_min: Option<f64>, net: &Line, direction: Option<Stretch>) -> bool {
    if direction.is_some_and(|s| net.sum(s) > 0.0) {
        // However little it is for so busy a queue: it becomes more.
        return false;
    }
    match in_per_min {
        Some(rate) => waiting <= rate * PASSING_MIN,
        None => {
            waiting <= FEW_MESSAGES
                && direction.is_none()
                && net.turnover(30).is_some_and(|jumps| jumps >= 1.5 * waiting)
        }
    }
}
