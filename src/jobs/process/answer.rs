//! What `look.sh` answers, parsed. Its lines hold numbers and bytes in hex; a line that is not understood is passed over,
//! and an answer without its last line is not one.

use std::collections::HashMap;

use super::locks::{Held, Waits, lock_line};
use crate::domain::Text;

/// How much of a command line is read.
pub(super) const LINE_MAX: usize = 8_192;
/// SIGSTOP among the signals that wait, in a mask of `status` (proc_pid_status(5)): bit 18 for signal 19.
const STOP_WAITS: u64 = 1 << 18;
/// A thread of the kernel, among the flags of `stat` (PF_KTHREAD).
const KERNEL: u64 = 0x0020_0000;

/// One process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in super::super) struct Process {
    pub pid: u32,
    pub parent: u32,
    /// The letter of proc_pid_stat(5).
    pub letter: char,
    /// The number of its terminal; 0 for none.
    pub terminal: i64,
    pub flags: u64,
    /// In ticks since the host was started. With the number it names one process for good.
    pub born: u64,
    /// Its effective user.
    pub user: Option<u32>,
    /// The signals that were sent and have not been taken yet, as a mask.
    pub waiting: u64,
    /// Its arguments, as bytes.
    pub args: Vec<Vec<u8>>,
    /// Its command line was longer than what is read.
    pub cut: bool,
}

impl Process {
    /// It has ended, and only its parent has still to be told.
    pub fn is_dead(&self) -> bool {
        matches!(self.letter, 'Z' | 'X' | 'x')
    }
    pub fn is_stopped(&self) -> bool {
        self.letter == 'T'
    }
    pub fn is_traced(&self) -> bool {
        self.letter == 't'
    }
    pub fn is_kernel(&self) -> bool {
        self.flags & KERNEL != 0
    }
    pub fn is_on_terminal(&self) -> bool {
        self.terminal != 0
    }
    /// A SIGSTOP was sent and has not been taken.
    pub fn is_stopping(&self) -> bool {
        self.waiting & STOP_WAITS != 0 && !self.is_stopped()
    }
    /// Its command line, for a person.
    pub fn line(&self, max: usize) -> Text {
        Text::bounded(&self.args.join(&b" "[..]), max)
    }
}

/// What became of reading the pid file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum PidFile {
    #[default]
    NotAsked,
    None,
    /// It could not be read.
    Error(Text),
    /// Its first bytes, and how old it is in seconds.
    Is(Vec<u8>, Option<u64>),
}

/// Whose process is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Whose {
    #[default]
    Anybodys,
    /// Of a user that is not known there.
    Nobodys,
    Of(u32),
}

/// All of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Answer {
    /// The shell that looked, its user, and when it was born: which is now.
    pub me: u32,
    pub my_user: Option<u32>,
    pub now: Option<u64>,
    /// Whether the login sees the processes of others.
    pub sees_all: bool,
    /// Ticks of a second.
    pub hz: Option<u64>,
    pub boot: String,
    /// The configured user.
    pub user: Whose,
    pub pid_file: PidFile,
    /// Whether the search found what it was sure to find.
    pub searched: Option<bool>,
    /// More candidates than are looked at.
    pub many: Option<usize>,
    /// We who look, and those by which we came to be.
    pub mine: Vec<u32>,
    pub processes: Vec<Process>,
    /// Those which this login may not signal.
    pub denied: Vec<u32>,
    /// Those whose open files this login may not see.
    pub blind: Vec<u32>,
    pub names: HashMap<u32, Text>,
    pub held: Vec<Held>,
    pub waits: Vec<Waits>,
    pub no_locks: bool,
}

/// Where the hex that follows belongs.
enum Into {
    Nowhere,
    Line(Process),
    PidFile(Vec<u8>),
    Path(usize, Vec<u8>),
}

