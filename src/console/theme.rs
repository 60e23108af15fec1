//! Colours by what they mean. A view asks for a [`Role`], never for a colour, and a role is never the only sign of
//! anything: a symbol and a word stand beside it. Without colour (`NO_COLOR`) roles become bold, reverse, underline.

use ratatui::style::{Color, Modifier, Style};

use crate::domain::health::Verdict;
use crate::domain::job::State;

/// How many colours the terminal has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// None: modifiers only.
    None,
    /// The sixteen of the terminal's own palette.
    Sixteen,
    /// All.
    True,
}

/// Whether the terminal is dark or light.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

/// What a piece of the screen means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Plain text.
    Text,
    /// Said more quietly.
    Dim,
    /// Rules, empty cells, axes.
    Faint,
    /// Names and titles.
    Title,
    /// Column heads and labels.
    Label,
    /// A key to press, the focus, the input.
    Accent,
    /// Seen to work.
    Ok,
    /// Works with trouble.
    Warn,
    /// Does not work.
    Down,
    /// Not known now.
    Unknown,
    /// The body of a chart: large, so it must be quiet.
    Fill,
    /// The cursor in an input.
    Cursor,
}

/// The colours of the console.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Theme {
    /// How many colours.
    pub depth: Depth,
    /// On what ground.
    pub tone: Tone,
}

impl Theme {
    /// Dark, with all colours.
    pub const DARK: Self = Self {
        depth: Depth::True,
        tone: Tone::Dark,
    };
    /// Light, with all colours.
    pub const LIGHT: Self = Self {
        depth: Depth::True,
        tone: Tone::Light,
    };
    /// Without colours.
    pub const PLAIN: Self = Self {
        depth: Depth::None,
        tone: Tone::Dark,
    };

    /// From the environment: `NO_COLOR` (set and not empty) and `TERM=dumb` take colours away, `COLORTERM=truecolor|24bit`
    /// gives all, else sixteen. `COLORFGBG`, where the terminal sets it, tells light from dark; `MAILTOP_THEME=light|dark` says so outright.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| get(name).filter(|v| !v.is_empty());
        let depth = if set("NO_COLOR").is_some() || set("TERM").is_some_and(|t| t == "dumb" || t.ends_with("-m")) {
            Depth::None
        } else if set("COLORTERM").is_some_and(|c| c == "truecolor" || c == "24bit") {
            Depth::True
        } else {
            Depth::Sixteen
        };
        let light = match set("MAILTOP_THEME").as_deref() {
            Some("light") => true,
            Some("dark") => false,
            _ => set("COLORFGBG")
                .and_then(|v| v.rsplit(';').next()?.parse::<u8>().ok())
                .is_some_and(|bg| bg == 7 || bg >= 9),
        };
        Self {
            depth,
            tone: if light { Tone::Light } else { Tone::Dark },
        }
    }

    /// The style of a role.
    pub fn style(self, role: Role) -> Style {
        match self.depth {
            Depth::None => plain(role),
            Depth::Sixteen => sixteen(role, self.tone),
            Depth::True => full(role, self.tone),
        }
    }
    /// The style of a solid bar: never reversed, because a reversed full block is an empty cell.
    pub fn solid(self, role: Role) -> Style {
        let mut style = self.style(role);
        style.add_modifier.remove(Modifier::REVERSED);
        style
    }
    /// The style of a verdict.
    pub fn verdict(self, v: Verdict) -> Style {
        self.style(match v {
            Verdict::Ok => Role::Ok,
            Verdict::Unknown => Role::Unknown,
            Verdict::Warn => Role::Warn,
            Verdict::Down => Role::Down,
        })
    }
    /// The style of a job's state. A pause is an accent: somebody did it and must not forget it.
    pub fn state(self, s: State) -> Style {
        self.style(match s {
            State::Running => Role::Text,
            State::Paused => Role::Accent,
            State::Idle => Role::Dim,
            State::Failed => Role::Warn,
            State::Unknown => Role::Unknown,
        })
    }
    /// The ground of the selected row, laid under its own colours.
    pub fn selected(self) -> Style {
        match (self.depth, self.tone) {
            (Depth::True, Tone::Dark) => Style::new().bg(Color::Rgb(36, 44, 56)),
            (Depth::True, Tone::Light) => Style::new().bg(Color::Rgb(225, 233, 244)),
            _ => Style::new().add_modifier(Modifier::BOLD),
        }
    }
    /// The ground of an open dialog, so that it stands before what it covers.
    pub fn raised(self) -> Style {
        match (self.depth, self.tone) {
            (Depth::True, Tone::Dark) => Style::new().bg(Color::Rgb(24, 29, 38)),
            (Depth::True, Tone::Light) => Style::new().bg(Color::Rgb(244, 247, 251)),
            _ => Style::new(),
        }
    }
    /// Heat of a table cell, 0 (none) to 4 (the most). Where grounds are poor, weight of type stands for heat.
    pub fn heat(self, level: u8) -> Style {
        const DARK: [(u8, u8, u8); 5] = [(0, 0, 0), (38, 42, 52), (64, 52, 48), (104, 66, 44), (156, 78, 40)];
        const LIGHT: [(u8, u8, u8); 5] = [
            (255, 255, 255),
            (244, 238, 230),
            (250, 224, 190),
            (250, 200, 140),
            (244, 166, 88),
        ];
        let level = level.min(4);
        if level == 0 {
            return self.style(Role::Faint);
        }
        match (self.depth, self.tone) {
            (Depth::True, tone) => {
                let (r, g, b) = if tone == Tone::Dark { DARK } else { LIGHT }[usize::from(level)];
                Style::new().bg(Color::Rgb(r, g, b))
            }
            (Depth::Sixteen, _) => match level {
                1 => self.style(Role::Dim),
                2 => Style::new(),
                3 => self.style(Role::Warn),
                _ => self.style(Role::Warn).add_modifier(Modifier::BOLD),
            },
            (Depth::None, _) => match level {
                1 | 2 => Style::new(),
                3 => Style::new().add_modifier(Modifier::BOLD),
                _ => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
            },
        }
    }
}

