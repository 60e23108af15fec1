//! Running a command on a server: one face over this host and ssh. Commands are argument vectors; standard input is
//! closed; output is bounded; a time-out ends the command at both ends.

use crate::domain::argv::Argv;
use crate::domain::reading::Missed;
use crate::domain::{Span, Text};

/// What a command may take.
#[derive(Clone, Copy, Debug)]
pub struct RunLimits {
    /// From start to end.
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
}

impl Runner {
    /// The command as one would type it here: `ssh mx1 postqueue -j`.
    pub fn shown(&self, argv: &Argv) -> Text {
        let _ = self;
        argv.quoted().into()
    }
    /// Runs it and keeps its output. An exit status other than 0 is not a miss: it is in the output.
    pub async fn run(&self, _argv: &Argv, _limits: RunLimits) -> Result<Output, Missed> {
        unimplemented!()
    }
    /// Runs it and hands standard output on as it comes.
    pub async fn stream<F: FnMut(&[u8]) + Send>(
        &self,
        _argv: &Argv,
        _limits: RunLimits,
        _on_chunk: F,
    ) -> Result<Output, Missed> {
        unimplemented!()
    }
    /// Opens the connection if there is none, and says how long that took. Nothing to do for this host.
    pub async fn open(&self, _timeout: Span) -> Result<Span, Missed> {
        unimplemented!()
    }
    /// Closes what was opened.
    pub async fn close(&self) {}
}
