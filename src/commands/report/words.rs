//! The report in words: aligned lines for people, one line for Nagios. Neither says "ok" of more than was proved.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{DepthReport, DoorReport, Eta, ForecastReport, QueueReport, Report, ServerReport, perf};
use crate::domain::health::Verdict;
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
            for d in &s.doors.0 {
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
        for question in &self.unanswered {
            let _ = writeln!(out, "? doors may be missing: {question}");
        }
        for line in self.fleet.text() {
            let _ = writeln!(out, "{line}");
        }
        let all = match self.servers.iter().find(|s| s.as_far_as().is_some()) {
            Some(s) if self.verdict == Verdict::Ok => s.how_far(),
            _ => self.verdict.to_string(),
        };
        let _ = writeln!(out, "{} {all}", symbol(self.verdict));
        if let Some(roles) = self.fleet.closing() {
            let _ = writeln!(out, "{roles}");
        }
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
        let (part, whole): (Vec<&ServerReport>, Vec<_>) = ok.into_iter().partition(|s| s.as_far_as().is_some());
        let mut said: Vec<String> = bad.into_iter().map(ServerReport::brief).collect();
        if !whole.is_empty() || part.is_empty() {
            said.push(format!("{} ok", whole.len()));
        }
        let mut by_how_far: BTreeMap<String, usize> = BTreeMap::new();
        for s in part {
            *by_how_far.entry(s.how_far()).or_default() += 1;
        }
        said.extend(by_how_far.iter().map(|(how_far, n)| format!("{n} {how_far}")));
        if let Some(first) = self.unanswered.first() {
            said.push(format!("doors may be missing: {first}"));
        }
        let said = said.join("; ");
        let perf = perf::data(self);
        format!("MAILTOP {word} - {}|{perf}\n", said.replace(['|', '\n'], " "))
    }
}

impl ServerReport {
    /// How far the door of it that was proved least is good, where that is not all the way and nothing is wrong.
    fn as_far_as(&self) -> Option<&'static str> {
        let good = self.doors.0.iter().filter(|_| self.verdict == Verdict::Ok);
        good.filter_map(|d| d.as_far_as).min_by_key(|w| *w != "the greeting")
    }

    fn how_far(&self) -> String {
        let Some(phase) = self.as_far_as() else {
            return self.verdict.to_string();
        };
        let whole = |d: &&DoorReport| d.as_far_as.is_none();
        if !self.doors.0.iter().any(|d| whole(&d)) {
            return format!("ok as far as {phase}");
        }
        let short: Vec<&str> = self
            .doors
            .0
            .iter()
            .filter(|d| !whole(d))
            .map(|d| d.name.as_str())
            .collect();
        format!("ok, {} only as far as {phase}", short.join(" and "))
    }

    fn brief(&self) -> String {
        let doors = self
            .doors
            .0
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
}

pub(super) fn symbol(v: Verdict) -> char {
    match v {
        Verdict::Ok => '✔',
        Verdict::Warn => '▲',
        Verdict::Down => '✖',
        Verdict::Unknown => '?',
    }
}

fn door_text(out: &mut String, d: &DoorReport) {
    let how_far = match d.layer {
        Some(layer) => format!("{} at {layer}", d.verdict),
        None if d.troubles.is_empty() && d.verdict == Verdict::Ok => match d.as_far_as {
            Some(phase) => format!("ok as far as {phase}"),
            None => d.verdict.to_string(),
        },
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
    for h in &d.hosts {
        let how = match &h.failure {
            Some(f) => format!("{} {}", symbol(h.verdict), f.layer),
            None => format!("{} {}ms", symbol(h.verdict), trim_ms(h.ms)),
        };
        let peer = h.peer.as_ref().map(|p| format!(" at {p}")).unwrap_or_default();
        let _ = writeln!(out, "      MX {} {}  {how}{peer}", h.preference, h.host);
    }
    for f in d.failure.iter().chain(&d.aside) {
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
    if let Some(words) = forecast_text(&q.forecast) {
        let _ = writeln!(out, "      {words}");
    }
    if let Some(e) = &q.expire_before_clear {
        let _ = writeln!(
            out,
            "      up to {}–{} messages expire before it is clear",
            e.p50, e.p90
        );
    }
    if let Some(said) = &q.said {
        let _ = writeln!(out, "      {said}");
    }
    if let Some(m) = &q.missed {
        let _ = writeln!(out, "      {m}");
    }
}

/// `clears in 48m, three times in four between 42m and 55m; net -310.0/min`. Of a queue that is empty, or of which too
/// little was seen to say anything, nothing.
fn forecast_text(f: &ForecastReport) -> Option<String> {
    let mut words = match f.verdict {
        "empty" | "unknown" => return None,
        verdict => verdict.to_owned(),
    };
    words += &f.eta_s.as_ref().map_or(String::new(), Eta::words);
    for (what, rate) in [("net", f.net_per_min), ("in", f.in_per_min), ("out", f.out_per_min)] {
        if let Some(r) = rate {
            let sign = if what == "net" && r > 0.0 { "+" } else { "" };
            let _ = write!(words, "; {what} {sign}{r:.1}/min");
        }
    }
    if let Some(why) = f.why.as_ref().filter(|_| f.eta_s.is_some()) {
        let _ = write!(words, "; {why}");
    }
    Some(words)
}

fn trim_ms(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::forecast::{Counts, Drain, Forecast, Why};

    fn said(drain: Drain, net: Option<f64>) -> Option<String> {
        let forecast = Forecast {
            drain,
            net_per_min: net,
            in_per_min: None,
            out_per_min: None,
            otherwise_per_min: None,
            counts: Counts::None,
            regime: None,
        };
        forecast_text(&ForecastReport::new(forecast, None))
    }

    #[test]
    fn a_clear_time_is_said_only_of_a_queue_that_clears() {
        let [p10, p50, p90] = [42, 48, 55].map(Span::from_mins);
        assert_eq!(
            said(Drain::Clears { p10, p50, p90 }, Some(-310.0)).as_deref(),
            Some("clears in 48m, three times in four between 42m and 55m; net -310.0/min")
        );
        let growing = said(Drain::Growing { per_min: 812.0 }, Some(812.0));
        assert_eq!(growing.as_deref(), Some("growing; net +812.0/min"));
        assert_eq!(said(Drain::Unknown { why: Why::TooFew }, None), None);
        assert_eq!(said(Drain::Empty, Some(0.0)), None);
    }
}
