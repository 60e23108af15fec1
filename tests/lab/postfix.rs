//! A private Postfix on loopback: its own configuration, queue, data and log, ports that were free, and a relay host where
//! nobody listens, so that whatever comes in is deferred. Dropping it stops it. Needs root and Debian's `postfix`.
// Every test program uses its own part of it.
#![allow(dead_code)]

#[allow(clippy::duplicate_mod)] // A test program may have several parts of the lab that need it.
#[path = "watchers.rs"]
mod watchers;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Postfix {
    root: TempDir,
    /// Where its smtpd listens.
    pub port: u16,
}

/// What keeps a Postfix from running here, if anything does.
pub fn missing() -> Option<String> {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    if !root {
        return Some("a private Postfix needs root".into());
    }
    ["postfix", "postqueue", "postsuper", "smtp-source"]
        .into_iter()
        .find(|p| !Path::new("/usr/sbin").join(p).exists())
        .map(|p| format!("/usr/sbin/{p} is not installed (Debian package postfix)"))
}

impl Postfix {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same with further lines of main.cf, which hold over ours.
    pub fn start_with(settings: &str) -> Self {
        let root = tempfile::Builder::new()
            .prefix("mailtop-postfix-")
            .tempdir()
            .expect("a temporary directory");
        let (port, nobody) = (free_port(), free_port());
        let it = Self { root, port };
        for dir in ["conf", "queue", "data"] {
            fs::create_dir(it.root.path().join(dir)).expect("a directory");
        }
        // Postfix's processes run as `postfix` and pass through here.
        let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        fs::set_permissions(it.root.path(), open).expect("permissions");
        checked(Command::new("chown").arg("postfix").arg(it.root.path().join("data")));
        let dir = it.root.path().display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {dir}/queue\ndata_directory = {dir}/data\n\
             maillog_file = {dir}/log\nmaillog_file_prefixes = {dir}\nmyhostname = lab.test\nmydestination =\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nalias_maps =\nalias_database =\n\
             local_recipient_maps =\nsmtpd_relay_restrictions = permit_mynetworks, reject\nrelayhost = [127.0.0.1]:{nobody}\n\
             enable_long_queue_ids = yes\nsmtpd_client_connection_count_limit = 0\nsmtpd_peername_lookup = no\n"
        );
        fs::write(it.conf().join("main.cf"), main + settings).expect("main.cf");
        fs::write(it.conf().join("master.cf"), master(port)).expect("master.cf");
        checked(it.command("postfix").arg("start"));
        it.wait_for("its smtpd to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        it
    }

    /// Its configuration directory.
    pub fn conf(&self) -> PathBuf {
        self.root.path().join("conf")
    }

    /// One of its commands, pointed at this instance. Its input is closed and its output is kept from the daemons.
    pub fn command(&self, program: &str) -> Command {
        let mut c = Command::new(Path::new("/usr/sbin").join(program));
        c.arg("-c")
            .arg(self.conf())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        c
    }

