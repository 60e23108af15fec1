//! Domains: their doors found by their DNS records, and their MX hosts watched as one. The DNS server is a real one on
//! loopback, which has a domain that nobody else has.

use serde_json::Value;

use super::home::{Done, Home};
use super::lab::certs::Certificate;
use super::lab::dns::{Dns, Silent};
use super::lab::dovecot::{Dovecot, Options};
use super::lab::postfix::{self, Postfix};

/// `mailtop check` of targets, by this resolver.
fn check(at: &dyn ToString, args: &[&str]) -> Done {
    let at = at.to_string();
    let usual = ["check", "--resolver", &*at, "--timeout", "1s", "--format", "json"];
    Home::new().run(&[&usual[..], args].concat())
}

/// The servers of a report, with the URLs of their doors.
fn doors(report: &Value) -> Vec<String> {
    let servers = report["servers"].as_array().unwrap();
    let of = |server: &Value| {
        let protocols = ["smtp", "submission", "imap", "pop3", "sieve"];
        let doors = protocols
            .iter()
            .flat_map(|p| server[p].as_array().into_iter().flatten());
        let urls: Vec<&str> = doors.map(|d| d["url"].as_str().unwrap()).collect();
        format!("{}: {}", server["name"].as_str().unwrap(), urls.join(" "))
    };
    servers.iter().map(of).collect()
}

fn door<'a>(report: &'a Value, server: &str, protocol: &str) -> &'a Value {
    let servers = report["servers"].as_array().unwrap();
    &servers.iter().find(|s| s["name"] == server).unwrap()[protocol][0]
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|t| t.as_str().or(t["text"].as_str()).unwrap())
        .collect()
}

#[test]
fn a_bare_domain_finds_every_door_that_its_records_name() {
    let Some(dovecot) = Dovecot::start(&Options {
        certificate: Certificate::Good,
        ..Options::default()
    }) else {
        return;
    };
    let real = format!("srv-host=_imaps._tcp.example.test,localhost,{},0,10", dovecot.imaps);
    let Some(dns) = Dns::start(&[
        "mx-host=example.test,mx2.example.test,20",
        "mx-host=example.test,MX1.Example.test,10",
        "srv-host=_submissions._tcp.example.test,mx1.example.test,465",
        "srv-host=_submission._tcp.example.test,mx1.example.test,587",
        "srv-host=_imaps._tcp.example.test,imap.example.test,993,0,5",
        &real,
        "srv-host=_imaps._tcp.example.test,last.example.test,993,10,100",
        "srv-host=_imap._tcp.example.test,imap.example.test,143",
        "srv-host=_pop3s._tcp.example.test,imap.example.test,995",
        "srv-host=_pop3._tcp.example.test",
        "srv-host=_sieve._tcp.example.test,sieve.example.test,4190",
        "host-record=imap.example.test,127.0.0.9",
    ]) else {
        return;
    };
    let ca = dovecot.path("ca.pem").display().to_string();
    let done = check(&dns.at, &["example.test", "--ca-file", &ca]).exits(2);
    let report = done.json();
    let found = [
        "mx1.example.test: smtp://mx1.example.test submissions://mx1.example.test submission://mx1.example.test"
            .to_owned(),
        "mx2.example.test: smtp://mx2.example.test".to_owned(),
        format!("localhost: imaps://localhost:{}", dovecot.imaps),
        "imap.example.test: imaps://imap.example.test imap://imap.example.test pop3s://imap.example.test".to_owned(),
        "last.example.test: imaps://last.example.test".to_owned(),
        "sieve.example.test: sieve://sieve.example.test".to_owned(),
    ];
    assert_eq!(doors(&report), found, "{}", done.err);
    assert_eq!((report.get("unanswered"), &*done.err), (None, ""));
    let real = door(&report, "localhost", "imap");
    assert_eq!(
        (&real["verdict"], &real["proved"]),
        (&"ok".into(), &"greeting".into()),
        "{real:#}"
    );
    // The same resolver has the names of the hosts: nothing listens at the one, and the other is not there.
    let there = door(&report, "imap.example.test", "imap");
    assert!(
        texts(&Value::from(vec![there["failure"].clone()]))[0].contains("127.0.0.9:993"),
        "{there:#}"
    );
    let gone = door(&report, "last.example.test", "imap");
    assert!(
        gone["failure"]["text"].as_str().unwrap().contains("NXDOMAIN"),
        "{gone:#}"
    );
}

#[test]
fn a_domain_is_known_in_any_case_with_the_roots_dot_and_in_any_script() {
    let Some(dns) = Dns::start(&["mx-host=xn--bcher-kva.test,mx.other.test,10"]) else {
        return;
    };
    for name in ["bücher.test", "BÜCHER.Test.", "XN--BCHER-KVA.test"] {
        let report = check(&dns.at, &[name]).json();
        assert_eq!(doors(&report), ["mx.other.test: smtp://mx.other.test"], "{name}");
    }
}

