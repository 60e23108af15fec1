//! What became of all letters: a fold over what is on record. Whatever order the facts come in, and however often one comes,
//! the counts are the same: each letter is known by its run and number, each copy of it by its place in the mailbox.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Evidence, Place, Run, Span, State, StrayWhy};
use crate::domain::event::Fact;

/// Letters kept; the oldest go, and are counted no more.
pub const KEEP: usize = 4_096;
/// Strays kept.
const KEEP_STRAYS: usize = 1_024;

/// One letter as known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Letter {
    /// When it was sent, by the fact that it was or by its own stamp.
    pub sent: Option<Timestamp>,
    /// How long it took to be accepted; `None` inside when no answer came.
    pub accepted: Option<Option<Span>>,
    copies: BTreeMap<Place, (Timestamp, State)>,
    lost: Option<Evidence>,
}

impl Letter {
    /// When its first copy was noticed, and in what state it is.
    fn first(&self) -> Option<(Place, Timestamp, State)> {
        let (place, (at, state)) = self.copies.first_key_value()?;
        Some((*place, *at, *state))
    }
    /// How long it was on its way.
    pub fn round_trip(&self) -> Option<Span> {
        Some(Span::between(self.sent?, self.first()?.1))
    }
    /// By what it is lost; `None` when it came, and while it may come.
    pub fn lost(&self) -> Option<&Evidence> {
        self.lost.as_ref().filter(|_| self.copies.is_empty())
    }
    /// Whether it was taken, as far as is known: what has arrived was.
    fn was_taken(&self) -> bool {
        !matches!(self.accepted, Some(None)) || !self.copies.is_empty()
    }
}

/// What became of the letters, in numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Handed in.
    pub sent: u64,
    /// Of these came, at least once.
    pub arrived: u64,
    /// Of these are on their way, and nothing is wrong with that yet.
    pub waiting: u64,
    /// Of these came late, or have not come and are late.
    pub late: u64,
    /// Of these have not come and are late: a part of `late`.
    pub overdue: u64,
    /// Of these are given up, by their numbers.
    pub lost: Vec<u64>,
    /// Of these the server said nothing when they were handed in, and they did not come: they may never have been taken.
    pub unsure: u64,
    /// Of these did not come before their run ended: nobody knows.
    pub unwatched: u64,
    /// Copies beyond the first.
    pub duplicated: u64,
    /// That came behind one that was sent after them.
    pub reordered: u64,
    /// That came with another body.
    pub altered: u64,
    /// Messages with a stamp that is not ours.
    pub forged: u64,
    /// Letters of other runs that came.
    pub ignored: u64,
}

impl Counts {
    /// The lost ones by number, the first few of many: `#12 #15 and 3 more`.
    pub fn lost_names(&self) -> String {
        let named: Vec<String> = self.lost.iter().take(8).map(|n| format!("#{n}")).collect();
        match self.lost.len().saturating_sub(8) {
            0 => named.join(" "),
            more => format!("{} and {more} more", named.join(" ")),
        }
    }
}

/// The fold.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tally {
    letters: BTreeMap<(Run, u64), Letter>,
    strays: BTreeMap<(Run, Place), StrayWhy>,
}

