//! The loops of one server: one for each door, queue and job, and one that keeps the lease. Each loop looks, puts what it
//! saw on record, waits, and looks again. At most one probe and one queue reading are in flight for a server.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{DoorSource, Server};
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::job::JobSpec;
use crate::domain::queue::QueueSource;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Span};
use crate::journal::{Handle, Lease};
use crate::probe::Prober;
use crate::reach::Runner;

use super::hold::Locks;
use super::look::{DoorLook, Witness};
use super::messages::Desk;
use super::pace::{Pace, Went};
use super::queues::Budget;

/// The first looks of a fleet are spread over this long, so that a start is not a burst.
const SPREAD: Duration = Duration::from_millis(400);
/// Two refreshes of one thing are at least this far apart, however often the key is pressed.
const MIN_BETWEEN: Duration = Duration::from_secs(1);

/// Who may look at a server: this observer, or another one of the same journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Not known yet.
    Asking,
    /// We do.
    Ours,
    /// Another one does.
    Theirs(ObserverId),
}

/// What all loops of one server share.
#[derive(Clone)]
pub struct Watch {
    /// The server.
    pub server: Arc<Server>,
    /// How commands get there.
    pub runner: Option<Runner>,
    /// The prober of the fleet.
    pub prober: Prober,
    /// Makes events.
    pub witness: Witness,
    /// The record.
    pub journal: Handle,
    /// Ends all loops.
    pub cancel: CancellationToken,
    /// Changes when everything should be looked at now.
    pub refresh: watch::Receiver<u64>,
    /// Where lease changes go.
    pub turns: mpsc::Sender<(Name, Turn)>,
    /// The locks on jobs, which actions take too.
    pub(super) locks: Locks,
    /// What the lease is on: the server as watched, so that two different things of one name do not share it.
    lease: Name,
    probing: Arc<Semaphore>,
    pub(super) reading: Arc<Semaphore>,
    turn: watch::Sender<Turn>,
    way: Arc<Mutex<Way>>,
    opened: Arc<OnceLock<Span>>,
}

