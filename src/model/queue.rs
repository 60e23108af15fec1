//! One queue as known: its last reading and listing, its depth over time with what was counted beside it, what happened to
//! its messages, and what is expected of it.

use std::collections::{VecDeque, vec_deque};
use std::sync::OnceLock;

use jiff::Timestamp;

use crate::domain::event::Fact;
use crate::domain::flow::{FlowCounts, FlowSource, Sample};
use crate::domain::forecast::{self, Drain, Forecast, Why};
use crate::domain::health::{Limits, Verdict};
use crate::domain::horizon::QueueRules;
use crate::domain::queue::{How, QueueSnapshot};
use crate::domain::reading::{Kept, Missed, Reading};
use crate::domain::roster::WatchedQueue;
use crate::domain::{Name, Span};

use super::cost::{Cost, Look};
use super::flows::{Flows, Happened};
use super::history::History;

/// Depth samples kept for each queue: eight hours at one each ten seconds.
const KEEP_SAMPLES: usize = 2_880;
/// A log that was not read for so long is not followed any more: the engine reads even a dear one each five minutes.
const LOG_IS_LOST: Span = Span::from_mins(15);
/// However dear the log is, it is read at least this often.
const LOG_AT_LEAST: Span = Span::from_mins(5);
/// A look at the depth so soon after a reading of the log has what the log said, until more is known.
const SAME_MOMENT: Span = Span::from_secs(2);
/// Samples in a row with counts, below which those without are left out of a forecast.
const FEW_COUNTED: usize = 30;
/// A queue with more deferred messages is not empty. A few that wait are part of any healthy one.
pub(super) const PASSING_DEFERRED: u64 = 30;
/// Looks that the budget sets further apart than this are not enough to call a queue known.
const LONGEST_STEP: Span = Span::from_mins(30);

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its name.
    pub name: Name,
    /// As configured.
    pub watched: Option<WatchedQueue>,
    /// The last reading, counted or listed.
    pub depth: Kept<QueueSnapshot>,
    /// The last full listing, which may be older.
    pub listed: Kept<QueueSnapshot>,
    /// Depth over time, from complete readings only.
    pub samples: History<Sample>,
    /// What the mail log says happened.
    pub log: Flows,
    /// What message identities in listings say happened.
    pub listings: Flows,
    /// How its mail system treats mail that waits.
    pub rules: Kept<QueueRules>,
    /// What reading it cost.
    pub cost: Cost,
    forecast: OnceLock<Expected>,
}

/// A forecast, and the sample that it is as of. It is the newest one, or the newest up to which the log was read.
#[derive(Clone, Copy, Debug)]
struct Expected {
    as_of: Option<Timestamp>,
    forecast: Forecast,
}

/// Where what is known of a queue's messages comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// The mail log: it tells mail that was delivered from mail that expired or was removed.
    Log,
    /// Identities in listings: they tell mail that expired, but not mail that was removed.
    Listings,
    /// The depth alone: nothing is told apart.
    Depth,
}

impl Told {
    /// What a clear time takes for granted where no log tells it, in words.
    pub const fn doubt(self) -> Option<&'static str> {
        match self {
            Self::Log => None,
            Self::Listings => Some("by listings: deletion would look the same"),
            Self::Depth => Some("by depth alone: expiry or deletion would look the same"),
        }
    }
}

/// How the log and the identities in listings differ over one stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Disagreement {
    /// How long it is.
    pub over: Span,
    /// What the listings at its two ends say.
    pub listed: FlowCounts,
    /// What the log says.
    pub log: FlowCounts,
}

