use super::*;
use crate::domain::health::{Limits, TlsSeen};
use jiff::Timestamp;

fn mx(preference: u16, host: &str) -> Mx {
    Mx {
        preference,
        host: host.into(),
    }
}
fn no_answer() -> NameError {
    NameError::NoAnswer {
        name: "MX of example.test".into(),
        servers: "10.0.0.2".into(),
        why: "silent for 5s".into(),
    }
}
fn agreed(answers: Vec<Result<Vec<Mx>, NameError>>) -> (Result<Vec<Mx>, NameError>, Vec<String>) {
    let answers = answers.into_iter().enumerate().map(|(i, said)| Answer {
        by: Resolver::new(format!("10.0.0.{}:53", i + 1)),
        said,
        took: Span::ZERO,
    });
    let heard = agree(answers.collect());
    assert!(
        heard
            .aside
            .iter()
            .all(|f| (f.layer, f.phase) == (Layer::Name, Phase::Name))
    );
    (heard.answer, heard.aside.iter().map(|f| f.text.to_string()).collect())
}

#[test]
fn answers_are_compared_as_sets() {
    let one = vec![mx(10, "a.test"), mx(20, "b.test")];
    let turned = vec![mx(20, "b.test"), mx(10, "a.test")];
    assert_eq!(agreed(vec![Ok(one.clone()), Ok(turned)]), (Ok(one), vec![]));
}

#[test]
fn a_resolver_that_differs_or_is_silent_is_named_with_both_answers() {
    let right = vec![mx(10, "a.test")];
    let (answer, aside) = agreed(vec![
        Err(no_answer()),
        Ok(vec![]),
        Ok(right.clone()),
        Ok(vec![mx(20, "a.test"), mx(5, "old.test")]),
        Err(NameError::NoSuchName("example.test".into())),
        Ok(right.clone()),
    ]);
    assert_eq!(answer, Ok(right), "the first one with records");
    assert_eq!(
        aside,
        [
            "10.0.0.1 gives no answer (silent for 5s); 10.0.0.3 says MX 10 a.test",
            "10.0.0.2 says that there is no MX; 10.0.0.3 says MX 10 a.test",
            "10.0.0.4 says MX 5 old.test, 20 a.test; 10.0.0.3 says MX 10 a.test",
            "10.0.0.5 says that there is no such name (NXDOMAIN); 10.0.0.3 says MX 10 a.test",
        ]
    );
}

#[test]
fn silence_everywhere_is_one_failure_and_a_no_outweighs_silence() {
    let gone = || NameError::NoSuchName("example.test".into());
    assert_eq!(
        agreed(vec![Err(no_answer()), Err(no_answer())]),
        (Err(no_answer()), vec![])
    );
    let (answer, aside) = agreed(vec![Err(no_answer()), Err(gone())]);
    assert_eq!((answer, aside.len()), (Err(gone()), 1));
}

#[test]
fn a_long_answer_is_told_in_part() {
    let many: Vec<Mx> = (0..300).map(|n| mx(n, "h.test")).collect();
    let (_, aside) = agreed(vec![Ok(vec![mx(0, "a.test")]), Ok(many)]);
    assert!(aside[0].contains("5 h.test and 294 more; 10.0.0.1 says"), "{aside:?}");
}

/// What the SMTP probe says of a host that fails at this layer, or works.
fn host(failed: Option<(Layer, Phase)>) -> ProbeReport {
    let plan = vec![Phase::Name, Phase::Tcp, Phase::Greeting, Phase::Ehlo];
    let mut report = ProbeReport::begun("smtp://h".into(), plan.clone());
    for phase in plan {
        let ok = failed.is_none_or(|(_, p)| p != phase);
        report.phases.push(PhaseTime {
            phase,
            took: Span::from_millis(3),
            ok,
        });
        if !ok {
            break;
        }
        report.proved = Some(phase);
    }
    report.failure = failed.map(|(layer, phase)| failure(layer, phase, "it said no", None));
    report.peer = Some("192.0.2.1:25".into());
    report
}

fn folded(hosts: Vec<ProbeReport>) -> ProbeReport {
    let mut report = ProbeReport::begun("mx://example.test".into(), vec![Phase::Name, Phase::Ehlo]);
    let names = ["a.test", "b.test", "c.test"];
    let hosts = hosts.into_iter().zip(names).zip([10, 20, 30]);
    let hosts = hosts.map(|((report, host), preference)| (mx(preference, host), report));
    fold(&mut report, Span::from_millis(100), hosts.collect());
    report
}
fn verdict(report: &ProbeReport) -> Verdict {
    report.verdict(Limits::default(), Timestamp::UNIX_EPOCH)
}
fn asides(report: &ProbeReport) -> Vec<&str> {
    report.aside.iter().map(|f| f.text.as_str()).collect()
}

