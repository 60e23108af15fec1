//! Incidents as known: the fold of what is on record of each, what its backlog comes to, the doors as the opening rules see
//! them, and its part of the timeline. The one observer that holds the desk's lease asks for what follows from that
//! ([`Model::conclusions`]) and puts it on record; everybody else only folds.

mod run;
mod standing;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::event::{Event, Fact, Subject};
use crate::domain::forecast::Drain;
use crate::domain::health::Verdict;
use crate::domain::incident::fact::{BacklogIs, BacklogSeen, Failed, Joined};
use crate::domain::incident::gauge::{Gauge, Read};
use crate::domain::incident::opening::{Conclusion, DoorNow, Rules, conclude};
use crate::domain::incident::{Entry, Incident, IncidentId, Moment};
use crate::domain::{Name, Span, Text};

use run::Run;

use super::timeline::{Line, Source, Timeline, What, absent};
use super::{Model, Server};

/// Incidents kept in memory, the newest; the journal has all of them.
const KEEP: usize = 64;
/// The lines of a timeline begin so long before the incident did, and end so long after it.
const BEFORE: Span = Span::from_mins(10);
const AFTER: Span = Span::from_hours(1);

/// The servers, by name.
type Servers = BTreeMap<Name, Server>;

#[derive(Clone, Debug)]
struct Case {
    incident: Incident,
    gauge: Gauge,
    measured: Option<(Moment, BacklogSeen)>,
}

/// Which incidents are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Kept {
    /// The newest.
    #[default]
    Newest,
    /// All of them.
    All,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    steps: Span,
    kept: Kept,
    cases: BTreeMap<IncidentId, Case>,
    runs: BTreeMap<(Name, Name), Run>,
    /// Everything that matters, of the whole fleet.
    pub(super) timeline: Timeline,
}

impl Desk {
    /// A moment of the record that is being read.
    pub(super) const fn moment(&self, at: Timestamp) -> Moment {
        Moment::new(at, self.steps)
    }

    /// What was said of an incident.
    pub(super) fn entered(&mut self, id: &IncidentId, entry: &Entry, at: Timestamp, servers: &Servers) {
        let now = self.moment(at);
        let again = self.cases.get(id).and_then(|case| opened_again(&case.incident, entry));
        match (self.cases.get_mut(id), entry) {
            (Some(case), entry) => {
                let before = case.incident.servers.len();
                case.incident.take(entry, now);
                if case.incident.servers.len() > before {
                    case.seed(servers, now);
                }
                if let Entry::BacklogSeen(seen) = entry {
                    case.measured = Some((now, seen.clone()));
                }
            }
            (None, Entry::Opened(opened)) => {
                let incident = Incident::new(id.clone(), (**opened).clone(), now);
                let mut case = Case {
                    incident,
                    gauge: Gauge::default(),
                    measured: None,
                };
                case.seed(servers, now);
                self.cases.insert(id.clone(), case);
                self.forget();
            }
            // The beginning of its record is lost; what was said of it stays on the timeline.
            (None, _) => {}
        }
        let entry = again.as_ref().unwrap_or(entry);
        // What a backlog comes to is a clock and no event.
        let is_told = match entry {
            Entry::BacklogSeen(_) => false,
            Entry::Joined(j) => !j.doors.is_empty(),
            _ => true,
        };
        if is_told {
            self.timeline.push(Line {
                at: stamped(entry, now),
                source: source(entry),
                of: Some(id.clone()),
                what: What::Entry(Box::new(entry.clone())),
            });
        }
    }

    fn forget(&mut self) {
        while self.kept == Kept::Newest && self.cases.len() > KEEP {
            let oldest = |over: fn(&Incident) -> bool| {
                let all = self.cases.values().filter(move |c| over(&c.incident));
                all.min_by_key(|c| c.incident.touched.at).map(|c| c.incident.id.clone())
            };
            match oldest(Incident::is_resolved).or_else(|| oldest(|_| true)) {
                Some(id) => self.cases.remove(&id),
                None => return,
            };
        }
    }

