//! Text from outside, made safe once: a [`Text`] cannot hold a control byte, an escape sequence, a bidi
//! override, an invisible format character, or more than a bounded number of characters. Server banners, queue contents, command output
//! and log lines become a `Text` before they can reach a screen, a journal or a report. What was
//! there stays visible: ESC is drawn as `␛`, a stray byte as `\xff`.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// The most characters that a [`Text`] keeps unless the caller asks for another bound.
pub const MAX_CHARS: usize = 512;
/// The most characters of a command that is shown before it runs. One that is longer is not run.
pub const MAX_COMMAND: usize = 8_192;
/// The most characters kept of what a command of an action printed.
pub const MAX_SAID: usize = 4_000;

/// A sanitised, bounded piece of text. Deserialising sanitises again: a journal file is outside text too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// Sanitises bytes that may be of any encoding: what is not UTF-8 is shown as `\xNN`.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self::bounded(bytes, MAX_CHARS)
    }

    /// As [`Text::from_bytes`] with a bound of its own, in characters.
    pub fn bounded(bytes: &[u8], max: usize) -> Self {
        Self::filled(bytes, max).0
    }

    /// As [`Text::bounded`], but `None` when not all of it fits.
    pub fn whole(bytes: &[u8], max: usize) -> Option<Self> {
        let (text, fits) = Self::filled(bytes, max);
        fits.then_some(text)
    }

    fn filled(bytes: &[u8], max: usize) -> (Self, bool) {
        let mut out = String::with_capacity(bytes.len().min(max) + 4);
        let mut count = 0;
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                if !push_visible(&mut out, c, &mut count, max) {
                    return (Self(out), false);
                }
            }
            for b in chunk.invalid() {
                if !push_counted(&mut out, &format!("\\x{b:02x}"), &mut count, max) {
                    return (Self(out), false);
                }
            }
        }
        (Self(out), true)
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn push_counted(out: &mut String, piece: &str, count: &mut usize, max: usize) -> bool {
    let n = piece.chars().count();
    if *count + n > max {
        if !out.ends_with('…') {
            out.push('…');
        }
        return false;
    }
    out.push_str(piece);
    *count += n;
    true
}

fn push_visible(out: &mut String, c: char, count: &mut usize, max: usize) -> bool {
    let mut buf = [0u8; 4];
    let piece: Cow<'_, str> = match c {
        '\t' => " ".into(),
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('␀').to_string().into(),
        '\u{7f}' => "␡".into(),
        c if is_hidden(c) => format!("\\u{{{:x}}}", c as u32).into(),
        c => {
            let s: &str = c.encode_utf8(&mut buf);
            return push_counted(out, s, count, max);
        }
    };
    push_counted(out, &piece, count, max)
}

/// C1 controls, bidi controls, and invisible format characters: they move or hide what stands beside them.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}
impl From<&str> for Text {
    fn from(s: &str) -> Self {
        Self::from_bytes(s.as_bytes())
    }
}
impl From<String> for Text {
    fn from(s: String) -> Self {
        Self::from_bytes(s.as_bytes())
    }
}
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::bounded(Cow::<str>::deserialize(d)?.as_bytes(), MAX_COMMAND + 1))
    }
}

/// The name of a server, a door, a queue or a job: sanitised, at most 128 characters, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(Arc<str>);

impl Name {
    /// A name from any string; what cannot be drawn is made visible.
    pub fn new(s: &str) -> Self {
        Self(Text::bounded(s.as_bytes(), 128).as_str().into())
    }
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}
impl From<&str> for Name {
    fn from(s: &str) -> Self {
        Self::new(s)
    }
}
impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::new(&Cow::<str>::deserialize(d)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_bytes_are_made_visible() {
        assert_eq!(Text::from_bytes(b"a\x1b[31mred\x07\r\n").as_str(), "a␛[31mred␇␍␊");
        assert_eq!(Text::from_bytes(b"\xff\x9bok\x7f").as_str(), "\\xff\\x9bok␡");
        assert_eq!(
            Text::from("pay\u{202e}gpj.exe\u{9b}").as_str(),
            "pay\\u{202e}gpj.exe\\u{9b}"
        );
    }

    #[test]
    fn overlong_text_is_cut_and_says_so() {
        let t = Text::bounded(&[b'x'; 100], 10);
        assert_eq!(t.as_str(), "xxxxxxxxxx…");
    }

    #[test]
    fn a_long_command_fits_whole_or_not_at_all_and_is_read_back_as_it_was() {
        let long = "x".repeat(MAX_COMMAND);
        let t = Text::whole(long.as_bytes(), MAX_COMMAND).unwrap();
        assert_eq!(t.as_str(), long);
        assert_eq!(Text::whole(format!("{long}x").as_bytes(), MAX_COMMAND), None);
        assert_eq!(Text::whole("…x".as_bytes(), 1), None);
        for t in [t, Text::bounded(format!("{long}x").as_bytes(), MAX_COMMAND)] {
            let json = serde_json::to_string(&t).unwrap();
            assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), t);
        }
    }

    #[test]
    fn reading_it_back_sanitises_again() {
        let t: Text = serde_json::from_str(r#""a\u001b[2J""#).unwrap();
        assert_eq!(t.as_str(), "a␛[2J");
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_control_character_and_sanitising_twice_changes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let t = Text::from_bytes(&bytes);
            prop_assert!(t.chars().all(|c| !c.is_control() && !is_hidden(c)));
            prop_assert!(t.chars().count() <= MAX_CHARS + 1);
            if !t.ends_with('…') {
                prop_assert_eq!(Text::from(t.as_str()), t);
            }
        }
    }
}
