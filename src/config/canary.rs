//! `[[canary]]`: a pair of doors that are there, of the right kinds, and what goes through them.

use std::str::FromStr;

use super::door::mailbox_address;
use super::mistake::{Sheet, Wrong, did_you_mean};
use super::names::Names;
use super::quantity::{INTERVAL, LETTER};
use super::table::{Given, Reader};
use super::{Config, DoorSource, schema};
use crate::domain::Span;
use crate::domain::canary::stamp::is_name;
use crate::domain::canary::{CanarySpec, End, WhilePaused};
use crate::domain::door::Protocol;

/// The doors that take a letter.
const TAKERS: [Protocol; 3] = [Protocol::Smtp, Protocol::Submission, Protocol::Lmtp];

/// Reads one. `config` has all servers of the file.
pub(super) fn read(table: &Reader, config: &Config, names: &mut Names, sheet: &mut Sheet) -> Option<CanarySpec> {
    table.unknown(schema::CANARY, sheet);
    let name = table.needed("name", "\"inbound\"", sheet).and_then(|given| {
        let good = is_name(&given.value);
        if !good {
            let what = format!("`{}` cannot stand in a header of its letters", given.value);
            let fix = "write at most 64 letters, digits, dots, underscores and dashes";
            sheet.mistake(given.at, &given.key, Wrong::new(what, fix));
        }
        let name = names.take(&given, sheet);
        good.then_some(name)
    });
    let way_in = end(table, "in", "\"mx1/smtp\"", config, sheet, takes);
    let way_out = end(table, "out", "\"mbox1/imap\"", config, sheet, gives);
    let to = table
        .needed("to", "\"canary@example.com\"", sheet)
        .and_then(|g| address(g, sheet));
    let from = match table.text("from", sheet) {
        Some(given) => address(given, sheet),
        None => to.clone(),
    };
    let span = |key, bounds, usual, sheet: &mut Sheet| table.span(key, bounds, sheet).unwrap_or(usual);
    let every = span("interval", INTERVAL, Span::from_mins(1), sheet);
    let late = span("late", LETTER, Span::from_mins(1), sheet);
    let lost = span("lost", LETTER, Span::from_hours(1), sheet);
    if lost < late
        && let Some(at) = table.place_of("lost").or_else(|| table.place_of("late"))
    {
        let what = format!("{lost} is sooner than late, {late}: a letter is late before it is lost");
        sheet.absent(at, &table.key("lost"), Wrong::new(what, "write a longer one"));
    }
    let mailbox = table
        .text("mailbox", sheet)
        .map_or_else(|| "INBOX".to_owned(), |m| m.value);
    let while_paused = match table.flag("stop_while_paused", sheet) {
        Some(stop) if !stop.value => WhilePaused::Send,
        _ => WhilePaused::Stop,
    };
    Some(CanarySpec {
        name: name?,
        way_in: way_in?,
        way_out: way_out?,
        to: to?,
        from: from?,
        every,
        late,
        lost,
        mailbox,
        while_paused,
    })
}

/// An address that can stand in an envelope and in a letter.
fn address(given: Given<String>, sheet: &mut Sheet) -> Option<String> {
    let read = mailbox_address(&given.value).and_then(|()| {
        lettre::Address::from_str(&given.value).map(drop).map_err(|e| {
            let what = format!("`{}` cannot stand in a letter: {e}", given.value);
            Wrong::new(what, "write it bare: canary@example.com")
        })
    });
    match read {
        Ok(()) => Some(given.value),
        Err(wrong) => {
            sheet.mistake(given.at, &given.key, wrong);
            None
        }
    }
}

/// A door by its server and name, and that it is of the right kind.
fn end(
    table: &Reader,
    key: &str,
    sample: &str,
    config: &Config,
    sheet: &mut Sheet,
    fits: fn(&DoorSource) -> Result<(), Wrong>,
) -> Option<End> {
    let given = table.needed(key, sample, sheet)?;
    match found(&given.value, sample, config, fits) {
        Ok(end) => Some(end),
        Err(wrong) => {
            sheet.mistake(given.at, &given.key, wrong);
            None
        }
    }
}

fn found(
    written: &str,
    sample: &str,
    config: &Config,
    fits: fn(&DoorSource) -> Result<(), Wrong>,
) -> Result<End, Wrong> {
    let (server, door) = written.rsplit_once('/').ok_or_else(|| {
        Wrong::new(
            format!("`{written}` names no door"),
            format!("write SERVER/DOOR: {sample}"),
        )
    })?;
    let end = End {
        server: server.into(),
        door: door.into(),
    };
    let Some(there) = config.servers.iter().find(|s| s.name == end.server) else {
        let names: Vec<&str> = config.servers.iter().map(|s| s.name.as_str()).collect();
        return Err(Wrong::new(
            format!("no server is called `{server}`"),
            one_of(server, &names),
        ));
    };
    let Some(source) = there.doors.iter().find(|d| d.door.name == end.door) else {
        let names: Vec<&str> = there.doors.iter().map(|d| d.door.name.as_str()).collect();
        return Err(Wrong::new(
            format!("{server} has no door called `{door}`"),
            one_of(door, &names),
        ));
    };
    fits(source).map(|()| end)
}

fn one_of(word: &str, names: &[&str]) -> String {
    match did_you_mean(word, names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "add it above".to_owned(),
        None => format!("there are: {}", names.join(", ")),
    }
}

fn takes(source: &DoorSource) -> Result<(), Wrong> {
    let protocol = source.door.protocol();
    if TAKERS.contains(&protocol) {
        return Ok(());
    }
    Err(Wrong::new(
        format!("no letter goes in over {}", protocol.title()),
        "name an SMTP, submission or LMTP door",
    ))
}

fn gives(source: &DoorSource) -> Result<(), Wrong> {
    let protocol = source.door.protocol();
    if protocol != Protocol::Imap {
        let what = format!("a mailbox is not watched over {}", protocol.title());
        return Err(Wrong::new(what, "name an IMAP door"));
    }
    if source.door.user.is_none() {
        let what = "nobody logs in at this door, so that its mailbox cannot be opened";
        return Err(Wrong::new(what, "give the door a user"));
    }
    Ok(())
}
