//! One table of every command: its keys, where they hold, and its words. What a key does, the help, the palette and the
//! footer are all read from it, so they cannot disagree.

mod table;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::glyphs::Glyphs;

pub use table::BINDINGS;

/// What the hands can ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// To the left: the part, the duration.
    Left,
    /// To the right.
    Right,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
    /// In, or yes.
    Open,
    /// Out, or no.
    Back,
    /// The next pane.
    NextPane,
    /// The pane before.
    PreviousPane,
    /// The pane of the probe.
    ProbePane,
    /// The pane of the queue.
    QueuePane,
    /// The pane of the jobs.
    JobsPane,
    /// The pane of the senders.
    SendersPane,
    /// The messages of a queue.
    Messages,
    /// The next page of messages.
    NextPage,
    /// The page of messages before.
    PreviousPage,
    /// Since when senders could not deliver.
    Outage,
    /// A step back in time.
    StepBack,
    /// A step on.
    StepOn,
    /// To the line of the timeline before.
    LineBefore,
    /// To the next one.
    LineAfter,
    /// To a moment.
    GoTo,
    /// Back to now.
    Live,
    /// Play the past, or stop.
    Play,
    /// Pause a job.
    Pause,
    /// Resume a job.
    Resume,
    /// Give a pause another end.
    Extend,
    /// Try everything that waits in a queue.
    Flush,
    /// Mark a server, or unmark it.
    Mark,
    /// Mark every server that is shown.
    MarkAll,
    /// Try a plan without changing anything.
    Check,
    /// Pause although no end can be armed.
    Unarmed,
    /// Another way to do the same.
    Way,
    /// Look at the first of several, or do not.
    Order,
    /// Go on after a failure, or stop.
    GoOn,
    /// Take back what took hold.
    Undo,
    /// Look now.
    Refresh,
    /// Read the config again.
    Reload,
    /// Show only what matches.
    Filter,
    /// Every command by name.
    Palette,
    /// Help for this screen.
    Help,
    /// What mailtop had to say.
    Notices,
    /// One page for the person who takes over.
    Handover,
    /// When the certificates of the fleet end.
    Certificates,
    /// The incident that is open, or all of them.
    Incidents,
    /// Write something down.
    Note,
    /// Open an incident by hand.
    OpenByHand,
    /// The pane of the timeline.
    TimelinePane,
    /// The pane of the clocks.
    ClocksPane,
    /// The pane of the draft.
    DraftPane,
    /// Lines of the next source only.
    Source,
    /// Link a ticket.
    Ticket,
    /// Take an incident.
    Acknowledge,
    /// Say how far it is.
    NextState,
    /// Say that it is over.
    Resolve,
    /// Say when it began.
    Start,
    /// The draft for other readers.
    Whom,
    /// Post the draft, or put it on record as posted.
    Post,
    /// Hand the draft to the clipboard.
    Copy,
    /// Write the draft to a file.
    ToFile,
    /// Edit the draft here.
    Edit,
    /// Edit the draft in the user's own editor.
    Editor,
    /// Take the draft from the record again.
    Unedit,
    /// Mouse on or off.
    Mouse,
    /// ASCII or all glyphs.
    Ascii,
    /// Send the whole screen again.
    Redraw,
    /// To the shell and back by `fg`.
    Suspend,
    /// Leave.
    Quit,
    /// Leave even so.
    Interrupt,
}

/// Where the hands are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The fleet.
    Fleet,
    /// One server.
    Server,
    /// Messages of a queue.
    Messages,
    /// One of them in full.
    Message,
    /// The search among them being typed.
    Search,
    /// The start of an outage being typed.
    Outage,
    /// A moment to go to being typed.
    GoTo,
    /// Every screen, while it shows what is.
    Now,
    /// Every screen, while it shows what was.
    Past,
    /// An action, before it runs.
    Plan,
    /// An action that runs or has run.
    Progress,
    /// Which of several jobs.
    Pick,
    /// Whether to leave while an action runs.
    Question,
    /// The palette.
    Palette,
    /// The filter being typed.
    Filter,
    /// Help and notices.
    Page,
    /// An action on several servers, before it runs: text is typed.
    Batch,
    /// The same, with the hands among the servers.
    BatchRows,
    /// An action on several servers that runs or has run.
    BatchRun,
    /// One of their plans in full.
    BatchPlan,
    /// The incidents.
    Incidents,
    /// One of them.
    Incident,
    /// Something said of one: a single input.
    Saying,
    /// The same with several inputs.
    Fields,
    /// The same with a choice.
    Choosing,
    /// An update, before it goes out.
    Posting,
    /// An update that a program has.
    Publishing,
    /// An update that was not taken.
    NotPosted,
    /// The words of an update being edited.
    Words,
}

