//! Working out what a pause or a resume would do, from the state as it is now: the exact commands, what they touch, what
//! they may break, how they are undone. What is shown is made from the steps that will run.

mod systemd;

use jiff::Timestamp;

use super::armed::{self, RunAs};
use super::systemd as unit;
use super::{act, command, limits};
use crate::domain::action::{ActionId, Plan, Verb};
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, JobState, State};
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::domain::text::MAX_COMMAND;
use crate::domain::{Name, Span, Text};
use crate::reach::Runner;

/// What somebody wants.
#[derive(Clone, PartialEq, Debug)]
pub struct Wanted {
    /// Which action this becomes.
    pub id: ActionId,
    /// What.
    pub verb: Verb,
    /// The server's name.
    pub server: Name,
    /// For how long, for a pause.
    pub lasts: Option<Span>,
    /// Who asks.
    pub by: Text,
}

/// A plan, and the steps that it shows. The reason in it is still to be given.
#[derive(Clone, PartialEq, Debug)]
pub struct Planned {
    /// What is shown and journalled.
    pub plan: Plan,
    /// What runs, in order.
    pub steps: Vec<Step>,
}

/// One command of a plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// It.
    pub argv: Argv,
    /// What it is for.
    pub what: StepKind,
    /// The longest that it may take.
    pub timeout: Span,
    /// What takes it back when a later step fails.
    pub undo: Option<Argv>,
}

/// What a step is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepKind {
    /// Arms the end of a pause on the server. When it fails, nothing is paused.
    Arm,
    /// Does what was asked.
    Act,
    /// Takes away a resume that was armed before and is not wanted any more.
    Disarm,
}

/// How one job is paused or resumed, worked out from its state: everything but its time limit.
struct Means {
    /// What does it, each with what takes it back.
    acts: Vec<(Argv, Option<Argv>)>,
    /// What undoes it all, run by the server itself.
    back: Vec<Argv>,
    /// The same, run by the login there.
    by_hand: Vec<Argv>,
    touches: Vec<Text>,
    beware: Vec<Text>,
    /// Resumes that are armed for it now.
    armed: Vec<Text>,
}

/// Reads the state and works out the plan. Changes nothing.
pub async fn plan(spec: &JobSpec, runner: &Runner, wanted: Wanted, now: Timestamp) -> Result<Planned, Missed> {
    let (mut means, rights) = match &spec.kind {
        JobKind::Systemd { .. } => {
            let job = unit::Job::of(spec)?;
            let means = systemd::means(&job, runner, wanted.verb, now).await?;
            let rights = Some(Rights {
                sudo: job.sudo,
                run_as: RunAs::Root,
            });
            (means, rights)
        }
        JobKind::Command { .. } => by_command(spec, runner, wanted.verb).await?,
    };
    let lasts = wanted.lasts.filter(|_| wanted.verb == Verb::Pause);
    if lasts.is_some_and(|l| l <= Span::ZERO) {
        let missed = Missed::new(Miss::BadAnswer, &*spec.name, "a pause lasts longer than nothing");
        return Err(missed.fix("write for example 30m"));
    }
    let with_rights = |argv: &Argv| match rights {
        Some(Rights { sudo: Sudo::Yes, .. }) => argv.under(&["sudo", "-n"]),
        _ => argv.clone(),
    };
    let step = |what, argv: Argv, undo| Step {
        argv,
        what,
        timeout: spec.timeout,
        undo,
    };
    let mut steps = vec![];
    if let (Some(lasts), Some(rights)) = (lasts, &rights) {
        let name = armed::name(spec, &wanted.id);
        let arm = armed::arm(&name, lasts, rights.run_as, &means.back);
        let disarm = armed::disarm(&[format!("{name}.timer")]);
        steps.push(step(StepKind::Arm, with_rights(&arm), Some(with_rights(&disarm))));
    }
    let armed_on_server = !steps.is_empty();
    for (argv, undo) in std::mem::take(&mut means.acts) {
        steps.push(step(StepKind::Act, argv, undo));
    }
    if !means.armed.is_empty() {
        steps.push(step(StepKind::Disarm, with_rights(&armed::disarm(&means.armed)), None));
    }
    if let JobKind::Systemd { .. } = spec.kind {
        sudo_allows(&steps, runner).await?;
    }
    match (wanted.verb, lasts, armed_on_server) {
        (Verb::Pause, None, _) => means.beware.push("no end is set: it stays paused until somebody resumes it".into()),
        (Verb::Pause, Some(lasts), false) => means.beware.push(
            format!("nothing is armed on the server (no systemd-run there that we may use): after {lasts}, resume it by hand")
                .into(),
        ),
        _ => {}
    }
    let runs = steps.iter().map(|s| runner.shown_whole(&s.argv)).collect::<Option<_>>();
    let undo = undo(&means, runner, &wanted.server, lasts.filter(|_| armed_on_server));
    let (Some(runs), Some(undo)) = (runs, undo) else {
        return Err(too_long(spec));
    };
    Ok(Planned {
        plan: Plan {
            id: wanted.id,
            verb: wanted.verb,
            runs,
            touches: means.touches,
            beware: means.beware,
            undo,
            armed_on_server,
            lasts,
            reason: Text::default(),
            by: wanted.by,
            server: wanted.server,
            job: spec.name.clone(),
        },
        steps,
    })
}

