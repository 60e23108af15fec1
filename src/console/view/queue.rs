//! One queue: how deep it is and whether it drains, what happens to its messages, its depth over time, what is in it by age
//! and destination, and why mail waits. Destinations and reasons are rows that can be opened.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span as Piece};

use crate::console::app::{App, ServerView};
use crate::console::theme::Role;
use crate::console::widget::cells::wrap;
use crate::console::widget::chart::{self, Ahead, Chart, Mark};
use crate::console::widget::{Cells, heat, width};
use crate::console::{number, when};
use crate::domain::Span;
use crate::domain::message::PickBy;
use crate::domain::queue::{Listing, QueueSnapshot};
use crate::domain::reading::Reading;
use crate::model::{Action, Outlook, Queue, Server};

use super::probe::paragraph;
use super::{acted, drain, flow};

/// What an action did is said beside the chart for so long.
const MARKED: Span = Span::from_hours(2);

/// The lines of the pane, and which of them stand for messages that can be looked at.
#[derive(Debug, Default)]
pub struct Drawn {
    /// All lines, from the top.
    pub lines: Vec<Line<'static>>,
    /// Lines with messages behind them, and what those have in common.
    pub rows: Vec<(usize, PickBy)>,
}

/// Everything about a queue, laid out for so many rows.
pub fn drawn(app: &App, view: &ServerView, server: &Server, columns: usize, rows: usize, now: Timestamp) -> Drawn {
    let theme = app.options.theme;
    let Some(queue) = view.queue(server) else {
        let words = Line::styled("no queue is watched on this server", theme.style(Role::Dim));
        return Drawn {
            lines: vec![words],
            rows: Vec::new(),
        };
    };
    let mut out = Vec::new();
    let reading = queue.reading(now, server.good_for());
    counts(&mut out, app, server, &reading, columns, now);
    if reading.fresh().is_some() {
        outlook(&mut out, app, server, queue, columns, now);
    }
    flow::lines(&mut out, app, server, queue, columns, now);
    let marks = marks(app, server);
    let chart = Chart {
        samples: queue.samples(),
        marks: &marks,
        ahead: ahead(queue, server, now),
        good_for: server.good_for(),
        now,
        zone: &app.options.zone,
    };
    out.extend(chart::lines(&chart, columns, (rows / 3).clamp(6, 13), theme));
    did(&mut out, app, server, columns, now);
    let mut drawn = Drawn {
        lines: out,
        rows: Vec::new(),
    };
    listing(&mut drawn, app, view, queue, columns, rows, now);
    drawn.lines.push(Line::default());
    let (words, role) = flow::load(queue, now);
    paragraph(&mut drawn.lines, &words, 2, columns, theme.style(role));
    drawn
}

