//! Frames as they are drawn, at the three sizes, from a fixed model at a fixed moment. `cargo insta review` accepts a
//! change that was meant.

mod canary;
mod cut;
mod doors;
mod incident;
mod past;
mod several;
mod standing;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;

use super::app::{Access, App, Msg};
use super::fixture::{self, app, at, now, text};
use super::view;
use crate::console::app::Overlay;
use crate::console::glyphs::Glyphs;
use crate::console::theme::Theme;
use crate::domain::Span;
use crate::domain::action::{Ran, Truth, Verb};
use crate::domain::effect::{Answer, Recording, Role};
use crate::domain::event::Fact;
use crate::domain::job::{JobState, State};
use crate::domain::reading::Missed;
use crate::model::Model;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 15)];

fn press(app: &mut App, keys: &str) {
    for word in keys.split(' ') {
        let code = match word {
            "Enter" => KeyCode::Enter,
            "Tab" => KeyCode::Tab,
            "Esc" => KeyCode::Esc,
            "Down" => KeyCode::Down,
            "Home" => KeyCode::Home,
            "PageDown" => KeyCode::PageDown,
            "Space" => KeyCode::Char(' '),
            "PageUp" => KeyCode::PageUp,
            "End" => KeyCode::End,
            letters => {
                for c in letters.chars() {
                    app.update(Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)), now());
                }
                continue;
            }
        };
        app.update(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), now());
    }
}
fn drawn(app: &App) -> String {
    text(&view::frame(app, now()))
}
fn at_each_size(name: &str, make: impl Fn((u16, u16)) -> App) {
    for size in SIZES {
        let app = make(size);
        assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), drawn(&app));
    }
}

#[test]
fn the_fleet() {
    at_each_size("fleet", |size| app(fixture::weekend(), size));
}

#[test]
fn one_server() {
    at_each_size("server", |size| {
        let mut app = app(fixture::weekend(), size);
        press(&mut app, "Enter");
        app
    });
    for (pane, key) in [("queue", "2"), ("jobs", "3")] {
        for size in [(80, 24), (60, 15)] {
            let mut app = app(fixture::weekend(), size);
            press(&mut app, "Enter");
            press(&mut app, key);
            assert_snapshot!(format!("server_{pane}_{}x{}", size.0, size.1), drawn(&app));
        }
    }
}

#[test]
fn a_server_that_is_silent_and_one_that_is_well() {
    for (name, downs) in [("mbox3", 1), ("mx2", 2), ("mbox2", 3), ("mx1", 4)] {
        let mut app = app(fixture::weekend(), (120, 40));
        for _ in 0..downs {
            press(&mut app, "j");
        }
        press(&mut app, "Enter");
        assert_snapshot!(format!("server_{name}_120x40"), drawn(&app));
    }
}

/// The dialog of pausing the running job of mbox1, with the plan shown and a reason typed.
fn planned(size: (u16, u16)) -> App {
    let mut app = app(fixture::weekend(), size);
    press(&mut app, "p Enter");
    let plan = fixture::plan("mbox1", "db-compact", Verb::Pause, Some(Span::from_mins(30)));
    app.update(Msg::Answer(Answer::Planned(Box::new(plan))), now());
    press(&mut app, "drain Space the Space inbound Space backlog Space first");
    app
}

#[test]
fn an_action_is_picked_planned_and_shown() {
    let mut picking = app(fixture::weekend(), (80, 24));
    press(&mut picking, "p");
    assert_snapshot!("action_pick_80x24", drawn(&picking));
    press(&mut picking, "Enter");
    assert_snapshot!("action_planning_80x24", drawn(&picking));
    at_each_size("action", planned);
}

fn ran(app: &mut App, truth: Option<&Truth>, failed: Option<&str>, output: &str) {
    press(app, "Enter");
    let plan = fixture::plan("mbox1", "db-compact", Verb::Pause, Some(Span::from_mins(30)));
    let id = plan.id.clone();
    let about = fixture::job("mbox1", "db-compact");
    let ran = Ran {
        id,
        exit: Some(i32::from(failed.is_some())),
        output: output.into(),
        took: Span::from_millis(310),
        failed: failed.map(Into::into),
    };
    let mut events = fixture::acted(0, 2, plan, "drain", truth.cloned().unwrap_or(Truth::Requested));
    events[1].what = Fact::ActionRan(ran);
    if truth.is_none() {
        events.truncate(2);
    }
    if matches!(truth, Some(Truth::Confirmed { .. })) {
        let frozen = fixture::state(State::Paused, Some(62.0), None, "active (running), freezer frozen");
        events.push(fixture::event(2, about, frozen));
    }
    app.update(Msg::Events(events), now());
}

