//! The dialog of an action: the plan with its reason and what else it wants, or what became of it. What a plan says is
//! drawn here for one server and for one of several.

mod foot;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{ActionDialog, App, Stage, Tried};
use crate::console::number;
use crate::console::theme::Role;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed};
use crate::domain::Text;
use crate::domain::action::{Plan, Verb};
use crate::domain::reading::Missed;

use super::{progress, put_lines};

pub(super) use foot::{durations, keys, typed};

/// Columns of the dialog, where the screen has them.
pub(super) const COLUMNS: u16 = 76;
/// Columns of the labels at the left.
pub(super) const LABEL: usize = 9;

/// Draws the dialog of an action.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, dialog: &ActionDialog, now: Timestamp) {
    let theme = app.options.theme;
    let columns = inner_columns(area);
    let body = body(app, dialog, columns, now);
    let foot = foot::lines(app, dialog, columns);
    let rows = (body.len() + foot.len() + 2) as u16;
    let frame = boxed::middle(area, COLUMNS, rows);
    let is_cancel = dialog.plan().is_some_and(Plan::is_cancel);
    let verb = if is_cancel { "Cancel" } else { capital(dialog.verb) };
    let title = format!("{verb} {} on {}", dialog.job, dialog.server);
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
    more(buf, app, frame, upper, body.len(), dialog.scroll);
}

/// Says on the frame, where it covers no text, that there is more above or below.
pub(super) fn more(buf: &mut Buffer, app: &App, frame: Rect, upper: Rect, lines: usize, scroll: usize) {
    let theme = app.options.theme;
    let style = theme.style(Role::Accent).patch(theme.raised());
    let x = frame.right().saturating_sub(1);
    if lines > scroll + usize::from(upper.height) && upper.height > 0 {
        buf[(x, upper.bottom() - 1)].set_symbol("↓").set_style(style);
    }
    if scroll > 0 {
        buf[(x, upper.y)].set_symbol("↑").set_style(style);
    }
}

/// How many lines of the dialog's upper part do not fit.
pub fn hidden_lines(app: &App, area: Rect, dialog: &ActionDialog, now: Timestamp) -> usize {
    let columns = inner_columns(area);
    let foot = foot::lines(app, dialog, columns).len();
    let room = usize::from(area.height).saturating_sub(foot + 2);
    body(app, dialog, columns, now).len().saturating_sub(room)
}

pub(super) fn inner_columns(area: Rect) -> usize {
    usize::from(COLUMNS.min(area.width)).saturating_sub(4)
}

pub(super) fn capital(verb: Verb) -> &'static str {
    match verb {
        Verb::Pause => "Pause",
        Verb::Resume => "Resume",
        Verb::Extend => "Extend",
        Verb::Flush => "Flush",
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
        Stage::Planning { before: None } => planning(&mut out, app, columns),
        Stage::Planning { before: Some(plan) } => shown(&mut out, app, plan, columns),
        Stage::Shown(plan) => {
            ways(&mut out, app, dialog, columns);
            shown(&mut out, app, plan, columns);
            tried(&mut out, app, &dialog.tried, columns);
        }
        Stage::NotPlanned(why) => missed(&mut out, app, why, columns),
        Stage::Running { plan, since } => {
            progress::lines(&mut out, app, plan, *since, columns, now);
            out.push(Line::default());
            // On record with its reason, which the command that arms the end carries.
            let recorded = app.model.action(&plan.id).map_or(&plan.runs, |a| &a.plan.runs);
            many(&mut out, app, "runs", recorded, Role::Dim, columns);
            field(&mut out, app, "reason", &plan.reason, Role::Dim, columns);
        }
        Stage::NotRun { plan, why } => not_run(&mut out, app, plan, why, columns),
    }
    out
}

/// That there is no plan yet.
pub(super) fn planning(out: &mut Vec<Line<'static>>, app: &App, columns: usize) {
    let words = "working out what this would do …";
    field(out, app, "plan", words, Role::Dim, columns);
}

