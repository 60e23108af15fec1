//! The fleet: a line for each server, the worst first, and the selected one in full below.

mod columns;
mod layout;
mod row;

use std::fmt::Write as _;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::App;
use crate::console::glyphs;
use crate::console::theme::Role;
use crate::console::widget::{Cells, boxed};
use crate::domain::health::Verdict;
use crate::domain::{Name, Span};
use crate::model::Row;

use super::{detail, footer, header, put_lines};
use layout::Layout;

/// Draws the fleet.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, now: Timestamp) {
    let theme = app.options.theme;
    let l = Layout::of(area, app.model.servers().count());
    let rows = app.rows(now);
    let roles = if l.upper_rule.is_some() {
        header::Roles::Below
    } else {
        header::Roles::Here
    };
    header::draw(buf, area, app, roles, now);
    if let Some(rule) = l.upper_rule {
        boxed::rule(buf, rule, "", theme);
        if let Some(cells) = super::roles::cells(app, usize::from(rule.width) - 4, now) {
            let line = Cells::new()
                .gap(1)
                .join(cells)
                .gap(1)
                .line_in(usize::from(rule.width) - 2);
            buf.set_line(rule.x + 1, rule.y, &line, rule.width - 2);
        }
    }
    let marked = app.fleet.marked().next().is_some();
    let marks = if marked { row::MARK } else { 0 };
    let columns = columns::plan(usize::from(area.width), &rows, marks);
    buf.set_line(
        l.head.x,
        l.head.y,
        &row::head(&columns, recent(app), row::doors(app), theme),
        l.head.width,
    );

    let at = cursor(app, &rows, now);
    let top = first_row(at, rows.len(), usize::from(l.table.height));
    for (i, r) in rows.iter().enumerate().skip(top).take(usize::from(l.table.height)) {
        let y = l.table.y + (i - top) as u16;
        let here = if Some(i) == at {
            row::Cursor::Here
        } else {
            row::Cursor::Elsewhere
        };
        let line = row::line(&columns, r, app, now, here);
        if here == row::Cursor::Here {
            buf.set_style(Rect::new(l.table.x, y, l.table.width, 1), theme.selected());
        }
        buf.set_line(l.table.x, y, &line, l.table.width);
    }
    if rows.is_empty() {
        empty(buf, l.table, app);
    }
    boxed::rule(
        buf,
        l.lower_rule,
        &hidden(&rows, top, usize::from(l.table.height)),
        theme,
    );
    if let Some(r) = at.and_then(|i| rows.get(i)) {
        let room = Rect::new(
            l.detail.x + 1,
            l.detail.y,
            l.detail.width.saturating_sub(2),
            l.detail.height,
        );
        put_lines(
            buf,
            room,
            &detail::lines(app, r, usize::from(room.width), usize::from(room.height), now),
            0,
        );
    }
    if let Some(rule) = l.foot_rule {
        boxed::rule(buf, rule, "", theme);
    }
    footer::draw(buf, area, app);
}

/// How many rows there are room for: what a page is.
pub fn page(app: &App) -> usize {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    usize::from(Layout::of(area, app.model.servers().count()).table.height).max(1)
}

/// The server whose row is on this line of the screen.
pub fn server_at(app: &App, y: u16, now: Timestamp) -> Option<Name> {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let l = Layout::of(area, app.model.servers().count());
    let rows = app.rows(now);
    if !(l.table.top()..l.table.bottom()).contains(&y) {
        return None;
    }
    let top = first_row(cursor(app, &rows, now), rows.len(), usize::from(l.table.height));
    rows.get(top + usize::from(y - l.table.y))
        .map(|r| r.server.name.clone())
}

fn cursor(app: &App, rows: &[Row<'_>], now: Timestamp) -> Option<usize> {
    let name = app.current(now)?;
    rows.iter().position(|r| r.server.name == name)
}

/// The first row shown: the cursor stands in the middle once the list is longer than the screen.
fn first_row(at: Option<usize>, count: usize, height: usize) -> usize {
    at.unwrap_or(0)
        .saturating_sub(height / 2)
        .min(count.saturating_sub(height))
}

/// What is out of sight, and how bad it is: scrolling must not hide an outage.
fn hidden(rows: &[Row<'_>], top: usize, height: usize) -> String {
    let end = (top + height).min(rows.len());
    if end - top == rows.len() {
        return String::new();
    }
    let above = &rows[..top];
    let bad = |v: Verdict| above.iter().filter(|r| r.verdict == v).count();
    let mut words = format!("{}–{} of {}", top + 1, end, rows.len());
    for v in [Verdict::Down, Verdict::Warn] {
        let n = bad(v);
        if n > 0 {
            let _ = write!(words, " · {} {n} {v} above", glyphs::verdict(v));
        }
    }
    words
}

fn empty(buf: &mut Buffer, area: Rect, app: &App) {
    let theme = app.options.theme;
    let words: [&str; 2] = if app.fleet.filtered() {
        ["no server matches", "Esc shows all of them"]
    } else if app.past.is_some() {
        ["nothing was watched yet", "] and } go on from here, g goes to a time"]
    } else {
        [
            "no server is watched yet",
            "the first look is on its way; without a config, run `mailtop init`",
        ]
    };
    for (i, w) in words.iter().enumerate() {
        let y = area.y + 1 + i as u16;
        if y < area.bottom() {
            let style = theme.style(if i == 0 { Role::Text } else { Role::Dim });
            buf.set_line(
                area.x,
                y,
                &Cells::new().gap(2).put(*w, style).line_in(usize::from(area.width)),
                area.width,
            );
        }
    }
}

/// What the column of the recent past covers: the longest of all servers.
fn recent(app: &App) -> Span {
    app.model
        .servers()
        .map(crate::model::Server::recent)
        .max()
        .unwrap_or(Span::from_mins(10))
}
