use super::*;
use crate::domain::Timestamp;

fn t(s: f64) -> Timestamp {
    Span::from_secs_f64(s).after(Timestamp::from_second(1_800_000_000).unwrap())
}

/// How the simulated exits behave.
#[derive(Clone, Copy)]
struct World {
    /// Exits a second before.
    rate: f64,
    /// After over before.
    times: f64,
    /// Variance over mean of what is counted in a reading.
    fano: f64,
    /// How far the rate wanders by itself (the standard deviation of its logarithm, forgotten within ten minutes).
    wander: f64,
    /// By how much it grows or falls a minute, all the time.
    trend: f64,
}

fn normal(r: &mut fastrand::Rng) -> f64 {
    // Box and Muller 1958.
    (-2.0 * (1.0 - r.f64()).ln()).sqrt() * (std::f64::consts::TAU * r.f64()).cos()
}

/// Readings of ten seconds from `-before` to `after`, the action being at 0.
fn readings(w: World, seed: u64, before: i64, after: i64) -> Vec<Counted> {
    let mut r = fastrand::Rng::with_seed(seed);
    let mut log = w.wander * normal(&mut r);
    let keep = (-1.0_f64 / 60.0).exp();
    (-before..after)
        .step_by(10)
        .map(|s| {
            log = keep * log + w.wander * (1.0 - keep * keep).sqrt() * normal(&mut r);
            let times = if s >= 0 { w.times } else { 1.0 };
            let mean = 10.0 * w.rate * times * log.exp() * (1.0 + w.trend).powf(s as f64 / 60.0);
            // Bursts of as many messages as make the wanted spread, their number by Poisson.
            let mut bursts = 0.0;
            let mut left = mean / w.fano;
            loop {
                left += (1.0 - r.f64()).ln();
                if left < 0.0 {
                    break;
                }
                bursts += 1.0;
            }
            Counted {
                from: t(s as f64),
                to: t((s + 10) as f64),
                count: (bursts * w.fano).round(),
            }
        })
        .collect()
}

fn around() -> Around {
    Around {
        at: t(0.0),
        holds: t(1.0),
        not_before: None,
        not_after: None,
    }
}

fn told(readings: &[Counted], now: f64) -> Influence {
    let series = Series {
        kind: Kind::Exits,
        readings,
    };
    measure(series, &around(), t(now))
}

/// What was seen over many worlds, each with seeds of its own.
#[derive(Default)]
struct Tally {
    runs: u32,
    false_early: u32,
    false_settled: u32,
    /// At any of the looks each half minute until it is settled.
    false_ever: u32,
    found: u32,
    given: u32,
    covered: u32,
}

fn tally(wander: f64) -> Tally {
    let mut tally = Tally::default();
    let changed = |i: &Influence| u32::from(matches!(i, Influence::Changed { .. }));
    for (n, (trend, (rate, fano))) in [0.0, 0.01, -0.02]
        .into_iter()
        .flat_map(|t| [(0.5, 1.0), (3.0, 3.0), (3.0, 8.0), (10.0, 8.0)].map(|r| (t, r)))
        .enumerate()
    {
        let same = World {
            rate,
            times: 1.0,
            fano,
            wander,
            trend,
        };
        for seed in 0..40 {
            let seed = seed + 1_000 * n as u64;
            let all = readings(same, seed, 900, 620);
            tally.runs += 1;
            tally.false_early += changed(&told(&all[..122], 320.0));
            tally.false_settled += changed(&told(&all, 620.0));
            let mut looks = (4..=20).map(|n| (90 + 3 * n + 2, (30 * n + 20) as f64));
            let ever = looks.any(|(n, now)| changed(&told(&all[..n], now)) > 0);
            tally.false_ever += u32::from(ever);
            let all = readings(World { times: 3.0, ..same }, seed + 500, 900, 620);
            tally.found += changed(&told(&all[..122], 320.0));
            if let Influence::Changed { ratio: Some(r), .. } = told(&all, 620.0) {
                tally.given += 1;
                tally.covered += u32::from((r.times - 3.0).abs() <= r.uncertainty);
            }
        }
    }
    tally
}

