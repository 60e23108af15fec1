//! A resume that a transient timer of systemd keeps. It survives everything but a restart of the host: what was frozen or
//! stopped comes up anew then, but a setting that was written or mail that is on hold does not, and the plan of such a pause
//! says so (`plan::arming`).

use super::carrier;
use crate::domain::Span;
use crate::domain::argv::Argv;

/// Who the resume runs as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum RunAs {
    /// As the system.
    Root,
    /// As the user we are there.
    User(u32),
}

/// Arms it. Without the accuracy a timer may come a minute late (systemd.timer(5)).
pub(super) fn arm(name: &str, after: Span, description: &str, run_as: RunAs, back: &[Argv]) -> Argv {
    let millis = after.to_std().as_millis();
    let after = match (millis / 1_000, millis % 1_000) {
        (s, 0) => format!("--on-active={s}s"),
        _ => format!("--on-active={millis}ms"),
    };
    let mut args = vec![
        after,
        "--timer-property=AccuracySec=1s".to_owned(),
        // What it resumes may be a process that it starts: that is to live when the resume itself is done (systemd.kill(5)).
        "--property=KillMode=process".to_owned(),
    ];
    // Before all that varies freely: sudo compares the arguments joined, and there it could be swallowed.
    if let RunAs::User(uid) = run_as {
        args.push(format!("--uid={uid}"));
    }
    args.push(format!("--unit={name}"));
    args.push(format!("--description={description}"));
    args.extend(carrier::words(back));
    Argv::new("systemd-run", args)
}

/// Takes timers away, given the names of their resumes.
pub(super) fn disarm<'a>(names: impl IntoIterator<Item = &'a str>) -> Argv {
    let timers = names.into_iter().map(|n| format!("{n}.timer"));
    Argv::new("systemctl", std::iter::once("stop".to_owned()).chain(timers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_arms_a_resume_is_exact() {
        let name = "mailtop-resume:unit.db-compact_40a.service:p_207";
        let thaw = Argv::new("systemctl", ["thaw", "db-compact@a.service"]);
        assert_eq!(
            arm(
                name,
                Span::from_mins(30),
                "mailtop:o@h:why",
                RunAs::Root,
                std::slice::from_ref(&thaw)
            )
            .quoted(),
            "systemd-run --on-active=1800s --timer-property=AccuracySec=1s --property=KillMode=process \
             --unit=mailtop-resume:unit.db-compact_40a.service:p_207 --description=mailtop:o@h:why \
             systemctl thaw db-compact@a.service"
        );
        let start = Argv::new("systemctl", ["start", "x.timer"]);
        assert!(
            arm(name, Span::from_millis(1_500), "d", RunAs::User(7), &[thaw, start])
                .quoted()
                .ends_with(
                    "--uid=7 --unit=mailtop-resume:unit.db-compact_40a.service:p_207 --description=d sh -c 'systemctl thaw db-compact@a.service || true && systemctl start x.timer'"
                )
        );
        assert_eq!(
            disarm(["a:b:c", "a:b:d"]).quoted(),
            "systemctl stop a:b:c.timer a:b:d.timer"
        );
    }

    #[test]
    fn nothing_that_a_unit_file_takes_for_special_is_on_the_command_line() {
        let back = Argv::new("sh", ["-c", "p=$(cat f); kill -CONT ${p} # 5%n", ""]);
        let arm = arm("n", Span::from_secs(1), "d", RunAs::Root, &[back]);
        assert_eq!(
            arm.quoted(),
            "systemd-run --on-active=1s --timer-property=AccuracySec=1s --property=KillMode=process --unit=n --description=d \
             --property=StandardInput=data \
             --property=StandardInputData=c2ggLWMgJ3A9JChjYXQgZik7IGtpbGwgLUNPTlQgJHtwfSAjIDUlbicgJycgPC9kZXYvbnVsbAo= sh"
        );
    }
}
