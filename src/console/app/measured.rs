//! What an action did is put on record once, as soon as it is settled: by the console that ran it, or by the one that
//! looks at the servers. Asked for once even if the record is slow to show it.

use jiff::Timestamp;

use crate::domain::Span;
use crate::domain::effect::{Effect, Role};
use crate::model::Action;

use super::App;

/// An older action is left as it is on record: what was seen around it is gone.
const LATELY: Span = Span::from_hours(1);

impl App {
    pub(super) fn measure(&mut self, now: Timestamp) -> Vec<Effect> {
        let probing = self.role == Role::Probing;
        let ours = |a: &&Action| probing || self.options.me.as_ref() == Some(&a.observer);
        let lately = |a: &&Action| Span::between(a.at, now) < LATELY;
        let settled: Vec<Effect> = self
            .model
            .actions()
            .filter(lately)
            .filter(ours)
            .flat_map(|a| {
                let server = a.plan.server.clone();
                let measured = self.model.settled(a, now).into_iter();
                measured.map(move |measured| Effect::Measured {
                    server: server.clone(),
                    measured,
                })
            })
            .collect();
        let new = |effect: &Effect| match effect {
            Effect::Measured { measured: m, .. } => self.measured.insert((m.id.clone(), m.queue.clone())),
            _ => false,
        };
        settled.into_iter().filter(new).collect()
    }
}
