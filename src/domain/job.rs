//! A maintenance job on a server: what it is doing now, as read back from the server.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::ActionId;
use super::argv::Argv;
use super::queue::Sudo;
use super::{Name, Span, Text};

/// A maintenance job, as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobSpec {
    /// Unique on its server.
    pub name: Name,
    /// How it is read and steered.
    pub kind: JobKind,
    /// The longest that one of its commands may take.
    pub timeout: Span,
}

impl JobSpec {
    /// What it stands for: the unit, the status command, or the table.
    pub fn about(&self) -> Text {
        match &self.kind {
            JobKind::Systemd { unit, .. } => unit.as_str().into(),
            JobKind::Command { status, .. } => status.quoted().into(),
            JobKind::Postgres(db) => db.about(),
            JobKind::Postfix(valve) => valve.about(),
            JobKind::Dovecot(service) => service.about(),
            JobKind::Process { find, .. } => find.to_string().into(),
        }
    }
}

/// How a job is read and steered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobKind {
    /// A systemd unit.
    Systemd {
        /// The unit, with its suffix: `mail-db-compact.service`.
        unit: String,
        /// How it is paused.
        how: SystemdPause,
        /// The timer that starts it, stopped with it.
        timer: Option<String>,
        /// Whether commands go through `sudo -n`.
        sudo: Sudo,
    },
    /// The operator's own commands. `status` prints a word of [`State`] first; the rest of its first line is detail.
    Command {
        /// Prints the state.
        status: Argv,
        /// Pauses.
        pause: Argv,
        /// Resumes.
        resume: Argv,
        /// Prints a percentage, 0 to 100.
        progress: Option<Argv>,
    },
    /// The maintenance of a PostgreSQL database: VACUUM, REINDEX, CREATE INDEX, CLUSTER, ANALYZE, autovacuum.
    Postgres(Box<Postgres>),
    /// A process without a unit, with all that it started: paused by SIGSTOP, resumed by SIGCONT. Linux only.
    Process {
        /// Which.
        find: ProcessFind,
        /// Whose, by effective user: a process of another user is not it.
        user: Option<String>,
        /// Whether the signals go through `sudo -n`, as `user` where that is given.
        sudo: Sudo,
    },
    /// A valve of Postfix.
    Postfix(Box<Valve>),
    /// A service of Dovecot.
    Dovecot(DovecotService),
}

impl JobKind {
    /// The word in config and JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Systemd { .. } => "systemd",
            Self::Postfix(_) => "postfix",
            Self::Dovecot(_) => "dovecot",
            Self::Command { .. } => "command",
            Self::Postgres(_) => "postgres",
            Self::Process { .. } => "process",
        }
    }
}

/// One of Postfix's valves, by which an operator keeps mail where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Valve {
    /// The instance (`-c DIR`); the usual one without.
    pub config_dir: Option<String>,
    /// Which valve.
    pub what: ValveKind,
    /// Whether commands go through `sudo -n`.
    pub sudo: Sudo,
}

/// Which valve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ValveKind {
    /// Queued and new mail is put on hold.
    Hold,
    /// Mail for these is kept in the deferred queue.
    Defer {
        /// Transports as master.cf(5) names them: `smtp`, `lmtp`.
        transports: Vec<String>,
        /// Destination domains.
        destinations: Vec<String>,
    },
    /// No new mail is taken over the network.
    Intake {
        /// Services as `master_service_disable` names them: `smtp.inet`; every one of the network when empty.
        services: Vec<String>,
    },
}

impl Valve {
    fn about(&self) -> Text {
        let what = match &self.what {
            ValveKind::Hold => "hold queued and new mail".to_owned(),
            ValveKind::Defer {
                transports,
                destinations,
            } => {
                let all: Vec<&str> = transports.iter().chain(destinations).map(String::as_str).collect();
                format!("defer {}", all.join(", "))
            }
            ValveKind::Intake { services } if services.is_empty() => "stop intake".to_owned(),
            ValveKind::Intake { services } => format!("stop intake by {}", services.join(", ")),
        };
        match &self.config_dir {
            Some(dir) => format!("{what} in {dir}").into(),
            None => what.into(),
        }
    }
}

/// A service of Dovecot, paused by keeping Dovecot from starting its processes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DovecotService {
    /// Its name in Dovecot's configuration: `indexer`.
    pub service: String,
    /// The instance (`-c FILE`); the usual one without.
    pub config_file: Option<String>,
    /// Whether doveadm goes through `sudo -n`: only root may ask the master process.
    pub sudo: Sudo,
}

impl DovecotService {
    fn about(&self) -> Text {
        match &self.config_file {
            Some(file) => format!("service {} in {file}", self.service).into(),
            None => format!("service {}", self.service).into(),
        }
    }
}

