//! `mailtop config check|path|schema|presets|sudoers`: the config looked at without starting anything. Results go to standard output,
//! everything else to standard error; a reader that goes away ends it quietly.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use futures::StreamExt;

use crate::config::around::Around;
use crate::config::{Loaded, Mistake, SecretCommand, load_in, presets, schema, secret};

use super::cli::Global;
use super::sudoers;

/// The exit status for a config with mistakes.
pub const BAD_CONFIG: u8 = 3;

/// The most password commands that are tried at once.
const AT_ONCE: usize = 8;

/// `mailtop config …`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to do with it.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the config.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum What {
    /// Find every mistake in the config, and try every password source
    Check,
    /// Print where the config is
    Path,
    /// Print the config's JSON Schema
    Schema,
    /// Print the presets for jobs that many mail hosts have
    Presets,
    /// Print the sudo rules that a server's jobs need, or check which are lacking: exit 0 none, 1 some, 4 cannot be checked
    Sudoers(sudoers::Args),
}

/// Runs it on the config at `path`. It blocks: not for an async task.
pub fn run(args: &Args, path: &Path, global: &Global) -> ExitCode {
    match &args.what {
        What::Sudoers(args) => sudoers::run(args, global),
        What::Check => check(path, &Around::here(), &mut std::io::stdout(), &mut std::io::stderr()).into(),
        What::Path => {
            let _ = writeln!(std::io::stdout(), "{}", path.display());
            if !path.exists() {
                let _ = writeln!(
                    std::io::stderr(),
                    "it does not exist yet: `mailtop init` writes one from what it finds on this host"
                );
            }
            ExitCode::SUCCESS
        }
        What::Presets => {
            let _ = write!(std::io::stdout(), "{}", presets::SHIPPED);
            ExitCode::SUCCESS
        }
        What::Schema => {
            let _ = writeln!(std::io::stdout(), "{}", schema::json());
            ExitCode::SUCCESS
        }
    }
}

/// Checks the file and says how it stands; the exit status.
pub fn check(path: &Path, around: &Around, out: &mut impl Write, err: &mut impl Write) -> u8 {
    let loaded = match load_in(path, around) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            tell(&mistakes, err);
            return BAD_CONFIG;
        }
    };
    for warning in &loaded.warnings {
        let _ = writeln!(err, "warning: {warning}");
    }
    // They keep nothing from starting, but whoever asks wants to know.
    let wrong = &loaded.config.incident.terms.templates.wrong;
    if !wrong.is_empty() {
        let mistakes: Vec<Mistake> = wrong
            .iter()
            .map(|w| Mistake::whole(format!("{}:{}", w.file, w.line), w.what.clone()))
            .collect();
        tell(&mistakes, err);
        return BAD_CONFIG;
    }
    match try_all(&loaded.commands) {
        Ok(failed) if failed.is_empty() => {}
        Ok(failed) => {
            tell(&failed, err);
            return BAD_CONFIG;
        }
        Err(why) => {
            let _ = writeln!(err, "the password commands could not be tried: {why}");
            return BAD_CONFIG;
        }
    }
    let _ = writeln!(out, "{}", summary(&loaded));
    0
}

/// Writes mistakes, one a line, and how many there are.
pub fn tell(mistakes: &[Mistake], err: &mut impl Write) {
    for mistake in mistakes {
        let _ = writeln!(err, "{mistake}");
    }
    let _ = writeln!(err, "{}", counted(mistakes.len(), "mistake"));
}

/// Runs the commands that give secrets, a few at once; the mistakes of those that gave none.
fn try_all(commands: &[SecretCommand]) -> std::io::Result<Vec<Mistake>> {
    let tries = commands.iter().map(|command| async move {
        let missed = secret::obtain(&command.source, command.timeout).await.err()?;
        Some(command.failed(&missed))
    });
    let all = futures::stream::iter(tries).buffered(AT_ONCE).collect::<Vec<_>>();
    // On a thread of its own: a caller may be inside a runtime already, where a second one must not be started.
    std::thread::scope(|scope| {
        let trying = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(all).into_iter().flatten().collect())
        });
        trying
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("a thread died")))
    })
}

