//! One timeline of what matters, each line with its source: probes changing verdict, queues turning, jobs pausing and resuming
//! and what that did, what was said and done about incidents, the clock being set, and our own absence. It is of the whole
//! fleet and bounded; an incident's is the part of it that concerns it, so a start that is corrected later, or an incident
//! opened by hand, has the lines of before.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::domain::action::{Ending, Plan, Truth};
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::health::{Layer, ProbeReport, Verdict};
use crate::domain::incident::turn::{Turn, Turning};
use crate::domain::incident::{Entry, IncidentId, Moment};
use crate::domain::influence::Influence;
use crate::domain::{Name, Span, Text};

/// Lines kept; the journal has what they are made of.
const KEEP: usize = 4_000;
/// A door that works has to do so with trouble, or without, this often in a row before that is told: a probe that is slow
/// once is no event.
const IN_A_ROW: u32 = 3;
/// Without any look for so long, nobody was watching; longer where looks are rarer.
const ABSENT: Span = Span::from_mins(2);

/// Without a look for longer than this nobody was watching, where one is made each `every`. A look may be late: it waits for
/// those before it, each of which has its time-outs.
pub(super) fn absent(every: Span) -> Span {
    ABSENT.max(every * 6)
}

/// Where a line comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// A probe of this door.
    Probe(Name, Name),
    /// Readings of this queue.
    Queue(Name, Name),
    /// A maintenance job on this server.
    Job(Name, Name),
    /// A person.
    Person(Text),
    /// The rules by which incidents open and end.
    Rules,
    /// What senders' documentation says.
    Senders,
    /// Us: that nobody watched, that the clock was set.
    Observer,
}

/// The kinds of sources, to filter by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceKind {
    /// Probes.
    Probe,
    /// Queues.
    Queue,
    /// Jobs.
    Job,
    /// People.
    Person,
    /// The rules.
    Rules,
    /// Senders.
    Senders,
    /// Us.
    Observer,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Probe,
        Self::Queue,
        Self::Job,
        Self::Person,
        Self::Rules,
        Self::Senders,
        Self::Observer,
    ];
    /// The word used in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Queue => "queue",
            Self::Job => "job",
            Self::Person => "person",
            Self::Rules => "rules",
            Self::Senders => "senders",
            Self::Observer => "observer",
        }
    }
}

impl Source {
    /// Its kind.
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::Probe(..) => SourceKind::Probe,
            Self::Queue(..) => SourceKind::Queue,
            Self::Job(..) => SourceKind::Job,
            Self::Person(_) => SourceKind::Person,
            Self::Rules => SourceKind::Rules,
            Self::Senders => SourceKind::Senders,
            Self::Observer => SourceKind::Observer,
        }
    }
    /// The server that it speaks of.
    pub const fn server(&self) -> Option<&Name> {
        match self {
            Self::Probe(server, _) | Self::Queue(server, _) | Self::Job(server, _) => Some(server),
            _ => None,
        }
    }
    /// For a person: `imap on mbox1`, `lin@bastion`.
    pub fn words(&self) -> String {
        match self {
            Self::Probe(server, part) | Self::Queue(server, part) | Self::Job(server, part) => {
                format!("{part} on {server}")
            }
            Self::Person(by) => by.to_string(),
            Self::Rules => "rules".to_owned(),
            Self::Senders => "senders".to_owned(),
            Self::Observer => "mailtop".to_owned(),
        }
    }
}

/// What a line tells.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A door says something else now: where it fails, what was said, and for how long it was down before.
    Door {
        /// What it says now.
        verdict: Verdict,
        /// Where it fails, when it does.
        layer: Option<Layer>,
        /// In the server's words.
        said: Option<Text>,
        /// How long it had been down, when it was.
        after: Option<Span>,
    },
    /// A queue turned, at this many messages.
    Turned(Turn, u64),
    /// A job was acted on, or was found otherwise.
    Job(Text),
    /// An entry about an incident.
    Entry(Box<Entry>),
    /// Nobody was watching since that moment.
    Absent(Moment),
    /// A sender has given up mail of the first minute.
    GaveUp(Text, Span),
    /// The clock was set by so much.
    ClockSet(Span),
}

/// A line.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// When.
    pub at: Moment,
    /// Where it comes from.
    pub source: Source,
    /// The incident that it was said of; `None` for what was observed.
    pub of: Option<IncidentId>,
    /// What it tells.
    pub what: What,
}

/// How a door was told of last, and what it may be about to change to.
#[derive(Clone, Debug)]
struct Told {
    verdict: Verdict,
    layer: Option<Layer>,
    next: Verdict,
    times: u32,
    down_since: Option<Moment>,
}

/// The timeline of the fleet.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    lines: VecDeque<Line>,
    left_out: u64,
    doors: BTreeMap<(Name, Name), Told>,
    queues: BTreeMap<(Name, Name), Turning>,
    looked: Option<Moment>,
    known_from: Option<Timestamp>,
}

