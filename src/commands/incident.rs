//! `mailtop incident`: what is on record of incidents, and what a person puts there. It reads and writes the journal alone, so
//! it works beside a console and without one. Exit 0; 2 when the program that posts an update failed; 3 for usage, an incident
//! that is not there, and a journal that cannot be read or written.

mod args;
mod draft;
mod export;
mod show;
mod told;
mod words;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use jiff::tz::TimeZone;

use crate::config;
use crate::console::app::since;
use crate::console::when::zone_from_env;
use crate::domain::argv::Argv;
use crate::domain::effect::Went;
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::incident::draft::Stage;
use crate::domain::incident::evidence::{Evidence, beware};
use crate::domain::incident::fact::{
    Acknowledged, How, Noted, Opened, Out, Posted, StartCorrected, StateSet, Ticket, TicketIs,
};
use crate::domain::incident::opening::name;
use crate::domain::incident::said::begun;
use crate::domain::incident::terms::Terms;
use crate::domain::incident::{Entry, Incident, IncidentId, MAX_WORDS, State, debt, kept_whole, lines};
use crate::domain::{Name, Span, Text, Timestamp};
use crate::engine::publish;
use crate::journal::{Durability, Record, Sqlite, Trouble};
use crate::model::Model;
use crate::model::incident::named;

use super::cli::Global;
use super::{print, start};

pub use args::{Format, IncidentArgs, What};
use args::{ListArgs, NoteArgs, OneArgs, OpenArgs, ResolveArgs, StartArgs, TicketArgs, UpdateArgs};

/// More than any update is.
const MOST_INPUT: u64 = 256 << 10;

/// Why something was not done.
type Failed = ExitCode;

/// Runs it.
pub fn run(args: &IncidentArgs, global: &Global) -> ExitCode {
    let now = Timestamp::now();
    let zone = zone_from_env();
    let paths = match start::paths(global) {
        Ok(paths) => paths,
        Err(code) => return code,
    };
    let desk = Desk {
        journal: &paths.journal,
        config: &paths.config,
        now,
        zone,
    };
    let done = match &args.what {
        What::List(args) => desk.list(args),
        What::Show(args) => show::show(args, &desk),
        What::Draft(args) => draft::draft(args, &desk),
        What::Export(args) => export::export(args, &desk),
        What::Open(args) => desk.open(args),
        What::Note(args) => desk.note(args),
        What::Ack(args) => desk.ack(args),
        What::Update(args) => desk.update(args),
        What::Resolve(args) => desk.resolve(args),
        What::Ticket(args) => desk.ticket(args),
        What::Start(args) => desk.start(args),
    };
    done.unwrap_or_else(|code| code)
}

struct Desk<'p> {
    journal: &'p Path,
    config: &'p Path,
    now: Timestamp,
    zone: TimeZone,
}

