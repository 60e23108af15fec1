//! Horizons, from the record: when a queue's mail reaches the end of its lifetime, and since when senders could not deliver
//! to a server.
//!
//! An outage is seen at a door by which mail comes in: a submission or POP3 door that is down keeps no sender out. Where no
//! such door is watched on a server, its IMAP doors stand for it, because what takes a mailbox server down mostly takes
//! both. An LMTP door counts only where no door before it does: with mail already taken in, it waits in a queue of ours,
//! and its senders are done with it.
//!
//! An outage begins with the first probe that finds the door down and counts
//! from the second such probe in a row; the layer may change. It ends with the first of two good probes in a row. A warning,
//! a probe that could not be made, and time in which nobody looked neither begin nor end it. One that begins again soon
//! goes on: senders try so rarely that a short good spell lets only some of them in.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::door::{Protocol, Role};
use crate::domain::health::Verdict;
use crate::domain::horizon::{
    LocalHorizon, Outage, OutageCorrected, OutageStart, RemoteHorizon, Waiting, local, remote,
};
use crate::domain::incident::fact::Failed;
use crate::domain::incident::{Incident, Moment};
use crate::domain::{Name, Span};

use super::Model;
use super::door::Door;
use super::queue::Queue;
use super::server::Server;

/// Probes in a row that make an outage, and that end it.
const IN_A_ROW: u32 = 2;
/// A good spell that is shorter belongs to the outage: the longest time between two tries of a Postfix with its defaults
/// (`maximal_backoff_time`, postconf(5)).
const SPELL: Span = Span::from_secs(4_000);
/// Outages kept for each door.
const KEEP: usize = 16;
/// An outage that is over is shown for so long: the longest that a usual sender holds mail.
const SHOWN: Span = Span::from_hours(5 * 24);

/// One outage of a door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Down {
    since: Timestamp,
    last_good: Option<Timestamp>,
    last_bad: Timestamp,
    until: Option<Timestamp>,
}

/// The outages of one door.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    past: VecDeque<Down>,
    last_good: Option<Timestamp>,
    /// Probes in a row that say the same, and when the first of them was.
    good: Option<(Timestamp, u32)>,
    bad: Option<(Timestamp, u32)>,
}

impl Outages {
    /// A probe was made. `works`: it reached its goal without a failure.
    pub(super) fn probed(&mut self, verdict: Verdict, works: Works, at: Timestamp) {
        match (verdict, works) {
            (Verdict::Down, _) => self.bad(at),
            (_, Works::Yes) => self.good(at),
            _ => {}
        }
    }

    fn bad(&mut self, at: Timestamp) {
        self.good = None;
        let (since, n) = self.bad.map_or((at, 1), |(since, n)| (since, n + 1));
        self.bad = Some((since, n));
        if let Some(open) = self.past.back_mut().filter(|d| d.until.is_none()) {
            open.last_bad = at;
            return;
        }
        if n < IN_A_ROW {
            return;
        }
        match self.past.back_mut() {
            Some(last) if last.until.is_some_and(|u| Span::between(u, since) < SPELL) => {
                last.until = None;
                last.last_bad = at;
            }
            _ => {
                self.past.push_back(Down {
                    since,
                    last_good: self.last_good,
                    last_bad: at,
                    until: None,
                });
                if self.past.len() > KEEP {
                    self.past.pop_front();
                }
            }
        }
    }

    fn good(&mut self, at: Timestamp) {
        let (since, n) = self.good.map_or((at, 1), |(since, n)| (since, n + 1));
        self.good = Some((since, n));
        self.bad = None;
        self.last_good = Some(at);
        if n >= IN_A_ROW
            && let Some(open) = self.past.back_mut().filter(|d| d.until.is_none())
        {
            open.until = Some(since);
        }
    }
}

/// A correction that no door showed belongs to a failure that begins at most so long after it was said.
const FORGOTTEN: Span = Span::from_hours(24);

/// Whether a probe proved all that it was to prove.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Works {
    /// It did.
    Yes,
    /// It did not, or it was not seen to.
    No,
}

