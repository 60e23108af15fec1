//! What may stand behind failures of several servers at once: one thing that they share. Folded from the doors as they are
//! at a moment, and always a suggestion with its evidence (how many of how many, how close together), never a verdict.
//!
//! Doors fail together when they fail at one layer now and began to fail within three intervals of each other, having been
//! good before. That is one cause when it is every server that has such a door and was good before (two at least), or at
//! least half of them and three. A server of which another door of the same protocol still works is none of them. Failures
//! that the first look found say nothing of when they began: they are held together too, and that is said.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::door::Protocol;
use crate::domain::health::{Failure, Layer, Phase, ProbeReport};
use crate::domain::{Name, Span};

use super::{Door, Model, Server};

mod suspect;

pub use suspect::Suspect;

/// Starts so many intervals apart are one moment: looks are jittered, and time-outs take their time.
const APART: i64 = 3;

/// When failures began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Onset {
    /// The first of them.
    pub first: Timestamp,
    /// All the others within this time.
    pub within: Span,
}

/// Servers that fail together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shared {
    /// Where.
    pub layer: Layer,
    /// What they may share.
    pub suspect: Suspect,
    /// Which servers, by name.
    pub servers: Vec<Name>,
    /// Of how many that could.
    pub of: usize,
    /// The doors at which it shows, with their servers.
    pub doors: Vec<(Name, Name)>,
    /// When it began; `None` when the first look found it so.
    pub onset: Option<Onset>,
}

/// One account that is refused where another is let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The server.
    pub server: Name,
    /// The door that refuses.
    pub door: Name,
    /// The door of the same server at which a login works.
    pub works: Name,
    /// Whether it is one user at both.
    pub user: User,
}

/// Whether two doors are tried by one user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum User {
    /// By one.
    Same,
    /// By two.
    Other,
}

/// Something that explains more than one line of the fleet, or a line better.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Servers that fail together.
    Shared(Shared),
    /// The account, not the server.
    Refused(Refused),
}

impl Cause {
    /// Whether it speaks of this server.
    pub fn concerns(&self, server: &Name) -> bool {
        match self {
            Self::Shared(s) => s.servers.contains(server),
            Self::Refused(r) => r.server == *server,
        }
    }
}

/// Everything that can be suggested at `now`: what concerns the most servers first. A reading is good for `at_least` so
/// long, and longer where it is taken rarely.
pub fn causes(model: &Model, now: Timestamp, at_least: Span) -> Vec<Cause> {
    let seen: Vec<Seen<'_>> = model
        .servers()
        .flat_map(|s| s.doors.values().filter_map(move |d| Seen::of(s, d, now, at_least)))
        .collect();
    let mut shared: Vec<Shared> = LAYERS.iter().flat_map(|l| together(&seen, *l)).collect();
    shared.extend(clock(&seen));
    let window = seen.iter().map(|s| s.server.every()).max().unwrap_or(Span::ZERO) * APART;
    let mut all: Vec<Cause> = merged(shared, window).into_iter().map(Cause::Shared).collect();
    let alone = refused(&seen).filter(|r| !all.iter().any(|c| c.concerns(&r.server)));
    let alone: Vec<Cause> = alone.map(Cause::Refused).collect();
    all.extend(alone);
    all
}

/// The layers that servers can share. A quota is one mailbox's; a limit is mostly greylisting, which every server has to
/// itself.
const LAYERS: [Layer; 8] = [
    Layer::Name,
    Layer::Network,
    Layer::Tls,
    Layer::FrontEnd,
    Layer::Auth,
    Layer::Credential,
    Layer::Store,
    Layer::Delivery,
];

/// A door with what is known of it now.
#[derive(Clone, Copy)]
struct Seen<'a> {
    server: &'a Server,
    door: &'a Door,
    report: &'a ProbeReport,
}

