//! The past on every screen: the fleet as it was known at a moment of the record. Keys step through it, and it can be played.
//! While the past is shown nothing is done to a server and nothing is put on record; what happens meanwhile is taken in and is
//! there when the hands come back.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tui_input::Input;

use crate::console::keymap::{Command, Place};
use crate::console::when;
use crate::domain::effect::{Back, Effect};
use crate::domain::{Name, Span, Text};
use crate::model::Model;

use super::{App, Overlay, Screen, outage};

/// One step.
pub const STEP: Span = Span::from_mins(1);
/// So many times faster than it was, unless another speed was given.
pub const SPEED: f64 = 60.0;
/// A picture of what is played comes this often.
pub const PICTURE: Span = Span::from_millis(250);
/// What may be typed for a moment.
pub const FORMS: &str = "10:58, Sat 10:58, 2026-11-21 10:58, -2h, +10m";

/// What the console is told of the past.
#[derive(Clone, Debug)]
pub struct Seen {
    /// At this moment.
    pub at: Timestamp,
    /// What was known.
    pub model: Box<Model>,
    /// The earliest stamp of the record.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
    /// Whether all of the past that is shown is behind it.
    pub whole: bool,
    /// From when on all events are behind it; of what came before, the last of each.
    pub from: Timestamp,
    /// When the oldest sample on record was taken.
    pub samples_from: Option<Timestamp>,
    /// Rows behind it that are not there: not readable, or too many.
    pub missing: u64,
}

/// A console that shows the past.
#[derive(Clone, Debug)]
pub struct Travel {
    /// What is shown; `None` until the record has answered for the first time.
    pub shown: Option<Shown>,
    /// What was asked for and is not shown yet.
    pub wanted: Option<Back>,
    /// While it is played.
    pub play: Option<Play>,
    /// Whether it is to be played from the first picture on.
    plays: bool,
    /// The fleet as known now; `None` where only a record is shown.
    live: Option<Box<Model>>,
    /// The screen and the cursor from which somebody went back.
    here: Option<(Screen, Option<Name>)>,
}

/// What is shown of the past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The moment.
    pub at: Timestamp,
    /// From when the record goes.
    pub first: Timestamp,
    /// To when.
    pub last: Timestamp,
    /// Whether all that is behind it is read.
    pub whole: bool,
    /// From when on that is all that is on record.
    pub from: Timestamp,
    /// Whether its samples were let go by retention.
    pub let_go: bool,
    /// How much is not there.
    pub missing: u64,
}

/// How it is played.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Play {
    /// How many times faster than it was.
    pub speed: f64,
    /// What was shown when it began.
    from: Timestamp,
    /// When that was.
    since: Timestamp,
}

/// The moment to go to, being typed.
#[derive(Clone, Debug, Default)]
pub struct GoTo {
    /// What was typed.
    pub input: Input,
    /// Whether Enter was pressed on something that is no moment.
    pub tried: bool,
}

impl Travel {
    /// Of a record that nobody adds to; `plays` from the first picture on.
    pub const fn replay(to: Timestamp, plays: bool) -> Self {
        Self {
            shown: None,
            wanted: Some(Back::To(to)),
            play: None,
            plays,
            live: None,
            here: None,
        }
    }
    /// Whether only a record is shown, so that there is no way back to now.
    pub const fn is_replay(&self) -> bool {
        self.live.is_none()
    }
}

impl App {
    /// The moment that is shown when the clock shows `now`.
    pub fn moment(&self, now: Timestamp) -> Timestamp {
        match &self.past {
            Some(Travel { shown: Some(shown), .. }) => shown.at,
            // Of a record there is nothing else to be shown.
            Some(Travel {
                live: None,
                wanted: Some(Back::To(at)),
                ..
            }) => *at,
            _ => now,
        }
    }

    /// What the clock has, whatever is shown.
    pub const fn clock(&self) -> Timestamp {
        self.clock
    }

    /// The last moment that can be shown.
    pub fn past_ends(&self) -> Timestamp {
        match &self.past {
            Some(Travel {
                live: None,
                shown: Some(shown),
                ..
            }) => shown.last,
            _ => self.clock,
        }
    }

    /// Whether the past is shown. Until the record has answered, what is shown is what is known now.
    pub const fn is_past(&self) -> bool {
        matches!(
            &self.past,
            Some(Travel { shown: Some(_), .. } | Travel { live: None, .. })
        )
    }

    /// The fleet as known now, while the past is shown.
    pub(super) fn live(&mut self) -> Option<&mut Model> {
        self.past.as_mut()?.live.as_deref_mut()
    }

