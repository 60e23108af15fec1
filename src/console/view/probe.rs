//! The probe of one door: each phase as a bar against its usual, what the server said word for word, and what TLS showed.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::view::{canary, doors, headline, phases};
use crate::console::when;
use crate::console::widget::cells::wrap;
use crate::console::widget::{Cells, cut, meter};
use crate::domain::Span;
use crate::domain::health::{Phase, PhaseTime, ProbeReport, Verdict};
use crate::domain::reading::Reading;
use crate::model::{Door, Server};

/// The most lines that one text of the server takes.
const SAID_LINES: usize = 8;

/// Everything about a door, below the list of all of them where there are several.
pub fn lines(app: &App, server: &Server, part: usize, room: (usize, usize), now: Timestamp) -> Vec<Line<'static>> {
    let columns = room.0;
    let theme = app.options.theme;
    let Some(door) = server.doors.values().nth(part) else {
        return vec![Line::styled(
            "no mail door is watched on this server",
            theme.style(Role::Dim),
        )];
    };
    let mut out = Vec::new();
    if server.doors.len() > 1 {
        out.extend(doors::list(app, server, part, room, now));
        out.push(Line::default());
    }
    let reading = door.probe.reading(now, server.good_for());
    about(&mut out, app, door, &reading, columns, now);
    out.extend(canary::lines(app, server, columns, now));
    let Some(report) = reading.last() else { return out };
    out.push(Line::default());
    waterfall(&mut out, app, door, report, columns);
    hosts(&mut out, app, report, columns);
    said(&mut out, app, report, columns);
    tls(&mut out, app, server, report, columns, now);
    last_good(&mut out, app, door, report, columns, now);
    out
}

fn about(
    out: &mut Vec<Line<'static>>,
    app: &App,
    door: &Door,
    r: &Reading<&ProbeReport>,
    columns: usize,
    now: Timestamp,
) {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let url = r
        .last()
        .map(|r| r.url.to_string())
        .or_else(|| door.watched.as_ref().map(|w| w.url.to_string()))
        .unwrap_or_else(|| door.name.to_string());
    out.push(Cells::new().put(url, theme.style(Role::Text)).line_in(columns));
    let anonymous = door.watched.as_ref().is_some_and(|w| w.anonymous);
    let words = match r {
        Reading::Fresh { value, at } => {
            let peer = value.peer.as_ref().map_or(String::new(), |p| format!("at {p}, "));
            out.push(
                Cells::new()
                    .put(format!("{peer}probed {} ago", when::age(*at, now)), dim)
                    .line_in(columns),
            );
            if value.failure.is_none() {
                paragraph(out, &headline::proved(value), 2, columns, theme.style(Role::Text));
            }
            return;
        }
        Reading::Stale { at, why, .. } => {
            format!(
                "silent: last probed {} ago{}",
                when::age(*at, now),
                headline::because(why)
            )
        }
        Reading::Never { why: Some(why) } => format!("not seen yet: {why}"),
        Reading::Never { why: None } if anonymous => "not seen yet; no user, so no login will be tried".to_owned(),
        Reading::Never { why: None } => "not seen yet: the first probe is on its way".to_owned(),
    };
    paragraph(out, &words, 3, columns, theme.style(Role::Unknown));
}

fn waterfall(out: &mut Vec<Line<'static>>, app: &App, door: &Door, report: &ProbeReport, columns: usize) {
    let theme = app.options.theme;
    let phases = phases::expected(report);
    let usual = |p: Phase| {
        door.usual(PhaseTime {
            phase: p,
            took: Span::ZERO,
            ok: true,
        })
    };
    let longest = phases
        .iter()
        .flat_map(|p| [report.phase(*p).map(|t| t.took), usual(*p)])
        .flatten()
        .max()
        .unwrap_or(Span::ZERO);
    let room = columns.saturating_sub(31).max(6);
    let scale = room as f64 / longest.secs_f64().max(1e-6);
    let label = theme.style(Role::Label);
    out.push(
        Cells::new()
            .left("PHASE", 9, label)
            .gap(2)
            .right("TOOK", 6, label)
            .gap(2)
            .left("", room, label)
            .right("USUAL", 8, label)
            .line_in(columns),
    );
    for phase in phases {
        let mark = usual(phase).map(|u| u.secs_f64() * scale);
        let dim = theme.style(Role::Dim);
        let line = match report.phase(phase) {
            Some(t) => {
                let (sign, role) = if t.ok { ("✔", Role::Ok) } else { ("✖", Role::Down) };
                // Twice its usual and more than a few milliseconds: worth a look.
                let slow = t.ok && usual(phase).is_some_and(|u| t.took > u * 2 && (t.took - u).millis() > 20);
                let bar = if !t.ok {
                    Role::Down
                } else if slow {
                    Role::Warn
                } else {
                    Role::Accent
                };
                Cells::new()
                    .left(phase.word(), 9, theme.style(Role::Text))
                    .put(sign, theme.style(role))
                    .gap(1)
                    .right(
                        &t.took.to_string(),
                        6,
                        theme.style(if slow { Role::Warn } else { Role::Text }),
                    )
                    .gap(2)
                    .join(meter::length(
                        t.took.secs_f64() * scale,
                        mark,
                        room,
                        theme.solid(bar),
                        theme,
                    ))
            }
            None => Cells::new()
                .left(phase.word(), 9, dim)
                .put("·", theme.style(Role::Faint))
                .to(19 + room),
        };
        let usual = usual(phase).map_or("—".to_owned(), |u| u.to_string());
        out.push(line.right(&usual, 8, dim).line_in(columns));
    }
    let total = Cells::new().left("in all", 9, theme.style(Role::Dim)).gap(2).right(
        &report.total().to_string(),
        6,
        theme.style(Role::Text),
    );
    out.push(total.line_in(columns));
}

