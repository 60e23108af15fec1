use super::*;
use crate::domain::Span;
use crate::domain::flow::{FlowCounts, FlowSeen, FlowSource};
use crate::domain::forecast::{Drain, Why};
use crate::domain::horizon::{HourOfArrivals, QueueRules};
use crate::domain::queue::Listing;
use crate::model::{Outlook, Queue, Standing, Told};

pub(super) const EVERY: Span = Span::from_secs(10);

pub(super) fn flow(source: FlowSource, from: i64, counts: FlowCounts) -> Fact {
    Fact::FlowSeen(FlowSeen {
        source,
        from: t(from),
        counts,
        partial: None,
        behind: 0,
        log_age: None,
        took: Span::from_millis(5),
        cpu: None,
    })
}
pub(super) fn the_queue(m: &Model) -> &Queue {
    &m.server("a").unwrap().queues["postfix"]
}
pub(super) fn drain(m: &Model, s: i64) -> Drain {
    the_queue(m).forecast(t(s), EVERY).drain
}

/// A look each ten seconds from `first` on, in which the log says so and the depth follows from it.
fn looks(m: &mut Model, first: i64, looks: i64, mut from: u64, each: FlowCounts) -> u64 {
    for n in 0..looks {
        let s = first + n * 10;
        from = from.saturating_add_signed(each.net());
        m.apply(&event(s, queue("a"), flow(FlowSource::Log, s - 10, each)));
        m.apply(&event(s, queue("a"), depth(from)));
    }
    from
}

#[test]
fn a_queue_that_is_worked_off_has_a_clear_time_and_both_flows() {
    let mut m = watching(&["a"]);
    let each = FlowCounts {
        arrived: 5,
        delivered: 25,
        ..FlowCounts::default()
    };
    looks(&mut m, 10, 60, 5_000, each);
    let f = the_queue(&m).forecast(t(601), EVERY);
    assert!(
        (f.in_per_min.unwrap() - 30.0).abs() < 1.0 && (f.out_per_min.unwrap() - 150.0).abs() < 1.0,
        "{f:?}"
    );
    let [p10, p50, p90] = the_queue(&m).clears(t(601), EVERY).unwrap();
    // 3 800 left at 120 a minute.
    let expected = Span::from_mins(32).after(t(600));
    assert!(
        p10 < expected && expected < p90 && p10 < p50 && p50 < p90,
        "{p10} {p50} {p90}"
    );
    let r = the_queue(&m).flow(t(601), EVERY).unwrap();
    assert_eq!(
        (r.source, r.per_min(r.counts.delivered).round() as i64),
        (FlowSource::Log, 150)
    );
}

#[test]
fn a_queue_that_shrinks_because_mail_expires_or_is_deleted_does_not_drain() {
    for (expired, removed) in [(25, 0), (0, 25)] {
        let mut m = watching(&["a"]);
        let each = FlowCounts {
            expired,
            removed,
            ..FlowCounts::default()
        };
        looks(&mut m, 10, 60, 5_000, each);
        assert_eq!(drain(&m, 601), Drain::Stalled, "{expired} {removed}");
        assert_eq!(the_queue(&m).clears(t(601), EVERY), None);
    }
    // Half of it at once.
    let mut m = watching(&["a"]);
    let left = looks(&mut m, 10, 40, 5_000, FlowCounts::default());
    let half = FlowCounts {
        removed: 2_500,
        ..FlowCounts::default()
    };
    let left = looks(&mut m, 410, 1, left, half);
    assert_eq!(drain(&m, 411), Drain::Stalled);
    looks(&mut m, 420, 10, left, FlowCounts::default());
    assert_eq!(drain(&m, 511), Drain::Stalled);
}

#[test]
fn a_reading_that_is_stale_has_no_forecast_and_no_rate() {
    let mut m = watching(&["a"]);
    assert_eq!(drain(&m, 0), Drain::Unknown { why: Why::TooFew });
    let each = FlowCounts {
        delivered: 25,
        ..FlowCounts::default()
    };
    looks(&mut m, 10, 60, 5_000, each);
    assert!(matches!(drain(&m, 601), Drain::Clears { .. }));
    let f = the_queue(&m).forecast(t(700), EVERY);
    assert_eq!(
        (f.drain, f.net_per_min, f.out_per_min),
        (Drain::Unknown { why: Why::Stale }, None, None)
    );
    m.apply(&event(611, queue("a"), Fact::QueueMissed(missed())));
    assert_eq!(drain(&m, 611), Drain::Unknown { why: Why::Stale });
    assert_eq!(the_queue(&m).flow(t(700), EVERY), None);
}

