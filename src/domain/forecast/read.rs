//! From points to steps: what changed between two looks, and only where that can be known. Gaps, leaps, moves to and from
//! hold, mail that expired or was removed, and counters that reset end here, so that nothing behind this file can make a
//! rate of them.

use super::point::{self, Flows, Point};
use super::{Sample, Timestamp};

/// Two looks further apart than this many usual intervals have a gap between them.
pub(super) const GAP: f64 = 3.5;
/// That many steps in a row that say nothing are a gap too.
const MOST_MUTE: usize = 12;

/// One step in so many may have counts that cannot be believed.
const RARE: usize = 8;

/// What changed between two neighbouring looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Minutes that it took.
    pub took: f64,
    /// Change of the mail that can drain, as the depth has it.
    pub net: f64,
    /// What was counted.
    pub flows: Option<Flows>,
    /// By how much more the depth changed than was counted.
    off: f64,
    /// A change beyond this is a leap.
    bound: f64,
    /// Counted, and the counts cannot be believed.
    doubtful: bool,
}

impl Step {
    /// What arrivals and work did to the queue: what was counted, else what the depth says.
    pub fn drain(&self) -> f64 {
        self.flows.map_or(self.net, |f| f.came - f.worked)
    }
    fn explained(&self) -> bool {
        self.flows
            .is_some_and(|f| self.off.abs() <= 0.1 * f.change().abs() + 10.0)
    }
}

/// What was counted, held against the depth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Check {
    /// They agree, or nothing was counted.
    #[default]
    Agree,
    /// The depth falls faster than that: mail goes and nobody counts it. Counts stay, so that this is no drain.
    Vanishes,
    /// The depth falls slower, or grows faster: arrivals are missed. Counts were taken out.
    Appears,
}

/// What lies between the two looks at the ends of a gap. No rate is made of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Across {
    pub minutes: f64,
    /// By how much more or fewer messages wait after it.
    pub change: f64,
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
    /// The newest gap, where its two ends are known.
    pub across: Option<Across>,
    /// Whether the past begins at a clock step.
    pub clock_stepped: bool,
    /// Whether counts add up to the change of depth.
    pub check: Check,
}

impl Past {
    /// How many of the newest steps in a row have counts; zero when these are too few to use.
    pub fn counted(&self) -> usize {
        let n = self.steps.iter().rev().take_while(|s| s.flows.is_some()).count();
        if n >= 8 || n == self.steps.len() { n } else { 0 }
    }
}

/// Reads samples, oldest first as they were taken.
pub(super) fn read<'a>(samples: impl DoubleEndedIterator<Item = &'a Sample> + ExactSizeIterator) -> Past {
    let seen = point::points(samples);
    let mut past = Past {
        newest: seen.newest,
        every: seen.every,
        clock_stepped: seen.clock_stepped,
        ..Past::default()
    };
    let Some(first) = seen.newest_first.first() else {
        return past;
    };
    past.waiting = first.waiting;
    past.set_aside = first.age;
    past.steps.reserve(seen.newest_first.len());
    let mut mute = 0;
    for pair in seen.newest_first.windows(2) {
        let (late, early) = (&pair[0], &pair[1]);
        if early.age - late.age > (late.stride + GAP - 1.0) * past.every {
            if !past.gap {
                past.across = Some(Across {
                    minutes: early.age - late.age,
                    change: late.waiting - early.waiting,
                });
            }
            past.gap = true;
            continue;
        }
        let Some(step) = step(early, late, seen.usual) else {
            mute += 1;
            past.gap |= mute >= MOST_MUTE;
            continue;
        };
        mute = 0;
        past.steps.push(step);
        past.since_gap += usize::from(!past.gap);
    }
    past.steps.reverse();
    drop_leaps(&mut past.steps);
    past.since_gap = past.since_gap.min(past.steps.len());
    past.check = check(&mut past.steps);
    past
}

/// What changed, or `None` where only the depth is known and it cannot tell. Mail put on hold leaves the depth as it is and
/// mail that arrives on hold does not; held mail that is released or removed is the same riddle. Between the change of all
/// mail and that of the mail that can drain lies the truth: a small difference is taken for what is no drain, a large one
/// says nothing. Mail known to have gone otherwise is added back, unless it went from hold.
fn step(early: &Point, late: &Point, usual: f64) -> Option<Step> {
    let (all, can_drain) = (late.depth - early.depth, late.waiting - early.waiting);
    let flows = late.flows(early);
    let off = flows.map_or(0.0, |f| all - f.change());
    let gone = late.otherwise(early).unwrap_or(0.0);
    let held = late.held() - early.held();
    let from_hold = gone.min((-held).max(0.0));
    let moved = held + from_hold;
    if flows.is_none() && moved.abs() > 2.0 + 0.5 * usual * late.stride {
        return None;
    }
    Some(Step {
        took: early.age - late.age,
        net: can_drain.max(can_drain + moved) + gone - from_hold,
        flows,
        off,
        bound: early.bound(usual),
        doubtful: flows.is_none() && late.counts_beside(early),
    })
}

/// A lasting leap of the depth between two looks (half of the queue deleted, a spool restored) is an event and no rate: its
/// step is taken out. Steps beside it that are large too make it a new pace, which stays; so does the newest, for which
/// nobody knows yet. A leap of counts alone is a count that cannot be believed, the newest one too.
fn drop_leaps(steps: &mut Vec<Step>) {
    let alone = |i: usize, value: fn(&Step) -> f64| {
        let s = &steps[i];
        let rate = |s: &Step| (value(s) / s.took).abs();
        let beside = |j: Option<usize>| j.and_then(|j| steps.get(j)).map_or(0.0, rate);
        value(s).abs() > s.bound && rate(s) > 4.0 * beside(i.checked_sub(1)).max(beside(Some(i + 1)))
    };
    let change = |s: &Step| if s.explained() { s.drain() } else { s.net };
    let n = steps.len();
    let leaps: Vec<usize> = (0..n.saturating_sub(1)).filter(|i| alone(*i, change)).collect();
    let absurd: Vec<usize> = (0..n).filter(|i| alone(*i, |s| s.off)).collect();
    for i in absurd {
        (steps[i].flows, steps[i].off, steps[i].doubtful) = (None, 0.0, true);
    }
    for i in leaps.into_iter().rev() {
        steps.remove(i);
    }
    // A count that began anew, or that one look got wrong, says nothing for that step. Where this is the rule, counts are
    // worth nothing and the depth must do.
    if steps.iter().filter(|s| s.doubtful).count() * RARE <= steps.len() {
        steps.retain(|s| !s.doubtful);
    }
}

/// If arrivals less all that went is not the change of depth, one of them is wrong. Then the slower drain is believed.
fn check(steps: &mut [Step]) -> Check {
    let (mut off, mut moved) = (0.0, 0.0);
    for s in steps.iter().rev().take(64) {
        if let Some(f) = s.flows {
            off += s.off;
            moved += f.came + f.worked + f.otherwise.unwrap_or(0.0);
        }
    }
    if f64::abs(off) <= 0.1 * moved + 20.0 {
        return Check::Agree;
    }
    if off < 0.0 {
        return Check::Vanishes;
    }
    for s in steps {
        s.flows = None;
    }
    Check::Appears
}
