//! A service of Dovecot as a job: read by `doveadm service status`, kept from starting by `doveadm service stop`, let go by
//! `doveadm reload`, which opens every service that was stopped so (doveadm-service(1); Dovecot 2.3). Open sessions live on
//! through a reload.

use super::act;
use super::limits;
use crate::domain::argv::Argv;
use crate::domain::job::{DovecotService, JobKind, JobSpec, JobState, State};
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::reach::{Output, Runner};

/// A job of this kind, taken from its spec.
pub(super) struct Job<'a> {
    pub spec: &'a JobSpec,
    pub what: &'a DovecotService,
}

impl<'a> Job<'a> {
    pub fn of(spec: &'a JobSpec) -> Result<Self, Missed> {
        match &spec.kind {
            JobKind::Dovecot(what) => Ok(Self { spec, what }),
            _ => Err(Missed::new(Miss::BadAnswer, &*spec.name, "not a service of Dovecot")),
        }
    }

    /// `doveadm …` for its instance, as the server itself would run it.
    pub fn doveadm(&self, words: &[&str]) -> Argv {
        let config = self.what.config_file.iter().flat_map(|f| ["-c", f]);
        Argv::new("doveadm", config.chain(words.iter().copied()))
    }

    /// The same, as the login there runs it.
    pub fn by_login(&self, words: &[&str]) -> Argv {
        match self.what.sudo {
            Sudo::Yes => self.doveadm(words).under(&["sudo", "-n"]),
            Sudo::No => self.doveadm(words),
        }
    }

    /// Reads it.
    pub async fn ask(&self, runner: &Runner) -> Result<JobState, Missed> {
        let argv = self.by_login(&["-f", "tab", "service", "status", &self.what.service]);
        let out = runner.run(&argv, limits(self.spec.timeout)).await?;
        let tried = |m: Missed| Missed {
            tried: runner.shown(&argv),
            ..m
        };
        if !out.ok() {
            return Err(tried(refused(&out)));
        }
        parse(&out.stdout, &self.what.service).map_err(tried)
    }
}

/// Why doveadm said nothing of it.
fn refused(out: &Output) -> Missed {
    let words = act::one_line(out);
    let has = |w: &str| words.contains(w);
    let kind = if has("ermission denied") || act::advice(out).is_some() {
        Miss::Denied
    } else {
        Miss::BadAnswer
    };
    let missed = Missed::new(kind, "", format!("it {}", act::ended(out)));
    if has("ermission denied") {
        return missed.fix("only root may ask Dovecot's master process: set sudo = true for this job");
    }
    if has("No such file") || has("Connection refused") {
        return missed.fix("is Dovecot running there? `doveadm service status` there tells");
    }
    match act::advice(out) {
        Some(advice) => missed.fix(advice),
        None => missed,
    }
}

/// From the table of `-f tab`: a line of names, a line of values.
fn parse(stdout: &[u8], service: &str) -> Result<JobState, Missed> {
    let text = String::from_utf8_lossy(stdout);
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let named = |row: &str, name: &str| {
        let at = names.iter().position(|n| *n == name)?;
        row.split('\t').nth(at).map(str::to_owned)
    };
    let Some(row) = lines.find(|row| named(row, "name").as_deref() == Some(service)) else {
        let missed = Missed::new(Miss::NotFound, "", format!("Dovecot has no service {service}"));
        return Err(missed.fix("`doveadm service status` there lists them"));
    };
    let unclear = |name: &str| Missed::new(Miss::BadAnswer, "", format!("no {name} in its answer"));
    let count = |name: &str| -> Result<u64, Missed> {
        let value = named(row, name).and_then(|v| v.parse().ok());
        value.ok_or_else(|| unclear(name))
    };
    let stopped = match named(row, "doveadm_stop").as_deref() {
        Some("y") => true,
        Some("n") => false,
        _ => return Err(unclear("doveadm_stop")),
    };
    let (at_work, limit) = (count("process_count")?, count("process_limit")?);
    let processes = match at_work {
        0 => "no process".to_owned(),
        1 => format!("1 process of {limit}"),
        n => format!("{n} processes of {limit}"),
    };
    let (state, words) = match (stopped, at_work) {
        (true, 0) => (State::Paused, "stopped by doveadm"),
        // Told to end, and not gone yet.
        (true, _) => (State::Running, "stopped by doveadm, and still at work"),
        (false, 0) => (State::Idle, "ready"),
        (false, _) => (State::Running, "running"),
    };
    let mut found = JobState::of(state, format!("{words}, {processes}"));
    if stopped {
        let undone = "a reload or a restart of Dovecot, by whoever, opens it again";
        found.beware.push(undone.into());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "name\tprocess_count\tprocess_avail\tprocess_limit\tlistening\tdoveadm_stop";

    fn read(row: &str) -> Result<JobState, Missed> {
        parse(format!("{NAMES}\n{row}\n").as_bytes(), "indexer")
    }

    #[test]
    fn what_was_stopped_by_doveadm_is_paused_once_its_processes_are_gone() {
        for (row, state, words) in [
            (
                "indexer\t0\t0\t1\tn\ty",
                State::Paused,
                "stopped by doveadm, no process",
            ),
            (
                "indexer\t1\t0\t1\tn\ty",
                State::Running,
                "stopped by doveadm, and still at work, 1 process of 1",
            ),
            ("indexer\t0\t0\t1\ty\tn", State::Idle, "ready, no process"),
            ("indexer\t3\t1\t10\ty\tn", State::Running, "running, 3 processes of 10"),
        ] {
            let found = read(row).unwrap();
            assert_eq!((found.state, &*found.detail), (state, words));
            assert_eq!(found.beware.is_empty(), row.ends_with('n'));
        }
    }

    #[test]
    fn what_is_not_said_is_not_made_up() {
        for row in ["", "lmtp\t0\t0\t1\ty\tn"] {
            assert_eq!(read(row).unwrap_err().kind, Miss::NotFound);
        }
        for row in ["indexer\t0\t0\t1\ty\t", "indexer\tmany\t0\t1\ty\tn", "indexer"] {
            assert_eq!(read(row).unwrap_err().kind, Miss::BadAnswer, "{row}");
        }
        assert_eq!(parse(b"", "indexer").unwrap_err().kind, Miss::NotFound);
    }
}
