//! One line for each server, worst first: what the fleet screen shows and what `check` prints in words.

use std::cmp::Reverse;
use std::fmt;

use jiff::Timestamp;

use crate::domain::flow::FlowCounts;
use crate::domain::forecast::Drain;
use crate::domain::health::{Layer, Trouble, Verdict};
use crate::domain::job::State;
use crate::domain::queue::{Depth, SystemState};
use crate::domain::{Span, Text};

use super::cause::{Cause, causes};
use super::queue::PASSING_DEFERRED;
use super::{Door, Job, Matter, Model, Queue, Server, Told};

/// A queue of which no more than one part in so many waits for another try has little that waits.
const FEW_WAIT: u64 = 10;

/// How many servers have each verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// Down.
    pub down: usize,
    /// Warn.
    pub warn: usize,
    /// Unknown.
    pub unknown: usize,
    /// Ok.
    pub ok: usize,
}

/// Counts the servers by verdict.
pub fn count(model: &Model, now: Timestamp) -> Count {
    let mut c = Count::default();
    for s in model.servers() {
        match s.verdict(now) {
            Verdict::Down => c.down += 1,
            Verdict::Warn => c.warn += 1,
            Verdict::Unknown => c.unknown += 1,
            Verdict::Ok => c.ok += 1,
        }
    }
    c
}

/// The few words that say what is the matter, or that nothing is.
#[derive(Clone, PartialEq, Debug)]
pub enum Headline {
    /// Proved as far as it set out to.
    Ok,
    /// Good, but no more than this was asked for.
    OkAsFarAs(&'static str),
    /// Failed at this layer, with the response code.
    Failed {
        /// The layer.
        layer: Layer,
        /// The code.
        code: Option<Text>,
    },
    /// The door works; something failed at this layer that is passed by.
    Aside(Layer),
    /// The probe works but is slow.
    Slow,
    /// The certificate ends in so many days.
    CertEnds(i64),
    /// The server asks for attention (`[ALERT]`).
    Alert,
    /// The mail system behind a queue does not run: nothing in it moves.
    QueueStopped,
    /// The doors are good; the mail system warned of something beside its queue.
    QueueSays,
    /// The doors are good; so many letters that were sent through the service are lost.
    CanaryLost(u64),
    /// The doors are good; a letter that was sent through the service is late.
    CanaryLate,
    /// The doors are good; a letter for the service could not be handed in.
    CanaryUnsent,
    /// The doors are good; a queue is deep.
    DeepQueue,
    /// The doors are good; a job failed.
    JobFailed,
    /// The doors are good; a job is not as it was last made to be.
    Drift,
    /// The doors are good; a job is still paused although its pause is over.
    PauseOverdue,
    /// Nothing fresh is known, for this long.
    Silent(Span),
    /// Never seen yet.
    NotSeen,
    /// The doors are good; a queue or job cannot be read.
    Unread,
}

impl Headline {
    /// Of one door by itself.
    pub fn of(server: &Server, door: &Door, now: Timestamp) -> Self {
        Self::trouble(server, door, now).unwrap_or_else(|| {
            match door.verdict(server.limits(), now, server.good_for()) {
                Verdict::Ok => Self::good(door),
                _ => Self::Unread,
            }
        })
    }

    /// What is the matter with a door, if anything is.
    fn trouble(server: &Server, door: &Door, now: Timestamp) -> Option<Self> {
        let reading = door.probe.reading(now, server.good_for());
        let Some(r) = reading.fresh() else {
            return Some(reading.age(now).map_or(Self::NotSeen, Self::Silent));
        };
        Some(match r.troubles(server.limits(), now).first()? {
            Trouble::Failed(layer) => Self::Failed {
                layer: *layer,
                code: r.failure.as_ref().and_then(|f| f.code.clone()),
            },
            Trouble::Aside(layer) => Self::Aside(*layer),
            Trouble::Slow(_) => Self::Slow,
            Trouble::CertEnds(days) => Self::CertEnds(*days),
            Trouble::Alert => Self::Alert,
        })
    }

    /// How far a door that is good was proved.
    fn good(door: &Door) -> Self {
        let short = door.probe.last().and_then(|r| r.goal.as_far_as());
        short.map_or(Self::Ok, Self::OkAsFarAs)
    }

