//! The text tables of `mailtop queue`: figures first and right-aligned, what they are about last, so that a long domain
//! or reason never breaks the columns. Readable at 80 columns.

use std::fmt::Write;

use clap::ValueEnum;
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::domain::Span;
use crate::domain::queue::{AGE_BOUNDS_MIN, Ages, Listing, QueueSnapshot};

const WIDTH: usize = 80;
/// Columns that are left for a domain before figures are shortened to make room.
const NAME: usize = 18;

/// Adds formatted text to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => {{
        let _ = write!($out, $($text)*);
    }};
}

/// What a table is about.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// Recipient domain by age, as qshape prints it.
    Destination,
    /// Age alone.
    Age,
    /// Why it is deferred.
    Reason,
    /// Envelope sender.
    Sender,
}

/// The whole text, each line with its newline.
pub fn table(snapshot: &QueueSnapshot, by: By, now: Timestamp) -> String {
    let none = Listing::default();
    let listing = snapshot.listing.as_deref().unwrap_or(&none);
    let mut out = head(snapshot, listing, now);
    if snapshot.depth.total() == 0 {
        return out;
    }
    out.push('\n');
    match by {
        By::Destination => {
            let rows = (listing.destinations.iter()).map(|d| (&*d.domain, d.messages, &d.ages));
            out += &age_rows(std::iter::once(("TOTAL", snapshot.depth.total(), &listing.ages)).chain(rows));
            let more = listing
                .destination_count
                .saturating_sub(listing.destinations.len() as u64);
            if more > 0 {
                put!(out, "and {more} more destinations\n");
            }
        }
        By::Age => out += &by_age(&listing.ages, snapshot.depth.total()),
        By::Reason => {
            let rows = (listing.reasons.iter()).map(|r| (r.messages, &*r.reason));
            out += &name_rows("REASON", rows);
            if listing.reasons.is_empty() {
                out += "no message gives a reason\n";
            }
        }
        By::Sender => out += &name_rows("SENDER", listing.senders.iter().map(|s| (s.messages, &*s.sender))),
    }
    out
}

/// `20000 messages · 8.1 MB · oldest 31h36m`, and the queues below.
fn head(snapshot: &QueueSnapshot, listing: &Listing, now: Timestamp) -> String {
    let total = snapshot.depth.total();
    let least = if snapshot.complete() { "" } else { "at least " };
    let mut out = format!("{least}{total} {}", if total == 1 { "message" } else { "messages" });
    if total > 0 {
        put!(out, ", {}", bytes(listing.bytes));
    }
    if let Some(oldest) = listing.oldest {
        put!(out, ", oldest {}", Span::between(oldest, now).max(Span::ZERO));
    }
    out.push('\n');
    let queues: Vec<String> = (listing.by_queue.iter()).map(|(q, n)| format!("{q} {n}")).collect();
    if !queues.is_empty() {
        out += &wrapped(&queues.join("  "), 0);
    }
    out
}

fn age_rows<'a>(rows: impl Iterator<Item = (&'a str, u64, &'a Ages)>) -> String {
    let rows: Vec<_> = rows.collect();
    let heads = age_heads();
    let exact = layout(&rows, &heads, |n| n.to_string());
    let fits = |widths: &[usize]| widths.iter().sum::<usize>() + widths.len() + NAME <= WIDTH;
    let (shown, widths): (fn(u64) -> String, _) = if fits(&exact) {
        (|n| n.to_string(), exact)
    } else {
        (short, layout(&rows, &heads, short))
    };
    let line = |cells: Vec<String>, name: &str| {
        let cells: Vec<String> = (cells.iter().zip(&widths)).map(|(c, w)| format!("{c:>w$}")).collect();
        format!("{}  {name}\n", cells.join(" "))
            .trim_start_matches('\n')
            .to_owned()
    };
    let mut out = line(heads.clone(), "DESTINATION, by age in minutes");
    for (name, messages, ages) in &rows {
        let cells = std::iter::once(messages.to_string())
            .chain(ages.iter().map(|n| if *n == 0 { "·".into() } else { shown(*n) }));
        out += &line(cells.collect(), name);
    }
    out
}

fn age_heads() -> Vec<String> {
    let last = AGE_BOUNDS_MIN[AGE_BOUNDS_MIN.len() - 1];
    let bounds = AGE_BOUNDS_MIN.iter().map(ToString::to_string);
    std::iter::once("T".into())
        .chain(bounds)
        .chain([format!("{last}+")])
        .collect()
}

/// The width of each column: the total is always exact.
fn layout(rows: &[(&str, u64, &Ages)], heads: &[String], shown: fn(u64) -> String) -> Vec<usize> {
    let mut widths: Vec<usize> = heads.iter().map(String::len).collect();
    for (_, messages, ages) in rows {
        let cells = std::iter::once(messages.to_string()).chain(ages.iter().map(|n| shown(*n)));
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.len());
        }
    }
    widths
}