impl Desk<'_> {
    /// All that is on record of incidents.
    fn known(&self) -> Result<Model, Failed> {
        let mut model = Model::new(None).keeping_all_incidents();
        // Where nothing was recorded yet there is none.
        if self.journal.exists() {
            let all = Sqlite::read_only(self.journal).and_then(|db| db.incidents());
            model.apply_all(&all.map_err(|why| cannot_read(&why))?);
        }
        Ok(model)
    }

    /// The one that is meant.
    fn one(&self, args: &OneArgs) -> Result<Incident, Failed> {
        let model = self.known()?;
        named(model.incidents(), &args.incident)
            .cloned()
            .map_err(|why| start::fail(&why))
    }

    /// What the config says of incidents; what holds without one where there is none.
    fn settings(&self) -> Result<Terms, Failed> {
        if !self.config.exists() {
            return Ok(Terms::default());
        }
        let config = config::load(self.config).map_err(|m| start::fail_all(&m))?;
        Ok(config.incident.terms)
    }

    /// A moment of the past that was given.
    fn moment(&self, given: Option<&String>) -> Result<Option<Timestamp>, Failed> {
        let Some(given) = given else { return Ok(None) };
        match given.parse::<Timestamp>() {
            Ok(at) if at <= self.now => Ok(Some(at)),
            Ok(_) => Err(start::fail(&"that is in the future")),
            Err(_) => since(given, self.now, &self.zone).map_err(|why| start::fail(&why)),
        }
    }

    /// The journal, to be written to.
    fn journal(&self) -> Result<Sqlite, Failed> {
        let (db, moved) = Sqlite::open(self.journal, self.now)
            .map_err(|why| start::fail(&format!("it could not be put on record: {why}")))?;
        if let Some(moved) = moved {
            super::say(&format!("mailtop: {moved}"));
        }
        Ok(db)
    }

    /// Puts entries on disk.
    fn write(db: &mut Sqlite, id: &IncidentId, entries: Vec<Entry>) -> Result<(), Trouble> {
        let event = |entry| Event {
            at: Timestamp::now(),
            seen_by: start::me(),
            about: Subject::Incident { incident: id.clone() },
            what: Fact::Incident(Box::new(entry)),
        };
        let events: Vec<Event> = entries.into_iter().map(event).collect();
        db.append(&events, Durability::PowerCut)
    }

    fn done(&self, id: &IncidentId, entries: Vec<Entry>) -> Result<ExitCode, Failed> {
        Self::write(&mut self.journal()?, id, entries)
            .map_err(|why| start::fail(&format!("it could not be put on record: {why}")))?;
        self.shown(id)
    }

    fn shown(&self, id: &IncidentId) -> Result<ExitCode, Failed> {
        // Read back: what is printed is what is on record.
        let one = OneArgs {
            incident: id.0.to_string(),
        };
        let incident = self.one(&one)?;
        Ok(print(|out| words::line(&incident, self, out)))
    }

    fn list(&self, args: &ListArgs) -> Result<ExitCode, Failed> {
        if !self.journal.exists() {
            let journal = Text::from_bytes(self.journal.as_os_str().as_encoded_bytes());
            super::say(&format!(
                "mailtop: nothing has been recorded yet: there is no journal at {journal}"
            ));
        }
        let model = self.known()?;
        let all: Vec<&Incident> = model.incidents().filter(|i| !args.open || !i.is_resolved()).collect();
        Ok(print(|out| match args.format {
            Format::Text if all.is_empty() => out.extend(b"no incidents on record\n"),
            Format::Text => all.iter().for_each(|i| words::line(i, self, out)),
            Format::Json => {
                let told: Vec<told::Told> = all.iter().map(|i| told::Told::of(i, &self.zone)).collect();
                told::json(&told, out);
            }
        }))
    }

    fn open(&self, args: &OpenArgs) -> Result<ExitCode, Failed> {
        let backdated = self.moment(args.backdate.as_ref())?;
        let started = backdated.unwrap_or(self.now);
        let servers: Vec<Name> = args.servers.iter().map(|s| Name::new(s)).collect();
        let short = |s: &String| Text::bounded(s.trim().as_bytes(), 120);
        let given = args.name.as_ref().map(short).filter(|n| !n.is_empty());
        if given.is_none() && servers.is_empty() {
            return Err(start::fail(&"give it a name, or name its servers with --server"));
        }
        let opened = Opened {
            name: given.unwrap_or_else(|| name(args.layer, &servers.iter().cloned().collect())),
            how: How::Hand,
            by: Some(start::who()),
            number: args.number.as_ref().map(short),
            layer: args.layer,
            servers,
            doors: Vec::new(),
            started,
            last_good: None,
            lasted: None,
            stood_before: None,
        };
        let id = IncidentId::new(started, fastrand::u16(..));
        self.done(&id, vec![Entry::Opened(Box::new(opened))])
    }

    fn note(&self, args: &NoteArgs) -> Result<ExitCode, Failed> {
        let (incident, of) = (self.one(&args.one)?, self.moment(args.backdate.as_ref())?);
        let Some(text) = Text::whole(words_of(&args.text)?.trim().as_bytes(), MAX_WORDS) else {
            return Err(start::fail(&format!("a note has at most {MAX_WORDS} characters")));
        };
        if text.is_empty() {
            return Err(start::fail(&"the note is empty"));
        }
        let by = start::who();
        self.done(&incident.id, vec![Entry::Noted(Noted { text, by, of })])
    }

    fn ack(&self, args: &OneArgs) -> Result<ExitCode, Failed> {
        let incident = self.one(args)?;
        if let Some((by, at)) = &incident.acknowledged {
            let at = told::moment(at.at, &self.zone);
            return Err(start::fail(&format!("{by} acknowledged it already, at {at}")));
        }
        let by = start::who();
        self.done(&incident.id, vec![Entry::Acknowledged(Acknowledged { by })])
    }

    fn update(&self, args: &UpdateArgs) -> Result<ExitCode, Failed> {
        let incident = self.one(&args.one)?;
        let settings = self.settings()?;
        let by = start::who();
        let set = |to| {
            Entry::State(StateSet {
                to,
                by: Some(by.clone()),
                why: None,
            })
        };
        let mut entries: Vec<Entry> = args.state.map(set).into_iter().collect();
        let Some(given) = &args.text else {
            if entries.is_empty() {
                return Err(start::fail(&"give the words of the update, or --state"));
            }
            return self.done(&incident.id, entries);
        };
        let words = words_of(given)?;
        if words.trim().is_empty() {
            return Err(start::fail(&"the update is empty"));
        }
        // Refused before anybody is told: the record has to have the words that went out.
        kept_whole(&words).map_err(|why| start::fail(&why))?;
        let of = self.moment(args.backdate.as_ref())?;
        self.warn(&args.one, args.state, &settings);
        let mut journal = self.journal()?;
        let out = if args.publish {
            let Some(hook) = &settings.publish else {
                let config = Text::from_bytes(self.config.as_os_str().as_encoded_bytes());
                return Err(start::fail(&format!(
                    "nothing to post it with: set publish = [\"program\"] under [incident] in {config}"
                )));
            };
            post(hook, &words, args.give_up_after)?;
            Out::Hook {
                command: hook.quoted().into(),
            }
        } else {
            Out::ByHand
        };
        let posted_at = of.unwrap_or(self.now);
        let over = args.state == Some(State::Resolved) || (args.state.is_none() && incident.is_resolved());
        let next = args
            .next
            .unwrap_or_else(|| debt::every(&incident, settings.cadence, self.now));
        let next_at = (!over).then(|| next.after(posted_at));
        entries.push(Entry::UpdatePosted(Posted {
            lines: lines(&words),
            by: by.clone(),
            next_at,
            out,
            of,
        }));
        Self::write(&mut journal, &incident.id, entries).map_err(|why| {
            let what = if args.publish {
                format!(
                    "the update {}: {why}; once that is mended, put it on record without --publish",
                    Went::Posted.words()
                )
            } else {
                format!("it could not be put on record: {why}")
            };
            start::fail(&what)
        })?;
        self.shown(&incident.id)
    }

    /// Says what one has to know before words go out that say that it is over, or mended. Where the record cannot be read for
    /// that, nothing is said: the words are the person's.
    fn warn(&self, one: &OneArgs, state: Option<State>, settings: &Terms) {
        let Ok((model, id, _)) = show::folded(one, self) else {
            return;
        };
        let Some(incident) = model.incident(&id) else { return };
        let evidence = model.evidence(incident, settings.cadence, self.now);
        let state = state.unwrap_or(incident.state);
        // It becomes what is said.
        let evidence = Evidence { state, ..evidence };
        for words in beware(&evidence, Stage::State(state)) {
            super::say(&format!("mailtop: beware: {words}"));
        }
    }

    fn resolve(&self, args: &ResolveArgs) -> Result<ExitCode, Failed> {
        let incident = self.one(&args.one)?;
        if incident.is_resolved() {
            return Err(start::fail(&format!("{} is over already", incident.called())));
        }
        let set = StateSet {
            to: State::Resolved,
            by: Some(start::who()),
            why: args.reason.as_ref().map(|r| Text::from(r.trim())),
        };
        self.done(&incident.id, vec![Entry::State(set)])
    }

    fn ticket(&self, args: &TicketArgs) -> Result<ExitCode, Failed> {
        let incident = self.one(&args.one)?;
        let number = self.settings()?.number;
        let ticket = args.ticket.trim();
        if ticket.is_empty() {
            return Err(start::fail(&"the ticket is empty"));
        }
        let linked = Ticket {
            ticket: ticket.into(),
            affected: args.affected.iter().map(|a| Text::from(a.trim())).collect(),
            is: match number {
                Some(pattern) if pattern.fits(ticket) => TicketIs::Number,
                _ => TicketIs::Report,
            },
            by: start::who(),
        };
        self.done(&incident.id, vec![Entry::TicketLinked(linked)])
    }

    fn start(&self, args: &StartArgs) -> Result<ExitCode, Failed> {
        let incident = self.one(&args.one)?;
        let at = match args.at.trim() {
            "-" => None,
            _ => self.moment(Some(&args.at))?,
        };
        if let Some(at) = at {
            begun(&incident, at).map_err(|why| start::fail(&why))?;
        }
        let by = start::who();
        self.done(&incident.id, vec![Entry::StartCorrected(StartCorrected { at, by })])
    }
}

/// What was given, or standard input for `-`.
fn words_of(given: &str) -> Result<String, Failed> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MOST_INPUT + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| start::fail(&format!("standard input: {e}")))?;
    if bytes.len() as u64 > MOST_INPUT {
        return Err(start::fail(&"standard input: more than 256 KiB, which no update is"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The program failed, or was ended before it said how it went: nothing was put on record.
const NOT_POSTED: u8 = 2;

fn post(hook: &Argv, words: &str, give_up_after: Span) -> Result<(), Failed> {
    let runtime = start::runtime()?;
    let done = runtime.block_on(publish::post(hook, words, give_up_after));
    runtime.shutdown_background();
    done.map_err(|failed| {
        let why: Vec<&str> = failed.why.iter().map(Text::as_str).collect();
        start::fail(&format!("the update {}: {}", failed.went.words(), why.join("\n")));
        NOT_POSTED.into()
    })
}

fn cannot_read(why: &Trouble) -> ExitCode {
    start::fail(&format!("the journal cannot be read: {why}"))
}