impl Queue {
    pub(super) fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            depth: Kept::default(),
            listed: Kept::default(),
            samples: History::new(KEEP_SAMPLES),
            log: Flows::default(),
            listings: Flows::default(),
            rules: Kept::default(),
            cost: Cost::default(),
            forecast: OnceLock::new(),
        }
    }

    pub(super) fn seen(&mut self, fact: &Fact, at: Timestamp, every: Span) {
        match fact {
            Fact::QueueSeen(snapshot) => {
                self.cost.add(Look {
                    at,
                    took: snapshot.took,
                    cpu: snapshot.cpu,
                });
                if snapshot.complete() {
                    self.samples.push(self.sample(snapshot, at, every));
                    self.forecast = OnceLock::new();
                }
                if snapshot.listing.is_some() {
                    self.listed.saw(snapshot.clone(), at);
                }
                self.depth.saw(snapshot.clone(), at);
            }
            Fact::QueueMissed(why) => {
                self.missed(why, at);
                self.depth.miss(why.clone(), at);
            }
            Fact::FlowSeen(flow) => {
                // What listings tell has been paid for with the listing.
                if flow.source == FlowSource::Log {
                    self.cost.add(Look {
                        at,
                        took: flow.took,
                        cpu: flow.cpu,
                    });
                }
                self.flows_of(flow.source).saw(flow, at);
                if flow.source == FlowSource::Log {
                    self.count_samples();
                }
            }
            Fact::FlowMissed(why) => {
                self.missed(why, at);
                self.log.last.miss(why.clone(), at);
            }
            Fact::MessagesListed(took) => self.cost.add(Look {
                at,
                took: *took,
                cpu: None,
            }),
            Fact::RulesSeen(rules) => self.rules.saw(rules.clone(), at),
            _ => {}
        }
    }

    /// What failed has cost the host all the same, where it was reached.
    fn missed(&mut self, why: &Missed, at: Timestamp) {
        if why.took > Span::ZERO {
            self.cost.add(Look {
                at,
                took: why.took,
                cpu: None,
            });
        }
    }

    fn flows_of(&mut self, source: FlowSource) -> &mut Flows {
        match source {
            FlowSource::Log => &mut self.log,
            FlowSource::Listings => &mut self.listings,
        }
    }

    /// A sample with what was counted by then. The log is exact, but it is read at moments of its own: a sample beyond its
    /// newest reading has no counts until the next one. Without a log, identities are known at listings only.
    fn sample(&self, snapshot: &QueueSnapshot, at: Timestamp, every: Span) -> Sample {
        let sample = Sample {
            at,
            depth: snapshot.depth.total(),
            held: Some(snapshot.depth.hold),
            ..Sample::default()
        };
        let counted = match snapshot.how {
            _ if self.log_speaks(at) => self
                .log
                .total_by(at, SAME_MOMENT.min(Span::from_micros(every.micros() / 4))),
            How::Listed => self.listings.total_by(at, Span::from_secs(1)),
            How::Counted => None,
        };
        counted.map_or(sample, |c| counted_by(sample, c))
    }

    /// The log was read: samples that were taken since it was read before get what it says had happened by then.
    fn count_samples(&mut self) {
        let Some(newest) = self.log.newest().copied() else {
            return;
        };
        for sample in self.samples.newest_first().take_while(|s| s.at > newest.from) {
            if let Some(c) = self.log.total_by(sample.at, Span::ZERO) {
                *sample = counted_by(*sample, c);
            }
        }
        self.forecast = OnceLock::new();
    }

    /// What its last reading says at `now`, unknown when it is stale.
    pub fn verdict(&self, limits: Limits, now: Timestamp, good_for: Span) -> Verdict {
        self.reading(now, good_for)
            .fresh()
            .map_or(Verdict::Unknown, |s| s.verdict(limits))
    }
    /// Whether the log was read lately. Where it cannot be read any more, listings tell what happens.
    fn log_speaks(&self, at: Timestamp) -> bool {
        self.log
            .last
            .at()
            .is_some_and(|last| Span::between(last, at) <= LOG_IS_LOST)
    }
    /// What is expected of it, and its rates. Unknown when the last reading is stale at `now`, and while the log is followed
    /// but what it counted is old: depth alone would take mail that expires for mail that is delivered.
    pub fn forecast(&self, now: Timestamp, every: Span) -> Forecast {
        let unknown = |why| Forecast {
            drain: Drain::Unknown { why },
            net_per_min: None,
            in_per_min: None,
            out_per_min: None,
            otherwise_per_min: None,
            counts: forecast::Counts::None,
            ..self.expected().forecast
        };
        // Readings that are partial give no sample: what was expected of the last whole one grows old.
        let good_for = self.stays_good(every * 3);
        let old = |at: Timestamp, most: Span| Span::between(at, now) > most;
        let newest = self.samples.points().back().map(|s| s.at);
        match self.reading(now, every * 3) {
            Reading::Fresh { .. } if newest.is_some_and(|at| old(at, good_for)) => unknown(Why::Stale),
            Reading::Fresh { .. }
                if self
                    .expected()
                    .as_of
                    .is_some_and(|at| old(at, good_for + self.log_every())) =>
            {
                unknown(Why::LogIsOld)
            }
            Reading::Fresh { value, .. } => {
                let mut expected = self.expected().forecast;
                // Mail that was tried and waits for another try does not pass through, however busy the queue is.
                if expected.drain == Drain::Empty && value.depth.deferred > PASSING_DEFERRED {
                    expected.drain = Drain::Stalled;
                }
                // With nothing but the depth, mail that is past its lifetime and goes looks as mail that is delivered.
                let clears = matches!(expected.drain, Drain::Clears { .. });
                if clears && self.told_by(now) == Told::Depth && self.expire_by(now).is_some_and(|due| due > 0) {
                    return unknown(Why::MayExpire);
                }
                expected
            }
            Reading::Stale { .. } => unknown(Why::Stale),
            Reading::Never { .. } => unknown(Why::TooFew),
        }
    }
    /// As of the newest sample that can be judged. Worked out when it is first asked for after it came.
    fn expected(&self) -> &Expected {
        self.forecast.get_or_init(|| {
            let samples = self.judged();
            let as_of = samples.clone().next_back().map(|s| s.at);
            Expected {
                as_of,
                forecast: forecast::forecast(samples, as_of.unwrap_or(Timestamp::UNIX_EPOCH)),
            }
        })
    }
    /// The samples that a forecast may be made of: all of them, or where the log is followed those up to its newest reading.
    /// While few of these are counted, no others: what went before the log was followed may have expired.
    fn judged(&self) -> vec_deque::Iter<'_, Sample> {
        let samples = self.samples.points();
        if !samples.back().is_some_and(|s| self.log_speaks(s.at)) {
            return samples.range(..);
        }
        let is_counted = |s: &Sample| s.arrivals.is_some();
        let end = samples.iter().rposition(is_counted).map_or(0, |last| last + 1);
        let run = samples
            .range(..end)
            .rev()
            .take_while(|s| is_counted(s))
            .take(FEW_COUNTED)
            .count();
        samples.range(if run < FEW_COUNTED { end - run } else { 0 }..end)
    }
    /// Where what is known of its messages comes from at `now`.
    pub fn told_by(&self, now: Timestamp) -> Told {
        let newest = self.samples.points().back();
        if self.log_speaks(newest.map_or(now, |s| s.at)) {
            Told::Log
        } else if newest.is_some_and(|s| s.arrivals.is_some())
            && self.expected().forecast.counts == forecast::Counts::Used
        {
            Told::Listings
        } else {
            Told::Depth
        }
    }
    /// The time between the two last readings of the log: what happened since the newest is not known.
    fn log_every(&self) -> Span {
        let newest = self.log.past().back();
        newest
            .map_or(Span::ZERO, |p| Span::between(p.from, p.to))
            .min(LOG_AT_LEAST)
    }
    /// When it will be clear, as moments: one in ten is earlier, the middle, one in ten is later. `None` where no clear
    /// time is known.
    pub fn clears(&self, now: Timestamp, every: Span) -> Option<[Timestamp; 3]> {
        let from = self.expected().as_of?;
        match self.forecast(now, every).drain {
            Drain::Clears { p10, p50, p90 } => Some([p10, p50, p90].map(|s| s.after(from))),
            _ => None,
        }
    }
    /// What happens to its messages now, from the log where it is followed, else from listings.
    pub fn flow(&self, now: Timestamp, every: Span) -> Option<super::flows::Rates> {
        if self.log_speaks(now) {
            self.log.rates(now, every)
        } else {
            self.listings.rates(now, every)
        }
    }
    /// Where the log and the identities in listings differ, over the newest stretch between two listings that the log covers:
    /// it is read at moments of its own, so the newest of all is often not among them yet. `None` when they agree, or where
    /// nothing is covered.
    pub fn disagreement(&self) -> Option<Disagreement> {
        let read = self.log.newest()?.to;
        let lately = |l: &&Happened| Span::between(l.to, read) <= LOG_IS_LOST;
        let (listings, log) = (self.listings.past().iter().rev().take_while(lately))
            .find_map(|l| Some((l, self.log.between(l.from, l.to)?)))?;
        let listed = listings.counts;
        let off = (listed.net() - log.net()).unsigned_abs();
        // A listing is a sample: mail that moves while it is made may be missed (postqueue(1)).
        let slack = 20 + (log.arrived + log.exits() + log.otherwise()) / 20;
        (off > slack).then(|| Disagreement {
            over: Span::between(listings.from, listings.to),
            listed,
            log,
        })
    }
    /// Net messages a minute.
    pub fn net_per_min(&self, now: Timestamp, every: Span) -> Option<f64> {
        self.forecast(now, every).net_per_min
    }
    /// Depth over time, oldest first.
    pub fn samples(&self) -> &VecDeque<Sample> {
        self.samples.points()
    }
    /// The last reading at `now`.
    pub fn reading(&self, now: Timestamp, good_for: Span) -> Reading<&QueueSnapshot> {
        self.depth.reading(now, self.stays_good(good_for))
    }
    /// How long a reading may be called true: `good_for`, or longer where the load budget makes looks rarer. A login that
    /// may not count files sees a deep queue only at each listing. The screen shows the age in any case.
    fn stays_good(&self, good_for: Span) -> Span {
        let next = self
            .depth
            .last()
            .and_then(|s| s.next_look)
            .unwrap_or_default()
            .min(LONGEST_STEP);
        if next * 2 <= good_for {
            good_for
        } else {
            next + good_for
        }
    }
}

/// A sample with what was counted by then.
fn counted_by(sample: Sample, c: FlowCounts) -> Sample {
    Sample {
        arrivals: Some(c.arrived),
        exits: Some(c.exits()),
        otherwise: Some(c.otherwise()),
        ..sample
    }
}
