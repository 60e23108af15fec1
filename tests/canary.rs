//! Canary letters through a real Postfix into a real Dovecot, sent and watched by the program itself: what comes, what does
//! not, and what is left of the mailbox. Needs root; elsewhere it says what it left out.
//!
//! `MAILTOP_CANARY_LETTERS=300` makes the long run of the first test: five minutes, one of them paused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod lab;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use lab::dovecot::{self, Dovecot, PASSWORD, USER, free_port};
use lab::postfix::{self, Postfix};
use serde_json::Value;

/// A mail service: letters for `lab.test` go by LMTP into Dovecot.
struct World {
    dovecot: Dovecot,
    postfix: Postfix,
    dir: tempfile::TempDir,
    lmtp: u16,
}

impl World {
    /// `main_cf` and `dovecot_conf` are further settings.
    fn start(main_cf: &str, dovecot_conf: &str) -> Option<Self> {
        if let Some(why) = postfix::missing() {
            assert!(std::env::var_os("CI").is_none(), "left out in CI: {why}");
            eprintln!("left out: {why}");
            return None;
        }
        let (lmtp, auth) = (free_port(), free_port());
        let extra = format!(
            "protocols = imap lmtp\nauth_username_format = %Ln\n\
             service lmtp {{\n  inet_listener lmtp {{\n    port = {lmtp}\n  }}\n}}\n\
             service auth {{\n  inet_listener {{\n    port = {auth}\n  }}\n}}\n{dovecot_conf}\n"
        );
        let dovecot = Dovecot::start(&dovecot::Options {
            messages: 2,
            extra: extra.leak(),
            ..dovecot::Options::default()
        })?;
        let (cert, key) = (dovecot.path("cert.pem"), dovecot.path("key.pem"));
        let postfix = Postfix::start_with(&format!(
            "transport_maps = inline:{{ lab.test=lmtp:inet:127.0.0.1:{lmtp} }}\n\
             queue_run_delay = 1s\nminimal_backoff_time = 1s\nmaximal_backoff_time = 2s\n\
             smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\n\
             smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:127.0.0.1:{auth}\n{main_cf}\n",
            cert.display(),
            key.display(),
        ));
        let dir = tempfile::tempdir().unwrap();
        Some(Self {
            dovecot,
            postfix,
            dir,
            lmtp,
        })
    }

    /// Starts the program for so many seconds on a canary that goes in at `way_in` and has these keys beside.
    fn canary(&self, seconds: u32, way_in: &str, keys: &str) -> Run {
        let (ca, conf) = (self.dovecot.path("ca.pem"), self.postfix.conf());
        let (ca, conf, imaps) = (ca.display(), conf.display(), self.dovecot.imaps);
        let (smtp, lmtp) = (self.postfix.port, self.lmtp);
        let text = format!(
            r#"
[[server]]
name = "mx1"
reach = "local"
interval = "1s"
[[server.smtp]]
url = "smtp://127.0.0.1:{smtp}"
ca_file = "{ca}"
[[server.submission]]
url = "submission://{USER}@127.0.0.1:{smtp}"
password = "{PASSWORD}"
ca_file = "{ca}"
[[server.queue]]
kind = "postfix"
config_dir = "{conf}"
load_budget = "100%"
[[server.job]]
name = "delivery"
kind = "postfix"
valve = "defer"
transports = ["lmtp"]
config_dir = "{conf}"

[[server]]
name = "mbox1"
[[server.imap]]
url = "imaps://{USER}@127.0.0.1:{imaps}"
password = "{PASSWORD}"
ca_file = "{ca}"
[[server.lmtp]]
url = "lmtp://127.0.0.1:{lmtp}"

[[canary]]
name = "inbound"
in = "{way_in}"
out = "mbox1/imap"
to = "{USER}@lab.test"
interval = "1s"
{keys}
"#
        );
        let config = self.dir.path().join("config.toml");
        fs::write(&config, text).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
        self.run(&["canary", "--format", "jsonl", "--for", &format!("{seconds}s")])
    }
    /// Starts the program on the config that was written last.
    fn run(&self, args: &[&str]) -> Run {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mailtop"))
            .args(args)
            .arg("--config")
            .arg(self.dir.path().join("config.toml"))
            .arg("--journal")
            .arg(self.dir.path().join("journal.db"))
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Run {
            child,
            out,
            seen: vec![],
        }
    }

