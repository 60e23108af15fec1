//! Marks on the fleet and the dialog of several servers, key by key; what runs when is tested with the domain.

use super::*;
use crate::domain::action::{Ran, Truth};
use crate::domain::batch::{OnFailure, Order, Phase, RowState};

const MX: [&str; 4] = ["mx1", "mx2", "mx3", "mx4"];

/// Four servers with a purge each, mx3 with an index as well.
fn fleet() -> App {
    let jobs = |s: &str| {
        if s == "mx3" {
            vec!["index", "purge"]
        } else {
            vec!["purge"]
        }
    };
    let servers = MX.iter().map(|s| fixture::watched(s, "queue", &jobs(s))).collect();
    app(fixture::watching(servers), (80, 24))
}
fn dialog(a: &App) -> &BatchDialog {
    match &a.overlay {
        Some(Overlay::Batch(d)) => d,
        other => panic!("no batch: {other:?}"),
    }
}
fn plan(server: &str, verb: Verb) -> Plan {
    fixture::plan(server, "purge", verb, verb.lasts().then(|| Span::from_mins(30)))
}
fn asked(effects: &[Effect]) -> Vec<String> {
    let one = |e: &Effect| match e {
        Effect::Plan { server, job, verb, .. } => format!("{verb} {job} {server}"),
        other => panic!("{other:?}"),
    };
    effects.iter().map(one).collect()
}
fn runs(effects: &[Effect]) -> Vec<String> {
    let one = |e: &Effect| match e {
        Effect::Run { plan, .. } => plan.server.to_string(),
        other => panic!("{other:?}"),
    };
    effects.iter().map(one).collect()
}
fn answer(a: &mut App, servers: &[&str], verb: Verb) {
    for s in servers {
        a.update(Msg::Answer(Answer::Planned(Box::new(plan(s, verb)))), now());
    }
}
/// All four marked, the purge chosen, planned.
fn ready() -> App {
    let mut a = fleet();
    keys(&mut a, "*p");
    code(&mut a, KeyCode::Down);
    assert_eq!(enter(&mut a).len(), 4);
    answer(&mut a, &MX, Verb::Pause);
    a
}
fn confirm(a: &mut App, name: &str) -> Vec<Effect> {
    keys(a, "drain");
    code(a, KeyCode::Tab);
    keys(a, name);
    enter(a)
}
fn end(a: &mut App, server: &str, truth: Truth) -> Vec<Effect> {
    let record = fixture::acted(0, 2, plan(server, Verb::Pause), "drain", truth);
    a.update(Msg::Events(record), now())
}
fn good() -> Truth {
    Truth::Confirmed { at: now() }
}
fn screen(a: &App) -> String {
    fixture::text(&crate::console::view::frame(a, now()))
}

#[test]
fn space_marks_by_name_and_the_mark_stays_when_rows_re_sort_until_escape() {
    let mut a = weekend();
    keys(&mut a, " ");
    assert_eq!(on(&a), "mbox3", "the next one is at hand");
    keys(&mut a, " ");
    let marked = |a: &App| a.fleet.marked().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(marked(&a), ["mbox1", "mbox3"]);
    assert!(
        screen(&a).contains("• mbox1") && screen(&a).contains("2 marked"),
        "{}",
        screen(&a)
    );
    learn(&mut a, vec![heal("mbox1")]);
    assert_eq!(marked(&a), ["mbox1", "mbox3"]);
    keys(&mut a, "k ");
    assert_eq!(marked(&a).len(), 1, "a second Space takes it away");
    keys(&mut a, "/mx");
    enter(&mut a);
    keys(&mut a, "A");
    assert_eq!(
        marked(&a).iter().filter(|n| n.starts_with("mx")).count(),
        2,
        "only what the filter shows"
    );
    esc(&mut a);
    assert_eq!((marked(&a).len(), a.fleet.filtered()), (0, true), "first the marks");
    esc(&mut a);
    assert!(!a.fleet.filtered(), "then the filter");
}

#[test]
fn a_marked_server_that_vanishes_is_no_longer_marked() {
    let mut a = fleet();
    keys(&mut a, "*");
    let servers = vec![fixture::watched("mx1", "queue", &["purge"])];
    let roster = Roster {
        servers,
        ..Roster::default()
    };
    learn(&mut a, vec![event(0, Subject::Observer, Fact::Watching(roster))]);
    assert_eq!(a.fleet.marked().count(), 1);
}

#[test]
fn one_mark_is_that_server_and_not_the_one_under_the_cursor() {
    let mut a = fleet();
    keys(&mut a, " ");
    assert_eq!(on(&a), "mx2");
    assert_eq!(asked(&keys(&mut a, "p")), ["pause purge mx1"]);
    assert!(matches!(&a.overlay, Some(Overlay::Action(d)) if &*d.server == "mx1"));
}

