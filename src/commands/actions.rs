//! `mailtop actions list` and `show`: what is on record of actions, read from the journal and nowhere else. Needs no config
//! and changes nothing. Exit 0, and 3 when there is no such action or the journal cannot be read.

mod told;
mod words;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::console::when::zone_from_env;
use crate::domain::action::ActionId;
use crate::domain::{Name, Span, Text, Timestamp};
use crate::engine::hold;
use crate::journal::{Pick, Sqlite, Trouble};

use self::told::{Runner, Told};
use super::{print, start};

/// `actions`.
#[derive(Debug, Args)]
pub struct ActionsArgs {
    /// What about them.
    #[command(subcommand)]
    pub what: ActionsCommand,
}

/// What about actions.
#[derive(Debug, Subcommand)]
pub enum ActionsCommand {
    /// A line each, oldest first.
    List(ListArgs),
    /// All that is on record of one.
    Show(ShowArgs),
}

/// `actions list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Those on this server only.
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// Those on jobs of this name only.
    #[arg(long, value_name = "NAME")]
    pub job: Option<String>,
    /// Those of so long: a time, or `all`.
    #[arg(long, value_name = "SPAN|all", default_value = "30d", value_parser = Since::parse)]
    pub since: Since,
    /// How to print.
    #[arg(long, value_enum, default_value_t = ActionsFormat::Text)]
    pub format: ActionsFormat,
}

/// `actions show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which, as `actions list` names it.
    #[arg(value_name = "ID")]
    pub id: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t = ActionsFormat::Text)]
    pub format: ActionsFormat,
}

/// How actions are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ActionsFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Everything.
    All,
    /// So long ago.
    Ago(Span),
}

impl Since {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "all" => Ok(Self::All),
            span => Span::parse(span).map(Self::Ago).map_err(|e| format!("{e}, or all")),
        }
    }
}

#[derive(Serialize)]
struct List {
    actions: Vec<Told>,
}

/// Runs it.
pub fn run(args: &ActionsArgs, journal: &Path) -> ExitCode {
    if !journal.exists() {
        return start::fail(&format!(
            "no journal at {}: nothing has been recorded there",
            Text::from_bytes(journal.as_os_str().as_encoded_bytes())
        ));
    }
    let now = Timestamp::now();
    let zone = zone_from_env();
    match &args.what {
        ActionsCommand::List(args) => list(args, journal, now, &zone),
        ActionsCommand::Show(args) => show(args, journal, now, &zone),
    }
}

fn list(args: &ListArgs, journal: &Path, now: Timestamp, zone: &TimeZone) -> ExitCode {
    let pick = Pick {
        server: args.server.as_deref().map(Name::new),
        job: args.job.as_deref().map(Name::new),
        since: match args.since {
            Since::All => None,
            Since::Ago(span) => Some((Span::ZERO - span).after(now)),
        },
    };
    // At once, locks among it: an action that comes to its end in between would look as if its runner had died.
    let all = |db: Sqlite| db.at_once(|db| read(db, &pick, now, zone));
    let actions = match Sqlite::read_only(journal).and_then(all) {
        Ok(actions) => actions,
        Err(why) => return cannot_read(&why),
    };
    print(|out| match args.format {
        ActionsFormat::Text => words::lines(&actions, out),
        ActionsFormat::Json => json(&List { actions }, out),
    })
}

fn show(args: &ShowArgs, journal: &Path, now: Timestamp, zone: &TimeZone) -> ExitCode {
    let id = ActionId(Name::new(&args.id));
    let one = |db: &Sqlite| {
        let Some((plan, at)) = told::planned(&db.action(&id)?) else {
            return Ok(None);
        };
        // With what came after it on the same job: that tells how a pause ended.
        let pick = Pick {
            server: Some(plan.server),
            job: Some(plan.job),
            since: Some(at),
        };
        Ok(read(db, &pick, now, zone)?.into_iter().find(|t| t.id == id))
    };
    match Sqlite::read_only(journal).and_then(|db| db.at_once(one)) {
        Err(why) => cannot_read(&why),
        Ok(None) => start::fail(&format!(
            "no action {id} in {}; `mailtop actions list --since all` names those there are",
            Text::from_bytes(journal.as_os_str().as_encoded_bytes())
        )),
        Ok(Some(told)) => print(|out| match args.format {
            ActionsFormat::Text => words::whole(&told, out),
            ActionsFormat::Json => json(&told, out),
        }),
    }
}

fn read(db: &Sqlite, pick: &Pick, now: Timestamp, zone: &TimeZone) -> Result<Vec<Told>, Trouble> {
    let mut found = vec![];
    db.actions(pick, &mut |events| found.push(events))?;
    let mut all = vec![];
    for events in found {
        let Some((plan, _)) = told::planned(&events) else {
            continue;
        };
        let held = db.holder(&hold::name(&plan.server, &plan.job), now)?;
        let runner = if held.is_some() {
            Runner::MayBeAtIt
        } else {
            Runner::Gone
        };
        all.extend(Told::of(&events, runner, zone));
    }
    told::follow(&mut all);
    Ok(all)
}

fn json(value: &impl Serialize, out: &mut Vec<u8>) {
    // Into memory, and of values that have a form in JSON: it cannot fail.
    let _ = serde_json::to_writer_pretty(&mut *out, value);
    out.push(b'\n');
}

fn cannot_read(why: &Trouble) -> ExitCode {
    start::fail(&format!("the journal cannot be read: {why}"))
}
