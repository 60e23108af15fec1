//! Quantities as they are written in the file and on the command line: lengths of time with their unit, held to bounds, and
//! shares of a core in percent.

use super::mistake::Wrong;
use crate::domain::Span;

/// The lengths of time that a key may have.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) least: Span,
    pub(super) most: Span,
}

/// How often to look: a load on the server, and staleness.
pub(super) const INTERVAL: Bounds = Bounds {
    least: Span::from_secs(1),
    most: Span::from_hours(24),
};
/// Time-outs of one step.
pub(super) const TIMEOUT: Bounds = Bounds {
    least: Span::from_millis(10),
    most: Span::from_mins(10),
};
/// The limit for a slow probe.
pub(super) const SLOW: Bounds = Bounds {
    least: Span::from_millis(1),
    most: Span::from_mins(10),
};
/// How long to keep events.
pub(super) const KEEP: Bounds = Bounds {
    least: Span::from_hours(1),
    most: Span::from_hours(24 * 3_660),
};
/// How long a pause lasts: long enough to be armed and to be read back.
pub(super) const PAUSE: Bounds = Bounds {
    least: Span::from_secs(2),
    most: Span::from_hours(24),
};

/// How long a letter may be on its way.
pub(super) const LETTER: Bounds = Bounds {
    least: Span::from_secs(1),
    most: Span::from_hours(24 * 7),
};

/// How long a sender holds mail.
pub(super) const PATIENCE: Bounds = Bounds {
    least: Span::from_mins(1),
    most: Span::from_hours(24 * 60),
};

/// Reads a length of time and holds it to its bounds.
pub(super) fn span(written: &str, bounds: Bounds) -> Result<Span, Wrong> {
    let samples = "write for example 500ms, 10s, 30m, 1h30m or 14d";
    let number = written.trim();
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Wrong::new(
            format!("`{written}` has no unit"),
            format!("write \"{number}s\" if seconds are meant, or another unit: ms, s, m, h, d"),
        ));
    }
    let span = Span::parse(written).map_err(|_| Wrong::new(format!("`{written}` is not a length of time"), samples))?;
    if span < bounds.least || span > bounds.most {
        return Err(Wrong::new(
            format!("`{written}` is out of range"),
            format!("write a length from {} to {}", bounds.least, bounds.most),
        ));
    }
    Ok(span)
}

/// Reads `2%` or `0.5%` as thousandths.
pub(super) fn permille(written: &str) -> Result<u32, Wrong> {
    let wrong = |what: &str| {
        Wrong::new(
            format!("`{written}` {what}"),
            "write a percentage of one core from \"0.1%\" to \"100%\", for example \"2%\"",
        )
    };
    let number = written
        .trim()
        .strip_suffix('%')
        .ok_or_else(|| wrong("has no % sign"))?
        .trim_end();
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(tenth) || tenth.len() != 1 {
        return Err(wrong("is not a percentage with at most one decimal"));
    }
    match (whole.parse::<u32>(), tenth.parse::<u32>()) {
        (Ok(w), Ok(t)) if w <= 100 && (1..=1_000).contains(&(w * 10 + t)) => Ok(w * 10 + t),
        _ => Err(wrong("is out of range")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_length_of_time_needs_a_unit_and_keeps_its_bounds() {
        assert_eq!(span("1m30s", TIMEOUT), Ok(Span::from_secs(90)));
        for (written, what) in [
            ("10", "`10` has no unit"),
            ("ten", "`ten` is not a length of time"),
            ("-1s", "`-1s` is not a length of time"),
            ("0s", "`0s` is out of range"),
            (
                "99999999999999999999s",
                "`99999999999999999999s` is not a length of time",
            ),
            ("11m", "`11m` is out of range"),
        ] {
            assert_eq!(span(written, TIMEOUT).unwrap_err().what, what);
        }
    }

    #[test]
    fn a_share_is_a_percentage_of_one_core() {
        assert_eq!(permille("2%"), Ok(20));
        assert_eq!(permille(" 0.5 %"), Ok(5));
        assert_eq!(permille("100%"), Ok(1_000));
        for bad in [
            "2",
            "0%",
            "0.05%",
            "100.1%",
            "-1%",
            "NaN%",
            "%",
            "1.%",
            "4294967297%",
            "1e2%",
        ] {
            assert!(permille(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_share_is_read_back_as_written(n in 1u32..=1000) {
            prop_assert_eq!(permille(&format!("{}.{}%", n / 10, n % 10)), Ok(n));
        }
    }
}
