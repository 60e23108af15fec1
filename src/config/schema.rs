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
    /// The servers to watch.
    pub server: Vec<Server>,
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
    /// How long raw events are kept in the journal.
    #[schemars(extend("default" = "14d"))]
    pub keep: Option<Duration>,
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
    /// Its IMAP doors.
    #[serde(default)]
    pub imap: Vec<Imap>,
    /// Its mail queues.
    #[serde(default)]
    pub queue: Vec<Queue>,
    /// Its maintenance jobs.
    #[serde(default)]
    pub job: Vec<Job>,
}

/// One IMAP door. With a user it needs one secret; without a user it is probed as far as the greeting.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imap {
    /// Unique on its server; `imap`, `imap2`, … unless given.
    pub name: Option<String>,
    /// `imaps://[USER@]HOST[:PORT]` for TLS from the first byte, `imap://…` for STARTTLS.
    #[schemars(regex(pattern = r"^[iI][mM][aA][pP][sS]?://[^/]+/?$"))]
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
    /// The mailbox that is opened, read-only.
    #[schemars(extend("default" = "INBOX"))]
    pub mailbox: Option<String>,
    /// A PEM bundle trusted for this door in place of the system's.
    pub ca_file: Option<String>,
    /// On `imap://`: whether to insist on STARTTLS.
    #[schemars(extend("default" = true))]
    pub starttls: Option<bool>,
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
    /// Run the commands through `sudo -n`.
    #[schemars(extend("default" = false))]
    pub sudo: Option<bool>,
    /// In place of `defaults.load_budget`.
    pub load_budget: Option<Share>,
}

/// One maintenance job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Unique on its server.
    pub name: String,
    /// `systemd` needs `unit`; `command` needs `status`, `pause` and `resume`.
    pub kind: JobKind,
    /// The unit: `mail-db-compact.service`.
    pub unit: Option<String>,
    /// How the unit is paused.
    #[schemars(extend("default" = "freeze"))]
    pub pause: Option<Pause>,
    /// The timer that would start it again; stopped while it is paused.
    pub timer: Option<String>,
    /// Run systemctl through `sudo -n`.
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
}

/// How a job is read and steered.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// A systemd unit.
    Systemd,
    /// Commands of your own.
    Command,
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
    "keep",
    "read_only",
    "ssh_config",
    "ascii",
    "slow_screen",
];
/// The keys at the top.
pub(super) const TOP: &[&str] = &["defaults", "server"];
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
    "imap",
    "queue",
    "job",
];
/// The keys of `[[server.imap]]`.
pub(super) const IMAP: &[&str] = &[
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
    "timeout",
];
/// The keys of `[[server.queue]]`.
pub(super) const QUEUE: &[&str] = &["kind", "name", "config_dir", "list", "count", "sudo", "load_budget"];
/// The keys of `[[server.job]]`.
pub(super) const JOB: &[&str] = &[
    "name", "kind", "unit", "pause", "timer", "sudo", "status", "resume", "progress", "timeout",
];

/// The tables and their keys, under the names by which they are written.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("the top of the file", TOP),
    ("[defaults]", DEFAULTS),
    ("[[server]]", SERVER),
    ("[[server.imap]]", IMAP),
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
            ("Server", SERVER),
            ("Imap", IMAP),
            ("Queue", QUEUE),
            ("Job", JOB),
        ] {
            assert_eq!(keys(&schema["$defs"][name]), known(list), "{name}");
            assert_eq!(schema["$defs"][name]["additionalProperties"], false, "{name}");
        }
    }
}
