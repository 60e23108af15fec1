//! The dialogs of an action: which job, the plan with its reason, its progress, and the question before leaving.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{ActionDialog, App, DURATIONS, Pick, Stage};
use crate::console::glyphs;
use crate::console::keymap::Place;
use crate::console::theme::Role;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed, input, width};
use crate::domain::action::{Plan, Verb};
use crate::domain::job::State;
use crate::domain::{Span, Text};

use super::{footer, progress, put_lines};

/// Columns of the dialog, where the screen has them.
const COLUMNS: u16 = 76;
/// Columns of the labels at the left.
const LABEL: usize = 9;

/// Draws the dialog of an action.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, dialog: &ActionDialog, now: Timestamp) {
    let theme = app.options.theme;
    let columns = inner_columns(area);
    let body = body(app, dialog, columns, now);
    let foot = foot(app, dialog, columns);
    let rows = (body.len() + foot.len() + 2) as u16;
    let frame = boxed::middle(area, COLUMNS, rows);
    let title = format!("{} {} on {}", capital(dialog.verb), dialog.job, dialog.server);
    let room = boxed::open(buf, frame, &title, theme);
    let split = room.height.saturating_sub(foot.len() as u16);
    let upper = Rect::new(room.x, room.y, room.width, split);
    put_lines(buf, upper, &body, dialog.scroll);
    put_lines(
        buf,
        Rect::new(room.x, room.y + split, room.width, room.height - split),
        &foot,
        0,
    );
    // On the frame, where it covers no text.
    let style = theme.style(Role::Accent).patch(theme.raised());
    let x = frame.right().saturating_sub(1);
    if body.len() > dialog.scroll + usize::from(split) && split > 0 {
        buf[(x, room.y + split - 1)].set_symbol("↓").set_style(style);
    }
    if dialog.scroll > 0 {
        buf[(x, room.y)].set_symbol("↑").set_style(style);
    }
}

/// How many lines of the dialog's upper part do not fit.
pub fn hidden_lines(app: &App, area: Rect, dialog: &ActionDialog, now: Timestamp) -> usize {
    let columns = inner_columns(area);
    let foot = foot(app, dialog, columns).len();
    let room = usize::from(area.height).saturating_sub(foot + 2);
    body(app, dialog, columns, now).len().saturating_sub(room)
}

fn inner_columns(area: Rect) -> usize {
    usize::from(COLUMNS.min(area.width)).saturating_sub(4)
}

fn capital(verb: Verb) -> &'static str {
    match verb {
        Verb::Pause => "Pause",
        Verb::Resume => "Resume",
    }
}

/// A label and its text, wrapped beside it.
fn field(out: &mut Vec<Line<'static>>, app: &App, label: &str, text: &str, role: Role, columns: usize) {
    let theme = app.options.theme;
    for (i, words) in wrap(text, columns.saturating_sub(LABEL), 6).into_iter().enumerate() {
        let label = if i == 0 { label } else { "" };
        let line = Cells::new()
            .left(label, LABEL, theme.style(Role::Label))
            .put(words, theme.style(role));
        out.push(line.line());
    }
}

fn body(app: &App, dialog: &ActionDialog, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    match &dialog.stage {
        Stage::Planning { before: None } => {
            field(
                &mut out,
                app,
                "plan",
                "working out what this would do …",
                Role::Dim,
                columns,
            );
        }
        Stage::Planning { before: Some(plan) } | Stage::Shown(plan) => shown(&mut out, app, plan, columns),
        Stage::NotPlanned(why) => {
            field(&mut out, app, "tried", &why.tried, Role::Text, columns);
            field(&mut out, app, "but", &why.why, Role::Down, columns);
            if let Some(fix) = &why.fix {
                field(&mut out, app, "so", fix, Role::Text, columns);
            }
        }
        Stage::Running { plan, since } => {
            progress::lines(&mut out, app, dialog, *since, columns, now);
            out.push(Line::default());
            many(&mut out, app, "runs", &plan.runs, Role::Dim, columns);
            field(&mut out, app, "reason", &plan.reason, Role::Dim, columns);
        }
        Stage::NotRun { plan, why } => {
            many(&mut out, app, "not run", &plan.runs, Role::Dim, columns);
            field(&mut out, app, "because", why, Role::Down, columns);
        }
    }
    out
}

/// Several texts under one label.
fn many(out: &mut Vec<Line<'static>>, app: &App, label: &str, all: &[Text], role: Role, columns: usize) {
    for (i, t) in all.iter().enumerate() {
        field(out, app, if i == 0 { label } else { "" }, t, role, columns);
    }
}

fn shown(out: &mut Vec<Line<'static>>, app: &App, plan: &Plan, columns: usize) {
    many(out, app, "runs", &plan.runs, Role::Title, columns);
    many(out, app, "touches", &plan.touches, Role::Text, columns);
    many(out, app, "beware", &plan.beware, Role::Warn, columns);
    let undo = match plan.lasts {
        Some(lasts) if plan.armed_on_server => format!("{}  (armed on {} itself, in {lasts})", plan.undo, plan.server),
        _ => plan.undo.to_string(),
    };
    field(out, app, "undo", &undo, Role::Text, columns);
    if plan.verb == Verb::Pause && !plan.armed_on_server {
        let words = "nothing on the server ends this pause by itself: someone must resume it";
        field(out, app, "", words, Role::Warn, columns);
    }
    field(out, app, "by", &plan.by, Role::Dim, columns);
}

