//! The clocks of an incident, each with the two events that it is computed from.
//!
//! Detected is from the start to the moment at which it was noticed; acknowledged from there to the moment at which a person
//! took it; restored from there to service seen good again; the outage is from the start to that, which is what users felt.
//! Time to detect, acknowledge and restore are the usual measures of incident handling (NIST SP 800-61r2 3.2.5 keeps the
//! same times; PagerDuty's public guide counts them from these events).

use super::fact::How;
use super::{Incident, Moment};
use crate::domain::{Span, Text};

/// An event that a clock starts or stops at.
#[derive(Clone, PartialEq, Debug)]
pub struct Mark {
    /// When.
    pub at: Moment,
    /// What it was: `first bad probe of imap on mbox1`.
    pub what: Text,
}

/// A length of time between two events.
#[derive(Clone, PartialEq, Debug)]
pub struct Clock {
    /// Where it starts.
    pub from: Mark,
    /// Where it stops; `None` while it runs.
    pub to: Option<Mark>,
}

impl Clock {
    /// How long, so far or in all. Clock steps are taken out.
    pub fn lasted(&self, now: Moment) -> Span {
        self.from.at.until(self.to.as_ref().map_or(now, |m| m.at))
    }
    /// Whether it still runs.
    pub const fn runs(&self) -> bool {
        self.to.is_none()
    }
}

/// All clocks of an incident.
#[derive(Clone, PartialEq, Debug)]
pub struct Clocks {
    /// Start to noticed.
    pub detected: Clock,
    /// Noticed to taken by a person.
    pub acknowledged: Clock,
    /// Noticed to good again.
    pub restored: Clock,
    /// Start to good again.
    pub outage: Clock,
    /// Start to the most messages that waited, and how many those were; `None` when no queue was read.
    pub peak: Option<(u64, Clock)>,
    /// From that to cleared.
    pub cleared: Option<Clock>,
    /// Minutes that messages waited beyond those that stood there before; `None` when that is not known.
    pub mail_minutes: Option<u64>,
    /// How much of the time the queues were not seen.
    pub unseen: Span,
}

/// Reads the clocks.
pub fn clocks(incident: &Incident) -> Clocks {
    let start = mark(incident.start().at, &start_words(incident));
    let noticed = mark(
        incident.noticed,
        match incident.opened.how {
            How::Rule => "opened by the rules",
            How::Hand => "opened by hand",
        },
    );
    let acknowledged = incident
        .acknowledged
        .as_ref()
        .map(|(by, at)| mark(*at, &format!("acknowledged by {by}")));
    let restored = incident
        .restored()
        .map(|at| mark(at, "first good probe of the door that came back last"));
    let clock = |from: &Mark, to: &Option<Mark>| Clock {
        from: from.clone(),
        to: to.clone(),
    };
    let backlog = &incident.backlog;
    let peak = backlog
        .peak
        .map(|(n, at)| (n, mark(at, &format!("reading of {n} messages"))));
    let cleared = backlog.cleared.map(|at| mark(at, "reading of a cleared backlog"));
    Clocks {
        detected: clock(&start, &Some(noticed.clone())),
        acknowledged: clock(&noticed, &acknowledged),
        restored: clock(&noticed, &restored),
        outage: clock(&start, &restored),
        cleared: peak.as_ref().map(|(_, at)| clock(at, &cleared)),
        peak: peak.map(|(n, at)| (n, clock(&start, &Some(at)))),
        mail_minutes: backlog.mail_minutes,
        unseen: backlog.unseen,
    }
}

fn mark(at: Moment, what: &str) -> Mark {
    Mark { at, what: what.into() }
}

/// What its start is known from.
fn start_words(incident: &Incident) -> String {
    let start = incident.start();
    if let Some((_, by, _)) = &incident.corrected {
        return format!("start as corrected by {by}");
    }
    let first = incident.doors.iter().min_by_key(|d| d.first_bad);
    match (first, &start.by) {
        (_, Some(by)) => format!("start as given by {by}"),
        (Some(d), None) => format!("first bad probe of {} on {}", d.door, d.server),
        (None, None) => "start as opened".to_owned(),
    }
}
