//! What psql is told to do: argument vectors of statements, never a password, never a question at the terminal. Nothing
//! that a name can hold gets out of its quotes, and no object of another schema is taken for the server's own.

use super::told::Backend;
use crate::domain::Span;
use crate::domain::argv::Argv;
use crate::domain::job::{Postgres, PostgresPause};

/// Asks for everything at once.
const LOOK: &str = include_str!("look.sql");

/// psql as it is configured, with the user it runs as.
pub(in super::super) fn psql(db: &Postgres) -> Argv {
    match &db.run_as {
        Some(user) => db.psql.under(&["sudo", "-n", "-u", user]),
        None => db.psql.clone(),
    }
}

/// Whether psql goes on after a statement that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum OnError {
    Stop,
    GoOn,
}

/// Each statement is its own transaction, unless it makes one: `-c` after `-c` (psql(1)). `-w`: psql would ask for a password at the
/// terminal that the console is drawn on.
fn runs(db: &Postgres, on_error: OnError, statements: impl IntoIterator<Item = String>) -> Argv {
    let mut argv = psql(db);
    for option in ["-X", "-A", "-t", "-q", "-w", "-v", "VERBOSITY=verbose"] {
        argv = argv.arg(option);
    }
    if on_error == OnError::Stop {
        argv = argv.arg("-v").arg("ON_ERROR_STOP=1");
    }
    for statement in statements {
        argv = argv.arg("-c").arg(statement);
    }
    argv
}

/// The server ends a statement before our own time-out ends psql, which would leave the statement running there.
fn session(timeout: Span) -> String {
    let millis = (timeout.to_std().as_millis() * 3 / 4).max(1);
    format!("SET application_name = 'mailtop'; SET statement_timeout = {millis}; SET lock_timeout = {millis}")
}

/// The reading. What the operator wrote runs with his own search_path, ours with none.
pub(super) fn look(db: &Postgres, timeout: Span) -> Argv {
    let mut all = vec![format!(
        "{}; SET default_transaction_read_only = on; SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'",
        session(timeout)
    )];
    if let Some(table) = &db.table {
        let table = literal(table);
        all.push(format!(
            "SELECT pg_catalog.jsonb_build_object('relation', pg_catalog.set_config('mailtop.relation', \
             coalesce(pg_catalog.to_regclass({table}::pg_catalog.text)::pg_catalog.oid::pg_catalog.text, ''), false))"
        ));
    }
    if let PostgresPause::Settings { paused_when, .. } = &db.pause {
        // The line's end closes a comment that it may end with.
        all.push(format!(
            "SELECT pg_catalog.jsonb_build_object('paused', ({paused_when}\n))"
        ));
    }
    all.push("SET search_path = ''".to_owned());
    all.push(LOOK.to_owned());
    runs(db, OnError::Stop, all)
}

/// Cancels exactly these, if they still do what they were seen to do: a number is used again, and a session goes on to other
/// queries. Says how many it was.
pub(in super::super) fn cancel(db: &Postgres, timeout: Span, backends: &[Backend]) -> Argv {
    let those = backends
        .iter()
        .map(|b| format!("({}, '{}', '{}')", b.pid, b.session, b.query))
        .collect::<Vec<_>>()
        .join(", ");
    let cancel = format!(
        "WITH asked AS MATERIALIZED (SELECT pg_cancel_backend(pid) AS done FROM pg_stat_activity WHERE state = 'active' \
         AND (pid, backend_start, query_start) IN ({those})) SELECT count(*) FILTER (WHERE done) || ' of {} cancelled' FROM asked",
        backends.len()
    );
    runs(
        db,
        OnError::Stop,
        [format!("{}; SET search_path = ''", session(timeout)), cancel],
    )
}

/// One statement of the operator's.
pub(in super::super) fn one(db: &Postgres, statement: &str, timeout: Span) -> Argv {
    runs(db, OnError::Stop, [session(timeout), statement.to_owned()])
}

/// All of them, whatever becomes of each: what resumes when nobody is there to look.
pub(in super::super) fn all(db: &Postgres, statements: &[String]) -> Argv {
    runs(db, OnError::GoOn, statements.iter().cloned())
}

/// A string constant. In the `E` form a backslash is one whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn db(run_as: Option<&str>) -> Postgres {
        Postgres {
            psql: Argv::new("psql", ["-d", "mail"]),
            run_as: run_as.map(str::to_owned),
            table: Some("it's.\"a\\b\nc\"".into()),
            pause: PostgresPause::Settings {
                pause: vec![],
                resume: vec![],
                paused_when: "SELECT true -- so".into(),
            },
        }
    }

    #[test]
    fn the_command_that_cancels_is_exact() {
        let backend = Backend {
            pid: 42,
            session: "2026-11-24T00:45:24.787202+00:00".parse().unwrap(),
            query: "2026-11-24T00:50:00Z".parse().unwrap(),
        };
        assert_eq!(
            cancel(&db(Some("postgres")), Span::from_secs(20), &[backend]).quoted(),
            "sudo -n -u postgres psql -d mail -X -A -t -q -w -v VERBOSITY=verbose -v ON_ERROR_STOP=1 -c \
             'SET application_name = '\\''mailtop'\\''; SET statement_timeout = 15000; SET lock_timeout = 15000; SET search_path = '\\'''\\''' \
             -c 'WITH asked AS MATERIALIZED (SELECT pg_cancel_backend(pid) AS done FROM pg_stat_activity WHERE state = '\\''active'\\'' \
             AND (pid, backend_start, query_start) IN ((42, '\\''2026-11-24T00:45:24.787202Z'\\'', '\\''2026-11-24T00:50:00Z'\\''))) \
             SELECT count(*) FILTER (WHERE done) || '\\'' of 1 cancelled'\\'' FROM asked'"
        );
    }

    #[test]
    fn a_table_stays_inside_its_quotes_and_a_comment_ends_with_its_line() {
        let argv = look(&db(None), Span::from_secs(20));
        let all = argv.args().join("\0");
        assert!(all.contains("to_regclass(E'it''s.\"a\\\\b\nc\"'::"), "{all}");
        assert!(all.contains("(SELECT true -- so\n))"), "{all}");
        assert!(all.contains("\0-w\0") && all.contains("default_transaction_read_only = on"));
    }

    #[test]
    fn what_resumes_goes_on_after_a_statement_that_fails() {
        let both = ["SELECT 1".to_owned(), "SELECT 2".to_owned()];
        assert!(!all(&db(None), &both).quoted().contains("ON_ERROR_STOP"));
        assert!(
            one(&db(None), "SELECT 1", Span::from_secs(5))
                .quoted()
                .contains("ON_ERROR_STOP=1")
        );
    }
}
