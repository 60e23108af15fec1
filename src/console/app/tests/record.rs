//! What the console puts on record beside actions: the start of an outage as a person says it, and what an action did.

use super::*;
use crate::console::fixture::flows::resumed;
use crate::domain::effect::Role;
use crate::domain::influence::Influence;

fn since(from: &str) -> Effect {
    Effect::CorrectOutage {
        server: "mbox1".into(),
        since: (!from.is_empty()).then(|| from.parse().unwrap()),
    }
}

#[test]
fn the_start_of_an_outage_is_corrected_for_the_server_that_is_meant() {
    let mut a = weekend();
    keys(&mut a, "o");
    assert_eq!(enter(&mut a), [], "nothing was typed");
    assert!(a.overlay.is_some());
    keys(&mut a, "Sat 10:58");
    assert_eq!(enter(&mut a), [since("2026-11-21T10:58:00Z")]);
    assert!(a.overlay.is_none() && said(&a).contains("mbox1"), "{}", said(&a));
    keys(&mut a, "o-");
    assert_eq!(enter(&mut a), [since("")]);
    keys(&mut a, "otomorrow");
    assert_eq!(enter(&mut a), [], "no time: it stays open");
    assert!(matches!(&a.overlay, Some(Overlay::Outage(d)) if d.tried));
    esc(&mut a);
    assert!(a.overlay.is_none());
}

#[test]
fn the_palette_takes_the_time_behind_the_name_and_shows_it_before_it_goes_on_record() {
    let mut a = weekend();
    for typed in [":outage since Sat 10:58", ":outage Sat 10:58"] {
        keys(&mut a, typed);
        assert_eq!(enter(&mut a), []);
        assert_eq!(enter(&mut a), [since("2026-11-21T10:58:00Z")], "{typed}");
    }
    keys(&mut a, ":outage");
    assert_eq!(enter(&mut a), []);
    assert!(matches!(&a.overlay, Some(Overlay::Outage(d)) if d.input.value().is_empty()));
}

#[test]
fn a_console_that_may_change_nothing_may_still_correct_the_record() {
    let mut a = weekend();
    a.options.access = Access::ReadOnly;
    keys(&mut a, "o10:58");
    assert_eq!(enter(&mut a), [since("2026-11-22T10:58:00Z")]);
}

fn fleet_of_one() -> App {
    let watched = fixture::watched("mbox1", "imap queue", &["db-compact"]);
    app(fixture::watching(vec![watched]), (80, 24))
}
fn measured(effects: &[Effect]) -> Vec<Influence> {
    let of = |e: &Effect| matches!(e, Effect::Measured { server, .. } if &**server == "mbox1");
    assert!(effects.iter().all(of), "{effects:?}");
    let influence = |e: &Effect| match e {
        Effect::Measured { measured, .. } => Some(measured.influence.clone()),
        _ => None,
    };
    effects.iter().filter_map(influence).collect()
}

#[test]
fn what_an_action_did_is_put_on_record_once_it_is_settled_and_only_once() {
    let mut a = fleet_of_one();
    let effects = a.update(Msg::Events(resumed()), now());
    let found = measured(&effects);
    let [Influence::Changed { ratio: Some(ratio), .. }] = found[..] else {
        panic!("{found:?}");
    };
    assert!((2.5..4.0).contains(&ratio.times), "{ratio:?}");
    assert_eq!(
        a.update(Msg::Tick, at(1)),
        [],
        "asked for once, however slow the record is"
    );
    learn(&mut a, vec![heal("mbox1")]);
    assert_eq!(a.update(Msg::Tick, at(300)), []);
}

#[test]
fn what_is_on_record_already_is_not_measured_again_and_neither_is_what_is_too_new() {
    let mut a = fleet_of_one();
    let before: Vec<Event> = resumed().into_iter().filter(|e| e.at < at(-600)).collect();
    assert_eq!(a.update(Msg::Events(before.clone()), at(-600)), [], "too early");
    let Effect::Measured { measured, .. } = fleet_of_one().update(Msg::Events(resumed()), now()).remove(0) else {
        panic!("nothing measured");
    };
    let mut known = resumed();
    known.push(event(
        -30,
        fixture::job("mbox1", "db-compact"),
        Fact::ActionMeasured(measured),
    ));
    assert_eq!(fleet_of_one().update(Msg::Events(known), now()), []);
}

#[test]
fn a_console_that_only_follows_leaves_the_record_to_the_one_that_looks_unless_the_action_is_its_own() {
    let following = || {
        let mut a = fleet_of_one();
        a.role = Role::Following {
            holder: "kim@bastion:2".into(),
        };
        a
    };
    assert_eq!(
        measured(&following().update(Msg::Events(resumed()), now())).len(),
        1,
        "its own"
    );
    let mut other = following();
    other.options.me = Some(crate::domain::event::ObserverId("kim@bastion:9".into()));
    assert_eq!(other.update(Msg::Events(resumed()), now()), []);
}