    /// Sends `messages` to one recipient, by SMTP, and waits until all of them are queued.
    pub fn fill(&self, messages: usize, from: &str, to: &str) {
        let many = messages.to_string();
        let sessions = messages.min(20).to_string();
        checked(
            Command::new("/usr/sbin/smtp-source")
                .args(["-s", &sessions, "-m", &many, "-f", from, "-t", to])
                .arg(format!("127.0.0.1:{}", self.port))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
    }

    /// Hands in one message locally (sendmail), with whatever bytes in its addresses.
    pub fn submit(&self, from: &std::ffi::OsStr, to: &[&std::ffi::OsStr]) {
        let mut child = Command::new("/usr/sbin/sendmail")
            .arg("-C")
            .arg(self.conf())
            .arg("-f")
            .arg(from)
            .args(to)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sendmail");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(b"Subject: lab\n\nhello\n")
            .expect("a message");
        assert!(
            child.wait().expect("sendmail").success(),
            "sendmail refused the message"
        );
    }

    /// What `postqueue -j` prints.
    pub fn listing(&self) -> Output {
        self.command("postqueue")
            .arg("-j")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("postqueue")
    }

    /// Waits until nothing is on its way any more and this many messages are at rest, deferred or held.
    pub fn settled(&self, messages: usize) {
        let at_rest = |text: &str, queue: &str| text.matches(&format!("\"queue_name\": \"{queue}\"")).count();
        self.wait_for(&format!("{messages} messages to be at rest"), || {
            let text = String::from_utf8_lossy(&self.listing().stdout).into_owned();
            at_rest(&text, "deferred") + at_rest(&text, "hold") == messages && text.lines().count() == messages
        });
    }

    /// Stops it, leaving its queue.
    pub fn stop(&self) {
        let _ = self.command("postfix").arg("stop").status();
    }

    /// SIGSTOP to its smtpds, and to the master, which would start more: the kernel goes on accepting.
    pub fn freeze(&self) {
        self.signal("STOP");
    }
    /// SIGCONT to the same.
    pub fn thaw(&self) {
        self.signal("CONT");
    }
    fn signal(&self, name: &str) {
        let file = self.root.path().join("queue/pid/master.pid");
        let master = fs::read_to_string(file).expect("its pid").trim().to_owned();
        let of_master = Command::new("pgrep").args(["-P", &master]).output().expect("pgrep");
        let children = String::from_utf8_lossy(&of_master.stdout).into_owned();
        for pid in std::iter::once(master.as_str()).chain(children.lines()) {
            let _ = Command::new("kill")
                .args(["-s", name, pid])
                .stderr(Stdio::null())
                .status();
        }
    }

    /// Changes settings and makes them known.
    pub fn set(&self, settings: &[&str]) {
        checked(self.command("postconf").arg("-e").args(settings));
        checked(self.command("postfix").arg("reload"));
    }

    /// Adds services to master.cf and makes them known.
    pub fn add_services(&self, lines: &str) {
        let file = self.conf().join("master.cf");
        let text = fs::read_to_string(&file).expect("master.cf");
        fs::write(&file, text + lines).expect("master.cf");
        checked(self.command("postfix").arg("reload"));
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.root.path()
    }

    /// Where it logs.
    pub fn log_file(&self) -> PathBuf {
        self.root.path().join("log")
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read(self.log_file())
            .map(|l| String::from_utf8_lossy(&l).into_owned())
            .unwrap_or_default()
    }

    /// Postfix tells nobody when it is done, so it is asked until it is.
    pub fn wait_for(&self, what: &str, mut is: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is() {
            assert!(
                start.elapsed() < PATIENCE,
                "waited {PATIENCE:?} for {what}; the log:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        watchers::end(self.dir());
        self.stop();
    }
}

fn master(port: u16) -> String {
    let mut text = format!("127.0.0.1:{port} inet n - n - - smtpd\n");
    for line in [
        "pickup unix n - n 60 1 pickup",
        "cleanup unix n - n - 0 cleanup",
        "qmgr unix n - n 300 1 qmgr",
        "tlsmgr unix - - n 1000? 1 tlsmgr",
        "rewrite unix - - n - - trivial-rewrite",
        "bounce unix - - n - 0 bounce",
        "defer unix - - n - 0 bounce",
        "trace unix - - n - 0 bounce",
        "proxymap unix - - n - - proxymap",
        "smtp unix - - n - - smtp",
        "lmtp unix - - n - - lmtp",
        "relay unix - - n - - smtp",
        "showq unix n - n - - showq",
        "error unix - - n - - error",
        "retry unix - - n - - error",
        "discard unix - - n - - discard",
        "anvil unix - - n - 1 anvil",
        "scache unix - - n - 1 scache",
        "postlog unix-dgram n - n - 1 postlogd",
    ] {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// A port that nobody listens on. It is free again when this returns, and stays so unless somebody is quick.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port")
        .port()
}

fn checked(command: &mut Command) {
    let status = command.status().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(status.success(), "{command:?}: {status}");
}
