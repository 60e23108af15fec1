//! Drafts: every claim has an observation behind it, whatever the evidence is.

use super::State;
use super::draft::{FIELDS, For, SHIPPED, Stage, Template, shipped};
use super::evidence::{DoorSeen, Evidence, RoleSeen, Whose, beware};
use crate::domain::door::{Protocol, Role};
use crate::domain::health::Layer;
use crate::domain::{Span, Timestamp};
use proptest::prelude::*;

fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}
fn when(at: Timestamp) -> String {
    format!("T{}", at.as_second() - 1_800_000_000)
}
fn door(protocol: Protocol, server: &str, fails: Option<Layer>) -> DoorSeen {
    DoorSeen {
        server: server.into(),
        door: protocol.word().into(),
        protocol,
        at: t(600),
        fails,
        since: fails.map(|_| t(0)),
        whose: Whose::This,
    }
}
fn role(role: Role, seen: Vec<DoorSeen>) -> RoleSeen {
    RoleSeen {
        role,
        seen,
        unclear: 0,
        letters: 0,
    }
}
fn evidence(roles: Vec<RoleSeen>) -> Evidence {
    Evidence {
        now: t(610),
        name: "mailbox store down on mbox1".into(),
        number: Some("INC267603".into()),
        state: State::Investigating,
        layer: Some(Layer::Store),
        servers: vec!["mbox1".into()],
        started: t(0),
        started_by: None,
        probes: Some((Some(t(-10)), t(0))),
        lasted: Span::from_secs(610),
        from: None,
        reached: Some(t(600)),
        roles,
        said: None,
        waiting: Some(48_211),
        queues: vec!["mx1".into()],
        clears: Some((t(4_000), t(9_000))),
        peak: None,
        cleared: None,
        mail_minutes: None,
        kept_out: Some((t(0), None)),
        gave_up: Some(vec![]),
        gives_up_next: None,
        detected: Some(Span::from_secs(60)),
        acknowledged: None,
        restored: None,
        seen_good: None,
        resolved: None,
        next_update: Some(t(900)),
    }
}
fn store_down() -> Vec<RoleSeen> {
    vec![
        role(Role::Inbound, vec![door(Protocol::Lmtp, "mbox1", Some(Layer::Store))]),
        role(Role::Mailbox, vec![door(Protocol::Imap, "mbox1", Some(Layer::Store))]),
        role(Role::Outbound, vec![door(Protocol::Submission, "out1", None)]),
    ]
}
fn drafted(e: &Evidence, stage: Stage) -> String {
    shipped(For::Customer, stage).fill(e, &when)
}
const STAGES: [Stage; 5] = [
    Stage::State(State::Investigating),
    Stage::State(State::Identified),
    Stage::State(State::Monitoring),
    Stage::State(State::Resolved),
    Stage::Post,
];

#[test]
fn what_fails_and_what_works_is_said_with_times_and_the_probe_that_says_so() {
    let said = drafted(&evidence(store_down()), STAGES[1]);
    let all: Vec<&str> = said.lines().filter(|l| !l.is_empty()).collect();
    assert_eq!(
        all,
        [
            "mailbox store down on mbox1",
            "Since T0 we see the following:",
            "Mail coming in from other servers fails since T0 (LMTP on mbox1, last seen failing T600).",
            "Reading mail in mailboxes fails since T0 (IMAP on mbox1, last seen failing T600).",
            "Sending mail was seen working at T600 (submission on out1).",
            "The cause is identified and we are working on it.",
            "48211 messages wait in the queues of mx1.",
            "At the present pace it is cleared between T4000 and T9000.",
            "Whether mail was lost is not known: servers that could not deliver to us leave no trace here.",
            "We will give the next update at T900.",
        ]
    );
}

#[test]
fn of_mail_that_comes_in_nothing_good_is_said_while_letters_do_not_come_through() {
    let mut inbound = role(Role::Inbound, vec![door(Protocol::Smtp, "mx1", None)]);
    let said = |r: &RoleSeen| drafted(&evidence(vec![r.clone()]), STAGES[0]);
    assert!(said(&inbound).contains("Mail coming in from other servers was seen working"));
    inbound.letters = 1;
    let late = said(&inbound);
    assert!(!late.contains("seen working"), "{late}");
    let words = "Mail coming in from other servers: not known, its servers answer, but test letters of our own do not come through in time.";
    assert!(late.contains(words), "{late}");
}

