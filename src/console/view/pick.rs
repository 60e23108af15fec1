//! The choice of a job: among those of one server, or by name among those of several.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{App, Pick, PickMany};
use crate::console::glyphs;
use crate::console::keymap::Place;
use crate::console::theme::Role;
use crate::console::widget::{Cells, boxed, width};
use crate::domain::Name;
use crate::domain::job::State;

use super::action::capital;
use super::footer;

/// Draws the choice among the jobs of one server.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, pick: &Pick, now: Timestamp) {
    let theme = app.options.theme;
    let server = app.model.server(&pick.server);
    let title = format!("{}: which job on {}?", capital(pick.verb), pick.server);
    list(buf, area, app, (&title, pick.at), &pick.jobs, |job| {
        let state = server.and_then(|s| {
            let reading = s.jobs.get(job)?.state.reading(now, s.good_for());
            reading.fresh().map(|s| (s.state, s.progress))
        });
        let (state, progress) = state.unwrap_or((State::Unknown, None));
        let cells = Cells::new().put(format!("{} {state}", glyphs::state(state)), theme.state(state));
        match progress {
            Some(p) => cells.put(format!(" {p:.0}%"), theme.style(Role::Text)),
            None => cells,
        }
    });
}

/// Draws the choice among the names of the jobs of several servers.
pub fn draw_many(buf: &mut Buffer, area: Rect, app: &App, pick: &PickMany) {
    let dim = app.options.theme.style(Role::Dim);
    let all = pick.servers.len();
    let title = format!("{}: which job on {all} servers?", capital(pick.verb));
    let names: Vec<Name> = pick.jobs.iter().map(|(n, _)| n.clone()).collect();
    list(buf, area, app, (&title, pick.at), &names, |job| {
        let on = pick.jobs.iter().find(|(n, _)| n == job).map_or(0, |(_, on)| *on);
        Cells::new().put(format!("on {on} of {all}"), dim)
    });
}

/// The names with what is said of each, and the cursor on one of them.
fn list(
    buf: &mut Buffer,
    area: Rect,
    app: &App,
    (title, at): (&str, usize),
    jobs: &[Name],
    says: impl Fn(&Name) -> Cells,
) {
    let theme = app.options.theme;
    let rows = (jobs.len() + 4) as u16;
    let room = boxed::open(buf, boxed::middle(area, 60, rows), title, theme);
    let columns = usize::from(room.width);
    let height = usize::from(room.height).saturating_sub(2);
    let top = at.saturating_sub(height.saturating_sub(1));
    let widest = jobs.iter().map(|j| width(j)).max().unwrap_or(0).min(columns / 2);
    for (i, job) in jobs.iter().enumerate().skip(top).take(height) {
        let here = i == at;
        let mark = if here { "▌" } else { " " };
        let line = Cells::new()
            .put(mark, theme.style(Role::Accent))
            .left(job, widest, theme.style(if here { Role::Title } else { Role::Text }))
            .gap(2)
            .join(says(job));
        let y = room.y + (i - top) as u16;
        if here {
            buf.set_style(Rect::new(room.x, y, room.width, 1), theme.selected());
        }
        buf.set_line(room.x, y, &line.line_in(columns), room.width);
    }
    if room.height > 0 {
        buf.set_line(
            room.x,
            room.bottom() - 1,
            &footer::cells(app, Place::Pick, columns).line(),
            room.width,
        );
    }
}
