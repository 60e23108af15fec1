//! Who armed a resume and why, as its description on the server says it: `mailtop:BY:WHY`, each in the "Q" encoding of
//! RFC 2047 section 4.2 without its frame. What comes out holds letters, digits and few signs: nothing that a shell, a unit
//! file or a rule of sudo takes for special, so that a rule can hold it.

use crate::domain::Text;

/// The beginning of each description.
const HEAD: &str = "mailtop:";
/// The most bytes of a description.
pub(super) const MAX: usize = 200;
/// The most bytes of who, so that there is always room for why.
const MAX_BY: usize = 90;
/// What stands for itself beside letters and digits.
const PLAIN: &[u8] = b"!*+-/.,@";
/// What stands where more would not fit.
const CUT: char = '…';

/// What a description says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Told {
    pub by: Option<Text>,
    pub why: Option<Text>,
}

/// The description of who and why.
pub(super) fn encode(by: &str, why: &str) -> String {
    let by = words(by, MAX_BY);
    let room = MAX.saturating_sub(HEAD.len() + by.len() + 1);
    format!("{HEAD}{by}:{}", words(why, room))
}

/// Who and why, of a description; nothing of one that is not ours, or is not whole.
pub(super) fn decode(description: &str) -> Told {
    let both = description.strip_prefix(HEAD).and_then(|rest| rest.split_once(':'));
    let Some((by, why)) = both.filter(|_| description.len() <= MAX) else {
        return Told::default();
    };
    let text = |word: &str| unquoted(word).map(|b| Text::from_bytes(&b)).filter(|t| !t.is_empty());
    Told {
        by: text(by),
        why: text(why),
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || PLAIN.contains(&byte)
}

fn quoted(c: char) -> String {
    let mut bytes = [0; 4];
    let one = |b: &u8| match *b {
        b' ' => "_".to_owned(),
        b if is_plain(b) => char::from(b).to_string(),
        b => format!("={b:02X}"),
    };
    c.encode_utf8(&mut bytes).as_bytes().iter().map(one).collect()
}

/// A text in at most so many bytes. What does not fit ends at a whole character and says so.
fn words(text: &str, max: usize) -> String {
    let whole: String = text.chars().map(quoted).collect();
    if whole.len() <= max {
        return whole;
    }
    let cut = quoted(CUT);
    let mut out = String::new();
    for piece in text.chars().map(quoted) {
        if out.len() + piece.len() + cut.len() > max {
            break;
        }
        out.push_str(&piece);
    }
    out + &cut
}

fn unquoted(word: &str) -> Option<Vec<u8>> {
    let mut out = vec![];
    let mut bytes = word.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b if is_plain(b) => b,
            _ => return None,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_description_is_exact() {
        assert_eq!(
            encode("ops@here (root)", "queue: 50% off_\"ü\""),
            "mailtop:ops@here_=28root=29:queue=3A_50=25_off=5F=22=C3=BC=22"
        );
        assert_eq!(encode("ops@here", ""), "mailtop:ops@here:");
    }

    #[test]
    fn what_is_not_ours_or_not_whole_says_nothing() {
        for other in [
            "",
            "Daily cleanup",
            "mailtop:",
            "mailtop:a",
            "mailtop:a=4:b=",
            "mailtop:a$:b c",
        ] {
            assert_eq!(decode(other), Told::default(), "{other}");
        }
        let half = decode("mailtop:a=Z0:b");
        assert_eq!((half.by, half.why.as_deref()), (None, Some("b")));
        assert_eq!(decode("mailtop:a:=1B[2J").why, None);
        assert_eq!(decode("mailtop:a:=1B=5B2J").why.as_deref(), Some("␛[2J"));
    }

    proptest! {
        #[test]
        fn who_and_why_come_back_whole_or_cut_at_a_whole_character(by in "\\PC{0,60}", why in "\\PC{0,120}|[ '\"$%:;=_\\\\ü😀]{0,60}") {
            let told = encode(&by, &why);
            prop_assert!(told.len() <= MAX, "{}", told.len());
            prop_assert!(told.bytes().all(|b| is_plain(b) || b"_=:".contains(&b)), "{told}");
            prop_assert_eq!(told.matches(':').count(), 2);
            let back = decode(&told);
            for (was, is) in [(by, back.by), (why, back.why)] {
                let (was, is) = (Text::from(was.as_str()), is.unwrap_or_default());
                match is.strip_suffix(CUT) {
                    Some(head) if is != was => prop_assert!(was.starts_with(head), "{was} {is}"),
                    _ => prop_assert_eq!(is, was),
                }
            }
        }

        #[test]
        fn no_description_makes_it_panic(text in "(mailtop:)?[ -~]{0,80}") {
            let _ = decode(&text);
        }
    }
}
