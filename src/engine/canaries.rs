//! The loops of canary letters: for each pair of doors one that sends, one that watches the mailbox, and one that judges
//! what has not come. A lease of its own, on the pair as configured, sees to it that of several consoles one sends. Each
//! start of these loops is a run; letters of other runs are nobody's here.

mod flight;
mod judge;
mod send;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, watch as channel};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::canary::{Key, Mint};
use crate::config::{self, Config, DoorSource, SecretSource, Server};
use crate::domain::canary::{CanarySpec, End, Run};
use crate::domain::door::Secret;
use crate::domain::event::{Event, Fact};
use crate::domain::queue::QueueSource;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Span, Text, Timestamp};
use crate::journal::{Handle, Lease};
use crate::probe::Prober;
use crate::reach::Runner;

use self::flight::Flight;
use super::look::Witness;
use super::queues::Budget;
use super::server::{Turn, digest};

/// A lease is asked for at least this often, however seldom letters are sent.
const LEASE_EVERY: Span = Span::from_secs(20);

/// What all canaries of an engine share.
#[derive(Clone)]
pub struct Ground {
    /// Names, connections, TLS.
    pub prober: Prober,
    /// Makes events.
    pub witness: Witness,
    /// The record.
    pub journal: Handle,
    /// Where the key is; `None` for one that ends with this process.
    pub key: Option<PathBuf>,
    /// Ends everything.
    pub cancel: CancellationToken,
    /// Ends the sending; what is on its way is still watched for.
    pub no_more: CancellationToken,
}

/// What the engine has of a server that a canary goes through.
#[derive(Clone)]
pub struct Host {
    /// The server.
    pub server: Arc<Server>,
    /// How commands get there.
    pub runner: Option<Runner>,
    /// The load budget of each of its queues, in the order of the config.
    pub budgets: Vec<Budget>,
    /// Lets in one who reads a queue there.
    pub reading: Arc<Semaphore>,
}

/// Starts the canaries of a config.
pub fn start(config: &Config, ground: &Ground, host: impl Fn(&Name) -> Option<Host>, tasks: &TaskTracker) {
    for spec in &config.canaries {
        let ends = |end: &End| {
            let host = host(&end.server)?;
            let source = host.server.doors.iter().find(|d| d.door.name == end.door)?.clone();
            Some((host, source))
        };
        // Both are there, or the config would not have been taken.
        let (Some((into, by)), Some((out, from))) = (ends(&spec.way_in), ends(&spec.way_out)) else {
            continue;
        };
        let watched = config.roster().canaries.into_iter().find(|c| c.name == spec.name);
        let pair = Pair {
            lease: Name::new(&format!("canary {} {:016x}", spec.name, digest(&watched))),
            spec: spec.clone(),
            into: Way::new(into, by),
            out: Way::new(out, from),
            ground: ground.clone(),
        };
        let cancel = ground.cancel.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = pair.run() => {}
            }
        });
    }
}

/// One canary, before it has a key.
struct Pair {
    spec: CanarySpec,
    into: Way,
    out: Way,
    lease: Name,
    ground: Ground,
}

/// One end of the way.
pub(super) struct Way {
    host: Host,
    source: DoorSource,
    secret: Mutex<Option<Secret>>,
}

impl Way {
    fn new(host: Host, source: DoorSource) -> Self {
        Self {
            host,
            source,
            secret: Mutex::new(None),
        }
    }
    /// The secret of its user, kept until it is refused.
    async fn secret(&self) -> Result<Option<Secret>, Missed> {
        let kept = lock(&self.secret).clone();
        let Some(source) = self.source.secret.as_ref().filter(|_| kept.is_none()) else {
            return Ok(kept);
        };
        let new = config::secret::obtain(source, self.source.door.timeout * 2).await?;
        *lock(&self.secret) = Some(new.clone());
        Ok(Some(new))
    }
    /// What came of using it: a token that ran out is asked for anew.
    fn came_of(&self, missed: &Missed) {
        if missed.kind == Miss::Denied && matches!(self.source.secret, Some(SecretSource::Command(_))) {
            *lock(&self.secret) = None;
        }
    }
    /// Its queues, where they are watched and commands get there.
    fn queues(&self) -> Vec<(&QueueSource, &Budget, &Runner)> {
        let Some(runner) = &self.host.runner else { return vec![] };
        let queues = self.host.server.queues.iter().zip(&self.host.budgets);
        queues.map(|(q, b)| (q, b, runner)).collect()
    }
}

