//! A DNS server as people write it: `10.0.0.1`, `10.0.0.1:5353`, `[2001:db8::1]:53`; and a domain.

use std::net::{IpAddr, SocketAddr};

use url::Host;

use super::mistake::{Sheet, Wrong};
use super::table::Reader;
use crate::domain::dns::{Resolver, is_host};

/// The most resolvers that are asked the same.
const MOST: usize = 8;
const PORT: u16 = 53;

/// Reads one.
pub(super) fn resolver(written: &str) -> Result<Resolver, Wrong> {
    let bare = written
        .strip_prefix('[')
        .and_then(|w| w.strip_suffix(']'))
        .unwrap_or(written);
    let at = match (bare.parse::<IpAddr>(), written.parse::<SocketAddr>()) {
        (Ok(ip), _) => SocketAddr::new(ip, PORT),
        (_, Ok(at)) if at.port() > 0 => at,
        _ => {
            return Err(Wrong::new(
                format!("`{written}` is no address of a DNS server"),
                "write an address, with its port where it is not 53: 10.0.0.1, 10.0.0.1:5353 or [2001:db8::1]:53",
            ));
        }
    };
    Ok(Resolver::new(at.to_string()))
}

/// Reads the list of them under `resolvers`; empty where there is none.
pub(super) fn list(table: &Reader, sheet: &mut Sheet) -> Vec<Resolver> {
    let Some(given) = table.texts("resolvers", "\"10.0.0.1\", \"10.0.0.2:5353\"", sheet) else {
        return Vec::new();
    };
    let mut all: Vec<Resolver> = Vec::new();
    for word in &given.value {
        match resolver(word) {
            Ok(one) if all.contains(&one) => {
                let wrong = Wrong::new(format!("names `{one}` twice"), "name each one once");
                sheet.mistake(given.at, &given.key, wrong);
            }
            Ok(one) => all.push(one),
            Err(wrong) => sheet.mistake(given.at, &given.key, wrong),
        }
    }
    if all.len() > MOST {
        let wrong = Wrong::new(
            format!("names {} resolvers", all.len()),
            format!("name {MOST} at the most: each of them is asked every time"),
        );
        sheet.mistake(given.at, &given.key, wrong);
    }
    all
}

/// Reads a domain: `example.com`, in any case, with or without the dot of the root, international names as they are
/// written. Comes out as DNS has it (RFC 5891 5).
pub(super) fn domain(written: &str) -> Result<String, Wrong> {
    let fix = || "write a domain with its dots: example.com";
    let bare = written.strip_suffix('.').unwrap_or(written);
    match Host::parse(bare) {
        Ok(Host::Domain(name)) if name.contains('.') && is_host(&name) => Ok(name),
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => Err(Wrong::new(
            format!("`{written}` is an address, and only a domain has MX records"),
            fix(),
        )),
        _ => Err(Wrong::new(format!("`{written}` is no domain"), fix())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_read_with_and_without_a_port() {
        for (written, want) in [
            ("10.0.0.1", "10.0.0.1:53"),
            ("10.0.0.1:5353", "10.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
        ] {
            assert_eq!(resolver(written).unwrap().as_str(), want, "{written}");
        }
        for bad in [
            "",
            "dns.example.com",
            "10.0.0.1:0",
            "10.0.0.1:",
            "10.0.0.1:99999",
            "[::1",
            "10.0.0",
        ] {
            assert!(resolver(bad).unwrap_err().what.contains(bad), "{bad}");
        }
    }

    #[test]
    fn domains_are_read_in_any_case_with_the_roots_dot_and_in_any_script() {
        for (written, want) in [
            ("example.com", "example.com"),
            ("EXAMPLE.Com.", "example.com"),
            ("Bücher.example", "xn--bcher-kva.example"),
            ("_dmarc.example.com", "_dmarc.example.com"),
        ] {
            assert_eq!(domain(written).as_deref(), Ok(want), "{written}");
        }
        for bad in [
            "com", "com.", "", ".", "a..b", "a b.test", "10.0.0.1", "a/b.test", "a:1.test", "-a.test", "a.test..",
        ] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }
}
