//! What may be shared, and how that is said.

/// What servers that fail together may have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Suspect {
    /// The resolver.
    Resolver,
    /// The network, or one host.
    Network,
    /// One certificate: it has ended, and all of them serve it.
    Certificate,
    /// Certificates that ended together.
    Certificates,
    /// What TLS rests on.
    Tls,
    /// The authentication backend.
    AuthBackend,
    /// The store.
    Storage,
    /// What is asked about senders and recipients.
    Lookups,
    /// The account of the probes.
    Account,
    /// Our own clock.
    OwnClock,
}

impl Suspect {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Resolver => "resolver",
            Self::Network => "network",
            Self::Certificate => "certificate",
            Self::Certificates => "certificates",
            Self::Tls => "tls",
            Self::AuthBackend => "auth-backend",
            Self::Storage => "storage",
            Self::Lookups => "lookups",
            Self::Account => "account",
            Self::OwnClock => "own-clock",
        }
    }
    /// What is suggested.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Resolver => "a resolver they share",
            Self::Network => "the network or a host they have in common",
            Self::Certificate => "one certificate that all of them serve",
            Self::Certificates => "certificates to be renewed together, or our own clock is ahead",
            Self::Tls => "a certificate, a CA or TLS settings they share",
            Self::AuthBackend => "an authentication backend they share",
            Self::Storage => "the database or storage behind them",
            Self::Lookups => "what they ask about recipients: maps, policy or DNS",
            Self::Account => "the account of the probes, or its password",
            Self::OwnClock => "our own clock may be wrong",
        }
    }
    /// The same in a few words.
    pub const fn brief(self) -> &'static str {
        match self {
            Self::Resolver => "the resolver",
            Self::Network => "a network or host",
            Self::Certificate => "one certificate",
            Self::Certificates => "certificates",
            Self::Tls => "certificate or CA",
            Self::AuthBackend => "an auth backend",
            Self::Storage => "the store behind",
            Self::Lookups => "maps, policy, DNS",
            Self::Account => "the probes' account",
            Self::OwnClock => "our own clock",
        }
    }
}
