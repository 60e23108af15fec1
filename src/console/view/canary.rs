//! Canary letters: the last round trip, the picture of those before, what is late or lost, and why none are sent.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::widget::{Cells, spark};
use crate::console::{glyphs, when};
use crate::domain::Span;
use crate::domain::canary::{Cleans, Counts};
use crate::domain::health::Verdict;
use crate::model::{Canary, Matter, Server};

use super::probe::paragraph;

/// Columns of the picture.
const PICTURE: usize = 20;

/// All letters of a server, in the pane of its doors: two lines for each, and a few words where there is something to say.
pub fn lines(app: &App, server: &Server, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let mut out = Vec::new();
    for c in server.canaries.values() {
        let counts = c.counts(now);
        out.push(Line::default());
        out.push(title(app, server, c, now).line_in(columns));
        let line = picture(app, c, now).gap(1).join(numbers(app, c, &counts));
        let usual = match c.round_trips((Span::ZERO - window(c)).after(now)) {
            Some((p50, p90)) => Cells::new().put(format!("p50 {p50}  p90 {p90}"), theme.style(Role::Dim)),
            None => Cells::new(),
        };
        if line.used() + 2 + usual.used() <= columns {
            out.push(line.gap(2).join(usual).line_in(columns));
        } else {
            out.extend([line.line_in(columns), usual.line_in(columns)]);
        }
        if let Some(words) = says(c, &counts, now) {
            paragraph(&mut out, &words, 3, columns, theme.style(Role::Text));
        }
    }
    out
}

/// One line, for the pane below the fleet.
pub fn brief(app: &App, server: &Server, c: &Canary, now: Timestamp) -> Cells {
    let counts = c.counts(now);
    title(app, server, c, now)
        .gap(2)
        .join(picture(app, c, now))
        .gap(1)
        .join(numbers(app, c, &counts))
}

/// The sentence for a server whose letters are what is the matter.
pub fn sentence(server: &Server, now: Timestamp) -> Option<String> {
    let warns = |c: &&Canary| c.matter(now).verdict() == Verdict::Warn;
    let c = server.canaries.values().find(warns)?;
    Some(format!("canary {}: {}", c.name, says(c, &c.counts(now), now)?))
}

/// `canary inbound → mbox1/imap ✔ 0.6s`: what it is, and the last round trip or what is the matter.
fn title(app: &App, server: &Server, c: &Canary, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let matter = c.matter(now);
    let verdict = matter.verdict();
    let trip = c.last.map_or_else(|| "—".to_owned(), |(trip, _)| trip.to_string());
    let words = match &matter {
        Matter::Nothing => trip,
        Matter::Held => "none sent".to_owned(),
        Matter::NotSeen => "none has come yet".to_owned(),
        Matter::Blind => "not watched".to_owned(),
        Matter::Unsent => "not sent".to_owned(),
        Matter::Late => "late".to_owned(),
        Matter::Lost(n) => format!("lost {n}"),
    };
    let sign = match matter {
        Matter::Held => "‖",
        _ => glyphs::verdict(verdict),
    };
    let way = c.watched.as_ref().map_or_else(String::new, |w| {
        if w.way_in.server == server.name {
            format!(" → {}", w.way_out)
        } else {
            format!(" ← {}", w.way_in)
        }
    });
    Cells::new()
        .put(format!("canary {}", c.name), theme.style(Role::Text))
        .put(format!("{way} "), theme.style(Role::Dim))
        .put(format!("{sign} {words}"), theme.verdict(verdict))
}

fn numbers(app: &App, c: &Canary, counts: &Counts) -> Cells {
    let theme = app.options.theme;
    let role = |n: u64| if n > 0 { Role::Warn } else { Role::Dim };
    let lost = counts.lost.len() as u64;
    let last = c
        .tally
        .last_seq()
        .map_or_else(|| "none sent yet".to_owned(), |n| format!("#{n}"));
    Cells::new()
        .put(format!("late {}", counts.late), theme.style(role(counts.late)))
        .put(format!("  lost {lost}"), theme.style(role(lost)))
        .put(format!("  {last}"), theme.style(Role::Dim))
}

fn picture(app: &App, c: &Canary, now: Timestamp) -> Cells {
    let spans = (window(c), c.every() * 3 + c.late(), c.late());
    spark::line(c.beats.points(), now, PICTURE, spans, app.options.theme)
}

/// The time that the picture shows: twenty minutes, or longer where letters are rare.
fn window(c: &Canary) -> Span {
    (c.every() * PICTURE as i64).max(Span::from_mins(20))
}

/// What there is to say beside the numbers; the worst first.
fn says(c: &Canary, counts: &Counts, now: Timestamp) -> Option<String> {
    let mut all = Vec::new();
    if let Some(evidence) = c.tally.letters().rev().find_map(|(_, l)| l.lost()) {
        all.push(format!("{} lost: {evidence}", counts.lost_names()));
    }
    if counts.overdue > 0 {
        let oldest = c.tally.outstanding().first().copied().unwrap_or_default();
        let n = counts.overdue;
        let letters = if n == 1 { "letter is" } else { "letters are" };
        all.push(format!(
            "{n} {letters} late and still on the way, the first is #{oldest}"
        ));
    } else if let (Matter::Late, Some((trip, _))) = (c.matter(now), c.last) {
        all.push(format!("the last one took {trip}; above {} is late", c.late()));
    }
    let odd = [
        (counts.altered, "came with another body"),
        (counts.duplicated, "came twice"),
        (counts.reordered, "came out of order"),
        (counts.unsure, "got no answer when handed in"),
        (counts.forged, "forged, left where they are"),
        (counts.ignored, "of other runs came, left where they are"),
    ];
    all.extend(
        odd.iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}")),
    );
    if let Some((why, at)) = &c.unsent {
        all.push(format!("not handed in {} ago: {why}", when::age(*at, now)));
    }
    if let Some((why, at)) = &c.held {
        all.push(format!("none are sent since {} ago: {why}", when::age(*at, now)));
    }
    if let Some(why) = c.watching.reading(now, Span::from_hours(24 * 365)).why() {
        all.push(format!("the mailbox is not watched: {why}"));
    }
    if let Some(w) = c.watching.last() {
        match w.cleans {
            Cleans::Yes => {}
            Cleans::FlagsOnly => all.push("no UIDPLUS: letters are flagged as deleted and stay".to_owned()),
            Cleans::No => all.push("the mailbox is open for reading only: letters stay".to_owned()),
        }
    }
    (!all.is_empty()).then(|| all.join("; "))
}
