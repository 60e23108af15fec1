//! Doors that are shut, and a Postfix that is down.

use super::*;

#[tokio::test]
async fn intake_stops_at_the_named_services_and_only_there() {
    let Some(postfix) = lab("") else { return };
    let other = lab::free_port();
    postfix.add_services(&format!("127.0.0.1:{other} inet n - n - - smtpd\n"));
    let greeting = |port: u16| -> Option<(TcpStream, u8)> {
        let mut to = TcpStream::connect(("127.0.0.1", port)).ok()?;
        let mut first = [0];
        to.read_exact(&mut first).ok().map(|()| (to, first[0]))
    };
    let port = postfix.port;
    let spec = valve(
        &postfix,
        ValveKind::Intake {
            services: vec![format!("127.0.0.1:{port}.inet")],
        },
    );
    postfix.wait_for("both doors to answer", || {
        greeting(other).is_some() && greeting(port).is_some()
    });
    let open = until(&spec, "listening", |s| s.state == State::Running).await;
    assert!(
        open.detail.contains(&format!("listening at 127.0.0.1:{port}")),
        "{open:?}"
    );
    let session = greeting(port).unwrap();
    until(&spec, "the session counted", |s| s.detail.contains("1 session open")).await;

    let paused = confirmed(&spec, Verb::Pause).await;
    assert_eq!(paused.plan.messages, None);
    assert!(
        paused.plan.beware.iter().any(|b| b.contains("cut off")),
        "{:?}",
        paused.plan.beware
    );
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(greeting(other).is_some());
    // The session was cut.
    let mut rest = vec![];
    let _ = (&session.0).write_all(b"NOOP\r\n");
    let _ = (&session.0).read_to_end(&mut rest);
    assert!(
        !rest.windows(3).any(|w| w == b"250"),
        "{}",
        String::from_utf8_lossy(&rest)
    );

    let whole = valve(&postfix, ValveKind::Intake { services: vec![] });
    assert!(state(&whole).await.detail.contains("but not at"));
    confirmed(&spec, Verb::Resume).await;
    assert!(greeting(port).is_some());
    let wrong = valve(
        &postfix,
        ValveKind::Intake {
            services: vec!["smtp.inet".into()],
        },
    );
    let missed = plan_as(&wrong, Verb::Pause, None, Release::AsItIs).await.unwrap_err();
    assert_eq!(
        (missed.kind, state(&wrong).await.state),
        (Miss::NotFound, State::Unknown)
    );
}

#[tokio::test]
async fn a_postfix_that_does_not_run_is_not_taken_for_a_closed_valve() {
    let Some(postfix) = lab("") else { return };
    postfix.stop();
    for what in [ValveKind::Hold, ValveKind::Intake { services: vec![] }] {
        let spec = valve(&postfix, what);
        until(&spec, "down", |s| s.state == State::Failed).await;
        let missed = plan_as(&spec, Verb::Pause, None, Release::AsItIs).await.unwrap_err();
        assert!(missed.why.contains("does not run"), "{missed}");
    }
}
