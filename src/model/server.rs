//! One server as known: its doors, queues and jobs, each with its last reading and a bounded past.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::domain::action::ActionId;
use crate::domain::event::{Fact, Subject};
use crate::domain::flow::{self, Sample, Trend};
use crate::domain::health::{Layer, Limits, Phase, PhaseTime, ProbeReport, Verdict};
use crate::domain::job::JobState;
use crate::domain::queue::QueueSnapshot;
use crate::domain::reading::{Kept, Reading};
use crate::domain::roster::{Watched, WatchedDoor, WatchedJob, WatchedQueue};
use crate::domain::{Name, Span};

use super::history::{Beat, History};

/// Probes kept for each door: two hours at one each ten seconds.
const KEEP_BEATS: usize = 720;
/// Depth samples kept for each queue: eight hours at one each ten seconds.
const KEEP_SAMPLES: usize = 2_880;
/// Looks that the budget sets further apart than this are not enough to call a queue known.
const LONGEST_STEP: Span = Span::from_mins(30);
/// The window over which a net rate is taken.
pub(super) const RATE_WINDOW: Span = Span::from_mins(5);

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
    /// Whether commands get there, and how long opening the way took.
    pub reach: Kept<Span>,
}

/// One door.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its name.
    pub name: Name,
    /// As configured.
    pub watched: Option<WatchedDoor>,
    /// The last probe.
    pub probe: Kept<ProbeReport>,
    /// The past.
    pub beats: History<Beat>,
    /// Since when it has failed at the layer where it fails now: the first bad probe.
    pub failing_since: Option<Timestamp>,
    /// The last probe without a failure.
    pub last_good: Option<Timestamp>,
    /// The layer that it last failed at, while it fails.
    failing_at: Option<Layer>,
    /// How long the probes without a failure took.
    good: History<(Timestamp, Span)>,
    /// Typical phase times of good probes (an exponential mean), for "this probe above its usual".
    usual: BTreeMap<Phase, Span>,
}

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its name.
    pub name: Name,
    /// As configured.
    pub watched: Option<WatchedQueue>,
    /// The last reading, counted or listed.
    pub depth: Kept<QueueSnapshot>,
    /// The last full listing, which may be older.
    pub listed: Kept<QueueSnapshot>,
    /// Depth over time, from complete readings only.
    pub samples: History<Sample>,
}

/// One maintenance job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: Name,
    /// As configured.
    pub watched: Option<WatchedJob>,
    /// The last reading.
    pub state: Kept<JobState>,
    /// When the pause that was last asked for is over by its own plan.
    pub pause_ends: Option<Timestamp>,
    /// The newest action on it.
    pub last_action: Option<ActionId>,
}

impl Server {
    pub(super) fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            doors: BTreeMap::new(),
            queues: BTreeMap::new(),
            jobs: BTreeMap::new(),
            reach: Kept::default(),
        }
    }

    pub(super) fn watch(&mut self, w: &Watched) {
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

    /// Takes in a fact; `add` lets it add a part that was not known.
    pub(super) fn seen(&mut self, about: &Subject, fact: &Fact, at: Timestamp, add: bool) {
        let limits = self.limits();
        match about {
            Subject::Door { door, .. } => {
                if add {
                    self.doors.entry(door.clone()).or_insert_with(|| Door::new(door));
                }
                if let Some(d) = self.doors.get_mut(door) {
                    d.seen(fact, at, limits);
                }
            }
            Subject::Queue { queue, .. } => {
                if add {
                    self.queues.entry(queue.clone()).or_insert_with(|| Queue::new(queue));
                }
                if let Some(q) = self.queues.get_mut(queue) {
                    q.seen(fact, at);
                }
            }
            Subject::Job { job, .. } => {
                if add {
                    self.jobs.entry(job.clone()).or_insert_with(|| Job::new(job));
                }
                match (self.jobs.get_mut(job), fact) {
                    (Some(j), Fact::JobSeen(s)) => j.state.saw(s.clone(), at),
                    (Some(j), Fact::JobMissed(why)) => j.state.miss(why.clone(), at),
                    _ => {}
                }
            }
            Subject::Server { .. } => match fact {
                Fact::Reached(took) => self.reach.saw(*took, at),
                Fact::ReachLost(why) => self.reach.miss(why.clone(), at),
                _ => {}
            },
            Subject::Observer => {}
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
        Verdict::worst(doors.chain(queues).chain(jobs))
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
    /// Which way its queues are going.
    pub fn trend(&self, now: Timestamp) -> Trend {
        flow::trend(self.depth(now), self.net_per_min(now))
    }
}

impl Door {
    fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            probe: Kept::default(),
            beats: History::new(KEEP_BEATS),
            failing_since: None,
            last_good: None,
            failing_at: None,
            good: History::new(KEEP_BEATS),
            usual: BTreeMap::new(),
        }
    }

    fn seen(&mut self, fact: &Fact, at: Timestamp, limits: Limits) {
        match fact {
            Fact::Probed(report) if self.watched.as_ref().is_some_and(|w| w.url != report.url) => {}
            Fact::Probed(report) => {
                self.beats.push(Beat {
                    at,
                    took: report.total(),
                    verdict: Some(report.verdict(limits, at)),
                });
                let layer = report.failure.as_ref().map(|f| f.layer);
                if layer.is_none() {
                    self.last_good = Some(at);
                    self.good.push((at, report.total()));
                    self.failing_since = None;
                    for p in report.phases.iter().filter(|p| p.ok) {
                        let usual = self.usual.entry(p.phase).or_insert(p.took);
                        *usual = Span::from_micros((usual.micros() * 9 + p.took.micros()) / 10);
                    }
                } else if layer != self.failing_at {
                    self.failing_since = Some(at);
                }
                self.failing_at = layer;
                self.probe.saw((**report).clone(), at);
            }
            Fact::ProbeMissed(why) => {
                self.beats.push(Beat {
                    at,
                    took: Span::ZERO,
                    verdict: None,
                });
                self.probe.miss(why.clone(), at);
            }
            _ => {}
        }
    }

    /// What its last probe says at `now`, unknown when it is stale.
    pub fn verdict(&self, limits: Limits, now: Timestamp, good_for: Span) -> Verdict {
        self.probe
            .reading(now, good_for)
            .fresh()
            .map_or(Verdict::Unknown, |r| r.verdict(limits, now))
    }
    /// The usual time of a phase, from the good probes so far.
    pub fn usual(&self, phase: PhaseTime) -> Option<Span> {
        self.usual.get(&phase.phase).copied()
    }
    /// The median time of its good probes within the last `window`.
    pub fn p50(&self, now: Timestamp, window: Span) -> Option<Span> {
        let mut times: Vec<Span> = self
            .good
            .points()
            .iter()
            .filter(|(at, _)| Span::between(*at, now) <= window)
            .map(|(_, took)| *took)
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }
}

