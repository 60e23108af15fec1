//! What runs when. Effects and ticks become tasks, results become events on the record; the console hears of them from
//! there. One set of loops for each server (`server`), actions beside them (`actions`), reload and refresh here.

pub mod actions;
pub mod canaries;
mod checks;
pub mod desk;
pub mod hold;
mod incidents;
mod jobs;
pub mod look;
mod lost;
mod messages;
mod pace;
pub mod past;
pub mod publish;
mod queues;
mod server;
mod stale;
mod steps;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::{Config, Server};
use crate::domain::effect::{Answer, Effect, Messages, Role};
use crate::domain::event::{Fact, ObserverId, Subject};
use crate::domain::horizon::OutageCorrected;
use crate::domain::message::Pick;
use crate::domain::queue::QueueSource;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Text};
use crate::journal::Handle;
use crate::probe::Prober;
use crate::reach::Runner;

use self::actions::Actions;
use self::desk::Book;
use self::incidents::{Asked, Clerk};
use self::look::Witness;
use self::messages::{Ask, Desk};
use self::queues::Budget;
use self::server::{Share, Turn, Watch};

/// Reads the config again; the mistakes when it is bad.
pub type Reload = Box<dyn Fn() -> Result<Config, Vec<Text>> + Send>;

/// What an engine is made of.
pub struct Parts {
    /// What to watch.
    pub config: Config,
    /// By which clock.
    pub clock: Clock,
    /// Who we are on the record.
    pub me: ObserverId,
    /// Who signs actions.
    pub by: Text,
    /// The record.
    pub journal: Handle,
    /// Where ssh control sockets go.
    pub control_dir: PathBuf,
    /// How to read the config again, where there is a file.
    pub reload: Option<Reload>,
    /// Where the key of canary letters is; `None` for one that ends with the engine.
    pub canary_key: Option<PathBuf>,
    /// Tells the incident desk of another config, where there is a desk.
    pub book: Option<watch::Sender<Book>>,
}

/// A running engine.
pub struct Engine {
    /// Takes effects.
    pub effects: mpsc::Sender<Effect>,
    /// Gives answers.
    pub answers: mpsc::Receiver<Answer>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Engine {
    /// Starts it.
    pub fn start(parts: Parts, prober: Prober) -> Self {
        let (effects, effects_in) = mpsc::channel(64);
        let (answers_out, answers) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let run = Run::new(parts, prober, answers_out, stop.clone());
        Self {
            effects,
            answers,
            stop,
            task: tokio::spawn(run.run(effects_in)),
        }
    }

    /// Ends all looks, waits for running actions, closes what was opened, and puts our end on the record.
    pub async fn stop(self) {
        self.stop.cancel();
        drop(self.answers);
        if let Err(e) = self.task.await {
            tracing::error!(error = %e, "the engine ended badly");
        }
    }
}

/// Whether the ways to servers that did not change may be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ways {
    Keep,
    New,
}

struct Target {
    server: Arc<Server>,
    runner: Option<Runner>,
    reading: Arc<Semaphore>,
}

struct Run {
    parts: Parts,
    prober: Prober,
    witness: Witness,
    actions: Actions,
    answers: mpsc::Sender<Answer>,
    stop: CancellationToken,
    looks: CancellationToken,
    looking: TaskTracker,
    acting: TaskTracker,
    targets: BTreeMap<Name, Target>,
    refresh: BTreeMap<Name, watch::Sender<u64>>,
    budgets: BTreeMap<(Name, Name), Budget>,
    asks: BTreeMap<(Name, Name), watch::Sender<Option<Ask>>>,
    turns: BTreeMap<Name, Turn>,
    turns_out: mpsc::Sender<(Name, Turn)>,
    turns_in: mpsc::Receiver<(Name, Turn)>,
}

impl Run {
    fn new(parts: Parts, prober: Prober, answers: mpsc::Sender<Answer>, stop: CancellationToken) -> Self {
        let witness = Witness {
            me: parts.me.clone(),
            clock: parts.clock.clone(),
        };
        let actions = Actions::new(witness.clone(), parts.journal.clone(), parts.by.clone());
        let (turns_out, turns_in) = mpsc::channel(64);
        Self {
            parts,
            prober,
            witness,
            actions,
            answers,
            stop,
            looks: CancellationToken::new(),
            looking: TaskTracker::new(),
            acting: TaskTracker::new(),
            targets: BTreeMap::new(),
            refresh: BTreeMap::new(),
            budgets: BTreeMap::new(),
            asks: BTreeMap::new(),
            turns: BTreeMap::new(),
            turns_out,
            turns_in,
        }
    }

