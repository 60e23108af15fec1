//! Which `systemctl` commands pause and resume a unit, given the state that it and its timer are in now.

use jiff::Timestamp;

use super::super::armed::{Depth, Leases};
use super::super::systemd::{Job, Seen};
use super::{Means, Wanted, already, touched};
use crate::domain::Text;
use crate::domain::action::Verb;
use crate::domain::argv::Argv;
use crate::domain::job::{JobState, State, SystemdPause};
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::reach::Runner;

/// Reads the unit and works it out.
pub(super) async fn means(
    job: &Job<'_>,
    runner: &Runner,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<(Means, Leases), Missed> {
    let verb = wanted.verb;
    let seen = job.ask(runner, Depth::Plan).await?;
    let state = seen.state(job, now);
    // A timer that somebody else switched off is not ours to start.
    let is_ours = |t: &&str| !seen.timer_is_off() || seen.timer_is_ours(t, &wanted.pause_ran);
    let timer = job.timer.filter(is_ours);
    let mut means = match verb {
        Verb::Pause => pause(job, &seen, &state, timer),
        Verb::Resume => resume(job, &seen, &state, timer),
        Verb::Extend => extend(job, &seen, &state, timer),
        Verb::Flush => Err(super::not_for(job.spec, verb)),
    }
    .map_err(|m| Missed {
        tried: format!("to {verb} {}", job.unit).into(),
        ..m
    })?;
    if job.sudo == Sudo::Yes {
        let sudo = |argv: &Argv| argv.under(&["sudo", "-n"]);
        means.by_hand = means.back.iter().map(sudo).collect();
        for (act, undo) in &mut means.acts {
            *act = sudo(act);
            *undo = undo.as_ref().map(sudo);
        }
    }
    Ok((means, seen.leases))
}

/// What is paused is let go by what a resume would do now: that is what the new end has to run.
fn extend(job: &Job<'_>, seen: &Seen, state: &JobState, timer: Option<&str>) -> Result<Means, Missed> {
    if state.state != State::Paused {
        let why = format!("it is not paused ({}): there is no end to set anew", state.detail);
        return Err(refused(why, "look at its detail; pause it if that is what is wanted"));
    }
    let goes_on = resume(job, seen, state, timer)?;
    let back: Vec<Argv> = goes_on.acts.into_iter().map(|(act, _)| act).collect();
    if back.is_empty() {
        let why = format!("nothing that could be armed resumes it ({})", state.detail);
        return Err(refused(why, "look at its detail"));
    }
    Ok(Means {
        acts: vec![],
        by_hand: back.clone(),
        back,
        touches: vec![touched("1 unit", state, Some("it stays as it is"))],
        beware: vec![],
        is_paused: true,
    })
}

fn systemctl<'a>(verb: &'a str, rest: impl IntoIterator<Item = &'a str>) -> Argv {
    Argv::new("systemctl", std::iter::once(verb).chain(rest))
}

fn refused(why: impl Into<Text>, fix: impl Into<Text>) -> Missed {
    Missed::new(Miss::BadAnswer, "", why).fix(fix)
}

/// `timer` is the one that is stopped with it.
fn pause(job: &Job<'_>, seen: &Seen, state: &JobState, timer: Option<&str>) -> Result<Means, Missed> {
    let unit = job.unit;
    let at_work = !seen.unit.is_dead();
    if !at_work && timer.is_none() {
        return Err(refused(
            format!("it does not run ({}): there is nothing to pause", state.detail),
            "pause it when it runs, or name the timer that starts it in the config",
        ));
    }
    let mut beware: Vec<Text> = already(Verb::Pause, state.state).into_iter().collect();
    beware.extend(left_off(job, timer));
    let mut acts = vec![];
    let mut back = vec![];
    let tail = match (at_work, job.how) {
        (true, SystemdPause::Freeze) => {
            can_freeze(job, seen)?;
            acts.push((systemctl("freeze", [unit]), Some(systemctl("thaw", [unit]))));
            back.push(systemctl("thaw", [unit]));
            beware.push("a frozen job keeps its locks: watch the store probe".into());
            if let Some(timer) = timer {
                acts.push((systemctl("stop", [timer]), None));
                back.push(systemctl("start", [timer]));
            }
            "progress is kept"
        }
        (true, SystemdPause::Stop) => {
            // The timer first: it must not start again what was just stopped.
            acts.push((systemctl("stop", timer.into_iter().chain([unit])), None));
            back.push(systemctl("start", ["--no-block", unit].into_iter().chain(timer)));
            beware.push("stopping loses the run's progress: it starts from the beginning".into());
            "progress is lost"
        }
        (false, _) => {
            let timer = timer.unwrap_or_default();
            acts.push((systemctl("stop", [timer]), None));
            back.push(systemctl("start", [timer]));
            "only its timer is stopped"
        }
    };
    Ok(Means {
        acts,
        by_hand: back.clone(),
        back,
        touches: touches(job, seen, state, timer, tail),
        beware,
        is_paused: state.state == State::Paused,
    })
}

