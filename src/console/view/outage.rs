//! The input for the start of an outage: what was typed, and what it is understood as before anything goes on record.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{self, App, OutageDialog};
use crate::console::keymap::Place;
use crate::console::theme::Role;
use crate::console::when;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed, input};

use super::{footer, put_lines};

/// Draws the input.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, dialog: &OutageDialog, now: Timestamp) {
    let theme = app.options.theme;
    let frame = boxed::middle(area, 70, 11);
    let room = boxed::open(buf, frame, &format!("Outage of {} since", dialog.server), theme);
    let columns = usize::from(room.width);
    let label = |word: &str| Cells::new().left(word, 9, theme.style(Role::Dim));
    let mut out: Vec<Line<'static>> = Vec::new();
    out.push(
        label("since")
            .join(input::cells(&dialog.input, columns.saturating_sub(9), theme))
            .line(),
    );
    let (words, role) = understood(app, dialog, now);
    for (i, w) in wrap(&words, columns.saturating_sub(9), 2).into_iter().enumerate() {
        let before = label(if i == 0 { "means" } else { "" });
        out.push(before.put(w, theme.style(role)).line());
    }
    out.push(Line::default());
    out.push(label("write").put(app::FORMS, theme.style(Role::Dim)).line_in(columns));
    let words = "from when senders could not deliver: what tells when they give up is counted from it; it goes on record and changes nothing on the server";
    for (i, w) in wrap(words, columns.saturating_sub(9), 3).into_iter().enumerate() {
        let before = label(if i == 0 { "what for" } else { "" });
        out.push(before.put(w, theme.style(Role::Dim)).line_in(columns));
    }
    put_lines(
        buf,
        Rect::new(room.x, room.y, room.width, room.height.saturating_sub(1)),
        &out,
        0,
    );
    let keys = footer::cells(app, Place::Outage, columns);
    buf.set_line(room.x, room.bottom().saturating_sub(1), &keys.line(), room.width);
}

fn understood(app: &App, dialog: &OutageDialog, now: Timestamp) -> (String, Role) {
    let zone = &app.options.zone;
    let typed = dialog.input.value();
    match app::since(typed, now, zone) {
        Ok(Some(at)) => {
            let day = at.to_zoned_datetime(zone.clone()).strftime("%a %-d %b %H:%M:%S %Z");
            (format!("{day}, {} ago", when::age(at, now)), Role::Ok)
        }
        Ok(None) => ("the start goes back to what the record shows".to_owned(), Role::Ok),
        Err(_) if typed.trim().is_empty() && !dialog.tried => (String::new(), Role::Dim),
        // While it is typed it is not wrong yet, only not there.
        Err(why) => (why, if dialog.tried { Role::Warn } else { Role::Dim }),
    }
}
