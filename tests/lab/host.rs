//! A whole host in a container: systemd, sshd, Postfix and Dovecot from Debian, with its own address, reached over ssh by
//! an alias in an ssh config of its own. `Host::boot("mx1")` takes two seconds once the root has been made.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use mailtop::domain::Span;
use mailtop::reach::{Runner, SshTarget};
use tempfile::TempDir;

use super::net::Place;
use super::root::{Root, must, output};

/// From power-on to all services up, on a machine that does other things too.
const BOOT: Duration = Duration::from_secs(120);

/// A running host; switched off and removed when dropped.
pub struct Host {
    /// The name that `ssh -F <ssh_config>` knows it by.
    pub alias: String,
    machine: Child,
    /// The process that is number 1 inside.
    init: String,
    cgroups: Vec<PathBuf>,
    dir: TempDir,
    place: Place,
    root: Root,
}

/// Why hosts cannot be made here, if they cannot.
pub fn missing() -> Option<String> {
    let root = must(Command::new("id").arg("-u")).trim() == "0";
    if !root {
        return Some("not root".into());
    }
    ["debootstrap", "systemd-nspawn", "ip", "nsenter", "ssh-keygen", "ssh"]
        .into_iter()
        .find(|tool| {
            !output(Command::new("sh").args(["-c", "command -v \"$1\"", "sh", tool]))
                .status
                .success()
        })
        .map(|tool| format!("no {tool}"))
}

/// The host, or `None` and a word on why it was left out. With `CI=true` nothing may be left out.
pub fn boot_or_leave_out(alias: &str) -> Option<Host> {
    match missing() {
        None => Some(Host::boot(alias)),
        Some(why) if std::env::var("CI").is_ok_and(|v| v == "true") => {
            panic!("a whole host cannot be made here ({why}), and CI=true leaves nothing out")
        }
        Some(why) => {
            eprintln!("left out: tests on a whole host ({why})");
            None
        }
    }
}

impl Host {
    /// Switches a new one on and waits until it is up.
    pub fn boot(alias: &str) -> Self {
        let place = Place::new();
        let root = Root::new(&place.id);
        let dir = tempfile::Builder::new().prefix("lab").tempdir().unwrap();
        keys(alias, &place, &root, &dir);
        root.write("/etc/hostname", &format!("{alias}\n"));
        root.write(
            "/etc/hosts",
            &format!("127.0.0.1 localhost\n{} {alias}.test {alias}\n", place.ip),
        );
        let ready = UnixDatagram::bind(dir.path().join("ready")).unwrap();
        ready.set_read_timeout(Some(BOOT)).unwrap();
        let cgroups = cgroups(&place.id);
        let console = fs::File::create(dir.path().join("console")).unwrap();
        // Each machine needs control groups of its own, or two of them would share one tree.
        let enter = "while [ \"$1\" != -- ]; do echo $$ > \"$1/cgroup.procs\"; shift; done; shift; exec \"$@\"";
        let machine = Command::new("sh")
            .args(["-ec", enter, "sh"])
            .args(&cgroups)
            .args([
                "--",
                "systemd-nspawn",
                "--quiet",
                "--boot",
                "--register=no",
                "--keep-unit",
            ])
            .args(["--notify-ready=yes", "--console=pipe", "--link-journal=no"])
            .arg(format!("--machine={}", place.id))
            .arg(format!("--network-namespace-path=/run/netns/{}", place.id))
            .arg("--directory")
            .arg(&root.path)
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            .env("NOTIFY_SOCKET", dir.path().join("ready"))
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .unwrap();
        let mut host = Self {
            alias: alias.to_owned(),
            machine,
            init: String::new(),
            cgroups,
            dir,
            place,
            root,
        };
        host.wait_until_up(&ready);
        host
    }

