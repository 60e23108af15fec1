//! The incident desk: one observer of a journal puts on record what the rules conclude. It stands between the record and its
//! reader: what is recorded passes through a model of its own, and what follows from that is recorded in turn. Who does so is
//! a lease in the journal; the others only pass on. That a wall clock was set is put on record here, too.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::incident::moment::ClockStepped;
use crate::domain::incident::opening::{Rules, lot};
use crate::domain::incident::{Entry, IncidentId};
use crate::domain::roster::Roster;
use crate::domain::{Name, Span, Timestamp};
use crate::journal::{Handle, Lease};
use crate::model::Model;

use super::look::Witness;
use super::steps::{self, Steps};

/// The lease is asked for this often in real time: a desk that nobody keeps is taken over within two of these.
const ASKED: Duration = Duration::from_secs(2);
/// The lease on telling that the clock was set, and for how long it is held: until every other desk has seen the same step.
const CLOCK: &str = "clock";
const ONCE: Span = Span::from_secs(10);
/// Events on their way to the reader.
const FEED: usize = 256;

/// What the desk goes by.
#[derive(Clone, Debug)]
pub struct Book {
    /// The rules.
    pub rules: Rules,
    /// What is watched: observers who watch the same share one desk.
    pub roster: Roster,
}

impl Book {
    /// As a config has it.
    pub fn of(config: &Config) -> Self {
        Self {
            rules: config.incident.rules.clone(),
            roster: config.roster(),
        }
    }
}

/// What the desk is made of.
pub struct Desk {
    /// Who we are.
    pub me: ObserverId,
    /// By which clock.
    pub clock: Clock,
    /// The record.
    pub journal: Handle,
    /// By which rules, and for what; another config brings others.
    pub book: watch::Receiver<Book>,
    /// Ends the concluding; what is recorded is passed on still.
    pub stop: CancellationToken,
}

struct Work {
    desk: Desk,
    witness: Witness,
    model: Model,
    ours: bool,
    /// When it was asked for last.
    renewed: Timestamp,
    /// What was put on record and has not come back yet: until then nothing more is concluded.
    awaited: Vec<Event>,
    steps: Steps,
}

impl Desk {
    /// Reads what is recorded from `events`, after `initial`, and passes it on.
    pub fn attend(self, initial: &[Event], mut events: mpsc::Receiver<Vec<Event>>) -> mpsc::Receiver<Vec<Event>> {
        let (out, passed_on) = mpsc::channel(FEED);
        let mut model = Model::new(Some(self.me.clone()));
        model.apply_all(initial);
        let mut work = Work {
            witness: Witness {
                me: self.me.clone(),
                clock: self.clock.clone(),
            },
            desk: self,
            model,
            ours: false,
            renewed: Timestamp::UNIX_EPOCH,
            awaited: Vec::new(),
            steps: Steps::default(),
        };
        tokio::spawn(async move {
            let stop = work.desk.stop.clone();
            let mut ask = tokio::time::interval(ASKED);
            ask.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    batch = events.recv() => {
                        let Some(batch) = batch else { return };
                        work.model.apply_all(&batch);
                        work.awaited.retain(|e| !batch.contains(e));
                        if out.send(batch).await.is_err() {
                            return;
                        }
                        if !stop.is_cancelled() {
                            work.conclude();
                        }
                    }
                    _ = ask.tick(), if !stop.is_cancelled() => work.keep().await,
                }
            }
        });
        passed_on
    }
}

impl Work {
    /// Takes or renews the lease, and looks at the clock.
    async fn keep(&mut self) {
        let name = lease_on(&self.desk.book.borrow().roster);
        let asked = self.witness.clock.now();
        let lease = self.desk.journal.lease(name, self.lasts()).await;
        (self.ours, self.renewed) = (lease == Lease::Held, asked);
        let stepped = match (&self.desk.clock, steps::uptime()) {
            (Clock::System, Some(up)) => self.steps.look(self.witness.clock.now(), up),
            _ => None,
        };
        // One of all desks on this journal puts it there: counted twice it would be twice as long.
        let is_told = |lease| lease == Lease::Held;
        if let Some(by) = stepped
            && is_told(self.desk.journal.lease(Name::new(CLOCK), ONCE).await)
        {
            let what = Fact::ClockStepped(ClockStepped { by });
            self.record(self.witness.clock.now(), Subject::Observer, what);
        }
        self.conclude();
    }

    /// How long the lease lasts.
    fn lasts(&self) -> Span {
        self.desk.clock.shown(ASKED * 2)
    }

    fn conclude(&mut self) {
        if !self.ours || !self.awaited.is_empty() {
            return;
        }
        let now = self.witness.clock.now();
        // A process that was stopped does not know yet that the lease went to another.
        if !(Span::ZERO..=self.lasts()).contains(&Span::between(self.renewed, now)) {
            return;
        }
        let conclusions = self.model.conclusions(&self.desk.book.borrow().rules, now);
        for c in conclusions {
            let incident = match (c.id, &c.entry) {
                (Some(id), _) => id,
                (None, Entry::Opened(o)) => IncidentId::new(o.started, lot(o)),
                (None, _) => continue,
            };
            // Of the moment at which it was concluded: lengths that are counted back from it are told from there.
            self.record(now, Subject::Incident { incident }, Fact::Incident(Box::new(c.entry)));
        }
    }

    fn record(&mut self, at: Timestamp, about: Subject, what: Fact) {
        let event = Event {
            at,
            ..self.witness.saw(about, what)
        };
        self.awaited.push(event.clone());
        self.desk.journal.append(vec![event]);
    }
}

/// The name of the lease: a digest of what is watched and how (FNV-1a), so that consoles with other targets keep a desk of
/// their own.
fn lease_on(roster: &Roster) -> Name {
    let seen: Vec<_> = roster.servers.iter().map(|w| (w.as_seen(), Span::ZERO)).collect();
    let bytes = serde_json::to_vec(&seen).unwrap_or_default();
    let digest = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    });
    Name::new(&format!("desk {digest:016x}"))
}
