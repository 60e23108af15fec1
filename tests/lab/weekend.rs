//! The demo's weekend on record, at twenty minutes a second: made once by whichever test needs it first, for all of them. It
//! takes two minutes and a half.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

const MAILTOP: &str = env!("CARGO_BIN_EXE_mailtop");

/// Its journal, to be read or copied. It belongs to this build of the program.
pub fn journal() -> PathBuf {
    let build = fs::metadata(MAILTOP).unwrap();
    let stamp = build
        .modified()
        .unwrap()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let name = format!("weekend-{stamp}-{}", build.len());
    let room = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // The lock ends with the process, however that ends.
    let lock = File::create(room.join("weekend.lock")).unwrap();
    lock.lock().unwrap();
    let made = room.join(&name).join("journal.db");
    if !made.exists() {
        for old in fs::read_dir(room).unwrap().map(Result::unwrap) {
            let path = old.path();
            if old.file_name().to_string_lossy().starts_with("weekend-") && path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            }
        }
        let begun = tempfile::tempdir_in(room).unwrap();
        let out = Command::new(MAILTOP)
            .args(["demo", "--headless", "--speed", "1200", "--journal"])
            .arg(begun.path().join("journal.db"))
            .env("HOME", begun.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && !said.contains("was not seen in time"), "{said}");
        // Only a weekend that came to its end gets the name.
        fs::rename(begun.keep(), room.join(&name)).unwrap();
    }
    made
}
