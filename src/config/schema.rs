//! The shape of the file as plain serde structs: the source of `mailtop config schema` and of the lists of known keys.
//! The walk in [`super::file`] reads the same keys with their places; a test holds the two together.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The mailtop configuration file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mailtop config.toml")]
pub struct File {
    /// What holds for all servers unless they say otherwise.
    pub defaults: Option<Defaults>,
    /// How incidents are kept.
    pub incident: Option<Incident>,
    /// The servers to watch.
    pub server: Vec<Server>,
    /// Letters through pairs of doors.
    #[serde(default)]
    pub canary: Vec<Canary>,
}

/// Letters through a pair of doors: in by one, out in a mailbox behind the other.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Unique; of letters, digits, `.`, `_` and `-`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub name: String,
    /// Where letters go in: `SERVER/DOOR` of an SMTP, submission or LMTP door.
    #[serde(rename = "in")]
    #[schemars(regex(pattern = r"^.+/.+$"))]
    pub way_in: String,
    /// Where they have to come out: `SERVER/DOOR` of an IMAP door with a user.
    #[serde(rename = "out")]
    #[schemars(regex(pattern = r"^.+/.+$"))]
    pub way_out: String,
    /// The address whose mail comes into that mailbox.
    pub to: String,
    /// The sender; the address itself unless given.
    pub from: Option<String>,
    /// One letter each.
    #[schemars(extend("default" = "1m"))]
    pub interval: Option<Duration>,
    /// A letter that takes longer is late.
    #[schemars(extend("default" = "1m"))]
    pub late: Option<Duration>,
    /// A letter that has not come after so long may be called lost.
    #[schemars(extend("default" = "1h"))]
    pub lost: Option<Duration>,
    /// The mailbox in which they come out.
    #[schemars(extend("default" = "INBOX"))]
    pub mailbox: Option<String>,
    /// Send none while a valve of Postfix on either server is closed by an action on record.
    #[schemars(extend("default" = true))]
    pub stop_while_paused: Option<bool>,
}

/// What holds for all servers unless they say otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// How often each thing is looked at.
    #[schemars(extend("default" = "10s"))]
    pub interval: Option<Duration>,
    /// The longest that one step of a look may take.
    #[schemars(extend("default" = "5s"))]
    pub timeout: Option<Duration>,
    /// The share of one core of a mail host that reading its queue may take.
    #[schemars(extend("default" = "2%"))]
    pub load_budget: Option<Share>,
    /// A probe that takes longer is a warning.
    #[schemars(extend("default" = "1s"))]
    pub slow: Option<Duration>,
    /// A certificate with fewer days left is a warning.
    #[schemars(extend("default" = 14))]
    pub cert_days: Option<u32>,
    /// A queue with more messages is a warning.
    #[schemars(extend("default" = 1000))]
    pub queue_depth: Option<u64>,
    /// An action that touches more messages than this runs only after the server's name was typed.
    #[schemars(extend("default" = 10000))]
    pub confirm_above: Option<u64>,
    /// How long raw events are kept in the journal.
    #[schemars(extend("default" = "14d"))]
    pub keep: Option<Duration>,
    /// For how long a pause lasts unless another time is chosen.
    #[schemars(extend("default" = "30m"))]
    pub pause_for: Option<Duration>,
    /// Take away every action that changes a server.
    #[schemars(extend("default" = false))]
    pub read_only: Option<bool>,
    /// An ssh config in place of the usual one.
    pub ssh_config: Option<String>,
    /// Draw with ASCII only.
    #[schemars(extend("default" = false))]
    pub ascii: Option<bool>,
    /// Repaint for data every five seconds only, for thin lines.
    #[schemars(extend("default" = false))]
    pub slow_screen: Option<bool>,
    /// A table of when sending servers give up, in place of the one that comes with mailtop.
    pub senders: Option<String>,
    /// DNS servers that are asked in place of the system's: `10.0.0.1`, `10.0.0.1:5353`, `[2001:db8::1]:53`.
    #[schemars(length(min = 1))]
    pub resolvers: Option<Vec<String>>,
}

