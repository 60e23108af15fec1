//! Whether a queue drains, in words: short for the fleet's column, in full for a pane. A clear time is said only where the
//! forecast has one; of a queue that grows, stands still or is not known there is none to say.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console::theme::Role;
use crate::console::widget::width;
use crate::console::{number, when};
use crate::domain::Span;
use crate::domain::forecast::Drain;
use crate::domain::queue::SystemState;
use crate::model::{Outlook, Queue, Standing, Told};

/// The fewest and the most columns that the short form needs: `19:18–19:31`, `Mon 04:10 ±2h`.
pub const COLUMN: (usize, usize) = (11, 13);

/// In so many columns: `growing`, `clear`, `held` (nothing but what is on hold), `steady` (as much is worked off as comes),
/// `shrinks` (only because mail expires or is removed), `stopped` (its mail system), `stalled`, `unknown`, or when it is clear.
///
/// One rule for the time: where all of the band falls on today, its two ends (`19:18–19:31`); else the middle and the
/// longer side of the band, rounded up (`23:10 ±2h`), with the day where that is not today (`Mon 04:10 ±2h`), and the
/// coarser the wider the band is (`Mon 04h ±12h`, `Mon ±2d`, `28 Nov ±3d`) or the fewer columns there are. A time that is not told by
/// the log has a question mark where there is room for it.
pub fn short(outlook: &Outlook, columns: usize, now: Timestamp, zone: &TimeZone) -> (String, Role) {
    // An empty queue behind a system that does not run is not clear: nothing comes in either.
    if outlook.system == SystemState::Stopped {
        return ("stopped".to_owned(), Role::Down);
    }
    match (outlook.drain, outlook.clears) {
        (Drain::Empty, _) if outlook.depth.hold > 0 => ("held".to_owned(), Role::Text),
        (Drain::Empty, _) => ("clear".to_owned(), Role::Ok),
        (Drain::Clears { .. }, Some(clears)) => {
            let mut words = time(clears, columns, now, zone);
            if outlook.told_by != Told::Log && width(&words) < columns {
                words.push('?');
            }
            (words, Role::Text)
        }
        (Drain::Stalled, _) => match outlook.standing() {
            Some(Standing::Steady) => ("steady".to_owned(), Role::Text),
            Some(Standing::Shrinks(_)) => ("shrinks".to_owned(), Role::Warn),
            _ => ("stalled".to_owned(), Role::Warn),
        },
        (Drain::Growing { .. }, _) => ("growing".to_owned(), Role::Warn),
        (Drain::Clears { .. } | Drain::Unknown { .. }, _) => ("unknown".to_owned(), Role::Unknown),
    }
}

fn time(clears: [Timestamp; 3], columns: usize, now: Timestamp, zone: &TimeZone) -> String {
    // The forecast is as of the newest sample: what it says of the past is over.
    let [p10, p50, p90] = clears.map(|t| t.max(now));
    let today = |t: Timestamp| when::same_day(t, now, zone);
    let off = Span::between(p10, p50).max(Span::between(p50, p90));
    let format = |f: &str| p50.to_zoned_datetime(zone.clone()).strftime(f).to_string();
    let hours = |s: Span| (s.secs() + 3_599) / 3_600;
    let days = (off.secs() + 86_399) / 86_400;
    if today(p90) {
        let (first, last) = (when::hour_minute(p10, zone), when::hour_minute(p90, zone));
        return if first == last {
            first
        } else {
            format!("{first}–{last}")
        };
    }
    if today(p50) {
        return match off.secs() {
            s @ ..3_600 => format!("{} ±{}m", format("%H:%M"), (s + 59) / 60),
            _ => format!("{} ±{}h", format("%H:%M"), hours(off)),
        };
    }
    if Span::between(now, p50) >= Span::from_hours(6 * 24) {
        return format!("{} ±{days}d", format("%-d %b"));
    }
    let h = hours(off);
    let finer = [
        (10, format!("{} ±{h}h", format("%a %H:%M"))),
        (48, format!("{} ±{h}h", format("%a %Hh"))),
    ];
    let fits = |(below, words): &(i64, String)| h < *below && width(words) <= columns;
    finer
        .into_iter()
        .find(fits)
        .map_or_else(|| format!("{} ±{days}d", format("%a")), |(_, words)| words)
}

