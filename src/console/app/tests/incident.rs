//! Keys on the screens of incidents: what goes on record, what goes out, and what a person is told.

use super::*;
use crate::console::fixture::incidents::{self as desk, entry, id, store};
use crate::domain::argv::Argv;
use crate::domain::effect::{CopyTo, Went};
use crate::domain::incident::draft::{For, Stage as Says};
use crate::domain::incident::fact::{Out, TicketIs};
use crate::domain::incident::number::Pattern;
use crate::domain::incident::terms::Remind;
use crate::domain::incident::{IncidentId, Said, State, Terms};
use crate::domain::{Name, Text};

fn console(model: Model) -> App {
    let mut a = app(model, (80, 24));
    a.options.terms = Terms {
        publish: Some(Argv::new("post-status", ["-q"])),
        number: Pattern::parse("INC######").ok(),
        ..Terms::default()
    };
    a
}
fn one() -> App {
    let mut a = console(desk::desk());
    keys(&mut a, "i");
    a
}
fn of_store(said: Said) -> Vec<Effect> {
    vec![Effect::Said {
        incident: Some(store()),
        said,
    }]
}
fn shown_id(a: &App) -> Option<IncidentId> {
    match &a.screen {
        Screen::Incident(view) => Some(view.id.clone()),
        _ => None,
    }
}
fn screen(a: &App) -> String {
    fixture::text(&crate::console::view::frame(a, now()))
}

#[test]
fn i_opens_the_one_that_is_open_and_then_the_list_and_back_leads_to_where_one_was() {
    let mut a = console(desk::desk());
    enter(&mut a);
    keys(&mut a, "i");
    assert_eq!(shown_id(&a), Some(store()));
    keys(&mut a, "i");
    assert!(matches!(&a.screen, Screen::Incidents(v) if v.chosen == Some(store())));
    enter(&mut a);
    assert_eq!(shown_id(&a), Some(store()));
    keys(&mut a, "i");
    esc(&mut a);
    assert!(
        matches!(&a.screen, Screen::Server(v) if v.name == "mbox1".into()),
        "to the server"
    );
    let mut a = console(desk::several());
    keys(&mut a, "i");
    assert!(
        matches!(a.screen, Screen::Incidents(_)),
        "which of several is not for a key to say"
    );
    keys(&mut a, "jjj");
    assert_eq!(
        a.incident_meant().map(|i| i.state),
        Some(State::Resolved),
        "the one that is over is last"
    );
    enter(&mut a);
    assert_eq!(shown_id(&a), Some(id("20261120T1102-0001")));
    esc(&mut a);
    esc(&mut a);
    assert!(matches!(a.screen, Screen::Fleet));
}

#[test]
fn a_note_is_written_from_anywhere_and_asks_which_when_there_are_several() {
    for before in ["", "\n", "\nM", "i"] {
        let mut a = console(desk::desk());
        for k in before.chars() {
            code(&mut a, if k == '\n' { KeyCode::Enter } else { KeyCode::Char(k) });
        }
        keys(&mut a, "nthe vendor called");
        a.update(Msg::Paste(" at\n10:58".into()), now());
        let noted = Said::Noted("the vendor called at 10:58".into());
        assert_eq!(enter(&mut a), of_store(noted), "{before:?}");
        assert!(a.overlay.is_none());
    }
    let mut a = console(desk::several());
    keys(&mut a, "n");
    assert!(matches!(a.overlay, Some(Overlay::Which(_))));
    code(&mut a, KeyCode::Down);
    enter(&mut a);
    keys(&mut a, "x");
    assert!(
        matches!(&enter(&mut a)[..], [Effect::Said { incident: Some(i), .. }] if *i == id("20261122T1746-00ff")),
        "the second of those that go on"
    );
    let mut a = console(fixture::weekend());
    keys(&mut a, "n");
    assert!(
        a.overlay.is_none() && said(&a).contains("no incident is open"),
        "{}",
        said(&a)
    );
}

