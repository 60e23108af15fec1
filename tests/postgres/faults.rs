//! What goes wrong on the way to a database, or in it: each failure is of its kind, with a way out, and never an idle job.

use super::*;
use mailtop::domain::reading::Miss;

#[tokio::test]
async fn a_login_without_rights_is_never_shown_an_idle_database_and_is_told_which_right_it_lacks() {
    let Some(server) = server() else { return };
    server.sql(&[
        "CREATE ROLE ops LOGIN",
        "CREATE ROLE mailer LOGIN",
        "ALTER TABLE messages OWNER TO mailer",
    ]);
    let spec = spec(database(&server, "ops", "mail"));
    let bystander = server.session("mailer");
    awaited(
        &server,
        "he is in",
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'mailer'",
    );
    let unknown = read(&spec).await;
    assert_eq!(unknown.state, State::Unknown);
    assert!(unknown.detail.contains("GRANT pg_monitor TO ops"), "{unknown:?}");
    drop(bystander);

    let mut cleaner = server.session("mailer");
    cleaner.say(GENTLY);
    cleaner.say("VACUUM messages");
    awaited(
        &server,
        "it runs",
        "SELECT count(*) = 1 FROM pg_stat_progress_vacuum WHERE phase = 'scanning heap'",
    );
    let seen = read(&spec).await;
    assert_eq!((seen.state, seen.progress), (State::Running, None));
    assert!(seen.detail.contains("a phase that this login may not see"), "{seen:?}");
    let denied = plan(&spec, Verb::Pause).await.unwrap_err();
    assert_eq!(denied.kind, Miss::Denied);
    assert!(
        denied.fix.as_ref().unwrap().contains("GRANT pg_monitor TO ops"),
        "{denied}"
    );

    server.sql(&["GRANT pg_monitor TO ops"]);
    let seen = until(&spec, "its progress is seen", |s| s.progress.is_some()).await;
    assert!(seen.detail.ends_with("of mailer"), "{seen:?}");
    let denied = plan(&spec, Verb::Pause).await.unwrap_err();
    assert!(
        denied.fix.as_ref().unwrap().contains("GRANT pg_signal_backend TO ops"),
        "{denied}"
    );

    server.sql(&["GRANT pg_signal_backend TO ops"]);
    let planned = plan(&spec, Verb::Pause).await.unwrap();
    // The right is taken away between the plan and the action.
    server.sql(&["REVOKE pg_signal_backend FROM ops"]);
    let ran = jobs::act(&planned, &Runner::local()).await;
    assert!(
        ran.failed.as_ref().unwrap().contains("GRANT pg_signal_backend"),
        "{ran:?}"
    );
    assert!(matches!(back(&planned, &spec).await, Truth::Contradicted { .. }));
    server.sql(&["GRANT pg_signal_backend TO ops"]);
    act(&planned).await;
    assert!(matches!(back(&planned, &spec).await, Truth::Confirmed { .. }));

    // What a superuser runs, only a superuser cancels.
    let mut root = server.session("postgres");
    root.say(GENTLY);
    root.say("VACUUM messages");
    until(&spec, "it runs", |s| s.state == State::Running).await;
    let denied = plan(&spec, Verb::Pause).await.unwrap_err();
    assert!(
        denied.kind == Miss::Denied && denied.fix.as_ref().unwrap().contains("superuser"),
        "{denied}"
    );
}

#[tokio::test]
async fn each_way_not_to_get_there_is_a_miss_of_its_kind_with_a_way_out() {
    let Some(server) = start_or_leave_out(QUIET) else {
        return;
    };
    server.sql(&["CREATE ROLE loner LOGIN"]);
    for (user, name, kind, words) in [
        ("loner", "mail", Miss::Denied, "pg_hba.conf"),
        ("nobody-here", "mail", Miss::Denied, "does not exist"),
        ("postgres", "mial", Miss::NotFound, "does not exist"),
    ] {
        let missed = missed(&spec(database(&server, user, name))).await;
        assert!(
            missed.kind == kind && missed.why.contains(words),
            "{user}@{name}: {missed:?}"
        );
        assert!(
            missed.tried.starts_with("psql -h ") && !missed.tried.contains("SELECT"),
            "{missed}"
        );
    }
    let no_table = missed(&spec_of(&server, |db| db.table = Some("mail.mesages".into()))).await;
    assert!(
        no_table.kind == Miss::NotFound && no_table.why.contains("mail.mesages"),
        "{no_table:?}"
    );
    let bad_name = missed(&spec_of(&server, |db| db.table = Some("a..b".into()))).await;
    assert_eq!(bad_name.kind, Miss::BadAnswer, "{bad_name:?}");
    let no_psql = missed(&spec_of(&server, |db| {
        db.psql = Argv::new("/nonexistent/psql", [""; 0]);
    }))
    .await;
    assert_eq!(no_psql.kind, Miss::NotFound);
    let not_psql = missed(&spec_of(&server, |db| {
        db.psql = Argv::new("echo", ["hello"]);
    }))
    .await;
    assert_eq!(not_psql.kind, Miss::BadAnswer);
    server.stop();
    let down = missed(&job(&server)).await;
    assert!(
        down.kind == Miss::Unreachable && down.why.contains("Is the server running"),
        "{down:?}"
    );
}

