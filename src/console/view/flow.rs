//! What happens to a queue's messages now: what comes in and what becomes of what goes, a minute, and from where that is
//! known. What is not known says why; counts of identities in listings say that they are the least there was.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::App;
use crate::console::theme::Role;
use crate::console::widget::{Cells, width};
use crate::console::{number, when};
use crate::domain::flow::{FlowCounts, FlowSource};
use crate::domain::forecast::Counts;
use crate::model::{Disagreement, Queue, Rates, Server};

use super::probe::paragraph;

/// Counts by what happened, with their words, in the order in which they are said.
fn kinds(c: &FlowCounts) -> [(&'static str, u64); 10] {
    [
        ("delivered", c.delivered),
        ("bounced", c.bounced),
        ("expired", c.expired),
        ("removed", c.removed),
        ("discarded", c.discarded),
        ("passed on", c.passed_on),
        ("gone unexplained", c.unexplained),
        ("requeued", c.requeued),
        ("held", c.held),
        ("released", c.released),
    ]
}

/// `in 812/m  delivered 0/m  bounced 3/m`: arrivals always, deliveries wherever the log tells them, the rest only where
/// there is any. `None` when nothing is known.
pub fn cells(app: &App, server: &Server, queue: &Queue, now: Timestamp) -> Option<Cells> {
    let rates = queue.flow(now, server.every())?;
    Some(said(app, &rates))
}

fn said(app: &App, rates: &Rates) -> Cells {
    let theme = app.options.theme;
    let least = match rates.source {
        FlowSource::Log => "",
        FlowSource::Listings => "≥",
    };
    let always = |word: &str| word == "delivered" && rates.source == FlowSource::Log;
    let shown = kinds(&rates.counts).into_iter().filter(|(w, n)| *n > 0 || always(w));
    let mut line = Cells::new();
    for (word, n) in std::iter::once(("in", rates.counts.arrived)).chain(shown) {
        let gap = if line.used() > 0 { 2 } else { 0 };
        let rate = number::rate(rates.per_min(n));
        line = line
            .gap(gap)
            .put(format!("{word} "), theme.style(Role::Dim))
            .put(format!("{least}{rate}/m"), theme.style(Role::Text));
    }
    line
}

/// Why no flow is known.
pub fn why_not(server: &Server, queue: &Queue, now: Timestamp) -> String {
    let good_for = server.good_for();
    let why = |flows: &crate::model::Flows| flows.last.reading(now, good_for).why().map(ToString::to_string);
    let behind = queue.log.last.last().map_or(0, |seen| seen.behind);
    match (why(&queue.log), queue.log.last.at(), queue.listings.last.at()) {
        (Some(why), ..) => why,
        (None, Some(_), _) if behind > 0 => format!("{} of the log are still to be read", number::bytes(behind)),
        (None, Some(_), _) => "the log was read once; rates need a second reading".to_owned(),
        (None, None, Some(at)) => format!(
            "no log is read, and the last two listings end {} ago",
            when::age(at, now)
        ),
        (None, None, None) => "no mail log is read yet, and there are no two listings to compare".to_owned(),
    }
}

/// All of it, for the pane of the queue.
pub fn lines(out: &mut Vec<Line<'static>>, app: &App, server: &Server, queue: &Queue, columns: usize, now: Timestamp) {
    let theme = app.options.theme;
    let dim = theme.style(Role::Dim);
    let Some(rates) = queue.flow(now, server.every()) else {
        let words = format!("flow not known: {}", why_not(server, queue, now));
        return paragraph(out, &words, 2, columns, theme.style(Role::Unknown));
    };
    let flows = match rates.source {
        FlowSource::Log => &queue.log,
        FlowSource::Listings => &queue.listings,
    };
    let Some(last) = flows.last.last() else { return };
    let source = match (rates.source, last.log_age) {
        (FlowSource::Listings, _) => "by listings: what came and went between them is not seen".to_owned(),
        (FlowSource::Log, Some(age)) => format!("by the mail log, newest line {} old", when::whole(age)),
        (FlowSource::Log, None) => "by the mail log, which has no line yet".to_owned(),
    };
    let over = format!("over {}, {source}", when::whole(rates.over));
    let line = said(app, &rates);
    if line.used() + 2 + width(&over) > columns {
        out.push(line.line_in(columns));
        out.push(Cells::new().gap(1).put(over, dim).line_in(columns));
    } else {
        out.push(line.gap(2).put(over, dim).line());
    }
    if let (FlowSource::Listings, Some(why)) = (rates.source, queue.log.last.reading(now, server.good_for()).why()) {
        let words = format!("▲ the mail log is not read: {why}");
        paragraph(out, &words, 2, columns, theme.style(Role::Warn));
    }
    if let Some(why) = &last.partial {
        paragraph(
            out,
            &format!("▲ not all of it: {why}"),
            2,
            columns,
            theme.style(Role::Warn),
        );
    }
    if let Some(words) = disagreement(queue) {
        paragraph(out, &words, 2, columns, theme.style(Role::Warn));
    }
    if queue.forecast(now, server.every()).counts == Counts::Disagree {
        let words =
            "▲ what came in less what went is not the change of depth: of the two, what drains slower is believed";
        paragraph(out, words, 2, columns, theme.style(Role::Warn));
    }
}

/// `log: +300, listings: −12 in the last 4m: they do not agree`.
fn disagreement(queue: &Queue) -> Option<String> {
    let Disagreement { over, listed, log } = queue.disagreement()?;
    let over = when::whole(over);
    let net = |c: FlowCounts| number::signed(c.net() as f64, 9);
    Some(format!(
        "▲ log: {}, listings: {} in the {over} between two listings: they do not agree",
        net(log),
        net(listed)
    ))
}

/// `reading costs 7 commands/min, busy 0.4% of the time (budget 2%), cpu of counts and log 0.1%`. Busy is as measured from
/// here: while a listing runs, two of the host's processes may be at work.
pub fn load(queue: &Queue, now: Timestamp) -> (String, Role) {
    let Some(load) = queue.cost.load(now) else {
        return (
            "what reading costs is not known before a minute has passed".to_owned(),
            Role::Dim,
        );
    };
    let budget = queue.watched.as_ref().map(|w| f64::from(w.budget_permille));
    let over = budget.is_some_and(|b| load.busy_permille > b);
    let budget = budget.map_or(String::new(), |b| {
        let sign = if over { "▲ over its budget of" } else { "budget" };
        format!(" ({sign} {})", number::percent(b))
    });
    let cpu = load.cpu_permille.map_or("cpu not told".to_owned(), |c| {
        format!("cpu of counts and log {}", number::percent(c))
    });
    let words = format!(
        "reading costs {} commands/min, busy {} of the time{budget}, {cpu}",
        number::rate(load.commands_per_min),
        number::percent(load.busy_permille)
    );
    (words, if over { Role::Warn } else { Role::Dim })
}