#[test]
fn a_note_without_words_is_none_and_escape_puts_nothing_on_record() {
    let mut a = one();
    keys(&mut a, "n  ");
    assert_eq!(enter(&mut a), []);
    assert!(screen(&a).contains("write something down"));
    a.update(Msg::Paste("x".repeat(2_001)), now());
    assert_eq!(enter(&mut a), [], "not all of it would be kept");
    assert!(
        screen(&a).contains("a note has at most 2000 characters"),
        "{}",
        screen(&a)
    );
    assert_eq!(esc(&mut a), []);
    assert!(a.overlay.is_none());
}

#[test]
fn a_ticket_names_who_is_affected_and_one_like_the_operators_number_becomes_it() {
    let mut a = one();
    keys(&mut a, "tT-1");
    code(&mut a, KeyCode::Tab);
    keys(&mut a, "mail room, ,reception ");
    let ticket = |ticket: &str, affected: &[&str], is| Said::Ticket {
        ticket: ticket.into(),
        affected: affected.iter().map(|a| (*a).to_owned()).collect(),
        is,
    };
    assert_eq!(
        enter(&mut a),
        of_store(ticket("T-1", &["mail room", "reception"], TicketIs::Report))
    );
    keys(&mut a, "tinc000001");
    assert_eq!(enter(&mut a), of_store(ticket("inc000001", &[], TicketIs::Number)));
    keys(&mut a, "t");
    assert_eq!(enter(&mut a), [], "without a ticket there is none");
}

#[test]
fn taking_it_asks_once_more_and_who_took_it_first_is_told() {
    let mut a = console(desk::several());
    keys(&mut a, "i");
    enter(&mut a);
    assert_eq!(keys(&mut a, "a"), []);
    assert!(matches!(
        &enter(&mut a)[..],
        [Effect::Said {
            said: Said::Acknowledged,
            ..
        }]
    ));
    let mut a = one();
    keys(&mut a, "a");
    assert!(
        a.overlay.is_none() && said(&a).contains("lin@bastion took it already"),
        "{}",
        said(&a)
    );
}

#[test]
fn the_next_state_is_offered_first_and_any_other_can_be_chosen() {
    let state = |to, why: &str| Said::State { to, why: why.into() };
    let mut a = one();
    keys(&mut a, "s");
    assert_eq!(enter(&mut a), of_store(state(State::Monitoring, "")));
    keys(&mut a, "s");
    code(&mut a, KeyCode::Left);
    assert_eq!(enter(&mut a), [], "it is identified already");
    code(&mut a, KeyCode::Left);
    keys(&mut a, "it was not the array");
    assert_eq!(
        enter(&mut a),
        of_store(state(State::Investigating, "it was not the array"))
    );
}

#[test]
fn it_is_over_only_with_a_reason_and_after_what_the_record_says_was_shown() {
    let mut a = one();
    keys(&mut a, "R");
    assert!(screen(&a).contains("NOT proposed"), "{}", screen(&a));
    assert_eq!(enter(&mut a), []);
    assert!(screen(&a).contains("say why it is over"));
    keys(&mut a, "both disks are new");
    let said = Said::State {
        to: State::Resolved,
        why: "both disks are new".into(),
    };
    assert_eq!(enter(&mut a), of_store(said));
    let mut a = console(desk::proposed());
    keys(&mut a, "iR");
    assert!(
        screen(&a).contains("last bad probe 18:11:04, first good"),
        "{}",
        screen(&a)
    );
}

#[test]
fn a_start_is_corrected_by_a_time_and_both_are_shown() {
    let mut a = one();
    keys(&mut a, "oSat 10:58");
    assert!(screen(&a).contains("last good Sat 10:59:50, first bad Sat 11:00:00"));
    let at = "2026-11-21T10:58:00Z".parse().ok();
    assert_eq!(enter(&mut a), of_store(Said::Started(at)));
    keys(&mut a, "o-");
    assert_eq!(enter(&mut a), of_store(Said::Started(None)));
    keys(&mut a, "onoon");
    assert_eq!(enter(&mut a), []);
    assert!(a.overlay.is_some());
}