#[tokio::test]
async fn a_query_of_the_operators_that_is_wrong_slow_or_writes_says_so() {
    let Some(server) = start_or_leave_out(QUIET) else {
        return;
    };
    server.sql(&["CREATE TABLE held (is_on boolean)", "CREATE SEQUENCE counter"]);
    let asking = |paused_when: &str| {
        spec_of(&server, |db| {
            db.pause = PostgresPause::Settings {
                pause: vec!["SELECT 1".into()],
                resume: vec!["SELECT 1".into()],
                paused_when: paused_when.into(),
            };
        })
    };
    for (query, words) in [
        ("SELECT 'on'::text", "\"on\", which is not a boolean"),
        ("SELECT is_on FROM held", "null, which is not a boolean"),
        ("SELECT g = 1 FROM generate_series(1, 2) g", "more than one row"),
        ("SELECT nonsense", "nonsense"),
        ("SELECT setval('s', 1) = 1 FROM no_such", "no_such"),
        ("SELECT nextval('counter') > 0", "read-only"),
    ] {
        let missed = missed(&asking(query)).await;
        assert!(
            missed.kind == Miss::BadAnswer && missed.why.contains(words),
            "{query}: {missed:?}"
        );
    }
    let mut slow = asking("SELECT pg_sleep(3600) IS NULL");
    slow.timeout = Span::from_secs(2);
    let late = missed(&slow).await;
    assert_eq!(late.kind, Miss::TimedOut, "{late:?}");
    awaited(
        &server,
        "nothing of it is left on the server",
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'mailtop'",
    );
}

#[tokio::test]
async fn a_table_of_an_awful_name_is_shown_without_its_bytes_and_found_by_it() {
    let Some(server) = start_or_leave_out(QUIET) else {
        return;
    };
    let name = "\"it's \\\n\u{1b}[2J; DROP TABLE x\"";
    server.sql(&[
        &format!("CREATE TABLE {name} (id int) WITH (autovacuum_enabled = off)"),
        &format!("INSERT INTO {name} SELECT generate_series(1, 100000)"),
    ]);
    let mut cleaner = server.session("postgres");
    cleaner.say(GENTLY);
    cleaner.say(&format!("VACUUM {name}"));
    let spec = spec_of(&server, |db| db.table = Some(name.into()));
    let seen = until(&spec, "it scans", |s| s.progress.is_some()).await;
    assert!(seen.detail.contains("it's \\␊␛[2J; DROP TABLE x"), "{seen:?}");
    let planned = plan(&spec, Verb::Pause).await.unwrap();
    let all = format!("{:?}", planned.plan);
    assert!(!all.contains("\\u{1b}"), "{all}");
    act(&planned).await;
    assert!(matches!(back(&planned, &spec).await, Truth::Confirmed { .. }));
}

#[tokio::test]
async fn maintenance_in_another_database_of_the_server_is_said_and_not_taken_for_this_ones() {
    let Some(server) = server() else { return };
    let mut cleaner = server.session("postgres");
    cleaner.say(GENTLY);
    cleaner.say("VACUUM messages");
    until(&job(&server), "it scans", |s| s.progress.is_some()).await;
    let elsewhere = read(&spec(database(&server, "postgres", "postgres"))).await;
    assert_eq!(elsewhere.state, State::Idle);
    assert_eq!(
        &*elsewhere.detail,
        "nothing is at it in the database postgres; maintenance runs in other databases there: mail"
    );
}