#[test]
fn an_action_shows_its_own_progress_and_how_it_ended() {
    let mut running = planned((80, 24));
    press(&mut running, "Enter");
    assert_snapshot!("action_running_80x24", drawn(&running));

    let mut good = planned((80, 24));
    ran(&mut good, Some(&Truth::Confirmed { at: now() }), None, "");
    assert_snapshot!("action_confirmed_80x24", drawn(&good));

    let found = JobState {
        state: State::Running,
        progress: Some(62.0),
        running_for: None,
        began: None,
        held: None,
        detail: "active (running)".into(),
        armed: vec![],
        armed_unread: false,
        beware: vec![],
    };
    let mut lied = planned((80, 24));
    ran(
        &mut lied,
        Some(&Truth::Contradicted { found }),
        None,
        "paused, really\n",
    );
    assert_snapshot!("action_contradicted_80x24", drawn(&lied));

    for size in [(80, 24), (60, 15)] {
        let mut failed = planned(size);
        let output = "Failed to freeze unit mail-db-compact.service: Unit does not support freezing\nSee system logs and `systemctl status mail-db-compact.service` for details.\n";
        ran(
            &mut failed,
            None,
            Some("`systemctl freeze` ended with status 1"),
            output,
        );
        assert_snapshot!(format!("action_failed_{}x{}", size.0, size.1), drawn(&failed));
    }

    let mut refused = app(fixture::weekend(), (80, 24));
    press(&mut refused, "p Enter");
    let why: Missed = fixture::unreachable("mbox1");
    let not = Answer::NotPlanned {
        server: "mbox1".into(),
        job: "db-compact".into(),
        verb: Verb::Pause,
        why,
    };
    refused.update(Msg::Answer(not), now());
    assert_snapshot!("action_not_planned_80x24", drawn(&refused));
}

#[test]
fn leaving_while_an_action_runs_is_asked_about() {
    let mut app = planned((80, 24));
    press(&mut app, "Enter Esc q");
    assert_snapshot!("question_80x24", drawn(&app));
}

#[test]
fn help_and_palette_and_filter_and_notices() {
    at_each_size("help", |size| {
        let mut app = app(fixture::weekend(), size);
        press(&mut app, "?");
        app
    });
    at_each_size("palette", |size| {
        let mut app = app(fixture::weekend(), size);
        press(&mut app, ":re Down");
        app
    });
    for size in [(80, 24), (60, 15)] {
        let mut app = app(fixture::weekend(), size);
        press(&mut app, "/mbox");
        assert_snapshot!(format!("filter_{}x{}", size.0, size.1), drawn(&app));
    }
    let mut on_server = app(fixture::weekend(), (80, 24));
    press(&mut on_server, "Enter ?");
    assert_snapshot!("help_server_80x24", drawn(&on_server));
    let mut notices = app(fixture::weekend(), (80, 24));
    notices.update(
        Msg::Answer(Answer::Notice(
            "the config was not taken over: config.toml:12: unknown key `intervall` (did you mean `interval`?)".into(),
        )),
        at(-30),
    );
    notices.update(
        Msg::Answer(Answer::Recording(Recording::No {
            why: "no space left on device".into(),
        })),
        now(),
    );
    notices.update(
        Msg::Answer(Answer::Role(Role::Following {
            holder: "kim@bastion:2".into(),
        })),
        now(),
    );
    assert_snapshot!("status_80x24", drawn(&notices));
    press(&mut notices, "N");
    assert_snapshot!("notices_80x24", drawn(&notices));
}

