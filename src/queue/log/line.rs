//! One line of a mail log: who says it, when, and what. Pure. Known forms: the traditional one of syslog (`Nov 23 14:00:07
//! host tag[pid]: text`, also Postfix's own file), RFC 3339 (`2026-11-23T14:00:07.123456+01:00 host tag[pid]: text`), and
//! seconds since 1970 as journalctl prints them (`1795442407.123456 host tag[pid]: text`).

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Span as Length, Timestamp};

use crate::domain::Span;

/// The mail host's clock when the log was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct HostClock {
    /// Its time, in whole seconds.
    pub(super) now: Timestamp,
    /// Its zone, which the traditional form leaves out.
    pub(super) zone: Offset,
}

impl HostClock {
    /// From what `date '+%s %z'` prints.
    pub(super) fn parse(seconds: &str, zone: &str) -> Option<Self> {
        let now = Timestamp::from_second(seconds.parse().ok()?).ok()?;
        let (sign, digits) = match zone.split_at_checked(1)? {
            ("+", d) => (1, d),
            ("-", d) => (-1, d),
            _ => return None,
        };
        if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let n: i32 = digits.parse().ok()?;
        let zone = Offset::from_seconds(sign * (n / 100 * 3_600 + n % 100 * 60)).ok()?;
        Some(Self { now, zone })
    }

    /// How old the moment is; less than the second that the clock leaves out is not the future.
    pub(super) fn age(&self, at: Timestamp) -> Span {
        let age = Span::between(at, self.now);
        if age > Span::from_secs(-1) {
            age.max(Span::ZERO)
        } else {
            age
        }
    }

    /// The moment that a line's stamp means. A stamp without a year is of the year that brings it closest to this clock.
    pub(super) fn moment(&self, stamp: &[u8]) -> Option<Timestamp> {
        let text = std::str::from_utf8(stamp).ok()?;
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let here = self.zone.to_datetime(self.now).year();
            return [here - 1, here, here + 1]
                .into_iter()
                .filter_map(|year| self.zone.to_timestamp(traditional(text, year)?).ok())
                .min_by_key(|at| Span::between(*at, self.now).micros().unsigned_abs());
        }
        if text.contains('T') {
            return text.parse().ok();
        }
        let (s, us) = text.split_once('.').unwrap_or((text, "0"));
        if us.is_empty() || us.len() > 6 || !us.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let us = us.parse::<i64>().ok()? * 10_i64.pow(6 - us.len() as u32);
        let at = Timestamp::from_second(s.parse().ok()?).ok()?;
        at.checked_add(Length::new().microseconds(us)).ok()
    }
}

/// `Nov 23 14:00:07` or `Nov  3 14:00:07`, in this year; `None` also for the 29th of February in a year without one.
fn traditional(text: &str, year: i16) -> Option<DateTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_ascii_whitespace();
    let (month, day, time) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|m| *m == month)? + 1;
    let mut parts = time.split(':').map(str::parse::<i8>);
    let mut part = || parts.next()?.ok();
    let (h, m, s) = (part()?, part()?, part()?);
    // A leap second is the last one before it.
    DateTime::new(year, month as i8, day.parse().ok()?, h, m, s.min(59), 0).ok()
}

/// A line in its parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line<'a> {
    /// When, as written.
    pub(super) stamp: &'a [u8],
    /// Who: `postfix/qmgr`.
    pub(super) tag: &'a [u8],
    /// The process; 0 when it is not told.
    pub(super) pid: u32,
    /// What it says.
    pub(super) text: &'a [u8],
}

impl<'a> Line<'a> {
    /// `None` when it is of no known form.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        // A file that was cut while its writer kept its place begins with a hole, which reads as NUL bytes.
        let hole = line.iter().take_while(|b| **b == 0).count();
        let line = &line[hole..];
        let (stamp, rest) = match line.first()? {
            b if b.is_ascii_alphabetic() => {
                let stamp = line.get(..15)?;
                let fits = [(3, b' '), (6, b' '), (9, b':'), (12, b':')];
                if fits.iter().any(|(i, b)| stamp[*i] != *b) || line.get(15) != Some(&b' ') {
                    return None;
                }
                (stamp, line.get(16..)?)
            }
            b if b.is_ascii_digit() => word(line).filter(|(stamp, _)| is_stamp(stamp))?,
            _ => return None,
        };
        let (_host, rest) = word(rest)?;
        let (who, text) = word(rest)?;
        let who = who.strip_suffix(b":")?;
        let (tag, pid) = match memchr::memchr(b'[', who) {
            Some(at) => (&who[..at], number(who[at + 1..].strip_suffix(b"]")?)?),
            None => (who, 0),
        };
        (!tag.is_empty()).then_some(Self { stamp, tag, pid, text })
    }

    /// The program of a Postfix instance that speaks, if it is of the instance that logs as `name`: the last part of
    /// `postfix/smtpd` and of `postfix/submission/smtpd`. `postfix-out/smtp` is another instance.
    pub(super) fn program(&self, name: &[u8]) -> Option<&'a [u8]> {
        let rest = self.tag.strip_prefix(name)?.strip_prefix(b"/")?;
        rest.rsplit(|b| *b == b'/').next()
    }
}

/// Whether a word is a date and time, or seconds since 1970. The rest of a line that was cut is neither.
fn is_stamp(word: &[u8]) -> bool {
    let date = word.get(4) == Some(&b'-') && word.get(10) == Some(&b'T');
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    date || (digits >= 9 && matches!(word.get(digits), None | Some(b'.')))
}

