//! Words of several lines being typed: a cursor that moves by what is seen, lines that wrap at spaces, and a paste that keeps
//! its lines. What would hide or turn what stands beside it is drawn as sanitised text, and kept as it was typed.

use std::borrow::Cow;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation;

use crate::console::theme::{Role, Theme};
use crate::domain::Text;

use super::cells::{Cells, width};
use super::input::Typed;

/// The most bytes that are kept: more than any update is.
const MAX: usize = 256 << 10;

/// Text with a cursor. There is always at least one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Editor {
    lines: Vec<String>,
    line: usize,
    /// Byte in the line, at the edge of a grapheme.
    at: usize,
    size: usize,
}

/// A line as it stands on the screen: a part of a line of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    line: usize,
    start: usize,
    end: usize,
}

/// Where the hands want to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// A grapheme back.
    Left,
    /// A grapheme on.
    Right,
    /// So many rows up (negative) or down.
    Rows(isize),
    /// To the first character of all.
    First,
    /// Behind the last one.
    Last,
}

/// A grapheme as it is drawn.
fn seen(g: &str) -> Cow<'_, str> {
    match g.as_bytes() {
        [b' '..=b'~'] => Cow::Borrowed(g),
        _ => Cow::Owned(Text::from(g).to_string()),
    }
}

impl Editor {
    /// With these words, and the cursor before them.
    pub fn new(words: &str) -> Self {
        let mut editor = Self {
            lines: vec![String::new()],
            line: 0,
            at: 0,
            size: 0,
        };
        editor.insert(words.strip_suffix('\n').unwrap_or(words));
        (editor.line, editor.at) = (0, 0);
        editor
    }

    /// The words; of several lines the last one ends in a line end, too.
    pub fn words(&self) -> String {
        let mut words = self.lines.join("\n");
        if self.lines.len() > 1 && !words.ends_with('\n') {
            words.push('\n');
        }
        words
    }

    /// Whether nothing but blanks was typed.
    pub fn is_blank(&self) -> bool {
        self.lines.iter().all(|l| l.trim().is_empty())
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Types words, line ends and all. What does not fit is left out.
    pub fn insert(&mut self, words: &str) -> Typed {
        let mut typed = Typed::Same;
        let mut chars = words.chars().peekable();
        while let Some(c) = chars.next() {
            let c = match c {
                '\r' => {
                    chars.next_if_eq(&'\n');
                    '\n'
                }
                '\t' => ' ',
                c if c.is_control() && c != '\n' => continue,
                c => c,
            };
            if self.size + c.len_utf8() > MAX {
                return typed;
            }
            self.size += c.len_utf8();
            typed = Typed::Changed;
            if c == '\n' {
                let rest = self.lines[self.line].split_off(self.at);
                self.line += 1;
                self.lines.insert(self.line, rest);
                self.at = 0;
            } else {
                self.lines[self.line].insert(self.at, c);
                self.at += c.len_utf8();
            }
        }
        typed
    }

    /// Gives the key to the text. Arrows, pages and Enter are the caller's.
    pub fn key(&mut self, key: KeyEvent, columns: usize) -> Typed {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if !ctrl && !alt => return self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Char('a') if ctrl => self.at = 0,
            KeyCode::Char('e') if ctrl => self.at = self.lines[self.line].len(),
            KeyCode::Char('b') if ctrl => self.go(Move::Left, columns),
            KeyCode::Char('f') if ctrl => self.go(Move::Right, columns),
            KeyCode::Home => self.at = self.row(columns).1.start,
            KeyCode::End => self.end_of_row(columns),
            KeyCode::Backspace if alt || ctrl => return self.delete_to(self.word_before()),
            KeyCode::Char('w') if ctrl => return self.delete_to(self.word_before()),
            KeyCode::Backspace => return self.backspace(),
            KeyCode::Char('h') if ctrl => return self.backspace(),
            KeyCode::Delete => return self.delete(),
            KeyCode::Char('u') if ctrl => return self.delete_to(0),
            KeyCode::Char('k') if ctrl => {
                let gone = self.lines[self.line].split_off(self.at).len();
                self.size -= gone;
                return if gone > 0 { Typed::Changed } else { self.delete() };
            }
            _ => {}
        }
        Typed::Same
    }