/// Why there is no plan.
pub(super) fn missed(out: &mut Vec<Line<'static>>, app: &App, why: &Missed, columns: usize) {
    field(out, app, "tried", &why.tried, Role::Text, columns);
    field(out, app, "but", &why.why, Role::Down, columns);
    if let Some(fix) = &why.fix {
        field(out, app, "so", fix, Role::Text, columns);
    }
}

/// What did not run, and why.
pub(super) fn not_run(out: &mut Vec<Line<'static>>, app: &App, plan: &Plan, why: &Text, columns: usize) {
    many(out, app, "not run", &plan.runs, Role::Dim, columns);
    field(out, app, "because", why, Role::Down, columns);
}

/// Several texts under one label.
fn many(out: &mut Vec<Line<'static>>, app: &App, label: &str, all: &[Text], role: Role, columns: usize) {
    for (i, t) in all.iter().enumerate() {
        field(out, app, if i == 0 { label } else { "" }, t, role, columns);
    }
}

/// A whole plan: the exact commands, what they touch, how it is undone.
pub(super) fn shown(out: &mut Vec<Line<'static>>, app: &App, plan: &Plan, columns: usize) {
    if let Some(why) = &plan.unarmed {
        let words = format!("▲ NO END IS ARMED: {why}");
        field(out, app, "", &words, Role::Warn, columns);
    }
    many(out, app, "runs", &plan.runs, Role::Title, columns);
    if let Some(n) = plan.messages {
        let words = if n == 1 { "message" } else { "messages" };
        let words = format!("{} {words}", number::grouped(n));
        field(out, app, "size", &words, Role::Title, columns);
    }
    many(out, app, "touches", &plan.touches, Role::Text, columns);
    many(out, app, "beware", &plan.beware, Role::Warn, columns);
    field(out, app, "undo", &plan.undo, Role::Text, columns);
    if plan.verb.lasts() && !plan.armed_on_server && !plan.is_cancel() {
        let words = "nothing on the server ends this pause by itself: someone must resume it";
        field(out, app, "", words, Role::Warn, columns);
    }
    field(out, app, "by", &plan.by, Role::Dim, columns);
}

/// The ways to do it, the chosen one in brackets.
fn ways(out: &mut Vec<Line<'static>>, app: &App, dialog: &ActionDialog, columns: usize) {
    if dialog.ways.len() < 2 {
        return;
    }
    for (i, way) in dialog.ways.iter().enumerate() {
        let chosen = way.choices == dialog.choices;
        let (text, role) = if chosen {
            (format!("[{}]", way.words), Role::Accent)
        } else {
            (format!(" {} ", way.words), Role::Text)
        };
        field(out, app, if i == 0 { "way" } else { "" }, &text, role, columns);
    }
}

/// What trying the plan showed.
fn tried(out: &mut Vec<Line<'static>>, app: &App, tried: &Tried, columns: usize) {
    match tried {
        Tried::Not => {}
        Tried::Asked => field(
            out,
            app,
            "dry run",
            "trying it, without changing anything …",
            Role::Dim,
            columns,
        ),
        Tried::Done(checks) => {
            for (i, c) in checks.iter().enumerate() {
                let (sign, role, words) = match &c.would {
                    Ok(words) => ("✔", Role::Ok, words),
                    Err(why) => ("✖", Role::Down, why),
                };
                let colon = if words.is_empty() { "" } else { ": " };
                let words = format!("{sign} {}{colon}{words}", c.what);
                field(out, app, if i == 0 { "dry run" } else { "" }, &words, role, columns);
            }
            let words = if checks.is_empty() {
                "there is nothing to try; nothing ran"
            } else {
                "nothing ran"
            };
            field(
                out,
                app,
                if checks.is_empty() { "dry run" } else { "" },
                words,
                Role::Dim,
                columns,
            );
        }
    }
}
