//! What reaches the console: keys, the engine's events and answers, and the passing of time.

use crossterm::event::{Event as Input, KeyEvent, KeyEventKind, MouseEvent, MouseEventKind};

use crate::domain::Text;
use crate::domain::effect::Answer;
use crate::domain::event::Event;

use super::Seen;

/// One message to [`super::App::update`].
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key went down (or repeats).
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse, when it is on.
    Mouse(MouseEvent),
    /// The terminal has another size now: columns, rows.
    Resize(u16, u16),
    /// Things learned, in their order.
    Events(Vec<Event>),
    /// The engine answers.
    Answer(Answer),
    /// What the record has of what was asked by this number.
    Past(u64, Result<Seen, Text>),
    /// What became of words that were to be copied.
    Copied(Text),
    /// The user's own editor ended: the words as it left them, or why they were not changed.
    Edited(Result<String, Text>),
    /// Time has passed.
    Tick,
}

impl Msg {
    /// From the terminal; `None` for what means nothing here (a key going up, focus).
    pub fn from_input(input: Input) -> Option<Self> {
        match input {
            Input::Key(k) if k.kind != KeyEventKind::Release => Some(Self::Key(k)),
            Input::Paste(text) => Some(Self::Paste(text)),
            // A terminal reports every move of the mouse; only clicks and the wheel mean something here.
            Input::Mouse(m) if !matches!(m.kind, MouseEventKind::Moved | MouseEventKind::Drag(_)) => {
                Some(Self::Mouse(m))
            }
            Input::Resize(w, h) => Some(Self::Resize(w, h)),
            _ => None,
        }
    }
}
