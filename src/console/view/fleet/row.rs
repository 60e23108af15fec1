//! One line of the table. What is not watched is `—`; what is watched and not known is `?`; neither is ever a zero.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::{Role, Theme};
use crate::console::view::{detail, drain, headline};
use crate::console::widget::{Cells, spark};
use crate::console::{glyphs, number, when};
use crate::domain::Span;
use crate::domain::door::Protocol;
use crate::domain::forecast::Drain;
use crate::domain::health::Verdict;
use crate::domain::job::State;
use crate::model::{JobLine, Row};

use super::columns::{Column, Placed};

/// Whether the cursor is on this line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cursor {
    /// It is.
    Here,
    /// It is not.
    Elsewhere,
}

/// Columns that a mark takes before the names, once anything is marked.
pub const MARK: usize = 2;
/// What stands for a thing that is not watched.
const NONE: &str = "—";
/// What stands for a thing that is not known.
const UNKNOWN: &str = "?";

/// What the column of the doors is called: by the one protocol, where only that is watched.
pub fn doors(app: &App) -> &'static str {
    let all = app.model.servers().flat_map(|s| s.doors.values());
    if all.map(crate::model::Door::protocol).all(|p| p == Protocol::Imap) {
        "  IMAP"
    } else {
        "  DOOR"
    }
}

/// The heads of the columns.
pub fn head(columns: &[Placed], recent: Span, doors: &str, theme: Theme) -> Line<'static> {
    let style = theme.style(Role::Label);
    let recent = match recent.secs() / 60 {
        m if m < 60 => format!("{m} MIN"),
        m => format!("{} H", m / 60),
    };
    columns
        .iter()
        .fold(Cells::new(), |line, (column, gap, w)| {
            let line = line.gap(*gap);
            match column {
                Column::Name => line.left("SERVER", *w, style),
                // The words stand after their symbol, and so does their head.
                Column::Status => line.left(doors, *w, style),
                Column::P50 => line.right("P50", *w, style),
                Column::Spark => line.left(&recent, *w, style),
                Column::Queue => line.right("QUEUE", *w, style),
                Column::Net => line.right("NET/MIN", *w, style),
                Column::Drain => line.left("DRAIN", *w, style),
                Column::Maint => line.left("MAINT", *w, style),
                Column::Oldest => line.right("OLDEST", *w, style),
                Column::Held => line.right("HELD", *w, style),
                Column::Cert => line.right("CERT", *w, style),
                Column::For => line.right("FOR", *w, style),
            }
        })
        .line()
}

