//! Probes: one folder a protocol, each a pure classifier (what a failure means) and a thin asker on top of
//! [`crate::reach::dial`]. A probe always ends in a report; it never changes anything on the server.

mod imap;

use jiff::Timestamp;

use crate::domain::door::{ImapDoor, Secret};
use crate::domain::health::ProbeReport;
use crate::reach::dial::Dialer;

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

    /// Probes an IMAP door once, over one connection. `secret` is the password or token of the door's user; without
    /// a user the probe ends after the greeting. `now` is only used to say how a certificate's dates look from here.
    /// Every phase has the door's time-out for itself; dropping the future closes the connection.
    pub async fn imap(&self, door: &ImapDoor, secret: Option<&Secret>, now: Timestamp) -> ProbeReport {
        imap::probe(&self.dialer, door, secret, now).await
    }
}
