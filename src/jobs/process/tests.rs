use super::answer::tests::ANSWER;
use super::answer::{PidFile, Whose, parse};
use super::*;
use crate::domain::Name;
use proptest::prelude::*;

fn words(words: &[&str]) -> Argv {
    Argv::new(words[0], words[1..].iter().copied())
}

fn spec(find: ProcessFind, user: Option<&str>) -> JobSpec {
    JobSpec {
        name: Name::new("backup"),
        kind: JobKind::Process {
            find,
            user: user.map(str::to_owned),
            sudo: Sudo::No,
        },
        timeout: Span::from_secs(30),
    }
}

fn pattern(given: &[&str]) -> JobSpec {
    spec(ProcessFind::Pattern(words(given)), None)
}

fn pid_file(given: Option<&[&str]>) -> JobSpec {
    let pattern = given.map(words);
    let path = "/run/x.pid".to_owned();
    spec(ProcessFind::PidFile { path, pattern }, None)
}

fn judged(spec: &JobSpec, answer: &Answer) -> JobState {
    Job::of(spec).unwrap().judge(answer.clone()).unwrap().state()
}

fn fixture() -> Answer {
    parse(ANSWER.as_bytes()).unwrap()
}

#[test]
fn a_pattern_matches_a_program_and_whole_words_in_their_order_and_never_a_part() {
    let args = |line: &[&str]| line.iter().map(|a| a.as_bytes().to_vec()).collect::<Vec<_>>();
    let rsync = args(&["/usr/bin/rsync", "-a", "--backup", "/var/vmail", "b:/x"]);
    for yes in [
        &["rsync"][..],
        &["/usr/bin/rsync", "--backup"],
        &["rsync", "-a", "b:/x"],
        &["rsync", "-a", "--backup", "/var/vmail", "b:/x"],
    ] {
        assert!(found::matches(&words(yes), &rsync), "{yes:?}");
    }
    for no in [
        &["sync"][..],
        &["/bin/rsync"],
        &["bin/rsync"],
        &["RSYNC"],
        &["rsync", "--back"],
        &["rsync", "--backup", "-a"],
        &["rsync", "-a", "-a"],
        &["rsync", "rsync"],
        &["--backup"],
        &["rsync", "-a --backup"],
    ] {
        assert!(!found::matches(&words(no), &rsync), "{no:?}");
    }
    assert!(!found::matches(
        &words(&["rsync"]),
        &args(&["vim", "rsync", "--backup"])
    ));
    assert!(!found::matches(&words(&["rsync"]), &[]));
    assert!(!found::matches(&words(&["rsync"]), &args(&["", "rsync"])));
}

#[test]
fn a_tree_is_paused_only_when_all_of_it_is_stopped() {
    let mut answer = fixture();
    let job = pattern(&["rsync", "--backup"]);
    let state = judged(&job, &answer);
    assert_eq!(state.state, State::Running);
    assert_eq!(
        &*state.detail,
        "1 process and 1 child, 1 stopped and 1 running, a stop waits for 1, 1 waiting for a disk (D) · 2 locks held · \
         700 /usr/bin/rsync -a --backup"
    );
    assert_eq!(state.running_for, Some(Span::from_secs(300)));
    let looked = |answer: &Answer| Job::of(&job).unwrap().judge(answer.clone()).unwrap().looked();
    assert_eq!(looked(&answer).motion, Motion::Changing);

    answer.processes[2].letter = 'T';
    assert_eq!(judged(&job, &answer).state, State::Paused);
    assert_eq!(looked(&answer).motion, Motion::Settled);
    // A tracer holds it: that is no pause of ours, and SIGCONT would not end it.
    answer.processes[2].letter = 't';
    assert_eq!(judged(&job, &answer).state, State::Unknown);
    answer.processes[1].letter = 'R';
    assert_eq!(judged(&job, &answer).state, State::Running);
}

#[test]
fn the_parents_come_first_whatever_their_numbers() {
    let mut answer = fixture();
    answer.processes.reverse();
    let seen = Job::of(&pattern(&["rsync"])).unwrap().judge(answer).unwrap();
    let pids: Vec<u32> = seen.found.unwrap().processes.iter().map(|p| p.pid).collect();
    assert_eq!(pids, [700, 701]);
}

