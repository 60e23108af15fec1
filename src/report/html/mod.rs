//! A report as one page that needs nothing else: no script, no request, charts as inline SVG. It reads in light and in dark, on
//! paper, and without being seen: each chart is named by its caption, which says the figures. What was said outside is escaped
//! and stands in a `bdi`, so that right-to-left words do not turn what is beside them.

mod chart;

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::domain::Text;
use crate::domain::horizon::LIMIT;
use crate::domain::incident::clocks::Mark;
use crate::model::timeline::Line;

use super::times::Times;
use super::{Report, Shown, words};

/// Lines of the timeline that are written.
const LINES: usize = 1_000;
const STYLE: &str = include_str!("style.css");

/// Writes it.
pub fn write(r: &Report, times: &Times) -> String {
    let mut page = Page {
        r,
        times,
        out: String::with_capacity(256 << 10),
    };
    page.head();
    page.facts();
    page.clocks();
    page.impact();
    page.unknown();
    page.charts();
    page.timeline();
    page.updates();
    page.actions();
    page.tickets();
    page.senders();
    page.absences();
    page.foot();
    page.out
}

/// Words as they are in a page.
pub(super) fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len() + 8);
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Words from outside: escaped, and with a direction of their own.
fn outside(words: &str) -> String {
    format!("<bdi>{}</bdi>", escaped(words))
}

const SECTIONS: [(&str, &str); 7] = [
    ("clocks", "Clocks"),
    ("impact", "Impact"),
    ("unknown", "What is not known"),
    ("charts", "Charts"),
    ("timeline", "Timeline"),
    ("updates", "What the public was told"),
    ("actions", "Actions and what they did"),
];

struct Page<'r> {
    r: &'r Report,
    times: &'r Times,
    out: String,
}

