//! What the programs of a real Postfix 3.7 said, and what tries to look like it.

use super::*;
use proptest::prelude::*;

fn id(s: &str) -> Id {
    Id::parse(s.as_bytes()).unwrap()
}
fn of(program: &str, text: &str) -> Option<Said> {
    Said::of(program.as_bytes(), text.as_bytes())
}

#[test]
fn what_the_programs_of_a_real_postfix_said_is_understood() {
    let a = id("80A9C99C004");
    for (program, text, said) in [
        ("smtpd", "80A9C99C004: client=localhost[127.0.0.1]", Said::Opened(a)),
        (
            "smtpd",
            "lost connection after DATA (1541 bytes) from localhost[127.0.0.1]",
            Said::ClientLost,
        ),
        (
            "smtpd",
            "timeout after BDAT (5 bytes) from x[1.2.3.4]",
            Said::ClientLost,
        ),
        (
            "smtpd",
            "disconnect from localhost[127.0.0.1] helo=1 commands=3/4",
            Said::ClientDone,
        ),
        (
            "smtpd",
            "NOQUEUE: hold: RCPT from x[1.2.3.4]: <h@b.test>: Recipient address triggers HOLD action",
            Said::NextHeld,
        ),
        (
            "smtpd",
            "NOQUEUE: discard: RCPT from x[1.2.3.4]: <d@b.test>: triggers DISCARD action",
            Said::NextRefused,
        ),
        (
            "smtpd",
            "80A9C99C004: reject: END-OF-MESSAGE from x[1.2.3.4]: 554 no",
            Said::Refused(a),
        ),
        (
            "pickup",
            "80A9C99C004: uid=0 from=<a@x.test>",
            Said::PickedUp(a, Origin::Local),
        ),
        (
            "pickup",
            "80A9C99C004: uid=102 from=<> orig_id=8B88B99C044",
            Said::PickedUp(a, Origin::Requeued),
        ),
        (
            "pickup",
            "80A9C99C004: uid=0 from=<\"> orig_id=8B88B99C044\"@x.test>",
            Said::PickedUp(a, Origin::Local),
        ),
        ("cleanup", "80A9C99C004: message-id=<1@x>", Said::Entered(a)),
        ("cleanup", "80A9C99C004: message-id=<>", Said::Entered(a)),
        (
            "cleanup",
            "80A9C99C004: reject: header Subject: x from localhost[127.0.0.1]; from=<a@x>: 5.7.1 no",
            Said::Refused(a),
        ),
        (
            "cleanup",
            "80A9C99C004: milter-reject: END-OF-MESSAGE from x[1.2.3.4]: 5.7.1 no",
            Said::Refused(a),
        ),
        (
            "cleanup",
            "80A9C99C004: discard: header Subject: discard",
            Said::Refused(a),
        ),
        (
            "cleanup",
            "80A9C99C004: milter-hold: END-OF-MESSAGE from x[1.2.3.4]",
            Said::HoldComing(a),
        ),
        (
            "cleanup",
            "80A9C99C004: hold: header Subject: hold it",
            Said::HoldComing(a),
        ),
        (
            "cleanup",
            "warning: 80A9C99C004: queue file size limit exceeded",
            Said::Refused(a),
        ),
        (
            "qmgr",
            "80A9C99C004: from=<>, size=2067, nrcpt=1 (queue active)",
            Said::Active(a),
        ),
        (
            "qmgr",
            "80A9C99C004: from=<a@x.test>, status=expired, returned to sender",
            Said::Expired(a),
        ),
        (
            "qmgr",
            "80A9C99C004: from=<>, status=force-expired, returned to sender",
            Said::Expired(a),
        ),
        ("qmgr", "80A9C99C004: removed", Said::Removed(a)),
        (
            "qmgr",
            "warning: saving corrupt file \"80A9C99C004\" from queue \"active\" to queue \"corrupt\"",
            Said::Corrupt(a),
        ),
        ("postsuper", "80A9C99C004: removed", Said::Deleted(a)),
        ("postsuper", "80A9C99C004: placed on hold", Said::Held(a)),
        ("postsuper", "80A9C99C004: released from hold", Said::Released(a)),
        ("postsuper", "80A9C99C004: requeued", Said::Requeued(a)),
    ] {
        assert_eq!(of(program, text), Some(said), "{program}: {text}");
    }
}

