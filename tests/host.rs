//! Commands over ssh on a whole host, and what happens when the way there, or the host, misbehaves.

#![allow(clippy::unwrap_used)] // Not every function of a test program is a test.

mod lab;

use std::time::{Duration, Instant};

use futures::future::join_all;
use lab::host::{Host, boot_or_leave_out};
use mailtop::domain::Span;
use mailtop::domain::argv::Argv;
use mailtop::domain::door::{Door, Envelope, Mechanism, Place, Role, Security, Speaks};
use mailtop::domain::health::{Layer, Phase};
use mailtop::domain::reading::{Miss, Missed};
use mailtop::probe::Prober;
use mailtop::reach::{Output, RunLimits, Runner, SshTarget};

/// Longer than anything takes that is meant to work, on a machine that is busy.
const LONG: Span = Span::from_secs(60);

fn within(timeout: Span) -> RunLimits {
    RunLimits {
        timeout,
        max_output: 10_000,
    }
}

fn sh(script: &str) -> Argv {
    Argv::new("sh", ["-c", script])
}

async fn run(runner: &Runner, script: &str) -> Result<Output, Missed> {
    runner.run(&sh(script), within(LONG)).await
}

/// Looks until it is so; the test fails when it never is.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn runs(host: &Host, pattern: &str) -> bool {
    host.run(&["pgrep", "-f", pattern]).status.success()
}

#[tokio::test]
async fn commands_share_one_connection_and_their_ends_are_told_apart() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    let all = join_all((0..20).map(|n| {
        let runner = runner.clone();
        async move { run(&runner, &format!("echo {n}; exit {n}")).await.unwrap() }
    }))
    .await;
    for (n, out) in all.iter().enumerate() {
        assert_eq!(out.status, Some(i32::try_from(n).unwrap()));
        assert_eq!(out.stdout, format!("{n}\n").as_bytes());
    }
    let connections = host.sh("ss -Htn state established '( sport = :22 )' | wc -l");
    assert_eq!(connections.trim(), "1");

    // 255 is what ssh ends with when it fails itself.
    assert_eq!(run(&runner, "exit 255").await.unwrap().status, Some(255));
    let argv = Argv::new("printf", ["%s|", "it's", "", "$(reboot)", "a\nb", "*"]);
    let out = runner.run(&argv, within(LONG)).await.unwrap();
    assert_eq!(out.stdout, b"it's||$(reboot)|a\nb|*|");
    let missed = runner
        .run(&Argv::new("mailtop-no-such", ["-x"]), within(LONG))
        .await
        .unwrap_err();
    assert_eq!((missed.kind, missed.fix.is_some()), (Miss::NotFound, true), "{missed}");
    let missed = runner
        .run(&Argv::new("/etc/passwd", ["-x"]), within(LONG))
        .await
        .unwrap_err();
    assert_eq!((missed.kind, missed.fix.is_some()), (Miss::Denied, true), "{missed}");
    // The mail system's tools are found although the login's path does not hold them.
    let out = run(&runner, "command -v postqueue; echo $LC_ALL").await.unwrap();
    assert_eq!(out.stdout, b"/usr/sbin/postqueue\nC\n");

    runner.close().await;
    assert_eq!(run(&runner, "echo again").await.unwrap().stdout, b"again\n");
    let kept = host.target().control_dir;
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 1);
    drop(runner);
    until("the last user closes the connection", async || {
        std::fs::read_dir(&kept).unwrap().count() == 0
            && host.sh("ss -Htn state established '( sport = :22 )' | wc -l").trim() == "0"
    })
    .await;
}

