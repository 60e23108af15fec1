//! Passwords and tokens: read at once from files and the environment, or got from a program when they are needed.
//! A secret never stands in a message; what stands there is where it was looked for and why it was not found.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::SecretSource;
use super::mistake::Wrong;
use crate::domain::argv::Argv;
use crate::domain::door::Secret;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};

/// The most that is read of a file or of a program's output: its first line is wanted.
const MAX_BYTES: usize = 64 * 1024;
/// After a program ended, how long a process that it left behind may keep its output open.
const GRACE: Duration = Duration::from_millis(200);

/// Who may read a secret's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Privacy {
    /// Its owner alone.
    Owner,
    /// Others too; these permission bits.
    Others(u32),
}

/// Who may read what has these permission bits.
pub(super) fn privacy(mode: u32) -> Privacy {
    const OTHERS: u32 = 0o077;
    if mode & OTHERS == 0 {
        Privacy::Owner
    } else {
        Privacy::Others(mode & 0o777)
    }
}

/// The first line of a file.
pub(super) fn from_file(path: &Path) -> Result<(Secret, Privacy), Wrong> {
    let shown = path.display();
    let io = |why: std::io::Error| {
        let fix = match why.kind() {
            std::io::ErrorKind::NotFound => {
                "write the password into that file, or name another (paths start at the config's folder)"
            }
            std::io::ErrorKind::PermissionDenied => "make it readable for you: chown it to you, chmod 600",
            _ => "name a file that you can read",
        };
        Wrong::new(format!("cannot read {shown}: {why}"), fix)
    };
    let meta = std::fs::metadata(path).map_err(io)?;
    // Opening a named pipe that nobody writes to would block for ever; what the shell made for us does not.
    let handed_over = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd");
    if !meta.is_file() && !handed_over {
        return Err(Wrong::new(
            format!("{shown} is not a file"),
            "name a file whose first line is the password",
        ));
    }
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64;
    File::open(path)
        .and_then(|f| f.take(limit).read_to_end(&mut bytes))
        .map_err(io)?;
    let secret = first_line(&bytes).map_err(|why| {
        Wrong::new(
            format!("{shown}: {why}"),
            "write the password into its first line, as UTF-8",
        )
    })?;
    Ok((secret, privacy(meta.permissions().mode())))
}

/// The value of an environment variable.
pub(super) fn from_env(name: &str, value: Option<std::ffi::OsString>) -> Result<Secret, Wrong> {
    let export = || format!("export {name}=… before mailtop starts");
    let value = value.ok_or_else(|| Wrong::new(format!("the variable {name} is not set"), export()))?;
    let value = value
        .into_string()
        .map_err(|_| Wrong::new(format!("the variable {name} is not UTF-8"), export()))?;
    if value.is_empty() {
        return Err(Wrong::new(format!("the variable {name} is empty"), export()));
    }
    // IMAP has no way to send these inside a string (RFC 9051, 4.3).
    if value.contains(['\r', '\n', '\0']) {
        return Err(Wrong::new(
            format!("the variable {name} holds a line break or NUL"),
            "set it to the password alone, in one line",
        ));
    }
    Ok(Secret::new(value))
}

fn first_line(bytes: &[u8]) -> Result<Secret, &'static str> {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    if end == bytes.len() && bytes.len() >= MAX_BYTES {
        return Err("its first line is longer than 64 KiB");
    }
    let line = bytes.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = std::str::from_utf8(line).map_err(|_| "its first line is not UTF-8")?;
    match line {
        "" => Err("its first line is empty"),
        line if line.contains(['\0', '\r']) => Err("its first line holds a NUL or a carriage return"),
        line => Ok(Secret::new(line)),
    }
}

