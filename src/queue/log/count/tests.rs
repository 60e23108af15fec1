//! What the counts come to: lines as Postfix logs them in, counts out.

use super::*;
use proptest::prelude::*;

fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}
/// Takes lines of the form `PROGRAM[PID]: TEXT` or `TAG/PROGRAM[PID]: TEXT`, with any stamp.
fn feed(count: &mut Count, text: &str) {
    for (n, l) in text.lines().map(str::trim).filter(|l| !l.is_empty()).enumerate() {
        let tag = if l.split(':').next().unwrap().contains('/') {
            ""
        } else {
            "postfix/"
        };
        // Times run backwards and ahead: they do not matter here.
        let text = format!("Nov {:2} 14:00:07 mx1 {tag}{l}", 28 - n % 28);
        count.line(&Line::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}")));
    }
}
fn counted(text: &str) -> FlowCounts {
    let mut c = Count::new("postfix");
    feed(&mut c, text);
    c.take(t(0))
}
fn none() -> FlowCounts {
    FlowCounts::default()
}
/// A message that is taken in and handed to the queue manager.
fn taken_in(id: &str) -> String {
    format!(
        "smtpd[7]: {id}: client=x[1.2.3.4]\ncleanup[8]: {id}: message-id=<m@x>\nqmgr[9]: {id}: from=<a@x>, size=1, nrcpt=1 (queue active)\n"
    )
}
fn to(id: &str, agent: &str, status: &str) -> String {
    format!("{agent}[1]: {id}: to=<u@a>, relay=r, delay=1, delays=0/0/0/1, dsn=2.0.0, status={status}\n")
}
fn gone(id: &str) -> String {
    format!("qmgr[9]: {id}: removed\n")
}

#[test]
fn each_exit_is_counted_by_what_became_of_the_recipients() {
    let whole = |deliveries: &str| {
        let c = counted(&(taken_in("80A9C99C004") + deliveries + &gone("80A9C99C004")));
        assert_eq!((c.arrived, c.net()), (1, 0), "{deliveries}");
        (
            c.delivered,
            c.bounced,
            c.expired,
            c.discarded,
            c.unexplained,
            c.recipients,
        )
    };
    let id = "80A9C99C004";
    let sent = to(id, "lmtp", "sent (250 Saved)");
    let bounced = to(id, "error", "bounced (no)");
    let thrown = to(id, "discard", "sent (gone)");
    let deferred = to(id, "smtp", "deferred (later)");
    let expired = format!("qmgr[9]: {id}: from=<a@x>, status=expired, returned to sender\n");
    assert_eq!(whole(&sent), (1, 0, 0, 0, 0, 1));
    assert_eq!(whole(&sent.repeat(3)), (1, 0, 0, 0, 0, 3));
    assert_eq!(whole(&(sent.clone() + &bounced)), (0, 1, 0, 0, 0, 1));
    assert_eq!(whole(&(deferred.clone() + &expired)), (0, 0, 1, 0, 0, 0));
    assert_eq!(whole(&(bounced + &expired)), (0, 0, 1, 0, 0, 0));
    assert_eq!(whole(&thrown.repeat(2)), (0, 0, 0, 1, 0, 0));
    assert_eq!(whole(&(thrown + &sent)), (1, 0, 0, 0, 0, 1));
    assert_eq!(whole(&deferred), (0, 0, 0, 0, 1, 0));
    assert_eq!(whole(""), (0, 0, 0, 0, 1, 0));
}

#[test]
fn activations_are_no_arrivals_and_a_message_that_was_there_before_has_only_an_exit() {
    let active = "qmgr[9]: 80A9C99C004: from=<a@x>, size=1, nrcpt=1 (queue active)\n";
    let c = counted(&(active.repeat(5) + &to("80A9C99C004", "smtp", "sent (250 ok)") + &gone("80A9C99C004")));
    assert_eq!(
        c,
        FlowCounts {
            delivered: 1,
            recipients: 1,
            ..none()
        }
    );
}

