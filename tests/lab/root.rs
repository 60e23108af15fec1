//! The file system of a lab host: a Debian root made once by debootstrap and kept in a cache folder under a name that
//! says what is in it; each host then gets a copy of its own, by an overlay where the kernel allows one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What is installed. Changing it makes a new root.
const PACKAGES: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "ca-certificates",
    "sudo",
    "postfix",
    "dovecot-imapd",
    "dovecot-lmtpd",
    "postgresql",
];

/// What is done to it after that, inside; it is part of its name too.
const FINISH: &str = "
    rm -f /etc/ssh/ssh_host_*
    systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
        e2scrub_reap.service systemd-firstboot.service
    systemctl disable postgresql.service
    useradd --create-home --shell /bin/sh ops
    apt-get clean
";

/// Runs a program to its end, and panics with its words if it fails.
pub fn must(command: &mut Command) -> String {
    let out = output(command);
    assert!(
        out.status.success(),
        "{command:?} failed: {}\n{}{}",
        out.status,
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Runs a program to its end.
pub fn output(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{command:?} could not be started: {e}"))
}

/// Where roots are kept: outside of the checkout.
pub fn cache() -> PathBuf {
    std::env::var_os("MAILTOP_LAB_CACHE").map_or_else(|| "/var/cache/mailtop-lab".into(), PathBuf::from)
}

/// The finished root. The first caller on a machine makes it, the others wait for him.
fn base() -> PathBuf {
    let (suite, mirror) = suite_and_mirror();
    let name = format!("root-{:016x}", fnv(&format!("{suite} {PACKAGES:?} {FINISH}")));
    let cache = cache();
    fs::create_dir_all(&cache).unwrap_or_else(|e| panic!("{}: {e}", cache.display()));
    let done = cache.join(&name);
    let lock = fs::File::create(cache.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if done.exists() {
        return done;
    }
    let making = cache.join(format!("{name}.making"));
    let _ = fs::remove_dir_all(&making);
    eprintln!("making {} from {suite} (once; about two minutes)", done.display());
    must(
        Command::new("debootstrap")
            .arg("--variant=minbase")
            .arg(format!("--include={}", PACKAGES.join(",")))
            .arg(&suite)
            .arg(&making)
            .arg(&mirror)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    );
    must(
        Command::new("chroot")
            .arg(&making)
            .args(["/bin/sh", "-ec", FINISH])
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    );
    fs::rename(&making, &done).unwrap();
    done
}

/// The first of the machine's own package sources.
fn suite_and_mirror() -> (String, String) {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let suite = release
        .lines()
        .find_map(|l| l.strip_prefix("VERSION_CODENAME="))
        .map_or("stable", |s| s.trim_matches('"'));
    let mut files: Vec<PathBuf> = fs::read_dir("/etc/apt/sources.list.d")
        .map(|d| d.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    files.push("/etc/apt/sources.list".into());
    files.sort();
    let mirror = files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "sources" || e == "list"))
        .filter_map(|f| fs::read_to_string(f).ok())
        .find_map(|text| {
            text.lines().find_map(|l| {
                let words = l.strip_prefix("URIs:").or_else(|| l.strip_prefix("deb "))?;
                words.split_whitespace().find(|w| w.contains("://")).map(str::to_owned)
            })
        })
        .expect("no package source in /etc/apt");
    (suite.to_owned(), mirror)
}

/// A stable hash, so that the name does not change with the compiler.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    })
}

/// A host's own copy, removed when dropped.
pub struct Root {
    home: PathBuf,
    /// Its `/`.
    pub path: PathBuf,
}

impl Root {
    pub fn new(id: &str) -> Self {
        let base = base();
        let home = cache().join(format!("run-{id}"));
        let path = home.join("root");
        for part in ["root", "upper", "work"] {
            fs::create_dir_all(home.join(part)).unwrap();
        }
        let layers = format!(
            "lowerdir={},upperdir={},workdir={}",
            base.display(),
            home.join("upper").display(),
            home.join("work").display()
        );
        let mounted = output(
            Command::new("mount")
                .args(["-t", "overlay", "overlay", "-o", &layers])
                .arg(&path),
        );
        if !mounted.status.success() {
            must(
                Command::new("cp")
                    .args(["-a", "--reflink=auto", "-T"])
                    .arg(&base)
                    .arg(&path),
            );
        }
        Self { home, path }
    }
    /// Writes a file in it.
    pub fn write(&self, file: &str, text: &str) -> PathBuf {
        let path = self.path.join(file.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        remove(&self.home);
    }
}

fn remove(home: &Path) {
    // An overlay that is still mounted would be emptied through; not mounted is fine.
    let root = home.join("root");
    let mounted = || {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        mounts.lines().any(|l| l.split(' ').nth(1) == root.to_str())
    };
    if mounted() {
        output(Command::new("umount").arg("--lazy").arg(&root));
    }
    if !mounted() {
        let _ = fs::remove_dir_all(home);
    }
}

/// Removes what a test that was killed left behind. `is_dead` is asked about the first part of its id.
pub fn sweep(is_dead: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(cache()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|n| n.strip_prefix("run-mt")?.split('x').next());
        if owner.is_some_and(&is_dead) {
            remove(&entry.path());
        }
    }
}
