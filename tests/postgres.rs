//! The maintenance of a real PostgreSQL as a job: seen at work with its progress and its locks, cancelled with the loss said
//! before, paused by settings, read back. Needs root and Debian's `postgresql`; elsewhere it says what it left out.

#![allow(clippy::unwrap_used)] // Not every function of a test program is a test.

#[path = "postgres/faults.rs"]
mod faults;
#[path = "lab/postgres.rs"]
mod lab;
#[path = "postgres/settings.rs"]
mod settings;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lab::{Postgres as Server, start_or_leave_out};
use mailtop::domain::action::{ActionId, Plan, Truth, Verb};
use mailtop::domain::argv::Argv;
use mailtop::domain::job::{JobKind, JobSpec, JobState, Postgres, PostgresPause, State};
use mailtop::domain::reading::Missed;
use mailtop::domain::{Name, Span};
use mailtop::jobs::{self, Planned, Wanted};
use mailtop::reach::Runner;

/// Nothing comes by itself while a test looks.
const QUIET: &str = "autovacuum = off";
const HALF_AN_HOUR: Option<Span> = Some(Span::from_mins(30));
/// A row a millisecond: an index over it takes minutes, and is at work as long as a test needs.
const SLOW: &str = "CREATE FUNCTION slow(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \
                    'BEGIN PERFORM pg_catalog.pg_sleep(0.001); RETURN i; END'";
const ROWS: &str = "INSERT INTO messages SELECT g, repeat('x', 200) FROM generate_series(1, 200000) g";
/// A page a tenth of a second at most: so does a VACUUM.
const GENTLY: &str = "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1";

/// A server with a table that takes long.
fn server() -> Option<Server> {
    let server = start_or_leave_out(QUIET)?;
    server.sql(&[
        "CREATE TABLE messages (id int, body text) WITH (autovacuum_enabled = off)",
        SLOW,
        ROWS,
        "DELETE FROM messages WHERE id % 5 = 0",
    ]);
    Some(server)
}

fn database(server: &Server, user: &str, database: &str) -> Postgres {
    let socket = server.socket().display().to_string();
    Postgres {
        psql: Argv::new("psql", ["-h", &socket, "-U", user, "-d", database]),
        run_as: None,
        table: None,
        pause: PostgresPause::Cancel,
    }
}

fn spec(db: Postgres) -> JobSpec {
    JobSpec {
        name: "mail-db".into(),
        kind: JobKind::Postgres(Box::new(db)),
        timeout: Span::from_secs(60),
    }
}

fn job(server: &Server) -> JobSpec {
    spec(database(server, "postgres", "mail"))
}

async fn read(spec: &JobSpec) -> JobState {
    jobs::read(spec, &Runner::local(), Timestamp::now()).await.unwrap()
}

async fn missed(spec: &JobSpec) -> Missed {
    let missed = jobs::read(spec, &Runner::local(), Timestamp::now()).await.unwrap_err();
    assert!(missed.fix.is_some(), "{missed}");
    missed
}

async fn plan(spec: &JobSpec, verb: Verb) -> Result<Planned, Missed> {
    let wanted = Wanted {
        id: ActionId(Name::new(&format!("a{}", Timestamp::now().as_microsecond()))),
        verb,
        server: "db1".into(),
        lasts: HALF_AN_HOUR,
        choices: mailtop::domain::action::Choices::default(),
        armed_for: None,
        pause_ran: vec![],
        by: "ops@here".into(),
    };
    jobs::plan(spec, &Runner::local(), wanted, Timestamp::now()).await
}

async fn back(planned: &Planned, spec: &JobSpec) -> Truth {
    jobs::read_back_planned(planned, spec, &Runner::local(), Timestamp::now).await
}

/// Runs it and gives what its commands printed.
async fn act(planned: &Planned) -> String {
    let ran = jobs::act(planned, &Runner::local()).await;
    assert_eq!((ran.exit, &ran.failed), (Some(0), &None), "{}", ran.output);
    ran.output.to_string()
}

