//! The clock that is handed to whatever needs the time: the system's, or one that runs faster for the demo.
//! `domain` and `model` never see it; they get moments. Network time-outs are always real time.

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
    },
}

impl Clock {
    /// A clock that shows `from` now and runs `speed` times as fast.
    pub fn scaled(from: Timestamp, speed: f64) -> Self {
        Self::Scaled {
            from,
            started: Instant::now(),
            speed,
        }
    }
    /// The moment that it shows.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Scaled { from, started, speed } => {
                Span::from_secs_f64(started.elapsed().as_secs_f64() * speed).after(*from)
            }
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
