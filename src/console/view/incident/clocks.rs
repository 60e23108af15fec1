//! What an incident is by the clock: what is owed, each clock with the two events that it is worked out from, how its start is
//! known, its backlog, its senders, its tickets. What is not known says so.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::{App, Due};
use crate::console::theme::Role;
use crate::console::widget::Cells;
use crate::console::widget::cells::wrap;
use crate::console::{number, when};
use crate::domain::incident::clocks::{Clock, Mark, clocks};
use crate::domain::incident::fact::TicketIs;
use crate::domain::incident::{Incident, Moment};
use crate::domain::{Name, Span, Text};

/// Columns of the words before a value.
const LABEL: usize = 15;

struct Sheet<'a> {
    app: &'a App,
    columns: usize,
    now: Timestamp,
    out: Vec<Line<'static>>,
}

impl Sheet<'_> {
    fn put(&mut self, label: &str, words: &str, role: Role) {
        let theme = self.app.options.theme;
        for (i, w) in wrap(words, self.columns.saturating_sub(LABEL), 6)
            .into_iter()
            .enumerate()
        {
            let label = if i == 0 { label } else { "" };
            let line = Cells::new().left(label, LABEL, theme.style(Role::Label));
            self.out.push(line.put(w, theme.style(role)).line_in(self.columns));
        }
    }
    fn mark(&mut self, m: &Mark) {
        let theme = self.app.options.theme;
        let at = when::exact(m.at.at, self.now, &self.app.options.zone);
        let room = self.columns.saturating_sub(15);
        for (i, w) in wrap(&m.what, room, 3).into_iter().enumerate() {
            let at = if i == 0 { at.as_str() } else { "" };
            let line = Cells::new().gap(2).left(at, 12, theme.style(Role::Dim)).gap(1);
            self.out.push(line.put(w, theme.style(Role::Dim)).line_in(self.columns));
        }
    }
    fn clock(&mut self, label: &str, clock: &Clock, now: Moment) {
        let lasted = when::whole(clock.lasted(now));
        if let Some(to) = &clock.to {
            self.put(label, &format!("after {lasted}"), Role::Text);
            self.mark(&clock.from);
            self.mark(to);
        } else {
            self.put(label, &format!("not yet, {lasted} so far"), Role::Warn);
            self.mark(&clock.from);
        }
    }
    fn moment(&self, at: Timestamp) -> String {
        when::exact(at, self.now, &self.app.options.zone)
    }
}

/// All of it.
pub fn lines(app: &App, i: &Incident, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let mut s = Sheet {
        app,
        columns,
        now,
        out: Vec::new(),
    };
    owed(&mut s, i);
    let moment = app.model.moment(now);
    let all = clocks(i);
    s.clock("detected", &all.detected, moment);
    s.clock("acknowledged", &all.acknowledged, moment);
    s.clock("restored", &all.restored, moment);
    s.clock("start→restored", &all.outage, moment);
    match &all.peak {
        Some((n, clock)) => {
            s.put("backlog peak", &format!("{} messages", number::grouped(*n)), Role::Text);
            if let Some(to) = &clock.to {
                s.mark(to);
            }
        }
        None => s.put("backlog", "not known: no queue of its servers was read", Role::Unknown),
    }
    if let Some(cleared) = &all.cleared {
        s.clock("cleared", cleared, moment);
    }
    match all.mail_minutes {
        Some(n) => s.put("mail-minutes", &number::grouped(n), Role::Text),
        None => s.put(
            "mail-minutes",
            "not known: what stood there before was not read",
            Role::Unknown,
        ),
    }
    if all.unseen > Span::ZERO {
        let words = format!("queues were not read for {}: not counted", when::whole(all.unseen));
        s.put("", &words, Role::Unknown);
    }
    start(&mut s, i);
    end(&mut s, i);
    senders(&mut s, i);
    people(&mut s, i);
    s.out
}

