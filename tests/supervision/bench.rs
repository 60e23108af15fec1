//! A folder with a job in it, and consoles on one journal.

// Every test program uses its own part of it.
#![allow(dead_code)]

#[allow(clippy::duplicate_mod)] // A test program may have several parts of the lab that need it.
#[path = "../lab/watchers.rs"]
mod watchers;

use std::path::PathBuf;
use std::time::Duration;

use mailtop::clock::Clock;
use mailtop::config::{self, Config, Server};
use mailtop::domain::action::{ActionId, Choices, Plan, Unarmed, Verb};
use mailtop::domain::event::{Event, Fact, ObserverId, Subject};
use mailtop::domain::reading::Missed;
use mailtop::domain::{Name, Span, Text, Timestamp};
use mailtop::engine::actions::Actions;
use mailtop::engine::look::Witness;
use mailtop::engine::{Engine, Parts};
use mailtop::journal::{self, Handle, Keep, Options};
use mailtop::probe::Prober;
use mailtop::reach::Runner;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A test waits this long for what must come; it is no measure of anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder, gone with everything in it.
pub struct Bench(TempDir);

impl Drop for Bench {
    fn drop(&mut self) {
        watchers::end(self.0.path());
    }
}

/// A person at a console on the journal of the bench. Its engine runs only once it is started.
pub struct Person {
    pub me: ObserverId,
    pub by: Text,
    pub journal: Handle,
    pub actions: Actions,
    pub events: mpsc::Receiver<Vec<Event>>,
    /// What came so far, oldest first.
    pub seen: Vec<Event>,
    pub server: Server,
    config: Config,
}

impl Bench {
    /// With a job `compact` that runs.
    pub fn new() -> Self {
        let bench = Self(TempDir::new().unwrap());
        bench.set("running");
        bench
    }
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }
    /// Makes the job something else, as somebody at the server would.
    pub fn set(&self, state: &str) {
        // In one step: a reader sees the one or the other.
        std::fs::write(self.path("state.new"), state).unwrap();
        std::fs::rename(self.path("state.new"), self.path("state")).unwrap();
    }
    pub fn state(&self) -> String {
        std::fs::read_to_string(self.path("state")).unwrap().trim().to_owned()
    }
    /// How many ends wait for this job.
    pub fn watchers(&self) -> usize {
        watchers::of(self.0.path()).len()
    }
    /// Ends them, as a restart of the host would.
    pub fn end_watchers(&self) {
        watchers::end(self.0.path());
    }
    /// Its one job.
    fn job(&self, pause: &str, resume: &str) -> String {
        let dir = self.0.path().display();
        format!(
            r#"
name = "compact"
kind = "command"
status = ["cat", "{dir}/state"]
pause = ["sh", "-c", '{pause}']
resume = ["sh", "-c", '{resume} # {dir}']
"#
        )
    }
    fn config(&self, job: &str) -> Config {
        let text = format!(
            "[defaults]\ninterval = \"1s\"\ntimeout = \"20s\"\n[[server]]\nname = \"mx1\"\nreach = \"local\"\n[[server.job]]\n{job}"
        );
        let file = self.path("config.toml");
        std::fs::write(&file, text).unwrap();
        config::load(&file).unwrap()
    }
    /// A person whose pause is as it should be.
    pub async fn person(&self, name: &str) -> Person {
        let dir = self.0.path().display();
        self.person_who_pauses_by(name, &format!("echo paused > {dir}/state"))
            .await
    }
    /// A person whose pause is this script.
    pub async fn person_who_pauses_by(&self, name: &str, pause: &str) -> Person {
        let dir = self.0.path().display();
        self.person_with(name, pause, &format!("echo running > {dir}/state"))
            .await
    }
    /// A person whose pause is as it should be, and ends by this script.
    pub async fn person_whose_resume_is(&self, name: &str, resume: &str) -> Person {
        let dir = self.0.path().display();
        self.person_with(name, &format!("echo paused > {dir}/state"), resume)
            .await
    }
    async fn person_with(&self, name: &str, pause: &str, resume: &str) -> Person {
        self.person_of(name, &self.job(pause, resume)).await
    }
    /// A person with another job, as the config has it.
    pub async fn person_of(&self, name: &str, job: &str) -> Person {
        let config = self.config(job);
        let me = ObserverId(Name::new(&format!("{name}@bastion:{}", std::process::id())));
        let opened = journal::open(Options {
            path: Some(self.path("journal.db")),
            from: Timestamp::now(),
            keep: Keep::default(),
            me: me.clone(),
            clock: Clock::System,
        })
        .await;
        assert_eq!(opened.notices, Vec::<Text>::new());
        let by: Text = format!("{name}@bastion").into();
        let witness = Witness {
            me: me.clone(),
            clock: Clock::System,
        };
        Person {
            actions: Actions::new(witness, opened.handle.clone(), by.clone()),
            server: config.servers[0].clone(),
            me,
            by,
            journal: opened.handle,
            events: opened.events,
            seen: vec![],
            config,
        }
    }
}

