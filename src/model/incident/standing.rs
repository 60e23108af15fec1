//! What waits because of an incident: read as it goes on, and of the time before it was opened from the samples that there are.
//! What its backlog comes to is put on record now and then, and not after it is over for long: the next outage is another one.

use jiff::Timestamp;

use crate::domain::incident::fact::{BacklogSeen, Failed, How};
use crate::domain::incident::gauge::{Gauge, Read};
use crate::domain::incident::opening::Conclusion;
use crate::domain::incident::{Backlog, Entry, Incident, Moment};
use crate::domain::{Name, Span};
use crate::model::{Queue, Server};

use super::{AFTER, Case, Servers};

/// What a backlog comes to is put on record this often while it grows.
const MEASURED: Span = Span::from_mins(10);

impl Case {
    /// A queue of one of its servers was read. `newest` is when the newest incident of that server was put on record.
    pub(super) fn read(
        &mut self,
        (server, queue): (&Name, &Name),
        read: Read,
        servers: &Servers,
        newest: Option<Moment>,
    ) {
        if self.is_past(read.at, newest) {
            // Should it open again, nobody counted in between.
            self.gauge = Gauge::default();
            return;
        }
        let Incident {
            backlog, servers: its, ..
        } = &mut self.incident;
        let all = queues(servers, &*its).map(|(s, q)| (&s.name, &q.name));
        self.gauge.seen(backlog, (server, queue), read, all);
    }

    /// Whether what waits at a moment is no longer its concern: it is over, and what waited went or that was long ago; or its end
    /// was proposed, and what waited went long ago or something else began there.
    fn is_past(&self, at: Moment, newest: Option<Moment>) -> bool {
        let i = &self.incident;
        let long_ago = |over: Moment| over.until(at) > AFTER;
        let (resolved, proposed) = (i.resolved(), i.end.as_ref().map(|(at, _)| *at));
        let another = resolved
            .or(proposed)
            .zip(newest)
            .is_some_and(|(over, other)| over.precedes(other));
        // There may have been nothing to be cleared.
        let went = i.backlog.cleared.is_some() || i.backlog.peak.is_none_or(|(n, _)| i.backlog.is_no_more(n));
        another
            || resolved.is_some_and(|r| i.backlog.cleared.is_some() || long_ago(r))
            || (went && proposed.is_some_and(long_ago))
    }

    /// Takes in what is known of the queues of its servers from its start until `now`: it is opened some time after it began, by
    /// hand perhaps long after.
    pub(super) fn seed(&mut self, servers: &Servers, now: Moment) {
        let incident = &mut self.incident;
        let start = incident.start().at;
        if incident.backlog.stood.is_none() {
            incident.backlog.stood = stood_at(servers, &incident.servers, start.at);
        }
        // Samples bear the wall clock's time alone.
        if start.steps != now.steps {
            return;
        }
        let all = queues(servers, &incident.servers).map(|(s, q)| (&s.name, &q.name));
        let mut reads: Vec<(&Name, &Name, Read)> = queues(servers, &incident.servers)
            .flat_map(|(s, q)| since(s, q, start, now).map(|read| (&s.name, &q.name, read)))
            .collect();
        if reads.is_empty() {
            return;
        }
        reads.sort_by_key(|(_, _, read)| read.at.at);
        let mut older = Backlog {
            stood: incident.backlog.stood,
            ..Backlog::default()
        };
        self.gauge = Gauge::default();
        for (server, queue, read) in reads {
            self.gauge.seen(&mut older, (server, queue), read, all.clone());
        }
        incident.backlog.seeded(&older);
    }

    /// What its backlog came to, when that is to be put on record: now and then while it grows, and when it is cleared.
    pub(super) fn to_record(&self, now: Moment) -> Option<Conclusion> {
        // A little longer than it is counted, so that the last of it is on record.
        if self
            .incident
            .resolved()
            .is_some_and(|r| r.until(now) > AFTER + MEASURED * 2)
        {
            return None;
        }
        let backlog = &self.incident.backlog;
        let (peak, at) = backlog.peak?;
        let seen = BacklogSeen {
            peak,
            peak_at: at.at,
            cleared_at: backlog.cleared.map(|c| c.at),
            mail_minutes: backlog.mail_minutes,
            unseen: backlog.unseen,
        };
        let due = match &self.measured {
            None => self.incident.opened.how == How::Rule || peak > 0,
            Some((_, last)) if *last == seen => false,
            Some((_, last)) if last.cleared_at != seen.cleared_at => true,
            Some((when, _)) => when.until(now) >= MEASURED,
        };
        due.then(|| Conclusion {
            id: Some(self.incident.id.clone()),
            entry: Entry::BacklogSeen(seen),
        })
    }
}

/// The queues of these servers, as far as they are watched.
fn queues<'m>(
    servers: &'m Servers,
    names: impl IntoIterator<Item = &'m Name, IntoIter: Clone>,
) -> impl Iterator<Item = (&'m Server, &'m Queue)> + Clone {
    names
        .into_iter()
        .filter_map(|n| servers.get(n))
        .flat_map(|s| s.queues.values().map(move |q| (s, q)))
}

/// The samples of a queue from `start` until `now`, the first one as it held at the start.
fn since(server: &Server, queue: &Queue, start: Moment, now: Moment) -> impl Iterator<Item = Read> {
    let next_look = queue.depth.last().and_then(|s| s.next_look).unwrap_or_default();
    let good_for = server.good_for().max(next_look * 2);
    let samples = queue.samples();
    let holds = move |at: Timestamp| Span::between(at, start.at) <= good_for;
    let first = samples.partition_point(|s| s.at <= start.at);
    let before = first
        .checked_sub(1)
        .and_then(|n| samples.get(n))
        .filter(|s| holds(s.at));
    let within = samples.range(first..).take_while(move |s| s.at <= now.at);
    before.into_iter().chain(within).map(move |s| Read {
        depth: s.depth,
        at: Moment::new(s.at.max(start.at), start.steps),
        good_for,
    })
}

/// How many messages stood in the queues of these servers at a moment; `None` when one of them was not read before it, or when
/// it is not known which queues a server has.
pub(super) fn stood_at<'m>(
    servers: &'m Servers,
    names: impl IntoIterator<Item = &'m Name>,
    at: Timestamp,
) -> Option<u64> {
    let before = |q: &Queue| q.samples().iter().rev().find(|s| s.at <= at).map(|s| s.depth);
    names.into_iter().try_fold(0, |sum, name| {
        let server = servers.get(name)?;
        if server.watched.is_none() && server.queues.is_empty() {
            return None;
        }
        server.queues.values().try_fold(sum, |sum, q| Some(sum + before(q)?))
    })
}

/// The same of the servers of these doors that an incident has not yet, when it began.
pub(super) fn stood_at_new(servers: &Servers, incident: &Incident, doors: &[Failed]) -> Option<u64> {
    let new: std::collections::BTreeSet<&Name> = doors
        .iter()
        .map(|d| &d.server)
        .filter(|s| !incident.servers.contains(*s))
        .collect();
    stood_at(servers, new.iter().copied(), incident.start().at.at)
}
