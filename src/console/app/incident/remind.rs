//! What the public is owed, on every screen, and telling a person once who looks elsewhere.

use jiff::Timestamp;

use crate::console::app::App;
use crate::console::when;
use crate::domain::Text;
use crate::domain::effect::Effect;
use crate::domain::incident::debt::{Debt, Word, debt};
use crate::domain::incident::{Incident, IncidentId};

/// How urgent it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Due {
    /// Its time is past.
    Overdue,
    /// Within minutes.
    Soon,
    /// Not yet, or nothing is owed.
    Later,
}

/// One debt that was told of: of this incident, this word, after so many updates.
pub(in crate::console::app) type Told = (IncidentId, &'static str, Option<Timestamp>);

/// An incident with what is owed of it.
#[derive(Clone, Copy, Debug)]
pub struct Owed<'m> {
    /// The incident.
    pub incident: &'m Incident,
    /// What is owed, if anything is.
    pub debt: Option<Debt>,
}

impl Owed<'_> {
    /// How urgent.
    pub fn due(&self) -> Due {
        match self.debt {
            Some(d) if d.is_overdue() => Due::Overdue,
            Some(d) if d.is_due() => Due::Soon,
            _ => Due::Later,
        }
    }
}

impl App {
    /// What is owed of an incident.
    pub fn owed(&self, incident: &Incident, now: Timestamp) -> Option<Debt> {
        debt(incident, self.options.terms.cadence, self.model.moment(now))
    }

    /// Incidents that go on, and those of which a word is still owed; the most urgent first.
    pub fn all_owed(&self, now: Timestamp) -> Vec<Owed<'_>> {
        let mut all: Vec<Owed<'_>> = self
            .model
            .incidents()
            .map(|incident| Owed {
                incident,
                debt: self.owed(incident, now),
            })
            .filter(|o| !o.incident.is_resolved() || o.debt.is_some())
            .collect();
        all.sort_by_key(|o| (o.due(), o.debt.map(|d| d.left)));
        all
    }

    /// The incident that the header speaks of, in words from the most to the fewest; and how urgent it is.
    pub fn incident_line(&self, now: Timestamp) -> Option<(Vec<String>, Due)> {
        let all = self.all_owed(now);
        let first = all.first()?;
        let i = first.incident;
        // That it is good again is said while probes say so; over is what a person said.
        let good_again = i.restored().filter(|_| self.model.seen_good(i, now).is_some());
        let over = good_again.or(i.resolved()).unwrap_or(self.model.moment(now));
        let lasted = i.start().at.until(over);
        let good = if good_again.is_some() { ", good again" } else { "" };
        let lasted = format!("{}{good}", when::whole(lasted));
        let more = match all.len() {
            0 | 1 => String::new(),
            n => format!(" · +{} more", n - 1),
        };
        let (long, short) = match (first.debt, first.due()) {
            (Some(d), Due::Overdue | Due::Soon) => (format!(" · {}", d.words()), format!(" · {}", brief(&d))),
            _ => (String::new(), String::new()),
        };
        let called = match &i.number {
            Some(number) => format!("{number} {}", i.name()),
            None => i.name().to_string(),
        };
        let forms = vec![
            format!("{called} · {lasted}{long}{more}"),
            format!("{called} · {lasted}{short}{more}"),
            format!("{} · {lasted}{short}{more}", i.number.as_ref().unwrap_or(i.name())),
            format!("incident{short}{more}"),
        ];
        Some((forms, first.due()))
    }

    /// Tells of what has become due, once each.
    pub(in crate::console::app) fn remind(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.options.terms.remind.is_empty() {
            return Vec::new();
        }
        let mut told = Vec::new();
        let mut words: Option<Text> = None;
        for o in self.all_owed(now) {
            let Some(d) = o.debt.filter(|_| o.due() != Due::Later) else {
                continue;
            };
            let last = o.incident.last_update().map(|(at, _)| at.at);
            let key: Told = (o.incident.id.clone(), which(d.word), last);
            if !self.reminded.contains(&key) {
                let text = || format!("{} {}: {}", o.incident.called(), o.incident.name(), d.words()).into();
                words.get_or_insert_with(text);
                told.push(key);
            }
        }
        self.reminded.extend(told);
        let how = self.options.terms.remind.clone();
        words.map(|words| Effect::Remind { how, words }).into_iter().collect()
    }
}

const fn which(word: Word) -> &'static str {
    match word {
        Word::First => "first",
        Word::Next => "next",
        Word::Last => "last",
    }
}

/// `update OVERDUE 2h12m`, `update due in 3m`.
fn brief(d: &Debt) -> String {
    if d.is_overdue() {
        format!("update OVERDUE {}", crate::domain::Span::ZERO - d.left)
    } else {
        format!("update due in {}", d.left)
    }
}
