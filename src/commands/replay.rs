//! `mailtop replay`: the console on a record and nothing else. It opens a journal, a bundle, or the usual journal at one of its
//! incidents; it asks no server, changes nothing and records nothing.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::console::app::{Access, Pace, Travel, moment_of};
use crate::console::glyphs::Glyphs;
use crate::console::terminal::{self, Tty};
use crate::console::when::zone_from_env;
use crate::console::{self, App, AppOptions, Exit, RunOptions, Theme, Wires};
use crate::domain::effect::Back;
use crate::domain::event::{Event, Fact};
use crate::domain::{Span, Text, Timestamp};
use crate::engine::past;
use crate::journal::{Durability, Extent, Record, Sqlite, bundle};
use crate::model::Model;
use crate::model::incident::named;

use super::cli::Global;
use super::console::{ended, look_back, needs_terminal};
use super::start;

/// `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A journal or an exported bundle, or an incident of the usual journal; that journal unless given.
    #[arg(value_name = "FILE|INC")]
    pub what: Option<String>,
    /// Play it at once, so many times faster than it was.
    #[arg(long, value_name = "N", value_parser = speed)]
    pub speed: Option<f64>,
    /// Begin at this time: 10:58, `Sat 10:58`, `2026-11-21 10:58`. Else an incident begins shortly before it did, and a file at
    /// its end, or at its beginning when it is played.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
}

/// How long a start takes until it is on record what is watched.
const A_MOMENT: Span = Span::from_secs(1);
/// An incident is shown from so long before it began.
const BEFORE: Span = Span::from_mins(2);

fn speed(s: &str) -> Result<f64, String> {
    let n: f64 = s.parse().map_err(|_| format!("`{s}` is not a number"))?;
    if (0.1..=100_000.0).contains(&n) {
        Ok(n)
    } else {
        Err("it goes from 0.1 to 100000".into())
    }
}

/// A record to be shown.
struct Reel {
    journal: PathBuf,
    title: String,
    begins: Timestamp,
    extent: Extent,
    _dir: Option<tempfile::TempDir>,
}

/// Runs it.
pub fn run(args: &ReplayArgs, global: &Global) -> ExitCode {
    let shown = find(args, global).and_then(|reel| {
        let zone = zone_from_env();
        // What is typed is seen from the end of the record: a time alone is the last one in it.
        let at = match &args.at {
            None => Ok(reel.begins),
            Some(typed) => moment_of(typed, reel.extent.last, reel.extent.last, &zone),
        };
        let at = at.map_err(|why| start::fail(&format!("--at {}: {why}", args.at.as_deref().unwrap_or_default())))?;
        needs_terminal()?;
        let runtime = start::runtime()?;
        let log = start::log(global);
        let log = log.as_ref().map(|l| l.1.clone());
        let folder = log.as_deref().and_then(Path::parent).map(Path::to_owned);
        terminal::install_panic_hook(log);
        let exit = runtime.block_on(show(&reel, at, args.speed, global, folder));
        runtime.shutdown_background();
        exit.map_err(|e| start::fail(&format!("the terminal: {e}")))
    });
    shown.map_or_else(|code| code, |exit| ended(&exit))
}

fn find(args: &ReplayArgs, global: &Global) -> Result<Reel, ExitCode> {
    let Some(what) = &args.what else {
        let journal = start::paths(global)?.journal;
        let extent = extent(&journal)?;
        return Ok(Reel {
            title: "the journal".to_owned(),
            begins: if args.speed.is_some() {
                extent.first
            } else {
                extent.last
            },
            journal,
            extent,
            _dir: None,
        });
    };
    let file = PathBuf::from(what);
    if file.exists() && bundle::is_one(&file) {
        return unpack(&file);
    }
    if file.exists() {
        is_a_journal(&file)?;
        let extent = extent(&file)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(Reel {
            title: name,
            begins: if args.speed.is_some() {
                extent.first
            } else {
                extent.last
            },
            journal: file,
            extent,
            _dir: None,
        });
    }
    if what.contains('/') {
        return Err(start::fail(&format!(
            "{}: there is no such file",
            Text::from(what.as_str())
        )));
    }
    let journal = start::paths(global)?.journal;
    let extent = extent(&journal)?;
    let known = Sqlite::read_only(&journal).and_then(|db| db.incidents());
    let mut model = Model::new(None);
    model.apply_all(&known.map_err(|why| cannot_read(&journal, &why))?);
    let incident = named(model.incidents(), what).map_err(|why| start::fail(&format!("no file, and {why}")))?;
    let before = (Span::ZERO - BEFORE).after(incident.start().at.at);
    Ok(Reel {
        title: incident.called().to_string(),
        // Not before the record does: nothing would be there to be seen.
        begins: before.max(A_MOMENT.after(extent.first)).min(extent.last),
        journal,
        extent,
        _dir: None,
    })
}

