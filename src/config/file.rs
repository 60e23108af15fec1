//! From a file on disk to a [`Config`], or to all mistakes in it: the text is parsed as far as it can be, then walked
//! table by table. Nothing is kept between calls, so a reload is another call.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::around::Around;
use super::door::Context;
use super::mistake::{Finished, MOST, Mistake, SecretCommand, Sheet, Wrong};
use super::table::Reader;
use super::{Config, secret, server};
use crate::domain::Text;

/// The most that a config may hold: a thousand servers fit five times.
const MAX_BYTES: u64 = 1 << 20;

/// A config with what is unwise in it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The config.
    pub config: Config,
    /// What is allowed but unwise, in the order of the file.
    pub warnings: Vec<Mistake>,
    /// The commands that give secrets, in the order of the file. They were not run.
    pub commands: Vec<SecretCommand>,
}

/// Reads a config. All mistakes come at once, in the order of the file.
pub fn load(path: &Path) -> Result<Config, Vec<Mistake>> {
    load_in(path, &Around::here()).map(|loaded| loaded.config)
}

/// As [`load`], in the given surroundings, and with warnings.
pub fn load_in(path: &Path, around: &Around) -> Result<Loaded, Vec<Mistake>> {
    let file = Text::from_bytes(path.as_os_str().as_bytes());
    let unreadable = |why: std::io::Error| {
        let fix = match why.kind() {
            std::io::ErrorKind::NotFound => "`mailtop init` writes one from what it finds on this host",
            std::io::ErrorKind::PermissionDenied => "make it readable for you",
            _ => "name a file of at most 1 MiB",
        };
        vec![Mistake::whole(file.clone(), format!("cannot be read: {why}")).fix(fix)]
    };
    let (bytes, mode) = bounded(path).map_err(unreadable)?;
    // Relative to the folder as the kernel sees it, so that a later change of the working folder moves nothing.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let context = Context {
        around,
        base: path.parent().unwrap_or(Path::new("/")),
        privacy: secret::privacy(mode),
    };
    let mut loaded = parse(&bytes, file, &context)?;
    loaded.config.path = Some(path);
    Ok(loaded)
}

/// A file's bytes, if it is not larger than a config may be, and its permission bits.
pub(super) fn bounded(path: &Path) -> std::io::Result<(Vec<u8>, u32)> {
    let file = std::fs::File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            "it is larger than 1 MiB",
        ));
    }
    Ok((bytes, mode))
}

/// Reads the text of a config.
pub(super) fn parse(bytes: &[u8], file: Text, context: &Context) -> Result<Loaded, Vec<Mistake>> {
    let source = String::from_utf8_lossy(bytes);
    let mut sheet = Sheet::new(file, &source);
    let root = toml_of(&source, bytes, &mut sheet);
    let top = Reader::top(root.get_ref());
    let config = server::walk(&top, context, &mut sheet);
    let Finished {
        mistakes,
        warnings,
        commands,
    } = sheet.finish();
    if mistakes.is_empty() {
        Ok(Loaded {
            config,
            warnings,
            commands,
        })
    } else {
        Err(mistakes)
    }
}

/// What could be read of a TOML text; what could not is on the sheet.
pub(super) fn toml_of<'s>(source: &'s str, bytes: &[u8], sheet: &mut Sheet) -> Spanned<DeTable<'s>> {
    if let Err(why) = std::str::from_utf8(bytes) {
        let wrong = Wrong::new("is not UTF-8 from here on", "save the file as UTF-8");
        sheet.grammar(why.valid_up_to(), "", wrong);
    }
    let (root, errors) = DeTable::parse_recoverable(source);
    for error in errors.into_iter().take(MOST + 1) {
        let span = error.span().unwrap_or_default();
        let key = key_at(root.get_ref(), span.start).unwrap_or_default();
        let word = source.get(span.clone()).unwrap_or_default();
        // Only the message: the error's own display quotes the line, which may hold a password.
        let wrong = grammar_advice(error.message(), word);
        sheet.grammar(span.start, &key, wrong);
    }
    root
}

/// What the TOML parser says, and what to do about it where that is not plain.
fn grammar_advice(message: &str, word: &str) -> Wrong {
    let fix = match message {
        m if m.contains("must be quoted") => "put the value in double quotes",
        "duplicate key" if ["server", "imap", "queue", "job"].contains(&word) => {
            "write double brackets everywhere: [[server]], [[server.imap]]"
        }
        "duplicate key" => "keep one of the two",
        m if m.contains("invalid basic string") => "close the quotes on the same line",
        m if m.contains("escape") => "write \\\\ for a backslash, or use '…' quotes",
        _ => "see https://toml.io for how TOML is written",
    };
    let what = match message {
        "duplicate key" => format!("`{word}` stands here a second time"),
        _ => format!("not TOML: {message}"),
    };
    Wrong::new(what, fix)
}

/// The path of the key whose value stands at an offset.
fn key_at(table: &DeTable, offset: usize) -> Option<String> {
    fn below(value: &DeValue, offset: usize) -> Option<String> {
        match value {
            DeValue::Table(table) => key_at(table, offset).map(|k| format!(".{k}")),
            DeValue::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(i, v)| below(v.get_ref(), offset).map(|k| format!("[{i}]{k}"))),
            _ => None,
        }
    }
    table.iter().find_map(|(key, value)| {
        let key_span = key.span();
        if let Some(rest) = below(value.get_ref(), offset) {
            return Some(format!("{}{rest}", key.get_ref()));
        }
        let is_leaf = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        let here = key_span.contains(&offset) || (is_leaf && (key_span.start..=value.span().end).contains(&offset));
        here.then(|| key.get_ref().to_string())
    })
}
