//! A queue as `postqueue -j` prints it: one JSON object a line, in the members and the order of Postfix 3.7. Names,
//! addresses, sizes and words follow from a letter's number, so that a letter looks the same in every listing.

use std::fmt::Write;

use jiff::Timestamp;

use super::host::{Host, Role};
use super::sim::{Dice, Letter, Stage, Why, roll};
use crate::domain::queue::Depth;

/// The digits of Postfix's long queue IDs (postconf(5), `enable_long_queue_ids`): no vowels; `z` parts time and inode.
const DIGITS: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

const GIVEN: [&str; 24] = [
    "ada", "amir", "anna", "bela", "chen", "dana", "emil", "eva", "farah", "goran", "hana", "ines", "ivo", "jonas",
    "kofi", "lin", "mara", "nils", "olga", "pavel", "rosa", "samir", "tove", "yuki",
];
const FAMILY: [&str; 24] = [
    "adler", "berg", "costa", "diaz", "engel", "fisk", "gruber", "haas", "ito", "jensen", "kaya", "lund", "mori",
    "nagy", "okoro", "park", "quist", "rossi", "sato", "thorn", "ueda", "vogel", "wirth", "zeman",
];
/// Where the world writes from; the first ones the most.
const WORLD: [&str; 12] = [
    "bigmail.test",
    "webpost.test",
    "newsletter.test",
    "postbox.test",
    "shop.test",
    "bank.test",
    "uni.test",
    "city.test",
    "travel.test",
    "forum.test",
    "agency.test",
    "lists.test",
];
/// Where the rarely answered letters go.
const FAR: &str = "far.test";

/// Whose mailboxes a store has.
const fn domains_of(store: Host) -> [&'static str; 3] {
    match store {
        Host::Mbox2 => ["orchard.test", "quarry.test", "tannery.test"],
        Host::Mbox3 => ["fjord.test", "meadow.test", "glacier.test"],
        _ => ["harbour.test", "lighthouse.test", "shipyard.test"],
    }
}

/// The text of `QUEUE COUNT` lines.
pub fn counts(depth: Depth) -> String {
    format!(
        "maildrop {}\nincoming {}\nactive {}\ndeferred {}\nhold {}\n",
        depth.maildrop, depth.incoming, depth.active, depth.deferred, depth.hold
    )
}

/// Appends one line for one letter.
pub fn write_letter(out: &mut String, seed: u64, host: Host, stage: Stage, letter: &Letter) {
    let _ = write!(out, "{{\"queue_name\": \"{}\", \"queue_id\": \"", stage.word());
    write_queue_id(out, seed, host, letter);
    let _ = write!(
        out,
        "\", \"arrival_time\": {}, \"message_size\": {}, \"forced_expire\": false, \"sender\": \"",
        letter.arrived,
        size(seed, letter)
    );
    write_sender(out, seed, host, letter);
    out.push_str("\", \"recipients\": [");
    let many = recipients(seed, letter);
    for n in 0..many {
        out.push_str(if n == 0 {
            "{\"address\": \""
        } else {
            ", {\"address\": \""
        });
        write_recipient(out, seed, host, letter, n);
        out.push('"');
        if let Some((at, why)) = letter.failed {
            out.push_str(", \"delay_reason\": \"");
            write_reason(out, seed, host, letter, n, at, why);
            out.push('"');
        }
        out.push('}');
    }
    out.push_str("]}\n");
}

/// Its queue ID. Seconds in at least six digits, microseconds in four, `z`, and the inode: as Postfix makes them.
pub fn write_queue_id(out: &mut String, seed: u64, host: Host, letter: &Letter) {
    let micros = roll(seed, Dice::Moment, letter.id.into(), host.index() as u64) % 1_000_000;
    write_digits(out, letter.arrived.max(0).unsigned_abs(), 52, 6);
    write_digits(out, micros, 52, 4);
    out.push('z');
    write_digits(out, 1_000_000 + u64::from(letter.id), 51, 1);
}

fn write_digits(out: &mut String, mut n: u64, base: u64, at_least: usize) {
    let mut digits = [b'0'; 16];
    let mut from = digits.len();
    while from > 0 && (n > 0 || digits.len() - from < at_least) {
        from -= 1;
        digits[from] = DIGITS[(n % base) as usize];
        n /= base;
    }
    out.extend(digits[from..].iter().map(|d| char::from(*d)));
}

