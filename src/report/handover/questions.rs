//! What is open: decisions that nobody took, outcomes that nobody knows, things that are not seen.

use crate::domain::action::{Otherwise, Truth};
use crate::domain::door::Role;
use crate::domain::health::Verdict;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Timestamp};
use crate::model::{Action, Server};

use super::{Context, Told, age, whole};
use crate::report::words;

/// A part of a server, and whether it is known now.
struct Part<'s> {
    name: &'s Name,
    unknown: bool,
    at: Option<Timestamp>,
    why: Option<String>,
}

impl Context<'_> {
    /// All of it: what waits for a person first.
    pub(super) fn questions(&self) -> Vec<Told> {
        let mut all = Vec::new();
        for i in self.open() {
            if i.acknowledged.is_none() {
                let since = whole(i.noticed.until(self.moment()));
                all.push(Told::new(format!(
                    "{}: nobody has acknowledged it, {since} after it was noticed",
                    i.called()
                )));
            }
            if let Some((at, _)) = &i.end {
                let words = format!(
                    "{}: its end was proposed at {}; is it over?",
                    i.called(),
                    self.near(at.at)
                );
                all.push(Told::new(words));
            }
        }
        all.extend(self.actions().into_iter().filter_map(Self::outcome));
        for s in self.model.servers() {
            self.jobs(s, &mut all);
        }
        all.extend(self.unseen());
        if self.open().next().is_some() {
            all.extend(self.roles());
        }
        all
    }

    /// An action of which it is not sure that it came about.
    fn outcome(a: &Action) -> Option<Told> {
        if let Truth::Confirmed { .. } = a.truth() {
            return None;
        }
        Some(Told::at(
            a.at,
            format!(
                "{} {} on {}: {}",
                a.plan.word(),
                a.plan.job,
                a.plan.server,
                words::became(a)
            ),
        ))
    }

    fn jobs(&self, s: &Server, all: &mut Vec<Told>) {
        for j in s.jobs.values() {
            let what = format!("{} on {}", j.name, s.name);
            if let Some((drift, at)) = &j.drift {
                let how = match drift.how {
                    Otherwise::State => format!("found {}, should be {}", drift.found.state, drift.expected),
                    Otherwise::NoEnd => "the end armed for its pause is gone".to_owned(),
                    Otherwise::NotEnded => "the end of its pause came and did not end it".to_owned(),
                    Otherwise::LetGo => "mail that it held was let go".to_owned(),
                };
                all.push(Told::at(*at, format!("{what}: {how}; who did that?")));
            } else if j.pause_overdue(self.now, s.good_for()) {
                all.push(Told::new(format!(
                    "{what}: still paused although its time is over; resume it?"
                )));
            }
        }
    }

    /// What is not known now: of some servers in part, with why where that is on record, and those of which nothing is known
    /// together.
    fn unseen(&self) -> Vec<Told> {
        let mut all = Vec::new();
        let mut dark: Vec<(&Server, Option<Timestamp>)> = Vec::new();
        for s in self.model.servers() {
            let parts = self.parts(s);
            let unknown: Vec<&Part<'_>> = parts.iter().filter(|p| p.unknown).collect();
            let newest = unknown.iter().filter_map(|p| p.at).max();
            let why = unknown.iter().find_map(|p| p.why.as_ref());
            if unknown.is_empty() {
                continue;
            }
            if unknown.len() == parts.len() && why.is_none() {
                dark.push((s, newest));
                continue;
            }
            let names: Vec<&str> = unknown.iter().map(|p| p.name.as_str()).collect();
            let mut told = Told::new(format!(
                "{}: {} not known, {}",
                s.name,
                names.join(", "),
                self.seen(newest)
            ));
            told.more.extend(why.cloned());
            all.push(told);
        }
        if !dark.is_empty() {
            let names: Vec<&str> = dark.iter().map(|(s, _)| s.name.as_str()).collect();
            let newest = dark.iter().filter_map(|(_, at)| *at).max();
            all.push(Told::new(format!(
                "{}: nothing is known now, {}",
                names.join(", "),
                self.seen(newest)
            )));
        }
        all
    }

    fn seen(&self, at: Option<Timestamp>) -> String {
        at.map_or("never seen".to_owned(), |at| {
            format!("last seen {} ago", age(at, self.now))
        })
    }

    fn parts<'s>(&self, s: &'s Server) -> Vec<Part<'s>> {
        let good_for = s.good_for();
        // That nobody asked says no more than the age does.
        let why = |missed: Option<&Missed>| missed.filter(|m| m.kind != Miss::NotAsked).map(ToString::to_string);
        let doors = s.doors.values().map(|d| {
            let reading = d.probe.reading(self.now, good_for);
            Part {
                name: &d.name,
                unknown: d.verdict(s.limits(), self.now, good_for) == Verdict::Unknown,
                at: reading.at(),
                why: why(reading.why()),
            }
        });
        let queues = s.queues.values().map(|q| {
            let reading = q.reading(self.now, good_for);
            Part {
                name: &q.name,
                unknown: reading.fresh().is_none(),
                at: reading.at(),
                why: why(reading.why()),
            }
        });
        let jobs = s.jobs.values().map(|j| {
            let reading = j.state.reading(self.now, good_for);
            Part {
                name: &j.name,
                unknown: reading.fresh().is_none(),
                at: reading.at(),
                why: why(reading.why()),
            }
        });
        doors.chain(queues).chain(jobs).collect()
    }

    /// Roles that no probe looks at, while an incident is open: somebody will ask.
    fn roles(&self) -> Vec<Told> {
        let watched = |role: Role| {
            let mut doors = self.model.servers().flat_map(|s| s.doors.values());
            doors.any(|d| d.role() == role)
        };
        let unwatched = Role::ALL.into_iter().filter(|r| !watched(*r));
        unwatched
            .map(|r| Told::new(format!("{}: no probe looks at it", r.means())))
            .collect()
    }
}
