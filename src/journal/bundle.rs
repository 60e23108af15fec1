//! A bundle: the part of a record from which an incident can be seen again elsewhere, as JSON Lines. The first line says what
//! it is and how much of it there is; then comes one [`Event`] a line, in the order of the record: what a model has to know at
//! the beginning, and all that was recorded from there to the end, of the whole fleet.
//!
//! A file that comes back is text from outside. Reading sanitises as reading a journal does, and a file that is cut off, was
//! changed, or is something else is refused with the line and the cause. `tail -n +2 FILE | sha256sum` gives the digest.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use openssl::sha::Sha256;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::{Cursor, Sqlite, Trouble, row, start};
use crate::domain::event::{self, Event};
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::{Span, Text, Timestamp};

/// The version of the format that this build writes.
pub const VERSION: u32 = 1;
/// It begins so long before the incident, so that forecasts and rates stand at its start,
const BEFORE: Span = Span::from_hours(1);
/// and ends so long after it was over.
const AFTER: Span = Span::from_hours(1);
/// No line of ours comes near this: a listing of a large queue has some hundred kilobytes.
const LONGEST: u64 = 16 << 20;
/// What a journal begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// The first line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub mailtop_bundle: u32,
    /// Of the mailtop that wrote it.
    pub version: Text,
    /// The version of the events' format.
    pub event_format: u32,
    /// The incident that it was made for.
    pub incident: IncidentId,
    /// From here on all that was recorded is in it; earlier events are what has to be known here.
    pub from: Timestamp,
    /// Up to here.
    pub until: Timestamp,
    /// How many events follow, one a line.
    pub events: u64,
    /// Rows of the record that could not be read, and are not in it.
    #[serde(default)]
    pub skipped: u64,
    /// SHA-256 of all bytes after this line, in hexadecimal.
    pub sha256: Text,
}

/// A bundle that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Bundle {
    /// What it says of itself.
    pub header: Header,
    /// The events, in the order of the record.
    pub events: Vec<Event>,
}

/// The stretch of the record that an incident is seen in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// Which incident.
    pub incident: IncidentId,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Stretch {
    /// From an hour before it began until an hour after it was over, or now. A start that a person moved later leaves in what
    /// probes showed.
    pub fn of(incident: &Incident, now: Timestamp) -> Self {
        let start = incident.start();
        let first = start.probes.map_or(start.at.at, |(_, bad)| bad.min(start.at.at));
        let over = incident.resolved().map(|at| at.at).map(|resolved| {
            let cleared = incident.backlog.cleared.map_or(resolved, |c| c.at.max(resolved));
            AFTER.after(cleared)
        });
        Self {
            incident: incident.id.clone(),
            from: (Span::ZERO - BEFORE).after(first),
            until: over.map_or(now, |end| end.min(now)),
        }
    }
}

/// Writes a bundle; its header.
///
/// # Errors
/// When the record cannot be read, or the bundle not be written.
pub fn write(db: &mut Sqlite, stretch: &Stretch, out: &mut dyn Write) -> Result<Header, Trouble> {
    // The header counts what comes after it, so that is written aside first.
    let failed = |e: io::Error| Trouble::Output(format!("a temporary file: {e}").into());
    let mut aside = BufWriter::new(tempfile::tempfile().map_err(failed)?);
    let (mut digest, mut events) = (Sha256::new(), 0);
    let skipped = each(db, stretch, &mut |event| {
        let mut line = serde_json::to_vec(&event).map_err(|e| Trouble::Output(e.to_string().into()))?;
        line.push(b'\n');
        digest.update(&line);
        events += 1;
        aside.write_all(&line).map_err(failed)
    })?;
    let header = Header {
        mailtop_bundle: VERSION,
        version: env!("CARGO_PKG_VERSION").into(),
        event_format: event::VERSION,
        incident: stretch.incident.clone(),
        from: stretch.from,
        until: stretch.until,
        events,
        skipped,
        sha256: hex(&digest.finish()).into(),
    };
    let mut aside = aside.into_inner().map_err(|e| failed(e.into_error()))?;
    aside.rewind().map_err(failed)?;
    let lost = |e: io::Error| Trouble::Output(e.to_string().into());
    let first = serde_json::to_string(&header).map_err(|e| Trouble::Output(e.to_string().into()))?;
    writeln!(out, "{first}").map_err(lost)?;
    io::copy(&mut aside, out).and_then(|_| out.flush()).map_err(lost)?;
    Ok(header)
}

