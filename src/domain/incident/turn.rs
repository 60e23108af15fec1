//! When the depth of a queue turns: it grows, falls from a peak, stands, is clear. Told once, with the reading it turned at. A
//! move counts when it is larger than what a queue's depth wavers by; pure, and a constant amount of work for each reading.

use super::Moment;
use crate::domain::Span;

/// A smaller move is wavering.
const LEAST: u64 = 50;
/// At most this depth is clear: a few that wait are part of any healthy queue.
const CLEAR: u64 = 30;
/// Without a new high or low for so long, it stands.
const STANDS: Span = Span::from_mins(30);

/// A turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// It grows, from this many at that moment.
    Grows(u64, Moment),
    /// It falls, from this many at that moment.
    Falls(u64, Moment),
    /// It stands at this many.
    Stands(u64),
    /// It is clear.
    Clear,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Unknown,
    Up,
    Down,
    Level,
    Clear,
}

/// The depth of one queue, as far as it takes to see it turn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Turning {
    way: Way,
    low: (u64, Moment),
    high: (u64, Moment),
}

/// How much a depth may waver around one of this size.
fn wavers(depth: u64) -> u64 {
    LEAST.max(depth / 10)
}

impl Turning {
    /// From the first reading.
    pub const fn new(depth: u64, at: Moment) -> Self {
        Self {
            way: Way::Unknown,
            low: (depth, at),
            high: (depth, at),
        }
    }

    /// Another reading: whether it turned.
    pub fn seen(&mut self, depth: u64, at: Moment) -> Option<Turn> {
        let (low, high) = (self.low, self.high);
        if depth < low.0 {
            self.low = (depth, at);
        }
        if depth > high.0 {
            self.high = (depth, at);
        }
        if depth <= CLEAR && matches!(self.way, Way::Down | Way::Level) {
            return Some(self.now(Way::Clear, depth, at, Turn::Clear));
        }
        if self.way != Way::Up && depth >= low.0 + wavers(low.0) {
            return Some(self.now(Way::Up, depth, at, Turn::Grows(low.0, low.1)));
        }
        if self.way != Way::Down && self.way != Way::Clear && depth + wavers(high.0) <= high.0 {
            return Some(self.now(Way::Down, depth, at, Turn::Falls(high.0, high.1)));
        }
        let newest = if self.way == Way::Down { self.low.1 } else { self.high.1 };
        if matches!(self.way, Way::Up | Way::Down) && depth > CLEAR && newest.until(at) >= STANDS {
            return Some(self.now(Way::Level, depth, at, Turn::Stands(depth)));
        }
        None
    }

    fn now(&mut self, way: Way, depth: u64, at: Moment, turn: Turn) -> Turn {
        *self = Self {
            way,
            low: (depth, at),
            high: (depth, at),
        };
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn m(s: i64) -> Moment {
        Moment::plain(jiff::Timestamp::from_second(1_800_000_000 + s).unwrap())
    }
    fn told(depths: &[u64]) -> Vec<(usize, Turn)> {
        let mut t = Turning::new(depths[0], m(0));
        depths
            .iter()
            .enumerate()
            .skip(1)
            .filter_map(|(i, d)| Some((i, t.seen(*d, m(i as i64 * 60))?)))
            .collect()
    }

    #[test]
    fn an_outage_grows_falls_from_its_peak_and_is_clear() {
        let depths = [12, 14, 11, 200, 900, 4_000, 3_900, 3_000, 800, 100, 20, 25];
        assert_eq!(
            told(&depths),
            [
                (3, Turn::Grows(11, m(120))),
                (7, Turn::Falls(4_000, m(300))),
                (10, Turn::Clear),
            ]
        );
    }

    #[test]
    fn a_queue_that_wavers_never_turns() {
        let depths: Vec<u64> = (0..500).map(|i| 1_000 + (i * 37 % 90)).collect();
        assert_eq!(told(&depths), []);
    }

    #[test]
    fn one_that_neither_grows_nor_falls_for_half_an_hour_stands_and_is_told_once() {
        let mut depths = vec![100, 5_000];
        depths.extend(vec![5_000; 100]);
        assert_eq!(told(&depths), [(1, Turn::Grows(100, m(0))), (31, Turn::Stands(5_000))]);
    }

    proptest! {
        #[test]
        fn no_two_turns_in_a_row_say_the_same(depths in prop::collection::vec(0u64..20_000, 2..200)) {
            let kind = |t: &Turn| std::mem::discriminant(t);
            let all = told(&depths);
            for pair in all.windows(2) {
                prop_assert_ne!(kind(&pair[0].1), kind(&pair[1].1));
            }
        }
    }
}
