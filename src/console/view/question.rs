//! The question before leaving while an action runs.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::keymap::Place;
use crate::console::theme::Role;
use crate::console::widget::boxed;
use crate::console::widget::cells::wrap;

use super::action::{COLUMNS, inner_columns};
use super::{footer, put_lines};

/// Draws the question before leaving.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, now: Timestamp) {
    let theme = app.options.theme;
    let columns = inner_columns(area);
    let mut lines = Vec::new();
    for s in app.status(now) {
        if let crate::console::app::Status::Acting(what) = s {
            lines.extend(
                wrap(&format!("still {what}"), columns, 2)
                    .into_iter()
                    .map(|l| Line::styled(l, theme.style(Role::Text))),
            );
        }
    }
    for incident in app.publishing() {
        let words = format!("still posting the update of {incident}");
        lines.push(Line::styled(words, theme.style(Role::Text)));
    }
    let words = if app.acting() {
        "What was started goes on at the server, but nobody here will read back what came of it."
    } else {
        "Leaving waits for the program that posts, as long as it may run; what came of it is put on record then."
    };
    lines.extend(
        wrap(words, columns, 3)
            .into_iter()
            .map(|l| Line::styled(l, theme.style(Role::Dim))),
    );
    lines.push(Line::default());
    lines.push(footer::cells(app, Place::Question, columns).line());
    let frame = boxed::middle(area, COLUMNS, lines.len() as u16 + 2);
    let room = boxed::open(
        buf,
        frame,
        if app.acting() {
            "Leave while an action runs?"
        } else {
            "Leave while an update is posted?"
        },
        theme,
    );
    put_lines(buf, room, &lines, 0);
}