/// How incidents are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// A door has to fail for so long before an incident opens by itself,
    #[schemars(extend("default" = "1m"))]
    pub open_after: Option<Duration>,
    /// and this often in a row,
    #[schemars(extend("default" = 3))]
    pub probes: Option<u32>,
    /// at one of these layers; those whose failure is an outage unless given.
    #[schemars(length(min = 1))]
    pub layers: Option<Vec<String>>,
    /// Servers that begin to fail at the same layer within so long of each other are one incident.
    #[schemars(extend("default" = "5m"))]
    pub together: Option<Duration>,
    /// What fails again within so long of the end is the same incident.
    #[schemars(extend("default" = "30m"))]
    pub reopen_within: Option<Duration>,
    /// Service has to be good for so long before the end is proposed.
    #[schemars(extend("default" = "10m"))]
    pub good_for: Option<Duration>,
    /// The public is to be told first within this time,
    #[schemars(extend("default" = "5m"))]
    pub first_update: Option<Duration>,
    /// then this often,
    #[schemars(extend("default" = "20m"))]
    pub update_every: Option<Duration>,
    /// for so long,
    #[schemars(extend("default" = "2h"))]
    pub often_for: Option<Duration>,
    /// and after that this often.
    #[schemars(extend("default" = "1h"))]
    pub later_every: Option<Duration>,
    /// A program that posts an update: it gets the words on its standard input.
    #[schemars(length(min = 1))]
    pub publish: Option<Vec<String>>,
    /// What your own numbers of incidents look like: `#` is a digit, `@` a letter.
    pub number: Option<String>,
    /// How the terminal tells that an update is due: `bell`, `osc9`, `osc777`. Not at all unless given.
    #[schemars(length(min = 1))]
    pub notify: Option<Vec<String>>,
    /// A folder of templates of your own, named as those that come with mailtop.
    pub templates: Option<String>,
}

/// One server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// What it is called on the screen; unique.
    pub name: String,
    /// How commands get there: `local`, or `ssh:ALIAS` with an alias of your ssh config. Absent: they do not.
    #[schemars(regex(pattern = r"^(local|ssh:.+)$"))]
    pub reach: Option<String>,
    /// Take away every action that changes this server.
    #[schemars(extend("default" = false))]
    pub read_only: Option<bool>,
    /// In place of `defaults.interval`.
    pub interval: Option<Duration>,
    /// In place of `defaults.timeout`.
    pub timeout: Option<Duration>,
    /// In place of `defaults.slow`.
    pub slow: Option<Duration>,
    /// In place of `defaults.cert_days`.
    pub cert_days: Option<u32>,
    /// In place of `defaults.queue_depth`.
    pub queue_depth: Option<u64>,
    /// In place of `defaults.confirm_above`.
    pub confirm_above: Option<u64>,
    /// Domains whose MX hosts are watched as one.
    #[serde(default)]
    pub mx: Vec<Door>,
    /// Its IMAP doors.
    #[serde(default)]
    pub imap: Vec<Door>,
    /// Its doors for mail from other servers (port 25).
    #[serde(default)]
    pub smtp: Vec<Door>,
    /// Its doors for mail from users (587, 465).
    #[serde(default)]
    pub submission: Vec<Door>,
    /// Its LMTP doors, by which mail gets into mailboxes.
    #[serde(default)]
    pub lmtp: Vec<Door>,
    /// Its POP3 doors.
    #[serde(default)]
    pub pop3: Vec<Door>,
    /// Its ManageSieve doors.
    #[serde(default)]
    pub sieve: Vec<Door>,
    /// Its mail queues.
    #[serde(default)]
    pub queue: Vec<Queue>,
    /// Its maintenance jobs.
    #[serde(default)]
    pub job: Vec<Job>,
}

