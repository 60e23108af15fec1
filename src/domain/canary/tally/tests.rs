use super::super::{Arrival, Lost, Sent, Stray};
use super::*;
use proptest::prelude::*;

const LATE: Span = Span::from_secs(10);

fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}
fn run(n: u32) -> Run {
    Run::new(t(i64::from(n)), n)
}
fn place(uid: u32) -> Place {
    Place { validity: 1, uid }
}
fn sent(seq: u64, at: i64) -> (Fact, Timestamp) {
    let fact = Sent {
        run: run(1),
        seq,
        accepted: Some(Span::from_millis(20)),
        queue_id: Some(format!("Q{seq}").into()),
        said: "250 2.0.0 Ok".into(),
    };
    (Fact::CanarySent(fact), t(at))
}
fn came_as(seq: u64, sent: i64, at: i64, uid: u32, state: State) -> (Fact, Timestamp) {
    let fact = Arrival {
        run: run(1),
        seq,
        sent: t(sent),
        round_trip: Span::from_secs(at - sent),
        queued: None,
        place: place(uid),
        state,
    };
    (Fact::CanaryArrived(fact), t(at))
}
fn came(seq: u64, sent: i64, at: i64, uid: u32) -> (Fact, Timestamp) {
    came_as(seq, sent, at, uid, State::Whole)
}
fn lost(seq: u64, sent: i64, at: i64) -> (Fact, Timestamp) {
    let fact = Lost {
        run: run(1),
        seq,
        sent: t(sent),
        queue_id: None,
        evidence: Evidence::NotInQueue { listed: t(at) },
    };
    (Fact::CanaryLost(fact), t(at))
}
fn stray(why: StrayWhy, uid: u32) -> (Fact, Timestamp) {
    let fact = Stray {
        run: run(1),
        why,
        place: place(uid),
    };
    (Fact::CanaryStray(fact), t(0))
}
fn folded(facts: &[(Fact, Timestamp)]) -> Tally {
    let mut tally = Tally::default();
    for (fact, at) in facts {
        tally.take(fact, *at);
    }
    tally
}

#[test]
fn a_letter_waits_then_is_late_and_comes_late_or_is_lost_by_name() {
    let mut facts = vec![sent(1, 0), sent(2, 1), sent(3, 2), came(1, 0, 1, 10)];
    let at = |facts: &[_], s| folded(facts).counts(LATE, t(s));
    let c = at(&facts, 5);
    assert_eq!((c.sent, c.arrived, c.waiting, c.late), (3, 1, 2, 0));
    let c = at(&facts, 12);
    assert_eq!(
        (c.waiting, c.late, c.overdue),
        (1, 1, 1),
        "2 is eleven seconds old, 3 is ten"
    );
    facts.extend([came(2, 1, 20, 11), lost(3, 2, 90)]);
    let c = at(&facts, 100);
    assert_eq!((c.arrived, c.late, c.overdue, c.waiting), (2, 1, 0, 0));
    assert_eq!((c.lost.as_slice(), c.lost_names().as_str()), (&[3][..], "#3"));
    // It comes all the same: it was not lost.
    facts.push(came(3, 2, 95, 12));
    let c = at(&facts, 100);
    assert_eq!((c.arrived, c.late, c.lost.len()), (3, 2, 0));
}

#[test]
fn a_second_copy_is_a_duplicate_and_the_same_copy_told_twice_is_none() {
    let facts = [sent(1, 0), came(1, 0, 1, 10), came(1, 0, 1, 10), came(1, 0, 3, 14)];
    let c = folded(&facts).counts(LATE, t(5));
    assert_eq!((c.arrived, c.duplicated), (1, 1));
}

#[test]
fn what_lies_behind_a_later_letter_is_reordered() {
    let in_order = [came(1, 0, 5, 10), came(2, 1, 5, 11), came(3, 2, 5, 12)];
    assert_eq!(folded(&in_order).counts(LATE, t(5)).reordered, 0);
    let facts = [
        came(3, 2, 5, 10),
        came(1, 0, 5, 11),
        came(2, 1, 5, 12),
        came(4, 3, 5, 13),
    ];
    assert_eq!(folded(&facts).counts(LATE, t(5)).reordered, 2);
}

#[test]
fn altered_forged_and_old_ones_are_counted_apart() {
    let facts = [
        sent(1, 0),
        came_as(1, 0, 1, 10, State::Altered),
        stray(StrayWhy::Forged, 11),
        stray(StrayWhy::Forged, 11),
        stray(StrayWhy::OtherRun, 12),
    ];
    let c = folded(&facts).counts(LATE, t(5));
    assert_eq!((c.arrived, c.altered, c.forged, c.ignored), (1, 1, 1, 1));
}