fn plain(role: Role) -> Style {
    let with = |m| Style::new().add_modifier(m);
    match role {
        Role::Title | Role::Accent | Role::Warn => with(Modifier::BOLD),
        Role::Down => with(Modifier::BOLD | Modifier::REVERSED),
        Role::Unknown => with(Modifier::UNDERLINED),
        Role::Cursor => with(Modifier::REVERSED),
        Role::Text | Role::Dim | Role::Faint | Role::Label | Role::Ok | Role::Fill => Style::new(),
    }
}

fn sixteen(role: Role, tone: Tone) -> Style {
    let fg = |c| Style::new().fg(c);
    let bold = |c| fg(c).add_modifier(Modifier::BOLD);
    let dark = tone == Tone::Dark;
    match role {
        Role::Text => Style::new(),
        // Bright black is the one grey that every palette has; some draw it near the ground, so only rules lean on it.
        Role::Faint | Role::Fill => fg(if dark { Color::DarkGray } else { Color::Gray }),
        Role::Dim | Role::Label => fg(if dark { Color::Gray } else { Color::DarkGray }),
        Role::Title => Style::new().add_modifier(Modifier::BOLD),
        Role::Accent => fg(if dark { Color::Cyan } else { Color::Blue }),
        Role::Ok => fg(Color::Green),
        // Yellow cannot be read on white.
        Role::Warn => bold(if dark { Color::Yellow } else { Color::Magenta }),
        Role::Down => bold(Color::Red),
        Role::Unknown => fg(if dark { Color::Magenta } else { Color::Cyan }),
        Role::Cursor => Style::new().add_modifier(Modifier::REVERSED),
    }
}

fn full(role: Role, tone: Tone) -> Style {
    let dark = tone == Tone::Dark;
    let pick = |d: (u8, u8, u8), l: (u8, u8, u8)| {
        let (r, g, b) = if dark { d } else { l };
        Style::new().fg(Color::Rgb(r, g, b))
    };
    match role {
        Role::Text => Style::new(),
        Role::Dim => pick((150, 160, 172), (84, 94, 106)),
        Role::Faint => pick((74, 84, 98), (176, 184, 194)),
        Role::Label => pick((120, 132, 148), (106, 116, 128)),
        Role::Title => Style::new().add_modifier(Modifier::BOLD),
        Role::Accent => pick((118, 182, 246), (10, 92, 190)),
        Role::Fill => pick((66, 96, 132), (150, 182, 218)),
        Role::Ok => pick((126, 196, 142), (22, 120, 58)),
        Role::Warn => pick((236, 186, 92), (150, 92, 0)),
        Role::Down => pick((250, 108, 104), (190, 24, 36)).add_modifier(Modifier::BOLD),
        Role::Unknown => pick((186, 158, 232), (112, 72, 164)),
        Role::Cursor => Style::new().add_modifier(Modifier::REVERSED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&'static str, &'static str)]) -> Theme {
        Theme::from_env(|name| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_says_how_many_colours_and_on_what_ground() {
        assert_eq!(env(&[("COLORTERM", "truecolor")]), Theme::DARK);
        assert_eq!(env(&[("COLORTERM", "24bit"), ("COLORFGBG", "0;15")]), Theme::LIGHT);
        assert_eq!(env(&[("TERM", "xterm")]).depth, Depth::Sixteen);
        assert_eq!(env(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).depth, Depth::None);
        assert_eq!(env(&[("COLORTERM", "truecolor"), ("NO_COLOR", "")]).depth, Depth::True);
        assert_eq!(env(&[("COLORFGBG", "15;0")]).tone, Tone::Dark);
        assert_eq!(
            env(&[("COLORFGBG", "15;0"), ("MAILTOP_THEME", "light")]).tone,
            Tone::Light
        );
    }

    #[test]
    fn no_color_means_no_colour_in_any_style() {
        let all = [
            Role::Text,
            Role::Dim,
            Role::Faint,
            Role::Title,
            Role::Label,
            Role::Accent,
            Role::Ok,
            Role::Warn,
            Role::Down,
            Role::Unknown,
            Role::Fill,
            Role::Cursor,
        ];
        let styles = all.map(|r| Theme::PLAIN.style(r)).into_iter();
        for s in styles
            .chain((0..5).map(|l| Theme::PLAIN.heat(l)))
            .chain([Theme::PLAIN.selected(), Theme::PLAIN.raised()])
        {
            assert_eq!((s.fg, s.bg, s.underline_color), (None, None, None));
        }
    }

    #[test]
    fn what_is_wrong_stands_out_from_what_is_well_at_every_depth() {
        for depth in [Depth::None, Depth::Sixteen, Depth::True] {
            for tone in [Tone::Dark, Tone::Light] {
                let t = Theme { depth, tone };
                let styles = [Role::Ok, Role::Warn, Role::Down, Role::Unknown].map(|r| t.style(r));
                for (i, a) in styles.iter().enumerate() {
                    assert!(styles[i + 1..].iter().all(|b| a != b), "{t:?} {a:?}");
                }
            }
        }
    }
}
