//! The past on the screens: keys that go through it, what is off in it, and the way back.

use super::*;
use crate::console::app::past::moment;
use crate::domain::effect::Back;

const MINUTE: i64 = 60;

/// What the record answers of a moment: the weekend as it was before mbox1's last look.
#[allow(clippy::unnecessary_wraps)] // An answer may be an error.
fn seen(s: i64, whole: bool) -> Result<Seen, Text> {
    Ok(Seen {
        at: at(s),
        model: Box::new(fixture::weekend()),
        first: at(-100_000),
        last: now(),
        whole,
        from: at(-100_000),
        samples_from: None,
        missing: 0,
    })
}
#[allow(clippy::unnecessary_wraps)]
fn gone() -> Result<Seen, Text> {
    Ok(Seen {
        at: at(-90_000),
        model: Box::new(fixture::watching(vec![fixture::watched("mx1", "imap queue", &[])])),
        first: at(-100_000),
        last: now(),
        whole: true,
        from: at(-100_000),
        samples_from: None,
        missing: 0,
    })
}
fn back(s: i64) -> App {
    let mut a = weekend();
    keys(&mut a, "[");
    a.past.as_mut().unwrap().wanted = Some(Back::To(at(s)));
    answer(&mut a, seen(s, true), now());
    a
}
/// What the record was asked, and nothing else was to be done.
fn asked(effects: Vec<Effect>) -> Vec<Back> {
    let question = |e| match e {
        Effect::Past(_, to) => to,
        other => panic!("{other:?}"),
    };
    effects.into_iter().map(question).collect()
}
/// To the question that was asked last.
fn answer(a: &mut App, seen: Result<Seen, Text>, now: Timestamp) {
    a.update(Msg::Past(a.asked, seen), now);
}
fn words(app: &App) -> String {
    let status = app.status(app.moment(now()));
    let past = status.iter().find_map(|s| match s {
        Status::Past(forms) => forms.first().cloned(),
        _ => None,
    });
    past.unwrap_or_default()
}

#[test]
fn a_step_asks_the_record_and_the_screen_stays_until_it_answers() {
    let mut a = weekend();
    assert_eq!(asked(keys(&mut a, "[")), [Back::To(at(-MINUTE))]);
    assert_eq!(
        (a.moment(now()), words(&a).as_str()),
        (now(), "going back to Sun 18:35")
    );
    // Held down, it goes on from where it is going to.
    assert_eq!(
        asked(keys(&mut a, "[[")),
        [Back::To(at(-2 * MINUTE)), Back::To(at(-3 * MINUTE))]
    );
    answer(&mut a, seen(-3 * MINUTE, false), now());
    assert_eq!(a.moment(now()), at(-3 * MINUTE));
    assert!(words(&a).contains("reading what came before"), "{}", words(&a));
    answer(&mut a, seen(-3 * MINUTE, true), now());
    assert_eq!(words(&a), "the past, 3m ago");
    assert_eq!(asked(keys(&mut a, "]")), [Back::To(at(-2 * MINUTE))]);
    assert_eq!(asked(keys(&mut a, "{")), [Back::Before(at(-3 * MINUTE))]);
    assert_eq!(asked(keys(&mut a, "}")), [Back::After(at(-3 * MINUTE))]);
}

#[test]
fn what_happens_meanwhile_is_there_on_the_way_back() {
    let mut a = back(-1);
    let down = |a: &App| crate::model::count(&a.model, a.moment(now())).down;
    assert_eq!(down(&a), 1);
    learn(&mut a, vec![heal("mbox1")]);
    assert_eq!(down(&a), 1, "the past does not change");
    assert!(keys(&mut a, "G").is_empty());
    assert!(a.past.is_none());
    assert_eq!(down(&a), 0);
    assert_eq!(a.moment(now()), now());
    assert_eq!(said(&a), "back to now");
}

#[test]
fn an_event_that_comes_before_the_record_has_answered_is_not_lost() {
    let mut a = weekend();
    keys(&mut a, "[");
    learn(&mut a, vec![heal("mbox1")]);
    answer(&mut a, seen(-MINUTE, true), now());
    keys(&mut a, "G");
    assert_eq!(crate::model::count(&a.model, now()).down, 0);
}

