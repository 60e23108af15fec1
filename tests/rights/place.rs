//! A host with jobs, an ordinary login `ops` on it, and the program with a config that names them.

use std::process::{Command, Stdio};

use mailtop::config;
use mailtop::domain::Span;
use mailtop::domain::argv::{Argv, quote};
use mailtop::domain::job::{JobSpec, State};
use mailtop::jobs::rights::{There, rules};
use mailtop::reach::{RunLimits, Runner, SshTarget};
use tempfile::TempDir;

use super::lab::host::{Host, boot_or_leave_out};

/// The jobs of the config.
pub const JOBS: [&str; 4] = ["compact", "reindex", "odd", "own"];

const AT_WORK: &str = "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n";

const UNITS: &str = r#"
[[server.job]]
name = "compact"
kind = "systemd"
unit = "mail-db-compact.service"
timer = "mail-db-compact.timer"
sudo = true
[[server.job]]
name = "reindex"
kind = "systemd"
unit = "reindex.service"
timer = "reindex.timer"
pause = "stop"
sudo = true
[[server.job]]
name = "odd"
kind = "systemd"
unit = 'odd\x2dname@a.service'
sudo = true
[[server.job]]
name = "own"
kind = "command"
status = ["echo", "running"]
pause = ["true"]
resume = ["/bin/echo", "resumed", "table", "3"]
"#;

const VALVES: &str = r#"
[[server.job]]
name = "hold"
kind = "postfix"
valve = "hold"
sudo = true
[[server.job]]
name = "far"
kind = "postfix"
valve = "defer"
transports = ["discard"]
destinations = ["far.test"]
sudo = true
[[server.job]]
name = "door"
kind = "postfix"
valve = "intake"
sudo = true
"#;

pub struct Place {
    pub host: Host,
    home: TempDir,
    jobs: Vec<JobSpec>,
}

