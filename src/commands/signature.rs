//! Who signs an action: the login and its host, from where it came, and the user before sudo where there is one. Taken from
//! the surroundings, which are whatever their owner makes them: a word for the record and no proof.

use std::net::IpAddr;
use std::path::Path;

use crate::domain::Text;

/// The most processes that are gone up through in search of the ssh session.
const UP: usize = 16;

/// `lin@bastion from 192.0.2.7 (sudo: lin as root)`.
pub fn who() -> Text {
    let login = whoami::username().unwrap_or_else(|_| "unknown".into());
    let host = whoami::hostname().unwrap_or_else(|_| "unknown".into());
    let before = std::env::var("SUDO_USER").ok();
    let session = std::env::var("SSH_CONNECTION").ok().or_else(|| {
        // sudo takes it out of the environment; the shell that it was called from still has it.
        before.as_ref().and_then(|_| of_an_ancestor("SSH_CONNECTION"))
    });
    signed(&login, &host, before.as_deref(), session.as_deref())
}

fn signed(login: &str, host: &str, before: Option<&str>, session: Option<&str>) -> Text {
    let before = before.filter(|s| !s.is_empty() && *s != login);
    let from = session
        .and_then(client)
        .map(|ip| format!(" from {ip}"))
        .unwrap_or_default();
    let sudo = before.map(|b| format!(" (sudo: {b} as {login})")).unwrap_or_default();
    format!("{}@{host}{from}{sudo}", before.unwrap_or(login)).into()
}

/// The client's address, the first word of `SSH_CONNECTION` (ssh(1)); an address of a link has its zone behind a percent sign.
fn client(session: &str) -> Option<IpAddr> {
    let word = session.split_ascii_whitespace().next()?;
    word.split('%').next()?.parse().ok()
}

/// A variable of the nearest process above this one that has it, as far as we may look.
fn of_an_ancestor(name: &str) -> Option<String> {
    let mut pid = "self".to_owned();
    for _ in 0..UP {
        let at = Path::new("/proc").join(&pid);
        let stat = std::fs::read_to_string(at.join("stat")).ok()?;
        // The second field is the name in parentheses and may hold anything (proc_pid_stat(5)); the fourth is the parent.
        stat.rsplit_once(')')?
            .1
            .split_ascii_whitespace()
            .nth(1)?
            .clone_into(&mut pid);
        let environ = std::fs::read(Path::new("/proc").join(&pid).join("environ")).ok()?;
        let found = environ
            .split(|b| *b == 0)
            .find_map(|v| v.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        if let Some(value) = found {
            return Some(String::from_utf8_lossy(value).into_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_who_from_where_and_by_sudo_as_whom() {
        let session = Some("192.0.2.7 50122 198.51.100.4 22");
        for (login, before, session, want) in [
            ("lin", None, None, "lin@bastion"),
            ("lin", None, session, "lin@bastion from 192.0.2.7"),
            (
                "root",
                Some("lin"),
                session,
                "lin@bastion from 192.0.2.7 (sudo: lin as root)",
            ),
            ("root", Some("lin"), None, "lin@bastion (sudo: lin as root)"),
            ("lin", Some("lin"), None, "lin@bastion"),
            ("lin", Some(""), None, "lin@bastion"),
            (
                "lin",
                None,
                Some("fe80::1%eth0 1 fe80::2%eth0 22"),
                "lin@bastion from fe80::1",
            ),
            ("lin", None, Some("\u{1b}[31m 1 2 3"), "lin@bastion"),
            ("lin", None, Some(""), "lin@bastion"),
        ] {
            assert_eq!(&*signed(login, "bastion", before, session), want);
        }
        assert_eq!(&*signed("l\u{1b}n", "b", None, None), "l␛n@b");
    }

    #[test]
    fn a_variable_is_found_in_a_process_above() {
        // The test runner above this test has one, or nothing has.
        let found = of_an_ancestor("PATH").unwrap();
        assert!(found.contains('/'), "{found}");
        assert_eq!(of_an_ancestor("NO_SUCH_VARIABLE_AT_ALL"), None);
    }
}