    /// Whether it speaks of a door.
    pub const fn of_door(&self) -> bool {
        matches!(
            self,
            Self::OkAsFarAs(_)
                | Self::Failed { .. }
                | Self::Aside(_)
                | Self::Slow
                | Self::CertEnds(_)
                | Self::Alert
                | Self::Silent(_)
                | Self::NotSeen
        )
    }
}

impl fmt::Display for Headline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Ok => "ok".to_owned(),
            Self::OkAsFarAs(phase) => format!("ok as far as {phase}"),
            Self::Failed {
                layer,
                code: Some(code),
            } => format!("{layer} {code}"),
            Self::Failed { layer, code: None } => layer.to_string(),
            Self::Aside(layer) => format!("{layer} warns"),
            Self::Slow => "slow".to_owned(),
            Self::CertEnds(days) => format!("cert ends in {days}d"),
            Self::Alert => "alert".to_owned(),
            Self::QueueStopped => "queue stopped".to_owned(),
            Self::QueueSays => "queue warns".to_owned(),
            Self::CanaryLost(n) => format!("canary lost {n}"),
            Self::CanaryLate => "canary late".to_owned(),
            Self::CanaryUnsent => "canary not sent".to_owned(),
            Self::DeepQueue => "deep queue".to_owned(),
            Self::JobFailed => "job failed".to_owned(),
            Self::Drift => "drift".to_owned(),
            Self::PauseOverdue => "pause overdue".to_owned(),
            Self::Silent(age) => format!("silent {age}"),
            Self::NotSeen => "not seen yet".to_owned(),
            Self::Unread => "queue or job unread".to_owned(),
        };
        f.pad(&words)
    }
}

/// What is shown of a server's maintenance.
#[derive(Clone, PartialEq, Debug)]
pub struct JobLine {
    /// Its state; unknown when the reading is stale.
    pub state: State,
    /// Percent, where the job tells.
    pub progress: Option<f64>,
    /// How much is left of a pause: as the server says where it has an end armed, else by its plan.
    pub pause_left: Option<Span>,
    /// Whether the server has an end armed for it.
    pub leased: bool,
}

/// What is expected of a queue, as it is shown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Outlook {
    /// The verdict.
    pub drain: Drain,
    /// When it is clear: one in ten is earlier, the middle, one in ten is later. `None` where no clear time is known.
    pub clears: Option<[Timestamp; 3]>,
    /// Where that comes from.
    pub told_by: Told,
    /// Messages worked off a minute, where they are counted.
    pub worked_off_per_min: Option<f64>,
    /// Messages a minute that expire or are removed, where they are counted.
    pub otherwise_per_min: Option<f64>,
    /// Messages taken in less those worked off, a minute; the change of depth where nothing is counted.
    pub net_per_min: Option<f64>,
    /// Messages as last read.
    pub depth: Depth,
    /// Whether the mail system was seen to be stopped: then nothing moves, whatever the depth says.
    pub system: SystemState,
}

/// What a queue without a clear time does although it does not grow.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Standing {
    /// As much is worked off as arrives, nothing expires, and little waits for another try.
    Steady,
    /// It becomes less, but only because so many messages a minute expire or are removed.
    Shrinks(f64),
    /// Mail waits and stays, while other mail passes.
    Passed,
    /// Mail waits, and hardly anything moves.
    Still,
}

impl Outlook {
    /// Of one queue that is looked at so often.
    pub fn of(queue: &Queue, every: Span, now: Timestamp) -> Self {
        let forecast = queue.forecast(now, every);
        let flow = |count: fn(&FlowCounts) -> u64| queue.flow(now, every).map(|r| r.per_min(count(&r.counts)));
        Self {
            drain: forecast.drain,
            clears: queue.clears(now, every),
            told_by: queue.told_by(now),
            worked_off_per_min: flow(FlowCounts::exits),
            otherwise_per_min: flow(FlowCounts::otherwise),
            net_per_min: forecast.net_per_min,
            depth: queue.depth.last().map_or_else(Depth::default, |q| q.depth),
            system: queue.depth.last().map_or(SystemState::Unknown, |q| q.system),
        }
    }
    /// What it does where it is stalled. A mail system writes a notice for each message that expires, so arrivals and
    /// deliveries are alike in a queue that dies: only one of which nothing expires is steady.
    pub fn standing(&self) -> Option<Standing> {
        if self.drain != Drain::Stalled {
            return None;
        }
        let (passes, gone) = (
            self.worked_off_per_min.is_some_and(|r| r > 0.0),
            self.otherwise_per_min.unwrap_or(0.0),
        );
        let few_wait = self.depth.deferred <= PASSING_DEFERRED.max(self.depth.total() / FEW_WAIT);
        Some(if gone > 0.0 && self.net_per_min.unwrap_or(0.0) < gone {
            Standing::Shrinks(gone)
        } else if passes && gone <= 0.0 && few_wait {
            Standing::Steady
        } else if passes {
            Standing::Passed
        } else {
            Standing::Still
        })
    }
}

