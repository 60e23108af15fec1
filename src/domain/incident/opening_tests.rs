//! The rules by which incidents open and end.

use std::collections::BTreeSet;

use super::fact::*;
use super::opening::{Conclusion, DoorNow, Is, Rules, conclude, lot};
use super::tests::{failed, incident, m, proposed, state, t};
use super::*;
use crate::domain::Span;
use crate::domain::health::Layer;
use proptest::prelude::*;

fn bad(server: &str, first_bad: i64, last_bad: i64) -> DoorNow {
    DoorNow {
        failed: failed(server, first_bad),
        first_bad: m(first_bad),
        last_bad: m(last_bad),
        is: Is::Bad(9),
    }
}
fn good(server: &str, last_bad: i64, since: i64, last: i64) -> DoorNow {
    DoorNow {
        is: Is::Good(m(since), m(last)),
        ..bad(server, 0, last_bad)
    }
}
fn concluded(doors: &[DoorNow], incidents: &[&Incident], now: i64) -> Vec<Conclusion> {
    conclude(&Rules::default(), doors, incidents, |_| BacklogIs::Cleared, m(now))
}
fn opens(doors: &[DoorNow]) -> Vec<Vec<String>> {
    let servers = |c: Conclusion| match c.entry {
        Entry::Opened(o) => o.servers.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    };
    concluded(doors, &[], 1_000).into_iter().map(servers).collect()
}

#[test]
fn an_incident_opens_after_so_long_so_many_probes_and_at_the_layers_that_count() {
    assert_eq!(opens(&[bad("mbox1", 0, 60)]), [["mbox1"]]);
    assert!(opens(&[bad("mbox1", 0, 59)]).is_empty(), "not for long enough");
    let is = |is| DoorNow {
        is,
        ..bad("mbox1", 0, 600)
    };
    assert!(opens(&[is(Is::Bad(2))]).is_empty(), "not often enough");
    assert!(opens(&[is(Is::Unclear)]).is_empty());
    let mut account = bad("mbox1", 0, 600);
    account.failed.layer = Layer::Credential;
    assert!(opens(&[account]).is_empty(), "an account is no outage");
}

#[test]
fn several_servers_of_one_layer_and_one_time_are_one_incident() {
    let mut other_layer = bad("mx1", 0, 600);
    other_layer.failed.layer = Layer::Network;
    let doors = [
        bad("mbox1", 0, 600),
        bad("mbox2", 200, 600),
        other_layer,
        bad("mbox3", 800, 900),
    ];
    let all = opens(&doors);
    assert_eq!(all, [vec!["mbox1", "mbox2"], vec!["mx1"], vec!["mbox3"]]);
    let Entry::Opened(first) = concluded(&doors, &[], 1_000).remove(0).entry else {
        panic!()
    };
    assert_eq!(first.name.as_str(), "mailbox store down on mbox1 and mbox2");
    assert_eq!((first.started, first.last_good), (t(0), Some(t(-10))));
    assert_eq!(first.lasted, Some(Span::from_secs(1_000)));
}

#[test]
fn what_fails_later_joins_by_its_server_or_by_layer_and_time_and_only_once() {
    let i = incident("mbox1", 0, 60);
    assert!(concluded(&[bad("mbox1", 0, 600)], &[&i], 700).is_empty());
    let joined = |door| match concluded(&[door], &[&i], 2_000).as_slice() {
        [
            Conclusion {
                id: Some(id),
                entry: Entry::Joined(j),
            },
        ] => {
            assert_eq!(*id, i.id);
            j.doors.len()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(joined(bad("mbox2", 250, 900)), 1);
    let mut changed = bad("mbox1", 0, 900);
    changed.failed.layer = Layer::Network;
    assert_eq!(joined(changed), 1);
    assert!(matches!(
        concluded(&[bad("mbox2", 500, 900)], &[&i], 2_000)[0].entry,
        Entry::Opened(_)
    ));
}

#[test]
fn an_end_is_proposed_once_service_was_good_for_long_enough_and_the_backlog_goes() {
    let i = incident("mbox1", 0, 60);
    let doors = [good("mbox1", 990, 1_000, 1_600)];
    let all = concluded(&doors, &[&i], 1_605);
    let [
        Conclusion {
            entry: Entry::EndProposed(EndProposed { restored: Some(r) }),
            ..
        },
    ] = all.as_slice()
    else {
        panic!("{all:?}")
    };
    assert_eq!(
        (r.last_bad, r.first_good, r.ago),
        (t(990), t(1_000), Span::from_secs(605))
    );
    assert!(
        concluded(&[good("mbox1", 990, 1_000, 1_599)], &[&i], 1_605).is_empty(),
        "too soon"
    );
    for stands in [BacklogIs::Stands, BacklogIs::Unknown] {
        assert!(conclude(&Rules::default(), &doors, &[&i], |_| stands, m(1_605)).is_empty());
    }
    let mut two = i.clone();
    let doors2 = vec![failed("mbox2", 0)];
    two.take(
        &Entry::Joined(Joined {
            doors: doors2,
            stood_before: None,
        }),
        m(100),
    );
    assert!(
        concluded(&doors, &[&two], 1_605).is_empty(),
        "one of its doors is not known to be good"
    );
}

#[test]
fn a_proposal_is_made_once_and_taken_back_when_it_fails_again() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&proposed(990, 1_000, 1_600), m(1_600));
    assert!(concluded(&[good("mbox1", 990, 1_000, 3_000)], &[&i], 3_000).is_empty());
    let all = concluded(&[bad("mbox1", 3_000, 3_010)], &[&i], 3_010);
    assert!(matches!(
        &all[..],
        [Conclusion {
            entry: Entry::EndProposed(EndProposed { restored: None }),
            ..
        }]
    ));
}

