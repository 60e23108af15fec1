//! Reading the resumes that are armed on a server, whoever armed them: timers of systemd and detached watchers, by one
//! script, which needs no privilege and changes nothing. In how long one fires comes from the server's monotonic clock: what
//! its wall clock says does not matter.

use super::super::systemd::{PROPERTIES, Unit, parse_show};
use super::{Depth, Kept, Lease, told, watcher};
use crate::domain::argv::Argv;
use crate::domain::job::{Armed, JobSpec, Keeper};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::{Output, RunLimits, Runner};

/// The script.
const LOOK: &str = include_str!("look.sh");
/// What its answer may hold: two hundred command lines in hex.
const ANSWER_MAX: usize = 2 << 20;
/// The most resumes that are told of.
const MOST: usize = 16;

/// What was read.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in super::super) struct Leases {
    pub all: Vec<Lease>,
    /// What of it could not be read.
    pub beware: Vec<Text>,
    /// Who we are there.
    pub uid: Option<u32>,
    /// What may keep a resume there. Only a look for a plan asks.
    pub can: Can,
}

/// What there is to keep a resume with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in super::super) struct Can {
    /// systemd answers, and its systemd-run is there.
    pub timer: bool,
    /// There is a setsid(1).
    pub watcher: bool,
    /// logind ends what a login leaves behind: `KillUserProcesses` of logind.conf(5).
    pub ends_what_stays: bool,
}

/// The command that looks, with the units that are wanted beside.
pub(in super::super) fn script<'a>(spec: &'a JobSpec, depth: Depth, units: impl IntoIterator<Item = &'a str>) -> Argv {
    let prefix = super::prefix(spec);
    let deep = if depth == Depth::Plan { "deep" } else { "" };
    let head = ["-c", "eval \"$1\"", &prefix, LOOK, deep, PROPERTIES].map(str::to_owned);
    Argv::new("sh", head.into_iter().chain(units.into_iter().map(str::to_owned)))
}

/// What it may take.
pub(in super::super) const fn limits(timeout: Span) -> RunLimits {
    RunLimits {
        timeout,
        max_output: ANSWER_MAX,
    }
}

/// Reads them.
pub(in super::super) async fn ask(spec: &JobSpec, runner: &Runner, depth: Depth) -> Result<Leases, Missed> {
    let tried = || {
        let about = Argv::new("sh", ["-c", "(a look for armed resumes)", &super::prefix(spec)]);
        runner.shown(&about)
    };
    let out = runner.run(&script(spec, depth, []), limits(spec.timeout)).await;
    let out = out.map_err(|m| Missed { tried: tried(), ..m })?;
    let bad = |why: String| Missed::new(Miss::BadAnswer, tried(), why);
    let (found, rest) = split(&out).map_err(|why| bad(format!("{why} ({})", super::super::act::ended(&out))))?;
    let mut leases = watchers(spec, found);
    if says(found, "systemd 1") {
        if out.ok() {
            let units = parse_show(rest);
            leases.add_timers(spec, rest, &units);
        } else {
            let why = super::super::act::ended(&out);
            leases
                .beware
                .push(format!("the timers armed there could not be read: systemctl {why}").into());
        }
    }
    Ok(leases)
}

/// The part of the answer that the script made itself, and what systemctl said.
pub(in super::super) fn split(out: &Output) -> Result<(&[u8], &[u8]), &'static str> {
    const END: &[u8] = b"\nend\n";
    if out.cut {
        return Err("its answer is too long");
    }
    let at = out.stdout.windows(END.len()).position(|w| w == END);
    let at = at.ok_or("its answer is not whole")?;
    Ok((
        out.stdout.get(..=at).unwrap_or_default(),
        out.stdout.get(at + END.len()..).unwrap_or_default(),
    ))
}

fn says(found: &[u8], line: &str) -> bool {
    found.split(|b| *b == b'\n').any(|l| l == line.as_bytes())
}

/// A process that may be a watcher.
#[derive(Default)]
struct Candidate {
    pid: u32,
    session: u32,
    born: u64,
    dead: bool,
    owner: Option<u32>,
    line: Vec<u8>,
}

/// For how long the host has been up.
pub(in super::super) fn up(found: &[u8]) -> Option<Span> {
    let up = found.split(|b| *b == b'\n').find_map(|l| l.strip_prefix(b"up "))?;
    let secs: f64 = std::str::from_utf8(up).ok()?.parse().ok()?;
    (secs.is_finite() && secs >= 0.0).then(|| Span::from_secs_f64(secs))
}

/// The watchers, and what is known of the host.
pub(in super::super) fn watchers(spec: &JobSpec, found: &[u8]) -> Leases {
    let text = String::from_utf8_lossy(found);
    let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(' '));
    let can = |line: &str| says(found, line);
    let mut leases = Leases {
        uid: value("me").and_then(|v| v.parse().ok()),
        can: Can {
            timer: can("can timer"),
            watcher: can("can watcher"),
            ends_what_stays: can("ends what stays"),
        },
        ..Leases::default()
    };
    if value("search") != Some("1") {
        leases
            .beware
            .push("watchers that are armed there could not be looked for: /proc was not searched".into());
    } else if value("sees") == Some("own") {
        leases
            .beware
            .push("watchers that other logins armed there cannot be seen (hidepid)".into());
    }
    let hz: Option<u64> = value("hz").and_then(|v| v.parse().ok()).filter(|hz| *hz > 0);
    let up: Option<f64> = value("up").and_then(|v| v.parse().ok());
    let mut candidates: Vec<Candidate> = vec![];
    for line in text.lines() {
        if let Some(stat) = line.strip_prefix("s ") {
            candidates.push(candidate(stat).unwrap_or_default());
        } else if let Some(uids) = line.strip_prefix("Uid:") {
            let owner = uids.split_whitespace().nth(1).and_then(|u| u.parse().ok());
            candidates
                .iter_mut()
                .next_back()
                .into_iter()
                .for_each(|c| c.owner = owner);
        } else if line.starts_with(' ') {
            let bytes = line.split_whitespace().map_while(|h| u8::from_str_radix(h, 16).ok());
            candidates
                .iter_mut()
                .next_back()
                .into_iter()
                .for_each(|c| c.line.extend(bytes.clone()));
        }
    }
    let watchers = candidates.iter().filter_map(|c| watcher(spec, c, hz, up));
    leases.all = watchers.take(MOST).collect();
    leases
}

