//! The certificates of the whole fleet on one page, the one that ends first before the others. Doors of one server that
//! serve one certificate share a line.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::glyphs;
use crate::console::theme::Role;
use crate::console::widget::{Cells, width};
use crate::domain::Name;
use crate::domain::health::Verdict;
use crate::model::{Certificate, certificates};

use super::help;

/// Draws the page.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, scroll: usize, now: Timestamp) {
    help::page(buf, area, app, "Certificates", &lines(app, area, now), scroll);
}

/// How many lines do not fit.
pub fn hidden_lines(app: &App, area: Rect, now: Timestamp) -> usize {
    lines(app, area, now).len().saturating_sub(help::page_rows(area))
}

/// What must be known without asking: the certificate that ends first, if any ends soon.
pub fn notice(app: &App, now: Timestamp) -> Option<String> {
    let soon = grouped(app, now)
        .into_iter()
        .filter(|(c, _)| c.soon)
        .collect::<Vec<_>>();
    let (first, _) = soon.first()?;
    let name = &first.server;
    let when = match first.days_left {
        ..0 => "has ended".to_owned(),
        d => format!("ends in {}", days(d)),
    };
    Some(match soon.len() {
        1 => format!("▲ the certificate of {name} {when} (:certs)"),
        n => format!("▲ {n} certificates end soon, that of {name} {when} (:certs)"),
    })
}

/// The certificates with the doors that serve each.
fn grouped(app: &App, now: Timestamp) -> Vec<(Certificate, Vec<Name>)> {
    let mut all: Vec<(Certificate, Vec<Name>)> = Vec::new();
    for c in certificates(&app.model, now) {
        let same = |(o, _): &&mut (Certificate, Vec<Name>)| o.server == c.server && o.not_after == c.not_after;
        match all.iter_mut().find(same) {
            Some((_, doors)) => doors.push(c.door.clone()),
            None => all.push((c.clone(), vec![c.door.clone()])),
        }
    }
    all
}

fn days(n: i64) -> String {
    if n == 1 {
        "1 day".to_owned()
    } else {
        format!("{n} days")
    }
}

fn lines(app: &App, area: Rect, now: Timestamp) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let columns = usize::from(area.width.min(76)).saturating_sub(4);
    let all = grouped(app, now);
    let name = all
        .iter()
        .map(|(c, _)| width(&c.server))
        .max()
        .unwrap_or(0)
        .clamp(6, 24);
    let label = theme.style(Role::Label);
    let head = Cells::new().gap(2).left("ENDS IN", 14, label).left("ON", 13, label);
    let mut out = vec![
        head.left("SERVER", name + 2, label)
            .put("DOORS", label)
            .line_in(columns),
    ];
    for (c, doors) in &all {
        let (verdict, words) = match c.days_left {
            ..0 => (Verdict::Down, format!("ended {}d ago", -c.days_left)),
            d if c.soon => (Verdict::Warn, days(d)),
            d => (Verdict::Ok, days(d)),
        };
        let day = c.not_after.to_zoned_datetime(app.options.zone.clone());
        let doors: Vec<&str> = doors.iter().map(Name::as_str).collect();
        let line = Cells::new()
            .put(format!("{} ", glyphs::verdict(verdict)), theme.verdict(verdict))
            .left(&words, 14, theme.verdict(verdict))
            .left(&day.strftime("%-d %b %Y").to_string(), 13, theme.style(Role::Text))
            .left(&c.server, name, theme.style(Role::Text))
            .gap(2)
            .put(doors.join(" "), theme.style(Role::Dim));
        out.push(line.line_in(columns));
    }
    let (seen, doors) = app
        .model
        .servers()
        .flat_map(|s| s.doors.values())
        .fold((0, 0), |(seen, n), d| {
            (seen + usize::from(d.cert_ends.is_some()), n + 1)
        });
    out.push(Line::default());
    let words = match doors - seen {
        0 => format!("seen at all {doors} doors"),
        none => format!(
            "seen at {seen} of {doors} doors; {none} showed none: without TLS, no handshake, or not looked at yet"
        ),
    };
    super::probe::paragraph(&mut out, &words, 2, columns, theme.style(Role::Dim));
    out
}
