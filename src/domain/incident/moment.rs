//! A moment on the record that lengths of time can be taken from even when the wall clock was set in between.
//!
//! An event bears the wall clock's time. When that clock is set, or drifts and is pulled back, the observer that holds the
//! desk's lease sees it go otherwise than the system's own count of time (`CLOCK_BOOTTIME`, clock_gettime(2), which nobody
//! sets and which counts on through a suspend), and puts [`ClockStepped`] on record. Each moment then carries the sum of the
//! steps that were on record before it, in the order of the record, and [`Moment::until`] takes them out. What is shown as a
//! time of day stays as it was stamped. Two limits: what is recorded between a step and its finding (a second) counts as
//! before it, and a step while nobody watched is not seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::Span;

/// The wall clock was set: it went by so much more than time did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClockStepped {
    /// Forward when positive.
    pub by: Span,
}

/// A moment as stamped, with all that the wall clock was set by up to then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Moment {
    /// As the wall clock had it.
    pub at: Timestamp,
    /// The sum of the steps on record before it.
    pub steps: Span,
}

impl Moment {
    /// With these steps before it.
    pub const fn new(at: Timestamp, steps: Span) -> Self {
        Self { at, steps }
    }
    /// On a clock that was never set.
    pub const fn plain(at: Timestamp) -> Self {
        Self { at, steps: Span::ZERO }
    }
    /// How long it was until `later`, whatever the wall clock did in between; negative when that came before.
    pub fn until(self, later: Self) -> Span {
        Span::between(self.at, later.at) - (later.steps - self.steps)
    }
    /// The moment that came so long before this one and was stamped `at`: its steps follow from the two.
    pub fn before(self, ago: Span, at: Timestamp) -> Self {
        Self {
            at,
            steps: self.steps - (Span::between(at, self.at) - ago),
        }
    }
    /// The moment that comes so long after this one, on a clock that is not set again.
    pub fn after(self, span: Span) -> Self {
        Self {
            at: span.after(self.at),
            steps: self.steps,
        }
    }
    /// Whether it comes before the other.
    pub fn precedes(self, other: Self) -> bool {
        !self.until(other).is_negative() && self.until(other) != Span::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + s).unwrap()
    }

    #[test]
    fn a_clock_that_is_set_back_an_hour_takes_nothing_from_a_length_of_time() {
        let first_bad = Moment::plain(t(0));
        let restored = Moment::new(t(1_800 - 3_600), Span::from_hours(-1));
        assert_eq!(first_bad.until(restored), Span::from_mins(30));
        assert!(first_bad.precedes(restored) && !restored.precedes(first_bad));
    }

    #[test]
    fn a_moment_before_a_step_that_is_known_by_its_distance_has_the_steps_of_then() {
        // Seen for 70 s when the clock had been set forward by an hour in between.
        let opened = Moment::new(t(3_670), Span::from_hours(1));
        let first_bad = opened.before(Span::from_secs(70), t(0));
        assert_eq!(first_bad.steps, Span::ZERO);
        assert_eq!(first_bad.until(opened), Span::from_secs(70));
    }

    proptest! {
        #[test]
        fn steps_never_change_a_length(a in 0i64..1_000_000, d in 0i64..1_000_000, by in -100_000i64..100_000, before in -9_999i64..9_999) {
            let from = Moment::new(t(a), Span::from_secs(before));
            let to = Moment::new(t(a + d + by), Span::from_secs(before + by));
            prop_assert_eq!(from.until(to), Span::from_secs(d));
            prop_assert_eq!(to.before(Span::from_secs(d), t(a)), from);
        }
    }
}
