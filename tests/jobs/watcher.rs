//! Where no timer of systemd may be armed: a process of the login waits on the server for the end of the pause, whatever becomes
//! of the connection and the console; and where that cannot be either, nothing is paused.

use super::process::{letters_on, nightly, on_host};
use super::*;
use mailtop::domain::job::Keeper;

#[tokio::test]
async fn a_watcher_of_an_ordinary_login_resumes_although_its_connection_was_killed() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = as_ops(&host);
    let pid = on_host(&host, "ops").await;
    let spec = nightly(None, Sudo::No);
    let mut planned = plan(&spec, &runner, Verb::Pause, Some(Span::from_secs(12)))
        .await
        .unwrap();
    assert!(
        planned.plan.armed_on_server && planned.plan.undo.contains("in 12s, by a watcher"),
        "{planned:?}"
    );
    assert!(
        planned.plan.beware.iter().any(|b| b.contains("no timer of systemd")),
        "{planned:?}"
    );
    planned.reasoned("it's in the way; $(id)".into(), &runner).unwrap();
    let (ran, truth) = run(&planned, &spec, &runner).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!(letters_on(&host, &pid).starts_with('T'));
    assert_eq!((armed(&host).len(), watchers_on(&host)), (0, 1));

    // Every sshd is killed, with the one that serves us, and the cable is out. (To kill all that a session holds is another
    // matter: that is what `KillUserProcesses` does, where no watcher is armed.)
    host.sh("kill -KILL $(pgrep -x sshd)");
    host.cut();
    assert_eq!(watchers_on(&host), 1);
    until("it goes on by itself", async || !letters_on(&host, &pid).contains('T')).await;
    until("the watcher is gone", async || watchers_on(&host) == 0).await;
}

#[tokio::test]
async fn a_watcher_is_read_extended_and_ended_like_a_timer() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, root) = (as_ops(&host), host.runner());
    let pid = on_host(&host, "ops").await;
    let spec = nightly(None, Sudo::No);
    let (first, ran, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");

    let mut second = plan(&spec, &runner, Verb::Extend, Some(Span::from_mins(60)))
        .await
        .unwrap();
    second.reasoned("longer".into(), &runner).unwrap();
    let (ran, truth) = run(&second, &spec, &runner).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!(letters_on(&host, &pid).starts_with('T'));
    // Another login reads it, with who and why.
    let state = jobs::read(&spec, &root, Timestamp::now()).await.unwrap();
    let [armed] = &*state.armed else { panic!("{state:?}") };
    assert_ne!(armed.id, first.plan.id);
    assert_eq!((&armed.id, armed.keeper), (&second.plan.id, Keeper::Watcher));
    assert_eq!(
        (armed.by.as_deref(), armed.why.as_deref()),
        (Some("ops@here"), Some("longer"))
    );
    let left = armed.fires_in.unwrap();
    assert!(left <= Span::from_mins(60) && left > Span::from_mins(57), "{left}");

    // Another process that has its name among its words is none, and is not ended.
    let name = &second.steps[0].argv.args()[2];
    assert!(name.ends_with(&*second.plan.id.0), "{name}");
    host.sh(&format!(
        "setsid sh -c 'sleep 4711; :' {name} >/dev/null 2>&1 </dev/null &"
    ));
    let (planned, ran, truth) = done(&spec, &runner, Verb::Resume, None).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!(planned.steps.iter().any(|s| s.what == StepKind::Disarm));
    assert!(ran.output.contains("ended") && watchers_on(&host) == 0, "{ran:?}");
    assert!(host.run(&["pgrep", "-f", "^sleep 4711"]).status.success());
    assert!(
        !host.run(&["pgrep", "-f", "^sleep 3600"]).status.success(),
        "what waited for it is left"
    );

    // One of another login cannot be taken away, and that is said and not tried; root can.
    let (_, _, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    let (planned, _, _) = done(&spec, &root, Verb::Pause, HALF_AN_HOUR).await;
    assert!(planned.steps.iter().any(|s| s.what == StepKind::Disarm));
    assert_eq!((armed_timers(&host), watchers_on(&host)), (1, 0));
    let planned = plan(&spec, &runner, Verb::Resume, None).await.unwrap();
    assert!(
        planned.plan.beware.iter().any(|b| b.contains("stays armed")),
        "{planned:?}"
    );
    let missed = plan(&spec, &runner, Verb::Extend, HALF_AN_HOUR).await.unwrap_err();
    // Without its end no new one is set: there would be two.
    assert!(
        missed.kind == Miss::Denied && missed.why.contains("stays armed"),
        "{missed}"
    );
    let (ran, truth) = run(&planned, &spec, &runner).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Contradicted { found } if found.detail.contains("still armed")));
}

fn armed_timers(host: &Host) -> usize {
    armed(host).len()
}

#[tokio::test]
async fn where_nothing_can_be_armed_nothing_is_paused_and_it_is_said_why() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = as_ops(&host);
    let pid = on_host(&host, "ops").await;
    let spec = nightly(None, Sudo::No);
    host.write(
        "/etc/systemd/logind.conf.d/ends.conf",
        "[Login]\nKillUserProcesses=yes\n",
        0o644,
    );
    host.sh("systemctl restart systemd-logind");
    let missed = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    assert!(
        missed.kind == Miss::NotArmed && missed.why.contains("logind"),
        "{missed}"
    );

    host.sh("rm /etc/systemd/logind.conf.d/ends.conf; systemctl restart systemd-logind; mv /usr/bin/setsid /usr/bin/setsid.off");
    let missed = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    assert!(
        missed.why.contains("cannot be armed") && missed.why.contains("no setsid"),
        "{missed}"
    );
    assert!(
        missed.fix.as_ref().unwrap().contains("mailtop config sudoers mx1"),
        "{missed}"
    );
    assert!(!letters_on(&host, &pid).contains('T'));

    // It is there when it is planned, and gone when it runs.
    host.sh("mv /usr/bin/setsid.off /usr/bin/setsid");
    let planned = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    host.sh("mv /usr/bin/setsid /usr/bin/setsid.off");
    let (ran, truth) = run(&planned, &spec, &runner).await;
    let failed = ran.failed.unwrap();
    assert!(
        failed.contains("nothing was paused") && failed.contains("did not start"),
        "{failed}"
    );
    assert!(matches!(truth, Truth::Contradicted { found } if found.state == State::Running));
    assert!(!letters_on(&host, &pid).contains('T'));
}
