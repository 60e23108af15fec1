//! Deferral reasons, made alike: addresses, numbers of hosts, identifiers and counts are masked, so that
//! ten thousand deferrals for one cause count as one reason.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// The masks in the order in which they apply.
static MASKS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"<[^<>\s]*@[^<>\s]*>", "<…@…>"),
        (r"\b[\w.+=%-]+@[\w.-]+\b", "…@…"),
        (r"\[(?:IPv6:)?[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]*\](?::\d+)?", "[…]"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?", "…"),
        (r"\b(?:[0-9A-Fa-f]{1,4}:){3,}[0-9A-Fa-f:]+", "…"),
        (r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f-]{20,}\b", "…"),
        (r"\b(?:[A-Za-z]*\d[A-Za-z]*){2,}[A-Za-z0-9]{6,}\b", "…"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*", "…"),
        (r"\b\d{4,}\b", "…"),
    ]
    .into_iter()
    .filter_map(|(re, to)| Some((Regex::new(re).ok()?, to)))
    .collect()
});

/// The reason with everything that varies from message to message masked by `…`. SMTP codes (`450`, `4.7.1`) stay.
pub fn masked(reason: &str) -> String {
    let mut text = Cow::Borrowed(reason);
    for (re, to) in MASKS.iter() {
        if let Cow::Owned(new) = re.replace_all(&text, *to) {
            text = Cow::Owned(new);
        }
    }
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mask_compiles() {
        assert_eq!(MASKS.len(), 9);
    }

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
        ] {
            assert_eq!(masked(raw), want);
        }
    }
}
