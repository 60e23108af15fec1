//! Help for the screen below: its keys, from the one table, and what the signs mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{Access, App};
use crate::console::keymap::{self, Place};
use crate::console::theme::Role;
use crate::console::widget::{Cells, boxed};

use super::{footer, put_lines};

/// Columns, where the screen has them.
const COLUMNS: u16 = 76;

/// What the signs of the screens mean.
const SIGNS: [(&str, &str); 9] = [
    ("✖ down", "does not work; the word beside it is the layer that failed"),
    (
        "▲ warn",
        "works with trouble: slow, a deep queue, one account, a certificate",
    ),
    ("? unknown", "not known now: never good, never zero"),
    ("✔ ok", "seen to work just now, as far as it was asked to prove"),
    ("▂▃▇ █ ·", "probes: as usual, slower, slowest; failed; nobody looked"),
    ("≥", "at least: the reading was partial"),
    ("—", "not watched, or nothing to show"),
    ("▶ ‖", "maintenance runs; is paused, and how long it still is"),
    ("▲ +4h", "a pause that should have ended so long ago"),
];

/// Draws the help.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, scroll: usize) {
    let lines = lines(app);
    let title = match app.ground() {
        Place::Server => "Help: one server",
        _ => "Help: the fleet",
    };
    page(buf, area, app, title, &lines, scroll);
}

/// How many lines do not fit.
pub fn hidden_lines(app: &App, area: Rect) -> usize {
    lines(app).len().saturating_sub(page_rows(area))
}

/// Lines that a page has room for.
pub(super) fn page_rows(area: Rect) -> usize {
    usize::from(area.height).saturating_sub(4)
}

/// Draws a scrollable page over the screen.
pub(super) fn page(buf: &mut Buffer, area: Rect, app: &App, title: &str, lines: &[Line<'_>], scroll: usize) {
    let theme = app.options.theme;
    let rows = lines.len().min(page_rows(area)) as u16 + 4;
    let frame = boxed::middle(area, COLUMNS, rows);
    let room = boxed::open(buf, frame, title, theme);
    let upper = Rect::new(room.x, room.y, room.width, room.height.saturating_sub(2));
    put_lines(buf, upper, lines, scroll);
    let below = lines.len().saturating_sub(scroll + usize::from(upper.height));
    let more = match (scroll, below) {
        (0, 0) => String::new(),
        (_, 0) => "the end".to_owned(),
        (_, n) => format!("{n} more lines below"),
    };
    let columns = usize::from(room.width);
    let line =
        footer::cells(app, Place::Page, columns).at_right(columns, Cells::new().put(more, theme.style(Role::Dim)));
    buf.set_line(room.x, room.bottom().saturating_sub(1), &line.line(), room.width);
}

fn lines(app: &App) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let columns = usize::from(COLUMNS.min(app.size.0)) - 4;
    let mut out = Vec::new();
    for b in keymap::named(app.ground()).chain(keymap::here(app.ground()).filter(|b| b.name == "palette")) {
        let key = if b.keys.is_empty() {
            format!(":{}", b.name)
        } else {
            b.label()
        };
        let line = if b.acts() && app.options.access == Access::ReadOnly {
            let words = format!("{}: taken away: read-only", b.name);
            Cells::new()
                .left(&key, 14, theme.style(Role::Faint))
                .put(words, theme.style(Role::Dim))
        } else {
            Cells::new()
                .left(&key, 14, theme.style(Role::Accent))
                .put(b.words, theme.style(Role::Text))
        };
        out.push(line.line_in(columns));
    }
    out.push(Line::default());
    for (sign, words) in SIGNS {
        let line = Cells::new()
            .left(sign, 14, theme.style(Role::Title))
            .put(words, theme.style(Role::Text));
        out.push(line.line_in(columns));
    }
    out
}
