//! The rules for Postfix's valves, as they are closed and opened where main.cf has no value of its own for the setting. With one, a
//! command carries that value too; it is read only when a plan is made, and no rule can know it.

use super::super::postfix::Job;
use super::{Arguments, Needs, SudoRule, There, arm};
use crate::domain::Text;
use crate::domain::action::Verb;
use crate::domain::argv::Argv;
use crate::domain::job::{JobSpec, Valve, ValveKind};
use crate::domain::queue::Sudo;

/// Closing is taken back by what opens, and the other way round.
const BOTH: &[Verb] = &[Verb::Pause, Verb::Resume];
/// Where the queue is read, sudo may have to list it.
const READS: &[Verb] = &[Verb::Pause, Verb::Resume, Verb::Extend, Verb::Flush];

pub(super) fn needs(spec: &JobSpec, valve: &Valve, there: &There) -> Needs {
    if valve.sudo == Sudo::No {
        return Needs::default();
    }
    let tool = |program: &str, words: &[&str]| {
        let dir = valve.config_dir.iter().flat_map(|d| ["-c", d]);
        Argv::new(program, dir.chain(words.iter().copied()))
    };
    let rule = |verbs: &[Verb], argv: &Argv| {
        SudoRule::root(verbs, argv.program(), Arguments::exact(argv.args().iter().cloned()))
    };
    // What a plan writes.
    let settings: Vec<(&str, String)> = match Job::of(spec) {
        Ok(job) => job.ours().into_iter().map(|o| (o.name, o.value)).collect(),
        Err(_) => return Needs::default(),
    };
    let mut rules = vec![];
    let mut opens = vec![];
    for (name, value) in &settings {
        rules.push(rule(BOTH, &tool("postconf", &["-e", &format!("{name}={value}")])));
        let unset = tool("postconf", &["-X", name]);
        rules.push(rule(BOTH, &unset));
        opens.push(unset);
    }
    let reload = tool("postfix", &["reload"]);
    rules.push(rule(BOTH, &reload));
    opens.push(reload);
    let mut backs = vec![opens.clone()];
    if valve.what == ValveKind::Hold {
        rules.push(rule(&[Verb::Pause], &tool("postsuper", &["-h", "ALL"])));
        backs.clear();
        for release in [&["-H", "ALL"][..], &["-r", "ALL", "hold"]] {
            let release = tool("postsuper", release);
            rules.push(rule(&[Verb::Resume], &release));
            backs.push(opens.iter().cloned().chain([release]).collect());
        }
    }
    rules.push(rule(READS, &tool("postqueue", &["-j"])));
    rules.push(rule(&[Verb::Flush], &tool("postqueue", &["-f"])));
    let names = settings.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(" and ");
    let mut cannot: Vec<Text> = vec![
        format!(
            "this holds while main.cf sets no {names} of its own: a command that keeps another value beside ours holds that value, \
             and has no rule here"
        )
        .into(),
    ];
    for back in backs {
        match there.located(&back) {
            Some(back) => rules.push(arm::of_root(spec, &back)),
            None => cannot
                .push("no rule for arming the end of a pause: where Postfix's programs are there is not known".into()),
        }
    }
    rules.push(arm::disarms(spec));
    Needs {
        rules,
        cannot,
        ..Needs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules;
    use super::*;
    use crate::domain::Span;
    use crate::domain::job::JobKind;

    fn lines(what: ValveKind, config_dir: Option<&str>) -> Vec<String> {
        let spec = JobSpec {
            name: "valve".into(),
            kind: JobKind::Postfix(Box::new(Valve {
                config_dir: config_dir.map(str::to_owned),
                what,
                sudo: Sudo::Yes,
            })),
            timeout: Span::from_secs(5),
        };
        let there = There::usual();
        let lines = rules(&spec, &there)
            .rules
            .iter()
            .map(|r| r.line(&there).unwrap())
            .collect::<Vec<_>>();
        lines
            .iter()
            .map(|l| l.replace("ALL=(root) NOPASSWD: NOSETENV: ", ""))
            .collect()
    }

    #[test]
    fn holding_and_letting_go_are_allowed_and_nothing_else_of_postsuper() {
        let all = lines(ValveKind::Hold, None);
        for line in [
            "/usr/sbin/postconf ^-e header_checks=static:HOLD$",
            "/usr/sbin/postconf -X header_checks",
            "/usr/sbin/postfix reload",
            "/usr/sbin/postsuper -h ALL",
            "/usr/sbin/postsuper -H ALL",
            "/usr/sbin/postsuper -r ALL hold",
            "/usr/sbin/postqueue -j",
            "/usr/sbin/postqueue -f",
        ] {
            assert!(all.iter().any(|l| l == line), "{line}\n{all:#?}");
        }
        assert!(all.iter().all(|l| !l.contains("-d ")), "{all:#?}");
        let arms: Vec<_> = all.iter().filter(|l| l.contains("systemd-run")).collect();
        assert!(arms[0].ends_with(r"/usr/sbin/postconf -X header_checks \|\| true && /usr/sbin/postfix reload \|\| true && /usr/sbin/postsuper -H ALL$"), "{arms:#?}");
        assert!(
            arms.len() == 2 && arms[1].ends_with("postsuper -r ALL hold$"),
            "{arms:#?}"
        );
    }

    #[test]
    fn a_deferred_destination_of_another_instance_is_written_out() {
        let what = ValveKind::Defer {
            transports: vec!["smtp".into()],
            destinations: vec!["a.example".into()],
        };
        let all = lines(what, Some("/etc/postfix-out"));
        for line in [
            "/usr/sbin/postconf ^-c /etc/postfix-out -e defer_transports=smtp,mailtop-paused$",
            r"/usr/sbin/postconf ^-c /etc/postfix-out -e transport_maps=inline:\{a\.example=mailtop-paused:}$",
            "/usr/sbin/postfix -c /etc/postfix-out reload",
        ] {
            assert!(all.iter().any(|l| l == line), "{line}\n{all:#?}");
        }
        let intake = lines(
            ValveKind::Intake {
                services: vec!["smtp.inet".into()],
            },
            None,
        );
        assert!(
            intake.contains(&"/usr/sbin/postconf ^-e master_service_disable=smtp/inet$".to_owned()),
            "{intake:#?}"
        );
    }
}