/// The secret: what is known, or the first line that its program prints. The program gets no input and no more time than
/// `timeout`; then it and what it started are killed.
pub async fn obtain(source: &SecretSource, timeout: Span) -> Result<Secret, Missed> {
    let argv = match source {
        SecretSource::Known(secret) => return Ok(secret.clone()),
        SecretSource::Command(argv) => argv,
    };
    let missed = |kind, why: Text| Missed::new(kind, "the command for the password", why);
    let argv = Argv::try_from(argv.clone()).map_err(|why| missed(Miss::BadAnswer, why.into()))?;
    let tried = argv.quoted();
    let missed = |kind, why: Text| Missed::new(kind, tried.as_str(), why);

    let mut child = Command::new(argv.program())
        .args(argv.args())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // A group of its own: it can be killed with all that it started, and it cannot take the console's keyboard.
        .process_group(0)
        .spawn()
        .map_err(|why| match why.kind() {
            std::io::ErrorKind::NotFound => missed(Miss::NotFound, "there is no such program".into())
                .fix("write its full path, or put it into PATH"),
            std::io::ErrorKind::PermissionDenied => {
                missed(Miss::Denied, why.to_string().into()).fix("make it executable for you")
            }
            _ => missed(Miss::NotFound, why.to_string().into()),
        })?;
    let Ok(ended) = tokio::time::timeout(timeout.to_std(), run_to_end(&mut child)).await else {
        kill_group(&mut child).await;
        return Err(
            missed(Miss::TimedOut, format!("printed no password within {timeout}").into())
                .fix("does it ask for something? it has no keyboard here: unlock its agent first"),
        );
    };
    let (status, out, err) = ended.map_err(|why| missed(Miss::BadAnswer, why.to_string().into()))?;
    let said = Text::from_bytes(err.trim_ascii());
    if !status.success() {
        let said = if said.is_empty() {
            "it said nothing".into()
        } else {
            said
        };
        return Err(missed(Miss::BadAnswer, format!("{status}: {said}").into()).fix("run it by hand to see why"));
    }
    first_line(&out).map_err(|why| missed(Miss::BadAnswer, format!("it printed no password: {why}").into()))
}

/// Waits for the program and keeps the beginning of what it printed; the rest is read and dropped, so that a program
/// that prints more than the password is not ended by a closed pipe.
async fn run_to_end(child: &mut Child) -> std::io::Result<(std::process::ExitStatus, Vec<u8>, Vec<u8>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = {
        let pumps = async { tokio::join!(pump(stdout, &mut out), pump(stderr, &mut err)) };
        tokio::pin!(pumps);
        tokio::select! {
            status = child.wait() => {
                let _ = tokio::time::timeout(GRACE, &mut pumps).await;
                status?
            }
            _ = &mut pumps => child.wait().await?,
        }
    };
    Ok((status, out, err))
}

