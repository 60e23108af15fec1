//! What systemd 252 and a Linux 6.1 told, and what nobody would wish them to tell.

use super::*;
use crate::domain::Name;
use crate::domain::action::ActionId;
use crate::domain::job::{JobKind, SystemdPause};
use crate::domain::queue::Sudo;
use proptest::prelude::*;

fn spec() -> JobSpec {
    JobSpec {
        name: "compact".into(),
        kind: JobKind::Systemd {
            unit: "w.service".into(),
            how: SystemdPause::Freeze,
            timer: None,
            sudo: Sudo::No,
        },
        timeout: Span::from_secs(5),
    }
}

fn timers(said: &str) -> Vec<Lease> {
    let mut leases = Leases::default();
    leases.add_timers(&spec(), said.as_bytes(), &parse_show(said.as_bytes()));
    leases.all
}

/// What is said of one timer by a server with this wall clock, which differs from the true one by so many seconds.
fn said(clock_is_off: i64) -> String {
    let now: jiff::Timestamp = "2026-11-24T03:42:36Z".parse().unwrap();
    let shown = now + jiff::SignedDuration::from_secs(clock_is_off);
    let due = (shown + jiff::SignedDuration::from_secs(1_770)).strftime("%a %Y-%m-%d %H:%M:%S UTC");
    format!(
        "wall {}\nnext {due} 29min left - - mailtop-resume:unit.w.service:p7.timer mailtop-resume:unit.w.service:p7.service\n\n\
         Id=mailtop-resume:unit.w.service:p7.timer\nDescription=mailtop:ops@here:tables_locked\nLoadState=loaded\n\
         ActiveState=active\nSubState=waiting\n",
        shown.as_second()
    )
}

#[test]
fn a_timer_tells_who_armed_it_why_and_in_how_long_it_fires_whatever_the_wall_clock_there_says() {
    for clock_is_off in [0, 3_600, -3_600, 86_400 * 400] {
        let [lease] = &*timers(&said(clock_is_off)) else {
            panic!()
        };
        assert_eq!(
            lease.armed,
            Armed {
                id: ActionId(Name::new("p7")),
                keeper: Keeper::Timer,
                fires_in: Some(Span::from_secs(1_770)),
                by: Some("ops@here".into()),
                why: Some("tables locked".into()),
            },
            "{clock_is_off}"
        );
        assert_eq!(
            (&*lease.name, lease.kept),
            ("mailtop-resume:unit.w.service:p7", Kept::Timer)
        );
    }
}

#[test]
fn what_a_timer_does_not_tell_is_not_known() {
    let whole = said(0);
    for (from, to) in [
        (" UTC", " CET"),
        ("next ", "nxt "),
        ("wall ", "wall x"),
        ("p7.timer mail", "p8.timer mail"),
    ] {
        let [lease] = &*timers(&whole.replace(from, to)) else {
            panic!()
        };
        assert_eq!(lease.armed.fires_in, None, "{from}");
    }
    let other = whole.replace("Description=mailtop:", "Description=");
    assert_eq!(timers(&other)[0].armed.by, None);
    assert_eq!(timers(&whole.replace("ActiveState=active", "ActiveState=inactive")), []);
    assert_eq!(
        timers(&whole.replace("Id=mailtop-resume:unit.w", "Id=mailtop-resume:unit.x")),
        []
    );
}

fn hex(args: &[&str]) -> String {
    let bytes = args.iter().flat_map(|a| a.bytes().chain([0]));
    bytes.fold(String::new(), |all, b| format!("{all} {b:02x}"))
}

/// One process as the script shows it: number, session, and its arguments.
fn process(pid: u32, session: u32, args: &[&str]) -> String {
    let rest = (0..13).map(|_| " 0").collect::<String>();
    format!(
        "s {pid} S 1 {pid} {session} 0{rest} 0 50000 0 0\nUid:\t7\t7\t7\t7\n{}\n",
        hex(args)
    )
}

const HOST: &str = "me 7\nsees all\nhz 100\nup 530.50\n";
const NAME: &str = "mailtop-resume:unit.w.service:p7";

