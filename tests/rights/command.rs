//! `mailtop config sudoers` where there is no host to ask, and the page that shows what it prints.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use mailtop::config::around::Around;
use mailtop::config::load_in;
use mailtop::jobs::rights::{There, fragment, there};
use mailtop::reach::Runner;

use super::place::Done;

/// The program in a home of its own, with this config, where ssh gets nowhere.
fn mailtop(toml: &str, args: &[&str]) -> Done {
    let home = tempfile::Builder::new().prefix("mt").tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = home.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    };
    let ssh = write("ssh", "Host *\n  HostName 127.0.0.1\n  Port 1\n");
    let head = format!("[defaults]\nssh_config = '{}'\ntimeout = '5s'\n", ssh.display());
    let config = write("config.toml", &format!("{head}{toml}"));
    let out = Command::new(env!("CARGO_BIN_EXE_mailtop"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .args(["config", "sudoers"])
        .args(args)
        .arg("-c")
        .arg(config)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Done {
        status: out.status.code(),
        out: String::from_utf8(out.stdout).unwrap(),
        err: String::from_utf8(out.stderr).unwrap(),
    }
}

const ONE: &str = "[[server]]\nname = 'mx1'\nreach = 'ssh:mx1'\n[[server.job]]\nname = 'a'\nkind = 'systemd'\nunit = 'a.service'\nsudo = true\n\
                   [[server.job]]\nname = 'own'\nkind = 'command'\nstatus = ['s']\npause = ['p']\nresume = ['r']\n";

#[test]
fn a_server_that_cannot_be_asked_gets_debians_places_and_the_word_that_it_did() {
    let done = mailtop(ONE, &["mx1", "--user", "ops"]);
    assert_eq!((done.status, &*done.err), (Some(0), ""), "{done:?}");
    assert!(
        done.out.contains("# The server could not be asked (") && done.out.contains("Debian's usual ones"),
        "{}",
        done.out
    );
    assert!(
        done.out
            .contains("\nops ALL=(root) NOPASSWD: NOSETENV: /usr/bin/systemctl freeze a.service\n"),
        "{}",
        done.out
    );
    // Whom a command of the login's own would run as is not known, and is not left open.
    assert!(
        !done.out.contains("job\\.own") && done.out.contains("the number of the login there is not known"),
        "{}",
        done.out
    );
    // Every line is a comment, a rule, or empty: whatever ssh had to say.
    assert!(
        done.out
            .lines()
            .all(|l| l.is_empty() || l.starts_with("# ") || l.starts_with("ops ALL=(root) NOPASSWD: ")),
        "{}",
        done.out
    );
    let done = mailtop(ONE, &["mx1"]);
    assert_eq!((done.status, &*done.out), (Some(3), ""), "{done:?}");
    assert!(done.err.contains("--user LOGIN"), "{done:?}");
    let done = mailtop(ONE, &["mx1", "--check"]);
    assert_eq!((done.status, &*done.out), (Some(4), ""), "{done:?}");
}

#[test]
fn what_is_no_server_or_no_login_is_said_and_a_server_without_need_too() {
    let done = mailtop(ONE, &["mx9"]);
    assert_eq!(done.status, Some(3));
    assert!(done.err.contains("no server mx9; there are: mx1"), "{done:?}");
    for bad in ["ALL", "a b", "%wheel", "ops ALL=(ALL) ALL"] {
        let done = mailtop(ONE, &["mx1", "--user", bad]);
        assert_eq!((done.status, &*done.out), (Some(3), ""), "{done:?}");
    }
    let none = ONE.replace("sudo = true\n", "").replace(
        "kind = 'command'\nstatus = ['s']\npause = ['p']\nresume = ['r']",
        "kind = 'systemd'\nunit = 'b.service'",
    );
    let done = mailtop(&none, &["mx1", "--user", "ops"]);
    assert_eq!((done.status, &*done.out), (Some(0), ""), "{done:?}");
    assert!(done.err.contains("no job on mx1 needs sudo"), "{done:?}");
}

#[test]
fn a_sudo_without_expressions_gets_no_rules() {
    // A sudo of a name of its own, first in the path; the host is this one.
    let bin = tempfile::tempdir().unwrap();
    let fake = bin.path().join("sudo");
    fs::write(&fake, "#!/bin/sh\necho Sudo version 1.8.31p2\n").unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    fs::write(&config, ONE.replace("ssh:mx1", "local")).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    let out = Command::new(env!("CARGO_BIN_EXE_mailtop"))
        .env_clear()
        .env("PATH", path)
        .env("HOME", home.path())
        .args(["config", "sudoers", "mx1", "--user", "nobody", "-c"])
        .arg(&config)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(3) && out.stdout.is_empty(), "{out:?}");
    assert!(said.contains("1.8.31p2") && said.contains("1.9.10"), "{said}");
}

#[tokio::test]
async fn a_login_that_is_not_there_is_no_login() {
    let missed = there(
        &[],
        Some("no-such-login"),
        &Runner::local(),
        mailtop::domain::Span::from_secs(60),
    )
    .await
    .unwrap_err();
    assert!(missed.why.contains("no-such-login") && missed.fix.is_some(), "{missed}");
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/least-privilege.md");
    let page = fs::read_to_string(page).unwrap();
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    fs::write(&file, block("toml")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let server = load_in(&file, &Around::here()).unwrap().config.servers.remove(0);
    let host = There {
        login: Some("ops".into()),
        uid: Some(1001),
        sudo: mailtop::jobs::rights::SudoVersion::of("Sudo version 1.9.13p3"),
        ..There::usual()
    };
    let printed = fragment(&server.name, "ops", &server.jobs, &host, Ok(()));
    assert!(
        printed == block("sudoers"),
        "docs/least-privilege.md is to show this:\n{printed}"
    );
}
