//! Deferral reasons, made alike: addresses, numbers of hosts, identifiers and counts are masked, so that
//! ten thousand deferrals for one cause count as one reason. One pass over the text, linear in its length whatever it
//! holds: a deep queue has a million reasons, most of which differ in an address or an identifier.

/// The reason with everything that varies from message to message masked by `…`. SMTP codes (`450`, `4.7.1`) stay.
pub fn masked(reason: &str) -> String {
    let mut out = String::with_capacity(reason.len());
    mask_into(reason, &mut out);
    out
}

/// As [`masked`], added to the end of `out`.
pub fn mask_into(reason: &str, out: &mut String) {
    let text = reason.as_bytes();
    let (mut at, mut copied) = (0, 0);
    // Up to here it is known that no mail address begins: without it, `a.a.a.a` would be read to its end from each `a`.
    let mut no_address_before = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (found, step) = match rest[0] {
            b'<' => (angle_address(rest).map(|n| (n, "<…@…>")), 1),
            b'[' => (host_number(rest).map(|n| (n, "[…]")), 1),
            c if is_word(c) => {
                let word = Word::at(rest);
                let mut found = None;
                if at >= no_address_before && rest.get(word.len).is_some_and(|c| *c == b'@' || is_local_part(*c)) {
                    let local = word.len + run(&rest[word.len..], is_local_part);
                    no_address_before = at + local;
                    found = address(rest, local).map(|n| (n, "…@…"));
                }
                // The rest of a word does not begin anything.
                (found.or_else(|| variable(rest, word).map(|n| (n, "…"))), word.len)
            }
            _ => (None, 1),
        };
        at += step;
        if let Some((len, mask)) = found {
            out.push_str(&reason[copied..at - step]);
            out.push_str(mask);
            at += len - step;
            copied = at;
        }
    }
    out.push_str(&reason[copied..]);
}

const DIGIT: u8 = 1;
const LETTER: u8 = 2;
/// `_`, and every byte of a character outside ASCII.
const OTHER_WORD: u8 = 4;
const WORD: u8 = DIGIT | LETTER | OTHER_WORD;
/// What a mail address may hold before its `@`, beside words.
const ADDRESS_MARK: u8 = 8;

/// The kind of every byte.
static KIND: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut c = 0;
    while c < 256 {
        kinds[c] = match c as u8 {
            b'0'..=b'9' => DIGIT,
            b'A'..=b'Z' | b'a'..=b'z' => LETTER,
            b'_' | 0x80.. => OTHER_WORD,
            b'.' | b'+' | b'=' | b'%' | b'-' => ADDRESS_MARK,
            _ => 0,
        };
        c += 1;
    }
    kinds
};

fn is_word(c: u8) -> bool {
    KIND[usize::from(c)] & WORD != 0
}

fn is_local_part(c: u8) -> bool {
    KIND[usize::from(c)] & (WORD | ADDRESS_MARK) != 0
}

/// How many bytes from the start are of this kind.
fn run(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|c| !is(*c)).unwrap_or(text.len())
}

/// Whether a word ends here: the next byte is none of a word.
fn word_ends(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|c| !is_word(*c))
}

/// `<u1@far.test>`, also with source routes and quotes, as long as there is no space in it.
fn angle_address(text: &[u8]) -> Option<usize> {
    let inner = run(&text[1..], |c| !matches!(c, b'<' | b'>') && !c.is_ascii_whitespace());
    let closed = text.get(1 + inner) == Some(&b'>');
    (closed && text[1..=inner].contains(&b'@')).then_some(inner + 2)
}

/// `u1@far.test`, of which the part before the `@` is `local` bytes long.
fn address(text: &[u8], local: usize) -> Option<usize> {
    if text.get(local) != Some(&b'@') {
        return None;
    }
    let from = local + 1;
    let mut end = from + run(&text[from..], |c| is_word(c) || matches!(c, b'.' | b'-'));
    // A full stop after an address belongs to the sentence.
    while end > from && !is_word(text[end - 1]) {
        end -= 1;
    }
    (end > from).then_some(end)
}

/// `[192.0.2.1]`, `[2001:db8::1]:25`, `[IPv6:…]`.
fn host_number(text: &[u8]) -> Option<usize> {
    let from = if text[1..].starts_with(b"IPv6:") { 6 } else { 1 };
    let len = run(&text[from..], |c| c.is_ascii_hexdigit() || matches!(c, b':' | b'.'));
    let parted = text[from..from + len].iter().any(|c| matches!(c, b':' | b'.'));
    let end = from + len + 1;
    (parted && text.get(end - 1) == Some(&b']')).then(|| end + port(&text[end..]))
}

/// `:25`, or nothing.
fn port(text: &[u8]) -> usize {
    let digits = text.strip_prefix(b":").map_or(0, |t| run(t, |c| c.is_ascii_digit()));
    if digits == 0 { 0 } else { digits + 1 }
}

/// A word, measured in one pass.
#[derive(Clone, Copy)]
struct Word {
    len: usize,
    digits: usize,
    /// Where the second digit stands.
    second: usize,
    /// Whether it is of ASCII letters and digits only.
    plain: bool,
}

impl Word {
    fn at(text: &[u8]) -> Self {
        let mut word = Self {
            len: 0,
            digits: 0,
            second: 0,
            plain: true,
        };
        let mut kinds = 0;
        for c in text {
            let kind = KIND[usize::from(*c)];
            if kind & WORD == 0 {
                break;
            }
            kinds |= kind;
            if kind == DIGIT {
                word.digits += 1;
                if word.digits == 2 {
                    word.second = word.len;
                }
            }
            word.len += 1;
        }
        word.plain = kinds & OTHER_WORD == 0;
        word
    }

