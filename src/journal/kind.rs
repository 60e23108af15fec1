//! The kinds of events as numbers in the file, and how long each is kept. A number once given is never given again.

use crate::domain::action::ActionId;
use crate::domain::event::Fact;
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
    ActionPlanned = 100,
    ActionRan = 101,
    ActionReadBack = 102,
    ObserverStarted = 110,
    Watching = 111,
    ObserverStopped = 112,
    Notice = 113,
}

impl Kind {
    /// The kinds of which the last before a moment is part of the state at that moment.
    pub const STATE: [Self; 12] = [
        Self::Probed,
        Self::ProbeMissed,
        Self::QueueCounted,
        Self::QueueListed,
        Self::QueueMissed,
        Self::JobSeen,
        Self::JobMissed,
        Self::Reached,
        Self::ReachLost,
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
            Fact::JobSeen(_) => Self::JobSeen,
            Fact::JobMissed(_) => Self::JobMissed,
            Fact::Reached(_) => Self::Reached,
            Fact::ReachLost(_) => Self::ReachLost,
            Fact::ActionPlanned(_) => Self::ActionPlanned,
            Fact::ActionRan(_) => Self::ActionRan,
            Fact::ActionReadBack(_) => Self::ActionReadBack,
            Fact::ObserverStarted { .. } => Self::ObserverStarted,
            Fact::Watching(_) => Self::Watching,
            Fact::ObserverStopped => Self::ObserverStopped,
            Fact::Notice(_) => Self::Notice,
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
        _ => None,
    }
}
