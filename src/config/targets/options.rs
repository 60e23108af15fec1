//! The options that go with targets: as they are given, and as they hold for each target once they are checked.

use std::path::PathBuf;

use super::{PASSWORD_ENV, Target, default_queue, mistake};
use crate::config::address::{ImapAddress, SshAddress};
use crate::config::around::Around;
use crate::config::mistake::{Mistake, Wrong};
use crate::config::quantity::{self, Bounds, INTERVAL, TIMEOUT};
use crate::config::server::Base;
use crate::config::{Imap, Reach, SecretSource, Server, file, imap, secret};
use crate::domain::door::{ImapDoor, Mechanism, Security};
use crate::domain::{Name, Span};

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
    /// Insist on STARTTLS: without it the probe stops before the login
    Required,
    /// No TLS at all: the password goes over the network in the clear
    Off,
}

/// The options, checked.
pub(super) struct Said {
    pub(super) base: Base,
    secret: Option<SecretSource>,
    /// The option that gave the secret; `None` when it came from the usual variable, or from nowhere.
    by_option: Option<&'static str>,
    mechanism: Mechanism,
    ca_file: Option<PathBuf>,
    mailbox: String,
    starttls: Option<StartTls>,
}

impl Said {
    pub(super) fn read(options: &TargetOptions, around: &Around, mistakes: &mut Vec<Mistake>) -> Self {
        let mut note = |option: &str, result: Result<(), Wrong>| {
            if let Err(wrong) = result {
                mistakes.push(mistake(option, wrong));
            }
        };
        let mut base = Base::default();
        let mut span = |option, given: &Option<String>, bounds: Bounds, into: &mut Span| {
            if let Some(written) = given {
                note(option, quantity::span(written, bounds).map(|s| *into = s));
            }
        };
        span("--interval", &options.interval, INTERVAL, &mut base.every);
        span("--timeout", &options.timeout, TIMEOUT, &mut base.timeout);
        if let Some(path) = &options.ca_file {
            note("--ca-file", imap::pem(path));
        }
        if let Some(path) = &options.ssh_config {
            let fix = "name an ssh config that you can read";
            let read = file::bounded(path).map(|_| ());
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
    pub(super) fn fits(&self, targets: &[Target], mistakes: &mut Vec<Mistake>) {
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

    pub(super) fn imap_server(&self, name: Name, address: ImapAddress) -> Server {
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

    pub(super) fn this_host(&self, name: &Name, found: &Server) -> Server {
        let mut server = found.clone();
        server.name = name.clone();
        server.every = self.base.every;
        server.timeout = self.base.timeout;
        for imap in &mut server.imap {
            imap.door.timeout = self.base.timeout;
        }
        server
    }

    pub(super) fn ssh_server(&self, name: Name, address: &SshAddress) -> Server {
        let mut server = self.server(name);
        server.reach = Reach::Ssh(address.destination());
        server.queues.push(default_queue());
        server
    }
}
