//! From what was typed to what goes on record, or to what is missing.

use jiff::Timestamp;

use crate::console::app::{App, since};
use crate::domain::Name;
use crate::domain::incident::fact::TicketIs;
use crate::domain::incident::said::begun;
use crate::domain::incident::{Incident, MAX_WORDS, Said, State};

use super::dialog::What;

/// The names that were typed.
pub fn servers_of(typed: &str) -> Vec<Name> {
    let words = typed.split([',', ' ']).map(str::trim).filter(|w| !w.is_empty());
    words.map(Name::new).collect()
}

/// What goes on record of an incident.
///
/// # Errors
/// What is missing or wrong, in words.
pub(super) fn said(what: &What, app: &App, of: Option<&Incident>, now: Timestamp) -> Result<Said, String> {
    let zone = &app.options.zone;
    match what {
        What::Note(editor) => {
            let words = editor.words();
            if editor.is_blank() {
                return Err("write something down, or Esc".to_owned());
            }
            if words.trim().chars().count() > MAX_WORDS {
                return Err(format!("a note has at most {MAX_WORDS} characters"));
            }
            Ok(Said::Noted(words))
        }
        What::Ticket { ticket, affected } => {
            let ticket = ticket.value().trim().to_owned();
            if ticket.is_empty() {
                return Err("give the ticket's number".to_owned());
            }
            let is = match &app.options.terms.number {
                Some(pattern) if pattern.fits(&ticket) => TicketIs::Number,
                _ => TicketIs::Report,
            };
            let names = affected.value().split(',').map(|a| a.trim().to_owned());
            let affected = names.filter(|a| !a.is_empty()).collect();
            Ok(Said::Ticket { ticket, affected, is })
        }
        What::Acknowledge => Ok(Said::Acknowledged),
        What::State { to, why } => {
            let (to, why) = (*to, why.value().to_owned());
            if Some(to) == of.map(|i| i.state) {
                return Err(format!("it is {to} already: ←→ choose another"));
            }
            if to == State::Resolved && why.trim().is_empty() {
                return Err("say why it is over: it goes on record".to_owned());
            }
            Ok(Said::State { to, why })
        }
        What::Start { input, .. } => {
            let at = since(input.value(), now, zone)?;
            if let (Some(incident), Some(at)) = (of, at) {
                begun(incident, at)?;
            }
            Ok(Said::Started(at))
        }
        What::Open {
            name,
            servers,
            since: typed,
        } => {
            let servers = servers_of(servers.value());
            if let Some(strange) = servers.iter().find(|s| app.model.server(s).is_none()) {
                return Err(format!("{strange} is no server that is watched here"));
            }
            let started = match typed.value().trim() {
                "" => None,
                typed => since(typed, now, zone)?,
            };
            if name.value().trim().is_empty() && servers.is_empty() {
                return Err("give it a name, or name its servers".to_owned());
            }
            Ok(Said::Opened {
                name: name.value().to_owned(),
                servers,
                started: started.unwrap_or(now),
            })
        }
        What::Post(_) => Err("an update goes its own way".to_owned()),
    }
}

/// What is said while it is on its way onto the record.
pub(super) fn on_record(said: &Said, incident: Option<&Incident>) -> String {
    let of = incident.map(|i| format!(" of {}", i.called())).unwrap_or_default();
    match said {
        Said::Opened { .. } => "putting the new incident on record".to_owned(),
        Said::Noted(_) => format!("putting the note{of} on record"),
        Said::Ticket { ticket, is, .. } => match is {
            TicketIs::Number => format!("{ticket} becomes the number{of}"),
            TicketIs::Report => format!("putting ticket {ticket}{of} on record"),
        },
        Said::Acknowledged => format!(
            "you take{}",
            incident.map(|i| format!(" {}", i.called())).unwrap_or_default()
        ),
        Said::State { to, .. } => format!("putting on record: {to}"),
        Said::Started(Some(_)) => "putting the start on record; what probes show is kept beside it".to_owned(),
        Said::Started(None) => "the start is again as the record shows it".to_owned(),
        Said::Posted { .. } => format!("putting the update{of} on record"),
    }
}
