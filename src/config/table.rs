//! Reading one table of the file: every getter says what is wrong with its value on the [`Sheet`] and goes on, so that
//! one walk finds all mistakes. Values come out with the place and the key path that later checks need.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Sheet, Wrong, did_you_mean};
use super::quantity::{self, Bounds};
use super::schema;
use crate::domain::Span;
use crate::domain::argv::Argv;

/// A value with where it stands.
#[derive(Clone, Debug)]
pub(super) struct Given<T> {
    pub(super) value: T,
    /// Byte offset.
    pub(super) at: usize,
    /// Path from the top.
    pub(super) key: String,
}

impl<T> Given<T> {
    fn map<U>(self, to: impl FnOnce(T) -> U) -> Given<U> {
        Given {
            value: to(self.value),
            at: self.at,
            key: self.key,
        }
    }
}

/// What [`Reader::text_or_argv`] reads.
pub(super) enum TextOrArgv {
    Text(String),
    Argv(Argv),
}

/// A table being read.
pub(super) struct Reader<'t, 'i> {
    path: String,
    /// Byte offset of its header.
    pub(super) at: usize,
    entries: &'t DeTable<'i>,
    /// What holds where the table says nothing, and the place of the key that says so.
    preset: Option<(&'static DeTable<'static>, usize)>,
}

impl<'t, 'i> Reader<'t, 'i> {
    /// The top of the file.
    pub(super) fn top(entries: &'t DeTable<'i>) -> Self {
        Self {
            path: String::new(),
            at: 0,
            entries,
            preset: None,
        }
    }

    /// The path of a key of this table.
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The path of the table itself.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The same table with the keys of a preset below its own.
    pub(super) fn over(&self, preset: &'static DeTable<'static>, at: usize) -> Self {
        Self {
            path: self.path.clone(),
            at: self.at,
            entries: self.entries,
            preset: Some((preset, at)),
        }
    }

    fn find(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.entries.get(key).or_else(|| self.preset?.0.get(key))
    }

    /// Where a key stands, if it does.
    pub(super) fn place_of(&self, key: &str) -> Option<usize> {
        let own = self.entries.get_key_value(key).map(|(k, _)| k.span().start);
        own.or_else(|| {
            self.preset
                .filter(|(preset, _)| preset.contains_key(key))
                .map(|(_, at)| at)
        })
    }

    /// Where a value stands; one of a preset stands where the preset is named.
    fn at_of(&self, key: &str, value: &Spanned<DeValue>) -> usize {
        match self.preset {
            Some((_, at)) if !self.entries.contains_key(key) => at,
            _ => value.span().start,
        }
    }

