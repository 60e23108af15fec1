//! Asks a Postfix how it treats mail that waits: `postconf -x` (postconf(1)), which expands what refers to other parameters.
//! It tells what stands in main.cf, which a running Postfix may not have read yet.

use super::trouble::trouble;
use super::{MAX_OUTPUT, with_sudo};
use crate::domain::argv::Argv;
use crate::domain::horizon::QueueRules;
use crate::domain::queue::{QueueSource, Sudo};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::{RunLimits, Runner};

const LIFETIME: &str = "maximal_queue_lifetime";
const BOUNCE_LIFETIME: &str = "bounce_queue_lifetime";
const MIN_BACKOFF: &str = "minimal_backoff_time";
const MAX_BACKOFF: &str = "maximal_backoff_time";
const DELAY_WARNING: &str = "delay_warning_time";

const SECOND: Span = Span::from_secs(1);
const HOUR: Span = Span::from_hours(1);
const DAY: Span = Span::from_hours(24);

pub(in crate::queue) async fn rules(src: &QueueSource, runner: &Runner, timeout: Span) -> Result<QueueRules, Missed> {
    let argv = command(src);
    if let Some(lifetime) = src.lifetime {
        // Said by the operator, for mail of both kinds; the rest stays unknown.
        return Ok(QueueRules {
            lifetime,
            bounce_lifetime: lifetime,
            retry: None,
            delay_notice: None,
        });
    }
    if let Some(list) = &src.list {
        // Whatever that command lists, a postconf that happens to be there may belong to another Postfix.
        let why = "the queue is listed by a command of its own, so its lifetimes cannot be asked for";
        return Err(Missed::new(Miss::NotFound, runner.shown(list), why).fix("say it with `lifetime`"));
    }
    match ask(&argv, runner, timeout).await {
        // Anybody may read main.cf as it is installed. Where it is closed, or postconf is not in this login's PATH, sudo may.
        Err(missed)
            if src.sudo == Sudo::Yes && matches!(missed.kind, Miss::Denied | Miss::NotFound | Miss::BadAnswer) =>
        {
            ask(&with_sudo(src, argv), runner, timeout).await
        }
        asked => asked,
    }
}

fn command(src: &QueueSource) -> Argv {
    let dir = src.config_dir.iter().flat_map(|d| ["-c", d]);
    let names = [LIFETIME, BOUNCE_LIFETIME, MIN_BACKOFF, MAX_BACKOFF, DELAY_WARNING];
    Argv::new("postconf", dir.chain(["-x"]).chain(names))
}

async fn ask(argv: &Argv, runner: &Runner, timeout: Span) -> Result<QueueRules, Missed> {
    let tried = runner.shown(argv);
    let limits = RunLimits {
        timeout,
        max_output: MAX_OUTPUT,
    };
    let out = runner.run(argv, limits).await?;
    if !out.ok() {
        return Err(trouble(tried, &out));
    }
    parse(&String::from_utf8_lossy(&out.stdout)).map_err(|why| Missed::new(Miss::BadAnswer, tried, why))
}

/// From lines of `name = value`, in any order.
fn parse(text: &str) -> Result<QueueRules, Text> {
    let value = |name: &str| {
        text.lines()
            .filter_map(|l| l.split_once('='))
            .find(|(n, _)| n.trim() == name)
            .map(|(_, v)| v.trim())
    };
    let needed = |name: &str, unit: Span| {
        let v = value(name).ok_or_else(|| Text::from(format!("{name} is not in its answer")))?;
        time(v, unit).ok_or_else(|| Text::from(format!("{name} is `{v}`, which is no length of time")))
    };
    let told = |name: &str, unit: Span| value(name).and_then(|v| time(v, unit));
    let lifetime = needed(LIFETIME, DAY)?;
    Ok(QueueRules {
        lifetime,
        // qmgr(8) does not let a bounce wait longer than other mail: it warns and takes the lower one.
        bounce_lifetime: needed(BOUNCE_LIFETIME, DAY)?.min(lifetime),
        retry: told(MIN_BACKOFF, SECOND).zip(told(MAX_BACKOFF, SECOND)),
        delay_notice: told(DELAY_WARNING, HOUR).filter(|d| *d > Span::ZERO),
    })
}

