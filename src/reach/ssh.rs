//! A command on another host, over the user's own ssh: config, agent, keys, jump hosts. One connection (an OpenSSH master)
//! for a server, opened once and shared; commands go through its control socket. A connection that failed or fell silent
//! is set aside and the next command opens a new one. `master` starts it; `trouble` puts its failures into words.

mod master;
mod trouble;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use openssh::Stdio;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use self::master::Link;
use super::pipes::{Stdout, gather};
use super::run::{Output, RunLimits};
use crate::domain::argv::{Argv, quote};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};

/// Commands at a time over one connection. sshd's `MaxSessions` is 10 by default and belongs to others too.
const AT_ONCE: usize = 6;

/// How long a connection in doubt has to carry one small command.
const DOUBT: Duration = Duration::from_secs(2);

/// How long a command is silent before its end is asked for while its pipes are open. Reading the exit status closes our
/// end of its session, upon which the master throws away what it has not written to the pipes yet; and the status may
/// come before the last bytes.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where ssh goes, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SshTarget {
    /// As the user's ssh config knows it: `alias`, `user@host`, `ssh://user@host:port`.
    pub destination: String,
    /// The ssh config, when not the usual one (`ssh -F`).
    pub config_file: Option<PathBuf>,
    /// The folder for control sockets: in the runtime directory, made with mode 0700 when it is not there.
    pub control_dir: PathBuf,
    /// The longest that connecting may take, from the name to the login.
    pub connect_timeout: Span,
}

impl SshTarget {
    /// What the shell at the other end is handed to run `argv`: with its timeout(1), and with a watchdog where there is none.
    pub fn handed_over(argv: &Argv, limit: Span) -> [String; 2] {
        master::lines(argv, limit)
    }
    /// `ssh mx1`, as one would type it.
    fn by_hand(&self) -> String {
        let config = match &self.config_file {
            Some(file) => format!("-F {} ", quote(&file.to_string_lossy())),
            None => String::new(),
        };
        format!("ssh {config}{}", quote(&self.destination))
    }
    /// `ssh mx1 systemctl freeze x.service`: what one would type here to run `argv` there. The shell there reads it a
    /// second time, so what needs quotes gets them twice.
    pub(super) fn typed(&self, argv: &Argv) -> String {
        let plain = |a: &str| quote(a) == a;
        let there = if plain(argv.program()) && argv.args().iter().all(|a| plain(a)) {
            argv.quoted()
        } else {
            quote(&argv.quoted())
        };
        format!("{} {there}", self.by_hand())
    }
}

/// Runs commands over ssh. Clones share one connection.
#[derive(Clone)]
pub struct Ssh(Arc<Inner>);

struct Inner {
    target: SshTarget,
    /// The connection, open or being opened.
    current: Mutex<Option<Attempt>>,
    attempts: AtomicU64,
    room: Semaphore,
}

/// One try to connect. It runs in a task of its own, so that it is shared by all who wait and outlives each of them.
#[derive(Clone)]
struct Attempt {
    number: u64,
    link: Shared<BoxFuture<'static, Result<Arc<Link>, Missed>>>,
}

impl std::fmt::Debug for Ssh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ssh").field(&self.0.target.destination).finish()
    }
}

impl Ssh {
    pub(super) fn new(target: SshTarget) -> Self {
        Self(Arc::new(Inner {
            target,
            current: Mutex::new(None),
            attempts: AtomicU64::new(0),
            room: Semaphore::new(AT_ONCE),
        }))
    }

    /// Where it goes.
    pub fn target(&self) -> &SshTarget {
        &self.0.target
    }