#[test]
fn without_colour_and_in_ascii_and_light() {
    let mut ascii = app(fixture::weekend(), (80, 24));
    ascii.options.glyphs = Glyphs::Ascii;
    let fleet = drawn(&ascii);
    assert!(fleet.is_ascii());
    assert_snapshot!("fleet_ascii_80x24", fleet);
    press(&mut ascii, "Enter 2");
    assert_snapshot!("server_queue_ascii_80x24", drawn(&ascii));
    let mut plain = app(fixture::weekend(), (80, 24));
    plain.options.theme = Theme::PLAIN;
    assert_snapshot!("fleet_no_color_80x24", marked(&plain));
}

#[test]
fn a_solid_bar_is_never_drawn_reversed_because_that_is_an_empty_cell() {
    use ratatui::style::Modifier;
    for keys in ["", "Enter"] {
        let mut app = app(fixture::weekend(), (120, 40));
        app.options.theme = Theme::PLAIN;
        press(&mut app, keys);
        let buf = view::frame(&app, now());
        let blocks = buf.content.iter().filter(|c| c.symbol() == "█").collect::<Vec<_>>();
        assert!(!blocks.is_empty());
        assert!(blocks.iter().all(|c| !c.modifier.contains(Modifier::REVERSED)));
    }
}

/// The text of a frame in which every run of bold, reversed or underlined cells stands in marks, and which holds no colour.
fn marked(app: &App) -> String {
    use ratatui::style::{Color, Modifier};
    let buf = view::frame(app, now());
    let mut out = String::new();
    for y in 0..buf.area.height {
        let mut open = Modifier::empty();
        for x in 0..buf.area.width {
            let cell = &buf[(x, y)];
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{x} {y}");
            if cell.modifier != open {
                for (m, mark) in [
                    (Modifier::BOLD, '*'),
                    (Modifier::REVERSED, '#'),
                    (Modifier::UNDERLINED, '_'),
                ] {
                    if cell.modifier.contains(m) != open.contains(m) {
                        out.push(mark);
                    }
                }
                open = cell.modifier;
            }
            out.push_str(cell.symbol());
        }
        out.push('\n');
    }
    out
}

#[test]
fn names_that_try_to_break_the_screen_do_not() {
    at_each_size("hostile", |size| app(fixture::hostile(), size));
    let mut server = app(fixture::hostile(), (120, 40));
    press(&mut server, "Enter");
    assert_snapshot!("hostile_server_120x40", drawn(&server));
    for line in drawn(&app(fixture::hostile(), (80, 24))).lines() {
        assert!(crate::console::widget::width(line) <= 80, "{line}");
        assert!(!line.contains('\u{1b}') && !line.contains('\u{202e}'));
    }
}

#[test]
fn an_empty_fleet_and_two_hundred_servers() {
    at_each_size("empty", |size| app(Model::new(Some(fixture::me())), size));
    at_each_size("many", |size| app(fixture::many(), size));
    let mut scrolled = app(fixture::many(), (80, 24));
    press(&mut scrolled, "PageDown PageDown PageDown");
    assert_snapshot!("many_scrolled_80x24", drawn(&scrolled));
}

#[test]
fn the_footer_keeps_help_and_the_way_out_at_every_width() {
    for width in [60, 61, 70, 80, 100, 120] {
        for open in ["Esc", "Enter"] {
            for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                let mut app = app(fixture::weekend(), (width, 15));
                app.options.glyphs = glyphs;
                press(&mut app, open);
                let screen = drawn(&app);
                let foot = screen.lines().last().unwrap_or_default();
                assert!(foot.contains("? help") && foot.contains("q quit"), "{width}: {foot}");
            }
        }
    }
}

#[test]
fn a_read_only_console_does_not_offer_what_it_takes_away() {
    for open in ["Esc", "Enter"] {
        let mut app = app(fixture::weekend(), (120, 40));
        press(&mut app, open);
        assert!(drawn(&app).contains("p pause"));
        app.options.access = Access::ReadOnly;
        let screen = drawn(&app);
        assert!(!screen.contains("p pause") && !screen.contains("r resume"), "{screen}");
        press(&mut app, "?");
        let help = drawn(&app);
        assert_eq!(help.matches("taken away: read-only").count(), 4, "{help}");
        assert!(!help.contains("shows the plan first"), "{help}");
    }
}