/// The first word and what follows the blank behind it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', text)?;
    (end > 0).then(|| (&text[..end], &text[end + 1..]))
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(now: &str, zone: &str) -> HostClock {
        let at: Timestamp = now.parse().unwrap();
        HostClock::parse(&at.as_second().to_string(), zone).unwrap()
    }
    fn moment(stamp: &str, now: &str, zone: &str) -> String {
        clock(now, zone)
            .moment(stamp.as_bytes())
            .map_or("none".into(), |t| t.to_string())
    }

    #[test]
    fn the_three_forms_are_read_alike() {
        for stamp in [
            "Nov 23 14:00:07",
            "Nov  3 14:00:07",
            "2026-11-23T14:00:07.123456+01:00",
            "1795442407.123456",
        ] {
            let text = format!("{stamp} mx1 postfix/submission/smtpd[4711]: 4jY6yb2fsrz1SRqc: client=a[1.2.3.4]");
            let l = Line::parse(text.as_bytes()).unwrap();
            assert_eq!((l.stamp, l.pid), (stamp.as_bytes(), 4711));
            assert_eq!(l.program(b"postfix"), Some(&b"smtpd"[..]));
            assert_eq!(l.text, b"4jY6yb2fsrz1SRqc: client=a[1.2.3.4]");
        }
    }

    #[test]
    fn only_the_instance_of_that_name_speaks_for_itself() {
        let l = Line::parse(b"Nov 23 14:00:07 mx1 postfix-out/smtp[1]: x").unwrap();
        assert_eq!(
            (l.program(b"postfix"), l.program(b"postfix-out")),
            (None, Some(&b"smtp"[..]))
        );
        let l = Line::parse(b"Nov 23 14:00:07 mx1 postfix[1]: x").unwrap();
        assert_eq!(l.program(b"postfix"), None);
    }

    #[test]
    fn what_has_no_known_form_is_no_line() {
        for bad in [
            "",
            " ",
            "Nov 23 14:00:07",
            "Nov 23 14:00:07 mx1",
            "Nov 23 14:00:07 mx1 postfix/qmgr[1]",
            "Nov 23 14:00:07 mx1 postfix/qmgr[x]: a",
            "Nov 23 14:00:07 mx1 [1]: a",
            "00:07 mx1 postfix/qmgr[1]: the rest of a line",
            "    a continued line of the journal",
            "November 23 is no stamp: a b: c",
        ] {
            assert_eq!(Line::parse(bad.as_bytes()), None, "{bad}");
        }
        let hole = [&[0; 40][..], b"Nov 23 14:00:07 mx1 postfix/qmgr[1]: a"].concat();
        assert!(Line::parse(&hole).is_some());
    }

    #[test]
    fn a_stamp_without_a_year_is_of_the_year_that_is_closest() {
        let new_year = "2027-01-01T00:00:30Z";
        assert_eq!(moment("Dec 31 23:59:50", new_year, "+0000"), "2026-12-31T23:59:50Z");
        assert_eq!(moment("Jan  1 00:00:10", new_year, "+0000"), "2027-01-01T00:00:10Z");
        // The line is ahead of the clock, which is still in the old year.
        assert_eq!(
            moment("Jan  1 00:00:10", "2026-12-31T23:59:50Z", "+0000"),
            "2027-01-01T00:00:10Z"
        );
        // The host's zone decides which day it is.
        assert_eq!(moment("Jan  1 00:59:50", new_year, "+0100"), "2026-12-31T23:59:50Z");
        assert_eq!(
            moment("Feb 29 12:00:00", "2028-03-01T00:00:00Z", "+0000"),
            "2028-02-29T12:00:00Z"
        );
        assert_eq!(moment("Feb 29 12:00:00", "2030-03-01T00:00:00Z", "+0000"), "none");
        assert_eq!(moment("Foo 29 12:00:00", new_year, "+0000"), "none");
    }

    #[test]
    fn stamps_with_a_zone_and_of_seconds_are_moments_by_themselves() {
        let now = "2026-11-23T14:00:00Z";
        assert_eq!(
            moment("2026-11-23T15:00:07.5+01:00", now, "+0300"),
            "2026-11-23T14:00:07.5Z"
        );
        assert_eq!(moment("1795442407.000100", now, "+0300"), "2026-11-23T14:00:07.0001Z");
        assert_eq!(moment("1795442407.1.2", now, "+0300"), "none");
    }

    #[test]
    fn a_line_ahead_of_the_clock_has_a_negative_age_and_one_of_this_second_has_none() {
        let c = clock("2026-11-23T14:00:07Z", "+0000");
        let age = |stamp: &[u8]| c.age(c.moment(stamp).unwrap());
        assert_eq!(age(b"1795442407.900000"), Span::ZERO);
        assert_eq!(age(b"1795442400"), Span::from_secs(7));
        assert_eq!(age(b"Nov 23 14:10:07"), Span::from_mins(-10));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line in prop::collection::vec(any::<u8>(), 0..80), stamp in "[A-Z0-9][a-zT0-9.:+ -]{0,30}", s in any::<i64>(), zone in ".{0,6}") {
            let _ = Line::parse(&line);
            if let Some(c) = HostClock::parse(&s.to_string(), &zone).or(HostClock::parse("0", "+0000")) {
                let _ = c.moment(stamp.as_bytes()).map(|at| c.age(at));
                let _ = c.moment(&line);
            }
        }
    }
}
