//! `[[server.job]]` of kind `postgres`: how psql gets to a database, what of it is looked at, and how it is paused. A password
//! is refused: what runs is shown on screens and kept in the journal.

use super::mistake::{Sheet, Wrong};
use super::table::{Given, Reader};
use super::valve;
use super::work::{OF_A_PROCESS, not_for};
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, Postgres, PostgresPause};

/// The keys that only this kind has.
pub(super) const KEYS: &[&str] = &[
    "psql",
    "url",
    "table",
    "run_as",
    "pause_sql",
    "resume_sql",
    "paused_when",
];
/// Whom psql runs as with `sudo = true`: the account that Debian and others give the server.
const SUPERUSER: &str = "postgres";
const NO_PASSWORD: &str =
    "take it out: put it into ~/.pgpass (mode 0600) of the login there, or use peer authentication";

/// Reads one.
pub(super) fn job(table: &Reader, sheet: &mut Sheet) -> Option<JobKind> {
    not_for(table, &["unit", "timer", "pause"], "postgres", "systemd", sheet);
    not_for(table, &["status", "resume", "progress"], "postgres", "command", sheet);
    not_for(table, OF_A_PROCESS, "postgres", "process", sheet);
    not_for(table, super::dovecot::KEYS, "postgres", "dovecot", sheet);
    not_for(table, valve::KEYS, "postgres", "postfix", sheet);
    let psql = psql(table, sheet);
    let name = table.text("table", sheet).map(|g| g.value);
    let run_as = run_as(table, sheet);
    let pause = pause(table, sheet);
    Some(JobKind::Postgres(Box::new(Postgres {
        psql: psql?,
        run_as: run_as?,
        table: name,
        pause: pause?,
    })))
}

/// The command, or the URL given to psql as one argument.
fn psql(table: &Reader, sheet: &mut Sheet) -> Option<Argv> {
    if let (Some(at), true) = (table.place_of("url"), table.place_of("psql").is_some()) {
        let wrong = Wrong::new(
            "does not go with psql",
            "take one of them out; psql = [\"psql\", \"-d\", \"postgresql://…\"] says both",
        );
        sheet.mistake(at, &table.key("url"), wrong);
        return None;
    }
    if table.place_of("url").is_some() {
        let url = table.text("url", sheet)?;
        let is_one = url.value.starts_with("postgresql://") || url.value.starts_with("postgres://");
        let wrong = if !is_one {
            Wrong::new(
                "is not a PostgreSQL URL",
                "write for example url = \"postgresql:///mail\", or postgresql://probe@db.example.com/mail",
            )
        } else if holds_password(&url.value) {
            Wrong::new("holds a password", NO_PASSWORD)
        } else {
            return Some(Argv::new("psql", ["-d", &url.value]));
        };
        sheet.mistake(url.at, &url.key, wrong);
        return None;
    }
    if table.place_of("psql").is_none() {
        return Some(Argv::new("psql", [""; 0]));
    }
    let given = table.argv("psql", sheet)?;
    let words = || std::iter::once(given.value.program()).chain(given.value.args().iter().map(String::as_str));
    if words().any(holds_password) {
        sheet.mistake(given.at, &given.key, Wrong::new("holds a password", NO_PASSWORD));
        return None;
    }
    Some(given.value)
}

/// Whether a word of a command line gives libpq a password: in a URL, in a list of settings, or in the environment. It looks
/// where libpq looks (PostgreSQL manual, "Connection URIs"): a user and a password stand before the first `@`, which comes
/// before any `/`; the names of settings may be percent-encoded.
fn holds_password(word: &str) -> bool {
    let is_secret = |key: &str| {
        let key = key.trim().to_ascii_lowercase();
        matches!(key.as_str(), "password" | "sslpassword" | "pgpassword")
    };
    if let Some((_, rest)) = word.split_once("://") {
        let userinfo = rest
            .split_once(['@', '/'])
            .filter(|(head, _)| rest[head.len()..].starts_with('@'));
        let in_query = rest
            .split(['?', '&'])
            .skip(1)
            .filter_map(|p| p.split_once('='))
            .any(|(key, _)| {
                let decoded: String = url::form_urlencoded::parse(key.as_bytes())
                    .map(|(k, _)| k.into_owned())
                    .collect();
                is_secret(&decoded)
            });
        return in_query || userinfo.is_some_and(|(user, _)| user.contains(':'));
    }
    // `password = x` of a connection string, `PGPASSWORD=x` of env(1).
    word.match_indices('=').any(|(at, _)| {
        let key = word[..at].trim_end();
        let start = key
            .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .map_or(0, |i| i + 1);
        key.get(start..).is_some_and(is_secret)
    })
}

