//! The clock that is handed to whatever needs the time: the system's, or one that runs faster for the demo.
//! `domain` and `model` never see it; they get moments. Network time-outs are always real time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::domain::Span;

/// A source of moments.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The wall clock.
    System,
    /// Starts at a moment and runs `speed` times as fast as the wall clock.
    Scaled {
        /// What it showed when it started.
        from: Timestamp,
        /// When it started.
        started: Instant,
        /// How many seconds it counts a second.
        speed: f64,
        /// Where it stands still for a while.
        stops: Arc<Stops>,
    },
}

/// Moments at which a scaled clock stands until it is let go on: at hundreds of times real time, what is to be seen just then
/// would be seen minutes later.
#[derive(Debug, Default)]
pub struct Stops(Mutex<Stand>);

#[derive(Debug, Default)]
struct Stand {
    ahead: VecDeque<Timestamp>,
    /// For how long it has stood, in real time.
    stood: Duration,
}

impl Stops {
    fn with<T>(&self, act: impl FnOnce(&mut Stand) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock {
    /// A clock that shows `from` now and runs `speed` times as fast.
    pub fn scaled(from: Timestamp, speed: f64) -> Self {
        Self::Scaled {
            from,
            started: Instant::now(),
            speed,
            stops: Arc::default(),
        }
    }
    /// The same, standing still at these moments, the earliest first, until it is let go on at each.
    #[must_use]
    pub fn stopping_at(self, moments: &[Timestamp]) -> Self {
        if let Self::Scaled { stops, .. } = &self {
            stops.with(|s| s.ahead = moments.iter().copied().collect());
        }
        self
    }
    /// The moment at which it stands still, if it does.
    pub fn stands_at(&self) -> Option<Timestamp> {
        let Self::Scaled { stops, .. } = self else {
            return None;
        };
        let now = self.now();
        stops.with(|s| s.ahead.front().copied().filter(|at| *at == now))
    }
    /// Lets it go on from where it stands.
    pub fn go_on(&self) {
        let Self::Scaled {
            from,
            started,
            speed,
            stops,
        } = self
        else {
            return;
        };
        stops.with(|s| {
            let Some(at) = s.ahead.pop_front() else { return };
            let until_then = Span::between(*from, at).to_std().div_f64(speed.max(f64::MIN_POSITIVE));
            s.stood = started.elapsed().saturating_sub(until_then);
        });
    }
    /// The moment that it shows.
    pub fn now(&self) -> Timestamp {
        match self {
            // As the record keeps it, so that what comes back from there is what went in.
            Self::System => whole_micros(Timestamp::now()),
            Self::Scaled {
                from,
                started,
                speed,
                stops,
            } => stops.with(|s| {
                let passed = started.elapsed().saturating_sub(s.stood);
                let now = Span::from_secs_f64(passed.as_secs_f64() * speed).after(*from);
                s.ahead.front().map_or(now, |stop| now.min(*stop))
            }),
        }
    }
    /// How long a span of this clock is in real time.
    pub fn real(&self, span: Span) -> Duration {
        match self {
            Self::System => span.to_std(),
            Self::Scaled { speed, .. } => span.to_std().div_f64(speed.max(f64::MIN_POSITIVE)),
        }
    }
    /// How long a real duration is on this clock.
    pub fn shown(&self, real: Duration) -> Span {
        match self {
            Self::System => real.into(),
            Self::Scaled { speed, .. } => Span::from_secs_f64(real.as_secs_f64() * speed),
        }
    }
}

/// A moment in whole microseconds, as the journal keeps it.
fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_stands_at_its_stops_and_goes_on_from_there() {
        let from = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |s: i64| Span::from_secs(s).after(from);
        let clock = Clock::scaled(from, 1_000_000.0).stopping_at(&[at(3), at(5)]);
        let begun = Instant::now();
        let in_time = || assert!(begun.elapsed() < Duration::from_secs(60), "it never comes there");
        let reach = |stop| {
            while clock.stands_at() != Some(stop) {
                in_time();
            }
        };
        reach(at(3));
        for _ in 0..1_000 {
            assert_eq!(clock.now(), at(3), "a second is a microsecond, and it stands");
        }
        clock.go_on();
        assert!(clock.now() >= at(3));
        reach(at(5));
        clock.go_on();
        while clock.now() <= at(6) {
            in_time();
        }
        assert_eq!(clock.stands_at(), None);
        assert_eq!(Clock::System.stands_at(), None);
    }

    #[test]
    fn every_clock_counts_in_what_the_record_keeps() {
        for clock in [Clock::System, Clock::scaled(Timestamp::UNIX_EPOCH, 1.0)] {
            for _ in 0..1_000 {
                assert_eq!(clock.now().as_nanosecond() % 1_000, 0);
            }
        }
    }
}
