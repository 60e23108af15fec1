//! Where a door or a host is, as people write it: `imaps://probe@imap.example.com`, `ssh://mx1`. A password in a URL is
//! refused, because URLs end up in shell histories and on screens; so whatever is quoted here is quoted without it.

use url::{Host, Url};

use super::mistake::Wrong;
use super::resolver;
use crate::domain::door::{Place, Protocol, Security};

/// A door's address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct DoorAddress {
    pub(super) protocol: Protocol,
    pub(super) security: Security,
    pub(super) at: Place,
    pub(super) user: Option<String>,
}

/// A host to reach by ssh.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SshAddress {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl SshAddress {
    /// As ssh takes it: the bare alias where that says all.
    pub(super) fn destination(&self) -> String {
        let user = self.user.as_ref().map(|u| format!("{u}@")).unwrap_or_default();
        match self.port {
            Some(port) => {
                let host = if self.host.contains(':') {
                    format!("[{}]", self.host)
                } else {
                    self.host.clone()
                };
                format!("ssh://{user}{host}:{port}")
            }
            None => format!("{user}{}", self.host),
        }
    }
}

/// A URL as it may be shown: what stands between the first `:` after the scheme and the last `@` is masked.
pub(super) fn masked(raw: &str) -> String {
    let start = raw.find("://").map_or(0, |i| i + 3);
    let (head, rest) = raw.split_at(start);
    match rest.rfind('@') {
        Some(at) => match rest[..at].find(':') {
            Some(colon) => format!("{head}{}:…{}", &rest[..colon], &rest[at..]),
            None => raw.to_owned(),
        },
        None => raw.to_owned(),
    }
}

/// What a scheme stands for: the protocol, and how the connection is secured unless something else is said.
pub(super) fn scheme(word: &str) -> Option<(Protocol, Security)> {
    Some(match word {
        "mx" => (Protocol::Mx, Security::May),
        "imaps" => (Protocol::Imap, Security::Tls),
        "imap" => (Protocol::Imap, Security::StartTls),
        "smtp" => (Protocol::Smtp, Security::May),
        "submission" => (Protocol::Submission, Security::StartTls),
        // RFC 8314 7.3 names it; others have long said smtps.
        "submissions" | "smtps" => (Protocol::Submission, Security::Tls),
        "lmtp" => (Protocol::Lmtp, Security::Plain),
        "pop3s" => (Protocol::Pop3, Security::Tls),
        "pop3" => (Protocol::Pop3, Security::StartTls),
        "sieve" => (Protocol::Sieve, Security::StartTls),
        _ => return None,
    })
}

/// How an address of a protocol is written.
pub(super) const fn sample(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Mx => "write mx://example.com",
        Protocol::Imap => "write imaps://probe@imap.example.com, or imap://… for STARTTLS",
        Protocol::Smtp => "write smtp://mx1.example.com",
        Protocol::Submission => "write submission://probe@smtp.example.com, or submissions://… for TLS at once",
        Protocol::Lmtp => "write lmtp://mbox1.example.com:24, or lmtp:///run/dovecot/lmtp for a socket on the server",
        Protocol::Pop3 => "write pop3s://probe@pop.example.com, or pop3://… for STLS",
        Protocol::Sieve => "write sieve://probe@imap.example.com",
    }
}

