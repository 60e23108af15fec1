//! What each message does to the console, as a long table without any I/O.

mod batch;
mod dialog;
mod fuzz;
mod incident;
mod messages;
mod past;
mod record;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::console::fixture::{self, app, at, event, now};
use crate::domain::action::{Plan, ReadBack, Truth, Verb};
use crate::domain::event::{Fact, Subject};
use crate::domain::reading::{Miss, Missed};
use crate::domain::roster::Roster;

fn weekend() -> App {
    app(fixture::weekend(), (80, 24))
}
fn code(app: &mut App, code: KeyCode) -> Vec<Effect> {
    app.update(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), now())
}
fn ctrl(app: &mut App, c: char) -> Vec<Effect> {
    app.update(Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)), now())
}
fn keys(app: &mut App, letters: &str) -> Vec<Effect> {
    letters.chars().flat_map(|c| code(app, KeyCode::Char(c))).collect()
}
fn enter(app: &mut App) -> Vec<Effect> {
    code(app, KeyCode::Enter)
}
fn esc(app: &mut App) -> Vec<Effect> {
    code(app, KeyCode::Esc)
}
fn on(app: &App) -> String {
    app.current(now()).map_or_else(String::new, |n| n.to_string())
}
fn shown(app: &App) -> Vec<String> {
    app.rows(now()).iter().map(|r| r.server.name.to_string()).collect()
}
fn said(app: &App) -> String {
    match app.status(now()).first() {
        Some(Status::Said(text)) => text.to_string(),
        _ => String::new(),
    }
}
fn stage(app: &App) -> &Stage {
    match &app.overlay {
        Some(Overlay::Action(d)) => &d.stage,
        other => panic!("no dialog: {other:?}"),
    }
}
fn learn(app: &mut App, events: Vec<Event>) {
    app.update(Msg::Events(events), now());
}
fn heal(server: &str) -> Event {
    event(
        -1,
        fixture::door(server),
        fixture::probe(server, [1, 1, 9, 1, 6, 3, 2], None),
    )
}
fn pause_plan(lasts: i64) -> Plan {
    fixture::plan("mbox3", "db-compact", Verb::Pause, Some(Span::from_mins(lasts)))
}
/// The dialog of pausing mbox3's only job, with its plan shown.
fn planned() -> App {
    let mut a = weekend();
    keys(&mut a, "jp");
    a.update(Msg::Answer(Answer::Planned(Box::new(pause_plan(30)))), now());
    a
}
/// The same, confirmed.
fn started() -> App {
    let mut a = planned();
    keys(&mut a, "drain");
    enter(&mut a);
    a
}

// The cursor.

#[test]
fn the_cursor_begins_at_the_worst_and_moves_by_rows() {
    let mut a = weekend();
    assert_eq!(on(&a), "mbox1");
    for (key, server) in [('j', "mbox3"), ('j', "mx2"), ('k', "mbox3")] {
        keys(&mut a, &key.to_string());
        assert_eq!(on(&a), server, "after {key}");
    }
    for (key, server) in [
        (KeyCode::End, "out1"),
        (KeyCode::Down, "out1"),
        (KeyCode::Home, "mbox1"),
        (KeyCode::Up, "mbox1"),
    ] {
        code(&mut a, key);
        assert_eq!(on(&a), server, "after {key}");
    }
    code(&mut a, KeyCode::Down);
    code(&mut a, KeyCode::PageDown);
    assert_eq!(on(&a), "out1");
    code(&mut a, KeyCode::PageUp);
    assert_eq!(on(&a), "mbox1");
    code(&mut a, KeyCode::End);
    code(&mut a, KeyCode::Home);
    assert_eq!(on(&a), "mbox1");
}

#[test]
fn the_cursor_stays_on_its_server_when_the_rows_re_sort() {
    let mut a = weekend();
    keys(&mut a, "jj");
    assert_eq!((on(&a).as_str(), shown(&a)[2].as_str()), ("mx2", "mx2"));
    let broken = event(
        -1,
        fixture::door("mx2"),
        fixture::probe("mx2", [1; 7], Some(fixture::serverbug())),
    );
    learn(&mut a, vec![heal("mbox1"), broken]);
    assert_eq!(
        (on(&a).as_str(), shown(&a)[0].as_str()),
        ("mx2", "mx2"),
        "it moved up, and the cursor with it"
    );
    keys(&mut a, "j");
    assert_eq!(on(&a), shown(&a)[1]);
}

