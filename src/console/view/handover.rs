//! One page for the person who takes over: what `mailtop handover` prints, as the screen knows it.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::widget::cells::wrap;
use crate::report::handover::Handover;
use crate::report::times::Times;

use super::help;

/// More lines of one thing are cut.
const MOST: usize = 6;

/// Draws the page.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, scroll: usize, now: Timestamp) {
    help::page(buf, area, app, "Handover", &lines(app, area, now), scroll);
}

/// How many lines do not fit.
pub fn hidden_lines(app: &App, area: Rect, now: Timestamp) -> usize {
    lines(app, area, now).len().saturating_sub(help::page_rows(area))
}

fn lines(app: &App, area: Rect, now: Timestamp) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let columns = usize::from(area.width.min(76)).saturating_sub(4);
    let times = Times::new(app.options.zone.clone(), now, now);
    let handover = Handover::of(&app.model, app.options.terms.cadence, &times, now);
    let mut out = vec![Line::styled(handover.age(), theme.style(Role::Dim))];
    for section in handover.sections(&times) {
        out.push(Line::default());
        out.push(Line::styled(section.title.to_uppercase(), theme.style(Role::Label)));
        for line in section.lines {
            let more = line.starts_with("  ");
            let (indent, role) = if more { (4, Role::Dim) } else { (0, Role::Text) };
            for (i, words) in wrap(line.trim_start(), columns.saturating_sub(indent + 2), MOST)
                .into_iter()
                .enumerate()
            {
                let before = " ".repeat(indent + if i > 0 { 2 } else { 0 });
                out.push(Line::styled(format!("{before}{words}"), theme.style(role)));
            }
        }
    }
    out
}
