//! What happened to a queue's messages over time, from one source: readings that follow each other, their running total,
//! and the rates of the last minutes. A gap between readings ends the total; nothing is averaged across it.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::Span;
use crate::domain::flow::{FlowCounts, FlowSeen, FlowSource};
use crate::domain::reading::Kept;

/// Readings kept: two hours at one each ten seconds.
const KEEP: usize = 720;
/// Readings further apart than this have a gap between them.
const SEAM: Span = Span::from_secs(2);
/// The time over which rates are taken, and how many readings at least.
const WINDOW: Span = Span::from_mins(5);
const LEAST: usize = 3;

/// One reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Happened {
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// What happened.
    pub counts: FlowCounts,
}

/// What happens now, a minute.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rates {
    /// What happened in `over`.
    pub counts: FlowCounts,
    /// The time that it happened in.
    pub over: Span,
    /// Where the counts come from.
    pub source: FlowSource,
}

impl Rates {
    /// So many in `over`, as a rate a minute.
    pub fn per_min(&self, count: u64) -> f64 {
        count as f64 / self.over.mins_f64()
    }
}

/// What happened to the messages of one queue, from one source.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    /// The last reading, as it was.
    pub last: Kept<FlowSeen>,
    past: VecDeque<Happened>,
    /// When the newest reading ended.
    end: Option<Timestamp>,
    /// Since the last gap, and how much of it was before the newest reading.
    total: FlowCounts,
    before: FlowCounts,
    /// No sample may carry the total until the next reading: it began anew.
    began: bool,
    /// The newest reading did not come to the end of the log.
    behind: bool,
}

impl Flows {
    pub(super) fn saw(&mut self, seen: &FlowSeen, at: Timestamp) {
        let follows = self
            .end
            .is_some_and(|end| Span::between(end, seen.from).micros().abs() <= SEAM.micros());
        // A log that is caught up with in several bites: the first one spans the time of all of them, and the others hold
        // what happened in it although they are a moment long. Together they are one reading, else they would be a spike.
        let bite = follows && self.behind;
        if !bite {
            self.before = if follows { self.total } else { FlowCounts::default() };
            self.began = !follows;
        }
        if follows {
            self.total += seen.counts;
        } else {
            // What happened since the reading began counts, but there is no earlier total to compare it with.
            self.total = FlowCounts::default();
        }
        match self.past.back_mut() {
            Some(first) if bite && Some(first.to) == self.end => {
                first.to = at.max(first.to);
                first.counts += seen.counts;
            }
            _ if seen.from < at => {
                self.past.push_back(Happened {
                    from: seen.from,
                    to: at,
                    counts: seen.counts,
                });
                if self.past.len() > KEEP {
                    self.past.pop_front();
                }
            }
            _ => {}
        }
        self.end = Some(at);
        self.behind = seen.behind > 0;
        self.last.saw(seen.clone(), at);
    }

    /// The total by `at`: within the newest reading by the share of it that had passed, and up to `slack` after its end as
    /// it was then. `None` elsewhere, while the log is still being caught up with, and in a reading that began anew.
    pub(super) fn total_by(&self, at: Timestamp, slack: Span) -> Option<FlowCounts> {
        let newest = self.past.back()?;
        if self.began || self.behind || at <= newest.from {
            return None;
        }
        if at <= newest.to {
            let part = Span::between(newest.from, at).secs_f64() / Span::between(newest.from, newest.to).secs_f64();
            let mut total = self.before;
            total += share(newest.counts, part);
            return Some(total);
        }
        (Span::between(newest.to, at) <= slack).then_some(self.total)
    }

    /// The time of the newest reading, once it came to the end of the log.
    pub(super) fn newest(&self) -> Option<&Happened> {
        self.past.back().filter(|_| !self.behind)
    }

    /// The readings, oldest first.
    pub fn past(&self) -> &VecDeque<Happened> {
        &self.past
    }

