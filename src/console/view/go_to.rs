//! The input for a moment of the past to go to: what was typed, and what it is understood as.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{App, GoTo, moment_of};
use crate::console::keymap::Place;
use crate::console::theme::Role;
use crate::console::when;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed, input};

use super::{footer, put_lines};

/// Draws the input.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, dialog: &GoTo, now: Timestamp) {
    let theme = app.options.theme;
    let frame = boxed::middle(area, 60, 8);
    let room = boxed::open(buf, frame, "Show the fleet as it was", theme);
    let columns = usize::from(room.width);
    let label = |word: &str| Cells::new().left(word, 7, theme.style(Role::Dim));
    let mut out: Vec<Line<'static>> = Vec::new();
    let typed = input::cells(&dialog.input, columns.saturating_sub(7), theme);
    out.push(label("at").join(typed).line());
    let (words, role) = understood(app, dialog, now);
    for (i, w) in wrap(&words, columns.saturating_sub(7), 2).into_iter().enumerate() {
        let before = label(if i == 0 { "means" } else { "" });
        out.push(before.put(w, theme.style(role)).line());
    }
    let forms = label("write").put(crate::console::app::MOMENTS, theme.style(Role::Dim));
    out.push(forms.line_in(columns));
    let upper = Rect::new(room.x, room.y, room.width, room.height.saturating_sub(1));
    put_lines(buf, upper, &out, 0);
    let keys = footer::cells(app, Place::GoTo, columns);
    buf.set_line(room.x, room.bottom().saturating_sub(1), &keys.line(), room.width);
}

fn understood(app: &App, dialog: &GoTo, now: Timestamp) -> (String, Role) {
    let typed = dialog.input.value();
    match moment_of(typed, now, app.past_ends(), &app.options.zone) {
        Ok(at) => {
            let day = at
                .to_zoned_datetime(app.options.zone.clone())
                .strftime("%a %-d %b %H:%M:%S %Z");
            let away = if at <= now {
                format!("{} before this", when::age(at, now))
            } else {
                format!("{} after this", when::age(now, at))
            };
            (format!("{day}, {away}"), Role::Ok)
        }
        Err(_) if typed.trim().is_empty() && !dialog.tried => (String::new(), Role::Dim),
        // While it is typed it is not wrong yet, only not there.
        Err(why) => (why, if dialog.tried { Role::Warn } else { Role::Dim }),
    }
}