#[test]
fn what_is_refused_on_the_way_in_never_arrived_whichever_line_comes_first() {
    for text in [
        "cleanup[8]: 7112499C015: message-id=<1@x>\ncleanup[8]: 7112499C015: message-id=<2@x>\ncleanup[8]: 7112499C015: reject: header S from x; from=<a>",
        "smtpd[7]: 8666F99C015: client=x\nsmtpd[7]: lost connection after DATA (1541 bytes) from x\ncleanup[8]: 8666F99C015: message-id=<l@x>",
        "smtpd[7]: 8666F99C015: client=x\ncleanup[8]: 8666F99C015: message-id=<l@x>\nsmtpd[7]: timeout after DATA (1541 bytes) from x",
        "smtpd[7]: D003599C015: client=x\ncleanup[8]: D003599C015: message-id=<b@x>\nsmtpd[7]: warning: D003599C015: queue file size limit exceeded\ncleanup[8]: warning: D003599C015: queue file size limit exceeded",
        "smtpd[7]: D003599C015: client=x\nsmtpd[7]: warning: D003599C015: queue file size limit exceeded\ncleanup[8]: D003599C015: message-id=<b@x>",
        "smtpd[7]: NOQUEUE: discard: RCPT from x: <d@b>: t\nsmtpd[7]: DCC0B99C016: client=x\ncleanup[8]: DCC0B99C016: message-id=<d@x>",
        "cleanup[8]: 7BA8599C015: message-id=<1@x>\ncleanup[8]: 7BA8599C015: milter-discard: END-OF-MESSAGE from x",
    ] {
        assert_eq!(counted(text), none(), "{text}");
    }
}

#[test]
fn a_refusal_that_is_read_later_is_taken_off_the_next_arrivals() {
    let mut c = Count::new("postfix");
    feed(&mut c, "cleanup[8]: 7112499C015: message-id=<1@x>");
    assert_eq!(c.take(t(0)).arrived, 1);
    feed(&mut c, "cleanup[8]: 7112499C015: reject: body x");
    assert_eq!(c.take(t(10)).arrived, 0);
    feed(&mut c, &(taken_in("80A9C99C004") + &taken_in("80A9C99C005")));
    assert_eq!(c.take(t(20)).arrived, 1, "two came, and one was counted too much");
}

#[test]
fn a_lost_client_does_not_undo_the_message_before() {
    let text = taken_in("80A9C99C004") + "smtpd[7]: lost connection after DATA (9 bytes) from x\n";
    assert_eq!(counted(&text).arrived, 1, "qmgr has it");
    let text = "smtpd[7]: 80A9C99C004: client=x\ncleanup[8]: 80A9C99C004: message-id=<1@x>\nsmtpd[7]: disconnect from x\nsmtpd[7]: lost connection after DATA (9 bytes) from y\n";
    assert_eq!(counted(text).arrived, 1, "another client of the same process");
}

#[test]
fn mail_put_on_hold_on_its_way_in_is_held_once() {
    for text in [
        "cleanup[8]: 6538499C038: hold: header a\ncleanup[8]: 6538499C038: hold: header b\ncleanup[8]: 6538499C038: message-id=<1@x>",
        "cleanup[8]: 6538499C038: message-id=<1@x>\ncleanup[8]: 6538499C038: hold: body a\ncleanup[8]: 6538499C038: hold: body a",
        "smtpd[7]: NOQUEUE: hold: RCPT from x: <h@b>: t\nsmtpd[7]: 6538499C038: client=x\nsmtpd[7]: 6538499C038: hold: RCPT from x\ncleanup[8]: 6538499C038: message-id=<1@x>",
    ] {
        assert_eq!(
            counted(text),
            FlowCounts {
                arrived: 1,
                held: 1,
                ..none()
            },
            "{text}"
        );
    }
    let text = "cleanup[8]: 6538499C038: hold: header a\ncleanup[8]: 6538499C038: message-id=<1@x>\ncleanup[8]: 6538499C039: message-id=<1@x>";
    assert_eq!(
        counted(text),
        FlowCounts {
            arrived: 2,
            held: 1,
            ..none()
        },
        "the next one is not"
    );
}

