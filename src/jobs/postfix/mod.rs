//! A valve of Postfix as a job: closed, it is paused; open, it runs. What it does is read from the running system (what is in
//! the queue, which processes of it run since when, who listens), and set against main.cf, which tells only what a process
//! that starts now will do. `answer` reads what the script prints, `valve` judges it, `setting` knows how our part is put
//! into main.cf and taken out, `truth` reads back. Which commands run is `plan`'s business.

mod answer;
pub(super) mod census;
pub(super) mod setting;
mod sockets;
mod truth;
mod valve;

use jiff::Timestamp;

pub(super) use self::answer::{Answer, Master};
pub(super) use self::setting::{Ours, Place, Value};
pub(super) use self::truth::read_back;
pub(super) use self::valve::{Judged, Stand, doors, is_for, is_kept, keeps_back, many};
use super::{LastRun, Looked};
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, Valve, ValveKind};
use crate::domain::queue::{LogSource, QueueKind, QueueSource, Sudo};
use crate::domain::reading::{Miss, Missed};
use crate::reach::{RunLimits, Runner};

/// The script.
const LOOK: &str = include_str!("look.sh");
/// What its answer may hold: the listing is cut at a million bytes there.
const ANSWER_MAX: usize = 2 << 20;

/// A transport that master.cf does not have, for mail of destinations that are to wait. It is named in `defer_transports`,
/// so that nobody tries it; a flush that does finds nothing there, and the mail stays. The `retry` transport would not do:
/// smtpd(8) refuses new mail for what goes there.
pub(super) const NOWHERE: &str = "mailtop-paused";
/// What holds every message: it matches any header (header_checks(5)).
const HOLD: &str = "static:HOLD";

/// A Postfix job, taken from its spec.
pub(super) struct Job<'a> {
    pub spec: &'a JobSpec,
    pub valve: &'a Valve,
}

impl<'a> Job<'a> {
    pub fn of(spec: &'a JobSpec) -> Result<Self, Missed> {
        let JobKind::Postfix(valve) = &spec.kind else {
            return Err(Missed::new(Miss::BadAnswer, &*spec.name, "not a postfix job"));
        };
        Ok(Self { spec, valve })
    }

