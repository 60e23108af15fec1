//! A systemd unit as a job: what `systemctl show` prints, parsed, and what it means. Reading needs no privilege and
//! changes nothing. Which commands steer it is `plan`'s business.

use jiff::Timestamp;

use super::armed::{self, Leases};
use super::{LastRun, Motion};
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, JobState, State, SystemdPause};
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::Runner;

/// What is asked about each unit. The answer comes in systemd's own order.
pub(super) const PROPERTIES: &str = "Id,LoadState,LoadError,ActiveState,SubState,FreezerState,CanFreeze,Type,Result,\
                                     ExecMainCode,ExecMainStatus,InactiveExitTimestamp,InactiveExitTimestampMonotonic,\
                                     StatusText,Description";
/// The most units that an answer may hold: the job, its timer, and resumes that were armed.
const UNITS_MAX: usize = 32;
/// `si_code` of a process that exited, and of one that a signal ended (waitid(2)); systemd shows the number.
const CLD_EXITED: &str = "1";
const CLD_KILLED: &str = "2";
/// SIGTERM, with which systemd stops a service.
const SIGTERM: &str = "15";

/// One unit as `systemctl show` prints it. A property that was not printed is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Unit {
    pub id: Text,
    pub load: Text,
    pub load_error: Text,
    pub active: Text,
    pub sub: Text,
    pub freezer: Text,
    pub can_freeze: Text,
    pub service_type: Text,
    pub result: Text,
    pub main_code: Text,
    pub main_status: Text,
    pub since: Text,
    /// The same in microseconds since the host was started; 0 when it was not started since.
    pub since_boot: Text,
    pub status: Text,
    pub description: Text,
}

/// Blocks of `Key=value`, one a unit, with an empty line between. The first of two equal keys counts; unknown keys and
/// lines without one are passed over.
pub(super) fn parse_show(bytes: &[u8]) -> Vec<Unit> {
    let mut units = vec![];
    let mut unit: Option<Unit> = None;
    for line in bytes.split(|b| *b == b'\n') {
        // What armed resumes run stands before: see `armed::look`.
        if line.starts_with(b"does ") {
            continue;
        }
        if line.is_empty() {
            units.extend(unit.take());
            if units.len() >= UNITS_MAX {
                break;
            }
            continue;
        }
        let mut parts = line.splitn(2, |b| *b == b'=');
        let (Some(key), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let unit = unit.get_or_insert_default();
        let slot = match key {
            b"Id" => &mut unit.id,
            b"LoadState" => &mut unit.load,
            b"LoadError" => &mut unit.load_error,
            b"ActiveState" => &mut unit.active,
            b"SubState" => &mut unit.sub,
            b"FreezerState" => &mut unit.freezer,
            b"CanFreeze" => &mut unit.can_freeze,
            b"Type" => &mut unit.service_type,
            b"Result" => &mut unit.result,
            b"ExecMainCode" => &mut unit.main_code,
            b"ExecMainStatus" => &mut unit.main_status,
            b"InactiveExitTimestamp" => &mut unit.since,
            b"InactiveExitTimestampMonotonic" => &mut unit.since_boot,
            b"StatusText" => &mut unit.status,
            b"Description" => &mut unit.description,
            _ => continue,
        };
        if slot.is_empty() {
            *slot = Text::bounded(value, 256);
        }
    }
    units.extend(unit);
    units.truncate(UNITS_MAX);
    units
}

impl Unit {
    /// Whether systemd knows of it.
    pub fn is_there(&self) -> bool {
        &*self.load != "not-found"
    }
    /// No process of it runs and none is about to.
    pub fn is_dead(&self) -> bool {
        matches!(&*self.active, "inactive" | "failed")
    }
    pub fn is_frozen(&self) -> bool {
        matches!(&*self.freezer, "frozen" | "frozen-by-parent")
    }
    /// A oneshot service that is at work: to systemd it is still being started, and such a unit cannot be frozen.
    pub fn is_starting_oneshot(&self) -> bool {
        &*self.service_type == "oneshot" && &*self.active == "activating"
    }
    /// Its last run was ended by a stop. A oneshot counts as failed after that.
    pub fn was_cut_short(&self) -> bool {
        self.is_dead() && &*self.main_code == CLD_KILLED && &*self.main_status == SIGTERM
    }
    fn state(&self) -> State {
        match (&*self.active, &*self.sub) {
            _ if self.is_frozen() => State::Paused,
            // It has run and stays "active" without a process (RemainAfterExit=).
            ("active", "exited") | ("inactive", _) => State::Idle,
            // Nothing runs between two tries.
            ("activating", "auto-restart" | "auto-restart-queued") if &*self.result == "success" => State::Idle,
            ("activating", "auto-restart" | "auto-restart-queued") | ("failed", _) => State::Failed,
            ("active" | "reloading" | "refreshing" | "activating" | "deactivating", _) => State::Running,
            _ => State::Unknown,
        }
    }
    /// How long ago its newest run began. By the time since the host was started, where that is known: what the wall clock there
    /// says does not matter then.
    fn began(&self, up: Option<Span>, now: Timestamp) -> Option<Span> {
        let since_boot: Option<i64> = self.since_boot.parse().ok();
        let ago = match since_boot.zip(up) {
            Some((micros, up)) => (micros > 0).then(|| up - Span::from_micros(micros))?,
            None => Span::between(self.since()?, now),
        };
        // Below zero: the clocks differ, so it is not known.
        (!ago.is_negative()).then_some(ago)
    }
    fn since(&self) -> Option<Timestamp> {
        // In UTC because we asked for it; another zone's name does not parse, and then it is not known.
        let parsed = jiff::fmt::strtime::parse("%a %Y-%m-%d %H:%M:%S UTC", &*self.since).ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(parsed.to_datetime().ok()?).ok()
    }
}

/// A systemd job, taken from its spec and checked.
pub(super) struct Job<'a> {
    pub spec: &'a JobSpec,
    pub unit: &'a str,
    pub how: SystemdPause,
    pub timer: Option<&'a str>,
    pub sudo: Sudo,
}