#[tokio::test]
async fn hostile_output_is_bounded_and_a_stream_is_whole() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    let out = run(&runner, "head -c 100000000 /dev/zero | tr '\\0' '\\033'")
        .await
        .unwrap();
    assert_eq!((out.stdout.len(), out.cut), (10_000, true));
    // By ssh as well: what is left behind holds the pipe, and the exit status is told all the same.
    let out = run(&runner, "sleep 4601 & echo left; exit 3").await.unwrap();
    assert_eq!(
        (out.status, out.stdout.as_slice(), out.unfinished),
        (Some(3), &b"left\n"[..], true)
    );
    assert!(host.run(&["pkill", "-f", "^sleep 4601"]).status.success());
    // The status overtakes the output.
    let late = "(sleep 0.4; echo late) & exit 5";
    let out = run(&runner, late).await.unwrap();
    assert_eq!(
        (out.status, out.stdout.as_slice(), out.unfinished),
        (Some(5), &b"late\n"[..], false)
    );
    let mut bytes = 0;
    let out = runner
        .stream(
            &sh("head -c 30000000 /dev/zero; echo end >&2; exit 4"),
            within(LONG),
            |c| {
                bytes += c.len();
            },
        )
        .await
        .unwrap();
    assert_eq!(
        (bytes, out.status, out.cut, out.unfinished),
        (30_000_000, Some(4), false, false)
    );
    assert_eq!(out.stderr, b"end\n");
    let missed = runner
        .run(&Argv::new("\x1b[2Jno-such", ["x"]), within(LONG))
        .await
        .unwrap_err();
    assert!(!missed.to_string().chars().any(char::is_control), "{missed:?}");
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_there_too_even_with_the_cable_out() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    for (bound, prepare) in [("4201", ":"), ("4202", "mv /usr/bin/timeout /usr/bin/timeout.off")] {
        host.sh(prepare);
        let runner = host.runner();
        runner.open(LONG).await.unwrap();
        let script = format!("sleep {bound}");
        let argv = Argv::new("sleep", [bound]);
        let missed = runner.run(&argv, within(Span::from_secs(1))).await.unwrap_err();
        assert_eq!(missed.kind, Miss::TimedOut, "{missed}");
        until("it is ended there", async || !runs(&host, &script)).await;

        let running = runner.run(&argv, within(Span::from_secs(4)));
        let cut = async {
            until("it runs there", async || runs(&host, &script)).await;
            host.cut();
        };
        let (missed, ()) = tokio::join!(running, cut);
        assert!(matches!(missed.unwrap_err().kind, Miss::TimedOut | Miss::Unreachable));
        until("it is ended there by itself", async || !runs(&host, &script)).await;
        host.heal();
    }
}

#[tokio::test]
async fn a_cut_network_is_a_miss_in_time_and_heals_by_itself() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let mut target = host.target();
    target.connect_timeout = Span::from_secs(3);
    let runner = Runner::ssh(target);
    // The first connection may take longer than that on a busy machine; then it is simply tried again.
    until("a connection", async || run(&runner, "true").await.is_ok()).await;
    host.cut();
    for _ in 0..2 {
        let limits = within(Span::from_secs(5));
        let missed = runner.run(&sh("true"), limits).await.unwrap_err();
        assert!(matches!(missed.kind, Miss::TimedOut | Miss::Unreachable), "{missed}");
    }
    host.heal();
    until("it recovers by itself", async || run(&runner, "true").await.is_ok()).await;

    host.kill_sshd();
    until(
        "the loss of sshd is seen",
        async || matches!(run(&runner, "true").await, Err(m) if m.kind == Miss::Unreachable),
    )
    .await;
    let missed = run(&runner, "true").await.unwrap_err();
    assert!(missed.why.contains("refused") && missed.fix.is_some(), "{missed}");
    host.start_sshd();
    until("it recovers by itself", async || run(&runner, "true").await.is_ok()).await;
}

