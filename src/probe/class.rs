//! What a failure on the way to a conversation means: names, connections, sockets and TLS are the same for every protocol.
//! Pure. What a server says is classed by each protocol's own table.

use std::net::SocketAddr;

use super::lines::Broken;
use crate::domain::Text;
use crate::domain::door::{Door, Protocol, Security};
use crate::domain::health::{Failure, Layer, Phase};
use crate::reach::dial::tcp::Passed;
use crate::reach::dial::{ConnectError, NameError, SocketError, TlsError};

/// The layer that a phase proves: it is named when nothing else is known, for example by a time-out.
pub const fn layer_of(phase: Phase) -> Layer {
    match phase {
        Phase::Name => Layer::Name,
        Phase::Tcp => Layer::Network,
        Phase::Tls => Layer::Tls,
        Phase::Socket | Phase::Greeting | Phase::Ehlo => Layer::FrontEnd,
        Phase::Login => Layer::Auth,
        Phase::Examine | Phase::Fetch | Phase::Stat | Phase::Scripts | Phase::Logout => Layer::Store,
        Phase::Mail | Phase::Rcpt => Layer::Delivery,
    }
}

/// A failure without a response code.
pub fn failure(layer: Layer, phase: Phase, text: impl Into<Text>, hint: Option<&str>) -> Failure {
    Failure {
        layer,
        phase,
        code: None,
        text: text.into(),
        hint: hint.map(Text::from),
    }
}

/// A name that did not resolve.
pub fn name(e: &NameError) -> Failure {
    let hint = match e {
        NameError::NotAName(_) => "check the host in the config",
        NameError::NoSuchName(_) => "the name is gone from DNS or misspelt; the server itself was not asked",
        NameError::NoAddress(_) => "the name has other records only; the server itself was not asked",
        NameError::NoAnswer { .. } => "DNS is silent as seen from here; the server itself was not asked",
    };
    failure(Layer::Name, Phase::Name, e.to_string(), Some(hint))
}

/// A connection that did not come about.
pub fn tcp(e: &ConnectError) -> Failure {
    let refused = e
        .tried
        .iter()
        .any(|(_, why)| why.as_deref() == Some("connection refused"));
    let hint = if e.silent() {
        Some("nothing answers: host down, route gone, or a firewall that drops")
    } else if refused {
        Some("the host answers, but nothing listens on this port")
    } else {
        None
    };
    let text = if e.silent() {
        format!("{e} within {}", e.waited)
    } else {
        e.to_string()
    };
    failure(Layer::Network, Phase::Tcp, text, hint)
}

/// A handshake that did not hold. Not one byte back means that nobody serves the connection, which is not TLS's fault.
pub fn tls(e: &TlsError, door: &Door) -> Failure {
    let security = door.security;
    let (layer, hint) = match e {
        TlsError::TimedOut { received: 0, .. } if security == Security::Tls => (
            Layer::FrontEnd,
            "the kernel accepts and no process serves the connection: it hangs, is stopped, or has no worker free",
        ),
        TlsError::HungUp { received: 0, .. } if security == Security::Tls => (
            Layer::Network,
            "accepted and closed without a byte: a proxy without a backend, or a server that turns us away",
        ),
        TlsError::Trust(_) => (Layer::Tls, "this is the config here; the server was not judged"),
        TlsError::Expired => (
            Layer::Tls,
            "renew it and reload the server; check that the renewed file is the one it serves",
        ),
        TlsError::NotYetValid => (Layer::Tls, "check the clock here and on the server"),
        TlsError::WrongName(_) => (
            Layer::Tls,
            "the server serves another name's certificate, or the host in the config is an alias",
        ),
        TlsError::UnknownIssuer(_) => (
            Layer::Tls,
            "an intermediate certificate is missing on the server, or ca_file must name its root",
        ),
        TlsError::NotTls(_) => (Layer::Tls, starttls_port(door.protocol())),
        _ => (Layer::Tls, ""),
    };
    failure(layer, Phase::Tls, e.to_string(), Some(hint).filter(|h| !h.is_empty()))
}

const fn starttls_port(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Imap => "is this a STARTTLS or plain port? STARTTLS is usual on 143",
        Protocol::Pop3 => "is this a STARTTLS or plain port? STLS is usual on 110",
        _ => "is this a STARTTLS or plain port? STARTTLS is usual on 25, 587 and 4190",
    }
}

