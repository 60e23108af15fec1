use super::*;
use hickory_resolver::config::ConnectionConfig;
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::{RData, Record};
use tokio::net::UdpSocket;

/// What the DNS server of a test does with a question.
enum Reply {
    Addresses(Vec<IpAddr>),
    Code(ResponseCode),
    Silence,
}
/// Its answer to a name and a record type.
type Zone = fn(&str, RecordType) -> Reply;

/// A resolver that asks a small DNS server of the test's own.
async fn asking(zone: Zone, search: &[&str]) -> Loaded {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut buf = [0; 1500];
        while let Ok((n, from)) = socket.recv_from(&mut buf).await {
            let query = Message::from_vec(&buf[..n]).unwrap();
            let asked = query.queries[0].clone();
            let (code, addresses) = match zone(&asked.name().to_utf8(), asked.query_type()) {
                Reply::Addresses(all) => (ResponseCode::NoError, all),
                Reply::Code(code) => (code, vec![]),
                Reply::Silence => continue,
            };
            let mut answer = query.into_response();
            answer.metadata.response_code = code;
            answer.answers = addresses
                .into_iter()
                .map(|ip| Record::from_rdata(asked.name().clone(), 60, RData::from(ip)))
                .collect();
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    let mut server = NameServerConfig::udp(Ipv4Addr::LOCALHOST.into());
    let mut udp = ConnectionConfig::udp();
    udp.port = port;
    server.connections = vec![udp];
    let search = search.iter().map(|s| Name::from_utf8(s).unwrap()).collect();
    let config = ResolverConfig::from_parts(None, search, vec![server]);
    let mut options = ResolverOpts::default();
    options.timeout = Duration::from_millis(100);
    with(config, options, Hosts::default()).unwrap()
}

async fn ask(zone: Zone, search: &[&str], name: &str) -> Result<Vec<String>, NameError> {
    let found = asking(zone, search).await;
    let found = found
        .ask_within(&Name::from_utf8(name).unwrap(), Span::from_secs(10))
        .await?;
    Ok(found.iter().map(ToString::to_string).collect())
}

fn none(code: ResponseCode) -> Reply {
    Reply::Code(code)
}
fn found(ip: &str) -> Reply {
    Reply::Addresses(vec![ip.parse().unwrap()])
}

#[tokio::test]
async fn both_families_are_found_with_the_newer_one_first() {
    let zone: Zone = |_, kind| {
        found(if kind == RecordType::A {
            "192.0.2.1"
        } else {
            "2001:db8::1"
        })
    };
    assert_eq!(ask(zone, &[], "mx.test").await.unwrap(), ["2001:db8::1", "192.0.2.1"]);
}

#[tokio::test]
async fn one_family_is_enough_when_the_other_is_silent() {
    let zone: Zone = |_, kind| {
        if kind == RecordType::A {
            found("192.0.2.1")
        } else {
            Reply::Silence
        }
    };
    assert_eq!(ask(zone, &[], "mx.test").await.unwrap(), ["192.0.2.1"]);
}

#[tokio::test]
async fn no_such_name_no_address_and_no_answer_are_three_things() {
    let gone = ask(|_, _| none(ResponseCode::NXDomain), &[], "mx.test")
        .await
        .unwrap_err();
    assert_eq!(gone, NameError::NoSuchName("mx.test".to_owned()));
    let bare = ask(|_, _| none(ResponseCode::NoError), &[], "mx.test")
        .await
        .unwrap_err();
    assert_eq!(bare, NameError::NoAddress("mx.test".to_owned()));
    for zone in [(|_, _| Reply::Silence) as Zone, |_, _| none(ResponseCode::ServFail)] {
        let silent = ask(zone, &[], "mx.test").await.unwrap_err();
        assert!(matches!(silent, NameError::NoAnswer { .. }), "{silent}");
    }
    // A server that fails for one family and denies the other has not said that the name is gone.
    let mixed: Zone = |_, kind| {
        none(if kind == RecordType::A {
            ResponseCode::ServFail
        } else {
            ResponseCode::NXDomain
        })
    };
    assert!(matches!(
        ask(mixed, &[], "mx.test").await.unwrap_err(),
        NameError::NoAnswer { .. }
    ));
}

#[tokio::test]
async fn a_time_out_ends_the_wait_for_a_silent_resolver() {
    let silent = asking(|_, _| Reply::Silence, &[]).await;
    let e = silent
        .ask_within(&Name::from_utf8("mx.test").unwrap(), Span::from_millis(50))
        .await
        .unwrap_err();
    assert!(e.to_string().ends_with("for mx.test: silent for 50ms"), "{e}");
}

#[tokio::test]
async fn a_short_name_is_looked_for_in_the_search_domains_first() {
    let zone: Zone = |name, kind| match (name, kind) {
        ("mx1.b.test.", RecordType::A) => found("192.0.2.7"),
        _ => none(ResponseCode::NXDomain),
    };
    assert_eq!(ask(zone, &["a.test", "b.test"], "mx1").await.unwrap(), ["192.0.2.7"]);
    let gone = ask(zone, &["a.test", "b.test"], "mx1.").await.unwrap_err();
    assert_eq!(gone, NameError::NoSuchName("mx1".to_owned()));
    let forms = asking(zone, &["a.test"])
        .await
        .forms(&Name::from_utf8("mx.c.test").unwrap());
    let forms: Vec<String> = forms.iter().map(Name::to_utf8).collect();
    assert_eq!(
        forms,
        ["mx.c.test.", "mx.c.test.a.test."],
        "a name with enough dots is tried as it stands first"
    );
}

#[tokio::test]
async fn literals_and_localhost_are_never_asked_for() {
    let names = Names::default();
    for (host, want) in [
        ("192.0.2.9", vec!["192.0.2.9"]),
        ("::1", vec!["::1"]),
        ("LOCALHOST.", vec!["::1", "127.0.0.1"]),
    ] {
        let got = names.addresses(host, Span::ZERO).await.unwrap();
        assert_eq!(got.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
    }
    for bad in ["", ".", "a..b", "not a name", &"x".repeat(64)] {
        let e = names.addresses(bad, Span::from_secs(5)).await.unwrap_err();
        assert_eq!(e, NameError::NotAName(bad.to_owned()));
    }
}

#[tokio::test]
async fn the_hosts_file_is_enough_even_when_no_resolver_answers() {
    let mut system = asking(|_, _| Reply::Silence, &[]).await;
    let mut hosts = Hosts::default();
    hosts.read_hosts_conf(&b"192.0.2.3 MX9.test mx9 # ours\n"[..]).unwrap();
    system.hosts = Arc::new(hosts);
    for name in ["mx9.test", "MX9", "mx9."] {
        let listed = system.in_hosts_file(&Name::from_utf8(name).unwrap());
        assert_eq!(listed, ["192.0.2.3".parse::<IpAddr>().unwrap()], "{name}");
    }
}
