//! A private PostgreSQL: a cluster of its own in a temporary folder, on a unix socket there and nowhere else, run as the
//! user `postgres`. Dropping it stops it. Needs root and Debian's `postgresql`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The folder of the newest version that is installed.
fn bin() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("pg_ctl").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin)
}

/// What keeps a cluster from running here, if anything does.
pub fn missing() -> Option<String> {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    if !root {
        return Some("a private PostgreSQL needs root".into());
    }
    if bin().is_none() {
        return Some("initdb is not installed (Debian package postgresql)".into());
    }
    let there = Command::new("psql").arg("--version").output().is_ok();
    (!there).then(|| "psql is not installed (Debian package postgresql-client)".into())
}

/// The lab, or the word that it was left out: which is a failure where everything must run.
pub fn start_or_leave_out(conf: &str) -> Option<Postgres> {
    let Some(why) = missing() else {
        return Some(Postgres::start(conf));
    };
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "nothing may be left out with CI=true: {why}"
    );
    eprintln!("left out: {why}");
    None
}

pub struct Postgres {
    dir: TempDir,
}

impl Postgres {
    /// Starts one, with a database `mail` and these lines in its postgresql.conf, and waits until it answers.
    pub fn start(conf: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("mailtop-pg-").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        checked(Command::new("chown").arg("postgres").arg(dir.path()));
        let it = Self { dir };
        let data = it.data();
        checked(
            it.tool("initdb")
                .args(["-A", "trust", "-N", "-E", "UTF8", "--locale=C", "-D"])
                .arg(&data),
        );
        // `loner` is told no by the server; everybody else on this socket is believed.
        let hba = "local all loner reject\nlocal all all trust\n";
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
        let mut settings = fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .unwrap();
        writeln!(settings, "{conf}").unwrap();
        let socket = it.dir.path().display();
        let options = format!("-c listen_addresses= -c unix_socket_directories={socket} -c fsync=off");
        checked(
            it.tool("pg_ctl")
                .args(["-w", "-t", "120", "-o", &options, "-l"])
                .arg(it.dir.path().join("log"))
                .arg("-D")
                .arg(&data)
                .arg("start"),
        );
        checked(it.psql_in("postgres", "postgres").args(["-c", "CREATE DATABASE mail"]));
        it
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Where its socket is.
    pub fn socket(&self) -> &Path {
        self.dir.path()
    }

    fn tool(&self, name: &str) -> Command {
        let mut c = Command::new("runuser");
        c.args(["-u", "postgres", "--"])
            .arg(bin().unwrap().join(name))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        c
    }

    /// psql in a database as a user, without its input.
    pub fn psql_in(&self, database: &str, user: &str) -> Command {
        let mut c = Command::new("psql");
        c.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-w",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            user,
            "-d",
            database,
            "-h",
        ])
        .arg(self.dir.path())
        .stdin(Stdio::null());
        c
    }

    /// Runs statements in `mail` as the superuser, one by one, and gives what they print.
    pub fn sql(&self, statements: &[&str]) -> String {
        let mut c = self.psql_in("mail", "postgres");
        for s in statements {
            c.args(["-c", s]);
        }
        let out = c.output().unwrap();
        assert!(
            out.status.success(),
            "{statements:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    /// A session that stays, as that user: statements are handed in one by one.
    pub fn session(&self, user: &str) -> Session {
        let mut psql = self
            .psql_in("mail", user)
            .args(["-v", "ON_ERROR_STOP=0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = psql.stdin.take();
        Session { psql, input }
    }

    /// Stops it before its time.
    pub fn stop(&self) {
        let _ = self
            .tool("pg_ctl")
            .args(["-m", "immediate", "-w", "-D"])
            .arg(self.data())
            .arg("stop")
            .status();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A person at psql; gone when dropped.
pub struct Session {
    psql: Child,
    input: Option<std::process::ChildStdin>,
}

impl Session {
    pub fn say(&mut self, statement: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{statement};").unwrap();
        input.flush().unwrap();
    }
    /// Ends it when it has done all that was said, and gives its errors.
    pub fn ended(mut self) -> String {
        drop(self.input.take());
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.psql.stderr.take().unwrap(), &mut said).unwrap();
        said
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.psql.kill();
        let _ = self.psql.wait();
    }
}

fn checked(command: &mut Command) {
    let out: Output = command.stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{command:?}: {out:?}");
}
