//! An answer of ManageSieve (RFC 5804 1.3, 4): lines of strings, then `OK`, `NO` or `BYE` with perhaps a code and words.
//! Strings are quoted, or literals that go on behind their line.

use super::super::lines::{Broken, Lines};
use crate::domain::Text;

/// The longest literal that is read.
const MAX_LITERAL: usize = 16 * 1024;

/// How an answer ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// `OK`
    Ok,
    /// `NO`
    No,
    /// `BYE`
    Bye,
}

/// One answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// How it ended.
    pub status: Status,
    /// The response code's name, without brackets: `TRYLATER`.
    pub code: Option<Text>,
    /// The words.
    pub text: Text,
    /// The lines before the last, each as its strings.
    lines: Vec<Vec<String>>,
}

impl Answer {
    /// Reads the next one to its end. `challenged` is given each line of one string and may answer it.
    pub async fn read(lines: &mut Lines, mut challenged: impl FnMut(&str) -> Option<String>) -> Result<Self, Broken> {
        let mut before = Vec::new();
        loop {
            let line = logical(lines).await?;
            let parts = split(&line).ok_or_else(|| Broken::Strange(Text::bounded(line.trim_ascii_end(), 200)))?;
            match parts.first() {
                Some(Part::Atom(word)) => {
                    let status = match word.to_ascii_uppercase().as_str() {
                        "OK" => Status::Ok,
                        "NO" => Status::No,
                        "BYE" => Status::Bye,
                        _ => return Err(Broken::Strange(Text::bounded(&line, 200))),
                    };
                    return Ok(Self::of(status, &parts[1..], before));
                }
                Some(Part::String(_)) => {
                    let strings: Vec<String> = parts.into_iter().map(Part::into_string).collect();
                    if let [one] = strings.as_slice()
                        && let Some(answer) = challenged(one)
                    {
                        lines.send(&answer).await?;
                        continue;
                    }
                    before.push(strings);
                }
                _ => return Err(Broken::Strange(Text::bounded(&line, 200))),
            }
        }
    }

    fn of(status: Status, rest: &[Part], lines: Vec<Vec<String>>) -> Self {
        let mut code = None;
        let mut text = Text::default();
        for part in rest {
            match part {
                Part::Code(c) => {
                    let name = c.split(' ').next().unwrap_or_default().to_ascii_uppercase();
                    code = Some(Text::bounded(name.as_bytes(), 64));
                }
                Part::String(s) | Part::Atom(s) => text = Text::bounded(s.trim().as_bytes(), 400),
            }
        }
        Self {
            status,
            code,
            text,
            lines,
        }
    }

    /// What the server says of one of its capabilities; of one without a value, nothing.
    pub fn capability(&self, name: &str) -> Option<&str> {
        let of = self
            .lines
            .iter()
            .find(|l| l.first().is_some_and(|n| n.eq_ignore_ascii_case(name)))?;
        Some(of.get(1).map_or("", |v| v))
    }
}

/// A line with the literals that it announces.
async fn logical(lines: &mut Lines) -> Result<Vec<u8>, Broken> {
    let mut whole = lines.line().await?;
    while let Some(n) = literal(&whole) {
        if n > MAX_LITERAL {
            return Err(Broken::TooMuch(format!("a literal of {n} bytes")));
        }
        // A mark that quoting cannot make: the literal's own bytes follow as a quoted string.
        let start = whole.iter().rposition(|b| *b == b'{').unwrap_or(whole.len());
        whole.truncate(start);
        whole.push(b'"');
        for b in lines.exactly(n).await? {
            if b == b'"' || b == b'\\' {
                whole.push(b'\\');
            }
            whole.push(b);
        }
        whole.push(b'"');
        whole.extend(lines.line().await?);
        if whole.len() > 2 * MAX_LITERAL {
            return Err(Broken::TooMuch("literal after literal".to_owned()));
        }
    }
    Ok(whole)
}

/// The length that a line ending in `{123}` or `{123+}` announces, outside of a quoted string.
fn literal(line: &[u8]) -> Option<usize> {
    let inside = line.strip_suffix(b"}")?;
    let inside = inside.strip_suffix(b"+").unwrap_or(inside);
    let start = inside.iter().rposition(|b| *b == b'{')?;
    let mut quoted = false;
    let mut bytes = line[..start].iter();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' if quoted => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
    if quoted {
        return None;
    }
    std::str::from_utf8(&inside[start + 1..]).ok()?.parse().ok()
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Atom(String),
    String(String),
    Code(String),
}

impl Part {
    fn into_string(self) -> String {
        match self {
            Self::Atom(s) | Self::String(s) | Self::Code(s) => s,
        }
    }
}

/// Takes a line apart.
fn split(line: &[u8]) -> Option<Vec<Part>> {
    let text = String::from_utf8_lossy(line);
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let (part, after) = match first {
            '"' => {
                let (inside, after) = quoted(&rest[1..])?;
                (Part::String(inside), after)
            }
            '(' => {
                let (inside, after) = rest[1..].split_once(')')?;
                (Part::Code(inside.to_owned()), after)
            }
            _ => {
                let end = rest.find(' ').unwrap_or(rest.len());
                (Part::Atom(rest[..end].to_owned()), &rest[end..])
            }
        };
        parts.push(part);
        rest = after.trim_start();
    }
    Some(parts)
}

/// The inside of a quoted string whose first quote was taken, and what follows.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut inside = String::new();
    let mut chars = rest.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((inside, &rest[i + 1..])),
            '\\' => inside.push(chars.next()?.1),
            c => inside.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(line: &str) -> Option<Vec<String>> {
        Some(split(line.as_bytes())?.into_iter().map(Part::into_string).collect())
    }

    #[test]
    fn lines_are_taken_apart_into_atoms_strings_and_codes() {
        assert_eq!(parts(r#""SASL" "PLAIN LOGIN""#).unwrap(), ["SASL", "PLAIN LOGIN"]);
        assert_eq!(
            parts(r#"NO (TRYLATER) "be \"patient\"""#).unwrap(),
            ["NO", "TRYLATER", "be \"patient\""]
        );
        assert_eq!(parts("OK").unwrap(), ["OK"]);
        assert_eq!(parts(r#""open"#), None);
    }

    #[test]
    fn a_literal_is_seen_behind_a_line_and_not_within_a_string() {
        assert_eq!(literal(b"NO {12}"), Some(12));
        assert_eq!(literal(b"{3+}"), Some(3));
        assert_eq!(literal(br#""{12}"#), None);
        assert_eq!(literal(br#""x" {4}"#), Some(4));
        assert_eq!(literal(b"OK"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = (split(&line), literal(&line));
        }
    }
}
