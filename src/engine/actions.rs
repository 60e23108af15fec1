//! An action from plan to read-back. The plan is durable on the record before its first command runs; what is run is the
//! very thing that was shown; one action at a time for each job; nothing runs on a read-only server.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Server;
use crate::domain::action::{ActionId, Plan, Ran, ReadBack, Truth, Verb};
use crate::domain::effect::Answer;
use crate::domain::event::Fact;
use crate::domain::job::JobSpec;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Span, Text};
use crate::jobs::{self, Planned, Wanted};
use crate::journal::{Handle, Lease};
use crate::reach::Runner;

use super::look::{self, Witness};

/// Plans and runs actions.
#[derive(Clone)]
pub struct Actions {
    witness: Witness,
    journal: Handle,
    by: Text,
    shown: Arc<Mutex<HashMap<ActionId, Shown>>>,
    busy: Arc<Mutex<HashSet<(Name, Name)>>>,
}

/// A plan as it was shown, with what it takes to run it.
struct Shown {
    planned: Planned,
    spec: JobSpec,
    runner: Runner,
}

/// What became of an action that ran.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// What the commands did.
    pub ran: Ran,
    /// What was read back.
    pub truth: Truth,
}

/// How long an action may hold its job against other consoles: the time-outs of its steps and its read-back end before.
const ACTION_LEASE: Span = Span::from_mins(5);
/// Plans kept at most: a dialog asks for one at a time.
const MAX_SHOWN: usize = 64;

impl Actions {
    /// Signed by `by`.
    pub fn new(witness: Witness, journal: Handle, by: Text) -> Self {
        Self {
            witness,
            journal,
            by,
            shown: Arc::default(),
            busy: Arc::default(),
        }
    }

    /// Works out what `verb` on this job would do. Reads the server, changes nothing.
    pub async fn plan(
        &self,
        server: &Server,
        runner: Option<&Runner>,
        job: &Name,
        verb: Verb,
        lasts: Option<Span>,
    ) -> Result<Plan, Missed> {
        let tried = format!("{verb} {job} on {}", server.name);
        let Some(spec) = server.jobs.iter().find(|j| j.name == *job) else {
            let known: Vec<&str> = server.jobs.iter().map(|j| j.name.as_str()).collect();
            let fix = if known.is_empty() {
                "no job is configured for it: add a [[server.job]]".to_owned()
            } else {
                format!("its jobs are: {}", known.join(", "))
            };
            return Err(Missed::new(Miss::NotFound, tried, "there is no such job").fix(fix));
        };
        if server.read_only {
            return Err(Missed::new(Miss::Denied, tried, "this server is watched read-only")
                .fix("drop --read-only, or read_only in its config"));
        }
        let Some(runner) = runner else {
            return Err(
                Missed::new(Miss::Unreachable, tried, "no reach is configured for this server")
                    .fix("set reach = \"local\" or \"ssh:ALIAS\""),
            );
        };
        let id = new_id(&self.witness.clock);
        let wanted = Wanted {
            id: id.clone(),
            verb,
            server: server.name.clone(),
            lasts,
            by: self.by.clone(),
        };
        let planned = jobs::plan(spec, runner, wanted, self.witness.clock.now()).await?;
        let plan = planned.plan.clone();
        let mut shown = self.shown.lock().await;
        if shown.len() >= MAX_SHOWN
            && let Some(oldest) = shown.keys().min().cloned()
        {
            shown.remove(&oldest);
        }
        shown.insert(
            id,
            Shown {
                planned,
                spec: spec.clone(),
                runner: runner.clone(),
            },
        );
        Ok(plan)
    }

    /// Forgets every plan that was shown: what they were made from is no longer so.
    pub async fn forget(&self) {
        self.shown.lock().await.clear();
    }

