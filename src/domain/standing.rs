//! What is expected of one job since the last action on it, as a fold over what is on record, and what a new reading says of
//! that: a pause that is over, or a job that is not as it was last made to be. Pure; nothing here acts.
//!
//! A pause ends by its lease, the resume that is armed on the server: while it is armed the pause holds, and a job that
//! runs then was started by somebody else. Once it is gone, the time of the plan tells whether it has fired: before that
//! time somebody took it away, or the host was restarted and nothing ends the pause any more; after it what is paused
//! still was not ended by what was to end it.

use jiff::Timestamp;

use super::Span;
use super::action::{ActionId, Drift, Ending, Otherwise, PauseEnded, Plan, ReadBack, Truth, Verb};
use super::event::{Event, Fact};
use super::job::{JobKind, JobState, PostgresPause, State, SystemdPause};

/// How far a lease may fire from the end by the plan: timers are armed with an accuracy of a second, and clocks differ.
const NEAR: Span = Span::from_secs(2);
/// What comes back this soon after it was cancelled is told. Later it may well be due.
const CANCELLED: Span = Span::from_hours(1);

/// What is expected of a job.
#[derive(Clone, PartialEq, Debug)]
pub struct Standing {
    idle: Idle,
    /// Actions whose read-back is not on record, oldest first: while there is one, nothing is expected.
    open: Vec<Known>,
    expected: Option<Expected>,
    /// What an action that was not confirmed would have us expect, until a reading proves it.
    unproven: Option<Pause>,
    /// In what it was found otherwise, on record, and not as it should be since.
    departed: Option<Otherwise>,
    /// Looks at what was paused still after its end had come.
    overdue: usize,
    /// Messages that were held at the newest look at the pause that tells.
    held: Option<u64>,
    /// Of which action the expectation is, by its place among all; those before it count no more.
    of: usize,
    planned: usize,
    /// The newest action of all.
    newest: Option<Known>,
}

/// What it means for a job's pause that the job is idle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Idle {
    /// What was paused is gone.
    Gone,
    /// It may be what a pause looks like: a service that is stopped.
    Paused,
    /// It is not paused: it would run when it has something to do.
    Released,
}

/// An action on the job, as far as it is on record.
#[derive(Clone, PartialEq, Debug)]
pub struct Known {
    /// Which.
    pub plan: Plan,
    /// When it was put on record.
    pub at: Timestamp,
    /// Whether its commands failed; `None` while that is not known.
    pub failed: Option<bool>,
    /// What was read back.
    pub truth: Option<Truth>,
    /// Its place among all that were planned.
    place: usize,
}

#[derive(Clone, PartialEq, Debug)]
enum Expected {
    Paused(Pause),
    /// After the resume of this id.
    Running(ActionId),
    /// Not at it, after the cancel of this id, until then.
    Cancelled(ActionId, Timestamp),
}

#[derive(Clone, PartialEq, Debug)]
struct Pause {
    id: ActionId,
    /// When it was put on record.
    began: Timestamp,
    /// When it is over by its plan. The lease is armed a moment later, and fires no earlier.
    ends: Timestamp,
    /// Whether a lease was armed for it.
    armed: bool,
}

impl Pause {
    /// The pause that a plan leaves; `None` for what leaves none.
    fn of(plan: &Plan, at: Timestamp) -> Option<Self> {
        Some(Self {
            id: plan.id.clone(),
            began: at,
            ends: plan.lasts.filter(|_| plan.verb.lasts())?.after(at),
            armed: plan.armed_on_server,
        })
    }
    fn lease<'a>(&self, found: &'a JobState) -> Option<&'a super::job::Armed> {
        found.armed.iter().find(|a| a.id == self.id)
    }
    fn is_over(&self, at: Timestamp) -> bool {
        Span::between(self.ends, at) >= Span::ZERO - NEAR
    }
    /// Whether its lease has fired by then. Not told by what could not be read.
    fn has_fired(&self, found: &JobState, at: Timestamp) -> bool {
        self.armed && !found.armed_unread && self.lease(found).is_none() && self.is_over(at)
    }
    /// Whether a run of the job began after it.
    fn was_run(&self, found: &JobState, at: Timestamp) -> bool {
        found.began.is_some_and(|ago| Span::between(self.began, at) >= ago)
    }
}

impl Standing {
    /// Nothing is expected of a job of this kind.
    pub fn new(kind: &JobKind) -> Self {
        let idle = match kind {
            JobKind::Systemd {
                how: SystemdPause::Stop,
                timer: None,
                ..
            } => Idle::Paused,
            JobKind::Systemd {
                how: SystemdPause::Stop,
                ..
            }
            | JobKind::Postfix(_) => Idle::Released,
            JobKind::Postgres(db) if matches!(db.pause, PostgresPause::Settings { .. }) => Idle::Released,
            JobKind::Systemd { .. }
            | JobKind::Postgres(_)
            | JobKind::Command { .. }
            | JobKind::Process { .. }
            | JobKind::Dovecot(_) => Idle::Gone,
        };
        Self {
            idle,
            open: vec![],
            expected: None,
            unproven: None,
            departed: None,
            overdue: 0,
            held: None,
            of: 0,
            planned: 0,
            newest: None,
        }
    }

