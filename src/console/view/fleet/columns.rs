//! Which columns fit, and how wide they are. Narrow screens drop what is needed least; wide ones show more.

use crate::console::view::{drain, headline};
use crate::console::widget::width;
use crate::model::Row;

/// A column of the fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// The server's name.
    Name,
    /// Symbol and words.
    Status,
    /// The median probe of the last ten minutes.
    P50,
    /// The last ten minutes.
    Spark,
    /// Messages in its queues.
    Queue,
    /// Net messages a minute.
    Net,
    /// Whether the queues drain, and when they are clear.
    Drain,
    /// Maintenance.
    Maint,
    /// The oldest message.
    Oldest,
    /// Held messages.
    Held,
    /// Days until the certificate ends.
    Cert,
    /// How long the trouble lasts.
    For,
}

use Column as C;

/// A column, the empty columns before it, and its width.
pub type Placed = (Column, usize, usize);

/// Columns that every screen begins with: gap, least width.
const BASE: [Placed; 8] = [
    (C::Name, 1, 6),
    (C::Status, 1, 12),
    (C::P50, 1, 5),
    (C::Spark, 2, 5),
    (C::Queue, 1, 7),
    (C::Net, 1, 7),
    (C::Drain, 2, drain::COLUMN.0),
    (C::Maint, 1, 6),
];
/// What goes first when they do not fit.
const DROP: [Column; 3] = [C::Spark, C::P50, C::Net];
/// What is added where there is room, the most wanted first, and after which column it stands.
const ADD: [(Placed, Column); 4] = [
    ((C::For, 1, 7), C::Status),
    ((C::Oldest, 2, 6), C::Net),
    ((C::Held, 1, 6), C::Queue),
    ((C::Cert, 2, 5), C::Spark),
];

/// The columns for a screen of this width, with so many more for marks before the names.
pub fn plan(screen: usize, rows: &[Row<'_>], marks: usize) -> Vec<Placed> {
    let name = rows.iter().map(|r| width(&r.server.name)).max().unwrap_or(6).max(6) + marks;
    let status = rows
        .iter()
        .map(|r| 2 + width(&headline::words(r)))
        .max()
        .unwrap_or(0)
        .max(17);
    fit(screen, name, status)
}

fn fit(screen: usize, name: usize, status: usize) -> Vec<Placed> {
    let mut all = BASE.to_vec();
    let used = |all: &[Placed]| all.iter().map(|(_, gap, w)| gap + w).sum::<usize>();
    for column in DROP {
        if used(&all) <= screen {
            break;
        }
        all.retain(|(c, ..)| *c != column);
    }
    let grow = |all: &mut Vec<Placed>, column: Column, want: usize| {
        let spare = screen.saturating_sub(used(all));
        if let Some((_, _, w)) = all.iter_mut().find(|(c, ..)| *c == column) {
            *w = (*w).max(want.min(*w + spare));
        }
    };
    grow(&mut all, C::Status, status.min(17));
    grow(&mut all, C::Name, name.min(12));
    // A server that cannot be told by its name is worth less than its rate: the drain stays.
    for column in DROP {
        if all.iter().any(|(c, _, w)| *c == C::Name && *w < name.min(12)) {
            all.retain(|(c, ..)| *c != column);
            grow(&mut all, C::Name, name.min(12));
        }
    }
    // `✖ smtp delivery 451`.
    grow(&mut all, C::Status, status.min(19));
    grow(&mut all, C::Spark, 10);
    grow(&mut all, C::Drain, drain::COLUMN.1);
    grow(&mut all, C::Name, name.min(24));
    grow(&mut all, C::Status, status.min(26));
    for (placed, after) in ADD {
        if used(&all) + placed.1 + placed.2 <= screen
            && let Some(i) = all.iter().position(|(c, ..)| *c == after)
        {
            all.insert(i + 1, placed);
        }
    }
    grow(&mut all, C::Spark, 20);
    grow(&mut all, C::Queue, 9);
    grow(&mut all, C::Name, name.min(40));
    // What is left stands between the words and the numbers, so that both keep their edges.
    grow(&mut all, C::Status, screen);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(screen: usize, name: usize, status: usize) -> Vec<Column> {
        fit(screen, name, status).iter().map(|p| p.0).collect()
    }

    #[test]
    fn the_columns_fill_the_screen_exactly_at_any_width() {
        for screen in 60..260 {
            for (name, status) in [(6, 12), (8, 17), (30, 40), (128, 128)] {
                let sum: usize = fit(screen, name, status).iter().map(|(_, g, w)| g + w).sum();
                assert_eq!(sum, screen, "{screen} {name} {status}");
            }
        }
    }

    #[test]
    fn eighty_columns_hold_all_that_a_tired_person_needs() {
        let all = [
            C::Name,
            C::Status,
            C::P50,
            C::Spark,
            C::Queue,
            C::Net,
            C::Drain,
            C::Maint,
        ];
        assert_eq!(names(80, 8, 17), all);
        assert_eq!(names(80, 100, 100), all);
        assert!(fit(80, 6, 17).contains(&(C::Status, 1, 17)));
    }

    #[test]
    fn a_narrow_screen_keeps_the_trouble_the_queue_and_the_maintenance() {
        let narrow = names(60, 8, 17);
        for c in [C::Name, C::Status, C::Queue, C::Drain, C::Maint] {
            assert!(narrow.contains(&c), "{c:?}");
        }
        assert!(!narrow.contains(&C::Spark));
    }

    #[test]
    fn a_long_name_is_worth_more_than_a_rate() {
        assert!(names(60, 6, 17).contains(&C::Net));
        assert!(!names(60, 12, 17).contains(&C::Net));
        assert!(fit(60, 12, 17).contains(&(C::Name, 1, 12)));
    }

    #[test]
    fn a_wide_screen_shows_more() {
        let wide = names(120, 8, 17);
        for c in [C::For, C::Oldest, C::Held, C::Cert] {
            assert!(wide.contains(&c), "{c:?}");
        }
    }
}
