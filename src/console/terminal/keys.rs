//! Keys from the terminal as a stream that ends when the terminal is gone.

use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures::future::Either;
use futures::{Stream, StreamExt};
use tokio::sync::{mpsc, watch};

use super::give_back;

/// How long the program may take to leave once its terminal is gone, before it is ended by force. An action may be under
/// way: its steps (arm the resume on the server, act, read back) each end by the time-out of their job, and between
/// arming and acting the program must not be cut off. So this is no limit on good work, only the end of a program that
/// hangs although every step has its own end.
const LAST_RESORT: Duration = Duration::from_secs(120);

/// Keys, pastes and sizes from the terminal. It ends when the terminal is gone.
#[derive(Debug)]
pub struct Keys(mpsc::Receiver<io::Result<Event>>);

impl Stream for Keys {
    type Item = io::Result<Event>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Whether keys are left to somebody else.
static RESTS: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Leaves the keys to somebody else who has the terminal now.
pub(super) fn rest() {
    RESTS.send_replace(true);
}

/// Reads keys again.
pub(super) fn go_on() {
    RESTS.send_replace(false);
}

/// Reads keys until they are to be left to somebody else, and from when that is over on. The source of events holds the
/// terminal as long as it lives: it is let go of meanwhile.
fn read_keys(pass: &mpsc::Sender<io::Result<Event>>) {
    let mut rests = RESTS.subscribe();
    loop {
        let mut events = EventStream::new();
        loop {
            let next = {
                let resting = std::pin::pin!(rests.wait_for(|r| *r));
                match futures::executor::block_on(futures::future::select(events.next(), resting)) {
                    Either::Left((event, _)) => Some(event),
                    Either::Right(_) => None,
                }
            };
            match next {
                None => break,
                Some(None) => return,
                Some(Some(event)) => {
                    if pass.blocking_send(event).is_err() {
                        return;
                    }
                }
            }
        }
        drop(events);
        if futures::executor::block_on(rests.wait_for(|r| !*r)).is_err() {
            return;
        }
    }
}

/// Reads keys on a thread of their own. The event source does not notice the end of its terminal and would spin on it;
/// on its own thread that can neither hold up the loop nor keep the program from leaving, and a second thread
/// waits for the hang-up itself.
pub fn keys() -> Keys {
    let (send, receive) = mpsc::channel(64);
    let (gone, mut over) = mpsc::channel::<()>(1);
    std::thread::spawn(move || {
        wait_for_hangup();
        drop(gone);
        // The loop ends now, and the program leaves in good order.
        std::thread::sleep(LAST_RESORT);
        give_back();
        std::process::exit(129);
    });
    let (pass, mut raw) = mpsc::channel(64);
    std::thread::spawn(move || read_keys(&pass));
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                biased;
                _ = over.recv() => break,
                event = raw.recv() => event,
            };
            let Some(event) = event else { break };
            if send.send(event).await.is_err() {
                break;
            }
        }
    });
    Keys(receive)
}

/// Returns once the terminal has hung up. Where that cannot be asked, never.
fn wait_for_hangup() {
    loop {
        match poll_hangup(None) {
            Ok(true) => return,
            Ok(false) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => loop {
                std::thread::park();
            },
        }
    }
}

/// Whether the terminal has hung up by now.
pub(super) fn has_hung_up() -> bool {
    poll_hangup(Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap_or(false)
}

/// Waits for a hang-up, at most so long. No event is asked for: only hang-up and error are reported, so keys do not wake it.
fn poll_hangup(timeout: Option<&rustix::event::Timespec>) -> rustix::io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, poll};
    let stdin = io::stdin();
    let tty = if stdin.is_terminal() {
        None
    } else {
        std::fs::File::open("/dev/tty").ok()
    };
    let mut fds = [match &tty {
        Some(tty) => PollFd::new(tty, PollFlags::empty()),
        None => PollFd::new(&stdin, PollFlags::empty()),
    }];
    poll(&mut fds, timeout)?;
    Ok(fds[0]
        .revents()
        .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL))
}