/// Reads a door's address, `imaps://[USER@]HOST[:PORT]` for one, of the protocol that is wanted.
pub(super) fn door(raw: &str, wanted: Protocol) -> Result<DoorAddress, Wrong> {
    let sample = sample(wanted);
    let url = parse(raw, sample)?;
    let (protocol, security) = scheme(url.scheme())
        .filter(|(protocol, _)| *protocol == wanted)
        .ok_or_else(|| {
            let what = format!("`{}://` is no {} address", url.scheme(), wanted.title());
            Wrong::new(what, sample)
        })?;
    if url.password().is_some() {
        return Err(Wrong::new(
            format!("`{}` carries a password", masked(raw)),
            "take it out of the URL; use password_command, password_file or password_env",
        ));
    }
    let user = decoded_user(&url)?;
    if let Some((name, _)) = user.as_deref().and_then(|u| u.split_once(';')) {
        return Err(Wrong::new(
            "names the way to log in inside the URL",
            format!("write only `{name}@` there, and auth = \"…\" beside it"),
        ));
    }
    if protocol == Protocol::Lmtp && url.host_str().is_none_or(str::is_empty) && url.path().len() > 1 {
        let path = String::from_utf8(percent_decoded(url.path()))
            .map_err(|_| Wrong::new("the path of the socket is not UTF-8", sample))?;
        return Ok(DoorAddress {
            protocol,
            security,
            at: Place::Socket(path),
            user,
        });
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        let fix = if protocol == Protocol::Imap {
            "end it there; the mailbox has a setting of its own (mailbox)"
        } else {
            "end it there"
        };
        return Err(Wrong::new(format!("`{}` goes on after the host", masked(raw)), fix));
    }
    let usual = protocol.scheme(security).1;
    let mut host = host(&url, raw, sample)?;
    if protocol == Protocol::Mx {
        host = resolver::domain(&host)?;
    }
    Ok(DoorAddress {
        protocol,
        security,
        at: Place::tcp(host, port(&url, raw)?.unwrap_or(usual)),
        user,
    })
}

/// Reads `ssh://[USER@]HOST[:PORT]`.
pub(super) fn ssh(raw: &str) -> Result<SshAddress, Wrong> {
    const SAMPLE: &str = "write ssh://mx1, with an alias of your ssh config";
    let url = parse(raw, SAMPLE)?;
    if url.password().is_some() {
        return Err(Wrong::new(
            format!("`{}` carries a password", masked(raw)),
            "take it out; ssh uses your keys and your agent",
        ));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(Wrong::new(format!("`{}` goes on after the host", masked(raw)), SAMPLE));
    }
    let address = SshAddress {
        user: decoded_user(&url)?,
        host: match url.host() {
            Some(Host::Ipv6(ip)) => ip.to_string(),
            Some(host) => host.to_string(),
            None => return Err(Wrong::new(format!("`{}` names no host", masked(raw)), SAMPLE)),
        },
        port: port(&url, raw)?,
    };
    plain_words(&[address.user.as_deref().unwrap_or("u"), &address.host])?;
    Ok(address)
}

/// Reads what follows `ssh:` in `reach`: an alias, `user@host`, or a whole `ssh://` URL.
pub(super) fn ssh_destination(word: &str) -> Result<String, Wrong> {
    if word.starts_with("//") || word.starts_with("ssh://") {
        let url = if word.starts_with("//") {
            format!("ssh:{word}")
        } else {
            word.to_owned()
        };
        return ssh(&url).map(|a| a.destination());
    }
    let (user, host) = word.rsplit_once('@').map_or((None, word), |(u, h)| (Some(u), h));
    plain_words(&[user.unwrap_or("u"), host])?;
    Ok(word.to_owned())
}

/// ssh puts host and user into commands of the user's config (`ProxyCommand … %h`), and takes a leading dash for an
/// option: only harmless characters pass.
fn plain_words(words: &[&str]) -> Result<(), Wrong> {
    for word in words {
        if word.is_empty() {
            return Err(Wrong::new("names no host", "write an alias of your ssh config"));
        }
        let harmless = |c: char| c.is_alphanumeric() || "._-:%+@".contains(c);
        if word.starts_with('-') || !word.chars().all(harmless) {
            return Err(Wrong::new(
                format!("`{word}` is no name that ssh should be given"),
                "write an alias of your ssh config, or user@host: letters, digits and . _ - only",
            ));
        }
    }
    Ok(())
}

fn parse(raw: &str, sample: &str) -> Result<Url, Wrong> {
    // The parser drops such characters in silence; an address that was not written is not the one to dial.
    if raw.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Wrong::new(format!("`{}` holds a blank", masked(raw)), sample));
    }
    Url::parse(raw).map_err(|why| {
        let what = match why {
            url::ParseError::RelativeUrlWithoutBase => format!("`{}` has no scheme", masked(raw)),
            why => format!("`{}`: {why}", masked(raw)),
        };
        Wrong::new(what, sample)
    })
}