    /// As the record of the job has it.
    pub fn on_record<'a>(kind: &JobKind, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut standing = Self::new(kind);
        for event in events {
            standing.take(&event.what, event.at);
        }
        standing
    }

    /// Takes in what was learned of the job, or done to it, in the order of the record.
    pub fn take(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::ActionPlanned(plan) => {
                self.planned += 1;
                let known = Known {
                    place: self.planned,
                    plan: (**plan).clone(),
                    at,
                    failed: None,
                    truth: None,
                };
                self.newest = Some(known.clone());
                self.open.push(known);
            }
            Fact::ActionRan(ran) => {
                for known in self
                    .open
                    .iter_mut()
                    .chain(&mut self.newest)
                    .filter(|k| k.plan.id == ran.id)
                {
                    known.failed = Some(ran.failed.is_some());
                }
            }
            Fact::ActionReadBack(back) => self.read_back(back),
            Fact::JobSeen(found) => self.seen(found, at),
            Fact::Drifted(drift) if self.is_about(&drift.id) => {
                self.departed = Some(drift.how);
                // That it came back is told once: what runs then is somebody's.
                if matches!(self.expected, Some(Expected::Cancelled(..))) {
                    self.expected = None;
                }
            }
            Fact::PauseEnded(ended) if self.is_about(&ended.id) => self.expected = None,
            _ => {}
        }
    }

    fn read_back(&mut self, back: &ReadBack) {
        if let Some(newest) = self.newest.as_mut().filter(|n| n.plan.id == back.id) {
            newest.truth = Some(back.truth.clone());
        }
        let Some(place) = self.open.iter().position(|k| k.plan.id == back.id) else {
            return;
        };
        let known = self.open.remove(place);
        // One that was lost and is read back after others came to their end says nothing of what holds now.
        if known.plan.verb == Verb::Flush || self.is_outdated(&known) {
            return;
        }
        let Known {
            plan,
            at,
            failed,
            place,
            ..
        } = known;
        self.of = place;
        let pause = Pause::of(&plan, at);
        self.unproven = None;
        match (&back.truth, pause) {
            // It failed, and the job is paused by the one before it, whose lease is the one that counts.
            (Truth::Confirmed { .. }, pause) if failed == Some(true) && self.is_paused() => self.unproven = pause,
            (Truth::Confirmed { .. }, Some(pause)) => self.expect(Some(Expected::Paused(pause))),
            (Truth::Confirmed { .. }, None) if plan.verb == Verb::Resume => {
                self.expect(Some(Expected::Running(plan.id)));
            }
            (Truth::Confirmed { at }, None) if plan.is_cancel() => {
                self.expect(Some(Expected::Cancelled(plan.id, CANCELLED.after(*at))));
            }
            // It did nothing: what was so before is so still.
            (Truth::Contradicted { found }, pause) if self.is_as_expected(found) => self.unproven = pause,
            // It may have done it all the same, or do so a moment later.
            (_, pause) => {
                self.expect(None);
                self.unproven = pause;
            }
        }
    }

    /// Whether an action that was planned after this one has come to its end.
    pub const fn is_outdated(&self, known: &Known) -> bool {
        known.place < self.of
    }

    fn expect(&mut self, what: Option<Expected>) {
        self.expected = what;
        (self.departed, self.overdue, self.held) = (None, 0, None);
    }

    fn seen(&mut self, found: &JobState, at: Timestamp) {
        if found.state == State::Paused
            && let Some(pause) = self.unproven.take_if(|p| p.lease(found).is_some())
        {
            self.expect(Some(Expected::Paused(pause)));
        }
        if self.is_as_expected(found) && !self.has_lost_its_end(found) && !self.was_not_ended(found, at) {
            self.departed = None;
        }
        if self.was_not_ended(found, at) {
            self.overdue += 1;
        }
        if self.is_paused() && found.state == State::Paused {
            self.held = found.held.or(self.held);
        }
    }

    /// Whether it is paused, and nothing on the server is left to end that.
    fn has_lost_its_end(&self, found: &JobState) -> bool {
        let Some(Expected::Paused(pause)) = &self.expected else {
            return false;
        };
        pause.armed && self.looks_paused(found.state) && found.armed.is_empty()
    }

    /// Whether it is paused although its end has come.
    fn was_not_ended(&self, found: &JobState, at: Timestamp) -> bool {
        let Some(Expected::Paused(pause)) = &self.expected else {
            return false;
        };
        // A stopped service looks the same when it was started and was done at once.
        let at_rest = found.state == State::Idle && pause.was_run(found, at);
        self.looks_paused(found.state) && pause.has_fired(found, at) && !at_rest
    }

    const fn is_paused(&self) -> bool {
        matches!(self.expected, Some(Expected::Paused(_)))
    }

    /// Until when it is paused by an action on record, by that action's plan.
    pub fn paused_until(&self) -> Option<Timestamp> {
        match &self.expected {
            Some(Expected::Paused(pause)) => Some(pause.ends),
            _ => None,
        }
    }

    fn is_about(&self, id: &ActionId) -> bool {
        match &self.expected {
            Some(Expected::Paused(pause)) => pause.id == *id,
            Some(Expected::Running(other) | Expected::Cancelled(other, _)) => other == id,
            None => false,
        }
    }

    fn is_as_expected(&self, found: &JobState) -> bool {
        match &self.expected {
            Some(Expected::Paused(_)) => self.looks_paused(found.state),
            Some(Expected::Running(_)) => matches!(found.state, State::Running | State::Idle),
            Some(Expected::Cancelled(..)) => found.state == State::Idle,
            None => false,
        }
    }

    fn looks_paused(&self, state: State) -> bool {
        state == State::Paused || (state == State::Idle && self.idle == Idle::Paused)
    }

    /// The newest action on record.
    pub const fn newest(&self) -> Option<&Known> {
        self.newest.as_ref()
    }

    /// The actions that are not read back, oldest first.
    pub fn open(&self) -> &[Known] {
        &self.open
    }

    /// What a reading of `at` says beyond itself. At most one fact, to be put on record after the reading.
    pub fn judge(&self, found: &JobState, at: Timestamp) -> Vec<Fact> {
        if !self.open.is_empty() || found.state == State::Unknown {
            return vec![];
        }
        match &self.expected {
            None => vec![],
            Some(Expected::Paused(pause)) => self.judge_pause(pause, found, at).into_iter().collect(),
            Some(Expected::Running(id)) => {
                // Somebody who paused it with a lease did it in good order: the screen shows the lease.
                let is_drift = found.state == State::Paused && found.armed.is_empty() && !found.armed_unread;
                let drift = || drifted(id, State::Running, Otherwise::State, found);
                (is_drift && self.departed.is_none()).then(drift).into_iter().collect()
            }
            Some(Expected::Cancelled(id, until)) => {
                let is_back = found.state == State::Running && at < *until;
                let drift = || drifted(id, State::Idle, Otherwise::State, found);
                is_back.then(drift).into_iter().collect()
            }
        }
    }

    fn judge_pause(&self, pause: &Pause, found: &JobState, at: Timestamp) -> Option<Fact> {
        let ended = |how| {
            Fact::PauseEnded(PauseEnded {
                id: pause.id.clone(),
                how,
                found: found.clone(),
            })
        };
        let drift = |expected, how| Some(drifted(&pause.id, expected, how, found));
        // Whether its end has come by itself is in what is armed.
        if found.armed_unread {
            return None;
        }
        let fired = pause.has_fired(found, at);
        if self.looks_paused(found.state) {
            return if self.was_not_ended(found, at) {
                // What is to end it may be at work: the next look tells.
                let is_new = self.departed != Some(Otherwise::NotEnded) && self.overdue > 0;
                is_new.then(|| drift(State::Running, Otherwise::NotEnded)).flatten()
            } else if fired {
                Some(ended(Ending::Expired))
            } else if self.has_lost_its_end(found) {
                let is_new = self.departed != Some(Otherwise::NoEnd);
                is_new.then(|| drift(State::Paused, Otherwise::NoEnd)).flatten()
            } else if self.held.zip(found.held).is_some_and(|(before, now)| now < before) {
                drift(State::Paused, Otherwise::LetGo)
            } else {
                None
            };
        }
        // A pause that somebody ended before is over when its time is, too: from then on nothing is expected.
        if fired {
            return Some(ended(Ending::Expired));
        }
        if self.departed == Some(Otherwise::State) {
            return None;
        }
        let lease = pause.lease(found);
        // It fires about now: the next look tells how it went.
        if lease.is_some_and(|l| l.fires_in.map_or(pause.is_over(at), |left| left <= NEAR)) {
            return None;
        }
        // Without a lease its end is by the plan only, and after that nothing is expected.
        if lease.is_none() && !pause.armed && pause.is_over(at) {
            return None;
        }
        match found.state {
            State::Idle | State::Failed if self.idle != Idle::Released => Some(ended(Ending::Gone)),
            _ => drift(State::Paused, Otherwise::State),
        }
    }
}

fn drifted(id: &ActionId, expected: State, how: Otherwise, found: &JobState) -> Fact {
    Fact::Drifted(Drift {
        id: id.clone(),
        expected,
        how,
        found: found.clone(),
    })
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
