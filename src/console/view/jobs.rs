//! The maintenance jobs of a server: state, progress, what was asked of them last and whether it was proved.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, cut, meter};
use crate::console::{glyphs, when};
use crate::domain::action::Truth;
use crate::domain::job::{JobState, State};
use crate::domain::reading::Reading;
use crate::model::{Job, Server};

use super::{acted, lease};

/// All jobs; the one at `chosen` carries the cursor.
pub fn lines(app: &App, server: &Server, chosen: usize, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    if server.jobs.is_empty() {
        return vec![Line::styled(
            "no maintenance job is configured here",
            theme.style(Role::Dim),
        )];
    }
    let mut out = Vec::new();
    for (i, j) in server.jobs.values().enumerate() {
        if i > 0 {
            out.push(Line::default());
        }
        let mark = if i == chosen && server.jobs.len() > 1 {
            "▌"
        } else {
            " "
        };
        one(&mut out, app, server, j, mark, columns, now);
    }
    out
}

fn one(out: &mut Vec<Line<'static>>, app: &App, server: &Server, j: &Job, mark: &str, columns: usize, now: Timestamp) {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let reading = j.state.reading(now, server.good_for());
    let state = reading.fresh().map_or(State::Unknown, |s| s.state);
    let name = cut(&j.name, columns / 2).into_owned();
    let mut line = Cells::new()
        .put(mark, theme.style(Role::Accent))
        .put(name, theme.style(Role::Title))
        .gap(2)
        .put(format!("{} {state}", glyphs::state(state)), theme.state(state));
    if let Some(p) = reading.fresh().and_then(|s| s.progress) {
        line = line
            .gap(2)
            .join(meter::bar(p / 100.0, 12, theme.style(Role::Accent), theme))
            .put(format!(" {p:.0}%"), theme.style(Role::Text));
    }
    out.push(line.line_in(columns));
    let mut say = |words: String, style| {
        for w in wrap(&words, columns.saturating_sub(1), 3) {
            out.push(Cells::new().gap(1).put(w, style).line());
        }
    };
    if let Some(words) = lease::drift(app, j) {
        say(format!("▲ {words}"), theme.style(Role::Warn));
    }
    for (words, role) in lease::lines(app, server, j, now) {
        say(words, theme.style(role));
    }
    since_then(&mut say, app, j, state, now);
    match &reading {
        Reading::Fresh { value, at } => say(fresh(value, *at, now), dim),
        Reading::Stale { value, at, why } => {
            say(
                format!("was {} {} ago; {why}", value.state, when::age(*at, now)),
                theme.style(Role::Unknown),
            );
        }
        Reading::Never { why: Some(why) } => say(why.to_string(), theme.style(Role::Unknown)),
        Reading::Never { why: None } => say("not read yet".to_owned(), theme.style(Role::Unknown)),
    }
    if let Some(w) = &j.watched {
        say(format!("{}: {}", w.kind, w.about), dim);
    }
    for b in reading.fresh().iter().flat_map(|s| &s.beware) {
        say(format!("▲ {b}"), theme.style(Role::Warn));
    }
    for words in j.rights.iter().flat_map(|(r, _)| lease::lacks(server, r)) {
        say(format!("▲ {words}"), theme.style(Role::Warn));
    }
    last(&mut say, app, j, now);
}

fn fresh(s: &JobState, at: Timestamp, now: Timestamp) -> String {
    let mut parts = Vec::new();
    parts.extend(s.running_for.map(|t| format!("for {}", when::whole(t))));
    if !s.detail.is_empty() {
        parts.push(s.detail.to_string());
    }
    parts.push(format!("read {} ago", when::age(at, now)));
    parts.join(", ")
}

fn last(say: &mut impl FnMut(String, ratatui::style::Style), app: &App, j: &Job, now: Timestamp) {
    let theme = app.options.theme;
    let Some(a) = app.model.last_action(j) else { return };
    let ago = when::age(a.at, now);
    let (verb, by, reason) = (a.plan.verb, &a.plan.by, &a.plan.reason);
    let truth = a.truth();
    if let Truth::Contradicted { found } = &truth {
        let words = format!("✖ {}", acted::failed(verb, &ago, found.state));
        say(words, theme.style(Role::Down));
        return say(format!("asked by {by}: {reason}"), theme.style(Role::Text));
    }
    say(
        format!("{} {ago} ago by {by}: {reason}", verb.past()),
        theme.style(Role::Text),
    );
    if let Some(words) = acted::lost(a, now) {
        return say(format!("? {words}"), theme.style(Role::Unknown));
    }
    let (sign, role) = match truth {
        Truth::Requested => ("·", Role::Dim),
        Truth::Confirmed { .. } => ("✔", Role::Ok),
        Truth::Contradicted { .. } => ("✖", Role::Down),
        Truth::Unverifiable { .. } => ("?", Role::Unknown),
    };
    say(format!("{sign} {}", acted::truth(&truth, now)), theme.style(role));
    for (words, role) in acted::effects(app, a, now) {
        say(format!("→ {words}"), theme.style(role));
    }
}

/// What became of the last pause by now; while it holds, what ends it is said by its leases.
fn since_then(say: &mut impl FnMut(String, ratatui::style::Style), app: &App, j: &Job, state: State, now: Timestamp) {
    let text = app.options.theme.style(Role::Text);
    if let Some(words) = lease::ended(j, now) {
        return say(words, text);
    }
    let Some(a) = app.model.last_action(j) else { return };
    if state != State::Paused
        && j.drift.is_none()
        && let Some(words) = acted::since_then(app, j, a, state, now)
    {
        say(words, text);
    }
}
