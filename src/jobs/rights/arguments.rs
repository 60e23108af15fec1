//! The arguments of a rule: each is exact, or one of a set without a space in it. As sudoers(5) wants them written, plain or as
//! a POSIX extended regular expression from `^` to `$`, which sudo knows since 1.9.10.

/// The longest expression that sudo takes (sudoers(5), "Regular expressions").
pub(super) const LONGEST: usize = 1_024;

/// The arguments that a rule allows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Arguments(Vec<Piece>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    /// Just this.
    Exact(String),
    /// One argument: this, then something of the class. With one that is allowed.
    Varies {
        before: String,
        class: Class,
        after: &'static str,
        sample: String,
    },
    /// Several arguments, each such.
    OneOrMore {
        before: String,
        class: Class,
        after: &'static str,
        sample: String,
    },
}

/// What may stand where an argument varies. None has a space in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// The id of an action as it stands in a unit's name.
    Id,
    /// `1800s`, `1500ms`.
    Time,
    /// Words of RFC 2047 "Q", and the colons between them.
    Q,
    /// Base64.
    Base64,
}

impl Class {
    const fn expression(self) -> &'static str {
        match self {
            Self::Id => "[A-Za-z0-9._-]+",
            Self::Time => "[1-9][0-9]*m?s",
            // sudo 1.9.13 takes `*+` for two quantifiers even between brackets, and then the rule matches nothing.
            Self::Q => "[A-Za-z0-9+!*/.,:@=_-]+",
            Self::Base64 => "[A-Za-z0-9+/]+=*",
        }
    }
}

impl Arguments {
    /// Just these.
    pub(super) fn exact<S: Into<String>>(all: impl IntoIterator<Item = S>) -> Self {
        Self(all.into_iter().map(|a| Piece::Exact(a.into())).collect())
    }
    /// One more, exact.
    pub(super) fn then(mut self, exact: impl Into<String>) -> Self {
        self.0.push(Piece::Exact(exact.into()));
        self
    }
    /// One more that varies; `sample` stands for the varying part of one that is allowed.
    pub(super) fn varies(mut self, before: &str, class: Class, after: &'static str, sample: &str) -> Self {
        let sample = format!("{before}{sample}{after}");
        self.0.push(Piece::Varies {
            before: before.into(),
            class,
            after,
            sample,
        });
        self
    }
    /// One more or several, that vary. Not at the beginning.
    pub(super) fn one_or_more(mut self, before: &str, class: Class, after: &'static str, sample: &str) -> Self {
        let sample = format!("{before}{sample}{after}");
        self.0.push(Piece::OneOrMore {
            before: before.into(),
            class,
            after,
            sample,
        });
        self
    }
    /// A vector that is allowed.
    pub fn sample(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|p| match p {
                Piece::Exact(exact) => exact.clone(),
                Piece::Varies { sample, .. } | Piece::OneOrMore { sample, .. } => sample.clone(),
            })
            .collect()
    }
    /// What the arguments, joined with single spaces, have to match, as a POSIX extended regular expression.
    pub fn expression(&self) -> String {
        let mut out = String::from("^");
        for (i, piece) in self.0.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            match piece {
                Piece::Exact(exact) => out.extend([space, &escaped(exact)]),
                Piece::Varies {
                    before, class, after, ..
                } => {
                    out.extend([space, &escaped(before), class.expression(), &escaped(after)]);
                }
                Piece::OneOrMore {
                    before, class, after, ..
                } => {
                    out.extend(["(", space, &escaped(before), class.expression(), &escaped(after), ")+"]);
                }
            }
        }
        out.push('$');
        out
    }
    /// As it is written in sudoers, or `None` when it cannot be.
    pub(super) fn sudoers(&self) -> Option<String> {
        if self.0.is_empty() {
            return Some("\"\"".to_owned());
        }
        // Nothing that a wildcard, an escape or the end of a list could be made of.
        let plain = |a: &str| !a.is_empty() && a.bytes().all(|b| b.is_ascii_alphanumeric() || b"@._/-".contains(&b));
        let exact: Option<Vec<&str>> = self
            .0
            .iter()
            .map(|p| {
                if let Piece::Exact(e) = p {
                    Some(e.as_str()).filter(|e| plain(e))
                } else {
                    None
                }
            })
            .collect();
        if let Some(exact) = exact {
            return Some(exact.join(" "));
        }
        let expression = self.expression();
        let fits = expression.len() <= LONGEST && expression.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        fits.then_some(expression)
    }
}