    /// Four digits or more, or letters and at least two digits of which the second stands before the last six.
    const fn is_identifier(self) -> bool {
        self.plain && self.digits >= 2 && (self.len - self.second > 6 || (self.digits == self.len && self.len >= 4))
    }
}

/// Something that begins with this word and varies: a host's number, a moment, an identifier, a count.
fn variable(text: &[u8], word: Word) -> Option<usize> {
    match text.get(word.len) {
        Some(b'.') if word.len <= 3 => ipv4(text),
        Some(b':') if word.len <= 4 => ipv6(text),
        Some(b'-') if word.len == 8 => uuid(text),
        Some(b'-') if word.len == 4 => moment(text),
        _ => None,
    }
    .or_else(|| word.is_identifier().then_some(word.len))
}

fn ipv4(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for part in 0..4 {
        if part > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let digits = run(&text[at..], |c| c.is_ascii_digit());
        if !(1..=3).contains(&digits) {
            return None;
        }
        at += digits;
    }
    word_ends(text, at).then(|| at + port(&text[at..]))
}

fn ipv6(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..3 {
        let digits = run(&text[at..], |c| c.is_ascii_hexdigit());
        if !(1..=4).contains(&digits) || text.get(at + digits) != Some(&b':') {
            return None;
        }
        at += digits + 1;
    }
    let tail = run(&text[at..], |c| c.is_ascii_hexdigit() || c == b':');
    (tail > 0).then_some(at + tail)
}

/// Whether `text` begins with this picture, in which `x` is a hexadecimal digit, `9` a digit, and the rest itself.
fn begins(text: &[u8], picture: &[u8]) -> bool {
    text.len() >= picture.len()
        && picture.iter().zip(text).all(|(p, c)| match p {
            b'x' => c.is_ascii_hexdigit(),
            b'9' => c.is_ascii_digit(),
            _ => p == c,
        })
}

fn uuid(text: &[u8]) -> Option<usize> {
    (begins(text, b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") && word_ends(text, 36)).then_some(36)
}

/// `2026-11-23T14:00:07Z`, `2026-11-23 14:00:07.123`: to the next space.
fn moment(text: &[u8]) -> Option<usize> {
    (begins(text, b"9999-99-99T99:99:99") || begins(text, b"9999-99-99 99:99:99"))
        .then(|| 19 + run(&text[19..], |c| !c.is_ascii_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_varies_is_masked_and_the_cause_stays() {
        for (raw, want) in [
            (
                "connect to 127.0.0.1[127.0.0.1]:10026: Connection refused",
                "connect to …[…]: Connection refused",
            ),
            (
                "host mx.far.test[2001:db8::1] said: 450 4.7.1 <u1@far.test>: Recipient address rejected: Greylisted (in reply to RCPT TO command)",
                "host mx.far.test[…] said: 450 4.7.1 <…@…>: Recipient address rejected: Greylisted (in reply to RCPT TO command)",
            ),
            (
                "451 4.3.0 queue id 4jY6yb2fsrz1SRqc try later",
                "451 4.3.0 queue id … try later",
            ),
            ("452 4.2.2 over quota", "452 4.2.2 over quota"),
            ("mail for u.1+tag=x@far.test. Wait", "mail for …@…. Wait"),
            (
                "<root> and <a b@c> stay, <@r:a@b> goes",
                "<root> and <a …@…> stay, <…@…> goes",
            ),
            ("[IPv6:2001:db8::1]:25 [x] [12] []", "[…] [x] [12] []"),
            ("from 10.1.2.3:587, 10.1.2 and 1.2.3.4.5", "from …, 10.1.2 and ….5"),
            ("to 2001:db8:0:1::25 at 10:20 in a:b", "to … at 10:20 in a:b"),
            ("id 01234567-89ab-cdef-0123-456789abcdef.", "id …."),
            ("since 2026-11-23T14:00:07.5Z, 2026-11-23 14:00:07 on", "since … … on"),
            (
                "421-4.7.28 p=UnsolicitedRateLimitError d2e1a72fcca58-20020a056a si1234567plb.45 - gsmtp",
                "421-4.7.28 p=UnsolicitedRateLimitError …-… ….45 - gsmtp",
            ),
            (
                "after 300 of 86400 seconds at mx1234.x",
                "after 300 of … seconds at mx1234.x",
            ),
            ("zu viele Empfänger für ä@ö.test", "zu viele Empfänger für …@…"),
            ("", ""),
        ] {
            assert_eq!(masked(raw), want, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn masking_twice_changes_nothing_more(raw in r"([a-z0-9@<>\[\]:.…_ -]|\PC){0,60}") {
            let once = masked(&raw);
            prop_assert_eq!(masked(&once), once);
        }

        #[test]
        fn any_text_is_masked_without_a_panic(raw in any::<String>()) {
            let _ = masked(&raw);
        }
    }

    #[test]
    fn hostile_reasons_take_time_in_proportion_to_their_length() {
        // A quadratic pass over these megabytes would take hours.
        for piece in ["a.", "1.", "a:", "<", "<a@", "[", "12345678-", "1234-", "a@", "…", "9"] {
            let long = piece.repeat(2_000_000 / piece.len());
            assert!(masked(&long).len() <= 4 * long.len(), "{piece}");
        }
    }
}
