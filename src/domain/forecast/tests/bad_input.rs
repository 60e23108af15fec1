//! Bad input: absurd readings, gaps, clocks, counters. Each has an answer, and none makes a rate of it.

use super::*;

#[test]
fn one_absurd_reading_changes_nothing_wherever_it_is() {
    let good = series(60, |s| 10_000.0 - s);
    let (.., p50, _) = times(&of(&good));
    for at in [5, 30, 57, 58, 59] {
        for absurd in [0, 3_000, 100_000, u64::MAX] {
            let mut samples = good.clone();
            samples[at].depth = absurd;
            let (.., with, _) = times(&of(&samples));
            assert!((with / p50 - 1.0).abs() < 0.1, "{absurd} at {at}: {with} for {p50}");
        }
    }
}

#[test]
fn a_jump_that_the_next_reading_confirms_is_believed_and_is_no_rate() {
    // Half of the queue deleted by hand: the depth is new, the pace is not.
    let mut samples = series(60, |s| 20_000.0 - s);
    for s in &mut samples[57..] {
        s.depth -= 10_000;
    }
    let (p10, p50, p90) = times(&of(&samples));
    let left = 9_410.0 / 60.0;
    assert!(
        p10 <= left && left <= p90 && (p50 / left - 1.0).abs() < 0.25,
        "{left}: {p10} {p50} {p90}"
    );
}

#[test]
fn nothing_is_said_across_a_gap() {
    let mut samples = series(60, |s| 10_000.0 - s);
    for (i, s) in samples[58..].iter_mut().enumerate() {
        (s.at, s.depth) = (t(4_000.0 + 10.0 * i as f64), 100_000);
    }
    let f = of(&samples);
    assert_eq!((f.drain, f.net_per_min), (Drain::Unknown { why: Why::Gap }, None));
    // Once enough was seen since, the rate is that of what was seen: the leap over the gap is in none.
    samples.extend((2..40).map(|i| seen(4_000.0 + 10.0 * f64::from(i), 100_000 - 10 * i as u64)));
    let f = of(&samples);
    assert!((f.net_per_min.unwrap() + 60.0).abs() < 2.0, "{f:?}");
}

#[test]
fn behind_a_short_gap_where_a_queue_is_as_it_was_to_be_its_clear_time_stands_and_rates_wait() {
    let behind = |minutes: f64, looks: usize, depth: f64| {
        let mut samples = series(60, |s| 10_000.0 - s);
        let from = 590.0 + minutes * 60.0;
        samples.extend((0..looks).map(|i| seen(from + 10.0 * i as f64, (depth - 10.0 * i as f64) as u64)));
        of(&samples)
    };
    for looks in [1, 2, 3] {
        let f = behind(5.0, looks, 10_000.0 - 890.0);
        let (p10, _, p90) = times(&f);
        let left = (10_000.0 - 890.0) / 60.0;
        assert!(p10 <= left && left <= p90, "{f:?}");
        assert_eq!(f.net_per_min, None, "no rate yet: {f:?}");
    }
    assert!(behind(5.0, 4, 9_110.0).net_per_min.is_some());
    // It stood still meanwhile, or half of it went; or the gap is a long one.
    for (minutes, depth) in [(5.0, 9_410.0), (5.0, 4_500.0), (20.0, 8_210.0)] {
        let f = behind(minutes, 2, depth);
        assert_eq!(f.drain, Drain::Unknown { why: Why::Gap }, "{minutes} {depth}");
    }
}

#[test]
fn an_old_newest_sample_and_too_few_samples_are_unknown() {
    let samples = series(60, |s| 10_000.0 - s);
    let old = forecast(&samples, t(590.0 + 120.0));
    assert_eq!((old.drain, old.net_per_min), (Drain::Unknown { why: Why::Stale }, None));
    assert!(
        matches!(forecast(&samples, t(590.0 + 25.0)).drain, Drain::Clears { .. }),
        "two looks may be late"
    );
    assert!(
        matches!(forecast(&samples, t(0.0)).drain, Drain::Clears { .. }),
        "a sample from the future is not old"
    );
    for n in 0..4 {
        assert_eq!(of(&samples[..n]).drain, Drain::Unknown { why: Why::TooFew }, "{n}");
        assert_eq!(of(&samples[..n]).net_per_min, None);
    }
}

