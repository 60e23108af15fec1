//! The recent past of a door in a few columns: height is the time of the probe against its usual, a full block is a
//! failure, a dot is a gap. A probe above the server's limit stands at the top of the good heights, whatever is usual.
//! Shape alone tells them apart, so it reads without colour.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::console::theme::{Role, Theme};
use crate::domain::Span;
use crate::domain::health::Verdict;
use crate::model::{Beat, Door, Server};

use super::cells::Cells;

/// Heights for good probes; the full block is kept for failures.
const LEVELS: [&str; 6] = ["▂", "▃", "▄", "▅", "▆", "▇"];

/// One column.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Column {
    /// Nobody looked, or the look could not be made.
    Gap,
    /// Held; how many times as long as usual the slowest took, and how long that was.
    Held {
        /// Against the usual.
        times: f64,
        /// In itself.
        took: Span,
    },
    /// At least one failed.
    Failed,
}

/// The newest window of beats in `columns` columns, oldest first. Columns are cut at fixed moments (whole multiples of
/// their width), so that the picture moves on once a column and does not shimmer in between. `slow` is the server's limit,
/// of which a quarter stands for the usual where no probe was quick enough to learn it from.
///
/// A newest column that has only just begun and holds nothing yet is left out: that nobody has looked within the last
/// seconds is not a gap, as long as a reading is good for longer.
pub fn columns(
    beats: &VecDeque<Beat>,
    now: Timestamp,
    columns: usize,
    (window, good_for, slow): (Span, Span, Span),
) -> Vec<Column> {
    let step = window.micros() / columns.max(1) as i64;
    let mut last = now.as_microsecond().div_euclid(step);
    if let Some(newest) = beats.back()
        && newest.at.as_microsecond() < last * step
        && Span::between(newest.at, now) <= good_for
    {
        last -= 1;
    }
    let first = last - columns as i64 + 1;
    let usual = usual(beats).unwrap_or(Span::from_micros(slow.micros() / 4));
    let mut out = vec![Column::Gap; columns];
    for b in beats.iter().rev() {
        let n = b.at.as_microsecond().div_euclid(step);
        if n < first {
            break;
        }
        let Some(slot) = usize::try_from(n - first).ok().and_then(|i| out.get_mut(i)) else {
            continue;
        };
        *slot = worse(*slot, column(b, usual));
    }
    out
}

fn column(b: &Beat, usual: Span) -> Column {
    match b.verdict {
        None => Column::Gap,
        Some(Verdict::Down) => Column::Failed,
        Some(_) => Column::Held {
            times: b.took.secs_f64() / usual.secs_f64().max(1e-6),
            took: b.took,
        },
    }
}

fn worse(a: Column, b: Column) -> Column {
    match (a, b) {
        (Column::Failed, _) | (_, Column::Gap) => a,
        (Column::Held { times: x, .. }, Column::Held { times: y, .. }) if x >= y => a,
        _ => b,
    }
}

/// The median of all probes without trouble: what this door takes when it is well. Slow ones do not count, or hours of
/// slowness would become what is usual and be drawn flat.
fn usual(beats: &VecDeque<Beat>) -> Option<Span> {
    let good = |b: &&Beat| b.verdict == Some(Verdict::Ok);
    let mut times: Vec<Span> = beats.iter().filter(good).map(|b| b.took).collect();
    let middle = times.len() / 2;
    (!times.is_empty()).then(|| *times.select_nth_unstable(middle).1)
}

/// The height of a good probe: one step for each 1.6-fold of its usual, so that a doubling is seen and a
/// hundredfold still fits. Above the limit it is the top.
fn level(times: f64, took: Span, slow: Span) -> usize {
    if took > slow {
        return LEVELS.len() - 1;
    }
    if times <= 1.3 {
        return 0;
    }
    ((times.ln() / 1.6_f64.ln()).round().max(1.0) as usize).min(LEVELS.len() - 1)
}

/// The line of a door.
pub fn cells(server: &Server, door: &Door, now: Timestamp, width: usize, theme: Theme) -> Cells {
    let spans = (server.recent(), server.good_for(), server.limits().slow);
    line(door.beats.points(), now, width, spans, theme)
}

