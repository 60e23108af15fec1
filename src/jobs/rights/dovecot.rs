//! The rules for a service of Dovecot: reading it, stopping it, and the reload that lets it start again.

use super::{Arguments, Needs, SudoRule, There, arm};
use crate::domain::action::Verb;
use crate::domain::argv::Argv;
use crate::domain::job::{DovecotService, JobSpec};

/// Reading it is part of each.
const ALL: &[Verb] = &[Verb::Pause, Verb::Resume, Verb::Extend];
const PAUSE: &[Verb] = &[Verb::Pause];

pub(super) fn needs(spec: &JobSpec, what: &DovecotService, there: &There) -> Needs {
    let config: Vec<&str> = what.config_file.iter().flat_map(|f| ["-c", f.as_str()]).collect();
    let words = |rest: &[&str]| {
        [&config[..], rest]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let rule = |verbs: &[Verb], rest: &[&str]| {
        let words = words(rest);
        SudoRule::root(verbs, "doveadm", Arguments::exact(words.iter().map(String::as_str)))
    };
    let mut rules = vec![
        rule(ALL, &["-f", "tab", "service", "status", &what.service]),
        rule(PAUSE, &["service", "stop", &what.service]),
        rule(ALL, &["reload"]),
    ];
    let mut cannot = vec![];
    match there.located(&[Argv::new("doveadm", words(&["reload"]))]) {
        Some(back) => rules.push(arm::of_root(spec, &back)),
        None => cannot.push("no rule for arming the end of a pause: where doveadm is there is not known".into()),
    }
    rules.push(arm::disarms(spec));
    Needs {
        rules,
        cannot,
        ..Needs::default()
    }
}
