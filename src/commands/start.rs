//! What several commands begin with: the config or the targets, who we are, the log, the runtime.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::config::targets::TargetOptions;
use crate::config::{self, Config, paths};
use crate::domain::Name;
use crate::domain::Text;
use crate::domain::event::ObserverId;

use super::UNKNOWN;
use super::cli::Global;

/// Says what is wrong on standard error, and gives the exit status for it.
pub fn fail(why: &impl Display) -> ExitCode {
    eprintln!("mailtop: {why}");
    UNKNOWN.into()
}

/// Says all that is wrong.
pub fn fail_all(mistakes: &[impl Display]) -> ExitCode {
    for m in mistakes {
        eprintln!("{m}");
    }
    eprintln!("mailtop: {} to mend", if mistakes.len() == 1 { "one mistake".into() } else { format!("{} mistakes", mistakes.len()) });
    UNKNOWN.into()
}

/// What is to be watched, with the options that hold for every command applied.
pub fn config(targets: &[String], options: &TargetOptions, global: &Global) -> Result<Found, ExitCode> {
    let mut found = find(targets, options, global)?;
    found.apply(global);
    Ok(found)
}

/// A config and where it came from.
pub struct Found {
    /// The config.
    pub config: Config,
    /// What to call it in the header.
    pub title: String,
    /// A word to the user about it.
    pub notice: Option<String>,
}

impl Found {
    fn apply(&mut self, global: &Global) {
        let d = &mut self.config.defaults;
        d.read_only |= global.read_only;
        d.ascii |= global.ascii;
        d.slow |= global.slow;
    }
}

fn find(targets: &[String], options: &TargetOptions, global: &Global) -> Result<Found, ExitCode> {
    if !targets.is_empty() {
        let config = config::targets::from_args(targets, options).map_err(|m| fail_all(&m))?;
        let title = if let [one] = &config.servers[..] { one.name.to_string() } else { format!("{} targets", targets.len()) };
        return Ok(Found { config, title, notice: None });
    }
    let path = paths::config_file(global.config.as_deref()).map_err(|e| fail(&e))?;
    if global.config.is_some() || path.exists() {
        let config = config::load(&path).map_err(|m| fail_all(&m))?;
        let title = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let title = if title == "config" { String::new() } else { title };
        return Ok(Found { config, title, notice: None });
    }
    let here = config::discover::this_host();
    for line in here.describe() {
        eprintln!("{line}");
    }
    match config::discover::config_for(&here) {
        Some(config) => {
            let notice = "no config yet: watching this host as found; `mailtop init` writes it down".to_owned();
            Ok(Found { config, title: "this host".into(), notice: Some(notice) })
        }
        None => Err(fail(&format!(
            "nothing to watch: no targets, no config at {}, and no mail system on this host; \
             name a target (imaps://USER@HOST, ssh://ALIAS) or write a config with `mailtop init`",
            path.display()
        ))),
    }
}

/// Login and host, and the user before sudo where there is one: for the record.
pub fn who() -> Text {
    let login = whoami::username().unwrap_or_else(|_| "unknown".into());
    let host = whoami::hostname().unwrap_or_else(|_| "unknown".into());
    let before = std::env::var("SUDO_USER").ok().filter(|s| !s.is_empty() && *s != login);
    before.map_or_else(|| format!("{login}@{host}"), |s| format!("{login}@{host} (sudo by {s})")).into()
}

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
    let path = paths::log_file().ok()?;
    let (dir, name) = (path.parent()?, path.file_name()?);
    paths::private_dir(dir).ok()?;
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
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(level).try_init().ok()?;
    Some((guard, path))
}
