//! The simulation and the clock behind one lock: whoever asks sees the world at the moment of asking.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::sim::Sim;
use crate::clock::Clock;

/// The simulation, moved by the clock.
#[derive(Debug)]
pub struct Scene {
    sim: Mutex<Sim>,
    clock: Clock,
}

impl Scene {
    /// A scene.
    pub const fn new(sim: Sim, clock: Clock) -> Self {
        Self {
            sim: Mutex::new(sim),
            clock,
        }
    }

    /// Asks or changes the world as it is now. The lock is held for no longer than `f` runs.
    pub fn with<T>(&self, f: impl FnOnce(&mut Sim, Timestamp) -> T) -> T {
        let now = self.clock.now();
        // A panic elsewhere leaves whole ticks behind: the world can go on.
        let mut sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.advance(now);
        f(&mut sim, now)
    }

    /// The clock that moves it.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }
}