pub(super) fn parse(bytes: &[u8]) -> Result<Answer, &'static str> {
    let mut answer = Answer::default();
    let mut ended = false;
    let mut stats: HashMap<u32, Process> = HashMap::new();
    let mut into = Into::Nowhere;
    for line in bytes.split(|b| *b == b'\n') {
        if line.first() == Some(&b' ') {
            let bytes = match &mut into {
                Into::Nowhere => continue,
                Into::Line(process) => {
                    take_args(process, &hex(line));
                    continue;
                }
                Into::PidFile(bytes) | Into::Path(_, bytes) => bytes,
            };
            bytes.extend(hex(line));
            continue;
        }
        settle(&mut answer, std::mem::replace(&mut into, Into::Nowhere));
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "me" => {
                let mut numbers = rest.split(' ').map(str::parse);
                answer.me = numbers.next().and_then(Result::ok).unwrap_or_default();
                answer.my_user = numbers.next().and_then(Result::ok);
            }
            "s" => {
                if let Some(process) = stat(rest) {
                    if process.pid == answer.me {
                        answer.now = Some(process.born);
                    } else {
                        stats.insert(process.pid, process);
                    }
                }
            }
            "sees" => answer.sees_all = rest == "all",
            "hz" => answer.hz = rest.parse().ok().filter(|n| *n > 0),
            "boot" => rest.clone_into(&mut answer.boot),
            "user" => answer.user = rest.parse().map_or(Whose::Nobodys, Whose::Of),
            "file" => match rest.split_once(' ') {
                None if rest == "none" => answer.pid_file = PidFile::None,
                None if rest == "is" => into = Into::PidFile(vec![]),
                Some(("error", why)) => answer.pid_file = PidFile::Error(why.into()),
                _ => {}
            },
            "age" => {
                let (now, written) = rest.split_once(' ').unwrap_or_default();
                if let (PidFile::Is(_, age), Ok(now), Ok(written)) =
                    (&mut answer.pid_file, now.parse::<u64>(), written.parse())
                {
                    *age = now.checked_sub(written);
                }
            }
            "search" => answer.searched = Some(rest == "1"),
            "many" => answer.many = rest.parse().ok(),
            "mine" => answer.mine = rest.split(' ').filter_map(|p| p.parse().ok()).collect(),
            "c" => {
                if let Some(process) = rest.parse().ok().and_then(|pid: u32| stats.remove(&pid)) {
                    into = Into::Line(process);
                }
            }
            "n" => {
                if let Some((uid, name)) = rest.split_once(' ').filter(|(_, n)| !n.is_empty())
                    && let Ok(uid) = uid.parse()
                {
                    answer.names.insert(uid, name.into());
                }
            }
            "denied" => answer.denied.extend(rest.parse::<u32>()),
            "blind" => answer.blind.extend(rest.parse::<u32>()),
            "a" => {
                let key = rest
                    .split_once(' ')
                    .and_then(|(p, f)| Some((p.parse().ok()?, f.parse().ok()?)));
                let at = key.and_then(|key| answer.held.iter().position(|h| h.fd == Some(key)));
                into = at.map_or(Into::Nowhere, |at| Into::Path(at, vec![]));
            }
            "l" => {
                if let Some((held, waiting)) = lock_line(rest) {
                    if waiting {
                        answer.waits.push(Waits {
                            pid: held.pid,
                            file: held.file,
                        });
                    } else {
                        answer.held.push(held);
                    }
                }
            }
            "no" if rest == "locks" => answer.no_locks = true,
            "end" => ended = true,
            _ => of_a_file(&mut answer, line),
        }
    }
    settle(&mut answer, into);
    if !ended {
        return Err("its answer has no end");
    }
    if answer.now.is_none() {
        return Err("it cannot see itself in /proc");
    }
    Ok(answer)
}

/// What was read in hex is whole.
fn settle(answer: &mut Answer, into: Into) {
    match into {
        Into::Nowhere => {}
        Into::Line(mut process) => {
            // What ends an argument is not the start of another.
            if process.args.last().is_some_and(Vec::is_empty) {
                process.args.pop();
            }
            answer.processes.push(process);
        }
        Into::PidFile(bytes) => answer.pid_file = PidFile::Is(bytes, None),
        Into::Path(at, bytes) => {
            let path = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            if let Some(fd) = answer.held.get(at).map(|h| h.fd) {
                for held in answer.held.iter_mut().filter(|h| h.fd == fd) {
                    held.path = Some(Text::from_bytes(path)).filter(|p| !p.is_empty());
                }
            }
        }
    }
}

fn take_args(process: &mut Process, bytes: &[u8]) {
    if process.args.is_empty() && !bytes.is_empty() {
        process.args.push(vec![]);
    }
    for byte in bytes {
        match (byte, process.args.last_mut()) {
            (0, _) => process.args.push(vec![]),
            (byte, Some(arg)) => arg.push(*byte),
            (_, None) => {}
        }
    }
    let length: usize = process.args.iter().map(|a| a.len() + 1).sum();
    process.cut = length > LINE_MAX;
}

/// A line of od(1): ` 66 6c 6f`.
fn hex(line: &[u8]) -> Vec<u8> {
    line.split(|b| *b == b' ')
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// A number, and what stands in proc_pid_stat(5) from the third field on.
fn stat(rest: &str) -> Option<Process> {
    let fields: Vec<&str> = rest.split(' ').filter(|f| !f.is_empty()).collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // Field n of the manual stands at n - 2.
    let letter = fields.get(1)?;
    Some(Process {
        pid: fields.first()?.parse().ok()?,
        parent: fields.get(2)?.parse().ok()?,
        letter: letter.chars().next().filter(|_| letter.len() == 1)?,
        terminal: fields.get(5)?.parse().ok()?,
        flags: number(7)?,
        born: number(20)?,
        ..Process::default()
    })
}

/// A line of a file in /proc, behind its name: `/proc/12/status:Uid:\t0\t0\t0\t0`.
fn of_a_file(answer: &mut Answer, line: &str) {
    let Some((pid, rest)) = line.strip_prefix("/proc/").and_then(|r| r.split_once('/')) else {
        return;
    };
    let Ok(pid) = pid.parse::<u32>() else { return };
    if let Some(line) = rest.strip_prefix("status:") {
        let Some((key, value)) = line.split_once(':') else {
            return;
        };
        let Some(process) = answer.processes.iter_mut().find(|p| p.pid == pid) else {
            return;
        };
        match key {
            "Uid" => process.user = value.split_whitespace().nth(1).and_then(|u| u.parse().ok()),
            "SigPnd" | "ShdPnd" => {
                let mask = u64::from_str_radix(value.trim(), 16).unwrap_or_default();
                process.waiting |= mask;
            }
            _ => {}
        }
    } else if let Some((fd, line)) = rest.strip_prefix("fdinfo/").and_then(|r| r.split_once(":lock:"))
        && let (Ok(fd), Some((held, false))) = (fd.parse(), lock_line(line))
    {
        answer.held.push(Held {
            pid,
            fd: Some((pid, fd)),
            ..held
        });
    }
}

#[cfg(test)]
pub(super) mod tests;