fn by_age(ages: &Ages, total: u64) -> String {
    let mut out = format!("{:>9} {:>5}  AGE\n", "MESSAGES", "%");
    let bounds = std::iter::once(0).chain(AGE_BOUNDS_MIN).zip(AGE_BOUNDS_MIN);
    let mut names: Vec<String> = bounds
        .map(|(from, to)| match from {
            0 => format!("under {}", Span::from_mins(to)),
            _ => format!("{} to {}", Span::from_mins(from), Span::from_mins(to)),
        })
        .collect();
    names.push(format!(
        "{} and more",
        Span::from_mins(AGE_BOUNDS_MIN[AGE_BOUNDS_MIN.len() - 1])
    ));
    for (n, name) in ages.iter().zip(names) {
        put!(out, "{n:>9} {:>5.1}  {name}\n", 100.0 * *n as f64 / total.max(1) as f64);
    }
    out
}

fn name_rows<'a>(head: &str, rows: impl Iterator<Item = (u64, &'a str)>) -> String {
    let mut out = format!("{:>9}  {head}\n", "MESSAGES");
    for (n, name) in rows {
        put!(out, "{n:>9}  {}", wrapped(name, 11));
    }
    out
}

/// Wraps between words at [`WIDTH`] columns; lines after the first are indented. A word longer than a line stays whole.
fn wrapped(text: &str, indent: usize) -> String {
    let (mut out, mut column) = (String::new(), indent);
    for word in text.split_inclusive(' ') {
        let width = word.trim_end().width();
        if column > indent && column + width > WIDTH {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        }
        out.push_str(word);
        column += word.width();
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// At most four characters: `9999`, `12k`, `999k`, `1.2M`, `120M`.
fn short(n: u64) -> String {
    match n {
        0..=9_999 => n.to_string(),
        10_000..=999_499 => format!("{}k", (n + 500) / 1_000),
        999_500..=9_949_999 => format!("{}.{}M", (n + 50_000) / 1_000_000, (n + 50_000) / 100_000 % 10),
        9_950_000..=999_499_999 => format!("{}M", (n + 500_000) / 1_000_000),
        _ => format!("{}G", n / 1_000_000_000),
    }
}

/// In decimal units: `404 B`, `8.1 MB`.
fn bytes(n: u64) -> String {
    if n < 1_000 {
        return format!("{n} B");
    }
    let (mut value, mut unit) = (n as f64, 0);
    while value >= 999.95 && unit < 6 {
        value /= 1_000.0;
        unit += 1;
    }
    format!("{value:.1} {}", ["B", "kB", "MB", "GB", "TB", "PB", "EB"][unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::ListingReader;

    fn now() -> Timestamp {
        Timestamp::from_second(1_795_446_007).unwrap()
    }

    fn queue(messages: u64) -> QueueSnapshot {
        let mut r = ListingReader::new(now());
        for i in 0..messages {
            let (domain, why) = match i % 3 {
                0 => ("far.test", "connect to mx.far.test[192.0.2.1]:25: Connection timed out"),
                1 => (
                    "例え.テスト",
                    "host mx[192.0.2.7] said: 450 4.7.1 <u@x>: Recipient address rejected: Greylisted, see postgrey (in reply to RCPT TO command)",
                ),
                _ => ("a-very-long-name-of-a-domain.under-a-department.example.org", ""),
            };
            let line = serde_json::json!({"queue_name": if i % 10 == 0 { "hold" } else { "deferred" }, "queue_id": i.to_string(),
                "arrival_time": now().as_second() - (i as i64 * 977) % 100_000, "message_size": 1_000, "sender": if i % 2 == 0 { "" } else { "a@x.test" },
                "recipients": [{"address": format!("u@{domain}"), "delay_reason": why}]});
            r.push(format!("{line}\n").as_bytes());
        }
        r.finish().snapshot(Span::ZERO)
    }

    #[test]
    fn destinations_by_age() {
        insta::assert_snapshot!(table(&queue(1_000), By::Destination, now()));
    }

    #[test]
    fn ages() {
        insta::assert_snapshot!(table(&queue(1_000), By::Age, now()));
    }

    #[test]
    fn reasons_wrap_under_themselves() {
        insta::assert_snapshot!(table(&queue(1_000), By::Reason, now()));
    }

    #[test]
    fn senders() {
        insta::assert_snapshot!(table(&queue(3), By::Sender, now()));
    }

    #[test]
    fn columns_stand_under_each_other_also_when_the_figures_are_large() {
        let mut s = queue(3);
        let l = s.listing.as_mut().unwrap();
        l.ages = [999_499, 12_345, 9_999, 1_234_567, 87_654_321, 0, 1, 10, 99_999, 999_999];
        s.depth.deferred = 90_000_000;
        let text = table(&s, By::Destination, now());
        let rows: Vec<&str> = text.lines().skip(3).collect();
        let name_at = rows[0].find("DESTINATION").unwrap();
        assert!(name_at + NAME <= WIDTH, "{text}");
        for row in &rows[1..] {
            let before: String = row.chars().take(name_at).collect();
            assert!(before.ends_with("  ") && before.chars().count() == name_at, "{text}");
        }
    }

    #[test]
    fn short_figures_have_at_most_four_characters() {
        for (n, want) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (9_949_999, "9.9M"),
            (9_950_000, "10M"),
            (999_499_999, "999M"),
            (5_000_000_000, "5G"),
        ] {
            assert_eq!(short(n), want);
        }
        assert_eq!(
            (bytes(404), bytes(999_960), bytes(8_100_000)),
            ("404 B".into(), "1.0 MB".into(), "8.1 MB".into())
        );
    }
}
