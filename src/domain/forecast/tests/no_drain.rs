//! What makes a queue smaller and is no drain: mail that expires, mail removed by an operator, mail put on hold.

use super::*;

/// A queue in the making: one look each ten seconds.
struct Spool {
    samples: Vec<Sample>,
    now: Sample,
}

impl Spool {
    /// With everything counted.
    fn of(depth: u64) -> Self {
        let now = Sample {
            at: t(0.0),
            depth,
            held: Some(0),
            arrivals: Some(7_000),
            exits: Some(3_000),
            otherwise: Some(500),
        };
        Self {
            samples: vec![now],
            now,
        }
    }
    /// So many looks, and what happens between them.
    fn goes_on(mut self, looks: usize, mut happens: impl FnMut(&mut Sample)) -> Self {
        for _ in 0..looks {
            self.now.at = Span::from_secs(10).after(self.now.at);
            happens(&mut self.now);
            self.samples.push(self.now);
        }
        self
    }
    fn forecast(&self) -> Forecast {
        of(&self.samples)
    }
    /// The same, where only the depth was seen (and what is held, as a listing tells).
    fn by_depth(&self) -> Forecast {
        let bare = |s: &Sample| Sample {
            arrivals: None,
            exits: None,
            otherwise: None,
            ..*s
        };
        of(&self.samples.iter().map(bare).collect::<Vec<_>>())
    }
}

fn add(count: &mut Option<u64>, n: u64) {
    *count = count.map(|c| c + n);
}
fn comes(s: &mut Sample, n: u64) {
    s.depth += n;
    add(&mut s.arrivals, n);
}
fn worked_off(s: &mut Sample, n: u64) {
    s.depth -= n;
    add(&mut s.exits, n);
}
/// Expires or is removed.
fn goes(s: &mut Sample, n: u64) {
    s.depth -= n;
    add(&mut s.otherwise, n);
}
fn held(s: &mut Sample, n: i64) {
    s.held = s.held.map(|h| h.checked_add_signed(n).unwrap());
}
fn drains(s: &mut Sample) {
    comes(s, 5);
    worked_off(s, 15);
}
/// Clears as if 60 a minute go, out of what waits now.
fn clears_at_its_pace(f: &Forecast, waiting: f64) {
    let (p10, p50, p90) = times(f);
    let left = waiting / 60.0;
    assert!(
        p10 <= left && left <= p90 && (p50 / left - 1.0).abs() < 0.25,
        "{left}: {p10} {p50} {p90}"
    );
    assert!((f.net_per_min.unwrap() + 60.0).abs() < 6.0, "{f:?}");
}

#[test]
fn half_of_a_stalled_queue_deleted_is_still_stalled_whenever_one_looks() {
    let spool = Spool::of(20_000)
        .goes_on(60, |_| {})
        .goes_on(1, |s| goes(s, 10_000))
        .goes_on(40, |_| {});
    for n in 61..=spool.samples.len() {
        let f = of(&spool.samples[..n]);
        assert_eq!((f.drain, f.net_per_min), (Drain::Stalled, Some(0.0)), "{n}");
    }
    assert_eq!(
        spool.by_depth().drain,
        Drain::Stalled,
        "one leap is no rate for depth alone, too"
    );
}

#[test]
fn half_of_a_queue_deleted_slowly_is_no_drain() {
    // postsuper -d over five minutes, and nothing is delivered.
    let spool = Spool::of(20_000).goes_on(60, |_| {}).goes_on(30, |s| goes(s, 333));
    for n in 61..=spool.samples.len() {
        assert_eq!(of(&spool.samples[..n]).drain, Drain::Stalled, "{n}");
    }
    let f = spool.forecast();
    assert_eq!(
        (f.net_per_min, f.out_per_min, f.counts),
        (Some(0.0), Some(0.0), Counts::Used)
    );
    assert!((f.otherwise_per_min.unwrap() - 1_998.0).abs() < 1.0, "{f:?}");
    // With depth alone nobody can tell this from a drain: that is why the log is read.
    assert!(matches!(spool.by_depth().drain, Drain::Clears { .. }));
}

#[test]
fn mail_that_expires_with_nothing_delivered_is_stalled_with_new_mail_or_without() {
    for new in [0, 1, 5] {
        let spool = Spool::of(20_000).goes_on(200, |s| {
            comes(s, new);
            goes(s, 15);
        });
        for n in 5..=spool.samples.len() {
            let f = of(&spool.samples[..n]);
            assert_eq!(f.drain, Drain::Stalled, "{new} new, look {n}: {f:?}");
            assert_eq!(f.otherwise_per_min.map(f64::round), Some(90.0));
        }
    }
    let grows = Spool::of(20_000).goes_on(200, |s| {
        comes(s, 20);
        goes(s, 15);
    });
    assert!(
        matches!(grows.forecast().drain, Drain::Growing { .. }),
        "the depth grows"
    );
}

#[test]
fn what_expires_while_a_queue_drains_is_not_in_its_pace_and_may_make_it_clear_sooner() {
    let plain = Spool::of(20_000).goes_on(120, drains).forecast();
    let spool = Spool::of(23_600).goes_on(120, |s| {
        drains(s);
        goes(s, 30); // three times as many as are worked off
    });
    assert_eq!(spool.now.depth, 18_800);
    let f = spool.forecast();
    clears_at_its_pace(&f, 18_800.0);
    let ((p10, p50, p90), (p10_plain, p50_plain, p90_plain)) = (times(&f), times(&plain));
    assert!((p50 / p50_plain - 1.0).abs() < 0.01 && (p90 / p90_plain - 1.0).abs() < 0.01);
    assert!(
        p10 < 18_800.0 / 240.0 && p10 < 0.5 * p10_plain,
        "{p10}, without {p10_plain}"
    );
}

