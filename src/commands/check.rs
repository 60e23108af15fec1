//! `mailtop check`: one round over all servers, and an exit status that a script can trust.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;

use crate::clock::Clock;
use crate::config::{Config, Server};
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::health::Verdict;
use crate::domain::queue::How;
use crate::engine::look::{self, DoorLook, Witness};
use crate::model::Model;
use crate::probe::Prober;

use super::cli::{CheckArgs, CheckFormat, Global};
use super::report::Report;
use super::{UNKNOWN, session, start, write_out};

/// Servers looked at at once.
const AT_ONCE: usize = 64;

/// Runs it.
pub fn run(args: &CheckArgs, global: &Global) -> ExitCode {
    let mut found = match start::config(&args.targets, &args.target, global) {
        Ok(found) => found,
        Err(code) => return code,
    };
    // One look at each thing; no letter is sent, and none is waited for.
    found.config.canaries.clear();
    let runtime = match start::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let _log = start::log(global);
    let clock = Clock::System;
    let model = runtime.block_on(round(
        &found.config,
        &session::control_dir(start::paths(global).ok().as_ref()),
        &clock,
    ));
    runtime.shutdown_background();
    let report = Report::new(&model, &found.config, clock.now()).unanswered(found.unanswered);
    let text = match args.format {
        CheckFormat::Text => report.text(),
        CheckFormat::Json => report.json(),
        CheckFormat::Nagios => report.nagios(),
    };
    if !write_out(text.as_bytes()) {
        return UNKNOWN.into();
    }
    exit(report.verdict).into()
}

/// The exit status for a verdict, as monitoring plugins have it.
pub const fn exit(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ok => 0,
        Verdict::Warn => 1,
        Verdict::Down => 2,
        Verdict::Unknown => UNKNOWN,
    }
}

/// Looks at everything once.
pub async fn round(config: &Config, control_dir: &Path, clock: &Clock) -> Model {
    let witness = Witness {
        me: start::me(),
        clock: clock.clone(),
    };
    let mut model = Model::new(None);
    model.apply(&witness.saw(Subject::Observer, Fact::Watching(config.roster())));
    let prober = Prober::new().asking(&config.defaults.resolvers);
    let servers = config.servers.iter().map(|s| {
        let runner = look::runner(s, &config.defaults, control_dir);
        let (witness, prober) = (witness.clone(), prober.clone());
        async move {
            let events = server(s, runner.as_ref(), &witness, &prober).await;
            if let Some(r) = runner {
                r.close().await;
            }
            events
        }
    });
    let all: Vec<Vec<Event>> = stream::iter(servers).buffer_unordered(AT_ONCE).collect().await;
    model.apply_all(all.iter().flatten());
    model
}

async fn server(s: &Server, runner: Option<&crate::reach::Runner>, witness: &Witness, prober: &Prober) -> Vec<Event> {
    let s = Arc::new(s.clone());
    let doors = async {
        let mut seen = Vec::new();
        for source in &s.doors {
            let fact = DoorLook::new(source).look(prober, runner, &witness.clock).await;
            seen.push(witness.door(&s.name, &source.door.name, fact));
        }
        seen
    };
    let rest = async {
        let mut seen = Vec::new();
        let Some(runner) = runner else { return seen };
        for q in &s.queues {
            let looked = look::queue(q, runner, How::Listed, None, s.timeout, &witness.clock).await;
            seen.extend(looked.into_iter().map(|fact| witness.queue(&s.name, &q.name, fact)));
        }
        for j in &s.jobs {
            seen.push(witness.job(&s.name, &j.name, look::job(j, runner, &witness.clock).await));
        }
        seen
    };
    let (mut doors, rest) = tokio::join!(doors, rest);
    doors.extend(rest);
    doors
}
