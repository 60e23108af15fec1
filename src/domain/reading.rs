//! Unknown is a value: a reading is fresh, stale with its age and reason, or was never seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Span, Text};

/// Why something could not be read: what was tried, what came of it, what to do next.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{tried}: {why}{}", fix.as_ref().map(|f| format!(" ({f})")).unwrap_or_default())]
pub struct Missed {
    /// What was tried and where, for example `ssh mx1 postqueue -j`.
    pub tried: Text,
    /// What came of it.
    pub why: Text,
    /// What the reader can do, where we know it.
    pub fix: Option<Text>,
    /// The kind of miss.
    pub kind: Miss,
    /// How long the try kept the host busy, as measured from here: a listing that was given up has cost it all the same. Zero
    /// where it was not reached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub took: Span,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands it over so
fn is_zero(span: &Span) -> bool {
    *span == Span::ZERO
}

/// The kind of a miss: what it says about the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Miss {
    /// The host could not be reached at all.
    Unreachable,
    /// Reached, but no answer in time.
    TimedOut,
    /// Not allowed: a permission or a login.
    Denied,
    /// The program or the thing asked for is not there.
    NotFound,
    /// An answer came that could not be understood or was an error.
    BadAnswer,
    /// Nobody has looked for longer than the interval allows.
    NotAsked,
    /// The end of a pause cannot be armed on the server: a person may choose to pause all the same.
    NotArmed,
}

impl Missed {
    /// A miss without advice.
    pub fn new(kind: Miss, tried: impl Into<Text>, why: impl Into<Text>) -> Self {
        Self {
            tried: tried.into(),
            why: why.into(),
            fix: None,
            kind,
            took: Span::ZERO,
        }
    }
    /// With advice on what to do next.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<Text>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// What we know of a value that is read again and again.
#[derive(Clone, PartialEq, Debug)]
pub enum Reading<T> {
    /// Never seen; why, if it was tried.
    Never {
        /// The last failed try.
        why: Option<Missed>,
    },
    /// Seen within the time that its interval allows.
    Fresh {
        /// The value.
        value: T,
        /// When it was seen.
        at: Timestamp,
    },
    /// Seen, but too long ago to be called true now.
    Stale {
        /// The last value.
        value: T,
        /// When it was seen.
        at: Timestamp,
        /// Why there is no newer one.
        why: Missed,
    },
}

impl<T> Reading<T> {
    /// The value only if it may be called true now.
    pub fn fresh(&self) -> Option<&T> {
        match self {
            Self::Fresh { value, .. } => Some(value),
            _ => None,
        }
    }
    /// The last value, fresh or stale.
    pub fn last(&self) -> Option<&T> {
        match self {
            Self::Fresh { value, .. } | Self::Stale { value, .. } => Some(value),
            Self::Never { .. } => None,
        }
    }
    /// When the last value was seen.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Fresh { at, .. } | Self::Stale { at, .. } => Some(*at),
            Self::Never { .. } => None,
        }
    }
    /// How old the last value is at `now`.
    pub fn age(&self, now: Timestamp) -> Option<Span> {
        self.at().map(|at| Span::between(at, now))
    }
    /// Why there is no fresh value.
    pub fn why(&self) -> Option<&Missed> {
        match self {
            Self::Never { why } => why.as_ref(),
            Self::Stale { why, .. } => Some(why),
            Self::Fresh { .. } => None,
        }
    }
}

/// The last value and the last miss of one thing, from which a [`Reading`] is made for any moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Kept<T> {
    seen: Option<(T, Timestamp)>,
    missed: Option<(Missed, Timestamp)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            seen: None,
            missed: None,
        }
    }
}

impl<T> Kept<T> {
    /// A value was seen.
    pub fn saw(&mut self, value: T, at: Timestamp) {
        self.seen = Some((value, at));
        self.missed = None;
    }
    /// A try failed.
    pub fn miss(&mut self, why: Missed, at: Timestamp) {
        self.missed = Some((why, at));
    }
    /// The last value whatever its age.
    pub fn last(&self) -> Option<&T> {
        self.seen.as_ref().map(|(v, _)| v)
    }
    /// When the last value was seen.
    pub fn at(&self) -> Option<Timestamp> {
        self.seen.as_ref().map(|(_, at)| *at)
    }
    /// The reading at `now`: stale after a miss, or once it is older than `good_for`.
    /// A value from the future (a clock step) counts as fresh for as long as it is ahead by less than `good_for`.
    pub fn reading(&self, now: Timestamp, good_for: Span) -> Reading<&T> {
        let Some((value, at)) = &self.seen else {
            return Reading::Never {
                why: self.missed.as_ref().map(|(w, _)| w.clone()),
            };
        };
        let age = Span::between(*at, now);
        match &self.missed {
            Some((why, _)) => Reading::Stale {
                value,
                at: *at,
                why: why.clone(),
            },
            None if age > good_for || age < Span::ZERO - good_for => Reading::Stale {
                value,
                at: *at,
                why: Missed::new(Miss::NotAsked, "the next reading", format!("none for {age}")),
            },
            None => Reading::Fresh { value, at: *at },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + s).unwrap()
    }

    #[test]
    fn a_value_goes_stale_by_age_and_by_a_miss_and_a_miss_keeps_its_reason() {
        let mut k = Kept::default();
        assert!(matches!(
            k.reading(t(0), Span::from_secs(30)),
            Reading::Never { why: None }
        ));
        k.saw(7, t(0));
        assert_eq!(k.reading(t(30), Span::from_secs(30)).fresh(), Some(&&7));
        let stale = k.reading(t(31), Span::from_secs(30));
        assert_eq!(
            (stale.fresh(), stale.last(), stale.age(t(31))),
            (None, Some(&&7), Some(Span::from_secs(31)))
        );
        k.miss(Missed::new(Miss::TimedOut, "ssh mx1 true", "no answer in 5s"), t(5));
        assert_eq!(k.reading(t(6), Span::from_secs(30)).why().unwrap().kind, Miss::TimedOut);
        k.saw(8, t(7));
        assert!(k.reading(t(8), Span::from_secs(30)).fresh().is_some());
    }

    #[test]
    fn a_value_from_far_in_the_future_is_not_called_fresh() {
        let mut k = Kept::default();
        k.saw(7, t(3_600));
        assert!(k.reading(t(0), Span::from_secs(30)).fresh().is_none());
    }
}
