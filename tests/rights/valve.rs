//! The valves of a Postfix on a whole host, by an ordinary login with the printed rules: each is closed and opened, its armed end
//! opens it by itself, and nothing else of Postfix's tools gets through.

use super::*;

/// What must not get through, word by word.
const BENT: &[&str] = &[
    "postsuper -d ALL",
    "postsuper -d ALL hold",
    "postsuper -h ALL deferred",
    "postsuper -h 4jY6yb2fsrz1SRqc",
    "postsuper -r ALL",
    "postsuper -H ALL -d ALL",
    "postsuper -c /tmp -h ALL",
    "postsuper -s",
    "postfix stop",
    "postfix abort",
    "postfix flush",
    "postfix reload stop",
    "postfix -c /tmp reload",
    "postfix -D reload",
    "postconf -e mynetworks=0.0.0.0/0",
    "postconf -e header_checks=static:DISCARD",
    "postconf -e header_checks=static:HOLD mynetworks=0.0.0.0/0",
    "postconf -e header_checks=static:HOLD,pcre:/tmp/x",
    "postconf -c /tmp -e header_checks=static:HOLD",
    "postconf -e defer_transports=discard",
    "postconf -e defer_transports=smtp,mailtop-paused",
    "postconf -e transport_maps=inline:{far.test=smtp:[evil.test]}",
    "postconf -e transport_maps=inline:{farXtest=mailtop-paused:}",
    "postconf -e master_service_disable=unix",
    "postconf -X header_checks mynetworks",
    "postconf -X relayhost",
    "postconf -M -e evil/inet=evil",
    "postconf -#",
    "postqueue -i 4jY6yb2fsrz1SRqc",
    "postqueue -s far.test",
    "postqueue -j -f",
    "postqueue -c /tmp -f",
    "sendmail -q",
    "postmulti -p stop",
    "systemctl stop postfix",
    "systemctl stop mailtop-resume:unit.x:a1.timer",
    "sh -c id",
];

fn on_hold(place: &Place) -> String {
    place.host.sh("postqueue -j | grep -c '\"queue_name\": \"hold\"' || :")
}

#[tokio::test]
async fn with_the_printed_rules_a_login_closes_and_opens_each_valve_and_its_end_does_so_by_itself() {
    let Some(place) = Place::with_postfix() else { return };
    let runner = place.ops();
    let checked = place.mailtop(&["config", "sudoers", "mx1", "--check"]);
    assert_eq!(checked.status, Some(1), "{checked:?}");
    assert!(
        checked.out.contains("hold: pause lacks /usr/sbin/postsuper -h ALL\n"),
        "{}",
        checked.out
    );
    place.install();
    let checked = place.mailtop(&["config", "sudoers", "mx1", "--check"]);
    assert_eq!(
        (checked.status, &*checked.out),
        (Some(0), "nothing is lacking on mx1\n"),
        "{checked:?}"
    );

    for name in ["hold", "far", "door"] {
        let spec = place.job(name);
        place.until_runs(&spec, &runner).await;
        let before = place.host.sh("postconf -n");
        let (planned, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_mins(30))).await;
        assert!(
            planned.plan.armed_on_server && matches!(truth, Truth::Confirmed { .. }),
            "{name}: {truth:?}"
        );
        assert!(planned.plan.undo.contains("by a timer of systemd"), "{planned:?}");
        assert!(
            planned
                .plan
                .beware
                .iter()
                .any(|b| b.contains("a restart of mx1 takes its armed end away")),
            "{planned:?}"
        );
        assert_eq!(place.armed().len(), 1, "{name}");
        let (_, truth) = done(&spec, &runner, Verb::Resume, None).await;
        assert!(matches!(truth, Truth::Confirmed { .. }), "{name}: {truth:?}");
        assert_eq!(place.armed(), Vec::<String>::new());
        assert_eq!(place.host.sh("postconf -n"), before, "{name}");
    }

    // A timer of systemd ends it, with nobody left to do so.
    let hold = place.job("hold");
    let (_, truth) = done(&hold, &runner, Verb::Pause, Some(Span::from_secs(12))).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    place
        .host
        .sh("printf 'Subject: x\\n\\nx\\n' | sendmail -f a@x.test u@far.test; while ! postqueue -j | grep -q '\"hold\"'; do sleep 0.1; done");
    runner.close().await;
    place.host.cut();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !place.host.sh("postconf -n header_checks").is_empty() || on_hold(&place).trim() != "0" {
        assert!(std::time::Instant::now() < end, "never opened by itself");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    place.host.heal();
    place.until_runs(&hold, &runner).await;
}

#[tokio::test]
async fn nothing_else_of_postfix_gets_through_the_rules_for_its_valves() {
    let Some(place) = Place::with_postfix() else { return };
    let printed = place.install();
    assert!(!printed.contains("postsuper -d"), "{printed}");
    let before = place.host.sh("postconf -n");
    let bent: Vec<Vec<String>> = BENT
        .iter()
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect();
    for (words, allowed) in bent.iter().zip(place.sudo_lists(&bent)) {
        assert!(!allowed, "{words:?}");
    }
    // And these are, or nothing would be shown by the others.
    let good = [
        "postsuper -h ALL",
        "postfix reload",
        "postconf -X header_checks",
        "postqueue -f",
    ];
    let good = good.map(|line| line.split(' ').map(str::to_owned).collect());
    assert_eq!(place.sudo_lists(&good), [true; 4]);
    // Not only by sudo's word.
    let runner = place.ops();
    for line in ["postsuper -d ALL", "postconf -e mynetworks=0.0.0.0/0", "postfix stop"] {
        let out = runner
            .run(
                &Argv::new("sudo", std::iter::once("-n").chain(line.split(' '))),
                within(),
            )
            .await
            .unwrap();
        assert!(!out.ok(), "{line}");
    }
    assert_eq!(place.host.sh("postconf -n"), before);
    eprintln!("{} refused", bent.len());
}
