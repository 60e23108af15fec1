//! `mailtop demo`: the console, or a headless watch, on a small mail world that lives through a weekend outage.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::clock::Clock;
use crate::config;
use crate::demo::{Script, World};

use super::cli::Global;
use super::session::{self, Opening};
use super::{console, start};

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many times faster than real time: 600 is a day in 2 min 24 s.
    #[arg(long, default_value_t = 600.0, value_name = "N", value_parser = speed)]
    pub speed: f64,
    /// No screen: record the whole weekend in the journal (--journal FILE) and end.
    #[arg(long)]
    pub headless: bool,
}

fn speed(s: &str) -> Result<f64, String> {
    let n: f64 = s.parse().map_err(|_| format!("`{s}` is not a number"))?;
    if (1.0..=3_600.0).contains(&n) {
        Ok(n)
    } else {
        Err("it goes from 1 (real time) to 3600 (an hour a second)".into())
    }
}

/// Runs it.
pub fn run(args: &DemoArgs, global: &Global) -> ExitCode {
    if !args.headless
        && let Err(code) = console::needs_terminal()
    {
        return code;
    }
    let runtime = match start::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let log = start::log(global);
    let code = runtime.block_on(async {
        let dir = match tempfile::Builder::new().prefix("mailtop-demo-").tempdir() {
            Ok(dir) => dir,
            Err(e) => return start::fail(&format!("a folder for the demo could not be made: {e}")),
        };
        let script = Script::weekend_before(jiff::Timestamp::now());
        let clock = Clock::scaled(script.begins, args.speed);
        let world = match World::start(script.clone(), clock.clone(), dir.path()).await {
            Ok(world) => world,
            Err(e) => return start::fail(&e),
        };
        let exe = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("mailtop"));
        let file = dir.path().join("weekend.toml");
        let written = world.config_toml(&exe).map_err(|e| e.to_string());
        if let Err(e) = written.and_then(|toml| std::fs::write(&file, toml).map_err(|e| e.to_string())) {
            return start::fail(&format!("{}: {e}", file.display()));
        }
        let mut config = match config::load(&file) {
            Ok(config) => config,
            Err(mistakes) => return start::fail_all(&mistakes),
        };
        config.defaults.read_only |= global.read_only;
        config.defaults.ascii |= global.ascii;
        config.defaults.slow |= global.slow;
        let journal = global.journal.clone().unwrap_or_else(|| dir.path().join("journal.db"));
        let opening = Opening {
            config: config.clone(),
            clock: clock.clone(),
            journal,
            reload: None,
        };
        let session = session::open(opening, None).await;
        let code = if args.headless {
            headless(session, &clock, &script).await
        } else {
            let found = start::Found {
                config,
                title: "weekend".into(),
                notice: Some("a demo: this fleet and its weekend are made up; q leaves".into()),
            };
            console::show(session, &found, clock, log.as_ref().map(|(_, p)| p.clone())).await
        };
        world.stop().await;
        code
    });
    runtime.shutdown_background();
    code
}

async fn headless(mut session: session::Session, clock: &Clock, script: &Script) -> ExitCode {
    let mut seen = 0usize;
    let ends = crate::domain::Span::from_hours(8).after(script.restored_at);
    let whole = clock.real(crate::domain::Span::between(script.begins, ends));
    let end = tokio::time::sleep(whole);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = tokio::signal::ctrl_c() => break,
            _ = session.engine.answers.recv() => {}
            events = session.events.recv() => match events {
                Some(events) => seen += events.len(),
                None => break,
            },
        }
    }
    if let Err(why) = session.close().await {
        return start::fail(&why);
    }
    eprintln!("mailtop: {seen} events recorded");
    ExitCode::SUCCESS
}