#[test]
fn untouched_the_cursor_is_on_the_worst_and_a_key_takes_hold_of_it() {
    let mut a = weekend();
    let broken = event(
        -1,
        fixture::door("mbox2"),
        fixture::probe("mbox2", [1; 7], Some(fixture::serverbug())),
    );
    learn(&mut a, vec![heal("mbox1"), broken.clone()]);
    assert_eq!(on(&a), "mbox2");
    keys(&mut a, "k");
    learn(&mut a, vec![heal("mbox2")]);
    assert_eq!(on(&a), "mbox2");
}

#[test]
fn a_server_that_is_no_longer_watched_lets_go_of_the_cursor_and_says_so() {
    let mut a = weekend();
    keys(&mut a, "jj");
    enter(&mut a);
    let names = ["mbox1", "mbox3", "mx1"];
    let servers = names.iter().map(|n| fixture::watched(n, "imap queue", &[])).collect();
    learn(
        &mut a,
        vec![event(
            -1,
            Subject::Observer,
            Fact::Watching(Roster {
                servers,
                ..Roster::default()
            }),
        )],
    );
    assert!(matches!(a.screen, Screen::Fleet));
    assert_eq!(said(&a), "mx2 is no longer watched");
    assert_eq!(on(&a), shown(&a)[2], "the row that came to stand in its place");
}

// Screens and pages.

#[test]
fn enter_goes_in_and_escape_comes_back_to_the_same_server() {
    let mut a = weekend();
    keys(&mut a, "j");
    enter(&mut a);
    assert!(matches!(&a.screen, Screen::Server(v) if &*v.name == "mbox3"));
    esc(&mut a);
    assert!(matches!(a.screen, Screen::Fleet));
    assert_eq!(on(&a), "mbox3");
}

#[test]
fn tab_goes_round_the_panes_and_digits_go_straight_there() {
    let mut a = weekend();
    enter(&mut a);
    let pane = |a: &App| match &a.screen {
        Screen::Server(v) => v.pane,
        _ => panic!("not on a server"),
    };
    for want in [Pane::Queue, Pane::Jobs, Pane::Senders, Pane::Probe] {
        code(&mut a, KeyCode::Tab);
        assert_eq!(pane(&a), want);
    }
    code(&mut a, KeyCode::BackTab);
    assert_eq!(pane(&a), Pane::Senders);
    keys(&mut a, "2");
    assert_eq!(pane(&a), Pane::Queue);
}

#[test]
fn a_pane_scrolls_only_as_far_as_there_is_something() {
    let mut a = app(fixture::weekend(), (60, 15));
    enter(&mut a);
    let scrolled = |a: &App| match &a.screen {
        Screen::Server(v) => v.scrolled(Pane::Probe),
        _ => panic!("not on a server"),
    };
    code(&mut a, KeyCode::End);
    let end = scrolled(&a);
    assert!(end > 0 && end < 60, "{end}");
    keys(&mut a, "j");
    assert_eq!(scrolled(&a), end);
    keys(&mut a, "k");
    assert_eq!(scrolled(&a), end - 1, "one up is seen at once");
    a.update(Msg::Resize(120, 100), now());
    assert_eq!(scrolled(&a), 0, "it all fits now");
}

#[test]
fn help_opens_over_any_screen_scrolls_and_closes() {
    let mut a = app(fixture::weekend(), (60, 15));
    keys(&mut a, "?");
    keys(&mut a, "G");
    assert!(matches!(a.overlay, Some(Overlay::Help(n)) if n > 5 && n < 60));
    esc(&mut a);
    assert!(a.overlay.is_none());
    enter(&mut a);
    keys(&mut a, "?q");
    assert!(a.overlay.is_none(), "q closes a page and does not leave");
}

// The filter.

#[test]
fn the_filter_shows_what_matches_by_name_or_trouble_and_escape_shows_all() {
    let mut a = weekend();
    keys(&mut a, "/mbox");
    assert_eq!(shown(&a), ["mbox1", "mbox3", "mbox2"]);
    enter(&mut a);
    assert!(a.overlay.is_none());
    assert_eq!(shown(&a).len(), 3, "kept");
    esc(&mut a);
    assert_eq!(shown(&a).len(), 6);
    keys(&mut a, "/SERVERBUG");
    assert_eq!(shown(&a), ["mbox1"]);
    esc(&mut a);
    assert_eq!((shown(&a).len(), a.overlay.is_none()), (6, true));
    keys(&mut a, "/down");
    assert_eq!(shown(&a), ["mbox1"], "verdicts are words too");
}

