//! How much mail the world sends: a curve over the day, lower at night and at the weekend.

use std::f64::consts::TAU;

/// Letters a minute at three in the night.
const NIGHT_PER_MIN: f64 = 18.0;
/// Letters a minute at three in the afternoon of a weekend day.
const DAY_PER_MIN: f64 = 100.0;
/// How much more comes on working days.
const WEEKDAY: f64 = 1.35;

/// Letters a minute from the world to all mailboxes, at this second of the Unix epoch (UTC).
pub fn inbound_per_min(unix: i64) -> f64 {
    let hour = unix.rem_euclid(86_400) as f64 / 3_600.0;
    // 1970-01-01 was a Thursday.
    let day = (unix.div_euclid(86_400) + 3).rem_euclid(7);
    let height = (1.0 - ((hour - 3.0) / 24.0 * TAU).cos()) / 2.0;
    let per_min = NIGHT_PER_MIN + (DAY_PER_MIN - NIGHT_PER_MIN) * height;
    if day >= 5 { per_min } else { per_min * WEEKDAY }
}

/// Letters a minute from the users to the world.
pub fn outbound_per_min(unix: i64) -> f64 {
    inbound_per_min(unix) * 0.4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_and_weekends_are_quiet() {
        let saturday = 1_795_219_200; // 2026-11-21 00:00 UTC
        let at = |day: i64, hour: i64| inbound_per_min(saturday + day * 86_400 + hour * 3_600);
        assert!((at(0, 3) - NIGHT_PER_MIN).abs() < 1e-9);
        assert!((at(1, 15) - DAY_PER_MIN).abs() < 1e-9);
        assert!((at(2, 15) - DAY_PER_MIN * WEEKDAY).abs() < 1e-9);
        assert!((at(-1, 15) - DAY_PER_MIN * WEEKDAY).abs() < 1e-9);
        assert!(at(0, 10) > at(0, 5) && at(0, 20) > at(0, 23));
    }
}
