//! The face of the journal for the rest of the house: a handle that never makes its caller wait for a disk, and what comes
//! back when it is opened.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::backlog::Withdrawn;
use super::waiting::{STUCK, Waiting};
use super::writer::{Started, Writer};
use super::{Change, Claim, Keep, Lease};
use crate::clock::Clock;
use crate::domain::effect::Recording;
use crate::domain::event::{Event, ObserverId, Subject};
use crate::domain::{Name, Span, Text, Timestamp};

/// The longest that an action waits for its plan to be on disk, and that leaving waits for what is unwritten.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest that opening waits for the disk.
const OPENING: Duration = Duration::from_secs(8);
/// How many messages of events may be on their way to the screen. With more, the journal waits; what is on disk is not lost.
const FEED: usize = 256;
/// A lease lasts at least this long, so that a busy moment does not lose it.
const SHORTEST: Span = Span::from_secs(3);

/// How to open a journal.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file; nowhere on disk when `None`.
    pub path: Option<PathBuf>,
    /// From when on the past is wanted, event by event. Before it, the last known state.
    pub from: Timestamp,
    /// How long things are kept.
    pub keep: Keep,
    /// Who we are.
    pub me: ObserverId,
    /// The clock of the events.
    pub clock: Clock,
}

/// An open journal.
pub struct Opened {
    /// To put events in.
    pub handle: Handle,
    /// Every event that is recorded from now on, by us and by other processes, in the order of the record. While
    /// nothing can be recorded, our own as they come.
    pub events: mpsc::Receiver<Vec<Event>>,
    /// Whether what is shown is also recorded.
    pub recording: watch::Receiver<Recording>,
    /// The past, in the order of the record; `events` goes on where it ends.
    pub initial: Vec<Event>,
    /// What the user should know. What happened to the file is also on the record, as [`crate::domain::event::Fact::Notice`].
    pub notices: Vec<Text>,
    /// Where it is.
    pub path: Option<PathBuf>,
}

/// A way into the journal. Cheap to clone; when the last one is dropped, the journal ends as by [`Handle::stop`].
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    waiting: Arc<Waiting>,
    me: ObserverId,
    clock: Clock,
    thread: Mutex<Option<JoinHandle<()>>>,
    ended: watch::Receiver<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.waiting.stop();
    }
}

/// Opens a journal on a thread of its own. It always opens: when there can be no file, `recording` and `notices` say why,
/// events pass through unrecorded, and it goes on trying.
pub async fn open(options: Options) -> Opened {
    let (feed, events) = mpsc::channel(FEED);
    let (status, recording) = watch::channel(Recording::Yes);
    let (end, ended) = watch::channel(());
    let waiting = Arc::new(Waiting::new(feed.clone(), status));
    let (tell, started) = oneshot::channel();
    let spawned = {
        let (waiting, options) = (waiting.clone(), options.clone());
        std::thread::Builder::new().name("journal".into()).spawn(move || {
            let Options {
                path,
                from,
                keep,
                me,
                clock,
            } = options;
            let mut writer = Writer::new(waiting, feed, path, keep, me, clock);
            let _ = tell.send(writer.start(from));
            writer.run();
            drop(end);
        })
    };
    let mut notices = Vec::new();
    let thread = spawned
        .map_err(|e| {
            let why = Text::from(format!("no thread for the journal: {e}"));
            waiting.failed(&why);
            notices.push(why);
        })
        .ok();
    let initial = match tokio::time::timeout(OPENING, started).await {
        Ok(Ok(Started { start, notices: said })) => {
            notices.extend(said);
            start.events
        }
        Ok(Err(_)) => Vec::new(),
        Err(_) => {
            let secs = OPENING.as_secs();
            notices.push(format!("the journal's disk has not answered for {secs}s: the past is not shown").into());
            Vec::new()
        }
    };
    Opened {
        handle: Handle(Arc::new(Inner {
            waiting,
            me: options.me,
            clock: options.clock,
            thread: Mutex::new(thread),
            ended,
        })),
        events,
        recording,
        initial,
        notices,
        path: options.path,
    }
}

