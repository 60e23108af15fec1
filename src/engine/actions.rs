//! An action from plan to read-back. The plan is durable on the record before its first command runs; what is run is the
//! very thing that was shown, and only while nothing else was done to the job since; one action at a time for each job,
//! of all consoles on the journal; nothing runs on a read-only server.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Server;
use crate::domain::action::{ActionId, Choices, Confirmation, Plan, Ran, ReadBack, Truth, Verb};
use crate::domain::effect::{Answer, Check};
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::job::{JobSpec, JobState};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Span, Text, Timestamp};
use crate::jobs::{self, Planned, Wanted};
use crate::journal::Handle;
use crate::reach::Runner;

use super::hold::{Hold, Locks, Taken};
use super::look::{self, Witness};
use super::stale::{self, Newest};
use super::{checks, lost};

/// Plans and runs actions.
#[derive(Clone)]
pub struct Actions {
    witness: Witness,
    journal: Handle,
    by: Text,
    shown: Arc<Mutex<HashMap<ActionId, Shown>>>,
    locks: Locks,
    planning: Arc<Semaphore>,
}

/// A plan as it was shown, with what it takes to run it.
#[derive(Clone)]
struct Shown {
    planned: Planned,
    spec: JobSpec,
    runner: Runner,
    made_on: MadeOn,
}

/// What a plan was made on.
#[derive(Clone)]
struct MadeOn {
    at: Timestamp,
    newest: Newest,
    /// The job's state, where it could be read.
    state: Option<JobState>,
}

/// What became of an action that ran.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// What the commands did.
    pub ran: Ran,
    /// What was read back.
    pub truth: Truth,
}

/// Plans kept at most, the newest: a batch of a thousand servers, planned twice.
const MAX_SHOWN: usize = 2_048;
/// So many servers are asked at a time when a batch is planned or tried.
const PLANNING: usize = 32;

impl Actions {
    /// Signed by `by`.
    pub fn new(witness: Witness, journal: Handle, by: Text) -> Self {
        let locks = Locks::new(journal.clone(), witness.clock.clone());
        Self {
            witness,
            journal,
            by,
            shown: Arc::default(),
            locks,
            planning: Arc::new(Semaphore::new(PLANNING)),
        }
    }

    /// The locks on jobs.
    pub const fn locks(&self) -> &Locks {
        &self.locks
    }

    /// Works out what `verb` on this job would do. Reads the server, changes nothing.
    pub async fn plan(
        &self,
        server: &Server,
        runner: Option<&Runner>,
        job: &Name,
        verb: Verb,
        lasts: Option<Span>,
        choices: Choices,
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
        let _turn = self.planning.acquire().await;
        let id = new_id(&self.witness.clock);
        let wanted = Wanted {
            id: id.clone(),
            verb,
            server: server.name.clone(),
            lasts,
            armed_for: lasts.map(|l| self.witness.clock.real(l).into()),
            choices,
            pause_ran: vec![],
            by: self.by.clone(),
        };
        // Before the server is read: what is done to the job from here on makes the plan stale.
        let (journal, locks) = (&self.journal, &self.locks);
        let record = lost::settled(journal, locks, &server.name, spec, runner, &self.witness).await;
        let newest = record
            .as_deref()
            .map_or(Newest::Unclear, |record| Newest::of(spec, record));
        let wanted = Wanted {
            pause_ran: record.as_deref().map(stale::pause_ran).unwrap_or_default(),
            ..wanted
        };
        let at = self.witness.clock.now();
        let (planned, state) = tokio::join!(
            jobs::plan(spec, runner, wanted, at),
            look::job(spec, runner, &self.witness.clock)
        );
        let mut planned = planned?;
        if planned.plan.messages.is_some_and(|n| n > server.confirm_above) {
            planned.plan.confirmation = Confirmation::Name;
        }
        let plan = planned.plan.clone();
        let state = match state {
            Fact::JobSeen(state) => Some(state),
            _ => None,
        };
        let mut shown = self.shown.lock().await;
        if shown.len() >= MAX_SHOWN
            && let Some(oldest) = shown
                .iter()
                .min_by_key(|(id, s)| (s.made_on.at, *id))
                .map(|(id, _)| id.clone())
        {
            shown.remove(&oldest);
        }
        shown.insert(
            id,
            Shown {
                planned,
                spec: spec.clone(),
                runner: runner.clone(),
                made_on: MadeOn { at, newest, state },
            },
        );
        Ok(plan)
    }

