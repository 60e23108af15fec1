//! What is being said of an incident, before it goes on record.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::app::{App, IncidentDialog, What, Which, since};
use crate::console::keymap::Place;
use crate::console::theme::Role;
use crate::console::when;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, boxed, input};
use crate::domain::incident::{Incident, State};

use super::{footer, posting, put_lines, sign};

const COLUMNS: u16 = 76;
pub(super) const LABEL: usize = 10;
/// Rows of a note.
const NOTE_ROWS: usize = 5;

/// Columns at which a note wraps.
pub fn note_columns(app: &App) -> usize {
    usize::from(COLUMNS.min(app.size.0)).saturating_sub(5)
}

/// The lines of a dialog, built one by one.
pub(super) struct Page<'a> {
    pub(super) app: &'a App,
    pub(super) columns: usize,
    pub(super) out: Vec<Line<'static>>,
}

impl Page<'_> {
    pub(super) fn put(&mut self, label: &str, words: &str, most: usize, role: Role) {
        let theme = self.app.options.theme;
        for (i, w) in wrap(words, self.columns.saturating_sub(LABEL), most)
            .into_iter()
            .enumerate()
        {
            let label = if i == 0 { label } else { "" };
            let line = Cells::new().left(label, LABEL, theme.style(Role::Label));
            self.out.push(line.put(w, theme.style(role)).line_in(self.columns));
        }
    }
    pub(super) fn field(&mut self, label: &str, value: &tui_input::Input, hands: bool) {
        let theme = self.app.options.theme;
        let room = self.columns.saturating_sub(LABEL);
        let line = Cells::new().left(label, LABEL, theme.style(Role::Label));
        let line = if hands {
            line.join(input::cells(value, room, theme))
        } else {
            let shown = crate::domain::Text::from(value.value());
            line.left(&shown, room, theme.style(Role::Text))
        };
        self.out.push(line.line_in(self.columns));
    }
    pub(super) fn gap(&mut self) {
        self.out.push(Line::default());
    }
}

fn frame(app: &App, area: Rect, dialog: &IncidentDialog, now: Timestamp) -> (Rect, Vec<Line<'static>>, usize) {
    let columns = usize::from(COLUMNS.min(area.width)).saturating_sub(4);
    let lines = lines(app, dialog, columns, now);
    let frame = boxed::middle(area, COLUMNS, lines.len() as u16 + 4);
    let room = usize::from(frame.height).saturating_sub(4);
    (frame, lines, room)
}

/// How many lines of it do not fit.
pub fn hidden_lines(app: &App, area: Rect, dialog: &IncidentDialog, now: Timestamp) -> usize {
    let (_, lines, room) = frame(app, area, dialog, now);
    lines.len().saturating_sub(room)
}

/// Draws it.
pub fn draw(buf: &mut Buffer, area: Rect, app: &App, dialog: &IncidentDialog, now: Timestamp) {
    let theme = app.options.theme;
    let (frame, lines, rows) = frame(app, area, dialog, now);
    let incident = dialog.incident.as_ref().and_then(|id| app.model.incident(id));
    let called = incident.map(|i| i.called().to_owned()).unwrap_or_default();
    let title = match &dialog.what {
        What::Note(_) => format!("Note on {called}"),
        What::Ticket { .. } => format!("Ticket of {called}"),
        What::Acknowledge => format!("Take {called}"),
        What::State { .. } => format!("How far is {called}?"),
        What::Start { .. } => format!("When did {called} begin?"),
        What::Open { .. } => "Open an incident".to_owned(),
        What::Post(p) => posting::title(p, &called),
    };
    let room = boxed::open(buf, frame, &title, theme);
    let columns = usize::from(room.width);
    put_lines(
        buf,
        Rect::new(room.x, room.y, room.width, rows as u16),
        &lines,
        dialog.scroll,
    );
    if let Some(y) = room.bottom().checked_sub(2).filter(|_| room.height > 1) {
        let below = lines.len().saturating_sub(dialog.scroll + rows);
        let words = match (&dialog.said, below) {
            (Some(said), _) => Cells::new().put(format!("▲ {said}"), theme.style(Role::Warn)),
            (None, 0) => Cells::new(),
            (None, n) => Cells::new().put(format!("{n} more lines below (↓)"), theme.style(Role::Dim)),
        };
        buf.set_line(room.x, y, &words.line_in(columns), room.width);
        let keys = footer::cells(app, dialog.place(), columns);
        buf.set_line(room.x, y + 1, &keys.line(), room.width);
    }
}

