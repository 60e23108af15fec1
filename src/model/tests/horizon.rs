//! Horizons from the record: what makes an outage and ends it, what a person's correction belongs to, and the queue's own.

use super::*;
use crate::domain::horizon::{HourOfArrivals, OutageCorrected, OutageStart, Patience, QueueRules, RemoteHorizon};
use crate::domain::queue::Listing;

const HOUR: i64 = 3_600;

fn sender(name: &str, hours: i64) -> Patience {
    Patience {
        sender: name.into(),
        gives_up_after: Span::from_hours(hours),
        at_least: None,
        tries: None,
        source: "its manual".into(),
    }
}
fn model() -> Model {
    let mut m = Model::new(Some(me()));
    let mut watched = roster(&["a"]);
    watched.senders = vec![sender("Postfix default", 120), sender("Mailgun", 8)];
    m.apply(&event(0, Subject::Observer, Fact::Watching(watched)));
    m
}
fn good(m: &mut Model, at: &[i64]) {
    for s in at {
        m.apply(&event(*s, door("a"), probed(9, None)));
    }
}
fn bad(m: &mut Model, at: &[i64]) {
    for s in at {
        m.apply(&event(*s, door("a"), probed(9, Some(Layer::Store))));
    }
}
fn correct(m: &mut Model, at: i64, since: Option<i64>) {
    let said = OutageCorrected {
        since: since.map(t),
        by: "lin@bastion".into(),
    };
    let about = Subject::Server { server: "a".into() };
    m.apply(&event(at, about, Fact::OutageCorrected(said)));
}
fn horizon(m: &Model, at: i64) -> Option<RemoteHorizon> {
    m.remote_horizon(m.server("a").unwrap(), t(at))
}
/// Since when and until when, in seconds.
fn span(m: &Model, at: i64) -> Option<(i64, Option<i64>)> {
    let s = |x: Timestamp| x.as_second() - t(0).as_second();
    horizon(m, at).map(|h| (s(h.since), h.until.map(s)))
}

#[test]
fn an_outage_runs_from_its_first_bad_probe_and_counts_from_the_second() {
    let mut m = model();
    good(&mut m, &[5]);
    bad(&mut m, &[10]);
    assert_eq!(span(&m, 10), None, "one bad probe is none yet");
    bad(&mut m, &[20]);
    let h = horizon(&m, 20).unwrap();
    assert_eq!((h.since, h.until, h.last_seen), (t(10), None, Some(t(20))));
    let record = OutageStart::Record {
        door: "imap".into(),
        last_good: Some(t(5)),
    };
    assert_eq!(h.start, record);
    let (who, left) = h.next(t(20)).unwrap();
    assert_eq!((who.sender.as_str(), left), ("Mailgun", Span::from_secs(8 * HOUR - 10)));
}

#[test]
fn another_layer_does_not_begin_an_outage_anew_and_a_warning_neither_begins_nor_ends_one() {
    let mut m = model();
    m.apply(&event(1, door("a"), probed(9, Some(Layer::Limit))));
    m.apply(&event(2, door("a"), probed(9, Some(Layer::Quota))));
    assert_eq!(span(&m, 2), None);
    bad(&mut m, &[10, 20]);
    m.apply(&event(30, door("a"), probed(9, Some(Layer::Network))));
    for s in [40, 50] {
        m.apply(&event(s, door("a"), probed(9, Some(Layer::Credential))));
    }
    assert_eq!(span(&m, 50), Some((10, None)));
}

#[test]
fn two_good_probes_end_an_outage_and_it_is_shown_for_five_days() {
    let mut m = model();
    bad(&mut m, &[10, 20, 9 * HOUR]);
    good(&mut m, &[10 * HOUR]);
    assert_eq!(span(&m, 10 * HOUR), Some((10, None)), "one good probe may be luck");
    good(&mut m, &[10 * HOUR + 10]);
    assert_eq!(span(&m, 11 * HOUR), Some((10, Some(10 * HOUR))));
    let h = horizon(&m, 11 * HOUR).unwrap();
    assert_eq!(h.last_seen, Some(t(9 * HOUR)), "it ended between these two");
    assert_eq!(h.given_up(t(11 * HOUR)).count(), 1, "Mailgun gave up during it");
    assert!(span(&m, 130 * HOUR).is_some());
    assert_eq!(span(&m, 10 * HOUR + 5 * 24 * HOUR + 1), None);
}

#[test]
fn time_in_which_nobody_looked_does_not_end_an_outage() {
    let mut m = model();
    bad(&mut m, &[10, 20]);
    m.apply(&event(30, door("a"), Fact::ProbeMissed(missed())));
    assert_eq!(span(&m, 20 * HOUR), Some((10, None)));
    assert_eq!(horizon(&m, 20 * HOUR).unwrap().last_seen, Some(t(20)));
    bad(&mut m, &[20 * HOUR]);
    assert_eq!(span(&m, 20 * HOUR), Some((10, None)));
}

#[test]
fn a_short_good_spell_belongs_to_the_outage_and_a_long_one_ends_it() {
    let mut m = model();
    bad(&mut m, &[10, 20, 10_000]);
    good(&mut m, &[10_010, 10_020, 13_000]);
    bad(&mut m, &[13_010, 13_020]);
    assert_eq!(span(&m, 13_020), Some((10, None)));
    good(&mut m, &[13_030, 13_040, 18_000]);
    bad(&mut m, &[18_010, 18_020]);
    assert_eq!(span(&m, 18_020), Some((18_010, None)));
    // Over, both: the one in which most senders gave up is shown.
    good(&mut m, &[18_030, 18_040]);
    assert_eq!(span(&m, 18_040), Some((10, Some(13_030))));
}

