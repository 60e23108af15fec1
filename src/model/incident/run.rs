//! The probes of one door as the opening rules see them: how often it failed in a row and since when, or since when it is good.
//! What nobody saw is neither: a time without a look ends both runs, and a run that was not seen lately says nothing of now.

use jiff::Timestamp;

use crate::domain::Span;
use crate::domain::health::Layer;
use crate::domain::incident::Moment;
use crate::domain::incident::fact::Failed;
use crate::domain::incident::opening::{DoorNow, Is};
use crate::model::{Door, Server};

/// Probes in a row that are not bad, and end a run of bad ones, as for horizons.
const IN_A_ROW: u32 = 2;

/// A door's probes, as far as rules need them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    /// The first bad probe of this run.
    first_bad: Option<Moment>,
    last_good_before: Option<Timestamp>,
    last_bad: Option<Moment>,
    last_good: Option<Timestamp>,
    layer: Option<Layer>,
    bad: u32,
    /// How many in a row were not bad.
    not_bad: u32,
    /// Since when it is good, when it was last seen so, and how often in a row.
    good: Option<(Moment, Moment, u32)>,
    /// The last probe that told anything.
    looked: Option<Moment>,
}

impl Run {
    /// It was down, at this layer. Without any look for longer than `absent`, nobody looked.
    pub(super) fn bad(&mut self, at: Moment, layer: Option<Layer>, absent: Span) {
        self.look(at, absent);
        if self.first_bad.is_none() {
            (self.first_bad, self.last_good_before) = (Some(at), self.last_good);
        }
        (self.bad, self.not_bad) = (self.bad + 1, 0);
        (self.last_bad, self.layer, self.good) = (Some(at), layer, None);
    }
    /// It worked.
    pub(super) fn good(&mut self, at: Moment, absent: Span) {
        self.look(at, absent);
        let (since, n) = self.good.map_or((at, 1), |(since, _, n)| (since, n + 1));
        (self.good, self.last_good) = (Some((since, at, n)), Some(at.at));
        self.is_not_bad();
    }
    /// It failed at what is no outage.
    pub(super) fn troubled(&mut self, at: Moment, absent: Span) {
        self.look(at, absent);
        self.good = None;
        self.is_not_bad();
    }

    /// How it was while nobody looked is not known: what it says now begins now.
    fn look(&mut self, at: Moment, absent: Span) {
        if self.looked.is_some_and(|last| last.until(at) > absent) {
            (self.good, self.first_bad, self.bad, self.not_bad) = (None, None, 0, 0);
        }
        self.looked = Some(at);
    }
    /// One that is not bad among bad ones is no end of them.
    const fn is_not_bad(&mut self) {
        self.not_bad += 1;
        if self.not_bad >= IN_A_ROW {
            (self.bad, self.first_bad) = (0, None);
        }
    }

    /// How the rules see it at `now`; `None` for a door that never failed.
    pub(super) fn now(&self, server: &Server, door: &Door, now: Moment) -> Option<DoorNow> {
        let last_bad = self.last_bad?;
        let first_bad = self.first_bad.unwrap_or(last_bad);
        let is_old = self.looked.is_none_or(|last| last.until(now) > server.good_for());
        Some(DoorNow {
            failed: Failed {
                server: server.name.clone(),
                door: door.name.clone(),
                role: door.watched.as_ref().map(|w| w.role).unwrap_or_default(),
                layer: self.layer?,
                first_bad: first_bad.at,
                last_good: self.last_good_before,
            },
            first_bad,
            last_bad,
            is: match self.good {
                _ if is_old => Is::Unclear,
                Some((since, last, n)) if n >= IN_A_ROW => Is::Good(since, last),
                None if self.bad > 0 && self.not_bad == 0 => Is::Bad(self.bad),
                _ => Is::Unclear,
            },
        })
    }
}
