//! What the console asks for, as data: `App::update` returns effects, the engine runs them, and its answers come back as
//! messages. Nothing here is awaited between a key and its paint.

use super::action::{ActionId, Plan, Verb};
use super::reading::Missed;
use super::{Name, Span, Text};

/// One thing for the engine, or for the terminal's owner, to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Work out what pausing or resuming this job would do, and answer with [`Answer::Planned`].
    Plan {
        /// The server.
        server: Name,
        /// The job.
        job: Name,
        /// What.
        verb: Verb,
        /// For how long, for a pause.
        lasts: Option<Span>,
    },
    /// Run a plan that was shown and confirmed.
    Run {
        /// The plan as shown.
        plan: Box<Plan>,
        /// Why.
        reason: Text,
    },
    /// Look now: at one server, or at all.
    Refresh {
        /// Which; all when `None`.
        server: Option<Name>,
    },
    /// Read the config again.
    Reload,
    /// Turn the mouse on or off.
    Mouse(Toggle),
    /// Send the whole screen again.
    Redraw,
    /// Suspend to the shell (Ctrl-Z).
    Suspend,
}

/// On or off, said in full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Toggle {
    /// On.
    On,
    /// Off.
    Off,
}

/// What comes back from the engine besides events.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// The plan that was asked for.
    Planned(Box<Plan>),
    /// Why there is none.
    NotPlanned {
        /// The server.
        server: Name,
        /// The job.
        job: Name,
        /// What was asked.
        verb: Verb,
        /// Why.
        why: Missed,
    },
    /// A confirmed plan was refused or could not be started; nothing ran.
    NotRun {
        /// Which.
        id: ActionId,
        /// Why.
        why: Text,
    },
    /// Whether this console probes, or shows what another one of the same journal sees.
    Role(Role),
    /// Whether what is on screen is also on disk.
    Recording(Recording),
    /// A word for the status line.
    Notice(Text),
}

/// Who probes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// We do, all of it.
    Probing,
    /// Another console holds the lease for some servers or all.
    Following {
        /// The other observer.
        holder: Text,
    },
}

/// Whether events are being recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recording {
    /// Yes.
    Yes,
    /// No, and why: the screen says so.
    No {
        /// Why.
        why: Text,
    },
}
