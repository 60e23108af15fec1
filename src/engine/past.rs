//! Looking back: the model as it stood at a moment of the record. The record is read on a thread of its own, and only to read.
//! A jump is answered twice: at once from the last known state and the minutes before the moment, then with all of the past
//! that the charts of a console show. From one moment to the next only what lies between is read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use crate::domain::effect::Back;
use crate::domain::{Name, Span, Text, Timestamp};
use crate::journal::{Cursor, Extent, Sqlite, Trouble};
use crate::model::Model;

/// How much of the past stands behind a moment, at least: what a console that starts brings back, too.
const BEHIND: Stretch = Stretch {
    span: Span::from_hours(2),
    events: 30_000,
};
/// The same for the first answer to a jump.
const AT_FIRST: Stretch = Stretch {
    span: Span::from_mins(10),
    events: 2_000,
};
/// Models that are kept on the way, so that the way back is short.
const KEPT: usize = 8;
/// They are so many events apart, and so far.
const APART: u64 = 1_500;
const APART_BY: Span = Span::from_mins(5);
/// The next line of the timeline is looked for so far, and among so many events at a time.
const FURTHEST: Span = Span::from_hours(24);
const AT_A_TIME: u64 = 1_000;

/// The fleet as it was.
#[derive(Clone, Debug)]
pub struct View {
    /// At this moment.
    pub at: Timestamp,
    /// What was known.
    pub model: Model,
    /// What the record spans.
    pub extent: Extent,
    /// Whether all of the past that is shown is behind it.
    pub whole: bool,
    /// From when on all events are behind it; of what came before, the last of each.
    pub from: Timestamp,
    /// When the oldest sample on record was taken.
    pub samples_from: Option<Timestamp>,
    /// Rows behind it that could not be read, and samples that were left out because there are too many.
    pub missing: u64,
}

/// Who looks back.
pub struct Past {
    db: Sqlite,
    /// Which file it is.
    file: Option<(u64, u64)>,
    of: Of,
    kept: Vec<Kept>,
}

/// What is looked back at.
#[derive(Clone, Debug, Default)]
pub struct Of {
    /// The journal.
    pub journal: PathBuf,
    /// From when to when it is shown, where nobody adds to it; else from its beginning, and as far as is asked.
    pub within: Option<Extent>,
    /// The servers that are meant, where several observers with different ones share the journal; the most where none is named.
    pub like: BTreeSet<Name>,
}

#[derive(Clone)]
struct Kept {
    at: Timestamp,
    place: Cursor,
    model: Model,
    from: Timestamp,
    missing: u64,
}

/// A stretch of the record: all that it holds of so long, and of longer where that is not so many events.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    span: Span,
    events: u64,
}

/// How much stands behind a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// What is read at once.
    AtFirst,
    /// All that is shown.
    Whole,
}