/// The hosts behind the door of a domain, in the order in which others try them.
fn hosts(out: &mut Vec<Line<'static>>, app: &App, report: &ProbeReport, columns: usize) {
    let theme = app.options.theme;
    if report.hosts.is_empty() {
        return;
    }
    out.push(Line::default());
    out.push(Line::styled("MX HOSTS", theme.style(Role::Label)));
    for host in &report.hosts {
        let (sign, role) = match host.verdict() {
            Verdict::Ok => ("✔", Role::Ok),
            Verdict::Warn => ("▲", Role::Warn),
            Verdict::Down => ("✖", Role::Down),
            Verdict::Unknown => ("?", Role::Unknown),
        };
        let at = host.peer.as_ref().map_or(String::new(), |p| format!(" at {p}"));
        let how = match &host.failure {
            Some(f) => f.to_string(),
            None => format!("{}{at}", host.took),
        };
        let line = Cells::new()
            .right(&host.preference.to_string(), 5, theme.style(Role::Dim))
            .gap(1)
            .put(sign, theme.style(role))
            .gap(1)
            .put(format!("{}  ", host.host), theme.style(Role::Text))
            .put(how, theme.style(Role::Dim));
        out.push(line.line_in(columns));
    }
}

fn said(out: &mut Vec<Line<'static>>, app: &App, report: &ProbeReport, columns: usize) {
    let theme = app.options.theme;
    let text = theme.style(Role::Text);
    let mut part = |title: &str, words: &str, role: Role| {
        out.push(Line::default());
        out.push(Line::styled(title.to_owned(), theme.style(role)));
        paragraph(out, words, SAID_LINES, columns, text);
    };
    if let Some(f) = &report.failure {
        let words = match f.code.as_ref().filter(|c| !f.text.contains(&format!("[{c}]"))) {
            Some(code) => format!("[{code}] {}", f.text),
            None => f.text.to_string(),
        };
        part(
            &format!("SAID AT {} ({} layer)", f.phase.word().to_uppercase(), f.layer),
            &words,
            Role::Down,
        );
        if let Some(hint) = &f.hint {
            paragraph(out, &format!("→ {hint}"), 3, columns, theme.style(Role::Dim));
        }
    }
    let mut part = |title: &str, words: &str, role: Role| {
        out.push(Line::default());
        out.push(Line::styled(title.to_owned(), theme.style(role)));
        paragraph(out, words, SAID_LINES, columns, text);
    };
    for a in &report.alerts {
        part("ALERT", a, Role::Warn);
    }
    for f in &report.aside {
        part(&format!("BESIDE IT ({} layer)", f.layer), &f.text, Role::Warn);
    }
    if let Some(g) = &report.greeting {
        part("GREETING", g, Role::Label);
    }
    for n in &report.notes {
        paragraph(out, &format!("· {n}"), 3, columns, theme.style(Role::Dim));
    }
}

fn tls(out: &mut Vec<Line<'static>>, app: &App, server: &Server, report: &ProbeReport, columns: usize, now: Timestamp) {
    let theme = app.options.theme;
    let Some(tls) = &report.tls else { return };
    let version = tls.version.as_ref().map_or("TLS of unknown version", |v| v);
    let mut line = Cells::new().put(version.to_owned(), theme.style(Role::Text));
    line = match (tls.days_left(now), tls.not_after) {
        (Some(days), Some(end)) => {
            let role = if days < server.limits().cert_days {
                Role::Warn
            } else {
                Role::Text
            };
            let end = end.to_zoned_datetime(app.options.zone.clone()).strftime("%-d %b %Y");
            let words = if days < 0 {
                format!("  certificate ended {end}")
            } else {
                format!("  certificate {days} days, to {end}")
            };
            line.put(words, theme.style(role))
        }
        _ => line.put("  end of the certificate not known", theme.style(Role::Unknown)),
    };
    out.push(Line::default());
    out.push(line.line_in(columns));
}

fn last_good(
    out: &mut Vec<Line<'static>>,
    app: &App,
    door: &Door,
    report: &ProbeReport,
    columns: usize,
    now: Timestamp,
) {
    if report.failure.is_none() {
        return;
    }
    let words = match door.last_good {
        Some(at) => format!(
            "last good {} ago, {}",
            when::age(at, now),
            when::moment(at, now, &app.options.zone)
        ),
        None => "not seen good since we look".to_owned(),
    };
    out.push(
        Cells::new()
            .put(cut(&words, columns).into_owned(), app.options.theme.style(Role::Dim))
            .line(),
    );
}

/// Wrapped text, bounded.
pub(super) fn paragraph(
    out: &mut Vec<Line<'static>>,
    text: &str,
    most: usize,
    columns: usize,
    style: ratatui::style::Style,
) {
    out.extend(wrap(text, columns, most).into_iter().map(|l| Line::styled(l, style)));
}