    /// When the newest incident of this server was put on record.
    fn newest_of(&self, server: &Name) -> Option<Moment> {
        let all = self.cases.values().map(|c| &c.incident);
        let its = all.filter(|i| i.servers.contains(server)).map(|i| i.noticed);
        its.reduce(|newest, at| if newest.precedes(at) { at } else { newest })
    }

    /// The clock was set.
    pub(super) fn clock_set(&mut self, by: Span, at: Timestamp) {
        self.steps = self.steps + by;
        let at = self.moment(at);
        self.timeline.clock_set(by, at);
    }

    /// A fact about a part of a server was taken in by it.
    pub(super) fn saw(&mut self, about: &Subject, fact: &Fact, at: Timestamp, name: &Name, servers: &Servers) {
        let Some(server) = servers.get(name) else { return };
        let now = self.moment(at);
        if let Fact::Probed(_) | Fact::QueueSeen(_) | Fact::JobSeen(_) = fact {
            self.timeline.looked(now, server.every());
        }
        match (about, fact) {
            (Subject::Door { door, .. }, Fact::Probed(report)) => {
                // Of another address, it was not taken in.
                let taken = server.doors.get(door).is_some_and(|d| d.probe.at() == Some(at));
                if !taken {
                    return;
                }
                let verdict = report.verdict(server.limits(), at);
                let key = (server.name.clone(), door.clone());
                let works = report.failure.is_none() && verdict != Verdict::Unknown;
                let layer = report.failure.as_ref().map(|f| f.layer);
                let run = self.runs.entry(key.clone()).or_default();
                let absent = absent(server.every());
                match verdict {
                    Verdict::Down => run.bad(now, layer, absent),
                    _ if works => run.good(now, absent),
                    // It fails at what is no outage: an account, a limit. Good it is not.
                    _ if layer.is_some() => run.troubled(now, absent),
                    _ => {}
                }
                self.timeline.probed(key, report, verdict, now);
            }
            (Subject::Queue { queue, .. }, Fact::QueueSeen(snapshot)) if snapshot.complete() => {
                let (key, depth) = ((server.name.clone(), queue.clone()), snapshot.depth.total());
                // Looks at a dear queue are rarer by plan.
                let good_for = server.good_for().max(snapshot.next_look.unwrap_or_default() * 2);
                let read = Read {
                    depth,
                    at: now,
                    good_for,
                };
                let newest = self.newest_of(name);
                for case in self.cases.values_mut() {
                    if case.incident.servers.contains(name) {
                        case.read((name, queue), read, servers, newest);
                    }
                }
                self.timeline.queue_read(key, depth, now);
            }
            _ => {}
        }
    }
}

/// Another observer came to open it as well: what that adds to it.
fn opened_again(incident: &Incident, entry: &Entry) -> Option<Entry> {
    let Entry::Opened(again) = entry else { return None };
    let known = |f: &Failed| {
        let mut its = incident.doors.iter();
        its.any(|d| (&d.server, &d.door) == (&f.server, &f.door))
    };
    let doors = again.doors.iter().filter(|d| !known(d)).cloned().collect();
    let stood_before = None;
    Some(Entry::Joined(Joined { doors, stood_before }))
}

/// When an entry happened, where it says so.
fn stamped(entry: &Entry, now: Moment) -> Moment {
    let of = match entry {
        Entry::Noted(n) => n.of,
        Entry::UpdatePosted(p) => p.of,
        _ => None,
    };
    of.map_or(now, |at| Moment::new(at, now.steps))
}

