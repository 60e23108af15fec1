//! The rules for arming the end of a pause and for taking it away, made from the very commands that a plan makes: what
//! changes there changes here.

use super::super::armed::{self, By, Order, RunAs};
use super::arguments::{Arguments, Class};
use super::{Needs, SudoRule, There};
use crate::domain::action::{ActionId, Verb};
use crate::domain::argv::Argv;
use crate::domain::job::JobSpec;
use crate::domain::queue::Sudo;
use crate::domain::{Name, Span};

const ARMS: &[Verb] = &[Verb::Pause, Verb::Extend];
const DISARMS: &[Verb] = &[Verb::Pause, Verb::Extend, Verb::Resume];

/// The id in a sample.
const ID: &str = "sample";

/// How much of the command that arms varies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Carried {
    /// Time, id and description only.
    Exact,
    /// What it runs as well.
    Anything,
}

/// Arming these as root.
pub(super) fn of_root(spec: &JobSpec, back: &[Argv]) -> SudoRule {
    SudoRule::root(ARMS, "systemd-run", arguments(spec, RunAs::Root, back, Carried::Exact))
}

/// Taking away what is armed.
pub(super) fn disarms(spec: &JobSpec) -> SudoRule {
    let disarm = disarming(spec);
    let mut arguments = Arguments::default();
    for word in disarm.args() {
        arguments = match word.strip_suffix(&format!("{ID}.timer")) {
            Some(before) => arguments.one_or_more(before, Class::Id, ".timer", ID),
            None => arguments.then(word.as_str()),
        };
    }
    SudoRule::root(DISARMS, disarm.program(), arguments)
}

/// The plan's own command that arms, for an action of the name [`ID`].
fn arming(spec: &JobSpec, run_as: RunAs, back: &[Argv]) -> Argv {
    order(spec, run_as, back).arm("ops@here", "why")
}

/// The plan's own command that takes it away.
fn disarming(spec: &JobSpec) -> Argv {
    order(spec, RunAs::Root, &[]).disarm()
}

fn order(spec: &JobSpec, run_as: RunAs, back: &[Argv]) -> Order {
    Order {
        name: name(spec),
        after: Span::from_mins(30),
        back: back.to_vec(),
        by: By::Timer(Sudo::No, run_as),
    }
}

fn name(spec: &JobSpec) -> String {
    armed::name(spec, &ActionId(Name::new(ID)))
}

/// Arming one of the login's own commands: systemd runs it as the login, and only so.
pub(super) fn of_the_login(spec: &JobSpec, back: &[Argv], there: &There) -> Needs {
    let back: Vec<Argv> = if matches!(back, [one] if !armed::is_hidden(std::slice::from_ref(one))) {
        back.to_vec()
    } else {
        let by_path = |a: &Argv| Some(Argv::new(there.found_by_login(a.program())?, a.args().iter().cloned()));
        match back.iter().map(by_path).collect() {
            Some(back) => back,
            None => return unknown("where its resume command is there is not known"),
        }
    };
    by_login(spec, &back, Carried::Exact, there)
}

/// Arming any command of the login's own, as the login: it may run those already.
pub(super) fn of_any_command_of_the_login(spec: &JobSpec, there: &There) -> Needs {
    // One that is carried in base64, as the signals are.
    by_login(spec, &[Argv::new("sh", ["-c", ";"])], Carried::Anything, there)
}

fn by_login(spec: &JobSpec, back: &[Argv], carried: Carried, there: &There) -> Needs {
    let Some(uid) = there.uid else {
        return unknown("the number of the login there is not known");
    };
    let arguments = arguments(spec, RunAs::User(uid), back, carried);
    Needs {
        rules: vec![SudoRule::root(ARMS, "systemd-run", arguments), disarms(spec)],
        ..Needs::default()
    }
}

fn unknown(why: &str) -> Needs {
    Needs {
        cannot: vec![
            format!("no rule for arming the end of a pause: {why}; ask again when the server can be reached").into(),
        ],
        ..Needs::default()
    }
}

/// The command that arms, with what varies in it.
fn arguments(spec: &JobSpec, run_as: RunAs, back: &[Argv], carried: Carried) -> Arguments {
    let arm = arming(spec, run_as, back);
    let mut all = Arguments::default();
    let mut options = true;
    for word in arm.args() {
        options &= word.starts_with("--");
        let key = word.split_inclusive('=').next().filter(|k| options && k.ends_with('='));
        let rest = word.strip_prefix(key.unwrap_or_default()).unwrap_or_default();
        all = match key {
            Some(key @ "--on-active=") => all.varies(key, Class::Time, "", rest),
            Some("--unit=") => all.varies(word.strip_suffix(ID).unwrap_or(word), Class::Id, "", ID),
            Some(key @ "--description=") => all.varies(key, Class::Q, "", rest),
            Some("--property=") if carried == Carried::Anything && word.contains("StandardInputData=") => {
                all.varies("--property=StandardInputData=", Class::Base64, "", "Og==")
            }
            _ => all.then(word.as_str()),
        };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::JobKind;

    fn reindex(resume: Argv) -> JobSpec {
        JobSpec {
            name: "re index".into(),
            kind: JobKind::Command {
                status: Argv::new("s", [""; 0]),
                pause: Argv::new("p", [""; 0]),
                resume,
                progress: None,
            },
            timeout: Span::from_secs(5),
        }
    }

    fn there() -> There {
        There {
            uid: Some(1000),
            ..There::usual()
        }
    }

    /// Merged with the argument before it, `--uid=` would be text, and the command would run as root.
    #[test]
    fn whom_an_armed_command_runs_as_stands_before_all_that_varies_freely() {
        let resume = Argv::new("reindex", ["resume"]);
        let needs = of_the_login(&reindex(resume.clone()), &[resume], &there());
        let sample = needs.rules[0].arguments.sample();
        let at = |key: &str| sample.iter().position(|a| a.starts_with(key));
        let uid = at("--uid=1000").unwrap();
        for free in ["--unit=", "--description="] {
            assert!(at(free).is_none_or(|free| uid < free), "{sample:?}");
        }
        assert!(needs.rules[0].arguments.expression().contains(" --uid=1000 ") || uid == 0);
    }

    #[test]
    fn a_command_of_the_login_is_armed_as_the_login_or_not_at_all() {
        let resume = Argv::new("reindex", ["resume"]);
        let spec = reindex(resume.clone());
        let nobody = There::usual();
        let needs = of_the_login(&spec, std::slice::from_ref(&resume), &nobody);
        assert!(
            needs.rules.is_empty() && needs.cannot[0].contains("number"),
            "{needs:?}"
        );
        let needs = of_the_login(&spec, &[resume], &there());
        assert!(needs.rules[0].arguments.expression().ends_with(" reindex resume$"));
        assert!(
            needs.rules[0]
                .arguments
                .expression()
                .contains(" --unit=mailtop-resume:job\\.re_20index")
        );
        let odd = Argv::new("reindex", ["resume; all"]);
        let needs = of_the_login(&spec, std::slice::from_ref(&odd), &there());
        assert!(
            needs.rules.is_empty() && needs.cannot[0].contains("resume command"),
            "{needs:?}"
        );
        let mut there = there();
        there.by_login.insert("reindex".into(), "/usr/local/bin/reindex".into());
        let needs = of_the_login(&spec, &[odd], &there);
        assert!(
            needs.rules[0].arguments.expression().contains("StandardInputData="),
            "{needs:?}"
        );
        assert!(!needs.rules[0].arguments.expression().contains("[A-Za-z0-9+/]+"));
    }
}