#[test]
fn no_effect_is_seldom_called_one_and_a_threefold_one_is_found_within_five_minutes_and_lies_in_its_interval() {
    let share = |n: u32, of: u32| 100.0 * f64::from(n) / f64::from(of);
    let (mut covered, mut given) = (0, 0);
    for wander in [0.0, 0.1, 0.2] {
        let t = tally(wander);
        let seen = [
            share(t.false_early, t.runs),
            share(t.false_settled, t.runs),
            share(t.false_ever, t.runs),
            share(t.found, t.runs),
            share(t.given, t.runs),
            share(t.covered, t.given),
        ];
        println!("wander {wander}: {seen:.1?}");
        assert!(
            seen[..2].iter().all(|s| *s <= 10.0),
            "called an effect where there is none: {seen:?}"
        );
        assert!(seen[2] <= 15.0, "at any look: {seen:?}");
        assert!(seen[3] >= 85.0, "found within five minutes: {seen:?}");
        assert!(seen[5] >= 80.0, "inside the interval: {seen:?}");
        covered += t.covered;
        given += t.given;
    }
    let covered = share(covered, given);
    println!("covered {covered:.1}");
    assert!(
        (85.0..=97.0).contains(&covered),
        "inside the interval, over all: {covered}"
    );
}

fn steady(per_reading: f64, from: i64, to: i64) -> Vec<Counted> {
    (from..to)
        .step_by(10)
        .map(|s| Counted {
            from: t(s as f64),
            to: t((s + 10) as f64),
            // One more and one less in turn: some spread, no trend.
            count: if per_reading > 0.0 {
                per_reading + (s / 10).rem_euclid(2) as f64 - 0.5
            } else {
                0.0
            },
        })
        .collect()
}

#[test]
fn from_zero_or_to_zero_there_are_rates_and_no_ratio() {
    let mut up = steady(0.0, -600, 0);
    up.extend(steady(98.0, 0, 320));
    let Influence::Changed {
        before_per_min,
        after_per_min,
        ratio,
    } = told(&up, 320.0)
    else {
        panic!("{:?}", told(&up, 320.0))
    };
    assert_eq!((before_per_min, ratio), (0.0, None));
    assert!((after_per_min - 588.0).abs() < 10.0);
    assert!(told(&up, 320.0).to_string().starts_with("exits 0/s → 9.8/s"));
    let mut down = steady(98.0, -600, 0);
    down.extend(steady(0.0, 0, 320));
    assert!(matches!(
        told(&down, 320.0),
        Influence::Changed {
            after_per_min: 0.0,
            ratio: None,
            ..
        }
    ));
    let none = steady(0.0, -600, 620);
    assert!(matches!(
        told(&none, 620.0),
        Influence::NotVisible {
            before_per_min: 0.0,
            ..
        }
    ));
}

#[test]
fn one_message_after_an_idle_window_is_no_effect() {
    let mut few = steady(0.0, -600, 620);
    few[90].count = 1.0;
    assert!(
        matches!(told(&few, 620.0), Influence::NotVisible { .. }),
        "{:?}",
        told(&few, 620.0)
    );
}

#[test]
fn before_two_minutes_it_is_too_early_and_without_a_change_it_is_so_until_ten() {
    let all = steady(50.0, -900, 700);
    let upto = |s: i64| &all[..usize::try_from((900 + s) / 10).unwrap()];
    let Influence::TooEarly { wait } = told(upto(60), 60.0) else {
        panic!("{:?}", told(upto(60), 60.0))
    };
    assert_eq!(wait, Span::from_secs(61), "two minutes from its read-back");
    assert!(matches!(told(upto(0), 1.0), Influence::TooEarly { .. }));
    assert!(matches!(told(upto(590), 590.0), Influence::TooEarly { .. }));
    let told = told(upto(640), 640.0);
    assert!(
        matches!(told, Influence::NotVisible { of: Kind::Exits, .. }),
        "{told:?}"
    );
    assert_eq!(told.to_string(), "no visible effect");
}

