//! One queue: its depth over time, what is in it by age and destination, and why mail waits.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::widget::chart::{self, Chart, Mark};
use crate::console::widget::{Cells, heat};
use crate::console::{number, when};
use crate::domain::Span;
use crate::domain::flow::Trend;
use crate::domain::queue::QueueSnapshot;
use crate::domain::reading::Reading;
use crate::model::{Queue, Server};

use super::probe::paragraph;

/// Everything about a queue, laid out for so many rows.
pub fn lines(
    app: &App,
    server: &Server,
    part: usize,
    columns: usize,
    rows: usize,
    now: Timestamp,
) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let Some(queue) = server.queues.values().nth(part) else {
        return vec![Line::styled(
            "no queue is watched on this server",
            theme.style(Role::Dim),
        )];
    };
    let mut out = Vec::new();
    let reading = queue.reading(now, server.good_for());
    counts(&mut out, app, server, queue, &reading, columns, now);
    let marks = marks(app, server);
    let chart = Chart {
        samples: queue.samples(),
        marks: &marks,
        good_for: server.good_for(),
        now,
        zone: &app.options.zone,
    };
    out.extend(chart::lines(&chart, columns, (rows / 3).clamp(6, 13), theme));
    listing(&mut out, app, queue, columns, rows, now);
    out
}

fn counts(
    out: &mut Vec<Line<'static>>,
    app: &App,
    server: &Server,
    queue: &Queue,
    reading: &Reading<&QueueSnapshot>,
    columns: usize,
    now: Timestamp,
) {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let Reading::Fresh { value, .. } = reading else {
        let words = match reading {
            Reading::Stale { value, at, why } => {
                format!(
                    "? was {} {} ago; {why}",
                    number::grouped(value.depth.total()),
                    when::age(*at, now)
                )
            }
            Reading::Never { why: Some(why) } => format!("? not read yet: {why}"),
            _ => "? not read yet".to_owned(),
        };
        paragraph(out, &words, 2, columns, theme.style(Role::Unknown));
        return;
    };
    let d = value.depth;
    let least = if value.complete() { "" } else { "≥" };
    let deep = d.total() > server.limits().queue_depth;
    let mut line = Cells::new().put(
        format!("{least}{}", number::grouped(d.total())),
        theme.style(if deep { Role::Warn } else { Role::Title }),
    );
    line = match queue.trend(now, server.every()) {
        Trend::Empty => line.put("  clear", theme.style(Role::Ok)),
        Trend::Unknown => line.put("  rate unknown", theme.style(Role::Unknown)),
        t @ (Trend::Steady | Trend::Shrinking { .. } | Trend::Growing { .. }) => {
            let rate = queue.net_per_min(now, server.every()).unwrap_or_default();
            let (word, role) = match t {
                Trend::Growing { .. } => ("growing", Role::Warn),
                Trend::Shrinking { .. } => ("shrinking", Role::Ok),
                _ => ("steady", Role::Text),
            };
            line.put(format!("  {word} {}/min", number::signed(rate, 9)), theme.style(role))
        }
    };
    for (word, n) in [
        ("maildrop", d.maildrop),
        ("incoming", d.incoming),
        ("active", d.active),
        ("deferred", d.deferred),
        ("held", d.hold),
        ("other", d.other),
    ] {
        if n > 0 {
            line = line
                .put(format!("  {word} "), dim)
                .put(number::grouped(n), theme.style(Role::Text));
        }
    }
    out.push(line.line_in(columns));
    if let Some(why) = &value.partial {
        paragraph(out, &format!("partial: {why}"), 2, columns, theme.style(Role::Warn));
    }
}

/// When maintenance on this server was paused and resumed.
pub(super) fn marks(app: &App, server: &Server) -> Vec<Mark> {
    app.model
        .actions()
        .filter(|a| a.plan.server == server.name && a.ran.is_some())
        .map(|a| Mark {
            at: a.at,
            verb: a.plan.verb,
        })
        .collect()
}

fn listing(out: &mut Vec<Line<'static>>, app: &App, queue: &Queue, columns: usize, rows: usize, now: Timestamp) {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    out.push(Line::default());
    let Some((snapshot, at)) = queue.listed.last().zip(queue.listed.at()) else {
        out.push(Line::styled(
            "not listed yet: what is in it is not known",
            theme.style(Role::Unknown),
        ));
        return;
    };
    let Some(l) = &snapshot.listing else { return };
    let next = snapshot.next_listing.map(|n| Span::between(now, n.after(at)));
    let next = match next {
        Some(left) if left > Span::from_secs(1) => format!(", next in {}", when::whole(left)),
        Some(_) => ", next is due".to_owned(),
        None => String::new(),
    };
    let oldest = l
        .oldest
        .map_or(String::new(), |t| format!(", oldest {}", when::age(t, now)));
    let age = format!("{} ago{next}{oldest}, {}", when::age(at, now), bytes(l.bytes));
    let title = Cells::new().put("LISTED  ", theme.style(Role::Label)).put(age, dim);
    out.push(title.line_in(columns));
    out.extend(heat::lines(l, columns, (rows / 3).clamp(5, 14), theme));
    if l.reasons.is_empty() {
        return;
    }
    out.push(Line::default());
    out.push(Line::styled("WHY MAIL WAITS", theme.style(Role::Label)));
    for r in &l.reasons {
        let n = number::fitted(r.messages, 7);
        let wrapped = crate::console::widget::cells::wrap(&r.reason, columns.saturating_sub(9), 2);
        for (i, words) in wrapped.into_iter().enumerate() {
            let n = if i == 0 { n.as_str() } else { "" };
            let line = Cells::new()
                .right(n, 7, theme.style(Role::Text))
                .gap(2)
                .put(words, theme.style(Role::Text));
            out.push(line.line_in(columns));
        }
    }
}

/// Bytes as mail administrators say them: `3.1 GB`.
fn bytes(n: u64) -> String {
    match n {
        ..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{} kB", n / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", n / 1_000_000, n % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", n / 1_000_000_000, n % 1_000_000_000 / 100_000_000),
    }
}