#[test]
fn what_an_operator_did_is_counted_as_that() {
    let id = "80A9C99C004";
    let c = counted(&format!(
        "postsuper[1]: {id}: placed on hold\npostsuper[1]: Placed on hold: 1 message\npostsuper[1]: {id}: released from hold\n\
             postsuper[1]: {id}: removed\npostsuper[1]: Deleted: 1 message"
    ));
    assert_eq!(
        c,
        FlowCounts {
            held: 1,
            released: 1,
            removed: 1,
            ..none()
        }
    );
}

#[test]
fn a_requeued_message_neither_leaves_nor_arrives() {
    let c = counted(
        "postsuper[1]: 8B88B99C044: requeued\npickup[2]: 9A5CC99C043: uid=102 from=<> orig_id=8B88B99C044\n\
             cleanup[8]: 9A5CC99C043: message-id=<1@x>\nqmgr[9]: 9A5CC99C043: from=<>, size=1, nrcpt=1 (queue active)\n\
             pickup[2]: 9A5CC99C045: uid=0 from=<a@x>\ncleanup[8]: 9A5CC99C045: message-id=<2@x>",
    );
    assert_eq!(
        c,
        FlowCounts {
            requeued: 1,
            arrived: 1,
            ..none()
        }
    );
}

#[test]
fn mail_that_comes_back_into_this_queue_is_passed_on_and_mail_for_another_host_is_delivered() {
    let (first, second) = ("80A9C99C004", "80A9C99C005");
    let handed_on = to(
        first,
        "smtp",
        &format!("sent (250 2.0.0 from MTA: 250 2.0.0 Ok: queued as {second})"),
    );
    let delivered = to(second, "lmtp", "sent (250 Saved)") + &gone(second);
    // The second file may be gone before the hop that made it has answered.
    for text in [
        taken_in(first) + &taken_in(second) + &handed_on + &gone(first) + &delivered,
        taken_in(first) + &taken_in(second) + &delivered + &handed_on + &gone(first),
    ] {
        let c = counted(&text);
        assert_eq!((c.arrived, c.passed_on, c.delivered, c.recipients), (2, 1, 1, 1));
    }
    let c = counted(&(taken_in(first) + &handed_on + &gone(first)));
    assert_eq!((c.passed_on, c.delivered, c.recipients), (0, 1, 1));
}

#[test]
fn an_id_that_is_used_again_is_another_message() {
    let id = "80A9C99C004";
    let one = |status: &str| taken_in(id) + &to(id, "smtp", status) + &gone(id);
    let c = counted(&(one("bounced (no)") + &one("sent (250 ok)")));
    assert_eq!((c.arrived, c.bounced, c.delivered), (2, 1, 1));
    // Its end was not seen, and a bounce is opened by no client and no pickup.
    let c = counted(
        &(taken_in(id)
            + &to(id, "smtp", "bounced (no)")
            + &format!("cleanup[8]: {id}: message-id=<n@x>\n")
            + &gone(id)),
    );
    assert_eq!((c.arrived, c.bounced, c.unexplained), (2, 0, 1));
}

#[test]
fn another_instance_in_the_same_log_is_not_counted_and_a_transport_with_a_name_of_its_own_is() {
    let text = taken_in("80A9C99C004")
        .replace("smtpd[", "postfix-out/smtpd[")
        .replace("cleanup[", "postfix-out/cleanup[")
        .replace("qmgr[", "postfix-out/qmgr[")
        + &to("80A9C99C004", "postfix-out/smtp", "sent (250 ok)")
        + "postfix-out/qmgr[9]: 80A9C99C004: removed\npostfix-out/postsuper[9]: 80A9C99C004: removed\n";
    assert_eq!(counted(&text), none());
    let text =
        taken_in("80A9C99C004") + &to("80A9C99C004", "postfix-slow/smtp", "sent (250 ok)") + &gone("80A9C99C004");
    assert_eq!(
        counted(&text),
        FlowCounts {
            arrived: 1,
            delivered: 1,
            recipients: 1,
            ..none()
        }
    );
}