#[test]
fn the_filter_takes_the_cursor_to_a_match_and_gives_it_back() {
    let mut a = weekend();
    keys(&mut a, "jj/out");
    assert_eq!(on(&a), "out1");
    esc(&mut a);
    assert_eq!(on(&a), "mx2");
    keys(&mut a, "/nothing");
    assert_eq!(on(&a), "mx2", "with no match the cursor stays where it was");
}

#[test]
fn a_row_under_the_cursor_stays_when_it_no_longer_matches() {
    let mut a = weekend();
    keys(&mut a, "/serverbug");
    enter(&mut a);
    learn(&mut a, vec![heal("mbox1")]);
    assert_eq!(shown(&a), ["mbox1"]);
    assert_eq!(on(&a), "mbox1");
}

#[test]
fn letters_of_a_filter_are_no_commands() {
    let mut a = weekend();
    assert!(keys(&mut a, "/qprR:?m").is_empty());
    assert_eq!(a.fleet.filter.value(), "qprR:?m");
    a.update(Msg::Paste("x\ny\n".into()), now());
    assert_eq!(a.fleet.filter.value(), "qprR:?mx y");
}

// The palette.

#[test]
fn the_palette_finds_a_command_and_runs_it() {
    for (typed, want) in [
        ("quit", Effect::Quit),
        ("reload", Effect::Reload),
        ("rfsh", Effect::Refresh { server: None }),
        ("redraw", Effect::Redraw),
    ] {
        let mut a = weekend();
        keys(&mut a, ":");
        keys(&mut a, typed);
        assert_eq!(enter(&mut a), [want], "{typed}");
        assert!(a.overlay.is_none());
    }
    let mut a = weekend();
    keys(&mut a, ":xyzzy");
    assert!(enter(&mut a).is_empty());
    assert!(a.overlay.is_some(), "it stays open to be mended");
    esc(&mut a);
    keys(&mut a, ":ascii");
    enter(&mut a);
    assert_eq!(a.options.glyphs, crate::console::glyphs::Glyphs::Ascii);
    keys(&mut a, ":pause");
    enter(&mut a);
    assert!(
        matches!(a.overlay, Some(Overlay::Pick(_))),
        "a command that opens a dialog"
    );
}

// Looking, the mouse, the terminal.

#[test]
fn looking_now_means_the_server_that_is_shown_or_all() {
    let mut a = weekend();
    assert_eq!(keys(&mut a, "R"), [Effect::Refresh { server: None }]);
    assert!(said(&a).contains("every server"));
    enter(&mut a);
    assert_eq!(
        keys(&mut a, "R"),
        [Effect::Refresh {
            server: Some("mbox1".into())
        }]
    );
}

#[test]
fn the_mouse_is_off_until_asked_for_then_a_click_chooses_and_a_second_opens() {
    let mut a = weekend();
    assert_eq!(a.mouse, Toggle::Off);
    assert_eq!(keys(&mut a, "m"), [Effect::Mouse(Toggle::On)]);
    let click = |a: &mut App, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        a.update(
            Msg::Mouse(MouseEvent {
                kind,
                column: 5,
                row,
                modifiers: KeyModifiers::NONE,
            }),
            now(),
        );
    };
    click(&mut a, 5);
    assert_eq!(on(&a), "mbox3");
    click(&mut a, 0);
    assert_eq!(on(&a), "mbox3", "the header is no server");
    click(&mut a, 5);
    assert!(matches!(&a.screen, Screen::Server(v) if &*v.name == "mbox3"));
    assert_eq!(keys(&mut a, "m"), [Effect::Mouse(Toggle::Off)]);
}

