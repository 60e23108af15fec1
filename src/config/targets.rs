//! Targets on the command line to a [`Config`], without a file: `imaps://probe@imap.example.com`, `ssh://mx1`, `localhost`.
//! A user without a password is not a mistake yet: [`Targets::lacking`] lets a caller with a keyboard ask for it first.

use std::collections::HashSet;
use std::path::PathBuf;

use super::address::{self, ImapAddress, SshAddress};
use super::around::Around;
use super::discover::{self, Found};
use super::mistake::{Mistake, Wrong};
use super::server::Base;
use super::{Config, Imap, Reach, SecretSource, Server, imap, secret};
use crate::domain::door::{ImapDoor, Mechanism, Secret, Security};
use crate::domain::queue::{QueueKind, QueueSource, Sudo};
use crate::domain::{Name, Span, Text};

/// The variable that holds the password when no option names another source.
pub const PASSWORD_ENV: &str = "MAILTOP_PASSWORD";

/// What may be said about targets on the command line.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options for targets")]
pub struct TargetOptions {
    /// The password is the first line of this file
    #[arg(long, value_name = "FILE", group = "secret")]
    pub password_file: Option<PathBuf>,
    /// The password is in this environment variable [default: MAILTOP_PASSWORD, where it is set]
    #[arg(long, value_name = "NAME", group = "secret")]
    pub password_env: Option<String>,
    /// The password is the first line that this shell command prints
    #[arg(long, value_name = "COMMAND", group = "secret")]
    pub password_command: Option<String>,
    /// An OAuth access token is the first line that this shell command prints
    #[arg(long, value_name = "COMMAND", group = "secret")]
    pub token_command: Option<String>,
    /// Trust the certificates of this PEM file in place of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The mailbox that is opened [default: INBOX]
    #[arg(long, value_name = "NAME")]
    pub mailbox: Option<String>,
    /// On imap:// targets: whether to insist on STARTTLS [default: required]
    #[arg(long, value_name = "WHEN", value_enum)]
    pub starttls: Option<StartTls>,
    /// An ssh config in place of the usual one
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
    /// How often each thing is looked at [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub interval: Option<String>,
    /// The longest that one step of a look may take [default: 5s]
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
}

/// Whether an `imap://` target goes on without TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum StartTls {
    /// It does not.
    Required,
    /// It does: the password goes over the network in the clear.
    Off,
}

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

/// Gives each target the plainest name that no other target shares.
struct Unique {
    shared: [HashSet<String>; 3],
    taken: HashSet<Name>,
}

impl Unique {
    fn new(targets: &[Target]) -> Self {
        let mut seen: [HashSet<String>; 3] = Default::default();
        let mut shared: [HashSet<String>; 3] = Default::default();
        for names in targets.iter().map(Target::names) {
            for ((name, seen), shared) in names.into_iter().zip(&mut seen).zip(&mut shared) {
                if !seen.insert(name.clone()) {
                    shared.insert(name);
                }
            }
        }
        Self {
            shared,
            taken: HashSet::new(),
        }
    }

    fn name(&mut self, target: &Target) -> Name {
        let names = target.names();
        let [.., last] = &names;
        let alone = names
            .iter()
            .zip(&self.shared)
            .find(|(name, shared)| !shared.contains(*name) && !self.taken.contains(&Name::new(name)))
            .map(|(name, _)| name.clone());
        let mut name = Name::new(alone.as_ref().unwrap_or(last));
        let mut n = 2;
        while self.taken.contains(&name) {
            name = Name::new(&format!("{last}-{n}"));
            n += 1;
        }
        self.taken.insert(name.clone());
        name
    }
}

/// The options, checked.
struct Said {
    base: Base,
    secret: Option<SecretSource>,
    /// The option that gave the secret; `None` when it came from the usual variable, or from nowhere.
    by_option: Option<&'static str>,
    mechanism: Mechanism,
    ca_file: Option<PathBuf>,
    mailbox: String,
    starttls: Option<StartTls>,
}

