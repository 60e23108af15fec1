//! Letters through the service. `letter` makes one and knows it again, under a `key` that only this user has; `hand_in` gives
//! it to a door; `watch` waits for it in the mailbox behind another, reads what is new there (`mailbox`, `answer`), and takes
//! its own letters away, and nothing else. When a letter goes, and what its absence means, is not decided here.

mod answer;
mod hand_in;
pub mod key;
pub mod letter;
mod mailbox;
mod opening;
mod watch;

use jiff::Timestamp;

use crate::domain::door::{Door, Secret};
use crate::domain::health::{Failure, Layer};
use crate::domain::reading::{Miss, Missed};
use crate::probe::Prober;
use crate::probe::run::Means;
use crate::reach::Runner;

pub use hand_in::{Taken, Untaken, hand_in};
pub use key::Key;
pub use letter::{Letter, Mint};
pub use watch::{Cursor, News, Patience, watch};

/// The way to one door.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Names, connections, TLS.
    pub prober: &'a Prober,
    /// The door.
    pub door: &'a Door,
    /// The password or token of its user.
    pub secret: Option<&'a Secret>,
    /// How commands get to its server, for sockets there.
    pub runner: Option<&'a Runner>,
    /// Now, to say how a certificate's dates look from here.
    pub now: Timestamp,
}

impl<'a> Way<'a> {
    fn means(&self) -> Means<'a> {
        self.prober.means(self.runner, self.now)
    }
    /// What failed behind the door, as a miss.
    fn missed(&self, failure: &Failure) -> Missed {
        let kind = match failure.layer {
            Layer::Name | Layer::Network => Miss::Unreachable,
            Layer::Credential => Miss::Denied,
            _ => Miss::BadAnswer,
        };
        let missed = Missed::new(kind, self.door.url(), failure.to_string());
        match &failure.hint {
            Some(hint) => missed.fix(hint.clone()),
            None => missed,
        }
    }
}
