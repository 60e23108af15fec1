//! The update on its way to the public: shown as it will go out, with the time that it promises; then posted by the configured
//! program, or put on record as posted by hand. What is shown is what goes out: the words stand still while they are looked at.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use tui_input::Input;

use crate::console::app::{App, Overlay};
use crate::console::keymap::Place;
use crate::console::when;
use crate::domain::effect::{Effect, Went};
use crate::domain::incident::draft::{For, Stage, Template};
use crate::domain::incident::evidence::{Evidence, beware};
use crate::domain::incident::fact::Out;
use crate::domain::incident::{IncidentId, Said, State, debt, kept_whole};
use crate::domain::{Span, Text};

use super::dialog::{IncidentDialog, What};

/// How it gets out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// Somebody posts it elsewhere, and says so here.
    ByHand,
    /// The program of the config, as one would type it.
    Program(Text),
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It is being looked at.
    Shown,
    /// The program has it, since this moment.
    Publishing(Timestamp),
    /// It is not on record: what is known of it, and why.
    Failed(Went, Vec<Text>),
}

/// An update on its way.
#[derive(Clone, Debug)]
pub struct Posting {
    /// In how long, or when, the next one is promised; `-` for not at all.
    pub next: Input,
    /// How it gets out.
    pub way: Way,
    /// How far it is.
    pub reach: Reach,
    /// Whom the words are for.
    pub whom: For,
    /// What one has to know before these words go out.
    pub beware: Vec<String>,
    /// The other way, where there is one.
    program: Option<Text>,
    evidence: Box<Evidence>,
    template: Template,
    edited: Option<String>,
    now: Timestamp,
    zone: TimeZone,
}

impl Posting {
    /// The time that is promised, as it is understood now.
    pub fn next_at(&self, now: Timestamp) -> Result<Option<Timestamp>, String> {
        next_at(self.next.value(), now, &self.zone)
    }
    /// The time that is promised: counted from when the words were first shown, as they say it.
    pub fn next_at_shown(&self) -> Result<Option<Timestamp>, String> {
        self.next_at(self.now)
    }
    /// The words as they go out. Those that nobody edited name the time that is promised.
    pub fn words(&self) -> String {
        if let Some(edited) = &self.edited {
            return edited.clone();
        }
        let evidence = Evidence {
            next_update: self.next_at_shown().ok().flatten(),
            ..(*self.evidence).clone()
        };
        self.template
            .fill(&evidence, &|at| when::told(at, self.now, &self.zone))
    }
    /// Whether a person edited them.
    pub const fn is_edited(&self) -> bool {
        self.edited.is_some()
    }
    pub(super) const fn place(&self) -> Place {
        match self.reach {
            Reach::Shown => Place::Posting,
            Reach::Publishing(_) => Place::Publishing,
            Reach::Failed(..) => Place::NotPosted,
        }
    }
    pub(super) fn input(&mut self) -> Option<&mut Input> {
        matches!(self.reach, Reach::Shown).then_some(&mut self.next)
    }
    pub(super) fn other_way(&mut self) {
        self.way = match (&self.way, &self.program) {
            (Way::ByHand, Some(program)) => Way::Program(program.clone()),
            _ => Way::ByHand,
        };
    }
    /// Whether there is a program to choose.
    pub(super) const fn has_program(&self) -> bool {
        self.program.is_some()
    }
}

