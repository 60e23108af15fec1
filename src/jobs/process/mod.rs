//! A process without a unit as a job: found by its pid file or its command line, read from /proc by one script, which
//! needs no privilege and changes nothing. Its state is that of all that it started, too: a process that is stopped does
//! not stop its children. Which commands steer it is `plan`'s business, and how they signal is `signal`'s.

mod answer;
mod found;
mod locks;
pub(super) mod signal;

pub(super) use self::answer::Process;
use self::answer::{Answer, Whose};
pub(super) use self::found::{Found, Nothing};
use super::{LastRun, Looked, Motion};
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, JobState, ProcessFind, State};
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::{RunLimits, Runner};

/// The script.
const LOOK: &str = include_str!("look.sh");
/// What its answer may hold: 256 processes with their command lines in hex.
const ANSWER_MAX: usize = 8 << 20;

/// How much is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Depth {
    /// The state.
    State,
    /// What a plan needs beside it: locks with their paths, who waits, whom the login may signal.
    Plan,
}

/// A process job, taken from its spec.
pub(super) struct Job<'a> {
    pub spec: &'a JobSpec,
    pub find: &'a ProcessFind,
    pub user: Option<&'a str>,
    pub sudo: Sudo,
}

impl<'a> Job<'a> {
    pub fn of(spec: &'a JobSpec) -> Result<Self, Missed> {
        let JobKind::Process { find, user, sudo } = &spec.kind else {
            return Err(Missed::new(Miss::BadAnswer, &*spec.name, "not a process job"));
        };
        Ok(Self {
            spec,
            find,
            user: user.as_deref(),
            sudo: *sudo,
        })
    }

    fn script(&self, depth: Depth) -> Argv {
        let (file, word) = match self.find {
            ProcessFind::PidFile { path, .. } => (&**path, ""),
            // The longest word is in the fewest other command lines.
            ProcessFind::Pattern(words) => {
                let longest = words.args().iter().map(String::as_str).chain([words.program()]);
                ("", longest.max_by_key(|w| w.len()).unwrap_or_default())
            }
        };
        let deep = if depth == Depth::Plan { "deep" } else { "" };
        let user = self.user.unwrap_or_default();
        Argv::new("sh", ["-c", "eval \"$1\"", word, LOOK, file, user, deep])
    }

    /// What was tried, for a sentence.
    fn tried(&self, runner: &Runner) -> Text {
        runner.shown(&Argv::new("sh", ["-c", "(a look into /proc)", &self.find.to_string()]))
    }

    /// Reads it.
    pub async fn ask(&self, runner: &Runner, depth: Depth) -> Result<Seen, Missed> {
        let limits = RunLimits {
            timeout: self.spec.timeout,
            max_output: ANSWER_MAX,
        };
        let out = runner.run(&self.script(depth), limits).await.map_err(|m| Missed {
            tried: self.tried(runner),
            ..m
        })?;
        let bad = |why: String| {
            let said = super::act::one_line(&out);
            let said = if said.is_empty() || out.ok() {
                String::new()
            } else {
                format!(" ({})", super::act::ended(&out))
            };
            Missed::new(Miss::BadAnswer, self.tried(runner), format!("{why}{said}"))
        };
        if out.cut {
            return Err(bad("its answer is too long".into()));
        }
        let answer = answer::parse(&out.stdout).map_err(|why| {
            bad(why.into()).fix(
                "a process job is read from /proc by a POSIX shell: it needs Linux there, with od, grep, awk and xargs",
            )
        })?;
        self.judge(answer).map_err(|m| Missed {
            tried: self.tried(runner),
            ..m
        })
    }

    /// What makes an answer no answer.
    fn judge(&self, answer: Answer) -> Result<Seen, Missed> {
        let missed = |kind, why: String| Missed::new(kind, "", why);
        if let (Whose::Nobodys, Some(user)) = (answer.user, self.user) {
            return Err(missed(Miss::NotFound, format!("there is no user {user} there"))
                .fix("write the name of the job's user as `ps -eo user:32,args` there shows it"));
        }
        if answer.searched == Some(false) {
            return Err(missed(
                Miss::BadAnswer,
                "the search in /proc did not find what is certainly there".into(),
            )
            .fix("it needs xargs and grep -F there"));
        }
        if let Some(many) = answer.many {
            return Err(missed(
                Miss::BadAnswer,
                format!(
                    "{many} processes hold a word of the pattern or were started by one that does: too many to look at"
                ),
            )
            .fix("give the pattern a word that few other command lines hold"));
        }
        if let answer::PidFile::Error(why) = &answer.pid_file {
            let denied = why.contains("ermission denied");
            let kind = if denied { Miss::Denied } else { Miss::BadAnswer };
            let fix = if denied {
                "let the login there read the pid file, or name the process by a pattern"
            } else {
                "name the file that holds the process's number"
            };
            return Err(missed(kind, why.to_string()).fix(fix));
        }
        let found = found::find(self, &answer);
        Ok(Seen { answer, found })
    }
}

/// What was read.
#[derive(Debug)]
pub(super) struct Seen {
    answer: Answer,
    pub found: Result<Found, Nothing>,
}

