//! What may stand behind the failures of several servers, in words: always as a suggestion, and with its evidence.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::when;
use crate::domain::Span;
use crate::domain::health::Verdict;
use crate::model::cause::{Cause, Refused, Shared, Suspect, User, causes};
use crate::model::{Row, Server};

use super::probe::paragraph;

/// What the line below the header says of servers that fail together: each from its fullest form to its shortest.
pub fn forms(app: &App, now: Timestamp) -> Vec<Vec<String>> {
    let all = causes(&app.model, now, Span::ZERO).into_iter();
    all.filter_map(|c| match c {
        Cause::Shared(s) => Some(shared(&s, now, &app.options.zone)),
        Cause::Refused(_) => None,
    })
    .collect()
}

/// What concerns this server, in full.
pub fn lines(app: &App, row: &Row<'_>, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    if row.verdict < Verdict::Warn {
        return out;
    }
    let concern = causes(&app.model, now, Span::ZERO);
    for c in concern.iter().filter(|c| c.concerns(&row.server.name)) {
        let words = match c {
            Cause::Shared(s) => shared(s, now, &app.options.zone).swap_remove(0),
            Cause::Refused(r) => refused(r, row.server),
        };
        paragraph(&mut out, &words, 2, columns, app.options.theme.style(Role::Warn));
    }
    out
}

fn shared(s: &Shared, now: Timestamp, zone: &TimeZone) -> Vec<String> {
    let n = format!("{} of {}", s.servers.len(), s.of);
    let (layer, words, brief) = (s.layer, s.suspect.words(), s.suspect.brief());
    if s.suspect == Suspect::OwnClock {
        return vec![
            format!("▲ certificates are not valid yet on {n} servers: {words}"),
            format!("▲ {brief}? certificates not valid yet on {n}"),
            format!("▲ {brief}? {n}"),
        ];
    }
    let since = s.onset.map(|o| {
        let clock = if when::same_day(o.first, now, zone) {
            when::time(o.first, zone)
        } else {
            when::moment(o.first, now, zone)
        };
        (format!("since {clock}"), o.within)
    });
    let (evidence, since) = match since {
        Some((since, within)) if within > Span::ZERO => (format!("{since}, within {}", when::whole(within)), since),
        Some((since, _)) => (format!("{since}, all at once"), since),
        None => ("at the first look".to_owned(), "at the first look".to_owned()),
    };
    vec![
        format!("▲ one cause? {layer} fails on {n} servers {evidence}: {words}"),
        format!("▲ one cause? {layer} fails on {n} {since}: {brief}"),
        format!("▲ one cause? {layer} fails on {n}: {brief}"),
        format!("▲ one cause? {layer}, {n}: {brief}"),
        format!("▲ one cause? {layer}, {n}"),
    ]
}

fn refused(r: &Refused, server: &Server) -> String {
    let (door, works) = (&r.door, &r.works);
    match r.user {
        User::Same => format!(
            "▲ the account, not {}: {works} lets it in and {door} does not",
            server.name
        ),
        User::Other => format!(
            "▲ the account of {door}, not {}: that of {works} is let in",
            server.name
        ),
    }
}
