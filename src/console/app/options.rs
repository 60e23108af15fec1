//! What the console is told when it starts.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console::glyphs::Glyphs;
use crate::console::theme::Theme;
use crate::console::when;
use crate::domain::event::ObserverId;
use crate::domain::incident::Terms;
use crate::domain::{Span, Text};

use super::past::SPEED;

/// Whether servers may be changed from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Access {
    /// They may, server by server.
    #[default]
    Full,
    /// They may not (`--read-only`).
    ReadOnly,
}

/// How often the screen may change by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Pace {
    /// Data at most twice a second, ages every second.
    #[default]
    Normal,
    /// Both every five seconds (`--slow`), for thin lines.
    Slow,
}

/// How the console starts.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// What is shown beside the program's name: the config's name, or the targets.
    pub title: Text,
    /// Whether servers may be changed.
    pub access: Access,
    /// The colours.
    pub theme: Theme,
    /// The characters.
    pub glyphs: Glyphs,
    /// The zone of the clock.
    pub zone: TimeZone,
    /// How often it repaints.
    pub pace: Pace,
    /// For how long a pause lasts unless another time is chosen.
    pub pause_for: Span,
    /// Who we are, to tell our own actions from others'.
    pub me: Option<ObserverId>,
    /// How many times faster than it was the past is played.
    pub replay_speed: f64,
    /// In whose name things go on record.
    pub by: Text,
    /// How incidents are kept.
    pub terms: Terms,
    /// From when on the record was read event by event; of what came before only the last of each is known.
    pub read_from: Option<Timestamp>,
}

impl AppOptions {
    /// Full access, dark, all glyphs, the zone of the environment.
    pub fn new(title: impl Into<Text>) -> Self {
        Self {
            title: title.into(),
            access: Access::Full,
            theme: Theme::DARK,
            glyphs: Glyphs::Unicode,
            zone: when::zone_from_env(),
            pace: Pace::Normal,
            pause_for: Span::from_mins(30),
            me: None,
            replay_speed: SPEED,
            by: Text::default(),
            terms: Terms::default(),
            read_from: None,
        }
    }
}
