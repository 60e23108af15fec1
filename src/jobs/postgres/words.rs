//! The words for what works on a database: what it is, how far, whom it holds up, who holds it up, and what is lost when it
//! is cancelled (PostgreSQL manual: "Building Indexes Concurrently", REINDEX, VACUUM, "Routine Vacuuming").

use super::progress::Source;
use super::told::{Blocker, MOST};
use super::{Seen, Work, text};
use crate::domain::{Span, Text};

/// What cancelling it means depends on which of these it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Vacuum,
    /// CLUSTER and VACUUM FULL: a new copy of the table.
    Rewrite,
    CreateIndex,
    CreateIndexConcurrently,
    Reindex,
    ReindexConcurrently,
    Analyze,
    Other,
}

/// The detail of a state.
pub fn detail(seen: &Seen<'_>) -> Text {
    let told = &seen.told;
    let mut parts = vec![];
    if told.work.is_empty() {
        parts.push(format!(
            "nothing is at it in the database {}",
            text(Some(&told.database))
        ));
        if seen.holds() {
            parts.push("its settings hold".to_owned());
        }
        if told.hidden > 0 {
            parts.push(format!(
                "{} sessions of others cannot be looked into: GRANT pg_monitor TO {}",
                told.hidden,
                text(Some(&told.login))
            ));
        }
        if !told.elsewhere.is_empty() {
            parts.push(format!(
                "maintenance runs in other databases there: {}",
                listed(&told.elsewhere)
            ));
        }
        if !told.invalid.is_empty() {
            parts.push(format!(
                "INVALID and of no use until it is built again (REINDEX) or dropped: {}",
                listed(&told.invalid)
            ));
        }
        return parts.join("; ").into();
    }
    let holds = if seen.holds() {
        "its settings hold, but still at it: "
    } else {
        ""
    };
    parts.extend(told.work.iter().take(MOST).map(line));
    if told.work.len() > MOST {
        parts.push(format!("and more than {MOST} altogether"));
    }
    format!("{holds}{}", parts.join("; ")).into()
}

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|n| text(Some(n)).to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// `VACUUM mail.messages, scanning heap, 27 of 44 blocks, blocks 3 sessions · pid 123 of ops`.
fn line(work: &Work) -> String {
    format!(
        "{}{}{} · pid {} of {}",
        what(work),
        phase(work),
        held(work),
        work.pid,
        who(work)
    )
}

/// The same for a plan, with everything.
pub fn touched(work: &Work) -> Text {
    let since = work.running_for().map(|s| format!(", running {s}")).unwrap_or_default();
    let pids = match work.blocks.as_slice() {
        [] => String::new(),
        some => format!(" ({})", pids(some)),
    };
    format!(
        "{} · pid {} of {}{since}{}{}{pids}",
        what(work),
        work.pid,
        who(work),
        phase(work),
        held(work)
    )
    .into()
}

fn who(work: &Work) -> Text {
    if work.autovacuum {
        "autovacuum".into()
    } else {
        text(work.who.as_deref())
    }
}

/// `REINDEX mail.messages_pkey`.
fn what(work: &Work) -> String {
    let target = work.index.as_ref().or(work.relation.as_ref());
    match (work.source, target) {
        (None, _) if work.autovacuum => text(work.query.as_deref()).to_string(),
        (_, Some(target)) if matches!(command(work).as_str(), "CREATE INDEX" | "CREATE INDEX CONCURRENTLY") => {
            format!(
                "{} on {}",
                command(work),
                text(work.relation.as_deref().or(Some(target)))
            )
        }
        (_, Some(target)) => format!("{} {}", command(work), text(Some(target))),
        (_, None) => command(work),
    }
}

/// The command, in the server's words, or as it was written where the server says nothing yet.
fn command(work: &Work) -> String {
    let told = work.told.as_ref().and_then(|t| t.command.as_deref());
    match (work.source, told) {
        (_, Some(told)) => text(Some(told)).to_string(),
        (Some(Source::Vacuum), _) => "VACUUM".into(),
        (Some(Source::Analyze), _) => "ANALYZE".into(),
        (Some(Source::Cluster), _) => "CLUSTER".into(),
        (Some(Source::Index), _) => "an index build".into(),
        (None, _) => match from_query(work.query.as_deref().unwrap_or_default()) {
            Kind::Vacuum => "VACUUM",
            Kind::Rewrite => "a rewrite (VACUUM FULL or CLUSTER)",
            Kind::CreateIndex => "CREATE INDEX",
            Kind::CreateIndexConcurrently => "CREATE INDEX CONCURRENTLY",
            Kind::Reindex => "REINDEX",
            Kind::ReindexConcurrently => "REINDEX CONCURRENTLY",
            Kind::Analyze => "ANALYZE",
            Kind::Other => "maintenance",
        }
        .into(),
    }
}

fn phase(work: &Work) -> String {
    let Some(told) = &work.told else {
        return if work.blocked_by.is_empty() {
            ", between two steps".into()
        } else {
            ", not at work yet".into()
        };
    };
    let name = match told.phase.as_deref() {
        Some(phase) => text(Some(phase)),
        None => "in a phase that this login may not see".into(),
    };
    let done = work
        .source
        .and_then(|s| told.progress(s))
        .map(|d| format!(", {d}"))
        .unwrap_or_default();
    format!(", {name}{done}")
}

fn held(work: &Work) -> String {
    let waits = match work.blocked_by.as_slice() {
        [] => String::new(),
        some => format!(
            ", waits for {}",
            some.iter().map(blocker).collect::<Vec<_>>().join(" and ")
        ),
    };
    let blocks = match work.blocks.len() {
        0 => String::new(),
        1 => ", blocks 1 session".into(),
        n => format!(", blocks {n} sessions"),
    };
    format!("{waits}{blocks}")
}

