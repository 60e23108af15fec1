//! The local horizon: how much of what waits in a queue reaches the end of its lifetime, and when.
//!
//! A listing tells arrivals by the hour, so a moment within an hour is interpolated: the messages of an hour are taken as
//! spread evenly over it. A queue is worked off in no known order, so every count here is an upper bound, to be worded as
//! "up to": what would be past its lifetime by then if it is still there. The end of a lifetime is not yet the bounce:
//! Postfix gives a message up at the first try after it that fails (qmgr(8), `maximal_queue_lifetime` in postconf(5)), at
//! most the longest time between two tries later; a try that works still delivers it. Mail that comes after the listing is
//! not counted, and held mail does not expire.

use jiff::Timestamp;

use super::{HourOfArrivals, QueueRules};
use crate::domain::{Span, Text};

const HOUR: Span = Span::from_hours(1);

/// What waits in a queue, as listed, and how long it may.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    /// Arrivals by the hour, held mail left out.
    pub hours: &'a [HourOfArrivals],
    /// The mail system's rules.
    pub rules: &'a QueueRules,
    /// No message arrived before this moment, where that is known better than by the hour.
    pub oldest: Option<Timestamp>,
    /// When it was listed.
    pub listed_at: Timestamp,
}

/// When the messages of one queue reach the end of their lifetime. All counts are upper bounds ("up to").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalHorizon {
    /// As of the listing of this moment.
    pub listed_at: Timestamp,
    /// No message that is not held reaches the end of its lifetime before this moment; the first one does within the hour
    /// after it. In the past: it is due at its next try. `None` when none waits.
    pub first: Option<Timestamp>,
    /// Up to how many are past their lifetime now: each is given up at its next try, unless that delivers it.
    pub due: u64,
    /// Up to how many reach the end of their lifetime before the queue is clear by its p50 and p90, those due included;
    /// `None` where no clear time is known.
    pub before_clear: Option<(u64, u64)>,
    /// A message is given up at most so long after the end of its lifetime: the most time between two tries. `None` when the
    /// system does not tell.
    pub late_by: Option<Span>,
    /// Why the listing was partial, when it was: the counts may then be too low.
    pub partial: Option<Text>,
}

impl Waiting<'_> {
    /// Up to how many reach the end of their lifetime by `moment`.
    pub fn expire_by(&self, moment: Timestamp) -> u64 {
        self.hours
            .iter()
            .map(|h| {
                self.ended(h, h.messages, self.rules.lifetime, moment)
                    + self.ended(h, h.bounces, self.rules.bounce_lifetime, moment)
            })
            .sum()
    }

    /// No lifetime ends before this moment; `None` when nothing waits.
    fn first(&self) -> Option<Timestamp> {
        let ends = |h: &HourOfArrivals| {
            let (from, _) = self.stretch(h);
            let of = |n: u64, lifetime: Span| (n > 0).then(|| lifetime.after(from));
            [
                of(h.messages, self.rules.lifetime),
                of(h.bounces, self.rules.bounce_lifetime),
            ]
        };
        self.hours.iter().flat_map(ends).flatten().min()
    }

    /// How many of `n` that arrived within an hour have been there for `lifetime` at `moment`; a started one counts whole.
    fn ended(&self, hour: &HourOfArrivals, n: u64, lifetime: Span, moment: Timestamp) -> u64 {
        let (from, to) = self.stretch(hour);
        let (long, past) = (Span::between(from, to), Span::between(lifetime.after(from), moment));
        if past.is_negative() {
            0
        } else if past >= long {
            n
        } else {
            // `past < long`, so `long` is above zero and the share below one.
            (n as f64 * (past.secs_f64() / long.secs_f64())).ceil() as u64
        }
    }

    /// When the messages of an hour can have arrived: not before the oldest, and not after the listing.
    fn stretch(&self, hour: &HourOfArrivals) -> (Timestamp, Timestamp) {
        let end = HOUR.after(hour.from);
        let from = self.oldest.map_or(hour.from, |o| o.max(hour.from));
        let to = end.min(self.listed_at);
        // Two clocks that differ: the hour as it stands.
        if from <= to { (from, to) } else { (hour.from, end) }
    }
}

