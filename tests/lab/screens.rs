//! What every screen of a console shows at a moment, live and looking back.

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use mailtop::console::app::{App, AppOptions, Msg, Pane, Screen, Seen, ServerView, Travel};
use mailtop::console::view;
use mailtop::domain::event::Event;
use mailtop::domain::{Span, Timestamp};
use mailtop::engine::past::{Depth, Of, Past, View};
use mailtop::model::Model;

fn options() -> AppOptions {
    AppOptions {
        zone: jiff::tz::TimeZone::UTC,
        ..AppOptions::new("weekend")
    }
}

/// All screens, but for header and footer, which say that it is the past.
fn screens(mut app: App, clock: Timestamp) -> Vec<String> {
    app.size = (120, 40);
    let servers: Vec<_> = app.model.servers().map(|s| s.name.clone()).collect();
    let mut all = vec![Screen::Fleet];
    for name in servers {
        all.extend(Pane::ALL.map(|pane| {
            let mut view = ServerView::new(name.clone());
            view.pane = pane;
            Screen::Server(view)
        }));
    }
    let text = |app: &App| {
        let frame = view::frame(app, clock);
        let line = |y| (0..120u16).map(|x| frame[(x, y)].symbol()).collect::<String>();
        (2..39).map(line).collect::<Vec<_>>().join("\n")
    };
    let mut shown = Vec::new();
    for screen in all {
        app.screen = screen;
        shown.push(text(&app));
    }
    // The incident, or the list where none is open.
    app.screen = Screen::Fleet;
    let key = KeyEvent::new(KeyCode::Char('i'), KeyModifiers::NONE);
    let _ = app.update(Msg::Key(key), clock);
    shown.push(text(&app));
    shown
}

/// As a console shows them that has seen everything up to a moment, in the order of the record.
pub fn live(events: &[Event], at: Timestamp) -> Vec<String> {
    let seen = events.iter().rposition(|e| e.at <= at).map_or(0, |last| last + 1);
    let mut model = Model::new(None);
    model.apply_all(&events[..seen]);
    screens(App::new(options(), model), at)
}

/// As they are shown long after.
pub fn back(view: View) -> Vec<String> {
    let clock = Span::from_hours(1_000).after(view.at);
    let mut app = App::new(options(), Model::new(None));
    app.past = Some(Travel::replay(view.at, false));
    let seen = Seen {
        at: view.at,
        model: Box::new(view.model),
        first: view.extent.first,
        last: view.extent.last,
        whole: view.whole,
        from: view.from,
        samples_from: view.samples_from,
        missing: view.missing,
    };
    let _ = app.update(Msg::Past(0, Ok(seen)), clock);
    screens(app, clock)
}

pub fn open(path: &Path) -> Past {
    let of = Of {
        journal: path.to_owned(),
        ..Of::default()
    };
    Past::open(of).map_err(|t| format!("{t:?}")).unwrap()
}

pub fn at(past: &mut Past, moment: Timestamp, depth: Depth) -> View {
    past.at(moment, depth).map_err(|t| format!("{t:?}")).unwrap().unwrap()
}
