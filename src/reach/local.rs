//! A command on this host: its own process group, so that a time-out ends all of what it started.

use std::ffi::OsString;
use std::io::{ErrorKind, Seek, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use super::pipes::{Stdout, gather};
use super::run::{Output, RunLimits};
use crate::domain::argv::Argv;
use crate::domain::reading::{Miss, Missed};

/// Where mail systems keep their tools, and where the `PATH` of an ordinary user often does not look.
pub(super) const SBIN: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// Runs it to its end or its time-out. Dropping the future kills the whole group.
pub(super) async fn run(argv: &Argv, limits: RunLimits, stdout: Stdout<'_>) -> Result<Output, Missed> {
    on_input(argv, Stdio::null(), limits, stdout).await
}

/// Runs a program on this host with `input` as its standard input, to its end or its time-out. The input is a file without a
/// name: a program that does not read it makes nobody wait.
pub async fn feed(argv: &Argv, input: &[u8], limits: RunLimits) -> Result<Output, Missed> {
    let file = tempfile::tempfile().and_then(|mut file| {
        file.write_all(input)?;
        file.rewind()?;
        Ok(file)
    });
    let file = file.map_err(|e| Missed::new(Miss::BadAnswer, argv.quoted(), format!("its input: {e}")))?;
    on_input(argv, file.into(), limits, Stdout::Kept).await
}

async fn on_input(argv: &Argv, stdin: Stdio, limits: RunLimits, stdout: Stdout<'_>) -> Result<Output, Missed> {
    let start = Instant::now();
    let mut child = Command::new(argv.program())
        .args(argv.args())
        .env("LC_ALL", "C")
        .env_remove("LANGUAGE")
        .env("PATH", path())
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| not_started(argv, &e))?;
    let mut group = Group::of(child.id());
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Missed::new(
            Miss::BadAnswer,
            argv.quoted(),
            "its pipes could not be opened",
        ));
    };
    let ended = async {
        let status = child.wait().await;
        // Reaped: from here on the number may belong to somebody else.
        group.spare();
        status
    };
    let all = gather(out, err, ended, limits.max_output, Duration::ZERO, stdout);
    let got = tokio::time::timeout(limits.timeout.to_std(), all).await.map_err(|_| {
        Missed::new(
            Miss::TimedOut,
            argv.quoted(),
            format!("not done after {}, so it was ended", limits.timeout),
        )
    })?;
    let status = got
        .end
        .map_err(|e| Missed::new(Miss::BadAnswer, argv.quoted(), e.to_string()))?;
    Ok(Output {
        status: status.code(),
        stdout: got.stdout,
        stderr: got.stderr,
        cut: got.cut,
        unfinished: got.unfinished,
        took: start.elapsed().into(),
    })
}

fn path() -> OsString {
    match std::env::var_os("PATH") {
        Some(mut p) if !p.is_empty() => {
            p.push(":");
            p.push(SBIN);
            p
        }
        _ => format!("/usr/local/bin:/usr/bin:/bin:{SBIN}").into(),
    }
}

fn not_started(argv: &Argv, e: &std::io::Error) -> Missed {
    let program = argv.program();
    match e.kind() {
        ErrorKind::NotFound => Missed::new(Miss::NotFound, argv.quoted(), format!("there is no `{program}` here"))
            .fix("install it, or give its full path in the config"),
        ErrorKind::PermissionDenied => Missed::new(
            Miss::Denied,
            argv.quoted(),
            format!("`{program}` may not be run by this user"),
        )
        .fix("check its permissions (ls -l), or run mailtop as a user that may"),
        _ => Missed::new(Miss::BadAnswer, argv.quoted(), format!("could not be started: {e}")),
    }
}

/// The process group of a child that has not been reaped: killed when dropped.
pub(super) struct Group(Option<Pid>);

impl Group {
    pub(super) fn of(leader: Option<u32>) -> Self {
        Self(leader.and_then(|id| Pid::from_raw(id.cast_signed())))
    }
    pub(super) fn spare(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0.take() {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
