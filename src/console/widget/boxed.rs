//! A framed box before the rest of the screen, and the quiet rules between parts of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::console::theme::{Role, Theme};

use super::cells::{cut, width};

/// Less than this beside a box is no picture any more, only noise: it is cleared.
const SLIVER: u16 = 12;

/// A box of `width` × `height` in the middle of `area`, shrunk to fit.
pub fn middle(area: Rect, columns: u16, rows: u16) -> Rect {
    let (w, h) = (columns.min(area.width), rows.min(area.height));
    Rect::new(area.x + (area.width - w) / 2, area.y + (area.height - h) / 2, w, h)
}

/// Clears the box, frames it, writes its title, and gives the room inside, one column of air at either side.
pub fn open(buf: &mut Buffer, area: Rect, title: &str, theme: Theme) -> Rect {
    if area.width < 4 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    for y in area.top()..area.bottom() {
        // A wide character that reaches into the box from the left would be torn: it goes.
        if area.x > 0 && width(buf[(area.x - 1, y)].symbol()) > 1 {
            buf[(area.x - 1, y)].set_symbol(" ");
        }
        for x in area.left()..area.right() {
            buf[(x, y)].reset();
            buf[(x, y)].set_style(theme.raised());
        }
    }
    for y in area.top()..area.bottom() {
        let (screen_left, screen_right) = (buf.area.left(), buf.area.right());
        if area.x - screen_left <= SLIVER {
            (screen_left..area.left()).for_each(|x| buf[(x, y)].reset());
        }
        if screen_right - area.right() <= SLIVER {
            (area.right()..screen_right).for_each(|x| buf[(x, y)].reset());
        }
    }
    let style = theme.style(Role::Faint).patch(theme.raised());
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.left() + 1..right {
        buf[(x, area.y)].set_symbol("─").set_style(style);
        buf[(x, bottom)].set_symbol("─").set_style(style);
    }
    for y in area.top() + 1..bottom {
        buf[(area.x, y)].set_symbol("│").set_style(style);
        buf[(right, y)].set_symbol("│").set_style(style);
    }
    for (x, y, s) in [
        (area.x, area.y, "┌"),
        (right, area.y, "┐"),
        (area.x, bottom, "└"),
        (right, bottom, "┘"),
    ] {
        buf[(x, y)].set_symbol(s).set_style(style);
    }
    let title = format!(" {} ", cut(title, usize::from(area.width).saturating_sub(6)));
    buf.set_string(
        area.x + 1,
        area.y,
        title,
        theme.style(Role::Title).fg(Color::Reset).patch(theme.raised()),
    );
    Rect::new(area.x + 2, area.y + 1, area.width - 4, area.height - 2)
}

/// A horizontal rule over the whole width, with a word at its right end where there is one.
pub fn rule(buf: &mut Buffer, area: Rect, word: &str, theme: Theme) {
    let style: Style = theme.style(Role::Faint);
    for x in area.left()..area.right() {
        buf[(x, area.y)].set_symbol("─").set_style(style);
    }
    if !word.is_empty() {
        let word = format!(" {} ", cut(word, usize::from(area.width).saturating_sub(4)));
        let x = area.right().saturating_sub(width(&word) as u16 + 1);
        buf.set_string(x, area.y, word, theme.style(Role::Dim));
    }
}
