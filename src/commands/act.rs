//! `mailtop pause`, `resume`, `extend`, `flush`, `hold` and `release`: the same plan, checks and record as on the console.
//! Exit 0 confirmed, 1 contradicted, 2 failed, 3 usage or nothing ran, 4 cannot be verified. A dry run ends with 0 when all
//! that it tried would do, and with 2 when something would not.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use crate::clock::Clock;
use crate::config::Server;
use crate::domain::action::{Choices, Confirmation, Plan, Release, Truth, Unarmed, Verb};
use crate::domain::effect::Check;
use crate::domain::job::{JobKind, JobSpec, ValveKind};
use crate::domain::{Name, Span, Text};
use crate::engine::actions::{Actions, Outcome};
use crate::engine::look::{self, Witness};
use crate::journal;

use super::cli::{ActArgs, ExtendArgs, Global, PauseArgs, ResumeArgs};
use super::{session, start};

/// A check of a dry run said no, or an action failed.
const FAILED: u8 = 2;

/// What is asked for.
struct Asked {
    verb: Verb,
    lasts: Option<Span>,
    choices: Choices,
    on: On,
}

/// Which jobs a command is for.
#[derive(Clone, Copy)]
enum On {
    /// Any.
    Jobs,
    /// Valves of Postfix.
    Valves,
    /// Valves of Postfix that hold mail.
    Holds,
}

impl On {
    fn fits(self, job: &JobSpec) -> bool {
        match (self, &job.kind) {
            (Self::Jobs, _) | (Self::Valves, JobKind::Postfix(_)) => true,
            (Self::Holds, JobKind::Postfix(valve)) => valve.what == ValveKind::Hold,
            _ => false,
        }
    }
    const fn words(self) -> &'static str {
        match self {
            Self::Jobs => "job",
            Self::Valves => "job of kind postfix",
            Self::Holds => "job of kind postfix that holds mail",
        }
    }
}

/// Pauses.
pub fn pause(args: &PauseArgs, global: &Global) -> ExitCode {
    act(&paused(args, On::Jobs), &args.act, global)
}

/// Puts mail on hold: pauses the valve that does.
pub fn hold(args: &PauseArgs, global: &Global) -> ExitCode {
    act(&paused(args, On::Holds), &args.act, global)
}

/// Resumes.
pub fn resume(args: &ResumeArgs, global: &Global) -> ExitCode {
    act(&resumed(args, On::Jobs), &args.act, global)
}

/// Lets held mail go: resumes the valve that holds it.
pub fn release(args: &ResumeArgs, global: &Global) -> ExitCode {
    act(&resumed(args, On::Holds), &args.act, global)
}

/// Gives a pause another end.
pub fn extend(args: &ExtendArgs, global: &Global) -> ExitCode {
    let asked = Asked {
        verb: Verb::Extend,
        lasts: args.for_,
        choices: Choices::default(),
        on: On::Jobs,
    };
    act(&asked, &args.act, global)
}

/// Flushes a queue.
pub fn flush(args: &ActArgs, global: &Global) -> ExitCode {
    let asked = Asked {
        verb: Verb::Flush,
        lasts: None,
        choices: Choices::default(),
        on: On::Valves,
    };
    act(&asked, args, global)
}

fn paused(args: &PauseArgs, on: On) -> Asked {
    Asked {
        verb: Verb::Pause,
        lasts: args.for_,
        choices: Choices {
            unarmed: if args.unarmed {
                Unarmed::Allowed
            } else {
                Unarmed::Refused
            },
            ..Choices::default()
        },
        on,
    }
}

fn resumed(args: &ResumeArgs, on: On) -> Asked {
    Asked {
        verb: Verb::Resume,
        lasts: None,
        choices: Choices {
            release: if args.requeue {
                Release::Requeued
            } else {
                Release::AsItIs
            },
            ..Choices::default()
        },
        on,
    }
}

