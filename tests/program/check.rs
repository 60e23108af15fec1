//! `mailtop check` against a real Dovecot: every way in which it breaks, in every format, by options and by config.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::home::{Done, Home};
use super::lab::certs::Certificate;
use super::lab::dovecot::{Dovecot, Options, PASSWORD, USER};

const PHASES: [&str; 7] = ["name", "tcp", "tls", "greeting", "login", "examine", "fetch"];

/// A Dovecot, and a home that knows its password and its CA.
pub struct Lab {
    dovecot: Dovecot,
    pub home: Home,
    pub url: String,
    pub ca: String,
    pub password: String,
}

impl Lab {
    pub fn new(certificate: Certificate) -> Option<Self> {
        let dovecot = Dovecot::start(&Options {
            certificate,
            ..Options::default()
        })?;
        let home = Home::new();
        Some(Self {
            url: format!("imaps://{USER}@127.0.0.1:{}", dovecot.imaps),
            ca: dovecot.path("ca.pem").display().to_string(),
            password: home.write("password", format!("{PASSWORD}\n")).display().to_string(),
            dovecot,
            home,
        })
    }
    /// `mailtop check` of its door, and more arguments.
    fn check(&self, more: &[&str]) -> Done {
        let usual = ["check", &*self.url, "--ca-file", &*self.ca];
        self.home.run(&[&usual[..], more].concat())
    }
    /// The same with its password, in JSON: the exit status, and the one door.
    fn door(&self, more: &[&str]) -> (Option<i32>, Value) {
        let usual = ["--password-file", &*self.password, "--format", "json"];
        let done = self.check(&[&usual[..], more].concat());
        let report = done.json();
        let door = report["servers"][0]["imap"][0].clone();
        assert_eq!(report["verdict"], door["verdict"], "{report:#}");
        (done.code, door)
    }
}

fn words<'a>(door: &'a Value, member: &str) -> Vec<&'a str> {
    let phases = door["phases"].as_array().unwrap();
    phases.iter().map(|p| p[member].as_str().unwrap()).collect()
}

/// Fails unless the door failed so: verdict, layer, the phase where it showed, and all phases before that held and were timed.
fn failed(door: &Value, verdict: &str, layer: &str, phase: &str) {
    assert_eq!(
        (
            &door["verdict"],
            &door["layer"],
            &door["failure"]["layer"],
            &door["failure"]["phase"]
        ),
        (&json!(verdict), &json!(layer), &json!(layer), &json!(phase)),
        "{door:#}"
    );
    assert!(!door["failure"]["text"].as_str().unwrap().is_empty());
    let phases = door["phases"].as_array().unwrap();
    let (last, before) = phases.split_last().unwrap();
    assert_eq!((&last["name"], &last["ok"]), (&json!(phase), &json!(false)), "{door:#}");
    assert!(before.iter().all(|p| p["ok"] == true), "{door:#}");
    assert_eq!(
        before.last().map_or(Value::Null, |p| p["name"].clone()),
        door["proved"],
        "{door:#}"
    );
}

