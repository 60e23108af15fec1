//! Messages, one after the other, to what a queue holds: counts, bytes, ages, destinations, reasons, senders. Memory is
//! bounded but for one small entry a message, which tells a message that is listed twice while it moves between queues.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, RandomState};

use jiff::Timestamp;

use super::message::{Message, Recipients};
use super::top::{AsIs, Top, Weight};
use crate::domain::queue::{Ages, Depth, Destination, Listing, Reason, Sender, age_column};
use crate::domain::reason::mask_into;
use crate::domain::{Span, Text};

/// How many destinations, reasons and senders a listing shows unless told otherwise.
pub const TOP: usize = 50;

/// The destination that stands for recipients without a domain.
pub const NO_DOMAIN: &str = "(none)";

/// The row that sums what had to be dropped because there were too many different ones.
pub const DROPPED: &str = "(others, not told apart)";

const MAX_DOMAINS: usize = 28_000;
const MAX_SENDERS: usize = 28_000;
const MAX_REASONS: usize = 4_096;
const MAX_QUEUES: usize = 32;

/// Bytes that are looked at, of each. A domain has at most 255 (RFC 1035 2.3.4), an address 254 and its brackets (RFC 5321 4.5.3.1).
const DOMAIN_BYTES: usize = 255;
const SENDER_BYTES: usize = 320;
const REASON_BYTES: usize = 2_048;

/// Folds messages into counts.
#[derive(Debug)]
pub struct Tally {
    now: Timestamp,
    /// Queue IDs by a keyed 64-bit hash, with the index of the queue that each was last seen in. Among a million messages
    /// the odds that any two fall together are 1 in 37 million, and nobody outside can choose which.
    seen: HashMap<u64, u8, BuildHasherDefault<AsIs>>,
    hash: RandomState,
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
    /// Nothing counted yet. Ages are told at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            seen: HashMap::default(),
            hash: RandomState::new(),
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
        let id = self.hash.hash_one(&*message.id);
        if let Some(before) = self.seen.insert(id, queue as u8) {
            self.queues[usize::from(before)].1 -= 1;
            self.queues[queue].1 += 1;
            return;
        }
        self.queues[queue].1 += 1;
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(message.size);
        self.oldest = Some(self.oldest.map_or(message.arrival, |o| o.min(message.arrival)));
        let column = age_column(Span::between(message.arrival, self.now));
        self.ages[column] += 1;
        let sender = match &*message.sender {
            "" | "MAILER-DAEMON" => "<>",
            s => head(s, SENDER_BYTES),
        };
        self.senders.count(sender, self.messages, column);
        for (domain, reason) in recipients.iter() {
            let domain = lowered(head(domain, DOMAIN_BYTES), &mut self.lower);
            self.destinations.count(domain, self.messages, column);
            if !reason.is_empty() {
                let reason = self.masks.of(head(reason, REASON_BYTES), &self.hash);
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
}

/// At most `max` bytes from the start, whole characters.
fn head(s: &str, max: usize) -> &str {
    let mut end = max.min(s.len());
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    &s[..end]
}

fn lowered<'a>(domain: &'a str, buffer: &'a mut String) -> &'a str {
    if domain.is_empty() {
        NO_DOMAIN
    } else if domain.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        buffer.clear();
        buffer.extend(domain.chars().flat_map(char::to_lowercase));
        buffer
    } else {
        domain
    }
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
                self.last.clear();
                mask_into(raw, &mut self.last);
                if full {
                    &self.last
                } else {
                    new.insert(self.last.as_str().into())
                }
            }
        }
    }
}
