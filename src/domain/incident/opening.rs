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
    for group in groups(rules, doors) {
        let (known, rest): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|d| (d, open_of_server(rules, d, incidents)))
            .partition(|(_, open)| open.is_some());
        for (door, open) in &known {
            if let Some(open) = open {
                joined(&mut joins, open, &[*door]);
            }
        }
        // What began with it on other servers is of the same incident.
        let open = known.first().and_then(|(_, open)| *open);
        let open = open.or_else(|| rest.iter().find_map(|(d, _)| open_of_time(rules, d, incidents)));
        let mut rest: Vec<&DoorNow> = rest.into_iter().map(|(d, _)| d).collect();
        if let Some(open) = open {
            joined(&mut joins, open, &rest);
            continue;
        }
        let recent: Vec<_> = rest
            .iter()
            .filter_map(|d| Some((*d, recent_one(rules, d, incidents)?)))
            .collect();
        // Said to be over after the last bad probe: the next probe tells.
        let waits: BTreeSet<&Name> = recent
            .iter()
            .filter(|(d, (_, over_at))| !over_at.precedes(d.last_bad))
            .map(|(d, _)| &d.failed.server)
            .collect();
        rest.retain(|d| !waits.contains(&d.failed.server));
        let again = recent
            .iter()
            .filter(|(d, _)| !waits.contains(&d.failed.server))
            .map(|(_, (over, _))| *over)
            .max_by_key(|i| i.touched.at);
        if let Some(over) = again {
            reopened.insert(&over.id);
            joined(&mut joins, over, &rest);
        } else if !rest.is_empty() {
            new.push(rest);
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
        let stood_before = None;
        all.push(of(id, Entry::Joined(Joined { doors, stood_before })));
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

/// The doors for which something is to be opened, those together that belong together.
fn groups<'d>(rules: &Rules, doors: &'d [DoorNow]) -> Vec<Vec<&'d DoorNow>> {
    let mut groups: Vec<Vec<&DoorNow>> = Vec::new();
    for door in doors.iter().filter(|d| rules.is_ripe(d)) {
        let (its, mut others): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|g| g.iter().any(|d| together(rules, d, door)));
        // One door may be what two groups have in common.
        let mut one: Vec<&DoorNow> = its.into_iter().flatten().collect();
        one.push(door);
        others.push(one);
        groups = others;
    }
    groups
}

/// Notes down that these doors are of the incident, where it has them not.
fn joined<'i>(joins: &mut BTreeMap<&'i IncidentId, Vec<Failed>>, incident: &'i Incident, doors: &[&DoorNow]) {
    for door in doors.iter().filter(|d| !has(incident, d)) {
        joins.entry(&incident.id).or_default().push(door.failed.clone());
    }
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

/// Whether an open incident may still be what a door fails of: not when service was good again and its end proposed long
/// before. Nobody said that it is over, but what begins now is something else.
fn goes_on(rules: &Rules, incident: &Incident, door: &DoorNow) -> bool {
    let proposed = incident.end.as_ref().map(|(at, _)| *at);
    !incident.is_resolved() && proposed.is_none_or(|at| at.until(door.first_bad) <= rules.reopen_within)
}

/// The open incident that has the server of a door.
fn open_of_server<'i>(rules: &Rules, door: &DoorNow, incidents: &[&'i Incident]) -> Option<&'i Incident> {
    let its = |i: &&Incident| i.servers.contains(&door.failed.server) && goes_on(rules, i, door);
    incidents.iter().copied().find(its)
}

/// The open incident of a door's layer that began at the same time.
fn open_of_time<'i>(rules: &Rules, door: &DoorNow, incidents: &[&'i Incident]) -> Option<&'i Incident> {
    let same_time = |i: &&Incident| {
        let start = i.start();
        let began = start.probes.map_or(start.at.at, |(_, bad)| bad);
        let is_near = |at| near(rules.together, Moment::new(at, start.at.steps), door.first_bad);
        let of_layer = |d: &Failed| d.layer == door.failed.layer && is_near(d.first_bad);
        (i.layer() == Some(door.failed.layer) && is_near(began)) || i.doors.iter().any(of_layer)
    };
    let mut open = incidents.iter().copied().filter(|i| goes_on(rules, i, door));
    open.find(same_time)
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
    // And no server is named for a layer at which it was not seen to fail.
    let there = group.iter().filter(|d| Some(d.failed.layer) == layer);
    Opened {
        name: name(layer, &there.map(|d| d.failed.server.clone()).collect()),
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

/// The number in the id of an incident that the rules open: a digest (FNV-1a) of the first door that showed it and of when,
/// so that two observers of one record who open it at once give it one id.
pub fn lot(opened: &Opened) -> u16 {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |bytes: &[u8]| {
        // The end of each part counts, too.
        for b in bytes.iter().chain(&[0xff]) {
            digest = (digest ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    let key = |d: &&Failed| (d.first_bad, d.server.clone(), d.door.clone());
    if let Some(first) = opened.doors.iter().min_by_key(key) {
        take(first.server.as_str().as_bytes());
        take(first.door.as_str().as_bytes());
        take(&first.first_bad.as_microsecond().to_be_bytes());
    } else {
        opened.servers.iter().for_each(|s| take(s.as_str().as_bytes()));
        take(&opened.started.as_microsecond().to_be_bytes());
    }
    let [.., a, b, c, d] = digest.to_be_bytes();
    u16::from_be_bytes([a ^ c, b ^ d])
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
        // What begins long after the end was proposed is not its failing.
        .any(|d| matches!(d.is, Is::Bad(n) if n >= rules.probes.min(2)) && goes_on(rules, incident, d));
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
