//! Working out what a pause or a resume would do, from the state as it is now: the exact commands, what they touch, what
//! they may break, how they are undone. What is shown is made from the steps that will run.

mod arming;
mod command;
mod dovecot;
mod postfix;
mod postgres;
mod process;
mod systemd;

use jiff::Timestamp;

use self::arming::Right;
use super::armed::{self, Leases, Order};
use super::postgres::Backend;
use super::systemd as unit;
use super::{act, limits};
use crate::domain::action::{ActionId, Choices, Confirmation, Plan, Unarmed, Verb};
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, JobState, Keeper, State};
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
    /// How long that is by the server's own clock, where that is another: the demo's time runs faster.
    pub armed_for: Option<Span>,
    /// What was chosen beside the verb.
    pub choices: Choices,
    /// What the pause that holds it by the record ran, as it was shown; nothing where none is on record.
    pub pause_ran: Vec<Text>,
    /// Who asks.
    pub by: Text,
}

/// A plan, and the steps that it shows. The reason in it is still to be given.
#[derive(Clone, PartialEq, Debug)]
pub struct Planned {
    /// The job as it was configured then.
    pub(super) spec: JobSpec,
    /// What is shown and journalled.
    pub plan: Plan,
    /// What runs, in order.
    pub steps: Vec<Step>,
    /// The sessions of a database that it cancels, for its read-back.
    pub(super) cancels: Vec<Backend>,
    /// The end that its first step arms.
    pub(super) order: Option<Order>,
    /// What undoes it all, run by the login there.
    pub(super) by_hand: Vec<Argv>,
}

impl Planned {
    /// The plan with its reason, which the command that arms its end carries to the server: what is shown is made anew.
    pub fn reasoned(&mut self, reason: Text, runner: &Runner) -> Result<(), Missed> {
        self.plan.reason = reason;
        let arms = self.steps.iter_mut().find(|s| s.what == StepKind::Arm);
        if let (Some(order), Some(step)) = (&self.order, arms) {
            step.argv = order.arm(&self.plan.by, &self.plan.reason);
        }
        self.plan.runs = shown(&self.steps, runner).ok_or_else(|| too_long(&self.plan.job))?;
        Ok(())
    }
}

/// The commands as one would type them, when all of them can be shown.
fn shown(steps: &[Step], runner: &Runner) -> Option<Vec<Text>> {
    steps.iter().map(|s| runner.shown_whole(&s.argv)).collect()
}

/// Which way a job is steered. What holds it and what lets it go are each other's undoing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// It is paused, now or still.
    Hold,
    /// It goes on.
    LetGo,
}

impl Turn {
    const fn is_of(self, verb: Verb) -> bool {
        matches!(
            (self, verb),
            (Self::Hold, Verb::Pause | Verb::Extend) | (Self::LetGo, Verb::Resume)
        )
    }
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
    /// Whether it is paused now.
    is_paused: bool,
}