fn host(url: &Url, raw: &str, sample: &str) -> Result<String, Wrong> {
    let none = || Wrong::new(format!("`{}` names no host", masked(raw)), sample);
    match url.host().ok_or_else(none)? {
        Host::Ipv4(ip) => Ok(ip.to_string()),
        Host::Ipv6(ip) => Ok(ip.to_string()),
        // Schemes that the URL standard does not know keep their host raw: international names need this second look.
        Host::Domain(name) => match Host::parse(name) {
            Ok(Host::Domain(name)) if name.trim_matches('.').is_empty() => Err(none()),
            Ok(Host::Domain(name)) => Ok(name),
            Ok(Host::Ipv4(ip)) => Ok(ip.to_string()),
            Ok(Host::Ipv6(ip)) => Ok(ip.to_string()),
            Err(why) => Err(Wrong::new(format!("`{name}` is not a host name: {why}"), sample)),
        },
    }
}

fn port(url: &Url, raw: &str) -> Result<Option<u16>, Wrong> {
    match url.port() {
        Some(0) => Err(Wrong::new(
            format!("`{}`: no service is on port 0", masked(raw)),
            "write its port",
        )),
        port => Ok(port),
    }
}

fn decoded_user(url: &Url) -> Result<Option<String>, Wrong> {
    let raw = url.username();
    if raw.is_empty() {
        return Ok(None);
    }
    let fix = "write letters as they are and others as %XX of UTF-8, or put the name into `user`";
    let user =
        String::from_utf8(percent_decoded(raw)).map_err(|_| Wrong::new("the user in the URL is not UTF-8", fix))?;
    if user.chars().any(char::is_control) {
        return Err(Wrong::new("the user in the URL holds a control character", fix));
    }
    Ok(Some(user))
}

