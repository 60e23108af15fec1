//! Counting a whole queue once, for a plan: what a valve would touch, and what would be past its lifetime. A listing is a
//! sample of a moving queue, and one that was cut off is a lower bound; both are said.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use jiff::Timestamp;

use super::{Job, is_for, is_kept};
use crate::domain::horizon::QueueRules;
use crate::domain::job::ValveKind;
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::queue::message::{self, Bad, Recipients};
use crate::queue::{self, Take};
use crate::reach::Runner;

/// What is asked.
#[derive(Clone, Debug)]
pub(in super::super) struct Asked {
    /// What time it is there.
    pub now: Timestamp,
    /// When the pause would end, where there is one.
    pub end: Option<Timestamp>,
    /// How long mail may wait, where that is known.
    pub rules: Option<QueueRules>,
}

/// What was counted.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(in super::super) struct Census {
    /// Coming in, being delivered, and deferred.
    pub incoming: u64,
    pub active: u64,
    pub deferred: u64,
    pub held: u64,
    /// Handed in on the server, not yet taken up.
    pub maildrop: u64,
    /// Held, and past its lifetime now, by its arrival. qmgr(8) counts from when the queue file was made, which a listing
    /// does not tell: what was requeued before is younger than it looks.
    pub held_past: u64,
    /// In any queue, and past its lifetime when the pause ends.
    pub past_at_end: u64,
    /// The same, of those that are not held.
    pub loose_past_at_end: u64,
    /// Not held, for one of the destinations.
    pub to_destinations: u64,
    /// Put off for being of a deferred transport.
    pub kept: u64,
    /// Why there may be more.
    pub partial: Option<Text>,
}

impl Census {
    /// In the queue and not on hold.
    pub const fn loose(&self) -> u64 {
        self.incoming + self.active + self.deferred
    }
    /// What `postsuper -H ALL` finds after `postsuper -h ALL`.
    pub const fn all(&self) -> u64 {
        self.loose() + self.held
    }
}

