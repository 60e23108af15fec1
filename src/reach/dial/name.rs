//! Names to addresses, as the system's own configuration has it: address literals, `localhost`, `/etc/hosts`, then DNS
//! with the servers and search domains of `/etc/resolv.conf` (127.0.0.1 where there is none, as libc does); other servers
//! may be named in place of its own. Nothing is
//! cached: a probe is there to see that names still resolve. Files that changed are read again.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures::future::{Either, select};
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, Record, RecordType};
use hickory_resolver::{Hosts, TokioResolver, system_conf};
use tokio::time::{sleep, timeout};

use crate::domain::Span;
use crate::domain::dns::Resolver;

/// How long one DNS server gets for one try. The system's 5 s would leave no second try within a probe's time-out.
const ONE_TRY: Duration = Duration::from_millis(1_500);
/// How long the other family gets once one family has addresses (RFC 8305 3, Resolution Delay).
const OTHER_FAMILY: Duration = Duration::from_millis(50);

/// Why there is no address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// It cannot be a name.
    #[error("`{0}` is not a host name")]
    NotAName(String),
    /// The resolver says that there is no such name (NXDOMAIN).
    #[error("no such name: {0} (NXDOMAIN)")]
    NoSuchName(String),
    /// The name exists and has neither an A nor an AAAA record.
    #[error("{0} exists but has no address")]
    NoAddress(String),
    /// No DNS server gave an answer that could be used.
    #[error("no answer from the resolver ({servers}) for {name}: {why}")]
    NoAnswer {
        /// What was asked.
        name: String,
        /// Who was asked.
        servers: String,
        /// What came instead.
        why: String,
    },
}

impl NameError {
    /// When several forms of a name were asked, the one that says most: no answer outweighs a no.
    fn rank(&self) -> u8 {
        match self {
            Self::NoAnswer { .. } => 3,
            Self::NoAddress(_) => 2,
            Self::NoSuchName(_) => 1,
            Self::NotAName(_) => 0,
        }
    }
}

/// The resolver. Cheap to clone; clones share it.
#[derive(Clone, Default)]
pub struct Names {
    /// Asked in place of the system's servers; none: the system's.
    servers: Arc<[SocketAddr]>,
    loaded: Arc<Mutex<Option<Loaded>>>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

/// What was read from the system's files, and their state when it was read.
#[derive(Clone)]
struct Loaded {
    stamps: [Option<Stamp>; 2],
    hosts: Arc<Hosts>,
    resolver: TokioResolver,
    suffixes: Arc<[Name]>,
    ndots: usize,
    servers: Arc<str>,
}

/// When a file was changed, and how long it was.
pub(super) type Stamp = (Option<SystemTime>, u64);

/// The state of a file; `None` when it is not there.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|m| (m.modified().ok(), m.len()))
}

impl Names {
    /// Names as these servers have them, in place of the system's own; of none, the system's.
    pub fn of(servers: &[Resolver]) -> Self {
        Self {
            servers: servers.iter().filter_map(|s| s.as_str().parse().ok()).collect(),
            loaded: Arc::default(),
        }
    }

    /// All records of one kind at this very name, which no search domain is put behind. A name without such records gives
    /// none. Ends within `limit`.
    pub(super) async fn records(&self, name: &str, kind: RecordType, limit: Span) -> Result<Vec<Record>, NameError> {
        let mut whole = Name::from_ascii(name)
            .ok()
            .filter(|n| n.num_labels() > 0)
            .ok_or_else(|| NameError::NotAName(name.to_owned()))?;
        whole.set_fqdn(true);
        let system = self.system()?;
        let done = timeout(limit.to_std(), system.records(&whole, kind)).await;
        done.unwrap_or_else(|_| Err(system.no_answer(&whole, kind, format!("silent for {limit}"))))
    }

    /// The addresses of a host, in the order in which they should be tried. Ends within `limit`.
    pub async fn addresses(&self, host: &str, limit: Span) -> Result<Vec<IpAddr>, NameError> {
        if let Some(known) = without_asking(host) {
            return Ok(known);
        }
        let name = Name::from_utf8(host)
            .ok()
            .filter(|n| n.num_labels() > 0)
            .ok_or_else(|| NameError::NotAName(host.to_owned()))?;
        let system = self.system()?;
        let listed = system.in_hosts_file(&name);
        if !listed.is_empty() {
            return Ok(listed);
        }
        system.ask_within(&name, limit).await
    }

    fn system(&self) -> Result<Loaded, NameError> {
        let stamps = ["/etc/resolv.conf", "/etc/hosts"].map(|f| stamp(Path::new(f)));
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        match &*loaded {
            Some(l) if l.stamps == stamps => Ok(l.clone()),
            _ => Ok(loaded.insert(load(stamps, &self.servers)?).clone()),
        }
    }
}

/// Address literals and `localhost` (RFC 6761 6.3: always loopback, never asked).
fn without_asking(host: &str) -> Option<Vec<IpAddr>> {
    if let Ok(ip) = host.parse() {
        return Some(vec![ip]);
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    (name == "localhost" || name.ends_with(".localhost"))
        .then(|| vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()])
}

fn load(stamps: [Option<Stamp>; 2], servers: &[SocketAddr]) -> Result<Loaded, NameError> {
    let (mut config, options) = system_conf::read_system_conf().unwrap_or_else(|_| {
        let local = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
        (
            ResolverConfig::from_parts(None, Vec::new(), vec![local]),
            ResolverOpts::default(),
        )
    });
    if !servers.is_empty() {
        let domain = config.domain().cloned();
        let named = servers.iter().map(|at| name_server(*at)).collect();
        config = ResolverConfig::from_parts(domain, config.search().to_vec(), named);
    }
    let hosts = Hosts::from_system().unwrap_or_default();
    Ok(Loaded {
        stamps,
        ..with(config, options, hosts)?
    })
}

