//! Whoever watches the queue, with all that goes wrong in watching.

use mailtop::domain::Timestamp;
use mailtop::domain::forecast::Sample;

use super::super::dice::Dice;
use super::{Counting, MIN, STEP, Seen};

/// What happened to the queue, by step.
pub(super) struct Happened<'a> {
    pub waiting: &'a [u64],
    pub ins: &'a [u64],
    pub outs: &'a [u64],
    /// Expired or removed, where any is.
    pub otherwise: Option<&'a [u64]>,
}

/// What a watcher of the queue writes down.
pub(super) struct Watched {
    pub samples: Vec<Sample>,
    /// The step at which each sample was taken.
    pub steps: Vec<usize>,
    /// Steps at which the watcher missed something.
    pub blind: Vec<usize>,
}

pub(super) fn watch(dice: &mut Dice, all: &Happened<'_>, seen: Seen, counting: Counting) -> Watched {
    let Happened { waiting, ins, outs, .. } = *all;
    let every = [1, 1, 1, 3, 6][dice.below(5)];
    let held = dice.chance(0.33).then(|| dice.log_between(1.0, 2_000.0) as u64);
    let gap_every = if dice.chance(0.5) {
        (60 * MIN) as f64
    } else {
        f64::INFINITY
    };
    let missed = if dice.chance(0.5) { 0.02 } else { 0.0 };
    let absurd = dice.chance(0.3).then(|| dice.below(waiting.len() / every));
    let clock_step = dice.chance(0.1).then(|| dice.below(waiting.len()));
    let reset = dice.chance(0.1).then(|| dice.below(waiting.len()));
    let reading_s = dice.log_between(0.05, 2.0); // how long counting takes
    let stepped_by = dice.between(10.0, 300.0) as i64;
    let (mut samples, mut steps, mut blind) = (Vec::new(), Vec::new(), Vec::new());
    let mut gap_until = 0;
    let mut clock = 1_800_000_000_000_i64;
    for (n, step) in (0..waiting.len()).step_by(every).enumerate() {
        if clock_step.is_some_and(|c| c >= step && c < step + every) {
            clock -= stepped_by * 1_000;
            blind.push(step);
        }
        if step >= gap_until && dice.chance(every as f64 / gap_every) {
            gap_until = step + (dice.between(1.0, 15.0) * MIN as f64) as usize;
            blind.push(gap_until);
        }
        if step < gap_until || dice.chance(missed) {
            continue;
        }
        let at = clock + (step * STEP * 1_000) as i64 + dice.between(-400.0, 400.0) as i64;
        // Whether a file that comes or goes while a folder is read is among its names is left open (POSIX, readdir), and a
        // message on its way from one of Postfix's queues to the next is met in both or in none (postqueue(1)).
        let moved = (ins[step] + outs[step] - ins[step.saturating_sub(1)] - outs[step.saturating_sub(1)]) as f64;
        let slip = (moved * reading_s / STEP as f64).sqrt() * dice.normal();
        let slip = if counting == Counting::Exact { 0.0 } else { slip };
        let mut depth = (waiting[step] as f64 + slip).round().max(0.0) as u64 + held.unwrap_or(0);
        if absurd == Some(n) {
            depth = [0, depth * 10, depth / 3][dice.below(3)];
        }
        let base = reset.filter(|r| step >= *r).map_or((0, 0), |r| (ins[r], outs[r]));
        let counts = seen == Seen::Counts;
        samples.push(Sample {
            at: Timestamp::from_millisecond(at).unwrap_or_else(|e| panic!("{e}")),
            depth,
            held,
            arrivals: counts.then(|| ins[step] - base.0),
            exits: counts.then(|| outs[step] - base.1),
            otherwise: all.otherwise.map(|o| o[step]),
        });
        steps.push(step);
    }
    Watched { samples, steps, blind }
}
