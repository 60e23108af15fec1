//! When the senders out there give up mail for a server: since when they could not deliver and how that is known, who has
//! given up, who is next. It is what their documentation says; no log here shows it, and the screen says so.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::when;
use crate::console::widget::{Cells, cut, width};
use crate::domain::Span;
use crate::domain::horizon::{LIMIT, OutageStart, Patience, RemoteHorizon};
use crate::model::Server;

use super::probe::paragraph;

/// Columns of how long a sender holds mail.
const HOLDS: usize = 8;

/// `senders give up:  Mailgun ✖ 23h ago  Exchange Server in 16h24m`, in so many columns: who is next is always said, of
/// those that have given up the newest, and how many more there are. `None` where no outage is known, or where one that
/// is over made nobody give up.
pub fn brief(app: &App, server: &Server, columns: usize, now: Timestamp) -> Option<Cells> {
    let theme = app.options.theme;
    let horizon = app
        .model
        .remote_horizon(server, now)
        .filter(|h| !h.gives_up.is_empty())?;
    let gone: Vec<_> = horizon.given_up(now).collect();
    let lead = match horizon.until {
        Some(_) if gone.is_empty() => return None,
        Some(_) => "senders gave up:",
        None => "senders give up:",
    };
    let next = horizon.next(now).map(|(who, left)| {
        Cells::new()
            .put(format!("  {} ", who.sender), theme.style(Role::Text))
            .put(format!("in {}", when::whole(left)), theme.style(Role::Accent))
    });
    let next = next.unwrap_or_default();
    // Where not all that have given up fit, their ages are said more briefly.
    let long = given_up(
        app,
        &gone,
        " ago",
        columns.saturating_sub(width(lead) + next.used()),
        now,
    );
    let line = match long {
        (line, 0) => line,
        _ => given_up(app, &gone, "", columns.saturating_sub(width(lead) + next.used()), now).0,
    };
    Some(Cells::new().put(lead, theme.style(Role::Dim)).join(line).join(next))
}

/// Those that have given up in so many columns, the newest if not all fit; and how many were left out.
fn given_up(app: &App, gone: &[&(Patience, Timestamp)], ago: &str, columns: usize, now: Timestamp) -> (Cells, usize) {
    let theme = app.options.theme;
    let earlier = |n: usize| match n {
        0 => Cells::new(),
        n => Cells::new()
            .gap(2)
            .put(format!("✖ {n} earlier"), theme.style(Role::Down)),
    };
    let mut shown: Vec<Cells> = Vec::new();
    let mut used = 0;
    for (i, (who, at)) in gone.iter().enumerate().rev() {
        let age = when::coarse(Span::between(*at, now));
        let cells = Cells::new()
            .put(format!("  {} ", who.sender), theme.style(Role::Text))
            .put(format!("✖ {age}{ago}"), theme.style(Role::Down));
        if used + cells.used() + earlier(i).used() > columns {
            break;
        }
        used += cells.used();
        shown.push(cells);
    }
    let left = gone.len() - shown.len();
    (shown.into_iter().rev().fold(earlier(left), Cells::join), left)
}

/// All of it, for a pane.
pub fn lines(app: &App, server: &Server, columns: usize, now: Timestamp) -> Vec<Line<'static>> {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let mut out = Vec::new();
    let Some(horizon) = app.model.remote_horizon(server, now) else {
        let words = if server.doors.is_empty() {
            "no door is watched here: an outage is known only where a person says so with o"
        } else {
            "no outage is on record at this server's doors; o says otherwise"
        };
        paragraph(&mut out, words, 3, columns, dim);
        return out;
    };
    start(&mut out, app, server, &horizon, columns, now);
    margin(&mut out, app, server, &horizon, columns, now);
    out.push(Line::default());
    table(&mut out, app, &horizon, columns, now);
    out.push(Line::default());
    paragraph(&mut out, LIMIT, 3, columns, dim);
    let words = "counted for mail of the first minute; later mail has as much longer as it is later";
    paragraph(&mut out, words, 3, columns, dim);
    out
}

fn start(
    out: &mut Vec<Line<'static>>,
    app: &App,
    server: &Server,
    horizon: &RemoteHorizon,
    columns: usize,
    now: Timestamp,
) {
    let theme = app.options.theme;
    let zone = &app.options.zone;
    let moment = |at| when::moment(at, now, zone);
    let lasted = when::whole(horizon.lasted(now));
    let (words, role) = match horizon.until {
        None => (
            format!("senders cannot deliver since {}, {lasted}", moment(horizon.since)),
            Role::Down,
        ),
        Some(until) => (
            format!(
                "✔ senders can deliver again since {}; they could not since {}, {lasted}",
                moment(until),
                moment(horizon.since)
            ),
            Role::Text,
        ),
    };
    paragraph(out, &words, 2, columns, theme.style(role));
    let how = match &horizon.start {
        OutageStart::Record { door, last_good } => {
            let first = when::time(horizon.since, zone);
            let good = match *last_good {
                Some(at) if when::same_day(at, horizon.since, zone) => format!("last good {}", when::time(at, zone)),
                Some(at) => format!("last good {}", moment(at)),
                None => "no good one on record before it".to_owned(),
            };
            format!("known from the first bad probe of {door} at {first}, {good}; o corrects it")
        }
        OutageStart::Corrected { by } => format!("start corrected by {by}; o corrects it again or takes it back"),
    };
    paragraph(out, &how, 2, columns, theme.style(Role::Dim));
    let unseen = match (horizon.until, horizon.last_seen) {
        (Some(_), _) => None,
        (None, None) => Some("no door shows this outage: it lasts until it is taken back".to_owned()),
        (None, Some(at)) => (Span::between(at, now) > server.good_for())
            .then(|| format!("last seen down {} ago: it may have ended since", when::age(at, now))),
    };
    if let Some(words) = unseen {
        paragraph(out, &words, 2, columns, theme.style(Role::Unknown));
    }
}

