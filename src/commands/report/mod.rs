//! What `check` found, made from the model; as JSON it is a promise to programs. How it is said to people and to Nagios is
//! in `words`.

mod words;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::{self, Config};
use crate::domain::Text;
use crate::domain::health::{Layer, Limits, ProbeReport, Trouble, Verdict};
use crate::domain::job::State;
use crate::domain::queue::Depth;
use crate::domain::reading::Reading;
use crate::model::{Door, Model, Queue, Server};

/// The result of one round.
#[derive(Debug, Serialize)]
pub struct Report {
    checked_at: String,
    /// The worst of all servers.
    pub verdict: Verdict,
    servers: Vec<ServerReport>,
}

#[derive(Debug, Serialize)]
struct ServerReport {
    name: String,
    verdict: Verdict,
    imap: Vec<DoorReport>,
    queues: Vec<QueueReport>,
    jobs: Vec<JobReport>,
}

#[derive(Debug, Serialize)]
struct DoorReport {
    /// Tells the doors of one server apart in the words; programs have the URL.
    #[serde(skip)]
    name: String,
    url: String,
    verdict: Verdict,
    proved: Option<&'static str>,
    layer: Option<&'static str>,
    phases: Vec<PhaseReport>,
    failure: Option<FailureReport>,
    tls: Option<TlsReport>,
    peer: Option<Text>,
    alerts: Vec<Text>,
    notes: Vec<Text>,
    /// Why there is no probe, when there is none.
    missed: Option<String>,
    /// What is not as it should be although nothing failed, in words.
    #[serde(skip)]
    troubles: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PhaseReport {
    name: &'static str,
    ms: f64,
    ok: bool,
}

#[derive(Debug, Serialize)]
struct FailureReport {
    layer: &'static str,
    phase: &'static str,
    code: Option<Text>,
    text: Text,
    hint: Option<Text>,
}

#[derive(Debug, Serialize)]
struct TlsReport {
    version: Option<Text>,
    days_left: Option<i64>,
}

#[derive(Debug, Serialize)]
struct QueueReport {
    kind: &'static str,
    name: String,
    verdict: Verdict,
    /// `null` when it could not be read: not known is not zero.
    depth: Option<DepthReport>,
    oldest_s: Option<i64>,
    complete: bool,
    /// What the mail system said beside its listing.
    said: Option<Text>,
    /// Why it is partial or not there.
    missed: Option<String>,
}

#[derive(Debug, Serialize)]
struct DepthReport {
    #[serde(flatten)]
    by_queue: Depth,
    total: u64,
}

#[derive(Debug, Serialize)]
struct JobReport {
    name: String,
    state: State,
    progress: Option<f64>,
    detail: Option<Text>,
    missed: Option<String>,
}

impl Report {
    /// From the model, in the order of the config.
    pub fn new(model: &Model, config: &Config, now: Timestamp) -> Self {
        let servers: Vec<ServerReport> = config
            .servers
            .iter()
            .filter_map(|s| Some((s, model.server(&s.name)?)))
            .map(|(configured, seen)| server(configured, seen, now))
            .collect();
        let verdict = Verdict::worst(servers.iter().map(|s| s.verdict));
        Self {
            checked_at: now.to_string(),
            verdict,
            servers,
        }
    }

    /// One object, indented, with a newline at its end.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}")) + "\n"
    }
}