/// A start that a person corrected, and the outage on record that it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Corrected {
    /// When it was said.
    at: Timestamp,
    since: Timestamp,
    of: Option<(Name, Timestamp)>,
}

impl Server {
    /// The doors that senders need: see the head of this file.
    fn for_senders(&self) -> impl Iterator<Item = &Door> {
        let rank = |d: &Door| match (d.role(), d.protocol()) {
            (Role::Inbound, Protocol::Lmtp) => Some(1),
            (Role::Inbound, _) => Some(0),
            (Role::Mailbox, Protocol::Imap) => Some(2),
            _ => None,
        };
        let first = self.doors.values().filter_map(rank).min();
        self.doors.values().filter(move |d| first.is_some() && rank(d) == first)
    }
    /// Each outage on record with its door, in no order.
    fn downs(&self) -> impl Iterator<Item = (&Name, &Down)> {
        self.for_senders()
            .flat_map(|d| d.outages.past.iter().map(move |o| (&d.name, o)))
    }
    /// The outage that goes on: of several doors, the one that began first.
    fn open(&self) -> Option<(&Name, &Down)> {
        self.downs()
            .filter(|(_, d)| d.until.is_none())
            .min_by_key(|(_, d)| d.since)
    }

    /// Takes in a correction. It belongs to the outage that goes on, else to the last one if that ended after the corrected
    /// start. Else it is an outage that no door shows (inbound mail may be down while IMAP works, and a person knows more
    /// than a probe): it goes on until it is taken back, until a door fails and is good again, or for as long
    /// as an outage that is over is spoken of.
    pub(super) fn correct(&mut self, said: &OutageCorrected, at: Timestamp) {
        self.outage = said.since.is_some().then(|| said.clone());
        self.corrected = said.since.map(|since| {
            let last = || {
                self.downs()
                    .filter(|(_, d)| d.until >= Some(since))
                    .max_by_key(|(_, d)| d.until)
            };
            Corrected {
                at,
                since,
                of: self.open().or_else(last).map(|(door, d)| (door.clone(), d.since)),
            }
        });
    }

    /// A door was probed: a correction that belongs to no outage yet takes the one that goes on now.
    pub(super) fn bind_correction(&mut self) {
        if self.corrected.as_ref().is_some_and(|c| c.of.is_none()) {
            let said = self.corrected.as_ref().map(|c| c.at);
            // One that was forgotten is not the beginning of what fails days later.
            let open = self
                .open()
                .filter(|(_, d)| said.is_some_and(|at| Span::between(at, d.since) <= FORGOTTEN))
                .map(|(door, d)| (door.clone(), d.since));
            if let Some(c) = self.corrected.as_mut() {
                c.of = open;
            }
        }
    }

    /// The outage to speak of at `now`: the one that goes on; else, of those that ended within the last five days, the
    /// longest, because it made the most senders give up.
    fn outage_at(&self, now: Timestamp) -> Option<Outage> {
        let mut all: Vec<Outage> = Vec::new();
        let said = self.outage.as_ref().zip(self.corrected.as_ref());
        let mut owned = false;
        for (door, d) in self.downs() {
            let mut o = Outage {
                since: d.since,
                until: d.until,
                last_seen: Some(d.last_bad),
                start: OutageStart::Record {
                    door: door.clone(),
                    last_good: d.last_good,
                },
            };
            if let Some((said, c)) = said
                && c.of.as_ref().is_some_and(|(n, since)| n == door && *since == d.since)
            {
                owned = true;
                o.since = c.since;
                o.start = OutageStart::Corrected { by: said.by.clone() };
            }
            all.push(o);
        }
        if let Some((said, c)) = said
            && c.of.is_none()
            && !owned
            && Span::between(c.at, now) <= SHOWN
        {
            all.push(Outage {
                since: c.since,
                until: None,
                last_seen: None,
                start: OutageStart::Corrected { by: said.by.clone() },
            });
        }
        let corrected = |o: &Outage| matches!(o.start, OutageStart::Corrected { .. });
        let open = all.iter().filter(|o| o.until.is_none());
        // What a person said of an outage that goes on comes before what another door shows.
        if let Some(o) = open.min_by_key(|o| (!corrected(o), o.since)) {
            return Some(o.clone());
        }
        all.into_iter()
            .filter(|o| o.until.is_some_and(|u| Span::between(u, now) <= SHOWN))
            .max_by_key(|o| o.until.map(|u| Span::between(o.since, u)))
    }
}

