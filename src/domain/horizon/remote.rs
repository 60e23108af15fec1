//! The remote horizon: who out there gives up mail for us, counted from the moment since which senders cannot deliver.
//!
//! Each time is that of the mail of the outage's first minute; later mail has as much longer as it is later. It is what a
//! sender's documentation says, not what was seen: a remote give-up leaves no trace in any log on our side. Once senders
//! can deliver again, a sender whose time is not up brings its mail at its next try, which may be hours away (RFC 5321
//! 4.5.4.1: half an hour or more); one whose time is up within that wait may still give up first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Name, Span, Text};

/// What has to be said beside every remote horizon.
pub const LIMIT: &str = "by the senders' own documentation: no log on our side shows that a sender gave up";

/// A kind of sending server, and how long it holds mail for a server that does not take it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Patience {
    /// Who: `Mailgun`, `Postfix default`.
    pub sender: Text,
    /// How long from its first try until it gives up, unless its owner set another time.
    pub gives_up_after: Span,
    /// The shortest that its owner can set, or does where that is common; `None` when it cannot be set, or is not known.
    #[serde(default)]
    pub at_least: Option<Span>,
    /// When it tries, in words.
    #[serde(default)]
    pub tries: Option<Text>,
    /// Where that stands.
    pub source: Text,
}

/// A time in which senders could not deliver to a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outage {
    /// Since when.
    pub since: Timestamp,
    /// When they could again; `None` while they cannot.
    pub until: Option<Timestamp>,
    /// When they were last seen not to: it ended between this moment and `until`, and if nobody looked since, it may have
    /// ended by now. `None` when nobody sees it but who corrected the start.
    pub last_seen: Option<Timestamp>,
    /// How its start is known.
    pub start: OutageStart,
}

/// How the start of an outage is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OutageStart {
    /// The first bad probe of this door.
    Record {
        /// The door.
        door: Name,
        /// The last good probe before it, when there is one on record: it began between the two.
        last_good: Option<Timestamp>,
    },
    /// A person said so.
    Corrected {
        /// Who.
        by: Text,
    },
}

/// When senders out there give up, for one server. To be shown with [`LIMIT`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteHorizon {
    /// Since when they cannot deliver.
    pub since: Timestamp,
    /// When they could again; `None` while they cannot.
    pub until: Option<Timestamp>,
    /// When they were last seen not to.
    pub last_seen: Option<Timestamp>,
    /// How that start is known.
    pub start: OutageStart,
    /// Each kind of sender with the moment at which mail of the first minute is given up, soonest first.
    pub gives_up: Vec<(Patience, Timestamp)>,
}

/// The remote horizon of an outage, by what is known of `senders`.
pub fn remote(senders: &[Patience], outage: Outage) -> RemoteHorizon {
    let Outage {
        since,
        until,
        last_seen,
        start,
    } = outage;
    let mut gives_up: Vec<_> = senders
        .iter()
        .map(|p| (p.clone(), p.gives_up_after.after(since)))
        .collect();
    gives_up.sort_by(|(p, a), (q, b)| (a, &p.sender).cmp(&(b, &q.sender)));
    RemoteHorizon {
        since,
        until,
        last_seen,
        start,
        gives_up,
    }
}