#[test]
fn without_an_mx_the_domain_itself_takes_its_mail_and_that_is_told() {
    let Some(dns) = Dns::start(&["host-record=plain.test,127.0.0.9"]) else {
        return;
    };
    let done = check(&dns.at, &["plain.test"]);
    assert_eq!(doors(&done.json()), ["plain.test: smtp://plain.test"]);
    assert!(done.err.contains("plain.test has no MX record"), "{}", done.err);
}

#[test]
fn a_domain_without_a_door_ends_with_what_was_asked_and_why_there_is_none() {
    let silent = Silent::start();
    let Some(dns) = Dns::start(&["dns-rr=null.test,15,000000", "txt-record=bare.test,nothing of mail"]) else {
        return;
    };
    let null_and_gone = check(&dns.at, &["null.test", "gone.test", "bare.test"]).exits(3);
    for said in [
        "null.test: no door was found; asked were MX, A and AAAA of it, and SRV of _submissions._tcp, ",
        "_sieve._tcp: null.test takes no mail (null MX, RFC 7505) — ",
        "_sieve._tcp: no such name: gone.test (NXDOMAIN) — ",
        "_sieve._tcp: it has none of these records — ",
    ] {
        assert!(null_and_gone.err.contains(said), "{said}\n{}", null_and_gone.err);
    }
    let hangs = check(&silent.at, &["example.test"]).exits(3);
    let said = format!(
        "no answer from the resolver ({}) for MX of example.test: silent for 1.0s",
        silent.at
    );
    assert!(
        hangs.err.contains(&said) && !hangs.err.contains("NXDOMAIN"),
        "{}",
        hangs.err
    );
}

#[test]
fn a_null_mx_leaves_the_doors_of_those_who_read() {
    let Some(dns) = Dns::start(&[
        "dns-rr=null.test,15,000000",
        "srv-host=_imaps._tcp.null.test,imap.null.test,993",
    ]) else {
        return;
    };
    let done = check(&dns.at, &["null.test"]);
    assert_eq!(doors(&done.json()), ["imap.null.test: imaps://imap.null.test"]);
    assert!(done.err.contains("takes no mail (null MX, RFC 7505)"), "{}", done.err);
}

#[test]
fn a_question_without_an_answer_is_told_and_leaves_the_whole_unknown() {
    // Whatever it does not have it refuses to speak of.
    let Some(dns) = Dns::with(&["srv-host=_imaps._tcp.part.test,localhost,1"]) else {
        return;
    };
    let done = check(&dns.at, &["part.test"]);
    let report = done.json();
    assert_eq!(doors(&report), ["localhost: imaps://localhost:1"]);
    let unanswered = texts(&report["unanswered"]);
    assert!(
        unanswered[0].contains("for MX of part.test") && unanswered.len() == 7,
        "{unanswered:?}"
    );
    assert!(done.err.contains("for MX of part.test"), "{}", done.err);
}

/// The report of the one door of a config that watches `example.test`, by these resolvers.
fn watched(resolvers: &[&dyn ToString], more: &str) -> (Value, String) {
    let quoted: Vec<String> = resolvers.iter().map(|r| format!("\"{}\"", r.to_string())).collect();
    let home = Home::new();
    home.configure(&format!(
        "[[server]]\nname = \"mail of example.test\"\ntimeout = \"1s\"\n[[server.mx]]\nurl = \"mx://example.test:9\"\n\
         resolvers = [{}]\n{more}",
        quoted.join(", ")
    ));
    let report = home.run(&["check", "--format", "json"]).json();
    let text = home.run(&["check"]).out;
    (report["servers"][0]["mx"][0].clone(), text)
}