/// `pid 7 (ops, idle in transaction 12m)`.
fn blocker(b: &Blocker) -> String {
    if b.pid == 0 {
        return "a prepared transaction".into();
    }
    let mut about = vec![];
    about.extend(b.who.as_deref().map(|w| text(Some(w)).to_string()));
    let since = b.in_transaction().map(|s| format!(" {s}")).unwrap_or_default();
    about.extend(b.state.as_deref().map(|s| format!("{}{since}", text(Some(s)))));
    if about.is_empty() {
        return format!("pid {}", b.pid);
    }
    format!("pid {} ({})", b.pid, about.join(", "))
}

fn pids(all: &[i32]) -> String {
    let shown: Vec<String> = all.iter().take(10).map(|p| format!("pid {p}")).collect();
    let more = if all.len() > 10 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn kind(work: &Work) -> Kind {
    if let Some(command) = work.told.as_ref().and_then(|t| t.command.as_deref()) {
        return from_query(command);
    }
    match work.source {
        Some(Source::Vacuum) => Kind::Vacuum,
        Some(Source::Analyze) => Kind::Analyze,
        Some(Source::Cluster) => Kind::Rewrite,
        Some(Source::Index) => Kind::Other,
        None => from_query(work.query.as_deref().unwrap_or_default()),
    }
}

/// Which command a query begins with, past comments. The words that matter stand in front of any name.
fn from_query(query: &str) -> Kind {
    let mut rest = query.trim_start().trim_start_matches("autovacuum: ");
    loop {
        rest = rest.trim_start();
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            break;
        }
    }
    let words: Vec<String> = rest
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '"' | '.'))
        .filter(|w| !w.is_empty())
        .take(6)
        .map(str::to_ascii_uppercase)
        .collect();
    let has = |word: &str| words.iter().skip(1).any(|w| w == word);
    match words.first().map(String::as_str) {
        Some("VACUUM") if has("FULL") => Kind::Rewrite,
        Some("VACUUM") => Kind::Vacuum,
        Some("CLUSTER") => Kind::Rewrite,
        Some("CREATE") if has("CONCURRENTLY") => Kind::CreateIndexConcurrently,
        Some("CREATE") => Kind::CreateIndex,
        Some("REINDEX") if has("CONCURRENTLY") => Kind::ReindexConcurrently,
        Some("REINDEX") => Kind::Reindex,
        Some("ANALYZE" | "ANALYSE") => Kind::Analyze,
        _ => Kind::Other,
    }
}

/// What is lost when it is cancelled, said before it is.
pub fn lost(work: &Work) -> Vec<Text> {
    let since = work
        .running_for()
        .map(|s| format!(", at it for {s}"))
        .unwrap_or_default();
    let words = match kind(work) {
        Kind::Vacuum => {
            "its scan is lost: what it has cleaned so far stays clean, but the next VACUUM scans the table from the beginning"
        }
        Kind::Rewrite => "the new copy is thrown away and the table stays as it was before",
        Kind::CreateIndex => "the build is rolled back and no index is left",
        Kind::CreateIndexConcurrently => {
            "an INVALID index is left behind, which slows writes and serves no query until it is dropped or REINDEXed"
        }
        Kind::Reindex => "the build is rolled back and the old index stays",
        Kind::ReindexConcurrently => {
            "the old index stays in use, and an INVALID one is left behind (its name ends in _ccnew or _ccold) that must be dropped"
        }
        Kind::Analyze => "the sample is thrown away and the old statistics stay",
        Kind::Other => {
            "what it has not committed is rolled back; if it builds an index CONCURRENTLY, an INVALID index is left behind that must be dropped or REINDEXed"
        }
    };
    let mut lines = vec![format!("pid {}{since}: {words}", work.pid).into()];
    if let Some(open) = work.in_transaction() {
        lines.push(in_transaction(work.pid, open));
    }
    if work.wraparound {
        let why = format!(
            "pid {}: this one keeps the server from running out of transaction ids (wraparound): at the end of them it takes no more writes",
            work.pid
        );
        lines.push(why.into());
    }
    if work.autovacuum {
        let why = format!(
            "pid {}: autovacuum goes on with the next table, and comes back to this one within autovacuum_naptime (a minute, unless set)",
            work.pid
        );
        lines.push(why.into());
    }
    lines
}

fn in_transaction(pid: i32, open: Span) -> Text {
    format!("pid {pid}: the whole transaction that it is part of, open for {open}, is rolled back").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_its_first_words_past_comments() {
        for (query, want) in [
            ("VACUUM mail.messages", Kind::Vacuum),
            ("autovacuum: VACUUM ANALYZE public.full", Kind::Vacuum),
            ("vacuum (verbose, full) m", Kind::Rewrite),
            ("VACUUM \"FULL\"", Kind::Vacuum),
            (
                "-- nightly\n /* for us */ create unique index concurrently x on m(id)",
                Kind::CreateIndexConcurrently,
            ),
            ("CREATE INDEX concurrently_made ON m(id)", Kind::CreateIndex),
            ("REINDEX (VERBOSE) TABLE CONCURRENTLY m", Kind::ReindexConcurrently),
            ("REINDEX INDEX x", Kind::Reindex),
            ("cluster m using x", Kind::Rewrite),
            ("analyse m", Kind::Analyze),
            ("alter table m add primary key (id)", Kind::Other),
            ("/* never closed", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(from_query(query), want, "{query}");
        }
    }
}
