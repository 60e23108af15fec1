//! A line of a timeline in full: when it happened, where it comes from, all of its words.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::view::help;
use crate::console::when;
use crate::console::widget::Cells;
use crate::console::widget::cells::wrap;
use crate::domain::incident::Entry;
use crate::domain::incident::fact::Out;
use crate::model::timeline::{Line, What};

/// Draws the page.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, line: &Line, scroll: usize, now: Timestamp) {
    help::page(buf, area, app, "On the timeline", &lines(app, area, line, now), scroll);
}

/// How many lines do not fit.
pub fn hidden_lines(app: &App, area: Rect, line: &Line, now: Timestamp) -> usize {
    lines(app, area, line, now).len().saturating_sub(help::page_rows(area))
}

fn lines(app: &App, area: Rect, line: &Line, now: Timestamp) -> Vec<text::Line<'static>> {
    let theme = app.options.theme;
    let columns = usize::from(area.width.min(76)).saturating_sub(4);
    let mut out = Vec::new();
    let mut say = |label: &str, words: &str, role: Role| {
        for (i, w) in wrap(words, columns.saturating_sub(9), 100).into_iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            let cells = Cells::new().left(label, 9, theme.style(Role::Dim));
            out.push(cells.put(w, theme.style(role)).line());
        }
    };
    let zone = &app.options.zone;
    let at = line.at.at;
    let day = at.to_zoned_datetime(zone.clone()).strftime("%a %-d %b %H:%M:%S %Z");
    say("when", &format!("{day}, {} ago", when::age(at, now)), Role::Text);
    say(
        "source",
        &format!("{}: {}", line.source.kind().word(), line.source.words()),
        Role::Text,
    );
    let entry = match &line.what {
        What::Entry(entry) => Some(&**entry),
        _ => None,
    };
    match entry {
        Some(Entry::UpdatePosted(p)) => {
            let how = match &p.out {
                Out::ByHand => "by hand, as was said here".to_owned(),
                Out::Hook { command } => format!("by {command}"),
            };
            say("posted", &how, Role::Text);
            let next = p
                .next_at
                .map_or_else(|| "none was promised".to_owned(), |n| when::exact(n, now, zone));
            say("next", &next, Role::Text);
            out.push(text::Line::default());
            let style = theme.style(Role::Text);
            for l in &p.lines {
                if l.is_empty() {
                    out.push(text::Line::default());
                }
                out.extend(wrap(l, columns, 100).into_iter().map(|l| text::Line::styled(l, style)));
            }
            return out;
        }
        Some(Entry::TicketLinked(t)) => {
            say("ticket", &t.ticket, Role::Title);
            for (i, a) in t.affected.iter().enumerate() {
                say(if i == 0 { "affected" } else { "" }, a, Role::Text);
            }
            return out;
        }
        _ => {}
    }
    let words = super::timeline::words(app, line);
    say("what", &words, Role::Text);
    out
}
