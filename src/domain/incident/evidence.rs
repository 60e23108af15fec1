//! What was observed of an incident and around it, and how it is worded. Nothing stands here that nobody saw: a role of mail
//! that no fresh probe speaks of is told as not known, and a clear time is a range.

use std::collections::BTreeMap;

use super::State;
use super::draft::Stage;
use crate::domain::door::{Protocol, Role};
use crate::domain::health::Layer;
use crate::domain::horizon::LIMIT;
use crate::domain::{Name, Span, Text, Timestamp};

/// What a door that fails has to do with the incident that is spoken of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Whose {
    /// It is on one of its servers.
    #[default]
    This,
    /// It is on a server of this other incident.
    Another(Text),
    /// It is on a server of no incident.
    Nobody,
}

/// A door as it was seen last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoorSeen {
    /// The server.
    pub server: Name,
    /// The door.
    pub door: Name,
    /// What is spoken behind it.
    pub protocol: Protocol,
    /// When.
    pub at: Timestamp,
    /// Where it fails; `None` when it was seen to work.
    pub fails: Option<Layer>,
    /// Since when it fails.
    pub since: Option<Timestamp>,
    /// Whose it is.
    pub whose: Whose,
}

impl DoorSeen {
    /// Whether it was not got to at all: that may be for our own network or resolver.
    fn is_far(&self) -> bool {
        matches!(self.fails, Some(Layer::Name | Layer::Network))
    }
}

/// What probes say of one role of mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleSeen {
    /// Which.
    pub role: Role,
    /// Its doors that were seen lately.
    pub seen: Vec<DoorSeen>,
    /// How many of its doors were not seen lately, or did not prove what they are for.
    pub unclear: usize,
    /// Canaries whose letters are late or lost behind doors that answer.
    pub letters: usize,
}

/// All of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Evidence {
    /// Of when.
    pub now: Timestamp,
    /// What it is called.
    pub name: Text,
    /// The operator's number.
    pub number: Option<Text>,
    /// How far it is.
    pub state: State,
    /// Where it fails.
    pub layer: Option<Layer>,
    /// Its servers.
    pub servers: Vec<Name>,
    /// When it began.
    pub started: Timestamp,
    /// Who said so, where a person did.
    pub started_by: Option<Text>,
    /// The last good probe and the first bad one.
    pub probes: Option<(Option<Timestamp>, Timestamp)>,
    /// How long ago it began.
    pub lasted: Span,
    /// The host that looks, where it is one.
    pub from: Option<Text>,
    /// When any door of the fleet was got to last.
    pub reached: Option<Timestamp>,
    /// What probes say of each role.
    pub roles: Vec<RoleSeen>,
    /// The words of the failure that was seen last.
    pub said: Option<Text>,
    /// Messages that wait, as read lately and to the end.
    pub waiting: Option<u64>,
    /// The servers in whose queues they wait.
    pub queues: Vec<Name>,
    /// When they will be gone: one in ten is earlier, one in ten later.
    pub clears: Option<(Timestamp, Timestamp)>,
    /// The most that waited, and when.
    pub peak: Option<(u64, Timestamp)>,
    /// When that was cleared.
    pub cleared: Option<Timestamp>,
    /// Mail-minutes.
    pub mail_minutes: Option<u64>,
    /// From when to when other servers could not deliver, as far as that is on record.
    pub kept_out: Option<(Timestamp, Option<Timestamp>)>,
    /// Senders whose documented time was up, with that time; `None` when no table of senders is known.
    pub gave_up: Option<Vec<(Text, Span)>>,
    /// The sender whose time is up next.
    pub gives_up_next: Option<(Text, Timestamp)>,
    /// How long until it was noticed.
    pub detected: Option<Span>,
    /// How long from there until somebody took it.
    pub acknowledged: Option<Span>,
    /// The last bad probe, the first good one, and how long the outage was.
    pub restored: Option<(Timestamp, Timestamp, Span)>,
    /// Up to when all of its doors have been seen good, while that is fresh.
    pub seen_good: Option<Timestamp>,
    /// When a person said that it is over.
    pub resolved: Option<Timestamp>,
    /// When the next update is due.
    pub next_update: Option<Timestamp>,
}