fn name_server(at: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(at.ip());
    for connection in &mut server.connections {
        connection.port = at.port();
    }
    server
}

/// `10.0.0.1`, and the port where it is not the usual one.
fn server_shown(server: &NameServerConfig) -> String {
    match server.connections.first().map(|c| c.port) {
        Some(port) if port != 53 => SocketAddr::new(server.ip, port).to_string(),
        _ => server.ip.to_string(),
    }
}

fn with(config: ResolverConfig, mut options: ResolverOpts, hosts: Hosts) -> Result<Loaded, NameError> {
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.timeout = options.timeout.min(ONE_TRY);
    let servers: Vec<String> = config.name_servers().iter().map(server_shown).collect();
    let suffixes = config.search().iter().chain(config.domain()).cloned().collect();
    let ndots = options.ndots;
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    let resolver = builder.build().map_err(|e| NameError::NoAnswer {
        name: "any name".to_owned(),
        servers: servers.join(", "),
        why: e.to_string(),
    })?;
    Ok(Loaded {
        stamps: [None, None],
        hosts: Arc::new(hosts),
        resolver,
        suffixes,
        ndots,
        servers: servers.join(", ").into(),
    })
}

impl Loaded {
    fn in_hosts_file(&self, name: &Name) -> Vec<IpAddr> {
        [RecordType::AAAA, RecordType::A]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(name.to_lowercase(), kind)))
            .flat_map(|found| {
                found
                    .answers()
                    .iter()
                    .filter_map(|r| r.data.ip_addr())
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The name as it stands and with each search domain, in the order of resolv.conf(5).
    fn forms(&self, name: &Name) -> Vec<Name> {
        let mut whole = name.clone();
        whole.set_fqdn(true);
        if name.is_fqdn() {
            return vec![whole];
        }
        let mut forms: Vec<Name> = Vec::new();
        for form in self.suffixes.iter().filter_map(|s| name.clone().append_domain(s).ok()) {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        let dots = usize::from(name.num_labels()).saturating_sub(1);
        forms.insert(if dots >= self.ndots { 0 } else { forms.len() }, whole);
        forms
    }

    async fn ask_within(&self, name: &Name, limit: Span) -> Result<Vec<IpAddr>, NameError> {
        timeout(limit.to_std(), self.ask_all(name))
            .await
            .unwrap_or_else(|_| Err(self.no_answer(name, RecordType::A, format!("silent for {limit}"))))
    }

    async fn ask_all(&self, name: &Name) -> Result<Vec<IpAddr>, NameError> {
        let mut worst = NameError::NoSuchName(shown(name));
        for form in self.forms(name) {
            match self.ask(&form).await {
                Ok(found) => return Ok(found),
                Err(e) if e.rank() > worst.rank() => worst = e,
                Err(_) => {}
            }
        }
        Err(worst)
    }

    /// Asks for both families at once; when one has answered with addresses the other gets only a moment more.
    async fn ask(&self, name: &Name) -> Result<Vec<IpAddr>, NameError> {
        let v6 = std::pin::pin!(self.ask_one(name, RecordType::AAAA));
        let v4 = std::pin::pin!(self.ask_one(name, RecordType::A));
        let (first, other) = match select(v6, v4).await {
            Either::Left((first, other)) => (first, Either::Left(other)),
            Either::Right((first, other)) => (first, Either::Right(other)),
        };
        let Ok(mut found) = first else {
            return match (first, other.await) {
                (Err(one), Err(two)) => Err(if one.rank() >= two.rank() { one } else { two }),
                (_, found) => found,
            };
        };
        if let Either::Left((Ok(more), _)) = select(other, std::pin::pin!(sleep(OTHER_FAMILY))).await {
            found.extend(more);
        }
        found.sort_by_key(IpAddr::is_ipv4);
        Ok(found)
    }

    async fn ask_one(&self, name: &Name, kind: RecordType) -> Result<Vec<IpAddr>, NameError> {
        let records = self.records(name, kind).await?;
        let found: Vec<IpAddr> = records.iter().filter_map(|r| r.data.ip_addr()).collect();
        if found.is_empty() {
            return Err(NameError::NoAddress(shown(name)));
        }
        Ok(found)
    }

    async fn records(&self, name: &Name, kind: RecordType) -> Result<Vec<Record>, NameError> {
        match self.resolver.lookup(name.clone(), kind).await {
            Ok(answer) => Ok(answer.answers().to_vec()),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::NXDomain => Err(NameError::NoSuchName(shown(name))),
                ResponseCode::NoError => Ok(Vec::new()),
                other => Err(self.no_answer(name, kind, other.to_string())),
            },
            Err(e) => Err(self.no_answer(name, kind, e.to_string())),
        }
    }

    fn no_answer(&self, name: &Name, kind: RecordType, why: String) -> NameError {
        let name = shown(name);
        NameError::NoAnswer {
            name: if kind.is_ip_addr() {
                name
            } else {
                format!("{kind} of {name}")
            },
            servers: self.servers.to_string(),
            why,
        }
    }
}

/// A name without the dot of the root.
fn shown(name: &Name) -> String {
    let full = name.to_utf8();
    full.strip_suffix('.').map_or(full.clone(), ToOwned::to_owned)
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
