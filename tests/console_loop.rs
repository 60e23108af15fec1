//! The whole loop of the console with a terminal, keys, an engine and a clock that the test holds. Time stands still
//! unless the test moves it.

#![allow(clippy::unwrap_used)] // a test may stop at what it cannot do

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use futures::channel::mpsc as pipe;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mailtop::clock::Clock;
use mailtop::console::app::{AppOptions, Pace};
use mailtop::console::run::{Screen, Signal};
use mailtop::console::{App, Exit, Msg, RunOptions, Wires, run};
use mailtop::domain::Span;
use mailtop::domain::door::{Protocol, Role};
use mailtop::domain::effect::{Answer, Effect, Toggle};
use mailtop::domain::event::{Event, Fact, ObserverId, Subject};
use mailtop::domain::health::{Limits, Phase, PhaseTime, ProbeReport};
use mailtop::domain::roster::{Roster, Watched, WatchedDoor, WatchedJob};
use mailtop::model::Model;
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, TestBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What reached the terminal, one entry for each frame that was sent.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn paints(&self) -> usize {
        self.0.lock().unwrap().len()
    }
    fn text(&self) -> String {
        self.0.lock().unwrap().last().cloned().unwrap_or_default()
    }
    fn note(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

/// A terminal in memory that counts frames.
struct Watching {
    inner: TestBackend,
    cells: usize,
    seen: Seen,
}

impl Backend for Watching {
    type Error = io::Error;
    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        let cells: Vec<_> = content.collect();
        self.cells += cells.len();
        self.inner.draw(cells.into_iter()).map_err(io::Error::other)
    }
    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }
    fn set_cursor_position<P: Into<Position>>(&mut self, _: P) -> io::Result<()> {
        Ok(())
    }
    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear().map_err(io::Error::other)
    }
    fn clear_region(&mut self, clear: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear).map_err(io::Error::other)
    }
    fn size(&self) -> io::Result<Size> {
        self.inner.size().map_err(io::Error::other)
    }
    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size().map_err(io::Error::other)
    }
    fn flush(&mut self) -> io::Result<()> {
        assert!(self.cells > 0, "a frame without a changed cell was sent");
        self.cells = 0;
        let symbols: String = self.inner.buffer().content.iter().map(Cell::symbol).collect();
        self.seen.note(&symbols);
        Ok(())
    }
}

impl Screen for Watching {
    fn mouse(&mut self, to: Toggle) -> io::Result<()> {
        self.seen.note(&format!("mouse {to:?}"));
        Ok(())
    }
    fn suspend(&mut self) -> io::Result<()> {
        self.seen.note("suspended");
        Ok(())
    }
    fn resume(&mut self) -> io::Result<()> {
        self.seen.note("resumed");
        Ok(())
    }
}

/// A running console and the ends of everything that it listens to.
struct Console {
    keys: Option<pipe::UnboundedSender<io::Result<Input>>>,
    signals: pipe::UnboundedSender<Signal>,
    engine: mpsc::Sender<Msg>,
    effects: mpsc::Receiver<Effect>,
    seen: Seen,
    exit: JoinHandle<Exit>,
}

/// 18:36:04.300: ticks have to be aligned, because the clock does not start on a whole second.
fn moment(since: tokio::time::Instant) -> Timestamp {
    let start = Timestamp::from_millisecond(1_795_372_564_300).unwrap();
    Span::from(since.elapsed()).after(start)
}

fn start_with(pace: Pace, model: Model, room_for_effects: usize) -> Console {
    let (keys, input) = pipe::unbounded();
    let (signals, on_signal) = pipe::unbounded();
    let (engine, messages) = mpsc::channel(1_024);
    let (send, effects) = mpsc::channel(room_for_effects);
    let seen = Seen::default();
    let backend = Watching {
        inner: TestBackend::new(80, 24),
        cells: 0,
        seen: seen.clone(),
    };
    let options = AppOptions {
        zone: TimeZone::UTC,
        pace,
        ..AppOptions::new("weekend")
    };
    let begun = tokio::time::Instant::now();
    let exit = tokio::spawn(async move {
        let mut terminal = Terminal::new(backend).unwrap();
        let wires = Wires {
            input,
            signals: on_signal,
            messages,
            effects: send,
            past: std::sync::mpsc::channel().0,
        };
        let app = App::new(options, model);
        run(
            app,
            &mut terminal,
            wires,
            move || moment(begun),
            RunOptions::of(pace, &Clock::System),
        )
        .await
    });
    Console {
        keys: Some(keys),
        signals,
        engine,
        effects,
        seen,
        exit,
    }
}

fn start(model: Model) -> Console {
    start_with(Pace::Normal, model, 16)
}