#[test]
fn one_is_opened_by_hand_and_shown_once_it_is_on_record() {
    let mut a = console(fixture::weekend());
    keys(&mut a, "iO");
    assert_eq!(enter(&mut a), [], "neither a name nor a server");
    keys(&mut a, "lists are late");
    code(&mut a, KeyCode::Tab);
    keys(&mut a, "mx9");
    assert_eq!(enter(&mut a), []);
    assert!(screen(&a).contains("mx9 is no server"), "{}", screen(&a));
    ctrl(&mut a, 'u');
    keys(&mut a, "mx1, mx2");
    code(&mut a, KeyCode::Tab);
    keys(&mut a, "18:00");
    let servers: Vec<Name> = vec!["mx1".into(), "mx2".into()];
    let opened = Said::Opened {
        name: "lists are late".into(),
        servers,
        started: at(-2_164),
    };
    let asked = enter(&mut a);
    assert_eq!(
        asked,
        [Effect::Said {
            incident: None,
            said: opened.clone()
        }]
    );
    assert!(
        matches!(a.screen, Screen::Incidents(_)),
        "nothing is shown that is not on record"
    );
    let new = id("20261122T1800-0001");
    learn(&mut a, vec![entry(0, &new, opened.entry(&"lin@bastion".into()))]);
    assert_eq!(shown_id(&a), Some(new));
}

#[test]
fn the_draft_goes_to_the_program_as_it_is_shown_and_its_failure_is_told_in_full() {
    let mut a = one();
    keys(&mut a, "P");
    ctrl(&mut a, 'u');
    keys(&mut a, "45m");
    let shown = screen(&a);
    assert!(
        shown.contains("promised for Sun 19:21 UTC") && shown.contains("runs post-status -q"),
        "{shown}"
    );
    let asked = enter(&mut a);
    let [
        Effect::Publish {
            incident,
            shown,
            words,
            next_at,
        },
    ] = &asked[..]
    else {
        panic!("{asked:?}");
    };
    assert_eq!(
        (incident, &**shown, *next_at),
        (&store(), "post-status -q", Some(at(2_700)))
    );
    assert!(
        words.contains("We will give the next update at Sun 19:21 UTC."),
        "{words}"
    );
    assert_eq!(enter(&mut a), [], "it is on its way");
    let failed = |why: &[&str]| {
        Msg::Answer(Answer::NotPublished {
            incident: store(),
            went: Went::NotPosted,
            why: why.iter().map(|w| Text::from(*w)).collect(),
        })
    };
    a.update(failed(&["post-status -q failed: exit 7:", "no route"]), now());
    let told = screen(&a);
    assert!(told.contains("NOT posted") && told.contains("no route") && told.contains("nothing was put on record"));
    assert_eq!(enter(&mut a), [], "it is looked at again");
    assert!(matches!(&enter(&mut a)[..], [Effect::Publish { .. }]));
    esc(&mut a);
    a.update(failed(&["timed out"]), now());
    let notices = a.notices();
    assert!(
        notices
            .iter()
            .any(|(_, n)| n.contains("NOT posted") && n.contains("timed out")),
        "{notices:?}"
    );
}

#[test]
fn while_a_program_has_an_update_no_second_one_is_handed_out() {
    let mut a = one();
    keys(&mut a, "P");
    assert!(matches!(&enter(&mut a)[..], [Effect::Publish { .. }]));
    esc(&mut a);
    keys(&mut a, "P");
    assert_eq!(enter(&mut a), []);
    assert!(
        screen(&a).contains("a program has an update of it already"),
        "{}",
        screen(&a)
    );
    let answer = |went| Answer::NotPublished {
        incident: store(),
        went,
        why: vec!["post-status -q: not done after 30s, so it was ended".into()],
    };
    a.update(Msg::Answer(answer(Went::Unknown)), now());
    let (_, told) = a.notices().pop().unwrap();
    assert!(told.contains("whether it was posted is not known"), "{told}");
    assert!(matches!(&enter(&mut a)[..], [Effect::Publish { .. }]));
    a.update(Msg::Answer(answer(Went::Unknown)), now());
    let shown = screen(&a);
    assert!(
        shown.contains("is not known: look at the page") && !shown.contains("was not told"),
        "{shown}"
    );
    enter(&mut a);
    assert!(matches!(&enter(&mut a)[..], [Effect::Publish { .. }]));
    a.update(Msg::Answer(answer(Went::Posted)), now());
    assert!(screen(&a).contains("WAS POSTED"), "{}", screen(&a));
    enter(&mut a);
    // What the public was told is not told again.
    assert!(matches!(
        &enter(&mut a)[..],
        [Effect::Said {
            said: Said::Posted { out: Out::ByHand, .. },
            ..
        }]
    ));
}