impl<'a> Job<'a> {
    pub fn of(spec: &'a JobSpec) -> Result<Self, Missed> {
        let JobKind::Systemd { unit, how, timer, sudo } = &spec.kind else {
            return Err(Missed::new(Miss::BadAnswer, &*spec.name, "not a systemd job"));
        };
        for name in std::iter::once(unit).chain(timer) {
            // systemctl takes patterns: `*` would freeze everything.
            let good = |b: u8| b.is_ascii_alphanumeric() || b":_.\\@-".contains(&b);
            if name.is_empty() || name.starts_with('-') || !name.bytes().all(good) {
                let missed = Missed::new(
                    Miss::BadAnswer,
                    &*spec.name,
                    format!("`{name}` is not the name of one unit"),
                );
                return Err(missed.fix("write it as `systemctl list-units` shows it, with its suffix"));
            }
        }
        Ok(Self {
            spec,
            unit,
            how: *how,
            timer: timer.as_deref(),
            sudo: *sudo,
        })
    }

    /// Reads the unit, its timer, and the resumes that are armed for it, at once.
    pub async fn ask(&self, runner: &Runner, depth: armed::Depth) -> Result<Seen, Missed> {
        let names = std::iter::once(self.unit).chain(self.timer);
        let argv = armed::script(self.spec, depth, names);
        let tried = runner.shown(&Argv::new("systemctl", ["show", self.unit]));
        let out = runner.run(&argv, armed::limits(self.spec.timeout)).await;
        let out = out.map_err(|m| Missed {
            tried: tried.clone(),
            ..m
        })?;
        if !out.ok() {
            let missed = Missed::new(Miss::BadAnswer, tried, super::act::one_line(&out));
            return Err(missed.fix("is it a systemd host? `systemctl is-system-running` there tells"));
        }
        let parts = armed::split(&out).map_err(|why| Missed::new(Miss::BadAnswer, tried.clone(), why));
        let (found, said) = parts?;
        self.seen(found, said).map_err(|m| Missed { tried, ..m })
    }

    /// What the answer says: the units come in the order in which they were asked for.
    pub fn seen(&self, found: &[u8], said: &[u8]) -> Result<Seen, Missed> {
        let mut units = parse_show(said).into_iter();
        let missed = |kind, why: String| Missed::new(kind, "", why);
        let mut next = |name: &str| match units.next() {
            Some(u) if !u.is_there() => Err(missed(Miss::NotFound, format!("there is no unit {name}")).fix(format!(
                "`systemctl list-units --all` there shows its units; name it in full in the job `{}`",
                self.spec.name
            ))),
            Some(u) if u.active.is_empty() => Err(missed(Miss::BadAnswer, format!("no state of {name} in the answer"))),
            Some(u) if matches!(&*u.load, "error" | "bad-setting") => Err(missed(
                Miss::BadAnswer,
                format!("{name} cannot be loaded: {}", u.load_error),
            )),
            Some(u) => Ok(u),
            None => Err(missed(Miss::BadAnswer, format!("nothing about {name} in the answer"))),
        };
        let unit = next(self.unit)?;
        let timer = self.timer.map(&mut next).transpose()?;
        let mut leases = armed::watchers(self.spec, found);
        leases.add_timers(self.spec, said, &units.collect::<Vec<_>>());
        let up = armed::up(found);
        Ok(Seen {
            unit,
            timer,
            leases,
            up,
        })
    }
}