impl Queue {
    fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            depth: Kept::default(),
            listed: Kept::default(),
            samples: History::new(KEEP_SAMPLES),
        }
    }

    fn seen(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::QueueSeen(snapshot) => {
                if snapshot.complete() {
                    self.samples.push(Sample {
                        at,
                        depth: snapshot.depth.total(),
                    });
                }
                if snapshot.listing.is_some() {
                    self.listed.saw(snapshot.clone(), at);
                }
                self.depth.saw(snapshot.clone(), at);
            }
            Fact::QueueMissed(why) => self.depth.miss(why.clone(), at),
            _ => {}
        }
    }

    /// What its last reading says at `now`, unknown when it is stale.
    pub fn verdict(&self, limits: Limits, now: Timestamp, good_for: Span) -> Verdict {
        self.reading(now, good_for)
            .fresh()
            .map_or(Verdict::Unknown, |s| s.verdict(limits))
    }
    /// Net messages a minute; nothing across a gap of more than three looks.
    pub fn net_per_min(&self, now: Timestamp, every: Span) -> Option<f64> {
        let gap = self.stays_good(every * 3);
        flow::net_per_min(self.samples(), now, RATE_WINDOW.max(gap * 2), gap)
    }
    /// Which way it is going.
    pub fn trend(&self, now: Timestamp, every: Span) -> Trend {
        let depth = self.reading(now, every * 3).fresh().map(|s| s.depth.total());
        flow::trend(depth, self.net_per_min(now, every))
    }
    /// Depth over time, oldest first.
    pub fn samples(&self) -> &VecDeque<Sample> {
        self.samples.points()
    }
    /// The last reading at `now`.
    pub fn reading(&self, now: Timestamp, good_for: Span) -> Reading<&QueueSnapshot> {
        self.depth.reading(now, self.stays_good(good_for))
    }
    /// How long a reading may be called true: `good_for`, or longer where the load budget makes looks rarer. A login that
    /// may not count files sees a deep queue only at each listing. The screen shows the age in any case.
    fn stays_good(&self, good_for: Span) -> Span {
        let next = self
            .depth
            .last()
            .and_then(|s| s.next_look)
            .unwrap_or_default()
            .min(LONGEST_STEP);
        if next * 2 <= good_for {
            good_for
        } else {
            next + good_for
        }
    }
}

impl Job {
    fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            state: Kept::default(),
            pause_ends: None,
            last_action: None,
        }
    }
    /// Whether it is still paused although its pause is over by its own plan: somebody has to resume it.
    pub fn pause_overdue(&self, now: Timestamp, good_for: Span) -> bool {
        use crate::domain::job::State;
        let paused = self
            .state
            .reading(now, good_for)
            .fresh()
            .is_some_and(|s| s.state == State::Paused);
        paused && self.pause_ends.is_some_and(|end| end < now)
    }
    /// A failed job and a pause that was forgotten are a warning; a job that cannot be read is unknown; whatever else it
    /// does is well.
    pub fn verdict(&self, now: Timestamp, good_for: Span) -> Verdict {
        use crate::domain::job::State;
        if self.pause_overdue(now, good_for) {
            return Verdict::Warn;
        }
        match self.state.reading(now, good_for).fresh().map(|s| s.state) {
            Some(State::Running | State::Paused | State::Idle) => Verdict::Ok,
            Some(State::Failed) => Verdict::Warn,
            Some(State::Unknown) | None => Verdict::Unknown,
        }
    }
}
