//! Whether the end that was armed for a pause has come, or is gone, before the pause was done. Nothing would end it then.

use std::time::{Duration, Instant, SystemTime};

use super::super::armed::{self, Depth};
use super::super::plan::Planned;
use crate::domain::Span;
use crate::reach::Runner;

/// A timer is armed with an accuracy of a second, and a command takes its time to get there.
const MARGIN: Duration = Duration::from_secs(1);
/// So long after its time it is over for certain.
const SURELY: Duration = Duration::from_secs(2);

pub(super) const TOO_LATE: &str = "its armed end comes before it could be paused, so nothing more was done";
pub(super) const GONE: &str =
    "its armed end came, or was taken away, before the pause was done, and nothing would have ended it";

/// When an end was armed, from before its command on: it fires no earlier than `after` from then.
pub(super) struct Armed {
    steady: Instant,
    wall: SystemTime,
    after: Duration,
}

impl Armed {
    pub fn now(after: Span) -> Self {
        Self {
            steady: Instant::now(),
            wall: SystemTime::now(),
            after: after.to_std(),
        }
    }

    /// The steady clock stands still while a machine sleeps, and the other one may be set back: the longer of the two.
    fn age(&self) -> Duration {
        self.steady.elapsed().max(self.wall.elapsed().unwrap_or_default())
    }

    /// Whether it may fire about now, or has.
    pub fn is_due(&self) -> bool {
        self.age() + MARGIN >= self.after
    }

    /// Whether it is not armed any more, and no other either; by its time where that cannot be read.
    pub async fn is_gone(&self, planned: &Planned, runner: &Runner) -> bool {
        match armed::ask(&planned.spec, runner, Depth::State).await {
            Ok(leases) if leases.beware.is_empty() || !leases.all.is_empty() => leases.all.is_empty(),
            Ok(_) | Err(_) => self.age() >= self.after + SURELY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_due_by_whichever_clock_went_further() {
        let second = Duration::from_secs(1);
        let an_hour = 3_600 * second;
        let armed = |steady: Duration, wall: Duration| Armed {
            // What is read below counts from here on, and only makes it later.
            steady: Instant::now().checked_sub(steady).unwrap_or_else(Instant::now),
            wall: SystemTime::now() - wall,
            after: an_hour,
        };
        assert!(!armed(second, second).is_due());
        // A laptop that slept.
        assert!(armed(second, an_hour).is_due());
        // A clock that was set back.
        let mut set_back = armed(second, second);
        set_back.wall = SystemTime::now() + an_hour;
        assert!(!set_back.is_due());
        // A pause that is too short for anything.
        assert!(Armed::now(Span::from_millis(900)).is_due());
    }
}
