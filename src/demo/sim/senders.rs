//! The sending servers out in the world: what our relays turn away, they keep and try again, later each time, until they
//! give up. So mail comes back in waves that decay after an outage, and some of it never.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::dice::{Topic, share};
use super::letter::Letter;

/// The first wait in seconds; each further one is half as long again, up to four hours.
const FIRST_WAIT: f64 = 600.0;
const LONGEST_WAIT: f64 = 4.0 * 3_600.0;

/// What others hold for us.
#[derive(Clone, Debug, Default)]
pub struct Senders {
    held: BinaryHeap<Reverse<(i64, Letter)>>,
    turned_away: u64,
    gave_up: u64,
}

impl Senders {
    /// A relay turned this letter away; `letter.arrived` is when it was first offered.
    pub fn keep(&mut self, mut letter: Letter, seed: u64, now: i64) {
        self.turned_away += 1;
        if now - letter.arrived > letter.patience(seed) {
            self.gave_up += 1;
            return;
        }
        let wait = (FIRST_WAIT * 1.5_f64.powi(letter.tries.min(16).into())).min(LONGEST_WAIT);
        let spread = 0.7 + 0.6 * share(seed, Topic::Backoff, letter.id.into(), u64::from(letter.tries) + 1_000);
        letter.tries = letter.tries.saturating_add(1);
        self.held.push(Reverse((now + (wait * spread) as i64, letter)));
    }

    /// The next letter that is tried again by now.
    pub fn next_due(&mut self, now: i64) -> Option<Letter> {
        match self.held.peek() {
            Some(Reverse((due, _))) if *due <= now => self.held.pop().map(|Reverse((_, l))| l),
            _ => None,
        }
    }

    /// How many letters they hold.
    pub fn holding(&self) -> u64 {
        self.held.len() as u64
    }
    /// How often they were turned away.
    pub const fn turned_away(&self) -> u64 {
        self.turned_away
    }
    /// How many letters they gave up. No log of ours shows it.
    pub const fn gave_up(&self) -> u64 {
        self.gave_up
    }
}