/// RFC 3986, 2.1. A `%` that starts no pair of digits stays.
fn percent_decoded(s: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len());
    let mut rest = s.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).and_then(|p| std::str::from_utf8(p).ok());
        match pair.and_then(|p| u8::from_str_radix(p, 16).ok()) {
            Some(byte) if *first == b'%' => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(security: Security, host: &str, port: u16, user: Option<&str>) -> DoorAddress {
        DoorAddress {
            protocol: Protocol::Imap,
            security,
            at: Place::tcp(host, port),
            user: user.map(Into::into),
        }
    }
    fn imap(raw: &str) -> Result<DoorAddress, Wrong> {
        door(raw, Protocol::Imap)
    }

    #[test]
    fn doors_are_read_as_people_write_them() {
        use Security::{StartTls, Tls};
        for (raw, want) in [
            ("imaps://imap.example.com", at(Tls, "imap.example.com", 993, None)),
            ("IMAPS://IMAP.Example.com/", at(Tls, "imap.example.com", 993, None)),
            ("imap://probe@mx:10143", at(StartTls, "mx", 10_143, Some("probe"))),
            ("imaps://u1@[::1]:10993", at(Tls, "::1", 10_993, Some("u1"))),
            ("imaps://u1@127.0.0.1:993", at(Tls, "127.0.0.1", 993, Some("u1"))),
            (
                "imaps://probe@example.com@mx",
                at(Tls, "mx", 993, Some("probe@example.com")),
            ),
            (
                "imaps://probe%40example.com@mx",
                at(Tls, "mx", 993, Some("probe@example.com")),
            ),
            (
                "imaps://j%C3%B6@bücher.example",
                at(Tls, "xn--bcher-kva.example", 993, Some("jö")),
            ),
            ("imaps://mx_1", at(Tls, "mx_1", 993, None)),
        ] {
            assert_eq!(imap(raw), Ok(want), "{raw}");
        }
    }

    #[test]
    fn each_protocol_has_its_schemes_and_ports_and_lmtp_may_be_a_socket() {
        use Security::{May, Plain, StartTls, Tls};
        for (raw, protocol, security, at) in [
            ("smtp://mx1", Protocol::Smtp, May, Place::tcp("mx1", 25)),
            ("mx://Example.COM.", Protocol::Mx, May, Place::tcp("example.com", 25)),
            (
                "submission://mx1",
                Protocol::Submission,
                StartTls,
                Place::tcp("mx1", 587),
            ),
            ("submissions://mx1", Protocol::Submission, Tls, Place::tcp("mx1", 465)),
            ("smtps://mx1:4650", Protocol::Submission, Tls, Place::tcp("mx1", 4_650)),
            ("lmtp://[::1]:10024", Protocol::Lmtp, Plain, Place::tcp("::1", 10_024)),
            (
                "lmtp:///run/dovecot/lmtp",
                Protocol::Lmtp,
                Plain,
                Place::Socket("/run/dovecot/lmtp".into()),
            ),
            ("pop3s://p@mx1", Protocol::Pop3, Tls, Place::tcp("mx1", 995)),
            ("pop3://p@mx1", Protocol::Pop3, StartTls, Place::tcp("mx1", 110)),
            ("sieve://p@mx1", Protocol::Sieve, StartTls, Place::tcp("mx1", 4_190)),
        ] {
            let read = door(raw, protocol).unwrap();
            assert_eq!(
                (read.protocol, read.security, read.at),
                (protocol, security, at),
                "{raw}"
            );
        }
        assert!(door("smtp:///run/x", Protocol::Smtp).is_err());
        assert!(door("lmtp://", Protocol::Lmtp).is_err());
        for bad in ["mx://10.0.0.1", "mx://[::1]", "mx://com"] {
            assert!(door(bad, Protocol::Mx).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_address_says_what_is_wrong_with_it() {
        for (raw, what) in [
            ("imap.example.com", "`imap.example.com` has no scheme"),
            ("pop3s://x", "`pop3s://` is no IMAP address"),
            ("imaps://", "`imaps://` names no host"),
            ("imaps://probe@", "`imaps://probe@`: empty host"),
            ("imaps://mx:99999", "`imaps://mx:99999`: invalid port number"),
            ("imaps://mx:0", "`imaps://mx:0`: no service is on port 0"),
            ("imaps://mx/INBOX", "`imaps://mx/INBOX` goes on after the host"),
            ("imaps://u:p@mx/INBOX?q", "`imaps://u:…@mx/INBOX?q` carries a password"),
            ("imaps://u;AUTH=*@mx", "names the way to log in inside the URL"),
            ("imaps://m x", "`imaps://m x` holds a blank"),
            ("imaps://%00@mx", "the user in the URL holds a control character"),
            ("imaps://[::1", "`imaps://[::1`: invalid IPv6 address"),
        ] {
            assert_eq!(imap(raw).unwrap_err().what, what, "{raw}");
        }
    }

    #[test]
    fn hosts_to_reach_by_ssh_keep_what_the_ssh_config_needs() {
        for (raw, want) in [
            ("ssh://mx1", "mx1"),
            ("ssh://root@mx1", "root@mx1"),
            ("ssh://root@mx1:2222", "ssh://root@mx1:2222"),
            ("ssh://[::1]:22", "ssh://[::1]:22"),
            ("ssh://[fe80::1]", "fe80::1"),
            ("ssh://Mail_Host", "Mail_Host"),
        ] {
            assert_eq!(ssh(raw).unwrap().destination(), want, "{raw}");
        }
        assert_eq!(ssh_destination("root@mx1"), Ok("root@mx1".into()));
        assert_eq!(ssh_destination("//mx1:22"), Ok("ssh://mx1:22".into()));
    }

    #[test]
    fn what_ssh_would_take_for_an_option_or_a_shell_for_a_command_is_refused() {
        for bad in [
            "",
            "-oProxyCommand=x",
            "u@-x",
            "@mx",
            "mx1;reboot",
            "$(reboot)",
            "a b",
            "`x`",
            "//u:p@mx",
        ] {
            assert!(ssh_destination(bad).is_err(), "{bad}");
        }
        assert!(ssh("ssh://-oX").is_err());
        assert!(ssh("ssh://").is_err());
    }

    proptest! {
        #[test]
        fn no_words_panic_and_no_complaint_repeats_a_password(user in "[a-z]{1,4}", host in "[a-z/ :?#@\\[%]{0,12}", any in ".{0,40}") {
            let raw = format!("imaps://{user}:hunter2@{host}");
            if let Err(wrong) = imap(&raw) {
                prop_assert!(!wrong.what.contains("hunter2") && !wrong.fix.contains("hunter2"), "{wrong:?}");
            }
            if let Err(wrong) = ssh(&raw) {
                prop_assert!(!wrong.what.contains("hunter2"));
            }
            let _ = (imap(&any), ssh(&any), ssh_destination(&any), masked(&any));
        }
    }
}
