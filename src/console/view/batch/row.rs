//! One server of a batch in one line: a sign, how far it is, what it touches.

use ratatui::text::Line;

use crate::console::app::App;
use crate::console::number;
use crate::console::theme::Role;
use crate::console::widget::Cells;
use crate::domain::action::{Plan, Truth};
use crate::domain::batch::{End, Row, RowState, Seen};

/// The line, with names in so many columns.
pub(super) fn line(app: &App, row: &Row, here: bool, name: usize, columns: usize) -> Line<'static> {
    let theme = app.options.theme;
    let (sign, role, words) = words(&row.state);
    let title = theme.style(if here { Role::Title } else { Role::Text });
    Cells::new()
        .put(if here { "▌" } else { " " }, theme.style(Role::Accent))
        .left(&row.server, name, title)
        .gap(2)
        .put(format!("{sign} "), theme.style(role))
        .put(words, theme.style(if role == Role::Ok { Role::Text } else { role }))
        .line_in(columns)
}

fn words(state: &RowState) -> (&'static str, Role, String) {
    match state {
        RowState::LeftOut(why) => ("—", Role::Dim, format!("left out: {why}")),
        RowState::Planning => ("…", Role::Accent, "planning".to_owned()),
        RowState::Cannot(why) => ("✖", Role::Down, format!("cannot: {}", why.why)),
        RowState::Ready(plan) => ("✔", Role::Ok, format!("ready  {}", what(plan))),
        RowState::Waiting(_) => ("·", Role::Dim, "waiting".to_owned()),
        RowState::Running(_, Seen::Nothing) => ("…", Role::Accent, "asked".to_owned()),
        RowState::Running(_, Seen::OnRecord) => ("…", Role::Accent, "on record → running".to_owned()),
        RowState::Running(_, Seen::Ran | Seen::Ended(_)) => {
            ("…", Role::Accent, "on record → ran → reading back".to_owned())
        }
        RowState::Ended(_, end) => ended(end),
        RowState::Refused(_, why) => ("✖", Role::Down, format!("not run: {why}")),
        RowState::NotRun(_, why) => ("✖", Role::Dim, format!("not run: {why}")),
    }
}

fn ended(end: &End) -> (&'static str, Role, String) {
    const BACK: &str = "on record → ran → read back";
    match end {
        End::Confirmed => ("✔", Role::Ok, format!("{BACK} ✔ confirmed")),
        End::Contradicted { found } => ("✖", Role::Down, format!("{BACK} ✖ contradicted: found {found}")),
        End::Unverifiable { why } => ("?", Role::Unknown, format!("{BACK} ? cannot be verified: {why}")),
        End::Failed { why, left } => (
            "✖",
            Role::Down,
            format!("on record → failed{}: {why}", after(left.as_ref())),
        ),
        End::Lost { why, left } => {
            let words = format!("on record → outcome unknown{}: {why}", after(left.as_ref()));
            ("?", Role::Unknown, words)
        }
    }
}

/// What was read back behind a failure: the command's own end says nothing of the state that it left.
fn after(left: Option<&Truth>) -> String {
    match left {
        None | Some(Truth::Requested) => String::new(),
        Some(Truth::Confirmed { .. }) => ", but read back as asked".to_owned(),
        Some(Truth::Contradicted { found }) => format!(", found {}", found.state),
        Some(Truth::Unverifiable { .. }) => ", state unknown".to_owned(),
    }
}

/// What a plan touches, with its size and what else is offered.
fn what(plan: &Plan) -> String {
    let mut parts = Vec::new();
    if plan.is_cancel() {
        parts.push("CANCEL".to_owned());
    }
    parts.extend(plan.messages.map(|n| format!("{} messages", number::grouped(n))));
    parts.extend(plan.touches.iter().take(1).map(ToString::to_string));
    parts.extend(plan.offers.iter().map(|o| format!("▲ {}", o.words)));
    parts.join(", ")
}
