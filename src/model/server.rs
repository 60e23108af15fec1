//! One server as known: its doors, queues and jobs, each with its last reading and a bounded past.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::event::{Fact, Subject};
use crate::domain::forecast::Drain;
use crate::domain::health::{Limits, Verdict};
use crate::domain::horizon::OutageCorrected;
use crate::domain::reading::Kept;
use crate::domain::roster::{Watched, WatchedCanary};
use crate::domain::{Name, Span};

use super::canary::Canary;
use super::door::Door;
use super::job::Job;
use super::queue::Queue;

/// One server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub name: Name,
    /// How it is watched; `None` when only its events are known (replay of a record without a roster).
    pub watched: Option<Watched>,
    /// Its doors.
    pub doors: BTreeMap<Name, Door>,
    /// Its queues.
    pub queues: BTreeMap<Name, Queue>,
    /// Its maintenance jobs.
    pub jobs: BTreeMap<Name, Job>,
    /// The letters that go in or have to come out here.
    pub canaries: BTreeMap<Name, Canary>,
    /// Whether commands get there, and how long opening the way took.
    pub reach: Kept<Span>,
    /// Since when its senders could not deliver, where a person said so.
    pub outage: Option<OutageCorrected>,
    /// Which outage that belongs to.
    pub(super) corrected: Option<super::horizon::Corrected>,
}

