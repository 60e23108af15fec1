//! From samples to steps: what changed between two looks, and only where that can be known. Gaps, clock steps, equal
//! times, absurd readings and counters that reset end here, so that nothing behind this file can make a rate of them.

use super::{Sample, Span, Timestamp};

/// Samples read one by one from the newest on; older ones are read in strides.
const FINE: usize = 200;
const STRIDE: usize = 16;
/// The most samples looked at, whatever is handed in.
pub(super) const MOST: usize = FINE + 170 * STRIDE;
/// Two looks further apart than this many usual intervals have a gap between them.
pub(super) const GAP: f64 = 3.5;

/// What changed between two neighbouring looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Minutes that it took.
    pub took: f64,
    /// Change of the mail that can drain.
    pub net: f64,
    /// Arrivals and exits, where both were counted.
    pub flows: Option<(f64, f64)>,
}

/// The readable past of a queue.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Oldest first.
    pub steps: Vec<Step>,
    /// When the newest sample was taken; `None` when there is none.
    pub newest: Option<Timestamp>,
    /// Mail that can drain, as of the newest sample that can be believed.
    pub waiting: f64,
    /// Minutes from that sample to the newest: above zero when the newest is set aside.
    pub set_aside: f64,
    /// Usual minutes between looks; zero when not known.
    pub every: f64,
    /// Steps since the newest gap.
    pub since_gap: usize,
    /// Whether there is a gap.
    pub gap: bool,
    /// Whether the past begins at a clock step.
    pub clock_stepped: bool,
    /// Whether counts were there and did not add up to the change of depth.
    pub counts_disagree: bool,
}

impl Past {
    /// How many of the newest steps in a row have counts; zero when these are too few to use.
    pub fn counted(&self) -> usize {
        let n = self.steps.iter().rev().take_while(|s| s.flows.is_some()).count();
        if n >= 8 || n == self.steps.len() { n } else { 0 }
    }
}

#[derive(Clone, Copy)]
struct Point {
    /// Minutes before the newest sample.
    age: f64,
    /// How many usual intervals the step from the next older point should have taken.
    stride: f64,
    waiting: f64,
    counts: Option<(u64, u64)>,
}

/// Reads samples, oldest first as they were taken.
pub(super) fn read<'a>(samples: impl DoubleEndedIterator<Item = &'a Sample> + ExactSizeIterator) -> Past {
    let mut past = Past::default();
    let mut points = points(samples, &mut past);
    let usual = usual_change(&points);
    drop_absurd(&mut points, usual);
    let Some(first) = points.first() else { return past };
    past.waiting = first.waiting;
    past.set_aside = first.age;
    let mut leaps = Vec::with_capacity(points.len());
    past.steps.reserve(points.len());
    for pair in points.windows(2) {
        let (late, early) = (pair[0], pair[1]);
        let took = early.age - late.age;
        if took > (late.stride + GAP - 1.0) * past.every {
            past.gap = true;
            continue;
        }
        let flows = match (early.counts, late.counts) {
            (Some(a), Some(b)) if b.0 >= a.0 && b.1 >= a.1 => Some(((b.0 - a.0) as f64, (b.1 - a.1) as f64)),
            _ => None,
        };
        leaps.push(bound(usual, &early));
        past.steps.push(Step {
            took,
            net: late.waiting - early.waiting,
            flows,
        });
        past.since_gap += usize::from(!past.gap);
    }
    past.steps.reverse();
    leaps.reverse();
    drop_leaps(&mut past.steps, &leaps);
    past.since_gap = past.since_gap.min(past.steps.len());
    check_counts(&mut past);
    past
}

/// The samples as points, newest first, as far back as the clock runs forward.
fn points<'a>(samples: impl DoubleEndedIterator<Item = &'a Sample> + ExactSizeIterator, past: &mut Past) -> Vec<Point> {
    let count = samples.len().min(MOST);
    let mut points: Vec<Point> = Vec::with_capacity(count.min(FINE) + count.saturating_sub(FINE) / STRIDE + 1);
    let mut newest_first = samples.rev();
    let Some(newest) = newest_first.next() else {
        return points;
    };
    past.newest = Some(newest.at);
    let mut held = newest.held.unwrap_or(0);
    let mut point = |s: &Sample, stride: f64| {
        held = s.held.unwrap_or(held);
        Point {
            age: Span::between(s.at, newest.at).mins_f64(),
            stride,
            waiting: s.depth.saturating_sub(held) as f64,
            counts: s.arrivals.zip(s.exits),
        }
    };
    points.push(point(newest, 1.0));
    let mut taken = 1;
    while taken < count {
        let stride = if taken < FINE { 1 } else { STRIDE };
        let Some(s) = newest_first.nth(stride - 1) else { break };
        taken += stride;
        let last = points.len() - 1;
        points[last].stride = stride as f64;
        let p = point(s, 1.0);
        if p.age < points[last].age {
            past.clock_stepped = true;
            break;
        }
        if p.age > points[last].age {
            points.push(p);
        }
    }
    past.every = usual_interval(&points);
    points
}

