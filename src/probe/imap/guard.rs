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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    /// Everything that the guard hands on from these pieces, one response an entry, and what is left behind.
    async fn passed(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<Vec<u8>, io::Error>) {
        let mut mock = Pieces::new(pieces);
        let mut guard = Guard::new(&mut mock);
        let mut all = Vec::new();
        let mut buf = vec![0; PHASE_BYTES * 2];
        loop {
            match guard.read(&mut buf).await {
                Ok(0) => return (all, Ok(guard.behind().to_vec())),
                Ok(n) => all.push(buf[..n].to_vec()),
                Err(e) => return (all, Err(e)),
            }
        }
    }
    /// A reader that gives one piece a read.
    struct Pieces(std::collections::VecDeque<Vec<u8>>);
    impl Pieces {
        fn new(pieces: &[&[u8]]) -> Self {
            Self(pieces.iter().map(|p| p.to_vec()).collect())
        }
    }
    impl AsyncRead for Pieces {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if let Some(mut piece) = self.0.pop_front() {
                let n = piece.len().min(buf.remaining());
                buf.put_slice(&piece[..n]);
                if n < piece.len() {
                    self.0.push_front(piece.split_off(n));
                }
            }
            Poll::Ready(Ok(()))
        }
    }
    fn refused(e: &io::Error) -> &Refused {
        e.get_ref()
            .and_then(|e| e.downcast_ref())
            .expect("the guard's own error")
    }

    #[tokio::test]
    async fn one_response_at_a_time_and_what_is_behind_it_stays_here() {
        let mut mock = Pieces::new(&[b"a1 OK go ahead\r\na1 OK slipped in\r\n* OK half"]);
        let mut guard = Guard::new(&mut mock);
        let mut buf = [0; 512];
        let n = guard.read(&mut buf).await.unwrap();
        assert_eq!(&buf[..n], b"a1 OK go ahead\r\n");
        assert_eq!(guard.behind(), b"a1 OK slipped in\r\n* OK half");
    }

    #[tokio::test]
    async fn what_a_probe_does_not_need_is_not_handed_on() {
        let wire: &[u8] = b"* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* 0 RECENT\r\n* LIST () \"/\" x{3}\r\nabc\r\n* OK [UIDNEXT 4] next\r\na1 OK done {5}\r\n";
        let (all, behind) = passed(&[wire]).await;
        let want: [&[u8]; 3] = [b"* 3 EXISTS\r\n", b"* OK [UIDNEXT 4] next\r\n", b"a1 OK done {5}\r\n"];
        assert_eq!(all, want);
        assert_eq!(behind.unwrap(), b"");
    }

    #[tokio::test]
    async fn an_envelope_with_a_literal_passes_whole_even_byte_by_byte() {
        let wire: &[u8] = b"* 1 FETCH (ENVELOPE (NIL {7}\r\na\r\n)(\"b NIL NIL NIL ((NIL NIL \"to\" \"x.test\")) NIL NIL NIL \"<1@x>\"))\r\n";
        let pieces: Vec<&[u8]> = wire.chunks(1).collect();
        let (all, _) = passed(&pieces).await;
        assert_eq!(all, [wire.to_vec()]);
    }

    #[tokio::test]
    async fn an_endless_line_is_refused_at_the_bound() {
        let (_, end) = passed(&[b"* OK ", &vec![b'x'; PHASE_BYTES * 2]]).await;
        assert_eq!(refused(&end.unwrap_err()), &Refused::TooMuch);
    }

    #[tokio::test]
    async fn another_protocol_is_refused_with_its_words() {
        for (wire, words) in [
            (&b"220 mx.test ESMTP Postfix\r\n"[..], "220 mx.test ESMTP Postfix"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request"),
            (b"\x00\x01\x1b[2J\r\n", "␀␁␛[2J"),
        ] {
            let (all, end) = passed(&[wire]).await;
            assert!(all.is_empty());
            assert_eq!(refused(&end.unwrap_err()), &Refused::NotImap(words.into()));
        }
    }

    #[tokio::test]
    async fn what_would_break_the_parser_is_made_harmless() {
        let deep = [
            b"* 1 FETCH (BODYSTRUCTURE ".to_vec(),
            vec![b'('; 100_000],
            b"\r\n".to_vec(),
        ]
        .concat();
        let (all, end) = passed(&[
            "* OK [ALERT]é\r\n".as_bytes(),
            b"* OK [ALERT]\xff\r\n",
            b"* OK nul \0 and \r cr [x]y\r\n",
            b"* 1 FETCH (INTERNALDATE NIL)\r\n",
            &deep,
            b"a1 OK x\r\n",
        ])
        .await;
        assert_eq!(all.len(), 4, "{all:?}");
        assert_eq!(all[0], "* OK [ALERT] é\r\n".as_bytes());
        assert_eq!(all[2], "* OK nul ␀ and ␍ cr [x]y\r\n".as_bytes());
        assert!(end.is_ok());
    }

    fn fragment() -> impl Strategy<Value = Vec<u8>> {
        let known: Vec<&[u8]> = vec![
            b"* ",
            b"a1 ",
            b"+ ",
            b"OK",
            b"NO ",
            b"BYE",
            b"PREAUTH ",
            b"[ALERT]",
            b"[CAPABILITY ",
            b"IMAP4rev1",
            b"]",
            b"\xc3\xa9",
            b"1 FETCH (",
            b"ENVELOPE (",
            b"INTERNALDATE ",
            b"NIL",
            b"(",
            b")",
            b"\"",
            b"\\",
            b"{3}\r\n",
            b"{99999999999}\r\n",
            b"\r\n",
            b"\n",
            b" ",
            b"\0",
            b"\r",
            b"BODY[",
            b"UID 4294967296",
            b"2 EXISTS",
            b"FLAGS (",
            b"[BADCHARSET (",
            b"\xff",
        ];
        prop_oneof![8 => prop::sample::select(known).prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..6)]
    }
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_bytes_make_the_guard_or_the_parser_behind_it_panic(parts in prop::collection::vec(fragment(), 0..40)) {
            let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let wire = parts.concat();
            let (all, _) = rt.block_on(passed(&[&wire]));
            for response in all {
                let parsed = imap_proto::Response::parse(&response);
                prop_assert!(matches!(parsed, Ok(([], _))));
            }
        }
    }
}
