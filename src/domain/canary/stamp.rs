//! The stamp of a letter: which canary, which run, which number, when, what body, and a signature over all of it. One
//! header of words, so that a mail system may fold it as it likes (RFC 5322 2.2.3). The signature and the hashes are made and
//! checked elsewhere; here it is decided what they mean.

use std::fmt;

use jiff::Timestamp;

use super::{Name, Place, Run, State, StrayWhy};

/// The header that holds a stamp.
pub const HEADER: &str = "X-Mailtop-Canary";
/// The most bytes of a stamp that are looked at.
const MAX: usize = 1_024;

/// What a stamp says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The canary.
    pub name: Name,
    /// The run.
    pub run: Run,
    /// The letter's number in it.
    pub seq: u64,
    /// When it was sent, by the sender's clock.
    pub at: Timestamp,
    /// The SHA-256 of its body, canonical, in hexadecimal.
    pub body: String,
}

impl Stamp {
    /// The words that are signed.
    pub fn signed(&self) -> String {
        let Self {
            name,
            run,
            seq,
            at,
            body,
        } = self;
        let (run, at) = (run.as_str(), at.as_microsecond());
        format!("v1 name={name} run={run} seq={seq} at={at} body={body}")
    }

    /// The header's value, with the signature in hexadecimal.
    pub fn with(&self, signature: &str) -> String {
        format!("{} mac={signature}", self.signed())
    }

    /// Reads a header's value; beside the stamp its signature. Blanks and line ends between words are free, everything else
    /// has one form: what is signed is made anew from what was read.
    pub fn read(value: &str) -> Option<(Self, String)> {
        let mut words = value.get(..value.len().min(MAX))?.split_ascii_whitespace();
        let mut next = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
        if value.split_ascii_whitespace().next() != Some("v1") {
            return None;
        }
        // The version is a word without a value.
        let _ = next("v1");
        let name = next("name").filter(|n| is_name(n))?;
        let run = Run::read(&next("run")?)?;
        let seq = number(&next("seq")?)?;
        let at = Timestamp::from_microsecond(i64::try_from(number(&next("at")?)?).ok()?).ok()?;
        let body = next("body").filter(|b| is_digest(b))?;
        let signature = next("mac").filter(|m| is_digest(m))?;
        let stamp = Self {
            name: Name::new(&name),
            run,
            seq,
            at,
            body,
        };
        words.next().is_none().then_some((stamp, signature))
    }
}

/// Whether a word may be a canary's name.
pub fn is_name(word: &str) -> bool {
    (1..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_digest(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A number in its one form: digits without a sign or zeros before them.
fn number(word: &str) -> Option<u64> {
    let n: u64 = word.parse().ok()?;
    (n.to_string() == word).then_some(n)
}

/// What a message in the mailbox is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// A letter of this run.
    Ours {
        /// What its stamp says.
        stamp: Stamp,
        /// In what state it came.
        state: State,
    },
    /// It looks like a letter of this canary, and is none of this run.
    Stray(StrayWhy),
    /// Something else: another canary's letter, or no letter at all.
    Other,
}

/// Decides what a message is. `headers` are the values of its stamp headers, `body` the hash of its body as it came, and
/// `verify` says whether a signature over words is ours.
pub fn class((name, run): (&Name, &Run), headers: &[String], body: &str, verify: impl Fn(&str, &str) -> bool) -> Found {
    let [value] = headers else {
        // Two stamps on one message: somebody put them there.
        return if headers.is_empty() {
            Found::Other
        } else {
            Found::Stray(StrayWhy::Forged)
        };
    };
    let Some((stamp, signature)) = Stamp::read(value) else {
        return Found::Stray(StrayWhy::Forged);
    };
    if stamp.name != *name {
        return Found::Other;
    }
    if !verify(&stamp.signed(), &signature) {
        return Found::Stray(StrayWhy::Forged);
    }
    if stamp.run != *run {
        return Found::Stray(StrayWhy::OtherRun);
    }
    let state = if stamp.body == body {
        State::Whole
    } else {
        State::Altered
    };
    Found::Ours { stamp, state }
}

/// A message taken apart: the values of its stamp headers, unfolded, and its body.
pub fn apart(message: &[u8]) -> (Vec<String>, &[u8]) {
    let (mut values, mut rest) = (Vec::<String>::new(), message);
    let mut in_stamp = false;
    while !rest.is_empty() {
        let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |i| i + 1);
        let (line, behind) = rest.split_at(end);
        rest = behind;
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return (values, rest);
        }
        let words = String::from_utf8_lossy(line);
        if words.starts_with([' ', '\t']) {
            if let Some(value) = values.last_mut().filter(|v| in_stamp && v.len() <= MAX) {
                value.push_str(&words);
            }
            continue;
        }
        let value = words
            .split_once(':')
            .filter(|(key, _)| key.trim_end().eq_ignore_ascii_case(HEADER));
        in_stamp = value.is_some();
        values.extend(value.map(|(_, v)| v.trim().to_owned()));
    }
    (values, &[])
}

