//! The locks that a process holds: a line of /proc/locks (proc_locks(5)) or of a file's `fdinfo` (proc_pid_fdinfo(5)), and
//! the words for them. A stopped process keeps them, and who waits for one waits on.

use super::answer::{Answer, Process};
use crate::domain::Text;

/// The most locks that are named one by one.
const NAMED: usize = 6;

/// One lock.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Held {
    /// Who has it; in /proc/locks who took it, which may be another by now.
    pub pid: u32,
    /// `FLOCK`, `POSIX`, `OFDLCK`, `LEASE`.
    pub kind: String,
    /// `READ`, `WRITE`.
    pub mode: String,
    /// `fe:00:10011962`: the device and the inode.
    pub file: String,
    /// By which process's open file it was seen.
    pub fd: Option<(u32, u32)>,
    /// That file's path, where it can be seen.
    pub path: Option<Text>,
}

/// One that waits for a lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Waits {
    pub pid: u32,
    pub file: String,
}

/// `4: FLOCK  ADVISORY  WRITE 2505 fe:00:10011962 0 EOF`, and whether it is one that waits: `4: -> FLOCK …`.
pub(super) fn lock_line(line: &str) -> Option<(Held, bool)> {
    let mut fields = line.split_whitespace();
    fields.next()?.strip_suffix(':')?.parse::<u64>().ok()?;
    let mut kind = fields.next()?;
    let waits = kind == "->";
    if waits {
        kind = fields.next()?;
    }
    let mode = fields.nth(1)?;
    // Of an open file description there is no owner: it is -1.
    let pid = fields.next()?.parse::<i64>().ok()?;
    let file = fields.next()?;
    let held = Held {
        pid: u32::try_from(pid).unwrap_or_default(),
        kind: kind.to_owned(),
        mode: mode.to_owned(),
        file: file.to_owned(),
        fd: None,
        path: None,
    };
    Some((held, waits))
}

/// The locks that these processes hold, each once: what is seen by an open file tells more.
pub(super) fn of<'a>(answer: &'a Answer, processes: &[&Process]) -> Vec<&'a Held> {
    let mut locks: Vec<&Held> = vec![];
    let (by_file, by_owner): (Vec<_>, Vec<_>) = answer.held.iter().partition(|h| h.fd.is_some());
    for held in by_file.into_iter().chain(by_owner) {
        let same = |h: &&Held| (&h.kind, &h.mode, &h.file) == (&held.kind, &held.mode, &held.file);
        if processes.iter().any(|p| p.pid == held.pid) && !locks.iter().any(same) {
            locks.push(held);
        }
    }
    locks
}

/// A line each for what they hold, and one for what of it cannot be seen.
pub(super) fn touched(answer: &Answer, processes: &[&Process]) -> Vec<Text> {
    let locks = of(answer, processes);
    let mut lines: Vec<Text> = locks.iter().take(NAMED).map(|held| told(held)).collect();
    if locks.len() > NAMED {
        lines.push(format!("and {} more locks", locks.len() - NAMED).into());
    }
    let blind = processes.iter().filter(|p| answer.blind.contains(&p.pid)).count();
    if blind > 0 {
        lines.push(
            format!("the open files of {blind} of them are not shown to this login: they may hold more locks").into(),
        );
    }
    if answer.no_locks {
        lines.push("/proc/locks cannot be read there: they may hold more locks".into());
    }
    lines
}

/// How many others wait for what they hold.
pub(super) fn waiting(answer: &Answer, processes: &[&Process]) -> usize {
    let locks = of(answer, processes);
    let mut pids: Vec<u32> = answer
        .waits
        .iter()
        .filter(|w| locks.iter().any(|h| h.file == w.file) && !processes.iter().any(|p| p.pid == w.pid))
        .map(|w| w.pid)
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids.len()
}

fn told(held: &Held) -> Text {
    let (kind, mode) = (held.kind.to_lowercase(), held.mode.to_lowercase());
    match &held.path {
        Some(path) => format!("a {mode} lock ({kind}) on {path}, held by {}", held.pid),
        None => format!(
            "a {mode} lock ({kind}) on inode {}, held by {}; its path is not shown to this login",
            held.file, held.pid
        ),
    }
    .into()
}
