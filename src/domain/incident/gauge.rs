//! The backlog of an incident, from readings of the queues of its servers: its peak, when it was cleared, and for how many
//! minutes messages waited beyond those that stood there before. Between two readings the earlier one holds; a time in which
//! nobody read is counted as unseen and not as empty.

use std::collections::BTreeMap;

use super::{Backlog, Moment};
use crate::domain::{Name, Span};

/// In microseconds.
const MINUTE: u128 = 60_000_000;

/// What was read last.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Gauge {
    depths: BTreeMap<(Name, Name), u64>,
    last: Option<Moment>,
    /// Messages times microseconds that do not make a minute yet.
    rest: u128,
}

impl Gauge {
    /// A queue of one of its servers was read. `stood` is what stood there before the incident, `good_for` how long a
    /// reading holds.
    pub fn seen(
        &mut self,
        backlog: &mut Backlog,
        queue: (Name, Name),
        depth: u64,
        at: Moment,
        stood: Option<u64>,
        good_for: Span,
    ) {
        if let (Some(last), Some(stood)) = (self.last, stood) {
            let passed = last.until(at).max(Span::ZERO);
            if passed <= good_for {
                let waited = self.total().saturating_sub(stood);
                self.rest += u128::from(waited) * u128::from(passed.micros().unsigned_abs());
            } else {
                backlog.unseen = backlog.unseen + passed;
            }
            let minutes = u64::try_from(self.rest / MINUTE).unwrap_or(u64::MAX);
            self.rest %= MINUTE;
            backlog.mail_minutes = Some(backlog.mail_minutes.unwrap_or(0).saturating_add(minutes));
        }
        self.depths.insert(queue, depth);
        self.last = Some(at);
        let total = self.total();
        if backlog.peak.is_none_or(|(peak, _)| total > peak) {
            (backlog.peak, backlog.cleared) = (Some((total, at)), None);
        }
        let Some((peak, _)) = backlog.peak else { return };
        let slack = backlog.slack(stood);
        let stood = stood.unwrap_or(0);
        if peak <= stood + slack {
            return;
        }
        if total <= stood + slack {
            backlog.cleared.get_or_insert(at);
        } else if total > stood + 2 * slack {
            backlog.cleared = None;
        }
    }

    fn total(&self) -> u64 {
        self.depths.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn m(s: i64) -> Moment {
        Moment::plain(jiff::Timestamp::from_second(1_800_000_000 + s).unwrap())
    }
    fn read(readings: &[(i64, u64)]) -> Backlog {
        let (mut gauge, mut b) = (Gauge::default(), Backlog::default());
        for (at, depth) in readings {
            let queue = ("mx1".into(), "postfix".into());
            gauge.seen(&mut b, queue, *depth, m(*at), Some(100), Span::from_secs(90));
        }
        b
    }

    #[test]
    fn mail_minutes_are_what_waited_beyond_what_stood_before() {
        // 60 s with 100 (none of it waits for the incident), 60 s with 1,100, 30 s with 600.
        let b = read(&[(0, 100), (60, 1_100), (120, 600), (150, 100)]);
        assert_eq!(b.mail_minutes, Some(1_000 + 250));
        assert_eq!((b.peak, b.cleared), (Some((1_100, m(60))), Some(m(150))));
        assert_eq!(b.unseen, Span::ZERO);
    }

    #[test]
    fn a_time_in_which_nobody_read_is_unseen_and_counts_for_nothing() {
        let b = read(&[(0, 1_100), (91, 1_100), (151, 1_100)]);
        assert_eq!((b.mail_minutes, b.unseen), (Some(1_000), Span::from_secs(91)));
    }

    #[test]
    fn a_backlog_that_comes_again_is_not_cleared_and_one_that_wavers_stays_so() {
        assert_eq!(read(&[(0, 1_100), (10, 120), (20, 190)]).cleared, Some(m(10)));
        assert_eq!(read(&[(0, 1_100), (10, 120), (20, 900)]).cleared, None);
        assert_eq!(read(&[(0, 110), (10, 90)]).cleared, None, "there was none");
    }

    #[test]
    fn what_stood_there_before_is_not_known_and_so_mail_minutes_are_not() {
        let (mut gauge, mut b) = (Gauge::default(), Backlog::default());
        for s in [0, 60] {
            let queue = ("mx1".into(), "postfix".into());
            gauge.seen(&mut b, queue, 500, m(s), None, Span::from_secs(90));
        }
        assert_eq!((b.mail_minutes, b.peak), (None, Some((500, m(0)))));
    }

    proptest! {
        #[test]
        fn the_peak_is_the_most_that_was_read_and_mail_minutes_only_grow(readings in prop::collection::vec((0i64..200, 0u64..5_000), 1..60)) {
            let (mut gauge, mut b, mut at, mut before) = (Gauge::default(), Backlog::default(), 0, 0);
            for (step, depth) in &readings {
                at += step;
                gauge.seen(&mut b, ("a".into(), "q".into()), *depth, m(at), Some(0), Span::from_secs(90));
                prop_assert!(b.mail_minutes.unwrap_or(0) >= before);
                before = b.mail_minutes.unwrap_or(0);
            }
            prop_assert_eq!(b.peak.unwrap().0, readings.iter().map(|r| r.1).max().unwrap());
        }
    }
}