/// What was read about a job.
#[derive(Debug)]
pub(super) struct Seen {
    pub unit: Unit,
    pub timer: Option<Unit>,
    /// The resumes that are armed for it.
    pub leases: Leases,
    /// For how long the host has been up.
    pub up: Option<Span>,
}

impl Seen {
    /// Whether a pause is what switched its timer off: what is armed starts it again, or a pause on record named it.
    pub fn timer_is_ours(&self, timer: &str, pause_ran: &[Text]) -> bool {
        let armed = self.leases.all.iter().filter_map(|l| l.does.as_deref());
        armed
            .chain(pause_ran.iter().map(Text::as_str))
            .any(|ran| names(ran, timer))
    }
    /// Whether its timer, if it has one, does not start it.
    pub fn timer_is_off(&self) -> bool {
        self.timer.as_ref().is_some_and(Unit::is_dead)
    }
    /// A unit that does not run is paused only where something shows that it was kept from running: its timer is off or,
    /// where it is paused by stopping, its run was cut short or a resume is armed. Else it is idle, or it failed. One that is
    /// paused by freezing is there while it is paused: an end that is armed says nothing of a unit that is gone.
    fn is_held(&self, how: SystemdPause) -> bool {
        let stops = how == SystemdPause::Stop;
        let stopped = stops && self.unit.was_cut_short();
        let dead = &*self.unit.active == "inactive" || stopped;
        let kept = match &self.timer {
            Some(_) => self.timer_is_off(),
            None => stops && (stopped || !self.leases.all.is_empty()),
        };
        dead && kept
    }
    /// The state, its progress and its words.
    pub fn state(&self, job: &Job<'_>, now: Timestamp) -> JobState {
        let unit = &self.unit;
        let state = match unit.state() {
            State::Idle | State::Failed if self.is_held(job.how) => State::Paused,
            // Its timer will start it again.
            State::Failed if unit.was_cut_short() && job.how == SystemdPause::Stop => State::Idle,
            other => other,
        };
        let mut detail = vec![format!("{} ({})", unit.active, unit.sub)];
        if !unit.freezer.is_empty() && &*unit.freezer != "running" {
            detail.push(format!("freezer {}", unit.freezer));
        }
        if &*unit.active == "failed" {
            detail.push(unit.result.to_string());
        }
        if let (Some(name), Some(timer)) = (job.timer, &self.timer) {
            detail.push(format!("{name} {}", timer.active));
        }
        if !unit.status.is_empty() {
            detail.push(format!("status: {}", unit.status));
        }
        let began = unit.began(self.up, now);
        JobState {
            state,
            progress: percent(&unit.status).filter(|_| !unit.is_dead()),
            running_for: began.filter(|_| !unit.is_dead()),
            began,
            held: None,
            detail: detail.join(", ").into(),
            armed: self.leases.all.iter().map(|l| l.armed.clone()).collect(),
            armed_unread: !self.leases.beware.is_empty(),
            beware: self.leases.beware.clone(),
        }
    }
    pub fn motion(&self) -> Motion {
        let freezer = &*self.unit.freezer;
        if freezer.starts_with("freezing") || freezer.starts_with("thawing") || &*self.unit.active == "deactivating" {
            Motion::Changing
        } else {
            Motion::Settled
        }
    }
    pub fn last_run(&self) -> LastRun {
        let unit = &self.unit;
        if unit.is_dead() && &*unit.result == "success" && &*unit.main_code == CLD_EXITED {
            LastRun::Finished
        } else {
            LastRun::Other
        }
    }
}

/// Whether this unit is named in a command, by itself and not as a part of another name.
fn names(command: &str, unit: &str) -> bool {
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || ":_.@-".contains(c);
    command.match_indices(unit).any(|(at, _)| {
        let before = command.get(..at).and_then(|b| b.chars().next_back());
        let after = command.get(at + unit.len()..).and_then(|a| a.chars().next());
        !before.is_some_and(of_a_name) && !after.is_some_and(of_a_name)
    })
}

/// The first percentage in a text, 0 to 100: `compacting: 62.5 %, 3 h left`.
pub(super) fn percent(text: &str) -> Option<f64> {
    text.match_indices('%').find_map(|(end, _)| {
        let before = text.get(..end)?.trim_end();
        let start = before
            .rfind(|c: char| !(c.is_ascii_digit() || c == '.'))
            .map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
        // What stands before the number belongs to it when it is a sign.
        let signed = before.get(..start)?.ends_with(['-', '+']);
        let value: f64 = before.get(start..)?.parse().ok()?;
        (!signed && (0.0..=100.0).contains(&value)).then_some(value)
    })
}

#[cfg(test)]
mod tests;