fn lines(app: &App, dialog: &IncidentDialog, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let mut p = Page {
        app,
        columns,
        out: Vec::new(),
    };
    let incident = dialog.incident.as_ref().and_then(|id| app.model.incident(id));
    if let Some(i) = incident.filter(|_| !matches!(dialog.what, What::Post(_))) {
        p.put("incident", i.name(), 2, Role::Text);
    }
    match &dialog.what {
        What::Note(editor) => {
            p.gap();
            let rows = editor.draw(columns, NOTE_ROWS, app.options.theme);
            let missing = NOTE_ROWS - rows.len();
            p.out.extend(rows);
            p.out.extend(std::iter::repeat_n(Line::default(), missing));
        }
        What::Ticket { ticket, affected } => {
            p.field("ticket", ticket, dialog.field == 0);
            p.field("affected", affected, dialog.field == 1);
            p.put("", "who it names, with commas between them; may be empty", 2, Role::Dim);
            if let Some(pattern) = &app.options.terms.number {
                let words = format!("one like {} becomes the incident's number", pattern.as_text());
                p.put("", &words, 2, Role::Dim);
            }
        }
        What::Acknowledge => {
            p.put("by", &app.options.by, 2, Role::Title);
            p.put(
                "",
                "stops the clock of acknowledgement; goes on record in this name",
                2,
                Role::Dim,
            );
        }
        What::State { to, why } => state(&mut p, incident, *to, why, now),
        What::Start { input, tried } => start(&mut p, incident, input, *tried, now),
        What::Open { name, servers, since } => {
            p.field("name", name, dialog.field == 0);
            p.field("servers", servers, dialog.field == 1);
            p.field("since", since, dialog.field == 2);
            let words = match since.value().trim() {
                "" => "now".to_owned(),
                typed => understood(app, typed, now).0,
            };
            p.put("means", &words, 2, Role::Dim);
            p.put("write", "10:58, Sat 10:58, 2026-11-21 10:58", 2, Role::Dim);
        }
        What::Post(posting) => posting::lines(&mut p, posting, incident, now),
    }
    p.out
}

/// How a typed moment is understood.
fn understood(app: &App, typed: &str, now: Timestamp) -> (String, Role) {
    let zone = &app.options.zone;
    match since(typed, now, zone) {
        Ok(Some(at)) => {
            let day = at.to_zoned_datetime(zone.clone()).strftime("%a %-d %b %H:%M:%S %Z");
            (format!("{day}, {} ago", when::age(at, now)), Role::Ok)
        }
        Ok(None) => ("as the record shows it".to_owned(), Role::Ok),
        Err(why) => (why, Role::Dim),
    }
}

fn start(p: &mut Page<'_>, incident: Option<&Incident>, typed: &tui_input::Input, tried: bool, now: Timestamp) {
    let app = p.app;
    let exact = |at| when::exact(at, now, &app.options.zone);
    if let Some(i) = incident {
        let start = i.start();
        let words = match start.probes {
            Some((Some(good), bad)) => format!("last good {}, first bad {}", exact(good), exact(bad)),
            Some((None, bad)) => format!("first bad {}, none good on record before it", exact(bad)),
            None => format!("{}, as given", exact(i.opened.started)),
        };
        p.put("record", &words, 2, Role::Text);
        if let Some((at, by, _)) = &i.corrected {
            p.put("corrected", &format!("{} by {by}", exact(*at)), 2, Role::Text);
        }
    }
    p.field("began", typed, true);
    let (words, role) = match typed.value().trim() {
        "" if !tried => (String::new(), Role::Dim),
        typed => understood(app, typed, now),
    };
    if words.is_empty() {
        p.gap();
    }
    p.put(
        "means",
        &words,
        2,
        if tried && role == Role::Dim { Role::Warn } else { role },
    );
    p.put("write", crate::console::app::FORMS, 2, Role::Dim);
    p.put("", "both are kept: what probes show, and what you say", 2, Role::Dim);
}