/// How the commands that need privilege get it.
struct Rights {
    sudo: Sudo,
    /// Whom an armed resume runs as.
    run_as: RunAs,
}

fn undo(means: &Means, runner: &Runner, server: &Name, armed: Option<Span>) -> Option<Text> {
    let joined = |all: Vec<String>| all.join("; ");
    let undo = if let Some(lasts) = armed {
        let back = joined(means.back.iter().map(Argv::quoted).collect());
        format!("{back} · armed on {server} itself, in {lasts}")
    } else {
        let back = joined(
            means
                .by_hand
                .iter()
                .map(|b| runner.shown_whole(b).map(|t| t.to_string()))
                .collect::<Option<_>>()?,
        );
        format!("{back} · by hand")
    };
    Text::whole(undo.as_bytes(), MAX_COMMAND)
}

/// Nothing runs that cannot be shown whole.
fn too_long(spec: &JobSpec) -> Missed {
    let why = format!("its commands are longer than the {MAX_COMMAND} characters that are shown and journalled");
    Missed::new(Miss::BadAnswer, &*spec.name, why)
        .fix("put them in a script on the server, and name that in the config")
}

/// A job of the operator's own commands. They need no more rights than they have; arming a resume may.
async fn by_command(spec: &JobSpec, runner: &Runner, verb: Verb) -> Result<(Means, Option<Rights>), Missed> {
    let JobKind::Command {
        status,
        pause,
        resume,
        progress,
    } = &spec.kind
    else {
        return Err(Missed::new(Miss::BadAnswer, &*spec.name, "not a command job"));
    };
    let state = command::ask(status, progress.as_ref(), runner, spec.timeout).await?;
    let (rights, armed) = systemd_run(spec, runner).await;
    let (does, undoes) = match verb {
        Verb::Pause => (pause, resume),
        Verb::Resume => (resume, pause),
    };
    let means = Means {
        acts: vec![(does.clone(), None)],
        back: vec![undoes.clone()],
        by_hand: vec![undoes.clone()],
        touches: vec![touched("1 job", &state, None)],
        beware: already(verb, state.state).into_iter().collect(),
        armed,
    };
    Ok((means, rights))
}