/// A body as it is hashed: lines end with CRLF, without blanks at their ends and without empty lines at the end of all, which
/// mail systems come and go with (RFC 6376 3.4.4 does likewise).
pub fn canonical(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    for line in body.split(|b| *b == b'\n') {
        out.extend_from_slice(line.trim_ascii_end());
        out.extend_from_slice(b"\r\n");
    }
    while out.ends_with(b"\r\n") {
        out.truncate(out.len() - 2);
    }
    out.extend_from_slice(b"\r\n");
    out
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UID {}", self.uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(seq: u64) -> Stamp {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        Stamp {
            name: "inbound".into(),
            run: Run::new(at, 7),
            seq,
            at,
            body: "a".repeat(64),
        }
    }
    /// A signature that a test can make: the words' length, sixty-four digits wide.
    fn sign(words: &str) -> String {
        format!("{:064x}", words.bytes().map(usize::from).sum::<usize>())
    }
    fn classed(value: &str, body: &str) -> Found {
        let own = stamp(1);
        class((&own.name, &own.run), &[value.to_owned()], body, |words, mac| {
            sign(words) == mac
        })
    }
    fn valid(s: &Stamp) -> String {
        s.with(&sign(&s.signed()))
    }

    #[test]
    fn a_letter_of_this_run_is_ours_and_another_body_makes_it_altered() {
        let s = stamp(3);
        for (body, state) in [("a", State::Whole), ("b", State::Altered)] {
            let found = classed(&valid(&s), &body.repeat(64));
            assert_eq!(
                found,
                Found::Ours {
                    stamp: s.clone(),
                    state
                }
            );
        }
    }

    #[test]
    fn a_stamp_that_was_made_up_or_bent_is_forged_and_one_of_another_run_is_old() {
        let s = stamp(3);
        let forged = Found::Stray(StrayWhy::Forged);
        for bent in [
            s.with(&"0".repeat(64)),
            valid(&s).replace("seq=3", "seq=4"),
            valid(&s).replace("seq=3", "seq=03"),
            format!("{} more=words", valid(&s)),
            "v1".to_owned(),
            String::new(),
            "v2 name=inbound".to_owned(),
            "\u{fc}\u{202e}".repeat(2_000),
        ] {
            assert_eq!(classed(&bent, ""), forged, "{bent}");
        }
        let old = Stamp {
            run: Run::new(Timestamp::from_second(1_700_000_000).unwrap(), 1),
            ..s.clone()
        };
        assert_eq!(classed(&valid(&old), ""), Found::Stray(StrayWhy::OtherRun));
        let other = Stamp {
            name: "other".into(),
            ..s.clone()
        };
        assert_eq!(classed(&valid(&other), ""), Found::Other);
        let two = [valid(&s), valid(&s)];
        assert_eq!(class((&s.name, &s.run), &two, "", |_, _| true), forged);
        assert_eq!(class((&s.name, &s.run), &[], "", |_, _| true), Found::Other);
    }

    #[test]
    fn a_message_is_taken_apart_and_a_folded_stamp_is_one() {
        let s = stamp(12);
        let folded = valid(&s).replace(" run=", "\r\n run=").replace(" mac=", "\n\tmac=");
        let message = format!(
            "Received: from a\r\n\tby b\r\nx-mailtop-canary:  {folded}\r\nSubject: x\r\n folded\r\n\r\nX-Mailtop-Canary: v1\r\nhello\r\n"
        );
        let (values, body) = apart(message.as_bytes());
        assert_eq!(values.len(), 1);
        assert_eq!(Stamp::read(&values[0]).map(|(s, _)| s), Some(s));
        assert_eq!(body, b"X-Mailtop-Canary: v1\r\nhello\r\n");
        assert_eq!(apart(b""), (vec![], &b""[..]));
        assert_eq!(apart(b"no body"), (vec![], &b""[..]));
    }

    #[test]
    fn line_ends_and_blanks_at_ends_do_not_alter_a_body_and_a_footer_does() {
        let same: [&[u8]; 4] = [b"a\r\n\r\nb\r\n", b"a\n\nb", b"a  \r\n\r\nb\r\n\r\n\r\n", b"a\n\nb\n"];
        for body in same {
            assert_eq!(canonical(body), b"a\r\n\r\nb\r\n", "{}", body.escape_ascii());
        }
        assert_ne!(canonical(b"a\n\nb\n-- \nfooter"), canonical(b"a\n\nb\n"));
    }

    proptest! {
        #[test]
        fn a_stamp_is_read_back_as_written_however_it_is_folded(
            seq: u64, micros in 0i64..4_000_000_000_000_000, dice: u32, cut in 0usize..8,
        ) {
            let at = Timestamp::from_microsecond(micros).unwrap();
            let s = Stamp { name: "a.b-c_1".into(), run: Run::new(at, dice), seq, at, body: "0f".repeat(32) };
            let mac = "ab".repeat(32);
            let value = s.with(&mac).replacen(' ', "\r\n\t ", cut);
            prop_assert_eq!(Stamp::read(&value), Some((s, mac)));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let (values, body) = apart(&bytes);
            let _ = canonical(body);
            for v in values {
                let _ = Stamp::read(&v);
            }
        }
    }
}
