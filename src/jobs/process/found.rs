//! Which processes of an answer are the job: those that match exactly, and all that they started. And what it means when
//! there is none: idle only where it is certain that none runs.

use super::Job;
use super::answer::{Answer, LINE_MAX, PidFile, Process, Whose};
use crate::domain::Text;
use crate::domain::argv::Argv;
use crate::domain::job::{ProcessFind, State};

/// How much older than its process a pid file may be: it is written a moment after the start, never long before.
const OLDER: u64 = 5;

/// The job, as seen.
#[derive(Debug)]
pub(in super::super) struct Found {
    /// Parents before their children.
    pub processes: Vec<Process>,
    /// How many of them are it, and not started by it.
    pub matched: usize,
    /// What of it stands beside the count: others that are not counted.
    pub aside: Vec<Text>,
}

/// None, and what that makes of the job.
#[derive(PartialEq, Eq, Debug)]
pub(in super::super) struct Nothing {
    pub state: State,
    pub why: Text,
}

/// Whether a command line is what the pattern asks for, see [`ProcessFind`].
pub(super) fn matches(pattern: &Argv, args: &[Vec<u8>]) -> bool {
    let Some((first, rest)) = args.split_first() else {
        return false;
    };
    let program = pattern.program().as_bytes();
    let last = first.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let mut rest = rest.iter();
    (first == program || (!program.contains(&b'/') && last == program))
        && pattern.args().iter().all(|word| rest.any(|arg| arg == word.as_bytes()))
}

pub(super) fn find(job: &Job<'_>, answer: &Answer) -> Result<Found, Nothing> {
    match job.find {
        ProcessFind::Pattern(pattern) => by_pattern(job, answer, pattern),
        ProcessFind::PidFile { path, pattern } => by_file(job, answer, path, pattern.as_ref()),
    }
}

fn nothing(state: State, why: impl Into<Text>) -> Nothing {
    Nothing { state, why: why.into() }
}

/// None is there: which is certain only for a login that would see it.
fn none_there(answer: &Answer, why: String) -> Nothing {
    let own = matches!(answer.user, Whose::Of(user) if Some(user) == answer.my_user);
    if answer.sees_all || own {
        nothing(State::Idle, why)
    } else {
        nothing(
            State::Unknown,
            format!("{why} among those that this login sees: /proc hides those of others (hidepid)"),
        )
    }
}

fn by_pattern(job: &Job<'_>, answer: &Answer, pattern: &Argv) -> Result<Found, Nothing> {
    let ours = |p: &Process| p.parent == answer.me || p.args.iter().any(|a| a == super::LOOK.as_bytes());
    let (alike, others): (Vec<_>, Vec<_>) = answer
        .processes
        .iter()
        .filter(|p| !p.is_kernel() && !p.is_dead() && !ours(p))
        .partition(|p| matches(pattern, &p.args));
    let (us, alike): (Vec<_>, Vec<_>) = alike.into_iter().partition(|p| answer.mine.contains(&p.pid));
    let (theirs, alike): (Vec<_>, Vec<_>) = alike.into_iter().partition(|p| !is_whose(answer, p));
    let mut aside: Vec<Text> = vec![];
    if !us.is_empty() {
        aside.push(format!("{} more by which this was read", us.len()).into());
    }
    if let (false, Some(user)) = (theirs.is_empty(), job.user) {
        aside.push(format!("{} more not of {user}", theirs.len()).into());
    }
    if alike.is_empty() {
        let beside = |why: String| {
            let all = std::iter::once(why).chain(aside.iter().map(Text::to_string));
            all.collect::<Vec<_>>().join(", ")
        };
        // The words may stand behind what was read.
        let program = Argv::new(pattern.program(), [""; 0]);
        if others.iter().any(|p| p.cut && matches(&program, &p.args)) {
            let why =
                format!("whether a process matches is not known: one has more than {LINE_MAX} bytes of arguments");
            return Err(nothing(State::Unknown, beside(why)));
        }
        return Err(none_there(answer, beside("no process matches".into())));
    }
    Ok(with_children(answer, &alike, aside))
}