fn source(entry: &Entry) -> Source {
    let by = match entry {
        Entry::Opened(o) => o.by.as_ref(),
        Entry::State(s) => s.by.as_ref(),
        Entry::Acknowledged(a) => Some(&a.by),
        Entry::Noted(n) => Some(&n.by),
        Entry::UpdatePosted(p) => Some(&p.by),
        Entry::TicketLinked(t) => Some(&t.by),
        Entry::StartCorrected(c) => Some(&c.by),
        Entry::Joined(_) | Entry::EndProposed(_) | Entry::BacklogSeen(_) => None,
    };
    by.map_or(Source::Rules, |by| Source::Person(by.clone()))
}

impl Model {
    /// One that keeps every incident: for a look at the record that ends, and not for what runs for months.
    #[must_use]
    pub const fn keeping_all_incidents(mut self) -> Self {
        self.desk.kept = Kept::All;
        self
    }

    /// `now` as a moment that lengths of time can be taken to.
    pub const fn moment(&self, now: Timestamp) -> Moment {
        self.desk.moment(now)
    }
    /// Incidents, the oldest first.
    pub fn incidents(&self) -> impl DoubleEndedIterator<Item = &Incident> {
        self.desk.cases.values().map(|c| &c.incident)
    }
    /// One incident.
    pub fn incident(&self, id: &IncidentId) -> Option<&Incident> {
        self.desk.cases.get(id).map(|c| &c.incident)
    }
    /// The incident to speak of: of those that go on the one that began first, and before those whose end is proposed.
    pub fn open_incident(&self) -> Option<&Incident> {
        let open = || self.incidents().filter(|i| !i.is_resolved());
        open().find(|i| i.end.is_none()).or_else(|| open().next())
    }
    /// When the lines of the timeline that are kept came.
    pub fn moments(&self) -> impl Iterator<Item = Timestamp> {
        self.desk.timeline.lines().map(|l| l.at.at)
    }
    /// How many lines of the timeline are not kept.
    pub const fn lines_left_out(&self) -> u64 {
        self.desk.timeline.left_out()
    }

    /// The timeline of an incident, oldest first: from shortly before it began until shortly after it was over.
    pub fn timeline(&self, incident: &Incident, now: Timestamp) -> Vec<Line> {
        let start = incident.start().at;
        let from = start.until(self.moment(now)) + BEFORE;
        let until = incident.resolved().map(|r| r.after(AFTER));
        let mine = |l: &&Line| match (&l.of, l.source.server()) {
            (Some(id), _) => *id == incident.id,
            (None, Some(server)) => incident.servers.contains(server) && within(l, self.moment(now), from, until),
            (None, None) => within(l, self.moment(now), from, until),
        };
        let mut lines: Vec<Line> = self.desk.timeline.lines().filter(mine).cloned().collect();
        lines.extend(self.gave_up(incident, now));
        let now = self.moment(now);
        lines.sort_by_key(|l| Span::ZERO - l.at.until(now));
        lines
    }

    /// Senders whose time was up while they could not deliver.
    fn gave_up(&self, incident: &Incident, now: Timestamp) -> Vec<Line> {
        let Some(out) = self.kept_out(incident, now) else {
            return Vec::new();
        };
        let line = |sender: &Text, after: Span| Line {
            at: out.since.after(after),
            source: Source::Senders,
            of: Some(incident.id.clone()),
            what: What::GaveUp(sender.clone(), after),
        };
        self.senders()
            .iter()
            .filter(|p| p.gives_up_after <= out.lasted())
            .map(|p| line(&p.sender, p.gives_up_after))
            .collect()
    }

    /// What is known of the backlog of an incident's servers.
    pub fn backlog_is(&self, incident: &Incident, now: Timestamp) -> BacklogIs {
        let servers = incident.servers.iter().filter_map(|s| self.server(s));
        let all: Vec<BacklogIs> = servers
            .flat_map(|s| s.queues.values().map(move |q| q.forecast(now, s.every()).drain))
            .map(|drain| match drain {
                Drain::Empty => BacklogIs::Cleared,
                Drain::Clears { .. } => BacklogIs::Clearing,
                Drain::Stalled | Drain::Growing { .. } => BacklogIs::Stands,
                Drain::Unknown { .. } => BacklogIs::Unknown,
            })
            .collect();
        let any = |is| all.contains(&is);
        match () {
            () if all.is_empty() => BacklogIs::NotWatched,
            () if self.is_no_more(incident, now) => BacklogIs::Cleared,
            () if any(BacklogIs::Unknown) => BacklogIs::Unknown,
            () if any(BacklogIs::Stands) => BacklogIs::Stands,
            () if any(BacklogIs::Clearing) => BacklogIs::Clearing,
            () => BacklogIs::Cleared,
        }
    }