    pub(super) async fn open(&self, timeout: Span) -> Result<(), Missed> {
        let attempt = self.attempt();
        match timeout_at(Instant::now() + timeout.to_std(), attempt.link.clone()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(missed)) => {
                self.set_aside(attempt.number);
                Err(missed)
            }
            Err(_) => Err(trouble::silent(self.target(), timeout)),
        }
    }

    pub(super) async fn close(&self) {
        let attempt = self.slot().take();
        // Only one that is open already: one that is still opening ends by itself when nobody holds it.
        if let Some(Ok(link)) = attempt.and_then(|a| a.link.peek().cloned()) {
            link.close().await;
        }
    }

    pub(super) async fn run(&self, argv: &Argv, limits: RunLimits, stdout: Stdout<'_>) -> Result<Output, Missed> {
        let start = Instant::now();
        let mut used = None;
        let whole = async {
            // Never closed, so this only waits.
            let _room = self.0.room.acquire().await;
            let link = self.live_link(&mut used).await?;
            self.over(&link, argv, limits, stdout, start).await
        };
        match timeout_at(start + limits.timeout.to_std(), whole).await {
            Ok(result) => result,
            Err(_) => match used {
                Some(link) => {
                    self.doubt(link);
                    Err(Missed::new(
                        Miss::TimedOut,
                        self.target().typed(argv),
                        format!("no answer within {}", limits.timeout),
                    ))
                }
                None => Err(trouble::silent(self.target(), limits.timeout)),
            },
        }
    }

    /// A socket here that leads to the unix socket at `path` there, over the same connection, for as long as the guard that
    /// comes with it is held.
    pub(super) async fn forward(&self, path: &str) -> Result<(PathBuf, impl Sized + Send + use<>), Missed> {
        let mut used = None;
        let link = self.live_link(&mut used).await?;
        match link.forward(path).await {
            Ok(local) => Ok((local, link)),
            Err(e) => Err(trouble::lost(self.target(), &e, &link.last_words())),
        }
    }

    /// A connection whose master answers. A master may have gone since the last command: it ends itself when it was idle
    /// for long, or when the server fell silent. Nothing was asked of the server yet, so a second try is safe.
    async fn live_link(&self, used: &mut Option<Arc<Link>>) -> Result<Arc<Link>, Missed> {
        let mut tries = 0;
        loop {
            let attempt = self.attempt();
            let link = attempt
                .link
                .clone()
                .await
                .inspect_err(|_| self.set_aside(attempt.number))?;
            *used = Some(link.clone());
            match link.session.check().await {
                Ok(()) => return Ok(link),
                Err(e) => {
                    self.forget(&link);
                    *used = None;
                    tries += 1;
                    if tries > 1 {
                        return Err(trouble::lost(self.target(), &e, &link.last_words()));
                    }
                }
            }
        }
    }

    async fn over(
        &self,
        link: &Arc<Link>,
        argv: &Argv,
        limits: RunLimits,
        stdout: Stdout<'_>,
        start: Instant,
    ) -> Result<Output, Missed> {
        let typed = || Text::from(self.target().typed(argv));
        let lost = |e: &openssh::Error| {
            self.forget(link);
            Missed {
                tried: typed(),
                ..trouble::lost(self.target(), e, &link.last_words())
            }
        };
        let mut child = link
            .session
            .raw_command(link.bounded(argv, limits.timeout))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(|e| trouble::refused_session(&e, typed()).unwrap_or_else(|| lost(&e)))?;
        let (Some(out), Some(err)) = (child.stdout().take(), child.stderr().take()) else {
            return Err(Missed::new(Miss::BadAnswer, typed(), "its pipes could not be opened"));
        };
        let got = gather(out, err, child.wait(), limits.max_output, PATIENCE, stdout).await;
        let status = match got.end {
            Ok(status) => status.code(),
            // The status 127 of the shell and of timeout(1).
            Err(openssh::Error::Remote(_)) => return Err(trouble::not_there(argv, typed(), &got.stderr)),
            // Ended by a signal, or the connection broke: the same to the mux protocol. The master knows.
            Err(openssh::Error::RemoteProcessTerminated) => match link.session.check().await {
                Ok(()) => None,
                Err(e) => return Err(lost(&e)),
            },
            Err(e) => return Err(lost(&e)),
        };
        let took: Span = start.elapsed().into();
        match status {
            Some(126) if trouble::says_denied(&got.stderr) => Err(trouble::not_allowed(argv, typed(), &got.stderr)),
            Some(124 | 137) if took >= limits.timeout => Err(Missed::new(
                Miss::TimedOut,
                typed(),
                format!("not done after {}, so it was ended there", limits.timeout),
            )),
            _ => Ok(Output {
                status,
                stdout: got.stdout,
                stderr: got.stderr,
                cut: got.cut,
                unfinished: got.unfinished,
                took,
            }),
        }
    }

    /// The try that is under way or done, or a new one.
    fn attempt(&self) -> Attempt {
        self.slot()
            .get_or_insert_with(|| {
                let number = self.0.attempts.fetch_add(1, Ordering::Relaxed);
                let target = self.0.target.clone();
                let task = tokio::spawn(async move { Link::open(&target).await.map(Arc::new) });
                let by_hand = self.0.target.by_hand();
                let link = async move {
                    task.await
                        .unwrap_or_else(|e| Err(Missed::new(Miss::Unreachable, by_hand, e.to_string())))
                };
                Attempt {
                    number,
                    link: link.boxed().shared(),
                }
            })
            .clone()
    }

    /// This try came to nothing: the next command begins a new one.
    fn set_aside(&self, number: u64) {
        let mut slot = self.slot();
        if slot.as_ref().is_some_and(|a| a.number == number) {
            *slot = None;
        }
    }

    /// No new command uses this connection. It is closed when the last one that runs over it is done.
    fn forget(&self, link: &Arc<Link>) {
        let mut slot = self.slot();
        let current = slot.as_ref().and_then(|a| a.link.peek()?.as_ref().ok());
        if current.is_some_and(|current| Arc::ptr_eq(current, link)) {
            *slot = None;
        }
    }

    /// A slow command or a dead connection? One small command tells. A connection that does not carry it is set aside;
    /// one that does is kept, because a new one costs a busy server more than anything we ask it.
    fn doubt(&self, link: Arc<Link>) {
        let this = self.clone();
        tokio::spawn(async move {
            let carried = tokio::time::timeout(DOUBT, link.carries_a_command()).await;
            if !matches!(carried, Ok(true)) {
                this.forget(&link);
            }
        });
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Attempt>> {
        // What it guards is whole at every moment, so a panic elsewhere does not spoil it.
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_so_that_typing_it_runs_the_same_arguments_there() {
        let mut target = SshTarget {
            destination: "mx1".into(),
            config_file: None,
            control_dir: "/nowhere".into(),
            connect_timeout: Span::from_secs(5),
        };
        let freeze = Argv::new("systemctl", ["freeze", "mail-db-compact.service"]);
        assert_eq!(
            target.typed(&freeze),
            "ssh mx1 systemctl freeze mail-db-compact.service"
        );
        let odd = Argv::new("sh", ["-c", "echo 'a  b'"]);
        assert_eq!(
            target.typed(&odd),
            format!("ssh mx1 {}", quote(r"sh -c 'echo '\''a  b'\'''"))
        );
        assert_eq!(target.typed(&Argv::new("echo", [""])), r"ssh mx1 'echo '\'''\'''");
        target.config_file = Some("/etc/my ssh".into());
        assert_eq!(target.by_hand(), "ssh -F '/etc/my ssh' mx1");
    }
}
