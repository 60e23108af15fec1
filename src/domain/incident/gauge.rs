//! The backlog of an incident, from readings of the queues of its servers: its peak, when it was cleared, and for how many
//! minutes messages waited beyond those that stood there before. Between two readings the earlier one holds; a time in which
//! not all of the queues were read is counted as unseen and not as empty.

use std::collections::BTreeMap;

use super::{Backlog, Moment};
use crate::domain::{Name, Span};

/// In microseconds.
const MINUTE: u128 = 60_000_000;

/// A queue was read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Read {
    /// How many messages waited in it.
    pub depth: u64,
    /// When.
    pub at: Moment,
    /// How long that holds.
    pub good_for: Span,
}

/// What was read last.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Gauge {
    queues: BTreeMap<Name, BTreeMap<Name, Read>>,
    last: Option<Moment>,
    /// Messages times microseconds that do not make a minute yet.
    rest: u128,
}

impl Gauge {
    /// A queue (its server, its name) was read. `all` are the queues of the incident's servers: what waits in one of them that
    /// was not read lately is not known, and then neither is the sum.
    pub fn seen<'q>(
        &mut self,
        backlog: &mut Backlog,
        (server, queue): (&Name, &Name),
        read: Read,
        all: impl Iterator<Item = (&'q Name, &'q Name)> + Clone,
    ) {
        let at = read.at;
        if let (Some(last), Some(stood)) = (self.last, backlog.stood) {
            let passed = last.until(at).max(Span::ZERO);
            match self.total(at, all.clone()) {
                Some(total) => {
                    let waited = total.saturating_sub(stood);
                    self.rest += u128::from(waited) * u128::from(passed.micros().unsigned_abs());
                    let minutes = u64::try_from(self.rest / MINUTE).unwrap_or(u64::MAX);
                    self.rest %= MINUTE;
                    backlog.mail_minutes = Some(backlog.mail_minutes.unwrap_or(0).saturating_add(minutes));
                }
                None => backlog.unseen = backlog.unseen + passed,
            }
        }
        if let Some(queues) = self.queues.get_mut(server) {
            queues.insert(queue.clone(), read);
        } else {
            self.queues
                .insert(server.clone(), BTreeMap::from([(queue.clone(), read)]));
        }
        self.last = Some(at);
        let Some(total) = self.total(at, all) else { return };
        if backlog.peak.is_none_or(|(peak, _)| total > peak) {
            (backlog.peak, backlog.cleared) = (Some((total, at)), None);
        }
        let Some((peak, _)) = backlog.peak else { return };
        let (stood, slack) = (backlog.stood.unwrap_or(0), backlog.slack());
        if peak <= stood + slack {
            return;
        }
        if total <= stood + slack {
            backlog.cleared.get_or_insert(at);
        } else if total > stood + 2 * slack {
            backlog.cleared = None;
        }
    }

    /// How many wait in all of them; `None` unless each was read lately.
    fn total<'q>(&self, at: Moment, mut all: impl Iterator<Item = (&'q Name, &'q Name)>) -> Option<u64> {
        all.try_fold(0_u64, |sum, (server, queue)| {
            let read = self.queues.get(server)?.get(queue)?;
            (read.at.until(at) <= read.good_for).then(|| sum.saturating_add(read.depth))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn m(s: i64) -> Moment {
        Moment::plain(jiff::Timestamp::from_second(1_800_000_000 + s).unwrap())
    }
    /// Readings of queues of one server: when, which, how many; `all` are there.
    fn readings(stood: Option<u64>, all: &[&str], readings: &[(i64, &str, u64)]) -> Backlog {
        let (mut gauge, server) = (Gauge::default(), Name::from("mx1"));
        let mut b = Backlog {
            stood,
            ..Backlog::default()
        };
        let all: Vec<Name> = all.iter().map(|q| Name::from(*q)).collect();
        for (at, queue, depth) in readings {
            let read = Read {
                depth: *depth,
                at: m(*at),
                good_for: Span::from_secs(90),
            };
            gauge.seen(
                &mut b,
                (&server, &(*queue).into()),
                read,
                all.iter().map(|q| (&server, q)),
            );
        }
        b
    }
    fn read(of_one: &[(i64, u64)]) -> Backlog {
        let all: Vec<_> = of_one.iter().map(|(at, n)| (*at, "postfix", *n)).collect();
        readings(Some(100), &["postfix"], &all)
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
        let b = readings(None, &["q"], &[(0, "q", 500), (60, "q", 500)]);
        assert_eq!((b.mail_minutes, b.peak), (None, Some((500, m(0)))));
    }

    #[test]
    fn a_large_backlog_is_not_cleared_while_thousands_wait() {
        assert_eq!(read(&[(0, 48_000), (10, 2_400)]).cleared, None);
        assert_eq!(read(&[(0, 48_000), (10, 201)]).cleared, None);
        assert_eq!(read(&[(0, 48_000), (10, 200)]).cleared, Some(m(10)));
    }

    #[test]
    fn a_queue_that_was_not_read_or_not_lately_is_not_empty() {
        let all = ["a", "b"];
        let first = readings(Some(0), &all, &[(0, "a", 10), (60, "a", 10)]);
        assert_eq!((first.peak, first.mail_minutes), (None, None));
        assert_eq!(first.unseen, Span::from_secs(60));
        // As after a restart: the peak is from the record, `b` holds it still.
        let both = [(0, "a", 1_000), (0, "b", 30_000)];
        let only_a = |at| (at, "a", 10);
        let old = readings(Some(0), &all, &[both[0], both[1], only_a(60), only_a(120), only_a(180)]);
        assert_eq!((old.peak, old.cleared), (Some((31_000, m(0))), None));
        assert_eq!(old.mail_minutes, Some(31_000), "of the first minute");
        assert_eq!(old.unseen, Span::from_secs(120), "`b` was not seen");
        let cleared = readings(Some(0), &all, &[both[0], both[1], only_a(60), (61, "b", 5)]);
        assert_eq!(cleared.cleared, Some(m(61)));
    }

    proptest! {
        #[test]
        fn the_peak_is_the_most_that_was_read_and_mail_minutes_only_grow(of_one in prop::collection::vec((0i64..200, 0u64..5_000), 1..60)) {
            let (mut at, mut before) = (0, 0);
            let all: Vec<_> = of_one.iter().map(|(step, n)| { at += step; (at, "q", *n) }).collect();
            for n in 1..=all.len() {
                let b = readings(Some(0), &["q"], &all[..n]);
                prop_assert!(b.mail_minutes.unwrap_or(0) >= before);
                before = b.mail_minutes.unwrap_or(0);
                prop_assert_eq!(b.peak.unwrap().0, all[..n].iter().map(|r| r.2).max().unwrap());
            }
        }
    }
}
