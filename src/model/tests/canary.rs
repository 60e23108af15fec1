//! Letters through two servers: both show them, a late one warns, and no letter makes a server down.

use super::*;
use crate::domain::canary::{Arrival, Cleans, End, Evidence, How, Lost, Place, Run, Sent, State as Came, Watching};
use crate::domain::roster::WatchedCanary;
use crate::model::Matter;

fn end(server: &str, door: &str) -> End {
    End {
        server: server.into(),
        door: door.into(),
    }
}
fn watched_canary(to: &str) -> WatchedCanary {
    WatchedCanary {
        name: "inbound".into(),
        way_in: end("a", "smtp"),
        way_out: end("b", "imap"),
        to: to.into(),
        mailbox: "INBOX".into(),
        every: Span::from_secs(60),
        late: Span::from_secs(60),
        lost: Span::from_secs(600),
    }
}
fn run() -> Run {
    Run::new(t(0), 1)
}
fn with_canary() -> Model {
    let mut m = Model::new(Some(me()));
    let roster = Roster {
        canaries: vec![watched_canary("x@y")],
        ..roster(&["a", "b", "c"])
    };
    m.apply(&event(0, Subject::Observer, Fact::Watching(roster)));
    m
}
fn about() -> Subject {
    Subject::Canary {
        server: "a".into(),
        canary: "inbound".into(),
    }
}
fn sent(seq: u64) -> Fact {
    Fact::CanarySent(Sent {
        run: run(),
        seq,
        accepted: Some(Span::from_millis(20)),
        queue_id: None,
        said: "250 ok".into(),
    })
}
fn came(seq: u64, sent: i64, at: i64) -> Fact {
    Fact::CanaryArrived(Arrival {
        run: run(),
        seq,
        sent: t(sent),
        round_trip: Span::from_secs(at - sent),
        queued: None,
        place: Place {
            validity: 1,
            uid: seq as u32,
        },
        state: Came::Whole,
    })
}
fn matter(m: &Model, server: &str, s: i64) -> Matter {
    m.server(server).unwrap().canaries["inbound"].matter(t(s))
}

#[test]
fn both_servers_of_the_way_show_it_and_no_other_does() {
    let mut m = with_canary();
    assert_eq!(matter(&m, "a", 1), Matter::NotSeen);
    assert!(m.server("c").unwrap().canaries.is_empty());
    m.apply(&event(1, about(), sent(1)));
    m.apply(&event(3, about(), came(1, 1, 3)));
    for server in ["a", "b"] {
        assert_eq!(matter(&m, server, 4), Matter::Nothing, "{server}");
        assert_eq!(
            m.server(server).unwrap().canaries["inbound"].last,
            Some((Span::from_secs(2), t(3)))
        );
    }
}

#[test]
fn a_late_letter_warns_a_lost_one_is_counted_and_neither_is_down() {
    let mut m = with_canary();
    m.apply(&event(1, about(), sent(1)));
    assert_eq!(matter(&m, "b", 61), Matter::NotSeen);
    assert_eq!(matter(&m, "b", 62), Matter::Late);
    let lost = Lost {
        run: run(),
        seq: 1,
        sent: t(1),
        queue_id: None,
        evidence: Evidence::NotInQueue { listed: t(700) },
    };
    m.apply(&event(700, about(), Fact::CanaryLost(lost)));
    assert_eq!(matter(&m, "a", 701), Matter::Lost(1));
    assert_eq!(Matter::Lost(1).verdict(), Verdict::Warn);
    m.apply(&event(702, about(), sent(2)));
    m.apply(&event(703, about(), came(2, 702, 703)));
    assert_eq!(
        matter(&m, "a", 704),
        Matter::Lost(1),
        "what was lost stands for an hour"
    );
    assert_eq!(matter(&m, "a", 704 + 3_600), Matter::Nothing);
}

