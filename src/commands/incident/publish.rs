//! Posting an update by the configured program: the words on its standard input, bounded in time and output, and its failure
//! shown in full.

use std::process::ExitCode;

use crate::domain::argv::Argv;
use crate::domain::{Span, Text};
use crate::reach::{Output, RunLimits, feed};

use crate::commands::start;

/// The program failed: nothing was put on record.
const FAILED: u8 = 2;
/// The most that is kept of what it says.
const MAX_OUTPUT: usize = 16 << 10;

/// Posts the words; after `limit` it is given up, because a status page that does not answer must not hold the person who posts. They go out as they were given: only what is put on record is made safe to show.
pub fn post(hook: &Argv, words: &str, limit: Span) -> Result<(), ExitCode> {
    let limits = RunLimits {
        timeout: limit,
        max_output: MAX_OUTPUT,
    };
    let runtime = start::runtime()?;
    let done = runtime.block_on(feed(hook, words.as_bytes(), limits));
    runtime.shutdown_background();
    match done {
        Ok(out) if out.ok() => Ok(()),
        Ok(out) => Err(failed(&format!("{} failed: {}", hook.quoted(), said(&out)))),
        Err(missed) => Err(failed(&missed.to_string())),
    }
}

fn failed(why: &str) -> ExitCode {
    start::fail(&format!("the update was not posted, and is not on record: {why}"));
    FAILED.into()
}

fn said(out: &Output) -> String {
    let status = out
        .status
        .map_or_else(|| "ended by a signal".to_owned(), |s| format!("exit {s}"));
    let bytes = if out.stderr.trim_ascii().is_empty() {
        &out.stdout
    } else {
        &out.stderr
    };
    match Text::from_bytes(bytes.trim_ascii()).as_str() {
        "" => status,
        said => format!("{status}: {said}"),
    }
}