impl Said {
    fn read(options: &TargetOptions, around: &Around, mistakes: &mut Vec<Mistake>) -> Self {
        let mut note = |option: &str, result: Result<(), Wrong>| {
            if let Err(wrong) = result {
                mistakes.push(mistake(option, wrong));
            }
        };
        let mut base = Base::default();
        let mut span = |option, given: &Option<String>, bounds, into: &mut Span| {
            if let Some(written) = given {
                note(option, super::table::span(written, bounds).map(|s| *into = s));
            }
        };
        span("--interval", &options.interval, super::table::INTERVAL, &mut base.every);
        span("--timeout", &options.timeout, super::table::TIMEOUT, &mut base.timeout);
        if let Some(path) = &options.ca_file {
            note("--ca-file", imap::pem(path));
        }
        if let Some(path) = &options.ssh_config {
            let fix = "name an ssh config that you can read";
            let read = super::file::bounded(path).map(|_| ());
            note(
                "--ssh-config",
                read.map_err(|e| Wrong::new(format!("cannot read {}: {e}", path.display()), fix)),
            );
        }
        let mailbox = options.mailbox.clone().unwrap_or_else(|| "INBOX".to_owned());
        if mailbox.is_empty() || mailbox.chars().any(char::is_control) {
            let wrong = Wrong::new(
                "is empty or holds a control character",
                "name a mailbox, for example INBOX",
            );
            note("--mailbox", Err(wrong));
        }
        base.defaults.ssh_config.clone_from(&options.ssh_config);

        let mut secret = None;
        let mut by_option = None;
        let shell = |line: &String| SecretSource::Command(vec!["sh".into(), "-c".into(), line.clone()]);
        if let Some(path) = &options.password_file {
            by_option = Some("--password-file");
            let read = secret::from_file(path).map(|(s, _)| secret = Some(SecretSource::Known(s)));
            note("--password-file", read);
        } else if let Some(name) = &options.password_env {
            by_option = Some("--password-env");
            let read = secret::from_env(name, around.var(name)).map(|s| secret = Some(SecretSource::Known(s)));
            note("--password-env", read);
        } else if let Some(line) = &options.password_command {
            by_option = Some("--password-command");
            secret = Some(shell(line));
        } else if let Some(line) = &options.token_command {
            by_option = Some("--token-command");
            secret = Some(shell(line));
        } else if let Some(value) = around.var(PASSWORD_ENV).filter(|v| !v.is_empty()) {
            let read = secret::from_env(PASSWORD_ENV, Some(value)).map(|s| secret = Some(SecretSource::Known(s)));
            note(PASSWORD_ENV, read);
        }
        Self {
            base,
            secret,
            by_option,
            mechanism: match options.token_command {
                Some(_) => Mechanism::XOauth2,
                None => Mechanism::Password,
            },
            ca_file: options.ca_file.clone(),
            mailbox,
            starttls: options.starttls,
        }
    }

    /// An option that no target can use was meant for something.
    fn fits(&self, targets: &[Target], mistakes: &mut Vec<Mistake>) {
        let doors = || {
            targets.iter().filter_map(|t| match t {
                Target::Imap(address) => Some(address),
                _ => None,
            })
        };
        if let Some(option) = self.by_option
            && !doors().any(|a| a.user.is_some())
            && mistakes.is_empty()
        {
            let wrong = Wrong::new("is a secret without a user", "name the user in the URL: imaps://USER@…");
            mistakes.push(mistake(option, wrong));
        }
        if self.starttls.is_some() && !doors().any(|a| a.security == Security::StartTls) && mistakes.is_empty() {
            let wrong = Wrong::new(
                "goes with imap:// only",
                "take it out, or write imap:// in place of imaps://",
            );
            mistakes.push(mistake("--starttls", wrong));
        }
    }

