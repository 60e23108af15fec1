//! What an IMAP server answers to the few commands that watching a mailbox takes. Pure: one whole response in, what it means
//! out; whatever is not understood is `Other`. What is read is numbers and one literal, so nothing of the server's words is
//! carried on but in a [`Text`].

use crate::domain::Text;

/// One whole response: its line, with each literal (RFC 9051 4.3) cut out of it and kept beside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Response {
    /// The line without its end. A literal's `{n}` stands in it, its bytes do not.
    pub line: Vec<u8>,
    /// The literals, in their order.
    pub literals: Vec<Vec<u8>>,
}

/// What a response means here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Means {
    /// The mailbox holds so many messages: there may be new ones.
    Exists,
    /// The UIDs that fit a search.
    Search(Vec<u32>),
    /// A message: its UID and what was asked of it.
    Message(u32, Vec<u8>),
    /// The server waits for more of a command, or idles.
    Continue,
    /// UIDVALIDITY of the mailbox that is being opened.
    Validity(u32),
    /// The next UID in it.
    Next(u32),
    /// It ends the connection.
    Bye(Text),
    /// The end of the command with this tag.
    Done {
        /// The tag.
        tag: String,
        /// Whether it was done.
        done: Result<(), Text>,
        /// Whether the mailbox is open for reading only.
        read_only: bool,
    },
    /// Nothing that matters.
    Other,
}

