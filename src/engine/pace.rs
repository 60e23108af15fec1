//! When to look next: the interval with jitter, and a back-off while a thing fails. Pure; the dice are an argument.
//!
//! The back-off is bounded below the age at which a reading turns stale (three intervals), so that a failing server is
//! shown as failing and not as unknown, and its return is seen soon.

use crate::domain::Span;

/// The pace of one thing that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    every: Span,
    failures: u32,
}

impl Pace {
    /// A look each `every`.
    pub const fn new(every: Span) -> Self {
        Self { every, failures: 0 }
    }
    /// How the last look went.
    pub fn went(&mut self, well: Went) {
        self.failures = match well {
            Went::Well => 0,
            Went::Badly => self.failures.saturating_add(1),
        };
    }
    /// How long to wait; `dice` is uniform in `0.0..1.0`. The wait lies within a tenth of 1, 1.5, then 2 intervals.
    pub fn wait(&self, dice: f64) -> Span {
        let factor = match self.failures {
            0 | 1 => 1.0,
            2 => 1.5,
            _ => 2.0,
        };
        let jitter = 0.9 + 0.2 * dice.clamp(0.0, 1.0);
        Span::from_micros((self.every.micros() as f64 * factor * jitter) as i64)
    }
}

/// How a look went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Went {
    /// An answer.
    Well,
    /// None, or a bad one.
    Badly,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_backs_off_while_failing_stays_below_staleness_and_recovers_at_once() {
        let every = Span::from_secs(10);
        let mut p = Pace::new(every);
        assert_eq!((p.wait(0.0), p.wait(1.0)), (Span::from_secs(9), Span::from_secs(11)));
        for _ in 0..50 {
            p.went(Went::Badly);
            assert!(p.wait(1.0) < every * 3);
        }
        assert_eq!(p.wait(0.5), Span::from_secs(20));
        p.went(Went::Well);
        assert_eq!(p.wait(0.5), every);
    }
}
