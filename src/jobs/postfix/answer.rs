//! What `look.sh` prints, to what it means: pure. Every line has its word first; a line that is not understood changes nothing,
//! and an answer without its end is no answer.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;

use super::sockets::{Door, Face, Local};
use crate::domain::{Span, Text};
use crate::queue::message::{self, Recipients};

/// The most messages of a listing that are looked at, as in the script.
pub(super) const SAMPLE: usize = 500;

/// All of it.
#[derive(Debug, Default)]
pub(in super::super) struct Answer {
    pub uid: Option<u32>,
    /// Postfix's programs by their whole paths, as they are found there.
    pub programs: BTreeMap<String, String>,
    /// Why nothing can be said.
    pub fatal: Option<Text>,
    /// The settings that are in main.cf, as they are written there.
    pub settings: BTreeMap<String, String>,
    /// The same in the order in which they were printed.
    pub set: Vec<String>,
    /// When main.cf or master.cf last became what it is.
    pub changed: Option<Timestamp>,
    pub now: Option<Timestamp>,
    pub master: Master,
    /// The transports of master.cf.
    pub transports: Vec<String>,
    /// Services of master.cf by which mail comes in without header checks, or with others.
    pub unchecked: Vec<Text>,
    pub children: Vec<Child>,
    pub listed: Listed,
    pub faces: Vec<Face>,
    /// Words of `inet_interfaces` that are names without an address there.
    pub nameless: Vec<String>,
    pub doors: Vec<Door>,
    /// Local ends that are listened on, each with its inode.
    pub listening: Vec<(Local, u64)>,
    /// Local ends of open sessions, and how many each has.
    pub open: Vec<(Local, u64)>,
    pub sockets_seen: bool,
    /// The sockets that the master holds, where that may be seen.
    pub holds: Option<Vec<u64>>,
}

/// Whether Postfix runs.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(in super::super) enum Master {
    Runs,
    /// Surely not.
    None,
    /// Not shown to this login.
    #[default]
    Hidden,
}

/// A process of Postfix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Child {
    pub pid: u32,
    /// Its program: `qmgr`.
    pub program: String,
    /// The service that it serves, as master.cf names it.
    pub service: Option<String>,
    pub started: Timestamp,
}

/// The first messages of a listing.
#[derive(Debug, Default)]
pub(in super::super) struct Listed {
    pub messages: Vec<Message>,
    /// Whether these are all.
    pub all: bool,
    /// Why there is no listing.
    pub trouble: Option<Text>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Message {
    pub queue: String,
    pub arrival: Timestamp,
    /// Domains in lower case, with why each still waits.
    pub recipients: Vec<(String, String)>,
}

/// Reads it.
pub(in super::super) fn parse(bytes: &[u8]) -> Result<Answer, &'static str> {
    let text = String::from_utf8_lossy(bytes);
    let mut answer = Answer::default();
    let mut raw = Raw::default();
    let mut ended = false;
    for line in text.lines() {
        ended = line == "end";
        if line.starts_with('{') {
            raw.listed_line(line, &mut answer);
        } else if let Some(pid) = line.strip_prefix("==> /proc/") {
            raw.command_of = pid.split('/').next().and_then(|p| p.parse().ok());
        } else if let Some(pid) = raw.command_of.take() {
            raw.commands.insert(pid, line.to_owned());
        } else {
            raw.line(line, &mut answer);
        }
    }
    if !ended {
        return Err("its answer has no end");
    }
    if answer.fatal.is_none() && answer.uid.is_none() {
        return Err("its answer does not begin as it should");
    }
    raw.finish(&mut answer);
    Ok(answer)
}

/// What only makes sense together.
#[derive(Default)]
struct Raw {
    children: Vec<(u32, i64, String)>,
    command_of: Option<u32>,
    commands: BTreeMap<u32, String>,
    hz: Option<i64>,
    up: Option<Span>,
    lines: usize,
    bytes: usize,
    cut: bool,
    status: Option<i32>,
    said: Vec<String>,
    changes: Vec<Option<Timestamp>>,
}

