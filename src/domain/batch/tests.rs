use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::domain::action::{Choices, Truth};
use crate::domain::job::State;
use crate::domain::reading::Miss;

const MX: [&str; 5] = ["mx1", "mx2", "mx3", "mx4", "mx5"];

fn plan(server: &str) -> Box<Plan> {
    Box::new(Plan {
        id: ActionId(Name::new(&format!("of-{server}"))),
        verb: Verb::Pause,
        server: server.into(),
        job: "purge".into(),
        runs: vec![],
        touches: vec![],
        beware: vec![],
        undo: "".into(),
        armed_on_server: true,
        lasts: Some(Span::from_mins(30)),
        choices: Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: Confirmation::Enter,
        offers: vec![],
        reason: "".into(),
        by: "lin@bastion".into(),
    })
}
fn asked(servers: &[&str]) -> Batch {
    let servers = servers.iter().map(|s| (Name::new(s), Ok(()))).collect();
    Batch::new(Verb::Pause, "purge".into(), Some(Span::from_mins(30)), servers)
}
/// All planned and confirmed.
fn confirmed(servers: &[&str]) -> Batch {
    let mut b = asked(servers);
    for s in servers {
        b.planned(plan(s));
    }
    b.confirm(&"drain".into());
    b
}
fn good() -> End {
    End::Confirmed
}
fn failed() -> End {
    End::Failed {
        why: "exit status 1".into(),
        left: None,
    }
}
/// The record: how each ended so far.
#[derive(Default)]
struct Record(BTreeMap<&'static str, End>);
impl Record {
    fn of(ends: &[(&'static str, End)]) -> Self {
        Self(ends.iter().cloned().collect())
    }
    /// One turn of the wheel: what runs next.
    fn turn(&self, b: &mut Batch) -> Vec<String> {
        let seen = |id: &ActionId| {
            let end = self.0.iter().find(|(s, _)| *id == plan(s).id);
            end.map_or(Seen::OnRecord, |(_, e)| Seen::Ended(e.clone()))
        };
        b.learn(seen, |_| true);
        b.next_to_run().iter().map(|p| p.server.to_string()).collect()
    }
}
fn named(server: &str, why: &str) -> (String, String) {
    (server.to_owned(), why.to_owned())
}
fn not_run(b: &Batch) -> Vec<(String, String)> {
    let of = |r: &'_ Row| match &r.state {
        RowState::NotRun(_, why) => Some(why.to_string()),
        _ => None,
    };
    b.rows
        .iter()
        .filter_map(|r| Some((r.server.to_string(), of(r)?)))
        .collect()
}

#[test]
fn the_canary_runs_alone_and_the_rest_waits_until_somebody_has_looked() {
    let mut b = confirmed(&MX);
    assert_eq!(Record::default().turn(&mut b), ["mx1"]);
    assert_eq!(Record::default().turn(&mut b), Vec::<String>::new());
    assert_eq!(b.phase, Phase::First);
    let record = Record::of(&[("mx1", good())]);
    assert!(record.turn(&mut b).is_empty());
    assert_eq!((b.phase, b.waiting(), b.progress()), (Phase::Looking, 4, (1, 5)));
    b.go();
    assert_eq!(record.turn(&mut b), ["mx2", "mx3", "mx4"], "a few at a time");
    assert!(record.turn(&mut b).is_empty());
    let record = Record::of(&[("mx1", good()), ("mx3", good())]);
    assert_eq!(record.turn(&mut b), ["mx5"]);
    let all: Vec<_> = MX.into_iter().map(|s| (s, good())).collect();
    assert!(Record::of(&all).turn(&mut b).is_empty());
    assert_eq!((b.phase, b.summary().as_str()), (Phase::Over, "5 confirmed"));
}

#[test]
fn without_the_look_the_rest_follows_the_first_only_once_that_has_ended_well() {
    let mut b = confirmed(&MX);
    b.order = Order::Straight;
    assert_eq!(Record::default().turn(&mut b), ["mx1"]);
    assert!(Record::default().turn(&mut b).is_empty());
    assert_eq!(Record::of(&[("mx1", good())]).turn(&mut b), ["mx2", "mx3", "mx4"]);

    let mut b = confirmed(&MX);
    b.order = Order::Straight;
    Record::default().turn(&mut b);
    assert!(Record::of(&[("mx1", failed())]).turn(&mut b).is_empty());
    assert_eq!((b.phase, not_run(&b).len()), (Phase::Over, 4));
}

#[test]
fn it_stops_at_the_first_contradiction_and_what_runs_goes_on() {
    let mut b = confirmed(&MX);
    Record::default().turn(&mut b);
    let one = Record::of(&[("mx1", good())]);
    one.turn(&mut b);
    b.go();
    one.turn(&mut b);
    let found = State::Running;
    let two = Record::of(&[("mx1", good()), ("mx2", End::Contradicted { found })]);
    assert!(two.turn(&mut b).is_empty());
    assert_eq!(
        not_run(&b),
        [named("mx5", "stopped: mx2 was contradicted: found running")]
    );
    assert_eq!((b.phase, b.running()), (Phase::Rest, 2), "two are under way still");
    let three = Record::of(&[
        ("mx1", good()),
        ("mx2", End::Contradicted { found }),
        ("mx3", good()),
        ("mx4", failed()),
    ]);
    three.turn(&mut b);
    assert_eq!(b.phase, Phase::Over);
    assert_eq!(
        b.summary(),
        "2 confirmed, 1 contradicted: mx2 found running, 1 failed: mx4 exit status 1, 1 not run: mx5"
    );
    assert_eq!(b.undo(), Some((Verb::Resume, vec!["mx1".into(), "mx3".into()])));
}

#[test]
fn told_to_go_on_it_goes_on_but_still_looks_at_the_canary() {
    let mut b = confirmed(&MX);
    b.on_failure = OnFailure::GoOn;
    Record::default().turn(&mut b);
    let bad = Record::of(&[("mx1", failed())]);
    assert!(bad.turn(&mut b).is_empty());
    assert_eq!(b.phase, Phase::Looking);
    b.go();
    assert_eq!(bad.turn(&mut b), ["mx2", "mx3", "mx4"]);
}

#[test]
fn what_cannot_be_verified_stops_nothing_and_is_undone_with_the_rest() {
    let mut b = confirmed(&["mx1", "mx2"]);
    b.order = Order::Straight;
    Record::default().turn(&mut b);
    let why: Text = "no status".into();
    let open = End::Unverifiable { why };
    assert_eq!(Record::of(&[("mx1", open.clone())]).turn(&mut b), ["mx2"]);
    Record::of(&[("mx1", open), ("mx2", good())]).turn(&mut b);
    assert_eq!(b.undo(), Some((Verb::Resume, vec!["mx1".into(), "mx2".into()])));
    assert_eq!(b.summary(), "1 confirmed, 1 cannot be verified: mx1");
}

#[test]
fn a_failure_that_left_the_job_paused_is_undone_and_one_that_did_not_is_not() {
    let left = |truth| End::Failed {
        why: "timed out".into(),
        left: Some(truth),
    };
    let at = Timestamp::UNIX_EPOCH;
    let mut b = confirmed(&["mx1", "mx2"]);
    b.on_failure = OnFailure::GoOn;
    Record::default().turn(&mut b);
    let first = Record::of(&[("mx1", failed())]);
    first.turn(&mut b);
    assert_eq!(b.undo(), None, "not read back yet");
    b.go();
    first.turn(&mut b);
    // The read-back of a failed run comes after its failure.
    let found = crate::domain::job::JobState::of(State::Running, "");
    Record::of(&[
        ("mx1", left(Truth::Confirmed { at })),
        ("mx2", left(Truth::Contradicted { found })),
    ])
    .turn(&mut b);
    assert_eq!(b.undo(), Some((Verb::Resume, vec!["mx1".into()])));
}

#[test]
fn nothing_undoes_a_cancel_an_extension_or_a_flush() {
    let mut b = asked(&["mx1"]);
    let mut cancel = plan("mx1");
    cancel.lasts = None;
    b.planned(cancel);
    assert_eq!(b.ready().count(), 1, "a cancel has no end, whatever was asked");
    b.confirm(&"drain".into());
    Record::default().turn(&mut b);
    Record::of(&[("mx1", good())]).turn(&mut b);
    assert_eq!((b.phase, b.undo()), (Phase::Over, None));
    assert_eq!((opposite(Verb::Extend), opposite(Verb::Flush)), (None, None));
    assert_eq!(opposite(Verb::Resume), Some(Verb::Pause));
}

#[test]
fn a_server_that_is_no_longer_watched_does_not_run_and_one_under_way_is_followed_to_its_end() {
    let mut b = confirmed(&MX);
    Record::default().turn(&mut b);
    let gone = |n: &Name| !["mx1", "mx2"].contains(&&**n);
    b.learn(|_| Seen::OnRecord, gone);
    assert!(b.next_to_run().is_empty());
    assert_eq!(b.running(), 1, "mx1 runs there, watched or not");
    assert_eq!(not_run(&b), [named("mx2", "no longer watched")]);
    let record = Record::of(&[("mx1", good())]);
    record.turn(&mut b);
    b.go();
    assert_eq!(record.turn(&mut b), ["mx3", "mx4", "mx5"], "that stops nothing");

    let mut shown = asked(&["mx1", "mx2"]);
    shown.planned(plan("mx1"));
    shown.learn(|_| Seen::Nothing, |_| false);
    let left = |r: &Row| matches!(&r.state, RowState::LeftOut(why) if &**why == "no longer watched");
    assert!(shown.rows.iter().all(left));
}

#[test]
fn one_without_a_plan_is_left_out_plainly_and_the_others_run() {
    let mut b = asked(&["mx1", "mx2", "mx3"]);
    let why = Missed::new(Miss::Denied, "sudo -n -l", "not allowed");
    b.not_planned(&"mx1".into(), &"purge".into(), Verb::Resume, why.clone());
    assert_eq!(b.planning().count(), 3, "that was about another verb");
    b.not_planned(&"mx1".into(), &"purge".into(), Verb::Pause, why);
    b.planned(plan("mx2"));
    assert_eq!((b.planning().count(), b.ready().count()), (1, 1));
    b.planned(plan("mx3"));
    assert_eq!(b.first().map(Name::as_str), Some("mx2"), "the canary is one that runs");
    assert!(b.needs_name());
    b.confirm(&"drain".into());
    assert_eq!(Record::default().turn(&mut b), ["mx2"]);
    b.stop(&"enough".into());
    Record::of(&[("mx2", good())]).turn(&mut b);
    assert_eq!(b.summary(), "1 confirmed, 1 not run: mx3, 1 left out: mx1");
}

#[test]
fn a_plan_for_another_duration_verb_or_job_is_not_taken() {
    let mut b = asked(&["mx1"]);
    assert_eq!(b.again(Some(Span::from_hours(1))).len(), 1);
    b.planned(plan("mx1"));
    assert_eq!(b.ready().count(), 0, "that was for half an hour");
    let mut right = plan("mx1");
    right.lasts = Some(Span::from_hours(1));
    let other = |change: fn(&mut Plan)| {
        let mut p = right.clone();
        change(&mut p);
        p
    };
    b.planned(other(|p| p.verb = Verb::Extend));
    b.planned(other(|p| p.job = "fts".into()));
    b.planned(other(|p| p.server = "mx9".into()));
    assert_eq!(b.ready().count(), 0);
    b.planned(right);
    assert_eq!(b.ready().count(), 1);
    assert!(!b.needs_name(), "one server needs no name");
    b.confirm(&"x".into());
    b.planned(plan("mx1"));
    assert_eq!(b.waiting(), 1, "nothing is planned once it runs");
}

#[test]
fn a_large_plan_asks_for_the_name_although_it_is_alone() {
    let mut b = asked(&["mx1"]);
    let mut large = plan("mx1");
    large.confirmation = Confirmation::Name;
    b.planned(large);
    assert!(b.needs_name());
}

#[test]
fn what_the_engine_refuses_counts_as_gone_wrong() {
    let mut b = confirmed(&MX);
    Record::default().turn(&mut b);
    b.refused(&plan("mx1").id, &"kim is acting on it".into());
    assert!(b.next_to_run().is_empty());
    assert_eq!((b.phase, not_run(&b).len()), (Phase::Over, 4));
    assert!(
        b.summary().starts_with("1 refused: mx1 kim is acting on it, 4 not run"),
        "{}",
        b.summary()
    );
    assert_eq!(b.undo(), None);
}
