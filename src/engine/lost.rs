//! Actions whose end nobody saw: who ran them died in between. Whoever finds one takes its lock, which is free then, says so
//! on record, and reads the job back at once; so it is done once, by one console, and never while the action still runs.

use crate::domain::action::{Lost, ReadBack, Truth};
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::job::JobSpec;
use crate::domain::standing::{Known, Standing};
use crate::domain::{Name, Span, Text};
use crate::jobs;
use crate::journal::Handle;
use crate::reach::Runner;

use super::hold::{Locks, Taken};
use super::look::Witness;

/// What is on record of a job, after actions whose runner died have been settled. `None` when the journal does not tell.
pub async fn settled(
    journal: &Handle,
    locks: &Locks,
    server: &Name,
    spec: &JobSpec,
    runner: &Runner,
    witness: &Witness,
) -> Option<Vec<Event>> {
    let about = || Subject::Job {
        server: server.clone(),
        job: spec.name.clone(),
    };
    let record = journal.recall(about()).await?;
    if Standing::on_record(&spec.kind, &record).open().is_empty() {
        return Some(record);
    }
    let Taken::Ours(hold) = locks.take(server, &spec.name).await else {
        return Some(record);
    };
    // Its runner may have come to its end just before the lock was ours, or another console may have settled it.
    let events = match journal.recall(about()).await {
        Some(record) => hold.during(settle(server, spec, runner, &record, witness)).await,
        None => vec![],
    };
    journal.append(events);
    hold.release().await;
    journal.recall(about()).await
}

/// What to put on record of the actions that a job's record leaves open. Only for who holds the job's lock, and of a record
/// that was asked after the lock was taken.
pub async fn settle(server: &Name, spec: &JobSpec, runner: &Runner, record: &[Event], witness: &Witness) -> Vec<Event> {
    let mut events = vec![];
    let standing = Standing::on_record(&spec.kind, record);
    for (i, known) in standing.open().iter().enumerate() {
        let is_newest = i + 1 == standing.open().len() && !standing.is_outdated(known);
        let lost = Lost {
            id: known.plan.id.clone(),
            why: why(known, record),
        };
        events.push(witness.job(server, &spec.name, Fact::ActionLost(lost)));
        let back = ReadBack {
            id: known.plan.id.clone(),
            truth: if is_newest {
                truth(known, spec, runner, witness).await
            } else {
                let why = "others acted on the job after it, before it could be read back".into();
                Truth::Unverifiable { why }
            },
        };
        events.push(witness.job(server, &spec.name, Fact::ActionReadBack(back)));
    }
    events
}

/// Who put an action on record.
pub fn runner_of<'a>(known: &Known, record: &'a [Event]) -> Option<&'a ObserverId> {
    let planned = |e: &&Event| matches!(&e.what, Fact::ActionPlanned(p) if p.id == known.plan.id);
    record.iter().find(planned).map(|e| &e.seen_by)
}

fn why(known: &Known, record: &[Event]) -> Text {
    let runner = runner_of(known, record).map_or("its runner", |o| o.0.as_str());
    let what = match known.failed {
        None => "ended before the end of its commands was on record",
        Some(_) => "ended after its commands, before they were read back",
    };
    format!("{runner} {what}").into()
}

async fn truth(known: &Known, spec: &JobSpec, runner: &Runner, witness: &Witness) -> Truth {
    let now = || witness.clock.now();
    let truth = jobs::read_back_recorded(&known.plan, spec, runner, now).await;
    let over = |l: Span| Span::between(l.after(known.at), now()) >= Span::ZERO;
    match truth {
        // It would not be paused any more either way.
        Truth::Contradicted { found } if known.plan.verb.lasts() && known.plan.lasts.is_some_and(over) => {
            let why = format!(
                "its time was over when it could be read back: found {} ({})",
                found.state, found.detail
            );
            Truth::Unverifiable { why: why.into() }
        }
        other => other,
    }
}
