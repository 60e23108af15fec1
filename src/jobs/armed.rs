//! A resume that is armed on the server itself, so that a pause ends although we, the network, or this machine do not
//! live to see it: a transient timer of systemd, under a name from which any console can tell what it resumes.

use crate::domain::Span;
use crate::domain::action::ActionId;
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec};

/// The common beginning of the names.
const PREFIX: &str = "mailtop-resume";

/// The part of the name that says what is resumed. Two jobs never get the same one.
fn key(spec: &JobSpec) -> String {
    match &spec.kind {
        JobKind::Systemd { unit, .. } => format!("unit.{}", escape(unit)),
        JobKind::Command { .. } => format!("job.{}", escape(&spec.name)),
    }
}

/// Letters, digits, dots and dashes stand for themselves, every other byte for `_` and its two hex digits: what is left
/// is good in a unit's name (systemd.unit(5)), and no two texts come out the same. A colon is not among it.
fn escape(text: &str) -> String {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    text.bytes()
        .map(|b| {
            if harmless(b) {
                char::from(b).to_string()
            } else {
                format!("_{b:02x}")
            }
        })
        .collect()
}

/// The name of the timer, without its suffix. The action's id is part of it: a second pause arms its own before the first
/// one's is taken away, so that there is no moment without one.
pub(super) fn name(spec: &JobSpec, id: &ActionId) -> String {
    format!("{PREFIX}:{}:{}", key(spec), escape(&id.0))
}

/// What finds the timers of a job, whoever armed them, as a pattern of systemctl(1).
pub(super) fn pattern(spec: &JobSpec) -> String {
    format!("{PREFIX}:{}:*.timer", key(spec))
}

/// Whether the server named a timer of this job. What it names ends up in a command, so it is not taken on trust.
pub(super) fn is_ours(spec: &JobSpec, timer: &str) -> bool {
    timer
        .strip_prefix(&format!("{PREFIX}:{}:", key(spec)))
        .and_then(|rest| rest.strip_suffix(".timer"))
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)))
}

/// Who the resume runs as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RunAs {
    /// As the system.
    Root,
    /// As the user we are there.
    User(u32),
}

/// Arms it. Without the accuracy a timer may come a minute late (systemd.timer(5)).
pub(super) fn arm(name: &str, after: Span, run_as: RunAs, back: &[Argv]) -> Argv {
    let millis = after.to_std().as_millis();
    let after = match (millis / 1_000, millis % 1_000) {
        (s, 0) => format!("--on-active={s}s"),
        _ => format!("--on-active={millis}ms"),
    };
    let mut args = vec![
        after,
        "--timer-property=AccuracySec=1s".to_owned(),
        format!("--unit={name}"),
    ];
    if let RunAs::User(uid) = run_as {
        args.push(format!("--uid={uid}"));
    }
    match back {
        [one] => {
            args.push(one.program().to_owned());
            args.extend(one.args().iter().map(|a| literal(a)));
        }
        // One after the other, whatever becomes of each.
        more => {
            let script = more.iter().map(Argv::quoted).collect::<Vec<_>>().join("; ");
            args.extend(["sh".to_owned(), "-c".to_owned(), literal(&script)]);
        }
    }
    Argv::new("systemd-run", args)
}

/// An argument that the server's systemd hands on as it is: it puts variables of its own into `$NAME` and `${NAME}`, and
/// takes `$$` for a dollar sign (systemd.service(5)). Of the program it does not; systemd-run keeps `%` as it is.
fn literal(arg: &str) -> String {
    arg.replace('$', "$$")
}

/// Takes timers away.
pub(super) fn disarm<S: std::ops::Deref<Target = str>>(timers: &[S]) -> Argv {
    Argv::new("systemctl", std::iter::once("stop").chain(timers.iter().map(|t| &**t)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Name;
    use crate::domain::job::SystemdPause;
    use crate::domain::queue::Sudo;
    use proptest::prelude::*;

    fn job(unit: &str) -> JobSpec {
        JobSpec {
            name: "compact".into(),
            kind: JobKind::Systemd {
                unit: unit.into(),
                how: SystemdPause::Freeze,
                timer: None,
                sudo: Sudo::No,
            },
            timeout: Span::from_secs(5),
        }
    }

    #[test]
    fn the_command_that_arms_a_resume_is_exact() {
        let spec = job("db-compact@a.service");
        let name = name(&spec, &ActionId(Name::new("p 7")));
        assert_eq!(name, "mailtop-resume:unit.db-compact_40a.service:p_207");
        let thaw = Argv::new("systemctl", ["thaw", "db-compact@a.service"]);
        assert_eq!(
            arm(&name, Span::from_mins(30), RunAs::Root, std::slice::from_ref(&thaw)).quoted(),
            "systemd-run --on-active=1800s --timer-property=AccuracySec=1s \
             --unit=mailtop-resume:unit.db-compact_40a.service:p_207 systemctl thaw db-compact@a.service"
        );
        let start = Argv::new("systemctl", ["start", "x.timer"]);
        assert!(
            arm(&name, Span::from_millis(1_500), RunAs::User(7), &[thaw, start])
                .quoted()
                .ends_with("--uid=7 sh -c 'systemctl thaw db-compact@a.service; systemctl start x.timer'")
        );
    }

    #[test]
    fn a_dollar_sign_of_a_resume_reaches_its_shell() {
        let back = Argv::new("sh", ["-c", "p=$(cat f); kill -CONT ${p} # 5%n"]);
        let arm = |back: &[Argv]| arm("n", Span::from_secs(1), RunAs::Root, back).args().to_vec();
        assert_eq!(
            arm(std::slice::from_ref(&back))[3..],
            ["sh", "-c", "p=$$(cat f); kill -CONT $${p} # 5%n"]
        );
        assert_eq!(
            arm(&[back.clone(), back])[5],
            "sh -c 'p=$$(cat f); kill -CONT $${p} # 5%n'; sh -c 'p=$$(cat f); kill -CONT $${p} # 5%n'"
        );
    }

    #[test]
    fn only_timers_of_the_same_job_are_taken_for_ours() {
        let spec = job("a.service");
        assert!(is_ours(&spec, "mailtop-resume:unit.a.service:p7.timer"));
        for other in [
            "mailtop-resume:unit.a.service:.timer",
            "mailtop-resume:unit.a.service:x;reboot.timer",
            "mailtop-resume:unit.a.service2:p7.timer",
            "mailtop-resume:unit.a.service:p7.service",
            "postfix.service",
        ] {
            assert!(!is_ours(&spec, other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_two_units_share_a_key(a in ".{1,12}", b in ".{1,12}") {
            prop_assume!(a != b);
            prop_assert_ne!(key(&job(&a)), key(&job(&b)));
            let name = name(&job(&a), &ActionId(Name::new(&b)));
            let timer = format!("{name}.timer");
            prop_assert!(is_ours(&job(&a), &timer));
        }
    }
}