impl Watch {
    /// For one server.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        server: Arc<Server>,
        runner: Option<Runner>,
        prober: Prober,
        witness: Witness,
        journal: Handle,
        cancel: CancellationToken,
        refresh: watch::Receiver<u64>,
        turns: mpsc::Sender<(Name, Turn)>,
        locks: Locks,
    ) -> Self {
        let one = || Arc::new(Semaphore::new(1));
        let lease = lease_on(&server);
        let (turn, _) = watch::channel(Turn::Asking);
        Self {
            server,
            runner,
            prober,
            witness,
            journal,
            cancel,
            refresh,
            turns,
            locks,
            lease,
            probing: one(),
            reading: one(),
            turn,
            way: Arc::new(Mutex::new(Way::Unknown)),
            opened: Arc::default(),
        }
    }

    /// Starts its loops. Each queue of the server, in the order of the config, has a share.
    pub fn start(&self, tasks: &TaskTracker, shares: Vec<Share>) {
        let run = |w: Self, task: Task| {
            tasks.spawn(async move {
                let cancel = w.cancel.clone();
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = w.run(task) => {}
                }
            });
        };
        run(self.clone(), Task::Lease);
        if self.runner.is_some() {
            run(self.clone(), Task::Open);
        }
        for source in &self.server.doors {
            run(self.clone(), Task::Door(source.clone()));
        }
        for (queue, share) in self.server.queues.iter().zip(shares) {
            let Share { budget, desk } = share;
            run(self.clone(), Task::Queue(queue.clone(), budget.clone()));
            run(self.clone(), Task::Messages(queue.clone(), budget, desk));
        }
        for job in &self.server.jobs {
            run(self.clone(), Task::Job(job.clone()));
        }
    }

    async fn run(self, task: Task) {
        match task {
            Task::Lease => self.keep_lease().await,
            Task::Open => self.open().await,
            Task::Door(source) => self.doors(source).await,
            Task::Queue(source, budget) => self.queues(source, budget).await,
            Task::Messages(source, budget, desk) => self.messages(source, budget, desk).await,
            Task::Job(spec) => self.jobs(spec).await,
        }
    }

    async fn keep_lease(self) {
        let every = self.witness.clock.real(self.server.every);
        loop {
            let turn = match self.journal.lease(self.lease.clone(), self.server.every).await {
                Lease::Held => Turn::Ours,
                Lease::HeldBy { holder, .. } => Turn::Theirs(holder),
            };
            let changed = self.turn.send_if_modified(|t| {
                let changed = *t != turn;
                t.clone_from(&turn);
                changed
            });
            if changed {
                let _ = self.turns.send((self.server.name.clone(), turn)).await;
            }
            sleep(every.mul_f64(0.5)).await;
        }
    }

    /// Opens the way at once, so that its first user does not wait, and so that how long it took is known.
    async fn open(self) {
        if let Some(runner) = &self.runner
            && let Ok(took) = runner.open(self.server.timeout).await
        {
            let _ = self.opened.set(took);
        }
    }

    /// Waits until it is our turn to look at this server.
    pub(super) async fn our_turn(&self) -> Waited {
        let mut turn = self.turn.subscribe();
        let waited = if *turn.borrow_and_update() == Turn::Ours {
            Waited::No
        } else {
            Waited::Yes
        };
        let _ = turn.wait_for(|t| *t == Turn::Ours).await;
        waited
    }

    /// Waits for `span` of the clock, or until somebody asks for a look now.
    pub(super) async fn wait(&mut self, span: Span) -> Woken {
        self.refresh.borrow_and_update();
        sleep(MIN_BETWEEN.min(self.witness.clock.real(span))).await;
        let rest = self.witness.clock.real(span).saturating_sub(MIN_BETWEEN);
        match timeout(rest, self.refresh.changed()).await {
            Ok(Ok(())) => Woken::Asked,
            _ => Woken::Due,
        }
    }

    pub(super) async fn spread(&self) {
        sleep(SPREAD.mul_f64(fastrand::f64())).await;
    }

    pub(super) fn record(&self, event: Event) {
        self.journal.append(vec![event]);
    }

    pub(super) async fn turn_at(gate: &Semaphore) -> Option<SemaphorePermit<'_>> {
        gate.acquire().await.ok()
    }

    async fn doors(mut self, source: DoorSource) {
        let mut door = DoorLook::new(&source);
        let mut pace = Pace::new(self.server.every);
        self.spread().await;
        loop {
            self.our_turn().await;
            let started = Instant::now();
            let fact = {
                let _one = Self::turn_at(&self.probing).await;
                door.look(&self.prober, self.runner.as_ref(), &self.witness.clock).await
            };
            let well = matches!(&fact, Fact::Probed(r) if r.failure.is_none());
            pace.went(if well { Went::Well } else { Went::Badly });
            self.record(self.witness.door(&self.server.name, &source.door.name, fact));
            // A look that took long is part of the wait: what fails slowly must not turn stale in between.
            let took = self.witness.clock.shown(started.elapsed());
            self.wait((pace.wait(fastrand::f64()) - took).max(Span::ZERO)).await;
        }
    }

    /// What a command says of the way to the server goes on record when it changes.
    pub(super) fn note_reach(&self, fact: &Fact) {
        let now = match fact {
            Fact::QueueMissed(why) | Fact::FlowMissed(why) | Fact::JobMissed(why) if why.kind == Miss::Unreachable => {
                Way::Lost(why.clone())
            }
            Fact::QueueSeen(_) | Fact::FlowSeen(_) | Fact::JobSeen(_) => Way::Open,
            _ => return,
        };
        let mut last = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == now {
            return;
        }
        let what = match &now {
            Way::Lost(why) => Fact::ReachLost(why.clone()),
            Way::Open | Way::Unknown => Fact::Reached(self.opened.get().copied().unwrap_or_default()),
        };
        *last = now;
        self.record(self.witness.saw(
            Subject::Server {
                server: self.server.name.clone(),
            },
            what,
        ));
    }
}

/// The name of the lease on a server: its own, and a digest of what is watched there and how (FNV-1a over the roster's
/// entry), by which two configs that mean different things by one name are told apart.
fn lease_on(server: &Server) -> Name {
    let digest = digest(&server.watched().as_seen());
    Name::new(&format!("{} {digest:016x}", server.name))
}

/// A digest of what is watched (FNV-1a over its JSON).
pub(super) fn digest(watched: &impl serde::Serialize) -> u64 {
    let bytes = serde_json::to_vec(watched).unwrap_or_default();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The way to a server, as last put on record.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Way {
    Unknown,
    Open,
    Lost(Missed),
}

/// Whether it had to be waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Waited {
    /// It was not.
    No,
    /// It was.
    Yes,
}

/// Why a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Woken {
    /// Its time was over.
    Due,
    /// Somebody asked for a look now.
    Asked,
}

/// What the loops of one queue have beside its source.
pub struct Share {
    /// What reading may cost.
    pub budget: Budget,
    /// Where single messages are asked for.
    pub desk: Desk,
}

enum Task {
    Lease,
    Open,
    Door(DoorSource),
    Queue(QueueSource, Budget),
    Messages(QueueSource, Budget, Desk),
    Job(JobSpec),
}
