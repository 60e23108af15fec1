//! The demo's mail as a simulation, pure: no clock, no I/O. [`Sim::advance`] moves it in whole ticks on a fixed grid, so
//! that the way to a moment does not matter: one step or a thousand end in the same state. The world's sockets only ask.
//!
//! Letters come to mx1 and mx2, go on to the queue of the store's host, and from there into the store. While the store
//! of mbox1 is failed its host takes in less, so that the relays fill as well, and past a bound they turn mail away.

mod dice;
mod job;
mod letter;
mod log;
mod senders;
mod spool;
#[cfg(test)]
mod tests;
mod tide;

use jiff::Timestamp;

pub use self::dice::Topic as Dice;
pub use self::dice::roll;
use self::dice::{Topic, share};
pub use self::job::{JOB, Job, NotRunning};
pub use self::letter::{Letter, Why};
pub use self::log::{Entry, Log, Logged};
use self::senders::Senders;
use self::spool::{Beyond, Left, Pace, Spool};
pub use self::spool::{Stage, Tally};
use super::host::{Host, Role};
use super::script::Script;
use crate::domain::Span;
use crate::domain::job::State;
use crate::domain::queue::Depth;

/// Seconds a tick.
const TICK: i64 = 10;
/// Seconds that the world has run before the script begins, so that its queues look lived in.
const WARM_UP: i64 = 12 * 3_600;
/// A relay with more letters turns away mail for the failed store…
const RELAY_FULL: usize = 6_400;
/// …until it has fewer than this.
const RELAY_OPENS: usize = 5_600;
/// Seconds for which the small ups and downs of a host's speed last.
const WEATHER: i64 = 600;
/// Letters that an operator holds on mbox1.
const HELD: u32 = 7;

/// The whole world at one moment.
#[derive(Clone, Debug)]
pub struct Sim {
    script: Script,
    now: i64,
    next_id: u32,
    spools: [Spool; 6],
    senders: Senders,
    /// Relays that turn mail away.
    full: Vec<Host>,
    job: Job,
    offered: u64,
    left: Left,
}

/// How a store answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Store {
    /// It opens a mailbox, after so long, and reads a letter, after so long.
    Serves {
        /// Until EXAMINE is answered.
        examine: Span,
        /// Until FETCH is answered.
        fetch: Span,
    },
    /// It has an internal error.
    Fails,
}

/// The figures of the world at one moment: what a console that watches it should find.
#[derive(Clone, PartialEq, Debug)]
pub struct Census {
    /// The moment.
    pub at: Timestamp,
    /// Every host with its queue's depth and what has happened in it.
    pub queues: [(Host, Depth, Tally); 6],
    /// Letters that the world has offered, each counted once however often it was turned away.
    pub offered: u64,
    /// How often relays turned one away.
    pub turned_away: u64,
    /// Letters that sending servers hold for another try.
    pub senders_hold: u64,
    /// Letters that sending servers gave up.
    pub senders_gave_up: u64,
    /// What the maintenance job is doing.
    pub job: State,
    /// How far it is, in percent.
    pub job_progress: f64,
}

impl Census {
    /// The depth of one host's queue.
    pub fn depth(&self, host: Host) -> Depth {
        self.queues[host.index()].1
    }
    /// What has happened in one host's queue.
    pub fn tally(&self, host: Host) -> Tally {
        self.queues[host.index()].2
    }
    /// Letters on their way to mailboxes, in all queues.
    pub fn backlog(&self) -> u64 {
        let inbound = self.queues.iter().filter(|(h, _, _)| h.role() != Role::Outbound);
        inbound.map(|(_, d, _)| d.total()).sum()
    }
}