/// The bytes that the literal at the end of a line announces: `{123}`. Only message data carries one here; the text of a
/// status line may look as if it did.
pub fn literal(line: &[u8]) -> Option<usize> {
    line.strip_prefix(b"* ")?.first().filter(|b| b.is_ascii_digit())?;
    let inside = line.strip_suffix(b"}")?;
    let inside = inside.strip_suffix(b"+").unwrap_or(inside);
    let at = inside.iter().rposition(|b| *b == b'{')?;
    let number = &inside[at + 1..];
    (!number.is_empty() && number.iter().all(u8::is_ascii_digit)).then_some(())?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// What a response means.
pub fn read(response: Response) -> Means {
    let line = response.line.as_slice();
    if line.starts_with(b"+") {
        return Means::Continue;
    }
    let Some(rest) = line.strip_prefix(b"* ") else {
        return tagged(line);
    };
    let upper = rest.to_ascii_uppercase();
    if let Some(list) = upper.strip_prefix(b"SEARCH") {
        return Means::Search(list.split(|b| *b == b' ').filter_map(number).collect());
    }
    if upper.starts_with(b"BYE") {
        return Means::Bye(Text::bounded(rest.get(3..).unwrap_or_default().trim_ascii(), 200));
    }
    if let Some(n) = in_code(&upper, b"[UIDVALIDITY ") {
        return Means::Validity(n);
    }
    if let Some(n) = in_code(&upper, b"[UIDNEXT ") {
        return Means::Next(n);
    }
    let mut words = upper.splitn(3, |b| *b == b' ');
    let counted = words.next().and_then(number).is_some();
    match (counted, words.next()) {
        (true, Some(b"EXISTS")) => Means::Exists,
        (true, Some(b"FETCH")) => message(words.next().unwrap_or_default(), response.literals),
        _ => Means::Other,
    }
}

fn tagged(line: &[u8]) -> Means {
    let text = String::from_utf8_lossy(line);
    let mut words = text.splitn(3, ' ');
    let (Some(tag), Some(word)) = (words.next(), words.next()) else {
        return Means::Other;
    };
    let rest = words.next().unwrap_or_default();
    let done = match word.to_ascii_uppercase().as_str() {
        "OK" => Ok(()),
        "NO" | "BAD" => Err(Text::bounded(rest.as_bytes(), 200)),
        _ => return Means::Other,
    };
    Means::Done {
        tag: tag.to_owned(),
        done,
        read_only: rest.to_ascii_uppercase().starts_with("[READ-ONLY]"),
    }
}

/// Of `(UID 5 BODY[]<0> {123})`: the UID, wherever it stands outside of the literal, and the literal. A server may say
/// short data as a quoted string; a letter is never that short.
fn message(items: &[u8], mut literals: Vec<Vec<u8>>) -> Means {
    let words: Vec<&[u8]> = items
        .split(|b| matches!(b, b' ' | b'(' | b')'))
        .filter(|w| !w.is_empty())
        .collect();
    let uid = words.windows(2).find(|w| w[0] == b"UID").and_then(|w| number(w[1]));
    match (uid, literals.len()) {
        (Some(uid), 1) => Means::Message(uid, literals.remove(0)),
        _ => Means::Other,
    }
}

fn in_code(line: &[u8], code: &[u8]) -> Option<u32> {
    let rest = line.strip_prefix(b"OK ")?.strip_prefix(code)?;
    number(&rest[..rest.iter().position(|b| *b == b']')?])
}

fn number(word: &[u8]) -> Option<u32> {
    (!word.is_empty() && word.iter().all(u8::is_ascii_digit)).then_some(())?;
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(line: &str) -> Means {
        read(Response {
            line: line.into(),
            literals: vec![],
        })
    }

    #[test]
    fn the_answers_that_matter_are_read() {
        assert_eq!(of("* 12 EXISTS"), Means::Exists);
        assert_eq!(of("* 12 exists"), Means::Exists);
        assert_eq!(of("* SEARCH 2 84 882"), Means::Search(vec![2, 84, 882]));
        assert_eq!(of("* SEARCH"), Means::Search(vec![]));
        assert_eq!(of("+ idling"), Means::Continue);
        assert_eq!(
            of("* OK [UIDVALIDITY 3857529045] valid"),
            Means::Validity(3_857_529_045)
        );
        assert_eq!(of("* OK [UIDNEXT 4392] Predicted"), Means::Next(4_392));
        assert_eq!(
            of("* BYE shutting\u{1b} down"),
            Means::Bye("shutting\u{1b} down".into())
        );
        for (line, done, read_only) in [
            ("K3 OK [READ-ONLY] done", Ok(()), true),
            ("K3 ok done", Ok(()), false),
            ("K3 NO [SERVERBUG] broken", Err("[SERVERBUG] broken".into()), false),
        ] {
            let tag = "K3".to_owned();
            assert_eq!(of(line), Means::Done { tag, done, read_only }, "{line}");
        }
        for other in [
            "* 12 RECENT",
            "* FLAGS (a)",
            "* 1 FETCH (FLAGS (\\Seen))",
            "",
            "*",
            "K3",
            "* x EXISTS",
        ] {
            assert_eq!(of(other), Means::Other, "{other}");
        }
    }

    #[test]
    fn a_message_is_its_uid_and_its_literal() {
        let fetch = |line: &str, literals: &[&str]| {
            read(Response {
                line: line.into(),
                literals: literals.iter().map(|l| l.as_bytes().to_vec()).collect(),
            })
        };
        let body = || Means::Message(77, b"Subject: x".to_vec());
        assert_eq!(fetch("* 3 FETCH (UID 77 BODY[]<0> {10})", &["Subject: x"]), body());
        assert_eq!(fetch("* 3 FETCH (BODY[]<0> {10} UID 77)", &["Subject: x"]), body());
        assert_eq!(fetch("* 3 FETCH (BODY[]<0> {10})", &["Subject: x"]), Means::Other);
        assert_eq!(fetch("* 3 FETCH (UID 77 FLAGS ())", &[]), Means::Other);
    }

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line() {
        assert_eq!(literal(b"* 3 FETCH (BODY[] {12}"), Some(12));
        assert_eq!(literal(b"* 1 x {12+}"), Some(12));
        for none in [
            &b"* 1 {12} "[..],
            b"* 1 {}",
            b"* 1 {1a}",
            b"* 12}",
            b"* 1 {99999999999999999999999}",
            b"* OK looks like {12}",
            b"K1 OK {12}",
        ] {
            assert_eq!(literal(none), None, "{}", none.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..80), literals in 0usize..3) {
            let _ = literal(&line);
            let starts = [&b""[..], b"* ", b"* 1 FETCH (", b"* OK [UIDNEXT ", b"* SEARCH "];
            for start in starts {
                let line = [start, &line].concat();
                let _ = read(Response { line, literals: vec![vec![]; literals] });
            }
        }
    }
}
