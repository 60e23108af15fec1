//! What the rules have to know of a server: who the login is, where programs are, and which sudo it has. Asked in one round
//! trip; the usual places of Debian where it cannot be asked.

use std::collections::BTreeMap;

use super::super::{act, armed, limits};
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, PostgresPause};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::Runner;

/// Where programs that root runs are looked for, whatever the login's own path is: what the login could put there itself
/// must not get into a rule.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The programs of the rules, and where Debian has them.
const PROGRAMS: &[(&str, &str)] = &[
    ("doveadm", "/usr/bin/doveadm"),
    ("systemctl", "/usr/bin/systemctl"),
    ("systemd-run", "/usr/bin/systemd-run"),
    ("postconf", "/usr/sbin/postconf"),
    ("postfix", "/usr/sbin/postfix"),
    ("postqueue", "/usr/sbin/postqueue"),
    ("postsuper", "/usr/sbin/postsuper"),
];

/// What is known of a server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct There {
    /// The login's name.
    pub login: Option<Text>,
    /// The number of the login that the rules are for.
    pub uid: Option<u32>,
    /// Whether the login that asked is root.
    pub is_root: bool,
    /// Which sudo; `None` where there is none or it was not asked.
    pub sudo: Option<SudoVersion>,
    /// Where the programs are that root runs.
    pub programs: BTreeMap<String, String>,
    /// Where the login finds its own commands.
    pub by_login: BTreeMap<String, String>,
}

/// A version of sudo.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SudoVersion {
    /// As it prints it: `1.9.13p3`.
    pub word: Text,
    /// Whether its rules can hold regular expressions.
    pub has_expressions: bool,
}

impl SudoVersion {
    /// From the first line of `sudo --version`; `None` for nothing. The other sudo, of Rust, knows no expressions.
    pub fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        let Some(word) = line.strip_prefix("Sudo version ") else {
            let other = !line.is_empty();
            return other.then(|| Self {
                word: line.into(),
                has_expressions: false,
            });
        };
        let numbers: Vec<u32> = word
            .split('.')
            .map_while(|n| n.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .collect();
        Some(Self {
            word: word.into(),
            has_expressions: numbers.as_slice() >= &[1, 9, 10],
        })
    }
}

impl There {
    /// A Debian host of which nothing was asked.
    pub fn usual() -> Self {
        Self {
            programs: PROGRAMS
                .iter()
                .map(|(n, p)| ((*n).to_owned(), (*p).to_owned()))
                .collect(),
            ..Self::default()
        }
    }
    /// Where a program is that root runs.
    pub(super) fn path(&self, program: &str) -> Option<String> {
        self.programs.get(program).cloned()
    }
    /// Where the login finds one of its own.
    pub(super) fn found_by_login(&self, program: &str) -> Option<String> {
        self.by_login.get(program).cloned()
    }
    /// Commands of root as they are armed: see [`armed::located`], with the system's places in place of the login's.
    pub(super) fn located(&self, back: &[Argv]) -> Option<Vec<Argv>> {
        if matches!(back, [one] if !armed::is_hidden(std::slice::from_ref(one))) {
            return Some(back.to_vec());
        }
        let by_path = |a: &Argv| Some(Argv::new(self.path(a.program())?, a.args().iter().cloned()));
        back.iter().map(by_path).collect()
    }
}