/// The fields of proc_pid_stat(5) after the name: state, parent, group, session, … and the start as the twentieth.
fn candidate(stat: &str) -> Option<Candidate> {
    let (pid, rest) = stat.split_once(' ')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Candidate {
        pid: pid.parse().ok()?,
        dead: matches!(*fields.first()?, "Z" | "X" | "x"),
        session: fields.get(3)?.parse().ok()?,
        born: fields.get(19)?.parse().ok()?,
        ..Candidate::default()
    })
}

fn watcher(spec: &JobSpec, one: &Candidate, hz: Option<u64>, up: Option<f64>) -> Option<Lease> {
    let args: Vec<&str> = one
        .line
        .split(|b| *b == 0)
        .map_while(|a| std::str::from_utf8(a).ok())
        .collect();
    let [_, "-c", script, name, description, seconds, ref does @ ..] = *args else {
        return None;
    };
    // What waits leads a session of its own; what only started it, or looks for it, does not.
    if one.dead || one.pid == 0 || one.session != one.pid || !script.starts_with(watcher::MARK) {
        return None;
    }
    let id = super::id_of(spec, name)?;
    let waits: f64 = u32::try_from(seconds.parse::<u64>().ok()?).ok()?.into();
    #[allow(clippy::cast_precision_loss)] // Ticks of centuries fit.
    let age = up.zip(hz).map(|(up, hz)| up - one.born as f64 / hz as f64);
    // Its sleep does not count a suspended host's time, which this age does: past its end it is not known.
    let left = age.map(|age| waits - age).filter(|left| *left > -1.0);
    let told = told::decode(description);
    Some(Lease {
        name: name.to_owned(),
        kept: Kept::Watcher { owner: one.owner },
        does: Some(does.join(" ")),
        armed: Armed {
            id,
            keeper: Keeper::Watcher,
            fires_in: left
                .and_then(|l| std::time::Duration::try_from_secs_f64(l.max(0.0)).ok())
                .map(Span::from),
            by: told.by,
            why: told.why,
        },
    })
}

impl Leases {
    /// The timers among the units, with what the list says of when.
    pub(in super::super) fn add_timers(&mut self, spec: &JobSpec, said: &[u8], units: &[Unit]) {
        let text = String::from_utf8_lossy(said);
        let does = does(&text);
        let wall = text.lines().find_map(|l| l.strip_prefix("wall ")?.parse::<i64>().ok());
        for unit in units.iter().filter(|u| &*u.active == "active") {
            let Some(name) = unit.id.strip_suffix(".timer") else {
                continue;
            };
            let Some(id) = super::id_of(spec, name) else { continue };
            if self.all.len() >= MOST {
                self.beware
                    .push(format!("more than {MOST} resumes are armed for it").into());
                break;
            }
            let next = text.lines().find_map(|l| due(l, &unit.id));
            let told = told::decode(&unit.description);
            self.all.push(Lease {
                name: name.to_owned(),
                kept: Kept::Timer,
                does: does.iter().find(|(of, _)| of == name).map(|(_, does)| does.clone()),
                armed: Armed {
                    id,
                    keeper: Keeper::Timer,
                    fires_in: next
                        .zip(wall)
                        .map(|(next, wall)| Span::from_secs(next.saturating_sub(wall).max(0))),
                    by: told.by,
                    why: told.why,
                },
            });
        }
    }
}

/// What armed resumes run, each with its name, of the lines `does Id=NAME.service`, `does ExecStart=…`, in any order, and an empty
/// one between two. What is given to a shell as data is told as it is.
fn does(text: &str) -> Vec<(String, String)> {
    let mut all = vec![];
    let (mut name, mut command) = (None, String::new());
    for line in text.lines().filter_map(|l| l.strip_prefix("does ")).chain([""]) {
        match line.split_once('=') {
            Some(("Id", id)) => name = id.strip_suffix(".service").map(str::to_owned),
            Some(("ExecStart", start)) => command.push_str(start),
            Some(("StandardInputData", data)) => {
                let input = openssl::base64::decode_block(data.trim()).unwrap_or_default();
                command.push(' ');
                command.push_str(&String::from_utf8_lossy(&input));
            }
            _ => all.extend(name.take().map(|n| (n, std::mem::take(&mut command)))),
        }
    }
    all
}

/// When a timer is due, of its line: `next Tue 2026-11-24 04:12:06 UTC 29min left - - NAME.timer NAME.service`.
fn due(line: &str, timer: &str) -> Option<i64> {
    let words: Vec<&str> = line.strip_prefix("next ")?.split_whitespace().collect();
    let [_, date, time, "UTC", rest @ ..] = &*words else {
        return None;
    };
    if !rest.contains(&timer) {
        return None;
    }
    let at: jiff::civil::DateTime = format!("{date}T{time}").parse().ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(at).ok()?.as_second())
}

#[cfg(test)]
mod tests;