fn can_freeze(job: &Job<'_>, seen: &Seen) -> Result<(), Missed> {
    if &*seen.unit.can_freeze == "no" {
        return Err(refused(
            format!("systemd there cannot freeze {}", job.unit),
            "freezing needs cgroup v2 and a service, scope or slice; with pause = \"stop\" it is stopped instead",
        ));
    }
    if seen.unit.is_starting_oneshot() && !seen.unit.is_frozen() {
        return Err(refused(
            "it is of Type=oneshot: while it runs systemd counts it as starting, and freezes nothing that starts",
            "set Type=exec in the unit, or pause = \"stop\" for this job",
        ));
    }
    Ok(())
}

/// The timer of a job that is off and stays off.
fn left_off(job: &Job<'_>, ours: Option<&str>) -> Option<Text> {
    let timer = job.timer.filter(|_| ours.is_none())?;
    Some(format!("its timer {timer} is off, and no pause that is known switched it off: it stays off").into())
}

/// `ours` is its timer, where that may be started.
fn resume(job: &Job<'_>, seen: &Seen, state: &JobState, ours: Option<&str>) -> Result<Means, Missed> {
    let unit = job.unit;
    let timer = ours.filter(|_| seen.timer_is_off());
    let mut beware: Vec<Text> = already(Verb::Resume, state.state).into_iter().collect();
    beware.extend(left_off(job, ours));
    let mut acts = vec![];
    let mut back = vec![];
    let tail = match job.how {
        SystemdPause::Freeze => {
            if !seen.unit.is_dead() {
                acts.push((systemctl("thaw", [unit]), None));
                back.push(systemctl("freeze", [unit]));
            }
            if let Some(timer) = timer {
                acts.push((systemctl("start", [timer]), None));
                back.push(systemctl("stop", [timer]));
            }
            if &*seen.unit.freezer == "frozen-by-parent" {
                beware.push("the slice that it is in is frozen: thaw that".into());
            }
            None
        }
        SystemdPause::Stop => {
            // One with a timer is started only when its last run was cut short: a run that had ended by itself is not due.
            let start = seen.unit.is_dead() && (job.timer.is_none() || seen.unit.was_cut_short());
            let names = [unit].into_iter().filter(|_| start).chain(timer).collect::<Vec<_>>();
            if !names.is_empty() {
                // A oneshot is "starting" until it is done, which may be hours.
                acts.push((
                    systemctl("start", ["--no-block"].into_iter().chain(names.iter().copied())),
                    None,
                ));
                back.push(systemctl("stop", names.iter().rev().copied()));
            }
            if seen.unit.is_dead() && !start && timer.is_some() {
                beware.push(format!("{unit} itself is not started: its timer does that when it is due").into());
            }
            start.then_some("it starts from the beginning")
        }
    };
    if acts.is_empty() && seen.leases.all.is_empty() {
        return Err(refused(
            match left_off(job, ours) {
                Some(words) => format!("there is nothing to resume ({}): {words}", state.detail),
                None => format!("it is not paused ({}): there is nothing to resume", state.detail),
            },
            "look at its detail; start it by hand if that is what is wanted",
        ));
    }
    if acts.is_empty() {
        beware.push("only the resume that is armed for it is taken away".into());
    }
    Ok(Means {
        acts,
        by_hand: back.clone(),
        back,
        touches: touches(job, seen, state, timer, tail.unwrap_or_default()),
        beware,
        is_paused: state.state == State::Paused,
    })
}

fn touches(job: &Job<'_>, seen: &Seen, state: &JobState, timer: Option<&str>, tail: &str) -> Vec<Text> {
    let mut touches = vec![touched("1 unit", state, Some(tail).filter(|t| !t.is_empty()))];
    if let (Some(timer), Some(now)) = (timer, &seen.timer) {
        touches.push(format!("its timer {timer}, {} ({})", now.active, now.sub).into());
    } else if let Some(timer) = job.timer.filter(|_| !seen.timer_is_off()) {
        touches.push(format!("not its timer {timer}, which is as it should be").into());
    }
    touches
}
