//! One letter. Only what changes is stored; who wrote it, to whom, and how large it is follow from its number.

use super::dice::{Topic, roll, share};
use crate::demo::host::{Host, Role};

/// A letter in one queue. Times are seconds of the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Letter {
    /// Its number: the same on every host that it passes.
    pub id: u32,
    /// When it came into this queue.
    pub arrived: i64,
    /// The last try that failed, and how.
    pub failed: Option<(i64, Why)>,
    /// How many tries failed in this queue.
    pub tries: u16,
}

/// Why a try failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// The mailbox store has an internal error.
    StoreFailed,
    /// The host of the store takes no more for now.
    HostBusy,
    /// This mailbox is full.
    OverQuota,
    /// The far host does not answer.
    FarSilent,
}

/// What becomes of a letter when its last step is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It goes on.
    Passes,
    /// It is refused for good.
    Bounces,
    /// It has to be tried again.
    Waits(Why),
}

impl Letter {
    /// A letter that has just come.
    pub const fn new(id: u32, arrived: i64) -> Self {
        Self {
            id,
            arrived,
            failed: None,
            tries: 0,
        }
    }

    /// The same letter as it comes into the next queue.
    pub const fn moved(self, arrived: i64) -> Self {
        Self::new(self.id, arrived)
    }

    /// The host of its mailbox.
    pub fn store(&self, seed: u64) -> Host {
        match share(seed, Topic::Store, self.id.into(), 0) {
            s if s < 0.5 => Host::Mbox1,
            s if s < 0.8 => Host::Mbox2,
            _ => Host::Mbox3,
        }
    }

    /// The relay that the world hands it to.
    pub fn relay(&self, seed: u64) -> Host {
        if roll(seed, Topic::Relay, self.id.into(), 0) & 1 == 0 {
            Host::Mx1
        } else {
            Host::Mx2
        }
    }

    /// What becomes of it at this try, if nothing larger is wrong.
    pub fn fate(&self, seed: u64, role: Role) -> Fate {
        let s = share(seed, Topic::Fate, self.id.into(), 0);
        let lucky =
            |one_in: u64| roll(seed, Topic::Fate, self.id.into(), u64::from(self.tries) + 1).is_multiple_of(one_in);
        match role {
            Role::Store if s < 0.004 => Fate::Bounces,
            Role::Store if s < 0.006 && !lucky(12) => Fate::Waits(Why::OverQuota),
            Role::Outbound if self.goes_far(seed) && !lucky(30) => Fate::Waits(Why::FarSilent),
            Role::Outbound if s < 0.01 => Fate::Bounces,
            _ => Fate::Passes,
        }
    }

    /// Whether an outbound letter goes to the far destination that rarely answers.
    pub fn goes_far(&self, seed: u64) -> bool {
        share(seed, Topic::Recipient, self.id.into(), 99) < 0.000_7
    }

    /// When it is tried again after failing now: as Postfix does, its age, but within 300 and 4,000 seconds
    /// (`minimal_backoff_time`, `maximal_backoff_time`), here a little spread.
    pub fn next_try(&self, seed: u64, now: i64) -> i64 {
        let wait = (now - self.arrived).clamp(300, 4_000) as f64;
        let spread = 0.85 + 0.15 * share(seed, Topic::Backoff, self.id.into(), self.tries.into());
        now + (wait * spread) as i64
    }

    /// How long its sending server keeps trying before it gives up, in seconds.
    pub fn patience(&self, seed: u64) -> i64 {
        match share(seed, Topic::Patience, self.id.into(), 0) {
            s if s < 0.1 => 8 * 3_600,
            s if s < 0.18 => 14 * 3_600,
            s if s < 0.35 => 24 * 3_600,
            s if s < 0.45 => 48 * 3_600,
            _ => 5 * 86_400,
        }
    }
}
