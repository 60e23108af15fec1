//! What a psql that failed says about the server, and what to do about it. Statements fail with an SQLSTATE, which is the same in
//! every language (psql's VERBOSITY=verbose); a connection that fails has none, so its words are looked at.

use crate::domain::Text;
use crate::domain::reading::{Miss, Missed};
use crate::jobs::act;
use crate::reach::Output;

const RIGHTS: &str =
    "as a superuser there: GRANT pg_signal_backend TO the login (a superuser's own work needs a superuser)";
const OTHER_LOGIN: &str =
    "let psql in as this user without a question (peer, .pgpass), or set run_as = \"postgres\" to run it through sudo";

/// What to do about words of psql that have a known way out.
pub(in super::super) fn advice(words: &str) -> Option<&'static str> {
    if words.contains("pg_signal_backend") || words.contains("query is being canceled") {
        Some(RIGHTS)
    } else if has_state(words, "42501") {
        Some("this login may not do that in the database: let it, or set run_as = \"postgres\"")
    } else {
        None
    }
}

/// Why it failed.
pub(in super::super) fn missed(out: &Output, tried: Text) -> Missed {
    let words = said(out);
    let (kind, fix) = class(&words);
    let fix = act::advice(out).filter(|_| kind == Miss::Denied).unwrap_or(fix);
    let words = if words.is_empty() {
        act::ended(out).into()
    } else {
        words
    };
    Missed::new(kind, tried, words).fix(fix)
}

/// Its words, without the place in the server's source that a verbose error ends with.
fn said(out: &Output) -> Text {
    let text = String::from_utf8_lossy(&out.stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with("LOCATION: "))
        .take(8)
        .collect();
    Text::bounded(lines.join(" / ").as_bytes(), 400)
}

fn has_state(words: &str, state: &str) -> bool {
    words.contains(&format!(":  {state}: "))
}

fn class(words: &str) -> (Miss, &'static str) {
    let has = |all: &[&str]| all.iter().any(|w| words.contains(w));
    let state = |all: &[&str]| all.iter().any(|s| has_state(words, s));
    if state(&["57014", "55P03", "25P03"]) {
        (
            Miss::TimedOut,
            "the server is slow or a lock is held: look at it by hand, or set a longer timeout for this job",
        )
    } else if state(&["42501"]) {
        (
            Miss::Denied,
            "GRANT pg_monitor TO this login, or set run_as = \"postgres\"",
        )
    } else if state(&["25006"]) {
        (Miss::BadAnswer, "paused_when may only read")
    } else if state(&["42601", "42703", "42P01", "42883", "42804", "21000", "42602"]) {
        (
            Miss::BadAnswer,
            "check table and paused_when of this job in psql there; PostgreSQL before 13 is too old",
        )
    } else if state(&["57P01", "57P02", "57P03", "53300"]) {
        (Miss::Unreachable, "wait until it is up, or free a connection")
    } else if has(&[
        "authentication failed",
        "no pg_hba.conf entry",
        "pg_hba.conf rejects",
        "no password supplied",
        "fe_sendauth",
        "Permission denied",
        "ermission denied for database",
        "is not permitted to log in",
    ]) || (words.contains("role \"") && words.contains("does not exist"))
        || has(&[
            "a password is required",
            "a terminal is required",
            "not in the sudoers",
            "not allowed to execute",
        ])
    {
        (Miss::Denied, OTHER_LOGIN)
    } else if words.contains("database \"") && words.contains("does not exist") {
        (
            Miss::NotFound,
            "name the database: psql = [\"psql\", \"-d\", \"mail\"]; `psql -l` there lists them",
        )
    } else if has(&["command not found", "unknown user"]) {
        (
            Miss::NotFound,
            "install psql there (Debian: postgresql-client), or give its full path in psql",
        )
    } else if has(&[
        "Is the server running",
        "Connection refused",
        "could not translate host name",
        "timeout expired",
        "No route to host",
        "server closed the connection",
        "terminating connection",
    ]) {
        (
            Miss::Unreachable,
            "is PostgreSQL running there? `pg_lsclusters` tells; name its socket folder or host with -h in psql, or in url",
        )
    } else if has(&[
        "the database system is",
        "too many clients",
        "too many connections",
        "remaining connection slots",
    ]) {
        (Miss::Unreachable, "wait until it is up, or free a connection")
    } else {
        (Miss::BadAnswer, "run this psql by hand there and see what it says")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_of_its_kind_and_says_what_to_do() {
        let socket = "connection to server on socket \"/run/postgresql/.s.PGSQL.5432\" failed: ";
        for (status, stderr, want) in [
            (2, format!("psql: error: {socket}No such file or directory\n\tIs the server running locally and accepting connections on that socket?\n"), Miss::Unreachable),
            (2, format!("psql: error: {socket}FATAL:  Peer authentication failed for user \"postgres\"\n"), Miss::Denied),
            (2, format!("psql: error: {socket}FATAL:  role \"ops\" does not exist\n"), Miss::Denied),
            (2, format!("psql: error: {socket}FATAL:  database \"mial\" does not exist\n"), Miss::NotFound),
            (2, format!("psql: error: {socket}FATAL:  the database system is starting up\n"), Miss::Unreachable),
            (2, format!("psql: error: {socket}FATAL:  sorry, too many clients already\n"), Miss::Unreachable),
            (2, format!("psql: error: {socket}fe_sendauth: no password supplied\n"), Miss::Denied),
            (2, "psql: error: connection to server at \"db\" (192.0.2.1), port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n".into(), Miss::Unreachable),
            (1, "ERROR:  57014: canceling statement due to statement timeout\nLOCATION:  ProcessInterrupts, postgres.c:3405\n".into(), Miss::TimedOut),
            (1, "FEHLER:  42501: keine Berechtigung für Funktion pg_x\n".into(), Miss::Denied),
            (1, "ERROR:  25006: cannot execute CREATE TABLE in a read-only transaction\n".into(), Miss::BadAnswer),
            (1, "ERROR:  21000: more than one row returned by a subquery used as an expression\n".into(), Miss::BadAnswer),
            (1, "sudo: a password is required\n".into(), Miss::Denied),
            (1, "sudo: psql: command not found\n".into(), Miss::NotFound),
            (3, String::new(), Miss::BadAnswer),
        ] {
            let out = Output { status: Some(status), stderr: stderr.clone().into_bytes(), ..Output::default() };
            let missed = missed(&out, "psql".into());
            assert_eq!(missed.kind, want, "{stderr}");
            assert!(missed.fix.is_some() && !missed.why.is_empty(), "{missed}");
        }
    }

    #[test]
    fn who_may_not_cancel_is_told_which_right_he_lacks() {
        let said =
            "ERROR:  42501: must be a member of the role whose query is being canceled or member of pg_signal_backend";
        assert!(advice(said).unwrap().contains("GRANT pg_signal_backend"));
        assert!(
            advice("ERROR:  42501: permission denied to set parameter")
                .unwrap()
                .contains("run_as")
        );
        assert_eq!(advice("all is well"), None);
    }
}