    async fn run(mut self, mut effects: mpsc::Receiver<Effect>) {
        let version = env!("CARGO_PKG_VERSION").into();
        self.record(Fact::ObserverStarted { version });
        self.watch(Ways::New);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some((server, turn)) = self.turns_in.recv() => self.turned(server, turn).await,
                effect = effects.recv() => match effect {
                    Some(effect) => self.effect(effect).await,
                    None => break,
                },
            }
        }
        self.unwatch().await;
        self.acting.close();
        self.acting.wait().await;
        for target in self.targets.values() {
            if let Some(runner) = &target.runner {
                runner.close().await;
            }
        }
        self.record(Fact::ObserverStopped);
        self.parts.journal.release_all().await;
    }

    fn record(&self, what: Fact) {
        self.record_about(Subject::Observer, what);
    }

    fn record_about(&self, about: Subject, what: Fact) {
        self.parts.journal.append(vec![self.witness.saw(about, what)]);
    }

    fn clerk(&self) -> Clerk {
        Clerk {
            witness: self.witness.clone(),
            journal: self.parts.journal.clone(),
            by: self.parts.by.clone(),
        }
    }

    /// Puts a question on the desk of a queue.
    async fn messages(&mut self, server: Name, queue: Name, pick: Pick) {
        let key = (server, queue);
        if let Some(ask) = self.asks.get(&key) {
            ask.send_modify(|a| *a = Some((a.as_ref().map_or(0, |(n, _)| n.wrapping_add(1)), pick)));
            return;
        }
        let (server, queue) = key;
        let why = Missed::new(
            Miss::NotFound,
            format!("messages of {queue} on {server}"),
            "it is no longer watched",
        );
        let page = Messages::Missed(why);
        let _ = self
            .answers
            .send(Answer::Messages {
                server,
                queue,
                pick,
                page,
            })
            .await;
    }

    /// Starts the loops of every server of the config. A server whose way did not change keeps its connection.
    fn watch(&mut self, ways: Ways) {
        self.record(Fact::Watching(self.parts.config.roster()));
        self.looks = CancellationToken::new();
        self.looking = TaskTracker::new();
        let mut old = std::mem::take(&mut self.targets);
        let mut budgets = std::mem::take(&mut self.budgets);
        self.refresh.clear();
        self.asks.clear();
        self.turns.clear();
        let read_only = self.parts.config.defaults.read_only;
        for server in self.parts.config.servers.clone() {
            let server = Arc::new(Server {
                read_only: server.read_only || read_only,
                ..server
            });
            let runner = match old.remove(&server.name) {
                Some(t)
                    if ways == Ways::Keep && t.server.reach == server.reach && t.server.timeout == server.timeout =>
                {
                    t.runner
                }
                _ => look::runner(&server, &self.parts.config.defaults, &self.parts.control_dir),
            };
            let shares = self.shares(&server, &mut budgets);
            let (refresh_out, refresh) = watch::channel(0);
            self.refresh.insert(server.name.clone(), refresh_out);
            let watch = Watch::new(
                Arc::clone(&server),
                runner.clone(),
                self.prober.clone(),
                self.witness.clone(),
                self.parts.journal.clone(),
                self.looks.clone(),
                refresh,
                self.turns_out.clone(),
                self.actions.locks().clone(),
            );
            watch.start(&self.looking, shares);
            let reading = Arc::clone(&watch.reading);
            let target = Target {
                server: Arc::clone(&server),
                runner,
                reading,
            };
            self.targets.insert(server.name.clone(), target);
        }
        self.watch_canaries();
        for runner in old.into_values().filter_map(|t| t.runner) {
            self.acting.spawn(async move { runner.close().await });
        }
    }

    fn watch_canaries(&self) {
        let ground = canaries::Ground {
            prober: self.prober.clone(),
            witness: self.witness.clone(),
            journal: self.parts.journal.clone(),
            key: self.parts.canary_key.clone(),
            cancel: self.looks.clone(),
            no_more: CancellationToken::new(),
        };
        let host = |name: &Name| {
            let Target {
                server,
                runner,
                reading,
            } = self.targets.get(name)?;
            let budget = |q: &QueueSource| self.budgets.get(&(name.clone(), q.name.clone())).cloned();
            Some(canaries::Host {
                budgets: server.queues.iter().filter_map(budget).collect(),
                server: Arc::clone(server),
                runner: runner.clone(),
                reading: Arc::clone(reading),
            })
        };
        canaries::start(&self.parts.config, &ground, host, &self.looking);
    }

    /// For each queue of a server its budget, the same as before a reload while its terms are the same, and its desk.
    fn shares(&mut self, server: &Server, old: &mut BTreeMap<(Name, Name), Budget>) -> Vec<Share> {
        let share = |queue: &QueueSource| {
            let key = (server.name.clone(), queue.name.clone());
            let budget = old
                .remove(&key)
                .filter(|b| b.is_for(server.every, queue.budget_permille))
                .unwrap_or_else(|| Budget::new(server.every, queue.budget_permille));
            let (ask, asks) = watch::channel(None);
            self.asks.insert(key.clone(), ask);
            self.budgets.insert(key, budget.clone());
            let answers = self.answers.clone();
            Share {
                budget,
                desk: Desk { asks, answers },
            }
        };
        server.queues.iter().map(share).collect()
    }

    async fn unwatch(&mut self) {
        self.looks.cancel();
        self.looking.close();
        self.looking.wait().await;
    }

    async fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Plan {
                server,
                job,
                verb,
                lasts,
                choices,
            } => {
                let target = self
                    .targets
                    .get(&server)
                    .map(|t| (Arc::clone(&t.server), t.runner.clone()));
                self.actions.plan_for(
                    &self.acting,
                    self.answers.clone(),
                    target,
                    (server, job, verb, lasts, choices),
                );
            }
            Effect::Check { id } => self.actions.check_for(&self.acting, self.answers.clone(), id),
            Effect::Run { plan, reason } => self
                .actions
                .run_for(&self.acting, self.answers.clone(), plan.id, reason),
            Effect::Refresh { server } => {
                let wanted = |name: &Name| server.as_ref().is_none_or(|s| s == name);
                for (_, refresh) in self.refresh.iter().filter(|(name, _)| wanted(name)) {
                    refresh.send_modify(|n| *n = n.wrapping_add(1));
                }
            }
            Effect::Reload => self.reload().await,
            Effect::Messages { server, queue, pick } => self.messages(server, queue, pick).await,
            Effect::CorrectOutage { server, since } => {
                let what = Fact::OutageCorrected(OutageCorrected {
                    since,
                    by: self.parts.by.clone(),
                });
                self.record_about(Subject::Server { server }, what);
            }
            Effect::Measured { server, measured } => {
                self.record_about(Subject::Server { server }, Fact::ActionMeasured(measured));
            }
            Effect::Said { incident, said } => self.clerk().record(incident, said),
            Effect::Publish {
                incident,
                shown,
                words,
                next_at,
            } => {
                let hook = self.parts.config.incident.terms.publish.clone();
                let asked = Asked {
                    incident,
                    shown,
                    words,
                    next_at,
                };
                // As an action, it is waited for when the console ends: what was posted has to come on record.
                self.acting
                    .spawn(self.clerk().publish(hook, asked, self.answers.clone()));
            }
            // The terminal's own, and the past's; they do not come here.
            Effect::Quit
            | Effect::Mouse(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Copy { .. }
            | Effect::Past(..)
            | Effect::Edit(_)
            | Effect::Remind { .. } => {}
        }
    }

    async fn reload(&mut self) {
        let Some(reload) = &self.parts.reload else {
            let why = "nothing to reload: the targets were given on the command line".into();
            let _ = self.answers.send(Answer::Notice(why)).await;
            return;
        };
        let word = match reload() {
            Ok(config) => {
                self.unwatch().await;
                self.actions.forget().await;
                let same_ways = config.defaults.ssh_config == self.parts.config.defaults.ssh_config;
                if config.defaults.resolvers != self.parts.config.defaults.resolvers {
                    self.prober = self.prober.clone().asking(&config.defaults.resolvers);
                }
                self.parts.config = config;
                self.watch(if same_ways { Ways::Keep } else { Ways::New });
                if let Some(book) = &self.parts.book {
                    book.send_replace(Book::of(&self.parts.config));
                }
                let terms = Box::new(self.parts.config.incident.terms.clone());
                let _ = self.answers.send(Answer::Terms(terms)).await;
                format!("config reloaded: {} servers", self.parts.config.servers.len())
            }
            Err(mistakes) => {
                let more = mistakes.len().saturating_sub(1);
                let rest = if more > 0 {
                    format!(" (and {more} more: mailtop config check)")
                } else {
                    String::new()
                };
                let first = mistakes.into_iter().next().unwrap_or_default();
                self.record(Fact::Notice(
                    format!("the new config is bad and was not taken: {first}").into(),
                ));
                format!("the new config is bad, the old one stays: {first}{rest}")
            }
        };
        let _ = self.answers.send(Answer::Notice(word.into())).await;
    }

    async fn turned(&mut self, server: Name, turn: Turn) {
        self.turns.insert(server, turn);
        let holder = self.turns.values().find_map(|t| match t {
            Turn::Theirs(holder) => Some(holder.0.as_str()),
            _ => None,
        });
        let role = holder.map_or(Role::Probing, |h| Role::Following { holder: h.into() });
        let _ = self.answers.send(Answer::Role(role)).await;
    }
}
