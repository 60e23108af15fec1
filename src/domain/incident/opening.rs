//! When an incident opens, who belongs to it, when it goes on after it was over, and when its end is proposed. Only proposed:
//! that an incident is over is for a person to say.
//!
//! What fails at the same layer from the same time on is one incident, however many servers it has; so is what fails on a
//! server that an open incident has already, whose layer may change on the way. Failing again soon after the end is the same
//! incident still. What is concluded is a list of entries, to be put on record by the one observer that holds the desk's lease.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{BacklogIs, EndProposed, Entry, Failed, How, Joined, Opened, Restored, StateSet};
use super::{Incident, IncidentId, Moment, State};
use crate::domain::health::{Layer, Verdict};
use crate::domain::{Name, Span, Text};

/// The rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// A door has to fail for so long,
    pub open_after: Span,
    /// and this often in a row,
    pub probes: u32,
    /// at one of these layers.
    pub layers: Vec<Layer>,
    /// What begins within so long of each other began at the same time.
    pub together: Span,
    /// Failing again within so long of being good, or of its end, is the same incident.
    pub reopen_within: Span,
    /// Service has to be good for so long before an end is proposed.
    pub good_for: Span,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            open_after: Span::from_secs(60),
            probes: 3,
            layers: Layer::ALL
                .into_iter()
                .filter(|l| l.verdict() == Verdict::Down)
                .collect(),
            together: Span::from_mins(5),
            reopen_within: Span::from_mins(30),
            good_for: Span::from_mins(10),
        }
    }
}

/// A door as the rules see it.
#[derive(Clone, PartialEq, Debug)]
pub struct DoorNow {
    /// As it failed; the layer is where it failed last.
    pub failed: Failed,
    /// The last bad probe.
    pub last_bad: Moment,
    /// The first bad probe of this outage.
    pub first_bad: Moment,
    /// How it is.
    pub is: Is,
}

/// How a door is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Is {
    /// It fails, so often in a row.
    Bad(u32),
    /// It is good since, and was last seen so.
    Good(Moment, Moment),
    /// Neither: nobody looked lately, or it works with trouble.
    Unclear,
}

/// What is concluded.
#[derive(Clone, PartialEq, Debug)]
pub struct Conclusion {
    /// Which incident; `None` for a new one.
    pub id: Option<IncidentId>,
    /// What to put on record.
    pub entry: Entry,
}

impl Rules {
    fn is_ripe(&self, door: &DoorNow) -> bool {
        let Is::Bad(n) = door.is else { return false };
        n >= self.probes
            && self.layers.contains(&door.failed.layer)
            && door.first_bad.until(door.last_bad) >= self.open_after
    }
}

/// What follows from how doors and backlogs are now. `backlog` tells of an incident's servers.
pub fn conclude(
    rules: &Rules,
    doors: &[DoorNow],
    incidents: &[&Incident],
    backlog: impl Fn(&Incident) -> BacklogIs,
    now: Moment,
) -> Vec<Conclusion> {
    let mut all = Vec::new();
    let mut joins: BTreeMap<&IncidentId, Vec<Failed>> = BTreeMap::new();
    let mut reopened: BTreeSet<&IncidentId> = BTreeSet::new();
    let mut new: Vec<Vec<&DoorNow>> = Vec::new();
    for door in doors.iter().filter(|d| rules.is_ripe(d)) {
        if let Some(open) = open_one(rules, door, incidents) {
            if !has(open, door) {
                joins.entry(&open.id).or_default().push(door.failed.clone());
            }
        } else if let Some((over, over_at)) = recent_one(rules, door, incidents) {
            // Said to be over after the last bad probe: the next probe tells.
            if !over_at.precedes(door.last_bad) {
                continue;
            }
            reopened.insert(&over.id);
            if !has(over, door) {
                joins.entry(&over.id).or_default().push(door.failed.clone());
            }
        } else {
            match new.iter_mut().find(|g| g.iter().any(|d| together(rules, d, door))) {
                Some(group) => group.push(door),
                None => new.push(vec![door]),
            }
        }
    }
    for id in reopened {
        let set = StateSet {
            to: State::Investigating,
            by: None,
            why: Some("it fails again".into()),
        };
        all.push(of(id, Entry::State(set)));
    }
    for (id, doors) in joins {
        all.push(of(id, Entry::Joined(Joined { doors })));
    }
    all.extend(new.iter().map(|group| Conclusion {
        id: None,
        entry: Entry::Opened(Box::new(opened(group, now))),
    }));
    for incident in incidents.iter().filter(|i| !i.is_resolved()) {
        all.extend(end(rules, incident, doors, &backlog, now));
    }
    all
}

fn of(id: &IncidentId, entry: Entry) -> Conclusion {
    Conclusion {
        id: Some(id.clone()),
        entry,
    }
}

/// Whether the incident has this door already, at this layer.
fn has(incident: &Incident, door: &DoorNow) -> bool {
    let f = &door.failed;
    incident
        .doors
        .iter()
        .any(|d| (&d.server, &d.door, d.layer) == (&f.server, &f.door, f.layer))
}

fn together(rules: &Rules, a: &DoorNow, b: &DoorNow) -> bool {
    a.failed.server == b.failed.server
        || (a.failed.layer == b.failed.layer && near(rules.together, a.first_bad, b.first_bad))
}

