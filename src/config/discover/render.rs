//! What was found, as a config file: the things that can be watched now as settings, guesses and all other settings as
//! comments. What it writes is loaded again by a test, whatever the host calls its things.

use std::fmt::Write as _;

use super::{Found, Speaks};
use crate::domain::door::Security;

/// Every setting with its explanation, all of it comments.
const REFERENCE: &str = include_str!("../../../assets/config.toml");

/// The file that `mailtop init` writes.
pub(super) fn toml(found: &Found) -> String {
    let mut out = String::from(
        "# Written by `mailtop init` from what it found on this host. Check it with `mailtop config check`.\n\
         # Below the line of = signs stands every setting that there is.\n",
    );
    for line in found.describe() {
        let _ = writeln!(out, "# {line}");
    }
    out.push('\n');
    if found.is_empty() {
        out.push_str("# Nothing was found to watch here: name your servers as shown below.\n");
    } else {
        server(found, &mut out);
    }
    let _ = write!(out, "\n# {}\n\n{REFERENCE}", "=".repeat(118));
    out
}

fn server(found: &Found, out: &mut String) {
    let _ = writeln!(out, "[[server]]\nname = {}\nreach = \"local\"", quoted(&found.host));
    if let Some(door) = found.best_door() {
        let untrusted = found.doors.iter().any(|d| matches!(d.speaks, Speaks::Untrusted { .. }));
        if untrusted {
            out.push_str(
                "\n# The certificate of the TLS port does not hold under any name that leads to this host. Give the name that\n\
                 # clients use (imaps://NAME), or the certificate itself as ca_file, to watch TLS as well.\n",
            );
        }
        let _ = writeln!(out, "\n[[server.imap]]\nurl = {}", quoted(&door.url()));
        if door.security == Security::Plain {
            out.push_str("starttls = false\n");
        }
        out.push_str(
            "# As it stands the probe ends after the greeting. With a user it also logs in and opens the mailbox, which proves\n\
             # the mail store. Use an account of its own, and write its password into a file of mode 0600.\n\
             #user = \"probe\"\n#password_file = \"probe.secret\"\n",
        );
    }
    for queue in found.queues() {
        let _ = writeln!(out, "\n[[server.queue]]\nkind = \"{}\"", queue.kind.word());
        if let Some(dir) = &queue.config_dir {
            let _ = writeln!(out, "name = {}\nconfig_dir = {}", quoted(&queue.name), quoted(dir));
        }
    }
    if !found.units.is_empty() {
        out.push_str(
            "\n# These units look like maintenance of mail. Take the # away from those that you want to pause.\n",
        );
    }
    for unit in &found.units {
        let name = unit.unit.trim_end_matches(".service");
        let _ = writeln!(
            out,
            "#[[server.job]]\n#name = {}\n#kind = \"systemd\"\n#unit = {}",
            quoted(name),
            quoted(&unit.unit)
        );
        if let Some(timer) = &unit.timer {
            let _ = writeln!(out, "#timer = {}", quoted(timer));
        }
    }
}

/// A TOML string on one line.
fn quoted(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::tests::{bare, busy};
    use super::super::{FoundUnit, config_for};
    use super::*;
    use crate::config::around::Around;
    use crate::config::door::Context;
    use crate::config::secret::Privacy;
    use crate::config::{Config, Mistake, file};
    use crate::domain::Name;

    fn load(text: &str) -> Result<Config, Vec<Mistake>> {
        let around = Around::default();
        let context = Context {
            around: &around,
            base: Path::new("/"),
            privacy: Privacy::Owner,
        };
        file::parse(text.as_bytes(), "config.toml".into(), &context).map(|l| l.config)
    }

    /// What matters of a config, to compare two.
    fn essence(config: &Config) -> String {
        let s = &config.servers[0];
        let doors: Vec<_> = s.doors.iter().map(|i| &i.door).collect();
        format!("{:?} {:?} {doors:?} {:?}", s.name, s.reach, s.queues)
    }

    #[test]
    fn the_written_config_shows_what_was_found() {
        let text = toml(&busy());
        let own = text.split("# ====").next().unwrap();
        insta::assert_snapshot!(own, @r#"
        # Written by `mailtop init` from what it found on this host. Check it with `mailtop config check`.
        # Below the line of = signs stands every setting that there is.
        # mx1: Postfix, /etc/postfix
        # mx1: Postfix, /etc/postfix-out
        # mx1: Postfix, /etc/postfix-old (switched off)
        # mx1: IMAP on port 143
        # mx1: IMAP over TLS on port 993, as imap.example.com
        # mx1: dovecot-compact.service, started by dovecot-compact.timer: perhaps maintenance (suggested, not watched)
        # mx1: Exim: its queue cannot be watched yet
        # mx1: not known: doveconf service/imap-login: Permission denied

        [[server]]
        name = "mx1"
        reach = "local"

        [[server.imap]]
        url = "imaps://imap.example.com"
        # As it stands the probe ends after the greeting. With a user it also logs in and opens the mailbox, which proves
        # the mail store. Use an account of its own, and write its password into a file of mode 0600.
        #user = "probe"
        #password_file = "probe.secret"

        [[server.queue]]
        kind = "postfix"

        [[server.queue]]
        kind = "postfix"
        name = "postfix-out"
        config_dir = "/etc/postfix-out"

        # These units look like maintenance of mail. Take the # away from those that you want to pause.
        #[[server.job]]
        #name = "dovecot-compact"
        #kind = "systemd"
        #unit = "dovecot-compact.service"
        #timer = "dovecot-compact.timer"
        "#);
    }

    #[test]
    fn the_written_config_watches_what_was_found() {
        let config = load(&toml(&busy())).unwrap();
        assert_eq!(essence(&config), essence(&config_for(&busy()).unwrap()));
    }

    #[test]
    fn its_guesses_load_once_their_marks_are_taken_away() {
        let text = toml(&busy()).replace(
            "\n#[[server.job]]\n#name = \"dovecot",
            "\n[[server.job]]\nname = \"dovecot",
        );
        let text = text.replace(
            "#kind = \"systemd\"\n#unit = \"dovecot",
            "kind = \"systemd\"\nunit = \"dovecot",
        );
        let config = load(&text.replace("#timer = \"dovecot", "timer = \"dovecot")).unwrap();
        assert_eq!(config.servers[0].jobs[0].about().as_str(), "dovecot-compact.service");
    }

    #[test]
    fn nothing_found_writes_a_file_of_comments() {
        let text = toml(&bare());
        assert!(text.lines().all(|l| l.is_empty() || l.starts_with('#')));
    }

    proptest! {
        #[test]
        fn whatever_a_host_calls_its_things_the_config_loads(
            host in ".{1,40}", dir in "/[^\u{0}]{0,40}", unit in ".{1,30}"
        ) {
            prop_assume!(!host.trim().is_empty() && !dir.chars().any(char::is_control));
            let mut found = busy();
            found.host = Name::new(&host);
            found.postfix[1].config_dir = dir;
            found.units = vec![FoundUnit { unit, timer: None }];
            let loaded = load(&toml(&found));
            prop_assert!(loaded.is_ok(), "{:?}", loaded.err());
        }
    }
}
