//! What pauses and resumes a process: SIGSTOP and SIGCONT to exactly the processes that are shown, and to what they start
//! until then, which cannot be known now.

use super::super::armed::Lease;
use super::super::process::signal::{self, Signal};
use super::super::process::{Depth, Found, Job, Process, Seen};
use super::{Means, Turn, act, already, limits, touched};
use crate::domain::Text;
use crate::domain::action::Verb;
use crate::domain::argv::Argv;
use crate::domain::job::State;
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::reach::Runner;

/// The most processes that are signalled: each of them is in the command that is shown.
const MOST: usize = 64;
/// The most that are told of one by one beside it.
const TOLD: usize = 8;

/// Reads the processes and works it out. `armed` are the resumes that are armed for the job now.
pub(super) async fn means(
    job: &Job<'_>,
    runner: &Runner,
    verb: Verb,
    turn: Turn,
    armed: &[Lease],
) -> Result<Means, Missed> {
    let seen = job.ask(runner, Depth::Plan).await?;
    let means = match &seen.found {
        Ok(found) => of(job, &seen, found, (verb, turn), armed),
        Err(none) if verb == Verb::Resume && !armed.is_empty() => Ok(only_disarm(none.why.clone())),
        Err(none) => Err(
            Missed::new(Miss::NotFound, "", format!("{}: there is nothing to {verb}", none.why))
                .fix("look for it on the server: `ps -ef`; its config says what is looked for"),
        ),
    };
    let means = means.map_err(|m| Missed {
        tried: format!("to {verb} {}", job.spec.name).into(),
        ..m
    })?;
    if let (Sudo::Yes, Ok(found)) = (job.sudo, &seen.found)
        && !means.acts.is_empty()
    {
        // What is stopped has to go on again.
        let signals: &[&str] = match turn {
            Turn::Hold => &["-STOP", "-CONT"],
            Turn::LetGo => &["-CONT"],
        };
        for signal in signals {
            sudo_lets(job, found, signal, runner).await?;
        }
    }
    Ok(means)
}

fn of(job: &Job<'_>, seen: &Seen, found: &Found, (verb, turn): (Verb, Turn), armed: &[Lease]) -> Result<Means, Missed> {
    let state = seen.state();
    let all: Vec<&Process> = found.processes.iter().collect();
    let which: Vec<&Process> = match turn {
        Turn::Hold => all.clone(),
        Turn::LetGo => all
            .iter()
            .copied()
            .filter(|p| p.is_stopped() || p.is_traced() || p.is_stopping())
            .collect(),
    };
    if which.is_empty() {
        if !armed.is_empty() {
            return Ok(only_disarm(state.detail));
        }
        return Err(refused(
            Miss::BadAnswer,
            format!("it is not stopped ({}): there is nothing to resume", state.detail),
            "look at its detail",
        ));
    }
    can_signal(job, seen, &which)?;
    let (stop, go) = (Signal::Stop, Signal::Continue);
    let by_login = |signal, which: &[&Process]| signal::command(signal, seen.boot(), which, job.sudo, job.user);
    let by_server = |signal, which: &[&Process]| signal::command(signal, seen.boot(), which, Sudo::No, None);
    let (acts, back, by_hand, tail) = match turn {
        Turn::Hold => (
            vec![(by_login(stop, &which), Some(by_login(go, &which)))],
            vec![by_server(go, &which)],
            vec![by_login(go, &which)],
            "progress is kept",
        ),
        Turn::LetGo => (
            vec![(by_login(go, &which), None)],
            vec![by_server(stop, &which)],
            vec![by_login(stop, &which)],
            "it goes on where it stopped",
        ),
    };
    let mut touches = vec![touched(&found.size(), &state, Some(tail))];
    let order = match verb {
        Verb::Pause => Some("SIGSTOP, parents first"),
        Verb::Resume => Some("SIGCONT, children first"),
        Verb::Extend | Verb::Flush => None,
    };
    touches.extend(
        order.map(|o| format!("{o}, to each of these only while it is the very process that it is now:").into()),
    );
    touches.extend(which.iter().take(TOLD).map(|p| one(seen, found, p)));
    if which.len() > TOLD {
        touches.push(format!("and {} more; the command names each", which.len() - TOLD).into());
    }
    if verb == Verb::Pause {
        touches.push("with them what they start until then, found by its parent".into());
    }
    touches.extend(seen.locks(&all));
    let mut beware: Vec<Text> = already(verb, state.state).into_iter().collect();
    beware.extend(found.aside.iter().map(|a| format!("not counted: {a}").into()));
    if verb == Verb::Pause {
        beware.extend(risks(seen, &all));
    }
    Ok(Means {
        acts,
        back,
        by_hand,
        touches,
        beware,
        is_paused: state.state == State::Paused,
    })
}

