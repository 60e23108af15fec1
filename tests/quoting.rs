//! No name and no reason becomes another command: ten thousand random ones go the way that real ones go (the config, the
//! commands of the jobs, the quoting) into a real `sh`, where stand-ins tell what they were given. One more command, one
//! argument split or joined, or a file where nothing may be, and it fails.

#![allow(clippy::unwrap_used)] // Not every function of a test program is a test.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use mailtop::config::around::Around;
use mailtop::config::{Server, load_in};
use mailtop::domain::argv::Argv;
use mailtop::domain::job::JobKind;
use mailtop::domain::{Span, Text};
use mailtop::jobs::rights::{There, rules};
use mailtop::reach::{RunLimits, Runner, SshTarget};

const CASES: usize = 10_000;
/// Commands for one shell.
const AT_ONCE: usize = 500;
/// What one argument may hold, with room.
const SCRIPT: usize = 100_000;
/// Servers in one config: it lists a hundred mistakes, and each may have eight.
const FILE: usize = 12;
const MINUTE: Span = Span::from_secs(60);

/// Where commands end up: a folder of stand-ins, each of which tells its name, how many arguments it got, and they.
struct Trap {
    dir: tempfile::TempDir,
}

impl Trap {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let trap = Self { dir };
        for name in [
            "systemctl",
            "systemd-run",
            "sudo",
            "own",
            "ssh",
            "postconf",
            "postfix",
            "postsuper",
            "postqueue",
        ] {
            trap.program(name, "printf '%s\\0' \"${0##*/}\" $# \"$@\"");
        }
        // What an injected command might be: it leaves a trace.
        for name in ["touch", "id", "reboot", "evil", "cat", "rm"] {
            trap.program(name, &format!(": >{}", trap.canary().display()));
        }
        for name in ["env", "timeout", "sleep", "sh"] {
            let real = ["/usr/bin", "/bin"]
                .map(|d| Path::new(d).join(name))
                .into_iter()
                .find(|p| p.exists());
            symlink(real.unwrap(), trap.bin().join(name)).unwrap();
        }
        trap
    }
    fn bin(&self) -> PathBuf {
        let bin = self.dir.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        bin
    }
    fn canary(&self) -> PathBuf {
        self.dir.path().join("canary")
    }
    fn program(&self, name: &str, script: &str) {
        let file = self.bin().join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    /// What a real shell runs of these lines, with nothing else in its path.
    fn runs(&self, lines: &[String]) -> Vec<Argv> {
        let mut all = vec![];
        let mut script = String::new();
        for line in lines {
            if script.len() + line.len() > SCRIPT {
                all.extend(self.told(&std::mem::take(&mut script)));
            }
            script.push_str(line);
            script.push('\n');
        }
        all.extend(self.told(&script));
        all
    }
    fn told(&self, script: &str) -> Vec<Argv> {
        let out = Command::new("/bin/sh")
            .args(["-c", script])
            .env_clear()
            .env("PATH", self.bin())
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success() && said.is_empty(), "{}: {said}", out.status);
        let text = String::from_utf8(out.stdout).unwrap();
        let mut words = text.split_terminator('\0');
        let mut all = vec![];
        while let Some(program) = words.next() {
            let n: usize = words.next().unwrap().parse().unwrap();
            all.push(Argv::new(program, words.by_ref().take(n)));
        }
        let strays: Vec<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(strays, ["bin"], "something else ran");
        all
    }
}

/// Random text made of what breaks quoting.
struct Hostile {
    dice: fastrand::Rng,
    canary: String,
}

