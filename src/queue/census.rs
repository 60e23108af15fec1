//! Message identities between listings: who came, who left, who was put on hold or released. Pure. Kept of the last
//! complete listing, 16 bytes a message: a keyed hash of queue ID and arrival (an ID may be used again, postqueue(1)), the
//! kind of queue, and what tells whether the message reached the end of its lifetime.
//!
//! What it cannot know, and what it does then:
//! - A partial listing says nothing of who left. It gives no flow, and the last complete listing stays the one to compare with.
//! - A listing is a sample: a message that moves while it is made may be missed. It counts as gone, and when the very next
//!   listing has it again, that exit is taken back there instead of an arrival being counted. So net counts are right
//!   at each listing, and the totals are right one listing later.
//! - Mail out of `maildrop` gets a new ID when it is picked up: as many arrivals as left the maildrop are the same mail.
//! - A held message that is gone was deleted, or released and worked off since the last listing. It counts as removed: held
//!   mail lies still, mostly goes by an operator's hand, and what was deleted must not look as a drain does.
//! - What came and went between two listings is not seen. Why mail left is not seen either, but for its lifetime.
//! - When the clock was put back between two listings, or stood still, there is no flow, and it starts afresh.

use std::hash::RandomState;

use jiff::Timestamp;

use super::reader::{ListingReader, Read};
use crate::domain::Span;
use crate::domain::flow::{FlowCounts, FlowSeen, FlowSource};
use crate::domain::horizon::QueueRules;

/// The kind of queue that a message is in, as far as what may become of it goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// One that is worked off.
    Moving,
    /// Held by an operator.
    Hold,
    /// Not picked up yet: it will come under another ID.
    Maildrop,
}

impl Place {
    /// Of the queue with this name.
    pub fn of(queue: &str) -> Self {
        match queue {
            "hold" => Self::Hold,
            "maildrop" => Self::Maildrop,
            _ => Self::Moving,
        }
    }
}

/// A message of a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Life {
    /// The hash of its queue ID and arrival.
    pub identity: u64,
    /// Its arrival, in seconds of Unix time.
    pub arrival: u32,
    /// Where it is.
    pub place: Place,
    /// Whether it has no sender, and so the lifetime of a bounce.
    pub bounce: bool,
    /// Whether an operator expired it.
    pub forced: bool,
}

impl Life {
    /// Whether, if it is gone by `at`, that is because it waited too long. Where a message is tried only once (a lifetime of
    /// nothing), that cannot be told from a delivery.
    fn expired_by(&self, at: Timestamp, rules: Option<&QueueRules>) -> bool {
        if self.place != Place::Moving {
            return false;
        }
        let lifetime = rules.map_or(Span::ZERO, |r| if self.bounce { r.bounce_lifetime } else { r.lifetime });
        let end = i64::from(self.arrival).saturating_add(lifetime.secs());
        self.forced || (lifetime > Span::ZERO && end <= at.as_second())
    }
}

/// Who is in a queue, from one listing to the next.
#[derive(Debug, Default)]
pub struct Census {
    /// How the mail system treats mail that waits: without it, only mail that an operator expired counts as expired.
    pub rules: Option<QueueRules>,
    key: RandomState,
    last: Option<Last>,
}

/// The last complete listing.
#[derive(Debug)]
struct Last {
    at: Timestamp,
    /// By identity.
    there: Vec<Life>,
    left: Left,
}

/// Who was missing in the last listing, by identity, and what that counted as.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left {
    unexplained: Vec<u64>,
    expired: Vec<u64>,
}

impl Census {
    /// A reader of the next listing of this queue. Ages are told at `now`.
    pub fn reader(&self, now: Timestamp) -> ListingReader {
        ListingReader::keyed(now, self.key.clone())
    }

    /// Takes a complete listing, read by [`Census::reader`] and ended at `at`: what happened since the one before. A listing
    /// of which lines were skipped is not complete and changes nothing; one that was cut short must not be handed in.
    pub fn listed(&mut self, read: Read, at: Timestamp) -> Option<FlowSeen> {
        if read.lines.skipped() > 0 {
            return None;
        }
        let mut there = read.tally.into_lives();
        there.sort_unstable_by_key(|l| l.identity);
        let before = self.last.take().filter(|l| l.at < at);
        let (flow, left) = match &before {
            Some(last) => {
                let (counts, left) = between(&last.there, &last.left, &there, |l| {
                    l.expired_by(at, self.rules.as_ref())
                });
                (Some(seen(last.at, counts)), left)
            }
            None => (None, Left::default()),
        };
        self.last = Some(Last { at, there, left });
        flow
    }
}

