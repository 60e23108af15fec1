//! A confirmed action as its own progress: on record, ran, read back; then what was found, and what was printed.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::{self, App, StepState};
use crate::console::theme::Role;
use crate::console::widget::Cells;
use crate::console::widget::cells::wrap;
use crate::console::{glyphs, when};
use crate::domain::action::{Plan, Truth, Verb};
use crate::domain::job::State;

/// The steps, how it ended, and the exact output.
pub(super) fn lines(
    out: &mut Vec<Line<'static>>,
    app: &App,
    plan: &Plan,
    since: Timestamp,
    columns: usize,
    now: Timestamp,
) {
    let theme = app.options.theme;
    let action = app.model.action(&plan.id);
    for step in app::steps(plan, &app.model) {
        let (sign, role) = match step.state {
            StepState::Waiting => ("·", Role::Faint),
            StepState::Working => ("…", Role::Accent),
            StepState::Good => ("✔", Role::Ok),
            StepState::Unproved => ("?", Role::Unknown),
            StepState::Bad => ("✖", Role::Down),
        };
        let words = match step.state {
            StepState::Working => when::age(since, now),
            _ => step.words.clone(),
        };
        for (i, w) in wrap(&words, columns.saturating_sub(18), 4)
            .into_iter()
            .chain(words.is_empty().then(String::new))
            .enumerate()
        {
            let head = if i == 0 {
                format!("{sign} {}", step.name)
            } else {
                String::new()
            };
            out.push(
                Cells::new()
                    .left(&head, 18, theme.style(role))
                    .put(w, theme.style(Role::Text))
                    .line(),
            );
        }
    }
    let Some(action) = action else { return };
    let truth = action.truth();
    let failed = action.ran.as_ref().is_some_and(|(r, _)| r.failed.is_some());
    let done = match (&truth, failed) {
        (Truth::Confirmed { at }, _) => {
            let job = app.model.server(&plan.server).and_then(|s| s.jobs.get(&plan.job));
            let at = when::age(*at, now);
            let words = match job.and_then(|j| j.state.last()).map(|s| s.state).or(asked(plan.verb)) {
                Some(found) => format!(
                    "{} {} is {found}, read back from the server {at} ago",
                    glyphs::state(found),
                    plan.job
                ),
                None => format!(
                    "✔ {} {}, read back from the server {at} ago",
                    plan.job,
                    plan.verb.past()
                ),
            };
            Some((words, Role::Ok))
        }
        (Truth::Contradicted { found }, _) => Some((
            format!(
                "✖ contradicted: asked to {}, but found {}: {}",
                plan.verb, found.state, found.detail
            ),
            Role::Down,
        )),
        (Truth::Unverifiable { why }, _) => Some((format!("? cannot be verified: {why}"), Role::Unknown)),
        (Truth::Requested, true) => Some((
            "✖ it failed; what state it left is not known yet".to_owned(),
            Role::Down,
        )),
        (Truth::Requested, false) => action.lost.as_ref().map(|(lost, _)| {
            let words = format!("? outcome unknown: {}; it is being read back", lost.why);
            (words, Role::Unknown)
        }),
    };
    if let Some((words, role)) = done {
        out.push(Line::default());
        for w in wrap(&words, columns, 3) {
            out.push(Line::styled(w, theme.style(role)));
        }
    }
    if let Some((ran, _)) = &action.ran
        && (failed || !ran.output.is_empty())
    {
        out.push(Line::default());
        let exit = ran
            .exit
            .map_or("no exit status".to_owned(), |e| format!("exit status {e}"));
        out.push(Line::styled(format!("OUTPUT  {exit}"), theme.style(Role::Label)));
        let text = if ran.output.is_empty() {
            "(it printed nothing)"
        } else {
            &ran.output
        };
        // Line ends arrive made visible: each begins a line again.
        for l in text.split('␊') {
            for w in wrap(l.trim_end_matches('␍'), columns, 200) {
                out.push(Line::styled(w, theme.style(Role::Text)));
            }
        }
    }
}

/// The state in which a verb leaves its job; a flush leaves it as it was.
const fn asked(verb: Verb) -> Option<State> {
    match verb {
        Verb::Pause | Verb::Extend => Some(State::Paused),
        Verb::Resume => Some(State::Running),
        Verb::Flush => None,
    }
}
