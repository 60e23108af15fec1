//! Probes: one file or folder a protocol, each a pure classifier (what a failure means) and a thin asker. `run` has what is
//! the same for all: name, connection, TLS, timed phases. A probe always ends in a report; it never changes anything on
//! the server.

pub(crate) mod class;
pub(crate) mod imap;
pub(crate) mod lines;
mod mx;
mod pop3;
pub(crate) mod run;
pub(crate) mod sasl;
mod sieve;
mod smtp;

use jiff::Timestamp;

use self::run::Means;
use crate::domain::Span;
use crate::domain::dns::Resolver;
use crate::domain::door::{Door, Secret, Speaks};
use crate::domain::health::ProbeReport;
use crate::reach::Runner;
use crate::reach::dial::{Dialer, Names};

/// How long a greeting is waited for once the handshake held. A server that could do TLS is alive; Dovecot says after ten
/// seconds that it waits for its authentication process, and that names the layer where silence would not.
const DOVECOT_SPEAKS: Span = Span::from_millis(10_500);
/// How long the answer to a login is waited for at least. After a refusal, Dovecot holds the next login from the same
/// address back: two seconds for the failure and four for the address, six as measured. With less patience a wrong
/// password would look like a dead backend from its second probe on.
const TARPIT: Span = Span::from_secs(8);

/// Runs probes. Holds what they share, the resolver and the TLS connectors; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Prober {
    dialer: Dialer,
}

impl Prober {
    /// A prober with nothing built yet: the first probe of a trust setting builds its TLS connector.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, which asks these DNS servers for names in place of the system's; of none, the system's.
    pub fn asking(mut self, resolvers: &[Resolver]) -> Self {
        self.dialer.names = Names::of(resolvers);
        self
    }

    /// What a conversation needs from outside, for those that do more behind a door than a probe does.
    pub(crate) fn means<'a>(&'a self, runner: Option<&'a Runner>, now: Timestamp) -> Means<'a> {
        Means {
            dialer: &self.dialer,
            runner,
            now,
        }
    }

    /// Probes a door once, over one connection. `secret` is the password or token of the door's user; without a user the
    /// probe ends before the login. `runner` is how commands get to its server: a socket there is reached over it. `now` is
    /// only used to say how a certificate's dates look from here. Every phase has the door's time-out for itself; dropping
    /// the future closes the connection.
    pub async fn probe(
        &self,
        door: &Door,
        secret: Option<&Secret>,
        runner: Option<&Runner>,
        now: Timestamp,
    ) -> ProbeReport {
        let means = self.means(runner, now);
        match &door.speaks {
            Speaks::Mx { envelope, resolvers } => mx::probe(self, door, envelope, resolvers, now).await,
            Speaks::Imap { mailbox } => imap::probe(means, door, mailbox, secret).await,
            Speaks::Smtp(envelope) | Speaks::Submission(envelope) | Speaks::Lmtp(envelope) => {
                smtp::probe(means, door, envelope, secret).await
            }
            Speaks::Pop3 => pop3::probe(means, door, secret).await,
            Speaks::Sieve => sieve::probe(means, door, secret).await,
        }
    }
}
