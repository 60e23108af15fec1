//! Age × destination, as `qshape(1)` prints it, heat-shaded. Where ten age columns do not fit, neighbours are joined.

use ratatui::text::Line;

use crate::console::number;
use crate::console::theme::{Role, Theme};
use crate::domain::queue::{Ages, Listing};

use super::cells::{Cells, cut, width};

/// Heads of the age columns, as `qshape` writes them: younger than this, and not younger than the one before.
const HEADS: [&str; 10] = [
    "5m", "10m", "20m", "40m", "80m", "2h40", "5h20", "10h40", "21h20", "older",
];
/// Heads when pairs are joined.
const JOINED: [&str; 5] = ["10m", "40m", "2h40", "10h40", "older"];
/// Columns of one age.
const CELL: usize = 6;
/// Columns of the totals.
const TOTAL: usize = 8;
/// The narrowest name that is of use.
const NAME: usize = 12;

/// Lines of the table before the first destination: the heads, and all of them together.
pub const BEFORE: usize = 2;

/// The table in at most `rows` rows: head, all, then the largest destinations, and how many there are more.
pub fn lines(listing: &Listing, columns: usize, rows: usize, theme: Theme) -> Vec<Line<'static>> {
    let joined = columns < NAME + TOTAL + HEADS.len() * CELL;
    let ages = |a: &Ages| -> Vec<u64> {
        if joined {
            a.chunks(2).map(|c| c.iter().sum()).collect()
        } else {
            a.to_vec()
        }
    };
    let heads: &[&str] = if joined { &JOINED } else { &HEADS };
    let widest = listing
        .destinations
        .iter()
        .map(|d| width(&d.domain))
        .max()
        .unwrap_or(0)
        .max(NAME);
    let room = columns.saturating_sub(TOTAL + heads.len() * CELL);
    let name = widest.min(room);
    let label = theme.style(Role::Label);
    let mut head = Cells::new()
        .left("destination", name, label)
        .right("messages", TOTAL, label);
    for h in heads {
        head = head.right(h, CELL, label);
    }
    let mut out = vec![head.line_in(columns)];
    let hottest = listing
        .destinations
        .iter()
        .flat_map(|d| ages(&d.ages))
        .max()
        .unwrap_or(0);
    let row = |who: &str, total: u64, a: &Ages, most: u64| {
        let mut line = Cells::new()
            .put(cut(who, name).into_owned(), theme.style(Role::Text))
            .to(name)
            .right(&number::fitted(total, TOTAL - 1), TOTAL, theme.style(Role::Text));
        for n in ages(a) {
            let style = theme.heat(level(n, most));
            let text = if n == 0 { "·".to_owned() } else { number::short(n) };
            line = line.gap(1).put(format!("{text:>w$}", w = CELL - 1), style);
        }
        line.line_in(columns)
    };
    let all: u64 = listing.ages.iter().sum();
    out.push(row(
        "all",
        all,
        &listing.ages,
        listing.ages.iter().copied().max().unwrap_or(0),
    ));
    let fits = shown(listing, rows);
    for d in &listing.destinations[..fits] {
        out.push(row(&d.domain, d.messages, &d.ages, hottest));
    }
    let more = listing.destination_count.saturating_sub(fits as u64);
    if more > 0 {
        let word = format!("and {} more destinations", number::grouped(more));
        out.push(Cells::new().put(word, theme.style(Role::Dim)).line_in(columns));
    }
    out
}

/// How many destinations have a line of their own in so many rows.
pub fn shown(listing: &Listing, rows: usize) -> usize {
    if listing.destination_count as usize <= rows.saturating_sub(BEFORE) {
        listing.destinations.len()
    } else {
        rows.saturating_sub(BEFORE + 1).min(listing.destinations.len())
    }
}

/// Heat on a scale of ratios: a tenth of the most is still warm, because queues differ by powers of ten.
fn level(n: u64, most: u64) -> u8 {
    if n == 0 || most == 0 {
        return 0;
    }
    match n as f64 / most as f64 {
        s if s >= 0.5 => 4,
        s if s >= 0.1 => 3,
        s if s >= 0.02 => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::queue::Destination;

    fn listing(names: &[&str], count: u64) -> Listing {
        let d = |n: &&str| Destination {
            domain: (**n).into(),
            messages: 12_904,
            ages: [0, 1, 20, 300, 4_000, 5_000, 0, 0, 0, 120_000],
        };
        Listing {
            ages: [0, 1, 20, 300, 4_000, 5_000, 0, 0, 0, 120_000],
            destinations: names.iter().map(d).collect(),
            destination_count: count,
            ..Listing::default()
        }
    }
    fn text(l: &Listing, columns: usize, rows: usize) -> Vec<String> {
        lines(l, columns, rows, Theme::PLAIN)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn columns_line_up_under_their_heads_for_any_name() {
        let l = listing(
            &[
                "far.test",
                "日本語.example",
                "a-very-long-name-that-does-not-fit.example.com",
            ],
            3,
        );
        for columns in [58, 67, 80, 118] {
            let got = text(&l, columns, 20);
            let ends: Vec<usize> = got.iter().map(|g| width(g)).collect();
            assert!(
                ends.windows(2).all(|w| w[0] == w[1]) && ends[0] <= columns,
                "{columns}: {got:#?}"
            );
        }
    }

    #[test]
    fn joined_columns_hold_the_sum_of_what_they_join() {
        let got = text(&listing(&["far.test"], 1), 60, 9);
        assert_eq!(got[2], "far.test      12\u{202f}904     1   320  9.0k     ·  120k");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let got = text(&listing(&["a", "b", "c", "d"], 1_004), 80, 5);
        assert_eq!(got.len(), 5);
        assert_eq!(got[4], "and 1\u{202f}002 more destinations");
    }
}
