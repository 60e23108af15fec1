//! What a chart draws, as a fold over events: the depth of each queue, what came in and went out, and what probes of each door
//! said. A chart has so many columns whatever the record holds, so each column keeps the least and the most that was read in
//! it, and figures (the peak, counts) are taken from every event. Where nobody read, a column is empty.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::door::{Protocol, Role};
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::flow::{FlowCounts, FlowSeen, FlowSource};
use crate::domain::health::{Layer, Limits, ProbeReport, Verdict};
use crate::domain::queue::QueueSnapshot;
use crate::domain::roster::{Roster, Watched};
use crate::domain::{Name, Span};

/// Columns of a chart: a little under two units of its width each.
pub const COLUMNS: usize = 480;
/// A queue whose looks are set further apart than this is unseen in between.
const LONGEST_STEP: Span = Span::from_mins(30);
/// Of a column, in percent, that has to be counted before a rate stands for it.
const COUNTED: i64 = 20;

/// A server and a part of it.
pub type Key = (Name, Name);

/// The stretch of time that is drawn, cut into columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
}

impl Range {
    fn length(self) -> i64 {
        Span::between(self.from, self.until).micros().max(1)
    }
    /// How far into it a moment is, from 0 to 1 inside.
    pub fn share(self, at: Timestamp) -> f64 {
        Span::between(self.from, at).micros() as f64 / self.length() as f64
    }
    /// How long a column is.
    pub fn column(self) -> Span {
        Span::from_micros(self.length() / COLUMNS as i64)
    }
    /// Whether a moment is inside.
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at <= self.until
    }
    /// Whether a moment belongs to it: its end is the first moment after it.
    fn counts(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
    fn index(self, at: Timestamp) -> usize {
        let place = i128::from(Span::between(self.from, at).micros()) * COLUMNS as i128 / i128::from(self.length());
        usize::try_from(place).unwrap_or(0).min(COLUMNS - 1)
    }
    /// When a column begins.
    pub fn begins(self, column: usize) -> Timestamp {
        let micros = i128::from(self.length()) * column as i128 / COLUMNS as i128;
        Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)).after(self.from)
    }
}

/// Readings of a depth in one column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// The first.
    pub first: u64,
    /// The least.
    pub least: u64,
    /// The most.
    pub most: u64,
    /// The last.
    pub last: u64,
    /// Whether the reading before the first one still held: else there is a gap before it.
    pub joined: bool,
}

/// The depth of a queue.
#[derive(Clone, PartialEq, Debug)]
pub struct Depths {
    /// By column.
    pub columns: Vec<Option<Column>>,
    /// The most that was read, and when first.
    pub peak: Option<(u64, Timestamp)>,
    /// The first reading.
    pub first: Option<(u64, Timestamp)>,
    /// The last reading.
    pub last: Option<(u64, Timestamp)>,
    /// Whole readings.
    pub readings: u64,
    /// Readings that failed or were not of all of it.
    pub missed: u64,
    /// Time between readings in which the earlier one did not hold any more.
    pub unseen: Span,
    holds_until: Option<Timestamp>,
}

/// What came in and went out in one column, as far as it was counted.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Flow {
    /// Messages taken in.
    pub arrived: f64,
    /// Messages worked off.
    pub worked_off: f64,
    /// Messages that expired or were removed.
    pub otherwise: f64,
    /// How much of the column was counted.
    pub counted: Span,
}

/// What came in and went out of a queue, by one source.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowsOf {
    /// Which.
    pub source: FlowSource,
    /// By column.
    pub columns: Vec<Flow>,
    /// In all.
    pub total: FlowCounts,
    /// In how much time.
    pub counted: Span,
    /// A reading of the log that has not come to its end.
    pending: Option<(Timestamp, FlowCounts)>,
}

/// What a probe said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Said {
    /// It works.
    Good,
    /// It works, with trouble.
    Warn,
    /// It fails here.
    Down(Layer),
}

/// The probes of a door.
#[derive(Clone, PartialEq, Debug)]
pub struct Door {
    /// What it is for.
    pub role: Role,
    /// What is spoken behind it.
    pub protocol: Protocol,
    /// By column, the worst that was said.
    pub columns: Vec<Option<Said>>,
    /// While the incident lasted: probes that found it down,
    pub down: u64,
    /// with trouble,
    pub warned: u64,
    /// good,
    pub good: u64,
    /// of these, those that proved all that it is for,
    pub proved: u64,
    /// and those that could not be made.
    pub missed: u64,
    /// While it lasted, the first and the last that found it down.
    pub bad: Option<(Timestamp, Timestamp)>,
    /// While it lasted, the first and the last that proved it good.
    pub seen_good: Option<(Timestamp, Timestamp)>,
    /// Where it failed, how often.
    pub layers: BTreeMap<Layer, u64>,
    last: Option<(Said, Timestamp)>,
}

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
        self.depths.entry(key).or_insert_with(|| Depths {
            columns: vec![None; COLUMNS],
            peak: None,
            first: None,
            last: None,
            readings: 0,
            missed: 0,
            unseen: Span::ZERO,
            holds_until: None,
        })
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
        self.doors.entry(key).or_insert_with(|| Door {
            role,
            protocol,
            columns: vec![None; COLUMNS],
            down: 0,
            warned: 0,
            good: 0,
            proved: 0,
            missed: 0,
            bad: None,
            seen_good: None,
            layers: BTreeMap::new(),
            last: None,
        })
    }

    fn probed(&mut self, (server, door): (&Name, &Name), report: &ProbeReport, at: Timestamp) {
        let (range, during, good_for) = (self.range, self.during, self.good_for(server));
        let limits = self.watched.get(server).map_or_else(Limits::default, |w| w.limits);
        let door = self.door(server, door);
        door.hold(at, good_for, range);
        let layer = report.failure.as_ref().map(|f| f.layer);
        let said = match (report.verdict(limits, at), layer) {
            (Verdict::Down, Some(layer)) => Said::Down(layer),
            (Verdict::Unknown, _) | (Verdict::Down, None) => return,
            (Verdict::Warn, _) => Said::Warn,
            (Verdict::Ok, _) => Said::Good,
        };
        door.say(said, range.index(at));
        door.last = Some((said, at));
        if !during.counts(at) {
            return;
        }
        match said {
            Said::Down(layer) => {
                door.down += 1;
                *door.layers.entry(layer).or_default() += 1;
                door.bad = Some((door.bad.map_or(at, |b| b.0), at));
            }
            Said::Warn => door.warned += 1,
            Said::Good => door.good += 1,
        }
        let works = layer.is_none();
        if works && report.goal.as_far_as().is_none() {
            door.proved += 1;
            door.seen_good = Some((door.seen_good.map_or(at, |g| g.0), at));
        }
    }
}