impl RemoteHorizon {
    /// The moment up to which senders wait in vain: `now`, or the end of the outage.
    fn reached(&self, now: Timestamp) -> Timestamp {
        self.until.map_or(now, |u| u.min(now))
    }
    /// How long senders could not deliver, so far or in all.
    pub fn lasted(&self, now: Timestamp) -> Span {
        Span::between(self.since, self.reached(now))
    }
    /// Who has given up mail of the first minute by `now`, soonest first.
    pub fn given_up(&self, now: Timestamp) -> impl Iterator<Item = &(Patience, Timestamp)> {
        let by = self.reached(now);
        self.gives_up.iter().filter(move |(_, at)| *at <= by)
    }
    /// Who has not by default, but has where its owner set the shortest time.
    pub fn may_have(&self, now: Timestamp) -> impl Iterator<Item = &Patience> {
        let by = self.reached(now);
        self.gives_up
            .iter()
            .filter(move |(p, at)| *at > by && p.at_least.is_some_and(|s| s.after(self.since) <= by))
            .map(|(p, _)| p)
    }
    /// Who gives up next, and in how long; `None` when all have, or when senders can deliver again.
    pub fn next(&self, now: Timestamp) -> Option<(&Patience, Span)> {
        if self.until.is_some_and(|u| u <= now) {
            return None;
        }
        let (who, at) = self.gives_up.iter().find(|(_, at)| *at > now)?;
        Some((who, Span::between(now, *at)))
    }
    /// The time between a clear time (a queue's p90) and the next give-up: negative when the give-up comes first. `None`
    /// when nobody is next.
    pub fn margin(&self, now: Timestamp, clear: Timestamp) -> Option<Span> {
        let (_, left) = self.next(now)?;
        Some(left - Span::between(now, clear))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(h: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + h * 3_600).unwrap()
    }
    fn sender(name: &str, hours: i64, at_least: Option<i64>) -> Patience {
        Patience {
            sender: name.into(),
            gives_up_after: Span::from_hours(hours),
            at_least: at_least.map(Span::from_hours),
            tries: None,
            source: "its manual".into(),
        }
    }
    fn horizon(until: Option<i64>) -> RemoteHorizon {
        let senders = [
            sender("Postfix default", 120, None),
            sender("Mailgun", 8, None),
            sender("Exchange Online", 24, Some(12)),
        ];
        let outage = Outage {
            since: t(0),
            until: until.map(t),
            last_seen: None,
            start: OutageStart::Corrected { by: "lin".into() },
        };
        remote(&senders, outage)
    }
    fn names<'a>(all: impl Iterator<Item = &'a (Patience, Timestamp)>) -> Vec<&'a str> {
        all.map(|(p, _)| p.sender.as_str()).collect()
    }

    #[test]
    fn senders_give_up_one_after_the_other_and_the_next_is_named_with_its_time() {
        let h = horizon(None);
        assert_eq!(names(h.given_up(t(7))), Vec::<&str>::new());
        assert_eq!(names(h.given_up(t(8))), ["Mailgun"], "at its very moment");
        assert_eq!(names(h.given_up(t(30))), ["Mailgun", "Exchange Online"]);
        let (who, left) = h.next(t(9)).unwrap();
        assert_eq!((who.sender.as_str(), left), ("Exchange Online", Span::from_hours(15)));
        assert_eq!(h.next(t(120)), None, "all have given up");
    }

    #[test]
    fn who_can_set_a_shorter_time_may_have_given_up_already() {
        let h = horizon(None);
        let may = |h_| h.may_have(t(h_)).map(|p| p.sender.as_str()).collect::<Vec<_>>();
        assert_eq!(may(11), Vec::<&str>::new());
        assert_eq!(may(12), ["Exchange Online"]);
        assert_eq!(may(24), Vec::<&str>::new(), "now it has by default");
    }

    #[test]
    fn an_outage_that_is_over_makes_nobody_give_up_any_more() {
        let h = horizon(Some(10));
        assert_eq!(names(h.given_up(t(9))), ["Mailgun"]);
        assert_eq!(names(h.given_up(t(99))), ["Mailgun"]);
        assert_eq!((h.next(t(99)), h.margin(t(99), t(100))), (None, None));
        assert_eq!(h.lasted(t(99)), Span::from_hours(10));
    }

    #[test]
    fn the_margin_is_negative_when_the_next_sender_gives_up_before_the_queue_is_clear() {
        let h = horizon(None);
        assert_eq!(h.margin(t(2), t(5)), Some(Span::from_hours(3)));
        assert_eq!(h.margin(t(2), t(11)), Some(Span::from_hours(-3)));
    }
}