#[test]
fn half_deleted_while_it_drains_clears_in_half_the_time() {
    let spool = Spool::of(20_000)
        .goes_on(60, drains)
        .goes_on(1, |s| {
            drains(s);
            goes(s, 10_000);
        })
        .goes_on(4, drains);
    for n in [62, 63, 65] {
        let samples = &spool.samples[..n];
        clears_at_its_pace(&of(samples), samples[n - 1].depth as f64);
    }
    let slowly = Spool::of(20_000).goes_on(60, drains).goes_on(30, |s| {
        drains(s);
        goes(s, 333);
    });
    clears_at_its_pace(&slowly.forecast(), slowly.now.depth as f64);
}

#[test]
fn held_mail_that_is_deleted_changes_nothing() {
    for (looks, each) in [(1, 10_000), (30, 333)] {
        let mut spool = Spool::of(30_000);
        spool.now.held = Some(10_000);
        spool.samples[0] = spool.now;
        let spool = spool.goes_on(60, drains).goes_on(looks, |s| {
            drains(s);
            goes(s, each);
            held(s, -each.cast_signed());
        });
        let waiting = |s: &Spool| (s.now.depth - s.now.held.unwrap()) as f64;
        clears_at_its_pace(&spool.forecast(), waiting(&spool));
        // By depth alone it might be a release beside a faster drain: for so long nothing is said.
        let then = spool.by_depth().drain;
        assert!(looks == 1 || then == Drain::Unknown { why: Why::Gap }, "{then:?}");
        let spool = spool.goes_on(10, drains);
        clears_at_its_pace(&spool.forecast(), waiting(&spool));
        clears_at_its_pace(&spool.by_depth(), waiting(&spool));
    }
}

#[test]
fn mail_put_on_hold_or_released_is_no_flow() {
    for (start_held, looks, each) in [(0, 1, 10_000), (0, 30, 333), (10_000, 1, -10_000), (10_000, 30, -333)] {
        for stalled in [true, false] {
            let mut spool = Spool::of(30_000);
            spool.now.held = Some(start_held);
            spool.samples[0] = spool.now;
            let work = |s: &mut Sample| {
                if !stalled {
                    drains(s);
                }
            };
            let spool = spool.goes_on(60, work).goes_on(looks, |s| {
                work(s);
                held(s, each);
            });
            let spool = spool.goes_on(5, work);
            let waiting = (spool.now.depth - spool.now.held.unwrap()) as f64;
            for f in [spool.forecast(), spool.by_depth()] {
                if stalled {
                    assert_eq!(f.drain, Drain::Stalled, "{start_held} {looks} {each}: {f:?}");
                } else {
                    clears_at_its_pace(&f, waiting);
                }
            }
        }
    }
}

#[test]
fn a_hold_is_seen_at_once_and_not_set_aside_as_absurd() {
    let spool = Spool::of(20_000).goes_on(60, drains).goes_on(1, |s| {
        drains(s);
        held(s, 15_000);
    });
    let left = (spool.now.depth - 15_000) as f64;
    clears_at_its_pace(&spool.forecast(), left);
    clears_at_its_pace(&spool.by_depth(), left);
}

#[test]
fn held_mail_is_what_was_last_known_of_it() {
    let mut spool = Spool::of(10_000).goes_on(60, drains);
    for s in &mut spool.samples {
        s.held = Some(5_000);
    }
    spool.samples[60].held = None;
    clears_at_its_pace(&spool.forecast(), 10_000.0 - 600.0 - 5_000.0);
}

#[test]
fn only_what_goes_otherwise_is_counted_and_it_is_taken_off_the_fall() {
    let mut spool = Spool::of(20_000).goes_on(120, |s| goes(s, 15));
    for s in &mut spool.samples {
        (s.arrivals, s.exits) = (None, None);
    }
    assert_eq!(spool.forecast().drain, Drain::Stalled);
    let mut spool = Spool::of(20_000).goes_on(120, |s| {
        drains(s);
        goes(s, 15);
    });
    for s in &mut spool.samples {
        (s.arrivals, s.exits) = (None, None);
    }
    clears_at_its_pace(&spool.forecast(), spool.now.depth as f64);
}

#[test]
fn counts_that_were_just_begun_keep_expiry_from_looking_like_a_drain_at_once() {
    // Depth alone for ten minutes of standing still, then the log is read, and mail begins to expire.
    let mut spool = Spool::of(20_000).goes_on(60, |_| {}).goes_on(5, |s| goes(s, 100));
    for s in &mut spool.samples[..60] {
        (s.arrivals, s.exits, s.otherwise) = (None, None, None);
    }
    assert_eq!(spool.forecast().drain, Drain::Stalled);
}

#[test]
fn a_count_of_what_went_otherwise_that_began_anew_makes_no_rate() {
    let mut spool = Spool::of(20_000).goes_on(60, |s| {
        drains(s);
        goes(s, 30);
    });
    for (i, s) in spool.samples.iter_mut().enumerate().skip(40) {
        s.otherwise = Some(30 * (i as u64 - 40));
    }
    let f = spool.forecast();
    clears_at_its_pace(&f, spool.now.depth as f64);
    assert!((f.otherwise_per_min.unwrap() - 180.0).abs() < 1.0, "{f:?}");
}
