//! The incidents, those that go on first.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{App, Due, Owed};
use crate::console::theme::Role;
use crate::console::when;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed};
use crate::domain::incident::Incident;

use super::{footer, header, sign};

/// Lines above the first incident: header, notice, rule, heads.
const ABOVE: u16 = 4;

/// How many rows there are room for.
pub fn page(app: &App) -> usize {
    usize::from(app.size.1.saturating_sub(ABOVE + 2)).max(1)
}

struct Columns {
    name: usize,
    called: usize,
    since: usize,
    owed: usize,
}

/// Draws the list.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, now: Timestamp) {
    let theme = app.options.theme;
    header::draw(buf, area, app, header::Roles::Here, now);
    footer::draw(buf, area, app);
    let all = app.listed();
    let open = all.iter().filter(|i| !i.is_resolved()).count();
    let word = format!("{open} open, {} over", all.len() - open);
    let rule = Rect::new(area.x, area.y + 2, area.width, 1);
    boxed::rule(buf, rule, &word, theme);
    buf.set_line(
        rule.x + 1,
        rule.y,
        &Cells::new().put("incidents ", theme.style(Role::Accent)).line(),
        rule.width,
    );
    let width = usize::from(area.width);
    let owed = if width >= 100 { 38 } else { 0 };
    let since = if width >= 80 { 13 } else { 0 };
    let called = if width >= 80 { 18 } else { 14 };
    let c = Columns {
        name: width.saturating_sub(1 + 16 + called + 1 + since + 8 + owed + 2),
        called,
        since,
        owed,
    };
    let head = Cells::new()
        .gap(1)
        .left("STATE", 16, theme.style(Role::Label))
        .left("INCIDENT", c.called + 1, theme.style(Role::Label))
        .left("WHAT", c.name + 1, theme.style(Role::Label))
        .left(
            if c.since > 0 { "SINCE" } else { "" },
            c.since,
            theme.style(Role::Label),
        )
        .right("LASTED", 8, theme.style(Role::Label));
    let head = if c.owed > 0 {
        head.gap(2).left("OWED", c.owed - 2, theme.style(Role::Label))
    } else {
        head
    };
    buf.set_line(area.x, area.y + 3, &head.line_in(width), area.width);
    let meant = app.incident_meant().map(|i| &i.id);
    let at = all.iter().position(|i| Some(&i.id) == meant).unwrap_or(0);
    let rows = page(app);
    let top = at.saturating_sub(rows.saturating_sub(1));
    for (n, i) in all.iter().enumerate().skip(top).take(rows) {
        let y = area.y + ABOVE + (n - top) as u16;
        let here = n == at;
        if here {
            buf.set_style(Rect::new(area.x, y, area.width, 1), theme.selected());
        }
        buf.set_line(area.x, y, &row(app, i, &c, here, now).line_in(width), area.width);
    }
    if all.is_empty() {
        let words = "No incident is on record. One opens by itself when a door is down for long enough ([incident] of the config); O opens one by hand.";
        for (n, l) in wrap(words, width.saturating_sub(2), 3).into_iter().enumerate() {
            let line = Line::styled(l, theme.style(Role::Dim));
            buf.set_line(area.x + 1, area.y + ABOVE + n as u16, &line, area.width);
        }
    }
}

fn row(app: &App, i: &Incident, c: &Columns, here: bool, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let (glyph, role) = sign(i.state);
    let start = i.start().at;
    let lasted = start.until(i.restored().or(i.resolved()).unwrap_or(app.model.moment(now)));
    let line = Cells::new()
        .put(if here { "▌" } else { " " }, theme.style(Role::Accent))
        .left(&format!("{glyph} {}", i.state), 16, theme.style(role))
        .left(i.called(), c.called, theme.style(Role::Title))
        .gap(1)
        .left(i.name(), c.name, theme.style(Role::Text))
        .gap(1)
        .left(
            &when::moment(start.at, now, &app.options.zone),
            c.since,
            theme.style(Role::Dim),
        )
        .right(&when::whole(lasted), 8, theme.style(Role::Text));
    if c.owed == 0 {
        return line;
    }
    let owed = Owed {
        incident: i,
        debt: app.owed(i, now),
    };
    let role = match owed.due() {
        Due::Overdue => Role::Down,
        Due::Soon => Role::Warn,
        Due::Later => Role::Dim,
    };
    let words = owed.debt.map_or_else(String::new, |d| d.words());
    line.gap(2).left(&words, c.owed - 2, theme.style(role))
}
