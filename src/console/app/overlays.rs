//! What a command does in a dialog, the palette, the filter, and the pages.

use jiff::Timestamp;

use crate::console::keymap::Command;
use crate::console::view;
use crate::domain::effect::Effect;

use super::{App, Overlay};

impl App {
    pub(super) fn in_dialog(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::Action(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        match command {
            Command::Left => return dialog.change(-1),
            Command::Right => return dialog.change(1),
            Command::Up => dialog.scroll = dialog.scroll.saturating_sub(1),
            Command::Down => dialog.scroll += 1,
            Command::PageUp => dialog.scroll = dialog.scroll.saturating_sub(5),
            Command::PageDown => dialog.scroll += 5,
            Command::NextPane | Command::PreviousPane => dialog.other_field(),
            Command::Check => return dialog.check(),
            Command::Way => return dialog.other_way(1),
            Command::Unarmed => return dialog.unarmed(),
            Command::Open => return self.confirm(now),
            Command::Back => self.overlay = None,
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn in_pick_many(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::PickMany(pick)) = &mut self.overlay else {
            self.in_which(command);
            return Vec::new();
        };
        match command {
            Command::Up => pick.step(-1),
            Command::Down => pick.step(1),
            Command::PageUp | Command::Home => pick.step(isize::MIN),
            Command::PageDown | Command::End => pick.step(isize::MAX),
            Command::Open => {
                let (verb, job, servers) = (pick.verb, pick.job().cloned(), pick.servers.clone());
                self.overlay = None;
                if let Some(job) = job {
                    return self.open_batch(verb, job, servers, now);
                }
            }
            Command::Back => self.overlay = None,
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn in_pick(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::Pick(pick)) = &mut self.overlay else {
            return self.in_pick_many(command, now);
        };
        match command {
            Command::Up => pick.step(-1),
            Command::Down => pick.step(1),
            Command::PageUp | Command::Home => pick.step(isize::MIN),
            Command::PageDown | Command::End => pick.step(isize::MAX),
            Command::Open => {
                let (server, job, verb) = (pick.server.clone(), pick.job().cloned(), pick.verb);
                self.overlay = None;
                if let Some(job) = job {
                    return self.open_action(server, job, verb);
                }
            }
            Command::Back => self.overlay = None,
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn in_palette(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let Some(Overlay::Palette(palette)) = &mut self.overlay else {
            return Vec::new();
        };
        match command {
            Command::Up => palette.step(-1),
            Command::Down => palette.step(1),
            Command::Open => {
                // What follows a command's name is for the command.
                if let Some(typed) = palette.outage() {
                    let typed = typed.to_owned();
                    self.overlay = None;
                    self.open_outage(&typed, now);
                    return Vec::new();
                }
                // Nothing found: the palette stays, so that the word can be mended.
                if let Some(chosen) = palette.chosen() {
                    let command = chosen.command;
                    self.overlay = None;
                    return self.command(command, self.ground(), now);
                }
            }
            Command::Back => self.overlay = None,
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn in_filter(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        match command {
            Command::Up => self.move_cursor(-1, now),
            Command::Down => self.move_cursor(1, now),
            Command::Open => {
                self.overlay = None;
                if !self.fleet.filtered() {
                    self.fleet.clear_filter();
                }
            }
            Command::Back => {
                self.overlay = None;
                self.fleet.clear_filter();
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn in_page(&mut self, command: Command) {
        let Some(
            Overlay::Help(scroll)
            | Overlay::Notices(scroll)
            | Overlay::Certificates(scroll)
            | Overlay::Handover(scroll)
            | Overlay::Entry(_, scroll),
        ) = &mut self.overlay
        else {
            return;
        };
        match command {
            Command::Up => *scroll = scroll.saturating_sub(1),
            Command::Down => *scroll += 1,
            Command::PageUp => *scroll = scroll.saturating_sub(10),
            Command::PageDown => *scroll += 10,
            Command::Home => *scroll = 0,
            Command::End => *scroll = 10_000,
            Command::Back => self.overlay = None,
            _ => {}
        }
    }

    /// Holds the scroll of what stands before the screen inside what there is.
    pub(super) fn settle_overlay(&mut self, now: Timestamp) {
        let hidden = view::overlay_hidden_lines(self, now);
        match &mut self.overlay {
            Some(
                Overlay::Help(scroll)
                | Overlay::Notices(scroll)
                | Overlay::Certificates(scroll)
                | Overlay::Handover(scroll)
                | Overlay::Entry(_, scroll),
            ) => *scroll = (*scroll).min(hidden),
            Some(Overlay::Incident(dialog)) => dialog.scroll = dialog.scroll.min(hidden),
            Some(Overlay::Action(dialog)) => dialog.scroll = dialog.scroll.min(hidden),
            Some(Overlay::Batch(_)) => self.settle_batch(hidden),
            _ => {}
        }
    }
}
