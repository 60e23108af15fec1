//! A user's home for one test: config, journal, log and sockets of mailtop go here and nowhere else.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::lab::term::{Term, watchers};

/// The program under test.
pub const MAILTOP: &str = env!("CARGO_BIN_EXE_mailtop");

/// The home; gone with everything in it when dropped.
pub struct Home(TempDir);

impl Drop for Home {
    fn drop(&mut self) {
        watchers::end(self.path());
    }
}

impl Home {
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("mt").tempdir().unwrap())
    }
    /// Its folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.path().join(".local/share/mailtop/journal.db")
    }
    /// Where the config is looked for.
    pub fn config(&self) -> PathBuf {
        self.path().join(".config/mailtop/config.toml")
    }
    /// Writes a file that only its owner may read.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600);
        file.open(&path).unwrap().write_all(bytes.as_ref()).unwrap();
        path
    }
    /// Writes the config.
    pub fn configure(&self, toml: &str) {
        self.write(".config/mailtop/config.toml", toml);
    }
    /// The program with these arguments, not started. No terminal, nothing of the caller's own surroundings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut c = self.in_here(MAILTOP);
        c.args(args);
        c
    }
    /// A line for the shell, in the same surroundings.
    pub fn shell(&self, line: &str) -> Command {
        let mut c = self.in_here("sh");
        c.args(["-c", line]);
        c
    }
    fn in_here(&self, program: &str) -> Command {
        let mut c = Command::new(program);
        c.env_clear().current_dir(self.path());
        c.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        c.env("HOME", self.path()).env("TZ", "UTC");
        c.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        c
    }
    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Done {
        Done::from(self.command(args).output().unwrap())
    }
    /// Runs it with this on its standard input.
    pub fn run_on(&self, args: &[&str], input: &[u8]) -> Done {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let output = std::thread::scope(|s| {
            // It may have had enough before all is written.
            s.spawn(move || pipe.write_all(input));
            child.wait_with_output().unwrap()
        });
        Done::from(output)
    }
    /// The console on a screen.
    pub fn console(&self, args: &[&str], size: (u16, u16)) -> Term {
        Term::start(args, self.path(), size)
    }
}

/// A program that ended.
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Done {
    fn from(o: Output) -> Self {
        Self {
            code: o.status.code(),
            out: String::from_utf8(o.stdout).expect("output in UTF-8"),
            err: String::from_utf8(o.stderr).expect("messages in UTF-8"),
        }
    }
}

impl Done {
    /// Its standard output as one JSON value.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in:\n{}\n{}", self.out, self.err))
    }
    /// Fails unless it ended with this status.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "output:\n{}\nmessages:\n{}", self.out, self.err);
        self
    }
}

/// Fails if the bytes hold a control byte that a terminal would act upon; a line's end may stand.
pub fn assert_inert(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let bad = text.char_indices().find(|(_, c)| c.is_control() && *c != '\n');
    assert!(bad.is_none(), "{what} holds {bad:?}:\n{text:?}");
}
