//! The options that go with targets: as they are given, and as they hold for each target once they are checked.

use std::path::PathBuf;

use super::{PASSWORD_ENV, Target, default_queue, mistake};
use crate::config::address::{DoorAddress, SshAddress};
use crate::config::around::Around;
use crate::config::mistake::{Mistake, Wrong};
use crate::config::names::Names;
use crate::config::quantity::{self, Bounds, INTERVAL, TIMEOUT};
use crate::config::server::Base;
use crate::config::{DoorSource, Reach, SecretSource, Server, door, file, resolver, secret};
use crate::domain::door::{Door, Envelope, Mechanism, Place, Protocol, Security, Speaks};
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
    /// Where TLS does not begin at once: whether to insist on STARTTLS [default: required; on smtp:// as it is offered, on
    /// lmtp:// off]
    #[arg(long, value_name = "WHEN", value_enum)]
    pub starttls: Option<StartTls>,
    /// The recipient that SMTP, submission and LMTP doors are asked for; no letter is sent
    #[arg(long, value_name = "ADDRESS")]
    pub rcpt: Option<String>,
    /// The sender that goes with it [default: the null sender; on submission the user]
    #[arg(long, value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// The name given with EHLO [default: this host's]
    #[arg(long, value_name = "NAME")]
    pub helo: Option<String>,
    /// An ssh config in place of the usual one
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
    /// A DNS server that is asked in place of the system's, for the doors of a domain and for the names of hosts; may be
    /// given several times
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub resolver: Vec<String>,
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
    envelope: Envelope,
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
            note("--ca-file", door::pem(path));
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
        for (option, given, check) in [
            ("--rcpt", &options.rcpt, door::mailbox_address as fn(&str) -> _),
            ("--mail-from", &options.mail_from, door::mailbox_address),
            ("--helo", &options.helo, door::host_word),
        ] {
            if let Some(word) = given {
                note(option, check(word));
            }
        }
        for word in &options.resolver {
            note(
                "--resolver",
                resolver::resolver(word).map(|r| base.defaults.resolvers.push(r)),
            );
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
            envelope: Envelope {
                helo: options.helo.clone(),
                from: options.mail_from.clone().unwrap_or_default(),
                to: options.rcpt.clone(),
            },
            starttls: options.starttls,
        }
    }

    /// An option that no target can use was meant for something.
    pub(super) fn fits(&self, targets: &[Target], mistakes: &mut Vec<Mistake>) {
        let doors = || {
            targets.iter().filter_map(|t| match t {
                Target::Door(address) => Some(address),
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
        let domains = targets.iter().any(|t| matches!(t, Target::Domain(_)));
        if !self.base.defaults.resolvers.is_empty() && !domains && doors().next().is_none() && mistakes.is_empty() {
            let wrong = Wrong::new("is asked for the names of doors, and no target has one", "take it out");
            mistakes.push(mistake("--resolver", wrong));
        }
        if self.starttls.is_some() && !domains && !doors().any(|a| a.security != Security::Tls) && mistakes.is_empty() {
            let wrong = Wrong::new(
                "goes with doors that do not begin with TLS",
                "take it out, or write for example imap:// in place of imaps://",
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
            confirm_above: self.base.confirm_above,
            doors: Vec::new(),
            queues: Vec::new(),
            jobs: Vec::new(),
        }
    }

    pub(super) fn door_server(&self, name: Name, address: DoorAddress) -> Server {
        let mut server = self.server(name);
        if matches!(address.at, Place::Socket(_)) {
            server.reach = Reach::Local;
        }
        server.doors.push(self.door(address.protocol.word().into(), address));
        server
    }

    /// A host with the doors that DNS names there. Those of one protocol are numbered from the second on.
    pub(super) fn host_server(&self, name: Name, doors: Vec<DoorAddress>) -> Server {
        let mut server = self.server(name);
        let mut names = Names::of("door of this server");
        for address in doors {
            let word = address.protocol.word();
            let number = 1 + server.doors_of(address.protocol).count();
            let name = names.numbered(word, number);
            server.doors.push(self.door(name, address));
        }
        server
    }

    /// A door, with what the options say of it.
    pub(super) fn door(&self, name: Name, address: DoorAddress) -> DoorSource {
        let envelope = || self.envelope.clone();
        DoorSource {
            secret: address.user.as_ref().and(self.secret.clone()),
            door: Door {
                name,
                speaks: match address.protocol {
                    Protocol::Mx => Speaks::Mx {
                        envelope: envelope(),
                        resolvers: self.base.defaults.resolvers.clone(),
                    },
                    Protocol::Imap => Speaks::Imap {
                        mailbox: self.mailbox.clone(),
                    },
                    Protocol::Smtp => Speaks::Smtp(envelope()),
                    Protocol::Submission => Speaks::Submission(envelope()),
                    Protocol::Lmtp => Speaks::Lmtp(envelope()),
                    Protocol::Pop3 => Speaks::Pop3,
                    Protocol::Sieve => Speaks::Sieve,
                },
                role: address.protocol.role(),
                at: address.at,
                security: match (address.security, self.starttls) {
                    (Security::Tls, _) | (_, None) => address.security,
                    (_, Some(StartTls::Off)) => Security::Plain,
                    (_, Some(_)) => Security::StartTls,
                },
                user: address.user,
                mechanism: self.mechanism,
                ca_file: self.ca_file.clone(),
                timeout: self.base.timeout,
            },
        }
    }

    pub(super) fn this_host(&self, name: &Name, found: &Server) -> Server {
        let mut server = found.clone();
        server.name = name.clone();
        server.every = self.base.every;
        server.timeout = self.base.timeout;
        for source in &mut server.doors {
            source.door.timeout = self.base.timeout;
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