/// Doors that are named in one sentence at most.
const NAMED: usize = 3;

/// The fields of templates, each with its value where there is one.
pub(super) fn fields(e: &Evidence, when: &dyn Fn(Timestamp) -> String) -> BTreeMap<&'static str, Option<String>> {
    let some = |s: &dyn ToString| Some(s.to_string());
    let at = |t: Option<Timestamp>| t.map(when);
    let span = |s: Option<Span>| s.map(|s| s.to_string());
    let servers: Vec<&str> = e.servers.iter().map(Name::as_str).collect();
    BTreeMap::from([
        ("title", some(&e.name)),
        ("number", e.number.as_ref().map(ToString::to_string)),
        ("state", some(&e.state)),
        ("layer", e.layer.map(|l| l.to_string())),
        ("servers", (!servers.is_empty()).then(|| servers.join(", "))),
        ("started", Some(when(e.started))),
        ("started_known", Some(known(e, when))),
        ("lasted", some(&e.lasted)),
        ("affected", Some(affected(e, when))),
        ("still", still(e).then(|| affected(e, when))),
        ("working", lines(e.roles.iter().filter_map(|r| working(r, when)))),
        ("not_known", Some(not_known(e))),
        ("held_sentence", e.kept_out.map(|_| HELD.to_owned())),
        ("what_happened", Some(happened(e))),
        ("said", e.said.as_ref().map(ToString::to_string)),
        ("backlog_sentence", e.waiting.map(|n| waits(n, &e.queues))),
        (
            "clears_sentence",
            e.clears.map(|(from, to)| {
                format!(
                    "At the present pace it is cleared between {} and {}.",
                    when(from),
                    when(to)
                )
            }),
        ),
        (
            "peak_sentence",
            e.peak
                .map(|(n, at)| format!("At most {n} messages waited at one time, at {}.", when(at))),
        ),
        (
            "cleared_sentence",
            e.cleared.map(|at| format!("The backlog was cleared at {}.", when(at))),
        ),
        ("mail_minutes", e.mail_minutes.map(|n| n.to_string())),
        ("senders", e.kept_out.map(|_| senders(e, when))),
        ("lost", Some(lost(e))),
        ("detected", span(e.detected)),
        ("acknowledged", span(e.acknowledged)),
        ("restored", at(e.restored.map(|(_, good, _)| good))),
        ("seen_good", at(e.seen_good)),
        ("last_bad", at(e.restored.map(|(bad, ..)| bad))),
        ("outage", span(e.restored.map(|(.., lasted)| lasted))),
        ("resolved", at(e.resolved)),
        ("next_update", at(e.next_update)),
        ("now", Some(when(e.now))),
    ])
}

