//! What several ways of writing a report down share: sentences made of its values, before they are escaped.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::domain::action::Truth;
use crate::domain::flow::FlowSource;
use crate::domain::health::Layer;
use crate::domain::incident::clocks::Clock;
use crate::domain::incident::fact::Out;
use crate::domain::incident::{Incident, Moment};
use crate::domain::{Name, Span};
use crate::model::Action;
use crate::model::timeline::did;

use super::series::{Depths, Door, FlowsOf, Key};
use super::times::{Times, grouped};
use super::{Report, RoleRecord, part};

/// What a clock says: how long, or that it still runs.
pub fn lasted(clock: &Clock, now: Moment) -> String {
    let lasted = clock.lasted(now);
    if clock.runs() {
        format!("not yet, {lasted} so far")
    } else {
        lasted.to_string()
    }
}

/// The clocks that there are, each with its name and what it is.
pub fn clocks(r: &Report) -> Vec<(&'static str, String, &Clock)> {
    let c = &r.clocks;
    let mut all = vec![
        ("Detected", lasted(&c.detected, r.now), &c.detected),
        ("Acknowledged", lasted(&c.acknowledged, r.now), &c.acknowledged),
        ("Restored", lasted(&c.restored, r.now), &c.restored),
        ("Outage, as users felt it", lasted(&c.outage, r.now), &c.outage),
    ];
    if let Some((n, peak)) = &c.peak {
        all.push((
            "Backlog at its peak",
            format!("{} after {}", messages(*n), lasted(peak, r.now)),
            peak,
        ));
    }
    if let Some(cleared) = &c.cleared {
        all.push(("Backlog cleared", lasted(cleared, r.now), cleared));
    }
    all
}

/// `1 message`, `48 211 messages`.
pub fn messages(n: u64) -> String {
    if n == 1 {
        "1 message".to_owned()
    } else {
        format!("{} messages", grouped(n))
    }
}

fn probes(n: u64) -> String {
    if n == 1 {
        "1 probe".to_owned()
    } else {
        format!("{} probes", grouped(n))
    }
}

/// The servers of an incident.
pub fn servers(incident: &Incident) -> String {
    let all: Vec<&str> = incident.servers.iter().map(Name::as_str).collect();
    if all.is_empty() {
        "none named".to_owned()
    } else {
        all.join(", ")
    }
}

/// When it began, and how that is known; both where a person corrected what probes show.
pub fn began(r: &Report, times: &Times) -> String {
    let start = r.incident.start();
    let at = times.stamp(start.at.at);
    let probes = start.probes.map(|(good, bad)| match good {
        Some(good) => format!("last good probe {}, first bad {}", times.stamp(good), times.stamp(bad)),
        None => format!("first bad probe {}, none good on record before it", times.stamp(bad)),
    });
    match (&start.by, probes) {
        (Some(by), Some(probes)) => format!("{at}, as {by} says; {probes}"),
        (Some(by), None) => format!("{at}, as {by} says; no probe shows it"),
        (None, Some(probes)) => format!("{at} ({probes})"),
        (None, None) => format!("{at} (no probe shows it)"),
    }
}

/// What it did to those who use the service, as far as it was seen.
pub fn impact(r: &Report, times: &Times) -> Vec<String> {
    let mut all: Vec<String> = r.roles.iter().flat_map(|record| role(r, record, times)).collect();
    let c = &r.clocks;
    if let Some((n, peak)) = &c.peak {
        let at = peak
            .to
            .as_ref()
            .map_or(String::new(), |m| format!(" at {}", times.stamp(m.at.at)));
        all.push(format!("At most {} waited in its queues{at}.", messages(*n)));
    }
    if let Some(minutes) = c.mail_minutes {
        all.push(format!(
            "{} mail-minutes: the minutes that messages waited beyond those that stood there before, over all of them.",
            grouped(minutes)
        ));
    }
    all.extend(senders(r, times).map(|s| format!("{s}.")));
    if all.is_empty() {
        all.push("Nothing of it is on record: see what is not known.".to_owned());
    }
    all
}

