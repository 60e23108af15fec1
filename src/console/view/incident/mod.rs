//! One incident: what happened, newest first; its clocks; the update as it could be told now. A wide screen shows all three;
//! a small one shows the pane that has the hands, under a line that names the others.

pub mod clocks;
pub mod dialog;
pub mod editor;
pub mod entry;
pub mod list;
mod posting;
mod timeline;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{App, DeskPane, Draft, IncidentView};
use crate::console::theme::Role;
use crate::console::when;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed, cut};
use crate::domain::incident::{Incident, State};

use super::server::more;
use super::{footer, header, put_lines};

/// From this size on all panes are shown.
const WIDE: (u16, u16) = (110, 30);
/// Lines above the panes: header, notice, the incident's own line.
const ABOVE: u16 = 3;

/// Draws one incident.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, view: &IncidentView, now: Timestamp) {
    header::draw(buf, area, app, header::Roles::Here, now);
    footer::draw(buf, area, app);
    let Some(incident) = app.model.incident(&view.id) else {
        return;
    };
    let columns = usize::from(area.width);
    let title = title(app, incident, now).line_in(columns);
    buf.set_line(area.x, area.y + 2, &title, area.width);
    let draft = app.draft(incident, now);
    let panes = panes(area, view);
    for (pane, room) in &panes {
        let head = Rect::new(room.x - 1, room.y - 1, room.width + 1, 1);
        let word = word(view, &draft, *pane, now);
        if panes.len() > 1 {
            boxed::rule(buf, head, &word, app.options.theme);
            buf.set_line(head.x, head.y, &pane_title(app, view, *pane).line(), head.width);
        } else {
            tabs(buf, Rect::new(area.x, head.y, area.width, 1), app, view, &word);
        }
        if *pane == DeskPane::Timeline {
            timeline::draw(buf, *room, app, view, incident, now);
            continue;
        }
        let lines = lines(app, incident, &draft, *pane, usize::from(room.width), now);
        put_lines(buf, *room, &lines, view.scrolled(*pane));
        more(buf, *room, app, lines.len(), view.scrolled(*pane));
    }
    if let [(_, left), (_, right), ..] = panes.as_slice() {
        for y in left.y..left.bottom() {
            buf[(right.x - 2, y)]
                .set_symbol("│")
                .set_style(app.options.theme.style(Role::Faint));
        }
    }
}

/// Holds the cursor and the scrolls inside what there is.
pub fn settle(app: &App, view: &mut IncidentView, incident: &Incident, now: Timestamp) {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let panes = panes(area, view);
    let room = panes.iter().find(|(p, _)| *p == DeskPane::Timeline);
    timeline::settle(app, view, incident, room.map(|(_, room)| *room), now);
    let draft = app.draft(incident, now);
    for (pane, room) in panes {
        let i = match pane {
            DeskPane::Timeline => continue,
            DeskPane::Clocks => 0,
            DeskPane::Draft => 1,
        };
        let all = lines(app, incident, &draft, pane, usize::from(room.width), now).len();
        view.scroll[i] = view.scroll[i].min(all.saturating_sub(usize::from(room.height)));
    }
}

fn lines(
    app: &App,
    incident: &Incident,
    draft: &Draft,
    pane: DeskPane,
    columns: usize,
    now: Timestamp,
) -> Vec<Line<'static>> {
    match pane {
        DeskPane::Timeline => Vec::new(),
        DeskPane::Clocks => clocks::lines(app, incident, columns, now),
        DeskPane::Draft => draft_lines(app, draft, columns, now),
    }
}

/// The panes that are shown and the room inside each; its title stands in the line above.
fn panes(area: Rect, view: &IncidentView) -> Vec<(DeskPane, Rect)> {
    let top = area.y + ABOVE + 1;
    let height = area.height.saturating_sub(ABOVE + 2);
    let whole = Rect::new(area.x + 1, top, area.width.saturating_sub(2), height);
    if area.width < WIDE.0 || area.height < WIDE.1 {
        return vec![(view.pane, whole)];
    }
    let lower = height / 3;
    let upper = height - lower - 1;
    let right = whole.width * 2 / 5;
    let left = whole.width - right - 3;
    vec![
        (DeskPane::Timeline, Rect::new(whole.x, top, left, upper)),
        (DeskPane::Clocks, Rect::new(whole.x + left + 3, top, right, upper)),
        (DeskPane::Draft, Rect::new(whole.x, top + upper + 1, whole.width, lower)),
    ]
}

