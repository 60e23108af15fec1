//! The dialog of one verb on several servers: a row each with its plan, then with its progress; below it the reason, the
//! name, and how the whole stands. One plan in full stands in its place when it is opened.

mod row;

use std::collections::BTreeMap;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{App, BatchDialog, Hands};
use crate::console::theme::Role;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed, meter, width};
use crate::domain::action::Plan;
use crate::domain::batch::{Batch, OnFailure, Order, Phase, RowState};

use super::action::{self, LABEL, capital, keys, typed};
use super::{progress, put_lines};

/// Columns of the dialog, where the screen has them.
const COLUMNS: u16 = 110;
/// Warnings of the plans that are shown together.
const WARNINGS: usize = 3;

/// Draws the dialog.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, dialog: &BatchDialog, now: Timestamp) {
    if let Some(scroll) = dialog.open {
        return one(buf, area, app, dialog, scroll, now);
    }
    let theme = app.options.theme;
    let columns = inner_columns(area);
    let batch = &dialog.batch;
    let warnings = warnings(app, batch, columns);
    let foot = foot(app, dialog, columns);
    let rows = (batch.rows.len() + warnings.len() + foot.len() + 2) as u16;
    let frame = boxed::middle(area, COLUMNS, rows);
    let title = format!("{} {} on {} servers", capital(batch.verb), batch.job, batch.rows.len());
    let room = boxed::open(buf, frame, &title, theme);
    let split = room.height.saturating_sub(foot.len() as u16);
    // Where there is no room for both, the servers stay.
    let below = (warnings.len() as u16).min(split.saturating_sub(batch.rows.len() as u16));
    let upper = Rect::new(room.x, room.y, room.width, split - below);
    let height = usize::from(upper.height);
    let top = (dialog.at + 1)
        .saturating_sub(height.div_ceil(2).max(1))
        .min(batch.rows.len().saturating_sub(height));
    let name = batch
        .rows
        .iter()
        .map(|r| width(&r.server))
        .max()
        .unwrap_or(0)
        .clamp(4, 18);
    for (i, r) in batch.rows.iter().enumerate().skip(top).take(height) {
        let y = upper.y + (i - top) as u16;
        let here = i == dialog.at;
        let line = row::line(app, r, here, name, columns);
        if here && (dialog.hands == Hands::Rows || batch.phase != Phase::Planning) {
            buf.set_style(Rect::new(room.x, y, room.width, 1), theme.selected());
        }
        buf.set_line(upper.x, y, &line, upper.width);
    }
    put_lines(buf, Rect::new(room.x, upper.bottom(), room.width, below), &warnings, 0);
    put_lines(
        buf,
        Rect::new(room.x, room.y + split, room.width, room.height - split),
        &foot,
        0,
    );
    action::more(buf, app, frame, upper, batch.rows.len(), top);
}

fn inner_columns(area: Rect) -> usize {
    usize::from(COLUMNS.min(area.width)).saturating_sub(4)
}

/// How many lines of the open plan do not fit.
pub fn hidden_lines(app: &App, area: Rect, dialog: &BatchDialog, now: Timestamp) -> usize {
    let room = usize::from(area.height).saturating_sub(4);
    whole(app, dialog, inner_columns(area), now).len().saturating_sub(room)
}

/// One server's plan, or what became of it, in full.
fn one(buf: &mut Buffer, area: Rect, app: &App, dialog: &BatchDialog, scroll: usize, now: Timestamp) {
    let Some(row) = dialog.batch.rows.get(dialog.at) else {
        return;
    };
    let columns = inner_columns(area);
    let body = whole(app, dialog, columns, now);
    let frame = boxed::middle(area, COLUMNS, body.len() as u16 + 4);
    let title = format!("{} {} on {}", capital(dialog.batch.verb), dialog.batch.job, row.server);
    let room = boxed::open(buf, frame, &title, app.options.theme);
    let upper = Rect::new(room.x, room.y, room.width, room.height.saturating_sub(2));
    put_lines(buf, upper, &body, scroll);
    let foot = keys(app, &[("↑↓", "scroll"), ("Esc", "back to all")], columns);
    put_lines(
        buf,
        Rect::new(room.x, room.bottom().saturating_sub(1), room.width, 1),
        &[foot],
        0,
    );
    action::more(buf, app, frame, upper, body.len(), scroll);
}

fn whole(app: &App, dialog: &BatchDialog, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let Some(row) = dialog.batch.rows.get(dialog.at) else {
        return out;
    };
    match &row.state {
        RowState::Planning => action::planning(&mut out, app, columns),
        RowState::Cannot(why) => action::missed(&mut out, app, why, columns),
        RowState::Ready(plan) | RowState::Waiting(plan) => action::shown(&mut out, app, plan, columns),
        RowState::Running(plan, _) | RowState::Ended(plan, _) => {
            let since = app.model.action(&plan.id).map_or(now, |a| a.at);
            progress::lines(&mut out, app, plan, since, columns, now);
            out.push(Line::default());
            action::shown(&mut out, app, plan, columns);
        }
        RowState::Refused(plan, why) | RowState::NotRun(plan, why) => {
            action::not_run(&mut out, app, plan, why, columns);
        }
        RowState::LeftOut(why) => {
            for w in wrap(&format!("left out: {why}"), columns, 4) {
                out.push(Line::styled(w, app.options.theme.style(Role::Text)));
            }
        }
    }
    out
}