    fn maildir(&self) -> PathBuf {
        self.dovecot.path("mail").join(USER).join("Maildir")
    }
    /// Puts a message into the mailbox, past all mail systems.
    fn put(&self, name: &str, text: &str) {
        let (new, whole) = (self.maildir().join("tmp").join("put"), self.maildir().join(name));
        fs::write(&new, text).unwrap();
        let of = fs::metadata(self.maildir()).unwrap();
        chown(&new, Some(of.uid()), Some(of.gid())).unwrap();
        fs::rename(new, whole).unwrap();
    }
    /// The subjects of what lies in the mailbox, each with whether it is flagged as deleted, sorted.
    fn left(&self) -> Vec<(String, bool)> {
        let files = ["new", "cur"].map(|d| fs::read_dir(self.maildir().join(d)).unwrap());
        let mut all: Vec<_> = files
            .into_iter()
            .flatten()
            .map(|f| f.unwrap().path())
            .map(|path| {
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                let subject = text.lines().find_map(|l| l.strip_prefix("Subject: ")).unwrap_or("?");
                let flags = path
                    .to_string_lossy()
                    .rsplit_once(":2,")
                    .is_some_and(|(_, f)| f.contains('T'));
                (subject.to_owned(), flags)
            })
            .collect();
        all.sort();
        all
    }
}

/// The program under way.
struct Run {
    child: Child,
    out: BufReader<ChildStdout>,
    seen: Vec<Value>,
}

