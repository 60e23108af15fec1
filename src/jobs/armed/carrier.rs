//! How a resume is given to systemd-run, so that what the server runs in the end is exactly that. systemd keeps the
//! command line in a unit file, which it reads again at each `systemctl daemon-reload`, and what systemd 252 writes there
//! for `;` and `$` it reads back as `\;` and `\$`: another command, that resumes nothing. So only harmless command lines are
//! given as they are. Any other is given to a shell on its standard input, as data in base64 (systemd.exec(5)): in a unit
//! file no letter of that is special.

use super::super::{act, limits};
use crate::domain::Span;
use crate::domain::argv::Argv;
use crate::domain::reading::{Miss, Missed};
use crate::reach::Runner;

/// Prints where each program is, one on a line, or an empty line; the name itself where the shell has it built in.
const WHERE: &str = "for p; do q=$(command -v -- \"$p\"); case $q in '' | /*) ;; */*) q=$PWD/$q ;; esac; \
                     printf '%s\\n' \"$q\"; done";

/// Letters, digits and these: no unit file, no shell in single quotes, and no version of systemd makes more of them.
fn is_plain(arg: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" +/=_.,:@-|&".contains(&b);
    !arg.is_empty() && arg.bytes().all(plain)
}

/// A command line that can be given as it is. A program that looks like an option would be one of systemd-run's.
fn is_given_as_it_is(argv: &Argv) -> bool {
    is_plain(argv.program()) && !argv.program().starts_with('-') && argv.args().iter().all(|a| is_plain(a))
}

/// All of them as one command: one after the other, whatever becomes of each. Without a `;`, see above.
pub(super) fn as_one(back: &[Argv]) -> Argv {
    match back {
        [one] => one.clone(),
        more => {
            let script = more.iter().map(Argv::quoted).collect::<Vec<_>>().join(" || true && ");
            Argv::new("sh", ["-c", &script])
        }
    }
}

/// Whether the command that arms it shows it only in base64.
pub(in super::super) fn is_hidden(back: &[Argv]) -> bool {
    !is_given_as_it_is(&as_one(back))
}

/// What systemd-run is told to run: its last words.
pub(super) fn words(back: &[Argv]) -> Vec<String> {
    let one = as_one(back);
    if is_given_as_it_is(&one) {
        return one.into();
    }
    // The shell has read all of its input when it starts the command, which is to find what it would find otherwise.
    let input = format!("{} </dev/null\n", one.quoted());
    vec![
        "--property=StandardInput=data".to_owned(),
        format!(
            "--property=StandardInputData={}",
            openssl::base64::encode_block(input.as_bytes())
        ),
        "sh".to_owned(),
    ]
}

/// The same commands with their programs by their whole paths, as the login there finds them. Of a single plain command
/// systemd-run finds the program itself, or fails; of any other the shell would look only when it is too late to tell.
pub(in super::super) async fn located(back: Vec<Argv>, runner: &Runner, timeout: Span) -> Result<Vec<Argv>, Missed> {
    if matches!(&*back, [one] if is_given_as_it_is(one)) {
        return Ok(back);
    }
    by_path(back, runner, timeout).await
}

