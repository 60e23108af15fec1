//! A door of a mail service, as configured: what is spoken behind it, where it is, how it is secured, who logs in. The
//! secret itself is kept apart and cannot be printed.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dns::Resolver;
use super::{Name, Span, Text};

/// What is spoken behind a door.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// No protocol of its own: the MX hosts of a domain, each by SMTP (RFC 5321 5.1).
    Mx,
    /// SMTP as other servers speak it, port 25 (RFC 5321).
    Smtp,
    /// SMTP as users hand mail in, 587 or 465 (RFC 6409, RFC 8314).
    Submission,
    /// LMTP, by which mail gets into mailboxes (RFC 2033).
    Lmtp,
    /// IMAP (RFC 9051).
    #[default]
    Imap,
    /// POP3 (RFC 1939).
    Pop3,
    /// ManageSieve (RFC 5804).
    Sieve,
}

impl Protocol {
    /// All of them, in the order in which mail meets them.
    pub const ALL: [Self; 7] = [
        Self::Mx,
        Self::Smtp,
        Self::Submission,
        Self::Lmtp,
        Self::Imap,
        Self::Pop3,
        Self::Sieve,
    ];

    /// The word used in the config, in JSON and for a door that has no other name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mx => "mx",
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Sieve => "sieve",
        }
    }
    /// As people write it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mx => "MX",
            Self::Smtp => "SMTP",
            Self::Submission => "submission",
            Self::Lmtp => "LMTP",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Sieve => "ManageSieve",
        }
    }
    /// The URL scheme and the usual port under this security.
    pub const fn scheme(self, security: Security) -> (&'static str, u16) {
        match (self, security) {
            (Self::Mx, _) => ("mx", 25),
            (Self::Smtp, _) => ("smtp", 25),
            (Self::Submission, Security::Tls) => ("submissions", 465),
            (Self::Submission, _) => ("submission", 587),
            (Self::Lmtp, _) => ("lmtp", 24),
            (Self::Imap, Security::Tls) => ("imaps", 993),
            (Self::Imap, _) => ("imap", 143),
            (Self::Pop3, Security::Tls) => ("pop3s", 995),
            (Self::Pop3, _) => ("pop3", 110),
            (Self::Sieve, _) => ("sieve", 4190),
        }
    }
    /// What it is for, unless the config says otherwise.
    pub const fn role(self) -> Role {
        match self {
            Self::Mx | Self::Smtp | Self::Lmtp => Role::Inbound,
            Self::Submission => Role::Outbound,
            Self::Imap | Self::Pop3 | Self::Sieve => Role::Mailbox,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a door is for: an outage of one role leaves the others untouched, and people ask for each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Mail comes in by it.
    Inbound,
    /// People read their mail by it.
    #[default]
    Mailbox,
    /// People hand mail in by it, or it leaves by it.
    Outbound,
}

impl Role {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Inbound, Self::Mailbox, Self::Outbound];

    /// The word used in the config and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Mailbox => "mailbox",
            Self::Outbound => "outbound",
        }
    }
    /// What is said of all doors of the role: `mailboxes`.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Mailbox => "mailboxes",
            Self::Outbound => "outbound",
        }
    }
    /// What it is to those who use it, to begin a sentence with.
    pub const fn means(self) -> &'static str {
        match self {
            Self::Inbound => "Mail coming in from other servers",
            Self::Mailbox => "Reading mail in mailboxes",
            Self::Outbound => "Sending mail",
        }
    }
}

/// How the connection is secured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Security {
    /// TLS from the first byte (993, 465).
    Tls,
    /// STARTTLS, and no going on without it (143, 587).
    StartTls,
    /// STARTTLS where it is offered and holds, as servers do among themselves (RFC 3207 4.1): trouble of TLS is told, and
    /// the mail goes all the same.
    May,
    /// None: the operator said so.
    Plain,
}

/// How to log in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mechanism {
    /// The protocol's own command, or AUTHENTICATE PLAIN where the server disables that and offers it.
    Password,
    /// AUTHENTICATE PLAIN (RFC 4616).
    Plain,
    /// AUTHENTICATE XOAUTH2; the secret is the access token.
    XOauth2,
    /// AUTHENTICATE OAUTHBEARER (RFC 7628); the secret is the access token.
    OauthBearer,
}

/// Where a door is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// A TCP port of a host.
    Tcp {
        /// Host name or address literal (without brackets).
        host: String,
        /// TCP port.
        port: u16,
    },
    /// A unix socket on the server, by its path; reached as its commands are.
    Socket(String),
}

