//! Stands between the wire and the IMAP client and hands on one whole response at a time, and only those that a probe
//! needs. Three reasons: what may come back is bounded; bytes behind a response stay here, so that what was slipped in
//! behind a STARTTLS answer is seen; and some bytes make the client's parser panic or recurse without end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::domain::Text;

/// The most bytes of one phase.
pub const PHASE_BYTES: usize = 256 * 1024;
/// How deep brackets may nest: an envelope's addresses stand four deep.
const MAX_DEPTH: usize = 6;

/// Why the guard ended the conversation. Travels inside an [`io::Error`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// More than [`PHASE_BYTES`] in one phase.
    #[error("more than {} KiB in answer to one command", PHASE_BYTES / 1024)]
    TooMuch,
    /// A line that is not IMAP.
    #[error("not IMAP: {0}")]
    NotImap(Text),
}

impl From<Refused> for io::Error {
    fn from(r: Refused) -> Self {
        Self::other(r)
    }
}

/// A stream that is guarded.
#[derive(Debug)]
pub struct Guard<S> {
    inner: S,
    /// Read and not handed on.
    raw: Vec<u8>,
    /// Where in `raw` to look for the end of the response.
    from: usize,
    /// A response on its way to the client.
    out: Vec<u8>,
    given: usize,
    left: usize,
    unreadable_data: bool,
}

impl<S> Guard<S> {
    /// Guards a stream.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            raw: Vec::new(),
            from: 0,
            out: Vec::new(),
            given: 0,
            left: PHASE_BYTES,
            unreadable_data: false,
        }
    }
    /// A new phase begins: its bytes are counted from zero.
    pub fn begin_phase(&mut self) {
        self.left = PHASE_BYTES;
        self.unreadable_data = false;
    }
    /// What was read and not handed on.
    pub fn behind(&self) -> &[u8] {
        &self.raw
    }
    /// Whether message data came in this phase, whole or in part, that the parser was spared.
    pub fn spared_data(&self) -> bool {
        self.unreadable_data || is_fetch(&self.raw)
    }
    /// The stream itself. What was read and not handed on is lost.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Moves the next response that the client may see to `out`.
    fn release(&mut self) -> Result<bool, Refused> {
        while let Some(end) = self.end_of_response() {
            let rest = self.raw.split_off(end);
            let response = std::mem::replace(&mut self.raw, rest);
            self.from = 0;
            match vet(&response) {
                Vetted::Pass(bytes) => {
                    (self.out, self.given) = (bytes, 0);
                    return Ok(true);
                }
                Vetted::Drop => self.unreadable_data |= is_fetch(&response),
                Vetted::NotImap => return Err(Refused::NotImap(Text::bounded(response.trim_ascii_end(), 200))),
            }
        }
        Ok(false)
    }

    /// A response ends with its line, unless the line announces a literal (RFC 9051 4.3): then it goes on behind it.
    /// Status lines never carry one; their text may look as if it did.
    fn end_of_response(&mut self) -> Option<usize> {
        loop {
            let Some(offset) = memchr(b'\n', self.raw.get(self.from..)?) else {
                self.from = self.raw.len();
                return None;
            };
            let at = self.from + offset;
            match literal(&self.raw[..at]).filter(|_| !is_status(&self.raw)) {
                Some(len) => self.from = (at + 1).saturating_add(len),
                None => return Some(at + 1),
            }
        }
    }
}

/// The length that a line ending in `{123}` or `{123+}` announces.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, number) = line.split_at(line.len() - digits);
    before.ends_with(b"{").then_some(())?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

enum Vetted {
    Pass(Vec<u8>),
    Drop,
    NotImap,
}

