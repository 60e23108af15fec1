//! One line for each server, worst first: what the fleet screen shows and what `check` prints in words.

use std::fmt;

use jiff::Timestamp;

use crate::domain::flow::Trend;
use crate::domain::health::{Layer, Phase, Trouble, Verdict};
use crate::domain::job::State;
use crate::domain::queue::Depth;
use crate::domain::{Span, Text};

use super::{Door, Job, Model, Queue, Server};

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
    /// Good, but only the greeting was asked for.
    OkToGreeting,
    /// Failed at this layer, with the response code.
    Failed {
        /// The layer.
        layer: Layer,
        /// The code.
        code: Option<Text>,
    },
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
    /// The doors are good; a queue is deep.
    DeepQueue,
    /// The doors are good; a job failed.
    JobFailed,
    /// The doors are good; a job is still paused although its pause is over.
    PauseOverdue,
    /// Nothing fresh is known, for this long.
    Silent(Span),
    /// Never seen yet.
    NotSeen,
    /// The doors are good; a queue or job cannot be read.
    Unread,
}

impl fmt::Display for Headline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Ok => "ok".to_owned(),
            Self::OkToGreeting => "ok as far as the greeting".to_owned(),
            Self::Failed {
                layer,
                code: Some(code),
            } => format!("{layer} {code}"),
            Self::Failed { layer, code: None } => layer.to_string(),
            Self::Slow => "slow".to_owned(),
            Self::CertEnds(days) => format!("cert ends in {days}d"),
            Self::Alert => "alert".to_owned(),
            Self::QueueStopped => "queue stopped".to_owned(),
            Self::QueueSays => "queue warns".to_owned(),
            Self::DeepQueue => "deep queue".to_owned(),
            Self::JobFailed => "job failed".to_owned(),
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
    /// How much is left of a pause by its plan.
    pub pause_left: Option<Span>,
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
    /// The median probe without a failure of the last ten minutes, or six looks.
    pub p50: Option<Span>,
    /// Messages in all queues, by queue; `None` when not known now.
    pub depth: Option<Depth>,
    /// Net messages a minute.
    pub net_per_min: Option<f64>,
    /// Which way the queues are going.
    pub trend: Trend,
    /// The job that matters most; `None` when there are none.
    pub job: Option<JobLine>,
    /// Since when the trouble lasts.
    pub since: Option<Timestamp>,
}

/// A line for each server, the worst first, then by name.
pub fn rows(model: &Model, now: Timestamp) -> Vec<Row<'_>> {
    let mut all: Vec<Row<'_>> = model.servers().map(|s| row(model, s, now)).collect();
    all.sort_by(|a, b| {
        b.verdict
            .cmp(&a.verdict)
            .then_with(|| a.server.name.cmp(&b.server.name))
    });
    all
}

fn row<'a>(model: &Model, s: &'a Server, now: Timestamp) -> Row<'a> {
    let (limits, good_for) = (s.limits(), s.good_for());
    let verdict = s.verdict(now);
    let door = s.doors.values().max_by_key(|d| d.verdict(limits, now, good_for));
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
        p50: door
            .filter(|_| failed.is_none())
            .and_then(|d| d.p50(now, Span::from_mins(10).max(s.every() * 6))),
        depth: depth(s, now),
        net_per_min: s.net_per_min(now),
        trend: s.trend(now),
        job: s
            .jobs
            .values()
            .map(|j| job_line(model, s, j, now))
            .max_by_key(|j| weight(j.state)),
        since: failed.and_then(|d| d.failing_since),
    }
}

/// Which job matters most on one line: a pause must not be forgotten, a failure not be missed.
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
    JobLine {
        state,
        progress: fresh.fresh().and_then(|r| r.progress),
        pause_left: (state == State::Paused).then(|| model.pause_left(j, now)).flatten(),
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

fn headline(s: &Server, door: Option<&Door>, verdict: Verdict, now: Timestamp) -> Headline {
    let (limits, good_for) = (s.limits(), s.good_for());
    let queues = || s.queues.values();
    let door_fails = door.is_some_and(|d| d.verdict(limits, now, good_for) == Verdict::Down);
    if !door_fails && queues().any(|q| q.verdict(limits, now, good_for) == Verdict::Down) {
        return Headline::QueueStopped;
    }
    if let Some(d) = door {
        let reading = d.probe.reading(now, good_for);
        match reading.fresh() {
            Some(r) => match r.troubles(limits, now).first() {
                Some(Trouble::Failed(layer)) => {
                    let code = r.failure.as_ref().and_then(|f| f.code.clone());
                    return Headline::Failed { layer: *layer, code };
                }
                Some(Trouble::Slow(_)) => return Headline::Slow,
                Some(Trouble::CertEnds(days)) => return Headline::CertEnds(*days),
                Some(Trouble::Alert) => return Headline::Alert,
                None => {}
            },
            None => return reading.age(now).map_or(Headline::NotSeen, Headline::Silent),
        }
    }
    let warns = |q: &&Queue| q.verdict(limits, now, good_for) == Verdict::Warn;
    if let Some(q) = queues().find(warns) {
        let deep = q.depth.last().is_some_and(|r| r.depth.total() > limits.queue_depth);
        return if deep { Headline::DeepQueue } else { Headline::QueueSays };
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
    match door.and_then(|d| d.probe.last()) {
        Some(r) if r.goal == Phase::Greeting => Headline::OkToGreeting,
        _ => Headline::Ok,
    }
}
