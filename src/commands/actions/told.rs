//! One action as it is told: folded from its events; as JSON it is a promise to programs.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::action::{ActionId, Ending, Plan, Release, Truth, Verb};
use crate::domain::event::{Event, Fact};
use crate::domain::job::{JobState, State};
use crate::domain::{Name, Span, Text, Timestamp};

/// One action.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    pub id: ActionId,
    pub verb: Verb,
    pub server: Name,
    pub job: Name,
    /// What became of it, in a word.
    pub outcome: &'static str,
    /// When it was put on record, just before it ran.
    pub at: String,
    pub by: Text,
    /// The process that ran it.
    pub run_by: Name,
    pub reason: Text,
    pub runs: Vec<Text>,
    pub touches: Vec<Text>,
    pub beware: Vec<Text>,
    pub undo: Text,
    /// Seconds that a pause was to last.
    pub lasts: Option<f64>,
    pub ends_at: Option<String>,
    pub armed_on_server: bool,
    /// Why nothing on the server ends the pause, where a person chose to go on without.
    pub unarmed: Option<Text>,
    pub requeued: bool,
    /// What the commands did; absent while they run, and when nobody saw their end.
    pub ran: Option<RanTold>,
    pub lost: Option<LostTold>,
    pub read_back: Option<BackTold>,
    /// How the pause ended, where that is known.
    pub ended: Option<EndedTold>,
    pub drifts: Vec<DriftTold>,
}

/// What the commands did.
#[derive(Clone, Debug, Serialize)]
pub struct RanTold {
    pub at: String,
    pub exit: Option<i32>,
    pub took_ms: f64,
    pub output: Text,
    pub failed: Option<Text>,
}

/// That nobody saw its end.
#[derive(Clone, Debug, Serialize)]
pub struct LostTold {
    pub at: String,
    pub why: Text,
}

/// What was read back.
#[derive(Clone, Debug, Serialize)]
pub struct BackTold {
    pub at: String,
    pub truth: &'static str,
    pub found: Option<FoundTold>,
    pub why: Option<Text>,
}

/// How a pause ended.
#[derive(Clone, Debug, Serialize)]
pub struct EndedTold {
    pub at: String,
    /// `expired`, `gone`, `resumed`, or `replaced` by another pause or an extension.
    pub how: &'static str,
    /// The action that ended it.
    pub action: Option<ActionId>,
    pub found: Option<FoundTold>,
}

/// That it was not as it was last made to be.
#[derive(Clone, Debug, Serialize)]
pub struct DriftTold {
    pub at: String,
    pub expected: State,
    /// `state`, `no-end`, `not-ended`, `let-go`.
    pub how: &'static str,
    pub found: FoundTold,
}

/// How a job was found.
#[derive(Clone, Debug, Serialize)]
pub struct FoundTold {
    pub state: State,
    pub detail: Text,
}

/// What is known of the process that runs an action which is not read back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runner {
    /// Somebody holds the lock on the job.
    MayBeAtIt,
    /// Nobody does.
    Gone,
}

impl From<&JobState> for FoundTold {
    fn from(found: &JobState) -> Self {
        Self {
            state: found.state,
            detail: found.detail.clone(),
        }
    }
}

/// The plan of an action, and when it was put on record.
pub fn planned(events: &[Event]) -> Option<(Plan, Timestamp)> {
    events.iter().find_map(|e| match &e.what {
        Fact::ActionPlanned(plan) => Some(((**plan).clone(), e.at)),
        _ => None,
    })
}

impl Told {
    /// From the events of one action.
    pub fn of(events: &[Event], runner: Runner, zone: &TimeZone) -> Option<Self> {
        let (plan, planned_at) = planned(events)?;
        let moment = |at: Timestamp| moment(at, zone);
        let run_by = events
            .iter()
            .find(|e| matches!(e.what, Fact::ActionPlanned(_)))
            .map(|e| e.seen_by.0.clone())?;
        let ends = plan.lasts.filter(|_| plan.verb.lasts()).map(|l| l.after(planned_at));
        let mut told = Self {
            id: plan.id,
            verb: plan.verb,
            server: plan.server,
            job: plan.job,
            outcome: match runner {
                Runner::MayBeAtIt => "running",
                Runner::Gone => "outcome unknown",
            },
            at: moment(planned_at),
            by: plan.by,
            run_by,
            reason: plan.reason,
            runs: plan.runs,
            touches: plan.touches,
            beware: plan.beware,
            undo: plan.undo,
            lasts: plan.lasts.map(Span::secs_f64),
            ends_at: ends.map(moment),
            armed_on_server: plan.armed_on_server,
            unarmed: plan.unarmed,
            requeued: plan.choices.release == Release::Requeued,
            ran: None,
            lost: None,
            read_back: None,
            ended: None,
            drifts: vec![],
        };
        for e in events {
            told.take(&e.what, moment(e.at));
        }
        Some(told)
    }

    fn take(&mut self, fact: &Fact, at: String) {
        match fact {
            Fact::ActionRan(ran) => {
                self.ran = Some(RanTold {
                    at,
                    exit: ran.exit,
                    took_ms: ran.took.millis_f64(),
                    output: ran.output.clone(),
                    failed: ran.failed.clone(),
                });
            }
            Fact::ActionLost(lost) => {
                self.lost = Some(LostTold {
                    at,
                    why: lost.why.clone(),
                });
            }
            Fact::ActionReadBack(back) => {
                let (found, why) = match &back.truth {
                    Truth::Contradicted { found } => (Some(found.into()), None),
                    Truth::Unverifiable { why } => (None, Some(why.clone())),
                    Truth::Confirmed { .. } | Truth::Requested => (None, None),
                };
                self.outcome = back.truth.word();
                self.read_back = Some(BackTold {
                    at,
                    truth: back.truth.word(),
                    found,
                    why,
                });
            }
            Fact::PauseEnded(ended) => {
                self.ended = Some(EndedTold {
                    at,
                    how: match ended.how {
                        Ending::Expired => "expired",
                        Ending::Gone => "gone",
                    },
                    action: None,
                    found: Some((&ended.found).into()),
                });
            }
            Fact::Drifted(drift) => self.drifts.push(DriftTold {
                at,
                expected: drift.expected,
                how: drift.how.word(),
                found: (&drift.found).into(),
            }),
            _ => {}
        }
    }

    /// Whether the job is known to have been paused by it.
    fn paused(&self) -> bool {
        self.verb.lasts() && self.read_back.as_ref().is_some_and(|b| b.truth == "confirmed")
    }
}

/// Tells of each pause by which later action it was ended, where it did not end by itself. Oldest first.
pub fn follow(all: &mut [Told]) {
    for i in 0..all.len() {
        let (before, after) = all.split_at_mut(i + 1);
        let Some(pause) = before.last_mut().filter(|t| t.paused() && t.ended.is_none()) else {
            continue;
        };
        let next = after.iter().find(|t| {
            (&t.server, &t.job) == (&pause.server, &pause.job)
                && t.verb != Verb::Flush
                && t.read_back.as_ref().is_some_and(|b| b.truth == "confirmed")
        });
        pause.ended = next.map(|t| EndedTold {
            at: t.read_back.as_ref().map_or_else(|| t.at.clone(), |b| b.at.clone()),
            how: if t.verb == Verb::Resume { "resumed" } else { "replaced" },
            action: Some(t.id.clone()),
            found: None,
        });
    }
}

/// With its offset: `2026-11-24T04:12:07.123+01:00`.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
        .to_string()
}
