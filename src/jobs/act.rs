//! Running a plan's steps in order. The first that fails ends it; when it is certain that it failed, the steps before it
//! are taken back, so that an armed resume or a stopped timer does not outlive a pause that never was.

use super::limits;
use super::plan::{Planned, Step, StepKind};
use crate::domain::action::Ran;
use crate::domain::argv::Argv;
use crate::domain::text::{MAX_CHARS, MAX_SAID};
use crate::domain::{Span, Text};
use crate::reach::{Output, Runner};

/// How systemctl(1) ends when there is no such unit.
const NOT_LOADED: i32 = 5;

/// What to do when sudo does not let a command through.
pub(super) const SUDOERS: &str =
    "allow exactly this command without a password in sudoers there (NOPASSWD), see visudo(8)";

/// Runs what was shown. The truth is not in its answer: read it back.
pub async fn act(planned: &Planned, runner: &Runner) -> Ran {
    let started = std::time::Instant::now();
    let mut said: Vec<Text> = vec![];
    let mut exit = None;
    let mut failed = None;
    for (i, step) in planned.steps.iter().enumerate() {
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
                        StepKind::Act => take_back(planned.steps.get(..i).unwrap_or_default(), runner).await,
                        StepKind::Arm | StepKind::Disarm => String::new(),
                    };
                    failed = Some(format!("{}{why}{back}", step.what.consequence()));
                }
            }
            Err(missed) => {
                // It may have run there all the same: what is armed stays, and the read-back tells.
                exit = None;
                failed = Some(format!("{}{missed}", step.what.consequence()));
            }
        }
        if failed.is_some() {
            break;
        }
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
    const fn consequence(self) -> &'static str {
        match self {
            Self::Arm => "its end could not be armed on the server, so nothing was paused: ",
            Self::Act => "",
            Self::Disarm => "done, but a resume that was armed before is still there: ",
        }
    }
}

async fn take_back(done: &[Step], runner: &Runner) -> String {
    let mut told = vec![];
    for (argv, timeout) in done.iter().rev().filter_map(|s| Some((s.undo.as_ref()?, s.timeout))) {
        let shown = brief(runner, argv);
        told.push(match runner.run(argv, limits(timeout)).await {
            Ok(out) if out.ok() => format!("; taken back: {shown}"),
            Ok(out) => format!("; could not be taken back: {}", why(&shown, &out)),
            Err(missed) => format!("; could not be taken back: {missed}"),
        });
    }
    told.concat()
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
    } else if has("nteractive authentication required") || has("Access denied") || has("must be root") {
        Some("log in as root there, or set sudo = true for this job")
    } else if has("does not support freezing") {
        Some("freezing needs cgroup v2 there; with pause = \"stop\" the job is stopped instead")
    } else if has("has a pending job") {
        Some(
            "a unit that is starting or stopping cannot be frozen, nor can a oneshot: use pause = \"stop\", or Type=exec in the unit",
        )
    } else {
        None
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
