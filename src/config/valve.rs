//! `[[server.job]]` of kind `postfix`: which valve of which instance. Names end up in main.cf and on command lines, so their
//! form is checked here; whether the server has them is told when it is asked.

use super::mistake::{Sheet, Wrong};
use super::postgres;
use super::schema::ValveKind as Kind;
use super::table::{Given, Reader};
use super::work::{OF_A_PROCESS, config_dir, not_for, sudo};
use std::mem::discriminant;

use crate::domain::job::{JobKind, JobSpec, Valve, ValveKind};

/// The keys that only this kind has.
pub(super) const KEYS: &[&str] = &["valve", "config_dir", "transports", "destinations", "services"];

/// Two valves of one kind would write to one setting of one main.cf, and what ends the pause of one would undo the other's.
pub(super) fn alone(job: &JobSpec, before: &[JobSpec], table: &Reader, sheet: &mut Sheet) {
    let JobKind::Postfix(this) = &job.kind else { return };
    let same = |other: &&JobSpec| match &other.kind {
        JobKind::Postfix(other) => {
            other.config_dir == this.config_dir && discriminant(&other.what) == discriminant(&this.what)
        }
        _ => false,
    };
    if let Some(other) = before.iter().find(same) {
        let wrong = Wrong::new(
            format!("is a second valve of this kind on one Postfix, beside {}", other.name),
            "name all transports, destinations or services in one job: the two would undo each other's setting",
        );
        sheet.mistake(table.place_of("valve").unwrap_or(table.at), &table.key("valve"), wrong);
    }
}

/// Reads one.
pub(super) fn job(table: &Reader, sheet: &mut Sheet) -> Option<JobKind> {
    not_for(table, &["unit", "timer", "pause"], "postfix", "systemd", sheet);
    not_for(table, &["status", "resume", "progress"], "postfix", "command", sheet);
    not_for(table, postgres::KEYS, "postfix", "postgres", sheet);
    not_for(table, OF_A_PROCESS, "postfix", "process", sheet);
    let words = [("hold", Kind::Hold), ("defer", Kind::Defer), ("intake", Kind::Intake)];
    if table.place_of("valve").is_none() {
        let fix = "write valve = \"hold\", valve = \"defer\" or valve = \"intake\"";
        sheet.absent(table.at, &table.key("valve"), Wrong::new("is missing", fix));
    }
    let kind = table.choice("valve", &words, sheet);
    let dir = config_dir(table, sheet);
    let sudo = sudo(table, sheet);
    let transports = names(table, "transports", "smtp", is_transport, sheet);
    let destinations = names(table, "destinations", "example.com", is_destination, sheet);
    let services = names(table, "services", "smtp.inet", is_service, sheet);
    let kind = kind?.value;
    let of_another: &[(&str, &str)] = match kind {
        Kind::Hold => &[
            ("transports", "defer"),
            ("destinations", "defer"),
            ("services", "intake"),
        ],
        Kind::Defer => &[("services", "intake")],
        Kind::Intake => &[("transports", "defer"), ("destinations", "defer")],
    };
    for (key, valve) in of_another {
        if let Some(at) = table.place_of(key) {
            let wrong = Wrong::new(
                format!("goes with valve = \"{valve}\" only"),
                format!("take it out, or write valve = \"{valve}\""),
            );
            sheet.mistake(at, &table.key(key), wrong);
        }
    }
    let what = match kind {
        Kind::Hold => ValveKind::Hold,
        Kind::Defer => {
            let (transports, destinations) = (transports?, destinations?);
            if transports.is_empty() && destinations.is_empty() {
                let fix = "write transports = [\"smtp\"], or destinations = [\"example.com\"], or both";
                sheet.absent(table.at, &table.key("transports"), Wrong::new("is missing", fix));
                return None;
            }
            ValveKind::Defer {
                transports,
                destinations,
            }
        }
        Kind::Intake => ValveKind::Intake { services: services? },
    };
    Some(JobKind::Postfix(Box::new(Valve {
        config_dir: dir,
        what,
        sudo,
    })))
}

/// A list of names of one form: empty where it is not there, `None` where it is wrong.
fn names(table: &Reader, key: &str, sample: &str, is_good: fn(&str) -> bool, sheet: &mut Sheet) -> Option<Vec<String>> {
    if table.place_of(key).is_none() {
        return Some(vec![]);
    }
    let given: Given<Vec<String>> = table.texts(key, &format!("\"{sample}\""), sheet)?;
    let Some(odd) = given.value.iter().find(|name| !is_good(name)) else {
        return Some(given.value);
    };
    let wrong = Wrong::new(
        format!("`{odd}` is not a name that can stand here"),
        format!("write for example {key} = [\"{sample}\"]"),
    );
    sheet.mistake(given.at, &given.key, wrong);
    None
}

/// The first column of master.cf(5), for a service of type unix.
fn is_transport(name: &str) -> bool {
    !name.starts_with('-') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// A domain as a key of transport(5): with a dot before it, what is below it.
fn is_destination(name: &str) -> bool {
    let domain = name.strip_prefix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && label.bytes().all(good)
    };
    domain.len() <= 253 && domain.split('.').all(is_label)
}

/// `smtp.inet`, `smtp/inet` or `smtp`; a name may hold an address: `127.0.0.1:10025`.
fn is_service(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"_-.:[]/".contains(&b);
    let own = name.strip_suffix("/inet").unwrap_or(name);
    !own.is_empty() && !own.starts_with(['-', '.']) && !own.contains('/') && own.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_mean_one_thing_in_main_cf_are_taken() {
        for (is, good, bad) in [
            (
                is_transport as fn(&str) -> bool,
                &["smtp", "smtp-amavis", "relay_2"][..],
                &["-c", "smtp:", "a b", "a,b", "!smtp", "$x", "smtp.inet"][..],
            ),
            (
                is_destination,
                &[
                    "example.com",
                    ".example.com",
                    "xn--bcher-kva.example",
                    "localhost",
                    "EXAMPLE.com",
                    "_x.test",
                ],
                &[
                    "",
                    ".",
                    "..a",
                    "a..b",
                    "a.",
                    "user@a.test",
                    "a=b",
                    "a,b",
                    "{a}",
                    "a b",
                    "*",
                    "-a.test",
                    "bücher.example",
                    "[192.0.2.1]",
                ],
            ),
            (
                is_service,
                &[
                    "smtp.inet",
                    "smtp/inet",
                    "submission",
                    "127.0.0.1:10025.inet",
                    "[::1]:25/inet",
                ],
                &[
                    "",
                    "/inet",
                    "smtp/unix/inet",
                    "smtp/unix",
                    "!smtp",
                    "-x",
                    "a b",
                    "a,b",
                    "$x",
                ],
            ),
        ] {
            for name in good {
                assert!(is(name), "{name}");
            }
            for name in bad {
                assert!(!is(name), "{name}");
            }
        }
    }
}
