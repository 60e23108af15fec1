//! The loop of one queue: its log each interval, its depth as the load budget has it, its rules now and then. The budget
//! is shared with whoever lists single messages, and outlives a reload.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::domain::event::{Event, Fact};
use crate::domain::queue::{How, QueueSource};
use crate::domain::reading::Miss;
use crate::domain::{Span, Timestamp};
use crate::queue::budget::{Look, Pace as QueuePace, rest_after};
use crate::queue::{Census, LogFollower};
use crate::reach::Runner;

use super::look;
use super::pace::{Pace, Went};
use super::server::{Waited, Watch, Woken};

/// The least time that a count is given: longer than ssh needs to notice that its line is dead (15 s). A line that is dead
/// costs the mail host nothing; a count that takes this long is paid for by a long rest.
const COUNT_TIMEOUT: Span = Span::from_secs(20);
/// How a mail system treats waiting mail seldom changes; a failed try comes again sooner.
const RULES_EVERY: Span = Span::from_hours(1);
const RULES_AGAIN: Span = Span::from_mins(5);
/// Reading the log takes at most one part in so many of the budget…
const LOG_SHARE: i64 = 4;
/// …but it is read at least this often.
const LOG_AT_LEAST: Span = Span::from_mins(5);
/// What processor time is told in, at the coarsest.
const CPU_TICK: Span = Span::from_millis(10);

/// The load budget of one queue, shared by all who read it.
#[derive(Clone, Debug)]
pub struct Budget {
    pace: Arc<Mutex<QueuePace>>,
    every: Span,
    permille: u32,
    /// How many wait to list single messages: they go before the next listing of the loop.
    asked: Arc<AtomicUsize>,
}

impl Budget {
    /// A look each `every` at most, and `permille` thousandths of one core.
    pub fn new(every: Span, permille: u32) -> Self {
        Self {
            pace: Arc::new(Mutex::new(QueuePace::new(every, permille))),
            every,
            permille,
            asked: Arc::default(),
        }
    }
    /// Whether it is the budget for these terms, so that what is owed stays owed.
    pub fn is_for(&self, every: Span, permille: u32) -> bool {
        self.every == every && self.permille == permille
    }
    /// The pace itself, for a moment.
    pub fn pace(&self) -> MutexGuard<'_, QueuePace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Somebody waits to list single messages, for as long as the result lives.
    pub fn ask(&self) -> Asked {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Asked(Arc::clone(&self.asked))
    }
    fn next(&self, now: Timestamp) -> Look {
        match self.pace().next(now) {
            Look::List if self.asked.load(Ordering::SeqCst) > 0 => Look::Wait(Span::from_secs(1)),
            look => look,
        }
    }
}

