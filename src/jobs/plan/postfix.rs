//! What closes and opens a valve of Postfix: our part is put into main.cf beside what is there, or taken out so that it is as it
//! was, the running Postfix is told to read it, and what is queued is put on hold or let go. What is written is worked out
//! from main.cf as it is now; the first command fails when somebody changed that since.

mod defer;
mod flush;
mod hold;
mod intake;

use super::super::postfix::census::{self, Asked, Census};
use super::super::postfix::{Answer, Job, Judged, Master, Ours, Value, many};
use super::{Means, Wanted, already};
use crate::domain::action::{Offer, Verb};
use crate::domain::argv::Argv;
use crate::domain::horizon::QueueRules;
use crate::domain::job::{JobSpec, State, ValveKind};
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Text, Timestamp};
use crate::reach::Runner;

/// Fails unless these settings are in main.cf as the plan had them ($0).
const AS_PLANNED: &str = "PATH=$PATH:/usr/local/sbin:/usr/sbin; now=$(postconf \"$@\" 2>/dev/null | tr '\\n' ';'); \
                          [ \"$now\" = \"$0\" ] || { echo \"main.cf was changed since the plan was made: $now\" >&2; exit 1; }";

/// What a plan says beside its means.
#[derive(Default)]
pub(super) struct Beside {
    pub messages: Option<u64>,
    /// Whether there may be more of them.
    pub is_partial: bool,
    pub offers: Vec<Offer>,
}

/// Everything that was read.
struct Read<'a> {
    job: &'a Job<'a>,
    wanted: &'a Wanted,
    answer: Answer,
    judged: Judged,
}

/// Reads the Postfix there and works it out.
pub(super) async fn means(spec: &JobSpec, runner: &Runner, wanted: &Wanted) -> Result<(Means, Beside), Missed> {
    let job = Job::of(spec)?;
    let tried = |m: Missed| Missed {
        tried: if m.tried.is_empty() {
            format!("to {} {}", wanted.verb, spec.name).into()
        } else {
            m.tried
        },
        ..m
    };
    if wanted.verb == Verb::Flush {
        let (means, beside) = flush::means(&job, runner).await.map_err(tried)?;
        return Ok((means, beside));
    }
    let answer = job.ask(runner).await?;
    can(&job, &answer, wanted.verb).map_err(tried)?;
    let judged = job.judge(&answer);
    let read = Read {
        job: &job,
        wanted,
        answer,
        judged,
    };
    let (means, beside) = match &job.valve.what {
        ValveKind::Hold => read.hold(runner).await?,
        ValveKind::Defer {
            transports,
            destinations,
        } => read.defer(transports, destinations, runner).await?,
        ValveKind::Intake { .. } => read.intake().map_err(tried)?,
    };
    Ok((means, beside))
}

/// Whether the login there can do it at all.
fn can(job: &Job<'_>, answer: &Answer, verb: Verb) -> Result<(), Missed> {
    if answer.uid != Some(0) && job.valve.sudo == Sudo::No {
        return Err(Missed::new(
            Miss::Denied,
            "",
            "only root may change main.cf and the queue of Postfix",
        )
        .fix("set sudo = true for this job, or log in as root there"));
    }
    if verb == Verb::Pause && answer.master == Master::None {
        return Err(Missed::new(
            Miss::BadAnswer,
            "",
            "Postfix does not run there: there is nothing to pause",
        )
        .fix("start it, or look at why it is down"));
    }
    Ok(())
}

