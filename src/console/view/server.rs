//! One server: its probe, its queue, its jobs, and when senders give up. A wide screen shows all of them; a small one shows
//! the pane that has the hands, under a line that names the others.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{App, Pane, ServerView};
use crate::console::theme::Role;
use crate::console::widget::{Cells, boxed, cut, width};
use crate::console::{glyphs, when};
use crate::domain::message::PickBy;
use crate::domain::reading::Reading;
use crate::model::{Row, Server};

use super::{footer, header, headline, jobs, probe, put_lines, queue, senders};

/// From this size on all panes are shown.
const WIDE: (u16, u16) = (110, 30);
/// Lines above the panes: header, notice, the server's own line.
const ABOVE: u16 = 3;

/// Draws one server.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, view: &ServerView, now: Timestamp) {
    header::draw(buf, area, app, header::Roles::Here, now);
    footer::draw(buf, area, app);
    let rows = crate::model::rows(&app.model, now);
    let Some(row) = rows.iter().find(|r| r.server.name == view.name) else {
        return;
    };
    let columns = usize::from(area.width);
    buf.set_line(
        area.x,
        area.y + 2,
        &title(app, row, columns, now).line_in(columns),
        area.width,
    );
    let panes = panes(area, view, senders_rows(app, row.server, area, now));
    for (pane, room) in &panes {
        let room = *room;
        let word = part_title(row.server, view, *pane, now);
        if panes.len() > 1 {
            let head = Rect::new(room.x, room.y - 1, room.width, 1);
            boxed::rule(buf, head, &word, app.options.theme);
            buf.set_line(head.x + 1, head.y, &pane_title(app, view, *pane).line(), head.width);
        } else {
            tabs(buf, Rect::new(area.x, room.y - 1, area.width, 1), app, view, &word);
        }
        let lines = lines(app, view, row.server, *pane, room, now);
        put_lines(buf, room, &lines, view.scrolled(*pane));
        more(buf, room, app, lines.len(), view.scrolled(*pane));
    }
    if panes.len() > 1 {
        let x = panes[0].1.right() + 1;
        for y in area.y + ABOVE + 1..area.bottom() - 1 {
            buf[(x, y)]
                .set_symbol("│")
                .set_style(app.options.theme.style(Role::Faint));
        }
    }
}

/// How many lines of a pane do not fit.
pub fn hidden_lines(app: &App, view: &ServerView, server: &Server, pane: Pane, now: Timestamp) -> usize {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let wanted = senders_rows(app, server, area, now);
    let Some((_, room)) = panes(area, view, wanted).into_iter().find(|(p, _)| *p == pane) else {
        return 0;
    };
    lines(app, view, server, pane, room, now)
        .len()
        .saturating_sub(usize::from(room.height))
}

/// The rows of the queue's pane that can be opened, by line, and how many lines it shows; `None` when it is not shown.
pub fn queue_rows(
    app: &App,
    view: &ServerView,
    server: &Server,
    now: Timestamp,
) -> Option<(Vec<(usize, PickBy)>, usize)> {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let wanted = senders_rows(app, server, area, now);
    let (_, room) = panes(area, view, wanted).into_iter().find(|(p, _)| *p == Pane::Queue)?;
    let (columns, rows) = (usize::from(room.width), usize::from(room.height));
    Some((queue::drawn(app, view, server, columns, rows, now).rows, rows))
}

fn lines(app: &App, view: &ServerView, server: &Server, pane: Pane, room: Rect, now: Timestamp) -> Vec<Line<'static>> {
    let (columns, rows) = (usize::from(room.width), usize::from(room.height));
    if room.is_empty() {
        return Vec::new();
    }
    match pane {
        Pane::Probe => probe::lines(app, server, view.part(pane), (columns, rows), now),
        Pane::Queue => queue::drawn(app, view, server, columns, rows, now).lines,
        Pane::Jobs => jobs::lines(app, server, view.part(pane), columns, now),
        Pane::Senders => senders::lines(app, server, columns, now),
    }
}

/// Lines for the senders' pane where all panes are shown: few, unless there is an outage to speak of.
fn senders_rows(app: &App, server: &Server, area: Rect, now: Timestamp) -> u16 {
    match app.model.remote_horizon(server, now) {
        Some(_) => (area.height / 3).min(12),
        None => 2,
    }
}