    /// What is to be done about the fleet as known now, whatever is shown; nothing for a record alone.
    pub(super) fn of_now<T: Default>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        if !self.is_past() {
            return act(self);
        }
        let Some(now) = self.live().map(std::mem::take) else {
            return T::default();
        };
        let was = std::mem::replace(&mut self.model, now);
        let done = act(self);
        let now = std::mem::replace(&mut self.model, was);
        if let Some(live) = self.live() {
            *live = now;
        }
        done
    }

    /// How the past is shown, from the fullest words to the fewest.
    pub(super) fn past_words(&self) -> Option<Vec<String>> {
        let travel = self.past.as_ref()?;
        let zone = &self.options.zone;
        let Some(shown) = travel.shown else {
            let to = match travel.wanted {
                _ if travel.is_replay() => "the record is being read".to_owned(),
                Some(Back::To(at)) => format!("going back to {}", when::moment(at, self.clock, zone)),
                _ => "going back".to_owned(),
            };
            return Some(vec![to]);
        };
        let what = if travel.is_replay() { "a record" } else { "the past" };
        let ago = when::age(shown.at, self.clock);
        let lacks = match shown {
            Shown { let_go: true, .. } => " · what was seen then was let go (keep)".to_owned(),
            Shown { missing: 1.., .. } => format!(" · {} rows of the record are not in it", shown.missing),
            _ => String::new(),
        };
        let how = match (travel.play, travel.wanted, shown.whole) {
            (Some(play), _, _) => format!(", played ×{}", play.speed),
            (None, Some(Back::Before(_) | Back::After(_)), _) => ", looking for the next line".to_owned(),
            (None, _, false) => ", reading what came before".to_owned(),
            _ => String::new(),
        };
        let ends = if shown.at <= shown.first {
            " · it begins here"
        } else if shown.at >= shown.last && travel.is_replay() {
            " · it ends here"
        } else {
            ""
        };
        Some(vec![
            format!("{what}, {ago} ago{how}{ends}{lacks}"),
            format!("{what}, {ago} ago"),
        ])
    }

    /// Where the keys of the past hold.
    pub const fn when(&self) -> Place {
        if self.is_past() { Place::Past } else { Place::Now }
    }

    /// What a key of the past does.
    pub(super) fn on_past(&mut self, command: Command) -> Vec<Effect> {
        let here = self.moment(self.clock);
        let from = match self.past.as_ref().and_then(|p| p.wanted) {
            // A key that is held down goes on from where it is going to.
            Some(Back::To(at)) => at,
            _ => here,
        };
        match command {
            Command::StepBack => self.go(Back::To((Span::ZERO - STEP).after(from))),
            Command::StepOn => self.go(Back::To(STEP.after(from))),
            Command::LineBefore => self.go(Back::Before(here)),
            Command::LineAfter => self.go(Back::After(here)),
            Command::GoTo => {
                self.overlay = Some(Overlay::GoTo(GoTo::default()));
                Vec::new()
            }
            Command::Live => self.back_to_now(),
            Command::Play => self.play_or_stop(),
            _ => Vec::new(),
        }
    }

    /// Why a key that does something does nothing.
    pub(super) fn not_in_the_past(&self) -> &'static str {
        match &self.past {
            Some(p) if p.is_replay() => "this is a record: nothing can be done to it",
            _ => "this is the past: nothing can be done to it, G goes back to now",
        }
    }

    /// Asks the record.
    fn go(&mut self, to: Back) -> Vec<Effect> {
        let clock = self.clock;
        match (&mut self.past, to) {
            (None, Back::After(_)) => {
                self.say("this is now: nothing has come after it yet");
                return Vec::new();
            }
            (None, Back::To(at)) if at >= clock => {
                self.say("this is now: nothing has come after it yet");
                return Vec::new();
            }
            (Some(travel), Back::To(at)) if at >= clock && !travel.is_replay() => return self.back_to_now(),
            (Some(travel), _) => (travel.wanted, travel.play) = (Some(to), None),
            (None, _) => {
                self.past = Some(Travel {
                    shown: None,
                    wanted: Some(to),
                    play: None,
                    plays: false,
                    live: Some(Box::default()),
                    here: None,
                });
            }
        }
        vec![self.ask(to)]
    }

    /// Only the answer to the last question counts.
    fn ask(&mut self, to: Back) -> Effect {
        self.asked += 1;
        Effect::Past(self.asked, to)
    }

    /// From when on the record behind what is shown was read event by event.
    pub fn read_from(&self) -> Option<Timestamp> {
        match &self.past {
            Some(Travel { shown: Some(shown), .. }) => Some(shown.from),
            _ => self.options.read_from,
        }
    }

    /// Back to now; to the end of a record that nobody adds to.
    fn back_to_now(&mut self) -> Vec<Effect> {
        let now = self.clock;
        let Some(travel) = &mut self.past else {
            self.say("this is now");
            return Vec::new();
        };
        travel.play = None;
        if let Some(live) = travel.live.take() {
            if travel.shown.is_some() {
                self.model = *live;
            }
            if let Some((screen, cursor)) = travel.here.take() {
                self.screen = screen;
                self.fleet.select(cursor);
            }
            self.past = None;
            self.fit(Some(0), "is no longer watched", now);
            self.forget_finished(now);
            self.say("back to now");
            return Vec::new();
        }
        let last = travel.shown.map(|s| s.last);
        travel.wanted = last.map(Back::To);
        last.map(|at| self.ask(Back::To(at))).into_iter().collect()
    }

    fn play_or_stop(&mut self) -> Vec<Effect> {
        let now = self.clock;
        let Some(travel) = &mut self.past else {
            self.say("only the past can be played: [ steps back, g goes to a time");
            return Vec::new();
        };
        let Some(shown) = travel.shown else { return Vec::new() };
        travel.play = match travel.play {
            Some(_) => None,
            None => Some(Play {
                speed: self.options.replay_speed,
                from: shown.at,
                since: now,
            }),
        };
        Vec::new()
    }

    /// What is played asks for its next picture, unless it waits for one.
    pub(super) fn play_on(&mut self, clock: Timestamp) -> Vec<Effect> {
        let Some(travel) = &mut self.past else {
            return Vec::new();
        };
        let (Some(play), Some(shown), None) = (travel.play, travel.shown, travel.wanted) else {
            return Vec::new();
        };
        let passed = Span::between(play.since, clock).secs_f64() * play.speed;
        let at = Span::from_secs_f64(passed).after(play.from);
        if at <= shown.at {
            return Vec::new();
        }
        if at >= shown.last {
            travel.play = None;
        }
        let to = Back::To(at.min(shown.last));
        travel.wanted = Some(to);
        vec![self.ask(to)]
    }

    /// The record has answered.
    pub(super) fn looked_back(&mut self, number: u64, seen: Result<Seen, Text>, now: Timestamp) {
        if number != self.asked {
            return;
        }
        let cursor = self
            .fleet
            .selected()
            .and_then(|name| self.position(name, self.moment(now)));
        let Some(travel) = &mut self.past else { return };
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => {
                (travel.wanted, travel.play, travel.plays) = (None, None, false);
                if travel.shown.is_none() && travel.live.is_some() {
                    self.past = None;
                }
                return self.say(why);
            }
        };
        let shown = Shown {
            at: seen.at,
            first: seen.first,
            last: seen.last,
            whole: seen.whole,
            from: seen.from,
            let_go: seen.samples_from.is_some_and(|oldest| seen.at < oldest),
            missing: seen.missing,
        };
        if seen.whole {
            travel.wanted = None;
        }
        if seen.whole && std::mem::take(&mut travel.plays) {
            travel.play = Some(Play {
                speed: self.options.replay_speed,
                from: seen.at,
                since: now,
            });
        }
        let before = std::mem::replace(&mut self.model, *seen.model);
        if travel.shown.replace(shown).is_none()
            && let Some(live) = &mut travel.live
        {
            **live = before;
            travel.here = Some((self.screen.clone(), self.fleet.selected().cloned()));
        }
        // A page of messages was listed by a server, and is of the moment in which it was.
        if let Screen::Messages(view) = &self.screen {
            self.screen = Screen::Server(view.back.clone());
        }
        self.go_with(cursor, "was not watched then", seen.at);
    }

    /// Enter and Esc where a moment is typed.
    pub(super) fn in_go_to(&mut self, command: Command, here: Timestamp) -> Vec<Effect> {
        let (zone, end) = (self.options.zone.clone(), self.past_ends());
        let Some(Overlay::GoTo(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        match command {
            Command::Open => match moment(dialog.input.value(), here, end, &zone) {
                Ok(at) => {
                    self.overlay = None;
                    return self.go(Back::To(at));
                }
                Err(_) => dialog.tried = true,
            },
            Command::Back => self.overlay = None,
            _ => {}
        }
        Vec::new()
    }
}

/// The moment that was typed: so long before or after `here`; a time, the one that is closest to `here`; a day of the week and a
/// time, the last such up to the `end` of what can be shown.
///
/// # Errors
/// What is wrong with it, in words.
pub fn moment(typed: &str, here: Timestamp, end: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let typed = typed.trim();
    let by = |span: &str| Span::parse(span).map_err(|e| format!("{e}: write {FORMS}"));
    if let Some(ago) = typed.strip_prefix('-').filter(|s| !s.is_empty()) {
        return Ok((Span::ZERO - by(ago.trim())?).after(here));
    }
    if let Some(later) = typed.strip_prefix('+') {
        return Ok(by(later.trim())?.after(here));
    }
    if let Ok(at) = typed.parse::<Timestamp>() {
        return Ok(at);
    }
    let alone = !typed.contains(char::is_whitespace);
    let closest = here.checked_add(SignedDuration::from_hours(12)).unwrap_or(here);
    match outage::since(typed, if alone { closest.min(end) } else { end }, zone) {
        Ok(Some(at)) => Ok(at),
        Ok(None) => Err(format!("type a moment: {FORMS}")),
        Err(why) => Err(why
            .replace(outage::FORMS, FORMS)
            .replace("that is in the future", "that is after the end of what can be shown")),
    }
}
