//! The user's own editor on words: in a file of its own, with the terminal given away meanwhile. Which editor is asked of
//! `VISUAL` and `EDITOR`, as a shell understands them; vi where neither is set (environ(7)).

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::process::{Child, Command};

use crate::domain::Text;

/// The most that is read back.
const MOST: u64 = 256 << 10;

fn program() -> OsString {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty());
    set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into())
}

/// The terminal's modes as they are now.
pub(super) fn modes() -> Option<Termios> {
    tcgetattr(io::stdin()).ok()
}

/// Sets them.
pub(super) fn set_modes(modes: &Termios) {
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
}

/// Ends an editor as a terminal that hangs up does, and waits a moment for it to put the terminal back.
pub(super) fn end(editor: Pid) {
    if kill_process(editor, Signal::HUP).is_err() {
        return;
    }
    for _ in 0..20 {
        if test_kill_process(editor).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
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
        // As git and crontab do: the variable may hold arguments, and more. A plain one takes the shell's place, so that a
        // signal for it reaches it.
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b" _-+./:@,~".contains(b);
        let exec = program.as_encoded_bytes().iter().all(plain);
        let mut line = OsString::from(if exec { "exec " } else { "" });
        line.push(&program);
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
            // What a shell says of a program that it does not find (XCU 2.8.2).
            Ok(status) if status.code() == Some(127) => {
                Err(format!("there is no {name} here: set VISUAL or EDITOR, or edit with e").into())
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
    std::fs::File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 256 KiB, more than any update is",
        ));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
