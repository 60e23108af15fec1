//! What mail work is done on this host: found by [`this_host`], told to people by [`Found::describe`], written as a config
//! by [`Found::to_toml`], watched by [`config_for`]. Looking changes nothing, and what could not be read is named.

mod look;
mod parse;
mod peek;
mod render;
mod run;

pub use look::{this_host, this_host_in};

use super::mistake::Mistake;
use super::server::Base;
use super::targets::default_queue;
use super::{Config, DoorSource, Reach, Server};
use crate::domain::door::{Door, Mechanism, Place, Protocol, Security};
use crate::domain::queue::QueueSource;
use crate::domain::reading::Missed;
use crate::domain::{Name, Text};

/// What is on a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// What the host calls itself.
    pub host: Name,
    /// Its Postfix instances, the default one first.
    pub postfix: Vec<Instance>,
    /// Its IMAP ports that answer.
    pub doors: Vec<FoundDoor>,
    /// Units that look like maintenance of mail.
    pub units: Vec<FoundUnit>,
    /// Mail systems that are here and cannot be watched yet.
    pub others: Vec<Text>,
    /// What could not be read, and why.
    pub unread: Vec<Missed>,
}

/// A Postfix instance, as `postmulti -l` shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// Its name; `None` where it has none.
    pub name: Option<String>,
    /// Its configuration folder.
    pub config_dir: String,
    /// Whether it is started with the others.
    pub use_: Use,
}

/// Whether something is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// It is.
    Enabled,
    /// It is set up, and switched off.
    Disabled,
}

/// An IMAP port that answers on the loopback address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundDoor {
    /// The port.
    pub port: u16,
    /// What it speaks there.
    pub speaks: Speaks,
}

/// What an IMAP port speaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Speaks {
    /// IMAP in the clear, with STARTTLS or without.
    Clear,
    /// TLS with a certificate that this host trusts for this name, which leads back to it.
    Tls {
        /// The name to dial.
        host: String,
    },
    /// TLS with a certificate that does not hold for any name by which this host can dial itself.
    Untrusted {
        /// Why not.
        why: Text,
    },
}

/// A systemd unit that may be worth pausing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundUnit {
    /// `mail-db-compact.service`.
    pub unit: String,
    /// The timer that starts it.
    pub timer: Option<String>,
}

impl Found {
    /// Whether there is nothing here to watch.
    pub fn is_empty(&self) -> bool {
        self.postfix.is_empty() && self.doors.is_empty()
    }

    /// For people: a line for each thing found, and for each that could not be read.
    pub fn describe(&self) -> Vec<Text> {
        let mut lines: Vec<String> = Vec::new();
        for p in &self.postfix {
            let off = match p.use_ {
                Use::Enabled => "",
                Use::Disabled => " (switched off)",
            };
            lines.push(format!("Postfix, {}{off}", p.config_dir));
        }
        for door in &self.doors {
            lines.push(match &door.speaks {
                Speaks::Clear => format!("IMAP on port {}", door.port),
                Speaks::Tls { host } => format!("IMAP over TLS on port {}, as {host}", door.port),
                Speaks::Untrusted { why } => {
                    format!(
                        "IMAP over TLS on port {}, with a certificate that does not hold here: {why}",
                        door.port
                    )
                }
            });
        }
        for unit in &self.units {
            let timer = unit
                .timer
                .as_ref()
                .map(|t| format!(", started by {t}"))
                .unwrap_or_default();
            lines.push(format!(
                "{}{timer}: perhaps maintenance (suggested, not watched)",
                unit.unit
            ));
        }
        for other in &self.others {
            lines.push(format!("{other}: its queue cannot be watched yet"));
        }
        if self.is_empty() {
            lines.push("no Postfix and no IMAP that could be watched".to_owned());
        }
        for missed in &self.unread {
            lines.push(format!("not known: {missed}"));
        }
        lines.iter().map(|l| format!("{}: {l}", self.host).into()).collect()
    }