    /// Whether a key has a value other than an empty list.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.find(key)
            .is_some_and(|v| v.get_ref().as_array().is_none_or(|items| !items.is_empty()))
    }

    /// Names every key that is not in `known`, with the key that was probably meant, or the table that it belongs into.
    pub(super) fn unknown(&self, known: &[&str], sheet: &mut Sheet) {
        for (key, _) in self.entries {
            let word = key.get_ref().as_ref();
            if known.contains(&word) {
                continue;
            }
            let homes: Vec<&str> = schema::TABLES
                .iter()
                .filter(|(_, keys)| keys.contains(&word))
                .map(|(table, _)| *table)
                .collect();
            let fix = match did_you_mean(word, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if homes.is_empty() => format!("known here: {}", known.join(", ")),
                None => format!("it belongs in {}", homes.join(" or ")),
            };
            sheet.mistake(
                key.span().start,
                &self.key(word),
                Wrong::new(format!("unknown key `{word}`"), fix),
            );
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue>, want: &str, fix: String, sheet: &mut Sheet) {
        let is = match value.get_ref().type_str() {
            word @ ("integer" | "array") => format!("an {word}"),
            word => format!("a {word}"),
        };
        sheet.mistake(
            self.at_of(key, value),
            &self.key(key),
            Wrong::new(format!("is {is}, where {want} is wanted"), fix),
        );
    }

    fn given<T>(&self, key: &str, at: usize, value: T) -> Given<T> {
        Given {
            value,
            at,
            key: self.key(key),
        }
    }

    /// A string; not empty, and without control characters, which no key needs and some protocols choke on.
    pub(super) fn text(&self, key: &str, sheet: &mut Sheet) -> Option<Given<String>> {
        let value = self.find(key)?;
        let at = self.at_of(key, value);
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "a string", format!("write {key} = \"…\""), sheet);
            return None;
        };
        let wrong = if text.trim().is_empty() {
            Wrong::new("is empty", format!("give it a value, or leave `{key}` out"))
        } else if text.chars().any(char::is_control) {
            Wrong::new(
                "holds a control character",
                "take it out; use '…' quotes where a backslash is meant",
            )
        } else {
            return Some(self.given(key, at, text.to_owned()));
        };
        sheet.mistake(at, &self.key(key), wrong);
        None
    }

    /// A string that has to be there.
    pub(super) fn needed(&self, key: &str, sample: &str, sheet: &mut Sheet) -> Option<Given<String>> {
        if self.find(key).is_none() {
            let wrong = Wrong::new("is missing", format!("write for example {key} = {sample}"));
            sheet.absent(self.at, &self.key(key), wrong);
        }
        self.text(key, sheet)
    }

    /// A string that `read` understands.
    fn parsed<T>(
        &self,
        key: &str,
        sample: &str,
        sheet: &mut Sheet,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<Given<T>> {
        let value = self.find(key)?;
        if let Some(number) = value.get_ref().as_integer() {
            let written = number.to_string();
            let wrong = read(&written)
                .err()
                .unwrap_or_else(|| Wrong::new("is a bare number", ""));
            let fix = format!("write {key} = {sample}");
            let fix = if wrong.fix.is_empty() { fix } else { wrong.fix };
            sheet.mistake(self.at_of(key, value), &self.key(key), Wrong::new(wrong.what, fix));
            return None;
        }
        if !value.get_ref().is_str() {
            self.wrong_type(key, value, "a string", format!("write {key} = {sample}"), sheet);
            return None;
        }
        let text = self.text(key, sheet)?;
        match read(&text.value) {
            Ok(value) => Some(self.given(key, text.at, value)),
            Err(wrong) => {
                sheet.mistake(text.at, &text.key, wrong);
                None
            }
        }
    }

    /// A length of time.
    pub(super) fn span(&self, key: &str, bounds: Bounds, sheet: &mut Sheet) -> Option<Span> {
        self.parsed(key, "\"10s\"", sheet, |s| quantity::span(s, bounds))
            .map(|g| g.value)
    }

    /// A share of one core, in thousandths.
    pub(super) fn permille(&self, key: &str, sheet: &mut Sheet) -> Option<u32> {
        self.parsed(key, "\"2%\"", sheet, quantity::permille).map(|g| g.value)
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)], sheet: &mut Sheet) -> Option<Given<T>> {
        let text = self.text(key, sheet)?;
        let names: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
        if let Some((_, value)) = words.iter().find(|(w, _)| *w == text.value) {
            return Some(self.given(key, text.at, *value));
        }
        let fix = match did_you_mean(&text.value, &names) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("write \"{}\"", names.join("\" or \"")),
        };
        sheet.mistake(
            text.at,
            &text.key,
            Wrong::new(format!("`{}` is not known here", text.value), fix),
        );
        None
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str, sheet: &mut Sheet) -> Option<Given<bool>> {
        let value = self.find(key)?;
        if let Some(flag) = value.get_ref().as_bool() {
            return Some(self.given(key, self.at_of(key, value), flag));
        }
        self.wrong_type(
            key,
            value,
            "true or false",
            format!("write {key} = true or {key} = false, without quotes"),
            sheet,
        );
        None
    }

    /// A whole number from 0 to `most`.
    pub(super) fn count(&self, key: &str, most: u64, sheet: &mut Sheet) -> Option<u64> {
        let value = self.find(key)?;
        let fix = format!("write a whole number from 0 to {most}, without quotes");
        let Some(number) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number", fix, sheet);
            return None;
        };
        match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(n) if n <= most => Some(n),
            _ => {
                let wrong = Wrong::new(format!("`{number}` is out of range"), fix);
                sheet.mistake(self.at_of(key, value), &self.key(key), wrong);
                None
            }
        }
    }

    /// A command: a list of the program and its arguments.
    pub(super) fn argv(&self, key: &str, sheet: &mut Sheet) -> Option<Given<Argv>> {
        let value = self.find(key)?;
        let sample = || format!("write {key} = [\"program\", \"argument\"]; nothing here passes through a shell");
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of strings", sample(), sheet);
            return None;
        };
        let words: Option<Vec<String>> = items.iter().map(|i| i.get_ref().as_str().map(str::to_owned)).collect();
        let Some(words) = words else {
            sheet.mistake(
                self.at_of(key, value),
                &self.key(key),
                Wrong::new("holds something that is not a string", sample()),
            );
            return None;
        };
        match Argv::try_from(words) {
            Ok(argv) => Some(self.given(key, self.at_of(key, value), argv)),
            Err(why) => {
                let (what, fix) = why.split_once(": ").unwrap_or((why, "take it out"));
                sheet.mistake(self.at_of(key, value), &self.key(key), Wrong::new(what, fix));
                None
            }
        }
    }

    /// A string, or a command; `sample` is what a string could be.
    pub(super) fn text_or_argv(&self, key: &str, sample: &str, sheet: &mut Sheet) -> Option<Given<TextOrArgv>> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Array(_) => self.argv(key, sheet).map(|g| g.map(TextOrArgv::Argv)),
            DeValue::String(_) => self.text(key, sheet).map(|g| g.map(TextOrArgv::Text)),
            _ => {
                let fix = format!("write {key} = {sample}, or a command as a list");
                self.wrong_type(key, value, "a string or a list of strings", fix, sheet);
                None
            }
        }
    }

    /// A list of strings, none of them empty.
    pub(super) fn texts(&self, key: &str, sample: &str, sheet: &mut Sheet) -> Option<Given<Vec<String>>> {
        let value = self.find(key)?;
        let fix = format!("write {key} = [{sample}]");
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of strings", fix, sheet);
            return None;
        };
        let texts: Option<Vec<String>> = items.iter().map(|i| i.get_ref().as_str().map(str::to_owned)).collect();
        let wrong = match texts {
            Some(texts) if texts.iter().any(|t| t.trim().is_empty() || t.contains('\0')) => {
                "holds an empty string, or one with a NUL byte"
            }
            Some(texts) if texts.is_empty() => "is empty",
            Some(texts) => return Some(self.given(key, self.at_of(key, value), texts)),
            None => "holds something that is not a string",
        };
        sheet.mistake(self.at_of(key, value), &self.key(key), Wrong::new(wrong, fix));
        None
    }

    /// A command that has to be there.
    pub(super) fn needed_argv(&self, key: &str, sheet: &mut Sheet) -> Option<Given<Argv>> {
        if self.find(key).is_none() {
            let fix = format!("write for example {key} = [\"/usr/local/bin/compact\", \"{key}\"]");
            sheet.absent(self.at, &self.key(key), Wrong::new("is missing", fix));
        }
        self.argv(key, sheet)
    }

    /// `[key]`.
    pub(super) fn table(&self, key: &str, sheet: &mut Sheet) -> Option<Reader<'t, 'i>> {
        let value = self.find(key)?;
        let path = self.key(key);
        if let Some(entries) = value.get_ref().as_table() {
            return Some(Reader {
                path,
                at: self.at_of(key, value),
                entries,
                preset: None,
            });
        }
        self.wrong_type(
            key,
            value,
            "a table",
            format!("write [{key}], in single brackets"),
            sheet,
        );
        None
    }

    /// `[[key]]`: each of them, in the order of the file.
    pub(super) fn tables(&self, key: &str, header: &str, sheet: &mut Sheet) -> Vec<Reader<'t, 'i>> {
        let Some(value) = self.find(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            let fix = format!("write {header}, in double brackets: there may be several");
            self.wrong_type(key, value, "a list of tables", fix, sheet);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (i, item) in items.iter().enumerate() {
            match item.get_ref().as_table() {
                Some(entries) => tables.push(Reader {
                    path: format!("{}[{i}]", self.key(key)),
                    at: item.span().start,
                    entries,
                    preset: None,
                }),
                None => self.wrong_type(key, item, "a table", format!("write {header}"), sheet),
            }
        }
        tables
    }
}