impl Server {
    pub(super) fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            doors: BTreeMap::new(),
            queues: BTreeMap::new(),
            jobs: BTreeMap::new(),
            canaries: BTreeMap::new(),
            reach: Kept::default(),
            outage: None,
            corrected: None,
        }
    }

    pub(super) fn watch(&mut self, w: &Watched) {
        // What was read on another host says nothing of this one.
        if self.watched.as_ref().is_some_and(|old| old.reach != w.reach) {
            self.queues.clear();
            self.jobs.clear();
        }
        self.doors.retain(|n, _| w.doors.iter().any(|d| d.name == *n));
        self.queues.retain(|n, _| w.queues.iter().any(|q| q.name == *n));
        self.jobs.retain(|n, _| w.jobs.iter().any(|j| j.name == *n));
        for d in &w.doors {
            let door = self.doors.entry(d.name.clone()).or_insert_with(|| Door::new(&d.name));
            // What was seen behind another address says nothing of this one.
            if door.probe.last().is_some_and(|r| r.url != d.url) {
                *door = Door::new(&d.name);
            }
            door.watched = Some(d.clone());
        }
        for q in &w.queues {
            self.queues
                .entry(q.name.clone())
                .or_insert_with(|| Queue::new(&q.name))
                .watched = Some(q.clone());
        }
        for j in &w.jobs {
            self.jobs
                .entry(j.name.clone())
                .or_insert_with(|| Job::new(&j.name))
                .watched = Some(j.clone());
        }
        self.watched = Some(w.clone());
    }

    /// Those of all canaries that have an end here.
    pub(super) fn watch_canaries(&mut self, all: &[WatchedCanary]) {
        let name = &self.name;
        let here = |c: &&WatchedCanary| c.way_in.server == *name || c.way_out.server == *name;
        let here: Vec<&WatchedCanary> = all.iter().filter(here).collect();
        self.canaries.retain(|n, _| here.iter().any(|c| c.name == *n));
        for c in here {
            let canary = self.canaries.entry(c.name.clone());
            canary.or_insert_with(|| Canary::new(&c.name)).watch(c);
        }
    }

    /// Takes in a fact about a canary; `add` lets it add one that was not known.
    pub(super) fn letter(&mut self, canary: &Name, fact: &Fact, at: Timestamp, add: bool) {
        if add {
            self.canaries
                .entry(canary.clone())
                .or_insert_with(|| Canary::new(canary));
        }
        if let Some(c) = self.canaries.get_mut(canary) {
            c.seen(fact, at);
        }
    }

    /// Takes in a fact; `add` lets it add a part that was not known.
    pub(super) fn seen(&mut self, about: &Subject, fact: &Fact, at: Timestamp, add: bool) {
        let (limits, every) = (self.limits(), self.every());
        match about {
            Subject::Door { door, .. } => {
                if add {
                    self.doors.entry(door.clone()).or_insert_with(|| Door::new(door));
                }
                if let Some(d) = self.doors.get_mut(door) {
                    d.seen(fact, at, limits);
                }
                self.bind_correction();
            }
            Subject::Queue { queue, .. } => {
                if add {
                    self.queues.entry(queue.clone()).or_insert_with(|| Queue::new(queue));
                }
                if let Some(q) = self.queues.get_mut(queue) {
                    q.seen(fact, at, every);
                }
            }
            Subject::Job { job, .. } => {
                if add {
                    self.jobs.entry(job.clone()).or_insert_with(|| Job::new(job));
                }
                if let Some(j) = self.jobs.get_mut(job) {
                    j.seen(fact, at);
                }
            }
            Subject::Server { .. } => match fact {
                Fact::Reached(took) => self.reach.saw(*took, at),
                Fact::ReachLost(why) => self.reach.miss(why.clone(), at),
                Fact::OutageCorrected(c) => self.correct(c, at),
                _ => {}
            },
            Subject::Observer | Subject::Canary { .. } | Subject::Incident { .. } => {}
        }
    }

    /// Where trouble begins on this server.
    pub fn limits(&self) -> Limits {
        self.watched.as_ref().map_or_else(Limits::default, |w| w.limits)
    }
    /// How often it is looked at.
    pub fn every(&self) -> Span {
        self.watched.as_ref().map_or(Span::from_secs(10), |w| w.every)
    }
    /// How long a reading may be called true: two looks may be late.
    pub fn good_for(&self) -> Span {
        self.every() * 3
    }
    /// The recent past that one line shows: ten minutes, or longer where looks are so rare that ten minutes hold few.
    pub fn recent(&self) -> Span {
        let wanted = self.every() * 30;
        let steps = [
            Span::from_mins(10),
            Span::from_mins(30),
            Span::from_hours(1),
            Span::from_hours(2),
        ];
        steps
            .into_iter()
            .chain([Span::from_hours(5)])
            .find(|w| *w >= wanted)
            .unwrap_or(Span::from_hours(24))
    }
    /// Whether actions are taken away.
    pub fn read_only(&self) -> bool {
        self.watched.as_ref().is_some_and(|w| w.read_only)
    }

    /// What can be said of it at `now`: the part that wants the most attention.
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        let (limits, good_for) = (self.limits(), self.good_for());
        let doors = self.doors.values().map(|d| d.verdict(limits, now, good_for));
        let queues = self.queues.values().map(|q| q.verdict(limits, now, good_for));
        let jobs = self.jobs.values().map(|j| j.verdict(now, good_for));
        let canaries = self.canaries.values().map(|c| c.matter(now).verdict());
        Verdict::worst(doors.chain(queues).chain(jobs).chain(canaries))
    }
    /// Messages in all its queues; `None` when any of them is not known now.
    pub fn depth(&self, now: Timestamp) -> Option<u64> {
        if self.queues.is_empty() {
            return None;
        }
        self.queues
            .values()
            .map(|q| Some(q.reading(now, self.good_for()).fresh()?.depth.total()))
            .sum()
    }
    /// Net messages a minute over all its queues; `None` when any of them has no rate.
    pub fn net_per_min(&self, now: Timestamp) -> Option<f64> {
        if self.queues.is_empty() {
            return None;
        }
        self.queues.values().map(|q| q.net_per_min(now, self.every())).sum()
    }
    /// The queue whose drain matters most: one that grows, then one of which nothing is known, then one that stands still,
    /// then the one that is clear last.
    pub fn slowest(&self, now: Timestamp) -> Option<&Queue> {
        let weight = |q: &Queue| match q.forecast(now, self.every()).drain {
            Drain::Empty => (0, Span::ZERO),
            Drain::Clears { p90, .. } => (1, p90),
            Drain::Stalled => (2, Span::ZERO),
            Drain::Unknown { .. } => (3, Span::ZERO),
            Drain::Growing { .. } => (4, Span::ZERO),
        };
        self.queues.values().max_by_key(|q| weight(q))
    }
}