#[test]
fn a_start_after_it_was_noticed_is_refused_on_the_screen() {
    let mut a = one();
    keys(&mut a, "o");
    keys(&mut a, "18:35");
    assert_eq!(enter(&mut a), []);
    assert!(screen(&a).contains("cannot have begun after"), "{}", screen(&a));
}

#[test]
fn an_update_that_somebody_posted_elsewhere_is_put_on_record_with_what_it_promised() {
    let mut a = one();
    keys(&mut a, "P");
    code(&mut a, KeyCode::Right);
    ctrl(&mut a, 'u');
    keys(&mut a, "-");
    let done = enter(&mut a);
    let [
        Effect::Said {
            said:
                Said::Posted {
                    words,
                    next_at: None,
                    out: Out::ByHand,
                },
            ..
        },
    ] = &done[..]
    else {
        panic!("{done:?}");
    };
    assert!(!words.contains("next update"), "nothing is promised: {words}");
}

#[test]
fn an_edited_draft_stays_as_it_was_edited_until_it_is_posted_or_taken_from_the_record_again() {
    let mut a = one();
    keys(&mut a, "e");
    esc(&mut a);
    let draft = |a: &App| a.draft(a.model.incident(&store()).unwrap(), now());
    assert_eq!(draft(&a).edited, None, "nothing was changed");
    keys(&mut a, "e");
    ctrl(&mut a, 'k');
    keys(&mut a, "Mail");
    enter(&mut a);
    a.update(Msg::Paste("is\nlate".into()), now());
    esc(&mut a);
    assert!(draft(&a).words.starts_with("Mail\nis\nlate\n"), "{}", draft(&a).words);
    assert_eq!(draft(&a).edited, Some(now()));
    keys(&mut a, "w");
    assert_eq!(
        draft(&a).whom,
        For::Customer,
        "an edited draft is not thrown away by a key"
    );
    let words = draft(&a).words;
    learn(&mut a, vec![entry(1, &store(), desk::posted(&words, None))]);
    assert_eq!(draft(&a).edited, None);
    keys(&mut a, "w");
    code(&mut a, KeyCode::Right);
    assert_eq!(
        (draft(&a).whom, draft(&a).stage),
        (For::Technical, Says::State(State::Monitoring))
    );
}

#[test]
fn words_that_were_put_aside_for_the_record_come_back_by_the_same_key() {
    let mut a = one();
    let draft = |a: &App| a.draft(a.model.incident(&store()).unwrap(), now());
    let before = draft(&a).words;
    keys(&mut a, "emine ");
    ctrl(&mut a, 'r');
    assert!(a.overlay.is_none());
    assert_eq!((draft(&a).words, draft(&a).edited), (before, None));
    keys(&mut a, "u");
    assert!(draft(&a).words.starts_with("mine ") && draft(&a).edited.is_some());
}

#[test]
fn the_users_own_editor_gets_the_draft_and_what_it_leaves_is_the_draft() {
    let mut a = one();
    let draft = |a: &App| a.draft(a.model.incident(&store()).unwrap(), now());
    let before = draft(&a).words;
    assert_eq!(keys(&mut a, "E"), [Effect::Edit(before.clone())]);
    a.update(Msg::Edited(Ok("words\n".into())), now());
    assert_eq!((draft(&a).words.as_str(), draft(&a).edited), ("words\n", Some(now())));
    keys(&mut a, "uE");
    a.update(
        Msg::Edited(Err("vi ended with status 1: the draft is as it was".into())),
        now(),
    );
    assert_eq!(draft(&a).words, before);
    assert!(said(&a).contains("status 1"));
}

