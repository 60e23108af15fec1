//! Help for the screen below: its keys, from the one table, and what the signs mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{Access, App};
use crate::console::keymap::{self, Command, Place};
use crate::console::theme::Role;
use crate::console::widget::{Cells, boxed};

use super::{footer, put_lines};

/// Columns, where the screen has them.
const COLUMNS: u16 = 76;

/// What the signs of the screens mean.
const SIGNS: [(&str, &str); 17] = [
    ("✖ down", "does not work; the word beside it is the layer that failed"),
    (
        "▲ warn",
        "works with trouble: slow, a deep queue, one account, a certificate",
    ),
    ("? unknown", "not known now: never good, never zero"),
    ("✔ ok", "seen to work just now, as far as it was asked to prove"),
    ("▂▃▇ █ ·", "probes: as usual, slower, slowest; failed; nobody looked"),
    ("×6", "six servers began to fail alike at once: perhaps one cause"),
    ("≥", "at least: the reading was partial"),
    (
        "19:18–19:31",
        "clear in this time in four cases of five; ░ is that band, • its middle",
    ),
    ("19:04 ±20m", "the same by its middle, where it ends on another day"),
    ("growing", "more comes in than goes out; no clear time is made up"),
    ("stalled", "mail waits and hardly moves"),
    ("—", "not watched, or nothing to show"),
    (
        "▶ ‖",
        "maintenance runs; is paused, with the time left as the server says",
    ),
    ("‖ open", "paused, and nothing on the server ends it: no end armed"),
    ("drift", "a job is not as it was left: somebody else changed it"),
    ("•", "marked: p r + mean every marked server"),
    ("▲ +4h", "a pause that should have ended so long ago"),
];

/// Keys of the dialogs that are named here too.
const DIALOGS: [(Place, Command); 6] = [
    (Place::Plan, Command::Check),
    (Place::Plan, Command::Way),
    (Place::Plan, Command::Unarmed),
    (Place::BatchRows, Command::Order),
    (Place::BatchRows, Command::GoOn),
    (Place::BatchRun, Command::Undo),
];

/// Draws the help.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, scroll: usize) {
    let lines = lines(app);
    let title = match app.ground() {
        Place::Server => "Help: one server",
        Place::Messages | Place::Message => "Help: messages",
        Place::Incidents => "Help: incidents",
        Place::Incident => "Help: one incident",
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
    for b in keymap::named(app.ground(), app.when()).chain(keymap::here(app.ground()).filter(|b| b.name == "palette")) {
        let key = if b.keys.is_empty() {
            format!(":{}", b.name)
        } else {
            b.label()
        };
        let gone = match () {
            () if app.is_past() && b.command.is_of_now() => Some("not in the past"),
            () if b.acts() && app.options.access == Access::ReadOnly => Some("taken away: read-only"),
            () => None,
        };
        let line = if let Some(why) = gone {
            let words = format!("{}: {why}", b.name);
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
    out.push(Line::styled("IN THE DIALOG OF AN ACTION", theme.style(Role::Label)));
    for (place, command) in DIALOGS {
        for b in keymap::here(place).filter(|b| b.command == command) {
            let line = Cells::new()
                .left(&b.label(), 14, theme.style(Role::Accent))
                .put(b.words, theme.style(Role::Text));
            out.push(line.line_in(columns));
        }
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
