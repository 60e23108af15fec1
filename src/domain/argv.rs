//! A command as an argument vector, never as a shell string, and the one place where it is quoted: for a person to read
//! and for the remote shell that ssh hands it to (POSIX sh, XCU 2.2.2).

use serde::{Deserialize, Serialize};

/// A program and its arguments. Never empty.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Argv(Vec<String>);

impl Argv {
    /// A program with arguments.
    pub fn new<S: Into<String>>(program: impl Into<String>, args: impl IntoIterator<Item = S>) -> Self {
        Self(
            std::iter::once(program.into())
                .chain(args.into_iter().map(Into::into))
                .collect(),
        )
    }
    /// The program.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
    /// Its arguments.
    pub fn args(&self) -> &[String] {
        self.0.get(1..).unwrap_or_default()
    }
    /// The same command run by way of another program, for example `sudo -n`.
    #[must_use]
    pub fn under(&self, prefix: &[&str]) -> Self {
        Self(
            prefix
                .iter()
                .map(|s| (*s).to_owned())
                .chain(self.0.iter().cloned())
                .collect(),
        )
    }
    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.0.push(arg.into());
        self
    }
    /// Quoted for a POSIX shell, as one would type it.
    pub fn quoted(&self) -> String {
        self.0.iter().map(|a| quote(a)).collect::<Vec<_>>().join(" ")
    }
}

impl TryFrom<Vec<String>> for Argv {
    type Error = &'static str;
    fn try_from(all: Vec<String>) -> Result<Self, Self::Error> {
        if all.first().is_none_or(|p| p.trim().is_empty()) {
            return Err(
                "an empty command: write the program and its arguments as a list, for example [\"mailq\", \"-q\"]",
            );
        }
        if all.iter().any(|a| a.contains('\0')) {
            return Err("a command argument holds a NUL byte, which no program can be given");
        }
        Ok(Self(all))
    }
}

impl From<Argv> for Vec<String> {
    fn from(a: Argv) -> Self {
        a.0
    }
}

/// One argument for a POSIX shell: bare when it is harmless, else in single quotes, in which nothing is special.
pub fn quote(arg: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !arg.is_empty() && arg.chars().all(harmless) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let a = Argv::new("systemctl", ["freeze", "mail-db-compact.service"]);
        assert_eq!(a.quoted(), "systemctl freeze mail-db-compact.service");
        assert_eq!(
            a.under(&["sudo", "-n"]).quoted(),
            "sudo -n systemctl freeze mail-db-compact.service"
        );
        assert_eq!(
            Argv::new("echo", ["it's", "", "$(reboot)"]).quoted(),
            r"echo 'it'\''s' '' '$(reboot)'"
        );
    }

    #[test]
    fn an_empty_command_and_a_nul_are_refused() {
        assert!(Argv::try_from(Vec::new()).is_err());
        assert!(Argv::try_from(vec![" ".to_owned()]).is_err());
        assert!(Argv::try_from(vec!["a".to_owned(), "b\0".to_owned()]).is_err());
    }
}
