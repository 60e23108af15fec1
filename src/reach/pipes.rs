//! Reading what a command prints, bounded, until it has ended and both of its pipes are done.
//! The same for a child of ours and for one at the other end of ssh; nothing here knows which it is.

use std::future::Future;
use std::io;
use std::pin::pin;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Duration, Instant, sleep_until};

/// How much more than it may keep is read and thrown away before the pipe is closed. Closing kills a command that still
/// prints (SIGPIPE), and a pause that is merely talkative must not be broken half-way.
const THROWN_AWAY: usize = 64 << 20;
/// A process that the command left behind may hold its pipes open for ever: once the command has ended they get this
/// long without a byte, and the second bound in all.
const QUIET: Duration = Duration::from_millis(500);
const TRAILING: Duration = Duration::from_secs(5);
/// Bytes asked for at a time.
const CHUNK: usize = 32 << 10;

/// What was read.
#[derive(Debug)]
pub(super) struct Gathered<T> {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub cut: bool,
    /// The end of standard output was not seen: something still held it open, or reading it failed.
    pub unfinished: bool,
    /// What the command ended with.
    pub end: T,
}

/// What becomes of standard output.
pub(super) enum Stdout<'a> {
    /// Kept, within the bound.
    Kept,
    /// Handed on as it comes, all of it.
    HandedOn(&'a mut (dyn FnMut(&[u8]) + Send)),
}

/// Reads both pipes until the command has ended (`ended` resolves) and they are done. While they are open, `ended` is
/// asked only after `patience` without a byte: for a command whose pipes break when its end is taken note of.
pub(super) async fn gather<O, E, T>(
    stdout: O,
    stderr: E,
    ended: impl Future<Output = T>,
    max: usize,
    patience: Duration,
    mut on_stdout: Stdout<'_>,
) -> Gathered<T>
where
    O: AsyncRead + Unpin,
    E: AsyncRead + Unpin,
{
    let mut out = Pipe::new(stdout, max);
    let mut err = Pipe::new(stderr, max);
    let mut ended = pin!(ended);
    let mut end = None;
    let mut quiet = Instant::now() + patience;
    let mut all = None;
    while out.is_open() || err.is_open() {
        let read = async {
            tokio::select! {
                n = out.fill() => (Which::Out, n),
                n = err.fill() => (Which::Err, n),
            }
        };
        let is_quiet = Instant::now() >= quiet;
        // What is there is read first: on a busy machine it may have been there for longer than the silence lasts.
        tokio::select! {
            biased;
            (which, n) = read => {
                match which {
                    Which::Out => out.take(n, &mut on_stdout),
                    Which::Err => err.take(n, &mut Stdout::Kept),
                }
                quiet = Instant::now() + if end.is_none() { patience } else { QUIET };
            }
            e = &mut ended, if end.is_none() && is_quiet => {
                end = Some(e);
                // From here on an end of the pipe may be of that making.
                out.broken |= out.is_open() && !patience.is_zero();
                quiet = Instant::now() + QUIET;
                all = Some(Instant::now() + TRAILING);
            }
            () = sleep_until(quiet), if !is_quiet => {}
        }
        let now = Instant::now();
        if all.is_some_and(|all| now >= all || now >= quiet) {
            break;
        }
    }
    let end = match end {
        Some(end) => end,
        None => ended.await,
    };
    Gathered {
        cut: out.cut || err.cut,
        unfinished: out.broken || out.is_open(),
        stdout: out.kept,
        stderr: err.kept,
        end,
    }
}

enum Which {
    Out,
    Err,
}