/// The panes that are shown and the room inside each; its title stands in the line above.
fn panes(area: Rect, view: &ServerView, senders: u16) -> Vec<(Pane, Rect)> {
    let top = area.y + ABOVE + 1;
    let height = area.height.saturating_sub(ABOVE + 2);
    if area.width < WIDE.0 || area.height < WIDE.1 {
        return vec![(
            view.pane,
            Rect::new(area.x + 1, top, area.width.saturating_sub(2), height),
        )];
    }
    let left = area.width * 2 / 5;
    let upper = height * 3 / 5;
    let right = area.x + left + 1;
    let wide = area.right() - right - 2;
    vec![
        (Pane::Probe, Rect::new(area.x + 1, top, left - 2, upper)),
        (Pane::Queue, Rect::new(right + 1, top, wide, height - senders - 1)),
        (
            Pane::Jobs,
            Rect::new(area.x + 1, top + upper + 1, left - 2, height - upper - 1),
        ),
        (
            Pane::Senders,
            Rect::new(right + 1, top + height - senders, wide, senders),
        ),
    ]
}

fn title(app: &App, row: &Row<'_>, columns: usize, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let words = format!("{} {}", glyphs::verdict(row.verdict), headline::words(row));
    let mut line = Cells::new()
        .gap(1)
        .put(row.server.name.to_string(), theme.style(Role::Title))
        .gap(2)
        .put(words, theme.verdict(row.verdict));
    if let Some(at) = row.since {
        let since = when::moment(at, now, &app.options.zone);
        line = line.put(
            format!("  since {since}, {}", when::age(at, now)),
            theme.style(Role::Text),
        );
    }
    let mut right = Cells::new();
    if row.server.read_only() {
        right = right.put("read-only  ", dim);
    }
    if let Some(way) = row.server.watched.as_ref().and_then(|w| w.reach.as_ref()) {
        right = match row.server.reach.reading(now, crate::domain::Span::from_hours(24 * 365)) {
            Reading::Fresh { value, .. } => right.put(format!("{way} ✔ {value}"), dim),
            Reading::Stale { why, .. } | Reading::Never { why: Some(why) } => {
                right.put(format!("{way} ✖ {}", why.why), theme.style(Role::Warn))
            }
            Reading::Never { why: None } => right.put(format!("{way} ?"), dim),
        };
    }
    let room = columns.saturating_sub(line.used() + 3);
    let right = right.line_in(room);
    let used: usize = right.spans.iter().map(|s| width(&s.content)).sum();
    let mut line = line.to(columns.saturating_sub(used + 1));
    for s in right.spans {
        line = line.put(s.content.into_owned(), s.style);
    }
    line
}

fn pane_title(app: &App, view: &ServerView, pane: Pane) -> Cells {
    let theme = app.options.theme;
    let role = if view.pane == pane { Role::Accent } else { Role::Dim };
    let mark = if view.pane == pane { "▸" } else { " " };
    Cells::new().put(format!("{mark}{} ", pane.title()), theme.style(role))
}

fn tabs(buf: &mut Buffer, at: Rect, app: &App, view: &ServerView, word: &str) {
    let line = Pane::ALL
        .into_iter()
        .fold(Cells::new(), |line, pane| line.join(pane_title(app, view, pane)));
    // The names of the panes are keys: the word beside them gives way.
    let room = usize::from(at.width).saturating_sub(line.used() + 5);
    boxed::rule(buf, at, &cut(word, room), app.options.theme);
    buf.set_line(at.x + 1, at.y, &line.line(), at.width);
}

/// Which of several doors or queues is shown, and how old what is shown is.
fn part_title(server: &Server, view: &ServerView, pane: Pane, now: Timestamp) -> String {
    let n = ServerView::parts(server, pane);
    let at = view.part(pane);
    let (name, seen) = match pane {
        Pane::Probe => (server.doors.keys().nth(at), None),
        Pane::Queue => {
            let queue = server.queues.values().nth(at);
            (queue.map(|q| &q.name), queue.and_then(|q| q.depth.at()))
        }
        Pane::Senders => return String::new(),
        Pane::Jobs => {
            return if n > 1 {
                format!("{} of {n}", at + 1)
            } else {
                String::new()
            };
        }
    };
    let age = seen.map_or(String::new(), |t| format!(", read {} ago", when::age(t, now)));
    match name {
        Some(name) if n > 1 => format!("‹ {name} › {} of {n}{age}", at + 1),
        Some(name) => format!("{name}{age}"),
        None => String::new(),
    }
}

/// Says at the right edge of the last line that there is more below, and of the first that there is more above.
pub(super) fn more(buf: &mut Buffer, room: Rect, app: &App, lines: usize, scrolled: usize) {
    let style = app.options.theme.style(Role::Accent);
    if room.is_empty() {
        return;
    }
    if lines > scrolled + usize::from(room.height) {
        buf[(room.right() - 1, room.bottom() - 1)]
            .set_symbol("↓")
            .set_style(style);
    }
    if scrolled > 0 {
        buf[(room.right() - 1, room.y)].set_symbol("↑").set_style(style);
    }
}
