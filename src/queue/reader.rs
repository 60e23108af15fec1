//! A listing as it comes, chunk by chunk, to a snapshot. Pure: bytes in, counts out, never the whole listing in memory.
//! Every line is a message, blank, or skipped; skipped lines make the snapshot partial, and it says why.

use std::hash::RandomState;

use jiff::Timestamp;

pub use super::feed::LineCount;
use super::feed::{Feed, Take};
use super::message::{self, Bad, Recipients};
use super::tally::{TOP, Tally};
use crate::domain::Span;
use crate::domain::queue::{How, QueueKind, QueueSnapshot, SystemState};

/// Reads a `postqueue -j` listing.
#[derive(Debug)]
pub struct ListingReader(Feed<Fold>);

#[derive(Debug)]
struct Fold {
    tally: Tally,
    recipients: Recipients,
}

impl Take for Fold {
    fn take(&mut self, line: &str) -> Result<(), Bad> {
        let message = message::parse(line, &mut self.recipients)?;
        self.tally.add(&message, &self.recipients);
        Ok(())
    }
}

impl ListingReader {
    /// Nothing read yet. Ages are told at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self::keyed(now, RandomState::new())
    }

    /// As [`ListingReader::new`], with the key of a [`super::Census`] for the identities of messages.
    pub(super) fn keyed(now: Timestamp, key: RandomState) -> Self {
        Self(Feed::new(Fold {
            tally: Tally::new(now, key),
            recipients: Recipients::default(),
        }))
    }

    /// Takes the next chunk, cut anywhere.
    pub fn push(&mut self, chunk: &[u8]) {
        self.0.push(chunk);
    }

    /// Ends the listing. A last line without a newline counts as a message if it is whole.
    pub fn finish(self) -> Read {
        let (fold, lines) = self.0.finish();
        Read {
            tally: fold.tally,
            lines,
        }
    }
}

/// A listing, read to its end.
#[derive(Debug)]
pub struct Read {
    /// What was counted.
    pub tally: Tally,
    /// What its lines came to.
    pub lines: LineCount,
}

impl Read {
    /// As a snapshot with the [`TOP`] largest entries of each kind.
    pub fn snapshot(&self, took: Span) -> QueueSnapshot {
        self.snapshot_of(TOP, took)
    }

    /// As a snapshot with the `top` largest entries of each kind.
    pub fn snapshot_of(&self, top: usize, took: Span) -> QueueSnapshot {
        let (depth, listing) = self.tally.result(top);
        QueueSnapshot {
            kind: QueueKind::Postfix,
            how: How::Listed,
            depth,
            partial: self.lines.said(),
            skipped_lines: self.lines.skipped(),
            listing: Some(Box::new(listing)),
            took,
            next_listing: None,
            next_look: None,
            said: None,
            system: SystemState::Unknown,
            cpu: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_795_442_407 + 3_600).unwrap()
    }
    fn read(bytes: &[u8]) -> (QueueSnapshot, LineCount) {
        read_in(bytes, usize::MAX)
    }
    fn read_in(bytes: &[u8], size: usize) -> (QueueSnapshot, LineCount) {
        let mut r = ListingReader::new(now());
        bytes.chunks(size).for_each(|c| r.push(c));
        let read = r.finish();
        (read.snapshot(Span::ZERO), read.lines)
    }
    fn line(queue: &str, id: &str, age_s: i64, recipients: &[(&str, &str)]) -> String {
        let r: Vec<_> = (recipients.iter())
            .map(|(a, w)| serde_json::json!({"address": a, "delay_reason": w}))
            .collect();
        let arrival = now().as_second() - age_s;
        serde_json::json!({"queue_name": queue, "queue_id": id, "arrival_time": arrival, "message_size": 100,
            "forced_expire": false, "sender": "a@x.test", "recipients": r})
        .to_string()
            + "\n"
    }

