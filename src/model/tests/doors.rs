//! Fleets with several doors: the roles, what fails together, and the certificates.

use super::*;
use crate::domain::door::Protocol::{self, Imap, Lmtp, Pop3, Smtp, Submission};
use crate::domain::health::{CERT_ENDED, CERT_NOT_BEGUN, TlsSeen};
use crate::model::cause::{Cause, Onset, Refused, Shared, Suspect, User, causes};

/// Servers with a door of each of these protocols, which is named by it.
fn fleet(servers: &[(&str, &[Protocol])]) -> Model {
    let mut watched = roster(&servers.iter().map(|(n, _)| *n).collect::<Vec<_>>());
    for (w, (name, protocols)) in watched.servers.iter_mut().zip(servers) {
        let door = |p: &Protocol| WatchedDoor {
            name: p.word().into(),
            url: url(name, *p).into(),
            protocol: *p,
            role: p.role(),
            anonymous: false,
        };
        w.doors = protocols.iter().map(door).collect();
        (w.queues, w.jobs) = (vec![], vec![]);
    }
    let mut m = Model::new(Some(me()));
    m.apply(&event(0, Subject::Observer, Fact::Watching(watched)));
    m
}
fn url(server: &str, protocol: Protocol) -> String {
    format!("{protocol}://probe@{server}.test")
}
fn at(server: &str, protocol: Protocol) -> Subject {
    Subject::Door {
        server: server.into(),
        door: protocol.word().into(),
    }
}
fn plan(protocol: Protocol) -> Vec<Phase> {
    match protocol {
        Smtp | Lmtp => vec![Phase::Tls, Phase::Ehlo, Phase::Mail, Phase::Rcpt],
        Submission => vec![Phase::Tls, Phase::Ehlo, Phase::Login, Phase::Mail, Phase::Rcpt],
        _ => vec![Phase::Tls, Phase::Login, Phase::Fetch],
    }
}
/// A probe of it, good to its end or failing at this layer with these words.
fn report(server: &str, protocol: Protocol, failure: Option<(Layer, &str)>) -> ProbeReport {
    let plan = plan(protocol);
    let failure = failure.map(|(layer, text)| Failure {
        layer,
        phase: Phase::Login,
        code: None,
        text: text.into(),
        hint: None,
    });
    let ok = failure.is_none();
    ProbeReport {
        phases: plan
            .iter()
            .map(|p| PhaseTime {
                phase: *p,
                took: Span::from_millis(1),
                ok: ok || *p < Phase::Login,
            })
            .collect(),
        proved: if ok {
            plan.last().copied()
        } else {
            Some(Phase::Greeting)
        },
        failure,
        ..ProbeReport::begun(url(server, protocol).into(), plan)
    }
}
fn saw(m: &mut Model, s: i64, server: &str, protocol: Protocol, failure: Option<Layer>) {
    let report = report(server, protocol, failure.map(|l| (l, "no")));
    m.apply(&event(s, at(server, protocol), Fact::Probed(Box::new(report))));
}
fn said(m: &mut Model, s: i64, server: &str, text: &str, ends: Option<i64>) {
    let report = ProbeReport {
        tls: ends.map(|e| TlsSeen {
            version: None,
            not_after: Some(t(e)),
        }),
        ..report(server, Imap, Some((Layer::Tls, text)).filter(|_| !text.is_empty()))
    };
    m.apply(&event(s, at(server, Imap), Fact::Probed(Box::new(report))));
}
fn shared(m: &Model, s: i64) -> Vec<Shared> {
    let all = causes(m, t(s), Span::ZERO).into_iter();
    all.filter_map(|c| match c {
        Cause::Shared(s) => Some(s),
        Cause::Refused(_) => None,
    })
    .collect()
}
fn told(m: &Model, s: i64) -> String {
    let words = |r: &crate::model::RoleHealth| format!("{} {} {r}", r.role.word(), r.verdict());
    let all: Vec<String> = roles(m, t(s), Span::ZERO).iter().map(words).collect();
    all.join("; ")
}

