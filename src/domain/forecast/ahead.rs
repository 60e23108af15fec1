//! From rates to a clear time: what is expected of exits and arrivals, how long they take for what waits, and how far off
//! such an expectation has been.

use super::line::{IN, Line, OUT, Stretch};

/// Minutes in which exits return to the mean of their regime.
const RETURN_MIN: f64 = 120.0;
/// Minutes over which the present rate is taken, and the most that noise may ask for.
const PRESENT_MIN: f64 = 5.0;
const PRESENT_MOST_MIN: f64 = 120.0;
/// Exits within this share of each other are of one regime.
const SAME: f64 = 0.4;
/// How many minutes to look back for each that one looks ahead: at arrivals, and at the net.
const BACK_IN: f64 = 0.25;
const BACK_NET: f64 = 0.5;
/// How long a decay of arrivals goes on, as a share of how long it was seen.
const DAMPED: f64 = 0.4;
/// How much of a change of the net goes on.
const NET_GOES_ON: f64 = 0.2;
/// A queue that falls is not expected to fall slower than this share of its present pace: what slows it more is a new step.
const SLOWEST: f64 = 0.55;
/// Stalls and maintenance still to come make drains later than a straight look ahead, by the median.
const LATER: f64 = 1.04;

/// Arrivals and exits, where counted.
#[derive(Clone, Copy)]
pub(super) struct Flows<'a> {
    pub ins: &'a Line,
    pub outs: &'a Line,
}

/// When it clears, in minutes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub p10: f64,
    pub p50: f64,
    pub p90: f64,
}

/// What is expected of a queue that falls.
pub(super) struct Outlook<'a> {
    net: &'a Line,
    pace: Pace<'a>,
    /// Net exits a minute now.
    now: f64,
    /// Minutes of this regime that were seen.
    seen: f64,
}

