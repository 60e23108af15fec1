//! `incident draft`: what could be told now, from what was observed, by a template. It reads the journal and posts nothing.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::commands::{print, start};
use crate::console::when;
use crate::domain::incident::State;
use crate::domain::incident::draft::{self, Stage, Template, shipped};
use crate::domain::{Text, Timestamp};

use super::{Desk, Failed, OneArgs, show};

/// `incident draft`.
#[derive(Debug, Args)]
pub struct DraftArgs {
    /// Which.
    #[command(flatten)]
    pub one: OneArgs,
    /// Whom it is for.
    #[arg(long = "for", value_enum, default_value_t = For::Customer)]
    pub whom: For,
    /// What it says; how far the incident is unless given.
    #[arg(long, value_enum)]
    pub stage: Option<Says>,
    /// Templates of your own: files named as those in assets/incident, which hold for what is not there.
    #[arg(long, value_name = "DIR")]
    pub templates: Option<std::path::PathBuf>,
}

/// Whom a draft is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// Those who use the service.
    Customer,
    /// Those who run it.
    Technical,
}

/// What a draft says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Says {
    /// The cause is not known.
    Investigating,
    /// It is.
    Identified,
    /// It seems mended.
    Monitoring,
    /// It is over.
    Resolved,
    /// What happened, afterwards.
    Post,
}

/// Runs it.
pub(super) fn draft(args: &DraftArgs, desk: &Desk<'_>) -> Result<ExitCode, Failed> {
    let cadence = desk.settings()?.cadence;
    let (model, id, _) = show::folded(&args.one, desk)?;
    let Some(incident) = model.incident(&id) else {
        return Err(start::fail(&show::GONE));
    };
    let whom = match args.whom {
        For::Customer => draft::For::Customer,
        For::Technical => draft::For::Technical,
    };
    let stage = match args.stage {
        None => Stage::State(incident.state),
        Some(Says::Investigating) => Stage::State(State::Investigating),
        Some(Says::Identified) => Stage::State(State::Identified),
        Some(Says::Monitoring) => Stage::State(State::Monitoring),
        Some(Says::Resolved) => Stage::State(State::Resolved),
        Some(Says::Post) => Stage::Post,
    };
    let template = args
        .templates
        .as_deref()
        .and_then(|dir| own(dir, whom, stage))
        .unwrap_or_else(|| shipped(whom, stage));
    let evidence = model.evidence(incident, cadence, desk.now);
    let words = |at: Timestamp| when::moment(at, desk.now, &desk.zone);
    let zone = desk.now.to_zoned_datetime(desk.zone.clone()).strftime("%Z").to_string();
    let text = template.fill(&evidence, &|at| format!("{} {zone}", words(at)));
    Ok(print(|out| out.extend_from_slice(text.as_bytes())))
}

/// The user's own template; where it is wrong that is said, and the one that comes with mailtop is used.
fn own(dir: &Path, whom: draft::For, stage: Stage) -> Option<Template> {
    let path = dir.join(draft::file_name(whom, stage));
    let shown = Text::from_bytes(path.as_os_str().as_encoded_bytes());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        Err(e) => {
            crate::commands::say(&format!("mailtop: {shown}: {e}; the built-in template is used"));
            return None;
        }
    };
    match Template::parse(&shown, &text) {
        Ok(template) => Some(template),
        Err(why) => {
            crate::commands::say(&format!("mailtop: {why}; the built-in template is used"));
            None
        }
    }
}
