//! The phases of a probe in one line: those it went through, how long each took, where it failed, and those not reached.

use jiff::Timestamp;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::widget::Cells;
use crate::domain::health::{Phase, ProbeReport};
use crate::model::Row;

/// The phases that the probe went through, in their order, then those that it set out for and did not reach.
pub fn expected(r: &ProbeReport) -> Vec<Phase> {
    let mut all: Vec<Phase> = r.phases.iter().map(|p| p.phase).collect();
    let last = r.plan.iter().rposition(|p| all.contains(p));
    // What was passed by on the way was not needed: names that are addresses are not looked up.
    all.extend(r.plan.iter().skip(last.map_or(0, |i| i + 1)));
    all.retain(|p| *p != Phase::Logout);
    all
}

/// The phases in one line, in the fullest of three ways that fits.
pub fn line(app: &App, row: &Row<'_>, columns: usize, now: Timestamp) -> Option<Cells> {
    let door = row.door?;
    let report = door.probe.last()?;
    let fresh = door.probe.reading(now, row.server.good_for()).fresh().is_some();
    let lead = if fresh { "" } else { "then:  " };
    let lead = || Cells::new().put(lead, app.options.theme.style(Role::Unknown));
    let full = lead().join(apart(app, report));
    if full.used() <= columns {
        return Some(full);
    }
    let timed = lead().join(grouped(app, report, Times::All));
    if timed.used() <= columns {
        return Some(timed);
    }
    Some(lead().join(grouped(app, report, Times::OfFailures)))
}

/// `name 1ms ✔  tcp 1ms ✔  examine 240ms ✖  fetch ·`.
fn apart(app: &App, report: &ProbeReport) -> Cells {
    let theme = app.options.theme;
    let mut line = Cells::new();
    for (i, phase) in expected(report).into_iter().enumerate() {
        line = line.gap(if i > 0 { 2 } else { 0 });
        line = match report.phase(phase) {
            Some(p) => {
                let (sign, role) = if p.ok { ("✔", Role::Ok) } else { ("✖", Role::Down) };
                line.put(format!("{phase} "), theme.style(Role::Dim))
                    .put(format!("{} ", p.took), theme.style(Role::Text))
                    .put(sign, theme.style(role))
            }
            None => line.put(format!("{phase} ·"), theme.style(Role::Faint)),
        };
    }
    line
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    All,
    OfFailures,
}

/// `✔ name 1ms tcp 1ms  ✖ examine 240ms  · fetch`: one sign for each group of neighbours.
fn grouped(app: &App, report: &ProbeReport, times: Times) -> Cells {
    let theme = app.options.theme;
    let mut line = Cells::new();
    let mut group = "";
    for phase in expected(report) {
        let p = report.phase(phase);
        let (sign, role) = match p.map(|p| p.ok) {
            Some(true) => ("✔", Role::Ok),
            Some(false) => ("✖", Role::Down),
            None => ("·", Role::Faint),
        };
        if sign != group {
            let gap = if group.is_empty() { 0 } else { 2 };
            line = line.gap(gap).put(sign, theme.style(role));
            group = sign;
        }
        line = line.put(
            format!(" {phase}"),
            theme.style(if p.is_some() { Role::Dim } else { Role::Faint }),
        );
        if let Some(p) = p.filter(|p| !p.ok || times == Times::All) {
            line = line.put(format!(" {}", p.took), theme.style(Role::Text));
        }
    }
    line
}