/// The clear time against the next to give up.
fn margin(
    out: &mut Vec<Line<'static>>,
    app: &App,
    server: &Server,
    horizon: &RemoteHorizon,
    columns: usize,
    now: Timestamp,
) {
    let theme = app.options.theme;
    let Some((who, left)) = horizon.next(now) else { return };
    let late = server
        .slowest(now)
        .and_then(|q| Some((q, q.clears(now, server.every())?[2])));
    let (words, role) = match late.and_then(|(q, p90)| Some((q, horizon.margin(now, p90)?))) {
        Some((q, margin)) if margin.is_negative() => (
            format!(
                "▲ {} may be clear only {} after {} gives up (p90)",
                q.name,
                when::whole(Span::ZERO - margin),
                who.sender
            ),
            Role::Warn,
        ),
        Some((q, margin)) => (
            format!(
                "{} is clear {} before {} gives up (p90)",
                q.name,
                when::whole(margin),
                who.sender
            ),
            Role::Ok,
        ),
        None => (
            format!(
                "next: {} in {}; no clear time is known to hold against it",
                who.sender,
                when::whole(left)
            ),
            Role::Text,
        ),
    };
    paragraph(out, &words, 2, columns, theme.style(role));
}

fn table(out: &mut Vec<Line<'static>>, app: &App, horizon: &RemoteHorizon, columns: usize, now: Timestamp) {
    let theme = app.options.theme;
    let label = theme.style(Role::Label);
    if horizon.gives_up.is_empty() {
        out.push(Line::styled(
            "no sender is listed in the config",
            theme.style(Role::Unknown),
        ));
        return;
    }
    let widest = horizon
        .gives_up
        .iter()
        .map(|(p, _)| width(&p.sender))
        .max()
        .unwrap_or(0);
    let name = widest.min(columns.saturating_sub(36)).max(8);
    let head = Cells::new()
        .left("SENDER", name, label)
        .right("HOLDS", HOLDS, label)
        .gap(2)
        .left("GIVES UP", 12, label);
    out.push(head.line_in(columns));
    let may_have: Vec<&Patience> = horizon.may_have(now).collect();
    let over = horizon.until.is_some_and(|u| u <= now);
    for (who, at) in &horizon.gives_up {
        let left = Span::between(now, *at);
        let gone = horizon.given_up(now).any(|(p, _)| p == who);
        let (words, role) = match () {
            () if gone => (format!("✖ {} ago", when::whole(Span::ZERO - left)), Role::Down),
            () if may_have.contains(&who) && over => ("▲ some gave up".to_owned(), Role::Warn),
            () if may_have.contains(&who) => (format!("▲ in {}, some gave up", when::whole(left)), Role::Warn),
            () if over => ("✔ not reached".to_owned(), Role::Dim),
            () => (format!("in {}", when::whole(left)), Role::Text),
        };
        let line = Cells::new()
            .put(cut(&who.sender, name).into_owned(), theme.style(Role::Text))
            .to(name)
            .right(&holds(who), HOLDS, theme.style(Role::Dim))
            .gap(2)
            .left(&when::moment(*at, now, &app.options.zone), 12, theme.style(Role::Text))
            .gap(2)
            .put(words, theme.style(role));
        let source = Cells::new().put(cut(&who.source, 44).into_owned(), theme.style(Role::Faint));
        out.push(line.at_right(columns, source).line_in(columns));
    }
}

/// How long a sender holds mail: `8h`, or from the shortest that its owner can set: `12h–24h`.
fn holds(who: &Patience) -> String {
    let most = round(who.gives_up_after);
    match who.at_least {
        Some(least) if least < who.gives_up_after => format!("{}–{most}", round(least)),
        _ => most,
    }
}

/// A whole number of days, hours or minutes in its largest unit; else as any span.
fn round(s: Span) -> String {
    match s.secs() {
        n if n >= 172_800 && n % 86_400 == 0 => format!("{}d", n / 86_400),
        n if n >= 3_600 && n % 3_600 == 0 => format!("{}h", n / 3_600),
        n @ 60..3_600 if n % 60 == 0 => format!("{}m", n / 60),
        _ => when::whole(s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_sender_holds_mail_is_said_with_the_least_that_it_may_be() {
        let who = |most: i64, least: Option<i64>| {
            holds(&Patience {
                sender: "x".into(),
                gives_up_after: Span::from_mins(most),
                at_least: least.map(Span::from_mins),
                tries: None,
                source: "".into(),
            })
        };
        assert_eq!(who(480, None), "8h");
        assert_eq!(who(1_440, Some(720)), "12h–24h");
        assert_eq!(who(840, Some(5)), "5m–14h");
        assert_eq!(who(7_200, Some(7_200)), "5d");
        assert_eq!(who(90, None), "1h30m");
    }
}