#[test]
fn the_terminals_own_keys_hold_everywhere() {
    let openers: [&[KeyCode]; 5] = [
        &[],
        &[KeyCode::Enter],
        &[KeyCode::Char(':')],
        &[KeyCode::Char('/')],
        &[KeyCode::Char('j'), KeyCode::Char('p')],
    ];
    for opener in openers {
        let mut a = weekend();
        for c in opener {
            code(&mut a, *c);
        }
        assert_eq!(ctrl(&mut a, 'l'), [Effect::Redraw], "{opener:?}");
        assert_eq!(ctrl(&mut a, 'z'), [Effect::Suspend], "{opener:?}");
        assert_eq!(ctrl(&mut a, 'c'), [Effect::Quit], "{opener:?}");
    }
}

// Actions.

#[test]
fn pausing_asks_for_a_plan_of_half_an_hour_and_resuming_for_one_without_end() {
    let mut a = weekend();
    let plan = |verb, lasts| Effect::Plan {
        server: "mbox3".into(),
        job: "db-compact".into(),
        verb,
        lasts,
        choices: crate::domain::action::Choices::default(),
    };
    assert_eq!(keys(&mut a, "jp"), [plan(Verb::Pause, Some(Span::from_mins(30)))]);
    assert!(matches!(stage(&a), Stage::Planning { before: None }));
    esc(&mut a);
    assert_eq!(keys(&mut a, "r"), [plan(Verb::Resume, None)]);
    assert!(code(&mut a, KeyCode::Right).is_empty(), "a resume has no duration");
}

#[test]
fn of_several_jobs_one_is_picked_first_unless_the_cursor_is_on_one() {
    let mut a = weekend();
    assert!(keys(&mut a, "p").is_empty());
    code(&mut a, KeyCode::Down);
    let asked = enter(&mut a);
    assert!(
        matches!(&asked[..], [Effect::Plan { job, .. }] if &**job == "index-rebuild"),
        "{asked:?}"
    );
    esc(&mut a);
    enter(&mut a);
    keys(&mut a, "3j");
    let asked = keys(&mut a, "p");
    assert!(
        matches!(&asked[..], [Effect::Plan { job, .. }] if &**job == "index-rebuild"),
        "{asked:?}"
    );
}

#[test]
fn nothing_runs_without_a_reason_and_enter_with_one_runs_the_plan_as_shown() {
    let mut a = planned();
    assert!(enter(&mut a).is_empty());
    let Some(Overlay::Action(d)) = &a.overlay else { panic!() };
    assert!(d.said.as_deref().unwrap().contains("a reason is required"));
    keys(&mut a, "   ");
    assert!(enter(&mut a).is_empty(), "blanks are no reason");
    keys(&mut a, "drain first");
    let ran = enter(&mut a);
    let reason: Text = "drain first".into();
    let plan = Box::new(Plan {
        reason: reason.clone(),
        ..pause_plan(30)
    });
    assert_eq!(ran, [Effect::Run { plan, reason }]);
    assert!(enter(&mut a).is_empty(), "a second Enter does not run it twice");
}

#[test]
fn enter_before_the_plan_is_there_does_nothing_and_says_so() {
    let mut a = weekend();
    keys(&mut a, "jpdrain");
    assert!(enter(&mut a).is_empty());
    assert!(matches!(stage(&a), Stage::Planning { .. }));
    let Some(Overlay::Action(d)) = &a.overlay else { panic!() };
    assert!(d.said.is_some());
    assert_eq!(d.reason.value(), "drain", "what was typed meanwhile is kept");
}

#[test]
fn a_plan_that_cancels_is_shown_although_it_has_no_end_and_no_plan_of_another_verb_is() {
    let mut a = weekend();
    keys(&mut a, "jp");
    let cancel = Plan {
        lasts: None,
        armed_on_server: false,
        choices: crate::domain::action::Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: crate::domain::action::Confirmation::Enter,
        offers: vec![],
        ..pause_plan(30)
    };
    let other = Plan {
        verb: Verb::Resume,
        ..cancel.clone()
    };
    a.update(Msg::Answer(Answer::Planned(Box::new(other))), now());
    assert!(matches!(stage(&a), Stage::Planning { .. }));
    a.update(Msg::Answer(Answer::Planned(Box::new(cancel))), now());
    assert!(matches!(stage(&a), Stage::Shown(p) if p.is_cancel() && p.word() == "cancel"));
}

