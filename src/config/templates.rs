//! The user's own templates of updates: files in one folder, named as those that come with mailtop.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::domain::Text;
use crate::domain::incident::draft::{SHIPPED, Wrong};
use crate::domain::incident::terms::Templates;

/// More than any template may hold: what is larger is told as such by the template's reader.
const MOST: u64 = 128 << 10;

/// Reads what there is of them. A file that is wrong is named with what is wrong in it, and not used.
///
/// # Errors
/// When the folder cannot be read.
pub fn read(dir: &Path) -> io::Result<Templates> {
    std::fs::read_dir(dir)?;
    let mut templates = Templates::default();
    for (name, _) in SHIPPED {
        let path = dir.join(name);
        let shown = Text::from_bytes(path.as_os_str().as_bytes());
        match bounded(&path) {
            Ok(text) => templates.take(name, &shown, &text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => templates.wrong.push(Wrong {
                file: shown,
                line: 1,
                what: e.to_string().into(),
            }),
        }
    }
    Ok(templates)
}

fn bounded(path: &Path) -> io::Result<String> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::State;
    use crate::domain::incident::draft::{For, Stage, shipped};

    #[test]
    fn files_of_the_folder_stand_in_for_those_of_mailtop_and_wrong_ones_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::State(State::Monitoring);
        std::fs::write(dir.path().join("customer-monitoring.txt"), "{title} seems mended\n").unwrap();
        std::fs::write(dir.path().join("customer-identified.txt"), "a\n{cause}\n").unwrap();
        std::fs::write(dir.path().join("customer-resolved.txt"), [0xff, 0xfe]).unwrap();
        std::fs::create_dir(dir.path().join("customer-post.txt")).unwrap();
        std::fs::write(dir.path().join("notes.txt"), "{whatever}").unwrap();
        let t = read(dir.path()).unwrap();
        assert_ne!(t.get(For::Customer, stage), shipped(For::Customer, stage));
        let wrong: Vec<String> = t
            .wrong
            .iter()
            .map(|w| w.to_string().replace(&format!("{}/", dir.path().display()), ""))
            .collect();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].starts_with("customer-identified.txt:2: there is no field {cause}"));
        assert!(wrong[1].starts_with("customer-resolved.txt:1: "), "{wrong:?}");
        assert_eq!(wrong[2], "customer-post.txt:1: it is no file");
        assert!(read(&dir.path().join("none")).is_err());
    }
}
