//! The keys of this place, at the bottom: from the one table. Where there is no room, the least needed go first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Access, App, Pane, Screen, Travel};
use crate::console::keymap::{self, Command, Foot, Place};
use crate::console::theme::Role;
use crate::console::widget::{Cells, width};

/// Draws the footer in the last line of `area`.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App) {
    // Dialogs carry their own keys; the line below them keeps those of the screen quiet.
    let place = match app.place() {
        place @ (Place::Filter | Place::Search) => place,
        _ => app.ground(),
    };
    // What can be done to a server cannot be done in the past, and how to go through it is what matters.
    let place = if app.is_past() && place == app.ground() {
        Place::Past
    } else {
        place
    };
    let line = cells(app, place, usize::from(area.width).saturating_sub(2));
    buf.set_line(area.x + 1, area.bottom() - 1, &line.line(), area.width - 1);
}

/// The keys of a place in at most `columns` columns.
pub fn cells(app: &App, place: Place, columns: usize) -> Cells {
    let glyphs = app.options.glyphs;
    let theme = app.options.theme;
    let way_out = (place == Place::Past).then(|| app.ground());
    let outs = way_out.into_iter().flat_map(keymap::here).filter(|b| stays(b.command));
    let replay = app.past.as_ref().is_some_and(Travel::is_replay);
    let mut feet: Vec<Foot> = keymap::here(place)
        .chain(outs)
        .filter(|b| !(replay && b.command == Command::Live))
        .filter(|b| !(b.acts() && app.options.access == Access::ReadOnly))
        .filter(|b| !(b.command == Command::Open && place == Place::Server && !on_queue(app)))
        .filter(|b| !(b.command == Command::Acknowledge && is_taken(app)))
        .filter_map(|b| b.foot)
        .collect();
    let size = |f: &Foot| width(keymap::foot_key(f.key, glyphs)) + 1 + width(f.word);
    while feet.iter().map(size).sum::<usize>() + feet.len().saturating_sub(1) * 2 > columns {
        let Some(last) = feet.iter().enumerate().max_by_key(|(_, f)| f.rank).map(|(i, _)| i) else {
            break;
        };
        feet.remove(last);
    }
    let mut line = Cells::new();
    for (i, f) in feet.iter().enumerate() {
        line = line
            .gap(if i > 0 { 2 } else { 0 })
            .put(keymap::foot_key(f.key, glyphs), theme.style(Role::Accent))
            .put(format!(" {}", f.word), theme.style(Role::Dim));
    }
    line
}

/// What of a screen's own keys stays in the footer in the past.
const fn stays(command: Command) -> bool {
    matches!(command, Command::Back | Command::Help | Command::Quit)
}

/// Whether somebody took the incident that is shown.
fn is_taken(app: &App) -> bool {
    app.incident_meant().is_some_and(|i| i.acknowledged.is_some())
}

/// Whether the hands are in the pane whose rows can be opened.
const fn on_queue(app: &App) -> bool {
    matches!(&app.screen, Screen::Server(view) if matches!(view.pane, Pane::Queue))
}
