//! One canary as known: what became of its letters, how its mailbox is watched, why none are sent. Its trouble is never more
//! than a warning: that a letter has not come says that something is wrong with delivery, not which server is down.

use jiff::Timestamp;

use crate::domain::canary::tally::quantile;
use crate::domain::canary::{Counts, Tally, Watching};
use crate::domain::event::Fact;
use crate::domain::health::Verdict;
use crate::domain::reading::{Kept, Missed};
use crate::domain::roster::WatchedCanary;
use crate::domain::{Name, Span, Text};

use super::history::{Beat, History};

/// Round trips kept for the picture.
const KEEP_BEATS: usize = 720;
/// How long a letter that was lost stays a warning.
const LOST_STANDS: Span = Span::from_hours(1);

/// One canary.
#[derive(Clone, Debug)]
pub struct Canary {
    /// Its name.
    pub name: Name,
    /// As configured.
    pub watched: Option<WatchedCanary>,
    /// What became of its letters.
    pub tally: Tally,
    /// How its mailbox is watched.
    pub watching: Kept<Watching>,
    /// The last round trip, by the arrival that told of it.
    pub last: Option<(Span, Timestamp)>,
    /// The last letter could not be handed in; why, and when.
    pub unsent: Option<(Missed, Timestamp)>,
    /// None are sent; why, and since when.
    pub held: Option<(Text, Timestamp)>,
    /// The newest loss that was told.
    lost_at: Option<Timestamp>,
    /// The round trips.
    pub beats: History<Beat>,
}

/// What is the matter with a canary.
#[derive(Clone, PartialEq, Debug)]
pub enum Matter {
    /// Nothing.
    Nothing,
    /// No letters are sent, on purpose.
    Held,
    /// None has come yet.
    NotSeen,
    /// The mailbox is not watched.
    Blind,
    /// A letter could not be handed in.
    Unsent,
    /// A letter is late.
    Late,
    /// So many letters are lost.
    Lost(u64),
}

impl Matter {
    /// What it says of the servers.
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Nothing | Self::Held => Verdict::Ok,
            Self::NotSeen | Self::Blind => Verdict::Unknown,
            Self::Unsent | Self::Late | Self::Lost(_) => Verdict::Warn,
        }
    }
}

impl Canary {
    pub(super) fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            tally: Tally::default(),
            watching: Kept::default(),
            last: None,
            unsent: None,
            held: None,
            lost_at: None,
            beats: History::new(KEEP_BEATS),
        }
    }

    /// Letters of another way say nothing of this one.
    pub(super) fn watch(&mut self, w: &WatchedCanary) {
        let same = |old: &WatchedCanary| {
            (&old.way_in, &old.way_out, &old.to, &old.mailbox) == (&w.way_in, &w.way_out, &w.to, &w.mailbox)
        };
        if self.watched.as_ref().is_some_and(|old| !same(old)) {
            *self = Self::new(&self.name);
        }
        self.watched = Some(w.clone());
    }

    pub(super) fn seen(&mut self, fact: &Fact, at: Timestamp) {
        self.tally.take(fact, at);
        match fact {
            Fact::CanarySent(_) => (self.unsent, self.held) = (None, None),
            Fact::CanaryUnsent(why) => self.unsent = Some((why.clone(), at)),
            Fact::CanaryHeld(why) => {
                let since = self
                    .held
                    .take()
                    .filter(|(old, _)| old == why)
                    .map_or(at, |(_, since)| since);
                (self.held, self.unsent) = (Some((why.clone(), since)), None);
            }
            Fact::CanaryArrived(a) => {
                if self.last.is_none_or(|(_, before)| at >= before) {
                    self.last = Some((a.round_trip, at));
                }
                let late = a.round_trip > self.late();
                self.beat(at, a.round_trip, if late { Verdict::Warn } else { Verdict::Ok });
            }
            Fact::CanaryLost(_) => {
                self.lost_at = self.lost_at.max(Some(at));
                // A full block in the picture; no server is called down for it.
                self.beat(at, Span::ZERO, Verdict::Down);
            }
            Fact::CanaryWatching(how) => self.watching.saw(how.clone(), at),
            Fact::CanaryBlind(why) => self.watching.miss(why.clone(), at),
            _ => {}
        }
    }

    fn beat(&mut self, at: Timestamp, took: Span, verdict: Verdict) {
        let verdict = Some(verdict);
        self.beats.push(Beat { at, took, verdict });
    }

    /// When a letter is late.
    pub fn late(&self) -> Span {
        self.watched.as_ref().map_or(Span::from_mins(1), |w| w.late)
    }
    /// How often one is sent.
    pub fn every(&self) -> Span {
        self.watched.as_ref().map_or(Span::from_mins(1), |w| w.every)
    }
    /// What became of its letters.
    pub fn counts(&self, now: Timestamp) -> Counts {
        self.tally.counts(self.late(), now)
    }
    /// The middle and the ninth tenth of the round trips since `from`.
    pub fn round_trips(&self, from: Timestamp) -> Option<(Span, Span)> {
        let trips = self.tally.round_trips(from);
        Some((quantile(&trips, 500)?, quantile(&trips, 900)?))
    }

    /// What is the matter with it at `now`, the worst first.
    pub fn matter(&self, now: Timestamp) -> Matter {
        let counts = self.counts(now);
        let lost_lately = self.lost_at.is_some_and(|at| Span::between(at, now) <= LOST_STANDS);
        if lost_lately && !counts.lost.is_empty() {
            return Matter::Lost(counts.lost.len() as u64);
        }
        // The newest that came was late, and no other was due since.
        let stands = self.every() * 3 + self.late();
        let came_late = |(trip, at): (Span, Timestamp)| trip > self.late() && Span::between(at, now) <= stands;
        if counts.overdue > 0 || self.last.is_some_and(came_late) {
            return Matter::Late;
        }
        if self.unsent.is_some() {
            return Matter::Unsent;
        }
        if self.watching.last().is_some() && self.watching.reading(now, Span::from_hours(24 * 365)).fresh().is_none() {
            return Matter::Blind;
        }
        match (&self.held, self.last) {
            (Some(_), _) => Matter::Held,
            (None, None) => Matter::NotSeen,
            (None, Some(_)) => Matter::Nothing,
        }
    }
}
