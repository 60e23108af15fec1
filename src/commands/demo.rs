//! `mailtop demo`: the console, or a headless watch, on a small mail world that lives through a weekend outage.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::demo::{Script, World};
use crate::domain::effect::Effect;
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::{Span, Timestamp};

use super::cli::Global;
use super::session::{self, Opening, Session};
use super::{console, start};

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many times faster than real time: 600 is a day in 2 min 24 s.
    #[arg(long, default_value_t = DemoArgs::DEFAULT_SPEED, value_name = "N", value_parser = speed)]
    pub speed: f64,
    /// No screen: record the whole weekend in the journal (--journal FILE) and end.
    #[arg(long)]
    pub headless: bool,
}

impl DemoArgs {
    /// The outage of 35 hours passes in three and a half minutes.
    pub const DEFAULT_SPEED: f64 = 600.0;
}

fn speed(s: &str) -> Result<f64, String> {
    let n: f64 = s.parse().map_err(|_| format!("`{s}` is not a number"))?;
    if (1.0..=3_600.0).contains(&n) {
        Ok(n)
    } else {
        Err("it goes from 1 (real time) to 3600 (an hour a second)".into())
    }
}

/// A demo world with a session that watches it.
pub struct Stage {
    /// The session.
    pub session: Session,
    /// Its config, as loaded from the file that the world wrote.
    pub config: Config,
    world: World,
    _dir: tempfile::TempDir,
}

impl Stage {
    /// Starts the world, loads the config that it writes, and opens a session; the journal goes with the world unless
    /// a file is named.
    pub async fn set(script: Script, clock: Clock, journal: Option<PathBuf>) -> Result<Self, ExitCode> {
        let dir = tempfile::Builder::new()
            .prefix("mailtop-demo-")
            .tempdir()
            .map_err(|e| start::fail(&format!("a folder for the demo could not be made: {e}")))?;
        let world = World::start(script, clock.clone(), dir.path())
            .await
            .map_err(|e| start::fail(&e))?;
        let exe = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("mailtop"));
        let file = dir.path().join("weekend.toml");
        let toml = world.config_toml(&exe).map_err(|e| start::fail(&e))?;
        std::fs::write(&file, toml).map_err(|e| start::fail(&format!("{}: {e}", file.display())))?;
        let config = config::load(&file).map_err(|mistakes| start::fail_all(&mistakes))?;
        let journal = journal.unwrap_or_else(|| dir.path().join("journal.db"));
        let opening = Opening {
            config: config.clone(),
            clock,
            journal,
            reload: None,
        };
        let session = session::open(opening, None).await;
        Ok(Self {
            session,
            config,
            world,
            _dir: dir,
        })
    }

    /// Ends the session, then the world.
    pub async fn strike(self) {
        if let Err(why) = self.session.close().await {
            crate::commands::say(&format!("mailtop: {why}"));
        }
        self.world.stop().await;
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
    let script = Script::weekend_before(jiff::Timestamp::now());
    let mut clock = Clock::scaled(script.begins, args.speed);
    if args.headless {
        clock = clock.stopping_at(&script.turns());
    }
    let code = runtime.block_on(async {
        let stage = match Stage::set(script.clone(), clock.clone(), global.journal.clone()).await {
            Ok(stage) => stage,
            Err(code) => return code,
        };
        if args.headless {
            headless(stage, &clock, &script).await
        } else {
            shown(stage, clock, global, log.as_ref().map(|l| l.1.clone())).await
        }
    });
    runtime.shutdown_background();
    code
}

async fn shown(stage: Stage, clock: Clock, global: &Global, log: Option<PathBuf>) -> ExitCode {
    let Stage {
        session,
        config,
        world,
        _dir,
    } = stage;
    let notice = "a demo: this fleet and its weekend are made up, a day passes in minutes; ? keys, q leaves";
    let mut found = start::Found {
        config,
        title: "weekend".into(),
        unanswered: Vec::new(),
        notice: Some(notice.into()),
    };
    found.apply(global);
    let code = console::show(session, &found, clock, log).await;
    world.stop().await;
    code
}

/// The longest that the clock stands, in real time, for what is looked for to be seen.
const STANDS: Duration = Duration::from_secs(60);
/// How often it is seen whether it stands or has come to the end.
const LOOKS: Duration = Duration::from_millis(2);

async fn headless(mut stage: Stage, clock: &Clock, script: &Script) -> ExitCode {
    let mut seen = 0usize;
    let ends = Span::from_hours(8).after(script.restored_at);
    let mut look = tokio::time::interval(LOOKS);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Where the clock stands, and since when. It stands at the turns of the script until they were looked at: what is on
    // record of them has their very moment, however fast the weekend passes.
    let mut stands: Option<(Timestamp, Instant)> = None;
    loop {
        tokio::select! {
            _ = look.tick() => {
                if clock.now() >= ends {
                    break;
                }
                match (clock.stands_at(), stands) {
                    (Some(at), None) => {
                        stands = Some((at, Instant::now()));
                        let _ = stage.session.engine.effects.try_send(Effect::Refresh { server: None });
                    }
                    (Some(_), Some((_, since))) if since.elapsed() >= STANDS => {
                        crate::commands::say(&"mailtop: a turn of the weekend was not seen in time; it goes on without");
                        stands = None;
                        clock.go_on();
                    }
                    _ => {}
                }
            }
            _ = tokio::signal::ctrl_c() => break,
            Some(_) = stage.session.engine.answers.recv() => {}
            events = stage.session.events.recv() => match events {
                Some(events) => {
                    seen += events.len();
                    if let Some((at, _)) = stands
                        && events.iter().any(|e| shows(e, script, at))
                    {
                        stands = None;
                        clock.go_on();
                    }
                }
                None => break,
            },
        }
    }
    stage.strike().await;
    crate::commands::say(&format!("mailtop: {seen} events recorded"));
    ExitCode::SUCCESS
}

/// Whether an event shows what the store of the weekend is at a turn.
fn shows(e: &Event, script: &Script, at: Timestamp) -> bool {
    let store = matches!(&e.about, Subject::Door { server, .. } if server.as_str() == Script::FAILS.name());
    match &e.what {
        Fact::Probed(report) => store && e.at == at && report.failure.is_some() == script.store_failed(at),
        _ => false,
    }
}
