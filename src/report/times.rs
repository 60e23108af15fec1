//! How a report writes moments: all in one zone that is named once, with the offset beside each where that changes on the way.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::Span;

/// A zone, and how much has to be said of it.
#[derive(Clone, Debug)]
pub struct Times {
    zone: TimeZone,
    offset: bool,
    named: String,
}

impl Times {
    /// For a report of what happened between two moments.
    pub fn new(zone: TimeZone, from: Timestamp, until: Timestamp) -> Self {
        let at = |t: Timestamp| t.to_zoned_datetime(zone.clone()).strftime("%:z").to_string();
        let (first, last) = (at(from), at(until));
        let name = from.to_zoned_datetime(zone.clone()).strftime("%Z").to_string();
        let offset = first != last;
        let named = match zone.iana_name() {
            Some("UTC") => "UTC".to_owned(),
            Some(iana) if offset => format!("{iana}, each with its offset"),
            Some(iana) => format!("{iana} ({first})"),
            None => format!("{name} ({first})"),
        };
        Self { zone, offset, named }
    }
    /// The zone, for a person.
    pub fn zone(&self) -> &str {
        &self.named
    }
    fn format(&self, at: Timestamp, format: &str) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime(format).to_string()
    }
    /// `2026-11-21 10:58:50`.
    pub fn stamp(&self, at: Timestamp) -> String {
        let format = if self.offset {
            "%Y-%m-%d %H:%M:%S%:z"
        } else {
            "%Y-%m-%d %H:%M:%S"
        };
        self.format(at, format)
    }
    /// `Sat 10:58:50`, with the date where more than six days lie between.
    pub fn day(&self, at: Timestamp, from: Timestamp) -> String {
        let far = Span::between(from, at).micros().abs() > Span::from_hours(6 * 24).micros();
        self.format(at, if far { "%-d %b %H:%M:%S" } else { "%a %H:%M:%S" })
    }
    /// `Sat 10:58`, `10:58` on the same day as `from`.
    pub fn near(&self, at: Timestamp, from: Timestamp) -> String {
        let day = |t: Timestamp| t.to_zoned_datetime(self.zone.clone()).date();
        let far = Span::between(from, at).micros().abs() > Span::from_hours(6 * 24).micros();
        match () {
            () if day(at) == day(from) => self.format(at, "%H:%M"),
            () if far => self.format(at, "%-d %b %H:%M"),
            () => self.format(at, "%a %H:%M"),
        }
    }
    /// A label under a chart: a time of day, or at midnight the day.
    pub fn tick(&self, at: Timestamp) -> String {
        let clock = self.format(at, "%H:%M");
        if clock == "00:00" {
            self.format(at, "%a %-d %b")
        } else {
            clock
        }
    }
    /// The first full step of this many seconds at or after a moment, by the clock on the wall.
    pub fn first_step(&self, from: Timestamp, step: i64) -> Timestamp {
        let offset = i64::from(from.to_zoned_datetime(self.zone.clone()).offset().seconds());
        let local = from.as_second() + offset;
        let up = local.rem_euclid(step);
        let add = if up == 0 && from.subsec_nanosecond() == 0 {
            0
        } else {
            step - up
        };
        Timestamp::from_second(from.as_second() + add).unwrap_or(from)
    }
    /// For machines: `2026-11-21T10:58:50.123+01:00`.
    pub fn iso(&self, at: Timestamp) -> String {
        self.format(at, "%Y-%m-%dT%H:%M:%S%.3f%:z")
    }
}

/// `48 211`: digits in groups of three, with thin spaces that do not break.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1 000"),
            (48_211, "48 211"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(grouped(n).replace('\u{202f}', " "), text);
        }
    }

    #[test]
    fn the_offset_stands_beside_each_moment_where_it_changes_on_the_way() {
        let t = |s: &str| s.parse::<Timestamp>().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
        let (a, b) = (t("2026-10-24T10:00:00Z"), t("2026-10-25T10:00:00Z"));
        let times = Times::new(zone.clone(), a, b);
        assert_eq!(
            (times.stamp(a), times.stamp(b)),
            ("2026-10-24 12:00:00+02:00".into(), "2026-10-25 11:00:00+01:00".into())
        );
        let times = Times::new(zone, a, a);
        assert_eq!(
            (times.stamp(a).as_str(), times.zone()),
            ("2026-10-24 12:00:00", "Europe/Berlin (+02:00)")
        );
        assert_eq!(
            times.first_step(t("2026-10-24T10:00:01Z"), 3_600),
            t("2026-10-24T11:00:00Z")
        );
        assert_eq!(times.first_step(t("2026-10-24T10:00:00Z"), 6 * 3_600), a);
    }
}
