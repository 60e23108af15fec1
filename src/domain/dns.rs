//! What the records of a domain say of its mail: where it goes (MX), and which doors its users are sent to (SRV). Pure;
//! asked in `reach::dial::records`. Names stand in lower case and without the dot of the root, which alone is empty.

use std::collections::HashSet;
use std::fmt;

use super::Text;
use super::door::{Protocol, Security};

/// The most hosts that are taken from one answer. DNS allows thousands; a sender tries far fewer (RFC 5321 5.1).
pub const MOST_HOSTS: usize = 16;

/// A DNS server, as an address and a port: `10.0.0.1:53`, `[2001:db8::1]:53`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Resolver(String);

impl Resolver {
    /// Takes in what was checked to be an address and a port.
    pub fn new(address_and_port: impl Into<String>) -> Self {
        Self(address_and_port.into())
    }
    /// As it was taken in.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.strip_suffix(":53").unwrap_or(&self.0))
    }
}

/// An MX record (RFC 1035 3.3.9).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mx {
    /// The lower it is, the sooner the host is tried.
    pub preference: u16,
    /// The host.
    pub host: Text,
}

impl fmt::Display for Mx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.is_empty() { "." } else { &self.host };
        write!(f, "{} {host}", self.preference)
    }
}

/// An SRV record (RFC 2782).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srv {
    /// The lower it is, the sooner the target is tried.
    pub priority: u16,
    /// Its share among those of its priority.
    pub weight: u16,
    /// The TCP port.
    pub port: u16,
    /// The host; the root says that the service is not offered.
    pub target: Text,
}

/// Where the mail of a domain goes (RFC 5321 5.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route {
    /// To these hosts, the first one first; and what a reader should know of what was left out.
    Hosts(Vec<Mx>, Vec<Text>),
    /// There is no MX record: to the address of the domain itself, if it has one.
    Itself,
    /// Nowhere: the domain takes no mail (null MX, RFC 7505 3).
    Nowhere,
}

/// Reads MX records in any order.
pub fn route(records: &[Mx]) -> Route {
    if records.is_empty() {
        return Route::Itself;
    }
    let mut hosts: Vec<Mx> = records.iter().filter(|mx| !mx.host.is_empty()).cloned().collect();
    if hosts.is_empty() {
        return Route::Nowhere;
    }
    let mut notes = Vec::new();
    if hosts.len() < records.len() {
        notes.push("a null MX stands among the MX records, where it may only stand alone (RFC 7505 3)".into());
    }
    hosts.sort();
    let mut seen = HashSet::new();
    hosts.retain(|mx| seen.insert(mx.host.clone()));
    cut(&mut hosts, "MX", &mut notes);
    Route::Hosts(hosts, notes)
}

fn cut<T>(all: &mut Vec<T>, of: &str, notes: &mut Vec<Text>) {
    if all.len() > MOST_HOSTS {
        notes.push(format!("of {} {of} hosts the first {MOST_HOSTS} are taken", all.len()).into());
        all.truncate(MOST_HOSTS);
    }
}

/// A service that SRV records name, and what is spoken there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Service {
    /// What stands before the domain.
    pub label: &'static str,
    /// What is spoken.
    pub protocol: Protocol,
    /// How it is secured.
    pub security: Security,
}

const fn service(label: &'static str, protocol: Protocol, security: Security) -> Service {
    Service {
        label,
        protocol,
        security,
    }
}

/// The services for those who read and write mail: RFC 6186 3.1 to 3.3, for `_submissions` RFC 8314 5.1, for `_sieve`
/// RFC 5804 1.8. Where both are named, TLS from the first byte comes first (RFC 8314 3).
pub const SERVICES: [Service; 7] = [
    service("_submissions._tcp", Protocol::Submission, Security::Tls),
    service("_submission._tcp", Protocol::Submission, Security::StartTls),
    service("_imaps._tcp", Protocol::Imap, Security::Tls),
    service("_imap._tcp", Protocol::Imap, Security::StartTls),
    service("_pop3s._tcp", Protocol::Pop3, Security::Tls),
    service("_pop3._tcp", Protocol::Pop3, Security::StartTls),
    service("_sieve._tcp", Protocol::Sieve, Security::StartTls),
];

/// A door that DNS names.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Offer {
    /// What is spoken behind it.
    pub protocol: Protocol,
    /// How it is secured.
    pub security: Security,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// What was found for a domain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Doors {
    /// The doors, in the order in which they should be tried.
    pub offers: Vec<Offer>,
    /// What a reader should know of how they were found.
    pub notes: Vec<Text>,
    /// The questions that got no answer, and why: doors may be missing.
    pub unanswered: Vec<Text>,
}

impl Doors {
    /// Adds a host that takes mail from other servers.
    pub fn inbound(&mut self, host: &Text) {
        let (_, port) = Protocol::Smtp.scheme(Security::May);
        self.add("MX", Protocol::Smtp, Security::May, host, port);
    }

    /// Adds what the SRV records of a service say: by priority, then the heavier ones first, as all of them are wanted
    /// (RFC 2782 draws lots by weight for one).
    pub fn named(&mut self, service: &Service, records: &[Srv]) {
        let mut offered: Vec<&Srv> = records.iter().filter(|r| !r.target.is_empty()).collect();
        offered.sort_by(|a, b| (a.priority, b.weight, &a.target).cmp(&(b.priority, a.weight, &b.target)));
        cut(&mut offered, service.label, &mut self.notes);
        for r in offered {
            self.add(service.label, service.protocol, service.security, &r.target, r.port);
        }
    }

    fn add(&mut self, by: &str, protocol: Protocol, security: Security, host: &Text, port: u16) {
        if port == 0 || !is_host(host) {
            let note = format!("{by} names `{host}` port {port}, where nothing can be reached");
            self.notes.push(note.into());
            return;
        }
        let offer = Offer {
            protocol,
            security,
            host: host.to_string(),
            port,
        };
        if !self.offers.contains(&offer) {
            self.offers.push(offer);
        }
    }
}

/// Whether a record's target can be the name of a host (RFC 1123 2.1, and `_`, which people use): no address, and
/// nothing that DNS allows and hosts are never called.
pub fn is_host(name: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit())
}

/// What a domain says of MTA-STS in the TXT records at `_mta-sts` (RFC 8461 3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MtaSts {
    /// Nothing.
    Absent,
    /// It has a policy, of this id.
    Announced(Text),
    /// What is there is none to a sender, and why.
    Broken(&'static str),
}

/// Reads the TXT records at `_mta-sts`.
pub fn mta_sts(records: &[Text]) -> MtaSts {
    let mut meant = records.iter().filter_map(|r| r.strip_prefix("v=STSv1"));
    let mut meant = meant.by_ref().filter(|rest| rest.trim_start().starts_with(';'));
    let (Some(fields), other) = (meant.next(), meant.next()) else {
        return MtaSts::Absent;
    };
    if other.is_some() {
        return MtaSts::Broken("is there more than once");
    }
    let id = fields.split(';').find_map(|field| field.trim().strip_prefix("id="));
    match id {
        Some(id) if (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            MtaSts::Announced(id.into())
        }
        _ => MtaSts::Broken("has no valid id"),
    }
}

#[cfg(test)]
#[path = "dns_tests.rs"]
mod tests;
