//! An incident: what is put on record of it (`fact`), the fold of that (`fold`), and the rules over it: when it opens and when
//! its end is proposed (`opening`), its clocks (`clocks`), and what the public is owed (`debt`). Pure; what the rest of the
//! record says while it lasts is folded by [`crate::model`].

pub mod clocks;
pub mod debt;
pub mod draft;
pub mod evidence;
pub mod fact;
mod fold;
pub mod gauge;
pub mod moment;
pub mod number;
pub mod opening;
pub mod said;
pub mod terms;
pub mod turn;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use fact::Entry;
pub use fold::{Backlog, Incident, Start};
pub use moment::Moment;
pub use said::Said;
pub use terms::Terms;

use super::{Name, Text};

/// The most characters of a note, a ticket, or one line of an update.
pub const MAX_WORDS: usize = 2_000;
/// The most lines of an update that are kept.
pub const MAX_LINES: usize = 200;

/// Which incident; ordered by the moment at which it began.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Name);

impl IncidentId {
    /// From the moment at which it began and a number drawn by lot: `20261121T1058-4fa2`.
    pub fn new(start: Timestamp, lot: u16) -> Self {
        Self(Name::new(&format!("{}-{lot:04x}", start.strftime("%Y%m%dT%H%M"))))
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far an incident is, in the words that status pages use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is seen, and its cause is not known.
    #[default]
    Investigating,
    /// Its cause is known.
    Identified,
    /// It seems mended, and is watched.
    Monitoring,
    /// It is over, as a person says.
    Resolved,
}

impl State {
    /// All of them, in their usual order.
    pub const ALL: [Self; 4] = [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];

    /// `investigating`, `identified`, `monitoring`, `resolved`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }
    /// The state that usually follows; `None` after the last.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Investigating => Some(Self::Identified),
            Self::Identified => Some(Self::Monitoring),
            Self::Monitoring => Some(Self::Resolved),
            Self::Resolved => None,
        }
    }
    /// The state of this word.
    pub fn parse(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|s| s.word() == word)
            .ok_or_else(|| format!("`{word}` is no state: write investigating, identified, monitoring or resolved"))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Words of several lines as lines that are safe to show: at most [`MAX_LINES`] of [`MAX_WORDS`] characters, and a last one
/// that says so where more was given.
pub fn lines(words: &str) -> Vec<Text> {
    let mut all = words.trim_end().lines();
    let mut kept: Vec<Text> = all
        .by_ref()
        .take(MAX_LINES)
        .map(|l| Text::bounded(l.trim_end().as_bytes(), MAX_WORDS))
        .collect();
    let left = all.count();
    if left > 0 {
        kept.push(format!("… {left} more lines are not kept").into());
    }
    kept
}

/// Whether [`lines`] keeps all of these words.
///
/// # Errors
/// What is too long, in words.
pub fn kept_whole(words: &str) -> Result<(), String> {
    let all = words.trim_end();
    if all.lines().nth(MAX_LINES).is_some() {
        return Err(format!(
            "an update has at most {MAX_LINES} lines: the record would not have all of it"
        ));
    }
    let long = |l: &str| Text::whole(l.trim_end().as_bytes(), MAX_WORDS).is_none();
    match all.lines().position(long) {
        Some(n) => Err(format!(
            "line {} has more than {MAX_WORDS} characters: the record would not have all of it",
            n + 1
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod draft_tests;
#[cfg(test)]
mod opening_tests;
#[cfg(test)]
mod tests;