/// `clears 19:18–19:31 (p50 19:24)`, with days where they are not today; why nothing is known; what stands still.
pub fn sentence(outlook: &Outlook, net_per_min: Option<f64>, now: Timestamp, zone: &TimeZone) -> (String, Role) {
    if outlook.system == SystemState::Stopped {
        let words = "stopped: the mail system does not run, nothing comes in or is delivered";
        return (words.to_owned(), Role::Down);
    }
    let rate = net_per_min.map_or(String::new(), |r| format!(", {}/min", number::signed(r, 9)));
    match (outlook.drain, outlook.clears) {
        (Drain::Empty, _) if outlook.depth.hold > 0 => {
            ("held: nothing else waits to be delivered".to_owned(), Role::Text)
        }
        (Drain::Empty, _) => ("clear: nothing waits to be delivered".to_owned(), Role::Ok),
        (Drain::Clears { .. }, Some(clears)) => {
            let doubt = outlook.told_by.doubt().map_or(String::new(), |d| format!(", {d}"));
            (format!("{}{rate}{doubt}", clears_at(clears, now, zone)), Role::Text)
        }
        (Drain::Stalled, _) => stands(outlook, &rate),
        (Drain::Growing { per_min }, _) => (
            format!("growing {}/min: no clear time", number::signed(per_min, 9)),
            Role::Warn,
        ),
        (Drain::Unknown { why }, _) => (format!("drain unknown: {why}{rate}"), Role::Unknown),
        (Drain::Clears { .. }, None) => ("drain unknown".to_owned(), Role::Unknown),
    }
}

/// Why it has no clear time although it does not grow.
fn stands(outlook: &Outlook, rate: &str) -> (String, Role) {
    match outlook.standing() {
        Some(Standing::Steady) => (format!("steady: as much is worked off as arrives{rate}"), Role::Text),
        Some(Standing::Shrinks(per_min)) => {
            let n = number::rate(per_min);
            (
                format!("shrinks: {n}/min expire or are removed, it is no drain"),
                Role::Warn,
            )
        }
        Some(Standing::Passed) => (
            format!("stalled: mail waits, while other mail passes{rate}"),
            Role::Warn,
        ),
        Some(Standing::Still) | None => (format!("stalled: mail waits and hardly moves{rate}"), Role::Warn),
    }
}

/// `clears 19:18–19:31 (p50 19:24)`.
pub fn clears_at(clears: [Timestamp; 3], now: Timestamp, zone: &TimeZone) -> String {
    let [p10, p50, p90] = clears.map(|t| when::near(t, now, zone));
    format!("clears {p10}–{p90} (p50 {p50})")
}

