//! Bars: progress, and a phase of a probe against its usual.

use ratatui::style::Style;

use crate::console::theme::{Role, Theme};

use super::cells::Cells;

/// Eighths of a cell, from empty to full.
const EIGHTHS: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// A bar of `columns` columns, `share` (0 to 1) of it full, the rest drawn as faint ground.
pub fn bar(share: f64, columns: usize, style: Style, theme: Theme) -> Cells {
    let full = (share.clamp(0.0, 1.0) * columns as f64).round() as usize;
    Cells::new()
        .put("█".repeat(full), style)
        .put("░".repeat(columns - full), theme.style(Role::Faint))
}

/// A bar from the left edge, `length` columns long in eighths, in `columns` columns. Something that is not nothing is
/// drawn as at least an eighth. `mark` is a column at which a tick stands where the bar does not cover it.
pub fn length(length: f64, mark: Option<f64>, columns: usize, style: Style, theme: Theme) -> Cells {
    let eighths = ((length.clamp(0.0, columns as f64) * 8.0).round() as usize).max(usize::from(length > 0.0));
    let (whole, part) = (eighths / 8, eighths % 8);
    let mut cells = Cells::new().put("█".repeat(whole), style).put(EIGHTHS[part], style);
    let mark = mark.map(|m| (m.max(0.0) as usize).min(columns.saturating_sub(1)));
    if let Some(m) = mark.filter(|m| *m >= cells.used()) {
        cells = cells.to(m).put("┊", theme.style(Role::Dim));
    }
    cells.to(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_its_columns_exactly() {
        for (share, full) in [(0.0, 0), (0.62, 6), (1.0, 10), (7.0, 10), (-1.0, 0), (f64::NAN, 0)] {
            let b = bar(share, 10, Style::new(), Theme::PLAIN);
            assert_eq!(b.used(), 10);
            assert_eq!(b.line().spans[0].content.chars().count(), full, "{share}");
        }
    }

    #[test]
    fn a_length_shows_the_smallest_and_bounds_the_largest() {
        for l in [0.0, 0.001, 3.5, 400.0] {
            assert_eq!(length(l, Some(5.0), 12, Style::new(), Theme::PLAIN).used(), 12, "{l}");
        }
        let tiny = length(0.001, None, 12, Style::new(), Theme::PLAIN).line();
        assert!(tiny.spans.iter().any(|s| s.content == "▏"));
    }
}
