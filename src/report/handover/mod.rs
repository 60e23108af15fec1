//! One page for the person who takes over: what is wrong now, what is paused and until when, what was tried and what it did, what
//! is due next, and what is open. It is made from the model alone, so it says how old its knowledge is, and calls unknown what
//! was not seen lately. [`Handover::sections`] has it as lines, for a terminal, a page or a screen.

mod due;
mod now;
mod questions;

use std::fmt::Write as _;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::domain::Span;
use crate::domain::incident::debt::Cadence;
use crate::domain::incident::{Incident, Moment};
use crate::model::{Action, Model};

use super::times::Times;
use super::words;

/// What was done is told for so long, or from the beginning of the oldest incident that is open.
const DONE: Span = Span::from_hours(24);
/// So many lines of a kind make one page.
const ACTIONS: usize = 12;
const NOTES: usize = 12;
const SERVERS: usize = 16;
const QUESTIONS: usize = 16;
const DUE: usize = 16;
/// Of a terminal, less the margin.
const COLUMNS: usize = 78;

/// What the next person has to know.
#[derive(Clone, Debug)]
pub struct Handover {
    /// When it was made.
    pub now: Timestamp,
    /// The newest thing on record.
    pub as_of: Option<Timestamp>,
    /// What is wrong now.
    pub wrong: Vec<Told>,
    /// What is paused.
    pub paused: Vec<Told>,
    /// What was tried, newest first.
    pub tried: Vec<Told>,
    /// What comes next, the soonest first.
    pub due: Vec<Told>,
    /// What is open: to be decided, found out, or looked at.
    pub questions: Vec<Told>,
    /// What was written down, newest first.
    pub notes: Vec<Told>,
}

/// One thing that is told: of which moment, and what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// When it is or was, where it is of a moment.
    pub at: Option<Timestamp>,
    /// What.
    pub words: String,
    /// What belongs to it, each on a line of its own.
    pub more: Vec<String>,
}

impl Told {
    fn new(words: impl Into<String>) -> Self {
        Self {
            at: None,
            words: words.into(),
            more: Vec::new(),
        }
    }
    fn at(at: Timestamp, words: impl Into<String>) -> Self {
        Self {
            at: Some(at),
            ..Self::new(words)
        }
    }
}

/// A part of the page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its title.
    pub title: &'static str,
    /// Its lines; what belongs to the one before begins with two blanks.
    pub lines: Vec<String>,
}

impl Handover {
    /// Makes it, as things stand at `now`.
    pub fn of(model: &Model, cadence: Cadence, times: &Times, now: Timestamp) -> Self {
        let c = Context {
            model,
            cadence,
            times,
            now,
        };
        Self {
            now,
            as_of: model.last_event(),
            wrong: c.wrong(),
            paused: c.paused(),
            tried: c.tried(),
            due: c.due(),
            questions: c.questions(),
            notes: c.notes(),
        }
    }

    /// How old what it knows is, in words.
    pub fn age(&self) -> String {
        match self.as_of {
            None => "nothing is on record".to_owned(),
            Some(at) => format!("the newest thing on record is {} old", age(at, self.now)),
        }
    }

    /// The page in its parts.
    pub fn sections(&self, times: &Times) -> Vec<Section> {
        let part = |title, all: &[Told], most: usize, none: &str| {
            let mut lines = Vec::new();
            for told in all.iter().take(most) {
                let when = told
                    .at
                    .map(|at| format!("{}  ", times.near(at, self.now)))
                    .unwrap_or_default();
                lines.push(format!("{when}{}", told.words));
                lines.extend(told.more.iter().map(|m| format!("  {m}")));
            }
            match all.len() {
                0 => lines.push(none.to_owned()),
                n if n > most => lines.push(format!("and {} more", n - most)),
                _ => {}
            }
            Section { title, lines }
        };
        vec![
            part(
                "Wrong now",
                &self.wrong,
                SERVERS,
                "Nothing is known: no server is on record.",
            ),
            part("Paused", &self.paused, SERVERS, "No pause is on record."),
            part("Due next", &self.due, DUE, "Nothing is due that the record knows of."),
            part(
                "Open questions",
                &self.questions,
                QUESTIONS,
                "None that the record knows of.",
            ),
            part(
                "Tried, and what it did",
                &self.tried,
                ACTIONS,
                "No action is on record for this time.",
            ),
            part("Notes", &self.notes, NOTES, "Nobody wrote anything down."),
        ]
    }