    /// The config that `mailtop init` writes: what was found, then every setting with its explanation.
    pub fn to_toml(&self) -> String {
        render::toml(self)
    }

    /// The door to watch: the one that proves most without a secret and without a false alarm. A certificate that does
    /// not hold on the loopback address says nothing about the name that clients use.
    fn best_door(&self) -> Option<Door> {
        let trusted = self.doors.iter().find_map(|d| match &d.speaks {
            Speaks::Tls { host } => Some((host.clone(), d.port, Security::Tls)),
            _ => None,
        });
        let here = |speaks: fn(&Speaks) -> bool, security| {
            let door = self.doors.iter().find(|d| speaks(&d.speaks))?;
            Some(("127.0.0.1".to_owned(), door.port, security))
        };
        let (host, port, security) = trusted
            .or_else(|| here(|s| matches!(s, Speaks::Clear), Security::Plain))
            .or_else(|| here(|_| true, Security::Tls))?;
        Some(Door {
            name: "imap".into(),
            speaks: crate::domain::door::Speaks::imap(),
            role: Protocol::Imap.role(),
            at: Place::tcp(host, port),
            security,
            user: None,
            mechanism: Mechanism::Password,
            ca_file: None,
            timeout: Base::default().timeout,
        })
    }

    /// The instances that run, with the names and folders that a queue takes.
    fn queues(&self) -> Vec<QueueSource> {
        let mut queues: Vec<QueueSource> = Vec::new();
        for instance in self.postfix.iter().filter(|p| p.use_ == Use::Enabled) {
            let mut queue = default_queue();
            if let Some(own) = instance.own_name() {
                queue.name = Name::new(&own);
                queue.config_dir = Some(instance.config_dir.clone());
            }
            if queues.iter().any(|q| q.name == queue.name) {
                queue.name = Name::new(&instance.config_dir);
                queue.config_dir = Some(instance.config_dir.clone());
            }
            queues.push(queue);
        }
        queues
    }
}

impl Instance {
    /// What tells it from the default instance; `None` for that.
    fn own_name(&self) -> Option<String> {
        if self.config_dir == look::POSTFIX_DIR {
            return None;
        }
        let folder = self.config_dir.rsplit('/').find(|part| !part.is_empty());
        Some(
            self.name
                .clone()
                .or_else(|| folder.map(Into::into))
                .unwrap_or_else(|| self.config_dir.clone()),
        )
    }
}