/// Asks the server. `login` is whom the rules are for; who asks without.
pub async fn there(specs: &[JobSpec], login: Option<&str>, runner: &Runner, timeout: Span) -> Result<There, Missed> {
    let script = format!(
        "w=$1; shift; id -u; id -un; if [ -n \"$w\" ]; then id -u -- \"$w\" 2>/dev/null || echo; else id -u; fi; \
         v=$(sudo --version 2>/dev/null | head -n 1); printf '%s\\n' \"$v\"; PATH={SYSTEM_PATH}; \
         for p; do q=$(command -v -- \"$p\"); printf '%s\\n' \"$q\"; done"
    );
    let names = PROGRAMS.iter().map(|(n, _)| *n);
    let ask = Argv::new(
        "sh",
        ["-c", &script, "sh", login.unwrap_or_default()]
            .into_iter()
            .chain(names),
    );
    let out = runner.run(&ask, limits(timeout)).await?;
    let text = String::from_utf8_lossy(&out.stdout);
    let lines: Vec<&str> = text.lines().collect();
    let tried = || Text::from("who the login is, and where its programs are");
    let [uid, name, whose, sudo, paths @ ..] = &*lines else {
        return Err(Missed::new(
            Miss::BadAnswer,
            tried(),
            format!("it {}", act::ended(&out)),
        ));
    };
    let Ok(uid) = uid.trim().parse::<u32>() else {
        return Err(Missed::new(
            Miss::BadAnswer,
            tried(),
            format!("`{}` is not the number of a login", Text::from(*uid)),
        ));
    };
    let whose = whose.trim().parse::<u32>().ok();
    if let (Some(login), None) = (login, whose) {
        let why = format!("there is no login {} there", Text::from(login));
        return Err(Missed::new(Miss::NotFound, tried(), why).fix("say --user LOGIN with one that is"));
    }
    let programs = PROGRAMS
        .iter()
        .zip(paths)
        .filter(|((name, _), path)| is_in_place(name, path))
        .map(|((name, _), path)| ((*name).to_owned(), (*path).to_owned()))
        .collect();
    let mut there = There {
        login: Some(Text::from(login.unwrap_or(name))),
        uid: whose,
        is_root: uid == 0,
        sudo: SudoVersion::of(sudo),
        programs,
        by_login: BTreeMap::new(),
    };
    for back in specs.iter().filter_map(own_command) {
        // What is not found there cannot be armed, and has no rule.
        if let Ok(found) = armed::located(vec![back.clone()], runner, timeout).await
            && let [found] = &*found
        {
            there
                .by_login
                .insert(back.program().to_owned(), found.program().to_owned());
        }
    }
    Ok(there)
}

/// A program that is where it was looked for, by its name.
fn is_in_place(name: &str, path: &str) -> bool {
    path.rsplit_once('/')
        .is_some_and(|(folder, last)| last == name && SYSTEM_PATH.split(':').any(|f| f == folder))
}

/// The command of the login that ends a pause, as the plan has it.
fn own_command(spec: &JobSpec) -> Option<Argv> {
    match &spec.kind {
        JobKind::Command { resume, .. } => Some(resume.clone()),
        JobKind::Postgres(db) => match &db.pause {
            PostgresPause::Settings { resume, .. } => Some(super::super::postgres::sql::all(db, resume)),
            PostgresPause::Cancel => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sudo_that_knows_no_expressions_is_told_from_one_that_does() {
        let has = |line: &str| SudoVersion::of(line).map(|v| v.has_expressions);
        for old in [
            "Sudo version 1.8.31p2",
            "Sudo version 1.9.9",
            "sudo-rs 0.2.8",
            "Sudo version x",
        ] {
            assert_eq!(has(old), Some(false), "{old}");
        }
        for new in [
            "Sudo version 1.9.10",
            "Sudo version 1.9.13p3",
            "Sudo version 1.10",
            "Sudo version 2.0.0b1",
        ] {
            assert_eq!(has(new), Some(true), "{new}");
        }
        assert_eq!(has(""), None);
    }

    #[test]
    fn a_program_from_a_folder_of_the_login_gets_into_no_rule() {
        assert!(is_in_place("systemctl", "/usr/bin/systemctl"));
        for bad in [
            "/home/ops/bin/systemctl",
            "systemctl",
            "/usr/bin/systemctl-x",
            "/usr/bin/../../tmp/systemctl",
            "",
        ] {
            assert!(!is_in_place("systemctl", bad), "{bad}");
        }
    }
}