/// A unix socket that could not be reached.
pub fn socket(path: &str, e: &SocketError) -> Failure {
    let (layer, hint) = match e {
        SocketError::NoReach => (Layer::Network, "write a reach for the server, or name a TCP port"),
        SocketError::Unreachable(_) => (Layer::Network, "the socket itself was not asked"),
        SocketError::Refused(why) if why.contains("permission denied") => (
            Layer::Credential,
            "the login there may not use this socket: see its mode and its folder's",
        ),
        SocketError::Refused(_) => (Layer::FrontEnd, "nothing serves the socket: is the service running?"),
        SocketError::Silent(_) => (
            Layer::FrontEnd,
            "its backlog is full: the service hangs, is stopped, or has no worker free",
        ),
    };
    failure(layer, Phase::Socket, format!("{path}: {e}"), Some(hint))
}

/// What the addresses say that were passed over for the one that answered.
pub enum PassedOver {
    /// The other family does not work there.
    Broken(Failure),
    /// The other family was not judged.
    NotJudged(Text),
}

/// A host with addresses of both families has two ways in, and clients that prefer the broken one feel it. What has no
/// route from here says nothing of the host.
pub fn passed_over(at: SocketAddr, passed: &Passed) -> Option<PassedOver> {
    let (other, why) = passed
        .iter()
        .find(|(a, _)| a.is_ipv6() != at.is_ipv6() && !a.ip().is_loopback())?;
    let (family, answered) = if other.is_ipv6() {
        ("IPv6", "IPv4")
    } else {
        ("IPv4", "IPv6")
    };
    let routeless = |w: &str| w.contains("unreachable") || w.contains("no route") || w.contains("cannot assign");
    Some(match why.as_deref() {
        Some(why) if !routeless(why) => PassedOver::Broken(failure(
            Layer::Network,
            Phase::Tcp,
            format!(
                "{family} does not work: {other} {why}; {answered} answered at {}",
                at.ip()
            ),
            Some("clients that prefer the broken family wait or fail"),
        )),
        Some(why) => PassedOver::NotJudged(format!("{family} was not judged: {other} {why} from here").into()),
        None => PassedOver::NotJudged(
            format!("{family} was not judged: {other} was silent while {answered} answered").into(),
        ),
    })
}

/// A phase of a conversation that did not hold, where it was not the server that said so.
pub fn broken(door: &Door, phase: Phase, broken: &Broken) -> Failure {
    let own = layer_of(phase);
    match broken {
        Broken::TimedOut(waited) => failure(
            own,
            phase,
            format!("no answer within {waited}"),
            silent_hint(door.protocol(), phase),
        ),
        Broken::HungUp(how) if phase == Phase::Greeting => failure(
            Layer::Network,
            phase,
            format!("{how} before a greeting"),
            Some("accepted and closed: a proxy without a backend, or a server that turns us away"),
        ),
        Broken::HungUp(how) => failure(
            own,
            phase,
            format!("{how} instead of an answer"),
            Some("the front end was alive a moment ago: see the server's log for what died behind it"),
        ),
        Broken::TooMuch(what) => failure(
            own,
            phase,
            what.clone(),
            Some("reading was stopped; the answer makes no sense for a probe"),
        ),
        Broken::Strange(words) => failure(
            own,
            phase,
            format!("not {}: {words}", door.protocol().title()),
            Some("is this the right port?"),
        ),
        Broken::NoStartTls => failure(
            Layer::Tls,
            phase,
            format!("the server does not offer {}", start_tls(door.protocol())),
            Some("switched off, or stripped on the way; no password was sent"),
        ),
        Broken::Injected(n) => failure(
            Layer::Tls,
            phase,
            format!(
                "{n} bytes stood in the clear behind the answer to {}",
                start_tls(door.protocol())
            ),
            Some("a fault of the server or somebody in between; they were thrown away and no password was sent"),
        ),
        Broken::NotOffered { wanted, offered } => failure(
            Layer::Credential,
            phase,
            format!("the server does not offer {wanted}; it offers {offered}"),
            Some("change the mechanism in the config; the server is alive"),
        ),
        Broken::NotSendable(what) => failure(
            Layer::Credential,
            phase,
            format!("{what} holds a line end or NUL and cannot be sent"),
            Some("correct it in the config; the server is alive"),
        ),
    }
}