pub fn about() -> Subject {
    Subject::Job {
        server: "mx1".into(),
        job: "compact".into(),
    }
}

impl Person {
    /// Works out a plan.
    pub async fn plan(&self, verb: Verb, lasts: Option<Span>) -> Result<Plan, Missed> {
        let choices = Choices {
            unarmed: Unarmed::Allowed,
            ..Choices::default()
        };
        let job = &self.server.jobs[0].name;
        let local = Runner::local();
        self.actions
            .plan(&self.server, Some(&local), job, verb, lasts, choices)
            .await
    }
    /// A plan to pause for ten minutes.
    pub async fn plan_pause(&self) -> Plan {
        self.plan(Verb::Pause, Some(Span::from_mins(10))).await.unwrap()
    }
    /// Starts the engine of this console.
    pub fn engine(&self) -> Engine {
        let parts = Parts {
            config: self.config.clone(),
            clock: Clock::System,
            me: self.me.clone(),
            by: self.by.clone(),
            journal: self.journal.clone(),
            control_dir: PathBuf::from("/nonexistent"),
            reload: None,
            canary_key: None,
            book: None,
        };
        Engine::start(parts, Prober::new())
    }
    /// Puts a fact about the job on record.
    pub async fn put(&self, what: Fact) {
        let event = Event {
            at: Timestamp::now(),
            seen_by: self.me.clone(),
            about: about(),
            what,
        };
        self.journal.append_durable(vec![event]).await.unwrap();
    }
    /// Waits until the record, from `from` on, has an event that fits; its place.
    pub async fn wait(&mut self, what: &str, from: usize, fits: impl Fn(&Fact) -> bool) -> usize {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(n) = self.seen.iter().skip(from).position(|e| fits(&e.what)) {
                return from + n;
            }
            let more = tokio::time::timeout_at(end, self.events.recv()).await;
            self.seen.extend(
                more.unwrap_or_else(|_| panic!("never: {what}; {:#?}", self.seen))
                    .unwrap(),
            );
        }
    }
    /// Waits for so many more readings of the job after a place; where the last one is.
    pub async fn looks(&mut self, count: usize, from: usize) -> usize {
        let mut at = from;
        for _ in 0..count {
            at = self.wait("a look", at + 1, |f| matches!(f, Fact::JobSeen(_))).await;
        }
        at
    }
    /// The facts about actions so far, as words: `planned`, `lost`, …
    pub fn told(&self, id: &ActionId) -> Vec<&'static str> {
        self.seen
            .iter()
            .filter_map(|e| match &e.what {
                Fact::ActionPlanned(p) if p.id == *id => Some("planned"),
                Fact::ActionRan(r) if r.id == *id => Some("ran"),
                Fact::ActionReadBack(b) if b.id == *id => Some(b.truth.word()),
                Fact::ActionLost(l) if l.id == *id => Some("lost"),
                Fact::Drifted(d) if d.id == *id => Some("drifted"),
                Fact::PauseEnded(e) if e.id == *id => Some("ended"),
                _ => None,
            })
            .collect()
    }
}