#[test]
fn a_clock_set_back_starts_the_past_afresh() {
    let mut samples = series(60, |s| 10_000.0 - s);
    samples.extend((0..3).map(|i| seen(300.0 + 10.0 * f64::from(i), 9_410)));
    assert_eq!(of(&samples).drain, Drain::Unknown { why: Why::ClockStep });
    samples.extend((3..40).map(|i| seen(300.0 + 10.0 * f64::from(i), 9_410 - 20 * i as u64)));
    assert!((of(&samples).net_per_min.unwrap() + 120.0).abs() < 3.0);
}

#[test]
fn of_samples_with_equal_times_the_last_counts() {
    let mut samples = Vec::new();
    for s in series(60, |s| 10_000.0 - s) {
        samples.extend([Sample { depth: 77_777, ..s }, s]);
    }
    assert_eq!(of(&samples), of(&series(60, |s| 10_000.0 - s)));
    assert_eq!(
        of(&[seen(0.0, 5), seen(0.0, 500), seen(0.0, 50), seen(0.0, 5)]).net_per_min,
        None
    );
}

#[test]
fn counters_that_restart_give_no_rate_and_the_depth_goes_on() {
    let counted = |i: u64, base: u64| Sample {
        at: t(i as f64 * 10.0),
        depth: 10_000 - 10 * i,
        held: None,
        otherwise: None,
        arrivals: Some(5 * i - 5 * base),
        exits: Some(15 * i - 15 * base),
    };
    let whole: Vec<Sample> = (0..60).map(|i| counted(i, 0)).collect();
    let reset: Vec<Sample> = (0..60).map(|i| counted(i, if i < 30 { 0 } else { 30 })).collect();
    for f in [of(&whole), of(&reset)] {
        assert!(
            (f.in_per_min.unwrap() - 30.0).abs() < 1e-6 && (f.out_per_min.unwrap() - 90.0).abs() < 1e-6,
            "{f:?}"
        );
        assert!((f.net_per_min.unwrap() + 60.0).abs() < 1e-6);
    }
}

#[test]
fn where_depth_and_counts_disagree_it_is_said_and_the_slower_drain_is_believed() {
    let counted = |arrivals: u64, exits: u64| {
        let mut samples = series(60, |s| 10_000.0 - s); // the depth falls by 10 a look
        for (i, s) in samples.iter_mut().enumerate() {
            (s.arrivals, s.exits) = (Some(arrivals * i as u64), Some(exits * i as u64));
        }
        let f = of(&samples);
        assert_eq!(f.counts, Counts::Disagree, "{f:?}");
        f
    };
    for (arrivals, exits) in [(100, 0), (0, 0), (5, 5)] {
        let f = counted(arrivals, exits);
        assert_eq!(
            (f.drain, f.net_per_min, f.in_per_min, f.out_per_min),
            (Drain::Unknown { why: Why::Disagree }, None, None, None)
        );
    }
    let f = counted(0, 5); // half of what goes is counted
    let (_, p50, _) = times(&f);
    assert!(
        (p50 / 314.0 - 1.0).abs() < 0.25 && f.out_per_min.map(f64::round) == Some(30.0),
        "{f:?}"
    );
    let f = counted(0, 100); // exits that the depth does not know
    let (_, p50, _) = times(&f);
    assert!((p50 / 157.0 - 1.0).abs() < 0.25 && f.out_per_min.is_none(), "{f:?}");
}

#[test]
fn one_absurd_count_is_no_rate() {
    for at in [10, 45, 58, 59] {
        let mut samples = series(60, |s| 10_000.0 - s);
        for (i, s) in samples.iter_mut().enumerate() {
            let i = i as u64;
            (s.arrivals, s.exits) = (Some(5 * i), Some(15 * i));
        }
        samples[at].arrivals = Some(1_000_000_000);
        let f = of(&samples);
        let (_, p50, _) = times(&f);
        assert!((p50 / 157.0 - 1.0).abs() < 0.25, "at {at}: {f:?}");
        assert!(f.in_per_min.is_none_or(|r| (r - 30.0).abs() < 1.0), "at {at}: {f:?}");
    }
}
