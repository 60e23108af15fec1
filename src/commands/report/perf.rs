//! Performance data as the Monitoring Plugins guidelines have it: `'mbox1 imap login'=6ms`. A label names one series for as
//! long as anybody keeps graphs, so no two of one answer are the same, whatever servers, doors and queues are called.

use std::collections::HashSet;

use super::Report;

/// All of them, in the order of the config.
pub fn data(report: &Report) -> String {
    let mut data = Data::default();
    for s in &report.servers {
        for d in &s.doors.0 {
            for p in d.phases.iter().filter(|p| p.ok) {
                data.put(&[&s.name, &d.name, p.name], &format!("{}ms", p.ms));
            }
            for h in d.hosts.iter().filter(|h| h.failure.is_none()) {
                data.put(&[&s.name, &d.name, &h.host], &format!("{}ms", h.ms));
            }
        }
        for q in &s.queues {
            if let Some(d) = &q.depth {
                data.put(&[&s.name, &q.name], &format!("{};;;0", d.total));
            }
        }
    }
    data.all.join(" ")
}

#[derive(Default)]
struct Data {
    all: Vec<String>,
    taken: HashSet<String>,
}

impl Data {
    fn put(&mut self, name: &[&str], value: &str) {
        let label = name.join(" ").replace(['\'', '=', '|', '\n'], "_");
        let mut unique = label.clone();
        let mut n = 2;
        while !self.taken.insert(unique.clone()) {
            unique = format!("{label} ({n})");
            n += 1;
        }
        self.all.push(format!("'{unique}'={value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_labels_are_alike_and_none_ends_its_quotes() {
        let mut data = Data::default();
        data.put(&["mbox1", "imap", "login"], "6ms");
        data.put(&["mbox1 imap", "login"], "7;;;0");
        data.put(&["a'b", "imap", "tcp"], "1ms");
        data.put(&["a=b", "imap", "tcp"], "2ms");
        data.put(&["a|b", "imap", "tcp"], "3ms");
        assert_eq!(
            data.all.join(" "),
            "'mbox1 imap login'=6ms 'mbox1 imap login (2)'=7;;;0 'a_b imap tcp'=1ms 'a_b imap tcp (2)'=2ms \
             'a_b imap tcp (3)'=3ms"
        );
    }
}
