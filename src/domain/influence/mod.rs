//! What an action did to the flow, measured: exits before and after, as a ratio with its uncertainty, or that nothing can
//! be seen, or that it is too early to tell. Here the values; `measure` holds the method.

mod measure;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::ActionId;
use super::{Span, Text};

pub use measure::{AFTER, Around, BEFORE, Counted, ENOUGH, Series, measure, watched};

/// What an action did to the flow of a queue on its server.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Which action.
    pub id: ActionId,
    /// Which queue of the server.
    pub queue: super::Name,
    /// What it did.
    pub influence: Influence,
}

/// What can be said of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "influence", rename_all = "kebab-case")]
pub enum Influence {
    /// The flow changed beyond chance.
    Changed {
        /// Exits a minute before.
        before_per_min: f64,
        /// Exits a minute after.
        after_per_min: f64,
        /// After over before; `None` where there is none to give: one of them is zero, or it is less sure than it is large.
        ratio: Option<Ratio>,
    },
    /// Only depth is known, and its net rate changed beyond chance. Arrivals and removals are in it, so it is not exits.
    NetChanged {
        /// Net messages a minute before; negative when the queue shrank.
        before_per_min: f64,
        /// Net messages a minute after.
        after_per_min: f64,
        /// Half of the interval around their difference in which nine of ten true differences lie.
        uncertainty_per_min: f64,
    },
    /// What changed is within what it changes by anyway.
    NotVisible {
        /// What was measured.
        #[serde(default)]
        of: Kind,
        /// So many a minute before.
        before_per_min: f64,
        /// So many a minute after.
        after_per_min: f64,
    },
    /// Too little was seen since.
    TooEarly {
        /// How much longer, at least.
        wait: Span,
    },
    /// It cannot be told.
    Unknown {
        /// Why.
        why: Text,
    },
}

/// After over before.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ratio {
    /// The ratio.
    pub times: f64,
    /// Half of the interval in which nine of ten true ratios lie.
    pub uncertainty: f64,
}

/// What was measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Messages worked off, as counted.
    #[default]
    Exits,
    /// The change of depth: arrivals less all that went.
    Net,
}

/// `exits 3.1/s → 9.8/s, ×3.2 ± 0.4`, `no visible effect`, `too early to tell`.
impl fmt::Display for Influence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed {
                before_per_min,
                after_per_min,
                ratio,
            } => {
                let unit = Unit::of([*before_per_min, *after_per_min]);
                let (before, after) = (unit.number(*before_per_min), unit.number(*after_per_min));
                write!(f, "exits {before}/{0} → {after}/{0}", unit.1)?;
                match ratio {
                    Some(r) if r.uncertainty < 0.095 => write!(f, ", ×{:.2} ± {:.2}", r.times, r.uncertainty),
                    Some(r) if r.times < 9.95 => write!(f, ", ×{:.1} ± {:.1}", r.times, r.uncertainty),
                    Some(r) => write!(f, ", ×{:.0} ± {:.0}", r.times, r.uncertainty.max(1.0)),
                    None => Ok(()),
                }
            }
            Self::NetChanged {
                before_per_min,
                after_per_min,
                uncertainty_per_min,
            } => {
                let unit = Unit::of([*before_per_min, *after_per_min]);
                let (before, after) = (unit.signed(*before_per_min), unit.signed(*after_per_min));
                let by = unit.signed(after_per_min - before_per_min);
                let within = unit.number(*uncertainty_per_min);
                write!(f, "net {before}/{0} → {after}/{0}, by {by} ± {within}", unit.1)
            }
            Self::NotVisible { .. } => f.write_str("no visible effect"),
            Self::TooEarly { wait } => write!(f, "too early to tell: {wait} more at least"),
            Self::Unknown { why } => write!(f, "effect not known: {why}"),
        }
    }
}

/// Rates that are given a minute, written in one unit: a second, a minute or an hour, by the largest of them.
#[derive(Clone, Copy)]
struct Unit(f64, &'static str);

impl Unit {
    fn of(per_min: impl IntoIterator<Item = f64>) -> Self {
        match per_min.into_iter().fold(0.0, |most: f64, r| most.max(r.abs())) {
            r if r >= 6.0 => Self(1.0 / 60.0, "s"),
            r if r >= 0.1 => Self(1.0, "min"),
            _ => Self(60.0, "h"),
        }
    }
    /// `3.1`; `0` only for nothing at all.
    fn number(self, per_min: f64) -> String {
        let value = per_min * self.0;
        let digits = match value.abs() {
            v if v == 0.0 || v >= 99.5 => 0,
            v if v >= 0.095 => 1,
            _ => 3,
        };
        format!("{value:.digits$}")
    }
    fn signed(self, per_min: f64) -> String {
        let sign = if per_min > 0.0 { "+" } else { "" };
        format!("{sign}{}", self.number(per_min))
    }
}

#[cfg(test)]
mod tests;