#[test]
fn another_duration_asks_for_another_plan_and_an_answer_to_the_old_one_is_not_shown() {
    let mut a = planned();
    keys(&mut a, "drain");
    let asked = code(&mut a, KeyCode::Right);
    assert!(
        matches!(&asked[..], [Effect::Plan { lasts: Some(l), .. }] if *l == Span::from_hours(1)),
        "{asked:?}"
    );
    a.update(Msg::Answer(Answer::Planned(Box::new(pause_plan(30)))), now());
    assert!(
        matches!(stage(&a), Stage::Planning { before: Some(_) }),
        "that was the plan for 30 minutes"
    );
    assert!(enter(&mut a).is_empty());
    a.update(Msg::Answer(Answer::Planned(Box::new(pause_plan(60)))), now());
    assert!(matches!(stage(&a), Stage::Shown(p) if p.lasts == Some(Span::from_hours(1))));
    for _ in 0..9 {
        code(&mut a, KeyCode::Left);
    }
    assert!(code(&mut a, KeyCode::Left).is_empty(), "five minutes is the shortest");
}

#[test]
fn an_answer_to_a_dialog_that_was_closed_opens_nothing() {
    let mut a = weekend();
    keys(&mut a, "jp");
    esc(&mut a);
    a.update(Msg::Answer(Answer::Planned(Box::new(pause_plan(30)))), now());
    assert!(a.overlay.is_none());
    keys(&mut a, "r");
    a.update(Msg::Answer(Answer::Planned(Box::new(pause_plan(30)))), now());
    assert!(
        matches!(stage(&a), Stage::Planning { before: None }),
        "a pause is no answer to a resume"
    );
}

#[test]
fn why_there_is_no_plan_is_shown() {
    let mut a = weekend();
    keys(&mut a, "jp");
    let why = Missed::new(Miss::Denied, "ssh mbox3 true", "permission denied");
    let not = |verb| Answer::NotPlanned {
        server: "mbox3".into(),
        job: "db-compact".into(),
        verb,
        why: why.clone(),
    };
    a.update(Msg::Answer(not(Verb::Resume)), now());
    assert!(matches!(stage(&a), Stage::Planning { .. }), "that was about a resume");
    a.update(Msg::Answer(not(Verb::Pause)), now());
    assert!(matches!(stage(&a), Stage::NotPlanned(w) if *w == why));
    assert!(enter(&mut a).is_empty());
}

#[test]
fn the_steps_follow_the_record() {
    use StepState::{Bad, Good, Unproved, Waiting, Working};
    let truths = [
        (Truth::Confirmed { at: now() }, Good),
        (
            Truth::Contradicted {
                found: crate::domain::job::JobState {
                    state: crate::domain::job::State::Running,
                    progress: None,
                    running_for: None,
                    began: None,
                    held: None,
                    detail: "".into(),
                    armed: vec![],
                    armed_unread: false,
                    beware: vec![],
                },
            },
            Bad,
        ),
        (
            Truth::Unverifiable {
                why: "no status".into(),
            },
            Unproved,
        ),
    ];
    for (truth, end) in truths {
        let mut a = started();
        let states = |a: &App| match &a.overlay {
            Some(Overlay::Action(d)) => d.steps(&a.model).iter().map(|s| s.state).collect::<Vec<_>>(),
            _ => panic!("no dialog"),
        };
        assert_eq!(states(&a), [Working, Waiting, Waiting]);
        let record = fixture::acted(0, 2, pause_plan(30), "drain", truth);
        for (e, want) in record
            .into_iter()
            .zip([[Good, Working, Waiting], [Good, Good, Working], [Good, Good, end]])
        {
            learn(&mut a, vec![e]);
            assert_eq!(states(&a), want);
        }
        assert!(!a.acting());
    }
}

#[test]
fn a_failed_run_is_bad_and_is_over() {
    let mut a = started();
    let mut record = fixture::acted(0, 2, pause_plan(30), "drain", Truth::Requested);
    if let Fact::ActionRan(r) = &mut record[1].what {
        r.failed = Some("status 1".into());
    }
    record.truncate(2);
    learn(&mut a, record);
    let Some(Overlay::Action(d)) = &a.overlay else { panic!() };
    assert_eq!(d.steps(&a.model)[1].state, StepState::Bad);
    assert!(!a.acting());
}

