//! Mail that goes: capacity that wanders, stalls and recovers, and a maintenance job that takes a share of it.

use super::super::dice::Dice;
use super::{HOUR, LONGEST, MIN};

/// A factor that wanders around 1 and comes back (Ornstein-Uhlenbeck in the logarithm), a step at a time.
pub(super) struct Wander {
    log: f64,
    keep: f64,
    kick: f64,
}

impl Wander {
    pub fn new(spread: f64, minutes: f64) -> Self {
        let keep = (-1.0 / (minutes * MIN as f64)).exp();
        Self {
            log: 0.0,
            keep,
            kick: spread * (1.0 - keep * keep).sqrt(),
        }
    }
    pub fn next(&mut self, dice: &mut Dice) -> f64 {
        self.log = self.log * self.keep + self.kick * dice.normal();
        self.log.exp()
    }
}

/// What the server can deliver, in messages a minute.
pub(super) struct Service {
    capacity: f64,
    back: usize,
    wander: Wander,
    stalls: Vec<(usize, usize, f64)>,
    maintenance: Option<(usize, usize, f64)>,
}

impl Service {
    pub fn new(dice: &mut Dice, capacity: f64, back: usize, rough_end: f64) -> Self {
        let mut stalls = Vec::new();
        let every = dice.between(3.0, 16.0) * HOUR as f64;
        let mut at = back as f64 + dice.exponential(every);
        if dice.chance(0.3) {
            at = at.min(back as f64 + dice.unit() * rough_end);
        }
        while (at as usize) < LONGEST {
            let long = (dice.exponential(8.0).clamp(1.0, 60.0) * MIN as f64) as usize;
            stalls.push((at as usize, at as usize + long, dice.between(0.0, 0.1)));
            at += long as f64 + dice.exponential(every);
        }
        let maintenance = dice.chance(0.5).then(|| {
            let takes = dice.between(0.3, 0.7);
            if dice.chance(0.5) {
                (0, back + (dice.between(0.05, 0.6) * rough_end) as usize, takes) // runs already, is paused on the way
            } else {
                let from = back + (dice.between(0.2, 0.9) * rough_end) as usize;
                (from, from + (dice.between(0.25, 4.0) * HOUR as f64) as usize, takes)
            }
        });
        Self {
            capacity,
            back,
            wander: Wander::new(dice.between(0.03, 0.3), dice.between(20.0, 180.0)),
            stalls,
            maintenance,
        }
    }
    pub fn at(&mut self, dice: &mut Dice, step: usize) -> f64 {
        let wander = self.wander.next(dice);
        if step < self.back {
            return 0.0;
        }
        let stall = self
            .stalls
            .iter()
            .find(|s| s.0 <= step && step < s.1)
            .map_or(1.0, |s| s.2);
        let left = self
            .maintenance
            .filter(|m| m.0 <= step && step < m.1)
            .map_or(1.0, |m| 1.0 - m.2);
        self.capacity * wander * stall * left
    }
}
