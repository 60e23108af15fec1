//! What the public is owed: the first word soon after an incident is noticed, the next ones at a cadence, and a last one when
//! it is over. The default cadence is the one that PagerDuty's public incident guide asks for (response.pagerduty.com,
//! "Customer liaison"): within 5 minutes, then every 20 minutes for two hours, then slower, here 60; and each update names
//! the time of the next one.
//!
//! A promise that was made to the public is a time of day, and is held against the wall clock; all else is counted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Incident, Moment};
use crate::domain::Span;

/// How often the public is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cadence {
    /// The first word comes within this time.
    pub first: Span,
    /// The next ones come this often,
    pub then: Span,
    /// for so long after it was noticed;
    pub until: Span,
    /// and after that this often.
    pub later: Span,
}

impl Default for Cadence {
    fn default() -> Self {
        Self {
            first: Span::from_mins(5),
            then: Span::from_mins(20),
            until: Span::from_hours(2),
            later: Span::from_mins(60),
        }
    }
}

/// It is said to be due this long before.
const SOON: Span = Span::from_mins(5);
/// A last word that nobody posted is spoken of for so long after the end.
const SPOKEN_OF: Span = Span::from_hours(24);

/// Which word is owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// The first.
    First,
    /// The next.
    Next,
    /// The one that says that it is over.
    Last,
}

/// What is owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Debt {
    /// Which word.
    pub word: Word,
    /// How long until it is due; negative when that is past.
    pub left: Span,
    /// Since the last update, where there was one.
    pub since: Option<Span>,
}

impl Debt {
    /// Whether its time is past.
    pub const fn is_overdue(&self) -> bool {
        self.left.is_negative()
    }
    /// Whether it is due within minutes, or overdue.
    pub fn is_due(&self) -> bool {
        self.left <= SOON
    }
    /// When it is due, on the clock of `now`.
    pub fn at(&self, now: Timestamp) -> Timestamp {
        self.left.after(now)
    }
    /// `public update OVERDUE by 2h12m`, `first public update due in 3m`.
    pub fn words(&self) -> String {
        let what = match self.word {
            Word::First => "first public update",
            Word::Next => "public update",
            Word::Last => "closing update",
        };
        if self.is_overdue() {
            format!("{what} OVERDUE by {}", Span::ZERO - self.left)
        } else {
            format!("{what} due in {}", self.left)
        }
    }
}

impl Cadence {
    /// How soon the next update follows one that was posted so long after the incident was noticed. That it gets slower does
    /// not stretch what was due before.
    pub fn after(self, noticed: Span) -> Span {
        if noticed < self.until { self.then } else { self.later }
    }
}

/// How soon the next update follows one that is posted at `now`: what it is to promise.
pub fn every(incident: &Incident, cadence: Cadence, now: Timestamp) -> Span {
    let now = Moment::new(now, incident.touched.steps);
    cadence.after(incident.noticed.until(now))
}

/// What is owed at `now`; `None` when nothing is.
pub fn debt(incident: &Incident, cadence: Cadence, now: Moment) -> Option<Debt> {
    let last = incident.last_update();
    let since = last.map(|(at, _)| at.until(now));
    if let Some(resolved) = incident.resolved() {
        let told = last.is_some_and(|(at, _)| !resolved.until(at).is_negative());
        let over = resolved.until(now);
        return (!told && over <= SPOKEN_OF).then(|| Debt {
            word: Word::Last,
            left: cadence.first - over,
            since,
        });
    }
    let Some((at, posted)) = last else {
        return Some(Debt {
            word: Word::First,
            left: cadence.first - incident.noticed.until(now),
            since,
        });
    };
    let by_cadence = cadence.after(incident.noticed.until(at)) - at.until(now);
    let promised = posted.next_at.map(|next| Span::between(now.at, next));
    Some(Debt {
        word: Word::Next,
        left: promised.map_or(by_cadence, |p| p.min(by_cadence)),
        since,
    })
}