#[test]
fn each_role_is_told_by_itself_and_one_that_is_not_watched_is_not_told() {
    let mut m = fleet(&[("a", &[Smtp, Imap]), ("b", &[Imap]), ("c", &[Imap, Submission])]);
    for (server, protocol) in [("a", Smtp), ("a", Imap), ("b", Imap), ("c", Imap), ("c", Submission)] {
        saw(&mut m, 1, server, protocol, None);
    }
    assert_eq!(told(&m, 2), "inbound ok ok; mailbox ok ok; outbound ok ok");
    saw(&mut m, 2, "a", Smtp, Some(Layer::Delivery));
    saw(&mut m, 2, "b", Imap, Some(Layer::Store));
    saw(&mut m, 2, "c", Submission, Some(Layer::Credential));
    assert_eq!(
        told(&m, 3),
        "inbound down down; mailbox warn 1 of 3 down; outbound warn warn"
    );
    assert_eq!(told(&fleet(&[("a", &[Imap])]), 3), "mailbox unknown unknown");
}

#[test]
fn a_role_of_which_something_is_not_known_is_never_good_and_stale_is_not_known() {
    let mut m = fleet(&[("a", &[Imap]), ("b", &[Imap])]);
    saw(&mut m, 1, "a", Imap, None);
    assert_eq!(told(&m, 2), "mailbox unknown 1 of 2 unknown", "b was never seen");
    saw(&mut m, 2, "b", Imap, None);
    assert_eq!(told(&m, 3), "mailbox ok ok");
    assert_eq!(told(&m, 32), "mailbox unknown 1 of 2 unknown", "a is stale");
    assert_eq!(told(&m, 60), "mailbox unknown unknown");
    saw(&mut m, 60, "b", Imap, Some(Layer::Store));
    assert_eq!(
        told(&m, 60),
        "mailbox down 1 of 2 down, 1 unknown",
        "nothing of it is known to work"
    );
}

#[test]
fn a_role_says_how_far_it_was_proved() {
    let mut m = fleet(&[("a", &[Smtp]), ("b", &[Smtp])]);
    saw(&mut m, 1, "a", Smtp, None);
    let short = ProbeReport {
        proved: Some(Phase::Ehlo),
        ..ProbeReport::begun(url("b", Smtp).into(), vec![Phase::Greeting, Phase::Ehlo])
    };
    m.apply(&event(1, at("b", Smtp), Fact::Probed(Box::new(short.clone()))));
    assert_eq!(told(&m, 2), "inbound ok ok, 1 of 2 to EHLO");
    let short = ProbeReport {
        url: url("a", Smtp).into(),
        ..short
    };
    m.apply(&event(2, at("a", Smtp), Fact::Probed(Box::new(short))));
    assert_eq!(told(&m, 2), "inbound ok ok to EHLO");
}

#[test]
fn a_mail_system_that_is_stopped_is_down_for_inbound_and_outbound_and_one_that_runs_says_nothing() {
    let mut m = watching(&["a"]);
    m.apply(&event(1, door("a"), probed(9, None)));
    let queue_is = |m: &mut Model, s: i64, system| {
        let Fact::QueueSeen(mut seen) = depth(3) else {
            unreachable!()
        };
        seen.system = system;
        m.apply(&event(s, queue("a"), Fact::QueueSeen(seen)));
    };
    queue_is(&mut m, 1, SystemState::Unknown);
    assert_eq!(told(&m, 2), "mailbox ok ok");
    queue_is(&mut m, 2, SystemState::Stopped);
    assert_eq!(
        told(&m, 3),
        "inbound down stopped; mailbox ok ok; outbound down stopped"
    );
}

#[test]
fn what_senders_need_is_an_inbound_door_and_a_submission_or_pop3_outage_starts_no_clock() {
    let since = |m: &Model, s: i64| {
        let h = m.remote_horizon(m.server("a").unwrap(), t(s));
        h.map(|h| h.since.as_second() - t(0).as_second())
    };
    let fails = |m: &mut Model, protocol, from: i64| {
        for s in [from, from + 10] {
            saw(m, s, "a", protocol, Some(Layer::Network));
        }
    };
    let mut m = fleet(&[("a", &[Smtp, Lmtp, Submission, Imap, Pop3])]);
    for protocol in [Submission, Pop3, Lmtp, Imap] {
        fails(&mut m, protocol, 10);
        assert_eq!(since(&m, 30), None, "{protocol}: mail comes in at the SMTP door");
    }
    fails(&mut m, Smtp, 40);
    assert_eq!(since(&m, 60), Some(40));
    // Without an inbound door IMAP stands for it, and still nothing else does.
    let mut m = fleet(&[("a", &[Submission, Imap, Pop3])]);
    fails(&mut m, Submission, 10);
    fails(&mut m, Pop3, 10);
    assert_eq!(since(&m, 30), None);
    fails(&mut m, Imap, 40);
    assert_eq!(since(&m, 60), Some(40));
    let mut m = fleet(&[("a", &[Lmtp, Imap])]);
    fails(&mut m, Imap, 10);
    assert_eq!(since(&m, 30), None);
    fails(&mut m, Lmtp, 40);
    assert_eq!(since(&m, 60), Some(40));
    let mut m = fleet(&[("a", &[Submission])]);
    fails(&mut m, Submission, 10);
    assert_eq!(since(&m, 30), None);
}

