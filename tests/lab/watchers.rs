//! What a pause on this host left to wait for its end outlives the program, as it should: a test ends those of its own folder.

use std::path::Path;

/// The numbers of the watchers whose home is this folder, or whose command names something in it.
#[allow(dead_code)] // Not every test program counts them.
pub fn of(folder: &Path) -> Vec<String> {
    let begins = b"sh\0-c\0: mailtop watcher;";
    let home = format!("HOME={}", folder.display());
    let inside = folder.display().to_string();
    let mut all = vec![];
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name: &str| std::fs::read(process.path().join(name)).unwrap_or_default();
        let command = read("cmdline");
        let is_ours = || {
            String::from_utf8_lossy(&command).contains(&inside)
                || read("environ").split(|b| *b == 0).any(|v| v == home.as_bytes())
        };
        if command.starts_with(begins) && is_ours() {
            all.push(process.file_name().display().to_string());
        }
    }
    all
}

/// Ends them.
pub fn end(folder: &Path) {
    for pid in of(folder) {
        let group = format!("-{pid}");
        let _ = std::process::Command::new("kill")
            .args(["-TERM", "--", &group])
            .status();
    }
}