/// What `mailtop localhost` watches.
pub fn config_for(found: &Found) -> Result<Config, Mistake> {
    let base = Base::default();
    let queues = found.queues();
    let door = found.best_door();
    if queues.is_empty() && door.is_none() {
        let why = found.unread.first().map(|m| format!(" ({m})")).unwrap_or_default();
        let nothing = Mistake::whole(
            found.host.as_str(),
            format!("no mail system was found on this host{why}"),
        );
        return Err(nothing.fix("name a target, for example imaps://imap.example.com or ssh://mx1, or write a config"));
    }
    let server = Server {
        name: found.host.clone(),
        reach: Reach::Local,
        read_only: false,
        every: base.every,
        timeout: base.timeout,
        limits: base.limits,
        confirm_above: base.confirm_above,
        doors: door.into_iter().map(|door| DoorSource { door, secret: None }).collect(),
        queues,
        jobs: Vec::new(),
    };
    Ok(Config {
        path: None,
        defaults: base.defaults,
        servers: vec![server],
        senders: base.senders,
        canaries: Vec::new(),
        incident: super::Incident::default(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::reading::Miss;

    /// A host with everything on it.
    pub(in crate::config) fn busy() -> Found {
        let instance = |name: Option<&str>, dir: &str, use_| Instance {
            name: name.map(Into::into),
            config_dir: dir.into(),
            use_,
        };
        Found {
            host: "mx1".into(),
            postfix: vec![
                instance(None, "/etc/postfix", Use::Enabled),
                instance(Some("postfix-out"), "/etc/postfix-out", Use::Enabled),
                instance(Some("postfix-old"), "/etc/postfix-old", Use::Disabled),
            ],
            doors: vec![
                FoundDoor {
                    port: 143,
                    speaks: Speaks::Clear,
                },
                FoundDoor {
                    port: 993,
                    speaks: Speaks::Tls {
                        host: "imap.example.com".into(),
                    },
                },
            ],
            units: vec![FoundUnit {
                unit: "dovecot-compact.service".into(),
                timer: Some("dovecot-compact.timer".into()),
            }],
            others: vec!["Exim".into()],
            unread: vec![Missed::new(
                Miss::Denied,
                "doveconf service/imap-login",
                "Permission denied",
            )],
        }
    }

    pub(in crate::config) fn bare() -> Found {
        Found {
            host: "mx1".into(),
            postfix: vec![],
            doors: vec![],
            units: vec![],
            others: vec![],
            unread: vec![],
        }
    }

    #[test]
    fn what_was_found_is_told_line_by_line() {
        let lines: Vec<String> = busy().describe().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        mx1: Postfix, /etc/postfix
        mx1: Postfix, /etc/postfix-out
        mx1: Postfix, /etc/postfix-old (switched off)
        mx1: IMAP on port 143
        mx1: IMAP over TLS on port 993, as imap.example.com
        mx1: dovecot-compact.service, started by dovecot-compact.timer: perhaps maintenance (suggested, not watched)
        mx1: Exim: its queue cannot be watched yet
        mx1: not known: doveconf service/imap-login: Permission denied
        "#);
        assert_eq!(
            bare().describe(),
            [Text::from("mx1: no Postfix and no IMAP that could be watched")]
        );
    }

    #[test]
    fn what_is_watched_is_the_trusted_door_and_the_queues_that_run() {
        let config = config_for(&busy()).unwrap();
        let server = &config.servers[0];
        assert_eq!(server.reach, Reach::Local);
        assert_eq!(server.doors[0].door.url().as_str(), "imaps://imap.example.com");
        let queues: Vec<_> = server
            .queues
            .iter()
            .map(|q| (q.name.as_str(), q.config_dir.as_deref()))
            .collect();
        assert_eq!(queues, [("postfix", None), ("postfix-out", Some("/etc/postfix-out"))]);
        assert!(server.jobs.is_empty(), "a guess is never steered");
    }

    #[test]
    fn a_certificate_that_does_not_hold_on_loopback_is_no_false_alarm() {
        let mut found = bare();
        found.doors = vec![FoundDoor {
            port: 993,
            speaks: Speaks::Untrusted {
                why: "self-signed".into(),
            },
        }];
        assert_eq!(found.best_door().unwrap().security, Security::Tls);
        found.doors.push(FoundDoor {
            port: 143,
            speaks: Speaks::Clear,
        });
        let door = found.best_door().unwrap();
        assert_eq!((door.at.port(), door.security, door.user), (143, Security::Plain, None));
    }

    #[test]
    fn a_host_without_mail_is_a_mistake_that_says_what_could_not_be_read() {
        let mut found = bare();
        found.unread = busy().unread;
        let why = config_for(&found).unwrap_err().to_string();
        assert!(
            why.contains("no mail system was found") && why.contains("Permission denied"),
            "{why}"
        );
    }

    #[test]
    fn two_instances_of_one_name_get_two_queues() {
        let mut found = busy();
        found.postfix[2] = Instance {
            name: Some("postfix-out".into()),
            config_dir: "/opt/postfix-out".into(),
            use_: Use::Enabled,
        };
        let names: Vec<_> = found.queues().iter().map(|q| q.name.to_string()).collect();
        assert_eq!(names, ["postfix", "postfix-out", "/opt/postfix-out"]);
    }
}
