//! A rate through time, as sums over steps: its means, its noise, where it steps, and which way it goes now.

use super::point::median;
use super::read::Step;

/// The largest share of squared jumps that counts as noise: steps of the rate make the rest.
const NOISE_SHARE: usize = 97;
/// Standard deviations of noise that a cut must exceed.
const CUT_SIGMAS: f64 = 5.0;
/// Standard deviations that tell a direction: over many steps, and how much more over few.
const DIRECTION: (f64, f64) = (1.8, 4.2);

/// When means differ enough to cut between them.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// Minutes before and after that are compared (three steps at least).
    window: f64,
    /// Difference as a share of the larger mean.
    share: f64,
    /// Difference in multiples of what is usual between such windows.
    usual: f64,
}

/// The net rate: a small difference of large flows, so it must stand out against its own wandering.
pub(super) const NET: Cut = Cut {
    window: 10.0,
    share: 0.4,
    usual: 5.0,
};
/// Exits: a maintenance job takes a third or more.
pub(super) const OUT: Cut = Cut {
    window: 6.0,
    share: 0.3,
    usual: 0.0,
};
/// Arrivals: bursts of bulk mail are part of them, only a lasting change is a cut.
pub(super) const IN: Cut = Cut {
    window: 15.0,
    share: 0.5,
    usual: 0.0,
};

/// Steps `[from, to)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stretch {
    pub from: usize,
    pub to: usize,
}

/// Sums before each step, and one more for the end.
#[derive(Clone, Copy, Default)]
struct Row {
    minutes: f64,
    sum: f64,
    /// Of the squared values, each over its minutes.
    squares: f64,
}

/// A rate through time, oldest first. Minutes are minutes covered by steps: gaps do not count. Never empty.
pub(super) struct Line {
    rows: Vec<Row>,
    noise: f64,
}

impl Line {
    /// From at least one step.
    pub fn new(steps: &[Step], value: impl Fn(&Step) -> f64) -> Self {
        let mut rows = Vec::with_capacity(steps.len() + 1);
        let mut row = Row::default();
        rows.push(row);
        for s in steps {
            let v = value(s);
            row = Row {
                minutes: row.minutes + s.took,
                sum: row.sum + v,
                squares: row.squares + v * v / s.took,
            };
            rows.push(row);
        }
        let jump = |p: &[Step]| {
            (value(&p[1]) / p[1].took - value(&p[0]) / p[0].took).powi(2) / (1.0 / p[0].took + 1.0 / p[1].took)
        };
        let mut jumps: Vec<f64> = steps[steps.len().saturating_sub(128)..].windows(2).map(jump).collect();
        let keep = jumps.len() * NOISE_SHARE / 100;
        if keep > 0 {
            jumps.select_nth_unstable_by(keep, f64::total_cmp);
        }
        // What the cut tail would have added, for jumps that are squares of normal ones: about 15%.
        let noise = 1.15 * jumps[..keep].iter().sum::<f64>() / keep.max(1) as f64;
        Self { rows, noise }
    }
    /// How many steps.
    pub fn len(&self) -> usize {
        self.rows.len() - 1
    }
    pub fn minutes(&self, s: Stretch) -> f64 {
        self.rows[s.to].minutes - self.rows[s.from].minutes
    }
    pub fn sum(&self, s: Stretch) -> f64 {
        self.rows[s.to].sum - self.rows[s.from].sum
    }
    /// A minute.
    pub fn mean(&self, s: Stretch) -> f64 {
        self.sum(s) / self.minutes(s).max(1e-9)
    }
    /// The variance that one minute brings around a rate: what was seen, and at least Poisson's.
    pub fn noise_at(&self, rate: f64) -> f64 {
        self.noise.max(rate.abs()).max(0.1)
    }
    /// The newest `minutes`, three steps at least where there are, not from before `floor`.
    pub fn newest(&self, minutes: f64, floor: usize) -> Stretch {
        self.between(0.0, minutes, floor)
    }
    /// From `far` to `near` minutes before the end, as whole steps.
    fn between(&self, near: f64, far: f64, floor: usize) -> Stretch {
        let n = self.len();
        let end = self.rows[n].minutes;
        let at = |back: f64| self.rows.partition_point(|r| r.minutes < end - back - 1e-9);
        let to = if near > 0.0 { at(near).clamp(1, n) } else { n };
        Stretch {
            from: at(far).min(to.saturating_sub(3)).max(floor).min(to - 1),
            to,
        }
    }
    /// The mean over the newest `minutes` since `floor`, and over as many before them where they reach as far.
    pub fn two_means(&self, minutes: f64, floor: usize) -> (f64, Option<f64>) {
        let near = self.newest(minutes, floor);
        let length = self.minutes(near);
        let reach = self.rows[near.from].minutes - self.rows[floor.min(near.from)].minutes;
        let far = (reach >= 0.99 * length).then(|| self.between(length, 2.0 * length, floor));
        (self.mean(near), far.map(|s| self.mean(s)))
    }