const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Six servers that were good, each with an IMAP door.
fn six() -> Model {
    let mut m = fleet(&SIX.map(|s| (s, &[Imap][..])));
    for s in SIX {
        saw(&mut m, 1, s, Imap, None);
    }
    m
}

#[test]
fn six_servers_that_fail_alike_at_once_are_one_cause_with_its_evidence() {
    let mut m = six();
    for (i, s) in SIX.iter().enumerate() {
        assert_eq!(shared(&m, 10 + i as i64).len(), usize::from(i > 2), "after {i}");
        saw(&mut m, 10 + i as i64 * 2, s, Imap, Some(Layer::Auth));
    }
    let [one] = &shared(&m, 21)[..] else { panic!("not one") };
    assert_eq!(
        (one.layer, one.suspect, one.of, one.doors.len()),
        (Layer::Auth, Suspect::AuthBackend, 6, 6)
    );
    assert_eq!(one.servers, SIX.map(Name::from));
    let onset = Onset {
        first: t(10),
        within: Span::from_secs(10),
    };
    assert_eq!(one.onset, Some(onset));
    assert!(rows(&m, t(21)).iter().all(|r| r.alike == Some(6)));
    // Their next probes fail too, and the layer wavers: it began when it began.
    saw(&mut m, 30, "a", Imap, Some(Layer::FrontEnd));
    saw(&mut m, 31, "a", Imap, Some(Layer::Auth));
    assert_eq!(shared(&m, 32)[0].onset, Some(onset));
    // Good again, one after the other: half of them are still told, fewer are not.
    for (i, s) in SIX.iter().enumerate() {
        saw(&mut m, 33, s, Imap, None);
        assert_eq!(shared(&m, 34).len(), usize::from(i < 3), "{s}");
    }
}

#[test]
fn failures_that_began_apart_at_other_layers_or_on_few_servers_are_not_one_cause() {
    let mut m = six();
    for (i, s) in SIX.iter().enumerate() {
        saw(&mut m, 10 + i as i64 * 31, s, Imap, Some(Layer::Auth));
        for other in &SIX[..i] {
            saw(&mut m, 11 + i as i64 * 31, other, Imap, Some(Layer::Auth));
        }
    }
    assert_eq!(shared(&m, 170), [], "each more than three intervals after the other");
    let mut m = six();
    let layers = [
        Layer::Auth,
        Layer::Store,
        Layer::Network,
        Layer::Tls,
        Layer::Name,
        Layer::FrontEnd,
    ];
    for (s, layer) in SIX.iter().zip(layers) {
        saw(&mut m, 10, s, Imap, Some(layer));
    }
    assert_eq!(shared(&m, 11), []);
    let mut m = six();
    saw(&mut m, 10, "a", Imap, Some(Layer::Auth));
    saw(&mut m, 10, "b", Imap, Some(Layer::Auth));
    assert_eq!(shared(&m, 11), [], "two of six may be chance");
    let mut m = fleet(&[("a", &[Imap, Pop3])]);
    for p in [Imap, Pop3] {
        saw(&mut m, 1, "a", p, None);
        saw(&mut m, 10, "a", p, Some(Layer::Auth));
    }
    assert_eq!(shared(&m, 11), [], "one server is one line already");
    let mut m = six();
    for s in SIX {
        saw(&mut m, 10, s, Imap, Some(Layer::Quota));
    }
    assert_eq!(shared(&m, 11), [], "a quota is a mailbox's own");
}

#[test]
fn only_what_was_good_before_and_could_fail_so_is_counted() {
    let mut m = fleet(&[
        ("a", &[Imap]),
        ("b", &[Imap]),
        ("c", &[Imap]),
        ("d", &[Smtp]),
        ("e", &[Imap]),
    ]);
    for s in ["a", "b", "e"] {
        saw(&mut m, 1, s, Imap, None);
    }
    saw(&mut m, 1, "d", Smtp, None);
    // c has failed since yesterday, and is found without its authentication now as well; e is silent.
    saw(&mut m, -80_000, "c", Imap, None);
    saw(&mut m, -70_000, "c", Imap, Some(Layer::Store));
    for s in ["a", "b", "c"] {
        saw(&mut m, 100, s, Imap, Some(Layer::Auth));
    }
    let [one] = &shared(&m, 101)[..] else { panic!("not one") };
    assert_eq!((one.servers.len(), one.of), (2, 2));
}

