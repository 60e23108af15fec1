//! Sums up looks at simulated drains, and writes the tables of benches/forecast.md.

use std::fmt::Write as _;

use mailtop::domain::forecast::Drain as Verdict;

use super::drains::{Arrivals, Outage, STEP, Seen};
use super::score::{LOOKS, Look, ON_THE_WAY_UP};

/// Which looks.
type Is = fn(&Look) -> bool;
/// The time that a rule gives, in seconds.
type Says = fn(&Look) -> Option<f64>;

/// Median error in minutes and as a share of the true time, in percent. A time for a queue that never clears is infinitely
/// off.
#[derive(Clone, Copy, Debug)]
pub struct Off {
    pub min: f64,
    pub percent: f64,
}

/// What a row of the tables is made of. Shares are percent.
#[derive(Clone, Debug)]
pub struct Row {
    pub looks: usize,
    /// Of the looks with an interval: the truth is in it, below it, above it.
    pub inside: f64,
    pub below: f64,
    pub above: f64,
    /// Median of p90 over p10.
    pub width: f64,
    /// Over all looks; who gives no time is infinitely off. The forecast, the naive rule, its peer.
    pub off: [Off; 3],
    /// Over the looks at which the forecast and the naive rule both give a time.
    pub both: [Off; 2],
    /// The same of the forecast and the slope of five minutes.
    pub both_slope: [Off; 2],
    pub wrong: f64,
    /// Of the wrong ones, a clear time: for a queue that never clears, or that does not fall.
    pub wrong_clears: f64,
    /// The queue never clears.
    pub never: f64,
    /// No time from the forecast: blind, and else by verdict: unknown, stalled, growing.
    pub silent_blind: f64,
    pub silent: [f64; 3],
    /// No time, though the queue fell before and after and the watcher was not blind.
    pub missed: f64,
    /// No time from the naive rule, and from its peer.
    pub silent_naive: [f64; 2],
}

pub fn row(looks: &[&Look]) -> Row {
    let share = |n: usize, of: usize| 100.0 * n as f64 / of as f64;
    let of_all = |is: &dyn Fn(&Look) -> bool| share(looks.iter().filter(|l| is(l)).count(), looks.len());
    let sides: Vec<i32> = looks.iter().filter_map(|l| l.side()).collect();
    let side = |side: i32| share(sides.iter().filter(|s| **s == side).count(), sides.len());
    let off = |by: Says, over: &dyn Fn(&Look) -> bool| {
        let over: Vec<&Look> = looks.iter().copied().filter(|l| over(l)).collect();
        let off = |l: &Look| by(l).map_or(f64::INFINITY, |t| (t - l.truth).abs());
        // Of a truth that never comes every time is off by all of it and more.
        let share = |l: &Look| {
            if l.truth.is_finite() {
                off(l) / l.truth.max(STEP as f64)
            } else {
                f64::INFINITY
            }
        };
        Off {
            min: median(over.iter().map(|l| off(l) / 60.0)),
            percent: 100.0 * median(over.iter().map(|l| share(l))),
        }
    };
    let (p50, naive, slope): (Says, Says, Says) = (Look::p50, |l| l.naive, |l| l.slope);
    let timed = |l: &Look| l.p50().is_some() && l.naive.is_some();
    let timed_slope = |l: &Look| l.p50().is_some() && l.slope.is_some();
    let silent = |is: fn(&Verdict) -> bool| of_all(&|l| !l.blind && is(&l.verdict));
    Row {
        looks: looks.len(),
        inside: side(0),
        below: side(-1),
        above: side(1),
        width: median(looks.iter().filter_map(|l| l.width())),
        off: [p50, naive, slope].map(|by| off(by, &|_| true)),
        both: [p50, naive].map(|by| off(by, &timed)),
        both_slope: [p50, slope].map(|by| off(by, &timed_slope)),
        wrong: of_all(&|l| l.wrong),
        wrong_clears: of_all(&|l| l.wrong && l.clears()),
        never: of_all(&|l| l.truth.is_infinite()),
        silent_blind: of_all(&|l| l.blind && l.p50().is_none()),
        silent: [
            silent(|v| matches!(v, Verdict::Unknown { .. })),
            silent(|v| matches!(v, Verdict::Stalled)),
            silent(|v| matches!(v, Verdict::Growing { .. })),
        ],
        missed: of_all(&|l| !l.blind && l.falls && l.p50().is_none()),
        silent_naive: [of_all(&|l| l.naive.is_none()), of_all(&|l| l.slope.is_none())],
    }
}

