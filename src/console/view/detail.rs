//! The selected server in a few lines: what it says, its phases, its queue, its maintenance. The most telling first,
//! because a small screen shows only the first.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::widget::cells::wrap;
use crate::console::widget::chart::{self, Chart};
use crate::console::widget::{Cells, cut, width};
use crate::console::{glyphs, number, when};
use crate::domain::Span;
use crate::domain::action::{Truth, Verb};
use crate::domain::health::{Phase, ProbeReport};
use crate::domain::job::State;
use crate::domain::queue::Listing;
use crate::model::{Action, Job, Row, Server};

use super::headline;

/// At most `rows` lines about a server.
pub fn lines(app: &App, row: &Row<'_>, columns: usize, rows: usize, now: Timestamp) -> Vec<Line<'static>> {
    let mut all = Vec::new();
    says(&mut all, app, row, columns, rows, now);
    all.extend(phases_line(app, row, columns, now).map(|c| c.line_in(columns)));
    all.extend(queue_line(app, row, now).map(|c| c.line_in(columns)));
    for j in row.server.jobs.values() {
        all.push(job_line(app, row.server, j, now).line_in(columns));
    }
    all.extend(more(app, row, now).into_iter().map(|c| c.line_in(columns)));
    all.truncate(rows);
    chart(&mut all, app, row, columns, rows, now);
    all
}

/// What is left of a tall screen shows the deepest queue over time.
fn chart(all: &mut Vec<Line<'static>>, app: &App, row: &Row<'_>, columns: usize, rows: usize, now: Timestamp) {
    let left = rows.saturating_sub(all.len() + 1);
    let deepest = row
        .server
        .queues
        .values()
        .max_by_key(|q| q.depth.last().map(|s| s.depth.total()));
    let Some(queue) = deepest.filter(|q| left >= 7 && !q.samples().is_empty()) else {
        return;
    };
    let marks = super::queue::marks(app, row.server);
    let chart = Chart {
        samples: queue.samples(),
        marks: &marks,
        good_for: row.server.good_for(),
        now,
        zone: &app.options.zone,
    };
    let title = format!("messages in {} over time", queue.name);
    all.push(Line::styled(title, app.options.theme.style(Role::Label)));
    all.extend(chart::lines(&chart, columns, left.min(14), app.options.theme));
}

fn says(out: &mut Vec<Line<'static>>, app: &App, row: &Row<'_>, columns: usize, rows: usize, now: Timestamp) {
    let theme = app.options.theme;
    let name = cut(&row.server.name, columns / 3).into_owned();
    let since = match row.since {
        Some(at) => format!("since {}", when::moment(at, now, &app.options.zone)),
        None => String::new(),
    };
    let since = Cells::new().put(since, theme.style(Role::Dim));
    let start = width(&name) + 2;
    let room = columns.saturating_sub(start + if since.used() > 0 { since.used() + 2 } else { 0 });
    let sentence = headline::sentence(row, now, &app.options.zone);
    // Two lines for the words where there is room for them.
    let wrapped = wrap(&sentence, room, if rows > 4 { 2 } else { 1 });
    let first = wrapped.first().cloned().unwrap_or_default();
    let line = Cells::new()
        .put(name, theme.style(Role::Title))
        .gap(2)
        .put(first, theme.style(Role::Text));
    out.push(line.at_right(columns, since).line_in(columns));
    for w in wrapped.iter().skip(1) {
        out.push(
            Cells::new()
                .gap(start)
                .put(w.clone(), theme.style(Role::Text))
                .line_in(columns),
        );
    }
}

/// The phases that a probe of this door goes through, in their order, with those not reached.
pub fn expected_phases(r: &ProbeReport) -> Vec<Phase> {
    let mut all: Vec<Phase> = r.phases.iter().map(|p| p.phase).collect();
    for phase in [
        Phase::Name,
        Phase::Tcp,
        Phase::Tls,
        Phase::Greeting,
        Phase::Login,
        Phase::Examine,
        Phase::Fetch,
    ] {
        // A plain door has no TLS: it is expected only where the URL says so.
        let meant = phase <= r.goal && (phase != Phase::Tls || r.url.starts_with("imaps:"));
        // Names that are addresses are not looked up: what comes after was reached without.
        let passed = all.iter().any(|p| *p > phase && *p != Phase::Logout);
        if meant && !passed && !all.contains(&phase) {
            all.push(phase);
        }
    }
    all.retain(|p| *p != Phase::Logout);
    all
}

/// The phases in one line, in the fullest of three ways that fits.
fn phases_line(app: &App, row: &Row<'_>, columns: usize, now: Timestamp) -> Option<Cells> {
    let door = row.door?;
    let report = door.probe.last()?;
    let fresh = door.probe.reading(now, row.server.good_for()).fresh().is_some();
    let lead = if fresh { "" } else { "then:  " };
    let lead = || Cells::new().put(lead, app.options.theme.style(Role::Unknown));
    let full = lead().join(phases_apart(app, report));
    if full.used() <= columns {
        return Some(full);
    }
    let timed = lead().join(phases_grouped(app, report, Times::All));
    if timed.used() <= columns {
        return Some(timed);
    }
    Some(lead().join(phases_grouped(app, report, Times::OfFailures)))
}

/// `name 1ms ✔  tcp 1ms ✔  examine 240ms ✖  fetch ·`.
fn phases_apart(app: &App, report: &ProbeReport) -> Cells {
    let theme = app.options.theme;
    let mut line = Cells::new();
    for (i, phase) in expected_phases(report).into_iter().enumerate() {
        line = line.gap(if i > 0 { 2 } else { 0 });
        line = match report.phase(phase) {
            Some(p) => {
                let (sign, role) = if p.ok { ("✔", Role::Ok) } else { ("✖", Role::Down) };
                line.put(format!("{phase} "), theme.style(Role::Dim))
                    .put(format!("{} ", p.took), theme.style(Role::Text))
                    .put(sign, theme.style(role))
            }
            None => line.put(format!("{phase} ·"), theme.style(Role::Faint)),
        };
    }
    line
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    All,
    OfFailures,
}

/// `✔ name 1ms tcp 1ms  ✖ examine 240ms  · fetch`: one sign for each group of neighbours.
fn phases_grouped(app: &App, report: &ProbeReport, times: Times) -> Cells {
    let theme = app.options.theme;
    let mut line = Cells::new();
    let mut group = "";
    for phase in expected_phases(report) {
        let p = report.phase(phase);
        let (sign, role) = match p.map(|p| p.ok) {
            Some(true) => ("✔", Role::Ok),
            Some(false) => ("✖", Role::Down),
            None => ("·", Role::Faint),
        };
        if sign != group {
            let gap = if group.is_empty() { 0 } else { 2 };
            line = line.gap(gap).put(sign, theme.style(role));
            group = sign;
        }
        line = line.put(
            format!(" {phase}"),
            theme.style(if p.is_some() { Role::Dim } else { Role::Faint }),
        );
        if let Some(p) = p.filter(|p| !p.ok || times == Times::All) {
            line = line.put(format!(" {}", p.took), theme.style(Role::Text));
        }
    }
    line
}

/// Whether any of its readings covers less than the whole queue.
pub fn partial(server: &Server, now: Timestamp) -> bool {
    let good_for = server.good_for();
    server
        .queues
        .values()
        .any(|q| q.reading(now, good_for).fresh().is_some_and(|s| !s.complete()))
}

/// Arrival of the oldest message, by the last listings.
pub fn oldest(server: &Server) -> Option<Timestamp> {
    server
        .queues
        .values()
        .filter_map(|q| q.listed.last()?.listing.as_ref()?.oldest)
        .min()
}

fn listings(server: &Server) -> impl Iterator<Item = (&Listing, Timestamp)> {
    server
        .queues
        .values()
        .filter_map(|q| Some((q.listed.last()?.listing.as_deref()?, q.listed.at()?)))
}

fn queue_line(app: &App, row: &Row<'_>, now: Timestamp) -> Option<Cells> {
    let theme = app.options.theme;
    if row.server.queues.is_empty() {
        return None;
    }
    let label = theme.style(Role::Dim);
    let Some(d) = row.depth else {
        let q = row
            .server
            .queues
            .values()
            .find(|q| q.reading(now, row.server.good_for()).fresh().is_none())?;
        let line = Cells::new().put("queue ? ", theme.style(Role::Unknown));
        let words = match (
            q.depth.last(),
            q.depth.at(),
            q.reading(now, row.server.good_for()).why(),
        ) {
            (Some(last), Some(at), why) => format!(
                "was {} {} ago{}",
                number::grouped(last.depth.total()),
                when::age(at, now),
                why.map_or(String::new(), |w| format!("; {w}"))
            ),
            (.., Some(why)) => why.to_string(),
            _ => "not read yet".to_owned(),
        };
        return Some(line.put(words, label));
    };
    let least = if partial(row.server, now) { "≥" } else { "" };
    let mut line = Cells::new();
    let counts = [
        ("maildrop", d.maildrop),
        ("incoming", d.incoming),
        ("active", d.active),
        ("deferred", d.deferred),
        ("held", d.hold),
        ("other", d.other),
    ];
    for (word, n) in counts {
        // Active and deferred are always looked for; the rest only when there is any.
        if n > 0 || matches!(word, "active" | "deferred") {
            let gap = if line.used() > 0 { 2 } else { 0 };
            line = line
                .gap(gap)
                .put(format!("{word} "), label)
                .put(format!("{least}{}", number::grouped(n)), theme.style(Role::Text));
        }
    }
    if let Some(at) = oldest(row.server) {
        line = line
            .put("  oldest ", label)
            .put(when::age(at, now), theme.style(Role::Text));
    }
    match listings(row.server).map(|(_, at)| at).min() {
        Some(at) => Some(line.put(format!("  listed {} ago", when::age(at, now)), label)),
        None => Some(line.put("  counted, not listed yet", label)),
    }
}

fn job_line(app: &App, server: &Server, j: &Job, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let reading = j.state.reading(now, server.good_for());
    let Some(s) = reading.fresh() else {
        let why = reading.why().map_or("not read yet".to_owned(), ToString::to_string);
        let last = j.state.last().zip(j.state.at());
        let last = last.map_or(String::new(), |(s, at)| {
            format!("was {} {} ago; ", s.state, when::age(at, now))
        });
        return Cells::new()
            .put(format!("{} ? ", j.name), theme.style(Role::Unknown))
            .put(last + &why, dim);
    };
    let mut line = Cells::new()
        .put(format!("{} ", j.name), theme.style(Role::Text))
        .put(format!("{} {}", glyphs::state(s.state), s.state), theme.state(s.state));
    if let Some(p) = s.progress {
        line = line.put(format!(" {p:.0}%"), theme.style(Role::Text));
    }
    if let Some(t) = s.running_for {
        line = line.put(format!(" for {}", when::whole(t)), dim);
    }
    if let Some(words) = last_action(app, j, s.state, now) {
        return line.put("  ", dim).put(words, dim);
    }
    line
}

/// `paused 8m ago, 22m left, confirmed 12s ago, by lin@bastion: drain first`, for a job that was found in `state`.
pub fn last_action(app: &App, j: &Job, state: State, now: Timestamp) -> Option<String> {
    let a = app.model.last_action(j)?;
    let ago = when::age(a.at, now);
    let (verb, by, reason) = (a.plan.verb, &a.plan.by, &a.plan.reason);
    let truth = a.truth();
    if let Truth::Contradicted { found } = &truth {
        return Some(format!("{}, by {by}: {reason}", failed(verb, &ago, found.state)));
    }
    let since = since_then(app, j, a, state, now).map_or(String::new(), |s| format!(", {s}"));
    let truth = self::truth(&truth, now);
    Some(format!("{verb}d {ago} ago{since}, {truth}, by {by}: {reason}"))
}

/// `pause failed 45s ago: found running`.
pub fn failed(verb: Verb, ago: &str, found: State) -> String {
    format!("{verb} failed {ago} ago: found {found}")
}

/// What became of a pause by now: how much is left of it, that it should be over, or that the job is no longer paused. Of
/// a pause that did not come about, nothing.
pub fn since_then(app: &App, j: &Job, a: &Action, state: State, now: Timestamp) -> Option<String> {
    let left = app.model.pause_left(j, now)?;
    match (state, a.truth()) {
        (_, Truth::Contradicted { .. }) | (State::Unknown, _) => None,
        (State::Paused, _) if left > Span::ZERO => Some(format!("{} left", when::whole(left))),
        (State::Paused, _) => Some(format!("▲ pause overdue by {}", when::whole(Span::ZERO - left))),
        (_, Truth::Confirmed { .. }) => {
            let word = match state {
                State::Running => "running again".to_owned(),
                other => format!("now {other}"),
            };
            // Before its time it was somebody else; after it, the timer that the pause came with.
            let early = if left > Span::ZERO {
                " (not resumed by mailtop)"
            } else {
                ""
            };
            Some(word + early)
        }
        _ => None,
    }
}

/// What is known of a requested state, in words.
pub fn truth(t: &Truth, now: Timestamp) -> String {
    match t {
        Truth::Requested => "requested, not read back".to_owned(),
        Truth::Confirmed { at } => format!("confirmed {} ago", when::age(*at, now)),
        Truth::Contradicted { found } => format!("contradicted: found {}", found.state),
        Truth::Unverifiable { why } => format!("cannot be verified: {why}"),
    }
}

/// What a larger screen adds.
fn more(app: &App, row: &Row<'_>, now: Timestamp) -> Vec<Cells> {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let mut all = Vec::new();
    let report = row.door.and_then(|d| d.probe.last());
    if let Some(hint) = report.and_then(|r| r.failure.as_ref()?.hint.as_ref()) {
        all.push(Cells::new().put(hint.to_string(), dim));
    }
    for a in report.into_iter().flat_map(|r| &r.alerts) {
        all.push(
            Cells::new()
                .put("ALERT ", theme.style(Role::Warn))
                .put(a.to_string(), theme.style(Role::Text)),
        );
    }
    if let Some(r) = report {
        let mut parts = vec![r.url.to_string()];
        parts.extend(r.peer.iter().map(|p| format!("at {p}")));
        if let Some(tls) = &r.tls {
            parts.extend(tls.version.iter().map(ToString::to_string));
            parts.extend(tls.days_left(now).map(|d| format!("certificate {d} days")));
        }
        all.push(Cells::new().put(parts.join("  "), dim));
    }
    let reasons = listings(row.server).flat_map(|(l, _)| &l.reasons).take(4);
    for r in reasons {
        let n = number::grouped(r.messages);
        all.push(
            Cells::new()
                .right(&n, 8, theme.style(Role::Text))
                .put(" × ", dim)
                .put(r.reason.to_string(), theme.style(Role::Text)),
        );
    }
    all
}