#[test]
fn a_healthy_server_is_ok_with_every_phase_timed_in_every_format() {
    let Some(lab) = Lab::new(Certificate::Good) else { return };
    let (code, door) = lab.door(&[]);
    assert_eq!((code, &door["verdict"]), (Some(0), &json!("ok")), "{door:#}");
    assert_eq!(door["proved"], "fetch");
    assert_eq!((&door["layer"], &door["failure"]), (&Value::Null, &Value::Null));
    assert_eq!(door["tls"], json!({"version": "TLSv1.3", "days_left": 30}));
    assert_eq!(words(&door, "name"), PHASES);
    for phase in door["phases"].as_array().unwrap() {
        assert_eq!(phase["ok"], true);
        // An address needs no look-up; everything else goes over a socket.
        let ms = phase["ms"].as_f64().unwrap();
        assert!(ms > 0.0 || phase["name"] == "name", "{door:#}");
    }

    let text = lab.check(&["--password-file", &lab.password]).exits(0);
    let at = format!("{}  ok\n", lab.url);
    assert!(
        text.out.contains(&at) && text.err.is_empty(),
        "{}{}",
        text.out,
        text.err
    );
    assert!(
        PHASES.iter().all(|p| text.out.contains(&format!("{p} "))),
        "{}",
        text.out
    );

    let line = lab
        .check(&["--password-file", &lab.password, "--format", "nagios"])
        .exits(0)
        .out;
    let (said, perf) = line.trim_end().split_once('|').unwrap();
    assert_eq!((said, line.lines().count()), ("MAILTOP OK - 1 ok", 1));
    let labels: Vec<&str> = perf.split("ms").filter_map(|p| p.split('\'').nth(1)).collect();
    let expected: Vec<String> = PHASES.iter().map(|p| format!("127.0.0.1 imap {p}")).collect();
    assert_eq!(labels, expected, "{line}");
}

#[test]
fn without_a_user_it_is_ok_as_far_as_the_greeting_and_says_no_more() {
    let Some(lab) = Lab::new(Certificate::Good) else { return };
    let url = format!("imaps://127.0.0.1:{}", lab.dovecot.imaps);
    let report = lab
        .home
        .run(&["check", &url, "--ca-file", &lab.ca, "--format", "json"])
        .exits(0)
        .json();
    let door = &report["servers"][0]["imap"][0];
    assert_eq!((&door["verdict"], &door["proved"]), (&json!("ok"), &json!("greeting")));
    assert_eq!(words(door, "name"), PHASES[..4]);
    let text = lab.home.run(&["check", &url, "--ca-file", &lab.ca]).exits(0).out;
    let ends = |l: &str| l.ends_with("ok as far as the greeting");
    assert!(
        text.contains(&url) && text.lines().filter(|l| ends(l)).count() == 3,
        "{text}"
    );
    // Nagios has one line, and nobody who reads it may take this for a login that works.
    let line = lab
        .home
        .run(&["check", &url, "--ca-file", &lab.ca, "--format", "nagios"])
        .exits(0)
        .out;
    assert!(line.starts_with("MAILTOP OK - 1 ok as far as the greeting|"), "{line}");
}

#[test]
fn a_wrong_password_is_the_credential_and_a_warning() {
    let Some(lab) = Lab::new(Certificate::Good) else { return };
    lab.home.write("password", "wrong\n");
    let (code, door) = lab.door(&[]);
    failed(&door, "warn", "credential", "login");
    assert_eq!(
        (code, &door["failure"]["code"]),
        (Some(1), &json!("AUTHENTICATIONFAILED"))
    );
    let line = lab
        .check(&["--password-file", &lab.password, "--format", "nagios"])
        .exits(1)
        .out;
    assert!(
        line.starts_with(
            "MAILTOP WARNING - 127.0.0.1 warn: imap credential AUTHENTICATIONFAILED; 0 ok|'127.0.0.1 imap name'="
        ),
        "{line}"
    );
    assert!(
        !line.contains("imap login"),
        "a phase that failed has no time to compare: {line}"
    );
}

#[test]
fn mail_that_cannot_be_read_is_the_store_and_down() {
    let Some(lab) = Lab::new(Certificate::Good) else { return };
    lab.dovecot.lock_mail();
    let (code, door) = lab.door(&[]);
    failed(&door, "down", "store", "examine");
    assert_eq!((code, &door["failure"]["code"]), (Some(2), &json!("SERVERBUG")));
    assert!(
        door["failure"]["text"]
            .as_str()
            .unwrap()
            .starts_with("Internal error occurred.")
    );
    let text = lab.check(&["--password-file", &lab.password]).exits(2).out;
    assert!(
        text.contains("down at store") && text.contains("examine: [SERVERBUG] Internal error"),
        "{text}"
    );
    let line = lab
        .check(&["--password-file", &lab.password, "--format", "nagios"])
        .exits(2)
        .out;
    assert!(
        line.starts_with("MAILTOP CRITICAL - 127.0.0.1 down: imap store SERVERBUG; 0 ok|"),
        "{line}"
    );
}