/// Reads the state and works out the plan. Changes nothing.
pub async fn plan(spec: &JobSpec, runner: &Runner, wanted: Wanted, now: Timestamp) -> Result<Planned, Missed> {
    let verb = wanted.verb;
    let turn = [Turn::Hold, Turn::LetGo].into_iter().find(|t| t.is_of(verb));
    let steered = || turn.ok_or_else(|| not_for(spec, verb));
    let mut beside = postfix::Beside::default();
    let mut cancels = vec![];
    let (mut means, right, leases) = match &spec.kind {
        JobKind::Systemd { sudo, .. } => {
            steered()?;
            let (means, leases) = systemd::means(&unit::Job::of(spec)?, runner, &wanted, now).await?;
            (means, Right::Its(*sudo), leases)
        }
        JobKind::Command { .. } => {
            let leases = arming::leases(spec, runner, &wanted).await?;
            let means = command::means(spec, runner, verb, steered()?).await?;
            (means, Right::OfLogin, leases)
        }
        JobKind::Postgres(_) => {
            let leases = arming::leases(spec, runner, &wanted).await?;
            let (means, backends) = postgres::means(spec, runner, verb, steered()?).await?;
            cancels = backends;
            (means, Right::OfLogin, leases)
        }
        JobKind::Postfix(valve) => {
            let leases = match turn {
                Some(_) => arming::leases(spec, runner, &wanted).await?,
                None => Leases::default(),
            };
            let (means, said) = postfix::means(spec, runner, &wanted).await?;
            beside = said;
            (means, Right::Its(valve.sudo), leases)
        }
        JobKind::Dovecot(service) => {
            let leases = arming::leases(spec, runner, &wanted).await?;
            let job = super::dovecot::Job::of(spec)?;
            let means = dovecot::means(&job, runner, verb, steered()?, &leases.all).await?;
            (means, Right::Its(service.sudo), leases)
        }
        JobKind::Process { sudo, .. } => {
            let leases = arming::leases(spec, runner, &wanted).await?;
            let job = super::process::Job::of(spec)?;
            let means = process::means(&job, runner, verb, steered()?, &leases.all).await?;
            (means, Right::OfLoginOrRoot(*sudo), leases)
        }
    };
    if verb == Verb::Extend {
        if !means.is_paused {
            let missed = Missed::new(
                Miss::BadAnswer,
                &*spec.name,
                "it is not paused: there is no end to set anew",
            );
            return Err(missed.fix("look at its detail; pause it if that is what is wanted"));
        }
        means.acts.clear();
    }
    // What cannot be undone has no end: nothing would happen then.
    let for_good = verb == Verb::Pause && means.back.is_empty();
    let lasts = wanted.lasts.filter(|_| verb.lasts() && !for_good);
    if lasts.is_some_and(|l| l <= Span::ZERO) {
        let missed = Missed::new(Miss::BadAnswer, &*spec.name, "a pause lasts longer than nothing");
        return Err(missed.fix("write for example 30m"));
    }
    means.touches.extend(
        leases
            .all
            .iter()
            .map(|l| format!("the resume that is armed now: {l}").into()),
    );
    means.beware.extend(leases.beware.iter().cloned());
    let step = |what, argv: Argv, undo| Step {
        argv,
        what,
        timeout: spec.timeout,
        undo,
    };
    let mut steps = vec![];
    let mut unarmed = None;
    let mut order = None;
    if verb.lasts() && !for_good {
        match arming::order(spec, runner, &wanted, lasts, &means, (right, &leases)).await {
            Ok(armed) => {
                means.beware.extend(armed.beware);
                steps.push(step(
                    StepKind::Arm,
                    armed.order.arm(&wanted.by, ""),
                    Some(armed.order.disarm()),
                ));
                order = Some(armed.order);
            }
            // Whoever extends wants nothing but the end.
            Err(missed) if may_go_without(&wanted, &missed) => unarmed = Some(missed.why),
            Err(missed) => return Err(missed),
        }
    }
    for (argv, undo) in std::mem::take(&mut means.acts) {
        steps.push(step(StepKind::Act, argv, undo));
    }
    if let JobKind::Systemd { .. } | JobKind::Postgres(_) | JobKind::Dovecot(_) | JobKind::Postfix(_) = spec.kind {
        sudo_allows(steps.iter().filter(|s| s.what == StepKind::Act), runner).await?;
    }
    match &unarmed {
        None => {
            let (away, left) = arming::disarms(spec, runner, (right, &leases)).await?;
            steps.extend(away.into_iter().map(|a| step(StepKind::Disarm, a, None)));
            if verb == Verb::Extend
                && let Some(left) = left.first()
            {
                let missed = Missed::new(Miss::Denied, &*spec.name, &**left);
                return Err(missed.fix("let who armed it, or root, set the new end"));
            }
            means.beware.extend(left);
        }
        Some(why) => means.beware.push(match lasts {
            Some(lasts) => format!("nothing is armed on the server: after {lasts}, resume it by hand ({why})").into(),
            None => format!("no end is set: it stays paused until somebody resumes it ({why})").into(),
        }),
    }
    if steps.is_empty() {
        let missed = Missed::new(Miss::Denied, &*spec.name, "what is armed for it cannot be taken away");
        return Err(missed.fix("let who armed it, or root, do it"));
    }
    let runs = shown(&steps, runner);
    let undo = if for_good {
        Some("it cannot be undone: what is cancelled has to be started again by hand".into())
    } else if wanted.verb == Verb::Flush {
        Some("it cannot be undone: what is delivered is delivered, the rest waits as before".into())
    } else {
        undo(&means, runner, &wanted.server, order.as_ref().zip(lasts))
    };
    let (Some(runs), Some(undo)) = (runs, undo) else {
        return Err(too_long(&spec.name));
    };
    Ok(Planned {
        spec: spec.clone(),
        plan: Plan {
            id: wanted.id,
            verb,
            runs,
            touches: means.touches,
            beware: means.beware,
            undo,
            armed_on_server: order.is_some(),
            lasts,
            choices: wanted.choices,
            unarmed,
            messages: beside.messages,
            // How many there are is not known then: the name is typed rather than one time too few.
            confirmation: if beside.is_partial {
                Confirmation::Name
            } else {
                Confirmation::Enter
            },
            offers: beside.offers,
            reason: Text::default(),
            by: wanted.by,
            server: wanted.server,
            job: spec.name.clone(),
        },
        steps,
        cancels,
        order,
        by_hand: means.by_hand,
    })
}

