//! A resume that is armed on the server itself, so that a pause ends although we, the network, or this machine do not
//! live to see it: a transient timer of systemd (`timer`), or where none may be used a detached process (`watcher`), under a
//! name from which any console can tell what it resumes, with who armed it and why (`told`). `look` reads them.

mod carrier;
mod look;
mod order;
mod timer;
mod told;
mod watcher;

use std::fmt;

pub(super) use self::carrier::{by_path, is_hidden, located};
pub(super) use self::look::{Leases, ask, limits, script, split, up, watchers};
pub(super) use self::order::{By, Order, disarm};
pub(super) use self::timer::RunAs;
use crate::domain::Name;
use crate::domain::action::ActionId;
use crate::domain::job::{Armed, JobKind, JobSpec, Keeper, PostgresPause};

/// The common beginning of the names.
const PREFIX: &str = "mailtop-resume";

/// How much is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Depth {
    /// What is armed.
    State,
    /// What a plan needs beside it: what may keep another one.
    Plan,
}

/// A resume that is armed, with what it takes to take it away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lease {
    /// Its name on the server.
    pub name: String,
    pub armed: Armed,
    pub kept: Kept,
    /// The command that it runs, as far as it was read.
    pub does: Option<String>,
}

/// What keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kept {
    Timer,
    Watcher {
        /// Whose process it is.
        owner: Option<u32>,
    },
}

impl fmt::Display for Lease {
    /// `a timer, in 29m, by ops@here: vacuum in the way`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Armed {
            keeper,
            fires_in,
            by,
            why,
            ..
        } = &self.armed;
        f.write_str(match keeper {
            Keeper::Timer => "a timer",
            Keeper::Watcher => "a watcher",
        })?;
        if let Some(fires_in) = fires_in {
            write!(f, ", in {fires_in}")?;
        }
        if let Some(by) = by {
            write!(f, ", by {by}")?;
        }
        if let Some(why) = why {
            write!(f, ": {why}")?;
        }
        write!(f, " ({})", self.name)
    }
}

/// The part of the name that says what is resumed, so that every console finds it, whatever a config calls the job: a unit, a
/// valve, a service, or the maintenance of a database with what pauses it. What commands of the operator's and processes are
/// about is known to their config only, and there the name of the job is part of it. Two jobs never get the same one, also
/// when two servers of a config, or two configs, get to the same host.
pub(super) fn key(spec: &JobSpec) -> String {
    let about = spec.about();
    match &spec.kind {
        JobKind::Systemd { unit, .. } => format!("unit.{}", escape(unit)),
        JobKind::Postfix(_) | JobKind::Dovecot(_) => format!("{}.{:08x}", spec.kind.word(), fnv(about.as_bytes())),
        JobKind::Postgres(db) => {
            let mut all = vec![about.as_str()];
            if let PostgresPause::Settings { pause, resume, .. } = &db.pause {
                all.extend(pause.iter().chain(resume).map(String::as_str));
            }
            format!("postgres.{:08x}", fnv(all.join("\n").as_bytes()))
        }
        JobKind::Command { .. } | JobKind::Process { .. } => {
            format!("job.{}.{:08x}", escape(&spec.name), fnv(about.as_bytes()))
        }
    }
}

/// FNV-1a of 32 bits (draft-eastlake-fnv): the same on every machine and in every version.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// Letters, digits, dots and dashes stand for themselves, every other byte for `_` and its two hex digits: what is left
/// is good in a unit's name (systemd.unit(5)), and no two texts come out the same. A colon is not among it.
fn escape(text: &str) -> String {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    text.bytes()
        .map(|b| {
            if harmless(b) {
                char::from(b).to_string()
            } else {
                format!("_{b:02x}")
            }
        })
        .collect()
}

/// What was escaped.
fn unescape(text: &str) -> Option<String> {
    let mut out = vec![];
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b if b.is_ascii_alphanumeric() || b == b'.' || b == b'-' => b,
            _ => return None,
        });
    }
    String::from_utf8(out).ok()
}

/// How the names of a job's resumes begin, whoever armed them.
fn prefix(spec: &JobSpec) -> String {
    format!("{PREFIX}:{}:", key(spec))
}

/// The name of a resume: of a timer without its suffix. The action's id is part of it: a second pause arms its own before the
/// first one's is taken away, so that there is no moment without one.
pub(super) fn name(spec: &JobSpec, id: &ActionId) -> String {
    format!("{}{}", prefix(spec), escape(&id.0))
}

