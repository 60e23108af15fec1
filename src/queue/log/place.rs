//! Finds out where a Postfix instance logs and under which name, by asking on the mail host: `postconf`, the usual files,
//! the systemd journal. The choice is pure. See postconf(5) for `maillog_file` and `syslog_name`, and syslog's usual files.

use crate::domain::argv::Argv;
use crate::domain::queue::{LogSource, QueueSource};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::queue::postfix::{trouble, with_sudo};
use crate::reach::{Output, RunLimits, Runner};

/// Prints `name NAME`; `own PATH` where Postfix has a log of its own; for each file of the usual names that there is
/// `file AGE PATH` or `denied PATH`; `journal readable|denied|none`.
const FIND: &str = r#"if [ -n "$1" ]; then set -- -c "$1"; else set --; fi
n=$(postconf "$@" -hx syslog_name) || exit
m=$(postconf "$@" -hx maillog_file 2>/dev/null)
echo "name $n"; [ -z "$m" ] || echo "own $m"
t=$(date +%s)
for f in "$m" /var/log/mail.log /var/log/maillog /var/log/mail; do
[ -f "$f" ] || continue
if [ -r "$f" ]; then echo "file $((t - $(stat -Lc %Y -- "$f"))) $f"; else echo "denied $f"; fi
done
j=none
for f in /var/log/journal/*/system.journal /run/log/journal/*/system.journal; do
if [ -r "$f" ]; then j=readable; break; elif [ -e "$f" ]; then j=denied; fi
done
command -v journalctl >/dev/null || j=none
echo "journal $j"; exit 0"#;

/// A usual file that nothing was written to for longer is believed to be left over, if there is a journal.
const STALE: Span = Span::from_hours(24);

/// Where a log is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    File(String),
    Journal,
    Command(Argv),
}

/// Where an instance logs, and its name there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) took: Span,
}

/// Asks. `current` is where the log was read until now.
pub(super) async fn find(
    src: &QueueSource,
    current: Option<&Place>,
    runner: &Runner,
    timeout: Span,
) -> Result<Found, Missed> {
    let dir = src.config_dir.clone().unwrap_or_default();
    let argv = with_sudo(src, Argv::new("sh", ["-c", FIND, "mailtop-log", &dir]));
    let tried = runner.shown(&with_sudo(src, Argv::new("postconf", ["syslog_name", "maillog_file"])));
    let limits = RunLimits {
        timeout,
        max_output: 16 << 10,
    };
    let out = runner.run(&argv, limits).await?;
    let seen = Seen::parse(&out);
    if seen.name.is_empty() {
        let missed = trouble(tried, &out);
        // Postfix may be out of reach of the login's shell, in a container for example, and its log all the same be there.
        // The name that it has unless told otherwise is the only one to go by then.
        return match explicit(&src.log) {
            Some(place) if missed.kind == Miss::NotFound && src.config_dir.is_none() => Ok(Found {
                place,
                name: "postfix".into(),
                took: out.took,
            }),
            _ => Err(missed),
        };
    }
    Ok(Found {
        place: seen.choose(&src.log, current, &tried)?,
        name: seen.name,
        took: out.took,
    })
}

fn explicit(log: &LogSource) -> Option<Place> {
    match log {
        LogSource::File(path) => Some(Place::File(path.clone())),
        LogSource::Journal => Some(Place::Journal),
        LogSource::Command(argv) => Some(Place::Command(argv.clone())),
        LogSource::Auto | LogSource::Off => None,
    }
}

/// What the script printed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    name: String,
    own: Option<String>,
    /// Path and age of the newest line, in the order of the script.
    files: Vec<(String, Span)>,
    denied: Vec<String>,
    journal: Journal,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Journal {
    Readable,
    Denied,
    #[default]
    None,
}

impl Seen {
    fn parse(out: &Output) -> Self {
        let mut seen = Self::default();
        if !out.ok() {
            return seen;
        }
        for line in String::from_utf8_lossy(&out.stdout).lines() {
            match line.split_once(' ') {
                Some(("name", name)) => name.trim().clone_into(&mut seen.name),
                Some(("own", path)) => seen.own = Some(path.to_owned()),
                Some(("denied", path)) => seen.denied.push(path.to_owned()),
                Some(("file", rest)) => {
                    if let Some((Ok(age), path)) = rest.split_once(' ').map(|(a, p)| (a.parse(), p)) {
                        seen.files.push((path.to_owned(), Span::from_secs(age)));
                    }
                }
                Some(("journal", "readable")) => seen.journal = Journal::Readable,
                Some(("journal", "denied")) => seen.journal = Journal::Denied,
                _ => {}
            }
        }
        seen
    }

    fn choose(&self, log: &LogSource, current: Option<&Place>, tried: &Text) -> Result<Place, Missed> {
        match log {
            LogSource::Journal => self.journal(tried),
            LogSource::File(path) => Ok(Place::File(path.clone())),
            LogSource::Command(argv) => Ok(Place::Command(argv.clone())),
            LogSource::Auto | LogSource::Off => match &self.own {
                Some(own) => self.own(own, tried),
                // Not back and forth between the two on a host where mail is rare.
                None if current == Some(&Place::Journal) && self.journal == Journal::Readable => Ok(Place::Journal),
                None => self.usual(tried),
            },
        }
    }

