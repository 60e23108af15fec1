//! One verb on the same job of several servers: a plan for each, the first alone, then the rest a few at a time, and an
//! end at the first that goes wrong. Pure: it is told what was answered and what the record says of each action, and says
//! what is to be planned and what is to run next.

mod row;
mod summary;

use super::action::{ActionId, Choices, Confirmation, Plan, Verb};
use super::reading::Missed;
use super::{Name, Span, Text};

pub use row::{End, Row, RowState, Seen};

/// How many run at the same time after the first.
pub const AT_ONCE: usize = 3;
/// The most servers of one batch: the engine keeps the plans that it has shown, and not without end.
pub const MOST: usize = 60;

/// What happens once the first has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The rest waits until somebody has looked at it.
    Canary,
    /// The rest follows by itself.
    Straight,
}

/// What a contradiction or a failure does to those that wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFailure {
    /// They do not run.
    Stop,
    /// They run all the same.
    GoOn,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Plans are asked for and shown; nothing runs.
    Planning,
    /// The first runs.
    First,
    /// The first has ended; somebody has to look at it.
    Looking,
    /// The rest runs.
    Rest,
    /// Nothing runs any more, and nothing will.
    Over,
}

/// What takes a verb back, where anything does.
pub const fn opposite(verb: Verb) -> Option<Verb> {
    match verb {
        Verb::Pause => Some(Verb::Resume),
        Verb::Resume => Some(Verb::Pause),
        Verb::Extend | Verb::Flush => None,
    }
}

/// One verb on the same job of several servers.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch {
    /// What.
    pub verb: Verb,
    /// On which job of each.
    pub job: Name,
    /// For how long, for a pause.
    pub lasts: Option<Span>,
    /// The servers, in the order in which they run.
    pub rows: Vec<Row>,
    /// What happens once the first has ended.
    pub order: Order,
    /// What a failure does to the rest.
    pub on_failure: OnFailure,
    /// How far it is.
    pub phase: Phase,
}

impl Batch {
    /// For these servers; `Err` says why one takes no part.
    pub fn new(verb: Verb, job: Name, lasts: Option<Span>, servers: Vec<(Name, Result<(), Text>)>) -> Self {
        let row = |(server, part): (Name, Result<(), Text>)| Row {
            server,
            state: part.map_or_else(RowState::LeftOut, |()| RowState::Planning),
        };
        Self {
            verb,
            job,
            lasts,
            rows: servers.into_iter().map(row).collect(),
            order: Order::Canary,
            on_failure: OnFailure::Stop,
            phase: Phase::Planning,
        }
    }

    /// Another duration: every plan is worked out anew. The servers to ask.
    pub fn again(&mut self, lasts: Option<Span>) -> Vec<Name> {
        self.lasts = lasts;
        for row in &mut self.rows {
            if !matches!(row.state, RowState::LeftOut(_)) {
                row.state = RowState::Planning;
            }
        }
        self.planning().cloned().collect()
    }
    /// The servers whose plans are not there yet.
    pub fn planning(&self) -> impl Iterator<Item = &Name> {
        self.rows
            .iter()
            .filter(|r| matches!(r.state, RowState::Planning))
            .map(|r| &r.server)
    }
    /// The plans that are ready.
    pub fn ready(&self) -> impl Iterator<Item = &Plan> {
        self.rows.iter().filter_map(|r| match &r.state {
            RowState::Ready(plan) => Some(&**plan),
            _ => None,
        })
    }
    /// The first that runs: the canary.
    pub fn first(&self) -> Option<&Name> {
        self.rows.iter().find(|r| r.plan().is_some()).map(|r| &r.server)
    }
    /// Whether the first server's name has to be typed before anything runs.
    pub fn needs_name(&self) -> bool {
        self.ready().count() > 1 || self.ready().any(|p| p.confirmation == Confirmation::Name)
    }

    /// A plan has come. One that was asked for before the duration changed is not taken.
    pub fn planned(&mut self, plan: Box<Plan>) {
        let lasts = plan.is_cancel() || plan.lasts == self.lasts;
        // One that was asked for by the dialog of a single server may come late, with what was chosen there.
        let usual = plan.choices == Choices::default();
        if self.phase != Phase::Planning || plan.verb != self.verb || plan.job != self.job || !lasts || !usual {
            return;
        }
        let open =
            |r: &&mut Row| r.server == plan.server && matches!(r.state, RowState::Planning | RowState::Cannot(_));
        if let Some(row) = self.rows.iter_mut().find(open) {
            row.state = RowState::Ready(plan);
        }
    }
    /// There is no plan for one.
    pub fn not_planned(&mut self, server: &Name, job: &Name, verb: Verb, why: Missed) {
        if (self.phase, verb, job) != (Phase::Planning, self.verb, &self.job) {
            return;
        }
        let open = |r: &&mut Row| r.server == *server && matches!(r.state, RowState::Planning);
        if let Some(row) = self.rows.iter_mut().find(open) {
            row.state = RowState::Cannot(why);
        }
    }

