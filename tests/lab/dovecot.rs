//! A private Dovecot on loopback: own directories, own ports, own certificate, a virtual user with one message, and
//! knobs to break it. Needs root, because its parts run as different users.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use mailtop::domain::Span;
use mailtop::domain::door::{Door, Mechanism, Place, Role, Security, Speaks};

use super::certs::{Certificate, Certs};

/// The user whose password is [`PASSWORD`]. Any other name would do as well.
pub const USER: &str = "u1";
/// The password of everybody.
pub const PASSWORD: &str = "secret";

/// What to start.
pub struct Options {
    pub certificate: Certificate,
    /// Messages in the inbox.
    pub messages: usize,
    /// More configuration.
    pub extra: &'static str,
    /// The password database.
    pub passdb: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            certificate: Certificate::Good,
            messages: 1,
            extra: "",
            passdb: "driver = static\n  args = password=secret",
        }
    }
}

/// A running Dovecot.
pub struct Dovecot {
    dir: tempfile::TempDir,
    master: Child,
    pub imaps: u16,
    pub imap: u16,
}

impl Dovecot {
    /// Starts one; `None`, said on standard error, where this machine cannot (in CI that is a failure).
    pub fn start(options: &Options) -> Option<Self> {
        if let Some(why) = missing() {
            assert!(std::env::var_os("CI").is_none(), "left out in CI: {why}");
            eprintln!("left out: {why}");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("dovecot").tempdir().unwrap();
        let (imaps, imap) = (free_port(), free_port());
        let at = dir.path();
        fs::set_permissions(at, Permissions::from_mode(0o755)).unwrap();
        let certs = Certs::new(options.certificate);
        for (name, pem) in [
            ("ca.pem", &certs.ca),
            ("cert.pem", &certs.cert),
            ("key.pem", &certs.key),
        ] {
            fs::write(at.join(name), pem).unwrap();
        }
        deliver(at, options.messages);
        fs::write(at.join("dovecot.conf"), config(at, imaps, imap, options)).unwrap();
        let master = Command::new("dovecot")
            .args(["-F", "-c"])
            .arg(at.join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut dovecot = Self {
            dir,
            master,
            imaps,
            imap,
        };
        dovecot.wait_until_it_listens();
        Some(dovecot)
    }

    fn wait_until_it_listens(&mut self) {
        let started = Instant::now();
        // Its sockets come one after the other: tests need the doors, and some take the socket of the authentication away.
        let auth = ["run/login/login", "run/auth-master"].map(|s| self.path(s));
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.imap)).is_err() || !auth.iter().all(|s| s.exists()) {
            let ended = self.master.try_wait().unwrap();
            assert!(ended.is_none(), "dovecot ended ({ended:?}):\n{}", self.log());
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "dovecot does not listen:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
    /// A file of its own directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Its implicit TLS door, trusted through the CA that signed its certificate.
    pub fn door(&self) -> Door {
        Door {
            name: "imap".into(),
            speaks: Speaks::imap(),
            role: Role::Mailbox,
            at: Place::tcp("127.0.0.1", self.imaps),
            security: Security::Tls,
            user: Some(USER.to_owned()),
            mechanism: Mechanism::Password,
            ca_file: Some(self.path("ca.pem")),
            timeout: Span::from_secs(5),
        }
    }
    /// Its STARTTLS door.
    pub fn starttls_door(&self) -> Door {
        Door {
            at: Place::tcp("127.0.0.1", self.imap),
            security: Security::StartTls,
            ..self.door()
        }
    }

    /// Stops it for good.
    pub fn stop(&mut self) {
        self.thaw();
        signal("TERM", self.master.id());
        self.master.wait().unwrap();
    }
    /// SIGSTOP to the master and everything that it started: the kernel goes on accepting.
    pub fn freeze(&self) {
        // The master first, so that it starts none behind our back.
        signal("STOP", self.master.id());
        for pid in self.processes() {
            signal("STOP", pid);
        }
    }
    /// SIGCONT to the same.
    pub fn thaw(&self) {
        for pid in self.processes() {
            signal("CONT", pid);
        }
    }
    /// Takes away the socket on which the login processes find the authentication process.
    pub fn remove_auth_socket(&self) {
        fs::remove_file(self.path("run/login/login")).unwrap();
    }
    /// Stops the authentication process alone.
    pub fn freeze_auth(&self) {
        let auth: Vec<u32> = self
            .processes()
            .into_iter()
            .filter(|p| command_line(*p).contains("/auth"))
            .collect();
        assert!(!auth.is_empty(), "no authentication process runs yet");
        for pid in auth {
            signal("STOP", pid);
        }
    }
    /// Makes the user's mail unreadable for the user that reads it.
    pub fn lock_mail(&self) {
        let maildir = self.path("mail").join(USER).join("Maildir");
        chown(&maildir, Some(0), Some(0)).unwrap();
        fs::set_permissions(&maildir, Permissions::from_mode(0o700)).unwrap();
    }

    fn processes(&self) -> Vec<u32> {
        let master = self.master.id();
        let children = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            (parent(pid)? == master).then_some(pid)
        });
        std::iter::once(master).chain(children).collect()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if matches!(self.master.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

fn missing() -> Option<&'static str> {
    let root = fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root {
        return Some("a real Dovecot needs root");
    }
    let found = Command::new("dovecot")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found
        .is_err()
        .then_some("dovecot is not installed (Debian: dovecot-imapd)")
}

fn signal(name: &str, pid: u32) {
    // One of its processes may have ended by itself in between.
    let _ = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn command_line(pid: u32) -> String {
    fs::read(format!("/proc/{pid}/cmdline"))
        .map(|b| String::from_utf8_lossy(&b).replace('\0', " "))
        .unwrap_or_default()
}

/// A port that was free a moment ago, below those that the system gives to outgoing connections: one of those may take it
/// before the server does. Each call and each test program looks from a place of its own.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let mine = (std::process::id() % 240) as u16 * 50;
    loop {
        let port = 20_000 + (mine + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn ids_of(user: &str) -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|l| l.starts_with(&format!("{user}:"))).unwrap();
    let mut fields = line.split(':').skip(2).map(|n| n.parse().unwrap());
    (fields.next().unwrap(), fields.next().unwrap())
}

fn deliver(at: &Path, messages: usize) {
    let (uid, gid) = ids_of("mail");
    let home = at.join("mail").join(USER);
    let maildir = home.join("Maildir");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(part)).unwrap();
    }
    for n in 0..messages {
        let text = format!(
            "From: a@lab.test\r\nTo: {USER}@lab.test\r\nSubject: number {n}\r\nMessage-ID: <{n}@lab.test>\r\n\r\nhello\r\n"
        );
        fs::write(maildir.join("new").join(format!("1700000000.{n}.lab")), text).unwrap();
    }
    let all = [
        at.join("mail"),
        home,
        maildir.clone(),
        maildir.join("cur"),
        maildir.join("new"),
        maildir.join("tmp"),
    ];
    let letters = fs::read_dir(maildir.join("new")).unwrap().map(|e| e.unwrap().path());
    for path in all.into_iter().chain(letters.collect::<Vec<_>>()) {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
}

fn config(at: &Path, imaps: u16, imap: u16, options: &Options) -> String {
    let (at, passdb, extra) = (at.display(), options.passdb, options.extra);
    format!(
        "base_dir = {at}/run
state_dir = {at}/state
log_path = {at}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{at}/cert.pem
ssl_key = <{at}/key.pem
mail_location = maildir:~/Maildir
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 100
passdb {{
  {passdb}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={at}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
{extra}
"
    )
}

/// A session that somebody else keeps open.
pub struct Held(tokio_native_tls::TlsStream<tokio::net::TcpStream>);

impl Held {
    /// Ends it.
    pub async fn close(&mut self) {
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut self.0).await;
    }
}

/// Logs in and stays.
pub async fn logged_in(dovecot: &Dovecot) -> Held {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ca = native_tls::Certificate::from_pem(&fs::read(dovecot.path("ca.pem")).unwrap()).unwrap();
    let connector = native_tls::TlsConnector::builder()
        .add_root_certificate(ca)
        .build()
        .unwrap();
    let tcp = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, dovecot.imaps))
        .await
        .unwrap();
    let mut tls = tokio_native_tls::TlsConnector::from(connector)
        .connect("127.0.0.1", tcp)
        .await
        .unwrap();
    tls.write_all(format!("h1 LOGIN {USER} {PASSWORD}\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("h1 OK") {
        assert_ne!(
            tls.read_buf(&mut answer).await.unwrap(),
            0,
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    Held(tls)
}