/// The line of any series.
pub fn line(
    beats: &VecDeque<Beat>,
    now: Timestamp,
    width: usize,
    (window, good_for, slow): (Span, Span, Span),
    theme: Theme,
) -> Cells {
    columns(beats, now, width, (window, good_for, slow))
        .into_iter()
        .fold(Cells::new(), |line, c| match c {
            Column::Gap => line.put("·", theme.style(Role::Faint)),
            Column::Failed => line.put("█", theme.solid(Role::Down)),
            Column::Held { times, took } => {
                let role = if took > slow { Role::Warn } else { Role::Dim };
                line.put(LEVELS[level(times, took, slow)], theme.style(role))
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Span = Span::from_secs(1);

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + s).unwrap()
    }
    fn beat(s: i64, ms: i64, verdict: Option<Verdict>) -> Beat {
        Beat {
            at: t(s),
            took: Span::from_millis(ms),
            verdict,
        }
    }
    fn drawn(beats: &[Beat], now: i64) -> String {
        let beats: VecDeque<_> = beats.iter().copied().collect();
        let sign = |c: &Column| match c {
            Column::Gap => "·",
            Column::Failed => "█",
            Column::Held { times, took } => LEVELS[level(*times, *took, SLOW)],
        };
        columns(&beats, t(now), 10, (Span::from_mins(10), Span::from_secs(30), SLOW))
            .iter()
            .map(sign)
            .collect()
    }

    #[test]
    fn a_gap_is_a_dot_and_a_failure_fills_its_column() {
        let ok = Some(Verdict::Ok);
        let beats = [
            beat(0, 20, ok),
            beat(60, 20, ok),
            beat(180, 20, ok),
            beat(190, 30, Some(Verdict::Down)),
            beat(240, 0, None),
        ];
        assert_eq!(drawn(&beats, 240), "·····▂▂·█·");
    }

    #[test]
    fn height_is_the_slowest_of_its_minute_against_the_usual() {
        let ok = Some(Verdict::Ok);
        let mut beats: Vec<_> = (0..40).map(|i| beat(i * 10, 20, ok)).collect();
        beats.push(beat(401, 40, ok));
        beats.push(beat(480, 2_000, ok));
        beats.push(beat(540, 27, ok));
        assert_eq!(drawn(&beats, 540), "▂▂▂▂▂▂▂·▇▃".replacen("▂▂▂▂▂▂▂·", "▂▂▂▂▂▂▃·", 1));
    }

    #[test]
    fn hours_of_slow_probes_do_not_become_what_is_usual() {
        let slow = |i: i64| beat(i * 10, 1_600, Some(Verdict::Warn));
        let mut beats: Vec<_> = (0..6).map(|i| beat(i * 10, 20, Some(Verdict::Ok))).collect();
        beats.extend((6..1_000).map(slow));
        assert_eq!(drawn(&beats, 9_999), "▇▇▇▇▇▇▇▇▇▇");
        beats.push(beat(10_020, 20, Some(Verdict::Ok)));
        assert!(drawn(&beats, 10_020).ends_with("▇▂"), "well again");
    }

    #[test]
    fn without_any_good_probe_the_limit_says_what_is_quick() {
        let warn = Some(Verdict::Warn);
        let beats = [
            beat(0, 1_001, warn),
            beat(60, 1_000, warn),
            beat(120, 500, warn),
            beat(180, 200, warn),
        ];
        assert_eq!(drawn(&beats, 180), "······▇▅▃▂");
    }

    #[test]
    fn above_the_limit_is_the_top_even_where_slow_is_usual() {
        let mut beats: Vec<_> = (0..40).map(|i| beat(i * 10, 900, Some(Verdict::Ok))).collect();
        beats.push(beat(420, 1_100, Some(Verdict::Warn)));
        assert_eq!(drawn(&beats, 420), "··▂▂▂▂▂▂▂▇");
    }

    #[test]
    fn a_column_that_has_only_just_begun_is_not_drawn_as_a_gap() {
        let beats = [beat(0, 20, Some(Verdict::Ok)), beat(55, 20, Some(Verdict::Ok))];
        assert_eq!(drawn(&beats, 61), "·········▂");
        assert_eq!(drawn(&beats, 90), "········▂·", "now a look is overdue");
    }

    #[test]
    fn the_picture_does_not_move_within_a_column() {
        let beats: Vec<_> = (0..60).map(|i| beat(i * 10, 20 + i, Some(Verdict::Ok))).collect();
        assert_eq!(drawn(&beats, 541), drawn(&beats, 599));
        assert_ne!(drawn(&beats, 599), drawn(&beats, 660));
    }
}