    /// Everything that is ready is confirmed, with one reason.
    pub fn confirm(&mut self, reason: &Text) {
        if self.phase != Phase::Planning {
            return;
        }
        for row in &mut self.rows {
            if let RowState::Ready(plan) = &row.state {
                row.state = RowState::Waiting(Box::new(Plan {
                    reason: reason.clone(),
                    ..(**plan).clone()
                }));
            }
        }
        self.phase = Phase::First;
    }
    /// Somebody has looked at the first: the rest may run.
    pub fn go(&mut self) {
        if self.phase == Phase::Looking {
            self.phase = Phase::Rest;
        }
    }
    /// What waits does not run.
    pub fn stop(&mut self, why: &Text) {
        for row in &mut self.rows {
            if let RowState::Waiting(plan) = &row.state {
                row.state = RowState::NotRun(plan.clone(), why.clone());
            }
        }
        self.settle();
    }
    /// The engine did not run one.
    pub fn refused(&mut self, id: &ActionId, why: &Text) {
        for row in &mut self.rows {
            if let RowState::Running(plan, _) = &row.state
                && plan.id == *id
            {
                row.state = RowState::Refused(plan.clone(), why.clone());
            }
        }
    }
    /// What the record says by now, and which servers are still watched.
    pub fn learn(&mut self, seen: impl Fn(&ActionId) -> Seen, watched: impl Fn(&Name) -> bool) {
        for row in &mut self.rows {
            let gone = !watched(&row.server);
            match &row.state {
                RowState::Planning | RowState::Cannot(_) | RowState::Ready(_) if gone => {
                    row.state = RowState::LeftOut("no longer watched".into());
                }
                RowState::Waiting(plan) if gone => {
                    row.state = RowState::NotRun(plan.clone(), "no longer watched".into());
                }
                RowState::Running(plan, _) => {
                    row.state = match seen(&plan.id) {
                        Seen::Ended(end) => RowState::Ended(plan.clone(), end),
                        other => RowState::Running(plan.clone(), other),
                    };
                }
                // What was read back after a failure may come late.
                RowState::Ended(plan, End::Failed { .. } | End::Lost { .. }) => {
                    if let Seen::Ended(end) = seen(&plan.id) {
                        row.state = RowState::Ended(plan.clone(), end);
                    }
                }
                _ => {}
            }
        }
    }
    /// What is to run now; it counts as running from here on.
    pub fn next_to_run(&mut self) -> Vec<Box<Plan>> {
        if self.on_failure == OnFailure::Stop
            && let Some(why) = self.rows.iter().find_map(Row::trouble)
        {
            self.stop(&format!("stopped: {why}").into());
        }
        self.settle();
        let begun = self.rows.iter().any(|r| {
            matches!(
                r.state,
                RowState::Running(..) | RowState::Ended(..) | RowState::Refused(..)
            )
        });
        let room = match self.phase {
            Phase::First if !begun => 1,
            Phase::Rest => AT_ONCE.saturating_sub(self.running()),
            _ => 0,
        };
        let mut out = Vec::new();
        for row in &mut self.rows {
            if let RowState::Waiting(plan) = &row.state
                && out.len() < room
            {
                out.push(plan.clone());
                row.state = RowState::Running(plan.clone(), Seen::Nothing);
            }
        }
        out
    }
    fn settle(&mut self) {
        if self.phase == Phase::Planning || self.running() > 0 {
            return;
        }
        let begun = self
            .rows
            .iter()
            .any(|r| matches!(r.state, RowState::Ended(..) | RowState::Refused(..)));
        self.phase = match (self.phase, self.waiting(), self.order) {
            (_, 0, _) => Phase::Over,
            (Phase::First, _, Order::Canary) if begun => Phase::Looking,
            (Phase::First, _, Order::Straight) if begun => Phase::Rest,
            (phase, ..) => phase,
        };
    }

    /// How many run now.
    pub fn running(&self) -> usize {
        self.count(|s| matches!(s, RowState::Running(..)))
    }
    /// How many wait for their turn.
    pub fn waiting(&self) -> usize {
        self.count(|s| matches!(s, RowState::Waiting(_)))
    }
    /// How many were confirmed by a person, and how many of them are over.
    pub fn progress(&self) -> (usize, usize) {
        let over = |s: &RowState| matches!(s, RowState::Ended(..) | RowState::Refused(..) | RowState::NotRun(..));
        let over = self.count(over);
        (over, over + self.running() + self.waiting())
    }
    fn count(&self, is: impl Fn(&RowState) -> bool) -> usize {
        self.rows.iter().filter(|r| is(&r.state)).count()
    }

    /// The verb that takes back what took hold, and where.
    pub fn undo(&self) -> Option<(Verb, Vec<Name>)> {
        let servers: Vec<Name> = self
            .rows
            .iter()
            .filter(|r| r.took_hold())
            .map(|r| r.server.clone())
            .collect();
        opposite(self.verb)
            .filter(|_| !servers.is_empty())
            .map(|v| (v, servers))
    }
}

#[cfg(test)]
mod tests;
