//! `[[server.queue]]` and `[[server.job]]`: what commands on a server read and steer. Paths and programs here are the mail
//! host's own, so they are checked for their form only.

use super::mistake::{Sheet, Wrong, did_you_mean};
use super::names::Names;
use super::quantity::{PATIENCE, TIMEOUT};
use super::schema::{self, JobKind as Kind, SystemdPause as Pause};
use super::table::{Given, Reader, TextOrArgv};
use super::{dovecot, postgres, presets, valve};
use crate::domain::Span;
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, ProcessFind, SystemdPause};
use crate::domain::queue::{LogSource, QueueKind, QueueSource, Sudo};

/// Commands of a job may take this long unless it says otherwise: stopping a unit takes longer than reading one.
pub(super) const JOB_TIMEOUT: Span = Span::from_secs(30);

/// Reads one queue.
pub(super) fn queue(table: &Reader, permille: u32, names: &mut Names, sheet: &mut Sheet) -> Option<QueueSource> {
    table.unknown(schema::QUEUE, sheet);
    let kind = kind(table, &[("postfix", QueueKind::Postfix)], sheet);
    let name = table.text("name", sheet).map(|n| names.take(&n, sheet));
    let config_dir = config_dir(table, sheet);
    let list = table.argv("list", sheet);
    let count = table.argv("count", sheet);
    let log = log(table, sheet).unwrap_or_default();
    let lifetime = table.span("lifetime", PATIENCE, sheet);
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
        log,
        lifetime,
        budget_permille,
    })
}

/// The folder of a Postfix instance.
pub(super) fn config_dir(table: &Reader, sheet: &mut Sheet) -> Option<String> {
    table.text("config_dir", sheet).and_then(|dir| {
        if dir.value.starts_with('/') {
            return Some(dir.value);
        }
        let wrong = Wrong::new(
            format!("`{}` is not an absolute path", dir.value),
            "write the folder's full path on the mail host, for example \"/etc/postfix-out\"",
        );
        sheet.mistake(dir.at, &dir.key, wrong);
        None
    })
}

/// Where the mail log is: one of three words, a file, or a command.
fn log(table: &Reader, sheet: &mut Sheet) -> Option<LogSource> {
    let given = table.text_or_argv("log", "\"auto\", \"journal\", \"off\" or \"/var/log/mail.log\"", sheet)?;
    let word = match given.value {
        TextOrArgv::Argv(argv) => return Some(LogSource::Command(argv)),
        TextOrArgv::Text(word) => word,
    };
    match word.as_str() {
        "auto" => return Some(LogSource::Auto),
        "journal" => return Some(LogSource::Journal),
        "off" => return Some(LogSource::Off),
        path if path.starts_with('/') => return Some(LogSource::File(word)),
        _ => {}
    }
    let fix = did_you_mean(&word, &["auto", "journal", "off"]).map_or_else(
        || "write \"auto\", \"journal\", \"off\", or the full path of a file on the mail host".to_owned(),
        |meant| format!("did you mean \"{meant}\"?"),
    );
    let wrong = Wrong::new(format!("`{word}` is not a place of a log"), fix);
    sheet.mistake(given.at, &given.key, wrong);
    None
}