impl Console {
    fn press(&self, code: KeyCode) {
        let key = Input::Key(KeyEvent::new(code, KeyModifiers::NONE));
        self.keys.as_ref().unwrap().unbounded_send(Ok(key)).unwrap();
    }
    /// Lets everything run that can run now; no time passes.
    async fn rest(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    /// Lets time pass in small steps.
    async fn wait(&self, ms: u64) {
        for _ in 0..ms / 10 {
            tokio::time::advance(Duration::from_millis(10)).await;
            self.rest().await;
        }
    }
}

fn event(about: Subject, what: Fact) -> Event {
    Event {
        at: Timestamp::from_millisecond(1_795_372_564_000).unwrap(),
        seen_by: ObserverId("lin@bastion:1".into()),
        about,
        what,
    }
}

fn probed(ms: i64) -> Event {
    let about = Subject::Door {
        server: "mbox1".into(),
        door: "imap".into(),
    };
    let phase = |phase, ms| PhaseTime {
        phase,
        took: Span::from_millis(ms),
        ok: true,
    };
    let report = ProbeReport {
        phases: vec![phase(Phase::Tcp, 1), phase(Phase::Fetch, ms)],
        proved: Some(Phase::Fetch),
        ..ProbeReport::begun("imaps://probe@mbox1".into(), vec![Phase::Tcp, Phase::Fetch])
    };
    event(about, Fact::Probed(Box::new(report)))
}

/// A fleet of one server with a door and a job.
fn one() -> Model {
    let watched = Watched {
        name: "mbox1".into(),
        reach: Some("local".into()),
        read_only: false,
        every: Span::from_hours(1),
        limits: Limits::default(),
        doors: vec![WatchedDoor {
            name: "imap".into(),
            url: "imaps://probe@mbox1".into(),
            protocol: Protocol::Imap,
            role: Role::Mailbox,
            anonymous: false,
        }],
        queues: vec![],
        jobs: vec![WatchedJob {
            name: "compact".into(),
            kind: "systemd".into(),
            about: "compact.service".into(),
        }],
    };
    let mut m = Model::new(None);
    m.apply(&event(
        Subject::Observer,
        Fact::Watching(Roster {
            servers: vec![watched],
            ..Roster::default()
        }),
    ));
    m
}

#[tokio::test(start_paused = true)]
async fn a_key_is_painted_at_once() {
    let c = start(one());
    c.rest().await;
    let before = c.seen.paints();
    assert_eq!(before, 1, "the first frame");
    c.press(KeyCode::Char('?'));
    c.rest().await;
    assert_eq!(c.seen.paints(), before + 1, "without any time passing");
    assert!(c.seen.text().contains("Help: the fleet"));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_events_make_one_paint() {
    let c = start(one());
    c.wait(600).await;
    let before = c.seen.paints();
    for i in 0..100 {
        c.engine.send(Msg::Events(vec![probed(10 + i)])).await.unwrap();
    }
    c.rest().await;
    assert_eq!(c.seen.paints(), before + 1);
    assert!(c.seen.text().contains("fetch 109ms"), "the newest of them");
}

#[tokio::test(start_paused = true)]
async fn data_is_painted_at_most_twice_a_second_and_a_key_does_not_wait_for_it() {
    let c = start(one());
    c.wait(2_000).await;
    let before = c.seen.paints();
    for i in 0..100 {
        c.engine.send(Msg::Events(vec![probed(10 + i)])).await.unwrap();
        c.wait(30).await;
    }
    let paints = c.seen.paints() - before;
    assert!(
        (5..=10).contains(&paints),
        "{paints} paints in 3 s: six frames, and seconds of the clock between them"
    );
    let before = c.seen.paints();
    c.press(KeyCode::Char('?'));
    c.rest().await;
    assert_eq!(c.seen.paints(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_count_sends_nothing_until_the_minute_turns() {
    let c = start(Model::new(None));
    c.rest().await;
    assert_eq!(c.seen.paints(), 1);
    c.wait(55_000).await;
    assert_eq!(c.seen.paints(), 1, "18:36:59");
    c.wait(1_000).await;
    assert_eq!(c.seen.paints(), 2, "18:37:00");
    assert!(c.seen.text().contains("Sun 18:37 UTC"));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_changes_no_cell_sends_nothing() {
    let c = start(Model::new(None));
    c.rest().await;
    c.engine
        .send(Msg::Answer(Answer::Role(mailtop::domain::effect::Role::Probing)))
        .await
        .unwrap();
    c.wait(1_000).await;
    c.press(KeyCode::F(7));
    c.rest().await;
    assert_eq!(c.seen.paints(), 1);
}

#[tokio::test(start_paused = true)]
async fn ages_count_on_whole_seconds_and_skip_none() {
    let c = start(one());
    c.rest().await;
    for second in 5..10 {
        c.wait(if second == 5 { 710 } else { 1_000 }).await;
        let clock = format!("18:36:{second:02} UTC");
        assert!(c.seen.text().contains(&clock), "{clock}");
    }
    assert_eq!(c.seen.paints(), 6, "one for each second, and the first frame");
}

#[tokio::test(start_paused = true)]
async fn slow_paints_every_five_seconds_but_keys_at_once() {
    let c = start_with(Pace::Slow, one(), 16);
    c.wait(10_000).await;
    let before = c.seen.paints();
    for i in 0..100 {
        c.engine.send(Msg::Events(vec![probed(10 + i)])).await.unwrap();
        c.wait(100).await;
    }
    let paints = c.seen.paints() - before;
    assert!((1..=4).contains(&paints), "{paints} paints in 10 s");
    let before = c.seen.paints();
    c.press(KeyCode::Char('?'));
    c.rest().await;
    assert_eq!(c.seen.paints(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_terminal_ends_the_loop() {
    let mut c = start(one());
    c.rest().await;
    c.keys = None;
    assert!(matches!(c.exit.await.unwrap(), Exit::HungUp));
}

#[tokio::test(start_paused = true)]
async fn a_broken_terminal_ends_the_loop() {
    let c = start(one());
    c.rest().await;
    c.keys
        .as_ref()
        .unwrap()
        .unbounded_send(Err(io::Error::other("gone")))
        .unwrap();
    assert!(matches!(c.exit.await.unwrap(), Exit::HungUp));
}

#[tokio::test(start_paused = true)]
async fn quit_and_signals_and_the_end_of_the_engine_each_end_it_by_their_name() {
    let c = start(one());
    c.press(KeyCode::Char('q'));
    assert!(matches!(c.exit.await.unwrap(), Exit::Asked));
    let c = start(one());
    c.signals.unbounded_send(Signal::Quit).unwrap();
    assert!(matches!(c.exit.await.unwrap(), Exit::Signalled));
    let c = start(one());
    c.signals.unbounded_send(Signal::Fault).unwrap();
    assert!(matches!(c.exit.await.unwrap(), Exit::Fault));
    let c = start(one());
    drop(c.engine);
    assert!(matches!(c.exit.await.unwrap(), Exit::EngineGone));
}

#[tokio::test(start_paused = true)]
async fn pause_asks_the_engine_for_a_plan() {
    let mut c = start(one());
    c.press(KeyCode::Char('p'));
    c.rest().await;
    let asked = c.effects.try_recv().unwrap();
    assert!(
        matches!(asked, Effect::Plan { ref server, .. } if &**server == "mbox1"),
        "{asked:?}"
    );
    assert!(c.seen.text().contains("Pause compact on mbox1"));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_busy_holds_up_no_key_and_loses_no_effect() {
    let mut c = start_with(Pace::Normal, one(), 1);
    for _ in 0..5 {
        c.press(KeyCode::Char('R'));
    }
    c.press(KeyCode::Char('?'));
    c.rest().await;
    assert!(
        c.seen.text().contains("Help: the fleet"),
        "five effects wait for an engine with room for one"
    );
    let mut got = VecDeque::new();
    for _ in 0..5 {
        got.push_back(c.effects.recv().await.unwrap());
    }
    assert!(got.iter().all(|e| *e == Effect::Refresh { server: None }));
}

#[tokio::test(start_paused = true)]
async fn the_mouse_the_shell_and_a_redraw_are_the_terminals_own_affair() {
    let mut c = start(one());
    c.rest().await;
    c.press(KeyCode::Char('m'));
    c.rest().await;
    let ctrl = |c: &Console, letter| {
        let key = Input::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
        c.keys.as_ref().unwrap().unbounded_send(Ok(key)).unwrap();
    };
    ctrl(&c, 'z');
    c.rest().await;
    let before = c.seen.paints();
    ctrl(&c, 'l');
    c.rest().await;
    assert_eq!(
        c.seen.paints(),
        before + 1,
        "the whole screen again, though nothing changed"
    );
    c.signals.unbounded_send(Signal::Continue).unwrap();
    c.rest().await;
    let seen = c.seen.0.lock().unwrap().clone();
    for what in ["mouse On", "suspended", "resumed"] {
        assert!(seen.iter().any(|s| s == what), "{what}");
    }
    assert!(c.effects.try_recv().is_err(), "the engine is not asked");
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_painted_without_waiting_for_the_frame_timer() {
    let mut c = start(one());
    c.press(KeyCode::Char('p'));
    c.rest().await;
    let Effect::Plan { server, job, verb, .. } = c.effects.recv().await.unwrap() else {
        panic!()
    };
    let why = mailtop::domain::reading::Missed::new(
        mailtop::domain::reading::Miss::Denied,
        "ssh mbox1 true",
        "permission denied",
    );
    let before = c.seen.paints();
    c.engine
        .send(Msg::Answer(Answer::NotPlanned { server, job, verb, why }))
        .await
        .unwrap();
    c.rest().await;
    assert_eq!(c.seen.paints(), before + 1);
    assert!(c.seen.text().contains("permission denied"));
}
