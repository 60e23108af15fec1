//! `mailtop queue [FILE|-]`: what a queue listing holds, from a file or a pipe: `ssh mx1 postqueue -j | mailtop queue`.
//! Reads it as a stream; prints what could be read, says on standard error what could not.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::queue_table::{By, table};
use crate::domain::Span;
use crate::domain::queue::{Ages, Destination, Listing, QueueSnapshot, Reason};
use crate::queue::ListingReader;
use crate::queue::tally::TOP;

/// Everything was read.
const READ: u8 = 0;
/// Something was read, and something was not.
const PARTLY: u8 = 1;
/// Nothing could be read, or the command was not meant so.
const USAGE: u8 = 3;

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// The options of `mailtop queue`.
#[derive(Args, Clone, Debug)]
pub struct QueueArgs {
    /// The listing, as the mail system printed it; `-` or nothing for standard input
    pub file: Option<PathBuf>,
    /// The mail system that printed it (postfix: `postqueue -j`)
    #[arg(long, value_enum, default_value_t = Kind::Postfix)]
    pub kind: Kind,
    /// What the text table is about
    #[arg(long, value_enum, default_value_t = By::Destination)]
    pub by: By,
    /// A table to read, or one JSON object with everything
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// How many destinations, reasons or senders to print at most
    #[arg(long, value_name = "N", default_value_t = TOP)]
    pub top: usize,
}

/// A mail system whose listing can be read from a file.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `postqueue -j`.
    Postfix,
}

/// How results are printed.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For a person.
    Text,
    /// For a program.
    Json,
}

/// Runs it, with ages told at `now`.
pub fn run(args: &QueueArgs, now: Timestamp) -> ExitCode {
    let (out, err) = (io::stdout(), io::stderr());
    let mut out = io::BufWriter::new(out.lock());
    let mut err = err.lock();
    let code = match args.file.as_deref() {
        Some(path) if path != Path::new("-") => match File::open(path) {
            Ok(file) => read_and_print(args, &path.display().to_string(), file, now, &mut out, &mut err),
            Err(e) => unreadable(&path.display().to_string(), &e, &mut err),
        },
        None if io::stdin().is_terminal() => {
            // Nobody types a listing; a program that waits in silence looks hung.
            let _ = writeln!(
                err,
                "mailtop queue: no listing to read. Name a file, or pipe one in: postqueue -j | mailtop queue"
            );
            USAGE
        }
        _ => read_and_print(args, "standard input", io::stdin().lock(), now, &mut out, &mut err),
    };
    ExitCode::from(code)
}

fn unreadable(name: &str, e: &io::Error, err: &mut impl Write) -> u8 {
    let name = crate::domain::Text::from(name);
    let _ = writeln!(err, "mailtop queue: cannot read {name}: {e}");
    USAGE
}

/// The command with its input and outputs as arguments. Gives the exit status.
pub fn read_and_print(
    args: &QueueArgs,
    name: &str,
    mut input: impl Read,
    now: Timestamp,
    out: &mut impl Write,
    err: &mut impl Write,
) -> u8 {
    let Kind::Postfix = args.kind;
    let mut reader = ListingReader::new(now);
    let mut chunk = vec![0; CHUNK];
    let mut any = false;
    let broke = loop {
        match input.read(&mut chunk) {
            Ok(0) => break None,
            Ok(n) => {
                any = true;
                reader.push(&chunk[..n]);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if !any => return unreadable(name, &e, err),
            Err(e) => break Some(e),
        }
    };
    let read = reader.finish();
    let snapshot = read.snapshot_of(args.top, Span::ZERO);
    if !any {
        let _ = writeln!(
            err,
            "mailtop queue: {name} was empty: that is what postqueue prints of an empty queue, and also where it fails"
        );
    }
    if let Some(e) = &broke {
        let _ = writeln!(err, "mailtop queue: {name} could not be read to its end: {e}");
    }
    if let Some(why) = &snapshot.partial {
        let _ = writeln!(err, "mailtop queue: {why}");
    }
    match print(args, &snapshot, now, out).and_then(|()| out.flush()) {
        // Whoever reads has had enough: `| head`.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => READ,
        Err(e) => {
            let _ = writeln!(err, "mailtop queue: cannot write the result: {e}");
            USAGE
        }
        Ok(()) if broke.is_some() || !snapshot.complete() => PARTLY,
        Ok(()) => READ,
    }
}

fn print(args: &QueueArgs, snapshot: &QueueSnapshot, now: Timestamp, out: &mut impl Write) -> io::Result<()> {
    match args.format {
        Format::Text => out.write_all(table(snapshot, args.by, now).as_bytes()),
        Format::Json => {
            let none = Listing::default();
            serde_json::to_writer(
                &mut *out,
                &Report::new(snapshot, snapshot.listing.as_deref().unwrap_or(&none), now),
            )?;
            out.write_all(b"\n")
        }
    }
}

/// The JSON of `mailtop queue`.
#[derive(serde::Serialize)]
struct Report<'a> {
    messages: u64,
    bytes: u64,
    by_queue: &'a std::collections::BTreeMap<crate::domain::Text, u64>,
    /// The age of the oldest message in seconds; null for an empty queue.
    oldest_s: Option<i64>,
    ages: &'a Ages,
    destinations: &'a [Destination],
    reasons: &'a [Reason],
    skipped_lines: u64,
}