#[test]
fn a_server_of_which_another_door_of_the_kind_works_does_not_lack_what_is_shared() {
    let mut m = fleet(&[("a", &[Imap]), ("b", &[Imap])]);
    let second = WatchedDoor {
        name: "second".into(),
        url: "imap://other@b.test".into(),
        protocol: Imap,
        role: Role::Mailbox,
        anonymous: false,
    };
    let mut watched = roster(&["a", "b"]);
    for w in &mut watched.servers {
        w.doors[0].url = url(&w.name, Imap).into();
    }
    watched.servers[1].doors.push(second);
    m.apply(&event(0, Subject::Observer, Fact::Watching(watched)));
    let works = ProbeReport {
        url: "imap://other@b.test".into(),
        ..report("b", Imap, None)
    };
    let about = Subject::Door {
        server: "b".into(),
        door: "second".into(),
    };
    for s in ["a", "b"] {
        saw(&mut m, 1, s, Imap, None);
        saw(&mut m, 10, s, Imap, Some(Layer::Credential));
    }
    assert_eq!(shared(&m, 11)[0].suspect, Suspect::Account);
    m.apply(&event(11, about, Fact::Probed(Box::new(works))));
    assert_eq!(shared(&m, 12), []);
    // It is an account of b, then.
    let refused = Refused {
        server: "b".into(),
        door: "imap".into(),
        works: "second".into(),
        user: User::Other,
    };
    assert_eq!(causes(&m, t(12), Span::ZERO), [Cause::Refused(refused)]);
}

#[test]
fn an_account_refused_at_one_door_and_let_in_at_another_is_the_credential() {
    let mut m = fleet(&[("a", &[Imap, Pop3, Submission])]);
    saw(&mut m, 1, "a", Imap, None);
    saw(&mut m, 1, "a", Submission, Some(Layer::Auth));
    saw(&mut m, 1, "a", Pop3, Some(Layer::Credential));
    let refused = Refused {
        server: "a".into(),
        door: "pop3".into(),
        works: "imap".into(),
        user: User::Same,
    };
    assert_eq!(causes(&m, t(2), Span::ZERO), [Cause::Refused(refused)]);
    saw(&mut m, 3, "a", Imap, Some(Layer::Credential));
    assert_eq!(
        causes(&m, t(3), Span::ZERO),
        [],
        "nobody is let in: nothing says that it is the account"
    );
}

#[test]
fn what_the_first_look_finds_is_held_together_without_a_beginning() {
    let mut m = fleet(&SIX.map(|s| (s, &[Imap][..])));
    for (i, s) in SIX.iter().enumerate() {
        saw(&mut m, 1 + i as i64, s, Imap, (i > 1).then_some(Layer::Network));
    }
    let [one] = &shared(&m, 8)[..] else { panic!("not one") };
    assert_eq!((one.servers.len(), one.of, one.onset), (4, 6, None));
    assert_eq!(one.suspect, Suspect::Network);
}

#[test]
fn doors_of_other_protocols_that_fail_with_them_are_the_same_cause() {
    let mut m = fleet(&SIX.map(|s| (s, &[Imap, Pop3, Smtp][..])));
    for s in SIX {
        for p in [Imap, Pop3, Smtp] {
            saw(&mut m, 1, s, p, None);
        }
    }
    for s in SIX {
        saw(&mut m, 10, s, Imap, Some(Layer::Auth));
        // A login process that cannot reach its backend may greet nobody.
        saw(&mut m, 14, s, Pop3, Some(Layer::FrontEnd));
    }
    let [one] = &shared(&m, 15)[..] else { panic!("not one") };
    assert_eq!((one.layer, one.servers.len(), one.doors.len()), (Layer::Auth, 6, 12));
    // What began long after that is another.
    for s in &SIX[..3] {
        saw(&mut m, 100, s, Smtp, Some(Layer::Delivery));
        saw(&mut m, 100, s, Imap, Some(Layer::Auth));
    }
    for s in SIX {
        saw(&mut m, 100, s, Imap, Some(Layer::Auth));
        saw(&mut m, 100, s, Pop3, Some(Layer::FrontEnd));
    }
    saw(&mut m, 100, "d", Smtp, None);
    saw(&mut m, 100, "e", Smtp, None);
    let layers: Vec<Layer> = shared(&m, 101).iter().map(|s| s.layer).collect();
    assert_eq!(layers, [Layer::Auth, Layer::Delivery]);
}