/// The command that begins TLS.
pub const fn start_tls(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Pop3 => "STLS",
        _ => "STARTTLS",
    }
}

fn silent_hint(protocol: Protocol, phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Greeting if matches!(protocol, Protocol::Smtp | Protocol::Submission | Protocol::Lmtp) => Some(
            "accepted and silent: the front end hangs, has no worker free or cannot start one (its log says why), or makes strangers wait for longer than the time-out",
        ),
        Phase::Greeting => Some(
            "accepted and silent: the front end hangs, or (Dovecot) its authentication process is gone; see whether other doors of the server answer",
        ),
        Phase::Login => Some(
            "the front end is alive; the authentication backend is not answering, or a tarpit is longer than the time-out",
        ),
        Phase::Examine | Phase::Fetch | Phase::Stat | Phase::Scripts => {
            Some("the login held; the store hangs: locks, disk, or maintenance")
        }
        Phase::Mail | Phase::Rcpt => Some(
            "the front end is alive; what it asks about senders and recipients is not answering: maps, policy, or DNS",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::door::{Mechanism, Place, Role, Speaks};
    use Layer::{FrontEnd, Name, Network};

    fn tls_under(e: &TlsError, security: Security) -> Failure {
        let door = Door {
            name: "imap".into(),
            speaks: Speaks::imap(),
            role: Role::Mailbox,
            at: Place::tcp("mx.test", 993),
            security,
            user: None,
            mechanism: Mechanism::Password,
            ca_file: None,
            timeout: Span::from_secs(5),
        };
        tls(e, &door)
    }

    #[test]
    fn not_one_byte_after_accept_is_the_front_end_and_a_broken_handshake_is_tls() {
        let waited = Span::from_secs(5);
        let silent = TlsError::TimedOut { received: 0, waited };
        assert_eq!(tls_under(&silent, Security::Tls).layer, FrontEnd);
        assert_eq!(tls_under(&silent, Security::StartTls).layer, Layer::Tls);
        assert_eq!(
            tls_under(&TlsError::TimedOut { received: 7, waited }, Security::Tls).layer,
            Layer::Tls
        );
        let hung_up = |received| TlsError::HungUp {
            received,
            why: "the server hung up".to_owned(),
        };
        assert_eq!(tls_under(&hung_up(0), Security::Tls).layer, Network);
        assert_eq!(tls_under(&hung_up(90), Security::Tls).layer, Layer::Tls);
        assert_eq!(tls_under(&TlsError::Expired, Security::Tls).layer, Layer::Tls);
    }

    #[test]
    fn names_that_do_not_exist_and_resolvers_that_do_not_answer_read_differently() {
        let gone = name(&NameError::NoSuchName("mx.test".to_owned()));
        let silent = name(&NameError::NoAnswer {
            name: "mx.test".to_owned(),
            servers: "10.0.0.1".to_owned(),
            why: "request timed out".to_owned(),
        });
        assert_eq!((gone.layer, silent.layer), (Name, Name));
        assert!(gone.text.contains("NXDOMAIN"));
        assert!(
            silent.text.contains("no answer from the resolver (10.0.0.1)"),
            "{}",
            silent.text
        );
    }

    #[test]
    fn a_family_that_is_refused_is_told_and_one_without_a_route_is_not_judged() {
        let at: SocketAddr = "192.0.2.1:25".parse().unwrap();
        let v6: SocketAddr = "[2001:db8::1]:25".parse().unwrap();
        let passed = |why: Option<&str>| passed_over(at, &vec![(v6, why.map(str::to_owned))]);
        let Some(PassedOver::Broken(failure)) = passed(Some("connection refused")) else {
            panic!("not told")
        };
        assert!(
            failure
                .text
                .contains("IPv6 does not work: [2001:db8::1]:25 connection refused")
        );
        assert!(failure.text.contains("IPv4 answered at 192.0.2.1"));
        for why in [Some("network is unreachable"), None] {
            assert!(matches!(passed(why), Some(PassedOver::NotJudged(_))), "{why:?}");
        }
        let own = "[::1]:25".parse().unwrap();
        assert!(passed_over(at, &vec![(own, Some("connection refused".to_owned()))]).is_none());
        assert!(passed_over(at, &vec![("192.0.2.9:25".parse().unwrap(), None)]).is_none());
    }
}
