//! Processes without a unit: real ones that the test started, stopped and continued with all that they started, here and
//! on a whole host. No other process is ever signalled.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;
use mailtop::domain::job::ProcessFind;

/// A process of the test's own in a group of its own, which ends with it.
struct Started(Child);

impl Started {
    fn sh(script: &str, args: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]).args(args);
        command.stdin(Stdio::null()).process_group(0);
        Self(command.spawn().unwrap())
    }
    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// The letter of a process.
fn letter(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// What it started and what has not been told of to it yet; none of one that is gone.
fn children(pid: u32) -> Vec<u32> {
    let told = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    told.split_whitespace().map(|p| p.parse().unwrap()).collect()
}

fn process(find: ProcessFind, user: Option<&str>, sudo: Sudo) -> JobSpec {
    JobSpec {
        name: "backup".into(),
        kind: JobKind::Process {
            find,
            user: user.map(str::to_owned),
            sudo,
        },
        timeout: Span::from_secs(60),
    }
}

fn words(words: &[&str]) -> ProcessFind {
    ProcessFind::Pattern(Argv::new(words[0], words[1..].iter().copied()))
}

fn pid_file(path: &Path) -> JobSpec {
    let path = path.display().to_string();
    process(ProcessFind::PidFile { path, pattern: None }, None, Sudo::No)
}

/// A word that no other command line on this host holds as an argument.
fn mark() -> String {
    format!("mark-{}-{}", std::process::id(), Timestamp::now().as_nanosecond())
}

/// Which of its steps does it.
fn acts(planned: &Planned) -> usize {
    planned.steps.iter().position(|s| s.what == StepKind::Act).unwrap()
}

/// A job that always has a child at work, another every moment.
const BUSY: &str = "while :; do sleep 0.01; done";

#[tokio::test]
async fn a_process_is_stopped_with_what_it_started_even_since_it_was_shown() {
    let (mark, here) = (mark(), Runner::local());
    let spec = process(words(&["sh", &mark]), None, Sudo::No);
    assert_eq!(state(&spec, &here).await, State::Idle);
    let job = Started::sh(BUSY, &["sh", &mark]);
    let before = jobs::read(&spec, &here, Timestamp::now()).await.unwrap();
    assert_eq!(before.state, State::Running);
    assert!(
        before.detail.contains(&mark) && before.running_for.is_some(),
        "{before:?}"
    );

    // By the time that it runs, another child is there than was shown.
    let planned = plan(&spec, &here, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    let shown = planned.plan.runs.last().unwrap();
    assert!(
        shown.contains(" STOP ") && shown.contains(&format!(" {}:", job.pid())),
        "{shown}"
    );
    assert_eq!(**shown, planned.steps.last().unwrap().argv.quoted());
    let ran = jobs::act(&planned, &here).await;
    assert_eq!((ran.exit, &ran.failed), (Some(0), &None), "{ran:?}");
    let truth = jobs::read_back(&spec, &here, Verb::Pause, Timestamp::now).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?} {ran:?}");
    assert_eq!(letter(job.pid()), Some('T'));
    let held: Vec<_> = children(job.pid())
        .into_iter()
        .filter(|c| letter(*c) != Some('Z'))
        .collect();
    assert!(held.iter().all(|c| letter(*c) == Some('T')), "{held:?}");

    let (_, ran, truth) = done(&spec, &here, Verb::Resume, None).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    // It goes on: its children come and go again.
    until("it has another child", async || {
        children(job.pid()).iter().any(|c| !held.contains(c))
    })
    .await;
    let missed = plan(&spec, &here, Verb::Resume, None).await.unwrap_err();
    assert!(missed.why.contains("nothing to resume"), "{missed}");
}

#[tokio::test]
async fn a_tree_of_which_one_still_runs_is_not_called_paused() {
    let (mark, here) = (mark(), Runner::local());
    let job = Started::sh("sh -c 'while :; do sleep 60; done' & wait", &["sh", &mark]);
    until("it has a grandchild", async || {
        children(job.pid()).first().is_some_and(|c| !children(*c).is_empty())
    })
    .await;
    let spec = process(words(&["sh", &mark]), None, Sudo::No);
    let child = children(job.pid())[0];
    let grandchild = children(child)[0];
    // Somebody stops the parent by hand: what it started goes on.
    let signal = |word: &str, pid: u32| {
        assert!(
            Command::new("kill")
                .args([word, &pid.to_string()])
                .status()
                .unwrap()
                .success()
        );
    };
    signal("-STOP", job.pid());
    until("it is stopped", async || letter(job.pid()) == Some('T')).await;
    let seen = jobs::read(&spec, &here, Timestamp::now()).await.unwrap();
    assert_eq!(seen.state, State::Running);
    assert!(
        seen.detail
            .starts_with("1 process and 2 children, 1 stopped and 2 running"),
        "{seen:?}"
    );

    let (planned, ran, truth) = done(&spec, &here, Verb::Pause, HALF_AN_HOUR).await;
    assert!(
        planned.plan.beware.iter().any(|b| b.contains("1 are stopped already")),
        "{planned:?}"
    );
    for pid in [job.pid(), child, grandchild] {
        assert!(
            planned
                .plan
                .touches
                .iter()
                .any(|t| t.starts_with(&format!("{pid} of "))),
            "{planned:?}"
        );
        assert_eq!(letter(pid), Some('T'));
    }
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");

    // Somebody continues one of them: that is no pause any more.
    signal("-CONT", grandchild);
    until("it goes on", async || letter(grandchild) != Some('T')).await;
    let seen = jobs::read(&spec, &here, Timestamp::now()).await.unwrap();
    assert!(
        seen.state == State::Running && seen.detail.contains("2 stopped and 1 running"),
        "{seen:?}"
    );
    let (_, _, truth) = done(&spec, &here, Verb::Resume, None).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!([job.pid(), child, grandchild].iter().all(|p| letter(*p) != Some('T')));
}

#[tokio::test]
async fn one_that_ended_since_it_was_shown_is_not_signalled_and_it_is_said() {
    let (mark, here) = (mark(), Runner::local());
    let spec = process(words(&["sh", &mark]), None, Sudo::No);
    let job = Started::sh(BUSY, &["sh", &mark]);
    let planned = plan(&spec, &here, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    let pid = job.pid();
    drop(job);
    let ran = jobs::act(&planned, &here).await;
    let failed = ran.failed.unwrap();
    assert!(failed.contains("none of these processes is there any more"), "{failed}");
    let truth = jobs::read_back(&spec, &here, Verb::Pause, Timestamp::now).await;
    let Truth::Contradicted { found } = truth else {
        panic!("{truth:?}")
    };
    assert_eq!((found.state, &*found.detail), (State::Idle, "no process matches"));
    assert_eq!(letter(pid), None);

    // It ends while it is stopped: resuming it is not confirmed, because nothing was resumed.
    let job = Started::sh(BUSY, &["sh", &mark]);
    let (_, _, truth) = done(&spec, &here, Verb::Pause, HALF_AN_HOUR).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    let planned = plan(&spec, &here, Verb::Resume, None).await.unwrap();
    drop(job);
    assert!(jobs::act(&planned, &here).await.failed.unwrap().contains("any more"));
    let truth = jobs::read_back(&spec, &here, Verb::Resume, Timestamp::now).await;
    assert!(matches!(truth, Truth::Contradicted { .. }), "{truth:?}");
    // Its end is armed still, and that can be taken away.
    let planned = plan(&spec, &here, Verb::Resume, None).await.unwrap();
    assert_eq!(jobs::act(&planned, &here).await.failed, None);
    let missed = plan(&spec, &here, Verb::Resume, None).await.unwrap_err();
    assert_eq!(missed.kind, Miss::NotFound, "{missed}");
}

#[tokio::test]
async fn a_number_that_another_process_has_now_is_never_signalled() {
    let (mark, here) = (mark(), Runner::local());
    let spec = process(words(&["sh", &mark]), None, Sudo::No);
    let job = Started::sh("while :; do sleep 60; done", &["sh", &mark]);
    until("it has a child", async || !children(job.pid()).is_empty()).await;
    let child = children(job.pid())[0];
    // The same number, born at another moment or on another start of the host: as if it had been given away.
    for verb in [Verb::Pause, Verb::Resume] {
        for (from, to) in [
            (format!(" {}:", job.pid()), format!(" {}:9", job.pid())),
            ("-".into(), "_".into()),
        ] {
            let mut planned = plan(&spec, &here, Verb::Pause, HALF_AN_HOUR).await.unwrap();
            let act = acts(&planned);
            let args = planned.steps[act].argv.args();
            let (boot, named) = (&args[4], &args[5..]);
            let changed = format!(
                "{boot} {}",
                named.join(" ").replacen(&format!("{child}:"), &format!("{child}:9"), 1)
            );
            let changed = changed.replacen(from.as_str(), &to, 1);
            let word = if verb == Verb::Pause { "STOP" } else { "CONT" };
            let head = args[..3].iter().map(String::as_str).chain([word]);
            planned.steps[act].argv = Argv::new(
                "sh",
                head.chain(changed.split(' ')).map(str::to_owned).collect::<Vec<_>>(),
            );
            let ran = jobs::act(&planned, &here).await;
            assert_eq!(ran.exit, Some(3), "{ran:?}");
            assert!(ran.failed.unwrap().contains("nothing was signalled"));
            assert!([job.pid(), child].iter().all(|p| letter(*p) == Some('S')));
        }
    }
}

#[tokio::test]
async fn what_it_started_since_the_plan_was_shown_is_stopped_and_goes_on_with_the_rest() {
    let (dir, mark, here) = (tempfile::tempdir().unwrap(), mark(), Runner::local());
    let go = dir.path().join("go");
    let job = Started::sh(
        "sleep 600 & until [ -e \"$2\" ]; do sleep 0.02; done; sh -c 'sleep 600 & wait' & wait",
        &["sh", &mark, go.to_str().unwrap()],
    );
    let spec = process(words(&["sh", &mark]), None, Sudo::No);
    until("it has a child", async || !children(job.pid()).is_empty()).await;
    let planned = plan(&spec, &here, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    std::fs::write(&go, "").unwrap();
    let mut late = vec![];
    until("it started more", async || {
        late.clear();
        for child in children(job.pid()) {
            late.extend(children(child).into_iter().flat_map(|g| [child, g]));
        }
        !late.is_empty()
    })
    .await;
    let shown = planned.plan.runs.last().unwrap();
    assert!(!late.iter().any(|p| shown.contains(&format!(" {p}:"))), "{shown}");
    let ran = jobs::act(&planned, &here).await;
    assert!(ran.failed.is_none() && ran.output.contains("started since:"), "{ran:?}");
    let truth = jobs::read_back(&spec, &here, Verb::Pause, Timestamp::now).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!(late.iter().all(|p| letter(*p) == Some('T')));

    // What undoes it, and what is armed, was made before they were there.
    let limits = mailtop::reach::RunLimits {
        timeout: Span::from_secs(60),
        max_output: 10_000,
    };
    let undone = here
        .run(planned.steps[acts(&planned)].undo.as_ref().unwrap(), limits)
        .await
        .unwrap();
    assert!(undone.ok(), "{undone:?}");
    assert_eq!(state(&spec, &here).await, State::Running);
    until("all go on", async || late.iter().all(|p| letter(*p) == Some('S'))).await;
    // Only its end is left to be taken away.
    let (planned, ran, truth) = done(&spec, &here, Verb::Resume, None).await;
    assert_eq!(
        planned.steps.iter().map(|s| s.what).collect::<Vec<_>>(),
        [StepKind::Disarm]
    );
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
}

#[tokio::test]
async fn a_stop_that_fails_half_way_is_taken_back() {
    let (mark, here) = (mark(), Runner::local());
    let spec = process(words(&["sh", &mark]), None, Sudo::No);
    let job = Started::sh("while :; do sleep 60; done", &["sh", &mark]);
    until("it has a child", async || !children(job.pid()).is_empty()).await;
    let child = children(job.pid())[0];
    let mut planned = plan(&spec, &here, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    // As if the child were of another user; and what became of its parent is told by that.
    let kill = "kill \"$@\"";
    let noted = format!(
        "[ \"$1$2\" != -STOP{child} ] && {kill} && if [ $1 = -STOP ]; then sed 's/.*) //' /proc/$2/stat >&2; fi"
    );
    let act = acts(&planned);
    let args = planned.steps[act].argv.args().iter().map(|a| a.replace(kill, &noted));
    planned.steps[act].argv = Argv::new("sh", args.collect::<Vec<_>>());
    let ran = jobs::act(&planned, &here).await;
    assert_eq!(ran.exit, Some(1), "{ran:?}");
    let failed = ran.failed.unwrap();
    assert!(
        failed.contains("T ") && failed.contains(&format!("{child} could not be signalled")),
        "{failed}"
    );
    until("both go on", async || {
        [job.pid(), child].iter().all(|p| letter(*p) == Some('S'))
    })
    .await;
}

#[tokio::test]
async fn a_stale_pid_file_pauses_nothing() {
    let (dir, here) = (tempfile::tempdir().unwrap(), Runner::local());
    let path = dir.path().join("job.pid");
    let spec = pid_file(&path);
    assert_eq!(state(&spec, &here).await, State::Idle);
    let job = Started::sh(BUSY, &["sh"]);
    std::fs::write(&path, format!("{}\n", job.pid())).unwrap();
    assert_eq!(state(&spec, &here).await, State::Running);
    let (_, _, truth) = done(&spec, &here, Verb::Pause, HALF_AN_HOUR).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    let (_, _, truth) = done(&spec, &here, Verb::Resume, None).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");

    // The file is of a day ago: its process was another.
    assert!(
        Command::new("touch")
            .args(["-d", "1 day ago"])
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let stale = jobs::read(&spec, &here, Timestamp::now()).await.unwrap();
    assert!(
        stale.state == State::Unknown && stale.detail.contains("stale"),
        "{stale:?}"
    );
    assert!(
        plan(&spec, &here, Verb::Pause, HALF_AN_HOUR)
            .await
            .unwrap_err()
            .why
            .contains("stale")
    );
    // A pattern that it matches vouches for it, one that it does not match does not.
    for (word, is) in [("sh", State::Running), ("rsync", State::Unknown)] {
        let find = ProcessFind::PidFile {
            path: path.display().to_string(),
            pattern: Some(Argv::new(word, [""; 0])),
        };
        assert_eq!(state(&process(find, None, Sudo::No), &here).await, is, "{word}");
    }
    drop(job);
    let dead = jobs::read(&spec, &here, Timestamp::now()).await.unwrap();
    assert!(
        dead.state == State::Idle && dead.detail.contains("not there"),
        "{dead:?}"
    );

    // The very process that asks is read, and not stopped.
    std::fs::write(&path, std::process::id().to_string()).unwrap();
    let missed = plan(&spec, &here, Verb::Pause, HALF_AN_HOUR).await;
    assert!(missed.unwrap_err().why.contains("by which mailtop got there"));
}

#[tokio::test]
async fn a_hostile_command_line_is_shown_harmless_and_found_exactly() {
    let (mark, here) = (mark(), Runner::local());
    let long = "x".repeat(100_000);
    let hostile = "\u{1b}[2J\ns 1 R 0\nend";
    // Its name is a line of another process, too.
    let named = "printf ') S 1 1\\n7 (x' >/proc/$$/comm; sleep 600 & wait";
    let job = Started::sh(named, &["sh", hostile, &mark, &long]);
    let spec = process(words(&["sh", hostile, &mark]), None, Sudo::No);
    until("it has a child", async || !children(job.pid()).is_empty()).await;
    let (planned, ran, truth) = done(&spec, &here, Verb::Pause, HALF_AN_HOUR).await;
    assert!(
        planned.plan.touches.iter().any(|t| t.contains("␛[2J␊s 1 R 0␊end")),
        "{planned:?}"
    );
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(state(&spec, &here).await, State::Paused);
    let (_, _, truth) = done(&spec, &here, Verb::Resume, None).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    // What stands behind the part that is read is not known to be absent.
    let late = process(words(&["sh", &mark, "late"]), None, Sudo::No);
    assert_eq!(state(&late, &here).await, State::Unknown);
}

#[tokio::test]
async fn a_lock_that_a_stopped_process_keeps_is_named_with_its_path() {
    let (dir, here, mark) = (tempfile::tempdir().unwrap(), Runner::local(), mark());
    let lock = dir.path().join(format!("{mark}.lock"));
    let lock = lock.to_str().unwrap();
    let job = Started::sh("exec flock \"$0\" sleep 600", &[lock]);
    until("it holds the lock", async || children(job.pid()).len() == 1).await;
    let waits = Started::sh("exec flock \"$0\" true", &[lock]);
    until("another waits", async || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks
            .lines()
            .any(|l| l.contains("->") && l.contains(&format!(" {} ", waits.pid())))
    })
    .await;
    let spec = process(words(&["flock", lock, "sleep"]), None, Sudo::No);
    let (planned, _, truth) = done(&spec, &here, Verb::Pause, HALF_AN_HOUR).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    let plan = planned.plan;
    assert!(
        plan.touches
            .iter()
            .any(|t| t.starts_with(&format!("a write lock (flock) on {lock}"))),
        "{plan:?}"
    );
    assert!(
        plan.beware
            .iter()
            .any(|b| b.contains("keeps the lock that it holds; 1 wait")),
        "{plan:?}"
    );
    let seen = jobs::read(&spec, &here, Timestamp::now()).await.unwrap();
    assert!(
        seen.state == State::Paused && seen.detail.contains("1 lock held"),
        "{seen:?}"
    );
    let (_, _, truth) = done(&spec, &here, Verb::Resume, None).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
}

/// Starts a job on the host under its user's name, and waits until it is there.
pub async fn on_host(host: &Host, user: &str) -> String {
    host.write(
        "/usr/local/bin/nightly",
        "#!/bin/sh\nwhile :; do sleep 0.05; done\n",
        0o755,
    );
    host.sh(&format!(
        "setsid setpriv --reuid {user} --clear-groups /usr/local/bin/nightly --all >/dev/null 2>&1 </dev/null &"
    ));
    until("the job runs", async || !pid_on(host).is_empty()).await;
    pid_on(host)
}

fn pid_on(host: &Host) -> String {
    let found = host.sh("grep -lsa nightly /proc/[0-9]*/cmdline | while IFS=/ read -r _ _ p _; do [ \"$(cat /proc/$p/comm)\" = nightly ] && echo $p; done | head -n 1");
    found.trim().to_owned()
}

pub fn nightly(user: Option<&str>, sudo: Sudo) -> JobSpec {
    process(words(&["sh", "/usr/local/bin/nightly", "--all"]), user, sudo)
}

pub fn letters_on(host: &Host, pid: &str) -> String {
    host.sh(&format!(
        "for p in {pid} $(cat /proc/{pid}/task/{pid}/children); do sed 's/.*) \\(.\\).*/\\1/' /proc/$p/stat || :; done"
    ))
    .split_whitespace()
    .collect()
}

#[tokio::test]
async fn an_armed_continue_fires_although_nobody_is_left_to_resume() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    let pid = on_host(&host, "ops").await;
    let spec = nightly(None, Sudo::No);
    let (planned, ran, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_secs(10))).await;
    assert!(planned.plan.armed_on_server, "{planned:?}");
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!(letters_on(&host, &pid).starts_with('T'));
    host.sh("systemctl daemon-reload");
    runner.close().await;
    drop(runner);
    host.cut();
    until("it goes on by itself", async || !letters_on(&host, &pid).contains('T')).await;
    until("its timer is gone", async || armed(&host).is_empty()).await;
    host.heal();

    // A second pause replaces the end of the first, and a resume takes it away.
    let runner = host.runner();
    for _ in 0..2 {
        let (_, ran, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
        assert_eq!(ran.failed, None);
        assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
        assert_eq!(armed(&host).len(), 1);
    }
    let (_, ran, truth) = done(&spec, &runner, Verb::Resume, None).await;
    assert_eq!((ran.failed, armed(&host).len()), (None, 0));
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");

    // It ends before it is paused: nothing stays armed.
    let planned = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    host.sh(&format!("kill -KILL {pid}"));
    let failed = jobs::act(&planned, &runner).await.failed.unwrap();
    assert!(failed.contains("any more") && failed.contains("taken back"), "{failed}");
    assert!(armed(&host).is_empty());
}

#[tokio::test]
async fn an_ordinary_login_stops_what_sudo_lets_it_and_does_not_call_hidden_processes_absent() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let pid = on_host(&host, "root").await;
    let runner = as_ops(&host);
    let without = nightly(None, Sudo::No);
    assert_eq!(state(&without, &runner).await, State::Running);
    let missed = plan(&without, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    assert!(
        missed.kind == Miss::Denied && missed.fix.as_ref().unwrap().contains("sudo = true"),
        "{missed}"
    );

    let with = nightly(Some("root"), Sudo::Yes);
    let missed = plan(&with, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    assert!(
        missed.kind == Miss::Denied && missed.fix.as_ref().unwrap().contains("NOPASSWD"),
        "{missed}"
    );
    host.write(
        "/etc/sudoers.d/ops",
        "ops ALL=(root) NOPASSWD: /usr/bin/kill, /usr/bin/systemd-run, /usr/bin/systemctl\n",
        0o440,
    );
    let (planned, ran, truth) = done(&with, &runner, Verb::Pause, Some(Span::from_secs(10))).await;
    assert!(planned.plan.armed_on_server, "{planned:?}");
    assert!(
        planned
            .plan
            .touches
            .iter()
            .any(|t| t.contains("they may hold more locks")),
        "{planned:?}"
    );
    assert_eq!(ran.failed, None, "{ran:?}");
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    until("it goes on by itself", async || !letters_on(&host, &pid).contains('T')).await;
    // Its user is another: then it is not the job.
    let other = jobs::read(&nightly(Some("ops"), Sudo::Yes), &runner, Timestamp::now())
        .await
        .unwrap();
    assert!(
        other.state == State::Idle && other.detail.contains("not of ops"),
        "{other:?}"
    );

    host.sh("mount -o remount,hidepid=2 /proc");
    let hidden = jobs::read(&with, &runner, Timestamp::now()).await.unwrap();
    assert!(
        hidden.state == State::Unknown && hidden.detail.contains("hidepid"),
        "{hidden:?}"
    );
}