#[test]
fn an_auth_socket_that_is_gone_is_auth_and_down() {
    let Some(lab) = Lab::new(Certificate::Good) else { return };
    lab.dovecot.remove_auth_socket();
    let (code, door) = lab.door(&[]);
    failed(&door, "down", "auth", "greeting");
    assert_eq!(code, Some(2));
}

#[test]
fn a_server_that_stops_or_freezes_is_down_at_the_network_or_the_front_end_within_the_time_out() {
    let Some(mut lab) = Lab::new(Certificate::Good) else {
        return;
    };
    lab.dovecot.freeze();
    let (code, door) = lab.door(&["--timeout", "700ms"]);
    failed(&door, "down", "front-end", "tls");
    let took = door["phases"].as_array().unwrap().last().unwrap()["ms"]
        .as_f64()
        .unwrap();
    assert_eq!((code, &door["tls"]), (Some(2), &Value::Null), "{door:#}");
    // It gave up by the time-out that was given, and not by the usual one of five seconds.
    assert!((700.0..5_000.0).contains(&took), "{took}");
    lab.dovecot.stop();
    let (code, door) = lab.door(&[]);
    failed(&door, "down", "network", "tcp");
    assert_eq!(
        (code, &door["tls"], &door["proved"]),
        (Some(2), &Value::Null, &json!("name"))
    );
}

#[test]
fn a_certificate_is_down_when_it_has_expired_and_a_warning_before() {
    let Some(lab) = Lab::new(Certificate::Expired) else {
        return;
    };
    let (code, door) = lab.door(&[]);
    failed(&door, "down", "tls", "tls");
    assert_eq!(code, Some(2));
    assert!(
        door["failure"]["text"].as_str().unwrap().contains("expired"),
        "{door:#}"
    );
    let Some(lab) = Lab::new(Certificate::EndsSoon) else {
        return;
    };
    let (code, door) = lab.door(&[]);
    assert_eq!(
        (code, &door["verdict"], &door["failure"]),
        (Some(1), &json!("warn"), &Value::Null)
    );
    assert_eq!(
        (&door["proved"], &door["tls"]["days_left"]),
        (&json!("fetch"), &json!(3))
    );
    let line = lab
        .check(&["--password-file", &lab.password, "--format", "nagios"])
        .exits(1)
        .out;
    assert!(
        line.starts_with("MAILTOP WARNING - 127.0.0.1 warn: imap certificate ends in 3 days; 0 ok|"),
        "{line}"
    );
}

