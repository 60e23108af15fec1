//! What `check` prints, made from the model: JSON for programs, aligned words for people, one line for Nagios.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::Config;
use crate::domain::Text;
use crate::domain::health::{Layer, ProbeReport, Verdict};
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
            .filter_map(|s| model.server(&s.name))
            .map(|s| server(s, now))
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

    /// For people: a line for each part, with what the server said below what failed.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let width = self
            .servers
            .iter()
            .map(|s| s.name.chars().count())
            .max()
            .unwrap_or(0)
            .max(6);
        for s in &self.servers {
            let _ = writeln!(out, "{} {:width$}  {}", symbol(s.verdict), s.name, s.verdict);
            for d in &s.imap {
                door_text(&mut out, d);
            }
            for q in &s.queues {
                queue_text(&mut out, q);
            }
            for j in &s.jobs {
                let progress = j.progress.map(|p| format!(" {p:.0}%")).unwrap_or_default();
                let why = j.missed.as_ref().map(|m| format!("  {m}")).unwrap_or_default();
                let _ = writeln!(out, "    job {}  {}{progress}{why}", j.name, j.state);
            }
        }
        let _ = writeln!(out, "{} {}", symbol(self.verdict), self.verdict);
        out
    }

    /// `MAILTOP CRITICAL - …|'mbox1 imap login'=6ms …`, as the Monitoring Plugins guidelines have it.
    pub fn nagios(&self) -> String {
        let word = match self.verdict {
            Verdict::Ok => "OK",
            Verdict::Warn => "WARNING",
            Verdict::Down => "CRITICAL",
            Verdict::Unknown => "UNKNOWN",
        };
        let bad: Vec<String> = self
            .servers
            .iter()
            .filter(|s| s.verdict != Verdict::Ok)
            .map(ServerReport::brief)
            .collect();
        let ok = self.servers.len() - bad.len();
        let said = if bad.is_empty() {
            format!("{ok} ok")
        } else {
            format!("{}; {ok} ok", bad.join("; "))
        };
        let perf = self
            .servers
            .iter()
            .flat_map(ServerReport::perf)
            .collect::<Vec<_>>()
            .join(" ");
        format!("MAILTOP {word} - {}|{perf}\n", said.replace(['|', '\n'], " "))
    }
}

impl ServerReport {
    fn brief(&self) -> String {
        let doors = self
            .imap
            .iter()
            .filter(|d| d.verdict != Verdict::Ok)
            .map(|d| match (&d.failure, &d.missed) {
                (Some(f), _) => format!("imap {} {}", f.layer, f.code.as_deref().unwrap_or(&f.text)),
                (None, Some(m)) => format!("imap {m}"),
                (None, None) => format!("imap {}", d.verdict),
            });
        let queues = self
            .queues
            .iter()
            .filter(|q| q.verdict != Verdict::Ok)
            .map(|q| match &q.depth {
                Some(d) => format!("{} {} messages", q.name, d.total),
                None => format!("{} unread", q.name),
            });
        let jobs = self
            .jobs
            .iter()
            .filter(|j| matches!(j.state, State::Failed | State::Unknown));
        let parts: Vec<String> = doors
            .chain(queues)
            .chain(jobs.map(|j| format!("{} {}", j.name, j.state)))
            .collect();
        format!("{} {}: {}", self.name, self.verdict, parts.join(", "))
    }

    fn perf(&self) -> Vec<String> {
        let label = |what: &str| format!("'{}'", format!("{} {what}", self.name).replace(['\'', '='], "_"));
        let phases = self.imap.iter().flat_map(|d| d.phases.iter());
        let mut all: Vec<String> = phases
            .filter(|p| p.ok)
            .map(|p| format!("{}={}ms", label(&format!("imap {}", p.name)), p.ms))
            .collect();
        for q in &self.queues {
            if let Some(d) = &q.depth {
                all.push(format!("{}={};;;0", label(&q.name), d.total));
            }
        }
        all
    }
}

fn server(s: &Server, now: Timestamp) -> ServerReport {
    let (limits, good_for) = (s.limits(), s.good_for().max(crate::engine::look::LISTING_TIMEOUT));
    let door = |d: &Door| {
        let mut r = DoorReport::of(d.probe.last(), now);
        r.url = d.watched.as_ref().map(|w| w.url.to_string()).unwrap_or_default();
        r.verdict = d.verdict(limits, now, good_for);
        r.missed = missed(&d.probe.reading(now, good_for));
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
            missed: missed(&reading).or_else(|| seen.and_then(|s| s.partial.as_ref()).map(ToString::to_string)),
        }
    };
    let jobs = s.jobs.values().map(|j| {
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
        s.doors.values().map(door).collect(),
        s.queues.values().map(queue).collect(),
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
        }
    }
}

fn symbol(v: Verdict) -> char {
    match v {
        Verdict::Ok => '✔',
        Verdict::Warn => '▲',
        Verdict::Down => '✖',
        Verdict::Unknown => '?',
    }
}

fn door_text(out: &mut String, d: &DoorReport) {
    let how_far = match (d.verdict, d.proved) {
        (Verdict::Ok, Some("greeting")) => "ok as far as the greeting".to_owned(),
        (v, _) => d.layer.map_or(v.to_string(), |l| format!("{v} at {l}")),
    };
    let _ = writeln!(out, "    {}  {how_far}", d.url);
    let phases: Vec<String> = d
        .phases
        .iter()
        .map(|p| format!("{} {}ms {}", p.name, trim_ms(p.ms), if p.ok { '✔' } else { '✖' }))
        .collect();
    if !phases.is_empty() {
        let _ = writeln!(out, "      {}", phases.join("  "));
    }
    if let Some(f) = &d.failure {
        let code = f.code.as_ref().map(|c| format!("[{c}] ")).unwrap_or_default();
        let _ = writeln!(out, "      {}: {code}{}", f.phase, f.text);
        if let Some(h) = &f.hint {
            let _ = writeln!(out, "      {h}");
        }
    }
    if let Some(t) = &d.tls {
        let days = t
            .days_left
            .map(|d| format!(", certificate ends in {d} days"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "      {}{days}",
            t.version.as_deref().unwrap_or("TLS version not seen")
        );
    }
    for line in d
        .alerts
        .iter()
        .map(|a| format!("ALERT: {a}"))
        .chain(d.notes.iter().map(ToString::to_string))
        .chain(d.missed.clone())
    {
        let _ = writeln!(out, "      {line}");
    }
}

fn queue_text(out: &mut String, q: &QueueReport) {
    let _ = write!(out, "    {} queue  {}", q.name, q.verdict);
    if let Some(DepthReport { by_queue: d, total }) = &q.depth {
        let _ = write!(
            out,
            "  {total} messages: incoming {} active {} deferred {} hold {}",
            d.incoming, d.active, d.deferred, d.hold
        );
        if let Some(s) = q.oldest_s {
            let _ = write!(out, "  oldest {}", crate::domain::Span::from_secs(s));
        }
    }
    let _ = writeln!(out);
    if let Some(m) = &q.missed {
        let _ = writeln!(out, "      {m}");
    }
}

fn trim_ms(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}
