//! The kinds of events as numbers in the file, and how long each is kept. A number once given is never given again.

use crate::domain::action::ActionId;
use crate::domain::event::Fact;
use crate::domain::flow::FlowSource;
use crate::domain::queue::How;

/// Kinds below this are samples: rolled up and deleted with age. The others are kept for ever.
pub const KEPT: i64 = 100;

/// A kind of event. The two ways of reading a queue are kinds of their own, because a model wants the last of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
pub enum Kind {
    Probed = 1,
    ProbeMissed = 2,
    QueueCounted = 3,
    QueueListed = 4,
    QueueMissed = 5,
    JobSeen = 6,
    JobMissed = 7,
    Reached = 8,
    ReachLost = 9,
    FlowLogged = 10,
    FlowListed = 11,
    FlowMissed = 12,
    RulesSeen = 13,
    MessagesListed = 14,
    CanarySent = 20,
    CanaryUnsent = 21,
    CanaryHeld = 22,
    CanaryArrived = 23,
    CanaryStray = 24,
    CanaryWatching = 25,
    CanaryBlind = 26,
    ActionPlanned = 100,
    ActionRan = 101,
    ActionReadBack = 102,
    ActionMeasured = 103,
    OutageCorrected = 104,
    ActionLost = 105,
    PauseEnded = 106,
    Drifted = 107,
    RightsSeen = 108,
    ObserverStarted = 110,
    Watching = 111,
    ObserverStopped = 112,
    Notice = 113,
    CanaryLost = 120,
    Incident = 130,
    ClockStepped = 131,
}

impl Kind {
    /// The kinds of which the last before a moment is part of the state at that moment.
    pub const STATE: [Self; 21] = [
        Self::Probed,
        Self::ProbeMissed,
        Self::QueueCounted,
        Self::QueueListed,
        Self::QueueMissed,
        Self::JobSeen,
        Self::JobMissed,
        Self::Reached,
        Self::ReachLost,
        Self::FlowLogged,
        Self::FlowListed,
        Self::FlowMissed,
        Self::RulesSeen,
        Self::CanaryArrived,
        Self::CanaryWatching,
        Self::CanaryBlind,
        Self::OutageCorrected,
        Self::RightsSeen,
        Self::ObserverStarted,
        Self::Watching,
        Self::ObserverStopped,
    ];

    /// The kind of a fact.
    pub const fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Probed(_) => Self::Probed,
            Fact::ProbeMissed(_) => Self::ProbeMissed,
            Fact::QueueSeen(snapshot) => match snapshot.how {
                How::Counted => Self::QueueCounted,
                How::Listed => Self::QueueListed,
            },
            Fact::QueueMissed(_) => Self::QueueMissed,
            Fact::FlowSeen(flow) => match flow.source {
                FlowSource::Log => Self::FlowLogged,
                FlowSource::Listings => Self::FlowListed,
            },
            Fact::FlowMissed(_) => Self::FlowMissed,
            Fact::RulesSeen(_) => Self::RulesSeen,
            Fact::MessagesListed(_) => Self::MessagesListed,
            Fact::OutageCorrected(_) => Self::OutageCorrected,
            Fact::ActionMeasured(_) => Self::ActionMeasured,
            Fact::ActionLost(_) => Self::ActionLost,
            Fact::PauseEnded(_) => Self::PauseEnded,
            Fact::Drifted(_) => Self::Drifted,
            Fact::RightsSeen(_) => Self::RightsSeen,
            Fact::JobSeen(_) => Self::JobSeen,
            Fact::JobMissed(_) => Self::JobMissed,
            Fact::Reached(_) => Self::Reached,
            Fact::ReachLost(_) => Self::ReachLost,
            Fact::ActionPlanned(_) => Self::ActionPlanned,
            Fact::ActionRan(_) => Self::ActionRan,
            Fact::ActionReadBack(_) => Self::ActionReadBack,
            Fact::CanarySent(_) => Self::CanarySent,
            Fact::CanaryUnsent(_) => Self::CanaryUnsent,
            Fact::CanaryHeld(_) => Self::CanaryHeld,
            Fact::CanaryArrived(_) => Self::CanaryArrived,
            Fact::CanaryStray(_) => Self::CanaryStray,
            Fact::CanaryLost(_) => Self::CanaryLost,
            Fact::CanaryWatching(_) => Self::CanaryWatching,
            Fact::CanaryBlind(_) => Self::CanaryBlind,
            Fact::ObserverStarted { .. } => Self::ObserverStarted,
            Fact::Watching(_) => Self::Watching,
            Fact::ObserverStopped => Self::ObserverStopped,
            Fact::Notice(_) => Self::Notice,
            Fact::Incident(_) => Self::Incident,
            Fact::ClockStepped(_) => Self::ClockStepped,
        }
    }

    /// Its number in the file.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// Whether it may be let go when there is no room: samples come again, the others do not.
    pub const fn is_sample(self) -> bool {
        self.code() < KEPT
    }
}

/// The action that a fact belongs to.
pub fn action(fact: &Fact) -> Option<&ActionId> {
    match fact {
        Fact::ActionPlanned(plan) => Some(&plan.id),
        Fact::ActionRan(ran) => Some(&ran.id),
        Fact::ActionReadBack(read) => Some(&read.id),
        Fact::ActionMeasured(measured) => Some(&measured.id),
        Fact::ActionLost(lost) => Some(&lost.id),
        Fact::PauseEnded(ended) => Some(&ended.id),
        Fact::Drifted(drift) => Some(&drift.id),
        _ => None,
    }
}
