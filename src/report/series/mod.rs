//! What a chart draws, as a fold over events: the depth of each queue, what came in and went out, and what probes of each door
//! said. A chart has so many columns whatever the record holds, so each column keeps the least and the most that was read in
//! it, and figures (the peak, counts) are taken from every event. Where nobody read, a column is empty.

mod depths;
mod doors;
mod flows;
mod range;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use depths::{Column, Depths};
pub use doors::{Door, Said};
pub use flows::{Flow, FlowsOf};
pub use range::Range;

use crate::domain::door::{Protocol, Role};
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::flow::{FlowSeen, FlowSource};
use crate::domain::health::{Limits, ProbeReport};
use crate::domain::roster::{Roster, Watched};
use crate::domain::{Name, Span};

/// Columns of a chart: a little under two units of its width each.
pub const COLUMNS: usize = 480;

/// A server and a part of it.
pub type Key = (Name, Name);

/// All of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// What is drawn.
    pub range: Range,
    /// While the incident lasted.
    pub during: Range,
    /// Depths by queue.
    pub depths: BTreeMap<Key, Depths>,
    /// Flows by queue: of the log where that was read, else of listings.
    pub flows: BTreeMap<Key, FlowsOf>,
    /// Probes by door.
    pub doors: BTreeMap<Key, Door>,
    /// The first probe or reading in the range.
    pub begins: Option<Timestamp>,
    /// The last probe or reading of all.
    pub ends: Option<Timestamp>,
    watched: BTreeMap<Name, Watched>,
}

impl Series {
    /// Nothing yet: drawn over `range`, counted over `during`.
    pub const fn new(range: Range, during: Range) -> Self {
        Self {
            range,
            during,
            depths: BTreeMap::new(),
            flows: BTreeMap::new(),
            doors: BTreeMap::new(),
            begins: None,
            ends: None,
            watched: BTreeMap::new(),
        }
    }

    /// Takes in an event, in the order of the record.
    pub fn apply(&mut self, e: &Event) {
        if let Fact::Watching(roster) = &e.what {
            self.watch(roster);
        }
        if matches!(e.what, Fact::Probed(_) | Fact::QueueSeen(_) | Fact::JobSeen(_)) {
            self.ends = self.ends.max(Some(e.at));
            if self.range.holds(e.at) {
                self.begins = Some(self.begins.map_or(e.at, |t| t.min(e.at)));
            }
        }
        if !self.range.holds(e.at) {
            return;
        }
        match (&e.about, &e.what) {
            (Subject::Queue { server, queue }, Fact::QueueSeen(read)) => {
                let (good_for, range) = (self.good_for(server), self.range);
                self.depth(server, queue).read(read, e.at, good_for, range);
            }
            (Subject::Queue { server, queue }, Fact::QueueMissed(_)) => self.depth(server, queue).missed += 1,
            (Subject::Queue { server, queue }, Fact::FlowSeen(seen)) => self.flow((server, queue), seen, e.at),
            (Subject::Door { server, door }, Fact::Probed(report)) => self.probed((server, door), report, e.at),
            (Subject::Door { server, door }, Fact::ProbeMissed(_)) if self.during.counts(e.at) => {
                self.door(server, door).missed += 1;
            }
            _ => {}
        }
    }

    /// Nothing more comes: what was seen last holds as long as it may.
    pub fn done(mut self) -> Self {
        for ((server, _), door) in &mut self.doors {
            let good_for = good_for(self.watched.get(server));
            door.hold(self.range.until, good_for, self.range);
        }
        self
    }

    fn watch(&mut self, roster: &Roster) {
        for w in &roster.servers {
            for d in &w.doors {
                if let Some(door) = self.doors.get_mut(&(w.name.clone(), d.name.clone())) {
                    (door.role, door.protocol) = (d.role, d.protocol);
                }
            }
            self.watched.insert(w.name.clone(), w.clone());
        }
    }
    fn good_for(&self, server: &Name) -> Span {
        good_for(self.watched.get(server))
    }

    fn depth(&mut self, server: &Name, queue: &Name) -> &mut Depths {
        let key = (server.clone(), queue.clone());
        self.depths.entry(key).or_insert_with(Depths::new)
    }

    fn flow(&mut self, (server, queue): (&Name, &Name), seen: &FlowSeen, at: Timestamp) {
        let range = self.range;
        let flows = self
            .flows
            .entry((server.clone(), queue.clone()))
            .or_insert_with(|| FlowsOf::new(seen.source));
        if flows.source != seen.source {
            // The log is exact: what listings told before it was read is not mixed with it.
            if seen.source != FlowSource::Log {
                return;
            }
            *flows = FlowsOf::new(FlowSource::Log);
        }
        flows.seen(seen, at, range);
    }

    fn door(&mut self, server: &Name, door: &Name) -> &mut Door {
        let watched = self
            .watched
            .get(server)
            .and_then(|w| w.doors.iter().find(|d| d.name == *door));
        let (role, protocol) = watched.map_or((Role::default(), Protocol::default()), |d| (d.role, d.protocol));
        let key = (server.clone(), door.clone());
        self.doors.entry(key).or_insert_with(|| Door::new(role, protocol))
    }

    fn probed(&mut self, (server, door): (&Name, &Name), report: &ProbeReport, at: Timestamp) {
        let (range, during, good_for) = (self.range, self.during, self.good_for(server));
        let limits = self.watched.get(server).map_or_else(Limits::default, |w| w.limits);
        let door = self.door(server, door);
        door.hold(at, good_for, range);
        door.probed(report, limits, at, range, during);
    }
}

/// How long a reading may be called true, as in the model: two looks may be late.
fn good_for(watched: Option<&Watched>) -> Span {
    watched.map_or(Span::from_secs(10), |w| w.every) * 3
}