/// The same, whatever they hold: for what is armed without systemd-run.
pub(in super::super) async fn by_path(back: Vec<Argv>, runner: &Runner, timeout: Span) -> Result<Vec<Argv>, Missed> {
    let ask = Argv::new(
        "sh",
        ["-c", WHERE, "sh"].into_iter().chain(back.iter().map(Argv::program)),
    );
    let out = runner.run(&ask, limits(timeout)).await?;
    let missed = |kind, why: String| Missed::new(kind, runner.shown(&ask), why);
    let found = std::str::from_utf8(&out.stdout).map(|t| t.lines().collect::<Vec<_>>());
    let found = found.ok().filter(|f| out.ok() && f.len() == back.len());
    let Some(found) = found else {
        return Err(missed(Miss::BadAnswer, format!("it {}", act::ended(&out))));
    };
    let found_at = |(argv, path): (Argv, &str)| match path {
        "" => {
            let why = format!(
                "there is no program {} there, so a resume cannot be armed",
                argv.program()
            );
            Err(missed(Miss::NotFound, why).fix("write it with its whole path in the config"))
        }
        path => Ok(Argv::new(path, argv.args().iter().cloned())),
    };
    back.into_iter().zip(found).map(found_at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the shell gets to read.
    fn input(words: &[String]) -> String {
        let [how, data, sh] = words else { panic!("{words:?}") };
        assert_eq!((&**how, &**sh), ("--property=StandardInput=data", "sh"));
        let data = data.strip_prefix("--property=StandardInputData=").unwrap();
        assert!(
            data.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)),
            "{data}"
        );
        String::from_utf8(openssl::base64::decode_block(data).unwrap()).unwrap()
    }

    /// The arguments that a real shell hands on when that is its input, and what is left on its standard input for them.
    fn handed_on(input: &str) -> (Vec<String>, String) {
        use std::io::{Seek, Write};
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(input.as_bytes()).unwrap();
        file.rewind().unwrap();
        let out = std::process::Command::new("sh").stdin(file).output().unwrap();
        assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
        let all = String::from_utf8(out.stdout).unwrap();
        let (rest, args) = all.split_once('\0').unwrap();
        let args = args
            .strip_suffix('\0')
            .map(|a| a.split('\0').map(str::to_owned).collect());
        (args.unwrap_or_default(), rest.to_owned())
    }

    /// A command that prints its input and its arguments.
    fn printing(args: &[String]) -> Argv {
        let script = "cat; printf '\\0'; [ $# = 0 ] || printf '%s\\0' \"$@\"";
        Argv::new(
            "sh",
            ["-c", script, "sh"].into_iter().chain(args.iter().map(String::as_str)),
        )
    }

    #[test]
    fn a_harmless_command_is_given_as_it_is() {
        let thaw = Argv::new("systemctl", ["thaw", "db-compact@a.service"]);
        assert_eq!(words(std::slice::from_ref(&thaw)), Vec::from(thaw.clone()));
        let start = Argv::new("/usr/bin/systemctl", ["start", "x.timer"]);
        let both = "systemctl thaw db-compact@a.service || true && /usr/bin/systemctl start x.timer";
        assert_eq!(words(&[thaw.clone(), start.clone()]), ["sh", "-c", both]);
        assert!(!is_hidden(&[thaw, start]));
    }

    #[test]
    fn the_second_command_runs_whatever_becomes_of_the_first() {
        for first in ["true", "false"] {
            let [first, second] = [Argv::new(first, [""; 0]), Argv::new("echo", ["second"])];
            let [sh, args @ ..] = &*words(&[first, second]) else {
                panic!("no words")
            };
            let out = std::process::Command::new(sh).args(args).output().unwrap();
            assert!(out.status.success() && out.stdout == b"second\n", "{out:?}");
        }
    }

    #[test]
    fn a_command_with_anything_else_in_it_reaches_its_program_by_a_shell() {
        let awkward = [
            "",
            ";",
            "a;b",
            "$HOME",
            "${HOME}",
            "$$",
            "%n",
            "\\",
            "a\\nb",
            "\n",
            "two\nlines",
            "it's",
            "\"so\"",
            "`id`",
            "*",
            "#",
            "ü → 😀",
            "\t",
            "\r",
            "~",
            "(",
            ">x",
        ];
        for arg in awkward {
            assert!(is_hidden(&[Argv::new("p", [arg])]), "{arg:?}");
            assert!(is_hidden(&[Argv::new("p", ["a", arg, "b"])]), "{arg:?}");
        }
        assert!(is_hidden(&[Argv::new("my prog;", ["a"])]) && is_hidden(&[Argv::new("--help", ["a"])]));
        let args = awkward.map(str::to_owned);
        assert_eq!(
            handed_on(&input(&words(&[printing(&args)]))),
            (args.to_vec(), String::new())
        );
        let odd = Argv::new("systemctl", ["start", "a\\x2db.timer"]);
        assert_eq!(
            input(&words(&[odd.clone(), odd])),
            "sh -c 'systemctl start '\\''a\\x2db.timer'\\'' || true && systemctl start '\\''a\\x2db.timer'\\''' </dev/null\n"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_argument_is_changed_on_its_way_through_the_shell(args in prop::collection::vec("[^\\x00]{0,9}|[ '\"\\\\$;\n]{0,9}", 0..6)) {
            prop_assert_eq!(handed_on(&input(&words(&[printing(&args)]))), (args, String::new()));
        }
    }

    #[tokio::test]
    async fn a_program_is_found_when_the_resume_is_armed_or_it_is_not_armed() {
        let located = async |back: Vec<Argv>| located(back, &Runner::local(), Span::from_secs(60)).await;
        let plain = vec![Argv::new("no-such-program", ["a"])];
        assert_eq!(located(plain.clone()).await.unwrap(), plain);
        let odd = |program: &str| Argv::new(program, [";", "two\nlines", ""]);
        let found = located(vec![odd("sh"), odd("echo")]).await.unwrap();
        assert!(
            found[0].program().starts_with('/') && found[0].program().ends_with("/sh"),
            "{found:?}"
        );
        assert_eq!((found[0].args(), &found[1]), (odd("sh").args(), &odd("echo")));
        for gone in ["no-such-program", "/no/such", "-x", "--help"] {
            let missed = located(vec![odd("sh"), odd(gone)]).await.unwrap_err();
            assert!(missed.kind == Miss::NotFound && missed.fix.is_some(), "{missed}");
            assert!(missed.why.contains(gone), "{missed}");
        }
    }
}