impl Hostile {
    fn text(&mut self) -> String {
        const PARTS: &[&str] = &[
            "'",
            "\"",
            "\\",
            "`",
            "$",
            "$(",
            ")",
            "\n",
            "\r",
            "\t",
            " ",
            ";",
            "&",
            "|",
            "<",
            ">",
            "(",
            "{",
            "}",
            "*",
            "?",
            "[",
            "]",
            "~",
            "#",
            "!",
            "%",
            "^",
            "=",
            "-",
            "--",
            "-c",
            "$(evil)",
            "`evil`",
            "'; evil; '",
            "\"; evil; \"",
            "\n evil\n",
            "&& evil",
            "|| evil",
            "${IFS}evil",
            "$'\\n'",
            "\\'; evil #",
            "'\\''",
            "'\"'\"'",
            "EOF",
            "\u{1b}[2J",
            "\u{1b}]0;x\u{7}",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{feff}",
            "\u{85}",
            "ü",
            "→",
            "日本",
            "😀",
            "a",
            "b",
            "unit",
            "drain first",
            ".service",
            "@",
            ":",
            "\\x2d",
            "%n",
            "/dev/null",
            "..",
            "\u{7f}",
            "\u{1}",
        ];
        let mut out = String::new();
        for _ in 0..self.dice.usize(..7) {
            match self.dice.u8(..12) {
                0 => out.push(self.dice.char('\u{1}'..)),
                1 => out.push_str(
                    &[
                        "$(: >CANARY)",
                        "`: >CANARY`",
                        "; : >CANARY; ",
                        "\n: >CANARY\n",
                        "'$(: >CANARY)'",
                        "\">CANARY\"",
                    ][self.dice.usize(..6)]
                    .replace("CANARY", &self.canary),
                ),
                _ => out.push_str(PARTS[self.dice.usize(..PARTS.len())]),
            }
        }
        out
    }
    /// The name of a unit, or almost: most are good in systemd's eyes.
    fn unit(&mut self) -> String {
        const GOOD: &[&str] = &[
            "a", "Z9", "-", "_", ".", ":", "@", "\\x2d", "\\", "\\\\", "mail", ".service", "\\n", "\\'",
        ];
        if self.dice.u8(..10) < 3 {
            return self.text();
        }
        (0..=self.dice.usize(..6))
            .map(|_| GOOD[self.dice.usize(..GOOD.len() - 1)])
            .collect()
    }
}

/// What a case gives the config.
struct Case {
    server: String,
    unit: String,
    timer: String,
    job: String,
    argument: String,
    reason: String,
}

/// What the config makes of each case; `None` where it refuses it.
fn configured(cases: &[Case], dir: &Path) -> Vec<Option<Server>> {
    let quoted = |s: &str| toml::Value::String(s.to_owned()).to_string();
    let mut taken: Vec<usize> = (0..cases.len()).collect();
    loop {
        if taken.is_empty() {
            return (0..cases.len()).map(|_| None).collect();
        }
        let text = taken
            .iter()
            .map(|i| {
                let c = &cases[*i];
                format!(
                    "[[server]]\nname = {}\nreach = {}\n\
                     [[server.job]]\nname = {}\nkind = 'systemd'\nunit = {}\ntimer = {}\nsudo = true\npause = '{}'\n\
                     [[server.job]]\nname = 'own'\nkind = 'command'\nstatus = ['own']\npause = ['own', {}]\nresume = ['own', {}, '--']\n\
                     [[server.job]]\nname = 'valve'\nkind = 'postfix'\nvalve = '{}'\nconfig_dir = {}\nsudo = true\n\
                     [[server.job]]\nname = 'base'\nkind = 'postgres'\npsql = ['own', {}]\nrun_as = 'postgres'\n\
                     [[server.job]]\nname = 'copy'\nkind = 'process'\npattern = ['own', {}]\nuser = 'backup'\nsudo = true\n",
                    quoted(&c.server),
                    quoted(&format!("ssh:{}", c.server)),
                    quoted(&c.job),
                    quoted(&c.unit),
                    quoted(&c.timer),
                    ["freeze", "stop"][i % 2],
                    quoted(&c.argument),
                    quoted(&c.argument),
                    ["hold", "intake"][i % 2],
                    quoted(&format!("/etc/{}", c.argument)),
                    quoted(&c.argument),
                    quoted(&format!("x{}", c.argument)),
                )
            })
            .collect::<Vec<_>>()
            .concat();
        let file = dir.join("config.toml");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        match load_in(&file, &Around::here()) {
            Ok(loaded) => {
                let mut all: Vec<Option<Server>> = (0..cases.len()).map(|_| None).collect();
                for (i, server) in taken.into_iter().zip(loaded.config.servers) {
                    all[i] = Some(server);
                }
                return all;
            }
            Err(mistakes) => {
                let mut bad: Vec<usize> = mistakes
                    .iter()
                    .map(|m| {
                        let index = m
                            .key
                            .strip_prefix("server[")
                            .and_then(|k| k.split_once(']'))
                            .map(|(n, _)| n.parse());
                        index.unwrap_or_else(|| panic!("{m}")).unwrap()
                    })
                    .collect();
                bad.sort_unstable();
                bad.dedup();
                for i in bad.into_iter().rev() {
                    taken.remove(i);
                }
            }
        }
    }
}