#[test]
fn nothing_found_is_idle_only_for_who_would_see_it() {
    let mut answer = fixture();
    assert_eq!(judged(&pattern(&["rsyncd"]), &answer).state, State::Idle);
    answer.sees_all = false;
    let hidden = judged(&pattern(&["rsyncd"]), &answer);
    assert!(
        hidden.state == State::Unknown && hidden.detail.contains("hidepid"),
        "{hidden:?}"
    );
    // One's own processes are always seen.
    let mine = spec(ProcessFind::Pattern(words(&["rsyncd"])), Some("ops"));
    answer.user = Whose::Of(1000);
    assert_eq!(judged(&mine, &answer).state, State::Idle);
    answer.user = Whose::Of(1001);
    assert_eq!(judged(&mine, &answer).state, State::Unknown);
}

#[test]
fn those_of_others_ourselves_zombies_and_the_kernel_are_not_it() {
    let mut answer = fixture();
    let of = |user| spec(ProcessFind::Pattern(words(&["rsync"])), Some(user));
    answer.user = Whose::Of(1001);
    assert_eq!(judged(&of("backup"), &answer).state, State::Running);
    answer.user = Whose::Of(7);
    let other = judged(&of("vmail"), &answer);
    assert_eq!(
        (other.state, &*other.detail),
        (State::Idle, "no process matches, 1 more not of vmail")
    );
    answer.user = Whose::Anybodys;
    answer.mine.push(700);
    let us = judged(&pattern(&["rsync"]), &answer);
    assert!(
        us.state == State::Idle && us.detail.contains("by which this was read"),
        "{us:?}"
    );

    let mut answer = fixture();
    for (at, p) in answer.processes.iter_mut().enumerate() {
        p.args = vec![b"job".to_vec()];
        p.parent = 1;
        // The first is of the kernel, the last a zombie.
        if at == 1 {
            p.parent = answer.me;
        } else if at == 2 {
            p.args.push(LOOK.as_bytes().to_vec());
        }
    }
    assert_eq!(judged(&pattern(&["job"]), &answer).state, State::Idle);
}

#[test]
fn a_command_line_that_was_not_read_to_its_end_is_not_called_idle() {
    let mut answer = fixture();
    answer.processes[1].cut = true;
    assert_eq!(judged(&pattern(&["rsync", "--late"]), &answer).state, State::Unknown);
    assert_eq!(judged(&pattern(&["gzip", "--late"]), &answer).state, State::Idle);
}

#[test]
fn a_pid_file_is_believed_only_while_it_can_be_true() {
    let mut answer = fixture();
    let mut of = |bytes: &[u8], age, given: Option<&[&str]>| {
        answer.pid_file = PidFile::Is(bytes.to_vec(), age);
        let state = judged(&pid_file(given), &answer);
        (state.state, state.detail.to_string())
    };
    let rsync: Option<&[&str]> = Some(&["rsync"]);
    // The process is there for 300 s.
    assert_eq!(of(b"700\n", Some(299), None).0, State::Running);
    assert_eq!(of(b" 700 \nmore\n", None, None).0, State::Running);
    for (bytes, age, given, state, why) in [
        (
            &b"700\n"[..],
            Some(400),
            None,
            State::Unknown,
            "started only after it was written",
        ),
        (
            b"700\n",
            Some(1),
            Some(&["gzip"][..]),
            State::Unknown,
            "another program: /usr/bin/rsync",
        ),
        (b"702\n", Some(1), rsync, State::Idle, "zombie"),
        (b"45\n", Some(1), None, State::Unknown, "kernel"),
        (
            b"703\n",
            Some(1),
            rsync,
            State::Idle,
            "it names 703, which is not there",
        ),
        (b"", Some(1), rsync, State::Unknown, "no process number"),
        (b"1\n", Some(1), None, State::Unknown, "no process number"),
        (b"-700\n", Some(1), None, State::Unknown, "no process number"),
        (b"0700\n", Some(1), None, State::Unknown, "no process number"),
        (b"7\x1b]0;x\n", Some(1), None, State::Unknown, "`7␛]0;x␊`"),
    ] {
        let (is, detail) = of(bytes, age, given);
        assert!(is == state && detail.contains(why), "{is} {detail}, not {why}");
    }
    answer.pid_file = PidFile::None;
    assert_eq!(judged(&pid_file(None), &answer).state, State::Idle);
    answer.pid_file = PidFile::NotAsked;
    assert_eq!(judged(&pid_file(None), &answer).state, State::Unknown);
}