fn summary(loaded: &Loaded) -> String {
    let servers = &loaded.config.servers;
    let count = |n: fn(&crate::config::Server) -> usize| servers.iter().map(n).sum::<usize>();
    let canaries = match loaded.config.canaries.len() {
        0 => String::new(),
        1 => ", 1 canary".to_owned(),
        n => format!(", {n} canaries"),
    };
    format!(
        "ok: {}, {}, {}, {}{canaries}",
        counted(servers.len(), "server"),
        counted(count(|s| s.doors.len()), "door"),
        counted(count(|s| s.queues.len()), "queue"),
        counted(count(|s| s.jobs.len()), "job"),
    )
}

fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> (u8, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = check(&path, &Around::here(), &mut out, &mut err);
        let shown = |bytes| {
            String::from_utf8(bytes)
                .unwrap()
                .replace(&format!("{}/", dir.path().display()), "")
        };
        (status, shown(out), shown(err))
    }

    #[test]
    fn a_good_config_is_counted_on_standard_output() {
        let text = "[[server]]\nname = 'a'\nimap = [{url = 'imaps://a'}, {url = 'imaps://u@b', password_command = ['echo', 'x']}]\n";
        assert_eq!(
            checked(text),
            (0, "ok: 1 server, 2 doors, 0 queues, 0 jobs\n".into(), String::new())
        );
    }

    #[test]
    fn a_bad_config_is_told_on_standard_error_with_status_3() {
        let (status, out, err) = checked("[[server]]\nname = 1\nimap = [{url = 'x'}]\n");
        assert_eq!((status, out.as_str()), (3, ""));
        assert!(
            err.starts_with("config.toml:2:8: server[0].name: is an integer") && err.ends_with("\n2 mistakes\n"),
            "{err}"
        );
    }

    #[test]
    fn a_template_with_an_unknown_field_is_a_mistake_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("customer-identified.txt"), "We know.\n{cause}\n").unwrap();
        let (status, out, err) = checked(&format!(
            "[incident]\ntemplates = '{}'\n[[server]]\nname = 'a'\nimap = [{{url = 'imaps://a'}}]\n",
            dir.path().display()
        ));
        assert_eq!((status, out.as_str()), (3, ""));
        assert!(
            err.contains("/customer-identified.txt:2: there is no field {cause}") && err.ends_with("\n1 mistake\n"),
            "{err}"
        );
    }

    #[test]
    fn a_password_command_that_fails_is_a_mistake_of_its_door() {
        let (status, _, err) = checked(
            "[[server]]\nname = 'a'\nimap = [{url = 'imaps://u@b', password_command = ['sh', '-c', 'echo locked >&2; exit 1']}]\n",
        );
        assert_eq!(status, 3);
        assert_eq!(
            err,
            "config.toml:3:50: server[0].imap[0].password_command: sh -c 'echo locked >&2; exit 1': exit status: 1: locked \
             — run it by hand to see why\n1 mistake\n"
        );
    }

    #[tokio::test]
    async fn it_may_be_called_from_inside_a_runtime() {
        let text = "[[server]]\nname = 'a'\nimap = [{url = 'imaps://u@b', password_command = ['echo', 'x']}]\n";
        assert_eq!(checked(text).0, 0);
    }

    #[test]
    fn a_warning_does_not_make_a_config_bad() {
        let text = "[[server]]\nname = 'a'\nimap = [{url = 'imap://u@b', starttls = false, password_command = ['echo', 'x']}]\n";
        let (status, out, err) = checked(text);
        assert_eq!(status, 0);
        assert!(out.starts_with("ok: "));
        assert!(
            err.starts_with("warning: config.toml:3:") && err.contains("in the clear"),
            "{err}"
        );
    }
}
