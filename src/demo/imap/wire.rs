//! IMAP commands off the wire (RFC 9051 section 4): one command, literals and all, bounded, split into its words.

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most bytes of one line.
const MAX_LINE: u64 = 8 * 1024;
/// The most bytes of one literal.
const MAX_LITERAL: usize = 4 * 1024;
/// The most bytes of one command with its literals.
const MAX_COMMAND: usize = 16 * 1024;

/// One command: `a1 LOGIN "probe" {6}…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// The client's tag.
    pub tag: String,
    /// The verb, upper-cased.
    pub verb: String,
    /// The words after it. A parenthesised list is one word, parentheses kept.
    pub words: Vec<Vec<u8>>,
}

/// Why no command could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unread {
    /// The client is gone.
    Gone,
    /// A line, a literal or a command beyond its bound.
    TooLong,
    /// Not a command. The tag is not known.
    Malformed,
}

/// Reads one line without its end; bounded.
pub async fn read_line<R: AsyncBufRead + Unpin>(reader: &mut R) -> Result<Vec<u8>, Unread> {
    let mut line = Vec::new();
    let read = reader.take(MAX_LINE).read_until(b'\n', &mut line).await;
    match read {
        Err(_) | Ok(0) => return Err(Unread::Gone),
        Ok(_) if line.last() != Some(&b'\n') => {
            return Err(if line.len() as u64 == MAX_LINE {
                Unread::TooLong
            } else {
                Unread::Gone
            });
        }
        Ok(_) => {}
    }
    line.pop();
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

/// Reads one command, asking for its literals where they wait to be asked for.
pub async fn read_command<S: AsyncBufRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<Command, Unread> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut total = 0;
    loop {
        let mut line = read_line(stream).await?;
        total += line.len();
        let literal = literal_at_end(&line);
        if let Some(literal) = &literal {
            line.truncate(literal.starts);
        }
        pieces.push(Piece::Line(line));
        let Some(literal) = literal else {
            break;
        };
        total = total.saturating_add(literal.len);
        if literal.len > MAX_LITERAL || total > MAX_COMMAND {
            return Err(Unread::TooLong);
        }
        if literal.wait == Wait::ForUs {
            stream.write_all(b"+ OK\r\n").await.map_err(|_| Unread::Gone)?;
            stream.flush().await.map_err(|_| Unread::Gone)?;
        }
        let mut bytes = vec![0; literal.len];
        stream.read_exact(&mut bytes).await.map_err(|_| Unread::Gone)?;
        pieces.push(Piece::Literal(bytes));
    }
    parse(&pieces).ok_or(Unread::Malformed)
}

#[derive(Debug)]
enum Piece {
    Line(Vec<u8>),
    Literal(Vec<u8>),
}

#[derive(PartialEq, Eq, Debug)]
struct Literal {
    /// Where its `{` stands.
    starts: usize,
    len: usize,
    wait: Wait,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wait {
    /// `{5}`: the client sends it after our `+`.
    ForUs,
    /// `{5+}` (RFC 7888).
    ForNobody,
}

/// The `{5}` or `{5+}` that announces a literal at the end of a line.
fn literal_at_end(line: &[u8]) -> Option<Literal> {
    let inner = line.strip_suffix(b"}")?;
    let starts = inner.iter().rposition(|b| *b == b'{')?;
    let (digits, wait) = match inner[starts + 1..].strip_suffix(b"+") {
        Some(digits) => (digits, Wait::ForNobody),
        None => (&inner[starts + 1..], Wait::ForUs),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // A number too large for us is still a literal, one that is too long.
    let len = std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX);
    Some(Literal { starts, len, wait })
}

fn parse(pieces: &[Piece]) -> Option<Command> {
    let mut words = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Literal(bytes) => words.push(bytes.clone()),
            Piece::Line(line) => split_words(line, &mut words)?,
        }
    }
    let mut words = words.into_iter();
    let tag = String::from_utf8(words.next()?).ok()?;
    let verb = String::from_utf8(words.next()?).ok()?.to_ascii_uppercase();
    let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_graphic() && !b"(){%*\"\\+".contains(&b));
    (plain(&tag) && plain(&verb)).then(|| Command {
        tag,
        verb,
        words: words.collect(),
    })
}

/// Atoms, quoted strings and parenthesised lists of one line; `None` where a quote or parenthesis stays open.
fn split_words(line: &[u8], words: &mut Vec<Vec<u8>>) -> Option<()> {
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        match rest.first() {
            None => return Some(()),
            Some(b'"') => {
                let (word, after) = quoted(&rest[1..])?;
                words.push(word);
                rest = after;
            }
            Some(b'(') => {
                let end = rest.iter().position(|b| *b == b')')? + 1;
                words.push(rest[..end].to_vec());
                rest = &rest[end..];
            }
            Some(_) => {
                let end = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
                words.push(rest[..end].to_vec());
                rest = &rest[end..];
            }
        }
    }
}

/// A quoted string after its opening quote, and what follows it.
fn quoted(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((word, &bytes[at + 1..])),
            b'\\' => {
                at += 1;
                word.push(*bytes.get(at)?);
            }
            b => word.push(*b),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, BufStream};

    async fn read(sent: &[u8]) -> (Result<Command, Unread>, String) {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        client.write_all(sent).await.unwrap();
        client.shutdown().await.unwrap();
        let mut server = BufStream::new(server);
        let got = read_command(&mut server).await;
        drop(server);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        (got, answer)
    }

    fn command(tag: &str, verb: &str, words: &[&str]) -> Command {
        Command {
            tag: tag.into(),
            verb: verb.into(),
            words: words.iter().map(|w| w.as_bytes().to_vec()).collect(),
        }
    }

    #[tokio::test]
    async fn a_command_is_read_with_atoms_quotes_lists_and_literals() {
        let (got, _) = read(b"a1 login \"pro\\\"be\" secret\r\n").await;
        assert_eq!(got.unwrap(), command("a1", "LOGIN", &["pro\"be", "secret"]));
        let (got, answer) = read(b"a LOGIN {5}\r\nprobe {6+}\r\nse\r\nct\r\n").await;
        assert_eq!(got.unwrap(), command("a", "LOGIN", &["probe", "se\r\nct"]));
        assert_eq!(answer, "+ OK\r\n", "only the literal that waits is asked for");
        let (got, _) = read(b"a FETCH 1 (ENVELOPE UID)\n").await;
        assert_eq!(got.unwrap(), command("a", "FETCH", &["1", "(ENVELOPE UID)"]));
    }

    #[tokio::test]
    async fn what_is_too_long_or_no_command_is_refused_and_nothing_is_kept() {
        assert_eq!(read(&[b'x'; 9_000]).await.0, Err(Unread::TooLong));
        assert_eq!(read(b"a LOGIN {4097}\r\n").await.0, Err(Unread::TooLong));
        assert_eq!(
            read(b"a LOGIN {99999999999999999999999}\r\n").await.0,
            Err(Unread::TooLong)
        );
        assert_eq!(read(b"").await.0, Err(Unread::Gone));
        assert_eq!(read(b"a LOGIN x").await.0, Err(Unread::Gone));
        for bad in [
            "\r\n",
            "a\r\n",
            "a LOGIN \"x\r\n",
            "\x16\x03\x01 x\r\n",
            "a FETCH 1 (X\r\n",
        ] {
            assert_eq!(read(bad.as_bytes()).await.0, Err(Unread::Malformed), "{bad:?}");
        }
    }
}