impl Queue {
    /// Of what was listed. `None` where the mail system's rules are not known, where nothing was listed, and where the
    /// listing does not tell arrivals by the hour.
    fn waits(&self) -> Option<(Waiting<'_>, Option<&crate::domain::Text>)> {
        let rules = self.rules.last()?;
        let snapshot = self.listed.last()?;
        let listing = snapshot.listing.as_ref()?;
        let not_held = snapshot.depth.total().saturating_sub(snapshot.depth.hold);
        if listing.hours.is_empty() && not_held > 0 {
            return None;
        }
        let waiting = Waiting {
            hours: &listing.hours,
            rules,
            oldest: listing.oldest,
            listed_at: self.listed.at()?,
        };
        Some((waiting, snapshot.partial.as_ref()))
    }
    /// When its messages reach the end of their lifetime. `None` where rules or listing are unknown.
    pub fn local_horizon(&self, now: Timestamp, every: Span) -> Option<LocalHorizon> {
        let (waiting, partial) = self.waits()?;
        Some(LocalHorizon {
            partial: partial.cloned(),
            ..local(&waiting, self.clears(now, every), now)
        })
    }
    /// Up to how many of the messages listed last reach the end of their lifetime by `moment`.
    pub fn expire_by(&self, moment: Timestamp) -> Option<u64> {
        Some(self.waits()?.0.expire_by(moment))
    }
}

/// A time in which senders could not deliver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptOut {
    /// From when on.
    pub since: Moment,
    /// Up to when, or up to now.
    pub until: Moment,
    /// Whether it is over.
    pub over: bool,
}

impl KeptOut {
    /// How long.
    pub fn lasted(&self) -> Span {
        self.since.until(self.until)
    }
}

impl Model {
    /// When senders could not deliver to the servers of an incident while it lasted: of several outages the longest. `None`
    /// where none is on record: what fails beside the way in keeps no sender out.
    pub fn kept_out(&self, incident: &Incident, now: Timestamp) -> Option<KeptOut> {
        let start = incident.start();
        let begins = start.probes.map_or(start.at.at, |(_, bad)| bad.min(start.at.at));
        let over = incident.restored().or(incident.resolved());
        let end = over.unwrap_or(self.moment(now));
        let servers = incident.servers.iter().filter_map(|s| self.server(s));
        let downs = servers.flat_map(|s| s.downs().map(move |(door, d)| (s, door, d)));
        let meanwhile = |d: &Down| d.since <= end.at && d.until.is_none_or(|until| until > begins);
        downs
            .filter(|(_, _, d)| meanwhile(d))
            .map(|(s, door, d)| {
                // Where it began with this door, a start that a person gave is that of the door, too.
                let first = |f: &&Failed| f.server == s.name && f.door == *door && d.since <= f.first_bad;
                let said = start.by.is_some() && incident.doors.iter().find(first).is_some();
                let until = d.until.filter(|u| *u < end.at);
                KeptOut {
                    since: Moment::new(if said { start.at.at } else { d.since }, start.at.steps),
                    until: until.map_or(end, |u| Moment::new(u, end.steps)),
                    over: until.is_some() || over.is_some(),
                }
            })
            .max_by_key(KeptOut::lasted)
    }

    /// When senders out there give up mail for this server: for an outage that goes on, or that ended within the last five
    /// days. To be shown with [`crate::domain::horizon::LIMIT`].
    pub fn remote_horizon(&self, server: &Server, now: Timestamp) -> Option<RemoteHorizon> {
        Some(remote(self.senders(), server.outage_at(now)?))
    }
}
