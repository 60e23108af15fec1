//! A mistake in what was configured: where it stands, what is wrong, how to mend it; and the sheet on which all mistakes
//! of one file are gathered, so that none hides another. Words from the file are sanitised here on their way out.

use std::collections::BTreeSet;
use std::fmt;

use super::SecretSource;
use crate::domain::reading::Missed;
use crate::domain::{Span, Text};

/// The most mistakes that one file is charged with; a binary file would otherwise make one for every byte.
pub(super) const MOST: usize = 100;

/// One mistake, or one warning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// The file as it was named, or `command line`.
    pub file: Text,
    /// Where in the file; `None` when it is about the whole of it.
    pub place: Option<Place>,
    /// The key, as a path from the top: `server[2].imap[0].url`. Empty when it is about no key.
    pub key: Text,
    /// What is wrong.
    pub what: Text,
    /// What to do about it.
    pub fix: Option<Text>,
}

/// A place in a text file; both count from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character on that line.
    pub column: usize,
}

impl Mistake {
    /// A mistake that is about a file or a word as a whole.
    pub fn whole(file: impl Into<Text>, what: impl Into<Text>) -> Self {
        Self {
            file: file.into(),
            place: None,
            key: Text::default(),
            what: what.into(),
            fix: None,
        }
    }
    /// With the key, or the word of the command line, that it is about.
    #[must_use]
    pub fn key(mut self, key: impl Into<Text>) -> Self {
        self.key = key.into();
        self
    }
    /// With what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<Text>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(p) = self.place {
            write!(f, ":{}:{}", p.line, p.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.what)?;
        match &self.fix {
            Some(fix) => write!(f, " — {fix}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Mistake {}

/// What is wrong and what to do about it, not yet tied to a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl Wrong {
    /// From its two halves.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fix: fix.into(),
        }
    }
}

/// Whether all of the file could be read as TOML. Where it could not, what seems to be missing may only be unreadable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Grammar {
    Sound,
    Damaged,
}

/// All mistakes and warnings of one file.
pub(super) struct Sheet<'s> {
    file: Text,
    source: &'s str,
    line_starts: Vec<usize>,
    grammar: Grammar,
    bad_lines: BTreeSet<usize>,
    mistakes: Vec<Mistake>,
    warnings: Vec<Mistake>,
    commands: Vec<SecretCommand>,
    /// In other files that this one names.
    elsewhere: Vec<Mistake>,
}

/// What a sheet says in the end; each list in the order of the file.
pub(super) struct Finished {
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
    pub(super) commands: Vec<SecretCommand>,
}

/// A command that gives a secret. Loading does not run it; who wants to know whether it works can try it.
#[derive(Clone, Debug)]
pub struct SecretCommand {
    /// The command.
    pub source: SecretSource,
    /// The longest that it may take.
    pub timeout: Span,
    at: Mistake,
}

impl SecretCommand {
    /// The mistake that its failure is.
    pub fn failed(&self, why: &Missed) -> Mistake {
        Mistake {
            what: format!("{}: {}", why.tried, why.why).into(),
            fix: why.fix.clone(),
            ..self.at.clone()
        }
    }
}

