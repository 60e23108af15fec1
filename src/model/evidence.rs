//! What a draft of an update may say of an incident: from fresh readings of the whole fleet's doors by their role, the queues
//! of the incident's servers, and its clocks. What was not seen lately is not in it.

use jiff::Timestamp;

use crate::domain::door::Role;
use crate::domain::forecast::Drain;
use crate::domain::health::Verdict;
use crate::domain::incident::Incident;
use crate::domain::incident::clocks::clocks;
use crate::domain::incident::debt::{self, Cadence};
use crate::domain::incident::evidence::{DoorSeen, Evidence, RoleSeen};
use crate::domain::{Span, Text};

use super::{Door, Model, Queue, Server};

impl Model {
    /// What was observed of an incident by `now`.
    pub fn evidence(&self, incident: &Incident, cadence: Cadence, now: Timestamp) -> Evidence {
        let start = incident.start();
        let c = clocks(incident);
        let stopped =
            |clock: &crate::domain::incident::clocks::Clock| (!clock.runs()).then(|| clock.lasted(self.moment(now)));
        let over = incident.restored().unwrap_or(self.moment(now));
        let lasted = start.at.until(over);
        let known = !self.senders().is_empty();
        let gave_up = |lasted: Span| {
            let up = self.senders().iter().filter(|p| p.gives_up_after <= lasted);
            up.map(|p| (p.sender.clone(), p.gives_up_after)).collect()
        };
        let next = self.senders().iter().filter(|p| p.gives_up_after > lasted);
        let next = next.min_by_key(|p| p.gives_up_after);
        let queues: Vec<(&Server, &Queue)> = incident
            .servers
            .iter()
            .filter_map(|s| self.server(s))
            .flat_map(|s| s.queues.values().map(move |q| (s, q)))
            .collect();
        Evidence {
            now,
            name: incident.name().clone(),
            number: incident.number.clone(),
            state: incident.state,
            layer: incident.layer(),
            servers: incident.servers.iter().cloned().collect(),
            started: start.at.at,
            started_by: start.by,
            probes: start.probes,
            lasted: start.at.until(self.moment(now)),
            roles: Role::ALL.into_iter().map(|r| self.role_seen(r, now)).collect(),
            said: self.said(incident, now),
            waiting: waiting(&queues, now),
            clears: clears(&queues, now),
            peak: incident.backlog.peak.map(|(n, at)| (n, at.at)),
            cleared: incident.backlog.cleared.map(|at| at.at),
            mail_minutes: c.mail_minutes,
            gave_up: known.then(|| gave_up(lasted)),
            gives_up_next: next
                .filter(|_| incident.restored().is_none())
                .map(|p| (p.sender.clone(), start.at.after(p.gives_up_after).at)),
            detected: stopped(&c.detected),
            acknowledged: stopped(&c.acknowledged),
            restored: incident
                .restored()
                .zip(incident.end.as_ref())
                .map(|(good, (_, r))| (r.last_bad, good.at, start.at.until(good))),
            resolved: incident.resolved().map(|at| at.at),
            next_update: (!incident.is_resolved()).then(|| debt::every(incident, cadence, now).after(now)),
        }
    }

    /// What fresh probes of all doors of a role say.
    fn role_seen(&self, role: Role, now: Timestamp) -> RoleSeen {
        let is = |d: &Door| d.watched.as_ref().is_some_and(|w| w.role == role);
        let doors = self
            .servers()
            .flat_map(|s| s.doors.values().map(move |d| (s, d)))
            .filter(|(_, d)| is(d));
        let (mut seen, mut unclear) = (Vec::new(), 0);
        for (server, door) in doors {
            match door_seen(server, door, now) {
                Some(one) => seen.push(one),
                None => unclear += 1,
            }
        }
        RoleSeen { role, seen, unclear }
    }

    /// The words of the failure of its doors that was seen last.
    fn said(&self, incident: &Incident, now: Timestamp) -> Option<Text> {
        let servers = incident.servers.iter().filter_map(|s| self.server(s));
        let failing = servers
            .flat_map(|s| s.doors.values().map(move |d| (s, d)))
            .filter_map(|(s, d)| {
                let reading = d.probe.reading(now, s.good_for());
                let failure = reading.fresh()?.failure.as_ref()?;
                Some((reading.at()?, Text::from(failure.to_string())))
            });
        failing.max_by_key(|(at, _)| *at).map(|(_, said)| said)
    }
}

/// A door whose last probe is fresh and says that it is down, or that it does all that it is for. An anonymous probe of an
/// outbound door ends at the greeting: that is no sending that was seen to work.
fn door_seen(server: &Server, door: &Door, now: Timestamp) -> Option<DoorSeen> {
    let reading = door.probe.reading(now, server.good_for());
    let report = reading.fresh()?;
    let watched = door.watched.as_ref()?;
    let down = report.verdict(server.limits(), now) == Verdict::Down;
    let proved = report.failure.is_none() && report.goal.as_far_as().is_none();
    if !down && !proved {
        return None;
    }
    Some(DoorSeen {
        server: server.name.clone(),
        door: door.name.clone(),
        protocol: watched.protocol,
        at: reading.at()?,
        fails: report.failure.as_ref().map(|f| f.layer).filter(|_| down),
        since: door.failing_since.filter(|_| down),
    })
}

fn waiting(queues: &[(&Server, &Queue)], now: Timestamp) -> Option<u64> {
    if queues.is_empty() {
        return None;
    }
    queues.iter().try_fold(0, |sum, (s, q)| {
        Some(sum + q.reading(now, s.good_for()).fresh()?.depth.total())
    })
}

/// When the last of its queues is clear, as a range; `None` unless that is known of each.
fn clears(queues: &[(&Server, &Queue)], now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let mut range: Option<(Timestamp, Timestamp)> = None;
    for (s, q) in queues {
        if q.forecast(now, s.every()).drain == Drain::Empty {
            continue;
        }
        let [early, _, late] = q.clears(now, s.every())?;
        range = Some(range.map_or((early, late), |(a, b)| (a.max(early), b.max(late))));
    }
    range
}
