//! What the console asks for, as data: `App::update` returns effects, the engine runs them, and its answers come back as
//! messages. Nothing here is awaited between a key and its paint.

use jiff::Timestamp;

use super::action::{ActionId, Choices, Plan, Verb};
use super::incident::terms::Remind;
use super::incident::{IncidentId, Said, Terms};
use super::influence::Measured;
use super::message::{MessagePage, Pick};
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
        /// What was chosen beside it.
        choices: Choices,
    },
    /// Try a plan that was shown without changing anything, and answer with [`Answer::Checked`].
    Check {
        /// Which.
        id: ActionId,
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
    /// List the messages of a queue that fit, and answer with [`Answer::Messages`].
    Messages {
        /// The server.
        server: Name,
        /// The queue.
        queue: Name,
        /// Which of them.
        pick: Pick,
    },
    /// Put on record since when a server's senders could not deliver, or take that back.
    CorrectOutage {
        /// The server.
        server: Name,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// Put on record what an action did.
    Measured {
        /// The action's server.
        server: Name,
        /// What it did.
        measured: Measured,
    },
    /// Show the fleet as it was; the answer bears the number.
    Past(u64, Back),
    /// Put on record what is said of an incident; a new one when `None`.
    Said {
        /// Which.
        incident: Option<IncidentId>,
        /// What.
        said: Said,
    },
    /// Post an update by the configured program, and put it on record once that took it. Answered with
    /// [`Answer::Published`] or [`Answer::NotPublished`].
    Publish {
        /// The incident.
        incident: IncidentId,
        /// The program as it was shown: another one is not run.
        shown: Text,
        /// The words, as they go out.
        words: String,
        /// When the next ones are promised.
        next_at: Option<Timestamp>,
    },
    /// Hand words to the terminal's clipboard, or to a file where that cannot be.
    Copy {
        /// The words.
        words: String,
        /// What a file of them is called.
        file: String,
        /// Where to.
        to: CopyTo,
    },
    /// Let the user's own editor change words.
    Edit(String),
    /// Tell a person who looks elsewhere.
    Remind {
        /// How.
        how: Vec<Remind>,
        /// What.
        words: Text,
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

/// Where to go in the past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Back {
    /// To a moment.
    To(Timestamp),
    /// To the last line of the timeline before a moment.
    Before(Timestamp),
    /// To the next one after it.
    After(Timestamp),
}

/// Where words are copied to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyTo {
    /// The terminal's clipboard where it takes them, else a file.
    Clipboard,
    /// A file.
    File,
}

/// What came of asking for messages.
#[derive(Clone, PartialEq, Debug)]
pub enum Messages {
    /// They wait for the load budget: a listing may come in so long, and will be made then.
    In(Span),
    /// They are being listed.
    Listing,
    /// Here they are.
    Are(Box<MessagePage>),
    /// They could not be listed.
    Missed(Missed),
}

/// One thing that was tried without changing anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// What was tried.
    pub what: Text,
    /// `Err`: why it would not do.
    pub would: Result<Text, Text>,
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
    /// What trying a plan without changing anything showed.
    Checked {
        /// Which.
        id: ActionId,
        /// One line for each thing that was tried.
        checks: Vec<Check>,
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
    /// The messages that were asked for.
    Messages {
        /// The server.
        server: Name,
        /// The queue.
        queue: Name,
        /// What was asked.
        pick: Pick,
        /// What came of it.
        page: Messages,
    },
    /// How incidents are kept, as the config has it now.
    Terms(Box<Terms>),
    /// The program took the update, and it is on its way onto the record.
    Published {
        /// The incident.
        incident: IncidentId,
    },
    /// The update is not on record as posted.
    NotPublished {
        /// The incident.
        incident: IncidentId,
        /// What is known of the update itself.
        went: Went,
        /// Why, and all that the program said, line by line.
        why: Vec<Text>,
    },
    /// A word for the status line.
    Notice(Text),
}

/// What is known of an update that is not on record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Went {
    /// The program did not run, or says that it failed.
    NotPosted,
    /// The program was ended before it said how it went: it may have posted before that.
    Unknown,
    /// The program took it, and then the record failed.
    Posted,
}

impl Went {
    /// In words, of an update.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotPosted => "was NOT posted, and is not on record",
            Self::Unknown => "is not on record, and whether it was posted is not known",
            Self::Posted => "WAS POSTED, and is not on record",
        }
    }
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
