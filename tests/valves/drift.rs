//! What somebody else does to a closed valve is an event on record within an interval, by a real engine and a real journal.

use super::bench::{Bench, Person};
use super::*;
use mailtop::domain::event::Fact;

const JOB: &str = "name = \"valve\"\nkind = \"postfix\"\ntimeout = \"60s\"\n";

/// A valve that is closed by one console while another looks on, until it is quiet: who looks, and the place of the last look.
struct Closed {
    lin: Person,
    engine: mailtop::engine::Engine,
    quiet: usize,
    _bench: Bench,
}

impl Closed {
    async fn new(postfix: &Postfix, valve: &str) -> Self {
        let bench = Bench::new();
        let job = format!("{JOB}config_dir = \"{}\"\n{valve}", postfix.conf().display());
        let mut lin = bench.person_of("lin", &job).await;
        let engine = lin.engine();
        let ada = bench.person_of("ada", &job).await;
        let plan = ada.plan_pause().await;
        let outcome = ada.actions.run(&plan.id, "to look into it".into()).await.unwrap();
        assert!(matches!(outcome.truth, Truth::Confirmed { .. }), "{outcome:?}");
        let back = lin
            .wait("its read-back", 0, |f| matches!(f, Fact::ActionReadBack(_)))
            .await;
        let quiet = lin.looks(2, back).await;
        assert_eq!(lin.told(&plan.id), ["planned", "ran", "confirmed"]);
        Self {
            lin,
            engine,
            quiet,
            _bench: bench,
        }
    }

    /// Looks on while somebody else does something, and for as long as it takes to tell of it.
    async fn tells_of(mut self, meddles: impl FnOnce()) {
        let from = self.lin.looks(1, self.quiet).await;
        let began = Timestamp::now();
        meddles();
        let done = Timestamp::now();
        let at = self.lin.wait("a drift", from, |f| matches!(f, Fact::Drifted(_))).await;
        let Fact::Drifted(drift) = &self.lin.seen[at].what else {
            panic!()
        };
        assert_eq!(drift.expected, State::Paused, "{drift:?}");
        assert!(self.lin.seen[at].at >= began, "it was told before");
        // The look that was under way may be of before; the next one tells.
        let looks = self.lin.seen[from..at]
            .iter()
            .filter(|e| e.at > done && matches!(e.what, Fact::JobSeen(_)))
            .count();
        assert!(looks <= 2, "told at look {looks}: {:?}", drift.found);
        eprintln!(
            "look {looks} told: found {} ({})",
            drift.found.state, drift.found.detail
        );
        self.engine.stop().await;
    }
}

#[tokio::test]
async fn held_mail_that_is_released_by_somebody_else_is_drift_within_an_interval() {
    let Some(postfix) = lab(DELIVERS) else { return };
    let mut closed = Closed::new(&postfix, "valve = \"hold\"").await;
    postfix.fill(3, "a@x.test", "u@far.test");
    postfix.settled(3);
    closed.quiet = closed.lin.looks(3, closed.quiet).await;
    // They may all be delivered before anybody looks.
    let meddles = || {
        tool(&postfix, "postsuper", &["-H", "ALL"]);
        tool(&postfix, "postqueue", &["-f"]);
        postfix.settled(0);
    };
    closed.tells_of(meddles).await;
}

#[tokio::test]
async fn deferred_mail_that_a_flush_of_somebody_else_delivers_is_drift_within_an_interval() {
    let Some(postfix) = lab(DELIVERS) else { return };
    let closed = Closed::new(&postfix, "valve = \"defer\"\ntransports = [\"discard\"]").await;
    postfix.fill(3, "a@x.test", "u@far.test");
    // Not until all are in the deferred queue: one that the queue manager was told of twice may stay in the active one until
    // its next scan ("skipped, still being delivered").
    postfix.wait_for("all of them to be deferred", || {
        let log = postfix.log();
        let deferred = |l: &&str| l.contains("status=deferred");
        let ids: std::collections::BTreeSet<_> = log
            .lines()
            .filter(deferred)
            .filter_map(|l| l.split(": ").nth(1).map(str::to_owned))
            .collect();
        ids.len() == 3
    });
    // One that comes in the middle of a queue run may find nothing to do.
    let meddles = || {
        postfix.wait_for("a flush to deliver", || {
            tool(&postfix, "postqueue", &["-f"]);
            postfix.log().contains("status=sent")
        });
    };
    closed.tells_of(meddles).await;
}

#[tokio::test]
async fn intake_that_an_edit_and_a_reload_of_somebody_else_opens_is_drift_within_an_interval() {
    let Some(postfix) = lab("") else { return };
    let closed = Closed::new(&postfix, "valve = \"intake\"").await;
    let meddles = || {
        tool(&postfix, "postconf", &["-X", "master_service_disable"]);
        tool(&postfix, "postfix", &["reload"]);
        postfix.wait_for("it to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", postfix.port)).is_ok()
        });
    };
    closed.tells_of(meddles).await;
}