/// Shows `see` what a bundle of this stretch holds, in the order of the record, without holding more than one of it. Says how
/// many rows could not be read.
///
/// # Errors
/// When the record cannot be read, and whatever `see` says.
pub fn each(
    db: &mut Sqlite,
    stretch: &Stretch,
    see: &mut dyn FnMut(Event) -> Result<(), Trouble>,
) -> Result<u64, Trouble> {
    let tx = db.db.transaction()?;
    let mut skipped = 0;
    for id in places(&tx, stretch)? {
        let one = row::batch(&tx, "WHERE e.id = ?1", [id], Cursor::START)?;
        skipped += one.skipped;
        for (_, event) in one.events {
            see(event)?;
        }
    }
    Ok(skipped)
}

/// The places of all that belongs to it: what matters at its beginning, what was recorded in it, and whatever was said of the
/// incident at any time.
fn places(db: &Connection, stretch: &Stretch) -> Result<BTreeSet<i64>, Trouble> {
    let (from, until) = (stretch.from.as_microsecond(), stretch.until.as_microsecond());
    let mut ids = start::state_before(db, from)?;
    let mut during = db.prepare_cached(
        "SELECT id FROM event INDEXED BY sample_by_time WHERE kind < 100 AND at >= ?1 AND at < ?2
         UNION ALL SELECT id FROM event INDEXED BY kept_by_time WHERE kind >= 100 AND at >= ?1 AND at < ?2",
    )?;
    let mut said = db.prepare_cached(
        "SELECT e.id FROM event e JOIN subject s ON s.id = e.subject WHERE s.part = 'incident' AND s.name = ?1 AND e.kind = ?2",
    )?;
    for id in during.query_map(params![from, until], |r| r.get(0))? {
        ids.insert(id?);
    }
    for id in said.query_map(params![stretch.incident.0.as_str(), Kind::Incident.code()], |r| {
        r.get(0)
    })? {
        ids.insert(id?);
    }
    Ok(ids)
}

/// Whether a file says of itself that it is a bundle. A journal and anything else are none.
pub fn is_one(path: &Path) -> bool {
    const BEGINS: &[u8] = br#"{"mailtop_bundle":"#;
    let mut head = Vec::with_capacity(BEGINS.len());
    let read = File::open(path).and_then(|f| f.take(BEGINS.len() as u64).read_to_end(&mut head));
    read.is_ok() && head == BEGINS
}

/// Reads a bundle whole.
///
/// # Errors
/// When it cannot be read, is no bundle, is of a newer format, is cut off, or was changed: with the line and the cause.
pub fn read(path: &Path) -> Result<Bundle, Trouble> {
    let name = Text::from_bytes(path.as_os_str().as_encoded_bytes());
    let file = File::open(path).map_err(|e| wrong(&format!("{name}: {e}")))?;
    read_from(&name, &mut BufReader::new(file))
}

