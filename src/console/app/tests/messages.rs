//! Messages behind the queue: asked for, answered, turned, searched and opened.

use super::*;
use crate::console::app::Asked;
use crate::domain::effect::Messages;
use crate::domain::message::{MessagePage, Pick, PickBy};

fn view(a: &App) -> &MessagesView {
    match &a.screen {
        Screen::Messages(view) => view,
        other => panic!("no messages: {other:?}"),
    }
}
fn pick(by: PickBy, text: &str, skip: u64) -> Pick {
    Pick {
        by,
        text: text.to_owned(),
        skip,
    }
}
fn all(skip: u64) -> Pick {
    pick(PickBy::All, "", skip)
}
/// What asking for these messages of mbox1 is.
fn question(pick: &Pick) -> Vec<Effect> {
    vec![Effect::Messages {
        server: "mbox1".into(),
        queue: "postfix".into(),
        pick: pick.clone(),
    }]
}
fn answer(a: &mut App, pick: &Pick, page: Messages) {
    let answer = Answer::Messages {
        server: "mbox1".into(),
        queue: "postfix".into(),
        pick: pick.clone(),
        page,
    };
    assert_eq!(a.update(Msg::Answer(answer), now()), []);
}
fn page(pick: &Pick) -> MessagePage {
    fixture::flows::page(pick.clone(), 40)
}
fn listed(a: &mut App, pick: &Pick) {
    answer(a, pick, Messages::Are(Box::new(page(pick))));
}
/// All messages of mbox1, listed.
fn opened() -> App {
    let mut a = weekend();
    enter(&mut a);
    assert_eq!(keys(&mut a, "M"), question(&all(0)));
    listed(&mut a, &all(0));
    a
}
fn ids(a: &App) -> Vec<String> {
    view(a).shown().iter().map(|m| m.id.to_string()).collect()
}

#[test]
fn a_destination_or_reason_under_the_cursor_opens_the_messages_behind_it() {
    let mut a = app(fixture::weekend(), (80, 60));
    enter(&mut a);
    assert_eq!(enter(&mut a), [], "nothing is chosen in the probe's pane");
    assert!(said(&a).contains("choose a destination or a reason"), "{}", said(&a));
    keys(&mut a, "2j");
    let first = pick(PickBy::Destination("example.net".into()), "", 0);
    assert_eq!(enter(&mut a), question(&first));
    esc(&mut a);
    let reason = "connect to …[…]:lmtp: Connection refused";
    let found = (0..40).any(|_| {
        keys(&mut a, "j");
        matches!(&a.screen, Screen::Server(v) if v.cursor == Some(PickBy::Reason(reason.into())))
    });
    assert!(found);
    assert_eq!(enter(&mut a), question(&pick(PickBy::Reason(reason.into()), "", 0)));
}

#[test]
fn the_cursor_comes_to_every_row_on_a_small_screen_and_the_pane_scrolls_with_it() {
    let mut a = app(fixture::weekend(), (60, 15));
    enter(&mut a);
    keys(&mut a, "2");
    let mut seen = Vec::new();
    for _ in 0..60 {
        keys(&mut a, "j");
        if let Screen::Server(v) = &a.screen
            && let Some(by) = v.cursor.clone()
            && seen.last() != Some(&by)
        {
            seen.push(by);
        }
    }
    let reasons = seen.iter().filter(|by| matches!(by, PickBy::Reason(_))).count();
    assert!(reasons == 3 && seen.len() >= 5, "{seen:#?}");
    let last = seen.last().cloned();
    let mut back = Vec::new();
    for _ in 0..60 {
        keys(&mut a, "k");
        if let Screen::Server(v) = &a.screen {
            back.extend(v.cursor.clone().filter(|by| back.last() != Some(by)));
        }
    }
    assert!(last.is_some() && back.last() == seen.first(), "{back:#?}");
    assert!(
        matches!(&a.screen, Screen::Server(v) if v.scrolled(Pane::Queue) == 0),
        "up to the very top"
    );
}

#[test]
fn a_row_out_of_sight_is_not_opened() {
    let mut a = app(fixture::weekend(), (60, 15));
    enter(&mut a);
    keys(&mut a, "2");
    while !matches!(&a.screen, Screen::Server(v) if v.cursor.is_some()) {
        keys(&mut a, "j");
    }
    code(&mut a, KeyCode::Home);
    assert_eq!(enter(&mut a), []);
    assert!(matches!(a.screen, Screen::Server(_)));
}

#[test]
fn what_is_waited_for_says_so_and_an_answer_to_another_question_is_not_shown() {
    let mut a = weekend();
    enter(&mut a);
    keys(&mut a, "M");
    assert_eq!(view(&a).asked, Asked::Sent(now()));
    answer(&mut a, &all(0), Messages::In(Span::from_secs(54)));
    assert_eq!(view(&a).asked, Asked::Fits(at(54)));
    assert_eq!(
        keys(&mut a, "R"),
        question(&all(0)),
        "it may be asked again while it waits"
    );
    answer(&mut a, &all(0), Messages::Listing);
    assert_eq!(view(&a).asked, Asked::Listing(now()));
    assert_eq!(keys(&mut a, "R"), [], "a listing that runs is not begun anew");
    for other in [all(40), pick(PickBy::Destination("far.test".into()), "", 0)] {
        listed(&mut a, &other);
        assert!(view(&a).page.is_none() && view(&a).waits());
    }
    listed(&mut a, &all(0));
    assert_eq!((ids(&a).len(), view(&a).waits()), (40, false));
    answer(&mut a, &all(0), Messages::Listing);
    assert!(!view(&a).waits(), "late word of a question that was answered");
    assert_eq!(keys(&mut a, "R"), question(&all(0)));
    assert_eq!(
        ids(&a).len(),
        40,
        "what was listed stays until there is something newer"
    );
}