/// When the next update is promised, from what was typed: a length of time, a time of day that comes, or `-` for none.
///
/// # Errors
/// What is wrong with it.
pub fn next_at(typed: &str, now: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>, String> {
    let typed = typed.trim();
    if typed == "-" {
        return Ok(None);
    }
    let bad = || "write 20m, 1h, a time that comes as 19:30, or - for none".to_owned();
    let at = match typed.split_once(':') {
        Some((h, m)) => {
            let number = |s: &str| s.parse::<i8>().map_err(|_| bad());
            let time = Time::new(number(h)?, number(m)?, 0, 0).map_err(|_| bad())?;
            let here = now.to_zoned_datetime(zone.clone());
            let mut day = here.date();
            loop {
                let at = day
                    .to_datetime(time)
                    .to_zoned_datetime(zone.clone())
                    .map_err(|_| bad())?;
                if at.timestamp() > now {
                    break at.timestamp();
                }
                day = day.tomorrow().map_err(|_| bad())?;
            }
        }
        None => Span::parse(typed).map_err(|_| bad())?.after(now),
    };
    if Span::between(now, at) < Span::from_mins(1) || Span::between(now, at) > Span::from_hours(24 * 7) {
        return Err("promise it within a minute and a week".to_owned());
    }
    Ok(Some(at))
}

impl App {
    /// `P`.
    pub(super) fn post(&mut self, id: &IncidentId, now: Timestamp) {
        let Some(incident) = self.model.incident(id) else {
            return;
        };
        let chosen = self.drafts.get(id).cloned().unwrap_or_default();
        let stage = chosen.stage.unwrap_or(Stage::State(incident.state));
        let terms = &self.options.terms;
        let over = incident.is_resolved() || matches!(stage, Stage::Post | Stage::State(State::Resolved));
        let next = if over {
            "-".to_owned()
        } else {
            debt::every(incident, terms.cadence, now).to_string()
        };
        let program = terms.publish.as_ref().map(|p| Text::from(p.quoted()));
        let evidence = self.model.evidence(incident, terms.cadence, now);
        let posting = Posting {
            next: Input::new(next),
            way: program.clone().map_or(Way::ByHand, Way::Program),
            reach: Reach::Shown,
            whom: chosen.whom,
            program,
            beware: beware(&evidence, stage),
            evidence: Box::new(evidence),
            template: terms.templates.get(chosen.whom, stage),
            edited: chosen.edited.map(|(_, words)| words),
            now,
            zone: self.options.zone.clone(),
        };
        self.say_of(id.clone(), What::Post(Box::new(posting)));
    }

    /// Enter: the words go out, or on record, as they are shown.
    pub(super) fn confirm_post(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::Incident(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        let IncidentDialog {
            incident: Some(incident),
            what: What::Post(posting),
            said,
            scroll,
            ..
        } = &mut **dialog
        else {
            return Vec::new();
        };
        match posting.reach {
            Reach::Publishing(_) => return Vec::new(),
            // Enter once more looks at it again; nothing is posted twice by one key.
            Reach::Failed(went, _) => {
                if went == Went::Posted {
                    posting.way = Way::ByHand;
                }
                (posting.reach, *scroll) = (Reach::Shown, 0);
                return Vec::new();
            }
            Reach::Shown => {}
        }
        // The words say a time of day, worked out when they were first shown: that is the time that is promised.
        let next_at = match posting.next_at_shown() {
            Ok(Some(at)) if at <= now => Err("that time is past: give the next one".to_owned()),
            other => other,
        };
        let words = posting.words();
        let next_at = match next_at {
            _ if words.trim().is_empty() => {
                *said = Some("there are no words: Esc, then e".to_owned());
                return Vec::new();
            }
            Err(why) => {
                *said = Some(why);
                return Vec::new();
            }
            Ok(next_at) => next_at,
        };
        // Refused before anybody is told: the record has to have the words that went out.
        if let Err(why) = kept_whole(&words) {
            *said = Some(why);
            return Vec::new();
        }
        let incident = incident.clone();
        match &posting.way {
            Way::ByHand => {
                self.overlay = None;
                self.say("putting the update on record as posted");
                let said = Said::Posted {
                    words,
                    next_at,
                    out: Out::ByHand,
                };
                vec![Effect::Said {
                    incident: Some(incident),
                    said,
                }]
            }
            Way::Program(shown) => {
                if !self.publishing.insert(incident.clone()) {
                    *said = Some("a program has an update of it already: wait for its answer".to_owned());
                    return Vec::new();
                }
                let shown = shown.clone();
                (posting.reach, *scroll) = (Reach::Publishing(now), 0);
                vec![Effect::Publish {
                    incident,
                    shown,
                    words,
                    next_at,
                }]
            }
        }
    }

    /// The incidents whose update a program has just now, as people call them.
    pub fn publishing(&self) -> Vec<String> {
        let called = |id: &IncidentId| {
            self.model
                .incident(id)
                .map_or_else(|| id.to_string(), |i| i.called().to_owned())
        };
        self.publishing.iter().map(called).collect()
    }

    /// The program answered.
    pub(in crate::console::app) fn published(
        &mut self,
        id: &IncidentId,
        done: Result<(), (Went, Vec<Text>)>,
        now: Timestamp,
    ) {
        self.publishing.remove(id);
        let called = self
            .model
            .incident(id)
            .map_or_else(|| id.to_string(), |i| i.called().to_owned());
        let open = match &mut self.overlay {
            Some(Overlay::Incident(d)) if d.incident.as_ref() == Some(id) => match &mut d.what {
                What::Post(posting) if matches!(posting.reach, Reach::Publishing(_)) => Some(posting),
                _ => None,
            },
            _ => None,
        };
        match (done, open) {
            (Ok(()), Some(_)) => {
                self.overlay = None;
                self.say(format!("the update of {called} is posted, and on record"));
            }
            (Ok(()), None) => self.notice(now, format!("the update of {called} is posted")),
            (Err((went, why)), Some(posting)) => posting.reach = Reach::Failed(went, why),
            (Err((went, why)), None) => {
                let why = why.first().cloned().unwrap_or_default();
                self.notice(now, format!("the update of {called} {}: {why}", went.words()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_update_is_promised_by_a_length_or_a_time_that_comes() {
        let now: Timestamp = "2026-11-22T18:36:04Z".parse().unwrap();
        let on = |typed: &str| next_at(typed, now, &TimeZone::UTC).map(|at| at.map(|a| a.to_string()));
        assert_eq!(on(" 20m "), Ok(Some("2026-11-22T18:56:04Z".into())));
        assert_eq!(on("19:30"), Ok(Some("2026-11-22T19:30:00Z".into())));
        assert_eq!(on("09:00"), Ok(Some("2026-11-23T09:00:00Z".into())));
        assert_eq!(on("-"), Ok(None));
        for bad in ["", "soon", "20", "25:00", "19:3x", "10s", "30d", "-5m"] {
            assert!(on(bad).is_err(), "{bad}: {:?}", on(bad));
        }
    }
}