#[test]
fn an_expired_certificate_is_named_as_one_where_all_of_them_end_at_one_moment() {
    let ended = |ends: [Option<i64>; 3]| {
        let mut m = fleet(&SIX.map(|s| (s, &[Imap][..]))[..3]);
        for (s, end) in SIX.iter().zip(ends) {
            said(&mut m, 1, s, "", end);
            said(&mut m, 10, s, CERT_ENDED, None);
        }
        shared(&m, 11)[0].suspect
    };
    assert_eq!(ended([Some(9); 3]), Suspect::Certificate);
    assert_eq!(ended([Some(9), Some(8), Some(9)]), Suspect::Certificates);
    assert_eq!(ended([Some(9), None, Some(9)]), Suspect::Tls);
}

#[test]
fn certificates_of_several_servers_that_have_not_begun_are_our_own_clock() {
    let mut m = six();
    said(&mut m, 10, "a", CERT_NOT_BEGUN, None);
    assert_eq!(shared(&m, 11), [], "one may be wrong by itself");
    said(&mut m, 11, "b", CERT_NOT_BEGUN, None);
    let [one] = &shared(&m, 12)[..] else { panic!("not one") };
    assert_eq!((one.suspect, one.servers.len(), one.of), (Suspect::OwnClock, 2, 6));
}

#[test]
fn certificates_stand_in_one_list_by_their_end_also_when_they_are_no_longer_shown() {
    let day = 86_400;
    let mut m = six();
    said(&mut m, 10, "b", "", Some(30 * day));
    said(&mut m, 10, "c", "", Some(5 * day));
    said(&mut m, 10, "a", "", Some(15));
    said(&mut m, 20, "a", CERT_ENDED, None);
    let all = certificates(&m, t(20));
    let told: Vec<(&str, i64, bool)> = all.iter().map(|c| (c.server.as_str(), c.days_left, c.soon)).collect();
    assert_eq!(told, [("a", -1, true), ("c", 4, true), ("b", 29, false)]);
}

#[test]
fn the_line_of_a_server_names_the_door_that_it_speaks_of_where_there_are_several() {
    let mut m = fleet(&[("a", &[Imap, Smtp, Submission]), ("b", &[Imap])]);
    for p in [Imap, Smtp, Submission] {
        saw(&mut m, 1, "a", p, None);
    }
    saw(&mut m, 1, "b", Imap, Some(Layer::Store));
    let named = |m: &Model| {
        let rows = rows(m, t(2));
        let row = |n: &str| {
            rows.iter()
                .find(|r| r.server.name.as_str() == n)
                .unwrap()
                .named_door()
                .map(|d| d.name.to_string())
        };
        (row("a"), row("b"))
    };
    assert_eq!(named(&m), (None, None), "all good; one door needs no name");
    saw(&mut m, 2, "a", Submission, Some(Layer::Auth));
    saw(&mut m, 2, "a", Smtp, Some(Layer::Delivery));
    assert_eq!(
        named(&m).0.as_deref(),
        Some("submission"),
        "the lower layer of two that are down"
    );
    saw(&mut m, 2, "a", Submission, Some(Layer::Limit));
    assert_eq!(named(&m).0.as_deref(), Some("smtp"));
}

#[test]
fn a_server_with_one_door_that_was_proved_only_in_part_says_so() {
    let mut m = fleet(&[("a", &[Imap, Pop3, Smtp])]);
    saw(&mut m, 1, "a", Imap, None);
    saw(&mut m, 1, "a", Pop3, None);
    let short = ProbeReport {
        proved: Some(Phase::Ehlo),
        ..ProbeReport::begun(url("a", Smtp).into(), vec![Phase::Greeting, Phase::Ehlo])
    };
    m.apply(&event(1, at("a", Smtp), Fact::Probed(Box::new(short))));
    let row = &rows(&m, t(2))[0];
    assert_eq!(
        (row.verdict, &row.headline),
        (Verdict::Ok, &Headline::OkAsFarAs("EHLO"))
    );
    assert_eq!(row.named_door().unwrap().name.as_str(), "smtp");
}
