//! Reads the negotiated TLS version from the server's side of a handshake, as native-tls does not tell it.
//! Pure: fed with the bytes as they came, it looks at the ServerHello (RFC 8446 4.1.3) and at nothing after it.

/// The most bytes that are kept while looking. A ServerHello is a few hundred bytes; one record is 16 KiB.
const MAX_KEPT: usize = 16 * 1024;

/// What is known so far.
#[derive(Debug, Default)]
pub(super) enum Hello {
    /// Nothing is expected: the bytes are not TLS.
    #[default]
    Idle,
    /// Collecting.
    Reading(Vec<u8>),
    /// The version on the wire.
    Version(u16),
    /// The peer answered with something else.
    Unreadable,
}

impl Hello {
    /// From now on the bytes are the server's side of a handshake.
    pub(super) fn expect(&mut self) {
        *self = Self::Reading(Vec::new());
    }

    /// Takes bytes as they came from the wire.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let Self::Reading(kept) = self else { return };
        kept.extend_from_slice(&bytes[..bytes.len().min(MAX_KEPT - kept.len().min(MAX_KEPT))]);
        match version(kept) {
            Scan::Version(v) => *self = Self::Version(v),
            Scan::More if kept.len() < MAX_KEPT => {}
            Scan::More | Scan::Unreadable => *self = Self::Unreadable,
        }
    }

    /// The version as OpenSSL writes it.
    pub(super) fn version(&self) -> Option<String> {
        let Self::Version(v) = self else { return None };
        Some(match v {
            0x0300 => "SSLv3".to_owned(),
            0x0301 => "TLSv1.0".to_owned(),
            0x0302..=0x03ff => format!("TLSv1.{}", (v & 0xff) - 1),
            other => format!("0x{other:04x}"),
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Scan {
    More,
    Version(u16),
    Unreadable,
}

/// Joins handshake records (RFC 8446 5.1: a message may be split over several) and reads the first message.
fn version(mut records: &[u8]) -> Scan {
    let mut message = Vec::new();
    loop {
        match records {
            [22, _, _, hi, lo, rest @ ..] => {
                let len = usize::from(u16::from_be_bytes([*hi, *lo]));
                message.extend_from_slice(&rest[..len.min(rest.len())]);
                match server_hello(&message) {
                    Scan::More if rest.len() > len => records = &rest[len..],
                    found => return found,
                }
            }
            [22, ..] | [] => return Scan::More,
            _ => return Scan::Unreadable,
        }
    }
}

/// The version in a ServerHello: `supported_versions` (RFC 8446 4.2.1) where it is, `legacy_version` otherwise.
fn server_hello(message: &[u8]) -> Scan {
    let [kind, a, b, c, body @ ..] = message else {
        return Scan::More;
    };
    if *kind != 2 {
        return Scan::Unreadable;
    }
    let len = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
    let Some(body) = body.get(..len) else {
        return Scan::More;
    };
    read_hello(body).map_or(Scan::Unreadable, Scan::Version)
}

fn read_hello(body: &[u8]) -> Option<u16> {
    let legacy = u16_at(body, 0)?;
    let session = usize::from(*body.get(34)?);
    // After the session id: cipher suite (2), compression (1), then the extensions, which old servers leave out.
    let Some(mut extensions) = body.get(35 + session + 3..).filter(|rest| !rest.is_empty()) else {
        return Some(legacy);
    };
    let len = usize::from(u16_at(extensions, 0)?);
    extensions = extensions.get(2..2 + len)?;
    while !extensions.is_empty() {
        let (kind, len) = (u16_at(extensions, 0)?, usize::from(u16_at(extensions, 2)?));
        let data = extensions.get(4..4 + len)?;
        if kind == 43 {
            return u16_at(data, 0);
        }
        extensions = &extensions[4 + len..];
    }
    Some(legacy)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A ServerHello in one record, with these extensions.
    fn hello(legacy: u16, extensions: &[u8]) -> Vec<u8> {
        let mut body = legacy.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend([3, 1, 2, 3]);
        body.extend([0x13, 0x01, 0]);
        if !extensions.is_empty() {
            body.extend((extensions.len() as u16).to_be_bytes());
            body.extend(extensions);
        }
        let mut message = vec![2, 0, (body.len() >> 8) as u8, body.len() as u8];
        message.extend(body);
        record(&message)
    }
    fn record(message: &[u8]) -> Vec<u8> {
        let mut out = vec![22, 3, 3, (message.len() >> 8) as u8, message.len() as u8];
        out.extend(message);
        out
    }
    fn read(pieces: &[&[u8]]) -> Option<String> {
        let mut h = Hello::default();
        h.expect();
        for p in pieces {
            h.feed(p);
        }
        h.version()
    }

    #[test]
    fn the_extension_names_the_version_and_without_it_the_old_field_does() {
        let new = hello(0x0303, &[0, 51, 0, 2, 9, 9, 0, 43, 0, 2, 3, 4]);
        assert_eq!(read(&[&new]).as_deref(), Some("TLSv1.3"));
        assert_eq!(read(&[&hello(0x0303, &[0, 35, 0, 0])]).as_deref(), Some("TLSv1.2"));
        assert_eq!(read(&[&hello(0x0301, &[])]).as_deref(), Some("TLSv1.0"));
    }

    #[test]
    fn a_hello_may_come_byte_by_byte_and_over_two_records() {
        let whole = hello(0x0303, &[0, 43, 0, 2, 3, 4]);
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        assert_eq!(read(&bytes).as_deref(), Some("TLSv1.3"));
        let (one, two) = whole[5..].split_at(20);
        assert_eq!(read(&[&record(one), &record(two)]).as_deref(), Some("TLSv1.3"));
    }

    #[test]
    fn what_is_not_a_hello_has_no_version() {
        assert_eq!(read(&[b"* OK ready\r\n"]), None);
        assert_eq!(read(&[&[21, 3, 3, 0, 2, 2, 70]]), None);
        let mut idle = Hello::default();
        idle.feed(&hello(0x0303, &[]));
        assert_eq!(idle.version(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_keep_more_than_its_bound(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..80)) {
            let mut h = Hello::default();
            h.expect();
            h.feed(&[22, 3, 3, 0xff, 0xff, 2, 0xff]);
            for c in &chunks {
                h.feed(c);
                if let Hello::Reading(kept) = &h {
                    prop_assert!(kept.len() < MAX_KEPT);
                }
            }
        }
        #[test]
        fn a_damaged_hello_never_panics(at in 0usize..60, byte in any::<u8>(), cut in 0usize..80) {
            let mut bytes = hello(0x0303, &[0, 51, 0, 2, 9, 9, 0, 43, 0, 2, 3, 4]);
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(cut.max(1));
            let _ = read(&[&bytes]);
        }
    }
}
