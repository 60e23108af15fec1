//! The screen: what is shown, what a key does, and the loop between them. It never waits: [`App::update`] is a plain
//! function from a message to effects, which the engine runs. Views are pure functions of the app and the moment.
//! May import `domain`, `model`, `config` and `clock`; never what talks to servers.

pub mod app;
#[cfg(test)]
pub(crate) mod fixture;
pub mod glyphs;
pub mod keymap;
pub mod number;
pub mod record;
pub mod run;
#[cfg(test)]
mod snapshots;
pub mod terminal;
pub mod theme;
pub mod view;
pub mod when;
pub mod widget;

pub use app::{App, AppOptions, Msg};
pub use run::{Exit, RunOptions, Wires, run};
pub use theme::Theme;
