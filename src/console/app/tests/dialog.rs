//! What the dialog of one action takes besides a reason: trying it, a pause without an armed end, another way, the name.

use super::*;
use crate::domain::action::{Choices, Confirmation, Offer, Release, Unarmed};
use crate::domain::effect::Check;

fn dialog(a: &App) -> &ActionDialog {
    match &a.overlay {
        Some(Overlay::Action(d)) => d,
        other => panic!("no dialog: {other:?}"),
    }
}
fn answer(a: &mut App, plan: Plan) {
    a.update(Msg::Answer(Answer::Planned(Box::new(plan))), now());
}
fn screen(a: &App) -> String {
    fixture::text(&crate::console::view::frame(a, now()))
}
fn refuse(a: &mut App, kind: Miss) {
    let not = Answer::NotPlanned {
        server: "mbox3".into(),
        job: "db-compact".into(),
        verb: Verb::Pause,
        why: Missed::new(kind, "ssh mbox3 systemd-run", "no systemd there"),
    };
    a.update(Msg::Answer(not), now());
}
fn checked(a: &mut App, id: &ActionId) {
    let check = |what: &str, would: Result<&str, &str>| Check {
        what: what.into(),
        would: would.map(Into::into).map_err(Into::into),
    };
    let checks = vec![
        check("sudo -n -l systemctl freeze", Ok("allowed")),
        check("systemd-run", Err("not found")),
    ];
    a.update(Msg::Answer(Answer::Checked { id: id.clone(), checks }), now());
}

