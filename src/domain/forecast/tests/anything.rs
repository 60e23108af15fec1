//! Whatever is handed in, the answer makes sense.

use proptest::prelude::*;

use super::*;

fn any_sample() -> impl Strategy<Value = Sample> {
    let big = || prop_oneof![0..50_u64, 0..100_000_u64, any::<u64>()];
    let time = prop_oneof![0..3_000_i64, -1_000_000..1_000_000_i64];
    (
        time,
        big(),
        prop::option::of(big()),
        prop::option::of(big()),
        prop::option::of(big()),
        prop::option::of(big()),
    )
        .prop_map(|(s, depth, held, arrivals, exits, otherwise)| Sample {
            at: t(s as f64),
            depth,
            held,
            arrivals,
            exits,
            otherwise,
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
                    otherwise: None,
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
        prop_assert!(f.net_per_min.is_none_or(f64::is_finite));
        for rate in [f.in_per_min, f.out_per_min, f.otherwise_per_min].into_iter().flatten() {
            prop_assert!(rate.is_finite() && rate >= 0.0);
        }
        prop_assert_eq!(f, forecast(&samples, Span::from_secs(late).after(last)));
    }

    #[test]
    fn a_deque_and_a_slice_say_the_same(samples in any_past()) {
        let deque: std::collections::VecDeque<Sample> = samples.iter().copied().collect();
        let now = samples.last().map_or(t(0.0), |s| s.at);
        prop_assert_eq!(forecast(&samples, now), forecast(&deque, now));
    }
}
