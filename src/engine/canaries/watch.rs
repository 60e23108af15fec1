//! Watching the mailbox, over one connection after the other, and putting what comes on record before it is taken away.

use tokio::time::sleep;

use super::Canary;
use crate::canary::{self, Cursor, News, Patience};
use crate::domain::Span;
use crate::domain::canary::{Arrival, Stray, Watching};
use crate::domain::event::Fact;
use crate::domain::reading::Missed;

use super::super::pace::{Pace, Went};

/// The longest that one wait for news lasts: well below the half hour after which servers end a session (RFC 2177 3).
const IDLE: Span = Span::from_secs(60);
/// How often is asked where the server does not tell, at the least and at the most.
const POLL: (Span, Span) = (Span::from_secs(1), Span::from_secs(10));
/// How long until the next connection, after one that ended.
const AGAIN: Span = Span::from_secs(5);

impl Canary {
    pub(super) async fn watch(&self) {
        let mut cursor = Cursor::default();
        let mut pace = Pace::new(AGAIN.min(self.spec().every));
        let mut told: Option<Missed> = None;
        loop {
            self.our_turn().await;
            let mut opened = false;
            let missed = tokio::select! {
                missed = self.watch_once(&mut cursor, &mut opened) => missed,
                () = self.their_turn() => {
                    self.closed.send_replace(Some("another console does".into()));
                    continue;
                }
            };
            self.out.came_of(&missed);
            self.closed.send_replace(Some(missed.to_string().into()));
            if opened {
                told = None;
            }
            // Said once, and not with each try that fails in the same way.
            if told.as_ref() != Some(&missed) {
                self.record(Fact::CanaryBlind(missed.clone()));
                told = Some(missed);
            }
            pace.went(if opened { Went::Well } else { Went::Badly });
            sleep(self.ground.witness.clock.real(pace.wait(fastrand::f64()))).await;
        }
    }

    async fn watch_once(&self, cursor: &mut Cursor, opened: &mut bool) -> Missed {
        let secret = match self.out.secret().await {
            Ok(secret) => secret,
            Err(missed) => return missed,
        };
        let way = canary::Way {
            prober: &self.ground.prober,
            door: &self.out.source.door,
            secret: secret.as_ref(),
            runner: self.out.host.runner.as_ref(),
            now: self.now(),
        };
        let spec = self.spec();
        let quarter = Span::from_micros(spec.late.micros() / 4);
        let patience = Patience {
            idle: IDLE.min(spec.late).min(spec.lost),
            poll: quarter.min(spec.every).clamp(POLL.0, POLL.1),
        };
        let clock = &self.ground.witness.clock;
        let mut tell = |news| {
            *opened = true;
            self.news(news);
        };
        canary::watch(way, &self.mint, cursor, patience, clock, &mut tell).await
    }

    fn news(&self, news: News) {
        let run = self.mint.run().clone();
        match news {
            News::Opened(how, cleans) => {
                self.record(Fact::CanaryWatching(Watching { run, how, cleans }));
                self.closed.send_replace(None);
            }
            News::Came {
                stamp,
                state,
                place,
                noticed,
            } => {
                let known = self.flight().ends(stamp.seq);
                let round_trip = Span::between(stamp.at, noticed);
                let accepted = known.and_then(|l| l.accepted);
                let arrival = Arrival {
                    run,
                    seq: stamp.seq,
                    sent: stamp.at,
                    round_trip,
                    queued: accepted.map(|a| (round_trip - a).max(Span::ZERO)),
                    place,
                    state,
                };
                self.record_of(noticed, Fact::CanaryArrived(arrival));
            }
            News::Stray(why, place) => self.record(Fact::CanaryStray(Stray { run, why, place })),
            News::Looked(began) => {
                self.looked.send_replace(Some(began));
            }
        }
    }
}
