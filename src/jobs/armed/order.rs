//! The end of a pause as it is to be armed: the command that arms it is made of this, once to be shown and once more when
//! the reason is known, and so is the one that takes it away.

use super::{Kept, Lease, RunAs, timer, told, watcher};
use crate::domain::Span;
use crate::domain::argv::Argv;
use crate::domain::job::Keeper;
use crate::domain::queue::Sudo;

/// What is to be armed.
#[derive(Clone, PartialEq, Debug)]
pub(in super::super) struct Order {
    /// Its name on the server.
    pub name: String,
    /// After how long it fires.
    pub after: Span,
    /// What it runs then: for a watcher as the login there would.
    pub back: Vec<Argv>,
    pub by: By,
}

/// What keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum By {
    /// A timer, armed through sudo or not.
    Timer(Sudo, RunAs),
    /// A process of the login.
    Watcher,
}

impl Order {
    /// What arms it.
    pub fn arm(&self, by: &str, why: &str) -> Argv {
        let description = told::encode(by, why);
        match self.by {
            By::Timer(sudo, run_as) => with(
                sudo,
                timer::arm(&self.name, self.after, &description, run_as, &self.back),
            ),
            By::Watcher => watcher::arm(&self.name, self.after, &description, &self.back),
        }
    }
    /// What takes it away.
    pub fn disarm(&self) -> Argv {
        match self.by {
            By::Timer(sudo, _) => with(sudo, timer::disarm([&*self.name])),
            By::Watcher => watcher::disarm([&*self.name]),
        }
    }
    pub const fn keeper(&self) -> Keeper {
        match self.by {
            By::Timer(..) => Keeper::Timer,
            By::Watcher => Keeper::Watcher,
        }
    }
}

/// What takes these away, a command for each kind of keeper that there is among them.
pub(in super::super) fn disarm(leases: &[&Lease], sudo: Sudo) -> Vec<Argv> {
    let names = |timers: bool| {
        let those = leases.iter().filter(|l| matches!(l.kept, Kept::Timer) == timers);
        those.map(|l| &*l.name).collect::<Vec<_>>()
    };
    let (timers, watchers) = (names(true), names(false));
    let timers = (!timers.is_empty()).then(|| with(sudo, timer::disarm(timers)));
    let watchers = (!watchers.is_empty()).then(|| watcher::disarm(watchers));
    timers.into_iter().chain(watchers).collect()
}

fn with(sudo: Sudo, argv: Argv) -> Argv {
    match sudo {
        Sudo::Yes => argv.under(&["sudo", "-n"]),
        Sudo::No => argv,
    }
}