    /// The steps at which the rate stepped, oldest first: where the means before and after differ most.
    pub fn cuts(&self, cut: Cut) -> Vec<usize> {
        let n = self.len();
        if n < 6 {
            return Vec::new();
        }
        let (mut low, mut high) = (0, 0);
        let mut found: Vec<(usize, f64)> = Vec::new();
        // Sizes, and what their squares must exceed: this is the inner loop of a thousand forecasts a second.
        let differences: Vec<(f64, f64)> = (3..=n - 3)
            .map(|i| {
                let here = self.rows[i].minutes;
                while self.rows[low].minutes < here - cut.window - 1e-9 {
                    low += 1;
                }
                while high < n && self.rows[high].minutes < here + cut.window - 1e-9 {
                    high += 1;
                }
                let (a, b) = (
                    Stretch {
                        from: low.min(i - 3),
                        to: i,
                    },
                    Stretch {
                        from: i,
                        to: high.max(i + 3),
                    },
                );
                let (per_a, per_b) = (1.0 / self.minutes(a), 1.0 / self.minutes(b));
                let (before, after) = (self.sum(a) * per_a, self.sum(b) * per_b);
                let var = self.noise_at(before) * per_a + self.noise_at(after) * per_b;
                let enough = (cut.share * before.abs().max(after.abs()))
                    .powi(2)
                    .max(CUT_SIGMAS * CUT_SIGMAS * var);
                ((after - before).abs(), enough)
            })
            .collect();
        let usual = if cut.usual > 0.0 {
            let mut sizes: Vec<f64> = differences.iter().map(|d| d.0).collect();
            cut.usual * 1.48 * median(&mut sizes).unwrap_or(0.0)
        } else {
            0.0
        };
        for (k, (size, enough)) in differences.iter().enumerate() {
            let (i, strength) = (k + 3, size * size / enough.max(usual * usual));
            if strength < 1.0 {
                continue;
            }
            match found.last_mut() {
                Some(last) if i - last.0 < 4 || self.rows[i].minutes - self.rows[last.0].minutes < cut.window => {
                    if strength > last.1 {
                        *last = (i, strength);
                    }
                }
                _ => found.push((i, strength)),
            }
        }
        found.into_iter().map(|f| f.0).collect()
    }

    /// The stretches between cuts, newest first.
    pub fn stretches(&self, cuts: &[usize]) -> impl Iterator<Item = Stretch> {
        let froms = cuts.iter().rev().copied().chain([0]);
        let tos = [self.len()].into_iter().chain(cuts.iter().rev().copied());
        froms.zip(tos).map(|(from, to)| Stretch { from, to })
    }

    /// Which way the sum goes now: the shortest stretch up to now, since the newest cut, over which it changed by more than
    /// noise.
    pub fn direction(&self, cut: usize) -> Option<Stretch> {
        let regime = Stretch {
            from: cut,
            to: self.len(),
        };
        self.moved(cut, self.noise_at(self.mean(regime)))
    }
    /// The spread within the stretch counts as noise too: mail in batches makes few large changes.
    fn moved(&self, from: usize, noise: f64) -> Option<Stretch> {
        let n = self.len();
        let mut k = 3;
        while k <= n - from {
            let s = Stretch { from: n - k, to: n };
            let own = (self.rows[n].squares - self.rows[n - k].squares - self.sum(s) * self.mean(s)) / (k - 1) as f64;
            let sigmas = DIRECTION.0 + DIRECTION.1 * (3.0 / k as f64).sqrt();
            if self.sum(s).abs() > sigmas * (noise.max(own) * self.minutes(s)).sqrt() {
                return Some(s);
            }
            k = if k == n - from {
                k + 1
            } else {
                (k * 5 / 4).max(k + 1).min(n - from)
            };
        }
        None
    }

    /// Before which step the sum was at its newest maximum, from `floor` on.
    pub fn peak(&self, floor: usize) -> usize {
        let mut best = (f64::NEG_INFINITY, floor);
        for (i, row) in self.rows.iter().enumerate().skip(floor) {
            if row.sum >= best.0 {
                best = (row.sum, i);
            }
        }
        best.1.min(self.len() - 1)
    }
    /// How much the rate wanders beyond noise: the spread of its means over blocks of `block` minutes since step `floor`.
    /// `None` with fewer than four blocks.
    pub fn wander(&self, floor: usize, block: f64) -> Option<f64> {
        let (mut to, mut means, mut noise) = (self.len(), Vec::new(), 0.0);
        while means.len() < 24 {
            let edge = self.rows[to].minutes - block;
            let from = self.rows.partition_point(|r| r.minutes < edge - 1e-9);
            if edge < self.rows[floor].minutes - 1e-9 || from >= to {
                break;
            }
            let s = Stretch { from, to };
            means.push(self.mean(s));
            noise += self.noise_at(self.mean(s)) / self.minutes(s);
            to = from;
        }
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let var = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (means.len() >= 4).then(|| (var - noise / n).max(0.0).sqrt())
    }
    /// The mean squared change over the newest `steps`; `None` with fewer than ten.
    pub fn turnover(&self, steps: usize) -> Option<f64> {
        let from = self.len().saturating_sub(steps);
        let changes = self.rows[from..].windows(2).map(|r| (r[1].sum - r[0].sum).powi(2));
        (self.len() - from >= 10).then(|| changes.sum::<f64>() / (self.len() - from) as f64)
    }
}