impl Past {
    /// Opens it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(of: Of) -> Result<Self, Trouble> {
        Ok(Self {
            file: identity(&of.journal),
            db: Sqlite::read_only(&of.journal)?,
            of,
            kept: Vec::new(),
        })
    }

    /// Whether the name stands for another file now: moved aside, or begun anew.
    pub fn is_gone(&self) -> bool {
        identity(&self.of.journal) != self.file
    }

    fn extent(&self) -> Result<Option<Extent>, Trouble> {
        match self.of.within {
            Some(within) => Ok(Some(within)),
            None => self.db.extent(),
        }
    }

    /// Whether a moment lies close enough to what was shown that all that is behind it is at hand.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn is_near(&self, at: Timestamp) -> Result<bool, Trouble> {
        let place = self.db.place_at(at)?;
        Ok(self.near(at, place).is_some())
    }

    fn near(&self, at: Timestamp, place: Cursor) -> Option<&Kept> {
        let leads = |k: &&Kept| k.at <= at && k.place <= place && k.place.until(place) <= APART;
        self.kept.iter().filter(leads).max_by_key(|k| k.place)
    }

    /// The fleet at a moment; at the nearest one that the record has for one outside it. `None` when the record is empty.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn at(&mut self, at: Timestamp, depth: Depth) -> Result<Option<View>, Trouble> {
        let Some(extent) = self.extent()? else {
            return Ok(None);
        };
        // Where somebody may add to it, a moment after the last event is one at which nothing was seen.
        let last = self.of.within.map_or(extent.last.max(at), |w| w.last);
        let at = at.clamp(extent.first, last);
        let samples_from = self.db.samples_from()?;
        let view = |kept: Kept| View {
            at,
            model: kept.model,
            extent,
            whole: depth == Depth::Whole,
            from: kept.from,
            samples_from,
            missing: kept.missing,
        };
        let place = self.db.place_at(at)?;
        if depth == Depth::AtFirst {
            return Ok(Some(view(self.anew(AT_FIRST, at, place)?)));
        }
        let mut now = if let Some(near) = self.near(at, place) {
            near.clone()
        } else {
            // Where the way back is likely to lead, and on from there.
            let early = (Span::ZERO - APART_BY).after(at);
            let early_place = self.db.place_at(early)?.max(place.before(APART)).min(place);
            let kept = self.anew(BEHIND, early, early_place)?;
            self.keep(&kept);
            kept
        };
        self.go_on(&mut now, at, place)?;
        self.keep(&now);
        Ok(Some(view(now)))
    }

    /// A model from the record alone.
    fn anew(&self, behind: Stretch, at: Timestamp, place: Cursor) -> Result<Kept, Trouble> {
        let by_span = (Span::ZERO - behind.span).after(at);
        // A record that is shorter than that stands behind it from its first event on.
        let by_events = self.db.stamp(place.before(behind.events))?;
        let from = by_events.map_or(Timestamp::MIN, |stamp| stamp.min(by_span));
        let start = self.db.start_until(from, place)?;
        let mut model = Model::new(None);
        model.known_from(from);
        model.retell(&start.events, &self.of.like);
        Ok(Kept {
            at,
            place,
            model,
            from,
            missing: start.skipped + start.left_out,
        })
    }

    fn go_on(&self, kept: &mut Kept, at: Timestamp, place: Cursor) -> Result<(), Trouble> {
        let (events, skipped) = self.db.after_until(kept.place, place)?;
        kept.model.retell(&events, &self.of.like);
        kept.missing += skipped;
        (kept.at, kept.place) = (at, place);
        Ok(())
    }

    fn keep(&mut self, now: &Kept) {
        let half = APART / 2;
        let apart = |k: &Kept| k.place.until(now.place).max(now.place.until(k.place)) >= half;
        if !self.kept.iter().all(apart) {
            return;
        }
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push(now.clone());
    }

    /// When the last line of the timeline before a moment came, or the next one after it; `None` when there is none in a day, or
    /// when `enough` says that nobody waits for it any more.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn line(
        &mut self,
        from: Timestamp,
        which: Way,
        enough: impl Fn() -> bool,
    ) -> Result<Option<Timestamp>, Trouble> {
        let Some(extent) = self.extent()? else {
            return Ok(None);
        };
        let from = from.clamp(extent.first, extent.last);
        match which {
            Way::Before => self.line_before(from, extent, enough),
            Way::After => self.line_after(from, extent, enough),
        }
    }

    fn line_before(
        &mut self,
        from: Timestamp,
        extent: Extent,
        enough: impl Fn() -> bool,
    ) -> Result<Option<Timestamp>, Trouble> {
        let mut at = from;
        while Span::between(at, from) < FURTHEST && !enough() {
            let Some(view) = self.at(at, Depth::Whole)? else {
                return Ok(None);
            };
            let behind = (Span::ZERO - BEHIND.span).after(at).min(view.from).max(extent.first);
            let stamps = view.model.moments().filter(|t| (view.from..from).contains(t));
            let found = stamps.max();
            if found.is_some() || behind <= extent.first {
                return Ok(found.filter(|t| *t >= extent.first));
            }
            at = behind.max((Span::ZERO - FURTHEST).after(from));
        }
        Ok(None)
    }

    fn line_after(
        &mut self,
        from: Timestamp,
        extent: Extent,
        enough: impl Fn() -> bool,
    ) -> Result<Option<Timestamp>, Trouble> {
        let place = self.db.place_at(from)?;
        let mut on = match self.near(from, place).cloned() {
            Some(near) => near,
            None => self.anew(AT_FIRST, from, place)?,
        };
        let end = self.db.place_at(FURTHEST.after(from).min(extent.last))?;
        while on.place < end && !enough() {
            let next = on.place.after(AT_A_TIME).min(end);
            self.go_on(&mut on, from, next)?;
            let stamps = on.model.moments().filter(|t| *t > from && *t <= extent.last);
            let found = stamps.min();
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// Which line of the timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// The last one before.
    Before,
    /// The next one after.
    After,
}

/// A question, with its number.
pub type Ask = (u64, Back);

/// Answers questions about the past on a thread of its own, until nobody asks or listens any more. Of questions that wait only
/// the last is answered; each answer bears the number of its question.
pub fn start(of: Of, asks: mpsc::Receiver<Ask>, answer: impl Fn(u64, Result<View, Text>) -> bool + Send + 'static) {
    let thread = std::thread::Builder::new().name("past".into());
    let spawned = thread.spawn(move || {
        let mut desk = Desk {
            past: None,
            of,
            asks,
            next: None,
        };
        while let Some(ask) = desk.ask() {
            if !desk.look(ask, &answer) {
                return;
            }
        }
    });
    if let Err(e) = spawned {
        tracing::error!(error = %e, "no thread to look back with");
    }
}

struct Desk {
    past: Option<Past>,
    of: Of,
    asks: mpsc::Receiver<Ask>,
    next: Option<Ask>,
}

impl Desk {
    /// The last question that waits.
    fn ask(&mut self) -> Option<Ask> {
        let mut ask = match self.next.take() {
            Some(ask) => ask,
            None => self.asks.recv().ok()?,
        };
        while let Ok(newer) = self.asks.try_recv() {
            ask = newer;
        }
        Some(ask)
    }

    /// Answers one question. Whether anybody listens still.
    fn look(&mut self, (number, ask): Ask, answer: &impl Fn(u64, Result<View, Text>) -> bool) -> bool {
        if self.past.as_ref().is_some_and(Past::is_gone) {
            self.past = None;
        }
        match self.looked(number, ask, answer) {
            Ok(listens) => listens,
            Err(why) => {
                // What was damaged or moved aside may be there again the next time.
                self.past = None;
                answer(number, Err(why))
            }
        }
    }

    fn looked(
        &mut self,
        number: u64,
        ask: Back,
        answer: &impl Fn(u64, Result<View, Text>) -> bool,
    ) -> Result<bool, Text> {
        let file = Text::from_bytes(self.of.journal.as_os_str().as_encoded_bytes());
        let failed = |why: Trouble| Text::from(format!("{file} cannot be read: {why}"));
        let empty = || Text::from("nothing is on record yet");
        let past = match &mut self.past {
            Some(past) => past,
            none => none.insert(Past::open(self.of.clone()).map_err(failed)?),
        };
        let (asks, next) = (&self.asks, std::cell::RefCell::new(None));
        let newer = || {
            if let Ok(newer) = asks.try_recv() {
                next.replace(Some(newer));
            }
            next.borrow().is_some()
        };
        let mut told = || -> Result<bool, Text> {
            let (at, none) = match ask {
                Back::To(at) => (Some(at), ""),
                Back::Before(at) => {
                    let line = past.line(at, Way::Before, newer).map_err(failed)?;
                    (line, "nothing happened in the day before this, as far as is on record")
                }
                Back::After(at) => {
                    let line = past.line(at, Way::After, newer).map_err(failed)?;
                    (line, "nothing happened in the day after this, as far as is on record")
                }
            };
            let at = match at {
                Some(at) => at,
                // Who pressed the key once more waits for that.
                None if newer() => return Ok(true),
                None => return Ok(answer(number, Err(none.into()))),
            };
            if !past.is_near(at).map_err(failed)? {
                let first = past.at(at, Depth::AtFirst).map_err(failed)?.ok_or_else(empty)?;
                if !answer(number, Ok(first)) {
                    return Ok(false);
                }
                if newer() {
                    return Ok(true);
                }
            }
            let whole = past.at(at, Depth::Whole).map_err(failed)?.ok_or_else(empty)?;
            Ok(answer(number, Ok(whole)))
        };
        let done = told();
        self.next = next.into_inner();
        done
    }
}