/// How a process is told from others.
///
/// A pattern is a program and words, as whole arguments and case by case: a process matches when its `argv[0]`, or what
/// follows the last `/` of it where the pattern's program has no `/`, is the program, and every word is one of its
/// arguments, in that order; others may stand between. Never a part of an argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProcessFind {
    /// The one whose number is the first line of a file.
    PidFile {
        /// The file's whole path.
        path: String,
        /// What it has to match, so that a number which went to another process is not taken for it.
        pattern: Option<Argv>,
    },
    /// Every one that matches.
    Pattern(Argv),
}

impl fmt::Display for ProcessFind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PidFile { path, .. } => f.write_str(path),
            Self::Pattern(words) => f.write_str(&words.quoted()),
        }
    }
}

/// How a systemd unit is paused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SystemdPause {
    /// `systemctl freeze` and `thaw`: keeps progress, needs cgroup v2.
    Freeze,
    /// `systemctl stop` and `start`: the run's progress is lost.
    Stop,
}

/// A PostgreSQL database whose maintenance is a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Postgres {
    /// psql with what it needs to get to the database, and no password: `psql -d mail`.
    pub psql: Argv,
    /// The user there that psql runs as, through `sudo -n -u`; as the login itself without.
    pub run_as: Option<String>,
    /// Only what works on this table, its indexes and its partitions; on all of the database without.
    pub table: Option<String>,
    /// How it is paused.
    pub pause: PostgresPause,
}

impl Postgres {
    fn about(&self) -> Text {
        match &self.table {
            Some(table) => format!("{} in {}", table, self.psql.quoted()).into(),
            None => self.psql.quoted().into(),
        }
    }
}

/// How the maintenance of a database is paused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PostgresPause {
    /// `pg_cancel_backend`: its work is lost and it cannot be resumed, only started again.
    Cancel,
    /// The operator's own statements. All three or none: a pause that nothing resumes or proves is no pause.
    Settings {
        /// What pauses, in order: `ALTER SYSTEM SET autovacuum = off`, `SELECT pg_reload_conf()`.
        pause: Vec<String>,
        /// What resumes, in order.
        resume: Vec<String>,
        /// A query of one boolean: whether it is paused.
        paused_when: String,
    },
}

/// What a job is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Working.
    Running,
    /// Stopped in a way that can be resumed.
    Paused,
    /// Not running, and nothing wrong.
    Idle,
    /// Ended in failure.
    Failed,
    /// Not known.
    Unknown,
}

impl State {
    /// The word in JSON, on screen, and as a `command` job's `status` prints it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Idle => "idle",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
    /// From that word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Idle, Self::Failed, Self::Unknown]
            .into_iter()
            .find(|s| s.word().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One reading of a job.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JobState {
    /// What it is doing.
    pub state: State,
    /// How far it is, 0 to 100, where the job tells it.
    pub progress: Option<f64>,
    /// For how long it has been in this run, where known.
    pub running_for: Option<Span>,
    /// How long ago its newest run began, also when that is over, by the server's own clock; where known.
    #[serde(default)]
    pub began: Option<Span>,
    /// Messages that a valve holds, where all of them were seen.
    #[serde(default)]
    pub held: Option<u64>,
    /// What was read, in the server's words: `active (running), freezer frozen`.
    pub detail: Text,
    /// The resumes that are armed for it on the server itself, whoever armed them.
    #[serde(default)]
    pub armed: Vec<Armed>,
    /// Whether these, or some of them, could not be read: that none is there is not known then.
    #[serde(default)]
    pub armed_unread: bool,
    /// What would undo a pause of it in silence, or what is odd about its state.
    #[serde(default)]
    pub beware: Vec<Text>,
}

impl JobState {
    /// A state with its words, and nothing else known of it.
    pub fn of(state: State, detail: impl Into<Text>) -> Self {
        Self {
            state,
            progress: None,
            running_for: None,
            began: None,
            held: None,
            detail: detail.into(),
            armed: vec![],
            armed_unread: false,
            beware: vec![],
        }
    }
}

/// A resume that is armed on the server, as read there: it ends a pause although who began it is gone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Armed {
    /// The action that armed it.
    pub id: ActionId,
    /// What keeps it there.
    pub keeper: Keeper,
    /// In how long it fires, by the server's own clock; `None` where the server does not tell.
    pub fires_in: Option<Span>,
    /// Who armed it, where it says so.
    pub by: Option<Text>,
    /// Why.
    pub why: Option<Text>,
}

/// What keeps an armed resume.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keeper {
    /// A transient timer of systemd.
    Timer,
    /// A detached process that waits. A restart of the host ends it.
    Watcher,
}