fn act(asked: &Asked, args: &ActArgs, global: &Global) -> ExitCode {
    if args.reason.trim().is_empty() {
        return start::fail(&"--reason is empty: it goes on the record, so say why");
    }
    let found = match start::config(&[], &crate::config::targets::TargetOptions::default(), global) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let runtime = match start::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let _log = start::log(global);
    let code = runtime.block_on(async {
        let Some(mut server) = found.config.servers.iter().find(|s| *s.name == *args.server).cloned() else {
            let known: Vec<&str> = found.config.servers.iter().map(|s| s.name.as_str()).collect();
            return start::fail(&format!(
                "no server {}; there are: {}",
                Text::from(&*args.server),
                known.join(", ")
            ));
        };
        let job = match job(&server, args.job.as_deref(), asked.on) {
            Ok(job) => job,
            Err(why) => return start::fail(&why),
        };
        server.read_only |= found.config.defaults.read_only;
        let paths = match start::paths(global) {
            Ok(paths) => paths,
            Err(code) => return code,
        };
        let options = session::journal_options(&found.config, &Clock::System, paths.journal.clone());
        let opened = journal::open(options).await;
        for notice in &opened.notices {
            crate::commands::say(&format!("mailtop: {notice}"));
        }
        let runner = look::runner(&server, &found.config.defaults, &session::control_dir(Some(&paths)));
        let witness = Witness {
            me: start::me(),
            clock: Clock::System,
        };
        let actions = Actions::new(witness, opened.handle.clone(), start::who());
        let usual = || asked.verb.lasts().then_some(found.config.defaults.pause_for);
        let lasts = asked.lasts.or_else(usual);
        let planned = actions
            .plan(&server, runner.as_ref(), &job, asked.verb, lasts, asked.choices)
            .await;
        let code = match planned {
            Err(why) => start::fail(&why),
            Ok(plan) if args.dry_run => {
                show(&plan);
                tried(&actions.check(&plan.id).await)
            }
            Ok(plan) => confirmed_then_run(&actions, &plan, args).await,
        };
        if let Some(r) = runner {
            r.close().await;
        }
        match opened.handle.stop().await {
            Ok(()) => code,
            Err(why) => {
                crate::commands::say(&format!("mailtop: {why}"));
                code
            }
        }
    });
    runtime.shutdown_background();
    code
}

/// Whether all of its valves belong to one Postfix.
fn is_one_postfix(server: &Server) -> bool {
    let dirs: BTreeSet<_> = server
        .jobs
        .iter()
        .filter_map(|j| match &j.kind {
            JobKind::Postfix(valve) => Some(valve.config_dir.as_deref()),
            _ => None,
        })
        .collect();
    dirs.len() == 1
}

/// The job that is meant: the one named, or the only one there is. A name that nobody knows is left to the plan, which says
/// what there is.
fn job(server: &Server, named: Option<&str>, on: On) -> Result<Name, String> {
    let words = on.words();
    let fit: Vec<&str> = server
        .jobs
        .iter()
        .filter(|j| on.fits(j))
        .map(|j| j.name.as_str())
        .collect();
    match (named, &*fit) {
        (Some(name), _) => {
            let job = server.jobs.iter().find(|j| *j.name == *name);
            if job.is_some_and(|j| !on.fits(j)) {
                return Err(format!("{} on {} is no {words}", Text::from(name), server.name));
            }
            Ok(Name::new(name))
        }
        (None, [one]) => Ok(Name::new(one)),
        // A flush is of the queue: one valve of that Postfix is as good as another.
        (None, [first, ..]) if matches!(on, On::Valves) && is_one_postfix(server) => Ok(Name::new(first)),
        (None, []) => Err(format!("{} has no {words}: add a [[server.job]]", server.name)),
        (None, all) => Err(format!(
            "{} has more than one {words}; say which: {}",
            server.name,
            all.join(", ")
        )),
    }
}

