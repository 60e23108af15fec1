//! What charts draw is what was read: nothing larger or smaller, and nothing where nobody read.

use mailtop::domain::Span;
use mailtop::domain::event::Event;
use mailtop::report::series::{COLUMNS, Range, Said, Series};
use proptest::prelude::*;

use super::world::{depth, probed, record, t, watching};

fn series(events: &[Event], from: i64, until: i64) -> Series {
    let range = Range {
        from: t(from),
        until: t(until),
    };
    let mut s = Series::new(range, range);
    for e in events {
        s.apply(e);
    }
    s.done()
}

#[test]
fn a_line_is_broken_where_nobody_read_and_the_band_is_empty_there() {
    let s = series(&record(), 0, 240);
    let depths = &s.depths.values().next().unwrap();
    assert_eq!(depths.unseen, Span::from_mins(11), "from the last reading to the next");
    let after = depths.columns[COLUMNS * 110 / 240].unwrap();
    assert!(!after.joined);
    assert!(depths.columns[COLUMNS * 105 / 240].is_none());
    let joined = depths.columns.iter().flatten().filter(|c| !c.joined).count();
    assert_eq!(joined, 2, "the first, and the one after the gap");
    let imap = s.doors.iter().find(|(k, _)| k.1.as_str() == "imap").unwrap().1;
    // A probe holds for three intervals.
    assert_eq!(
        imap.columns[COLUMNS * 101 / 240],
        Some(Said::Down(mailtop::domain::health::Layer::Store))
    );
    assert_eq!(imap.columns[COLUMNS * 106 / 240], None);
    let runs: Vec<&str> = imap
        .runs()
        .iter()
        .map(|(_, _, said)| match said {
            Said::Good => "good",
            Said::Warn => "warn",
            Said::Down(_) => "down",
        })
        .collect();
    assert_eq!(runs, ["good", "down", "down", "good"]);
}

#[test]
fn rates_are_of_the_time_that_was_counted() {
    let s = series(&record(), 0, 240);
    let flows = s.flows.values().next().unwrap();
    let rate = |min: usize| flows.rates(COLUMNS * min / 240, s.range);
    assert_eq!(rate(30).map(|r| r.map(f64::round)), Some([20.0, 60.0, 0.0]));
    assert_eq!(rate(80).map(|r| r.map(f64::round)), Some([25.0, 5.0, 0.0]));
    assert_eq!(rate(105), None, "nobody counted");
    assert_eq!(flows.total.arrived, 57 * 20 + (42 + 130) * 25);
}

#[test]
fn a_log_that_is_caught_up_with_in_bites_makes_no_spike() {
    let bite = |min: i64, from: i64, arrived: u64, behind: u64| -> Event {
        let mut json = serde_json::to_value(
            record()
                .into_iter()
                .find(|e| e.at == t(10) && serde_json::to_string(e).unwrap().contains("flow-seen"))
                .unwrap(),
        )
        .unwrap();
        json["at"] = t(min).to_string().into();
        json["what"]["data"]["from"] = t(from).to_string().into();
        json["what"]["data"]["counts"]["arrived"] = arrived.into();
        json["what"]["data"]["behind"] = behind.into();
        serde_json::from_value(json).unwrap()
    };
    let all = [
        watching(),
        bite(60, 0, 300, 9_000),
        bite(61, 60, 300, 4_000),
        bite(61, 61, 10, 0),
    ];
    let s = series(&all, 0, 240);
    let flows = s.flows.values().next().unwrap();
    let most = (0..COLUMNS)
        .filter_map(|c| flows.rates(c, s.range))
        .map(|r| r[0])
        .fold(0.0, f64::max);
    assert!((most - 10.0).abs() < 0.1, "{most}");
}

proptest! {
    #[test]
    fn a_thinned_depth_has_the_least_and_the_most_and_no_value_that_was_not_read(depths in prop::collection::vec(0u64..100_000, 1..2_000)) {
        let mut all = vec![watching()];
        all.extend(depths.iter().enumerate().map(|(i, n)| depth(i as i64, *n)));
        let s = series(&all, 0, 2_000);
        let d = s.depths.values().next().unwrap();
        let columns: Vec<_> = d.columns.iter().flatten().collect();
        prop_assert_eq!(columns.iter().map(|c| c.most).max(), depths.iter().max().copied());
        prop_assert_eq!(columns.iter().map(|c| c.least).min(), depths.iter().min().copied());
        prop_assert_eq!(d.peak.map(|p| p.0), depths.iter().max().copied());
        for c in columns {
            for v in [c.first, c.least, c.most, c.last] {
                prop_assert!(depths.contains(&v));
            }
            prop_assert!(c.least <= c.first && c.first <= c.most && c.least <= c.last && c.last <= c.most);
        }
    }

    #[test]
    fn a_door_that_was_down_is_never_drawn_as_good(bad in prop::collection::vec(any::<bool>(), 1..400)) {
        let mut all = vec![watching()];
        all.extend(bad.iter().enumerate().map(|(i, b)| probed(i as i64, "mbox1", "imap", b.then_some("store"))));
        let s = series(&all, 0, 2_000);
        let d = s.doors.values().next().unwrap();
        for (i, b) in bad.iter().enumerate().filter(|(_, b)| **b) {
            let column = i * COLUMNS / 2_000;
            prop_assert!(matches!(d.columns[column], Some(Said::Down(_))), "{i} {b}");
        }
        prop_assert_eq!(d.down, bad.iter().filter(|b| **b).count() as u64);
        prop_assert!(d.columns[COLUMNS * (bad.len() + 8) / 2_000..].iter().skip(1).all(Option::is_none));
    }
}
