//! Reads queues through commands of one's own: what a listing that is cut off, refused, or missing comes to.
#![allow(clippy::expect_used)] // A failure here ends the run, with its words.

use mailtop::domain::argv::Argv;
use mailtop::domain::flow::FlowCounts;
use mailtop::domain::message::Pick;
use mailtop::domain::queue::{How, LogSource, QueueKind, QueueSnapshot, QueueSource, Sudo};
use mailtop::domain::reading::{Miss, Missed};
use mailtop::domain::{Span, Timestamp};
use mailtop::queue::{self, Census};
use mailtop::reach::Runner;

const LINE: &str = r#"{"queue_name": "deferred", "queue_id": "ID", "arrival_time": 1795442407, "message_size": 404, "sender": "a@x.test", "recipients": [{"address": "u1@far.test", "delay_reason": "said \u001b[31mno"}]}"#;

fn source(list: Option<Argv>, count: Option<Argv>) -> QueueSource {
    QueueSource {
        name: "q".into(),
        kind: QueueKind::Postfix,
        config_dir: None,
        list,
        count,
        sudo: Sudo::No,
        log: LogSource::Auto,
        lifetime: None,
        budget_permille: 20,
    }
}

async fn list(script: &str, timeout: Span) -> Result<QueueSnapshot, Missed> {
    let src = source(Some(Argv::new("sh", ["-c", script, "sh", LINE])), None);
    queue::list(&src, &Runner::Local, None, Timestamp::now(), timeout)
        .await
        .map(|listed| listed.snapshot)
}

async fn count(script: &str) -> Result<QueueSnapshot, Missed> {
    let src = source(None, Some(Argv::new("sh", ["-c", script])));
    queue::count(&src, &Runner::Local, Span::from_secs(60)).await
}

const LONG: Span = Span::from_secs(60);