impl Place {
    /// A port of a host.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::Tcp {
            host: host.into(),
            port,
        }
    }
    /// The host, which also is the name that its certificate must bear; of a socket, none.
    pub fn host(&self) -> &str {
        match self {
            Self::Tcp { host, .. } => host,
            Self::Socket(_) => "",
        }
    }
    /// The port; of a socket, 0.
    pub const fn port(&self) -> u16 {
        match self {
            Self::Tcp { port, .. } => *port,
            Self::Socket(_) => 0,
        }
    }
}

/// Whom a probe of a transport says it is, and whom it asks for. No letter follows: RSET and QUIT come after the answer
/// to RCPT.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    /// For EHLO or LHLO; this host's name, else its address, unless given.
    pub helo: Option<String>,
    /// For MAIL FROM; empty is the null sender.
    pub from: String,
    /// For RCPT TO. Without it the probe ends before.
    pub to: Option<String>,
}

/// What is spoken behind a door, with what a probe of it asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Speaks {
    /// Whatever stands behind the MX records of the domain that is the door's host: SMTP on each of their hosts, at the
    /// door's port.
    Mx {
        /// What each host is asked for.
        envelope: Envelope,
        /// The DNS servers whose answers are compared; none: the names are looked up as all names are.
        resolvers: Vec<Resolver>,
    },
    /// SMTP, as other servers do.
    Smtp(Envelope),
    /// SMTP, as users do.
    Submission(Envelope),
    /// LMTP.
    Lmtp(Envelope),
    /// IMAP.
    Imap {
        /// The mailbox to EXAMINE, usually `INBOX`.
        mailbox: String,
    },
    /// POP3.
    Pop3,
    /// ManageSieve.
    Sieve,
}

impl Speaks {
    /// Which protocol.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Mx { .. } => Protocol::Mx,
            Self::Smtp(_) => Protocol::Smtp,
            Self::Submission(_) => Protocol::Submission,
            Self::Lmtp(_) => Protocol::Lmtp,
            Self::Imap { .. } => Protocol::Imap,
            Self::Pop3 => Protocol::Pop3,
            Self::Sieve => Protocol::Sieve,
        }
    }
    /// IMAP with the usual mailbox.
    pub fn imap() -> Self {
        Self::Imap {
            mailbox: "INBOX".to_owned(),
        }
    }
}

/// A door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Door {
    /// Unique on its server.
    pub name: Name,
    /// What is spoken behind it.
    pub speaks: Speaks,
    /// What it is for.
    pub role: Role,
    /// Where it is.
    pub at: Place,
    /// How it is secured.
    pub security: Security,
    /// Who logs in; nobody on an anonymous probe, which ends before the login.
    pub user: Option<String>,
    /// How.
    pub mechanism: Mechanism,
    /// A CA bundle (PEM) trusted for this door instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The longest that one phase may take.
    pub timeout: Span,
}

impl Door {
    /// The protocol spoken behind it.
    pub const fn protocol(&self) -> Protocol {
        self.speaks.protocol()
    }

    /// As a URL without secrets: `imaps://probe@imap.example.com`, `lmtp:///run/dovecot/lmtp`. The port stands only where
    /// it is not the usual one.
    pub fn url(&self) -> Text {
        let (scheme, usual) = self.protocol().scheme(self.security);
        let user = self.user.as_ref().map(|u| format!("{u}@")).unwrap_or_default();
        let at = match &self.at {
            Place::Socket(path) => path.clone(),
            Place::Tcp { host, port } => {
                let host = if host.contains(':') {
                    format!("[{host}]")
                } else {
                    host.clone()
                };
                if *port == usual { host } else { format!("{host}:{port}") }
            }
        };
        format!("{scheme}://{user}{at}").into()
    }
}

/// A password or token. It has no `Display`, no serde, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes it in.
    pub fn new(s: impl Into<String>) -> Self {
        Self(s.into())
    }
    /// Hands it out, to the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_written_as_a_url_and_a_secret_is_not_written_at_all() {
        let mut d = Door {
            name: "imap".into(),
            speaks: Speaks::imap(),
            role: Role::Mailbox,
            at: Place::tcp("::1", 10_993),
            security: Security::Tls,
            user: Some("probe".into()),
            mechanism: Mechanism::Password,
            ca_file: None,
            timeout: Span::from_secs(5),
        };
        assert_eq!(d.url().as_str(), "imaps://probe@[::1]:10993");
        d.security = Security::StartTls;
        d.user = None;
        d.at = Place::tcp("mx", 143);
        assert_eq!(d.url().as_str(), "imap://mx");
        d.speaks = Speaks::Submission(Envelope::default());
        assert_eq!(d.url().as_str(), "submission://mx:143");
        d.speaks = Speaks::Lmtp(Envelope::default());
        d.at = Place::Socket("/run/dovecot/lmtp".to_owned());
        assert_eq!(d.url().as_str(), "lmtp:///run/dovecot/lmtp");
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
