//! A PostgreSQL database's own maintenance as a job: what works on it now (`pg_stat_activity`, `pg_stat_progress_*`,
//! `pg_blocking_pids`), read by one psql call in a read-only session. psql prints JSON that the server makes (`sql`), which
//! is taken apart here (`told`, `progress`), put into words (`words`) and compared with what was asked (`truth`). Which
//! statements steer it is `plan`'s business.

mod progress;
pub(super) mod sql;
mod told;
mod trouble;
mod truth;
mod words;

pub(super) use self::told::{Backend, MOST, Told, Work};
pub(super) use self::trouble::{advice, missed};
pub(super) use self::truth::read_back;
pub(super) use self::words::{lost, touched};
use crate::domain::job::{JobKind, JobSpec, JobState, Postgres, PostgresPause, State};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::{RunLimits, Runner};

/// Bytes of an answer: fifty backends with what they tell are about 60 kB.
const MAX_ANSWER: usize = 256 << 10;

/// A database job, taken from its spec.
pub(super) struct Job<'a> {
    pub spec: &'a JobSpec,
    pub db: &'a Postgres,
}

/// What was read, and how the job is paused, without which it has no state.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub told: Told,
    db: &'a Postgres,
}

impl<'a> Job<'a> {
    pub fn of(spec: &'a JobSpec) -> Result<Self, Missed> {
        match &spec.kind {
            JobKind::Postgres(db) => Ok(Self { spec, db }),
            _ => Err(Missed::new(Miss::BadAnswer, &*spec.name, "not a postgres job")),
        }
    }

    /// Reads what works on it, and whether its settings hold where it has some.
    pub async fn ask(&self, runner: &Runner) -> Result<Seen<'a>, Missed> {
        let out = runner
            .run(
                &sql::look(self.db, self.spec.timeout),
                RunLimits {
                    timeout: self.spec.timeout,
                    max_output: MAX_ANSWER,
                },
            )
            .await?;
        let tried = runner.shown(&sql::psql(self.db));
        if !out.ok() {
            return Err(missed(&out, tried));
        }
        let seen = if out.cut {
            Err(Missed::new(
                Miss::BadAnswer,
                "",
                "its answer is too long to be read whole",
            ))
        } else {
            told::parse(&out.stdout).and_then(|told| Seen::of(told, self.db))
        };
        seen.map_err(|m| Missed { tried, ..m })
    }
}

impl<'a> Seen<'a> {
    pub fn of(told: Told, db: &'a Postgres) -> Result<Self, Missed> {
        if let (Some(table), false) = (&db.table, told.found_relation()) {
            let why = format!("there is no table {table} in the database {}", told.database);
            let fix = "name it as psql does, with its schema: mail.messages; and the database with psql = [\"psql\", \"-d\", \"…\"]";
            return Err(Missed::new(Miss::NotFound, "", why).fix(fix));
        }
        if let (PostgresPause::Settings { .. }, None) = (&db.pause, told.paused()) {
            let why = format!("paused_when gave {}, which is not a boolean", told.paused_raw());
            return Err(Missed::new(Miss::BadAnswer, "", why)
                .fix("write a query of one row and one boolean: SELECT setting = 'off' FROM pg_settings WHERE name = 'autovacuum'"));
        }
        Ok(Self { told, db })
    }

    /// Whether its settings hold. Never for a job without settings.
    pub fn holds(&self) -> bool {
        matches!(self.db.pause, PostgresPause::Settings { .. }) && self.told.paused() == Some(true)
    }

    /// The job in one word: at work while anything is at it, whatever its settings say.
    fn word(&self) -> State {
        if !self.told.work.is_empty() {
            State::Running
        } else if self.told.hidden > 0 {
            State::Unknown
        } else if self.holds() {
            State::Paused
        } else {
            State::Idle
        }
    }

    pub fn state(&self) -> JobState {
        let work = &self.told.work;
        JobState {
            state: self.word(),
            // The progress of several is not one number.
            progress: match work.as_slice() {
                [one] => one.percent(),
                _ => None,
            },
            running_for: work.iter().filter_map(Work::running_for).max(),
            began: None,
            held: None,
            detail: words::detail(self),
            armed: vec![],
            armed_unread: false,
            beware: vec![],
        }
    }
}

/// Seconds of the server's own clock, so that it does not matter what time it thinks it is.
fn span(seconds: Option<f64>) -> Option<Span> {
    let seconds = seconds.filter(|s| s.is_finite() && *s >= 0.0)?;
    std::time::Duration::try_from_secs_f64(seconds).ok().map(Span::from)
}

/// A name or a query of the server's.
fn text(raw: Option<&str>) -> Text {
    Text::from(raw.unwrap_or("?"))
}

#[cfg(test)]
mod tests;
