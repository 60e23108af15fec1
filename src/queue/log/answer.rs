//! What the scripts that read a log print around the log's own bytes, and how it is taken apart: the host's clock at the
//! start, the processor time of the shell and of all that it started (`times`) at the end. Pure. Lengths are told before
//! bytes, so no line of a log is ever mistaken for ours; an answer whose end was not seen is not used at all.

use super::line::HostClock;
use crate::domain::Span;

/// An answer without its frame.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) clock: HostClock,
    pub(super) cpu: Option<Span>,
    pub(super) body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// `clock SECONDS ZONE`, the body, a line of its own that begins with `end`, and the two lines of `times`.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (first, rest) = first_line(bytes)?;
        let mut words = std::str::from_utf8(first).ok()?.split_ascii_whitespace();
        let clock = match (words.next(), words.next(), words.next()) {
            (Some("clock"), Some(seconds), Some(zone)) => HostClock::parse(seconds, zone)?,
            _ => return None,
        };
        let mark = b"\nend\n";
        let end = memchr::memmem::rfind(rest, mark)?;
        let times = std::str::from_utf8(&rest[end + mark.len()..]).ok()?;
        let mut parts = times.split_ascii_whitespace().map(minutes);
        let cpu = (parts.clone().count() == 4)
            .then(|| parts.try_fold(Span::ZERO, |sum, p| Some(sum + p?)))
            .flatten()
            // Some shells count in hundredths of a second: less than one is not told, and not nothing.
            .filter(|cpu| *cpu > Span::ZERO);
        Some(Self {
            clock,
            cpu,
            body: &rest[..end],
        })
    }
}

/// The first line without its newline, and what follows it; `None` when it has no end.
pub(super) fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// `0m0.012s`, as `times` writes it.
fn minutes(text: &str) -> Option<Span> {
    let (m, s) = text.strip_suffix('s')?.split_once('m')?;
    let s: f64 = s.parse().ok().filter(|s: &f64| s.is_finite())?;
    Some(Span::from_mins(m.parse().ok()?) + Span::from_secs_f64(s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_is_its_body_with_the_clock_and_the_processor_time() {
        let text = b"clock 1795442407 +0100\nbody\nend\n\nend\n0m0.000000s 0m0.010s\n1m0.020s 0m0.003000s\n";
        let a = Answer::parse(text).unwrap();
        assert_eq!(a.body, b"body\nend\n");
        assert_eq!(a.cpu, Some(Span::from_millis(60_033)));
        assert_eq!(
            (a.clock.now.as_second(), a.clock.zone.seconds()),
            (1_795_442_407, 3_600)
        );
        for times in ["no times here", "0m0.000000s 0m0.000000s\n0m0.000000s 0m0.000000s"] {
            let text = format!("clock 1795442407 +0100\n\nend\n{times}\n");
            let a = Answer::parse(text.as_bytes()).unwrap();
            assert_eq!((a.body, a.cpu), (&b""[..], None));
        }
    }

    #[test]
    fn an_answer_without_its_end_or_its_clock_is_none() {
        for bad in [
            "",
            "clock 1 +0000\nbody\n",
            "clock x +0000\n\nend\n",
            "clack 1 +0000\n\nend\n",
            "clock 1 0000\n\nend\n",
        ] {
            assert!(Answer::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), tail in ".{0,40}") {
            let _ = Answer::parse(&bytes);
            let _ = Answer::parse(&[b"clock 1 +0000\n", &bytes[..], b"\nend\n", tail.as_bytes()].concat());
        }
    }
}