impl Sim {
    /// The world as the script begins.
    pub fn new(script: Script) -> Self {
        let seed = script.seed;
        let spool = |h: Host| Spool::new(h.role(), seed, lanes(h));
        let mut sim = Self {
            now: script.begins.as_second() - WARM_UP,
            next_id: 1,
            spools: Host::ALL.map(spool),
            senders: Senders::default(),
            full: Vec::new(),
            job: Job::new(&script),
            offered: 0,
            left: Left::default(),
            script,
        };
        for i in 0..HELD {
            let held = Letter::new(sim.new_id(), sim.now + i64::from(i) * 40);
            sim.spools[Host::Mbox1.index()].take_in_held(held);
        }
        sim.advance(sim.script.begins);
        sim
    }

    /// Moves on to the last tick at or before `to`. A moment in the past changes nothing.
    pub fn advance(&mut self, to: Timestamp) {
        while self.now + TICK <= to.as_second() {
            self.now += TICK;
            self.tick();
        }
    }

    fn tick(&mut self) {
        let (now, at) = (self.now, self.at());
        self.job.pass(Span::from_secs(TICK), at);
        self.deliver(now);
        for relay in Host::RELAYS {
            self.open_or_close(relay);
        }
        for _ in 0..self.draw(Topic::Inbound, tide::inbound_per_min(now)) {
            self.offered += 1;
            let letter = Letter::new(self.new_id(), now);
            self.offer(letter);
        }
        while let Some(letter) = self.senders.next_due(now) {
            self.offer(letter);
        }
        for _ in 0..self.draw(Topic::Outbound, tide::outbound_per_min(now)) {
            let letter = Letter::new(self.new_id(), now);
            self.spools[Host::Out1.index()].take_in(letter, 0);
        }
        for spool in &mut self.spools {
            spool.refill(now);
        }
    }

    /// Every queue hands on what it may, the last step first, so that no letter takes two steps in one tick.
    fn deliver(&mut self, now: i64) {
        let mut left = std::mem::take(&mut self.left);
        for host in Host::ALL {
            for lane in 0..lanes(host) {
                let mut pace = self.pace(host, lane);
                pace.per_min *= self.weather(host);
                self.spools[host.index()].serve(lane, pace, TICK, now, &mut left);
            }
            if host.role() == Role::Relay {
                for letter in left.delivered.drain(..) {
                    let store = letter.store(self.script.seed);
                    self.spools[store.index()].take_in(letter.moved(now), 0);
                }
            }
            if host.role() == Role::Store {
                // Whoever refuses a letter for good owes its sender a notice.
                for _ in left.bounced.drain(..) {
                    let notice = Letter::new(self.new_id(), now);
                    self.spools[Host::Out1.index()].take_in(notice, 0);
                }
            }
            left.delivered.clear();
            left.bounced.clear();
        }
        self.left = left;
    }

    /// A letter knocks at its relay.
    fn offer(&mut self, letter: Letter) {
        let seed = self.script.seed;
        let (store, relay) = (letter.store(seed), letter.relay(seed));
        if store == Host::Mbox1 && self.full.contains(&relay) {
            self.senders.keep(letter, seed, self.now);
        } else {
            self.spools[relay.index()].take_in(letter.moved(self.now), store.index());
        }
    }

    fn open_or_close(&mut self, relay: Host) {
        let len = self.spools[relay.index()].len();
        if len < RELAY_OPENS {
            self.full.retain(|h| *h != relay);
        } else if len >= RELAY_FULL && !self.full.contains(&relay) {
            self.full.push(relay);
        }
    }

    /// How fast a host's queue can go now. This is where the outage and the maintenance bite.
    fn pace(&self, host: Host, lane: usize) -> Pace {
        let waits = |per_min| Pace {
            per_min,
            beyond: Beyond::Wait,
        };
        let failed = self.script.store_failed(self.at());
        let compacting = self.job.state() == State::Running;
        match (host, host.role()) {
            (Host::Mbox1, _) if failed => Pace {
                per_min: 0.0,
                beyond: Beyond::Fail(Why::StoreFailed),
            },
            (Host::Mbox1, _) if compacting => waits(190.0),
            (Host::Mbox1, _) => waits(570.0),
            (Host::Mbox3, _) if self.script.contended(self.at()) => waits(16.8),
            (_, Role::Relay) if lane == Host::Mbox1.index() && failed => Pace {
                per_min: 10.0,
                beyond: Beyond::Fail(Why::HostBusy),
            },
            (_, Role::Relay) if lane == Host::Mbox1.index() && compacting => waits(40.0),
            (_, Role::Relay) if lane == Host::Mbox1.index() => waits(90.0),
            _ => waits(300.0),
        }
    }

