//! How numbers are written: grouped by thin spaces, signed with a true minus, shortened where a column is narrow.

/// The thin space between groups of three digits (U+202F: narrow and unbroken).
const THIN: char = '\u{202f}';

/// `48 211`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len());
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(THIN);
        }
        out.push(d);
    }
    out
}

/// Grouped while it fits `width` columns, else shortened: `1.2M`.
pub fn fitted(n: u64, width: usize) -> String {
    let full = grouped(n);
    if full.chars().count() <= width { full } else { short(n) }
}

/// At most four columns: `999`, `9.9k`, `128k`, `1.2M`. Cut down, never rounded up, so that 999 999 does not become a million.
pub fn short(n: u64) -> String {
    const UNITS: [(u64, char); 4] = [
        (1_000_000_000_000, 'T'),
        (1_000_000_000, 'G'),
        (1_000_000, 'M'),
        (1_000, 'k'),
    ];
    for (unit, letter) in UNITS {
        if n >= unit {
            let whole = n / unit;
            return if whole < 10 {
                format!("{whole}.{}{letter}", n % unit / (unit / 10))
            } else {
                format!("{whole}{letter}")
            };
        }
    }
    n.to_string()
}

/// A rate without a sign: `812`, `3.1`, `0`; below ten with one decimal.
pub fn rate(per: f64) -> String {
    signed(per.abs(), 9).trim_start_matches('+').to_owned()
}

/// A share in thousandths as percent, to a tenth: `0.4%`, `2%`, `<0.1%`.
pub fn percent(permille: f64) -> String {
    match permille / 10.0 {
        p if p > 0.0 && p < 0.05 => "<0.1%".to_owned(),
        p if p < 9.95 => format!("{}%", format!("{p:.1}").trim_end_matches(".0")),
        p => format!("{p:.0}%"),
    }
}

/// Bytes as mail administrators say them: `3.1 GB`.
pub fn bytes(n: u64) -> String {
    match n {
        ..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{} kB", n / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", n / 1_000_000, n % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", n / 1_000_000_000, n % 1_000_000_000 / 100_000_000),
    }
}

/// A rate with its sign: `+812`, `−31`, `0`; below ten with one decimal, because 0.4 a minute is not nothing.
pub fn signed(rate: f64, width: usize) -> String {
    let size = rate.abs();
    let text = if size < 0.05 {
        return "0".to_owned();
    } else if size < 9.95 {
        format!("{size:.1}").trim_end_matches(".0").to_owned()
    } else {
        fitted(size.round() as u64, width.saturating_sub(1))
    };
    format!("{}{text}", if rate < 0.0 { '−' } else { '+' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_in_threes() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1 000"),
            (48_211, "48 211"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(grouped(n).replace(THIN, " "), text);
        }
    }

    #[test]
    fn a_number_too_wide_for_its_column_is_shortened_and_never_rounded_up() {
        assert_eq!(fitted(999_999, 7).replace(THIN, " "), "999 999");
        assert_eq!(fitted(1_299_999, 7), "1.2M");
        assert_eq!(short(999_999), "999k");
        assert_eq!(short(9_999), "9.9k");
        assert_eq!(short(u64::MAX), "18446744T");
    }

    #[test]
    fn a_share_that_is_not_nothing_is_never_written_as_nothing() {
        assert_eq!(
            [4.0, 20.0, 0.2, 0.0, 131.0].map(percent),
            ["0.4%", "2%", "<0.1%", "0%", "13%"]
        );
        assert_eq!([812.4, 3.13, 0.0].map(rate), ["812", "3.1", "0"]);
    }

    #[test]
    fn a_rate_always_shows_its_direction() {
        assert_eq!(signed(812.4, 7), "+812");
        assert_eq!(signed(-31.0, 7), "−31");
        assert_eq!(signed(-0.4, 7), "−0.4");
        assert_eq!(signed(0.01, 7), "0");
        assert_eq!(signed(2.0, 7), "+2");
        assert_eq!(signed(-12_345.0, 7).replace(THIN, " "), "−12 345");
        assert_eq!(signed(1_234_567.0, 7), "+1.2M");
    }
}
