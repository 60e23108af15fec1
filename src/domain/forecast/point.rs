//! Samples as points, newest first: each look's depth, held mail and counts, as far back as the clock runs forward. Readings
//! that cannot be believed end here.

use super::{Sample, Span, Timestamp};

/// Samples read one by one from the newest on; older ones are read in strides.
const FINE: usize = 200;
const STRIDE: usize = 32;
/// The most samples looked at, whatever is handed in.
pub(super) const MOST: usize = FINE + 85 * STRIDE;

/// One look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// Minutes before the newest sample.
    pub age: f64,
    /// How many usual intervals the step from the next older point should have taken.
    pub stride: f64,
    /// All messages.
    pub depth: f64,
    /// Those that can drain.
    pub waiting: f64,
    /// Cumulative: taken in, worked off, gone otherwise.
    counts: [Option<u64>; 3],
}

/// What was counted between two looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flows {
    pub came: f64,
    /// Worked off: this is what drains a queue.
    pub worked: f64,
    /// Expired or removed; `None` when not counted.
    pub otherwise: Option<f64>,
}

impl Flows {
    /// By how much the depth should have changed.
    pub fn change(&self) -> f64 {
        self.came - self.worked - self.otherwise.unwrap_or(0.0)
    }
}

/// The points of a past, and what was seen of its clock.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Newest first.
    pub newest_first: Vec<Point>,
    /// When the newest sample was taken; `None` when there is none.
    pub newest: Option<Timestamp>,
    /// Usual minutes between looks; zero when not known.
    pub every: f64,
    /// The usual change from one look to the next.
    pub usual: f64,
    /// Whether the past begins at a clock step.
    pub clock_stepped: bool,
}

impl Point {
    fn counted(&self, since: &Self, what: usize) -> Option<f64> {
        let (before, now) = since.counts[what].zip(self.counts[what])?;
        now.checked_sub(before).map(|n| n as f64) // a count that is lower began anew
    }
    /// What was counted since an older look. `None` when it was not, or when a count began anew.
    pub fn flows(&self, since: &Self) -> Option<Flows> {
        let otherwise = self.otherwise(since);
        let began_anew = otherwise.is_none() && self.counts[2].is_some() && since.counts[2].is_some();
        if began_anew {
            return None;
        }
        Some(Flows {
            came: self.counted(since, 0)?,
            worked: self.counted(since, 1)?,
            otherwise,
        })
    }
    /// Whether both looks have counts, whatever these say.
    pub fn counts_beside(&self, older: &Self) -> bool {
        [self, older]
            .iter()
            .all(|p| p.counts[0].is_some() && p.counts[1].is_some())
    }
    /// Expired or removed since an older look.
    pub fn otherwise(&self, since: &Self) -> Option<f64> {
        self.counted(since, 2)
    }
    pub fn held(&self) -> f64 {
        self.depth - self.waiting
    }
    /// How far the next reading may be from this one, for what is usual: beyond that it is absurd or a leap.
    pub fn bound(&self, usual: f64) -> f64 {
        12.0 * usual * self.stride + 3.0 * self.waiting.sqrt() + 0.02 * self.waiting
    }
}

/// Reads samples, oldest first as they were taken.
pub(super) fn points<'a>(samples: impl DoubleEndedIterator<Item = &'a Sample> + ExactSizeIterator) -> Looks {
    let count = samples.len().min(MOST);
    let mut read = Looks::default();
    let mut newest_first = samples.rev();
    let Some(newest) = newest_first.next() else {
        return read;
    };
    read.newest = Some(newest.at);
    let mut held: Vec<Option<u64>> = Vec::with_capacity(count.min(FINE) + count.saturating_sub(FINE) / STRIDE + 1);
    let points = &mut read.newest_first;
    points.reserve(held.capacity());
    let point = |s: &Sample| Point {
        age: Span::between(s.at, newest.at).mins_f64(),
        stride: 1.0,
        depth: s.depth as f64,
        waiting: s.depth as f64,
        counts: [s.arrivals, s.exits, s.otherwise],
    };
    points.push(point(newest));
    held.push(newest.held);
    let mut taken = 1;
    while taken < count {
        let stride = if taken < FINE { 1 } else { STRIDE };
        let Some(s) = newest_first.nth(stride - 1) else { break };
        taken += stride;
        let last = points.len() - 1;
        points[last].stride = stride as f64;
        let p = point(s);
        if p.age < points[last].age {
            read.clock_stepped = true;
            break;
        }
        if p.age > points[last].age {
            points.push(p);
            held.push(s.held);
        }
    }
    take_off_held(points, &held);
    read.every = usual_interval(points);
    read.usual = usual_change(points);
    let usual = read.usual;
    drop_absurd(&mut read.newest_first, usual);
    read
}

/// Held mail does not drain. Where it is not known it is what it was before; before it was ever known, what it was then.
fn take_off_held(points: &mut [Point], held: &[Option<u64>]) {
    let mut known = held.iter().rev().find_map(|h| *h).unwrap_or(0);
    for (p, held) in points.iter_mut().zip(held).rev() {
        known = held.unwrap_or(known);
        p.waiting = (p.depth - known as f64).max(0.0);
    }
}

fn usual_interval(points: &[Point]) -> f64 {
    let mut took: Vec<f64> = points
        .windows(2)
        .take(64)
        .map(|p| (p[1].age - p[0].age) / p[0].stride)
        .collect();
    median(&mut took).unwrap_or(0.0)
}

fn usual_change(points: &[Point]) -> f64 {
    let change = |p: &[Point]| (p[0].waiting - p[1].waiting).abs() / p[0].stride;
    let mut changes: Vec<f64> = points.windows(2).take(128).map(change).collect();
    median(&mut changes).unwrap_or(0.0).max(1.0)
}

/// The middle value; sorts as far as it must.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// Takes out a reading that departs from both its neighbours while these agree (Hampel), and sets the newest aside when it
/// jumps as nothing before did, until the next one confirms it. Counts that agree with the jump confirm it at once, and so
/// does mail that went on hold or came back: the depth itself did not jump.
fn drop_absurd(points: &mut Vec<Point>, usual: f64) {
    let mut kept = 1;
    for i in 1..points.len() {
        let (late, p) = (points[kept - 1], points[i]);
        if let Some(early) = points.get(i + 1) {
            let (to_late, to_early) = (p.waiting - late.waiting, p.waiting - early.waiting);
            let far = early
                .bound(usual)
                .min(late.bound(usual))
                .max(4.0 * (late.waiting - early.waiting).abs());
            if to_late * to_early > 0.0 && to_late.abs().min(to_early.abs()) > far {
                points[kept - 1].stride += p.stride;
                continue;
            }
        }
        points[kept] = p;
        kept += 1;
    }
    points.truncate(kept);
    if let [new, old, _, _, ..] = points[..] {
        let (jump, bound) = (new.depth - old.depth, old.bound(usual));
        let counted = new
            .flows(&old)
            .is_some_and(|f| (f.change() - jump).abs() <= 0.1 * jump.abs() + 10.0);
        if jump.abs().min((new.waiting - old.waiting).abs()) > bound && !counted {
            points.remove(0);
        }
    }
}
