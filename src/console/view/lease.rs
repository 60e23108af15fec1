//! What ends a pause, as the server itself says it: the time left, who armed it and why, what keeps it; or that nothing
//! does. And what became of a job that nobody here touched: drift, a pause that ended by itself.

use jiff::Timestamp;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::when;
use crate::domain::Span;
use crate::domain::action::{Ending, Otherwise, Rights, Verb};
use crate::domain::job::{Armed, Keeper, State};
use crate::model::{Job, Server};

/// Said in place of "none is armed" where that is not known.
const UNREAD: &str = "? whether its end is armed could not be read";

/// Resumes that are named one by one.
const NAMED: usize = 3;

/// What is armed for a job that was read lately, each with its role; that nothing is, for one that is paused.
pub fn lines(app: &App, server: &Server, j: &Job, now: Timestamp) -> Vec<(String, Role)> {
    let Some(leases) = j.leases(now, server.good_for()) else {
        return Vec::new();
    };
    let paused = j.state.last().is_some_and(|s| s.state == State::Paused);
    if leases.is_empty() && paused && j.state.last().is_some_and(|s| s.armed_unread) {
        return vec![(UNREAD.to_owned(), Role::Unknown)];
    }
    if leases.is_empty() && paused {
        return vec![(unended(app, j, now), Role::Warn)];
    }
    let mut out: Vec<_> = leases
        .iter()
        .take(NAMED)
        .map(|(a, left)| {
            let words = one(a, *left, paused);
            let role = if paused { Role::Accent } else { Role::Dim };
            (words, role)
        })
        .collect();
    if leases.len() > NAMED {
        out.push((format!("and {} more are armed", leases.len() - NAMED), Role::Dim));
    }
    out
}

/// The same in a few words for one line. What armed it is left to the action beside it where that is the one.
pub fn brief(app: &App, server: &Server, j: &Job, now: Timestamp) -> Option<(String, Role)> {
    let leases = j.leases(now, server.good_for())?;
    if j.state.last().is_none_or(|s| s.state != State::Paused) {
        return None;
    }
    if leases.is_empty() && j.state.last().is_some_and(|s| s.armed_unread) {
        return Some((UNREAD.to_owned(), Role::Unknown));
    }
    Some(match leases.first() {
        Some((a, Some(left))) if *left > Span::ZERO && j.last_action.as_ref() == Some(&a.id) => {
            (format!("{} left", when::whole(*left)), Role::Accent)
        }
        Some((a, left)) => (one(a, *left, true), Role::Accent),
        None => match app.model.pause_left(j, now) {
            Some(left) if left <= Span::ZERO => {
                let over = when::whole(Span::ZERO - left);
                (format!("▲ pause overdue by {over}, no end armed"), Role::Warn)
            }
            _ => ("▲ no end armed".to_owned(), Role::Warn),
        },
    })
}

/// `‖ 22m left, armed by lin@bastion: drain first`.
fn one(a: &Armed, left: Option<Span>, paused: bool) -> String {
    let head = match (paused, left) {
        (true, Some(left)) if left > Span::ZERO => format!("‖ {} left", when::whole(left)),
        // It fires about now; the next reading tells what came of it.
        (true, Some(_)) => "‖ ends now".to_owned(),
        (true, None) => "‖ an end is armed, when is not told".to_owned(),
        (false, Some(left)) if left > Span::ZERO => format!("a resume is still armed, in {}", when::whole(left)),
        (false, _) => "a resume is still armed".to_owned(),
    };
    let by = match (&a.by, &a.why) {
        (Some(by), Some(why)) => format!(", armed by {by}: {why}"),
        (Some(by), None) => format!(", armed by {by}"),
        (None, Some(why)) => format!(", armed: {why}"),
        (None, None) => ", by whom is not told".to_owned(),
    };
    let keeper = match a.keeper {
        Keeper::Timer => "",
        Keeper::Watcher => " (a watcher: a restart of the host ends it)",
    };
    format!("{head}{by}{keeper}")
}

fn unended(app: &App, j: &Job, now: Timestamp) -> String {
    const NONE: &str = "no end armed: somebody has to resume it";
    match app.model.pause_left(j, now) {
        Some(left) if left > Span::ZERO => format!("▲ {NONE}; it was to end in {}", when::whole(left)),
        Some(left) => format!("▲ pause overdue by {}, {NONE}", when::whole(Span::ZERO - left)),
        None => format!("▲ {NONE}"),
    }
}

/// `drift: found running 12s after it was paused: …`.
pub fn drift(app: &App, j: &Job) -> Option<String> {
    let (drift, at) = j.drift.as_ref()?;
    let found = drift.found.state;
    let when = app.model.action(&drift.id).map_or_else(
        || format!("where it should be {}", drift.expected),
        |a| {
            let past = if a.plan.is_cancel() {
                "cancelled"
            } else {
                a.plan.verb.past()
            };
            format!("{} after it was {past}", when::age(a.at, *at))
        },
    );
    let who = match (drift.expected, found) {
        _ if drift.how == Otherwise::NoEnd => {
            return Some(format!(
                "drift: still {found}, but its end is no longer armed there, seen {when}: a restart, or somebody took it away; \
                 nothing there ends it"
            ));
        }
        _ if drift.how == Otherwise::NotEnded => {
            return Some(format!(
                "drift: its time was over, and it was found {found} still, {when}: its end did not end it; resume it with r"
            ));
        }
        _ if drift.how == Otherwise::LetGo => {
            return Some(format!(
                "drift: mail that was held is gone from hold, seen {when}: somebody let it go; mailtop does not hold it again"
            ));
        }
        (State::Idle, State::Running) => "it was started anew; mailtop does not cancel it again",
        (State::Paused, State::Running) => "somebody or something resumed it; mailtop does not pause it again",
        (State::Running, State::Paused) => "somebody or something paused it; mailtop does not resume it again",
        _ => "somebody or something changed it; mailtop leaves it so",
    };
    Some(format!("drift: found {found} {when}: {who}"))
}

/// `pause ended by itself 12s ago (found running)`.
pub fn ended(j: &Job, now: Timestamp) -> Option<String> {
    let (ended, at) = j.ended.as_ref()?;
    let (ago, found) = (when::age(*at, now), ended.found.state);
    Some(match ended.how {
        Ending::Expired => format!("pause ended by itself {ago} ago (found {found})"),
        Ending::Gone => format!("what was paused ended meanwhile, seen {ago} ago (found {found})"),
    })
}

/// `pause lacks a sudo rule: …; mailtop config sudoers mx1`, a line for each verb.
pub fn lacks(server: &Server, rights: &Rights) -> Vec<String> {
    let verbs = [Verb::Pause, Verb::Resume, Verb::Extend, Verb::Flush];
    verbs
        .into_iter()
        .filter_map(|verb| {
            let rules: Vec<&str> = rights
                .lacks
                .iter()
                .filter(|l| l.verb == verb)
                .map(|l| l.rule.as_str())
                .collect();
            let word = if rules.len() > 1 { "sudo rules" } else { "a sudo rule" };
            (!rules.is_empty()).then(|| {
                format!(
                    "{verb} lacks {word}: {}; see `mailtop config sudoers {}`",
                    rules.join(", "),
                    server.name
                )
            })
        })
        .collect()
}
