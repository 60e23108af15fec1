//! What ssh says when it fails, as a [`Missed`]: the kind of failure, ssh's own words, and what to do next. Pure.
//! The words are OpenSSH's; what is not known among them is passed on as it stands.

use crate::domain::argv::Argv;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};

use super::SshTarget;

/// How the try ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// ssh gave up by itself.
    Exited,
    /// It was still at it when the time was over.
    Silent,
}

/// Why no connection came about, from what ssh logged.
pub(super) fn opening(target: &SshTarget, log: &str, end: End) -> Missed {
    let tried = target.by_hand();
    let has = |words: &str| log.contains(words);
    let host = host_of(&target.destination);
    let missed = |kind: Miss| Missed::new(kind, &*tried, words(log, end, target.connect_timeout));
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        return Missed::new(
            Miss::Denied,
            &*tried,
            "its host key is not the one on file: another machine answers under its name, or it was set up anew",
        )
        .fix(format!(
            "find out which; if the change is expected, remove the old key (ssh-keygen -R {host}) and run `{tried}` once by hand"
        ));
    }
    if has("host key is known for") || has("Host key verification failed") {
        return Missed::new(
            Miss::Denied,
            &*tried,
            "its host key is not known here, and none is added silently",
        )
        .fix(format!("run `{tried}` once by hand and compare the fingerprint"));
    }
    if has("Could not resolve hostname") {
        return missed(Miss::Unreachable).fix(format!(
            "check HostName in your ssh config (`ssh -G {host}` shows it) and the resolver"
        ));
    }
    if has("Permission denied (") || has("Too many authentication failures") || has("No supported authentication") {
        return missed(Miss::Denied).fix(format!(
            "`{tried}` must get in without a question: load the key into the agent (ssh-add), check User and IdentityFile"
        ));
    }
    if has("Bad configuration option") || has("terminating, ") || has("Can't open user config file") {
        return missed(Miss::BadAnswer).fix("mend the ssh config, at the line that it names");
    }
    if has("UNKNOWN port 65535") {
        // What that program said, ssh throws away when it holds a connection for others.
        return Missed::new(
            Miss::Unreachable,
            &*tried,
            "the way through its jump host or proxy command was closed",
        )
        .fix(format!("run `{tried}` by hand to see why"));
    }
    if has("Connection refused") {
        return missed(Miss::Unreachable).fix("the host is up and nothing listens on that port: check sshd and Port");
    }
    if has("during banner exchange") || has("kex_exchange_identification") || has("Connection closed by") {
        return missed(Miss::Unreachable)
            .fix("something accepts there and is no working sshd: overload (MaxStartups), a ban, or a firewall");
    }
    if has("timed out") || has("No route to host") || has("Network is unreachable") || has("Host is down") {
        return missed(Miss::Unreachable).fix("check that the host is up and that a path leads to it");
    }
    match end {
        End::Silent => silent(target, target.connect_timeout),
        End::Exited => missed(Miss::Unreachable).fix(format!("run `{tried}` by hand to see more")),
    }
}

/// No connection in the time that there was.
pub(super) fn silent(target: &SshTarget, limit: Span) -> Missed {
    Missed::new(
        Miss::Unreachable,
        target.by_hand(),
        format!("no connection within {limit}"),
    )
    .fix("check that the host is up; run it by hand to see where it waits (an agent may be asking you)")
}

/// A connection that stood and does not any more.
pub(super) fn lost(target: &SshTarget, e: &openssh::Error, log: &str) -> Missed {
    let why = match last_line(log) {
        Some(line) => format!("the connection was lost: {line}"),
        None => match std::error::Error::source(e) {
            Some(source) => format!("the connection was lost: {e}: {source}"),
            None => format!("the connection was lost: {e}"),
        },
    };
    Missed::new(Miss::Unreachable, target.by_hand(), why)
}

/// The connection stands, and sshd opens no further session over it.
pub(super) fn refused_session(e: &openssh::Error, typed: Text) -> Option<Missed> {
    let openssh::Error::SshMux(inner) = e else { return None };
    let words = inner.to_string();
    words.contains("refused").then(|| {
        Missed::new(Miss::Denied, typed, words)
            .fix("sshd there allows no more sessions on one connection: raise MaxSessions")
    })
}

/// ssh itself could not be run.
pub(super) fn no_ssh(target: &SshTarget, e: &std::io::Error) -> Missed {
    let missed = Missed::new(
        Miss::NotFound,
        target.by_hand(),
        format!("ssh could not be started here: {e}"),
    );
    missed.fix("install the OpenSSH client")
}

/// The shell there does not find the program.
pub(super) fn not_there(argv: &Argv, typed: Text, stderr: &[u8]) -> Missed {
    let why = match first_line(stderr) {
        Some(line) => line,
        None => format!("there is no `{}` there", argv.program()).into(),
    };
    Missed::new(Miss::NotFound, typed, why).fix("install it there, or give its full path in the config")
}