impl<'s> Sheet<'s> {
    pub(super) fn new(file: Text, source: &'s str) -> Self {
        let line_starts = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', source.as_bytes()).map(|i| i + 1))
            .collect();
        Self {
            file,
            source,
            line_starts,
            grammar: Grammar::Sound,
            bad_lines: BTreeSet::new(),
            mistakes: Vec::new(),
            warnings: Vec::new(),
            commands: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    /// The place of a byte offset.
    fn place(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|s| *s <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let before = self.source.get(start..offset).map_or(0, |s| s.chars().count());
        Place {
            line,
            column: before + 1,
        }
    }

    fn entry(&self, at: usize, key: &str, wrong: Wrong) -> Mistake {
        Mistake {
            file: self.file.clone(),
            place: Some(self.place(at)),
            key: key.into(),
            what: wrong.what.into(),
            fix: (!wrong.fix.is_empty()).then(|| wrong.fix.into()),
        }
    }

    /// The file is not TOML here. Follow-up mistakes on the same line are dropped.
    pub(super) fn grammar(&mut self, at: usize, key: &str, wrong: Wrong) {
        self.grammar = Grammar::Damaged;
        if self.is_full() {
            return;
        }
        let entry = self.entry(at, key, wrong);
        if entry.place.is_none_or(|p| self.bad_lines.insert(p.line)) {
            self.push(entry);
        }
    }

    /// The value at this byte offset is wrong.
    pub(super) fn mistake(&mut self, at: usize, key: &str, wrong: Wrong) {
        if self.is_full() {
            return;
        }
        let entry = self.entry(at, key, wrong);
        if entry.place.is_none_or(|p| !self.bad_lines.contains(&p.line)) {
            self.push(entry);
        }
    }

    /// Something is not there. Not said of a file that could not be read in full: it may be in the unreadable part.
    pub(super) fn absent(&mut self, at: usize, key: &str, wrong: Wrong) {
        if self.grammar == Grammar::Sound {
            self.mistake(at, key, wrong);
        }
    }

    /// Something is allowed but unwise.
    pub(super) fn warning(&mut self, at: usize, key: &str, wrong: Wrong) {
        let entry = self.entry(at, key, wrong);
        if self.warnings.len() < MOST {
            self.warnings.push(entry);
        }
    }

    /// Mistakes of another file that this one names. They come after its own.
    pub(super) fn elsewhere(&mut self, mistakes: Vec<Mistake>) {
        self.elsewhere.extend(mistakes);
    }

    /// Here a command gives a secret.
    pub(super) fn command(&mut self, at: usize, key: &str, source: SecretSource, timeout: Span) {
        let at = self.entry(at, key, Wrong::new("", ""));
        self.commands.push(SecretCommand { source, timeout, at });
    }

    /// Whether nothing more is taken: working a place out costs the length of its line.
    fn is_full(&self) -> bool {
        self.mistakes.len() > MOST
    }

    fn push(&mut self, entry: Mistake) {
        match self.mistakes.len() {
            n if n < MOST => self.mistakes.push(entry),
            MOST => self.mistakes.push(
                Mistake::whole(
                    self.file.clone(),
                    format!("more than {MOST} mistakes; the rest is not listed"),
                )
                .fix("is this a mailtop config at all?"),
            ),
            _ => {}
        }
    }

    /// All that is on it.
    pub(super) fn finish(mut self) -> Finished {
        let order = |m: &Mistake| {
            (
                m.place.map_or((usize::MAX, 0), |p| (p.line, p.column)),
                m.key.clone(),
                m.what.clone(),
            )
        };
        self.mistakes.sort_by_cached_key(order);
        self.mistakes.dedup();
        self.mistakes.append(&mut self.elsewhere);
        self.warnings.sort_by_cached_key(order);
        self.commands.sort_by_cached_key(|c| order(&c.at));
        Finished {
            mistakes: self.mistakes,
            warnings: self.warnings,
            commands: self.commands,
        }
    }
}

/// The one of `known` that was probably meant by `word`.
pub(super) fn did_you_mean<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    // An invented key of a megabyte is compared with nothing: the distance is quadratic.
    if word.len() > 40 {
        return None;
    }
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&word, k), *k))
        .filter(|(d, k)| *d <= (k.len() / 3).max(1) || (word.len() > 3 && (k.contains(&word) || word.contains(k))))
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_one_line_with_its_place_key_and_fix() {
        let mut sheet = Sheet::new("c.toml".into(), "a = 1\nä = \"\u{1b}\"\n");
        sheet.mistake(11, "server[0].\u{1b}[31m", Wrong::new("bad \u{7}", "write\nbetter"));
        let mistakes = sheet.finish().mistakes;
        assert_eq!(
            mistakes[0].to_string(),
            "c.toml:2:5: server[0].␛[31m: bad ␇ — write␊better"
        );
    }

    #[test]
    fn places_hold_at_both_ends_of_the_file() {
        let sheet = Sheet::new("c".into(), "ab\nc");
        assert_eq!(sheet.place(0), Place { line: 1, column: 1 });
        assert_eq!(sheet.place(4), Place { line: 2, column: 2 });
        assert_eq!(sheet.place(999).line, 2);
        assert_eq!(Sheet::new("c".into(), "").place(0), Place { line: 1, column: 1 });
    }

    #[test]
    fn a_line_that_is_no_toml_is_charged_once_and_makes_nothing_missing() {
        let mut sheet = Sheet::new("c".into(), "a = = 1\nb = 2\n");
        sheet.grammar(4, "", Wrong::new("extra =", ""));
        sheet.grammar(5, "", Wrong::new("again", ""));
        sheet.mistake(4, "a", Wrong::new("follows from it", ""));
        sheet.absent(8, "url", Wrong::new("missing", ""));
        sheet.mistake(8, "b", Wrong::new("its own", ""));
        let mistakes = sheet.finish().mistakes;
        assert_eq!(
            mistakes.iter().map(|m| m.what.as_str()).collect::<Vec<_>>(),
            ["extra =", "its own"]
        );
    }

    #[test]
    fn the_list_of_mistakes_is_bounded_and_says_so() {
        let source = "x\n".repeat(400);
        let mut sheet = Sheet::new("c".into(), &source);
        for i in 0..400 {
            sheet.mistake(i * 2, "x", Wrong::new("bad", ""));
        }
        let mistakes = sheet.finish().mistakes;
        assert_eq!(mistakes.len(), MOST + 1);
        assert!(mistakes[MOST].what.contains("not listed"));
    }

    #[test]
    fn a_slip_of_the_hand_finds_its_key_and_nonsense_finds_none() {
        let known = ["password_command", "interval", "timeout", "url", "name"];
        assert_eq!(did_you_mean("intervall", &known), Some("interval"));
        assert_eq!(did_you_mean("time-out", &known), Some("timeout"));
        assert_eq!(did_you_mean("passwordcommand", &known), Some("password_command"));
        assert_eq!(did_you_mean("ulr", &known), Some("url"));
        assert_eq!(did_you_mean("colour", &known), None);
        assert_eq!(did_you_mean(&"x".repeat(1 << 20), &known), None);
    }
}
