//! Moments and ages as words: the wall clock in the header, `Sat 11:00`, `12s ago`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::Span;

/// The zone that the clock shows: that of `TZ`, and UTC when it is not set, so that a screen agrees with the logs of
/// servers unless somebody asked for local time.
pub fn zone_from_env() -> TimeZone {
    match std::env::var_os("TZ") {
        Some(tz) if !tz.is_empty() => TimeZone::try_system().unwrap_or(TimeZone::UTC),
        _ => TimeZone::UTC,
    }
}

/// `Sun 18:36:04 UTC`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%a %H:%M:%S %Z")
        .to_string()
}

/// `Sun 18:36 UTC`.
pub fn clock_minutes(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%a %H:%M %Z").to_string()
}

/// `Sat 11:00` within the last six days, else `12 Nov 11:00`: a weekday alone would name the wrong week.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let near = Span::between(at, now) < Span::from_hours(6 * 24) && Span::between(now, at) < Span::from_hours(6 * 24);
    let format = if near { "%a %H:%M" } else { "%-d %b %H:%M" };
    at.to_zoned_datetime(zone.clone()).strftime(format).to_string()
}

/// As [`moment`] with its zone: what is told to somebody else, who may live in another.
pub fn told(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let name = at.to_zoned_datetime(zone.clone()).strftime("%Z").to_string();
    format!("{} {name}", moment(at, now, zone))
}

/// `19:24:31` today, else with its day: `Sat 11:00:04`, `12 Nov 11:00:04`.
pub fn exact(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    if same_day(at, now, zone) {
        return time(at, zone);
    }
    format!(
        "{}:{}",
        moment(at, now, zone),
        at.to_zoned_datetime(zone.clone()).strftime("%S")
    )
}

/// `19:24` today, else as [`moment`] has it.
pub fn near(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    if same_day(at, now, zone) {
        hour_minute(at, zone)
    } else {
        moment(at, now, zone)
    }
}

/// Whether two moments fall on one day.
pub fn same_day(a: Timestamp, b: Timestamp, zone: &TimeZone) -> bool {
    let day = |t: Timestamp| t.to_zoned_datetime(zone.clone()).date();
    day(a) == day(b)
}

/// An age in one unit, at most four columns: `59s`, `23m`, `31h`, `12d`. Cut down: what is said to be 7 hours old is.
pub fn coarse(s: Span) -> String {
    match s.secs().max(0) {
        s @ ..60 => format!("{s}s"),
        s @ 60..5_940 => format!("{}m", s / 60),
        s @ 5_940..172_800 => format!("{}h", s / 3_600),
        s => format!("{}d", s / 86_400),
    }
}

/// `18:36`.
pub fn hour_minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string()
}

/// `18:36:04`.
pub fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// An age in whole seconds and above: `0s`, `12s`, `4m05s`, `31h36m`. An age below zero (a clock step) says so.
pub fn age(from: Timestamp, now: Timestamp) -> String {
    let s = Span::between(from, now);
    if s.is_negative() && s.secs() < 0 {
        return format!("{} ahead", whole(Span::ZERO - s));
    }
    whole(s)
}

/// A length of time without fractions of a second: ages that count up must not change width each tick.
pub fn whole(s: Span) -> String {
    let secs = s.secs();
    if (0..60).contains(&secs) {
        format!("{secs}s")
    } else {
        Span::from_secs(secs).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_795_372_564 + s).unwrap()
    }

    #[test]
    fn an_age_counts_in_whole_seconds_and_a_moment_ahead_says_so() {
        assert_eq!(age(t(0), t(0)), "0s");
        assert_eq!(age(t(0), t(7)), "7s");
        assert_eq!(age(t(0), t(245)), "4m05s");
        assert_eq!(age(t(30), t(0)), "30s ahead");
    }

    #[test]
    fn a_moment_of_another_week_is_named_by_its_date() {
        let zone = TimeZone::UTC;
        assert_eq!(clock(t(0), &zone), "Sun 18:36:04 UTC");
        assert_eq!(moment(t(-113_764), t(0), &zone), "Sat 11:00");
        assert_eq!(moment(t(-10 * 86_400), t(0), &zone), "12 Nov 18:36");
    }
}
