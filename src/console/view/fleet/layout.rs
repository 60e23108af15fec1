//! Which lines of the screen hold what.

use ratatui::layout::Rect;

/// The parts of the fleet screen.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Between the header and the table, where there is room.
    pub upper_rule: Option<Rect>,
    /// The heads of the columns.
    pub head: Rect,
    /// The rows.
    pub table: Rect,
    /// Below the rows.
    pub lower_rule: Rect,
    /// The selected server.
    pub detail: Rect,
    /// Above the footer, where there is room.
    pub foot_rule: Option<Rect>,
}

impl Layout {
    /// For this area and so many servers: rows that are not needed go to the selected server.
    pub fn of(area: Rect, servers: usize) -> Self {
        let roomy = area.height >= 20;
        let rules = if roomy { 2 } else { 0 };
        // Header, notice, heads, lower rule, footer.
        let fixed = 5 + rules;
        let least = if roomy { 4 } else { 3 };
        let left = area.height.saturating_sub(fixed + least);
        let needed = u16::try_from(servers).unwrap_or(u16::MAX).max(3);
        let spare = left.saturating_sub(needed);
        let (detail, table) = (least + spare, left - spare);
        let mut y = area.y + 2;
        let mut take = |height: u16| {
            let part = Rect::new(area.x, y, area.width, height).intersection(area);
            y += height;
            part
        };
        let upper_rule = roomy.then(|| take(1));
        let (head, table, lower_rule, detail) = (take(1), take(table), take(1), take(detail));
        Self {
            upper_rule,
            head,
            table,
            lower_rule,
            detail,
            foot_rule: roomy.then(|| take(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_fill_the_screen_and_do_not_overlap() {
        for h in 15..80 {
            for servers in [0, 1, 6, 13, 200, 100_000] {
                let area = Rect::new(0, 0, 80, h);
                let l = Layout::of(area, servers);
                let parts = [
                    l.upper_rule,
                    Some(l.head),
                    Some(l.table),
                    Some(l.lower_rule),
                    Some(l.detail),
                    l.foot_rule,
                ];
                let mut y = 2;
                for p in parts.into_iter().flatten() {
                    assert_eq!(p.y, y, "{h} {servers}");
                    y += p.height;
                }
                assert_eq!(y, h - 1, "only the footer is left: {h} {servers}");
                assert!(l.table.height >= 3, "{h} {servers}");
            }
        }
    }
}