    /// Moves the cursor; `columns` is how wide the text stands.
    pub fn go(&mut self, to: Move, columns: usize) {
        match to {
            Move::Left => match self.before() {
                Some(at) => self.at = at,
                None if self.line > 0 => {
                    self.line -= 1;
                    self.at = self.lines[self.line].len();
                }
                None => {}
            },
            Move::Right => match self.lines[self.line][self.at..].graphemes(true).next() {
                Some(g) => self.at += g.len(),
                None if self.line + 1 < self.lines.len() => (self.line, self.at) = (self.line + 1, 0),
                None => {}
            },
            Move::Rows(by) => {
                let rows = self.rows(columns);
                let (here, row) = self.row_in(&rows);
                let goal = self.columns_between(row.line, row.start, self.at);
                let to = here.saturating_add_signed(by).min(rows.len() - 1);
                if to != here {
                    self.set(rows[to], rows.get(to + 1), goal);
                }
            }
            Move::First => (self.line, self.at) = (0, 0),
            Move::Last => {
                self.line = self.lines.len() - 1;
                self.at = self.lines[self.line].len();
            }
        }
    }

    /// To the grapheme of a row that stands at a column, or the nearest before it.
    fn set(&mut self, row: Row, next: Option<&Row>, goal: usize) {
        let wraps = next.is_some_and(|n| n.line == row.line);
        let (mut at, mut used) = (row.start, 0);
        for (i, g) in self.lines[row.line][row.start..row.end].grapheme_indices(true) {
            let end = row.start + i + g.len();
            used += width(&seen(g));
            // Behind the last one of a row that wraps is before the first one of the next.
            if used > goal || (wraps && end == row.end) {
                break;
            }
            at = end;
        }
        (self.line, self.at) = (row.line, at);
    }

    fn end_of_row(&mut self, columns: usize) {
        let rows = self.rows(columns);
        let (i, row) = self.row_in(&rows);
        self.set(row, rows.get(i + 1), usize::MAX);
    }

    /// The edge of the grapheme before the cursor in its line.
    fn before(&self) -> Option<usize> {
        self.lines[self.line][..self.at]
            .grapheme_indices(true)
            .next_back()
            .map(|(i, _)| i)
    }
    fn word_before(&self) -> usize {
        let before = &self.lines[self.line][..self.at];
        let trimmed = before.trim_end();
        trimmed.rfind(' ').map_or(0, |i| i + 1)
    }
    fn delete_to(&mut self, from: usize) -> Typed {
        if from >= self.at {
            return if self.at == 0 { self.backspace() } else { Typed::Same };
        }
        self.size -= self.at - from;
        self.lines[self.line].replace_range(from..self.at, "");
        self.at = from;
        Typed::Changed
    }
    fn backspace(&mut self) -> Typed {
        if let Some(from) = self.before() {
            return self.delete_to(from);
        }
        if self.line == 0 {
            return Typed::Same;
        }
        let rest = self.lines.remove(self.line);
        self.line -= 1;
        self.at = self.lines[self.line].len();
        self.lines[self.line].push_str(&rest);
        self.size -= 1;
        Typed::Changed
    }
    fn delete(&mut self) -> Typed {
        let (line, at) = (self.line, self.at);
        self.go(Move::Right, usize::MAX);
        if (line, at) == (self.line, self.at) {
            return Typed::Same;
        }
        self.backspace()
    }

