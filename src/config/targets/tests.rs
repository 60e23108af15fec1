//! Targets in, a config or all mistakes out.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::config::Reach;
use crate::config::around::Env;
use crate::config::discover::tests::{bare, busy};
use crate::domain::dns::{Doors, SERVICES, Srv};
use crate::domain::door::{Security, Speaks};

fn around(env: &[(&str, &str)]) -> Around {
    let env: BTreeMap<_, _> = env.iter().map(|(k, v)| ((*k).to_owned(), v.into())).collect();
    Around {
        home: None,
        env: Env::Map(env),
    }
}

fn read(targets: &[&str], options: &TargetOptions, env: &[(&str, &str)]) -> Result<Targets, Vec<Mistake>> {
    let targets: Vec<String> = targets.iter().map(|t| (*t).to_owned()).collect();
    Targets::read_in(&targets, options, &around(env), busy, |ask| zone(ask.domain))
}

/// What the DNS of these tests has.
fn zone(domain: &str) -> Doors {
    let mx = |host: &str, doors: &mut Doors| doors.inbound(&host.into());
    let srv = |label: &str, host: &str, port: u16, doors: &mut Doors| {
        let service = SERVICES.iter().find(|s| s.label == label).unwrap();
        let record = Srv {
            priority: 0,
            weight: 0,
            port,
            target: host.into(),
        };
        doors.named(service, &[record]);
    };
    let mut doors = Doors::default();
    match domain {
        "one.test" | "xn--bcher-kva.test" => {
            mx("mail.one.test", &mut doors);
            mx("backup.test", &mut doors);
            srv("_submissions._tcp", "mail.one.test", 465, &mut doors);
            srv("_imaps._tcp", "mbox.one.test", 993, &mut doors);
            srv("_imap._tcp", "mbox.one.test", 1143, &mut doors);
        }
        "two.test" => {
            mx("mx.two.test", &mut doors);
            mx("backup.test", &mut doors);
            doors.unanswered.push("no answer".into());
        }
        "null.test" => doors.notes.push("null.test takes no mail (null MX, RFC 7505)".into()),
        _ => {}
    }
    doors
}

/// The servers and the URLs of their doors.
fn doors(targets: &[&str]) -> Vec<String> {
    let read = read(targets, &TargetOptions::default(), &[]).unwrap();
    let shown = |s: &crate::config::Server| {
        let doors = s.doors.iter().map(|d| format!("{}={}", d.door.name, d.door.url()));
        format!("{}: {}", s.name, doors.collect::<Vec<_>>().join(" "))
    };
    read.config.servers.iter().map(shown).collect()
}

#[test]
fn a_domain_becomes_the_hosts_that_its_records_name_with_their_doors() {
    let one = [
        "mail.one.test: smtp=smtp://mail.one.test submission=submissions://mail.one.test",
        "backup.test: smtp=smtp://backup.test",
        "mbox.one.test: imap=imaps://mbox.one.test imap2=imap://mbox.one.test:1143",
    ];
    assert_eq!(doors(&["one.test"]), one);
    assert_eq!(doors(&["ONE.Test."]), one);
    assert_eq!(doors(&["B\u{fc}cher.test"]), one);
}

#[test]
fn a_host_that_two_domains_name_is_one_server_and_what_stands_beside_keeps_a_name_of_its_own() {
    let hosts = ["mail.one.test", "backup.test", "mbox.one.test", "mx.two.test"];
    let both = doors(&["one.test", "two.test"]);
    assert_eq!(
        both.iter().map(|s| s.split(':').next().unwrap()).collect::<Vec<_>>(),
        hosts
    );
    assert_eq!(
        doors(&["imaps://backup.test", "two.test"]),
        [
            "backup.test:993: imap=imaps://backup.test",
            "mx.two.test: smtp=smtp://mx.two.test",
            "backup.test of two.test: smtp=smtp://backup.test"
        ]
    );
    let two = read(&["two.test"], &TargetOptions::default(), &[]).unwrap();
    assert_eq!(two.told().unanswered, [Text::from("no answer")]);
}

#[test]
fn a_domain_without_a_door_says_what_was_asked_and_one_with_a_user_why_not() {
    insta::assert_snapshot!(mistakes(&["null.test", "nx.test"], &TargetOptions::default(), &[]).join("\n"));
    insta::assert_snapshot!(
        mistakes(
            &["probe@one.test", "u:hunter2@one.test", "10.0.0.1", "a..test"],
            &TargetOptions::default(),
            &[]
        )
        .join("\n")
    );
}

