//! Single messages in a listing: those behind a row of its tables, or those that hold a text, a page of them at a time. Pure,
//! and bounded: one page is kept, of each message its first recipients, and one small entry for each message listed.
//! It looks at more of each line than the counting of a listing does, and is slower for it.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, RandomState};

use jiff::Timestamp;

use super::feed::{Feed, LineCount, Take};
use super::group;
use super::message::{self, Bad, Envelope, Message};
use super::tally::identity;
use super::top::AsIs;
use crate::domain::message::{MessageInfo, MessagePage, Pick, PickBy, RecipientInfo};
use crate::domain::text::MAX_CHARS;
use crate::domain::{Span, Text};

/// Messages on a page.
pub const PAGE: usize = 500;

/// Recipients shown of a message.
pub const RECIPIENTS: usize = 20;

/// Bytes kept of an address and of a reason: as many characters as a [`Text`] holds, whatever they are.
const KEPT_BYTES: usize = MAX_CHARS * 4 + 4;

/// Finds messages in a `postqueue -j` listing.
#[derive(Debug)]
pub struct Finder(Feed<Found>);

#[derive(Debug)]
struct Found {
    pick: Pick,
    key: RandomState,
    listed: HashSet<u64, BuildHasherDefault<AsIs>>,
    recipients: Wanted,
    fit: u64,
    page: Vec<(u64, MessageInfo)>,
}

impl Finder {
    /// For these messages.
    pub fn new(pick: Pick) -> Self {
        let recipients = Wanted {
            by: pick.by.clone(),
            text: Needle::new(&pick.text),
            fits: false,
            holds_text: false,
            count: 0,
            first: Vec::new(),
            buffer: String::new(),
        };
        Self(Feed::new(Found {
            pick,
            key: RandomState::new(),
            listed: HashSet::default(),
            recipients,
            fit: 0,
            page: Vec::new(),
        }))
    }

    /// Takes the next chunk, cut anywhere.
    pub fn push(&mut self, chunk: &[u8]) {
        self.0.push(chunk);
    }

    /// Ends the listing, which was made at `at`.
    pub fn finish(self, at: Timestamp) -> (MessagePage, LineCount) {
        let (found, lines) = self.0.finish();
        let page = MessagePage {
            at,
            pick: found.pick,
            fit: found.fit,
            messages: found.page.into_iter().map(|(_, m)| m).collect(),
            partial: lines.said(),
            took: Span::ZERO,
        };
        (page, lines)
    }
}

impl Take for Found {
    fn take(&mut self, line: &str) -> Result<(), Bad> {
        let m = message::parse(line, &mut self.recipients)?;
        let id = identity(&self.key, &m);
        if !self.listed.insert(id) {
            // Listed twice while it moves: what was first said of it stays, and it is in the queue where it was last seen.
            if let Some((_, info)) = self.page.iter_mut().find(|(of, _)| *of == id) {
                info.queue = (&*m.queue).into();
            }
            return Ok(());
        }
        if !self.recipients.fits(&m) {
            return Ok(());
        }
        self.fit += 1;
        if self.fit > self.pick.skip && self.page.len() < PAGE {
            self.page.push((id, self.recipients.info(&m)));
        }
        Ok(())
    }
}

/// The recipients of one message: whether any is asked for, how many there are, and the first of them.
#[derive(Debug)]
struct Wanted {
    by: PickBy,
    text: Needle,
    fits: bool,
    holds_text: bool,
    count: u64,
    first: Vec<(String, String)>,
    buffer: String,
}

impl Envelope for Wanted {
    fn clear(&mut self) {
        (self.fits, self.holds_text, self.count) = (false, false, 0);
        self.first.clear();
    }

    fn recipient(&mut self, address: &str, reason: &str) {
        self.count += 1;
        self.fits = self.fits || self.is_asked_for(address, reason);
        self.holds_text = self.holds_text || self.text.is_in(address) || self.text.is_in(reason);
        if self.first.len() < RECIPIENTS {
            let kept = |s| group::head(s, KEPT_BYTES).to_owned();
            self.first.push((kept(address), kept(reason)));
        }
    }
}

