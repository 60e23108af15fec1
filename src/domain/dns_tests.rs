use super::*;
use proptest::prelude::*;

fn mx(preference: u16, host: &str) -> Mx {
    Mx {
        preference,
        host: host.into(),
    }
}
fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Srv {
    Srv {
        priority,
        weight,
        port,
        target: target.into(),
    }
}
fn hosts(records: &[Mx]) -> (Vec<String>, usize) {
    match route(records) {
        Route::Hosts(hosts, notes) => (hosts.iter().map(ToString::to_string).collect(), notes.len()),
        other => panic!("{other:?}"),
    }
}
fn named(label: &str, records: &[Srv]) -> (Vec<String>, Vec<Text>) {
    let mut doors = Doors::default();
    doors.named(SERVICES.iter().find(|s| s.label == label).unwrap(), records);
    let shown = |o: &Offer| {
        let (scheme, _) = o.protocol.scheme(o.security);
        format!("{scheme}://{}:{}", o.host, o.port)
    };
    (doors.offers.iter().map(shown).collect(), doors.notes)
}

#[test]
fn mail_goes_to_the_lowest_preference_first_and_to_each_host_once() {
    let records = [mx(20, "b.test"), mx(10, "c.test"), mx(10, "a.test"), mx(30, "c.test")];
    assert_eq!(
        hosts(&records),
        (vec!["10 a.test".into(), "10 c.test".into(), "20 b.test".into()], 0)
    );
}

#[test]
fn no_mx_is_the_domain_itself_and_a_null_mx_is_nowhere() {
    assert_eq!(route(&[]), Route::Itself);
    assert_eq!(route(&[mx(0, "")]), Route::Nowhere);
    assert_eq!(route(&[mx(10, ""), mx(0, "")]), Route::Nowhere);
    assert_eq!(
        hosts(&[mx(0, ""), mx(10, "a.test")]),
        (vec!["10 a.test".into()], 1),
        "a null MX beside others is told of"
    );
}

#[test]
fn a_huge_answer_is_cut_behind_the_hosts_that_are_tried_first() {
    let many: Vec<Mx> = (0..4_000).rev().map(|n| mx(n, &format!("h{n}.test"))).collect();
    let (kept, notes) = hosts(&many);
    assert_eq!((kept.len(), kept[0].as_str(), notes), (MOST_HOSTS, "0 h0.test", 1));
    let many: Vec<Srv> = (0..900).rev().map(|n| srv(n, 0, 993, &format!("h{n}.test"))).collect();
    let (kept, notes) = named("_imaps._tcp", &many);
    assert_eq!((kept.len(), kept[0].as_str()), (MOST_HOSTS, "imaps://h0.test:993"));
    assert_eq!(notes, [Text::from("of 900 _imaps._tcp hosts the first 16 are taken")]);
}

#[test]
fn services_are_tried_by_priority_and_then_by_weight() {
    let records = [
        srv(10, 0, 993, "last.test"),
        srv(0, 1, 993, "light.test"),
        srv(0, 60_000, 1993, "heavy.test"),
        srv(0, 1, 993, "light.test"),
    ];
    let (doors, notes) = named("_imaps._tcp", &records);
    assert_eq!(
        doors,
        [
            "imaps://heavy.test:1993",
            "imaps://light.test:993",
            "imaps://last.test:993"
        ]
    );
    assert!(notes.is_empty());
}

#[test]
fn a_target_that_is_the_root_is_not_offered_and_one_that_is_no_host_is_told_of() {
    assert_eq!(named("_pop3._tcp", &[srv(0, 0, 0, "")]), (vec![], vec![]));
    for odd in ["10.0.0.1", "a b.test", "a..test", "a\\032b.test", "-a.test"] {
        let (doors, notes) = named("_pop3._tcp", &[srv(0, 0, 110, odd)]);
        assert_eq!((doors.len(), notes.len()), (0, 1), "{odd}");
        assert!(notes[0].contains(odd), "{notes:?}");
    }
    let (doors, notes) = named("_pop3._tcp", &[srv(0, 0, 0, "pop.test")]);
    assert_eq!((doors.len(), notes.len()), (0, 1), "port 0");
}

#[test]
fn every_service_says_what_is_spoken_and_how_it_is_secured() {
    let all = SERVICES.map(|s| {
        let (doors, _) = named(s.label, &[srv(0, 0, 1, "h.test")]);
        format!("{} {}", s.label, doors[0])
    });
    assert_eq!(
        all,
        [
            "_submissions._tcp submissions://h.test:1",
            "_submission._tcp submission://h.test:1",
            "_imaps._tcp imaps://h.test:1",
            "_imap._tcp imap://h.test:1",
            "_pop3s._tcp pop3s://h.test:1",
            "_pop3._tcp pop3://h.test:1",
            "_sieve._tcp sieve://h.test:1",
        ]
    );
}

#[test]
fn mta_sts_is_announced_by_exactly_one_record_with_an_id() {
    let read = |records: &[&str]| mta_sts(&records.iter().map(|r| Text::from(*r)).collect::<Vec<_>>());
    assert_eq!(
        read(&["v=spf1 -all", "v=STSv1; id=20160831085700Z;"]),
        MtaSts::Announced("20160831085700Z".into())
    );
    assert_eq!(read(&["v=STSv1;id=1"]), MtaSts::Announced("1".into()));
    assert_eq!(read(&[]), MtaSts::Absent);
    assert_eq!(read(&["v=STSv10; id=1;"]), MtaSts::Absent);
    for broken in [
        &["v=STSv1; id=1;", "v=STSv1; id=2;"][..],
        &["v=STSv1;"],
        &["v=STSv1; id=;"],
        &["v=STSv1; id=a-b;"],
    ] {
        assert!(matches!(read(broken), MtaSts::Broken(_)), "{broken:?}");
    }
}

#[test]
fn a_resolver_is_shown_with_its_port_where_it_is_not_the_usual_one() {
    let shown = |r: &str| Resolver::new(r).to_string();
    assert_eq!(
        [shown("10.0.0.1:53"), shown("10.0.0.1:5353"), shown("[::1]:53")],
        ["10.0.0.1", "10.0.0.1:5353", "[::1]"]
    );
}

proptest! {
    #[test]
    fn whatever_the_records_say_the_hosts_are_few_in_order_and_each_there_once(
        records in prop::collection::vec((any::<u16>(), "([a-c]\\.test)?|.{0,9}"), 0..60),
    ) {
        let records: Vec<Mx> = records.into_iter().map(|(p, h)| mx(p, &h)).collect();
        if let Route::Hosts(hosts, _) = route(&records) {
            prop_assert!(!hosts.is_empty() && hosts.len() <= MOST_HOSTS);
            prop_assert!(hosts.windows(2).all(|w| w[0].preference <= w[1].preference));
            let names: HashSet<_> = hosts.iter().map(|mx| &mx.host).collect();
            prop_assert_eq!(names.len(), hosts.len());
        }
    }
}