fn usual_interval(points: &[Point]) -> f64 {
    let mut took: Vec<f64> = points
        .windows(2)
        .take(64)
        .map(|p| (p[1].age - p[0].age) / p[0].stride)
        .collect();
    median(&mut took).unwrap_or(0.0)
}

/// The middle value; sorts as far as it must.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// How far a reading may be from the one before, for what is usual: beyond that it is absurd or a leap.
fn bound(usual: f64, p: &Point) -> f64 {
    12.0 * usual * p.stride + 3.0 * p.waiting.sqrt() + 0.02 * p.waiting
}

/// The usual change from one look to the next.
fn usual_change(points: &[Point]) -> f64 {
    let change = |p: &[Point]| (p[0].waiting - p[1].waiting).abs() / p[0].stride;
    let mut changes: Vec<f64> = points.windows(2).take(128).map(change).collect();
    median(&mut changes).unwrap_or(0.0).max(1.0)
}

/// Takes out a reading that departs from both its neighbours while these agree (Hampel), and sets the newest aside when it
/// jumps as nothing before did, until the next one confirms it. Counts that agree with the jump confirm it at once.
fn drop_absurd(points: &mut Vec<Point>, usual: f64) {
    let mut i = 1;
    while i + 1 < points.len() {
        let (late, p, early) = (points[i - 1], points[i], points[i + 1]);
        let (to_late, to_early) = (p.waiting - late.waiting, p.waiting - early.waiting);
        let far = bound(usual, &early)
            .min(bound(usual, &late))
            .max(4.0 * (late.waiting - early.waiting).abs());
        if to_late * to_early > 0.0 && to_late.abs().min(to_early.abs()) > far {
            points[i - 1].stride += p.stride;
            points.remove(i);
        } else {
            i += 1;
        }
    }
    if let [new, old, _, _, ..] = points[..] {
        let jump = new.waiting - old.waiting;
        let counted = old.counts.zip(new.counts).is_some_and(|(a, b)| {
            let change = (b.0 as f64 - a.0 as f64) - (b.1 as f64 - a.1 as f64);
            (change - jump).abs() <= 0.1 * jump.abs() + 10.0
        });
        if jump.abs() > bound(usual, &old) && !counted {
            points.remove(0);
        }
    }
}

/// A lasting leap of the depth between two looks (half of the queue deleted, a spool restored) is an event and no rate: its
/// step is taken out. Steps beside it that are large too make it a new pace, which stays.
fn drop_leaps(steps: &mut Vec<Step>, leaps: &[f64]) {
    let rate = |s: &Step| (s.net / s.took).abs();
    let alone = |i: usize| {
        let beside = [i.checked_sub(1), Some(i + 1)]
            .into_iter()
            .flatten()
            .filter_map(|j| steps.get(j))
            .map(rate);
        i + 1 < steps.len() && steps[i].net.abs() > leaps[i] && rate(&steps[i]) > 4.0 * beside.fold(0.0, f64::max)
    };
    let out: Vec<usize> = (0..steps.len()).filter(|i| alone(*i)).collect();
    for i in out.into_iter().rev() {
        steps.remove(i);
    }
}

/// Counts are used only where they explain the depth: if arrivals less exits is not its change, one of them is wrong, and
/// nobody knows which rate to believe.
fn check_counts(past: &mut Past) {
    let (mut off, mut moved, mut counted) = (0.0, 0.0, 0);
    for s in past.steps.iter().rev().take(64) {
        if let Some((came, went)) = s.flows {
            off += s.net - (came - went);
            moved += came + went;
            counted += 1;
        }
    }
    past.counts_disagree = counted > 0 && f64::abs(off) > 0.1 * moved + 20.0;
    if past.counts_disagree {
        for s in &mut past.steps {
            s.flows = None;
        }
    }
}
