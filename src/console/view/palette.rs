//! The palette: every command with its key, found by a few letters.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{App, Palette};
use crate::console::keymap::Place;
use crate::console::theme::Role;
use crate::console::widget::{Cells, boxed, input};

use super::footer;

/// Draws the palette.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, p: &Palette) {
    let theme = app.options.theme;
    let found = p.found();
    // Its height stays while letters are typed: a box that jumps is hard to read.
    let rows = (area.height - 2).min(20);
    let frame = boxed::middle(area, 70, rows);
    let room = boxed::open(buf, frame, "Command", theme);
    let columns = usize::from(room.width);
    let line = Cells::new()
        .put(":", theme.style(Role::Accent))
        .join(input::cells(&p.input, columns - 1, theme));
    buf.set_line(room.x, room.y, &line.line(), room.width);
    let height = usize::from(room.height).saturating_sub(4);
    let top = p.at.saturating_sub(height.saturating_sub(1));
    for (i, b) in found.iter().enumerate().skip(top).take(height) {
        let y = room.y + 2 + (i - top) as u16;
        let here = i == p.at;
        let key = Cells::new().put(b.label(), theme.style(Role::Accent));
        let line = Cells::new()
            .put(if here { "▌" } else { " " }, theme.style(Role::Accent))
            .left(b.name, 15, theme.style(if here { Role::Title } else { Role::Text }))
            .left(b.words, columns.saturating_sub(18 + key.used()), theme.style(Role::Dim));
        if here {
            buf.set_style(Rect::new(room.x, y, room.width, 1), theme.selected());
        }
        buf.set_line(room.x, y, &line.at_right(columns, key).line_in(columns), room.width);
    }
    if found.is_empty() {
        buf.set_string(room.x + 1, room.y + 2, "no such command", theme.style(Role::Dim));
    }
    let left = found.len().saturating_sub(top + height);
    let more = if left > 0 {
        format!("{left} more")
    } else {
        String::new()
    };
    let keys =
        footer::cells(app, Place::Palette, columns).at_right(columns, Cells::new().put(more, theme.style(Role::Dim)));
    buf.set_line(room.x, room.bottom() - 1, &keys.line(), room.width);
}
