//! Starting and ending the OpenSSH master that holds the connection to one server.
//!
//! We start it ourselves and hand its socket to the `openssh` crate: so a try that hangs can be killed, its own words can
//! be read, and options of the user's config that make no sense for us (port forwards, a remote command) are off.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use openssh::{ForwardType, Session};
use rustix::process::{Pid, geteuid, test_kill_process};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::timeout;

use super::super::local::{Group, SBIN};
use super::{SshTarget, trouble};
use crate::domain::Span;
use crate::domain::argv::{Argv, quote};
use crate::domain::reading::{Miss, Missed};

/// How long a master without a command stays. Longer than any pause between two looks, so that it is not opened anew for
/// each; short enough that what a killed console left behind is gone before long.
const IDLE_SECS: u32 = 300;
/// The master asks a silent server for a sign of life this often, and gives up after so many.
const ALIVE_SECS: u32 = 5;
const ALIVE_TRIES: u32 = 2;
/// ssh's own connect time-out runs out before ours, so that its words tell what was tried.
const LAST_WORDS: Duration = Duration::from_millis(700);
/// Ending a master asks its control socket only, never the network.
const CLOSING: Duration = Duration::from_secs(2);
/// `sun_path` holds 104 bytes on the BSDs and macOS, 108 on Linux, with a NUL at its end; ssh first binds to a name with
/// a dot and 16 characters more.
const SOCKET_PATH_MAX: usize = if cfg!(target_os = "linux") { 108 } else { 104 } - 1 - 17;
const SOCKET: &str = "m";
const LOG: &str = "log";

/// An open connection.
pub(super) struct Link {
    pub session: Session,
    socket: PathBuf,
    bound: Bound,
    /// Our folder with the socket; taken when it is closed.
    home: Mutex<Option<TempDir>>,
    /// Sockets there that were forwarded, each to the socket here that leads to it.
    forwards: AsyncMutex<HashMap<String, PathBuf>>,
}

/// What ends a command there when nobody waits for it any more: sshd does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bound {
    /// timeout(1), of coreutils or busybox.
    Timeout,
    /// A sleeping shell beside it.
    Watchdog,
}

impl Link {
    /// Connects, and finds out what the shell there can do.
    pub(super) async fn open(target: &SshTarget) -> Result<Self, Missed> {
        check_destination(target)?;
        let home = socket_folder(target)?;
        let socket = home.path().join(SOCKET);
        let log = home.path().join(LOG);
        let budget = target.connect_timeout.to_std();
        let started = Instant::now();
        let mut child = command(target, &socket, &log)
            .spawn()
            .map_err(|e| trouble::no_ssh(target, &e))?;
        let ended = {
            // Jump hosts and proxy commands are in the same group.
            let mut group = Group::of(child.id());
            let ended = timeout(budget + LAST_WORDS, child.wait()).await;
            if ended.is_ok() {
                group.spare();
            }
            ended
        };
        let words = || read_log(&log);
        match ended {
            Err(_) => return Err(trouble::opening(target, &words(), trouble::End::Silent)),
            Ok(Err(e)) => return Err(trouble::no_ssh(target, &e)),
            Ok(Ok(status)) if !status.success() => {
                return Err(trouble::opening(target, &words(), trouble::End::Exited));
            }
            Ok(Ok(_)) => {}
        }
        // `resume_mux` and not `new_native_mux`: dropped, that one talks to the socket and waits for its answer, in the
        // middle of the runtime.
        let mut link = Self {
            session: Session::resume_mux(socket.clone().into_boxed_path(), None),
            socket,
            bound: Bound::Watchdog,
            home: Mutex::new(Some(home)),
            forwards: AsyncMutex::default(),
        };
        let left = (budget + LAST_WORDS).saturating_sub(started.elapsed());
        match timeout(left, link.has_timeout()).await {
            Ok(Ok(bound)) => link.bound = bound,
            Ok(Err(e)) => {
                let typed = target.by_hand();
                return Err(trouble::refused_session(&e, typed.into())
                    .unwrap_or_else(|| trouble::lost(target, &e, &link.last_words())));
            }
            Err(_) => return Err(trouble::silent(target, target.connect_timeout)),
        }
        Ok(link)
    }

    /// The socket here that leads to the unix socket at `path` there. Whether somebody serves that one is not known before
    /// something is said over it.
    pub(super) async fn forward(&self, path: &str) -> Result<PathBuf, openssh::Error> {
        // Held over the request, so that two who want the same do not ask twice.
        let mut forwards = self.forwards.lock().await;
        if let Some(local) = forwards.get(path) {
            return Ok(local.clone());
        }
        let local = self.socket.with_file_name(format!("f{}", forwards.len()));
        self.session
            .request_port_forward(ForwardType::Local, &*local, Path::new(path))
            .await?;
        forwards.insert(path.to_owned(), local.clone());
        Ok(local)
    }

