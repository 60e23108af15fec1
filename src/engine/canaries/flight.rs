//! The letters of this run that are on their way, and what is known of each. Pure.

use std::collections::BTreeMap;

use crate::domain::{Span, Text, Timestamp};

/// A letter on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// When handing it in began.
    pub sent: Timestamp,
    /// How long it took to be accepted, once it was.
    pub accepted: Option<Span>,
    /// What the server calls it.
    pub queue_id: Option<Text>,
    /// How many listings of the server's queues, one after the other, did not know it, and when the last of them ended.
    unlisted: (u32, Timestamp),
}

impl Letter {
    /// When it was known to be in no queue: at the end of the second listing without it.
    pub fn unlisted(&self) -> Option<Timestamp> {
        let (times, at) = self.unlisted;
        (times >= 2).then_some(at)
    }
}

/// All of them, by number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flight(BTreeMap<u64, Letter>);

impl Flight {
    /// A letter is being handed in: it may come before its answer does.
    pub fn leaves(&mut self, seq: u64, sent: Timestamp) {
        let letter = Letter {
            sent,
            accepted: None,
            queue_id: None,
            unlisted: (0, sent),
        };
        self.0.insert(seq, letter);
    }
    /// It was taken.
    pub fn taken(&mut self, seq: u64, after: Span, queue_id: Option<Text>) {
        if let Some(letter) = self.0.get_mut(&seq) {
            (letter.accepted, letter.queue_id) = (Some(after), queue_id);
        }
    }
    /// It came, or will not come; what was known of it.
    pub fn ends(&mut self, seq: u64) -> Option<Letter> {
        self.0.remove(&seq)
    }
    /// Those that were taken and are older than `age` at `now`.
    pub fn older(&self, age: Span, now: Timestamp) -> Vec<(u64, Letter)> {
        let old = |l: &Letter| l.accepted.is_some() && Span::between(l.sent, now) > age;
        self.0
            .iter()
            .filter(|(_, l)| old(l))
            .map(|(n, l)| (*n, l.clone()))
            .collect()
    }
    /// A listing that ended at `at` did not know it.
    pub fn unlisted(&mut self, seq: u64, at: Timestamp) {
        if let Some(letter) = self.0.get_mut(&seq) {
            letter.unlisted = (letter.unlisted.0 + 1, at);
        }
    }
    /// It is in the queue after all: requeued mail gets about.
    pub fn listed(&mut self, seq: u64) {
        if let Some(letter) = self.0.get_mut(&seq) {
            letter.unlisted.0 = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + s).unwrap()
    }

    #[test]
    fn a_letter_is_in_no_queue_when_two_listings_one_after_the_other_do_not_know_it() {
        let mut f = Flight::default();
        f.leaves(1, t(0));
        assert_eq!(f.older(Span::ZERO, t(9)), [], "it was not taken yet");
        f.taken(1, Span::from_millis(20), Some("Q1".into()));
        let at = |f: &Flight| f.older(Span::ZERO, t(9))[0].1.unlisted();
        f.unlisted(1, t(3));
        assert_eq!(
            at(&f),
            None,
            "a message on its way from one queue to another may be missed"
        );
        f.listed(1);
        f.unlisted(1, t(4));
        assert_eq!(at(&f), None);
        f.unlisted(1, t(5));
        assert_eq!(at(&f), Some(t(5)));
        assert_eq!(f.older(Span::from_secs(9), t(9)), [], "not older than that");
        assert!(f.ends(1).is_some() && f.ends(1).is_none());
    }
}