#[test]
fn without_an_outbound_probe_nothing_is_claimed_of_outbound() {
    let mut roles = store_down();
    roles.retain(|r| r.role != Role::Outbound);
    for roles in [
        roles.clone(),
        [
            roles,
            vec![RoleSeen {
                role: Role::Outbound,
                seen: vec![],
                unclear: 1,
                letters: 0,
            }],
        ]
        .concat(),
    ] {
        let said = drafted(&evidence(roles), STAGES[0]);
        let of: Vec<&str> = said.lines().filter(|l| l.contains("Sending")).collect();
        assert!(
            of.len() == 1 && of[0].starts_with("Sending mail: not known, no probe"),
            "{said}"
        );
    }
}

#[test]
fn a_field_that_does_not_exist_is_an_error_with_its_name_the_file_and_the_line() {
    let wrong = |text: &str| Template::parse("own.txt", text).unwrap_err().to_string();
    let said = wrong("fine {title}\nnot {depht}\n");
    assert!(
        said.starts_with("own.txt:2: there is no field {depht}: there are title, "),
        "{said}"
    );
    assert_eq!(wrong("{title"), "own.txt:1: a { is not closed");
    assert!(wrong("And No Mail Was Lost.").starts_with("own.txt:1: \"no mail was lost\" cannot be said"));
    assert!(wrong(&"x".repeat(70_000)).contains("64 KiB"));
}

#[test]
fn all_templates_that_come_with_mailtop_are_good_and_every_field_is_filled() {
    for (name, text) in SHIPPED {
        if let Err(why) = Template::parse(name, text) {
            panic!("{why}");
        }
    }
    let values = super::evidence::fields(&evidence(store_down()), &when);
    let filled: Vec<&str> = values.keys().copied().collect();
    let mut known = FIELDS.to_vec();
    known.sort_unstable();
    assert_eq!(filled, known);
}

#[test]
fn what_is_not_known_is_left_out_or_said_to_be_not_known() {
    let mut e = evidence(vec![]);
    (e.waiting, e.clears, e.next_update, e.gave_up, e.probes) = (None, None, None, None, None);
    let said = drafted(&e, STAGES[1]);
    assert!(
        !said.contains("wait in the queues") && !said.contains("next update"),
        "{said}"
    );
    let post = shipped(For::Technical, Stage::Post).fill(&e, &when);
    assert!(
        post.contains("Mail-minutes affected: not known") && post.contains("Restored: not known"),
        "{post}"
    );
}

#[test]
fn what_cannot_be_reached_is_no_failure_and_where_nothing_can_it_is_not_known() {
    let far = || door(Protocol::Smtp, "mx1", Some(Layer::Network));
    let mut e = evidence(vec![
        role(Role::Inbound, vec![far()]),
        role(Role::Outbound, vec![door(Protocol::Submission, "out1", None)]),
    ]);
    e.from = Some("bastion".into());
    let said = drafted(&e, STAGES[0]);
    assert!(
        said.contains(
            "Mail coming in from other servers cannot be reached from where we look (bastion) since T0 (SMTP on mx1"
        ),
        "{said}"
    );
    assert!(!said.contains("fails"), "{said}");
    (e.reached, e.roles[1].seen) = (Some(t(-5)), vec![]);
    for whom in [For::Customer, For::Technical] {
        let said = shipped(whom, STAGES[0]).fill(&e, &when);
        let line = "Mail coming in from other servers: not known, it cannot be reached from where we look (bastion), and nothing else can.";
        assert!(said.contains(line), "{said}");
        assert!(said.contains("Whether it fails now is not known"), "{said}");
        assert!(
            !said.contains("SMTP on mx1") && !said.contains("No probe sees"),
            "{said}"
        );
    }
}

