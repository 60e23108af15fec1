//! A clear time drawn into a chart: from the newest depth straight down to when the queue is clear. Between the early and
//! the late end lies a shaded band, on the middle a dotted line. The lines are straight because only their ends are known.

use jiff::Timestamp;

use crate::console::theme::{Role, Theme};
use crate::console::widget::Cells;
use crate::domain::Span;

use super::scale::Scale;

/// When a queue will be clear, as a chart draws it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ahead {
    /// The moment that it is told from.
    pub from: Timestamp,
    /// How deep the queue was then.
    pub depth: u64,
    /// What stays in it: held mail does not drain.
    pub floor: u64,
    /// When it is clear: one in ten is earlier, the middle, one in ten is later.
    pub clears: [Timestamp; 3],
}

impl Ahead {
    /// The depth at `at` if it is clear at `clear`; `None` once it is.
    fn depth_at(&self, at: Timestamp, clear: Timestamp) -> Option<f64> {
        let (all, left) = (Span::between(self.from, clear), Span::between(at, clear));
        if left <= Span::ZERO || all <= Span::ZERO {
            return None;
        }
        let share = (left.secs_f64() / all.secs_f64()).min(1.0);
        Some(self.floor as f64 + self.depth.saturating_sub(self.floor) as f64 * share)
    }

    /// What lies beyond now in one row of the chart, which is `height` rows up to `top` messages high.
    pub(super) fn row(&self, scale: &Scale, (top, height): (u64, usize), from_bottom: usize, theme: Theme) -> Cells {
        let (band, middle) = (theme.style(Role::Dim), theme.style(Role::Accent));
        let rows = |depth: f64| depth / top as f64 * height as f64;
        let (below, above) = (from_bottom as f64, from_bottom as f64 + 1.0);
        (scale.past..scale.columns()).fold(Cells::new(), |line, column| {
            let at = scale.middle(column);
            let [early, mid, late] = self.clears.map(|clear| self.depth_at(at, clear).map(rows));
            let floor = rows(self.floor as f64);
            match (late, mid) {
                (_, Some(mid)) if (below..above).contains(&mid) => line.put("•", middle),
                (Some(late), _) if late > below && early.unwrap_or(floor) < above => line.put("░", band),
                _ => line.gap(1),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use jiff::tz::TimeZone;

    use super::super::{Chart, lines};
    use super::*;
    use crate::domain::flow::Sample;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_795_372_560 + s).unwrap()
    }
    /// A queue that falls by one a second from 3 600, drawn after half an hour.
    fn drawn(clears: Option<[i64; 3]>) -> Vec<String> {
        let samples: VecDeque<Sample> = (0..=180)
            .map(|i| Sample {
                at: t(i * 10),
                depth: (3_600 - i * 10).unsigned_abs(),
                ..Sample::default()
            })
            .collect();
        let chart = Chart {
            samples: &samples,
            marks: &[],
            ahead: clears.map(|c| Ahead {
                from: t(1_800),
                depth: 1_800,
                floor: 0,
                clears: c.map(|s| t(1_800 + s)),
            }),
            good_for: Span::from_secs(30),
            now: t(1_800),
            zone: &TimeZone::UTC,
        };
        let all = lines(&chart, 69, 8, Theme::PLAIN);
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_clear_time_is_a_band_from_now_to_its_late_end_with_the_middle_on_it() {
        let got = drawn(Some([1_200, 1_500, 1_800]));
        let bottom: Vec<char> = got[5].chars().collect();
        let last = |c: char| bottom.iter().rposition(|b| *b == c).unwrap();
        assert!(last('█') < last('•') && last('•') < last('░'), "{got:#?}");
        assert!(
            got[7].contains("now") && !got[7].ends_with("now"),
            "the axis goes on: {got:#?}"
        );
        assert!(
            !got[0].contains('░') && !got[1].contains('░'),
            "no higher than now: {got:#?}"
        );
    }

    #[test]
    fn the_axis_goes_no_further_ahead_than_it_goes_back() {
        let got = drawn(Some([90_000, 100_000, 200_000]));
        let axis = got[7].chars().count();
        let now = got[7].find("now").unwrap();
        assert!(now >= 9 + 30 - 3, "{axis} {now}: {got:#?}");
        assert!(got.iter().any(|l| l.trim_end().ends_with(['░', '•'])), "{got:#?}");
    }

    #[test]
    fn without_a_clear_time_nothing_is_drawn_beyond_now() {
        let got = drawn(None);
        assert!(
            got[7].ends_with("now") && !got.concat().contains(['░', '•']),
            "{got:#?}"
        );
    }
}