#[tokio::test]
async fn each_way_of_not_getting_in_is_named_and_no_key_is_added_silently() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let config = std::fs::read_to_string(host.ssh_config()).unwrap();
    let dir = host.dir();
    let variant = |name: &str, change: &dyn Fn(&str) -> String| {
        let file = dir.join(name);
        std::fs::write(&file, change(&config)).unwrap();
        Runner::ssh(SshTarget {
            config_file: Some(file),
            ..host.target()
        })
    };
    let known = dir.join("known_hosts");
    let empty = dir.join("nobody");
    std::fs::write(&empty, "").unwrap();
    let unknown = variant("c-unknown", &|c| {
        c.replace(&*known.to_string_lossy(), &empty.to_string_lossy()) + "  StrictHostKeyChecking accept-new\n"
    });
    let missed = unknown.open(LONG).await.unwrap_err();
    assert_eq!(missed.kind, Miss::Denied, "{missed}");
    assert!(
        missed.fix.as_ref().unwrap().contains("c-unknown mx1` once by hand"),
        "{missed}"
    );
    assert_eq!(std::fs::read_to_string(&empty).unwrap(), "", "a key was added");

    let other = dir.join("other_key");
    lab_keygen(&other);
    let key = std::fs::read_to_string(other.with_extension("pub")).unwrap();
    std::fs::write(dir.join("changed"), format!("{} {key}", host.ip())).unwrap();
    let changed = variant("c-changed", &|c| {
        c.replace(&*known.to_string_lossy(), &dir.join("changed").to_string_lossy())
    });
    let missed = changed.open(LONG).await.unwrap_err();
    assert_eq!(missed.kind, Miss::Denied);
    assert!(missed.why.contains("not the one on file"), "{missed}");

    let wrong_key = variant("c-key", &|c| c.replace("/key\n", "/other_key\n"));
    let missed = wrong_key.open(LONG).await.unwrap_err();
    assert_eq!(missed.kind, Miss::Denied);
    assert!(
        missed.why.contains("publickey") && missed.fix.as_ref().unwrap().contains("ssh-add"),
        "{missed}"
    );

    let port = variant("c-port", &|c| c.to_owned() + "  Port 9\n");
    let missed = port.open(LONG).await.unwrap_err();
    assert_eq!(missed.kind, Miss::Unreachable);
    assert!(missed.why.contains("refused"), "{missed}");

    let name = variant("c-name", &|c| c.replace(&host.ip().to_string(), "no-such-host.invalid"));
    let missed = name.open(LONG).await.unwrap_err();
    assert_eq!(missed.kind, Miss::Unreachable);
    assert!(missed.why.contains("resolve"), "{missed}");

    let config = variant("c-bad", &|c| c.to_owned() + "  Hostnam x\n");
    let missed = config.open(LONG).await.unwrap_err();
    assert_eq!(missed.kind, Miss::BadAnswer);
    assert!(missed.why.contains("c-bad"), "{missed}");
    assert!(missed.fix.is_some());

    // What a user's config may hold and what must not bother us.
    let busy = variant("c-busy", &|c| {
        c.to_owned()
            + "  RemoteCommand tmux attach\n  RequestTTY force\n  LocalForward 1 127.0.0.1:1\n  LogLevel QUIET\n  ControlPath none\n"
    });
    assert_eq!(run(&busy, "echo in").await.unwrap().stdout, b"in\n");

    let deep = Runner::ssh(SshTarget {
        control_dir: dir.join("d".repeat(80)),
        ..host.target()
    });
    let missed = deep.open(LONG).await.unwrap_err();
    assert!(
        missed.why.contains("bytes") && missed.fix.as_ref().unwrap().contains("XDG_RUNTIME_DIR"),
        "{missed}"
    );
    let option = Runner::ssh(SshTarget {
        destination: "-oProxyCommand=touch /tmp/x".into(),
        ..host.target()
    });
    assert_eq!(option.open(LONG).await.unwrap_err().kind, Miss::BadAnswer);
}

#[tokio::test]
async fn a_jump_host_of_the_config_is_used_and_never_asks_on_the_terminal() {
    let Some(jump) = boot_or_leave_out("mx1") else { return };
    let host = Host::boot("mbox1");
    let read = |h: &Host| std::fs::read_to_string(h.ssh_config()).unwrap();
    let file = host.dir().join("both");
    std::fs::write(&file, read(&jump) + &read(&host) + "  ProxyJump mx1\n").unwrap();
    let target = SshTarget {
        config_file: Some(file.clone()),
        ..host.target()
    };
    let runner = Runner::ssh(target.clone());
    let out = run(&runner, "echo ${SSH_CONNECTION%% *}; hostname").await.unwrap();
    assert_eq!(out.stdout, format!("{}\nmbox1\n", jump.ip()).as_bytes());

    let known = jump.dir().join("known_hosts");
    let unknown = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, unknown.replace(&*known.to_string_lossy(), "/dev/null")).unwrap();
    let missed = Runner::ssh(target).open(LONG).await.unwrap_err();
    assert_eq!(missed.kind, Miss::Unreachable);
    assert!(missed.why.contains("jump host") && missed.fix.is_some(), "{missed}");
}