/// What a role did, a sentence for each door that failed, or one for all that worked. Nothing for a role that nobody saw: that
/// stands with what is not known.
pub fn role(r: &Report, record: &RoleRecord, times: &Times) -> Vec<String> {
    let means = record.role.means();
    let mut all: Vec<String> = record
        .failing()
        .filter(|(_, door)| !r.is_dark(door))
        .map(|(key, door)| failed(means, key, door, times))
        .collect();
    if record.worked() {
        all.push(worked(means, record, times));
    }
    all
}

/// Whether it was never got to when it failed: that may be for our own network or resolver.
pub(super) fn is_far(door: &Door) -> bool {
    !door.layers.is_empty() && door.layers.keys().all(|l| matches!(l, Layer::Name | Layer::Network))
}

fn failed(means: &str, key: &Key, door: &Door, times: &Times) -> String {
    let layers: Vec<String> = door.layers.keys().map(ToString::to_string).collect();
    let (first, last) = door.bad.unwrap_or_default();
    let good = match door.good + door.warned {
        0 => String::new(),
        n => format!(", {} worked", grouped(n)),
    };
    let failed = if is_far(door) {
        "could not be reached from where we look,"
    } else {
        "failed"
    };
    format!(
        "{means} {failed} at {} (layer {}): {} failed from {} to {}{good}.",
        part(key),
        layers.join(", "),
        probes(door.down),
        times.stamp(first),
        times.stamp(last)
    )
}

fn worked(means: &str, record: &RoleRecord, times: &Times) -> String {
    const NAMED: usize = 4;
    let doors: Vec<(&Key, &Door)> = record.seen().collect();
    let proved = doors.iter().map(|(_, d)| d.proved).sum();
    let (first, last) = doors
        .iter()
        .filter_map(|(_, d)| d.seen_good)
        .fold(None, |all: Option<(Timestamp, Timestamp)>, (a, b)| {
            Some(all.map_or((a, b), |(x, y)| (x.min(a), y.max(b))))
        })
        .unwrap_or_default();
    let names: Vec<String> = doors.iter().take(NAMED).map(|(k, _)| part(k).to_string()).collect();
    let more = match doors.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!(
        "{means} was seen working: {} of {}{more}, from {} to {}, and none found it down.",
        probes(proved),
        names.join(", "),
        times.stamp(first),
        times.stamp(last)
    )
}

/// What became of an action: `confirmed`, `contradicted: found running`, `outcome unknown: …`.
pub fn became(action: &Action) -> String {
    if let Some((lost, _)) = action.lost.as_ref().filter(|_| action.read_back.is_none()) {
        return format!("outcome unknown: {}", lost.why);
    }
    let failed = action.ran.as_ref().and_then(|(ran, _)| ran.failed.as_ref());
    match (action.truth(), failed) {
        (Truth::Requested, Some(why)) => format!("failed: {why}"),
        (Truth::Requested, None) => "not read back".to_owned(),
        (Truth::Contradicted { found }, _) => format!("contradicted: found {}", found.state),
        (Truth::Unverifiable { why }, _) => format!("cannot be verified: {why}"),
        (truth @ Truth::Confirmed { .. }, _) => truth.word().to_owned(),
    }
}

/// What an action did to the flow of each queue, as measured.
pub fn measured(action: &Action) -> Vec<String> {
    let verb = action.plan.word();
    action
        .measured
        .iter()
        .filter_map(|(queue, (influence, _))| did(verb, queue, influence))
        .collect()
}

/// `pause db-compact on mbox1 for 30m`.
pub fn asked(action: &Action) -> String {
    let plan = &action.plan;
    let lasts = plan.lasts.map(|l| format!(" for {l}")).unwrap_or_default();
    format!("{} {} on {}{lasts}", plan.word(), plan.job, plan.server)
}

/// The same as one cell of a table.
pub fn did_words(action: &Action) -> String {
    let all = measured(action);
    if all.is_empty() {
        "not measured".to_owned()
    } else {
        all.join("; ")
    }
}

/// How an update got out.
pub fn out(out: &Out) -> String {
    match out {
        Out::ByHand => "by hand".to_owned(),
        Out::Hook { command } => format!("by {command}"),
    }
}

