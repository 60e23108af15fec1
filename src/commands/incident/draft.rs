//! `incident draft`: what could be told now, from what was observed, by a template. It reads the journal and posts nothing.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::commands::{print, start};
use crate::config::templates;
use crate::console::when;
use crate::domain::Text;
use crate::domain::incident::State;
use crate::domain::incident::draft::{self, Stage};
use crate::domain::incident::evidence::beware;

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
    /// Templates of your own: files named as those in assets/incident, which hold for what is not there. `templates` of the
    /// config unless given.
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
    let terms = desk.settings()?;
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
    let templates = match &args.templates {
        None => terms.templates,
        Some(dir) => templates::read(dir).map_err(|why| {
            let dir = Text::from_bytes(dir.as_os_str().as_encoded_bytes());
            start::fail(&format!("{dir}: {why}"))
        })?,
    };
    if let Some(why) = templates.wrong_with(whom, stage) {
        crate::commands::say(&format!("mailtop: {why}; the built-in template is used"));
    }
    let evidence = model.evidence(incident, terms.cadence, desk.now);
    for words in beware(&evidence, stage) {
        crate::commands::say(&format!("mailtop: beware: {words}"));
    }
    let text = templates
        .get(whom, stage)
        .fill(&evidence, &|at| when::told(at, desk.now, &desk.zone));
    Ok(print(|out| out.extend_from_slice(text.as_bytes())))
}
