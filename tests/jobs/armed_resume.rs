//! Armed resumes whose command line is awkward: what was armed is what runs, also when the host's systemd has read its
//! units anew from disk in between (`systemctl daemon-reload`), as every installation of a package makes it do.

use super::*;
use mailtop::reach::RunLimits;

/// What systemd, a shell or a unit file could take for something else.
const AWKWARD: [&str; 24] = [
    "",
    "a b",
    " ",
    ";",
    "a;b",
    "; reboot",
    "$HOME",
    "${HOME}",
    "$$",
    "%n",
    "%%n",
    "\\",
    "\\n",
    "a\\ b",
    "two\nlines",
    "\n",
    "it's",
    "\"so\"",
    "`id`",
    "$(id)",
    "\t*?#&|<>~!",
    "-x",
    "naïve → 😀",
    "",
];

/// A job that is always paused, resumed by the given command.
fn resumed_by(name: &str, resume: Argv) -> JobSpec {
    JobSpec {
        name: name.into(),
        kind: JobKind::Command {
            status: Argv::new("echo", ["paused"]),
            pause: Argv::new("true", [""; 0]),
            resume,
            progress: None,
        },
        timeout: Span::from_secs(30),
    }
}

/// Pauses the jobs, and makes systemd read its units anew before the first pause ends: where the host was too slow for
/// that, again and for longer.
async fn pause_then_reload(host: &Host, runner: &Runner, specs: &[JobSpec]) -> Vec<Planned> {
    for secs in [10, 50] {
        let mut all = vec![];
        for spec in specs {
            let planned = plan(spec, runner, Verb::Pause, Some(Span::from_secs(secs)))
                .await
                .unwrap();
            assert!(planned.plan.armed_on_server, "{planned:?}");
            let shown: Vec<_> = planned.steps.iter().map(|s| runner.shown(&s.argv)).collect();
            assert_eq!(planned.plan.runs, shown);
            assert_eq!(jobs::act(&planned, runner).await.failed, None);
            all.push(planned);
        }
        host.sh("systemctl daemon-reload");
        if armed(host).len() == specs.len() {
            return all;
        }
    }
    panic!("the host is too slow to see anything");
}

/// As `printf '<%s>' "$@"` prints them.
fn told(args: &[&str]) -> String {
    format!("<{}>", args.join("><"))
}

/// What a resume noted of itself, when it has run.
async fn noted(host: &Host, name: &str) -> String {
    let file = format!("/run/noted/{name}");
    until("an armed resume fires", async || {
        host.run(&["test", "-e", &file]).status.success()
    })
    .await;
    host.sh(&format!("cat {file}"))
}

#[tokio::test]
async fn an_armed_resume_runs_with_exactly_its_arguments_after_systemd_read_its_units_anew() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    // The login finds the program, the services of systemd would not.
    host.write(
        "/opt/odd/bin/note",
        "#!/bin/sh\nmkdir -p /run/noted\ncat > /run/noted/.$1 \nprintf '<%s>' \"$@\" >> /run/noted/.$1\nmv /run/noted/.$1 /run/noted/$1\n",
        0o755,
    );
    let path = "SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/odd/bin\n";
    host.write("/etc/ssh/sshd_config.d/path.conf", path, 0o644);
    host.sh("systemctl restart ssh.service");
    let runner = host.runner();

    let plain = (' '..='~').filter(|c| c.is_ascii_alphanumeric() || " +/=_.,:@-".contains(*c));
    let plain = plain.collect::<String>();
    let jobs = [
        ("awkward", AWKWARD.to_vec()),
        (
            "backwards",
            AWKWARD[..AWKWARD.len() - 1].iter().rev().copied().collect(),
        ),
        ("plain", vec![&*plain, " ", "-a", "=", ":", "@", "--", "/"]),
        ("none", vec![]),
    ];
    let specs: Vec<_> = jobs
        .iter()
        .map(|(name, args)| resumed_by(name, Argv::new("note", [name].into_iter().chain(args).copied())))
        .collect();
    pause_then_reload(&host, &runner, &specs).await;
    for (name, args) in jobs {
        assert_eq!(noted(&host, name).await, told(&[&[name], &*args].concat()), "{name}");
    }

    // A program that is not there is told now, and not found missing when the pause is to end.
    let gone = resumed_by("gone", Argv::new("no-such-program", ["a;b"]));
    let missed = plan(&gone, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    assert_eq!(missed.kind, Miss::NotArmed, "{missed}");
}