#[test]
fn nothing_is_done_from_the_past_by_key_or_palette() {
    let mut a = back(-MINUTE);
    for key in ["p", "r", "+", "R", " ", "*", "o"] {
        a.past.as_mut().unwrap().play = None;
        let before = a.past.as_ref().unwrap().play;
        let effects = keys(&mut a, key);
        assert!(effects.is_empty() && a.overlay.is_none(), "{key}: {effects:?}");
        if key == " " {
            assert_ne!(a.past.as_ref().unwrap().play, before, "space plays");
            keys(&mut a, " ");
        } else {
            assert!(said(&a).contains("this is the past"), "{key}: {}", said(&a));
        }
    }
    assert!(a.fleet.marked().next().is_none());
    keys(&mut a, ":pause");
    assert!(enter(&mut a).is_empty());
    assert!(said(&a).contains("this is the past"), "{}", said(&a));
    keys(&mut a, ":live");
    enter(&mut a);
    assert!(a.past.is_none());
    assert!(!keys(&mut a, "jp").is_empty(), "and now it can be done");
}

/// Every key of every screen, one after the other, from the past.
#[test]
fn no_key_of_any_screen_asks_a_server_or_says_anything_from_the_past() {
    use crate::console::keymap::{BINDINGS, find};
    let open = |ground: Place| {
        let mut a = app(fixture::incidents::desk(), (120, 40));
        match ground {
            Place::Server => drop(enter(&mut a)),
            Place::Incident => drop(keys(&mut a, "i")),
            Place::Incidents => drop(keys(&mut a, "ii")),
            _ => {}
        }
        keys(&mut a, "[");
        answer(
            &mut a,
            Ok(Seen {
                model: Box::new(fixture::incidents::desk()),
                ..seen(-1, true).unwrap()
            }),
            now(),
        );
        assert_eq!((a.ground(), a.is_past()), (ground, true));
        a
    };
    let mut tried = 0;
    for ground in [Place::Fleet, Place::Server, Place::Incident, Place::Incidents] {
        for b in BINDINGS.iter().filter(|b| b.places.contains(&ground)) {
            for key in b.keys {
                let mut a = open(ground);
                let before = format!("{:?}", a.drafts);
                let event = key.event();
                assert!(find(ground, event).is_some());
                for effect in a.update(Msg::Key(event), now()) {
                    let fits = matches!(
                        effect,
                        Effect::Past(..)
                            | Effect::Quit
                            | Effect::Redraw
                            | Effect::Suspend
                            | Effect::Mouse(_)
                            | Effect::Copy { .. }
                    );
                    assert!(fits, "{ground:?} {}: {effect:?}", key.label());
                }
                let inside = matches!(
                    a.overlay,
                    Some(
                        Overlay::Action(_)
                            | Overlay::Batch(_)
                            | Overlay::Incident(_)
                            | Overlay::Words(_)
                            | Overlay::Outage(_)
                    )
                );
                assert!(!inside, "{ground:?} {}: {:?}", key.label(), a.overlay);
                let only_looked_at = b.command.is_of_now();
                assert!(
                    !only_looked_at || format!("{:?}", a.drafts) == before,
                    "{ground:?} {}",
                    key.label()
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn what_is_marked_and_the_open_screen_are_there_on_the_way_back() {
    let mut a = weekend();
    keys(&mut a, " ");
    code(&mut a, KeyCode::Home);
    enter(&mut a);
    keys(&mut a, "[");
    answer(&mut a, gone(), now());
    assert!(matches!(a.screen, Screen::Fleet));
    keys(&mut a, "G");
    assert!(
        matches!(&a.screen, Screen::Server(v) if v.name.as_str() == "mbox1"),
        "{:?}",
        a.screen
    );
    assert_eq!(a.fleet.marked().count(), 1);
}

#[test]
fn an_answer_to_an_earlier_question_is_not_shown() {
    let mut a = weekend();
    keys(&mut a, "[");
    let first = a.asked;
    keys(&mut a, "[");
    a.update(Msg::Past(first, Err("nothing is there".into())), now());
    assert!(a.past.is_some() && said(&a).is_empty(), "{}", said(&a));
    a.update(Msg::Past(first, seen(-MINUTE, true)), now());
    assert!(!a.is_past());
    answer(&mut a, seen(-2 * MINUTE, true), now());
    assert_eq!(a.moment(now()), at(-2 * MINUTE));
}

#[test]
fn who_does_something_before_the_record_has_answered_means_now() {
    let mut a = weekend();
    keys(&mut a, "j[");
    assert!(!keys(&mut a, "p").is_empty());
    answer(&mut a, seen(-MINUTE, true), now());
    assert!(!a.is_past(), "no plan is confirmed on what was");
}

#[test]
fn now_is_the_end_of_it() {
    let mut a = weekend();
    for key in ["]", "}", "G", " "] {
        let effects = keys(&mut a, key);
        assert!(effects.is_empty() && a.past.is_none(), "{key}: {effects:?}");
    }
    let mut a = back(-30);
    assert!(keys(&mut a, "]").is_empty(), "a step on from half a minute ago is now");
    assert!(a.past.is_none());
}

#[test]
fn a_record_that_does_not_answer_leaves_the_screen_as_it_was_and_says_why() {
    let mut a = weekend();
    keys(&mut a, "[");
    answer(&mut a, Err("the record cannot be read: no such file".into()), now());
    assert!(a.past.is_none());
    assert_eq!(said(&a), "the record cannot be read: no such file");
    let mut a = back(-MINUTE);
    keys(&mut a, "{");
    answer(&mut a, Err("nothing is on record before this".into()), now());
    assert_eq!(
        (a.moment(now()), said(&a).as_str()),
        (at(-MINUTE), "nothing is on record before this")
    );
}

#[test]
fn a_server_that_was_not_watched_then_has_no_screen_then() {
    let mut a = weekend();
    enter(&mut a);
    assert!(matches!(a.screen, Screen::Server(_)));
    keys(&mut a, "[");
    answer(&mut a, gone(), now());
    assert!(matches!(a.screen, Screen::Fleet));
    assert_eq!(said(&a), "mbox1 was not watched then");
}

#[test]
fn what_is_played_asks_for_one_picture_after_the_other_and_stops_at_the_end() {
    let mut a = back(-600);
    keys(&mut a, " ");
    // Ten seconds at sixty times as fast.
    let tick = |a: &mut App, s: i64| match asked(a.update(Msg::Tick, at(s))).as_slice() {
        [Back::To(at)] => Some(*at),
        [] => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(tick(&mut a, 2), Some(at(-600 + 120)));
    assert_eq!(tick(&mut a, 3), None, "one at a time");
    answer(&mut a, seen(-480, true), at(3));
    assert!(words(&a).contains("played ×60"), "{}", words(&a));
    assert_eq!(tick(&mut a, 4), Some(at(-600 + 240)));
    answer(&mut a, seen(-360, true), at(4));
    assert_eq!(tick(&mut a, 40), Some(now()), "not beyond the end of the record");
    answer(&mut a, seen(0, true), at(40));
    assert_eq!(tick(&mut a, 41), None);
}

#[test]
fn a_moment_is_typed_and_understood_from_what_is_shown() {
    let mut a = back(-MINUTE);
    keys(&mut a, "g");
    assert_eq!(a.place(), Place::GoTo);
    keys(&mut a, "soon");
    assert!(enter(&mut a).is_empty() && a.overlay.is_some());
    for _ in 0..4 {
        code(&mut a, KeyCode::Backspace);
    }
    keys(&mut a, "-2h");
    assert_eq!(asked(enter(&mut a)), [Back::To(at(-MINUTE - 7_200))]);
    assert!(a.overlay.is_none());
}

#[test]
fn a_time_is_the_closest_one_a_day_its_last_and_a_length_counts_from_here() {
    let zone = jiff::tz::TimeZone::UTC;
    let here: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let end: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
    for (typed, want) in [
        ("11:00", "2026-11-21T11:00:00Z"),
        ("13:30", "2026-11-21T13:30:00Z"),
        ("02:00", "2026-11-21T02:00:00Z"),
        ("Sun 22:30", "2026-11-22T22:30:00Z"),
        ("Sat 10:58", "2026-11-21T10:58:00Z"),
        ("2026-11-22 10:58", "2026-11-22T10:58:00Z"),
        ("2026-11-22T10:58:30Z", "2026-11-22T10:58:30Z"),
        ("-90m", "2026-11-21T10:30:00Z"),
        ("+10m", "2026-11-21T12:10:00Z"),
    ] {
        assert_eq!(
            moment(typed, here, end, &zone).map(|t| t.to_string()).as_deref(),
            Ok(want),
            "{typed}"
        );
    }
    for (typed, why) in [
        ("", "type a time"),
        ("-", "type a moment"),
        ("-soon", "write 10:58"),
        ("noon", "noon is no time of day"),
    ] {
        let said = moment(typed, here, end, &zone);
        assert!(said.as_ref().is_err_and(|e| e.contains(why)), "{typed}: {said:?}");
    }
}

#[test]
fn a_record_alone_has_no_now_to_go_back_to() {
    let mut a = App::new(a_replay(), Model::new(None));
    a.past = Some(Travel::replay(at(-600), true));
    answer(&mut a, seen(-600, true), now());
    assert!(
        a.past.as_ref().unwrap().play.is_some(),
        "it is played from its first picture on"
    );
    assert!(words(&a).starts_with("a record, 10m ago"), "{}", words(&a));
    assert_eq!(asked(keys(&mut a, "G")), [Back::To(now())]);
    keys(&mut a, "p");
    assert!(said(&a).contains("this is a record"), "{}", said(&a));
}

fn a_replay() -> AppOptions {
    AppOptions {
        zone: jiff::tz::TimeZone::UTC,
        ..AppOptions::new("replay")
    }
}