/// The jobs of mbox3, whose job was found in `state` now, after a pause of `mins` minutes asked for `ago` seconds ago.
fn jobs_after_a_pause(state: State, truth: Truth, ago: i64, mins: i64) -> (String, String) {
    let mut model = fixture::watching(vec![fixture::watched("mbox3", "imap queue", &["db-compact"])]);
    let plan = fixture::plan("mbox3", "db-compact", Verb::Pause, Some(Span::from_mins(mins)));
    model.apply_all(&fixture::acted(-ago, 4, plan, "drain first", truth));
    let seen = fixture::state(state, None, None, "read");
    model.apply(&fixture::event(-2, fixture::job("mbox3", "db-compact"), seen));
    let mut app = app(model, (120, 40));
    let fleet = drawn(&app);
    press(&mut app, "Enter 3");
    (fleet, drawn(&app))
}

#[test]
fn a_pause_that_failed_is_not_called_a_pause() {
    let found = JobState {
        state: State::Running,
        progress: None,
        running_for: None,
        began: None,
        held: None,
        detail: "active".into(),
        armed: vec![],
        armed_unread: false,
        beware: vec![],
    };
    let (fleet, jobs) = jobs_after_a_pause(State::Running, Truth::Contradicted { found }, 45, 30);
    for screen in [fleet, jobs] {
        assert!(screen.contains("pause failed 45s ago: found running"), "{screen}");
        assert!(!screen.contains(" left") && !screen.contains("paused"), "{screen}");
    }
}

#[test]
fn a_job_that_runs_again_is_not_said_to_be_paused_for_longer() {
    let confirmed = || Truth::Confirmed { at: at(-100) };
    let (fleet, jobs) = jobs_after_a_pause(State::Running, confirmed(), 600, 30);
    for screen in [fleet, jobs] {
        assert!(screen.contains("running again (not resumed by mailtop)"), "{screen}");
        assert!(!screen.contains(" left"), "{screen}");
    }
    let (fleet, jobs) = jobs_after_a_pause(State::Running, confirmed(), 3_600, 30);
    for screen in [fleet, jobs] {
        assert!(screen.contains("running again"), "{screen}");
        assert!(!screen.contains("not resumed") && !screen.contains("over"), "{screen}");
    }
    let (fleet, jobs) = jobs_after_a_pause(State::Idle, confirmed(), 3_600, 30);
    for screen in [fleet, jobs] {
        assert!(screen.contains("now idle"), "{screen}");
    }
}

#[test]
fn a_pause_past_its_end_says_how_long_it_is_overdue() {
    let confirmed = Truth::Confirmed { at: at(-100) };
    let (fleet, jobs) = jobs_after_a_pause(State::Paused, confirmed, 1_800 + 16_740, 30);
    assert!(fleet.contains("▲ +4h"), "{fleet}");
    for screen in [fleet, jobs] {
        assert!(screen.contains("▲ pause overdue by 4h39m"), "{screen}");
    }
}

#[test]
fn a_screen_that_is_too_small_says_so() {
    for size in [(59, 15), (60, 14), (20, 4), (3, 1), (1, 1), (0, 0)] {
        let app = app(fixture::weekend(), size);
        let text = drawn(&app);
        assert!(
            size.0 < 20 || text.replace('\n', " ").contains("needs 60×15"),
            "{size:?}: {text}"
        );
    }
}

#[test]
fn every_screen_is_drawn_at_every_size_without_a_fault() {
    let models = [
        fixture::weekend(),
        fixture::hostile(),
        fixture::incidents::several(),
        Model::new(None),
    ];
    for (w, h) in [
        (60, 15),
        (61, 16),
        (79, 20),
        (80, 19),
        (109, 30),
        (110, 29),
        (110, 30),
        (200, 60),
        (500, 15),
        (60, 200),
    ] {
        for keys in [
            "",
            "Enter",
            "Enter 2",
            "Enter 3",
            "Enter 4",
            "Enter M",
            "Enter 2 Down Enter",
            "o",
            "o10:58",
            "p",
            "p Enter",
            "?",
            "Enter ?",
            ":",
            "/",
            "N",
            "/nothing",
            "R",
            "i",
            "i i",
            "i 2 End",
            "i 3 End",
            "i End Enter",
            "i n word",
            "i t",
            "i a",
            "i s",
            "i R",
            "i o10:58",
            "i P",
            "i P Enter",
            "i e Down",
            "i i O",
            "n",
        ] {
            for model in &models {
                let mut app = app(model.clone(), (w, h));
                if !keys.is_empty() {
                    press(&mut app, keys);
                }
                for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                    app.options.glyphs = glyphs;
                    let _ = drawn(&app);
                }
                assert!(!matches!(app.overlay, Some(Overlay::Question(_))));
            }
        }
    }
}

