//! How a queue's depth changes: the net rate between samples. A gap in the samples, or samples of one moment, give no
//! rate. Only depth is known here, so only the net is said; arrivals and exits need message identities or a log.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Span;

/// One sample of depth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Messages in all queues.
    pub depth: u64,
}

/// The net change in messages a minute over the last `window`, by least squares over its samples.
///
/// `None` when there are fewer than two moments, when any two neighbouring samples are further apart than `gap`
/// (nobody looked in between), or when the clock went backwards between them.
pub fn net_per_min(samples: &VecDeque<Sample>, now: Timestamp, window: Span, gap: Span) -> Option<f64> {
    let newest = samples.back()?;
    if Span::between(newest.at, now) > gap {
        return None;
    }
    let mut used: Vec<(f64, f64)> = vec![(0.0, newest.depth as f64)];
    let mut later = newest;
    for s in samples.iter().rev().skip(1) {
        let step = Span::between(s.at, later.at);
        if step.is_negative() || step > gap || Span::between(s.at, newest.at) > window {
            break;
        }
        used.push((-Span::between(s.at, newest.at).mins_f64(), s.depth as f64));
        later = s;
    }
    let n = used.len() as f64;
    let (mean_x, mean_y) = (
        used.iter().map(|p| p.0).sum::<f64>() / n,
        used.iter().map(|p| p.1).sum::<f64>() / n,
    );
    let var: f64 = used.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    if var <= 0.0 {
        return None;
    }
    Some(used.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum::<f64>() / var)
}

/// Which way a queue is going, from its depth and net rate alone. It holds no clear time: that needs a forecast.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Trend {
    /// Nothing in it.
    Empty,
    /// Fewer messages each minute.
    Shrinking {
        /// Messages a minute, negative.
        per_min: f64,
    },
    /// No change to speak of.
    Steady,
    /// More messages each minute.
    Growing {
        /// Messages a minute.
        per_min: f64,
    },
    /// Not known.
    Unknown,
}

/// The trend of a queue `depth` deep with this net rate. Less than one message a minute, or less than a
/// ten-thousandth of the depth (six in a thousand an hour), is steady. An empty queue is empty whatever its past rate.
pub fn trend(depth: Option<u64>, net_per_min: Option<f64>) -> Trend {
    match (depth, net_per_min) {
        (Some(0), _) => Trend::Empty,
        (None, _) | (_, None) => Trend::Unknown,
        (Some(d), Some(r)) if r.abs() < (d as f64 / 10_000.0).max(1.0) => Trend::Steady,
        (_, Some(per_min)) if per_min < 0.0 => Trend::Shrinking { per_min },
        (_, Some(per_min)) => Trend::Growing { per_min },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(i64, u64)]) -> VecDeque<Sample> {
        points
            .iter()
            .map(|(s, depth)| Sample {
                at: t(*s),
                depth: *depth,
            })
            .collect()
    }
    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + s).unwrap()
    }
    fn rate(points: &[(i64, u64)], now: i64) -> Option<f64> {
        net_per_min(&series(points), t(now), Span::from_mins(5), Span::from_secs(30))
    }

    #[test]
    fn a_steady_fall_is_its_slope() {
        let r = rate(&[(0, 1000), (10, 990), (20, 980), (30, 970)], 30).unwrap();
        assert!((r + 60.0).abs() < 1e-6, "{r}");
    }

    #[test]
    fn no_rate_from_one_sample_or_from_two_of_one_moment() {
        assert_eq!(rate(&[], 0), None);
        assert_eq!(rate(&[(0, 5)], 0), None);
        assert_eq!(rate(&[(0, 5), (0, 500)], 0), None);
    }

    #[test]
    fn nothing_is_averaged_across_a_gap() {
        assert_eq!(
            rate(&[(0, 1000), (120, 10)], 120),
            None,
            "only one sample since the gap"
        );
        let r = rate(&[(0, 100_000), (120, 10), (130, 20)], 130).unwrap();
        assert!((r - 60.0).abs() < 1e-6, "{r}");
    }

    #[test]
    fn an_old_series_has_no_rate_now() {
        assert_eq!(rate(&[(0, 10), (10, 20)], 100), None);
    }

    #[test]
    fn a_clock_that_stepped_back_starts_afresh() {
        assert_eq!(rate(&[(100, 10), (110, 20), (5, 21)], 5), None);
    }

    #[test]
    fn a_trend_without_a_reading_is_unknown_and_an_empty_queue_is_empty() {
        assert_eq!(trend(None, Some(-5.0)), Trend::Unknown);
        assert_eq!(trend(Some(5), None), Trend::Unknown);
        assert_eq!(trend(Some(0), None), Trend::Empty);
        assert_eq!(trend(Some(50_000), Some(-3.0)), Trend::Steady);
        assert_eq!(trend(Some(30_000), Some(20.0)), Trend::Growing { per_min: 20.0 });
        assert_eq!(trend(Some(500), Some(-30.0)), Trend::Shrinking { per_min: -30.0 });
        assert_eq!(trend(Some(500), Some(30.0)), Trend::Growing { per_min: 30.0 });
    }
}
