//! `kind = "dovecot"`: Dovecot's own maintenance. A task is run by somebody as `doveadm TASK`, and is a process like others;
//! a service is run by Dovecot itself.

use super::mistake::{Sheet, Wrong};
use super::table::Reader;
use super::work::{sudo, user};
use crate::domain::argv::Argv;
use crate::domain::job::{DovecotService, JobKind, JobSpec, ProcessFind};

/// The keys that only this kind has.
pub(super) const KEYS: &[&str] = &["task", "service", "config_file"];

/// The tasks, with the words of doveadm(1) that start them.
const TASKS: &[(&str, &str)] = &[
    ("purge", "purge"),
    ("index", "index"),
    ("fts", "fts"),
    ("force-resync", "force-resync"),
];

/// A reload, which ends the pause of one service, opens every service of that Dovecot that was stopped.
pub(super) fn alone(job: &JobSpec, before: &[JobSpec], table: &Reader, sheet: &mut Sheet) {
    let JobKind::Dovecot(this) = &job.kind else { return };
    let same = |other: &&JobSpec| matches!(&other.kind, JobKind::Dovecot(o) if o.config_file == this.config_file);
    if let Some(other) = before.iter().find(same) {
        let wrong = Wrong::new(
            format!("is a second service of one Dovecot, beside {}", other.name),
            "leave one of the two out: what ends the pause of one is a reload, which opens the other as well",
        );
        sheet.mistake(
            table.place_of("service").unwrap_or(table.at),
            &table.key("service"),
            wrong,
        );
    }
}

/// Reads one job of this kind.
pub(super) fn job(table: &Reader, sheet: &mut Sheet) -> Option<JobKind> {
    let task = table.choice("task", TASKS, sheet);
    let service = table.text("service", sheet).and_then(|given| {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if !given.value.starts_with('-') && given.value.chars().all(good) {
            return Some(given.value);
        }
        let wrong = Wrong::new(
            format!("`{}` is not the name of a service", given.value),
            "write it as `doveadm service status` shows it, for example \"indexer\"",
        );
        sheet.mistake(given.at, &given.key, wrong);
        None
    });
    let config_file = table.text("config_file", sheet).and_then(|given| {
        if given.value.starts_with('/') {
            return Some(given.value);
        }
        let wrong = Wrong::new(
            format!("`{}` is not an absolute path", given.value),
            "write the full path of dovecot.conf on the mail host",
        );
        sheet.mistake(given.at, &given.key, wrong);
        None
    });
    match (table.place_of("task"), table.place_of("service")) {
        (Some(_), Some(at)) => {
            let wrong = Wrong::new("stands beside `task`", "give one of the two: they are two jobs");
            sheet.mistake(at, &table.key("service"), wrong);
            None
        }
        (None, None) => {
            let fix = "write task = \"purge\" (or index, fts, force-resync), or service = \"indexer\"";
            sheet.absent(table.at, &table.key("task"), Wrong::new("is missing", fix));
            None
        }
        (Some(_), None) => {
            let user = user(table, sheet);
            if let Some(at) = table.place_of("config_file") {
                let wrong = Wrong::new(
                    "does not go with `task`",
                    "take it out: the process is found by its name",
                );
                sheet.mistake(at, &table.key("config_file"), wrong);
            }
            Some(JobKind::Process {
                find: ProcessFind::Pattern(Argv::new("doveadm", [task?.value])),
                user,
                sudo: sudo(table, sheet),
            })
        }
        (None, Some(_)) => {
            if let Some(at) = table.place_of("user") {
                let wrong = Wrong::new(
                    "does not go with `service`",
                    "take it out: Dovecot knows whose processes they are",
                );
                sheet.mistake(at, &table.key("user"), wrong);
            }
            Some(JobKind::Dovecot(DovecotService {
                service: service?,
                config_file,
                sudo: sudo(table, sheet),
            }))
        }
    }
}
