//! The loop: signals, keys, the engine's messages, the frame timer, the clock, in this order. A key paints at once; data
//! paints at most twice a second; a frame in which no cell changed is not sent. Backend, input, signals and clock come
//! from outside, so that the whole loop runs in a test.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crossterm::event::Event as Input;
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::domain::effect::{Answer, Back, CopyTo, Effect, Toggle};
use crate::domain::incident::terms::Remind;
use crate::domain::{Span, Text};

use super::app::{App, Msg, Pace};
use super::view;

/// A terminal that the console can draw on and hand to the shell for a while.
pub trait Screen: Backend {
    /// Turns the mouse on or off.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    fn mouse(&mut self, to: Toggle) -> io::Result<()>;
    /// Gives the terminal back, stops the process, and takes the terminal over when it goes on.
    ///
    /// # Errors
    /// When the terminal cannot be given or taken.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal over again after the process was stopped from outside.
    ///
    /// # Errors
    /// When the terminal cannot be taken.
    fn resume(&mut self) -> io::Result<()>;
    /// Hands words to the terminal's clipboard, or writes them to a file of this name where that is asked for or the
    /// terminal does not take them. What became of it comes back as [`Msg::Copied`].
    fn copy(&mut self, _words: String, _file: String, _to: CopyTo) {}
    /// Tells a person who looks elsewhere.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    fn remind(&mut self, _how: &[Remind], _words: &Text) -> io::Result<()> {
        Ok(())
    }
    /// Gives the terminal to the user's own editor with these words. They come back as [`Msg::Edited`], upon which
    /// [`Screen::edited`] takes the terminal over again; until then nothing is drawn and no key is read.
    fn edit(&mut self, _words: String) {}
    /// Takes the terminal over again from the user's own editor.
    ///
    /// # Errors
    /// When the terminal cannot be taken.
    fn edited(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen for TestBackend {
    fn mouse(&mut self, _: Toggle) -> io::Result<()> {
        Ok(())
    }
    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A signal, by what it means here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Leave in good order.
    Quit,
    /// To the shell.
    Suspend,
    /// Back from it.
    Continue,
    /// Read the config again (SIGHUP while the terminal is still there).
    Reload,
    /// A task ran into a fault; the terminal was given back already.
    Fault,
}

/// Why the loop ended.
#[derive(Debug)]
pub enum Exit {
    /// A person asked for it.
    Asked,
    /// A signal did.
    Signalled,
    /// A task ran into a fault, and the panic hook has said so.
    Fault,
    /// The terminal is gone.
    HungUp,
    /// The engine is gone: nothing new would ever come.
    EngineGone,
    /// The terminal could not be drawn on.
    Failed(io::Error),
}

/// How the loop runs.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// The shortest time between two paints for data.
    pub frame: Duration,
    /// How long one second of the shown clock is in real time.
    pub second: Duration,
}

impl RunOptions {
    /// For this pace, on this clock.
    pub fn of(pace: Pace, clock: &Clock) -> Self {
        Self {
            frame: match pace {
                Pace::Normal => Duration::from_millis(500),
                Pace::Slow => Duration::from_secs(5),
            },
            second: clock.real(Span::from_secs(1)),
        }
    }
}

/// Everything that the loop listens and speaks to.
#[derive(Debug)]
pub struct Wires<I, G> {
    /// Keys and sizes.
    pub input: I,
    /// Signals.
    pub signals: G,
    /// Events and answers of the engine.
    pub messages: mpsc::Receiver<Msg>,
    /// What the engine is to do.
    pub effects: mpsc::Sender<Effect>,
    /// Where questions about the past go.
    pub past: std::sync::mpsc::Sender<(u64, Back)>,
}

/// Runs the console until somebody leaves.
pub async fn run<B, I, G>(
    app: App,
    terminal: &mut Terminal<B>,
    wires: Wires<I, G>,
    now: impl FnMut() -> Timestamp,
    options: RunOptions,
) -> Exit
where
    B: Screen,
    I: Stream<Item = io::Result<Input>> + Unpin,
    G: Stream<Item = Signal> + Unpin,
{
    let mut run = Loop {
        app,
        terminal,
        shown: None,
        now,
        options,
        past: None,
        waiting: VecDeque::new(),
        dirty: false,
        painted: None,
        next_tick: Instant::now(),
    };
    match run.turn(wires).await {
        Ok(exit) => exit,
        Err(e) => Exit::Failed(e),
    }
}

