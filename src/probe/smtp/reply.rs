//! A reply of SMTP and LMTP (RFC 5321 4.2): a code of three digits, perhaps an enhanced one (RFC 2034, RFC 3463), and
//! words over one or several lines. Sanitised and bounded on its way in.

use super::super::lines::{Broken, Lines};
use crate::domain::Text;

/// The most words that are kept of one reply, in bytes.
const KEPT: usize = 400;

/// One reply.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// Its code: 250.
    pub code: u16,
    /// The enhanced code: 4.7.1.
    pub enhanced: Option<[u16; 3]>,
    /// The words of all lines, without the codes.
    pub text: Text,
    /// The words line by line, as they came: what EHLO offers.
    pub lines: Vec<String>,
}

/// One line of a reply.
struct Line {
    code: u16,
    last: bool,
    words: Vec<u8>,
}

impl Reply {
    /// Reads the next one to its last line.
    pub async fn read(lines: &mut Lines) -> Result<Self, Broken> {
        let first = Self::line(lines).await?;
        Self::rest(lines, first).await
    }

    /// The first line of the next one, and whether more follow.
    pub async fn begun(lines: &mut Lines) -> Result<Begun, Broken> {
        let first = Self::line(lines).await?;
        Ok(Begun {
            more: !first.last,
            first,
        })
    }

    async fn line(lines: &mut Lines) -> Result<Line, Broken> {
        let raw = lines.line().await?;
        parse(&raw).ok_or_else(|| Broken::Strange(Text::bounded(raw.trim_ascii_end(), 200)))
    }

    async fn rest(lines: &mut Lines, first: Line) -> Result<Self, Broken> {
        let code = first.code;
        let mut all = vec![first];
        while all.last().is_some_and(|l| !l.last) {
            let next = Self::line(lines).await?;
            // RFC 5321 4.2.1: the code of every line is the same.
            if next.code != code {
                let words = format!("{} in the middle of an answer {code}", next.code);
                return Err(Broken::Strange(words.into()));
            }
            all.push(next);
        }
        Ok(Self::of(code, &all))
    }

    fn of(code: u16, all: &[Line]) -> Self {
        let mut enhanced = None;
        let mut words: Vec<Vec<u8>> = Vec::new();
        for line in all {
            let (own, rest) = split_enhanced(&line.words);
            enhanced = enhanced.or(own.filter(|e| e[0] == code / 100));
            words.push(if own.is_some() {
                rest.to_vec()
            } else {
                line.words.clone()
            });
        }
        Self {
            code,
            enhanced,
            text: Text::bounded(&words.join(&b' '), KEPT),
            lines: all
                .iter()
                .map(|l| String::from_utf8_lossy(&l.words).into_owned())
                .collect(),
        }
    }

    /// Whether it says yes: 2xx.
    pub const fn is_yes(&self) -> bool {
        self.code / 100 == 2
    }
    /// Whether it says "not now": 4xx.
    pub const fn is_not_now(&self) -> bool {
        self.code / 100 == 4
    }
    /// Both codes as they are written: `450 4.7.1`.
    pub fn codes(&self) -> Text {
        match self.enhanced {
            Some([a, b, c]) => format!("{} {a}.{b}.{c}", self.code).into(),
            None => self.code.to_string().into(),
        }
    }
    /// Whether its enhanced code has this subject and, where one is given, this detail.
    pub fn about(&self, subject: u16, detail: Option<u16>) -> bool {
        self.enhanced
            .is_some_and(|[_, s, d]| s == subject && detail.is_none_or(|wanted| wanted == d))
    }
}

/// A reply whose first line came.
pub struct Begun {
    first: Line,
    /// Whether more lines are to come.
    pub more: bool,
}

impl Begun {
    /// Reads it to its end.
    pub async fn whole(self, lines: &mut Lines) -> Result<Reply, Broken> {
        Reply::rest(lines, self.first).await
    }
}

/// `250-words`, `250 words` or `250`.
fn parse(line: &[u8]) -> Option<Line> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) || !(b'2'..=b'5').contains(&digits[0]) {
        return None;
    }
    let code = digits.iter().fold(0, |n, d| n * 10 + u16::from(d - b'0'));
    let (last, words) = match rest {
        [] => (true, rest),
        [b' ', words @ ..] => (true, words),
        [b'-', words @ ..] => (false, words),
        _ => return None,
    };
    Some(Line {
        code,
        last,
        words: words.to_vec(),
    })
}

/// `4.7.1 words` into the code and the words.
fn split_enhanced(words: &[u8]) -> (Option<[u16; 3]>, &[u8]) {
    let end = words.iter().position(|b| *b == b' ').unwrap_or(words.len());
    let read = || {
        let word = std::str::from_utf8(&words[..end]).ok()?;
        let mut parts = word.split('.').map(|p| p.parse::<u16>().ok());
        let code = [parts.next()??, parts.next()??, parts.next()??];
        (parts.next().is_none() && matches!(code[0], 2 | 4 | 5)).then_some(code)
    };
    match read() {
        Some(code) => (Some(code), words[end..].trim_ascii_start()),
        None => (None, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(wire: &[&str]) -> Reply {
        let all: Vec<Line> = wire.iter().map(|l| parse(l.as_bytes()).unwrap()).collect();
        Reply::of(all[0].code, &all)
    }

    #[test]
    fn codes_are_taken_off_the_words_of_every_line() {
        let r = reply(&["450-4.7.1 first", "450 4.7.1 second"]);
        assert_eq!(
            (r.code, r.enhanced, r.text.as_str()),
            (450, Some([4, 7, 1]), "first second")
        );
        assert_eq!(r.codes().as_str(), "450 4.7.1");
        assert!(r.is_not_now() && r.about(7, Some(1)) && r.about(7, None) && !r.about(1, None));
        let r = reply(&["250-mx.test", "250-SIZE 10240000", "250 DSN"]);
        assert_eq!(
            (r.enhanced, r.lines),
            (None, vec!["mx.test".into(), "SIZE 10240000".into(), "DSN".into()])
        );
        // An enhanced code of another class is only words.
        assert_eq!(reply(&["250 5.1.1 odd"]).enhanced, None);
        assert_eq!(reply(&["220"]).text.as_str(), "");
    }

    #[test]
    fn what_is_no_reply_is_none() {
        for wire in ["", "25", "abc words", "250_x", "199 x", "650 x", "* OK imap", "+OK pop"] {
            assert!(parse(wire.as_bytes()).is_none(), "{wire}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(l) = parse(&line) {
                let _ = Reply::of(l.code, &[l]);
            }
        }
    }
}