/// The figures of a depth chart in words: what a chart says without being seen.
pub fn depth_figures(d: &Depths, r: &Report, times: &Times) -> String {
    let range = r.series.range;
    let (from, until) = (times.stamp(range.from), times.stamp(range.until));
    let Some(((peak, peak_at), (first, first_at), (last, last_at))) = figures(d) else {
        return format!("Depth from {from} to {until}: never read.");
    };
    let mut words = format!(
        "Depth from {from} to {until}: {} at {}, at most {} at {}, {} at {}.",
        messages(first),
        times.near(first_at, range.from),
        grouped(peak),
        times.stamp(peak_at),
        grouped(last),
        times.near(last_at, range.from)
    );
    if d.unseen > Span::ZERO {
        let _ = write!(
            words,
            " It was not read for {} in all: there the line is broken.",
            d.unseen
        );
    }
    words
}

type Point = (u64, Timestamp);

fn figures(d: &Depths) -> Option<(Point, Point, Point)> {
    Some((d.peak?, d.first?, d.last?))
}

/// The same of a flow chart.
pub fn flow_figures(f: &FlowsOf, r: &Report, times: &Times) -> String {
    let range = r.series.range;
    let total = f.total;
    let source = match f.source {
        FlowSource::Log => "by the mail log",
        FlowSource::Listings => "by listings, which do not see what passes between two of them",
    };
    let most = (0..f.columns.len())
        .filter_map(|c| Some((f.rates(c, range)?, range.begins(c))))
        .fold([(0.0, range.from); 2], |mut most, (rates, at)| {
            for (m, rate) in most.iter_mut().zip(rates) {
                if rate > m.0 {
                    *m = (rate, at);
                }
            }
            most
        });
    let rate =
        |(rate, at): (f64, Timestamp)| format!("at most {rate:.0} a minute around {}", times.near(at, range.from));
    let mut words = format!(
        "Flow from {} to {}, {source}: {} came in ({}), {} were worked off ({})",
        times.stamp(range.from),
        times.stamp(range.until),
        messages(total.arrived),
        rate(most[0]),
        grouped(total.exits()),
        rate(most[1])
    );
    if total.otherwise() > 0 {
        let _ = write!(
            words,
            ", {} expired and {} were removed",
            grouped(total.expired),
            grouped(total.removed)
        );
    }
    let _ = write!(
        words,
        ". {} of {} are counted.",
        f.counted,
        Span::between(range.from, range.until)
    );
    words
}

/// The same of a band of probes.
pub fn door_figures(key: &Key, d: &Door, times: &Times) -> String {
    if d.probes() == 0 {
        return match d.missed {
            0 => format!("{}: not probed meanwhile.", part(key)),
            n => format!("{}: not known, {} could not be made.", part(key), probes(n)),
        };
    }
    let mut words = format!("{}: {} while it lasted", part(key), probes(d.probes()));
    match d.bad {
        Some((first, last)) => {
            let one = d.layers.len() == 1;
            let layer = |(layer, n): (&Layer, &u64)| {
                if one {
                    layer.to_string()
                } else {
                    format!("{} at {layer}", grouped(*n))
                }
            };
            let layers: Vec<String> = d.layers.iter().map(layer).collect();
            let _ = write!(
                words,
                ", down in {} ({}) from {} to {}",
                grouped(d.down),
                layers.join(", "),
                times.stamp(first),
                times.stamp(last)
            );
        }
        None => words.push_str(", never down"),
    }
    if d.warned > 0 {
        let _ = write!(words, ", with trouble in {}", grouped(d.warned));
    }
    if d.missed > 0 {
        let _ = write!(words, "; {} more could not be made", grouped(d.missed));
    }
    words.push('.');
    words
}

/// The sentence about senders that passed; none where nothing kept them out.
pub fn senders(r: &Report, times: &Times) -> Option<String> {
    r.kept_out?;
    let gave_up = r.gave_up.as_ref()?;
    if gave_up.is_empty() {
        return Some(
            "None of the usual senders had given up mail of the first minute before service was good again".to_owned(),
        );
    }
    let names: Vec<String> = gave_up
        .iter()
        .map(|(p, at)| {
            format!(
                "{} ({} after the start, {})",
                p.sender,
                p.gives_up_after,
                times.stamp(*at)
            )
        })
        .collect();
    Some(format!(
        "These had given up mail of the first minute: {}",
        names.join("; ")
    ))
}