    /// Where Postfix writes its log itself, it writes it nowhere else.
    fn own(&self, own: &str, tried: &Text) -> Result<Place, Missed> {
        if self.files.iter().any(|(path, _)| path == own) {
            return Ok(Place::File(own.to_owned()));
        }
        if self.denied.iter().any(|path| path == own) {
            return Err(denied(tried, &format!("this login may not read {own}")));
        }
        let why = format!("Postfix logs to {own} (maillog_file), and there is no such file");
        Err(Missed::new(Miss::NotFound, tried.clone(), why)
            .fix("has it been started? Another place can be set with `log`"))
    }

    fn usual(&self, tried: &Text) -> Result<Place, Missed> {
        let file = |(path, _): &(String, Span)| Place::File(path.clone());
        let fresh = self.files.iter().find(|(_, age)| *age <= STALE);
        if let Some(fresh) = fresh {
            return Ok(file(fresh));
        }
        match (self.journal(tried), self.files.first()) {
            (Ok(journal), _) => Ok(journal),
            (Err(_), Some(stale)) => Ok(file(stale)),
            (Err(_), None) if !self.denied.is_empty() => {
                let why = format!("this login may not read {}", self.denied.join(", "));
                Err(denied(tried, &why))
            }
            (Err(missed), None) => Err(missed),
        }
    }

    fn journal(&self, tried: &Text) -> Result<Place, Missed> {
        match self.journal {
            Journal::Readable => Ok(Place::Journal),
            Journal::Denied => Err(denied(tried, "this login may not read the systemd journal")),
            Journal::None => Err(Missed::new(
                Miss::NotFound,
                tried.clone(),
                "there is no mail log: none of the usual files, and no systemd journal",
            )
            .fix("say where it is with `log`, or set log = \"off\"")),
        }
    }
}

fn denied(tried: &Text, why: &str) -> Missed {
    Missed::new(Miss::Denied, tried.clone(), why)
        .fix("let the login into the group that may (adm or systemd-journal), or set `sudo = true`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Seen {
        Seen::parse(&Output {
            status: Some(0),
            stdout: text.into(),
            stderr: Vec::new(),
            cut: false,
            unfinished: false,
            took: Span::ZERO,
        })
    }
    fn choose(text: &str, log: &LogSource) -> Result<Place, Miss> {
        seen(text).choose(log, None, &"x".into()).map_err(|m| m.kind)
    }
    fn auto(text: &str) -> Result<Place, Miss> {
        choose(text, &LogSource::Auto)
    }
    fn file(path: &str) -> Place {
        Place::File(path.into())
    }

    #[test]
    fn postfix_s_own_file_is_the_only_place_where_there_is_one() {
        let usual = "file 5 /var/log/mail.log\njournal readable\n";
        assert_eq!(
            auto(&format!("name p\nown /l/a b\nfile 900000 /l/a b\n{usual}")),
            Ok(file("/l/a b"))
        );
        assert_eq!(
            auto(&format!("name p\nown /l/a\ndenied /l/a\n{usual}")),
            Err(Miss::Denied)
        );
        assert_eq!(auto(&format!("name p\nown /dev/stdout\n{usual}")), Err(Miss::NotFound));
    }

    #[test]
    fn a_fresh_file_goes_before_the_journal_and_the_journal_before_a_file_that_was_left_over() {
        assert_eq!(
            auto("file 60 /var/log/mail.log\njournal readable"),
            Ok(file("/var/log/mail.log"))
        );
        assert_eq!(
            auto("file 900000 /var/log/mail.log\njournal readable"),
            Ok(Place::Journal)
        );
        assert_eq!(
            auto("file 900000 /var/log/mail.log\nfile 5 /var/log/maillog"),
            Ok(file("/var/log/maillog"))
        );
        assert_eq!(
            auto("file 900000 /var/log/mail.log\njournal denied"),
            Ok(file("/var/log/mail.log"))
        );
        assert_eq!(auto("denied /var/log/mail.log\njournal readable"), Ok(Place::Journal));
    }

    #[test]
    fn the_journal_is_not_left_for_a_file_that_came_to_life() {
        let s = seen("file 5 /var/log/mail.log\njournal readable");
        let stays = |current| s.choose(&LogSource::Auto, Some(&current), &"x".into()).unwrap();
        assert_eq!(stays(Place::Journal), Place::Journal);
        assert_eq!(stays(file("/var/log/maillog")), file("/var/log/mail.log"));
    }

    #[test]
    fn what_may_not_be_read_is_told_from_what_is_not_there() {
        assert_eq!(auto("denied /var/log/mail.log\njournal denied"), Err(Miss::Denied));
        assert_eq!(auto("denied /var/log/mail.log\njournal none"), Err(Miss::Denied));
        assert_eq!(auto("journal denied"), Err(Miss::Denied));
        assert_eq!(auto("journal none"), Err(Miss::NotFound));
        assert_eq!(choose("journal denied", &LogSource::Journal), Err(Miss::Denied));
    }

    #[test]
    fn what_the_config_names_is_taken() {
        let text = "own /l/a\nfile 1 /l/a\njournal readable";
        assert_eq!(choose(text, &LogSource::Journal), Ok(Place::Journal));
        assert_eq!(choose(text, &LogSource::File("/x".into())), Ok(file("/x")));
        let argv = Argv::new("x", ["y"]);
        assert_eq!(
            choose(text, &LogSource::Command(argv.clone())),
            Ok(Place::Command(argv))
        );
    }
}
