//! A setting of main.cf that one of our valves stands in: ours is added beside what is there, and taken away again so that
//! it is as it was before, an empty one that was written out too. Pure text; who writes it is `plan`'s business.

/// Where ours stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Place {
    /// Before what is there, so that it is found first.
    First,
    /// After it, so that what is there is found first.
    Last,
}

/// What ours is, in which setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Ours {
    /// The setting: `header_checks`.
    pub name: &'static str,
    /// What is added: `static:HOLD`.
    pub value: String,
    pub place: Place,
}

/// What a setting is to become.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Value {
    /// Not in main.cf at all.
    Unset,
    /// This.
    Set(String),
}

impl Ours {
    /// With ours beside what is there. Always added, whether it is there or not: what is taken away again is then ours, and
    /// the same word of somebody else stays.
    pub fn added(&self, now: Option<&str>) -> String {
        match (now, self.place) {
            (None, _) => self.value.clone(),
            (Some(now), Place::Last) => format!("{now}, {}", self.value),
            (Some(now), Place::First) => format!("{}, {now}", self.value),
        }
    }

    /// Without ours; `None` where it is not in it.
    pub fn taken(&self, now: Option<&str>) -> Option<Value> {
        let now = now?;
        if now == self.value {
            return Some(Value::Unset);
        }
        let as_added = match self.place {
            Place::Last => now.strip_suffix(&self.value).and_then(|r| r.strip_suffix(", ")),
            // postconf(1) prints no blanks at the end.
            Place::First => now
                .strip_prefix(&self.value)
                .and_then(|r| if r == "," { Some("") } else { r.strip_prefix(", ") }),
        };
        if let Some(rest) = as_added {
            return Some(Value::Set(rest.to_owned()));
        }
        // Somebody changed it since: what is ours goes word by word, the rest stays in its order.
        let mut words: Vec<&str> = words(now);
        for ours in self::words(&self.value) {
            let at = match self.place {
                Place::Last => words.iter().rposition(|w| same(w, ours)),
                Place::First => words.iter().position(|w| same(w, ours)),
            };
            words.remove(at?);
        }
        Some(if words.is_empty() {
            Value::Unset
        } else {
            Value::Set(words.join(", "))
        })
    }

    /// Which of ours are not in it.
    pub fn missing<'a>(&'a self, now: Option<&str>) -> Vec<&'a str> {
        let there = words(now.unwrap_or_default());
        words(&self.value)
            .into_iter()
            .filter(|ours| !there.iter().any(|w| same(w, ours)))
            .collect()
    }

    /// Whether any of ours is in it.
    pub fn is_in(&self, now: Option<&str>) -> bool {
        self.missing(now).len() < words(&self.value).len()
    }
}

/// Actions of header_checks(5) may be written in either case.
fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// The words of a list: between commas and blanks, but what stands in braces is one (postconf(5)).
pub(in super::super) fn words(list: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    list.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c.is_ascii_whitespace())
    })
    .filter(|w| !w.is_empty())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ours(place: Place, value: &str) -> Ours {
        Ours {
            name: "x",
            value: value.into(),
            place,
        }
    }

    #[test]
    fn what_was_there_is_there_again_to_the_letter() {
        let hold = ours(Place::Last, "static:HOLD");
        let map = ours(Place::First, "inline:{a.test=p:,b.test=p:}");
        for before in [
            "",
            "regexp:/a",
            "regexp:/a, pcre:/b static:x",
            "static:HOLD",
            "inline:{ {a = b c} },  x",
            "$other, y",
        ] {
            for ours in [&hold, &map] {
                let during = ours.added(Some(before));
                // As postconf prints it.
                let during = during.trim_end();
                assert!(ours.missing(Some(during)).is_empty(), "{during}");
                assert_eq!(
                    ours.taken(Some(during)),
                    Some(Value::Set(before.to_owned())),
                    "{during}"
                );
            }
        }
        assert_eq!(hold.added(None), "static:HOLD");
        assert_eq!(hold.taken(Some("static:HOLD")), Some(Value::Unset));
    }

    #[test]
    fn ours_is_taken_out_of_what_somebody_changed_since_and_nothing_else() {
        let two = ours(Place::Last, "smtp,lmtp");
        let set = |v: &str| Some(Value::Set(v.to_owned()));
        assert_eq!(two.taken(Some("a, smtp,lmtp, b")), set("a, b"));
        assert_eq!(two.taken(Some("lmtp smtp smtp")), set("smtp"));
        assert_eq!(two.taken(Some("lmtp smtp")), Some(Value::Unset));
        for not_ours in [None, Some(""), Some("smtp"), Some("smtpx lmtpx"), Some("{smtp,lmtp}")] {
            assert_eq!(two.taken(not_ours), None, "{not_ours:?}");
        }
        assert_eq!(two.missing(Some("x, smtp")), ["lmtp"]);
        assert!(two.is_in(Some("smtp")) && !two.is_in(Some("relay")) && !two.is_in(None));
    }

    proptest! {
        #[test]
        fn adding_and_taking_away_changes_nothing(before in "[a-z:/{}, =$]{0,30}", last in any::<bool>()) {
            let before = before.trim();
            let ours = ours(if last { Place::Last } else { Place::First }, "static:HOLD");
            let during = ours.added(Some(before));
            let back = ours.taken(Some(during.trim_end()));
            prop_assert_eq!(back, Some(Value::Set(before.to_owned())));
        }
    }
}
