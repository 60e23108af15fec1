//! The lower part of an action's dialog: how long, why, the name where it has to be typed, what is missing, the keys.

use ratatui::text::Line;

use crate::console::app::{ActionDialog, App, Durations, Field, Stage};
use crate::console::keymap::{self, Place};
use crate::console::theme::Role;
use crate::console::view::footer;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, input};
use crate::domain::Span;
use crate::domain::action::{Plan, Verb};

use super::LABEL;

/// The lines below the plan.
pub(super) fn lines(app: &App, dialog: &ActionDialog, columns: usize) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let mut out = Vec::new();
    let planning = matches!(dialog.stage, Stage::Planning { .. } | Stage::Shown(_));
    if planning {
        if dialog.verb.lasts() && !dialog.plan().is_some_and(Plan::is_cancel) {
            out.push(durations(app, &dialog.durations, columns));
        }
        let label = Cells::new().left("reason", LABEL, theme.style(Role::Label));
        let room = columns.saturating_sub(LABEL);
        let typing = !dialog.wants_name() || dialog.field == Field::Reason;
        out.push(label.join(typed(app, &dialog.reason, room, typing)).line());
        if dialog.wants_name() {
            let words = format!("type {} to confirm  ", dialog.server);
            let label = Cells::new().put(words, theme.style(Role::Warn));
            let room = columns.saturating_sub(label.used()).max(10);
            let typing = dialog.field == Field::Name;
            out.push(label.join(typed(app, &dialog.name, room, typing)).line_in(columns));
        }
    }
    match &dialog.said {
        Some(said) => {
            for w in wrap(&format!("▲ {said}"), columns.saturating_sub(LABEL), 2) {
                out.push(Cells::new().gap(LABEL).put(w, theme.style(Role::Warn)).line_in(columns));
            }
        }
        None => out.push(Line::default()),
    }
    if dialog.offers_unarmed() {
        let verb = dialog.verb;
        let words = if columns > 70 {
            format!("{verb} all the same, with no armed end; goes on record")
        } else {
            format!("{verb} with no armed end; goes on record")
        };
        out.push(keys(app, &[("Ctrl-O", words)], columns));
    }
    let keys = match (app.place(), &dialog.stage) {
        (Place::Plan, Stage::NotPlanned(_)) => keys(app, &[("Esc", "close")], columns),
        (Place::Plan, _) => keys(app, &plan_keys(dialog), columns),
        (place, _) => {
            let feet = footer::cells(app, place, columns);
            let left = columns.saturating_sub(feet.used()) / 2;
            Cells::new().gap(left).join(feet).line_in(columns)
        }
    };
    out.push(keys);
    out
}

/// The durations, the chosen one in brackets.
pub(in crate::console::view) fn durations(app: &App, durations: &Durations, columns: usize) -> Line<'static> {
    let theme = app.options.theme;
    let mut line = Cells::new().left("for", LABEL, theme.style(Role::Label));
    for (i, d) in durations.all.iter().enumerate() {
        let here = i == durations.at;
        let text = if here {
            format!("[{}]", short(*d))
        } else {
            format!(" {} ", short(*d))
        };
        line = line.put(text, theme.style(if here { Role::Accent } else { Role::Dim }));
    }
    line.line_in(columns)
}

/// An input; only the one that the keys are for carries the cursor.
pub(in crate::console::view) fn typed(app: &App, text: &tui_input::Input, columns: usize, typing: bool) -> Cells {
    let theme = app.options.theme;
    if typing {
        return input::cells(text, columns, theme);
    }
    Cells::new().put(
        crate::console::widget::cut(text.value(), columns).into_owned(),
        theme.style(Role::Text),
    )
}

fn plan_keys(dialog: &ActionDialog) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let for_ = || dialog.lasts().map(short).unwrap_or_default();
    if let Stage::Shown(plan) = &dialog.stage {
        let words = match dialog.verb {
            _ if plan.is_cancel() => "cancel it".to_owned(),
            Verb::Pause => format!("pause for {}", for_()),
            Verb::Extend => format!("end it in {}", for_()),
            Verb::Resume => "resume now".to_owned(),
            Verb::Flush => "flush now".to_owned(),
        };
        all.push(("Enter", words));
    }
    if dialog.wants_name() {
        all.push(("Tab", "name".to_owned()));
    }
    match (dialog.verb.lasts(), dialog.ways.len() > 1) {
        (true, ways) => {
            all.push(("←→", "time".to_owned()));
            if ways {
                all.push(("Ctrl-R", "way".to_owned()));
            }
        }
        (false, true) => all.push(("←→", "way".to_owned())),
        (false, false) => {}
    }
    if let Stage::Shown(_) = &dialog.stage {
        all.push(("Ctrl-D", "dry run".to_owned()));
    }
    all.push(("Esc", "cancel".to_owned()));
    all
}

/// Keys with their words, in the middle of the line. Where they do not fit they stand closer, and then those between the
/// first and the last go: what is done and the way out stay.
pub(in crate::console::view) fn keys<S: AsRef<str>>(
    app: &App,
    all: &[(&'static str, S)],
    columns: usize,
) -> Line<'static> {
    let theme = app.options.theme;
    let line = |all: &[&(&'static str, S)], gap: usize| {
        let mut line = Cells::new();
        for (i, (key, words)) in all.iter().enumerate() {
            line = line
                .gap(if i > 0 { gap } else { 0 })
                .put(keymap::foot_key(key, app.options.glyphs), theme.style(Role::Accent))
                .put(format!(" {}", words.as_ref()), theme.style(Role::Dim));
        }
        line
    };
    let mut all: Vec<&(&'static str, S)> = all.iter().collect();
    let mut cells = line(&all, 3);
    while cells.used() > columns {
        cells = line(&all, 2);
        if cells.used() <= columns || all.len() < 3 {
            break;
        }
        all.remove(all.len() - 2);
    }
    let left = columns.saturating_sub(cells.used()) / 2;
    Cells::new().gap(left).join(cells).line_in(columns)
}

/// `30m`, `1h`, `20s`; as it is where it is not whole.
fn short(d: Span) -> String {
    let mins = d.secs() / 60;
    if mins == 0 && Span::from_secs(d.secs()) == d {
        format!("{}s", d.secs())
    } else if Span::from_mins(mins) != d {
        d.to_string()
    } else if mins % 60 == 0 {
        format!("{}h", mins / 60)
    } else {
        format!("{mins}m")
    }
}
