//! Targets on the command line to a [`Config`], without a file: `imaps://probe@imap.example.com`, `ssh://mx1`, `localhost`,
//! and a bare domain, whose doors are in its DNS records: whoever may ask there hands them in.
//! A user without a password is not a mistake yet: [`Targets::lacking`] lets a caller with a keyboard ask for it first.

mod domain;
mod options;
mod unique;

pub use domain::{Ask, Told};
pub use options::{StartTls, TargetOptions};

use super::address::{self, DoorAddress, SshAddress};
use super::around::Around;
use super::discover::{self, Found};
use super::mistake::{Mistake, Wrong};
use super::server::Base;
use super::{Config, SecretSource, resolver};
use crate::domain::dns::Doors;
use crate::domain::door::{Place, Secret};
use crate::domain::queue::{LogSource, QueueKind, QueueSource, Sudo};
use crate::domain::{Name, Text};
use options::Said;
use unique::Unique;

/// The variable that holds the password when no option names another source.
pub const PASSWORD_ENV: &str = "MAILTOP_PASSWORD";

/// Targets that were understood; some of their doors may still lack a password.
#[derive(Clone, Debug)]
pub struct Targets {
    config: Config,
    lacking: Vec<Lacking>,
    told: Told,
}

/// A door with a user and no password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lacking {
    /// Its server.
    pub server: Name,
    /// The door.
    pub door: Name,
    /// The door's URL, for a prompt: `Password for imaps://probe@imap.example.com`.
    pub url: Text,
}

