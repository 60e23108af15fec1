//! What has not come. A letter is given up when its time is over, the queues of the server that took it were listed to their
//! end without it, twice, and a look at the mailbox that began after that did not find it either. Twice, because a message
//! that moves from one queue to another may be missed by a listing. Where no queue can be asked, time alone has to do, and
//! the record says so.

use std::collections::BTreeSet;
use std::time::Instant;

use super::Canary;
use super::flight::Letter;
use crate::domain::canary::{Evidence, Lost};
use crate::domain::event::Fact;
use crate::domain::queue::{How, QueueSource};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Span, Text, Timestamp};
use crate::engine::look::LISTING_TIMEOUT;
use crate::queue::message::{Bad, Recipients, parse};
use crate::queue::{self, Take};
use crate::reach::Runner;

use super::super::queues::Budget;

/// Which letters a listing holds.
#[derive(Debug, Default)]
struct Known {
    wanted: BTreeSet<Text>,
    found: BTreeSet<Text>,
    recipients: Recipients,
}

impl Take for Known {
    fn take(&mut self, line: &str) -> Result<(), Bad> {
        let message = parse(line, &mut self.recipients)?;
        let id = Text::from(message.id.as_ref());
        if self.wanted.contains(&id) {
            self.found.insert(id);
        }
        Ok(())
    }
}

impl Canary {
    pub(super) async fn judge(&self) {
        let mut looked = self.looked.subscribe();
        while looked.changed().await.is_ok() {
            let Some(began) = *looked.borrow_and_update() else {
                continue;
            };
            let old = self.flight().older(self.spec().lost, self.now());
            let (mut missing, mut given_up) = (Vec::new(), Vec::new());
            for (seq, letter) in old {
                match self.evidence(&letter, began) {
                    Ok(evidence) => given_up.push((seq, letter, evidence)),
                    Err(Wanted::Listing(id)) => missing.push((seq, id)),
                    Err(Wanted::Look) => {}
                }
            }
            for (seq, letter, evidence) in given_up {
                self.give_up(seq, letter, evidence);
            }
            if !missing.is_empty() {
                self.ask_the_queues(missing).await;
            }
        }
    }

    /// By what a letter is lost, after a look that began at `looked`; else what is wanting.
    fn evidence(&self, letter: &Letter, looked: Timestamp) -> Result<Evidence, Wanted> {
        let why = match &letter.queue_id {
            _ if self.into.queues().is_empty() => "no queue is watched there".into(),
            None => "the server did not say what its queue calls it".into(),
            Some(id) => {
                let listed = letter.unlisted().ok_or_else(|| Wanted::Listing(id.clone()))?;
                let evidence = Evidence::NotInQueue { listed };
                return (looked >= listed).then_some(evidence).ok_or(Wanted::Look);
            }
        };
        let evidence = Evidence::Time { why };
        (looked >= self.spec().lost.after(letter.sent))
            .then_some(evidence)
            .ok_or(Wanted::Look)
    }

    fn give_up(&self, seq: u64, letter: Letter, evidence: Evidence) {
        // It may have come since.
        if self.flight().ends(seq).is_none() {
            return;
        }
        let lost = Lost {
            run: self.mint.run().clone(),
            seq,
            sent: letter.sent,
            queue_id: letter.queue_id,
            evidence,
        };
        self.record(Fact::CanaryLost(lost));
    }

    /// Lists the queues, where their budgets have room, and notes who is not in them. What cannot be listed to its end now
    /// is asked again after the next look.
    async fn ask_the_queues(&self, missing: Vec<(u64, Text)>) {
        let wanted: BTreeSet<Text> = missing.iter().map(|(_, id)| id.clone()).collect();
        let mut found = BTreeSet::new();
        for (source, budget, runner) in self.into.queues() {
            match self.list(source, budget, runner, &wanted).await {
                Ok(Some(known)) => found.extend(known),
                Ok(None) => return,
                Err(why) => {
                    let server: &Name = &self.spec().way_in.server;
                    tracing::info!(%server, queue = %source.name, %why, "the queue cannot be asked for letters");
                    return;
                }
            }
        }
        let ended = self.now();
        for (seq, id) in missing {
            if found.contains(&id) {
                self.flight().listed(seq);
            } else {
                self.flight().unlisted(seq, ended);
            }
        }
    }

    /// Which of the wanted a queue knows; `None` when it may not be listed now, or was not to its end.
    async fn list(
        &self,
        source: &QueueSource,
        budget: &Budget,
        runner: &Runner,
        wanted: &BTreeSet<Text>,
    ) -> Result<Option<BTreeSet<Text>>, Missed> {
        let clock = &self.ground.witness.clock;
        if budget.pace().next_listing(clock.now()) > Span::ZERO {
            return Ok(None);
        }
        let _asked = budget.ask();
        let Ok(_one) = self.into.host.reading.acquire().await else {
            return Ok(None);
        };
        let known = Known {
            wanted: wanted.clone(),
            ..Known::default()
        };
        let started = Instant::now();
        let listed = queue::each(source, runner, known, LISTING_TIMEOUT).await;
        match &listed {
            Err(why) if why.kind == Miss::Unreachable => budget.pace().unreached(How::Listed, clock.now()),
            _ => budget
                .pace()
                .ran(How::Listed, clock.shown(started.elapsed()), clock.now()),
        }
        let (known, partial) = listed?;
        Ok(partial.is_none().then_some(known.found))
    }
}

/// What is wanting before a letter can be given up.
enum Wanted {
    /// A listing of the queues, for this name.
    Listing(Text),
    /// A look at the mailbox.
    Look,
}
