use std::fmt::Write as _;

use super::*;
use proptest::prelude::*;

/// A shell that holds a lock by what it inherited, its child, a thread of the kernel and a zombie; as `look.sh` prints them.
pub(in super::super) const ANSWER: &str = include_str!("fixture.txt");

#[test]
fn an_answer_is_read_with_everything_that_it_says() {
    let answer = parse(ANSWER.as_bytes()).unwrap();
    assert_eq!((answer.me, answer.my_user, answer.now), (900, Some(1000), Some(50_000)));
    assert!(answer.sees_all && answer.searched == Some(true) && answer.boot.starts_with("3d1b"));
    assert_eq!(answer.mine, [900, 899, 1]);
    let [kernel, rsync, gzip, zombie] = &*answer.processes else {
        panic!("{:?}", answer.processes)
    };
    assert!(kernel.is_kernel() && kernel.args.is_empty() && !rsync.is_kernel());
    assert_eq!(rsync.args, [&b"/usr/bin/rsync"[..], b"-a", b"--backup"]);
    assert_eq!(
        (rsync.pid, rsync.parent, rsync.born, rsync.user),
        (700, 1, 20_000, Some(1001))
    );
    assert!(rsync.is_stopped() && rsync.is_on_terminal() && !rsync.is_stopping());
    // A line break and an empty argument are part of a command line; what it holds is no line of the answer.
    assert_eq!(gzip.args, [&b"gzip"[..], b"a\ns 1", b""]);
    assert!(gzip.is_stopping() && gzip.letter == 'D' && !gzip.is_stopped());
    assert!(zombie.is_dead());
    assert_eq!((&*answer.denied, &*answer.blind), (&[701][..], &[701][..]));
    assert_eq!(&*answer.names[&1001], "backup");
    assert_eq!(answer.held[0].path.as_deref(), Some("/run/x␛"));
    assert_eq!(
        (answer.held.len(), answer.waits.len(), answer.waits[0].pid),
        (4, 1, 810)
    );
}

#[test]
fn an_answer_that_was_cut_is_none() {
    let whole = ANSWER.strip_suffix("end\n").unwrap();
    assert!(parse(whole.as_bytes()).unwrap_err().contains("no end"));
    assert!(parse(b"me 5 0\nsees own\nend\n").unwrap_err().contains("/proc"));
}

#[test]
fn a_pid_file_comes_with_its_age_or_with_what_is_wrong() {
    let of = |lines: &str| {
        let text = format!("me 900 0\ns 900 R 899 900 1 0 -1 0 1 1 0 0 0 0 0 0 20 0 1 0 50000 1 1\n{lines}\nend\n");
        parse(text.as_bytes()).unwrap().pid_file
    };
    assert_eq!(
        of("file is\n 31 32 0a\nage 1000 400"),
        PidFile::Is(b"12\n".to_vec(), Some(600))
    );
    assert_eq!(of("file is\n\nage 1000 "), PidFile::Is(vec![], None));
    // Written in the future: the clock was set.
    assert_eq!(of("file is\n 31\nage 400 1000"), PidFile::Is(b"1".to_vec(), None));
    assert_eq!(of("file none"), PidFile::None);
    assert_eq!(
        of("file error x: Permission denied"),
        PidFile::Error("x: Permission denied".into())
    );
    assert_eq!(of(""), PidFile::NotAsked);
}

#[test]
fn a_command_line_that_fills_what_is_read_is_known_to_be_cut() {
    let with = |bytes: usize| {
        let mut text = String::from(
            "me 900 0\ns 900 R 899 900 1 0 -1 0 1 1 0 0 0 0 0 0 20 0 1 0 50000 1 1\n\
             s 7 S 1 7 1 0 -1 0 1 1 0 0 0 0 0 0 20 0 1 0 500 1 1\nc 7\n",
        );
        for _ in 0..bytes / 16 {
            text.push_str(" 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61\n");
        }
        parse(format!("{text}end\n").as_bytes()).unwrap().processes.remove(0)
    };
    let (short, long) = (with(LINE_MAX - 16), with(LINE_MAX));
    assert_eq!((short.cut, long.cut), (false, true));
    assert_eq!(long.line(20).chars().count(), 21);
}

proptest! {
    #[test]
    fn no_bytes_break_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }
    #[test]
    fn no_lines_break_the_parser(lines in prop::collection::vec(
        "(me|s|c|a|l|n|denied|blind|file is|file|age|/proc/7/status:Uid:|/proc/7/fdinfo/3:lock:| 61)[ 0-9a-z:>-]{0,30}", 0..40)) {
        let _ = parse(format!("{}\nend\n", lines.join("\n")).as_bytes());
    }
    #[test]
    fn a_command_line_comes_out_as_it_went_in(args in prop::collection::vec(prop::collection::vec(1u8.., 1..40), 1..6)) {
        let bytes: Vec<u8> = args.iter().flat_map(|a| a.iter().copied().chain([0])).collect();
        let mut text = String::from("me 900 0\ns 900 R 899 900 1 0 -1 0 1 1 0 0 0 0 0 0 20 0 1 0 50000 1 1\ns 7 S 1 7 1 0 -1 0 1 1 0 0 0 0 0 0 20 0 1 0 500 1 1\nc 7\n");
        for line in bytes.chunks(16) {
            for byte in line { write!(text, " {byte:02x}").unwrap(); }
            text.push('\n');
        }
        text.push_str("end\n");
        prop_assert_eq!(&parse(text.as_bytes()).unwrap().processes[0].args, &args);
    }
}