/// The looks at `percent` of the way.
pub fn at(looks: &[Look], percent: u32) -> Vec<&Look> {
    looks.iter().filter(|l| l.percent == percent).collect()
}
/// The looks from a quarter of the way on.
pub fn late(looks: &[Look]) -> Vec<&Look> {
    looks.iter().filter(|l| l.percent >= 25).collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut v: Vec<f64> = values.collect();
    v.sort_by(f64::total_cmp);
    v.get(v.len() / 2).copied().unwrap_or(f64::NAN)
}

/// All tables, in Markdown: `real` looks at drains counted as queues are, `exact` at the same with exact counts (none: left
/// out).
pub fn tables(real: &[Look], exact: &[Look]) -> String {
    let mut rows: Vec<(String, Row)> = LOOKS.iter().map(|p| (format!("{p}%"), row(&at(real, *p)))).collect();
    rows.push(("≥ 25%".to_owned(), row(&late(real))));
    if !exact.is_empty() {
        rows.push(("≥ 25%, exact counts".to_owned(), row(&late(exact))));
    }
    let levels = rows.len();
    let parts: [(&str, Is); 10] = [
        ("depth alone", |l| l.kind.seen == Seen::Depth),
        ("arrivals and exits counted", |l| l.kind.seen == Seen::Counts),
        ("Poisson arrivals", |l| l.kind.arrivals == Arrivals::Poisson),
        ("with bursts", |l| l.kind.arrivals == Arrivals::Bursty),
        ("backlog was queued", |l| l.kind.outage == Outage::Queued),
        ("senders held it", |l| l.kind.outage == Outage::SendersHeld),
        ("load above a half", |l| l.kind.busy),
        ("load below a half", |l| !l.kind.busy),
        ("outage above 8 h", |l| l.kind.long),
        ("outage below 8 h", |l| !l.kind.long),
    ];
    for (name, is) in parts {
        let looks: Vec<&Look> = late(real).into_iter().filter(|l| is(l)).collect();
        rows.push((format!("≥ 25%, {name}"), row(&looks)));
    }
    let mut out = String::from(
        "| drained | looks | in p10–p90 | below | above | p90/p10 | p50 is off by | naive rule | 5 min slope | p50 / naive |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (name, r) in &rows {
        let [ours, naive, slope] = r.off;
        let _ = writeln!(
            out,
            "| {name} | {} | {:.1}% | {:.1}% | {:.1}% | {:.2} | {} | {} | {} | {:.2} |",
            r.looks,
            r.inside,
            r.below,
            r.above,
            r.width,
            pair(ours),
            pair(naive),
            pair(slope),
            ours.min / naive.min
        );
    }
    let way_up = ("on the way up".to_owned(), row(&at(real, ON_THE_WAY_UP)));
    out += "\n| drained | looks | never clear | wrong | of them clear times | blind | unknown | stalled | growing | missed | naive: no time | slope: no time |\n\
            |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    for (name, r) in rows[..levels].iter().chain([&way_up]) {
        let _ = writeln!(
            out,
            "| {name} | {} | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {:.1}% |",
            r.looks,
            r.never,
            r.wrong,
            r.wrong_clears,
            r.silent_blind,
            r.silent[0],
            r.silent[1],
            r.silent[2],
            r.missed,
            r.silent_naive[0],
            r.silent_naive[1],
        );
    }
    out += "\n| drained | p50 | naive rule | p50 / naive | p50 | 5 min slope | p50 / slope |\n\
            |---|--:|--:|--:|--:|--:|--:|\n";
    for (name, r) in &rows[..levels] {
        let ([a, naive], [b, slope]) = (r.both, r.both_slope);
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {:.2} | {} | {} | {:.2} |",
            pair(a),
            pair(naive),
            a.min / naive.min,
            pair(b),
            pair(slope),
            b.min / slope.min,
        );
    }
    out
}

fn pair(off: Off) -> String {
    format!("{:.1} min, {:.0}%", off.min, off.percent)
}
