//! By what messages are grouped: the domain of a recipient, the reason it waits for, the sender. One place, so that what is
//! looked for behind a row of the tables is exactly what was counted in it.

use crate::domain::reason::mask_into;

/// The destination that stands for recipients without a domain.
pub const NO_DOMAIN: &str = "(none)";

/// Bytes that are looked at, of each. A domain has at most 255 (RFC 1035 2.3.4), an address 254 and its brackets (RFC 5321 4.5.3.1).
const DOMAIN_BYTES: usize = 255;
const SENDER_BYTES: usize = 320;
const REASON_BYTES: usize = 2_048;

/// A sender as it is grouped. showq(8) prints the empty one as `$empty_address_recipient`, which is `MAILER-DAEMON` by default.
pub(super) fn sender(raw: &str) -> &str {
    if is_bounce(raw) { "<>" } else { head(raw, SENDER_BYTES) }
}

/// Whether this is the sender of a bounce.
pub(super) fn is_bounce(sender: &str) -> bool {
    matches!(sender, "" | "MAILER-DAEMON")
}

/// A domain as it is grouped, in `buffer` where it had to be changed.
pub(super) fn domain<'a>(raw: &'a str, buffer: &'a mut String) -> &'a str {
    let domain = head(raw, DOMAIN_BYTES);
    if domain.is_empty() {
        NO_DOMAIN
    } else if domain.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        buffer.clear();
        buffer.extend(domain.chars().flat_map(char::to_lowercase));
        buffer
    } else {
        domain
    }
}

/// The part of a reason that is looked at.
pub(super) fn reason(raw: &str) -> &str {
    head(raw, REASON_BYTES)
}

/// A reason as it is grouped, masked into `buffer`.
pub(super) fn masked<'a>(raw: &str, buffer: &'a mut String) -> &'a str {
    buffer.clear();
    mask_into(reason(raw), buffer);
    buffer
}

/// At most `max` bytes from the start, whole characters.
pub(super) fn head(s: &str, max: usize) -> &str {
    let mut end = max.min(s.len());
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    &s[..end]
}
