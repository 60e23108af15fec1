//! What a login needs of sudo for a job, and nothing more: the rules, worked out from the job alone (`systemd`, `arm`,
//! `postgres`, `postfix`, each from the commands that a plan makes), the text for `/etc/sudoers.d` (`fragment`), and the
//! harmless check of what is missing (`check`), which only asks sudo and runs nothing.
//!
//! sudo joins the arguments with single spaces before it compares them (sudoers(5), "Command line arguments"). So no
//! expression lets a space through where an argument varies, and what limits a command stands before what varies in it:
//! `--uid=` that came after a free text could be swallowed by that.

mod arguments;
mod arm;
mod check;
mod dovecot;
mod fragment;
mod postfix;
mod postgres;
mod systemd;
mod there;

pub use self::arguments::Arguments;
pub use self::check::rights;
pub use self::fragment::{bad_login, fragment};
pub use self::there::{SudoVersion, There, there};
use super::process;
use crate::domain::Text;
use crate::domain::action::Verb;
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec};
use crate::domain::queue::Sudo;
use crate::domain::text::MAX_COMMAND;

/// One command that a login has to be allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SudoRule {
    /// For what.
    pub verbs: Vec<Verb>,
    /// As whom: `root`, or the user that a database belongs to.
    pub run_as: String,
    /// The program, by its name.
    pub program: String,
    /// Which arguments.
    pub arguments: Arguments,
}

impl SudoRule {
    fn root(verbs: &[Verb], program: &str, arguments: Arguments) -> Self {
        Self {
            verbs: verbs.to_vec(),
            run_as: "root".into(),
            program: program.into(),
            arguments,
        }
    }
    /// A command that goes through sudo, as a plan has it: `sudo -n -u postgres psql …`.
    fn beyond(verbs: &[Verb], argv: &Argv) -> Self {
        let words: Vec<&str> = argv.args().iter().map(String::as_str).collect();
        let (run_as, command) = match &*words {
            ["-n", "-u", user, command @ ..] => (*user, command),
            ["-n", command @ ..] | command => ("root", command),
        };
        let (program, arguments) = command.split_first().unwrap_or((&"", &[]));
        Self {
            run_as: run_as.to_owned(),
            ..Self::root(verbs, program, Arguments::exact(arguments.iter().copied()))
        }
    }
    /// As it stands in sudoers after the login: `ALL=(root) NOPASSWD: NOSETENV: /usr/bin/systemctl freeze x.service`. `None` when
    /// it cannot be written there so that it means exactly this.
    pub fn line(&self, there: &There) -> Option<String> {
        let arguments = self.arguments.sudoers()?;
        let path = there.path(&self.program)?;
        Some(format!("ALL=({}) NOPASSWD: NOSETENV: {path} {arguments}", self.run_as))
    }
    /// The program and its arguments as in [`SudoRule::line`].
    pub fn command(&self, there: &There) -> Text {
        match (there.path(&self.program), self.arguments.sudoers()) {
            (Some(path), Some(arguments)) => self.shown(&format!("{path} {arguments}")),
            _ => self.example(),
        }
    }
    /// One of the commands that it stands for, where no rule can be written.
    fn example(&self) -> Text {
        let words = Argv::new(&*self.program, self.arguments.sample()).quoted();
        self.shown(&format!("{words} (and others: no exact rule can hold them)"))
    }
    fn shown(&self, command: &str) -> Text {
        let run_as = if self.run_as == "root" {
            String::new()
        } else {
            format!("({}) ", self.run_as)
        };
        Text::bounded(format!("{run_as}{command}").as_bytes(), MAX_COMMAND)
    }
}

/// What a job needs of sudo.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    /// The commands that it has to be allowed.
    pub rules: Vec<SudoRule>,
    /// What no rule could allow without allowing more, and what to do about it.
    pub cannot: Vec<Text>,
    /// Examples of that: no rule is printed for them, but the check asks, for a login may be allowed more.
    pub beyond: Vec<SudoRule>,
}

impl Needs {
    /// Whether sudo is not needed at all.
    pub fn is_nothing(&self) -> bool {
        self.rules.is_empty() && self.cannot.is_empty()
    }
    /// Moves the rules that sudoers cannot hold to what cannot be.
    fn writable(mut self, there: &There) -> Self {
        let (good, bad): (Vec<_>, Vec<_>) = self.rules.into_iter().partition(|r| r.line(there).is_some());
        self.rules = good;
        self.cannot.extend(bad.iter().map(|r| {
            let why = match there.path(&r.program) {
                None => format!("where {} is there is not known", r.program),
                Some(_) => format!(
                    "its arguments do not fit into a rule (a line's end, or more than {} characters): put what it runs into a script \
                     on the server, and name that in the config",
                    arguments::LONGEST
                ),
            };
            Text::from(format!("no rule for {} {} …: {why}", r.program, r.arguments.sample().first().map_or("", String::as_str)))
        }));
        self.beyond.extend(bad);
        self
    }
}

/// What a job needs of sudo, on a server of which this is known. A login that is root needs none of it.
pub fn rules(spec: &JobSpec, there: &There) -> Needs {
    let needs = match &spec.kind {
        JobKind::Systemd { sudo: Sudo::No, .. } => Needs::default(),
        JobKind::Systemd { unit, how, timer, .. } => systemd::needs(spec, unit, *how, timer.as_deref(), there),
        JobKind::Command { resume, .. } => arm::of_the_login(spec, std::slice::from_ref(resume), there),
        JobKind::Postgres(db) => postgres::needs(spec, db, there),
        JobKind::Process { sudo, user, .. } => of_processes(spec, *sudo, user.as_deref(), there),
        JobKind::Dovecot(what) if what.sudo == Sudo::Yes => dovecot::needs(spec, what, there),
        // Only root gets on without sudo here, and needs no rule.
        JobKind::Dovecot(_) => Needs::default(),
        JobKind::Postfix(valve) => postfix::needs(spec, valve, there),
    };
    needs.writable(there)
}

/// Signals go to process numbers, which are others each time.
fn of_processes(spec: &JobSpec, sudo: Sudo, user: Option<&str>, there: &There) -> Needs {
    if sudo == Sudo::No {
        return arm::of_any_command_of_the_login(spec, there);
    }
    let kill = process::signal::by(sudo, user);
    let signal = |verb, word| SudoRule::beyond(&[verb], &kill.clone().arg(word).arg("4711"));
    Needs {
        beyond: vec![signal(Verb::Pause, "-STOP"), signal(Verb::Resume, "-CONT")],
        cannot: vec![
            "no rule: a signal goes to the number of a process, and a rule that holds for every number lets the login stop any \
             process. Run it as a systemd unit (kind = \"systemd\"), or as the login itself (sudo = false)"
                .into(),
        ],
        ..Needs::default()
    }
}
