//! What mailtop had to say of itself, in full and newest first.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::when;
use crate::console::widget::Cells;
use crate::console::widget::cells::wrap;
use crate::domain::effect::{Recording, Role as Part};

use super::help;

/// Draws the page.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, scroll: usize, now: Timestamp) {
    help::page(buf, area, app, "Notices", &lines(app, area, now), scroll);
}

/// How many lines do not fit.
pub fn hidden_lines(app: &App, area: Rect, now: Timestamp) -> usize {
    lines(app, area, now).len().saturating_sub(help::page_rows(area))
}

fn lines(app: &App, area: Rect, now: Timestamp) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let columns = usize::from(area.width.min(76)).saturating_sub(4);
    let mut out = Vec::new();
    let mut say = |when: String, text: &str, role: Role| {
        for (i, words) in wrap(text, columns.saturating_sub(14), 8).into_iter().enumerate() {
            let when = if i == 0 { when.as_str() } else { "" };
            out.push(
                Cells::new()
                    .left(when, 14, theme.style(Role::Dim))
                    .put(words, theme.style(role))
                    .line(),
            );
        }
    };
    if let Recording::No { why } = &app.recording {
        say("now".to_owned(), &format!("not recording: {why}"), Role::Warn);
    }
    if let Part::Following { holder } = &app.role {
        let words = format!("{holder} probes; this console shows what it sees, and takes over if it ends");
        say("now".to_owned(), &words, Role::Text);
    }
    for (at, text) in app.notices().iter().rev() {
        say(when::moment(*at, now, &app.options.zone), text, Role::Text);
    }
    if out.is_empty() {
        out.push(Line::styled("nothing was said so far", theme.style(Role::Dim)));
    }
    out
}
