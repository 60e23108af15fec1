//! The messages of a queue that have something in common: asked for, waited for, listed page by page, searched, and one of
//! them in full. It asks for effects and takes what comes back; an answer to another question is not for it.

mod commands;

use jiff::Timestamp;
use tui_input::Input;

use crate::domain::effect::{Effect, Messages};
use crate::domain::message::{MessageInfo, MessagePage, Pick, PickBy};
use crate::domain::reading::Missed;
use crate::domain::{Name, Span};

use super::ServerView;

/// Pages before the one shown that are kept, so that going back costs the mail host nothing.
const KEEP_PAGES: usize = 50;

/// How far the question is.
#[derive(Clone, PartialEq, Debug)]
pub enum Asked {
    /// Sent, and nothing has come back.
    Sent(Timestamp),
    /// The listing waits for the load budget, which lets it in at this moment.
    Fits(Timestamp),
    /// It is being made, since this moment.
    Listing(Timestamp),
    /// It was answered.
    Answered,
    /// It could not be answered.
    Missed(Missed),
}

/// The screen of messages.
#[derive(Clone, Debug)]
pub struct MessagesView {
    /// The server's screen, to go back to.
    pub back: ServerView,
    /// The queue.
    pub queue: Name,
    /// What is asked.
    pub pick: Pick,
    /// How far that is.
    pub asked: Asked,
    /// What was listed last for what is asked.
    pub page: Option<Box<MessagePage>>,
    /// The cursor among the rows shown.
    pub at: usize,
    /// The search while it is typed.
    pub search: Option<Input>,
    /// The message under the cursor is shown in full, scrolled by so many lines.
    pub open: Option<usize>,
    before: Vec<MessagePage>,
}

impl MessagesView {
    /// Asks for the messages of a queue.
    fn ask(back: ServerView, queue: Name, by: PickBy, now: Timestamp) -> (Self, Effect) {
        let mut view = Self {
            back,
            queue,
            pick: Pick { by, ..Pick::default() },
            asked: Asked::Answered,
            page: None,
            at: 0,
            search: None,
            open: None,
            before: Vec::new(),
        };
        let effect = view.again(now);
        (view, effect)
    }

    /// Asks for what is picked now.
    fn again(&mut self, now: Timestamp) -> Effect {
        self.asked = Asked::Sent(now);
        Effect::Messages {
            server: self.back.name.clone(),
            queue: self.queue.clone(),
            pick: self.pick.clone(),
        }
    }

    /// Whether an answer is still to come.
    pub const fn waits(&self) -> bool {
        matches!(self.asked, Asked::Sent(_) | Asked::Fits(_) | Asked::Listing(_))
    }

    /// The messages that are shown: of the page, those that match what is being typed.
    pub fn shown(&self) -> Vec<&MessageInfo> {
        let typed = self.search.as_ref().map(|s| s.value().trim().to_lowercase());
        let all = self.page.iter().flat_map(|p| &p.messages);
        all.filter(|m| typed.as_ref().is_none_or(|t| holds(m, t))).collect()
    }

    /// The message under the cursor.
    pub fn chosen(&self) -> Option<&MessageInfo> {
        self.shown().get(self.at).copied()
    }

    fn answered(&mut self, answer: Messages, now: Timestamp) {
        self.asked = match answer {
            Messages::In(span) => Asked::Fits(span.after(now)),
            Messages::Listing => Asked::Listing(now),
            Messages::Missed(why) => Asked::Missed(why),
            Messages::Are(page) => {
                // A row that was looked at is held on to by its queue ID; the opened one must not become another.
                let id = self.chosen().map(|m| m.id.clone());
                self.page = Some(page);
                let same = id.and_then(|id| self.shown().iter().position(|m| m.id == id));
                if same.is_none() {
                    self.open = None;
                }
                self.at = same.unwrap_or(0);
                Asked::Answered
            }
        };
    }

    /// Whether more messages fit than have been listed up to this page.
    pub fn more(&self) -> bool {
        self.page
            .as_ref()
            .is_some_and(|p| !p.messages.is_empty() && p.pick.skip + (p.messages.len() as u64) < p.fit)
    }

    fn next_page(&mut self, now: Timestamp) -> Option<Effect> {
        if self.waits() || !self.more() {
            return None;
        }
        let page = self.page.take()?;
        self.pick.skip = page.pick.skip + page.messages.len() as u64;
        self.before.push(*page);
        if self.before.len() > KEEP_PAGES {
            self.before.remove(0);
        }
        self.at = 0;
        Some(self.again(now))
    }

    /// The page before, as it was listed; an answer that is still to come is no longer for this question.
    fn previous_page(&mut self) {
        if let Some(page) = self.before.pop() {
            self.pick = page.pick.clone();
            self.page = Some(Box::new(page));
            self.asked = Asked::Answered;
            self.at = 0;
        }
    }

    fn searched(&mut self, now: Timestamp) -> Option<Effect> {
        let text = self.search.take()?.value().trim().to_owned();
        if text == self.pick.text {
            return None;
        }
        self.pick.text = text;
        self.pick.skip = 0;
        self.before.clear();
        self.page = None;
        self.at = 0;
        Some(self.again(now))
    }

    fn step(&mut self, by: isize) {
        let last = self.shown().len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }

    /// Holds the cursor inside what there is.
    fn settle(&mut self) {
        self.step(0);
        if self.shown().is_empty() {
            self.open = None;
        }
    }
}

/// Whether a message holds the text, in whatever case, as the mail host will be asked: ID, sender, recipient or reason.
fn holds(m: &MessageInfo, text: &str) -> bool {
    let has = |s: &str| s.to_lowercase().contains(text);
    has(&m.id)
        || has(&m.sender)
        || m.recipients
            .iter()
            .any(|r| has(&r.address) || r.reason.as_ref().is_some_and(|w| has(w)))
}

/// How long until the load budget lets the listing in, for the screen; `None` when it is due.
pub fn left(fits: Timestamp, now: Timestamp) -> Option<Span> {
    Some(Span::between(now, fits)).filter(|s| s.secs() > 0)
}
