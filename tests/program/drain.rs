//! A real drain: messages that waited in a real Postfix are released into a real Dovecot while more arrive. What the
//! log says was delivered is what Dovecot saved, and the forecast is held against the end that came.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use mailtop::domain::event::Fact;
use mailtop::domain::flow::{FlowCounts, FlowSource};
use mailtop::domain::forecast::{Drain, Forecast};
use mailtop::domain::{Span, Timestamp};
use mailtop::model::Model;

use super::home::Home;
use super::lab::dovecot::{Dovecot, Options, USER, free_port};
use super::lab::postfix::{self, Postfix};
use super::watch::Watcher;

const EVERY: Span = Span::from_secs(1);
/// Next hops at most. Postfix waits a second after each delivery to one of them, so that so many messages a second is the
/// most that leave, on whatever machine: a drain that is over between two looks tells nothing.
const HOPS: usize = 160;
/// How long the backlog takes to leave at that pace, at least.
const A_WHILE: usize = 60;
/// Messages that arrive together, and the time between two such handfuls.
const HANDFUL: usize = 5;
const BETWEEN: Duration = Duration::from_millis(500);
/// The longest that a drain may take before the test gives up on it.
const A_DRAIN: Duration = Duration::from_secs(900);
/// Of the three looks at which a quarter, a half and three quarters are gone, the end must be in the band of so many.
const INSIDE: usize = 2;

/// A Postfix whose mail goes to a Dovecot by LMTP, once it is let go.
struct Pair {
    postfix: Postfix,
    dovecot: Dovecot,
}

impl Pair {
    /// With so many next hops. `None`, said on standard error, where this machine cannot (in CI that is a failure).
    fn start(hops: usize) -> Option<Self> {
        if let Some(why) = postfix::missing() {
            assert!(std::env::var_os("CI").is_none(), "left out in CI: {why}");
            eprintln!("left out: {why}");
            return None;
        }
        let lmtp = free_port();
        // The lab takes its words for as long as the program runs.
        let extra: &'static str = Box::leak(
            format!(
                "protocols = imap lmtp\nservice lmtp {{\n  process_limit = 400\n  inet_listener lmtp {{\n    address = *\n    port = {lmtp}\n  }}\n}}\n\
                 protocol lmtp {{\n  auth_username_format = %Ln\n  postmaster_address = postmaster@lab.test\n}}\nauth_username_format = %Ln"
            )
            .into_boxed_str(),
        );
        let dovecot = Dovecot::start(&Options {
            messages: 0,
            extra,
            ..Options::default()
        })?;
        let postfix = Postfix::start();
        let routes: Vec<_> = (1..=hops)
            .map(|hop| format!("d{hop}.test lmtp:inet:127.0.1.{hop}:{lmtp}"))
            .collect();
        let map = postfix.dir().join("routes");
        fs::write(&map, routes.join("\n") + "\n").unwrap();
        postfix.set(&[
            &format!("transport_maps = texthash:{}", map.display()),
            "defer_transports = lmtp",
            "lmtp_destination_rate_delay = 1s",
            "minimal_backoff_time = 1h",
            "maximal_backoff_time = 2h",
        ]);
        Some(Self { postfix, dovecot })
    }
    /// Lets the mail go.
    fn release(&self) {
        self.postfix.set(&["defer_transports ="]);
        // A flush is lost where it comes while the queue manager starts anew, and is cut short where that happens under it.
        let start = Instant::now();
        let waits = |l: &&str| l.contains("a@x.test") && l.contains("\"deferred\"");
        loop {
            assert!(self.postfix.command("postqueue").arg("-f").status().unwrap().success());
            let listing = String::from_utf8_lossy(&self.postfix.listing().stdout).into_owned();
            let left = listing.lines().filter(waits).count();
            if left == 0 {
                return;
            }
            assert!(start.elapsed() < A_DRAIN, "{left} messages do not move");
            sleep(BETWEEN);
        }
    }
    /// Messages that Dovecot has in the user's mailbox.
    fn saved(&self) -> usize {
        ["new", "cur"]
            .iter()
            .map(|d| {
                fs::read_dir(self.dovecot.path("mail").join(USER).join("Maildir").join(d))
                    .unwrap()
                    .count()
            })
            .sum()
    }
}

/// One look at the depth, and what was expected then: as of the newest sample up to which the log had been read.
struct Look {
    at: Timestamp,
    depth: u64,
    expected: Forecast,
    clears: Option<[Timestamp; 3]>,
}