/// What the plans warn of, each warning once with how many plans carry it.
fn warnings(app: &App, batch: &Batch, columns: usize) -> Vec<Line<'static>> {
    if batch.phase != Phase::Planning {
        return Vec::new();
    }
    let unended = |p: &Plan| p.verb.lasts() && !p.armed_on_server && !p.is_cancel();
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    for plan in batch.ready() {
        for b in plan.beware.iter().chain(&plan.unarmed) {
            *all.entry(b.to_string()).or_default() += 1;
        }
        if unended(plan) {
            let words = "nothing on the server ends this pause by itself: someone must resume it";
            *all.entry(words.to_owned()).or_default() += 1;
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let left = all.len().saturating_sub(WARNINGS);
    let warn = app.options.theme.style(Role::Warn);
    let mut out: Vec<_> = all
        .into_iter()
        .take(WARNINGS)
        .map(|(words, n)| Cells::new().put(format!("▲ on {n}: {words}"), warn).line_in(columns))
        .collect();
    if left > 0 {
        out.push(
            Cells::new()
                .put(format!("▲ and {left} more: Tab, Enter"), warn)
                .line_in(columns),
        );
    }
    out
}

fn foot(app: &App, dialog: &BatchDialog, columns: usize) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let batch = &dialog.batch;
    let mut out = Vec::new();
    if batch.phase == Phase::Planning {
        if batch.verb.lasts() {
            out.push(action::durations(app, &dialog.durations, columns));
        }
        let label = Cells::new().left("reason", LABEL, theme.style(Role::Label));
        let room = columns.saturating_sub(LABEL);
        let typing = dialog.hands == Hands::Reason || dialog.hands == Hands::Name && !batch.needs_name();
        out.push(label.join(typed(app, &dialog.reason, room, typing)).line_in(columns));
        if let Some(first) = batch.first().filter(|_| batch.needs_name()) {
            let label = Cells::new().put(format!("type {first} to confirm  "), theme.style(Role::Warn));
            let room = columns.saturating_sub(label.used()).max(10);
            let typing = dialog.hands == Hands::Name;
            out.push(label.join(typed(app, &dialog.name, room, typing)).line_in(columns));
        }
    } else {
        out.push(whole_bar(app, batch, columns));
        let words = match batch.phase {
            Phase::Looking => format!("look at it: {}", batch.summary()),
            Phase::Over => format!("over: {}", batch.summary()),
            _ => batch.summary(),
        };
        for w in wrap(&words, columns, 2) {
            out.push(Line::styled(w, theme.style(Role::Text)));
        }
    }
    if batch.phase != Phase::Over {
        out.push(manner(app, batch, columns));
    }
    let said = dialog.said.as_ref().map_or_else(Line::default, |s| {
        Cells::new()
            .put(format!("▲ {s}"), theme.style(Role::Warn))
            .line_in(columns)
    });
    out.push(said);
    out.push(keys(app, &feet(dialog), columns));
    out
}

/// How far the whole is, as a bar and in numbers.
fn whole_bar(app: &App, batch: &Batch, columns: usize) -> Line<'static> {
    let theme = app.options.theme;
    let (over, all) = batch.progress();
    let words = format!("  {over} of {all} over");
    let room = columns.saturating_sub(width(&words)).min(40);
    let share = over as f64 / all.max(1) as f64;
    meter::bar(share, room, theme.style(Role::Accent), theme)
        .put(words, theme.style(Role::Text))
        .line_in(columns)
}

/// In which order it runs, and what a failure does.
fn manner(app: &App, batch: &Batch, columns: usize) -> Line<'static> {
    let theme = app.options.theme;
    let first = batch.first().map_or("the first", |n| n.as_str());
    let order = match batch.order {
        Order::Canary => format!("{first} first, then stop to look"),
        Order::Straight => format!("{first} first, then all without a stop"),
    };
    let failure = match batch.on_failure {
        OnFailure::Stop => "a failure stops the rest",
        OnFailure::GoOn => "goes on after a failure",
    };
    Cells::new()
        .put(format!("{order}; {failure}"), theme.style(Role::Dim))
        .line_in(columns)
}

fn feet(dialog: &BatchDialog) -> Vec<(&'static str, String)> {
    let batch = &dialog.batch;
    let failure = match batch.on_failure {
        OnFailure::Stop => "go on",
        OnFailure::GoOn => "stop on failure",
    };
    let own = |all: &[(&'static str, &str)]| all.iter().map(|(k, w)| (*k, (*w).to_owned())).collect::<Vec<_>>();
    match (batch.phase, dialog.hands) {
        (Phase::Planning, Hands::Rows) => {
            let order = match batch.order {
                Order::Canary => "all at once",
                Order::Straight => "look first",
            };
            own(&[
                ("Enter", "plan"),
                ("a", order),
                ("g", failure),
                ("Tab", "reason"),
                ("Esc", "cancel"),
            ])
        }
        (Phase::Planning, _) => {
            let mut all = Vec::new();
            let ready = batch.ready().count();
            if ready > 0 && batch.planning().next().is_none() {
                all.push(("Enter", format!("{} on {ready}", batch.verb)));
            }
            all.push(("Tab", "next, servers".to_owned()));
            if batch.verb.lasts() {
                all.push(("←→", "time".to_owned()));
            }
            all.push(("Esc", "cancel".to_owned()));
            all
        }
        (Phase::Looking, _) => {
            let mut all = vec![("Enter", format!("the other {}", batch.waiting()))];
            all.extend(own(&[("→", "plan"), ("g", failure), ("Esc", "stop here")]));
            all
        }
        (Phase::Over, _) => {
            let mut all = Vec::new();
            if let Some((verb, servers)) = batch.undo() {
                all.push(("u", format!("{verb} the {}", servers.len())));
            }
            all.extend(own(&[("→", "plan"), ("Esc", "close")]));
            all
        }
        _ => own(&[("→", "plan"), ("g", failure), ("Esc", "close, the waiting do not run")]),
    }
}