/// One message, as far as it counts.
#[derive(Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // Each is of its own, and none excludes another.
struct Seen {
    queue: Queue,
    past_now: bool,
    past_at_end: bool,
    to_destinations: bool,
    kept: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Queue {
    Maildrop,
    Incoming,
    Active,
    Deferred,
    Hold,
    #[default]
    Other,
}

struct Fold {
    asked: Asked,
    destinations: Vec<String>,
    recipients: Recipients,
    key: RandomState,
    seen: HashMap<u64, Seen>,
}

impl Take for Fold {
    fn take(&mut self, line: &str) -> Result<(), Bad> {
        let m = message::parse(line, &mut self.recipients)?;
        let is_bounce = matches!(&*m.sender, "" | "MAILER-DAEMON");
        let lifetime = |rules: &QueueRules| {
            if is_bounce {
                rules.bounce_lifetime
            } else {
                rules.lifetime
            }
        };
        let ends = self.asked.rules.as_ref().map(|r| lifetime(r).after(m.arrival));
        let seen = Seen {
            queue: match &*m.queue {
                "maildrop" => Queue::Maildrop,
                "incoming" => Queue::Incoming,
                "active" => Queue::Active,
                "deferred" => Queue::Deferred,
                "hold" => Queue::Hold,
                _ => Queue::Other,
            },
            past_now: ends.is_some_and(|e| e <= self.asked.now),
            past_at_end: ends.zip(self.asked.end).is_some_and(|(e, end)| e <= end),
            to_destinations: self.recipients.iter().any(|(domain, _)| {
                self.destinations
                    .iter()
                    .any(|d| is_for(d, &domain.to_ascii_lowercase()))
            }),
            kept: self.recipients.iter().any(|(_, why)| is_kept(why)),
        };
        // While it moves, a message may be listed twice: where it was seen last is where it is.
        self.seen.insert(self.key.hash_one((&*m.id, m.arrival)), seen);
        Ok(())
    }
}

impl Fold {
    fn census(&self, partial: Option<Text>) -> Census {
        let mut census = Census {
            partial,
            ..Census::default()
        };
        for seen in self.seen.values() {
            let one = |yes: bool| u64::from(yes);
            let loose = matches!(seen.queue, Queue::Incoming | Queue::Active | Queue::Deferred);
            match seen.queue {
                Queue::Maildrop => census.maildrop += 1,
                Queue::Incoming => census.incoming += 1,
                Queue::Active => census.active += 1,
                Queue::Deferred => census.deferred += 1,
                Queue::Hold => census.held += 1,
                Queue::Other => {}
            }
            let held = seen.queue == Queue::Hold;
            census.held_past += one(held && seen.past_now);
            census.past_at_end += one((held || loose) && seen.past_at_end);
            census.loose_past_at_end += one(loose && seen.past_at_end);
            census.to_destinations += one(loose && seen.to_destinations);
            census.kept += one(loose && seen.kept);
        }
        census
    }
}

fn fold(job: &Job<'_>, asked: Asked) -> Fold {
    let destinations = match &job.valve.what {
        ValveKind::Defer { destinations, .. } => destinations.clone(),
        _ => vec![],
    };
    Fold {
        asked,
        destinations,
        recipients: Recipients::default(),
        key: RandomState::new(),
        seen: HashMap::new(),
    }
}

/// Counts it, with one listing. Where this login may not list it, sudo may.
pub(in super::super) async fn count(job: &Job<'_>, runner: &Runner, asked: Asked) -> Result<Census, Missed> {
    let timeout = job.spec.timeout;
    let go = async |sudo| queue::each(&job.queue(sudo), runner, fold(job, asked.clone()), timeout).await;
    let counted = match go(Sudo::No).await {
        Err(missed)
            if job.valve.sudo == Sudo::Yes
                && matches!(missed.kind, Miss::Denied | Miss::NotFound | Miss::BadAnswer) =>
        {
            go(Sudo::Yes).await
        }
        counted => counted,
    };
    let (fold, partial) = counted?;
    Ok(fold.census(partial))
}

/// How long mail may wait there, and in which words.
pub(in super::super) async fn rules(job: &Job<'_>, runner: &Runner) -> Result<QueueRules, Missed> {
    queue::rules(&job.queue(job.valve.sudo), runner, job.spec.timeout).await
}

/// `5d`, or both where bounces have another one.
pub(in super::super) fn lifetime(rules: &QueueRules) -> String {
    if rules.lifetime == rules.bounce_lifetime {
        whole(rules.lifetime)
    } else {
        format!(
            "{} ({} for bounces)",
            whole(rules.lifetime),
            whole(rules.bounce_lifetime)
        )
    }
}

/// As postconf(1) would have it.
fn whole(span: Span) -> String {
    let day = Span::from_hours(24).secs();
    match span.secs() {
        s if s > 0 && s % day == 0 => format!("{}d", s / day),
        _ => span.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::spec;
    use super::*;

    fn line(queue: &str, id: &str, age: i64, sender: &str, to: &str, why: &str) -> String {
        serde_json::json!({"queue_name": queue, "queue_id": id, "arrival_time": 1_000_000 - age, "message_size": 9,
            "sender": sender, "recipients": [{"address": to, "delay_reason": why}]})
        .to_string()
    }

    #[test]
    fn each_message_counts_once_by_where_it_was_seen_last_and_by_its_own_lifetime() {
        let spec = spec(ValveKind::Defer {
            transports: vec![],
            destinations: vec!["Far.test".into(), ".sub.test".into()],
        });
        let at = |s: i64| Timestamp::from_second(1_000_000 + s).unwrap();
        let asked = Asked {
            now: at(0),
            end: Some(at(50)),
            rules: Some(QueueRules {
                lifetime: Span::from_secs(100),
                bounce_lifetime: Span::from_secs(10),
                retry: None,
                delay_notice: None,
            }),
        };
        let mut fold = fold(&Job::of(&spec).unwrap(), asked);
        for l in [
            line("active", "A", 0, "a@x", "u@far.test", ""),
            line("deferred", "A", 0, "a@x", "u@FAR.test", "deferred transport"),
            line("hold", "B", 100, "a@x", "u@far.test", ""),
            line("hold", "C", 60, "a@x", "u@x.sub.test", ""),
            line("hold", "D", 10, "MAILER-DAEMON", "u@y", ""),
            line("incoming", "E", 0, "a@x", "u@x.sub.test", ""),
            line("maildrop", "F", 500, "a@x", "u@far.test", ""),
        ] {
            fold.take(&l).unwrap();
        }
        assert_eq!(fold.take("{}"), Err(Bad::NotAMessage));
        let got = fold.census(None);
        assert_eq!(
            got,
            Census {
                incoming: 1,
                deferred: 1,
                held: 3,
                maildrop: 1,
                held_past: 2,
                past_at_end: 3,
                to_destinations: 2,
                kept: 1,
                ..Census::default()
            }
        );
        assert_eq!((got.loose(), got.all()), (2, 5));
    }
}