/// One door. With a user it needs one secret; without a user no login is tried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// Unique on its server; the protocol (`imap`, `imap2`, …) unless given.
    pub name: Option<String>,
    /// `mx://DOMAIN`; `imaps://[USER@]HOST[:PORT]`, `submissions://…` or `pop3s://…` for TLS from the first byte; `imap://…`, `smtp://…`,
    /// `submission://…`, `lmtp://…`, `pop3://…` or `sieve://…` for STARTTLS; `lmtp:///PATH` for a socket on the server.
    #[schemars(regex(pattern = r"^[A-Za-z0-9]+://"))]
    pub url: String,
    /// Who logs in, when not in the URL.
    pub user: Option<String>,
    /// The first line that this program prints is the password.
    #[schemars(length(min = 1))]
    pub password_command: Option<Vec<String>>,
    /// The first line of this file is the password.
    pub password_file: Option<String>,
    /// This environment variable is the password.
    pub password_env: Option<String>,
    /// The password itself; only in a config of mode 0600.
    pub password: Option<String>,
    /// The first line that this program prints is an OAuth access token; implies `auth = "xoauth2"`.
    #[schemars(length(min = 1))]
    pub token_command: Option<Vec<String>>,
    /// How to log in.
    pub auth: Option<Auth>,
    /// For IMAP: the mailbox that is opened, read-only.
    #[schemars(extend("default" = "INBOX"))]
    pub mailbox: Option<String>,
    /// A PEM bundle trusted for this door in place of the system's.
    pub ca_file: Option<String>,
    /// Where TLS does not begin at once: `true` insists on STARTTLS, `false` goes without. Unless given, STARTTLS is
    /// insisted on, but taken as it comes on `smtp://`, and not asked for on `lmtp://`.
    pub starttls: Option<bool>,
    /// For MX, SMTP, submission and LMTP: the recipient that is asked for. No letter is sent.
    pub rcpt: Option<String>,
    /// For MX, SMTP, submission and LMTP: the sender that is given; the null sender, or on submission the user, unless given.
    pub mail_from: Option<String>,
    /// For MX, SMTP, submission and LMTP: the name that is given with EHLO; this host's unless given.
    pub helo: Option<String>,
    /// For a domain: the DNS servers whose answers are compared, in place of `defaults.resolvers`.
    #[schemars(length(min = 1))]
    pub resolvers: Option<Vec<String>>,
    /// What the door is for; unless given, MX, SMTP and LMTP are inbound, submission is outbound, the others are the mailbox.
    pub role: Option<crate::domain::door::Role>,
    /// In place of the server's `timeout`.
    pub timeout: Option<Duration>,
}

/// How to log in.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// LOGIN, or AUTHENTICATE PLAIN where the server wants that.
    Password,
    /// AUTHENTICATE PLAIN.
    Plain,
    /// AUTHENTICATE XOAUTH2 with an access token.
    Xoauth2,
    /// AUTHENTICATE OAUTHBEARER with an access token.
    Oauthbearer,
}

/// One mail queue.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// The mail system.
    pub kind: crate::domain::queue::QueueKind,
    /// Unique on its server; the kind unless given.
    pub name: Option<String>,
    /// The instance's configuration directory on the mail host (`postqueue -c DIR`).
    #[schemars(regex(pattern = r"^/"))]
    pub config_dir: Option<String>,
    /// A command that prints the listing in place of `postqueue -j`.
    #[schemars(length(min = 1))]
    pub list: Option<Vec<String>>,
    /// A command that prints `QUEUE COUNT` lines in place of counting files.
    #[schemars(length(min = 1))]
    pub count: Option<Vec<String>>,
    /// How long a message may wait before it is returned, where the mail system cannot be asked for it.
    pub lifetime: Option<Duration>,
    /// Where the mail log is read, which tells what becomes of each message.
    #[schemars(extend("default" = "auto"))]
    pub log: Option<Log>,
    /// Run the commands through `sudo -n`.
    #[schemars(extend("default" = false))]
    pub sudo: Option<bool>,
    /// In place of `defaults.load_budget`.
    pub load_budget: Option<Share>,
}

