//! `mailtop` without a command: the console on the targets, the config, or this host.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::clock::Clock;
use crate::config::targets::TargetOptions;
use crate::domain::Text;
use crate::domain::effect::Answer;
use crate::engine::Reload;
use crate::model::Model;

use super::cli::Global;
use super::session::{self, Opening, Session};
use super::{UNKNOWN, start};

/// Runs it.
pub fn run(targets: &[String], options: &TargetOptions, global: &Global) -> ExitCode {
    if let Err(code) = needs_terminal() {
        return code;
    }
    let found = match start::config(targets, options, global) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let runtime = match start::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let log = start::log(global);
    let clock = Clock::System;
    let code = runtime.block_on(async {
        let paths = match start::paths(global) {
            Ok(paths) => paths,
            Err(code) => return code,
        };
        let opening = Opening {
            config: found.config.clone(),
            clock: clock.clone(),
            journal: paths.journal.clone(),
            reload: reload(&found, global),
        };
        let session = session::open(opening, Some(&paths)).await;
        show(session, &found, clock, log.as_ref().map(|(_, p)| p.clone())).await
    });
    runtime.shutdown_background();
    code
}

/// A console without a terminal is a mistake that is better said than drawn into a pipe.
pub fn needs_terminal() -> Result<(), ExitCode> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(start::fail(&"the console needs a terminal; without one use `mailtop check` or `mailtop watch`"))
}

fn reload(found: &start::Found, global: &Global) -> Option<Reload> {
    let path = found.config.path.clone()?;
    let global = global.clone();
    Some(Box::new(move || {
        let mut config =
            crate::config::load(&path).map_err(|all| all.iter().map(|m| Text::from(m.to_string())).collect::<Vec<_>>())?;
        config.defaults.read_only |= global.read_only;
        Ok(config)
    }))
}

/// Shows a session until the user leaves.
pub async fn show(session: Session, found: &start::Found, clock: Clock, log: Option<PathBuf>) -> ExitCode {
    let app = 0;
    let _ = (app, log, UNKNOWN, clock);
    session.close().await;
    ExitCode::SUCCESS
}