/// A length of time as postconf(5) has it: a whole number and one of `s m h d w`, or the parameter's own default unit.
fn time(value: &str, default: Span) -> Option<Span> {
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let unit = match &value[digits..] {
        "" => default,
        "s" => SECOND,
        "m" => SECOND * 60,
        "h" => HOUR,
        "d" => DAY,
        "w" => DAY * 7,
        _ => return None,
    };
    // Postfix keeps seconds in a C int, and refuses what does not fit.
    let seconds = value[..digits].parse::<i64>().ok()?.checked_mul(unit.secs())?;
    i32::try_from(seconds).ok().map(|s| Span::from_secs(s.into()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::source;
    use super::*;

    fn answer(values: [&str; 5]) -> String {
        let names = [LIFETIME, BOUNCE_LIFETIME, MIN_BACKOFF, MAX_BACKOFF, DELAY_WARNING];
        (names.iter().zip(values))
            .map(|(n, v)| format!("{n} = {v}\n"))
            .rev()
            .collect()
    }

    #[test]
    fn the_defaults_of_postfix_are_five_days_and_no_delay_notice() {
        let rules = parse(&answer(["5d", "5d", "300s", "4000s", "0h"])).unwrap();
        assert_eq!(
            rules,
            QueueRules {
                lifetime: DAY * 5,
                bounce_lifetime: DAY * 5,
                retry: Some((Span::from_secs(300), Span::from_secs(4_000))),
                delay_notice: None,
            }
        );
    }

    #[test]
    fn a_number_without_a_unit_has_the_unit_of_its_own_parameter() {
        let rules = parse(&answer(["2", "1", "300", "70", "4"])).unwrap();
        assert_eq!((rules.lifetime, rules.bounce_lifetime), (DAY * 2, DAY));
        assert_eq!(rules.retry, Some((SECOND * 300, SECOND * 70)));
        assert_eq!(rules.delay_notice, Some(HOUR * 4));
    }

    #[test]
    fn every_unit_of_postconf_is_known_and_nothing_else_is_a_time() {
        for (text, secs) in [
            ("7s", 7),
            ("7m", 420),
            ("7h", 25_200),
            ("7d", 604_800),
            ("7w", 4_233_600),
            ("0", 0),
        ] {
            assert_eq!(time(text, DAY), Some(Span::from_secs(secs)), "{text}");
        }
        for text in [
            "",
            "d",
            "-1d",
            "1.5h",
            "1h30m",
            "1D",
            "5 d",
            "$x",
            "1y",
            "99999999999w",
            "9223372036854775807",
        ] {
            assert_eq!(time(text, DAY), None, "{text}");
        }
    }

    #[test]
    fn a_lifetime_of_nothing_is_a_single_try_and_a_bounce_waits_no_longer_than_other_mail() {
        let rules = parse(&answer(["0", "5d", "300s", "4000s", "0"])).unwrap();
        assert_eq!((rules.lifetime, rules.bounce_lifetime), (Span::ZERO, Span::ZERO));
    }

    #[test]
    fn lifetimes_that_are_missing_or_odd_are_said_and_never_guessed() {
        let why = parse("").unwrap_err();
        assert!(why.contains(LIFETIME), "{why}");
        let why = parse(&answer(["5d", "soon", "300s", "4000s", "0h"])).unwrap_err();
        assert!(why.contains("soon"), "{why}");
        let rules = parse(&answer(["5d", "5d", "now", "4000s", "never"])).unwrap();
        assert_eq!((rules.retry, rules.delay_notice), (None, None));
    }

    #[test]
    fn another_instance_is_told_to_postconf_itself() {
        let src = QueueSource {
            config_dir: Some("/etc/postfix-out".into()),
            ..source()
        };
        let shown = command(&src).quoted();
        assert!(
            shown.starts_with("postconf -c /etc/postfix-out -x maximal_queue_lifetime "),
            "{shown}"
        );
    }
}