impl Run {
    /// The next line that it prints.
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        if self.out.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let value: Value = serde_json::from_str(&line).unwrap();
        self.seen.push(value.clone());
        Some(value)
    }
    /// Reads on until so many facts of this kind have been printed.
    fn until(&mut self, fact: &str, count: usize) {
        while self.of(fact).len() < count {
            assert!(
                self.next().is_some(),
                "it ended before {count} of {fact}: {:#?}",
                self.seen
            );
        }
    }
    fn of(&self, fact: &str) -> Vec<&Value> {
        let of = |v: &&Value| v["what"]["fact"] == fact;
        self.seen.iter().filter(of).map(|v| &v["what"]["data"]).collect()
    }
    /// Reads to the end: the summary and the exit status.
    fn end(&mut self) -> (Value, i32) {
        while self.next().is_some() {}
        let code = self.child.wait().unwrap().code().unwrap();
        (self.seen.last().unwrap()["summary"].clone(), code)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn count(summary: &Value, key: &str) -> u64 {
    summary[key].as_u64().unwrap_or_else(|| panic!("{key} in {summary}"))
}

#[test]
fn letters_wait_out_a_pause_and_the_one_that_is_deleted_from_the_queue_is_the_one_that_is_lost() {
    let letters: u32 = std::env::var("MAILTOP_CANARY_LETTERS").map_or(60, |n| n.parse().unwrap());
    let pause = letters / 5;
    let Some(world) = World::start("", "") else { return };
    // Long before the pause ends: letters that wait in the queue are not to be called lost, however late they are.
    let lost = pause / 6;
    let mut run = world.canary(letters, "mx1/smtp", &format!("late = \"2s\"\nlost = \"{lost}s\""));
    run.until("canary-arrived", pause as usize);
    world.postfix.set(&["defer_transports=lmtp"]);
    let sent = run.of("canary-sent").len();
    run.until("canary-sent", sent + 6);
    // One of those that wait is taken out of the queue by hand.
    let victim = run.of("canary-sent")[sent + 4].clone();
    let id = victim["queue_id"].as_str().unwrap();
    let deleted = world.postfix.command("postsuper").args(["-d", id]).status().unwrap();
    assert!(deleted.success());
    run.until("canary-sent", sent + pause as usize);
    world.postfix.set(&["defer_transports="]);
    world.postfix.command("postqueue").arg("-f").status().unwrap();
    let (summary, code) = run.end();
    eprintln!("{summary:#}");
    for lost in run.of("canary-lost") {
        eprintln!("{lost}");
    }

    // Exactly that one is lost, by its number and its name in the queue, and by what is known.
    let gone = run.of("canary-lost");
    assert_eq!(gone.len(), 1, "{gone:#?}");
    assert_eq!(
        (&gone[0]["seq"], &gone[0]["queue_id"]),
        (&victim["seq"], &victim["queue_id"])
    );
    assert_eq!(gone[0]["evidence"]["by"], "not-in-queue");
    assert_eq!(summary["lost"], serde_json::json!([victim["seq"]]));
    assert_eq!(code, 2);
    // All others came, each once; those of the pause came late.
    let sent = run.of("canary-sent").len() as u64;
    assert_eq!((count(&summary, "sent"), count(&summary, "arrived")), (sent, sent - 1));
    assert_eq!((count(&summary, "waiting"), count(&summary, "overdue")), (0, 0));
    assert_eq!((count(&summary, "duplicated"), count(&summary, "altered")), (0, 0));
    let trips: Vec<i64> = run
        .of("canary-arrived")
        .iter()
        .map(|a| a["round_trip"].as_i64().unwrap())
        .collect();
    let late = trips.iter().filter(|t| **t > 2_000_000).count() as u64;
    assert_eq!(count(&summary, "late"), late);
    assert!(late >= u64::from(pause / 2) && late < sent, "{late} of {sent}");
    let (before, longest) = (trips[..10].iter().max().unwrap(), trips.iter().max().unwrap());
    assert!(
        *longest > 1_000_000 * i64::from(pause - 4) && longest > before,
        "{before} {longest}"
    );
    // The mailbox is as it was.
    assert_eq!(
        world.left(),
        [("number 0".to_owned(), false), ("number 1".to_owned(), false)]
    );
}

#[test]
fn only_its_own_letters_are_taken_away_whatever_else_looks_like_one() {
    // The address stands for two that end in one mailbox: each letter comes twice.
    let twice = format!("virtual_alias_maps = inline:{{ {{{USER}@lab.test={USER}+a@lab.test,{USER}+b@lab.test}} }}");
    let Some(world) = World::start(&twice, "") else { return };
    world.put(
        "cur/1700000000.90.lab:2,T",
        "Subject: flagged by somebody\r\n\r\nmine\r\n",
    );
    // In by the submission door: STARTTLS and AUTH.
    let mut run = world.canary(5, "mx1/submission", "lost = \"1m\"");
    run.until("canary-watching", 1);
    let forged = format!(
        "v1 name=inbound run={0} seq=1 at=1800000000000000 body={1} mac={1}",
        "0".repeat(24),
        "0".repeat(64)
    );
    let stamped = |name: &str, stamp: &str| {
        world.put(
            name,
            &format!("Subject: {stamp:.10}\r\nX-Mailtop-Canary: {stamp}\r\n\r\nhello\r\n"),
        );
    };
    stamped("new/1700000001.91.lab", &forged);
    stamped("new/1700000001.92.lab", "made up");
    stamped("new/1700000001.93.lab", &forged.replace("inbound", "other"));
    let (summary, code) = run.end();
    let watching = run.of("canary-watching");
    assert_eq!(
        (&watching[0]["how"]["by"], &watching[0]["cleans"]),
        (&"idle".into(), &"yes".into())
    );
    let sent = run.of("canary-sent").len() as u64;
    assert!(sent >= 3, "{:#?}", run.seen);
    assert_eq!(
        (count(&summary, "arrived"), count(&summary, "duplicated")),
        (sent, sent),
        "{summary}"
    );
    assert_eq!(
        (count(&summary, "forged"), count(&summary, "altered")),
        (2, 0),
        "{summary}"
    );
    assert_eq!(code, 0);
    let left: Vec<String> = world
        .left()
        .into_iter()
        .map(|(s, d)| format!("{s}{}", if d { " deleted" } else { "" }))
        .collect();
    assert_eq!(
        left,
        [
            "flagged by somebody deleted",
            "made up",
            "number 0",
            "number 1",
            "v1 name=in",
            "v1 name=ot"
        ]
    );

    // A letter of this run comes back in the next one: another run's, and left alone.
    let key = world.dir.path().join("state/mailtop/canary.key");
    assert_eq!(fs::metadata(key).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn where_the_server_does_not_tell_it_is_asked_and_without_uidplus_letters_are_flagged_and_stay() {
    let Some(world) = World::start("", "imap_capability = IMAP4rev1 SASL-IR LITERAL+") else {
        return;
    };
    world.put(
        "cur/1700000000.90.lab:2,T",
        "Subject: flagged by somebody\r\n\r\nmine\r\n",
    );
    let mut run = world.canary(3, "mx1/smtp", "late = \"20s\"\nmailbox = \"INBOX\"");
    let (summary, code) = run.end();
    let watching = run.of("canary-watching");
    assert_eq!(
        (&watching[0]["how"]["by"], &watching[0]["cleans"]),
        (&"poll".into(), &"flags-only".into())
    );
    let sent = count(&summary, "sent");
    assert!(sent >= 2 && count(&summary, "arrived") == sent, "{summary}");
    assert_eq!((code, count(&summary, "duplicated")), (0, 0));
    let left = world.left();
    let flagged = left
        .iter()
        .filter(|(s, deleted)| s.starts_with("mailtop canary") && *deleted)
        .count() as u64;
    assert_eq!(flagged, sent, "{left:?}");
    assert!(left.contains(&("flagged by somebody".to_owned(), true)) && left.contains(&("number 0".to_owned(), false)));
    // The next run finds nothing of its own among them.
    let (summary, _) = world.canary(2, "mx1/smtp", "late = \"20s\"").end();
    assert_eq!(
        (count(&summary, "duplicated"), count(&summary, "ignored")),
        (0, 0),
        "{summary}"
    );
}

#[test]
fn a_letter_that_is_changed_on_its_way_is_altered() {
    let change = "body_checks = regexp:{ {/^Number: / REPLACE Number: another} }";
    let Some(world) = World::start(change, "") else { return };
    let (summary, _) = world.canary(3, "mx1/smtp", "").end();
    let sent = count(&summary, "sent");
    assert!(sent >= 2, "{summary}");
    assert_eq!(
        (count(&summary, "arrived"), count(&summary, "altered")),
        (sent, sent),
        "{summary}"
    );
    assert_eq!(world.left().len(), 2, "altered letters are taken away, too");
}

#[test]
fn letters_into_a_mailbox_host_by_lmtp_come_and_a_door_that_refuses_is_told() {
    let Some(world) = World::start("", "") else { return };
    let (summary, code) = world.canary(3, "mbox1/lmtp", "").end();
    assert!(count(&summary, "sent") >= 2, "{summary}");
    assert_eq!((count(&summary, "arrived"), code), (count(&summary, "sent"), 0));

    world.postfix.set(&["smtpd_recipient_restrictions=reject"]);
    let mut run = world.canary(2, "mx1/smtp", "");
    let (summary, code) = run.end();
    assert_eq!((count(&summary, "sent"), code), (0, 3));
    assert!(
        run.of("canary-unsent")[0]["why"].as_str().unwrap().contains("554"),
        "{:?}",
        run.seen
    );
}

#[test]
fn no_letter_is_sent_while_a_valve_is_closed_by_an_action_and_one_console_sends_for_all() {
    let Some(world) = World::start("", "") else { return };
    let act = |verb: &str, more: &[&str]| {
        let args = [&[verb, "mx1", "delivery", "--yes", "--reason", "test"], more].concat();
        let mut run = world.run(&args);
        let mut said = String::new();
        std::io::Read::read_to_string(&mut run.out, &mut said).unwrap();
        assert_eq!(run.child.wait().unwrap().code(), Some(0), "{verb}: {said}");
    };
    // Writes the config.
    let mut run = world.canary(1, "mx1/smtp", "");
    assert_eq!(run.end().1, 0);
    act("pause", &["--for", "10m"]);
    let mut run = world.canary(2, "mx1/smtp", "");
    let (summary, code) = run.end();
    assert_eq!((count(&summary, "sent"), code), (0, 3), "{:#?}", run.seen);
    assert!(
        summary["trouble"]
            .as_str()
            .unwrap()
            .contains("delivery on mx1 is closed"),
        "{summary}"
    );
    // Unless that is wished for.
    let mut run = world.canary(1, "mx1/smtp", "late = \"1s\"\nstop_while_paused = false");
    let (summary, code) = run.end();
    assert!(
        count(&summary, "sent") > 0 && count(&summary, "arrived") == 0 && code == 1,
        "{summary}"
    );
    act("resume", &[]);

    let mut one = world.canary(8, "mx1/smtp", "");
    one.until("canary-sent", 2);
    let mut other = world.run(&["canary", "--format", "jsonl", "--for", "3s"]);
    let (summary, code) = other.end();
    assert!(count(&summary, "sent") >= 2 && code == 0, "{summary}");
    let run = &one.of("canary-sent")[0]["run"];
    assert!(
        other.of("canary-sent").iter().all(|s| s["run"] == *run),
        "the other one sent as well"
    );
    assert_eq!(one.end().1, 0);
    let args = ["canary", "--for", "1s", "--no-canary"];
    assert_eq!(world.run(&args).child.wait().unwrap().code(), Some(3));
}