/// `first expires Sun 14:00 (in 3h); up to 812–1 204 before it is clear`, by the middle and by the late end of the band; `None` where it is not known, or nothing can expire.
pub fn expiry(queue: &Queue, every: Span, now: Timestamp, zone: &TimeZone) -> Option<(String, Role)> {
    let h = queue.local_horizon(now, every)?;
    let first = h.first?;
    let mut role = Role::Text;
    let mut words = if h.due > 0 {
        role = Role::Warn;
        let n = number::grouped(h.due);
        format!("▲ up to {n} are past their lifetime: given up at their next try")
    } else if first > now {
        let left = Span::between(now, first);
        format!(
            "first expires {} (in {})",
            when::moment(first, now, zone),
            when::whole(left)
        )
    } else {
        "first expires within the hour".to_owned()
    };
    match h.before_clear {
        Some((_, 0)) => words.push_str("; none before it is clear"),
        Some((middle, late)) => {
            role = Role::Warn;
            let both = if middle == late {
                number::grouped(late)
            } else {
                format!("{}–{}", number::grouped(middle), number::grouped(late))
            };
            let _ = write!(words, "; up to {both} before it is clear");
        }
        None => {}
    }
    if h.partial.is_some() {
        words.push_str(" (of a partial listing: perhaps more)");
    }
    Some((words, role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forecast::Why;
    use crate::domain::queue::Depth;

    // Sunday 18:36:04 UTC.
    fn t(mins: i64) -> Timestamp {
        Timestamp::from_second(1_795_372_564 + mins * 60).unwrap()
    }
    fn clears(mins: [i64; 3]) -> Outlook {
        let [p10, p50, p90] = mins.map(Span::from_mins);
        Outlook {
            clears: Some(mins.map(t)),
            ..outlook(Drain::Clears { p10, p50, p90 })
        }
    }
    fn outlook(drain: Drain) -> Outlook {
        Outlook {
            drain,
            clears: None,
            told_by: Told::Log,
            worked_off_per_min: None,
            otherwise_per_min: None,
            net_per_min: None,
            depth: Depth::default(),
            system: SystemState::Unknown,
        }
    }
    #[test]
    fn an_empty_queue_of_a_system_that_does_not_run_is_not_clear() {
        let stopped = Outlook {
            system: SystemState::Stopped,
            ..outlook(Drain::Empty)
        };
        let (words, role) = short(&stopped, COLUMN.1, t(0), &TimeZone::UTC);
        assert_eq!((words.as_str(), role), ("stopped", Role::Down));
        let (words, role) = sentence(&stopped, Some(0.0), t(0), &TimeZone::UTC);
        assert!(words.starts_with("stopped: the mail system does not run") && role == Role::Down);
        assert_eq!(short(&outlook(Drain::Empty), COLUMN.1, t(0), &TimeZone::UTC).0, "clear");
    }
    fn said(mins: [i64; 3]) -> String {
        short(&clears(mins), COLUMN.1, t(0), &TimeZone::UTC).0
    }

    #[test]
    fn the_column_says_the_band_today_and_the_middle_with_its_day_else() {
        for (mins, words) in [
            ([42, 48, 55], "19:18–19:31"),
            ([-3, 0, 0], "18:36"),
            ([2, 3, 3], "18:38–18:39"),
            ([220, 300, 323], "22:16–23:59"),
            ([299, 314, 335], "23:50 ±21m"),
            ([200, 300, 400], "23:36 ±2h"),
            ([500, 574, 600], "Mon 04:10 ±2h"),
            ([5, 574, 1_270], "Mon 04h ±12h"),
            ([5, 574, 6_000], "Mon ±4d"),
            ([9_000, 10_000, 11_000], "29 Nov ±1d"),
        ] {
            assert_eq!(said(mins), words, "{mins:?}");
        }
    }

    #[test]
    fn whatever_it_says_fits_its_column() {
        for p50 in (0..20_160).step_by(37) {
            for spread in [0, 1, 30, 59, 61, 400, 700, 3_000, 20_000] {
                for columns in [COLUMN.0, COLUMN.1] {
                    let clears = clears([p50 - p50.min(spread), p50, p50 + spread]);
                    let words = short(&clears, columns, t(0), &TimeZone::UTC).0;
                    assert!(width(&words) <= columns, "{words}");
                }
            }
        }
    }

    #[test]
    fn what_grows_or_stands_or_is_not_known_has_no_time() {
        let no_time = |drain| {
            // Even if somebody left a time beside it.
            let outlook = Outlook {
                clears: Some([t(1), t(2), t(3)]),
                ..outlook(drain)
            };
            let (short, _) = short(&outlook, COLUMN.1, t(0), &TimeZone::UTC);
            let (long, _) = sentence(&outlook, Some(0.4), t(0), &TimeZone::UTC);
            assert!(!short.contains(':') && !long.contains("clears"), "{short} {long}");
            short
        };
        assert_eq!(no_time(Drain::Growing { per_min: 812.0 }), "growing");
        assert_eq!(no_time(Drain::Stalled), "stalled");
        assert_eq!(no_time(Drain::Unknown { why: Why::Gap }), "unknown");
        assert_eq!(no_time(Drain::Empty), "clear");
        let held = Outlook {
            depth: Depth {
                hold: 20,
                ..Depth::default()
            },
            ..outlook(Drain::Empty)
        };
        assert_eq!(short(&held, COLUMN.1, t(0), &TimeZone::UTC).0, "held");
        assert!(!sentence(&held, None, t(0), &TimeZone::UTC).0.contains("clear"));
    }

    #[test]
    fn only_a_queue_of_which_nothing_expires_and_little_waits_is_called_steady() {
        let stalled = |worked_off: f64, gone: f64, deferred| Outlook {
            worked_off_per_min: Some(worked_off),
            otherwise_per_min: Some(gone),
            net_per_min: Some(0.0),
            depth: Depth {
                active: 200,
                deferred,
                ..Depth::default()
            },
            ..outlook(Drain::Stalled)
        };
        let said = |o: &Outlook| {
            let (short, role) = short(o, COLUMN.1, t(0), &TimeZone::UTC);
            (short, role, sentence(o, None, t(0), &TimeZone::UTC).0)
        };
        let (word, role, words) = said(&stalled(90.0, 0.0, 4));
        assert_eq!((word.as_str(), role), ("steady", Role::Text));
        assert_eq!(words, "steady: as much is worked off as arrives");
        // Each message that expires makes a notice, which arrives and is delivered.
        let (word, role, words) = said(&stalled(90.0, 90.0, 20_000));
        assert_eq!((word.as_str(), role), ("shrinks", Role::Warn));
        assert_eq!(words, "shrinks: 90/min expire or are removed, it is no drain");
        let (word, role, words) = said(&stalled(90.0, 0.0, 20_000));
        assert_eq!((word.as_str(), role), ("stalled", Role::Warn));
        assert_eq!(words, "stalled: mail waits, while other mail passes");
        assert_eq!(
            said(&stalled(0.0, 0.0, 20_000)).2,
            "stalled: mail waits and hardly moves"
        );
    }

    #[test]
    fn a_clear_time_that_no_log_tells_says_what_it_takes_for_granted() {
        for (told_by, doubt) in [
            (Told::Log, ""),
            (Told::Listings, ", by listings: deletion would look the same"),
            (Told::Depth, ", by depth alone: expiry or deletion would look the same"),
        ] {
            let o = Outlook {
                told_by,
                ..clears([42, 48, 55])
            };
            let words = sentence(&o, Some(-31.0), t(0), &TimeZone::UTC).0;
            assert_eq!(words, format!("clears 19:18–19:31 (p50 19:24), −31/min{doubt}"));
            let mark = if told_by == Told::Log { "" } else { "?" };
            assert_eq!(
                short(&o, COLUMN.1, t(0), &TimeZone::UTC).0,
                format!("19:18–19:31{mark}")
            );
        }
    }

    #[test]
    fn the_sentence_names_both_ends_the_middle_and_other_days() {
        let words = sentence(&clears([300, 420, 600]), Some(-31.0), t(0), &TimeZone::UTC).0;
        assert_eq!(words, "clears 23:36–Mon 04:36 (p50 Mon 01:36), −31/min");
    }
}