/// Whether a person chose to pause although nothing on the server ends it. A server that cannot be asked is another matter.
fn may_go_without(wanted: &Wanted, missed: &Missed) -> bool {
    wanted.verb == Verb::Pause && wanted.choices.unarmed == Unarmed::Allowed && missed.kind == Miss::NotArmed
}

fn undo(means: &Means, runner: &Runner, server: &Name, armed: Option<(&Order, Span)>) -> Option<Text> {
    let joined = |all: Vec<String>| all.join("; ");
    let undo = if let Some((order, lasts)) = armed {
        let back = joined(order.back.iter().map(Argv::quoted).collect());
        let by = match order.keeper() {
            Keeper::Timer if armed::is_hidden(&order.back) => {
                "a timer of systemd (the base64 in the command that arms it)"
            }
            Keeper::Timer => "a timer of systemd",
            Keeper::Watcher => "a watcher",
        };
        format!("{back} · armed on {server} itself, in {lasts}, by {by}")
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

/// A verb that this kind of job does not know.
fn not_for(spec: &JobSpec, verb: Verb) -> Missed {
    let why = format!("a {} job cannot be {}", spec.kind.word(), verb.past());
    Missed::new(Miss::BadAnswer, &*spec.name, why)
}

/// Nothing runs that cannot be shown whole.
fn too_long(job: &Name) -> Missed {
    let why = format!("its commands are longer than the {MAX_COMMAND} characters that are shown and journalled");
    Missed::new(Miss::BadAnswer, &**job, why).fix("put them in a script on the server, and name that in the config")
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
async fn sudo_allows(steps: impl Iterator<Item = &Step>, runner: &Runner) -> Result<(), Missed> {
    for step in steps {
        sudo_lets(&step.argv, runner, step.timeout).await?;
    }
    Ok(())
}

/// The same of one command; one that does not go through sudo is none of its business. Nothing is run.
async fn sudo_lets(argv: &Argv, runner: &Runner, timeout: Span) -> Result<(), Missed> {
    if argv.program().rsplit('/').next() != Some("sudo") {
        return Ok(());
    }
    let command = argv.args().iter().skip_while(|a| *a == "-n");
    let list = Argv::new(
        argv.program(),
        ["-n", "-l"].into_iter().chain(command.map(String::as_str)),
    );
    let out = runner.run(&list, limits(timeout)).await?;
    if out.ok() {
        return Ok(());
    }
    let missed = Missed::new(Miss::Denied, runner.shown(&list), act::one_line(&out));
    Err(missed.fix(act::advice(&out).unwrap_or(act::SUDOERS)))
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
                choices: Choices {
                    unarmed: Unarmed::Allowed,
                    ..Choices::default()
                },
                armed_for: None,
                pause_ran: vec![],
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
