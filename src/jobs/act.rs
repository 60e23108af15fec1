//! Running a plan's steps in order. The first that fails ends it; when it is certain that it failed, the steps before it
//! are taken back, so that an armed resume or a stopped timer does not outlive a pause that never was. And no pause outlives
//! its end: where that came first, nothing is paused, or what was is taken back.

mod ended;

use self::ended::Armed;
use super::limits;
use super::plan::{Planned, Step, StepKind};
use crate::domain::action::{Ran, Verb};
use crate::domain::argv::Argv;
use crate::domain::job::State;
use crate::domain::reading::Miss;
use crate::domain::text::{MAX_CHARS, MAX_SAID};
use crate::domain::{Span, Text, Timestamp};
use crate::reach::{Output, Runner};

/// How systemctl(1) ends when there is no such unit.
const NOT_LOADED: i32 = 5;

/// What to do when sudo does not let a command through.
pub(super) const SUDOERS: &str =
    "allow exactly this command without a password in sudoers there (NOPASSWD), see visudo(8)";

/// Runs what was shown. The truth is not in its answer: read it back.
pub async fn act(planned: &Planned, runner: &Runner) -> Ran {
    act_while(planned, runner, || std::future::ready(Ok(()))).await
}

/// The same for as long as it may: that is asked before each command that does something.
pub async fn act_while<F>(planned: &Planned, runner: &Runner, may: impl Fn() -> F) -> Ran
where
    F: Future<Output = Result<(), Text>>,
{
    let started = std::time::Instant::now();
    let mut said: Vec<Text> = vec![];
    let mut exit = None;
    let mut failed = None;
    let mut armed = None;
    for (i, step) in planned.steps.iter().enumerate() {
        let before = planned.steps.get(..i).unwrap_or_default();
        match step.what {
            StepKind::Arm => armed = planned.order.as_ref().map(|o| Armed::now(o.after)),
            StepKind::Act => {
                // A console may stand still between two commands: stopped, or on a machine that slept.
                let may = match armed.as_ref().filter(|a| a.is_due()) {
                    Some(_) => Err(ended::TOO_LATE.into()),
                    None => may().await,
                };
                if let Err(why) = may {
                    let none_yet = before.iter().all(|s| s.what == StepKind::Arm);
                    let back = if none_yet {
                        take_back(before.iter(), runner).await.0
                    } else {
                        undone(planned, before, runner).await
                    };
                    failed = Some(format!("{why}{back}"));
                    break;
                }
            }
            StepKind::Disarm => {}
        }
        match runner.run(&step.argv, limits(step.timeout)).await {
            Ok(out) => {
                exit = out.status;
                let words = line(&out, MAX_SAID);
                if !words.is_empty() {
                    said.push(words);
                }
                // A resume that has fired since the plan was made is gone by itself.
                let gone = step.what == StepKind::Disarm && out.status == Some(NOT_LOADED);
                if !out.ok() && !gone {
                    let why = why(&brief(runner, &step.argv), &out);
                    let back = match step.what {
                        StepKind::Act => undone(planned, before, runner).await,
                        StepKind::Arm | StepKind::Disarm => String::new(),
                    };
                    failed = Some(format!("{}{why}{back}", step.what.consequence(planned.plan.verb)));
                }
            }
            Err(missed) => {
                // It may have run there all the same: what is armed stays, and the read-back tells. But an end without a
                // pause is none: it would start what has ended by then.
                exit = None;
                let back = match step.what {
                    StepKind::Arm => take_back(std::iter::once(step), runner).await.0,
                    StepKind::Act | StepKind::Disarm => String::new(),
                };
                // sudo hands on a request to end, and a command may hang all the same. Nobody but root ends it then.
                let still = if missed.kind == Miss::TimedOut && step.argv.program() == "sudo" {
                    "; it may still run there: what sudo runs as another user, this login can only ask to end"
                } else {
                    ""
                };
                failed = Some(format!(
                    "{}{missed}{still}{back}",
                    step.what.consequence(planned.plan.verb)
                ));
            }
        }
        if failed.is_some() {
            break;
        }
    }
    let acted = planned.steps.iter().any(|s| s.what == StepKind::Act);
    if let (None, true, Verb::Pause, Some(armed)) = (&failed, acted, planned.plan.verb, &armed)
        && armed.is_gone(planned, runner).await
    {
        let back = planned.by_hand.iter().map(|b| (b, planned.spec.timeout));
        failed = Some(format!("{}{}", ended::GONE, run_back(back, runner).await.0));
    }
    Ran {
        id: planned.plan.id.clone(),
        exit,
        output: Text::bounded(
            said.iter().map(Text::as_str).collect::<Vec<_>>().join(" · ").as_bytes(),
            MAX_SAID,
        ),
        took: Span::from(started.elapsed()),
        failed: failed.map(|f| Text::bounded(f.as_bytes(), 2 * MAX_CHARS)),
    }
}

impl StepKind {
    /// What it means that a step of this kind failed.
    const fn consequence(self, verb: Verb) -> &'static str {
        match self {
            Self::Arm if matches!(verb, Verb::Extend) => {
                "its new end could not be armed on the server, so what was armed before stays: "
            }
            Self::Arm => "its end could not be armed on the server, so nothing was paused: ",
            Self::Act => "",
            Self::Disarm => "done, but a resume that was armed before is still there: ",
        }
    }
}

