//! A length of time in whole microseconds, and how it is written for a person: `18ms`, `4m`, `31h36m`.
//! Signed, because a clock step can make a difference negative, and hiding that would be a lie.

use std::fmt;
use std::ops::{Add, Mul, Sub};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A signed length of time, in microseconds. Serialised as that integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From microseconds.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }
    /// From milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000))
    }
    /// From seconds.
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }
    /// From minutes.
    pub const fn from_mins(m: i64) -> Self {
        Self::from_secs(m.saturating_mul(60))
    }
    /// From hours.
    pub const fn from_hours(h: i64) -> Self {
        Self::from_mins(h.saturating_mul(60))
    }
    /// From fractional seconds; out of range or NaN saturates.
    pub fn from_secs_f64(s: f64) -> Self {
        Self((s * 1e6) as i64)
    }
    /// From the moment `from` to the moment `to`: negative when `to` is earlier.
    pub fn between(from: Timestamp, to: Timestamp) -> Self {
        Self(to.as_microsecond().saturating_sub(from.as_microsecond()))
    }
    /// Whole microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// Whole milliseconds, rounded towards zero.
    pub const fn millis(self) -> i64 {
        self.0 / 1_000
    }
    /// Whole seconds, rounded towards zero.
    pub const fn secs(self) -> i64 {
        self.0 / 1_000_000
    }
    /// Milliseconds with their fraction.
    pub fn millis_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }
    /// Seconds with their fraction.
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// Minutes with their fraction.
    pub fn mins_f64(self) -> f64 {
        self.0 as f64 / 6e7
    }
    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
    /// As a std duration; a negative span is zero.
    pub fn to_std(self) -> Duration {
        Duration::from_micros(self.0.max(0).unsigned_abs())
    }
    /// `at` moved by this span, held inside the range of timestamps.
    pub fn after(self, at: Timestamp) -> Timestamp {
        Timestamp::from_microsecond(at.as_microsecond().saturating_add(self.0)).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }
    /// Reads `10s`, `250ms`, `30m`, `1h30m`, `14d`; a bare number is refused because its unit is a guess.
    pub fn parse(s: &str) -> Result<Self, String> {
        let bad = || format!("`{s}` is not a length of time: write for example 500ms, 10s, 30m, 1h30m or 14d");
        let mut rest = s.trim();
        let mut total: i64 = 0;
        if rest.is_empty() {
            return Err(bad());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let n: i64 = rest[..digits].parse().map_err(|_| bad())?;
            let tail = &rest[digits..];
            let unit_len = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let unit = match tail[..unit_len].trim() {
                "us" => 1,
                "ms" => 1_000,
                "s" => 1_000_000,
                "m" | "min" => 60_000_000,
                "h" => 3_600_000_000,
                "d" => 86_400_000_000,
                _ => return Err(bad()),
            };
            total = n.checked_mul(unit).and_then(|v| total.checked_add(v)).ok_or_else(bad)?;
            rest = &tail[unit_len..];
        }
        Ok(Self(total))
    }
}

impl From<Duration> for Span {
    fn from(d: Duration) -> Self {
        Self(i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<i64> for Span {
    type Output = Self;
    fn mul(self, n: i64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}

/// At most two units, at most six columns for anything under 1,000 days: `0.3ms`, `18ms`, `1.9s`, `42s`, `4m`, `31h36m`, `5d2h`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let us = self.0.unsigned_abs();
        let (ms, s) = (us / 1_000, us / 1_000_000);
        let text = if us == 0 {
            "0s".to_owned()
        } else if us < 1_000 {
            format!("0.{}ms", us / 100)
        } else if ms < 1_000 {
            format!("{ms}ms")
        } else if s < 10 {
            format!("{}.{}s", s, ms % 1_000 / 100)
        } else if s < 60 {
            format!("{s}s")
        } else if s < 600 && s % 60 != 0 {
            format!("{}m{:02}s", s / 60, s % 60)
        } else if s < 3_600 {
            format!("{}m", s / 60)
        } else if s < 48 * 3_600 {
            format!("{}h{:02}m", s / 3_600, s % 3_600 / 60)
        } else {
            format!("{}d{}h", s / 86_400, s % 86_400 / 3_600)
        };
        f.pad(&format!("{sign}{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_in_at_most_two_units() {
        for (us, text) in [
            (0, "0s"),
            (300, "0.3ms"),
            (18_400, "18ms"),
            (1_940_000, "1.9s"),
            (42_000_000, "42s"),
            (240_000_000, "4m"),
            (245_000_000, "4m05s"),
            (3_599_000_000, "59m"),
            (113_760_000_000, "31h36m"),
            (439_200_000_000, "5d2h"),
            (-5_000_000, "-5.0s"),
        ] {
            assert_eq!(Span::from_micros(us).to_string(), text);
        }
    }

    #[test]
    fn a_written_span_is_read_and_a_bare_number_is_not() {
        assert_eq!(Span::parse("1h30m"), Ok(Span::from_mins(90)));
        assert_eq!(Span::parse("250ms"), Ok(Span::from_millis(250)));
        assert_eq!(Span::parse("14d"), Ok(Span::from_hours(14 * 24)));
        for bad in [
            "",
            "10",
            "s",
            "-5s",
            "5 parsecs",
            "99999999999999999999s",
            "9999999999999d",
        ] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }
}
