//! The TOML file (or the targets on the command line) to a validated [`Config`]. Every mistake is found in one go and
//! named with file, line, key and the way to mend it. May import `domain` only.

pub mod around;
pub mod discover;
pub mod file;
pub mod mistake;
pub mod paths;
pub mod schema;
pub mod secret;
pub mod targets;
pub mod templates;

mod address;
mod canary;
mod door;
mod dovecot;
mod incident;
mod names;
mod postgres;
pub mod presets;
mod quantity;
mod resolver;
mod senders;
mod server;
mod table;
mod valve;
mod work;

use std::path::PathBuf;

pub use file::{Loaded, load, load_in};
pub use incident::Incident;
pub use mistake::{Mistake, SecretCommand};
pub use senders::SHIPPED as SENDERS_TOML;
pub use targets::{TargetOptions, Targets};

use crate::domain::canary::CanarySpec;
use crate::domain::dns::Resolver;
use crate::domain::door::{Door, Protocol};
use crate::domain::health::Limits;
use crate::domain::horizon::Patience;
use crate::domain::job::JobSpec;
use crate::domain::queue::QueueSource;
use crate::domain::roster::{Roster, Watched, WatchedCanary, WatchedDoor, WatchedJob, WatchedQueue};
use crate::domain::{Name, Span};

/// Everything that was configured, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it was read from; `None` for targets on the command line and for discovery.
    pub path: Option<PathBuf>,
    /// What holds for all.
    pub defaults: Defaults,
    /// The servers, in the order of the file. At least one.
    pub servers: Vec<Server>,
    /// When the servers that send mail to them give up: the user's table, else the one that comes with mailtop.
    pub senders: Vec<Patience>,
    /// `[[canary]]`: letters through pairs of doors, which are there.
    pub canaries: Vec<CanarySpec>,
    /// `[incident]`.
    pub incident: Incident,
}

/// `[defaults]`.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The user's ssh config, when not the usual one (`ssh -F`).
    pub ssh_config: Option<PathBuf>,
    /// How long raw events are kept.
    pub keep: Span,
    /// For how long a pause lasts unless somebody says otherwise.
    pub pause_for: Span,
    /// Take all actions away.
    pub read_only: bool,
    /// Glyphs from ASCII only.
    pub ascii: bool,
    /// Repaint for data every five seconds.
    pub slow: bool,
    /// DNS servers asked in place of the system's; none: the system's.
    pub resolvers: Vec<Resolver>,
}

/// `[[server]]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Unique.
    pub name: Name,
    /// How commands get there.
    pub reach: Reach,
    /// Take its actions away.
    pub read_only: bool,
    /// How often each thing is looked at.
    pub every: Span,
    /// The longest that one step of a look may take.
    pub timeout: Span,
    /// Where trouble begins.
    pub limits: Limits,
    /// An action that touches more messages than this wants the server's name typed.
    pub confirm_above: u64,
    /// Its doors.
    pub doors: Vec<DoorSource>,
    /// Its queues.
    pub queues: Vec<QueueSource>,
    /// Its maintenance jobs.
    pub jobs: Vec<JobSpec>,
}

/// How commands get to a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// They do not.
    None,
    /// It is this host.
    Local,
    /// By ssh, to this destination as the user's ssh config knows it (`alias`, `user@host`, `ssh://user@host:port`).
    Ssh(String),
}

/// `[[server.imap]]`, `[[server.smtp]]` and so on.
#[derive(Clone, Debug)]
pub struct DoorSource {
    /// The door.
    pub door: Door,
    /// Where its secret comes from, when somebody logs in.
    pub secret: Option<SecretSource>,
}

/// Where a password or token comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretSource {
    /// The first line that this program prints. Run when it is needed, again after the server refused what it gave.
    Command(Vec<String>),
    /// Read already, from a file, the environment, a prompt, or the config itself.
    Known(crate::domain::door::Secret),
}

impl Config {
    /// What is watched, without secrets.
    pub fn roster(&self) -> Roster {
        Roster {
            servers: self
                .servers
                .iter()
                .map(|s| Watched {
                    read_only: s.read_only || self.defaults.read_only,
                    ..s.watched()
                })
                .collect(),
            senders: self.senders.clone(),
            canaries: self.canaries.iter().map(watched_canary).collect(),
        }
    }
    /// A server by its name, and a door of it by its name.
    pub fn door(&self, end: &crate::domain::canary::End) -> Option<(&Server, &DoorSource)> {
        let server = self.servers.iter().find(|s| s.name == end.server)?;
        Some((server, server.doors.iter().find(|d| d.door.name == end.door)?))
    }
}

fn watched_canary(c: &CanarySpec) -> WatchedCanary {
    WatchedCanary {
        name: c.name.clone(),
        way_in: c.way_in.clone(),
        way_out: c.way_out.clone(),
        to: c.to.as_str().into(),
        mailbox: c.mailbox.as_str().into(),
        every: c.every,
        late: c.late,
        lost: c.lost,
    }
}

impl Server {
    /// Its doors of one protocol, in the order of the file.
    pub fn doors_of(&self, protocol: Protocol) -> impl Iterator<Item = &DoorSource> {
        self.doors.iter().filter(move |d| d.door.protocol() == protocol)
    }
    /// What is watched of it, without secrets.
    pub fn watched(&self) -> Watched {
        Watched {
            name: self.name.clone(),
            reach: match &self.reach {
                Reach::None => None,
                Reach::Local => Some("local".into()),
                Reach::Ssh(host) => Some(format!("ssh:{host}").into()),
            },
            read_only: self.read_only,
            every: self.every,
            limits: self.limits,
            doors: self
                .doors
                .iter()
                .map(|d| WatchedDoor {
                    name: d.door.name.clone(),
                    url: d.door.url(),
                    protocol: d.door.protocol(),
                    role: d.door.role,
                    anonymous: d.door.user.is_none(),
                })
                .collect(),
            queues: self
                .queues
                .iter()
                .map(|q| WatchedQueue {
                    budget_permille: q.budget_permille,
                    name: q.name.clone(),
                    kind: q.kind,
                })
                .collect(),
            jobs: self
                .jobs
                .iter()
                .map(|j| WatchedJob {
                    name: j.name.clone(),
                    kind: j.kind.word().into(),
                    about: j.about(),
                })
                .collect(),
        }
    }
}
