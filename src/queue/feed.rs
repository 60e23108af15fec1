//! Chunks of a listing to what its lines come to, whoever makes something of them. Every line is a message, blank, or
//! skipped; what was skipped is counted by its kind. Pure, and never more than one line in memory.

use std::fmt::Write;

use super::lines::{Line, Lines};
use super::message::Bad;
use crate::domain::Text;

/// How many lines came to what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LineCount {
    /// Read as a message, listed twice or not.
    pub messages: u64,
    /// Empty or white space only.
    pub blank: u64,
    /// No JSON: garbage, or another program's words.
    pub not_json: u64,
    /// JSON, but no message of this mail system.
    pub not_a_message: u64,
    /// Longer than the bound on lines.
    pub overlong: u64,
    /// The last line had no end and could not be read: 1 when the listing was cut off, else 0.
    pub cut_off: u64,
}

impl LineCount {
    /// Lines that were not understood.
    pub const fn skipped(&self) -> u64 {
        self.not_json + self.not_a_message + self.overlong + self.cut_off
    }

    /// What was skipped and why, when anything was: `3 lines skipped: 2 no JSON, 1 cut off`.
    pub fn said(&self) -> Option<Text> {
        let kinds = [
            (self.not_json, "no JSON"),
            (self.not_a_message, "JSON but no message"),
            (self.overlong, "too long"),
            (self.cut_off, "cut off at the end of the listing"),
        ];
        let why: Vec<String> = (kinds.iter().filter(|k| k.0 > 0).map(|(n, what)| format!("{n} {what}"))).collect();
        let lines = if self.skipped() == 1 { "line" } else { "lines" };
        (!why.is_empty()).then(|| format!("{} {lines} skipped: {}", self.skipped(), why.join(", ")).into())
    }
}

/// What makes something of the lines that may be messages.
pub trait Take {
    /// Takes one line, which is neither blank nor too long.
    fn take(&mut self, line: &str) -> Result<(), Bad>;
}

/// Hands lines on, and counts what they came to.
#[derive(Debug)]
pub(super) struct Feed<T> {
    lines: Lines,
    counted: Counted<T>,
}

#[derive(Debug)]
struct Counted<T> {
    take: T,
    count: LineCount,
}

impl<T: Take> Feed<T> {
    /// Nothing read yet.
    pub(super) fn new(take: T) -> Self {
        Self {
            lines: Lines::default(),
            counted: Counted {
                take,
                count: LineCount::default(),
            },
        }
    }

    /// Takes the next chunk, cut anywhere.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        let counted = &mut self.counted;
        self.lines.push(chunk, |line| counted.line(&line));
    }

    /// Ends the listing. A last line without a newline counts as a message if it is whole.
    pub(super) fn finish(mut self) -> (T, LineCount) {
        let counted = &mut self.counted;
        let before = counted.count.not_json;
        self.lines.finish(|line| counted.line(&line));
        counted.count.cut_off = counted.count.not_json - before;
        counted.count.not_json = before;
        (self.counted.take, self.counted.count)
    }
}

impl<T: Take> Counted<T> {
    fn line(&mut self, line: &Line<'_>) {
        let Line::Whole(bytes) = line else {
            self.count.overlong += 1;
            return;
        };
        if bytes.trim_ascii().is_empty() {
            self.count.blank += 1;
            return;
        }
        let read = match std::str::from_utf8(bytes) {
            Ok(line) => self.take.take(line),
            // A stray byte inside a message: shown as it would be on a screen, so that the message still counts.
            Err(_) if bytes.starts_with(b"{") => self.take.take(&with_bytes_shown(bytes)),
            Err(_) => Err(Bad::NotJson),
        };
        match read {
            Ok(()) => self.count.messages += 1,
            Err(Bad::NotJson) => self.count.not_json += 1,
            Err(Bad::NotAMessage) => self.count.not_a_message += 1,
        }
    }
}

/// The line with each byte that is not UTF-8 written as `\xNN`, in JSON's own escaping.
fn with_bytes_shown(line: &[u8]) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    for chunk in line.utf8_chunks() {
        out.push_str(chunk.valid());
        for b in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\\\x{b:02x}");
        }
    }
    out
}