/// Half of all letters are below three kilobytes, a few are megabytes.
fn size(seed: u64, letter: &Letter) -> u64 {
    let u = (roll(seed, Dice::Size, letter.id.into(), 0) >> 40) as f64 / f64::from(1u32 << 24);
    (900.0 * (u.powi(3) * 8.6).exp()) as u64
}

pub fn recipients(seed: u64, letter: &Letter) -> u64 {
    match roll(seed, Dice::Recipient, letter.id.into(), 0) % 20 {
        0 => 3,
        1 | 2 => 2,
        _ => 1,
    }
}

fn write_person(out: &mut String, hash: u64, domain: &str) {
    let of = |names: &[&'static str; 24], bits: u64| names[(bits % 24) as usize];
    let _ = write!(out, "{}.{}@{domain}", of(&GIVEN, hash >> 8), of(&FAMILY, hash >> 24));
}

pub fn write_sender(out: &mut String, seed: u64, host: Host, letter: &Letter) {
    let hash = roll(seed, Dice::Sender, letter.id.into(), 0);
    if hash.is_multiple_of(32) {
        // What postqueue prints for the null sender of a bounce.
        out.push_str("MAILER-DAEMON");
    } else if host.role() == Role::Outbound {
        let store = Host::STORES[(hash >> 40) as usize % Host::STORES.len()];
        write_person(out, hash, domains_of(store)[(hash >> 48) as usize % 3]);
    } else {
        write_person(out, hash, one_of_the_world(hash));
    }
}

/// The product of two choices leans towards the first names.
fn one_of_the_world(hash: u64) -> &'static str {
    let n = WORLD.len() as u64;
    WORLD[((hash >> 40) % n * ((hash >> 48) % n) / n) as usize]
}

pub fn write_recipient(out: &mut String, seed: u64, host: Host, letter: &Letter, n: u64) {
    let hash = roll(seed, Dice::Recipient, letter.id.into(), 1);
    let person = roll(seed, Dice::Recipient, letter.id.into(), 2 + n);
    let domain = match host.role() {
        Role::Outbound if letter.goes_far(seed) => FAR,
        Role::Outbound => one_of_the_world(hash),
        Role::Relay => domains_of(letter.store(seed))[leaning(hash)],
        Role::Store => domains_of(host)[leaning(hash)],
    };
    write_person(out, person, domain);
}

/// The first of three domains has most of the mail.
const fn leaning(hash: u64) -> usize {
    match hash % 10 {
        0..=5 => 0,
        6..=8 => 1,
        _ => 2,
    }
}

/// The words of the last failed try. The first letters of a failing destination carry the server's words; then the
/// queue manager takes it for dead and says so for the rest, as Postfix does.
fn write_reason(out: &mut String, seed: u64, host: Host, letter: &Letter, n: u64, at: i64, why: Why) {
    let words = roll(seed, Dice::Words, letter.id.into(), letter.tries.into());
    if words % 8 > 2 && matches!(why, Why::StoreFailed | Why::HostBusy) {
        out.push_str("delivery temporarily suspended: ");
    }
    match why {
        Why::StoreFailed if words % 16 == 1 => {
            let _ = write!(
                out,
                "lost connection with {host}.demo.test[private/dovecot-lmtp] while sending end of data -- message may be sent more than once"
            );
        }
        Why::StoreFailed => {
            let _ = write!(out, "host {host}.demo.test[private/dovecot-lmtp] said: 451 4.2.0 <");
            write_recipient(out, seed, host, letter, n);
            let _ = write!(
                out,
                "> Internal error occurred. Refer to server log for more information. [{}] (in reply to end of DATA command)",
                log_moment(at)
            );
        }
        Why::HostBusy => {
            let store = letter.store(seed);
            let _ = write!(
                out,
                "host {store}.demo.test[192.0.2.{}] refused to talk to me: 421 4.3.2 All server ports are busy",
                store.index() + 21
            );
        }
        Why::OverQuota => {
            let _ = write!(out, "host {host}.demo.test[private/dovecot-lmtp] said: 452 4.2.2 <");
            write_recipient(out, seed, host, letter, n);
            out.push_str("> Quota exceeded (mailbox for user is full) (in reply to RCPT TO command)");
        }
        Why::FarSilent => {
            let _ = write!(out, "connect to mx.{FAR}[198.51.100.25]:25: Connection timed out");
        }
    }
}

