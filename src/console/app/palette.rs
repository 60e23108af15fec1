//! The palette: every command of the screen below, found by a few letters of its name.

use tui_input::Input;

use crate::console::keymap::{self, Binding, Command, Place};

/// What was typed, and the cursor among what it finds.
#[derive(Clone, Debug)]
pub struct Palette {
    /// What was typed.
    pub input: Input,
    /// The cursor.
    pub at: usize,
    place: Place,
    when: Place,
}

impl Palette {
    /// For the commands of this screen, now or in the past.
    pub fn new(place: Place, when: Place) -> Self {
        Self {
            input: Input::default(),
            at: 0,
            place,
            when,
        }
    }
    /// What was typed behind `outage since`, if that was typed.
    pub fn outage(&self) -> Option<&str> {
        keymap::named(self.place, self.when).find(|b| b.command == Command::Outage)?;
        let rest = self.input.value().trim_start().strip_prefix("outage ")?.trim_start();
        Some(rest.strip_prefix("since").unwrap_or(rest).trim()).filter(|t| !t.is_empty())
    }
    /// What was found, best first; everything in its own order when nothing was typed.
    pub fn found(&self) -> Vec<&'static Binding> {
        if self.outage().is_some() {
            return keymap::named(self.place, self.when)
                .filter(|b| b.command == Command::Outage)
                .collect();
        }
        let typed = self.input.value().trim().to_lowercase();
        let mut found: Vec<_> = keymap::named(self.place, self.when)
            .filter_map(|b| Some((score(&typed, b)?, b)))
            .collect();
        found.sort_by_key(|(score, _)| *score);
        found.into_iter().map(|(_, b)| b).collect()
    }
    /// The command under the cursor.
    pub fn chosen(&self) -> Option<&'static Binding> {
        self.found().get(self.at).copied()
    }
    /// Moves the cursor by so many, and stops at the ends.
    pub fn step(&mut self, by: isize) {
        self.at = self
            .at
            .saturating_add_signed(by)
            .min(self.found().len().saturating_sub(1));
    }
}

/// How well a command fits, the smallest best: its whole name, its beginning, a word's beginning, inside it, its letters
/// in their order, and last its description.
fn score(typed: &str, b: &Binding) -> Option<u8> {
    let name = b.name;
    if typed.is_empty() {
        return Some(0);
    }
    Some(match () {
        () if name == typed => 0,
        () if name.starts_with(typed) => 1,
        () if name.split(' ').any(|w| w.starts_with(typed)) => 2,
        () if name.contains(typed) => 3,
        () if scattered(typed, name) => 4,
        () if b.words.to_lowercase().contains(typed) => 5,
        () => return None,
    })
}

fn scattered(letters: &str, name: &str) -> bool {
    let mut rest = name.chars();
    letters.chars().all(|l| rest.any(|c| c == l))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str) -> Vec<&'static str> {
        let mut p = Palette::new(Place::Fleet, Place::Now);
        p.input = Input::new(typed.into());
        p.found().iter().map(|b| b.name).collect()
    }

    #[test]
    fn the_nearest_name_comes_first() {
        assert_eq!(found("quit")[..2], ["quit", "quit now"]);
        assert_eq!(found("re")[..4], ["resume", "refresh", "reload", "redraw"]);
        assert_eq!(found("rsm")[0], "resume");
        assert_eq!(found("pau")[0], "pause");
        assert!(found("xyzzy").is_empty());
    }

    #[test]
    fn everything_named_is_offered_before_anything_is_typed() {
        let all = found("");
        for name in [
            "quit", "reload", "refresh", "pause", "resume", "mouse", "ascii", "help", "filter",
        ] {
            assert!(all.contains(&name), "{name}");
        }
        assert!(!all.contains(&""));
    }
}