#[test]
fn a_letter_that_got_no_answer_is_not_called_lost_and_one_of_an_ended_run_is_nobody_s() {
    let unanswered = Sent {
        accepted: None,
        run: run(1),
        seq: 1,
        queue_id: None,
        said: "no answer".into(),
    };
    let mut facts = vec![(Fact::CanarySent(unanswered), t(0)), sent(2, 0)];
    let c = folded(&facts).counts(LATE, t(500));
    assert_eq!((c.unsure, c.overdue), (1, 1));
    assert_eq!(folded(&facts).outstanding(), BTreeSet::from([2]));
    facts.push(came(1, 0, 1, 9));
    assert_eq!(folded(&facts).counts(LATE, t(500)).unsure, 0);
    // A run begins anew: what the old one left on its way is watched by nobody.
    let (Fact::CanarySent(mut s), at) = sent(1, 600) else {
        unreachable!()
    };
    s.run = run(2);
    facts.push((Fact::CanarySent(s), at));
    let c = folded(&facts).counts(LATE, t(601));
    assert_eq!((c.unwatched, c.overdue, c.waiting), (1, 0, 1));
}

#[test]
fn quantiles_are_values_that_were_measured() {
    let trips: Vec<Span> = (1..=10).map(Span::from_secs).collect();
    assert_eq!(quantile(&trips, 500), Some(Span::from_secs(5)));
    assert_eq!(quantile(&trips, 900), Some(Span::from_secs(9)));
    assert_eq!(quantile(&trips, 1_000), Some(Span::from_secs(10)));
    assert_eq!(quantile(&trips[..1], 500), Some(Span::from_secs(1)));
    assert_eq!(quantile(&[], 500), None);
}

#[test]
fn the_oldest_letters_go_when_there_are_too_many() {
    let facts: Vec<_> = (0..KEEP as u64 + 10).map(|n| sent(n, 0)).collect();
    let tally = folded(&facts);
    assert_eq!(tally.counts(LATE, t(1)).sent, KEEP as u64);
    assert_eq!(
        (tally.letters().next().unwrap().0, tally.last_seq()),
        (10, Some(KEEP as u64 + 9))
    );
}

/// What may happen to one letter.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives,
    Late,
    Twice,
    Altered,
    Lost,
    FoundAfterAll,
    Waits,
}

fn facts_of(seq: u64, fate: Fate) -> Vec<(Fact, Timestamp)> {
    let s = seq as i64;
    let uid = 10 * seq as u32;
    let mut facts = vec![sent(seq, s)];
    match fate {
        Fate::Arrives => facts.push(came(seq, s, s + 1, uid)),
        Fate::Late => facts.push(came(seq, s, s + 30, uid)),
        Fate::Twice => facts.extend([came(seq, s, s + 1, uid), came(seq, s, s + 2, uid + 1)]),
        Fate::Altered => facts.push(came_as(seq, s, s + 1, uid, State::Altered)),
        Fate::Lost => facts.push(lost(seq, s, s + 60)),
        Fate::FoundAfterAll => facts.extend([lost(seq, s, s + 60), came(seq, s, s + 61, uid)]),
        Fate::Waits => {}
    }
    facts
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    use Fate::*;
    let one = prop::sample::select(vec![Arrives, Late, Twice, Altered, Lost, FoundAfterAll, Waits]);
    prop::collection::vec(one, 1..40)
}

proptest! {
    #[test]
    fn any_order_of_the_facts_and_any_repetition_give_the_same_counts(
        fates in fates(), order in prop::collection::vec(any::<u32>(), 120), again in 0usize..20,
    ) {
        let mut facts: Vec<_> = (1..).zip(&fates).flat_map(|(seq, f)| facts_of(seq, *f)).collect();
        let (straight, now) = (folded(&facts), t(1_000));
        let mut keys = order.into_iter().cycle();
        facts.sort_by_cached_key(|_| keys.next());
        facts.extend(facts.iter().take(again).cloned().collect::<Vec<_>>());
        let shuffled = folded(&facts);
        prop_assert_eq!(straight.counts(LATE, now), shuffled.counts(LATE, now));
        prop_assert_eq!(straight.round_trips(t(0)), shuffled.round_trips(t(0)));
        prop_assert_eq!(straight.outstanding(), shuffled.outstanding());
    }

    #[test]
    fn every_letter_is_counted_once_and_as_what_it_is(fates in fates()) {
        let facts: Vec<_> = (1..).zip(&fates).flat_map(|(seq, f)| facts_of(seq, *f)).collect();
        let c = folded(&facts).counts(LATE, t(1_000));
        let of = |wanted: fn(&Fate) -> bool| fates.iter().filter(|f| wanted(f)).count() as u64;
        prop_assert_eq!(c.sent, fates.len() as u64);
        prop_assert_eq!(c.arrived + c.waiting + c.overdue + c.lost.len() as u64 + c.unsure + c.unwatched, c.sent);
        prop_assert_eq!(c.lost.len() as u64, of(|f| matches!(f, Fate::Lost)));
        prop_assert_eq!(c.overdue, of(|f| matches!(f, Fate::Waits)));
        prop_assert_eq!(c.late, of(|f| matches!(f, Fate::Waits | Fate::Late | Fate::FoundAfterAll)));
        prop_assert_eq!(c.duplicated, of(|f| matches!(f, Fate::Twice)));
        prop_assert_eq!(c.altered, of(|f| matches!(f, Fate::Altered)));
    }
}
