//! Addresses to a connection: the addresses in turn, both families mixed, the next one started when the last failed or
//! stayed silent for a moment (RFC 8305 5). The error names every address that was tried and what came of it.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::os_words;
use super::stream::Watched;
use crate::domain::Span;

/// How long one address may stay silent before the next is tried beside it (RFC 8305 recommends 250 ms).
const STAGGER: Duration = Duration::from_millis(250);
/// The most addresses that are tried in one dial.
const MAX_TRIED: usize = 8;

/// Why no address could be reached.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", shown(.tried))]
pub struct ConnectError {
    /// What came of each address, in the order in which they were tried. `None`: still silent at the time-out.
    pub tried: Vec<(SocketAddr, Option<String>)>,
    /// How long it was tried.
    pub waited: Span,
}

fn shown(tried: &[(SocketAddr, Option<String>)]) -> String {
    let each: Vec<String> = tried
        .iter()
        .map(|(at, why)| format!("{at} {}", why.as_deref().unwrap_or("did not answer")))
        .collect();
    each.join(", ")
}

impl ConnectError {
    /// Whether all were silent: nothing said no.
    pub fn silent(&self) -> bool {
        self.tried.iter().all(|(_, why)| why.is_none())
    }
}

/// What came of each address that was tried before or beside the one that answered; `None`: nothing yet.
pub type Passed = Vec<(SocketAddr, Option<String>)>;

/// Connects to the first address that answers, and says which one that was, and what came of those before it.
pub async fn connect(
    addresses: &[IpAddr],
    port: u16,
    limit: Span,
) -> Result<(Watched, SocketAddr, Passed), ConnectError> {
    let mut waiting: VecDeque<SocketAddr> = mixed(addresses).map(|ip| SocketAddr::new(ip, port)).collect();
    let mut tried = Vec::new();
    let race = race(&mut waiting, &mut tried);
    match timeout(limit.to_std(), race).await {
        Ok(Some((tcp, at))) => {
            tried.retain(|(a, _)| *a != at);
            Ok((Watched::new(tcp), at, tried))
        }
        Ok(None) | Err(_) => Err(ConnectError { tried, waited: limit }),
    }
}

async fn race(
    waiting: &mut VecDeque<SocketAddr>,
    tried: &mut Vec<(SocketAddr, Option<String>)>,
) -> Option<(TcpStream, SocketAddr)> {
    let mut running = FuturesUnordered::new();
    let mut next_at = Instant::now();
    loop {
        tokio::select! {
            biased;
            Some((result, at)) = running.next() => match result {
                Ok(tcp) => return Some((tcp, at)),
                Err(e) => {
                    if let Some(entry) = tried.iter_mut().find(|(a, _)| *a == at) {
                        entry.1 = Some(os_words(&e));
                    }
                    next_at = Instant::now();
                }
            },
            () = sleep_until(next_at), if !waiting.is_empty() => {
                let Some(at) = waiting.pop_front() else { continue };
                tried.push((at, None));
                running.push(async move { (open(at).await, at) });
                next_at = Instant::now() + STAGGER;
            }
            else => return None,
        }
    }
}

async fn open(at: SocketAddr) -> std::io::Result<TcpStream> {
    let tcp = TcpStream::connect(at).await?;
    // A probe writes small lines and waits for each answer: Nagle's algorithm would only add delay.
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// The addresses with the families taking turns, the family of the first one first; without repeats.
fn mixed(addresses: &[IpAddr]) -> impl Iterator<Item = IpAddr> + use<> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut one, mut two): (VecDeque<IpAddr>, VecDeque<IpAddr>) =
        addresses.iter().partition(|ip| ip.is_ipv6() == first_is_v6);
    let mut out: Vec<IpAddr> = Vec::new();
    while !(one.is_empty() && two.is_empty()) {
        for ip in one.pop_front().into_iter().chain(two.pop_front()) {
            if !out.contains(&ip) {
                out.push(ip);
            }
        }
    }
    out.into_iter().take(MAX_TRIED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::net::TcpListener;

    fn ip(s: &str) -> IpAddr {
        s.parse().unwrap()
    }

    #[test]
    fn families_take_turns_and_no_address_comes_twice() {
        let all = [
            ip("::1"),
            ip("::2"),
            ip("10.0.0.1"),
            ip("::1"),
            ip("10.0.0.2"),
            ip("10.0.0.3"),
        ];
        let order: Vec<String> = mixed(&all).map(|a| a.to_string()).collect();
        assert_eq!(order, ["::1", "10.0.0.1", "::2", "10.0.0.2", "10.0.0.3"]);
    }

    #[tokio::test]
    async fn a_refused_address_is_passed_over_and_the_one_that_answered_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // 127.0.0.2 is this host too, and nothing listens there.
        let (_, at, passed) = connect(&[ip("127.0.0.2"), ip("127.0.0.1")], port, Span::from_secs(5))
            .await
            .unwrap();
        assert_eq!(at, SocketAddr::new(ip("127.0.0.1"), port));
        let refused = Some("connection refused".to_owned());
        assert_eq!(passed, [(SocketAddr::new(ip("127.0.0.2"), port), refused)]);
    }

    #[tokio::test]
    async fn the_error_names_each_address_and_the_systems_reason() {
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let e = connect(&[closed.ip()], closed.port(), Span::from_secs(5))
            .await
            .unwrap_err();
        assert_eq!(e.to_string(), format!("{closed} connection refused"));
        assert!(!e.silent());
    }
}