impl<'a> Seen<'a> {
    fn of(server: &'a Server, door: &'a Door, now: Timestamp, at_least: Span) -> Option<Self> {
        let reading = door.probe.reading(now, server.good_for().max(at_least));
        let report = *reading.fresh()?;
        Some(Self { server, door, report })
    }
    /// What it fails with, if it is not that the clocks differ.
    fn failure(&self) -> Option<&'a Failure> {
        self.report.failure.as_ref().filter(|f| !f.cert_not_begun())
    }
    fn fails_at(&self, layer: Layer) -> bool {
        self.failure().is_some_and(|f| f.layer == layer)
    }
    /// When it began to fail, if it was good before.
    fn onset(&self) -> Option<Timestamp> {
        self.door.bad_since.filter(|_| self.door.last_good.is_some())
    }
    /// Whether a probe of it goes as far as this layer.
    fn reaches(&self, layer: Layer) -> bool {
        let plan = &self.report.plan;
        let any = |phases: &[Phase]| plan.is_empty() || phases.iter().any(|p| plan.contains(p));
        match layer {
            Layer::Tls => any(&[Phase::Tls]),
            Layer::Auth | Layer::Credential => any(&[Phase::Login]),
            Layer::Store => any(&[Phase::Examine, Phase::Fetch, Phase::Stat, Phase::Scripts, Phase::Mail]),
            Layer::Delivery => any(&[Phase::Mail]),
            _ => true,
        }
    }
    fn is(&self, other: &Seen<'_>) -> bool {
        std::ptr::eq(self.door, other.door)
    }
}

/// The groups of servers that fail together at this layer, the largest first.
fn together(seen: &[Seen<'_>], layer: Layer) -> Vec<Shared> {
    let failing = || seen.iter().copied().filter(|s| s.fails_at(layer));
    let mut left: Vec<(Timestamp, Seen<'_>)> = failing().filter_map(|s| Some((s.onset()?, s))).collect();
    left.sort_by_key(|(at, _)| *at);
    let mut all = Vec::new();
    while let Some(group) = largest(&left) {
        let Some(shared) = shared(seen, layer, &group) else {
            break;
        };
        left.retain(|(_, s)| !group.iter().any(|g| g.is(s)));
        all.push(shared);
    }
    let first_look: Vec<Seen<'_>> = failing().filter(|s| s.onset().is_none()).collect();
    all.extend(shared(seen, layer, &first_look));
    all
}

/// Of doors by the moment at which they began to fail, those that began together on the most servers.
fn largest<'a>(failing: &[(Timestamp, Seen<'a>)]) -> Option<Vec<Seen<'a>>> {
    let from = |i: usize| -> Vec<Seen<'a>> {
        let (first, begun) = failing[i];
        let near = |(at, s): &&(Timestamp, Seen<'a>)| {
            Span::between(first, *at) <= begun.server.every().max(s.server.every()) * APART
        };
        failing[i..].iter().take_while(near).map(|(_, s)| *s).collect()
    };
    (0..failing.len()).map(from).max_by_key(|g| names(g.iter()).len())
}

fn names<'s, 'a: 's>(seen: impl Iterator<Item = &'s Seen<'a>>) -> BTreeSet<Name> {
    seen.map(|s| s.server.name.clone()).collect()
}

/// Whether these doors make one cause, and of how many servers that could fail so they are.
fn shared(seen: &[Seen<'_>], layer: Layer, group: &[Seen<'_>]) -> Option<Shared> {
    let in_group = |s: &Seen<'_>| group.iter().any(|g| g.is(s));
    let kinds: BTreeSet<Protocol> = group.iter().map(|s| s.door.protocol()).collect();
    let first = group.iter().filter_map(Seen::onset).min();
    // Good when it began: good now, or failing in another way since.
    let good_then = |s: &Seen<'_>| s.failure().is_none() || first.is_none() || s.onset() >= first;
    let others: Vec<&Seen<'_>> = seen
        .iter()
        .filter(|s| kinds.contains(&s.door.protocol()) && s.reaches(layer) && !in_group(s) && good_then(s))
        .collect();
    // A server of which another door of the same protocol works cannot lack what all of them share.
    let half = |s: &Seen<'_>| {
        let same = |o: &&&Seen<'_>| o.server.name == s.server.name && o.door.protocol() == s.door.protocol();
        others.iter().filter(same).any(|o| o.failure().is_none())
    };
    let group: Vec<&Seen<'_>> = group.iter().filter(|s| !half(s)).collect();
    let servers = names(group.iter().copied());
    let of = names(others.into_iter().chain(group.iter().copied())).len();
    let n = servers.len();
    if n < 2 || (n < of && (n < 3 || n * 2 < of)) {
        return None;
    }
    let onsets = group.iter().filter_map(|s| s.onset());
    let onset = onsets.clone().min().zip(onsets.max()).map(|(first, last)| Onset {
        first,
        within: Span::between(first, last),
    });
    Some(Shared {
        layer,
        suspect: suspect(layer, &group),
        servers: servers.into_iter().collect(),
        of,
        doors: doors(group.iter().copied()),
        onset,
    })
}

