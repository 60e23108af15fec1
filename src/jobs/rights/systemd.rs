//! The rules for a systemd unit: every command that `plan/systemd.rs` can make for it, in each state that it can find.

use super::{Arguments, Needs, SudoRule, There, arm};
use crate::domain::action::Verb;
use crate::domain::argv::Argv;
use crate::domain::job::{JobSpec, SystemdPause};

const PAUSE: &[Verb] = &[Verb::Pause];
const RESUME: &[Verb] = &[Verb::Resume];
/// A pause that fails half-way is taken back.
const BOTH: &[Verb] = &[Verb::Pause, Verb::Resume];

pub(super) fn needs(spec: &JobSpec, unit: &str, how: SystemdPause, timer: Option<&str>, there: &There) -> Needs {
    let rule =
        |verbs: &[Verb], words: &[&str]| SudoRule::root(verbs, "systemctl", Arguments::exact(words.iter().copied()));
    let mut rules = match how {
        SystemdPause::Freeze => vec![rule(PAUSE, &["freeze", unit]), rule(BOTH, &["thaw", unit])],
        SystemdPause::Stop => vec![
            rule(PAUSE, &["stop", unit]),
            rule(RESUME, &["start", "--no-block", unit]),
        ],
    };
    if let Some(timer) = timer {
        // It may be the timer alone that runs, or that is off.
        rules.push(rule(PAUSE, &["stop", timer]));
        match how {
            SystemdPause::Freeze => rules.push(rule(RESUME, &["start", timer])),
            SystemdPause::Stop => rules.extend([
                rule(PAUSE, &["stop", timer, unit]),
                rule(RESUME, &["start", "--no-block", timer]),
                rule(RESUME, &["start", "--no-block", unit, timer]),
            ]),
        }
    }
    let mut cannot = vec![];
    for back in backs(unit, how, timer) {
        match there.located(&back) {
            Some(back) => rules.push(arm::of_root(spec, &back)),
            None => cannot.push("no rule for arming the end of a pause: where systemctl is there is not known".into()),
        }
    }
    rules.push(arm::disarms(spec));
    Needs {
        rules,
        cannot,
        ..Needs::default()
    }
}

/// What ends a pause: of the unit, of the unit and its timer, of the timer alone.
fn backs(unit: &str, how: SystemdPause, timer: Option<&str>) -> Vec<Vec<Argv>> {
    let systemctl = |words: &[&str]| Argv::new("systemctl", words.iter().copied());
    let start = |timer| systemctl(&["start", timer]);
    match (how, timer) {
        (SystemdPause::Freeze, None) => vec![vec![systemctl(&["thaw", unit])]],
        (SystemdPause::Freeze, Some(timer)) => vec![
            vec![systemctl(&["thaw", unit])],
            vec![systemctl(&["thaw", unit]), start(timer)],
            vec![start(timer)],
        ],
        (SystemdPause::Stop, None) => vec![vec![systemctl(&["start", "--no-block", unit])]],
        (SystemdPause::Stop, Some(timer)) => vec![
            vec![systemctl(&["start", "--no-block", unit])],
            vec![systemctl(&["start", "--no-block", unit, timer])],
            vec![start(timer)],
            // Where a pause is extended, it ends by what a resume would do then.
            vec![systemctl(&["start", "--no-block", timer])],
        ],
    }
}
