//! What surrounds the configuration: the environment, the home folder, the folder that relative paths start from. Handed
//! in, so that loading keeps no state and a test needs no process of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The surroundings that a config or a target is read in.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The home folder, for `~`.
    pub home: Option<PathBuf>,
    /// Where variables are looked up.
    pub env: Env,
}

/// Where environment variables are looked up.
#[derive(Clone, Debug, Default)]
pub enum Env {
    /// In the environment of this process.
    #[default]
    Process,
    /// In this map.
    Map(BTreeMap<String, OsString>),
}

impl Around {
    /// The surroundings of this process.
    pub fn here() -> Self {
        Self {
            home: directories::BaseDirs::new().map(|d| d.home_dir().to_owned()),
            env: Env::Process,
        }
    }
    /// The value of a variable; `None` also for a name that no variable can have.
    pub fn var(&self, name: &str) -> Option<OsString> {
        match &self.env {
            // std panics on nothing here, but promises nothing for names with `=` or NUL.
            Env::Process if name.is_empty() || name.contains(['=', '\0']) => None,
            Env::Process => std::env::var_os(name),
            Env::Map(map) => map.get(name).cloned(),
        }
    }
    /// A path as written: `~/` starts at home, anything else that is relative at `base`.
    pub fn resolve(&self, base: &Path, written: &str) -> PathBuf {
        let rest = if written == "~" {
            Some("")
        } else {
            written.strip_prefix("~/")
        };
        match (rest, &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => base.join(written),
        }
    }
    /// A command whose program may be written as such a path. A bare name stays: it is looked up in `PATH`.
    pub fn resolve_program(&self, base: &Path, mut argv: Vec<String>) -> Vec<String> {
        if let Some(program) = argv.first_mut()
            && program.contains('/')
            && let Ok(resolved) = self.resolve(base, program).into_os_string().into_string()
        {
            *program = resolved;
        }
        argv
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_home_at_the_files_folder_or_at_the_root() {
        let around = Around {
            home: Some("/home/lin".into()),
            env: Env::Map(BTreeMap::new()),
        };
        let base = Path::new("/etc/mailtop");
        for (written, want) in [
            ("~/.secret", "/home/lin/.secret"),
            ("~", "/home/lin/"),
            ("~other/x", "/etc/mailtop/~other/x"),
            ("ca.pem", "/etc/mailtop/ca.pem"),
            ("/ca.pem", "/ca.pem"),
        ] {
            assert_eq!(around.resolve(base, written), Path::new(want), "{written}");
        }
        let argv = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            around.resolve_program(base, argv(&["./get", "./x"])),
            argv(&["/etc/mailtop/./get", "./x"])
        );
        assert_eq!(around.resolve_program(base, argv(&["pass"])), argv(&["pass"]));
    }

    #[test]
    fn a_name_that_no_variable_can_have_is_not_set() {
        for name in ["", "A=B", "A\0B"] {
            assert_eq!(Around::here().var(name), None);
        }
    }
}
