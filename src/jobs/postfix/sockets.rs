//! Which doors a Postfix opens to the network, and whether anybody listens at them. The kernel's own table tells
//! (proc_net_tcp); whose a listener is tells only who may see the master's files, else its address does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::answer::{self, Answer};

/// A word of `inet_interfaces`, resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Face {
    All,
    Loopback,
    One(IpAddr),
}

impl Face {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::All),
            "loopback-only" => Some(Self::Loopback),
            other => answer::address(other).map(Self::One),
        }
    }
}

/// A service of type `inet` in master.cf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Door {
    /// Its name: `smtp`, `127.0.0.1:10025`.
    pub service: String,
    /// `None` where its name is none that the host knows.
    pub port: Option<u16>,
    /// The addresses that its name holds; those of `inet_interfaces` where it names none.
    addresses: Vec<IpAddr>,
    /// The name of a host in it that has no address there.
    nameless: Option<String>,
}

impl Door {
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let service = words.next().filter(|s| !s.is_empty())?.to_owned();
        let port = words.next().and_then(|p| p.parse().ok());
        let addresses = words.next().unwrap_or_default();
        Some(Self {
            service,
            port,
            addresses: addresses.split(',').filter_map(answer::address).collect(),
            nameless: addresses.split(',').find_map(|a| Some(a.strip_prefix('?')?.to_owned())),
        })
    }
    /// As `master_service_disable` names it.
    pub fn named(&self) -> String {
        format!("{}/inet", self.service)
    }
    /// Whether only this host can knock.
    pub fn is_local(&self) -> bool {
        !self.addresses.is_empty() && self.addresses.iter().all(IpAddr::is_loopback)
    }
    /// The name that would have to have an address there before it can be said that nobody listens at this door.
    pub fn unknown<'b>(&'b self, answer: &'b Answer) -> Option<&'b str> {
        let face = || answer.nameless.first().filter(|_| self.addresses.is_empty());
        self.nameless.as_ref().or_else(face).map(String::as_str)
    }
    /// Whether it would be at this local end.
    fn is_at(&self, local: &Local, faces: &[Face]) -> bool {
        self.port == Some(local.port)
            && if self.addresses.is_empty() && self.nameless.is_none() {
                faces.iter().any(|face| match face {
                    Face::All => local.is(|a| a.is_unspecified()),
                    Face::Loopback => local.is(|a| a.is_loopback()),
                    Face::One(one) => local.is(|a| a == *one),
                })
            } else {
                self.addresses.iter().any(|one| local.is(|a| a == *one))
            }
    }
    /// Whether this Postfix listens there.
    pub fn listens(&self, answer: &Answer) -> bool {
        answer.listening.iter().any(|(local, inode)| match &answer.holds {
            Some(held) => self.port == Some(local.port) && self.is_at(local, &answer.faces) && held.contains(inode),
            None => self.is_at(local, &answer.faces),
        })
    }
    /// How many sessions are open at it. One with a given address is not told from another Postfix's on the same.
    pub fn sessions(&self, answer: &Answer) -> u64 {
        let there = |local: &Local| {
            if self.addresses.is_empty() && answer.faces.contains(&Face::All) {
                self.port == Some(local.port)
            } else {
                self.is_at(local, &answer.faces)
            }
        };
        answer
            .open
            .iter()
            .filter(|(local, _)| there(local))
            .map(|(_, n)| n)
            .sum()
    }
}

/// One end of a socket, as the kernel prints it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Local {
    /// The address, read in either order of bytes: the kernel prints it in the host's own.
    either: [IpAddr; 2],
    pub port: u16,
}