/// Whether a file is what it would have to be; what else it may be is not told as damage.
fn is_a_journal(file: &Path) -> Result<(), ExitCode> {
    const SQLITE: &[u8] = b"SQLite format 3\0";
    let shown = Text::from_bytes(file.as_os_str().as_encoded_bytes());
    if file.is_dir() {
        return Err(start::fail(&format!(
            "{shown} is a folder: name a journal or a bundle in it"
        )));
    }
    let mut head = Vec::with_capacity(SQLITE.len());
    let read = std::fs::File::open(file).and_then(|f| f.take(SQLITE.len() as u64).read_to_end(&mut head));
    match read {
        Err(e) => Err(cannot_read(file, &e)),
        Ok(_) if head != SQLITE => Err(start::fail(&format!(
            "{shown} is neither a journal nor a bundle: `mailtop incident export INC --format bundle` makes one"
        ))),
        Ok(_) => Ok(()),
    }
}

/// A bundle becomes a journal of its own for as long as it is shown.
fn unpack(file: &Path) -> Result<Reel, ExitCode> {
    let bundle = bundle::read(file).map_err(|why| start::fail(&why))?;
    let fail = |e: &dyn std::fmt::Display| start::fail(&format!("a temporary journal could not be made: {e}"));
    let dir = tempfile::Builder::new().prefix("mailtop-replay-").tempdir();
    let dir = dir.map_err(|e| fail(&e))?;
    let journal = dir.path().join("journal.db");
    let written = Sqlite::open(&journal, bundle.header.until)
        .and_then(|(mut db, _)| db.append(&bundle.events, Durability::Process));
    written.map_err(|why| fail(&why))?;
    let mut model = Model::new(None);
    model.apply_all(&bundle.events);
    let (from, until) = (bundle.header.from, bundle.header.until);
    let incident = model.incident(&bundle.header.incident);
    let began = incident.map(|i| (Span::ZERO - BEFORE).after(i.start().at.at));
    let watched = |e: &&Event| matches!(e.what, Fact::Watching(_)) && e.at >= bundle.header.from;
    // Where nobody watched before it began, it is shown from when somebody did.
    let began = match (began, bundle.events.iter().find(watched)) {
        (Some(began), Some(first)) if !bundle.events.iter().any(|e| e.at < began) => Some(A_MOMENT.after(first.at)),
        (began, _) => began,
    };
    // What was recorded last is where it ends: until then nothing more was to be seen.
    let last = model.last_event().map_or(until, |last| last.min(until));
    let extent = Extent {
        first: from.min(last),
        last,
    };
    Ok(Reel {
        title: incident.map_or_else(|| bundle.header.incident.to_string(), |i| i.called().to_string()),
        begins: began.unwrap_or(from).max(extent.first),
        extent,
        journal,
        _dir: Some(dir),
    })
}

fn extent(journal: &Path) -> Result<Extent, ExitCode> {
    let shown = Text::from_bytes(journal.as_os_str().as_encoded_bytes());
    if !journal.exists() {
        return Err(start::fail(&format!(
            "no journal at {shown}: nothing has been recorded there"
        )));
    }
    let found = Sqlite::read_only(journal).and_then(|db| db.extent());
    match found {
        Ok(Some(extent)) => Ok(extent),
        Ok(None) => Err(start::fail(&format!("{shown}: nothing is on record in it"))),
        Err(why) => Err(cannot_read(journal, &why)),
    }
}

fn cannot_read(journal: &Path, why: &impl std::fmt::Display) -> ExitCode {
    let shown = Text::from_bytes(journal.as_os_str().as_encoded_bytes());
    start::fail(&format!("{shown} cannot be read: {why}"))
}

async fn show(
    reel: &Reel,
    at: Timestamp,
    speed: Option<f64>,
    global: &Global,
    folder: Option<PathBuf>,
) -> std::io::Result<Exit> {
    let mut options = AppOptions {
        access: Access::ReadOnly,
        theme: Theme::from_env(|name| std::env::var(name).ok()),
        glyphs: if global.ascii { Glyphs::Ascii } else { Glyphs::Unicode },
        pace: if global.slow { Pace::Slow } else { Pace::Normal },
        ..AppOptions::new(format!("replay of {}", reel.title))
    };
    if let Some(speed) = speed {
        options.replay_speed = speed;
    }
    let clock = Clock::System;
    let run_options = RunOptions::of(options.pace, &clock);
    let mut app = App::new(options, Model::new(None));
    app.past = Some(Travel::replay(at, speed.is_some()));
    let signals = terminal::signals()?;
    let (to_console, messages) = mpsc::channel(16);
    let mut screen = ratatui::Terminal::new(Tty::enter()?.answering(&to_console, folder))?;
    let (past, asks) = std::sync::mpsc::channel();
    let of = past::Of {
        journal: reel.journal.clone(),
        within: Some(reel.extent),
        like: BTreeSet::new(),
    };
    look_back(of, asks, &to_console);
    let (effects, _nobody) = mpsc::channel(64);
    // A receiver that is gone means that nobody looks back any more, and the loop ends.
    let _ = past.send((0, Back::To(at)));
    let wires = Wires {
        input: terminal::keys(),
        signals,
        messages,
        effects,
        past,
    };
    Ok(console::run(app, &mut screen, wires, || clock.now(), run_options).await)
}