/// One canary under way.
struct Canary {
    mint: Mint,
    into: Way,
    out: Way,
    lease: Name,
    ground: Ground,
    turn: channel::Sender<Turn>,
    /// Why the mailbox is not open; `None` when it is.
    closed: channel::Sender<Option<Text>>,
    /// When the last whole look at the mailbox began.
    looked: channel::Sender<Option<Timestamp>>,
    flight: Mutex<Flight>,
}

impl Pair {
    async fn run(self) {
        let clock = self.ground.witness.clock.clone();
        let path = self.ground.key.clone();
        let key = tokio::task::spawn_blocking(move || path.as_deref().map_or_else(Key::passing, Key::of)).await;
        let missed = match key {
            Ok(Ok(key)) => {
                let run = Run::new(clock.now(), fastrand::u32(..));
                let canary = Canary {
                    mint: Mint::new(self.spec, run, key),
                    into: self.into,
                    out: self.out,
                    lease: self.lease,
                    ground: self.ground,
                    turn: channel::channel(Turn::Asking).0,
                    closed: channel::channel(Some("it has not been opened yet".into())).0,
                    looked: channel::channel(None).0,
                    flight: Mutex::new(Flight::default()),
                };
                tokio::join!(canary.keep_lease(), canary.send(), canary.watch(), canary.judge());
                return;
            }
            Ok(Err(missed)) => missed,
            Err(e) => Missed::new(Miss::BadAnswer, "the key of canary letters", e.to_string()),
        };
        let fact = Fact::CanaryUnsent(missed);
        let event = self
            .ground
            .witness
            .canary(&self.spec.way_in.server, &self.spec.name, fact);
        self.ground.journal.append(vec![event]);
    }
}

impl Canary {
    fn spec(&self) -> &CanarySpec {
        self.mint.spec()
    }
    fn now(&self) -> Timestamp {
        self.ground.witness.clock.now()
    }
    fn flight(&self) -> MutexGuard<'_, Flight> {
        lock(&self.flight)
    }
    fn record(&self, what: Fact) {
        self.record_of(self.now(), what);
    }
    /// An event of another moment than now.
    fn record_of(&self, at: Timestamp, what: Fact) {
        let spec = self.spec();
        let event = self.ground.witness.canary(&spec.way_in.server, &spec.name, what);
        self.ground.journal.append(vec![Event { at, ..event }]);
    }

    async fn keep_lease(&self) {
        let every = self.spec().every.min(LEASE_EVERY);
        let real = self.ground.witness.clock.real(every);
        loop {
            let turn = match self.ground.journal.lease(self.lease.clone(), every).await {
                Lease::Held => Turn::Ours,
                Lease::HeldBy { holder, .. } => Turn::Theirs(holder),
            };
            self.turn.send_if_modified(|t| {
                let changed = *t != turn;
                t.clone_from(&turn);
                changed
            });
            sleep(real.mul_f64(0.5)).await;
        }
    }
    async fn our_turn(&self) {
        let _ = self.turn.subscribe().wait_for(|t| *t == Turn::Ours).await;
    }
    async fn their_turn(&self) {
        let _ = self.turn.subscribe().wait_for(|t| *t != Turn::Ours).await;
    }
}

/// The hosts of a config for those who run its canaries and nothing else.
pub fn hosts(config: &Config, control_dir: &Path) -> Vec<Host> {
    let host = |server: &Server| Host {
        runner: super::look::runner(server, &config.defaults, control_dir),
        budgets: server
            .queues
            .iter()
            .map(|q| Budget::new(server.every, q.budget_permille))
            .collect(),
        server: Arc::new(server.clone()),
        reading: Arc::new(Semaphore::new(1)),
    };
    config.servers.iter().map(host).collect()
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}
