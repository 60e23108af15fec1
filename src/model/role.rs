//! How each role of the fleet is: inbound, mailboxes, outbound. In an outage of one the others may be untouched, and people
//! ask for each.
//!
//! Doors are counted by what they are for. A mail system that is stopped counts as one thing down for inbound and for
//! outbound, beside the doors: nothing comes in and nothing leaves by it, whichever doors are watched. That it runs counts
//! for nothing, because a system that runs may still take in nothing and deliver nothing: only a door is seen to work. And a
//! door that answers is not good for inbound while canary letters are late or lost behind it.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::domain::door::Role;
use crate::domain::health::Verdict;
use crate::domain::queue::SystemState;
use crate::domain::{Name, Span};

use super::{Door, Model, Server};

/// One role over the whole fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoleHealth {
    /// Which.
    pub role: Role,
    /// Doors of this role.
    pub doors: usize,
    /// Of them, down.
    pub down: usize,
    /// Of them, with trouble.
    pub warn: usize,
    /// Of them, not known now: never seen, or not seen lately.
    pub unknown: usize,
    /// Mail systems that are stopped.
    pub stopped: usize,
    /// Canaries whose letters do not come through in time: doors may answer, and mail be refused or kept behind them.
    pub letters: usize,
    /// Of those that are good, the ones that were not to be proved all the way.
    pub short: usize,
    /// And how far the least of these was.
    pub as_far_as: Option<&'static str>,
}

impl RoleHealth {
    const fn none(role: Role) -> Self {
        Self {
            role,
            doors: 0,
            down: 0,
            warn: 0,
            unknown: 0,
            stopped: 0,
            letters: 0,
            short: 0,
            as_far_as: None,
        }
    }
    const fn bad(&self) -> usize {
        self.down + self.stopped
    }
    const fn all(&self) -> usize {
        self.doors + self.stopped
    }

    /// Down when all of it is down as far as is known; a warning when some of it is; not known before it is good.
    pub const fn verdict(&self) -> Verdict {
        match *self {
            _ if self.bad() > 0 && self.bad() + self.unknown == self.all() => Verdict::Down,
            _ if self.bad() > 0 || self.warn > 0 || self.letters > 0 => Verdict::Warn,
            _ if self.unknown > 0 || self.doors == 0 => Verdict::Unknown,
            _ => Verdict::Ok,
        }
    }
    /// How many of how many the verdict speaks of, where that is not all of them: `1 of 3`.
    pub const fn share(&self) -> Option<(usize, usize)> {
        let n = match self.verdict() {
            Verdict::Ok => return None,
            Verdict::Warn if self.bad() == 0 && self.warn == 0 => return None,
            Verdict::Unknown => self.unknown,
            _ if self.bad() > 0 => self.bad(),
            _ => self.warn,
        };
        if n == self.all() { None } else { Some((n, self.all())) }
    }
}

/// `down`, `1 of 3 down, 1 unknown`, `ok to EHLO`.
impl fmt::Display for RoleHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict() {
            Verdict::Ok => {
                let Some(phase) = self.as_far_as else {
                    return f.write_str("ok");
                };
                let phase = phase.trim_start_matches("the ");
                return match self.short {
                    n if n == self.doors => write!(f, "ok to {phase}"),
                    n => write!(f, "ok, {n} of {} to {phase}", self.doors),
                };
            }
            Verdict::Unknown => "unknown",
            _ if self.bad() > 0 && self.doors == 0 => "stopped",
            _ if self.bad() > 0 => "down",
            _ if self.warn == 0 => "letters late",
            _ => "warn",
        };
        if let Some((n, all)) = self.share() {
            write!(f, "{n} of {all} ")?;
        }
        f.write_str(word)?;
        match self.unknown {
            n if n > 0 && self.verdict() != Verdict::Unknown => write!(f, ", {n} unknown"),
            _ => Ok(()),
        }
    }
}

/// The roles that are watched, in their order. A reading is good for `at_least` so long, and longer where it is taken
/// rarely.
pub fn roles(model: &Model, now: Timestamp, at_least: Span) -> Vec<RoleHealth> {
    let mut all = Role::ALL.map(RoleHealth::none);
    for s in model.servers() {
        for d in s.doors.values() {
            if let Some(r) = all.iter_mut().find(|r| r.role == d.role()) {
                count(r, s, d, now, at_least);
            }
        }
        let good_for = s.good_for().max(at_least);
        let stopped = |q: &&super::Queue| {
            let reading = q.reading(now, good_for);
            reading.fresh().is_some_and(|q| q.system == SystemState::Stopped)
        };
        if s.queues.values().any(|q| stopped(&q)) {
            for r in all.iter_mut().filter(|r| r.role != Role::Mailbox) {
                r.stopped += 1;
            }
        }
    }
    let letters = late_letters(model, now);
    for r in all.iter_mut().filter(|r| r.role == Role::Inbound && r.doors > 0) {
        r.letters = letters.len();
    }
    all.into_iter().filter(|r| r.all() > 0).collect()
}

/// The canaries whose letters are late, lost or not taken.
pub(super) fn late_letters(model: &Model, now: Timestamp) -> BTreeSet<Name> {
    let late = |s: &Server| {
        let bad = s.canaries.values().filter(|c| c.matter(now).verdict() == Verdict::Warn);
        bad.map(|c| c.name.clone()).collect::<Vec<_>>()
    };
    model.servers().flat_map(late).collect()
}

fn count(r: &mut RoleHealth, server: &Server, door: &Door, now: Timestamp, at_least: Span) {
    r.doors += 1;
    match door.verdict(server.limits(), now, server.good_for().max(at_least)) {
        Verdict::Down => r.down += 1,
        Verdict::Warn => r.warn += 1,
        Verdict::Unknown => r.unknown += 1,
        Verdict::Ok => {
            let how_far = door.probe.last().and_then(|p| p.goal.as_far_as());
            r.short += usize::from(how_far.is_some());
            // The greeting is the least.
            if r.as_far_as.is_none() || how_far == Some("the greeting") {
                r.as_far_as = how_far;
            }
        }
    }
}
