//! On what terms an incident is kept in front of a person: how often the public is told, by what, how one is reminded, and
//! in which words.

use std::collections::BTreeMap;

use super::debt::Cadence;
use super::draft::{For, Stage, Template, Wrong, file_name, shipped};
use super::number::Pattern;
use crate::domain::argv::Argv;

/// How a terminal is to tell that an update is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Remind {
    /// By its bell.
    Bell,
    /// As a desktop notification, in the way of iTerm2 (OSC 9).
    Osc9,
    /// As a desktop notification, in the way of rxvt-unicode (OSC 777).
    Osc777,
}

impl Remind {
    /// All of them, by the words of the config.
    pub const ALL: [(&'static str, Self); 3] = [("bell", Self::Bell), ("osc9", Self::Osc9), ("osc777", Self::Osc777)];
}

/// The user's own templates, by their file's name, and what is wrong with those that are not used.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Templates {
    own: BTreeMap<String, Template>,
    /// What is wrong: the templates that come with mailtop stand in for these.
    pub wrong: Vec<Wrong>,
}

impl Templates {
    /// Takes in a file of the user's.
    pub fn take(&mut self, name: &str, shown: &str, text: &str) {
        match Template::parse(shown, text) {
            Ok(template) => {
                self.own.insert(name.to_owned(), template);
            }
            Err(wrong) => self.wrong.push(wrong),
        }
    }
    /// The template for this; the one that comes with mailtop where there is none.
    pub fn get(&self, whom: For, stage: Stage) -> Template {
        let own = self.own.get(&file_name(whom, stage)).cloned();
        own.unwrap_or_else(|| shipped(whom, stage))
    }
    /// What is wrong with the user's template for this.
    pub fn wrong_with(&self, whom: For, stage: Stage) -> Option<&Wrong> {
        let name = file_name(whom, stage);
        self.wrong
            .iter()
            .find(|w| w.file.rsplit('/').next() == Some(name.as_str()))
    }
}

/// The terms.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terms {
    /// How often the public is told.
    pub cadence: Cadence,
    /// The program that posts an update: it gets the words on its standard input.
    pub publish: Option<Argv>,
    /// What the operator's own numbers look like.
    pub number: Option<Pattern>,
    /// How the terminal is to tell that an update is due.
    pub remind: Vec<Remind>,
    /// In which words.
    pub templates: Templates,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::State;

    #[test]
    fn a_template_of_ones_own_is_used_and_a_wrong_one_is_named_and_not_used() {
        let stage = Stage::State(State::Identified);
        let mut t = Templates::default();
        t.take(
            "customer-identified.txt",
            "/t/customer-identified.txt",
            "We know: {layer}",
        );
        assert_ne!(t.get(For::Customer, stage), shipped(For::Customer, stage));
        assert_eq!(t.get(For::Technical, stage), shipped(For::Technical, stage));
        t.take("technical-identified.txt", "/t/technical-identified.txt", "a\n{cause}");
        assert_eq!(t.get(For::Technical, stage), shipped(For::Technical, stage));
        let wrong = t.wrong_with(For::Technical, stage).map(ToString::to_string);
        assert!(
            wrong
                .as_deref()
                .is_some_and(|w| w.starts_with("/t/technical-identified.txt:2: there is no field {cause}")),
            "{wrong:?}"
        );
        assert_eq!(t.wrong_with(For::Customer, stage), None);
    }
}
