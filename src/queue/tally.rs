//! Messages, one after the other, to what a queue holds: counts, bytes, ages, destinations, reasons, senders. Memory is
//! bounded but for one small entry a message, which tells a message that is listed twice while it moves between queues.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, RandomState};

use jiff::Timestamp;

use super::census::{Life, Place};
use super::group::{self, head};
use super::hours::Hours;
use super::message::{Message, Recipients};
use super::top::{AsIs, Top, Weight};
use crate::domain::horizon::HourOfArrivals;
use crate::domain::queue::{Ages, Depth, Destination, Listing, Reason, Sender, age_column};
use crate::domain::{Span, Text};

/// How many destinations, reasons and senders a listing shows unless told otherwise.
pub const TOP: usize = 50;

pub use super::group::NO_DOMAIN;

/// The row that sums what had to be dropped because there were too many different ones.
pub const DROPPED: &str = "(others, not told apart)";

const MAX_DOMAINS: usize = 28_000;
const MAX_SENDERS: usize = 28_000;
const MAX_REASONS: usize = 4_096;
const MAX_QUEUES: usize = 32;

/// What is kept of a message that was listed, beside its identity: 8 bytes.
#[derive(Clone, Copy, Debug)]
struct Known {
    arrival: u32,
    /// The index of the queue that it was last seen in.
    queue: u8,
    bounce: bool,
    forced: bool,
}

/// Folds messages into counts.
#[derive(Debug)]
pub struct Tally {
    now: Timestamp,
    /// Messages by identity: a keyed 64-bit hash of queue ID and arrival, since an ID may be used again. Among a million messages
    /// the odds that any two fall together are 1 in 37 million, and nobody outside can choose which.
    seen: HashMap<u64, Known, BuildHasherDefault<AsIs>>,
    key: RandomState,
    queues: Vec<(Box<str>, u64)>,
    messages: u64,
    bytes: u64,
    oldest: Option<Timestamp>,
    ages: Ages,
    destinations: Top<Ages>,
    reasons: Top<u64>,
    senders: Top<u64>,
    masks: Masks,
    lower: String,
}

impl Tally {
    /// Nothing counted yet. Ages are told at `now`; identities are made with `key`.
    pub fn new(now: Timestamp, key: RandomState) -> Self {
        Self {
            now,
            seen: HashMap::default(),
            key,
            queues: Vec::new(),
            messages: 0,
            bytes: 0,
            oldest: None,
            ages: Ages::default(),
            destinations: Top::new(MAX_DOMAINS),
            reasons: Top::new(MAX_REASONS),
            senders: Top::new(MAX_SENDERS),
            masks: Masks::default(),
            lower: String::new(),
        }
    }

    /// How many different messages were counted.
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// Counts one message. One that was counted before only moves to the queue that it is in now.
    pub fn add(&mut self, message: &Message<'_>, recipients: &Recipients) {
        let queue = self.queue(&message.queue);
        let id = identity(&self.key, message);
        let bounce = group::is_bounce(&message.sender);
        let known = Known {
            arrival: seconds(message.arrival),
            queue: queue as u8,
            bounce,
            forced: message.forced_expire,
        };
        if let Some(before) = self.seen.insert(id, known) {
            self.queues[usize::from(before.queue)].1 -= 1;
            self.queues[queue].1 += 1;
            return;
        }
        self.queues[queue].1 += 1;
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(message.size);
        self.oldest = Some(self.oldest.map_or(message.arrival, |o| o.min(message.arrival)));
        let column = age_column(Span::between(message.arrival, self.now));
        self.ages[column] += 1;
        self.senders
            .count(group::sender(&message.sender), self.messages, column);
        for (domain, reason) in recipients.iter() {
            let domain = group::domain(domain, &mut self.lower);
            self.destinations.count(domain, self.messages, column);
            if !reason.is_empty() {
                let reason = self.masks.of(group::reason(reason), &self.key);
                self.reasons.count(reason, self.messages, column);
            }
        }
    }

