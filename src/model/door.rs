//! One door as known: its last probe, its past, and since when it fails.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::door::{Protocol, Role};
use crate::domain::event::Fact;
use crate::domain::health::{Layer, Limits, Phase, PhaseTime, ProbeReport, Verdict};
use crate::domain::reading::Kept;
use crate::domain::roster::WatchedDoor;
use crate::domain::{Name, Span};

use super::history::{Beat, History};
use super::horizon::{Outages, Works};

/// Probes kept for each door: two hours at one each ten seconds.
const KEEP_BEATS: usize = 720;

/// One door.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its name.
    pub name: Name,
    /// As configured.
    pub watched: Option<WatchedDoor>,
    /// The last probe.
    pub probe: Kept<ProbeReport>,
    /// The past.
    pub beats: History<Beat>,
    /// Since when it has failed at the layer where it fails now: the first bad probe.
    pub failing_since: Option<Timestamp>,
    /// The last probe without a failure.
    pub last_good: Option<Timestamp>,
    /// The times in which it was down.
    pub(super) outages: Outages,
    /// Since when it has failed, at whatever layer: the first bad probe after the last good one.
    pub bad_since: Option<Timestamp>,
    /// When its certificate ends, as last seen: also while it fails before it shows one.
    pub cert_ends: Option<Timestamp>,
    /// The layer that it last failed at, while it fails.
    failing_at: Option<Layer>,
    /// How long the probes without a failure took.
    good: History<(Timestamp, Span)>,
    /// Typical phase times of good probes (an exponential mean), for "this probe above its usual".
    usual: BTreeMap<Phase, Span>,
}

impl Door {
    pub(super) fn new(name: &Name) -> Self {
        Self {
            name: name.clone(),
            watched: None,
            probe: Kept::default(),
            beats: History::new(KEEP_BEATS),
            failing_since: None,
            last_good: None,
            outages: Outages::default(),
            bad_since: None,
            cert_ends: None,
            failing_at: None,
            good: History::new(KEEP_BEATS),
            usual: BTreeMap::new(),
        }
    }

    pub(super) fn seen(&mut self, fact: &Fact, at: Timestamp, limits: Limits) {
        match fact {
            Fact::Probed(report) if self.watched.as_ref().is_some_and(|w| w.url != report.url) => {}
            Fact::Probed(report) => {
                let verdict = report.verdict(limits, at);
                self.beats.push(Beat {
                    at,
                    took: report.total(),
                    verdict: Some(verdict),
                });
                let works = report.failure.is_none() && verdict != Verdict::Unknown;
                self.outages
                    .probed(verdict, if works { Works::Yes } else { Works::No }, at);
                let layer = report.failure.as_ref().map(|f| f.layer);
                self.cert_ends = report.tls.as_ref().and_then(|t| t.not_after).or(self.cert_ends);
                self.bad_since = layer.map(|_| self.bad_since.unwrap_or(at));
                if layer.is_none() {
                    self.last_good = Some(at);
                    self.good.push((at, report.total()));
                    self.failing_since = None;
                    for p in report.phases.iter().filter(|p| p.ok) {
                        let usual = self.usual.entry(p.phase).or_insert(p.took);
                        *usual = Span::from_micros((usual.micros() * 9 + p.took.micros()) / 10);
                    }
                } else if layer != self.failing_at {
                    self.failing_since = Some(at);
                }
                self.failing_at = layer;
                self.probe.saw((**report).clone(), at);
            }
            Fact::ProbeMissed(why) => {
                self.beats.push(Beat {
                    at,
                    took: Span::ZERO,
                    verdict: None,
                });
                self.probe.miss(why.clone(), at);
            }
            _ => {}
        }
    }

    /// What its last probe says at `now`, unknown when it is stale.
    pub fn verdict(&self, limits: Limits, now: Timestamp, good_for: Span) -> Verdict {
        self.probe
            .reading(now, good_for)
            .fresh()
            .map_or(Verdict::Unknown, |r| r.verdict(limits, now))
    }
    /// What is spoken behind it.
    pub fn protocol(&self) -> Protocol {
        self.watched.as_ref().map_or(Protocol::default(), |w| w.protocol)
    }
    /// What it is for.
    pub fn role(&self) -> Role {
        self.watched.as_ref().map_or(Role::default(), |w| w.role)
    }
    /// The usual time of a phase, from the good probes so far.
    pub fn usual(&self, phase: PhaseTime) -> Option<Span> {
        self.usual.get(&phase.phase).copied()
    }
    /// The median time of its good probes within the last `window`.
    pub fn p50(&self, now: Timestamp, window: Span) -> Option<Span> {
        let mut times: Vec<Span> = self
            .good
            .points()
            .iter()
            .filter(|(at, _)| Span::between(*at, now) <= window)
            .map(|(_, took)| *took)
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }
}
