//! The doors of one server, each with its state: in a line for the pane of the fleet, and as the list from which the
//! server's screen chooses one.

use std::cmp::Reverse;

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::widget::{Cells, cut, width};
use crate::console::{glyphs, when};
use crate::domain::health::Verdict;
use crate::model::{Door, Headline, Server};

use super::headline;

/// Lines that one door in full needs below the list, or the list is drawn in as few lines as it can be.
const BELOW: usize = 15;

fn state(server: &Server, door: &Door, now: Timestamp) -> (Verdict, String) {
    let verdict = door.verdict(server.limits(), now, server.good_for());
    (verdict, headline::short(&Headline::of(server, door, now)))
}

/// `✖ delivery 451: smtp  ✔ ok: imap lmtp pop3`, the worst first; `None` where there is one door.
pub fn line(app: &App, server: &Server, now: Timestamp) -> Option<Cells> {
    if server.doors.len() < 2 {
        return None;
    }
    let mut groups: Vec<((Verdict, String), Vec<&str>)> = Vec::new();
    for d in server.doors.values() {
        let state = state(server, d, now);
        match groups.iter_mut().find(|(s, _)| *s == state) {
            Some((_, names)) => names.push(&d.name),
            None => groups.push((state, vec![&d.name])),
        }
    }
    // Good only so far stands before good to the end.
    groups.sort_by_key(|((v, words), _)| (Reverse(*v), words == "ok"));
    let theme = app.options.theme;
    Some(
        groups
            .into_iter()
            .fold(Cells::new(), |line, ((verdict, words), names)| {
                let gap = if line.used() > 0 { 3 } else { 0 };
                line.gap(gap)
                    .put(
                        format!("{} {words}: ", glyphs::verdict(verdict)),
                        theme.verdict(verdict),
                    )
                    .put(names.join(" "), theme.style(Role::Text))
            }),
    )
}

/// All doors, the chosen one marked: one in a line with how long it took or since when it fails, or, in a pane of few
/// rows, as many beside each other as fit.
pub fn list(app: &App, server: &Server, chosen: usize, room: (usize, usize), now: Timestamp) -> Vec<Line<'static>> {
    let (columns, rows) = room;
    let all: Vec<(&Door, Verdict, String)> = server
        .doors
        .values()
        .map(|d| {
            let (verdict, words) = state(server, d, now);
            (d, verdict, format!("{} {words}", glyphs::verdict(verdict)))
        })
        .collect();
    let theme = app.options.theme;
    let name = all
        .iter()
        .map(|(d, ..)| width(&d.name))
        .max()
        .unwrap_or(0)
        .min(columns / 3);
    let words = all.iter().map(|(.., w)| width(w)).max().unwrap_or(0);
    let in_line = rows >= all.len() + BELOW;
    // Two beside each other are worth a cut word: each is told in full where it is chosen.
    let most = columns.div_ceil(2).saturating_sub(name + 6);
    let words = if in_line || all.len() < 4 || most < 8 {
        words
    } else {
        words.min(most)
    };
    let item = |i: usize| {
        let (door, verdict, state) = &all[i];
        let here = i == chosen;
        Cells::new()
            .put(if here { "▸ " } else { "  " }, theme.style(Role::Accent))
            .left(
                &door.name,
                name,
                theme.style(if here { Role::Title } else { Role::Text }),
            )
            .gap(2)
            .put(cut(state, words).into_owned(), theme.verdict(*verdict))
    };
    if in_line {
        let line = |i: usize| {
            item(i)
                .at_right(columns, aside(app, server, all[i].0, now))
                .line_in(columns)
        };
        return (0..all.len()).map(line).collect();
    }
    let each = name + words + 4;
    let beside = ((columns + 3) / (each + 3)).max(1);
    let indices: Vec<usize> = (0..all.len()).collect();
    let line = |row: &[usize]| {
        let line = row
            .iter()
            .enumerate()
            .fold(Cells::new(), |line, (n, i)| line.to(n * (each + 3)).join(item(*i)));
        line.line_in(columns)
    };
    indices.chunks(beside).map(line).collect()
}

/// Since when it fails, or how long it took.
fn aside(app: &App, server: &Server, door: &Door, now: Timestamp) -> Cells {
    let dim = app.options.theme.style(Role::Dim);
    let words = match door.probe.reading(now, server.good_for()).fresh() {
        Some(r) if r.failure.is_none() => r.total().to_string(),
        _ => door.bad_since.map_or(String::new(), |at| {
            format!("since {}", when::near(at, now, &app.options.zone))
        }),
    };
    Cells::new().put(words, dim)
}
