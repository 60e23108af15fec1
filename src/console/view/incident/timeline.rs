//! The timeline of an incident, newest first: when, from which source, what. Below the oldest line it says what is left out.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text;

use crate::console::app::{App, DeskPane, IncidentView};
use crate::console::theme::Role;
use crate::console::widget::Cells;
use crate::console::widget::cells::wrap;
use crate::console::{glyphs, number, when};
use crate::domain::health::Verdict;
use crate::domain::incident::Incident;
use crate::model::timeline::{Line, SourceKind, What};

/// The most rows that one line takes here; Enter shows all of it.
const ROWS: usize = 3;

/// Widths of the columns before the words: the moment, the source.
struct Columns {
    at: usize,
    source: usize,
    words: usize,
}

fn columns(room: usize, lines: &[Line], app: &App, now: Timestamp) -> Columns {
    let other_day = lines.iter().any(|l| !when::same_day(l.at.at, now, &app.options.zone));
    let at = if other_day { 12 } else { 8 };
    let source = (room * 2 / 7).clamp(12, 22);
    Columns {
        at,
        source,
        words: room.saturating_sub(at + source + 4),
    }
}

/// The sign and the colour of a line.
fn look(line: &Line) -> (&'static str, Role) {
    match &line.what {
        What::Door { verdict, .. } => {
            let role = match verdict {
                Verdict::Down => Role::Down,
                Verdict::Warn => Role::Warn,
                Verdict::Unknown => Role::Unknown,
                Verdict::Ok => Role::Ok,
            };
            (glyphs::verdict(*verdict), role)
        }
        What::GaveUp(..) | What::ClockSet(_) | What::Absent(_) => ("", Role::Warn),
        What::Entry(_) if line.source.kind() == SourceKind::Person => ("", Role::Title),
        What::Entry(_) => ("", Role::Accent),
        What::Turned(..) | What::Job(_) => ("", Role::Text),
    }
}

/// What a line says, in words.
pub(super) fn words(app: &App, line: &Line) -> String {
    let zone = &app.options.zone;
    let (sign, _) = look(line);
    let said = line.words(&|at| when::near(at, line.at.at, zone));
    if sign.is_empty() {
        said
    } else {
        format!("{sign} {said}")
    }
}

/// The rows of one line.
fn rows(app: &App, line: &Line, c: &Columns, now: Timestamp, here: bool) -> Vec<text::Line<'static>> {
    let theme = app.options.theme;
    let (_, role) = look(line);
    let at = when::exact(line.at.at, now, &app.options.zone);
    let mut out = Vec::new();
    for (i, words) in wrap(&words(app, line), c.words, ROWS).into_iter().enumerate() {
        let mark = if here { "▌" } else { " " };
        let (at, source) = if i == 0 {
            (at.as_str(), line.source.words())
        } else {
            ("", String::new())
        };
        out.push(
            Cells::new()
                .put(mark, theme.style(Role::Accent))
                .right(at, c.at, theme.style(Role::Dim))
                .gap(1)
                .left(&source, c.source, theme.style(Role::Dim))
                .gap(1)
                .put(words, theme.style(role))
                .line(),
        );
    }
    out
}

/// What is not in it, in a sentence each.
fn left_out(app: &App, incident: &Incident, now: Timestamp) -> Vec<String> {
    let mut out = Vec::new();
    let older = app.model.lines_left_out();
    if older > 0 {
        out.push(format!(
            "{} older lines of the fleet's timeline are not kept here",
            number::grouped(older)
        ));
    }
    if incident.forgotten > 0 {
        out.push(format!(
            "{} older entries of this incident are not kept here",
            number::grouped(incident.forgotten)
        ));
    }
    let start = incident.start().at.at;
    if let Some(from) = app.read_from().filter(|from| start < *from) {
        let from = when::moment(from, now, &app.options.zone);
        out.push(format!(
            "of what came before {from}, from when on this console read all, only a part is here"
        ));
    }
    if !out.is_empty() {
        out.push(format!(
            "the journal has all of it: mailtop incident show {}",
            incident.called()
        ));
    }
    out
}

/// The rows below the oldest line.
fn below(app: &App, incident: &Incident, width: u16, now: Timestamp) -> Vec<String> {
    let columns = usize::from(width).saturating_sub(2);
    let all = left_out(app, incident, now);
    all.iter().flat_map(|words| wrap(words, columns, 3)).collect()
}

/// Draws it.
pub(super) fn draw(buf: &mut Buffer, room: Rect, app: &App, view: &IncidentView, incident: &Incident, now: Timestamp) {
    let theme = app.options.theme;
    let lines = app.told(view, now);
    let room = Rect::new(room.x - 1, room.y, room.width + 1, room.height);
    let c = columns(usize::from(room.width), &lines, app, now);
    let mut y = room.y;
    let mut put = |line: &text::Line<'_>, selected: bool| {
        if y < room.bottom() {
            if selected {
                buf.set_style(Rect::new(room.x, y, room.width, 1), theme.selected());
            }
            buf.set_line(room.x, y, line, room.width);
            y += 1;
        }
    };
    let hands = view.pane == DeskPane::Timeline;
    for (i, line) in lines.iter().enumerate().skip(view.top).take(usize::from(room.height)) {
        let here = hands && i == view.at;
        for row in rows(app, line, &c, now, here) {
            put(&row, here);
        }
    }
    if lines.is_empty() {
        let words = Cells::new()
            .gap(1)
            .put("nothing from this source", theme.style(Role::Dim));
        put(&words.line(), false);
    }
    for words in below(app, incident, room.width, now) {
        put(&Cells::new().gap(1).put(words, theme.style(Role::Dim)).line(), false);
    }
    if view.top > 0 {
        buf[(room.right() - 1, room.y)]
            .set_symbol("↑")
            .set_style(theme.style(Role::Accent));
    }
}

/// Holds the cursor inside what there is, and what is shown around it.
pub(super) fn settle(app: &App, view: &mut IncidentView, incident: &Incident, room: Option<Rect>, now: Timestamp) {
    let lines = app.told(view, now);
    view.at = view.at.min(lines.len().saturating_sub(1));
    view.top = view.top.min(view.at);
    let Some(room) = room else { return };
    let height = usize::from(room.height).max(1);
    let c = columns(usize::from(room.width) + 1, &lines, app, now);
    // From the cursor upwards, as many lines as fit; what stands below the oldest is seen with it.
    let mut used = if view.at + 1 >= lines.len() {
        let rows = below(app, incident, room.width + 1, now).len();
        rows.min(height.saturating_sub(ROWS))
    } else {
        0
    };
    let mut first = view.at;
    for (i, line) in lines.iter().enumerate().take(view.at + 1).skip(view.top).rev() {
        used += wrap(&words(app, line), c.words, ROWS).len().max(1);
        if used > height {
            break;
        }
        first = i;
    }
    view.top = first;
}