#[test]
fn a_log_and_listings_that_do_not_agree_are_shown_to_disagree() {
    let mut m = watching(&["a"]);
    let each = FlowCounts {
        arrived: 10,
        delivered: 10,
        ..FlowCounts::default()
    };
    looks(&mut m, 10, 60, 5_000, each);
    let listed = |arrived, unexplained| FlowCounts {
        arrived,
        unexplained,
        ..FlowCounts::default()
    };
    m.apply(&event(
        600,
        queue("a"),
        flow(FlowSource::Listings, 300, listed(250, 240)),
    ));
    assert_eq!(
        the_queue(&m).disagreement(),
        None,
        "what comes and goes between listings is not seen"
    );
    m.apply(&event(
        610,
        queue("a"),
        flow(FlowSource::Listings, 300, listed(900, 100)),
    ));
    assert_eq!(
        the_queue(&m).disagreement(),
        None,
        "the log does not cover that time yet"
    );
    looks(&mut m, 610, 1, 5_000, each);
    let d = the_queue(&m).disagreement().unwrap();
    assert_eq!((d.listed.net(), d.log.net(), d.over), (800, 0, Span::from_secs(310)));
}

#[test]
fn a_listing_that_the_log_does_not_cover_to_its_end_is_no_disagreement() {
    let mut m = watching(&["a"]);
    // Four hundred a look are worked off and the identities say so; the log was read eight seconds before.
    let each = FlowCounts {
        delivered: 400,
        ..FlowCounts::default()
    };
    looks(&mut m, 10, 6, 50_000, each);
    let listed = FlowCounts {
        unexplained: 2_320,
        ..FlowCounts::default()
    };
    m.apply(&event(68, queue("a"), flow(FlowSource::Listings, 10, listed)));
    assert_eq!(the_queue(&m).disagreement(), None);
    looks(&mut m, 70, 1, 47_600, each);
    assert_eq!(the_queue(&m).disagreement(), None, "and they agree");
}

#[test]
fn without_a_log_identities_give_the_flows_at_listings_and_depth_alone_gives_the_net_only() {
    let mut m = watching(&["a"]);
    for n in 0..60 {
        m.apply(&event(n * 10, queue("a"), depth(5_000 - 20 * n as u64)));
    }
    let f = the_queue(&m).forecast(t(591), EVERY);
    assert_eq!((f.in_per_min, f.out_per_min), (None, None));
    assert!((f.net_per_min.unwrap() + 120.0).abs() < 2.0);
    assert_eq!(the_queue(&m).flow(t(591), EVERY), None);
}

#[test]
fn what_reading_costs_is_told_from_the_record() {
    let mut m = watching(&["a"]);
    looks(&mut m, 10, 60, 5_000, FlowCounts::default());
    let load = the_queue(&m).cost.load(t(600)).unwrap();
    assert!((load.commands_per_min - 12.2).abs() < 0.1, "{load:?}");
    // The dearest reads count, too: a listing for a person, and those that were given up.
    let mut gave_up = missed();
    gave_up.took = Span::from_secs(20);
    m.apply(&event(600, queue("a"), Fact::MessagesListed(Span::from_secs(10))));
    m.apply(&event(600, queue("a"), Fact::QueueMissed(gave_up.clone())));
    m.apply(&event(600, queue("a"), Fact::FlowMissed(gave_up)));
    m.apply(&event(600, queue("a"), Fact::QueueMissed(missed())));
    let dear = the_queue(&m).cost.load(t(600)).unwrap();
    let more = (dear.busy_permille - load.busy_permille) * 0.59;
    assert!(
        (more - 50.0).abs() < 0.1,
        "fifty seconds of ten minutes: {load:?} {dear:?}"
    );
    let commands = (dear.commands_per_min - load.commands_per_min) * 9.833;
    assert!(
        (commands - 3.0).abs() < 0.1,
        "who was not reached has no cost: {dear:?}"
    );
}

#[test]
fn readings_that_are_partial_do_not_keep_an_old_forecast_fresh() {
    let mut m = watching(&["a"]);
    for n in 0..20 {
        m.apply(&event(n * 10, queue("a"), depth(0)));
    }
    assert_eq!(drain(&m, 191), Drain::Empty);
    let Fact::QueueSeen(mut partial) = depth(500) else {
        unreachable!()
    };
    partial.partial = Some("1 line skipped".into());
    for n in 20..40 {
        m.apply(&event(n * 10, queue("a"), Fact::QueueSeen(partial.clone())));
    }
    let f = the_queue(&m).forecast(t(391), EVERY);
    assert_eq!((f.drain, f.net_per_min), (Drain::Unknown { why: Why::Stale }, None));
}

