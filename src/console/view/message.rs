//! One message in full: what the listing knows of it, and why each of its recipients still waits.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::console::app::{App, MessagesView};
use crate::console::theme::Role;
use crate::console::widget::Cells;
use crate::console::widget::cells::wrap;
use crate::console::{number, when};

/// One message in full; `None` when none is under the cursor.
pub fn lines(app: &App, view: &MessagesView, now: Timestamp) -> Option<Vec<Line<'static>>> {
    let m = view.chosen()?;
    let theme = app.options.theme;
    let columns = usize::from(app.size.0).saturating_sub(2);
    let (dim, text) = (theme.style(Role::Dim), theme.style(Role::Text));
    let mut out = Vec::new();
    let mut say = |label: &str, words: &str, style: Style| {
        // What stands below an address stands a little to its right, on all of its lines.
        let indent = words.len() - words.trim_start().len();
        let room = columns.saturating_sub(13 + indent);
        let wrapped = wrap(words.trim_start(), room, 20);
        for (i, w) in wrapped.into_iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            out.push(
                Cells::new()
                    .gap(1)
                    .left(label, 12, dim)
                    .gap(indent)
                    .put(w, style)
                    .line(),
            );
        }
    };
    let arrived = when::moment(m.arrival, now, &app.options.zone);
    say("message", &m.id, theme.style(Role::Title));
    say("queue", &m.queue, text);
    say(
        "arrived",
        &format!("{arrived}, {} ago", when::age(m.arrival, now)),
        text,
    );
    say("size", &number::bytes(m.size), text);
    say("sender", if m.sender.is_empty() { "<>" } else { &m.sender }, text);
    say("tries", "Postfix does not tell how often it has tried", dim);
    let known = m.recipients.len() as u64;
    let count = number::grouped(m.recipient_count);
    let waiting = if known < m.recipient_count {
        format!("{count} still wait; the first {} are:", number::grouped(known))
    } else {
        format!("{count} still wait")
    };
    say("recipients", &waiting, text);
    for r in &m.recipients {
        say("", &r.address, theme.style(Role::Title));
        match &r.reason {
            Some(reason) => say("", &format!("  {reason}"), text),
            None => say("", "  not tried yet", dim),
        }
    }
    Some(out)
}
