//! Words to the clipboard of the terminal, or to a file where it does not take them. Asking tmux takes a moment, so it is done
//! on a task of its own; the console hears what became of it.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::domain::Text;
use crate::domain::effect::CopyTo;

use super::outside::{self, Around, MOST, Way};

/// tmux answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does it, and says what became of it.
pub(super) async fn copy(words: String, name: String, to: CopyTo, folder: Option<PathBuf>) -> Text {
    let folder = folder.as_deref();
    if to == CopyTo::File {
        return written(&words, &name, folder, "as you asked");
    }
    if words.len() > MOST {
        let why = format!("too long for a clipboard ({} kB)", words.len() / 1_000);
        return written(&words, &name, folder, &why);
    }
    let env = |name: &str| std::env::var(name).ok();
    let way = match outside::around(env) {
        Around::Tmux => ask_tmux().await,
        Around::Terminal => Way::Plain,
        Around::Poor(why) => Way::None(why),
    };
    let sequence = outside::clipboard(&words);
    let sent = match way {
        Way::Plain => send(&sequence).map(|()| outside::handed(env)),
        Way::Wrapped => {
            send(&outside::wrapped(&sequence)).map(|()| "handed through tmux to its terminal (OSC 52); Y writes a file")
        }
        Way::Buffer => buffer(&words)
            .await
            .map(|()| "in tmux's buffer (prefix ]), and handed to its terminal; Y writes a file"),
        Way::None(why) => return written(&words, &name, folder, why),
    };
    match sent {
        Ok(said) => said.into(),
        Err(why) => written(&words, &name, folder, &why.to_string()),
    }
}

fn send(sequence: &[u8]) -> io::Result<()> {
    // Between two frames: each is one write under the same lock.
    let mut out = io::stdout().lock();
    out.write_all(sequence)?;
    out.flush()
}

async fn ask_tmux() -> Way {
    let clipboard = option(&["show-options", "-sv", "set-clipboard"]).await;
    let passthrough = option(&["show-options", "-pAv", "allow-passthrough"]).await;
    outside::through_tmux(clipboard.as_deref(), passthrough.as_deref())
}

/// What tmux has for an option; `None` when it knows none of that name, or gives no answer.
async fn option(args: &[&str]) -> Option<String> {
    let asked = Command::new("tmux")
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let out = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Makes a buffer of tmux; `-w` hands it on to the terminal (tmux 3.2).
async fn buffer(words: &str) -> io::Result<()> {
    let mut child = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let done = async {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(words.as_bytes()).await?;
        }
        child.wait().await
    };
    match tokio::time::timeout(PATIENCE, done).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(_)) => Err(io::Error::other("tmux did not take it")),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(io::Error::other("tmux gave no answer")),
    }
}

/// Writes the words to a file of the user's own, and says first where it is, then why it is a file; or why there is none.
fn written(words: &str, name: &str, folder: Option<&Path>, why: &str) -> Text {
    let Some(folder) = folder else {
        return format!("not copied ({why}), and there is no folder for a file").into();
    };
    let path = folder.join(name);
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|h| h.is_absolute());
    let shown = match home.and_then(|h| path.strip_prefix(h).ok().map(Path::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    };
    match write(words, folder, &path) {
        Ok(()) => format!("{shown} has it: {why}").into(),
        Err(e) => format!("{shown} could not be written: {e} ({why})").into(),
    }
}

fn write(words: &str, folder: &Path, path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(words.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn words_that_are_too_long_go_to_a_file_of_ones_own_that_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state");
        let words = "é".repeat(MOST / 2 + 1);
        let said = copy(
            words.clone(),
            "update-1.txt".into(),
            CopyTo::Clipboard,
            Some(folder.clone()),
        )
        .await;
        let path = folder.join("update-1.txt");
        assert_eq!(
            &*said,
            format!("{} has it: too long for a clipboard (74 kB)", path.display())
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), words);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let said = copy("short".into(), "update-1.txt".into(), CopyTo::File, Some(folder)).await;
        assert!(said.ends_with("has it: as you asked"), "{said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "short");
        let said = copy("short".into(), "x".into(), CopyTo::File, None).await;
        assert!(said.contains("no folder"), "{said}");
    }
}
