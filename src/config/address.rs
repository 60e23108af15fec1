//! Where a door or a host is, as people write it: `imaps://probe@imap.example.com`, `ssh://mx1`. A password in a URL is
//! refused, because URLs end up in shell histories and on screens; so whatever is quoted here is quoted without it.

use url::{Host, Url};

use super::mistake::Wrong;
use crate::domain::door::Security;

/// A door's address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ImapAddress {
    pub(super) security: Security,
    pub(super) host: String,
    pub(super) port: u16,
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

/// Reads `imaps://[USER@]HOST[:PORT]` or `imap://…`.
pub(super) fn imap(raw: &str) -> Result<ImapAddress, Wrong> {
    const SAMPLE: &str = "write imaps://probe@imap.example.com, or imap://… for STARTTLS";
    let url = parse(raw, SAMPLE)?;
    let (security, usual) = match url.scheme() {
        "imaps" => (Security::Tls, 993),
        "imap" => (Security::StartTls, 143),
        other => return Err(Wrong::new(format!("`{other}://` is no IMAP address"), SAMPLE)),
    };
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
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(Wrong::new(
            format!("`{}` goes on after the host", masked(raw)),
            "end it there; the mailbox has a setting of its own (mailbox)",
        ));
    }
    Ok(ImapAddress {
        security,
        host: host(&url, raw, SAMPLE)?,
        port: port(&url, raw)?.unwrap_or(usual),
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

    fn door(security: Security, host: &str, port: u16, user: Option<&str>) -> ImapAddress {
        ImapAddress {
            security,
            host: host.into(),
            port,
            user: user.map(Into::into),
        }
    }

    #[test]
    fn doors_are_read_as_people_write_them() {
        use Security::{StartTls, Tls};
        for (raw, want) in [
            ("imaps://imap.example.com", door(Tls, "imap.example.com", 993, None)),
            ("IMAPS://IMAP.Example.com/", door(Tls, "imap.example.com", 993, None)),
            ("imap://probe@mx:10143", door(StartTls, "mx", 10_143, Some("probe"))),
            ("imaps://u1@[::1]:10993", door(Tls, "::1", 10_993, Some("u1"))),
            ("imaps://u1@127.0.0.1:993", door(Tls, "127.0.0.1", 993, Some("u1"))),
            (
                "imaps://probe@example.com@mx",
                door(Tls, "mx", 993, Some("probe@example.com")),
            ),
            (
                "imaps://probe%40example.com@mx",
                door(Tls, "mx", 993, Some("probe@example.com")),
            ),
            (
                "imaps://j%C3%B6@bücher.example",
                door(Tls, "xn--bcher-kva.example", 993, Some("jö")),
            ),
            ("imaps://mx_1", door(Tls, "mx_1", 993, None)),
        ] {
            assert_eq!(imap(raw), Ok(want), "{raw}");
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
