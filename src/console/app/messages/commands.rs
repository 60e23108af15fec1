//! What a command does on the screens of messages, and what an answer of the engine does to them.

use jiff::Timestamp;
use tui_input::Input;

use crate::console::app::{App, Screen};
use crate::console::keymap::Command;
use crate::console::view;
use crate::domain::Name;
use crate::domain::effect::{Effect, Messages};
use crate::domain::message::{Pick, PickBy};

use super::{Asked, MessagesView};

impl App {
    /// `M` and Enter on a row of the queue.
    pub(in crate::console::app) fn open_messages(&mut self, by: PickBy, now: Timestamp) -> Vec<Effect> {
        let Screen::Server(view) = &self.screen else {
            return Vec::new();
        };
        let queue = self.model.server(&view.name).and_then(|s| view.queue(s));
        let Some(queue) = queue.map(|q| q.name.clone()) else {
            let words = format!("{} has no queue to list", view.name);
            self.say(words);
            return Vec::new();
        };
        let (view, effect) = MessagesView::ask(view.clone(), queue, by, now);
        self.screen = Screen::Messages(Box::new(view));
        vec![effect]
    }

    pub(in crate::console::app) fn messages_answered(
        &mut self,
        server: &Name,
        queue: &Name,
        pick: &Pick,
        page: Messages,
        now: Timestamp,
    ) {
        if let Screen::Messages(view) = &mut self.screen
            && (&view.back.name, &view.queue, &view.pick) == (server, queue, pick)
            && view.waits()
        {
            view.answered(page, now);
        }
    }

    pub(in crate::console::app) fn on_messages(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let page = view::messages::page(self) as isize;
        let Screen::Messages(view) = &mut self.screen else {
            return Vec::new();
        };
        let steps = match command {
            Command::Up => -1,
            Command::Down => 1,
            Command::PageUp => -page,
            Command::PageDown if view.at + 1 < view.shown().len() => page,
            Command::Home => isize::MIN,
            Command::End => isize::MAX,
            _ => 0,
        };
        view.step(steps);
        let effect = match command {
            _ if steps != 0 => None,
            Command::Open => {
                if view.chosen().is_some() {
                    view.open = Some(0);
                }
                None
            }
            Command::Filter => {
                view.search = Some(Input::new(view.pick.text.clone()));
                None
            }
            Command::PageDown | Command::NextPage => {
                let effect = view.next_page(now);
                if effect.is_none() && !view.waits() {
                    self.say("there are no more pages");
                }
                effect
            }
            Command::PreviousPage => {
                view.previous_page();
                None
            }
            Command::Refresh if matches!(view.asked, Asked::Listing(_)) => {
                self.say("it is being listed now");
                None
            }
            // The question may have been lost on a reload; the newest one counts.
            Command::Refresh => Some(view.again(now)),
            Command::Back => {
                self.screen = Screen::Server(view.back.clone());
                None
            }
            other => return self.on_either(other, now),
        };
        effect.into_iter().collect()
    }

    /// One message in full.
    pub(in crate::console::app) fn on_message(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let Screen::Messages(view) = &mut self.screen else {
            return Vec::new();
        };
        let scroll = view.open.get_or_insert(0);
        match command {
            Command::Up => *scroll = scroll.saturating_sub(1),
            Command::Down => *scroll += 1,
            Command::PageUp => *scroll = scroll.saturating_sub(10),
            Command::PageDown => *scroll += 10,
            Command::Home => *scroll = 0,
            Command::End => *scroll = 10_000,
            Command::Back => view.open = None,
            other => return self.on_either(other, now),
        }
        Vec::new()
    }

    pub(in crate::console::app) fn in_search(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let Screen::Messages(view) = &mut self.screen else {
            return Vec::new();
        };
        match command {
            Command::Up => view.step(-1),
            Command::Down => view.step(1),
            Command::Open => return view.searched(now).into_iter().collect(),
            Command::Back => view.search = None,
            _ => {}
        }
        Vec::new()
    }

    /// Holds the cursor and the scroll inside what there is.
    pub(in crate::console::app) fn settle_messages(&mut self, now: Timestamp) {
        let hidden = view::messages::hidden_lines(self, now);
        if let Screen::Messages(view) = &mut self.screen {
            view.settle();
            view.open = view.open.map(|scroll| scroll.min(hidden));
        }
    }
}