/// Where a mail log is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Log {
    /// `auto` finds it, `journal` is the systemd journal, `off` reads none, and a path is a file on the mail host.
    Place(#[schemars(regex(pattern = r"^(auto|journal|off|/.*)$"))] String),
    /// A command that gets the cursor of its last answer as one more argument (an empty one at first), prints what was
    /// logged since, and ends with a line `-- cursor: CURSOR`.
    Command(#[schemars(length(min = 1))] Vec<String>),
}

/// One maintenance job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Unique on its server. Needed unless a preset gives it.
    pub name: Option<String>,
    /// `systemd` needs `unit`; `command` needs `status`, `pause` and `resume`; `process` needs `pid_file` or `pattern`;
    /// `dovecot` needs `task` or `service`; `postfix` needs `valve`; `postgres` needs nothing more. Needed unless a preset
    /// gives it.
    pub kind: Option<JobKind>,
    /// The unit: `mail-db-compact.service`.
    pub unit: Option<String>,
    /// How the unit is paused.
    #[schemars(extend("default" = "freeze"))]
    pub pause: Option<Pause>,
    /// The timer that would start it again; stopped while it is paused.
    pub timer: Option<String>,
    /// Run systemctl, kill, or Postfix's commands through `sudo -n`; of kind `postgres`, psql as `postgres`.
    #[schemars(extend("default" = false))]
    pub sudo: Option<bool>,
    /// A command that prints running, paused, idle, failed or unknown.
    #[schemars(length(min = 1))]
    pub status: Option<Vec<String>>,
    /// A command that resumes.
    #[schemars(length(min = 1))]
    pub resume: Option<Vec<String>>,
    /// A command that prints a percentage.
    #[schemars(length(min = 1))]
    pub progress: Option<Vec<String>>,
    /// The longest that one of its commands may take.
    #[schemars(extend("default" = "30s"))]
    pub timeout: Option<Duration>,
    /// For `kind = "postgres"`: psql with what it needs to get to the database, without a password.
    #[schemars(length(min = 1), extend("default" = ["psql"]))]
    pub psql: Option<Vec<String>>,
    /// In place of `psql`: the database as a URL, without a password.
    #[schemars(regex(pattern = r"^postgres(ql)?://"))]
    pub url: Option<String>,
    /// Only what works on this table, its indexes and its partitions.
    pub table: Option<String>,
    /// The user that psql runs as, through `sudo -n -u`.
    pub run_as: Option<String>,
    /// Statements that pause, in place of cancelling; needs `resume_sql` and `paused_when`.
    #[schemars(length(min = 1))]
    pub pause_sql: Option<Vec<String>>,
    /// Statements that resume.
    #[schemars(length(min = 1))]
    pub resume_sql: Option<Vec<String>>,
    /// A query of one boolean: whether it is paused.
    pub paused_when: Option<String>,
    /// The file whose first line is the process's number.
    #[schemars(regex(pattern = r"^/"))]
    pub pid_file: Option<String>,
    /// The process's program, and words that are whole arguments of it, in this order; others may stand between.
    #[schemars(length(min = 1))]
    pub pattern: Option<Vec<String>>,
    /// Whose process it is.
    pub user: Option<String>,
    /// For `kind = "dovecot"`: what somebody runs as `doveadm TASK`.
    pub task: Option<DovecotTask>,
    /// Or a service that Dovecot runs by itself: `indexer`.
    pub service: Option<String>,
    /// The dovecot.conf of that service, when not the usual one.
    #[schemars(regex(pattern = r"^/"))]
    pub config_file: Option<String>,
    /// The name of a preset, whose keys hold where this table says nothing; `mailtop config presets` prints them.
    pub preset: Option<String>,
    /// For `kind = "postfix"`: which valve.
    pub valve: Option<ValveKind>,
    /// The instance's configuration directory on the mail host (`postfix -c DIR`).
    #[schemars(regex(pattern = r"^/"))]
    pub config_dir: Option<String>,
    /// For `valve = "defer"`: transports as master.cf names them.
    #[schemars(length(min = 1))]
    pub transports: Option<Vec<String>>,
    /// For `valve = "defer"`: destination domains; `.example.com` is what is below it.
    #[schemars(length(min = 1))]
    pub destinations: Option<Vec<String>>,
    /// For `valve = "intake"`: the services that are stopped, every one of type inet unless given.
    #[schemars(length(min = 1))]
    pub services: Option<Vec<String>>,
}

/// What somebody runs as `doveadm TASK`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DovecotTask {
    /// `doveadm purge`.
    Purge,
    /// `doveadm index`.
    Index,
    /// `doveadm fts optimize`, `doveadm fts rescan`.
    Fts,
    /// `doveadm force-resync`.
    ForceResync,
}

/// A valve of Postfix.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValveKind {
    /// Queued and new mail is put on hold.
    Hold,
    /// Mail for some transports or destinations is kept in the deferred queue.
    Defer,
    /// No new mail is taken over the network.
    Intake,
}

/// How a job is read and steered.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// A systemd unit.
    Systemd,
    /// Commands of your own.
    Command,
    /// The maintenance of a PostgreSQL database.
    Postgres,
    /// A process without a unit.
    Process,
    /// Dovecot's own maintenance.
    Dovecot,
    /// A valve of Postfix.
    Postfix,
}

/// How a job is paused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Pause {
    /// For `kind = "systemd"`.
    Systemd(SystemdPause),
    /// For `kind = "command"`: the command that pauses.
    Command(Vec<String>),
}

/// How a systemd unit is paused.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SystemdPause {
    /// `systemctl freeze`: keeps progress.
    Freeze,
    /// `systemctl stop`: the run's progress is lost.
    Stop,
}

/// A length of time with its unit: `500ms`, `10s`, `30m`, `1h30m`, `14d`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Duration(#[schemars(regex(pattern = r"^([0-9]+ *(us|ms|s|m|min|h|d) *)+$"))] pub String);

/// A share of one core, in percent: `2%`, `0.5%`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Share(#[schemars(regex(pattern = r"^[0-9]+(\.[0-9])? *%$"))] pub String);

