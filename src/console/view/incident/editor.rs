//! The words of an update being edited, over the whole screen but for the header.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{App, DraftEditor};
use crate::console::keymap::Place;
use crate::console::theme::Role;
use crate::console::widget::{Cells, boxed};

use super::{footer, put_lines};

/// The widest that words stand: longer lines are hard to read.
const COLUMNS: u16 = 90;

fn frame(area: Rect) -> Rect {
    let below = Rect::new(area.x, area.y + 2, area.width, area.height.saturating_sub(2));
    boxed::middle(below, COLUMNS, below.height)
}

/// Columns at which the text wraps, and the rows that are seen.
pub fn room(app: &App) -> (usize, usize) {
    let frame = frame(Rect::new(0, 0, app.size.0, app.size.1));
    let columns = usize::from(frame.width).saturating_sub(5);
    (columns, usize::from(frame.height).saturating_sub(3))
}

/// Draws the editor.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, words: &DraftEditor) {
    let theme = app.options.theme;
    let called = app.model.incident(&words.incident).map(|i| i.called().to_owned());
    let title = format!("Update of {}", called.unwrap_or_default());
    let room = boxed::open(buf, frame(area), &title, theme);
    let (columns, rows) = (usize::from(room.width), usize::from(room.height).saturating_sub(1));
    let lines = words.editor.draw(columns, rows, theme);
    put_lines(buf, Rect::new(room.x, room.y, room.width, rows as u16), &lines, 0);
    let count = Cells::new().put(format!("{} lines", words.editor.count()), theme.style(Role::Dim));
    let keys = footer::cells(app, Place::Words, columns).at_right(columns, count);
    buf.set_line(room.x, room.bottom().saturating_sub(1), &keys.line(), room.width);
}