#[test]
fn what_changes_nothing_in_the_queue_is_passed_over() {
    for (program, text) in [
        ("smtpd", "lost connection after RCPT from x[1.2.3.4]"),
        (
            "smtpd",
            "lost connection after END-OF-MESSAGE (7 bytes) from x[1.2.3.4]",
        ),
        ("smtpd", "NOQUEUE: reject: RCPT from x[1.2.3.4]: 550 no"),
        ("smtpd", "80A9C99C004: reject: RCPT from x[1.2.3.4]: 550 no"),
        ("cleanup", "80A9C99C004: resent-message-id=<r@x>"),
        ("cleanup", "80A9C99C004: milter-reject: RCPT from x[1.2.3.4]: 5.7.1 no"),
        ("cleanup", "warning: 80A9C99C004: read timeout on cleanup socket"),
        ("qmgr", "80A9C99C004: skipped, still being delivered"),
        ("qmgr", "80A9C99C004: removed spurious log"),
        ("qmgr", "NOQUEUE: removed"),
        ("postsuper", "Deleted: 1 message"),
        ("postsuper", "80A9C99C004: expired"),
        ("bounce", "80A9C99C004: sender non-delivery notification: 8470F99C043"),
        ("smtp", "80A9C99C004: removed"),
        ("local", "80A9C99C004: to=<a@x>, relay=local, status=deferred (x)"),
    ] {
        assert_eq!(of(program, text), None, "{program}: {text}");
    }
}

#[test]
fn a_recipient_s_outcome_is_told_by_its_status_and_not_by_its_address_or_the_other_side_s_words() {
    let is = |program: &str, text: &str| match of(program, &format!("80A9C99C004: to=<{text}")) {
        Some(Said::Delivery(_, o)) => Some(o),
        _ => None,
    };
    let tail = "relay=mx[1.2.3.4]:25, conn_use=2, delay=1, delays=0/0/0/1, dsn=2.0.0";
    assert_eq!(
        is(
            "smtp",
            &format!("u@a>, {tail}, status=sent (250 2.0.0 Ok: queued as 4jY6yb2fsrz1SRqc)")
        ),
        Some(Outcome::SentAs(id("4jY6yb2fsrz1SRqc")))
    );
    assert_eq!(
        is(
            "local",
            "u@a>, orig_to=<root>, relay=local, status=sent (forwarded as 8470F99C043)"
        ),
        Some(Outcome::SentAs(id("8470F99C043")))
    );
    assert_eq!(
        is("lmtp", &format!("u@a>, {tail}, status=sent (250 2.0.0 <u> abc Saved)")),
        Some(Outcome::Sent)
    );
    assert_eq!(
        is("smtp", &format!("u@a>, {tail}, status=sent (250 queued as mail)")),
        Some(Outcome::Sent)
    );
    assert_eq!(
        is("discard", &format!("u@a>, {tail}, status=sent (gone)")),
        Some(Outcome::Thrown)
    );
    assert_eq!(
        is("smtp", &format!("u@a>, {tail}, status=deliverable (250 ok)")),
        Some(Outcome::Thrown)
    );
    assert_eq!(
        is("error", &format!("u@a>, {tail}, status=bounced (no)")),
        Some(Outcome::Bounced)
    );
    assert_eq!(is("smtp", &format!("u@a>, {tail}, status=SOFTBOUNCE (no)")), None);
    assert_eq!(
        is(
            "smtp",
            &format!("u@a>, {tail}, status=deferred (450 , status=sent (x))")
        ),
        None
    );
    assert_eq!(
        is(
            "smtp",
            &format!("\"x>, relay=none, status=sent (\\\"y\"@a>, {tail}, status=bounced (no)")
        ),
        Some(Outcome::Bounced)
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(program in prop::sample::select(vec!["smtpd", "pickup", "cleanup", "qmgr", "postsuper", "smtp"]),
                      head in prop::sample::select(vec!["", "80A9C99C004: ", "warning: 80A9C99C004: ", "80A9C99C004: to=<", "80A9C99C004: from=<"]),
                      rest in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Said::of(program.as_bytes(), &[head.as_bytes(), &rest].concat());
        let _ = Said::of(program.as_bytes(), &rest);
    }
}
