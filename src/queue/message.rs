//! One line of `postqueue -j` (postqueue(1), "JSON OBJECT FORMAT") to one message. Members that we do not know are
//! ignored. Nothing is copied that the line already holds, except recipients, which go into a buffer that is used again for every line.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A message as listed. Its recipients are in the [`Recipients`] that were handed to [`parse`].
#[derive(Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The queue that it is in, by the mail system's own name.
    pub queue: Cow<'a, str>,
    /// Its queue ID.
    pub id: Cow<'a, str>,
    /// When it arrived.
    pub arrival: Timestamp,
    /// In bytes.
    pub size: u64,
    /// The envelope sender.
    pub sender: Cow<'a, str>,
    /// Whether an operator expired it (`postsuper -e`): at its next try it is returned.
    pub forced_expire: bool,
}

/// Why a line gave no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bad {
    /// It is no JSON.
    NotJson,
    /// It is JSON, but not a message.
    NotAMessage,
}

/// Who takes the recipients of a message, one after the other.
pub trait Envelope {
    /// A message begins: what was taken before is of another one.
    fn clear(&mut self);
    /// The next recipient: its address, and why it still waits (empty when that is not said).
    fn recipient(&mut self, address: &str, reason: &str);
}

/// The recipients of one message: for each, what the tally needs of it.
#[derive(Debug, Default)]
pub struct Recipients {
    text: String,
    /// Where each domain and each reason ends in `text`.
    ends: Vec<(usize, usize)>,
}

/// A kept buffer larger than this is given back after the message that needed it.
const KEEP: usize = 1 << 20;

impl Recipients {
    /// Domain as written (empty when there is none) and deferral reason (empty when there is none) of each.
    /// Neighbours that are alike in both come once.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |&(domain, reason)| {
            let both = (&self.text[start..domain], &self.text[domain..reason]);
            start = reason;
            both
        })
    }

    /// Ends the recipient that began at `start`, whose domain ended at `domain`.
    fn end(&mut self, start: usize, domain: usize) {
        let before = match self.ends.len() {
            0 => None,
            1 => Some(0),
            n => Some(self.ends[n - 2].1),
        };
        if let (Some(before), Some(&(d, r))) = (before, self.ends.last()) {
            let same_split = d - before == domain - start;
            if same_split && self.text[before..r] == self.text[start..] {
                self.text.truncate(start);
                return;
            }
        }
        self.ends.push((domain, self.text.len()));
    }
}

impl Envelope for Recipients {
    fn clear(&mut self) {
        if self.text.capacity() > KEEP {
            *self = Self::default();
        }
        self.text.clear();
        self.ends.clear();
    }

    fn recipient(&mut self, address: &str, reason: &str) {
        let start = self.text.len();
        // A quoted local part may hold an `@` too: the last one ends it (RFC 5321 4.1.2).
        self.text
            .push_str(address.rsplit_once('@').map_or("", |(_, domain)| domain));
        let domain = self.text.len();
        self.text.push_str(reason);
        self.end(start, domain);
    }
}

/// Reads one line. `recipients` is emptied first and holds the message's recipients afterwards.
pub fn parse<'a, E: Envelope>(line: &'a str, recipients: &mut E) -> Result<Message<'a>, Bad> {
    recipients.clear();
    let mut json = serde_json::Deserializer::from_str(line);
    let message = Whole(recipients)
        .deserialize(&mut json)
        .and_then(|m| json.end().map(|()| m));
    message.map_err(|e| if e.is_data() { Bad::NotAMessage } else { Bad::NotJson })
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    QueueName,
    QueueId,
    ArrivalTime,
    MessageSize,
    ForcedExpire,
    Sender,
    Recipients,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum RecipientMember {
    Address,
    DelayReason,
    #[serde(other)]
    Other,
}

/// A string that stays in the line unless it holds escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Str<'a>(#[serde(borrow)] Cow<'a, str>);

/// `true`, or anything else: a message is not lost for a member that little depends on.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(IsTrue).map(Self)
    }
}

struct IsTrue;

impl<'de> Visitor<'de> for IsTrue {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }
    fn visit_bool<E: Error>(self, v: bool) -> Result<bool, E> {
        Ok(v)
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<bool, A::Error> {
        IgnoredAny.visit_seq(seq).map(|_| false)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        IgnoredAny.visit_map(map).map(|_| false)
    }
}

struct Whole<'r, E>(&'r mut E);

impl<'de, E: Envelope> DeserializeSeed<'de> for Whole<'_, E> {
    type Value = Message<'de>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Message<'de>, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de, E: Envelope> Visitor<'de> for Whole<'_, E> {
    type Value = Message<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message of `postqueue -j`")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message<'de>, A::Error> {
        let (mut queue, mut id, mut sender) = (None, None, None);
        let (mut arrival, mut size, mut forced_expire) = (None, None, false);
        while let Some(member) = map.next_key()? {
            match member {
                Member::QueueName => queue = Some(map.next_value::<Str<'de>>()?.0),
                Member::QueueId => id = Some(map.next_value::<Str<'de>>()?.0),
                Member::Sender => sender = Some(map.next_value::<Str<'de>>()?.0),
                Member::ArrivalTime => arrival = Some(map.next_value::<i64>()?),
                Member::MessageSize => size = Some(map.next_value::<u64>()?),
                Member::ForcedExpire => forced_expire = map.next_value::<Flag>()?.0,
                Member::Recipients => {
                    self.0.clear();
                    map.next_value_seed(All(self.0))?;
                }
                Member::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let arrival = arrival.ok_or_else(|| A::Error::missing_field("arrival_time"))?;
        Ok(Message {
            queue: queue.ok_or_else(|| A::Error::missing_field("queue_name"))?,
            id: id.ok_or_else(|| A::Error::missing_field("queue_id"))?,
            arrival: Timestamp::from_second(arrival).map_err(A::Error::custom)?,
            size: size.ok_or_else(|| A::Error::missing_field("message_size"))?,
            sender: sender.unwrap_or_default(),
            forced_expire,
        })
    }
}

struct All<'r, E>(&'r mut E);

impl<'de, E: Envelope> DeserializeSeed<'de> for All<'_, E> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de, E: Envelope> Visitor<'de> for All<'_, E> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of recipients")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(One(self.0))?.is_some() {}
        Ok(())
    }
}

struct One<'r, E>(&'r mut E);

