//! When the next look at a queue may come, so that looking keeps the mail host busy for no more than the load budget.
//! Pure. Each look is paid for afterwards: what it took is owed, and is worked off at the rate of the budget. A
//! listing waits until nothing is owed; while it waits, cheap counts go on at up to half of the budget. So a shallow queue
//! is listed every interval, and a deep one rarely, with its depth still fresh.

use jiff::Timestamp;

use crate::domain::Span;
use crate::domain::queue::How;

/// No look waits longer, whatever it owes.
pub const MAX_WAIT: Span = Span::from_hours(24);

/// After a listing that failed, the next one waits at least so many intervals; counts go on.
const AFTER_MISS: i64 = 6;

/// A count that failed is not tried again for this long: a login's rights seldom change.
const COUNT_AGAIN: Span = Span::from_hours(1);

/// What to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// List every message.
    List,
    /// Count the files.
    Count,
    /// Nothing for this long; then ask again.
    Wait(Span),
}

/// How long nothing may be asked after a look that took `took`, for the share `permille` of one core to hold.
pub fn rest_after(took: Span, permille: u32) -> Span {
    let took = took.micros().max(0);
    match i64::from(permille) {
        0 => MAX_WAIT,
        p => Span::from_micros(took.saturating_mul(1_000) / p).min(MAX_WAIT),
    }
}

/// The pace of the looks at one queue.
#[derive(Clone, Debug)]
pub struct Pace {
    interval: Span,
    permille: u32,
    /// The end of the last look.
    last: Option<Timestamp>,
    /// When each kind may come, if nothing else is looked at before.
    list_from: Option<Timestamp>,
    count_from: Option<Timestamp>,
}

impl Pace {
    /// Looks at most every `interval`, taking at most `permille` thousandths of one core.
    pub fn new(interval: Span, permille: u32) -> Self {
        Self {
            interval: interval.max(Span::from_millis(100)),
            permille: permille.min(1_000),
            last: None,
            list_from: None,
            count_from: None,
        }
    }

    /// What to do at `now`, when nothing is under way. First a count, which gives a depth at once, then a listing.
    pub fn next(&self, now: Timestamp) -> Look {
        let Some(last) = self.last else {
            return Look::Count;
        };
        let Some(list_from) = self.list_from else {
            return Look::List;
        };
        if now < last {
            // The clock was put back: what is owed cannot be told, so one look is free, and the wait starts anew.
            return self.count_from.map_or(Look::List, |_| Look::Count);
        }
        let soonest = self.interval.after(last);
        let count_from = self.count_from.map_or(soonest, |c| c.max(soonest));
        let list_from = list_from.max(soonest);
        if now >= list_from {
            Look::List
        } else if now >= count_from {
            Look::Count
        } else {
            Look::Wait(Span::between(now, list_from.min(count_from)).min(MAX_WAIT))
        }
    }

    /// A look ended at `now` after `took`.
    pub fn ran(&mut self, how: How, took: Span, now: Timestamp) {
        let stepped_back = self.last.is_some_and(|last| now < last);
        self.last = Some(now);
        let rest = rest_after(took, self.permille);
        match how {
            How::Listed => self.list_from = Some(rest.after(now)),
            How::Counted => {
                // Half of the budget for counts: what a count takes also puts off the listing.
                self.count_from = Some(rest_after(took * 2, self.permille).after(now));
                self.list_from = self.list_from.map(|at| {
                    let owed = if stepped_back {
                        Span::ZERO
                    } else {
                        Span::between(now, at)
                    };
                    (owed.max(Span::ZERO) + rest).min(MAX_WAIT).after(now)
                });
            }
        }
    }

    /// Something else was read at `now` that kept the host busy for `took`: a listing is put off by what that is worth.
    pub fn spent(&mut self, took: Span, now: Timestamp) {
        let rest = rest_after(took, self.permille);
        self.list_from = self.list_from.map(|at| {
            let owed = Span::between(now, at).max(Span::ZERO);
            (owed + rest).min(MAX_WAIT).after(now)
        });
    }

    /// A look failed at `now` after `took`: it has cost the host all the same.
    pub fn missed(&mut self, how: How, took: Span, now: Timestamp) {
        self.ran(how, took, now);
        match how {
            How::Counted => self.count_from = self.count_from.map(|at| at.max(COUNT_AGAIN.after(now))),
            How::Listed => {
                let least = (self.interval * AFTER_MISS).after(now);
                self.list_from = self.list_from.map(|at| at.max(least));
            }
        }
    }