    fn columns_between(&self, line: usize, from: usize, to: usize) -> usize {
        self.lines[line][from..to]
            .graphemes(true)
            .map(|g| width(&seen(g)))
            .sum()
    }

    /// The text in rows of at most so many columns, broken behind spaces where there are any.
    fn rows(&self, columns: usize) -> Vec<Row> {
        let columns = columns.max(2);
        let mut rows = Vec::with_capacity(self.lines.len());
        for (line, text) in self.lines.iter().enumerate() {
            let (mut start, mut used, mut soft) = (0, 0, None);
            for (i, g) in text.grapheme_indices(true) {
                let w = width(&seen(g));
                // One blank may hang over: it is not seen.
                let hangs = g == " " && used <= columns;
                if used + w > columns && i > start && !hangs {
                    let end = soft.unwrap_or(i);
                    rows.push(Row { line, start, end });
                    (start, used, soft) = (end, self.columns_between(line, end, i), None);
                }
                used += w;
                if g == " " {
                    soft = Some(i + 1);
                }
            }
            let end = text.len();
            rows.push(Row { line, start, end });
        }
        rows
    }
    fn row_in(&self, rows: &[Row]) -> (usize, Row) {
        let here = |r: &Row| r.line == self.line && r.start <= self.at;
        let i = rows.iter().rposition(here).unwrap_or(0);
        (i, rows[i])
    }
    fn row(&self, columns: usize) -> (usize, Row) {
        self.row_in(&self.rows(columns))
    }

