//! One table of every command: its keys, where they hold, and its words. What a key does, the help, the palette and the
//! footer are all read from it, so they cannot disagree.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::glyphs::Glyphs;

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
    /// Pause a job.
    Pause,
    /// Resume a job.
    Resume,
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

use Command as C;
use KeyCode as K;
use Place as P;

const SCREENS: &[Place] = &[P::Fleet, P::Server];
const LISTS: &[Place] = &[P::Fleet, P::Server, P::Pick, P::Page];

/// Every command, in the order in which help and palette show them.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    bind(C::Up, "up", "one up", &[k(K::Up), c('k')], LISTS, foot("↑↓", "move", 3)),
    bind(C::Down, "down", "one down", &[k(K::Down), c('j')], LISTS, None),
    bind(C::PageUp, "page up", "a page up", &[k(K::PageUp), ctrl('b')], LISTS, None),
    bind(C::PageDown, "page down", "a page down", &[k(K::PageDown), ctrl('f')], LISTS, None),
    bind(C::Home, "first", "to the first", &[k(K::Home), c('g')], LISTS, None),
    bind(C::End, "last", "to the last", &[k(K::End), c('G')], LISTS, None),
    bind(C::Open, "open", "open the selected server", &[k(K::Enter), k(K::Right), c('l')], &[P::Fleet], foot("⏎", "open", 2)),
    bind(C::Back, "clear", "clear the filter", &[k(K::Esc)], &[P::Fleet], None),
    bind(C::Back, "back", "back to the fleet", &[k(K::Esc), k(K::Backspace)], &[P::Server], foot("Esc", "back", 1)),
    bind(C::NextPane, "next pane", "the next pane", &[k(K::Tab)], &[P::Server], foot("Tab", "pane", 4)),
    bind(C::PreviousPane, "previous pane", "the pane before", &[k(K::BackTab)], &[P::Server], None),
    bind(C::ProbePane, "probe", "the probe's pane", &[c('1')], &[P::Server], None),
    bind(C::QueuePane, "queue", "the queue's pane", &[c('2')], &[P::Server], None),
    bind(C::JobsPane, "jobs", "the jobs' pane", &[c('3')], &[P::Server], None),
    bind(C::Left, "previous part", "the door or queue before, where there are several", &[k(K::Left), c('h')], &[P::Server], None),
    bind(C::Right, "next part", "the next door or queue", &[k(K::Right), c('l')], &[P::Server], None),
    bind(C::Pause, "pause", "pause a maintenance job (shows the plan first)", &[c('p')], SCREENS, foot("p", "pause", 1)),
    bind(C::Resume, "resume", "let a paused job go on (shows the plan first)", &[c('r')], SCREENS, foot("r", "resume", 1)),
    bind(C::Refresh, "refresh", "look now, without waiting for the interval", &[c('R')], SCREENS, foot("R", "look now", 6)),
    bind(C::Filter, "filter", "show only servers whose name or trouble matches", &[c('/')], &[P::Fleet], foot("/", "filter", 4)),
    bind(C::Palette, "palette", "every command by name", &[c(':')], SCREENS, foot(":", "command", 2)),
    bind(C::Help, "help", "this help", &[c('?')], SCREENS, foot("?", "help", 0)),
    bind(C::Notices, "notices", "what mailtop had to say, in full", &[c('n')], SCREENS, None),
    bind(C::Mouse, "mouse", "mouse on or off (off, the terminal selects text)", &[c('m')], SCREENS, None),
    bind(C::Reload, "reload", "read the config again", &[], SCREENS, None),
    bind(C::Ascii, "ascii", "draw with ASCII only, or with all characters", &[], SCREENS, None),
    bind(C::Redraw, "redraw", "send the whole screen again", &[ctrl('l')], SCREENS, None),
    bind(C::Suspend, "suspend", "to the shell; `fg` comes back", &[ctrl('z')], SCREENS, None),
    bind(C::Quit, "quit", "leave", &[c('q')], SCREENS, foot("q", "quit", 0)),
    bind(C::Interrupt, "quit now", "leave; asks once while an action runs", &[ctrl('c')], SCREENS, None),
    // What follows holds in dialogs and inputs only.
    bind(C::Open, "", "do it", &[k(K::Enter)], &[P::Plan], foot("⏎", "", 0)),
    bind(C::Left, "", "shorter", &[k(K::Left)], &[P::Plan], foot("←→", "for how long", 1)),
    bind(C::Right, "", "longer", &[k(K::Right)], &[P::Plan], None),
    bind(C::Up, "", "scroll", &[k(K::Up)], &[P::Plan, P::Progress], None),
    bind(C::Down, "", "scroll", &[k(K::Down)], &[P::Plan, P::Progress], None),
    bind(C::PageUp, "", "scroll", &[k(K::PageUp)], &[P::Plan, P::Progress], None),
    bind(C::PageDown, "", "scroll", &[k(K::PageDown)], &[P::Plan, P::Progress], None),
    bind(C::Back, "", "do nothing", &[k(K::Esc)], &[P::Plan], foot("Esc", "cancel", 0)),
    bind(C::Back, "", "close; the action goes on", &[k(K::Esc), k(K::Enter), c('q')], &[P::Progress], foot("Esc", "close", 0)),
    bind(C::Open, "", "this one", &[k(K::Enter)], &[P::Pick], foot("⏎", "choose", 0)),
    bind(C::Back, "", "none", &[k(K::Esc), c('q')], &[P::Pick], foot("Esc", "cancel", 0)),
    bind(C::Open, "", "leave", &[k(K::Enter), c('y'), ctrl('c')], &[P::Question], foot("⏎", "leave", 0)),
    bind(C::Back, "", "stay", &[k(K::Esc), c('n'), c('q')], &[P::Question], foot("Esc", "stay", 0)),
    bind(C::Up, "", "choose", &[k(K::Up), ctrl('p')], &[P::Palette], foot("↑↓", "choose", 1)),
    bind(C::Down, "", "choose", &[k(K::Down), ctrl('n'), k(K::Tab)], &[P::Palette], None),
    bind(C::Open, "", "run", &[k(K::Enter)], &[P::Palette], foot("⏎", "run", 0)),
    bind(C::Back, "", "close", &[k(K::Esc)], &[P::Palette], foot("Esc", "close", 0)),
    bind(C::Up, "", "one up", &[k(K::Up)], &[P::Filter], None),
    bind(C::Down, "", "one down", &[k(K::Down)], &[P::Filter], None),
    bind(C::Open, "", "keep", &[k(K::Enter), k(K::Tab)], &[P::Filter], foot("⏎", "keep", 0)),
    bind(C::Back, "", "clear", &[k(K::Esc)], &[P::Filter], foot("Esc", "clear", 0)),
    bind(C::Back, "", "close", &[k(K::Esc), c('q'), c('?'), k(K::Enter)], &[P::Page], foot("Esc", "close", 0)),
    bind(C::Interrupt, "", "leave", &[ctrl('c')], &[P::Plan, P::Progress, P::Pick, P::Palette, P::Filter, P::Page], None),
    bind(C::Redraw, "", "redraw", &[ctrl('l')], &[P::Plan, P::Progress, P::Pick, P::Question, P::Palette, P::Filter, P::Page], None),
    bind(C::Suspend, "", "suspend", &[ctrl('z')], &[P::Plan, P::Progress, P::Pick, P::Question, P::Palette, P::Filter, P::Page], None),
];

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
        matches!(self.command, C::Pause | C::Resume)
    }
}

