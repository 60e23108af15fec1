//! A connection to a secured one. The native-tls connector is built once for each trust setting and shared: building it
//! reads the whole CA bundle. The server's name is always sent and always verified, also for address literals; there
//! is no way to turn that off. OpenSSL's errors become words that say what to do.

use std::collections::HashMap;
use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::x509::X509;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::name::{Stamp, stamp};
use super::os_words;
use super::stream::{Stream, Watched};
use crate::domain::Span;
use crate::domain::health::{CERT_ENDED, CERT_NOT_BEGUN};

/// The largest CA bundle that is read.
const MAX_BUNDLE: u64 = 16 * 1024 * 1024;

/// Why there is no secured connection.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsError {
    /// Our side: the CA bundle or the connector. The server was not judged.
    #[error("{0}")]
    Trust(String),
    /// The certificate, or one in its chain, has ended.
    #[error("{CERT_ENDED}")]
    Expired,
    /// The certificate, or one in its chain, begins later.
    #[error("{CERT_NOT_BEGUN}")]
    NotYetValid,
    /// The certificate is for other names.
    #[error("the certificate is not for {0}")]
    WrongName(String),
    /// No trusted CA stands behind it; OpenSSL's words.
    #[error("the certificate's issuer is not trusted: {0}")]
    UnknownIssuer(String),
    /// Another fault of the certificate, in OpenSSL's words.
    #[error("the certificate was refused: {0}")]
    BadCertificate(String),
    /// The two sides found no common protocol or cipher, or one sent an alert.
    #[error("no common TLS protocol: {0}")]
    Protocol(String),
    /// What came back is not TLS.
    #[error("the answer is not TLS ({0})")]
    NotTls(String),
    /// The connection ended during the handshake after so many bytes.
    #[error("{why} during the TLS handshake, after {received} bytes")]
    HungUp {
        /// Bytes that had come back.
        received: u64,
        /// `closed` or the system's words.
        why: String,
    },
    /// The handshake took too long.
    #[error("the TLS handshake was not done in {waited}; {received} bytes came back")]
    TimedOut {
        /// Bytes that had come back. None at all: it is not TLS that fails, nobody serves the connection.
        received: u64,
        /// How long it was tried.
        waited: Span,
    },
}

/// A secured stream and when the server's certificate ends.
#[derive(Debug)]
pub struct Secured {
    /// The stream.
    pub stream: Stream,
    /// The end of the server's own certificate.
    pub not_after: Option<Timestamp>,
}

/// The connectors, by trust setting. Cheap to clone; clones share them.
#[derive(Clone, Default)]
pub struct Trusts {
    built: Arc<Mutex<HashMap<Option<PathBuf>, Built>>>,
}

impl std::fmt::Debug for Trusts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trusts")
    }
}

/// A connector and the state of the bundle that it was built from.
struct Built {
    of: Option<Stamp>,
    connector: Connector,
}

impl Trusts {
    /// The connector of a trust setting: the CA bundle's roots, or the system's. Built at its first use and when the
    /// bundle has changed. Holding the lock while one is built makes the others wait for it instead of building too.
    pub async fn prepare(&self, ca_file: Option<&Path>) -> Result<Connector, TlsError> {
        let mut built = self.built.lock().await;
        let key = ca_file.map(Path::to_owned);
        let of = ca_file.and_then(stamp);
        if let Some(b) = built.get(&key).filter(|b| b.of == of) {
            return Ok(b.connector.clone());
        }
        let file = key.clone();
        let connector = tokio::task::spawn_blocking(move || build(file.as_deref()))
            .await
            .map_err(|e| TlsError::Trust(format!("the TLS connector could not be built: {e}")))??;
        let connector = Connector(connector.into());
        built.insert(
            key,
            Built {
                of,
                connector: connector.clone(),
            },
        );
        Ok(connector)
    }
}

/// Makes handshakes under one trust setting. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connector(tokio_native_tls::TlsConnector);

impl Connector {
    /// The handshake; ends within `limit`.
    pub async fn secure(&self, tcp: Watched, host: &str, limit: Span) -> Result<Secured, TlsError> {
        let seen = tcp.seen();
        let before = seen.received();
        seen.expect_hello();
        // A trailing dot makes a name absolute for DNS; certificates are written without it.
        let host = host.strip_suffix('.').unwrap_or(host);
        match timeout(limit.to_std(), self.0.connect(host, tcp)).await {
            Ok(Ok(stream)) => Ok(Secured {
                not_after: end_of_certificate(&stream),
                stream: Stream::Tls(Box::new(stream)),
            }),
            Ok(Err(e)) => Err(in_words(&e, host, seen.received() - before)),
            Err(_) => Err(TlsError::TimedOut {
                received: seen.received() - before,
                waited: limit,
            }),
        }
    }
}