impl Read<'_> {
    fn closes(&self) -> bool {
        matches!(self.wanted.verb, Verb::Pause | Verb::Extend)
    }

    fn now(&self) -> Timestamp {
        self.answer.now.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn setting(&self, ours: &Ours) -> Option<&str> {
        self.answer.setting(ours.name)
    }

    /// What a setting is to be when the valve is open.
    fn opened(&self, ours: &Ours) -> Value {
        let now = self.setting(ours);
        ours.taken(now).unwrap_or_else(|| as_is(now))
    }

    fn reload(&self) -> Argv {
        self.job.tool("postfix", ["reload"])
    }

    /// Writes a setting.
    fn write(&self, name: &str, value: &Value) -> Argv {
        match value {
            Value::Unset => self.job.tool("postconf", ["-X", name]),
            Value::Set(value) => self.job.tool("postconf", ["-e", &format!("{name}={value}")]),
        }
    }

    /// Checks that main.cf is as it was read.
    fn as_planned(&self, ours: &[Ours]) -> Argv {
        let names: Vec<&str> = ours.iter().map(|o| o.name).collect();
        let is_ours = |line: &&String| line.split_once('=').is_some_and(|(n, _)| names.contains(&n.trim()));
        let lines: Vec<&str> = self.answer.set.iter().filter(is_ours).map(String::as_str).collect();
        // Each ends as the script ends it.
        let expected = lines.iter().flat_map(|l| [l, ";"]).collect::<String>();
        let asks = self
            .job
            .tool("postconf", ["-n"].into_iter().chain(names.iter().copied()));
        let words = ["-c", AS_PLANNED, &expected].map(str::to_owned);
        Argv::new("sh", words.into_iter().chain(asks.args().iter().cloned()))
    }

    /// The commands that close or open it, each with what takes it back, and those that do the opposite. `queued` is what is
    /// done with the queue after the reload; `released` is done where it is opened.
    fn steps(&self, queued: Option<Argv>, released: Option<Argv>) -> (Vec<(Argv, Option<Argv>)>, Vec<Argv>) {
        let ours = self.job.ours();
        let rights = |argv: &Argv| self.job.with_rights(argv);
        let write = |name: &str, value: &Value| rights(&self.write(name, value));
        let closes = self.closes();
        // The other way: what is written now where it is changed, else as if it had been.
        let mut acts: Vec<(Argv, Option<Argv>)> = vec![];
        let mut back: Vec<Argv> = vec![];
        for o in &ours {
            let now = as_is(self.setting(o));
            let (next, other) = if closes {
                let there = o.missing(self.setting(o)).is_empty();
                let next = if there {
                    now.clone()
                } else {
                    Value::Set(o.added(self.setting(o)))
                };
                (next, if there { self.opened(o) } else { now.clone() })
            } else {
                let next = self.opened(o);
                let other = if next == now {
                    Value::Set(o.added(self.setting(o)))
                } else {
                    now.clone()
                };
                (next, other)
            };
            if next != now {
                acts.push((write(o.name, &next), Some(write(o.name, &now))));
            }
            back.push(self.write(o.name, &other));
        }
        if !acts.is_empty() {
            // What is taken back runs in reverse, so this comes last: the settings are as before, and are read again.
            acts.insert(0, (self.as_planned(&ours), Some(rights(&self.reload()))));
        }
        if self.answer.master != Master::None {
            acts.push((rights(&self.reload()), None));
        }
        back.push(self.reload());
        let (does, undoes) = if closes { (queued, released) } else { (released, queued) };
        acts.extend(does.map(|d| (rights(&d), None)));
        back.extend(undoes);
        if self.wanted.verb == Verb::Extend {
            acts.clear();
        }
        (acts, back)
    }

    fn means(&self, queued: Option<Argv>, released: Option<Argv>, touches: Vec<Text>, beware: Vec<Text>) -> Means {
        let (acts, back) = self.steps(queued, released);
        let mut touches = touches;
        let ours = self.job.ours();
        for o in &ours {
            let now = self.setting(o).unwrap_or("(not set)");
            let word = if self.closes() { "put into" } else { "taken out of" };
            touches.push(format!("{}: {} is {word} {now}", o.name, o.value).into());
        }
        let mut all: Vec<Text> = already(self.wanted.verb, self.judged.state().state)
            .into_iter()
            .collect();
        all.extend(beware);
        if self.closes() {
            all.push("what ends it sets these back to what they are now: a change of them meanwhile is lost".into());
        }
        Means {
            acts,
            by_hand: back.iter().map(|b| self.job.with_rights(b)).collect(),
            back: back.iter().map(|b| self.by_path(b)).collect(),
            touches,
            beware: all,
            is_paused: self.judged.state().state == State::Paused,
        }
    }

    /// Run by the server itself, which has another PATH than the login.
    fn by_path(&self, argv: &Argv) -> Argv {
        match self.answer.programs.get(argv.program()) {
            Some(path) => Argv::new(path, argv.args().iter().cloned()),
            None => argv.clone(),
        }
    }

    async fn count(&self, runner: &Runner) -> Result<(Census, Option<QueueRules>, Option<Text>), Missed> {
        let (rules, unknown) = match census::rules(self.job, runner).await {
            Ok(rules) => (Some(rules), None),
            Err(missed) => (
                None,
                Some(
                    format!("how long mail may wait could not be read, so none is told to be past it: {missed}").into(),
                ),
            ),
        };
        let asked = Asked {
            now: self.now(),
            end: self.wanted.lasts.filter(|_| self.closes()).map(|l| l.after(self.now())),
            rules,
        };
        let census = census::count(self.job, runner, asked.clone()).await?;
        Ok((census, asked.rules, unknown))
    }
}

fn as_is(now: Option<&str>) -> Value {
    now.map_or(Value::Unset, |v| Value::Set(v.to_owned()))
}

/// `12,431 messages`, `at least 12,431 messages (the listing ended after 30s)`.
fn counted(census: &Census, n: u64) -> String {
    let words = many(n, "message", "messages");
    match &census.partial {
        Some(why) => format!("at least {words} ({why})"),
        None => words,
    }
}

fn plain(n: u64) -> String {
    many(n, "", "").trim_end().to_owned()
}