impl Tally {
    /// Takes in what was learned of one canary at a moment.
    pub fn take(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::CanarySent(s) => {
                let letter = self.letter(&s.run, s.seq);
                letter.sent = Some(at);
                letter.accepted = Some(s.accepted);
            }
            Fact::CanaryArrived(a) => {
                let letter = self.letter(&a.run, a.seq);
                letter.sent.get_or_insert(a.sent);
                let copy = letter.copies.entry(a.place).or_insert((at, a.state));
                // Told twice, the first time counts.
                *copy = (*copy).min((at, a.state));
            }
            Fact::CanaryLost(l) => {
                let letter = self.letter(&l.run, l.seq);
                letter.sent.get_or_insert(l.sent);
                letter.lost.get_or_insert_with(|| l.evidence.clone());
            }
            Fact::CanaryStray(s) => {
                self.strays.insert((s.run.clone(), s.place), s.why);
                if self.strays.len() > KEEP_STRAYS {
                    self.strays.pop_first();
                }
            }
            _ => {}
        }
        while self.letters.len() > KEEP {
            self.letters.pop_first();
        }
    }

    fn letter(&mut self, run: &Run, seq: u64) -> &mut Letter {
        self.letters.entry((run.clone(), seq)).or_default()
    }

    /// The newest run.
    pub fn run(&self) -> Option<&Run> {
        self.letters.last_key_value().map(|((run, _), _)| run)
    }
    /// The newest letter's number.
    pub fn last_seq(&self) -> Option<u64> {
        self.letters.last_key_value().map(|((_, seq), _)| *seq)
    }
    /// When the oldest letter that is counted was sent.
    pub fn since(&self) -> Option<Timestamp> {
        self.letters.first_key_value().and_then(|(_, l)| l.sent)
    }
    /// The letters, by run and number.
    pub fn letters(&self) -> impl DoubleEndedIterator<Item = (u64, &Letter)> {
        self.letters.iter().map(|((_, seq), l)| (*seq, l))
    }

    /// What became of them at `now`, where a letter is late after `late`.
    pub fn counts(&self, late: Span, now: Timestamp) -> Counts {
        let mut c = Counts::default();
        let newest = self.run();
        for ((run, seq), letter) in &self.letters {
            c.sent += 1;
            c.duplicated += (letter.copies.len() as u64).saturating_sub(1);
            c.altered += u64::from(letter.copies.values().any(|(_, s)| *s == State::Altered));
            if let Some(trip) = letter.round_trip() {
                c.arrived += 1;
                c.late += u64::from(trip > late);
            } else if letter.lost.is_some() {
                c.lost.push(*seq);
            } else if !letter.was_taken() {
                c.unsure += 1;
            } else if newest != Some(run) {
                c.unwatched += 1;
            } else if letter.sent.is_some_and(|sent| Span::between(sent, now) > late) {
                c.late += 1;
                c.overdue += 1;
            } else {
                c.waiting += 1;
            }
        }
        c.reordered = self.reordered();
        for why in self.strays.values() {
            match why {
                StrayWhy::Forged => c.forged += 1,
                StrayWhy::OtherRun => c.ignored += 1,
            }
        }
        c
    }

    /// Letters whose first copy lies behind one that was sent later.
    fn reordered(&self) -> u64 {
        let mut by_place: Vec<(&Run, Place, u64)> = self
            .letters
            .iter()
            .filter_map(|((run, seq), l)| Some((run, l.first()?.0, *seq)))
            .collect();
        by_place.sort_unstable();
        let mut reordered = 0;
        let mut newest: Option<(&Run, u64)> = None;
        for (run, _, seq) in by_place {
            match newest {
                Some((of, high)) if of == run && seq < high => reordered += 1,
                _ => newest = Some((run, seq)),
            }
        }
        reordered
    }

    /// The round trips of the letters sent since `from`, shortest first.
    pub fn round_trips(&self, from: Timestamp) -> Vec<Span> {
        let recent = self.letters.values().filter(|l| l.sent.is_some_and(|s| s >= from));
        let mut trips: Vec<Span> = recent.filter_map(Letter::round_trip).collect();
        trips.sort_unstable();
        trips
    }

    /// The numbers of the newest run's letters that have not come, were taken, and are not given up.
    pub fn outstanding(&self) -> BTreeSet<u64> {
        let newest = self.run();
        let open = |l: &Letter| l.copies.is_empty() && l.lost.is_none() && l.was_taken();
        self.letters
            .iter()
            .filter(|((run, _), l)| newest == Some(run) && open(l))
            .map(|((_, seq), _)| *seq)
            .collect()
    }
}

/// The value that so many thousandths of `sorted` do not exceed.
pub fn quantile(sorted: &[Span], permille: usize) -> Option<Span> {
    let rank = (sorted.len() * permille).div_ceil(1_000).saturating_sub(1);
    sorted.get(rank).copied()
}

#[cfg(test)]
mod tests;
