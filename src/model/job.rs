//! One maintenance job as known: its last reading, and the pause that it is in.

use jiff::Timestamp;

use crate::domain::action::{ActionId, Drift, Otherwise, PauseEnded, Rights};
use crate::domain::action::{Plan, Verb};
use crate::domain::event::Fact;
use crate::domain::health::Verdict;
use crate::domain::job::{Armed, JobState, State};
use crate::domain::reading::Kept;
use crate::domain::roster::WatchedJob;
use crate::domain::{Name, Span};

/// One maintenance job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: Name,
    /// As configured.
    pub watched: Option<WatchedJob>,
    /// The last reading.
    pub state: Kept<JobState>,
    /// When the pause that was last asked for is over by its own plan.
    pub pause_ends: Option<Timestamp>,
    /// The newest action on it.
    pub last_action: Option<ActionId>,
    /// How it was found otherwise than it was last made to be, and when. Gone with the next action on it, or when it is found
    /// as it should be.
    pub drift: Option<(Drift, Timestamp)>,
    /// How its last pause ended, when that was seen. Gone with the next action on it.
    pub ended: Option<(PauseEnded, Timestamp)>,
    /// What the login there may not do for it, and when that was found.
    pub rights: Option<(Rights, Timestamp)>,
}

impl Job {
    /// Takes in a fact about it.
    pub(super) fn seen(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::JobSeen(s) => {
                if self.drift.as_ref().is_some_and(|(d, _)| is_mended(d, s)) {
                    self.drift = None;
                }
                self.state.saw(s.clone(), at);
            }
            Fact::JobMissed(why) => self.state.miss(why.clone(), at),
            Fact::RightsSeen(rights) => self.rights = Some((rights.clone(), at)),
            // Of whichever action that is: what is expected may go back to one before the newest, which failed.
            Fact::Drifted(drift) => self.drift = Some((drift.clone(), at)),
            Fact::PauseEnded(ended) => {
                self.drift = None;
                self.ended = Some((ended.clone(), at));
            }
            _ => {}
        }
    }
    /// An action on it is about to run.
    pub(super) fn acted_on(&mut self, plan: &Plan, at: Timestamp) {
        // A flush leaves a pause as it is.
        if plan.verb != Verb::Flush {
            self.last_action = Some(plan.id.clone());
        }
        match plan.verb {
            Verb::Pause | Verb::Extend => self.pause_ends = plan.lasts.map(|l| l.after(at)),
            Verb::Resume => self.pause_ends = None,
            Verb::Flush => {}
        }
    }
    /// An action on it was read back as asked: what was told of the time before is over.
    pub(super) fn came_about(&mut self, plan: &Plan) {
        if plan.verb != Verb::Flush {
            (self.drift, self.ended) = (None, None);
        }
    }
    pub(super) fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            state: Kept::default(),
            pause_ends: None,
            last_action: None,
            drift: None,
            ended: None,
            rights: None,
        }
    }
    /// The resumes that the server itself has armed for it, the first to fire first, each with the time left at `now` where
    /// the server tells; `None` when the server was not read lately.
    pub fn leases(&self, now: Timestamp, good_for: Span) -> Option<Vec<(&Armed, Option<Span>)>> {
        let reading = self.state.reading(now, good_for);
        let (state, age) = (reading.fresh()?, reading.age(now)?);
        let left = |a: &Armed| a.fires_in.map(|f| f - age);
        let mut all: Vec<_> = state.armed.iter().map(|a| (a, left(a))).collect();
        all.sort_by_key(|(_, left)| (left.is_none(), *left));
        Some(all)
    }
    /// Whether it is still paused although its pause is over by its own plan and the server has no other end armed:
    /// somebody has to resume it.
    pub fn pause_overdue(&self, now: Timestamp, good_for: Span) -> bool {
        let reading = self.state.reading(now, good_for);
        let unended = reading
            .fresh()
            .is_some_and(|s| s.state == State::Paused && s.armed.is_empty() && !s.armed_unread);
        unended && self.pause_ends.is_some_and(|end| end < now)
    }
    /// A failed job, one that drifted and a pause that was forgotten are a warning; a job that cannot be read is unknown;
    /// whatever else it does is well.
    pub fn verdict(&self, now: Timestamp, good_for: Span) -> Verdict {
        if self.drift.is_some() || self.pause_overdue(now, good_for) {
            return Verdict::Warn;
        }
        match self.state.reading(now, good_for).fresh().map(|s| s.state) {
            Some(State::Running | State::Paused | State::Idle) => Verdict::Ok,
            Some(State::Failed) => Verdict::Warn,
            Some(State::Unknown) | None => Verdict::Unknown,
        }
    }
}

/// Whether a job that drifted is found as it should be again.
fn is_mended(drift: &Drift, found: &JobState) -> bool {
    match drift.how {
        // One that was let go and is done is as it should be, too.
        Otherwise::State => {
            drift.expected == found.state || (drift.expected, found.state) == (State::Running, State::Idle)
        }
        Otherwise::NoEnd => !found.armed.is_empty(),
        // A service that is idle is what was to be started.
        Otherwise::NotEnded => found.state == State::Running,
        // What was let go does not come back: that is told for as long as the pause lasts.
        Otherwise::LetGo => false,
    }
}
