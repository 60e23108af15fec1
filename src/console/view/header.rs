//! The two lines at the top: whose fleet, how many are down, what time it is; and what else must be known.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{App, Due, Overlay, Status};
use crate::console::theme::Role;
use crate::console::widget::{Cells, cut, input, width};
use crate::console::{glyphs, when};
use crate::domain::health::Verdict;
use crate::model::{self, Count};

use super::roles;

/// In fewer columns than this a second thing to say is only a torn word.
const LEAST: usize = 16;

/// Where the roles are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Roles {
    /// At the right of the second line.
    Here,
    /// In the rule below.
    Below,
}

/// Draws both lines into the top of `area`.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, at: Roles, now: Timestamp) {
    let columns = usize::from(area.width);
    buf.set_line(area.x, area.y, &title(app, columns, now).line_in(columns), area.width);
    // The shortest form has its place whatever else is to be said; a longer one takes what that leaves.
    let shortest = roles::cells(app, 0, now).filter(|_| at == Roles::Here);
    let kept = shortest.as_ref().map_or(0, |r| r.used() + 2);
    let left = notice(app, columns.saturating_sub(kept), now).line_in(columns.saturating_sub(kept + 1));
    buf.set_line(area.x, area.y + 1, &left, area.width);
    if shortest.is_some()
        && let Some(cells) = roles::cells(app, columns.saturating_sub(left.width() + 3), now)
    {
        let x = area.right().saturating_sub(cells.used() as u16 + 1);
        buf.set_line(x, area.y + 1, &cells.line(), area.width);
    }
}

fn title(app: &App, columns: usize, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let count = model::count(&app.model, now);
    let clock = if app.clock_has_seconds() {
        when::clock(now, &app.options.zone)
    } else {
        when::clock_minutes(now, &app.options.zone)
    };
    let clock = if app.is_past() { format!("◀ {clock}") } else { clock };
    let name = app.options.title.as_str();
    let fixed = " mailtop  ".len() + 2 + 4 + width(&clock) + 1;
    let full = counts(app, count, Words::Full);
    // The words go before the title is cut to nothing.
    let counts = if fixed + full.used() + width(name).min(12) <= columns {
        full
    } else {
        counts(app, count, Words::None)
    };
    let room = columns.saturating_sub(fixed + counts.used());
    let role = if app.is_past() { Role::Warn } else { Role::Text };
    let right = counts.gap(4).put(clock, theme.style(role)).gap(1);
    Cells::new()
        .put(" mailtop  ", theme.style(Role::Title))
        .put(cut(name, room).into_owned(), theme.style(Role::Dim))
        .to(columns.saturating_sub(right.used()))
        .join(right)
}

#[derive(Clone, Copy)]
enum Words {
    Full,
    None,
}

/// `✖ 1 down  ▲ 2 warn  ? 1 unknown  ✔ 9 ok`; what there is none of is left out.
fn counts(app: &App, c: Count, words: Words) -> Cells {
    let all = [
        (Verdict::Down, c.down),
        (Verdict::Warn, c.warn),
        (Verdict::Unknown, c.unknown),
        (Verdict::Ok, c.ok),
    ];
    let mut cells = Cells::new();
    for (v, n) in all.into_iter().filter(|(_, n)| *n > 0) {
        let word = match words {
            Words::Full => format!("{} {n} {v}", glyphs::verdict(v)),
            Words::None => format!("{} {n}", glyphs::verdict(v)),
        };
        let gap = if cells.used() > 0 { 2 } else { 0 };
        cells = cells.gap(gap).put(word, app.options.theme.verdict(v));
    }
    cells
}

fn notice(app: &App, columns: usize, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let filtering = matches!(app.overlay, Some(Overlay::Filter));
    if filtering || (app.fleet.filtered() && !app.is_past()) {
        let shown = model::rows(&app.model, now)
            .iter()
            .filter(|r| app.fleet.matches(r))
            .count();
        let of = format!("{shown} of {} match", app.model.servers().count());
        let slash = Cells::new().put(" /", theme.style(Role::Accent));
        if filtering {
            let room = columns.saturating_sub(of.len() + 6);
            return slash
                .join(input::cells(&app.fleet.filter, room, theme))
                .gap(2)
                .put(of, theme.style(Role::Dim));
        }
        let what = format!("{}  ", app.fleet.filter.value());
        let line = slash
            .put(what, theme.style(Role::Accent))
            .put(format!("{of}, Esc shows all"), theme.style(Role::Dim));
        return if app.status(now).is_empty() {
            line
        } else {
            let room = columns.saturating_sub(line.used() + 3);
            line.put(" · ", theme.style(Role::Faint)).join(status(app, room, now))
        };
    }
    status(app, columns, now)
}

/// The fullest words that there is room for.
fn fitting(forms: &[String], room: usize) -> String {
    let fits = forms.iter().find(|f| width(f) <= room).or(forms.last());
    fits.cloned().unwrap_or_default()
}

fn status(app: &App, columns: usize, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let mut line = Cells::new().gap(1);
    for (i, s) in app.status(now).into_iter().enumerate() {
        if i > 0 && line.used() + LEAST > columns {
            return line.put(" …", theme.style(Role::Faint));
        }
        if i > 0 {
            line = line.put(" · ", theme.style(Role::Faint));
        }
        let (text, role) = match s {
            Status::Past(forms) => (fitting(&forms, columns.saturating_sub(line.used() + 1)), Role::Warn),
            Status::Said(text) => (text.to_string(), Role::Accent),
            Status::Marked(n) => (format!("• {n} marked: p r + mean them, Esc unmarks"), Role::Accent),
            Status::NotRecording(why) => (format!("▲ not recording: {why}"), Role::Warn),
            Status::Acting(what) => (format!("▶ {what}"), Role::Accent),
            Status::Cause(forms) => {
                let room = columns.saturating_sub(line.used() + 1);
                (fitting(&forms, room), Role::Warn)
            }
            Status::Incident(forms, due) => {
                let room = columns.saturating_sub(line.used() + 1);
                let fits = forms.iter().find(|f| width(f) <= room).or(forms.last());
                let role = match due {
                    Due::Overdue => Role::Down,
                    Due::Soon => Role::Warn,
                    Due::Later => Role::Text,
                };
                (fits.cloned().unwrap_or_default(), role)
            }
            Status::Certificates(text) => (text, Role::Warn),
            Status::Following(who) => (format!("showing what {who} sees"), Role::Dim),
            Status::Notice(text, age) => (format!("{age} ago: {text}"), Role::Text),
            Status::ReadOnly => ("read-only".to_owned(), Role::Dim),
            Status::Nothing => ("nothing is watched yet".to_owned(), Role::Dim),
        };
        line = line.put(text, theme.style(role));
    }
    line
}