#[tokio::test]
async fn a_frozen_unit_and_its_timer_come_back_after_systemd_read_its_units_anew() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    freezable(&host);
    // A dash in a name is written so (systemd.unit(5)), and a shell takes the backslash for something else.
    let timer = "db\\x2dcompact.timer";
    for timer in ["db-compact.timer", timer] {
        let text = format!("[Timer]\nOnCalendar=weekly\nUnit={UNIT}\n");
        host.unit(timer, &text);
        host.sh(&format!("systemctl start '{timer}'"));
        let spec = systemd(UNIT, SystemdPause::Freeze, Some(timer), Sudo::No);
        let planned = pause_then_reload(&host, &runner, &[spec]).await;
        let start = format!("/usr/bin/systemctl start {}", mailtop::domain::argv::quote(timer));
        let undo = &planned[0].plan.undo;
        assert!(
            undo.starts_with(&format!("/usr/bin/systemctl thaw {UNIT}; {start} · armed on mx1")),
            "{undo}"
        );
        // Where it need not be hidden, the command that runs can be read.
        let readable = planned[0].plan.runs[0].contains(&format!("|| true && {start}"));
        assert_eq!(
            (readable, undo.contains("base64")),
            (!timer.contains('\\'), timer.contains('\\'))
        );
        until("both are back", async || {
            host.show(UNIT, "FreezerState") == "running" && host.show(&format!("'{timer}'"), "ActiveState") == "active"
        })
        .await;
    }
}

#[tokio::test]
async fn an_ordinary_logins_resume_runs_as_that_login_with_its_arguments() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    host.write(
        "/etc/sudoers.d/ops",
        "ops ALL=(root) NOPASSWD: /usr/bin/systemd-run, /usr/bin/systemctl stop mailtop-resume*\n",
        0o440,
    );
    host.sh("install -d -o ops /run/noted");
    let script = "id -un > /run/noted/.ops; printf '<%s>' \"$@\" >> /run/noted/.ops; mv /run/noted/.ops /run/noted/ops";
    let resume = Argv::new("sh", ["-c", script, "sh"].into_iter().chain(AWKWARD));
    pause_then_reload(&host, &as_ops(&host), &[resumed_by("ops", resume)]).await;
    assert_eq!(noted(&host, "ops").await, format!("ops\n{}", told(&AWKWARD)));
}

#[tokio::test]
async fn an_armed_resume_runs_as_it_would_by_hand_whatever_it_holds() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    let resume = Argv::new(
        "sh",
        [
            "-c",
            "x=two; printf '%s|' \"$x\" ${x}s $$x %n %%n 'a \"b\" $x' \"it's\" '\\t' \"$@\" | sed 's/[0-9][0-9]*x/PIDx/' > /run/$1.new; mv /run/$1.new /run/$1",
            "sh",
            "fired",
            "$x",
            "${x}",
            "%n",
            "it's \"so\"",
            "",
        ],
    );
    let spec = resumed_by("odd", resume.clone());
    let limits = RunLimits {
        timeout: Span::from_secs(30),
        max_output: 10_000,
    };
    assert!(runner.run(&resume, limits).await.unwrap().ok());
    let by_hand = host.sh("cat /run/fired; rm /run/fired");
    assert!(by_hand.starts_with("two|twos|PIDx|%n|%%n|"), "{by_hand}");
    pause_then_reload(&host, &runner, &[spec]).await;
    until("it fires", async || {
        host.run(&["test", "-e", "/run/fired"]).status.success()
    })
    .await;
    assert_eq!(host.sh("cat /run/fired"), by_hand);
}
