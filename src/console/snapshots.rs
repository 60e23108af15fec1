//! Frames as they are drawn, at the three sizes, from a fixed model at a fixed moment. `cargo insta review` accepts a
//! change that was meant.

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
            "PageDown" => KeyCode::PageDown,
            "Space" => KeyCode::Char(' '),
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
    for (name, downs) in [("mbox3", 1), ("mx2", 2), ("mbox2", 3)] {
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
        detail: "active (running)".into(),
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
    press(&mut notices, "n");
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
        assert_eq!(help.matches("taken away: read-only").count(), 2, "{help}");
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
        detail: "active".into(),
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
    let models = [fixture::weekend(), fixture::hostile(), Model::new(None)];
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
            "", "Enter", "Enter 2", "Enter 3", "p", "p Enter", "?", "Enter ?", ":", "/", "n", "/nothing", "R",
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