/// The keys of `[defaults]`.
pub(super) const DEFAULTS: &[&str] = &[
    "interval",
    "timeout",
    "load_budget",
    "slow",
    "cert_days",
    "queue_depth",
    "confirm_above",
    "keep",
    "pause_for",
    "read_only",
    "ssh_config",
    "ascii",
    "slow_screen",
    "senders",
    "resolvers",
];
/// The keys at the top.
pub(super) const TOP: &[&str] = &["defaults", "incident", "server", "canary"];
/// The keys of `[[canary]]`.
pub(super) const CANARY: &[&str] = &[
    "name",
    "in",
    "out",
    "to",
    "from",
    "interval",
    "late",
    "lost",
    "mailbox",
    "stop_while_paused",
];
/// The keys of `[incident]`.
pub(super) const INCIDENT: &[&str] = &[
    "open_after",
    "probes",
    "layers",
    "together",
    "reopen_within",
    "good_for",
    "first_update",
    "update_every",
    "often_for",
    "later_every",
    "publish",
    "number",
    "notify",
    "templates",
];
/// The keys of `[[server]]`.
pub(super) const SERVER: &[&str] = &[
    "name",
    "reach",
    "read_only",
    "interval",
    "timeout",
    "slow",
    "cert_days",
    "queue_depth",
    "confirm_above",
    "mx",
    "imap",
    "smtp",
    "submission",
    "lmtp",
    "pop3",
    "sieve",
    "queue",
    "job",
];
/// The keys of a door: `[[server.imap]]`, `[[server.smtp]]` and so on.
pub(super) const DOOR: &[&str] = &[
    "name",
    "url",
    "user",
    "password_command",
    "password_file",
    "password_env",
    "password",
    "token_command",
    "auth",
    "mailbox",
    "ca_file",
    "starttls",
    "rcpt",
    "mail_from",
    "helo",
    "resolvers",
    "role",
    "timeout",
];
/// The keys of `[[server.queue]]`.
pub(super) const QUEUE: &[&str] = &[
    "kind",
    "name",
    "config_dir",
    "list",
    "count",
    "log",
    "lifetime",
    "sudo",
    "load_budget",
];
/// The keys of `[[server.job]]`.
pub(super) const JOB: &[&str] = &[
    "name",
    "kind",
    "unit",
    "pause",
    "timer",
    "sudo",
    "status",
    "resume",
    "progress",
    "timeout",
    "psql",
    "url",
    "table",
    "run_as",
    "pause_sql",
    "resume_sql",
    "paused_when",
    "pid_file",
    "pattern",
    "user",
    "task",
    "service",
    "config_file",
    "preset",
    "valve",
    "config_dir",
    "transports",
    "destinations",
    "services",
];

/// The keys of `[[sender]]`, in a file of its own.
pub(super) const SENDER: &[&str] = &["name", "gives_up_after", "at_least", "tries", "source"];

/// The tables and their keys, under the names by which they are written.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("the top of the file", TOP),
    ("[defaults]", DEFAULTS),
    ("[incident]", INCIDENT),
    ("[[server]]", SERVER),
    ("[[canary]]", CANARY),
    ("[[server.imap]]", DOOR),
    ("[[server.queue]]", QUEUE),
    ("[[server.job]]", JOB),
];

/// The JSON Schema (2020-12) of the file, as pretty JSON.
pub fn json() -> String {
    let mut schema = schemars::schema_for!(File).to_value();
    without_null(&mut schema);
    format!("{schema:#}")
}

/// Takes `null` away: an optional key is left out in TOML, which has no null.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|t| t != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    map.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|c| c != &serde_json::json!({"type": "null"}));
                if let [Value::Object(one)] = choices.as_slice() {
                    let one = one.clone();
                    map.remove("anyOf");
                    map.extend(one);
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_schema_and_the_walk_know_the_same_keys() {
        let schema: serde_json::Value = serde_json::from_str(&json()).unwrap();
        let keys = |object: &serde_json::Value| -> BTreeSet<String> {
            object["properties"].as_object().unwrap().keys().cloned().collect()
        };
        let known = |list: &[&str]| -> BTreeSet<String> { list.iter().map(|s| (*s).to_owned()).collect() };
        assert_eq!(keys(&schema), known(TOP));
        for (name, list) in [
            ("Defaults", DEFAULTS),
            ("Incident", INCIDENT),
            ("Server", SERVER),
            ("Canary", CANARY),
            ("Door", DOOR),
            ("Queue", QUEUE),
            ("Job", JOB),
        ] {
            assert_eq!(keys(&schema["$defs"][name]), known(list), "{name}");
            assert_eq!(schema["$defs"][name]["additionalProperties"], false, "{name}");
        }
    }
}
