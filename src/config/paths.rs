//! Where mailtop's own files are: config, journal, log, and the folder of ssh's control sockets. The folders that
//! `directories` gives, unless the command line says otherwise. Nothing is made here but the runtime folder.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// A UNIX socket's path has at most 108 bytes with its closing NUL (unix(7)); ssh and the folder that is made for each
/// connection append up to 48 of them.
const MAX_RUNTIME_DIR: usize = 60;

/// Where things are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paths {
    /// `config.toml`.
    pub config: PathBuf,
    /// `journal.db`.
    pub journal: PathBuf,
    /// `mailtop.log`.
    pub log: PathBuf,
    /// `canary.key`, under which canary letters are signed.
    pub canary_key: PathBuf,
    /// Candidates for the runtime folder, best first.
    runtime: Vec<Candidate>,
}

/// What the command line says in place of the usual.
#[derive(Clone, Default, Debug)]
pub struct Overrides {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--journal`.
    pub journal: Option<PathBuf>,
}

/// Why there is no path.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoPath {
    /// Nobody says where the home folder is.
    #[error(
        "no home folder: HOME is not set and this user has none; set HOME, or give --config FILE and --journal FILE"
    )]
    NoHome,
    /// No folder is fit for sockets.
    #[error("no folder for ssh's control sockets: {0}; set XDG_RUNTIME_DIR to a folder of your own with mode 0700")]
    NoRuntime(String),
}

/// A folder that may serve.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Candidate {
    /// Inside a folder that is the user's own.
    Own(PathBuf),
    /// In the folder for everybody's temporary files, where somebody else may have been first; the user's number is put
    /// behind it.
    Shared(PathBuf),
}

impl Paths {
    /// The paths of this user. Where both files are given, no home folder is needed.
    pub fn new(overrides: Overrides) -> Result<Self, NoPath> {
        Self::from(ProjectDirs::from("", "", "mailtop"), overrides)
    }

    fn from(dirs: Option<ProjectDirs>, overrides: Overrides) -> Result<Self, NoPath> {
        let temp = Candidate::Shared("/tmp/mailtop".into());
        let Some(dirs) = dirs else {
            let (Some(config), Some(journal)) = (overrides.config, overrides.journal) else {
                return Err(NoPath::NoHome);
            };
            let log = journal.with_file_name("mailtop.log");
            let canary_key = journal.with_file_name("canary.key");
            return Ok(Self {
                config,
                journal,
                log,
                canary_key,
                runtime: vec![temp],
            });
        };
        // Some systems have no state folder; what belongs there is data then.
        let state = dirs.state_dir().unwrap_or_else(|| dirs.data_dir());
        let mut runtime: Vec<Candidate> = dirs
            .runtime_dir()
            .map(|d| Candidate::Own(d.to_owned()))
            .into_iter()
            .collect();
        runtime.push(Candidate::Own(state.join("run")));
        runtime.push(temp);
        Ok(Self {
            config: overrides
                .config
                .unwrap_or_else(|| dirs.config_dir().join("config.toml")),
            journal: overrides.journal.unwrap_or_else(|| dirs.data_dir().join("journal.db")),
            log: state.join("mailtop.log"),
            canary_key: state.join("canary.key"),
            runtime,
        })
    }

    /// A folder for sockets that nobody else can enter, made if it is not there: in `XDG_RUNTIME_DIR`, else in the state
    /// folder, else `/tmp/mailtop-UID`. A folder whose path is too long for a socket is passed over.
    pub fn runtime_dir(&self) -> Result<PathBuf, NoPath> {
        let mut why = Vec::new();
        for candidate in &self.runtime {
            let made = match candidate {
                Candidate::Own(dir) => private_dir(dir).map(|()| dir.clone()),
                Candidate::Shared(stem) => me().map_err(|e| e.to_string()).and_then(|uid| {
                    let dir = PathBuf::from(format!("{}-{uid}", stem.display()));
                    private_dir(&dir).map(|()| dir)
                }),
            };
            match made {
                Ok(dir) => return Ok(dir),
                Err(reason) => why.push(reason),
            }
        }
        Err(NoPath::NoRuntime(why.join("; ")))
    }
}

/// Makes a folder of mode 0700 with what is above it, or checks the one that is there.
fn private_dir(dir: &Path) -> Result<(), String> {
    let shown = dir.display();
    if dir.as_os_str().len() > MAX_RUNTIME_DIR {
        return Err(format!("{shown} is too long for a socket"));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| format!("{shown}: {e}"))?;
    // Not following links: in a folder for everybody, somebody may have put one there.
    let meta = std::fs::symlink_metadata(dir).map_err(|e| format!("{shown}: {e}"))?;
    if !meta.is_dir() {
        return Err(format!("{shown} is not a folder"));
    }
    let uid = me().map_err(|e| format!("{shown}: {e}"))?;
    if meta.uid() != uid {
        return Err(format!("{shown} belongs to user {}", meta.uid()));
    }
    if super::secret::privacy(meta.permissions().mode()) != super::secret::Privacy::Owner {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).map_err(|e| format!("{shown}: {e}"))?;
    }
    Ok(())
}

/// This user's number: that of a file which was made just now. (The library has no safe call for it.)
fn me() -> std::io::Result<u32> {
    Ok(tempfile::tempfile()?.metadata()?.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short_temp() -> tempfile::TempDir {
        tempfile::Builder::new().prefix("mt").tempdir_in("/tmp").unwrap()
    }

    fn with_runtime(runtime: Vec<Candidate>) -> Paths {
        Paths {
            config: PathBuf::new(),
            journal: PathBuf::new(),
            log: PathBuf::new(),
            canary_key: PathBuf::new(),
            runtime,
        }
    }

    #[test]
    fn without_a_home_folder_both_files_must_be_named() {
        let only_config = Overrides {
            config: Some("/c".into()),
            journal: None,
        };
        assert_eq!(Paths::from(None, only_config), Err(NoPath::NoHome));
        let both = Overrides {
            config: Some("/c".into()),
            journal: Some("/j/x.db".into()),
        };
        assert_eq!(Paths::from(None, both).unwrap().log, Path::new("/j/mailtop.log"));
    }

    #[test]
    fn the_command_line_comes_before_the_usual_folders() {
        let given = Overrides {
            config: Some("/c".into()),
            journal: Some("/j".into()),
        };
        let paths = Paths::new(given).unwrap();
        assert_eq!(
            (paths.config.as_path(), paths.journal.as_path()),
            (Path::new("/c"), Path::new("/j"))
        );
        assert!(paths.log.ends_with("mailtop.log"));
    }

    #[test]
    fn the_runtime_folder_is_made_private() {
        let top = short_temp();
        let dir = top.path().join("a/b");
        assert_eq!(
            with_runtime(vec![Candidate::Own(dir.clone())]).runtime_dir(),
            Ok(dir.clone())
        );
        assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(private_dir(&dir), Ok(()));
        assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_link_or_a_path_too_long_is_passed_over_for_the_next() {
        let top = short_temp();
        let link = top.path().join("link");
        std::os::unix::fs::symlink("/etc", &link).unwrap();
        let long = top.path().join("x".repeat(60));
        let stem = top.path().join("mailtop");
        let paths = with_runtime(vec![
            Candidate::Own(link),
            Candidate::Own(long.clone()),
            Candidate::Shared(stem.clone()),
        ]);
        let uid = me().unwrap();
        assert_eq!(
            paths.runtime_dir(),
            Ok(PathBuf::from(format!("{}-{uid}", stem.display())))
        );
        assert!(!long.exists());
    }

    #[test]
    fn when_no_folder_serves_each_reason_is_named() {
        let top = short_temp();
        let file = top.path().join("file");
        std::fs::write(&file, "").unwrap();
        let why = with_runtime(vec![Candidate::Own(file.join("x"))])
            .runtime_dir()
            .unwrap_err();
        assert!(why.to_string().contains("file/x"), "{why}");
    }
}