impl Timeline {
    /// The lines, in the order of the record.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter()
    }
    /// How many older ones are not kept.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Adds a line.
    pub(super) fn push(&mut self, line: Line) {
        self.lines.push_back(line);
        if self.lines.len() > KEEP {
            self.lines.pop_front();
            self.left_out += 1;
        }
    }

    fn observed(&mut self, at: Moment, source: Source, what: What) {
        self.push(Line {
            at,
            source,
            of: None,
            what,
        });
    }

    /// From when on it is told of all looks.
    pub(super) const fn known_from(&mut self, at: Timestamp) {
        self.known_from = Some(at);
    }

    /// Somebody looked at something; `every` is how often that is done.
    pub(super) fn looked(&mut self, at: Moment, every: Span) {
        if let Some(last) = self.looked
            && self.known_from.is_none_or(|from| last.at >= from)
            && last.until(at) > absent(every)
        {
            self.observed(at, Source::Observer, What::Absent(last));
        }
        self.looked = Some(at);
    }

    /// The clock was set.
    pub(super) fn clock_set(&mut self, by: Span, at: Moment) {
        self.observed(at, Source::Observer, What::ClockSet(by));
    }

    /// A door was probed.
    pub(super) fn probed(&mut self, about: (Name, Name), report: &ProbeReport, verdict: Verdict, at: Moment) {
        let layer = report
            .failure
            .as_ref()
            .map(|f| f.layer)
            .filter(|_| verdict == Verdict::Down);
        let down_since = (verdict == Verdict::Down).then_some(at);
        let Some(told) = self.doors.get_mut(&about) else {
            let told = Told {
                verdict,
                layer,
                next: verdict,
                times: 0,
                down_since,
            };
            self.doors.insert(about.clone(), told);
            // What was good from the beginning on is no event.
            if verdict == Verdict::Down {
                self.door(about, report, verdict, layer, None, at);
            }
            return;
        };
        if told.next == verdict {
            told.times += 1;
        } else {
            (told.next, told.times) = (verdict, 1);
        }
        if (told.verdict, told.layer) == (verdict, layer) {
            return;
        }
        let grave = [told.verdict, verdict].contains(&Verdict::Down);
        if !grave && told.times < IN_A_ROW {
            return;
        }
        let after = told
            .down_since
            .filter(|_| verdict != Verdict::Down)
            .map(|s| s.until(at));
        (told.verdict, told.layer) = (verdict, layer);
        told.down_since = down_since.map(|at| told.down_since.unwrap_or(at));
        self.door(about, report, verdict, layer, after, at);
    }

    fn door(
        &mut self,
        (server, door): (Name, Name),
        report: &ProbeReport,
        verdict: Verdict,
        layer: Option<Layer>,
        after: Option<Span>,
        at: Moment,
    ) {
        let said = report.failure.as_ref().map(|f| Text::from(f.to_string()));
        let what = What::Door {
            verdict,
            layer,
            said,
            after,
        };
        self.observed(at, Source::Probe(server, door), what);
    }

    /// A queue was read completely.
    pub(super) fn queue_read(&mut self, about: (Name, Name), depth: u64, at: Moment) {
        let Some(turning) = self.queues.get_mut(&about) else {
            self.queues.insert(about, Turning::new(depth, at));
            return;
        };
        let turned = turning.seen(depth, at);
        if let Some(turn) = turned {
            self.observed(at, Source::Queue(about.0, about.1), What::Turned(turn, depth));
        }
    }

    /// Something was done to a job. `plan` finds the plan of an action.
    pub(super) fn acted(&mut self, e: &Event, at: Moment, plan: Option<&Plan>) {
        let words = job_words(&e.what, plan);
        let about = match &e.about {
            Subject::Job { server, job } => Some((server.clone(), job.clone())),
            _ => plan.map(|p| (p.server.clone(), p.job.clone())),
        };
        if let (Some(words), Some((server, job))) = (words, about) {
            self.observed(at, Source::Job(server, job), What::Job(words.into()));
        }
    }
}

/// What was done to a job, or found of it, in words.
fn job_words(fact: &Fact, plan: Option<&Plan>) -> Option<String> {
    let verb = plan.map_or("action", Plan::word);
    Some(match fact {
        Fact::ActionPlanned(p) => {
            let lasts = p.lasts.map(|l| format!(" for {l}")).unwrap_or_default();
            format!("{}{lasts}, by {}: {}", p.word(), p.by, p.reason)
        }
        Fact::ActionReadBack(back) => match &back.truth {
            Truth::Contradicted { found } => format!("{verb} contradicted: found {}", found.state),
            Truth::Unverifiable { why } => format!("{verb} cannot be verified: {why}"),
            truth => format!("{verb} {}", truth.word()),
        },
        Fact::ActionRan(ran) => format!("{verb} failed: {}", ran.failed.as_ref()?),
        Fact::ActionMeasured(m) => did(verb, &m.queue, &m.influence)?,
        Fact::ActionLost(lost) => format!("{verb}: outcome unknown: {}", lost.why),
        Fact::PauseEnded(ended) => match ended.how {
            Ending::Expired => format!("pause ended by itself, found {}", ended.found.state),
            Ending::Gone => "what was paused is gone".to_owned(),
        },
        Fact::Drifted(d) => format!("found {}, should be {}", d.found.state, d.expected),
        _ => return None,
    })
}

