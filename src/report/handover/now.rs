//! What is wrong now, by incident and by server, and what is paused.

use crate::domain::Span;
use crate::domain::health::{Layer, Verdict};
use crate::domain::incident::Incident;
use crate::domain::job::{Keeper, State};
use crate::model::{Cause, Job, Row, Server, count, rows};

use super::{Context, Told, age, whole};

/// A few messages wait in any queue.
const WORTH_TELLING: u64 = 100;

impl Context<'_> {
    /// Incidents that go on, then servers with trouble, then what they may share, then how the rest is.
    pub(super) fn wrong(&self) -> Vec<Told> {
        let mut all: Vec<Told> = self.open().map(|i| self.incident(i)).collect();
        let rows = rows(self.model, self.now);
        all.extend(
            rows.iter()
                .filter(|r| matches!(r.verdict, Verdict::Down | Verdict::Warn))
                .map(|r| self.row(r)),
        );
        all.extend(self.causes());
        let c = count(self.model, self.now);
        let mut rest = Vec::new();
        if c.ok > 0 {
            rest.push(format!("{} ok", c.ok));
        }
        if c.unknown > 0 {
            rest.push(format!("{} not known (see open questions)", c.unknown));
        }
        if !rest.is_empty() {
            let others = if c.down + c.warn > 0 {
                "other servers"
            } else {
                "servers"
            };
            all.push(Told::new(format!("{others}: {}", rest.join(", "))));
        }
        all
    }

    fn incident(&self, i: &Incident) -> Told {
        let start = i.start().at;
        let mut told = Told::new(format!(
            "{}, {}: {}, since {} ({})",
            i.called(),
            i.name(),
            i.state,
            self.near(start.at),
            whole(start.until(i.restored().unwrap_or(self.moment())))
        ));
        let taken = i
            .acknowledged
            .as_ref()
            .map_or("nobody has acknowledged it".to_owned(), |(by, at)| {
                format!("{by} took it at {}", self.near(at.at))
            });
        told.more.push(taken);
        if let Some(Layer::Name | Layer::Network) = i.layer() {
            told.more
                .push("it could not be reached from where we look: that may be for the way there".to_owned());
        }
        if let Some(((_, end), last)) = i.end.as_ref().zip(self.model.seen_good(i, self.now)) {
            told.more.push(format!(
                "service good again since {}, as seen last at {}, {}",
                self.near(end.first_good),
                self.near(last),
                self.model.backlog_is(i, self.now).words()
            ));
        }
        told
    }

    fn row(&self, r: &Row<'_>) -> Told {
        let door = r.named_door().map(|d| format!(" at {}", d.name)).unwrap_or_default();
        let since = r
            .since
            .map(|at| format!(", since {} ({})", self.near(at), age(at, self.now)))
            .unwrap_or_default();
        let mut told = Told::new(format!("{} {}: {}{door}{since}", r.server.name, r.verdict, r.headline));
        if let Some(depth) = r.depth.map(|d| d.total()).filter(|d| *d >= WORTH_TELLING) {
            let moves = r.net_per_min.map(f64::round).filter(|n| *n != 0.0);
            let net = moves.map(|n| format!(", {n:+} a minute")).unwrap_or_default();
            told.more.push(format!("{} wait{net}", super::words::messages(depth)));
        }
        told
    }

    /// A suggestion, and worded as one.
    fn causes(&self) -> Vec<Told> {
        let all = crate::model::cause::causes(self.model, self.now, Span::ZERO);
        all.iter()
            .filter_map(|c| match c {
                Cause::Shared(s) => {
                    let names: Vec<&str> = s.servers.iter().map(crate::domain::Name::as_str).collect();
                    let since = s.onset.map_or("found so by the first look".to_owned(), |o| {
                        format!("all since {}, within {}", self.near(o.first), o.within)
                    });
                    Some(Told::new(format!(
                        "perhaps one cause, {}: {} of {} servers fail at {} ({}), {since}",
                        s.suspect.words(),
                        names.len(),
                        s.of,
                        s.layer,
                        names.join(", ")
                    )))
                }
                Cause::Refused(_) => None,
            })
            .collect()
    }

    /// Each job that is paused, or was when it was read last.
    pub(super) fn paused(&self) -> Vec<Told> {
        let jobs = self.model.servers().flat_map(|s| s.jobs.values().map(move |j| (s, j)));
        jobs.filter_map(|(s, j)| self.pause(s, j)).collect()
    }

    fn pause(&self, s: &Server, j: &Job) -> Option<Told> {
        let what = format!("{} on {}", j.name, s.name);
        let reading = j.state.reading(self.now, s.good_for());
        let last = reading.last()?;
        if last.state != State::Paused {
            return None;
        }
        let mut told = if reading.fresh().is_some() {
            Told::new(what)
        } else {
            let at = reading.at()?;
            Told::new(format!(
                "{what}: not known now, it was paused when it was read last, {} ago",
                age(at, self.now)
            ))
        };
        told.more.extend(self.ends(s, j));
        if let Some(action) = self.model.last_action(j) {
            told.more.push(format!(
                "{} by {} at {}: {}",
                action.plan.verb.past(),
                action.plan.by,
                self.near(action.at),
                action.plan.reason
            ));
        }
        Some(told)
    }

    /// Until when it is paused, and what ends it.
    fn ends(&self, s: &Server, j: &Job) -> Vec<String> {
        let by_plan = || match j.pause_ends {
            Some(at) if at < self.now => format!("by its plan it was over at {}", self.near(at)),
            Some(at) => format!("by its plan until {}", self.near(at)),
            None => "its plan gives no end".to_owned(),
        };
        let Some(leases) = j.leases(self.now, s.good_for()) else {
            return vec![format!("{}; whether an end is armed there is not known now", by_plan())];
        };
        let unread = j.state.last().is_some_and(|r| r.armed_unread);
        match leases.as_slice() {
            [] if unread => vec![format!(
                "{}; whether an end is armed there could not be read",
                by_plan()
            )],
            [] => vec![format!(
                "no end is armed on {}: somebody has to resume it ({})",
                s.name,
                by_plan()
            )],
            many => many
                .iter()
                .map(|(armed, left)| {
                    let keeper = match armed.keeper {
                        Keeper::Timer => "a timer",
                        Keeper::Watcher => "a waiting process, which a restart of the host ends",
                    };
                    let until = left.map_or("at a time that the server does not tell".to_owned(), |left| {
                        format!("until {} (in {})", self.near(left.after(self.now)), whole(left))
                    });
                    format!("{until}: the end is armed on {} by {keeper}", s.name)
                })
                .collect(),
        }
    }
}