fn build(ca_file: Option<&Path>) -> Result<native_tls::TlsConnector, TlsError> {
    let mut builder = native_tls::TlsConnector::builder();
    if let Some(file) = ca_file {
        let bad = |why: String| TlsError::Trust(format!("CA file {}: {why}", file.display()));
        if std::fs::metadata(file).map_err(|e| bad(os_words(&e)))?.len() > MAX_BUNDLE {
            return Err(bad(format!("larger than {MAX_BUNDLE} bytes")));
        }
        let pem = std::fs::read(file).map_err(|e| bad(os_words(&e)))?;
        let roots = X509::stack_from_pem(&pem).map_err(|e| bad(first_reason(&e)))?;
        if roots.is_empty() {
            return Err(bad("holds no PEM certificate".to_owned()));
        }
        builder.disable_built_in_roots(true);
        for root in roots {
            let der = root.to_der().map_err(|e| bad(first_reason(&e)))?;
            let root = native_tls::Certificate::from_der(&der).map_err(|e| bad(e.to_string()))?;
            builder.add_root_certificate(root);
        }
    }
    builder
        .build()
        .map_err(|e| TlsError::Trust(format!("the TLS connector could not be built: {e}")))
}

fn end_of_certificate(stream: &tokio_native_tls::TlsStream<Watched>) -> Option<Timestamp> {
    let der = stream.get_ref().peer_certificate().ok()??.to_der().ok()?;
    moment(X509::from_der(&der).ok()?.not_after())
}

fn moment(at: &Asn1TimeRef) -> Option<Timestamp> {
    let since = Asn1Time::from_unix(0).ok()?.diff(at).ok()?;
    Timestamp::from_second(i64::from(since.days) * 86_400 + i64::from(since.secs)).ok()
}

fn first_reason(e: &ErrorStack) -> String {
    e.errors()
        .iter()
        .find_map(openssl::error::Error::reason)
        .unwrap_or("not readable as PEM")
        .to_owned()
}

/// What a failed handshake means. native-tls hands out OpenSSL's error stack as the source, and what the verification
/// found only in its message, in brackets at the end.
fn in_words(e: &native_tls::Error, host: &str, received: u64) -> TlsError {
    let mut source = e.source();
    while let Some(s) = source {
        if let Some(io) = s.downcast_ref::<io::Error>() {
            let why = if io.kind() == io::ErrorKind::UnexpectedEof {
                "the server hung up".to_owned()
            } else {
                os_words(io)
            };
            return TlsError::HungUp { received, why };
        }
        if let Some(stack) = s.downcast_ref::<ErrorStack>() {
            return of_reason(&first_reason(stack), &e.to_string(), host, received);
        }
        source = s.source();
    }
    of_reason("", &e.to_string(), host, received)
}

fn of_reason(reason: &str, message: &str, host: &str, received: u64) -> TlsError {
    if message.contains("certificate verify failed") {
        let found = message
            .rsplit_once(" (")
            .map_or(message, |(_, tail)| tail.trim_end_matches(')'));
        return match found {
            "certificate has expired" => TlsError::Expired,
            w if w.starts_with("certificate is not yet valid") => TlsError::NotYetValid,
            "hostname mismatch" | "IP address mismatch" | "Hostname mismatch" => TlsError::WrongName(host.to_owned()),
            w if w.contains("issuer")
                || w.contains("self-signed")
                || w.contains("self signed")
                || w.contains("first certificate") =>
            {
                TlsError::UnknownIssuer(w.to_owned())
            }
            w => TlsError::BadCertificate(w.to_owned()),
        };
    }
    let lower = format!("{reason} {message}").to_ascii_lowercase();
    if lower.contains("unexpected eof") || lower.contains("eof while reading") {
        return TlsError::HungUp {
            received,
            why: "the server hung up".to_owned(),
        };
    }
    let words = if reason.is_empty() { message } else { reason };
    match words {
        "wrong version number" | "packet length too long" | "http request" | "record layer failure" => {
            TlsError::NotTls(words.to_owned())
        }
        _ => TlsError::Protocol(words.to_owned()),
    }
}
