//! What several commands begin with: the config or the targets, who we are, the log, the runtime.

use std::fmt::Display;
use std::io::IsTerminal;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::config::paths::{Overrides, Paths};
use crate::config::targets::TargetOptions;
use crate::config::targets::Targets;
use crate::config::{self, Config};
use crate::domain::door::Secret;
use crate::domain::event::ObserverId;
use crate::domain::{Name, Text};

use super::UNKNOWN;
use super::cli::Global;

/// Says what is wrong on standard error, and gives the exit status for it.
pub fn fail(why: &impl Display) -> ExitCode {
    crate::commands::say(&format!("mailtop: {why}"));
    UNKNOWN.into()
}

/// Says all that is wrong.
pub fn fail_all(mistakes: &[impl Display]) -> ExitCode {
    for m in mistakes {
        crate::commands::say(m);
    }
    crate::commands::say(&format!(
        "mailtop: {} to mend",
        if mistakes.len() == 1 {
            "one mistake".into()
        } else {
            format!("{} mistakes", mistakes.len())
        }
    ));
    UNKNOWN.into()
}

/// Where our files are.
pub fn paths(global: &Global) -> Result<Paths, ExitCode> {
    let overrides = Overrides {
        config: global.config.clone(),
        journal: global.journal.clone(),
    };
    Paths::new(overrides).map_err(|e| fail(&e))
}

/// What is to be watched, with the options that hold for every command applied.
pub fn config(targets: &[String], options: &TargetOptions, global: &Global) -> Result<Found, ExitCode> {
    let mut found = find(targets, options, global)?;
    found.apply(global);
    Ok(found)
}

/// Asks on the terminal, where there is one, for the passwords that no option gave. Without one they stay lacking, and
/// the targets say so.
fn ask_for_passwords(targets: &mut Targets) {
    if !std::io::stdin().is_terminal() {
        return;
    }
    for door in targets.lacking().to_vec() {
        match rpassword::prompt_password(format!("Password for {}: ", door.url)) {
            Ok(password) if !password.is_empty() => targets.fill_secret(&door, Secret::new(password)),
            _ => return,
        }
    }
}

/// A config and where it came from.
pub struct Found {
    /// The config.
    pub config: Config,
    /// What to call it in the header.
    pub title: String,
    /// A word to the user about it.
    pub notice: Option<String>,
    /// The questions about the doors of domains that got no answer: there may be more doors.
    pub unanswered: Vec<Text>,
}

impl Found {
    /// Applies the options that hold for every command.
    pub fn apply(&mut self, global: &Global) {
        let d = &mut self.config.defaults;
        d.read_only |= global.read_only;
        d.ascii |= global.ascii;
        d.slow |= global.slow;
        if global.no_canary {
            self.config.canaries.clear();
        }
    }
}

fn find(targets: &[String], options: &TargetOptions, global: &Global) -> Result<Found, ExitCode> {
    if !targets.is_empty() {
        let mut read = Targets::read(targets, options, super::domain::doors).map_err(|m| fail_all(&m))?;
        let told = read.told().clone();
        for line in told.notes.iter().chain(&told.unanswered) {
            crate::commands::say(&format!("mailtop: {line}"));
        }
        ask_for_passwords(&mut read);
        let config = read.finish().map_err(|m| fail_all(&m))?;
        let title = match (&config.servers[..], targets) {
            ([one], _) => one.name.to_string(),
            (_, [domain]) => domain.clone(),
            _ => format!("{} targets", targets.len()),
        };
        let notice = told
            .unanswered
            .first()
            .map(|why| format!("doors may be missing: {why}"));
        return Ok(Found {
            config,
            title,
            notice,
            unanswered: told.unanswered,
        });
    }
    let path = paths(global)?.config;
    if global.config.is_some() || path.exists() {
        let config = config::load(&path).map_err(|m| fail_all(&m))?;
        let title = path
            .file_stem()
            .map(|s| s.to_string_lossy().into_owned())
            .unwrap_or_default();
        let title = if title == "config" { String::new() } else { title };
        return Ok(Found {
            config,
            title,
            notice: None,
            unanswered: Vec::new(),
        });
    }
    let here = config::discover::this_host();
    for line in here.describe() {
        crate::commands::say(&line);
    }
    if here.is_empty() {
        return Err(fail(&format!(
            "nothing to watch: no targets, no config at {}, and no mail system on this host; \
             name a target (DOMAIN, imaps://USER@HOST, ssh://ALIAS) or write a config with `mailtop init`",
            path.display()
        )));
    }
    let config = config::discover::config_for(&here).map_err(|m| fail_all(&[m]))?;
    let notice = "no config yet: watching this host as found; `mailtop init` writes it down".to_owned();
    Ok(Found {
        config,
        title: "this host".into(),
        notice: Some(notice),
        unanswered: Vec::new(),
    })
}

pub use super::signature::who;

/// Who this process is on the record.
pub fn me() -> ObserverId {
    let login = whoami::username().unwrap_or_else(|_| "unknown".into());
    let host = whoami::hostname().unwrap_or_else(|_| "unknown".into());
    ObserverId(Name::new(&format!("{login}@{host}:{}", std::process::id())))
}

/// Two workers do: the work is waiting.
pub fn runtime() -> Result<Runtime, ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| fail(&format!("the runtime could not be started: {e}")))
}

/// Starts the log file; `None` where it cannot be written, which is no reason not to start. Keep the guard: dropping it flushes.
pub fn log(global: &Global) -> Option<(tracing_appender::non_blocking::WorkerGuard, PathBuf)> {
    let path = paths(global).ok()?.log;
    let (dir, name) = (path.parent()?, path.file_name()?);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .ok()?;
    let appender = tracing_appender::rolling::RollingFileAppender::builder()
        .rotation(tracing_appender::rolling::Rotation::NEVER)
        .filename_prefix(name.to_string_lossy())
        .build(dir)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(appender);
    let level = match global.verbose {
        0 => "warn",
        1 => "mailtop=debug,warn",
        _ => "trace",
    };
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .with_env_filter(level)
        .try_init()
        .ok()?;
    Some((guard, path))
}