/// A wait for a listing of single messages.
#[derive(Debug)]
pub struct Asked(Arc<AtomicUsize>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What the loop of one queue keeps between looks.
struct Reader {
    source: QueueSource,
    runner: Runner,
    budget: Budget,
    pace: Pace,
    log: LogFollower,
    log_pace: Pace,
    census: Census,
    log_from: Timestamp,
    rules_from: Timestamp,
}

impl Watch {
    pub(super) async fn queues(mut self, source: QueueSource, budget: Budget) {
        let Some(runner) = self.runner.clone() else { return };
        let mut r = Reader {
            log: LogFollower::new(&source),
            census: Census::default(),
            pace: Pace::new(self.server.every),
            log_pace: Pace::new(self.server.every),
            log_from: Timestamp::MIN,
            rules_from: Timestamp::MIN,
            source,
            runner,
            budget,
        };
        self.spread().await;
        loop {
            if self.our_turn().await == Waited::Yes {
                // Somebody else looked meanwhile: what happened until now is theirs to tell.
                r.log = LogFollower::new(&r.source);
                let rules = r.census.rules.take();
                r.census = Census::default();
                r.census.rules = rules;
            }
            self.read_rules(&mut r).await;
            // The log first: what it says by then stands beside the depth that follows.
            let log_wait = self.read_log(&mut r).await;
            let wait = self.read_queue(&mut r).await;
            if self.wait(wait.min(log_wait)).await == Woken::Asked {
                r.log_from = Timestamp::MIN;
            }
        }
    }

    /// How long until the log may be read again.
    async fn read_log(&self, r: &mut Reader) -> Span {
        let clock = &self.witness.clock;
        let now = clock.now();
        let early = Span::between(now, r.log_from);
        // A clock that was put back must not stop the looks.
        if early > Span::ZERO && early <= LOG_AT_LEAST.max(self.server.every * 3) {
            return early;
        }
        let limit = (self.server.timeout * 2).max(COUNT_TIMEOUT);
        let (read, took) = {
            let _one = Self::turn_at(&self.reading).await;
            let started = Instant::now();
            let read = r.log.read(&r.runner, now, limit).await;
            (read, clock.shown(started.elapsed()))
        };
        let mut cost = took;
        let fact = match read {
            Ok(None) => {
                r.log_from = RULES_EVERY.after(clock.now());
                return RULES_EVERY;
            }
            Ok(Some(seen)) => {
                r.log_pace.went(Went::Well);
                // The way to the host and back is no load; where it tells its processor time, that is what is paid.
                cost = seen.cpu.map_or(cost, |cpu| cost.min(cpu + CPU_TICK));
                Fact::FlowSeen(seen)
            }
            Err(mut why) => {
                r.log_pace.went(Went::Badly);
                if why.kind == Miss::Unreachable {
                    cost = Span::ZERO;
                }
                why.took = cost;
                Fact::FlowMissed(why)
            }
        };
        r.budget.pace().spent(cost, clock.now());
        self.note_reach(&fact);
        let behind = matches!(&fact, Fact::FlowSeen(f) if f.behind > 0);
        // The reading is of the moment that it was asked at: the next one begins there.
        self.record(Event {
            at: now,
            ..self.witness.queue(&self.server.name, &r.source.name, fact)
        });
        let wait = if behind {
            Span::from_secs(1)
        } else {
            r.log_pace.wait(fastrand::f64())
        };
        // A log that is dear to read is read less often: it leaves most of the budget to listings.
        let wait = wait.max(rest_after(cost * LOG_SHARE, r.source.budget_permille).min(LOG_AT_LEAST));
        r.log_from = wait.after(clock.now());
        wait
    }

    /// How long until the queue may be read again.
    async fn read_queue(&self, r: &mut Reader) -> Span {
        let clock = &self.witness.clock;
        let how = match r.budget.next(clock.now()) {
            Look::List => How::Listed,
            Look::Count => How::Counted,
            Look::Wait(span) => return span,
        };
        let started = Instant::now();
        let looked = {
            let _one = Self::turn_at(&self.reading).await;
            let limit = (self.server.timeout * 2).max(COUNT_TIMEOUT);
            look::queue(&r.source, &r.runner, how, Some(&mut r.census), limit, clock).await
        };
        let now = clock.now();
        let mut wait = None;
        for mut fact in looked {
            match &mut fact {
                Fact::QueueSeen(snapshot) => {
                    let mut pace = r.budget.pace();
                    pace.ran(how, clock.shown(snapshot.took.to_std()), now);
                    snapshot.next_listing = Some(pace.next_listing(now));
                    snapshot.next_look = match pace.next(now) {
                        Look::Wait(span) => Some(span),
                        Look::List | Look::Count => None,
                    };
                    r.pace.went(Went::Well);
                }
                Fact::QueueMissed(why) => {
                    if why.kind == Miss::Unreachable {
                        r.budget.pace().unreached(how, now);
                    } else {
                        why.took = clock.shown(started.elapsed());
                        r.budget.pace().missed(how, why.took, now);
                    }
                    r.pace.went(Went::Badly);
                    wait = Some(r.pace.wait(fastrand::f64()));
                }
                _ => {}
            }
            self.note_reach(&fact);
            self.record(self.witness.queue(&self.server.name, &r.source.name, fact));
        }
        // After a good look the budget says when the next may come, and of which kind.
        wait.unwrap_or_else(|| match r.budget.next(clock.now()) {
            Look::Wait(span) => span,
            Look::List | Look::Count => Span::ZERO,
        })
    }

    async fn read_rules(&self, r: &mut Reader) {
        let now = self.witness.clock.now();
        let early = Span::between(now, r.rules_from);
        if early > Span::ZERO && early <= RULES_EVERY {
            return;
        }
        let read = {
            let _one = Self::turn_at(&self.reading).await;
            crate::queue::rules(&r.source, &r.runner, self.server.timeout * 2).await
        };
        match read {
            Ok(rules) => {
                r.census.rules = Some(rules.clone());
                r.rules_from = RULES_EVERY.after(now);
                let fact = Fact::RulesSeen(rules);
                self.record(self.witness.queue(&self.server.name, &r.source.name, fact));
            }
            // Nothing is shown of rules that are not known, so their miss is none of its own.
            Err(why) => {
                tracing::info!(server = %self.server.name, queue = %r.source.name, %why, "the queue's rules are not known");
                r.rules_from = RULES_AGAIN.after(now);
            }
        }
    }
}