fn counts(
    out: &mut Vec<Line<'static>>,
    app: &App,
    server: &Server,
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
    let total = format!("{least}{}", number::grouped(d.total()));
    let mut line = Cells::new().put(total, theme.style(if deep { Role::Warn } else { Role::Title }));
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

/// Whether it drains, and when its mail expires: in one line where both fit.
fn outlook(out: &mut Vec<Line<'static>>, app: &App, server: &Server, queue: &Queue, columns: usize, now: Timestamp) {
    let (theme, zone) = (app.options.theme, &app.options.zone);
    let outlook = Outlook::of(queue, server.every(), now);
    let (words, role) = drain::sentence(&outlook, queue.net_per_min(now, server.every()), now, zone);
    let Some((expiry, warns)) = drain::expiry(queue, server.every(), now, zone) else {
        return paragraph(out, &words, 2, columns, theme.style(role));
    };
    if width(&words) + 3 + width(&expiry) <= columns {
        let line = Cells::new().put(words, theme.style(role)).gap(3);
        return out.push(line.put(expiry, theme.style(warns)).line());
    }
    paragraph(out, &words, 2, columns, theme.style(role));
    paragraph(out, &expiry, 2, columns, theme.style(warns));
}

/// What the newest actions that the chart has marks for did to the flow.
fn did(out: &mut Vec<Line<'static>>, app: &App, server: &Server, columns: usize, now: Timestamp) {
    let theme = app.options.theme;
    let lately = |a: &&Action| a.plan.server == server.name && Span::between(a.at, now) < MARKED;
    for a in app.model.actions().rev().filter(lately).take(2) {
        let sign = chart::sign(a.plan.verb);
        let at = when::hour_minute(a.at, &app.options.zone);
        for (words, role) in acted::effects(app, a, now) {
            let line = Cells::new()
                .put(
                    format!("{sign} {at} {} {}: ", a.plan.verb, a.plan.job),
                    theme.style(Role::Dim),
                )
                .put(words, theme.style(role));
            out.push(line.line_in(columns));
        }
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

/// When the queue is clear, for its chart; `None` where no clear time is known.
pub(super) fn ahead(queue: &Queue, server: &Server, now: Timestamp) -> Option<Ahead> {
    let newest = queue.samples().back()?;
    Some(Ahead {
        from: newest.at,
        depth: newest.depth,
        floor: newest.held.unwrap_or(0),
        clears: queue.clears(now, server.every())?,
    })
}

fn listing(out: &mut Drawn, app: &App, view: &ServerView, queue: &Queue, columns: usize, rows: usize, now: Timestamp) {
    let theme = app.options.theme;
    out.lines.push(Line::default());
    let last = queue.listed.last().zip(queue.listed.at());
    let Some((l, snapshot, at)) = last.and_then(|(s, at)| Some((s.listing.as_deref()?, s, at))) else {
        let words = "not listed yet: what is in it is not known";
        out.lines.push(Line::styled(words, theme.style(Role::Unknown)));
        return;
    };
    out.lines.push(title(app, l, snapshot, at, now).line_in(columns));
    // A column at the left belongs to the cursor.
    let inner = columns.saturating_sub(1);
    let rows = (rows / 3).clamp(5, 14);
    let opened = heat::BEFORE..heat::BEFORE + heat::shown(l, rows);
    for (i, line) in heat::lines(l, inner, rows, theme).into_iter().enumerate() {
        let by = opened
            .contains(&i)
            .then(|| PickBy::Destination(l.destinations[i - heat::BEFORE].domain.clone()));
        out.row(app, view, line, by);
    }
    if l.reasons.is_empty() {
        return;
    }
    out.lines.push(Line::default());
    out.lines
        .push(Line::styled(" WHY MAIL WAITS", theme.style(Role::Label)));
    for r in &l.reasons {
        let n = number::fitted(r.messages, 7);
        for (i, words) in wrap(&r.reason, inner.saturating_sub(9), 2).into_iter().enumerate() {
            let n = if i == 0 { n.as_str() } else { "" };
            let line = Cells::new()
                .right(n, 7, theme.style(Role::Text))
                .gap(2)
                .put(words, theme.style(Role::Text));
            let by = (i == 0).then(|| PickBy::Reason(r.reason.clone()));
            out.row(app, view, line.line_in(inner), by);
        }
    }
}

impl Drawn {
    /// Adds a line behind the column of the cursor.
    fn row(&mut self, app: &App, view: &ServerView, mut line: Line<'static>, by: Option<PickBy>) {
        let theme = app.options.theme;
        let here = by.is_some() && view.cursor == by;
        let (mark, style) = if here {
            ("▌", theme.style(Role::Accent))
        } else {
            (" ", Style::new())
        };
        if here {
            for piece in &mut line.spans {
                piece.style = theme.selected().patch(piece.style);
            }
        }
        line.spans.insert(0, Piece::styled(mark, style));
        self.rows.extend(by.map(|by| (self.lines.len(), by)));
        self.lines.push(line);
    }
}

fn title(app: &App, l: &Listing, snapshot: &QueueSnapshot, at: Timestamp, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let next = match snapshot.next_listing.map(|n| Span::between(now, n.after(at))) {
        Some(left) if left > Span::from_secs(1) => format!(", next in {}", when::whole(left)),
        Some(_) => ", next is due".to_owned(),
        None => String::new(),
    };
    let oldest = l
        .oldest
        .map_or(String::new(), |t| format!(", oldest {}", when::age(t, now)));
    let age = format!("{} ago{next}{oldest}, {}", when::age(at, now), number::bytes(l.bytes));
    Cells::new()
        .put("LISTED  ", theme.style(Role::Label))
        .put(age, theme.style(Role::Dim))
}
