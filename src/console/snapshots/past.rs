//! The past on the screens: what the header says, which keys are left, and the moment that is typed.

use insta::assert_snapshot;

use super::*;
use crate::console::app::{AppOptions, Seen, Travel};

fn seen(number: u64, s: i64) -> Msg {
    Msg::Past(
        number,
        Ok(Seen {
            at: at(s),
            model: Box::new(fixture::weekend()),
            first: at(-100_000),
            last: at(0),
            whole: true,
            from: at(-100_000),
            samples_from: None,
            missing: 0,
        }),
    )
}

/// An hour and a half later, at what was then.
fn past(size: (u16, u16)) -> App {
    let mut app = app(fixture::weekend(), size);
    let later = at(5_400);
    app.update(Msg::Key(KeyEvent::new(KeyCode::Char('['), KeyModifiers::NONE)), later);
    app.past.as_mut().unwrap().wanted = None;
    app.update(seen(1, 0), later);
    app
}

#[test]
fn the_past_says_that_it_is_and_how_to_go_on() {
    at_each_size("past", past);
    at_each_size("past_go_to", |size| {
        let mut app = past(size);
        press(&mut app, "g");
        for c in "Sat 10:58".chars() {
            app.update(Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)), at(5_400));
        }
        app
    });
    at_each_size("past_server", |size| {
        let mut app = past(size);
        press(&mut app, "Enter");
        app
    });
}

#[test]
fn a_record_alone_says_that_it_is_one() {
    let mut app = App::new(AppOptions::new("replay of INC267603"), Model::new(None));
    app.size = (80, 24);
    app.past = Some(Travel::replay(now(), true));
    assert_snapshot!("replay_begins_80x24", drawn(&app));
    app.update(seen(0, 0), at(200_000));
    assert_snapshot!("replay_80x24", drawn(&app));
}