    /// The text in at most so many rows of so many columns, with its cursor, which is always among them.
    pub fn draw(&self, columns: usize, height: usize, theme: Theme) -> Vec<Line<'static>> {
        // The cursor may stand behind the last character of a full row.
        let rows = self.rows(self.wrapped_at(columns));
        let (here, _) = self.row_in(&rows);
        let top = here.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
        let drawn = |from: &str| from.graphemes(true).map(seen).collect::<String>();
        let style = theme.style(Role::Text);
        let line = |(i, row): (usize, &Row)| {
            let text = &self.lines[row.line];
            if i != here {
                return Cells::new()
                    .put(drawn(&text[row.start..row.end]), style)
                    .line_in(columns);
            }
            let under = text[self.at..row.end.max(self.at)].graphemes(true).next();
            let rest = self.at + under.map_or(0, str::len);
            Cells::new()
                .put(drawn(&text[row.start..self.at]), style)
                .put(under.map_or(Cow::Borrowed(" "), seen), theme.style(Role::Cursor))
                .put(drawn(&text[rest..row.end.max(rest)]), style)
                .line_in(columns)
        };
        rows.iter().enumerate().skip(top).take(height).map(line).collect()
    }

    /// At how many columns the text wraps in a room of so many: one is kept for the cursor.
    pub const fn wrapped_at(&self, columns: usize) -> usize {
        columns.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(e: &mut Editor, code: KeyCode) {
        e.key(KeyEvent::new(code, KeyModifiers::NONE), 20);
    }
    fn drawn(e: &Editor, columns: usize, height: usize) -> Vec<String> {
        let lines = e.draw(columns, height, Theme::PLAIN);
        lines
            .iter()
            .map(|l| {
                l.spans
                    .iter()
                    .map(|s| s.content.as_ref())
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn a_paste_keeps_its_lines_and_loses_what_would_steer_the_terminal() {
        let mut e = Editor::new("");
        e.insert("one\r\ntwo\tx\u{1b}[2J\rthree");
        assert_eq!(e.words(), "one\ntwo x[2J\nthree\n");
        assert_eq!(Editor::new("a\n").words(), "a");
        assert_eq!(Editor::new("a\n\nb\n").words(), "a\n\nb\n");
        e.insert("\n");
        assert_eq!(e.words(), "one\ntwo x[2J\nthree\n");
    }

    #[test]
    fn the_cursor_moves_by_what_is_seen_and_keys_take_whole_characters() {
        let mut e = Editor::new("日本 e\u{301}x");
        e.go(Move::Last, 20);
        key(&mut e, KeyCode::Backspace);
        key(&mut e, KeyCode::Backspace);
        assert_eq!(e.words(), "日本 ");
        e.go(Move::First, 20);
        e.go(Move::Right, 20);
        key(&mut e, KeyCode::Char('!'));
        key(&mut e, KeyCode::Delete);
        assert_eq!(e.words(), "日! ");
    }

    #[test]
    fn long_lines_wrap_at_spaces_and_up_and_down_follow_the_rows() {
        let mut e = Editor::new("mail that comes in\nis held");
        assert_eq!(drawn(&e, 11, 9), ["mail that", "comes in", "is held"]);
        e.go(Move::Rows(1), 10);
        key(&mut e, KeyCode::Char('>'));
        assert_eq!(drawn(&e, 11, 9), ["mail that", ">comes in", "is held"]);
        e.go(Move::Rows(9), 10);
        key(&mut e, KeyCode::Char('>'));
        assert_eq!(drawn(&e, 11, 9)[2], "i>s held");
        e.go(Move::Rows(-9), 10);
        e.key(KeyEvent::new(KeyCode::End, KeyModifiers::NONE), 10);
        key(&mut e, KeyCode::Char('<'));
        assert_eq!(drawn(&e, 11, 9)[0], "mail that<");
    }

    #[test]
    fn the_cursor_is_seen_however_long_the_text_is() {
        let text = (0..200).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let mut e = Editor::new(&text);
        assert_eq!(drawn(&e, 20, 5)[0], "line 0");
        e.go(Move::Last, 20);
        assert_eq!(drawn(&e, 20, 5)[4], "line 199");
    }

    #[test]
    fn what_hides_or_turns_is_drawn_as_such_and_kept_as_it_was_typed() {
        let e = Editor::new("a\u{202e}b");
        assert_eq!(drawn(&e, 40, 1), ["a\\u{202e}b"]);
        assert_eq!(e.words(), "a\u{202e}b");
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let mut e = Editor::new(&"x".repeat(MAX));
        assert_eq!(e.insert("y"), Typed::Same);
        key(&mut e, KeyCode::Delete);
        assert_eq!(e.insert("y"), Typed::Changed);
    }

    proptest! {
        #[test]
        fn no_order_of_keys_breaks_a_character_or_outgrows_the_columns(
            text in "[a-c 日é\u{301}👩\u{200d}\u{202e}\n]{0,60}",
            keys in prop::collection::vec(0u8..14, 0..40),
            columns in 2usize..30,
        ) {
            let mut e = Editor::new(&text);
            for k in keys {
                match k {
                    0 => e.go(Move::Left, columns),
                    1 => e.go(Move::Right, columns),
                    2 => e.go(Move::Rows(-1), columns),
                    3 => e.go(Move::Rows(1), columns),
                    4 => e.go(Move::First, columns),
                    5 => e.go(Move::Last, columns),
                    6 => { e.insert("\u{301}本\n"); }
                    7 => { key(&mut e, KeyCode::Backspace); }
                    8 => { key(&mut e, KeyCode::Delete); }
                    9 => { key(&mut e, KeyCode::Home); }
                    10 => { key(&mut e, KeyCode::End); }
                    n => { e.key(KeyEvent::new(KeyCode::Char(['w', 'u', 'k'][usize::from(n - 11)]), KeyModifiers::CONTROL), columns); }
                }
                prop_assert!(e.lines[e.line].is_char_boundary(e.at));
                prop_assert_eq!(e.size, e.lines.iter().map(String::len).sum::<usize>() + e.lines.len() - 1);
                for line in e.draw(columns, 7, Theme::PLAIN) {
                    prop_assert!(line.spans.iter().map(|s| width(&s.content)).sum::<usize>() <= columns);
                }
            }
        }
    }
}