/// The action of a name that the server gave; `None` when it is no resume of this job. What it names ends up in a command,
/// so it is not taken on trust.
fn id_of(spec: &JobSpec, name: &str) -> Option<ActionId> {
    let id = unescape(name.strip_prefix(&prefix(spec))?)?;
    let id = ActionId(Name::new(&id));
    (!id.0.is_empty() && self::name(spec, &id) == name).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::argv::Argv;
    use crate::domain::job::SystemdPause;
    use crate::domain::queue::Sudo;
    use proptest::prelude::*;

    fn job(unit: &str) -> JobSpec {
        JobSpec {
            name: "compact".into(),
            kind: JobKind::Systemd {
                unit: unit.into(),
                how: SystemdPause::Freeze,
                timer: None,
                sudo: Sudo::No,
            },
            timeout: Span::from_secs(5),
        }
    }

    #[test]
    fn only_resumes_of_the_same_job_are_taken_for_ours() {
        let spec = job("a.service");
        let id = id_of(&spec, "mailtop-resume:unit.a.service:p_207").unwrap();
        assert_eq!(&*id.0, "p 7");
        for other in [
            "mailtop-resume:unit.a.service:",
            "mailtop-resume:unit.a.service:x;reboot",
            "mailtop-resume:unit.a.service:x_2g",
            "mailtop-resume:unit.a.service:x_2",
            "mailtop-resume:unit.a.service2:p7",
            "mailtop-resume:unit.a.service:p7.timer ",
            "postfix",
        ] {
            assert_eq!(id_of(&spec, other), None, "{other}");
        }
    }

    #[test]
    fn a_job_of_the_same_name_about_something_else_has_another_key() {
        let command = |status: &str| JobSpec {
            name: "a b".into(),
            kind: JobKind::Command {
                status: Argv::new(status, [""; 0]),
                pause: Argv::new("p", [""; 0]),
                resume: Argv::new("r", [""; 0]),
                progress: None,
            },
            timeout: Span::from_secs(5),
        };
        // The test vector of the draft.
        assert_eq!(key(&command("a")), "job.a_20b.e40c292c");
        assert_ne!(key(&command("a")), key(&command("b")));
    }

    #[test]
    fn what_a_config_calls_a_valve_makes_no_difference_to_who_finds_what_is_armed() {
        use crate::domain::job::{DovecotService, Postgres, Valve, ValveKind};
        let spec = |name: &str, kind: &JobKind| JobSpec {
            name: name.into(),
            kind: kind.clone(),
            timeout: Span::from_secs(5),
        };
        let valve = |what, dir: Option<&str>| {
            JobKind::Postfix(Box::new(Valve {
                config_dir: dir.map(str::to_owned),
                what,
                sudo: Sudo::No,
            }))
        };
        let settings = |first: &str| {
            JobKind::Postgres(Box::new(Postgres {
                psql: Argv::new("psql", [""; 0]),
                run_as: None,
                table: None,
                pause: PostgresPause::Settings {
                    pause: vec![first.into()],
                    resume: vec!["ALTER SYSTEM RESET x".into()],
                    paused_when: "SELECT true".into(),
                },
            }))
        };
        let service = |name: &str| {
            JobKind::Dovecot(DovecotService {
                service: name.into(),
                config_file: None,
                sudo: Sudo::No,
            })
        };
        let kinds = [
            valve(ValveKind::Hold, None),
            valve(ValveKind::Hold, Some("/etc/postfix-out")),
            valve(ValveKind::Intake { services: vec![] }, None),
            service("indexer"),
            service("stats"),
            settings("ALTER SYSTEM SET x = 'off'"),
            settings("ALTER SYSTEM SET y = 'off'"),
        ];
        let keys: std::collections::BTreeSet<String> = kinds.iter().map(|k| key(&spec("a", k))).collect();
        assert_eq!(keys.len(), kinds.len(), "{keys:?}");
        for kind in &kinds {
            assert_eq!(key(&spec("a", kind)), key(&spec("b", kind)));
        }
    }

    proptest! {
        #[test]
        fn no_two_units_share_a_key(a in ".{1,12}", b in ".{1,12}") {
            prop_assume!(a != b);
            prop_assert_ne!(key(&job(&a)), key(&job(&b)));
            let id = ActionId(Name::new(&b));
            prop_assert_eq!(id_of(&job(&a), &name(&job(&a), &id)), Some(id));
        }
    }
}
