//! A letter: made with its stamp, and known again by it. Small, of plain ASCII in short lines, so that no mail system has a
//! reason to change it.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::address::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message};

use super::key::{Key, digest};
use crate::domain::canary::stamp::{self, Found, HEADER, Stamp};
use crate::domain::canary::{CanarySpec, Run};
use crate::domain::reading::{Miss, Missed};

/// A letter to hand in.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The sender of the envelope.
    pub from: Address,
    /// Its recipient.
    pub to: Address,
    /// The message, with CRLF at its line ends.
    pub message: Vec<u8>,
}

/// What makes the letters of one run, and knows them again.
#[derive(Clone, Debug)]
pub struct Mint {
    spec: CanarySpec,
    run: Run,
    key: Key,
}

impl Mint {
    /// For one run of a canary.
    pub fn new(spec: CanarySpec, run: Run, key: Key) -> Self {
        Self { spec, run, key }
    }
    /// What is configured.
    pub const fn spec(&self) -> &CanarySpec {
        &self.spec
    }
    /// The run.
    pub const fn run(&self) -> &Run {
        &self.run
    }

    /// The letter of this number, sent at `at`.
    ///
    /// # Errors
    /// When an address of the config cannot be written into a letter.
    pub fn letter(&self, seq: u64, at: Timestamp) -> Result<Letter, Missed> {
        let CanarySpec { name, from, to, .. } = &self.spec;
        let bad = |e: String| Missed::new(Miss::BadAnswer, format!("a letter of the canary {name}"), e);
        let address = |word: &str| Address::from_str(word).map_err(|e| bad(format!("{word}: {e}")));
        let (from, to) = (address(from)?, address(to)?);
        let run = self.run.as_str();
        let text = format!(
            "A canary letter of mailtop: it goes through the mail service\r\n\
             and is taken away again where it comes out. No answer is needed.\r\n\r\n\
             Canary: {name}\r\nNumber: {seq}\r\nRun: {run}\r\nSent: {at}\r\n"
        );
        let stamp = Stamp {
            name: name.clone(),
            run: self.run.clone(),
            seq,
            at,
            body: digest(&stamp::canonical(text.as_bytes())),
        };
        let signature = self
            .key
            .sign(&stamp.signed())
            .ok_or_else(|| bad("it cannot be signed".to_owned()))?;
        let sent = SystemTime::UNIX_EPOCH + Duration::from_micros(at.as_microsecond().max(0).unsigned_abs());
        let body = Body::new_with_encoding(text, ContentTransferEncoding::SevenBit)
            .map_err(|_| bad("its text is not plain".to_owned()))?;
        let mut message = Message::builder()
            .from(Mailbox::new(None, from.clone()))
            .to(Mailbox::new(None, to.clone()))
            .subject(format!("mailtop canary {name} {seq}"))
            .date(sent)
            .message_id(Some(format!("<canary.{name}.{run}.{seq}@{}>", from.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(|e| bad(e.to_string()))?;
        let raw = |name: &'static str, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
        // Nobody is to answer it by himself (RFC 3834 5).
        message
            .headers_mut()
            .insert_raw(raw("Auto-Submitted", "auto-generated".to_owned()));
        message.headers_mut().insert_raw(raw(HEADER, stamp.with(&signature)));
        Ok(Letter {
            from,
            to,
            message: message.formatted(),
        })
    }

    /// What a message of the mailbox is.
    pub fn class(&self, message: &[u8]) -> Found {
        let (stamps, body) = stamp::apart(message);
        let body = digest(&stamp::canonical(body));
        stamp::class((&self.spec.name, &self.run), &stamps, &body, |words, mac| {
            self.key.verifies(words, mac)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::canary::{End, State, StrayWhy, WhilePaused};

    fn mint(key: &Key) -> Mint {
        let end = |server: &str, door: &str| End {
            server: server.into(),
            door: door.into(),
        };
        let spec = CanarySpec {
            name: "inbound".into(),
            way_in: end("mx1", "smtp"),
            way_out: end("mbox1", "imap"),
            to: "canary@example.com".to_owned(),
            from: "canary@example.com".to_owned(),
            every: Span::from_secs(60),
            late: Span::from_secs(60),
            lost: Span::from_hours(1),
            mailbox: "INBOX".to_owned(),
            while_paused: WhilePaused::Stop,
        };
        Mint::new(spec, Run::new(at(), fastrand::u32(..)), key.clone())
    }
    fn at() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    #[test]
    fn a_letter_is_plain_and_known_again_after_a_trip() {
        let mint = mint(&Key::passing().unwrap());
        let letter = mint.letter(42, at()).unwrap();
        let text = String::from_utf8(letter.message.clone()).unwrap();
        assert!(
            text.is_ascii() && text.contains("\r\nSubject: mailtop canary inbound 42\r\n"),
            "{text}"
        );
        assert!(text.contains("Auto-Submitted: auto-generated\r\n"), "{text}");
        assert!(text.contains("Content-Transfer-Encoding: 7bit\r\n"), "{text}");
        assert!(text.lines().all(|l| l.len() < 90), "{text}");
        let trips = [
            text.clone(),
            format!("Return-Path: <x>\r\nReceived: by b\r\n\tfor c\r\n{text}\r\n"),
            text.replace("\r\n", "\n"),
        ];
        for came in trips {
            let Found::Ours { stamp, state } = mint.class(came.as_bytes()) else {
                panic!("{came}")
            };
            assert_eq!((stamp.seq, stamp.at, state), (42, at(), State::Whole));
        }
    }

    #[test]
    fn a_footer_alters_it_another_key_forges_it_and_another_run_is_old() {
        let key = Key::passing().unwrap();
        let one = mint(&key);
        let letter = one.letter(1, at()).unwrap().message;
        let footed = [&letter[..], b"-- \r\nscanned\r\n"].concat();
        assert!(matches!(
            one.class(&footed),
            Found::Ours {
                state: State::Altered,
                ..
            }
        ));
        let elsewhere = mint(&Key::passing().unwrap());
        assert_eq!(elsewhere.class(&letter), Found::Stray(StrayWhy::Forged));
        assert_eq!(mint(&key).class(&letter), Found::Stray(StrayWhy::OtherRun));
        assert_eq!(
            one.class(b"Subject: mailtop canary inbound 1\r\n\r\nhello\r\n"),
            Found::Other
        );
    }
}