#[test]
fn the_draft_is_copied_or_written_and_the_screen_says_what_became_of_it() {
    let mut a = one();
    let words = a.draft(a.model.incident(&store()).unwrap(), now()).words;
    let copy = |to| {
        vec![Effect::Copy {
            words: words.clone(),
            file: "update-20261121T1100-4fa2.txt".into(),
            to,
        }]
    };
    assert_eq!(keys(&mut a, "y"), copy(CopyTo::Clipboard));
    assert_eq!(keys(&mut a, "Y"), copy(CopyTo::File));
    a.update(Msg::Copied("~/x has it: as you asked".into()), now());
    assert!(screen(&a).contains("~/x has it: as you asked"));
}

#[test]
fn leaving_with_an_edited_draft_is_asked_once_more() {
    let mut a = one();
    keys(&mut a, "ex");
    esc(&mut a);
    assert_eq!(keys(&mut a, "q"), []);
    assert!(said(&a).contains("once more leaves and loses it"), "{}", said(&a));
    keys(&mut a, "j");
    assert_eq!(keys(&mut a, "q"), [], "another key came in between");
    assert_eq!(ctrl(&mut a, 'c'), [Effect::Quit]);
}

#[test]
fn no_name_of_an_incident_leads_out_of_the_folder_of_its_file() {
    let mut a = console(fixture::weekend());
    learn(&mut a, vec![entry(-60, &id("../../etc/x y"), desk::by_hand("x", -60))]);
    let copied = keys(&mut a, "iy");
    assert!(
        matches!(&copied[..], [Effect::Copy { file, .. }] if file == "update-etcxy.txt"),
        "{copied:?}"
    );
}

#[test]
fn a_reminder_comes_once_for_each_time_that_an_update_becomes_due() {
    let mut a = console(desk::desk());
    a.options.terms.remind = vec![Remind::Bell, Remind::Osc9];
    let reminded = |effects: Vec<Effect>| -> Vec<String> {
        let words = |e: Effect| match e {
            Effect::Remind { words, .. } => Some(words.to_string()),
            _ => None,
        };
        effects.into_iter().filter_map(words).collect()
    };
    let first = reminded(a.update(Msg::Tick, now()));
    assert!(
        matches!(&first[..], [w] if w.contains("INC267603") && w.contains("OVERDUE by 2h12m")),
        "{first:?}"
    );
    assert!(reminded(a.update(Msg::Tick, at(1))).is_empty());
    a.update(
        Msg::Events(vec![entry(2, &store(), desk::posted("x", Some(1_202)))]),
        at(2),
    );
    assert!(reminded(a.update(Msg::Tick, at(600))).is_empty(), "not yet");
    assert_eq!(reminded(a.update(Msg::Tick, at(1_000))).len(), 1, "due within minutes");
    assert!(reminded(a.update(Msg::Tick, at(2_000))).is_empty(), "once");
    a.options.terms.remind.clear();
    a.update(
        Msg::Events(vec![entry(2_001, &store(), desk::posted("x", None))]),
        at(2_001),
    );
    assert!(
        reminded(a.update(Msg::Tick, at(99_000))).is_empty(),
        "nobody asked for it"
    );
}

#[test]
fn another_config_is_taken_over_and_a_wrong_template_is_named() {
    let mut a = one();
    let mut terms = Terms::default();
    terms.cadence.later = Span::from_hours(9);
    terms
        .templates
        .take("customer-identified.txt", "/t/customer-identified.txt", "{cause}");
    a.update(Msg::Answer(Answer::Terms(Box::new(terms))), now());
    assert!(
        a.notices()
            .iter()
            .any(|(_, n)| n.contains("/t/customer-identified.txt:1: there is no field {cause}"))
    );
    keys(&mut a, "3");
    assert!(screen(&a).contains("there is no field {cause}"), "{}", screen(&a));
    assert!(!screen(&a).contains("posted by"));
    keys(&mut a, "P");
    assert!(screen(&a).contains("by hand"), "no program is configured any more");
}

