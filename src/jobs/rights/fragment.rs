//! The text for `/etc/sudoers.d`: a rule on a line, each job under its name, with what no rule is printed for and why.

use super::{There, rules};
use crate::domain::Text;
use crate::domain::job::JobSpec;

/// Where the text goes. Names with a dot or a `~` in them are passed over there (sudoers(5)).
const FILE: &str = "/etc/sudoers.d/mailtop";

/// The complete text for the jobs of a server. `asked` says whether the server told where its programs are.
pub fn fragment(server: &str, login: &str, specs: &[JobSpec], host: &There, asked: Result<(), &Text>) -> String {
    let mut out = String::new();
    let mut say = |line: &str| {
        out.push_str(line);
        out.push('\n');
    };
    let server = Text::from(server);
    say(&format!(
        "# What the login \"{login}\" needs on the server \"{server}\" for its jobs in mailtop, and nothing more."
    ));
    say("# Save it there to a file of root's, look at it, and install it as root, in this order:");
    say("#     visudo -cf FILE");
    say(&format!("#     install -o root -g root -m 0440 FILE {FILE}"));
    say("# It needs sudo 1.9.10 or later: the rules hold regular expressions, and no older one could be as exact.");
    match (asked, &host.sudo) {
        (Err(why), _) => {
            say(&comment(&format!("The server could not be asked ({why}).")));
            say("# The paths are Debian's usual ones: compare them there with `command -v`.");
        }
        (Ok(()), Some(sudo)) => say(&comment(&format!("sudo there is {}.", sudo.word))),
        (Ok(()), None) => say("# There is no sudo there yet."),
    }
    for spec in specs {
        let needs = rules(spec, host);
        if needs.is_nothing() {
            continue;
        }
        say("");
        say(&comment(&format!("{} ({}):", spec.name, spec.kind.word())));
        for why in &needs.cannot {
            say(&comment(why));
        }
        for line in needs.rules.iter().filter_map(|r| r.line(host)) {
            say(&format!("{login} {line}"));
        }
    }
    out
}

/// One line, whatever is in it, that nothing carries on.
fn comment(text: &str) -> String {
    let text = Text::bounded(text.as_bytes(), 1_000);
    let text = text.trim_end_matches('\\');
    format!("# {text}")
}

/// Why a login's name cannot stand in sudoers, if it cannot: there, capitals only are an alias, and signs have meanings.
pub fn bad_login(login: &str) -> Option<&'static str> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if login.is_empty() || login.len() > 256 || login.starts_with('-') || !login.chars().all(good) {
        return Some("is not a login's name that a rule can hold");
    }
    if !login.chars().any(|c| c.is_ascii_lowercase()) {
        return Some("would be an alias in sudoers, which are in capitals");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_sudoers_takes_for_something_else_is_refused() {
        for bad in [
            "",
            "ALL",
            "OPS",
            "OPS_2",
            "%wheel",
            "+net",
            "#0",
            "a b",
            "a,b",
            "-x",
            "a\nb",
            "ops ALL=(ALL) ALL",
            "12",
        ] {
            assert!(bad_login(bad).is_some(), "{bad:?}");
        }
        for good in ["ops", "Ops", "svc-mail.1"] {
            assert_eq!(bad_login(good), None, "{good}");
        }
    }

    #[test]
    fn a_comment_is_one_line_and_ends_there() {
        assert_eq!(comment("a\nops ALL=(ALL) ALL\\"), "# a␊ops ALL=(ALL) ALL");
    }
}