impl Wanted {
    fn is_asked_for(&mut self, address: &str, reason: &str) -> bool {
        let grouped = match &self.by {
            PickBy::Destination(_) => {
                let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
                group::domain(domain, &mut self.buffer)
            }
            PickBy::Reason(_) if !reason.is_empty() => group::masked(reason, &mut self.buffer),
            PickBy::Reason(_) | PickBy::Sender(_) | PickBy::All => return false,
        };
        match &self.by {
            PickBy::Destination(wanted) | PickBy::Reason(wanted) => is_shown_as(grouped, wanted),
            PickBy::Sender(_) | PickBy::All => false,
        }
    }

    fn fits(&mut self, m: &Message<'_>) -> bool {
        let sender = group::sender(&m.sender);
        let by = match &self.by {
            PickBy::All => true,
            PickBy::Sender(wanted) => is_shown_as(sender, wanted),
            PickBy::Destination(_) | PickBy::Reason(_) => self.fits,
        };
        by && (self.holds_text || self.text.is_in(&m.id) || self.text.is_in(sender))
    }

    fn info(&self, m: &Message<'_>) -> MessageInfo {
        MessageInfo {
            id: (&*m.id).into(),
            queue: (&*m.queue).into(),
            arrival: m.arrival,
            size: m.size,
            sender: group::sender(&m.sender).into(),
            recipients: (self.first.iter())
                .map(|(address, reason)| RecipientInfo {
                    address: address.as_str().into(),
                    reason: (!reason.is_empty()).then(|| reason.as_str().into()),
                })
                .collect(),
            recipient_count: self.count,
        }
    }
}

/// Whether this text from outside is what is shown as `wanted`.
fn is_shown_as(raw: &str, wanted: &Text) -> bool {
    raw == wanted.as_str() || (!is_plain(raw) && Text::from(raw) == *wanted)
}

/// Whether it is shown as it is, but for its length.
fn is_plain(raw: &str) -> bool {
    raw.len() <= MAX_CHARS && raw.bytes().all(|b| b.is_ascii() && !b.is_ascii_control())
}

/// A text that is looked for, case aside, in what a person would see.
#[derive(Debug)]
struct Needle {
    lower: String,
    hay: Vec<u8>,
}

impl Needle {
    fn new(text: &str) -> Self {
        Self {
            lower: Text::from(text).to_lowercase(),
            hay: Vec::new(),
        }
    }