#[test]
fn a_plan_is_tried_without_running_and_what_came_of_it_is_shown_line_by_line() {
    let mut a = planned();
    keys(&mut a, "drain d");
    assert_eq!(dialog(&a).reason.value(), "drain d", "a plain d is a letter");
    let id = pause_plan(30).id;
    assert_eq!(ctrl(&mut a, 'd'), [Effect::Check { id: id.clone() }]);
    assert_eq!(ctrl(&mut a, 'd'), [], "it is being tried");
    checked(&mut a, &ActionId("another".into()));
    assert_eq!(dialog(&a).tried, Tried::Asked, "that was about another plan");
    checked(&mut a, &id);
    let shown = screen(&a);
    for words in [
        "✔ sudo -n -l systemctl freeze: allowed",
        "✖ systemd-run: not found",
        "nothing ran",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    assert!(!a.acting());
    a.update(Msg::Resize(60, 15), now());
    assert_eq!(ctrl(&mut a, 'd').len(), 1, "it can be tried again");
    checked(&mut a, &id);
    assert!(
        screen(&a).contains("nothing ran"),
        "in sight on a small screen too: {}",
        screen(&a)
    );
    code(&mut a, KeyCode::Right);
    assert_eq!(dialog(&a).tried, Tried::Not, "another plan was not tried");
    assert_eq!(ctrl(&mut a, 'd'), [], "nor can it be before it is there");
    assert!(dialog(&a).said.as_deref().unwrap().contains("not yet"));
}

#[test]
fn a_pause_whose_end_cannot_be_armed_is_chosen_by_a_key_of_its_own_and_says_so_loudly() {
    let mut a = weekend();
    keys(&mut a, "jp");
    assert_eq!(ctrl(&mut a, 'o'), [], "nothing was refused yet");
    refuse(&mut a, Miss::Denied);
    assert!(
        !screen(&a).contains("Ctrl-O"),
        "a login that is refused is another matter"
    );
    assert_eq!(ctrl(&mut a, 'o'), []);
    esc(&mut a);

    keys(&mut a, "p");
    refuse(&mut a, Miss::NotArmed);
    assert!(screen(&a).contains("Ctrl-O pause all the same, with no armed end; goes on record"));
    let asked = ctrl(&mut a, 'o');
    let unarmed = Choices {
        unarmed: Unarmed::Allowed,
        ..Choices::default()
    };
    assert!(
        matches!(&asked[..], [Effect::Plan { choices, lasts: Some(_), .. }] if *choices == unarmed),
        "{asked:?}"
    );
    answer(&mut a, pause_plan(30));
    assert!(
        matches!(stage(&a), Stage::Planning { .. }),
        "a plan that refuses is not the one asked for"
    );
    let plan = Plan {
        choices: unarmed,
        unarmed: Some("no systemd there".into()),
        armed_on_server: false,
        ..pause_plan(30)
    };
    answer(&mut a, plan.clone());
    let shown = screen(&a);
    assert!(shown.contains("▲ NO END IS ARMED: no systemd there"), "{shown}");
    keys(&mut a, "drain");
    let ran = enter(&mut a);
    assert!(
        matches!(&ran[..], [Effect::Run { plan, .. }] if plan.choices == unarmed),
        "{ran:?}"
    );

    let mut b = weekend();
    keys(&mut b, "jp");
    refuse(&mut b, Miss::NotArmed);
    ctrl(&mut b, 'o');
    refuse(&mut b, Miss::NotArmed);
    assert!(!screen(&b).contains("Ctrl-O"), "it was chosen already");
    esc(&mut b);
    keys(&mut b, "r");
    let not = Answer::NotPlanned {
        server: "mbox3".into(),
        job: "db-compact".into(),
        verb: Verb::Resume,
        why: Missed::new(Miss::NotArmed, "x", "y"),
    };
    b.update(Msg::Answer(not), now());
    assert_eq!(ctrl(&mut b, 'o'), [], "a resume has no end to arm");
}

fn release(release: Release, offer: Option<(Release, &str)>) -> Plan {
    let choices = |release| Choices {
        release,
        ..Choices::default()
    };
    let offers = offer.into_iter().map(|(to, words)| Offer {
        choices: choices(to),
        words: words.into(),
    });
    Plan {
        choices: choices(release),
        offers: offers.collect(),
        ..fixture::plan("mbox3", "db-compact", Verb::Resume, None)
    }
}

#[test]
fn the_ways_that_are_offered_are_chosen_with_arrows_and_the_chosen_one_is_in_brackets() {
    let mut a = weekend();
    keys(&mut a, "jr");
    answer(
        &mut a,
        release(
            Release::AsItIs,
            Some((Release::Requeued, "requeue: 412 would bounce at once")),
        ),
    );
    let shown = screen(&a);
    assert!(
        shown.contains("way      [as it is]") && shown.contains(" requeue: 412 would bounce"),
        "{shown}"
    );
    let asked = code(&mut a, KeyCode::Right);
    assert!(
        matches!(&asked[..], [Effect::Plan { choices, lasts: None, .. }] if choices.release == Release::Requeued),
        "{asked:?}"
    );
    answer(&mut a, release(Release::AsItIs, None));
    assert!(matches!(stage(&a), Stage::Planning { .. }), "that was the way before");
    answer(&mut a, release(Release::Requeued, None));
    assert!(
        screen(&a).contains("[requeue: 412 would bounce at once]"),
        "{}",
        screen(&a)
    );
    let back = ctrl(&mut a, 'r');
    assert!(
        matches!(&back[..], [Effect::Plan { choices, .. }] if choices.release == Release::AsItIs),
        "{back:?}"
    );
}

#[test]
fn a_large_plan_runs_only_once_the_servers_name_is_typed_exactly() {
    let mut a = weekend();
    keys(&mut a, "jp");
    let large = Plan {
        confirmation: Confirmation::Name,
        messages: Some(12_431),
        ..pause_plan(30)
    };
    answer(&mut a, large);
    assert!(screen(&a).contains("size     12\u{202f}431 messages"), "{}", screen(&a));
    keys(&mut a, "drain");
    assert_eq!(enter(&mut a), []);
    assert!(screen(&a).contains("▲ type the server's name, mbox3"), "{}", screen(&a));
    code(&mut a, KeyCode::Tab);
    for almost in ["mbox", "3 ", "x"] {
        keys(&mut a, almost);
        assert_eq!(enter(&mut a), [], "{}", dialog(&a).name.value());
        if dialog(&a).name.value() == "mbox3 " {
            code(&mut a, KeyCode::Backspace);
            break;
        }
    }
    assert_eq!((dialog(&a).reason.value(), dialog(&a).name.value()), ("drain", "mbox3"));
    code(&mut a, KeyCode::Tab);
    keys(&mut a, "!");
    assert_eq!(dialog(&a).reason.value(), "drain!", "Tab comes back to the reason");
    assert!(matches!(&enter(&mut a)[..], [Effect::Run { .. }]));
}

#[test]
fn extending_is_for_a_paused_job_and_asks_for_a_plan_with_a_duration() {
    let mut a = weekend();
    let asked = keys(&mut a, "j+");
    assert!(
        matches!(&asked[..], [Effect::Plan { verb: Verb::Extend, lasts: Some(l), .. }] if *l == Span::from_mins(30)),
        "{asked:?}"
    );
    answer(
        &mut a,
        fixture::plan("mbox3", "db-compact", Verb::Extend, Some(Span::from_mins(30))),
    );
    assert!(screen(&a).contains("Extend db-compact on mbox3") && screen(&a).contains("Enter end it in 30m"));
    assert!(matches!(
        &code(&mut a, KeyCode::Right)[..],
        [Effect::Plan { verb: Verb::Extend, .. }]
    ));
    esc(&mut a);
    assert_eq!(keys(&mut a, "k+"), [], "neither job of mbox1 is paused");
    assert!(said(&a).contains("no job on mbox1 is paused"), "{}", said(&a));
    enter(&mut a);
    assert_eq!(keys(&mut a, "3+"), []);
    assert!(
        said(&a).contains("db-compact on mbox1 is running, not paused"),
        "{}",
        said(&a)
    );
    esc(&mut a);
    let asked = keys(&mut a, "jj+");
    assert!(
        matches!(&asked[..], [Effect::Plan { .. }]),
        "what is not known is left to the plan: {asked:?}"
    );
}

#[test]
fn a_flush_is_for_a_postfix_job_only_and_says_why_not() {
    let mut a = weekend();
    keys(&mut a, "j:flush");
    assert_eq!(enter(&mut a), []);
    assert!(
        said(&a).contains("is a systemd job: only a job of kind postfix"),
        "{}",
        said(&a)
    );
    let valve = |jobs: &[(&str, &str)]| {
        let mut w = fixture::watched("mx1", "queue", &jobs.iter().map(|j| j.0).collect::<Vec<_>>());
        for (job, (_, kind)) in w.jobs.iter_mut().zip(jobs) {
            job.kind = (*kind).into();
        }
        app(fixture::watching(vec![w]), (80, 24))
    };
    let mut one = valve(&[("compact", "systemd"), ("hold", "postfix")]);
    enter(&mut one);
    keys(&mut one, "2");
    let asked = keys(&mut one, "F");
    assert!(
        matches!(&asked[..], [Effect::Plan { job, verb: Verb::Flush, lasts: None, .. }] if &**job == "hold"),
        "{asked:?}"
    );
    let mut two = valve(&[("defer", "postfix"), ("hold", "postfix"), ("x", "systemd")]);
    keys(&mut two, ":flush");
    assert_eq!(enter(&mut two), []);
    assert!(matches!(&two.overlay, Some(Overlay::Pick(p)) if p.jobs.len() == 2 && p.verb == Verb::Flush));
    let mut none = valve(&[("a", "systemd"), ("b", "process")]);
    keys(&mut none, ":flush");
    enter(&mut none);
    assert!(
        said(&none).contains("mx1 has no job of kind postfix"),
        "{}",
        said(&none)
    );
    let asked = keys(&mut valve(&[("hold", "postfix")]), "p");
    assert!(
        matches!(&asked[..], [Effect::Plan { verb: Verb::Pause, .. }]),
        "p on a valve holds: {asked:?}"
    );
}

#[test]
fn an_action_whose_end_nobody_saw_is_over_and_says_so() {
    let mut a = started();
    esc(&mut a);
    let mut record = fixture::acted(0, 2, pause_plan(30), "drain", Truth::Requested);
    record.truncate(1);
    let lost = Fact::ActionLost(crate::domain::action::Lost {
        id: pause_plan(30).id,
        why: "its console is gone".into(),
    });
    record.push(event(1, fixture::job("mbox3", "db-compact"), lost));
    learn(&mut a, record);
    assert!(!a.acting());
    let told = |t: &(Timestamp, Text)| t.1.contains("pause db-compact on mbox3: outcome unknown");
    assert!(a.notices().iter().any(told), "{:?}", a.notices());
    enter(&mut a);
    keys(&mut a, "3");
    assert!(
        screen(&a).contains("? outcome unknown: its console is gone, read back: not yet"),
        "{}",
        screen(&a)
    );
}