#[test]
fn a_plan_that_was_refused_says_why_and_can_be_closed() {
    let mut a = started();
    a.update(
        Msg::Answer(Answer::NotRun {
            id: pause_plan(30).id,
            why: "the job changed since".into(),
        }),
        now(),
    );
    assert!(matches!(stage(&a), Stage::NotRun { why, .. } if &**why == "the job changed since"));
    assert!(!a.acting());
    enter(&mut a);
    assert!(a.overlay.is_none());
    let mut closed = started();
    esc(&mut closed);
    closed.update(
        Msg::Answer(Answer::NotRun {
            id: pause_plan(30).id,
            why: "refused".into(),
        }),
        now(),
    );
    assert!(
        closed.notices().iter().any(|(_, t)| t.contains("refused")),
        "also when nobody looks"
    );
}

#[test]
fn a_closed_dialog_goes_on_and_tells_how_it_ended_and_its_key_opens_it_again() {
    let mut a = started();
    esc(&mut a);
    assert!(matches!(&a.status(now())[0], Status::Acting(words) if words.contains("pausing db-compact on mbox3")));
    assert!(keys(&mut a, "p").is_empty(), "no second plan for what is under way");
    assert!(matches!(stage(&a), Stage::Running { .. }));
    esc(&mut a);
    learn(
        &mut a,
        fixture::acted(0, 2, pause_plan(30), "drain", Truth::Confirmed { at: now() }),
    );
    assert!(!a.acting());
    assert!(
        a.notices()
            .iter()
            .any(|(_, t)| &**t == "pause db-compact on mbox3: confirmed"),
        "{:?}",
        a.notices()
    );
}

#[test]
fn anothers_action_is_not_ours() {
    let mut a = started();
    let other = fixture::plan("mbox1", "db-compact", Verb::Pause, None);
    learn(
        &mut a,
        fixture::acted(0, 2, other.clone(), "x", Truth::Confirmed { at: now() }),
    );
    assert!(a.acting());
    let back = ReadBack {
        id: other.id,
        truth: Truth::Requested,
    };
    learn(
        &mut a,
        vec![event(
            1,
            fixture::job("mbox1", "db-compact"),
            Fact::ActionReadBack(back),
        )],
    );
    assert!(a.acting());
}

#[test]
fn where_nothing_may_be_changed_the_keys_say_why() {
    let mut a = weekend();
    a.options.access = Access::ReadOnly;
    for key in ["p", "r"] {
        assert!(keys(&mut a, key).is_empty());
        assert!(said(&a).contains("--read-only"), "{}", said(&a));
        assert!(a.overlay.is_none());
    }
    let mut a = weekend();
    code(&mut a, KeyCode::End);
    keys(&mut a, "p");
    assert!(said(&a).contains("out1 is read-only in the config"), "{}", said(&a));
    keys(&mut a, "k");
    assert_eq!(said(&a), "", "the next key clears it");
    keys(&mut a, "r");
    assert!(said(&a).contains("has no maintenance job to resume"), "{}", said(&a));
    let mut empty = app(Model::new(None), (80, 24));
    keys(&mut empty, "p");
    assert!(said(&empty).contains("no server"));
}

#[test]
fn on_a_screen_too_small_to_show_a_plan_no_key_asks_for_one_or_confirms_it() {
    for size in [(40, 10), (59, 15), (60, 14)] {
        let mut a = weekend();
        a.update(Msg::Resize(size.0, size.1), now());
        keys(&mut a, "j");
        assert!(keys(&mut a, "pr:/?").is_empty());
        assert!(enter(&mut a).is_empty());
        assert!(a.overlay.is_none() && a.fleet.selected().is_none(), "{size:?}");

        // The window shrinks over a plan: neither letters, nor a paste, nor Enter reach it.
        let mut a = planned();
        keys(&mut a, "drain");
        a.update(Msg::Resize(size.0, size.1), now());
        keys(&mut a, "xyz");
        a.update(Msg::Paste("pasted".to_owned()), now());
        let wheel = MouseEvent {
            kind: MouseEventKind::ScrollDown,
            column: 1,
            row: 1,
            modifiers: KeyModifiers::NONE,
        };
        assert!(a.update(Msg::Mouse(wheel), now()).is_empty());
        assert!(enter(&mut a).is_empty());
        assert!(esc(&mut a).is_empty());
        assert!(matches!(stage(&a), Stage::Shown(_)), "{size:?}");
        assert_eq!(ctrl(&mut a, 'l'), [Effect::Redraw]);
        assert_eq!(ctrl(&mut a, 'z'), [Effect::Suspend]);

        // Seen again, it is confirmed with the reason typed when it could be seen.
        a.update(Msg::Resize(60, 15), now());
        let run = enter(&mut a);
        assert!(
            matches!(&run[..], [Effect::Run { reason, .. }] if &**reason == "drain"),
            "{run:?}"
        );
    }
}