#[test]
fn a_person_corrects_the_start_and_takes_it_back() {
    let mut m = model();
    bad(&mut m, &[10 * HOUR, 10 * HOUR + 10]);
    correct(&mut m, 11 * HOUR, Some(2 * HOUR));
    let h = horizon(&m, 11 * HOUR).unwrap();
    assert_eq!((h.since, h.until), (t(2 * HOUR), None));
    assert_eq!(
        h.start,
        OutageStart::Corrected {
            by: "lin@bastion".into()
        }
    );
    assert_eq!(h.given_up(t(11 * HOUR)).count(), 1);
    correct(&mut m, 11 * HOUR + 1, None);
    assert_eq!(span(&m, 11 * HOUR + 1), Some((10 * HOUR, None)));
    assert_eq!(m.server("a").unwrap().outage, None);
}

#[test]
fn a_corrected_start_ends_with_its_outage_and_does_not_reach_into_the_next_one() {
    let mut m = model();
    bad(&mut m, &[10 * HOUR, 10 * HOUR + 10]);
    correct(&mut m, 11 * HOUR, Some(2 * HOUR));
    good(&mut m, &[12 * HOUR, 12 * HOUR + 10]);
    assert_eq!(span(&m, 13 * HOUR), Some((2 * HOUR, Some(12 * HOUR))));
    bad(&mut m, &[50 * HOUR, 50 * HOUR + 10]);
    assert_eq!(span(&m, 51 * HOUR), Some((50 * HOUR, None)), "from the record");
}

#[test]
fn a_start_that_is_corrected_when_all_is_over_belongs_to_the_outage_that_ended_after_it() {
    let mut m = model();
    bad(&mut m, &[10 * HOUR, 10 * HOUR + 10]);
    good(&mut m, &[12 * HOUR, 12 * HOUR + 10]);
    correct(&mut m, 13 * HOUR, Some(2 * HOUR));
    assert_eq!(span(&m, 14 * HOUR), Some((2 * HOUR, Some(12 * HOUR))));
    // A start after its end is another outage, which no door shows.
    correct(&mut m, 15 * HOUR, Some(13 * HOUR));
    assert_eq!(span(&m, 16 * HOUR), Some((13 * HOUR, None)));
}

#[test]
fn an_outage_that_only_a_person_knows_goes_on_until_taken_back_or_until_a_door_failed_and_is_good() {
    let mut m = model();
    good(&mut m, &[10, 20]);
    correct(&mut m, 30, Some(-HOUR));
    good(&mut m, &[40, 50]);
    assert_eq!(
        span(&m, 60),
        Some((-HOUR, None)),
        "IMAP works, and inbound mail may not"
    );
    assert_eq!(horizon(&m, 60).unwrap().last_seen, None);
    bad(&mut m, &[70, 80]);
    good(&mut m, &[90, 100]);
    assert_eq!(span(&m, 110), Some((-HOUR, Some(90))));
    correct(&mut m, 120, None);
    assert_eq!(span(&m, 130), Some((70, Some(90))));
}

#[test]
fn a_record_that_knew_no_senders_still_tells_since_when() {
    let mut m = watching(&["a"]);
    bad(&mut m, &[10, 20]);
    let h = horizon(&m, 20).unwrap();
    assert_eq!((h.since, h.gives_up.len(), h.next(t(20))), (t(10), 0, None));
}

fn listed(hours: Vec<HourOfArrivals>, held: u64, partial: Option<&str>) -> Fact {
    let Fact::QueueSeen(mut s) = depth(0) else {
        unreachable!()
    };
    s.how = How::Listed;
    s.depth.deferred = hours.iter().map(|h| h.messages + h.bounces).sum::<u64>().max(1);
    s.depth.hold = held;
    s.partial = partial.map(Into::into);
    s.listing = Some(Box::new(Listing {
        hours,
        ..Listing::default()
    }));
    Fact::QueueSeen(s)
}

#[test]
fn a_queue_has_a_horizon_when_its_rules_and_a_listing_are_known() {
    let mut m = model();
    let local = |m: &Model, s: i64| m.server("a").unwrap().queues["postfix"].local_horizon(t(s), Span::from_secs(10));
    let hours = vec![HourOfArrivals {
        from: t(-110 * HOUR),
        messages: 40,
        bounces: 0,
    }];
    m.apply(&event(10, queue("a"), listed(hours.clone(), 5, None)));
    assert_eq!(local(&m, 10), None, "its lifetime is not known");
    let rules = QueueRules {
        lifetime: Span::from_hours(120),
        bounce_lifetime: Span::from_hours(120),
        retry: None,
        delay_notice: None,
    };
    m.apply(&event(11, queue("a"), Fact::RulesSeen(rules)));
    let h = local(&m, 20).unwrap();
    assert_eq!((h.listed_at, h.first, h.due), (t(10), Some(t(10 * HOUR)), 0));
    assert_eq!((h.before_clear, h.partial), (None, None), "no clear time is known");
    let q = &m.server("a").unwrap().queues["postfix"];
    assert_eq!(q.expire_by(t(11 * HOUR)), Some(40), "held mail does not expire");
    m.apply(&event(30, queue("a"), listed(hours, 5, Some("3 lines skipped"))));
    assert_eq!(local(&m, 30).unwrap().partial, Some("3 lines skipped".into()));
    m.apply(&event(40, queue("a"), listed(vec![], 0, None)));
    assert_eq!(
        local(&m, 40),
        None,
        "a listing of a version that did not tell arrivals by the hour"
    );
}
