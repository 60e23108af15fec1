//! Looking back: the model as it stood at a moment of the record. The record is read on a thread of its own, and only to read.
//! A jump is answered twice: at once from the last known state and the minutes before the moment, then with all of the past
//! that the charts of a console show. From one moment to the next only what lies between is read.

use std::path::Path;
use std::sync::mpsc;

use crate::domain::effect::Back;
use crate::domain::{Span, Text, Timestamp};
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
/// The next line of the timeline is looked for so far at a time.
const LOOKED: Span = Span::from_mins(30);

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
}

/// Who looks back.
pub struct Past {
    db: Sqlite,
    within: Option<Extent>,
    kept: Vec<Kept>,
}

#[derive(Clone)]
struct Kept {
    at: Timestamp,
    place: Cursor,
    model: Model,
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
    /// Of this journal, all of it or not further than `within`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(path: &Path, within: Option<Extent>) -> Result<Self, Trouble> {
        Ok(Self {
            db: Sqlite::read_only(path)?,
            within,
            kept: Vec::new(),
        })
    }

    fn extent(&self) -> Result<Option<Extent>, Trouble> {
        match self.within {
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
        let at = at.clamp(extent.first, extent.last);
        let view = |model| View {
            at,
            model,
            extent,
            whole: depth == Depth::Whole,
        };
        let place = self.db.place_at(at)?;
        if depth == Depth::AtFirst {
            return Ok(Some(view(self.anew(AT_FIRST, at, place)?.model)));
        }
        let mut now = if let Some(near) = self.near(at, place) {
            near.clone()
        } else {
            // Where the way back is likely to lead, and on from there.
            let early = (Span::ZERO - APART_BY).after(at);
            let early_place = self.db.place_at(early)?.max(place.before(APART));
            let kept = self.anew(BEHIND, early, early_place)?;
            self.keep(&kept);
            kept
        };
        self.go_on(&mut now, at, place)?;
        self.keep(&now);
        Ok(Some(view(now.model)))
    }

    /// A model from the record alone.
    fn anew(&self, behind: Stretch, at: Timestamp, place: Cursor) -> Result<Kept, Trouble> {
        let by_span = (Span::ZERO - behind.span).after(at);
        // A record that is shorter than that stands behind it from its first event on.
        let by_events = self.db.stamp(place.before(behind.events))?;
        let from = by_events.map_or(Timestamp::MIN, |stamp| stamp.min(by_span));
        let start = self.db.start_until(from, place)?;
        let mut model = Model::new(None);
        model.apply_all(&start.events);
        Ok(Kept { at, place, model })
    }

    fn go_on(&self, kept: &mut Kept, at: Timestamp, place: Cursor) -> Result<(), Trouble> {
        kept.model.apply_all(&self.db.after_until(kept.place, place)?);
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

    /// When the last line of the timeline before a moment came, or the next one after it; `None` when there is none.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn line(&mut self, from: Timestamp, which: Way) -> Result<Option<Timestamp>, Trouble> {
        let Some(extent) = self.extent()? else {
            return Ok(None);
        };
        let mut at = from.clamp(extent.first, extent.last);
        loop {
            let end = match which {
                Way::Before => at,
                Way::After => LOOKED.after(at).min(extent.last),
            };
            let Some(view) = self.at(end, Depth::Whole)? else {
                return Ok(None);
            };
            let behind = (Span::ZERO - BEHIND.span).after(end);
            let stamps = view.model.moments().filter(|t| *t > behind && *t <= end);
            let found = match which {
                Way::Before => stamps.filter(|t| *t < from).max(),
                Way::After => stamps.filter(|t| *t > from).min(),
            };
            if found.is_some() {
                return Ok(found);
            }
            match which {
                Way::Before if behind > extent.first => at = behind,
                Way::After if end < extent.last => at = end,
                _ => return Ok(None),
            }
        }
    }
}

/// Which line of the timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// The last one before.
    Before,
    /// The next one after.
    After,
}

/// Answers questions about the past of a journal on a thread of its own, until nobody asks or listens any more. Of questions
/// that wait only the last is answered.
pub fn start(
    path: &Path,
    within: Option<Extent>,
    asks: mpsc::Receiver<Back>,
    answer: impl Fn(Result<View, Text>) -> bool + Send + 'static,
) {
    let path = path.to_owned();
    let open = move || Past::open(&path, within);
    let thread = std::thread::Builder::new().name("past".into());
    let spawned = thread.spawn(move || {
        let mut past = None;
        while let Ok(mut ask) = asks.recv() {
            let mut next = None;
            loop {
                while let Ok(newer) = asks.try_recv() {
                    next = Some(newer);
                }
                if let Some(newer) = next.take() {
                    ask = newer;
                }
                if !look(&mut past, &open, ask, &asks, &mut next, &answer) {
                    return;
                }
                if next.is_none() {
                    break;
                }
            }
        }
    });
    if let Err(e) = spawned {
        tracing::error!(error = %e, "no thread to look back with");
    }
}

/// Answers one question. Whether anybody listens still.
fn look(
    past: &mut Option<Past>,
    open: &impl Fn() -> Result<Past, Trouble>,
    ask: Back,
    asks: &mpsc::Receiver<Back>,
    next: &mut Option<Back>,
    answer: &impl Fn(Result<View, Text>) -> bool,
) -> bool {
    let mut looked = || -> Result<bool, Text> {
        let failed = |why: Trouble| Text::from(format!("the record cannot be read: {why}"));
        let empty = || Text::from("there is nothing on record yet");
        if past.is_none() {
            *past = Some(open().map_err(failed)?);
        }
        let Some(past) = past.as_mut() else { return Ok(true) };
        let (at, none) = match ask {
            Back::To(at) => (Some(at), ""),
            Back::Before(at) => (
                past.line(at, Way::Before).map_err(failed)?,
                "nothing is on record before this",
            ),
            Back::After(at) => (
                past.line(at, Way::After).map_err(failed)?,
                "nothing is on record after this",
            ),
        };
        let at = at.ok_or(none)?;
        if !past.is_near(at).map_err(failed)? {
            let first = past.at(at, Depth::AtFirst).map_err(failed)?.ok_or_else(empty)?;
            if !answer(Ok(first)) {
                return Ok(false);
            }
            // Who pressed the key once more waits for that, and not for all that is behind this.
            if let Ok(newer) = asks.try_recv() {
                *next = Some(newer);
                return Ok(true);
            }
        }
        let whole = past.at(at, Depth::Whole).map_err(failed)?.ok_or_else(empty)?;
        Ok(answer(Ok(whole)))
    };
    looked().unwrap_or_else(|why| answer(Err(why)))
}