/// Outer `None`: it is wrong. Inner `None`: as the login itself.
#[allow(clippy::option_option)] // A key that is wrong is not a key that is not there.
fn run_as(table: &Reader, sheet: &mut Sheet) -> Option<Option<String>> {
    let sudo = table.flag("sudo", sheet);
    if table.place_of("run_as").is_none() {
        return Some(sudo.is_some_and(|s| s.value).then(|| SUPERUSER.to_owned()));
    }
    let given = table.text("run_as", sheet)?;
    // useradd(8) on Debian; it also keeps a `-x` from being an option of sudo, and a `#0` from being a number.
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let wrong = if given.value.starts_with('-') || given.value.len() > 32 || !given.value.chars().all(allowed) {
        Wrong::new(
            format!("`{}` is not the name of a user", given.value),
            "write the user on the server that psql is to run as, for example \"postgres\"",
        )
    } else if sudo.is_some_and(|s| !s.value) {
        Wrong::new(
            "goes through sudo, and sudo = false says that nothing does",
            "take one of them out",
        )
    } else {
        return Some(Some(given.value));
    };
    sheet.mistake(given.at, &given.key, wrong);
    None
}

/// All three statements, or none.
fn pause(table: &Reader, sheet: &mut Sheet) -> Option<PostgresPause> {
    let keys = ["pause_sql", "resume_sql", "paused_when"];
    let there: Vec<&str> = keys.into_iter().filter(|k| table.place_of(k).is_some()).collect();
    let Some(first) = there.first() else {
        return Some(PostgresPause::Cancel);
    };
    for key in keys.into_iter().filter(|k| !there.contains(k)) {
        let sample = match key {
            "pause_sql" => "[\"ALTER SYSTEM SET autovacuum = off\", \"SELECT pg_reload_conf()\"]",
            "resume_sql" => "[\"ALTER SYSTEM RESET autovacuum\", \"SELECT pg_reload_conf()\"]",
            _ => "\"SELECT setting = 'off' FROM pg_settings WHERE name = 'autovacuum'\"",
        };
        let wrong = Wrong::new(
            format!("is missing beside {first}: a pause needs what resumes it and what proves it"),
            format!("write for example {key} = {sample}"),
        );
        sheet.absent(table.at, &table.key(key), wrong);
    }
    let mut statements = |key| {
        let given = table.texts(key, "\"SELECT pg_reload_conf()\"", sheet)?;
        let good = given.value.iter().all(|s| is_statement(s, &given, sheet));
        good.then_some(given.value)
    };
    let (pause, resume) = (statements("pause_sql"), statements("resume_sql"));
    let paused_when = table.text("paused_when", sheet).and_then(|given| {
        // It becomes a part of a query of ours.
        let query = given.value.trim().trim_end_matches(';').trim_end().to_owned();
        let wrong = if !query.get(..6).is_some_and(|w| w.eq_ignore_ascii_case("select")) || query.contains(';') {
            Wrong::new(
                "is not one SELECT",
                "write a query of one row and one boolean: SELECT setting = 'off' FROM pg_settings WHERE name = 'autovacuum'",
            )
        } else {
            return Some(query);
        };
        sheet.mistake(given.at, &given.key, wrong);
        None
    });
    Some(PostgresPause::Settings {
        pause: pause?,
        resume: resume?,
        paused_when: paused_when?,
    })
}

/// A backslash begins a command of psql's own, and some of those run programs.
fn is_statement<T>(statement: &str, given: &Given<T>, sheet: &mut Sheet) -> bool {
    let is_one = !statement.trim_start().starts_with('\\');
    if !is_one {
        let wrong = Wrong::new("holds a command of psql's own, not SQL", "write SQL statements only");
        sheet.mistake(given.at, &given.key, wrong);
    }
    is_one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_wherever_libpq_would_take_one() {
        for word in [
            "postgresql://probe:hunter2@db/mail",
            "postgres://:hunter2@db",
            "postgresql://db/mail?password=hunter2",
            "postgresql://db/mail?sslmode=require&p%61ssword=hunter2",
            "postgresql://db/?sslpassword=hunter2",
            "host=db password=hunter2",
            "host=db password = hunter2",
            "PGPASSWORD=hunter2",
            "--dbname=host=db password=hunter2",
        ] {
            assert!(holds_password(word), "{word}");
        }
        for word in [
            "postgresql:///mail",
            "postgresql://probe@db:5433,db2:5433/mail?target_session_attrs=any",
            "postgresql://db/mail?passfile=/etc/pgpass&application_name=a:b@c",
            "host=db passfile=/etc/pgpass",
            "PGPASSFILE=/etc/pgpass",
            "-d",
            "mail",
        ] {
            assert!(!holds_password(word), "{word}");
        }
    }
}