    /// For a terminal.
    pub fn text(&self, times: &Times) -> String {
        let mut out = format!("Handover {} {}: {}\n", times.stamp(self.now), times.zone(), self.age());
        for section in self.sections(times) {
            let _ = write!(out, "\n{}\n", section.title.to_uppercase());
            for line in section.lines {
                for row in wrapped(&line) {
                    let _ = writeln!(out, "  {row}");
                }
            }
        }
        out
    }

    /// As Markdown.
    pub fn md(&self, times: &Times) -> String {
        let mut out = format!(
            "# Handover {} {}\n\n{}.\n",
            times.stamp(self.now),
            times.zone(),
            capital(&self.age())
        );
        for section in self.sections(times) {
            let _ = write!(out, "\n## {}\n\n", section.title);
            for line in section.lines {
                let (indent, words) = match line.strip_prefix("  ") {
                    Some(words) => ("  ", words),
                    None => ("", line.as_str()),
                };
                let _ = writeln!(out, "{indent}- {}", super::md::escaped(words));
            }
        }
        out
    }
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars
        .next()
        .map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

/// A line as rows of a terminal of 80 columns; what goes on stands further in.
fn wrapped(line: &str) -> Vec<String> {
    let words = line.trim_start();
    let inside = " ".repeat(line.len() - words.len());
    let mut rows = vec![inside.clone()];
    for word in words.split(' ') {
        let Some(row) = rows.last_mut() else { break };
        let begins = row.trim().is_empty();
        if !begins && row.width() + 1 + word.width() > COLUMNS {
            rows.push(format!("{inside}    {word}"));
            continue;
        }
        if !begins {
            row.push(' ');
        }
        row.push_str(word);
    }
    rows
}

/// An age in whole seconds: `12s`, `4m05s`, `31h36m`.
fn age(at: Timestamp, now: Timestamp) -> String {
    whole(Span::between(at, now))
}

/// The same of a length of time.
fn whole(span: Span) -> String {
    let secs = span.secs().max(0);
    if secs < 60 {
        format!("{secs}s")
    } else {
        Span::from_secs(secs).to_string()
    }
}

/// What the parts are made from.
struct Context<'m> {
    model: &'m Model,
    cadence: Cadence,
    times: &'m Times,
    now: Timestamp,
}

impl Context<'_> {
    fn moment(&self) -> Moment {
        self.model.moment(self.now)
    }
    fn near(&self, at: Timestamp) -> String {
        self.times.near(at, self.now)
    }
    /// Incidents that go on, the oldest first.
    fn open(&self) -> impl Iterator<Item = &Incident> {
        self.model.incidents().filter(|i| !i.is_resolved())
    }
    /// From when on what was done is told.
    fn since(&self) -> Timestamp {
        let day = (Span::ZERO - DONE).after(self.now);
        self.open()
            .map(|i| i.start().at.at)
            .min()
            .map_or(day, |start| start.min(day))
    }
    /// Actions since then, the newest first.
    fn actions(&self) -> Vec<&Action> {
        let since = self.since();
        let mut all: Vec<&Action> = self
            .model
            .actions()
            .filter(|a| a.at >= since && a.at <= self.now)
            .collect();
        all.sort_by_key(|a| std::cmp::Reverse(a.at));
        all
    }

    fn tried(&self) -> Vec<Told> {
        let told = |a: &&Action| {
            let mut told = Told::at(a.at, format!("{}: {}", words::asked(a), words::became(a)));
            told.more.push(format!("by {}: {}", a.plan.by, a.plan.reason));
            told.more.extend(words::measured(a));
            told
        };
        self.actions().iter().map(told).collect()
    }

    fn notes(&self) -> Vec<Told> {
        let since = self.since();
        let mut all: Vec<Told> = self
            .model
            .incidents()
            .filter(|i| !i.is_resolved() || i.resolved().is_some_and(|r| r.at >= since))
            .flat_map(|i| {
                i.notes
                    .iter()
                    .map(move |(at, note)| (i, note.of.unwrap_or(at.at), note))
            })
            .map(|(i, at, note)| Told::at(at, format!("{}, on {}: {}", note.by, i.called(), note.text)))
            .collect();
        all.sort_by_key(|t| std::cmp::Reverse(t.at));
        all
    }
}
