//! Depth over time as filled columns. A column without a reading stays empty: a gap is not a zero. The axis begins at
//! zero, so that half as high is half as many. Marks under it say when maintenance was paused and resumed.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::text::Line;

use crate::console::theme::{Role, Theme};
use crate::console::{number, when};
use crate::domain::Span;
use crate::domain::action::Verb;
use crate::domain::flow::Sample;

use super::cells::{Cells, width};

/// Eighths of a cell in height.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Columns for the figures of the axis.
const AXIS: usize = 8;
/// Widths of a column in seconds that read well.
const STEPS: [i64; 13] = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400];

/// A moment at which maintenance was paused or resumed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// What.
    pub verb: Verb,
}

/// What a chart is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// The samples, oldest first.
    pub samples: &'a VecDeque<Sample>,
    /// Marks on the axis.
    pub marks: &'a [Mark],
    /// A sample holds for this long; after it nothing is known.
    pub good_for: Span,
    /// The right edge.
    pub now: Timestamp,
    /// For the times under the axis.
    pub zone: &'a TimeZone,
}

/// The depth in each column: the last sample of it, or the one that still held; `None` in a gap.
fn columns(c: &Chart<'_>, step: Span, count: usize) -> Vec<Option<u64>> {
    let last = c.now.as_microsecond().div_euclid(step.micros());
    let mut samples = c.samples.iter().peekable();
    let mut held: Option<Sample> = None;
    (0..count as i64)
        .map(|i| {
            let n = last - count as i64 + 1 + i;
            // The column that is not over yet ends now.
            let end = ((n + 1) * step.micros()).min(c.now.as_microsecond() + 1);
            while let Some(s) = samples.peek().filter(|s| s.at.as_microsecond() < end) {
                held = Some(**s);
                samples.next();
            }
            let s = held?;
            let age = end - s.at.as_microsecond();
            let begun = n * step.micros();
            (s.at.as_microsecond() >= begun || age <= c.good_for.micros()).then_some(s.depth)
        })
        .collect()
}

/// The smallest step in which everything known, or at least ten minutes, fits `count` columns.
fn step(c: &Chart<'_>, count: usize) -> Span {
    let known = c.samples.front().map_or(Span::ZERO, |s| Span::between(s.at, c.now));
    let known = known.max(Span::from_mins(10)).secs();
    let fits = |s: &&i64| **s * count as i64 >= known;
    Span::from_secs(*STEPS.iter().find(fits).unwrap_or(&STEPS[STEPS.len() - 1]))
}

