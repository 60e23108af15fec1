//! A draft of what the public or the colleagues are told, from evidence by a template. Each field is what was observed; one
//! behind which there is no observation has no value.
//!
//! In a template `{field}` is filled in, and worded as "not known" where it has no value; a line that begins with `?` is left
//! out in place of that. A field that does not exist is an error that names it, the file and the line. That no mail was lost
//! cannot be said: no version of mailtop measures it, and a server out there that gave up leaves no trace here.

use std::collections::BTreeMap;
use std::fmt;

use super::State;
use super::evidence::{Evidence, fields};
use crate::domain::{Text, Timestamp};

/// Whom a draft is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum For {
    /// Those who use the service.
    #[default]
    Customer,
    /// Those who run it.
    Technical,
}

/// What a draft says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// How far the incident is.
    State(State),
    /// What happened, afterwards.
    Post,
}

impl Stage {
    /// All of them, in their usual order.
    pub const ALL: [Self; 5] = [
        Self::State(State::Investigating),
        Self::State(State::Identified),
        Self::State(State::Monitoring),
        Self::State(State::Resolved),
        Self::Post,
    ];
    /// The stage so many further, round and round.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|s| *s == self).unwrap_or(0);
        let n = Self::ALL.len();
        Self::ALL[at.wrapping_add_signed(by).wrapping_add(n) % n]
    }
}

impl For {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Customer => Self::Technical,
            Self::Technical => Self::Customer,
        }
    }
    /// `customer`, `technical`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Technical => "technical",
        }
    }
}

impl Stage {
    /// `investigating`, …, `post`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::State(state) => state.word(),
            Self::Post => "post",
        }
    }
}

macro_rules! shipped {
    ($($name:literal),*) => {
        /// The templates that come with mailtop, by their file's name.
        pub const SHIPPED: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../../assets/incident/", $name)))),*];
    };
}
shipped!(
    "customer-investigating.txt",
    "customer-identified.txt",
    "customer-monitoring.txt",
    "customer-resolved.txt",
    "customer-post.txt",
    "technical-investigating.txt",
    "technical-identified.txt",
    "technical-monitoring.txt",
    "technical-resolved.txt",
    "technical-post.txt"
);

/// The file name of a template.
pub fn file_name(whom: For, stage: Stage) -> String {
    format!("{}-{}.txt", whom.word(), stage.word())
}

/// The template that comes with mailtop.
pub fn shipped(whom: For, stage: Stage) -> Template {
    let name = file_name(whom, stage);
    let text = SHIPPED.iter().find(|(n, _)| *n == name).map_or("", |(_, text)| text);
    // It holds no mistake: a test reads all of them.
    Template::parse(&name, text).unwrap_or_default()
}

/// What is wrong with a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The file.
    pub file: Text,
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub what: Text,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// A template that was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Template(Vec<Line>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    optional: bool,
    pieces: Vec<Piece>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Words(String),
    Field(&'static str),
}

/// The most that a template may hold.
const MOST: usize = 64 << 10;

/// What may not be claimed, in the ways in which it is said.
const NEVER: [&str; 6] = [
    "no mail was lost",
    "no mail has been lost",
    "no mail is lost",
    "nothing was lost",
    "no messages were lost",
    "no emails were lost",
];

impl Template {
    /// Reads it.
    ///
    /// # Errors
    /// A field that does not exist, a brace that is not closed, or a claim that cannot be made.
    pub fn parse(file: &str, text: &str) -> Result<Self, Wrong> {
        let wrong = |line: usize, what: String| Wrong {
            file: file.into(),
            line: line + 1,
            what: what.into(),
        };
        if text.len() > MOST {
            return Err(wrong(0, "it is larger than 64 KiB".to_owned()));
        }
        let mut lines = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            if let Some(claim) = NEVER.iter().find(|c| lower.contains(**c)) {
                let why =
                    format!("\"{claim}\" cannot be said: nothing here measures it; {{lost}} says what is not known");
                return Err(wrong(n, why));
            }
            let (optional, mut rest) = match line.strip_prefix('?') {
                Some(rest) => (true, rest.trim_start()),
                None => (false, line),
            };
            let mut pieces = Vec::new();
            while let Some((words, tail)) = rest.split_once('{') {
                pieces.push(Piece::Words(words.to_owned()));
                let Some((name, tail)) = tail.split_once('}') else {
                    return Err(wrong(n, "a { is not closed".to_owned()));
                };
                let Some(field) = FIELDS.iter().find(|f| **f == name) else {
                    let known = FIELDS.join(", ");
                    return Err(wrong(n, format!("there is no field {{{name}}}: there are {known}")));
                };
                pieces.push(Piece::Field(field));
                rest = tail;
            }
            pieces.push(Piece::Words(rest.to_owned()));
            lines.push(Line { optional, pieces });
        }
        Ok(Self(lines))
    }

    /// Fills it in; `when` writes a moment.
    pub fn fill(&self, evidence: &Evidence, when: &dyn Fn(Timestamp) -> String) -> String {
        let values = fields(evidence, when);
        let mut out = String::new();
        for line in &self.0 {
            if line.optional && line.pieces.iter().any(|p| p.value(&values).is_none()) {
                continue;
            }
            for piece in &line.pieces {
                out.push_str(piece.value(&values).unwrap_or("not known"));
            }
            out.push('\n');
        }
        // Lines that were left out leave no hole.
        while out.contains("\n\n\n") {
            out = out.replace("\n\n\n", "\n\n");
        }
        out
    }
}

impl Piece {
    fn value<'a>(&'a self, values: &'a BTreeMap<&'static str, Option<String>>) -> Option<&'a str> {
        match self {
            Self::Words(words) => Some(words),
            Self::Field(name) => values.get(name)?.as_deref(),
        }
    }
}

/// The fields there are.
pub const FIELDS: [&str; 31] = [
    "title",
    "number",
    "state",
    "layer",
    "servers",
    "started",
    "started_known",
    "lasted",
    "affected",
    "still",
    "working",
    "not_known",
    "what_happened",
    "said",
    "backlog_sentence",
    "clears_sentence",
    "peak_sentence",
    "cleared_sentence",
    "mail_minutes",
    "held_sentence",
    "senders",
    "lost",
    "detected",
    "acknowledged",
    "restored",
    "seen_good",
    "last_bad",
    "outage",
    "resolved",
    "next_update",
    "now",
];