impl Raw {
    fn line(&mut self, line: &str, answer: &mut Answer) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "uid" => answer.uid = rest.parse().ok(),
            "at" => {
                if let Some((program, path)) = rest.split_once(' ').filter(|(_, path)| path.starts_with('/')) {
                    answer.programs.insert(program.to_owned(), path.to_owned());
                }
            }
            "fatal" => answer.fatal = Some(rest.trim().into()),
            "changed" => self.changes.push(moment(rest)),
            "set" => {
                if let Some((name, value)) = rest.split_once('=') {
                    answer.settings.insert(name.trim().to_owned(), value.trim().to_owned());
                    answer.set.push(rest.to_owned());
                }
            }
            "master" => {
                answer.master = match rest {
                    "none" => Master::None,
                    pid if pid.parse::<u32>().is_ok() => Master::Runs,
                    _ => Master::Hidden,
                }
            }
            "child" => self.child(rest),
            "unix" => answer.transports.push(rest.to_owned()),
            "over" => {
                if let Some((what, value)) = rest.split_once('=')
                    && (what.trim().ends_with("/header_checks") || value.contains("no_header_body_checks"))
                {
                    answer.unchecked.push(what.trim().into());
                }
            }
            "hz" => self.hz = rest.parse().ok().filter(|hz| *hz > 0),
            "now" => {
                let (now, up) = rest.split_once(' ').unwrap_or((rest, ""));
                answer.now = moment(now);
                self.up = up.parse().ok().map(Span::from_secs_f64);
            }
            "listed" => self.status = rest.parse().ok(),
            "face" => match rest.strip_prefix('?') {
                Some(name) => answer.nameless.push(name.to_owned()),
                None => answer.faces.extend(Face::parse(rest)),
            },
            "inet" => answer.doors.extend(Door::parse(rest)),
            "listen" => {
                if let Some((local, inode)) = rest.split_once(' ') {
                    answer.listening.extend(Local::parse(local).zip(inode.parse().ok()));
                }
            }
            "open" => {
                if let Some((local, many)) = rest.split_once(' ') {
                    answer.open.extend(Local::parse(local).zip(many.parse().ok()));
                }
            }
            "sockets" => answer.sockets_seen = rest == "seen",
            "holds" => answer.holds = Some(rest.split_whitespace().filter_map(|i| i.parse().ok()).collect()),
            "postqueue:" | "sudo:" => self.said.push(line.to_owned()),
            _ => {}
        }
    }

    fn child(&mut self, rest: &str) {
        let mut words = rest.splitn(3, ' ');
        if let (Some(Ok(pid)), Some(Ok(born)), Some(program)) =
            (words.next().map(str::parse), words.next().map(str::parse), words.next())
        {
            self.children.push((pid, born, program.to_owned()));
        }
    }

    fn listed_line(&mut self, line: &str, answer: &mut Answer) {
        self.lines += 1;
        self.bytes += line.len() + 1;
        let mut recipients = Recipients::default();
        match message::parse(line, &mut recipients) {
            Ok(m) => answer.listed.messages.push(Message {
                queue: m.queue.into_owned(),
                arrival: m.arrival,
                recipients: recipients
                    .iter()
                    .map(|(domain, why)| (domain.to_ascii_lowercase(), why.to_owned()))
                    .collect(),
            }),
            Err(_) => self.cut = true,
        }
    }

    fn finish(self, answer: &mut Answer) {
        // One that is not known may be the newest.
        answer.changed = self
            .changes
            .iter()
            .copied()
            .collect::<Option<Vec<_>>>()
            .and_then(|c| c.into_iter().max());
        let full = self.lines >= SAMPLE || self.cut;
        answer.listed.all = self.status == Some(0) && !full;
        if !full && !matches!(self.status, Some(0)) {
            let last = self.said.last().map(String::as_str);
            answer.listed.trouble = Some(last.unwrap_or("the queue could not be listed").into());
        }
        let (Some(now), Some(up), Some(hz)) = (answer.now, self.up, self.hz) else {
            return;
        };
        for (pid, born, program) in self.children {
            let Some(born) = born.checked_mul(1_000_000).map(|b| Span::from_micros(b / hz)) else {
                continue;
            };
            let started = (Span::ZERO - (up - born)).after(now);
            let command = self.commands.get(&pid).map_or("", String::as_str);
            answer.children.push(Child {
                pid,
                program,
                service: service(command),
                started,
            });
        }
    }
}

/// The service that a daemon was started for: the word after `-n`, or its own name where that is the same (master(8)).
fn service(command: &str) -> Option<String> {
    let mut words = command.split_whitespace();
    let own = words.next()?;
    let rest: Vec<&str> = words.collect();
    let named = rest.iter().position(|w| *w == "-n").and_then(|at| rest.get(at + 1));
    let name = named.copied().unwrap_or_else(|| own.rsplit('/').next().unwrap_or(own));
    Some(name.to_owned())
}

/// Seconds since 1970, with or without a fraction.
fn moment(text: &str) -> Option<Timestamp> {
    let (secs, fraction) = text.split_once('.').unwrap_or((text, ""));
    let secs: i64 = secs.parse().ok()?;
    // A date(1) that knows no fractions prints something else.
    let nanos = match fraction.get(..fraction.len().min(9)) {
        Some(f) if !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()) => format!("{f:0<9}").parse().ok()?,
        _ => 0,
    };
    Timestamp::new(secs, nanos).ok()
}

/// An address as written by a person or by a program.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.split('%').next()?.parse().ok()
}
