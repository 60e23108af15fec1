//! A journal and an engine together: what the console, `watch` and the demo run on.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::config::{Config, paths};
use crate::domain::Text;
use crate::domain::event::{Event, ObserverId};
use crate::engine::{Engine, Parts, Reload};
use crate::journal::{self, Handle};
use crate::probe::Prober;

use super::cli::Global;
use super::start;

/// A running engine on an open journal.
pub struct Session {
    /// The engine.
    pub engine: Engine,
    /// Everything that is put on record, by us and by others, in its order.
    pub events: mpsc::Receiver<Vec<Event>>,
    /// Whether it is being recorded, each time that this changes.
    pub status: mpsc::Receiver<journal::Status>,
    /// What the record holds of the recent past.
    pub initial: Vec<Event>,
    /// What the journal had to say on opening.
    pub notices: Vec<Text>,
    /// Who we are.
    pub me: ObserverId,
    journal: Handle,
}

/// Opens the journal and starts the engine.
pub fn open(config: Config, clock: Clock, global: &Global, reload: Option<Reload>) -> Result<Session, ExitCode> {
    let path = paths::journal_file(global.journal.as_deref()).map_err(|e| start::fail(&e))?;
    Ok(open_at(config, clock, &path, reload))
}

/// The same with the journal at `path`.
pub fn open_at(config: Config, clock: Clock, path: &std::path::Path, reload: Option<Reload>) -> Session {
    let options = journal::Options { keep: config.defaults.keep, now: clock.now(), ..journal::Options::default() };
    let opened = journal::open(path, options);
    let me = start::me();
    let control_dir: PathBuf = paths::runtime_dir().unwrap_or_else(|_| std::env::temp_dir());
    let parts = Parts {
        config,
        clock,
        me: me.clone(),
        by: start::who(),
        journal: opened.handle.clone(),
        control_dir,
        reload,
    };
    Session {
        engine: Engine::start(parts, Prober::new()),
        events: opened.events,
        status: opened.status,
        initial: opened.initial,
        notices: opened.notices,
        me,
        journal: opened.handle,
    }
}

impl Session {
    /// Stops looking, waits for running actions, and puts everything on disk.
    pub async fn close(self) {
        let Self { engine, journal, mut events, .. } = self;
        // The last events must not wait for a reader that is no longer there.
        let drain = tokio::spawn(async move { while events.recv().await.is_some() {} });
        engine.stop().await;
        journal.stop().await;
        let _ = drain.await;
    }
}
