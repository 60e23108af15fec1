//! The only room that touches the tty: raw mode, the alternate screen, the writer that sends a frame in one piece, keys
//! and signals as streams. Whatever way the program ends, the terminal is given back as it was.

mod clip;
mod editor;
mod frame;
mod keys;
mod outside;

use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{
    DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use futures::{Stream, StreamExt};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::domain::Text;
use crate::domain::effect::{CopyTo, Toggle};
use crate::domain::incident::terms::Remind;

use super::app::Msg;
use super::run::{Screen, Signal};

use frame::END_FRAME;
pub use frame::FrameWriter;
pub use keys::{Keys, keys};

/// Whether the terminal is ours at the moment, for the panic hook and the last resort.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The user's own editor while it has the terminal: its process, or [`NO_EDITOR`].
static EDITOR: AtomicI32 = AtomicI32::new(NO_EDITOR);
const NO_EDITOR: i32 = 0;

fn is_lent() -> bool {
    EDITOR.load(Ordering::SeqCst) != NO_EDITOR
}

/// Where a fault in any task is reported, so that the loop ends instead of drawing on a terminal that was given back.
static FAULT: OnceLock<mpsc::Sender<Signal>> = OnceLock::new();

/// The terminal, taken over. Dropping it gives it back.
#[derive(Debug)]
pub struct Tty {
    frame: FrameWriter<io::Stdout>,
    mouse: Toggle,
    /// Where what takes longer than a moment is answered.
    answers: Option<mpsc::WeakSender<Msg>>,
    /// Where words go that no clipboard takes.
    folder: Option<PathBuf>,
    /// The modes that the terminal had when the user's own editor got it.
    modes: Option<rustix::termios::Termios>,
}

impl Tty {
    /// Takes the terminal over: raw mode, alternate screen, no cursor, bracketed paste.
    ///
    /// # Errors
    /// Where standard output is no terminal, or refuses.
    pub fn enter() -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "standard output is not a terminal: use `mailtop check` or `mailtop watch` in pipes and scripts",
            ));
        }
        take()?;
        Ok(Self {
            frame: FrameWriter::new(io::stdout()),
            mouse: Toggle::Off,
            answers: None,
            folder: None,
            modes: None,
        })
    }

    /// The same with a way to the console for what takes longer than a moment, and a folder for words that no clipboard
    /// takes.
    #[must_use]
    pub fn answering(mut self, to: &mpsc::Sender<Msg>, folder: Option<PathBuf>) -> Self {
        self.answers = Some(to.downgrade());
        self.folder = folder;
        self
    }

    /// Answers later; a console that has left hears nothing.
    fn later(&self, answer: impl Future<Output = Msg> + Send + 'static) {
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let msg = answer.await;
            if let Some(answers) = answers.and_then(|a| a.upgrade()) {
                let _ = answers.send(msg).await;
            }
        });
    }

    /// The drawing library's own backend, which keeps nothing between calls, writing into the frame.
    fn inner(&mut self) -> CrosstermBackend<&mut FrameWriter<io::Stdout>> {
        CrosstermBackend::new(&mut self.frame)
    }

    fn set_mouse(&mut self, to: Toggle) -> io::Result<()> {
        self.mouse = to;
        match to {
            Toggle::On => execute!(io::stdout(), EnableMouseCapture),
            Toggle::Off => execute!(io::stdout(), DisableMouseCapture),
        }
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // An editor must not stay on a terminal that the shell has again.
        let editor = rustix::process::Pid::from_raw(EDITOR.swap(NO_EDITOR, Ordering::SeqCst));
        if let Some(editor) = editor {
            editor::end(editor);
        }
        if let Some(modes) = &self.modes {
            editor::set_modes(modes);
        }
        give_back();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    // Our frames end at the last column on purpose: a terminal must not begin a new line there.
    queue!(
        out,
        EnterAlternateScreen,
        cursor::Hide,
        EnableBracketedPaste,
        DisableLineWrap
    )?;
    out.flush()
}