fn owed(s: &mut Sheet<'_>, i: &Incident) {
    let debt = s.app.owed(i, s.now);
    match debt {
        Some(d) => {
            let role = match (crate::console::app::Owed { incident: i, debt }).due() {
                Due::Overdue => Role::Down,
                Due::Soon => Role::Warn,
                Due::Later => Role::Text,
            };
            let at = s.moment(d.at(s.now));
            s.put("owed", &format!("{} ({at})", d.words()), role);
        }
        None => s.put("owed", "nothing", Role::Text),
    }
    match i.last_update() {
        Some((at, posted)) => {
            let promised = posted
                .next_at
                .map(|n| format!(", next promised for {}", s.moment(n)))
                .unwrap_or_default();
            let age = when::age(at.at, s.now);
            let words = format!("{} ({age} ago) by {}{promised}", s.moment(at.at), posted.by);
            s.put("last update", &words, Role::Text);
        }
        None => s.put("last update", "none", Role::Text),
    }
}

fn start(s: &mut Sheet<'_>, i: &Incident) {
    let start = i.start();
    let words = match start.probes {
        Some((Some(good), bad)) => format!("last good probe {}, first bad {}", s.moment(good), s.moment(bad)),
        Some((None, bad)) => format!("first bad probe {}, none good on record before it", s.moment(bad)),
        None => format!("{}, as given: no probe shows it", s.moment(i.opened.started)),
    };
    s.put("started", &words, Role::Text);
    if let Some((at, by, said)) = &i.corrected {
        let words = format!("corrected to {} by {by}, at {}", s.moment(*at), s.moment(said.at));
        s.put("", &words, Role::Accent);
    }
}

fn end(s: &mut Sheet<'_>, i: &Incident) {
    match (&i.end, i.resolved()) {
        (_, Some(at)) => {
            let why = i.states.last().and_then(|(_, set)| set.why.clone());
            let why = why.map(|w| format!(": {w}")).unwrap_or_default();
            s.put("resolved", &format!("{}{why}", s.moment(at.at)), Role::Ok);
        }
        (Some((at, r)), None) => {
            let words = format!(
                "proposed {}: last bad {}, first good {}, {}",
                s.moment(at.at),
                s.moment(r.last_bad),
                s.moment(r.first_good),
                r.backlog.words()
            );
            s.put("end", &words, Role::Accent);
        }
        (None, None) => {
            let words = format!("not proposed; as of now {}", s.app.model.backlog_is(i, s.now).words());
            s.put("end", &words, Role::Text);
        }
    }
}

/// When senders give up, counted from the start that holds. Only an outage of mail that comes in makes them wait.
fn senders(s: &mut Sheet<'_>, i: &Incident) {
    let server = |name: &&Name| {
        s.app
            .model
            .server(name)
            .and_then(|x| s.app.model.remote_horizon(x, s.now))
    };
    let horizons: Vec<_> = i.servers.iter().filter_map(|n| server(&n)).collect();
    let Some(first) = horizons.iter().min_by_key(|h| h.since) else {
        return s.put(
            "senders",
            "no outage of mail from outside is on record at its servers",
            Role::Text,
        );
    };
    let gone: Vec<String> = first
        .given_up(s.now)
        .map(|(who, _)| format!("{} {}", who.sender, who.gives_up_after))
        .collect();
    if gone.is_empty() {
        s.put("senders", "none gave up yet, by their documentation", Role::Text);
    } else {
        s.put("senders", &format!("gave up: {}", gone.join(", ")), Role::Warn);
    }
    if let Some((who, left)) = first.next(s.now) {
        s.put(
            "",
            &format!("next: {} in {}", who.sender, when::whole(left)),
            Role::Text,
        );
    }
    s.put("", crate::domain::horizon::LIMIT, Role::Dim);
}

fn people(s: &mut Sheet<'_>, i: &Incident) {
    let servers: Vec<&str> = i.servers.iter().map(Name::as_str).collect();
    let servers = if servers.is_empty() {
        "none named".to_owned()
    } else {
        servers.join(", ")
    };
    s.put("servers", &servers, Role::Text);
    if i.tickets.is_empty() {
        s.put("tickets", "none linked", Role::Text);
    }
    for (n, (_, t)) in i.tickets.iter().rev().enumerate() {
        let affected: Vec<&str> = t.affected.iter().map(Text::as_str).collect();
        let of = match (t.is, affected.is_empty()) {
            (TicketIs::Number, _) => " (its number)".to_owned(),
            (_, true) => String::new(),
            (_, false) => format!(": {}", affected.join(", ")),
        };
        s.put(
            if n == 0 { "tickets" } else { "" },
            &format!("{}{of}", t.ticket),
            Role::Text,
        );
    }
}
