//! What reading costs a mail host: commands a minute, and the share of a core that they keep busy.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::Span;

/// The time over which cost is told, and the most looks kept for it.
const WINDOW: Span = Span::from_mins(10);
const KEEP: usize = 2_000;

/// One look, as it was paid for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// When it ended.
    pub at: Timestamp,
    /// How long it kept the host busy, as measured from here.
    pub took: Span,
    /// Its processor time, where the host told it.
    pub cpu: Option<Span>,
}

/// What looks cost lately.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    looks: VecDeque<Look>,
    first: Option<Timestamp>,
}

/// Cost as it is shown.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Load {
    /// Commands a minute.
    pub commands_per_min: f64,
    /// The share of the time in which it was kept busy, as measured from here, in thousandths.
    pub busy_permille: f64,
    /// The share of processor time of those looks that told it, in thousandths; `None` when none did.
    pub cpu_permille: Option<f64>,
}

impl Cost {
    pub(super) fn add(&mut self, look: Look) {
        self.first.get_or_insert(look.at);
        self.looks.push_back(look);
        while self.looks.len() > KEEP
            || self
                .looks
                .front()
                .is_some_and(|l| Span::between(l.at, look.at) > WINDOW * 2)
        {
            self.looks.pop_front();
        }
    }

    /// Over the last ten minutes, or since the first look. `None` before a minute has passed.
    pub fn load(&self, now: Timestamp) -> Option<Load> {
        let over = Span::between(self.first?, now).min(WINDOW);
        if over < Span::from_mins(1) {
            return None;
        }
        let lately = || {
            self.looks
                .iter()
                .filter(|l| (Span::ZERO..=over).contains(&Span::between(l.at, now)))
        };
        let busy: Span = lately().fold(Span::ZERO, |sum, l| sum + l.took.max(Span::ZERO));
        let cpu = lately().filter_map(|l| l.cpu).reduce(|a, b| a + b);
        let share = |s: Span| 1_000.0 * s.secs_f64() / over.secs_f64();
        Some(Load {
            commands_per_min: lately().count() as f64 / over.mins_f64(),
            busy_permille: share(busy),
            cpu_permille: cpu.map(share),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_of_the_last_ten_minutes_and_unknown_before_one_has_passed() {
        let t = |s: i64| Timestamp::from_second(1_800_000_000 + s).unwrap();
        let mut cost = Cost::default();
        assert_eq!(cost.load(t(0)), None);
        for n in 0..120 {
            cost.add(Look {
                at: t(n * 10),
                took: Span::from_millis(100),
                cpu: (n % 2 == 0).then_some(Span::from_millis(20)),
            });
        }
        let load = cost.load(t(1_190)).unwrap();
        assert!((load.commands_per_min - 6.1).abs() < 0.01, "{load:?}");
        assert!((load.busy_permille - 10.17).abs() < 0.01, "{load:?}");
        assert!((load.cpu_permille.unwrap() - 1.03).abs() < 0.04, "{load:?}");
        let mut young = Cost::default();
        young.add(Look {
            at: t(0),
            took: Span::from_secs(1),
            cpu: None,
        });
        assert_eq!(young.load(t(59)), None);
        assert_eq!(young.load(t(60)).unwrap().cpu_permille, None);
    }
}