/// What this key does here.
pub fn find(place: Place, key: KeyEvent) -> Option<Command> {
    here(place)
        .find(|b| b.keys.iter().any(|k| k.is(key)))
        .map(|b| b.command)
}

/// Everything that holds here.
pub fn here(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |b| b.places.contains(&place))
}

/// What the palette offers here.
pub fn named(place: Place) -> impl Iterator<Item = &'static Binding> {
    here(place).filter(|b| !b.name.is_empty() && b.command != Command::Palette)
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
mod tests {
    use super::*;

    const ALL: [Place; 9] = [
        P::Fleet,
        P::Server,
        P::Plan,
        P::Progress,
        P::Pick,
        P::Question,
        P::Palette,
        P::Filter,
        P::Page,
    ];

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for place in ALL {
            let keys: Vec<_> = here(place)
                .flat_map(|b| b.keys.iter().map(move |k| (*k, b.command)))
                .collect();
            for (i, (key, command)) in keys.iter().enumerate() {
                assert!(
                    keys[i + 1..].iter().all(|(k, _)| k != key),
                    "{place:?}: {} for {command:?}",
                    key.label()
                );
            }
        }
    }

    #[test]
    fn every_footer_key_is_a_key_of_its_command() {
        for b in BINDINGS {
            let Some(f) = b.foot else { continue };
            let first = match f.key {
                "⏎" => "Enter".to_owned(),
                pair @ ("↑↓" | "←→") => pair.chars().take(1).collect(),
                key => key.to_owned(),
            };
            assert!(b.keys.iter().any(|k| k.label() == first), "{b:?}");
        }
    }

    #[test]
    fn typing_places_leave_letters_to_the_text() {
        for place in [P::Plan, P::Palette, P::Filter] {
            for b in here(place) {
                assert!(
                    b.keys.iter().all(|k| k.ctrl || !matches!(k.code, K::Char(_))),
                    "{place:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn every_place_has_a_way_out_and_says_so() {
        for place in ALL {
            assert!(
                here(place).any(|b| matches!(b.command, C::Back | C::Quit) && b.foot.is_some()),
                "{place:?}"
            );
            assert!(
                find(place, KeyEvent::new(K::Char('c'), KeyModifiers::CONTROL)).is_some(),
                "{place:?}"
            );
        }
    }

    #[test]
    fn what_the_rules_of_the_hand_name_is_bound_on_both_screens() {
        for place in [P::Fleet, P::Server] {
            for (key, command) in [
                ('?', C::Help),
                (':', C::Palette),
                ('q', C::Quit),
                ('p', C::Pause),
                ('r', C::Resume),
                ('R', C::Refresh),
                ('m', C::Mouse),
                ('j', C::Down),
                ('k', C::Up),
                ('g', C::Home),
                ('G', C::End),
            ] {
                assert_eq!(
                    find(place, KeyEvent::new(K::Char(key), KeyModifiers::NONE)),
                    Some(command),
                    "{place:?} {key}"
                );
            }
        }
        assert_eq!(
            find(P::Fleet, KeyEvent::new(K::Char('G'), KeyModifiers::SHIFT)),
            Some(C::End)
        );
        assert_eq!(find(P::Fleet, KeyEvent::new(K::Char('p'), KeyModifiers::ALT)), None);
    }
}