/// A command with the reason in it. THE PLACE where a reason gets into a command: whatever encodes it on its way, the quoting has
/// to hold for the reason as it is, so it is given bare.
fn carrying(command: &Argv, reason: &Text) -> Argv {
    let (options, rest) = command.args().split_at(command.args().len().min(2));
    let reason = format!("--description={reason}");
    Argv::new(
        command.program(),
        options.iter().cloned().chain([reason]).chain(rest.iter().cloned()),
    )
}

/// Every command that the jobs of a server make.
fn commands(server: &Server, reason: &Text) -> Vec<Argv> {
    let mut there = There {
        uid: Some(1000),
        ..There::usual()
    };
    there.by_login.insert("own".into(), "/usr/local/bin/own".into());
    let mut all = vec![];
    for spec in &server.jobs {
        let needs = rules(spec, &there);
        // What no rule can hold goes through sudo all the same: psql, and signals. By itself `kill` is the shell's own.
        for rule in needs.beyond {
            let command = Argv::new(&*rule.program, rule.arguments.sample());
            all.push(command.under(&["sudo", "-n", "-u", &rule.run_as]));
        }
        for rule in needs.rules {
            let sample = Argv::new(&*rule.program, rule.arguments.sample());
            let command = if rule.program == "systemd-run" {
                carrying(&sample, reason)
            } else {
                sample
            };
            all.push(command.under(&["sudo", "-n"]));
            all.push(command);
        }
        if let JobKind::Command { pause, resume, .. } = &spec.kind {
            all.extend([pause.clone(), resume.clone()]);
        }
    }
    all
}

/// Whether systemd would take it for one unit's name (systemd.unit(5)).
fn is_unit(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b":_.\\@-".contains(&b);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(good)
}

fn cases(trap: &Trap) -> Vec<Case> {
    let mut hostile = Hostile {
        dice: fastrand::Rng::with_seed(20),
        canary: trap.canary().display().to_string(),
    };
    (0..CASES)
        .map(|i| {
            // A good name beside a bad one, or the config would take none of either.
            let (server, unit) = match i % 3 {
                0 => (String::new(), hostile.unit()),
                1 => (hostile.text(), "mail".into()),
                _ => (hostile.text(), hostile.unit()),
            };
            Case {
                server: format!("{server}{i}"),
                unit,
                timer: format!("{}.timer", if i % 4 == 0 { hostile.unit() } else { "mail".into() }),
                job: format!("{}j", hostile.text()),
                argument: hostile.text(),
                reason: hostile.text(),
            }
        })
        .collect()
}