#[test]
fn a_role_of_which_a_door_was_not_seen_fails_in_part_and_what_fails_elsewhere_is_told_apart() {
    let whose = |server: &str, whose: Whose| DoorSeen {
        whose,
        ..door(Protocol::Imap, server, Some(Layer::Store))
    };
    let mut mailbox = role(Role::Mailbox, vec![whose("mbox1", Whose::This)]);
    mailbox.unclear = 2;
    let said = drafted(&evidence(vec![mailbox.clone()]), STAGES[0]);
    assert!(
        said.contains("fails in part since T0 (IMAP on mbox1, last seen failing T600; 2 more not seen)."),
        "{said}"
    );
    mailbox.unclear = 0;
    mailbox.seen.push(whose("mbox2", Whose::Another("INC-B".into())));
    mailbox.seen.push(whose("mbox3", Whose::Nobody));
    let said = drafted(&evidence(vec![mailbox]), STAGES[0]);
    for line in [
        "Reading mail in mailboxes fails in part since T0 (IMAP on mbox1, last seen failing T600).",
        "Also failing, on another incident (INC-B): IMAP on mbox2.",
        "Also failing, on no incident: IMAP on mbox3.",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn words_that_say_it_is_over_while_a_door_fails_say_that_too_and_warn() {
    let mut e = evidence(store_down());
    let over = STAGES[3];
    let said = drafted(&e, over);
    assert!(said.contains("Reading mail in mailboxes fails since T0"), "{said}");
    let warned = beware(&e, over);
    assert!(
        warned[0] == "these words say resolved, and on record it is investigating"
            && warned[1] == "probes see a failure now: LMTP on mbox1, IMAP on mbox1",
        "{warned:?}"
    );
    assert_eq!(beware(&e, STAGES[0]), [""; 0]);
    (e.state, e.roles) = (State::Resolved, vec![]);
    assert!(beware(&e, over)[0].starts_with("no probe has come through lately"));
    assert!(drafted(&e, over).contains("Whether it fails now is not known"));
    e.roles = vec![role(Role::Mailbox, vec![door(Protocol::Imap, "mbox1", None)])];
    assert_eq!(beware(&e, over), [""; 0]);
    let said = drafted(&e, over);
    assert!(!said.contains("No probe sees"), "{said}");
}

#[test]
fn of_senders_nothing_is_said_unless_they_could_not_deliver_and_good_again_has_its_age() {
    let mut e = evidence(store_down());
    e.restored = Some((t(590), t(600), Span::from_secs(600)));
    let said = drafted(&e, STAGES[2]);
    assert!(
        said.contains("other servers held for us") && !said.contains("working again since"),
        "{said}"
    );
    (e.kept_out, e.seen_good) = (None, Some(t(605)));
    let said = drafted(&e, STAGES[2]);
    assert!(!said.contains("held for us"), "{said}");
    assert!(
        said.contains("working again since T600, after 10m, as seen last at T605."),
        "{said}"
    );
    for whom in [For::Customer, For::Technical] {
        let said = shipped(whom, Stage::Post).fill(&e, &when);
        assert!(!said.to_lowercase().contains("senders"), "{said}");
    }
}

fn any_door() -> impl Strategy<Value = DoorSeen> {
    (0usize..6, any::<bool>()).prop_map(|(p, bad)| door(Protocol::ALL[p], "s1", bad.then_some(Layer::Store)))
}

proptest! {
    /// Of no role is said that it works unless every door of it that was seen works, and at least one was; and never that
    /// nothing was lost.
    #[test]
    fn no_evidence_makes_a_claim_that_nobody_observed(
        doors in prop::collection::vec(prop::collection::vec(any_door(), 0..4), 3), gave in any::<bool>(), waiting in prop::option::of(0u64..9)
    ) {
        let roles: Vec<RoleSeen> = Role::ALL.into_iter().zip(doors).map(|(r, seen)| role(r, seen)).collect();
        let mut e = evidence(roles.clone());
        e.gave_up = gave.then(|| vec![("Mailgun".into(), Span::from_hours(8))]);
        e.waiting = waiting;
        for whom in [For::Customer, For::Technical] {
            for stage in STAGES {
                let said = shipped(whom, stage).fill(&e, &when).to_lowercase();
                prop_assert!(!said.contains("no mail was lost") && !said.contains("nothing was lost"));
                prop_assert!(said.contains("whether mail was lost is not known"));
                // The absence of a failure is a claim, too.
                let any = roles.iter().any(|r| !r.seen.is_empty());
                prop_assert!(any || !said.contains("no probe sees a failure"), "{}", said);
                for (r, word) in roles.iter().zip(["coming in", "reading mail", "sending mail"]) {
                    let works = !r.seen.is_empty() && r.seen.iter().all(|d| d.fails.is_none());
                    let claimed = said.lines().any(|l| l.contains(word) && l.contains("seen working"));
                    prop_assert!(works || !claimed, "{}", said);
                }
            }
        }
    }
}
