//! One look at one thing: a door, a queue, a job. Turns an asker's result into a fact. `check` makes each look once, the
//! server loops make them again and again.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::{self, Defaults, DoorSource, Reach, SecretSource, Server};
use crate::domain::door::Secret;
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::health::{Layer, ProbeReport};
use crate::domain::job::JobSpec;
use crate::domain::queue::{How, QueueSource};
use crate::domain::reading::Missed;
use crate::domain::{Name, Span};
use crate::probe::Prober;
use crate::queue::{Census, Listed};
use crate::reach::{Runner, SshTarget};
use crate::{jobs, queue};

/// The longest that a full listing may take: about four million messages at Postfix's pace.
pub const LISTING_TIMEOUT: Span = Span::from_secs(120);

/// The runner for a server, or `None` where commands do not get there.
pub fn runner(server: &Server, defaults: &Defaults, control_dir: &std::path::Path) -> Option<Runner> {
    match &server.reach {
        Reach::None => None,
        Reach::Local => Some(Runner::local()),
        Reach::Ssh(destination) => Some(Runner::ssh(SshTarget {
            destination: destination.clone(),
            config_file: defaults.ssh_config.clone(),
            control_dir: PathBuf::from(control_dir),
            connect_timeout: server.timeout,
        })),
    }
}

/// A door with the secret that it needs, obtained once and again after the server refused it.
#[derive(Debug)]
pub struct DoorLook {
    source: DoorSource,
    secret: Option<Secret>,
}

impl DoorLook {
    /// For this door.
    pub fn new(source: &DoorSource) -> Self {
        Self {
            source: source.clone(),
            secret: None,
        }
    }

    /// Probes it.
    pub async fn look(&mut self, prober: &Prober, runner: Option<&Runner>, clock: &Clock) -> Fact {
        let kept = self.secret.is_some();
        if !kept && let Err(why) = self.obtain().await {
            return Fact::ProbeMissed(why);
        }
        let mut report = self.probe(prober, runner, clock).await;
        if refused(&report) && matches!(self.source.secret, Some(SecretSource::Command(_))) {
            let old = self.secret.take();
            // A token that ran out is no trouble of the account: with a new one, once more.
            if kept && self.obtain().await.is_ok() && self.secret != old {
                report = self.probe(prober, runner, clock).await;
            }
        }
        Fact::Probed(Box::new(report))
    }

    async fn probe(&self, prober: &Prober, runner: Option<&Runner>, clock: &Clock) -> ProbeReport {
        let (door, secret) = (&self.source.door, self.secret.as_ref());
        prober.probe(door, secret, runner, clock.now()).await
    }

    async fn obtain(&mut self) -> Result<(), Missed> {
        if let Some(source) = &self.source.secret {
            self.secret = Some(config::secret::obtain(source, self.source.door.timeout * 2).await?);
        }
        Ok(())
    }
}

fn refused(report: &ProbeReport) -> bool {
    report.failure.as_ref().is_some_and(|f| f.layer == Layer::Credential)
}

/// Reads a queue: what it holds, and from a listing after another also what happened between them.
pub async fn queue(
    source: &QueueSource,
    runner: &Runner,
    how: How,
    census: Option<&mut Census>,
    timeout: Span,
    clock: &Clock,
) -> Vec<Fact> {
    let seen = match how {
        How::Listed => queue::list(source, runner, census, clock.now(), LISTING_TIMEOUT.max(timeout)).await,
        How::Counted => queue::count(source, runner, timeout)
            .await
            .map(|snapshot| Listed { snapshot, flow: None }),
    };
    match seen {
        Ok(listed) => listed
            .flow
            .map(Fact::FlowSeen)
            .into_iter()
            .chain([Fact::QueueSeen(listed.snapshot)])
            .collect(),
        Err(why) => vec![Fact::QueueMissed(why)],
    }
}

/// Reads a job.
pub async fn job(spec: &JobSpec, runner: &Runner, clock: &Clock) -> Fact {
    match jobs::read(spec, runner, clock.now()).await {
        Ok(mut state) => {
            // The server tells them by its own clock.
            for armed in &mut state.armed {
                armed.fires_in = armed.fires_in.map(|left| clock.shown(left.to_std()));
            }
            Fact::JobSeen(state)
        }
        Err(why) => Fact::JobMissed(why),
    }
}

/// Makes events of facts, all by one observer.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Who.
    pub me: ObserverId,
    /// By which clock.
    pub clock: Clock,
}

impl Witness {
    /// An event of now.
    pub fn saw(&self, about: Subject, what: Fact) -> Event {
        Event {
            at: self.clock.now(),
            seen_by: self.me.clone(),
            about,
            what,
        }
    }
    /// About a door.
    pub fn door(&self, server: &Name, door: &Name, what: Fact) -> Event {
        self.saw(
            Subject::Door {
                server: server.clone(),
                door: door.clone(),
            },
            what,
        )
    }
    /// About a queue.
    pub fn queue(&self, server: &Name, queue: &Name, what: Fact) -> Event {
        self.saw(
            Subject::Queue {
                server: server.clone(),
                queue: queue.clone(),
            },
            what,
        )
    }
    /// About a canary.
    pub fn canary(&self, server: &Name, canary: &Name, what: Fact) -> Event {
        self.saw(
            Subject::Canary {
                server: server.clone(),
                canary: canary.clone(),
            },
            what,
        )
    }
    /// About a job.
    pub fn job(&self, server: &Name, job: &Name, what: Fact) -> Event {
        self.saw(
            Subject::Job {
                server: server.clone(),
                job: job.clone(),
            },
            what,
        )
    }
}