/// How long a reading may be called true, as in the model: two looks may be late.
fn good_for(watched: Option<&Watched>) -> Span {
    watched.map_or(Span::from_secs(10), |w| w.every) * 3
}

impl Depths {
    fn read(&mut self, read: &QueueSnapshot, at: Timestamp, good_for: Span, range: Range) {
        if !read.complete() {
            self.missed += 1;
            return;
        }
        let depth = read.depth.total();
        let joined = self.holds_until.is_some_and(|until| at <= until);
        let since = self.last.map_or(range.from, |(_, at)| at);
        if !joined && (self.last.is_some() || Span::between(since, at) > good_for) {
            self.unseen = self.unseen + Span::between(since, at);
        }
        let next = read.next_look.unwrap_or_default().min(LONGEST_STEP);
        let holds = if next * 2 <= good_for {
            good_for
        } else {
            next + good_for
        };
        self.holds_until = Some(holds.after(at));
        self.readings += 1;
        self.first.get_or_insert((depth, at));
        self.last = Some((depth, at));
        if self.peak.is_none_or(|(peak, _)| depth > peak) {
            self.peak = Some((depth, at));
        }
        let column = &mut self.columns[range.index(at)];
        match column {
            Some(c) => {
                (c.least, c.most, c.last) = (c.least.min(depth), c.most.max(depth), depth);
            }
            None => {
                *column = Some(Column {
                    first: depth,
                    least: depth,
                    most: depth,
                    last: depth,
                    joined,
                });
            }
        }
    }
}

impl FlowsOf {
    fn new(source: FlowSource) -> Self {
        Self {
            source,
            columns: vec![Flow::default(); COLUMNS],
            total: FlowCounts::default(),
            counted: Span::ZERO,
            pending: None,
        }
    }

    fn seen(&mut self, seen: &FlowSeen, at: Timestamp, range: Range) {
        // A log that is caught up with in several bites is one reading: the later bites hold what happened in the first.
        let (from, mut counts) = self.pending.take().unwrap_or((seen.from, FlowCounts::default()));
        counts += seen.counts;
        if seen.behind > 0 {
            self.pending = Some((from, counts));
            return;
        }
        let (begin, end) = (from.max(range.from), at.min(range.until));
        let (whole, inside) = (Span::between(from, at), Span::between(begin, end));
        if inside <= Span::ZERO {
            return;
        }
        self.total += counts;
        self.counted = self.counted + inside;
        for column in range.index(begin)..=range.index(end) {
            let (a, b) = (begin.max(range.begins(column)), end.min(range.begins(column + 1)));
            let part = Span::between(a, b);
            if part <= Span::ZERO {
                continue;
            }
            let share = part.secs_f64() / whole.secs_f64();
            let c = &mut self.columns[column];
            c.arrived += counts.arrived as f64 * share;
            c.worked_off += counts.exits() as f64 * share;
            c.otherwise += counts.otherwise() as f64 * share;
            c.counted = c.counted + part;
        }
    }

    /// What came in, was worked off, and went otherwise in a column, each a minute; `None` where too little of it was counted.
    pub fn rates(&self, column: usize, range: Range) -> Option<[f64; 3]> {
        let c = self.columns.get(column)?;
        let mins = c.counted.mins_f64();
        let enough = c.counted.micros().saturating_mul(100) >= range.column().micros().saturating_mul(COUNTED);
        (enough && mins > 0.0).then(|| [c.arrived, c.worked_off, c.otherwise].map(|n| n / mins))
    }
}

impl Door {
    /// What was said last holds until `at`, but no longer than it may.
    fn hold(&mut self, at: Timestamp, good_for: Span, range: Range) {
        let Some((said, since)) = self.last else { return };
        let until = good_for.after(since).min(at).min(range.until);
        if until < since {
            return;
        }
        for column in range.index(since)..=range.index(until) {
            self.say(said, column);
        }
    }
    fn say(&mut self, said: Said, column: usize) {
        let c = &mut self.columns[column];
        *c = Some(c.map_or(said, |before| before.max(said)));
    }
    /// Stretches of columns in which the same was said: the first, the one after the last, and what.
    pub fn runs(&self) -> Vec<(usize, usize, Said)> {
        let mut runs: Vec<(usize, usize, Said)> = Vec::new();
        for (n, said) in self.columns.iter().enumerate() {
            let Some(said) = *said else { continue };
            match runs.last_mut() {
                Some(run) if run.1 == n && run.2 == said => run.1 = n + 1,
                _ => runs.push((n, n + 1, said)),
            }
        }
        runs
    }
    /// Probes that said anything while it lasted.
    pub const fn probes(&self) -> u64 {
        self.down + self.warned + self.good
    }
}