#[test]
fn a_gap_over_the_action_makes_it_unknown_and_one_after_it_ends_the_window() {
    let mut over = steady(50.0, -900, -20);
    over.extend(steady(150.0, 30, 700));
    let why = |i: Influence| match i {
        Influence::Unknown { why } => why.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(why(told(&over, 700.0)), "there is a gap in the readings over it");
    let mut later = steady(50.0, -900, 100);
    later.extend(steady(50.0, 200, 900));
    assert_eq!(
        why(told(&later, 900.0)),
        "a gap in the readings came when 1m20s had been seen after it, too little to tell"
    );
    assert_eq!(
        why(told(&steady(50.0, 0, 900), 900.0)),
        "nothing was counted just before it"
    );
    let short = steady(50.0, -60, 900);
    assert_eq!(
        why(told(&short, 900.0)),
        "only 1m were seen before it, too little to compare with"
    );
    // Nobody counts any more.
    assert!(why(told(&steady(50.0, -900, 100), 400.0)).starts_with("the readings ended"));
}

#[test]
fn the_windows_end_at_other_actions() {
    let mut all = steady(20.0, -900, -300);
    all.extend(steady(100.0, -300, 0));
    all.extend(steady(101.0, 0, 700));
    let series = Series {
        kind: Kind::Exits,
        readings: &all,
    };
    let before = |around: &Around| match measure(series, around, t(700.0)) {
        Influence::NotVisible { before_per_min, .. } => before_per_min.round() as i64,
        other => panic!("{other:?}"),
    };
    assert_eq!(before(&around()), 280, "the low rate before another action is in it");
    let after_other = Around {
        not_before: Some(t(-300.0)),
        ..around()
    };
    assert_eq!(before(&after_other), 600);
    let cut = Around {
        not_after: Some(t(200.0)),
        ..after_other
    };
    let Influence::Unknown { why } = measure(series, &cut, t(700.0)) else {
        panic!("{:?}", measure(series, &cut, t(700.0)))
    };
    assert!(why.starts_with("the next action, or its own end, came"), "{why}");
    assert_eq!(watched(&all, &cut), Span::from_secs(180));
}

#[test]
fn with_depth_alone_the_net_is_compared_as_a_difference() {
    let net = |per_reading: i64, from: i64, to: i64| {
        (from..to).step_by(10).map(move |s| Counted {
            from: t(s as f64),
            to: t((s + 10) as f64),
            count: (per_reading + (s / 10).rem_euclid(3) - 1) as f64,
        })
    };
    let all: Vec<_> = net(20, -600, 0).chain(net(-30, 0, 320)).collect();
    let series = Series {
        kind: Kind::Net,
        readings: &all,
    };
    let told = measure(series, &around(), t(320.0));
    let Influence::NetChanged {
        before_per_min,
        after_per_min,
        uncertainty_per_min,
    } = told
    else {
        panic!("{told:?}")
    };
    assert!((before_per_min - 120.0).abs() < 3.0 && (after_per_min + 180.0).abs() < 3.0);
    assert!(
        uncertainty_per_min > 0.0 && uncertainty_per_min < 60.0,
        "{uncertainty_per_min}"
    );
    assert!(
        told.to_string().starts_with("net +2.0/s → -3.0/s, by -5.0 ± "),
        "{told}"
    );
    let same: Vec<_> = net(20, -600, 620).collect();
    let series = Series {
        kind: Kind::Net,
        readings: &same,
    };
    assert!(matches!(
        measure(series, &around(), t(620.0)),
        Influence::NotVisible { of: Kind::Net, .. }
    ));
}

#[test]
fn an_effect_is_written_as_rates_and_a_ratio_with_its_uncertainty() {
    let changed = |before: f64, after: f64, times: f64, uncertainty: f64| {
        Influence::Changed {
            before_per_min: before,
            after_per_min: after,
            ratio: Some(Ratio { times, uncertainty }),
        }
        .to_string()
    };
    assert_eq!(changed(186.0, 588.0, 3.16, 0.41), "exits 3.1/s → 9.8/s, ×3.2 ± 0.4");
    assert_eq!(changed(1.0, 3.0, 3.0, 0.04), "exits 1.0/min → 3.0/min, ×3.00 ± 0.04");
    assert_eq!(
        changed(0.6, 600.0, 1_000.0, 300.0),
        "exits 0.010/s → 10.0/s, ×1000 ± 300"
    );
    let early = Influence::TooEarly {
        wait: Span::from_secs(80),
    };
    assert_eq!(early.to_string(), "too early to tell: 1m20s more at least");
}

#[test]
fn what_was_measured_is_read_back_from_the_record_as_it_was() {
    let all = [
        Influence::Changed {
            before_per_min: 1.5,
            after_per_min: 4.5,
            ratio: Some(Ratio {
                times: 3.0,
                uncertainty: 0.5,
            }),
        },
        Influence::NotVisible {
            of: Kind::Net,
            before_per_min: -1.0,
            after_per_min: 0.0,
        },
        Influence::Unknown { why: "x".into() },
    ];
    for i in all {
        let json = serde_json::to_string(&i).unwrap();
        assert_eq!(serde_json::from_str::<Influence>(&json).unwrap(), i);
    }
}
