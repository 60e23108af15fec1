//! `[[server.queue]]` and `[[server.job]]`: what commands on a server read and steer. Paths and programs here are the mail
//! host's own, so they are checked for their form only.

use super::mistake::{Sheet, Wrong};
use super::names::Names;
use super::quantity::TIMEOUT;
use super::schema::{self, JobKind as Kind, SystemdPause as Pause};
use super::table::{Given, Reader};
use crate::domain::Span;
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, SystemdPause};
use crate::domain::queue::{QueueKind, QueueSource, Sudo};

/// Commands of a job may take this long unless it says otherwise: stopping a unit takes longer than reading one.
pub(super) const JOB_TIMEOUT: Span = Span::from_secs(30);

/// Reads one queue.
pub(super) fn queue(table: &Reader, permille: u32, names: &mut Names, sheet: &mut Sheet) -> Option<QueueSource> {
    table.unknown(schema::QUEUE, sheet);
    let kind = kind(table, &[("postfix", QueueKind::Postfix)], sheet);
    let name = table.text("name", sheet).map(|n| names.take(&n, sheet));
    let config_dir = table.text("config_dir", sheet).and_then(|dir| {
        if dir.value.starts_with('/') {
            return Some(dir.value);
        }
        let wrong = Wrong::new(
            format!("`{}` is not an absolute path", dir.value),
            "write the folder's full path on the mail host, for example \"/etc/postfix-out\"",
        );
        sheet.mistake(dir.at, &dir.key, wrong);
        None
    });
    let list = table.argv("list", sheet);
    let count = table.argv("count", sheet);
    let sudo = sudo(table, sheet);
    let budget_permille = table.permille("load_budget", sheet).unwrap_or(permille);
    let kind = kind?.value;
    let name = name.unwrap_or_else(|| {
        let name = kind.word().into();
        names.take_as(&name, table.at, &table.key("name"), sheet);
        name
    });
    Some(QueueSource {
        name,
        kind,
        config_dir,
        list: list.map(|a| a.value),
        count: count.map(|a| a.value),
        sudo,
        budget_permille,
    })
}

/// Reads one job.
pub(super) fn job(table: &Reader, names: &mut Names, sheet: &mut Sheet) -> Option<JobSpec> {
    table.unknown(schema::JOB, sheet);
    let name = table
        .needed("name", "\"compact\"", sheet)
        .map(|n| names.take(&n, sheet));
    let kind = kind(table, &[("systemd", Kind::Systemd), ("command", Kind::Command)], sheet);
    let timeout = table.span("timeout", TIMEOUT, sheet).unwrap_or(JOB_TIMEOUT);
    let kind = match kind?.value {
        Kind::Systemd => systemd(table, sheet),
        Kind::Command => command(table, sheet),
    };
    Some(JobSpec {
        name: name?,
        kind: kind?,
        timeout,
    })
}

fn kind<T: Copy>(table: &Reader, words: &[(&str, T)], sheet: &mut Sheet) -> Option<Given<T>> {
    if table.place_of("kind").is_none() {
        let names: Vec<String> = words.iter().map(|(w, _)| format!("\"{w}\"")).collect();
        let fix = format!("write kind = {}", names.join(" or kind = "));
        sheet.absent(table.at, &table.key("kind"), Wrong::new("is missing", fix));
    }
    table.choice("kind", words, sheet)
}

fn systemd(table: &Reader, sheet: &mut Sheet) -> Option<JobKind> {
    not_for(table, &["status", "resume", "progress"], "systemd", "command", sheet);
    let given = table.needed("unit", "\"mail-db-compact.service\"", sheet);
    let unit = given.and_then(|given| {
        let unit = unit_name(&given, ".service", sheet)?;
        // Freezing or stopping a timer leaves what it started running.
        if is_timer(&unit) {
            let fix = format!(
                "write unit = \"{}.service\" and timer = \"{unit}\"",
                unit.trim_end_matches(".timer")
            );
            sheet.mistake(
                given.at,
                &given.key,
                Wrong::new(format!("`{unit}` is a timer, not the job"), fix),
            );
            return None;
        }
        Some(unit)
    });
    let timer = table.text("timer", sheet).and_then(|given| {
        let timer = unit_name(&given, ".timer", sheet)?;
        if is_timer(&timer) {
            return Some(timer);
        }
        let wrong = Wrong::new(format!("`{timer}` is not a timer"), "name the unit that ends in .timer");
        sheet.mistake(given.at, &given.key, wrong);
        None
    });
    let how = table.choice("pause", &[("freeze", Pause::Freeze), ("stop", Pause::Stop)], sheet);
    let sudo = sudo(table, sheet);
    Some(JobKind::Systemd {
        unit: unit?,
        how: match how.map(|h| h.value) {
            Some(Pause::Stop) => SystemdPause::Stop,
            _ => SystemdPause::Freeze,
        },
        timer,
        sudo,
    })
}

fn command(table: &Reader, sheet: &mut Sheet) -> Option<JobKind> {
    not_for(table, &["unit", "timer", "sudo"], "command", "systemd", sheet);
    let value = |given: Option<Given<Argv>>| given.map(|g| g.value);
    let status = value(table.needed_argv("status", sheet));
    let pause = value(table.needed_argv("pause", sheet));
    let resume = value(table.needed_argv("resume", sheet));
    let progress = value(table.argv("progress", sheet));
    Some(JobKind::Command {
        status: status?,
        pause: pause?,
        resume: resume?,
        progress,
    })
}

/// A key of the other kind would be ignored in silence, and with it what its writer meant.
fn not_for(table: &Reader, keys: &[&str], this: &str, other: &str, sheet: &mut Sheet) {
    for key in keys {
        if let Some(at) = table.place_of(key) {
            let wrong = Wrong::new(
                format!("does not go with kind = \"{this}\""),
                format!("take it out, or write kind = \"{other}\""),
            );
            sheet.mistake(at, &table.key(key), wrong);
        }
    }
}

/// A unit's name as systemd.unit(5) allows it, with its suffix.
fn unit_name(given: &Given<String>, suffix: &str, sheet: &mut Sheet) -> Option<String> {
    let name = &given.value;
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if name.starts_with('-') || name.len() > 255 || !name.chars().all(allowed) {
        let wrong = Wrong::new(
            format!("`{name}` is not the name of a unit"),
            "write it as `systemctl list-units` shows it",
        );
        sheet.mistake(given.at, &given.key, wrong);
        return None;
    }
    Some(if name.contains('.') {
        name.clone()
    } else {
        format!("{name}{suffix}")
    })
}

fn is_timer(unit: &str) -> bool {
    unit.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "timer")
}

fn sudo(table: &Reader, sheet: &mut Sheet) -> Sudo {
    match table.flag("sudo", sheet) {
        Some(flag) if flag.value => Sudo::Yes,
        _ => Sudo::No,
    }
}
