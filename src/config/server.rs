//! The walk from the top of the file: `[defaults]`, then each `[[server]]` with what it inherits. A table that cannot be
//! used is left out of the result, but walked to its end all the same: its other mistakes are wanted too.

use std::path::PathBuf;

use super::door::{self, Context};
use super::mistake::{Sheet, Wrong};
use super::names::Names;
use super::quantity::{INTERVAL, KEEP, PAUSE, SLOW, TIMEOUT};
use super::table::Reader;
use super::{
    Config, Defaults, DoorSource, Reach, Server, address, canary, dovecot, file, incident, resolver, schema, senders,
    valve, work,
};
use crate::domain::door::{Place, Protocol, Speaks};
use crate::domain::health::Limits;
use crate::domain::horizon::Patience;
use crate::domain::job::JobSpec;
use crate::domain::{Name, Span};

/// What `[defaults]` says, and what holds where it says nothing.
pub(super) struct Base {
    pub(super) every: Span,
    pub(super) timeout: Span,
    pub(super) limits: Limits,
    pub(super) permille: u32,
    pub(super) confirm_above: u64,
    pub(super) defaults: Defaults,
    pub(super) senders: Vec<Patience>,
}

impl Default for Base {
    fn default() -> Self {
        Self {
            every: Span::from_secs(10),
            timeout: Span::from_secs(5),
            limits: Limits::default(),
            permille: 20,
            confirm_above: 10_000,
            defaults: Defaults {
                ssh_config: None,
                keep: Span::from_hours(14 * 24),
                pause_for: Span::from_mins(30),
                read_only: false,
                ascii: false,
                slow: false,
                resolvers: Vec::new(),
            },
            senders: senders::shipped(),
        }
    }
}

/// Reads the whole file.
pub(super) fn walk(top: &Reader, context: &Context, sheet: &mut Sheet) -> Config {
    top.unknown(schema::TOP, sheet);
    let base = top
        .table("defaults", sheet)
        .map_or_else(Base::default, |table| defaults(&table, context, sheet));
    let incident = top
        .table("incident", sheet)
        .map(|table| incident::incident(&table, context, sheet))
        .unwrap_or_default();
    let tables = top.tables("server", "[[server]]", sheet);
    if !top.holds("server") {
        let fix = "add a [[server]] with a name and what to watch; `mailtop init` writes one from what it finds here";
        sheet.absent(0, "server", Wrong::new("no server is named", fix));
    }
    let mut names = Names::of("server");
    let mut servers = Vec::new();
    for table in &tables {
        servers.extend(server(table, &base, context, &mut names, sheet));
    }
    let mut config = Config {
        path: None,
        defaults: base.defaults,
        servers,
        senders: base.senders,
        canaries: Vec::new(),
        incident,
    };
    let mut names = Names::of("canary");
    for table in &top.tables("canary", "[[canary]]", sheet) {
        let spec = canary::read(table, &config, &mut names, sheet);
        config.canaries.extend(spec);
    }
    config
}

fn defaults(table: &Reader, context: &Context, sheet: &mut Sheet) -> Base {
    table.unknown(schema::DEFAULTS, sheet);
    let base = Base::default();
    let flag = |key, sheet: &mut Sheet| table.flag(key, sheet).is_some_and(|f| f.value);
    Base {
        every: table.span("interval", INTERVAL, sheet).unwrap_or(base.every),
        timeout: table.span("timeout", TIMEOUT, sheet).unwrap_or(base.timeout),
        limits: limits(table, base.limits, sheet),
        permille: table.permille("load_budget", sheet).unwrap_or(base.permille),
        confirm_above: confirm_above(table, base.confirm_above, sheet),
        defaults: Defaults {
            ssh_config: ssh_config(table, context, sheet),
            keep: table.span("keep", KEEP, sheet).unwrap_or(base.defaults.keep),
            pause_for: table.span("pause_for", PAUSE, sheet).unwrap_or(base.defaults.pause_for),
            read_only: flag("read_only", sheet),
            ascii: flag("ascii", sheet),
            slow: flag("slow_screen", sheet),
            resolvers: resolver::list(table, sheet),
        },
        senders: senders::named(table, context, sheet),
    }
}

fn confirm_above(table: &Reader, above: u64, sheet: &mut Sheet) -> u64 {
    table.count("confirm_above", 1_000_000_000_000, sheet).unwrap_or(above)
}

fn limits(table: &Reader, above: Limits, sheet: &mut Sheet) -> Limits {
    Limits {
        slow: table.span("slow", SLOW, sheet).unwrap_or(above.slow),
        cert_days: table
            .count("cert_days", 3_650, sheet)
            .and_then(|n| i64::try_from(n).ok())
            .unwrap_or(above.cert_days),
        queue_depth: table
            .count("queue_depth", 1_000_000_000_000, sheet)
            .unwrap_or(above.queue_depth),
    }
}

fn ssh_config(table: &Reader, context: &Context, sheet: &mut Sheet) -> Option<PathBuf> {
    let given = table.text("ssh_config", sheet)?;
    let path = context.around.resolve(context.base, &given.value);
    match file::bounded(&path) {
        Ok(_) => Some(path),
        Err(why) => {
            let wrong = Wrong::new(
                format!("cannot read {}: {why}", path.display()),
                "name an ssh config that you can read, or leave it out for the usual one",
            );
            sheet.mistake(given.at, &given.key, wrong);
            None
        }
    }
}