/// One pipe: what is kept of it, and whether it still is to be read.
struct Pipe<R> {
    from: Option<R>,
    buf: Box<[u8]>,
    kept: Vec<u8>,
    max: usize,
    thrown: usize,
    cut: bool,
    broken: bool,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(from: R, max: usize) -> Self {
        Self {
            from: Some(from),
            buf: vec![0; CHUNK].into(),
            kept: Vec::new(),
            max,
            thrown: 0,
            cut: false,
            broken: false,
        }
    }
    fn is_open(&self) -> bool {
        self.from.is_some()
    }
    /// Waits for bytes; 0 is the end. A closed pipe waits for ever. Nothing is lost when it is dropped while it waits.
    async fn fill(&mut self) -> io::Result<usize> {
        match &mut self.from {
            Some(from) => from.read(&mut self.buf).await,
            None => std::future::pending().await,
        }
    }
    fn take(&mut self, n: io::Result<usize>, to: &mut Stdout<'_>) {
        self.broken |= n.is_err();
        let n = n.unwrap_or(0);
        let got = self.buf.get(..n).unwrap_or_default();
        if n == 0 {
            self.from = None;
            return;
        }
        if let Stdout::HandedOn(f) = to {
            f(got);
            return;
        }
        let room = self.max.saturating_sub(self.kept.len()).min(n);
        self.kept.extend_from_slice(got.get(..room).unwrap_or_default());
        if room < n {
            self.cut = true;
            self.thrown = self.thrown.saturating_add(n - room);
            if self.thrown > THROWN_AWAY {
                self.from = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::io::{AsyncWriteExt, ReadBuf};

    fn run<T>(f: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(f)
    }

    /// Always has bytes; says when it was closed.
    struct Endless(Option<tokio::sync::oneshot::Sender<()>>);
    impl AsyncRead for Endless {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
            let n = buf.remaining();
            buf.put_slice(&vec![b'y'; n]);
            Poll::Ready(Ok(()))
        }
    }
    impl Drop for Endless {
        fn drop(&mut self) {
            let _ = self.0.take().map(|closed| closed.send(()));
        }
    }

    /// Never has bytes and never ends.
    struct Open;
    impl AsyncRead for Open {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }

    #[test]
    fn what_is_beyond_the_bound_is_read_and_thrown_away() {
        let g = run(gather(
            vec![b'x'; 100_000].as_slice(),
            &b"e"[..],
            ready(7),
            10,
            Duration::ZERO,
            Stdout::Kept,
        ));
        assert_eq!((g.stdout.as_slice(), g.cut, g.end), (&b"xxxxxxxxxx"[..], true, 7));
        assert_eq!(g.stderr, b"e");
    }

    #[test]
    fn an_endless_pipe_is_closed_after_the_second_bound_and_the_command_is_still_waited_for() {
        let (closed, ended) = tokio::sync::oneshot::channel();
        let g = run(gather(
            Endless(Some(closed)),
            &b""[..],
            ended,
            5,
            Duration::ZERO,
            Stdout::Kept,
        ));
        assert_eq!((g.stdout.as_slice(), g.cut), (&b"yyyyy"[..], true));
    }

    #[test]
    fn a_process_left_behind_with_the_pipe_open_does_not_hold_the_answer_back() {
        let g = run(gather(
            &b"done\n"[..],
            Open,
            ready(()),
            100,
            Duration::ZERO,
            Stdout::Kept,
        ));
        assert_eq!(
            (g.stdout.as_slice(), g.cut, g.unfinished),
            (&b"done\n"[..], false, false)
        );
    }

    #[test]
    fn output_whose_end_was_not_seen_is_unfinished() {
        let held = (&b"1\n"[..]).chain(Open);
        let g = run(gather(held, &b""[..], ready(()), 100, Duration::ZERO, Stdout::Kept));
        assert_eq!((g.stdout.as_slice(), g.unfinished), (&b"1\n"[..], true));
        let g = run(gather(
            (&b"1\n"[..]).chain(Broken),
            &b""[..],
            ready(()),
            100,
            Duration::ZERO,
            Stdout::Kept,
        ));
        assert_eq!((g.stdout.as_slice(), g.unfinished), (&b"1\n"[..], true));
    }

    /// Cannot be read.
    struct Broken;
    impl AsyncRead for Broken {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }

    #[test]
    fn a_pipe_that_breaks_with_the_end_is_read_before_the_end_is_asked_for() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let asked = std::cell::Cell::new(false);
        let g = run(async {
            let write = async {
                tokio::task::yield_now().await;
                assert!(!asked.get());
                theirs.write_all(b"late\n").await.unwrap();
                drop(theirs);
            };
            let end = async { asked.set(true) };
            let patience = Duration::from_secs(3_600);
            let (g, ()) = tokio::join!(gather(ours, &b""[..], end, 10, patience, Stdout::Kept), write);
            g
        });
        assert_eq!((g.stdout.as_slice(), g.unfinished), (&b"late\n"[..], false));
    }

    #[test]
    fn what_is_handed_on_has_no_bound_and_is_not_kept() {
        let mut seen = 0;
        let mut count = |b: &[u8]| seen += b.len();
        let g = run(async {
            let (ours, mut theirs) = tokio::io::duplex(64);
            let ended = async move {
                theirs.write_all(&[b'z'; 5_000]).await.unwrap();
            };
            gather(ours, &b""[..], ended, 10, Duration::ZERO, Stdout::HandedOn(&mut count)).await
        });
        assert_eq!((g.stdout.len(), g.cut, seen), (0, false, 5_000));
    }
}
