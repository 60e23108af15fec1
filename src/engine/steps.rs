//! Whether the wall clock was set: it is held against the system's own count of time since its start, which nobody sets and
//! which counts on through a suspend (`/proc/uptime`, proc_uptime(5); it is CLOCK_BOOTTIME of clock_gettime(2)). A slow drift
//! is told once it has come to as much as a step.

use jiff::Timestamp;

use crate::domain::Span;

/// Less than this is how a clock is kept right (NTP slews it), and what reading the two takes.
const LEAST: Span = Span::from_secs(2);

/// The two clocks as they were held against each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps(Option<(Timestamp, Span)>);

impl Steps {
    /// Holds them against each other: by how much the wall clock was set since it was last told.
    pub fn look(&mut self, wall: Timestamp, up: Span) -> Option<Span> {
        let (wall_then, up_then) = *self.0.get_or_insert((wall, up));
        let by = Span::between(wall_then, wall) - (up - up_then);
        if by.max(Span::ZERO - by) < LEAST {
            return None;
        }
        self.0 = Some((wall, up));
        Some(by)
    }
}

/// How long the system has been up; `None` where it does not tell.
pub fn uptime() -> Option<Span> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let secs: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Span::from_secs_f64(secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + s).unwrap()
    }
    fn up(s: i64) -> Span {
        Span::from_secs(s)
    }

    #[test]
    fn a_clock_that_is_set_is_told_once_and_one_that_goes_right_is_not() {
        let mut steps = Steps::default();
        assert_eq!(steps.look(t(0), up(100)), None);
        assert_eq!(steps.look(t(10), up(110)), None);
        assert_eq!(steps.look(t(3_620), up(120)), Some(Span::from_hours(1)));
        assert_eq!(steps.look(t(3_630), up(130)), None);
        assert_eq!(steps.look(t(40), up(140)), Some(Span::from_hours(-1)));
    }

    #[test]
    fn a_slow_drift_is_told_when_it_comes_to_as_much_as_a_step() {
        let mut steps = Steps::default();
        // A second too many in each hundred.
        let told: Vec<_> = (0..8).map(|n| steps.look(t(n * 101), up(n * 100))).collect();
        let sum = told.iter().flatten().fold(Span::ZERO, |a, b| a + *b);
        assert_eq!(sum, Span::from_secs(6));
        assert_eq!(told.iter().flatten().count(), 3);
    }

    #[test]
    fn this_system_tells_how_long_it_is_up() {
        if cfg!(target_os = "linux") {
            assert!(uptime().unwrap() > Span::ZERO);
        }
    }
}
