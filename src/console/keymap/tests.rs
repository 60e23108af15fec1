use super::*;
use Command as C;
use KeyCode as K;
use Place as P;

const ALL: [Place; 27] = [
    P::Fleet,
    P::Server,
    P::Messages,
    P::Message,
    P::Search,
    P::Outage,
    P::GoTo,
    P::Plan,
    P::Progress,
    P::Pick,
    P::Question,
    P::Palette,
    P::Filter,
    P::Page,
    P::Batch,
    P::BatchRows,
    P::BatchRun,
    P::BatchPlan,
    P::Incidents,
    P::Incident,
    P::Saying,
    P::Fields,
    P::Choosing,
    P::Posting,
    P::Publishing,
    P::NotPosted,
    P::Words,
];

#[test]
fn no_key_means_two_things_in_one_place() {
    for place in ALL {
        let keys: Vec<_> = here(place)
            .flat_map(|b| b.keys.iter().map(move |k| (*k, b.command)))
            .collect();
        for (i, (key, command)) in keys.iter().enumerate() {
            assert!(
                keys[i + 1..].iter().all(|(k, _)| k != key),
                "{place:?}: {} for {command:?}",
                key.label()
            );
        }
    }
}

#[test]
fn every_footer_key_is_a_key_of_its_command() {
    for b in BINDINGS {
        let Some(f) = b.foot else { continue };
        let first = match f.key {
            "⏎" => "Enter".to_owned(),
            pair @ ("↑↓" | "←→") => pair.chars().take(1).collect(),
            key => key.to_owned(),
        };
        assert!(b.keys.iter().any(|k| k.label() == first), "{b:?}");
    }
}

#[test]
fn typing_places_leave_letters_to_the_text() {
    for place in [
        P::Plan,
        P::Batch,
        P::Palette,
        P::Filter,
        P::Search,
        P::Outage,
        P::GoTo,
        P::Saying,
        P::Fields,
        P::Choosing,
        P::Posting,
        P::Words,
    ] {
        for b in here(place) {
            assert!(
                b.keys.iter().all(|k| k.ctrl || !matches!(k.code, K::Char(_))),
                "{place:?} {b:?}"
            );
        }
    }
}

#[test]
fn every_place_has_a_way_out_and_says_so() {
    for place in ALL {
        assert!(
            here(place).any(|b| matches!(b.command, C::Back | C::Quit) && b.foot.is_some()),
            "{place:?}"
        );
        assert!(
            find(place, KeyEvent::new(K::Char('c'), KeyModifiers::CONTROL)).is_some(),
            "{place:?}"
        );
    }
}

#[test]
fn what_the_rules_of_the_hand_name_is_bound_on_both_screens() {
    for place in [P::Fleet, P::Server] {
        for (key, command) in [
            ('?', C::Help),
            (':', C::Palette),
            ('q', C::Quit),
            ('p', C::Pause),
            ('r', C::Resume),
            ('+', C::Extend),
            ('R', C::Refresh),
            ('m', C::Mouse),
            ('j', C::Down),
            ('k', C::Up),
        ] {
            assert_eq!(
                find(place, KeyEvent::new(K::Char(key), KeyModifiers::NONE)),
                Some(command),
                "{place:?} {key}"
            );
        }
    }
    for when in [P::Now, P::Past] {
        for (key, command) in [
            ('[', C::StepBack),
            (']', C::StepOn),
            ('{', C::LineBefore),
            ('}', C::LineAfter),
            ('g', C::GoTo),
            ('G', C::Live),
        ] {
            let key = KeyEvent::new(K::Char(key), KeyModifiers::SHIFT);
            assert_eq!(find(when, key), Some(command), "{when:?} {key:?}");
        }
    }
    assert_eq!(find(P::Fleet, KeyEvent::new(K::Char('p'), KeyModifiers::ALT)), None);
}