impl Row<'_> {
    /// The door to be named beside the headline: the one that it speaks of, where the server has several.
    pub fn named_door(&self) -> Option<&Door> {
        self.door
            .filter(|_| self.headline.of_door() && self.server.doors.len() > 1)
    }
}

/// One line of the fleet screen.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The server.
    pub server: &'a Server,
    /// Its verdict.
    pub verdict: Verdict,
    /// What is the matter.
    pub headline: Headline,
    /// The door that the line speaks of: the one that wants the most attention.
    pub door: Option<&'a Door>,
    /// How many servers fail as it does, perhaps for one cause.
    pub alike: Option<usize>,
    /// The median probe without a failure of the last ten minutes, or six looks.
    pub p50: Option<Span>,
    /// Messages in all queues, by queue; `None` when not known now.
    pub depth: Option<Depth>,
    /// Net messages a minute.
    pub net_per_min: Option<f64>,
    /// What is expected of the queue whose drain matters most; `None` when no queue is watched.
    pub outlook: Option<Outlook>,
    /// The job that matters most; `None` when there are none.
    pub job: Option<JobLine>,
    /// Since when the trouble lasts.
    pub since: Option<Timestamp>,
}

/// A line for each server, the worst first, then by name.
pub fn rows(model: &Model, now: Timestamp) -> Vec<Row<'_>> {
    let causes = causes(model, now, Span::ZERO);
    let alike = |s: &Server| {
        let shared = causes.iter().filter_map(|c| match c {
            Cause::Shared(shared) if c.concerns(&s.name) => Some(shared.servers.len()),
            _ => None,
        });
        shared.max()
    };
    let row = |s| Row {
        alike: alike(s),
        ..row(model, s, now)
    };
    let mut all: Vec<Row<'_>> = model.servers().map(row).collect();
    all.sort_by(|a, b| {
        b.verdict
            .cmp(&a.verdict)
            .then_with(|| a.server.name.cmp(&b.server.name))
    });
    all
}

fn row<'a>(model: &Model, s: &'a Server, now: Timestamp) -> Row<'a> {
    let good_for = s.good_for();
    let verdict = s.verdict(now);
    let door = worst_door(s, now);
    let failed = door.filter(|d| {
        d.probe
            .reading(now, good_for)
            .fresh()
            .is_some_and(|r| r.failure.is_some())
    });
    Row {
        server: s,
        verdict,
        headline: headline(s, door, verdict, now),
        door,
        alike: None,
        p50: door
            .filter(|_| failed.is_none())
            .and_then(|d| d.p50(now, Span::from_mins(10).max(s.every() * 6))),
        depth: depth(s, now),
        net_per_min: s.net_per_min(now),
        outlook: s.slowest(now).map(|q| Outlook::of(q, s.every(), now)),
        job: s
            .jobs
            .values()
            .map(|j| job_line(model, s, j, now))
            .max_by_key(|j| (weight(j.state), !j.leased)),
        since: failed.and_then(|d| d.failing_since),
    }
}

/// The door that wants the most attention: of those that are down, the one that broke lowest; of good ones, the one that was
/// proved least; and of equals the first by its name.
fn worst_door(s: &Server, now: Timestamp) -> Option<&Door> {
    let (limits, good_for) = (s.limits(), s.good_for());
    s.doors.values().rev().max_by_key(|d| {
        let report = d.probe.last();
        let layer = report.and_then(|r| r.failure.as_ref()).map(|f| Reverse(f.layer));
        let short = report.and_then(|r| r.goal.as_far_as());
        let least = short.map(|phase| phase == "the greeting");
        (d.verdict(limits, now, good_for), layer, least)
    })
}