    /// The small ups and downs of a host's speed.
    fn weather(&self, host: Host) -> f64 {
        let spell = self.now.div_euclid(WEATHER) as u64;
        0.85 + 0.3 * share(self.script.seed, Topic::Weather, spell, host.index() as u64)
    }

    /// How many arrive in this tick at this rate, by chance.
    fn draw(&self, topic: Topic, per_min: f64) -> u64 {
        let roll = |n| share(self.script.seed, topic, self.now as u64, n);
        let expected = per_min * TICK as f64 / 60.0 * (0.6 + 0.8 * roll(0));
        (expected + roll(1)) as u64
    }

    fn new_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        id
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_second(self.now).unwrap_or(self.script.begins)
    }

    /// The script that it plays.
    pub const fn script(&self) -> &Script {
        &self.script
    }

    /// Pauses the maintenance job.
    pub fn pause_job(&mut self) -> Result<(), NotRunning> {
        let at = self.at();
        self.job.pause(at)
    }

    /// Resumes it.
    pub fn resume_job(&mut self) -> Result<(), NotRunning> {
        self.job.resume()
    }

    /// The maintenance job.
    pub const fn job(&self) -> &Job {
        &self.job
    }

    /// What its status command prints now.
    pub fn job_status(&self) -> String {
        self.job.status(self.at())
    }

    /// The depth of a host's queue.
    pub fn depth(&self, host: Host) -> Depth {
        self.spools[host.index()].depth()
    }

    /// Every letter in a host's queue.
    pub fn letters(&self, host: Host) -> Vec<(Stage, Letter)> {
        self.spools[host.index()].letters().map(|(s, l)| (s, *l)).collect()
    }

    /// A host's mail log.
    pub const fn log(&self, host: Host) -> &Log {
        self.spools[host.index()].log()
    }

    /// How a host's store answers now; `look` tells one look from the next.
    pub fn store(&self, host: Host, look: u64) -> Store {
        let (strain, deep) = match host {
            Host::Mbox1 if self.script.store_failed(self.at()) => return Store::Fails,
            Host::Mbox1 => (
                if self.job.state() == State::Running { 0.6 } else { 0.05 },
                self.spools[host.index()].len() > 1_000,
            ),
            Host::Mbox3 if self.script.contended(self.at()) => (0.85, false),
            _ => (0.0, false),
        };
        let strain: f64 = strain + if deep { 0.24 } else { 0.0 };
        let luck = share(self.script.seed, Topic::Delay, look, host.index() as u64);
        let millis = (5.0 + 4.0 * luck + strain * strain * 1_700.0 * (0.85 + 0.3 * luck)).min(1_900.0);
        Store::Serves {
            examine: Span::from_micros((millis * 720.0) as i64),
            fetch: Span::from_micros((millis * 280.0) as i64),
        }
    }

    /// The figures of this moment.
    pub fn census(&self) -> Census {
        Census {
            at: self.at(),
            queues: Host::ALL.map(|h| (h, self.depth(h), self.spools[h.index()].tally())),
            offered: self.offered,
            turned_away: self.senders.turned_away(),
            senders_hold: self.senders.holding(),
            senders_gave_up: self.senders.gave_up(),
            job: self.job.state(),
            job_progress: self.job.progress(),
        }
    }
}

/// A relay has a lane for each store, so that a failed one does not hold up the others.
fn lanes(host: Host) -> usize {
    if host.role() == Role::Relay {
        Host::STORES.len()
    } else {
        1
    }
}
