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

mod address;
mod imap;
mod names;
mod quantity;
mod server;
mod table;
mod work;

use std::path::PathBuf;

pub use file::{Loaded, load, load_in};
pub use mistake::{Mistake, SecretCommand};
pub use targets::{TargetOptions, Targets};

use crate::domain::door::ImapDoor;
use crate::domain::health::Limits;
use crate::domain::job::JobSpec;
use crate::domain::queue::QueueSource;
use crate::domain::roster::{Roster, Watched, WatchedDoor, WatchedJob, WatchedQueue};
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
}

/// `[defaults]`.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The user's ssh config, when not the usual one (`ssh -F`).
    pub ssh_config: Option<PathBuf>,
    /// How long raw events are kept.
    pub keep: Span,
    /// Take all actions away.
    pub read_only: bool,
    /// Glyphs from ASCII only.
    pub ascii: bool,
    /// Repaint for data every five seconds.
    pub slow: bool,
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
    /// Its IMAP doors.
    pub imap: Vec<Imap>,
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

/// `[[server.imap]]`.
#[derive(Clone, Debug)]
pub struct Imap {
    /// The door.
    pub door: ImapDoor,
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
        }
    }
}

impl Server {
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
                .imap
                .iter()
                .map(|i| WatchedDoor {
                    name: i.door.name.clone(),
                    url: i.door.url(),
                    anonymous: i.door.user.is_none(),
                })
                .collect(),
            queues: self
                .queues
                .iter()
                .map(|q| WatchedQueue {
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
