//! Running a command on a server: one face over this host and ssh. Commands are argument vectors; standard input is
//! closed; output is bounded; a time-out ends the command at both ends.

use std::time::Instant;

use super::local;
use super::pipes::Stdout;
use super::ssh::{Ssh, SshTarget};
use crate::domain::argv::Argv;
use crate::domain::reading::Missed;
use crate::domain::text::MAX_COMMAND;
use crate::domain::{Span, Text};

/// What a command may take.
#[derive(Clone, Copy, Debug)]
pub struct RunLimits {
    /// From start to end; over ssh that includes connecting where there is no connection yet.
    pub timeout: Span,
    /// Bytes kept of standard output and of standard error each; [`Runner::stream`] bounds standard error only.
    pub max_output: usize,
}

/// What a command did.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Standard output, as bytes, bounded. Empty for [`Runner::stream`].
    pub stdout: Vec<u8>,
    /// Standard error, as bytes, bounded.
    pub stderr: Vec<u8>,
    /// Whether output was cut at the bound.
    pub cut: bool,
    /// Whether the end of standard output was not seen, so that there may be more: something that the command left behind
    /// holds it open, or reading it failed.
    pub unfinished: bool,
    /// From start to end, seen from here.
    pub took: Span,
}

impl Output {
    /// Whether it ended with status 0.
    pub fn ok(&self) -> bool {
        self.status == Some(0)
    }
}

/// Runs commands on one server.
#[derive(Clone, Debug)]
pub enum Runner {
    /// On this host.
    Local,
    /// On another, over one shared connection.
    Ssh(Ssh),
}

impl Runner {
    /// Runs on this host.
    pub const fn local() -> Self {
        Self::Local
    }
    /// Runs over ssh. Connects when first used, or by [`Runner::open`]; clones share the connection.
    pub fn ssh(target: SshTarget) -> Self {
        Self::Ssh(Ssh::new(target))
    }
    /// The command as one would type it here: `ssh mx1 postqueue -j`.
    pub fn shown(&self, argv: &Argv) -> Text {
        Text::bounded(self.typed(argv).as_bytes(), MAX_COMMAND)
    }
    /// The same, but `None` when it is too long to be shown whole.
    pub fn shown_whole(&self, argv: &Argv) -> Option<Text> {
        Text::whole(self.typed(argv).as_bytes(), MAX_COMMAND)
    }
    fn typed(&self, argv: &Argv) -> String {
        match self {
            Self::Local => argv.quoted(),
            Self::Ssh(ssh) => ssh.target().typed(argv),
        }
    }
    /// Runs it and keeps its output. An exit status other than 0 is not a miss, it is in the output; but a program that
    /// is not there, or may not be run, is one.
    pub async fn run(&self, argv: &Argv, limits: RunLimits) -> Result<Output, Missed> {
        self.go(argv, limits, Stdout::Kept).await
    }
    /// Runs it and hands standard output on as it comes.
    pub async fn stream<F: FnMut(&[u8]) + Send>(
        &self,
        argv: &Argv,
        limits: RunLimits,
        mut on_chunk: F,
    ) -> Result<Output, Missed> {
        self.go(argv, limits, Stdout::HandedOn(&mut on_chunk)).await
    }
    async fn go(&self, argv: &Argv, limits: RunLimits, stdout: Stdout<'_>) -> Result<Output, Missed> {
        match self {
            Self::Local => local::run(argv, limits, stdout).await,
            Self::Ssh(ssh) => ssh.run(argv, limits, stdout).await,
        }
    }
    /// Opens the connection if there is none, and says how long that took. Nothing to do for this host.
    pub async fn open(&self, timeout: Span) -> Result<Span, Missed> {
        let start = Instant::now();
        if let Self::Ssh(ssh) = self {
            ssh.open(timeout).await?;
        }
        Ok(start.elapsed().into())
    }
    /// Closes what was opened. A command that still runs over it loses its connection.
    pub async fn close(&self) {
        if let Self::Ssh(ssh) = self {
            ssh.close().await;
        }
    }
}