    #[test]
    fn a_listing_gives_depth_bytes_ages_destinations_reasons_and_senders() {
        let text = line(
            "deferred",
            "A",
            60,
            &[
                ("u@Far.test", "refused by [1.2.3.4]"),
                ("v@far.test", "refused by [1.2.3.5]"),
            ],
        ) + &line(
            "deferred",
            "B",
            3_600,
            &[("u@far.test", "refused by [9.9.9.9]"), ("w@near.test", "")],
        ) + &line("hold", "C", 100_000, &[("root", "")]);
        let (s, lines) = read(text.as_bytes());
        let l = s.listing.as_ref().unwrap();
        assert_eq!(
            (s.depth.total(), s.depth.deferred, s.depth.hold, l.bytes),
            (3, 2, 1, 300)
        );
        assert_eq!(l.oldest, Some(Span::from_secs(-100_000).after(now())));
        assert_eq!(l.ages, [1, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
        let d: Vec<_> = l
            .destinations
            .iter()
            .map(|d| (&*d.domain, d.messages, d.ages[0]))
            .collect();
        assert_eq!(d, [("far.test", 2, 1), ("(none)", 1, 0), ("near.test", 1, 0)]);
        let r: Vec<_> = l.reasons.iter().map(|r| (&*r.reason, r.messages)).collect();
        assert_eq!(r, [("refused by […]", 2)]);
        assert_eq!((&*l.senders[0].sender, l.senders[0].messages), ("a@x.test", 3));
        assert_eq!((lines.messages, s.complete(), l.destination_count), (3, true, 3));
    }

    #[test]
    fn a_message_listed_twice_counts_once_in_the_queue_where_it_was_last_seen() {
        let text = line("incoming", "A", 1, &[("u@a", "")])
            + &line("active", "B", 1, &[("u@a", "")])
            + &line("deferred", "A", 1, &[("u@a", "x")]);
        let (s, lines) = read(text.as_bytes());
        assert_eq!(
            (s.depth.total(), s.depth.incoming, s.depth.active, s.depth.deferred),
            (2, 0, 1, 1)
        );
        let by: Vec<_> = s
            .listing
            .as_ref()
            .unwrap()
            .by_queue
            .iter()
            .map(|(q, n)| (&**q, *n))
            .collect();
        assert_eq!((by, lines.messages), (vec![("active", 1), ("deferred", 1)], 3));
    }

    #[test]
    fn a_last_line_without_its_newline_counts_if_whole_and_else_the_listing_was_cut_off() {
        let text = line("hold", "A", 1, &[("u@a", "")]) + &line("hold", "B", 1, &[("u@a", "")]);
        let whole = text.trim_end();
        assert_eq!(read(whole.as_bytes()).0.depth.hold, 2);
        assert!(read(whole.as_bytes()).0.complete());
        let (s, lines) = read(&whole.as_bytes()[..whole.len() - 1]);
        assert_eq!((s.depth.hold, lines.cut_off, s.skipped_lines), (1, 1, 1));
        assert_eq!(
            s.partial.as_deref(),
            Some("1 line skipped: 1 cut off at the end of the listing")
        );
    }

    #[test]
    fn arrivals_are_told_by_the_hour_without_held_mail_and_bounces_apart() {
        let bounce = |age| line("deferred", "D", age, &[]).replace("a@x.test", "MAILER-DAEMON");
        let text = line("deferred", "A", 5, &[])
            + &line("active", "B", 3_600, &[])
            + &line("hold", "C", 5, &[])
            + &bounce(3_600)
            + &line("incoming", "E", 5, &[])
            + &line("hold", "E", 5, &[]);
        let (s, _) = read(text.as_bytes());
        let start = now().as_second() - now().as_second() % 3_600;
        let hours: Vec<_> = (s.listing.unwrap().hours.iter())
            .map(|h| ((h.from.as_second() - start) / 3_600, h.messages, h.bounces))
            .collect();
        assert_eq!(hours, [(-1, 1, 1), (0, 1, 0)]);
    }

    #[test]
    fn garbage_between_the_lines_is_skipped_and_said() {
        let text = [
            b"\x7fELF\0\xff\n{}\n\n".as_slice(),
            line("hold", "A", 1, &[]).as_bytes(),
            b"Mail queue is empty\n",
        ]
        .concat();
        let (s, lines) = read(&text);
        assert_eq!(
            (s.depth.total(), lines.not_json, lines.not_a_message, lines.blank),
            (1, 2, 1, 1)
        );
        assert_eq!(
            s.partial.as_deref(),
            Some("3 lines skipped: 2 no JSON, 1 JSON but no message")
        );
    }

    #[test]
    fn an_empty_listing_is_a_whole_one() {
        let (s, _) = read(b"");
        assert_eq!(
            (s.depth.total(), s.complete(), s.listing.unwrap().oldest),
            (0, true, None)
        );
    }

    #[test]
    fn hostile_bytes_come_out_visible_and_still_count() {
        let mut text = line(
            "deferred",
            "A",
            1,
            &[("u@e\u{1b}[2Jvil\u{202e}.test", "said: \u{1b}]0;pwned\u{7}")],
        )
        .into_bytes();
        let at = text.windows(4).position(|w| w == b"a@x.").unwrap();
        text[at] = 0xff;
        let (s, lines) = read(&text);
        let l = s.listing.unwrap();
        assert_eq!(lines.skipped(), 0);
        assert_eq!(&*l.destinations[0].domain, "e␛[2jvil\\u{202e}.test");
        assert_eq!(&*l.reasons[0].reason, "said: ␛]0;pwned␇");
        assert_eq!(&*l.senders[0].sender, "\\xff@x.test");
    }

    #[test]
    fn a_message_with_thousands_of_recipients_counts_once_per_destination() {
        let many: Vec<(String, String)> = (0..20_000)
            .map(|i| {
                (
                    format!("u{i}@d{}.test", i % 300),
                    format!("host mx{i}.test[10.0.0.1] said: 450 <u{i}@d.test>: later"),
                )
            })
            .collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(a, w)| (&**a, &**w)).collect();
        let (s, _) = read(line("deferred", "A", 1, &many).as_bytes());
        let l = s.listing.unwrap();
        assert_eq!((s.depth.total(), l.destination_count), (1, 300));
        assert!(l.destinations.iter().all(|d| d.messages == 1));
    }

    #[test]
    fn unknown_queue_names_are_counted_and_bounded() {
        let text: String = (0..100)
            .map(|i| line(&format!("q{i}\u{1b}"), &i.to_string(), 1, &[]))
            .collect();
        let (s, _) = read(text.as_bytes());
        assert_eq!((s.depth.total(), s.depth.other), (100, 100));
        let by = &s.listing.as_ref().unwrap().by_queue;
        assert_eq!((by.len(), by.values().sum::<u64>()), (32, 100));
        assert!(by.keys().all(|q| !q.contains('\u{1b}')));
    }

    fn some_line() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => (0u8..4, 0u32..40, 0i64..100_000, "[a-z]{1,3}@[a-zA-Z.]{0,4}", ".{0,30}").prop_map(|(q, id, age, to, why)| {
                line(["active", "deferred", "hold", "odd"][usize::from(q)], &id.to_string(), age, &[(&to, &why)]).into_bytes()
            }),
            1 => prop::collection::vec(any::<u8>(), 0..60),
            1 => Just(b"\n".to_vec()),
            1 => Just(b"{\"queue_name\": 7}\n".to_vec()),
        ]
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_every_line_is_accounted_for(parts in prop::collection::vec(some_line(), 0..30)) {
            let bytes = parts.concat();
            let (s, c) = read(&bytes);
            let newlines = memchr::memchr_iter(b'\n', &bytes).count();
            let lines = newlines + usize::from(bytes.last().is_some_and(|b| *b != b'\n'));
            prop_assert_eq!(c.messages + c.blank + c.skipped(), lines as u64);
            prop_assert!(s.depth.total() <= c.messages);
            let l = s.listing.unwrap();
            prop_assert_eq!(l.ages.iter().sum::<u64>(), s.depth.total());
            prop_assert_eq!(l.by_queue.values().sum::<u64>(), s.depth.total());
            let by_hour: u64 = l.hours.iter().map(|h| h.messages + h.bounces).sum();
            prop_assert_eq!(by_hour, s.depth.total() - s.depth.hold);
        }

        #[test]
        fn chunking_does_not_change_the_result(parts in prop::collection::vec(some_line(), 0..20), size in 1usize..100) {
            let bytes = parts.concat();
            prop_assert_eq!(read_in(&bytes, size), read(&bytes));
        }
    }
}
