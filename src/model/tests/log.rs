//! A log that is read at moments of its own: what it says is put beside the depth by the time that it speaks of.

use super::drain::{EVERY, drain, flow, the_queue};
use super::*;
use crate::domain::flow::{FlowCounts, FlowSource};
use crate::domain::forecast::Counts;
use crate::model::Told;

/// A look at the depth each ten seconds from 3 s on, and a reading of the log each `log_every`, as the load budget has it for
/// a log that is dear to read. `each` happens in ten seconds.
fn apart(m: &mut Model, seconds: std::ops::Range<i64>, log_every: i64, deep: u64, each: FlowCounts) {
    let times = |n: i64| FlowCounts {
        arrived: each.arrived * n as u64 / 10,
        delivered: each.delivered * n as u64 / 10,
        expired: each.expired * n as u64 / 10,
        removed: each.removed * n as u64 / 10,
        ..FlowCounts::default()
    };
    for s in seconds {
        if s > 0 && s % log_every == 0 {
            let counts = times(log_every);
            m.apply(&event(s, queue("a"), flow(FlowSource::Log, s - log_every, counts)));
        }
        if s % 10 == 3 {
            let left = deep.saturating_add_signed(times(s).net());
            m.apply(&event(s, queue("a"), depth(left)));
        }
    }
}

#[test]
fn a_log_that_is_read_more_rarely_than_the_depth_still_tells_expired_mail_from_a_drain() {
    let expires = FlowCounts {
        expired: 20,
        ..FlowCounts::default()
    };
    let drains = FlowCounts {
        arrived: 10,
        delivered: 30,
        ..FlowCounts::default()
    };
    for log_every in [13, 25, 60, 300] {
        let mut m = watching(&["a"]);
        apart(&mut m, 0..1_800, log_every, 20_000, expires);
        let q = the_queue(&m);
        assert_eq!(
            drain(&m, 1_800),
            Drain::Stalled,
            "each {log_every} s: {:?}",
            q.forecast(t(1_800), EVERY)
        );
        let gone = q.forecast(t(1_800), EVERY).otherwise_per_min.unwrap();
        assert!((gone - 120.0).abs() < 5.0, "each {log_every} s: {gone}");
        let mut m = watching(&["a"]);
        apart(&mut m, 0..1_800, log_every, 20_000, drains);
        let f = the_queue(&m).forecast(t(1_800), EVERY);
        assert!(matches!(f.drain, Drain::Clears { .. }), "each {log_every} s: {f:?}");
        let (ins, outs) = (f.in_per_min.unwrap(), f.out_per_min.unwrap());
        assert!((ins - 60.0).abs() < 3.0 && (outs - 180.0).abs() < 5.0, "{f:?}");
    }
}

#[test]
fn a_log_that_is_caught_up_with_in_bites_says_what_happened_when_it_did() {
    let mut m = watching(&["a"]);
    let expires = FlowCounts {
        expired: 20,
        ..FlowCounts::default()
    };
    apart(&mut m, 0..600, 10, 20_000, expires);
    // Two minutes without the log, which then is read in three bites.
    for s in 600..720 {
        if s % 10 == 3 {
            m.apply(&event(s, queue("a"), depth(20_000 - 2 * s as u64)));
        }
    }
    for (n, behind) in [(0, 2_000), (1, 1_000), (2, 0)] {
        let third = FlowCounts {
            expired: 88,
            ..FlowCounts::default()
        };
        let Fact::FlowSeen(mut seen) = flow(FlowSource::Log, if n == 0 { 590 } else { 719 + n }, third) else {
            unreachable!()
        };
        seen.behind = behind;
        m.apply(&event(720 + n, queue("a"), Fact::FlowSeen(seen)));
    }
    m.apply(&event(723, queue("a"), depth(18_554)));
    let q = the_queue(&m);
    let f = q.forecast(t(724), EVERY);
    assert_eq!((f.drain, f.counts), (Drain::Stalled, Counts::Used), "{f:?}");
    let r = q.flow(t(724), EVERY).unwrap();
    assert!((r.per_min(r.counts.expired) - 120.0).abs() < 2.0, "no spike: {r:?}");
    let per_step: Vec<u64> = (q.samples().iter().zip(q.samples().iter().skip(1)))
        .filter_map(|(a, b)| Some(b.otherwise? - a.otherwise?))
        .collect();
    assert!(per_step.iter().all(|n| (18..=22).contains(n)), "{per_step:?}");
}

#[test]
fn a_log_that_cannot_be_read_for_a_while_leaves_no_clear_time_to_mail_that_expires() {
    let mut m = watching(&["a"]);
    let expires = FlowCounts {
        expired: 20,
        ..FlowCounts::default()
    };
    apart(&mut m, 0..600, 10, 20_000, expires);
    assert_eq!(drain(&m, 600), Drain::Stalled);
    for s in 600..1_400 {
        if s % 10 == 0 {
            m.apply(&event(s, queue("a"), Fact::FlowMissed(missed())));
        }
        if s % 10 == 3 {
            m.apply(&event(s, queue("a"), depth(20_000 - 2 * s as u64)));
            let f = the_queue(&m).forecast(t(s), EVERY);
            assert!(!matches!(f.drain, Drain::Clears { .. }), "{s}: {f:?}");
        }
    }
    assert_eq!(drain(&m, 1_399), Drain::Unknown { why: Why::LogIsOld });
    assert_eq!(the_queue(&m).told_by(t(1_399)), Told::Log);
    // It is not followed any more: the depth alone is what there is, and it says so.
    for s in (1_403..2_000).step_by(10) {
        m.apply(&event(s, queue("a"), depth(20_000 - 2 * s as u64)));
    }
    assert_eq!(the_queue(&m).told_by(t(2_000)), Told::Depth);
}
