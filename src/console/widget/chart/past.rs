//! What is known of the past in each column of a chart. A sample holds until the next one, unless more time lies between
//! them than is usual around there: then nothing is known after it has stood for as long as a sample may.

use crate::domain::Span;
use crate::domain::flow::Sample;

use super::Chart;

/// So many times the usual time between looks is a gap, as the forecast has it.
const GAP: f64 = 3.5;
/// Looks on either side that tell what is usual: the load budget sets looks at a deep queue further apart.
const AROUND: usize = 8;

/// A time of which nothing is known, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Unknown {
    from: i64,
    to: i64,
}

/// The depth in each column: the last that was known in it, `None` in a gap. A column longer than a sample may stand is left
/// empty where most of it was not seen; of each gap at least one is, so that none hides between two samples of one column.
pub(super) fn columns(c: &Chart<'_>, step: Span, count: usize) -> Vec<Option<u64>> {
    let samples = readable(c);
    let unknown = unknown(c, &samples);
    let (now, step, good_for) = (c.now.as_microsecond(), step.micros(), c.good_for.micros());
    let first = (now.div_euclid(step) - count as i64 + 1) * step;
    let mut columns: Vec<Option<u64>> = (0..count as i64)
        .map(|i| {
            let begun = first + i * step;
            // The column that is not over yet ends now.
            let end = (begun + step).min(now + 1);
            let newest = samples[..samples.partition_point(|s| s.at.as_microsecond() < end)].last()?;
            let gap = unknown.get(unknown.partition_point(|u| u.to <= begun));
            let seen = newest.at.as_microsecond() >= begun || gap.is_none_or(|gap| end <= gap.from);
            seen.then_some(newest.depth)
        })
        .collect();
    if step > good_for {
        for gap in &unknown {
            // How much of each column is in it.
            let (from, to) = (gap.from.max(first), gap.to.min(now));
            let touched = (from - first).div_euclid(step)..(to - first).div_euclid(step) + 1;
            let parts = touched.map(|i| ((first + (i + 1) * step).min(to) - (first + i * step).max(from), i));
            let most = parts.clone().max().map_or(0, |(part, _)| part);
            // What is not seen now may be seen in a moment: that is a gap only once it fills a column.
            let enough = if gap.to > now { step / 2 } else { most.min(step / 2) };
            for (_, i) in parts.filter(|(part, _)| *part > 0 && *part >= enough) {
                if let Some(column) = usize::try_from(i).ok().and_then(|i| columns.get_mut(i)) {
                    *column = None;
                }
            }
        }
    }
    columns
}

/// The samples in the order of their times: none of the future, and none of a time that came again after the clock was put
/// back, for of two the newer one is true.
fn readable(c: &Chart<'_>) -> Vec<Sample> {
    let mut before = c.now.as_microsecond() + 1;
    let mut all: Vec<Sample> = (c.samples.iter().rev())
        .filter(|s| {
            let is_earlier = s.at.as_microsecond() < before;
            before = before.min(s.at.as_microsecond());
            is_earlier
        })
        .copied()
        .collect();
    all.reverse();
    all
}

/// The times of which nothing is known, from the first sample on.
fn unknown(c: &Chart<'_>, samples: &[Sample]) -> Vec<Unknown> {
    let at = |i: usize| samples[i].at.as_microsecond();
    let good_for = c.good_for.micros();
    let usual = |i: usize| {
        let near = i.saturating_sub(AROUND)..(i + AROUND).min(samples.len() - 1);
        let mut steps: Vec<i64> = near.map(|n| at(n + 1) - at(n)).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied().unwrap_or(0)
    };
    let mut all = Vec::new();
    for i in 0..samples.len() {
        let to = if i + 1 < samples.len() { at(i + 1) } else { i64::MAX };
        if to - at(i) <= good_for {
            continue;
        }
        let hold = good_for.max((GAP * usual(i) as f64) as i64);
        if to.saturating_sub(at(i)) > hold {
            all.push(Unknown { from: at(i) + hold, to });
        }
    }
    all
}
