//! `mailtop handover`: one page for the person who takes over, from the journal alone. Exit 0; 3 for usage and a journal that is
//! not there or cannot be read.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::config;
use crate::console::app::since;
use crate::console::when::zone_from_env;
use crate::domain::{Span, Text, Timestamp};
use crate::journal::Sqlite;
use crate::model::Model;
use crate::report::handover::Handover;
use crate::report::times::Times;

use super::cli::Global;
use super::{print, start};

/// `handover`.
#[derive(Debug, Args)]
pub struct HandoverArgs {
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// As things stood then: 10:58, `Sat 10:58`, `2026-11-21 10:58`.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// How a handover is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Text,
    /// Markdown.
    Md,
}

/// What forecasts are made from is read so far back, and as much again for looks that are rare.
const BACK: Span = Span::from_hours(8);

/// Runs it.
pub fn run(args: &HandoverArgs, global: &Global) -> ExitCode {
    match page(args, global) {
        Ok(page) => print(|out| out.extend_from_slice(page.as_bytes())),
        Err(code) => code,
    }
}

fn page(args: &HandoverArgs, global: &Global) -> Result<String, ExitCode> {
    let (zone, clock) = (zone_from_env(), Timestamp::now());
    let paths = start::paths(global)?;
    let now = match &args.at {
        None => clock,
        Some(given) => {
            let exact = given.parse::<Timestamp>().ok();
            let at = exact.map_or_else(|| since(given, clock, &zone), |at| Ok(Some(at)));
            at.map_err(|why| start::fail(&why))?.unwrap_or(clock)
        }
    };
    if !paths.journal.exists() {
        let journal = Text::from_bytes(paths.journal.as_os_str().as_encoded_bytes());
        return Err(start::fail(&format!(
            "no journal at {journal}: nothing has been recorded there"
        )));
    }
    let cadence = if paths.config.exists() {
        config::load(&paths.config)
            .map_err(|m| start::fail_all(&m))?
            .incident
            .terms
            .cadence
    } else {
        config::Incident::default().terms.cadence
    };
    let known = Sqlite::read_only(&paths.journal).and_then(|db| {
        // Without a moment all that is on record counts, whatever a clock was set to in between.
        let place = if args.at.is_some() {
            db.place_at(now)?
        } else {
            db.last_place()?
        };
        db.start_until((Span::ZERO - BACK).after(now), place)
    });
    let known = known.map_err(|why| start::fail(&format!("the journal cannot be read: {why}")))?;
    if known.left_out > 0 {
        super::say(&format!("mailtop: {} older events are not looked at", known.left_out));
    }
    let mut model = Model::new(None);
    model.known_from((Span::ZERO - BACK).after(now));
    model.retell(&known.events, &BTreeSet::new());
    let times = Times::new(zone, now, now);
    let handover = Handover::of(&model, cadence, &times, now);
    Ok(match args.format {
        Format::Text => handover.text(&times),
        Format::Md => handover.md(&times),
    })
}
