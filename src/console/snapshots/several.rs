//! Marks on the fleet, and the dialog of one verb on several servers from its plans to its summary.

use super::*;
use crate::domain::event::Subject;
use crate::domain::reading::Miss;
use crate::domain::roster::Roster;

const MX: [&str; 4] = ["mx1", "mx2", "mx3", "mx4"];

fn fleet(size: (u16, u16)) -> App {
    let jobs = |s: &&str| {
        if **s == *"mx5" {
            vec!["index"]
        } else {
            vec!["index", "purge"]
        }
    };
    let names = ["mx1", "mx2", "mx3", "mx4", "mx5"];
    let mut model = fixture::watching(
        names
            .iter()
            .map(|s| fixture::watched(s, "imap queue", &jobs(s)))
            .collect(),
    );
    for (i, s) in names.iter().enumerate() {
        model.apply(&fixture::event(
            -3,
            fixture::door(s),
            fixture::probe(s, [1, 1, 9, 1, 6, 3, 2], None),
        ));
        model.apply(&fixture::event(
            -3,
            fixture::queue(s),
            Fact::QueueSeen(fixture::depth(0, 12 + i as u64, 0)),
        ));
        for j in jobs(s) {
            let running = fixture::state(
                State::Running,
                Some(60.0 + i as f64),
                Some(Span::from_mins(252)),
                "active",
            );
            model.apply(&fixture::event(-3, fixture::job(s, j), running));
        }
    }
    app(model, size)
}
fn plan(server: &str) -> crate::domain::action::Plan {
    fixture::plan(server, "purge", Verb::Pause, Some(Span::from_mins(30)))
}
/// All five marked, the purge chosen; mx4 cannot, mx5 has none.
fn ready(size: (u16, u16)) -> App {
    let mut app = fleet(size);
    press(&mut app, "*p Down Enter");
    for s in &MX[..3] {
        app.update(Msg::Answer(Answer::Planned(Box::new(plan(s)))), now());
    }
    let not = Answer::NotPlanned {
        server: "mx4".into(),
        job: "purge".into(),
        verb: Verb::Pause,
        why: Missed::new(
            Miss::Denied,
            "ssh mx4 sudo -n -l systemctl freeze mail-purge.service",
            "a password is required",
        ),
    };
    app.update(Msg::Answer(not), now());
    app
}
fn confirmed(size: (u16, u16)) -> App {
    let mut app = ready(size);
    press(&mut app, "drain Space first Tab mx1 Enter");
    app
}
fn end(app: &mut App, server: &str, truth: Truth) {
    app.update(
        Msg::Events(fixture::acted(0, 2, plan(server), "drain first", truth)),
        now(),
    );
}
fn looking(size: (u16, u16)) -> App {
    let mut app = confirmed(size);
    end(&mut app, "mx1", Truth::Confirmed { at: now() });
    app
}
/// Enter, once the first was looked at.
fn go(app: &mut App) {
    let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
    app.update(Msg::Key(enter), at(2));
}
fn over(size: (u16, u16)) -> App {
    let mut app = looking(size);
    go(&mut app);
    let found = JobState::of(State::Running, "active (running)");
    end(&mut app, "mx2", Truth::Contradicted { found });
    end(
        &mut app,
        "mx3",
        Truth::Unverifiable {
            why: "ssh mx3: timed out".into(),
        },
    );
    app
}

#[test]
fn marked_rows() {
    let marked = |size| {
        let mut app = app(fixture::weekend(), size);
        press(&mut app, "Space Space");
        app
    };
    at_each_size("several_marked", marked);
    let mut ascii = marked((80, 24));
    ascii.options.glyphs = Glyphs::Ascii;
    let screen = drawn(&ascii);
    assert!(screen.is_ascii());
    assert_snapshot!("marked_ascii_80x24", screen);
    let mut plain = marked((80, 24));
    plain.options.theme = Theme::PLAIN;
    assert_snapshot!("marked_no_color_80x24", super::marked(&plain));
}

#[test]
fn which_job_of_several_servers() {
    let mut app = fleet((80, 24));
    press(&mut app, "*p");
    assert_snapshot!("pick_80x24", drawn(&app));
}

#[test]
fn the_plans_then_the_canary_then_the_rest_then_the_sum() {
    at_each_size("several_ready", ready);
    let mut among = ready((80, 24));
    press(&mut among, "Tab Tab");
    assert_snapshot!("among_80x24", drawn(&among));
    press(&mut among, "a g Enter");
    assert_snapshot!("plan_80x24", drawn(&among));
    at_each_size("several_canary", confirmed);
    at_each_size("several_looking", looking);
    let mut rest = looking((80, 24));
    go(&mut rest);
    assert_snapshot!("rest_80x24", drawn(&rest));
    at_each_size("several_over", over);
    for (name, make) in [("ready", ready as fn((u16, u16)) -> App), ("over", over)] {
        let mut ascii = make((80, 24));
        ascii.options.glyphs = Glyphs::Ascii;
        let screen = drawn(&ascii);
        assert!(screen.is_ascii());
        assert_snapshot!(format!("{name}_ascii_80x24"), screen);
        let mut plain = make((80, 24));
        plain.options.theme = Theme::PLAIN;
        assert_snapshot!(format!("{name}_no_color_80x24"), super::marked(&plain));
    }
}

#[test]
fn sixty_servers_with_hostile_names_keep_the_cursor_in_sight() {
    let name = |i: usize| format!("{i:02}日本語\u{1b}[31m{}", "x".repeat(40));
    let mut model = fixture::watching(vec![]);
    let servers = (0..60)
        .map(|i| fixture::watched(&name(i), "queue", &["purge"]))
        .collect();
    model.apply(&fixture::event(
        -1,
        Subject::Observer,
        Fact::Watching(Roster {
            servers,
            ..Roster::default()
        }),
    ));
    for size in SIZES {
        let mut app = app(model.clone(), size);
        press(&mut app, "*p");
        for i in 0..60 {
            app.update(Msg::Answer(Answer::Planned(Box::new(plan(&name(i))))), now());
        }
        for _ in 0..59 {
            press(&mut app, "Down");
        }
        let screen = drawn(&app);
        assert!(screen.contains("▌59"), "{screen}");
        for line in screen.lines() {
            assert!(crate::console::widget::width(line) <= usize::from(size.0), "{line}");
        }
        assert!(screen.contains("Esc cancel"), "{screen}");
    }
}
