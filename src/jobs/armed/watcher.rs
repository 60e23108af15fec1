//! A resume that a detached process keeps, where no timer of systemd may be used: a shell in a session of its own that waits
//! and then becomes the resume. Its command line says what it is, so that any console finds it in /proc and ends exactly
//! that. It outlives the connection and the console; a restart of the host ends it.

use super::carrier;
use crate::domain::Span;
use crate::domain::argv::{Argv, quote};

/// How the script of a watcher begins, whatever it becomes in other versions: by that it is known.
pub(super) const MARK: &str = ": mailtop watcher;";

/// What waits. `$0` is its name, `$1` who and why, `$2` for how many seconds, the rest what it becomes then. It tells its
/// number when nothing can end it any more by mistake, and lets go of what it was started with.
const WAIT: &str = "trap \"\" HUP; echo $$; exec </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; \
                    sleep \"$2\"; trap - HUP; shift 2; exec \"$@\"";

/// Ends the watchers of these names with all of their sessions: each only while it is one, looked at just before. One that
/// is gone is none to end.
const END: &str = "\
    l() { tr \"\\\\0\" \"\\\\n\" 2>/dev/null <\"/proc/$1/cmdline\" | sed -n \"${2}p\"; }; \
    is() { [ \"$(l \"$1\" 4)\" = \"$q\" ] && case $(l \"$1\" 3) in \"$w\"*) ;; *) false ;; esac; }; \
    e=0 w=$0; exec 2>&1; for q; do \
    for p in $(printf \"%s\\\\n\" /proc/[0-9]*/cmdline | xargs grep -lsF -e \"$q\" /dev/null | tr -dc \"0-9\\\\n\"); do \
    if is \"$p\" 2>/dev/null; then kill -TERM \"-$p\"; i=0; \
    while is \"$p\" 2>/dev/null && [ $i -lt 30 ]; do sleep 0.1; i=$((i+1)); done; \
    if is \"$p\" 2>/dev/null; then echo \"the watcher $p ($q) could not be ended\"; e=1; else echo \"watcher $p ended\"; fi; fi; \
    done; done; exit $e";

/// Arms it: `sh -c SCRIPT NAME DESCRIPTION SECONDS COMMAND…`. It ends well only when the watcher is there.
pub(super) fn arm(name: &str, after: Span, description: &str, back: &[Argv]) -> Argv {
    let wait = quote(&format!("{MARK} {WAIT}"));
    let script = format!(
        "p=$(setsid sh -c {wait} \"$0\" \"$@\" </dev/null &); \
         [ \"$p\" ] || {{ echo the watcher did not start >&2; exit 1; }}; echo \"watcher $p\""
    );
    // Not before its time: sleep(1) of POSIX takes whole seconds.
    let seconds = after.to_std().as_millis().div_ceil(1_000).to_string();
    let head = [
        "-c".to_owned(),
        script,
        name.to_owned(),
        description.to_owned(),
        seconds,
    ];
    Argv::new("sh", head.into_iter().chain(Vec::from(carrier::as_one(back))))
}

/// Takes watchers away, given the names of their resumes.
pub(super) fn disarm<'a>(names: impl IntoIterator<Item = &'a str>) -> Argv {
    Argv::new("sh", ["-c", END, MARK].into_iter().chain(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_that_arm_and_disarm_a_watcher_are_exact() {
        let arm = arm(
            "mailtop-resume:job.x:p7",
            Span::from_millis(1_500),
            "mailtop:a:b",
            &[Argv::new("/bin/x", ["y z"])],
        );
        assert_eq!(
            arm.args(),
            [
                "-c",
                "p=$(setsid sh -c ': mailtop watcher; trap \"\" HUP; echo $$; exec </dev/null >/dev/null 2>&1 \
                 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; sleep \"$2\"; trap - HUP; shift 2; exec \"$@\"' \"$0\" \"$@\" </dev/null &); \
                 [ \"$p\" ] || { echo the watcher did not start >&2; exit 1; }; echo \"watcher $p\"",
                "mailtop-resume:job.x:p7",
                "mailtop:a:b",
                "2",
                "/bin/x",
                "y z"
            ]
        );
        let disarm = disarm(["mailtop-resume:job.x:p7"]);
        assert_eq!(disarm.args()[2..], [": mailtop watcher;", "mailtop-resume:job.x:p7"]);
        assert!(!disarm.args()[1].contains('\''), "it is shown");
    }

    /// A thousand in a few shells: each takes half a dozen processes.
    #[test]
    fn what_a_watcher_becomes_is_exactly_the_resume_whatever_it_holds_and_whoever_armed_it_why() {
        use std::os::unix::fs::PermissionsExt;
        const EACH: usize = 1_000;
        const PARTS: &[&str] = &[
            "'",
            "\"",
            "\\",
            "`evil`",
            "$(evil)",
            "; evil; ",
            "\n evil\n",
            "&& evil",
            "| evil",
            "$",
            "*",
            "#",
            "-c",
            "--",
            "%n",
            "${IFS}evil",
            "'; evil; '",
            "ü",
            "😀",
            " ",
            "\t",
            "~",
            "=",
            "a",
        ];
        let dir = tempfile::tempdir().unwrap();
        let (bin, told) = (dir.path().join("bin"), dir.path().join("told"));
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&told).unwrap();
        let program = |name: &str, script: &str| {
            let file = bin.join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        program("sleep", ":");
        // Whole when it is there by its name.
        let at = told.display();
        program(
            "own",
            &format!("printf '%s\\0' \"$@\" >{at}/.$1; /bin/mv {at}/.$1 {at}/$1"),
        );
        program("evil", &format!(": >{}", dir.path().join("canary").display()));
        let mut dice = fastrand::Rng::with_seed(5);
        let mut hostile = || {
            (0..dice.usize(..6))
                .map(|_| PARTS[dice.usize(..PARTS.len())])
                .collect::<String>()
        };
        let mut wanted = vec![];
        let mut lines = String::new();
        for n in 0..EACH {
            let args = [n.to_string(), hostile(), hostile(), hostile()];
            let back = Argv::new(bin.join("own").display().to_string(), args.clone());
            let description = super::super::told::encode(&hostile(), &hostile());
            let name = format!("mailtop-resume:job.{}:p{n}", super::super::escape(&hostile()));
            lines += &arm(&name, Span::from_secs(1), &description, std::slice::from_ref(&back)).quoted();
            lines.push('\n');
            wanted.push(args.map(|a| a + "\0").concat());
        }
        let script = dir.path().join("arm.sh");
        std::fs::write(&script, lines).unwrap();
        let out = std::process::Command::new("sh")
            .arg(&script)
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .current_dir(dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && said.is_empty(), "{said}");
        assert_eq!(String::from_utf8(out.stdout).unwrap().lines().count(), EACH);
        for (n, want) in wanted.iter().enumerate() {
            let file = told.join(n.to_string());
            let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
            while !file.exists() {
                assert!(std::time::Instant::now() < end, "never: {n}, {want:?}");
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            assert_eq!(std::fs::read_to_string(&file).unwrap(), *want);
        }
        let left: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left.len(), 3, "something else ran: {left:?}");
    }
}
