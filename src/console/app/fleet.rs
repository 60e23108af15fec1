//! The cursor, the marks and the filter of the fleet. The cursor holds on to a server by its name: rows re-sort as verdicts change,
//! and it must never come to stand on another server by itself.

use std::collections::BTreeSet;

use tui_input::Input;

use crate::domain::Name;
use crate::model::Row;

use crate::console::view::headline;

/// Where the cursor was when the filter began.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
enum Before {
    /// None has begun.
    #[default]
    NoFilter,
    /// On this server, or on none that was chosen.
    On(Option<Name>),
}

/// The cursor and the filter.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// `None` until the hands have chosen: then the first row is meant, the worst.
    selected: Option<Name>,
    /// Held by name, so that they survive re-sorting and a filter.
    marked: BTreeSet<Name>,
    /// What the names must match.
    pub filter: Input,
    /// Where the cursor was before the filter.
    before: Before,
}

impl Fleet {
    /// The server that was chosen.
    pub const fn selected(&self) -> Option<&Name> {
        self.selected.as_ref()
    }
    /// Chooses.
    pub fn select(&mut self, name: Option<Name>) {
        self.selected = name;
    }
    /// The servers that are marked, by name.
    pub fn marked(&self) -> impl Iterator<Item = &Name> {
        self.marked.iter()
    }
    /// Whether this one is.
    pub fn is_marked(&self, name: &Name) -> bool {
        self.marked.contains(name)
    }
    /// Marks it, or takes its mark away.
    pub fn mark(&mut self, name: Name) {
        if !self.marked.remove(&name) {
            self.marked.insert(name);
        }
    }
    /// Marks all of these.
    pub fn mark_all(&mut self, names: Vec<Name>) {
        self.marked.extend(names);
    }
    /// Takes all marks away.
    pub fn unmark(&mut self) {
        self.marked.clear();
    }
    /// Keeps the marks of what is still watched.
    pub fn keep_marks(&mut self, watched: impl Fn(&Name) -> bool) {
        self.marked.retain(|n| watched(n));
    }
    /// Whether a filter holds.
    pub fn filtered(&self) -> bool {
        !self.filter.value().trim().is_empty()
    }
    /// The filter begins to be typed: remembers the cursor.
    pub fn begin_filter(&mut self) {
        if self.before == Before::NoFilter {
            self.before = Before::On(self.selected.clone());
        }
    }
    /// The filter goes, and the cursor returns to where it was.
    pub fn clear_filter(&mut self) {
        self.filter.reset();
        if let Before::On(name) = std::mem::take(&mut self.before) {
            self.selected = name;
        }
    }
    /// Keeps the rows that match, and the chosen one: a headline that changes must not take the row from under the hands.
    pub fn retain(&self, rows: &mut Vec<Row<'_>>) {
        if self.filtered() {
            rows.retain(|r| self.matches(r) || self.selected.as_ref() == Some(&r.server.name));
        }
    }
    /// Whether the row matches: every word typed is in its name or in its trouble, in whatever case.
    pub fn matches(&self, row: &Row<'_>) -> bool {
        let text = format!("{} {} {}", row.server.name, row.verdict.word(), headline::words(row)).to_lowercase();
        self.filter
            .value()
            .to_lowercase()
            .split_whitespace()
            .all(|word| text.contains(word))
    }
}
