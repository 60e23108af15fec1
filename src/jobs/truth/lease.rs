//! Whether the end of a pause is armed as it should be: ours and no other after a pause, none after a resume. A pause without
//! its end is not what was asked for, however paused the job is.

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::armed::{self, Depth, Kept, Lease, Leases};
use super::super::look;
use super::{LOOKS, SETTLE};
use crate::domain::action::{ActionId, Plan, Truth, Verb};
use crate::domain::job::JobSpec;
use crate::reach::Runner;

/// What should be armed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due<'a> {
    /// The end that this action armed, alone.
    Only(&'a ActionId),
    /// No end.
    Nothing,
}

impl<'a> Due<'a> {
    /// What a plan was to leave armed; `None` where it makes no difference.
    pub fn of(plan: &'a Plan) -> Option<Self> {
        match plan.verb {
            Verb::Pause | Verb::Extend => plan.armed_on_server.then_some(Self::Only(&plan.id)),
            Verb::Resume => Some(Self::Nothing),
            Verb::Flush => None,
        }
    }

    /// What is otherwise; `Err` where that is not known.
    fn differs(self, leases: &Leases) -> Result<Option<String>, String> {
        let ours = |l: &&Lease| {
            // Anybody can give a process a name: ours is one of our own.
            let owned = !matches!(l.kept, Kept::Watcher { owner } if owner.is_none() || owner != leases.uid);
            matches!(self, Self::Only(id) if l.armed.id == *id) && owned
        };
        if let Some(other) = leases.all.iter().find(|l| !ours(l)) {
            return Ok(Some(match self {
                Self::Only(_) => format!("another end is armed beside the one that was asked for ({other})"),
                Self::Nothing => format!("a resume is still armed for it ({other})"),
            }));
        }
        match (self, leases.all.iter().any(|l| ours(&l)), leases.beware.first()) {
            (Self::Only(_), true, _) | (Self::Nothing, _, None) => Ok(None),
            (_, _, Some(why)) => Err(why.to_string()),
            (Self::Only(_), false, None) => Ok(Some(
                "its end is not armed on the server, so nothing there ends the pause".to_owned(),
            )),
        }
    }
}

/// The truth of a state that was read back, held against what is armed now.
pub(super) async fn proved(
    truth: Truth,
    due: Due<'_>,
    spec: &JobSpec,
    runner: &Runner,
    clock: &impl Fn() -> Timestamp,
) -> Truth {
    if !matches!(truth, Truth::Confirmed { .. }) {
        return truth;
    }
    let until = Instant::now() + SETTLE;
    loop {
        let leases = armed::ask(spec, runner, Depth::State).await;
        let leases = leases.map_err(|m| m.to_string());
        let differs = leases.as_ref().map_err(Clone::clone).and_then(|l| due.differs(l));
        match differs {
            Ok(None) => return truth,
            _ if Instant::now() + LOOKS < until => tokio::time::sleep(LOOKS).await,
            Ok(Some(words)) => return otherwise(&words, leases.unwrap_or_default(), spec, runner, clock).await,
            Err(why) => {
                let as_asked = match due {
                    Due::Only(_) => "it is paused, but whether its end is armed on the server could not be read",
                    Due::Nothing => "it goes on, but whether a resume is still armed for it could not be read",
                };
                let why = format!("{as_asked}: {why}").into();
                return Truth::Unverifiable { why };
            }
        }
    }
}

async fn otherwise(
    words: &str,
    leases: Leases,
    spec: &JobSpec,
    runner: &Runner,
    clock: &impl Fn() -> Timestamp,
) -> Truth {
    match look(spec, runner, clock()).await {
        Ok(looked) => {
            let mut found = looked.state;
            found.detail = format!("{}, but {words}: {}", found.state, found.detail).into();
            found.armed = leases.all.into_iter().map(|l| l.armed).collect();
            Truth::Contradicted { found }
        }
        Err(missed) => {
            let why = format!("{words}; what the job does now could not be read: {missed}").into();
            Truth::Unverifiable { why }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Name;
    use crate::domain::job::{Armed, Keeper};

    fn lease(id: &str, kept: Kept) -> Lease {
        Lease {
            name: format!("mailtop-resume:job.x:{id}"),
            armed: Armed {
                id: ActionId(Name::new(id)),
                keeper: if kept == Kept::Timer {
                    Keeper::Timer
                } else {
                    Keeper::Watcher
                },
                fires_in: None,
                by: None,
                why: None,
            },
            kept,
            does: None,
        }
    }

    #[test]
    fn a_pause_is_proved_by_its_own_end_alone_and_a_resume_by_none() {
        let id = ActionId(Name::new("p7"));
        let ours = lease("p7", Kept::Timer);
        let process = |owner| lease("p7", Kept::Watcher { owner });
        let (only, nothing) = (Due::Only(&id), Due::Nothing);
        for (due, all, unread, want) in [
            (only, vec![ours.clone()], false, Some(true)),
            (only, vec![ours.clone()], true, Some(true)),
            (only, vec![process(Some(7))], false, Some(true)),
            // Of somebody else, or nobody knows whose.
            (only, vec![process(Some(8))], false, Some(false)),
            (only, vec![process(None)], false, Some(false)),
            (only, vec![], false, Some(false)),
            (only, vec![], true, None),
            (only, vec![ours.clone(), lease("p6", Kept::Timer)], false, Some(false)),
            (nothing, vec![], false, Some(true)),
            (nothing, vec![], true, None),
            (nothing, vec![ours], true, Some(false)),
        ] {
            let leases = Leases {
                all,
                uid: Some(7),
                beware: if unread { vec!["not read".into()] } else { vec![] },
                ..Leases::default()
            };
            let found = due.differs(&leases).map(|d| d.is_none()).ok();
            assert_eq!(found, want, "{due:?} {leases:?}");
        }
    }
}