impl Targets {
    /// Reads targets. A target that is this host is looked at now, which takes up to a second or two; for one that is a
    /// domain `find` is asked.
    pub fn read(
        targets: &[String],
        options: &TargetOptions,
        find: impl Fn(&Ask<'_>) -> Doors,
    ) -> Result<Self, Vec<Mistake>> {
        Self::read_in(targets, options, &Around::here(), discover::this_host, find)
    }

    /// As [`Targets::read`], in the given surroundings.
    pub fn read_in(
        targets: &[String],
        options: &TargetOptions,
        around: &Around,
        here: impl FnOnce() -> Found,
        find: impl Fn(&Ask<'_>) -> Doors,
    ) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let said = Said::read(options, around, &mut mistakes);
        let mut parsed: Vec<Target> = Vec::new();
        for word in targets {
            match Target::parse(word) {
                Ok(target) if parsed.contains(&target) => {
                    mistakes.push(mistake(word, Wrong::new("is given twice", "name each target once")));
                }
                Ok(target) => parsed.push(target),
                Err(wrong) => mistakes.push(mistake(word, wrong)),
            }
        }
        if targets.is_empty() {
            let whole = Mistake::whole("command line", "no target is given");
            mistakes.push(whole.fix("name one, for example imaps://imap.example.com, ssh://mx1 or localhost"));
        }
        said.fits(&parsed, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let (parsed, told) = domain::found(parsed, &said, find, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let here = if parsed.contains(&Target::Here) {
            Some(discover::config_for(&here()).map_err(|m| vec![m])?)
        } else {
            None
        };
        let mut taken = Unique::new(&parsed);
        let mut lacking = Vec::new();
        let mut servers = Vec::new();
        for target in parsed {
            let name = taken.name(&target);
            servers.extend(match target {
                Target::Door(address) => {
                    let server = said.door_server(name, address);
                    lacking.extend(
                        server
                            .doors
                            .iter()
                            .filter(|i| i.door.user.is_some() && i.secret.is_none())
                            .map(|i| Lacking {
                                server: server.name.clone(),
                                door: i.door.name.clone(),
                                url: i.door.url(),
                            }),
                    );
                    vec![server]
                }
                Target::Host { doors, .. } => vec![said.host_server(name, doors)],
                // Its hosts stand in its place.
                Target::Domain(_) => Vec::new(),
                Target::Ssh(address) => vec![said.ssh_server(name, &address)],
                Target::Here => here
                    .iter()
                    .flat_map(|c| &c.servers)
                    .map(|s| said.this_host(&name, s))
                    .collect(),
            });
        }
        Ok(Self {
            config: Config {
                path: None,
                defaults: said.base.defaults,
                servers,
                senders: said.base.senders,
                canaries: Vec::new(),
                incident: super::Incident::default(),
            },
            lacking,
            told,
        })
    }

    /// The doors that still lack a password, in the order of the targets.
    pub fn lacking(&self) -> &[Lacking] {
        &self.lacking
    }

    /// What a reader should know of how the doors of domains were found.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// Gives a door its password.
    pub fn fill_secret(&mut self, door: &Lacking, given: Secret) {
        let server = self.config.servers.iter_mut().find(|s| s.name == door.server);
        if let Some(source) = server.and_then(|s| s.doors.iter_mut().find(|i| i.door.name == door.door)) {
            source.secret = Some(SecretSource::Known(given));
        }
        self.lacking.retain(|l| l != door);
    }

    /// The config; a mistake for every door that still lacks its password.
    pub fn finish(self) -> Result<Config, Vec<Mistake>> {
        if self.lacking.is_empty() {
            return Ok(self.config);
        }
        let needs = |door: Lacking| {
            Mistake::whole("command line", "needs a password")
                .key(door.url)
                .fix(format!(
                    "set {PASSWORD_ENV}, or give --password-file, --password-env or --password-command; \
                 or leave the user out to probe as far as the greeting"
                ))
        };
        Err(self.lacking.into_iter().map(needs).collect())
    }
}

fn mistake(word: &str, wrong: Wrong) -> Mistake {
    Mistake::whole("command line", wrong.what)
        .key(address::masked(word))
        .fix(wrong.fix)
}

/// One target.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Target {
    Door(DoorAddress),
    Domain(String),
    /// A host that a domain names.
    Host {
        domain: String,
        host: String,
        doors: Vec<DoorAddress>,
    },
    Ssh(SshAddress),
    Here,
}

impl Target {
    fn parse(word: &str) -> Result<Self, Wrong> {
        if ["localhost", "local", "local://", "local:"].contains(&word) {
            return Ok(Self::Here);
        }
        let Some((scheme, _)) = word.split_once("://") else {
            if let Ok(domain) = resolver::domain(word) {
                return Ok(Self::Domain(domain));
            }
            if let Some((user, domain)) = word.rsplit_once('@')
                && resolver::domain(domain).is_ok()
                && !user.contains(':')
            {
                return Err(Wrong::new(
                    "names a user at a domain, and no password is handed to whatever host DNS names",
                    format!("write {domain} to find its doors, then imaps://{user}@HOST for a login"),
                ));
            }
            let (what, fix) = if word.starts_with('-') || word.is_empty() || word.contains(char::is_whitespace) {
                (
                    "is no target",
                    "write for example imaps://imap.example.com, ssh://mx1 or localhost".to_owned(),
                )
            } else {
                let word = address::masked(word);
                (
                    "does not say how to look at it",
                    format!("write imaps://{word} for its IMAP door, or ssh://{word} for its queue"),
                )
            };
            return Err(Wrong::new(what, fix));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "ssh" => address::ssh(word).map(Self::Ssh),
            other => match address::scheme(other) {
                Some((protocol, _)) => address::door(word, protocol).map(Self::Door),
                None => Err(Wrong::new(
                    format!("`{other}://` is not known"),
                    "known are imaps, imap, smtp, submission, submissions, lmtp, pop3s, pop3, sieve, mx and ssh, a bare domain, and localhost",
                )),
            },
        }
    }

    /// What the server is called, from the plainest on.
    fn names(&self) -> [String; 3] {
        match self {
            Self::Door(a) => {
                let user = a.user.as_ref().map(|u| format!("{u}@")).unwrap_or_default();
                match &a.at {
                    Place::Tcp { host, port } => {
                        let at = format!("{}:{port}", bracketed(host));
                        [host.clone(), at.clone(), format!("{user}{at}")]
                    }
                    Place::Socket(path) => [path.clone(), path.clone(), format!("{user}{path}")],
                }
            }
            Self::Domain(domain) => [domain.clone(), domain.clone(), domain.clone()],
            Self::Host { host, domain, .. } => {
                let of = format!("{host} of {domain}");
                [host.clone(), of.clone(), of]
            }
            Self::Ssh(a) => [a.host.clone(), a.destination(), format!("ssh:{}", a.destination())],
            Self::Here => ["localhost".into(), "this-host".into(), "local".into()],
        }
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// The default Postfix instance, read within the usual budget.
pub(super) fn default_queue() -> QueueSource {
    QueueSource {
        name: QueueKind::Postfix.word().into(),
        kind: QueueKind::Postfix,
        config_dir: None,
        list: None,
        count: None,
        sudo: Sudo::No,
        log: LogSource::Auto,
        lifetime: None,
        budget_permille: Base::default().permille,
    }
}

#[cfg(test)]
mod tests;