/// Whether timers can be armed there, and those that are. A server without systemd is no error.
async fn systemd_run(spec: &JobSpec, runner: &Runner) -> (Option<Rights>, Vec<Text>) {
    let script = "id -u; command -v systemd-run >/dev/null && systemctl show --property=Version >/dev/null || exit 0; \
                  if [ \"$(id -u)\" = 0 ]; then echo root; elif sudo -n -l systemd-run >/dev/null 2>&1; then echo sudo; fi; \
                  systemctl list-units --plain --no-legend --state=active -- \"$1\"";
    let argv = Argv::new("sh", ["-c", script, "sh", &armed::pattern(spec)]);
    let Ok(out) = runner.run(&argv, limits(spec.timeout)).await else {
        return (None, vec![]);
    };
    let text = String::from_utf8_lossy(&out.stdout);
    let mut lines = text.lines();
    let uid = lines.next().and_then(|l| l.trim().parse().ok());
    let rights = match (lines.next(), uid) {
        (Some("root"), _) => Some(Rights {
            sudo: Sudo::No,
            run_as: RunAs::Root,
        }),
        (Some("sudo"), Some(uid)) => Some(Rights {
            sudo: Sudo::Yes,
            run_as: RunAs::User(uid),
        }),
        _ => None,
    };
    let armed = lines
        .filter_map(|l| l.split_whitespace().next())
        .filter(|name| armed::is_ours(spec, name))
        .take(16)
        .map(Text::from);
    let armed = if rights.is_some() { armed.collect() } else { vec![] };
    (rights, armed)
}

/// `1 unit, running 4h12m, 62% done · progress is kept`.
fn touched(what: &str, state: &JobState, tail: Option<&str>) -> Text {
    let since = state.running_for.map(|s| format!(" {s}")).unwrap_or_default();
    let done = state.progress.map(|p| format!(", {p:.0}% done")).unwrap_or_default();
    let tail = tail.map(|t| format!(" · {t}")).unwrap_or_default();
    format!("{what}, {}{since}{done}{tail}", state.state).into()
}

/// A word when there is nothing to change.
fn already(verb: Verb, state: State) -> Option<Text> {
    match (verb, state) {
        (Verb::Pause, State::Paused) => Some("it is paused already: this sets a new end".into()),
        (Verb::Pause, State::Idle) => Some("it is idle: there may be nothing to pause".into()),
        (Verb::Resume, State::Running) => Some("it is running already".into()),
        (_, State::Unknown) => Some("its state is unknown".into()),
        (_, State::Failed) => Some("it has failed: look at why before anything else".into()),
        _ => None,
    }
}

/// Asks sudo there whether it lets the steps through without a password, so that the plan fails and not the action.
async fn sudo_allows(steps: &[Step], runner: &Runner) -> Result<(), Missed> {
    for step in steps.iter().filter(|s| s.argv.program() == "sudo") {
        let command = step.argv.args().iter().skip_while(|a| a.starts_with('-'));
        let list = Argv::new("sudo", ["-n", "-l"].into_iter().chain(command.map(String::as_str)));
        let out = runner.run(&list, limits(step.timeout)).await?;
        if !out.ok() {
            let missed = Missed::new(Miss::Denied, runner.shown(&list), act::one_line(&out));
            return Err(missed.fix(act::advice(&out).unwrap_or(act::SUDOERS)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_is_shown_whole_or_not_planned() {
        let planned = async |length: usize| {
            let long = Argv::new("sh", ["-c", ": ", &"x".repeat(length)]);
            let spec = JobSpec {
                name: "long".into(),
                kind: JobKind::Command {
                    status: Argv::new("echo", ["running"]),
                    pause: long,
                    resume: Argv::new("true", [""; 0]),
                    progress: None,
                },
                timeout: Span::from_secs(60),
            };
            let wanted = Wanted {
                id: ActionId(Name::new("p1")),
                verb: Verb::Pause,
                server: "here".into(),
                lasts: None,
                by: "ops@here".into(),
            };
            plan(&spec, &Runner::local(), wanted, Timestamp::UNIX_EPOCH).await
        };
        let fits = planned(3_000).await.unwrap();
        assert_eq!(*fits.plan.runs[0], fits.steps[0].argv.quoted());
        let missed = planned(MAX_COMMAND).await.unwrap_err();
        assert!(missed.why.contains("8192") && missed.fix.is_some(), "{missed}");
    }
}
