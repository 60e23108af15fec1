//! What a draft of an update may say of an incident: from fresh readings of the whole fleet's doors by their role, the queues
//! of the incident's servers, and its clocks. What was not seen lately is not in it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::Text;
use crate::domain::door::Role;
use crate::domain::event::ObserverId;
use crate::domain::forecast::Drain;
use crate::domain::health::{Layer, Verdict};
use crate::domain::incident::Incident;
use crate::domain::incident::clocks::clocks;
use crate::domain::incident::debt::{self, Cadence};
use crate::domain::incident::evidence::{DoorSeen, Evidence, RoleSeen, Whose};

use super::role::late_letters;
use super::{Door, Model, Queue, Server};

impl Model {
    /// What was observed of an incident by `now`.
    pub fn evidence(&self, incident: &Incident, cadence: Cadence, now: Timestamp) -> Evidence {
        let start = incident.start();
        let c = clocks(incident);
        let stopped =
            |clock: &crate::domain::incident::clocks::Clock| (!clock.runs()).then(|| clock.lasted(self.moment(now)));
        let out = self.kept_out(incident, now);
        let lasted = out.map(|o| o.lasted());
        let known = !self.senders().is_empty();
        let gave_up = || {
            let up = self.senders().iter().filter(|p| Some(p.gives_up_after) <= lasted);
            up.map(|p| (p.sender.clone(), p.gives_up_after)).collect()
        };
        let next = self.senders().iter().filter(|p| Some(p.gives_up_after) > lasted);
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
            from: self.looks_from.first().filter(|_| self.looks_from.len() == 1).cloned(),
            reached: self.reached(now),
            roles: Role::ALL
                .into_iter()
                .map(|r| self.role_seen(incident, r, now))
                .collect(),
            said: self.said(incident, now),
            waiting: waiting(&queues, now),
            queues: queues
                .iter()
                .map(|(s, _)| s.name.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            clears: clears(&queues, now),
            peak: incident.backlog.peak.map(|(n, at)| (n, at.at)),
            cleared: incident.backlog.cleared.map(|at| at.at),
            mail_minutes: c.mail_minutes,
            kept_out: out.map(|o| (o.since.at, o.over.then_some(o.until.at))),
            gave_up: known.then(gave_up),
            gives_up_next: out
                .filter(|o| !o.over)
                .zip(next)
                .map(|(o, p)| (p.sender.clone(), o.since.after(p.gives_up_after).at)),
            detected: stopped(&c.detected),
            acknowledged: stopped(&c.acknowledged),
            restored: incident
                .restored()
                .zip(incident.end.as_ref())
                .map(|(good, (_, r))| (r.last_bad, good.at, start.at.until(good))),
            seen_good: self.seen_good(incident, now),
            resolved: incident.resolved().map(|at| at.at),
            next_update: (!incident.is_resolved()).then(|| debt::every(incident, cadence, now).after(now)),
        }
    }

    /// An observer probed a door.
    pub(super) fn looked_from(&mut self, observer: &ObserverId) {
        if let Some(host) = host(observer)
            && self.looks_from.len() < 2
            && !self.looks_from.iter().any(|h| h.as_str() == host)
        {
            self.looks_from.insert(host.into());
        }
    }

    /// Up to when every door of an incident has been seen good, as fresh probes say; `None` unless they say that of each.
    pub fn seen_good(&self, incident: &Incident, now: Timestamp) -> Option<Timestamp> {
        let servers = incident.servers.iter().map(|s| self.server(s));
        let mine = |s: &Server, d: &Door| {
            let failed = |f: &crate::domain::incident::fact::Failed| f.server == s.name && f.door == d.name;
            incident.doors.is_empty() || incident.doors.iter().any(failed)
        };
        let mut last: Option<Timestamp> = None;
        let mut doors = 0;
        for server in servers {
            let server = server?;
            for door in server.doors.values().filter(|d| mine(server, d)) {
                let reading = door.probe.reading(now, server.good_for());
                let report = reading.fresh()?;
                let good = report.failure.is_none() && report.verdict(server.limits(), now) != Verdict::Unknown;
                let at = reading.at().filter(|_| good)?;
                last = Some(last.map_or(at, |l| l.min(at)));
                doors += 1;
            }
        }
        // A door that is no longer watched is not seen.
        last.filter(|_| doors >= incident.doors.len())
    }

    /// When any door of the fleet was got to last, whatever it said then.
    fn reached(&self, now: Timestamp) -> Option<Timestamp> {
        let doors = self.servers().flat_map(|s| s.doors.values().map(move |d| (s, d)));
        let got_to = |(s, d): (&Server, &Door)| {
            let reading = d.probe.reading(now, s.good_for());
            let layer = reading.fresh()?.failure.as_ref().map(|f| f.layer);
            reading
                .at()
                .filter(|_| !matches!(layer, Some(Layer::Name | Layer::Network)))
        };
        doors.filter_map(got_to).max()
    }

    /// What a server that fails has to do with an incident. One that names no server is meant for all that no other one has.
    fn whose(&self, incident: &Incident, server: &Server) -> Whose {
        if incident.servers.contains(&server.name) {
            return Whose::This;
        }
        let mut others = self.incidents().filter(|i| i.id != incident.id && !i.is_resolved());
        match others.find(|i| i.servers.contains(&server.name)) {
            Some(other) => Whose::Another(other.called().into()),
            None if incident.servers.is_empty() => Whose::This,
            None => Whose::Nobody,
        }
    }

    /// What fresh probes of all doors of a role say.
    fn role_seen(&self, incident: &Incident, role: Role, now: Timestamp) -> RoleSeen {
        let is = |d: &Door| d.watched.as_ref().is_some_and(|w| w.role == role);
        let doors = self
            .servers()
            .flat_map(|s| s.doors.values().map(move |d| (s, d)))
            .filter(|(_, d)| is(d));
        let (mut seen, mut unclear) = (Vec::new(), 0);
        for (server, door) in doors {
            match door_seen(server, door, now) {
                Some(one) => seen.push(DoorSeen {
                    whose: self.whose(incident, server),
                    ..one
                }),
                None => unclear += 1,
            }
        }
        let letters = if role == Role::Inbound {
            late_letters(self, now).len()
        } else {
            0
        };
        RoleSeen {
            role,
            seen,
            unclear,
            letters,
        }
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
        whose: Whose::default(),
    })
}

/// The host of an observer: `login@host:pid`.
fn host(observer: &ObserverId) -> Option<&str> {
    let (_, place) = observer.0.split_once('@')?;
    let (host, _) = place.rsplit_once(':')?;
    (!host.is_empty()).then_some(host)
}

fn waiting(queues: &[(&Server, &Queue)], now: Timestamp) -> Option<u64> {
    if queues.is_empty() {
        return None;
    }
    queues.iter().try_fold(0, |sum, (s, q)| {
        let read = q.reading(now, s.good_for());
        let read = read.fresh().filter(|r| r.complete())?;
        Some(sum + read.depth.total())
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
