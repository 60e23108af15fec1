//! What the server told, as it is in its JSON. A column that a version does not have, or that the login may not see, is not
//! there; nothing stands for it.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::progress::{Counters, Source};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};

/// The most that are looked at; the server is asked for one more, to know that there are.
pub const MOST: usize = 50;

/// One reading.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Told {
    /// The database that psql got to.
    pub database: String,
    /// Who we are there.
    pub login: String,
    /// What works on it, the longest first.
    #[serde(deserialize_with = "or_none")]
    pub work: Vec<Work>,
    /// Sessions that wait for a lock, counted up to a hundred, when there is work.
    #[serde(default)]
    pub waiting: u64,
    /// Other databases of the server where maintenance runs.
    #[serde(deserialize_with = "or_none")]
    pub elsewhere: Vec<String>,
    /// Sessions of others that this login may not look into.
    pub hidden: u64,
    /// Indexes that are there and not used: what a `CONCURRENTLY` leaves behind when it does not end well.
    #[serde(deserialize_with = "or_none")]
    pub invalid: Vec<String>,
    /// The table that was asked about, as the server numbers it; empty when there is none of that name.
    #[serde(default)]
    relation: Option<String>,
    #[serde(default)]
    paused: Option<Value>,
}

/// One backend that is at it.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Work {
    pub pid: i32,
    backend_start: Option<Timestamp>,
    query_start: Option<Timestamp>,
    seconds: Option<f64>,
    in_transaction: Option<f64>,
    pub who: Option<String>,
    pub autovacuum: bool,
    pub query: Option<String>,
    /// It keeps the server from running out of transaction ids.
    pub wraparound: bool,
    pub source: Option<Source>,
    pub told: Option<Counters>,
    pub relation: Option<String>,
    pub index: Option<String>,
    pub may_signal: bool,
    #[serde(deserialize_with = "or_none")]
    pub blocked_by: Vec<Blocker>,
    #[serde(deserialize_with = "or_none")]
    pub blocks: Vec<i32>,
}

/// A session that one of them waits for.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Blocker {
    /// 0 is a prepared transaction (pg_blocking_pids).
    pub pid: i32,
    pub who: Option<String>,
    pub state: Option<String>,
    seconds: Option<f64>,
}

/// What makes a backend the same one, at the same thing: its number alone is used again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backend {
    pub pid: i32,
    /// When the session began.
    pub session: Timestamp,
    /// When its query began.
    pub query: Timestamp,
}

/// The server's null for an empty list.
fn or_none<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

/// One JSON object or several, each on its line, which together are the reading. Bytes of a database without an encoding
/// are shown as they can be.
pub fn parse(stdout: &[u8]) -> Result<Told, Missed> {
    let missed = |why: String| {
        Missed::new(Miss::BadAnswer, "", why).fix(
            "run psql by hand there: it has to get to a PostgreSQL of version 13 or newer and print nothing of its own",
        )
    };
    let text = String::from_utf8_lossy(stdout);
    let mut all = Map::new();
    for part in serde_json::Deserializer::from_str(&text).into_iter::<Map<String, Value>>() {
        all.extend(part.map_err(|e| missed(format!("its answer is not what was asked for: {e}")))?);
    }
    serde_json::from_value(Value::Object(all)).map_err(|e| missed(format!("its answer is not what was asked for: {e}")))
}

impl Told {
    /// Whether the table that was asked about is there.
    pub fn found_relation(&self) -> bool {
        self.relation.as_ref().is_some_and(|oid| !oid.is_empty())
    }
    /// What `paused_when` said, if it was asked and gave a boolean.
    pub fn paused(&self) -> Option<bool> {
        self.paused.as_ref().and_then(Value::as_bool)
    }
    pub fn paused_raw(&self) -> Text {
        self.paused.as_ref().unwrap_or(&Value::Null).to_string().into()
    }
}

impl Work {
    /// Which one it is; `None` where this login may not know.
    pub fn backend(&self) -> Option<Backend> {
        Some(Backend {
            pid: self.pid,
            session: self.backend_start?,
            query: self.query_start?,
        })
    }
    pub fn running_for(&self) -> Option<Span> {
        super::span(self.seconds)
    }
    /// For how long the transaction block around it is open, where there is one.
    pub fn in_transaction(&self) -> Option<Span> {
        super::span(self.in_transaction)
    }
    /// How far its phase is, as a percentage.
    pub fn percent(&self) -> Option<f64> {
        let done = self.told.as_ref()?.progress(self.source?)?;
        Some(done.percent())
    }
}

impl Blocker {
    pub fn in_transaction(&self) -> Option<Span> {
        super::span(self.seconds)
    }
}