enum Pace<'a> {
    Flows { outs: Returning, ins: Trend<'a> },
    Net(Trend<'a>),
}

impl<'a> Outlook<'a> {
    /// `falls` is the stretch that tells that it falls, `cut` the step at which its regime began.
    pub fn new(net: &'a Line, cut: usize, falls: Stretch, flows: Option<Flows<'a>>) -> Self {
        let (pace, seen) = if let Some(Flows { ins, outs }) = flows {
            let outs = Returning::new(outs);
            let since = ins.cuts(IN).last().copied().unwrap_or(0);
            let (seen, ins) = (outs.seen, Trend::new(ins, since, 0.1, 8.0));
            (Pace::Flows { outs, ins }, seen)
        } else {
            // What grew before the peak tells nothing about the fall, but a peak of a moment ago is mostly chance.
            let least = least(net, cut, 0.2, PRESENT_MIN);
            let from = net.peak(cut).min(net.newest(least, cut).from);
            let seen = net.minutes(net.newest(f64::INFINITY, from));
            (Pace::Net(Trend::new(net, from, 0.2, PRESENT_MIN)), seen)
        };
        Self {
            net,
            pace,
            now: -net.mean(falls),
            seen: seen.max(0.1),
        }
    }

    /// Net exits a minute, `lead` minutes ahead.
    fn pace(&self, lead: f64) -> f64 {
        let pace = match &self.pace {
            Pace::Flows { outs, ins } => outs.at(lead) - ins.decaying(lead),
            Pace::Net(net) => -net.going_on(lead),
        };
        pace.max(SLOWEST * self.now)
    }

    /// When `waiting` messages are worked off; `gone` a minute leave besides. `None` when that is beyond all reckoning.
    pub fn clear(&self, waiting: f64, every: f64, gone: f64) -> Option<Times> {
        let (mut left, mut lead) = (waiting, 0.0);
        let straight = loop {
            let next = f64::max(lead * 1.25, lead + 0.25);
            let pace = self.pace(f64::midpoint(lead, next));
            if pace * (next - lead) >= left {
                break lead + left / pace;
            }
            left -= pace * (next - lead);
            lead = next;
            if lead > 1e6 {
                return None;
            }
        };
        let p50 = straight * LATER;
        let off = self.off(p50, waiting / straight, every);
        let sooner = waiting / (waiting / p50 + gone);
        Some(Times {
            p10: sooner * (-off.faster).exp(),
            p50,
            p90: p50 * off.slower.exp(),
        })
    }

    /// How far off, as logarithms: linear quantile regression over 10,700 looks at simulated drains (seeds below 3,000 of
    /// tests/lab/drains), with the tail above drawn in a little.
    fn off(&self, p50: f64, pace: f64, every: f64) -> Off {
        let beyond = (p50 / self.seen).ln_1p();
        let noise = ((self.net.noise_at(pace) / self.seen.min(60.0)).sqrt() / pace).min(1.0);
        let changing = (pace / self.now).ln().abs().min(2.0);
        let block = f64::max(5.0, 3.0 * every);
        let wander = self
            .net
            .wander(self.net.peak(0), block)
            .map_or(0.4, |w| (w / pace).min(1.2));
        Off {
            faster: 0.044 + 0.126 * beyond + 1.75 * noise + 0.41 * changing + 0.11 * wander,
            slower: 0.66 + 0.02 * noise + 0.034 * changing + 0.20 * wander,
        }
    }
}

struct Off {
    faster: f64,
    slower: f64,
}

/// Minutes over which noise leaves a rate known to `precision`, at least `least`.
fn least(line: &Line, from: usize, precision: f64, least: f64) -> f64 {
    let rate = line.mean(line.newest(least, from));
    (line.noise_at(rate) / (precision * rate).powi(2).max(1e-9)).clamp(least, PRESENT_MOST_MIN)
}

/// Exits: they are what they are now, and return to the mean of their regime.
struct Returning {
    now: f64,
    mean: f64,
    seen: f64,
}

impl Returning {
    fn new(outs: &Line) -> Self {
        let cuts = outs.cuts(OUT);
        let mut stretches = outs.stretches(&cuts);
        let Some(last) = stretches.next() else {
            return Self {
                now: 0.0,
                mean: 0.0,
                seen: 0.0,
            };
        };
        let level = outs.mean(last);
        let now = outs.mean(outs.newest(least(outs, last.from, 0.1, 8.0), last.from));
        let noise = (outs.noise_at(level) / outs.minutes(last)).sqrt();
        let (mut sum, mut seen) = (outs.sum(last), outs.minutes(last));
        // A stall that is over, a burst that went: the stretches before it that ran alike belong to this regime.
        for s in stretches {
            let m = outs.mean(s);
            if (m - level).abs() < SAME * m.abs().max(level.abs()) + 2.0 * noise {
                sum += outs.sum(s);
                seen += outs.minutes(s);
            }
        }
        Self {
            now,
            mean: sum / seen.max(1e-9),
            seen,
        }
    }
    fn at(&self, lead: f64) -> f64 {
        self.mean + (self.now - self.mean) * (-lead / RETURN_MIN).exp()
    }
}

/// A rate that changes: looked back at for a share of what one looks ahead, with a trend that is damped.
struct Trend<'a> {
    line: &'a Line,
    since: usize,
    least: f64,
    reach: f64,
    /// Means over the newer and the older half of the reach, and minutes in a half.
    halves: (f64, f64, f64),
}

impl<'a> Trend<'a> {
    fn new(line: &'a Line, since: usize, precision: f64, least_min: f64) -> Self {
        let least = least(line, since, precision, least_min);
        let reach = line.minutes(line.newest(f64::INFINITY, since));
        let half = reach / 2.1; // so that whole steps fit twice
        let (near, far) = line.two_means(half, since);
        Self {
            line,
            since,
            least,
            reach,
            halves: (near, far.unwrap_or(near), half),
        }
    }
    /// Arrivals: they go on falling at their present rate of decay, which itself dies away; they hardly go on growing.
    fn decaying(&self, lead: f64) -> f64 {
        let back = (lead * BACK_IN).max(self.least).min(self.halves.2.max(self.least));
        let mean = self.line.mean(self.line.newest(back, self.since));
        let (near, far, half) = self.halves;
        let decay = if near > 0.0 && far > 0.0 {
            (near / far).ln() / half.max(1e-9)
        } else {
            0.0
        };
        let lasts = (DAMPED * self.reach).max(1e-9);
        mean * (decay * lasts * (1.0 - (-lead / lasts).exp())).clamp(-3.0, 0.3).exp()
    }
    /// The net: a part of its last change goes on.
    fn going_on(&self, lead: f64) -> f64 {
        let (mean, far) = self
            .line
            .two_means((lead * BACK_NET).max(self.least).min(self.reach), self.since);
        let change = far.map_or(self.halves.0 - self.halves.1, |far| mean - far);
        mean + change * NET_GOES_ON
    }
}
