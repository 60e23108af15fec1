//! A door of a mail service, as configured: where it is, how it is secured, who logs in. The secret itself is kept apart
//! and cannot be printed.

use std::fmt;
use std::path::PathBuf;

use super::{Name, Span, Text};

/// How the connection is secured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Security {
    /// TLS from the first byte (993).
    Tls,
    /// STARTTLS, and no going on without it (143).
    StartTls,
    /// None: the operator said so.
    Plain,
}

/// How to log in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mechanism {
    /// The LOGIN command, or AUTHENTICATE PLAIN where the server disables LOGIN and offers it.
    Password,
    /// AUTHENTICATE PLAIN (RFC 4616).
    Plain,
    /// AUTHENTICATE XOAUTH2; the secret is the access token.
    XOauth2,
    /// AUTHENTICATE OAUTHBEARER (RFC 7628); the secret is the access token.
    OauthBearer,
}

/// An IMAP door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImapDoor {
    /// Unique on its server.
    pub name: Name,
    /// Host name or address literal (without brackets).
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How it is secured.
    pub security: Security,
    /// Who logs in; nobody on an anonymous probe, which ends after the greeting.
    pub user: Option<String>,
    /// How.
    pub mechanism: Mechanism,
    /// The mailbox to EXAMINE, usually `INBOX`.
    pub mailbox: String,
    /// A CA bundle (PEM) trusted for this door instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The longest that one phase may take.
    pub timeout: Span,
}

impl ImapDoor {
    /// As a URL without secrets: `imaps://probe@imap.example.com`. The port stands only where it is not the usual one.
    pub fn url(&self) -> Text {
        let (scheme, usual) = match self.security {
            Security::Tls => ("imaps", 993),
            _ => ("imap", 143),
        };
        let user = self.user.as_ref().map(|u| format!("{u}@")).unwrap_or_default();
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let port = if self.port == usual {
            String::new()
        } else {
            format!(":{}", self.port)
        };
        format!("{scheme}://{user}{host}{port}").into()
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
        let mut d = ImapDoor {
            name: "imap".into(),
            host: "::1".into(),
            port: 10_993,
            security: Security::Tls,
            user: Some("probe".into()),
            mechanism: Mechanism::Password,
            mailbox: "INBOX".into(),
            ca_file: None,
            timeout: Span::from_secs(5),
        };
        assert_eq!(d.url().as_str(), "imaps://probe@[::1]:10993");
        d.security = Security::StartTls;
        d.port = 143;
        d.user = None;
        d.host = "mx".into();
        assert_eq!(d.url().as_str(), "imap://mx");
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
