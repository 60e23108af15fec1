//! A unix socket on the server to a connection: opened here where commands run here, and forwarded over the connection that
//! ssh has where they run there. Whether somebody serves it shows in what is said over it.

use std::io;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use super::os_words;
use super::stream::Watched;
use crate::domain::Span;
use crate::reach::Runner;

/// Why there is no connection.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SocketError {
    /// Commands do not get to the server, and a socket is reached as they are.
    #[error("a socket is reached as commands are, and none get to this server")]
    NoReach,
    /// The way there is not open; the words say why.
    #[error("{0}")]
    Unreachable(String),
    /// The socket says no, or is not there.
    #[error("{0}")]
    Refused(String),
    /// Nobody takes the connection.
    #[error("nobody took the connection in {0}")]
    Silent(Span),
}

/// Connects to the socket at `path` on the server that `runner` reaches; ends within `limit`.
pub async fn connect(path: &str, runner: Option<&Runner>, limit: Span) -> Result<Watched, SocketError> {
    let opened = async {
        match runner {
            None => Err(SocketError::NoReach),
            Some(Runner::Local) => open(path.as_ref()).await,
            Some(Runner::Ssh(ssh)) => {
                let (local, kept) = ssh
                    .forward(path)
                    .await
                    .map_err(|m| SocketError::Unreachable(m.to_string()))?;
                let opened = open(&local).await;
                drop(kept);
                opened
            }
        }
    };
    timeout(limit.to_std().max(Duration::from_millis(1)), opened)
        .await
        .unwrap_or(Err(SocketError::Silent(limit)))
}

async fn open(path: &std::path::Path) -> Result<Watched, SocketError> {
    UnixStream::connect(path)
        .await
        .map(Watched::unix)
        .map_err(|e: io::Error| SocketError::Refused(os_words(&e)))
}