/// Exactly this text, in an extended regular expression. A `#` would begin a comment in sudoers.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if r"\.[({*+?|^$#".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_arguments_are_written_as_they_are_and_all_others_as_an_expression() {
        assert_eq!(
            Arguments::exact(["freeze", "a@b.service"]).sudoers().unwrap(),
            "freeze a@b.service"
        );
        assert_eq!(Arguments::default().sudoers().unwrap(), "\"\"");
        assert_eq!(
            Arguments::exact(["thaw", r"dev-disk\x2d.service"]).sudoers().unwrap(),
            r"^thaw dev-disk\\x2d\.service$"
        );
        assert_eq!(
            Arguments::exact(["-c", "a || b # {1} [x] $y ^ (z)* +? =,:"])
                .sudoers()
                .unwrap(),
            r"^-c a \|\| b \# \{1} \[x] \$y \^ \(z\)\* \+\? =,:$".replace(r"\(z\)", r"\(z)")
        );
        let stop = Arguments::exact(["stop"]).one_or_more("r:", Class::Id, ".timer", "a1");
        assert_eq!(stop.sudoers().unwrap(), r"^stop( r:[A-Za-z0-9._-]+\.timer)+$");
        assert_eq!(stop.sample(), ["stop", "r:a1.timer"]);
    }

    #[test]
    fn what_sudoers_cannot_hold_is_not_written() {
        assert_eq!(Arguments::exact(["two\nlines"]).sudoers(), None);
        assert_eq!(Arguments::exact(["=".repeat(LONGEST)]).sudoers(), None);
        assert!(Arguments::exact(["=".repeat(LONGEST - 2)]).sudoers().is_some());
    }

    #[test]
    fn no_class_lets_a_space_or_a_line_end_through() {
        for class in [Class::Id, Class::Time, Class::Q, Class::Base64] {
            let e = class.expression();
            assert!(!["*+", "+*", "**", "++"].iter().any(|two| e.contains(two)), "{e}");
            assert!(
                !e.contains([' ', '\\', '\n']) && !e.contains("[^") && !e.contains("[:"),
                "{e}"
            );
            // A dot stands for itself only between brackets, where it does.
            let outside: String = e
                .split('[')
                .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest))
                .collect();
            assert!(!outside.contains('.'), "{e}");
        }
    }

    /// Which of these, joined as sudo does it, the expression matches; by the C library's own engine, which sudo asks too.
    fn matched(arguments: &Arguments, vectors: &[Vec<&str>]) -> Vec<bool> {
        use std::io::{Seek, Write};
        let mut file = tempfile::tempfile().unwrap();
        for vector in vectors {
            write!(file, "{}\0", vector.join(" ")).unwrap();
        }
        file.rewind().unwrap();
        let grep = std::process::Command::new("grep")
            .args(["-zEn", "-e", &arguments.sudoers().unwrap()])
            .env("LC_ALL", "C")
            .stdin(file)
            .output()
            .unwrap();
        let hits = String::from_utf8(grep.stdout).unwrap();
        let hits: Vec<usize> = hits
            .split_terminator('\0')
            .map(|l| l.split(':').next().unwrap().parse().unwrap())
            .collect();
        (1..=vectors.len()).map(|n| hits.contains(&n)).collect()
    }

    #[test]
    fn no_argument_is_smuggled_in_where_one_varies() {
        let arm = Arguments::default()
            .varies("--on-active=", Class::Time, "", "1800s")
            .then("--uid=7")
            .varies("--unit=r:", Class::Id, "", "a1")
            .varies("--description=", Class::Q, "", "mailtop:ops=40here:it=27s_due")
            .then("systemctl")
            .then("thaw")
            .then("u.service");
        let sample = arm.sample();
        let good: Vec<&str> = sample.iter().map(String::as_str).collect();
        let with = |at: usize, word: &'static str| {
            let mut bad = good.clone();
            bad[at] = word;
            bad
        };
        let mut bad = vec![
            with(3, "--description=x /bin/sh -c evil"),
            with(3, "--description=x --uid=0"),
            with(3, "--description=x\n--uid=0"),
            with(3, "--description=x\t--uid=0"),
            with(3, "--description=x\u{a0}y"),
            with(3, "--description=$(id)"),
            with(3, "--description=%n"),
            with(3, "--description=a\\b"),
            with(3, "--description="),
            with(2, "--unit=r:a1 --property=User=root"),
            with(2, "--unit=r:a1:b"),
            with(2, "--unit=r:"),
            with(0, "--on-active=5s --pipe"),
            with(0, "--on-active=0s"),
            with(1, "--uid=70"),
            with(6, "u.service v.service"),
            with(6, "uXservice"),
            with(6, "u.service\n"),
        ];
        for at in 0..=good.len() {
            for word in ["sh", "--uid=0", "", "\n"] {
                let mut more = good.clone();
                more.insert(at, word);
                bad.push(more);
            }
        }
        for at in 0..good.len() {
            let mut less = good.clone();
            less.remove(at);
            bad.push(less);
        }
        assert_eq!(matched(&arm, std::slice::from_ref(&good)), [true]);
        for (vector, hit) in bad.iter().zip(matched(&arm, &bad)) {
            assert!(!hit, "{vector:?}");
        }
        let stop = Arguments::exact(["stop"]).one_or_more("r:", Class::Id, ".timer", "a1");
        let vectors = [
            "r:a.timer",
            "r:a.timer r:b_2.timer",
            "r:a.timer x.timer",
            "x.timer r:a.timer",
            "r:a.timer ",
            "r:*.timer",
            "r:a.timerX",
            "",
        ];
        let vectors: Vec<Vec<&str>> = vectors.into_iter().map(|v| vec!["stop", v]).collect();
        assert_eq!(
            matched(&stop, &vectors),
            [true, true, false, false, false, false, false, false]
        );
    }
}