async fn confirmed_then_run(actions: &Actions, plan: &Plan, args: &ActArgs) -> ExitCode {
    let plan = &match actions.reasoned(&plan.id, &args.reason.as_str().into()).await {
        Ok(plan) => plan,
        Err(why) => return start::fail(&why),
    };
    show(plan);
    if let Err(why) = confirmed(plan, args) {
        return start::fail(&why);
    }
    match actions.run(&plan.id, args.reason.as_str().into()).await {
        Err(why) => start::fail(&why),
        Ok(outcome) => {
            super::write_out(format!("{}\n", said(&outcome)).as_bytes());
            exit(&outcome).into()
        }
    }
}

/// Whether a person, or the command line in their place, said yes to the plan.
fn confirmed(plan: &Plan, args: &ActArgs) -> Result<(), String> {
    let by_name = plan.confirmation == Confirmation::Name;
    let named = args.confirm.as_deref();
    if let Some(other) = named.filter(|n| **n != *plan.server) {
        return Err(format!(
            "--confirm says {}, but this is on {}: nothing ran",
            Text::from(other),
            plan.server
        ));
    }
    let asks_name = by_name && named.is_none();
    if args.yes && asks_name {
        let much = plan.messages.map(|n| format!(" ({n} messages)")).unwrap_or_default();
        return Err(format!(
            "this is larger than confirm_above{much}: beside --yes it takes --confirm {}; nothing ran",
            plan.server
        ));
    }
    if args.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err("nobody to ask: standard input is not a terminal; say --yes to run this plan, or --dry-run".into());
    }
    let what = format!("{} {} on {}", plan.word(), plan.job, plan.server);
    let question = if asks_name {
        format!("{what}? Type the server's name to confirm: ")
    } else {
        format!("{what}? [y/N] ")
    };
    let _ = write!(std::io::stderr(), "{question}");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    let yes = if asks_name {
        answer.trim() == plan.server.as_str()
    } else {
        matches!(answer.trim(), "y" | "Y" | "yes")
    };
    if yes {
        Ok(())
    } else {
        Err("not confirmed: nothing ran".into())
    }
}

fn show(plan: &Plan) {
    crate::commands::say(&format!("{} {} on {}", plan.word(), plan.job, plan.server));
    let lines = |head: &str, all: &[Text]| {
        for line in all {
            crate::commands::say(&format!("  {head:8} {line}"));
        }
    };
    lines("runs", &plan.runs);
    lines("touches", &plan.touches);
    lines("beware", &plan.beware);
    lines("unarmed", plan.unarmed.as_slice());
    lines("undo", std::slice::from_ref(&plan.undo));
    for offer in &plan.offers {
        lines("or", std::slice::from_ref(&offer.words));
    }
}

/// Says what a dry run found.
fn tried(checks: &[Check]) -> ExitCode {
    for check in checks {
        let line = match &check.would {
            Ok(said) if said.is_empty() => format!("  ok       {}", check.what),
            Ok(said) => format!("  ok       {}: {said}", check.what),
            Err(why) => format!("  NOT OK   {}: {why}", check.what),
        };
        crate::commands::say(&line);
    }
    if checks.iter().all(|c| c.would.is_ok()) {
        ExitCode::SUCCESS
    } else {
        FAILED.into()
    }
}

fn said(outcome: &Outcome) -> String {
    let failed = outcome
        .ran
        .failed
        .as_ref()
        .map(|f| format!("failed: {f}\n"))
        .unwrap_or_default();
    let output = if outcome.ran.failed.is_some() && !outcome.ran.output.is_empty() {
        format!("{}\n", outcome.ran.output)
    } else {
        String::new()
    };
    let truth = match &outcome.truth {
        Truth::Contradicted { found } => format!("contradicted: found {} ({})", found.state, found.detail),
        Truth::Unverifiable { why } => format!("cannot be verified: {why}"),
        other => other.word().to_owned(),
    };
    format!("{failed}{output}{truth}")
}

fn exit(outcome: &Outcome) -> u8 {
    match (&outcome.truth, &outcome.ran.failed) {
        (_, Some(_)) => FAILED,
        (Truth::Confirmed { .. }, None) => 0,
        (Truth::Contradicted { .. }, None) => 1,
        (Truth::Unverifiable { .. } | Truth::Requested, None) => 4,
    }
}