    /// Whether a command comes back over it.
    pub(super) async fn carries_a_command(&self) -> bool {
        let null = openssh::Stdio::null;
        let mut command = self.session.raw_command("true");
        let ended = command.stdin(null()).stdout(null()).stderr(null()).status().await;
        ended.is_ok_and(|status| status.success())
    }

    async fn has_timeout(&self) -> Result<Bound, openssh::Error> {
        let tried = self
            .session
            .raw_command("timeout -k 1 5 true")
            .stdin(openssh::Stdio::null())
            .stdout(openssh::Stdio::null())
            .stderr(openssh::Stdio::null())
            .status()
            .await;
        match tried {
            Ok(status) if status.success() => Ok(Bound::Timeout),
            Ok(_) | Err(openssh::Error::Remote(_)) => Ok(Bound::Watchdog),
            Err(e) => Err(e),
        }
    }

    /// The command for the shell there: in the C locale, with the system's tools in the path, and ended there, soon after
    /// we stop waiting for it, even when the connection is gone by then.
    pub(super) fn bounded(&self, argv: &Argv, limit: Span) -> String {
        bounded(self.bound, argv, limit)
    }

    /// What the master said last, if anything: why a connection was lost.
    pub(super) fn last_words(&self) -> String {
        read_log(&self.socket.with_file_name(LOG))
    }

    /// Ends the master. What runs over it loses its connection.
    pub(super) async fn close(&self) {
        let home = self.home.lock().unwrap_or_else(PoisonError::into_inner).take();
        if home.is_some() {
            let mut exit = Command::from(exit_command(&self.socket));
            let _ = timeout(CLOSING, exit.kill_on_drop(true).status()).await;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let home = self.home.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(home) = home {
            let mut exit = exit_command(&self.socket);
            // Aside, because it waits for a process. Should we end before it does, the master ends itself when idle.
            let _ = std::thread::Builder::new().name("ssh-close".into()).spawn(move || {
                let _ = exit.status();
                drop(home);
            });
        }
    }
}

/// What [`Link::bounded`] makes of a command, in each way of ending it there.
pub(super) fn lines(argv: &Argv, limit: Span) -> [String; 2] {
    [Bound::Timeout, Bound::Watchdog].map(|bound| bounded(bound, argv, limit))
}

fn bounded(bound: Bound, argv: &Argv, limit: Span) -> String {
    // One second more than we wait, so that our own time-out comes first and the numbers agree.
    let secs = limit.to_std().as_millis().div_ceil(1_000) + 1;
    // The quotes end before the colon: csh would take what follows it for a modifier.
    let env = format!("env LC_ALL=C PATH=\"$PATH\":{SBIN}");
    let command = argv.quoted();
    match bound {
        Bound::Timeout => format!("{env} timeout -k 2 {secs} {command}"),
        Bound::Watchdog => {
            let script = "n=$1; shift; \"$@\" & p=$!; (sleep \"$n\"; kill -9 $p) >/dev/null 2>&1 & w=$!; \
                          wait $p; s=$?; kill $w 2>/dev/null; exit $s";
            format!("{env} sh -c {} sh {secs} {command}", quote(script))
        }
    }
}

fn command(target: &SshTarget, socket: &Path, log: &Path) -> Command {
    let seconds = target.connect_timeout.secs().max(1);
    let mut ssh = Command::new("ssh");
    if let Some(file) = &target.config_file {
        ssh.arg("-F").arg(file);
    }
    // A percent sign begins a token in a control path.
    ssh.arg("-E").arg(log);
    ssh.arg("-S").arg(socket.to_string_lossy().replace('%', "%%"));
    ssh.args(["-M", "-f", "-N"]);
    for option in [
        format!("ControlPersist={IDLE_SECS}"),
        format!("ConnectTimeout={seconds}"),
        format!("ServerAliveInterval={ALIVE_SECS}"),
        format!("ServerAliveCountMax={ALIVE_TRIES}"),
        // Nobody is there to be asked, and a key is trusted by a person or not at all.
        "BatchMode=yes".into(),
        "StrictHostKeyChecking=yes".into(),
        "UpdateHostKeys=no".into(),
        "ClearAllForwardings=yes".into(),
        "ForwardAgent=no".into(),
        "ForwardX11=no".into(),
        "PermitLocalCommand=no".into(),
        "RemoteCommand=none".into(),
        "RequestTTY=no".into(),
        // A quiet user config would hide why it failed.
        "LogLevel=INFO".into(),
    ] {
        ssh.arg("-o").arg(option);
    }
    ssh.arg("--").arg(&target.destination);
    // The ssh that goes to a jump host is started without our batch mode, and would ask on the terminal.
    ssh.env("SSH_ASKPASS_REQUIRE", "force")
        .env("SSH_ASKPASS", "/bin/false")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // What is wrong with its options it says before it opens its log.
        .stderr(
            fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(log)
                .map_or_else(|_| Stdio::null(), Stdio::from),
        )
        .process_group(0)
        .kill_on_drop(true);
    ssh
}

fn exit_command(socket: &Path) -> std::process::Command {
    let mut exit = std::process::Command::new("ssh");
    exit.args(["-F", "none", "-S"])
        .arg(socket.to_string_lossy().replace('%', "%%"))
        .args(["-O", "exit", "--", "mailtop"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    exit
}

fn check_destination(target: &SshTarget) -> Result<(), Missed> {
    let d = &target.destination;
    if d.is_empty() || d.starts_with('-') || d.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Missed::new(
            Miss::BadAnswer,
            target.by_hand(),
            format!("`{d}` is not a destination for ssh"),
        )
        .fix("write an alias of your ssh config, user@host or ssh://user@host:port"));
    }
    Ok(())
}

/// A folder of our own for the socket: two consoles never share one.
fn socket_folder(target: &SshTarget) -> Result<TempDir, Missed> {
    let dir = &target.control_dir;
    let bad = |kind, why: String| Missed::new(kind, format!("control sockets in {}", dir.display()), why);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| {
            bad(Miss::Denied, format!("cannot be made: {e}")).fix("set XDG_RUNTIME_DIR to a folder that is yours")
        })?;
    let meta = fs::metadata(dir).map_err(|e| bad(Miss::Denied, e.to_string()))?;
    if meta.uid() != geteuid().as_raw() || meta.mode() & 0o077 != 0 {
        return Err(bad(
            Miss::Denied,
            "it is open to others, who could use your connections through it".into(),
        )
        .fix(format!("chmod 700 {0}; if it is not yours, remove it", dir.display())));
    }
    sweep(dir);
    let home = tempfile::Builder::new()
        .prefix(&format!("s{}.", std::process::id()))
        .rand_bytes(4)
        .tempdir_in(dir)
        .map_err(|e| bad(Miss::Denied, e.to_string()))?;
    let length = home.path().join(SOCKET).as_os_str().len();
    if length > SOCKET_PATH_MAX {
        return Err(bad(
            Miss::BadAnswer,
            format!("the path of a socket there has {length} bytes, and the system takes {SOCKET_PATH_MAX}"),
        )
        .fix("set XDG_RUNTIME_DIR to a shorter path, for example /run/user/1000"));
    }
    Ok(home)
}