#[test]
fn what_the_log_says_was_delivered_is_what_dovecot_saved_and_the_forecast_meets_the_end() {
    // By hand with more: MAILTOP_TEST_MESSAGES=20000 cargo test --test program drain:: -- --nocapture
    let messages: usize = std::env::var("MAILTOP_TEST_MESSAGES").map_or(4_800, |n| n.parse().unwrap());
    let hops = (messages / A_WHILE).clamp(1, HOPS);
    let messages = messages / hops * hops;
    let Some(pair) = Pair::start(hops) else { return };
    let to = |hop: usize| format!("{USER}@d{}.test", hop % hops + 1);
    for hop in 0..hops {
        pair.postfix.fill(messages / hops, "a@x.test", &to(hop));
    }
    pair.postfix.settled(messages);

    let home = Home::new();
    home.configure(&format!(
        "[defaults]\ninterval = \"1s\"\nload_budget = \"20%\"\n[[server]]\nname = \"mx\"\nreach = \"local\"\n\
         [[server.queue]]\nkind = \"postfix\"\nconfig_dir = \"{}\"\n",
        pair.postfix.conf().display()
    ));
    let mut watcher = Watcher::start(&home);
    let mut model = Model::new(None);
    let mut delivered = FlowCounts::default();
    let mut looks: Vec<Look> = Vec::new();
    // The log is followed from here on, and so many looks see that nothing moves.
    let mut seen = 0;
    watcher.until("the log and the queue to be read", |e| {
        model.apply(e);
        seen += usize::from(matches!(e.what, Fact::QueueSeen(_)));
        seen >= 8
            && model
                .server("mx")
                .is_some_and(|s| s.queues["postfix"].log.last.at().is_some())
    });
    let waits = model.server("mx").unwrap().queues["postfix"].forecast(model.last_event().unwrap(), EVERY);
    assert_eq!(waits.drain, Drain::Stalled, "{waits:?}");

    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|s| {
        let _stop = Stop(&stop);
        s.spawn(|| {
            for round in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                for one in 0..HANDFUL {
                    pair.postfix.fill(1, "b@x.test", &to(round * HANDFUL + one));
                }
                sent.fetch_add(HANDFUL as u64, Ordering::SeqCst);
                sleep(BETWEEN);
            }
        });
        pair.release();
        watcher.within(A_DRAIN, "the backlog to clear", |e| {
            model.apply(e);
            let q = &model.server("mx").unwrap().queues["postfix"];
            match &e.what {
                Fact::FlowSeen(f) if f.source == FlowSource::Log => {
                    assert_eq!(f.partial, None, "{f:?}");
                    delivered += f.counts;
                    false
                }
                Fact::QueueSeen(snapshot) => {
                    let depth = snapshot.depth.total();
                    looks.push(Look {
                        at: e.at,
                        depth,
                        expected: q.forecast(e.at, EVERY),
                        clears: q.clears(e.at, EVERY),
                    });
                    // What arrives takes a second or two to leave.
                    depth <= hops as u64
                }
                _ => false,
            }
        });
        stop.store(true, Ordering::SeqCst);
    });
    let total = messages as u64 + sent.load(Ordering::SeqCst);
    watcher.until("the last of them to be in the log", |e| {
        if let Fact::FlowSeen(f) = &e.what
            && f.source == FlowSource::Log
        {
            delivered += f.counts;
        }
        delivered.delivered >= total
    });

    assert_eq!(pair.saved() as u64, total);
    let lost = (
        delivered.bounced,
        delivered.expired,
        delivered.removed,
        delivered.unexplained,
    );
    assert_eq!(
        (delivered.delivered, delivered.recipients, lost),
        (total, total, (0, 0, 0, 0))
    );
    assert_eq!(
        delivered.arrived,
        sent.load(Ordering::SeqCst),
        "the rest had arrived before"
    );

    let end = looks.last().unwrap().at;
    println!(
        "{messages} messages and {} on the way, drained in {}",
        sent.load(Ordering::SeqCst),
        Span::between(looks[0].at, end)
    );
    let mut inside = 0;
    for done in [25, 50, 75] {
        let left = messages as u64 * (100 - done) / 100;
        let look = looks.iter().find(|l| l.depth <= left).unwrap();
        let Some([p10, p50, p90]) = look.clears else {
            println!("{done}% done, {} left: {:?}", look.depth, look.expected);
            continue;
        };
        inside += usize::from((p10..=p90).contains(&end));
        let [p10, p50, p90, truth] = [p10, p50, p90, end].map(|t| Span::between(look.at, t));
        println!(
            "{done}% done, {} left: {p10} {p50} {p90}, and it took {truth}; {:?}",
            look.depth, look.expected
        );
    }
    println!("inside the interval: {inside} of 3");
    assert!(inside >= INSIDE, "the end was inside the band at {inside} of 3 looks");
}

/// Ends the arrivals also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