/// It is there and may not be run.
pub(super) fn not_allowed(argv: &Argv, typed: Text, stderr: &[u8]) -> Missed {
    let why = match first_line(stderr) {
        Some(line) => line,
        None => format!("`{}` may not be run", argv.program()).into(),
    };
    Missed::new(Miss::Denied, typed, why).fix("check its permissions there, or log in as a user that may run it")
}

/// Whether standard error speaks of a permission.
pub(super) fn says_denied(stderr: &[u8]) -> bool {
    memchr::memmem::find(stderr, b"ermission denied").is_some()
}

fn first_line(bytes: &[u8]) -> Option<Text> {
    let line = bytes
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|l| !l.is_empty())?;
    Some(Text::bounded(line, 240))
}

fn last_line(log: &str) -> Option<&str> {
    log.lines().map(str::trim).rfind(|l| !l.is_empty())
}

/// ssh's last words, or that there were none.
fn words(log: &str, end: End, limit: Span) -> Text {
    match (last_line(log), end) {
        (Some(line), _) => Text::bounded(line.strip_prefix("ssh: ").unwrap_or(line).as_bytes(), 240),
        (None, End::Silent) => format!("no connection within {limit}").into(),
        (None, End::Exited) => "ssh gave up without a word".into(),
    }
}

/// The host of a destination, for commands that take no user and no port.
fn host_of(destination: &str) -> String {
    let d = destination.strip_prefix("ssh://").map_or(destination, |uri| {
        let host = uri.rsplit('@').next().unwrap_or(uri);
        host.trim_end_matches('/').rsplit_once(':').map_or(
            host,
            |(name, port)| if port.parse::<u16>().is_ok() { name } else { host },
        )
    });
    crate::domain::argv::quote(d.rsplit('@').next().unwrap_or(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> SshTarget {
        SshTarget {
            destination: "ssh://ops@mx1:2222".into(),
            config_file: None,
            control_dir: "/nowhere".into(),
            connect_timeout: Span::from_secs(5),
        }
    }

    #[test]
    fn each_way_to_fail_has_its_kind_and_says_what_to_do() {
        for (log, kind, fix) in [
            (
                "ssh: Could not resolve hostname mx1: Name or service not known\r\n",
                Miss::Unreachable,
                "ssh -G mx1",
            ),
            (
                "ssh: connect to host mx1 port 22: Connection refused\r\n",
                Miss::Unreachable,
                "sshd and Port",
            ),
            (
                "ssh: connect to host 192.0.2.7 port 22: Connection timed out\r\n",
                Miss::Unreachable,
                "host is up",
            ),
            (
                "Connection timed out during banner exchange\nConnection to 192.0.2.7 port 22 timed out",
                Miss::Unreachable,
                "MaxStartups",
            ),
            (
                "ops@mx1: Permission denied (publickey,password).\r\n",
                Miss::Denied,
                "ssh-add",
            ),
            (
                "No ED25519 host key is known for mx1 and you have requested strict checking.\nHost key verification failed.",
                Miss::Denied,
                "run `ssh ssh://ops@mx1:2222` once by hand",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n…\nHost key verification failed.",
                Miss::Denied,
                "ssh-keygen -R mx1)",
            ),
            (
                "/home/o/.ssh/config: line 3: Bad configuration option: hostnam\n/home/o/.ssh/config: terminating, 1 bad configuration options",
                Miss::BadAnswer,
                "mend",
            ),
            (
                "Connection closed by UNKNOWN port 65535",
                Miss::Unreachable,
                "by hand to see why",
            ),
            (
                "kex_exchange_identification: read: Connection reset by peer",
                Miss::Unreachable,
                "MaxStartups",
            ),
        ] {
            let m = opening(&target(), log, End::Exited);
            assert_eq!(m.kind, kind, "{log}");
            assert!(m.fix.as_ref().is_some_and(|f| f.contains(fix)), "{m}");
        }
    }

    #[test]
    fn a_hostile_banner_in_the_log_comes_out_as_harmless_text() {
        let m = opening(&target(), "\x1b]0;owned\x07\nlast \x1b[2Jwords", End::Exited);
        assert_eq!(m.why.as_str(), "last ␛[2Jwords");
        let m = opening(&target(), "", End::Silent);
        assert_eq!(
            (m.kind, m.why.as_str()),
            (Miss::Unreachable, "no connection within 5.0s")
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_told_in_the_words_of_the_shell_there() {
        let argv = Argv::new("postqueue", ["-j"]);
        let m = not_there(
            &argv,
            "ssh mx1 postqueue -j".into(),
            b"\n timeout: failed to run command 'postqueue'\n",
        );
        assert_eq!(
            (m.kind, m.why.as_str()),
            (Miss::NotFound, "timeout: failed to run command 'postqueue'")
        );
        assert_eq!(
            not_there(&argv, "x".into(), b"").why.as_str(),
            "there is no `postqueue` there"
        );
    }
}
