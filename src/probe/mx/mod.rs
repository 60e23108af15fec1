//! The probe of a domain: who takes its mail (MX, RFC 5321 5.1), asked of every resolver that is configured, then each of
//! those hosts by the SMTP probe. What the answers and the outcomes together mean is decided in `class`. Beside it notes
//! what the domain announces: TLSA (RFC 7672), MTA-STS (RFC 8461).

mod class;

use std::time::Instant;

use futures::future::{BoxFuture, join_all, ready};
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;

use self::class::{Answer, Heard};
use super::Prober;
use super::class::failure;
use super::run::Run;
use crate::domain::Text;
use crate::domain::dns::{self, MtaSts, Mx, Resolver, Route};
use crate::domain::door::{Door, Envelope, Place, Role, Speaks};
use crate::domain::health::{Layer, Phase, ProbeReport};
use crate::reach::dial::{NameError, Names};

/// Hosts probed at once. Each is a server of its own, so that one probe at a time is in flight for each.
const AT_ONCE: usize = 4;

/// Probes a domain once. Without a record that helps it ends there, at the layer of names.
pub async fn probe(
    prober: &Prober,
    door: &Door,
    envelope: &Envelope,
    resolvers: &[Resolver],
    now: Timestamp,
) -> ProbeReport {
    let prober = &if resolvers.is_empty() {
        prober.clone()
    } else {
        prober.clone().asking(resolvers)
    };
    let behind: &[Phase] = match envelope.to {
        Some(_) => &[Phase::Ehlo, Phase::Mail, Phase::Rcpt],
        None => &[Phase::Ehlo],
    };
    let mut run = Run::new(door, behind, now);
    let started = Instant::now();
    let heard = ask(prober, door, resolvers).await;
    run.report.aside.extend(heard.aside);
    let (hosts, notes) = match heard.answer.map(|records| dns::route(&records)) {
        Ok(Route::Hosts(hosts, notes)) => (hosts, notes),
        Ok(Route::Itself) => class::itself(door.at.host()),
        Ok(Route::Nowhere) => {
            let _ = run.held(Phase::Name, started, Err::<(), _>(class::nowhere(door.at.host())));
            return run.report;
        }
        Err(e) => {
            let _ = run.held(Phase::Name, started, Err::<(), _>(class::unanswered(&e)));
            return run.report;
        }
    };
    for note in notes {
        run.note(note);
    }
    let probes: Vec<_> = hosts
        .iter()
        .map(|mx| at_host(prober, door, envelope, mx, now))
        .collect();
    let reports = stream::iter(probes).buffered(AT_ONCE).collect::<Vec<_>>();
    let (reports, announced) = tokio::join!(reports, announced(&prober.dialer.names, door, &hosts));
    class::fold(&mut run.report, heard.took, hosts.into_iter().zip(reports).collect());
    for note in announced {
        run.note(note);
    }
    run.report
}

/// Asks every resolver by itself, all at once; without any, as all names are asked.
async fn ask(prober: &Prober, door: &Door, resolvers: &[Resolver]) -> Heard {
    let timed = |names: Names| async move {
        let started = Instant::now();
        let said = names.mx(door.at.host(), door.timeout).await;
        (said, started.elapsed().into())
    };
    if resolvers.is_empty() {
        let (answer, took) = timed(prober.dialer.names.clone()).await;
        return Heard {
            answer,
            took,
            aside: Vec::new(),
        };
    }
    let answers = join_all(resolvers.iter().map(|by| timed(Names::of(std::slice::from_ref(by))))).await;
    let answers = resolvers.iter().zip(answers).map(|(by, (said, took))| Answer {
        by: by.clone(),
        said,
        took,
    });
    class::agree(answers.collect())
}

/// One of its hosts, as the SMTP probe sees it. Boxed: a probe that is part of a probe.
fn at_host<'a>(
    prober: &'a Prober,
    door: &Door,
    envelope: &Envelope,
    mx: &Mx,
    now: Timestamp,
) -> BoxFuture<'a, ProbeReport> {
    let host = Door {
        name: door.name.clone(),
        speaks: Speaks::Smtp(envelope.clone()),
        role: Role::Inbound,
        at: Place::tcp(mx.host.to_string(), door.at.port()),
        security: door.security,
        user: None,
        mechanism: door.mechanism,
        ca_file: door.ca_file.clone(),
        timeout: door.timeout,
    };
    if !dns::is_host(&mx.host) {
        let mut report = ProbeReport::begun(host.url(), vec![Phase::Name]);
        report.failure = Some(failure(
            Layer::Name,
            Phase::Name,
            "an MX record has to name a host, and this is none",
            Some("other servers do not go there (RFC 5321 5.1)"),
        ));
        return ready(report).boxed();
    }
    async move { prober.probe(&host, None, None, now).await }.boxed()
}

/// What the domain announces beside its MX records. None of it is needed for mail to come in.
async fn announced(names: &Names, door: &Door, hosts: &[Mx]) -> Vec<Text> {
    let limit = door.timeout;
    let tlsa = join_all(hosts.iter().map(|mx| async move {
        let at = format!("_{}._tcp.{}", door.at.port(), mx.host);
        match names.tlsa(&at, limit).await {
            Ok(0) | Err(NameError::NoSuchName(_) | NameError::NotAName(_)) => None,
            Ok(n) => Some(format!("{}: TLSA present ({n}), not validated", mx.host)),
            // With DNSSEC that holds mail back (RFC 7672 2.1.1).
            Err(e) => Some(format!("{}: whether it has TLSA is not known: {e}", mx.host)),
        }
    }));
    let sts = async {
        match names.txt(&format!("_mta-sts.{}", door.at.host()), limit).await {
            Ok(records) => match dns::mta_sts(&records) {
                MtaSts::Absent => None,
                MtaSts::Announced(id) => Some(format!("MTA-STS announced (id {id}); its policy was not fetched")),
                MtaSts::Broken(why) => Some(format!(
                    "MTA-STS: the TXT record at _mta-sts {why}, so that senders take it for none (RFC 8461 3.1)"
                )),
            },
            Err(NameError::NoSuchName(_) | NameError::NotAName(_)) => None,
            Err(e) => Some(format!("whether it announces MTA-STS is not known: {e}")),
        }
    };
    let (tlsa, sts) = tokio::join!(tlsa, sts);
    tlsa.into_iter().chain([sts]).flatten().map(Text::from).collect()
}
