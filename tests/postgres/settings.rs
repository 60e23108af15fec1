//! A pause by the operator's own settings: proved by what the running server answers, taken back when it fails half-way.

use super::*;

fn by_settings(server: &Server, pause: &[&str], resume: &[&str]) -> JobSpec {
    spec_of(server, |db| {
        db.pause = PostgresPause::Settings {
            pause: pause.iter().map(|s| (*s).to_owned()).collect(),
            resume: resume.iter().map(|s| (*s).to_owned()).collect(),
            paused_when: "SELECT setting = 'off' FROM pg_settings WHERE name = 'autovacuum'".into(),
        };
    })
}

const OFF: [&str; 2] = ["ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"];
const ON: [&str; 2] = ["ALTER SYSTEM RESET autovacuum", "SELECT pg_reload_conf()"];

#[tokio::test]
async fn autovacuum_is_turned_off_and_on_and_the_running_server_agrees() {
    let Some(server) = start_or_leave_out("autovacuum_naptime = 1h") else {
        return;
    };
    let spec = by_settings(&server, &OFF, &ON);
    // The launcher looks once when it starts.
    until(&spec, "nothing is at it", |s| s.state == State::Idle).await;
    let planned = plan(&spec, Verb::Pause).await.unwrap();
    assert!(
        !planned.plan.is_cancel() && planned.plan.lasts == HALF_AN_HOUR,
        "{planned:#?}"
    );
    assert!(
        planned.plan.undo.contains("ALTER SYSTEM RESET autovacuum"),
        "{planned:#?}"
    );
    act(&planned).await;
    assert!(matches!(back(&planned, &spec).await, Truth::Confirmed { .. }));
    let paused = read(&spec).await;
    assert_eq!((paused.state, paused.armed.len()), (State::Paused, 1), "{paused:?}");
    let longer = plan(&spec, Verb::Extend).await.unwrap();
    act(&longer).await;
    assert!(matches!(back(&longer, &spec).await, Truth::Confirmed { .. }));
    let paused = read(&spec).await;
    assert!(
        paused.armed.len() == 1 && paused.armed[0].id == longer.plan.id,
        "{paused:?}"
    );
    assert_eq!(server.sql(&["SHOW autovacuum"]), "off");

    let planned = plan(&spec, Verb::Resume).await.unwrap();
    // Not yet: the settings hold still.
    let found = contradicted(back(&planned, &spec).await);
    assert_eq!(found.state, State::Paused);
    act(&planned).await;
    assert!(matches!(back(&planned, &spec).await, Truth::Confirmed { .. }));
    assert_eq!(server.sql(&["SHOW autovacuum"]), "on");
}

#[tokio::test]
async fn a_setting_that_changes_nothing_is_contradicted_and_half_a_pause_is_taken_back() {
    let Some(server) = start_or_leave_out("autovacuum_naptime = 1h") else {
        return;
    };
    // Without the reload the server goes on as before, whatever its file says.
    let forgot = by_settings(&server, &OFF[..1], &ON);
    let planned = plan(&forgot, Verb::Pause).await.unwrap();
    act(&planned).await;
    let found = contradicted(back(&planned, &forgot).await);
    assert_eq!(found.state, State::Idle);
    act(&plan(&forgot, Verb::Resume).await.unwrap()).await;

    let fails = by_settings(&server, &[OFF[0], "SELECT no_such_function()"], &ON);
    let planned = plan(&fails, Verb::Pause).await.unwrap();
    let ran = jobs::act(&planned, &Runner::local()).await;
    let failed = ran.failed.unwrap();
    assert!(
        failed.contains("no_such_function") && failed.contains("taken back"),
        "{failed}"
    );
    let written = server
        .sql(&["SELECT count(*) FROM pg_file_settings WHERE name = 'autovacuum' AND sourcefile LIKE '%auto.conf'"]);
    assert_eq!(written, "0", "the first statement was not taken back");
}

#[tokio::test]
async fn an_autovacuum_that_outlives_its_settings_is_no_pause_until_a_second_one_cancels_it() {
    let Some(server) = start_or_leave_out("autovacuum_naptime = 1s") else {
        return;
    };
    server.sql(&[
        "CREATE TABLE busy (id int) WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, \
         autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 2000000000)",
        "INSERT INTO busy SELECT generate_series(1, 200000)",
        "DELETE FROM busy WHERE id % 5 = 0",
    ]);
    let spec = by_settings(&server, &OFF, &ON);
    let at_work = until(&spec, "autovacuum comes to the table", |s| {
        s.detail.contains("VACUUM public.busy, ") && s.progress.is_some()
    })
    .await;
    assert!(at_work.detail.ends_with("of autovacuum"), "{at_work:?}");
    let first = plan(&spec, Verb::Pause).await.unwrap();
    assert!(says(&first.plan, "goes on; pause once more to cancel it"), "{first:#?}");
    act(&first).await;
    let Truth::Unverifiable { why } = back(&first, &spec).await else {
        panic!("a worker is still at it")
    };
    assert!(
        why.starts_with("its settings hold, but still at it: VACUUM public.busy"),
        "{why}"
    );

    let second = plan(&spec, Verb::Pause).await.unwrap();
    assert!(
        says(&second.plan, "autovacuum_naptime") && says(&second.plan, "sets a new end"),
        "{second:#?}"
    );
    assert!(act(&second).await.contains("1 of 1 cancelled"));
    let truth = back(&second, &spec).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(read(&spec).await.state, State::Paused);
    act(&plan(&spec, Verb::Resume).await.unwrap()).await;
}
