//! The fleet as known at a moment: a fold over events and nothing else. Every face (console, `check`, `watch`) reads the
//! same model, so they cannot disagree. Pure: time comes in as an argument, history is bounded.

mod canary;
pub mod cause;
mod certs;
mod cost;
mod door;
mod evidence;
mod flows;
mod history;
mod horizon;
pub mod incident;
mod influence;
mod job;
mod queue;
pub mod role;
mod server;
mod summary;
pub mod timeline;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;

use crate::domain::action::{ActionId, Lost, Plan, Ran, ReadBack, Truth};
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::horizon::Patience;
use crate::domain::influence::Influence;
use crate::domain::roster::Roster;
use crate::domain::{Name, Span, Text};

pub use canary::{Canary, Matter};
pub use cause::Cause;
pub use certs::{Certificate, certificates};
pub use cost::{Cost, Load, Look};
pub use door::Door;
pub use flows::{Flows, Happened, Rates};
pub use history::{Beat, History};
pub use horizon::KeptOut;
pub use job::Job;
pub use queue::{Disagreement, Queue, Told};
pub use role::{RoleHealth, roles};
pub use server::Server;
pub use summary::{Count, Headline, JobLine, Outlook, Row, Standing, count, rows};

/// Actions kept in memory; the journal has all of them.
const KEEP_ACTIONS: usize = 200;
/// Rosters of other observers kept.
const KEEP_OTHERS: usize = 64;
/// Notices kept in memory.
const KEEP_NOTICES: usize = 100;

/// One action from plan to read-back.
#[derive(Clone, PartialEq, Debug)]
pub struct Action {
    /// What was planned.
    pub plan: Plan,
    /// When it was put on record, just before it ran.
    pub at: Timestamp,
    /// Who ran it.
    pub observer: ObserverId,
    /// What became of the commands; `None` while they run, or when we never saw their end.
    pub ran: Option<(Ran, Timestamp)>,
    /// What was read back.
    pub read_back: Option<(ReadBack, Timestamp)>,
    /// That nobody saw its end, and when that was found.
    pub lost: Option<(Lost, Timestamp)>,
    /// What it did to the flow of each queue of its server, as put on record once it could be told.
    pub measured: BTreeMap<Name, (Influence, Timestamp)>,
}

impl Action {
    /// What we know of the state that it asked for.
    pub fn truth(&self) -> Truth {
        self.read_back
            .as_ref()
            .map_or(Truth::Requested, |(r, _)| r.truth.clone())
    }
    /// When the pause ends by its own plan.
    pub fn ends_at(&self) -> Option<Timestamp> {
        Some(self.plan.lasts.filter(|_| self.plan.verb.lasts())?.after(self.at))
    }
}

/// The fleet as known at a moment.
#[derive(Clone, Debug, Default)]
pub struct Model {
    me: Option<ObserverId>,
    watching: bool,
    others: BTreeMap<ObserverId, Roster>,
    servers: BTreeMap<Name, Server>,
    actions: BTreeMap<ActionId, Action>,
    notices: VecDeque<(Timestamp, Text)>,
    senders: Vec<Patience>,
    desk: incident::Desk,
    last_event: Option<Timestamp>,
    /// Hosts that probed; two of them say that it is not one.
    looks_from: BTreeSet<Text>,
}

impl Model {
    /// An empty model. With `me` it follows the roster of that observer only, so that two consoles with different targets
    /// can share one journal; without, the roster of whoever spoke last (replay).
    pub fn new(me: Option<ObserverId>) -> Self {
        Self { me, ..Self::default() }
    }

    /// Says from when on all events are taken in: what is applied of before is the last of each, and the time between two of them
    /// is not one in which nobody watched.
    pub fn known_from(&mut self, at: Timestamp) {
        self.desk.timeline.known_from(at);
    }