    async fn recall(&self, server: &Name, spec: &JobSpec) -> Option<Vec<Event>> {
        let about = Subject::Job {
            server: server.clone(),
            job: spec.name.clone(),
        };
        self.journal.recall(about).await
    }

    /// Forgets every plan that was shown: what they were made from is no longer so.
    pub async fn forget(&self) {
        self.shown.lock().await.clear();
    }

    /// A plan that was shown, with its reason, as it would run.
    pub async fn reasoned(&self, id: &ActionId, reason: &Text) -> Result<Plan, Text> {
        let mut all = self.shown.lock().await;
        let shown = all
            .get_mut(id)
            .ok_or("this plan is no longer at hand: look at it again")?;
        let runner = shown.runner.clone();
        let given = shown.planned.reasoned(reason.clone(), &runner);
        given.map_err(|m| Text::from(m.to_string()))?;
        Ok(shown.planned.plan.clone())
    }

    /// Tries what a plan that was shown needs, and changes nothing.
    pub async fn check(&self, id: &ActionId) -> Vec<Check> {
        let Some(shown) = self.shown.lock().await.get(id).cloned() else {
            return vec![Check {
                what: "the plan".into(),
                would: Err("it is no longer at hand: look at it again".into()),
            }];
        };
        let _turn = self.planning.acquire().await;
        let mut planned = shown.planned.clone();
        // A command that carries the reason is tried with one.
        let reasoned = planned.reasoned("a dry run".into(), &shown.runner);
        let mut tried = checks::steps(&planned, &shown.runner).await;
        if let Err(why) = reasoned {
            tried.push(Check {
                what: "the reason is carried to the server".into(),
                would: Err(why.to_string().into()),
            });
        }
        let plan = &shown.planned.plan;
        let mut add = |what: String, would| {
            tried.push(Check {
                what: what.into(),
                would,
            });
        };
        add(format!("{} is as it was", plan.job), self.is_unchanged(&shown).await);
        let written = self.journal.append_durable(vec![]).await;
        add("the record can be written".into(), written.map(|()| "it can".into()));
        let free = match self.locks.take(&plan.server, &plan.job).await {
            Taken::Ours(hold) => {
                let record = self.recall(&plan.server, &shown.spec).await;
                let fresh = record.map_or(Ok(()), |r| self.is_fresh(&shown, &r));
                hold.release().await;
                fresh.map(|()| "nobody is".into())
            }
            Taken::Here => Err(self.at_it(&shown, &self.witness.me).await),
            Taken::By(holder) => Err(self.at_it(&shown, &holder).await),
        };
        add(format!("nobody else acts on {}", plan.job), free);
        tried
    }

    /// Runs a plan that was shown and confirmed, and says what became of it. `Err` means that nothing ran.
    pub async fn run(&self, id: &ActionId, reason: Text) -> Result<Outcome, Text> {
        let Some(mut shown) = self.shown.lock().await.remove(id) else {
            return Err("this plan is no longer at hand: look at it again".into());
        };
        if reason.trim().is_empty() {
            return Err("a reason is required: it goes on the record".into());
        }
        let runner = shown.runner.clone();
        shown
            .planned
            .reasoned(reason, &runner)
            .map_err(|m| Text::from(m.to_string()))?;
        let (server, job) = (&shown.planned.plan.server, &shown.planned.plan.job);
        // Another console of the same journal, or a shell, may be at it.
        let hold = match self.locks.take(server, job).await {
            Taken::Ours(hold) => hold,
            Taken::Here => return Err(self.at_it(&shown, &self.witness.me).await),
            Taken::By(holder) => return Err(self.at_it(&shown, &holder).await),
        };
        let end = hold.during(self.run_held(&shown, &hold)).await;
        hold.release().await;
        end
    }