#[test]
fn a_watcher_tells_the_same_from_its_command_line_and_its_age() {
    let script = format!("{} trap", watcher::MARK);
    let args = [
        "sh",
        "-c",
        &script,
        NAME,
        "mailtop:a@b:it_waits",
        "60",
        "systemctl",
        "thaw",
    ];
    let leases = watchers(
        &spec(),
        format!("{HOST}{}search 1\n", process(42, 42, &args)).as_bytes(),
    );
    let [lease] = &*leases.all else { panic!("{leases:?}") };
    assert_eq!(lease.kept, Kept::Watcher { owner: Some(7) });
    assert_eq!(
        lease.armed,
        Armed {
            id: ActionId(Name::new("p7")),
            keeper: Keeper::Watcher,
            fires_in: Some(Span::from_millis(29_500)),
            by: Some("a@b".into()),
            why: Some("it waits".into()),
        }
    );
    assert_eq!((leases.uid, leases.beware.len()), (Some(7), 0));
    // Past its end: its sleep did not count what its age does.
    let late = HOST.replace("up 530.50", "up 990.5") + &process(42, 42, &args);
    assert_eq!(watchers(&spec(), late.as_bytes()).all[0].armed.fires_in, None);
}

#[test]
fn what_only_looks_like_a_watcher_is_none() {
    let script = format!("{} trap", watcher::MARK);
    let good = ["sh", "-c", &*script, NAME, "d", "60", "true"];
    let with = |at: usize, what: &'static str| {
        let mut args = good;
        args[at] = what;
        process(42, 42, &args)
    };
    for other in [
        process(42, 41, &good),
        process(42, 42, &good[..5]),
        process(42, 42, &good).replace(" S 1 ", " Z 1 "),
        with(1, "-x"),
        with(2, "p=$(setsid sh -c ': mailtop watcher;')"),
        with(3, "mailtop-resume:unit.other.service:p7"),
        with(3, "mailtop-resume:unit.w.service:p7;reboot"),
        with(5, "soon"),
        with(5, "-1"),
        with(5, "99999999999999999999"),
    ] {
        let leases = watchers(&spec(), format!("{HOST}{other}search 1\n").as_bytes());
        assert_eq!(leases.all, [], "{other}");
    }
    assert_eq!(
        watchers(
            &spec(),
            format!("{HOST}{}search 1\n", process(42, 42, &good)).as_bytes()
        )
        .all
        .len(),
        1
    );
}

#[test]
fn what_could_not_be_looked_for_is_said_and_not_called_absent() {
    let words = |found: &str| {
        watchers(&spec(), found.as_bytes())
            .beware
            .iter()
            .map(Text::to_string)
            .collect::<String>()
    };
    assert_eq!(words(&format!("{HOST}search 1\n")), "");
    assert!(words(&format!("{HOST}search 0\n")).contains("not searched"));
    assert!(words(&format!("{}search 1\n", HOST.replace("all", "own"))).contains("hidepid"));
    assert!(words("").contains("not searched"));
}

#[tokio::test]
async fn this_host_is_searched() {
    let leases = ask(&spec(), &Runner::local(), Depth::Plan).await.unwrap();
    assert_eq!((leases.all.len(), leases.beware.len()), (0, 0), "{leases:?}");
    assert!(leases.uid.is_some() && leases.can.watcher);
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_tell_more_than_its_bound(bytes in prop::collection::vec(any::<u8>(), 0..600), lines in "((s|Uid:|next|wall|me|up|hz| 6d) ?[0-9 .]{0,40}\n){0,9}") {
        for answer in [&bytes[..], lines.as_bytes()] {
            let mut leases = watchers(&spec(), answer);
            leases.add_timers(&spec(), answer, &parse_show(answer));
            prop_assert!(leases.all.len() <= MOST);
        }
    }
}

#[test]
fn what_a_timer_runs_is_read_also_where_a_shell_gets_it_as_data() {
    // In the order in which systemd 252 prints them.
    let text = "does ExecStart={ path=/usr/bin/systemctl ; argv[]=/usr/bin/systemctl thaw w.service ; ignore_errors=no }\n\
                does StandardInputData=\ndoes Id=a:p1.service\ndoes \n\
                does ExecStart={ path=/bin/sh ; argv[]=/bin/sh ; }\ndoes StandardInputData=c3lzdGVtY3RsIHN0YXJ0IHcudGltZXIK\n\
                does Id=a:p2.service\n";
    let [(one, first), (two, second)] = &*does(text) else {
        panic!("{:?}", does(text))
    };
    assert_eq!((&**one, &**two), ("a:p1", "a:p2"));
    assert!(
        first.contains("systemctl thaw w.service") && !first.contains("timer"),
        "{first}"
    );
    assert!(second.ends_with("systemctl start w.timer\n"), "{second}");
}