    fn wait_until_up(&mut self, ready: &UnixDatagram) {
        let mut buf = [0; 4_096];
        loop {
            let received = match ready.recv(&mut buf) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other,
            };
            let n = received.unwrap_or_else(|e| {
                let console = fs::read_to_string(self.dir.path().join("console")).unwrap_or_default();
                panic!("{} did not come up: {e}\n{console}", self.alias)
            });
            let said = String::from_utf8_lossy(&buf[..n]).into_owned();
            if let Some(pid) = said.lines().find_map(|l| l.strip_prefix("X_NSPAWN_LEADER_PID=")) {
                pid.clone_into(&mut self.init);
            }
            if said.lines().any(|l| l == "READY=1") {
                break;
            }
        }
    }

    /// Its address.
    pub fn ip(&self) -> Ipv4Addr {
        self.place.ip
    }
    /// An ssh config that knows it by its alias, with a key that lets in and the host's key on file.
    pub fn ssh_config(&self) -> PathBuf {
        self.dir.path().join("ssh_config")
    }
    /// A folder for the test's own files about this host, gone with it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
    /// How to reach it.
    pub fn target(&self) -> SshTarget {
        SshTarget {
            destination: self.alias.clone(),
            config_file: Some(self.ssh_config()),
            control_dir: self.dir.path().join("c"),
            connect_timeout: Span::from_secs(20),
        }
    }
    /// A runner of its own for it, not connected yet.
    pub fn runner(&self) -> Runner {
        Runner::ssh(self.target())
    }
    /// Runs a command inside, as root, by a way that needs neither its network nor its sshd.
    pub fn run(&self, argv: &[&str]) -> Output {
        output(self.inside().args(argv))
    }
    /// Runs a shell script inside, panics if it fails, and gives what it printed.
    pub fn sh(&self, script: &str) -> String {
        must(self.inside().args(["sh", "-ec", script]))
    }
    fn inside(&self) -> Command {
        let mut c = Command::new("nsenter");
        c.args(["--all", "--target", &self.init, "--"]);
        c.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        c.env("LC_ALL", "C");
        c
    }
    /// Writes a file with the given mode inside.
    pub fn write(&self, path: &str, text: &str, mode: u32) {
        let inside = Path::new("/proc").join(&self.init).join("root");
        let file = inside.join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }
    /// Writes a systemd unit and makes it known.
    pub fn unit(&self, name: &str, text: &str) {
        self.write(&format!("/etc/systemd/system/{name}"), text, 0o644);
        self.sh("systemctl daemon-reload");
    }
    /// One property of a unit, as systemd tells it.
    pub fn show(&self, unit: &str, property: &str) -> String {
        let out = self.sh(&format!("systemctl show --value -p {property} {unit}"));
        out.trim().to_owned()
    }
    /// Pulls its network cable.
    pub fn cut(&self) {
        self.place.cut();
    }
    /// Puts it back.
    pub fn heal(&self) {
        self.place.heal();
    }
    /// Ends sshd and every connection of it.
    pub fn kill_sshd(&self) {
        self.sh("systemctl kill --kill-whom=all --signal=KILL ssh.service; systemctl stop ssh.service ssh.socket || :");
        // Sessions live in scopes of their own.
        self.sh(
            "loginctl list-sessions --no-legend | while read -r s _; do loginctl kill-session --signal=KILL $s; done",
        );
    }
    /// Starts sshd again.
    pub fn start_sshd(&self) {
        self.sh("systemctl reset-failed ssh.service || :; systemctl start ssh.service");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Number 1 inside dies with it, and all others with number 1.
        let _ = self.machine.kill();
        let _ = self.machine.wait();
        for top in &self.cgroups {
            let _ = fs::write(top.join("cgroup.kill"), "1");
            remove_cgroup(top);
        }
        let _ = fs::remove_dir_all(Path::new("/run/systemd/nspawn/propagate").join(&self.place.id));
    }
}

/// Control groups for one machine, one in each hierarchy that systemd-nspawn uses.
fn cgroups(id: &str) -> Vec<PathBuf> {
    let top = Path::new("/sys/fs/cgroup");
    let hierarchies = if top.join("cgroup.controllers").exists() {
        vec![top.to_owned()]
    } else {
        vec![top.join("unified"), top.join("systemd")]
    };
    hierarchies
        .into_iter()
        .filter(|h| h.exists())
        .map(|h| h.join(id))
        .inspect(|c| fs::create_dir_all(c).unwrap_or_else(|e| panic!("{}: {e}", c.display())))
        .collect()
}

fn remove_cgroup(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    // A process that was just killed may still be leaving.
    for _ in 0..200 {
        match fs::remove_dir(dir) {
            Err(e) if e.kind() == std::io::ErrorKind::ResourceBusy => std::thread::sleep(Duration::from_millis(10)),
            _ => return,
        }
    }
}

/// A key for us, a key for the host, and the config that knows both.
fn keys(alias: &str, place: &Place, root: &Root, dir: &TempDir) {
    let keygen = |file: &Path| {
        let mut c = Command::new("ssh-keygen");
        must(c.args(["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"]).arg(file));
        fs::read_to_string(file.with_extension("pub")).unwrap()
    };
    let ours = keygen(&dir.path().join("key"));
    let theirs = keygen(&root.path.join("etc/ssh/ssh_host_ed25519_key"));
    for home in ["/root", "/home/ops"] {
        root.write(&format!("{home}/.ssh/authorized_keys"), &ours);
    }
    must(
        Command::new("chroot")
            .arg(&root.path)
            .args(["chown", "-R", "ops:ops", "/home/ops/.ssh"]),
    );
    root.write(
        "/etc/ssh/sshd_config.d/lab.conf",
        "HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin prohibit-password\nUseDNS no\n",
    );
    fs::write(dir.path().join("known_hosts"), format!("{} {theirs}", place.ip)).unwrap();
    let d = dir.path().display();
    fs::write(
        dir.path().join("ssh_config"),
        format!(
            "Host {alias}\n  HostName {}\n  User root\n  IdentityFile {d}/key\n  IdentitiesOnly yes\n  IdentityAgent none\n  \
             UserKnownHostsFile {d}/known_hosts\n  GlobalKnownHostsFile /dev/null\n",
            place.ip
        ),
    )
    .unwrap();
}
