//! Transports and destinations whose mail is kept, and a flush that is nobody's but a stranger's.

use super::*;

#[tokio::test]
async fn a_deferred_transport_keeps_its_mail_and_a_flush_that_delivers_it_is_seen_at_once() {
    let Some(postfix) = lab(&format!("{DELIVERS}defer_transports = lmtp\n")) else {
        return;
    };
    let spec = deferring(&postfix, &["discard"], &[]);
    assert_eq!(state(&spec).await.state, State::Running);
    let before = main_cf(&postfix);
    confirmed(&spec, Verb::Pause).await;
    assert_eq!(
        setting(&postfix, "defer_transports"),
        "defer_transports = lmtp, discard"
    );
    let silent = state(&spec).await;
    assert!(
        silent.detail.contains("no mail for it shows it yet"),
        "{}",
        silent.detail
    );
    // Arrivals are told in whole seconds: one of the second in which it was reloaded proves nothing.
    let mut sent = 0;
    let closed = loop {
        postfix.fill(1, "a@x.test", "u@far.test");
        sent += 1;
        postfix.settled(sent);
        let closed = state(&spec).await;
        assert_eq!(closed.state, State::Paused, "{closed:?}");
        assert!(closed.detail.contains(&format!("{sent} message")), "{}", closed.detail);
        if closed.detail.contains("of them came since") {
            break closed;
        }
    };
    assert!(has(&closed, "a flush by anybody"), "{closed:?}");

    // Our own flush is refused, on any job of this Postfix.
    let refused = plan_as(&valve(&postfix, ValveKind::Hold), Verb::Flush, None, Release::AsItIs)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Miss::Denied);
    assert!(refused.why.contains("defer_transports is lmtp, discard"), "{refused}");

    // An edit that nobody reloads: mail is still kept, and what would open it is said.
    tool(&postfix, "postconf", &["-e", "defer_transports = lmtp"]);
    let edited = state(&spec).await;
    assert_eq!(edited.state, State::Paused, "{edited:?}");
    assert!(
        has(&edited, "has not been read by the running Postfix") && has(&edited, "a reload would open this valve"),
        "{edited:?}"
    );
    tool(&postfix, "postconf", &["-e", "defer_transports = lmtp, discard"]);

    // Somebody else flushes.
    tool(&postfix, "postqueue", &["-f"]);
    postfix.wait_for("the flush to deliver", || postfix.log().contains("status=sent"));
    let flushed = state(&spec).await;
    assert_eq!(flushed.state, State::Running, "{flushed:?}");
    assert!(
        flushed.detail.contains("discard delivered all the same") && has(&flushed, "flushed the queue"),
        "{flushed:?}"
    );

    confirmed(&spec, Verb::Resume).await;
    assert_eq!(main_cf(&postfix), before);
    postfix.fill(1, "a@x.test", "new@far.test");
    postfix.settled(0);
}

#[tokio::test]
async fn mail_of_a_destination_is_kept_new_and_old_and_other_mail_goes_on() {
    let Some(postfix) = lab(&format!(
        "{DELIVERS}defer_transports = discard\ntransport_maps = inline:{{z.test=discard:}}\n"
    )) else {
        return;
    };
    // Queued before.
    postfix.fill(1, "a@x.test", "old@far.test");
    postfix.settled(1);
    let spec = deferring(&postfix, &[], &["Far.test", ".sub.test"]);
    let before = main_cf(&postfix).replace("defer_transports = discard\n", "");
    tool(&postfix, "postconf", &["-X", "defer_transports"]);
    let paused = confirmed(&spec, Verb::Pause).await;
    assert_eq!(paused.plan.messages, Some(1));
    postfix.fill(1, "a@x.test", "new@far.test");
    postfix.fill(1, "a@x.test", "new@x.sub.test");
    postfix.fill(1, "a@x.test", "new@x.far.test");
    postfix.wait_for("other mail to go", || {
        postfix.log().contains("to=<new@x.far.test>, relay=none")
    });
    until(&spec, "all three kept", |s| s.detail.contains("3 messages kept for it")).await;
    let closed = state(&spec).await;
    assert_eq!(closed.state, State::Paused, "{closed:?}");

    // A flush finds nothing to deliver it with.
    tool(&postfix, "postqueue", &["-f"]);
    postfix.wait_for("the flush to fail", || {
        postfix.log().contains("mail transport unavailable")
    });
    let flushed = until(&spec, "at rest", |_| queued(&postfix, ["active", "deferred"]) == [0, 3]).await;
    assert_eq!(flushed.state, State::Paused, "{flushed:?}");
    assert!(
        !postfix
            .log()
            .contains("to=<old@far.test>, relay=none, delay=0, status=sent")
    );

    confirmed(&spec, Verb::Resume).await;
    assert_eq!(main_cf(&postfix), before);
    postfix.settled(0);
}