impl<'de, E: Envelope> DeserializeSeed<'de> for One<'_, E> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de, E: Envelope> Visitor<'de> for One<'_, E> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a recipient")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut address, mut reason) = (None, None);
        while let Some(member) = map.next_key()? {
            match member {
                RecipientMember::Address => address = Some(map.next_value::<Str<'de>>()?.0),
                RecipientMember::DelayReason => reason = Some(map.next_value::<Str<'de>>()?.0),
                RecipientMember::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.0
            .recipient(&address.unwrap_or_default(), &reason.unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: &str = r#"{"queue_name": "deferred", "queue_id": "4jY6yb2fsrz1SRqc", "arrival_time": 1795442407, "message_size": 404, "forced_expire": false, "sender": "a@x.test", "recipients": [{"address": "u1@far.test", "delay_reason": "connect to 127.0.0.1[127.0.0.1]:10026: Connection refused"}]}"#;

    fn recipients(line: &str) -> Vec<(String, String)> {
        let mut r = Recipients::default();
        parse(line, &mut r).unwrap();
        r.iter().map(|(d, w)| (d.to_owned(), w.to_owned())).collect()
    }

    fn with_recipients(list: &str) -> String {
        format!(
            r#"{{"recipients":{list},"queue_name":"active","queue_id":"A","arrival_time":1,"message_size":2,"sender":""}}"#
        )
    }

    #[test]
    fn a_line_that_postfix_printed_is_read_without_copying() {
        let mut r = Recipients::default();
        let m = parse(SEEN, &mut r).unwrap();
        assert_eq!(
            (&*m.queue, &*m.id, m.size, &*m.sender),
            ("deferred", "4jY6yb2fsrz1SRqc", 404, "a@x.test")
        );
        assert_eq!(m.arrival.as_second(), 1_795_442_407);
        assert!(matches!(m.id, Cow::Borrowed(_)));
        assert_eq!(
            r.iter().collect::<Vec<_>>(),
            [("far.test", "connect to 127.0.0.1[127.0.0.1]:10026: Connection refused")]
        );
    }

    #[test]
    fn an_expired_message_is_told_and_a_flag_of_another_kind_is_no_trouble() {
        let mut r = Recipients::default();
        for (flag, want) in [
            ("true", true),
            ("false", false),
            ("null", false),
            ("1", false),
            ("-1", false),
            ("1.5", false),
            (r#""true""#, false),
            ("[true]", false),
            (r#"{"a":true}"#, false),
        ] {
            let line = SEEN.replace(r#""forced_expire": false"#, &format!(r#""forced_expire": {flag}"#));
            assert_eq!(parse(&line, &mut r).unwrap().forced_expire, want, "{flag}");
        }
    }

    #[test]
    fn members_of_later_versions_and_another_order_are_no_trouble() {
        let line = with_recipients(
            r#"[{"orig_address":"o@x","delay_reason":"why","address":"u@far.test","dsn":{"deep":[[1]]}}]"#,
        );
        assert_eq!(recipients(&line), [("far.test".into(), "why".into())]);
    }

    #[test]
    fn escapes_and_odd_addresses_are_read_as_they_are_meant() {
        let line = with_recipients(
            r#"[{"address":"\"a@b\"@\u0046ar.test","delay_reason":"\u001b[31m\"x\""},{"address":"root"},{"address":"x@"}]"#,
        );
        assert_eq!(
            recipients(&line),
            [
                ("Far.test".into(), "\u{1b}[31m\"x\"".into()),
                (String::new(), String::new())
            ]
        );
    }

    #[test]
    fn neighbours_that_are_alike_come_once_and_a_shifted_border_is_not_alike() {
        let line = with_recipients(
            r#"[{"address":"a@xy","delay_reason":"z"},{"address":"b@xy","delay_reason":"z"},{"address":"c@x","delay_reason":"yz"},{"address":"d@xy","delay_reason":"z"}]"#,
        );
        assert_eq!(
            recipients(&line),
            [
                ("xy".into(), "z".into()),
                ("x".into(), "yz".into()),
                ("xy".into(), "z".into())
            ]
        );
    }

    #[test]
    fn what_is_not_a_message_says_which_kind_of_wrong_it_is() {
        let mut r = Recipients::default();
        for line in [
            "",
            "\0\u{1}",
            "Mail queue is empty",
            &SEEN[..SEEN.len() - 1],
            &format!("{SEEN}x"),
        ] {
            assert_eq!(parse(line, &mut r), Err(Bad::NotJson), "{line}");
        }
        let far = SEEN.replace("1795442407", "9223372036854775807");
        for line in [
            "{}",
            "7",
            "[]",
            "null",
            r#"{"queue_id":7}"#,
            &far,
            &SEEN.replace("404", "-1"),
        ] {
            assert_eq!(parse(line, &mut r), Err(Bad::NotAMessage), "{line}");
        }
    }
}
