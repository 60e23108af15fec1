//! The script that signals: it is shown whole, so it is short. Each process is named by its number and its start, and one
//! that is not both any more is not signalled. Parents are stopped first and continued last; what they started since is
//! found by their numbers, because a stopped process starts nothing. A stop that fails half-way is taken back.

use super::Process;
use crate::domain::argv::Argv;
use crate::domain::queue::Sudo;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Signal {
    Stop,
    Continue,
}

/// `k` sends. `at` reads the state, the parent and the start of a process; of its line only what follows the last bracket
/// counts, for the name before may hold anything. `kids` prints what these started, each with its parent, parents first.
/// `s` sends to one that was just read; when that fails and it is there still, all that was stopped goes on.
const SCRIPT: &str = "\
    LC_ALL=C; export LC_ALL; g=$1 b=$2; shift 2; did= new= gone=; \
    at() { l=; { while IFS= read -r r || [ \"$r\" ]; do l=\"$l $r\"; done; } 2>/dev/null <\"/proc/$1/stat\"; \
    set -f; set -- ${l##*) }; set +f; z=$1 up=$2 born=${20}; case $z in Z|X|x) born=;; esac; }; \
    kids() { printf '%s\\n' /proc/[0-9]*/status | xargs grep -s '^PPid:' /dev/null | awk -F'[/:\\t]+' -v q=\"$*\" \
    '{k[$6]=k[$6] \" \" $3} END {n=split(q,a,\" \"); for(i=1;i<=n;i++) s[a[i]]; \
    for(i=1;i<=n;i++) {m=split(k[a[i]],c,\" \"); for(j=1;j<=m;j++) if(!(c[j] in s)) {s[c[j]]; a[++n]=c[j]; print c[j] \":\" a[i]}}}'; }; \
    s() { if k \"-$g\" \"$1\"; then did=\"$1 $did\"; return; fi; w=$born; at \"$1\"; if [ \"$born\" != \"$w\" ]; then gone=\"$gone $1\"; return; fi; \
    echo \"$1 could not be signalled\" >&2; if [ $g = STOP ]; then for p in $did; do k -CONT $p; done; fi; exit 1; }; \
    [ \"$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)\" = \"$b\" ] || { echo 'the host was started anew, so nothing was signalled' >&2; exit 3; }; \
    if [ $g = CONT ]; then v=; for x; do at ${x%:*}; if [ \"$born\" = ${x#*:} ]; then v=\"$v ${x%:*}\"; fi; done; c=; for x in $(kids $v); do c=\"$x $c\"; done; \
    for x in $c; do p=${x%:*}; case \" $* \" in *\" $p:\"*) continue;; esac; at $p; if [ \"$z$up\" = T${x#*:} ]; then s $p; new=\"$new $p\"; fi; done; fi; \
    for x; do at ${x%:*}; if [ \"$born\" = ${x#*:} ]; then s ${x%:*}; else gone=\"$gone ${x%:*}\"; fi; done; \
    [ \"$did\" ] || { echo 'none of these processes is there any more, so nothing was signalled' >&2; exit 3; }; \
    if [ $g = STOP ]; then for i in 1 2 3; do c=$(kids $did); for x in $c; do p=${x%:*}; at $p; if [ \"$born\" ] && [ \"$up\" = ${x#*:} ]; then \
    s $p; new=\"$new $p\"; fi; done; done; fi; \
    echo \"SIG$g to $did${new:+(started since:$new)}${gone:+(not there any more:$gone)}\"";

/// The command that signals these, given parents first.
pub(in super::super) fn command(
    signal: Signal,
    boot: &str,
    processes: &[&Process],
    sudo: Sudo,
    user: Option<&str>,
) -> Argv {
    let named = processes.iter().map(|p| format!("{}:{}", p.pid, p.born));
    let (word, named): (_, Vec<String>) = match signal {
        Signal::Stop => ("STOP", named.collect()),
        Signal::Continue => ("CONT", named.rev().collect()),
    };
    let by = by(sudo, user);
    let script = format!("k() {{ {} \"$@\"; }}; {SCRIPT}", by.quoted());
    let args = [script, "sh".into(), word.into(), boot.to_owned()];
    Argv::new("sh", ["-c".to_owned()].into_iter().chain(args).chain(named))
}

/// What sends one signal.
pub(in super::super) fn by(sudo: Sudo, user: Option<&str>) -> Argv {
    let kill = Argv::new("kill", [""; 0]);
    match (sudo, user) {
        (Sudo::No, _) => kill,
        (Sudo::Yes, None) => kill.under(&["sudo", "-n"]),
        (Sudo::Yes, Some(user)) => kill.under(&["sudo", "-n", "-u", user]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::MAX_COMMAND;

    fn tree(n: u32) -> Vec<Process> {
        let one = |i| Process {
            pid: 4_194_304 - i,
            born: 1_000_000_000_000 + u64::from(i),
            ..Process::default()
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn parents_are_stopped_first_and_continued_last() {
        let tree = tree(2);
        let given = |signal| {
            let argv = command(signal, "b00t", &tree.iter().collect::<Vec<_>>(), Sudo::No, None);
            assert!(argv.args()[1].starts_with("k() { kill \"$@\"; }; "));
            argv.args()[2..].join(" ")
        };
        assert_eq!(
            given(Signal::Stop),
            "sh STOP b00t 4194304:1000000000000 4194303:1000000000001"
        );
        assert_eq!(
            given(Signal::Continue),
            "sh CONT b00t 4194303:1000000000001 4194304:1000000000000"
        );
    }

    #[test]
    fn sudo_sends_each_signal_as_the_jobs_user() {
        assert_eq!(by(Sudo::No, Some("vmail")).quoted(), "kill");
        assert_eq!(by(Sudo::Yes, None).quoted(), "sudo -n kill");
        assert_eq!(
            by(Sudo::Yes, Some("dom\\vmail")).quoted(),
            "sudo -n -u 'dom\\vmail' kill"
        );
    }

    #[test]
    fn the_largest_tree_fits_into_what_can_be_shown_also_in_base64() {
        let (tree, boot) = (tree(64), "3d1bfcba-bd3e-458c-8f16-39590a56465b");
        let argv = command(
            Signal::Continue,
            boot,
            &tree.iter().collect::<Vec<_>>(),
            Sudo::Yes,
            Some("vmail"),
        );
        let quoted = argv.quoted().len();
        assert!(quoted * 4 / 3 + 600 < MAX_COMMAND, "{quoted}");
    }
}
