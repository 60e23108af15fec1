//! The loop of one job: it looks, says on record what the reading means for the last action on the job, settles actions
//! whose runner died, and now and then asks what the login there may do.
//!
//! What the job is judged by is asked of the journal on both sides of the look, so that it holds for other consoles' actions
//! too: when an action went on record in between, the reading may be of before or after it, and the next look judges.

use crate::domain::Span;
use crate::domain::Timestamp;
use crate::domain::action::ActionId;
use crate::domain::event::{Event, Fact, Subject};
use crate::domain::job::JobSpec;
use crate::domain::reading::{Miss, Missed};
use crate::domain::standing::Standing;
use crate::reach::Runner;

use super::look;
use super::lost;
use super::pace::{Pace, Went};
use super::server::{Waited, Watch};

/// How often the rights of the login are asked for.
const RIGHTS_EVERY: Span = Span::from_hours(1);

/// When the rights were last asked for.
#[derive(Default)]
struct RightsLook {
    at: Option<Timestamp>,
    /// The failed action after which that was.
    after: Option<ActionId>,
}

impl Watch {
    pub(super) async fn jobs(mut self, spec: JobSpec) {
        let Some(runner) = self.runner.clone() else { return };
        let mut pace = Pace::new(self.server.every);
        let mut rights = RightsLook::default();
        self.spread().await;
        loop {
            if self.our_turn().await == Waited::Yes {
                rights = RightsLook::default();
            }
            let before = lost::settled(
                &self.journal,
                &self.locks,
                &self.server.name,
                &spec,
                &runner,
                &self.witness,
            )
            .await;
            let fact = look::job(&spec, &runner, &self.witness.clock).await;
            let lost = matches!(
                &fact,
                Fact::JobMissed(Missed {
                    kind: Miss::Unreachable | Miss::TimedOut,
                    ..
                })
            );
            pace.went(if lost { Went::Badly } else { Went::Well });
            self.note_reach(&fact);
            let meaning = self.meaning(&spec, before.as_deref(), &fact).await;
            let seen = std::iter::once(fact).chain(meaning);
            self.journal.append(
                seen.map(|f| self.witness.job(&self.server.name, &spec.name, f))
                    .collect(),
            );
            if let (false, Some(record)) = (lost, &before) {
                self.look_at_rights(&spec, &runner, record, &mut rights).await;
            }
            self.wait(pace.wait(fastrand::f64())).await;
        }
    }

    fn about(&self, spec: &JobSpec) -> Subject {
        Subject::Job {
            server: self.server.name.clone(),
            job: spec.name.clone(),
        }
    }

    /// What a reading says beyond itself.
    async fn meaning(&self, spec: &JobSpec, before: Option<&[Event]>, fact: &Fact) -> Vec<Fact> {
        let (Fact::JobSeen(found), Some(before)) = (fact, before) else {
            return vec![];
        };
        let at = self.witness.clock.now();
        let Some(after) = self.journal.recall(self.about(spec)).await else {
            return vec![];
        };
        let actions = |of: &[Event]| -> Vec<Event> { of.iter().filter(|e| is_of_action(&e.what)).cloned().collect() };
        if actions(before) != actions(&after) {
            return vec![];
        }
        Standing::on_record(&spec.kind, &after).judge(found, at)
    }

    /// Asks what the login there may do: when our turn begins, each hour, and after an action that failed. On record when it
    /// changed.
    async fn look_at_rights(&self, spec: &JobSpec, runner: &Runner, record: &[Event], last: &mut RightsLook) {
        let now = self.witness.clock.now();
        let failed = Standing::on_record(&spec.kind, record)
            .newest()
            .filter(|a| a.failed == Some(true))
            .map(|a| a.plan.id.clone());
        let due = last.at.is_none_or(|at| Span::between(at, now) >= RIGHTS_EVERY) || failed != last.after;
        if !due || self.server.read_only {
            return;
        }
        *last = RightsLook {
            at: Some(now),
            after: failed,
        };
        match crate::jobs::rights::rights(spec, runner).await {
            Ok(rights) => {
                let fact = Fact::RightsSeen(rights);
                let known = record.iter().rev().find(|e| matches!(e.what, Fact::RightsSeen(_)));
                if known.is_none_or(|e| e.what != fact) {
                    self.record(self.witness.job(&self.server.name, &spec.name, fact));
                }
            }
            Err(why) => {
                tracing::info!(server = %self.server.name, job = %spec.name, %why, "the login's rights are not known");
            }
        }
    }
}

fn is_of_action(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::ActionPlanned(_) | Fact::ActionRan(_) | Fact::ActionReadBack(_) | Fact::ActionLost(_)
    )
}