    /// Runs a plan that was shown and confirmed, and says what became of it. `Err` means that nothing ran.
    pub async fn run(&self, id: &ActionId, reason: Text) -> Result<Outcome, Text> {
        let Some(mut shown) = self.shown.lock().await.remove(id) else {
            return Err("this plan is no longer at hand: look at it again".into());
        };
        if reason.trim().is_empty() {
            return Err("a reason is required: it goes on the record".into());
        }
        shown.planned.plan.reason = reason;
        let key = (shown.planned.plan.server.clone(), shown.planned.plan.job.clone());
        if !self.busy.lock().await.insert(key.clone()) {
            return Err(format!("another action on {} of {} is still running", key.1, key.0).into());
        }
        // Another console of the same journal, or a shell, may be at it.
        let lock = Name::new(&format!("action {} {}", key.0, key.1));
        let end = match self.journal.lease(lock.clone(), ACTION_LEASE).await {
            Lease::Held => self.run_shown(&shown).await,
            Lease::HeldBy { holder, .. } => {
                Err(format!("{} is acting on {} of {} just now: nothing ran", holder.0, key.1, key.0).into())
            }
        };
        self.journal.release(lock).await;
        self.busy.lock().await.remove(&key);
        end
    }

    async fn run_shown(&self, shown: &Shown) -> Result<Outcome, Text> {
        let plan = &shown.planned.plan;
        let event = |what| self.witness.job(&plan.server, &plan.job, what);
        let on_record = self
            .journal
            .append_durable(vec![event(Fact::ActionPlanned(Box::new(plan.clone())))])
            .await;
        on_record.map_err(|why| {
            Text::from(format!(
                "the plan could not be put on record, so nothing ran: {why}; name another file with --journal"
            ))
        })?;
        let ran = jobs::act(&shown.planned, &shown.runner).await;
        self.journal.append(vec![event(Fact::ActionRan(ran.clone()))]);
        let truth = jobs::read_back(&shown.spec, &shown.runner, plan.verb, || self.witness.clock.now()).await;
        let back = ReadBack {
            id: plan.id.clone(),
            truth: truth.clone(),
        };
        let state = look::job(&shown.spec, &shown.runner, &self.witness.clock).await;
        self.journal
            .append(vec![event(Fact::ActionReadBack(back)), event(state)]);
        Ok(Outcome { ran, truth })
    }

    /// Plans in a task of its own and answers the console.
    pub fn plan_for(
        &self,
        tasks: &TaskTracker,
        answers: mpsc::Sender<Answer>,
        target: Option<(Arc<Server>, Option<Runner>)>,
        (server, job, verb, lasts): (Name, Name, Verb, Option<Span>),
    ) {
        let me = self.clone();
        tasks.spawn(async move {
            let planned = match &target {
                Some((s, runner)) => me.plan(s, runner.as_ref(), &job, verb, lasts).await,
                None => Err(Missed::new(
                    Miss::NotFound,
                    format!("{verb} {job} on {server}"),
                    "no such server",
                )),
            };
            let answer = match planned {
                Ok(plan) => Answer::Planned(Box::new(plan)),
                Err(why) => Answer::NotPlanned { server, job, verb, why },
            };
            let _ = answers.send(answer).await;
        });
    }

    /// Runs in a task of its own and answers the console when nothing ran; otherwise the record tells.
    pub fn run_for(&self, tasks: &TaskTracker, answers: mpsc::Sender<Answer>, id: ActionId, reason: Text) {
        let me = self.clone();
        tasks.spawn(async move {
            if let Err(why) = me.run(&id, reason).await {
                let _ = answers.send(Answer::NotRun { id, why }).await;
            }
        });
    }
}

/// Ordered by time, unique on this machine: moment, process, dice.
fn new_id(clock: &Clock) -> ActionId {
    let at = clock.now().strftime("%Y%m%dT%H%M%S%.3f").to_string();
    ActionId(Name::new(&format!(
        "{at}-{}-{:04x}",
        std::process::id(),
        fastrand::u16(..)
    )))
}
