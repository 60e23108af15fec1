//! Getting a byte stream to a server, one timed step after the other: `name` (to addresses), `tcp` or `socket` (to a
//! connection), `tls` (to a secured one). Each step has its own time-out, says what failed in its own error, and can be dropped at
//! any moment: dropping closes. Nothing here knows what will be spoken over the stream.

mod hello;
pub mod name;
pub mod records;
pub mod socket;
pub mod stream;
pub mod tcp;
pub mod tls;

pub use name::{NameError, Names};
pub use socket::SocketError;
pub use stream::{Seen, Stream, Watched};
pub use tcp::ConnectError;
pub use tls::{Connector, Secured, TlsError, Trusts};

/// What every dial needs and all dials share: the resolver and the TLS connectors. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Dialer {
    /// Names to addresses and to other records.
    pub names: Names,
    /// TLS connectors, one for each trust setting.
    pub trusts: Trusts,
}

/// An I/O error in the system's words, without its number: `connection refused`.
pub fn os_words(e: &std::io::Error) -> String {
    let full = e.to_string();
    let words = full.split(" (os error").next().unwrap_or(&full);
    let mut chars = words.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