/// The sign of a state, and what colour it has.
pub(super) const fn sign(state: State) -> (&'static str, Role) {
    match state {
        State::Investigating | State::Identified => ("✖", Role::Down),
        State::Monitoring => ("▲", Role::Warn),
        State::Resolved => ("✔", Role::Ok),
    }
}

fn title(app: &App, i: &Incident, now: Timestamp) -> Cells {
    let theme = app.options.theme;
    let (glyph, role) = sign(i.state);
    let start = i.start().at;
    let end = i.restored().or(i.resolved());
    let lasted = when::whole(start.until(end.unwrap_or(app.model.moment(now))));
    let good = match (&i.end, i.is_resolved()) {
        (Some(_), false) => ", good again: R ends it",
        _ => "",
    };
    let since = when::moment(start.at, now, &app.options.zone);
    let taken = match &i.acknowledged {
        Some((by, _)) => format!("  taken by {}", cut(by, 24)),
        None => "  nobody took it yet".to_owned(),
    };
    // Its name stands in the line above, too: here it goes first when there is no room.
    Cells::new()
        .gap(1)
        .put(cut(i.called(), 32).into_owned(), theme.style(Role::Title))
        .gap(2)
        .put(format!("{glyph} {}", i.state), theme.style(role))
        .put(format!("  since {since}, {lasted}{good}"), theme.style(Role::Text))
        .put(taken, theme.style(Role::Dim))
        .gap(2)
        .put(i.name().to_string(), theme.style(Role::Text))
}

fn pane_title(app: &App, view: &IncidentView, pane: DeskPane) -> Cells {
    let theme = app.options.theme;
    let (mark, role) = if view.pane == pane {
        ("▸", Role::Accent)
    } else {
        (" ", Role::Dim)
    };
    Cells::new().put(format!("{mark}{} ", pane.title()), theme.style(role))
}

fn tabs(buf: &mut Buffer, at: Rect, app: &App, view: &IncidentView, word: &str) {
    let line = DeskPane::ALL
        .into_iter()
        .fold(Cells::new(), |line, pane| line.join(pane_title(app, view, pane)));
    let room = usize::from(at.width).saturating_sub(line.used() + 5);
    boxed::rule(buf, at, &cut(word, room), app.options.theme);
    buf.set_line(at.x + 1, at.y, &line.line(), at.width);
}

/// What is said of a pane at the right of its title.
fn word(view: &IncidentView, draft: &Draft, pane: DeskPane, now: Timestamp) -> String {
    match pane {
        DeskPane::Timeline => match view.source {
            None => "all sources".to_owned(),
            Some(kind) => format!("{} only", kind.word()),
        },
        DeskPane::Clocks => String::new(),
        DeskPane::Draft => {
            let from = match draft.edited {
                Some(at) => format!("edited {} ago", when::age(at, now)),
                None => "from the record".to_owned(),
            };
            format!("{}, {}: {from}", draft.whom.word(), draft.stage.word())
        }
    }
}

fn draft_lines(app: &App, draft: &Draft, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let mut out = Vec::new();
    let mut note = |words: &str, role: Role| {
        out.extend(
            wrap(words, columns, 3)
                .into_iter()
                .map(|l| Line::styled(l, theme.style(role))),
        );
    };
    if let Some(wrong) = &draft.wrong {
        note(&format!("▲ {wrong}; the built-in template is used"), Role::Warn);
    }
    if let Some(at) = draft.edited {
        let words = format!(
            "edited {} ago: what it says may no longer be so; u takes it from the record again",
            when::age(at, now)
        );
        note(&words, Role::Accent);
    }
    out.extend(
        words(&draft.words, columns)
            .into_iter()
            .map(|l| Line::styled(l, theme.style(Role::Text))),
    );
    out
}

/// Words of several lines, safe to draw and wrapped.
pub(super) fn words(all: &str, columns: usize) -> Vec<String> {
    let mut out = Vec::new();
    for line in crate::domain::incident::lines(all) {
        if line.is_empty() {
            out.push(String::new());
        }
        out.extend(wrap(&line, columns, 100));
    }
    out
}
