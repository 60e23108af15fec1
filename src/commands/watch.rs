//! `mailtop watch`: the same looks as the console, on the same record, as a stream of events.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::clock::Clock;
use crate::domain::Name;
use crate::domain::event::Event;

use super::cli::{Global, WatchArgs, WatchFormat};
use super::session::{self, Opening};
use super::{UNKNOWN, start};

/// Runs it.
pub fn run(args: &WatchArgs, global: &Global) -> ExitCode {
    let found = match start::config(&args.targets, &args.target, global) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let runtime = match start::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let _log = start::log(global);
    let code = runtime.block_on(stream(args, global, found));
    runtime.shutdown_background();
    code
}

async fn stream(args: &WatchArgs, global: &Global, found: start::Found) -> ExitCode {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return start::fail(&"signals cannot be watched");
    };
    let paths = match start::paths(global) {
        Ok(paths) => paths,
        Err(code) => return code,
    };
    let servers: Vec<Name> = found.config.servers.iter().map(|s| s.name.clone()).collect();
    let opening = Opening {
        config: found.config,
        clock: Clock::System,
        journal: paths.journal.clone(),
        reload: None,
    };
    let mut session = session::open(opening, Some(&paths)).await;
    for notice in &session.notices {
        crate::commands::say(&format!("mailtop: {notice}"));
    }
    let until = async {
        match args.for_ {
            Some(span) => tokio::time::sleep(span.to_std()).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(until);
    let mut code = ExitCode::SUCCESS;
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = int.recv() => break,
            () = &mut until => break,
            // Answers are for a console; taking them keeps the channel from filling.
            _ = session.engine.answers.recv() => {}
            events = session.events.recv() => match events {
                Some(mut events) => match write(own(&mut events, &servers), args.format) {
                    Wrote::All => {}
                    Wrote::ReaderGone => break,
                    Wrote::Failed => { code = UNKNOWN.into(); break }
                },
                None => break,
            },
        }
    }
    if let Err(why) = session.close().await {
        return start::fail(&why);
    }
    code
}

/// The events about these servers, and those of no server: another console of the same journal may watch others.
fn own<'a>(events: &'a mut Vec<Event>, servers: &[Name]) -> &'a [Event] {
    events.retain(|e| e.about.server().is_none_or(|s| servers.contains(s)));
    events
}

enum Wrote {
    All,
    ReaderGone,
    Failed,
}

fn write(events: &[Event], format: WatchFormat) -> Wrote {
    use std::io::{ErrorKind, Write};
    let WatchFormat::Jsonl = format;
    let mut lines = Vec::new();
    for e in events {
        if serde_json::to_writer(&mut lines, e).is_ok() {
            lines.push(b'\n');
        }
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(&lines).and_then(|()| out.flush()) {
        Ok(()) => Wrote::All,
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Wrote::ReaderGone,
        Err(e) => {
            crate::commands::say(&format!("mailtop: standard output: {e}"));
            Wrote::Failed
        }
    }
}