impl Local {
    /// `0100007F:0019`, or 32 digits for IPv6.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, port) = text.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        if !address.is_ascii() {
            return None;
        }
        let word = |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok();
        let either = match address.len() {
            8 => {
                let w = word(0)?;
                [w.swap_bytes(), w].map(|w| IpAddr::V4(Ipv4Addr::from(w)))
            }
            32 => {
                let words = [word(0)?, word(8)?, word(16)?, word(24)?];
                let whole = |words: [u32; 4]| {
                    let bits = words.iter().fold(0_u128, |all, w| (all << 32) | u128::from(*w));
                    Ipv6Addr::from(bits).to_canonical()
                };
                [whole(words.map(u32::swap_bytes)), whole(words)]
            }
            _ => return None,
        };
        Some(Self { either, port })
    }
    fn is(&self, same: impl Fn(IpAddr) -> bool) -> bool {
        self.either.iter().any(|a| same(*a))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Local {
        Local::parse(text).unwrap()
    }

    #[test]
    fn an_address_is_read_as_the_kernel_prints_it() {
        for (text, want, port) in [
            ("0100007F:0019", "127.0.0.1", 25),
            ("7F000001:0019", "127.0.0.1", 25),
            ("00000000:024B", "0.0.0.0", 587),
            ("00000000000000000000000001000000:01D1", "::1", 465),
            ("B80D0120000000000000000001000000:0019", "2001:db8::1", 25),
        ] {
            let (local, want) = (local(text), want.parse::<IpAddr>().unwrap());
            assert!(local.is(|a| a == want) && local.port == port, "{text}: {local:?}");
        }
        for odd in [
            "",
            ":",
            "0100007F",
            "0100007F:",
            "é100007:0019",
            "010000:0019",
            "0100007F:10019",
        ] {
            assert_eq!(Local::parse(odd), None, "{odd}");
        }
    }

    fn answer(face: &str, listening: &[(&str, u64)], holds: Option<Vec<u64>>) -> Answer {
        Answer {
            faces: Face::parse(face).into_iter().collect(),
            listening: listening.iter().map(|(l, i)| (local(l), *i)).collect(),
            holds,
            ..Answer::default()
        }
    }

    #[test]
    fn a_name_without_an_address_is_no_door_that_is_shut_and_none_on_every_address() {
        let named = Door::parse("gone.test:25 25 ?gone.test,").unwrap();
        let wild = answer("all", &[("00000000:0019", 7)], None);
        assert!(!named.listens(&wild), "that is another's");
        assert_eq!((named.unknown(&wild), named.is_local()), (Some("gone.test"), false));
        let (smtp, own) = (
            Door::parse("smtp 25 ").unwrap(),
            Door::parse("127.0.0.1:25 25 127.0.0.1,").unwrap(),
        );
        let mut faceless = answer("", &[], None);
        faceless.nameless.push("mail.test".into());
        assert_eq!(
            (smtp.unknown(&wild), smtp.unknown(&faceless)),
            (None, Some("mail.test"))
        );
        assert_eq!(own.unknown(&faceless), None);
    }

    #[test]
    fn a_listener_counts_only_where_this_postfix_would_be() {
        let smtp = Door::parse("smtp 25 ").unwrap();
        let own = Door::parse("127.0.0.1:10025 10025 127.0.0.1,").unwrap();
        assert!(own.is_local() && !smtp.is_local());
        let wild = &[("00000000:0019", 7)];
        assert!(smtp.listens(&answer("all", wild, None)));
        assert!(!smtp.listens(&answer("loopback-only", wild, None)));
        assert!(smtp.listens(&answer("192.0.2.1", &[("010200C0:0019", 7)], None)));
        // Another instance on the next address, and another program on the same.
        assert!(!smtp.listens(&answer("192.0.2.1", &[("020200C0:0019", 7)], None)));
        assert!(smtp.listens(&answer("all", wild, Some(vec![6, 7]))));
        assert!(!smtp.listens(&answer("all", wild, Some(vec![6]))));
        assert!(own.listens(&answer("all", &[("0100007F:2729", 7)], None)));
        assert!(!own.listens(&answer("all", &[("00000000:2729", 7)], None)));
    }
}