#[derive(Debug)]
pub struct Done {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

pub fn within() -> RunLimits {
    RunLimits {
        timeout: Span::from_secs(60),
        max_output: 1 << 20,
    }
}

pub fn sh(script: &str) -> Argv {
    Argv::new("sh", ["-c", script])
}

impl Place {
    pub fn boot() -> Option<Self> {
        let host = boot_or_leave_out("mx1")?;
        host.unit("mail-db-compact.service", AT_WORK);
        host.unit("mail-db-compact.timer", "[Timer]\nOnCalendar=weekly\n");
        host.unit(
            "reindex.service",
            "[Service]\nType=oneshot\nExecStart=/bin/sleep infinity\n",
        );
        host.unit("reindex.timer", "[Timer]\nOnCalendar=weekly\n");
        host.unit("odd\\x2dname@a.service", AT_WORK);
        host.unit("other.service", AT_WORK);
        host.sh(
            "systemctl start mail-db-compact.service mail-db-compact.timer reindex.timer other.service; \
             systemctl start --no-block reindex.service",
        );
        let place = Self::of(host, UNITS);
        assert_eq!(place.jobs.len(), JOBS.len());
        Some(place)
    }
    /// A host with Postfix at work, whose mail is delivered into nothing the moment it is tried, and its three valves.
    pub fn with_postfix() -> Option<Self> {
        let host = boot_or_leave_out("mx1")?;
        host.sh(
            "postconf -e inet_interfaces=127.0.0.1 inet_protocols=ipv4 mydestination= relayhost= default_transport=discard \
             alias_maps= queue_run_delay=1s minimal_backoff_time=1s; systemctl restart postfix",
        );
        Some(Self::of(host, VALVES))
    }
    /// A host that is made ready, and the program with these jobs on it.
    fn of(host: Host, jobs: &str) -> Self {
        let home = tempfile::Builder::new().prefix("mt").tempdir().unwrap();
        let as_ops = host.dir().join("as-ops");
        let ssh = std::fs::read_to_string(host.ssh_config()).unwrap();
        std::fs::write(&as_ops, ssh.replace("User root", "User ops")).unwrap();
        let toml = format!(
            r#"
[defaults]
ssh_config = "{}"
[[server]]
name = "mx1"
reach = "ssh:mx1"
timeout = "30s"
{jobs}"#,
            as_ops.display()
        );
        let file = home.path().join("config.toml");
        std::fs::write(&file, toml).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let jobs = config::load(&file).unwrap().servers.remove(0).jobs;
        Self { host, home, jobs }
    }
    pub fn job(&self, name: &str) -> JobSpec {
        self.jobs.iter().find(|j| *j.name == *name).unwrap().clone()
    }
    /// A runner that is the ordinary login.
    pub fn ops(&self) -> Runner {
        Runner::ssh(SshTarget {
            config_file: Some(self.host.dir().join("as-ops")),
            ..self.host.target()
        })
    }
    /// The program, with the config.
    pub fn mailtop(&self, args: &[&str]) -> Done {
        let home = self.home.path();
        let out = Command::new(env!("CARGO_BIN_EXE_mailtop"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .args(args)
            .arg("-c")
            .arg(home.join("config.toml"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Done {
            status: out.status.code(),
            out: String::from_utf8(out.stdout).unwrap(),
            err: String::from_utf8(out.stderr).unwrap(),
        }
    }
    /// Prints the rules, has visudo look at them, and installs them as the text itself says.
    pub fn install(&self) -> String {
        let printed = self.mailtop(&["config", "sudoers", "mx1"]);
        assert_eq!((printed.status, &*printed.err), (Some(0), ""), "{printed:?}");
        self.host.write("/root/rules", &printed.out, 0o600);
        let checked = self.host.run(&["visudo", "-cf", "/root/rules"]);
        assert!(checked.status.success(), "{checked:?}\n{}", printed.out);
        let line = printed.out.lines().find(|l| l.contains("install -o root")).unwrap();
        let command = line.trim_start_matches(['#', ' ']).replace("FILE", "/root/rules");
        self.host.sh(&command);
        self.host.sh("visudo -c");
        printed.out
    }
    /// Whether the command that arms carries who and why.
    pub fn has_text(&self) -> bool {
        let there = There::usual();
        let needs = rules(&self.job("compact"), &there);
        let arms = needs.rules.iter().filter(|r| r.program == "systemd-run");
        arms.flat_map(|r| r.arguments.sample())
            .any(|a| a.starts_with("--description="))
    }
    /// How the names of a job's resumes begin.
    pub fn resumes_of(&self, name: &str) -> String {
        let there = There {
            uid: Some(1),
            ..There::usual()
        };
        let needs = rules(&self.job(name), &there);
        let units = needs.rules.iter().flat_map(|r| r.arguments.sample());
        let mut unit = units.filter_map(|a| Some(a.strip_prefix("--unit=")?.rsplit_once(':')?.0.to_owned()));
        format!("{}:", unit.next_back().unwrap())
    }
    /// The timers that are armed.
    pub fn armed(&self) -> Vec<String> {
        let listed = self
            .host
            .sh("systemctl list-units --plain --no-legend --all 'mailtop-resume*.timer'");
        listed
            .lines()
            .filter_map(|l| l.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    }
    pub async fn until_runs(&self, spec: &JobSpec, runner: &Runner) {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while super::state(spec, runner).await != State::Running {
            assert!(std::time::Instant::now() < end, "never: {} runs", spec.name);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    /// Whether sudo lets the login do each of these, by its own word; nothing is run.
    pub fn sudo_lists(&self, all: &[Vec<String>]) -> Vec<bool> {
        let mut answers = vec![];
        for (n, some) in all.chunks(500).enumerate() {
            let line = |words: &Vec<String>| {
                let words: Vec<String> = words.iter().map(|w| quote(w)).collect();
                format!("sudo -n -l {} >/dev/null 2>&1; echo $?\n", words.join(" "))
            };
            let script: String = some.iter().map(line).collect();
            let file = format!("/home/ops/ask{n}");
            self.host.write(&file, &script, 0o644);
            let out = self.host.sh(&format!("su ops -s /bin/sh -c 'sh {file}'"));
            answers.extend(out.lines().map(|l| match l {
                "0" => true,
                "1" => false,
                other => panic!("sudo ended with {other}"),
            }));
        }
        answers
    }
}