fn near(within: Span, a: Moment, b: Moment) -> bool {
    let apart = a.until(b);
    apart.max(Span::ZERO - apart) <= within
}

/// The open incident that a door belongs to: one of its server, else one of its layer that began at the same time.
fn open_one<'i>(rules: &Rules, door: &DoorNow, incidents: &[&'i Incident]) -> Option<&'i Incident> {
    let open = || incidents.iter().copied().filter(|i| !i.is_resolved());
    let same_time = |i: &&Incident| {
        i.layer() == Some(door.failed.layer) && {
            let derived = i.start().probes.map_or(i.start().at.at, |(_, bad)| bad);
            near(rules.together, Moment::new(derived, i.start().at.steps), door.first_bad)
        }
    };
    open()
        .find(|i| i.servers.contains(&door.failed.server))
        .or_else(|| open().find(same_time))
}

/// The incident of the same server that was over a short while before this door failed, or while it failed, and when that was.
fn recent_one<'i>(rules: &Rules, door: &DoorNow, incidents: &[&'i Incident]) -> Option<(&'i Incident, Moment)> {
    incidents
        .iter()
        .copied()
        .filter(|i| i.is_resolved() && i.servers.contains(&door.failed.server))
        .filter_map(|i| {
            let ends = [i.restored(), i.resolved()].into_iter().flatten();
            Some((i, ends.max_by_key(|m| m.at)?))
        })
        .filter(|(_, over)| over.until(door.first_bad) <= rules.reopen_within)
        .max_by_key(|(i, _)| i.touched.at)
}

fn opened(group: &[&DoorNow], now: Moment) -> Opened {
    let first = group.iter().min_by_key(|d| d.first_bad.at);
    let servers: BTreeSet<Name> = group.iter().map(|d| d.failed.server.clone()).collect();
    // The lowest layer names it: what stands on it fails with it.
    let layer = group.iter().map(|d| d.failed.layer).min();
    Opened {
        name: name(layer, &servers),
        how: How::Rule,
        by: None,
        number: None,
        layer,
        servers: servers.into_iter().collect(),
        doors: group.iter().map(|d| d.failed.clone()).collect(),
        started: first.map_or(now.at, |d| d.first_bad.at),
        last_good: first.and_then(|d| d.failed.last_good),
        lasted: first.map(|d| d.first_bad.until(now)),
        stood_before: None,
    }
}

/// A short name: `mailbox store down on mbox1`, `network down on mx1 and 3 more`.
pub fn name(layer: Option<Layer>, servers: &BTreeSet<Name>) -> Text {
    let what = match layer {
        Some(Layer::Name) => "name resolution down",
        Some(Layer::Network) => "network down",
        Some(Layer::Tls) => "TLS down",
        Some(Layer::FrontEnd) => "front end down",
        Some(Layer::Auth) => "authentication down",
        Some(Layer::Credential) => "account refused",
        Some(Layer::Store) => "mailbox store down",
        Some(Layer::Quota) => "quota exceeded",
        Some(Layer::Limit) => "connection limit reached",
        Some(Layer::Delivery) => "delivery down",
        None => "incident",
    };
    let mut all = servers.iter();
    match (all.next(), all.next(), servers.len()) {
        (None, ..) => what.into(),
        (Some(one), None, _) => format!("{what} on {one}").into(),
        (Some(one), Some(two), 2) => format!("{what} on {one} and {two}").into(),
        (Some(one), _, n) => format!("{what} on {one} and {} more", n - 1).into(),
    }
}

/// Whether its end is to be proposed, or a proposal taken back.
fn end(
    rules: &Rules,
    incident: &Incident,
    doors: &[DoorNow],
    backlog: &impl Fn(&Incident) -> BacklogIs,
    now: Moment,
) -> Option<Conclusion> {
    let its = |d: &&DoorNow| {
        let same = |f: &Failed| (&f.server, &f.door) == (&d.failed.server, &d.failed.door);
        incident.doors.iter().any(same)
    };
    let mine: Vec<&DoorNow> = doors.iter().filter(its).collect();
    let fails = mine
        .iter()
        .any(|d| matches!(d.is, Is::Bad(n) if n >= rules.probes.min(2)));
    let propose = |restored| of(&incident.id, Entry::EndProposed(EndProposed { restored }));
    if incident.end.is_some() {
        return fails.then(|| propose(None));
    }
    // A door that is no longer watched says nothing.
    if mine.is_empty() || mine.len() < incident.doors.len() {
        return None;
    }
    let good: Vec<(Moment, Moment)> = mine
        .iter()
        .filter_map(|d| match d.is {
            Is::Good(since, last) => Some((since, last)),
            _ => None,
        })
        .collect();
    let held = |(since, last): &(Moment, Moment)| since.until(*last) >= rules.good_for;
    if good.len() < mine.len() || !good.iter().all(held) {
        return None;
    }
    let backlog = backlog(incident);
    if matches!(backlog, BacklogIs::Stands | BacklogIs::Unknown) {
        return None;
    }
    let (first_good, _) = good.into_iter().min_by_key(|(since, _)| since.until(now))?;
    let last_bad = mine.iter().map(|d| d.last_bad).min_by_key(|b| b.until(now))?;
    Some(propose(Some(Restored {
        last_bad: last_bad.at,
        first_good: first_good.at,
        ago: first_good.until(now),
        backlog,
    })))
}
