//! Whether a plan still holds: what others did to the job since it was made, or are doing now, in a sentence for the one who
//! comes second. Pure: the record and the moment are arguments.

use crate::domain::action::{ActionId, Ending, Plan, Truth, Verb};
use crate::domain::event::{Event, Fact, ObserverId};
use crate::domain::job::JobSpec;
use crate::domain::standing::{Known, Standing};
use crate::domain::{Span, Text, Timestamp};

use super::lost;

/// The newest action on a job when its plan was made.
#[derive(Clone, PartialEq, Eq)]
pub enum Newest {
    /// One was under way, or the journal did not tell.
    Unclear,
    /// None at all.
    Nothing,
    /// This one, and it had come to its end.
    Was(ActionId),
}

impl Newest {
    /// On this record.
    pub fn of(spec: &JobSpec, record: &[Event]) -> Self {
        let standing = Standing::on_record(&spec.kind, record);
        if !standing.open().is_empty() {
            return Self::Unclear;
        }
        standing
            .newest()
            .map_or(Self::Nothing, |known| Self::Was(known.plan.id.clone()))
    }
}

/// Whether nothing was done to the job since `newest` was the newest.
pub fn is_fresh(newest: &Newest, record: &[Event], spec: &JobSpec, now: Timestamp) -> Result<(), Text> {
    let standing = Standing::on_record(&spec.kind, record);
    let Some(other) = standing.newest() else { return Ok(()) };
    // What was under way then may have ended after the job was read.
    if *newest == Newest::Was(other.plan.id.clone()) {
        return Ok(());
    }
    let ago = Span::between(other.at, now).max(Span::ZERO);
    Err(format!("{} {ago} ago: look at it again", did(other)).into())
}

/// What the pauses ran that hold a job by its record: those since it was last let go.
pub fn pause_ran(record: &[Event]) -> Vec<Text> {
    let mut ran = vec![];
    let mut resumes = vec![];
    for event in record {
        match &event.what {
            Fact::ActionPlanned(plan) if plan.verb == Verb::Pause => ran.extend(plan.runs.iter().cloned()),
            Fact::ActionPlanned(plan) if plan.verb == Verb::Resume => resumes.push(&plan.id),
            Fact::ActionReadBack(back)
                if matches!(back.truth, Truth::Confirmed { .. }) && resumes.contains(&&back.id) =>
            {
                ran.clear();
            }
            Fact::PauseEnded(ended) if ended.how == Ending::Expired => ran.clear(),
            _ => {}
        }
    }
    ran
}

/// Who acts on a job just now, and since when, as far as the record tells; `holder` has its lock.
pub fn who_is_at_it(record: &[Event], spec: &JobSpec, plan: &Plan, holder: &ObserverId, now: Timestamp) -> Text {
    let Plan { server, job, .. } = plan;
    let standing = Standing::on_record(&spec.kind, record);
    let Some(other) = standing.open().last() else {
        return format!("{} is at {job} of {server} just now: nothing ran", holder.0).into();
    };
    let ago = Span::between(other.at, now).max(Span::ZERO);
    let Plan { by, verb, .. } = &other.plan;
    if lost::runner_of(other, record) == Some(holder) {
        format!("{by} began to {verb} {job} on {server} {ago} ago and is still at it: nothing ran").into()
    } else {
        // It died, and somebody has just found that out.
        let holder = &holder.0;
        format!(
            "{holder} is reading back what became of the {verb} that {by} began {ago} ago: nothing ran, look at it again"
        )
        .into()
    }
}

/// What somebody did, as far as it is known: `lin@bastion paused it`.
fn did(known: &Known) -> String {
    let Plan { by, verb, .. } = &known.plan;
    match known.truth {
        Some(Truth::Confirmed { .. }) => format!("{by} {} it", verb.past()),
        _ => format!("{by} asked to {verb} it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Name;
    use crate::domain::action::{Choices, Confirmation, PauseEnded, ReadBack};
    use crate::domain::event::Subject;
    use crate::domain::job::{JobState, State};

    fn event(what: Fact) -> Event {
        Event {
            at: Timestamp::UNIX_EPOCH,
            seen_by: ObserverId(Name::new("lin@here:1")),
            about: Subject::Job {
                server: "mx1".into(),
                job: "w".into(),
            },
            what,
        }
    }

    fn planned(id: &str, verb: Verb) -> Event {
        event(Fact::ActionPlanned(Box::new(Plan {
            id: ActionId(Name::new(id)),
            verb,
            server: "mx1".into(),
            job: "w".into(),
            runs: vec![id.into()],
            touches: vec![],
            beware: vec![],
            undo: "".into(),
            armed_on_server: true,
            lasts: None,
            choices: Choices::default(),
            unarmed: None,
            messages: None,
            confirmation: Confirmation::Enter,
            offers: vec![],
            reason: "because".into(),
            by: "lin@here".into(),
        })))
    }

    #[test]
    fn what_a_pause_ran_counts_until_it_was_let_go() {
        let back = |truth| {
            let id = ActionId(Name::new("r"));
            event(Fact::ActionReadBack(ReadBack { id, truth }))
        };
        let ended = |how| {
            event(Fact::PauseEnded(PauseEnded {
                id: ActionId(Name::new("p")),
                how,
                found: JobState::of(State::Idle, "as read"),
            }))
        };
        let resume = || planned("r", Verb::Resume);
        let confirmed = Truth::Confirmed {
            at: Timestamp::UNIX_EPOCH,
        };
        let unknown = Truth::Unverifiable { why: "?".into() };
        for (more, want) in [
            (vec![], 2),
            (vec![resume(), back(unknown)], 2),
            (vec![resume(), back(confirmed)], 0),
            // Its timer is started by what is armed still, or was by what is not.
            (vec![ended(Ending::Gone)], 2),
            (vec![ended(Ending::Expired)], 0),
        ] {
            let mut record = vec![planned("p", Verb::Pause), planned("q", Verb::Pause)];
            record.extend(more);
            assert_eq!(pause_ran(&record).len(), want, "{record:?}");
        }
    }
}