#[test]
fn an_answer_after_going_back_opens_nothing() {
    let mut a = weekend();
    enter(&mut a);
    keys(&mut a, "2M");
    esc(&mut a);
    listed(&mut a, &all(0));
    assert!(matches!(&a.screen, Screen::Server(v) if v.pane == Pane::Queue));
}

#[test]
fn why_messages_could_not_be_listed_is_kept_until_they_are_asked_for_again() {
    let mut a = weekend();
    enter(&mut a);
    keys(&mut a, "M");
    answer(&mut a, &all(0), Messages::Missed(fixture::unreachable("mbox1")));
    assert!(matches!(view(&a).asked, Asked::Missed(_)));
    assert_eq!(keys(&mut a, "R"), question(&all(0)));
}

#[test]
fn pages_go_on_where_the_one_before_ended_and_back_without_asking() {
    let mut a = opened();
    assert_eq!(keys(&mut a, ">"), question(&all(40)));
    assert_eq!(keys(&mut a, ">"), [], "one question at a time");
    listed(&mut a, &all(40));
    assert_eq!(ids(&a)[0], "4Cq0040xTz8");
    assert_eq!(code(&mut a, KeyCode::End), []);
    assert_eq!(code(&mut a, KeyCode::PageDown), question(&all(80)));
    assert_eq!(keys(&mut a, "<"), []);
    assert_eq!((ids(&a)[0].as_str(), view(&a).waits()), ("4Cq0040xTz8", false));
    listed(&mut a, &all(80));
    assert_eq!(ids(&a)[0], "4Cq0040xTz8", "the page that was turned away from");
    keys(&mut a, "<");
    assert_eq!(ids(&a)[0], "4Cq0000xTz8");
    assert_eq!(keys(&mut a, "<"), []);
    assert_eq!(ids(&a)[0], "4Cq0000xTz8");
}

#[test]
fn there_is_no_page_after_the_last() {
    let mut a = weekend();
    enter(&mut a);
    keys(&mut a, "M");
    let few = MessagePage {
        fit: 40,
        ..page(&all(0))
    };
    answer(&mut a, &all(0), Messages::Are(Box::new(few)));
    assert_eq!(keys(&mut a, ">"), []);
    assert_eq!(said(&a), "there are no more pages");
    // A listing that holds fewer than it says must not be asked for the same page for ever.
    let none = MessagePage {
        messages: Vec::new(),
        ..page(&all(0))
    };
    keys(&mut a, "R");
    answer(&mut a, &all(0), Messages::Are(Box::new(none)));
    assert_eq!(keys(&mut a, ">"), []);
}

#[test]
fn a_search_shows_what_matches_while_it_is_typed_and_enter_asks_for_all_that_do() {
    let mut a = opened();
    keys(&mut a, ">");
    listed(&mut a, &all(40));
    assert_eq!(keys(&mut a, "/USER41."), []);
    assert_eq!(ids(&a), ["4Cq0041xTz8"], "in whatever case");
    let wanted = pick(PickBy::All, "USER41.", 0);
    assert_eq!(enter(&mut a), question(&wanted));
    assert!(view(&a).page.is_none(), "the old rows are no answer to it");
    listed(&mut a, &wanted);
    assert_eq!(keys(&mut a, "/"), []);
    esc(&mut a);
    assert_eq!((view(&a).pick.text.as_str(), ids(&a).len()), ("USER41.", 40));
    // Typed again as it is: that was asked already.
    keys(&mut a, "/");
    assert_eq!(enter(&mut a), []);
    assert_eq!(keys(&mut a, "q"), [Effect::Quit]);
}

#[test]
fn one_message_is_opened_scrolls_and_stays_the_same_when_the_list_is_newer() {
    let mut a = app(fixture::weekend(), (60, 15));
    enter(&mut a);
    keys(&mut a, "M");
    listed(&mut a, &all(0));
    keys(&mut a, "jj");
    enter(&mut a);
    assert_eq!(a.place(), Place::Message);
    code(&mut a, KeyCode::End);
    let end = view(&a).open.unwrap();
    assert!(end > 0 && end < 60, "{end}");
    esc(&mut a);
    assert_eq!(a.place(), Place::Messages);
    keys(&mut a, "R");
    enter(&mut a);
    let mut newer = page(&all(0));
    newer.messages.remove(0);
    answer(&mut a, &all(0), Messages::Are(Box::new(newer)));
    let id = view(&a).chosen().map(|m| m.id.to_string());
    assert_eq!((id.as_deref(), a.place()), (Some("4Cq0002xTz8"), Place::Message));
    esc(&mut a);
    keys(&mut a, "R");
    enter(&mut a);
    let mut gone = page(&all(0));
    gone.messages.drain(..5);
    answer(&mut a, &all(0), Messages::Are(Box::new(gone)));
    assert_eq!(
        a.place(),
        Place::Messages,
        "it left the queue: no other one is opened in its place"
    );
}

#[test]
fn a_server_that_is_no_longer_watched_takes_its_messages_with_it() {
    let mut a = opened();
    let roster = Roster {
        servers: vec![fixture::watched("mx1", "imap queue", &[])],
        ..Roster::default()
    };
    learn(&mut a, vec![event(-1, Subject::Observer, Fact::Watching(roster))]);
    assert!(matches!(a.screen, Screen::Fleet));
    assert_eq!(said(&a), "mbox1 is no longer watched");
}