#[test]
fn a_corrupt_file_is_gone_and_nobody_knows_more() {
    let c = counted("qmgr[9]: warning: saving corrupt file \"80A9C99C004\" from queue \"active\" to queue \"corrupt\"");
    assert_eq!(
        c,
        FlowCounts {
            unexplained: 1,
            ..none()
        }
    );
}

#[test]
fn an_expired_message_that_stays_is_not_expired() {
    let id = "80A9C99C004";
    let c = counted(
        &(taken_in(id)
            + &format!(
                "qmgr[9]: {id}: from=<a@x>, status=expired, returned to sender\n{}",
                taken_in(id).lines().last().unwrap()
            )
            + "\n"
            + &to(id, "smtp", "sent (250 ok)")
            + &gone(id)),
    );
    assert_eq!((c.expired, c.delivered), (0, 1));
}

#[test]
fn the_state_of_files_is_bounded_in_number_and_age() {
    let mut c = Count::new("postfix");
    for n in 0..3 * FILES {
        feed(&mut c, &format!("cleanup[8]: {n:011X}: message-id=<1@x>"));
        assert!(c.files.young.len() <= FILES && c.files.old.len() <= FILES);
    }
    assert_eq!(c.take(t(0)).arrived, 3 * FILES as u64);
    c.take(t(3_700));
    assert!(c.files.young.is_empty());
    c.take(t(-7_400));
    assert!(c.files.old.is_empty(), "a clock that steps back ends a generation too");
    for pid in 0..2 * CLIENTS {
        feed(&mut c, &format!("smtpd[{pid}]: NOQUEUE: hold: x"));
    }
    assert!(c.clients.len() <= CLIENTS);
}

fn some_line() -> impl Strategy<Value = String> {
    let id = prop::sample::select(vec!["80A9C99C004", "80A9C99C005", "4jY6yb2fsrz1SRqc"]);
    let text = prop::sample::select(vec![
        "smtpd[7]: ID: client=x",
        "smtpd[7]: lost connection after DATA (1 bytes) from x",
        "smtpd[7]: disconnect from x",
        "smtpd[7]: NOQUEUE: hold: x",
        "smtpd[7]: NOQUEUE: discard: x",
        "pickup[7]: ID: uid=1 from=<a>",
        "pickup[7]: ID: uid=1 from=<a> orig_id=X",
        "cleanup[7]: ID: message-id=<a>",
        "cleanup[7]: ID: reject: a",
        "cleanup[7]: ID: hold: a",
        "qmgr[7]: ID: from=<a>, size=1, nrcpt=1 (queue active)",
        "qmgr[7]: ID: from=<a>, status=expired, x",
        "smtp[7]: ID: to=<a>, status=sent (250 queued as 80A9C99C005)",
        "smtp[7]: ID: to=<a>, status=bounced (no)",
        "discard[7]: ID: to=<a>, status=sent (x)",
        "qmgr[7]: ID: removed",
        "postsuper[7]: ID: removed",
        "postsuper[7]: ID: requeued",
        "postsuper[7]: ID: placed on hold",
        "postsuper[7]: ID: released from hold",
    ]);
    (text, id).prop_map(|(t, id)| t.replace("ID", id))
}

proptest! {
    #[test]
    fn no_count_exceeds_the_lines_and_taking_in_between_does_not_change_the_sum(
        lines in prop::collection::vec((some_line(), any::<bool>()), 0..60)
    ) {
        let (mut whole, mut parts) = (Count::new("postfix"), Count::new("postfix"));
        let mut sum = none();
        for (line, take) in &lines {
            feed(&mut whole, line);
            feed(&mut parts, line);
            if *take {
                sum += parts.take(t(0));
            }
        }
        let all = whole.take(t(0));
        sum += parts.take(t(0));
        let n = lines.len() as u64;
        prop_assert!([all.arrived, all.exits(), all.otherwise(), all.held, all.released, all.requeued, all.recipients].iter().all(|c| *c <= n));
        // Arrivals that are not yet taken off are kept in mind.
        sum.arrived -= parts.too_many.min(sum.arrived);
        prop_assert_eq!(FlowCounts { arrived: sum.arrived, ..all }, sum);
        prop_assert_eq!(sum.arrived, all.arrived);
    }
}