const DOWN: Option<(Layer, Phase)> = Some((Layer::Network, Phase::Tcp));
const GREY: Option<(Layer, Phase)> = Some((Layer::Limit, Phase::Greeting));

#[test]
fn a_domain_whose_hosts_all_work_is_ok_with_the_road_of_its_first_host() {
    let report = folded(vec![host(None), host(None)]);
    assert_eq!(
        (verdict(&report), report.proved, report.aside.len()),
        (Verdict::Ok, Some(Phase::Ehlo), 0)
    );
    let times: Vec<(Phase, i64)> = report.phases.iter().map(|p| (p.phase, p.took.millis())).collect();
    assert_eq!(
        times[..2],
        [(Phase::Name, 103), (Phase::Tcp, 3)],
        "the MX look-up is part of the name"
    );
    let hosts: Vec<(&str, u16, i64)> = report
        .hosts
        .iter()
        .map(|h| (&*h.host, h.preference, h.took.millis()))
        .collect();
    assert_eq!(hosts, [("a.test", 10, 12), ("b.test", 20, 12)]);
    assert!(report.hosts.iter().all(|h| h.failure.is_none() && h.peer.is_some()));
}

#[test]
fn a_host_that_fails_beside_one_that_works_is_a_warning_that_names_it() {
    let report = folded(vec![host(DOWN), host(None), host(DOWN)]);
    assert_eq!((verdict(&report), &report.failure), (Verdict::Warn, &None));
    assert_eq!(asides(&report), ["a.test: it said no", "c.test: it said no"]);
    assert_eq!(report.proved, Some(Phase::Ehlo));
    let failed: Vec<bool> = report.hosts.iter().map(|h| h.failure.is_some()).collect();
    assert_eq!(failed, [true, false, true]);
}

#[test]
fn where_every_host_is_down_the_first_one_says_why() {
    let report = folded(vec![host(DOWN), host(Some((Layer::FrontEnd, Phase::Greeting)))]);
    assert_eq!(verdict(&report), Verdict::Down);
    let failure = report.failure.as_ref().unwrap();
    assert_eq!((failure.layer, &*failure.text), (Layer::Network, "a.test: it said no"));
    assert_eq!(asides(&report), ["b.test: it said no"]);
    assert_eq!(report.proved, Some(Phase::Name));
}

#[test]
fn a_host_that_makes_strangers_wait_is_alive_whatever_those_before_it_are() {
    let report = folded(vec![host(DOWN), host(GREY)]);
    assert_eq!(verdict(&report), Verdict::Warn);
    assert_eq!(report.failure.as_ref().unwrap().layer, Layer::Limit);
    assert_eq!(asides(&report), ["a.test: it said no"]);
}

#[test]
fn a_host_whose_name_is_gone_has_no_phase_of_its_own() {
    let mut nameless = ProbeReport::begun("smtp://10.0.0.1".into(), vec![Phase::Name]);
    nameless.failure = Some(failure(Layer::Name, Phase::Name, "no host", None));
    let report = folded(vec![nameless]);
    assert_eq!(verdict(&report), Verdict::Down);
    assert_eq!(
        (report.phases.len(), report.phases[0].ok, report.proved),
        (1, false, None)
    );
}

#[test]
fn what_a_host_says_is_told_with_its_name_and_the_certificate_that_ends_first_counts() {
    let ends = |s: i64| TlsSeen {
        version: Some("TLSv1.3".into()),
        not_after: Some(Timestamp::from_second(s).unwrap()),
    };
    let (mut one, mut two) = (host(None), host(None));
    one.tls = Some(ends(86_400 * 90));
    two.tls = Some(ends(86_400 * 3));
    two.aside.push(failure(Layer::Tls, Phase::Tls, "expired", None));
    two.notes.push("IPv6 was not judged".into());
    let report = folded(vec![one, two]);
    assert_eq!(report.tls, Some(ends(86_400 * 3)));
    assert_eq!(asides(&report), ["b.test: expired"]);
    assert_eq!(
        report.notes,
        [
            Text::from("of the certificates, that of b.test ends first"),
            Text::from("b.test: IPv6 was not judged")
        ]
    );
}
