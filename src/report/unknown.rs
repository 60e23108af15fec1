//! What is not known of an incident, a sentence each. It is the part of a report that is left out most easily, and the one that
//! keeps the rest true.

use crate::domain::Span;
use crate::domain::action::Truth;
use crate::domain::horizon::LIMIT;
use crate::domain::incident::fact::How;

use super::{Report, RoleRecord, part};

/// Without any look for so long, an incident that goes on is not known.
const SILENT: Span = Span::from_mins(10);

/// The sentences. Moments are not named in them: a report has those beside.
pub fn of(r: &Report) -> Vec<String> {
    let mut all = vec![lost(r)];
    all.extend(r.roles.iter().filter_map(|record| role(r, record)));
    all.extend(start(r));
    all.extend(end(r));
    all.extend(backlog(r));
    all.extend(flows(r));
    all.extend(actions(r));
    all.extend(record(r));
    all
}

/// No version of mailtop measures whether mail was lost, and a sender that gave up leaves no trace here.
fn lost(r: &Report) -> String {
    let more = match &r.gave_up {
        Some(gone) if !gone.is_empty() => " Some senders may have returned mail to its author.",
        Some(_) => "",
        None => " When senders give up is not on record either.",
    };
    format!("Whether mail was lost: servers that could not deliver leave no trace here ({LIMIT}).{more}")
}

fn role(r: &Report, record: &RoleRecord) -> Option<String> {
    let means = record.role.means();
    if record.doors.is_empty() {
        return Some(format!("{means}: no probe looks at it."));
    }
    if record.failing().any(|(_, door)| r.is_dark(door)) {
        return Some(format!(
            "{means}: it could not be reached from where we look, and nothing else was seen to work meanwhile."
        ));
    }
    if record.failing().count() > 0 {
        return None;
    }
    let seen = record.seen().count();
    if seen == 0 {
        return Some(format!("{means}: no probe of it came through meanwhile."));
    }
    if !record.worked() {
        let short: Vec<String> = record
            .seen()
            .filter(|(_, d)| d.proved == 0)
            .map(|(key, _)| part(key).to_string())
            .collect();
        return Some(format!(
            "{means}: probes of {} did not go all the way, so that it worked is not proved.",
            short.join(", ")
        ));
    }
    match record.doors.len() - seen {
        0 => None,
        n => Some(format!("{means}: {n} of its doors were not seen meanwhile.")),
    }
}

fn start(r: &Report) -> Option<String> {
    let start = r.incident.start();
    let by = start.by.as_ref();
    match start.probes {
        None => Some(format!(
            "When it began: {}; no probe shows it.",
            by.map_or("as it was opened".to_owned(), |by| format!("as {by} says"))
        )),
        Some((None, _)) => Some("When it began: no good probe is on record before the first bad one.".to_owned()),
        Some((Some(_), first_bad)) if start.at.at < first_bad && by.is_some() => {
            Some("What was before the first bad probe: the start is as a person says.".to_owned())
        }
        Some(_) => None,
    }
}

fn end(r: &Report) -> Vec<String> {
    let mut all = Vec::new();
    let i = &r.incident;
    if i.restored().is_none() {
        all.push(if i.is_resolved() {
            "When service was good again: a person says that it is over; no probe was seen to show it.".to_owned()
        } else {
            "When service is good again: it has not been seen so far.".to_owned()
        });
    }
    if i.acknowledged.is_none() {
        all.push("Who took it: nobody acknowledged it.".to_owned());
    }
    all
}

fn backlog(r: &Report) -> Vec<String> {
    let mut all = Vec::new();
    let c = &r.clocks;
    if c.peak.is_none() {
        all.push("How much mail waited: no queue of its servers was read.".to_owned());
        return all;
    }
    if c.mail_minutes.is_none() {
        all.push("For how long mail waited: what stood in the queues before was not read.".to_owned());
    }
    if c.unseen > Span::ZERO {
        all.push(format!(
            "What the queues held for {} in all: they were not read, and no mail-minutes are counted in that time.",
            c.unseen
        ));
    }
    if c.cleared
        .as_ref()
        .is_some_and(crate::domain::incident::clocks::Clock::runs)
    {
        all.push("When the backlog is cleared: it has not been seen so far.".to_owned());
    }
    all
}

/// Queues of its servers whose depth is known and whose flow is not.
fn flows(r: &Report) -> Option<String> {
    let mine = |server| r.incident.servers.contains(server);
    let uncounted: Vec<String> = r
        .series
        .depths
        .keys()
        .filter(|key| mine(&key.0) && !r.series.flows.contains_key(*key))
        .map(|key| part(key).to_string())
        .collect();
    (!uncounted.is_empty()).then(|| {
        format!(
            "What came in and went out of {}: only the depth was read.",
            uncounted.join(", ")
        )
    })
}

fn actions(r: &Report) -> Vec<String> {
    let what = |a: &crate::model::Action| format!("{} of {} on {}", a.plan.word(), a.plan.job, a.plan.server);
    let mut all = Vec::new();
    for a in &r.actions {
        match a.truth() {
            Truth::Confirmed { .. } => {}
            Truth::Contradicted { .. } => {
                all.push(format!(
                    "Why the {} did not come about: the server was found otherwise.",
                    what(a)
                ));
            }
            Truth::Unverifiable { why } => all.push(format!("Whether the {} came about: {why}.", what(a))),
            Truth::Requested => all.push(format!("What became of the {}: it was not read back.", what(a))),
        }
    }
    all
}

/// Holes in the record itself.
fn record(r: &Report) -> Vec<String> {
    let mut all = Vec::new();
    let absent = r
        .absences
        .iter()
        .fold(Span::ZERO, |sum, (from, to)| sum + from.until(*to));
    if absent > Span::ZERO {
        let times = if r.absences.len() == 1 { "once" } else { "several times" };
        all.push(format!(
            "What happened while nobody was watching: {times}, {absent} in all."
        ));
    }
    let during = r.series.during;
    match r.series.begins {
        None => all.push(
            "What probes and queues said: none of it is on record any more (samples are kept for 14 days unless set otherwise)."
                .to_owned(),
        ),
        Some(begins) if begins > during.from => all.push(format!(
            "What was in its first {}: the record begins later.",
            Span::between(during.from, begins)
        )),
        Some(_) => {}
    }
    let silent = r
        .series
        .ends
        .map(|at| Span::between(at, r.now.at))
        .filter(|s| *s > SILENT);
    if let Some(silent) = silent.filter(|_| !r.incident.is_resolved()) {
        all.push(format!(
            "What happened in the last {silent}: nobody looked, as far as the record goes."
        ));
    }
    if r.skipped > 0 {
        all.push(format!(
            "What {} rows of the record say: they cannot be read.",
            r.skipped
        ));
    }
    if r.left_out > 0 {
        all.push(format!(
            "{} older lines of the fleet's timeline were too many to be kept.",
            r.left_out
        ));
    }
    if r.incident.opened.how == How::Hand && r.incident.servers.is_empty() {
        all.push("Which servers it concerns: none is named.".to_owned());
    }
    all
}