/// A server's line.
pub fn line(columns: &[Placed], row: &Row<'_>, app: &App, now: Timestamp, cursor: Cursor) -> Line<'static> {
    let theme = app.options.theme;
    let mut line = match cursor {
        Cursor::Here => Cells::new().put("▌", theme.style(Role::Accent)),
        Cursor::Elsewhere => Cells::new().gap(1),
    };
    for (i, (column, gap, w)) in columns.iter().enumerate() {
        // The first column's gap is where the cursor stands.
        let gap = if i == 0 { gap - 1 } else { *gap };
        line = cell(line.gap(gap), *column, *w, row, app, now);
    }
    line.line()
}

fn cell(line: Cells, column: Column, w: usize, row: &Row<'_>, app: &App, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let right = |line: Cells, (text, role): (String, Role)| line.right(&text, w, theme.style(role));
    match column {
        Column::Name => {
            let style = name_style(row.verdict, theme);
            match (app.fleet.marked().next(), app.fleet.is_marked(&row.server.name)) {
                (None, _) => line.left(&row.server.name, w, style),
                (_, false) => line.gap(MARK).left(&row.server.name, w - MARK, style),
                (_, true) => line.put("• ", theme.style(Role::Accent)).left(
                    &row.server.name,
                    w - MARK,
                    theme.style(Role::Accent),
                ),
            }
        }
        Column::Status => {
            let text = format!("{} {}", glyphs::verdict(row.verdict), headline::words(row));
            line.left(&text, w, theme.verdict(row.verdict))
        }
        Column::P50 => {
            let slow = row.p50.is_some_and(|p| p > row.server.limits().slow);
            let role = if slow { Role::Warn } else { Role::Text };
            right(
                line,
                row.p50
                    .map_or((NONE.to_owned(), Role::Faint), |p| (p.to_string(), role)),
            )
        }
        Column::Spark => match row.door {
            Some(d) => line.join(spark::cells(row.server, d, now, w, theme)),
            None => line.left("", w, Style::new()),
        },
        Column::Queue => right(line, queue(row, w, now)),
        Column::Net => right(
            line,
            match row.net_per_min {
                Some(rate) => (number::signed(rate, w), net_role(row)),
                None if row.server.queues.is_empty() => (NONE.to_owned(), Role::Faint),
                None => (UNKNOWN.to_owned(), Role::Unknown),
            },
        ),
        Column::Drain => {
            let (words, role) = match &row.outlook {
                Some(outlook) => drain::short(outlook, w, now, &app.options.zone),
                None => (NONE.to_owned(), Role::Faint),
            };
            line.left(&words, w, theme.style(role))
        }
        Column::Maint => {
            let (text, style) = maint(row.job.as_ref(), theme);
            line.left(&text, w, style)
        }
        Column::Oldest => right(line, oldest(row, now)),
        Column::Held => right(
            line,
            match row.depth {
                Some(d) if d.hold > 0 => (number::fitted(d.hold, w), Role::Text),
                Some(_) => ("0".to_owned(), Role::Dim),
                None if row.server.queues.is_empty() => (NONE.to_owned(), Role::Faint),
                None => (UNKNOWN.to_owned(), Role::Unknown),
            },
        ),
        Column::Cert => right(line, cert(row, now)),
        Column::For => right(
            line,
            match row.since {
                Some(at) => (when::age(at, now), Role::Text),
                None => (String::new(), Role::Faint),
            },
        ),
    }
}

fn name_style(v: Verdict, theme: Theme) -> Style {
    match v {
        Verdict::Down => theme.style(Role::Title),
        _ => theme.style(Role::Text),
    }
}

fn queue(row: &Row<'_>, w: usize, now: Timestamp) -> (String, Role) {
    let Some(d) = row.depth else {
        return if row.server.queues.is_empty() {
            (NONE.to_owned(), Role::Faint)
        } else {
            (UNKNOWN.to_owned(), Role::Unknown)
        };
    };
    let deep = d.total() > row.server.limits().queue_depth;
    let role = if deep { Role::Warn } else { Role::Text };
    if detail::partial(row.server, now) {
        return (format!("≥{}", number::fitted(d.total(), w - 1)), role);
    }
    (number::fitted(d.total(), w), role)
}

/// Only growing mail is trouble.
fn net_role(row: &Row<'_>) -> Role {
    match row.outlook.map(|o| o.drain) {
        Some(Drain::Growing { .. }) => Role::Warn,
        _ => Role::Text,
    }
}

fn maint(job: Option<&JobLine>, theme: Theme) -> (String, Style) {
    let Some(j) = job else {
        return (NONE.to_owned(), theme.style(Role::Faint));
    };
    let symbol = glyphs::state(j.state);
    let text = match j.state {
        State::Running => j.progress.map_or_else(|| "runs".to_owned(), |p| format!("{p:.0}%")),
        State::Paused => match j.pause_left {
            Some(left) if left <= Span::ZERO && !j.leased => return overdue(left, theme),
            // Nothing on the server ends it, whatever its plan said.
            _ if !j.leased => return (format!("{symbol} open"), theme.style(Role::Warn)),
            // It fires about now; the next reading tells what came of it.
            Some(left) if left <= Span::ZERO => "ends".to_owned(),
            Some(left) => coarse(left),
            None => "?".to_owned(),
        },
        State::Idle => "idle".to_owned(),
        State::Failed => "fail".to_owned(),
        State::Unknown => String::new(),
    };
    (format!("{symbol} {text}").trim_end().to_owned(), theme.state(j.state))
}

/// `▲ +4h`: a pause that should have ended so long ago.
fn overdue(left: Span, theme: Theme) -> (String, Style) {
    let over = match (Span::ZERO - left).secs() {
        s @ ..60 => format!("{s}s"),
        s @ 60..5_940 => format!("{}m", s / 60),
        s @ 5_940..172_800 => format!("{}h", s / 3_600),
        s => format!("{}d", (s / 86_400).min(99)),
    };
    (format!("▲ +{over}"), theme.style(Role::Warn))
}

/// What is left of a pause in at most four columns: whole minutes, rounded up, until the last.
fn coarse(left: Span) -> String {
    let secs = left.secs();
    match secs {
        ..60 => format!("{}s", secs.max(1)),
        60..5_940 => format!("{}m", (secs + 59) / 60),
        5_940..172_800 => format!("{}h", (secs + 1_800) / 3_600),
        _ => format!("{}d", secs / 86_400),
    }
}

fn oldest(row: &Row<'_>, now: Timestamp) -> (String, Role) {
    if row.server.queues.is_empty() {
        return (NONE.to_owned(), Role::Faint);
    }
    match detail::oldest(row.server) {
        Some(at) => (when::age(at, now), Role::Text),
        None if row.depth.is_some_and(|d| d.total() == 0) => (NONE.to_owned(), Role::Faint),
        None => (UNKNOWN.to_owned(), Role::Unknown),
    }
}

fn cert(row: &Row<'_>, now: Timestamp) -> (String, Role) {
    let tls = row
        .server
        .doors
        .values()
        .filter_map(|d| d.cert_ends)
        .map(|end| (end.as_second() - now.as_second()).div_euclid(86_400));
    match tls.min() {
        Some(days) if days < row.server.limits().cert_days => (format!("{days}d"), Role::Warn),
        Some(days) => (format!("{days}d"), Role::Dim),
        None => (NONE.to_owned(), Role::Faint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: State, progress: Option<f64>, left: Option<i64>) -> String {
        maintained(state, progress, left, true)
    }
    fn maintained(state: State, progress: Option<f64>, left: Option<i64>, leased: bool) -> String {
        let line = JobLine {
            state,
            progress,
            pause_left: left.map(Span::from_secs),
            leased,
        };
        maint(Some(&line), Theme::PLAIN).0
    }

    #[test]
    fn maintenance_fits_six_columns_and_never_invents_what_is_left() {
        assert_eq!(job(State::Running, Some(62.4), None), "▶ 62%");
        assert_eq!(job(State::Running, None, None), "▶ runs");
        assert_eq!(job(State::Paused, None, Some(22 * 60 - 5)), "‖ 22m");
        assert_eq!(job(State::Paused, None, Some(59)), "‖ 59s");
        assert_eq!(job(State::Paused, None, Some(4 * 3_600)), "‖ 4h");
        assert_eq!(job(State::Paused, None, Some(0)), "‖ ends");
        assert_eq!(maintained(State::Paused, None, Some(0), false), "▲ +0s");
        assert_eq!(job(State::Paused, None, None), "‖ ?");
        assert_eq!(maintained(State::Paused, None, Some(22 * 60), false), "‖ open");
        assert_eq!(maintained(State::Paused, None, None, false), "‖ open");
        assert_eq!(maintained(State::Paused, None, Some(-16_740), false), "▲ +4h");
        assert_eq!(job(State::Unknown, None, None), "?");
        assert_eq!(maint(None, Theme::PLAIN).0, "—");
        for text in [
            job(State::Running, Some(100.0), None),
            job(State::Failed, None, None),
            job(State::Idle, None, None),
            job(State::Paused, None, Some(-90 * 60)),
            job(State::Paused, None, Some(-1_000_000_000)),
        ] {
            assert!(text.chars().count() <= 6, "{text}");
        }
    }
}
