//! One program run on this host while looking around: bounded in time and output, without input.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};

/// The longest that one look may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// The most that is read of a program's output.
const MAX_OUTPUT: u64 = 1 << 20;

/// The full path of a program: in `PATH`, or where daemons' programs are and a user's `PATH` often is not.
pub(super) fn which(program: &str, path: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    let usual = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    path.map(std::env::split_paths)
        .into_iter()
        .flatten()
        .filter(|dir| dir.is_absolute())
        .chain(usual)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// What a program prints.
pub(super) fn output(program: &Path, args: &[&str], patience: Duration) -> Result<String, Missed> {
    let tried = format!("{} {}", program.display(), args.join(" "));
    let missed = |kind, why: Text| Missed::new(kind, tried.as_str(), why);
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| missed(Miss::NotFound, e.to_string().into()))?;
    let (send, receive) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Each pipe on a thread of its own: reading one to its end while the program fills the other would wait for ever.
    let errors = std::thread::spawn(move || all_of(stderr));
    std::thread::spawn(move || {
        let _ = send.send(all_of(stdout));
    });
    let Ok(out) = receive.recv_timeout(patience) else {
        let _ = child.kill();
        let _ = child.wait();
        let why = format!("no answer within {}", Span::from(patience));
        return Err(missed(Miss::TimedOut, why.into()));
    };
    // It closed its output: what is left of it is its exit.
    let status = child
        .wait()
        .map_err(|e| missed(Miss::BadAnswer, e.to_string().into()))?;
    if !status.success() {
        let said = errors.join().unwrap_or_default();
        return Err(missed(
            Miss::BadAnswer,
            format!("{status}: {}", Text::from_bytes(said.trim_ascii())).into(),
        ));
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn all_of(from: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(MAX_OUTPUT).read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_failure_and_silence_are_told_apart() {
        let sh = which("sh", std::env::var_os("PATH").as_deref()).unwrap();
        assert_eq!(output(&sh, &["-c", "echo hello"], PATIENCE).unwrap(), "hello\n");
        let why = output(&sh, &["-c", "echo no >&2; exit 3"], PATIENCE).unwrap_err();
        assert_eq!((why.kind, why.why.as_str()), (Miss::BadAnswer, "exit status: 3: no"));
        let why = output(&sh, &["-c", "exec sleep 1000"], Duration::from_millis(20)).unwrap_err();
        assert_eq!(why.kind, Miss::TimedOut);
        let why = output(Path::new("/nowhere/x"), &[], PATIENCE).unwrap_err();
        assert_eq!(why.kind, Miss::NotFound);
    }

    #[test]
    fn a_program_is_found_where_daemons_are_kept_and_never_in_the_working_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mailtop-probe-x"), "").unwrap();
        let path = std::ffi::OsString::from(format!(".:{}", dir.path().display()));
        assert_eq!(
            which("mailtop-probe-x", Some(&path)),
            Some(dir.path().join("mailtop-probe-x"))
        );
        assert_eq!(which("Cargo.toml", Some(std::ffi::OsStr::new("."))), None);
        assert_eq!(which("mailtop-no-such", None), None);
    }
}