/// As [`read`], from anything; `name` is what errors call it.
///
/// # Errors
/// As [`read`].
pub fn read_from(name: &str, input: &mut dyn BufRead) -> Result<Bundle, Trouble> {
    let mut lines = Lines {
        name,
        input,
        number: 0,
        line: Vec::new(),
    };
    let header = header(&mut lines)?;
    let (mut digest, mut events) = (Sha256::new(), Vec::new());
    while let Some(line) = lines.read()? {
        digest.update(line);
        let Some(json) = line.strip_suffix(b"\n") else {
            let whole = events.len();
            return Err(lines.wrong(&format!(
                "the file is cut off in this line: {whole} of {} events are there",
                header.events
            )));
        };
        if json.ends_with(b"\r") {
            return Err(lines.wrong("its line ends were changed to CR LF on the way: carry the file over as it is"));
        }
        if events.len() as u64 == header.events {
            let more = format!(
                "there is more than the {} events that its first line counts",
                header.events
            );
            return Err(lines.wrong(&more));
        }
        match serde_json::from_slice(json) {
            Ok(event) => events.push(event),
            Err(e) => return Err(lines.wrong(&format!("this is no event: {}", said(&e)))),
        }
    }
    if (events.len() as u64) < header.events {
        let (there, all) = (events.len(), header.events);
        return Err(lines.wrong(&format!(
            "the file is cut off after this line: {there} of {all} events are there"
        )));
    }
    let found = hex(&digest.finish());
    if found != *header.sha256 {
        let last = lines.number;
        return Err(wrong(&format!(
            "{name}: lines 2 to {last} are not as they were written: their SHA-256 is {found}, and line 1 says {}",
            header.sha256
        )));
    }
    Ok(Bundle { header, events })
}

fn header(lines: &mut Lines<'_>) -> Result<Header, Trouble> {
    /// What every version of it has.
    #[derive(Deserialize)]
    struct Any {
        mailtop_bundle: u32,
        #[serde(default)]
        version: Text,
        #[serde(default)]
        event_format: u32,
    }
    const MADE_BY: &str = "`mailtop incident export INC --format bundle` makes one";
    let line = lines.read()?.unwrap_or_default();
    if line.is_empty() {
        return Err(lines.wrong(&format!("the file is empty: {MADE_BY}")));
    }
    if line.starts_with(SQLITE) {
        return Err(lines.wrong("this is an SQLite file, perhaps a journal, and no bundle"));
    }
    let any: Any = match serde_json::from_slice(line) {
        Ok(any) => any,
        Err(_) if is_cut_off(line) => return Err(lines.wrong("the file is cut off in its first line")),
        Err(_) => return Err(lines.wrong(&format!("this is no bundle: {MADE_BY}"))),
    };
    if any.mailtop_bundle > VERSION || any.event_format > event::VERSION {
        return Err(lines.wrong(&format!(
            "mailtop {} wrote this in a newer format than this one reads ({}/{}, not {VERSION}/{})",
            any.version,
            any.mailtop_bundle,
            any.event_format,
            event::VERSION
        )));
    }
    let header = serde_json::from_slice(line);
    header.map_err(|e| lines.wrong(&format!("the first line of a bundle lacks something: {}", said(&e))))
}

fn is_cut_off(line: &[u8]) -> bool {
    line.starts_with(br#"{"mailtop_bundle":"#) && !line.ends_with(b"\n")
}

/// A long path must not push the cause out.
fn wrong(what: &str) -> Trouble {
    Trouble::Bundle(Text::bounded(what.as_bytes(), 2_000))
}

/// What is wrong with a line of JSON, without serde's own count of lines: there is one.
fn said(e: &serde_json::Error) -> String {
    let said = e.to_string();
    let plain = said.split(" at line ").next().unwrap_or(&said);
    match e.column() {
        0 => plain.to_owned(),
        column => format!("{plain} (column {column})"),
    }
}

/// Lines of bounded length, counted.
struct Lines<'a> {
    name: &'a str,
    input: &'a mut dyn BufRead,
    number: u64,
    line: Vec<u8>,
}

impl Lines<'_> {
    /// The next one with its end, where it has one.
    fn read(&mut self) -> Result<Option<&[u8]>, Trouble> {
        self.line.clear();
        let read = (&mut *self.input).take(LONGEST).read_until(b'\n', &mut self.line);
        match read {
            Err(e) => Err(wrong(&format!("{}: {e}", self.name))),
            Ok(0) => Ok(None),
            Ok(_) => {
                self.number += 1;
                if self.line.len() as u64 == LONGEST && !self.line.ends_with(b"\n") {
                    return Err(self.wrong("this line is longer than any of ours"));
                }
                Ok(Some(&self.line))
            }
        }
    }
    fn wrong(&self, what: &str) -> Trouble {
        wrong(&format!("{}:{}: {what}", self.name, self.number.max(1)))
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut all, b| {
        let _ = write!(all, "{b:02x}");
        all
    })
}