#[test]
fn why_none_are_sent_is_known_until_one_is() {
    let mut m = with_canary();
    let how = Watching {
        run: run(),
        how: How::Idle,
        cleans: Cleans::Yes,
    };
    m.apply(&event(1, about(), Fact::CanaryWatching(how.clone())));
    m.apply(&event(
        2,
        about(),
        Fact::CanaryHeld("outbound on a is closed by an action".into()),
    ));
    assert_eq!(matter(&m, "a", 3), Matter::Held);
    let no = Missed::new(Miss::BadAnswer, "RCPT on smtp://a", "554 no");
    m.apply(&event(4, about(), Fact::CanaryUnsent(no.clone())));
    assert_eq!(matter(&m, "a", 5), Matter::Unsent);
    m.apply(&event(6, about(), sent(1)));
    m.apply(&event(7, about(), came(1, 6, 7)));
    m.apply(&event(8, about(), Fact::CanaryBlind(no)));
    assert_eq!(matter(&m, "a", 9), Matter::Blind);
    m.apply(&event(10, about(), Fact::CanaryWatching(how)));
    assert_eq!(matter(&m, "a", 11), Matter::Nothing);
}

#[test]
fn another_observer_s_canary_of_the_same_name_counts_only_when_it_is_the_same() {
    let mut m = with_canary();
    let other = ObserverId("other@host:2".into());
    let theirs = |to: &str| {
        let roster = Roster {
            canaries: vec![watched_canary(to)],
            ..roster(&["a", "b"])
        };
        Event {
            seen_by: other.clone(),
            ..event(1, Subject::Observer, Fact::Watching(roster))
        }
    };
    let letter = || Event {
        seen_by: other.clone(),
        ..event(2, about(), sent(1))
    };
    m.apply(&theirs("else@where"));
    m.apply(&letter());
    assert_eq!(m.server("a").unwrap().canaries["inbound"].tally.last_seq(), None);
    m.apply(&theirs("x@y"));
    m.apply(&letter());
    assert_eq!(m.server("a").unwrap().canaries["inbound"].tally.last_seq(), Some(1));
}

/// A door that answers RCPT is not all of it: what is behind may refuse or keep the mail.
#[test]
fn inbound_is_not_good_while_letters_are_late_or_lost_behind_doors_that_answer() {
    let mut m = Model::new(Some(me()));
    let mut roster = Roster {
        canaries: vec![watched_canary("x@y")],
        ..roster(&["a", "b"])
    };
    roster.servers[0].doors = vec![WatchedDoor {
        name: "smtp".into(),
        url: "smtp://a".into(),
        protocol: Protocol::Smtp,
        role: Role::Inbound,
        anonymous: false,
    }];
    m.apply(&event(0, Subject::Observer, Fact::Watching(roster)));
    let good = |s: i64| {
        let about = Subject::Door {
            server: "a".into(),
            door: "smtp".into(),
        };
        let report = ProbeReport {
            proved: Some(Phase::Rcpt),
            ..ProbeReport::begun("smtp://a".into(), vec![Phase::Rcpt])
        };
        event(s, about, Fact::Probed(Box::new(report)))
    };
    let inbound = |m: &Model, s: i64| {
        let all = crate::model::roles(m, t(s), Span::from_secs(1));
        let one = all.iter().find(|r| r.role == Role::Inbound).unwrap();
        (one.verdict(), one.to_string())
    };
    m.apply(&event(1, about(), sent(1)));
    m.apply(&good(2));
    assert_eq!(inbound(&m, 3), (Verdict::Ok, "ok".to_owned()));
    m.apply(&good(62));
    assert_eq!(inbound(&m, 63), (Verdict::Warn, "letters late".to_owned()));
    m.apply(&event(64, about(), came(1, 1, 64)));
    m.apply(&event(70, about(), sent(2)));
    m.apply(&event(71, about(), came(2, 70, 71)));
    m.apply(&good(72));
    assert_eq!(inbound(&m, 73), (Verdict::Ok, "ok".to_owned()));
}
