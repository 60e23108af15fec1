//! A report as Markdown (CommonMark with tables, as GitHub and most wikis read it), for the review. What was said outside is
//! escaped, so that it cannot become a heading, a link, a mention or a tag; an update stands word for word in a block of its own.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::domain::Text;
use crate::domain::horizon::LIMIT;
use crate::domain::incident::fact::TicketIs;
use crate::model::timeline::Line;

use super::times::Times;
use super::{Report, Shown, words};

/// Lines of the timeline that are written.
const LINES: usize = 500;

/// Writes it.
pub fn write(r: &Report, times: &Times) -> String {
    let mut out = String::new();
    head(r, times, &mut out);
    clocks(r, times, &mut out);
    impact(r, times, &mut out);
    section("What is not known", &mut out);
    list(&r.unknown, &mut out);
    timeline(r, times, &mut out);
    updates(r, times, &mut out);
    tickets(r, times, &mut out);
    actions(r, times, &mut out);
    senders(r, times, &mut out);
    absences(r, times, &mut out);
    out
}

fn section(title: &str, out: &mut String) {
    let _ = write!(out, "\n## {title}\n\n");
}

fn list(sentences: &[String], out: &mut String) {
    for s in sentences {
        let _ = writeln!(out, "- {}", escaped(s));
    }
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>, out: &mut String) {
    let _ = writeln!(out, "| {} |", heads.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(heads.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|c| escaped(c)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn head(r: &Report, times: &Times, out: &mut String) {
    let i = &r.incident;
    let _ = write!(out, "# {}\n\n", escaped(&r.title()));
    let mut put = |name: &str, what: &str| {
        let _ = writeln!(out, "- **{name}:** {}", escaped(what));
    };
    put("Incident", &i.id.to_string());
    put("State", i.state.word());
    put("Servers", &words::servers(i));
    put("Failing layer", i.layer().map_or("not on record", |l| l.word()));
    put("Began", &words::began(r, times));
    if let Some(owed) = r.owed {
        put("Owed to the public", &owed.words());
    }
    put("Times", times.zone());
    put(
        "Made",
        &format!(
            "{} by mailtop {}, from its record alone",
            times.stamp(r.now.at),
            env!("CARGO_PKG_VERSION")
        ),
    );
}

fn clocks(r: &Report, times: &Times, out: &mut String) {
    section("Clocks", out);
    let mark = |m: &crate::domain::incident::clocks::Mark| format!("{} ({})", times.stamp(m.at.at), m.what);
    let rows = words::clocks(r).into_iter().map(|(name, lasted, clock)| {
        let to = clock.to.as_ref().map_or_else(|| "still runs".to_owned(), mark);
        vec![name.to_owned(), lasted, mark(&clock.from), to]
    });
    table(&["Clock", "How long", "From", "To"], rows, out);
}

fn impact(r: &Report, times: &Times, out: &mut String) {
    section("Impact", out);
    list(&words::impact(r, times), out);
}

fn timeline(r: &Report, times: &Times, out: &mut String) {
    section("Timeline", out);
    let row = |shown: Shown<'_>| match shown {
        Shown::Line(l) => vec![times.stamp(l.at.at), l.source.words(), said(l, times)],
        Shown::LeftOut(left) => vec![
            format!("{} – {}", times.stamp(left.from), times.stamp(left.until)),
            "mailtop".to_owned(),
            left.words(),
        ],
    };
    table(&["When", "Source", "What"], r.lines(LINES).into_iter().map(row), out);
}

fn said(l: &Line, times: &Times) -> String {
    l.words(&|at: Timestamp| times.near(at, l.at.at))
}

fn updates(r: &Report, times: &Times, out: &mut String) {
    section("What the public was told", out);
    if r.incident.updates.is_empty() {
        out.push_str("No update is on record.\n");
    }
    for (n, (at, posted)) in r.incident.updates.iter().enumerate() {
        let when = times.stamp(posted.of.unwrap_or(at.at));
        let next = posted.next_at.map_or("no next one promised".to_owned(), |next| {
            format!("next promised for {}", times.stamp(next))
        });
        let line = format!("{when}, posted by {} {}, {next}", posted.by, words::out(&posted.out));
        let _ = write!(
            out,
            "{}### Update {}\n\n{}\n\n",
            if n > 0 { "\n" } else { "" },
            n + 1,
            escaped(&line)
        );
        let fence = fence(&posted.lines);
        let _ = writeln!(out, "{fence}text");
        for line in &posted.lines {
            let _ = writeln!(out, "{line}");
        }
        let _ = writeln!(out, "{fence}");
    }
}

fn tickets(r: &Report, times: &Times, out: &mut String) {
    if r.incident.tickets.is_empty() {
        return;
    }
    section("Tickets", out);
    let rows = r.incident.tickets.iter().map(|(at, t)| {
        let affected: Vec<&str> = t.affected.iter().map(Text::as_str).collect();
        let is = match t.is {
            TicketIs::Number => "number of the incident",
            TicketIs::Report => "report",
        };
        vec![
            t.ticket.to_string(),
            is.to_owned(),
            affected.join(", "),
            times.stamp(at.at),
            t.by.to_string(),
        ]
    });
    table(&["Ticket", "What it is", "Affected", "Linked", "By"], rows, out);
}

fn actions(r: &Report, times: &Times, out: &mut String) {
    section("Actions and what they did", out);
    if r.actions.is_empty() {
        out.push_str("No action on its servers is on record for this time.\n");
        return;
    }
    let rows = r.actions.iter().enumerate().map(|(n, a)| {
        vec![
            (n + 1).to_string(),
            times.stamp(a.at),
            words::asked(a),
            format!("{}: {}", a.plan.by, a.plan.reason),
            words::became(a),
            words::did_words(a),
        ]
    });
    table(
        &["No.", "When", "What", "Who and why", "What became of it", "What it did"],
        rows,
        out,
    );
}

fn senders(r: &Report, times: &Times, out: &mut String) {
    let Some(gave_up) = r.gave_up.as_ref().filter(|g| !g.is_empty()) else {
        return;
    };
    section("Senders that had given up", out);
    let _ = writeln!(out, "Mail of the first minute, {}.\n", escaped(LIMIT));
    let rows = gave_up
        .iter()
        .map(|(p, at)| vec![p.sender.to_string(), p.gives_up_after.to_string(), times.stamp(*at)]);
    table(&["Sender", "Gives up after", "Which was"], rows, out);
}

fn absences(r: &Report, times: &Times, out: &mut String) {
    if r.absences.is_empty() {
        return;
    }
    section("When nobody was watching", out);
    let rows = r
        .absences
        .iter()
        .map(|(from, to)| vec![times.stamp(from.at), times.stamp(to.at), from.until(*to).to_string()]);
    table(&["From", "To", "How long"], rows, out);
}

/// A fence longer than any run of its own kind in the words.
fn fence(lines: &[Text]) -> String {
    let longest = lines
        .iter()
        .flat_map(|l| l.split(|c| c != '`'))
        .map(str::len)
        .max()
        .unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// Words as they are, whatever Markdown would make of them. A backslash before a punctuation mark is CommonMark's own escape
/// (spec 0.31.2, 2.4); so is `\\@`, which keeps a name from being called.
pub fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len() + 16);
    let mut begins = true;
    let mut digits = false;
    for (at, c) in words.char_indices() {
        // What GitHub makes a link of without any mark (GFM 0.29, 6.9): `://` after a scheme, and `www.`.
        let rest = &words[at..];
        let after = |word: &str| {
            let from = at.checked_sub(word.len()).and_then(|from| words.get(from..at));
            from.is_some_and(|w| w.eq_ignore_ascii_case(word))
        };
        let links =
            c == ':' && (rest.starts_with("://") || after("mailto") || after("xmpp")) || c == '.' && after("www");
        let always = matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '@' | '{' | '}' | '$'
        );
        let here = begins && matches!(c, '#' | '+' | '-' | '=' | ':') || digits && matches!(c, '.' | ')');
        if always || here || links {
            out.push('\\');
        }
        out.push(c);
        digits = (begins || digits) && c.is_ascii_digit();
        begins = begins && c == ' ';
    }
    out
}