/// Gives the terminal back as it was. Safe to call at any time and more than once; errors have nowhere to go.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = out.write_all(END_FRAME);
    let _ = queue!(
        out,
        DisableMouseCapture,
        DisableBracketedPaste,
        EnableLineWrap,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

impl Screen for Tty {
    fn mouse(&mut self, to: Toggle) -> io::Result<()> {
        self.set_mouse(to)
    }
    /// Gives the terminal back, stops this process until somebody says `fg`, and takes the terminal over again.
    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        self.resume()
    }
    fn resume(&mut self) -> io::Result<()> {
        // Stopped and continued together with the editor, whose terminal it is.
        if is_lent() {
            return Ok(());
        }
        take()?;
        let mouse = self.mouse;
        if mouse == Toggle::On {
            self.set_mouse(mouse)
        } else {
            Ok(())
        }
    }
    fn copy(&mut self, words: String, file: String, to: CopyTo) {
        let folder = self.folder.clone();
        self.later(async move { Msg::Copied(clip::copy(words, file, to, folder).await) });
    }
    fn remind(&mut self, how: &[Remind], words: &Text) -> io::Result<()> {
        // Nothing of it moves a cursor: an editor that has the terminal is not disturbed.
        if !TAKEN.load(Ordering::SeqCst) && !is_lent() {
            return Ok(());
        }
        let around = outside::around(|name| std::env::var(name).ok());
        let mut out = io::stdout().lock();
        out.write_all(&outside::reminder(how, words, around))?;
        out.flush()
    }
    fn edit(&mut self, words: String) {
        keys::rest();
        give_back();
        self.modes = editor::modes();
        match editor::Running::start(&words) {
            Ok(running) => {
                EDITOR.store(running.pid().unwrap_or(NO_EDITOR), Ordering::SeqCst);
                self.later(async move { Msg::Edited(running.end().await) });
            }
            Err(e) => self.later(async move { Msg::Edited(Err(format!("no editor could be started: {e}").into())) }),
        }
    }
    fn edited(&mut self) -> io::Result<()> {
        EDITOR.store(NO_EDITOR, Ordering::SeqCst);
        // One that died may have left the terminal in its own modes, which would be taken for the user's.
        if let Some(modes) = self.modes.take() {
            editor::set_modes(&modes);
        }
        let taken = self.resume();
        keys::go_on();
        taken
    }
}

impl Backend for Tty {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.inner().draw(content)
    }
    fn hide_cursor(&mut self) -> io::Result<()> {
        // Hidden when the terminal was taken; saying so again in every frame would cost bytes for nothing.
        Ok(())
    }
    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner().show_cursor()
    }
    /// Not asked: the terminal's answer would come in between the keys, and nothing here needs it.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }
    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner().set_cursor_position(position)
    }
    fn clear(&mut self) -> io::Result<()> {
        self.inner().clear()
    }
    fn clear_region(&mut self, clear: ClearType) -> io::Result<()> {
        self.inner().clear_region(clear)
    }
    fn size(&self) -> io::Result<Size> {
        let (columns, rows) = crossterm::terminal::size()?;
        Ok(Size::new(columns, rows))
    }
    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner().window_size()
    }
    /// The end of a frame: now it is sent. A terminal that was given back (a fault elsewhere) is left alone.
    fn flush(&mut self) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            self.frame.discard();
            return Ok(());
        }
        self.frame.send()
    }
}

/// The signals that the console answers to: TERM and INT leave; HUP reloads, or leaves when the terminal is gone; TSTP suspends; CONT takes the terminal again.
///
/// # Errors
/// When the system refuses a handler.
pub fn signals() -> io::Result<impl Stream<Item = Signal> + Unpin> {
    let (send, receive) = mpsc::channel(8);
    // libc numbers the stop signals differently from system to system.
    let table = [
        (SignalKind::terminate(), Signal::Quit),
        (SignalKind::hangup(), Signal::Reload),
        (SignalKind::interrupt(), Signal::Quit),
        (SignalKind::from_raw(libc::SIGTSTP), Signal::Suspend),
        (SignalKind::from_raw(libc::SIGCONT), Signal::Continue),
    ];
    for (kind, means) in table {
        let mut source = signal(kind)?;
        let send = send.clone();
        tokio::spawn(async move {
            while source.recv().await.is_some() {
                // Ctrl-C is the editor's while it has the terminal.
                if kind == SignalKind::interrupt() && is_lent() {
                    continue;
                }
                // A hang-up of the terminal sends SIGHUP too; with the terminal still there it is somebody's wish to reload.
                let means = if means == Signal::Reload && keys::has_hung_up() {
                    Signal::Quit
                } else {
                    means
                };
                if send.send(means).await.is_err() {
                    break;
                }
            }
        });
    }
    // A second console in one process keeps the first one's line; there is only one terminal.
    let _ = FAULT.set(send);
    Ok(futures::stream::unfold(receive, |mut r| async move { r.recv().await.map(|s| (s, r)) }).boxed())
}

/// Makes a panic in any thread or task give the terminal back before it says what happened, where, and where the log is.
/// The loop then ends with [`super::Exit::Fault`], for which the program leaves with exit code 101.
pub fn install_panic_hook(log: Option<PathBuf>) {
    std::panic::set_hook(Box::new(move |info| {
        give_back();
        let words = describe(info, log.as_deref().map(|p| p.display().to_string()).as_deref());
        tracing::error!(target: "panic", "{words}");
        let _ = writeln!(io::stderr(), "{words}");
        if let Some(line) = FAULT.get() {
            let _ = line.try_send(Signal::Fault);
        }
    }));
}

fn describe(info: &PanicHookInfo<'_>, log: Option<&str>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)");
    let place = info
        .location()
        .map_or("an unknown place".to_owned(), |l| format!("{}:{}", l.file(), l.line()));
    let log = log.map_or(String::new(), |p| format!("\nThe log is {p}."));
    format!(
        "mailtop ran into a fault of its own and had to stop.\n{place}: {message}\nWhat was seen until then is in the journal.{log}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn giving_back_a_terminal_that_was_not_taken_does_nothing() {
        give_back();
        assert!(!TAKEN.load(Ordering::SeqCst));
    }
}
