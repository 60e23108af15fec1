//! A journal and an engine together: what the console, `watch` and the demo run on.

use std::path::PathBuf;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::config::paths::Paths;
use crate::domain::effect::Recording;
use crate::domain::event::{Event, ObserverId};
use crate::domain::{Span, Text};
use crate::engine::desk::{Book, Desk};
use crate::engine::{Engine, Parts, Reload};
use crate::journal::{self, Handle, Keep};
use crate::probe::Prober;

use super::start;

/// How much of the past a start brings back, event by event: what the charts show. Before it, the last known state.
const PAST: Span = Span::from_hours(2);

/// A running engine on an open journal.
pub struct Session {
    /// The engine.
    pub engine: Engine,
    /// Everything that is put on record, by us and by others, in its order.
    pub events: mpsc::Receiver<Vec<Event>>,
    /// Whether it is being recorded.
    pub recording: watch::Receiver<Recording>,
    /// What the record holds of the recent past.
    pub initial: Vec<Event>,
    /// What the journal had to say on opening.
    pub notices: Vec<Text>,
    /// Who we are.
    pub me: ObserverId,
    /// The journal's file.
    pub record: PathBuf,
    /// From when on `initial` has all events.
    pub read_from: Timestamp,
    journal: Handle,
    desk: CancellationToken,
}

/// What a session is opened with.
pub struct Opening {
    /// What to watch.
    pub config: Config,
    /// By which clock.
    pub clock: Clock,
    /// The journal's file.
    pub journal: PathBuf,
    /// How to read the config again.
    pub reload: Option<Reload>,
}

/// The folder for ssh's sockets. Where there is none that is fit, a name in it that ssh's own error will tell of.
pub fn control_dir(paths: Option<&Paths>) -> PathBuf {
    match paths.map(Paths::runtime_dir) {
        Some(Ok(dir)) => dir,
        Some(Err(why)) => {
            super::say(&format!("mailtop: {why}; servers over ssh cannot be reached"));
            PathBuf::from("/nonexistent")
        }
        None => PathBuf::from("/nonexistent"),
    }
}

/// The journal's options, for a session and for an action from the shell.
pub fn journal_options(config: &Config, clock: &Clock, path: PathBuf) -> journal::Options {
    journal::Options {
        path: Some(path),
        from: (Span::ZERO - PAST).after(clock.now()),
        keep: Keep {
            raw: config.defaults.keep,
            ..Keep::default()
        },
        me: start::me(),
        clock: clock.clone(),
    }
}

/// Opens the journal and starts the engine.
pub async fn open(opening: Opening, paths: Option<&Paths>) -> Session {
    let Opening {
        config,
        clock,
        journal,
        reload,
    } = opening;
    let prober = Prober::new().asking(&config.defaults.resolvers);
    let options = journal_options(&config, &clock, journal.clone());
    let read_from = options.from;
    let opened = journal::open(options).await;
    let me = start::me();
    let stop = CancellationToken::new();
    let (book, read) = watch::channel(Book::of(&config));
    let desk = Desk {
        me: me.clone(),
        clock: clock.clone(),
        journal: opened.handle.clone(),
        book: read,
        stop: stop.clone(),
    };
    let parts = Parts {
        config,
        clock,
        me: me.clone(),
        by: start::who(),
        journal: opened.handle.clone(),
        control_dir: control_dir(paths),
        reload,
        canary_key: paths.map(|p| p.canary_key.clone()),
        book: Some(book),
    };
    Session {
        engine: Engine::start(parts, prober),
        events: desk.attend(&opened.initial, opened.events),
        recording: opened.recording,
        initial: opened.initial,
        notices: opened.notices,
        me,
        record: journal,
        read_from,
        journal: opened.handle,
        desk: stop,
    }
}

impl Session {
    /// Stops looking, waits for running actions, and puts everything on disk.
    pub async fn close(self) -> Result<(), Text> {
        let Self {
            engine,
            journal,
            mut events,
            desk,
            ..
        } = self;
        desk.cancel();
        // The last events must not wait for a reader that is no longer there.
        let drain = tokio::spawn(async move { while events.recv().await.is_some() {} });
        engine.stop().await;
        let stopped = journal.stop().await;
        drain.abort();
        stopped
    }
}
