//! What the forecast says of plain cases; beside it, of what is no drain, of bad input, and of anything at all.

mod anything;
mod bad_input;
mod no_drain;

use super::*;

const T0: i64 = 1_800_000_000;

fn t(s: f64) -> Timestamp {
    Timestamp::from_microsecond(T0 * 1_000_000 + (s * 1e6) as i64).unwrap()
}
fn seen(s: f64, depth: u64) -> Sample {
    Sample {
        at: t(s),
        depth,
        ..Sample::default()
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
                otherwise: None,
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
fn mail_that_passes_through_is_not_a_backlog() {
    // 600 a minute, each a second or so on its way.
    let samples: Vec<Sample> = (0..60)
        .map(|i| {
            let depth = [9, 16, 8, 14, 5][i as usize % 5];
            Sample {
                at: t(i as f64 * 10.0),
                depth,
                held: None,
                otherwise: None,
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

#[test]
fn a_deep_queue_that_has_just_begun_to_fall_is_not_called_still() {
    // It stood for hours, in jerks, and has lost nine thousand in the last half hour.
    let jerk = [0, 900, -700, 800, -900, 600];
    let samples: Vec<Sample> = (0..43_i32)
        .map(|i| Sample {
            at: t(f64::from(i) * 600.0),
            depth: (31_000 - 3_000 * (i - 39).max(0) + jerk[i as usize % 6]) as u64,
            ..Sample::default()
        })
        .collect();
    let f = of(&samples);
    assert!(f.net_per_min.unwrap() < -200.0, "{f:?}");
    assert_ne!(f.drain, Drain::Stalled, "{f:?}");
}