fn state(p: &mut Page<'_>, incident: Option<&Incident>, to: State, why: &tui_input::Input, now: Timestamp) {
    let app = p.app;
    let theme = app.options.theme;
    let is = incident.map(|i| i.state);
    let mut line = Cells::new().left("state", LABEL, theme.style(Role::Label));
    for s in State::ALL {
        let (open, close) = if s == to { ("[", "]") } else { (" ", " ") };
        let role = match (s == to, Some(s) == is) {
            (true, _) => Role::Accent,
            (false, true) => Role::Text,
            (false, false) => Role::Dim,
        };
        line = line.put(format!("{open}{s}{close}"), theme.style(role));
    }
    p.out.push(line.line_in(p.columns));
    if let Some(i) = incident {
        let (glyph, role) = sign(i.state);
        p.put("is", &format!("{glyph} {}", i.state), 1, role);
        if to == State::Resolved {
            proposal(p, i, now);
        } else if i.is_resolved() {
            p.put("beware", "it is over: this takes it up again", 2, Role::Warn);
        }
    }
    p.field("why", why, true);
    if to != State::Resolved {
        p.put("", "may be empty", 1, Role::Dim);
    }
}

/// What the record says of its end, to be looked at before it is called over.
fn proposal(p: &mut Page<'_>, i: &Incident, now: Timestamp) {
    let app = p.app;
    let exact = |at| when::exact(at, now, &app.options.zone);
    let (words, role) = if let Some((at, r)) = &i.end {
        let words = format!(
            "proposed {}: last bad probe {}, first good {}, {}",
            exact(at.at),
            exact(r.last_bad),
            exact(r.first_good),
            r.backlog.words()
        );
        (words, Role::Ok)
    } else {
        let backlog = app.model.backlog_is(i, now).words();
        let words = format!("NOT proposed: service was not seen good for long enough, or mail waits still ({backlog})");
        (words, Role::Warn)
    };
    p.put("end", &words, 4, role);
}

/// Draws the choice among several incidents.
pub fn which(buf: &mut Buffer, area: Rect, app: &App, which: &Which, now: Timestamp) {
    let theme = app.options.theme;
    let rows = which.incidents.len() as u16 + 4;
    let room = boxed::open(
        buf,
        boxed::middle(area, COLUMNS, rows),
        "Note on which incident?",
        theme,
    );
    let columns = usize::from(room.width);
    let height = usize::from(room.height).saturating_sub(2);
    let top = which.at.saturating_sub(height.saturating_sub(1));
    for (n, id) in which.incidents.iter().enumerate().skip(top).take(height) {
        let here = n == which.at;
        let y = room.y + (n - top) as u16;
        let Some(i) = app.model.incident(id) else { continue };
        let since = when::moment(i.start().at.at, now, &app.options.zone);
        let line = Cells::new()
            .put(if here { "▌" } else { " " }, theme.style(Role::Accent))
            .left(i.called(), 19, theme.style(if here { Role::Title } else { Role::Text }))
            .gap(1)
            .put(format!("{}, since {since}", i.name()), theme.style(Role::Text));
        if here {
            buf.set_style(Rect::new(room.x, y, room.width, 1), theme.selected());
        }
        buf.set_line(room.x, y, &line.line_in(columns), room.width);
    }
    if room.height > 0 {
        let keys = footer::cells(app, Place::Pick, columns);
        buf.set_line(room.x, room.bottom() - 1, &keys.line(), room.width);
    }
}
