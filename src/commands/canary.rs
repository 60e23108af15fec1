//! `mailtop canary`: the configured canary letters without a screen, on the same record, and a summary at the end. Where a
//! console sends them already, its letters are told of.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::canary::tally::quantile;
use crate::domain::canary::{Counts, Tally};
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::{Name, Span, Timestamp};
use crate::engine::canaries::{self, Ground, Host};
use crate::engine::look::Witness;
use crate::journal;
use crate::probe::Prober;

use super::cli::Global;
use super::{UNKNOWN, session, start, write_out};

/// How often is looked whether letters have become late.
const TICK: std::time::Duration = std::time::Duration::from_millis(250);

/// `canary`.
#[derive(Debug, Args)]
pub struct CanaryArgs {
    /// Send for this long, then wait for what is on its way; until interrupted when not given.
    #[arg(long = "for", value_name = "SPAN", value_parser = Span::parse)]
    pub for_: Option<Span>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = CanaryFormat::Text)]
    pub format: CanaryFormat,
}

/// How `canary` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CanaryFormat {
    /// What goes wrong as it does, then a summary.
    Text,
    /// One event a line, then the summary as one.
    Jsonl,
}

/// Runs it.
pub fn run(args: &CanaryArgs, global: &Global) -> ExitCode {
    let found = match start::config(&[], &crate::config::TargetOptions::default(), global) {
        Ok(found) => found,
        Err(code) => return code,
    };
    if found.config.canaries.is_empty() {
        return start::fail(&"no [[canary]] is configured, or --no-canary takes them away");
    }
    let runtime = match start::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let _log = start::log(global);
    let code = runtime.block_on(letters(args, global, found.config));
    runtime.shutdown_background();
    code
}

async fn letters(args: &CanaryArgs, global: &Global, config: Config) -> ExitCode {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return start::fail(&"signals cannot be watched");
    };
    let paths = match start::paths(global) {
        Ok(paths) => paths,
        Err(code) => return code,
    };
    let clock = Clock::System;
    let mut opened = journal::open(session::journal_options(&config, &clock, paths.journal.clone())).await;
    for notice in &opened.notices {
        crate::commands::say(&format!("mailtop: {notice}"));
    }
    let ground = Ground {
        prober: Prober::new(),
        witness: Witness {
            me: start::me(),
            clock: clock.clone(),
        },
        journal: opened.handle.clone(),
        key: Some(paths.canary_key.clone()),
        cancel: CancellationToken::new(),
        no_more: CancellationToken::new(),
    };
    let note = |what| {
        let event = ground.witness.saw(Subject::Observer, what);
        ground.journal.append(vec![event]);
    };
    note(Fact::ObserverStarted {
        version: env!("CARGO_PKG_VERSION").into(),
    });
    note(Fact::Watching(config.roster()));
    let hosts: BTreeMap<Name, Host> = canaries::hosts(&config, &session::control_dir(Some(&paths)))
        .into_iter()
        .map(|h| (h.server.name.clone(), h))
        .collect();
    let tasks = TaskTracker::new();
    canaries::start(&config, &ground, |name| hosts.get(name).cloned(), &tasks);

    let mut told = Told::new(&config, args.format);
    let over = async {
        match args.for_ {
            Some(span) => sleep(span.to_std()).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    let mut tick = interval(TICK);
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = int.recv() => break,
            () = &mut over, if !ground.no_more.is_cancelled() => ground.no_more.cancel(),
            events = opened.events.recv() => match events {
                Some(events) => if !told.take(&events) { break },
                None => break,
            },
            _ = tick.tick() => {
                told.late(clock.now());
                if ground.no_more.is_cancelled() && told.is_settled(clock.now()) {
                    break;
                }
            }
        }
    }
    ground.cancel.cancel();
    tasks.close();
    tasks.wait().await;
    for host in hosts.values() {
        if let Some(runner) = &host.runner {
            runner.close().await;
        }
    }
    note(Fact::ObserverStopped);
    ground.journal.release_all().await;
    let drain = tokio::spawn(async move { while opened.events.recv().await.is_some() {} });
    let stopped = ground.journal.stop().await;
    drain.abort();
    let code = told.summary(clock.now());
    match stopped {
        Ok(()) => code,
        Err(why) => start::fail(&why),
    }
}

/// One canary in what is told.
struct One {
    server: Name,
    late: Span,
    tally: Tally,
    /// The numbers that were called late already.
    called: std::collections::BTreeSet<u64>,
    began: Timestamp,
    trouble: Option<String>,
}

/// What was heard and said.
struct Told {
    format: CanaryFormat,
    all: BTreeMap<Name, One>,
}

impl Told {
    fn new(config: &Config, format: CanaryFormat) -> Self {
        let one = |c: &crate::domain::canary::CanarySpec| One {
            server: c.way_in.server.clone(),
            late: c.late,
            tally: Tally::default(),
            called: std::collections::BTreeSet::new(),
            began: Timestamp::now(),
            trouble: None,
        };
        Self {
            format,
            all: config.canaries.iter().map(|c| (c.name.clone(), one(c))).collect(),
        }
    }

    /// Takes in events; false when nobody reads what is printed.
    fn take(&mut self, events: &[Event]) -> bool {
        let mut out = String::new();
        for e in events {
            let Subject::Canary { server, canary } = &e.about else {
                continue;
            };
            let Some(one) = self.all.get_mut(canary).filter(|o| o.server == *server) else {
                continue;
            };
            one.tally.take(&e.what, e.at);
            one.note(&e.what);
            match self.format {
                CanaryFormat::Jsonl => {
                    if let Ok(line) = serde_json::to_string(e) {
                        let _ = writeln!(out, "{line}");
                    }
                }
                CanaryFormat::Text => {
                    if let Some(words) = words(&e.what) {
                        let _ = writeln!(out, "{:.0} {canary} {words}", e.at);
                    }
                }
            }
        }
        write_out(out.as_bytes())
    }