#[test]
fn no_name_and_no_reason_becomes_another_command_in_a_real_shell() {
    let trap = Trap::new();
    let home = tempfile::tempdir().unwrap();
    let cases = cases(&trap);
    let (mut taken, mut refused) = (0, 0);
    let mut wanted: Vec<Argv> = vec![];
    for (n, some) in cases.chunks(FILE).enumerate() {
        // The names of servers and units each by themselves, so that a bad one does not take a good one with it.
        for (i, server) in configured(some, home.path()).into_iter().enumerate() {
            let case = &some[i];
            let reason = Text::from(&*case.reason);
            if let Some(server) = server {
                taken += 1;
                assert!(is_unit(&case.unit) && is_unit(&case.timer), "{:?} was taken", case.unit);
                let all = commands(&server, &reason);
                // One in turn for each name; every one of them for each tenth.
                let one = (n * FILE + i) % all.len();
                wanted.extend(if i % 10 == 0 { all } else { vec![all[one].clone()] });
            } else {
                refused += 1;
                // Its reason counts all the same.
                let thaw = Argv::new(
                    "systemd-run",
                    ["--on-active=5s", "--unit=x", "systemctl", "thaw", "x.service"],
                );
                wanted.push(carrying(&thaw, &reason));
            }
        }
    }
    assert!(taken > 1_000 && refused > 1_000, "{taken} taken, {refused} refused");
    assert!(wanted.len() >= CASES);
    let hard = wanted.iter().filter(|a| a.quoted().contains('\'')).count();
    assert!(hard > CASES / 2, "only {hard} needed quotes");
    let (trap, chunks) = (&trap, wanted.chunks(AT_ONCE).enumerate().collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for quarter in chunks.chunks(chunks.len().div_ceil(4)) {
            scope.spawn(move || {
                for (n, some) in quarter {
                    // The watchdog takes four processes for each.
                    let way = usize::from(*n == 0);
                    let line = |a| SshTarget::handed_over(a, MINUTE)[way].clone();
                    assert_same(&trap.runs(&some.iter().map(line).collect::<Vec<_>>()), some);
                }
            });
        }
    });
    eprintln!(
        "{taken} configs taken, {refused} refused, {} commands, {hard} with quotes",
        wanted.len()
    );
}

#[test]
fn what_is_shown_can_be_typed_and_runs_the_same_there() {
    let trap = Trap::new();
    let home = tempfile::tempdir().unwrap();
    let cases = cases(&trap);
    let mut typed = vec![];
    let mut wanted = vec![];
    for some in cases.chunks(FILE) {
        for (case, server) in some.iter().zip(configured(some, home.path())) {
            let Some(server) = server else { continue };
            let mailtop::config::Reach::Ssh(destination) = &server.reach else {
                panic!()
            };
            let runner = Runner::ssh(SshTarget {
                destination: destination.clone(),
                config_file: None,
                control_dir: home.path().to_owned(),
                connect_timeout: MINUTE,
            });
            let all = commands(&server, &Text::from(&*case.reason));
            let command = all[wanted.len() % all.len()].clone();
            let shown = runner.shown(&command);
            // What holds signs that no screen may show is shown in another way.
            let plain = |s: &str| Text::from(s).as_str() == s;
            if command.args().iter().all(|a| plain(a)) {
                typed.push(shown.to_string());
                wanted.push((destination.clone(), command));
            }
        }
    }
    assert!(typed.len() > 500, "{}", typed.len());
    for (lines, wanted) in typed.chunks(AT_ONCE).zip(wanted.chunks(AT_ONCE)) {
        let ssh = trap.runs(lines);
        assert_eq!(ssh.len(), wanted.len());
        let mut there = vec![];
        for (ssh, (destination, _)) in ssh.iter().zip(wanted) {
            assert_eq!((ssh.program(), &ssh.args()[0]), ("ssh", destination));
            // ssh joins what it is given by spaces, and hands it to the shell there.
            there.push(ssh.args()[1..].join(" "));
        }
        let all: Vec<Argv> = wanted.iter().map(|(_, a)| a.clone()).collect();
        assert_same(&trap.runs(&there), &all);
    }
}

#[tokio::test]
async fn on_this_host_arguments_arrive_as_they_are() {
    let trap = Trap::new();
    let limits = RunLimits {
        timeout: MINUTE,
        max_output: 1 << 20,
    };
    for case in cases(&trap).into_iter().step_by(4) {
        let program = trap.bin().join("own").display().to_string();
        let args = [case.unit, case.reason, case.argument, case.server].map(|a| a.replace('\0', ""));
        let argv = Argv::new(program, args.clone());
        let out = Runner::local().run(&argv, limits).await.unwrap();
        let want = ["own", "4"]
            .into_iter()
            .chain(args.iter().map(String::as_str))
            .map(|w| format!("{w}\0"))
            .collect::<Vec<_>>()
            .concat();
        assert_eq!(String::from_utf8(out.stdout).unwrap(), want);
    }
    assert!(!trap.canary().exists());
}

fn assert_same(ran: &[Argv], wanted: &[Argv]) {
    for (ran, wanted) in ran.iter().zip(wanted) {
        assert_eq!(ran, wanted);
    }
    assert_eq!(ran.len(), wanted.len());
}