#[test]
fn a_resolver_goes_with_names_and_is_an_address() {
    let with = |word: &str| TargetOptions {
        resolver: vec![word.into()],
        ..TargetOptions::default()
    };
    let config = read(&["mx://one.test"], &with("127.0.0.1:5353"), &[]).unwrap().config;
    assert_eq!(config.defaults.resolvers[0].as_str(), "127.0.0.1:5353");
    assert!(
        matches!(&config.servers[0].doors[0].door.speaks, Speaks::Mx { resolvers, .. } if *resolvers == config.defaults.resolvers)
    );
    assert!(mistakes(&["ssh://mx"], &with("10.0.0.1"), &[])[0].contains("--resolver: is asked for the names of doors"));
    assert!(mistakes(&["one.test"], &with("dns.test"), &[])[0].contains("`dns.test` is no address of a DNS server"));
}

fn names(targets: &[&str]) -> Vec<String> {
    let read = read(targets, &TargetOptions::default(), &[]).unwrap();
    read.config.servers.iter().map(|s| s.name.to_string()).collect()
}

fn mistakes(targets: &[&str], options: &TargetOptions, env: &[(&str, &str)]) -> Vec<String> {
    let done = read(targets, options, env).and_then(Targets::finish);
    done.unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn each_kind_of_target_becomes_a_server() {
    let all = ["imap://imap.example.com:10143", "ssh://root@mx1:2222", "localhost"];
    let config = read(&all, &TargetOptions::default(), &[]).unwrap().finish().unwrap();
    let [door, far, here] = config.servers.as_slice() else {
        panic!("{} servers", config.servers.len());
    };
    assert_eq!((door.reach.clone(), door.queues.len()), (Reach::None, 0));
    assert_eq!(door.doors[0].door.url().as_str(), "imap://imap.example.com:10143");
    assert_eq!(door.doors[0].door.security, Security::StartTls);
    assert_eq!(far.reach, Reach::Ssh("ssh://root@mx1:2222".into()));
    assert_eq!(far.queues, [default_queue()]);
    assert_eq!(
        (here.name.as_str(), &here.reach, here.queues.len()),
        ("localhost", &Reach::Local, 2)
    );
}

#[test]
fn names_are_the_host_and_more_only_where_hosts_are_shared() {
    assert_eq!(names(&["imaps://mx", "imaps://mx2"]), ["mx", "mx2"]);
    assert_eq!(names(&["imaps://mx", "imap://mx"]), ["mx:993", "mx:143"]);
    assert_eq!(names(&["imaps://mx", "ssh://mx"]), ["mx:993", "mx"]);
    assert_eq!(
        names(&["imaps://u1@mx", "imaps://u2@mx", "imap://mx"]),
        ["u1@mx:993", "u2@mx:993", "mx:143"]
    );
    assert_eq!(
        names(&["imaps://[::1]", "imaps://[::1]:10993"]),
        ["[::1]:993", "[::1]:10993"]
    );
    assert_eq!(
        names(&["localhost", "imaps://localhost"]),
        ["this-host", "localhost:993"]
    );
}

#[test]
fn options_and_the_usual_variable_give_the_password_and_options_come_first() {
    let known = |t: &Targets| match &t.config.servers[0].doors[0].secret {
        Some(SecretSource::Known(s)) => s.reveal().to_owned(),
        other => format!("{other:?}"),
    };
    let env = [("MAILTOP_PASSWORD", "usual"), ("P", "other")];
    let mut options = TargetOptions::default();
    assert_eq!(known(&read(&["imaps://u@mx"], &options, &env).unwrap()), "usual");
    options.password_env = Some("P".into());
    assert_eq!(known(&read(&["imaps://u@mx"], &options, &env).unwrap()), "other");
    options.password_env = None;
    options.password_command = Some("pass show x | head -1".into());
    assert_eq!(
        known(&read(&["imaps://u@mx"], &options, &env).unwrap()),
        r#"Some(Command(["sh", "-c", "pass show x | head -1"]))"#
    );
}

#[test]
fn a_door_without_a_user_is_given_no_password() {
    let read = read(&["imaps://mx"], &TargetOptions::default(), &[("MAILTOP_PASSWORD", "x")]).unwrap();
    assert!(read.config.servers[0].doors[0].secret.is_none());
    assert!(read.lacking().is_empty());
}

#[test]
fn a_user_without_a_password_can_be_asked_for_it_or_is_a_mistake() {
    let targets = ["imaps://u1@mx", "imaps://u2@mx", "imaps://other"];
    let mut read = read(&targets, &TargetOptions::default(), &[]).unwrap();
    let lacking = read.lacking().to_vec();
    let urls: Vec<_> = lacking.iter().map(|l| l.url.as_str()).collect();
    assert_eq!(urls, ["imaps://u1@mx", "imaps://u2@mx"]);
    read.fill_secret(&lacking[0], Secret::new("one"));
    let left = read.clone().finish().unwrap_err();
    assert_eq!(left.len(), 1);
    assert!(
        left[0]
            .to_string()
            .starts_with("command line: imaps://u2@mx: needs a password — set MAILTOP_PASSWORD")
    );
    read.fill_secret(&lacking[1], Secret::new("two"));
    let config = read.finish().unwrap();
    assert_eq!(
        config.servers[1].doors[0].secret,
        Some(SecretSource::Known(Secret::new("two")))
    );
}

#[test]
fn all_bad_targets_are_named_at_once_with_the_schemes_that_are_known() {
    let bad = [
        "gopher://x",
        "mx1",
        "imaps://",
        "ssh://-oX",
        "imaps://u:hunter2@x",
        "localhost",
        "local",
        "",
    ];
    insta::assert_snapshot!(mistakes(&bad, &TargetOptions::default(), &[]).join("\n"), @r#"
    command line: gopher://x: `gopher://` is not known — known are imaps, imap, smtp, submission, submissions, lmtp, pop3s, pop3, sieve, mx and ssh, a bare domain, and localhost
    command line: mx1: does not say how to look at it — write imaps://mx1 for its IMAP door, or ssh://mx1 for its queue
    command line: imaps://: `imaps://` names no host — write imaps://probe@imap.example.com, or imap://… for STARTTLS
    command line: ssh://-oX: `-oX` is no name that ssh should be given — write an alias of your ssh config, or user@host: letters, digits and . _ - only
    command line: imaps://u:…@x: `imaps://u:…@x` carries a password — take it out of the URL; use password_command, password_file or password_env
    command line: local: is given twice — name each target once
    command line: is no target — write for example imaps://imap.example.com, ssh://mx1 or localhost
    "#);
}

#[test]
fn bad_options_are_named_at_once() {
    let options = TargetOptions {
        password_env: Some("NOT_SET".into()),
        ca_file: Some("/nowhere.pem".into()),
        ssh_config: Some("/nowhere".into()),
        mailbox: Some(String::new()),
        interval: Some("10".into()),
        timeout: Some("1h".into()),
        ..TargetOptions::default()
    };
    insta::assert_snapshot!(mistakes(&["imaps://u@mx"], &options, &[]).join("\n"), @r#"
    command line: --interval: `10` has no unit — write "10s" if seconds are meant, or another unit: ms, s, m, h, d
    command line: --timeout: `1h` is out of range — write a length from 10ms to 10m
    command line: --ca-file: cannot read /nowhere.pem: No such file or directory (os error 2) — name a file of certificates in PEM (-----BEGIN CERTIFICATE-----)
    command line: --ssh-config: cannot read /nowhere: No such file or directory (os error 2) — name an ssh config that you can read
    command line: --mailbox: is empty or holds a control character — name a mailbox, for example INBOX
    command line: --password-env: the variable NOT_SET is not set — export NOT_SET=… before mailtop starts
    "#);
}

#[test]
fn an_option_that_no_target_can_use_is_a_mistake() {
    let secret = TargetOptions {
        password_command: Some("pass".into()),
        ..TargetOptions::default()
    };
    assert!(mistakes(&["imaps://mx"], &secret, &[])[0].contains("--password-command: is a secret without a user"));
    let starttls = TargetOptions {
        starttls: Some(StartTls::Off),
        ..TargetOptions::default()
    };
    assert!(mistakes(&["imaps://mx"], &starttls, &[])[0].contains("goes with doors that do not begin with TLS"));
    let plain = read(&["imap://mx"], &starttls, &[]).unwrap();
    assert_eq!(plain.config.servers[0].doors[0].door.security, Security::Plain);
}

#[test]
fn only_one_source_of_a_password_is_taken() {
    use clap::{Args, FromArgMatches};
    let command = TargetOptions::augment_args(clap::Command::new("mailtop"));
    command.clone().debug_assert();
    let parse = |words: &[&str]| command.clone().try_get_matches_from(words);
    let one = parse(&["mailtop", "--password-env", "P", "--starttls", "off"]).unwrap();
    let options = TargetOptions::from_arg_matches(&one).unwrap();
    assert_eq!(
        (options.password_env.as_deref(), options.starttls),
        (Some("P"), Some(StartTls::Off))
    );
    let two = parse(&["mailtop", "--password-env", "P", "--token-command", "t"]).unwrap_err();
    assert_eq!(two.kind(), clap::error::ErrorKind::ArgumentConflict);
}

#[test]
fn a_host_without_mail_and_no_target_at_all_say_so() {
    let none = Targets::read_in(&["local".into()], &TargetOptions::default(), &around(&[]), bare, |_| {
        Doors::default()
    })
    .unwrap_err();
    assert!(none[0].what.contains("no mail system"), "{}", none[0]);
    assert!(mistakes(&[], &TargetOptions::default(), &[])[0].contains("no target is given"));
}

proptest! {
    #[test]
    fn names_are_unique_and_no_word_panics(words in prop::collection::vec("(imaps?|ssh)://([ab]@)?[xy](:1?9)?|local|(one|two)[.]test|.{0,10}", 1..12)) {
        if let Ok(read) = Targets::read_in(&words, &TargetOptions::default(), &around(&[]), busy, |ask| zone(ask.domain)) {
            let mut names: Vec<_> = read.config.servers.iter().map(|s| s.name.clone()).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), count);
        }
    }
}
