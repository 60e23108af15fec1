//! From what the log says to what happened: the state of each queue file that spoke lately, and the counts that come of
//! it. Pure. A file's state ends with the file, because its name may be given to another one; it is kept a while after
//! that, for a hop that says only afterwards that it put the mail into this queue again. State is bounded in number and age.

use std::collections::HashMap;

use jiff::Timestamp;

use super::line::Line;
use super::said::{Id, Origin, Outcome, Said};
use crate::domain::Span;
use crate::domain::flow::FlowCounts;

/// Files in one of the two generations of states, and smtpd processes.
const FILES: usize = 32_768;
const CLIENTS: usize = 4_096;
/// A generation ends after this time, too: a file that said nothing for two of them is forgotten.
const GENERATION: Span = Span::from_hours(1);

/// What is known of a file: the union of these.
type Known = u16;
/// It came to be (and was counted, unless requeued).
const ENTERED: Known = 1;
/// It is not new: `postsuper -r` moved it.
const REQUEUED: Known = 1 << 1;
/// It did not stay, or will not.
const REFUSED: Known = 1 << 2;
/// It goes on hold when it comes to be.
const HOLD_COMING: Known = 1 << 3;
/// It was put on hold on its way in, which is told once for each recipient or header.
const HELD: Known = 1 << 4;
/// qmgr has it, so it stays.
const ACTIVE: Known = 1 << 5;
/// What became of its recipients.
const SENT: Known = 1 << 6;
const PASSED_ON: Known = 1 << 7;
const THROWN: Known = 1 << 8;
const BOUNCED: Known = 1 << 9;
const EXPIRED: Known = 1 << 10;
/// It is gone.
const ENDED: Known = 1 << 11;

/// Files in two generations: who speaks moves into the young one, and the old one is dropped when the young one is full.
#[derive(Debug, Default)]
struct Files {
    young: HashMap<Id, Known>,
    old: HashMap<Id, Known>,
    began: Option<Timestamp>,
}

impl Files {
    fn get(&self, id: Id) -> Option<Known> {
        self.young.get(&id).or_else(|| self.old.get(&id)).copied()
    }
    fn of(&mut self, id: Id) -> &mut Known {
        if self.young.len() >= FILES && !self.young.contains_key(&id) {
            self.turn();
        }
        let before = self.old.remove(&id);
        self.young.entry(id).or_insert(before.unwrap_or_default())
    }
    /// The state of a file that is there: a name that was of an ended one is of another now.
    fn living(&mut self, id: Id) -> &mut Known {
        let known = self.of(id);
        if *known & ENDED != 0 {
            *known = 0;
        }
        known
    }
    fn turn(&mut self) {
        self.old = std::mem::take(&mut self.young);
    }
    fn age(&mut self, now: Timestamp) {
        let began = *self.began.get_or_insert(now);
        if Span::between(began, now).micros().abs() > GENERATION.micros() {
            self.turn();
            self.began = Some(now);
        }
    }
}

/// What the next file of an smtpd process is in for.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    file: Option<Id>,
    next: Known,
}

/// Counts what happens to the files of one Postfix instance.
#[derive(Debug)]
pub(super) struct Count {
    /// What the instance logs as.
    name: Vec<u8>,
    files: Files,
    clients: HashMap<u32, Client>,
    counts: FlowCounts,
    /// Arrivals that were counted in an earlier interval, and turned out not to stay.
    too_many: u64,
}

