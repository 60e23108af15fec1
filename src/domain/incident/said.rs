//! What a person says of an incident, before it is put on record: who says it is added by whoever records it.

use jiff::Timestamp;

use super::fact::{Acknowledged, How, Noted, Opened, Out, Posted, StartCorrected, StateSet, Ticket, TicketIs};
use super::opening::name;
use super::{Entry, Incident, MAX_WORDS, Moment, State, lines};
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

/// Whether an incident can have begun then: not after it was noticed.
///
/// # Errors
/// Why not.
pub fn begun(incident: &Incident, at: Timestamp) -> Result<(), String> {
    let began = Moment::new(at, incident.start().at.steps);
    if began.until(incident.noticed).is_negative() {
        return Err("it was on record before that: it cannot have begun after it was noticed".to_owned());
    }
    Ok(())
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
    fn an_update_of_which_the_record_would_keep_a_part_is_refused() {
        use crate::domain::incident::kept_whole;
        let (long, many) = ("x".repeat(MAX_WORDS + 1), "x\n".repeat(201));
        assert!(kept_whole(&long).unwrap_err().starts_with("line 1 has more than 2000"));
        assert!(kept_whole(&many).unwrap_err().contains("at most 200 lines"));
        // What is shown in place of a control character counts.
        assert!(kept_whole(&"\u{202e}".repeat(MAX_WORDS / 2)).is_err());
        for fits in [&long[1..], &many[2..]] {
            assert_eq!(kept_whole(fits), Ok(()));
        }
    }

    #[test]
    fn a_start_after_it_was_noticed_is_refused() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let Entry::Opened(opened) = of(Said::Opened {
            name: "store".into(),
            servers: vec![],
            started: at(1_000),
        }) else {
            panic!("one that began");
        };
        let incident = Incident::new(
            super::super::IncidentId::new(at(1_000), 1),
            *opened,
            Moment::plain(at(1_060)),
        );
        assert_eq!(begun(&incident, at(1_060)), Ok(()));
        assert!(begun(&incident, at(1_061)).is_err());
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
