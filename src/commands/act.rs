//! `mailtop pause` and `mailtop resume`: the same plan, checks and record as on the console.
//! Exit 0 confirmed, 1 contradicted, 2 failed, 3 usage or nothing ran, 4 cannot be verified.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use crate::clock::Clock;
use crate::domain::action::{Plan, Truth, Verb};
use crate::domain::{Name, Span, Text};
use crate::engine::actions::{Actions, Outcome};
use crate::engine::look::{self, Witness};
use crate::journal;

use super::cli::{ActArgs, Global, PauseArgs, ResumeArgs};
use super::{session, start};

/// Pauses.
pub fn pause(args: &PauseArgs, global: &Global) -> ExitCode {
    act(Verb::Pause, Some(args.for_), &args.act, global)
}

/// Resumes.
pub fn resume(args: &ResumeArgs, global: &Global) -> ExitCode {
    act(Verb::Resume, None, &args.act, global)
}

fn act(verb: Verb, lasts: Option<Span>, args: &ActArgs, global: &Global) -> ExitCode {
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
        let code = match actions
            .plan(&server, runner.as_ref(), &Name::new(&args.job), verb, lasts)
            .await
        {
            Err(why) => start::fail(&why),
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

async fn confirmed_then_run(actions: &Actions, plan: &Plan, args: &ActArgs) -> ExitCode {
    show(plan);
    if args.dry_run {
        return ExitCode::SUCCESS;
    }
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return start::fail(
                &"nobody to ask: standard input is not a terminal; say --yes to run this plan, or --dry-run",
            );
        }
        let _ = write!(
            std::io::stderr(),
            "{} {} on {}? [y/N] ",
            plan.verb,
            plan.job,
            plan.server
        );
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        let _ = std::io::stdin().lock().read_line(&mut answer);
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return start::fail(&"not confirmed: nothing ran");
        }
    }
    match actions.run(&plan.id, args.reason.as_str().into()).await {
        Err(why) => start::fail(&why),
        Ok(outcome) => {
            super::write_out(format!("{}\n", said(&outcome)).as_bytes());
            exit(&outcome).into()
        }
    }
}

fn show(plan: &Plan) {
    crate::commands::say(&format!("{} {} on {}", plan.verb, plan.job, plan.server));
    let lines = |head: &str, all: &[Text]| {
        for line in all {
            crate::commands::say(&format!("  {head:8} {line}"));
        }
    };
    lines("runs", &plan.runs);
    lines("touches", &plan.touches);
    lines("beware", &plan.beware);
    lines("undo", std::slice::from_ref(&plan.undo));
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
        (_, Some(_)) => 2,
        (Truth::Confirmed { .. }, None) => 0,
        (Truth::Contradicted { .. }, None) => 1,
        (Truth::Unverifiable { .. } | Truth::Requested, None) => 4,
    }
}
