//! The characters that the console draws with. Views draw Unicode; with `--ascii` the finished frame passes
//! [`asciify`] once, so that no view can forget and text from servers is covered too.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

use crate::domain::health::Verdict;
use crate::domain::job::State;

/// Which characters may reach the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Glyphs {
    /// All of them.
    #[default]
    Unicode,
    /// Only those of ASCII.
    Ascii,
}

impl Glyphs {
    /// The other set.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Unicode => Self::Ascii,
            Self::Ascii => Self::Unicode,
        }
    }
}

/// The symbol of a verdict.
pub const fn verdict(v: Verdict) -> &'static str {
    match v {
        Verdict::Down => "✖",
        Verdict::Warn => "▲",
        Verdict::Unknown => "?",
        Verdict::Ok => "✔",
    }
}

/// The symbol of a job's state. The pause is two bars and not U+23F8, which many terminal fonts lack and some draw as a
/// picture two columns wide.
pub const fn state(s: State) -> &'static str {
    match s {
        State::Running => "▶",
        State::Paused => "‖",
        State::Idle => "·",
        State::Failed => "✖",
        State::Unknown => "?",
    }
}

/// Replaces everything in the frame that is not ASCII.
pub fn asciify(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            let plain = ascii(cell.symbol());
            cell.set_symbol(plain);
        }
    }
}

/// The ASCII stand-in of one cell: one column for one column, two for two.
fn ascii(symbol: &str) -> &'static str {
    match symbol {
        "✖" => "X",
        "▲" => "!",
        "✔" | "┌" | "┐" | "└" | "┘" => "+",
        "▶" | "▌" | "→" | "▸" | "›" | "≥" => ">",
        "←" | "‹" | "≤" | "◀" => "<",
        "↑" | "␛" => "^",
        "↓" => "v",
        "─" | "—" | "–" | "−" | "▃" | "▄" => "-",
        "‖" | "▅" | "▆" => "=",
        "▁" | "▂" => "_",
        "▇" => "*",
        "█" | "▋" | "▊" | "▉" => "#",
        "│" | "┊" | "▏" | "▎" | "▍" => "|",
        "·" | "░" | "▒" => ".",
        "…" | "±" => "~",
        "•" => "o",
        "×" => "x",
        "\u{202f}" => ",",
        "“" | "”" => "\"",
        "‘" | "’" => "'",
        wide if wide.width() == 2 => "??",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn a_frame_in_ascii_holds_ascii_only_and_keeps_its_columns() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        buf.set_string(0, 0, "✖ 48\u{202f}211 漢é", Style::new());
        asciify(&mut buf);
        let line: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(line.is_ascii(), "{line}");
        assert!(line.starts_with("X 48,211 ??"), "{line}");
    }

    #[test]
    fn no_two_verdicts_look_alike_in_either_set() {
        let all = [Verdict::Ok, Verdict::Unknown, Verdict::Warn, Verdict::Down].map(verdict);
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a, b);
                assert_ne!(ascii_or(a), ascii_or(b));
            }
        }
    }
    fn ascii_or(s: &'static str) -> &'static str {
        if s.is_ascii() { s } else { ascii(s) }
    }
}