/// Doors, queues and jobs stand in the order of the config, as servers do: that is where the reader knows them from.
fn server(configured: &config::Server, s: &Server, now: Timestamp) -> ServerReport {
    let (limits, good_for) = (s.limits(), s.good_for().max(crate::engine::look::LISTING_TIMEOUT));
    let door = |d: &Door| {
        let mut r = DoorReport::of(d.probe.last(), now);
        r.url = d.watched.as_ref().map(|w| w.url.to_string()).unwrap_or_default();
        r.verdict = d.verdict(limits, now, good_for);
        r.missed = missed(&d.probe.reading(now, good_for));
        r.name = d.name.to_string();
        r.troubles = d.probe.last().map_or_else(Vec::new, |p| troubles(p, limits, now));
        r
    };
    let queue = |q: &Queue| {
        let reading = q.reading(now, good_for);
        let seen = reading.fresh();
        QueueReport {
            kind: q.watched.as_ref().map_or("", |w| w.kind.word()),
            name: q.name.to_string(),
            verdict: q.verdict(limits, now, good_for),
            depth: seen.map(|s| DepthReport {
                by_queue: s.depth,
                total: s.depth.total(),
            }),
            oldest_s: seen
                .and_then(|s| s.listing.as_ref()?.oldest)
                .map(|o| now.as_second() - o.as_second()),
            complete: seen.is_some_and(|s| s.complete()),
            said: seen.and_then(|s| s.said.clone()),
            missed: missed(&reading).or_else(|| seen.and_then(|s| s.partial.as_ref()).map(ToString::to_string)),
        }
    };
    let watched = configured.jobs.iter().filter_map(|j| s.jobs.get(&j.name));
    let jobs = watched.map(|j| {
        let reading = j.state.reading(now, good_for);
        let seen = reading.fresh();
        JobReport {
            name: j.name.to_string(),
            state: seen.map_or(State::Unknown, |j| j.state),
            progress: seen.and_then(|j| j.progress),
            detail: seen.map(|j| j.detail.clone()),
            missed: missed(&reading),
        }
    });
    let (imap, queues): (Vec<DoorReport>, Vec<QueueReport>) = (
        configured
            .imap
            .iter()
            .filter_map(|i| s.doors.get(&i.door.name))
            .map(door)
            .collect(),
        configured
            .queues
            .iter()
            .filter_map(|q| s.queues.get(&q.name))
            .map(queue)
            .collect(),
    );
    let jobs_verdict = s.jobs.values().map(|j| j.verdict(now, good_for));
    let verdict = Verdict::worst(
        imap.iter()
            .map(|d| d.verdict)
            .chain(queues.iter().map(|q| q.verdict))
            .chain(jobs_verdict),
    );
    ServerReport {
        name: s.name.to_string(),
        verdict,
        imap,
        queues,
        jobs: jobs.collect(),
    }
}

fn missed<T>(reading: &Reading<T>) -> Option<String> {
    reading.why().map(ToString::to_string)
}

impl DoorReport {
    fn of(report: Option<&ProbeReport>, now: Timestamp) -> Self {
        let failure = report.and_then(|r| r.failure.as_ref());
        Self {
            name: String::new(),
            url: String::new(),
            verdict: Verdict::Unknown,
            proved: report
                .and_then(|r| r.proved)
                .map(super::super::domain::health::Phase::word),
            layer: failure.map(|f| f.layer).map(Layer::word),
            phases: report
                .map(|r| r.phases.iter())
                .into_iter()
                .flatten()
                .map(|p| PhaseReport {
                    name: p.phase.word(),
                    ms: p.took.millis_f64(),
                    ok: p.ok,
                })
                .collect(),
            failure: failure.map(|f| FailureReport {
                layer: f.layer.word(),
                phase: f.phase.word(),
                code: f.code.clone(),
                text: f.text.clone(),
                hint: f.hint.clone(),
            }),
            tls: report.and_then(|r| r.tls.as_ref()).map(|t| TlsReport {
                version: t.version.clone(),
                days_left: t.days_left(now),
            }),
            peer: report.and_then(|r| r.peer.clone()),
            alerts: report.map(|r| r.alerts.clone()).unwrap_or_default(),
            notes: report.map(|r| r.notes.clone()).unwrap_or_default(),
            missed: None,
            troubles: Vec::new(),
        }
    }
}

/// Why a door that did not fail is a warning. Alerts are said word for word elsewhere.
fn troubles(report: &ProbeReport, limits: Limits, now: Timestamp) -> Vec<String> {
    let all = report.troubles(limits, now).into_iter();
    all.filter_map(|t| match t {
        Trouble::Slow(took) => Some(format!("slow, {took} in all")),
        Trouble::CertEnds(days) => Some(format!("certificate ends in {days} days")),
        Trouble::Alert => Some("the server alerts".to_owned()),
        Trouble::Failed(_) => None,
    })
    .collect()
}
