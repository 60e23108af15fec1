//! The six hosts of the demo world.

use std::fmt;

/// A host of the demo world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Host {
    /// The mailbox store that fails.
    Mbox1,
    /// A mailbox store whose certificate ends soon.
    Mbox2,
    /// A mailbox store that suffers from lock contention for a while.
    Mbox3,
    /// An inbound relay.
    Mx1,
    /// An inbound relay whose queue cannot be read for a while.
    Mx2,
    /// The outbound relay, well all the time.
    Out1,
}

impl Host {
    /// All, in the order of the config.
    pub const ALL: [Self; 6] = [Self::Mbox1, Self::Mbox2, Self::Mbox3, Self::Mx1, Self::Mx2, Self::Out1];
    /// Those with mailboxes and an IMAP door.
    pub const STORES: [Self; 3] = [Self::Mbox1, Self::Mbox2, Self::Mbox3];
    /// Those that take mail in from the world.
    pub const RELAYS: [Self; 2] = [Self::Mx1, Self::Mx2];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mbox1 => "mbox1",
            Self::Mbox2 => "mbox2",
            Self::Mbox3 => "mbox3",
            Self::Mx1 => "mx1",
            Self::Mx2 => "mx2",
            Self::Out1 => "out1",
        }
    }
    /// The host of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|h| h.name() == name)
    }
    /// Its place in [`Host::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
    /// What it does in the path of a letter.
    pub const fn role(self) -> Role {
        match self {
            Self::Mbox1 | Self::Mbox2 | Self::Mbox3 => Role::Store,
            Self::Mx1 | Self::Mx2 => Role::Relay,
            Self::Out1 => Role::Outbound,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a host does in the path of a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Takes letters from the relays into mailboxes.
    Store,
    /// Takes letters from the world and hands them to the stores.
    Relay,
    /// Takes letters of the users to the world.
    Outbound,
}