#[tokio::test]
async fn a_server_that_allows_one_session_says_so_and_keeps_its_connection() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    host.write("/etc/ssh/sshd_config.d/one.conf", "MaxSessions 1\n", 0o644);
    host.sh("systemctl restart ssh");
    let runner = host.runner();
    until("sshd is back", async || run(&runner, "true").await.is_ok()).await;
    let sleep = Argv::new("sleep", ["4401"]);
    let long = runner.run(&sleep, within(LONG));
    let more = async {
        until("it runs there", async || runs(&host, "sleep 4401")).await;
        let missed = run(&runner, "true").await.unwrap_err();
        assert_eq!(missed.kind, Miss::Denied);
        assert!(missed.fix.as_ref().unwrap().contains("MaxSessions"), "{missed}");
        host.run(&["pkill", "-f", "^sleep 4401"]);
    };
    let (ended, ()) = tokio::join!(long, more);
    // A signal ended it, and that is not taken for a lost connection.
    assert_eq!(ended.unwrap().status, None);
    assert!(run(&runner, "true").await.unwrap().ok());
}

#[tokio::test]
async fn a_slow_command_does_not_cost_the_connection() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    let who = "echo $SSH_CONNECTION";
    let before = run(&runner, who).await.unwrap().stdout;
    let slow = Argv::new("sleep", ["4501"]);
    let missed = runner.run(&slow, within(Span::from_secs(1))).await.unwrap_err();
    assert_eq!(missed.kind, Miss::TimedOut);
    until("it is ended there", async || !runs(&host, "sleep 4501")).await;
    assert_eq!(run(&runner, who).await.unwrap().stdout, before);
}

#[tokio::test]
async fn a_folder_for_sockets_that_others_may_enter_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("c");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    let runner = Runner::ssh(SshTarget {
        destination: "mx1".into(),
        config_file: None,
        control_dir: open,
        connect_timeout: LONG,
    });
    let missed = runner.open(LONG).await.unwrap_err();
    assert_eq!(missed.kind, Miss::Denied);
    assert!(missed.fix.as_ref().unwrap().contains("chmod 700"), "{missed}");
}

fn lab_keygen(file: &std::path::Path) {
    let done = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(file)
        .status();
    assert!(done.unwrap().success());
}

#[tokio::test]
async fn a_socket_on_a_host_is_reached_over_the_connection_that_ssh_has() {
    let Some(host) = boot_or_leave_out("mbox1") else { return };
    let runner = host.runner();
    let door = Door {
        name: "lmtp".into(),
        speaks: Speaks::Lmtp(Envelope {
            to: Some("ops".to_owned()),
            ..Envelope::default()
        }),
        role: Role::Inbound,
        at: Place::Socket("/run/dovecot/lmtp".to_owned()),
        security: Security::Plain,
        user: None,
        mechanism: Mechanism::Password,
        ca_file: None,
        timeout: LONG,
    };
    let prober = Prober::new();
    let probe = async || {
        prober
            .probe(&door, None, Some(&runner), mailtop::domain::Timestamp::now())
            .await
    };
    for _ in 0..3 {
        let report = probe().await;
        assert_eq!((report.failure, report.proved), (None, Some(Phase::Rcpt)));
        assert_eq!(report.phases[0].phase, Phase::Socket);
    }
    let connections = host.sh("ss -Htn state established '( sport = :22 )' | wc -l");
    assert_eq!(connections.trim(), "1");

    // Nobody serves it: ssh takes the connection here and finds that out there.
    host.sh("systemctl stop dovecot.service dovecot.socket; rm -f /run/dovecot/lmtp");
    let gone = probe().await.failure.unwrap();
    assert_eq!(gone.phase, Phase::Greeting, "{gone:?}");
    assert!(matches!(gone.layer, Layer::Network | Layer::FrontEnd), "{gone:?}");
    host.cut();
    let cut = Door {
        timeout: Span::from_secs(2),
        ..door.clone()
    };
    let unreached = prober
        .probe(&cut, None, Some(&runner), mailtop::domain::Timestamp::now())
        .await;
    assert!(unreached.failure.is_some_and(|f| f.phase <= Phase::Greeting));
}
