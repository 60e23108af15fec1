//! The config that lets mailtop watch the demo world: an ordinary TOML text with nothing in it that a config for real
//! servers could not have.

use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;

use super::control::Verb;
use super::host::Host;
use super::imap::USER;
use super::sim::JOB;
use crate::domain::Span;

const HEAD: &str = "# The mail world of `mailtop demo`: on loopback, made up, and gone when the demo ends.\n\n";

/// What the config has to name.
#[derive(Debug)]
pub struct Fleet<'a> {
    /// The mailtop program, for the helper commands.
    pub exe: &'a Path,
    /// The control socket.
    pub socket: &'a Path,
    /// The CA of the certificates.
    pub ca_file: &'a Path,
    /// The user's password.
    pub password_file: &'a Path,
    /// The IMAP doors.
    pub doors: &'a [(Host, SocketAddr)],
    /// How often to look, on the clock of the demo.
    pub interval: Span,
}

#[derive(Serialize)]
struct File {
    defaults: Defaults,
    incident: Incident,
    server: Vec<Server>,
}

#[derive(Serialize)]
struct Defaults {
    interval: String,
    timeout: String,
    load_budget: String,
    slow: String,
    cert_days: u32,
    queue_depth: u64,
    keep: String,
}

#[derive(Serialize)]
struct Incident {
    number: &'static str,
}

#[derive(Serialize)]
struct Server {
    name: &'static str,
    reach: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    imap: Vec<Imap>,
    queue: Vec<Queue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    job: Vec<Job>,
}

#[derive(Serialize)]
struct Imap {
    url: String,
    user: &'static str,
    password_file: String,
    ca_file: String,
    mailbox: &'static str,
}

#[derive(Serialize)]
struct Queue {
    kind: &'static str,
    list: Vec<String>,
    count: Vec<String>,
    log: Vec<String>,
    lifetime: &'static str,
}

#[derive(Serialize)]
struct Job {
    name: &'static str,
    kind: &'static str,
    status: Vec<String>,
    pause: Vec<String>,
    resume: Vec<String>,
    progress: Vec<String>,
}

impl Fleet<'_> {
    /// The config as TOML.
    pub fn toml(&self) -> Result<String, toml::ser::Error> {
        let file = File {
            defaults: Defaults {
                interval: format!("{}s", self.interval.secs()),
                timeout: "2s".into(),
                load_budget: "20%".into(),
                slow: "500ms".into(),
                cert_days: 14,
                queue_depth: 2_000,
                keep: "14d".into(),
            },
            incident: Incident { number: "INC######" },
            server: Host::ALL.map(|h| self.server(h)).into(),
        };
        Ok(HEAD.to_owned() + &toml::to_string(&file)?)
    }

    fn server(&self, host: Host) -> Server {
        let ask = |verb: Verb| {
            vec![
                self.exe.to_string_lossy().into_owned(),
                "demo-ctl".to_owned(),
                self.socket.to_string_lossy().into_owned(),
                verb.word().to_owned(),
                host.name().to_owned(),
            ]
        };
        let doors = self.doors.iter().filter(|(h, _)| *h == host);
        let jobs = (host == Host::Mbox1).then(|| Job {
            name: JOB,
            kind: "command",
            status: ask(Verb::JobStatus),
            pause: ask(Verb::JobPause),
            resume: ask(Verb::JobResume),
            progress: ask(Verb::JobProgress),
        });
        Server {
            name: host.name(),
            reach: "local",
            imap: doors
                .map(|(_, at)| Imap {
                    url: format!("imaps://{at}"),
                    user: USER,
                    password_file: self.password_file.to_string_lossy().into_owned(),
                    ca_file: self.ca_file.to_string_lossy().into_owned(),
                    mailbox: "INBOX",
                })
                .collect(),
            queue: vec![Queue {
                kind: "postfix",
                list: ask(Verb::Queue),
                count: ask(Verb::Count),
                log: ask(Verb::Log),
                lifetime: "5d",
            }],
            job: jobs.into_iter().collect(),
        }
    }
}