    /// A look at `now` did not get to the host, so it cost the host nothing and says nothing of the next one. A listing that
    /// was lost on the way may have begun there: it waits a little, and a count comes first.
    pub fn unreached(&mut self, how: How, now: Timestamp) {
        if how == How::Listed {
            let least = (self.interval * AFTER_MISS).after(now);
            self.list_from = Some(self.list_from.map_or(least, |at| at.max(least)));
        }
    }

    /// How long until the next listing, as far as is known at `now`: for `QueueSnapshot::next_listing`.
    pub fn next_listing(&self, now: Timestamp) -> Span {
        let soonest = self.last.map_or(now, |last| self.interval.after(last));
        let at = self.list_from.map_or(now, |at| at.max(soonest));
        Span::between(now, at).max(Span::ZERO).min(MAX_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    struct Day {
        busy: Span,
        lists: u64,
        counts: u64,
        longest_gap: Span,
    }

    /// A day of looks, where `depth` gives the queue's depth at each moment.
    fn day(permille: u32, depth: impl Fn(Span) -> f64) -> Day {
        let (mut now, end) = (start(), Span::from_hours(24).after(start()));
        let mut pace = Pace::new(Span::from_secs(10), permille);
        let mut d = Day {
            busy: Span::ZERO,
            lists: 0,
            counts: 0,
            longest_gap: Span::ZERO,
        };
        let mut before = now;
        while now < end {
            let messages = depth(Span::between(start(), now));
            let (how, took) = match pace.next(now) {
                Look::Wait(s) => {
                    assert!(s > Span::ZERO && s <= MAX_WAIT);
                    now = s.after(now);
                    continue;
                }
                Look::List => (How::Listed, Span::from_secs_f64(0.005 + messages / 37_000.0)),
                Look::Count => (How::Counted, Span::from_secs_f64(0.003 + messages / 1_500_000.0)),
            };
            d.longest_gap = d.longest_gap.max(Span::between(before, now));
            now = took.after(now);
            before = now;
            pace.ran(how, took, now);
            d.busy = d.busy + took;
            match how {
                How::Listed => d.lists += 1,
                How::Counted => d.counts += 1,
            }
        }
        d
    }

    /// The share that was used, leaving out the last listing, which is paid for after the day.
    fn duty(d: &Day, last: f64) -> f64 {
        (d.busy.secs_f64() - last) / 86_400.0
    }

    #[test]
    fn a_shallow_queue_is_listed_every_interval() {
        let d = day(20, |_| 100.0);
        assert!((8_600..=8_640).contains(&d.lists), "{}", d.lists);
        assert!(d.counts <= 1);
        assert!(duty(&d, 0.0) < 0.02);
    }

    #[test]
    fn a_deep_queue_is_listed_rarely_within_the_budget_and_its_depth_stays_fresh() {
        for (messages, lists, gap_s) in [(20_000.0, 2_000..=3_300, 12), (1e6, 28..=66, 110)] {
            let d = day(20, |_| messages);
            assert!(duty(&d, messages / 37_000.0) <= 0.02, "{messages}: {}", duty(&d, 0.0));
            assert!(
                duty(&d, 0.0) >= 0.012,
                "{messages}: the budget is there to be used: {}",
                duty(&d, 0.0)
            );
            assert!(lists.contains(&d.lists), "{messages}: {} listings", d.lists);
            assert!(d.longest_gap <= Span::from_secs(gap_s), "{messages}: {}", d.longest_gap);
        }
    }

    #[test]
    fn a_queue_that_grows_and_drains_in_a_day_stays_within_the_budget() {
        for permille in [5, 20, 100] {
            let d = day(permille, |at| 1e6 * (1.0 - (at.secs_f64() / 43_200.0 - 1.0).abs()));
            assert!(
                duty(&d, 27.1) <= f64::from(permille) / 1e3,
                "{permille}: {}",
                duty(&d, 0.0)
            );
        }
    }

    #[test]
    fn the_first_look_counts_and_the_listing_follows_at_once() {
        let mut p = Pace::new(Span::from_secs(10), 20);
        assert_eq!(p.next(start()), Look::Count);
        p.ran(How::Counted, Span::from_millis(3), start());
        assert_eq!(p.next(start()), Look::List);
        p.ran(How::Listed, Span::from_millis(5), start());
        assert_eq!(p.next(start()), Look::Wait(Span::from_secs(10)));
        assert_eq!(p.next(Span::from_secs(10).after(start())), Look::List);
    }

    #[test]
    fn what_else_is_read_puts_the_next_listing_off_by_what_it_is_worth() {
        let mut p = Pace::new(Span::from_secs(10), 20);
        p.ran(How::Counted, Span::from_millis(3), start());
        p.ran(How::Listed, Span::from_millis(100), start());
        assert_eq!(p.next_listing(start()), Span::from_secs(10));
        p.spent(Span::from_millis(200), start());
        assert_eq!(p.next_listing(start()), Span::from_secs(15));
        p.spent(Span::ZERO, start());
        assert_eq!(p.next_listing(start()), Span::from_secs(15));
        // Where nobody looked yet nothing is owed, and the first look comes at once.
        let mut p = Pace::new(Span::from_secs(10), 20);
        p.spent(Span::from_secs(1), start());
        assert_eq!((p.next(start()), p.next_listing(start())), (Look::Count, Span::ZERO));
    }

    #[test]
    fn where_counting_is_denied_only_listings_come() {
        let mut p = Pace::new(Span::from_secs(10), 20);
        p.missed(How::Counted, Span::from_millis(3), start());
        assert_eq!(p.next(start()), Look::List);
        p.ran(How::Listed, Span::from_secs(2), start());
        assert_eq!(p.next_listing(start()), Span::from_secs(100));
        assert_eq!(p.next(start()), Look::Wait(Span::from_secs(100)));
        assert_eq!(p.next(Span::from_secs(100).after(start())), Look::List);
    }

    #[test]
    fn where_listing_fails_counts_go_on() {
        let mut p = Pace::new(Span::from_secs(10), 20);
        p.ran(How::Counted, Span::from_millis(3), start());
        p.missed(How::Listed, Span::from_millis(3), start());
        let mut now = start();
        let mut looks = Vec::new();
        for _ in 0..14 {
            match p.next(now) {
                Look::Wait(s) => now = s.after(now),
                Look::Count => {
                    looks.push('c');
                    p.ran(How::Counted, Span::from_millis(3), now);
                }
                Look::List => {
                    looks.push('l');
                    p.missed(How::Listed, Span::from_millis(3), now);
                }
            }
        }
        assert_eq!(looks.iter().collect::<String>(), "ccccccl");
    }

    #[test]
    fn a_host_that_was_out_of_reach_for_hours_is_counted_at_the_next_look_and_listed_within_a_minute() {
        let mut p = Pace::new(Span::from_secs(10), 20);
        p.unreached(How::Counted, start());
        assert_eq!(p.next(start()), Look::Count, "it was never reached");
        p.ran(How::Counted, Span::from_millis(3), start());
        p.ran(How::Listed, Span::from_millis(20), start());
        let mut now = start();
        for _ in 0..500 {
            match p.next(now) {
                Look::List => p.unreached(How::Listed, now),
                Look::Count => p.unreached(How::Counted, now),
                Look::Wait(_) => {}
            }
            now = Span::from_secs(20).after(now);
        }
        let listed = (0..6).find(|n| p.next(Span::from_secs(10 * n).after(now)) == Look::List);
        assert!(listed.is_some(), "{:?}", p.next_listing(now));
        // The login may not count: then listings alone bring it back, and as soon.
        let mut p = Pace::new(Span::from_secs(10), 20);
        p.missed(How::Counted, Span::from_millis(3), start());
        p.unreached(How::Listed, start());
        assert_eq!(p.next(start()), Look::Wait(Span::from_mins(1)));
        assert_eq!(p.next(Span::from_mins(1).after(start())), Look::List);
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_stop_the_looks() {
        let mut p = Pace::new(Span::from_secs(10), 20);
        p.ran(How::Counted, Span::from_millis(3), start());
        p.ran(How::Listed, Span::from_secs(1), start());
        let back = Span::from_hours(-5).after(start());
        assert_eq!(p.next(back), Look::Count);
        p.ran(How::Counted, Span::from_millis(3), back);
        assert!(matches!(p.next(back), Look::Wait(s) if s <= Span::from_secs(10)));
    }

    #[test]
    fn no_budget_at_all_still_waits_a_stated_time() {
        assert_eq!(rest_after(Span::from_secs(1), 0), MAX_WAIT);
        assert_eq!(rest_after(Span::from_secs(i64::MAX), 1), MAX_WAIT);
        assert_eq!(rest_after(Span::from_secs(-1), 20), Span::ZERO);
        assert_eq!(rest_after(Span::from_millis(540), 20), Span::from_secs(27));
    }
}
