//! What the programs of mail systems and systemd print, read: pure.

use super::{FoundUnit, Instance, Use};

/// The most units that are suggested.
const MAX_UNITS: usize = 10;

/// `postmulti -l` prints name, group, whether it is enabled (`y` or `n`) and folder; `-` stands for none (postmulti(1)).
pub(super) fn postmulti(text: &str) -> Vec<Instance> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, _group, enabled, dir) = (words.next()?, words.next()?, words.next()?, words.next()?);
            Some(Instance {
                name: (name != "-").then(|| name.to_owned()),
                config_dir: dir.starts_with('/').then(|| dir.to_owned())?,
                use_: if enabled == "y" { Use::Enabled } else { Use::Disabled },
            })
        })
        .collect()
}

/// A listener as Dovecot is configured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Listener {
    pub(super) port: u16,
    pub(super) wire: Wire,
}

/// What the first byte on a port is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wire {
    /// The server's greeting.
    Clear,
    /// A TLS handshake.
    Tls,
}

/// The usual ports, where the configuration could not be read.
pub(super) const USUAL: [Listener; 2] = [
    Listener {
        port: 143,
        wire: Wire::Clear,
    },
    Listener {
        port: 993,
        wire: Wire::Tls,
    },
];

/// `doveconf service/imap-login` prints blocks `inet_listener NAME { … port = N … ssl = yes|no … }`. Port 0 is off.
pub(super) fn listeners(text: &str) -> Vec<Listener> {
    let mut found = Vec::new();
    let mut open: Option<Listener> = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with("inet_listener") && line.ends_with('{') {
            open = Some(Listener {
                port: 0,
                wire: Wire::Clear,
            });
        } else if line == "}" {
            found.extend(open.take().filter(|l| l.port != 0));
        } else if let (Some(listener), Some((key, value))) = (&mut open, line.split_once('=')) {
            match (key.trim(), value.trim()) {
                ("port", port) => listener.port = port.parse().unwrap_or(0),
                ("ssl", "yes") => listener.wire = Wire::Tls,
                _ => {}
            }
        }
    }
    found
}

/// Words that name mail, and words that name upkeep, as parts of a unit's name.
const MAIL: [&str; 14] = [
    "mail", "imap", "dovecot", "postfix", "cyrus", "sieve", "spam", "rspamd", "amavis", "clamav", "fts", "maildir",
    "mbox", "pop3",
];
const UPKEEP: [&str; 21] = [
    "compact", "purge", "expunge", "expire", "backup", "optimi", "vacuum", "clean", "index", "archiv", "rotate",
    "learn", "update", "sync", "prune", "repair", "maint", "tidy", "dump", "migrat", "scrub",
];

/// Services that look like upkeep of mail, from `systemctl list-unit-files --plain --no-legend`.
pub(super) fn maintenance(text: &str) -> Vec<FoundUnit> {
    let names: Vec<&str> = text.lines().filter_map(|l| l.split_whitespace().next()).collect();
    let mut found: Vec<FoundUnit> = names
        .iter()
        .filter_map(|unit| {
            let stem = unit.strip_suffix(".service")?;
            let timer = format!("{stem}.timer");
            let timer = names.contains(&timer.as_str()).then_some(timer);
            let lower = stem.to_ascii_lowercase();
            let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
            // A template (`x@.service`) is no unit yet: nothing to pause.
            let counts = !stem.ends_with('@') && has(&MAIL) && (has(&UPKEEP) || timer.is_some());
            counts.then(|| FoundUnit {
                unit: (*unit).to_owned(),
                timer,
            })
        })
        .collect();
    found.sort_by(|a, b| a.unit.cmp(&b.unit));
    found.dedup();
    found.truncate(MAX_UNITS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn instances_are_read_as_postmulti_prints_them() {
        let text = "-               -               y         /etc/postfix\n\
                    postfix-out     mta             n         /etc/postfix-out\n\
                    postmulti: warning\n";
        let found = postmulti(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].name.as_deref(), found[0].use_), (None, Use::Enabled));
        assert_eq!(
            (found[1].name.as_deref(), found[1].use_, found[1].config_dir.as_str()),
            (Some("postfix-out"), Use::Disabled, "/etc/postfix-out")
        );
    }

    #[test]
    fn listeners_are_read_as_doveconf_prints_them() {
        let text = "service imap-login {\n  chroot = login\n  inet_listener imap {\n    address = \n    port = 0\n    ssl = no\n  }\n  \
                    inet_listener imaps {\n    haproxy = no\n    port = 10993\n    ssl = yes\n  }\n  process_limit = 0\n}\n";
        assert_eq!(
            listeners(text),
            [Listener {
                port: 10_993,
                wire: Wire::Tls
            }]
        );
    }

    #[test]
    fn only_units_that_look_like_upkeep_of_mail_are_suggested() {
        let text = "dovecot.service enabled enabled\nmail-db-compact.service static -\nmail-db-compact.timer enabled enabled\n\
                    logrotate.service static -\nclamav-freshclam.service enabled enabled\nspamassassin-learn@.service static -\n\
                    dpkg-db-backup.service static -\nrspamd-update.service static -\n";
        let units: Vec<_> = maintenance(text).into_iter().map(|u| (u.unit, u.timer)).collect();
        assert_eq!(
            units,
            [
                (
                    "mail-db-compact.service".to_owned(),
                    Some("mail-db-compact.timer".to_owned())
                ),
                ("rspamd-update.service".to_owned(), None),
            ]
        );
    }

    proptest! {
        #[test]
        fn no_output_makes_a_reader_panic(text in "(.|\n){0,300}") {
            let _ = (postmulti(&text), listeners(&text), maintenance(&text));
        }
    }
}