/// Reads one job.
pub(super) fn job(table: &Reader, names: &mut Names, sheet: &mut Sheet) -> Option<JobSpec> {
    table.unknown(schema::JOB, sheet);
    let with_preset = match table.place_of("preset") {
        // Without what it would give, what is missing cannot be told.
        Some(_) => Some(presets::below(table, sheet)?),
        None => None,
    };
    let table = with_preset.as_ref().unwrap_or(table);
    let name = table
        .needed("name", "\"compact\"", sheet)
        .map(|n| names.take(&n, sheet));
    let kind = kind(
        table,
        &[
            ("systemd", Kind::Systemd),
            ("command", Kind::Command),
            ("postgres", Kind::Postgres),
            ("process", Kind::Process),
            ("dovecot", Kind::Dovecot),
            ("postfix", Kind::Postfix),
        ],
        sheet,
    );
    let timeout = table.span("timeout", TIMEOUT, sheet).unwrap_or(JOB_TIMEOUT);
    let kind = match kind?.value {
        Kind::Systemd => systemd(table, sheet),
        Kind::Command => command(table, sheet),
        Kind::Postgres => postgres::job(table, sheet),
        Kind::Process => process(table, sheet),
        Kind::Dovecot => {
            let others = [
                "unit", "timer", "status", "pause", "resume", "progress", "pid_file", "pattern",
            ];
            not_for_any(table, &[&others, postgres::KEYS], "dovecot", sheet);
            dovecot::job(table, sheet)
        }
        Kind::Postfix => valve::job(table, sheet),
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
    not_for(table, postgres::KEYS, "systemd", "postgres", sheet);
    not_for(table, dovecot::KEYS, "systemd", "dovecot", sheet);
    not_for(table, valve::KEYS, "systemd", "postfix", sheet);
    not_for(table, OF_A_PROCESS, "systemd", "process", sheet);
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
    not_for(table, postgres::KEYS, "command", "postgres", sheet);
    not_for(table, dovecot::KEYS, "command", "dovecot", sheet);
    not_for(table, valve::KEYS, "command", "postfix", sheet);
    not_for(table, OF_A_PROCESS, "command", "process", sheet);
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

/// The keys that only a process has.
pub(super) const OF_A_PROCESS: &[&str] = &["pid_file", "pattern", "user"];

fn process(table: &Reader, sheet: &mut Sheet) -> Option<JobKind> {
    not_for(table, &["unit", "timer"], "process", "systemd", sheet);
    not_for(table, postgres::KEYS, "process", "postgres", sheet);
    not_for(table, dovecot::KEYS, "process", "dovecot", sheet);
    not_for(table, valve::KEYS, "process", "postfix", sheet);
    not_for(
        table,
        &["status", "pause", "resume", "progress"],
        "process",
        "command",
        sheet,
    );
    let given = ["pid_file", "pattern"].map(|key| table.place_of(key).is_some());
    let path = table.text("pid_file", sheet).and_then(|file| {
        if file.value.starts_with('/') {
            return Some(file.value);
        }
        let wrong = Wrong::new(
            format!("`{}` is not an absolute path", file.value),
            "write the file's full path on the mail host, for example \"/run/backup.pid\"",
        );
        sheet.mistake(file.at, &file.key, wrong);
        None
    });
    let pattern = table.argv("pattern", sheet).and_then(|words| {
        // An empty word would be found in no command line, or be taken to be found in all.
        if words.value.args().iter().all(|w| !w.is_empty()) && !words.value.program().ends_with('/') {
            return Some(words.value);
        }
        let wrong = Wrong::new(
            "holds a word that is empty or ends where its program should stand",
            "write the program and whole arguments of it, as `tr '\\0' ' ' </proc/PID/cmdline` there shows them",
        );
        sheet.mistake(words.at, &words.key, wrong);
        None
    });
    let user = user(table, sheet);
    let find = match (path, pattern) {
        // What was given and is wrong has been told.
        (None, _) if given[0] => return None,
        (_, None) if given[1] => return None,
        (Some(path), pattern) => ProcessFind::PidFile { path, pattern },
        (None, Some(pattern)) => ProcessFind::Pattern(pattern),
        (None, None) => {
            let fix = "write pid_file = \"/run/backup.pid\", or pattern = [\"rsync\", \"--backup\"], or both";
            sheet.absent(table.at, &table.key("pid_file"), Wrong::new("is missing", fix));
            return None;
        }
    };
    Some(JobKind::Process {
        find,
        user,
        sudo: sudo(table, sheet),
    })
}

/// Whose process it is.
pub(super) fn user(table: &Reader, sheet: &mut Sheet) -> Option<String> {
    let user = table.text("user", sheet)?;
    let good = |c: char| c.is_ascii_alphanumeric() || "_.@$\\-".contains(c);
    if user.value.starts_with('-') || !user.value.chars().all(good) {
        let wrong = Wrong::new(
            format!("`{}` is not a login name", user.value),
            "write it as `id -un` prints it",
        );
        sheet.mistake(user.at, &user.key, wrong);
    }
    Some(user.value)
}

/// Keys of several other kinds.
fn not_for_any(table: &Reader, keys: &[&[&str]], this: &str, sheet: &mut Sheet) {
    for key in keys.iter().flat_map(|k| k.iter()) {
        if let Some(at) = table.place_of(key) {
            let wrong = Wrong::new(
                format!("does not go with kind = \"{this}\""),
                "take it out, or write the kind that it belongs to",
            );
            sheet.mistake(at, &table.key(key), wrong);
        }
    }
}

/// A key of the other kind would be ignored in silence, and with it what its writer meant.
pub(super) fn not_for(table: &Reader, keys: &[&str], this: &str, other: &str, sheet: &mut Sheet) {
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

pub(super) fn sudo(table: &Reader, sheet: &mut Sheet) -> Sudo {
    match table.flag("sudo", sheet) {
        Some(flag) if flag.value => Sudo::Yes,
        _ => Sudo::No,
    }
}