/// Only the resume that is armed is taken away.
fn only_disarm(why: Text) -> Means {
    Means {
        acts: vec![],
        back: vec![],
        by_hand: vec![],
        touches: vec![],
        beware: vec![why, "only the resume that is armed for it is taken away".into()],
        is_paused: false,
    }
}

fn refused(kind: Miss, why: impl Into<Text>, fix: impl Into<Text>) -> Missed {
    Missed::new(kind, "", why).fix(fix)
}

fn can_signal(job: &Job<'_>, seen: &Seen, which: &[&Process]) -> Result<(), Missed> {
    if which.len() > MOST {
        return Err(refused(
            Miss::BadAnswer,
            format!(
                "{} processes are more than the {MOST} that can be shown one by one",
                which.len()
            ),
            "name it more closely in the config; a unit or a container is better frozen as a whole (kind = \"systemd\")",
        ));
    }
    if let Some(us) = which.iter().find(|p| seen.is_us(p)) {
        return Err(refused(
            Miss::BadAnswer,
            format!(
                "{} is one by which mailtop got there: stopped, it could not be resumed",
                us.pid
            ),
            "name it more closely in the config",
        ));
    }
    if let (Sudo::No, Some(other)) = (job.sudo, which.iter().find(|p| !seen.may(p))) {
        return Err(refused(
            Miss::Denied,
            format!(
                "this login may not signal {}, which is of {}",
                other.pid,
                seen.owner(other)
            ),
            "set sudo = true for this job, or log in there as the job's user or as root",
        ));
    }
    Ok(())
}

/// Asks sudo there whether it lets the signals through without a password. It would not send one.
async fn sudo_lets(job: &Job<'_>, found: &Found, signal: &str, runner: &Runner) -> Result<(), Missed> {
    let Some(first) = found.processes.first() else {
        return Ok(());
    };
    let by = signal::by(job.sudo, job.user);
    let (options, kill) = by.args().split_at(by.args().len().saturating_sub(1));
    let pid = first.pid.to_string();
    let words = options.iter().map(String::as_str).chain(["-l"]);
    let list = Argv::new(
        "sudo",
        words.chain(kill.iter().map(String::as_str)).chain([signal, &pid]),
    );
    let out = runner.run(&list, limits(job.spec.timeout)).await?;
    if out.ok() {
        return Ok(());
    }
    let missed = Missed::new(Miss::Denied, runner.shown(&list), act::one_line(&out));
    Err(missed.fix(act::advice(&out).unwrap_or(act::SUDOERS)))
}

/// `4711 of backup, child of 4700, running (S) 4h12m: rsync -a …`.
fn one(seen: &Seen, found: &Found, process: &Process) -> Text {
    let child = if found.processes.iter().any(|p| p.pid == process.parent) {
        format!(", child of {}", process.parent)
    } else {
        String::new()
    };
    let how = match process.letter {
        'T' => "stopped",
        't' => "held by a tracer",
        'D' => "waiting for a disk",
        _ => "running",
    };
    let long = seen
        .runs_for(process)
        .map(|s| format!(", there for {s}"))
        .unwrap_or_default();
    format!(
        "{} of {}{child}, {how} ({}){long}: {}",
        process.pid,
        seen.owner(process),
        process.letter,
        process.line(200)
    )
    .into()
}

/// What stopping these may break.
fn risks(seen: &Seen, all: &[&Process]) -> Vec<Text> {
    let mut risks: Vec<Text> = vec![];
    let count = |is: fn(&Process) -> bool| all.iter().filter(|p| is(p)).count();
    let (locks, waiting) = seen.locked(all);
    if locks > 0 {
        let waiting = if waiting > 0 {
            format!("; {waiting} wait for one already")
        } else {
            String::new()
        };
        let them = if locks == 1 {
            "the lock that it holds"
        } else {
            "the locks that it holds"
        };
        risks.push(format!("stopped, it keeps {them}{waiting}: watch the store probe").into());
    }
    risks.push("its connections stay open and unserved: the other ends may time out and end them".into());
    risks.push("a watchdog or supervisor may take it for hung, and kill it or start another".into());
    let on_terminal = count(Process::is_on_terminal);
    if on_terminal > 0 {
        risks.push(
            format!(
                "{on_terminal} belong to a terminal: its shell is told of the stop, and who sits there can continue it"
            )
            .into(),
        );
    }
    let on_disk = count(|p| p.letter == 'D');
    if on_disk > 0 {
        risks.push(format!("{on_disk} wait for a disk (D) and stop only when that ends").into());
    }
    let stopped = count(Process::is_stopped);
    if stopped > 0 && stopped < all.len() {
        risks.push(format!("{stopped} are stopped already: they go on with the others when the pause ends").into());
    }
    if count(Process::is_traced) > 0 {
        risks.push("a tracer (a debugger, strace) holds it: what it does with a stop is up to that".into());
    }
    risks
}
