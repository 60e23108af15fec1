//! A queue that becomes less without being worked off: half of a real Postfix's queue is deleted, and then mail is deleted
//! and expires bit by bit. What it looks like through the program is held against what was done.

use std::io::Write as _;
use std::process::Stdio;

use mailtop::domain::Span;
use mailtop::domain::event::{Event, Fact};
use mailtop::domain::flow::{FlowCounts, FlowSource};
use mailtop::domain::forecast::Drain;
use mailtop::model::{Model, Outlook, Queue, Standing};

use super::home::Home;
use super::lab::postfix::{self, Postfix};
use super::watch::Watcher;

const EVERY: Span = Span::from_secs(1);
/// The whole queue, and how much of it is deleted and expires at each look.
const MESSAGES: usize = 480;
const EACH: usize = 6;

/// Notices of what expires are delivered; all else waits for a host that is not there.
const ROUTES: &str =
    "transport_maps = inline:{ ok.test=sink: }\nminimal_backoff_time = 1h\nmaximal_backoff_time = 2h\n";

/// The names of all messages in its queue.
fn ids(postfix: &Postfix) -> Vec<String> {
    let text = String::from_utf8_lossy(&postfix.listing().stdout).into_owned();
    text.lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap())
        .map(|m| m["queue_id"].as_str().unwrap().to_owned())
        .collect()
}

fn delete(postfix: &Postfix, ids: &[String]) {
    let mut child = postfix
        .command("postsuper")
        .args(["-d", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all((ids.join("\n") + "\n").as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}

/// Ends their lifetime and has mail tried, which is when Postfix gives it up.
fn expire(postfix: &Postfix, ids: &[String]) {
    for id in ids {
        assert!(
            postfix
                .command("postsuper")
                .args(["-e", id])
                .status()
                .unwrap()
                .success()
        );
    }
    assert!(postfix.command("postqueue").arg("-f").status().unwrap().success());
}

struct Seen {
    model: Model,
    sum: FlowCounts,
    looks: usize,
    shrinks: usize,
}

impl Seen {
    fn queue(&self) -> Option<&Queue> {
        self.model.server("mx").map(|s| &s.queues["postfix"])
    }
    /// Takes an event in; whether it was a look at the depth. At none of them is there a clear time.
    fn apply(&mut self, e: &Event) -> bool {
        self.model.apply(e);
        match &e.what {
            Fact::FlowSeen(f) if f.source == FlowSource::Log => {
                assert_eq!(f.partial, None, "{f:?}");
                self.sum += f.counts;
                false
            }
            Fact::QueueSeen(_) => {
                self.looks += 1;
                let outlook = Outlook::of(self.queue().unwrap(), EVERY, e.at);
                assert!(
                    !matches!(outlook.drain, Drain::Clears { .. }) && outlook.clears.is_none(),
                    "look {}: {outlook:?}",
                    self.looks
                );
                self.shrinks += usize::from(matches!(outlook.standing(), Some(Standing::Shrinks(_))));
                true
            }
            _ => false,
        }
    }
}

#[test]
fn half_of_a_queue_that_is_deleted_and_mail_that_expires_are_shown_as_that_and_not_as_a_drain() {
    if let Some(why) = postfix::missing() {
        assert!(std::env::var_os("CI").is_none(), "left out in CI: {why}");
        eprintln!("left out: {why}");
        return;
    }
    let postfix = Postfix::start_with(ROUTES);
    postfix.add_services("sink unix - n n - - pipe user=nobody argv=/bin/true\n");
    postfix.fill(MESSAGES, "a@ok.test", "u@far.test");
    postfix.settled(MESSAGES);
    let home = Home::new();
    home.configure(&format!(
        "[defaults]\ninterval = \"1s\"\nload_budget = \"20%\"\n[[server]]\nname = \"mx\"\nreach = \"local\"\n\
         [[server.queue]]\nkind = \"postfix\"\nconfig_dir = \"{}\"\n",
        postfix.conf().display()
    ));
    let mut watcher = Watcher::start(&home);
    let mut seen = Seen {
        model: Model::new(None),
        sum: FlowCounts::default(),
        looks: 0,
        shrinks: 0,
    };
    watcher.until("the log and the queue to be read", |e| {
        seen.apply(e);
        seen.looks >= 8 && seen.queue().is_some_and(|q| q.log.last.at().is_some())
    });

    let all = ids(&postfix);
    let (half, rest) = all.split_at(MESSAGES / 2);
    delete(&postfix, half);
    watcher.until("the half that was deleted to be on the record", |e| {
        seen.apply(e);
        seen.sum.removed >= half.len() as u64
    });
    assert_eq!(seen.sum.removed, half.len() as u64);
    // From then on bit by bit, as a queue that drains does.
    let mut bits = rest.chunks(EACH);
    let mut done = 0;
    watcher.within(
        Span::from_mins(3).to_std(),
        "the rest to be deleted and to expire",
        |e| {
            if seen.apply(e)
                && let Some(bit) = bits.next()
            {
                let (deleted, expired) = bit.split_at(EACH / 3);
                delete(&postfix, deleted);
                expire(&postfix, expired);
                done += bit.len();
            }
            seen.sum.removed + seen.sum.expired >= MESSAGES as u64
        },
    );
    assert_eq!(done, rest.len());
    let expired = rest.len() as u64 * 2 / 3;
    assert_eq!(
        (seen.sum.removed, seen.sum.expired),
        (MESSAGES as u64 - expired, expired)
    );
    // At how many looks that is said depends on how late the log is read on a busy machine; at none was a drain told.
    assert!(seen.shrinks > 0, "{} of {} looks", seen.shrinks, seen.looks);

    // And on the screen, beside each other.
    let mut console = home.console(&[], (100, 30));
    console.wait_for("mx");
    console.send("\r2");
    console.wait("what became of the mail", |s| {
        s.contains("expired ") && s.contains("removed ")
    });
    console.send("q");
    assert_eq!(console.wait_end(), 0);
}
