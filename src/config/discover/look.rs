//! The look around this host: programs that are installed, instances that are set up, ports that answer, units that are
//! known. Each step that fails is put on the list of what is not known.

use std::io::{ErrorKind, Read};
use std::path::Path;

use super::parse::{self, Listener, Wire};
use super::run::{PATIENCE, output, which};
use super::{Found, FoundDoor, FoundUnit, Instance, Speaks, Use, peek};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Text};

/// Where the default Postfix instance is set up.
pub(super) const POSTFIX_DIR: &str = "/etc/postfix";

/// Looks at this host. Takes from a few milliseconds to a few seconds, and blocks: not for an async task.
pub fn this_host() -> Found {
    this_host_in(std::env::var_os("PATH").as_deref())
}

/// As [`this_host`], with programs looked for in this `PATH` first.
pub fn this_host_in(path: Option<&std::ffi::OsStr>) -> Found {
    let which = |program: &str| which(program, path);
    let mut unread = Vec::new();
    let postfix = match which("postqueue") {
        Some(_) => instances(which("postmulti").as_deref(), &mut unread),
        None => Vec::new(),
    };
    let listeners = which("doveconf").map(|doveconf| configured(&doveconf, &mut unread));
    let doors = listeners
        .as_deref()
        .unwrap_or(&parse::USUAL)
        .iter()
        .filter_map(|listener| door(*listener, &mut unread))
        .collect();
    let units = which("systemctl").map_or_else(Vec::new, |systemctl| units(&systemctl, &mut unread));
    let others = [
        ("exim4", "Exim"),
        ("exim", "Exim"),
        ("smtpctl", "OpenSMTPD"),
        ("kumod", "KumoMTA"),
    ];
    let mut others: Vec<Text> = others
        .iter()
        .filter(|(program, _)| which(program).is_some())
        .map(|(_, name)| Text::from(*name))
        .collect();
    others.dedup();
    Found {
        host: host_name(),
        postfix,
        doors,
        units,
        others,
        unread,
    }
}

fn host_name() -> Name {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .map(|text| text.trim().to_owned())
        .find(|name| !name.is_empty() && name != "(none)")
        .map_or_else(|| Name::new("localhost"), |name| Name::new(&name))
}

fn instances(postmulti: Option<&Path>, unread: &mut Vec<Missed>) -> Vec<Instance> {
    let listed = postmulti.map(|program| output(program, &["-l"], PATIENCE));
    match listed {
        Some(Ok(text)) => {
            let found = parse::postmulti(&text);
            if !found.is_empty() {
                return found;
            }
        }
        Some(Err(missed)) => unread.push(missed),
        None => {}
    }
    let main = Path::new(POSTFIX_DIR).join("main.cf");
    match std::fs::metadata(&main) {
        Ok(_) => vec![Instance {
            name: None,
            config_dir: POSTFIX_DIR.to_owned(),
            use_: Use::Enabled,
        }],
        Err(why) => {
            let missed = Missed::new(Miss::NotFound, main.display().to_string(), why.to_string());
            unread.push(missed.fix("Postfix is installed, and not set up where it usually is"));
            Vec::new()
        }
    }
}

fn configured(doveconf: &Path, unread: &mut Vec<Missed>) -> Vec<Listener> {
    match output(doveconf, &["service/imap-login"], PATIENCE) {
        Ok(text) => {
            let found = parse::listeners(&text);
            if found.is_empty() { parse::USUAL.to_vec() } else { found }
        }
        Err(missed) => {
            unread.push(missed);
            parse::USUAL.to_vec()
        }
    }
}

/// A configured port that answers. One that refuses is no door; one that is silent is told.
fn door(listener: Listener, unread: &mut Vec<Missed>) -> Option<FoundDoor> {
    let tried = format!("127.0.0.1 port {}", listener.port);
    let mut stream = match peek::connect(listener.port) {
        Ok(stream) => stream,
        Err(why) if why.kind() == ErrorKind::ConnectionRefused => return None,
        Err(why) => {
            unread.push(Missed::new(Miss::Unreachable, tried, why.to_string()));
            return None;
        }
    };
    let speaks = match listener.wire {
        Wire::Tls => peek::certificate(listener.port),
        Wire::Clear => {
            let mut greeting = [0u8; 512];
            match stream.read(&mut greeting) {
                Ok(n) if greeting.get(..n).is_some_and(|g| g.starts_with(b"* ")) => Speaks::Clear,
                Ok(n) => {
                    let said = Text::from_bytes(greeting.get(..n).unwrap_or_default());
                    unread.push(Missed::new(Miss::BadAnswer, tried, format!("is no IMAP: `{said}`")));
                    return None;
                }
                Err(_) => {
                    let fix = "it is watched all the same if you name it: imap://127.0.0.1";
                    unread.push(Missed::new(Miss::TimedOut, tried, "accepts and says nothing").fix(fix));
                    return None;
                }
            }
        }
    };
    Some(FoundDoor {
        port: listener.port,
        speaks,
    })
}

fn units(systemctl: &Path, unread: &mut Vec<Missed>) -> Vec<FoundUnit> {
    let args = [
        "list-unit-files",
        "--type=service,timer",
        "--no-legend",
        "--plain",
        "--no-pager",
    ];
    match output(systemctl, &args, PATIENCE) {
        Ok(text) => parse::maintenance(&text),
        Err(missed) => {
            unread.push(missed);
            Vec::new()
        }
    }
}
