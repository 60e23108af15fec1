//! The messages of a queue: what is asked and how far that is, and a line for each message.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::console::app::{self, App, Asked, MessagesView, Screen};
use crate::console::theme::Role;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed, input};
use crate::console::{number, when};
use crate::domain::message::{MessageInfo, MessagePage, PickBy};

use super::{footer, header, message, put_lines};

/// Lines above the rows: header, notice, what is asked, how far that is, the heads.
const ABOVE: u16 = 5;

/// Draws the screen.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, view: &MessagesView, now: Timestamp) {
    let theme = app.options.theme;
    let columns = usize::from(area.width);
    header::draw(buf, area, app, header::Roles::Here, now);
    footer::draw(buf, area, app);
    let mut line = |y: u16, cells: Cells| {
        buf.set_line(area.x, area.y + y, &cells.line_in(columns), area.width);
    };
    line(2, title(app, view));
    line(3, progress(app, view, columns, now));
    if let Some((scroll, lines)) = view.open.zip(message::lines(app, view, now)) {
        boxed::rule(buf, Rect::new(area.x, area.y + 4, area.width, 1), "", theme);
        put_lines(buf, room(area), &lines, scroll);
        return super::server::more(buf, room(area), app, lines.len(), scroll);
    }
    let shape = Shape::of(columns);
    line(4, shape.heads(app));
    let room = room(area);
    let rows = view.shown();
    let height = usize::from(room.height);
    let top = (view.at + 1).saturating_sub(height);
    for (i, m) in rows.iter().enumerate().skip(top).take(height) {
        let y = room.y + (i - top) as u16;
        let here = i == view.at;
        if here {
            buf.set_style(Rect::new(area.x, y, area.width, 1), theme.selected());
        }
        let mark = if here { "▌" } else { " " };
        let cells = Cells::new()
            .put(mark, theme.style(Role::Accent))
            .join(shape.row(app, m, now));
        buf.set_line(area.x, y, &cells.line_in(columns), area.width);
    }
    if rows.is_empty() {
        let words = empty(view);
        let lines: Vec<Line<'_>> = wrap(&words, columns.saturating_sub(3), 4)
            .into_iter()
            .map(|w| Cells::new().gap(2).put(w, theme.style(Role::Dim)).line())
            .collect();
        put_lines(
            buf,
            Rect::new(room.x, room.y + 1, room.width, room.height.saturating_sub(1)),
            &lines,
            0,
        );
    }
}

/// How many rows there are room for.
pub fn page(app: &App) -> usize {
    usize::from(room(Rect::new(0, 0, app.size.0, app.size.1)).height).max(1)
}

/// How many lines of the opened message do not fit.
pub fn hidden_lines(app: &App, now: Timestamp) -> usize {
    let Screen::Messages(view) = &app.screen else {
        return 0;
    };
    message::lines(app, view, now).map_or(0, |lines| lines.len().saturating_sub(page(app)))
}

fn room(area: Rect) -> Rect {
    Rect::new(
        area.x,
        area.y + ABOVE,
        area.width,
        area.height.saturating_sub(ABOVE + 1),
    )
}

/// What is asked: ` mbox1 postfix  messages for example.net, with “lin”`.
fn title(app: &App, view: &MessagesView) -> Cells {
    let theme = app.options.theme;
    let what = match &view.pick.by {
        PickBy::All => "all messages".to_owned(),
        PickBy::Destination(d) => format!("messages for {d}"),
        PickBy::Reason(r) => format!("messages that wait because: {r}"),
        PickBy::Sender(s) => format!("messages from {s}"),
    };
    let with = match view.pick.text.as_str() {
        "" => String::new(),
        text => format!("with “{}” ", crate::domain::Text::from(text)),
    };
    Cells::new()
        .gap(1)
        .put(format!("{} {}", view.back.name, view.queue), theme.style(Role::Title))
        .gap(2)
        .put(with, theme.style(Role::Accent))
        .put(what, theme.style(Role::Text))
}

/// The search while it is typed; else how far the question is, or how many fit and when they were listed.
fn progress(app: &App, view: &MessagesView, columns: usize, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    if let Some(search) = &view.search {
        let shown = view.shown().len();
        let of = format!("{shown} of this page match; ⏎ searches all");
        let room = columns.saturating_sub(of.chars().count() + 5);
        return Cells::new()
            .put(" /", theme.style(Role::Accent))
            .join(input::cells(search, room, theme))
            .gap(2)
            .put(of, theme.style(Role::Dim));
    }
    let line = Cells::new().gap(1);
    let asked = match &view.asked {
        Asked::Sent(at) => format!("asked {} ago", when::age(*at, now)),
        Asked::Fits(at) => match app::left(*at, now) {
            Some(left) => format!("asked; a listing fits the load budget in {}", when::whole(left)),
            None => "asked; a listing fits the load budget now".to_owned(),
        },
        Asked::Listing(at) => format!("listing… for {}", when::age(*at, now)),
        Asked::Missed(why) => return line.put(format!("✖ not listed: {}", why.why), theme.style(Role::Warn)),
        Asked::Answered => return listed(app, view, line, now),
    };
    line.put(format!("▶ {asked}"), theme.style(Role::Accent))
}

