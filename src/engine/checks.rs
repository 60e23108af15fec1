//! A dry run: trying what a plan needs without changing anything. Each line is one thing that was tried there and then.

use std::collections::BTreeSet;

use crate::domain::Text;
use crate::domain::argv::Argv;
use crate::domain::effect::Check;
use crate::domain::job::JobState;
use crate::jobs::{Planned, Step};
use crate::reach::{Output, RunLimits, Runner};

/// Prints where a program is, by its whole path or as the login there would find it.
const WHERE: &str = "command -v -- \"$1\"";

/// Tries each step: that sudo lets it through without asking, or that its program is there.
pub async fn steps(planned: &Planned, runner: &Runner) -> Vec<Check> {
    let mut tried = BTreeSet::new();
    let mut checks = vec![];
    for step in &planned.steps {
        let (what, ask) = question(step);
        if !tried.insert(ask.quoted()) {
            continue;
        }
        let limits = RunLimits {
            timeout: step.timeout,
            max_output: 16 << 10,
        };
        let would = match runner.run(&ask, limits).await {
            Ok(out) if out.ok() => Ok(first_line(&out)),
            Ok(out) => Err(refusal(&what, &out)),
            Err(missed) => Err(missed.to_string().into()),
        };
        checks.push(Check { what, would });
    }
    checks
}

/// What is asked about a step, in words and as a command. Sudo says of itself whether the program is there.
fn question(step: &Step) -> (Text, Argv) {
    let argv = &step.argv;
    if argv.program() == "sudo" {
        let command: Vec<&str> = argv
            .args()
            .iter()
            .map(String::as_str)
            .skip_while(|a| *a == "-n")
            .collect();
        let shown = command.first().map_or_else(String::new, |program| {
            Argv::new(*program, command.iter().skip(1).copied()).quoted()
        });
        let ask = Argv::new("sudo", ["-n", "-l"].into_iter().chain(command));
        return (format!("sudo allows {shown}").into(), ask);
    }
    let what = format!("{} is there", argv.program()).into();
    (what, Argv::new("sh", ["-c", WHERE, "sh", argv.program()]))
}

fn first_line(out: &Output) -> Text {
    let line = out.stdout.split(|b| *b == b'\n').next().unwrap_or_default();
    Text::from_bytes(line.trim_ascii())
}

fn refusal(what: &Text, out: &Output) -> Text {
    let said = [&out.stderr, &out.stdout]
        .into_iter()
        .flat_map(|s| s.split(|b| *b == b'\n'))
        .map(<[u8]>::trim_ascii)
        .find(|l| !l.is_empty());
    match said {
        Some(line) => Text::from_bytes(line),
        None => format!("it is not so: {what}").into(),
    }
}

/// Whether a job is still as its plan found it.
pub fn unchanged(planned_on: Option<&JobState>, now: &JobState) -> Result<Text, Text> {
    let leases = |s: &JobState| s.armed.iter().map(|a| a.id.clone()).collect::<BTreeSet<_>>();
    match planned_on {
        None => Err("it could not be read when the plan was made: look at it again".into()),
        Some(then) if then.state != now.state => Err(format!(
            "it was {} when the plan was made, and is {} now: look at it again",
            then.state, now.state
        )
        .into()),
        Some(then) if leases(then) != leases(now) => {
            Err("another resume is armed for it than when the plan was made: look at it again".into())
        }
        Some(_) => Ok(format!("it is {}, as the plan has it", now.state).into()),
    }
}