impl Handle {
    /// Puts events in and returns at once. They come out of [`Opened::events`] when they are recorded. When the disk
    /// fails for so long that the queue is full, samples are lost, and how many is put on the record; actions and
    /// notices are never lost.
    pub fn append(&self, events: Vec<Event>) {
        if !events.is_empty() {
            self.0.waiting.append(events);
        }
    }

    /// Puts events in, at once; the future ends when they are synced to the disk, or with the reason why they are not. What
    /// hangs on them is then not to be done. They are not shown before they are on disk.
    ///
    /// # Errors
    /// When the disk fails, or has not answered for five seconds. Only in the second case may they come to be recorded still; the text says so.
    pub fn append_durable(&self, events: Vec<Event>) -> impl Future<Output = Result<(), Text>> + Send + 'static {
        let waiting = self.0.waiting.clone();
        let (ticket, answer) = waiting.append_durable(events);
        async move {
            match tokio::time::timeout(PATIENCE, answer).await {
                Ok(Ok(done)) => done,
                Ok(Err(_)) => Err("the journal has ended".into()),
                Err(_) => Err(match waiting.withdraw(ticket) {
                    Withdrawn::Yes => "the journal's disk does not answer".into(),
                    Withdrawn::TooLate => {
                        "the journal's disk does not answer; this may come to be recorded when it does".into()
                    }
                }),
            }
        }
    }

    /// Takes or renews the lease on a thing that is looked at once in `every`. To be asked twice in that time, by the holder and by
    /// those who would take over: then a holder that ended without a word is followed within two intervals at the
    /// most, and usually at the next asking. When the journal cannot be used there is nobody to share with: held.
    pub fn lease(&self, what: Name, every: Span) -> impl Future<Output = Lease> + Send + 'static {
        let half = Span::from_micros(every.micros() / 2);
        let answer = self.0.waiting.lease(Claim {
            what,
            holder: self.0.me.clone(),
            now: self.0.clock.now(),
            lasts: (every + half).max(SHORTEST),
        });
        async move {
            match tokio::time::timeout(STUCK, answer).await {
                Ok(Ok(lease)) => lease,
                _ => Lease::Held,
            }
        }
    }

    /// What is on record of the newest actions on a job, by whatever process, with the job's last reading and the last of its
    /// rights; in the order of the record, and after all that was put in before. `None` when the journal does not tell.
    pub fn recall(&self, about: Subject) -> impl Future<Output = Option<Vec<Event>>> + Send + 'static {
        let answer = self.0.waiting.recall(about);
        async move { tokio::time::timeout(STUCK, answer).await.ok()?.ok() }
    }

    /// Gives one lease back, so that another may take it at once.
    pub async fn release(&self, what: Name) {
        self.give_back(Some(what)).await;
    }

    /// Gives all leases back.
    pub async fn release_all(&self) {
        self.give_back(None).await;
    }

    async fn give_back(&self, what: Option<Name>) {
        let answer = self.0.waiting.release(Change::Release {
            what,
            holder: self.0.me.clone(),
        });
        // A lease that cannot be given back ends by itself.
        let _ = tokio::time::timeout(STUCK, answer).await;
    }

    /// Records what still waits, gives the leases back, and closes the file. Nothing may be put in after it.
    ///
    /// # Errors
    /// When not everything could be recorded, or the disk has not answered for five seconds.
    pub async fn stop(&self) -> Result<(), Text> {
        self.0.waiting.stop();
        let mut ended = self.0.ended.clone();
        // Nothing is ever sent: the wait ends when the thread lets go of its end.
        let in_time = tokio::time::timeout(PATIENCE, ended.changed()).await.is_ok();
        let lost = self.0.waiting.unrecorded();
        if !in_time {
            return Err(format!("the journal's disk does not answer; {lost} events are not recorded").into());
        }
        if let Some(thread) = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
        match lost {
            0 => Ok(()),
            n => Err(format!("{n} events could not be recorded").into()),
        }
    }
}