    /// What happened in the last minutes without a gap; `None` when the last reading is not of now, or not all of it.
    pub fn rates(&self, now: Timestamp, every: Span) -> Option<Rates> {
        let newest = self.newest()?;
        let source = self.last.last()?.source;
        let good_for = every * 3 + Span::between(newest.from, newest.to);
        self.last.reading(now, good_for).fresh()?;
        let (mut counts, mut over, mut later) = (FlowCounts::default(), Span::ZERO, newest.to);
        for (n, p) in self.past.iter().rev().enumerate() {
            let gap = Span::between(p.to, later).micros().abs() > SEAM.micros();
            if gap || (n >= LEAST && Span::between(p.from, newest.to) > WINDOW) {
                break;
            }
            counts += p.counts;
            over = over + Span::between(p.from, p.to);
            later = p.from;
        }
        (over > Span::ZERO).then_some(Rates { counts, over, source })
    }

    /// What happened between two moments; `None` unless readings cover all of it, but for a seam. Readings at the edges
    /// count by the share that lies inside.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Option<FlowCounts> {
        let wanted = Span::between(from, to);
        if wanted <= Span::ZERO {
            return None;
        }
        let (mut sum, mut covered) = (FlowCounts::default(), Span::ZERO);
        let whole = self.past.len() - usize::from(self.behind && !self.past.is_empty());
        for p in self.past.iter().take(whole) {
            let inside = Span::between(p.from.max(from), p.to.min(to));
            if inside <= Span::ZERO {
                continue;
            }
            sum += share(p.counts, inside.secs_f64() / Span::between(p.from, p.to).secs_f64());
            covered = covered + inside;
        }
        (covered > Span::ZERO && wanted - covered <= SEAM).then_some(sum)
    }
}