/// Decides over one whole response. What passes is known to parse.
fn vet(response: &[u8]) -> Vetted {
    let line = response.strip_suffix(b"\n").unwrap_or(response);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let passed = if line.starts_with(b"+") || is_status(line) {
        readable_text(line)
    } else if is_fetch(line) && !tame_fetch(line) {
        return Vetted::Drop;
    } else if line.starts_with(b"* ") {
        if !(is_fetch(line) || is_exists(line) || starts_with(&line[2..], b"CAPABILITY ")) {
            return Vetted::Drop;
        }
        [line, b"\r\n"].concat()
    } else {
        return Vetted::NotImap;
    };
    match imap_proto::Response::parse(&passed) {
        Ok(([], _)) => Vetted::Pass(passed),
        _ if line.starts_with(b"* ") => Vetted::Drop,
        _ => Vetted::NotImap,
    }
}

/// The parser cuts one byte off the text behind a response code, taking it for the space, and panics where that byte
/// begins a longer character: so there is a space. It also takes neither NUL nor a lone CR.
fn readable_text(line: &[u8]) -> Vec<u8> {
    let words = if line.starts_with(b"+") { 2 } else { 3 };
    let text = line.splitn(words, |b| *b == b' ').last().unwrap_or_default();
    let coded = text.starts_with(b"[") || line.starts_with(b"+[");
    let code_ends = line.iter().position(|b| *b == b']');
    let mut out = Vec::with_capacity(line.len() + 8);
    for (i, b) in line.iter().enumerate() {
        match b {
            0 => out.extend("␀".as_bytes()),
            b'\r' => out.extend("␍".as_bytes()),
            _ => out.push(*b),
        }
        let next = line.get(i + 1).copied().unwrap_or(b' ');
        let cut = Some(i) == code_ends || next >= 0x80 || next == 0 || next == b'\r';
        if coded && *b == b']' && next != b' ' && cut {
            out.push(b' ');
        }
    }
    out.extend(b"\r\n");
    out
}

/// `* OK …` or `tag OK …`, for every status word.
fn is_status(line: &[u8]) -> bool {
    let mut words = line.splitn(3, |b| *b == b' ');
    let Some(tag) = words.next().filter(|t| !t.is_empty() && t.len() <= 32) else {
        return false;
    };
    let word = words.next().unwrap_or_default().trim_ascii_end();
    let known: &[&[u8]] = if tag == b"*" {
        &[b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"]
    } else {
        &[b"OK", b"NO", b"BAD"]
    };
    known.iter().any(|k| k.eq_ignore_ascii_case(word))
}

fn starts_with(line: &[u8], word: &[u8]) -> bool {
    line.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word))
}

/// What follows `* 12 `.
fn after_number(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"* ")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    (digits > 0).then(|| rest[digits..].strip_prefix(b" "))?
}

fn is_exists(line: &[u8]) -> bool {
    after_number(line).is_some_and(|rest| rest.trim_ascii_end().eq_ignore_ascii_case(b"EXISTS"))
}

fn is_fetch(line: &[u8]) -> bool {
    after_number(line).is_some_and(|rest| starts_with(rest, b"FETCH ("))
}

/// Whether message data is what was asked for and nests no deeper than it may. The parser panics on `INTERNALDATE NIL`.
fn tame_fetch(line: &[u8]) -> bool {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(b) = line.get(at) {
        at += 1;
        match b {
            b'"' => {
                while let Some(q) = line.get(at).filter(|q| **q != b'"') {
                    at += if *q == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'\n' => at = at.saturating_add(literal(&line[..at - 1]).unwrap_or(0)),
            b'I' | b'i' if starts_with(&line[at - 1..], b"INTERNALDATE") => return false,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return false;
        }
    }
    true
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.given == this.out.len() {
            if this.release()? {
                break;
            }
            let mut chunk = [0; 4096];
            let room = chunk.len().min(this.left);
            if room == 0 {
                return Poll::Ready(Err(Refused::TooMuch.into()));
            }
            let mut chunk = ReadBuf::new(&mut chunk[..room]);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.left -= chunk.filled().len();
            this.raw.extend_from_slice(chunk.filled());
        }
        let n = buf.remaining().min(this.out.len() - this.given);
        buf.put_slice(&this.out[this.given..this.given + n]);
        this.given += n;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, data)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
