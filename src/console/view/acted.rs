//! What was asked of a job last, whether it was proved, what became of it since, and what it did to the flow, in words.

use jiff::Timestamp;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::when;
use crate::domain::Span;
use crate::domain::action::{Truth, Verb};
use crate::domain::influence::Influence;
use crate::domain::job::State;
use crate::model::{Action, Job};

use super::lease;

/// `paused 8m ago, 22m left, confirmed 12s ago, by lin@bastion: drain first`, for a job that was found in `state`.
pub fn last_action(app: &App, j: &Job, state: State, now: Timestamp) -> Option<String> {
    let a = app.model.last_action(j)?;
    let ago = when::age(a.at, now);
    let (verb, by, reason) = (a.plan.verb, &a.plan.by, &a.plan.reason);
    let truth = a.truth();
    if let Truth::Contradicted { found } = &truth {
        return Some(format!("{}, by {by}: {reason}", failed(verb, &ago, found.state)));
    }
    let since = match lease::ended(j, now) {
        Some(words) => Some(words),
        // How long a pause still is, is the server's to say.
        None if state == State::Paused || j.drift.is_some() => None,
        None => since_then(app, j, a, state, now),
    };
    let since = since.map_or(String::new(), |s| format!(", {s}"));
    let truth = lost(a, now).unwrap_or_else(|| self::truth(&truth, now));
    Some(format!("{} {ago} ago{since}, {truth}, by {by}: {reason}", verb.past()))
}

/// `outcome unknown: its console is gone, read back: confirmed 12s ago`, of an action whose end nobody saw.
pub fn lost(a: &Action, now: Timestamp) -> Option<String> {
    let (lost, _) = a.lost.as_ref()?;
    let back = match &a.read_back {
        Some((b, _)) => truth(&b.truth, now),
        None => "not yet".to_owned(),
    };
    Some(format!("outcome unknown: {}, read back: {back}", lost.why))
}

/// `pause failed 45s ago: found running`.
pub fn failed(verb: Verb, ago: &str, found: State) -> String {
    format!("{verb} failed {ago} ago: found {found}")
}

/// What became of a pause that is over by now: that the job runs again, or what else it does. Of a pause that did not come
/// about, nothing.
pub fn since_then(app: &App, j: &Job, a: &Action, state: State, now: Timestamp) -> Option<String> {
    let left = app.model.pause_left(j, now)?;
    match (state, a.truth()) {
        (State::Unknown | State::Paused, _) => None,
        (_, Truth::Confirmed { .. }) => {
            let word = match state {
                State::Running => "running again".to_owned(),
                other => format!("now {other}"),
            };
            // Before its time it was somebody else; after it, the timer that the pause came with.
            let early = if left > Span::ZERO {
                " (not resumed by mailtop)"
            } else {
                ""
            };
            Some(word + early)
        }
        _ => None,
    }
}

/// What is known of a requested state, in words.
pub fn truth(t: &Truth, now: Timestamp) -> String {
    match t {
        Truth::Requested => "requested, not read back".to_owned(),
        Truth::Confirmed { at } => format!("confirmed {} ago", when::age(*at, now)),
        Truth::Contradicted { found } => format!("contradicted: found {}", found.state),
        Truth::Unverifiable { why } => format!("cannot be verified: {why}"),
    }
}

/// What an action did to each queue of its server: `exits 3.1/s → 9.8/s, ×3.2 ± 0.4`, with the queue's name where there
/// are several. Of an action that did not come about, nothing.
pub fn effects(app: &App, a: &Action, now: Timestamp) -> Vec<(String, Role)> {
    if matches!(a.truth(), Truth::Contradicted { .. }) || a.ran.as_ref().is_none_or(|(r, _)| r.failed.is_some()) {
        return Vec::new();
    }
    let all = app.model.influence(a, now);
    let several = all.len() > 1;
    all.into_iter()
        .map(|(queue, influence)| {
            let on = if several { format!("{queue}: ") } else { String::new() };
            let role = match influence {
                Influence::Changed { .. } | Influence::NetChanged { .. } => Role::Title,
                Influence::NotVisible { .. } => Role::Text,
                Influence::TooEarly { .. } => Role::Dim,
                Influence::Unknown { .. } => Role::Unknown,
            };
            (format!("{on}{influence}"), role)
        })
        .collect()
}