#[tokio::test]
async fn a_listing_that_runs_out_of_time_is_partial_with_what_had_come() {
    let s = list(r#"printf '%s\n' "$1"; exec sleep 1000"#, Span::from_secs(2))
        .await
        .expect("a partial listing");
    assert_eq!((s.how, s.depth.total(), s.complete()), (How::Listed, 1, false));
    assert!(
        s.partial.as_ref().is_some_and(|p| p.contains("there may be more")),
        "{:?}",
        s.partial
    );
    assert!(
        s.next_listing.expect("a pace") >= Span::from_secs(100),
        "what was spent is owed"
    );
    let reason = &s.listing.expect("detail").reasons[0].reason;
    assert_eq!(&**reason, "said ␛[31mno");
}

#[tokio::test]
async fn a_listing_of_which_nothing_came_in_time_is_a_miss_and_not_an_empty_queue() {
    let missed = list("exec sleep 1000", Span::from_secs(1)).await.expect_err("a miss");
    assert_eq!(missed.kind, Miss::TimedOut, "{missed}");
}

#[tokio::test]
async fn a_listing_that_ends_in_an_error_is_partial_and_says_the_words() {
    let s = list(
        r#"printf '%s\n' "$1"; echo 'postqueue: fatal: showq went away' >&2; exit 75"#,
        LONG,
    )
    .await
    .expect("a partial listing");
    let partial = s.partial.expect("a reason");
    assert!(
        partial.contains("showq went away") && partial.contains("status 75"),
        "{partial}"
    );
}

#[tokio::test]
async fn a_refusal_is_a_miss_with_advice() {
    let say = |words: &str| format!("echo 'postqueue: fatal: {words}' >&2; exit 69");
    let down = list(&say("Queue report unavailable - mail system is down"), LONG)
        .await
        .expect_err("a miss");
    assert!(
        down.kind == Miss::BadAnswer && down.fix.is_some() && down.why.contains("mail system is down"),
        "{down}"
    );
    let denied = list(&say("User bob(1000) is not allowed to view the mail queue"), LONG)
        .await
        .expect_err("a miss");
    assert!(denied.kind == Miss::Denied && denied.fix.is_some_and(|f| f.contains("authorized_mailq_users")));
    let src = source(Some(Argv::new("/nonexistent/postqueue", ["-j"])), None);
    let absent = queue::list(&src, &Runner::Local, None, Timestamp::now(), LONG)
        .await
        .expect_err("a miss");
    assert_eq!(absent.kind, Miss::NotFound, "{absent}");
}

#[tokio::test]
async fn a_count_command_of_ones_own_gives_the_depth_or_a_miss() {
    let s = count("echo deferred 12; echo hold 3").await.expect("a count");
    assert_eq!(
        (s.how, s.depth.total(), s.depth.hold, s.complete(), s.listing),
        (How::Counted, 15, 3, true, None)
    );
    assert_eq!(count("true").await.expect_err("a miss").kind, Miss::BadAnswer);
    assert!(count("echo deferred 12; exit 3").await.is_err());
}

#[tokio::test]
async fn where_the_queue_is_listed_by_a_command_of_ones_own_its_rules_cannot_be_asked_for() {
    let src = source(Some(Argv::new("cat", ["/tmp/l"])), None);
    let missed = queue::rules(&src, &Runner::Local, LONG).await.expect_err("no rules");
    assert_eq!(missed.kind, Miss::NotFound, "{missed}");
}

#[tokio::test]
async fn a_listing_that_was_cut_off_tells_of_no_exits_and_the_next_whole_one_is_compared_with_the_last_whole_one() {
    let mut census = Census::default();
    let mut flows = Vec::new();
    let all = |ids: &str| format!(r#"for i in {ids}; do printf '%s\n' "$1" | sed "s/ID/$i/"; done"#);
    for script in [
        all("A B"),
        all("A") + "; exit 75",
        all("A") + r#"; printf '%.40s' "$1""#,
        all("A B C D"),
    ] {
        let src = source(Some(Argv::new("sh", ["-c", &script, "sh", LINE])), None);
        let listed = queue::list(&src, &Runner::Local, Some(&mut census), Timestamp::now(), LONG)
            .await
            .expect("a listing");
        flows.push((listed.snapshot.complete(), listed.flow.map(|f| f.counts)));
    }
    let arrived = FlowCounts {
        arrived: 2,
        ..FlowCounts::default()
    };
    assert_eq!(
        flows,
        [(true, None), (false, None), (false, None), (true, Some(arrived))]
    );
}

#[tokio::test]
async fn a_page_of_a_listing_that_was_cut_off_says_so_and_one_that_never_came_is_a_miss() {
    let page = async |script: &str| {
        let src = source(Some(Argv::new("sh", ["-c", script, "sh", LINE])), None);
        queue::messages(&src, &Runner::Local, &Pick::default(), Timestamp::now(), LONG).await
    };
    let cut = page(r#"printf '%s\n' "$1"; echo 'postqueue: fatal: gone' >&2; exit 75"#)
        .await
        .expect("a page");
    assert_eq!((cut.fit, cut.messages.len()), (1, 1));
    assert!(cut.partial.is_some_and(|p| p.contains("there may be more")));
    assert_eq!(&*cut.messages[0].recipients[0].address, "u1@far.test");
    assert!(page("exit 75").await.is_err());
    let empty = page("true").await.expect("an empty queue");
    assert_eq!((empty.fit, empty.partial), (0, None));
}

/// A queue directory with one message in a hashed `deferred`, and a folder of programs with a `postconf` that names it.
fn files() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().expect("a directory");
    let at = |p: &str| root.path().join(p);
    for q in ["maildrop", "incoming", "active", "deferred/A", "hold", "bin"] {
        std::fs::create_dir_all(at(q)).expect("a directory");
    }
    std::fs::write(at("deferred/A/A1"), "").expect("a message");
    std::fs::write(
        at("bin/postconf"),
        format!("#!/bin/sh\necho '{}'\n", root.path().display()),
    )
    .expect("a program");
    for p in ["bin/postconf", "."] {
        std::fs::set_permissions(at(p), PermissionsExt::from_mode(0o755)).expect("permissions");
    }
    root
}

/// Counts in [`files`] with this `PATH`, as a login that is not root.
async fn count_files(path: &str) -> Result<QueueSnapshot, Missed> {
    let root = std::process::Command::new("id").arg("-u").output().expect("id").stdout == b"0\n";
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let path = format!("PATH={path}");
    let own = ["env", &path, "/bin/sh", "-c", queue::COUNT_FILES];
    let argv: Vec<&str> = (nobody.into_iter().filter(|_| root)).chain(own).collect();
    let argv = Argv::new(argv[0], argv[1..].iter().copied());
    queue::count(&source(None, Some(argv)), &Runner::Local, LONG).await
}

#[tokio::test]
async fn files_that_find_could_not_count_are_a_miss_and_never_zero() {
    use std::os::unix::fs::PermissionsExt;
    let root = files();
    let bin = root.path().join("bin").display().to_string();
    let all = format!("{bin}:/usr/bin:/bin");
    let s = count_files(&all).await.expect("a count");
    assert_eq!((s.depth.deferred, s.depth.total(), s.complete()), (1, 1, true));
    assert!(s.cpu.is_some(), "the shell tells its times");

    let missed = count_files(&bin).await.expect_err("there is no find");
    assert_eq!(missed.kind, Miss::NotFound, "{missed}");

    let hashed = root.path().join("deferred/A");
    std::fs::set_permissions(&hashed, PermissionsExt::from_mode(0o000)).expect("permissions");
    let missed = count_files(&all).await.expect_err("no permission");
    std::fs::set_permissions(&hashed, PermissionsExt::from_mode(0o755)).expect("permissions");
    assert_eq!(missed.kind, Miss::Denied, "{missed}");
    assert!(missed.why.contains("deferred"), "{missed}");
}