#[test]
fn a_read_only_console_keeps_the_record_and_changes_no_server() {
    let mut a = one();
    a.options.access = Access::ReadOnly;
    keys(&mut a, "nseen");
    assert_eq!(enter(&mut a), of_store(Said::Noted("seen".into())));
    assert_eq!(keys(&mut a, "p"), []);
    assert!(said(&a).contains("read-only"), "{}", said(&a));
}

#[test]
fn a_pause_from_its_screen_means_its_only_server() {
    let mut a = one();
    keys(&mut a, "p");
    assert!(
        matches!(&a.overlay, Some(Overlay::Pick(p)) if p.server == "mbox1".into()),
        "{:?}",
        a.overlay
    );
    esc(&mut a);
    let mut a = console(desk::several());
    keys(&mut a, "i");
    enter(&mut a);
    assert_eq!(keys(&mut a, "p"), []);
    assert!(
        a.overlay.is_none() && said(&a).contains("no server of this incident"),
        "{}",
        said(&a)
    );
}

#[test]
fn of_a_hundred_thousand_entries_the_newest_are_looked_at_and_what_is_left_out_is_said() {
    let mut model = desk::desk();
    for n in 0..100_000 {
        model.apply(&entry(-500, &store(), desk::noted(&format!("note {n}"))));
    }
    let mut a = app(model, (120, 40));
    keys(&mut a, "i");
    let Screen::Incident(view) = &a.screen else { panic!() };
    assert!(
        a.told(view, now()).len() <= 4_010,
        "what a key and its paint go through is bounded"
    );
    code(&mut a, KeyCode::End);
    let end = screen(&a);
    assert!(
        end.contains("older lines of the fleet's timeline are not kept here"),
        "{end}"
    );
    assert!(
        end.contains("99\u{202f}50") && end.contains("mailtop incident show INC267603"),
        "{end}"
    );
}

#[test]
fn what_was_not_read_from_the_record_is_said_below_the_oldest_line() {
    let mut a = one();
    a.options.read_from = Some(at(-7_200));
    code(&mut a, KeyCode::End);
    assert!(screen(&a).contains("of what came before Sun 16:36"), "{}", screen(&a));
}

#[test]
fn one_source_at_a_time_is_shown_and_then_all_again() {
    let mut a = one();
    let mut seen = Vec::new();
    for _ in 0..8 {
        keys(&mut a, "f");
        let Screen::Incident(view) = &a.screen else { panic!() };
        let Some(kind) = view.source else { break };
        let lines = a.told(view, now());
        assert!(!lines.is_empty() && lines.iter().all(|l| l.source.kind() == kind));
        seen.push(kind.word());
    }
    assert_eq!(
        seen,
        ["probe", "queue", "job", "person", "rules", "senders", "observer"]
    );
}

#[test]
fn who_leaves_while_a_program_posts_is_asked_and_what_cannot_be_recorded_is_not_said() {
    let mut a = one();
    keys(&mut a, "P");
    assert!(matches!(&enter(&mut a)[..], [Effect::Publish { .. }]));
    esc(&mut a);
    assert!(keys(&mut a, "q").is_empty());
    assert_eq!(a.place(), Place::Question);
    assert!(
        screen(&a).contains("still posting the update of INC267603"),
        "{}",
        screen(&a)
    );
    assert_eq!(enter(&mut a), [Effect::Quit]);

    let mut a = one();
    a.recording = Recording::No {
        why: "the disk is full".into(),
    };
    keys(&mut a, "nthe vendor was called");
    assert!(enter(&mut a).is_empty());
    assert!(
        screen(&a).contains("nothing can be put on record now: the disk is full"),
        "{}",
        screen(&a)
    );
}