fn doors<'s, 'a: 's>(seen: impl Iterator<Item = &'s Seen<'a>>) -> Vec<(Name, Name)> {
    seen.map(|s| (s.server.name.clone(), s.door.name.clone())).collect()
}

fn suspect(layer: Layer, group: &[&Seen<'_>]) -> Suspect {
    match layer {
        Layer::Name => Suspect::Resolver,
        Layer::Tls if group.iter().all(|s| s.failure().is_some_and(Failure::cert_ended)) => {
            let ends: BTreeSet<Option<Timestamp>> = group.iter().map(|s| s.door.cert_ends).collect();
            match (ends.len(), ends.contains(&None)) {
                (1, false) => Suspect::Certificate,
                (_, false) => Suspect::Certificates,
                (_, true) => Suspect::Tls,
            }
        }
        Layer::Tls => Suspect::Tls,
        Layer::Auth => Suspect::AuthBackend,
        Layer::Credential => Suspect::Account,
        Layer::Store => Suspect::Storage,
        Layer::Delivery => Suspect::Lookups,
        Layer::Network | Layer::FrontEnd | Layer::Quota | Layer::Limit => Suspect::Network,
    }
}

/// Certificates of several servers that have not begun: it is more likely that our clock is behind than all of theirs.
fn clock(seen: &[Seen<'_>]) -> Option<Shared> {
    let begins_later = |s: &&Seen<'_>| {
        let failures = s.report.failure.iter().chain(&s.report.aside);
        failures.into_iter().any(Failure::cert_not_begun)
    };
    let servers = names(seen.iter().filter(begins_later));
    (servers.len() > 1).then(|| Shared {
        layer: Layer::Tls,
        suspect: Suspect::OwnClock,
        of: names(seen.iter().filter(|s| s.reaches(Layer::Tls))).len(),
        doors: doors(seen.iter().filter(begins_later)),
        servers: servers.into_iter().collect(),
        onset: None,
    })
}

/// What fails together on the same servers at several layers is one thing: it is named by the layer that concerns the most
/// servers, and of equals by the one that came furthest, because all below it was seen to hold.
fn merged(mut all: Vec<Shared>, window: Span) -> Vec<Shared> {
    all.sort_by_key(|s| Reverse((s.servers.len(), s.layer)));
    let mut out: Vec<Shared> = Vec::new();
    for s in all {
        let same = |o: &&mut Shared| {
            let near = match (o.onset, s.onset) {
                (Some(a), Some(b)) => Span::between(a.first.min(b.first), a.first.max(b.first)) <= window,
                (None, None) => true,
                _ => false,
            };
            near && s.servers.iter().all(|n| o.servers.contains(n))
        };
        match out.iter_mut().find(same) {
            Some(o) => o.doors.extend(s.doors),
            None => out.push(s),
        }
    }
    out
}

/// Doors that refuse an account on a server where a login works at another door.
fn refused<'s>(seen: &'s [Seen<'_>]) -> impl Iterator<Item = Refused> + 's {
    seen.iter().filter(|s| s.fails_at(Layer::Credential)).filter_map(|s| {
        let logs_in = |o: &&Seen<'_>| {
            o.server.name == s.server.name && o.report.phase(Phase::Login).is_some_and(|p| p.ok) && !o.is(s)
        };
        let works = seen.iter().filter(logs_in);
        // That the same user is let in elsewhere says more.
        let works = works.min_by_key(|o| user(o) != user(s))?;
        Some(Refused {
            server: s.server.name.clone(),
            door: s.door.name.clone(),
            works: works.door.name.clone(),
            user: if user(works) == user(s) {
                User::Same
            } else {
                User::Other
            },
        })
    })
}

/// The user of a door, as its URL has it.
fn user<'a>(seen: &Seen<'a>) -> Option<&'a str> {
    let (_, rest) = seen.report.url.as_str().split_once("://")?;
    Some(rest.rsplit_once('@')?.0)
}
