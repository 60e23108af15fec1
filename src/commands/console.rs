//! `mailtop` without a command: the console on the targets, the config, or this host.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use futures::FutureExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::config::targets::TargetOptions;
use crate::console::app::{Access, Pace, REPLAY_SPEED, Seen};
use crate::console::glyphs::Glyphs;
use crate::console::terminal::{self, Tty};
use crate::console::{self, App, AppOptions, Exit, Msg, RunOptions, Theme, Wires};
use crate::domain::Text;
use crate::domain::effect::Answer;
use crate::engine::{Reload, past};
use crate::model::Model;

use super::cli::Global;
use super::session::{self, Opening, Session};
use super::start;

/// After this long somebody who left wants to know why the shell is not back.
const PATIENCE: Duration = Duration::from_millis(700);
const LEFT: &str = "left before everything that ran had ended: what became of it is not on record, look at the job";
/// What a panic ends a Rust program with.
const PANICKED: u8 = 101;

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
        show(session, &found, clock, log.as_ref().map(|l| l.1.clone())).await
    });
    runtime.shutdown_background();
    code
}

/// A console without a terminal is a mistake that is better said than drawn into a pipe.
pub fn needs_terminal() -> Result<(), ExitCode> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(start::fail(
        &"the console needs a terminal; without one use `mailtop check` or `mailtop watch`",
    ))
}

fn reload(found: &start::Found, global: &Global) -> Option<Reload> {
    let path = found.config.path.clone()?;
    let global = global.clone();
    Some(Box::new(move || {
        let mut config = crate::config::load(&path)
            .map_err(|all| all.iter().map(|m| Text::from(m.to_string())).collect::<Vec<_>>())?;
        config.defaults.read_only |= global.read_only;
        Ok(config)
    }))
}

/// Shows a session until the user leaves.
pub async fn show(session: Session, found: &start::Found, clock: Clock, log: Option<PathBuf>) -> ExitCode {
    let mut model = Model::new(Some(session.me.clone()));
    model.known_from(session.read_from);
    model.apply_all(&session.initial);
    let defaults = &found.config.defaults;
    let options = AppOptions {
        access: if defaults.read_only {
            Access::ReadOnly
        } else {
            Access::Full
        },
        theme: Theme::from_env(|name| std::env::var(name).ok()),
        glyphs: if defaults.ascii { Glyphs::Ascii } else { Glyphs::Unicode },
        pace: if defaults.slow { Pace::Slow } else { Pace::Normal },
        pause_for: defaults.pause_for,
        // A clock that runs fast already (the demo's) is pace enough.
        replay_speed: match clock {
            Clock::System => REPLAY_SPEED,
            Clock::Scaled { .. } => 1.0,
        },
        me: Some(session.me.clone()),
        by: start::who(),
        read_from: Some(session.read_from),
        ..AppOptions::new(found.title.as_str())
    };
    let run_options = RunOptions::of(options.pace, &clock);
    let mut app = App::new(options, model);
    app.take_terms(found.config.incident.terms.clone(), clock.now());
    let notices = session
        .notices
        .iter()
        .cloned()
        .chain(found.notice.as_deref().map(Text::from));
    for notice in notices {
        let _ = app.update(Msg::Answer(Answer::Notice(notice)), clock.now());
    }
    // Words that no clipboard takes go where the log is.
    let folder = log
        .as_deref()
        .and_then(std::path::Path::parent)
        .map(std::path::Path::to_owned);
    terminal::install_panic_hook(log);
    let (exit, ended) = match on_terminal(app, session, clock, run_options, folder).await {
        Ok(done) => done,
        Err(e) => return start::fail(&format!("the terminal: {e}")),
    };
    if let Err(why) = ended {
        return start::fail(&why);
    }
    self::ended(&exit)
}