#[test]
fn an_answer_that_cannot_be_trusted_is_a_miss_with_advice() {
    let missed = |change: fn(&mut Answer), spec: &JobSpec| {
        let mut answer = fixture();
        change(&mut answer);
        Job::of(spec).unwrap().judge(answer).map(|s| s.state()).unwrap_err()
    };
    let of_nobody = spec(ProcessFind::Pattern(words(&["rsync"])), Some("nobody-such"));
    for (change, spec, kind) in [
        (
            (|a| a.user = Whose::Nobodys) as fn(&mut Answer),
            &of_nobody,
            Miss::NotFound,
        ),
        (|a| a.searched = Some(false), &pattern(&["rsync"]), Miss::BadAnswer),
        (|a| a.many = Some(300), &pattern(&["rsync"]), Miss::BadAnswer),
        (
            |a| a.pid_file = PidFile::Error("od: /run/x.pid: Permission denied".into()),
            &pid_file(None),
            Miss::Denied,
        ),
    ] {
        let missed = missed(change, spec);
        assert!(missed.kind == kind && missed.fix.is_some(), "{missed}");
    }
}

#[test]
fn a_lock_is_told_once_with_its_path_and_with_who_waits() {
    let answer = fixture();
    let all: Vec<&Process> = answer.processes.iter().collect();
    let told = locks::touched(&answer, &all);
    assert_eq!(
        told.iter().map(|t| &**t).collect::<Vec<_>>(),
        [
            "a write lock (flock) on /run/x␛, held by 700",
            "a read lock (posix) on inode fe:00:77, held by 701; its path is not shown to this login",
            "the open files of 1 of them are not shown to this login: they may hold more locks",
        ]
    );
    assert_eq!(locks::waiting(&answer, &all), 1);
    assert_eq!(locks::waiting(&answer, &[]), 0);
}

/// Runs the script that looks, on this host.
async fn looked(spec: &JobSpec, depth: Depth) -> Result<Seen, Missed> {
    Job::of(spec).unwrap().ask(&Runner::local(), depth).await
}

#[tokio::test]
async fn the_script_does_not_find_itself_and_its_search_is_known_to_work() {
    for odd in [
        "no such program 61d7",
        "-x",
        "--help",
        "$(id)",
        "it's",
        "%s\\n",
        "two\nlines",
        "ü",
    ] {
        let seen = looked(&pattern(&[odd]), Depth::Plan).await.unwrap();
        assert_eq!(
            (seen.answer.searched, seen.state().state),
            (Some(true), State::Idle),
            "{odd}"
        );
    }
    // The shell that runs this very script is about; those that run others, for other tests, are none of it.
    let seen = looked(&pattern(&["sh", "-c", "eval \"$1\"", "eval \"$1\""]), Depth::State)
        .await
        .unwrap();
    assert_eq!(seen.state().state, State::Idle, "{:?}", seen.state());
    let missed = looked(
        &spec(ProcessFind::Pattern(words(&["x"])), Some("no-such-user")),
        Depth::State,
    )
    .await;
    assert_eq!(missed.unwrap_err().kind, Miss::NotFound);
}

#[tokio::test]
async fn the_script_finds_this_very_test_by_its_pid_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a pid;file");
    std::fs::write(&path, format!("{}\n", std::process::id())).unwrap();
    let job = |path: &std::path::Path| {
        spec(
            ProcessFind::PidFile {
                path: path.display().to_string(),
                pattern: None,
            },
            None,
        )
    };
    let seen = looked(&job(&path), Depth::Plan).await.unwrap();
    let found = seen.found.as_ref().unwrap();
    let me = found.processes.iter().find(|p| p.pid == std::process::id()).unwrap();
    assert_eq!(me.args[0], std::env::args().next().unwrap().as_bytes());
    assert!(seen.is_us(me) && seen.may(me) && seen.state().state == State::Running);
    assert!(seen.runs_for(me).is_some() && !seen.boot().is_empty());

    let gone = looked(&job(&dir.path().join("none")), Depth::State).await.unwrap();
    assert_eq!(gone.state().state, State::Idle);
    let folder = looked(&job(dir.path()), Depth::State).await.unwrap_err();
    assert!(folder.why.contains("regular file"), "{folder}");
}

proptest! {
    #[test]
    fn a_pattern_made_of_a_command_line_matches_it_and_with_one_more_word_does_not(
        args in prop::collection::vec("[a-z-]{1,3}", 1..8), keep in prop::collection::vec(any::<bool>(), 8), more in "[A-Z]{1,3}"
    ) {
        let bytes: Vec<Vec<u8>> = args.iter().map(|a| a.clone().into_bytes()).collect();
        let kept: Vec<String> = args.iter().enumerate().filter(|(i, _)| *i == 0 || keep[*i]).map(|(_, a)| a.clone()).collect();
        let words = Argv::try_from(kept).unwrap();
        prop_assert!(found::matches(&words, &bytes));
        prop_assert!(!found::matches(&words.arg(more), &bytes));
    }
}
