//! The report in words: aligned lines for people, one line for Nagios. Neither says "ok" of more than was proved.

use std::fmt::Write as _;

use super::{DepthReport, DoorReport, QueueReport, Report, ServerReport};
use crate::domain::health::{Phase, Verdict};
use crate::domain::job::State;

impl Report {
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
            let _ = writeln!(out, "{} {:width$}  {}", symbol(s.verdict), s.name, s.how_far());
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
        let all = match self.servers.iter().find(|s| s.to_greeting()) {
            Some(s) if self.verdict == Verdict::Ok => s.how_far(),
            _ => self.verdict.to_string(),
        };
        let _ = writeln!(out, "{} {all}", symbol(self.verdict));
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
        let (ok, bad): (Vec<&ServerReport>, Vec<_>) = self.servers.iter().partition(|s| s.verdict == Verdict::Ok);
        let (part, whole): (Vec<&ServerReport>, Vec<_>) = ok.into_iter().partition(|s| s.to_greeting());
        let mut said: Vec<String> = bad.into_iter().map(ServerReport::brief).collect();
        if !whole.is_empty() || part.is_empty() {
            said.push(format!("{} ok", whole.len()));
        }
        if !part.is_empty() {
            said.push(format!("{} {TO_GREETING}", part.len()));
        }
        let said = said.join("; ");
        let perf = self
            .servers
            .iter()
            .flat_map(ServerReport::perf)
            .collect::<Vec<_>>()
            .join(" ");
        format!("MAILTOP {word} - {}|{perf}\n", said.replace(['|', '\n'], " "))
    }
}

/// Good, but login and store were not tried.
const TO_GREETING: &str = "ok as far as the greeting";

impl ServerReport {
    /// Whether a door of it was proved no further than its greeting, with nothing wrong.
    fn to_greeting(&self) -> bool {
        self.verdict == Verdict::Ok && self.imap.iter().any(DoorReport::to_greeting)
    }

    fn how_far(&self) -> String {
        if self.to_greeting() {
            TO_GREETING.to_owned()
        } else {
            self.verdict.to_string()
        }
    }

    fn brief(&self) -> String {
        let doors = self
            .imap
            .iter()
            .filter(|d| d.verdict != Verdict::Ok)
            .map(|d| match (&d.failure, &d.missed) {
                (Some(f), _) => format!("{} {} {}", d.name, f.layer, f.code.as_deref().unwrap_or(&f.text)),
                (None, Some(m)) => format!("{} {m}", d.name),
                (None, None) if d.troubles.is_empty() => format!("{} {}", d.name, d.verdict),
                (None, None) => format!("{} {}", d.name, d.troubles.join(", ")),
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
        let label = |what: &str| format!("'{}'", format!("{} {what}", self.name).replace(['\'', '=', '|'], "_"));
        let phases = self.imap.iter().flat_map(|d| d.phases.iter().map(move |p| (d, p)));
        let mut all: Vec<String> = phases
            .filter(|(_, p)| p.ok)
            .map(|(d, p)| format!("{}={}ms", label(&format!("{} {}", d.name, p.name)), p.ms))
            .collect();
        for q in &self.queues {
            if let Some(d) = &q.depth {
                all.push(format!("{}={};;;0", label(&q.name), d.total));
            }
        }
        all
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

impl DoorReport {
    fn to_greeting(&self) -> bool {
        self.verdict == Verdict::Ok && self.proved == Some(Phase::Greeting.word())
    }
}

fn door_text(out: &mut String, d: &DoorReport) {
    let how_far = match d.layer {
        Some(layer) => format!("{} at {layer}", d.verdict),
        None if d.to_greeting() => TO_GREETING.to_owned(),
        None if d.troubles.is_empty() => d.verdict.to_string(),
        None => format!("{}: {}", d.verdict, d.troubles.join(", ")),
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
    if let Some(said) = &q.said {
        let _ = writeln!(out, "      {said}");
    }
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