impl Page<'_> {
    fn put(&mut self, html: &str) {
        self.out.push_str(html);
        self.out.push('\n');
    }
    fn section(&mut self, id: &str, title: &str) {
        let _ = writeln!(
            self.out,
            "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>"
        );
    }
    fn time(&self, at: Timestamp) -> String {
        format!(
            "<time datetime=\"{}\">{}</time>",
            escaped(&self.times.iso(at)),
            escaped(&self.times.stamp(at))
        )
    }
    /// A table: `name` says what it is of to who does not see it; cells are HTML, the first of a row is its head.
    fn table(&mut self, labelled: &str, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let heads: String = heads.iter().flat_map(|h| ["<th scope=\"col\">", h, "</th>"]).collect();
        let _ = writeln!(
            self.out,
            "<div class=\"wide\"><table aria-labelledby=\"{labelled}\">\n<thead><tr>{heads}</tr></thead>\n<tbody>"
        );
        for row in rows {
            self.row("", &row);
        }
        self.put("</tbody></table></div>");
    }
    fn row(&mut self, class: &str, cells: &[String]) {
        let (open, mut cells) = match class {
            "" => ("<tr>".to_owned(), cells.iter()),
            class => (format!("<tr class=\"{class}\">"), cells.iter()),
        };
        let first = cells.next().map_or("", String::as_str);
        let rest: String = cells.flat_map(|c| ["<td>", c, "</td>"]).collect();
        let _ = writeln!(
            self.out,
            "{open}<th scope=\"row\" class=\"time\">{first}</th>{rest}</tr>"
        );
    }

    fn head(&mut self) {
        let title = escaped(&self.r.title());
        let _ = write!(
            self.out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1><bdi>{title}</bdi></h1>\n"
        );
        self.put("<nav aria-label=\"Sections\"><ul>");
        for (id, title) in SECTIONS {
            let _ = writeln!(self.out, "<li><a href=\"#{id}\">{title}</a></li>");
        }
        self.put("</ul></nav>\n</header>\n<main>");
    }

    fn facts(&mut self) {
        let (r, i) = (self.r, &self.r.incident);
        let mut all = vec![
            ("Incident", outside(&i.id.to_string())),
            ("State", format!("<span class=\"state\">{}</span>", i.state)),
            ("Servers", outside(&words::servers(i))),
            (
                "Failing layer",
                escaped(i.layer().map_or("not on record", |l| l.word())),
            ),
            ("Began", outside(&words::began(r, self.times))),
        ];
        if let Some(owed) = r.owed {
            all.push(("Owed to the public", escaped(&owed.words())));
        }
        all.push(("Times", escaped(self.times.zone())));
        self.put("<dl>");
        for (name, what) in all {
            let _ = writeln!(self.out, "<dt>{name}</dt><dd>{what}</dd>");
        }
        self.put("</dl>");
    }

    fn clocks(&mut self) {
        self.section("clocks", "Clocks");
        let mark = |m: &Mark| format!("{} ({})", self.time(m.at.at), outside(&m.what));
        let rows: Vec<Vec<String>> = words::clocks(self.r)
            .into_iter()
            .map(|(name, lasted, clock)| {
                let to = clock.to.as_ref().map_or_else(|| "still runs".to_owned(), mark);
                vec![name.to_owned(), escaped(&lasted), mark(&clock.from), to]
            })
            .collect();
        self.table("clocks", &["Clock", "How long", "From", "To"], rows.into_iter());
        self.put("</section>");
    }

    fn list(&mut self, sentences: &[String]) {
        self.put("<ul>");
        for s in sentences {
            let _ = writeln!(self.out, "<li>{}</li>", outside(s));
        }
        self.put("</ul>");
    }
    fn impact(&mut self) {
        self.section("impact", "Impact");
        self.list(&words::impact(self.r, self.times));
        self.put("</section>");
    }
    fn unknown(&mut self) {
        self.section("unknown", "What is not known");
        self.put("<div class=\"unknown\">");
        self.list(&self.r.unknown);
        self.put("</div>\n</section>");
    }
    fn charts(&mut self) {
        self.section("charts", "Charts");
        let column = self.r.series.range.column();
        let _ = writeln!(
            self.out,
            "<p class=\"soft\">A column of a chart is {column} wide: a depth shows the least and the most that was read in it, a \
             rate is its mean, a band its worst probe. Where nothing was read there is nothing. Numbers at dashed lines are \
             those of the actions below.</p>"
        );
        chart::all(self.r, self.times, &mut self.out);
        self.put("</section>");
    }

    fn timeline(&mut self) {
        self.section("timeline", "Timeline");
        self.put(
            "<div class=\"wide\"><table aria-labelledby=\"timeline\">\n<thead><tr><th scope=\"col\">When</th>\
             <th scope=\"col\">Source</th><th scope=\"col\">What</th></tr></thead>\n<tbody>",
        );
        for shown in self.r.lines(LINES) {
            match shown {
                Shown::Line(l) => {
                    let cells = [self.time(l.at.at), outside(&l.source.words()), outside(&self.said(l))];
                    self.row("", &cells);
                }
                Shown::LeftOut(left) => {
                    let when = format!("{} – {}", self.time(left.from), self.time(left.until));
                    self.row("left", &[when, "mailtop".to_owned(), escaped(&left.words())]);
                }
            }
        }
        self.put("</tbody></table></div>\n</section>");
    }
    fn said(&self, l: &Line) -> String {
        l.words(&|at| self.times.near(at, l.at.at))
    }

    fn updates(&mut self) {
        self.section("updates", "What the public was told");
        if self.r.incident.updates.is_empty() {
            self.put("<p>No update is on record.</p>");
        }
        for (n, (at, posted)) in self.r.incident.updates.iter().enumerate() {
            let when = self.time(posted.of.unwrap_or(at.at));
            let next = posted.next_at.map_or("no next one promised".to_owned(), |next| {
                format!("next promised for {}", self.time(next))
            });
            let lines: Vec<String> = posted.lines.iter().map(|l| escaped(l)).collect();
            let _ = writeln!(
                self.out,
                "<h3>Update {}</h3>\n<p class=\"soft\">{when}, posted by {} {}, {next}</p>\n<pre dir=\"auto\">{}</pre>",
                n + 1,
                outside(&posted.by),
                outside(&words::out(&posted.out)),
                lines.join("\n")
            );
        }
        self.put("</section>");
    }

    fn actions(&mut self) {
        self.section("actions", "Actions and what they did");
        if self.r.actions.is_empty() {
            self.put("<p>No action on its servers is on record for this time.</p>");
        } else {
            let row = |(n, a): (usize, &crate::model::Action)| {
                vec![
                    (n + 1).to_string(),
                    self.time(a.at),
                    outside(&words::asked(a)),
                    format!("{}: {}", outside(&a.plan.by), outside(&a.plan.reason)),
                    outside(&words::became(a)),
                    outside(&words::did_words(a)),
                ]
            };
            let rows: Vec<Vec<String>> = self.r.actions.iter().enumerate().map(row).collect();
            let heads = ["No.", "When", "What", "Who and why", "What became of it", "What it did"];
            self.table("actions", &heads, rows.into_iter());
        }
        self.put("</section>");
    }

    fn tickets(&mut self) {
        if self.r.incident.tickets.is_empty() {
            return;
        }
        self.section("tickets", "Tickets");
        let row = |(at, t): &(crate::domain::incident::Moment, crate::domain::incident::fact::Ticket)| {
            let affected: Vec<&str> = t.affected.iter().map(Text::as_str).collect();
            vec![
                outside(&t.ticket),
                outside(&affected.join(", ")),
                self.time(at.at),
                outside(&t.by),
            ]
        };
        let rows: Vec<Vec<String>> = self.r.incident.tickets.iter().map(row).collect();
        self.table("tickets", &["Ticket", "Affected", "Linked", "By"], rows.into_iter());
        self.put("</section>");
    }

    fn senders(&mut self) {
        let Some(gave_up) = self.r.gave_up.as_ref().filter(|g| !g.is_empty()) else {
            return;
        };
        self.section("senders", "Senders that had given up");
        let _ = writeln!(self.out, "<p>Mail of the first minute, {}.</p>", escaped(LIMIT));
        let rows: Vec<Vec<String>> = gave_up
            .iter()
            .map(|(p, at)| vec![outside(&p.sender), p.gives_up_after.to_string(), self.time(*at)])
            .collect();
        self.table("senders", &["Sender", "Gives up after", "Which was"], rows.into_iter());
        self.put("</section>");
    }

    fn absences(&mut self) {
        if self.r.absences.is_empty() {
            return;
        }
        self.section("absences", "When nobody was watching");
        let rows: Vec<Vec<String>> = self
            .r
            .absences
            .iter()
            .map(|(from, to)| vec![self.time(from.at), self.time(to.at), from.until(*to).to_string()])
            .collect();
        self.table("absences", &["From", "To", "How long"], rows.into_iter());
        self.put("</section>");
    }

    fn foot(&mut self) {
        let made = self.time(self.r.now.at);
        let _ = writeln!(
            self.out,
            "</main>\n<footer>Made {made} by mailtop {} from its record alone.</footer>\n</body>\n</html>",
            env!("CARGO_PKG_VERSION")
        );
    }
}
