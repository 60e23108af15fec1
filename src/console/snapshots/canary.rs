//! Letters through two servers, as they come, late, lost, and not sent.

use super::*;
use crate::domain::canary::{Arrival, Cleans, End, Evidence, How, Lost, Place, Run, Sent, State as Came, Watching};
use crate::domain::event::Subject;
use crate::domain::roster::{Roster, WatchedCanary};

fn about() -> Subject {
    Subject::Canary {
        server: "mx1".into(),
        canary: "inbound".into(),
    }
}
/// One letter a minute for half an hour; those of five minutes came late, and one not at all.
fn letters(more: &[Fact], size: (u16, u16)) -> App {
    let end = |server: &str| End {
        server: server.into(),
        door: "imap".into(),
    };
    let mut m = Model::new(Some(fixture::me()));
    let canary = WatchedCanary {
        name: "inbound".into(),
        way_in: end("mx1"),
        way_out: end("mbox1"),
        to: "canary@example.net".into(),
        mailbox: "INBOX".into(),
        every: Span::from_mins(1),
        late: Span::from_mins(1),
        lost: Span::from_mins(10),
    };
    let roster = Roster {
        servers: ["mx1", "mbox1"].map(|n| fixture::watched(n, "imap", &[])).into(),
        canaries: vec![canary],
        ..Roster::default()
    };
    m.apply(&fixture::event(-3_000, Subject::Observer, Fact::Watching(roster)));
    let run = Run::new(at(-3_000), 1);
    let watching = Watching {
        run: run.clone(),
        how: How::Idle,
        cleans: Cleans::Yes,
    };
    m.apply(&fixture::event(-3_000, about(), Fact::CanaryWatching(watching)));
    for seq in 1..=30_i64 {
        let sent = 60 * seq - 1_830;
        let letter = Sent {
            run: run.clone(),
            seq: seq as u64,
            accepted: Some(Span::from_millis(30)),
            queue_id: Some(format!("4jd9VM5Hs0z1X{seq}").into()),
            said: "250 2.0.0 Ok".into(),
        };
        m.apply(&fixture::event(sent, about(), Fact::CanarySent(letter)));
        if seq == 12 {
            let lost = Lost {
                run: run.clone(),
                seq: 12,
                sent: at(sent),
                queue_id: None,
                evidence: Evidence::NotInQueue { listed: at(sent + 650) },
            };
            m.apply(&fixture::event(sent + 660, about(), Fact::CanaryLost(lost)));
            continue;
        }
        let trip = if (10..15).contains(&seq) {
            400 - 60 * (seq - 10)
        } else {
            1 + seq % 2
        };
        let arrival = Arrival {
            run: run.clone(),
            seq: seq as u64,
            sent: at(sent),
            round_trip: Span::from_secs(trip),
            queued: None,
            place: Place {
                validity: 1,
                uid: seq as u32,
            },
            state: Came::Whole,
        };
        m.apply(&fixture::event(sent + trip, about(), Fact::CanaryArrived(arrival)));
    }
    for fact in more {
        m.apply(&fixture::event(-5, about(), fact.clone()));
    }
    for server in ["mx1", "mbox1"] {
        let probe = fixture::probe(server, [1, 1, 9, 1, 6, 2, 1], None);
        m.apply(&fixture::event(-4, fixture::door(server), probe));
    }
    app(m, size)
}

#[test]
fn letters_on_the_fleet_and_on_both_servers() {
    at_each_size("canary_fleet", |size| letters(&[], size));
    at_each_size("canary_server", |size| {
        let mut app = letters(&[], size);
        press(&mut app, "Enter");
        app
    });
    let mut app = letters(&[], (80, 24));
    press(&mut app, "j Enter");
    assert_snapshot!("canary_other_end_80x24", drawn(&app));
}

#[test]
fn letters_that_are_not_sent_and_why() {
    let held = Fact::CanaryHeld("outbound on mx1 is closed by an action".into());
    let mut app = letters(&[held], (80, 24));
    press(&mut app, "Enter");
    assert_snapshot!("canary_held_80x24", drawn(&app));
}