fn share(c: FlowCounts, part: f64) -> FlowCounts {
    let of = |n: u64| (n as f64 * part.clamp(0.0, 1.0)).round() as u64;
    FlowCounts {
        arrived: of(c.arrived),
        delivered: of(c.delivered),
        bounced: of(c.bounced),
        expired: of(c.expired),
        removed: of(c.removed),
        discarded: of(c.discarded),
        passed_on: of(c.passed_on),
        unexplained: of(c.unexplained),
        requeued: of(c.requeued),
        held: of(c.held),
        released: of(c.released),
        recipients: of(c.recipients),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Span = Span::from_secs(10);

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + s).unwrap()
    }
    fn reading(from: i64, arrived: u64, delivered: u64) -> FlowSeen {
        FlowSeen {
            source: FlowSource::Log,
            from: t(from),
            counts: FlowCounts {
                arrived,
                delivered,
                ..FlowCounts::default()
            },
            partial: None,
            behind: 0,
            log_age: None,
            took: Span::from_millis(5),
            cpu: None,
        }
    }
    fn read(flows: &mut Flows, from: i64, to: i64, arrived: u64, delivered: u64) {
        flows.saw(&reading(from, arrived, delivered), t(to));
    }
    /// Ten a reading in, thirty out, for so many readings.
    fn steady(readings: i64) -> Flows {
        let mut f = Flows::default();
        for n in 0..readings {
            read(&mut f, n * 10, n * 10 + 10, 10, 30);
        }
        f
    }

    #[test]
    fn rates_are_of_the_last_five_minutes() {
        let mut f = steady(60);
        read(&mut f, 600, 610, 10, 90);
        let r = f.rates(t(612), EVERY).unwrap();
        assert_eq!(r.over, Span::from_mins(5));
        assert!((r.per_min(r.counts.arrived) - 60.0).abs() < 1e-9);
        assert!((r.per_min(r.counts.delivered) - 192.0).abs() < 1e-9, "{r:?}");
    }

    #[test]
    fn no_rate_is_taken_across_a_gap_or_from_an_old_reading() {
        let mut f = steady(60);
        assert!(f.rates(t(660), EVERY).is_none(), "the last reading is a minute old");
        read(&mut f, 900, 910, 1, 1);
        let r = f.rates(t(911), EVERY).unwrap();
        assert_eq!((r.over, r.counts.arrived), (Span::from_secs(10), 1));
    }

    #[test]
    fn a_reading_that_catches_up_after_a_cut_is_one_long_interval_and_no_spike() {
        let mut f = steady(60);
        read(&mut f, 600, 720, 120, 360);
        let r = f.rates(t(721), EVERY).unwrap();
        assert!((r.per_min(r.counts.arrived) - 60.0).abs() < 1e-9, "{r:?}");
        assert!((r.per_min(r.counts.delivered) - 180.0).abs() < 1e-9, "{r:?}");
    }

    #[test]
    fn the_total_grows_while_readings_follow_each_other_and_begins_anew_after_a_gap() {
        let mut f = steady(3);
        let by = |f: &Flows, s| f.total_by(t(s), Span::from_secs(2)).map(|c| (c.arrived, c.delivered));
        assert_eq!(by(&f, 31), Some((20, 60)));
        assert_eq!(by(&f, 25), Some((15, 45)), "half of the newest reading had passed");
        assert_eq!(by(&f, 33), None, "what happened since the reading is not known yet");
        read(&mut f, 100, 110, 7, 7);
        assert_eq!(by(&f, 110), None, "nothing to compare it with yet");
        read(&mut f, 110, 120, 7, 7);
        assert_eq!(by(&f, 120), Some((7, 7)));
    }

    #[test]
    fn the_first_reading_sets_the_start_and_the_second_one_counts() {
        let mut f = Flows::default();
        read(&mut f, 0, 0, 0, 0);
        read(&mut f, 0, 10, 4, 2);
        assert_eq!(f.total_by(t(10), EVERY).map(|c| c.arrived), Some(4));
        assert_eq!(f.total_by(t(0), EVERY), None, "of before the start nothing is known");
    }

    #[test]
    fn a_log_that_is_caught_up_with_in_several_bites_is_one_reading_and_no_spike() {
        let mut f = steady(60);
        // Two minutes were missed: 120 in and 360 out, of which each bite has a third.
        for (from, to, behind) in [(600, 720, 2_000), (720, 721, 1_000), (721, 722, 0)] {
            let mut seen = reading(from, 40, 120);
            seen.behind = behind;
            f.saw(&seen, t(to));
            if behind > 0 {
                assert_eq!(f.rates(t(to), EVERY), None, "not all of it is read yet");
                assert_eq!(f.total_by(t(to), EVERY), None);
                assert_eq!(f.between(t(590), t(to)), None);
            }
        }
        let r = f.rates(t(722), EVERY).unwrap();
        assert!((r.per_min(r.counts.arrived) - 60.0).abs() < 1.0, "{r:?}");
        assert!((r.per_min(r.counts.delivered) - 180.0).abs() < 2.0, "{r:?}");
        assert_eq!(f.total_by(t(661), EVERY).map(|c| c.arrived), Some(590 + 60));
        assert_eq!(f.past().back().map(|p| (p.from, p.to)), Some((t(600), t(722))));
    }

    #[test]
    fn what_happened_between_two_moments_is_known_only_where_readings_cover_it() {
        let f = steady(60);
        let c = f.between(t(105), t(205)).unwrap();
        assert_eq!((c.arrived, c.delivered), (100, 300));
        assert_eq!(f.between(t(-100), t(100)), None);
        assert_eq!(f.between(t(500), t(700)), None);
        assert_eq!(f.between(t(100), t(100)), None);
        assert_eq!(
            f.between(t(590), t(601)).map(|c| c.arrived),
            Some(10),
            "a second is a seam"
        );
        assert_eq!(f.between(t(590), t(603)), None, "three are not");
        assert_eq!(Flows::default().between(t(0), t(1)), None, "nothing was read");
    }

    #[test]
    fn a_reading_of_no_time_gives_no_rate() {
        let mut f = Flows::default();
        read(&mut f, 0, 0, 5, 5);
        assert!(f.rates(t(1), EVERY).is_none());
        read(&mut f, 10, 5, 5, 5);
        assert!(f.rates(t(6), EVERY).is_none());
    }
}
