//! Sending: one letter each interval, less often while the door refuses, none while there is a reason. A letter that leaves
//! is noted before it is handed in, because it may come out before the answer does.

use std::time::Instant;

use tokio::time::sleep;

use super::Canary;
use crate::canary::{self, Taken, Untaken, hand_in};
use crate::domain::canary::{Sent, WhilePaused};
use crate::domain::event::{Fact, Subject};
use crate::domain::job::JobKind;
use crate::domain::reading::Missed;
use crate::domain::standing::Standing;
use crate::domain::{Span, Text};

/// How often is asked whether a valve is open again.
const ASK_AGAIN: Span = Span::from_secs(5);
/// The most intervals between two letters while the door refuses.
const MOST_BACK_OFF: i64 = 8;

impl Canary {
    pub(super) async fn send(&self) {
        let clock = &self.ground.witness.clock;
        let (mut seq, mut refused) = (0, 0_u32);
        loop {
            self.our_turn().await;
            self.until_free().await;
            if self.ground.no_more.is_cancelled() {
                return;
            }
            let started = Instant::now();
            seq += 1;
            refused = if self.letter(seq).await {
                0
            } else {
                refused.saturating_add(1)
            };
            let factor = 1_i64
                .checked_shl(refused)
                .unwrap_or(MOST_BACK_OFF)
                .clamp(1, MOST_BACK_OFF);
            let rest = clock.real(self.spec().every * factor).saturating_sub(started.elapsed());
            tokio::select! {
                () = sleep(rest) => {}
                () = self.ground.no_more.cancelled() => return,
            }
        }
    }

    /// One letter; whether it was taken, or may have been.
    async fn letter(&self, seq: u64) -> bool {
        let at = self.now();
        match self.try_letter(seq, at).await {
            Ok(()) => true,
            Err(missed) => {
                self.flight().ends(seq);
                self.into.came_of(&missed);
                self.record(Fact::CanaryUnsent(missed));
                false
            }
        }
    }

    async fn try_letter(&self, seq: u64, at: crate::domain::Timestamp) -> Result<(), Missed> {
        let letter = self.mint.letter(seq, at)?;
        let secret = self.into.secret().await?;
        let way = canary::Way {
            prober: &self.ground.prober,
            door: &self.into.source.door,
            secret: secret.as_ref(),
            runner: self.into.host.runner.as_ref(),
            now: at,
        };
        self.flight().leaves(seq, at);
        let (accepted, queue_id, said) = match hand_in(way, &letter).await {
            Ok(Taken { said, queue_id }) => (Some(Span::between(at, self.now())), queue_id, said),
            Err(Untaken::Unanswered(why)) => (None, None, why),
            Err(Untaken::No(missed)) => return Err(missed),
        };
        if let Some(after) = accepted {
            self.flight().taken(seq, after, queue_id.clone());
        }
        let sent = Sent {
            run: self.mint.run().clone(),
            seq,
            accepted,
            queue_id,
            said,
        };
        self.record_of(at, Fact::CanarySent(sent));
        Ok(())
    }

    /// Waits until nothing speaks against a letter; what does goes on record when it changes.
    async fn until_free(&self) {
        let mut told: Option<Text> = None;
        loop {
            if self.ground.no_more.is_cancelled() {
                return;
            }
            let mut closed = self.closed.subscribe();
            let shut = closed.borrow_and_update().clone();
            let why = match shut {
                Some(why) => Some(format!("the mailbox is not watched: {why}").into()),
                None => self.valve().await,
            };
            let Some(why) = why else { return };
            if told.as_ref() != Some(&why) {
                self.record(Fact::CanaryHeld(why.clone()));
                told = Some(why);
            }
            let again = self.ground.witness.clock.real(ASK_AGAIN.min(self.spec().every));
            tokio::select! {
                _ = closed.changed() => {}
                // The record tells of an action only when it is asked.
                () = sleep(again) => {}
                () = self.ground.no_more.cancelled() => return,
            }
        }
    }

    /// Which valve of either server is closed by an action on record, in words.
    async fn valve(&self) -> Option<Text> {
        if self.spec().while_paused == WhilePaused::Send {
            return None;
        }
        for way in [&self.into, &self.out] {
            let server = &way.host.server;
            for job in server.jobs.iter().filter(|j| matches!(j.kind, JobKind::Postfix(_))) {
                let about = Subject::Job {
                    server: server.name.clone(),
                    job: job.name.clone(),
                };
                let record = self.ground.journal.recall(about).await.unwrap_or_default();
                let until = Standing::on_record(&job.kind, &record).paused_until();
                if until.is_some_and(|t| t > self.now()) {
                    return Some(format!("{} on {} is closed by an action", job.name, server.name).into());
                }
            }
        }
        None
    }
}
