//! What is seen: one file for each screen. Every view is a pure function of the app and the moment into a buffer.

pub mod acted;
pub mod action;
pub mod batch;
pub mod canary;
pub mod cause;
pub mod certs;
pub mod detail;
pub mod doors;
pub mod drain;
pub mod fleet;
pub mod flow;
pub mod footer;
mod go_to;
pub mod handover;
pub mod header;
pub mod headline;
pub mod help;
pub mod incident;
pub mod jobs;
mod lease;
pub mod message;
pub mod messages;
pub mod notices;
pub mod outage;
pub mod palette;
pub mod phases;
pub mod pick;
pub mod probe;
mod progress;
pub mod question;
pub mod queue;
pub mod roles;
pub mod senders;
pub mod server;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::app::{App, Overlay, Screen};
use super::glyphs::{self, Glyphs};
use super::theme::Role;

/// The smallest screen that is of use.
pub const SMALLEST: (u16, u16) = (60, 15);

/// Whether a screen of this size shows anything but that it is too small.
pub const fn fits(size: (u16, u16)) -> bool {
    size.0 >= SMALLEST.0 && size.1 >= SMALLEST.1
}

/// Draws the whole screen. `now` is by the clock, whatever is shown.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, now: Timestamp) {
    let clock = now;
    let now = app.moment(clock);
    if fits((area.width, area.height)) {
        match &app.screen {
            Screen::Fleet => fleet::draw(buf, area, app, now),
            Screen::Server(view) => server::draw(buf, area, app, view, now),
            Screen::Messages(view) => messages::draw(buf, area, app, view, now),
            Screen::Incidents(_) => incident::list::draw(buf, area, app, now),
            Screen::Incident(view) => incident::draw(buf, area, app, view, now),
        }
        match &app.overlay {
            Some(Overlay::Help(scroll)) => help::draw(buf, area, app, *scroll),
            Some(Overlay::Notices(scroll)) => notices::draw(buf, area, app, *scroll, now),
            Some(Overlay::Handover(scroll)) => handover::draw(buf, area, app, *scroll, now),
            Some(Overlay::Certificates(scroll)) => certs::draw(buf, area, app, *scroll, now),
            Some(Overlay::Palette(p)) => palette::draw(buf, area, app, p),
            Some(Overlay::Pick(pick)) => pick::draw(buf, area, app, pick, now),
            Some(Overlay::PickMany(pick)) => pick::draw_many(buf, area, app, pick),
            Some(Overlay::Batch(dialog)) => batch::draw(buf, area, app, dialog, now),
            Some(Overlay::Outage(dialog)) => outage::draw(buf, area, app, dialog, now),
            Some(Overlay::GoTo(dialog)) => go_to::draw(buf, area, app, dialog, now),
            Some(Overlay::Incident(dialog)) => incident::dialog::draw(buf, area, app, dialog, now),
            Some(Overlay::Which(which)) => incident::dialog::which(buf, area, app, which, now),
            Some(Overlay::Words(words)) => incident::editor::draw(buf, area, app, words),
            Some(Overlay::Entry(line, scroll)) => incident::entry::draw(buf, area, app, line, *scroll, now),
            Some(Overlay::Action(dialog)) => action::draw(buf, area, app, dialog, now),
            Some(Overlay::Question(_)) => question::draw(buf, area, app, now),
            Some(Overlay::Filter) | None => {}
        }
    } else {
        too_small(buf, area, app);
    }
    if app.options.glyphs == Glyphs::Ascii {
        glyphs::asciify(buf);
    }
}

/// The whole screen at the app's own size, as a buffer of its own.
pub fn frame(app: &App, now: Timestamp) -> Buffer {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let mut buf = Buffer::empty(area);
    draw(&mut buf, area, app, now);
    buf
}

fn too_small(buf: &mut Buffer, area: Rect, app: &App) {
    let (w, h) = SMALLEST;
    let keys = match &app.overlay {
        Some(Overlay::Question(_)) => "an action runs: Ctrl-C leaves, q stays",
        _ => "q quits",
    };
    let words = format!("too small: needs {w}×{h}, has {}×{}; {keys}", area.width, area.height);
    if area.is_empty() {
        return;
    }
    for (i, line) in super::widget::cells::wrap(&words, usize::from(area.width), usize::from(area.height))
        .iter()
        .enumerate()
    {
        buf.set_stringn(
            area.x,
            area.y + i as u16,
            line,
            usize::from(area.width),
            app.options.theme.style(Role::Warn),
        );
    }
}

/// How many lines of the open page or dialog do not fit: the furthest that it can scroll.
pub fn overlay_hidden_lines(app: &App, now: Timestamp) -> usize {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    match &app.overlay {
        Some(Overlay::Help(_)) => help::hidden_lines(app, area),
        Some(Overlay::Notices(_)) => notices::hidden_lines(app, area, now),
        Some(Overlay::Handover(_)) => handover::hidden_lines(app, area, now),
        Some(Overlay::Certificates(_)) => certs::hidden_lines(app, area, now),
        Some(Overlay::Action(dialog)) => action::hidden_lines(app, area, dialog, now),
        Some(Overlay::Batch(dialog)) => batch::hidden_lines(app, area, dialog, now),
        Some(Overlay::Incident(dialog)) => incident::dialog::hidden_lines(app, area, dialog, now),
        Some(Overlay::Entry(line, _)) => incident::entry::hidden_lines(app, area, line, now),
        _ => 0,
    }
}

/// Writes lines into an area from its top, `skip` of them left out.
pub(super) fn put_lines(buf: &mut Buffer, area: Rect, lines: &[Line<'_>], skip: usize) {
    for (line, y) in lines.iter().skip(skip).zip(area.top()..area.bottom()) {
        buf.set_line(area.x, y, line, area.width);
    }
}
