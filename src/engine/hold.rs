//! The lock on one job: one action at a time, of all consoles and shells on one journal. It is renewed while the action runs,
//! so that it is free only when its holder is done or dead.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::clock::Clock;
use crate::domain::event::ObserverId;
use crate::domain::{Name, Span, Text, Timestamp};
use crate::journal::{Handle, Lease};

/// How long a holder that does not renew it keeps it: one on another machine, of which nobody sees that it is dead.
const LASTS: Span = Span::from_mins(5);
/// How often it is renewed.
const RENEWED: Span = Span::from_mins(1);

/// A server and a job.
type Key = (Name, Name);

/// All locks of this process.
#[derive(Clone)]
pub struct Locks {
    journal: Handle,
    clock: Clock,
    busy: Arc<Mutex<HashSet<Key>>>,
}

/// What came of trying to take one.
pub enum Taken {
    /// It is ours.
    Ours(Hold),
    /// Another task of this process has it.
    Here,
    /// Another process has it.
    By(ObserverId),
}

/// A lock that is ours, until it is released.
pub struct Hold {
    locks: Locks,
    key: Key,
    renewed: Mutex<(Timestamp, Instant)>,
    /// That it ran out, or another has it: it does not become ours again.
    is_lost: AtomicBool,
}

/// What the lock on a job is called in the journal.
pub fn name(server: &Name, job: &Name) -> Name {
    Name::new(&format!("action {server} {job}"))
}

impl Locks {
    /// In this journal.
    pub fn new(journal: Handle, clock: Clock) -> Self {
        Self {
            journal,
            clock,
            busy: Arc::default(),
        }
    }

    /// Takes the lock on a job if it is free.
    pub async fn take(&self, server: &Name, job: &Name) -> Taken {
        let key = (server.clone(), job.clone());
        if !self.busy().insert(key.clone()) {
            return Taken::Here;
        }
        // From here on it is given back when the hold is dropped.
        let hold = Hold {
            locks: self.clone(),
            key,
            renewed: Mutex::new((self.clock.now(), Instant::now())),
            is_lost: AtomicBool::new(false),
        };
        match self.journal.lease(hold.name(), LASTS).await {
            Lease::Held => Taken::Ours(hold),
            Lease::HeldBy { holder, .. } => Taken::By(holder),
        }
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<Key>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    fn name(&self) -> Name {
        name(&self.key.0, &self.key.1)
    }

    /// Keeps it for as long as something takes.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(self.locks.clock.real(RENEWED), &mut work).await {
                Ok(done) => return done,
                Err(_) => self.renew().await,
            }
        }
    }

    /// For how long it was not renewed. A process that was stopped, or a machine that slept, sees it in one of the two.
    fn age(&self) -> Span {
        let (at, steady) = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = &self.locks.clock;
        Span::between(at, clock.now()).max(clock.shown(steady.elapsed()))
    }

    async fn renew(&self) {
        let began = (self.locks.clock.now(), Instant::now());
        // Once it has run out others may have had it, though it is free again.
        let ran_out = self.age() >= LASTS;
        match self.locks.journal.lease(self.name(), LASTS).await {
            Lease::Held if !ran_out => *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = began,
            Lease::Held | Lease::HeldBy { .. } => self.is_lost.store(true, Ordering::Relaxed),
        }
    }

    /// Whether it is ours still, and has been all the time.
    pub async fn is_ours(&self) -> Result<(), Text> {
        self.renew().await;
        if self.is_lost.load(Ordering::Relaxed) {
            let (server, job) = &self.key;
            let why = format!(
                "the lock on {job} of {server} was lost, for this process stood still too long: somebody else may have acted on it"
            );
            return Err(why.into());
        }
        Ok(())
    }

    /// Gives it back, after all that was put on record while it was held.
    pub async fn release(self) {
        self.locks.journal.release(self.name()).await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.locks.busy().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{self, Keep, Options};

    async fn taken(clock: Clock) -> Hold {
        let opened = journal::open(Options {
            path: None,
            from: Timestamp::now(),
            keep: Keep::default(),
            me: ObserverId(Name::new("lin@here:1")),
            clock: clock.clone(),
        })
        .await;
        let locks = Locks::new(opened.handle, clock);
        let Taken::Ours(hold) = locks.take(&"mx1".into(), &"compact".into()).await else {
            panic!("not ours")
        };
        hold
    }

    #[tokio::test]
    async fn a_lock_that_ran_out_meanwhile_does_not_become_ours_again() {
        let hold = taken(Clock::System).await;
        assert_eq!((hold.is_ours().await, hold.is_ours().await), (Ok(()), Ok(())));
        // On this clock a microsecond is a quarter of an hour.
        let hold = taken(Clock::scaled(Timestamp::now(), 1e9)).await;
        let why = hold.is_ours().await.unwrap_err();
        assert!(why.contains("the lock on compact of mx1 was lost"), "{why}");
        assert!(hold.is_ours().await.is_err());
    }
}
