//! Depth over time as filled columns. A column without a reading stays empty: a gap is not a zero. The axis begins at
//! zero, so that half as high is half as many. Marks under it say when maintenance was paused and resumed. Where a clear
//! time is known, the axis goes on beyond now and `ahead` draws it as a band.

mod ahead;
mod past;
mod scale;

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

pub use ahead::Ahead;
use scale::Scale;

/// Eighths of a cell in height.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Columns for the figures of the axis.
const AXIS: usize = 8;

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
    /// When it will be clear; `None` where no clear time is known: then nothing is drawn beyond now.
    pub ahead: Option<Ahead>,
    /// Until here things were seen.
    pub now: Timestamp,
    /// For the times under the axis.
    pub zone: &'a TimeZone,
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
    let scale = Scale::of(c, count);
    let values = past::columns(c, scale.step, scale.past);
    let coming = c.ahead.map_or(0, |a| a.depth);
    let top = ceiling(values.iter().flatten().copied().max().unwrap_or(0).max(coming).max(4));
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
            let line = Cells::new().right(&label, AXIS, dim).put("│", faint).put(body, fill);
            match &c.ahead {
                Some(a) => line.join(a.row(&scale, (top, height), from_bottom, theme)).line(),
                None => line.line(),
            }
        })
        .collect();
    out.push(marks(c, &scale, theme));
    out.push(times(c, &scale, theme));
    out
}

fn block(value: Option<u64>, top: u64, height: usize, from_bottom: usize) -> &'static str {
    let Some(v) = value else { return " " };
    let eighths = (v as f64 / top as f64 * (height * 8) as f64).round() as usize;
    // A little is not nothing, and zero is drawn as a line on the axis: it was read.
    let eighths = eighths.max(usize::from(from_bottom == 0));
    EIGHTHS[eighths.saturating_sub(from_bottom * 8).min(8)]
}

/// The sign of a mark.
pub const fn sign(verb: Verb) -> &'static str {
    match verb {
        Verb::Pause => "‖",
        Verb::Resume => "▶",
        Verb::Extend => "+",
        Verb::Flush => "»",
    }
}

fn marks(c: &Chart<'_>, scale: &Scale, theme: Theme) -> Line<'static> {
    let mut row: Vec<&'static str> = vec!["─"; scale.columns()];
    for m in c.marks {
        if let Some(i) = scale.column_of(m.at) {
            row[i] = sign(m.verb);
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

/// Times under the axis: `now` where it is, and round ones, as many as there is room for.
fn times(c: &Chart<'_>, scale: &Scale, theme: Theme) -> Line<'static> {
    let every = [60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400]
        .into_iter()
        .find(|s| s / scale.step.secs().max(1) >= 9)
        .unwrap_or(86_400);
    let mut words = vec![(scale.past.saturating_sub(3), "now".to_owned())];
    let free = |words: &[(usize, String)], from: usize, to: usize| {
        words.iter().all(|(at, w)| to < *at || from > at + width(w))
    };
    let mut t = scale.from.as_second().div_euclid(every) * every + every;
    while let Ok(at) = Timestamp::from_second(t)
        && at < scale.to
    {
        if let Some(i) = scale.column_of(at) {
            let word = when::hour_minute(at, c.zone);
            let column = i.saturating_sub(2);
            let end = column + width(&word);
            if i > 2 && end <= scale.columns() && free(&words, column, end) {
                words.push((column, word));
            }
        }
        t += every;
    }
    words.sort();
    let line = words.into_iter().fold(Cells::new(), |line, (at, word)| {
        line.to(AXIS + 1 + at).put(word, theme.style(Role::Dim))
    });
    line.line()
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
                ..Sample::default()
            })
            .collect();
        let chart = Chart {
            samples: &samples,
            marks,
            ahead: None,
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

    /// A look each ten seconds for three hours, but for those between two moments.
    fn three_hours(but: std::ops::Range<i64>) -> Vec<(i64, u64)> {
        let looks = (0..1_080).map(|i| (i * 10, 100));
        looks.filter(|(s, _)| !but.contains(s)).collect()
    }
    fn bottom(got: &[String]) -> String {
        got[3].chars().skip(9).collect()
    }

    #[test]
    fn a_cut_of_two_minutes_is_a_gap_also_where_a_column_is_longer_than_that() {
        let whole = bottom(&drawn(&three_hours(0..0), 10_790, &[]));
        assert!(!whole.trim().contains(' ') && whole.trim().len() > 60, "{whole}");
        // Inside one column, and over the edge of two.
        for from in (7_000..7_600).step_by(50) {
            let cut = bottom(&drawn(&three_hours(from..from + 120), 10_790, &[]));
            assert!(cut.trim().contains(' '), "{from}: {cut}");
            let empty = cut.trim().chars().filter(|c| *c == ' ').count();
            assert!(empty <= 2, "{from}: {cut}");
        }
    }

    #[test]
    fn looks_that_the_budget_sets_far_apart_are_no_gaps() {
        let far: Vec<_> = (0..108).map(|i| (i * 100, 100)).collect();
        let got = bottom(&drawn(&far, 10_790, &[]));
        assert!(!got.trim().contains(' '), "{got}");
    }

    #[test]
    fn samples_of_a_clock_that_was_put_back_are_not_in_the_way_of_newer_ones() {
        // Up to 600 s, then an hour back: those samples are of the future, or of a time that came again.
        let mut points: Vec<_> = (0..60).map(|i| (3_600 + i * 10, 100)).collect();
        points.extend((0..60).map(|i| (i * 10, 0)));
        let got = bottom(&drawn(&points, 590, &[]));
        assert!(got.trim().len() > 60 && got.trim().chars().all(|c| c == '▁'), "{got}");
        points.extend((60..400).map(|i| (i * 10, 0)));
        let got = bottom(&drawn(&points, 3_990, &[]));
        assert!(got.trim().chars().all(|c| c == '▁'), "{got}");
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
            ahead: None,
            good_for: Span::ZERO,
            now: t(0),
            zone: &TimeZone::UTC,
        };
        assert!(lines(&chart, 12, 6, Theme::PLAIN).is_empty() && lines(&chart, 60, 2, Theme::PLAIN).is_empty());
    }
}