    fn server(&self, name: Name) -> Server {
        Server {
            name,
            reach: Reach::None,
            read_only: false,
            every: self.base.every,
            timeout: self.base.timeout,
            limits: self.base.limits,
            imap: Vec::new(),
            queues: Vec::new(),
            jobs: Vec::new(),
        }
    }

    fn imap_server(&self, name: Name, address: ImapAddress) -> Server {
        let mut server = self.server(name);
        server.imap.push(Imap {
            secret: address.user.as_ref().and(self.secret.clone()),
            door: ImapDoor {
                name: "imap".into(),
                host: address.host,
                port: address.port,
                security: match (address.security, self.starttls) {
                    (Security::StartTls, Some(StartTls::Off)) => Security::Plain,
                    (security, _) => security,
                },
                user: address.user,
                mechanism: self.mechanism,
                mailbox: self.mailbox.clone(),
                ca_file: self.ca_file.clone(),
                timeout: self.base.timeout,
            },
        });
        server
    }

    fn this_host(&self, name: &Name, found: &Server) -> Server {
        let mut server = found.clone();
        server.name = name.clone();
        server.every = self.base.every;
        server.timeout = self.base.timeout;
        for imap in &mut server.imap {
            imap.door.timeout = self.base.timeout;
        }
        server
    }