    /// Who acts on a job just now.
    async fn at_it(&self, shown: &Shown, holder: &ObserverId) -> Text {
        let plan = &shown.planned.plan;
        let record = self.recall(&plan.server, &shown.spec).await.unwrap_or_default();
        stale::who_is_at_it(&record, &shown.spec, plan, holder, self.witness.clock.now())
    }

    /// Whether nothing was done to the job since the plan was made. The job's lock is held.
    fn is_fresh(&self, shown: &Shown, record: &[Event]) -> Result<(), Text> {
        let newest = &shown.made_on.newest;
        stale::is_fresh(newest, record, &shown.spec, self.witness.clock.now())
    }

    /// Whether the job is as the plan found it, read just now.
    async fn is_unchanged(&self, shown: &Shown) -> Result<Text, Text> {
        match look::job(&shown.spec, &shown.runner, &self.witness.clock).await {
            Fact::JobSeen(now) => checks::unchanged(shown.made_on.state.as_ref(), &now),
            Fact::JobMissed(why) => Err(why.to_string().into()),
            _ => Err("it could not be read".into()),
        }
    }

    async fn run_held(&self, shown: &Shown, hold: &Hold) -> Result<Outcome, Text> {
        let plan = &shown.planned.plan;
        let Some(record) = self.recall(&plan.server, &shown.spec).await else {
            self.journal
                .append_durable(vec![])
                .await
                .map_err(|why| not_on_record(&why))?;
            return Err("the record does not tell whether somebody else acted on it: nothing ran, try again".into());
        };
        // The lock is ours, so nobody is at what is still open.
        let settled = lost::settle(&plan.server, &shown.spec, &shown.runner, &record, &self.witness).await;
        self.journal.append(settled);
        self.is_fresh(shown, &record)?;
        // What is shown is what a plan makes of this state: of another it would be another plan.
        let unchanged = self.is_unchanged(shown).await;
        unchanged.map_err(|why| Text::from(format!("nothing ran: {why}")))?;
        self.run_shown(shown, hold).await
    }

    async fn run_shown(&self, shown: &Shown, hold: &Hold) -> Result<Outcome, Text> {
        let plan = &shown.planned.plan;
        let event = |what| self.witness.job(&plan.server, &plan.job, what);
        let on_record = self
            .journal
            .append_durable(vec![event(Fact::ActionPlanned(Box::new(plan.clone())))])
            .await;
        on_record.map_err(|why| not_on_record(&why))?;
        let ran = jobs::act_while(&shown.planned, &shown.runner, || hold.is_ours()).await;
        self.journal.append(vec![event(Fact::ActionRan(ran.clone()))]);
        let now = || self.witness.clock.now();
        let truth = jobs::read_back_planned(&shown.planned, &shown.spec, &shown.runner, now).await;
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
        (server, job, verb, lasts, choices): (Name, Name, Verb, Option<Span>, Choices),
    ) {
        let me = self.clone();
        tasks.spawn(async move {
            let planned = match &target {
                Some((s, runner)) => me.plan(s, runner.as_ref(), &job, verb, lasts, choices).await,
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

    /// Tries a plan in a task of its own and answers the console.
    pub fn check_for(&self, tasks: &TaskTracker, answers: mpsc::Sender<Answer>, id: ActionId) {
        let me = self.clone();
        tasks.spawn(async move {
            let checks = me.check(&id).await;
            let _ = answers.send(Answer::Checked { id, checks }).await;
        });
    }
}

fn not_on_record(why: &Text) -> Text {
    format!("the plan could not be put on record, so nothing ran: {why}; name another file with --journal").into()
}

/// Ordered by time, unique on this machine: moment, process, and a number that goes on from one drawn by lot. Of a batch many
/// are made in one millisecond.
fn new_id(clock: &Clock) -> ActionId {
    static NEXT: std::sync::LazyLock<AtomicU16> = std::sync::LazyLock::new(|| AtomicU16::new(fastrand::u16(..)));
    let at = clock.now().strftime("%Y%m%dT%H%M%S%.3f").to_string();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    ActionId(Name::new(&format!("{at}-{}-{number:04x}", std::process::id())))
}