    fn is_in(&mut self, raw: &str) -> bool {
        if self.lower.is_empty() {
            return true;
        }
        self.hay.clear();
        if raw.bytes().all(|b| b.is_ascii() && !b.is_ascii_control()) {
            self.hay.extend_from_slice(raw.as_bytes());
            self.hay.make_ascii_lowercase();
        } else {
            let shown = Text::bounded(raw.as_bytes(), usize::MAX);
            self.hay.extend_from_slice(shown.to_lowercase().as_bytes());
        }
        memchr::memmem::find(&self.hay, self.lower.as_bytes()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::ListingReader;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_442_407;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn line(queue: &str, id: &str, sender: &str, recipients: &[(&str, &str)]) -> String {
        let r: Vec<_> = (recipients.iter())
            .map(|(a, w)| serde_json::json!({"address": a, "delay_reason": w}))
            .collect();
        serde_json::json!({"queue_name": queue, "queue_id": id, "arrival_time": NOW - 60, "message_size": 100,
            "forced_expire": false, "sender": sender, "recipients": r})
        .to_string()
            + "\n"
    }

    fn find_in(text: &str, size: usize, pick: &Pick) -> MessagePage {
        let mut f = Finder::new(pick.clone());
        text.as_bytes().chunks(size).for_each(|c| f.push(c));
        f.finish(now()).0
    }

    fn find(text: &str, by: PickBy, holds: &str) -> (u64, Vec<String>) {
        let pick = Pick {
            by,
            text: holds.to_owned(),
            skip: 0,
        };
        let page = find_in(text, usize::MAX, &pick);
        (page.fit, page.messages.iter().map(|m| m.id.to_string()).collect())
    }

    fn ids(n: &[&str]) -> (u64, Vec<String>) {
        (n.len() as u64, n.iter().map(|s| (*s).to_owned()).collect())
    }

    fn some() -> String {
        line("deferred", "A1", "a@x.test", &[("u@Far.Test", "refused by [1.2.3.4]")])
            + &line(
                "active",
                "B2",
                "MAILER-DAEMON",
                &[("v@near.test", ""), ("w@far.test", "")],
            )
            + &line(
                "hold",
                "C3",
                "Ä@x.test",
                &[("root", "refused by [9.9.9.9]"), ("\u{1b}x@b", "said \u{1b}[31mNO")],
            )
    }

    #[test]
    fn messages_are_found_by_destination_reason_and_sender_as_the_tables_name_them() {
        let t = |s: &str| Text::from(s);
        for (by, want) in [
            (PickBy::All, ids(&["A1", "B2", "C3"])),
            (PickBy::Destination(t("far.test")), ids(&["A1", "B2"])),
            (PickBy::Destination(t("(none)")), ids(&["C3"])),
            (PickBy::Destination(t("x.test")), ids(&[])),
            (PickBy::Reason(t("refused by […]")), ids(&["A1", "C3"])),
            (PickBy::Reason(t("said ␛[31mNO")), ids(&["C3"])),
            (PickBy::Reason(t("")), ids(&[])),
            (PickBy::Sender(t("<>")), ids(&["B2"])),
            (PickBy::Sender(t("a@x.test")), ids(&["A1"])),
        ] {
            assert_eq!(find(&some(), by.clone(), ""), want, "{by:?}");
        }
    }

    #[test]
    fn a_reason_longer_than_what_is_looked_at_is_found_by_what_the_table_says_of_it() {
        let long = format!("refused: {}", format!("<{}@far.test> ", "u".repeat(300)).repeat(20));
        let text = line("deferred", "A", "a@x", &[("u@far.test", &long)]);
        let mut r = ListingReader::new(now());
        r.push(text.as_bytes());
        let row = r.finish().snapshot(Span::ZERO).listing.unwrap().reasons[0]
            .reason
            .clone();
        assert_eq!(find(&text, PickBy::Reason(row), ""), ids(&["A"]));
    }

    #[test]
    fn a_text_is_looked_for_in_ids_senders_recipients_and_reasons_case_aside() {
        for (text, want) in [
            ("b2", ids(&["B2"])),
            ("ä@X", ids(&["C3"])),
            ("U@FAR", ids(&["A1"])),
            ("Refused", ids(&["A1", "C3"])),
            ("9.9.9.9", ids(&["C3"])),
            ("␛[31mno", ids(&["C3"])),
            ("<>", ids(&["B2"])),
            ("nowhere", ids(&[])),
        ] {
            assert_eq!(find(&some(), PickBy::All, text), want, "{text}");
        }
        let far = || PickBy::Destination("far.test".into());
        assert_eq!(find(&some(), far(), "refused"), ids(&["A1"]), "both must hold");
    }

    #[test]
    fn a_message_is_told_with_its_first_recipients_and_how_many_there_are() {
        let many: Vec<(String, String)> = (0..50_000)
            .map(|i| (format!("u{i}@far.test"), format!("later {i}")))
            .collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(a, w)| (&**a, &**w)).collect();
        let pick = Pick {
            text: "u49999@".into(),
            ..Pick::default()
        };
        let page = find_in(&line("deferred", "A\u{1b}", "", &many), 4_096, &pick);
        let m = &page.messages[0];
        assert_eq!((m.recipient_count, m.recipients.len()), (50_000, RECIPIENTS));
        assert_eq!((&*m.id, &*m.queue, &*m.sender, m.size), ("A␛", "deferred", "<>", 100));
        assert_eq!(m.arrival.as_second(), NOW - 60);
        assert_eq!(
            (&*m.recipients[1].address, m.recipients[1].reason.as_deref()),
            ("u1@far.test", Some("later 1"))
        );
        let page = find_in(&some(), 7, &Pick::default());
        assert_eq!(page.messages[1].recipients[0].reason, None);
    }

    #[test]
    fn one_page_is_kept_and_all_that_fit_are_counted() {
        let text: String = (0..1_234)
            .map(|i| line("active", &format!("M{i}"), "a@x", &[]))
            .collect();
        for (skip, first, len) in [
            (0, Some("M0"), 500),
            (500, Some("M500"), 500),
            (1_000, Some("M1000"), 234),
            (2_000, None, 0),
        ] {
            let pick = Pick {
                skip,
                ..Pick::default()
            };
            let page = find_in(&text, usize::MAX, &pick);
            assert_eq!((page.fit, page.messages.len()), (1_234, len));
            assert_eq!(page.messages.first().map(|m| &*m.id), first);
        }
    }

    #[test]
    fn a_message_listed_twice_comes_once_in_the_queue_where_it_was_last_seen() {
        let text = line("incoming", "A", "a@x", &[("u@a", "")]) + &line("deferred", "A", "a@x", &[("u@a", "why")]);
        let page = find_in(&text, usize::MAX, &Pick::default());
        assert_eq!((page.fit, page.messages.len()), (1, 1));
        assert_eq!(&*page.messages[0].queue, "deferred");
    }

    #[test]
    fn a_listing_that_was_cut_off_gives_a_page_that_says_so() {
        let text = some();
        let page = find_in(&text[..text.len() - 9], usize::MAX, &Pick::default());
        assert_eq!(page.fit, 2);
        assert!(page.partial.is_some_and(|p| p.contains("cut off")));
    }

    fn some_line() -> impl Strategy<Value = String> {
        let word = || {
            prop_oneof![
                "[abAB]{0,2}",
                "\\PC{0,3}",
                Just("\u{202e}\u{7}".to_owned()),
                "[x.]{500,520}"
            ]
        };
        (0u8..30, word(), word(), word(), word()).prop_map(|(id, from, local, domain, why)| {
            line(
                "deferred",
                &id.to_string(),
                &from,
                &[
                    (&format!("{local}@{domain}"), &why),
                    ("u@far.test", "host [1.2.3.4] said 451"),
                ],
            )
        })
    }

    proptest! {
        #[test]
        fn every_row_of_a_listing_finds_as_many_messages_as_it_counts(lines in prop::collection::vec(some_line(), 1..30), size in 1usize..200) {
            let text = lines.concat();
            let mut r = ListingReader::new(now());
            r.push(text.as_bytes());
            let listing = *r.finish().snapshot(Span::ZERO).listing.unwrap();
            let mut rows = vec![(PickBy::All, listing.ages.iter().sum())];
            rows.extend(listing.destinations.iter().map(|d| (PickBy::Destination(d.domain.clone()), d.messages)));
            rows.extend(listing.reasons.iter().map(|r| (PickBy::Reason(r.reason.clone()), r.messages)));
            rows.extend(listing.senders.iter().map(|s| (PickBy::Sender(s.sender.clone()), s.messages)));
            for (by, messages) in rows {
                let pick = Pick { by, ..Pick::default() };
                let page = find_in(&text, size, &pick);
                // Rows that differ only beyond what is shown of them look alike, and are found together.
                prop_assert!(page.fit >= messages, "{:?}", pick);
                let alike = match &pick.by {
                    PickBy::Destination(d) => listing.destinations.iter().filter(|o| o.domain == *d).count(),
                    PickBy::Reason(r) => listing.reasons.iter().filter(|o| o.reason == *r).count(),
                    PickBy::Sender(s) => listing.senders.iter().filter(|o| o.sender == *s).count(),
                    PickBy::All => 1,
                };
                prop_assert!(alike > 1 || page.fit == messages, "{:?}: {} and {messages}", pick, page.fit);
            }
        }
    }
}