/// The listing itself has been paid for in its snapshot.
fn seen(from: Timestamp, counts: FlowCounts) -> FlowSeen {
    FlowSeen {
        source: FlowSource::Listings,
        from,
        counts,
        partial: None,
        behind: 0,
        log_age: None,
        took: Span::ZERO,
        cpu: None,
    }
}

/// What happened between two listings, both by identity, and who left.
fn between(before: &[Life], gone_before: &Left, after: &[Life], expired: impl Fn(&Life) -> bool) -> (FlowCounts, Left) {
    let mut flow = FlowCounts::default();
    let mut left = Left::default();
    let (mut from_maildrop, mut back, mut back_expired) = (0u64, 0u64, 0u64);
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let (was, is) = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(o), Some(n)) if o.identity == n.identity => (old.next(), new.next()),
            (Some(o), n) if n.is_none_or(|n| o.identity < n.identity) => (old.next(), None),
            _ => (None, new.next()),
        };
        let held = |l: Option<&Life>| l.is_some_and(|l| l.place == Place::Hold);
        flow.held += u64::from(held(is) && !held(was));
        flow.released += u64::from(held(was) && is.is_some() && !held(is));
        match (was, is) {
            (Some(l), None) if l.place == Place::Maildrop => from_maildrop += 1,
            (Some(l), None) if l.place == Place::Hold => flow.removed += 1,
            (Some(l), None) if expired(l) => left.expired.push(l.identity),
            (Some(l), None) => left.unexplained.push(l.identity),
            (None, Some(l)) if gone_before.unexplained.binary_search(&l.identity).is_ok() => back += 1,
            (None, Some(l)) if gone_before.expired.binary_search(&l.identity).is_ok() => back_expired += 1,
            (None, Some(_)) => flow.arrived += 1,
            _ => {}
        }
    }
    let picked_up = from_maildrop.min(flow.arrived);
    flow.arrived -= picked_up;
    flow.unexplained = left.unexplained.len() as u64 + from_maildrop - picked_up;
    flow.expired = left.expired.len() as u64;
    // Who is back had not left: exits are taken back, and where there are too few of them, arrivals make up the rest.
    for (exits, back) in [(&mut flow.unexplained, back), (&mut flow.expired, back_expired)] {
        let taken_back = back.min(*exits);
        *exits -= taken_back;
        flow.arrived += back - taken_back;
    }
    (flow, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const START: i64 = 1_795_442_400;
    const DAY: i64 = 86_400;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(START + s).unwrap()
    }

    struct Mail(&'static str, &'static str, i64, &'static str);

    fn lines(mails: &[Mail]) -> String {
        (mails.iter())
            .map(|Mail(queue, id, arrival, sender)| {
                let forced = *sender == "forced@x";
                serde_json::json!({"queue_name": queue, "queue_id": id, "arrival_time": START + arrival, "message_size": 1,
                    "forced_expire": forced, "sender": sender, "recipients": []})
                .to_string()
                    + "\n"
            })
            .collect()
    }

    fn rules(lifetime: Span, bounce_lifetime: Span) -> QueueRules {
        QueueRules {
            lifetime,
            bounce_lifetime,
            retry: None,
            delay_notice: None,
        }
    }

    fn list(census: &mut Census, mails: &[Mail], s: i64) -> Option<FlowSeen> {
        list_text(census, &lines(mails), s)
    }

    fn list_text(census: &mut Census, text: &str, s: i64) -> Option<FlowSeen> {
        let mut r = census.reader(at(s));
        r.push(text.as_bytes());
        census.listed(r.finish(), at(s))
    }

    /// What the listings at 0, 60, 120 … seconds say.
    fn counts(census: &mut Census, listings: &[&[Mail]]) -> Vec<FlowCounts> {
        (listings.iter().enumerate())
            .filter_map(|(n, l)| list(census, l, n as i64 * 60))
            .map(|f| f.counts)
            .collect()
    }

    fn flow(arrived: u64, unexplained: u64) -> FlowCounts {
        FlowCounts {
            arrived,
            unexplained,
            ..FlowCounts::default()
        }
    }

    #[test]
    fn who_came_and_who_left_between_two_listings_is_told_since_the_earlier_one() {
        let mut c = Census::default();
        let first = list(
            &mut c,
            &[Mail("active", "A", 0, "a@x"), Mail("deferred", "B", 0, "a@x")],
            10,
        );
        assert_eq!(first, None, "there is nothing to compare with");
        let f = list(
            &mut c,
            &[
                Mail("deferred", "B", 0, "a@x"),
                Mail("incoming", "C", 20, "a@x"),
                Mail("active", "D", 21, ""),
            ],
            70,
        )
        .unwrap();
        assert_eq!((f.source, f.from, f.counts), (FlowSource::Listings, at(10), flow(2, 1)));
        assert_eq!(f.partial, None);
    }

    #[test]
    fn an_id_that_is_used_again_is_another_message() {
        let mut c = Census::default();
        let got = counts(
            &mut c,
            &[
                &[Mail("deferred", "A", 0, "a@x")],
                &[Mail("deferred", "A", 30, "a@x")],
                &[Mail("active", "A", 30, "a@x")],
            ],
        );
        assert_eq!(got, [flow(1, 1), flow(0, 0)]);
    }

    #[test]
    fn moves_to_and_from_hold_are_neither_arrivals_nor_exits() {
        let mut c = Census::default();
        let got = counts(
            &mut c,
            &[
                &[Mail("deferred", "A", 0, "a@x"), Mail("hold", "B", 0, "a@x")],
                &[
                    Mail("hold", "A", 0, "a@x"),
                    Mail("active", "B", 0, "a@x"),
                    Mail("hold", "C", 50, "a@x"),
                ],
                &[],
            ],
        );
        let (one, two) = (got[0], got[1]);
        assert_eq!((one.held, one.released, one.arrived, one.exits()), (2, 1, 1, 0));
        assert_eq!((two.held, two.released, two.arrived, two.exits()), (0, 0, 0, 1));
        assert_eq!(
            two.removed, 2,
            "who was held and is gone was removed, as far as one can tell"
        );
    }

    #[test]
    fn who_is_gone_past_its_lifetime_expired_unless_it_was_held_and_a_bounce_has_its_own_lifetime() {
        let mut c = Census {
            rules: Some(rules(Span::from_hours(48), Span::from_hours(24))),
            ..Census::default()
        };
        let old = [
            Mail("deferred", "A", -2 * DAY + 60, "a@x"),
            Mail("deferred", "B", -2 * DAY + 61, "a@x"),
            Mail("deferred", "C", -DAY, "MAILER-DAEMON"),
            Mail("active", "D", -DAY, ""),
            Mail("hold", "E", -9 * DAY, "a@x"),
            Mail("deferred", "F", 0, "forced@x"),
        ];
        let got = counts(&mut c, &[&old, &[]]);
        let want = FlowCounts {
            expired: 4,
            unexplained: 1,
            removed: 1,
            ..FlowCounts::default()
        };
        assert_eq!(
            got,
            [want],
            "A, C, D and F expired; B had a second left, and E was held"
        );
    }

    #[test]
    fn without_rules_or_with_a_single_try_nothing_is_called_expired() {
        for r in [None, Some(rules(Span::ZERO, Span::ZERO))] {
            let mut c = Census {
                rules: r,
                ..Census::default()
            };
            let got = counts(&mut c, &[&[Mail("deferred", "A", -99 * DAY, "a@x")], &[]]);
            assert_eq!(got, [flow(0, 1)]);
        }
    }

    #[test]
    fn a_listing_with_skipped_lines_gives_no_flow_and_is_not_compared_with() {
        let mut c = Census::default();
        let all = [Mail("deferred", "A", 0, "a@x"), Mail("deferred", "B", 0, "a@x")];
        list(&mut c, &all, 0);
        let text = lines(&all);
        assert_eq!(list_text(&mut c, &text[..text.len() - 20], 60), None);
        let f = list(&mut c, &all[..1], 120).unwrap();
        assert_eq!((f.from, f.counts), (at(0), flow(0, 1)));
    }

    #[test]
    fn a_message_missed_once_is_an_exit_that_the_next_listing_takes_back() {
        let m = |id| Mail("deferred", id, 0, "a@x");
        let mut c = Census::default();
        // B is missed in the second listing; A leaves in the third.
        let got = counts(&mut c, &[&[m("A"), m("B")], &[m("A")], &[m("B")], &[m("B")]]);
        assert_eq!(got, [flow(0, 1), flow(0, 0), flow(0, 0)]);
        // Where nobody leaves, the exit cannot be taken back from anyone: it comes as an arrival, and the net is right.
        let mut c = Census::default();
        let got = counts(&mut c, &[&[m("A"), m("B")], &[m("A")], &[m("A"), m("B")], &[m("A")]]);
        assert_eq!(got, [flow(0, 1), flow(1, 0), flow(0, 1)]);
    }

    #[test]
    fn mail_that_is_picked_up_from_the_maildrop_under_a_new_id_is_no_exit_and_no_arrival() {
        let mut c = Census::default();
        let got = counts(
            &mut c,
            &[
                &[Mail("maildrop", "M1", 0, "a@x"), Mail("maildrop", "M2", 0, "a@x")],
                &[Mail("active", "A", 0, "a@x"), Mail("maildrop", "M2", 0, "a@x")],
                &[Mail("active", "A", 0, "a@x")],
            ],
        );
        assert_eq!(got, [flow(0, 0), flow(0, 1)]);
    }

    #[test]
    fn a_clock_that_was_put_back_or_stood_still_starts_afresh() {
        let mut c = Census::default();
        let m = |id| [Mail("deferred", id, 0, "a@x")];
        list(&mut c, &m("A"), 100);
        assert_eq!(list(&mut c, &m("B"), 100), None);
        assert_eq!(list(&mut c, &m("C"), 40), None);
        let f = list(&mut c, &m("D"), 60).unwrap();
        assert_eq!((f.from, f.counts), (at(40), flow(1, 1)));
    }

    fn place() -> impl Strategy<Value = Place> {
        prop_oneof![Just(Place::Moving), Just(Place::Hold), Just(Place::Maildrop)]
    }

    /// A listing: some of a few messages, so that listings overlap.
    fn some_listing() -> impl Strategy<Value = Vec<Life>> {
        prop::collection::btree_map(0u64..40, (place(), any::<bool>(), any::<bool>()), 0..40).prop_map(|all| {
            let life = |(identity, (place, bounce, forced))| Life {
                identity,
                arrival: 0,
                place,
                bounce,
                forced,
            };
            all.into_iter().map(life).collect()
        })
    }

    fn not_held(l: &[Life]) -> i64 {
        l.iter().filter(|l| l.place != Place::Hold).count() as i64
    }

    proptest! {
        #[test]
        fn arrivals_less_exits_are_the_change_in_depth_held_or_not(listings in prop::collection::vec(some_listing(), 2..6)) {
            let mut left = Left::default();
            for pair in listings.windows(2) {
                let (flow, gone) = between(&pair[0], &left, &pair[1], |l| l.forced);
                left = gone;
                prop_assert_eq!(flow.net(), pair[1].len() as i64 - pair[0].len() as i64);
                // What was removed went from hold.
                let moved = flow.released as i64 - flow.held as i64 + flow.removed as i64;
                prop_assert_eq!(flow.net() + moved, not_held(&pair[1]) - not_held(&pair[0]));
                prop_assert!(left.unexplained.is_sorted() && left.expired.is_sorted());
            }
        }

        #[test]
        fn a_queue_that_stands_still_has_no_flow(listing in some_listing()) {
            prop_assert_eq!(between(&listing, &Left::default(), &listing, |_| true), Default::default());
        }

        #[test]
        fn chunking_does_not_change_the_flow(ids in prop::collection::vec((0u8..20, 0u8..20), 1..20), size in 1usize..90) {
            let text = |pick: fn(&(u8, u8)) -> u8| -> String {
                let ids: BTreeSet<u8> = ids.iter().map(pick).collect();
                ids.iter().map(|id| lines(&[Mail("deferred", "A", i64::from(*id), "a@x")])).collect()
            };
            let flow = |size: usize| {
                let mut c = Census::default();
                let mut last = None;
                for (n, text) in [text(|i| i.0), text(|i| i.1)].iter().enumerate() {
                    let now = at(n as i64);
                    let mut r = c.reader(now);
                    text.as_bytes().chunks(size).for_each(|chunk| r.push(chunk));
                    last = c.listed(r.finish(), now);
                }
                last.unwrap().counts
            };
            prop_assert_eq!(flow(size), flow(usize::MAX));
        }
    }
}