/// Removes the folders of consoles that were killed. A master of theirs ends by itself when idle.
fn sweep(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten().take(1_000) {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|n| n.strip_prefix('s')?.split_once('.'))
            .and_then(|(pid, _)| pid.parse::<i32>().ok().filter(|pid| *pid > 0))
            .and_then(Pid::from_raw);
        if owner.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The last 16 KiB of a log.
fn read_log(path: &Path) -> String {
    use io::{Read, Seek, SeekFrom};
    let read = || -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(16 << 10);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(16 << 10).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Output;

    /// Runs the line as the shell at the other end would.
    fn run(bound: Bound, argv: &Argv, limit: Span) -> Output {
        let line = bounded(bound, argv, limit);
        std::process::Command::new("sh").args(["-c", &line]).output().unwrap()
    }

    #[test]
    fn the_line_for_the_other_shell_keeps_arguments_status_and_output_apart() {
        let script = "printf '%s|' \"$@\"; printf %s \"${PATH##*:}\"; echo err >&2; exit 7";
        let argv = Argv::new("sh", ["-c", script, "sh", "it's", "", "a  b", "$HOME"]);
        for bound in [Bound::Timeout, Bound::Watchdog] {
            let out = run(bound, &argv, Span::from_secs(60));
            assert_eq!(out.status.code(), Some(7), "{bound:?}");
            assert_eq!(out.stdout, b"it's||a  b|$HOME|/sbin");
            assert_eq!(out.stderr, b"err\n");
        }
    }

    #[test]
    fn the_line_ends_what_runs_too_long_and_tells_what_is_not_there() {
        for bound in [Bound::Timeout, Bound::Watchdog] {
            let out = run(bound, &Argv::new("sleep", ["1000"]), Span::ZERO);
            assert!(!out.status.success(), "{bound:?}");
            let out = run(bound, &Argv::new("mailtop-no-such", ["x"]), Span::from_secs(60));
            assert_eq!(out.status.code(), Some(127), "{bound:?}");
        }
    }

    #[test]
    fn folders_of_dead_consoles_are_swept_and_ours_and_strange_ones_are_left() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let dead = format!("s{}.abcd", child.id());
        let ours = format!("s{}.abcd", std::process::id());
        for name in [&dead, &ours, "strange", "s.x", "s-1.x", "sx.y"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        sweep(dir.path());
        assert!(!dir.path().join(dead).exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5);
    }
}