/// What the loop's end is to the shell.
pub fn ended(exit: &Exit) -> ExitCode {
    match exit {
        Exit::Asked | Exit::Signalled | Exit::HungUp => ExitCode::SUCCESS,
        Exit::Fault => PANICKED.into(),
        Exit::EngineGone => start::fail(&"the engine ended by itself; the log says why"),
        Exit::Failed(e) => start::fail(&format!("the terminal: {e}")),
    }
}

/// Takes the terminal, runs the loop until somebody leaves, and gives the terminal back before the engine's last work is waited for.
async fn on_terminal(
    app: App,
    mut session: Session,
    clock: Clock,
    options: RunOptions,
    folder: Option<PathBuf>,
) -> std::io::Result<(Exit, Result<(), Text>)> {
    let signals = terminal::signals()?;
    let (to_console, messages) = mpsc::channel(256);
    let mut screen = ratatui::Terminal::new(Tty::enter()?.answering(&to_console, folder))?;
    let effects = session.engine.effects.clone();
    let (past, asks) = std::sync::mpsc::channel();
    let of = past::Of {
        journal: session.record.clone(),
        within: None,
        like: app.model.servers().map(|s| s.name.clone()).collect(),
    };
    look_back(of, asks, &to_console);
    let wires = Wires {
        input: terminal::keys(),
        signals,
        messages,
        effects,
        past,
    };
    let exit = {
        let looping = console::run(app, &mut screen, wires, || clock.now(), options);
        // A panic in the console itself must not skip the end of a running action and the flush of the record.
        let looping = std::panic::AssertUnwindSafe(looping)
            .catch_unwind()
            .map(|end| end.unwrap_or(Exit::Fault));
        tokio::pin!(looping);
        tokio::select! {
            exit = &mut looping => exit,
            () = carry(&mut session, &to_console) => {
                drop(to_console);
                looping.await
            }
        }
    };
    drop(screen);
    Ok((exit, close_or_leave(session).await))
}

/// Answers the console's questions about the past from a journal, for as long as it lasts.
pub fn look_back(of: past::Of, asks: std::sync::mpsc::Receiver<past::Ask>, to: &mpsc::Sender<Msg>) {
    // Only who carries the engine's messages holds the way open.
    let to = to.downgrade();
    past::start(of, asks, move |number, view| {
        let seen = view.map(|v| Seen {
            at: v.at,
            model: Box::new(v.model),
            first: v.extent.first,
            last: v.extent.last,
            whole: v.whole,
            from: v.from,
            samples_from: v.samples_from,
            missing: v.missing,
        });
        to.upgrade()
            .is_some_and(|to| to.blocking_send(Msg::Past(number, seen)).is_ok())
    });
}

/// Closes the session; says so when that takes long, and leaves at once at a second signal.
async fn close_or_leave(session: Session) -> Result<(), Text> {
    let mut term = signal(SignalKind::terminate()).map_err(|e| Text::from(e.to_string()))?;
    let closing = session.close();
    tokio::pin!(closing);
    let mut said = false;
    loop {
        tokio::select! {
            end = &mut closing => return end,
            () = tokio::time::sleep(PATIENCE), if !said => {
                said = true;
                super::say(&"mailtop: waiting for what still runs on a server to end and be put on record (Ctrl-C leaves now)");
            }
            _ = tokio::signal::ctrl_c() => return Err(LEFT.into()),
            _ = term.recv() => return Err(LEFT.into()),
        }
    }
}

/// Carries events, answers and the state of the record to the console, until one of them ends.
async fn carry(session: &mut Session, to: &mpsc::Sender<Msg>) {
    session.recording.mark_changed();
    loop {
        let msg = tokio::select! {
            events = session.events.recv() => events.map(Msg::Events),
            answer = session.engine.answers.recv() => answer.map(Msg::Answer),
            changed = session.recording.changed() => {
                changed.ok().map(|()| Msg::Answer(Answer::Recording(session.recording.borrow().clone())))
            }
        };
        let Some(msg) = msg else { return };
        if to.send(msg).await.is_err() {
            return;
        }
    }
}