#[test]
fn a_busy_queue_that_grows_or_holds_deferred_mail_is_not_clear() {
    let busy = |arrived, delivered| FlowCounts {
        arrived,
        delivered,
        ..FlowCounts::default()
    };
    // A hundred a second in, ninety-nine out: little for so much mail, and more each minute.
    let mut m = watching(&["a"]);
    looks(&mut m, 10, 80, 20, busy(1_000, 990));
    assert!(matches!(drain(&m, 801), Drain::Growing { .. }), "{:?}", drain(&m, 801));
    let mut m = watching(&["a"]);
    looks(&mut m, 10, 80, 900, busy(1_000, 1_000));
    assert_eq!(drain(&m, 801), Drain::Stalled, "nine hundred deferred messages wait");
}

/// A listing of mail of which the oldest came so many hours ago, in a queue so deep.
fn listed(deep: u64, hours_ago: i64, at: i64) -> Fact {
    let Fact::QueueSeen(mut seen) = depth(deep) else {
        unreachable!()
    };
    let from = t(at - hours_ago * 3_600);
    seen.how = How::Listed;
    seen.listing = Some(Box::new(Listing {
        oldest: Some(from),
        hours: vec![HourOfArrivals {
            from,
            messages: deep,
            bounces: 0,
        }],
        ..Listing::default()
    }));
    Fact::QueueSeen(seen)
}

#[test]
fn depth_alone_gives_no_clear_time_to_a_queue_with_mail_past_its_lifetime() {
    for (hours_ago, past) in [(40, false), (60, true)] {
        let mut m = watching(&["a"]);
        let rules = QueueRules {
            lifetime: Span::from_hours(48),
            bounce_lifetime: Span::from_hours(48),
            retry: None,
            delay_notice: None,
        };
        m.apply(&event(0, queue("a"), Fact::RulesSeen(rules)));
        for n in 0..60 {
            m.apply(&event(n * 10, queue("a"), depth(5_000 - 20 * n as u64)));
        }
        m.apply(&event(600, queue("a"), listed(3_800, hours_ago, 600)));
        let q = the_queue(&m);
        assert_eq!(q.told_by(t(601)), Told::Depth);
        if past {
            assert_eq!(drain(&m, 601), Drain::Unknown { why: Why::MayExpire });
            assert_eq!(q.clears(t(601), EVERY), None);
        } else {
            assert!(matches!(drain(&m, 601), Drain::Clears { .. }), "{:?}", drain(&m, 601));
        }
    }
}

#[test]
fn a_queue_that_dies_is_not_called_steady_for_the_notices_that_it_writes() {
    let mut m = watching(&["a"]);
    let dies = FlowCounts {
        arrived: 15,
        delivered: 15,
        expired: 15,
        ..FlowCounts::default()
    };
    looks(&mut m, 10, 60, 20_000, dies);
    let outlook = Outlook::of(the_queue(&m), EVERY, t(601));
    assert_eq!(outlook.drain, Drain::Stalled);
    assert!(
        matches!(outlook.standing(), Some(Standing::Shrinks(n)) if (n - 90.0).abs() < 1.0),
        "{:?}",
        outlook.standing()
    );
    let mut m = watching(&["a"]);
    let passes = FlowCounts {
        arrived: 15,
        delivered: 15,
        ..FlowCounts::default()
    };
    looks(&mut m, 10, 60, 20_000, passes);
    let outlook = Outlook::of(the_queue(&m), EVERY, t(601));
    assert_eq!(outlook.standing(), Some(Standing::Passed), "twenty thousand wait");
}

#[test]
fn held_mail_that_listings_see_deleted_is_no_drain_of_what_waits() {
    let mut m = watching(&["a"]);
    // Three thousand on hold of which fifty go at each look, and a thousand that wait and stay.
    for n in 0..60_i64 {
        let s = n * 10;
        let Fact::QueueSeen(mut seen) = listed(1_000, 1, s) else {
            unreachable!()
        };
        seen.depth.hold = 3_000 - 50 * n as u64;
        let gone = FlowCounts {
            removed: 50,
            ..FlowCounts::default()
        };
        m.apply(&event(s, queue("a"), flow(FlowSource::Listings, s - 10, gone)));
        m.apply(&event(s, queue("a"), Fact::QueueSeen(seen)));
    }
    let q = the_queue(&m);
    assert_eq!(q.told_by(t(591)), Told::Listings);
    assert_eq!((drain(&m, 591), q.clears(t(591), EVERY)), (Drain::Stalled, None));
}