fn foot(app: &App, dialog: &ActionDialog, columns: usize) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let mut out = Vec::new();
    let planning = matches!(dialog.stage, Stage::Planning { .. } | Stage::Shown(_));
    if planning {
        if dialog.verb == Verb::Pause {
            let mut line = Cells::new().left("for", LABEL, theme.style(Role::Label));
            for (i, d) in DURATIONS.iter().enumerate() {
                let chosen = i == dialog.duration;
                let text = if chosen {
                    format!("[{}]", short(*d))
                } else {
                    format!(" {} ", short(*d))
                };
                line = line.put(text, theme.style(if chosen { Role::Accent } else { Role::Dim }));
            }
            out.push(line.line_in(columns));
        }
        let reason = input::cells(&dialog.reason, columns.saturating_sub(LABEL), theme);
        out.push(
            Cells::new()
                .left("reason", LABEL, theme.style(Role::Label))
                .join(reason)
                .line(),
        );
    }
    let said = dialog.said.map_or_else(Line::default, |s| {
        Cells::new()
            .gap(LABEL)
            .put(format!("▲ {s}"), theme.style(Role::Warn))
            .line_in(columns)
    });
    out.push(said);
    let place = app.place();
    let mut keys = match (&dialog.stage, dialog.lasts()) {
        (Stage::Shown(_), Some(lasts)) => confirm(app, &format!("pause for {}", short(lasts))),
        (Stage::Shown(_), None) => confirm(app, "resume now"),
        _ => Cells::new(),
    };
    let feet = footer::cells(app, place, columns);
    if let (Place::Plan, Stage::NotPlanned(_)) = (place, &dialog.stage) {
        keys = Cells::new().put("Esc", theme.style(Role::Accent)).put(" close", dim);
    } else if place == Place::Plan {
        let change = if dialog.verb == Verb::Pause {
            let arrows = crate::console::keymap::foot_key("←→", app.options.glyphs);
            Cells::new()
                .put(arrows, theme.style(Role::Accent))
                .put(" change", dim)
                .gap(4)
        } else {
            Cells::new()
        };
        let gap = if keys.used() > 0 { 4 } else { 0 };
        keys = keys
            .gap(gap)
            .join(change)
            .put("Esc", theme.style(Role::Accent))
            .put(" cancel", dim);
    } else {
        keys = feet;
    }
    let left = columns.saturating_sub(keys.used()) / 2;
    out.push(Cells::new().gap(left).join(keys).line_in(columns));
    out
}

fn confirm(app: &App, words: &str) -> Cells {
    let theme = app.options.theme;
    Cells::new()
        .put("Enter", theme.style(Role::Accent))
        .put(format!(" {words}"), theme.style(Role::Text))
}

/// `30m`, `1h`: durations here are whole minutes or hours.
fn short(d: Span) -> String {
    let mins = d.secs() / 60;
    if mins % 60 == 0 {
        format!("{}h", mins / 60)
    } else {
        format!("{mins}m")
    }
}

/// Draws the choice among several jobs.
pub fn draw_pick(buf: &mut Buffer, area: Rect, app: &App, pick: &Pick, now: Timestamp) {
    let theme = app.options.theme;
    let server = app.model.server(&pick.server);
    let title = format!("{} which job on {}?", capital(pick.verb), pick.server);
    let rows = (pick.jobs.len() + 4) as u16;
    let room = boxed::open(buf, boxed::middle(area, 60, rows), &title, theme);
    let columns = usize::from(room.width);
    let height = usize::from(room.height).saturating_sub(2);
    let top = pick.at.saturating_sub(height.saturating_sub(1));
    let widest = pick.jobs.iter().map(|j| width(j)).max().unwrap_or(0).min(columns / 2);
    for (i, job) in pick.jobs.iter().enumerate().skip(top).take(height) {
        let here = i == pick.at;
        let state = server.and_then(|s| {
            s.jobs
                .get(job)?
                .state
                .reading(now, s.good_for())
                .fresh()
                .map(|s| (s.state, s.progress))
        });
        let (state, progress) = state.unwrap_or((State::Unknown, None));
        let mark = if here { "▌" } else { " " };
        let mut line = Cells::new()
            .put(mark, theme.style(Role::Accent))
            .left(job, widest, theme.style(if here { Role::Title } else { Role::Text }))
            .gap(2)
            .put(format!("{} {state}", glyphs::state(state)), theme.state(state));
        if let Some(p) = progress {
            line = line.put(format!(" {p:.0}%"), theme.style(Role::Text));
        }
        let y = room.y + (i - top) as u16;
        if here {
            buf.set_style(Rect::new(room.x, y, room.width, 1), theme.selected());
        }
        buf.set_line(room.x, y, &line.line_in(columns), room.width);
    }
    if room.height > 0 {
        buf.set_line(
            room.x,
            room.bottom() - 1,
            &footer::cells(app, Place::Pick, columns).line(),
            room.width,
        );
    }
}

/// Draws the question before leaving.
pub fn draw_question(buf: &mut Buffer, area: Rect, app: &App, now: Timestamp) {
    let theme = app.options.theme;
    let columns = inner_columns(area);
    let mut lines = Vec::new();
    for s in app.status(now) {
        if let crate::console::app::Status::Acting(what) = s {
            lines.extend(
                wrap(&format!("still {what}"), columns, 2)
                    .into_iter()
                    .map(|l| Line::styled(l, theme.style(Role::Text))),
            );
        }
    }
    let words = "What was started goes on at the server, but nobody here will read back what came of it.";
    lines.extend(
        wrap(words, columns, 3)
            .into_iter()
            .map(|l| Line::styled(l, theme.style(Role::Dim))),
    );
    lines.push(Line::default());
    lines.push(footer::cells(app, Place::Question, columns).line());
    let frame = boxed::middle(area, COLUMNS, lines.len() as u16 + 2);
    let room = boxed::open(buf, frame, "Leave while an action runs?", theme);
    put_lines(buf, room, &lines, 0);
}