struct Loop<'t, B: Screen, N> {
    app: App,
    terminal: &'t mut Terminal<B>,
    /// The frame that is on the screen; `None` when that is not known.
    shown: Option<Buffer>,
    now: N,
    options: RunOptions,
    past: Option<std::sync::mpsc::Sender<(u64, Back)>>,
    /// Effects that the engine has no room for yet. None is lost, and none is waited for.
    waiting: VecDeque<Effect>,
    /// Whether something came in since the last paint.
    dirty: bool,
    painted: Option<Instant>,
    next_tick: Instant,
}

impl<B: Screen, N: FnMut() -> Timestamp> Loop<'_, B, N> {
    async fn turn<I, G>(&mut self, wires: Wires<I, G>) -> io::Result<Exit>
    where
        I: Stream<Item = io::Result<Input>> + Unpin,
        G: Stream<Item = Signal> + Unpin,
    {
        let Wires {
            mut input,
            mut signals,
            mut messages,
            effects,
            past,
        } = wires;
        self.past = Some(past);
        let size = self.terminal.size().map_err(error)?;
        let _ = self.update(Msg::Resize(size.width, size.height))?;
        self.paint()?;
        let mut signals_over = false;
        loop {
            let frame_due = self.painted.map_or_else(Instant::now, |at| at + self.options.frame);
            tokio::select! {
                biased;
                signal = signals.next(), if !signals_over => match signal {
                    Some(Signal::Quit) => return Ok(Exit::Signalled),
                    Some(Signal::Fault) => return Ok(Exit::Fault),
                    Some(Signal::Suspend) => self.suspend()?,
                    Some(Signal::Continue) => self.resumed()?,
                    Some(Signal::Reload) => self.waiting.push_back(Effect::Reload),
                    None => signals_over = true,
                },
                key = input.next() => match key {
                    Some(Ok(event)) => {
                        if let Some(exit) = self.typed(event)? {
                            return Ok(exit);
                        }
                    }
                    Some(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
                    Some(Err(_)) | None => return Ok(Exit::HungUp),
                },
                room = effects.reserve(), if !self.waiting.is_empty() => match room {
                    Ok(room) => {
                        if let Some(effect) = self.waiting.pop_front() {
                            room.send(effect);
                        }
                    }
                    Err(_) => return Ok(Exit::EngineGone),
                },
                msg = messages.recv() => {
                    let Some(msg) = msg else { return Ok(Exit::EngineGone) };
                    if let Some(exit) = self.told(msg, &mut messages)? {
                        return Ok(exit);
                    }
                }
                () = sleep_until(frame_due), if self.dirty => self.paint()?,
                () = sleep_until(self.next_tick) => {
                    let _ = self.update(Msg::Tick)?;
                    self.paint()?;
                }
            }
        }
    }

    /// A key paints at once.
    fn typed(&mut self, event: Input) -> io::Result<Option<Exit>> {
        let Some(msg) = Msg::from_input(event) else {
            return Ok(None);
        };
        let exit = self.update(msg)?;
        if exit.is_none() {
            self.paint()?;
        }
        Ok(exit)
    }

    /// Takes in everything that is ready before anything is drawn. What answers a key's question is painted soon.
    fn told(&mut self, first: Msg, messages: &mut mpsc::Receiver<Msg>) -> io::Result<Option<Exit>> {
        // Bounded, so that a flood of events cannot keep keys waiting.
        const AT_ONCE: usize = 256;
        let mut next = Some(first);
        let mut answered = false;
        for _ in 0..AT_ONCE {
            let Some(msg) = next.take() else { break };
            answered |= matches!(
                msg,
                Msg::Answer(
                    Answer::Planned(_)
                        | Answer::NotPlanned { .. }
                        | Answer::NotRun { .. }
                        | Answer::Messages { .. }
                        | Answer::Published { .. }
                        | Answer::NotPublished { .. }
                ) | Msg::Copied(_)
                    | Msg::Past(..)
                    | Msg::Edited(_)
            );
            if let Some(exit) = self.update(msg)? {
                return Ok(Some(exit));
            }
            next = messages.try_recv().ok();
        }
        // One more may have been taken than was handled.
        if let Some(msg) = next
            && let Some(exit) = self.update(msg)?
        {
            return Ok(Some(exit));
        }
        self.dirty = true;
        if answered {
            self.paint()?;
        }
        Ok(None)
    }

    /// Gives a message to the app and does what is the terminal's to do; the rest goes to the engine.
    fn update(&mut self, msg: Msg) -> io::Result<Option<Exit>> {
        let now = (self.now)();
        if let Msg::Edited(_) = msg {
            self.terminal.backend_mut().edited()?;
            self.forget_screen()?;
            // The window may have another size since.
            let size = self.terminal.size().map_err(error)?;
            let _ = self.app.update(Msg::Resize(size.width, size.height), now);
        }
        for effect in self.app.update(msg, now) {
            match effect {
                Effect::Quit => return Ok(Some(Exit::Asked)),
                Effect::Mouse(to) => self.terminal.backend_mut().mouse(to)?,
                Effect::Redraw => self.forget_screen()?,
                Effect::Suspend => self.suspend()?,
                Effect::Past(number, ask) => {
                    let asked = self.past.as_ref().is_some_and(|p| p.send((number, ask)).is_ok());
                    if !asked {
                        let why = "nothing looks back any more; the log says why".into();
                        let _ = self.app.update(Msg::Past(number, Err(why)), now);
                    }
                }
                Effect::Copy { words, file, to } => self.terminal.backend_mut().copy(words, file, to),
                Effect::Remind { how, words } => self.terminal.backend_mut().remind(&how, &words)?,
                Effect::Edit(words) => self.terminal.backend_mut().edit(words),
                effect => self.waiting.push_back(effect),
            }
        }
        Ok(None)
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().suspend()?;
        self.forget_screen()?;
        self.look_again()
    }

    fn resumed(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().resume()?;
        self.forget_screen()?;
        self.look_again()
    }

    /// After a pause of unknown length the terminal may have another size.
    fn look_again(&mut self) -> io::Result<()> {
        let size = self.terminal.size().map_err(error)?;
        let _ = self.update(Msg::Resize(size.width, size.height))?;
        self.paint()
    }

    /// Nothing is known of what is on the screen: the next paint sends all of it.
    fn forget_screen(&mut self) -> io::Result<()> {
        self.shown = None;
        self.terminal.clear().map_err(error)
    }

    /// Draws, and sends what changed; nothing at all when nothing did.
    fn paint(&mut self) -> io::Result<()> {
        self.dirty = false;
        let now = (self.now)();
        let at = Instant::now();
        self.painted = Some(at);
        self.next_tick = at + self.until_tick(now);
        let size = self.terminal.size().map_err(error)?;
        let area = Rect::new(0, 0, size.width, size.height);
        if (size.width, size.height) != self.app.size {
            let _ = self.app.update(Msg::Resize(size.width, size.height), now);
        }
        let mut frame = Buffer::empty(area);
        view::draw(&mut frame, area, &self.app, now);
        if self.shown.as_ref() == Some(&frame) {
            return Ok(());
        }
        self.terminal
            .draw(|f| {
                let room = f.area().intersection(area);
                let buf = f.buffer_mut();
                for y in room.top()..room.bottom() {
                    for x in room.left()..room.right() {
                        buf[(x, y)] = frame[(x, y)].clone();
                    }
                }
            })
            .map_err(error)?;
        self.shown = Some(frame);
        Ok(())
    }

    /// From now until the shown clock turns over: ticks fall on whole seconds, so that no second is skipped.
    fn until_tick(&self, now: Timestamp) -> Duration {
        let every = self.app.tick_every();
        if self.options.second.mul_f64(every.secs_f64()) < self.options.frame {
            // A clock that runs fast (the demo's) would tick more often than data is painted.
            return self.options.frame;
        }
        let into = now.as_microsecond().rem_euclid(every.micros());
        // A moment past the turn, so that rounding cannot land before it.
        let left = Span::from_micros(every.micros() - into).secs_f64();
        self.options.second.mul_f64(left) + Duration::from_millis(1)
    }
}

fn error(e: impl std::fmt::Display) -> io::Error {
    io::Error::other(e.to_string())
}