/// A moment as Dovecot writes it into its error words.
pub fn log_moment(unix: i64) -> String {
    Timestamp::from_second(unix)
        .unwrap_or_default()
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap};

    use serde_json::Value;

    use super::*;
    use crate::demo::script::Script;
    use crate::demo::sim::Sim;
    use crate::domain::Span;
    use crate::domain::reason::masked;

    fn listing(sim: &Sim, host: Host) -> HashMap<String, Value> {
        let mut text = String::new();
        for (stage, letter) in sim.letters(host) {
            write_letter(&mut text, sim.script().seed, host, stage, &letter);
        }
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let count = lines.len();
        let by_id: HashMap<String, Value> = lines
            .into_iter()
            .map(|v| (v["queue_id"].as_str().unwrap().to_owned(), v))
            .collect();
        assert_eq!(by_id.len(), count, "queue IDs are unique");
        assert_eq!(count as u64, sim.depth(host).total());
        by_id
    }

    #[test]
    fn a_line_has_the_members_of_postqueue_in_its_order() {
        let mut letter = Letter::new(7, 1_795_442_407);
        let mut line = String::new();
        write_letter(&mut line, 1, Host::Mbox1, Stage::Active, &letter);
        letter.failed = Some((1_795_442_500, Why::OverQuota));
        write_letter(&mut line, 1, Host::Mbox1, Stage::Deferred, &letter);
        insta::assert_snapshot!(line, @r#"
        {"queue_name": "active", "queue_id": "4jY6yb339Mz7WRy", "arrival_time": 1795442407, "message_size": 3162, "forced_expire": false, "sender": "dana.lund@bank.test", "recipients": [{"address": "hana.berg@harbour.test"}]}
        {"queue_name": "deferred", "queue_id": "4jY6yb339Mz7WRy", "arrival_time": 1795442407, "message_size": 3162, "forced_expire": false, "sender": "dana.lund@bank.test", "recipients": [{"address": "hana.berg@harbour.test", "delay_reason": "host mbox1.demo.test[private/dovecot-lmtp] said: 452 4.2.2 <hana.berg@harbour.test> Quota exceeded (mailbox for user is full) (in reply to RCPT TO command)"}]}
        "#);
    }

    #[test]
    fn every_line_is_json_and_a_letter_looks_the_same_in_every_listing() {
        let mut sim = Sim::new(Script::weekend());
        sim.advance(Span::from_hours(8).after(sim.script().begins));
        let early = listing(&sim, Host::Mbox1);
        sim.advance(Span::from_hours(9).after(sim.script().begins));
        let late = listing(&sim, Host::Mbox1);
        assert!(early.len() > 5_000);
        for (id, was) in &early {
            let is = &late[id];
            for member in ["arrival_time", "message_size", "sender"] {
                assert_eq!(is[member], was[member], "{id}");
            }
            let addresses = |v: &Value| -> Vec<Value> {
                v["recipients"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|r| r["address"].clone())
                    .collect()
            };
            assert_eq!(addresses(is), addresses(was), "{id}");
        }
    }

    #[test]
    fn letters_of_a_store_go_to_its_own_domains_and_its_reasons_are_few_once_masked() {
        let mut sim = Sim::new(Script::weekend());
        sim.advance(Span::from_hours(20).after(sim.script().begins));
        for host in Host::ALL {
            let mut domains: BTreeMap<String, u64> = BTreeMap::new();
            let mut reasons = BTreeSet::new();
            for letter in listing(&sim, host).values() {
                for r in letter["recipients"].as_array().unwrap() {
                    let address = r["address"].as_str().unwrap();
                    *domains
                        .entry(address.split_once('@').unwrap().1.to_owned())
                        .or_default() += 1;
                    reasons.extend(r["delay_reason"].as_str().map(masked));
                }
            }
            if host.role() == Role::Store {
                assert!(
                    domains.keys().all(|d| domains_of(host).contains(&d.as_str())),
                    "{host}: {domains:?}"
                );
            }
            assert!(domains.len() <= WORLD.len() + 1, "{host}: {domains:?}");
            assert!(reasons.len() <= 5, "{host}: {reasons:#?}");
        }
    }
}
