//! What an action did to the flow of its server's queues, from their readings around it. Other servers of the fleet that a
//! queue feeds, or is fed by, are not measured: what changed there at that time may have other causes.

use jiff::Timestamp;

use crate::domain::action::Truth;
use crate::domain::influence::{Around, Counted, ENOUGH, Influence, Kind, Measured, Series, measure, watched};
use crate::domain::{Name, Span, Text};

use super::queue::Queue;
use super::{Action, Model};

/// After its window has ended, the last readings may come in so much later before what was measured is put on record.
const LATE: Span = Span::from_mins(2);
/// After so long the readings around it begin to be let go, and nothing new is put on record.
const KEPT: Span = Span::from_hours(1);

/// Where an action can be measured, or why it cannot.
enum Place {
    Around(Around),
    NotYet(Span),
    Never(Text),
}

impl Action {
    /// Since when it holds: its read-back, or the end of its commands where it cannot be read back.
    fn holds(&self) -> Option<Timestamp> {
        let ran = self.ran.as_ref().map(|(_, at)| *at);
        self.read_back.as_ref().map(|(_, at)| *at).or(ran)
    }
}

impl Model {
    /// What an action did to the flow of each queue of its server, as far as can be said at `now`: what is on record, else
    /// what the readings tell.
    pub fn influence(&self, action: &Action, now: Timestamp) -> Vec<(Name, Influence)> {
        let place = self.place(action, now);
        let Some(server) = self.server(&action.plan.server) else {
            return Vec::new();
        };
        server
            .queues
            .values()
            .map(|q| match action.measured.get(&q.name) {
                Some((influence, _)) => (q.name.clone(), influence.clone()),
                None => (q.name.clone(), told(&place, q, now).0),
            })
            .collect()
    }

    /// What is settled of an action and not on record yet: to be put there once. Settled is what was measured once the
    /// window after the action is ten minutes long, or cannot grow any more.
    pub fn settled(&self, action: &Action, now: Timestamp) -> Vec<Measured> {
        let Some(server) = self.server(&action.plan.server) else {
            return Vec::new();
        };
        let open = || {
            server
                .queues
                .values()
                .filter(|q| !action.measured.contains_key(&q.name))
        };
        if open().next().is_none() {
            return Vec::new();
        }
        let place = self.place(action, now);
        open()
            .filter_map(|q| {
                let (influence, settled) = told(&place, q, now);
                settled.then(|| Measured {
                    id: action.plan.id.clone(),
                    queue: q.name.clone(),
                    influence,
                })
            })
            .collect()
    }

    fn place(&self, action: &Action, now: Timestamp) -> Place {
        if let Some((ran, _)) = &action.ran
            && ran.failed.is_some()
        {
            return Place::Never("its commands failed".into());
        }
        if let Truth::Contradicted { found } = action.truth() {
            return Place::Never(format!("it did not take hold: it was read back as {}", found.state.word()).into());
        }
        let Some(holds) = action.holds() else {
            // It runs, or nobody saw it end.
            let since = Span::between(action.at, now);
            return if since < ENOUGH {
                Place::NotYet(ENOUGH)
            } else {
                Place::Never("nobody saw its commands end".into())
            };
        };
        let others = || {
            self.actions()
                .filter(|a| a.plan.server == action.plan.server && a.plan.id != action.plan.id)
        };
        // A pause that ended by its plan changed the flow as another action does.
        let ended = |a: &Action| a.ends_at().filter(|e| *e <= action.at);
        let before = others()
            .filter(|a| a.at <= action.at)
            .map(|a| a.holds().unwrap_or(a.at).max(ended(a).unwrap_or(a.at)))
            .max();
        let next = others().filter(|a| a.at > action.at).map(|a| a.at).min();
        Place::Around(Around {
            at: action.at,
            holds,
            not_before: before,
            not_after: next.into_iter().chain(action.ends_at()).min(),
        })
    }
}

/// What can be said of a queue, and whether that will not change any more.
fn told(place: &Place, queue: &Queue, now: Timestamp) -> (Influence, bool) {
    let around = match place {
        Place::Around(around) => around,
        Place::NotYet(wait) => return (Influence::TooEarly { wait: *wait }, false),
        Place::Never(why) => return (Influence::Unknown { why: why.clone() }, true),
    };
    let (kind, readings) = queue.counted();
    let series = Series {
        kind,
        readings: &readings,
    };
    let influence = measure(series, around, now);
    let since = Span::between(around.ends(), now);
    let over = since > LATE;
    let settled = match influence {
        _ if since > KEPT => false,
        Influence::TooEarly { .. } => false,
        Influence::Unknown { .. } => over,
        _ => over || watched(&readings, around) >= ENOUGH,
    };
    (influence, settled)
}

impl Queue {
    /// Its exits as counted, from the log where it is followed, else from listings; the steps of its depth where neither
    /// is there.
    fn counted(&self) -> (Kind, Vec<Counted>) {
        let flows = if self.log.last.at().is_some() {
            &self.log
        } else {
            &self.listings
        };
        if flows.past().is_empty() {
            let steps = self.samples().iter().zip(self.samples().iter().skip(1));
            let counted = steps.filter(|(a, b)| a.at < b.at).map(|(a, b)| Counted {
                from: a.at,
                to: b.at,
                count: b.depth as f64 - a.depth as f64,
            });
            return (Kind::Net, counted.collect());
        }
        let exits = flows.past().iter().map(|h| Counted {
            from: h.from,
            to: h.to,
            count: h.counts.exits() as f64,
        });
        (Kind::Exits, exits.collect())
    }
}
