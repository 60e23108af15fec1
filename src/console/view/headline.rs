//! What is the matter with a server: in two words for the table, and in a sentence for the pane below it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console::app::App;
use crate::console::{number, when};
use crate::domain::health::{Phase, ProbeReport, Verdict};
use crate::domain::reading::{Miss, Missed, Reading};
use crate::model::{Door, Headline, Row};

use super::{canary, lease};

/// The few words of the table: with the door where there are several, and how many servers fail alike.
pub fn words(row: &Row<'_>) -> String {
    let mut words = short(&row.headline);
    if let Some(door) = row.named_door() {
        words = format!("{} {words}", door.name);
    }
    if let Some(n) = row.alike {
        // First, because the end is what a narrow column cuts.
        words = format!("×{n} {words}");
    }
    words
}

/// The few words of one headline.
pub fn short(headline: &Headline) -> String {
    match headline {
        Headline::Ok => "ok".to_owned(),
        Headline::OkAsFarAs(phase) => format!("ok to {}", phase.trim_start_matches("the ")),
        Headline::Failed {
            layer,
            code: Some(code),
        } => format!("{layer} {code}"),
        Headline::Failed { layer, code: None } => layer.to_string(),
        Headline::Aside(layer) => format!("{layer} warns"),
        Headline::Slow => "slow".to_owned(),
        Headline::CertEnds(days) if *days < 0 => "cert expired".to_owned(),
        Headline::CertEnds(days) => format!("cert ends {days}d"),
        Headline::Alert => "alert".to_owned(),
        Headline::QueueStopped => "queue stopped".to_owned(),
        Headline::QueueSays => "queue warns".to_owned(),
        Headline::CanaryLost(n) => format!("canary lost {n}"),
        Headline::CanaryLate => "canary late".to_owned(),
        Headline::CanaryUnsent => "canary unsent".to_owned(),
        Headline::DeepQueue => "queue deep".to_owned(),
        Headline::JobFailed => "job failed".to_owned(),
        Headline::Drift => "drift".to_owned(),
        Headline::PauseOverdue => "pause overdue".to_owned(),
        Headline::Silent(age) => format!("silent {}", when::whole(*age)),
        Headline::NotSeen => "not seen yet".to_owned(),
        Headline::Unread => "partly unread".to_owned(),
    }
}

/// The sentence of the pane: the server's own words where it said any.
pub fn sentence(app: &App, row: &Row<'_>, now: Timestamp) -> String {
    let (server, zone) = (row.server, &app.options.zone);
    match &row.headline {
        Headline::CanaryLost(_) | Headline::CanaryLate | Headline::CanaryUnsent => {
            if let Some(words) = canary::sentence(server, now) {
                return words;
            }
        }
        Headline::DeepQueue => {
            let depth = row.depth.map_or_else(|| "?".to_owned(), |d| number::grouped(d.total()));
            let limit = number::grouped(server.limits().queue_depth);
            return format!("the queue is deep: {depth} messages wait; above {limit} is a warning");
        }
        Headline::QueueStopped | Headline::QueueSays => {
            if let Some(said) = server.queues.values().find_map(|q| q.depth.last()?.said.as_ref()) {
                return format!("beside its queue the mail system says: {said}");
            }
            return "the mail system does not run: nothing in its queue moves".to_owned();
        }
        Headline::JobFailed => {
            for j in server.jobs.values() {
                if let Some(s) = j.state.last().filter(|s| s.state == crate::domain::job::State::Failed) {
                    return format!("job {} failed: {}", j.name, s.detail);
                }
            }
        }
        Headline::Drift => {
            let drifted = server.jobs.values().find_map(|j| Some((j, lease::drift(app, j)?)));
            if let Some((j, words)) = drifted {
                return format!("{}: {words}", j.name);
            }
        }
        Headline::PauseOverdue => {
            let late = |j: &&crate::model::Job| j.pause_overdue(now, server.good_for());
            if let Some(j) = server.jobs.values().find(late) {
                return format!(
                    "{} is still paused although its time is over: resume it with r, or pause it again",
                    j.name
                );
            }
        }
        Headline::Unread => return unread(row, now),
        // What is silent here is no door.
        Headline::Silent(_) | Headline::NotSeen if row.door.is_none() => return unread(row, now),
        _ => {}
    }
    match row.door {
        Some(door) => door_says(door, row, now, zone),
        None => "no mail door is watched here, only what stands below".to_owned(),
    }
}