    /// Says which letters have become late.
    fn late(&mut self, now: Timestamp) {
        let mut out = String::new();
        for (name, one) in &mut self.all {
            let late = one.late;
            let open = one.tally.outstanding();
            let overdue: Vec<(u64, Span)> = one
                .tally
                .letters()
                .filter(|(seq, l)| l.round_trip().is_none() && open.contains(seq))
                .filter_map(|(seq, l)| Some((seq, Span::between(l.sent?, now))))
                .filter(|(_, age)| *age > late)
                .collect();
            for (seq, age) in overdue {
                if one.called.insert(seq) && self.format == CanaryFormat::Text {
                    let _ = writeln!(out, "{now:.0} {name} #{seq} is late: on its way for {age}");
                }
            }
        }
        write_out(out.as_bytes());
    }

    /// Whether no letter is on its way that may still come in time.
    fn is_settled(&self, now: Timestamp) -> bool {
        self.all.values().all(|o| o.tally.counts(o.late, now).waiting == 0)
    }

    fn summary(&self, now: Timestamp) -> ExitCode {
        let mut out = String::new();
        let mut code = 0;
        for (name, one) in &self.all {
            let c = one.tally.counts(one.late, now);
            let trips = one.tally.round_trips(Timestamp::MIN);
            code = code.max(exit(&c));
            match self.format {
                CanaryFormat::Text => out.push_str(&text(name, one, &c, &trips)),
                CanaryFormat::Jsonl => {
                    let _ = writeln!(out, "{}", json(name, one, &c, &trips));
                }
            }
        }
        if !write_out(out.as_bytes()) {
            return UNKNOWN.into();
        }
        code.into()
    }
}

impl One {
    fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::CanarySent(_) | Fact::CanaryWatching(_) => self.trouble = None,
            Fact::CanaryUnsent(why) | Fact::CanaryBlind(why) => self.trouble = Some(why.to_string()),
            Fact::CanaryHeld(why) => self.trouble = Some(why.to_string()),
            _ => {}
        }
    }
}

/// 0 all came in time, 1 late, 2 lost, 3 none was sent.
fn exit(c: &Counts) -> u8 {
    match c {
        _ if !c.lost.is_empty() => 2,
        _ if c.late > 0 => 1,
        _ if c.sent == 0 => UNKNOWN,
        _ => 0,
    }
}

/// What goes wrong, in words.
fn words(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::CanaryUnsent(why) => format!("could not be handed in: {why}"),
        Fact::CanaryHeld(why) => format!("none are sent: {why}"),
        Fact::CanaryBlind(why) => format!("the mailbox cannot be watched: {why}"),
        Fact::CanaryLost(l) => {
            let id = l
                .queue_id
                .as_ref()
                .map_or(String::new(), |id| format!(", queue ID {id}"));
            format!("#{} is lost: {}{id}", l.seq, l.evidence)
        }
        Fact::CanaryStray(s) => format!("{}: {:?}, left where it is", s.place, s.why),
        Fact::CanaryArrived(a) if a.state == crate::domain::canary::State::Altered => {
            format!("#{} came with another body", a.seq)
        }
        _ => return None,
    })
}

fn text(name: &Name, one: &One, c: &Counts, trips: &[Span]) -> String {
    let mut out = format!(
        "{name}: {} sent, {} arrived, {} late, {} lost",
        c.sent,
        c.arrived,
        c.late,
        c.lost.len()
    );
    if !c.lost.is_empty() {
        let _ = write!(out, " ({})", c.lost_names());
    }
    let rest = [
        (c.overdue, "still on their way"),
        (c.waiting, "on their way"),
        (c.unsure, "without an answer"),
        (c.unwatched, "of a run that ended"),
        (c.duplicated, "twice"),
        (c.reordered, "out of order"),
        (c.altered, "altered"),
        (c.forged, "forged"),
        (c.ignored, "of other runs"),
    ];
    for (n, what) in rest.iter().filter(|(n, _)| *n > 0) {
        let _ = write!(out, ", {n} {what}");
    }
    out.push('\n');
    if let (Some(p50), Some(p90), Some(most)) = (quantile(trips, 500), quantile(trips, 900), trips.last()) {
        let _ = writeln!(out, "{name}: round trip p50 {p50}, p90 {p90}, longest {most}");
    }
    if let Some(trouble) = &one.trouble {
        let _ = writeln!(out, "{name}: {trouble}");
    }
    out
}

fn json(name: &Name, one: &One, c: &Counts, trips: &[Span]) -> serde_json::Value {
    let ms = |span: Option<Span>| span.map(Span::millis_f64);
    serde_json::json!({"summary": {
        "canary": name, "since": one.began, "sent": c.sent, "arrived": c.arrived, "waiting": c.waiting, "late": c.late,
        "overdue": c.overdue, "lost": c.lost, "unsure": c.unsure, "unwatched": c.unwatched, "duplicated": c.duplicated,
        "reordered": c.reordered, "altered": c.altered, "forged": c.forged, "ignored": c.ignored,
        "p50_ms": ms(quantile(trips, 500)), "p90_ms": ms(quantile(trips, 900)), "longest_ms": ms(trips.last().copied()),
        "trouble": one.trouble,
    }})
}