#[test]
fn a_watched_domain_tells_of_each_of_its_hosts_and_of_what_it_announces() {
    let Some(dns) = Dns::start(&[
        "mx-host=example.test,mx2.example.test,20",
        "mx-host=example.test,mx1.example.test,10",
        "host-record=mx1.example.test,127.0.0.9",
        "host-record=mx2.example.test,127.0.0.9",
        "dns-rr=_9._tcp.mx1.example.test,52,030101aabbcc",
        "txt-record=_mta-sts.example.test,v=STSv1; id=20260101;",
    ]) else {
        return;
    };
    let (door, text) = watched(&[&dns.at], "");
    assert_eq!(
        (&door["url"], &door["role"]),
        (&"mx://example.test:9".into(), &"inbound".into())
    );
    let hosts: Vec<(&str, u64)> = door["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| (h["host"].as_str().unwrap(), h["preference"].as_u64().unwrap()))
        .collect();
    assert_eq!(hosts, [("mx1.example.test", 10), ("mx2.example.test", 20)], "{door:#}");
    let notes = texts(&door["notes"]);
    assert!(
        notes.contains(&"mx1.example.test: TLSA present (1), not validated"),
        "{notes:?}"
    );
    assert!(
        notes.contains(&"MTA-STS announced (id 20260101); its policy was not fetched"),
        "{notes:?}"
    );
    assert!(text.contains("      MX 10 mx1.example.test  "), "{text}");
}

#[test]
fn a_domain_is_as_good_as_its_best_host_and_the_others_are_warnings_by_name() {
    if let Some(why) = postfix::missing() {
        eprintln!("left out: {why}");
        return;
    }
    let postfix = Postfix::start();
    // Its first smtpd takes its time on a busy machine; the probes have a second.
    let mut greeting = String::new();
    let first = std::net::TcpStream::connect(("127.0.0.1", postfix.port)).unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(first), &mut greeting).unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
    // The real one is at 127.0.0.1 alone; at the other address nothing listens.
    let Some(dns) = Dns::start(&[
        "mx-host=example.test,gone.example.test,10",
        "mx-host=example.test,real.example.test,20",
        "host-record=gone.example.test,127.0.0.9",
        "host-record=real.example.test,127.0.0.1",
        "mx-host=good.test,real.example.test,10",
    ]) else {
        return;
    };
    let check = |domain: &str| {
        let url = format!("mx://{domain}:{}", postfix.port);
        // It has no certificate.
        check(&dns.at, &[&*url, "--starttls", "off"]).json()
    };
    let all_well = check("good.test");
    let door = &all_well["servers"][0]["mx"][0];
    assert_eq!(
        (&door["verdict"], &door["proved"]),
        (&"ok".into(), &"ehlo".into()),
        "{door:#}"
    );
    let one_gone = check("example.test");
    let door = &one_gone["servers"][0]["mx"][0];
    assert_eq!(
        (&door["verdict"], &door["proved"], &door["failure"]),
        (&"warn".into(), &"ehlo".into(), &Value::Null),
        "{door:#}"
    );
    let refused = format!("gone.example.test: 127.0.0.9:{} connection refused", postfix.port);
    assert_eq!(texts(&door["aside"]), [&*refused]);
    let verdicts: Vec<&Value> = door["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| &h["verdict"])
        .collect();
    assert_eq!(verdicts, ["down", "ok"]);
    assert_eq!(door["peer"], format!("127.0.0.1:{}", postfix.port));
    let url = format!("mx://example.test:{}", postfix.port);
    drop(postfix);
    let all_gone = super::domain::check(&dns.at, &[&*url]).exits(2).json();
    let door = &all_gone["servers"][0]["mx"][0];
    assert_eq!(
        (&door["verdict"], &door["layer"]),
        (&"down".into(), &"network".into()),
        "{door:#}"
    );
    assert_eq!(door["failure"]["text"], *refused);
}

#[test]
fn a_resolver_that_differs_and_one_that_hangs_are_warnings_with_both_answers() {
    let (right, silent) = (
        Dns::start(&["mx-host=example.test,mx1.example.test,10"]),
        Silent::start(),
    );
    let old = Dns::start(&["mx-host=example.test,old.example.test,5"]);
    let (Some(right), Some(old)) = (right, old) else { return };
    let (door, text) = watched(&[&right.at, &old.at, &silent.at], "");
    let aside = texts(&door["aside"]);
    let (right, old, silent) = (right.at, old.at, silent.at);
    let differs = format!("{old} says MX 5 old.example.test; {right} says MX 10 mx1.example.test");
    let hangs = format!("{silent} gives no answer (silent for 1.0s); {right} says MX 10 mx1.example.test");
    for said in [differs, hangs] {
        assert!(aside.contains(&&*said) && text.contains(&said), "{said}\n{text}");
    }
    assert_eq!(door["hosts"][0]["host"], "mx1.example.test");
    assert!(
        !text.contains("slow"),
        "the time is that of the answer gone by:\n{text}"
    );
}

#[test]
fn dns_that_hangs_a_name_that_is_gone_and_a_null_mx_are_three_failures_of_the_name() {
    let silent = Silent::start();
    let (Some(gone), Some(null)) = (Dns::start(&[]), Dns::start(&["dns-rr=example.test,15,000000"])) else {
        return;
    };
    for (at, said) in [
        (silent.at, "silent for 1.0s"),
        (gone.at, "(NXDOMAIN)"),
        (null.at, "takes no mail"),
    ] {
        let (door, _) = watched(&[&at], "");
        let failure = &door["failure"];
        assert_eq!(
            (&failure["layer"], &failure["phase"]),
            (&"name".into(), &"name".into()),
            "{door:#}"
        );
        assert!(failure["text"].as_str().unwrap().contains(said), "{said}: {door:#}");
        assert_eq!((&door["verdict"], door.get("hosts")), (&"down".into(), None));
    }
}

#[test]
fn a_huge_answer_is_cut_behind_the_hosts_that_are_tried_first() {
    let records: Vec<String> = (0..400)
        .rev()
        .map(|n| format!("mx-host=example.test,a-rather-long-name-of-host-number-{n}.example.test,{n}"))
        .collect();
    let Some(dns) = Dns::start(&records.iter().map(String::as_str).collect::<Vec<_>>()) else {
        return;
    };
    let (door, _) = watched(&[&dns.at], "");
    let hosts = door["hosts"].as_array().unwrap();
    assert_eq!((hosts.len(), &hosts[15]["preference"]), (16, &15.into()));
    let notes = texts(&door["notes"]);
    assert!(notes.contains(&"of 400 MX hosts the first 16 are taken"), "{notes:?}");
}
