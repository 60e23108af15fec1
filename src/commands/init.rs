//! `mailtop init`: looks at this host and writes a commented config from what it found. It never writes over a file
//! without being told to, and then it keeps what was there.

use std::fs::DirBuilder;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::discover::{self, Found};

/// `mailtop init`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Replace the config that is there; it is kept beside the new one
    #[arg(long)]
    pub force: bool,
}

/// What to do with a config that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    /// Leave it.
    Keep,
    /// Replace it, and keep it under another name.
    Replace,
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Where the config that was there before is now.
    pub backup: Option<PathBuf>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// There is one already.
    #[error("{0} is there already; `mailtop init --force` replaces it and keeps it as a backup")]
    Exists(PathBuf),
    /// The disk would not have it.
    #[error("cannot write {path}: {why}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
}

/// Looks at this host and writes the config to `path`. It blocks: not for an async task.
pub fn run(args: &Args, path: &Path) -> ExitCode {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let (out, err) = (&mut std::io::stdout().lock(), &mut std::io::stderr().lock());
    let look = || {
        let found = discover::this_host();
        for line in found.describe() {
            let _ = writeln!(err, "{line}");
        }
        found
    };
    match write(path, existing, look) {
        Ok((written, found)) => {
            let _ = writeln!(out, "wrote {}", path.display());
            if let Some(backup) = written.backup {
                let _ = writeln!(out, "kept the one before as {}", backup.display());
            }
            let next = if found.is_empty() {
                "nothing here can be watched yet: name your servers in it, then run `mailtop config check`"
            } else {
                "next: run `mailtop`, or add more servers and run `mailtop config check`"
            };
            let _ = writeln!(err, "{next}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(err, "{why}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the config of what `look` finds, with mode 0600, folders with 0700. Looks only when it may write.
pub fn write(path: &Path, existing: Existing, look: impl FnOnce() -> Found) -> Result<(Written, Found), NotWritten> {
    let is_there = std::fs::symlink_metadata(path).is_ok();
    if is_there && existing == Existing::Keep {
        return Err(NotWritten::Exists(path.to_owned()));
    }
    let found = look();
    let io = |path: &Path| {
        let path = path.to_owned();
        move |why| NotWritten::Io { path, why }
    };
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(io(folder))?;
    // A file of its own first, mode 0600 from its first byte on; then it takes the name in one step, so that there is
    // never half a config, and no second `init` is overwritten.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io(folder))?;
    file.write_all(found.to_toml().as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(io(path))?;
    let backup = if is_there {
        Some(keep(path).map_err(io(path))?)
    } else {
        None
    };
    let placed = match existing {
        Existing::Keep => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    };
    match placed {
        Ok(_) => Ok((Written { backup }, found)),
        Err(why) if why.error.kind() == ErrorKind::AlreadyExists => Err(NotWritten::Exists(path.to_owned())),
        Err(why) => Err(io(path)(why.error)),
    }
}

/// Gives a file a second name that nothing has yet: `config.toml.bak`, `config.toml.bak2`, …
fn keep(path: &Path) -> std::io::Result<PathBuf> {
    let mut n = 1;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(".bak");
        if n > 1 {
            name.push(n.to_string());
        }
        let backup = PathBuf::from(name);
        match std::fs::hard_link(path, &backup) {
            Err(why) if why.kind() == ErrorKind::AlreadyExists && n < 10_000 => n += 1,
            Err(why) => return Err(why),
            Ok(()) => return Ok(backup),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Name;
    use std::os::unix::fs::PermissionsExt;

    fn found(host: &str) -> Found {
        Found {
            host: Name::new(host),
            postfix: vec![],
            doors: vec![],
            units: vec![],
            others: vec![],
            unread: vec![],
        }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_config_and_its_folder_are_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/mailtop/config.toml");
        let (written, _) = write(&path, Existing::Keep, || found("mx1")).unwrap();
        assert_eq!(written.backup, None);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(std::fs::read_to_string(&path).unwrap().contains("mx1"));
    }

    #[test]
    fn a_config_that_is_there_is_left_alone_and_nothing_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "mine").unwrap();
        let why = write(&path, Existing::Keep, || panic!("looked")).unwrap_err();
        assert!(matches!(why, NotWritten::Exists(_)));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn force_keeps_every_config_that_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "first").unwrap();
        let (one, _) = write(&path, Existing::Replace, || found("second")).unwrap();
        let (two, _) = write(&path, Existing::Replace, || found("third")).unwrap();
        let text = |p: &Path| std::fs::read_to_string(p).unwrap();
        assert_eq!(text(&one.backup.unwrap()), "first");
        assert!(text(&two.backup.unwrap()).contains("second"));
        assert!(text(&path).contains("third"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_config_that_appears_meanwhile_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let why = write(&path, Existing::Keep, || {
            std::fs::write(&path, "mine").unwrap();
            found("mx1")
        });
        assert!(matches!(why, Err(NotWritten::Exists(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let path = dir.path().join("file/config.toml");
        let why = write(&path, Existing::Keep, || found("mx1")).unwrap_err().to_string();
        assert!(why.starts_with("cannot write ") && why.contains("/file"), "{why}");
    }
}