impl Count {
    /// Nothing counted yet, for the instance that logs as `name`.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            files: Files::default(),
            clients: HashMap::new(),
            counts: FlowCounts::default(),
            too_many: 0,
        }
    }

    /// What was counted since the last time, at `now`. State of files stays.
    pub(super) fn take(&mut self, now: Timestamp) -> FlowCounts {
        self.files.age(now);
        let mut counts = std::mem::take(&mut self.counts);
        // What was counted too much before is taken off here, and what is left over, the next time: the sum is right.
        let off = self.too_many.min(counts.arrived);
        counts.arrived -= off;
        self.too_many -= off;
        counts
    }

    /// Takes one line.
    pub(super) fn line(&mut self, line: &Line<'_>) {
        if let Some(program) = line.program(&self.name) {
            if let Some(said) = Said::of(program, line.text) {
                self.said(said, line.pid);
            }
        } else if let Some(said) = Said::delivery(b"", line.text) {
            // A transport may log under a name of its own (`-o syslog_name=postfix-slow`): what it says of a file that our
            // queue manager has handed out is ours. Names of files are unique on one file system.
            if let Said::Delivery(id, _) = said
                && self.files.get(id).is_some_and(|k| k & ACTIVE != 0 && k & ENDED == 0)
            {
                self.said(said, line.pid);
            }
        }
    }

    fn said(&mut self, said: Said, pid: u32) {
        match said {
            Said::Opened(id) => {
                let client = self.client(pid);
                let next = std::mem::take(&mut client.next);
                client.file = Some(id);
                *self.files.of(id) = next;
            }
            Said::NextHeld => self.client(pid).next |= HOLD_COMING,
            Said::NextRefused => self.client(pid).next |= REFUSED,
            Said::ClientLost => {
                if let Some(id) = self.client(pid).file {
                    self.refuse(id);
                }
            }
            Said::ClientDone => {
                self.clients.remove(&pid);
            }
            Said::PickedUp(id, origin) => {
                *self.files.of(id) = match origin {
                    Origin::Local => 0,
                    Origin::Requeued => REQUEUED,
                };
            }
            Said::Entered(id) => self.enter(id),
            Said::Refused(id) => self.refuse(id),
            Said::HoldComing(id) => {
                let known = self.files.living(id);
                if *known & ENTERED == 0 {
                    *known |= HOLD_COMING;
                } else if *known & HELD == 0 {
                    *known |= HELD;
                    self.counts.held += 1;
                }
            }
            Said::Active(id) => {
                let known = self.files.living(id);
                // Expired before, and still here: its sender could not be told, so it is tried again.
                *known = (*known | ACTIVE) & !EXPIRED;
            }
            Said::Delivery(id, outcome) => self.delivery(id, outcome),
            Said::Expired(id) => *self.files.living(id) |= EXPIRED,
            Said::Removed(id) => self.removed(id),
            Said::Corrupt(id) => self.end(id, |c| &mut c.unexplained),
            Said::Deleted(id) => self.end(id, |c| &mut c.removed),
            Said::Requeued(id) => self.end(id, |c| &mut c.requeued),
            Said::Held(_) => self.counts.held += 1,
            Said::Released(_) => self.counts.released += 1,
        }
    }

    fn client(&mut self, pid: u32) -> &mut Client {
        if self.clients.len() >= CLIENTS {
            self.clients.clear();
        }
        self.clients.entry(pid).or_default()
    }

    fn enter(&mut self, id: Id) {
        let known = self.files.living(id);
        if *known & ACTIVE != 0 {
            // cleanup says nothing more of a file that qmgr has: another file has its name, and its end was not seen.
            *known = 0;
        }
        // A message may have two Message-IDs, and one that was refused may have its first one read after that.
        if *known & (ENTERED | REFUSED) != 0 {
            return;
        }
        *known |= ENTERED;
        if *known & REQUEUED == 0 {
            self.counts.arrived += 1;
        }
        if *known & HOLD_COMING != 0 {
            *known |= HELD;
            self.counts.held += 1;
        }
    }

    fn refuse(&mut self, id: Id) {
        let known = self.files.living(id);
        if *known & (ACTIVE | REFUSED) != 0 {
            return;
        }
        let counted = *known & (ENTERED | REQUEUED) == ENTERED;
        *known = (*known & !ENTERED) | REFUSED;
        if counted {
            match self.counts.arrived.checked_sub(1) {
                Some(n) => self.counts.arrived = n,
                None => self.too_many += 1,
            }
        }
    }

    fn delivery(&mut self, id: Id, outcome: Outcome) {
        let became = match outcome {
            Outcome::SentAs(next) if next != id && self.files.get(next).is_some_and(|k| k & ENTERED != 0) => PASSED_ON,
            Outcome::Sent | Outcome::SentAs(_) => SENT,
            Outcome::Thrown => THROWN,
            Outcome::Bounced => BOUNCED,
        };
        if became == SENT {
            self.counts.recipients += 1;
        }
        *self.files.living(id) |= became;
    }

    /// The worst that happened to a recipient names the exit; where some have it, it is delivered.
    fn removed(&mut self, id: Id) {
        let known = *self.files.living(id);
        let has = |what: Known| known & what != 0;
        self.end(
            id,
            match () {
                () if has(EXPIRED) => |c| &mut c.expired,
                () if has(BOUNCED) => |c| &mut c.bounced,
                () if has(SENT) => |c| &mut c.delivered,
                () if has(PASSED_ON) => |c| &mut c.passed_on,
                () if has(THROWN) => |c| &mut c.discarded,
                () => |c| &mut c.unexplained,
            },
        );
    }

    fn end(&mut self, id: Id, counted_as: fn(&mut FlowCounts) -> &mut u64) {
        *counted_as(&mut self.counts) += 1;
        // That it was here stays known: a hop may say later that it handed its mail on to this file.
        *self.files.of(id) |= ENDED;
    }
}

#[cfg(test)]
mod tests;