/// What an action did to the flow of a queue, in words; `None` while that is too early to tell.
pub fn did(verb: &str, queue: &Name, influence: &Influence) -> Option<String> {
    Some(match influence {
        Influence::Changed {
            before_per_min: before,
            after_per_min: after,
            ..
        } => format!("after the {verb}: {before:.0} → {after:.0} messages a minute leave {queue}"),
        Influence::NetChanged {
            before_per_min: before,
            after_per_min: after,
            ..
        } => format!("after the {verb}: {queue} net {before:+.0} → {after:+.0} a minute"),
        Influence::NotVisible { .. } => format!("after the {verb}: no change to be seen in {queue}"),
        Influence::TooEarly { .. } => return None,
        Influence::Unknown { why } => format!("what the {verb} did to {queue} is not known: {why}"),
    })
}

impl Line {
    /// What it tells, for a person; `when` writes a time of day.
    pub fn words(&self, when: &dyn Fn(Timestamp) -> String) -> String {
        match &self.what {
            What::Door {
                verdict: Verdict::Down,
                layer,
                said,
                ..
            } => {
                let layer = layer.map_or("down", Layer::word);
                let said = said.as_ref().map(|s| format!(": {s}")).unwrap_or_default();
                format!("down: {layer}{said}")
            }
            What::Door { verdict, after, .. } => match after {
                Some(after) => format!("{verdict} again, after {after}"),
                None => verdict.word().to_owned(),
            },
            What::Turned(turn, depth) => match turn {
                Turn::Grows(from, _) => format!("grows: {from} → {depth}"),
                Turn::Falls(from, at) => format!("falls: {depth}, from {from} at {}", when(at.at)),
                Turn::Stands(depth) => format!("stands at {depth}"),
                Turn::Clear => format!("clear: {depth}"),
            },
            What::Job(words) => words.to_string(),
            What::Entry(entry) => entry_words(entry, when),
            What::Absent(since) => format!("nobody was watching {}–{}", when(since.at), when(self.at.at)),
            What::GaveUp(sender, after) => {
                format!("{sender} gives up mail of the first minute ({after}), by its documentation")
            }
            What::ClockSet(by) if by.is_negative() => format!("the clock was set back by {}", Span::ZERO - *by),
            What::ClockSet(by) => format!("the clock was set forward by {by}"),
        }
    }
}

/// An entry about an incident, for a person.
pub fn entry_words(entry: &Entry, when: &dyn Fn(Timestamp) -> String) -> String {
    match entry {
        Entry::Opened(o) => match o.last_good {
            Some(good) => format!(
                "opened: {} (last good {}, first bad {})",
                o.name,
                when(good),
                when(o.started)
            ),
            None => format!("opened: {} (since {})", o.name, when(o.started)),
        },
        Entry::Joined(j) => {
            let all: Vec<String> = j
                .doors
                .iter()
                .take(4)
                .map(|d| format!("{} on {} ({})", d.door, d.server, d.layer))
                .collect();
            let more = j.doors.len().saturating_sub(4);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("joined: {}{more}", all.join(", "))
        }
        Entry::State(s) => match &s.why {
            Some(why) => format!("{}: {why}", s.to),
            None => s.to.word().to_owned(),
        },
        Entry::Acknowledged(_) => "acknowledged".to_owned(),
        Entry::Noted(n) => n.text.to_string(),
        Entry::UpdatePosted(p) => {
            let first = p.lines.iter().find(|l| !l.trim().is_empty()).map_or("", |l| l.as_str());
            let next = p
                .next_at
                .map(|n| format!(" (next promised for {})", when(n)))
                .unwrap_or_default();
            format!("public update{next}: {first}")
        }
        Entry::TicketLinked(t) => {
            let affected: Vec<&str> = t.affected.iter().map(Text::as_str).collect();
            let of = if affected.is_empty() {
                String::new()
            } else {
                format!(", affected: {}", affected.join(", "))
            };
            format!("ticket {}{of}", t.ticket)
        }
        Entry::StartCorrected(c) => match c.at {
            Some(at) => format!("start corrected to {}", when(at)),
            None => "start as the record has it again".to_owned(),
        },
        Entry::EndProposed(e) => match &e.restored {
            Some(r) => format!(
                "end proposed: last bad {}, first good {}, {}",
                when(r.last_bad),
                when(r.first_good),
                r.backlog.words()
            ),
            None => "it fails again: the end is no longer proposed".to_owned(),
        },
        Entry::BacklogSeen(b) => format!("backlog: peak {} at {}", b.peak, when(b.peak_at)),
    }
}