fn by_file(job: &Job<'_>, answer: &Answer, path: &str, pattern: Option<&Argv>) -> Result<Found, Nothing> {
    let (bytes, age) = match &answer.pid_file {
        PidFile::Is(bytes, age) => (bytes, *age),
        PidFile::None => return Err(nothing(State::Idle, format!("there is no {path}"))),
        PidFile::Error(why) => return Err(nothing(State::Unknown, why.clone())),
        PidFile::NotAsked => return Err(nothing(State::Unknown, format!("nothing about {path} in the answer"))),
    };
    let Some(pid) = number(bytes) else {
        let held = Text::bounded(bytes, 32);
        return Err(nothing(
            State::Unknown,
            format!("{path} holds no process number: `{held}`"),
        ));
    };
    let stale = |why: String| format!("{path} is stale: it names {pid}, {why}");
    let Some(process) = answer.processes.iter().find(|p| p.pid == pid) else {
        return Err(none_there(answer, stale("which is not there".into())));
    };
    if process.is_dead() {
        return Err(nothing(
            State::Idle,
            stale("which has ended (a zombie: its parent was not told yet)".into()),
        ));
    }
    if process.is_kernel() {
        return Err(nothing(State::Unknown, stale("which is a thread of the kernel".into())));
    }
    let line = process.line(60);
    if pattern.is_some_and(|p| !matches(p, &process.args)) {
        return Err(nothing(
            State::Unknown,
            stale(format!("which is another program: {line}")),
        ));
    }
    if let (false, Some(user)) = (is_whose(answer, process), job.user) {
        return Err(nothing(
            State::Unknown,
            stale(format!("which is not of {user}: {line}")),
        ));
    }
    // Without a pattern only the time tells that the number went to another process.
    let lived = answer.seconds(answer.now.unwrap_or_default().saturating_sub(process.born));
    if let (None, Some(age), Some(lived)) = (pattern, age, lived)
        && age > lived.saturating_add(OLDER)
    {
        let why = stale(format!("which started only after it was written: {line}"));
        return Err(nothing(State::Unknown, why));
    }
    Ok(with_children(answer, &[process], vec![]))
}

/// The first line, when it is a process number and not that of the first process.
fn number(bytes: &[u8]) -> Option<u32> {
    let line = bytes.split(|b| *b == b'\n').next()?;
    let text = std::str::from_utf8(line).ok()?.trim_matches([' ', '\t']);
    let plain = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|pid| plain && *pid > 1)
}

fn is_whose(answer: &Answer, process: &Process) -> bool {
    match answer.user {
        Whose::Anybodys => true,
        Whose::Nobodys => false,
        Whose::Of(user) => process.user == Some(user),
    }
}

impl Answer {
    /// Ticks in whole seconds.
    pub(super) fn seconds(&self, ticks: u64) -> Option<u64> {
        self.hz.map(|hz| ticks / hz)
    }
}

/// These and all that they started and that has not ended, parents first.
fn with_children(answer: &Answer, roots: &[&Process], aside: Vec<Text>) -> Found {
    let matched = roots.len();
    let is_root = |p: &Process| roots.iter().any(|r| r.pid == p.pid);
    let mut all: Vec<(usize, &Process)> = vec![];
    // A process may match and be the child of one that does: it then comes after that.
    for process in &answer.processes {
        let (mut depth, mut at, mut inside) = (0, process, is_root(process));
        while let Some(parent) = answer.processes.iter().find(|p| p.pid == at.parent) {
            depth += 1;
            inside |= is_root(parent);
            at = parent;
            if depth > answer.processes.len() {
                break;
            }
        }
        if inside && !process.is_kernel() && !process.is_dead() {
            all.push((depth, process));
        }
    }
    all.sort_by_key(|(depth, _)| *depth);
    Found {
        processes: all.into_iter().map(|(_, p)| p.clone()).collect(),
        matched,
        aside,
    }
}
