//! The loops of one server: one for each door, queue and job, and one that keeps the lease. Each loop looks, puts what it
//! saw on record, waits, and looks again. At most one probe and one queue reading are in flight for a server.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Imap, Server};
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::job::JobSpec;
use crate::domain::queue::{How, QueueSource};
use crate::domain::reading::{Miss, Missed};
use crate::domain::roster::Watched;
use crate::domain::{Name, Span};
use crate::journal::{Handle, Lease};
use crate::probe::Prober;
use crate::queue::budget::{Look, Pace as QueuePace};
use crate::reach::Runner;

use super::look::{self, DoorLook, Witness};
use super::pace::{Pace, Went};

/// The first looks of a fleet are spread over this long, so that a start is not a burst.
const SPREAD: Duration = Duration::from_millis(400);
/// The least time that a count is given: longer than ssh needs to notice that its line is dead (15 s). A line that is dead
/// costs the mail host nothing; a count that takes this long is paid for by a long rest.
const COUNT_TIMEOUT: Span = Span::from_secs(20);
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
    /// What the lease is on: the server as watched, so that two different things of one name do not share it.
    lease: Name,
    probing: Arc<Semaphore>,
    reading: Arc<Semaphore>,
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
            lease,
            probing: one(),
            reading: one(),
            turn,
            way: Arc::new(Mutex::new(Way::Unknown)),
            opened: Arc::default(),
        }
    }

    /// Starts its loops.
    pub fn start(&self, tasks: &TaskTracker) {
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
        for imap in &self.server.imap {
            run(self.clone(), Task::Door(imap.clone()));
        }
        for queue in &self.server.queues {
            run(self.clone(), Task::Queue(queue.clone()));
        }
        for job in &self.server.jobs {
            run(self.clone(), Task::Job(job.clone()));
        }
    }

    async fn run(self, task: Task) {
        match task {
            Task::Lease => self.keep_lease().await,
            Task::Open => self.open().await,
            Task::Door(imap) => self.doors(imap).await,
            Task::Queue(source) => self.queues(source).await,
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
    async fn our_turn(&self) {
        let mut turn = self.turn.subscribe();
        let _ = turn.wait_for(|t| *t == Turn::Ours).await;
    }

    /// Waits for `span` of the clock, or until somebody asks for a look now.
    async fn wait(&mut self, span: Span) {
        self.refresh.borrow_and_update();
        sleep(MIN_BETWEEN.min(self.witness.clock.real(span))).await;
        let rest = self.witness.clock.real(span).saturating_sub(MIN_BETWEEN);
        let _ = timeout(rest, self.refresh.changed()).await;
    }

    async fn spread(&self) {
        sleep(SPREAD.mul_f64(fastrand::f64())).await;
    }

    fn record(&self, event: Event) {
        self.journal.append(vec![event]);
    }

    async fn turn_at(gate: &Semaphore) -> Option<SemaphorePermit<'_>> {
        gate.acquire().await.ok()
    }

    async fn doors(mut self, imap: Imap) {
        let mut door = DoorLook::new(&imap);
        let mut pace = Pace::new(self.server.every);
        self.spread().await;
        loop {
            self.our_turn().await;
            let started = Instant::now();
            let fact = {
                let _one = Self::turn_at(&self.probing).await;
                door.look(&self.prober, &self.witness.clock).await
            };
            let well = matches!(&fact, Fact::Probed(r) if r.failure.is_none());
            pace.went(if well { Went::Well } else { Went::Badly });
            self.record(self.witness.door(&self.server.name, &imap.door.name, fact));
            // A look that took long is part of the wait: what fails slowly must not turn stale in between.
            let took = self.witness.clock.shown(started.elapsed());
            self.wait((pace.wait(fastrand::f64()) - took).max(Span::ZERO)).await;
        }
    }

    async fn queues(mut self, source: QueueSource) {
        let Some(runner) = self.runner.clone() else { return };
        let mut pace = Pace::new(self.server.every);
        let mut budget = QueuePace::new(self.server.every, source.budget_permille);
        self.spread().await;
        loop {
            self.our_turn().await;
            let how = match budget.next(self.witness.clock.now()) {
                Look::List => How::Listed,
                Look::Count => How::Counted,
                Look::Wait(span) => {
                    self.wait(span).await;
                    continue;
                }
            };
            let started = Instant::now();
            let mut fact = {
                let _one = Self::turn_at(&self.reading).await;
                let limit = (self.server.timeout * 2).max(COUNT_TIMEOUT);
                look::queue(&source, &runner, how, limit, &self.witness.clock).await
            };
            let now = self.witness.clock.now();
            match &mut fact {
                Fact::QueueSeen(snapshot) => {
                    budget.ran(how, self.witness.clock.shown(snapshot.took.to_std()), now);
                    snapshot.next_listing = Some(budget.next_listing(now));
                    snapshot.next_look = match budget.next(now) {
                        Look::Wait(span) => Some(span),
                        Look::List | Look::Count => None,
                    };
                    pace.went(Went::Well);
                }
                Fact::QueueMissed(why) if why.kind == Miss::Unreachable => {
                    budget.unreached(how, now);
                    pace.went(Went::Badly);
                }
                Fact::QueueMissed(_) => {
                    budget.missed(how, self.witness.clock.shown(started.elapsed()), now);
                    pace.went(Went::Badly);
                }
                _ => {}
            }
            let missed = matches!(fact, Fact::QueueMissed(_));
            self.note_reach(&fact);
            self.record(self.witness.queue(&self.server.name, &source.name, fact));
            // After a good look the budget says when the next may come, and of which kind.
            if missed {
                self.wait(pace.wait(fastrand::f64())).await;
            }
        }
    }

    async fn jobs(mut self, spec: JobSpec) {
        let Some(runner) = self.runner.clone() else { return };
        let mut pace = Pace::new(self.server.every);
        self.spread().await;
        loop {
            self.our_turn().await;
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
            self.record(self.witness.job(&self.server.name, &spec.name, fact));
            self.wait(pace.wait(fastrand::f64())).await;
        }
    }

    /// What a command says of the way to the server goes on record when it changes.
    fn note_reach(&self, fact: &Fact) {
        let now = match fact {
            Fact::QueueMissed(why) | Fact::JobMissed(why) if why.kind == Miss::Unreachable => Way::Lost(why.clone()),
            Fact::QueueSeen(_) | Fact::JobSeen(_) => Way::Open,
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
    let watched = Watched {
        read_only: false,
        ..server.watched()
    };
    let bytes = serde_json::to_vec(&watched).unwrap_or_default();
    let digest = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    });
    Name::new(&format!("{} {digest:016x}", server.name))
}

/// The way to a server, as last put on record.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Way {
    Unknown,
    Open,
    Lost(Missed),
}

enum Task {
    Lease,
    Open,
    Door(Imap),
    Queue(QueueSource),
    Job(JobSpec),
}