fn lines(all: impl Iterator<Item = String>) -> Option<String> {
    let all: Vec<String> = all.collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

/// How the start is known.
fn known(e: &Evidence, when: &dyn Fn(Timestamp) -> String) -> String {
    let probes = e.probes.map(|(good, bad)| match good {
        Some(good) => format!("last good probe {}, first bad {}", when(good), when(bad)),
        None => format!("first bad probe {}, none good on record before it", when(bad)),
    });
    match (&e.started_by, probes) {
        (Some(by), Some(probes)) => format!("as {by} says; {probes}"),
        (Some(by), None) => format!("as {by} says; no probe shows it"),
        (None, Some(probes)) => probes,
        (None, None) => "no probe shows it".to_owned(),
    }
}

fn named(doors: &[&DoorSeen]) -> String {
    let all: Vec<String> = doors
        .iter()
        .take(NAMED)
        .map(|d| format!("{} on {}", d.protocol.title(), d.server))
        .collect();
    match doors.len().saturating_sub(NAMED) {
        0 => all.join(", "),
        n => format!("{} and {n} more", all.join(", ")),
    }
}

/// Whether it fails while nothing of the fleet was got to since: then it may be our own network, and nothing is known.
fn is_dark(e: &Evidence, d: &DoorSeen) -> bool {
    d.is_far() && e.reached.is_none_or(|at| at < d.since.unwrap_or(d.at))
}

/// `where we look`, with the host when it is known.
fn here(e: &Evidence) -> String {
    let host = e.from.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
    format!("where we look{host}")
}

/// The doors that are seen to fail.
fn bad(e: &Evidence) -> impl Iterator<Item = &DoorSeen> {
    let all = e.roles.iter().flat_map(|r| r.seen.iter());
    all.filter(|d| d.fails.is_some() && !is_dark(e, d))
}

/// What is seen to fail of this incident, a sentence for each role; then what fails beside it.
fn affected(e: &Evidence, when: &dyn Fn(Timestamp) -> String) -> String {
    let mut all = Vec::new();
    for r in &e.roles {
        let mine = |d: &&DoorSeen| d.fails.is_some() && d.whose == Whose::This && !is_dark(e, d);
        for far in [false, true] {
            let doors: Vec<&DoorSeen> = r.seen.iter().filter(mine).filter(|d| d.is_far() == far).collect();
            all.extend(fails(e, r, &doors, far, when));
        }
    }
    all.extend(beside(e));
    lines(all.into_iter()).unwrap_or_else(|| {
        let seen: Vec<&DoorSeen> = e.roles.iter().flat_map(|r| r.seen.iter()).collect();
        match seen.as_slice() {
            [] => "Whether it fails now is not known: no probe has come through lately.".to_owned(),
            seen if seen.iter().any(|d| is_dark(e, d)) => {
                format!(
                    "Whether it fails now is not known: nothing can be reached from {}.",
                    here(e)
                )
            }
            _ => "No probe sees a failure now.".to_owned(),
        }
    })
}

fn fails(
    e: &Evidence,
    r: &RoleSeen,
    doors: &[&DoorSeen],
    far: bool,
    when: &dyn Fn(Timestamp) -> String,
) -> Option<String> {
    let last = doors.iter().map(|d| d.at).max()?;
    let since = doors
        .iter()
        .filter_map(|d| d.since)
        .min()
        .map_or(String::new(), |s| format!(" since {}", when(s)));
    let verb = if far {
        format!("cannot be reached from {}", here(e))
    } else {
        "fails".to_owned()
    };
    // Of a door that was not seen nobody knows: it may work.
    let all = if doors.len() == r.seen.len() && r.unclear == 0 {
        ""
    } else {
        " in part"
    };
    let unclear = match r.unclear {
        0 => String::new(),
        n => format!("; {n} more not seen"),
    };
    Some(format!(
        "{} {verb}{all}{since} ({}, last seen failing {}{unclear}).",
        r.role.means(),
        named(doors),
        when(last)
    ))
}

/// What fails on servers that are not of this incident.
fn beside(e: &Evidence) -> Vec<String> {
    let mut all: BTreeMap<Option<&Text>, Vec<&DoorSeen>> = BTreeMap::new();
    for d in bad(e) {
        match &d.whose {
            Whose::This => {}
            Whose::Another(called) => all.entry(Some(called)).or_default().push(d),
            Whose::Nobody => all.entry(None).or_default().push(d),
        }
    }
    let told = |(whose, doors): (Option<&Text>, Vec<&DoorSeen>)| match whose {
        Some(called) => format!("Also failing, on another incident ({called}): {}.", named(&doors)),
        None => format!("Also failing, on no incident: {}.", named(&doors)),
    };
    all.into_iter().map(told).collect()
}

/// Whether anything is seen to fail, or nothing is known: what one who says that it is over has to say, too.
fn still(e: &Evidence) -> bool {
    let seen = || e.roles.iter().flat_map(|r| r.seen.iter());
    seen().next().is_none() || seen().any(|d| d.fails.is_some())
}

/// What one has to know before words of this stage go out: they are not how far it is, or say more than probes do.
pub fn beware(e: &Evidence, stage: Stage) -> Vec<String> {
    let mut all = Vec::new();
    if let Stage::State(says) = stage
        && says != e.state
    {
        all.push(format!("these words say {says}, and on record it is {}", e.state));
    }
    if let Stage::State(State::Investigating | State::Identified) = stage {
        return all;
    }
    let failing: Vec<&DoorSeen> = bad(e).filter(|d| d.whose == Whose::This).collect();
    if !failing.is_empty() {
        all.push(format!("probes see a failure now: {}", named(&failing)));
    } else if e.roles.iter().all(|r| r.seen.iter().all(|d| is_dark(e, d))) {
        all.push("no probe has come through lately: whether it fails now is not known".to_owned());
    }
    all
}

/// A role that is seen to work at every door that was seen: the claim names the probe behind it.
fn working(r: &RoleSeen, when: &dyn Fn(Timestamp) -> String) -> Option<String> {
    let good: Vec<&DoorSeen> = r.seen.iter().filter(|d| d.fails.is_none()).collect();
    if good.len() < r.seen.len() || r.letters > 0 {
        return None;
    }
    let last = good.iter().map(|d| d.at).max()?;
    let unclear = match r.unclear {
        0 => String::new(),
        n => format!(", {n} more not seen"),
    };
    Some(format!(
        "{} was seen working at {} ({}{unclear}).",
        r.role.means(),
        when(last),
        named(&good)
    ))
}

/// The roles of which nothing is claimed.
fn not_known(e: &Evidence) -> String {
    let of = |role: Role| {
        let seen = e.roles.iter().find(|r| r.role == role);
        if seen.is_some_and(|r| r.seen.iter().any(|d| is_dark(e, d))) {
            let here = here(e);
            return Some(format!(
                "{}: not known, it cannot be reached from {here}, and nothing else can.",
                role.means()
            ));
        }
        let why = match seen {
            Some(r) if r.letters > 0 && r.seen.iter().all(|d| d.fails.is_none()) && !r.seen.is_empty() => {
                "its servers answer, but test letters of our own do not come through in time"
            }
            Some(r) if !r.seen.is_empty() => return None,
            Some(r) if r.unclear > 0 => "no probe of it has come through lately",
            _ => "no probe looks at it",
        };
        Some(format!("{}: not known, {why}.", role.means()))
    };
    lines(Role::ALL.into_iter().filter_map(of)).unwrap_or_default()
}

fn happened(e: &Evidence) -> String {
    match e.layer {
        Some(layer @ (Layer::Name | Layer::Network)) => {
            format!("{} (failing layer: {layer}, as seen from {}).", e.name, here(e))
        }
        Some(layer) => format!("{} (failing layer: {layer}).", e.name),
        None => format!("{} (no failing layer on record).", e.name),
    }
}

fn waits(n: u64, queues: &[Name]) -> String {
    let servers: Vec<&str> = queues.iter().map(Name::as_str).collect();
    let of = servers.join(", ");
    match n {
        0 => format!("No messages wait in the queues of {of}."),
        1 => format!("One message waits in the queues of {of}."),
        n => format!("{n} messages wait in the queues of {of}."),
    }
}

/// Said only where other servers could not deliver.
const HELD: &str = "Mail that other servers held for us comes back at their next try, which may be hours away.";

/// Who has given up mail of the first minute, as documented.
fn senders(e: &Evidence, when: &dyn Fn(Timestamp) -> String) -> String {
    let Some(gave_up) = &e.gave_up else {
        return "When other servers give up is not known.".to_owned();
    };
    let mut all = Vec::new();
    if gave_up.is_empty() {
        all.push("None of the usual senders had given up mail of the first minute".to_owned());
    } else {
        let names: Vec<String> = gave_up.iter().map(|(s, after)| format!("{s} ({after})")).collect();
        all.push(format!(
            "These had given up mail of the first minute: {}",
            names.join(", ")
        ));
    }
    if let Some((next, at)) = &e.gives_up_next {
        all.push(format!("next is {next} at {}", when(*at)));
    }
    format!("{}; {LIMIT}.", all.join("; "))
}

/// What is not known of lost mail, always.
fn lost(e: &Evidence) -> String {
    let gave_up = e.gave_up.as_ref().is_some_and(|g| !g.is_empty());
    let more = if gave_up {
        " Some senders may have returned mail to its author by now."
    } else {
        ""
    };
    format!("Whether mail was lost is not known: servers that could not deliver to us leave no trace here.{more}")
}
