//! Single messages on demand: one listing for each question, made when the load budget has room for it. A newer question
//! about the same queue takes the place of one that still waits.

use std::time::Instant;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::domain::effect::{Answer, Messages};
use crate::domain::event::Fact;
use crate::domain::message::Pick;
use crate::domain::queue::{How, QueueSource};
use crate::domain::reading::Miss;
use crate::domain::{Name, Span, Timestamp};
use crate::queue;
use crate::reach::Runner;

use super::look::{LISTING_TIMEOUT, Witness};
use super::queues::Budget;
use super::server::Watch;

/// A wait that changes by more is told again.
const NEWS: Span = Span::from_secs(3);

/// A question, with a number of its own so that the same one can be asked again.
pub type Ask = (u64, Pick);

/// Where questions go in, and answers out.
pub struct Desk {
    /// The newest question.
    pub asks: watch::Receiver<Option<Ask>>,
    /// For the console.
    pub answers: mpsc::Sender<Answer>,
}

impl Watch {
    pub(super) async fn messages(self, source: QueueSource, budget: Budget, mut desk: Desk) {
        let Some(runner) = self.runner.clone() else { return };
        loop {
            if desk.asks.changed().await.is_err() {
                return;
            }
            let Some((_, pick)) = desk.asks.borrow_and_update().clone() else {
                continue;
            };
            let answer = Reply {
                to: desk.answers.clone(),
                server: self.server.name.clone(),
                queue: source.name.clone(),
                pick: pick.clone(),
            };
            tokio::select! {
                () = self.answer(&source, &runner, &budget, &answer) => {}
                // A listing that runs is stopped with its question: nobody reads its answer any more.
                Ok(()) = newer(desk.asks.clone()) => {}
            }
        }
    }

    async fn answer(&self, source: &QueueSource, runner: &Runner, budget: &Budget, reply: &Reply) {
        let clock = &self.witness.clock;
        let asked = budget.ask();
        let mut said: Option<Timestamp> = None;
        loop {
            let now = clock.now();
            // Nothing is owed where nobody of us looked yet: a console that follows another one may ask, too.
            let wait = budget.pace().next_listing(now);
            if wait <= Span::ZERO {
                break;
            }
            let due = wait.after(now);
            if said.is_none_or(|s| Span::between(s, due).micros().abs() > NEWS.micros()) {
                reply.send(Messages::In(wait)).await;
                said = Some(due);
            }
            sleep(clock.real(wait.max(Span::from_millis(200)).min(Span::from_secs(5)))).await;
        }
        let page = {
            let _one = Self::turn_at(&self.reading).await;
            reply.send(Messages::Listing).await;
            let charge = Charge {
                watch: self,
                queue: &source.name,
                budget,
                started: Instant::now(),
                reached: true,
            };
            let page = queue::messages(source, runner, &reply.pick, clock.now(), LISTING_TIMEOUT).await;
            match &page {
                Err(why) if why.kind == Miss::Unreachable => charge.none(),
                _ => drop(charge),
            }
            page
        };
        drop(asked);
        reply
            .send(match page {
                Ok(page) => Messages::Are(Box::new(page)),
                Err(why) => Messages::Missed(why),
            })
            .await;
    }
}

/// What a listing kept the mail host busy with is paid for and on record, also when it was given up.
struct Charge<'a> {
    watch: &'a Watch,
    queue: &'a Name,
    budget: &'a Budget,
    started: Instant,
    reached: bool,
}

impl Charge<'_> {
    /// The host was not reached, so it cost the host nothing.
    fn none(mut self) {
        self.reached = false;
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        let Witness { clock, .. } = &self.watch.witness;
        if !self.reached {
            self.budget.pace().unreached(How::Listed, clock.now());
            return;
        }
        let took = clock.shown(self.started.elapsed());
        self.budget.pace().ran(How::Listed, took, clock.now());
        let fact = Fact::MessagesListed(took);
        self.watch
            .record(self.watch.witness.queue(&self.watch.server.name, self.queue, fact));
    }
}

async fn newer(mut asks: watch::Receiver<Option<Ask>>) -> Result<(), watch::error::RecvError> {
    asks.changed().await
}

struct Reply {
    to: mpsc::Sender<Answer>,
    server: Name,
    queue: Name,
    pick: Pick,
}

impl Reply {
    async fn send(&self, page: Messages) {
        let answer = Answer::Messages {
            server: self.server.clone(),
            queue: self.queue.clone(),
            pick: self.pick.clone(),
            page,
        };
        let _ = self.to.send(answer).await;
    }
}
