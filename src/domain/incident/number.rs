//! The operator's own number of an incident, by a pattern: `#` is a digit, `@` a letter, everything else stands for itself.
//! `INC######` fits `INC267603`, in whatever case.

use crate::domain::Text;

/// A pattern of numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern(Text);

impl Pattern {
    /// From how it is written.
    ///
    /// # Errors
    /// When it could fit anything or nothing.
    pub fn parse(written: &str) -> Result<Self, &'static str> {
        let text = Text::bounded(written.trim().as_bytes(), 64);
        if text.is_empty() || text.ends_with('…') {
            return Err("it is empty or longer than 64 characters");
        }
        if !text.contains('#') {
            return Err("it has no #, which stands for a digit");
        }
        if text.chars().any(char::is_whitespace) {
            return Err("it holds a blank");
        }
        Ok(Self(text))
    }
    /// As it is written.
    pub const fn as_text(&self) -> &Text {
        &self.0
    }
    /// Whether a word is such a number.
    pub fn fits(&self, word: &str) -> bool {
        let mut word = word.chars();
        let all = self.0.chars().all(|p| {
            word.next().is_some_and(|c| match p {
                '#' => c.is_ascii_digit(),
                '@' => c.is_ascii_alphabetic(),
                p => p.eq_ignore_ascii_case(&c),
            })
        });
        all && word.next().is_none()
    }
    /// The first such number in a text.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.split(|c: char| c.is_whitespace() || ",;()[]<>\"'".contains(c))
            .map(|w| w.trim_end_matches(['.', ':', '!', '?']))
            .find(|w| self.fits(w))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_known_by_its_pattern_and_found_in_a_text() {
        let p = Pattern::parse("INC######").unwrap();
        assert!(p.fits("INC267603") && p.fits("inc267603"));
        for no in ["INC26760", "INC2676033", "INC26760x", "XINC267603", "", "INC"] {
            assert!(!p.fits(no), "{no}");
        }
        assert_eq!(p.find("see (INC267603): it is ours"), Some("INC267603"));
        assert_eq!(p.find("see INC267603."), Some("INC267603"));
        assert_eq!(p.find("no number here, nor INC1"), None);
    }

    #[test]
    fn a_pattern_that_fits_anything_or_nothing_is_refused() {
        for bad in ["", "  ", "INC", "INC ###", &"#".repeat(65)] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
        assert!(Pattern::parse("@@-#").unwrap().fits("ab-7"));
    }
}