impl<'a> Report<'a> {
    fn new(snapshot: &QueueSnapshot, listing: &'a Listing, now: Timestamp) -> Self {
        Self {
            messages: snapshot.depth.total(),
            bytes: listing.bytes,
            by_queue: &listing.by_queue,
            oldest_s: listing.oldest.map(|o| Span::between(o, now).secs()),
            ages: &listing.ages,
            destinations: &listing.destinations,
            reasons: &listing.reasons,
            skipped_lines: snapshot.skipped_lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: QueueArgs,
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_795_446_007).unwrap()
    }
    fn args(line: &str) -> QueueArgs {
        Cli::parse_from(std::iter::once("queue").chain(line.split_whitespace())).args
    }
    fn run_on(line: &str, input: impl Read) -> (u8, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = read_and_print(&args(line), "f", input, now(), &mut out, &mut err);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    const LINE: &str = r#"{"queue_name": "deferred", "queue_id": "4jY6yb2fsrz1SRqc", "arrival_time": 1795442407, "message_size": 404, "forced_expire": false, "sender": "a@x.test", "recipients": [{"address": "u1@far.test", "delay_reason": "connect to 127.0.0.1[127.0.0.1]:10026: Connection refused"}]}
"#;

    #[test]
    fn the_json_has_the_members_that_are_promised_and_no_others() {
        let (code, out, err) = run_on("--format json", LINE.as_bytes());
        assert_eq!((code, &*err), (0, ""));
        assert_eq!(
            out,
            r#"{"messages":1,"bytes":404,"by_queue":{"deferred":1},"oldest_s":3600,"ages":[0,0,0,0,1,0,0,0,0,0],"destinations":[{"domain":"far.test","messages":1,"ages":[0,0,0,0,1,0,0,0,0,0]}],"reasons":[{"reason":"connect to …[…]: Connection refused","messages":1}],"skipped_lines":0}
"#
        );
    }

    #[test]
    fn an_empty_listing_is_zero_messages_and_no_oldest() {
        let (code, out, _) = run_on("--format json", io::empty());
        assert_eq!(code, 0);
        assert!(
            out.starts_with(r#"{"messages":0,"bytes":0,"by_queue":{},"oldest_s":null,"#),
            "{out}"
        );
        let (code, out, err) = run_on("", io::empty());
        assert_eq!((code, &*out), (0, "0 messages\n"));
        assert!(err.contains("was empty") && err.contains("where it fails"), "{err}");
    }

    #[test]
    fn a_truncated_listing_prints_what_it_has_and_says_what_it_has_not() {
        let text = LINE.repeat(2);
        let (code, out, err) = run_on("--format json", &text.as_bytes()[..text.len() - 9]);
        assert_eq!(code, 1);
        assert!(
            out.contains(r#""messages":1"#) && out.contains(r#""skipped_lines":1"#),
            "{out}"
        );
        assert_eq!(
            err,
            "mailtop queue: 1 line skipped: 1 cut off at the end of the listing\n"
        );
    }

    #[test]
    fn a_binary_file_prints_a_result_and_exits_with_1() {
        let noise: Vec<u8> = (0..20_000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let (code, out, err) = run_on("", &*noise);
        assert_eq!(code, 1);
        assert!(out.starts_with("at least 0 messages"), "{out}");
        assert!(err.contains("lines skipped") && !err.contains('\u{1b}'), "{err}");
    }

    struct Breaks(&'static [u8]);
    impl Read for Breaks {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("disk on fire"));
            }
            self.0.read(buf)
        }
    }

    #[test]
    fn input_that_breaks_off_is_partial_and_input_that_never_came_is_a_wrong_use() {
        let (code, out, err) = run_on("--format json", Breaks(LINE.as_bytes()));
        assert!(
            code == 1 && out.contains(r#""messages":1"#) && err.contains("disk on fire"),
            "{err}"
        );
        let (code, out, err) = run_on("", Breaks(b""));
        assert!(code == 3 && out.is_empty() && err.contains("disk on fire"), "{err}");
    }

    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_ends_quietly() {
        for format in ["text", "json"] {
            let mut err = Vec::new();
            let a = args(&format!("--format {format}"));
            assert_eq!(
                read_and_print(&a, "f", LINE.as_bytes(), now(), &mut Closed, &mut err),
                0
            );
            assert!(err.is_empty());
        }
    }

    #[test]
    fn a_missing_file_is_a_wrong_use() {
        let a = args("/nonexistent/listing.json");
        assert_eq!(format!("{:?}", run(&a, now())), format!("{:?}", ExitCode::from(3)));
    }
}
