//! A look at the certificate on a local TLS port: the names in it, and whether one of them leads back to this host and
//! holds there. No login, no command; the connection is closed after the handshake.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};

use super::Speaks;
use crate::domain::Text;

/// How long a connection on the loopback address may take.
pub(super) const CONNECT: Duration = Duration::from_millis(500);
/// How long each read of a greeting or a handshake may take.
const READ: Duration = Duration::from_secs(2);
/// The most names of a certificate that are tried.
const MAX_NAMES: usize = 5;

/// Connects to a port of the loopback address, if something listens there.
pub(super) fn connect(port: u16) -> std::io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, CONNECT)?;
    stream.set_read_timeout(Some(READ))?;
    stream.set_write_timeout(Some(READ))?;
    Ok(stream)
}

/// What a TLS port speaks: the name to dial it by, or why there is none.
pub(super) fn certificate(port: u16) -> Speaks {
    let names = match names(port) {
        Ok(names) => names,
        Err(why) => return Speaks::Untrusted { why },
    };
    let mut why = format!(
        "it is for {}",
        if names.is_empty() {
            "no name".into()
        } else {
            names.join(", ")
        }
    );
    for name in names.iter().filter(|n| !n.contains('*')).take(MAX_NAMES) {
        if !leads_here(name, port) {
            continue;
        }
        match verified(name, port) {
            Ok(()) => return Speaks::Tls { host: name.clone() },
            Err(reason) => why = format!("{name}: {reason}"),
        }
    }
    Speaks::Untrusted { why: why.into() }
}

/// The DNS names in the certificate. Nothing is trusted here: it is only read.
fn names(port: u16) -> Result<Vec<String>, Text> {
    let stream = connect(port).map_err(|e| Text::from(e.to_string()))?;
    let mut builder = SslConnector::builder(SslMethod::tls()).map_err(|e| Text::from(e.to_string()))?;
    builder.set_verify(SslVerifyMode::NONE);
    let session = builder
        .build()
        .configure()
        .and_then(|c| {
            c.verify_hostname(false)
                .use_server_name_indication(false)
                .into_ssl("localhost")
        })
        .map_err(|e| Text::from(e.to_string()))?
        .connect(stream)
        .map_err(|_| Text::from("no TLS handshake"))?;
    let names = session.ssl().peer_certificate().and_then(|c| c.subject_alt_names());
    Ok(names
        .into_iter()
        .flatten()
        .filter_map(|n| n.dnsname().map(|d| Text::bounded(d.as_bytes(), 255).to_string()))
        .take(MAX_NAMES * 4)
        .collect())
}

/// Whether a name resolves to an address of this host. A resolver that hangs is given the time of one read.
fn leads_here(name: &str, port: u16) -> bool {
    let (send, receive) = mpsc::channel();
    let name = name.to_owned();
    std::thread::spawn(move || {
        let found: Vec<SocketAddr> = (name.as_str(), port)
            .to_socket_addrs()
            .map(Iterator::collect)
            .unwrap_or_default();
        let _ = send.send(found);
    });
    let addresses = receive.recv_timeout(READ).unwrap_or_default();
    addresses.iter().any(|a| is_mine(a.ip()))
}

/// An address is this host's own when a socket can be bound to it.
fn is_mine(ip: IpAddr) -> bool {
    ip.is_loopback() || TcpListener::bind((ip, 0)).is_ok()
}

/// Whether the system's trust holds for this name: the same check that the probe will make.
fn verified(name: &str, port: u16) -> Result<(), Text> {
    let stream = connect(port).map_err(|e| Text::from(e.to_string()))?;
    let connector = native_tls::TlsConnector::new().map_err(|e| Text::from(e.to_string()))?;
    match connector.connect(name, stream) {
        Ok(_) => Ok(()),
        Err(native_tls::HandshakeError::Failure(e)) => Err(e.to_string().into()),
        Err(native_tls::HandshakeError::WouldBlock(_)) => Err("no TLS handshake".into()),
    }
}
