//! A line built column by column. Text is cut by grapheme and measured in columns, so that wide and combining characters
//! keep what stands to their right in place.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that a text takes on the screen, counted by grapheme as the frame draws it.
pub fn width(s: &str) -> usize {
    s.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The text in at most `max` columns; `…` stands for what was cut off.
pub fn cut(s: &str, max: usize) -> Cow<'_, str> {
    if width(s) <= max {
        return Cow::Borrowed(s);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut end = 0;
    for (i, g) in s.grapheme_indices(true) {
        used += g.width();
        if used > max - 1 {
            break;
        }
        end = i + g.len();
    }
    Cow::Owned(format!("{}…", &s[..end]))
}

/// The text in lines of at most `max` columns, broken at spaces where there are any. At most `lines` lines; a last one
/// that was cut ends in `…`.
pub fn wrap(s: &str, max: usize, lines: usize) -> Vec<String> {
    let max = max.max(1);
    let mut out: Vec<String> = Vec::new();
    let mut rest = s.trim_end();
    while !rest.is_empty() {
        if out.len() + 1 == lines {
            out.push(cut(rest, max).into_owned());
            break;
        }
        if width(rest) <= max {
            out.push(rest.to_owned());
            break;
        }
        let (mut used, mut hard, mut soft) = (0, 0, None);
        for (i, g) in rest.grapheme_indices(true) {
            used += g.width();
            if g == " " && i > 0 && used <= max + 1 {
                soft = Some(i);
            }
            if used > max {
                break;
            }
            hard = i + g.len();
        }
        // A grapheme wider than the line still has to go somewhere.
        let hard = if hard == 0 {
            rest.graphemes(true).next().map_or(rest.len(), str::len)
        } else {
            hard
        };
        // A break that would leave half a line empty is worse than a word cut in two (long paths, base64).
        let at = soft.filter(|s| width(&rest[..*s]) * 2 >= max).unwrap_or(hard);
        out.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start();
    }
    out
}

/// A line under construction.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    spans: Vec<Span<'static>>,
    used: usize,
}

impl Cells {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }
    /// Columns used so far.
    pub const fn used(&self) -> usize {
        self.used
    }
    /// Text as it is.
    #[must_use]
    pub fn put(mut self, text: impl Into<String>, style: Style) -> Self {
        let text = text.into();
        self.used += width(&text);
        self.spans.push(Span::styled(text, style));
        self
    }
    /// Text in exactly `columns` columns, from the left.
    #[must_use]
    pub fn left(self, text: &str, columns: usize, style: Style) -> Self {
        let text = cut(text, columns).into_owned();
        let rest = columns.saturating_sub(width(&text));
        self.put(text, style).gap(rest)
    }
    /// Text in exactly `columns` columns, at the right.
    #[must_use]
    pub fn right(self, text: &str, columns: usize, style: Style) -> Self {
        let text = cut(text, columns).into_owned();
        let rest = columns.saturating_sub(width(&text));
        self.gap(rest).put(text, style)
    }
    /// Empty columns.
    #[must_use]
    pub fn gap(self, columns: usize) -> Self {
        if columns == 0 {
            self
        } else {
            self.put(" ".repeat(columns), Style::new())
        }
    }
    /// Empty columns up to this one.
    #[must_use]
    pub fn to(self, column: usize) -> Self {
        let gap = column.saturating_sub(self.used);
        self.gap(gap)
    }
    /// Another line's cells.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.used += other.used;
        self.spans.extend(other.spans);
        self
    }
    /// `text` at the right end of a line of `columns` columns, if it fits with a gap before it.
    #[must_use]
    pub fn at_right(self, columns: usize, other: Self) -> Self {
        if self.used + other.used + 2 > columns {
            return self;
        }
        let column = columns - other.used;
        self.to(column).join(other)
    }
    /// The finished line.
    pub fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
    /// The finished line in at most `columns` columns; what was cut is shown by `…`.
    pub fn line_in(self, columns: usize) -> Line<'static> {
        if self.used <= columns {
            return self.line();
        }
        let mut left = columns;
        let mut spans = Vec::new();
        for s in self.spans {
            let w = width(&s.content);
            if w < left || (w == left && left == columns) {
                left -= w;
                spans.push(s);
            } else {
                // Too wide, or it would just fit while more follows: either way something is left out.
                let mut text = cut(&s.content, left).into_owned();
                if !text.ends_with('…') && left > 0 {
                    text = cut(&format!("{text}……"), left).into_owned();
                }
                spans.push(Span::styled(text, s.style));
                break;
            }
        }
        Line::from(spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_and_combining_characters_are_cut_whole() {
        assert_eq!(cut("日本語サーバ", 7), "日本語…");
        assert_eq!(cut("日本語サーバ", 6), "日本…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}e\u{301}", 3), "e\u{301}e\u{301}…");
        assert_eq!(cut("👩‍👩‍👧 mx", 3), "👩‍👩‍👧…");
        assert_eq!(cut("mx1", 3), "mx1");
        assert_eq!(cut("mx1", 0), "");
    }

    #[test]
    fn a_text_is_wrapped_at_spaces_and_its_last_line_says_that_it_was_cut() {
        assert_eq!(
            wrap("connect to mx: Connection refused", 14, 9),
            ["connect to mx:", "Connection", "refused"]
        );
        assert_eq!(
            wrap("connect to mx: Connection refused", 14, 2),
            ["connect to mx:", "Connection re…"]
        );
        assert_eq!(wrap("aaaaaaaaaaaaaaaaaaaa", 8, 9), ["aaaaaaaa", "aaaaaaaa", "aaaa"]);
        assert_eq!(
            wrap("日本語", 1, 9),
            ["日", "本", "語"],
            "too narrow for any: still ends"
        );
        assert!(wrap("", 8, 9).is_empty());
    }

    #[test]
    fn columns_line_up_whatever_stands_in_them() {
        for name in ["mx1", "日本語サーバ", "", "e\u{301}x", "a-very-long-name-indeed"] {
            assert_eq!(
                Cells::new()
                    .left(name, 9, Style::new())
                    .right("12", 5, Style::new())
                    .used(),
                14,
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_outgrows_its_columns(s in "\\PC{0,40}", max in 0usize..30) {
            prop_assert!(width(&cut(&s, max)) <= max);
            let cells = Cells::new().put(s.clone(), Style::new()).put(s.clone(), Style::new());
            let line = cells.line_in(max);
            prop_assert!(line.spans.iter().map(|x| width(&x.content)).sum::<usize>() <= max);
        }
        #[test]
        fn wrapping_loses_nothing_but_spaces(s in "[a-zé漢 ]{0,60}", max in 2usize..20) {
            let lines = wrap(&s, max, 1_000);
            prop_assert!(lines.iter().all(|l| width(l) <= max));
            let strip = |t: &str| t.replace(' ', "");
            prop_assert_eq!(strip(&lines.concat()), strip(&s));
        }
    }
}