fn unread(row: &Row<'_>, now: Timestamp) -> String {
    let (server, good_for) = (row.server, row.server.good_for());
    let queues = server
        .queues
        .values()
        .map(|q| ("queue", &q.name, q.reading(now, good_for).why().cloned(), q.depth.at()));
    let jobs = server.jobs.values().map(|j| {
        (
            "job",
            &j.name,
            j.state.reading(now, good_for).why().cloned(),
            j.state.at(),
        )
    });
    let missed = queues.chain(jobs).find(|(_, _, why, at)| why.is_some() || at.is_none());
    match missed {
        Some((what, name, Some(why), at)) => {
            let last = at.map_or(String::new(), |at| format!(", last read {} ago", when::age(at, now)));
            format!("{what} {name} cannot be read{last}: {why}")
        }
        Some((what, name, None, _)) => format!("{what} {name} has not been read yet"),
        None if server
            .canaries
            .values()
            .any(|c| c.matter(now).verdict() == Verdict::Unknown) =>
        {
            "nothing is known of its canary letters yet".to_owned()
        }
        None => "a part of it was read incompletely".to_owned(),
    }
}

fn door_says(door: &Door, row: &Row<'_>, now: Timestamp, zone: &TimeZone) -> String {
    let several = if row.server.doors.len() > 1 {
        format!("{}: ", door.name)
    } else {
        String::new()
    };
    let says = match door.probe.reading(now, row.server.good_for()) {
        Reading::Never { why: None } => "not seen yet: the first probe is on its way".to_owned(),
        Reading::Never { why: Some(why) } => format!("not seen yet: {why}"),
        Reading::Stale { at, why, .. } => format!("silent: last probed {} ago{}", when::age(at, now), because(&why)),
        Reading::Fresh { value, at } => report_says(value, row, at, now, zone),
    };
    several + &says
}

fn report_says(r: &ProbeReport, row: &Row<'_>, at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    if let Some(said) = failure(r) {
        return said;
    }
    let limit = row.server.limits().slow;
    match &row.headline {
        Headline::Slow => format!("slow: the probe took {}; above {limit} is a warning", r.total()),
        Headline::CertEnds(days) => {
            let end = r
                .tls
                .as_ref()
                .and_then(|t| t.not_after)
                .map_or(String::new(), |t| format!(", on {}", when::moment(t, now, zone)));
            if *days < 0 {
                format!("the certificate has expired{end}")
            } else {
                format!("the certificate ends in {days} days{end}")
            }
        }
        Headline::Aside(_) => {
            let aside = r
                .aside
                .iter()
                .map(|f| format!("{}: {}", f.phase, f.text))
                .collect::<Vec<_>>();
            format!("works; beside it {}", aside.join("; "))
        }
        Headline::Alert => format!("the server asks for attention: {}", r.alerts.first().map_or("", |a| a)),
        _ if r.proved.is_none_or(|p| p < r.goal) => {
            let proved = r.proved.map_or("nothing", Phase::word);
            format!("stopped at {proved}, short of {}: not known to be good", r.goal)
        }
        _ => {
            let proved = proved(r);
            format!("{proved} in {}, {} ago", r.total(), when::age(at, now))
        }
    }
}

/// `examine → [SERVERBUG] Internal error occurred`: the phase, and the server's words.
pub fn failure(r: &ProbeReport) -> Option<String> {
    let f = r.failure.as_ref()?;
    let code = f
        .code
        .as_ref()
        .filter(|c| !f.text.contains(&format!("[{c}]")))
        .map(|c| format!("[{c}] "))
        .unwrap_or_default();
    Some(format!("{} → {code}{}", f.phase, f.text))
}

/// Why there is nothing newer, where there is more to say than that nobody has looked.
pub fn because(why: &Missed) -> String {
    match why.kind {
        Miss::NotAsked => ", nobody has looked since".to_owned(),
        _ => format!("; {why}"),
    }
}

/// How far a good probe goes, in full.
pub fn proved(r: &ProbeReport) -> String {
    match r.goal.as_far_as() {
        Some(phase) if r.plan.contains(&Phase::Ehlo) => format!("ok as far as {phase} (no recipient was asked for)"),
        Some(phase) => format!("ok as far as {phase} (no login was tried)"),
        None => r
            .proved
            .map_or("nothing proved".to_owned(), |p| format!("ok as far as {p}")),
    }
}