    /// The index of a queue's name. Names beyond the bound share the last index.
    fn queue(&mut self, name: &str) -> usize {
        if let Some(at) = self.queues.iter().position(|(n, _)| **n == *name) {
            return at;
        }
        match self.queues.len() {
            n if n == MAX_QUEUES => MAX_QUEUES - 1,
            n => {
                let name = if n == MAX_QUEUES - 1 { DROPPED } else { head(name, 64) };
                self.queues.push((name.into(), 0));
                n
            }
        }
    }

    /// What was counted, with the `top` largest of each kind.
    pub fn result(&self, top: usize) -> (Depth, Listing) {
        let mut depth = Depth::default();
        let mut listing = Listing {
            bytes: self.bytes,
            oldest: self.oldest,
            ages: self.ages,
            destination_count: self.destinations.distinct(),
            hours: self.hours(),
            ..Listing::default()
        };
        for (name, count) in self.queues.iter().filter(|(_, count)| *count > 0) {
            *depth.slot(name) += count;
            *listing.by_queue.entry(Text::from(&**name)).or_default() += count;
        }
        let dropped = |n: Option<u64>| n.map(|n| (DROPPED, n));
        listing.destinations = (self.destinations.largest(top).into_iter())
            .chain(self.destinations.dropped().map(|d| (DROPPED, d)))
            .map(|(domain, ages)| Destination {
                domain: domain.into(),
                messages: ages.messages(),
                ages: *ages,
            })
            .collect();
        listing.reasons = (self.reasons.largest(top).into_iter().map(|(r, n)| (r, *n)))
            .chain(dropped(self.reasons.dropped().copied()))
            .map(|(reason, messages)| Reason {
                reason: reason.into(),
                messages,
            })
            .collect();
        listing.senders = (self.senders.largest(top).into_iter().map(|(s, n)| (s, *n)))
            .chain(dropped(self.senders.dropped().copied()))
            .map(|(sender, messages)| Sender {
                sender: sender.into(),
                messages,
            })
            .collect();
        (depth, listing)
    }

    /// Messages that are not held, by the hour of their arrival.
    fn hours(&self) -> Vec<HourOfArrivals> {
        let places = self.places();
        let mut hours = Hours::until(self.now);
        for known in self
            .seen
            .values()
            .filter(|k| places[usize::from(k.queue)] != Place::Hold)
        {
            hours.count(known.arrival, known.bounce);
        }
        hours.finish()
    }

    /// The kind of each queue, by its index.
    fn places(&self) -> Vec<Place> {
        self.queues.iter().map(|(name, _)| Place::of(name)).collect()
    }

    /// The identities of all messages, in no order.
    pub(super) fn into_lives(self) -> Vec<Life> {
        let places = self.places();
        let life = |(identity, known): (u64, Known)| Life {
            identity,
            arrival: known.arrival,
            place: places[usize::from(known.queue)],
            bounce: known.bounce,
            forced: known.forced,
        };
        self.seen.into_iter().map(life).collect()
    }
}

/// What tells a message from all others.
pub(super) fn identity(key: &RandomState, message: &Message<'_>) -> u64 {
    key.hash_one((&*message.id, message.arrival.as_second()))
}

/// Whole seconds of Unix time, held inside 1970 to 2106.
fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

/// Reasons already masked: most of a queue is deferred for few reasons, word for word. The first ones are kept, and
/// what comes after them is masked each time.
#[derive(Debug, Default)]
struct Masks {
    known: HashMap<u64, Box<str>, BuildHasherDefault<AsIs>>,
    last: String,
}

impl Masks {
    const MAX: usize = 4_096;

    fn of(&mut self, raw: &str, hash: &RandomState) -> &str {
        let full = self.known.len() >= Self::MAX;
        match self.known.entry(hash.hash_one(raw)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                group::masked(raw, &mut self.last);
                if full {
                    &self.last
                } else {
                    new.insert(self.last.as_str().into())
                }
            }
        }
    }
}