/// The local horizon at `now`. `clears`: when the queue is clear by its p10, p50 and p90, where that is known.
pub fn local(waiting: &Waiting<'_>, clears: Option<[Timestamp; 3]>, now: Timestamp) -> LocalHorizon {
    LocalHorizon {
        listed_at: waiting.listed_at,
        first: waiting.first(),
        due: waiting.expire_by(now),
        before_clear: clears.map(|[_, p50, p90]| (waiting.expire_by(p50), waiting.expire_by(p90))),
        late_by: waiting.rules.retry.map(|(_, most)| most),
        partial: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(h: f64) -> Timestamp {
        Span::from_secs_f64(h * 3_600.0).after(Timestamp::from_second(1_800_000_000).unwrap())
    }
    fn rules(lifetime_h: i64, bounce_h: i64) -> QueueRules {
        QueueRules {
            lifetime: Span::from_hours(lifetime_h),
            bounce_lifetime: Span::from_hours(bounce_h),
            retry: Some((Span::from_secs(300), Span::from_secs(4_000))),
            delay_notice: None,
        }
    }
    fn hour(h: f64, messages: u64, bounces: u64) -> HourOfArrivals {
        HourOfArrivals {
            from: t(h),
            messages,
            bounces,
        }
    }
    fn waiting<'a>(hours: &'a [HourOfArrivals], rules: &'a QueueRules) -> Waiting<'a> {
        Waiting {
            hours,
            rules,
            oldest: None,
            listed_at: t(50.0),
        }
    }

    #[test]
    fn mail_expires_after_the_lifetime_of_its_server_and_bounces_after_their_own() {
        let hours = [hour(0.0, 100, 10), hour(1.0, 50, 0)];
        let rules = rules(120, 24);
        let w = waiting(&hours, &rules);
        assert_eq!(w.first(), Some(t(24.0)), "the bounces come first");
        assert_eq!((w.expire_by(t(23.9)), w.expire_by(t(25.0))), (0, 10));
        assert_eq!((w.expire_by(t(121.0)), w.expire_by(t(122.0))), (110, 160));
        let only_mail = [hour(0.0, 100, 0)];
        assert_eq!(waiting(&only_mail, &rules).first(), Some(t(120.0)));
    }

    #[test]
    fn within_an_hour_arrivals_are_taken_as_even_and_a_started_message_counts() {
        let hours = [hour(0.0, 100, 0)];
        let rules = rules(10, 10);
        let w = waiting(&hours, &rules);
        assert_eq!((w.expire_by(t(10.25)), w.expire_by(t(10.5))), (25, 50));
        assert_eq!(w.expire_by(t(10.001)), 1);
    }

    #[test]
    fn the_oldest_arrival_and_the_listing_itself_narrow_their_hours() {
        let hours = [hour(0.0, 100, 0)];
        let rules = rules(10, 10);
        let w = Waiting {
            oldest: Some(t(0.5)),
            listed_at: t(0.75),
            ..waiting(&hours, &rules)
        };
        assert_eq!(w.first(), Some(t(10.5)));
        assert_eq!(
            (w.expire_by(t(10.5)), w.expire_by(t(10.625)), w.expire_by(t(10.75))),
            (0, 50, 100)
        );
        // A listing of before the hour: the clocks differ, and nothing is narrowed or divided by zero.
        let odd = Waiting {
            listed_at: t(-1.0),
            ..w
        };
        assert_eq!((odd.first(), odd.expire_by(t(11.0))), (Some(t(10.0)), 100));
    }

    #[test]
    fn the_horizon_counts_what_ends_before_the_clear_times_and_says_nothing_without_them() {
        let hours = [hour(0.0, 100, 0), hour(1.0, 100, 0), hour(2.0, 100, 0)];
        let rules = rules(100, 100);
        let w = waiting(&hours, &rules);
        let h = local(&w, Some([t(99.0), t(101.0), t(102.5)]), t(100.5));
        assert_eq!((h.first, h.due, h.before_clear), (Some(t(100.0)), 50, Some((100, 250))));
        assert_eq!(h.late_by, Some(Span::from_secs(4_000)));
        assert_eq!(local(&w, None, t(60.0)).before_clear, None);
    }

    #[test]
    fn with_a_lifetime_of_zero_all_that_waits_is_due_and_an_empty_queue_has_no_first() {
        let hours = [hour(0.0, 7, 2)];
        let zero = rules(0, 0);
        let h = local(&waiting(&hours, &zero), None, t(50.0));
        assert_eq!((h.due, h.first), (9, Some(t(0.0))));
        let h = local(&waiting(&[], &zero), Some([t(51.0); 3]), t(50.0));
        assert_eq!((h.due, h.first, h.before_clear), (0, None, Some((0, 0))));
    }
}