async fn pump(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut chunk = [0u8; 4096];
    while let Ok(n @ 1..) = from.read(&mut chunk).await {
        let room = MAX_BYTES.saturating_sub(into.len()).min(n);
        into.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
}

/// Kills the program's whole group. The shell's own `kill` does it, because Rust's library kills single processes only.
async fn kill_group(child: &mut Child) {
    if let Some(pid) = child.id() {
        let _ = Command::new("/bin/sh")
            .args(["-c", "kill -s KILL -- \"-$1\"", "sh", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
    }
    let _ = child.kill().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn command(script: &str) -> SecretSource {
        SecretSource::Command(vec!["sh".into(), "-c".into(), script.into()])
    }

    async fn got(source: &SecretSource) -> Result<String, Missed> {
        obtain(source, Span::from_secs(60)).await.map(|s| s.reveal().to_owned())
    }

    #[tokio::test]
    async fn the_first_line_that_a_program_prints_is_the_secret() {
        assert_eq!(got(&command("printf 'hunter2\\nurl: x\\n'")).await.unwrap(), "hunter2");
        assert_eq!(got(&command("printf 'no newline'")).await.unwrap(), "no newline");
        assert_eq!(
            got(&command("printf 'from windows\\r\\n'")).await.unwrap(),
            "from windows"
        );
        assert_eq!(got(&SecretSource::Known(Secret::new("k"))).await.unwrap(), "k");
    }

    #[tokio::test]
    async fn a_program_that_prints_much_more_is_let_finish() {
        let much = command("echo hunter2; head -c 3000000 /dev/zero; echo also >&2");
        assert_eq!(got(&much).await.unwrap(), "hunter2");
    }

    #[tokio::test]
    async fn a_program_that_leaves_its_output_open_behind_it_does_not_hold_us() {
        let start = std::time::Instant::now();
        let daemon = command("echo hunter2; sleep 30 & exit 0");
        assert_eq!(got(&daemon).await.unwrap(), "hunter2");
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "waited for the process left behind"
        );
    }

    #[tokio::test]
    async fn what_a_failing_program_says_is_shown_without_its_escapes() {
        let why = got(&command("echo secret; printf 'gpg: \\033[31mno key' >&2; exit 2"))
            .await
            .unwrap_err();
        assert_eq!(why.why.as_str(), "exit status: 2: gpg: ␛[31mno key");
        assert!(!why.to_string().contains("secret\n"));
    }

    #[tokio::test]
    async fn no_output_bad_output_and_no_program_are_told_apart() {
        let why = got(&command("true")).await.unwrap_err();
        assert_eq!(why.why.as_str(), "it printed no password: its first line is empty");
        let why = got(&command("printf '\\377\\n'")).await.unwrap_err();
        assert_eq!(why.why.as_str(), "it printed no password: its first line is not UTF-8");
        let why = got(&command("head -c 100000 /dev/zero")).await.unwrap_err();
        assert_eq!(
            why.why.as_str(),
            "it printed no password: its first line is longer than 64 KiB"
        );
        let none = SecretSource::Command(vec!["mailtop-no-such-program".into()]);
        assert_eq!(got(&none).await.unwrap_err().kind, Miss::NotFound);
        assert_eq!(
            got(&SecretSource::Command(vec![])).await.unwrap_err().kind,
            Miss::BadAnswer
        );
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", pid_file.display());
        let source = command(&script);
        // Time-outs until the script got as far as writing down its child: a slow machine needs more than one.
        let pid = loop {
            let why = obtain(&source, Span::from_millis(500)).await.unwrap_err();
            assert_eq!(why.kind, Miss::TimedOut);
            if let Some(pid) = std::fs::read_to_string(&pid_file).ok().filter(|s| s.ends_with('\n')) {
                break pid;
            }
        };
        // The signal was sent; the kernel takes a moment to end it. The bound is a guard against waiting for ever.
        let alive = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.is_ok_and(|s| !s.contains(") Z "))
        };
        let guard = std::time::Instant::now();
        while alive() && guard.elapsed() < Duration::from_secs(60) {
            tokio::task::yield_now().await;
        }
        assert!(!alive(), "what the program started is still alive");
    }

    #[test]
    fn a_file_gives_its_first_line_and_tells_who_may_read_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"hunter2\nsecond\n").unwrap();
        let (secret, privacy) = from_file(file.path()).unwrap();
        assert_eq!((secret.reveal(), privacy), ("hunter2", Privacy::Owner));
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(from_file(file.path()).unwrap().1, Privacy::Others(0o644));
        file.as_file().set_len(0).unwrap();
        assert!(
            from_file(file.path())
                .unwrap_err()
                .what
                .ends_with("its first line is empty")
        );
        assert!(from_file(Path::new("/")).unwrap_err().what.ends_with("is not a file"));
        assert!(
            from_file(Path::new("/nowhere/x"))
                .unwrap_err()
                .what
                .starts_with("cannot read /nowhere/x")
        );
        assert!(
            from_file(Path::new("/dev/zero"))
                .unwrap_err()
                .what
                .ends_with("is not a file")
        );
    }

    #[test]
    fn a_variable_must_be_set_and_hold_one_line() {
        assert_eq!(from_env("P", Some("x".into())).unwrap().reveal(), "x");
        for (value, what) in [
            (None, "the variable P is not set"),
            (Some(""), "the variable P is empty"),
            (Some("a\nb"), "the variable P holds a line break or NUL"),
        ] {
            assert_eq!(from_env("P", value.map(Into::into)).unwrap_err().what, what);
        }
    }
}