#[test]
fn a_screen_that_is_too_small_can_be_left() {
    let mut a = planned();
    a.update(Msg::Resize(40, 10), now());
    assert_eq!(keys(&mut a, "q"), [Effect::Quit], "from over a hidden dialog");
    assert_eq!(ctrl(&mut a, 'c'), [Effect::Quit]);

    let mut a = started();
    a.update(Msg::Resize(40, 10), now());
    assert!(keys(&mut a, "q").is_empty());
    let seen = fixture::text(&crate::console::view::frame(&a, now()));
    assert!(seen.contains("Ctrl-C leaves"), "{seen}");
    assert!(enter(&mut a).is_empty());
    keys(&mut a, "q");
    assert!(matches!(stage(&a), Stage::Running { .. }), "q stays");
    ctrl(&mut a, 'c');
    assert_eq!(ctrl(&mut a, 'c'), [Effect::Quit]);
}

// Leaving.

#[test]
fn leaving_asks_only_while_an_action_runs() {
    let mut a = weekend();
    assert_eq!(keys(&mut a, "q"), [Effect::Quit]);
    let mut a = started();
    esc(&mut a);
    assert!(keys(&mut a, "q").is_empty());
    assert!(matches!(a.overlay, Some(Overlay::Question(_))));
    esc(&mut a);
    assert!(a.overlay.is_none());
    keys(&mut a, "q");
    assert_eq!(enter(&mut a), [Effect::Quit]);
}

#[test]
fn interrupt_asks_once_from_anywhere_and_then_leaves() {
    let mut a = started();
    assert!(ctrl(&mut a, 'c').is_empty());
    assert_eq!(ctrl(&mut a, 'c'), [Effect::Quit]);
    let mut a = started();
    ctrl(&mut a, 'c');
    esc(&mut a);
    assert!(
        matches!(stage(&a), Stage::Running { .. }),
        "staying brings the dialog back"
    );
}

// What else is said.

#[test]
fn the_line_under_the_header_says_the_most_urgent_first() {
    let mut a = weekend();
    a.update(
        Msg::Answer(Answer::Role(Role::Following {
            holder: "kim@bastion:2".into(),
        })),
        now(),
    );
    a.update(
        Msg::Answer(Answer::Recording(Recording::No {
            why: "disk full".into(),
        })),
        now(),
    );
    keys(&mut a, "R");
    let all = a.status(now());
    assert!(
        matches!(
            &all[..],
            [
                Status::Said(_),
                Status::NotRecording(_),
                Status::Following(_),
                Status::Notice(..)
            ]
        ),
        "{all:?}"
    );
    a.update(Msg::Answer(Answer::Role(Role::Probing)), now());
    a.update(Msg::Answer(Answer::Recording(Recording::Yes)), now());
    assert!(matches!(&a.status(now())[..], [Status::Said(_), Status::Notice(..)]));
    assert!(
        a.status(at(3_600)).iter().all(|s| !matches!(s, Status::Notice(..))),
        "an old notice leaves the line"
    );
    assert_eq!(a.notices().len(), 1, "and stays on its page");
}

#[test]
fn a_notice_that_came_both_ways_is_one() {
    let mut a = weekend();
    learn(
        &mut a,
        vec![event(0, Subject::Observer, Fact::Notice("config reloaded".into()))],
    );
    a.update(Msg::Answer(Answer::Notice("config reloaded".into())), now());
    assert_eq!(a.notices().iter().filter(|(_, t)| &**t == "config reloaded").count(), 1);
}

#[test]
fn the_picture_counts_in_seconds_only_where_something_does() {
    let empty = app(Model::new(None), (80, 24));
    assert_eq!(
        (empty.tick_every(), empty.clock_has_seconds()),
        (Span::from_mins(1), false)
    );
    let mut a = weekend();
    assert_eq!((a.tick_every(), a.clock_has_seconds()), (Span::from_secs(1), true));
    a.options.pace = Pace::Slow;
    assert_eq!((a.tick_every(), a.clock_has_seconds()), (Span::from_secs(5), false));
}
