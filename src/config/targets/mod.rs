//! Targets on the command line to a [`Config`], without a file: `imaps://probe@imap.example.com`, `ssh://mx1`, `localhost`.
//! A user without a password is not a mistake yet: [`Targets::lacking`] lets a caller with a keyboard ask for it first.

mod options;
mod unique;

pub use options::{StartTls, TargetOptions};

use super::address::{self, ImapAddress, SshAddress};
use super::around::Around;
use super::discover::{self, Found};
use super::mistake::{Mistake, Wrong};
use super::server::Base;
use super::{Config, SecretSource};
use crate::domain::door::Secret;
use crate::domain::queue::{QueueKind, QueueSource, Sudo};
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

/// Reads targets; every user needs a password from somewhere by now.
pub fn from_args(targets: &[String], options: &TargetOptions) -> Result<Config, Vec<Mistake>> {
    Targets::read(targets, options)?.finish()
}

impl Targets {
    /// Reads targets. A target that is this host is looked at now, which takes up to a second or two.
    pub fn read(targets: &[String], options: &TargetOptions) -> Result<Self, Vec<Mistake>> {
        Self::read_in(targets, options, &Around::here(), discover::this_host)
    }

    /// As [`Targets::read`], in the given surroundings.
    pub fn read_in(
        targets: &[String],
        options: &TargetOptions,
        around: &Around,
        here: impl FnOnce() -> Found,
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
                Target::Imap(address) => {
                    let server = said.imap_server(name, address);
                    lacking.extend(
                        server
                            .imap
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
            },
            lacking,
        })
    }

    /// The doors that still lack a password, in the order of the targets.
    pub fn lacking(&self) -> &[Lacking] {
        &self.lacking
    }

    /// Gives a door its password.
    pub fn fill_secret(&mut self, door: &Lacking, given: Secret) {
        let server = self.config.servers.iter_mut().find(|s| s.name == door.server);
        if let Some(imap) = server.and_then(|s| s.imap.iter_mut().find(|i| i.door.name == door.door)) {
            imap.secret = Some(SecretSource::Known(given));
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
    Imap(ImapAddress),
    Ssh(SshAddress),
    Here,
}

impl Target {
    fn parse(word: &str) -> Result<Self, Wrong> {
        if ["localhost", "local", "local://", "local:"].contains(&word) {
            return Ok(Self::Here);
        }
        let Some((scheme, _)) = word.split_once("://") else {
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
            "imap" | "imaps" => address::imap(word).map(Self::Imap),
            "ssh" => address::ssh(word).map(Self::Ssh),
            other => Err(Wrong::new(
                format!("`{other}://` is not known"),
                "known are imaps://, imap://, ssh:// and localhost",
            )),
        }
    }

    /// What the server is called, from the plainest on.
    fn names(&self) -> [String; 3] {
        match self {
            Self::Imap(a) => {
                let host = bracketed(&a.host);
                let user = a.user.as_ref().map(|u| format!("{u}@")).unwrap_or_default();
                [
                    a.host.clone(),
                    format!("{host}:{}", a.port),
                    format!("{user}{host}:{}", a.port),
                ]
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
        budget_permille: Base::default().permille,
    }
}

#[cfg(test)]
mod tests;