impl Command {
    /// Whether it does something to a server or puts something on record: there is none of that in the past.
    pub const fn is_of_now(self) -> bool {
        matches!(
            self,
            Self::Pause
                | Self::Resume
                | Self::Extend
                | Self::Flush
                | Self::Mark
                | Self::MarkAll
                | Self::Refresh
                | Self::Reload
                | Self::Outage
                | Self::Messages
                | Self::Note
                | Self::OpenByHand
                | Self::Ticket
                | Self::Acknowledge
                | Self::NextState
                | Self::Resolve
                | Self::Start
                | Self::Post
                | Self::Edit
                | Self::Editor
                | Self::Unedit
        )
    }
}

/// A key with its modifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
}

impl Chord {
    /// Whether the key pressed is this one. Shift is part of a character already (`G`), and says nothing beside it.
    fn is(self, key: KeyEvent) -> bool {
        self.code == key.code
            && self.ctrl == key.modifiers.contains(KeyModifiers::CONTROL)
            && !key.modifiers.contains(KeyModifiers::ALT)
    }
    /// The key as a terminal sends it.
    #[cfg(test)]
    pub fn event(self) -> KeyEvent {
        let with = if self.ctrl {
            KeyModifiers::CONTROL
        } else {
            KeyModifiers::NONE
        };
        KeyEvent::new(self.code, with)
    }
    /// How it is written for a person.
    pub fn label(self) -> String {
        let key = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.ctrl => c.to_ascii_uppercase().to_string(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            other => format!("{other:?}"),
        };
        if self.ctrl { format!("Ctrl-{key}") } else { key }
    }
}

const fn k(code: KeyCode) -> Chord {
    Chord { code, ctrl: false }
}
const fn c(ch: char) -> Chord {
    k(KeyCode::Char(ch))
}
const fn ctrl(ch: char) -> Chord {
    Chord {
        code: KeyCode::Char(ch),
        ctrl: true,
    }
}

/// A short form for the footer.
#[derive(Clone, Copy, Debug)]
pub struct Foot {
    /// The key, or a pair of them.
    pub key: &'static str,
    /// The word.
    pub word: &'static str,
    /// What goes first when there is no room: the largest.
    pub rank: u8,
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in the table beside None")]
const fn foot(key: &'static str, word: &'static str, rank: u8) -> Option<Foot> {
    Some(Foot { key, word, rank })
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What it does.
    pub command: Command,
    /// Its name in the palette.
    pub name: &'static str,
    /// What it does, in a few words.
    pub words: &'static str,
    /// Its keys; none for what is only in the palette.
    pub keys: &'static [Chord],
    /// Where they hold.
    pub places: &'static [Place],
    /// How the footer shows it, where it does.
    pub foot: Option<Foot>,
}

impl Binding {
    /// Its keys for a person: `p`, `↑ k`.
    pub fn label(&self) -> String {
        self.keys.iter().map(|k| k.label()).collect::<Vec<_>>().join(" ")
    }
}

const fn bind(
    command: Command,
    name: &'static str,
    words: &'static str,
    keys: &'static [Chord],
    places: &'static [Place],
    foot: Option<Foot>,
) -> Binding {
    Binding {
        command,
        name,
        words,
        keys,
        places,
        foot,
    }
}

impl Binding {
    /// Whether it changes a server: what `--read-only` takes away.
    pub const fn acts(&self) -> bool {
        matches!(
            self.command,
            Command::Pause | Command::Resume | Command::Extend | Command::Flush
        )
    }
}

/// What this key does here.
pub fn find(place: Place, key: KeyEvent) -> Option<Command> {
    here(place)
        .find(|b| b.keys.iter().any(|k| k.is(key)))
        .map(|b| b.command)
}

/// Whether it goes through time.
pub fn is_of_time(command: Command) -> bool {
    here(Place::Past).any(|b| b.command == command)
}

/// Everything that holds here.
pub fn here(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |b| b.places.contains(&place))
}

/// What the palette offers here, now or in the past.
pub fn named(place: Place, when: Place) -> impl Iterator<Item = &'static Binding> {
    let all = here(place).chain(here(when));
    all.filter(|b| !b.name.is_empty() && b.command != Command::Palette)
}

/// A footer key as these glyphs can draw it.
pub fn foot_key(key: &'static str, glyphs: Glyphs) -> &'static str {
    match (glyphs, key) {
        (Glyphs::Ascii, "⏎") => "Enter",
        (Glyphs::Ascii, "↑↓") => "Up/Down",
        (Glyphs::Ascii, "←→") => "Left/Right",
        _ => key,
    }
}

#[cfg(test)]
mod tests;
