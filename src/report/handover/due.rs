//! What comes next, by the clock: updates that are owed, ends of pauses, senders that give up, queues that are clear.

use crate::domain::Span;
use crate::domain::incident::debt::debt;
use crate::domain::job::State;
use crate::model::{Job, Server};

use super::{Context, Told};

/// Senders that give up within this time are told, and the next one in any case.
const AHEAD: Span = Span::from_hours(12);

impl Context<'_> {
    /// All of it, the soonest first; what is overdue comes before.
    pub(super) fn due(&self) -> Vec<Told> {
        let mut all: Vec<Told> = self.owed();
        for s in self.model.servers() {
            all.extend(s.jobs.values().filter_map(|j| self.pause_end(s, j)));
            all.extend(self.gives_up(s));
            all.extend(self.queues(s));
        }
        all.sort_by_key(|t| t.at);
        all
    }

    fn owed(&self) -> Vec<Told> {
        let all = self.model.incidents();
        all.filter_map(|i| {
            let owed = debt(i, self.cadence, self.moment())?;
            Some(Told::at(owed.at(self.now), format!("{}: {}", i.called(), owed.words())))
        })
        .collect()
    }

    fn pause_end(&self, s: &Server, j: &Job) -> Option<Told> {
        let what = format!("{} on {}", j.name, s.name);
        if j.state.last()?.state != State::Paused {
            return None;
        }
        if let Some(leases) = j.leases(self.now, s.good_for())
            && let Some((_, left)) = leases.first()
        {
            let at = (*left)?.after(self.now);
            return Some(Told::at(at, format!("the pause of {what} ends, armed there")));
        }
        Some(Told::at(j.pause_ends?, format!("the pause of {what} ends by its plan")))
    }

    /// Senders that give up next, while they cannot deliver.
    fn gives_up(&self, s: &Server) -> Vec<Told> {
        let Some(horizon) = self.model.remote_horizon(s, self.now) else {
            return Vec::new();
        };
        if horizon.until.is_some_and(|until| until <= self.now) {
            return Vec::new();
        }
        let later = horizon.gives_up.iter().filter(|(_, at)| *at > self.now);
        let soon = |n: usize, at| n == 0 || Span::between(self.now, at) <= AHEAD;
        later
            .enumerate()
            .filter(|(n, (_, at))| soon(*n, *at))
            .map(|(_, (p, at))| {
                Told::at(
                    *at,
                    format!(
                        "{} gives up mail for {} of the first minute ({}), by its documentation",
                        p.sender, s.name, p.gives_up_after
                    ),
                )
            })
            .collect()
    }

    fn queues(&self, s: &Server) -> Vec<Told> {
        let mut all = Vec::new();
        for q in s.queues.values() {
            let what = format!("{} on {}", q.name, s.name);
            if let Some([early, middle, late]) = q.clears(self.now, s.every()) {
                let (early, late) = (self.near(early), self.near(late));
                let range = if early == late {
                    format!("about {early}")
                } else {
                    format!("between {early} and {late}")
                };
                all.push(Told::at(
                    middle,
                    format!("{what} is clear at the present pace, {range}"),
                ));
            }
            let fresh = q.reading(self.now, s.good_for()).fresh().is_some();
            let Some(local) = q.local_horizon(self.now, s.every()).filter(|_| fresh) else {
                continue;
            };
            if local.due > 0 {
                let words = format!(
                    "up to {} in {what} are past their lifetime",
                    super::words::messages(local.due)
                );
                all.push(Told::at(self.now, words));
            } else if let Some(first) = local.first.filter(|at| Span::between(self.now, *at) <= AHEAD) {
                all.push(Told::at(
                    first,
                    format!("mail in {what} begins to reach the end of its lifetime"),
                ));
            }
        }
        all
    }
}