fn listed(app: &App, view: &MessagesView, line: Cells, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let Some(page) = view.page.as_deref() else {
        return line;
    };
    let line = line.put(place(page), theme.style(Role::Text)).put(
        format!(", listed {} ago", when::age(page.at, now)),
        theme.style(Role::Dim),
    );
    match &page.partial {
        Some(why) => line.put(format!("  ▲ partial: {why}"), theme.style(Role::Warn)),
        None => line,
    }
}

/// `1–100 of 31 204`; where the listing was partial, of at least so many.
fn place(page: &MessagePage) -> String {
    let least = if page.partial.is_some() { "≥" } else { "" };
    let fit = number::grouped(page.fit);
    let n = page.messages.len() as u64;
    if n == 0 {
        return format!("none of {least}{fit} here");
    }
    let (from, to) = (page.pick.skip + 1, page.pick.skip + n);
    format!("{}–{} of {least}{fit}", number::grouped(from), number::grouped(to))
}

/// Why no row is shown.
fn empty(view: &MessagesView) -> String {
    match (&view.asked, &view.page) {
        (Asked::Missed(why), _) => format!("{why}. R asks again"),
        (Asked::Answered, Some(page)) if page.messages.is_empty() => {
            "no message fits: it may have left the queue since the last listing".to_owned()
        }
        (Asked::Answered, Some(_)) => "none of this page matches; ⏎ searches all messages".to_owned(),
        _ => "the mail host is asked within its load budget; Esc goes back and the answer is not waited for".to_owned(),
    }
}

/// How wide the columns are.
#[derive(Clone, Copy, Debug)]
struct Shape {
    sender: usize,
    recipient: usize,
    reason: usize,
}

const AGE: usize = 6;
const QUEUE: usize = 8;
const SIZE: usize = 7;

impl Shape {
    /// What is left of the screen beside age, queue and size is shared; the reason has the most.
    const fn of(columns: usize) -> Self {
        let left = columns.saturating_sub(1 + AGE + 2 + QUEUE + 1 + SIZE + 6);
        let address = left * 3 / 10;
        Self {
            sender: address,
            recipient: address,
            reason: left - 2 * address,
        }
    }

    fn heads(self, app: &App) -> Cells {
        let style = app.options.theme.style(Role::Label);
        self.cells(["AGE", "QUEUE", "SIZE", "SENDER", "RECIPIENT", "REASON"], [style; 6], 1)
    }

    fn row(self, app: &App, m: &MessageInfo, now: Timestamp) -> Cells {
        let theme = app.options.theme;
        let (text, dim) = (theme.style(Role::Text), theme.style(Role::Dim));
        let first = m.recipients.first();
        let more = m.recipient_count.saturating_sub(1);
        let recipient = match (first, more) {
            (Some(r), 0) => r.address.to_string(),
            // How many more there are must not be what is cut off.
            (Some(r), n) => {
                let n = format!(" +{}", number::short(n));
                let room = self.recipient.saturating_sub(n.len());
                crate::console::widget::cut(&r.address, room).into_owned() + &n
            }
            (None, _) => "?".to_owned(),
        };
        let reason = first.and_then(|r| r.reason.as_ref());
        let (reason, style) = reason.map_or(("not tried yet", dim), |r| (gist(r), text));
        self.cells(
            [
                &when::age(m.arrival, now),
                &m.queue,
                &number::bytes(m.size),
                &m.sender,
                &recipient,
                reason,
            ],
            [text, dim, dim, text, text, style],
            0,
        )
    }

    fn cells(self, words: [&str; 6], styles: [Style; 6], before: usize) -> Cells {
        let [age, queue, size, sender, recipient, reason] = words;
        Cells::new()
            .gap(before)
            .right(age, AGE, styles[0])
            .gap(2)
            .left(queue, QUEUE, styles[1])
            .gap(1)
            .right(size, SIZE, styles[2])
            .gap(2)
            .left(sender, self.sender, styles[3])
            .gap(2)
            .left(recipient, self.recipient, styles[4])
            .gap(2)
            .left(reason, self.reason, styles[5])
    }
}

/// What a reason says behind the name of the host that says it (`host mx[192.0.2.1] said: 451 …`, `connect to
/// mx[192.0.2.1]:25: Connection refused`): a column has no room for both, and that is what differs.
fn gist(reason: &str) -> &str {
    let behind = match reason.split_once(" said: ") {
        Some((_, words)) => words,
        None if reason.starts_with("connect to ") => reason.split_once(": ").map_or(reason, |(_, words)| words),
        None => reason,
    };
    if behind.trim().is_empty() { reason } else { behind }
}

#[cfg(test)]
mod tests {
    use super::gist;

    #[test]
    fn a_column_shows_what_the_host_said_and_not_who_it_is() {
        for (reason, shown) in [
            (
                "host mx[192.0.2.1] said: 451 4.3.0 Temporary (in reply to RCPT TO command)",
                "451 4.3.0 Temporary (in reply to RCPT TO command)",
            ),
            ("connect to mx[192.0.2.1]:25: Connection refused", "Connection refused"),
            ("connect to mx[2001:db8::1]:25: No route to host", "No route to host"),
            ("mail transport unavailable", "mail transport unavailable"),
            ("host mx said: ", "host mx said: "),
        ] {
            assert_eq!(gist(reason), shown);
        }
    }
}