#[test]
fn of_several_names_one_is_picked_and_who_lacks_it_is_left_out_plainly() {
    let mut a = fleet();
    assert_eq!(keys(&mut a, "*p"), []);
    assert!(matches!(&a.overlay, Some(Overlay::PickMany(p)) if p.jobs == [("index".into(), 1), ("purge".into(), 4)]));
    assert_eq!(asked(&enter(&mut a)), ["pause index mx3"]);
    assert!(screen(&a).contains("left out: has no job index"), "{}", screen(&a));
    esc(&mut a);
    assert_eq!(keys(&mut a, "+"), []);
    assert!(matches!(&a.overlay, Some(Overlay::PickMany(p)) if p.verb == Verb::Extend));
    esc(&mut a);
    keys(&mut a, ":flush");
    assert_eq!(enter(&mut a), []);
    assert!(
        said(&a).contains("no marked server has a job of kind postfix"),
        "{}",
        said(&a)
    );
}

#[test]
fn nothing_runs_before_every_plan_is_there_a_reason_is_given_and_the_first_name_is_typed() {
    let mut a = fleet();
    keys(&mut a, "*p");
    code(&mut a, KeyCode::Down);
    enter(&mut a);
    answer(&mut a, &MX[..3], Verb::Pause);
    keys(&mut a, "drain");
    assert_eq!(enter(&mut a), []);
    assert!(
        screen(&a).contains("1 of the plans are still being worked out"),
        "{}",
        screen(&a)
    );
    let denied = Answer::NotPlanned {
        server: "mx4".into(),
        job: "purge".into(),
        verb: Verb::Pause,
        why: Missed::new(Miss::Denied, "sudo -n -l", "not allowed"),
    };
    a.update(Msg::Answer(denied), now());
    assert!(screen(&a).contains("cannot: not allowed"), "{}", screen(&a));
    assert_eq!(enter(&mut a), []);
    assert!(
        screen(&a).contains("type the first server's name, mx1"),
        "{}",
        screen(&a)
    );
    code(&mut a, KeyCode::Tab);
    keys(&mut a, "mx2");
    assert_eq!(enter(&mut a), [], "that is not the first");
    code(&mut a, KeyCode::Backspace);
    keys(&mut a, "1");
    assert_eq!(runs(&enter(&mut a)), ["mx1"]);
    let reason = |r: &RowState| matches!(r, RowState::Waiting(p) if &*p.reason == "drain");
    assert!(reason(&dialog(&a).batch.rows[1].state) && reason(&dialog(&a).batch.rows[2].state));
}

#[test]
fn after_the_canary_enter_runs_the_others_and_the_end_is_told_in_numbers() {
    let mut a = ready();
    assert_eq!(runs(&confirm(&mut a, "mx1")), ["mx1"]);
    assert!(
        enter(&mut a).is_empty() && dialog(&a).open.is_none(),
        "an Enter too many"
    );
    code(&mut a, KeyCode::Right);
    assert!(dialog(&a).open.is_some());
    esc(&mut a);
    assert!(end(&mut a, "mx1", good()).is_empty());
    assert_eq!(dialog(&a).batch.phase, Phase::Looking);
    assert!(
        screen(&a).contains("Enter the other 3") && screen(&a).contains("Esc stop here"),
        "{}",
        screen(&a)
    );
    let enter_at = |a: &mut App, s| a.update(Msg::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), at(s));
    for held in [0, 0, 0] {
        assert_eq!(enter_at(&mut a, held), [], "pressed again, or held down, it is no look");
    }
    assert!(screen(&a).contains("look at it, then Enter"), "{}", screen(&a));
    assert_eq!(runs(&enter_at(&mut a, 2)), ["mx2", "mx3", "mx4"]);
    for s in ["mx2", "mx3"] {
        end(&mut a, s, good());
    }
    let mut failed = fixture::acted(0, 2, plan("mx4", Verb::Pause), "drain", Truth::Requested);
    failed[1].what = Fact::ActionRan(Ran {
        id: plan("mx4", Verb::Pause).id,
        exit: Some(1),
        output: "".into(),
        took: Span::from_millis(3),
        failed: Some("exit status 1".into()),
    });
    failed.truncate(2);
    learn(&mut a, failed);
    assert_eq!(dialog(&a).batch.phase, Phase::Over);
    assert!(
        screen(&a).contains("over: 3 confirmed, 1 failed: mx4 exit status 1"),
        "{}",
        screen(&a)
    );
    assert!(
        !a.acting() && !a.notices().iter().any(|(_, t)| t.contains("purge")),
        "the dialog has told it"
    );
}

