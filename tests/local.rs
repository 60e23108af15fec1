//! Commands on this host, run for real: what they start is ended with them, and what they print is bounded.

use std::path::Path;
use std::time::{Duration, Instant};

use mailtop::domain::Span;
use mailtop::domain::argv::Argv;
use mailtop::domain::reading::Miss;
use mailtop::reach::{RunLimits, Runner};

const LONG: Span = Span::from_secs(60);

fn sh(script: &str, args: &[&str]) -> Argv {
    Argv::new("sh", ["-c", script, "sh"].iter().chain(args).copied())
}

fn within(timeout: Span) -> RunLimits {
    RunLimits {
        timeout,
        max_output: 4_096,
    }
}

/// Waits until no process with this id runs.
fn gone(pid: &str) -> bool {
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        match std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")) {
            Ok(stat) if !stat.contains(") Z ") => std::thread::yield_now(),
            _ => return true,
        }
    }
    false
}

#[tokio::test]
async fn a_command_gets_its_arguments_as_they_are_and_its_status_is_told() {
    let argv = sh("printf %s \"$1\"; echo oops >&2; exit 3", &["a b'$(c)"]);
    let out = Runner::local().run(&argv, within(LONG)).await.unwrap();
    assert_eq!((out.status, out.ok(), out.cut), (Some(3), false, false));
    assert_eq!(
        (out.stdout.as_slice(), out.stderr.as_slice()),
        (&b"a b'$(c)"[..], &b"oops\n"[..])
    );
}

#[tokio::test]
async fn output_that_a_background_child_holds_open_is_unfinished() {
    let script = "(trap '' HUP; exec sleep 3600) & echo $!; echo listed";
    let out = Runner::local().run(&sh(script, &[]), within(LONG)).await.unwrap();
    let words = String::from_utf8(out.stdout).unwrap();
    let pid = words.lines().next().unwrap();
    let killed = std::process::Command::new("kill").arg(pid).status().unwrap();
    assert!(killed.success() && words.ends_with("listed\n"), "{words}");
    assert_eq!((out.status, out.cut, out.unfinished), (Some(0), false, true));
    let out = Runner::local()
        .run(&sh("echo listed", &[]), within(LONG))
        .await
        .unwrap();
    assert!(!out.unfinished);
}

#[tokio::test]
async fn standard_input_is_closed_and_the_locale_is_plain() {
    let out = Runner::local()
        .run(&sh("cat; echo $LC_ALL; tty", &[]), within(LONG))
        .await
        .unwrap();
    assert_eq!(out.stdout, b"C\nnot a tty\n");
}

#[tokio::test]
async fn a_time_out_ends_the_command_and_what_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pids");
    let argv = sh(
        "trap '' TERM; sleep 1000 & echo $! $$ > \"$1\"; wait; wait",
        &[file.to_str().unwrap()],
    );
    let missed = Runner::local()
        .run(&argv, within(Span::from_secs(1)))
        .await
        .unwrap_err();
    assert_eq!(missed.kind, Miss::TimedOut);
    let pids = std::fs::read_to_string(file).unwrap();
    assert_eq!(pids.split_whitespace().count(), 2);
    for pid in pids.split_whitespace() {
        assert!(gone(pid), "{pid} still runs");
    }
}

#[tokio::test]
async fn a_command_that_nobody_waits_for_any_more_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let argv = sh("echo $$ > \"$1\"; exec sleep 1000", &[file.to_str().unwrap()]);
    let runner = Runner::local();
    let run = runner.run(&argv, within(LONG));
    let written = async {
        loop {
            match std::fs::read_to_string(&file) {
                Ok(pid) if pid.ends_with('\n') => break pid,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let pid = tokio::select! {
        _ = run => unreachable!("it sleeps"),
        pid = written => pid,
    };
    assert!(gone(pid.trim()));
}

#[tokio::test]
async fn a_hundred_megabytes_are_cut_at_the_bound() {
    let argv = sh("head -c 100000000 /dev/zero | tr '\\0' x", &[]);
    let out = Runner::local().run(&argv, within(LONG)).await.unwrap();
    assert_eq!((out.stdout.len(), out.cut), (4_096, true));
}

#[tokio::test]
async fn a_stream_hands_everything_on_as_it_comes() {
    let mut bytes = 0;
    let out = Runner::local()
        .stream(
            &sh("seq 200000; yes err | head -c 10000 >&2", &[]),
            within(LONG),
            |chunk| bytes += chunk.len(),
        )
        .await
        .unwrap();
    assert_eq!(
        (bytes, out.stdout.len(), out.stderr.len(), out.cut),
        (1_288_895, 0, 4_096, true)
    );
}

#[tokio::test]
async fn a_daemon_left_behind_does_not_hold_the_answer_back_and_is_left_alone() {
    let out = Runner::local()
        .run(&sh("sleep 1000 & echo $!", &[]), within(LONG))
        .await
        .unwrap();
    assert!(out.ok());
    let pid = String::from_utf8(out.stdout).unwrap();
    let killed = std::process::Command::new("kill").arg(pid.trim()).status();
    assert!(killed.unwrap().success(), "{pid} was ended with the command");
}

#[tokio::test]
async fn a_program_that_is_not_there_or_may_not_be_run_is_a_miss_with_advice() {
    for (program, kind) in [("mailtop-no-such", Miss::NotFound), ("/etc/passwd", Miss::Denied)] {
        let missed = Runner::local()
            .run(&Argv::new(program, ["-x"]), within(LONG))
            .await
            .unwrap_err();
        assert_eq!(missed.kind, kind);
        assert!(missed.fix.is_some(), "{missed}");
    }
}