    fn ssh_server(&self, name: Name, address: &SshAddress) -> Server {
        let mut server = self.server(name);
        server.reach = Reach::Ssh(address.destination());
        server.queues.push(default_queue());
        server
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
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::around::Env;
    use super::super::discover::tests::{bare, busy};
    use super::*;

    fn around(env: &[(&str, &str)]) -> Around {
        let env: BTreeMap<_, _> = env.iter().map(|(k, v)| ((*k).to_owned(), v.into())).collect();
        Around {
            home: None,
            env: Env::Map(env),
        }
    }

    fn read(targets: &[&str], options: &TargetOptions, env: &[(&str, &str)]) -> Result<Targets, Vec<Mistake>> {
        let targets: Vec<String> = targets.iter().map(|t| (*t).to_owned()).collect();
        Targets::read_in(&targets, options, &around(env), busy)
    }

    fn names(targets: &[&str]) -> Vec<String> {
        let read = read(targets, &TargetOptions::default(), &[]).unwrap();
        read.config.servers.iter().map(|s| s.name.to_string()).collect()
    }

    fn mistakes(targets: &[&str], options: &TargetOptions, env: &[(&str, &str)]) -> Vec<String> {
        let done = read(targets, options, env).and_then(Targets::finish);
        done.unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_kind_of_target_becomes_a_server() {
        let all = ["imap://imap.example.com:10143", "ssh://root@mx1:2222", "localhost"];
        let config = read(&all, &TargetOptions::default(), &[]).unwrap().finish().unwrap();
        let [door, far, here] = config.servers.as_slice() else {
            panic!("{} servers", config.servers.len());
        };
        assert_eq!((door.reach.clone(), door.queues.len()), (Reach::None, 0));
        assert_eq!(door.imap[0].door.url().as_str(), "imap://imap.example.com:10143");
        assert_eq!(door.imap[0].door.security, Security::StartTls);
        assert_eq!(far.reach, Reach::Ssh("ssh://root@mx1:2222".into()));
        assert_eq!(far.queues, [default_queue()]);
        assert_eq!(
            (here.name.as_str(), &here.reach, here.queues.len()),
            ("localhost", &Reach::Local, 2)
        );
    }

    #[test]
    fn names_are_the_host_and_more_only_where_hosts_are_shared() {
        assert_eq!(names(&["imaps://mx", "imaps://mx2"]), ["mx", "mx2"]);
        assert_eq!(names(&["imaps://mx", "imap://mx"]), ["mx:993", "mx:143"]);
        assert_eq!(names(&["imaps://mx", "ssh://mx"]), ["mx:993", "mx"]);
        assert_eq!(
            names(&["imaps://u1@mx", "imaps://u2@mx", "imap://mx"]),
            ["u1@mx:993", "u2@mx:993", "mx:143"]
        );
        assert_eq!(
            names(&["imaps://[::1]", "imaps://[::1]:10993"]),
            ["[::1]:993", "[::1]:10993"]
        );
        assert_eq!(
            names(&["localhost", "imaps://localhost"]),
            ["this-host", "localhost:993"]
        );
    }

    #[test]
    fn options_and_the_usual_variable_give_the_password_and_options_come_first() {
        let known = |t: &Targets| match &t.config.servers[0].imap[0].secret {
            Some(SecretSource::Known(s)) => s.reveal().to_owned(),
            other => format!("{other:?}"),
        };
        let env = [("MAILTOP_PASSWORD", "usual"), ("P", "other")];
        let mut options = TargetOptions::default();
        assert_eq!(known(&read(&["imaps://u@mx"], &options, &env).unwrap()), "usual");
        options.password_env = Some("P".into());
        assert_eq!(known(&read(&["imaps://u@mx"], &options, &env).unwrap()), "other");
        options.password_env = None;
        options.password_command = Some("pass show x | head -1".into());
        assert_eq!(
            known(&read(&["imaps://u@mx"], &options, &env).unwrap()),
            r#"Some(Command(["sh", "-c", "pass show x | head -1"]))"#
        );
    }

    #[test]
    fn a_door_without_a_user_is_given_no_password() {
        let read = read(&["imaps://mx"], &TargetOptions::default(), &[("MAILTOP_PASSWORD", "x")]).unwrap();
        assert!(read.config.servers[0].imap[0].secret.is_none());
        assert!(read.lacking().is_empty());
    }

    #[test]
    fn a_user_without_a_password_can_be_asked_for_it_or_is_a_mistake() {
        let targets = ["imaps://u1@mx", "imaps://u2@mx", "imaps://other"];
        let mut read = read(&targets, &TargetOptions::default(), &[]).unwrap();
        let lacking = read.lacking().to_vec();
        let urls: Vec<_> = lacking.iter().map(|l| l.url.as_str()).collect();
        assert_eq!(urls, ["imaps://u1@mx", "imaps://u2@mx"]);
        read.fill_secret(&lacking[0], Secret::new("one"));
        let left = read.clone().finish().unwrap_err();
        assert_eq!(left.len(), 1);
        assert!(
            left[0]
                .to_string()
                .starts_with("command line: imaps://u2@mx: needs a password — set MAILTOP_PASSWORD")
        );
        read.fill_secret(&lacking[1], Secret::new("two"));
        let config = read.finish().unwrap();
        assert_eq!(
            config.servers[1].imap[0].secret,
            Some(SecretSource::Known(Secret::new("two")))
        );
    }

    #[test]
    fn all_bad_targets_are_named_at_once_with_the_schemes_that_are_known() {
        let bad = [
            "pop3://x",
            "mx1",
            "imaps://",
            "ssh://-oX",
            "imaps://u:hunter2@x",
            "localhost",
            "local",
            "",
        ];
        insta::assert_snapshot!(mistakes(&bad, &TargetOptions::default(), &[]).join("\n"), @r#"
        command line: pop3://x: `pop3://` is not known — known are imaps://, imap://, ssh:// and localhost
        command line: mx1: does not say how to look at it — write imaps://mx1 for its IMAP door, or ssh://mx1 for its queue
        command line: imaps://: `imaps://` names no host — write imaps://probe@imap.example.com, or imap://… for STARTTLS
        command line: ssh://-oX: `-oX` is no name that ssh should be given — write an alias of your ssh config, or user@host: letters, digits and . _ - only
        command line: imaps://u:…@x: `imaps://u:…@x` carries a password — take it out of the URL; use password_command, password_file or password_env
        command line: local: is given twice — name each target once
        command line: is no target — write for example imaps://imap.example.com, ssh://mx1 or localhost
        "#);
    }

    #[test]
    fn bad_options_are_named_at_once() {
        let options = TargetOptions {
            password_env: Some("NOT_SET".into()),
            ca_file: Some("/nowhere.pem".into()),
            ssh_config: Some("/nowhere".into()),
            mailbox: Some(String::new()),
            interval: Some("10".into()),
            timeout: Some("1h".into()),
            ..TargetOptions::default()
        };
        insta::assert_snapshot!(mistakes(&["imaps://u@mx"], &options, &[]).join("\n"), @r#"
        command line: --interval: `10` has no unit — write "10s" if seconds are meant, or another unit: ms, s, m, h, d
        command line: --timeout: `1h` is out of range — write a length from 10ms to 10m
        command line: --ca-file: cannot read /nowhere.pem: No such file or directory (os error 2) — name a file of certificates in PEM (-----BEGIN CERTIFICATE-----)
        command line: --ssh-config: cannot read /nowhere: No such file or directory (os error 2) — name an ssh config that you can read
        command line: --mailbox: is empty or holds a control character — name a mailbox, for example INBOX
        command line: --password-env: the variable NOT_SET is not set — export NOT_SET=… before mailtop starts
        "#);
    }

    #[test]
    fn an_option_that_no_target_can_use_is_a_mistake() {
        let secret = TargetOptions {
            password_command: Some("pass".into()),
            ..TargetOptions::default()
        };
        assert!(mistakes(&["imaps://mx"], &secret, &[])[0].contains("--password-command: is a secret without a user"));
        let starttls = TargetOptions {
            starttls: Some(StartTls::Off),
            ..TargetOptions::default()
        };
        assert!(mistakes(&["imaps://mx"], &starttls, &[])[0].contains("goes with imap:// only"));
        let plain = read(&["imap://mx"], &starttls, &[]).unwrap();
        assert_eq!(plain.config.servers[0].imap[0].door.security, Security::Plain);
    }

    #[test]
    fn only_one_source_of_a_password_is_taken() {
        use clap::{Args, FromArgMatches};
        let command = TargetOptions::augment_args(clap::Command::new("mailtop"));
        command.clone().debug_assert();
        let parse = |words: &[&str]| command.clone().try_get_matches_from(words);
        let one = parse(&["mailtop", "--password-env", "P", "--starttls", "off"]).unwrap();
        let options = TargetOptions::from_arg_matches(&one).unwrap();
        assert_eq!(
            (options.password_env.as_deref(), options.starttls),
            (Some("P"), Some(StartTls::Off))
        );
        let two = parse(&["mailtop", "--password-env", "P", "--token-command", "t"]).unwrap_err();
        assert_eq!(two.kind(), clap::error::ErrorKind::ArgumentConflict);
    }

    #[test]
    fn a_host_without_mail_and_no_target_at_all_say_so() {
        let none = Targets::read_in(&["local".into()], &TargetOptions::default(), &around(&[]), bare).unwrap_err();
        assert!(none[0].what.contains("no mail system"), "{}", none[0]);
        assert!(mistakes(&[], &TargetOptions::default(), &[])[0].contains("no target is given"));
    }

    proptest! {
        #[test]
        fn names_are_unique_and_no_word_panics(words in prop::collection::vec("(imaps?|ssh)://([ab]@)?[xy](:1?9)?|local|.{0,10}", 1..12)) {
            if let Ok(read) = Targets::read_in(&words, &TargetOptions::default(), &around(&[]), busy) {
                let mut names: Vec<_> = read.config.servers.iter().map(|s| s.name.clone()).collect();
                let count = names.len();
                names.sort();
                names.dedup();
                prop_assert_eq!(names.len(), count);
            }
        }
    }
}