#[test]
fn escape_after_the_canary_stops_there_and_u_takes_back_what_took_hold() {
    let mut a = ready();
    confirm(&mut a, "mx1");
    assert_eq!(keys(&mut a, "u"), [], "not while it runs");
    end(&mut a, "mx1", good());
    esc(&mut a);
    assert_eq!(dialog(&a).batch.phase, Phase::Over);
    assert!(
        screen(&a).contains("1 confirmed, 3 not run: mx2, mx3, mx4"),
        "{}",
        screen(&a)
    );
    assert_eq!(asked(&keys(&mut a, "u")), ["resume purge mx1"]);
    assert_eq!((dialog(&a).batch.verb, dialog(&a).batch.rows.len()), (Verb::Resume, 1));
    answer(&mut a, &["mx1"], Verb::Resume);
    assert_eq!(enter(&mut a), [], "the undo wants a reason of its own");
    keys(&mut a, "was wrong");
    assert_eq!(runs(&enter(&mut a)), ["mx1"]);
}

#[test]
fn escape_while_it_runs_closes_and_says_what_goes_on_and_what_does_not() {
    let mut a = ready();
    confirm(&mut a, "mx1");
    esc(&mut a);
    assert!(a.overlay.is_none());
    assert_eq!(said(&a), "closed: 1 under way go on, 3 that had not begun do not run");
    assert!(a.acting());
    assert!(end(&mut a, "mx1", good()).is_empty(), "nothing follows");
    let told = |t: &(Timestamp, Text)| &*t.1 == "pause purge on mx1: confirmed";
    assert!(a.notices().iter().any(told), "{:?}", a.notices());
}

#[test]
fn while_it_is_asked_whether_to_leave_nothing_begins_and_what_is_told_meanwhile_counts() {
    let mut a = ready();
    code(&mut a, KeyCode::BackTab);
    keys(&mut a, "ag");
    assert_eq!(
        (dialog(&a).batch.order, dialog(&a).batch.on_failure),
        (Order::Straight, OnFailure::GoOn)
    );
    code(&mut a, KeyCode::Tab);
    confirm(&mut a, "mx1");
    ctrl(&mut a, 'c');
    assert!(matches!(a.overlay, Some(Overlay::Question(_))));
    assert!(end(&mut a, "mx1", good()).is_empty());
    let back = esc(&mut a);
    assert_eq!(
        runs(&back),
        ["mx2", "mx3", "mx4"],
        "without the look, once it is decided to stay"
    );
    ctrl(&mut a, 'c');
    let refused = Answer::NotRun {
        id: plan("mx2", Verb::Pause).id,
        why: "kim is acting on it".into(),
    };
    a.update(Msg::Answer(refused), now());
    esc(&mut a);
    assert!(screen(&a).contains("not run: kim is acting on it"), "{}", screen(&a));
}

#[test]
fn letters_are_text_while_the_reason_is_typed_and_commands_among_the_servers() {
    let mut a = ready();
    keys(&mut a, "again u");
    assert_eq!(
        (dialog(&a).reason.value(), dialog(&a).batch.order),
        ("again u", Order::Canary)
    );
    code(&mut a, KeyCode::BackTab);
    keys(&mut a, "jx");
    assert_eq!((dialog(&a).reason.value(), dialog(&a).at), ("again u", 1));
    enter(&mut a);
    assert!(
        screen(&a).contains("ssh mx2 systemctl freeze mail-purge.service"),
        "{}",
        screen(&a)
    );
    esc(&mut a);
    assert!(dialog(&a).open.is_none());
    let again = code(&mut a, KeyCode::Right);
    assert_eq!(again.len(), 4, "another duration, and every plan anew: {again:?}");
    answer(&mut a, &MX, Verb::Pause);
    assert_eq!(dialog(&a).batch.ready().count(), 0, "those were for half an hour");
}

#[test]
fn a_read_only_server_is_left_out_and_more_servers_than_plans_are_kept_are_refused() {
    let mut servers = vec![fixture::watched("mx1", "queue", &["purge"])];
    servers.push(fixture::watched("mx2", "queue read-only", &["purge"]));
    let mut a = app(fixture::watching(servers), (80, 24));
    assert_eq!(asked(&keys(&mut a, "*p")), ["pause purge mx1"]);
    assert!(
        screen(&a).contains("left out: read-only in the config"),
        "{}",
        screen(&a)
    );
    let servers = (0..61).map(|i| fixture::watched(&format!("mx{i:02}"), "queue", &["purge"]));
    let mut a = app(fixture::watching(servers.collect()), (80, 24));
    assert_eq!(keys(&mut a, "*p"), []);
    assert!(said(&a).contains("at most 60 at a time"), "{}", said(&a));
    let mut a = fleet();
    a.options.access = Access::ReadOnly;
    keys(&mut a, "*p");
    assert!(
        said(&a).contains("--read-only") && said(&a).contains("paused from it"),
        "{}",
        said(&a)
    );
}