/// How many of the processes are how.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Count {
    all: usize,
    stopped: usize,
    traced: usize,
    /// A SIGSTOP waits for them.
    stopping: usize,
    /// They wait for a disk, which no signal ends.
    on_disk: usize,
}

impl Found {
    fn count(&self) -> Count {
        let count = |is: fn(&Process) -> bool| self.processes.iter().filter(|p| is(p)).count();
        Count {
            all: self.processes.len(),
            stopped: count(Process::is_stopped),
            traced: count(Process::is_traced),
            stopping: count(Process::is_stopping),
            on_disk: count(|p| p.letter == 'D'),
        }
    }
    /// `1 process and 2 children`.
    pub fn size(&self) -> String {
        let children = self.processes.len().saturating_sub(self.matched);
        let of = |n: usize, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
        let matched = of(self.matched, "process", "processes");
        if children == 0 {
            matched
        } else {
            format!("{matched} and {}", of(children, "child", "children"))
        }
    }
}

impl Count {
    fn state(self) -> State {
        if self.all > 0 && self.stopped == self.all {
            State::Paused
        } else if self.all > 0 && self.stopped + self.traced == self.all {
            State::Unknown
        } else {
            State::Running
        }
    }
    fn words(self) -> String {
        let how = match (self.state(), self.stopped) {
            (State::Paused, _) => "stopped".to_owned(),
            (State::Unknown, _) => "held by a tracer (a debugger, strace): whether it goes on is not known".to_owned(),
            (_, 0) => "running".to_owned(),
            (_, stopped) => format!("{stopped} stopped and {} running", self.all - stopped),
        };
        let beside = |n: usize, words: String| (n > 0).then_some(words);
        let traced = if self.state() == State::Running { self.traced } else { 0 };
        [
            Some(how),
            beside(traced, format!("{traced} held by a tracer")),
            beside(self.stopping, format!("a stop waits for {}", self.stopping)),
            beside(self.on_disk, format!("{} waiting for a disk (D)", self.on_disk)),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    }
}

impl Seen {
    /// The state and its words.
    pub fn state(&self) -> JobState {
        let found = match &self.found {
            Ok(found) => found,
            Err(none) => {
                return JobState {
                    state: none.state,
                    progress: None,
                    running_for: None,
                    began: None,
                    held: None,
                    detail: none.why.clone(),
                    armed: vec![],
                    armed_unread: false,
                    beware: vec![],
                };
            }
        };
        let count = found.count();
        let mut detail = vec![format!("{}, {}", found.size(), count.words())];
        let all: Vec<&Process> = found.processes.iter().collect();
        let locks = locks::of(&self.answer, &all).len();
        if locks > 0 {
            detail.push(format!("{locks} {} held", if locks == 1 { "lock" } else { "locks" }));
        }
        detail.extend(found.aside.iter().map(Text::to_string));
        if let Some(first) = found.processes.first() {
            detail.push(format!("{} {}", first.pid, first.line(160)));
        }
        JobState {
            state: count.state(),
            progress: None,
            running_for: found.processes.iter().filter_map(|p| self.runs_for(p)).max(),
            began: None,
            held: None,
            detail: detail.join(" · ").into(),
            armed: vec![],
            armed_unread: false,
            beware: vec![],
        }
    }

    /// For how long a process is there, by the clock that its start is told in.
    pub fn runs_for(&self, process: &Process) -> Option<Span> {
        let ticks = self.answer.now?.checked_sub(process.born)?;
        let micros = ticks.checked_mul(1_000_000)? / self.answer.hz?;
        Some(Span::from_micros(i64::try_from(micros).ok()?))
    }

    /// A process that has not taken its SIGSTOP is on its way.
    pub fn looked(&self) -> Looked {
        let stopping = self.found.as_ref().is_ok_and(|f| f.count().stopping > 0);
        Looked {
            state: self.state(),
            motion: if stopping { Motion::Changing } else { Motion::Settled },
            last_run: LastRun::Other,
        }
    }

    /// The start of the host that this was read in.
    pub fn boot(&self) -> &str {
        &self.answer.boot
    }
    /// Whether this is us, or one by which we came to be.
    pub fn is_us(&self, process: &Process) -> bool {
        process.pid == 1 || process.pid == self.answer.me || self.answer.mine.contains(&process.pid)
    }
    /// Whether this login may signal it.
    pub fn may(&self, process: &Process) -> bool {
        !self.answer.denied.contains(&process.pid)
    }
    /// Whose it is.
    pub fn owner(&self, process: &Process) -> Text {
        match process.user {
            Some(uid) => match self.answer.names.get(&uid) {
                Some(name) => name.clone(),
                None => format!("uid {uid}").into(),
            },
            None => "an unknown user".into(),
        }
    }
    /// The locks in words.
    pub fn locks(&self, processes: &[&Process]) -> Vec<Text> {
        locks::touched(&self.answer, processes)
    }
    /// How many locks they hold, and how many others wait for one.
    pub fn locked(&self, processes: &[&Process]) -> (usize, usize) {
        (
            locks::of(&self.answer, processes).len(),
            locks::waiting(&self.answer, processes),
        )
    }
}

#[cfg(test)]
mod tests;