/// Which job matters most on one line: a pause must not be forgotten, a failure not be missed. Of two pauses, one that
/// nothing ends is said first.
fn weight(state: State) -> u8 {
    match state {
        State::Idle => 0,
        State::Unknown => 1,
        State::Running => 2,
        State::Failed => 3,
        State::Paused => 4,
    }
}

fn job_line(model: &Model, s: &Server, j: &Job, now: Timestamp) -> JobLine {
    let fresh = j.state.reading(now, s.good_for());
    let state = fresh.fresh().map_or(State::Unknown, |r| r.state);
    let leases = j.leases(now, s.good_for()).unwrap_or_default();
    let left = match leases.first() {
        Some((_, left)) => *left,
        None => model.pause_left(j, now),
    };
    JobLine {
        state,
        progress: fresh.fresh().and_then(|r| r.progress),
        pause_left: left.filter(|_| state == State::Paused),
        leased: !leases.is_empty(),
    }
}

fn depth(s: &Server, now: Timestamp) -> Option<Depth> {
    s.depth(now)?;
    Some(
        s.queues
            .values()
            .filter_map(|q| q.depth.last())
            .fold(Depth::default(), |sum, q| {
                let d = q.depth;
                Depth {
                    maildrop: sum.maildrop + d.maildrop,
                    incoming: sum.incoming + d.incoming,
                    active: sum.active + d.active,
                    deferred: sum.deferred + d.deferred,
                    hold: sum.hold + d.hold,
                    other: sum.other + d.other,
                }
            }),
    )
}

/// The worst that letters tell. Lost comes before late, and both before a deep queue, which says less of what users feel.
fn canary_headline(s: &Server, now: Timestamp) -> Option<Headline> {
    let matters: Vec<Matter> = s.canaries.values().map(|c| c.matter(now)).collect();
    let lost = matters
        .iter()
        .map(|m| if let Matter::Lost(n) = m { *n } else { 0 })
        .sum();
    if lost > 0 {
        return Some(Headline::CanaryLost(lost));
    }
    let any = |m| matters.contains(&m);
    match (any(Matter::Late), any(Matter::Unsent)) {
        (true, _) => Some(Headline::CanaryLate),
        (false, true) => Some(Headline::CanaryUnsent),
        (false, false) => None,
    }
}

fn headline(s: &Server, door: Option<&Door>, verdict: Verdict, now: Timestamp) -> Headline {
    let (limits, good_for) = (s.limits(), s.good_for());
    let queues = || s.queues.values();
    let door_fails = door.is_some_and(|d| d.verdict(limits, now, good_for) == Verdict::Down);
    if !door_fails && queues().any(|q| q.verdict(limits, now, good_for) == Verdict::Down) {
        return Headline::QueueStopped;
    }
    if let Some(trouble) = door.and_then(|d| Headline::trouble(s, d, now)) {
        return trouble;
    }
    if let Some(headline) = canary_headline(s, now) {
        return headline;
    }
    let warns = |q: &&Queue| q.verdict(limits, now, good_for) == Verdict::Warn;
    if let Some(q) = queues().find(warns) {
        let deep = q.depth.last().is_some_and(|r| r.depth.total() > limits.queue_depth);
        return if deep { Headline::DeepQueue } else { Headline::QueueSays };
    }
    if s.jobs.values().any(|j| j.drift.is_some()) {
        return Headline::Drift;
    }
    if s.jobs.values().any(|j| j.pause_overdue(now, good_for)) {
        return Headline::PauseOverdue;
    }
    if s.jobs.values().any(|j| j.verdict(now, good_for) == Verdict::Warn) {
        return Headline::JobFailed;
    }
    if verdict == Verdict::Unknown {
        let any_read = queues().any(|q| q.reading(now, good_for).fresh().is_some())
            || s.jobs
                .values()
                .any(|j| j.state.reading(now, good_for).fresh().is_some());
        if door.is_some() || any_read {
            return Headline::Unread;
        }
        let ages = queues()
            .map(|q| q.depth.at())
            .chain(s.jobs.values().map(|j| j.state.at()));
        return ages
            .flatten()
            .max()
            .map_or(Headline::NotSeen, |at| Headline::Silent(Span::between(at, now)));
    }
    door.map_or(Headline::Ok, Headline::good)
}
