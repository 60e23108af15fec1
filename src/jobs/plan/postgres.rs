//! Which statements pause and resume the maintenance of a database. Without settings of the operator's a pause is a cancel: what
//! is lost is said before, and there is no way back. With settings it is those, and their end is armed like any other;
//! what is at it then goes on, and a second pause cancels that.

use super::super::postgres::sql;
use super::super::postgres::{self, Backend, Job, Seen};
use super::{Means, Turn};
use crate::domain::action::Verb;
use crate::domain::argv::Argv;
use crate::domain::job::{JobSpec, Postgres, PostgresPause};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::Runner;

/// Reads the database and works it out; with the sessions that it will cancel.
pub(super) async fn means(
    spec: &JobSpec,
    runner: &Runner,
    verb: Verb,
    turn: Turn,
) -> Result<(Means, Vec<Backend>), Missed> {
    let job = Job::of(spec)?;
    let seen = job.ask(runner).await?;
    let tried = |m: Missed| Missed {
        tried: format!("to {verb} {}", spec.name).into(),
        ..m
    };
    let PostgresPause::Settings { pause, resume, .. } = &job.db.pause else {
        return cancel_only(&job, &seen, verb).map_err(tried);
    };
    let (does, undoes) = match turn {
        Turn::Hold => (pause, resume),
        Turn::LetGo => (resume, pause),
    };
    let back = vec![sql::all(job.db, undoes)];
    let mut touches = vec![settings(&seen)];
    touches.extend(seen.told.work.iter().map(postgres::touched));
    let mut beware = vec![];
    let mut backends = vec![];
    let acts = match (turn, seen.holds(), seen.told.work.is_empty()) {
        // What holds goes on holding.
        _ if verb == Verb::Extend => vec![],
        (Turn::Hold, true, false) => {
            beware.push("its settings hold already: this cancels what is still at it, and sets a new end".into());
            let (act, those) = cancel(&job, &seen, &mut beware).map_err(tried)?;
            backends = those;
            vec![(act, None)]
        }
        (Turn::Hold, holds, idle) => {
            if holds {
                beware.push("it is paused already: this sets a new end".into());
            }
            if !idle {
                let words =
                    "what is at it now is not cancelled by the settings and goes on; pause once more to cancel it";
                beware.push(words.into());
            }
            each(job.db, does, back.first(), spec.timeout)
        }
        (Turn::LetGo, holds, _) => {
            if !holds {
                beware.push("it is not paused by its settings".into());
            }
            each(job.db, does, None, spec.timeout)
        }
    };
    let means = Means {
        acts,
        by_hand: back.clone(),
        back,
        touches,
        beware,
        is_paused: seen.holds(),
    };
    Ok((means, backends))
}

/// A step for each statement. When a later one fails, what the ones before it did is taken back as a whole.
fn each(db: &Postgres, statements: &[String], undo: Option<&Argv>, timeout: Span) -> Vec<(Argv, Option<Argv>)> {
    let mut undo = undo.cloned();
    statements
        .iter()
        .map(|s| (sql::one(db, s, timeout), undo.take()))
        .collect()
}

fn settings(seen: &Seen<'_>) -> Text {
    let state = seen.state().state;
    let holds = if seen.holds() { "hold" } else { "do not hold" };
    format!("the settings of the server, for all that they govern; now {state}, and they {holds}").into()
}

fn cancel_only(job: &Job<'_>, seen: &Seen<'_>, verb: Verb) -> Result<(Means, Vec<Backend>), Missed> {
    if verb == Verb::Extend {
        return Err(super::not_for(job.spec, verb));
    }
    if verb == Verb::Resume {
        let missed = Missed::new(Miss::BadAnswer, "", "what was cancelled cannot be resumed");
        return Err(missed.fix(
            "run the command again by hand; with pause_sql, resume_sql and paused_when a pause can be one that ends",
        ));
    }
    let state = seen.state();
    if seen.told.work.is_empty() {
        let missed = Missed::new(
            Miss::BadAnswer,
            "",
            format!("{}: there is nothing to cancel", state.detail),
        );
        return Err(missed.fix("pause it while it runs"));
    }
    let mut beware =
        vec!["this cancels and does not pause: there is no resume, it has to be started again by hand".into()];
    let (act, backends) = cancel(job, seen, &mut beware)?;
    let means = Means {
        acts: vec![(act, None)],
        back: vec![],
        by_hand: vec![],
        touches: seen.told.work.iter().map(postgres::touched).collect(),
        beware,
        is_paused: false,
    };
    Ok((means, backends))
}

/// The cancel of all that is at it, after a look at whether it may be.
fn cancel(job: &Job<'_>, seen: &Seen<'_>, beware: &mut Vec<Text>) -> Result<(Argv, Vec<Backend>), Missed> {
    let work = &seen.told.work;
    if work.len() > postgres::MOST {
        let missed = Missed::new(Miss::BadAnswer, "", format!("more than {} are at it", postgres::MOST));
        return Err(missed.fix("name one table in this job, so that what is cancelled can be shown"));
    }
    let login = Text::from(seen.told.login.as_str());
    let mut backends = vec![];
    for one in work {
        let denied = |why: String| Missed::new(Miss::Denied, "", why);
        let Some(backend) = one.backend() else {
            let why = format!("{login} may not see who pid {} is, so it is not cancelled", one.pid);
            return Err(denied(why).fix(format!("GRANT pg_monitor TO {login}, or set run_as = \"postgres\"")));
        };
        if !one.may_signal {
            let why = format!("{login} may not cancel pid {}", one.pid);
            let fix = format!(
                "GRANT pg_signal_backend TO {login} (a superuser's own work needs a superuser), or set run_as = \"postgres\""
            );
            return Err(denied(why).fix(fix));
        }
        beware.extend(postgres::lost(one));
        backends.push(backend);
    }
    Ok((sql::cancel(job.db, job.spec.timeout, &backends), backends))
}
