//! The byte stream that a dial ends in. The connection is watched where the bytes come off the wire: how many came tells
//! "not one byte after accept" from a handshake that failed, and the ServerHello tells the TLS version.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_native_tls::TlsStream;

use super::hello::Hello;

/// What came off the wire. Shared, so that it can still be asked after the stream went into a handshake that failed.
#[derive(Debug, Default)]
pub struct Seen {
    received: AtomicU64,
    hello: Mutex<Hello>,
}

impl Seen {
    /// How many bytes came.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
    /// The TLS version that the server chose, once its hello came.
    pub fn tls_version(&self) -> Option<String> {
        self.hello.lock().unwrap_or_else(PoisonError::into_inner).version()
    }
    pub(super) fn expect_hello(&self) {
        self.hello.lock().unwrap_or_else(PoisonError::into_inner).expect();
    }
    fn saw(&self, bytes: &[u8]) {
        self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.hello.lock().unwrap_or_else(PoisonError::into_inner).feed(bytes);
    }
}

/// A connection that is watched.
#[derive(Debug)]
pub struct Watched {
    wire: Wire,
    seen: Arc<Seen>,
}

#[derive(Debug)]
enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Watched {
    /// Watches a fresh TCP connection.
    pub fn new(tcp: TcpStream) -> Self {
        Self::of(Wire::Tcp(tcp))
    }
    /// Watches a fresh connection to a unix socket.
    pub fn unix(unix: UnixStream) -> Self {
        Self::of(Wire::Unix(unix))
    }
    fn of(wire: Wire) -> Self {
        Self {
            wire,
            seen: Arc::default(),
        }
    }
    /// Our own address, where it has one.
    pub fn from(&self) -> Option<std::net::IpAddr> {
        match &self.wire {
            Wire::Tcp(tcp) => tcp.local_addr().ok().map(|a| a.ip()),
            Wire::Unix(_) => None,
        }
    }
    /// What came off the wire.
    pub fn seen(&self) -> Arc<Seen> {
        self.seen.clone()
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(match &mut self.wire {
            Wire::Tcp(s) => Pin::new(s).poll_read(cx, buf),
            Wire::Unix(s) => Pin::new(s).poll_read(cx, buf),
        })?;
        self.seen.saw(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.wire {
            Wire::Tcp(s) => Pin::new(s).poll_write(cx, data),
            Wire::Unix(s) => Pin::new(s).poll_write(cx, data),
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire {
            Wire::Tcp(s) => Pin::new(s).poll_flush(cx),
            Wire::Unix(s) => Pin::new(s).poll_flush(cx),
        }
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire {
            Wire::Tcp(s) => Pin::new(s).poll_shutdown(cx),
            Wire::Unix(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}

/// A connection, secured or not.
#[derive(Debug)]
pub enum Stream {
    /// In the clear.
    Plain(Watched),
    /// Under TLS.
    Tls(Box<TlsStream<Watched>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_write(cx, data),
            Self::Tls(s) => Pin::new(s).poll_write(cx, data),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_flush(cx),
            Self::Tls(s) => Pin::new(s).poll_flush(cx),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Self::Tls(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}