fn server(table: &Reader, base: &Base, context: &Context, names: &mut Names, sheet: &mut Sheet) -> Option<Server> {
    table.unknown(schema::SERVER, sheet);
    let name = table.needed("name", "\"mx1\"", sheet).map(|n| names.take(&n, sheet));
    let reach = reach(table, sheet);
    let read_only = table.flag("read_only", sheet).is_some_and(|f| f.value);
    let every = table.span("interval", INTERVAL, sheet).unwrap_or(base.every);
    let timeout = table.span("timeout", TIMEOUT, sheet).unwrap_or(base.timeout);
    let limits = limits(table, base.limits, sheet);
    let confirm_above = confirm_above(table, base.confirm_above, sheet);

    let mut doors = doors(table, timeout, context, sheet);
    for source in &mut doors {
        if let Speaks::Mx { resolvers, .. } = &mut source.door.speaks
            && resolvers.is_empty()
        {
            resolvers.clone_from(&base.defaults.resolvers);
        }
    }
    let queue_tables = table.tables("queue", "[[server.queue]]", sheet);
    let mut names = Names::of("queue of this server");
    let queues = queue_tables
        .iter()
        .filter_map(|t| work::queue(t, base.permille, &mut names, sheet))
        .collect();
    let job_tables = table.tables("job", "[[server.job]]", sheet);
    let mut names = Names::of("job of this server");
    let mut jobs: Vec<JobSpec> = Vec::new();
    for t in &job_tables {
        if let Some(job) = work::job(t, &mut names, sheet) {
            valve::alone(&job, &jobs, t, sheet);
            dovecot::alone(&job, &jobs, t, sheet);
            jobs.push(job);
        }
    }

    if table.place_of("reach").is_none()
        && let Some(first) = queue_tables.first().or(job_tables.first())
    {
        let wrong = Wrong::new(
            format!("is missing, and {} needs commands to get there", first.path()),
            "write reach = \"ssh:ALIAS\" with an alias of your ssh config, or reach = \"local\"",
        );
        sheet.absent(table.at, &table.key("reach"), wrong);
    }
    if table.place_of("reach").is_none()
        && let Some(door) = doors.iter().find(|d| matches!(d.door.at, Place::Socket(_)))
    {
        let wrong = Wrong::new(
            format!(
                "is missing, and {} is a socket, which is reached as commands are",
                door.door.url()
            ),
            "write reach = \"ssh:ALIAS\" with an alias of your ssh config, or reach = \"local\"",
        );
        sheet.absent(table.at, &table.key("reach"), wrong);
    }
    let doored = Protocol::ALL.iter().any(|p| table.holds(p.word()));
    if !doored && !["queue", "job"].iter().any(|key| table.holds(key)) {
        let wrong = Wrong::new(
            "has nothing to watch",
            "add a door ([[server.imap]], [[server.smtp]], …), [[server.queue]] or [[server.job]] below it",
        );
        sheet.absent(table.at, table.path(), wrong);
    }
    Some(Server {
        name: name?,
        reach: reach?,
        read_only,
        every,
        timeout,
        limits,
        confirm_above,
        doors,
        queues,
        jobs,
    })
}

/// How commands get there; `None` when what is written cannot be understood.
fn reach(table: &Reader, sheet: &mut Sheet) -> Option<Reach> {
    if table.place_of("reach").is_none() {
        return Some(Reach::None);
    }
    let given = table.text("reach", sheet)?;
    if given.value == "local" {
        return Some(Reach::Local);
    }
    let result = match given.value.strip_prefix("ssh:") {
        Some(word) => address::ssh_destination(word),
        None => Err(Wrong::new(
            format!("`{}` is not known here", address::masked(&given.value)),
            "write \"local\", or \"ssh:ALIAS\" with an alias of your ssh config",
        )),
    };
    match result {
        Ok(destination) => Some(Reach::Ssh(destination)),
        Err(wrong) => {
            sheet.mistake(given.at, &given.key, wrong);
            None
        }
    }
}

/// The doors of all protocols. Those without a name are called by their protocol, with their place among those of it
/// (`imap`, `imap2`, …), past names that are taken.
fn doors(table: &Reader, timeout: Span, context: &Context, sheet: &mut Sheet) -> Vec<DoorSource> {
    let mut names = Names::of("door of this server");
    let mut tables = Vec::new();
    for protocol in Protocol::ALL {
        let word = protocol.word();
        for (i, door) in table
            .tables(word, &format!("[[server.{word}]]"), sheet)
            .into_iter()
            .enumerate()
        {
            tables.push((protocol, i + 1, door));
        }
    }
    let given: Vec<Option<Name>> = tables
        .iter()
        .map(|(_, _, door)| door.text("name", sheet).map(|n| names.take(&n, sheet)))
        .collect();
    let mut doors = Vec::new();
    for ((protocol, number, door), name) in tables.iter().zip(given) {
        let name = name.unwrap_or_else(|| names.numbered(protocol.word(), *number));
        doors.extend(door::read(door, *protocol, name, timeout, context, sheet));
    }
    doors
}