#[test]
fn the_same_by_a_config_with_the_password_from_a_file_the_environment_or_a_command() {
    let Some(lab) = Lab::new(Certificate::Good) else { return };
    let (imaps, imap) = (lab.dovecot.imaps, lab.dovecot.imap);
    lab.home.write("ca.pem", std::fs::read(&lab.ca).unwrap());
    let sources = [
        ("file", "password_file = \"../../password\"".to_owned()),
        ("env", "password_env = \"PROBE_PASSWORD\"".to_owned()),
        (
            "command",
            format!("password_command = [\"head\", \"-n1\", \"{}\"]", lab.password),
        ),
        ("plain", format!("password = \"{PASSWORD}\"")),
    ];
    let mut config = vec!["[[server]]\nname = \"mbox1\"\n".to_owned()];
    config.extend(sources.iter().map(|(name, source)| {
        format!(
            "[[server.imap]]\nname = \"{name}\"\nurl = \"imaps://127.0.0.1:{imaps}\"\nuser = \"{USER}\"\n\
             ca_file = \"../../ca.pem\"\n{source}\n"
        )
    }));
    config.push(format!(
        "[[server.imap]]\nname = \"starttls\"\nurl = \"imap://{USER}@127.0.0.1:{imap}\"\nca_file = \"{}\"\n\
         password_env = \"PROBE_PASSWORD\"\n",
        lab.ca
    ));
    let config = config.concat();
    lab.home.configure(&config);
    let check = |args: &[&str]| {
        let mut command = lab.home.command(args);
        Done::from(command.env("PROBE_PASSWORD", PASSWORD).output().unwrap())
    };
    let report = check(&["check", "--format", "json"]).exits(0).json();
    let doors = report["servers"][0]["imap"].as_array().unwrap();
    assert_eq!((doors.len(), &report["servers"][0]["name"]), (5, &json!("mbox1")));
    assert!(
        doors.iter().all(|d| d["proved"] == "fetch" && d["verdict"] == "ok"),
        "{report:#}"
    );

    // The same file under another name, before and after the command's own.
    let other = lab.home.write("etc/fleet.toml", config.replace("../../", "../"));
    std::fs::remove_file(lab.home.config()).unwrap();
    let other = other.to_str().unwrap();
    for args in [
        ["--config", other, "check", "--format", "json"],
        ["check", "--format", "json", "--config", other],
    ] {
        assert_eq!(check(&args).exits(0).json()["verdict"], "ok");
    }
    // A secret that is not there is a mistake in the config, with its line, before anything is probed.
    let done = lab.home.run(&["check", "--config", other]).exits(3);
    assert!(
        done.err.contains("fleet.toml:14:") && done.err.contains("PROBE_PASSWORD is not set"),
        "{}",
        done.err
    );
    assert!(done.out.is_empty());
    // A plain password is for a file that nobody else may read.
    std::fs::set_permissions(other, std::fs::Permissions::from_mode(0o644)).unwrap();
    let done = check(&["check", "--config", other]).exits(3);
    assert!(
        done.err.contains("server[0].imap[3].password") && done.err.contains("chmod 600"),
        "{}",
        done.err
    );
}

#[test]
fn a_wrong_use_is_status_3_with_a_word_on_standard_error_only() {
    let home = Home::new();
    let wrong: [&[&str]; 7] = [
        &["check", "imap.example.test"],
        &["check", "gopher://x.test"],
        &["check", "imaps://u1@127.0.0.1:1"],
        &["check", "imaps://127.0.0.1:1", "--format", "xml"],
        &["check", "imaps://127.0.0.1:1", "--no-such-option"],
        &["check", "--config", "/nonexistent/config.toml"],
        &["no-such-command"],
    ];
    for args in wrong {
        let done = home.run(args);
        assert_eq!(done.code, Some(3), "{args:?}: {}{}", done.out, done.err);
        assert!(done.out.is_empty() && !done.err.is_empty(), "{args:?}: {}", done.out);
    }
    for args in [&["--help"][..], &["check", "--help"], &["--version"]] {
        let done = home.run(args).exits(0);
        assert!(!done.out.is_empty() && done.err.is_empty(), "{args:?}");
    }
    // Nothing was written that nobody asked for.
    assert!(!home.journal().exists());
}

#[test]
fn options_that_hold_for_every_command_stand_before_or_after_its_name() {
    let home = Home::new();
    home.configure("[[server]]\nname = \"none\"\n[[server.imap]]\nurl = \"imaps://127.0.0.1:1\"\n");
    let options = [
        &["--read-only"][..],
        &["--slow"],
        &["--ascii"],
        &["-v"],
        &["-vv"],
        &["--journal", "j.db"],
        &["--config", ".config/mailtop/config.toml"],
    ];
    for option in options {
        for args in [[option, &["check"]].concat(), [&["check"], option].concat()] {
            let done = home.run(&args).exits(2);
            assert!(done.out.contains("down at network"), "{args:?}: {}", done.out);
        }
    }
}
