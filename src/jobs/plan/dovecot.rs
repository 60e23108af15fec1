//! What keeps a service of Dovecot from starting, and what lets it start again.

use super::super::armed::Lease;
use super::super::dovecot::Job;
use super::{Means, Turn, already, touched};
use crate::domain::Text;
use crate::domain::action::Verb;
use crate::domain::job::State;
use crate::domain::reading::{Miss, Missed};
use crate::reach::Runner;

/// Services without which nobody can log in, read or get mail.
const NEEDED: &[&str] = &[
    "anvil",
    "auth",
    "auth-worker",
    "config",
    "doveadm",
    "imap",
    "imap-login",
    "lmtp",
    "log",
    "managesieve",
    "managesieve-login",
    "pop3",
    "pop3-login",
    "stats",
    "submission",
    "submission-login",
];

/// Reads the service and works it out. `armed` are the resumes that are armed for the job now.
pub(super) async fn means(
    job: &Job<'_>,
    runner: &Runner,
    verb: Verb,
    turn: Turn,
    armed: &[Lease],
) -> Result<Means, Missed> {
    let state = job.ask(runner).await?;
    let service = &*job.what.service;
    let (stop, reload) = (vec!["service", "stop", service], vec!["reload"]);
    let is_stopped = !state.beware.is_empty();
    let mut beware: Vec<Text> = already(verb, state.state)
        .into_iter()
        .filter(|_| state.state != State::Idle)
        .collect();
    let (does, undoes) = if turn == Turn::LetGo {
        if !is_stopped && armed.is_empty() {
            let why = format!("it is not stopped ({}): there is nothing to resume", state.detail);
            return Err(Missed::new(Miss::BadAnswer, format!("to resume {service}"), why).fix("look at its detail"));
        }
        beware.push("a reload opens every service that was stopped by doveadm; open sessions live on".into());
        (Some(reload).filter(|_| is_stopped), stop)
    } else {
        if NEEDED.contains(&service) {
            beware.push(format!("{service} is part of the mail service itself: users will notice at once").into());
        }
        beware.push("its work is broken off; what asks for it meanwhile is refused (Connection refused)".into());
        beware.push("a reload or a restart of Dovecot, by whoever, opens it again".into());
        (Some(stop), reload)
    };
    let undo = Some(job.by_login(&undoes)).filter(|_| turn == Turn::Hold);
    let touches = vec![touched(
        &format!("the service {service} of Dovecot"),
        &state,
        Some(&*state.detail),
    )];
    Ok(Means {
        acts: does.iter().map(|words| (job.by_login(words), undo.clone())).collect(),
        back: vec![job.doveadm(&undoes)],
        by_hand: vec![job.by_login(&undoes)],
        touches,
        beware,
        is_paused: state.state == State::Paused,
    })
}
