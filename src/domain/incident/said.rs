//! What a person says of an incident, before it is put on record: who says it is added by whoever records it.

use jiff::Timestamp;

use super::fact::{Acknowledged, How, Noted, Opened, Out, Posted, StartCorrected, StateSet, Ticket, TicketIs};
use super::opening::name;
use super::{Entry, MAX_WORDS, State, lines};
use crate::domain::{Name, Text};

/// The most characters of a name or a number.
const SHORT: usize = 120;

/// Something that a person says.
#[derive(Clone, PartialEq, Debug)]
pub enum Said {
    /// It began: one that no rule opened.
    Opened {
        /// What it is called; made of its servers when empty.
        name: String,
        /// The servers that it concerns.
        servers: Vec<Name>,
        /// When it began.
        started: Timestamp,
    },
    /// What was seen or done.
    Noted(String),
    /// A ticket belongs to it.
    Ticket {
        /// The ticket.
        ticket: String,
        /// Who it names as affected.
        affected: Vec<String>,
        /// What it is to the incident.
        is: TicketIs,
    },
    /// Somebody takes it.
    Acknowledged,
    /// It is this far.
    State {
        /// How far.
        to: State,
        /// Why.
        why: String,
    },
    /// When it began, or `None` to go back to what the record shows.
    Started(Option<Timestamp>),
    /// The public was told.
    Posted {
        /// The words.
        words: String,
        /// When the next ones are promised.
        next_at: Option<Timestamp>,
        /// How they got out.
        out: Out,
    },
}

fn short(words: &str) -> Text {
    Text::bounded(words.trim().as_bytes(), SHORT)
}
fn long(words: &str) -> Text {
    Text::bounded(words.trim().as_bytes(), MAX_WORDS)
}

impl Said {
    /// As it goes on record, said by `by`.
    pub fn entry(self, by: &Text) -> Entry {
        let by = by.clone();
        match self {
            Self::Opened {
                name: given,
                servers,
                started,
            } => Entry::Opened(Box::new(Opened {
                name: Some(short(&given))
                    .filter(|n| !n.is_empty())
                    .unwrap_or_else(|| name(None, &servers.iter().cloned().collect())),
                how: How::Hand,
                by: Some(by),
                number: None,
                layer: None,
                servers,
                doors: Vec::new(),
                started,
                last_good: None,
                lasted: None,
                stood_before: None,
            })),
            Self::Noted(words) => Entry::Noted(Noted {
                text: long(&words),
                by,
                of: None,
            }),
            Self::Ticket { ticket, affected, is } => Entry::TicketLinked(Ticket {
                ticket: short(&ticket),
                affected: affected.iter().map(|a| short(a)).collect(),
                is,
                by,
            }),
            Self::Acknowledged => Entry::Acknowledged(Acknowledged { by }),
            Self::State { to, why } => Entry::State(StateSet {
                to,
                by: Some(by),
                why: Some(long(&why)).filter(|w| !w.is_empty()),
            }),
            Self::Started(at) => Entry::StartCorrected(StartCorrected { at, by }),
            Self::Posted { words, next_at, out } => Entry::UpdatePosted(Posted {
                lines: lines(&words),
                by,
                next_at,
                out,
                of: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: Said) -> Entry {
        said.entry(&"lin@bastion".into())
    }

    #[test]
    fn what_is_said_goes_on_record_with_who_said_it_and_nothing_that_moves_a_screen() {
        let Entry::Noted(note) = of(Said::Noted(" \u{1b}[2J a\u{202e}b ".into())) else {
            panic!("a note");
        };
        assert_eq!((&*note.text, &*note.by), ("␛[2J a\\u{202e}b", "lin@bastion"));
        let Entry::State(set) = of(Said::State {
            to: State::Identified,
            why: "  ".into(),
        }) else {
            panic!("a state");
        };
        assert_eq!((set.to, set.why), (State::Identified, None));
    }

    #[test]
    fn one_that_is_opened_without_a_name_is_called_by_its_servers() {
        let opened = |name: &str| {
            of(Said::Opened {
                name: name.into(),
                servers: vec!["mbox1".into()],
                started: Timestamp::UNIX_EPOCH,
            })
        };
        let (Entry::Opened(named), Entry::Opened(not)) = (opened("store down"), opened("")) else {
            panic!("two that began");
        };
        assert_eq!(&*named.name, "store down");
        assert!(not.name.contains("mbox1"), "{}", not.name);
    }
}