/// Reads until it is so.
async fn until(spec: &JobSpec, what: &str, mut is_so: impl FnMut(&JobState) -> bool) -> JobState {
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let state = read(spec).await;
        if is_so(&state) {
            return state;
        }
        assert!(Instant::now() < end, "never: {what}; at last {state:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn awaited(server: &Server, what: &str, query: &str) {
    let end = Instant::now() + Duration::from_secs(120);
    while server.sql(&[query]) != "t" {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn says(plan: &Plan, words: &str) -> bool {
    plan.beware.iter().any(|b| b.contains(words))
}

fn contradicted(truth: Truth) -> JobState {
    match truth {
        Truth::Contradicted { found } => found,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_index_build_is_seen_with_its_progress_and_whom_it_blocks_and_is_cancelled_with_its_loss_said_before() {
    let Some(server) = server() else { return };
    let spec = job(&server);
    assert_eq!(read(&spec).await.state, State::Idle);

    let mut builder = server.session("postgres");
    builder.say("SET max_parallel_maintenance_workers = 0");
    builder.say("CREATE INDEX slow_one ON messages (slow(id))");
    let first = until(&spec, "it builds", |s| s.progress.is_some_and(|p| p > 0.0)).await;
    assert_eq!(first.state, State::Running);
    assert!(
        first
            .detail
            .starts_with("CREATE INDEX on public.messages, building index: scanning table, "),
        "{first:?}"
    );
    assert!(first.running_for.unwrap() > Span::ZERO);
    let later = until(&spec, "it gets on", |s| s.progress > first.progress).await;
    assert!(later.running_for > first.running_for);

    let mut writer = server.session("postgres");
    writer.say("INSERT INTO messages VALUES (-1, 'new')");
    let blocking = until(&spec, "it blocks a writer", |s| s.detail.contains("blocks 1 session")).await;
    assert_eq!(blocking.state, State::Running);

    let planned = plan(&spec, Verb::Pause).await.unwrap();
    let p = &planned.plan;
    assert!(
        p.is_cancel() && !p.armed_on_server && p.undo.contains("cannot be undone"),
        "{p:#?}"
    );
    assert!(p.runs.len() == 1 && p.runs[0].contains("pg_cancel_backend"), "{p:#?}");
    assert!(
        says(p, "this cancels") && says(p, "the build is rolled back and no index is left"),
        "{p:#?}"
    );
    assert!(
        p.touches[0].contains("CREATE INDEX") && p.touches[0].contains("blocks 1 session (pid "),
        "{p:#?}"
    );

    // Not run yet: the read-back says that it is the very one.
    let found = contradicted(back(&planned, &spec).await);
    assert!(
        found
            .detail
            .starts_with("asked to cancel, but still at it: CREATE INDEX"),
        "{found:?}"
    );

    assert_eq!(act(&planned).await, "1 of 1 cancelled");
    let truth = back(&planned, &spec).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(read(&spec).await.state, State::Idle);
    assert!(builder.ended().contains("canceling statement due to user request"));
    assert_eq!(writer.ended(), "");
    let left = server.sql(&["SELECT to_regclass('slow_one') IS NULL, count(*) FROM messages WHERE id = -1"]);
    assert_eq!(left, "t|1");

    let refused = plan(&spec, Verb::Resume).await.unwrap_err();
    assert!(
        refused.why.contains("cannot be resumed") && refused.fix.is_some(),
        "{refused}"
    );
    let refused = plan(&spec, Verb::Pause).await.unwrap_err();
    assert!(refused.why.contains("nothing to cancel"), "{refused}");
}

#[tokio::test]
async fn a_vacuum_is_seen_waiting_for_a_lock_then_at_work_and_cancelled() {
    let Some(server) = server() else { return };
    let mut holder = server.session("postgres");
    holder.say("BEGIN");
    holder.say("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE");
    awaited(
        &server,
        "it is locked",
        "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'messages'::regclass",
    );
    let mut cleaner = server.session("postgres");
    cleaner.say(GENTLY);
    cleaner.say("VACUUM messages");
    let spec = job(&server);
    let waiting = until(&spec, "it waits", |s| s.detail.contains("waits for pid ")).await;
    assert_eq!((waiting.state, waiting.progress), (State::Running, None));
    assert!(
        waiting
            .detail
            .starts_with("VACUUM public.messages, not at work yet, waits for pid ")
            && waiting.detail.contains("(postgres, idle in transaction "),
        "{waiting:?}"
    );
    holder.say("ROLLBACK");
    let first = until(&spec, "it scans", |s| s.progress.is_some_and(|p| p > 0.0)).await;
    assert!(
        first.detail.starts_with("VACUUM public.messages, scanning heap, "),
        "{first:?}"
    );
    until(&spec, "it gets on", |s| s.progress > first.progress).await;

    // A job of another table does not see it, one of this table does.
    server.sql(&["CREATE TABLE other (id int)"]);
    let only = |table: &str| spec_of(&server, |db| db.table = Some(table.into()));
    assert_eq!(read(&only("other")).await.state, State::Idle);
    assert_eq!(read(&only("messages")).await.state, State::Running);

    let planned = plan(&spec, Verb::Pause).await.unwrap();
    assert!(
        says(
            &planned.plan,
            "stays clean, but the next VACUUM scans the table from the beginning"
        ),
        "{planned:#?}"
    );
    act(&planned).await;
    let truth = back(&planned, &spec).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!(cleaner.ended().contains("canceling statement"));
}

fn spec_of(server: &Server, change: impl FnOnce(&mut Postgres)) -> JobSpec {
    let mut db = database(server, "postgres", "mail");
    change(&mut db);
    spec(db)
}

#[tokio::test]
async fn a_cancelled_concurrent_build_leaves_an_invalid_index_that_is_named_before_and_after() {
    let Some(server) = server() else { return };
    let spec = job(&server);
    let mut builder = server.session("postgres");
    builder.say("CREATE INDEX CONCURRENTLY slow_one ON messages (slow(id))");
    until(&spec, "it builds", |s| {
        s.detail
            .contains("CREATE INDEX CONCURRENTLY on public.messages, building")
    })
    .await;
    let planned = plan(&spec, Verb::Pause).await.unwrap();
    assert!(says(&planned.plan, "an INVALID index is left behind"), "{planned:#?}");
    act(&planned).await;
    let truth = back(&planned, &spec).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    let after = read(&spec).await;
    assert_eq!(after.state, State::Idle);
    assert!(
        after.detail.contains("INVALID") && after.detail.ends_with("public.slow_one"),
        "{after:?}"
    );
}

#[tokio::test]
async fn a_session_that_has_gone_on_to_something_else_is_not_cancelled_in_place_of_what_was_shown() {
    let Some(server) = server() else { return };
    let spec = job(&server);
    let mut holder = server.session("postgres");
    holder.say("BEGIN");
    holder.say("LOCK TABLE messages IN SHARE MODE");
    awaited(
        &server,
        "it is locked",
        "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'ShareLock' AND granted AND relation = 'messages'::regclass",
    );
    let mut person = server.session("postgres");
    person.say("VACUUM messages");
    until(&spec, "it waits", |s| s.detail.contains("waits for")).await;
    let planned = plan(&spec, Verb::Pause).await.unwrap();

    // The same session, the same process, another query: the nightly mailing.
    drop(holder);
    person.say("SELECT pg_sleep(3600)");
    let sleeps = "SELECT count(*) = 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(3600);' AND query NOT LIKE '%pg_stat%'";
    awaited(&server, "it goes on", sleeps);
    assert_eq!(act(&planned).await, "0 of 1 cancelled");
    let truth = back(&planned, &spec).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(server.sql(&[sleeps]), "t", "it was cancelled");

    // Another VACUUM is another, whoever runs it.
    server.sql(&["DELETE FROM messages WHERE id % 7 = 0"]);
    let mut other = server.session("postgres");
    other.say(GENTLY);
    other.say("VACUUM messages");
    until(&spec, "the next one runs", |s| s.state == State::Running).await;
    let found = contradicted(back(&planned, &spec).await);
    assert!(
        found
            .detail
            .starts_with("what was cancelled is gone, but something new has begun: VACUUM"),
        "{found:?}"
    );
}

#[tokio::test]
async fn other_rewrites_are_seen_and_a_transaction_around_one_is_part_of_what_is_lost() {
    let Some(server) = server() else { return };
    let spec = job(&server);
    server.sql(&[
        "CREATE INDEX by_slow ON messages (id)",
        "CREATE TABLE slow_stats (id int)",
    ]);
    let mut person = server.session("postgres");
    person.say("SET max_parallel_maintenance_workers = 0");
    person.say("BEGIN");
    person.say("DELETE FROM messages WHERE id = 1");
    person.say("CREATE INDEX slow_one ON messages (slow(id))");
    until(&spec, "it builds", |s| s.progress.is_some()).await;
    let planned = plan(&spec, Verb::Pause).await.unwrap();
    assert!(
        says(&planned.plan, "the whole transaction that it is part of, open for "),
        "{planned:#?}"
    );
    act(&planned).await;
    drop(person);
    until(&spec, "it is gone", |s| s.state == State::Idle).await;

    // CLUSTER builds its indexes anew: a slow one keeps it long enough.
    let mut person = server.session("postgres");
    person.say("ALTER TABLE messages ADD COLUMN c int");
    server.sql(&["DROP INDEX by_slow", "CREATE INDEX CONCURRENTLY by_id ON messages (id)"]);
    let mut blocker = server.session("postgres");
    blocker.say("BEGIN");
    blocker.say("SELECT count(*) FROM messages WHERE id = 1");
    awaited(
        &server,
        "it is read",
        "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessShareLock' AND granted AND relation = 'messages'::regclass AND pid <> pg_backend_pid()",
    );
    person.say("CLUSTER messages USING by_id");
    let waiting = until(&spec, "it waits", |s| s.detail.contains("waits for")).await;
    assert!(
        waiting
            .detail
            .starts_with("a rewrite (VACUUM FULL or CLUSTER) public.messages, not at work yet"),
        "{waiting:?}"
    );
    let planned = plan(&spec, Verb::Pause).await.unwrap();
    assert!(says(&planned.plan, "the table stays as it was before"), "{planned:#?}");
    act(&planned).await;
    let truth = back(&planned, &spec).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
}