/// The console of a fleet on which each queue drains in its own way.
fn fates(size: (u16, u16), keys: &str) -> App {
    let mut app = app(fixture::flows::fates(), size);
    if !keys.is_empty() {
        press(&mut app, keys);
    }
    app
}

#[test]
fn a_queue_grows_clears_stalls_or_is_unknown() {
    at_each_size("fates", |size| fates(size, ""));
    for (i, name) in ["clears", "empty", "gap", "grows", "stalls", "tomorrow"]
        .iter()
        .enumerate()
    {
        let mut app = fates((80, 24), "Home");
        let rows: Vec<String> = app.rows(now()).iter().map(|r| r.server.name.to_string()).collect();
        let downs = rows.iter().position(|r| r == name).unwrap();
        for _ in 0..downs {
            press(&mut app, "j");
        }
        press(&mut app, "Enter 2");
        let screen = drawn(&app);
        // A clear time, and a band for it, only where there is one.
        let clears = matches!(*name, "clears" | "tomorrow");
        assert_eq!(screen.contains("clears "), clears, "{i} {screen}");
        assert_eq!(screen.contains('•'), clears, "{i} {screen}");
        assert_snapshot!(format!("fate_{name}_80x24"), screen);
    }
}

#[test]
fn when_senders_give_up_stands_in_its_own_pane() {
    for size in [(80, 24), (60, 15)] {
        let mut app = app(fixture::weekend(), size);
        press(&mut app, "Enter 4");
        assert_snapshot!(format!("senders_{}x{}", size.0, size.1), drawn(&app));
    }
    let mut corrected = app(fixture::weekend(), (80, 24));
    let said = fixture::flows::corrected(-30, "mbox1", -40 * 3_600);
    corrected.update(Msg::Events(vec![said]), now());
    press(&mut corrected, "Enter 4");
    assert_snapshot!("senders_corrected_80x24", drawn(&corrected));
}

#[test]
fn the_start_of_an_outage_is_typed_and_understood_before_it_is_put_on_record() {
    let mut app = app(fixture::weekend(), (80, 24));
    press(&mut app, "o");
    assert_snapshot!("outage_80x24", drawn(&app));
    press(&mut app, "Sat Space 10:58");
    assert_snapshot!("outage_typed_80x24", drawn(&app));
    press(&mut app, "x Enter");
    assert_snapshot!("outage_wrong_80x24", drawn(&app));
}

/// The messages of mbox1 that wait for its first destination, asked for and not answered yet.
fn asked(size: (u16, u16)) -> (App, crate::domain::message::Pick) {
    let mut app = app(fixture::weekend(), size);
    press(&mut app, "Enter 2");
    // On a small screen the first rows are below its edge.
    let at_a_row = |a: &App| matches!(&a.screen, crate::console::app::Screen::Server(v) if v.cursor.is_some());
    for _ in 0..30 {
        if !at_a_row(&app) {
            press(&mut app, "Down");
        }
    }
    press(&mut app, "Enter");
    let crate::console::app::Screen::Messages(view) = &app.screen else {
        panic!("no messages: {:?}", app.screen)
    };
    let pick = view.pick.clone();
    (app, pick)
}
fn answer(app: &mut App, pick: &crate::domain::message::Pick, page: crate::domain::effect::Messages) {
    let answer = Answer::Messages {
        server: "mbox1".into(),
        queue: "postfix".into(),
        pick: pick.clone(),
        page,
    };
    app.update(Msg::Answer(answer), now());
}

