//! The most frequent keys of a stream, in bounded memory. Exact as long as there are no more different keys than the
//! limit. Beyond it the rarest half is dropped each time the table is full: a key that makes up more than a small share stays,
//! its count is then a lower bound, and what was dropped is summed and said.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use crate::domain::queue::Ages;

/// What is counted for a key.
pub trait Weight: Default {
    /// One more message, of the age of this column.
    fn add(&mut self, column: usize);
    /// All that the other one counted.
    fn merge(&mut self, other: &Self);
    /// How many messages.
    fn messages(&self) -> u64;
}

impl Weight for u64 {
    fn add(&mut self, _column: usize) {
        *self += 1;
    }
    fn merge(&mut self, other: &Self) {
        *self += other;
    }
    fn messages(&self) -> u64 {
        *self
    }
}

impl Weight for Ages {
    fn add(&mut self, column: usize) {
        self[column] += 1;
    }
    fn merge(&mut self, other: &Self) {
        self.iter_mut().zip(other).for_each(|(a, b)| *a += b);
    }
    fn messages(&self) -> u64 {
        self.iter().sum()
    }
}

#[derive(Debug)]
struct Slot<W> {
    key: Box<str>,
    weight: W,
    /// The last message that was counted here.
    message: u64,
}

/// Counts messages by key.
#[derive(Debug)]
pub struct Top<W> {
    /// By the key's hash, which is keyed and not to be chosen from outside: each key is hashed once, and never compared.
    slots: HashMap<u64, Slot<W>, BuildHasherDefault<AsIs>>,
    hash: RandomState,
    limit: usize,
    dropped: W,
    distinct: Option<Distinct>,
}

impl<W: Weight> Top<W> {
    /// With room for `limit` different keys.
    pub fn new(limit: usize) -> Self {
        Self {
            slots: HashMap::default(),
            hash: RandomState::new(),
            limit: limit.max(2),
            dropped: W::default(),
            distinct: None,
        }
    }

    /// Counts the message numbered `message` (from 1 on) for a key: once, however often it is said.
    pub fn count(&mut self, key: &str, message: u64, column: usize) {
        let hash = self.hash.hash_one(key);
        if let Some(slot) = self.slots.get_mut(&hash) {
            if slot.message != message {
                slot.message = message;
                slot.weight.add(column);
            }
            return;
        }
        if self.slots.len() >= self.limit {
            self.drop_rarest();
        }
        if let Some(d) = &mut self.distinct {
            d.insert(hash);
        }
        let mut weight = W::default();
        weight.add(column);
        let key = key.into();
        self.slots.insert(hash, Slot { key, weight, message });
    }

    fn drop_rarest(&mut self) {
        if self.distinct.is_none() {
            let mut seen = Distinct::default();
            self.slots.keys().for_each(|hash| seen.insert(*hash));
            self.distinct = Some(seen);
        }
        let mut counts: Vec<u64> = self.slots.values().map(|s| s.weight.messages()).collect();
        let half = counts.len() / 2;
        let (_, median, _) = counts.select_nth_unstable(half);
        let median = *median;
        let dropped = &mut self.dropped;
        self.slots.retain(|_, s| {
            let stays = s.weight.messages() > median;
            if !stays {
                dropped.merge(&s.weight);
            }
            stays
        });
    }

    /// The `n` most frequent, most first, equal ones by name.
    pub fn largest(&self, n: usize) -> Vec<(&str, &W)> {
        let mut all: Vec<(&str, &W)> = self.slots.values().map(|s| (&*s.key, &s.weight)).collect();
        all.sort_unstable_by(|a, b| b.1.messages().cmp(&a.1.messages()).then_with(|| a.0.cmp(b.0)));
        all.truncate(n);
        all
    }

    /// What was counted for keys that had to be dropped; `None` while every count is exact.
    pub fn dropped(&self) -> Option<&W> {
        self.distinct.as_ref().map(|_| &self.dropped)
    }

    /// How many different keys there were: exact up to the limit, beyond it an estimate (to about 1%).
    pub fn distinct(&self) -> u64 {
        let kept = self.slots.len() as u64;
        self.distinct.as_ref().map_or(kept, |d| d.estimate().max(kept))
    }
}

/// Counts different keys by linear counting (Whang, 1990): each key sets one bit of many.
#[derive(Debug)]
struct Distinct {
    bits: Vec<u64>,
}

impl Default for Distinct {
    fn default() -> Self {
        Self {
            bits: vec![0; Self::BITS / 64],
        }
    }
}

impl Distinct {
    const BITS: usize = 1 << 20;

    fn insert(&mut self, hash: u64) {
        let bit = hash as usize % Self::BITS;
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    fn estimate(&self) -> u64 {
        let unset: u32 = self.bits.iter().map(|b| b.count_zeros()).sum();
        let all = Self::BITS as f64;
        (all * (all / f64::from(unset.max(1))).ln()).round() as u64
    }
}

/// For keys that are hashes already.
#[derive(Debug, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*b);
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_once_for_a_key_however_often_it_is_said() {
        let mut t = Top::<Ages>::new(10);
        for (key, message) in [("a", 1), ("b", 1), ("a", 1), ("a", 2)] {
            t.count(key, message, 3);
        }
        let got: Vec<_> = t.largest(5).into_iter().map(|(k, w)| (k, w.messages(), w[3])).collect();
        assert_eq!(got, [("a", 2, 2), ("b", 1, 1)]);
        assert_eq!((t.distinct(), t.dropped()), (2, None));
    }

    #[test]
    fn a_flood_of_different_keys_stays_in_bounds_and_does_not_hide_a_frequent_one() {
        let mut t = Top::<u64>::new(1_000);
        for i in 0..200_000u64 {
            t.count(&format!("flood{i}.test"), i + 1, 0);
            if i > 100_000 && i % 50 == 0 {
                t.count("late.test", i + 1, 0);
            }
            assert!(t.slots.len() <= 1_000);
        }
        let (first, n) = t.largest(1)[0];
        assert_eq!(first, "late.test");
        assert!((1_900..=2_000).contains(n), "{n}");
        assert!((196_000..=204_000).contains(&t.distinct()), "{}", t.distinct());
        let kept: u64 = t.slots.values().map(|s| s.weight).sum();
        assert_eq!(kept + t.dropped().unwrap(), 200_000 + 1_999);
    }

    #[test]
    fn equal_counts_are_ordered_by_name() {
        let mut t = Top::<u64>::new(10);
        for (i, k) in ["c", "a", "b"].iter().enumerate() {
            t.count(k, i as u64 + 1, 0);
        }
        assert_eq!(t.largest(2).iter().map(|x| x.0).collect::<Vec<_>>(), ["a", "b"]);
    }
}