/// A round number at or above `n`: 1, 2 or 5 with zeros.
fn ceiling(n: u64) -> u64 {
    let mut unit = 1u64;
    loop {
        for m in [1, 2, 5] {
            if unit.saturating_mul(m) >= n {
                return unit.saturating_mul(m);
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The chart in `area_width` columns and `rows` rows, of which the last two are the axis with its marks and times.
pub fn lines(c: &Chart<'_>, area_width: usize, rows: usize, theme: Theme) -> Vec<Line<'static>> {
    let count = area_width.saturating_sub(AXIS + 1);
    let height = rows.saturating_sub(2);
    if count < 8 || height < 1 {
        return Vec::new();
    }
    let step = step(c, count);
    let values = columns(c, step, count);
    let top = ceiling(values.iter().flatten().copied().max().unwrap_or(0).max(4));
    let (dim, faint, fill) = (
        theme.style(Role::Dim),
        theme.style(Role::Faint),
        theme.style(Role::Fill),
    );
    let mut out: Vec<Line<'static>> = (0..height)
        .map(|row| {
            let from_bottom = height - 1 - row;
            let label = if row == 0 {
                number::fitted(top, AXIS - 1)
            } else if height >= 5 && row == height / 2 && (top * (height - row) as u64).is_multiple_of(height as u64) {
                number::fitted(top * (height - row) as u64 / height as u64, AXIS - 1)
            } else {
                String::new()
            };
            let body: String = values.iter().map(|v| block(*v, top, height, from_bottom)).collect();
            Cells::new()
                .right(&label, AXIS, dim)
                .put("│", faint)
                .put(body, fill)
                .line()
        })
        .collect();
    out.push(marks(c, step, count, theme));
    out.push(times(c, step, count, theme));
    out
}

fn block(value: Option<u64>, top: u64, height: usize, from_bottom: usize) -> &'static str {
    let Some(v) = value else { return " " };
    let eighths = (v as f64 / top as f64 * (height * 8) as f64).round() as usize;
    // A little is not nothing, and zero is drawn as a line on the axis: it was read.
    let eighths = eighths.max(usize::from(from_bottom == 0));
    EIGHTHS[eighths.saturating_sub(from_bottom * 8).min(8)]
}

fn marks(c: &Chart<'_>, step: Span, count: usize, theme: Theme) -> Line<'static> {
    let mut row: Vec<&'static str> = vec!["─"; count];
    for m in c.marks {
        if let Some(i) = column_of(c, m.at, step, count) {
            row[i] = match m.verb {
                Verb::Pause => "‖",
                Verb::Resume => "▶",
            };
        }
    }
    let mut line = Cells::new()
        .right("0", AXIS, theme.style(Role::Dim))
        .put("└", theme.style(Role::Faint));
    for s in row {
        let role = if s == "─" { Role::Faint } else { Role::Title };
        line = line.put(s, theme.style(role));
    }
    line.line()
}

fn column_of(c: &Chart<'_>, at: Timestamp, step: Span, count: usize) -> Option<usize> {
    let n = |t: Timestamp| t.as_microsecond().div_euclid(step.micros());
    let back = usize::try_from(n(c.now) - n(at)).ok()?;
    (back < count).then(|| count - 1 - back)
}

/// Times under the axis: round ones, as many as there is room for, and `now` at the right edge.
fn times(c: &Chart<'_>, step: Span, count: usize, theme: Theme) -> Line<'static> {
    let every = [60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400]
        .into_iter()
        .find(|s| s / step.secs().max(1) >= 9)
        .unwrap_or(86_400);
    let mut line = Cells::new().gap(AXIS + 1);
    let span = step.secs() * count as i64;
    let mut t = (c.now.as_second() - span).div_euclid(every) * every + every;
    while t <= c.now.as_second() {
        if let Ok(at) = Timestamp::from_second(t)
            && let Some(i) = column_of(c, at, step, count)
        {
            let word = when::hour_minute(at, c.zone);
            let column = AXIS + 1 + i.saturating_sub(2);
            let room = AXIS + 1 + count - 5;
            if column > line.used() && column + width(&word) < room {
                line = line.to(column).put(word, theme.style(Role::Dim));
            }
        }
        t += every;
    }
    line.to(AXIS + 1 + count - 3).put("now", theme.style(Role::Dim)).line()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_795_372_560 + s).unwrap()
    }
    fn text(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }
    fn drawn(points: &[(i64, u64)], now: i64, marks: &[Mark]) -> Vec<String> {
        let samples = points
            .iter()
            .map(|(s, depth)| Sample {
                at: t(*s),
                depth: *depth,
            })
            .collect();
        let chart = Chart {
            samples: &samples,
            marks,
            good_for: Span::from_secs(30),
            now: t(now),
            zone: &TimeZone::UTC,
        };
        text(&lines(&chart, 49, 6, Theme::PLAIN))
    }

    #[test]
    fn a_gap_is_left_empty_and_a_zero_is_drawn() {
        let mut points: Vec<_> = (0..20).map(|i| (i * 10, 100)).collect();
        points.extend((40..60).map(|i| (i * 10, 0)));
        let got = drawn(&points, 590, &[]);
        let bottom: String = got[3].chars().skip(9).collect();
        assert!(bottom.starts_with("█████████████"), "{got:#?}");
        assert!(bottom.contains("█       "), "the gap is empty: {got:#?}");
        assert!(
            bottom.trim_end().ends_with("▁▁▁▁▁▁"),
            "zero was read, and is a line: {got:#?}"
        );
    }

    #[test]
    fn the_axis_begins_at_zero_and_ends_at_a_round_number() {
        let got = drawn(&[(0, 48_211), (10, 48_211)], 10, &[]);
        assert!(got[0].starts_with("  50\u{202f}000│"), "{got:#?}");
        assert!(got[4].starts_with("       0└"), "{got:#?}");
        assert!(got[5].ends_with("now"));
        assert_eq!(
            [ceiling(0), ceiling(1), ceiling(3), ceiling(50), ceiling(51)],
            [1, 1, 5, 50, 100]
        );
        assert_eq!(ceiling(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_pause_and_a_resume_stand_where_they_happened() {
        let marks = [
            Mark {
                at: t(0),
                verb: Verb::Pause,
            },
            Mark {
                at: t(590),
                verb: Verb::Resume,
            },
            Mark {
                at: t(-90_000),
                verb: Verb::Pause,
            },
        ];
        let points: Vec<_> = (0..60).map(|i| (i * 10, 5)).collect();
        let got = drawn(&points, 590, &marks);
        let axis: Vec<char> = got[4].chars().collect();
        assert_eq!(
            axis.iter().filter(|c| **c == '‖').count(),
            1,
            "one from another day is not drawn: {got:#?}"
        );
        assert_eq!(axis.last(), Some(&'▶'));
    }

    #[test]
    fn nothing_known_is_an_empty_chart_and_no_room_is_none() {
        assert!(drawn(&[], 0, &[])[3].chars().skip(9).all(|c| c == ' '));
        let samples = VecDeque::new();
        let chart = Chart {
            samples: &samples,
            marks: &[],
            good_for: Span::ZERO,
            now: t(0),
            zone: &TimeZone::UTC,
        };
        assert!(lines(&chart, 12, 6, Theme::PLAIN).is_empty() && lines(&chart, 60, 2, Theme::PLAIN).is_empty());
    }
}