/// Takes back what was done before the step that failed. The armed end goes only when the job is read as one that is not
/// paused: a command may pause and fail all the same, and what is paused keeps its end.
async fn undone(planned: &Planned, done: &[Step], runner: &Runner) -> String {
    let (arms, acts): (Vec<&Step>, Vec<&Step>) = done.iter().partition(|s| s.what == StepKind::Arm);
    let (mut told, all_back) = take_back(acts.into_iter(), runner).await;
    if arms.is_empty() {
        return told;
    }
    if !all_back {
        told.push_str("; so its armed end stays");
        return told;
    }
    // Since when it is so does not matter here.
    match super::look(&planned.spec, runner, Timestamp::UNIX_EPOCH).await {
        Ok(found) if !matches!(found.state.state, State::Paused | State::Unknown) => {
            told += &take_back(arms.into_iter(), runner).await.0;
        }
        Ok(found) => {
            let state = found.state.state;
            told.push_str("; it was found ");
            told.push_str(state.word());
            told.push_str(" all the same, so its armed end stays");
        }
        Err(_) => told.push_str("; its state could not be read, so its armed end stays"),
    }
    told
}

/// What came of it in words, and whether all of it was taken back.
async fn take_back<'a>(done: impl DoubleEndedIterator<Item = &'a Step>, runner: &Runner) -> (String, bool) {
    run_back(done.rev().filter_map(|s| Some((s.undo.as_ref()?, s.timeout))), runner).await
}

async fn run_back<'a>(back: impl Iterator<Item = (&'a Argv, Span)>, runner: &Runner) -> (String, bool) {
    let mut told = vec![];
    let mut all = true;
    for (argv, timeout) in back {
        let shown = brief(runner, argv);
        told.push(match runner.run(argv, limits(timeout)).await {
            Ok(out) if out.ok() || out.status == Some(NOT_LOADED) => format!("; taken back: {shown}"),
            Ok(out) => {
                all = false;
                format!("; could not be taken back: {}", why(&shown, &out))
            }
            Err(missed) => {
                all = false;
                format!("; could not be taken back: {missed}")
            }
        });
    }
    (told.concat(), all)
}

fn why(shown: &str, out: &Output) -> String {
    let advice = advice(out).map(|a| format!(" ({a})")).unwrap_or_default();
    format!("{shown} {}{advice}", ended(out))
}

/// How a command ended and what it said: `ended with status 1: no such unit`.
pub(super) fn ended(out: &Output) -> String {
    let status = out.status.map_or("a signal".into(), |s| format!("status {s}"));
    let said = one_line(out);
    let said = if said.is_empty() { "(it printed nothing)" } else { &said };
    format!("ended with {status}: {said}")
}

/// What to do about the refusals that have a known way out.
pub(super) fn advice(out: &Output) -> Option<&'static str> {
    let words = one_line(out);
    let has = |w: &str| words.contains(w);
    if has("a password is required")
        || has("a terminal is required")
        || has("not in the sudoers")
        || has("not allowed to execute")
    {
        Some(SUDOERS)
    } else if has("nteractive authentication required")
        || has("Access denied")
        || has("must be root")
        || has("Operation not permitted")
    {
        Some("log in as root there, or set sudo = true for this job")
    } else if has("does not support freezing") {
        Some("freezing needs cgroup v2 there; with pause = \"stop\" the job is stopped instead")
    } else if has("has a pending job") {
        Some(
            "a unit that is starting or stopping cannot be frozen, nor can a oneshot: use pause = \"stop\", or Type=exec in the unit",
        )
    } else {
        super::postgres::advice(&words)
    }
}

/// What a command said, standard error first, as one line.
pub(super) fn one_line(out: &Output) -> Text {
    line(out, 400)
}

/// A command for a sentence; the whole of it is in the plan.
fn brief(runner: &Runner, argv: &Argv) -> Text {
    Text::from(runner.shown(argv).as_str())
}

fn line(out: &Output, max: usize) -> Text {
    let lines = [&out.stderr, &out.stdout]
        .into_iter()
        .flat_map(|s| s.split(|b| *b == b'\n'))
        .map(<[u8]>::trim_ascii)
        .filter(|l| !l.is_empty())
        .take(max / 25)
        .collect::<Vec<_>>()
        .join(&b" / "[..]);
    Text::bounded(&lines, max)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::domain::Name;
    use crate::domain::action::{ActionId, Choices, Unarmed};
    use crate::domain::job::{JobKind, JobSpec};
    use crate::jobs::{Wanted, plan};

    #[tokio::test]
    async fn nothing_runs_when_it_may_not_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let touches = |name: &str| Argv::new("touch", [dir.path().join(name).display().to_string()]);
        let spec = JobSpec {
            name: "j".into(),
            kind: JobKind::Command {
                status: Argv::new("echo", ["running"]),
                pause: touches("paused"),
                resume: touches("resumed"),
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
        let runner = Runner::local();
        let planned = plan(&spec, &runner, wanted, Timestamp::now()).await.unwrap();
        let asked = Cell::new(0);
        let may = || {
            asked.set(asked.get() + 1);
            std::future::ready(Err(Text::from("another has the lock")))
        };
        let ran = act_while(&planned, &runner, may).await;
        assert_eq!((ran.failed.as_deref(), ran.exit), (Some("another has the lock"), None));
        assert_eq!((asked.get(), std::fs::read_dir(dir.path()).unwrap().count()), (1, 0));
        assert_eq!(act(&planned, &runner).await.failed, None);
        assert!(dir.path().join("paused").exists());
    }
}
