//! Keeps the forecast honest: simulated drains, forecast on their way and held against what then happened, beside the rules
//! that one would use by hand. The drains here are not the ones that the forecast's factors were measured on. The table
//! with its reading is benches/forecast.md.

#![allow(clippy::unwrap_used)]

#[path = "lab/dice.rs"]
mod dice;
#[path = "lab/drains/mod.rs"]
mod drains;
#[path = "lab/score.rs"]
mod score;
#[path = "lab/table.rs"]
mod table;

use drains::{Counting, Drain};
use mailtop::domain::forecast::{self, forecast};
use proptest::prelude::*;
use score::{HELD_OUT, all_looks};

#[test]
fn the_forecast_holds_its_floors_on_drains_it_has_never_seen() {
    let looks = all_looks(HELD_OUT, Counting::Real);
    let tables = table::tables(&looks, &[]);
    let late = table::late(&looks);
    assert!(late.len() > 2_500, "{}", late.len());
    // Pooled, and at each level alone. With it: the most looks without a time, in percent.
    let rows = [
        ("from 25% on", table::row(&late), 10.0),
        ("at 25%", table::row(&table::at(&looks, 25)), 15.0),
        ("at 50%", table::row(&table::at(&looks, 50)), 10.0),
        ("at 75%", table::row(&table::at(&looks, 75)), 8.0),
    ];
    for (name, r, silent_most) in &rows {
        assert!(
            (70.0..=90.0).contains(&r.inside),
            "{name} p10 to p90 held {:.1}%\n{tables}",
            r.inside
        );
        assert!(
            r.below < 20.0 && r.above < 20.0,
            "{name} the interval is lopsided\n{tables}"
        );
        assert!(
            r.both_slope[0].min < r.both_slope[1].min,
            "{name} by hand does nearly as well\n{tables}"
        );
        let [ours, naive, _] = r.off;
        assert!(
            ours.min <= 0.5 * naive.min,
            "{name} p50 is {:.1} min off, by hand {:.1} min\n{tables}",
            ours.min,
            naive.min
        );
        let silent = r.silent_blind + r.silent.iter().sum::<f64>();
        assert!(silent <= *silent_most, "{name} {silent:.1}% have no time\n{tables}");
        assert!(r.missed <= 4.0, "{name} {:.1}% of falls are missed\n{tables}", r.missed);
    }
    let pooled = &rows[0].1;
    let [ours, _, slope] = pooled.off;
    assert!(ours.min < slope.min, "the slope of five minutes does better\n{tables}");
    assert!(
        pooled.wrong <= 3.0,
        "{:.1}% of verdicts are wrong\n{tables}",
        pooled.wrong
    );
    // Looks that a clear time can be wrong at: at queues that never clear, and at those that still grow.
    assert!(late.iter().any(|l| l.truth.is_infinite() && l.clears() && l.wrong));
    let way_up = table::row(&table::at(&looks, score::ON_THE_WAY_UP));
    assert!(way_up.looks > 1_000, "{}", way_up.looks);
    assert!(
        way_up.wrong_clears <= 3.0,
        "{:.1}% of queues that grow have a clear time\n{tables}",
        way_up.wrong_clears
    );
}

/// Verdicts at every seventh look: how many, how many say growing, how many stalled.
fn never_clears(seed: u64, d: &Drain) -> (usize, usize, usize) {
    let (mut looks, mut growing, mut stalled) = (0, 0, 0);
    for n in (3..d.samples.len()).step_by(7) {
        let verdict = forecast(score::history(d, n), d.samples[n].at).drain;
        assert!(
            !matches!(verdict, forecast::Drain::Clears { .. }),
            "seed {seed} sample {n}: {verdict:?}"
        );
        looks += 1;
        growing += usize::from(matches!(verdict, forecast::Drain::Growing { .. }));
        stalled += usize::from(matches!(verdict, forecast::Drain::Stalled));
    }
    (looks, growing, stalled)
}

#[test]
fn a_queue_that_only_grows_never_shows_a_clear_time() {
    let (mut looks, mut growing) = (0, 0);
    for seed in HELD_OUT.start..HELD_OUT.start + 300 {
        let (l, g, _) = never_clears(seed, &drains::growing(seed));
        (looks, growing) = (looks + l, growing + g);
    }
    assert!(growing as f64 > 0.8 * looks as f64, "{growing} of {looks}");
}

#[test]
fn a_queue_that_shrinks_because_mail_expires_never_shows_a_clear_time() {
    let (mut looks, mut stalled) = (0, 0);
    for seed in HELD_OUT.start..HELD_OUT.start + 200 {
        let (l, _, s) = never_clears(seed, &drains::expiring(seed));
        (looks, stalled) = (looks + l, stalled + s);
    }
    assert!(stalled as f64 > 0.8 * looks as f64, "{stalled} of {looks}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Between looks never less comes in than goes out; what is counted is blurred by as much as moved meanwhile.
    #[test]
    fn whatever_way_a_queue_only_grows_it_never_shows_a_clear_time(
        steps in prop::collection::vec((5..90_i64, 1..200_u64, 0..300_u64, -1.0..1.0_f64), 4..250),
        start in 0..200_000_u64,
        bursts in 1..40_u64,
        counted in any::<bool>(),
    ) {
        let (mut at, mut depth, mut came, mut went) = (1_800_000_000, start, 0, 0);
        let mut samples = Vec::new();
        for (n, (took, more, through, blur)) in steps.into_iter().enumerate() {
            let more = if (n as u64).is_multiple_of(bursts) { more } else { more / 10 + 1 };
            at += took;
            (came, went, depth) = (came + more + through, went + through, depth + more);
            let off = (blur * (more as f64).sqrt()) as i64;
            samples.push(forecast::Sample {
                at: mailtop::domain::Timestamp::from_second(at).unwrap(),
                depth: depth.saturating_add_signed(off),
                arrivals: counted.then_some(came),
                exits: counted.then_some(went),
                ..forecast::Sample::default()
            });
            let verdict = forecast(&samples, samples[n].at).drain;
            prop_assert!(!matches!(verdict, forecast::Drain::Clears { .. }), "look {}: {:?}", n, verdict);
        }
    }
}