    /// A program of this instance.
    pub fn tool<'b>(&self, program: &str, args: impl IntoIterator<Item = &'b str>) -> Argv {
        let dir = self.valve.config_dir.iter().flat_map(|d| ["-c", d]).map(str::to_owned);
        Argv::new(program, dir.chain(args.into_iter().map(str::to_owned)))
    }

    /// The same with the rights that the config gives.
    pub fn with_rights(&self, argv: &Argv) -> Argv {
        match self.valve.sudo {
            Sudo::Yes => argv.under(&["sudo", "-n"]),
            Sudo::No => argv.clone(),
        }
    }

    /// What of ours closes the valve, setting by setting.
    pub fn ours(&self) -> Vec<Ours> {
        let last = |name, value: String| Ours {
            name,
            value,
            place: Place::Last,
        };
        match &self.valve.what {
            ValveKind::Hold => vec![last("header_checks", HOLD.into())],
            ValveKind::Defer {
                transports,
                destinations,
            } => {
                let nowhere = (!destinations.is_empty()).then_some(NOWHERE);
                let names: Vec<&str> = transports.iter().map(String::as_str).chain(nowhere).collect();
                let mut ours = vec![last("defer_transports", names.join(","))];
                if !destinations.is_empty() {
                    let all: Vec<String> = destinations
                        .iter()
                        .map(|d| format!("{}={NOWHERE}:", d.to_ascii_lowercase()))
                        .collect();
                    ours.push(Ours {
                        name: "transport_maps",
                        value: format!("inline:{{{}}}", all.join(",")),
                        place: Place::First,
                    });
                }
                ours
            }
            ValveKind::Intake { services } if services.is_empty() => {
                vec![last("master_service_disable", "inet".into())]
            }
            ValveKind::Intake { .. } => {
                let names: Vec<String> = self.services().map(|s| format!("{s}/inet")).collect();
                vec![last("master_service_disable", names.join(","))]
            }
        }
    }

    /// The services of an intake valve as the first column of master.cf has them; none where all are meant.
    pub fn services(&self) -> impl Iterator<Item = &'a str> {
        let named: &[String] = match &self.valve.what {
            ValveKind::Intake { services } => services,
            _ => &[],
        };
        named
            .iter()
            .map(|s| s.strip_suffix(".inet").or_else(|| s.strip_suffix("/inet")).unwrap_or(s))
    }

    /// Its queue, for those who list it.
    pub fn queue(&self, sudo: Sudo) -> QueueSource {
        QueueSource {
            name: self.spec.name.clone(),
            kind: QueueKind::Postfix,
            config_dir: self.valve.config_dir.clone(),
            list: None,
            count: None,
            sudo,
            log: LogSource::Off,
            lifetime: None,
            budget_permille: 1_000,
        }
    }

    fn script(&self, what: &str) -> Argv {
        let dir = self.valve.config_dir.as_deref().unwrap_or_default();
        let sudo = match self.valve.sudo {
            Sudo::Yes => "sudo",
            Sudo::No => "",
        };
        Argv::new("sh", ["-c", LOOK, "sh", dir, what, sudo])
    }

    /// Reads what its valve needs.
    pub async fn ask(&self, runner: &Runner) -> Result<Answer, Missed> {
        let what = match self.valve.what {
            ValveKind::Hold | ValveKind::Defer { .. } => "queue",
            ValveKind::Intake { .. } => "network",
        };
        self.ask_for(what, runner).await
    }

    /// Reads the queue, whatever its valve is.
    pub async fn ask_for_queue(&self, runner: &Runner) -> Result<Answer, Missed> {
        self.ask_for("queue", runner).await
    }

    async fn ask_for(&self, what: &str, runner: &Runner) -> Result<Answer, Missed> {
        let limits = RunLimits {
            timeout: self.spec.timeout,
            max_output: ANSWER_MAX,
        };
        let tried = || {
            let dir = self.valve.config_dir.as_deref().unwrap_or("its usual folder");
            runner.shown(&Argv::new("sh", ["-c", "(a look at Postfix)", dir]))
        };
        let out = runner
            .run(&self.script(what), limits)
            .await
            .map_err(|m| Missed { tried: tried(), ..m })?;
        let answer = answer::parse(&out.stdout).map_err(|why| {
            let why = if out.ok() {
                why.to_owned()
            } else {
                format!("{why} (it {})", super::act::ended(&out))
            };
            Missed::new(Miss::BadAnswer, tried(), why)
        })?;
        match &answer.fatal {
            None => Ok(answer),
            Some(why) => {
                let why = if why.is_empty() {
                    "there is no postconf there".into()
                } else {
                    why.clone()
                };
                Err(Missed::new(Miss::NotFound, tried(), why)
                    .fix("is Postfix installed there, and is config_dir of this job its folder?"))
            }
        }
    }

    /// What the answer comes to.
    pub fn judge(&self, answer: &Answer) -> Judged {
        valve::judge(self, answer)
    }
}

impl Answer {
    /// A setting as main.cf has it; `None` where it is not there.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// Since when the queue manager runs. A reload starts a new one, which is how it is told.
    pub fn queue_manager(&self) -> Option<Timestamp> {
        let is = |program: &str| matches!(program, "qmgr" | "oqmgr" | "nqmgr");
        self.children.iter().filter(|c| is(&c.program)).map(|c| c.started).max()
    }

    /// Whether the running Postfix has read main.cf and master.cf as they are now.
    pub fn has_read(&self) -> Option<bool> {
        Some(self.queue_manager()? > self.changed?)
    }

    /// What of ours is missing in main.cf.
    pub fn missing<'b>(&self, ours: &'b [Ours]) -> Vec<&'b str> {
        ours.iter().flat_map(|o| o.missing(self.setting(o.name))).collect()
    }
}

/// A look with what the read-back needs to know.
pub(super) async fn look(spec: &JobSpec, runner: &Runner) -> Result<Looked, Missed> {
    let job = Job::of(spec)?;
    let judged = job.judge(&job.ask(runner).await?);
    Ok(Looked {
        motion: judged.motion,
        state: judged.state(),
        last_run: LastRun::Other,
    })
}

#[cfg(test)]
mod tests;
