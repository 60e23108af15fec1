//! A pause of a database by its settings: its end is armed on the server, and comes although nobody is left to resume it.

use super::*;
use mailtop::domain::job::{Postgres, PostgresPause};

fn autovacuum() -> JobSpec {
    let both = |first: &str| vec![first.to_owned(), "SELECT pg_reload_conf()".to_owned()];
    JobSpec {
        name: "autovacuum".into(),
        kind: JobKind::Postgres(Box::new(Postgres {
            psql: Argv::new("psql", [""; 0]),
            run_as: Some("postgres".into()),
            table: None,
            pause: PostgresPause::Settings {
                pause: both("ALTER SYSTEM SET autovacuum = 'off'"),
                resume: both("ALTER SYSTEM RESET autovacuum"),
                paused_when: "SELECT setting = 'off' FROM pg_settings WHERE name = 'autovacuum'".into(),
            },
        })),
        timeout: Span::from_secs(60),
    }
}

#[tokio::test]
async fn autovacuum_comes_on_again_by_itself_and_an_early_resume_disarms_it() {
    let Some(host) = boot_or_leave_out("db1") else { return };
    let (runner, spec) = (host.runner(), autovacuum());
    host.sh("systemctl start postgresql");
    let there = async || jobs::read(&spec, &runner, Timestamp::now()).await.is_ok();
    until("it answers", there).await;

    let (planned, ran, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert!(
        planned.plan.armed_on_server && planned.plan.undo.contains("armed on mx1 itself, in 30m"),
        "{planned:#?}"
    );
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!((state(&spec, &runner).await, armed(&host).len()), (State::Paused, 1));
    let (_, ran, truth) = done(&spec, &runner, Verb::Resume, None).await;
    assert_eq!((ran.failed, armed(&host).len()), (None, 0));
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");

    let (_, ran, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_secs(10))).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    runner.close().await;
    host.cut();
    until("it is on again", async || {
        host.sh("runuser -u postgres -- psql -At -c 'SHOW autovacuum'").trim() == "on"
    })
    .await;
}
