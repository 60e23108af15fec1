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
use crate::domain::forecast::Drain;
use crate::domain::queue::Listing;
use crate::model::{Job, Queue, Row, Server, Told};

use super::{acted, canary, cause, doors, drain, flow, headline, lease, phases, senders};

/// At most `rows` lines about a server.
pub fn lines(app: &App, row: &Row<'_>, columns: usize, rows: usize, now: Timestamp) -> Vec<Line<'static>> {
    let mut all = Vec::new();
    says(&mut all, app, row, columns, rows, now);
    all.extend(cause::lines(app, row, columns, now));
    all.extend(doors::line(app, row.server, now).map(|c| c.line_in(columns)));
    all.extend(phases::line(app, row, columns, now).map(|c| c.line_in(columns)));
    for c in row.server.canaries.values() {
        all.push(canary::brief(app, row.server, c, now).line_in(columns));
    }
    queue_lines(&mut all, app, row, columns, now);
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
        ahead: super::queue::ahead(queue, row.server, now),
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
    let sentence = headline::sentence(app, row, now);
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

/// The queue and its flow, in one line where both fit; whether it drains, and when its mail and that of others is given up.
fn queue_lines(out: &mut Vec<Line<'static>>, app: &App, row: &Row<'_>, columns: usize, now: Timestamp) {
    let (theme, zone) = (app.options.theme, &app.options.zone);
    let Some(line) = queue_line(app, row, now) else { return };
    let (server, slowest) = (row.server, row.server.slowest(now));
    // Of several queues it is said which one is spoken of.
    let named = |q: &Queue| {
        let name = if server.queues.len() > 1 {
            format!("{}: ", q.name)
        } else {
            String::new()
        };
        Cells::new().put(name, theme.style(Role::Dim))
    };
    let flow = slowest.filter(|_| row.depth.is_some()).map(|q| {
        let cells = flow::cells(app, server, q, now).unwrap_or_else(|| {
            let why = flow::why_not(server, q, now);
            Cells::new().put(format!("flow not known: {why}"), theme.style(Role::Dim))
        });
        named(q).join(cells)
    });
    match flow {
        Some(flow) if line.used() + 3 + flow.used() <= columns => out.push(line.gap(3).join(flow).line()),
        flow => {
            out.push(line.line_in(columns));
            out.extend(flow.map(|f| f.line_in(columns)));
        }
    }
    let mut line = Cells::new();
    if let Some(q) = slowest.filter(|_| row.depth.is_some())
        && let Some(outlook) = &row.outlook
    {
        // The table says already that it grows, or that it is clear.
        if !matches!(outlook.drain, Drain::Empty | Drain::Growing { .. }) {
            let (words, role) = drain::sentence(outlook, None, now, zone);
            line = line.put(words, theme.style(role));
        }
        if let Some((words, role)) = drain::expiry(q, server.every(), now, zone) {
            let gap = if line.used() > 0 { 3 } else { 0 };
            // Whatever a clear time takes for granted is said in full.
            if gap > 0 && outlook.told_by != Told::Log && line.used() + gap + width(&words) > columns {
                out.push(named(q).join(std::mem::take(&mut line)).line_in(columns));
                line = line.put(words, theme.style(role));
            } else {
                line = line.gap(gap).put(words, theme.style(role));
            }
        }
    }
    if let Some(q) = slowest.filter(|_| line.used() > 0) {
        out.push(named(q).join(line).line_in(columns));
    }
    out.extend(senders::brief(app, server, columns, now).map(|c| c.line_in(columns)));
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
    if let Some(words) = lease::drift(app, j) {
        return line.put(format!("  ▲ {words}"), theme.style(Role::Warn));
    }
    if let Some((words, role)) = lease::brief(app, server, j, now) {
        line = line.put("  ", dim).put(words, theme.style(role));
    }
    if let Some(words) = acted::last_action(app, j, s.state, now) {
        return line.put("  ", dim).put(words, dim);
    }
    line
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
