//! Mail that comes: retries of senders after an outage, bursts of bulk mail, more by day than by night.

use super::super::dice::Dice;
use super::{HOUR, MIN};

/// A sender's way to retry: share of the mail, interval as a multiple of the message's age with its bounds, and when it
/// gives up. Times in hours.
struct Sender {
    share: f64,
    growth: f64,
    low: f64,
    high: f64,
    gives_up: f64,
}

const SENDERS: [Sender; 9] = [
    Sender {
        share: 0.05,
        growth: 1.0,
        low: 0.17,
        high: 4.0,
        gives_up: 8.0,
    }, // doubling, 10 min to 4 h
    Sender {
        share: 0.08,
        growth: 0.5,
        low: 0.1,
        high: 1.0,
        gives_up: 14.0,
    },
    Sender {
        share: 0.25,
        growth: 0.1,
        low: 0.08,
        high: 1.0,
        gives_up: 24.0,
    },
    Sender {
        share: 0.08,
        growth: 0.0,
        low: 0.25,
        high: 0.25,
        gives_up: 48.0,
    }, // every 15 min
    Sender {
        share: 0.07,
        growth: 0.5,
        low: 0.25,
        high: 4.0,
        gives_up: 72.0,
    },
    Sender {
        share: 0.05,
        growth: 0.5,
        low: 0.25,
        high: 3.2,
        gives_up: 96.0,
    }, // 30 tries in 96 h
    Sender {
        share: 0.14,
        growth: 0.5,
        low: 0.25,
        high: 6.0,
        gives_up: 96.0,
    }, // Exim: 15 min, x1.5, 6 h
    Sender {
        share: 0.22,
        growth: 1.0,
        low: 0.083,
        high: 1.11,
        gives_up: 120.0,
    }, // Postfix: 300 s to 4000 s
    Sender {
        share: 0.06,
        growth: 0.0,
        low: 0.5,
        high: 0.5,
        gives_up: 120.0,
    }, // Sendmail: queue runs
];

/// Retries per minute after the service is back, by minute: `per_hour` of mail was held for `hours`, and a refused try
/// (server too busy) comes again an interval later.
pub(super) fn retry_wave(dice: &mut Dice, per_hour: f64, hours: f64, minutes: usize) -> Vec<f64> {
    const AGES: usize = 60;
    let mut wave = vec![0.0; minutes];
    let refused = dice.between(0.0, 0.35);
    let shares: Vec<f64> = SENDERS.iter().map(|s| s.share * (0.7 * dice.normal()).exp()).collect();
    let all: f64 = shares.iter().sum();
    for (s, share) in SENDERS.iter().zip(shares) {
        let held_for = hours.min(s.gives_up);
        let mass = per_hour * share / all * held_for / AGES as f64;
        for a in 0..AGES {
            let age = (a as f64 + 0.5) / AGES as f64 * held_for;
            let interval = (s.growth * age).clamp(s.low, s.high) * 60.0;
            let mut left = mass;
            for round in 0..4 {
                let come = if round == 3 { left } else { left * (1.0 - refused) };
                spread(&mut wave, interval * f64::from(round), interval, come);
                left -= come;
            }
        }
    }
    wave
}

/// Adds `mass` evenly over `[from, from + over)`, in minutes.
fn spread(wave: &mut [f64], from: f64, over: f64, mass: f64) {
    let (first, last) = (from as usize, ((from + over).ceil() as usize).max(from as usize + 1));
    let each = mass / (last - first) as f64;
    for w in wave.iter_mut().take(last).skip(first) {
        *w += each;
    }
}

/// Bursts of bulk mail: how much more than ordinary comes, as a multiple.
pub(super) struct Bulk {
    every: f64,
    until: usize,
    size: f64,
    next: f64,
}

impl Bulk {
    pub fn new(dice: &mut Dice) -> Option<Self> {
        if dice.chance(0.5) {
            return None;
        }
        let every = dice.between(20.0, 120.0) * MIN as f64;
        Some(Self {
            every,
            until: 0,
            size: 0.0,
            next: dice.exponential(every),
        })
    }
    pub fn at(&mut self, dice: &mut Dice, step: usize) -> f64 {
        if step as f64 >= self.next {
            self.until = step + (dice.between(1.0, 10.0) * MIN as f64) as usize;
            self.size = dice.between(0.5, 5.0);
            self.next = self.until as f64 + dice.exponential(self.every);
        }
        if step < self.until { self.size } else { 0.0 }
    }
}

/// More mail by day than by night.
pub(super) struct Day {
    swing: f64,
    phase: f64,
}

impl Day {
    pub fn new(dice: &mut Dice) -> Self {
        Self {
            swing: dice.between(0.0, 0.5),
            phase: dice.between(0.0, std::f64::consts::TAU),
        }
    }
    pub fn at(&self, step: usize) -> f64 {
        let turn = step as f64 / (24 * HOUR) as f64 * std::f64::consts::TAU;
        1.0 + self.swing * (turn + self.phase).sin()
    }
}
