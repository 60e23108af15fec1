//! The user's own editor on words: in a file of its own, with the terminal given away meanwhile. Which editor is asked of
//! `VISUAL` and `EDITOR`, as a shell understands them; vi where neither is set (environ(7)).

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use crate::domain::Text;

/// The most that is read back.
const MOST: u64 = 256 << 10;

fn program() -> OsString {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty());
    set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into())
}

/// An editor that runs on a file.
pub(super) struct Running {
    child: Child,
    file: tempfile::NamedTempFile,
    program: OsString,
}

impl Running {
    /// Starts it on these words.
    pub(super) fn start(words: &str) -> io::Result<Self> {
        let mut file = tempfile::Builder::new()
            .prefix("mailtop-update-")
            .suffix(".txt")
            .tempfile()?;
        file.write_all(words.as_bytes())?;
        file.flush()?;
        let program = program();
        let mut line = program.clone();
        // As git and crontab do: the variable may hold arguments.
        line.push(" \"$@\"");
        let child = Command::new("sh")
            .arg("-c")
            .arg(line)
            .arg("sh")
            .arg(file.path())
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit())
            .spawn()?;
        Ok(Self { child, file, program })
    }

    /// Its process, while it is not known to have ended.
    pub(super) fn pid(&self) -> Option<i32> {
        self.child.id().and_then(|id| i32::try_from(id).ok())
    }

    /// Waits for its end and reads the words.
    pub(super) async fn end(mut self) -> Result<String, Text> {
        let name = Text::from_bytes(self.program.as_encoded_bytes());
        match self.child.wait().await {
            Ok(status) if status.success() => {
                read(self.file.path()).map_err(|e| format!("what {name} left cannot be read: {e}").into())
            }
            Ok(status) => Err(format!("{name} ended with {}: the draft is as it was", ended(status)).into()),
            Err(e) => Err(format!("{name}: {e}").into()),
        }
    }
}

fn ended(status: ExitStatus) -> String {
    status
        .code()
        .map_or_else(|| "a signal".to_owned(), |c| format!("status {c}"))
}

/// By its name: an editor may have put another file in its place.
fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
