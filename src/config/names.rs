//! Names that have to be unique: of servers in a config, of doors, queues and jobs on one server.

use std::collections::HashMap;

use super::mistake::{Sheet, Wrong};
use super::table::Given;
use crate::domain::Name;

/// The names of one kind of thing, with the key that took each.
pub(super) struct Names {
    thing: &'static str,
    taken: HashMap<Name, String>,
}

impl Names {
    /// None yet. `thing` is what they name, for a sentence: `door of this server`.
    pub(super) fn of(thing: &'static str) -> Self {
        Self {
            thing,
            taken: HashMap::new(),
        }
    }

    /// Takes a name as it was given; says so when it is taken already.
    pub(super) fn take(&mut self, given: &Given<String>, sheet: &mut Sheet) -> Name {
        let name = Name::new(&given.value);
        self.take_as(&name, given.at, &given.key, sheet);
        name
    }

    /// Takes a name that something has by default.
    pub(super) fn take_as(&mut self, name: &Name, at: usize, key: &str, sheet: &mut Sheet) {
        if let Some(first) = self.taken.get(name) {
            let wrong = Wrong::new(
                format!("a second {} is called `{name}`, after {first}", self.thing),
                "give each a name of its own",
            );
            sheet.mistake(at, key, wrong);
        } else {
            self.taken.insert(name.clone(), key.to_owned());
        }
    }

    /// Takes the first free name of `stem`, `stem2`, `stem3`, …, from the given number on.
    pub(super) fn numbered(&mut self, stem: &str, from: usize) -> Name {
        let mut n = from.max(1);
        loop {
            let name = if n == 1 {
                Name::new(stem)
            } else {
                Name::new(&format!("{stem}{n}"))
            };
            if !self.taken.contains_key(&name) {
                self.taken.insert(name.clone(), name.to_string());
                return name;
            }
            n += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_names_pass_those_that_are_taken() {
        let mut names = Names::of("door");
        names.take_as(&"imap2".into(), 0, "x", &mut Sheet::new("c".into(), ""));
        assert_eq!(names.numbered("imap", 1).as_str(), "imap");
        assert_eq!(names.numbered("imap", 2).as_str(), "imap3");
        assert_eq!(names.numbered("imap", 3).as_str(), "imap4");
    }

    #[test]
    fn a_name_given_twice_names_the_first() {
        let mut sheet = Sheet::new("c".into(), "");
        let mut names = Names::of("server");
        for key in ["server[0].name", "server[1].name"] {
            let given = Given {
                value: "mx1".to_owned(),
                at: 0,
                key: key.to_owned(),
            };
            names.take(&given, &mut sheet);
        }
        let mistakes = sheet.finish().mistakes;
        assert_eq!(
            mistakes[0].to_string(),
            "c:1:1: server[1].name: a second server is called `mx1`, after server[0].name — give each a name of its own"
        );
    }
}