#[test]
fn a_flapping_service_is_one_incident_and_one_that_fails_much_later_is_another() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&proposed(990, 1_000, 1_600), m(1_600));
    i.take(&state(State::Resolved), m(1_700));
    let again = concluded(&[bad("mbox1", 2_000, 2_100)], &[&i], 2_100);
    assert!(matches!(
        &again[..],
        [Conclusion {
            id: Some(_),
            entry: Entry::State(StateSet {
                to: State::Investigating,
                by: None,
                ..
            })
        }]
    ));
    let later = concluded(&[bad("mbox1", 1_700 + 1_801, 9_000)], &[&i], 9_000);
    assert!(matches!(later[0].entry, Entry::Opened(_)), "{later:?}");
}

#[test]
fn one_whose_end_was_proposed_long_before_does_not_swallow_what_fails_later() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&proposed(990, 1_000, 1_600), m(1_600));
    let soon = concluded(&[bad("mbox1", 1_600 + 1_800, 4_000)], &[&i], 4_000);
    assert!(
        matches!(
            &soon[..],
            [Conclusion {
                entry: Entry::EndProposed(_),
                ..
            }]
        ),
        "{soon:?}"
    );
    let later = [bad("mbox1", 250_000, 250_100)];
    let all = concluded(&later, &[&i], 250_100);
    let [
        Conclusion {
            id: None,
            entry: Entry::Opened(o),
        },
    ] = &all[..]
    else {
        panic!("{all:?}")
    };
    assert_eq!(o.started, t(250_000));
    let new = Incident::new(IncidentId::new(o.started, 1), (**o).clone(), m(250_100));
    assert!(
        concluded(&later, &[&i, &new], 250_200).is_empty(),
        "the end of the old one stays proposed"
    );
}

#[test]
fn a_server_whose_doors_fail_at_two_layers_is_in_one_incident_and_named_for_what_was_seen() {
    let at = |server, name: &str, layer| {
        let mut d = bad(server, 0, 600);
        (d.failed.door, d.failed.layer) = (name.into(), layer);
        d
    };
    let doors = [
        at("mbox1", "imap", Layer::Store),
        at("mx1", "a", Layer::Network),
        at("mx1", "b", Layer::Store),
    ];
    let all = concluded(&doors, &[], 1_000);
    let [
        Conclusion {
            entry: Entry::Opened(o),
            ..
        },
    ] = &all[..]
    else {
        panic!("{all:?}")
    };
    assert_eq!((o.servers.len(), o.doors.len()), (2, 3));
    assert_eq!(&*o.name, "network down on mx1", "nobody saw that of mbox1");
}

#[test]
fn what_the_rules_open_has_an_id_that_follows_from_what_was_seen() {
    let opened = |doors: &[DoorNow], now| match concluded(doors, &[], now).remove(0).entry {
        Entry::Opened(o) => *o,
        other => panic!("{other:?}"),
    };
    let (a, b) = (bad("mbox1", 0, 600), bad("mbox2", 30, 600));
    let one = lot(&opened(&[a.clone(), b.clone()], 700));
    assert_eq!(one, lot(&opened(&[b.clone(), a.clone()], 900)));
    assert_eq!(one, lot(&opened(&[a], 700)), "whoever failed with it later");
    assert_ne!(one, lot(&opened(&[b], 700)));
    assert_ne!(one, lot(&opened(&[bad("mbox1", 1, 600)], 700)));
}

#[test]
fn one_that_was_called_over_while_it_fails_goes_on() {
    let mut i = incident("mbox1", 0, 60);
    i.take(&state(State::Resolved), m(500));
    let all = concluded(&[bad("mbox1", 0, 600)], &[&i], 600);
    assert!(matches!(all[0].entry, Entry::State(_)), "{all:?}");
    assert!(
        concluded(&[bad("mbox1", 0, 490)], &[&i], 600).is_empty(),
        "it was not seen to fail since"
    );
}

proptest! {
    /// Whatever doors do, what is concluded and put on record leaves nothing more to conclude, and no server is in two open
    /// incidents.
    #[test]
    fn what_is_put_on_record_is_concluded_once(
        doors in prop::collection::vec((0usize..4, 0usize..3, 0i64..2_000, 60i64..4_000, 0usize..3), 1..10)
    ) {
        let layers = [Layer::Store, Layer::Network, Layer::Auth];
        let mut seen = BTreeSet::new();
        let doors: Vec<DoorNow> = doors.into_iter().filter(|d| seen.insert((d.0, d.1))).map(|(s, door, first, lasted, layer)| {
            let mut d = bad(&format!("s{s}"), first, first + lasted);
            (d.failed.door, d.failed.layer) = (format!("d{door}").as_str().into(), layers[layer]);
            d
        }).collect();
        let mut incidents: Vec<Incident> = Vec::new();
        for round in 0..2 {
            let borrowed: Vec<&Incident> = incidents.iter().collect();
            let all = concluded(&doors, &borrowed, 6_000);
            prop_assert!(round == 0 || all.is_empty(), "{:?}", all);
            for (n, c) in all.into_iter().enumerate() {
                match (c.id, c.entry) {
                    (None, Entry::Opened(o)) => {
                        incidents.push(Incident::new(IncidentId::new(o.started, n as u16), *o, m(6_000)));
                    }
                    (Some(id), entry) => incidents.iter_mut().find(|i| i.id == id).unwrap().take(&entry, m(6_000)),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
        let mut servers = BTreeSet::new();
        for s in incidents.iter().flat_map(|i| &i.servers) {
            prop_assert!(servers.insert(s), "{s} is in two");
        }
    }
}
