//! One line of typed text with its cursor, scrolled so that the cursor is always seen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation;

use crate::console::theme::{Role, Theme};

use super::cells::{Cells, width};

/// The most characters that one typed line keeps.
const MAX: usize = 200;

/// Whether the key changed the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Typed {
    /// The text is another one now.
    Changed,
    /// Only the cursor moved, or nothing happened.
    Same,
}

/// Gives the key to the input. Arrows are left to the caller: in a dialog they choose.
pub fn key(input: &mut Input, key: KeyEvent) -> Typed {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let request = match key.code {
        KeyCode::Char(c) if !ctrl && !alt => {
            if input.value().chars().count() >= MAX || c.is_control() {
                return Typed::Same;
            }
            InputRequest::InsertChar(c)
        }
        KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
        KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
        KeyCode::Char('b') if ctrl => InputRequest::GoToPrevChar,
        KeyCode::Char('f') if ctrl => InputRequest::GoToNextChar,
        KeyCode::Char('b') => InputRequest::GoToPrevWord,
        KeyCode::Char('f') => InputRequest::GoToNextWord,
        KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
        KeyCode::Char('u') if ctrl => InputRequest::DeleteFromStart,
        KeyCode::Char('k') if ctrl => InputRequest::DeleteTillEnd,
        KeyCode::Char('h') if ctrl => InputRequest::DeletePrevChar,
        KeyCode::Backspace if alt || ctrl => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return Typed::Same,
    };
    match input.handle(request) {
        Some(change) if change.value => Typed::Changed,
        _ => Typed::Same,
    }
}

/// Types a pasted text: line ends and other controls become spaces.
pub fn paste(input: &mut Input, text: &str) -> Typed {
    let mut typed = Typed::Same;
    for c in text.trim_end().chars().take(MAX) {
        let c = if c.is_control() { ' ' } else { c };
        let plain = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        if key(input, plain) == Typed::Changed {
            typed = Typed::Changed;
        }
    }
    typed
}

/// The input in exactly `columns` columns.
pub fn cells(input: &Input, columns: usize, theme: Theme) -> Cells {
    // Drawn as sanitised text: what was pasted may hold characters that hide or turn what stands beside them.
    let before: String = input.value().chars().take(input.cursor()).collect();
    let after: String = input.value().chars().skip(input.cursor()).collect();
    let clean = |s: &str| crate::domain::Text::from(s).to_string();
    let (before, after) = (clean(&before), clean(&after));
    let room = columns.saturating_sub(1);
    let mut shown = before.as_str();
    while width(shown) > room {
        let first = shown.graphemes(true).next().map_or(shown.len(), str::len);
        shown = &shown[first..];
    }
    let under = after.graphemes(true).next().unwrap_or(" ");
    let rest = after.get(under.len()..).unwrap_or("");
    let style = theme.style(Role::Text);
    let line = Cells::new().put(shown, style).put(under, theme.style(Role::Cursor));
    let left = columns.saturating_sub(line.used());
    line.left(rest, left, style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_text_of_many_lines_becomes_one_line_and_is_bounded() {
        let mut i = Input::default();
        paste(&mut i, "drain\nthe \x1b[31mbacklog\n");
        assert_eq!(i.value(), "drain the  [31mbacklog");
        paste(&mut i, &"x".repeat(1_000));
        assert_eq!(i.value().chars().count(), MAX);
    }

    #[test]
    fn the_cursor_is_seen_however_long_the_text_is() {
        let mut i = Input::new("日本語 a long reason that does not fit".into());
        assert_eq!(cells(&i, 12, Theme::PLAIN).used(), 12);
        i.handle(InputRequest::GoToStart);
        let line = cells(&i, 12, Theme::PLAIN);
        assert_eq!((line.used(), line.line().spans[1].content.as_ref()), (12, "日"));
    }
}
