//! A job of the operator's own commands: what pauses it is what he wrote. They need no more rights than they have.

use super::super::command;
use super::{Means, Turn, already, touched};
use crate::domain::action::Verb;
use crate::domain::job::{JobKind, JobSpec, State};
use crate::domain::reading::{Miss, Missed};
use crate::reach::Runner;

/// Reads the state and works it out.
pub(super) async fn means(spec: &JobSpec, runner: &Runner, verb: Verb, turn: Turn) -> Result<Means, Missed> {
    let JobKind::Command {
        status,
        pause,
        resume,
        progress,
    } = &spec.kind
    else {
        return Err(Missed::new(Miss::BadAnswer, &*spec.name, "not a command job"));
    };
    let state = command::ask(status, progress.as_ref(), runner, spec.timeout).await?;
    let (does, undoes) = match turn {
        Turn::Hold => (pause, resume),
        Turn::LetGo => (resume, pause),
    };
    Ok(Means {
        acts: vec![(does.clone(), None)],
        back: vec![undoes.clone()],
        by_hand: vec![undoes.clone()],
        touches: vec![touched("1 job", &state, None)],
        beware: already(verb, state.state).into_iter().collect(),
        is_paused: state.state == State::Paused,
    })
}