    /// Takes in a record that others made: of its observers it follows the one that watches what is meant by `like`, or the most
    /// where that names nothing. Another that watches less than half of that is somebody's look at something else.
    pub fn retell<'e>(&mut self, events: impl IntoIterator<Item = &'e Event>, like: &BTreeSet<Name>) {
        let meant =
            |names: &mut dyn Iterator<Item = &Name>| names.filter(|n| like.is_empty() || like.contains(*n)).count();
        for e in events {
            if let Fact::Watching(roster) = &e.what
                && self.me.as_ref() != Some(&e.seen_by)
                && 2 * meant(&mut roster.servers.iter().map(|w| &w.name)) >= meant(&mut self.servers.keys())
            {
                self.me = Some(e.seen_by.clone());
            }
            self.apply(e);
        }
    }

    /// Takes in one event.
    pub fn apply(&mut self, e: &Event) {
        self.last_event = Some(self.last_event.map_or(e.at, |t| t.max(e.at)));
        self.tell(e);
        if let Fact::Probed(_) = e.what {
            self.looked_from(&e.seen_by);
        }
        match &e.what {
            Fact::Watching(roster) => {
                if self.me.as_ref().is_none_or(|me| *me == e.seen_by) {
                    self.watch(roster);
                } else {
                    self.others.insert(e.seen_by.clone(), roster.clone());
                    while self.others.len() > KEEP_OTHERS {
                        self.others.pop_first();
                    }
                }
            }
            Fact::Notice(text) => {
                self.notices.push_back((e.at, text.clone()));
                if self.notices.len() > KEEP_NOTICES {
                    self.notices.pop_front();
                }
            }
            Fact::ActionPlanned(plan) => self.planned(plan, e),
            Fact::ActionRan(ran) => {
                if let Some(a) = self.actions.get_mut(&ran.id) {
                    a.ran = Some((ran.clone(), e.at));
                }
            }
            Fact::ActionReadBack(back) => {
                if let Some(a) = self.actions.get_mut(&back.id) {
                    a.read_back = Some((back.clone(), e.at));
                    let job = self
                        .servers
                        .get_mut(&a.plan.server)
                        .and_then(|s| s.jobs.get_mut(&a.plan.job));
                    if let (Some(job), Truth::Confirmed { .. }) = (job, &back.truth) {
                        job.came_about(&a.plan);
                    }
                }
            }
            Fact::ActionLost(lost) => {
                if let Some(a) = self.actions.get_mut(&lost.id) {
                    a.lost = Some((lost.clone(), e.at));
                }
            }
            Fact::ActionMeasured(m) => {
                if let Some(a) = self.actions.get_mut(&m.id) {
                    a.measured.insert(m.queue.clone(), (m.influence.clone(), e.at));
                }
            }
            Fact::Incident(_) => {
                if let Some((id, entry)) = incident::of_incident(e) {
                    self.desk.entered(id, entry, e.at, &self.servers);
                }
            }
            Fact::ClockStepped(step) => self.desk.clock_set(step.by, e.at),
            Fact::ObserverStarted { .. } | Fact::ObserverStopped => {}
            fact if self.is_mine(e) => self.seen(&e.about, fact, e.at),
            _ => {}
        }
    }

    /// Takes in many.
    pub fn apply_all<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        for e in events {
            self.apply(e);
        }
    }

    /// Whether an event speaks of what I watch: another observer may have a server of the same name that is something
    /// else, or may look at it in another way.
    fn is_mine(&self, e: &Event) -> bool {
        if self.me.as_ref().is_none_or(|me| *me == e.seen_by) {
            return true;
        }
        let (Some(theirs), Some(name)) = (self.others.get(&e.seen_by), e.about.server()) else {
            return true;
        };
        let Some(mine) = self.servers.get(name).and_then(|s| s.watched.as_ref()) else {
            return true;
        };
        if let Subject::Canary { canary, .. } = &e.about {
            let own = self
                .servers
                .get(name)
                .and_then(|s| s.canaries.get(canary)?.watched.as_ref());
            return own.is_none_or(|own| theirs.canaries.contains(own));
        }
        theirs.servers.iter().any(|w| w.name == *name && w.sees_as(mine))
    }

    /// Puts what was done to jobs on the timeline.
    fn tell(&mut self, e: &Event) {
        let id = match &e.what {
            Fact::ActionPlanned(plan) => &plan.id,
            Fact::ActionRan(ran) if ran.failed.is_some() => &ran.id,
            Fact::ActionReadBack(back) => &back.id,
            Fact::ActionMeasured(m) => &m.id,
            Fact::ActionLost(lost) => &lost.id,
            Fact::PauseEnded(ended) => &ended.id,
            Fact::Drifted(drift) => &drift.id,
            _ => return,
        };
        let plan = self.actions.get(id).map(|a| &a.plan);
        let at = self.desk.moment(e.at);
        self.desk.timeline.acted(e, at, plan);
    }

    fn watch(&mut self, roster: &Roster) {
        self.watching = true;
        self.senders.clone_from(&roster.senders);
        self.servers
            .retain(|name, _| roster.servers.iter().any(|w| w.name == *name));
        for w in &roster.servers {
            self.servers
                .entry(w.name.clone())
                .or_insert_with(|| Server::new(&w.name))
                .watch(w);
        }
        for server in self.servers.values_mut() {
            server.watch_canaries(&roster.canaries);
        }
    }

    fn planned(&mut self, plan: &Plan, e: &Event) {
        let action = Action {
            plan: plan.clone(),
            at: e.at,
            observer: e.seen_by.clone(),
            ran: None,
            read_back: None,
            measured: BTreeMap::new(),
            lost: None,
        };
        self.actions.insert(plan.id.clone(), action);
        if let Some(server) = self.servers.get_mut(&plan.server)
            && let Some(job) = server.jobs.get_mut(&plan.job)
        {
            job.acted_on(plan, e.at);
        }
        while self.actions.len() > KEEP_ACTIONS {
            self.actions.pop_first();
        }
    }

    fn seen(&mut self, about: &Subject, fact: &Fact, at: Timestamp) {
        let Some(name) = about.server() else { return };
        if !self.watching {
            self.servers.entry(name.clone()).or_insert_with(|| Server::new(name));
        }
        // Letters are the business of both servers on their way; each keeps its own count of them.
        if let Subject::Canary { canary, .. } = about {
            for server in self.servers.values_mut() {
                let add = !self.watching && server.name == *name;
                server.letter(canary, fact, at, add);
            }
            return;
        }
        if let Some(server) = self.servers.get_mut(name) {
            server.seen(about, fact, at, !self.watching);
            self.desk.saw(about, fact, at, name, &self.servers);
        }
    }

    /// The servers, by name.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.values()
    }
    /// One server.
    pub fn server(&self, name: &str) -> Option<&Server> {
        self.servers.get(name)
    }
    /// One action.
    pub fn action(&self, id: &ActionId) -> Option<&Action> {
        self.actions.get(id)
    }
    /// Actions, oldest first.
    pub fn actions(&self) -> impl DoubleEndedIterator<Item = &Action> {
        self.actions.values()
    }
    /// What mailtop had to say of itself, oldest first.
    pub fn notices(&self) -> impl DoubleEndedIterator<Item = &(Timestamp, Text)> {
        self.notices.iter()
    }
    /// What is known of when senders give up; empty for a record of a version that did not know it.
    pub fn senders(&self) -> &[Patience] {
        &self.senders
    }
    /// The latest moment on the record.
    pub fn last_event(&self) -> Option<Timestamp> {
        self.last_event
    }
    /// The action that the job's present state goes back to.
    pub fn last_action(&self, job: &Job) -> Option<&Action> {
        self.action(job.last_action.as_ref()?)
    }
    /// How much is left of the pause that `job` is in, by its plan; negative when it is over.
    pub fn pause_left(&self, job: &Job, now: Timestamp) -> Option<Span> {
        Some(Span::between(now, self.last_action(job)?.ends_at()?))
    }
}

#[cfg(test)]
mod tests;