#[test]
fn messages_are_waited_for_listed_searched_and_opened() {
    use crate::domain::effect::Messages;
    let page = |pick: &crate::domain::message::Pick| Messages::Are(Box::new(fixture::flows::page(pick.clone(), 40)));
    for size in SIZES {
        let (mut app, pick) = asked(size);
        answer(&mut app, &pick, page(&pick));
        press(&mut app, "j j");
        assert_snapshot!(format!("messages_{}x{}", size.0, size.1), drawn(&app));
        press(&mut app, "Enter");
        assert_snapshot!(format!("message_{}x{}", size.0, size.1), drawn(&app));
    }
    let (mut waiting, pick) = asked((80, 24));
    answer(&mut waiting, &pick, Messages::In(Span::from_secs(54)));
    assert_snapshot!("messages_waiting_80x24", drawn(&waiting));
    answer(&mut waiting, &pick, Messages::Missed(fixture::unreachable("mbox1")));
    assert_snapshot!("messages_missed_80x24", drawn(&waiting));
    let (mut searching, pick) = asked((80, 24));
    answer(&mut searching, &pick, page(&pick));
    press(&mut searching, "/user1");
    assert_snapshot!("messages_search_80x24", drawn(&searching));
    let (mut chosen, _) = asked((80, 24));
    press(&mut chosen, "Esc");
    assert_snapshot!("server_queue_cursor_80x24", drawn(&chosen));
}

/// A console of mbox1 alone that has learned these events.
fn mbox1(events: Vec<crate::domain::event::Event>, keys: &str) -> String {
    let watched = fixture::watched("mbox1", "imap queue", &["db-compact"]);
    let mut app = app(fixture::watching(vec![watched]), (80, 24));
    app.update(Msg::Events(events), now());
    press(&mut app, keys);
    drawn(&app)
}

#[test]
fn what_an_action_did_stands_beside_the_job_and_the_chart() {
    let jobs = mbox1(fixture::flows::resumed(), "Enter 3");
    assert!(jobs.contains("→ exits 3.") && jobs.contains("×3."), "{jobs}");
    let queue = mbox1(fixture::flows::resumed(), "Enter 2");
    assert!(queue.contains("▶ 18:24 resume db-compact: exits 3."), "{queue}");
}

#[test]
fn a_log_that_is_read_in_part_or_not_to_its_end_and_sources_that_disagree_are_said() {
    let screen = mbox1(fixture::flows::doubtful(), "Enter 2");
    for words in [
        "by the mail log, newest line 1m34s old",
        "▲ not all of it: /var/log/mail.log.1 is gone",
        "▲ log: +600, listings: −12 in the 4m between two listings: they do not agree",
        "requeued 18/m",
    ] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    assert_snapshot!("doubtful_80x24", screen);
    let screen = mbox1(fixture::flows::behind(), "Enter 2");
    assert!(
        screen.contains("flow not known: 12.4 MB of the log are still to be read"),
        "{screen}"
    );
}

#[test]
fn an_outage_that_is_over_says_who_gave_up_and_that_the_others_did_not() {
    let mut app = app(fixture::weekend(), (80, 24));
    let good = |s| {
        fixture::event(
            s,
            fixture::door("mbox1"),
            fixture::probe("mbox1", [1, 1, 9, 1, 6, 3, 2], None),
        )
    };
    app.update(Msg::Events(vec![good(-3), good(-2)]), now());
    press(&mut app, "/mbox1 Enter Enter 4");
    let screen = drawn(&app);
    assert!(
        screen.contains("✔ senders can deliver again since Sun 18:36"),
        "{screen}"
    );
    assert!(!screen.contains("next:") && !screen.contains(" in 16h"), "{screen}");
    assert_snapshot!("senders_over_80x24", screen);
}

#[test]
fn a_clear_time_is_held_against_who_gives_up_next() {
    // Who is next from an outage of this many minutes, for a queue that is clear in half an hour to an hour.
    let margin = |mins: i64| {
        let mut app = app(fixture::weekend(), (80, 24));
        let said = fixture::flows::corrected(-30, "mx1", -mins * 60);
        app.update(Msg::Events(vec![said]), now());
        press(&mut app, "/mx1 Enter Enter 4");
        drawn(&app)
    };
    let early = margin(60);
    assert!(
        early.contains("postfix is clear 5h") && early.contains("before Mailgun gives up"),
        "{early}"
    );
    assert!(early.contains("no door shows this outage"), "{early}");
    let late = margin(7 * 60 + 30);
    assert!(
        late.contains("▲ postfix may be clear only") && late.contains("after Mailgun gives up"),
        "{late}"
    );
}
