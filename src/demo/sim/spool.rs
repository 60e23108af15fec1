//! A mail queue that behaves as Postfix's does: letters come in, become active while there is room, go out at the rate
//! that the next step allows, or fail and wait, longer each time. Who may pass and how fast is decided outside.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::letter::{Fate, Letter, Why};
use super::log::{Log, Logged};
use crate::demo::host::Role;
use crate::domain::queue::Depth;

/// `qmgr_message_active_limit`.
const ACTIVE_LIMIT: usize = 20_000;
/// The most tries that fail in one tick.
const FAILS_A_TICK: usize = 800;
/// `maximal_queue_lifetime`, in seconds.
const LIFETIME: i64 = 5 * 86_400;

/// The queue that a letter is in, in Postfix's words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// Not seen by the queue manager yet.
    Incoming,
    /// Being delivered.
    Active,
    /// Waiting for another try.
    Deferred,
    /// Held by an operator.
    Hold,
}

impl Stage {
    /// The name that `postqueue` prints.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Active => "active",
            Self::Deferred => "deferred",
            Self::Hold => "hold",
        }
    }
}

/// What has happened in a queue since the world began. `came` is always the sum of the others and of what is queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Letters taken in.
    pub came: u64,
    /// Letters handed on: to the next host, into a mailbox, to the world.
    pub delivered: u64,
    /// Letters refused for good by the next step.
    pub bounced: u64,
    /// Letters given up after five days.
    pub expired: u64,
}

/// How fast a lane goes, and what happens to letters that it cannot take.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pace {
    /// Letters a minute.
    pub per_min: f64,
    /// Whether letters beyond that rate wait where they are, or are tried and fail.
    pub beyond: Beyond,
}

/// What happens to letters beyond the rate of a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beyond {
    /// They stay active.
    Wait,
    /// They are tried, and fail.
    Fail(Why),
}

/// What left a spool for good in one tick.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Handed on.
    pub delivered: Vec<Letter>,
    /// Refused for good, or too old.
    pub bounced: Vec<Letter>,
}

/// A mail queue with one lane for each next step.
#[derive(Clone, Debug)]
pub struct Spool {
    role: Role,
    seed: u64,
    incoming: VecDeque<(usize, Letter)>,
    lanes: Vec<Lane>,
    deferred: BinaryHeap<Reverse<(i64, Letter, usize)>>,
    hold: Vec<Letter>,
    tally: Tally,
    log: Log,
}

#[derive(Clone, Debug, Default)]
struct Lane {
    active: VecDeque<Letter>,
    /// The part of a letter that was allowed but not used.
    credit: f64,
}

impl Spool {
    /// An empty queue.
    pub fn new(role: Role, seed: u64, lanes: usize) -> Self {
        Self {
            role,
            seed,
            incoming: VecDeque::new(),
            lanes: vec![Lane::default(); lanes],
            deferred: BinaryHeap::new(),
            hold: Vec::new(),
            tally: Tally::default(),
            log: Log::default(),
        }
    }

    /// A letter comes in for a lane.
    pub fn take_in(&mut self, letter: Letter, lane: usize) {
        self.tally.came += 1;
        self.log.write(letter.arrived, letter, Logged::Came);
        self.incoming.push_back((lane, letter));
    }

    /// A letter comes in and an operator holds it.
    pub fn take_in_held(&mut self, letter: Letter) {
        self.tally.came += 1;
        self.hold.push(letter);
    }

    /// Deferred letters whose time has come, then new ones, become active while there is room.
    pub fn refill(&mut self, now: i64) {
        let mut room = ACTIVE_LIMIT.saturating_sub(self.active_len());
        while room > 0
            && let Some(Reverse((due, _, _))) = self.deferred.peek()
            && *due <= now
            && let Some(Reverse((_, letter, lane))) = self.deferred.pop()
        {
            self.lanes[lane].active.push_back(letter);
            room -= 1;
        }
        while room > 0
            && let Some((lane, letter)) = self.incoming.pop_front()
        {
            self.lanes[lane].active.push_back(letter);
            room -= 1;
        }
    }

    /// A tick of `tick` seconds on one lane.
    pub fn serve(&mut self, lane: usize, pace: Pace, tick: i64, now: i64, left: &mut Left) {
        let allowed = pace.per_min * tick as f64 / 60.0;
        let mut credit = (self.lanes[lane].credit + allowed).min(allowed + 1.0);
        while credit >= 1.0
            && let Some(letter) = self.lanes[lane].active.pop_front()
        {
            credit -= 1.0;
            match letter.fate(self.seed, self.role) {
                Fate::Passes => {
                    self.tally.delivered += 1;
                    self.log.write(now, letter, Logged::Delivered);
                    left.delivered.push(letter);
                }
                Fate::Bounces => {
                    self.tally.bounced += 1;
                    self.log.write(now, letter, Logged::Bounced);
                    left.bounced.push(letter);
                }
                Fate::Waits(why) => self.defer(letter, lane, why, now, left),
            }
        }
        self.lanes[lane].credit = credit;
        if let Beyond::Fail(why) = pace.beyond {
            for _ in 0..FAILS_A_TICK {
                let Some(letter) = self.lanes[lane].active.pop_front() else {
                    break;
                };
                self.defer(letter, lane, why, now, left);
            }
        }
    }

    fn defer(&mut self, mut letter: Letter, lane: usize, why: Why, now: i64, left: &mut Left) {
        if now - letter.arrived > LIFETIME {
            self.tally.expired += 1;
            self.log.write(now, letter, Logged::Expired);
            left.bounced.push(letter);
            return;
        }
        letter.failed = Some((now, why));
        letter.tries = letter.tries.saturating_add(1);
        self.deferred
            .push(Reverse((letter.next_try(self.seed, now), letter, lane)));
    }

    fn active_len(&self) -> usize {
        self.lanes.iter().map(|l| l.active.len()).sum()
    }

    /// How many letters are in it.
    pub fn len(&self) -> usize {
        self.incoming.len() + self.active_len() + self.deferred.len() + self.hold.len()
    }

    /// The same by stage.
    pub fn depth(&self) -> Depth {
        Depth {
            incoming: self.incoming.len() as u64,
            active: self.active_len() as u64,
            deferred: self.deferred.len() as u64,
            hold: self.hold.len() as u64,
            ..Depth::default()
        }
    }

    /// Its mail log.
    pub const fn log(&self) -> &Log {
        &self.log
    }
    /// What has happened so far.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Every letter with its stage, in no particular order, as `showq` reads directories.
    pub fn letters(&self) -> impl Iterator<Item = (Stage, &Letter)> {
        let active = self.lanes.iter().flat_map(|l| &l.active);
        let incoming = self.incoming.iter().map(|(_, l)| l);
        let deferred = self.deferred.iter().map(|Reverse((_, l, _))| l);
        active
            .map(|l| (Stage::Active, l))
            .chain(incoming.map(|l| (Stage::Incoming, l)))
            .chain(deferred.map(|l| (Stage::Deferred, l)))
            .chain(self.hold.iter().map(|l| (Stage::Hold, l)))
    }
}