    /// Whether no more waits than stood there before, or than any queue holds.
    fn is_no_more(&self, incident: &Incident, now: Timestamp) -> bool {
        let mut queues = incident
            .servers
            .iter()
            .filter_map(|s| self.server(s))
            .flat_map(|s| s.queues.values().map(move |q| (s, q)));
        let fresh = |(s, q): (&Server, &super::Queue)| q.reading(now, s.good_for()).fresh().map(|r| r.depth.total());
        let waits = queues.try_fold(0, |sum, q| Some(sum + fresh(q)?));
        waits.is_some_and(|n| incident.backlog.is_no_more(n))
    }

    /// What follows at `now` and is not on record yet.
    pub fn conclusions(&self, rules: &Rules, now: Timestamp) -> Vec<Conclusion> {
        let doors: Vec<DoorNow> = self
            .servers()
            .flat_map(|s| s.doors.values().map(move |d| (s, d)))
            .filter_map(|(s, d)| {
                self.desk
                    .runs
                    .get(&(s.name.clone(), d.name.clone()))?
                    .now(s, d, self.moment(now))
            })
            .collect();
        let incidents: Vec<&Incident> = self.incidents().collect();
        let backlog = |i: &Incident| self.backlog_is(i, now);
        let mut all = conclude(rules, &doors, &incidents, backlog, self.moment(now));
        for c in &mut all {
            match &mut c.entry {
                Entry::Opened(o) => o.stood_before = standing::stood_at(&self.servers, &o.servers, o.started),
                Entry::Joined(j) => {
                    let incident = c.id.as_ref().and_then(|id| self.incident(id));
                    j.stood_before = incident.and_then(|i| standing::stood_at_new(&self.servers, i, &j.doors));
                }
                _ => {}
            }
        }
        all.extend(self.desk.cases.values().filter_map(|c| c.to_record(self.moment(now))));
        all
    }
}

fn within(line: &Line, now: Moment, longest_ago: Span, until: Option<Moment>) -> bool {
    line.at.until(now) <= longest_ago && until.is_none_or(|u| !line.at.until(u).is_negative())
}

/// The incident that a word names: its id, the beginning of it, or its number.
///
/// # Errors
/// When there is none, or several.
pub fn named<'i>(incidents: impl Iterator<Item = &'i Incident>, word: &str) -> Result<&'i Incident, Text> {
    let word = word.trim();
    let fits = |i: &Incident| {
        let number = i.number.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(word));
        number || (!word.is_empty() && i.id.0.to_lowercase().starts_with(&word.to_lowercase()))
    };
    let all: Vec<&Incident> = incidents.filter(|i| fits(i)).collect();
    match all.as_slice() {
        [one] => Ok(one),
        [] => Err(format!(
            "there is no incident `{}`: `mailtop incident list` shows them",
            Text::from(word)
        )
        .into()),
        many => {
            let ids: Vec<&str> = many.iter().take(4).map(|i| i.id.0.as_str()).collect();
            Err(format!("`{}` means several incidents: {}", Text::from(word), ids.join(", ")).into())
        }
    }
}

/// Whether an event is of the desk's own: it concerns no server.
pub(super) fn of_incident(e: &Event) -> Option<(&IncidentId, &Entry)> {
    match (&e.about, &e.what) {
        (Subject::Incident { incident }, Fact::Incident(entry)) => Some((incident, entry)),
        _ => None,
    }
}
