//! What the forecast says of plain cases, of bad input, and of anything at all.

use proptest::prelude::*;

use super::*;

const T0: i64 = 1_800_000_000;

fn t(s: f64) -> Timestamp {
    Timestamp::from_microsecond(T0 * 1_000_000 + (s * 1e6) as i64).unwrap()
}
fn seen(s: f64, depth: u64) -> Sample {
    Sample {
        at: t(s),
        depth,
        held: None,
        arrivals: None,
        exits: None,
    }
}
/// One sample each ten seconds.
fn series(n: usize, depth: impl Fn(f64) -> f64) -> Vec<Sample> {
    (0..n)
        .map(|i| seen(i as f64 * 10.0, depth(i as f64 * 10.0).max(0.0) as u64))
        .collect()
}
fn of(samples: &[Sample]) -> Forecast {
    forecast(samples, samples.last().map_or(t(0.0), |s| s.at))
}
fn times(f: &Forecast) -> (f64, f64, f64) {
    match f.drain {
        Drain::Clears { p10, p50, p90 } => (p10.mins_f64(), p50.mins_f64(), p90.mins_f64()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_steady_fall_clears_when_it_runs_out() {
    let f = of(&series(60, |s| 10_000.0 - s)); // 60 a minute, 9,410 left
    let (p10, p50, p90) = times(&f);
    assert!(
        p10 <= 156.8 && 156.8 <= p90 && (p50 - 156.8).abs() < 20.0,
        "{p10} {p50} {p90}"
    );
    assert!((f.net_per_min.unwrap() + 60.0).abs() < 1.0);
    assert_eq!((f.in_per_min, f.out_per_min, f.counts), (None, None, Counts::None));
}

#[test]
fn growth_has_a_rate_and_no_clear_time() {
    let f = of(&series(60, |s| 1_000.0 + 2.0 * s));
    assert!(
        matches!(f.drain, Drain::Growing { per_min } if (per_min - 120.0).abs() < 1.0),
        "{f:?}"
    );
}

#[test]
fn a_backlog_that_does_not_move_is_stalled_and_no_mail_is_empty() {
    assert_eq!(of(&series(60, |_| 5_000.0)).drain, Drain::Stalled);
    assert_eq!(of(&series(60, |_| 0.0)).drain, Drain::Empty);
    assert_eq!(of(&series(60, |s| 590.0 - s)).drain, Drain::Empty, "just run dry");
}

#[test]
fn held_mail_does_not_drain() {
    let mut samples = series(60, |s| 1_600.0 - s);
    for s in &mut samples {
        s.held = Some(1_000);
    }
    let (p10, _, p90) = times(&of(&samples)); // 10 left that can drain, not 1,010
    assert!(p10 < 0.2 && p90 < 1.0, "{p10} {p90}");
    for s in &mut samples {
        (s.depth, s.held) = (700, Some(700));
    }
    assert_eq!(of(&samples).drain, Drain::Empty, "held mail alone");
}

#[test]
fn a_step_ends_the_old_regime() {
    // An hour of falling slowly, then maintenance is paused: ten times as fast for three minutes.
    let depth = |s: f64| {
        if s < 3_600.0 {
            50_000.0 - s / 2.0
        } else {
            48_200.0 - 5.0 * (s - 3_600.0)
        }
    };
    let f = of(&series(379, depth));
    let left = depth(3_780.0) / 300.0;
    let (p10, p50, p90) = times(&f);
    assert!(
        (p50 / left - 1.0).abs() < 0.15 && p10 <= left && left <= p90,
        "{left}: {p10} {p50} {p90}"
    );
    assert!(f.regime.unwrap() < Span::from_mins(6), "{f:?}");
}

#[test]
fn a_stall_is_noticed_within_a_few_samples_and_so_is_its_end() {
    let depth = |s: f64| 90_000.0 - 5.0 * s.min(3_600.0) - 5.0 * (s - 4_200.0).max(0.0);
    let verdict = |s: usize| of(&series(s / 10 + 1, depth)).drain;
    assert!(matches!(verdict(3_500), Drain::Clears { .. }));
    assert_eq!(verdict(4_000), Drain::Stalled);
    assert!(matches!(verdict(4_300), Drain::Clears { .. }));
}

#[test]
fn falling_arrivals_make_it_clear_sooner_than_the_present_net_says() {
    // Retries: 600 a minute at first, half of that in each half hour; 500 a minute go out. After an hour it is clear in 112.
    let came = |m: f64| 600.0 * 30.0 / std::f64::consts::LN_2 * (1.0 - (-m / 30.0 * std::f64::consts::LN_2).exp());
    let samples: Vec<Sample> = (0..120)
        .map(|i| {
            let m = f64::from(i) / 2.0;
            let (a, x) = (came(m) as u64, (500.0 * m) as u64);
            Sample {
                at: t(m * 60.0),
                depth: 60_000 + a - x,
                held: None,
                arrivals: Some(a),
                exits: Some(x),
            }
        })
        .collect();
    let f = of(&samples);
    let last = samples[119].depth as f64;
    let by_hand = last / -f.net_per_min.unwrap();
    let (_, p50, _) = times(&f);
    assert!(p50 < by_hand - 5.0, "{p50} by hand {by_hand}");
    assert!(
        (f.in_per_min.unwrap() - 155.0).abs() < 25.0 && (f.out_per_min.unwrap() - 500.0).abs() < 5.0,
        "{f:?}"
    );
}

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
fn an_old_newest_sample_and_too_few_samples_are_unknown() {
    let samples = series(60, |s| 10_000.0 - s);
    assert_eq!(
        forecast(&samples, t(590.0 + 120.0)).drain,
        Drain::Unknown { why: Why::Stale }
    );
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
fn counts_that_do_not_explain_the_depth_are_not_used_and_said_to_disagree() {
    let mut samples = series(60, |s| 10_000.0 - s);
    for (i, s) in samples.iter_mut().enumerate() {
        (s.arrivals, s.exits) = (Some(100 * i as u64), Some(0)); // says that it grows
    }
    let f = of(&samples);
    assert_eq!((f.counts, f.in_per_min), (Counts::Disagree, None));
    assert!(matches!(f.drain, Drain::Clears { .. }));
}

#[test]
fn mail_that_passes_through_is_not_a_backlog() {
    // 600 a minute, each a second or so on its way.
    let samples: Vec<Sample> = (0..60)
        .map(|i| {
            let depth = [9, 16, 8, 14, 5][i as usize % 5];
            Sample {
                at: t(i as f64 * 10.0),
                depth,
                held: None,
                arrivals: Some(100 * i),
                exits: Some(100 * i + 20 - depth),
            }
        })
        .collect();
    assert_eq!(of(&samples).drain, Drain::Empty);
    let depth_only: Vec<Sample> = samples
        .iter()
        .map(|s| Sample {
            arrivals: None,
            exits: None,
            ..*s
        })
        .collect();
    assert_eq!(of(&depth_only).drain, Drain::Empty);
    assert_eq!(
        of(&series(120, |_| 12.0)).drain,
        Drain::Stalled,
        "twelve messages that stay are waiting"
    );
}

#[test]
fn the_interval_widens_with_the_way_still_to_go() {
    let width = |n: usize| {
        let (p10, _, p90) = times(&of(&series(n, |s| 20_000.0 - s)));
        p90 / p10
    };
    assert!(
        width(60) > width(600) && width(600) > width(1_500),
        "{} {} {}",
        width(60),
        width(600),
        width(1_500)
    );
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let big = || prop_oneof![0..50_u64, 0..100_000_u64, any::<u64>()];
    let time = prop_oneof![0..3_000_i64, -1_000_000..1_000_000_i64];
    (
        time,
        big(),
        prop::option::of(big()),
        prop::option::of(big()),
        prop::option::of(big()),
    )
        .prop_map(|(s, depth, held, arrivals, exits)| Sample {
            at: t(s as f64),
            depth,
            held,
            arrivals,
            exits,
        })
}
/// Mostly in order, as samples come, with what may happen in between.
fn any_past() -> impl Strategy<Value = Vec<Sample>> {
    let walk = prop::collection::vec(
        (
            0..30_i64,
            -200..150_i64,
            0..300_u64,
            prop::option::weighted(0.02, any_sample()),
        ),
        0..400,
    );
    let ordered = (0..200_000_i64, any::<bool>(), walk).prop_map(|(start, counted, walk)| {
        let (mut at, mut depth, mut exits) = (0, start, 0);
        walk.into_iter()
            .map(|(wait, change, went, odd)| {
                at += wait;
                let after = (depth + change).max(0);
                exits += went;
                let arrivals = counted
                    .then(|| i128::from(after - start) + i128::from(exits))
                    .and_then(|a| u64::try_from(a).ok());
                depth = after;
                odd.unwrap_or(Sample {
                    at: t(at as f64),
                    depth: after as u64,
                    held: None,
                    arrivals,
                    exits: counted.then_some(exits),
                })
            })
            .collect()
    });
    prop_oneof![3 => ordered, 1 => prop::collection::vec(any_sample(), 0..200)]
}

proptest! {
    #[test]
    fn whatever_the_samples_the_answer_is_in_order_finite_and_not_negative(samples in any_past(), late in -100..1_000_i64) {
        let last = samples.last().map_or(t(0.0), |s| s.at);
        let f = forecast(&samples, Span::from_secs(late).after(last));
        if let Drain::Clears { p10, p50, p90 } = f.drain {
            prop_assert!(Span::ZERO <= p10 && p10 <= p50 && p50 <= p90, "{:?}", f.drain);
            prop_assert!(p90 < Span::from_hours(24 * 365 * 5), "{:?}", f.drain);
            prop_assert!(f.net_per_min.is_some_and(|n| n < 0.0), "{:?}", f);
        }
        if let Drain::Growing { per_min } = f.drain {
            prop_assert!(per_min > 0.0 && f.net_per_min == Some(per_min));
        }
        for rate in [f.net_per_min, f.in_per_min, f.out_per_min].into_iter().flatten() {
            prop_assert!(rate.is_finite());
        }
        prop_assert!(f.in_per_min.is_none_or(|r| r >= 0.0) && f.out_per_min.is_none_or(|r| r >= 0.0));
        prop_assert_eq!(f, forecast(&samples, Span::from_secs(late).after(last)));
    }

    #[test]
    fn a_deque_and_a_slice_say_the_same(samples in any_past()) {
        let deque: std::collections::VecDeque<Sample> = samples.iter().copied().collect();
        let now = samples.last().map_or(t(0.0), |s| s.at);
        prop_assert_eq!(forecast(&samples, now), forecast(&deque, now));
    }
}
