//! The harmless check: sudo is asked whether it would let each command through (`sudo -n -l COMMAND`, sudo(8)), and runs none
//! of them. It also says yes to what it would ask a password for, so its list is read for that.

use super::super::limits;
use super::{Needs, SudoRule, There, rules, there};
use crate::domain::Text;
use crate::domain::action::{Lack, Rights, Verb};
use crate::domain::argv::Argv;
use crate::domain::job::JobSpec;
use crate::domain::reading::{Miss, Missed};
use crate::reach::{RunLimits, Runner};

/// How many words of arguments follow, then they; for each command. Prints the answer for each, then sudo's whole list.
const ASK: &str = "while [ $# -gt 0 ]; do n=$1; shift; ( rest=$(($# - n)); i=0; while [ $i -lt $n ]; do set -- \"$@\" \"$1\"; shift; \
                   i=$((i + 1)); done; shift $rest; sudo -n -l \"$@\" >/dev/null 2>&1; echo $? ); shift $n; done; sudo -n -ll 2>/dev/null";

/// What the login lacks for a job. Nothing is run for it.
pub async fn rights(spec: &JobSpec, runner: &Runner) -> Result<Rights, Missed> {
    let host = there(std::slice::from_ref(spec), None, runner, spec.timeout).await?;
    lacking(spec, &rules(spec, &host), &host, runner).await
}

/// The same where the server has been asked already.
pub(super) async fn lacking(spec: &JobSpec, needs: &Needs, host: &There, runner: &Runner) -> Result<Rights, Missed> {
    let all: Vec<&SudoRule> = needs.rules.iter().chain(&needs.beyond).collect();
    if all.is_empty() || host.is_root {
        return Ok(Rights::default());
    }
    let tried = |why: &str| Missed::new(Miss::BadAnswer, "what sudo there allows (sudo -n -l)", why);
    if host.sudo.is_none() {
        let missed = Missed::new(
            Miss::NotFound,
            "what sudo there allows (sudo -n -l)",
            "there is no sudo there",
        );
        return Err(missed.fix("install it, or log in there as root"));
    }
    let mut words: Vec<String> = ["-c", ASK, "sh"].map(str::to_owned).to_vec();
    for rule in &all {
        let asked = asked(rule);
        words.push(asked.len().to_string());
        words.extend(asked);
    }
    let ask = Argv::new("sh", words);
    let RunLimits { timeout, max_output } = limits(spec.timeout);
    let out = runner
        .run(
            &ask,
            RunLimits {
                timeout,
                max_output: 4 * max_output,
            },
        )
        .await?;
    let text = String::from_utf8_lossy(&out.stdout);
    let mut lines = text.lines();
    let mut answers = vec![];
    for _ in &all {
        match lines.next().map(str::trim) {
            Some("0") => answers.push(true),
            Some("1") => answers.push(false),
            other => {
                return Err(tried(&format!(
                    "sudo answered with status {}",
                    Text::from(other.unwrap_or("none"))
                )));
            }
        }
    }
    let list = List::of(lines);
    let mut lacks = vec![];
    for ((n, rule), allowed) in all.into_iter().enumerate().zip(answers) {
        let command = if n < needs.rules.len() {
            rule.command(host)
        } else {
            rule.example()
        };
        if !(allowed && list.asks_no_password(&command)) {
            let lack = |verb: &Verb| Lack {
                verb: *verb,
                rule: command.clone(),
            };
            lacks.extend(rule.verbs.iter().map(lack));
        }
    }
    Ok(Rights { lacks })
}

/// What follows `sudo -n -l`.
fn asked(rule: &SudoRule) -> Vec<String> {
    let mut words = vec![];
    if rule.run_as != "root" {
        words.extend(["-u".to_owned(), rule.run_as.clone()]);
    }
    words.push(rule.program.clone());
    words.extend(rule.arguments.sample());
    words
}

/// The entries of `sudo -ll`, in their order: the last that matches counts (sudoers(5)).
#[derive(Debug, Default, PartialEq, Eq)]
struct List {
    never_asks: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    asks: bool,
    /// Each without any white space: sudo breaks long lines.
    commands: Vec<String>,
}

impl List {
    fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut list = Self::default();
        let mut in_commands = false;
        for raw in lines {
            let line = raw.trim();
            if line.starts_with("Sudoers entry") || line.starts_with("LDAP Role") || line.starts_with("SSSD Role") {
                list.entries.push(Entry {
                    asks: true,
                    ..Entry::default()
                });
                in_commands = false;
                continue;
            }
            let Some(entry) = list.entries.last_mut() else {
                list.never_asks |= line.split(',').any(|d| d.trim() == "!authenticate");
                continue;
            };
            if let Some(options) = line.strip_prefix("Options:") {
                entry.asks = !options.split(',').any(|o| o.trim() == "!authenticate");
            } else if line == "Commands:" {
                in_commands = true;
            } else if in_commands {
                // A command begins after a tab, and goes on after spaces.
                if raw.starts_with('\t') {
                    entry.commands.push(String::new());
                }
                if let Some(command) = entry.commands.last_mut() {
                    command.extend(line.split_whitespace());
                }
            }
        }
        list
    }

    /// Of entries that were written by hand it is not known whether they match; those of us and `ALL` do.
    fn asks_no_password(&self, command: &str) -> bool {
        if self.never_asks || self.entries.iter().all(|e| !e.asks) {
            return true;
        }
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        let ours = squeezed(
            command
                .strip_prefix('(')
                .and_then(|c| c.split_once(") "))
                .map_or(command, |(_, c)| c),
        );
        let last = self
            .entries
            .iter()
            .rfind(|e| e.commands.iter().any(|c| c == "ALL" || *c == ours));
        last.is_some_and(|e| !e.asks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As sudo 1.9.13 prints it, with a line that it broke.
    fn list(all_first: bool) -> List {
        let ours = "Sudoers entry:\n    RunAsUsers: root\n    Options: !setenv, !authenticate\n    Commands:\n\t/usr/bin/systemd-run ^--on-active=[1-9][0-9]*m?s\n        \
                    --unit=x$\n\n";
        let all = "Sudoers entry:\n    RunAsUsers: ALL\n    RunAsGroups: ALL\n    Commands:\n\tALL\n\n";
        let head = "Matching Defaults entries for ops on mx1:\n    env_reset,\n    use_pty\n\nUser ops may run the following commands on mx1:\n\n";
        let text = if all_first {
            format!("{head}{all}{ours}")
        } else {
            format!("{head}{ours}{all}")
        };
        List::of(text.lines())
    }

    #[test]
    fn a_yes_that_would_ask_for_a_password_is_no_right() {
        let rule = "/usr/bin/systemd-run ^--on-active=[1-9][0-9]*m?s --unit=x$";
        assert!(list(true).asks_no_password(rule));
        // The last that matches counts.
        assert!(!list(false).asks_no_password(rule));
        assert!(!list(true).asks_no_password("/usr/bin/systemctl freeze x"));
        let only = |options: &str| List::of(format!("Sudoers entry:\n  {options}\n  Commands:\n\tALL\n").lines());
        assert!(only("Options: !authenticate").asks_no_password("/usr/bin/systemctl freeze x"));
        assert!(!only("Options: setenv").asks_no_password("/usr/bin/systemctl freeze x"));
        let never = List::of("Matching Defaults entries for ops on a:\n  env_reset, !authenticate\n\nSudoers entry:\n  Commands:\n\tALL\n".lines());
        assert!(never.asks_no_password("/x y"));
    }
}
